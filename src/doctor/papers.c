/* The steps about certificates: what each side shows, what is asked for, and how they fit. */
#include "base/time.h"
#include "doctor/fit.h"
#include "doctor/visit.h"
#include "x509/lint.h"
#include "x509/name.h"
#include "x509/trust.h"

/* CA names that are shown; programs get as many. */
#define NAMES_MAX 32

static bool have(struct cs_messages messages, enum cs_message message)
{
    return cs_messages_have(messages, message);
}

/* ---- one certificate in a line ---- */

static struct cs_str key_text(struct cs_visit *v, const struct cs_cert *cert)
{
    if (cert->key_kind != CS_KEY_RSA && cert->key_kind != CS_KEY_RSA_PSS)
        return cert->key_name;
    return cs_arena_printf(&v->arena, "%.*s %u", CS_FMT(cert->key_name), cert->key_bits);
}

static struct cs_str life_text(struct cs_visit *v, const struct cs_cert *cert)
{
    char span[CS_TIME_TEXT], bound[CS_TIME_TEXT];
    int64_t now = v->judge_sec;

    if (now < cert->not_before)
        return cs_arena_printf(&v->arena, "not valid before %.*s, in %.*s",
                               CS_FMT(cs_time_iso(cert->not_before, bound)),
                               CS_FMT(cs_time_span(cert->not_before - now, span)));
    if (now > cert->not_after)
        return cs_arena_printf(&v->arena, "expired at %.*s, %.*s ago",
                               CS_FMT(cs_time_iso(cert->not_after, bound)),
                               CS_FMT(cs_time_span(now - cert->not_after, span)));
    return cs_arena_printf(&v->arena, "valid until %.*s, %.*s left",
                           CS_FMT(cs_time_iso(cert->not_after, bound)),
                           CS_FMT(cs_time_span(cert->not_after - now, span)));
}

static struct cs_str subject_text(struct cs_visit *v, const struct cs_cert *cert)
{
    return cs_name_is_empty(cert->subject) ? CS_STR("(no subject)")
                                           : cs_name_text(cert->subject, &v->arena);
}

static struct cs_str cert_text(struct cs_visit *v, const struct cs_cert *cert)
{
    return cs_arena_printf(
        &v->arena, "%.*s, issued by %.*s, %.*s, %.*s", CS_FMT(subject_text(v, cert)),
        CS_FMT(cs_cert_self_issued(cert) ? CS_STR("itself")
                                         : cs_name_text(cert->issuer, &v->arena)),
        CS_FMT(key_text(v, cert)), CS_FMT(life_text(v, cert)));
}

static void add_chain(struct cs_visit *v, const struct cs_cert *certs, size_t n)
{
    struct cs_str *items = cs_arena_array(&v->arena, n + 1, sizeof(*items));

    for (size_t i = 0; i < n; i++)
        items[i] = cert_text(v, &certs[i]);
    cs_step_list(&v->steps, "certificates", "certificates", items, n);
    if (n && certs[0].san.present)
        cs_step_text(&v->steps, "names", "names", cs_cert_names_text(&certs[0], &v->arena));
}

/* ---- findings ---- */

static bool is_verdicts(const struct cs_visit *v, const struct cs_finding *finding)
{
    for (const struct cs_finding *f = v->verdict.findings.first; f; f = f->next) {
        if (f->kind == finding->kind)
            return true;
    }
    return false;
}

static void copy(struct cs_findings *to, const struct cs_finding *finding)
{
    cs_findings_add(to, finding->kind, &finding->place, finding->operands, CS_FINDING_OPERANDS);
}

/* What the chain is found guilty of, but for the causes, which are told at the end; then what will
 * hurt elsewhere. */
static const struct cs_finding *remarks(struct cs_visit *v, const struct cs_cert *certs, size_t n,
                                        unsigned role, bool judged)
{
    const struct cs_cert **all = cs_arena_array(&v->arena, n + 1, sizeof(struct cs_cert *));
    struct cs_findings lint, *told = CS_ARENA_NEW(&v->arena, struct cs_findings);

    cs_findings_init(told, &v->arena);
    cs_findings_init(&lint, &v->arena);
    for (size_t i = 0; i < n; i++)
        all[i] = &certs[i];
    for (size_t i = 0; i < n; i++) {
        struct cs_lint_query query = {.cert = &certs[i],
                                      .role = i ? cs_lint_role_of(&certs[i]) : role,
                                      .now_sec = v->judge_sec};
        cs_lint_cert(&query, &lint);
        cs_lint_position(all, n, i, &lint);
    }
    for (const struct cs_finding *f = judged ? v->verdict.findings.first : NULL; f; f = f->next)
        copy(told, f);
    for (const struct cs_finding *f = lint.first; f; f = f->next) {
        if (f->kind->severity >= CS_SEVERITY_WARNING && !is_verdicts(v, f))
            copy(told, f);
    }
    return told->first;
}

/* ---- what the peer shows ---- */

static struct cs_str path_text(struct cs_visit *v)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < v->verdict.n_path; i++)
        text = cs_arena_printf(&v->arena, "%.*s%s%.*s", CS_FMT(text), i ? " < " : "",
                               CS_FMT(subject_text(v, v->verdict.path[i])));
    return text;
}

static struct cs_str name_text(struct cs_visit *v)
{
    if (v->server || !v->name.len || !v->verdict.leaf)
        return (struct cs_str){0};
    switch (cs_name_match_host(v->verdict.leaf, v->name)) {
    case CS_HOST_YES: return cs_arena_printf(&v->arena, "is for %.*s", CS_FMT(v->name));
    case CS_HOST_BY_COMMON_NAME:
        return cs_arena_printf(&v->arena, "is for %.*s, by its common name only", CS_FMT(v->name));
    case CS_HOST_NO: break;
    }
    return cs_arena_printf(&v->arena, "is not for %.*s", CS_FMT(v->name));
}

static struct cs_str peer_summary(struct cs_visit *v)
{
    if (!v->judged)
        return v->handshake->n_chain ? CS_STR("one came, and is held against nothing (--client-ca)")
                                     : CS_STR("none came");
    if (!v->verdict.leaf)
        return CS_STR("it cannot be read");
    return cs_arena_printf(&v->arena, "%.*s, %s", CS_FMT(subject_text(v, v->verdict.leaf)),
                           v->verdict.accepted ? "accepted" : "not accepted");
}

static struct cs_str revocation_text(struct cs_visit *v)
{
    const struct cs_crl_set *lists = cs_trust_crls(v->trust);

    if (!lists)
        return CS_STR("not looked at (--crl)");
    return cs_arena_printf(&v->arena, "by the lists of %.*s, which have %zu serial numbers",
                           CS_FMT(v->crl_name), cs_crl_set_entries(lists));
}

/* ---- what OCSP says ---- */

/* Nobody's word was judged: why not. */
static struct cs_str unheard_text(const struct cs_visit *v)
{
    if (!v->staple.len && !v->ask_ocsp)
        return CS_STR("nothing is stapled, and no responder is asked (--ocsp)");
    return v->verdict.accepted ? CS_STR("not looked at: who issued the certificate is not known")
                               : CS_STR("not looked at: the chain is not accepted");
}

static struct cs_str witness_text(struct cs_visit *v)
{
    const struct cs_standing *s = &v->standing;
    struct cs_str who = v->witness == CS_WITNESS_STAPLED ? CS_STR("the stapled response")
                        : s->url[0] ? cs_arena_printf(&v->arena, "responder %s", s->url)
                                    : CS_STR("no responder");
    char from[CS_TIME_TEXT], until[CS_TIME_TEXT];

    if (s->failure)
        return cs_arena_printf(&v->arena, "%.*s: %s", CS_FMT(who), s->words);
    return cs_arena_printf(&v->arena, "%.*s: \"%.*s\" of %.*s, good until %.*s", CS_FMT(who),
                           CS_FMT(cs_ocsp_status_text(s->said)),
                           CS_FMT(cs_time_iso(s->this_update, from)),
                           CS_FMT(cs_time_iso(s->next_update, until)));
}

static void add_ocsp(struct cs_visit *v)
{
    static const char *const names[] = {"none", "stapled", "responder"};
    const struct cs_standing *s = &v->standing;

    cs_step_text(&v->steps, "OCSP", "ocsp", v->witness ? witness_text(v) : unheard_text(v));
    cs_step_text(&v->steps, NULL, "ocsp_by", cs_str_from(names[v->witness]));
    if (v->witness == CS_WITNESS_RESPONDER)
        cs_step_text(&v->steps, NULL, "ocsp_responder", cs_str_from(s->url));
    if (v->witness && s->answered)
        cs_step_text(&v->steps, NULL, "ocsp_said", cs_ocsp_status_text(s->said));
}

static struct cs_str pin_text(struct cs_visit *v)
{
    return v->verdict.leaf ? cs_pin_text(v->verdict.leaf->spki_sha256, &v->arena)
                           : (struct cs_str){0};
}

static void add_peer(struct cs_visit *v)
{
    enum cs_mark mark = v->judged && v->verdict.accepted          ? CS_MARK_GOOD
                        : v->judged || v->record.decision != NULL ? CS_MARK_BAD
                                                                  : CS_MARK_OPEN;

    cs_step_add(&v->steps, v->server ? "client-certificate" : "server-certificate", mark,
                peer_summary(v));
    if (!v->judged) {
        struct cs_papers papers = cs_visit_read(v, v->handshake->chain, v->handshake->n_chain);
        add_chain(v, papers.certs, papers.n);
        return;
    }
    cs_step_flag(&v->steps, "accepted", v->verdict.accepted);
    add_chain(v, v->verdict.presented, v->verdict.n_presented);
    cs_step_text(&v->steps, "path", "path", path_text(v));
    cs_step_text(&v->steps, "name", "name", name_text(v));
    cs_step_text(&v->steps, "held against", "trust", v->trust_name);
    cs_step_text(&v->steps, v->demand ? "pin" : NULL, "pin", pin_text(v));
    cs_step_text(&v->steps, "revocation", "revocation", revocation_text(v));
    if (!v->server)
        add_ocsp(v);
    cs_step_text(&v->steps, "proof", "sigalg",
                 v->server ? v->handshake->client_sigalg : v->handshake->sigalg);
    v->steps.last->findings = remarks(v, v->verdict.presented, v->verdict.n_presented,
                                      v->server ? CS_LINT_CLIENT : CS_LINT_SERVER, true);
}

/* ---- what is asked for ---- */

static bool was_asked(const struct cs_visit *v)
{
    return have(v->handshake->received, CS_MESSAGE_CERTIFICATE_REQUEST);
}

static void add_asked(struct cs_visit *v)
{
    const struct cs_breakdown *facts = v->handshake->breakdown;
    bool past =
        v->handshake->complete || have(v->handshake->received, CS_MESSAGE_SERVER_HELLO_DONE);
    size_t n = facts ? facts->n_asked_names : 0, shown = n < NAMES_MAX ? n : NAMES_MAX;
    struct cs_str *items = cs_arena_array(&v->arena, shown + 1, sizeof(*items));

    cs_step_add(&v->steps, "certificate-request", was_asked(v) ? CS_MARK_GOOD : CS_MARK_OPEN,
                was_asked(v) ? CS_STR("the server asks for a client certificate")
                : past       ? CS_STR("the server asks for no client certificate")
                             : CS_STR("not reached"));
    cs_step_flag(&v->steps, "asked", was_asked(v));
    if (!was_asked(v) || !facts)
        return;
    for (size_t i = 0; i < shown; i++)
        items[i] = cs_name_text(facts->asked_names[i], &v->arena);
    cs_step_list(&v->steps, "issued by", "issuers", items, shown);
    if (!n)
        cs_step_text(&v->steps, "issued by", NULL, CS_STR("any CA: no names are given"));
    if (shown < n)
        cs_step_number(&v->steps, "issuers_total", (int64_t)n);
    cs_step_text(&v->steps, "proof by", "sigalgs", facts->asked_sigalgs);
}

/* ---- what we show ---- */

static struct cs_fit fit_of(const struct cs_visit *v)
{
    const struct cs_breakdown *facts = v->handshake->breakdown;

    return cs_fit_look(v->own.certs, v->own.n, facts ? facts->asked_names : NULL,
                       facts ? facts->n_asked_names : 0,
                       facts ? facts->asked_sigalgs : (struct cs_str){0}, v->judge_sec);
}

static struct cs_str fit_text(const struct cs_fit *fit)
{
    if (!fit->issuer)
        return CS_STR("its issuer is not among those that the server names");
    if (!fit->key)
        return CS_STR("its key makes none of the signatures that the server takes");
    if (!fit->usage)
        return CS_STR("its usages do not allow it to be a client's");
    return fit->current ? CS_STR("it fits what the server asks for")
                        : CS_STR("it is not within its time");
}

static void add_fit(struct cs_visit *v, const struct cs_fit *fit)
{
    cs_step_text(&v->steps, "fit", "fit", fit_text(fit));
    cs_step_flag(&v->steps, "issuer_fits", fit->issuer);
    cs_step_flag(&v->steps, "key_fits", fit->key);
    cs_step_flag(&v->steps, "usage_fits", fit->usage);
    cs_step_flag(&v->steps, "time_fits", fit->current);
}

static bool was_sent(const struct cs_visit *v)
{
    return have(v->handshake->sent, CS_MESSAGE_CERTIFICATE_VERIFY);
}

static struct cs_str own_summary(struct cs_visit *v)
{
    if (!v->own.n)
        return was_asked(v) ? CS_STR("none was given to this side (--cert, --key): sent without")
                            : CS_STR("none");
    return cs_arena_printf(&v->arena, "%.*s, %s", CS_FMT(subject_text(v, &v->own.certs[0])),
                           was_sent(v)    ? "sent, with the proof of its key"
                           : was_asked(v) ? "not sent"
                                          : "not asked for, not sent");
}

static enum cs_mark own_mark(const struct cs_visit *v, const struct cs_fit *fit)
{
    if (!v->own.n || !was_asked(v))
        return CS_MARK_OPEN;
    return was_sent(v) && (cs_fit_all(fit) || !v->n_causes) ? CS_MARK_GOOD : CS_MARK_BAD;
}

static void add_own(struct cs_visit *v)
{
    struct cs_fit fit = {0};

    if (v->own.n)
        fit = fit_of(v);
    cs_step_add(&v->steps, "client-certificate", own_mark(v, &fit), own_summary(v));
    cs_step_flag(&v->steps, "sent", was_sent(v));
    if (!v->own.n)
        return;
    add_chain(v, v->own.certs, v->own.n);
    if (was_asked(v))
        add_fit(v, &fit);
    cs_step_text(&v->steps, "proof", "sigalg", v->handshake->client_sigalg);
    v->steps.last->findings = remarks(v, v->own.certs, v->own.n, CS_LINT_CLIENT, false);
}

/* ---- what we show as a server ---- */

/* Whether our certificate is for the name that the client asked for; it will look. */
static enum cs_mark shown_mark(const struct cs_visit *v)
{
    const struct cs_cert *leaf = &v->own.certs[0];
    bool current = v->judge_sec >= leaf->not_before && v->judge_sec <= leaf->not_after;
    bool named =
        !v->handshake->sni.len || cs_name_match_host(leaf, v->handshake->sni) != CS_HOST_NO;

    if (!have(v->handshake->sent, CS_MESSAGE_CERTIFICATE))
        return CS_MARK_OPEN;
    return current && named ? CS_MARK_GOOD : CS_MARK_BAD;
}

static struct cs_str shown_name(struct cs_visit *v)
{
    struct cs_str sni = v->handshake->sni;

    if (!sni.len)
        return CS_STR("the client asks for none");
    return cs_arena_printf(
        &v->arena, "%s for %.*s",
        cs_name_match_host(&v->own.certs[0], sni) == CS_HOST_NO ? "is not" : "is", CS_FMT(sni));
}

static void add_shown(struct cs_visit *v)
{
    if (!v->own.n)
        return;
    cs_step_add(
        &v->steps, "server-certificate", shown_mark(v),
        cs_arena_printf(&v->arena, "%.*s, ours", CS_FMT(subject_text(v, &v->own.certs[0]))));
    add_chain(v, v->own.certs, v->own.n);
    cs_step_text(&v->steps, "name", "name", shown_name(v));
    cs_step_text(&v->steps, "proof", "sigalg", v->handshake->sigalg);
    v->steps.last->findings = remarks(v, v->own.certs, v->own.n, CS_LINT_SERVER, false);
}

void cs_visit_papers_steps(struct cs_visit *v)
{
    if (v->server)
        add_shown(v);
    add_peer(v);
    if (v->server)
        return;
    add_asked(v);
    add_own(v);
}
