/* Servers that take a handshake and refuse the client in their answer: what they say then.
 *
 * nginx, and whoever does as nginx does, completes the handshake with any certificate or none and
 * answers 400. The words are theirs, and are the only evidence. */
#include "explain/case.h"
#include "explain/findings.h"
#include "policy/findings.h"

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

static const struct cs_finding *rejected(const struct cs_case *c, struct cs_str words)
{
    struct cs_str own = cs_own_text(c);
    struct cs_str means = cs_arena_printf(
        c->arena, "it took the handshake and says so in its answer, without a reason%s%.*s",
        own.len ? "; " : "", CS_FMT(own));

    return CS_CASE_FIND(c, &cs_cause_peer_rejected_certificate, c->who,
                        cs_arena_printf(c->arena, "status %u", c->record->answer->status), words,
                        means, cs_own_likely_remedy(c));
}

const struct cs_finding *cs_answer_cause(const struct cs_case *c)
{
    const struct cs_answer *answer = c->record->answer;
    struct cs_str words;

    if (!answer)
        return NULL;
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
