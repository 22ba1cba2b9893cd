/* News of errands there and back, and what is none. */
#include "snapshot/errand.h"

#include <errno.h>

#include "tap.h"

static struct cs_str first_names[] = {CS_STR_INIT("dns:a.test"), CS_STR_INIT("dns:b.test")};
static struct cs_str second_names[] = {CS_STR_INIT("spiffe://a.test/web")};
static struct cs_errand_news first_news, second_news;
static struct cs_errand second = {
    .folder = CS_STR_INIT("/s/web"), .names = second_names, .n_names = 1, .news = &second_news};
static struct cs_errand first = {.folder = CS_STR_INIT("/s/a.test"),
                                 .names = first_names,
                                 .n_names = 2,
                                 .news = &first_news,
                                 .next = &second};

static int tell(const struct cs_errand *errand, int64_t since_sec, struct cs_str why)
{
    struct cs_buf text;
    int r;

    cs_buf_init(&text, 65536);
    cs_errand_report(errand, since_sec, why, &text);
    r = cs_errand_hear(&first, cs_buf_str(&text));
    cs_buf_deinit(&text);
    return r;
}

static void test_there_and_back(void)
{
    char long_words[4096];

    tap_int(tell(&second, 1800000000, CS_STR("nobody is there\nat all")), 0, "told");
    tap_int(second_news.failing_since_sec, 1800000000, "since when");
    tap_str(cs_str_from(second_news.why), CS_STR("nobody is there\nat all"), "why");
    tap_int(first_news.failing_since_sec, 0, "of the other nothing");
    memset(long_words, 'x', sizeof(long_words));
    tap_int(tell(&first, 1, cs_str_make(long_words, sizeof(long_words))), 0, "many words");
    tap_int(strlen(first_news.why), sizeof(first_news.why) - 1, "are cut");
    tap_int(tell(&second, 0, (struct cs_str){0}), 0, "all is well");
    tap_ok(second_news.failing_since_sec == 0 && !*second_news.why, "and nothing is left of it");
}

static void test_no_news(void)
{
    static const struct {
        const char *text;
        int result;
    } rows[] = {{"", -EBADMSG},
                {"1", -EBADMSG},
                {"1\n/s/web", -EBADMSG},
                {"x\n/s/web\nwhy", -EBADMSG},
                {"-1\n/s/web\nwhy", -EBADMSG},
                {"9223372036854775808\n/s/web\nwhy", -EBADMSG},
                {"1\n/s/other\nwhy", -ENOENT}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_int(cs_errand_hear(&first, cs_str_from(rows[i].text)), rows[i].result, "no news");
    tap_int(cs_errand_hear(NULL, CS_STR("1\n/s/web\nwhy")), -ENOENT, "no errands");
}

static void test_names(void)
{
    tap_ok(cs_errand_has_name(&first, CS_STR("b.test")), "a host");
    tap_ok(cs_errand_has_name(&first, CS_STR("dns:A.test")), "as it is asked for");
    tap_ok(cs_errand_has_name(&second, CS_STR("spiffe://a.test/web")), "an identity");
    tap_ok(!cs_errand_has_name(&first, CS_STR("test")), "not a part");
    tap_ok(!cs_errand_has_name(&first, CS_STR("")), "not nothing");
}

int main(void)
{
    test_there_and_back();
    test_no_news();
    test_names();
    return tap_done();
}
