/* Templates: parts, refusals, and what evaluating copies. */
#include "config/template.h"

#include "config/test_support.h"

#include "tap.h"

static const char *const names[] = {"1", "2", "host", "uri", "empty"};
static const char *const values[] = {"one", "two", "example.com", "/a?b", ""};

static int lookup(void *ctx, struct cs_str name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cs_str_eq(name, cs_str_from(names[i])))
            return (int)i;
    }
    return -1;
}

static struct cs_str value(void *ctx, int variable)
{
    return cs_str_from(values[variable]);
}

static struct cs_str suggest(void *ctx, struct cs_str name)
{
    return cs_str_starts(name, CS_STR("hos")) ? CS_STR("host") : CS_STR("");
}

static void test_eval(void)
{
    static const struct {
        const char *text, *want, *findings;
    } rows[] = {
        {"", "", ""},
        {"plain text", "plain text", ""},
        {"$host", "example.com", ""},
        {"${host}", "example.com", ""},
        {"https://$host$uri", "https://example.com/a?b", ""},
        {"https://${host}s/", "https://example.coms/", ""},
        {"$host-x", "example.com-x", ""},
        {"$1$2$1", "onetwoone", ""},
        {"$10", "one0", ""},
        {"$empty$empty", "", ""},
        {"a$empty", "a", ""},
        {"{$host}", "{example.com}", ""},
        {"$1$2$1$2$1$2$1$2$1-", "onetwoonetwoonetwoonetwoone-", ""},
        {"$", "", "invalid variable name"},
        {"a$ b", "a b", "invalid variable name"},
        {"$$host", "example.com", "invalid variable name"},
        {"${}", "}", "invalid variable name"},
        {"${host", "", "the closing bracket in \"host\" variable is missing"},
        {"${host-x}", "-x}", "the closing bracket in \"host\" variable is missing"},
        {"a$nope.b", "a.b", "unknown \"nope\" variable"},
        {"$Host", "", "unknown \"Host\" variable"},
        {"$3", "", "unknown \"3\" variable"},
        {"$hosst$0", "", "unknown \"hosst\" variable; unknown \"0\" variable"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct cs_template template = {0};
        int r;
        cs_findings_init(&findings, &arena);
        r = cs_template_compile(cs_str_from(rows[i].text), NULL, lookup, NULL, &arena, &findings,
                                &template);
        tap_ok((r < 0) == (rows[i].findings[0] != '\0'), "\"%s\" compiles or not", rows[i].text);
        tap_str(cs_template_eval(&template, &arena, value, NULL), cs_str_from(rows[i].want),
                rows[i].want);
        tap_str(test_primaries(&findings, &arena), cs_str_from(rows[i].findings), "its findings");
        cs_arena_deinit(&arena);
    }
}

static void test_no_copies(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_template literal, single, none = {0};
    const char *text = "plain";
    size_t before;

    cs_findings_init(&findings, &arena);
    cs_template_compile(cs_str_from(text), NULL, lookup, NULL, &arena, &findings, &literal);
    cs_template_compile(CS_STR("$host"), NULL, lookup, NULL, &arena, &findings, &single);
    before = arena.total;
    tap_ok(cs_template_eval(&literal, &arena, value, NULL).ptr == text, "a literal is borrowed");
    tap_ok(cs_template_eval(&single, &arena, value, NULL).ptr == values[2], "a value is borrowed");
    tap_int((int64_t)arena.total, (int64_t)before, "and nothing is allocated");
    tap_ok(cs_template_is_literal(&literal) && cs_template_is_literal(&none), "literal or empty");
    tap_ok(!cs_template_is_literal(&single), "a variable is not literal");
    tap_str(cs_template_literal(&literal), CS_STR("plain"), "the text of a literal");
    tap_str(cs_template_literal(&none), CS_STR(""), "the text of nothing");
    cs_arena_deinit(&arena);
}

static void test_place(void)
{
    const struct cs_place place = {
        .file = CS_STR("f"), .line = 3, .column = 8, .text = CS_STR("return \"a\\tb $hoss\";")};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_template template;

    cs_findings_init(&findings, &arena);
    cs_template_compile_suggest(CS_STR("a\tb $hoss"), &place, lookup, suggest, NULL, &arena,
                                &findings, &template);
    tap_int(findings.first->place.column, 14, "the finding points at the variable");
    tap_int(findings.first->place.line, 3, "in its line");
    tap_str(cs_str_from(findings.first->kind->code), CS_STR("unknown-variable-near"), "its kind");
    tap_str(findings.first->operands[1], CS_STR("host"), "and suggests");
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_eval();
    test_no_copies();
    test_place();
    return tap_done();
}
