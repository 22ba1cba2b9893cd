/* The $ssl_… variables: facts of the handshake, fields of the client's certificate. */
#ifndef CS_GATEWAY_TLS_VARIABLES_H
#define CS_GATEWAY_TLS_VARIABLES_H

#include <stdbool.h>

#include "base/str.h"

struct cs_request;

/** cs_tls_variable_is() - whether @builtin (enum cs_builtin) is one of them. */
bool cs_tls_variable_is(int builtin);
/** cs_tls_variable() - its value; empty without TLS, or without a certificate. */
struct cs_str cs_tls_variable(struct cs_request *request, int builtin);

#endif
