/* The certificate that the authority itself shows: an order like any other, by a process of the
 * service. Key and certificate are in memory only, so each start asks for one, and each renewal for
 * another key. Clients are judged by the roots; the CAs between are known, in case somebody
 * presents a leaf alone. */
#include "enrol/server_state.h"

#include <errno.h>
#include <netinet/in.h>

#include "enrol/url.h"
#include "io/socket.h"
#include "tls/server.h"
#include "x509/key.h"
#include "x509/pem.h"
#include "x509/trust.h"

enum {
    PEM_MAX = 256 * 1024,
    CSR_MAX = 4096,
    RETRY_MS = 60 * 1000,
    CLAIMS_MAX = 64,
};

/* ---- names ---- */

struct names {
    struct cs_claim items[CLAIMS_MAX];
    size_t n;
    struct cs_arena *arena;
};

static void add(struct names *names, enum cs_claim_kind kind, struct cs_str value)
{
    for (size_t i = 0; i < names->n; i++) {
        if (names->items[i].kind == kind && cs_str_eq(names->items[i].value, value))
            return;
    }
    if (names->n < CLAIMS_MAX)
        names->items[names->n++] = (struct cs_claim){kind, cs_arena_dup(names->arena, value)};
}

static void add_ip(struct names *names, const struct cs_addr *addr)
{
    if (addr->sa.sa_family == AF_INET)
        add(names, CS_CLAIM_IP, cs_str_make(&addr->in4.sin_addr, 4));
    else if (addr->sa.sa_family == AF_INET6)
        add(names, CS_CLAIM_IP, cs_str_make(&addr->in6.sin6_addr, 16));
}

static bool is_any(const struct cs_addr *addr)
{
    static const uint8_t zeros[16];

    return addr->sa.sa_family == AF_INET ? addr->in4.sin_addr.s_addr == INADDR_ANY
                                         : memcmp(&addr->in6.sin6_addr, zeros, sizeof(zeros)) == 0;
}

static void add_text_ip(struct names *names, const char *text)
{
    struct cs_addr addr;

    if (cs_addr_parse_ip(cs_str_from(text), 0, &addr) == 0)
        add_ip(names, &addr);
}

static void add_listen(struct names *names, const struct cs_server_listen *listen)
{
    struct cs_addr addr;

    if (!listen->tls || cs_socket_local(listen->fd, &addr) < 0 || addr.sa.sa_family == AF_UNIX)
        return;
    if (!is_any(&addr)) {
        add_ip(names, &addr);
        return;
    }
    add_text_ip(names, "127.0.0.1");
    add_text_ip(names, "::1");
}

static void add_public(struct names *names, struct cs_str public_url)
{
    struct cs_url url;
    struct cs_addr addr;

    if (!public_url.len || cs_url_parse(public_url, &url))
        return;
    if (cs_addr_parse_ip(url.host, 0, &addr) == 0)
        add_ip(names, &addr);
    else
        add(names, CS_CLAIM_DNS, url.host);
}

/* "localhost" where the CA may say so: there are programs that know this machine by no other name.
 */
static void add_localhost(struct names *names, const struct cs_ca *ca)
{
    const struct cs_claim claim = {CS_CLAIM_DNS, CS_STR_INIT("localhost")};
    const struct cs_profile *profile = cs_profiles_find(cs_ca_profiles(ca), CS_STR("server"));

    if (profile && cs_pattern_set_cover(&profile->allow, &claim) &&
        !cs_pattern_set_touch(&profile->deny, &claim))
        add(names, CS_CLAIM_DNS, claim.value);
}

static void choose_names(const struct cs_enrol_server *server, struct names *names)
{
    add_public(names, cs_ca_public_url(server->ca));
    for (size_t i = 0; i < server->spec.n_listens; i++)
        add_listen(names, &server->spec.listens[i]);
    add_localhost(names, server->ca);
}

/* ---- the certificate ---- */

static int sign(struct cs_enrol_server *server, const struct evp_pkey_st *key,
                struct cs_arena *arena, struct cs_findings *findings, struct cs_issued *ret_issued)
{
    const struct cs_requester who = {.proof = CS_PROOF_SERVICE, .actor = CS_CA_ITSELF};
    const struct cs_cert_spec nothing = {0};
    struct names *names = CS_ARENA_NEW(arena, struct names);
    struct cs_order order = {.profile = CS_STR("server")};
    struct cs_buf der;
    struct cs_csr csr;
    int r;

    names->arena = arena;
    choose_names(server, names);
    order.names = (struct cs_claims){names->items, names->n};
    cs_buf_init(&der, CSR_MAX);
    r = cs_make_csr(&nothing, key, &der);
    r = r ? r : cs_csr_parse(cs_arena_dup(arena, cs_buf_str(&der)), arena, findings, &csr);
    cs_buf_deinit(&der);
    order.csr = &csr;
    return r ? r
             : cs_ca_sign(server->ca, &order, &who, cs_enrol_now(server), arena, findings,
                          ret_issued);
}

static int make_context(struct cs_enrol_server *server, const struct evp_pkey_st *key,
                        const struct cs_issued *issued, struct cs_findings *findings,
                        struct cs_tls_server **ret_tls)
{
    struct cs_tls_pair pair = {0};
    struct cs_tls_server_spec spec = {
        .pairs = &pair, .n_pairs = 1, .client_certificate = CS_TLS_VERIFY_REQUEST};
    struct cs_buf chain, secret;
    int r;

    cs_buf_init(&chain, PEM_MAX);
    cs_buf_init(&secret, PEM_MAX);
    r = cs_pem_write(&chain, CS_STR("CERTIFICATE"), issued->der);
    r = r ? r : cs_ca_chain(server->ca, issued->issuer, &chain);
    r = r ? r : cs_key_write(key, &secret);
    pair.chain_pem = cs_buf_str(&chain);
    pair.key_pem = cs_buf_str(&secret);
    r = r ? r : cs_tls_server_new(&spec, findings, ret_tls);
    cs_buf_deinit(&chain);
    cs_buf_wipe(&secret);
    return r;
}

/* ---- what clients are judged by ---- */

static int make_trust(struct cs_enrol_server *server, struct cs_findings *findings,
                      struct cs_trust **ret_trust)
{
    const struct cs_issuer *issuers;
    struct cs_source source = {.file = CS_STR("the CA's own certificates")};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1};
    struct cs_buf pem;
    size_t n;
    int r = cs_ca_issuers(server->ca, &issuers, &n);

    cs_buf_init(&pem, PEM_MAX);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (issuers[i].state != CS_ISSUER_RETIRED)
            r = cs_pem_write(&pem, CS_STR("CERTIFICATE"), issuers[i].cert.der);
    }
    source.bytes = cs_buf_str(&pem);
    r = r ? r : cs_trust_new(&spec, findings, ret_trust);
    cs_buf_deinit(&pem);
    return r;
}

/* ---- both ---- */

static void schedule(struct cs_enrol_server *server, int64_t renew_at)
{
    int64_t in_sec = renew_at - cs_enrol_now(server);

    cs_timer_set(&server->loop, &server->renew,
                 server->loop.now.mono_ms + (in_sec > 1 ? in_sec * 1000 : 1000));
}

static void on_renew(struct cs_timer *timer)
{
    struct cs_enrol_server *server = cs_container_of(timer, struct cs_enrol_server, renew);
    struct cs_arena arena = {0};
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    if (cs_enrol_present(server, &findings) != 0) {
        cs_enrol_log(server, CS_LOG_ERROR, "the authority's own certificate cannot be renewed");
        cs_enrol_log_findings(server, &findings);
        cs_timer_set(&server->loop, timer, server->loop.now.mono_ms + RETRY_MS);
    }
    cs_arena_deinit(&arena);
}

int cs_enrol_present(struct cs_enrol_server *server, struct cs_findings *findings)
{
    struct cs_arena arena = {0};
    struct cs_tls_server *tls = NULL;
    struct cs_trust *trust = NULL;
    struct evp_pkey_st *key = NULL;
    struct cs_issued issued;
    int r = cs_make_key(CS_MAKE_P256, &key);

    r = r ? r : sign(server, key, &arena, findings, &issued);
    r = r ? r : make_context(server, key, &issued, findings, &tls);
    r = r ? r : make_trust(server, findings, &trust);
    if (r == 0) {
        cs_server_present(server->http, tls, trust);
        server->renew.fire = on_renew;
        schedule(server, issued.renew_at);
    }
    cs_tls_server_unref(tls);
    cs_trust_unref(trust);
    cs_key_free(key);
    cs_arena_deinit(&arena);
    return r;
}
