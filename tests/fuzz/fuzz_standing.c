/* Any bytes as what another process, or a file of an earlier life, says that a responder said; and
 * as a question for one. Whatever is believed of it can be judged, kept and asked about again. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/panic.h"
#include "x509/standing.h"

enum { NOW = 1800000000, NOW_MS = 5000000 };

static void judge(const struct cs_standing *standing)
{
    for (unsigned i = 0; i < 8; i++) {
        struct cs_patience patience = {.now_sec = NOW,
                                       .now_ms = NOW_MS,
                                       .since_ms = i & 1 ? INT64_MIN : NOW_MS,
                                       .grace_sec = i & 2 ? 86400 : 0,
                                       .over = i & 4};
        enum cs_opinion opinion = cs_standing_judge(standing, &patience);
        cs_assert(opinion <= CS_OPINION_UNAUTHORIZED);
        cs_assert(opinion != CS_OPINION_ASK || !patience.over);
        cs_assert(opinion != CS_OPINION_GOOD || standing->answered);
    }
    (void)cs_standing_due_sec(standing);
}

/* Twice, and another one of the same key behind it. */
static void keep(const struct cs_standing *standing)
{
    struct cs_standings *table = cs_standings_new(1);
    struct cs_standing other = {.answered = true, .this_update = NOW, .next_update = NOW + 60};
    const struct cs_standing *known;

    for (int i = 0; i < 2; i++)
        judge(cs_standings_take(table, standing, NOW_MS));
    memcpy(other.key, standing->key, sizeof(other.key));
    known = cs_standings_take(table, &other, NOW_MS);
    cs_assert(known->answered && cs_standings_count(table) == 1);
    judge(known);
    cs_assert(memchr(known->url, '\0', sizeof(known->url)) != NULL);
    cs_assert(memchr(known->words, '\0', sizeof(known->words)) != NULL);
    cs_standings_free(table);
}

static void read_standing(const uint8_t *data, size_t size)
{
    uint8_t bytes[sizeof(struct cs_standing)] = {0};
    struct cs_standing standing;

    memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
    cs_assert(!cs_standing_from(cs_str_make(bytes, sizeof(bytes) - 1), &standing));
    if (cs_standing_from(cs_str_make(bytes, sizeof(bytes)), &standing))
        keep(&standing);
}

static void read_question(struct cs_str bytes)
{
    struct cs_standing_question question, again;
    struct cs_buf buf;

    if (cs_standing_question_read(bytes, &question) < 0)
        return;
    cs_buf_init(&buf, 1 << 22);
    cs_assert(cs_standing_question_write(&question, &buf) == 0);
    cs_assert(cs_standing_question_read(cs_buf_str(&buf), &again) == 0);
    cs_assert(memcmp(question.key, again.key, sizeof(again.key)) == 0 &&
              question.anew == again.anew && cs_str_eq(question.url, again.url) &&
              cs_str_eq(question.cert, again.cert) && cs_str_eq(question.issuer, again.issuer));
    cs_buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_standing(data, size);
    read_question(cs_str_make(data, size));
    return 0;
}
