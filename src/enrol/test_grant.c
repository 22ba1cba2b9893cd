/* Answers of an authority, and of others. */
#include "enrol/grant.h"

#include "explain/finding.h"
#include "tap.h"

static struct cs_arena arena;

static const struct {
    const char *body;
    const char *why; /* NULL: accepted */
} answers[] = {
    {"{\"certificate\":\"a\",\"chain\":\"\",\"ca\":\"c\",\"renew_at\":\"2027-01-31T12:00:00Z\"}",
     NULL},
    {"{\"certificate\":\"a\",\"chain\":\"\",\"ca\":\"c\",\"renew_at\":\"2027-01-31T12:00:00Z\","
     "\"more\":[{}]}",
     NULL},
    {"", "it is not JSON: "},
    {"{", "it is not JSON: "},
    {"{}x", "it is not JSON: "},
    {"{\"a\":\"\\u0000\"}", "it is not JSON: "},
    {"{\"ca\":\"\",\"ca\":\"\"}", "it is not JSON: "},
    {"\"certificate\"", "it is not JSON: "},
    {"[]", "it is JSON, but no object"},
    {"{}", "it has no text \"certificate\""},
    {"{\"certificate\":7}", "it has no text \"certificate\""},
    {"{\"certificate\":\"\"}", "it has no text \"chain\""},
    {"{\"certificate\":\"\",\"chain\":\"\"}", "it has no text \"ca\""},
    {"{\"certificate\":\"\",\"chain\":\"\",\"ca\":\"\"}", "it has no time \"renew_at\""},
    {"{\"certificate\":\"\",\"chain\":\"\",\"ca\":\"\",\"renew_at\":1}",
     "it has no time \"renew_at\""},
    {"{\"certificate\":\"\",\"chain\":\"\",\"ca\":\"\",\"renew_at\":\"2027-02-31T12:00:00Z\"}",
     "it has no time \"renew_at\""},
};

static void test_answers(void)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct cs_grant grant;
        const char *why = cs_grant_read(cs_str_from(answers[i].body), &arena, &grant);
        if (answers[i].why)
            tap_ok(why && cs_str_starts(cs_str_from(why), cs_str_from(answers[i].why)), "%s: %s",
                   answers[i].body, why ? why : "accepted");
        else
            tap_ok(!why && grant.renew_at == 1801396800 && cs_str_eq(grant.ca, CS_STR("c")),
                   "accepted: %s", answers[i].body);
    }
}

static const struct {
    const char *body;
    const char *text; /* NULL: no problem document */
} problems[] = {
    {"{\"code\":\"token-used\",\"title\":\"the token has been used\",\"status\":401}",
     "the token has been used [token-used]"},
    {"{\"code\":\"a\",\"title\":\"b\",\"detail\":\"c {0} {1}\",\"hint\":\"d\"}",
     "b (c {0} {1}; hint: d) [a]"},
    {"{\"code\":\"a\",\"title\":\"b\\u001b[2J\\u009b\\u202e\",\"detail\":\"\",\"hint\":1}",
     "b\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae [a]"},
    {"", NULL},
    {"{}", NULL},
    {"{\"code\":\"a\"}", NULL},
    {"{\"title\":\"a\"}", NULL},
    {"{\"code\":\"a b\",\"title\":\"a\"}", NULL},
    {"{\"code\":\"A\",\"title\":\"a\"}", NULL},
    {"{\"code\":\"\",\"title\":\"a\"}", NULL},
    {"{\"code\":1,\"title\":\"a\"}", NULL},
};

static void test_problems(void)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
        const struct cs_finding *finding = cs_grant_problem(cs_str_from(problems[i].body), &arena);
        cs_buf_reset(&buf);
        if (finding)
            cs_explain_line(finding, &buf);
        tap_str(cs_buf_str(&buf), cs_str_from(problems[i].text), problems[i].body);
    }
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_answers();
    test_problems();
    cs_arena_deinit(&arena);
    return tap_done();
}
