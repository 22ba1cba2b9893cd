/* The kinds of findings this folder makes: cs_io_found_ID for each row of findings.def. */
#ifndef CS_IO_FINDINGS_H
#define CS_IO_FINDINGS_H

#include "base/findings.h"

#define CS_IO_FINDING(id, code, severity, primary, detail, hint)                                   \
    extern const struct cs_finding_kind cs_io_found_##id;
#include "io/findings.def"
#undef CS_IO_FINDING

/** cs_io_finding_kinds() - all of them, for the manual and for tests; *@ret_n kinds. */
const struct cs_finding_kind *const *cs_io_finding_kinds(size_t *ret_n);

#endif
