/* A connection goes from state to state; each has a function that takes it as far as the bytes at
 * hand allow, and a deadline. A request is refused as early as it can be: before its body is read,
 * when its head says enough. */
#include "serve/state.h"

#include <errno.h>

#include "base/mem.h"
#include "serve/findings.h"
#include "telemetry/handshake.h"
#include "tls/session.h"
#include "x509/trust.h"

enum {
    READ_SIZE = 4096,
    LINGER_MS = 5000,
    LINGER_BYTES = 16384,
    BUDGET = 64, /* steps of one kind before others have their turn */
    SEND_PIECE = 65536,
    DEPTH = 4, /* intermediates between a client's certificate and a root */
};

enum step { GO, WAIT, DONE };

/* ---- what a client has shown ---- */

static struct cs_chain_query query_of(const struct cs_serving *conn, enum cs_purpose purpose)
{
    return (struct cs_chain_query){.trust = conn->trust,
                                   .now_sec = cs_now_sec(&conn->server->spec.loop->now),
                                   .purpose = purpose,
                                   .depth = DEPTH};
}

static int judge(struct cs_serving *conn, enum cs_purpose purpose, const struct cs_str *ders,
                 size_t n)
{
    struct cs_chain_query query = query_of(conn, purpose);

    query.ders = ders;
    query.n = n;
    cs_arena_reset(&conn->judged);
    return cs_chain_verify(&query, &conn->judged, &conn->verdict);
}

/* The verdict is as old as the connection: what it was about may have expired since. */
static bool still_holds(struct cs_serving *conn)
{
    struct cs_chain_query query = query_of(conn, CS_PURPOSE_CLIENT);

    return cs_chain_recheck(&query, conn->verdict.path, conn->verdict.n_path,
                            &conn->question.findings) == 0;
}

/* A server renews its certificate by presenting it. */
static bool is_server_only(const struct cs_cert *leaf)
{
    return leaf && leaf->has_eku && !(leaf->eku & (CS_EKU_CLIENT | CS_EKU_ANY)) &&
           leaf->eku & CS_EKU_SERVER;
}

/* The handshake goes on whatever is found: the request is answered with what is wrong. */
static bool verify(void *ctx, const struct cs_str *ders, size_t n, uint8_t *ret_alert)
{
    struct cs_serving *conn = ctx;
    int r;

    cs_trust_unref(conn->trust);
    conn->trust = cs_trust_ref(conn->server->trust);
    r = judge(conn, CS_PURPOSE_CLIENT, ders, n);
    if (r == 0 && is_server_only(conn->verdict.leaf))
        r = judge(conn, CS_PURPOSE_SERVER, ders, n);
    conn->has_verdict = r == 0;
    return r == 0;
}

static const struct cs_tls_hooks hooks = {.verify = verify};

static const struct cs_verdict *good_client(const struct cs_serving *conn)
{
    return conn->has_verdict && conn->verdict.accepted ? &conn->verdict : NULL;
}

/* ---- refusing ---- */

static enum step refuse(struct cs_serving *conn, unsigned status)
{
    cs_question_refuse(&conn->question, status);
    return GO;
}

static enum step refuse_kind(struct cs_serving *conn, const struct cs_finding_kind *kind,
                             struct cs_str a, struct cs_str b)
{
    CS_FIND(&conn->question.findings, kind, NULL, a, b);
    return refuse(conn, 0);
}

/* Bytes that are not HTTP: nothing behind them can be understood. The hints of the table are about
 * the gateway's settings. */
static enum step refuse_bytes(struct cs_serving *conn, enum cs_h1_error error)
{
    struct cs_finding_kind *kind = CS_ARENA_NEW(&conn->question.arena, struct cs_finding_kind);

    *kind = *cs_h1_error_kind(error);
    kind->hint = NULL;
    kind->severity = CS_SEVERITY_ERROR;
    conn->keep_alive = false;
    CS_FIND(&conn->question.findings, kind, NULL, conn->question.head.target);
    return refuse(conn, cs_http_wire_status(cs_h1_error_status(error)));
}

static enum step refuse_path(struct cs_serving *conn, unsigned methods)
{
    struct cs_str list = {0};

    if (!methods)
        return refuse_kind(conn, &cs_serve_found_path_unknown, conn->question.path, list);
    for (unsigned bit = 1; bit <= methods; bit <<= 1) {
        struct cs_str name = cs_http_method_text((enum cs_http_method)bit);
        if (methods & bit)
            list = list.len ? cs_arena_printf(&conn->question.arena, "%.*s, %.*s", CS_FMT(list),
                                              CS_FMT(name))
                            : name;
    }
    conn->allow = list;
    return refuse_kind(conn, &cs_serve_found_method_refused, conn->question.path, list);
}

static enum step refuse_client(struct cs_serving *conn)
{
    struct cs_findings *findings = &conn->question.findings;

    if (conn->has_verdict && !conn->verdict.accepted)
        *findings = conn->verdict.findings;
    else if (!conn->has_verdict)
        CS_FIND(findings, &cs_serve_found_certificate_required, NULL, conn->question.path);
    return refuse(conn, 401);
}

/* ---- requests ---- */

static void begin(struct cs_serving *conn)
{
    struct cs_question *question = &conn->question;

    cs_list_remove(&conn->idle_link);
    conn->begun = true;
    conn->n_requests++;
    conn->began_ms = conn->server->spec.loop->now.mono_ms;
    conn->keep_alive = false;
    conn->unread = true;
    conn->code = NULL;
    conn->allow = (struct cs_str){0};
    *question = (struct cs_question){
        .conn = conn, .peer = &conn->peer, .client = good_client(conn), .arena = question->arena};
    cs_list_init(&question->link);
    cs_findings_init(&question->findings, &question->arena);
    cs_h1_scan_init(&conn->scan, CS_H1_REQUEST, &conn->server->h1);
    cs_serving_deadline(conn, conn->server->spec.limits.head_ms);
}

static enum step handle(struct cs_serving *conn)
{
    cs_serving_deadline(conn, 0);
    cs_crowd_spare(conn);
    conn->unread = false;
    conn->question.body = cs_buf_str(&conn->body);
    conn->state = CS_SERVING_HELD;
    conn->question.route->handle(conn->server->spec.ctx, &conn->question);
    return GO;
}

/* A client that waits for our word before it sends the body. */
static void encourage(struct cs_serving *conn)
{
    if (!conn->question.head.expect_continue || conn->in.len)
        return;
    cs_buf_add_str(&conn->out, CS_STR("HTTP/1.1 100 Continue\r\n\r\n"));
    (void)cs_wire_drain(&conn->wire, &conn->out); /* what is left goes before the answer */
}

/* Without the parameters. */
static bool same_type(struct cs_str type, const char *wanted)
{
    struct cs_str rest = type;

    return cs_str_eq_nocase(cs_str_trim(cs_str_cut(&rest, ';')), cs_str_from(wanted));
}

/* The head names a route: what can be said before there is a body. */
static enum step check_head(struct cs_serving *conn)
{
    const struct cs_server_limits *limits = &conn->server->spec.limits;
    struct cs_question *question = &conn->question;
    struct cs_str type = cs_headers_value(&question->head.headers, CS_STR("Content-Type"));

    if (!conn->tls && !(question->route->flags & CS_ROUTE_PLAIN))
        return refuse_kind(conn, &cs_serve_found_tls_required, question->path, (struct cs_str){0});
    if (question->route->flags & CS_ROUTE_CLIENT && (!question->client || !still_holds(conn)))
        return refuse_client(conn);
    if (question->route->takes && !same_type(type, question->route->takes))
        return refuse_kind(conn, &cs_serve_found_media_type_refused, type,
                           cs_str_from(question->route->takes));
    if (question->head.framing == CS_H1_BODY_LENGTH &&
        question->head.content_length > limits->max_body)
        return refuse_kind(conn, &cs_serve_found_body_too_large,
                           cs_arena_u64(&question->arena, limits->max_body), (struct cs_str){0});
    cs_h1_body_init(&conn->decoder, question->head.framing, question->head.content_length,
                    &conn->server->h1);
    conn->state = CS_SERVING_BODY;
    cs_serving_deadline(conn, limits->body_ms);
    encourage(conn);
    return GO;
}

static enum step find_route(struct cs_serving *conn)
{
    struct cs_question *question = &conn->question;
    const struct cs_http_target *target = &question->head.uri;
    enum cs_h1_error error = CS_H1_OK;
    unsigned methods = 0;

    question->path = target->path;
    if (target->form != CS_TARGET_ASTERISK)
        error = cs_path_normalize(target->path, false, &question->arena, &question->path);
    if (error != CS_H1_OK)
        return refuse_bytes(conn, error);
    question->route = cs_routes_find(&conn->server->spec.routes, question->head.method,
                                     question->path, question->holes, &methods);
    return question->route ? check_head(conn) : refuse_path(conn, methods);
}

/* conn->in begins with a whole head of @len bytes. */
static enum step understand(struct cs_serving *conn, size_t len)
{
    struct cs_question *question = &conn->question;
    struct cs_str head =
        cs_str_sub(cs_buf_str(&conn->in), conn->scan.start, len - conn->scan.start);
    enum cs_h1_error error;

    head = cs_arena_dup(&question->arena, head);
    cs_buf_consume(&conn->in, len);
    if (cs_h1_request_parse(head, &conn->server->h1, &question->arena, &question->head, &error) < 0)
        return refuse_bytes(conn, error);
    conn->keep_alive = question->head.keep_alive;
    conn->unread =
        question->head.framing != CS_H1_BODY_NONE &&
        (question->head.framing != CS_H1_BODY_LENGTH || question->head.content_length > 0);
    return find_route(conn);
}

/* ---- the states ---- */

static enum step handshake(struct cs_serving *conn)
{
    const struct cs_handshake *facts = cs_tls_facts(conn->wire.tls);
    char text[CS_ADDR_TEXT];

    switch (cs_tls_handshake(conn->wire.tls)) {
    case CS_TLS_OK:
        if (good_client(conn))
            cs_crowd_spare(conn);
        conn->state = CS_SERVING_HEAD;
        cs_serving_deadline(conn, conn->server->draining ? CS_DRAIN_IDLE_MS
                                                         : conn->server->spec.limits.head_ms);
        return GO;
    case CS_TLS_WANT_READ:
    case CS_TLS_WANT_WRITE:
        if (!conn->timed_out)
            return WAIT;
        cs_server_log(conn->server, CS_LOG_INFO, "%.*s: no handshake in time",
                      CS_FMT(cs_addr_text(&conn->peer, text)));
        return DONE;
    default:
        cs_server_log(conn->server, CS_LOG_INFO, "%.*s: the handshake failed (%.*s)",
                      CS_FMT(cs_addr_text(&conn->peer, text)), CS_FMT(facts->failure));
        return DONE;
    }
}

/* More bytes. Return: GO when some came, WAIT, or DONE when no more will. */
static enum step fill(struct cs_serving *conn)
{
    switch (cs_wire_fill(&conn->wire, &conn->in, READ_SIZE)) {
    case CS_WIRE_OK: return GO;
    case CS_WIRE_WAIT: return WAIT;
    default: return DONE;
    }
}

static enum step late(struct cs_serving *conn)
{
    conn->keep_alive = false;
    return refuse_kind(conn, &cs_serve_found_request_timeout, (struct cs_str){0},
                       (struct cs_str){0});
}

static enum step wait_idle(struct cs_serving *conn)
{
    if (conn->n_requests && cs_list_empty(&conn->idle_link)) {
        cs_list_push_back(&conn->server->crowd.idle, &conn->idle_link);
        cs_serving_deadline(conn, conn->server->spec.limits.idle_ms);
    }
    return WAIT;
}

static enum step read_head(struct cs_serving *conn)
{
    ssize_t found;
    enum step step;

    for (;;) {
        if (conn->in.len) {
            if (!conn->begun)
                begin(conn);
            found = cs_h1_head_find(&conn->scan, cs_buf_str(&conn->in));
            if (found > 0)
                return understand(conn, (size_t)found);
            if (found < 0)
                return refuse_bytes(conn, conn->scan.error);
        }
        if (conn->timed_out)
            return conn->begun ? late(conn) : DONE;
        step = fill(conn);
        if (step == WAIT)
            return conn->begun ? WAIT : wait_idle(conn);
        if (step == DONE)
            return DONE;
    }
}

/* Take what conn->in has of the body. Return: CS_H1_MORE, CS_H1_DONE, or -EBADMSG; -ENOBUFS: there
 * is too much of it. */
static int feed(struct cs_serving *conn)
{
    struct cs_str data;
    size_t consumed;
    int r;

    do {
        r = cs_h1_body_feed(&conn->decoder, cs_buf_str(&conn->in), &consumed, &data);
        if (cs_buf_add_str(&conn->body, data) < 0)
            return -ENOBUFS;
        cs_buf_consume(&conn->in, consumed);
    } while (r == CS_H1_MORE && conn->in.len);
    return r;
}

static enum step read_body(struct cs_serving *conn)
{
    enum step step;
    int r;

    for (;;) {
        r = feed(conn);
        if (r == CS_H1_DONE)
            return handle(conn);
        if (r == -ENOBUFS) {
            conn->keep_alive = false;
            return refuse_kind(conn, &cs_serve_found_body_too_large,
                               cs_arena_u64(&conn->question.arena, conn->body.max),
                               (struct cs_str){0});
        }
        if (r < 0)
            return refuse_bytes(conn, conn->decoder.error);
        if (conn->timed_out)
            return late(conn);
        step = fill(conn);
        if (step != GO)
            return step;
    }
}

static enum step held(struct cs_serving *conn)
{
    return WAIT;
}

/* Write conn->rest. Return: as a wire does; CS_WIRE_OK when nothing is left. */
static enum cs_wire_result write_rest(struct cs_serving *conn)
{
    size_t n = 0;
    enum cs_wire_result r;

    for (int budget = BUDGET; conn->rest.len; budget--) {
        if (!budget) {
            cs_watch_kick(conn->server->spec.loop, &conn->wire.watch);
            return CS_WIRE_WAIT;
        }
        r = cs_wire_write(&conn->wire, conn->rest.ptr,
                          conn->rest.len < SEND_PIECE ? conn->rest.len : SEND_PIECE, &n);
        if (r != CS_WIRE_OK)
            return r;
        conn->rest = cs_str_skip(conn->rest, n);
    }
    return CS_WIRE_OK;
}

static enum step linger(struct cs_serving *conn)
{
    char bytes[LINGER_BYTES];
    size_t n = 0;
    enum cs_wire_result r;

    if (conn->timed_out)
        return DONE;
    for (int budget = BUDGET; budget; budget--) {
        r = cs_wire_read(&conn->wire, bytes, sizeof(bytes), &n);
        if (r != CS_WIRE_OK)
            return r == CS_WIRE_WAIT ? WAIT : DONE;
    }
    cs_watch_kick(conn->server->spec.loop, &conn->wire.watch);
    return WAIT;
}

/* The answer is on its way. A close with unread bytes at hand would be a reset, which might
 * overtake it. */
static enum step end(struct cs_serving *conn)
{
    if (conn->wire.tls)
        cs_tls_shutdown(conn->wire.tls);
    if (cs_wire_hangup(&conn->wire) ||
        (!conn->unread && !conn->in.len && !cs_wire_pending(&conn->wire)))
        return DONE;
    conn->state = CS_SERVING_LINGER;
    cs_socket_shutdown_write(conn->wire.fd);
    cs_serving_deadline(conn, LINGER_MS);
    return GO;
}

static enum step answer(struct cs_serving *conn)
{
    enum cs_wire_result r = cs_wire_put(&conn->wire, &conn->out);

    if (r == CS_WIRE_OK)
        r = write_rest(conn);
    if (r == CS_WIRE_OK)
        r = cs_wire_flush(&conn->wire);
    if (r == CS_WIRE_WAIT)
        return conn->timed_out ? DONE : WAIT;
    if (r != CS_WIRE_OK)
        return DONE;
    cs_serving_answered(conn);
    if (!conn->keep_alive)
        return end(conn);
    conn->state = CS_SERVING_HEAD;
    if (!conn->in.len)
        return GO;
    cs_watch_kick(conn->server->spec.loop, &conn->wire.watch); /* others first */
    return WAIT;
}

/* Whatever the client of a stream says is thrown away. Return: whether it is still there. */
static bool still_there(struct cs_serving *conn)
{
    char bytes[READ_SIZE];
    size_t n = 0;
    enum cs_wire_result r = CS_WIRE_OK;

    for (int budget = BUDGET; budget && r == CS_WIRE_OK; budget--)
        r = cs_wire_read(&conn->wire, bytes, sizeof(bytes), &n);
    return r == CS_WIRE_OK || r == CS_WIRE_WAIT;
}

/* Ask the stream's owner for more. Return: whether there is any. */
static bool more_of_stream(struct cs_serving *conn)
{
    struct cs_buf *more = &conn->server->scratch;
    bool chunked = conn->question.head.minor > 0;
    char head[CS_H1_CHUNK_HEAD];

    cs_buf_reset(more);
    conn->stream->more(conn->stream, more);
    if (!more->len)
        return false;
    if (chunked)
        cs_buf_add_str(&conn->out, cs_h1_chunk_head(more->len, head));
    cs_buf_add_str(&conn->out, cs_buf_str(more));
    if (chunked)
        cs_buf_add_str(&conn->out, CS_STR("\r\n"));
    return true;
}

static enum step stream(struct cs_serving *conn)
{
    enum cs_wire_result r;

    if (!still_there(conn))
        return DONE;
    for (int budget = BUDGET; budget; budget--) {
        r = cs_wire_drain(&conn->wire, &conn->out);
        if (r == CS_WIRE_WAIT) {
            if (conn->timed_out)
                return DONE;
            if (!cs_timer_pending(&conn->timer))
                cs_serving_deadline(conn, conn->server->spec.limits.send_ms);
            return WAIT;
        }
        if (r != CS_WIRE_OK)
            return DONE;
        cs_serving_deadline(conn, 0);
        if (conn->ending) {
            cs_serving_end_stream(conn);
            return GO;
        }
        if (!more_of_stream(conn))
            return conn->ending ? GO : WAIT;
    }
    cs_watch_kick(conn->server->spec.loop, &conn->wire.watch);
    return WAIT;
}

static enum step (*const states[])(struct cs_serving *conn) = {
    [CS_SERVING_HANDSHAKE] = handshake, [CS_SERVING_HEAD] = read_head,
    [CS_SERVING_BODY] = read_body,      [CS_SERVING_HELD] = held,
    [CS_SERVING_ANSWER] = answer,       [CS_SERVING_STREAM] = stream,
    [CS_SERVING_LINGER] = linger,
};

void cs_serving_run(struct cs_serving *conn)
{
    enum step step = GO;

    conn->running = true;
    while (step == GO)
        step = states[conn->state](conn);
    conn->running = false;
    if (step == DONE)
        cs_serving_close(conn);
}

/* ---- life ---- */

static void on_ready(struct cs_watch *watch)
{
    struct cs_serving *conn =
        cs_container_of(cs_container_of(watch, struct cs_wire, watch), struct cs_serving, wire);

    cs_wire_event(&conn->wire);
    cs_serving_run(conn);
}

static void on_deadline(struct cs_timer *timer)
{
    struct cs_serving *conn = cs_container_of(timer, struct cs_serving, timer);

    conn->timed_out = true;
    cs_serving_run(conn);
}

void cs_serving_deadline(struct cs_serving *conn, int64_t in_ms)
{
    struct cs_loop *loop = conn->server->spec.loop;

    conn->timed_out = false;
    if (in_ms)
        cs_timer_set(loop, &conn->timer, loop->now.mono_ms + in_ms);
    else
        cs_timer_cancel(loop, &conn->timer);
}

void cs_serving_resume(struct cs_serving *conn)
{
    if (!conn->running)
        cs_watch_kick(conn->server->spec.loop, &conn->wire.watch);
}

bool cs_serving_idle(const struct cs_serving *conn)
{
    return conn->state == CS_SERVING_HEAD && !conn->begun;
}

static void on_reap(struct cs_task *task)
{
    struct cs_serving *conn = cs_container_of(task, struct cs_serving, reap);

    cs_h1_body_deinit(&conn->decoder);
    cs_buf_deinit(&conn->body);
    cs_buf_deinit(&conn->out);
    cs_arena_deinit(&conn->question.arena);
    cs_arena_deinit(&conn->judged);
    cs_trust_unref(conn->trust);
    cs_document_unref(conn->document);
    free(conn);
}

void cs_serving_close(struct cs_serving *conn)
{
    struct cs_server *server = conn->server;
    bool is_held = conn->state == CS_SERVING_HELD;

    if (conn->state == CS_SERVING_CLOSED)
        return;
    conn->state = CS_SERVING_CLOSED;
    cs_timer_cancel(server->spec.loop, &conn->timer);
    cs_list_remove(&conn->link);
    cs_crowd_leave(conn);
    cs_shelf_return(&server->shelf, &conn->in);
    cs_wire_close(&conn->wire);
    if (conn->stream) {
        server->n_streams--;
        conn->stream->closed(conn->stream);
        conn->stream = NULL;
    }
    if (!is_held)
        cs_loop_defer(server->spec.loop, &conn->reap);
    cs_server_left(server);
}

static int start_tls(struct cs_serving *conn)
{
    if (!conn->server->tls)
        return -ENOKEY;
    conn->wire.tls = cs_tls_server_session(conn->server->tls, conn->wire.fd, &hooks, conn,
                                           &conn->server->tls_io);
    return conn->wire.tls ? 0 : -ENOMEM;
}

void cs_serving_accept(struct cs_server *server, int fd, bool tls, const struct cs_addr *peer)
{
    const struct cs_server_limits *limits = &server->spec.limits;
    struct cs_serving *conn = CS_NEW(struct cs_serving);

    conn->server = server;
    conn->tls = tls;
    conn->peer = *peer;
    conn->timer.fire = on_deadline;
    conn->reap.run = on_reap;
    conn->state = tls ? CS_SERVING_HANDSHAKE : CS_SERVING_HEAD;
    cs_list_init(&conn->idle_link);
    cs_list_init(&conn->stranger_link);
    cs_buf_init(&conn->in, limits->max_head + 2 * READ_SIZE);
    cs_buf_init(&conn->body, limits->max_body);
    cs_buf_init(&conn->out, CS_SERVING_OUT_MAX);
    if (cs_wire_open(&conn->wire, server->spec.loop, fd, &server->shelf, on_ready) < 0) {
        free(conn);
        return;
    }
    cs_list_push_back(&server->conns, &conn->link);
    cs_crowd_enter(conn);
    cs_serving_deadline(conn, tls ? limits->handshake_ms : limits->head_ms);
    if (tls && start_tls(conn) < 0)
        cs_serving_close(conn);
}
