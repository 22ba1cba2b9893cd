/* The table of refusals, unfolded. */
#include "http/h1_error.h"

static const unsigned short statuses[CS_H1_ERROR_N] = {
    [CS_H1_OK] = 200,
#define CS_H1_ERROR(id, status, code, primary, hint) [CS_H1_##id] = status,
#include "http/h1_errors.def"
#undef CS_H1_ERROR
};

static const struct cs_finding_kind kinds[CS_H1_ERROR_N] = {
    [CS_H1_OK] = {"http-ok", CS_SEVERITY_NOTICE, "accepted", NULL, NULL},
#define CS_H1_ERROR(id, status, code, primary, hint)                                               \
    [CS_H1_##id] = {code, CS_SEVERITY_ERROR, primary, NULL, hint},
#include "http/h1_errors.def"
#undef CS_H1_ERROR
};

unsigned cs_h1_error_status(enum cs_h1_error error)
{
    return statuses[error];
}

const struct cs_finding_kind *cs_h1_error_kind(enum cs_h1_error error)
{
    return &kinds[error];
}
