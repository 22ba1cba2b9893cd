/* Answers good, cut off, and of other protocols. */
#include "doctor/answer.h"

#include "tap.h"

struct sample {
    const char *what;
    struct cs_str bytes;
    bool http, whole;
    unsigned status;
    struct cs_str text, software, first;
    int64_t date_sec;
    struct cs_str detail, code, incident;
};

static const struct sample samples[] = {
    {"nothing", {0}, .date_sec = -1},
    {"a whole one",
     CS_STR_INIT("HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n"
                 "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\nsorry"),
     true,
     true,
     400,
     CS_STR_INIT("sorry"),
     CS_STR_INIT("nginx"),
     {0},
     784111777},
    {"half a body", CS_STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nso"), true, false, 200,
     CS_STR_INIT("so"), .date_sec = -1},
    {"chunks",
     CS_STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
     true, true, 200, CS_STR_INIT("abc"), .date_sec = -1},
    {"a body until the end", CS_STR_INIT("HTTP/1.0 403 No\r\n\r\nwords"), true, false, 403,
     CS_STR_INIT("words"), .date_sec = -1},
    {"half a head", CS_STR_INIT("HTTP/1.1 200 OK\r\nA: b\r\n"), .date_sec = -1,
     .first = CS_STR_INIT("HTTP/1.1 200 OK\r\nA: b\r\n")},
    {"a greeting", CS_STR_INIT("220 mail.test ESMTP\r\n"), .whole = true, .date_sec = -1,
     .first = CS_STR_INIT("220 mail.test ESMTP\r\n")},
    {"a problem",
     CS_STR_INIT("HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n\r\n"
                 "{\"status\":400,\"detail\":\"a \\\"b\\\" c\",\"code\":\"x-y\",\"incident\":\"5f"),
     true, false, 400,
     CS_STR_INIT("{\"status\":400,\"detail\":\"a \\\"b\\\" c\",\"code\":\"x-y\",\"incident\":\"5f"),
     .date_sec = -1, .detail = CS_STR_INIT("a \"b\" c"), .code = CS_STR_INIT("x-y"),
     .incident = CS_STR_INIT("5f")},
    {"no problem",
     CS_STR_INIT("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n\"code\":\"x\""), true,
     false, 400, CS_STR_INIT("\"code\":\"x\""), .date_sec = -1},
    {"a date that is none", CS_STR_INIT("HTTP/1.1 204 No\r\nDate: yesterday\r\n\r\n"), true, true,
     204, .date_sec = -1},
};

static void look(const struct sample *s)
{
    struct cs_arena arena = {0};
    struct cs_reply reply;

    cs_reply_read(s->bytes, &arena, &reply);
    tap_ok(reply.http == s->http, "%s", s->what);
    tap_int(reply.answer.status, s->status, s->what);
    tap_str(reply.answer.text, s->text, s->what);
    tap_str(reply.answer.detail, s->detail, s->what);
    tap_str(reply.answer.code, s->code, s->what);
    tap_str(reply.answer.incident, s->incident, s->what);
    tap_str(reply.software, s->software, s->what);
    tap_str(reply.first, s->first, s->what);
    tap_int(reply.date_sec, s->date_sec, s->what);
    tap_ok(cs_reply_is_whole(s->bytes) == s->whole, "%s", s->what);
    cs_arena_deinit(&arena);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        look(&samples[i]);
    return tap_done();
}
