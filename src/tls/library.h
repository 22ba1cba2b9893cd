/* The seam between this folder and the TLS library: what AWS-LC and OpenSSL do differently,
 * once in awslc.c and once in openssl.c, of which the build takes one. All else in the
 * folder is written against what both have. */
#ifndef CS_TLS_LIBRARY_H
#define CS_TLS_LIBRARY_H

#include <openssl/ssl.h>

#include "tls/internal.h"
#include "tls/own.h"

/** cs_lib_server_ctx() - a context with the callbacks of this folder installed: choice of
 *  the server (cs_tls_on_hello()), verdict (cs_tls_on_chain()), tickets. NULL on failure. */
SSL_CTX *cs_lib_server_ctx(void);
/** cs_lib_client_ctx() - the same for connections we make. */
SSL_CTX *cs_lib_client_ctx(void);
/** cs_lib_use_pair() - present @pair; several per server context, one per key type.
 *  Return: 0, or -EINVAL with the reason in the library's error queue. */
int cs_lib_use_pair(SSL_CTX *ctx, const struct cs_pair *pair);
/** cs_lib_presented() - which of @own a server presents in the handshake of @ssl; NULL: the library
 *  does not tell. */
const struct cs_own_pair *cs_lib_presented(SSL *ssl, const struct cs_own *own);
/* Whether it tells when a server has several. */
extern const bool cs_lib_tells_presented;
/** cs_lib_ca_names() - send these DER names in certificate requests. Return: 0, -EINVAL. */
int cs_lib_ca_names(SSL_CTX *ctx, const struct cs_str *names, size_t n);
/** cs_lib_proofs() - the signature algorithms that a server asks clients for, *@ret_n of them.
 *  Static. */
const uint16_t *cs_lib_proofs(size_t *ret_n);
/** cs_lib_session_timeout() - how long clients are told to keep tickets. */
void cs_lib_session_timeout(SSL_CTX *ctx, uint32_t sec);

/* Whether the library may refuse a peer's certificate before it calls cs_tls_on_chain(). */
extern const bool cs_lib_looks_first;

/** cs_lib_prepare() - what a fresh SSL needs beyond its context. */
void cs_lib_prepare(SSL *ssl);
/** cs_lib_shed() - the handshake is complete: let go of what only it needed. */
void cs_lib_shed(SSL *ssl);
/** cs_lib_ask() - whether and how a certificate is asked of the client. */
void cs_lib_ask(SSL *ssl, enum cs_tls_verify verify);
/** cs_lib_switch() - let another server's context answer, from within the hello callback.
 *  Return: 0, or -EIO. */
int cs_lib_switch(SSL *ssl, const struct cs_tls_server *from, const struct cs_tls_server *to);
/** cs_lib_no_tickets() - send no ticket in this handshake, and accept none. */
void cs_lib_no_tickets(SSL *ssl);

/** cs_lib_remember() - keep the chain of a session that is offered to an upstream as the
 *  facts' chain. Return: 0, or -EINVAL (none, or beyond the limits). */
int cs_lib_remember(struct cs_tls *tls, const SSL_SESSION *session);

/** cs_lib_group() - the group of the key exchange, in any spelling; NULL: none. */
const char *cs_lib_group(SSL *ssl);
/** cs_lib_cipher_name() - OpenSSL's name of a suite; NULL: unknown. */
const char *cs_lib_cipher_name(uint16_t code);

#endif
