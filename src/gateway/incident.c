/* Count, compare with what was told, write. */
#include "gateway/incident.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/panic.h"
#include "explain/account.h"
#include "gateway/state.h"
#include "io/socket.h"
#include "telemetry/counters.h"
#include "telemetry/transport.h"

enum { LINE_BYTES = 8192, RECORD_BYTES = 1 << 20 };

/* 64 random bits: enough that nobody guesses the id that another client was given. */
static void draw_id(char id[CS_INCIDENT_TEXT])
{
    uint8_t bytes[(CS_INCIDENT_TEXT - 1) / 2];

    cs_assert(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
    cs_hex_encode(bytes, sizeof(bytes), false, id);
    id[CS_INCIDENT_TEXT - 1] = '\0';
}

/* --- writing --- */

static void write_error(struct cs_worker *worker, const struct cs_scope *scope, uint64_t connection,
                        const struct cs_account *account, struct cs_str request,
                        struct cs_str words)
{
    struct cs_buf line;

    if (!cs_logs_want(&worker->logs, scope->error_logs, scope->n_error_logs, CS_LOG_ERROR))
        return;
    cs_buf_init(&line, LINE_BYTES);
    cs_account_tell(account, CS_ACCOUNT_LINE, false, &line); /* what is too much is cut anyway */
    if (request.len)
        cs_buf_addf(&line, ", request: \"%.*s\"", CS_FMT(request));
    if (words.len)
        cs_buf_addf(&line, ", nginx: \"%.*s\"", CS_FMT(words));
    cs_logs_error(&worker->logs, scope->error_logs, scope->n_error_logs, CS_LOG_ERROR,
                  &worker->loop.now, connection, cs_buf_str(&line));
    cs_buf_deinit(&line);
}

/* A chain can be so full of names that it has no place in the record. */
static void tell_record(const struct cs_account *account, bool json, struct cs_buf *buf)
{
    enum cs_account_style style = json ? CS_ACCOUNT_JSON : CS_ACCOUNT_TEXT;
    struct cs_account shorter = *account;

    if (cs_account_tell(account, style, false, buf) == 0)
        return;
    cs_buf_reset(buf);
    shorter.n_chain = 0;
    (void)!cs_account_tell(&shorter, style, false, buf);
}

static void write_records(struct cs_worker *worker, const struct cs_vserver *server,
                          const struct cs_account *account)
{
    struct cs_buf record;

    for (size_t i = 0; i < server->n_failure_logs; i++) {
        const struct cs_failure_log *log = &server->failure_logs[i];
        cs_buf_init(&record, RECORD_BYTES);
        tell_record(account, log->json, &record);
        record.max++;
        cs_buf_add_char(&record, '\n'); /* ends a JSON line; parts texts from each other */
        cs_logs_write(&worker->logs, log->log, cs_buf_str(&record));
        cs_buf_deinit(&record);
    }
}

/* --- what is to be told --- */

struct cs_telling {
    const struct cs_vserver *server;
    const struct cs_scope *scope;
    uint64_t connection;
    struct cs_str words, request;
    struct cs_account account;
};

static struct cs_telling *telling_new(const struct cs_incident_spec *spec, struct cs_arena *arena)
{
    struct cs_telling *telling = CS_ARENA_NEW(arena, struct cs_telling);

    if (spec->fd >= 0)
        (void)!cs_socket_local(spec->fd, &spec->peer->local);
    *telling = (struct cs_telling){
        .server = spec->server,
        .scope = spec->scope,
        .connection = spec->connection,
        .words = spec->words,
        .request = spec->request,
    };
    cs_account_make(spec->record, spec->cause, arena, &telling->account);
    return telling;
}

void cs_incident_tell(struct cs_worker *worker, struct cs_telling *telling, int status)
{
    struct cs_account *account = &telling->account;

    if (status)
        account->status = status;
    write_error(worker, telling->scope, telling->connection, account, telling->request,
                telling->words);
    write_records(worker, telling->server, account);
}

/* --- repeated ones --- */

static void tell_repeats(void *ctx, const struct cs_repeat *group)
{
    struct cs_worker *worker = ctx;
    const struct cs_vserver *server = group->where;
    struct cs_account account = {
        .cause.kind = group->kind,
        .repeats = group->more,
        .repeats_ms = worker->loop.now.mono_ms - group->told_ms,
        .incident = cs_str_from(group->incident),
        .time_ms = worker->loop.now.wall_ms,
        .server = !group->outgoing,
        .peer = cs_str_from(group->peer),
        .server_name = group->name,
        .tls.alert_sent.number = -1,
        .tls.alert_received.number = -1,
    };

    write_error(worker, server->base, 0, &account, (struct cs_str){0}, (struct cs_str){0});
    write_records(worker, server, &account);
}

static void on_due(struct cs_timer *timer)
{
    struct cs_worker *worker = cs_container_of(timer, struct cs_worker, incidents.timer);
    int64_t next = cs_repeats_due(worker->incidents.repeats, worker->loop.now.mono_ms);

    if (next >= 0)
        cs_timer_set(&worker->loop, timer, next);
}

/* Look again soon: a group that begins is due before all others may be. */
static void look_again(struct cs_worker *worker, int64_t due_ms)
{
    struct cs_timer *timer = &worker->incidents.timer;

    if (!cs_timer_pending(timer) || timer->deadline_ms > due_ms)
        cs_timer_set(&worker->loop, timer, due_ms);
}

/* --- the rest --- */

struct cs_str cs_incident_note(struct cs_worker *worker, const struct cs_incident_spec *spec,
                               struct cs_arena *arena, struct cs_telling **ret_telling)
{
    struct cs_record *record = spec->record;
    char peer[CS_ADDR_TEXT];
    struct cs_repeat_key key = {
        .where = spec->server,
        .peer = cs_addr_ip_text(&record->peer->addr, peer),
        .kind = spec->cause->kind,
        .certificate = spec->certificate,
        .rules = spec->rules,
    };
    struct cs_repeat *group;
    bool first = false;

    cs_counters_add(worker->counters, cs_str_from(spec->cause->kind->code), spec->listener->text,
                    spec->server->name);
    group = cs_repeats_note(worker->incidents.repeats, &key, worker->loop.now.mono_ms, &first);
    if (first) {
        draw_id(group->incident);
        group->name = record->server;
        group->outgoing = record->transport && record->transport->outgoing;
        look_again(worker, group->due_ms);
    }
    record->incident = cs_arena_dup(arena, cs_str_from(group->incident));
    *ret_telling = first ? telling_new(spec, arena) : NULL;
    return record->incident;
}

void cs_incidents_init(struct cs_worker *worker)
{
    worker->incidents.repeats = cs_repeats_new(tell_repeats, worker);
    worker->incidents.timer.fire = on_due;
}

/* The service's failures so far, by code and place. */
static void tell_counts(struct cs_worker *worker)
{
    const struct cs_snapshot *s = worker->snapshot;
    struct cs_count count;
    struct cs_buf line;

    cs_buf_init(&line, LINE_BYTES);
    for (size_t at = 0; worker->counters && cs_counters_next(worker->counters, &at, &count);) {
        cs_buf_reset(&line);
        cs_buf_addf(&line, "failures so far: %llu %.*s, listener: %.*s, server: \"%.*s\"",
                    (unsigned long long)count.n, CS_FMT(count.code), CS_FMT(count.listener),
                    CS_FMT(count.server));
        cs_logs_error(&worker->logs, s->error_logs, s->n_error_logs, CS_LOG_INFO, &worker->loop.now,
                      0, cs_buf_str(&line));
    }
    cs_buf_deinit(&line);
}

void cs_incidents_deinit(struct cs_worker *worker)
{
    cs_timer_cancel(&worker->loop, &worker->incidents.timer);
    cs_repeats_free(worker->incidents.repeats, worker->loop.now.mono_ms);
    worker->incidents.repeats = NULL;
    tell_counts(worker);
}
