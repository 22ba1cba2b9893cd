/* TLS of virtual servers and upstreams: settings and material become credentials; what a client
 * must be becomes the digest that sessions are bound to. The same code makes the first ones and
 * those that replace them. */
#include "base/mem.h"
#include "config/value.h"
#include "snapshot/download.h"
#include "snapshot/material.h"
#include "tls/client.h"
#include "tls/directives.h"
#include "tls/server.h"
#include "tls/tickets.h"
#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/trust.h"

/* Who needs a list for longer than a month after its end needs no lists. */
enum { GRACE_MAX_SEC = 30 * 86400 };

static const char *const alpn[] = {"http/1.1", "http/1.0", NULL};

static bool has_variables(struct cs_build *build, const struct cs_directive *d)
{
    if (cs_str_find(d->args[0].text, '$') < 0)
        return false;
    CS_FIND(build->findings, &cs_finding_variable_certificate, &d->args[0].place, d->name);
    return true;
}

static struct cs_pair *pair_of(struct cs_build *build, const struct cs_word *certificate,
                               const struct cs_word *key, const struct cs_word *passwords)
{
    struct cs_material_spec spec = {.kind = CS_MATERIAL_PAIR,
                                    .words = {certificate, key, passwords}};

    return cs_material_get0(build, &spec);
}

static size_t get_pairs(struct cs_build *build, const struct cs_block *block,
                        const struct cs_ssl_settings *ssl, struct cs_tls_pair *pairs)
{
    const struct cs_word *passwords = cs_build_word(block, "ssl_password_file");
    size_t n = 0;

    for (size_t i = 0; i < ssl->certificate.n; i++) {
        const struct cs_directive *d = ssl->certificate.items[i];
        const struct cs_word *key;
        if (i >= ssl->certificate_key.n) {
            CS_FIND(build->findings, &cs_finding_no_key, &d->args[0].place, d->args[0].text,
                    CS_STR("ssl_certificate_key"));
            continue;
        }
        if (has_variables(build, d) || has_variables(build, ssl->certificate_key.items[i]))
            continue;
        key = &ssl->certificate_key.items[i]->args[0];
        pairs[n] = (struct cs_tls_pair){.loaded = pair_of(build, &d->args[0], key, passwords),
                                        .place = d->args[0].place,
                                        .key_place = key->place};
        n += pairs[n].loaded != NULL;
    }
    return n;
}

static bool is_auto(const struct cs_ssl_settings *ssl)
{
    for (size_t i = 0; i < ssl->certificate.n; i++) {
        if (cs_str_eq(ssl->certificate.items[i]->args[0].text, CS_STR("auto")))
            return true;
    }
    return false;
}

static void name_auto(struct cs_build *build, struct cs_vserver *server,
                      const struct cs_ssl_settings *ssl)
{
    const struct cs_auto_wish wish = {.directive = CS_STR("ssl_certificate"),
                                      .word = &ssl->certificate.items[0]->args[0],
                                      .profile = CS_STR("server"),
                                      .meanwhile =
                                          CS_STR("handshakes with this server are refused")};

    if (ssl->certificate.n > 1 || ssl->certificate_key.n)
        CS_FIND(build->findings, &cs_finding_auto_alone, &wish.word->place, wish.directive);
    else
        cs_build_auto(build, server, &wish, &server->own);
}

static struct cs_material_spec auto_spec(const struct cs_auto_pair *own)
{
    return (struct cs_material_spec){
        .kind = CS_MATERIAL_PAIR, .words = {own->certificate, own->key}, .is_awaited = true};
}

/* The pair of @own. Return: how many there are. */
static size_t get_auto(struct cs_build *build, const struct cs_auto_pair *own,
                       struct cs_tls_pair *pair)
{
    struct cs_material_spec spec = auto_spec(own);

    if (!own->errand)
        return 0;
    *pair = (struct cs_tls_pair){.loaded = cs_material_get0(build, &spec),
                                 .place = own->certificate->place,
                                 .key_place = own->key->place};
    return pair->loaded != NULL;
}

/* About which certificates OCSP responses are to be shown; what is wrong with them is told
 * elsewhere. */
static void name_staples(struct cs_build *build, struct cs_vserver *server,
                         const struct cs_ssl_settings *ssl)
{
    struct cs_material_spec spec = {.kind = CS_MATERIAL_PAIR};
    bool fetched = is_auto(ssl);

    build->server = server;
    if (fetched && server->own.errand) {
        spec = auto_spec(&server->own);
        cs_build_name_staple(build, server, ssl, &spec);
    }
    spec.words[2] = cs_build_word(server->lender, "ssl_password_file");
    for (size_t i = 0; !fetched && i < ssl->certificate.n && i < ssl->certificate_key.n; i++) {
        spec.words[0] = &ssl->certificate.items[i]->args[0];
        spec.words[1] = &ssl->certificate_key.items[i]->args[0];
        if (cs_str_find(spec.words[0]->text, '$') < 0 && cs_str_find(spec.words[1]->text, '$') < 0)
            cs_build_name_staple(build, server, ssl, &spec);
    }
    build->server = NULL;
}

/* A trust set, with a reference for the caller.
 * @named: clients are told the names of the CAs in the first file. */
static struct cs_trust *get_trust(struct cs_build *build, const struct cs_block *block,
                                  const struct cs_word *named, const struct cs_word *trusted,
                                  const struct cs_directive *crl)
{
    struct cs_material_spec spec = {.kind = CS_MATERIAL_TRUST,
                                    .words = {named, trusted},
                                    .crl = crl,
                                    .block = block,
                                    .n_named = named ? 1 : 0};
    struct cs_trust *trust = cs_material_get0(build, &spec);

    return trust ? cs_trust_ref(trust) : NULL;
}

static void read_reject(struct cs_build *build, const struct cs_block *block,
                        struct cs_client_auth *auth)
{
    const struct cs_directive *d = cs_block_nearest(block, "mtls_reject");

    if (!d || !d->n_args)
        return;
    if (cs_str_eq(d->args[0].text, CS_STR("handshake")))
        auth->reject_in_handshake = auth->mode != CS_VERIFY_OFF;
    else if (!cs_str_eq(d->args[0].text, CS_STR("request")))
        CS_FIND(build->findings, &cs_finding_bad_reject, &d->args[0].place, d->args[0].text);
}

/* One word of mtls_revocation. Return: false: it is none. */
static bool read_rule(struct cs_str word, struct cs_revocation_rules *rules)
{
    struct cs_str grace = CS_STR("grace=");

    if (cs_str_starts(word, grace))
        return cs_value_sec(cs_str_skip(word, grace.len), &rules->grace_sec) == 0 &&
               rules->grace_sec <= GRACE_MAX_SEC;
    if (cs_str_eq(word, CS_STR("leaf")) || cs_str_eq(word, CS_STR("chain")))
        rules->leaf_only = word.len == 4;
    else if (cs_str_eq(word, CS_STR("soft")) || cs_str_eq(word, CS_STR("hard")))
        rules->soft = word.ptr[0] == 's';
    else
        return cs_str_eq(word, CS_STR("crl")) || cs_str_eq(word, CS_STR("ocsp")) ||
               cs_str_eq(word, CS_STR("both"));
    return true;
}

static void read_rules(struct cs_build *build, const struct cs_block *block,
                       struct cs_revocation_rules *rules)
{
    const struct cs_directive *d = cs_block_nearest(block, "mtls_revocation");

    for (size_t i = 0; d && i < d->n_args; i++) {
        if (!read_rule(d->args[i].text, rules))
            CS_FIND(build->findings, &cs_finding_bad_revocation, &d->args[i].place,
                    d->args[i].text);
    }
}

/* The word of mtls_revocation that is one of crl, ocsp and both; NULL: none is. */
static const struct cs_word *find_means(const struct cs_block *block)
{
    const struct cs_directive *d = cs_block_nearest(block, "mtls_revocation");

    for (size_t i = 0; d && i < d->n_args; i++) {
        struct cs_str word = d->args[i].text;
        if (cs_str_eq(word, CS_STR("crl")) || cs_str_eq(word, CS_STR("ocsp")) ||
            cs_str_eq(word, CS_STR("both")))
            return &d->args[i];
    }
    return NULL;
}

static void refuse_ocsp(struct cs_build *build, const struct cs_place *place, struct cs_str other,
                        struct cs_str hint)
{
    CS_FIND(build->findings, &cs_finding_ocsp_conflict, place, other, hint);
}

/* What two directives say, and what nobody could do. */
static void check_ocsp(struct cs_build *build, const struct cs_block *block,
                       const struct cs_client_auth *auth, const struct cs_word *means)
{
    const struct cs_directive *d = cs_block_nearest(block, "ssl_ocsp");
    const struct cs_place *place = d ? &d->place : &means->place;
    const struct cs_word *crl = cs_build_word(block, "ssl_crl");

    if (means && cs_str_eq(means->text, CS_STR("crl")))
        refuse_ocsp(build, &means->place, CS_STR("mtls_revocation crl"), CS_STR("write both"));
    if (means && cs_str_eq(means->text, CS_STR("ocsp")) && crl)
        refuse_ocsp(build, &means->place, CS_STR("ssl_crl"), CS_STR("write both"));
    if (auth->mode == CS_VERIFY_OPTIONAL_NO_CA)
        refuse_ocsp(build, place, CS_STR("ssl_verify_client optional_no_ca"),
                    CS_STR("nobody vouches for such a client, so nobody can be asked"));
    if (!build->snapshot->core.master_process)
        refuse_ocsp(build, place, CS_STR("master_process off"),
                    CS_STR("a process beside the workers asks: write master_process on"));
}

/* Who asks responders, and how. ssl_ocsp is nginx's, by which every connection asks anew unless
 * there is a cache. */
static void read_ocsp(struct cs_build *build, const struct cs_block *block,
                      const struct cs_ssl_settings *ssl, struct cs_client_auth *auth)
{
    const struct cs_word *means = find_means(block);
    struct cs_revocation_rules *rules = &auth->revocation;
    bool said = cs_block_nearest(block, "ssl_ocsp_cache") != NULL;

    rules->ocsp = ssl->ocsp != CS_SSL_OCSP_OFF || (means && !cs_str_eq(means->text, CS_STR("crl")));
    if (auth->mode == CS_VERIFY_OFF)
        rules->ocsp = false;
    if (!rules->ocsp)
        return;
    check_ocsp(build, block, auth, means);
    rules->ocsp_leaf_only =
        ssl->ocsp == CS_SSL_OCSP_OFF ? rules->leaf_only : ssl->ocsp == CS_SSL_OCSP_LEAF;
    rules->ocsp_anew =
        cs_str_eq(ssl->ocsp_cache, CS_STR("off")) && (said || ssl->ocsp != CS_SSL_OCSP_OFF);
    rules->responder = ssl->ocsp_responder; /* the tree's, which stays */
    build->snapshot->asks_responders = true;
}

static enum cs_verify_mode verify_mode(const struct cs_ssl_settings *ssl)
{
    switch (ssl->verify_client) {
    case CS_SSL_VERIFY_CLIENT_ON: return CS_VERIFY_ON;
    case CS_SSL_VERIFY_CLIENT_OPTIONAL: return CS_VERIFY_OPTIONAL;
    case CS_SSL_VERIFY_CLIENT_OPTIONAL_NO_CA: return CS_VERIFY_OPTIONAL_NO_CA;
    default: return CS_VERIFY_OFF;
    }
}

static void build_client_auth(struct cs_build *build, const struct cs_vserver *server,
                              const struct cs_ssl_settings *ssl, struct cs_client_auth *auth)
{
    const struct cs_block *block = server->block;
    const struct cs_word *named = cs_build_word(block, "ssl_client_certificate");
    const struct cs_word *trusted = cs_build_word(block, "ssl_trusted_certificate");
    struct cs_digest digest;

    auth->mode = verify_mode(ssl);
    auth->depth = (int)ssl->verify_depth;
    auth->leeway_sec = ssl->clock_leeway_sec;
    read_rules(build, server->block, &auth->revocation);
    read_ocsp(build, server->block, ssl, auth);
    read_reject(build, block, auth);
    if (auth->mode != CS_VERIFY_OFF) {
        auth->demand = server->demand;
        if (named || trusted || auth->mode == CS_VERIFY_OPTIONAL_NO_CA)
            auth->trust =
                get_trust(build, block, named, trusted, cs_block_nearest(block, "ssl_crl"));
        else
            CS_FIND0(build->findings, &cs_finding_no_trust, &server->place);
    }
    cs_digest_init(&digest);
    cs_digest_number(&digest, auth->mode);
    cs_digest_number(&digest, auth->mode == CS_VERIFY_OFF ? 0 : auth->depth);
    cs_digest_number(&digest, auth->mode == CS_VERIFY_OFF ? 0 : auth->leeway_sec);
    cs_digest_number(&digest, auth->revocation.leaf_only);
    cs_digest_number(&digest, auth->revocation.soft);
    cs_digest_number(&digest, auth->revocation.grace_sec);
    cs_digest_number(&digest, auth->revocation.ocsp);
    cs_digest_number(&digest, auth->revocation.ocsp_leaf_only);
    cs_digest_number(&digest, auth->revocation.ocsp_anew);
    cs_digest_add(&digest, auth->revocation.responder);
    cs_digest_number(&digest, auth->reject_in_handshake);
    cs_demand_digest(auth->demand, &digest);
    if (auth->trust)
        cs_digest_add(&digest, cs_str_make(cs_trust_digest(auth->trust), 32));
    cs_digest_final(&digest, auth->digest);
}

/* What a session may be resumed into: this virtual server under this policy. */
static void make_binding(const struct cs_vserver *server, const struct cs_client_auth *auth,
                         uint8_t ret_binding[CS_TLS_BINDING])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, server->name);
    for (size_t i = 0; i < server->n_names; i++)
        cs_digest_add(&digest, server->names[i].text);
    cs_digest_number(&digest, (int64_t)server->index);
    cs_digest_add(&digest, cs_str_make(auth->digest, sizeof(auth->digest)));
    cs_digest_final(&digest, ret_binding);
}

/* The keys of ssl_session_ticket_key, or the service's own. Return: borrowed, or NULL. */
static struct cs_ticket_keys *ticket_keys(struct cs_build *build, const struct cs_ssl_settings *ssl)
{
    if (ssl->session_ticket_key.n == 0)
        return build->snapshot->keyring->ticket_keys;
    return cs_material_list0(build, CS_MATERIAL_TICKET_KEYS, &ssl->session_ticket_key);
}

/* What is remarkable about them is told when the configuration is loaded. */
static unsigned usable_protocols(struct cs_build *build, const struct cs_block *block,
                                 const char *directive, uint32_t bits, const struct cs_place *place)
{
    const struct cs_directive *d = cs_block_nearest(block, directive);

    if (bits & CS_SSL_OBSOLETE && !build->renewing)
        CS_FIND(build->findings, &cs_finding_old_protocol, d ? &d->place : place,
                cs_str_from(directive));
    bits &= CS_TLS_1_2 | CS_TLS_1_3;
    if (!bits)
        CS_FIND(build->findings, &cs_finding_no_protocol, d ? &d->place : place,
                cs_str_from(directive));
    return bits;
}

static enum cs_tls_verify client_certificate(const struct cs_client_auth *auth)
{
    if (auth->mode == CS_VERIFY_OFF)
        return CS_TLS_VERIFY_OFF;
    return auth->mode == CS_VERIFY_ON && auth->reject_in_handshake ? CS_TLS_VERIFY_REQUIRE
                                                                   : CS_TLS_VERIFY_REQUEST;
}

/* An empty list of ciphers would mean the library's own choice. */
static void check_ciphers(struct cs_build *build, const struct cs_block *block, const char *name)
{
    const struct cs_directive *d = cs_block_nearest(block, name);

    if (d && d->args[0].text.len == 0)
        cs_config_refuse_value(build->findings, d, &d->args[0], CS_STR("name some ciphers"));
}

/* The server that answers for strangers on the socket where @server has none of its own: like
 * nginx, it lends its certificates. */
static const struct cs_block *certificates_of(const struct cs_build *build,
                                              const struct cs_vserver *server)
{
    for (size_t i = 0; i < build->n_joins; i++) {
        const struct cs_join *join = &build->joins[i];
        const struct cs_listener *listener = &build->snapshot->listeners[join->listener];
        const struct cs_vserver *lender = listener->default_server;
        if (join->server == server && listener->tls && lender != server &&
            cs_block_nearest(lender->block, "ssl_certificate"))
            return lender->block;
    }
    return NULL;
}

/* The block whose certificates @server shows: its own, or the default server's.
 * Return: NULL after a finding. */
static const struct cs_block *find_lender(struct cs_build *build, const struct cs_vserver *server,
                                          const struct cs_ssl_settings *ssl)
{
    const struct cs_block *lender;

    if (ssl->certificate.n || ssl->reject_handshake)
        return server->block;
    lender = certificates_of(build, server);
    if (lender)
        CS_FIND(build->findings, &cs_finding_lent_certificate, &server->place,
                cs_build_word(lender, "ssl_certificate")->text);
    else
        CS_FIND0(build->findings, &cs_finding_no_certificate, &server->place);
    return lender;
}

/* What is named has to be readable even where nothing asks for it yet. */
static void read_named(struct cs_build *build, const struct cs_block *block, const char *name)
{
    const struct cs_word *word = cs_build_word(block, name);
    struct cs_str text;

    if (word)
        cs_build_read(build, word, &text);
}

static void read_named_lists(struct cs_build *build, const struct cs_block *block)
{
    const struct cs_directive *d = cs_block_nearest(block, "ssl_crl");
    struct cs_str text;

    for (size_t i = 0; d && i < d->n_args; i++) {
        if (!cs_download_is_url(d->args[i].text) && !cs_build_is_folder(build, &d->args[i]))
            cs_build_read(build, &d->args[i], &text);
    }
}

/* Certificates and keys are those of the lender. */
static void borrow(struct cs_build *build, const struct cs_vserver *server,
                   struct cs_ssl_settings *ssl)
{
    struct cs_ssl_settings lent;

    if (server->lender == server->block)
        return;
    cs_settings_resolve(&cs_ssl_directives, server->lender, build->arena, &lent);
    ssl->certificate = lent.certificate;
    ssl->certificate_key = lent.certificate_key;
}

static void build_context(struct cs_build *build, const struct cs_vserver *server,
                          const struct cs_ssl_settings *ssl, struct cs_credentials *credentials)
{
    const struct cs_client_auth *auth = &credentials->auth;
    struct cs_tls_pair *pairs = cs_arena_array(build->arena, ssl->certificate.n, sizeof(*pairs));
    struct cs_names names = {0};
    struct cs_tls_server_spec spec = {.pairs = pairs,
                                      .ciphers = ssl->ciphers,
                                      .prefer_server_ciphers = ssl->prefer_server_ciphers,
                                      .curves = ssl->ecdh_curve,
                                      .client_certificate = client_certificate(auth),
                                      .session_timeout_sec = ssl->session_timeout_sec,
                                      .buffer_size = ssl->buffer_size,
                                      .alpn = alpn,
                                      .place = server->place};

    spec.n_pairs = is_auto(ssl) ? get_auto(build, &server->own, pairs)
                                : get_pairs(build, server->lender, ssl, pairs);
    credentials->awaited = server->own.errand && spec.n_pairs == 0;
    cs_build_staples(build, server, ssl, pairs, spec.n_pairs);
    spec.protocols =
        usable_protocols(build, server->block, "ssl_protocols", ssl->protocols, &server->place);
    if (auth->trust)
        names = cs_trust_names(auth->trust);
    spec.ca_names = names.items;
    spec.n_ca_names = names.n;
    spec.ticket_keys = ssl->session_tickets ? ticket_keys(build, ssl) : NULL;
    spec.tickets = spec.ticket_keys != NULL;
    make_binding(server, auth, spec.binding);
    if (spec.protocols)
        (void)cs_tls_server_new(&spec, build->findings, &credentials->tls);
}

struct cs_credentials *cs_build_credentials(struct cs_build *build, const struct cs_vserver *server)
{
    struct cs_credentials *credentials = CS_NEW(struct cs_credentials);
    struct cs_ssl_settings ssl;

    credentials->refs = 1;
    build->server = server;
    cs_settings_resolve(&cs_ssl_directives, server->block, build->arena, &ssl);
    build_client_auth(build, server, &ssl, &credentials->auth);
    if (server->lender) {
        borrow(build, server, &ssl);
        build_context(build, server, &ssl, credentials);
    }
    build->server = NULL;
    return credentials;
}

void cs_build_server_tls(struct cs_build *build, struct cs_vserver *server)
{
    struct cs_ssl_settings ssl;

    cs_settings_resolve(&cs_ssl_directives, server->block, build->arena, &ssl);
    server->reject_handshake = ssl.reject_handshake;
    server->demand = cs_build_client_demand(build, server->block, verify_mode(&ssl));
    if (server->listens_tls) {
        read_named(build, server->block, "ssl_trusted_certificate");
        read_named_lists(build, server->block);
        check_ciphers(build, server->block, "ssl_ciphers");
        server->lender = find_lender(build, server, &ssl);
        if (server->lender)
            borrow(build, server, &ssl);
        if (server->lender && is_auto(&ssl))
            name_auto(build, server, &ssl);
        if (server->lender && ssl.stapling && !ssl.stapling_file.len &&
            build->snapshot->core.master_process)
            name_staples(build, server, &ssl);
    } else {
        read_named(build, server->block, "ssl_password_file");
    }
    cs_keyring_put_server(build->snapshot->keyring, server->index,
                          cs_build_credentials(build, server));
}

/* ---- upstreams ---- */

static bool is_client_auto(const struct cs_block *block)
{
    const struct cs_directive *certificate = cs_block_nearest(block, "proxy_ssl_certificate");

    return certificate && cs_str_eq(certificate->args[0].text, CS_STR("auto"));
}

static void name_client_auto(struct cs_build *build, const struct cs_vserver *server,
                             struct cs_proxy_tls *to)
{
    const struct cs_auto_wish wish = {.directive = CS_STR("proxy_ssl_certificate"),
                                      .word = cs_build_word(to->block, "proxy_ssl_certificate"),
                                      .profile = CS_STR("client"),
                                      .meanwhile = CS_STR("requests to upstreams fail")};

    if (cs_block_nearest(to->block, "proxy_ssl_certificate_key"))
        CS_FIND(build->findings, &cs_finding_auto_alone, &wish.word->place, wish.directive);
    else
        cs_build_auto(build, server, &wish, &to->own);
}

static struct cs_pair *client_pair(struct cs_build *build, const struct cs_proxy_tls *to)
{
    const struct cs_block *block = to->block;
    const struct cs_directive *certificate = cs_block_nearest(block, "proxy_ssl_certificate");
    const struct cs_word *key = cs_build_word(block, "proxy_ssl_certificate_key");

    if (is_client_auto(block)) {
        struct cs_tls_pair pair = {0};
        (void)get_auto(build, &to->own, &pair);
        return pair.loaded;
    }
    if (!certificate || certificate->args[0].text.len == 0)
        return NULL;
    if (!key) {
        CS_FIND(build->findings, &cs_finding_no_key, &certificate->args[0].place,
                certificate->args[0].text, CS_STR("proxy_ssl_certificate_key"));
        return NULL;
    }
    if (has_variables(build, certificate) ||
        has_variables(build, cs_block_nearest(block, "proxy_ssl_certificate_key")))
        return NULL;
    return pair_of(build, &certificate->args[0], key,
                   cs_build_word(block, "proxy_ssl_password_file"));
}

/* When the certificate that is shown ends. */
static int64_t end_of(struct cs_build *build, const struct cs_pair *pair)
{
    struct cs_findings ignored;
    const struct cs_str *ders;
    struct cs_cert leaf;
    size_t n = 0;

    if (!pair)
        return INT64_MAX;
    cs_findings_init(&ignored, build->arena);
    ders = cs_pair_chain0(pair, &n);
    return n && cs_cert_parse(ders[0], build->arena, &ignored, &leaf) == 0 ? leaf.not_after
                                                                           : INT64_MAX;
}

/* What the certificate and the settings of a client are, as a key. */
static void digest_client(const struct cs_tls_client_spec *spec, uint8_t ret_digest[32])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_number(&digest, spec->protocols);
    cs_digest_number(&digest, spec->session_reuse);
    cs_digest_add(&digest, spec->ciphers);
    cs_digest_number(&digest, spec->pair != NULL);
    if (spec->pair)
        cs_digest_add(&digest, cs_str_make(cs_pair_digest(spec->pair->loaded), 32));
    cs_digest_final(&digest, ret_digest);
}

/* Everything that decides whom an upstream connection may serve, but for its name. */
static void digest_upstream(const struct cs_tls_client_spec *spec,
                            const struct cs_upstream_tls *tls, uint8_t ret_digest[32])
{
    struct cs_digest digest;
    uint8_t client[32];

    digest_client(spec, client);
    cs_digest_init(&digest);
    cs_digest_add(&digest, cs_str_make(client, sizeof(client)));
    cs_digest_number(&digest, tls->depth);
    cs_digest_number(&digest, tls->send_sni);
    cs_demand_digest(tls->demand, &digest);
    cs_digest_number(&digest, tls->trust != NULL);
    if (tls->trust)
        cs_digest_add(&digest, cs_str_make(cs_trust_digest(tls->trust), 32));
    cs_digest_final(&digest, ret_digest);
}

/* Upstreams that are shown the same, in what is built together, share one client: what it
 * remembers is kept apart by the pool's key. Return: one reference, or NULL after a finding. */
static struct cs_tls_client *get_client(struct cs_build *build,
                                        const struct cs_tls_client_spec *spec)
{
    struct cs_tls_client *client;
    uint8_t bytes[32];
    struct cs_str key = cs_str_make(bytes, sizeof(bytes));

    digest_client(spec, bytes);
    client = cs_map_get(&build->clients, key);
    if (!client) {
        if (cs_tls_client_new(spec, build->findings, &client) < 0)
            return NULL;
        cs_map_set(&build->clients, cs_arena_dup(build->arena, key), client);
    }
    return cs_tls_client_ref(client);
}

void cs_build_free_clients(struct cs_build *build)
{
    for (size_t i = 0; i < build->clients.n_slots; i++)
        cs_tls_client_unref(build->clients.slots[i].value);
    cs_map_deinit(&build->clients);
}

struct cs_upstream_tls *cs_build_upstream_credentials(struct cs_build *build,
                                                      const struct cs_proxy_tls *to)
{
    const struct cs_block *block = to->block;
    const struct cs_word *trusted = cs_build_word(block, "proxy_ssl_trusted_certificate");
    const struct cs_place *place = &cs_block_nearest(block, "proxy_pass")->place;
    struct cs_upstream_tls *tls = CS_NEW(struct cs_upstream_tls);
    struct cs_proxy_ssl_settings ssl;
    struct cs_tls_client_spec spec;
    struct cs_tls_pair pair = {0};

    tls->refs = 1;
    build->upstream = to;
    cs_settings_resolve(&cs_proxy_ssl_directives, block, build->arena, &ssl);
    pair.loaded = client_pair(build, to);
    tls->own_not_after = end_of(build, pair.loaded);
    tls->awaited = to->own.errand && !pair.loaded;
    spec = (struct cs_tls_client_spec){
        .pair = pair.loaded ? &pair : NULL,
        .protocols = usable_protocols(build, block, "proxy_ssl_protocols", ssl.protocols, place),
        .ciphers = ssl.ciphers,
        .session_reuse = ssl.session_reuse,
        .place = *place,
    };
    if (ssl.verify && trusted)
        tls->trust =
            get_trust(build, block, NULL, trusted, cs_block_nearest(block, "proxy_ssl_crl"));
    else if (ssl.verify)
        CS_FIND0(build->findings, &cs_finding_no_upstream_trust, place);
    tls->depth = (int)ssl.verify_depth;
    tls->demand = to->demand;
    tls->send_sni = ssl.server_name;
    tls->reuse_sessions = ssl.session_reuse;
    tls->client = spec.protocols ? get_client(build, &spec) : NULL;
    digest_upstream(&spec, tls, tls->digest);
    build->upstream = NULL;
    return tls;
}

const struct cs_proxy_tls *cs_build_upstream_tls(struct cs_build *build,
                                                 const struct cs_vserver *server,
                                                 const struct cs_block *block,
                                                 const struct cs_proxy *proxy)
{
    struct cs_keyring *keyring = build->snapshot->keyring;
    struct cs_proxy_tls *to = CS_ARENA_NEW(build->arena, struct cs_proxy_tls);
    struct cs_proxy_ssl_settings ssl;

    cs_settings_resolve(&cs_proxy_ssl_directives, block, build->arena, &ssl);
    check_ciphers(build, block, "proxy_ssl_ciphers");
    read_named(build, block, "proxy_ssl_password_file");
    to->block = block;
    if (is_client_auto(block))
        name_client_auto(build, server, to);
    to->name =
        cs_variables_compile_text(build->snapshot->variables, ssl.name.len ? ssl.name : proxy->host,
                                  &cs_block_nearest(block, "proxy_pass")->place, build->findings);
    to->demand = cs_build_upstream_demand(build, block, ssl.verify);
    to->index = keyring->n_upstreams++;
    keyring->upstreams =
        cs_build_grow(build, keyring->upstreams, to->index, sizeof(*keyring->upstreams));
    cs_keyring_put_upstream(keyring, to->index, cs_build_upstream_credentials(build, to));
    return to;
}
