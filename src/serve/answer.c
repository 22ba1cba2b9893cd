/* How questions are answered: a head, and a body that is small and the question's, large and
 * shared, or without an end. */
#include "serve/question.h"

#include <errno.h>

#include "base/mem.h"
#include "base/time.h"
#include "serve/findings.h"
#include "serve/problem.h"
#include "serve/state.h"
#include "x509/digest.h"

enum { PROBLEM_MAX = 128 * 1024, RETRY_SEC = 2 };

static const char problem_type[] = "application/problem+json";

/* ---- documents ---- */

static void make_etag(struct cs_document *document)
{
    struct cs_digest digest;
    uint8_t bytes[CS_DIGEST_LEN];

    cs_digest_init(&digest);
    cs_digest_add(&digest, document->bytes);
    cs_digest_final(&digest, bytes);
    document->etag[0] = document->etag[33] = '"';
    cs_hex_encode(bytes, 16, false, document->etag + 1);
}

struct cs_document *cs_document_new(const char *type, struct cs_str bytes, int64_t fresh_until)
{
    struct cs_document *document = CS_NEW(struct cs_document);
    char *copy = cs_alloc(bytes.len);

    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    *document = (struct cs_document){
        .refs = 1, .type = type, .bytes = cs_str_make(copy, bytes.len), .fresh_until = fresh_until};
    make_etag(document);
    return document;
}

struct cs_document *cs_document_ref(struct cs_document *document)
{
    document->refs++;
    return document;
}

struct cs_document *cs_document_unref(struct cs_document *document)
{
    if (!document || --document->refs > 0)
        return NULL;
    free((char *)document->bytes.ptr);
    free(document);
    return NULL;
}

/* ---- heads ---- */

static void header(struct cs_serving *conn, const char *name, struct cs_str value)
{
    cs_h1_write_header(&conn->out, cs_str_from(name), value);
}

/* A request that could not be understood has no method: it gets a body. */
static bool wants_body(const struct cs_serving *conn)
{
    return conn->question.head.method != CS_METHOD_HEAD;
}

static void begin_head(struct cs_serving *conn, unsigned status, const char *type)
{
    char text[CS_TIME_TEXT];

    conn->status = status;
    if (conn->server->draining || conn->unread)
        conn->keep_alive = false;
    cs_h1_write_status_line(&conn->out, status, (struct cs_str){0});
    header(conn, "Server", CS_STR("countersign"));
    header(conn, "Date", cs_time_http(cs_now_sec(&conn->server->spec.loop->now), text));
    if (conn->allow.len)
        header(conn, "Allow", conn->allow);
    if (type)
        header(conn, "Content-Type", cs_str_from(type));
    if (!conn->keep_alive)
        header(conn, "Connection", CS_STR("close"));
    else if (conn->question.head.minor == 0)
        header(conn, "Connection", CS_STR("keep-alive"));
}

/* The head is complete but for its length: @body follows. */
static void send_body(struct cs_serving *conn, struct cs_str body)
{
    const struct cs_server_limits *limits = &conn->server->spec.limits;

    header(conn, "Content-Length", cs_arena_u64(&conn->question.arena, body.len));
    cs_h1_write_end(&conn->out);
    conn->rest = wants_body(conn) ? body : (struct cs_str){0};
    conn->state = CS_SERVING_ANSWER;
    cs_serving_deadline(conn,
                        limits->send_ms + (int64_t)(conn->rest.len / limits->slow_bytes) * 1000);
    cs_serving_resume(conn);
}

/* The handler has it no more. Return: whether the client is still there; if not, this was the last
 * that is done for it. */
static bool take_back(struct cs_serving *conn)
{
    if (conn->state == CS_SERVING_HELD && !conn->question.client)
        cs_crowd_wait(conn);
    if (conn->state != CS_SERVING_CLOSED)
        return true;
    cs_loop_defer(conn->server->spec.loop, &conn->reap);
    return false;
}

/* ---- answers ---- */

void cs_question_answer(struct cs_question *question, unsigned status, const char *type,
                        struct cs_str body)
{
    struct cs_serving *conn = question->conn;

    if (!take_back(conn))
        return;
    begin_head(conn, status, type);
    header(conn, "Cache-Control", CS_STR("no-store"));
    if (status == 503 || question->retry_sec)
        header(
            conn, "Retry-After",
            cs_arena_u64(&question->arena, question->retry_sec ? question->retry_sec : RETRY_SEC));
    send_body(conn, body);
}

/* RFC 9110 section 13.1.2; the client has one version or another, so weak or strong is the same. */
static bool client_has(const struct cs_question *question, const struct cs_document *document)
{
    struct cs_str tags = cs_headers_value(&question->head.headers, CS_STR("If-None-Match"));
    struct cs_str tag;

    if (!(question->head.method & (CS_METHOD_GET | CS_METHOD_HEAD)))
        return false;
    while ((tag = cs_list_element(&tags)).ptr) {
        if (cs_str_starts(tag, CS_STR("W/")))
            tag = cs_str_skip(tag, 2);
        if (cs_str_eq(tag, cs_str_from(document->etag)) || cs_str_eq(tag, CS_STR("*")))
            return true;
    }
    return false;
}

/* What caches may do with it (RFC 9111; for OCSP RFC 5019 section 6.2). */
static void freshness(struct cs_serving *conn, const struct cs_document *document)
{
    int64_t left = document->fresh_until - cs_now_sec(&conn->server->spec.loop->now);
    char text[CS_TIME_TEXT];

    if (document->made_at)
        header(conn, "Last-Modified", cs_time_http(document->made_at, text));
    if (left <= 0) {
        header(conn, "Cache-Control", CS_STR("no-cache"));
        return;
    }
    header(conn, "Expires", cs_time_http(document->fresh_until, text));
    header(conn, "Cache-Control",
           cs_arena_printf(&conn->question.arena,
                           "max-age=%lld, public, no-transform, must-revalidate", (long long)left));
}

void cs_question_document(struct cs_question *question, struct cs_document *document)
{
    struct cs_serving *conn = question->conn;
    bool has;

    if (!take_back(conn))
        return;
    has = client_has(question, document);
    begin_head(conn, has ? 304 : 200, has ? NULL : document->type);
    header(conn, "ETag", cs_str_from(document->etag));
    freshness(conn, document);
    if (has) {
        cs_h1_write_end(&conn->out);
        conn->rest = (struct cs_str){0};
        conn->state = CS_SERVING_ANSWER;
        cs_serving_deadline(conn, conn->server->spec.limits.send_ms);
        cs_serving_resume(conn);
        return;
    }
    conn->document = cs_document_ref(document);
    send_body(conn, document->bytes);
}

void cs_question_refuse(struct cs_question *question, unsigned status)
{
    struct cs_serving *conn = question->conn;
    struct cs_buf buf;
    int r;

    if (conn->state == CS_SERVING_CLOSED) {
        (void)take_back(conn);
        return;
    }
    if (!status)
        status = cs_problem_status(&question->findings);
    conn->code = cs_problem_code(&question->findings);
    cs_buf_init(&buf, PROBLEM_MAX);
    r = cs_problem_write(&question->findings, status, &buf);
    cs_question_answer(question, status, problem_type,
                       r == 0 ? cs_arena_dup(&question->arena, cs_buf_str(&buf)) : CS_STR("{}"));
    cs_buf_deinit(&buf);
}

/* ---- streams ---- */

void cs_question_stream(struct cs_question *question, const char *type, struct cs_stream *stream)
{
    struct cs_serving *conn = question->conn;

    if (!take_back(conn)) {
        stream->closed(stream);
        return;
    }
    if (conn->server->n_streams >= conn->server->spec.limits.max_streams) {
        stream->closed(stream);
        CS_FIND(&question->findings, &cs_serve_found_busy, NULL,
                CS_STR("no more streams can be had"));
        cs_question_refuse(question, 0);
        return;
    }
    conn->keep_alive = conn->keep_alive && question->head.minor > 0;
    begin_head(conn, 200, type);
    header(conn, "Cache-Control", CS_STR("no-store"));
    if (question->head.minor > 0)
        header(conn, "Transfer-Encoding", CS_STR("chunked"));
    cs_h1_write_end(&conn->out);
    conn->server->n_streams++;
    conn->stream = stream;
    conn->ending = false;
    stream->conn = conn;
    conn->state = CS_SERVING_STREAM;
    cs_serving_deadline(conn, conn->server->spec.limits.send_ms);
    cs_serving_resume(conn);
}

void cs_stream_wake(struct cs_stream *stream)
{
    cs_serving_resume(stream->conn);
}

void cs_stream_end(struct cs_stream *stream)
{
    stream->conn->ending = true;
    cs_serving_resume(stream->conn);
}

void cs_serving_end_stream(struct cs_serving *conn)
{
    struct cs_stream *stream = cs_take(conn->stream);

    conn->server->n_streams--;
    stream->closed(stream);
    if (conn->question.head.minor > 0)
        cs_h1_write_last_chunk(&conn->out, NULL);
    conn->keep_alive = false;
    conn->state = CS_SERVING_ANSWER;
    cs_serving_deadline(conn, conn->server->spec.limits.send_ms);
    cs_serving_resume(conn);
}

/* ---- the end of a request ---- */

static void log_answer(const struct cs_serving *conn)
{
    const struct cs_question *question = &conn->question;
    int64_t took_ms = conn->server->spec.loop->now.mono_ms - conn->began_ms;
    char peer[CS_ADDR_TEXT];

    cs_server_log(conn->server, conn->status >= 500 ? CS_LOG_ERROR : CS_LOG_INFO,
                  "%.*s \"%.*s\" %u%s%s%s%.*s in %lld ms", CS_FMT(cs_addr_text(&conn->peer, peer)),
                  CS_FMT(cs_str_sub(question->head.line, 0, 256)), conn->status,
                  conn->code ? " " : "", conn->code ? conn->code : "",
                  question->subject.len ? " " : "", CS_FMT(cs_str_sub(question->subject, 0, 1024)),
                  (long long)took_ms);
}

void cs_serving_answered(struct cs_serving *conn)
{
    log_answer(conn);
    conn->begun = false;
    conn->document = cs_document_unref(conn->document);
    cs_h1_body_deinit(&conn->decoder);
    cs_buf_deinit(&conn->body);
    cs_buf_init(&conn->body, conn->server->spec.limits.max_body);
    cs_buf_deinit(&conn->out);
    cs_buf_init(&conn->out, CS_SERVING_OUT_MAX);
    cs_arena_reset(&conn->question.arena);
}
