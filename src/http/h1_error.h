/* What can be wrong with HTTP/1.x bytes: one table, h1_errors.def. */
#ifndef CS_HTTP_H1_ERROR_H
#define CS_HTTP_H1_ERROR_H

#include "base/findings.h"

/* Why bytes are refused (h1_errors.def). */
enum cs_h1_error {
    CS_H1_OK = 0,
#define CS_H1_ERROR(id, status, code, primary, hint) CS_H1_##id,
#include "http/h1_errors.def"
#undef CS_H1_ERROR
    CS_H1_ERROR_N
};

/** cs_h1_error_status() - what a client that sent this is answered: 400, 405, 414, 494
 *  (see cs_http_wire_status()), 501, 505. */
unsigned cs_h1_error_status(enum cs_h1_error error);
/** cs_h1_error_kind() - code and words of a refusal; {0} is the offending text. Static. */
const struct cs_finding_kind *cs_h1_error_kind(enum cs_h1_error error);

#endif
