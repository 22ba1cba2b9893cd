/* The same findings in every style, byte for byte. */
#include "explain/finding.h"

#include "tap.h"

#include <errno.h>

static const struct cs_finding_kind unknown = {"unknown-directive", CS_SEVERITY_ERROR,
                                               "unknown directive \"{0}\"", NULL,
                                               "did you mean \"{1}\"?"};
static const struct cs_finding_kind expires = {"certificate-expires-soon", CS_SEVERITY_WARNING,
                                               "certificate \"{0}\" expires soon",
                                               "it is valid until {1}", "renew it"};
static const struct cs_finding_kind no_effect = {"no-effect", CS_SEVERITY_NOTICE,
                                                 "\"{0}\" has no effect here", NULL, NULL};

static const struct cs_finding_kind misplaced = {"misplaced", CS_SEVERITY_ERROR,
                                                 "\"{0}\" is not allowed here", "{2}", "{1}"};

static const struct {
    const char *what;
    struct cs_finding finding;
    const char *text, *colour, *nginx, *json, *line;
} cases[] = {
    {
        "an unknown directive in a line",
        {&unknown,
         {CS_STR_INIT("/etc/n.conf"), 3, 5, CS_STR_INIT("    lisen 443 ssl;")},
         {CS_STR_INIT("lisen"), CS_STR_INIT("listen")}},
        "/etc/n.conf:3:5: error: unknown directive \"lisen\"\n"
        "     3 |     lisen 443 ssl;\n"
        "       |     ^~~~~\n"
        "  hint: did you mean \"listen\"?\n",
        "\033[1m/etc/n.conf:3:5: \033[0m\033[1;31merror:\033[0m \033[1munknown directive "
        "\"lisen\"\033[0m\n"
        "     3 |     lisen 443 ssl;\n"
        "       | \033[1;32m    ^~~~~\033[0m\n"
        "  \033[1mhint:\033[0m did you mean \"listen\"?\n",
        "nginx: [emerg] unknown directive \"lisen\" in /etc/n.conf:3\n",
        "{\"code\":\"unknown-directive\",\"severity\":\"error\",\"primary\":\"unknown directive "
        "\\\"lisen\\\"\",\"hint\":\"did you mean \\\"listen\\\"?\",\"file\":\"/etc/n.conf\","
        "\"line\":3,\"column\":5,\"operands\":[\"lisen\",\"listen\"]}",
        "unknown directive \"lisen\" (hint: did you mean \"listen\"?) [unknown-directive] in "
        "/etc/n.conf:3",
    },
    {
        "without a place",
        {&expires, {{0}}, {CS_STR_INIT("a.crt"), CS_STR_INIT("tomorrow")}},
        "warning: certificate \"a.crt\" expires soon\n"
        "  detail: it is valid until tomorrow\n"
        "  hint: renew it\n",
        "\033[1;35mwarning:\033[0m \033[1mcertificate \"a.crt\" expires soon\033[0m\n"
        "  \033[1mdetail:\033[0m it is valid until tomorrow\n"
        "  \033[1mhint:\033[0m renew it\n",
        "nginx: [warn] certificate \"a.crt\" expires soon\n",
        "{\"code\":\"certificate-expires-soon\",\"severity\":\"warning\",\"primary\":"
        "\"certificate \\\"a.crt\\\" expires soon\",\"detail\":\"it is valid until tomorrow\","
        "\"hint\":\"renew it\",\"operands\":[\"a.crt\",\"tomorrow\"]}",
        "certificate \"a.crt\" expires soon (it is valid until tomorrow; hint: renew it) "
        "[certificate-expires-soon]",
    },
    {
        "on the command line, no words but the first",
        {&no_effect,
         {CS_STR_INIT("command line"), 1, 1, CS_STR_INIT("sendfile on;")},
         {CS_STR_INIT("sendfile")}},
        "command line:1:1: notice: \"sendfile\" has no effect here\n"
        "     1 | sendfile on;\n"
        "       | ^~~~~~~~\n",
        "\033[1mcommand line:1:1: \033[0m\033[1;36mnotice:\033[0m \033[1m\"sendfile\" has no "
        "effect here\033[0m\n"
        "     1 | sendfile on;\n"
        "       | \033[1;32m^~~~~~~~\033[0m\n",
        "nginx: [notice] \"sendfile\" has no effect here in command line\n",
        "{\"code\":\"no-effect\",\"severity\":\"notice\",\"primary\":\"\\\"sendfile\\\" has no "
        "effect here\",\"file\":\"command line\",\"line\":1,\"column\":1,\"operands\":"
        "[\"sendfile\"]}",
        "\"sendfile\" has no effect here [no-effect] in command line",
    },
    {
        "tabs, a word in UTF-8 and bytes that want to be a new line",
        {&unknown,
         {CS_STR_INIT("n\n.conf"), 12, 5, CS_STR_INIT("\t\xc3\xa9 li\xc3\xa9\033n;")},
         {CS_STR_INIT("li\xc3\xa9\033n"), CS_STR_INIT("listen")}},
        "n\\x0a.conf:12:5: error: unknown directive \"li\xc3\xa9\\x1bn\"\n"
        "    12 | \t\xc3\xa9 li\xc3\xa9\\x1bn;\n"
        "       | \t  ^~~~~~~~\n"
        "  hint: did you mean \"listen\"?\n",
        NULL,
        "nginx: [emerg] unknown directive \"li\xc3\xa9\\x1bn\" in n\\x0a.conf:12\n",
        "{\"code\":\"unknown-directive\",\"severity\":\"error\",\"primary\":\"unknown directive "
        "\\\"li\xc3\xa9\\\\x1bn\\\"\",\"hint\":\"did you mean "
        "\\\"listen\\\"?\",\"file\":\"n\\n.conf\","
        "\"line\":12,\"column\":5,\"operands\":[\"li\xc3\xa9\\u001bn\",\"listen\"]}",
        "unknown directive \"li\xc3\xa9\\x1bn\" (hint: did you mean \"listen\"?) "
        "[unknown-directive] in n\\x0a.conf:12",
    },
    {
        "a hint without words is left out",
        {&misplaced, {{0}}, {CS_STR_INIT("root")}},
        "error: \"root\" is not allowed here\n",
        NULL,
        "nginx: [emerg] \"root\" is not allowed here\n",
        "{\"code\":\"misplaced\",\"severity\":\"error\",\"primary\":\"\\\"root\\\" is not "
        "allowed here\",\"operands\":[\"root\"]}",
        "\"root\" is not allowed here [misplaced]",
    },
    {
        "behind the end of the line",
        {&no_effect, {CS_STR_INIT("f"), 2, 9, CS_STR_INIT("root /a")}, {CS_STR_INIT("x")}},
        "f:2:9: notice: \"x\" has no effect here\n"
        "     2 | root /a\n"
        "       |        ^\n",
        NULL,
        "nginx: [notice] \"x\" has no effect here in f:2\n",
        NULL,
        "\"x\" has no effect here [no-effect] in f:2",
    },
};

static void check(const struct cs_finding *f, enum cs_explain_style style, bool colour,
                  const char *want, const char *what, const char *which)
{
    struct cs_buf buf;
    char name[128];

    if (!want)
        return;
    cs_buf_init(&buf, 8192);
    snprintf(name, sizeof(name), "%s: %s", what, which);
    tap_int(cs_explain_finding(f, style, colour, &buf), 0, "fits");
    tap_str(cs_buf_str(&buf), cs_str_from(want), name);
    cs_buf_deinit(&buf);
}

static void test_styles(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cs_finding *f = &cases[i].finding;
        struct cs_buf buf;

        check(f, CS_EXPLAIN_TEXT, false, cases[i].text, cases[i].what, "text");
        check(f, CS_EXPLAIN_TEXT, true, cases[i].colour, cases[i].what, "colour");
        check(f, CS_EXPLAIN_NGINX, false, cases[i].nginx, cases[i].what, "nginx");
        check(f, CS_EXPLAIN_JSON, false, cases[i].json, cases[i].what, "json");
        cs_buf_init(&buf, 4096);
        tap_int(cs_explain_line(f, &buf), 0, "fits");
        tap_str(cs_buf_str(&buf), cs_str_from(cases[i].line), "the same as one line");
        cs_buf_deinit(&buf);
    }
}

/* A line of any length shows a part with its caret inside, and never too much. */
static void test_long_lines(void)
{
    char line[5000];
    struct cs_finding f = {&no_effect, {CS_STR_INIT("f"), 1, 1, {line, sizeof(line)}}, {{0}}};
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    for (unsigned column = 1; column <= sizeof(line) + 2; column += 7) {
        unsigned at = column - 1 < sizeof(line) - 1 ? column - 1 : sizeof(line) - 1;
        struct cs_str text;

        memset(line, column % 2 ? '\xe9' : ' ', sizeof(line));
        line[at] = '!';
        f.place.column = column;
        cs_buf_reset(&buf);
        if (cs_explain_finding(&f, CS_EXPLAIN_TEXT, false, &buf) < 0)
            tap_ok(false, "column %u fits", column);
        text = cs_buf_str(&buf);
        if (cs_str_find(text, '^') < 0 || cs_str_find(text, '!') < 0)
            tap_ok(false, "column %u is shown", column);
    }
    tap_ok(buf.len > 0, "long lines are shown around their caret");
    cs_buf_deinit(&buf);
}

static void test_full(void)
{
    for (size_t max = 0; max < 90; max++) {
        struct cs_buf buf;
        cs_buf_init(&buf, max);
        if (cs_explain_finding(&cases[0].finding, CS_EXPLAIN_TEXT, false, &buf) != -ENOBUFS)
            tap_ok(false, "a buffer of %zu is too small", max);
        if (cs_explain_line(&cases[0].finding, &buf) != -ENOBUFS)
            tap_ok(false, "a buffer of %zu is too small for a line", max);
        cs_buf_deinit(&buf);
    }
    tap_ok(true, "a full buffer is said");
}

static void test_summary(void)
{
    static const struct {
        unsigned errors, warnings, notices;
        const char *want;
    } rows[] = {
        {0, 0, 0, "n.conf: ok"},
        {0, 1, 0, "n.conf: ok, 1 warning"},
        {2, 1, 0, "n.conf: 2 errors, 1 warning"},
        {1, 0, 2, "n.conf: 1 error, 2 notices"},
        {1200, 0, 0, "n.conf: 1200 errors, 200 more not shown"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct cs_buf buf;

        cs_findings_init(&findings, &arena);
        for (unsigned n = 0; n < rows[i].errors; n++)
            CS_FIND(&findings, &unknown, NULL, CS_STR("x"));
        for (unsigned n = 0; n < rows[i].warnings; n++)
            CS_FIND(&findings, &expires, NULL, CS_STR("x"));
        for (unsigned n = 0; n < rows[i].notices; n++)
            CS_FIND(&findings, &no_effect, NULL, CS_STR("x"));
        cs_buf_init(&buf, 256);
        tap_int(cs_explain_summary(&findings, CS_STR("n.conf"), &buf), 0, "fits");
        tap_str(cs_buf_str(&buf), cs_str_from(rows[i].want), "summary");
        cs_buf_deinit(&buf);
        cs_arena_deinit(&arena);
    }
}

int main(void)
{
    test_styles();
    test_long_lines();
    test_full();
    test_summary();
    return tap_done();
}
