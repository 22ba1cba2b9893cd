/* What works and will hurt: said by `countersign check`, never a reason to refuse. */
#include "base/time.h"
#include "snapshot/material.h"
#include "x509/cert.h"
#include "x509/findings.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/trust.h"

enum { SOON_SEC = 30 * 86400 };

/* A chain that is presented: where it is named, and the last certificate of its file. */
struct chain {
    const struct cs_word *word;
    const struct cs_cert *last;
    struct chain *next;
};

/* An intermediate CA that some file holds. */
struct intermediate {
    const struct cs_cert *cert;
    struct intermediate *next;
};

struct lint {
    struct cs_build *build;
    struct chain *chains;
    struct intermediate *intermediates;
    struct cs_map files;                /* path → not NULL: certificates looked at already */
    bool http_looks, http_looks_verify; /* see lint_optional() */
};

/* A self-signed certificate without extensions is a root of old. */
static bool is_ca(const struct cs_cert *cert)
{
    return cert->ca || cert->version < 3;
}

static struct cs_str date(struct cs_build *build, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(build->arena, cs_time_iso(sec, text));
}

/* A certificate of a file. Return: NULL when it cannot be read. */
static const struct cs_cert *read_certificate(struct lint *lint, struct cs_str der)
{
    struct cs_arena *arena = lint->build->arena;
    struct cs_cert *cert = CS_ARENA_NEW(arena, struct cs_cert);
    struct intermediate *found;
    struct cs_findings ignored;

    cs_findings_init(&ignored, arena);
    if (cs_cert_parse(der, arena, &ignored, cert) != 0)
        return NULL;
    if (!cert->ca || cs_cert_self_issued(cert))
        return cert;
    found = CS_ARENA_NEW(arena, struct intermediate);
    *found = (struct intermediate){cert, lint->intermediates};
    lint->intermediates = found;
    return cert;
}

static void lint_certificate(struct cs_build *build, const struct cs_word *word,
                             const struct cs_cert *cert)
{
    int64_t now = build->options->now_sec, life;
    const struct cs_finding_kind *kind = NULL;
    int64_t when = 0;

    life = cert->not_after - cert->not_before;
    when = cert->not_after;
    if (cert->not_after < now) {
        kind = &cs_finding_lint_expired;
    } else if (cert->not_before > now) {
        kind = &cs_finding_lint_not_yet;
        when = cert->not_before;
    } else if (cert->not_after - now < (life / 3 < SOON_SEC ? life / 3 : SOON_SEC)) {
        kind = &cs_finding_lint_expires;
    }
    if (kind)
        CS_FIND(build->findings, kind, &word->place, word->text, date(build, when),
                cs_name_text(cert->subject, build->arena));
}

/* The certificates of one file, once, wherever it is named. What the load did not read, because
 * no server needs it, is not looked at. */
static void lint_file(struct lint *lint, const struct cs_word *word, bool presented)
{
    struct cs_build *build = lint->build;
    struct cs_str rest = cs_build_known_file(build, word);
    const struct cs_cert *cert = NULL;
    struct cs_pem_block block;
    struct chain *chain;

    if (!rest.len || cs_map_set(&lint->files, cs_build_path(build, word->text), build))
        return;
    while (cs_pem_next(&rest, build->arena, &block) == 1) {
        if (!cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            continue;
        cert = read_certificate(lint, block.der);
        if (cert)
            lint_certificate(build, word, cert);
    }
    if (!presented || !cert)
        return;
    chain = CS_ARENA_NEW(build->arena, struct chain);
    *chain = (struct chain){word, cert, lint->chains};
    lint->chains = chain;
}

/* The issuer of the last certificate presented may be a root, which peers have. Where a file holds
 * it and it is none, it is known that they may not. */
static void lint_chain(struct lint *lint, const struct chain *chain)
{
    const struct cs_cert *last = chain->last;
    struct cs_arena *arena = lint->build->arena;

    for (const struct intermediate *i = lint->intermediates; i; i = i->next) {
        if (cs_cert_self_issued(last) || !cs_name_eq(i->cert->subject, last->issuer))
            continue;
        CS_FIND(lint->build->findings, CS_X509_KIND(CHAIN_INCOMPLETE), &chain->word->place,
                CS_STR("certificate"), cs_name_text(last->subject, arena),
                cs_name_text(last->issuer, arena));
        return;
    }
}

/* Every file of certificates named anywhere in the tree. */
static void lint_files(struct lint *lint, const struct cs_block *block)
{
    static const struct {
        const char *name;
        bool presented;
    } rows[] = {{"ssl_certificate", true},
                {"ssl_client_certificate", false},
                {"ssl_trusted_certificate", false},
                {"proxy_ssl_certificate", true},
                {"proxy_ssl_trusted_certificate", false}};

    for (const struct cs_directive *d = block->first; d; d = d->next) {
        for (size_t i = 0; d->row && i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (cs_directive_is(d, rows[i].name))
                lint_file(lint, &d->args[0], rows[i].presented);
        }
        if (d->block)
            lint_files(lint, d->block);
    }
}

/* ---- revocation lists ---- */

/* Whether what is good from @from to @until is in the last third of that, or in its last month. */
static bool is_ending(int64_t from, int64_t until, int64_t now_sec)
{
    int64_t third = (until - from) / 3;

    return until != INT64_MAX && until - now_sec < (third < SOON_SEC ? third : SOON_SEC);
}

static void lint_crl(struct cs_build *build, const struct cs_material *trust,
                     const struct cs_cert *ca)
{
    struct cs_crl_answer answer =
        cs_crl_set_survey(cs_trust_crls(trust->object), ca, build->options->now_sec);
    struct cs_str subject = cs_name_text(ca->subject, build->arena);
    const struct cs_place *place = &trust->crl->place;

    switch (answer.status) {
    case CS_CRL_MISSING:
        CS_FIND(build->findings, &cs_finding_lint_crl_missing, place, subject, trust->crl->text);
        break;
    case CS_CRL_EXPIRED:
        CS_FIND(build->findings, &cs_finding_lint_crl_expired, place, subject,
                date(build, answer.next_update));
        break;
    case CS_CRL_NOT_YET_VALID:
        CS_FIND(build->findings, &cs_finding_lint_crl_early, place, subject,
                date(build, answer.this_update));
        break;
    case CS_CRL_SIGNER_MISMATCH:
        CS_FIND(build->findings, &cs_finding_lint_crl_usage, place, subject);
        break;
    case CS_CRL_GOOD:
        if (is_ending(answer.this_update, answer.next_update, build->options->now_sec))
            CS_FIND(build->findings, &cs_finding_lint_crl_expires, place, subject,
                    date(build, answer.next_update));
        break;
    default: break;
    }
}

static const struct cs_cert *find_issuer(const struct cs_cert *cas, size_t n,
                                         const struct cs_cert *ca)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_name_eq(cas[i].subject, ca->issuer))
            return &cas[i];
    }
    return NULL;
}

/* Lists of the issuer of @ca are there, and none of them is for @ca itself. */
static void lint_crl_of_issuer(struct cs_build *build, const struct cs_material *trust,
                               const struct cs_cert *issuer, const struct cs_cert *ca)
{
    struct cs_crl_answer answer =
        cs_crl_set_check(cs_trust_crls(trust->object), ca, issuer, build->options->now_sec);

    if (answer.status == CS_CRL_MISSING && answer.has_others)
        CS_FIND(build->findings, &cs_finding_lint_crl_narrow, &trust->crl->place,
                cs_name_text(ca->subject, build->arena), trust->crl->text);
}

/* Lists that are missing or out of date for the CAs of one trust set, of clients or upstreams. */
static void lint_crls(struct cs_build *build, const struct cs_material *trust)
{
    const struct cs_cert *cas, *issuer;
    size_t n = 0;

    if (trust->kind != CS_MATERIAL_TRUST || !trust->crl)
        return;
    cas = cs_trust_certs(trust->object, &n);
    for (size_t i = 0; i < n; i++) {
        if (!is_ca(&cas[i]))
            continue;
        lint_crl(build, trust, &cas[i]);
        issuer = find_issuer(cas, n, &cas[i]);
        if (issuer)
            lint_crl_of_issuer(build, trust, issuer, &cas[i]);
    }
}

/* ---- who may come ---- */

/* How many certificates stand between a leaf of @ca and its root. Return: -1 when the trusted set
 * does not lead to a root. */
static int path_length(const struct cs_cert *cas, size_t n, const struct cs_cert *ca)
{
    int length = 0;

    for (; ca && !cs_cert_self_issued(ca); ca = find_issuer(cas, n, ca)) {
        if ((size_t)length++ > n)
            return -1;
    }
    return ca ? length : -1;
}

/* The word that is to blame for what clients are refused for. */
static const struct cs_word *trust_word(const struct cs_vserver *server)
{
    const struct cs_word *word = cs_build_word(server->block, "ssl_client_certificate");

    return word ? word : cs_build_word(server->block, "ssl_trusted_certificate");
}

static const struct cs_client_auth *auth_of(const struct cs_build *build,
                                            const struct cs_vserver *server)
{
    return &build->snapshot->keyring->servers[server->index]->auth;
}

static void lint_path(struct cs_build *build, const struct cs_vserver *server,
                      const struct cs_cert *ca, int length)
{
    const struct cs_word *depth = cs_build_word(server->block, "ssl_verify_depth");
    const struct cs_place *trusted = &trust_word(server)->place;
    const struct cs_client_auth *auth = auth_of(build, server);
    struct cs_str subject = cs_name_text(ca->subject, build->arena);

    if (length < 0)
        CS_FIND(build->findings, &cs_finding_lint_no_root, trusted, subject,
                cs_name_text(ca->issuer, build->arena));
    else if (length > auth->depth)
        CS_FIND(build->findings, &cs_finding_lint_depth, depth ? &depth->place : trusted,
                cs_arena_printf(build->arena, "%d", auth->depth), subject,
                cs_arena_printf(build->arena, "%d", length));
}

static void lint_paths(struct cs_build *build, const struct cs_vserver *server)
{
    const struct cs_client_auth *auth = auth_of(build, server);
    const struct cs_cert *cas;
    size_t n = 0;

    if (!auth->trust || auth->mode == CS_VERIFY_OPTIONAL_NO_CA)
        return;
    cas = cs_trust_certs(auth->trust, &n);
    for (size_t i = 0; i < n; i++) {
        if (is_ca(&cas[i]))
            lint_path(build, server, &cas[i], path_length(cas, n, &cas[i]));
    }
}

static const char *mode_name(enum cs_verify_mode mode)
{
    switch (mode) {
    case CS_VERIFY_ON: return "on";
    case CS_VERIFY_OPTIONAL: return "optional";
    case CS_VERIFY_OPTIONAL_NO_CA: return "optional_no_ca";
    default: return "off";
    }
}

static bool always_answers(const struct cs_script *script)
{
    for (size_t i = 0; i < script->n; i++) {
        if (script->ops[i].kind == CS_OP_RETURN)
            return true;
    }
    return false;
}

/* A server that only redirects from port 80 is no way around the certificate. */
static void lint_plain(struct cs_build *build, const struct cs_vserver *server)
{
    enum cs_verify_mode mode = auth_of(build, server)->mode;

    if (mode != CS_VERIFY_OFF && server->listens_plain && server->proxies &&
        !always_answers(&server->script))
        CS_FIND(build->findings, &cs_finding_lint_plain, &server->place,
                server->name.len ? server->name : CS_STR("a server without a name"),
                cs_str_from(mode_name(mode)));
}

static bool names_variable(struct cs_str text, struct cs_str prefix)
{
    ptrdiff_t at;

    while ((at = cs_str_find(text, '$')) >= 0) {
        text = cs_str_skip(text, (size_t)at + 1);
        if (cs_str_starts(text, CS_STR("{")))
            text = cs_str_skip(text, 1);
        if (cs_str_starts_nocase(text, prefix))
            return true;
    }
    return false;
}

/* Whether @block does something with a variable whose name begins with @prefix. To log it is
 * nothing, and what servers inside do is their own affair. */
static bool looks_at(const struct cs_block *block, struct cs_str prefix)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        if (cs_directive_is(d, "log_format") || cs_directive_is(d, "access_log"))
            continue;
        for (size_t i = 0; i < d->n_args; i++) {
            if (names_variable(d->args[i].text, prefix))
                return true;
        }
        if (d->block && !cs_directive_is(d, "server") && looks_at(d->block, prefix))
            return true;
    }
    return false;
}

/* With optional, whoever comes with a certificate has a good one, so any of its variables tells;
 * with optional_no_ca only the verdict does. */
static void lint_optional(const struct lint *lint, const struct cs_vserver *server)
{
    enum cs_verify_mode mode = auth_of(lint->build, server)->mode;
    bool no_ca = mode == CS_VERIFY_OPTIONAL_NO_CA;
    struct cs_str prefix = no_ca ? CS_STR("ssl_client_verify") : CS_STR("ssl_client_");

    if ((!no_ca && mode != CS_VERIFY_OPTIONAL) || !server->listens_tls || !server->proxies ||
        (no_ca ? lint->http_looks_verify : lint->http_looks) || looks_at(server->block, prefix))
        return;
    CS_FIND(lint->build->findings, &cs_finding_lint_optional,
            &cs_build_word(server->block, "ssl_verify_client")->place, cs_str_from(mode_name(mode)),
            no_ca ? CS_STR("$ssl_client_verify") : CS_STR("a $ssl_client_… variable"));
}

static void lint_server(const struct lint *lint, const struct cs_vserver *server)
{
    lint_paths(lint->build, server);
    lint_plain(lint->build, server);
    lint_optional(lint, server);
}

/* ---- upstreams ---- */

static void lint_pass(struct cs_build *build, const struct cs_directive *d)
{
    const struct cs_word *verify = cs_build_word(d->parent, "proxy_ssl_verify");
    struct cs_str url = d->args[0].text;

    if (!cs_str_starts_nocase(url, CS_STR("https://")) ||
        cs_str_starts(cs_str_skip(url, 8), CS_STR("unix:")))
        return;
    if (!verify || !cs_str_eq_nocase(verify->text, CS_STR("on")))
        CS_FIND(build->findings, &cs_finding_lint_verify_off, &d->args[0].place, url);
}

static void lint_upstreams(struct cs_build *build, const struct cs_block *block)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        if (d->row && cs_directive_is(d, "proxy_pass"))
            lint_pass(build, d);
        if (d->block)
            lint_upstreams(build, d->block);
    }
}

/* What of @regex stands behind the name of an attribute ("CN="). Return: its place, or -1. */
static ptrdiff_t find_attribute(struct cs_str regex, struct cs_str *ret_value)
{
    static const char *const names[] = {"CN=", "O=", "OU=", "emailAddress=", "UID="};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ptrdiff_t at = cs_str_search(regex, cs_str_from(names[i]));
        if (at < 0)
            continue;
        *ret_value = cs_str_skip(regex, (size_t)at + strlen(names[i]));
        return at;
    }
    return -1;
}

/* Whether the attribute is not tied to the beginning of one, or its value may go on into the next:
 * the value of another attribute may contain the same text. */
static bool is_open_match(struct cs_str regex, size_t at, struct cs_str value)
{
    char before = at ? regex.ptr[at - 1] : '\0';

    return before == '\0' || !memchr("^,)|+/]", before, 7) ||
           cs_str_search(value, CS_STR(".*")) >= 0;
}

/* Whether nothing says where the value ends: a separator, or the end of the text. */
static bool has_open_end(struct cs_str value)
{
    return cs_str_find(value, ',') < 0 && cs_str_find(value, '/') < 0 &&
           cs_str_find(value, '$') < 0;
}

static bool is_name_variable(struct cs_str text)
{
    return cs_str_search(text, CS_STR("$ssl_client_s_dn")) >= 0 ||
           cs_str_search(text, CS_STR("$ssl_client_i_dn")) >= 0;
}

static void lint_match(struct cs_build *build, const struct cs_word *word, struct cs_str variable)
{
    struct cs_str value;
    ptrdiff_t at = find_attribute(word->text, &value);

    if (at < 0)
        return;
    if (is_open_match(word->text, (size_t)at, value))
        CS_FIND(build->findings, &cs_finding_lint_open_match, &word->place, word->text, variable);
    if (has_open_end(value))
        CS_FIND(build->findings, &cs_finding_lint_open_end, &word->place, word->text, variable);
}

/* Names taken out of a distinguished name by a regular expression, in if and map. */
static void lint_matches(struct cs_build *build, const struct cs_block *block)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        struct cs_str first = cs_directive_arg(d, 0);
        if (cs_directive_is(d, "if") && is_name_variable(first) && d->n_args >= 3)
            lint_match(build, &d->args[2], cs_str_skip(first, 1));
        if (cs_directive_is(d, "map") && is_name_variable(first) && d->block) {
            for (const struct cs_directive *l = d->block->first; l; l = l->next) {
                struct cs_word key = {l->name, l->place, false};
                if (key.text.len && key.text.ptr[0] == '~')
                    lint_match(build, &key, first);
            }
        } else if (d->block) {
            lint_matches(build, d->block);
        }
    }
}

/* Who would watch is not there. */
static void lint_watch(struct cs_build *build)
{
    const struct cs_core_settings *core = &build->snapshot->core;

    if (!core->master_process && core->watch && build->snapshot->keyring->n_files)
        CS_FIND0(build->findings, &cs_finding_watch_unattended,
                 &cs_block_find(build->snapshot->config->main, "master_process")->place);
}

void cs_build_lint(struct cs_build *build)
{
    struct lint lint = {
        .build = build,
        .http_looks = looks_at(build->http, CS_STR("ssl_client_")),
        .http_looks_verify = looks_at(build->http, CS_STR("ssl_client_verify")),
    };

    lint_watch(build);
    lint_matches(build, build->http);
    lint_files(&lint, build->http);
    for (const struct chain *chain = lint.chains; chain; chain = chain->next)
        lint_chain(&lint, chain);
    for (size_t i = 0; i < build->snapshot->keyring->n_materials; i++)
        lint_crls(build, build->snapshot->keyring->materials[i]);
    lint_upstreams(build, build->http);
    for (size_t i = 0; i < build->snapshot->n_servers; i++)
        lint_server(&lint, build->snapshot->servers[i]);
    cs_map_deinit(&lint.files);
}
