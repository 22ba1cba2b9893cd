/* Text before, hole, text behind: no backtracking, since a hole ends where the next text of the
 * pattern is first found, or takes all that is left. */
#include "serve/routes.h"

#include "base/panic.h"

enum hole { NO_HOLE, HOLE, REST };

/* Up to the first hole of *@pattern, which moves behind it. */
static struct cs_str literal(struct cs_str *pattern, enum hole *ret_hole)
{
    ptrdiff_t at = cs_str_find(*pattern, '{');
    struct cs_str text = at < 0 ? *pattern : cs_str_sub(*pattern, 0, (size_t)at);
    struct cs_str hole = at < 0 ? (struct cs_str){0} : cs_str_skip(*pattern, (size_t)at);

    *ret_hole = at < 0 ? NO_HOLE : cs_str_starts(hole, CS_STR("{*}")) ? REST : HOLE;
    *pattern = cs_str_skip(hole, *ret_hole == REST ? 3 : 2);
    return text;
}

/* How long the hole at the front of @path is when @behind has to follow it. */
static size_t hole_length(struct cs_str path, struct cs_str behind)
{
    ptrdiff_t slash = cs_str_find(path, '/');
    struct cs_str segment = slash < 0 ? path : cs_str_sub(path, 0, (size_t)slash);
    ptrdiff_t end;

    if (!behind.len)
        return path.len == segment.len ? path.len : 0;
    if (behind.ptr[0] == '/')
        return segment.len;
    end = cs_str_search(segment, behind);
    return end < 0 ? 0 : (size_t)end;
}

static bool matches(struct cs_str pattern, struct cs_str path, struct cs_str holes[CS_ROUTE_HOLES])
{
    enum hole hole;
    struct cs_str text = literal(&pattern, &hole);

    for (size_t i = 0;; i++) {
        if (!cs_str_starts(path, text))
            return false;
        path = cs_str_skip(path, text.len);
        if (hole == NO_HOLE)
            return path.len == 0;
        cs_assert(i < CS_ROUTE_HOLES);
        if (hole == REST) {
            holes[i] = path;
            return path.len > 0;
        }
        text = literal(&pattern, &hole);
        holes[i] = cs_str_sub(path, 0, hole_length(path, text));
        if (!holes[i].len)
            return false;
        path = cs_str_skip(path, holes[i].len);
    }
}

static unsigned methods_of(const struct cs_route *route)
{
    return route->method == CS_METHOD_GET ? CS_METHOD_GET | CS_METHOD_HEAD : route->method;
}

const struct cs_route *cs_routes_find(const struct cs_routes *routes, enum cs_http_method method,
                                      struct cs_str path, struct cs_str ret_holes[CS_ROUTE_HOLES],
                                      unsigned *ret_methods)
{
    unsigned methods = 0;

    for (size_t i = 0; i < routes->n; i++) {
        const struct cs_route *route = &routes->rows[i];
        if (!matches(cs_str_from(route->pattern), path, ret_holes))
            continue;
        if (methods_of(route) & method)
            return route;
        methods |= methods_of(route);
    }
    *ret_methods = methods;
    return NULL;
}
