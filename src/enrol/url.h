/* The addresses that are fetched from: http and https, strictly. Pure. */
#ifndef CS_ENROL_URL_H
#define CS_ENROL_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

#define CS_URL_MAX 2048

struct cs_url {
    bool https;
    struct cs_str host; /* without brackets */
    struct cs_str port; /* empty: the scheme's own */
    struct cs_str path; /* with what follows it: "/a?b", or empty */
};

/** cs_url_parse() - take @text apart: "http://" or "https://", a host name or address (an IPv6 one
 *  in brackets), perhaps a port, perhaps a path. Visible ASCII only, no user or password. The parts
 *  borrow from @text. Return: NULL (*ret_url is written), or why not: static, a clause behind the
 *  address. */
const char *cs_url_parse(struct cs_str text, struct cs_url *ret_url);
/** cs_url_join() - @path, which begins with a slash, at the address @base, whose own slashes at the
 *  end do not count. In @arena. */
struct cs_str cs_url_join(struct cs_str base, struct cs_str path, struct cs_arena *arena);

#endif
