/* One page, three types. Whatever a certificate says is escaped twice: as foreign text, where the
 * reason is made, and as text of its type, here. */
#include "gateway/refusal.h"

#include "explain/reason.h"
#include "gateway/conn.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "http/accept.h"
#include "http/escape.h"
#include "http/message.h"
#include "x509/trust.h"

enum { PAGE_MAX = 65536 };

struct page {
    int status;
    struct cs_str title;    /* "400 The SSL certificate error" */
    struct cs_str sentence; /* "The SSL certificate error"; empty: the title says no more than the
                               status */
    struct cs_str reason;   /* empty: none is told */
    struct cs_str code;     /* likewise */
    struct cs_str incident;
    struct cs_str signature; /* of the server */
};

/* All elements of all Accept fields. */
static struct cs_str accepted(struct cs_request *request)
{
    const struct cs_headers *headers = &request->head.headers;
    struct cs_str all = {0};

    for (const struct cs_header *h = cs_headers_find(headers, CS_STR("Accept")); h;
         h = cs_headers_next(headers, h))
        all = all.len
                  ? cs_arena_printf(&request->arena, "%.*s, %.*s", CS_FMT(all), CS_FMT(h->value))
                  : h->value;
    return all;
}

static void reason(struct cs_request *request, struct page *page)
{
    const struct cs_incident *incident = request->incident;
    const struct cs_conn *conn = request->conn;
    struct cs_names asked = {0};

    if (incident->is_upstream || !request->server->set.error_detail)
        return;
    if (conn->wire.tls && conn->credentials->auth.trust)
        asked = cs_trust_names(conn->credentials->auth.trust);
    page->reason = cs_explain_reason(incident->cause, conn->verdict, &asked, &request->arena);
    page->code = cs_str_from(incident->cause->kind->code);
}

/* Paragraph by paragraph as nginx's pages have them. */
static void add_html(struct cs_buf *buf, const struct page *page, struct cs_arena *arena)
{
    struct cs_str title = cs_escape_html(page->title, arena);
    struct cs_str status = page->sentence.len
                               ? cs_arena_printf(arena, "%d %.*s", page->status,
                                                 CS_FMT(cs_http_reason((unsigned)page->status)))
                               : title;

    cs_buf_addf(buf,
                "<html>\r\n<head><title>%.*s</title></head>\r\n<body>\r\n"
                "<center><h1>%.*s</h1></center>\r\n",
                CS_FMT(title), CS_FMT(status));
    if (page->sentence.len)
        cs_buf_addf(buf, "<center>%.*s</center>\r\n",
                    CS_FMT(cs_escape_html(page->sentence, arena)));
    if (page->reason.len)
        cs_buf_addf(buf, "<center><p>%.*s</p></center>\r\n",
                    CS_FMT(cs_escape_html(page->reason, arena)));
    cs_buf_addf(buf,
                "<center><p>incident %.*s</p></center>\r\n"
                "<hr><center>%.*s</center>\r\n</body>\r\n</html>\r\n",
                CS_FMT(page->incident), CS_FMT(page->signature));
}

static void add_text(struct cs_buf *buf, const struct page *page)
{
    cs_buf_addf(buf, "%.*s\n", CS_FMT(page->title));
    if (page->reason.len)
        cs_buf_addf(buf, "%.*s\n", CS_FMT(page->reason));
    cs_buf_addf(buf, "incident %.*s\n", CS_FMT(page->incident));
}

static void add_member(struct cs_buf *buf, const char *name, struct cs_str value)
{
    if (!value.len)
        return;
    cs_buf_addf(buf, ",\"%s\":", name);
    cs_buf_add_json(buf, value);
}

/* RFC 9457: of the type about:blank the title is the status's; detail, and two members of our own.
 */
static void add_problem(struct cs_buf *buf, const struct page *page, struct cs_arena *arena)
{
    struct cs_str detail = page->sentence;

    if (page->sentence.len && page->reason.len)
        detail = cs_arena_printf(arena, "%.*s: %.*s", CS_FMT(page->sentence), CS_FMT(page->reason));
    else if (page->reason.len)
        detail = page->reason;
    cs_buf_add_str(buf, CS_STR("{\"type\":\"about:blank\",\"title\":"));
    cs_buf_add_json(buf, cs_http_reason((unsigned)page->status));
    cs_buf_addf(buf, ",\"status\":%d", page->status);
    add_member(buf, "detail", detail);
    add_member(buf, "code", page->code);
    add_member(buf, "incident", page->incident);
    cs_buf_add_str(buf, CS_STR("}\n"));
}

struct cs_str cs_refusal_page(struct cs_request *request, int status, struct cs_str title,
                              struct cs_str *ret_type)
{
    static const struct cs_str types[] = {
        CS_STR_INIT("text/html"),
        CS_STR_INIT("text/plain"),
        CS_STR_INIT("application/problem+json"),
        CS_STR_INIT("application/json"),
    };
    static const struct cs_str sent[] = {
        CS_STR_INIT("text/html; charset=utf-8"),
        CS_STR_INIT("text/plain; charset=utf-8"),
        CS_STR_INIT("application/problem+json"),
        CS_STR_INIT("application/problem+json"),
    };
    size_t choice = cs_accept_choose(accepted(request), types, 4);
    struct page page = {
        .status = (int)cs_http_wire_status((unsigned)status),
        .title = title,
        .sentence = status >= 495 && status <= 497 ? cs_str_skip(title, 4) : (struct cs_str){0},
        .incident = request->incident->id,
        .signature = cs_server_token(request->scope),
    };
    struct cs_buf buf;

    reason(request, &page);
    cs_buf_init(&buf, PAGE_MAX);
    if (choice == 0)
        add_html(&buf, &page, &request->arena);
    else if (choice == 1)
        add_text(&buf, &page);
    else
        add_problem(&buf, &page, &request->arena);
    *ret_type = sent[choice];
    return cs_request_joined(request, &buf);
}
