/* The gateway's own parser, on an answer that may be anything. */
#include "doctor/answer.h"

#include "http/h1.h"
#include "base/time.h"

/* What is kept of a body, and of bytes that are no HTTP. */
enum { TEXT_MAX = 2048, FIRST_MAX = 64 };

static const struct cs_h1_limits limits = {.max_line = 8192, .max_head = 32768, .max_headers = 200};

/* The head of @bytes. Return: its length, 0 (not whole), or -EBADMSG. */
static ssize_t read_head(struct cs_str bytes, struct cs_arena *arena,
                         struct cs_h1_response *ret_head)
{
    enum cs_h1_error error;
    struct cs_h1_scan scan;
    ssize_t end;

    cs_h1_scan_init(&scan, CS_H1_RESPONSE, &limits);
    end = cs_h1_head_find(&scan, bytes);
    if (end <= 0)
        return end;
    if (cs_h1_response_parse(cs_str_sub(bytes, scan.start, (size_t)end - scan.start), CS_METHOD_GET,
                             &limits, arena, ret_head, &error) < 0)
        return -1;
    return end;
}

/* The content of a body as far as it came, at most @max bytes. Return: whether it is whole. */
static bool read_body(const struct cs_h1_response *head, struct cs_str rest, size_t max,
                      struct cs_arena *arena, struct cs_str *ret_text)
{
    struct cs_h1_body body;
    int r = CS_H1_MORE;

    *ret_text = (struct cs_str){0};
    cs_h1_body_init(&body, head->framing, head->content_length, &limits);
    do {
        size_t consumed;
        struct cs_str data;
        r = cs_h1_body_feed(&body, rest, &consumed, &data);
        rest = cs_str_skip(rest, consumed);
        data = cs_str_sub(data, 0, max - ret_text->len);
        if (data.len)
            *ret_text = cs_arena_cat(arena, *ret_text, data);
    } while (r == CS_H1_MORE && rest.len);
    cs_h1_body_deinit(&body);
    return r != CS_H1_MORE;
}

static struct cs_str value(struct cs_arena *arena, const struct cs_h1_response *head,
                           struct cs_str name)
{
    return cs_arena_dup(arena, cs_headers_value(&head->headers, name));
}

/* The text member @name of a JSON object, as far as a search finds it: words for a person, and a
 * code that is looked up; nothing is decided by them that the server could not say anyway. */
static struct cs_str member(struct cs_str json, const char *name, struct cs_arena *arena)
{
    struct cs_str key = cs_arena_printf(arena, "\"%s\":\"", name);
    ptrdiff_t at = cs_str_search(json, key);
    struct cs_str rest = cs_str_skip(json, at < 0 ? json.len : (size_t)at + key.len);
    char *text = cs_arena_raw(arena, rest.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < rest.len && rest.ptr[i] != '"'; i++) {
        if (rest.ptr[i] == '\\' && i + 1 < rest.len)
            i++;
        text[n++] = rest.ptr[i];
    }
    return cs_str_make(text, n);
}

static void read_problem(struct cs_answer *answer, struct cs_str type, struct cs_arena *arena)
{
    if (!cs_str_starts_nocase(type, CS_STR("application/problem+json")))
        return;
    answer->detail = member(answer->text, "detail", arena);
    answer->code = member(answer->text, "code", arena);
    answer->incident = member(answer->text, "incident", arena);
}

void cs_reply_read(struct cs_str bytes, struct cs_arena *arena, struct cs_reply *ret_reply)
{
    struct cs_reply reply = {.date_sec = -1};
    struct cs_h1_response head;
    ssize_t end;

    bytes = cs_arena_dup(arena, bytes);
    end = read_head(bytes, arena, &head);
    if (end > 0) {
        reply.http = true;
        reply.answer.status = head.status;
        reply.reason = head.reason;
        reply.software = value(arena, &head, CS_STR("Server"));
        if (cs_time_http_parse(cs_headers_value(&head.headers, CS_STR("Date")), &reply.date_sec) <
            0)
            reply.date_sec = -1;
        read_body(&head, cs_str_skip(bytes, (size_t)end), TEXT_MAX, arena, &reply.answer.text);
        read_problem(&reply.answer, cs_headers_value(&head.headers, CS_STR("Content-Type")), arena);
    } else {
        reply.first = cs_str_sub(bytes, 0, FIRST_MAX);
    }
    *ret_reply = reply;
}

bool cs_reply_is_whole(struct cs_str bytes)
{
    struct cs_arena arena = {0};
    struct cs_h1_response head;
    ssize_t end = read_head(bytes, &arena, &head);
    struct cs_str ignored;
    bool whole = end < 0;

    if (end > 0)
        whole = read_body(&head, cs_str_skip(bytes, (size_t)end), 0, &arena, &ignored);
    cs_arena_deinit(&arena);
    return whole;
}
