/* What works and will hurt: said by `countersign check`, never a reason to refuse. */
#include "base/time.h"
#include "snapshot/build.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/trust.h"

enum { SOON_SEC = 30 * 86400 };

static struct cs_str date(struct cs_build *build, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(build->arena, cs_time_iso(sec, text));
}

static void lint_certificate(struct cs_build *build, const struct cs_word *word, struct cs_str der)
{
    struct cs_cert cert;
    struct cs_findings ignored;
    int64_t now = build->options->now_sec, life;
    const struct cs_finding_kind *kind = NULL;
    int64_t when = 0;

    cs_findings_init(&ignored, build->arena);
    if (cs_cert_parse(der, build->arena, &ignored, &cert) != 0)
        return;
    life = cert.not_after - cert.not_before;
    when = cert.not_after;
    if (cert.not_after < now) {
        kind = &cs_finding_lint_expired;
    } else if (cert.not_before > now) {
        kind = &cs_finding_lint_not_yet;
        when = cert.not_before;
    } else if (cert.not_after - now < (life / 3 < SOON_SEC ? life / 3 : SOON_SEC)) {
        kind = &cs_finding_lint_expires;
    }
    if (kind)
        CS_FIND(build->findings, kind, &word->place, word->text, date(build, when),
                cs_name_text(cert.subject, build->arena));
}

static void lint_file(struct cs_build *build, const struct cs_word *word)
{
    struct cs_pem_block block;
    struct cs_str text, rest;

    if (cs_build_read(build, word, &text) < 0)
        return;
    rest = text;
    while (cs_pem_next(&rest, build->arena, &block) == 1) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            lint_certificate(build, word, block.der);
    }
}

/* Every file of certificates named anywhere in the tree. */
static void lint_files(struct cs_build *build, const struct cs_block *block)
{
    static const char *const names[] = {"ssl_certificate", "ssl_client_certificate",
                                        "ssl_trusted_certificate", "proxy_ssl_certificate",
                                        "proxy_ssl_trusted_certificate"};

    for (const struct cs_directive *d = block->first; d; d = d->next) {
        for (size_t i = 0; d->row && i < sizeof(names) / sizeof(names[0]); i++) {
            if (cs_directive_is(d, names[i]) && d->n_args)
                lint_file(build, &d->args[0]);
        }
        if (d->block)
            lint_files(build, d->block);
    }
}

/* Lists that are missing or out of date for the CAs of @server. */
static void lint_crls(struct cs_build *build, const struct cs_vserver *server)
{
    const struct cs_crl_set *crls = server->auth.trust ? cs_trust_crls(server->auth.trust) : NULL;
    const struct cs_cert *cas;
    size_t n = 0;

    if (!crls)
        return;
    cas = cs_trust_certs(server->auth.trust, &n);
    for (size_t i = 0; i < n; i++) {
        struct cs_crl_answer answer =
            cs_crl_set_check(crls, &cas[i], &cas[i], build->options->now_sec);
        struct cs_str subject = cs_name_text(cas[i].subject, build->arena);
        if (!cas[i].ca && cas[i].version == 3)
            continue;
        if (answer.status == CS_CRL_MISSING)
            CS_FIND(build->findings, &cs_finding_lint_crl_missing, &server->place, subject);
        if (answer.status == CS_CRL_EXPIRED)
            CS_FIND(build->findings, &cs_finding_lint_crl_expired, &server->place, subject,
                    date(build, answer.next_update));
    }
}

/* How many certificates stand between a leaf of @ca and its root, as far as the trusted set
 * itself tells. */
static int path_length(const struct cs_cert *cas, size_t n, const struct cs_cert *ca)
{
    int length = 0;

    while (!cs_cert_self_issued(ca) && (size_t)length < n) {
        const struct cs_cert *issuer = NULL;
        for (size_t i = 0; i < n && !issuer; i++) {
            if (cs_name_eq(cas[i].subject, ca->issuer))
                issuer = &cas[i];
        }
        if (!issuer)
            break;
        ca = issuer;
        length++;
    }
    return length;
}

static void lint_depth(struct cs_build *build, const struct cs_vserver *server)
{
    const struct cs_cert *cas;
    size_t n = 0;

    if (!server->auth.trust)
        return;
    cas = cs_trust_certs(server->auth.trust, &n);
    for (size_t i = 0; i < n; i++) {
        int length = path_length(cas, n, &cas[i]);
        if (length > server->auth.depth)
            CS_FIND(build->findings, &cs_finding_lint_depth, &server->place,
                    cs_arena_printf(build->arena, "%d", server->auth.depth),
                    cs_name_text(cas[i].subject, build->arena),
                    cs_arena_printf(build->arena, "%d", length));
    }
}

static void lint_server(struct cs_build *build, const struct cs_vserver *server)
{
    lint_crls(build, server);
    lint_depth(build, server);
    if (server->auth.mode != CS_VERIFY_OFF && server->listens_plain)
        CS_FIND(build->findings, &cs_finding_lint_plain, &server->place,
                server->name.len ? server->name : CS_STR("a server"), CS_STR("set"));
}

static void lint_upstreams(struct cs_build *build, const struct cs_block *block)
{
    for (const struct cs_directive *d = block->first; d; d = d->next) {
        if (cs_directive_is(d, "proxy_pass") && d->n_args &&
            cs_str_starts_nocase(d->args[0].text, CS_STR("https://"))) {
            const struct cs_directive *verify = cs_block_nearest(block, "proxy_ssl_verify");
            if (!verify || !cs_str_eq_nocase(cs_directive_arg(verify, 0), CS_STR("on")))
                CS_FIND(build->findings, &cs_finding_lint_verify_off, &d->args[0].place,
                        d->args[0].text);
        }
        if (d->block)
            lint_upstreams(build, d->block);
    }
}

void cs_build_lint(struct cs_build *build)
{
    lint_files(build, build->http);
    lint_upstreams(build, build->http);
    for (size_t i = 0; i < build->snapshot->n_servers; i++)
        lint_server(build, build->snapshot->servers[i]);
}
