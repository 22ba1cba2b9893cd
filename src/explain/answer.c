/* Servers that take a handshake and refuse the client in their answer: what they say then.
 *
 * nginx, and whoever does as nginx does, completes the handshake with any certificate or none and
 * answers 400. The words are theirs, and are the only evidence. */
#include "explain/case.h"
#include "explain/clock.h"
#include "explain/findings.h"
#include "explain/kinds.h"
#include "policy/findings.h"
#include "x509/findings.h"

enum { MISDIRECTED = 421 };

/* What a refusal says about our certificate. */
enum refusal { REFUSAL_NONE, REFUSAL_MISSING, REFUSAL_REJECTED };

static const struct {
    unsigned status; /* 0: any */
    struct cs_str words;
    enum refusal refusal;
} rows[] = {
    {0, CS_STR_INIT("No required SSL certificate was sent"), REFUSAL_MISSING},
    {0, CS_STR_INIT("The SSL certificate error"), REFUSAL_REJECTED},
    {495, CS_STR_INIT(""), REFUSAL_REJECTED},
    {496, CS_STR_INIT(""), REFUSAL_MISSING},
};

static enum refusal look(const struct cs_answer *answer, struct cs_str *ret_words)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        *ret_words = rows[i].words;
        if (rows[i].status ? answer->status == rows[i].status
                           : answer->status >= 400 && cs_str_search(answer->text, *ret_words) >= 0)
            return rows[i].refusal;
    }
    return REFUSAL_NONE;
}

static struct cs_str status_text(const struct cs_case *c)
{
    return cs_arena_printf(c->arena, "status %u", c->record->answer->status);
}

/* That our certificate is refused, with the code of the reason. */
static const struct cs_finding *said(const struct cs_case *c, const struct cs_finding_kind *kind)
{
    const struct cs_answer *answer = c->record->answer;
    struct cs_str own = cs_own_text(c), status = status_text(c);
    const struct cs_finding *certain = NULL;

    if (cs_clock_matters(kind))
        certain =
            cs_own_certain(c, -1,
                           cs_arena_printf(c->arena, "%.*s %s%s%.*s", CS_FMT(status), kind->code,
                                           answer->incident.len ? ", its incident " : "",
                                           CS_FMT(answer->incident)));
    if (certain)
        return certain;
    return CS_CASE_FIND(c, &cs_cause_peer_rejected_certificate, c->who, status, answer->code,
                        cs_arena_printf(c->arena, "it says: %.*s%s%.*s", CS_FMT(answer->detail),
                                        own.len ? "; " : "", CS_FMT(own)),
                        answer->incident.len
                            ? cs_arena_printf(c->arena, "its log has the reason as incident %.*s",
                                              CS_FMT(answer->incident))
                            : CS_STR("look into its own log for the reason"),
                        answer->code);
}

/* What our own gateway says: its code is one of ours. */
static const struct cs_finding *of_problem(const struct cs_case *c)
{
    const struct cs_answer *answer = c->record->answer;
    const struct cs_finding_kind *kind = cs_kind_find(answer->code);

    if (!kind || answer->status < 400)
        return NULL;
    if (kind == CS_X509_KIND(CERTIFICATE_MISSING))
        return cs_case_no_certificate(c);
    if (kind->alert || kind == &cs_policy_found_policy_denied)
        return said(c, kind);
    return CS_CASE_FIND(c, kind, c->handshake->sni, c->record->host);
}

static const struct cs_finding *rejected(const struct cs_case *c, struct cs_str words)
{
    struct cs_str status = status_text(c);
    const struct cs_finding *certain = cs_own_certain(
        c, -1, cs_arena_printf(c->arena, "%.*s %.*s", CS_FMT(status), CS_FMT(words)));
    struct cs_str own = cs_own_text(c);
    struct cs_str means = cs_arena_printf(
        c->arena, "it took the handshake and says so in its answer, without a reason%s%.*s",
        own.len ? "; " : "", CS_FMT(own));

    if (certain)
        return certain;
    return CS_CASE_FIND(c, &cs_cause_peer_rejected_certificate, c->who, status, words, means,
                        cs_own_likely_remedy(c), cs_own_likely_code(c, -1));
}

const struct cs_finding *cs_answer_cause(const struct cs_case *c)
{
    const struct cs_answer *answer = c->record->answer;
    struct cs_str words;

    const struct cs_finding *problem = answer && answer->code.len ? of_problem(c) : NULL;

    if (!answer || problem)
        return problem;
    switch (look(answer, &words)) {
    case REFUSAL_MISSING: return cs_case_no_certificate(c);
    case REFUSAL_REJECTED: return rejected(c, words);
    case REFUSAL_NONE: break;
    }
    if (answer->status == MISDIRECTED)
        return CS_CASE_FIND(c, &cs_policy_found_host_sni_mismatch, c->handshake->sni,
                            c->record->host);
    return NULL;
}
