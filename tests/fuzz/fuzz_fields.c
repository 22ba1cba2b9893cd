/* The body of a request to the authority, read into a struct: all of it or nothing, within the
 * bounds that the fields have, the same twice, and nothing may follow the object. */
#include <stddef.h>

#include "base/arena.h"
#include "base/panic.h"
#include "serve/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOKEN_MAX = 32, NUMBER_MIN = 1, NUMBER_MAX = 1000000 };

struct body {
    struct cs_str token, identity;
    int64_t ttl;
};

static const struct cs_field fields[] = {
    {"token", CS_FIELD_TEXT, true, offsetof(struct body, token), 0, TOKEN_MAX},
    {"identity", CS_FIELD_TEXT, false, offsetof(struct body, identity), 0, 4},
    {"ttl", CS_FIELD_NUMBER, false, offsetof(struct body, ttl), NUMBER_MIN, NUMBER_MAX},
};
static const struct body empty = {.ttl = -7};

static int read_body(struct cs_str json, struct cs_arena *arena, struct body *ret)
{
    struct cs_findings findings;
    int r;

    *ret = empty;
    cs_findings_init(&findings, arena);
    r = cs_fields_read(json, fields, sizeof(fields) / sizeof(fields[0]), arena, &findings, ret);
    cs_assert(r == 0 || r == CS_FIELDS_REFUSED);
    cs_assert((r != 0) == (findings.n_errors != 0));
    return r;
}

static void check_text(struct cs_str text, size_t max)
{
    cs_assert(text.len <= max && cs_str_find(text, '\0') < 0);
}

static void check_more(struct cs_str json, const char *more, int wanted, struct cs_arena *arena)
{
    struct body body;

    cs_assert(read_body(cs_arena_cat(arena, json, cs_str_from(more)), arena, &body) == wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cs_str json = cs_str_make(data, size);
    struct cs_arena arena = {0};
    struct body body, again;

    if (read_body(json, &arena, &body)) {
        cs_assert(!body.token.ptr && !body.identity.ptr && body.ttl == empty.ttl);
    } else {
        cs_assert(body.token.ptr);
        check_text(body.token, TOKEN_MAX);
        check_text(body.identity, 4);
        cs_assert(body.ttl == empty.ttl || (body.ttl >= NUMBER_MIN && body.ttl <= NUMBER_MAX));
        cs_assert(read_body(json, &arena, &again) == 0);
        cs_assert(cs_str_eq(body.token, again.token) && body.ttl == again.ttl);
        check_more(json, " \r\n\t", 0, &arena);
        check_more(json, "{}", CS_FIELDS_REFUSED, &arena);
        check_more(json, ",", CS_FIELDS_REFUSED, &arena);
    }
    cs_arena_deinit(&arena);
    return 0;
}
