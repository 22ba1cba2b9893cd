/* What a standing means at which time, what replaces what in the table, and its bound. */
#include "x509/standing.h"

#include "base/mem.h"
#include "tap.h"

/* Times in seconds; the steady clock is the same in milliseconds. */
enum { NOW = 1000000 };

static const struct {
    const char *what;
    bool answered;
    enum cs_ocsp_status said;
    int until, came; /* seconds from now */
    enum cs_ocsp_failure failure;
    int failed;
    bool over, anew;
    int grace;
    enum cs_opinion opinion;
} cases[] = {
    {"good", true, CS_OCSP_GOOD, 60, -5, 0, 0, false, false, 0, CS_OPINION_GOOD},
    {"revoked", true, CS_OCSP_REVOKED, 60, -5, 0, 0, false, false, 0, CS_OPINION_REVOKED},
    {"unknown", true, CS_OCSP_UNKNOWN, 60, -5, 0, 0, false, false, 0, CS_OPINION_UNKNOWN},
    {"out of date", true, CS_OCSP_GOOD, 0, -9, 0, 0, false, false, 0, CS_OPINION_ASK},
    {"an old revocation is asked about", true, CS_OCSP_REVOKED, -1, -9, 0, 0, false, false, 0,
     CS_OPINION_ASK},
    {"and stands when nobody answers", true, CS_OCSP_REVOKED, -1, -9, 0, 0, true, false, 0,
     CS_OPINION_REVOKED},
    {"and when that was tried", true, CS_OCSP_REVOKED, -1, -9, CS_OCSP_FAILURE_UNREACHABLE, -1,
     false, false, 0, CS_OPINION_REVOKED},
    {"one that was old when it came is not asked about at once", true, CS_OCSP_REVOKED, -1, -1, 0,
     0, false, false, 0, CS_OPINION_REVOKED},
    {"a short one is", true, CS_OCSP_GOOD, 0, -2, 0, 0, false, false, 0, CS_OPINION_ASK},
    {"within the grace", true, CS_OCSP_GOOD, -5, -9, 0, 0, true, false, 6, CS_OPINION_GRACE},
    {"behind it", true, CS_OCSP_GOOD, -6, -9, 0, 0, true, false, 6, CS_OPINION_STALE},
    {"grace is for good ones", true, CS_OCSP_UNKNOWN, -5, -9, 0, 0, true, false, 6,
     CS_OPINION_STALE},
    {"grace and a failure", true, CS_OCSP_GOOD, -5, -9, CS_OCSP_FAILURE_STALE, -1, false, false, 6,
     CS_OPINION_GRACE},
    {"a failure leaves what is good", true, CS_OCSP_GOOD, 60, -5, CS_OCSP_FAILURE_STALE, -1, false,
     false, 0, CS_OPINION_GOOD},
    {"asked for every connection", true, CS_OCSP_GOOD, 60, -5, 0, 0, false, true, 0,
     CS_OPINION_ASK},
    {"and nobody answers", true, CS_OCSP_GOOD, 60, -5, CS_OCSP_FAILURE_UNREACHABLE, -1, false, true,
     0, CS_OPINION_UNREACHABLE},
    {"answered since", true, CS_OCSP_GOOD, 60, 1, 0, 0, false, true, 0, CS_OPINION_GOOD},
    {"failed just now", false, 0, 0, 0, CS_OCSP_FAILURE_UNREACHABLE, -1, false, false, 0,
     CS_OPINION_UNREACHABLE},
    {"failed a while ago", false, 0, 0, 0, CS_OCSP_FAILURE_UNREACHABLE, -3, false, false, 0,
     CS_OPINION_ASK},
    {"stale", false, 0, 0, 0, CS_OCSP_FAILURE_STALE, -1, false, false, 0, CS_OPINION_STALE},
    {"forged", false, 0, 0, 0, CS_OCSP_FAILURE_UNAUTHORIZED, -1, true, false, 0,
     CS_OPINION_UNAUTHORIZED},
};

static void test_judging(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_standing s = {.answered = cases[i].answered,
                                .said = cases[i].said,
                                .next_update = NOW + cases[i].until,
                                .received_sec = NOW + cases[i].came,
                                .answered_ms = (NOW + cases[i].came) * INT64_C(1000),
                                .failure = cases[i].failure,
                                .failed_ms = (NOW + cases[i].failed) * INT64_C(1000)};
        struct cs_patience p = {.now_sec = NOW,
                                .now_ms = NOW * INT64_C(1000),
                                .since_ms = cases[i].anew ? NOW * INT64_C(1000) : INT64_MIN,
                                .grace_sec = cases[i].grace,
                                .over = cases[i].over};
        tap_int(cs_standing_judge(&s, &p), cases[i].opinion, cases[i].what);
    }
}

static void test_nothing_known(void)
{
    struct cs_patience p = {.now_sec = NOW, .since_ms = INT64_MIN};

    tap_int(cs_standing_judge(NULL, &p), CS_OPINION_ASK, "nothing is known: ask");
    p.over = true;
    tap_int(cs_standing_judge(NULL, &p), CS_OPINION_UNREACHABLE, "nobody has answered in time");
}

static struct cs_standing news(uint8_t which, enum cs_ocsp_status said, int64_t of)
{
    struct cs_standing s = {.answered = true,
                            .said = said,
                            .this_update = of,
                            .next_update = of + 100,
                            .received_sec = of + 1};

    memset(s.key, which, sizeof(s.key));
    return s;
}

static void test_merging(void)
{
    struct cs_standings *all = cs_standings_new(10);
    struct cs_standing one = news(1, CS_OCSP_GOOD, NOW), failure = {0};
    const struct cs_standing *known = cs_standings_take(all, &one, 10);

    tap_int(known->answered_ms, 10, "when it came is noted");
    memcpy(failure.key, one.key, sizeof(one.key));
    cs_standing_fail(&failure, CS_OCSP_FAILURE_UNREACHABLE, CS_STR("nobody there"));
    known = cs_standings_take(all, &failure, 20);
    tap_ok(known->answered && known->said == CS_OCSP_GOOD && known->failure, "a failure is noted");
    tap_int(known->failed_ms, 20, "with its time");
    one = news(1, CS_OCSP_REVOKED, NOW + 5);
    known = cs_standings_take(all, &one, 30);
    tap_ok(known->said == CS_OCSP_REVOKED && !known->failure, "an answer ends it");
    one = news(1, CS_OCSP_GOOD, NOW + 4);
    known = cs_standings_take(all, &one, 40);
    tap_ok(known->said == CS_OCSP_REVOKED && known->failure == CS_OCSP_FAILURE_STALE,
           "an older answer does not take a revocation back");
    one = news(1, CS_OCSP_REVOKED, NOW + 3);
    one.next_update = NOW + 500;
    known = cs_standings_take(all, &one, 45);
    tap_ok(!known->failure && known->next_update == NOW + 500, "an older one that agrees does");
    one = news(1, CS_OCSP_GOOD, NOW + 6);
    known = cs_standings_take(all, &one, 50);
    tap_int(known->said, CS_OCSP_GOOD, "a newer one does");
    tap_int((int)cs_standings_count(all), 1, "all of one certificate");
    cs_standings_free(all);
}

static void count(void *ctx, const struct cs_standing *standing)
{
    uint8_t *first = ctx;

    if (!*first)
        *first = standing->key[0];
}

static void test_bound(void)
{
    struct cs_standings *all = cs_standings_new(3);
    struct cs_standing one;
    uint8_t key[CS_STANDING_KEY], first = 0;

    for (uint8_t i = 1; i <= 3; i++) {
        one = news(i, CS_OCSP_GOOD, NOW);
        cs_standings_take(all, &one, 1);
    }
    memset(key, 1, sizeof(key));
    cs_standings_touch(all, cs_standings_find(all, key));
    one = news(4, CS_OCSP_GOOD, NOW);
    cs_standings_take(all, &one, 1);
    tap_int((int)cs_standings_count(all), 3, "there are no more than may be");
    tap_ok(cs_standings_find(all, key) != NULL, "what is in use stays");
    memset(key, 2, sizeof(key));
    tap_ok(cs_standings_find(all, key) == NULL, "what was not used for longest goes");
    cs_standings_each(all, count, &first);
    tap_int(first, 3, "the next to go comes first");
    tap_ok(cs_standings_find(NULL, key) == NULL, "no table knows nothing");
    cs_standings_free(all);
}

static void test_due(void)
{
    struct cs_standing s = {.answered = true, .received_sec = NOW};
    static const struct {
        int life, due;
    } lives[] = {{10, 5}, {86400, 3600}, {0, 1}, {-7, 1}, {3, 1}};

    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        s.next_update = NOW + lives[i].life;
        tap_int(cs_standing_due_sec(&s), NOW + lives[i].due, "when to ask again");
    }
    s.answered = false;
    tap_ok(cs_standing_due_sec(&s) == INT64_MAX, "never, when there was no answer");
}

static void test_bytes(void)
{
    struct cs_standing_question q = {.anew = true,
                                     .url = CS_STR("http://o.test/"),
                                     .cert = CS_STR("leaf"),
                                     .issuer = CS_STR("CA")},
                                r;
    struct cs_standing s = news(9, CS_OCSP_REVOKED, NOW), back;
    struct cs_str bytes = cs_str_make(&s, sizeof(s));
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    tap_int(cs_standing_question_write(&q, &buf), 0, "a question as bytes");
    tap_int(cs_standing_question_read(cs_buf_str(&buf), &r), 0, "and back");
    tap_str(r.url, q.url, "its responder");
    tap_str(r.cert, q.cert, "its certificate");
    tap_str(r.issuer, q.issuer, "its issuer");
    for (size_t n = 0; n < buf.len; n++) {
        if (cs_standing_question_read(cs_str_sub(cs_buf_str(&buf), 0, n), &r) == 0)
            tap_ok(false, "a question that is cut");
    }
    tap_ok(cs_standing_from(bytes, &back) && back.said == CS_OCSP_REVOKED, "news as bytes");
    tap_ok(!cs_standing_from(cs_str_sub(bytes, 0, bytes.len - 1), &back), "cut");
    s.said = CS_OCSP_MALFORMED;
    tap_ok(!cs_standing_from(bytes, &back), "a status that nobody says");
    s.said = CS_OCSP_GOOD;
    s.failure = CS_OCSP_N_FAILURES;
    tap_ok(!cs_standing_from(bytes, &back), "a failure that there is not");
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_judging();
    test_nothing_known();
    test_merging();
    test_bound();
    test_due();
    test_bytes();
    return tap_done();
}
