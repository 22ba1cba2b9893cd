/* The wire first, then the conclusion: what people compare with their own logs is the order of
 * things. Steps, cause and facts are an account, and told as one. */
#include "doctor/story.h"

#include "base/time.h"
#include "explain/account.h"
#include "explain/sheet.h"

struct teller {
    const struct cs_story *story;
    struct cs_sheet sheet;
    struct cs_arena arena; /* of lines */
};

static struct cs_str addr_text(struct teller *t, const struct cs_addr *addr)
{
    char text[CS_ADDR_TEXT];

    return cs_arena_dup(&t->arena, cs_addr_text(addr, text));
}

static struct cs_str time_text(struct teller *t, int64_t us)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(&t->arena, cs_time_iso(us / 1000000, text));
}

static void line(struct teller *t, struct cs_str text)
{
    cs_sheet_line(&t->sheet, text, false);
}

/* ---- what is noticed beside the order of things ---- */

static void note(struct teller *t, struct cs_str *notes, struct cs_str text)
{
    *notes = cs_arena_printf(&t->arena, "%.*s%s%.*s", CS_FMT(*notes), notes->len ? "; " : "",
                             CS_FMT(text));
}

static void note_flow(struct teller *t, struct cs_str *notes, const struct cs_flow *flow,
                      const char *who)
{
    if (flow->n_syns > 1)
        note(t, notes,
             cs_arena_printf(&t->arena, "the %s sent its SYN %u times", who, flow->n_syns));
    if (flow->n_again)
        note(t, notes,
             cs_arena_printf(&t->arena, "%u packets of the %s came again", flow->n_again, who));
    if (flow->n_early && !flow->n_cut) /* else they only seem to */
        note(t, notes,
             cs_arena_printf(&t->arena, "%u packets of the %s came before others", flow->n_early,
                             who));
    if (flow->n_cut)
        note(t, notes,
             cs_arena_printf(&t->arena,
                             "the capture cut %llu bytes off the %s's packets (snap length): "
                             "capture with tcpdump -s 0",
                             (unsigned long long)flow->n_cut, who));
    else if (cs_flow_gap(flow))
        note(t, notes,
             cs_arena_printf(&t->arena, "%llu bytes of the %s were not captured",
                             (unsigned long long)cs_flow_gap(flow), who));
    if (flow->full)
        note(t, notes,
             cs_arena_printf(&t->arena, "only the first %zu bytes of the %s were looked at",
                             flow->bytes.len, who));
}

static struct cs_str notes_text(struct teller *t, const struct cs_captured *c)
{
    struct cs_str notes = {0};

    if (!c->up->began)
        note(t, &notes, CS_STR("the connection is older than the capture"));
    note_flow(t, &notes, c->up, "client");
    note_flow(t, &notes, c->down, "server");
    return notes;
}

/* ---- certificates ---- */

static struct cs_str judgement(struct teller *t, const struct cs_judged *judged)
{
    const struct cs_finding *cause = judged->verdict.cause;

    return judged->verdict.accepted ? CS_STR("good")
           : cause                  ? cs_arena_printf(&t->arena, "refused, %s", cause->kind->code)
                                    : CS_STR("refused");
}

static void chain(struct teller *t, const struct cs_judged *judged, const char *key,
                  const char *who)
{
    if (!judged->done)
        return;
    line(t, cs_arena_printf(&t->arena, "  the %s's certificates by %.*s: %.*s", who,
                            CS_FMT(t->story->trust_name), CS_FMT(judgement(t, judged))));
    cs_sheet_open(&t->sheet, key);
    if (t->sheet.json) {
        cs_sheet_flag(&t->sheet, NULL, "accepted", judged->verdict.accepted);
        cs_sheet_findings(&t->sheet, &judged->verdict.findings);
    } else if (!judged->verdict.accepted) {
        t->sheet.indent = 4;
        cs_sheet_findings(&t->sheet, &judged->verdict.findings);
        t->sheet.indent = 0;
    }
    cs_sheet_close(&t->sheet);
}

/* ---- the conclusion ---- */

/* What the size of the client's first encrypted record tells about its certificate. */
static const char *hidden_papers(const struct cs_overheard *o)
{
    const struct cs_sealed *first = cs_overhear_after(&o->client, o->answer.packet);

    if (o->resumed || !first)
        return "TLS 1.3 encrypts the rest";
    switch (cs_overhear_guess(o, first)) {
    case CS_GUESS_FINISHED: return "by the sizes, the client was not asked for a certificate";
    case CS_GUESS_EMPTY:
        return "by the sizes, the client was asked for a certificate and sent none";
    default:
        return "by the sizes, the client sent a certificate; TLS 1.3 encrypts it, and whether the "
               "server took it";
    }
}

static struct cs_str well_text(struct teller *t, const struct cs_overheard *o)
{
    struct cs_str how = cs_arena_printf(&t->arena, "%s%.*s, %.*s", o->resumed ? "resumed, " : "",
                                        CS_FMT(o->protocol), CS_FMT(o->cipher));

    if (o->tls13)
        return cs_arena_printf(&t->arena, "the handshake went well (%.*s); %s", CS_FMT(how),
                               hidden_papers(o));
    if (o->resumed)
        return cs_arena_printf(&t->arena, "the handshake went well (%.*s)", CS_FMT(how));
    return cs_arena_printf(&t->arena, "the handshake went well (%.*s); %s", CS_FMT(how),
                           o->client.n_chain ? "both sides presented certificates"
                           : cs_messages_have(o->server.messages, CS_MESSAGE_CERTIFICATE_REQUEST)
                               ? "the client was asked for a certificate and sent none"
                               : "the client was not asked for a certificate");
}

static struct cs_str fate_text(struct teller *t, const struct cs_dissection *d)
{
    switch (d->fate) {
    case CS_FATE_WELL: return well_text(t, &d->overheard);
    case CS_FATE_PLAIN: return CS_STR("not TLS from its first byte on, and nobody expected it");
    case CS_FATE_UNFINISHED:
        return CS_STR("the capture ends before the handshake does: nothing has failed so far");
    case CS_FATE_PARTIAL:
        return CS_STR("what would tell was not captured: begin before the connection does, and "
                      "capture whole packets (tcpdump -s 0)");
    case CS_FATE_FAILED: break;
    }
    return cs_arena_printf(&t->arena,
                           "told from the side of the %s: \"this side\" and \"our\" are %.*s",
                           d->server ? "server" : "client", CS_FMT(addr_text(t, &d->peer.local)));
}

static void account(struct teller *t, const struct cs_dissection *d)
{
    struct cs_account told;
    struct cs_buf words;

    cs_buf_init(&words, t->sheet.buf->max);
    cs_account_make(&d->record, d->cause, &t->arena, &told);
    t->sheet.full |= cs_account_tell(&told, t->sheet.json ? CS_ACCOUNT_JSON : CS_ACCOUNT_TEXT,
                                     t->sheet.colour, &words) < 0;
    if (t->sheet.json)
        cs_sheet_raw(&t->sheet, "record", cs_buf_str(&words));
    else
        t->sheet.full |= cs_buf_add_str(t->sheet.buf, cs_buf_str(&words)) < 0;
    cs_buf_deinit(&words);
}

/* ---- one connection ---- */

static void event_text(struct teller *t, const struct cs_event *e, int64_t first_us)
{
    int64_t us = e->when.time_us - first_us;

    line(t, cs_arena_printf(&t->arena, "  %4lld.%06lld  %s  %.*s", (long long)(us / 1000000),
                            (long long)(us % 1000000), e->down ? "server" : "client",
                            CS_FMT(e->text)));
}

static void event_json(struct teller *t, const struct cs_event *e, int64_t first_us)
{
    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_number(&t->sheet, NULL, "us", e->when.time_us - first_us);
    cs_sheet_number(&t->sheet, NULL, "packet", e->when.packet);
    cs_sheet_text(&t->sheet, NULL, "by", e->down ? CS_STR("server") : CS_STR("client"));
    cs_sheet_text(&t->sheet, NULL, "what", cs_str_from(e->what));
    cs_sheet_text(&t->sheet, NULL, "text", e->text);
    if (e->sealed)
        cs_sheet_number(&t->sheet, NULL, "records", (int64_t)e->sealed);
    cs_sheet_close(&t->sheet);
}

static void events(struct teller *t, const struct cs_dissection *d)
{
    const struct cs_overheard *o = &d->overheard;

    cs_sheet_open_list(&t->sheet, "events");
    for (size_t i = 0; i < o->n_events; i++)
        (t->sheet.json ? event_json : event_text)(t, &o->events[i], o->captured->first_us);
    cs_sheet_close_list(&t->sheet);
}

static void head(struct teller *t, size_t i, const struct cs_captured *c)
{
    struct cs_str client = addr_text(t, &c->client), server = addr_text(t, &c->server);
    struct cs_str time = time_text(t, c->first_us);

    cs_sheet_line(&t->sheet,
                  cs_arena_printf(&t->arena, "connection %zu: %.*s → %.*s, %.*s, %u packets", i + 1,
                                  CS_FMT(client), CS_FMT(server), CS_FMT(time), c->n_packets),
                  true);
    cs_sheet_text(&t->sheet, NULL, "client", client);
    cs_sheet_text(&t->sheet, NULL, "server", server);
    cs_sheet_text(&t->sheet, NULL, "time", time);
    cs_sheet_number(&t->sheet, NULL, "packets", c->n_packets);
}

static void connection(struct teller *t, size_t i)
{
    const struct cs_dissection *d = t->story->connections[i];
    const struct cs_captured *c = d->overheard.captured;
    struct cs_str notes = notes_text(t, c), fate = fate_text(t, d);
    bool has_record = d->fate == CS_FATE_FAILED || d->fate == CS_FATE_WELL;

    cs_sheet_open(&t->sheet, NULL);
    head(t, i, c);
    cs_sheet_text(&t->sheet, NULL, "fate", cs_str_from(cs_fate_name(d->fate)));
    if (d->cause)
        cs_sheet_text(&t->sheet, NULL, "code", cs_str_from(d->cause->kind->code));
    if (has_record)
        cs_sheet_text(&t->sheet, NULL, "told_by", d->server ? CS_STR("server") : CS_STR("client"));
    else
        cs_sheet_text(&t->sheet, NULL, "conclusion", fate);
    cs_sheet_text(&t->sheet, NULL, "notes", notes);
    events(t, d);
    if (notes.len)
        line(t, cs_arena_printf(&t->arena, "  noticed: %.*s", CS_FMT(notes)));
    chain(t, &d->server_chain, "server_chain", "server");
    chain(t, &d->client_chain, "client_chain", "client");
    line(t, fate);
    if (has_record && (t->sheet.json || d->fate == CS_FATE_FAILED))
        account(t, d);
    cs_sheet_close(&t->sheet);
    line(t, (struct cs_str){0});
}

/* ---- the whole ---- */

static void count(struct teller *t, const char *key, uint64_t n, const char *what)
{
    if (!n)
        return;
    cs_sheet_number(&t->sheet, NULL, key, (int64_t)n);
    line(t, cs_arena_printf(&t->arena, "%llu %s", (unsigned long long)n, what));
}

static void tail(struct teller *t)
{
    const struct cs_capture *capture = t->story->capture;

    if (!t->story->n)
        line(t, CS_STR("no TCP connection in it"));
    cs_sheet_number(&t->sheet, NULL, "packets", (int64_t)capture->n_packets);
    count(t, "fragments", capture->n_fragments,
          "parts of IP packets were not put together: what they carried is missing");
    count(t, "unread", capture->n_unread, "packets were cut or broken in their headers");
    count(t, "beyond", capture->n_beyond,
          "packets belong to connections beyond those looked at: choose with --port or --host");
    cs_sheet_text(&t->sheet, NULL, "problem", capture->problem);
    if (capture->problem.len)
        line(t, cs_arena_printf(&t->arena, "the file ends early: %.*s", CS_FMT(capture->problem)));
}

int cs_story_tell(const struct cs_story *story, bool json, bool colour, struct cs_buf *buf)
{
    struct teller t = {.story = story};

    cs_sheet_begin(&t.sheet, buf, json, colour);
    cs_sheet_open(&t.sheet, NULL);
    cs_sheet_text(&t.sheet, NULL, "file", story->file);
    cs_sheet_open_list(&t.sheet, "connections");
    for (size_t i = 0; i < story->n; i++) {
        connection(&t, i);
        cs_arena_reset(&t.arena);
    }
    cs_sheet_close_list(&t.sheet);
    tail(&t);
    cs_sheet_close(&t.sheet);
    cs_arena_deinit(&t.arena);
    return cs_sheet_done(&t.sheet);
}
