/* The handshake as the record describes it. Alerts and signature algorithms are read off the
 * messages that pass by, since the two libraries do not report them alike. */
#include "tls/internal.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "tls/clear.h"
#include "tls/library.h"
#include "tls/names.h"

#define HS_HEADER 4
/* What is kept of the protocols that a client offers. */
#define ALPN_MAX 256

void cs_facts_begin(struct cs_tls *tls)
{
    struct cs_handshake *facts = &tls->facts;
    facts->server = tls->server != NULL;
    facts->alert_sent.number = facts->alert_received.number = -1;
    facts->start_ms = tls->io->now->wall_ms;
}

void cs_facts_hello(struct cs_tls *tls, const struct cs_hello *hello)
{
    uint16_t codes[4 * CS_HELLO_CODES];
    size_t ciphers = cs_hello_codes(hello->ciphers, codes);
    size_t groups = cs_hello_codes(cs_hello_vector(hello->groups), codes + ciphers);
    uint16_t *versions_at = codes + ciphers + groups;
    size_t versions = cs_hello_codes(cs_hello_versions(hello->versions), versions_at);
    if (!hello->versions.ptr) {
        versions_at[0] = hello->legacy_version;
        versions = 1;
    }
    uint16_t *sigalgs_at = versions_at + versions;
    size_t sigalgs = cs_hello_codes(cs_hello_vector(hello->sigalgs), sigalgs_at);
    struct cs_str alpn = cs_str_sub(cs_hello_vector(hello->alpn), 0, ALPN_MAX);
    size_t n = ciphers + groups + versions + sigalgs;
    free(tls->offered);
    tls->offered = cs_alloc(n * sizeof(codes[0]) + alpn.len);
    memcpy(tls->offered, codes, n * sizeof(codes[0]));
    if (alpn.len)
        memcpy(tls->offered + n, alpn.ptr, alpn.len);
    tls->facts.offered_ciphers = (struct cs_code_points){tls->offered, ciphers};
    tls->facts.offered_groups = (struct cs_code_points){tls->offered + ciphers, groups};
    tls->facts.offered_versions =
        (struct cs_code_points){tls->offered + ciphers + groups, versions};
    tls->facts.offered_sigalgs =
        (struct cs_code_points){tls->offered + ciphers + groups + versions, sigalgs};
    tls->facts.offered_alpn = cs_str_make(tls->offered + n, alpn.len);
}

static void take_session(struct cs_tls *tls)
{
    struct cs_handshake *facts = &tls->facts;
    const SSL_SESSION *session = SSL_get_session(tls->ssl);
    unsigned len = 0;
    const uint8_t *id = session ? SSL_SESSION_get_id(session, &len) : NULL;
    if (len > sizeof(facts->session_id))
        len = 0;
    if (len > 0)
        memcpy(facts->session_id, id, len);
    facts->session_id_len = (uint8_t)len;
}

static void take_parameters(struct cs_tls *tls)
{
    struct cs_handshake *facts = &tls->facts;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
    if (!cipher)
        return;
    facts->cipher = cs_str_from(SSL_CIPHER_get_name(cipher));
    facts->protocol = cs_tls_version_name((uint16_t)SSL_version(tls->ssl));
    const char *group = cs_lib_group(tls->ssl);
    facts->group = cs_tls_group_canonical(cs_str_from(group));
    if (facts->group.len == 0)
        facts->group = cs_str_from(group);

    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    SSL_get0_alpn_selected(tls->ssl, &alpn, &alpn_len);
    facts->alpn = cs_str_make(alpn, alpn_len);
}

void cs_facts_end(struct cs_tls *tls, bool complete)
{
    struct cs_handshake *facts = &tls->facts;
    if (facts->end_ms)
        return;
    facts->end_ms = tls->io->now->wall_ms;
    facts->complete = complete;
    take_parameters(tls);
    if (!complete)
        return;
    facts->resumed = SSL_session_reused(tls->ssl);
    facts->original_sec = cs_tls_original_sec(tls);
    take_session(tls);
    /* Offered to the peer but not resumed, and nothing presented instead. */
    if (!facts->resumed && !tls->judged)
        cs_tls_drop_chain(tls);
}

void cs_facts_failure(struct cs_tls *tls, enum cs_break broken, uint32_t code, struct cs_str text)
{
    if (tls->facts.failure.len > 0)
        return;
    tls->facts.broken = broken;
    tls->facts.failure_code = code;
    tls->facts.failure = text;
    cs_breakdown_collect(tls);
}

static void on_alert(struct cs_tls *tls, bool sent, const uint8_t *alert)
{
    if (alert[1] == SSL_AD_CLOSE_NOTIFY)
        return;
    struct cs_alert *fact = sent ? &tls->facts.alert_sent : &tls->facts.alert_received;
    fact->number = alert[1];
    fact->fatal = alert[0] == SSL3_AL_FATAL;
    fact->text = cs_tls_alert_name(alert[1]);
}

bool cs_facts_clear_alert(struct cs_tls *tls)
{
    const uint8_t *r = tls->tail;
    bool is_alert =
        r[0] == SSL3_RT_ALERT && r[1] == 3 && r[3] == 0 && r[4] == 2 && r[5] == SSL3_AL_FATAL;

    if (!is_alert || tls->facts.end_ms || tls->facts.alert_received.number >= 0)
        return false;
    on_alert(tls, false, r + 5);
    return true;
}

/* A client keeps what it is asked for until it is known what the server thinks of the answer. */
static void keep_request(struct cs_tls *tls, const uint8_t *message, size_t len)
{
    free(tls->request);
    tls->request_len = len - HS_HEADER;
    tls->request = cs_alloc(tls->request_len);
    memcpy(tls->request, message + HS_HEADER, tls->request_len);
}

/* The library may refuse a certificate before it asks what we think of it. */
static void keep_presented(struct cs_tls *tls, const uint8_t *message, size_t len)
{
    free(tls->presented);
    tls->presented_len = len - HS_HEADER;
    tls->presented = cs_alloc(tls->presented_len);
    memcpy(tls->presented, message + HS_HEADER, tls->presented_len);
}

static void note_message(struct cs_messages *messages, uint8_t number)
{
    messages->last = number;
    if (number < 32)
        messages->seen |= 1u << number;
}

static void on_handshake(struct cs_tls *tls, bool sent, const uint8_t *message, size_t len)
{
    if (len >= HS_HEADER)
        note_message(sent ? &tls->facts.sent : &tls->facts.received, message[0]);
    if (!tls->facts.server && !sent && len > HS_HEADER &&
        message[0] == CS_MESSAGE_CERTIFICATE_REQUEST)
        keep_request(tls, message, len);
    if (cs_lib_looks_first && !sent && len > HS_HEADER && message[0] == CS_MESSAGE_CERTIFICATE)
        keep_presented(tls, message, len);
    uint16_t code =
        len > HS_HEADER
            ? cs_clear_sigalg(message[0], cs_str_make(message + HS_HEADER, len - HS_HEADER))
            : 0;
    if (code == 0)
        return;
    bool by_server = sent == tls->facts.server;
    struct cs_str *fact = by_server ? &tls->facts.sigalg : &tls->facts.client_sigalg;
    *fact = cs_tls_sigalg_name(code);
}

void cs_facts_on_message(int is_write, int version, int type, const void *bytes, size_t len,
                         SSL *ssl, void *arg)
{
    struct cs_tls *tls = arg;
    if (type == SSL3_RT_ALERT && len == 2)
        on_alert(tls, is_write, bytes);
    else if (type == SSL3_RT_HANDSHAKE && !tls->facts.end_ms)
        on_handshake(tls, is_write, bytes, len);
}
