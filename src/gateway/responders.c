/* Who waits stands in a list with the key of the first certificate that is still to be asked about;
 * news of it run the connection again, which passes, is refused, or waits for the next. */
#include "gateway/responders.h"

#include <errno.h>

#include "base/mem.h"
#include "gateway/conn_log.h"
#include "gateway/cut.h"
#include "gateway/message.h"
#include "gateway/state.h"
#include "x509/chain.h"
#include "x509/findings.h"

enum {
    STANDINGS_MAX = 16384,
    WAITERS_MAX = 4096,
    REFRESH_MIN_MS = 1000,
    REFRESH_AGAIN_MS = 30 * 1000, /* when nothing came of asking */
};

struct cs_waiter {
    struct cs_list link;
    struct cs_conn *conn;
    uint8_t key[CS_STANDING_KEY];
    bool woken;
};

/* ---- judging ---- */

static struct cs_chain_query query_of(const struct cs_conn *conn)
{
    const struct cs_client_auth *auth = &conn->credentials->auth;

    return (struct cs_chain_query){.trust = auth->trust,
                                   .standings = conn->worker->responders.standings,
                                   .now_sec = cs_now_sec(&conn->worker->loop.now),
                                   .now_ms = conn->worker->loop.now.mono_ms,
                                   .revocation = auth->revocation,
                                   .purpose = CS_PURPOSE_CLIENT};
}

static struct cs_patience patience_of(const struct cs_conn *conn)
{
    const struct cs_revocation_rules *rules = &conn->credentials->auth.revocation;

    return (struct cs_patience){.now_sec = cs_now_sec(&conn->worker->loop.now),
                                .now_ms = conn->worker->loop.now.mono_ms,
                                .since_ms = rules->ocsp_anew ? conn->accepted_ms : INT64_MIN,
                                .grace_sec = rules->grace_sec};
}

static bool is_asked_about(const struct cs_conn *conn)
{
    return conn->credentials->auth.revocation.ocsp && conn->verdict && conn->verdict->accepted;
}

bool cs_responders_know(const struct cs_conn *conn)
{
    struct cs_patience patience = patience_of(conn);
    struct cs_chain_query query;
    struct cs_arena arena = {0};
    struct cs_verdict ignored;
    enum cs_standing_step step;
    uint64_t wanted;

    if (!is_asked_about(conn))
        return true;
    query = query_of(conn);
    step = cs_chain_standing(&query, &patience, conn->verdict, &arena, &wanted, &ignored);
    cs_arena_deinit(&arena);
    return step == CS_STANDING_PASSES;
}

/* ---- asking ---- */

/* The one that is configured, or the first that the certificate names and that can be asked. */
static struct cs_str responder_of(const struct cs_revocation_rules *rules,
                                  const struct cs_cert *cert)
{
    return rules->responder.len ? rules->responder : cs_standing_responder(cert);
}

static void note_failure(struct cs_worker *worker, const uint8_t *key, const char *words)
{
    struct cs_standing news = {0};

    memcpy(news.key, key, sizeof(news.key));
    cs_standing_fail(&news, CS_OCSP_FAILURE_UNREACHABLE, cs_str_from(words));
    cs_standings_take(worker->responders.standings, &news, worker->loop.now.mono_ms);
}

static int send_question(struct cs_worker *worker, const struct cs_standing_question *question)
{
    struct cs_buf bytes;
    int r;

    if (!worker->channel.watch.loop)
        return -ENOTCONN;
    cs_buf_init(&bytes, CS_MESSAGE_MAX);
    r = cs_standing_question_write(question, &bytes);
    if (r == 0)
        r = cs_channel_send(&worker->channel, CS_REPORT_QUESTION, cs_buf_str(&bytes), -1);
    cs_buf_deinit(&bytes);
    return r;
}

/* Return: whether it is on its way; otherwise that is noted. */
static bool ask(struct cs_worker *worker, const struct cs_chain_query *query,
                const struct cs_cert *const *path, size_t i, bool anew)
{
    struct cs_standing_question question = {.anew = anew,
                                            .url = responder_of(&query->revocation, path[i]),
                                            .cert = path[i]->der,
                                            .issuer = path[i + 1]->der};

    cs_chain_standing_key(query, path, i, question.key);
    if (!question.url.len)
        note_failure(worker, question.key,
                     "the certificate names none at an http:// address, and ssl_ocsp_responder is "
                     "not set");
    else if (send_question(worker, &question) < 0)
        note_failure(worker, question.key, "there is no process that could ask it");
    else
        return true;
    return false;
}

/* ---- in use ---- */

static void refresh_in(struct cs_worker *worker, int64_t delay_ms)
{
    struct cs_timer *timer = &worker->responders.refresh;
    int64_t at_ms =
        worker->loop.now.mono_ms + (delay_ms > REFRESH_MIN_MS ? delay_ms : REFRESH_MIN_MS);

    if (!cs_timer_pending(timer) || at_ms < timer->deadline_ms)
        cs_timer_set(&worker->loop, timer, at_ms);
}

static void refresh_when_due(struct cs_worker *worker, const struct cs_standing *standing)
{
    int64_t due_sec = cs_standing_due_sec(standing);

    if (due_sec != INT64_MAX)
        refresh_in(worker, (due_sec - cs_now_sec(&worker->loop.now)) * 1000);
}

/* One certificate of an open connection; @seen has those that were looked at before. */
static void refresh_one(struct cs_conn *conn, const struct cs_chain_query *query, size_t i,
                        struct cs_map *seen)
{
    struct cs_worker *worker = conn->worker;
    const struct cs_standing *standing;
    uint8_t key[CS_STANDING_KEY];
    struct cs_str name;

    cs_chain_standing_key(query, conn->verdict->path, i, key);
    standing = cs_standings_find(worker->responders.standings, key);
    if (!standing)
        return;
    name = cs_str_make(standing->key, sizeof(standing->key));
    if (cs_map_set(seen, name, (void *)standing))
        return;
    if (cs_standing_due_sec(standing) > query->now_sec) {
        refresh_when_due(worker, standing);
        return;
    }
    if (ask(worker, query, conn->verdict->path, i, true))
        refresh_in(worker, REFRESH_AGAIN_MS);
}

static void on_refresh(struct cs_timer *timer)
{
    struct cs_worker *worker = cs_container_of(timer, struct cs_worker, responders.refresh);
    struct cs_map seen = {0};

    CS_LIST_FOREACH (link, &worker->conns) {
        struct cs_conn *conn = cs_container_of(link, struct cs_conn, link);
        struct cs_chain_query query;
        if (conn->waiter || !is_asked_about(conn))
            continue;
        query = query_of(conn);
        for (size_t i = 0; i + 1 < conn->verdict->n_path; i++)
            refresh_one(conn, &query, i, &seen);
    }
    cs_map_deinit(&seen);
}

/* Its answers stay, and are kept fresh. */
static void hold(struct cs_conn *conn, const struct cs_chain_query *query)
{
    struct cs_responders *responders = &conn->worker->responders;

    for (size_t i = 0; i + 1 < conn->verdict->n_path; i++) {
        const struct cs_standing *standing;
        uint8_t key[CS_STANDING_KEY];
        cs_chain_standing_key(query, conn->verdict->path, i, key);
        standing = cs_standings_find(responders->standings, key);
        if (!standing)
            continue;
        cs_standings_touch(responders->standings, standing);
        refresh_when_due(conn->worker, standing);
    }
}

/* ---- waiting ---- */

void cs_responders_leave(struct cs_conn *conn)
{
    if (!conn->waiter)
        return;
    cs_list_remove(&conn->waiter->link);
    conn->worker->responders.n_waiters--;
    free(conn->waiter);
    conn->waiter = NULL;
}

/* Ask about all of @wanted. Return: the first that is on its way, or -1. */
static int ask_all(struct cs_conn *conn, const struct cs_chain_query *query, uint64_t wanted)
{
    const struct cs_verdict *held = conn->verdict;
    int first = -1;

    for (size_t i = 0; i < held->n_path; i++) {
        if (wanted >> i & 1 &&
            ask(conn->worker, query, held->path, i, query->revocation.ocsp_anew) && first < 0)
            first = (int)i;
    }
    return first;
}

static void enlist(struct cs_conn *conn)
{
    struct cs_responders *responders = &conn->worker->responders;

    conn->waiter = CS_NEW(struct cs_waiter);
    conn->waiter->conn = conn;
    cs_list_push_back(&responders->waiters, &conn->waiter->link);
    responders->n_waiters++;
    cs_conn_deadline(conn, CS_RESPONDERS_WAIT_MS);
}

/* Wait for one of @wanted. Return: whether there is something to wait for. */
static bool wait_for(struct cs_conn *conn, const struct cs_chain_query *query, uint64_t wanted)
{
    int next = __builtin_ctzll(wanted);

    if (!conn->waiter) {
        if (conn->worker->responders.n_waiters == WAITERS_MAX)
            return false;
        next = ask_all(conn, query, wanted);
        if (next < 0)
            return false;
        enlist(conn);
    }
    cs_chain_standing_key(query, conn->verdict->path, (size_t)next, conn->waiter->key);
    conn->waiter->woken = false;
    return true;
}

/* What was put up with. */
static void log_remarks(const struct cs_conn *conn, const struct cs_verdict *verdict)
{
    for (const struct cs_finding *f = verdict->findings.first; f; f = f->next)
        cs_conn_note_indulgence(conn, f);
}

static void settle(struct cs_conn *conn, const struct cs_chain_query *query,
                   const struct cs_verdict *verdict)
{
    bool waited = conn->waiter != NULL;

    cs_responders_leave(conn);
    hold(conn, query);
    if (verdict->accepted) {
        log_remarks(conn, verdict);
    } else {
        struct cs_verdict *refusal = CS_ARENA_NEW(&conn->judged, struct cs_verdict);
        *refusal = *verdict;
        conn->verdict = refusal;
    }
    if (waited)
        cs_conn_deadline(conn, conn->server->set.client_header_timeout);
}

bool cs_responders_admit(struct cs_conn *conn)
{
    struct cs_patience patience;
    struct cs_chain_query query;
    struct cs_verdict verdict;
    enum cs_standing_step step;
    uint64_t wanted;

    if (!is_asked_about(conn))
        return true;
    if (conn->waiter && !conn->waiter->woken && !conn->timed_out)
        return false;
    query = query_of(conn);
    patience = patience_of(conn);
    patience.over = conn->waiter && conn->timed_out;
    step = cs_chain_standing(&query, &patience, conn->verdict, &conn->judged, &wanted, &verdict);
    if (step == CS_STANDING_ASK) {
        if (wait_for(conn, &query, wanted))
            return false;
        patience.over = true;
        step =
            cs_chain_standing(&query, &patience, conn->verdict, &conn->judged, &wanted, &verdict);
    }
    settle(conn, &query, &verdict);
    return true;
}

/* ---- news ---- */

/* Word that a certificate is revoked ends the wait of whoever presents it, also one that waits for
 * another one of its chain: it is answered, and not cut. */
static void wake(struct cs_worker *worker, const struct cs_standing *news)
{
    bool revoked = news->answered && news->said == CS_OCSP_REVOKED;

    CS_LIST_FOREACH_SAFE (link, &worker->responders.waiters) {
        struct cs_waiter *waiter = cs_container_of(link, struct cs_waiter, link);
        if (!revoked && memcmp(waiter->key, news->key, sizeof(news->key)) != 0)
            continue;
        waiter->woken = true;
        cs_conn_run(waiter->conn);
    }
}

int cs_tell_standing(struct cs_worker *worker, struct cs_channel_message *message,
                     struct cs_buf *reply)
{
    const struct cs_standing *known;
    struct cs_standing news;
    size_t n_cut = 0;

    if (!cs_standing_from(message->bytes, &news))
        return -EBADMSG;
    known = cs_standings_take(worker->responders.standings, &news, worker->loop.now.mono_ms);
    if (cs_timer_pending(&worker->responders.refresh))
        refresh_when_due(worker, known);
    wake(worker, &news);
    if (news.answered && news.said == CS_OCSP_REVOKED)
        n_cut = cs_cut_round(worker);
    return cs_buf_addf(reply, "%zu", n_cut);
}

void cs_responders_init(struct cs_worker *worker, struct cs_standings *standings)
{
    struct cs_responders *responders = &worker->responders;

    responders->is_own = standings == NULL;
    responders->standings = standings ? standings : cs_standings_new(STANDINGS_MAX);
    responders->refresh.fire = on_refresh;
    cs_list_init(&responders->waiters);
}

void cs_responders_deinit(struct cs_worker *worker)
{
    cs_timer_cancel(&worker->loop, &worker->responders.refresh);
    if (worker->responders.is_own)
        cs_standings_free(worker->responders.standings);
}
