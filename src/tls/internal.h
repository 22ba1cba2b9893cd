/* The structs of this folder, and what its files call in each other. */
#ifndef CS_TLS_INTERNAL_H
#define CS_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "base/list.h"
#include "telemetry/transport.h"
#include "tls/hello.h"
#include "tls/own.h"
#include "tls/session.h"
#include "tls/ticket.h"

struct cs_tls_server {
    unsigned refs;
    SSL_CTX *ctx;
    char *ciphers; /* as given to the library */
    char *groups;
    unsigned protocols;
    bool prefer_server_ciphers;
    bool refuses; /* no certificate to show */
    bool tickets;
    enum cs_tls_verify verify;
    struct cs_ticket_keys *keys; /* NULL when tickets are off */
    int64_t timeout_sec;
    uint8_t binding[CS_TLS_BINDING];
    size_t record; /* application bytes per record */
    uint8_t *alpn; /* in wire form */
    size_t alpn_len;
    struct cs_own own;
};

struct cs_tls_client {
    unsigned refs;
    SSL_CTX *ctx;
    char *ciphers; /* as given to the library */
    char *groups;
    unsigned protocols;
    uint8_t *alpn; /* in wire form */
    size_t alpn_len;
    struct cs_own own;
    bool reuse, ask_staple;
    int64_t timeout_sec;
    size_t record;
    struct cs_list sessions; /* of struct cs_reuse, the most recently used first */
    size_t n_sessions;
};

/* Bytes of a record that holds an alert in the clear. */
#define CS_TLS_ALERT_RECORD 7

struct cs_tls {
    SSL *ssl;
    struct cs_tls_server *server; /* one of the two */
    struct cs_tls_client *client;
    const struct cs_tls_hooks *hooks;
    void *hooks_ctx;
    struct cs_tls_io *io;
    int fd;
    int sock_errno; /* why the socket failed, 0: it did not */
    bool readable;  /* a recv may give something */
    bool writable;  /* a send may take something */
    bool hangup;    /* the end is near: do not believe short reads */
    bool eof;       /* recv gave 0 */
    bool failed;    /* protocol error: only free is left */
    bool begun;     /* the handshake has been called for */
    bool hello_seen;
    bool rejected; /* by the select hook: alert unrecognized_name */
    bool misnamed; /* rejected because the name is none */
    bool refused;  /* the verify hook said no */
    bool overlong; /* more certificates came than are taken */
    bool approved; /* the resume hook has said yes to a ticket */
    bool judged;   /* the verify hook has run: the chain is this handshake's */
    bool no_tickets;
    uint8_t *left; /* received but not consumed when another session needed the buffer */
    size_t left_off, left_len;
    uint8_t *unsent; /* refused by the kernel */
    size_t unsent_off, unsent_len, unsent_cap;
    char *reuse_key; /* client: where its sessions are remembered */
    size_t reuse_key_len;
    int64_t ticket_sec;   /* original handshake of the session being resumed */
    struct cs_str *chain; /* our copy of facts.chain with its bytes; NULL: none, or lent */
    char *sni;
    uint16_t *offered;
    uint8_t *request; /* client: body of the CertificateRequest */
    size_t request_len;
    uint8_t *presented; /* body of the peer's Certificate; NULL: none, or judged */
    size_t presented_len;
    struct cs_tls_breakdown *breakdown; /* NULL: none yet */
    uint8_t n_first;
    uint8_t first[CS_TRANSPORT_FIRST]; /* bytes that were received first */
    uint8_t tail[CS_TLS_ALERT_RECORD]; /* the last that the library was given in the handshake */
    struct cs_handshake facts;
    char *reason; /* the library's, in words, once it has given one */
};

/* --- context.c: what server and client contexts have in common --- */

/** cs_tls_text() - @text as a C string on the heap, or @fallback when empty. */
char *cs_tls_text(struct cs_str text, const char *fallback);
/** cs_tls_alpn_wire() - "\x08http/1.1…" on the heap; NULL and 0 without names. */
uint8_t *cs_tls_alpn_wire(const char *const *names, size_t *ret_len);
/** cs_tls_use_pairs() - load and present every pair, and remember their certificates in @own.
 *  Return: 0, or -EINVAL with findings. */
int cs_tls_use_pairs(SSL_CTX *ctx, const struct cs_tls_pair *pairs, size_t n,
                     struct cs_findings *findings, struct cs_own *own);
/** cs_tls_use_ciphers() - the suites of TLS 1.2. Return: 0, or -EINVAL with a finding. */
int cs_tls_use_ciphers(SSL_CTX *ctx, const char *ciphers, const struct cs_place *place,
                       struct cs_findings *findings);
/** cs_tls_use_curves() - the groups of @curves that the library has; *ret_groups, on the
 *  heap, is the list it took. Return: 0, or -EINVAL with findings. */
int cs_tls_use_curves(SSL_CTX *ctx, struct cs_str curves, const struct cs_place *place,
                      struct cs_findings *findings, char **ret_groups);
/** cs_tls_min_version(), cs_tls_max_version() - bits as the library's numbers. */
uint16_t cs_tls_min_version(unsigned protocols);
uint16_t cs_tls_max_version(unsigned protocols);
/** cs_tls_ask_mode() - SSL_VERIFY_… bits with which a client is asked for a certificate. */
int cs_tls_ask_mode(enum cs_tls_verify verify);

/* --- choose.c: callbacks that both library files hand over to --- */

enum cs_choice { CS_CHOICE_GO, CS_CHOICE_REJECT, CS_CHOICE_FAULT };

/** cs_tls_on_hello() - a ClientHello came: remember what it offers, choose the server. */
enum cs_choice cs_tls_on_hello(struct cs_tls *tls, const struct cs_hello *hello);
/** cs_tls_on_chain() - the peer's chain is in the facts: the verdict. Return: whether to go
 *  on; false with *ret_alert to send. */
bool cs_tls_on_chain(struct cs_tls *tls, uint8_t *ret_alert);
/** cs_tls_judge_presented() - the library refused the peer's certificate before it asked for a
 *  verdict: ask for it, so that it is known what is wrong. */
void cs_tls_judge_presented(struct cs_tls *tls);
/** cs_tls_settle() - the library says that the handshake is complete: whether its outcome is
 *  what the hooks were asked about. Return: false when it must count as failed. */
bool cs_tls_settle(struct cs_tls *tls);
/** cs_tls_keep_chain() - the facts' chain is a copy of these certificates. Return: 0, or -EINVAL
 *  when they are too many: then it is empty. */
int cs_tls_keep_chain(struct cs_tls *tls, const struct cs_str *ders, size_t n);
/** cs_tls_drop_chain() - the facts' chain is empty. */
void cs_tls_drop_chain(struct cs_tls *tls);
/** cs_tls_may_resume() - whether a ticket with this head is good here and now; its chain stays
 *  in the facts if so. */
bool cs_tls_may_resume(struct cs_tls *tls, const struct cs_ticket *ticket);
/** cs_tls_ticket() - what goes into a ticket of this session; the chain is the facts'. */
void cs_tls_ticket(const struct cs_tls *tls, struct cs_ticket *ret_ticket);
/** cs_tls_original_sec() - when the full handshake was that this session stems from. */
int64_t cs_tls_original_sec(const struct cs_tls *tls);
/** cs_tls_ticket_keys0() - the chosen server's keys, turned to now; NULL: no tickets. */
const struct cs_ticket_keys *cs_tls_ticket_keys0(struct cs_tls *tls);
/** cs_tls_on_status() - status_request callback of both libraries: the staple of the certificate
 *  that is presented. */
int cs_tls_on_status(SSL *ssl, void *arg);
/** cs_tls_on_alpn() - ALPN callback of both libraries. */
int cs_tls_on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                   unsigned in_len, void *arg);
/** cs_tls_now_sec() - the worker's wall clock. */
int64_t cs_tls_now_sec(const struct cs_tls *tls);

/* --- facts.c --- */

/** cs_facts_begin() - a connection starts now. */
void cs_facts_begin(struct cs_tls *tls);
/** cs_facts_hello() - keep what the client offers. */
void cs_facts_hello(struct cs_tls *tls, const struct cs_hello *hello);
/** cs_facts_end() - the handshake is complete, or failed: collect what the library knows. */
void cs_facts_end(struct cs_tls *tls, bool complete);
/** cs_facts_failure() - note why, unless already noted, and collect the breakdown. */
void cs_facts_failure(struct cs_tls *tls, enum cs_break broken, uint32_t code, struct cs_str text);
/** cs_facts_clear_alert() - whether the handshake failed at an alert in the clear, which AWS-LC
 *  takes for a record that does not decrypt; then it is noted as received. */
bool cs_facts_clear_alert(struct cs_tls *tls);
/** cs_facts_on_message() - message callback of both libraries: alerts and signatures. */
void cs_facts_on_message(int is_write, int version, int type, const void *bytes, size_t len,
                         SSL *ssl, void *arg);

/* --- broken.c --- */

/** cs_tls_break() - why the handshake failed, when the library's error is @code. */
enum cs_break cs_tls_break(const struct cs_tls *tls, uint32_t code);

/* --- breakdown.c --- */

/** cs_breakdown_collect() - make the facts' breakdown, unless there is one. */
void cs_breakdown_collect(struct cs_tls *tls);
/** cs_breakdown_free() - forget it. */
void cs_breakdown_free(struct cs_tls *tls);

/* --- transport.c --- */

/** cs_transport_bio() - a BIO over the session's socket and its worker's buffers. */
BIO *cs_transport_bio(struct cs_tls *tls);
/** cs_transport_flush() - send what is collected. Return: 0; -EAGAIN; -errno. */
int cs_transport_flush(struct cs_tls *tls);
/** cs_transport_room() - bytes that can be collected before anything must be sent. */
size_t cs_transport_room(const struct cs_tls *tls);
/** cs_transport_unsent() - whether anything is collected or refused. */
bool cs_transport_unsent(const struct cs_tls *tls);
/** cs_transport_buffered() - received bytes that the TLS library has not taken yet. */
size_t cs_transport_buffered(const struct cs_tls *tls);
/** cs_transport_feed() - as if @bytes had been received. Return: 0, or -ENOBUFS. */
int cs_transport_feed(struct cs_tls *tls, struct cs_str bytes);
/** cs_transport_drop() - give back every buffer. */
void cs_transport_drop(struct cs_tls *tls);

/* --- reuse.c: sessions remembered for upstreams --- */

/** cs_reuse_offer() - offer the session remembered under the key, if the resume hook agrees. */
void cs_reuse_offer(struct cs_tls *tls);
/** cs_reuse_on_session() - new-session callback: remember it. Return: 1 when kept. */
int cs_reuse_on_session(SSL *ssl, SSL_SESSION *session);
/** cs_reuse_clear() - forget all. */
void cs_reuse_clear(struct cs_tls_client *client);

#endif
