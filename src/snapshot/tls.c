/* TLS of virtual servers and upstreams: files become keys, chains and trust, together the
 * credentials; what a client must be becomes the digest that sessions are bound to. */
#include "base/mem.h"
#include "config/value.h"
#include "snapshot/build.h"
#include "snapshot/errand.h"
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

/* ssl_password_file: one per line. They borrow from the file. */
static size_t read_passwords(struct cs_build *build, const struct cs_word *word,
                             struct cs_str **ret_passwords)
{
    struct cs_str text, *passwords = NULL;
    size_t n = 0;

    if (!word || cs_build_read(build, word, &text) < 0)
        return 0;
    while (text.ptr) {
        struct cs_str line = cs_str_cut(&text, '\n');
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            continue;
        passwords = cs_build_grow(build, passwords, n, sizeof(*passwords));
        passwords[n++] = line;
    }
    *ret_passwords = passwords;
    return n;
}

static bool has_variables(struct cs_build *build, const struct cs_directive *d)
{
    if (cs_str_find(d->args[0].text, '$') < 0)
        return false;
    CS_FIND(build->findings, &cs_finding_variable_certificate, &d->args[0].place, d->name);
    return true;
}

/* Files of one pair, read. Return: whether both could be. */
static bool read_pair(struct cs_build *build, const struct cs_word *certificate,
                      const struct cs_word *key, struct cs_tls_pair *pair)
{
    pair->place = certificate->place;
    pair->key_place = key->place;
    return cs_build_read(build, certificate, &pair->chain_pem) == 0 &&
           cs_build_read_key(build, key, &pair->key_pem) == 0;
}

static size_t read_pairs(struct cs_build *build, const struct cs_ssl_settings *ssl,
                         const struct cs_str *passwords, size_t n_passwords,
                         struct cs_tls_pair *pairs)
{
    size_t n = 0;

    for (size_t i = 0; i < ssl->certificate.n; i++) {
        const struct cs_directive *d = ssl->certificate.items[i];
        if (i >= ssl->certificate_key.n) {
            CS_FIND(build->findings, &cs_finding_no_key, &d->args[0].place, d->args[0].text,
                    CS_STR("ssl_certificate_key"));
            continue;
        }
        if (has_variables(build, d) || has_variables(build, ssl->certificate_key.items[i]))
            continue;
        pairs[n] = (struct cs_tls_pair){.passwords = passwords, .n_passwords = n_passwords};
        if (read_pair(build, &d->args[0], &ssl->certificate_key.items[i]->args[0], &pairs[n]))
            n++;
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

/* The pair that the steward keeps. Return: how many there are. */
static size_t read_auto(struct cs_build *build, const struct cs_vserver *server,
                        const struct cs_ssl_settings *ssl, struct cs_tls_pair *pair)
{
    const struct cs_word *word = &ssl->certificate.items[0]->args[0];
    const struct cs_errand *errand;
    struct cs_word certificate = *word, key = *word;

    if (ssl->certificate.n > 1 || ssl->certificate_key.n) {
        CS_FIND0(build->findings, &cs_finding_auto_alone, &word->place);
        return 0;
    }
    errand = cs_build_auto(build, server, &word->place);
    if (!errand)
        return 0;
    certificate.text = cs_arena_printf(build->arena, "%.*s/cert.pem", CS_FMT(errand->folder));
    key.text = cs_arena_printf(build->arena, "%.*s/key.pem", CS_FMT(errand->folder));
    if (!cs_build_is_there(build, &certificate)) {
        CS_FIND(build->findings, &cs_finding_auto_awaited, &word->place, errand->folder);
        return 0;
    }
    return read_pair(build, &certificate, &key, pair) ? 1 : 0;
}

/* The lists of a file, read once however many trust sets go by them.
 * Return: NULL when they cannot be used, which is told once. */
static const struct cs_crl_lists *read_lists(struct cs_build *build, const struct cs_word *word)
{
    struct cs_str path = cs_build_path(build, word->text);
    struct cs_source source = {.file = word->text, .place = word->place};
    struct cs_built_lists *built = cs_map_get(&build->lists, path);

    if (built)
        return built->lists;
    if (cs_build_read(build, word, &source.bytes) < 0)
        return NULL;
    built = CS_ARENA_NEW(build->arena, struct cs_built_lists);
    cs_map_set(&build->lists, path, built);
    if (cs_crl_lists_new(&source, 1, build->findings, &built->lists) != 0)
        return NULL;
    return built->lists;
}

void cs_build_free_lists(struct cs_build *build)
{
    for (size_t i = 0; i < build->lists.n_slots; i++) {
        struct cs_built_lists *built = build->lists.slots[i].value;
        if (built)
            cs_crl_lists_free(built->lists);
    }
    cs_map_deinit(&build->lists);
}

/* A trust set, with a reference for the caller; servers that name the same files share one.
 * @named: clients are told the names of the CAs in the first file. */
static struct cs_trust *build_trust(struct cs_build *build, const struct cs_word *named,
                                    const struct cs_word *trusted, const struct cs_word *crl)
{
    const struct cs_word *words[] = {named, trusted};
    struct cs_source cas[2];
    struct cs_trust_spec spec = {.cas = cas, .n_named = named ? 1 : 0};
    struct cs_built_trust *built;
    struct cs_str key = cs_arena_printf(
        build->arena, "%.*s\n%.*s\n%.*s", CS_FMT(named ? named->text : CS_STR("")),
        CS_FMT(trusted ? trusted->text : CS_STR("")), CS_FMT(crl ? crl->text : CS_STR("")));

    built = cs_map_get(&build->trusts, key);
    if (built)
        return built->trust ? cs_trust_ref(built->trust) : NULL;
    for (size_t i = 0; i < 2; i++) {
        struct cs_source *ca = &cas[spec.n_cas];
        if (!words[i])
            continue;
        *ca = (struct cs_source){.file = words[i]->text, .place = words[i]->place};
        if (cs_build_read(build, words[i], &ca->bytes) < 0)
            return NULL;
        spec.n_cas++;
    }
    if (crl) {
        spec.crl_place = &crl->place;
        spec.crls = read_lists(build, crl);
        if (!spec.crls)
            return NULL;
    }
    built = CS_ARENA_NEW(build->arena, struct cs_built_trust);
    built->crl = crl;
    cs_map_set(&build->trusts, key, built); /* a refused one stays refused, and is told once */
    if (cs_trust_new(&spec, build->findings, &built->trust) != 0)
        return NULL;
    cs_build_own(build, CS_OWNED_TRUST, built->trust);
    if (build->last_trust)
        build->last_trust->next = built;
    else
        build->first_trust = built;
    build->last_trust = built;
    return cs_trust_ref(built->trust);
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
        return cs_str_eq(word, CS_STR("crl"));
    return true;
}

static void read_rules(struct cs_build *build, const struct cs_block *block,
                       struct cs_revocation_rules *rules)
{
    const struct cs_directive *d = cs_block_nearest(block, "mtls_revocation");

    for (size_t i = 0; d && i < d->n_args; i++) {
        struct cs_str word = d->args[i].text;
        if (cs_str_eq(word, CS_STR("ocsp")) || cs_str_eq(word, CS_STR("both")))
            CS_FIND(build->findings, &cs_finding_no_ocsp, &d->args[i].place, word);
        else if (!read_rule(word, rules))
            CS_FIND(build->findings, &cs_finding_bad_revocation, &d->args[i].place, word);
    }
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
    read_reject(build, block, auth);
    if (auth->mode != CS_VERIFY_OFF) {
        if (named || trusted || auth->mode == CS_VERIFY_OPTIONAL_NO_CA)
            auth->trust = build_trust(build, named, trusted, cs_build_word(block, "ssl_crl"));
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
    cs_digest_number(&digest, auth->reject_in_handshake);
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

/* The keys of ssl_session_ticket_key, or the service's own. Return: one reference, or NULL. */
static struct cs_ticket_keys *ticket_keys(struct cs_build *build, const struct cs_ssl_settings *ssl)
{
    struct cs_str *files;
    struct cs_ticket_keys *keys = NULL;
    size_t n = 0;

    if (ssl->session_ticket_key.n == 0)
        return build->options->ticket_keys ? cs_ticket_keys_ref(build->options->ticket_keys) : NULL;
    files = cs_arena_array(build->arena, ssl->session_ticket_key.n, sizeof(*files));
    for (size_t i = 0; i < ssl->session_ticket_key.n; i++) {
        if (cs_build_read(build, &ssl->session_ticket_key.items[i]->args[0], &files[n]) == 0)
            n++;
    }
    if (n)
        cs_ticket_keys_new_files(files, n, &ssl->session_ticket_key.items[0]->args[0].place,
                                 build->findings, &keys);
    return keys;
}

static unsigned usable_protocols(struct cs_build *build, const struct cs_block *block,
                                 const char *directive, uint32_t bits, const struct cs_place *place)
{
    const struct cs_directive *d = cs_block_nearest(block, directive);

    if (bits & CS_SSL_OBSOLETE)
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

/* Certificates, keys and passwords of the default server into @ssl. Return: the block they are
 * from, which is @block itself when nothing needs to be borrowed, or NULL after a finding. */
static const struct cs_block *borrow_certificates(struct cs_build *build,
                                                  const struct cs_block *block,
                                                  const struct cs_vserver *server,
                                                  struct cs_ssl_settings *ssl)
{
    const struct cs_block *lender;
    struct cs_ssl_settings lent;

    if (ssl->certificate.n || ssl->reject_handshake)
        return block;
    lender = certificates_of(build, server);
    if (!lender) {
        CS_FIND0(build->findings, &cs_finding_no_certificate, &server->place);
        return NULL;
    }
    cs_settings_resolve(&cs_ssl_directives, lender, build->arena, &lent);
    ssl->certificate = lent.certificate;
    ssl->certificate_key = lent.certificate_key;
    CS_FIND(build->findings, &cs_finding_lent_certificate, &server->place,
            lent.certificate.items[0]->args[0].text);
    return lender;
}

/* What is trusted has to be readable even where nothing asks for it yet. */
static void read_trust(struct cs_build *build, const struct cs_block *block)
{
    static const char *const names[] = {"ssl_trusted_certificate", "ssl_crl"};
    struct cs_str text;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct cs_word *word = cs_build_word(block, names[i]);
        if (word)
            cs_build_read(build, word, &text);
    }
}

static void build_context(struct cs_build *build, const struct cs_vserver *server,
                          const struct cs_block *lender, const struct cs_ssl_settings *ssl,
                          struct cs_credentials *credentials)
{
    const struct cs_client_auth *auth = &credentials->auth;
    struct cs_str *passwords = NULL;
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
    size_t n_passwords =
        read_passwords(build, cs_build_word(lender, "ssl_password_file"), &passwords);

    spec.n_pairs = is_auto(ssl) ? read_auto(build, server, ssl, pairs)
                                : read_pairs(build, ssl, passwords, n_passwords, pairs);
    if (spec.n_pairs == 0 && ssl->certificate.n && !is_auto(ssl))
        return;
    if (ssl->stapling)
        cs_build_staple(build, server->block, pairs, spec.n_pairs);
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
    cs_ticket_keys_unref(spec.ticket_keys);
}

static void build_credentials(struct cs_build *build, const struct cs_vserver *server,
                              struct cs_ssl_settings *ssl, struct cs_credentials *credentials)
{
    const struct cs_block *block = server->block, *lender;
    struct cs_str *passwords;

    build_client_auth(build, server, ssl, &credentials->auth);
    if (!server->listens_tls) {
        read_passwords(build, cs_build_word(block, "ssl_password_file"), &passwords);
        return;
    }
    read_trust(build, block);
    check_ciphers(build, block, "ssl_ciphers");
    lender = borrow_certificates(build, block, server, ssl);
    if (lender)
        build_context(build, server, lender, ssl, credentials);
}

void cs_build_server_tls(struct cs_build *build, struct cs_vserver *server)
{
    struct cs_credentials *credentials = CS_NEW(struct cs_credentials);
    struct cs_ssl_settings ssl;

    credentials->refs = 1;
    cs_keyring_put_server(build->snapshot->keyring, server->index, credentials);
    cs_settings_resolve(&cs_ssl_directives, server->block, build->arena, &ssl);
    server->reject_handshake = ssl.reject_handshake;
    build_credentials(build, server, &ssl, credentials);
}

/* ---- upstreams ---- */

static void build_client_pair(struct cs_build *build, const struct cs_block *block,
                              struct cs_tls_client_spec *spec, struct cs_tls_pair *pair)
{
    const struct cs_directive *certificate = cs_block_nearest(block, "proxy_ssl_certificate");
    const struct cs_word *key = cs_build_word(block, "proxy_ssl_certificate_key");

    if (!certificate || certificate->args[0].text.len == 0)
        return;
    if (!key) {
        CS_FIND(build->findings, &cs_finding_no_key, &certificate->args[0].place,
                certificate->args[0].text, CS_STR("proxy_ssl_certificate_key"));
        return;
    }
    if (has_variables(build, certificate) ||
        has_variables(build, cs_block_nearest(block, "proxy_ssl_certificate_key")))
        return;
    if (read_pair(build, &certificate->args[0], key, pair))
        spec->pair = pair;
}

/* Everything that decides whom an upstream connection may serve, but for its name. */
static void digest_upstream(const struct cs_tls_client_spec *spec,
                            const struct cs_upstream_tls *tls, uint8_t ret_digest[32])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_number(&digest, spec->protocols);
    cs_digest_add(&digest, spec->ciphers);
    cs_digest_number(&digest, tls->depth);
    cs_digest_number(&digest, tls->send_sni);
    cs_digest_number(&digest, tls->trust != NULL);
    if (tls->trust)
        cs_digest_add(&digest, cs_str_make(cs_trust_digest(tls->trust), 32));
    cs_digest_number(&digest, spec->pair != NULL);
    if (spec->pair)
        cs_digest_add(&digest, spec->pair->chain_pem);
    cs_digest_final(&digest, ret_digest);
}

/* Locations that present the same to their upstreams share one client: its keys are read once,
 * and what it remembers is kept apart by the pool's key. */
static struct cs_tls_client *find_client(struct cs_build *build,
                                         const struct cs_tls_client_spec *spec)
{
    struct cs_tls_client *client;
    struct cs_digest digest;
    uint8_t bytes[32];
    struct cs_str key;

    cs_digest_init(&digest);
    cs_digest_number(&digest, spec->protocols);
    cs_digest_number(&digest, spec->session_reuse);
    cs_digest_add(&digest, spec->ciphers);
    cs_digest_add(&digest, spec->pair ? spec->pair->chain_pem : (struct cs_str){0});
    cs_digest_add(&digest, spec->pair ? spec->pair->key_pem : (struct cs_str){0});
    cs_digest_number(&digest, spec->pair ? (int64_t)spec->pair->n_passwords : 0);
    for (size_t i = 0; spec->pair && i < spec->pair->n_passwords; i++)
        cs_digest_add(&digest, spec->pair->passwords[i]);
    cs_digest_final(&digest, bytes);
    key = cs_str_make(bytes, sizeof(bytes));
    client = cs_map_get(&build->clients, key);
    if (client)
        return cs_tls_client_ref(client);
    if (cs_tls_client_new(spec, build->findings, &client) < 0)
        return NULL;
    cs_build_own(build, CS_OWNED_TLS_CLIENT, client);
    cs_map_set(&build->clients, cs_arena_dup(build->arena, key), client);
    return cs_tls_client_ref(client);
}

static void build_upstream(struct cs_build *build, const struct cs_block *block,
                           const struct cs_proxy_ssl_settings *ssl, struct cs_upstream_tls *tls)
{
    const struct cs_word *trusted = cs_build_word(block, "proxy_ssl_trusted_certificate");
    const struct cs_place *place = &cs_block_nearest(block, "proxy_pass")->place;
    struct cs_str *passwords = NULL;
    struct cs_tls_pair pair = {0};
    struct cs_tls_client_spec spec = {
        .place = *place, .ciphers = ssl->ciphers, .session_reuse = ssl->session_reuse};

    pair.n_passwords =
        read_passwords(build, cs_build_word(block, "proxy_ssl_password_file"), &passwords);
    pair.passwords = passwords;
    check_ciphers(build, block, "proxy_ssl_ciphers");
    build_client_pair(build, block, &spec, &pair);
    spec.protocols = usable_protocols(build, block, "proxy_ssl_protocols", ssl->protocols, place);
    if (ssl->verify && trusted)
        tls->trust = build_trust(build, NULL, trusted, cs_build_word(block, "proxy_ssl_crl"));
    else if (ssl->verify)
        CS_FIND0(build->findings, &cs_finding_no_upstream_trust, place);
    tls->depth = (int)ssl->verify_depth;
    tls->send_sni = ssl->server_name;
    tls->reuse_sessions = ssl->session_reuse;
    tls->client = spec.protocols ? find_client(build, &spec) : NULL;
    digest_upstream(&spec, tls, tls->digest);
}

const struct cs_proxy_tls *cs_build_upstream_tls(struct cs_build *build,
                                                 const struct cs_block *block,
                                                 const struct cs_proxy *proxy)
{
    struct cs_keyring *keyring = build->snapshot->keyring;
    struct cs_proxy_tls *to = CS_ARENA_NEW(build->arena, struct cs_proxy_tls);
    struct cs_upstream_tls *tls = CS_NEW(struct cs_upstream_tls);
    struct cs_proxy_ssl_settings ssl;

    to->index = keyring->n_upstreams++;
    keyring->upstreams =
        cs_build_grow(build, keyring->upstreams, to->index, sizeof(*keyring->upstreams));
    tls->refs = 1;
    cs_keyring_put_upstream(keyring, to->index, tls);
    cs_settings_resolve(&cs_proxy_ssl_directives, block, build->arena, &ssl);
    to->name =
        cs_variables_compile_text(build->snapshot->variables, ssl.name.len ? ssl.name : proxy->host,
                                  &cs_block_nearest(block, "proxy_pass")->place, build->findings);
    build_upstream(build, block, &ssl, tls);
    return to;
}
