/* A stream is a fetch that does not end. The first one of a process asks for everything that the
 * authority remembers: what was told to a predecessor may not have been taken up, and a revocation
 * that is heard twice does no harm. Later ones go on behind the last event. */
#include "steward/follower.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

enum {
    SILENCE_MS = 60 * 1000, /* the authority says something every 15 seconds */
    FIRST_PAUSE_MS = 500,
    LONGEST_PAUSE_MS = 15 * 1000,
    GONE = 410, /* what came after the event is not known there any more */
};

struct cs_follower {
    struct cs_loop *loop;
    struct cs_fetcher *fetcher;
    const struct cs_steward_spec *spec;
    char *url; /* of the stream */
    bool (*papers)(void *ctx, struct cs_follower_papers *ret_papers);
    void *ctx;
    struct cs_fetch *fetch; /* NULL: between two streams */
    struct cs_event_reader reader;
    struct cs_timer timer;
    int64_t pause_ms;
    bool heard;      /* in this stream */
    bool complained; /* of a stream that cannot be had, once until it can */
};

static void say(const struct cs_follower *f, enum cs_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct cs_follower *f, enum cs_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    f->spec->say(f->spec->ctx, level, text);
}

static void on_event(void *ctx, const struct cs_event *event)
{
    struct cs_follower *f = ctx;
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation revocation;

    if (!cs_str_eq(event->name, CS_STR("revoked")))
        return;
    if (cs_event_revocation(event->data, serial, &revocation) == 0)
        f->spec->revoked(f->spec->ctx, &revocation);
    else
        say(f, CS_LOG_ERROR, "%s tells of a revocation that cannot be read", f->url);
}

static bool on_bytes(void *ctx, struct cs_str bytes)
{
    struct cs_follower *f = ctx;

    if (f->complained)
        say(f, CS_LOG_NOTICE, "%s tells of revocations again", f->url);
    f->heard = true;
    f->complained = false;
    return cs_event_reader_feed(&f->reader, bytes);
}

static void wait(struct cs_follower *f)
{
    if (f->heard)
        f->pause_ms = FIRST_PAUSE_MS;
    cs_timer_set(f->loop, &f->timer, f->loop->now.mono_ms + f->pause_ms);
    f->pause_ms = f->pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : f->pause_ms * 2;
}

/* Nobody hears of revocations meanwhile: that is an error, once; lists go on to count. */
static void complain(struct cs_follower *f, const struct cs_fetch_answer *answer)
{
    if (f->heard || f->complained)
        return;
    f->complained = true;
    if (answer->error)
        say(f, CS_LOG_ERROR, "%s cannot be heard, so revocations are not known at once: %.*s",
            f->url, CS_FMT(answer->words));
    else
        say(f, CS_LOG_ERROR, "%s cannot be heard, so revocations are not known at once: status %u",
            f->url, answer->status);
}

static void on_done(struct cs_fetch *fetch, void *ctx)
{
    struct cs_follower *f = ctx;

    if (cs_fetch_answer(fetch)->status == GONE) /* all that it knows, next time */
        cs_event_reader_forget(&f->reader);
    complain(f, cs_fetch_answer(fetch));
    f->fetch = cs_fetch_free(fetch);
    wait(f);
}

static void connect(struct cs_follower *f)
{
    struct cs_str id = cs_event_reader_id(&f->reader), header;
    char last[32 + CS_EVENT_WORD_MAX];
    struct cs_follower_papers papers;
    struct cs_fetch_request request = {.url = cs_str_from(f->url),
                                       .headers = &header,
                                       .n_headers = 1,
                                       .idle_ms = SILENCE_MS,
                                       .max_body = 4096,
                                       .received = on_bytes};

    f->heard = false;
    if (!f->papers(f->ctx, &papers)) {
        wait(f);
        return;
    }
    snprintf(last, sizeof(last), "Last-Event-ID: %.*s", CS_FMT(id.len ? id : CS_STR("0")));
    header = cs_str_from(last);
    request.tls = (struct cs_fetch_tls){.ca = papers.ca, .cert = papers.cert, .key = papers.key};
    cs_event_reader_restart(&f->reader);
    if (cs_fetch_start(f->fetcher, &request, on_done, f, &f->fetch) < 0)
        wait(f);
}

static void on_timer(struct cs_timer *timer)
{
    connect(cs_container_of(timer, struct cs_follower, timer));
}

struct cs_follower *
cs_follower_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                const struct cs_steward_spec *spec, struct cs_str url,
                bool (*papers)(void *ctx, struct cs_follower_papers *ret_papers), void *ctx)
{
    static const char path[] = "/v1/events";
    struct cs_follower *f = CS_NEW(struct cs_follower);
    size_t room = url.len + sizeof(path);

    *f = (struct cs_follower){.loop = loop,
                              .fetcher = fetcher,
                              .spec = spec,
                              .url = cs_alloc(room),
                              .papers = papers,
                              .ctx = ctx,
                              .timer = {.fire = on_timer},
                              .pause_ms = FIRST_PAUSE_MS};
    while (url.len && url.ptr[url.len - 1] == '/')
        url.len--;
    snprintf(f->url, room, "%.*s%s", CS_FMT(url), path);
    cs_event_reader_init(&f->reader, on_event, f);
    cs_timer_set(loop, &f->timer, loop->now.mono_ms);
    return f;
}

struct cs_follower *cs_follower_free(struct cs_follower *f)
{
    if (!f)
        return NULL;
    cs_fetch_free(f->fetch);
    cs_timer_cancel(f->loop, &f->timer);
    cs_event_reader_deinit(&f->reader);
    free(f->url);
    free(f);
    return NULL;
}

void cs_follower_hurry(struct cs_follower *f)
{
    f->pause_ms = FIRST_PAUSE_MS;
    if (!f->fetch)
        cs_timer_set(f->loop, &f->timer, f->loop->now.mono_ms);
}
