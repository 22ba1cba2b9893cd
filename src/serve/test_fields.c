/* JSON bodies that are taken and those that are not, each with the first finding's code. */
#include "serve/fields.h"

#include "tap.h"

struct wish {
    struct cs_str name;
    int64_t ttl;
    struct cs_str note;
};

static const struct cs_field fields[] = {
    {"name", CS_FIELD_TEXT, true, offsetof(struct wish, name), 0, 8},
    {"ttl", CS_FIELD_NUMBER, false, offsetof(struct wish, ttl), 1, 100},
    {"note", CS_FIELD_TEXT, false, offsetof(struct wish, note), 0, 100},
};

static const struct {
    const char *json;
    const char *code; /* NULL: it is taken */
    unsigned n;       /* findings */
} cases[] = {
    {"{\"name\":\"a\"}", NULL, 0},
    {" {\"ttl\" : 7, \"name\":\"12345678\", \"note\":\"\\u00e9\"}\n", NULL, 0},
    {"{\"name\":\"\"}", NULL, 0},
    {"", "body-not-json", 1},
    {"{", "body-not-json", 1},
    {"[]", "body-not-json", 1},
    {"\"name\"", "body-not-json", 1},
    {"null", "body-not-json", 1},
    {"{\"name\":\"a\"} {}", "body-not-json", 1},
    {"{\"name\":\"a\"}x", "body-not-json", 1},
    {"{\"name\":\"a\",}", "body-not-json", 1},
    {"{'name':'a'}", "body-not-json", 1},
    {"{\"name\":\"a\",\"name\":\"b\"}", "body-not-json", 1},
    {"{\"name\":\"a\\u0000b\"}", "body-not-json", 1},
    {"{\"name\":\"\xff\"}", "body-not-json", 1},
    {"{\"name\":\"\\ud800\"}", "body-not-json", 1},
    {"{}", "field-missing", 1},
    {"{\"ttl\":7}", "field-missing", 1},
    {"{\"name\":null}", "field-type", 1},
    {"{\"name\":7}", "field-type", 1},
    {"{\"name\":{\"name\":\"a\"}}", "field-type", 1},
    {"{\"name\":\"123456789\"}", "field-too-long", 1},
    {"{\"name\":\"a\",\"ttl\":\"7\"}", "field-type", 1},
    {"{\"name\":\"a\",\"ttl\":7.0}", "field-type", 1},
    {"{\"name\":\"a\",\"ttl\":0}", "field-range", 1},
    {"{\"name\":\"a\",\"ttl\":101}", "field-range", 1},
    {"{\"name\":\"a\",\"ttl\":99999999999999999999}", "body-not-json", 1},
    {"{\"name\":\"a\",\"Name\":\"b\"}", "field-misspelt", 1},
    {"{\"name\":\"a\",\"tll\":7}", "field-misspelt", 1},
    {"{\"name\":\"a\",\"administrator\":true}", "field-unknown", 1},
    {"{\"extra\":1,\"other\":2,\"ttl\":true}", "field-unknown", 4},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct wish wish = {.ttl = -1};
        int r;
        cs_findings_init(&findings, &arena);
        r = cs_fields_read(cs_str_from(cases[i].json), fields, 3, &arena, &findings, &wish);
        tap_int(r, cases[i].code ? CS_FIELDS_REFUSED : 0, cases[i].json);
        tap_int(findings.n, cases[i].n, "  so many findings");
        if (cases[i].code && findings.first)
            tap_str(cs_str_from(findings.first->kind->code), cs_str_from(cases[i].code), "  why");
        if (cases[i].code)
            tap_ok(wish.ttl == -1 && !wish.name.ptr, "  nothing is written");
        cs_arena_deinit(&arena);
    }
}

static void test_values(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct wish wish = {.ttl = -1};

    cs_findings_init(&findings, &arena);
    tap_int(cs_fields_read(CS_STR("{\"name\":\"x\\ny\"}"), fields, 3, &arena, &findings, &wish), 0,
            "an object");
    tap_str(wish.name, CS_STR("x\ny"), "its text");
    tap_ok(wish.ttl == -1 && !wish.note.ptr, "what is absent is left alone");
    tap_int(
        cs_fields_read(CS_STR("{\"name\":\"\",\"ttl\":100}"), fields, 3, &arena, &findings, &wish),
        0, "another");
    tap_ok(wish.name.ptr && !wish.name.len, "an empty text is not an absent one");
    tap_int(wish.ttl, 100, "its number");
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_cases();
    test_values();
    return tap_done();
}
