/* A set of short cuts that are not taken; the program proper has no such set. */
#include "without.h"

#include <errno.h>

#include "base/str.h"

static unsigned left_out;

static const char *const names[] = {
#define CS_FAST(id, name, what) name,
    CS_FAST_PATHS
#undef CS_FAST
};

bool cs_fast(enum cs_fast_path path)
{
    return !(left_out & 1u << path);
}

void without_path(enum cs_fast_path path)
{
    left_out |= 1u << path;
}

const char *without_name(enum cs_fast_path path)
{
    return names[path];
}

static unsigned bits_of(struct cs_str name)
{
    if (cs_str_eq(name, CS_STR("all")))
        return (1u << CS_FAST_N_PATHS) - 1;
    for (unsigned i = 0; i < CS_FAST_N_PATHS; i++) {
        if (cs_str_eq(name, cs_str_from(names[i])))
            return 1u << i;
    }
    return 0;
}

int without_parse(const char *text)
{
    struct cs_str rest = cs_str_from(text);
    unsigned bits = 0;

    while (rest.ptr) {
        unsigned more = bits_of(cs_str_cut(&rest, ','));
        if (!more)
            return -EINVAL;
        bits |= more;
    }
    left_out |= bits;
    return 0;
}
