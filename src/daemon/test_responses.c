/* A question is asked once, its answer is for all, and what is kept on the disk is believed only if
 * nobody else could have written it. */
#include "daemon/responses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "tap.h"

enum { NOW = 1800000000 };

static struct cs_loop loop;
static struct cs_mainlog mainlog;
static char folder[] = "/tmp/countersign-responses-XXXXXX";
static char state[128], file[256];

/* What the others of the supervisor see. */
static struct {
    unsigned asked, told;
    int answer;                  /* of ask() */
    struct cs_standing standing; /* told last */
} seen;

static int ask(void *ctx, const struct cs_standing_question *question)
{
    seen.asked++;
    return seen.answer;
}

static void tell(void *ctx, const struct cs_standing *news)
{
    seen.told++;
    seen.standing = *news;
}

static struct cs_responses *begin(const char *where)
{
    struct cs_responses_spec spec = {
        .loop = &loop, .log = &mainlog, .folder = where, .ask = ask, .tell = tell};

    memset(&seen, 0, sizeof(seen));
    loop.now = (struct cs_now){.mono_ms = 1000000, .wall_ms = (int64_t)NOW * 1000};
    return cs_responses_new(&spec);
}

static void question(struct cs_responses *r, unsigned number, bool anew)
{
    struct cs_standing_question q = {.anew = anew, .url = CS_STR("http://ocsp.test/")};
    struct cs_buf bytes;

    memcpy(q.key, &number, sizeof(number));
    cs_buf_init(&bytes, 4096);
    cs_assert(cs_standing_question_write(&q, &bytes) == 0);
    cs_responses_question(r, cs_buf_str(&bytes));
    cs_buf_deinit(&bytes);
}

static struct cs_standing good(unsigned number, int64_t until_sec)
{
    struct cs_standing s = {.answered = true,
                            .said = CS_OCSP_GOOD,
                            .this_update = NOW - 60,
                            .next_update = until_sec,
                            .received_sec = NOW};

    memcpy(s.key, &number, sizeof(number));
    return s;
}

static void expect(unsigned asked, unsigned told, const char *what)
{
    tap_ok(seen.asked == asked && seen.told == told, "%s: %u asked, %u told", what, seen.asked,
           seen.told);
}

static void test_questions(void)
{
    struct cs_responses *r = begin(NULL);
    struct cs_standing news = good(1, NOW + 60);

    question(r, 1, false);
    question(r, 1, false);
    expect(1, 0, "the same one, twice");
    cs_responses_answered(r, &news);
    expect(1, 1, "its answer is for all");
    question(r, 1, false);
    expect(1, 2, "one that is known is told");
    question(r, 1, true);
    expect(2, 2, "unless it is wanted anew");
    loop.now.mono_ms += 29999;
    question(r, 1, true);
    expect(2, 2, "which is being asked");
    loop.now.mono_ms += 1;
    question(r, 1, true);
    expect(3, 2, "and after half a minute is lost");
    loop.now.wall_ms += 60000;
    question(r, 2, false);
    cs_responses_answered(r, &(struct cs_standing){.key = {2}, .failure = CS_OCSP_FAILURE_STALE});
    question(r, 2, false);
    expect(5, 3, "a failure is no answer");
    cs_responses_question(r, CS_STR("nonsense"));
    expect(5, 3, "what is no question is passed over");
    cs_responses_free(r);
}

static void test_out_of_date(void)
{
    struct cs_responses *r = begin(NULL);
    struct cs_standing news = good(1, NOW + 60);

    question(r, 1, false);
    cs_responses_answered(r, &news);
    loop.now.wall_ms += 59999;
    question(r, 1, false);
    expect(1, 2, "good until its last second");
    loop.now.wall_ms += 1;
    question(r, 1, false);
    expect(2, 2, "then asked about again");
    cs_responses_free(r);
}

static bool told_failure(const char *words)
{
    return seen.standing.failure == CS_OCSP_FAILURE_UNREACHABLE &&
           strstr(seen.standing.words, words) != NULL;
}

static void test_nobody_asks(void)
{
    struct cs_responses *r = begin(NULL);

    seen.answer = -EPIPE;
    question(r, 1, false);
    expect(1, 1, "no process to ask");
    tap_ok(told_failure("no process"), "it says so");
    seen.answer = 0;
    question(r, 1, false);
    question(r, 2, false);
    expect(3, 1, "once there is one");
    cs_responses_lost(r);
    expect(3, 3, "when it has ended, each is told");
    tap_ok(told_failure("has ended"), "it says so");
    cs_responses_lost(r);
    expect(3, 3, "once");
    cs_responses_free(r);
}

static void test_crowd(void)
{
    enum { MAX = 4096 };
    struct cs_responses *r = begin(NULL);
    struct cs_standing news = good(7, NOW + 60);

    for (unsigned i = 0; i < MAX; i++)
        question(r, i, false);
    expect(MAX, 0, "as many as may wait");
    question(r, MAX, false);
    expect(MAX, 1, "one more");
    tap_ok(told_failure("too many"), "fails at once");
    question(r, 7, false);
    expect(MAX, 1, "one of them waits on");
    cs_responses_answered(r, &news);
    question(r, MAX, false);
    expect(MAX + 1, 2, "one that was answered makes room");
    cs_responses_free(r);
}

/* ---- the file ---- */

static size_t known(void)
{
    struct cs_responses *r = begin(state);
    size_t n = cs_standings_count(cs_responses_table0(r));

    cs_responses_free(r);
    return n;
}

static void write_some(void)
{
    struct cs_responses *r = begin(state);
    struct cs_standing failed = {.key = {9}, .failure = CS_OCSP_FAILURE_STALE},
                       news[] = {good(1, NOW + 60), good(2, NOW + 60), good(3, NOW)};

    for (size_t i = 0; i < 3; i++)
        cs_responses_answered(r, &news[i]);
    cs_responses_answered(r, &failed);
    cs_responses_free(r);
}

static void damage(const char *what, size_t cut, size_t at, uint8_t with, size_t wanted)
{
    struct cs_buf bytes;

    write_some();
    cs_assert(cs_file_read(file, 1 << 20, &bytes) == 0);
    cs_assert(cut < cs_buf_str(&bytes).len && at < cs_buf_str(&bytes).len);
    ((uint8_t *)cs_buf_str(&bytes).ptr)[at] ^= with;
    cs_assert(cs_file_write(file, cs_str_sub(cs_buf_str(&bytes), 0, cs_buf_str(&bytes).len - cut),
                            0600) == 0);
    cs_buf_deinit(&bytes);
    tap_int((int64_t)known(), (int64_t)wanted, what);
}

static void test_file(void)
{
    enum { HEADER = 16, FIRST = HEADER, NEXT = offsetof(struct cs_standing, next_update) + 7 };
    struct stat st;

    tap_int((int64_t)known(), 0, "nothing yet");
    write_some();
    tap_ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0600, "for us alone");
    tap_int((int64_t)known(), 2, "what is good still, and no failures");
    damage("torn: the whole ones count", 1, 0, 0, 2);
    damage("torn in the second", sizeof(struct cs_standing) + 1, 0, 0, 1);
    damage("another program's", 0, 0, 1, 0);
    damage("of another layout", 0, 8, 1, 0);
    damage("an answer that is neither there nor not", 0,
           FIRST + offsetof(struct cs_standing, answered), 2, 1);
    damage("an answer that nobody gives", 0, FIRST + offsetof(struct cs_standing, said), 0x10, 1);
    damage("a time that nobody lives to see", 0, FIRST + NEXT, 0x40, 1);
    write_some();
    cs_assert(chmod(state, 0777) == 0);
    tap_int((int64_t)known(), 0, "a folder that others can write in is not believed");
    cs_assert(chmod(state, 0700) == 0);
    tap_int((int64_t)known(), 2, "it was the folder");
}

int main(void)
{
    cs_assert(cs_loop_init(&loop) == 0 && mkdtemp(folder));
    cs_mainlog_init(&mainlog, CS_LOG_EMERG, (struct cs_str){0});
    snprintf(state, sizeof(state), "%s/state", folder);
    snprintf(file, sizeof(file), "%s/ocsp", state);
    test_questions();
    test_out_of_date();
    test_nobody_asks();
    test_crowd();
    test_file();
    cs_assert(unlink(file) == 0 && rmdir(state) == 0 && rmdir(folder) == 0);
    cs_mainlog_deinit(&mainlog);
    cs_loop_deinit(&loop);
    return tap_done();
}
