/* What happens to the CA, told to those who follow: the store numbers it, so a follower is a
 * number. Whoever is behind reads from the store at the pace of his connection; those who are not,
 * which is nearly all of them nearly always, share one text. */
#include "enrol/server_state.h"

#include <errno.h>

#include "base/mem.h"
#include "enrol/findings.h"
#include "serve/findings.h"
#include "x509/crl.h"

enum {
    LOOK_MS = 50,
    BEAT_MS = 15000,
    AT_A_TIME = 200,
    FRESH_MAX = 256 * 1024, /* less than a stream may be given at once */
};

struct follower {
    struct cs_stream stream;
    struct cs_list link;
    struct cs_enrol_server *server;
    uint64_t seen;                    /* told up to here */
    bool beat;                        /* a comment is due */
    bool leaving;                     /* once it has been told everything */
    uint8_t serial[CS_CA_SERIAL_LEN]; /* of the certificate by which it is here */
    int64_t not_after;
};

/* ---- events as text ---- */

static const char *kind_text(enum cs_event_kind kind)
{
    switch (kind) {
    case CS_EVENT_REVOKED: return "revoked";
    case CS_EVENT_ISSUER_PREPARED: return "issuer-prepared";
    case CS_EVENT_ISSUER_ACTIVATED: return "issuer-activated";
    case CS_EVENT_ISSUER_RETIRED: return "issuer-retired";
    }
    return "unknown";
}

static int add_revoked(struct cs_buf *buf, const struct cs_stored_event *event)
{
    char at[CS_TIME_TEXT], until[CS_TIME_TEXT];
    struct cs_arena arena = {0};
    int r =
        cs_buf_addf(buf,
                    "{\"serial\":\"%.*s\",\"issuer\":%u,\"shard\":%u,\"reason\":\"%.*s\","
                    "\"revoked_at\":\"%.*s\",\"not_after\":\"%.*s\"}",
                    CS_FMT(cs_ca_serial_text(event->serial, &arena)), event->issuer, event->shard,
                    CS_FMT(cs_crl_reason_text(event->reason)), CS_FMT(cs_time_iso(event->at, at)),
                    CS_FMT(cs_time_iso(event->not_after, until)));

    cs_arena_deinit(&arena);
    return r;
}

static int add_event(struct cs_buf *buf, const struct cs_stored_event *event)
{
    char at[CS_TIME_TEXT];
    int r = cs_buf_addf(buf, "id: %llu\nevent: %s\ndata: ", (unsigned long long)event->seq,
                        kind_text(event->kind));

    if (r == 0 && event->kind == CS_EVENT_REVOKED)
        r = add_revoked(buf, event);
    else if (r == 0)
        r = cs_buf_addf(buf, "{\"issuer\":%u,\"at\":\"%.*s\"}", event->issuer,
                        CS_FMT(cs_time_iso(event->at, at)));
    return r ? r : cs_buf_add_str(buf, CS_STR("\n\n"));
}

/* ---- a follower ---- */

struct telling {
    struct follower *follower;
    struct cs_buf *into;
};

static int tell(void *ctx, const struct cs_stored_event *event)
{
    struct telling *telling = ctx;

    if (add_event(telling->into, event) < 0)
        return -ENOBUFS;
    telling->follower->seen = event->seq;
    return 0;
}

/* What it has not been told yet, or the first part of it. Return: 0, or a fault. */
static int tell_more(struct follower *f, struct cs_buf *into)
{
    struct cs_enrol_server *server = f->server;
    struct telling telling = {f, into};

    if (f->seen >= server->last_event)
        return 0;
    if (f->seen == server->fresh_from && server->fresh.len) {
        cs_buf_add_str(into, cs_buf_str(&server->fresh));
        f->seen = server->last_event;
        return 0;
    }
    return cs_store_event_each(cs_ca_get0_store(server->ca), f->seen, AT_A_TIME, tell, &telling);
}

static void more(struct cs_stream *stream, struct cs_buf *into)
{
    struct follower *f = cs_container_of(stream, struct follower, stream);
    int r;

    if (f->beat)
        cs_buf_add_str(into, CS_STR(":\n\n"));
    f->beat = false;
    r = tell_more(f, into);
    if (r < 0)
        cs_enrol_fault(f->server, r, "events cannot be read");
    if (r < 0 || (f->leaving && f->seen >= f->server->last_event))
        cs_stream_end(stream);
}

static void closed(struct cs_stream *stream)
{
    struct follower *f = cs_container_of(stream, struct follower, stream);

    cs_list_remove(&f->link);
    free(f);
}

/* Where it goes on: behind the event that the client has seen last. Return: 0, CS_CA_REFUSED with
 * findings, or a fault. */
static int where(struct cs_enrol_server *server, struct cs_question *question, uint64_t *ret_seen)
{
    const struct cs_header *h = cs_headers_find(&question->head.headers, CS_STR("Last-Event-ID"));
    uint64_t gone, last;
    int r = cs_store_event_bounds(cs_ca_get0_store(server->ca), &gone, &last);

    if (r < 0)
        return r;
    *ret_seen = server->last_event;
    if (!h)
        return 0;
    if (cs_headers_next(&question->head.headers, h) ||
        cs_str_to_u64(h->value, INT64_MAX, ret_seen) < 0) {
        CS_FIND(&question->findings, &cs_serve_found_header_invalid, NULL, CS_STR("Last-Event-ID"));
        return CS_CA_REFUSED;
    }
    if (*ret_seen == 0 || (*ret_seen >= gone && *ret_seen <= last))
        return 0;
    CS_FIND(&question->findings, CS_ENROL_KIND(EVENTS_GONE), NULL, h->value);
    return CS_CA_REFUSED;
}

/* Servers have to know whom to turn away; nobody else needs to know who was. */
static bool may_follow(const struct cs_enrol_server *server, const struct cs_question *question,
                       const struct cs_stored_cert *client)
{
    const struct cs_cert *leaf = question->client->leaf;

    return (leaf->has_eku && leaf->eku & CS_EKU_SERVER) ||
           cs_enrol_is_administrator(server, client);
}

static void follow(struct cs_enrol_server *server, struct cs_question *question, uint64_t seen)
{
    struct follower *f = CS_NEW(struct follower);

    f->stream = (struct cs_stream){.more = more, .closed = closed};
    f->server = server;
    f->seen = seen;
    f->beat = true; /* so that something comes at once */
    f->not_after = question->client->leaf->not_after;
    (void)cs_ca_serial_of(question->client->leaf, f->serial);
    cs_list_push_back(&server->followers, &f->link);
    cs_question_stream(question, "text/event-stream", &f->stream);
}

void cs_on_events(void *ctx, struct cs_question *question)
{
    struct cs_enrol_server *server = ctx;
    const struct cs_stored_cert *client = cs_enrol_client(server, question);
    uint64_t seen = 0;
    int r = CS_CA_REFUSED;

    if (!client)
        return;
    question->subject = client->identity;
    if (may_follow(server, question, client))
        r = where(server, question, &seen);
    else
        CS_FIND(&question->findings, CS_ENROL_KIND(EVENTS_NOT_ALLOWED), NULL, client->profile);
    if (r == 0)
        follow(server, question, seen);
    else if (r == CS_CA_REFUSED)
        cs_question_refuse(question, 0);
    else
        cs_enrol_refuse_fault(server, question, r, "events cannot be read");
}

/* ---- noticing ---- */

/* Whoever is here by a certificate that was just revoked goes. */
static void turn_away(struct cs_enrol_server *server, struct cs_str serial)
{
    CS_LIST_FOREACH (link, &server->followers) {
        struct follower *f = cs_container_of(link, struct follower, link);
        if (cs_str_eq(cs_str_make(f->serial, sizeof(f->serial)), serial))
            f->leaving = true;
    }
}

static int notice(void *ctx, const struct cs_stored_event *event)
{
    struct cs_enrol_server *server = ctx;

    server->last_event = event->seq;
    if (add_event(&server->fresh, event) < 0)
        cs_buf_deinit(&server->fresh); /* too many at once: followers read the store */
    if (event->kind == CS_EVENT_REVOKED) {
        server->revocations++;
        turn_away(server, event->serial);
    } else {
        server->again = true;
    }
    return 0;
}

void cs_events_look(struct cs_enrol_server *server)
{
    uint64_t before = server->last_event;
    int r;

    cs_buf_deinit(&server->fresh);
    cs_buf_init(&server->fresh, FRESH_MAX);
    server->fresh_from = before;
    r = cs_store_event_each(cs_ca_get0_store(server->ca), before, 0, notice, server);
    if (r < 0)
        cs_enrol_fault(server, r, "events cannot be read");
    if (server->last_event == before)
        return;
    CS_LIST_FOREACH (link, &server->followers)
        cs_stream_wake(&cs_container_of(link, struct follower, link)->stream);
    if (server->again)
        cs_enrol_stop(server, true);
}

static void on_look(struct cs_timer *timer)
{
    struct cs_enrol_server *server = cs_container_of(timer, struct cs_enrol_server, look);

    cs_events_look(server);
    cs_timer_set(&server->loop, timer, server->loop.now.mono_ms + LOOK_MS);
}

static void on_beat(struct cs_timer *timer)
{
    struct cs_enrol_server *server = cs_container_of(timer, struct cs_enrol_server, beat);

    CS_LIST_FOREACH (link, &server->followers) {
        struct follower *f = cs_container_of(link, struct follower, link);
        f->beat = true;
        f->leaving |= f->not_after < cs_enrol_now(server);
        cs_stream_wake(&f->stream);
    }
    cs_timer_set(&server->loop, timer, server->loop.now.mono_ms + BEAT_MS);
}

int cs_events_init(struct cs_enrol_server *server)
{
    uint64_t gone;
    int r = cs_store_event_bounds(cs_ca_get0_store(server->ca), &gone, &server->last_event);

    cs_buf_init(&server->fresh, FRESH_MAX);
    server->look.fire = on_look;
    server->beat.fire = on_beat;
    cs_timer_set(&server->loop, &server->look, server->loop.now.mono_ms + LOOK_MS);
    cs_timer_set(&server->loop, &server->beat, server->loop.now.mono_ms + BEAT_MS);
    return r;
}

void cs_events_deinit(struct cs_enrol_server *server)
{
    cs_timer_cancel(&server->loop, &server->look);
    cs_timer_cancel(&server->loop, &server->beat);
    cs_buf_deinit(&server->fresh);
}
