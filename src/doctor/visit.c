/* The facts become a record, as the gateway makes one; the diagnosis is explain/'s. */
#include "doctor/visit.h"

#include "explain/diagnosis.h"
#include "io/clock.h"
#include "x509/findings.h"
#include "x509/pem.h"

/* Intermediates that a chain may have here: whatever comes is looked at. */
#define DEPTH 15

int cs_visit_init(struct cs_visit *visit)
{
    *visit = (struct cs_visit){0};
    cs_findings_init(&visit->findings, &visit->arena);
    visit->steps.arena = &visit->arena;
    return cs_talk_init(&visit->talk);
}

void cs_visit_deinit(struct cs_visit *visit)
{
    cs_talk_deinit(&visit->talk);
    cs_arena_deinit(&visit->arena);
}

/* ---- certificates ---- */

struct cs_papers cs_visit_read(struct cs_visit *visit, const struct cs_str *ders, size_t n)
{
    struct cs_cert *certs = cs_arena_array(&visit->arena, n + 1, sizeof(*certs));
    struct cs_findings ignored;
    size_t read = 0;

    cs_findings_init(&ignored, &visit->arena);
    while (read < n && cs_cert_parse(ders[read], &visit->arena, &ignored, &certs[read]) == 0)
        read++;
    return (struct cs_papers){certs, ders, read};
}

void cs_visit_own(struct cs_visit *visit, struct cs_str pem)
{
    struct cs_str *ders = cs_arena_array(&visit->arena, CS_CHAIN_CERTS_MAX, sizeof(*ders));
    struct cs_pem_block block;
    size_t n = 0;

    pem = cs_arena_dup(&visit->arena, pem);
    while (n < CS_CHAIN_CERTS_MAX && cs_pem_next(&pem, &visit->arena, &block) == 1) {
        if (cs_str_eq(block.label, CS_STR("CERTIFICATE")))
            ders[n++] = block.der;
    }
    visit->own = cs_visit_read(visit, ders, n);
}

bool cs_visit_verify(void *ctx, const struct cs_str *chain_der, size_t n, uint8_t *ret_alert)
{
    struct cs_visit *visit = ctx;
    struct cs_str *ders = cs_arena_array(&visit->arena, n, sizeof(*ders));
    struct cs_chain_query query = {
        .ders = ders,
        .n = n,
        .trust = visit->trust,
        .now_sec = visit->judge_sec,
        .purpose = visit->server ? CS_PURPOSE_CLIENT : CS_PURPOSE_SERVER,
        .depth = DEPTH,
        .host = visit->server ? (struct cs_str){0} : visit->name,
        .demand = visit->demand,
        .known = visit->own.ders,
        .n_known = visit->own.n,
    };

    for (size_t i = 0; i < n; i++)
        ders[i] = cs_arena_dup(&visit->arena, chain_der[i]);
    if (!visit->trust)
        return true;
    if (cs_chain_verify(&query, &visit->arena, &visit->verdict) < 0) {
        *ret_alert = 80; /* internal_error */
        return false;
    }
    visit->judged = true;
    return true;
}

/* ---- the record ---- */

static enum cs_stage stage_of(const struct cs_visit *visit)
{
    if (!visit->connected || !visit->handshake)
        return CS_STAGE_ACCEPT;
    if (!visit->handshake->complete)
        return CS_STAGE_HANDSHAKE;
    return visit->replied || visit->request.len ? CS_STAGE_DONE : CS_STAGE_RECEIVE;
}

/* A client that was asked for a certificate, and has none to show. */
static const struct cs_decision *decide(struct cs_visit *visit)
{
    if (!visit->server || !visit->trust || visit->judged || !visit->handshake ||
        !visit->handshake->complete)
        return NULL;
    visit->decision = (struct cs_decision){.kind = CS_X509_KIND(CERTIFICATE_MISSING)};
    return &visit->decision;
}

static void fill_record(struct cs_visit *visit)
{
    visit->record = (struct cs_record){
        .stage = stage_of(visit),
        .peer = &visit->peer,
        .transport = &visit->transport,
        .handshake = visit->handshake,
        .verdict = visit->judged ? &visit->verdict : NULL,
        .decision = decide(visit),
        .answer = visit->reply.http ? &visit->reply.answer : NULL,
        .trust = visit->trust,
        .host = visit->name,
        .incident = visit->reply.answer.incident,
        .clock = &visit->clock,
        .now_ms = visit->judge_other ? visit->judge_sec * 1000 : visit->now_ms,
    };
}

static void add_cause(struct cs_visit *visit, const struct cs_finding *cause)
{
    for (size_t i = 0; cause && i < visit->n_causes; i++) {
        if (visit->causes[i]->kind == cause->kind)
            return;
    }
    if (cause && visit->n_causes < CS_VISIT_CAUSES)
        visit->causes[visit->n_causes++] = cause;
}

/* A chain that this side does not accept hides nothing: what else failed is a cause too. */
static void diagnose(struct cs_visit *visit)
{
    const struct cs_finding *cause = cs_diagnose(&visit->record, &visit->findings);
    struct cs_record rest = visit->record;

    visit->beyond = cause;
    if (visit->judged && !visit->verdict.accepted) {
        rest.verdict = NULL;
        visit->beyond = cs_diagnose(&rest, &visit->findings);
    }
    add_cause(visit, cause);
    add_cause(visit, visit->beyond);
}

/* ---- the end ---- */

static void look_at_clocks(struct cs_visit *visit)
{
    cs_clock_ask_kernel(&visit->clock);
    if (visit->reply.http && visit->reply.date_sec >= 0) {
        visit->clock.peer_known = true;
        visit->clock.peer_sec = visit->reply.date_sec;
    }
}

static void look_at_stream(struct cs_visit *visit)
{
    struct cs_transport seen;

    if (!visit->talk.tls)
        return;
    cs_tls_collect(visit->talk.tls);
    visit->handshake = cs_tls_facts(visit->talk.tls);
    cs_tls_transport(visit->talk.tls, &seen);
    seen.target = visit->transport.target;
    seen.limit_ms = visit->transport.limit_ms;
    seen.upgrade = visit->transport.upgrade;
    if (visit->transport.ending != CS_ENDING_OPEN)
        seen.ending = visit->transport.ending;
    else if (!visit->over)
        seen.ending = CS_ENDING_OPEN;
    visit->transport = seen;
}

void cs_visit_conclude(struct cs_visit *visit)
{
    cs_loop_now(&visit->talk.loop);
    visit->now_ms = visit->talk.loop.now.wall_ms;
    look_at_stream(visit);
    look_at_clocks(visit);
    fill_record(visit);
    diagnose(visit);
    cs_visit_steps(visit);
}
