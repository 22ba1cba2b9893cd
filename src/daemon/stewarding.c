/* One process at a time: a new configuration ends the one before, and only then begins its own,
 * because a folder of certificates is one process's. Meanwhile what is in the folders is served. */
#include "daemon/stewarding.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/home.h"
#include "daemon/state.h"
#include "io/channel.h"
#include "io/process.h"
#include "io/signals.h"
#include "snapshot/credentials.h"
#include "snapshot/renewal.h"
#include "snapshot/staple.h"

/* What the steward says. */
enum said {
    SAID_LINE,    /* a byte for the level, then the text */
    SAID_REVOKED, /* a line of cs_revocation_write() */
    SAID_FARED,   /* as cs_errand_report() */
    SAID_NEWS,    /* struct cs_standing */
};

/* What it is told. */
enum told {
    TOLD_RENEW,    /* the folder of an errand */
    TOLD_QUESTION, /* as cs_standing_question_write() has it */
    TOLD_STAPLE,   /* the generation of the keyring, and then the same */
};

struct cs_stewarding {
    struct cs_stewarding_spec spec;
    struct cs_child *child; /* NULL: nobody is there */
    struct cs_channel channel;
    int fd; /* the other end, for every process that is forked; -1: there is none */
    struct cs_snapshot *snapshot, *next;
    struct cs_user user, next_user;
    bool has_user, next_has_user, has_next;
    struct cs_home home; /* of @snapshot */
};

/* ---- in the process ---- */

struct process {
    struct cs_loop loop;
    struct cs_steward *steward; /* NULL: not yet */
    struct cs_channel channel;
    struct cs_signals signals;
    uint64_t generation; /* of the keyring, when it was forked */
};

static void say(void *ctx, enum cs_log_level level, const char *text)
{
    struct process *p = ctx;
    char line[CS_LOG_LINE_MAX] = {(char)level};
    size_t len = strnlen(text, sizeof(line) - 1);

    memcpy(line + 1, text, len);
    (void)cs_channel_send(&p->channel, SAID_LINE, cs_str_make(line, len + 1), -1);
}

static void tell_revoked(void *ctx, const struct cs_revocation *revocation)
{
    struct process *p = ctx;
    struct cs_buf line;

    cs_buf_init(&line, CS_LOG_LINE_MAX);
    if (cs_revocation_write(revocation, &line) == 0)
        (void)cs_channel_send(&p->channel, SAID_REVOKED, cs_buf_str(&line), -1);
    cs_buf_deinit(&line);
}

static void tell_fared(void *ctx, const struct cs_errand *errand, int64_t since_sec,
                       struct cs_str why)
{
    struct process *p = ctx;
    struct cs_buf text;

    cs_buf_init(&text, CS_MESSAGE_MAX);
    cs_errand_report(errand, since_sec, why, &text);
    (void)cs_channel_send(&p->channel, SAID_FARED, cs_buf_str(&text), -1);
    cs_buf_deinit(&text);
}

static void tell_news(void *ctx, const struct cs_standing *news)
{
    struct process *p = ctx;

    (void)cs_channel_send(&p->channel, SAID_NEWS, cs_str_make(news, sizeof(*news)), -1);
}

/* What was told before this process was forked may still be read in it: it knows better. */
static bool is_news(const struct process *p, struct cs_str *bytes)
{
    uint64_t generation;

    if (bytes->len < sizeof(generation))
        return false;
    memcpy(&generation, bytes->ptr, sizeof(generation));
    *bytes = cs_str_skip(*bytes, sizeof(generation));
    return generation > p->generation;
}

static void on_told(struct cs_channel *channel, struct cs_channel_message *message)
{
    struct process *p = cs_container_of(channel, struct process, channel);
    struct cs_str bytes = message->bytes;
    struct cs_standing_question question;

    if (!p->steward)
        return;
    switch ((enum told)message->type) {
    case TOLD_RENEW: cs_steward_renew(p->steward, message->bytes); break;
    case TOLD_QUESTION:
        if (cs_standing_question_read(message->bytes, &question) == 0)
            cs_steward_ask(p->steward, &question);
        break;
    case TOLD_STAPLE:
        if (is_news(p, &bytes) && cs_standing_question_read(bytes, &question) == 0)
            cs_steward_staple(p->steward, &question);
        break;
    }
}

static void on_orphaned(struct cs_channel *channel, int fault)
{
    cs_loop_stop(channel->loop);
}

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    cs_loop_stop(cs_container_of(signals, struct process, signals)->channel.loop);
}

static int live(struct cs_stewarding *s, struct process *p)
{
    const struct cs_steward_spec spec = {.errands = s->snapshot->errands,
                                         .snapshot = s->snapshot,
                                         .home = {s->home.url, s->home.roots},
                                         .say = say,
                                         .fared = tell_fared,
                                         .revoked = tell_revoked,
                                         .answered = tell_news,
                                         .ctx = p};
    int r;

    p->generation = s->snapshot->keyring->generation;
    p->steward = cs_steward_new(&p->loop, &spec);
    r = cs_loop_run(&p->loop);
    p->steward = cs_steward_free(p->steward);
    return r < 0 ? 1 : 0;
}

static int run(void *ctx, struct cs_child *child)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};
    struct cs_stewarding *s = ctx;
    struct process p = {0};
    int fd = s->fd, r;

    s->fd = -1; /* not to be closed with what is the supervisor's */
    s->spec.in_child(s->spec.ctx);
    cs_listeners_deinit(s->spec.listeners, false);
    cs_signals_default();
    r = cs_loop_init(&p.loop);
    if (r == 0)
        r = cs_signals_init(&p.signals, &p.loop, signals, 3, on_signal);
    if (r == 0)
        r = cs_channel_init(&p.channel, &p.loop, fd, on_told, on_orphaned);
    if (r == 0 && s->has_user)
        r = cs_process_drop(&s->user);
    if (r == 0)
        r = cs_child_serving(child);
    if (r == 0) {
        cs_mainlog_deinit(s->spec.log);
        r = live(s, &p);
    }
    cs_channel_deinit(&p.channel);
    cs_loop_deinit(&p.loop);
    return r == 0 ? 0 : 1;
}

/* ---- in the supervisor ---- */

static void on_said(struct cs_channel *channel, struct cs_channel_message *message)
{
    struct cs_stewarding *s = cs_container_of(channel, struct cs_stewarding, channel);
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation revocation;
    struct cs_str line = message->bytes;
    struct cs_standing news;

    switch ((enum said)message->type) {
    case SAID_LINE:
        if (line.len && line.ptr[0] >= CS_LOG_EMERG && line.ptr[0] <= CS_LOG_DEBUG)
            cs_mainlog_say(s->spec.log, (enum cs_log_level)line.ptr[0], "%.*s",
                           CS_FMT(cs_str_skip(line, 1)));
        break;
    case SAID_REVOKED:
        if (line.len && line.ptr[line.len - 1] == '\n')
            line.len--;
        if (cs_revocation_read(line, serial, &revocation) == 0)
            s->spec.revoked(s->spec.ctx, &revocation);
        break;
    case SAID_FARED:
        if (s->snapshot && cs_errand_hear(s->snapshot->errands, line) == 0)
            s->spec.fared(s->spec.ctx, line);
        break;
    case SAID_NEWS:
        if (cs_standing_from(line, &news))
            s->spec.answered(s->spec.ctx, &news);
        break;
    }
}

static void on_closed(struct cs_channel *channel, int fault)
{
} /* waitpid() says more */

/* One pair for all processes, one after the other: this one keeps both ends, so that nothing that
 * was said is lost with who said it. */
static int open_channel(struct cs_stewarding *s)
{
    int fds[2], r;

    if (s->fd >= 0)
        return 0;
    r = cs_channel_pair(fds);
    if (r == 0)
        r = cs_channel_init(&s->channel, s->spec.loop, fds[0], on_said, on_closed);
    if (r == 0)
        s->fd = fds[1];
    return r;
}

static void on_event(void *ctx, struct cs_child *child, enum cs_child_event event);

static bool make_folders(struct cs_stewarding *s)
{
    struct cs_arena arena = {0};
    struct cs_str folder = cs_arena_printf(&arena, "%s/" CS_ERRAND_FOLDER, s->spec.state_folder);
    int r = cs_state_make(s->spec.state_folder, NULL);

    r = r < 0 ? r : cs_state_make(folder.ptr, s->has_user ? &s->user : NULL);
    if (r < 0)
        cs_mainlog_say(s->spec.log, CS_LOG_ERROR,
                       "nothing is fetched: \"%s\" cannot be made (%d: %s)", folder.ptr, -r,
                       strerror(-r));
    cs_arena_deinit(&arena);
    return r == 0;
}

static void start(struct cs_stewarding *s)
{
    const struct cs_child_spec spec = {.name = "steward",
                                       .loop = s->spec.loop,
                                       .log = s->spec.log,
                                       .run = run,
                                       .on_event = on_event,
                                       .ctx = s};
    bool writes = s->snapshot->errands || s->snapshot->downloads || s->snapshot->staples;

    if (!writes && !s->snapshot->asks_responders)
        return;
    if (writes && !make_folders(s))
        return;
    cs_home_deinit(&s->home);
    cs_home_init(&s->home, s->snapshot, s->has_user ? &s->user : NULL, s->spec.log);
    if (open_channel(s) < 0) {
        cs_mainlog_say(s->spec.log, CS_LOG_ALERT, "no channel to the steward");
        return;
    }
    s->child = cs_child_new(&spec);
}

static void take_next(struct cs_stewarding *s)
{
    cs_snapshot_unref(s->snapshot);
    s->snapshot = cs_take(s->next);
    s->user = s->next_user;
    s->has_user = s->next_has_user;
    s->has_next = false;
    if (s->snapshot)
        start(s);
}

static void on_event(void *ctx, struct cs_child *child, enum cs_child_event event)
{
    struct cs_stewarding *s = ctx;

    switch (event) {
    case CS_CHILD_UP: break;
    case CS_CHILD_FAILED: cs_child_finish(child, false); break;
    case CS_CHILD_ENDED:
        s->child = cs_child_free(child);
        if (s->has_next)
            take_next(s);
        else
            s->spec.ended(s->spec.ctx);
        break;
    }
}

struct cs_stewarding *cs_stewarding_new(const struct cs_stewarding_spec *spec)
{
    struct cs_stewarding *s = CS_NEW(struct cs_stewarding);

    *s = (struct cs_stewarding){.spec = *spec, .fd = -1};
    return s;
}

struct cs_stewarding *cs_stewarding_free(struct cs_stewarding *s)
{
    if (!s)
        return NULL;
    cs_child_free(s->child);
    cs_channel_deinit(&s->channel);
    if (s->fd >= 0)
        close(s->fd);
    cs_home_deinit(&s->home);
    cs_snapshot_unref(s->snapshot);
    cs_snapshot_unref(s->next);
    free(s);
    return NULL;
}

void cs_stewarding_begin(struct cs_stewarding *s, struct cs_snapshot *snapshot,
                         const struct cs_user *user)
{
    cs_snapshot_unref(s->next);
    s->next = cs_snapshot_ref(snapshot);
    s->next_has_user = user != NULL;
    if (user)
        s->next_user = *user;
    s->has_next = true;
    if (s->child)
        cs_child_finish(s->child, true);
    else
        take_next(s);
}

/* Let it ask about the certificate that is in force now. */
static void tell_staple(struct cs_stewarding *s, const struct cs_staple *staple)
{
    uint64_t generation = s->snapshot->keyring->generation;
    struct cs_standing_question question;
    struct cs_arena arena = {0};
    struct cs_buf bytes;
    int r;

    cs_buf_init(&bytes, CS_MESSAGE_MAX);
    if (cs_staple_question(staple, &arena, &question) == CS_STAPLE_ASKED) {
        cs_assert(cs_buf_add(&bytes, &generation, sizeof(generation)) == 0);
        r = cs_standing_question_write(&question, &bytes);
        if (r == 0)
            r = cs_channel_send(&s->channel, TOLD_STAPLE, cs_buf_str(&bytes), -1);
        if (r < 0)
            cs_mainlog_say(
                s->spec.log, CS_LOG_ALERT,
                "no OCSP response about the renewed \"%.*s\": the steward cannot be told "
                "(%d: %s)",
                CS_FMT(staple->certificate), -r, strerror(-r));
    }
    cs_buf_deinit(&bytes);
    cs_arena_deinit(&arena);
}

void cs_stewarding_renewed(struct cs_stewarding *s, size_t material)
{
    if (!s->child || s->has_next)
        return;
    if (s->snapshot->downloads && cs_keyring_is_trust(s->snapshot->keyring, material)) {
        cs_stewarding_begin(s, s->snapshot, s->has_user ? &s->user : NULL);
        return;
    }
    for (const struct cs_staple *staple = s->snapshot->staples; staple; staple = staple->next) {
        if (cs_staple_is_made_of(staple, material))
            tell_staple(s, staple);
    }
}

void cs_stewarding_finish(struct cs_stewarding *s, bool graceful)
{
    s->has_next = false;
    if (s->child)
        cs_child_finish(s->child, graceful);
}

int cs_stewarding_renew(struct cs_stewarding *s, const struct cs_errand *errand)
{
    return s->child && !s->has_next ? cs_channel_send(&s->channel, TOLD_RENEW, errand->folder, -1)
                                    : -ESRCH;
}

int cs_stewarding_ask(struct cs_stewarding *s, const struct cs_standing_question *question)
{
    struct cs_buf bytes;
    int r;

    if (!s->child)
        return -ESRCH;
    cs_buf_init(&bytes, CS_MESSAGE_MAX);
    r = cs_standing_question_write(question, &bytes);
    if (r == 0)
        r = cs_channel_send(&s->channel, TOLD_QUESTION, cs_buf_str(&bytes), -1);
    cs_buf_deinit(&bytes);
    return r;
}

bool cs_stewarding_is_there(const struct cs_stewarding *s)
{
    return s->child != NULL;
}

bool cs_stewarding_reaped(struct cs_stewarding *s, pid_t pid, int status)
{
    if (!s->child)
        return false;
    cs_channel_receive(&s->channel); /* its last words */
    if (!cs_child_reaped(s->child, pid, status))
        return false;
    s->spec.lost(s->spec.ctx);
    return true;
}

void cs_stewarding_isolate(struct cs_stewarding *s)
{
    if (!s)
        return;
    cs_channel_isolate(&s->channel);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
