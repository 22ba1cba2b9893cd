/* Paths that a table of routes takes, and those that it does not. */
#include "serve/routes.h"

#include "tap.h"

static void nothing(void *ctx, struct cs_question *question)
{
}

static const struct cs_route rows[] = {
    {CS_METHOD_GET, "/ca.pem", 0, NULL, nothing},
    {CS_METHOD_GET, "/crl/{}.crl", 0, NULL, nothing},
    {CS_METHOD_GET, "/crl/{}/{}.crl", 0, NULL, nothing},
    {CS_METHOD_POST, "/v1/enrol", 0, NULL, nothing},
    {CS_METHOD_GET, "/v1/enrol", 0, NULL, nothing},
    {CS_METHOD_POST, "/things/{}", 0, NULL, nothing},
    {CS_METHOD_PUT, "/things/{}", 0, NULL, nothing},
    {CS_METHOD_GET, "/things/{}/parts", 0, NULL, nothing},
    {CS_METHOD_GET, "/all/{}/{*}", 0, NULL, nothing},
};

static const struct cs_routes routes = {rows, sizeof(rows) / sizeof(rows[0])};

static const struct {
    enum cs_http_method method;
    const char *path;
    int row; /* -1: none */
    const char *first, *second;
    unsigned methods; /* when there is none */
} cases[] = {
    {CS_METHOD_GET, "/ca.pem", 0, NULL, NULL, 0},
    {CS_METHOD_HEAD, "/ca.pem", 0, NULL, NULL, 0},
    {CS_METHOD_POST, "/ca.pem", -1, NULL, NULL, CS_METHOD_GET | CS_METHOD_HEAD},
    {CS_METHOD_GET, "/ca.pem/", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/ca.pe", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7.crl", 1, "7", NULL, 0},
    {CS_METHOD_GET, "/crl/.crl", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7.crl.crl", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7.pem", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7/12.crl", 2, "7", "12", 0},
    {CS_METHOD_GET, "/crl/7//12.crl", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl//12.crl", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/7/1/2.crl", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/crl/'; drop table x.crl", 1, "'; drop table x", NULL, 0},
    {CS_METHOD_POST, "/v1/enrol", 3, NULL, NULL, 0},
    {CS_METHOD_HEAD, "/v1/enrol", 4, NULL, NULL, 0},
    {CS_METHOD_DELETE, "/v1/enrol", -1, NULL, NULL,
     CS_METHOD_POST | CS_METHOD_GET | CS_METHOD_HEAD},
    {CS_METHOD_POST, "/things/a b", 5, "a b", NULL, 0},
    {CS_METHOD_POST, "/things/a/b", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/things/a/parts", 7, "a", NULL, 0},
    {CS_METHOD_GET, "/all/a/b", 8, "a", "b", 0},
    {CS_METHOD_GET, "/all/a//b/c=/", 8, "a", "/b/c=/", 0},
    {CS_METHOD_GET, "/all/a/", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/all/a", -1, NULL, NULL, 0},
    {CS_METHOD_GET, "/things/a", -1, NULL, NULL, CS_METHOD_POST | CS_METHOD_PUT},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_str holes[CS_ROUTE_HOLES] = {0};
        unsigned methods = 0;
        const struct cs_route *row =
            cs_routes_find(&routes, cases[i].method, cs_str_from(cases[i].path), holes, &methods);
        tap_int(row ? row - rows : -1, cases[i].row, cases[i].path);
        if (!row)
            tap_int(methods, cases[i].methods, "  its methods");
        if (row && cases[i].first)
            tap_str(holes[0], cs_str_from(cases[i].first), "  its first hole");
        if (row && cases[i].second)
            tap_str(holes[1], cs_str_from(cases[i].second), "  its second hole");
    }
    return tap_done();
}
