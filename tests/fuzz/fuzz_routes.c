/* A path held against patterns like those of the authority: the first byte chooses a method. What
 * matches is the pattern again with the holes filled in, and what is said about methods is so. */
#include <string.h>

#include "base/arena.h"
#include "base/panic.h"
#include "serve/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cs_route rows[] = {
    {CS_METHOD_POST, "/v1/enrol", 0, "application/json", NULL},
    {CS_METHOD_GET, "/ca.pem", CS_ROUTE_PLAIN, NULL, NULL},
    {CS_METHOD_GET, "/crl/{}.crl", CS_ROUTE_PLAIN, NULL, NULL},
    {CS_METHOD_GET, "/crl/{}/{}.crl", CS_ROUTE_PLAIN, NULL, NULL},
    {CS_METHOD_POST, "/ocsp", CS_ROUTE_PLAIN, "application/ocsp-request", NULL},
    {CS_METHOD_GET, "/ocsp/{*}", CS_ROUTE_PLAIN, NULL, NULL},
    {CS_METHOD_POST, "/{}-{}", 0, NULL, NULL},
};
static const struct cs_routes routes = {rows, sizeof(rows) / sizeof(rows[0])};
static const enum cs_http_method methods[] = {CS_METHOD_GET, CS_METHOD_HEAD, CS_METHOD_POST,
                                              CS_METHOD_PUT, CS_METHOD_DELETE};

/* @pattern with what stood at its holes. */
static struct cs_str fill(struct cs_str pattern, const struct cs_str *holes, struct cs_arena *arena)
{
    struct cs_str text = {0};
    size_t n = 0;

    while (pattern.len) {
        ptrdiff_t at = cs_str_find(pattern, '{');
        size_t plain = at < 0 ? pattern.len : (size_t)at;
        bool rest = at >= 0 && pattern.ptr[at + 1] == '*';
        text = cs_arena_cat(arena, text, cs_str_sub(pattern, 0, plain));
        pattern = cs_str_skip(pattern, plain);
        if (at < 0)
            break;
        cs_assert(n < CS_ROUTE_HOLES && holes[n].len > 0);
        cs_assert(rest || cs_str_find(holes[n], '/') < 0);
        text = cs_arena_cat(arena, text, holes[n++]);
        pattern = cs_str_skip(pattern, rest ? 3 : 2);
    }
    return text;
}

static bool takes(const struct cs_route *row, enum cs_http_method method)
{
    return row->method == method || (row->method == CS_METHOD_GET && method == CS_METHOD_HEAD);
}

static void check_methods(struct cs_str path, unsigned sum)
{
    struct cs_str holes[CS_ROUTE_HOLES];
    unsigned ignored;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        cs_assert((cs_routes_find(&routes, methods[i], path, holes, &ignored) != NULL) ==
                  ((sum & methods[i]) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str path = cs_str_make(data, size), holes[CS_ROUTE_HOLES];
    enum cs_http_method method;
    struct cs_arena arena = {0};
    const struct cs_route *row;
    unsigned sum = 0;

    if (size == 0)
        return 0;
    method = methods[data[0] % (sizeof(methods) / sizeof(methods[0]))];
    path = cs_str_skip(path, 1);
    row = cs_routes_find(&routes, method, path, holes, &sum);
    if (row) {
        cs_assert(takes(row, method));
        cs_assert(cs_str_eq(fill(cs_str_from(row->pattern), holes, &arena), path));
    } else {
        check_methods(path, sum);
    }
    cs_arena_deinit(&arena);
    return 0;
}
