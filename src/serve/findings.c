/* The table of findings.def as objects. */
#include "serve/findings.h"

#define CS_SERVE_FINDING(id, code, status, primary, detail, hint)                                  \
    const struct cs_finding_kind cs_serve_found_##id = {code, CS_SEVERITY_ERROR, primary, detail,  \
                                                        hint, CS_BLAME_NONE,     0,       status};
#include "serve/findings.def"
#undef CS_SERVE_FINDING
