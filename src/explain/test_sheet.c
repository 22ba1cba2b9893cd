/* One set of facts, written both ways. */
#include "explain/sheet.h"

#include "tap.h"

static void write_facts(struct cs_sheet *sheet)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    static const struct cs_finding_kind kind = {.code = "odd",
                                                .severity = CS_SEVERITY_WARNING,
                                                .primary = "\"{0}\" is odd",
                                                .hint = "even it out"};

    cs_findings_init(&findings, &arena);
    CS_FIND(&findings, &kind, NULL, CS_STR("a\nb"));
    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, "both", "both", CS_STR("x\"\033y"));
    cs_sheet_text(sheet, "people", NULL, CS_STR("p"));
    cs_sheet_text(sheet, NULL, "programs", CS_STR("q"));
    cs_sheet_text(sheet, "empty", "empty", CS_STR(""));
    cs_sheet_number(sheet, "number", "number", -3);
    cs_sheet_flag(sheet, "flag", "flag", true);
    cs_sheet_open_list(sheet, "list");
    cs_sheet_item(sheet, "several", CS_STR("one"));
    cs_sheet_item(sheet, NULL, CS_STR("two"));
    cs_sheet_close_list(sheet);
    cs_sheet_open_list(sheet, "none");
    cs_sheet_close_list(sheet);
    cs_sheet_open(sheet, "inner");
    cs_sheet_close(sheet);
    sheet->indent = 2;
    cs_sheet_line(sheet, CS_STR("a line"), true);
    cs_sheet_findings(sheet, &findings);
    cs_sheet_close(sheet);
    cs_arena_deinit(&arena);
}

static void check(bool json, bool colour, struct cs_str want, const char *what)
{
    struct cs_sheet sheet;
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    cs_sheet_begin(&sheet, &buf, json, colour);
    write_facts(&sheet);
    tap_int(cs_sheet_done(&sheet), 0, "it fits");
    tap_str(cs_buf_str(&buf), want, what);
    cs_buf_deinit(&buf);
    cs_buf_init(&buf, 50);
    cs_sheet_begin(&sheet, &buf, json, colour);
    write_facts(&sheet);
    tap_ok(cs_sheet_done(&sheet) < 0, "50 bytes are too few");
    cs_buf_deinit(&buf);
}

int main(void)
{
    check(false, false,
          CS_STR("both          x\"\\x1by\n"
                 "people        p\n"
                 "number        -3\n"
                 "flag          yes\n"
                 "several       one\n"
                 "              two\n"
                 "  a line\n"
                 "  warning: \"a\\x0ab\" is odd\n"
                 "    hint: even it out\n"),
          "for people");
    check(
        true, true,
        CS_STR("{\"both\":\"x\\\"\\u001by\",\"programs\":\"q\",\"number\":-3,\"flag\":true,"
               "\"list\":[\"one\",\"two\"],\"none\":[],\"inner\":{},\"findings\":[{"
               "\"code\":\"odd\",\"severity\":\"warning\",\"primary\":\"\\\"a\\\\x0ab\\\" is odd\","
               "\"hint\":\"even it out\",\"operands\":[\"a\\nb\"]}]}\n"),
        "for programs");
    return tap_done();
}
