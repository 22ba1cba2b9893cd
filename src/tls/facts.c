/* The handshake as the record describes it. Alerts and signature algorithms are read off the
 * messages that pass by, since the two libraries do not report them alike. */
#include "tls/internal.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "tls/library.h"
#include "tls/names.h"

#define HS_SERVER_KEY_EXCHANGE 12
#define HS_CERTIFICATE_VERIFY 15
#define HS_HEADER 4

void cs_facts_begin(struct cs_tls *tls)
{
    struct cs_handshake *facts = &tls->facts;
    facts->server = tls->server != NULL;
    facts->alert_sent.number = facts->alert_received.number = -1;
    facts->start_ms = tls->io->now->wall_ms;
}

void cs_facts_hello(struct cs_tls *tls, const struct cs_hello *hello)
{
    uint16_t codes[3 * CS_HELLO_CODES];
    size_t ciphers = cs_hello_codes(hello->ciphers, codes);
    size_t groups = cs_hello_codes(cs_hello_groups(hello->groups), codes + ciphers);
    uint16_t *versions_at = codes + ciphers + groups;
    size_t versions = cs_hello_codes(cs_hello_versions(hello->versions), versions_at);
    if (!hello->versions.ptr) {
        versions_at[0] = hello->legacy_version;
        versions = 1;
    }
    size_t n = ciphers + groups + versions;
    free(tls->offered);
    tls->offered = cs_alloc(n * sizeof(codes[0]));
    memcpy(tls->offered, codes, n * sizeof(codes[0]));
    tls->facts.offered_ciphers = (struct cs_code_points){tls->offered, ciphers};
    tls->facts.offered_groups = (struct cs_code_points){tls->offered + ciphers, groups};
    tls->facts.offered_versions =
        (struct cs_code_points){tls->offered + ciphers + groups, versions};
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

void cs_facts_failure(struct cs_tls *tls, uint32_t code, struct cs_str text)
{
    if (tls->facts.failure.len > 0)
        return;
    tls->facts.failure_code = code;
    tls->facts.failure = text;
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

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Where the two bytes of the algorithm are: RFC 8446 section 4.4.3, RFC 5246 section 7.4.8;
 * RFC 8422 section 5.4 (named curve, public key, then the signature). 0: not there. */
static size_t sigalg_at(const uint8_t *message, size_t len)
{
    if (message[0] == HS_CERTIFICATE_VERIFY)
        return HS_HEADER;
    if (message[0] != HS_SERVER_KEY_EXCHANGE || len < HS_HEADER + 4 || message[HS_HEADER] != 3)
        return 0;
    return HS_HEADER + 4 + (size_t)message[HS_HEADER + 3];
}

static void on_handshake(struct cs_tls *tls, bool sent, const uint8_t *message, size_t len)
{
    size_t at = len > HS_HEADER ? sigalg_at(message, len) : 0;
    if (at == 0 || at + 2 > len)
        return;
    bool by_server = sent == tls->facts.server;
    struct cs_str *fact = by_server ? &tls->facts.sigalg : &tls->facts.client_sigalg;
    *fact = cs_tls_sigalg_name(u16(message + at));
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
