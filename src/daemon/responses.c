/* The file is the table as it lies in memory, behind a word that says so: another build may lay it
 * out differently, and then asks anew. */
#include "daemon/responses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/state.h"
#include "io/file.h"

enum {
    TABLE_MAX = 16384,
    ASKED_MAX = 4096,       /* at the same time */
    FORGOTTEN_MS = 30000,   /* what was asked so long ago was lost on the way */
    WRITE_AFTER_MS = 10000, /* news come in crowds */
    N_BUCKETS = 256,
};

static const char magic[8] = "ocsp\0\1\0";

/* A question that is being asked. */
struct asked {
    struct cs_list bucket;
    uint8_t key[CS_STANDING_KEY];
    int64_t asked_ms;
};

struct cs_responses {
    struct cs_responses_spec spec;
    char *file; /* NULL: none */
    struct cs_standings *table;
    struct cs_list buckets[N_BUCKETS];
    size_t n_asked;
    struct cs_timer write;
};

/* ---- the file ---- */

struct header {
    char magic[sizeof(magic)];
    uint64_t size; /* of one */
};

static void read_all(struct cs_responses *r, struct cs_str bytes, int64_t now_sec)
{
    struct cs_standing standing;
    struct header header;

    if (bytes.len < sizeof(header))
        return;
    memcpy(&header, bytes.ptr, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.size != sizeof(standing))
        return;
    bytes = cs_str_skip(bytes, sizeof(header));
    for (; bytes.len >= sizeof(standing); bytes = cs_str_skip(bytes, sizeof(standing))) {
        if (cs_standing_from(cs_str_sub(bytes, 0, sizeof(standing)), &standing) &&
            standing.answered && standing.next_update > now_sec)
            cs_standings_take(r->table, &standing, 0);
    }
}

/* A folder in which others can write is not believed. */
static void load(struct cs_responses *r)
{
    struct cs_buf bytes = {0};

    if (cs_state_check(r->spec.folder) < 0 ||
        cs_file_read(r->file, sizeof(struct header) + TABLE_MAX * sizeof(struct cs_standing),
                     &bytes) < 0)
        return;
    read_all(r, cs_buf_str(&bytes), cs_now_sec(&r->spec.loop->now));
    cs_buf_deinit(&bytes);
}

static void write_one(void *ctx, const struct cs_standing *standing)
{
    struct cs_standing kept = *standing;

    kept.failure = CS_OCSP_FAILURE_NONE; /* the next life tries for itself */
    if (kept.answered)
        cs_buf_add(ctx, &kept, sizeof(kept));
}

static void save(struct cs_responses *r)
{
    struct header header = {.size = sizeof(struct cs_standing)};
    struct cs_buf bytes;
    int error;

    memcpy(header.magic, magic, sizeof(magic));
    cs_buf_init(&bytes, SIZE_MAX);
    cs_buf_add(&bytes, &header, sizeof(header));
    cs_standings_each(r->table, write_one, &bytes);
    error = cs_state_make(r->spec.folder, NULL);
    if (error == 0)
        error = cs_file_write(r->file, cs_buf_str(&bytes), 0600);
    if (error < 0)
        cs_mainlog_say(r->spec.log, CS_LOG_WARN,
                       "what OCSP responders said is not kept: writing \"%s\" failed (%d: %s)",
                       r->file, -error, strerror(-error));
    cs_buf_deinit(&bytes);
}

static void on_write(struct cs_timer *timer)
{
    save(cs_container_of(timer, struct cs_responses, write));
}

/* ---- questions ---- */

static struct asked *find(struct cs_responses *r, const uint8_t *key)
{
    CS_LIST_FOREACH (link, &r->buckets[key[0]]) {
        struct asked *asked = cs_container_of(link, struct asked, bucket);
        if (memcmp(asked->key, key, CS_STANDING_KEY) == 0)
            return asked;
    }
    return NULL;
}

static void forget(struct cs_responses *r, struct asked *asked)
{
    cs_list_remove(&asked->bucket);
    r->n_asked--;
    free(asked);
}

static void fail(struct cs_responses *r, const uint8_t *key, struct cs_str url, const char *words)
{
    struct cs_standing news = {0};

    memcpy(news.key, key, sizeof(news.key));
    snprintf(news.url, sizeof(news.url), "%.*s", CS_FMT(url));
    cs_standing_fail(&news, CS_OCSP_FAILURE_UNREACHABLE, cs_str_from(words));
    cs_responses_answered(r, &news);
}

static void ask(struct cs_responses *r, const struct cs_standing_question *question)
{
    struct asked *asked = find(r, question->key);
    int64_t now_ms = r->spec.loop->now.mono_ms;

    if (asked && now_ms - asked->asked_ms < FORGOTTEN_MS)
        return; /* its answer is for all */
    if (!asked && r->n_asked == ASKED_MAX) {
        fail(r, question->key, question->url, "too many questions wait for their answers");
        return;
    }
    if (!asked) {
        asked = CS_NEW(struct asked);
        memcpy(asked->key, question->key, sizeof(asked->key));
        cs_list_push_back(&r->buckets[asked->key[0]], &asked->bucket);
        r->n_asked++;
    }
    asked->asked_ms = now_ms;
    if (r->spec.ask(r->spec.ctx, question) < 0)
        fail(r, question->key, question->url, "there is no process that could ask it");
}

void cs_responses_question(struct cs_responses *r, struct cs_str bytes)
{
    struct cs_standing_question question;
    const struct cs_standing *known;

    if (cs_standing_question_read(bytes, &question) < 0)
        return;
    known = cs_standings_find(r->table, question.key);
    if (!question.anew && known && known->answered &&
        known->next_update > cs_now_sec(&r->spec.loop->now))
        r->spec.tell(r->spec.ctx, known);
    else
        ask(r, &question);
}

void cs_responses_answered(struct cs_responses *r, const struct cs_standing *news)
{
    struct asked *asked = find(r, news->key);
    struct cs_timer *timer = &r->write;

    if (asked)
        forget(r, asked);
    cs_standings_take(r->table, news, r->spec.loop->now.mono_ms);
    if (news->answered && r->file && !cs_timer_pending(timer))
        cs_timer_set(r->spec.loop, timer, r->spec.loop->now.mono_ms + WRITE_AFTER_MS);
    r->spec.tell(r->spec.ctx, news);
}

void cs_responses_lost(struct cs_responses *r)
{
    for (size_t i = 0; i < N_BUCKETS; i++) {
        CS_LIST_FOREACH_SAFE (link, &r->buckets[i]) {
            struct asked asked = *cs_container_of(link, struct asked, bucket);
            fail(r, asked.key, (struct cs_str){0}, "the process that asked it has ended");
        }
    }
}

/* ---- life ---- */

struct cs_responses *cs_responses_new(const struct cs_responses_spec *spec)
{
    struct cs_responses *r = CS_NEW(struct cs_responses);
    size_t room;

    r->spec = *spec;
    r->table = cs_standings_new(TABLE_MAX);
    r->write.fire = on_write;
    for (size_t i = 0; i < N_BUCKETS; i++)
        cs_list_init(&r->buckets[i]);
    if (!spec->folder)
        return r;
    room = strlen(spec->folder) + sizeof("/ocsp");
    r->file = cs_alloc(room);
    snprintf(r->file, room, "%s/ocsp", spec->folder);
    load(r);
    return r;
}

struct cs_responses *cs_responses_free(struct cs_responses *r)
{
    if (!r)
        return NULL;
    if (cs_timer_pending(&r->write))
        save(r);
    cs_timer_cancel(r->spec.loop, &r->write);
    for (size_t i = 0; i < N_BUCKETS; i++) {
        CS_LIST_FOREACH_SAFE (link, &r->buckets[i])
            forget(r, cs_container_of(link, struct asked, bucket));
    }
    cs_standings_free(r->table);
    free(r->file);
    free(r);
    return NULL;
}

struct cs_standings *cs_responses_table0(const struct cs_responses *r)
{
    return r->table;
}
