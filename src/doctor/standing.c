/* Whether a server's certificate is revoked, by OCSP: what the server stapled to the handshake
 * decides, since that is what its other clients see; else the responder that the certificate names
 * is asked, if that is wanted. An address in a certificate is only believed once its chain is. */
#include "doctor/visit.h"
#include "steward/inquiry.h"

static int64_t steady_ms(struct cs_visit *v)
{
    cs_loop_now(&v->talk.loop);
    return v->talk.loop.now.mono_ms;
}

/* ---- witnesses ---- */

static void read_staple(struct cs_visit *v)
{
    struct cs_ocsp_query query = {.der = v->staple,
                                  .cert = v->verdict.path[0],
                                  .issuer = v->verdict.path[1],
                                  .now_sec = v->judge_sec,
                                  .leeway_sec = CS_INQUIRY_LEEWAY_SEC};

    cs_standing_answer(&query, &v->standing);
}

static void on_news(struct cs_inquiry *inquiry, void *ctx)
{
    (void)inquiry;
    *(bool *)ctx = true;
}

static void ask(struct cs_visit *v, struct cs_fetcher *fetcher, struct cs_str url)
{
    struct cs_standing_question question = {
        .url = url, .cert = v->verdict.path[0]->der, .issuer = v->verdict.path[1]->der};
    struct cs_inquiry *inquiry;
    bool done = false;

    cs_loop_now(&v->talk.loop);
    inquiry = cs_inquiry_new(&v->talk.loop, fetcher, &question, on_news, &done);
    while (!done)
        (void)cs_loop_turn(&v->talk.loop, -1);
    v->standing = *cs_inquiry_news(inquiry);
    cs_inquiry_free(inquiry);
}

static void ask_responder(struct cs_visit *v)
{
    struct cs_str url = cs_standing_responder(v->verdict.path[0]);
    struct cs_fetcher *fetcher = NULL;
    const char *why;

    if (!url.len) {
        cs_standing_fail(&v->standing, CS_OCSP_FAILURE_UNREACHABLE,
                         CS_STR("the certificate names none at an http:// address"));
    } else if (cs_fetcher_new(&v->talk.loop, &fetcher, &why) < 0) {
        cs_standing_fail(&v->standing, CS_OCSP_FAILURE_UNREACHABLE, cs_str_from(why));
    } else {
        ask(v, fetcher, url);
    }
    cs_fetcher_free(fetcher);
}

/* ---- the verdict ---- */

/* A refusal comes before what was remarked about the chain. */
static void refuse(struct cs_visit *v, struct cs_verdict *refusal)
{
    for (const struct cs_finding *f = v->verdict.findings.first; f; f = f->next)
        cs_findings_add(&refusal->findings, f->kind, &f->place, f->operands, CS_FINDING_OPERANDS);
    v->verdict = *refusal;
}

static void judge(struct cs_visit *v)
{
    struct cs_standings *known = cs_standings_new(1);
    struct cs_chain_query query = {.standings = known,
                                   .now_sec = v->judge_sec,
                                   .purpose = CS_PURPOSE_SERVER,
                                   .revocation = {.ocsp = true,
                                                  .ocsp_leaf_only = true,
                                                  .stapled = v->witness == CS_WITNESS_STAPLED}};
    struct cs_patience patience = {.now_sec = v->judge_sec, .since_ms = INT64_MIN, .over = true};
    struct cs_verdict verdict;
    uint64_t wanted;

    query.now_ms = patience.now_ms = steady_ms(v);
    cs_chain_standing_key(&query, v->verdict.path, 0, v->standing.key);
    cs_standings_take(known, &v->standing, patience.now_ms);
    if (cs_chain_standing(&query, &patience, &v->verdict, &v->arena, &wanted, &verdict) ==
        CS_STANDING_REFUSED)
        refuse(v, &verdict);
    cs_standings_free(known);
}

void cs_visit_standing(struct cs_visit *v)
{
    if (!v->judged || !v->verdict.accepted || v->verdict.n_path < 2)
        return;
    if (v->staple.len) {
        v->witness = CS_WITNESS_STAPLED;
        read_staple(v);
    } else if (v->ask_ocsp) {
        v->witness = CS_WITNESS_RESPONDER;
        ask_responder(v);
    }
    if (v->witness)
        judge(v);
}
