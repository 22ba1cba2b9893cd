/* The table of findings.def as objects and as a list. */
#include "io/findings.h"

#define CS_IO_FINDING(id, code, severity, primary, detail, hint)                                   \
    const struct cs_finding_kind cs_io_found_##id = {code, CS_SEVERITY_##severity, primary,        \
                                                     detail, hint};
#include "io/findings.def"
#undef CS_IO_FINDING

const struct cs_finding_kind *const *cs_io_finding_kinds(size_t *ret_n)
{
    static const struct cs_finding_kind *const kinds[] = {
#define CS_IO_FINDING(id, code, severity, primary, detail, hint) &cs_io_found_##id,
#include "io/findings.def"
#undef CS_IO_FINDING
    };

    *ret_n = sizeof(kinds) / sizeof(kinds[0]);
    return kinds;
}
