/* Answers of our own: which status and text, and whether an error page takes over. */
#include "gateway/conn.h"
#include "gateway/conn_log.h"
#include "gateway/exchange.h"
#include "gateway/refusal.h"
#include "gateway/request.h"
#include "gateway/stage.h"
#include "http/message.h"
#include "snapshot/model.h"

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* After these the connection's state is not to be relied on. */
static bool ends_connection(int status)
{
    return status == 400 || status == 413 || status == 414 || (status >= 494 && status <= 497) ||
           status == 500 || status == 501;
}

/* nginx's words for statuses that are its own. */
static struct cs_str title(struct cs_request *request, int status)
{
    switch (status) {
    case 494: return CS_STR("400 Request Header Or Cookie Too Large");
    case 495: return CS_STR("400 The SSL certificate error");
    case 496: return CS_STR("400 No required SSL certificate was sent");
    case 497: return CS_STR("400 The plain HTTP request was sent to HTTPS port");
    default: break;
    }
    return cs_arena_printf(&request->arena, "%d %.*s", status,
                           CS_FMT(cs_http_reason((unsigned)status)));
}

struct cs_str cs_server_token(const struct cs_scope *scope)
{
    return scope->set.server_tokens == CS_TOKENS_OFF ? CS_STR("countersign")
                                                     : CS_STR("countersign/" CS_VERSION);
}

static struct cs_str standard_page(struct cs_request *request, int status)
{
    struct cs_str words = title(request, status);
    struct cs_str extra = {0};

    if (status >= 494 && status <= 497)
        extra = cs_arena_printf(&request->arena, "<center>%.*s</center>\r\n",
                                CS_FMT(cs_str_skip(words, 4)));
    return cs_arena_printf(
        &request->arena,
        "<html>\r\n<head><title>%.*s</title></head>\r\n<body>\r\n<center><h1>%.*s</h1></center>\r\n"
        "%.*s<hr><center>%.*s</center>\r\n</body>\r\n</html>\r\n",
        CS_FMT(words), CS_FMT(status >= 494 && status <= 497 ? CS_STR("400 Bad Request") : words),
        CS_FMT(extra), CS_FMT(cs_server_token(request->scope)));
}

static int prepare(struct cs_conn *conn, int status, struct cs_str type, struct cs_str body)
{
    struct cs_request *request = conn->request;

    request->status = status;
    request->answer_type = type;
    request->answer_body = body;
    return CS_STAGE_RESPOND;
}

static int redirect(struct cs_conn *conn, int status, struct cs_str scope)
{
    conn->request->answer_location = scope;
    return prepare(conn, status, CS_STR("text/html"), standard_page(conn->request, status));
}

static const struct cs_error_page *find_page(const struct cs_request *request, int status)
{
    const struct cs_scope *scope = request->scope;

    for (size_t i = 0; i < scope->n_error_pages; i++) {
        if (scope->error_pages[i].status == status)
            return &scope->error_pages[i];
    }
    return NULL;
}

/* Let @page answer for @status. */
static int answer_with_page(struct cs_conn *conn, int status, const struct cs_error_page *page)
{
    struct cs_request *request = conn->request;
    struct cs_str uri = cs_request_eval(request, &page->uri);

    request->error_status = status;
    request->forced_status = page->answer;
    if (page->named)
        return cs_route_named(conn, uri);
    if (uri.len == 0 || uri.ptr[0] != '/') {
        request->forced_status = 0;
        return redirect(conn, is_redirect(page->answer) ? page->answer : 302, uri);
    }
    request->args = uri;
    request->path = cs_str_cut(&request->args, '?');
    if (!cs_str_eq(request->method, CS_STR("HEAD")))
        request->method = CS_STR("GET");
    request->origin = (struct cs_str){0};
    request->without_body = true;
    request->internal = true;
    request->script_stopped = false;
    request->n_jumps++;
    return CS_STAGE_ROUTE;
}

int cs_close_silently(struct cs_conn *conn, int status)
{
    struct cs_request *request = conn->request;

    request->status = status;
    request->outcome.status = status;
    request->keep_alive = false;
    request->cut_off = true;
    return CS_STAGE_RECORD;
}

/* A body that was refused, or not kept whole, cannot be sent to anybody. */
static bool is_body_gone(const struct cs_request *request, int status)
{
    return status == 400 || status == 408 || status == 413 ||
           (request->exchange && request->exchange->body_lost);
}

int cs_answer(struct cs_conn *conn, int status)
{
    struct cs_request *request = conn->request;
    const struct cs_error_page *page = NULL;

    cs_exchange_stop(request);
    request->without_body |= is_body_gone(request, status);
    if (ends_connection(status))
        request->keep_alive = false;
    if (request->has_head && !request->error_status)
        page = find_page(request, status);
    if (page)
        return answer_with_page(conn, status, page);
    if (request->incident && status >= 400) {
        struct cs_str type, body = cs_refusal_page(request, status, title(request, status), &type);
        return prepare(conn, status, type, body);
    }
    return prepare(conn, status, CS_STR("text/html"),
                   status == 204 || status == 304 ? (struct cs_str){0}
                                                  : standard_page(request, status));
}

int cs_answer_text(struct cs_conn *conn, int status, struct cs_str text)
{
    struct cs_request *request = conn->request;

    if (is_redirect(status))
        return redirect(conn, status, text);
    return prepare(conn, status, request->scope->set.default_type, text);
}
