/* The kinds of findings this folder makes: cs_serve_found_ID for each row of findings.def. */
#ifndef CS_SERVE_FINDINGS_H
#define CS_SERVE_FINDINGS_H

#include "base/findings.h"

#define CS_SERVE_FINDING(id, code, status, primary, detail, hint)                                  \
    extern const struct cs_finding_kind cs_serve_found_##id;
#include "serve/findings.def"
#undef CS_SERVE_FINDING

#endif
