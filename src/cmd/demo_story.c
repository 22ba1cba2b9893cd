/* Seven visits, each told from what was observed: the client's handshake facts and verdict, the
 * answer that came, and the line that the gateway wrote into its error log meanwhile. */
#include "cmd/demo.h"

#include <time.h>

#include "base/time.h"
#include "cmd/demo_client.h"
#include "explain/finding.h"
#include "explain/text.h"
#include "io/file.h"
#include "x509/name.h"

#define LOG_MAX (4 << 20)
#define LOG_PATIENCE_MS 2000

/* The gateway's error log */

static struct cs_buf read_log(const struct cs_demo *demo)
{
    struct cs_buf log;
    char path[128];

    snprintf(path, sizeof(path), "%s/gateway.log", demo->folder);
    if (cs_file_read(path, LOG_MAX, &log) < 0)
        cs_buf_init(&log, 1);
    return log;
}

static size_t log_length(const struct cs_demo *demo)
{
    struct cs_buf log = read_log(demo);
    size_t len = log.len;

    cs_buf_deinit(&log);
    return len;
}

/* Of "2026/11/23 10:00:00 [info] 12#0: *3 text", the text; NULL for lines that are not about a
 * connection. */
static struct cs_str line_text(struct cs_str line)
{
    ptrdiff_t star = cs_str_search(line, CS_STR("#0: *")), space;

    if (star < 0)
        return (struct cs_str){0};
    line = cs_str_skip(line, (size_t)star + 5);
    space = cs_str_find(line, ' ');
    return space < 0 ? (struct cs_str){0} : cs_str_skip(line, (size_t)space + 1);
}

static void sleep_ms(long ms)
{
    struct timespec pause = {.tv_nsec = ms * 1000000};
    nanosleep(&pause, NULL);
}

/* The first thing that the gateway said about a connection since its log had @from bytes. */
static struct cs_str gateway_said(const struct cs_demo *demo, size_t from, struct cs_arena *arena)
{
    struct cs_str found = {0};

    for (int waited = 0; waited < LOG_PATIENCE_MS && !found.len; waited += 20) {
        struct cs_buf log = read_log(demo);
        struct cs_str rest = cs_str_skip(cs_buf_str(&log), from);

        while (rest.ptr && rest.len && !found.len)
            found = line_text(cs_str_cut(&rest, '\n'));
        found = cs_arena_dup(arena, found);
        cs_buf_deinit(&log);
        if (!found.len)
            sleep_ms(20);
    }
    return found;
}

/* The sentence of such a line: without nginx's number in front, the remedy and the context. */
static struct cs_str sentence(struct cs_str text, struct cs_arena *arena)
{
    static const struct cs_str ends[] = {CS_STR_INIT("; hint: "), CS_STR_INIT(" (hint: "),
                                         CS_STR_INIT(" ["), CS_STR_INIT(" while ")};
    ptrdiff_t at = cs_str_search(text, CS_STR("): "));
    bool open;

    if (cs_str_starts(text, CS_STR("client SSL certificate verify error: (")) && at >= 0)
        text = cs_str_skip(text, (size_t)at + 3);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        at = cs_str_search(text, ends[i]);
        if (at < 0)
            continue;
        open = i == 0; /* what follows would have closed the bracket */
        text = cs_str_sub(text, 0, (size_t)at);
        return open ? cs_arena_cat(arena, text, CS_STR(")")) : text;
    }
    return text;
}

/* What was seen, in words */

/* The value of @name in the flat JSON object that the backend sends, escapes left in. */
static struct cs_str backend_saw(struct cs_str body, const char *name, struct cs_arena *arena)
{
    struct cs_str key = cs_arena_printf(arena, "\"%s\":\"", name);
    ptrdiff_t at = cs_str_search(body, key);
    size_t len = 0;

    if (at < 0)
        return (struct cs_str){0};
    body = cs_str_skip(body, (size_t)at + key.len);
    while (len < body.len && body.ptr[len] != '"')
        len += body.ptr[len] == '\\' ? 2 : 1;
    return cs_str_sub(body, 0, len);
}

static struct cs_cert parse(struct cs_str der, struct cs_arena *arena)
{
    struct cs_findings findings;
    struct cs_cert cert = {0};

    cs_findings_init(&findings, arena);
    if (cs_cert_parse(der, arena, &findings, &cert))
        cert = (struct cs_cert){0};
    return cert;
}

static struct cs_str verdict_words(struct cs_demo_visit *visit)
{
    struct cs_str words;
    struct cs_buf buf;

    if (!visit->judged || !visit->verdict.cause)
        return visit->fault;
    cs_buf_init(&buf, 8192);
    cs_explain_line(visit->verdict.cause, &buf);
    words = sentence(cs_arena_dup(&visit->arena, cs_buf_str(&buf)), &visit->arena);
    cs_buf_deinit(&buf);
    return words;
}

static struct cs_demo_visit visit_of(const struct cs_demo *demo, const struct cs_demo_pair *pair)
{
    return (struct cs_demo_visit){.gateway = demo->gateway,
                                  .host = CS_STR("localhost"),
                                  .pair = pair,
                                  .trust = &demo->pki.ca};
}

/* 1 and 2: the one who is let in */

static bool step(const struct cs_demo *demo, bool ok, bool *all, const char *label,
                 struct cs_str words)
{
    cs_demo_say(demo, ok, "%-28s %.*s", label, CS_FMT(words));
    *all = *all && ok;
    return ok;
}

static struct cs_str server_words(struct cs_demo_visit *visit)
{
    const struct cs_cert *leaf = visit->verdict.leaf;
    struct cs_arena *arena = &visit->arena;

    if (!visit->judged || !leaf)
        return visit->fault;
    return cs_arena_printf(
        arena, "\"%.*s\" of \"%.*s\", for %.*s; proof: %.*s",
        CS_FMT(cs_name_text(leaf->subject, arena)), CS_FMT(cs_name_text(leaf->issuer, arena)),
        CS_FMT(cs_cert_names_text(leaf, arena)), CS_FMT(visit->handshake.sigalg));
}

static struct cs_str trust_words(struct cs_demo_visit *visit)
{
    const struct cs_verdict *verdict = &visit->verdict;
    struct cs_arena *arena = &visit->arena;
    char until[CS_TIME_TEXT];

    if (!verdict->accepted)
        return verdict_words(visit);
    return cs_arena_printf(arena, "it ends in \"%.*s\", is for \"%.*s\", and holds until %.*s",
                           CS_FMT(cs_name_text(verdict->path[verdict->n_path - 1]->subject, arena)),
                           CS_FMT(visit->host),
                           CS_FMT(cs_time_iso(verdict->path_not_after, until)));
}

static bool tell_handshake(const struct cs_demo *demo, struct cs_demo_visit *visit)
{
    const struct cs_handshake *h = &visit->handshake;
    struct cs_arena *arena = &visit->arena;
    struct cs_cert own = parse(visit->pair->der, arena);
    struct cs_str subject = cs_name_text(own.subject, arena);
    struct cs_str serial = cs_serial_text(own.serial, arena);
    struct cs_str verify = backend_saw(visit->body, "X-Client-Verify", arena);
    struct cs_str seen = backend_saw(visit->body, "X-Client-Serial", arena);
    bool all = true;

    step(demo, h->sni.len > 0, &all, "1 the client's hello",
         cs_arena_printf(arena, "asks for \"%.*s\"", CS_FMT(h->sni)));
    step(demo, h->protocol.len && h->cipher.len && h->group.len, &all, "2 both agree",
         cs_arena_printf(arena, "%.*s, %.*s, key exchange %.*s", CS_FMT(h->protocol),
                         CS_FMT(h->cipher), CS_FMT(h->group)));
    step(demo, visit->judged && visit->verdict.leaf && h->sigalg.len, &all,
         "3 the gateway's certificate", server_words(visit));
    step(demo, visit->judged && visit->verdict.accepted, &all, "4 the client checks it",
         trust_words(visit));
    step(demo, h->complete && h->client_sigalg.len, &all, "5 the client's certificate",
         h->client_sigalg.len
             ? cs_arena_printf(arena, "asked for one, presents \"%.*s\"; proof: %.*s",
                               CS_FMT(subject), CS_FMT(h->client_sigalg))
             : CS_STR("was not asked for"));
    step(demo, cs_str_eq(verify, CS_STR("SUCCESS")) && cs_str_eq(seen, serial), &all,
         "6 the gateway checks it",
         verify.len ? cs_arena_printf(arena, "%.*s for serial %.*s", CS_FMT(verify), CS_FMT(seen))
                    : CS_STR("and did not say so"));
    return all;
}

static bool tell_answer(const struct cs_demo *demo, struct cs_demo_visit *visit)
{
    static const char *const names[] = {"X-Client-Verify", "X-Client-DN", "X-Client-ID",
                                        "X-Client-Serial", "X-Client-Fingerprint"};
    struct cs_cert own = parse(visit->pair->der, &visit->arena);
    struct cs_str subject = cs_name_text(own.subject, &visit->arena);
    struct cs_str dn = backend_saw(visit->body, "X-Client-DN", &visit->arena);
    bool ok = visit->status == 200 && cs_str_eq(dn, subject);

    cs_demo_say(demo, ok,
                "GET /hello answers %d, and the backend was told who calls:", visit->status);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cs_str value = backend_saw(visit->body, names[i], &visit->arena);
        cs_demo_note(demo, "%-22s %.*s", names[i], CS_FMT(value));
    }
    if (visit->fault.len)
        cs_demo_note(demo, "%.*s", CS_FMT(visit->fault));
    return ok;
}

static unsigned tell_trusted(const struct cs_demo *demo)
{
    struct cs_demo_visit visit = visit_of(demo, &demo->pki.clients[CS_DEMO_TRUSTED]);
    unsigned n = 0;

    cs_demo_visit_make(&visit);
    cs_demo_title(demo, "(1) A handshake in which both sides prove who they are");
    n += tell_handshake(demo, &visit);
    cs_demo_title(demo, "(2) The trusted client's request");
    n += tell_answer(demo, &visit);
    cs_demo_visit_deinit(&visit);
    return n;
}

/* 3 to 6: those who are turned away */

static const struct {
    const char *title;
    int client; /* -1: without a certificate */
} refused[] = {
    {"(3) A client without a certificate", -1},
    {"(4) A certificate of another CA", CS_DEMO_STRANGER},
    {"(5) A certificate that has expired", CS_DEMO_EXPIRED},
    {"(6) A certificate that was revoked", CS_DEMO_REVOKED},
};

/* Whether the gateway's words are about the certificate that was presented. */
static bool is_about(struct cs_str said, const struct cs_demo_pair *pair, struct cs_arena *arena)
{
    struct cs_cert own;

    if (!pair)
        return said.len > 0;
    own = parse(pair->der, arena);
    return cs_str_search(said, cs_name_text(own.subject, arena)) >= 0;
}

static unsigned tell_refused(const struct cs_demo *demo, const char *title,
                             const struct cs_demo_pair *pair)
{
    struct cs_demo_visit visit = visit_of(demo, pair);
    size_t from = log_length(demo);
    unsigned served = *demo->served;
    struct cs_str said;
    bool ok, passed;

    cs_demo_visit_make(&visit);
    said = gateway_said(demo, from, &visit.arena);
    passed = *demo->served != served;
    ok = visit.status == 400 && is_about(said, pair, &visit.arena) && !passed;
    cs_demo_title(demo, "%s", title);
    if (visit.status)
        cs_demo_say(demo, ok, "answered with %d; the backend saw %s of it", visit.status,
                    passed ? "all" : "nothing");
    else
        cs_demo_say(demo, ok, "no answer: %.*s", CS_FMT(visit.fault));
    cs_demo_note(demo, "why: %.*s", CS_FMT(sentence(said, &visit.arena)));
    cs_demo_visit_deinit(&visit);
    return ok;
}

/* 7: the client turns away */

static unsigned tell_wrong_server(const struct cs_demo *demo)
{
    struct cs_demo_visit visit = visit_of(demo, &demo->pki.clients[CS_DEMO_TRUSTED]);
    size_t from = log_length(demo);
    struct cs_str said;
    bool ok;

    visit.trust = &demo->pki.other_ca;
    cs_demo_visit_make(&visit);
    said = gateway_said(demo, from, &visit.arena);
    ok = visit.judged && !visit.verdict.accepted && visit.status == 0 && !visit.handshake.complete;
    cs_demo_title(demo, "(7) A server that the client does not trust");
    cs_demo_say(demo, ok, "the client breaks off with alert %d (%.*s) and sends no request",
                visit.handshake.alert_sent.number, CS_FMT(visit.handshake.alert_sent.text));
    cs_demo_note(demo, "why: %.*s", CS_FMT(verdict_words(&visit)));
    cs_demo_note(demo, "the gateway heard: %.*s", CS_FMT(sentence(said, &visit.arena)));
    cs_demo_visit_deinit(&visit);
    return ok;
}

unsigned cs_demo_story(const struct cs_demo *demo)
{
    unsigned n = tell_trusted(demo);

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        n += tell_refused(demo, refused[i].title,
                          refused[i].client < 0 ? NULL : &demo->pki.clients[refused[i].client]);
    return n + tell_wrong_server(demo);
}
