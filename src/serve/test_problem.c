/* Findings as problem documents. */
#include "serve/problem.h"

#include <jansson.h>

#include "serve/findings.h"
#include "tap.h"

static const struct cs_finding_kind warning = {"a-warning", CS_SEVERITY_WARNING, "beware", NULL,
                                               NULL,        CS_BLAME_NONE,       0,        0};
static const struct cs_finding_kind no_status = {"no-status", CS_SEVERITY_ERROR, "no", NULL,
                                                 NULL,        CS_BLAME_NONE,     0,    0};

static struct cs_arena arena;
static struct cs_findings findings;

static void text(const char *want, const char *what)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    tap_int(cs_problem_write(&findings, cs_problem_status(&findings), &buf), 0, what);
    tap_str(cs_buf_str(&buf), cs_str_from(want), "  its text");
    cs_buf_deinit(&buf);
}

/* Whatever a peer writes into an operand, the document stays what it is. */
static void test_hostile(void)
{
    struct cs_buf buf;
    json_t *json;
    char bytes[256];

    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    cs_findings_init(&findings, &arena);
    CS_FIND(&findings, &cs_serve_found_field_unknown, NULL, cs_str_make(bytes, 256));
    CS_FIND(&findings, &cs_serve_found_field_unknown, NULL, CS_STR("\",\"code\":\"ok"));
    cs_buf_init(&buf, 65536);
    tap_int(cs_problem_write(&findings, 400, &buf), 0, "hostile operands");
    json = json_loadb(buf.ptr, buf.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    tap_ok(json != NULL, "  are JSON all the same");
    tap_str(cs_str_from(json_string_value(json_object_get(json, "code"))), CS_STR("field-unknown"),
            "  and the code is ours");
    json_decref(json);
    cs_buf_deinit(&buf);
}

int main(void)
{
    cs_findings_init(&findings, &arena);
    CS_FIND(&findings, &cs_serve_found_field_misspelt, NULL, CS_STR("tll"), CS_STR("ttl"));
    tap_int(cs_problem_status(&findings), 400, "the status of the kind");
    text(
        "{\"type\":\"tag:countersign,2026:field-misspelt\",\"title\":\"unknown field \\\"tll\\\"\","
        "\"status\":400,\"code\":\"field-misspelt\",\"hint\":\"did you mean \\\"ttl\\\"?\"}",
        "one error");

    cs_findings_init(&findings, &arena);
    CS_FIND0(&findings, &warning, NULL);
    CS_FIND(&findings, &no_status, NULL, CS_STR("x"));
    tap_int(cs_problem_status(&findings), 422, "a kind without a status");
    tap_str(cs_str_from(cs_problem_code(&findings)), CS_STR("no-status"), "the error counts");
    text("{\"type\":\"tag:countersign,2026:no-status\",\"title\":\"no\",\"status\":422,"
         "\"code\":\"no-status\",\"findings\":[{\"code\":\"a-warning\",\"severity\":\"warning\","
         "\"primary\":\"beware\"},{\"code\":\"no-status\",\"severity\":\"error\",\"primary\":"
         "\"no\",\"operands\":[\"x\"]}]}",
         "a warning and an error");
    test_hostile();
    cs_arena_deinit(&arena);
    return tap_done();
}
