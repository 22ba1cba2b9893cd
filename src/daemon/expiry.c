/* A paper has a few moments at which something is to be said. What counts is how many of them have
 * passed: more than were told means a line, about the last of them. The alarm rings at the next. */
#include "daemon/expiry.h"

#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "snapshot/papers.h"
#include "x509/digest.h"

enum { DAY_SEC = 86400, LOOK_SEC = 60 /* papers are replaced without a word to us */ };

struct told {
    uint8_t key[CS_DIGEST_LEN];
    size_t n; /* moments that were told of */
};

size_t cs_expiry_steps(int64_t from, int64_t until, int64_t ret_steps[CS_EXPIRY_STEPS])
{
    static const int64_t before[] = {30 * DAY_SEC, 7 * DAY_SEC, DAY_SEC};
    int64_t third = until > from ? (until - from) / 3 : 0;
    size_t n = 0;

    ret_steps[n++] = until - (third < before[0] ? third : before[0]);
    for (size_t i = 1; i < sizeof(before) / sizeof(before[0]); i++) {
        if (before[i] < third)
            ret_steps[n++] = until - before[i];
    }
    ret_steps[n++] = until;
    return n;
}

/* How many of the moments have passed; *@next is moved to the first that has not, if it is earlier.
 */
static size_t steps_passed(const struct cs_paper *paper, int64_t now_sec, int64_t *next)
{
    int64_t steps[CS_EXPIRY_STEPS];
    size_t n = cs_expiry_steps(paper->from, paper->until, steps), passed = 0;

    while (passed < n && steps[passed] <= now_sec)
        passed++;
    if (passed < n && steps[passed] < *next)
        *next = steps[passed];
    return passed;
}

/* What a paper is known by: the same one is told of once, wherever it is used. */
static void key_of(const struct cs_paper *paper, uint8_t ret_key[CS_DIGEST_LEN])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    if (paper->kind == CS_PAPER_LIST) {
        cs_digest_add(&digest, paper->issuer);
        cs_digest_number(&digest, paper->from);
        cs_digest_number(&digest, paper->until);
    } else {
        cs_digest_add(&digest, cs_str_make(paper->cert.sha256, sizeof(paper->cert.sha256)));
    }
    cs_digest_final(&digest, ret_key);
}

static struct told *told_of(struct cs_map *map, const uint8_t *key)
{
    struct told *told = cs_map_get(map, cs_str_make(key, CS_DIGEST_LEN));

    if (!told) {
        told = CS_NEW(struct told);
        memcpy(told->key, key, CS_DIGEST_LEN);
        cs_map_set(map, cs_str_make(told->key, CS_DIGEST_LEN), told);
    }
    return told;
}

/* What was told of papers that are not in use any more is forgotten: the map has those of this look
 * only. */
static void free_map(struct cs_map *map, const struct cs_map *but)
{
    for (size_t i = 0; i < map->n_slots; i++) {
        struct told *told = map->slots[i].value;
        if (told && !(but && cs_map_get(but, cs_str_make(told->key, CS_DIGEST_LEN)) == told))
            free(told);
    }
    cs_map_deinit(map);
}

static void look_at(struct cs_expiry *expiry, const struct cs_paper *paper, struct cs_map *now_told,
                    int64_t now_sec, int64_t *next, struct cs_findings *findings)
{
    size_t passed = steps_passed(paper, now_sec, next);
    uint8_t key[CS_DIGEST_LEN];
    struct told *told;

    if (!passed)
        return;
    key_of(paper, key);
    told = told_of(&expiry->told, key);
    if (passed > told->n)
        cs_paper_find_end(paper, now_sec, findings);
    told->n = passed;
    cs_map_set(now_told, cs_str_make(told->key, CS_DIGEST_LEN), told);
}

static void look(struct cs_expiry *expiry)
{
    const struct cs_paper *papers;
    struct cs_findings findings;
    struct cs_map now_told = {0};
    struct cs_arena arena = {0};
    int64_t next = INT64_MAX, now_sec;
    size_t n;

    now_sec = (int64_t)time(NULL);
    cs_findings_init(&findings, &arena);
    n = cs_papers_list(expiry->snapshot, &arena, &papers);
    for (size_t i = 0; i < n; i++) {
        if (papers[i].until != INT64_MAX)
            look_at(expiry, &papers[i], &now_told, now_sec, &next, &findings);
    }
    free_map(&expiry->told, &now_told);
    expiry->told = now_told;
    cs_mainlog_findings(expiry->log, &findings);
    cs_alarm_set(&expiry->alarm, next < now_sec + LOOK_SEC ? next : now_sec + LOOK_SEC);
    cs_arena_deinit(&arena);
}

static void on_ring(struct cs_alarm *alarm)
{
    look(cs_container_of(alarm, struct cs_expiry, alarm));
}

int cs_expiry_begin(struct cs_expiry *expiry, struct cs_loop *loop, const struct cs_mainlog *log,
                    struct cs_snapshot *snapshot)
{
    int r = expiry->snapshot ? 0 : cs_alarm_init(&expiry->alarm, loop, on_ring);

    if (r < 0)
        return r;
    cs_snapshot_ref(snapshot);
    cs_snapshot_unref(expiry->snapshot);
    expiry->snapshot = snapshot;
    expiry->log = log;
    look(expiry);
    return 0;
}

void cs_expiry_isolate(struct cs_expiry *expiry)
{
    if (expiry->snapshot)
        close(expiry->alarm.watch.fd);
}

void cs_expiry_end(struct cs_expiry *expiry)
{
    if (!expiry->snapshot)
        return;
    cs_alarm_deinit(&expiry->alarm);
    free_map(&expiry->told, NULL);
    expiry->snapshot = cs_snapshot_unref(expiry->snapshot);
}
