/* A round looks at every connection, but judges every chain once: connections of the same client
 * share the remembered verdict, which is therefore what an answer is kept by. */
#include "gateway/cut.h"

#include "base/arena.h"
#include "base/hash.h"
#include "gateway/conn_log.h"
#include "gateway/exchange.h"
#include "gateway/failure.h"
#include "gateway/request.h"
#include "gateway/stage.h"
#include "gateway/state.h"
#include "tls/session.h"
#include "x509/chain.h"

struct round {
    struct cs_worker *worker;
    struct cs_arena arena;
    struct cs_map answers; /* struct question → struct answer */
    size_t n_cut;
};

struct question {
    const struct cs_verdict *held;
    const struct cs_credentials *credentials;
};

struct answer {
    bool withdrawn;
    struct cs_verdict refusal;
};

/* ---- judging ---- */

static void ask(struct round *round, struct cs_chain_query *query, const struct cs_verdict *held,
                bool expiry, struct answer *answer)
{
    struct cs_str ders[CS_CHAIN_CERTS_MAX];

    query->ders = ders;
    query->n = held->n_presented;
    query->revoked = round->worker->revoked;
    query->standings = round->worker->responders.standings;
    query->now_sec = cs_now_sec(&round->worker->loop.now);
    query->now_ms = round->worker->loop.now.mono_ms;
    for (size_t i = 0; i < held->n_presented; i++)
        ders[i] = held->presented[i].der;
    /* without memory for an answer nothing is known: fail closed, by the verdict as it was */
    answer->refusal = *held;
    answer->withdrawn =
        cs_chain_withdrawn(query, held, expiry, &round->arena, &answer->refusal) != 0;
}

static const struct answer *judge_client(struct round *round, const struct cs_conn *conn)
{
    const struct cs_credentials *now = cs_worker_credentials(round->worker, conn->server);
    struct question question = {conn->verdict, now};
    struct cs_str key = cs_str_make(&question, sizeof(question));
    struct answer *answer = cs_map_get(&round->answers, key);
    struct cs_chain_query query = {.trust = now->auth.trust,
                                   .leeway_sec = now->auth.leeway_sec,
                                   .revocation = now->auth.revocation,
                                   .purpose = CS_PURPOSE_CLIENT,
                                   .depth = now->auth.depth,
                                   .demand = now->auth.demand};

    if (answer)
        return answer;
    answer = CS_ARENA_NEW(&round->arena, struct answer);
    ask(round, &query, conn->verdict, conn->server->set.expire_connections, answer);
    cs_map_set(&round->answers, cs_arena_dup(&round->arena, key), answer);
    return answer;
}

static bool upstream_stands(void *ctx, const struct cs_upconn *up)
{
    struct round *round = ctx;
    const struct cs_upstream_tls *now;
    struct answer answer;
    struct cs_chain_query query = {.purpose = CS_PURPOSE_SERVER, .host = up->name};

    if (!up->tls || !up->tls->trust || !up->verdict || !up->verdict->accepted)
        return true;
    now = cs_worker_upstream_tls(round->worker, up->proxy);
    query.trust = now->trust;
    query.depth = now->depth;
    query.demand = now->demand;
    ask(round, &query, up->verdict, false, &answer);
    return !answer.withdrawn;
}

/* ---- ending ---- */

/* Whether it sends a response that has an end. */
static bool is_answering(const struct cs_conn *conn)
{
    const struct cs_request *request = conn->request;

    if (!request || conn->stage < CS_STAGE_ROUTE || conn->stage > CS_STAGE_RECORD)
        return false;
    return !request->exchange || request->exchange->phase != CS_EXCHANGE_TUNNEL;
}

/* An idle client is told in good order; one that is in the middle of something is not to take what
 * it has for the whole. */
static void end_now(struct cs_conn *conn)
{
    struct cs_request *request = conn->request;

    if (request && request->has_head) {
        cs_exchange_stop(request);
        request->keep_alive = false;
        request->cut_off = true;
        conn->stage = CS_STAGE_RECORD;
        cs_conn_run(conn);
        return;
    }
    if (conn->wire.tls && conn->stage > CS_STAGE_HANDSHAKE)
        cs_tls_shutdown(conn->wire.tls);
    cs_conn_close(conn);
}

static void wait_for_end(struct cs_conn *conn)
{
    struct cs_worker *worker = conn->worker;
    struct cs_timer *timer = &worker->cuts.grace;

    conn->cut_by_ms = worker->loop.now.mono_ms + conn->server->set.cut_grace_ms;
    if (!cs_timer_pending(timer) || timer->deadline_ms > conn->cut_by_ms)
        cs_timer_set(&worker->loop, timer, conn->cut_by_ms);
}

static void cut(struct cs_conn *conn, const struct cs_verdict *refusal)
{
    cs_failure_cut(conn, refusal);
    conn->worker->cuts.n++;
    if (!conn->server->set.cut_now && conn->server->set.cut_grace_ms > 0 && is_answering(conn))
        wait_for_end(conn);
    else
        end_now(conn);
}

static void on_grace(struct cs_timer *timer)
{
    struct cs_worker *worker = cs_container_of(timer, struct cs_worker, cuts.grace);
    int64_t now_ms = worker->loop.now.mono_ms, next_ms = INT64_MAX;

    CS_LIST_FOREACH_SAFE (link, &worker->conns) {
        struct cs_conn *conn = cs_container_of(link, struct cs_conn, link);
        if (!conn->cut_by_ms || conn->lingering)
            continue;
        if (conn->cut_by_ms <= now_ms) {
            cs_conn_log(conn, CS_LOG_INFO, "the response did not end in time");
            end_now(conn);
        } else if (conn->cut_by_ms < next_ms) {
            next_ms = conn->cut_by_ms;
        }
    }
    if (next_ms != INT64_MAX)
        cs_timer_set(&worker->loop, timer, next_ms);
}

/* ---- rounds ---- */

static void round_begin(struct round *round, struct cs_worker *worker)
{
    *round = (struct round){.worker = worker};
    cs_arena_init(&round->arena);
}

static void round_end(struct round *round)
{
    cs_map_deinit(&round->answers);
    cs_arena_deinit(&round->arena);
}

/* Whether its certificate was accepted, and nothing ends it already. */
static bool counts(const struct cs_conn *conn)
{
    return conn->verdict && conn->verdict->accepted && !conn->lingering && !conn->cut_by_ms;
}

/* The newer credentials are its own from now on; not in the handshake, which goes by those that it
 * began with, nor while the verdict borrows from them. */
static void move_on(struct cs_conn *conn)
{
    if (conn->stage > CS_STAGE_VERIFY && (conn->remembered || !conn->verdict))
        cs_conn_take_credentials(conn);
}

static void look_at(struct round *round, struct cs_conn *conn)
{
    struct cs_exchange *x = conn->request ? conn->request->exchange : NULL;
    const struct answer *answer;

    if (x && x->up && !upstream_stands(round, x->up))
        x->up->withdrawn = true;
    answer = counts(conn) ? judge_client(round, conn) : NULL;
    if (!answer || !answer->withdrawn) {
        move_on(conn);
        return;
    }
    round->n_cut++;
    cut(conn, &answer->refusal);
}

size_t cs_cut_round(struct cs_worker *worker)
{
    struct round round;

    round_begin(&round, worker);
    CS_LIST_FOREACH_SAFE (link, &worker->conns)
        look_at(&round, cs_container_of(link, struct cs_conn, link));
    cs_pools_sift(&worker->pools, upstream_stands, &round);
    round_end(&round);
    return round.n_cut;
}

void cs_cut_move_on(struct cs_worker *worker)
{
    CS_LIST_FOREACH (link, &worker->conns)
        move_on(cs_container_of(link, struct cs_conn, link));
}

/* ---- expiry ---- */

/* When the certificate of @conn is not valid any more; INT64_MAX: that does not matter. */
static int64_t expiry_of(const struct cs_conn *conn)
{
    if (!conn->server->set.expire_connections || !counts(conn))
        return INT64_MAX;
    return conn->verdict->path_not_after + conn->credentials->auth.leeway_sec;
}

static void on_expiry(struct cs_alarm *alarm)
{
    struct cs_worker *worker = cs_container_of(alarm, struct cs_worker, cuts.expiry);
    int64_t now_sec = cs_now_sec(&worker->loop.now), next_sec = INT64_MAX;
    struct round round;

    round_begin(&round, worker);
    CS_LIST_FOREACH_SAFE (link, &worker->conns) {
        struct cs_conn *conn = cs_container_of(link, struct cs_conn, link);
        int64_t expiry_sec = expiry_of(conn);
        if (expiry_sec <= now_sec)
            look_at(&round, conn);
        else if (expiry_sec < next_sec)
            next_sec = expiry_sec;
    }
    round_end(&round);
    cs_alarm_set(alarm, next_sec);
}

/* ---- one that is new ---- */

static bool passes(struct cs_conn *conn)
{
    const struct answer *answer;
    struct round round;
    bool withdrawn;

    round_begin(&round, conn->worker);
    answer = judge_client(&round, conn);
    withdrawn = answer->withdrawn;
    if (withdrawn)
        cs_failure_cut(conn, &answer->refusal);
    round_end(&round);
    return !withdrawn;
}

bool cs_cut_admit(struct cs_conn *conn)
{
    struct cs_alarm *alarm = &conn->worker->cuts.expiry;
    int64_t expiry_sec;

    if (!counts(conn))
        return true;
    if (conn->credentials != cs_worker_credentials(conn->worker, conn->server) && !passes(conn))
        return false;
    expiry_sec = expiry_of(conn);
    if (expiry_sec < alarm->at_sec)
        cs_alarm_set(alarm, expiry_sec);
    return true;
}

int cs_cuts_init(struct cs_worker *worker)
{
    worker->cuts.grace.fire = on_grace;
    return cs_alarm_init(&worker->cuts.expiry, &worker->loop, on_expiry);
}

void cs_cuts_deinit(struct cs_worker *worker)
{
    cs_timer_cancel(&worker->loop, &worker->cuts.grace);
    cs_alarm_deinit(&worker->cuts.expiry);
}
