/* Canonical text: words survive printing and reading; printing what was printed changes nothing;
 * the manual names every directive. */
#include "config/print.h"

#include "config/lex.h"
#include "config/test_support.h"

#include "tap.h"

static void test_words(void)
{
    static const struct {
        const char *text, *printed;
    } rows[] = {
        {"a", "a"},
        {"", "\"\""},
        {"a b", "\"a b\""},
        {"a\tb\r\nc", "\"a\\tb\\r\\nc\""},
        {"a;b", "\"a;b\""},
        {"{", "\"{\""},
        {"x{2}", "\"x{2}\""},
        {"${a}b", "${a}b"},
        {"a$$", "a$$"},
        {"$${a}", "$${a}"},
        {"\\${a}", "\"\\${a}\""},
        {"}", "\"}\""},
        {"a}", "a}"},
        {"#a", "\"#a\""},
        {"a#", "a#"},
        {"\"a\"", "\"\\\"a\\\"\""},
        {"'a'", "\"'a'\""},
        {"a\"b", "a\"b"},
        {"\\.php$", "\\.php$"},
        {"\\", "\\\\"},
        {"a\\", "a\\\\"},
        {"a\\\\b", "a\\\\\\b"},
        {"\\n", "\\\\n"},
        {"\\\"", "\\\\\""},
        {"a \\\n", "\"a \\\\\\n\""},
        {"a\\ b", "\"a\\ b\""},
        {"(^|,)CN=(?<CN>[^,]+)", "(^|,)CN=(?<CN>[^,]+)"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct cs_buf buf;
        struct cs_lex lex;
        struct cs_token token;
        cs_findings_init(&findings, &arena);
        cs_buf_init(&buf, 1000);
        cs_print_word(&buf, cs_str_from(rows[i].text));
        tap_str(cs_buf_str(&buf), cs_str_from(rows[i].printed), "a word printed");
        cs_buf_add_str(&buf, CS_STR(" ;"));
        cs_lex_init(&lex, CS_STR(""), cs_buf_str(&buf), &arena, &findings);
        cs_lex_next(&lex, &token);
        tap_str(token.text, cs_str_from(rows[i].text), "and read again");
        cs_lex_next(&lex, &token);
        tap_ok(token.kind == CS_TOKEN_SEMICOLON && findings.n == 0, "and nothing else");
        cs_buf_deinit(&buf);
        cs_arena_deinit(&arena);
    }
}

static struct cs_str print(const char *text, struct cs_arena *arena)
{
    const struct test_file files[] = {{"/etc/main", text}, {0}};
    struct cs_findings findings;
    struct cs_config *config = test_load(files, NULL, arena, &findings);
    struct cs_buf buf;
    struct cs_str printed;

    cs_buf_init(&buf, 1 << 20);
    cs_print_block(&buf, config->main);
    printed = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return printed;
}

static void test_round_trip(void)
{
    struct cs_arena arena = {0};
    struct cs_str once = print("user a; # b\nmap $ssl_client_s_dn $cn { default ''; "
                               "'~(^|,)CN=(?<CN>[^,]{1,9})' $CN; }\nserver { server_name a \"b c\" "
                               "~^\\d+\\.x$; if ($a = \"b c\") { return 301 https://${host}/; }}",
                               &arena);

    tap_str(once,
            CS_STR("user a;\n"
                   "http {\n"
                   "    map $ssl_client_s_dn $cn {\n"
                   "        default \"\";\n"
                   "        \"~(^|,)CN=(?<CN>[^,]{1,9})\" $CN;\n"
                   "    }\n"
                   "    server {\n"
                   "        server_name a \"b c\" ~^\\d+\\.x$;\n"
                   "        if ($a = \"b c\" ) {\n"
                   "            return 301 https://${host}/;\n"
                   "        }\n"
                   "    }\n"
                   "}\n"),
            "canonical text");
    tap_str(print(once.ptr, &arena), once, "is its own canonical text");
    cs_arena_deinit(&arena);
}

static void test_manual(void)
{
    struct cs_buf buf;

    cs_buf_init(&buf, 1 << 20);
    tap_int(cs_print_manual(&buf, &test_schema), 0, "the manual is printed");
    for (size_t t = 0; t < test_schema.n_tables; t++) {
        for (size_t i = 0; i < test_schema.tables[t]->n; i++) {
            struct cs_str name = cs_str_from(test_schema.tables[t]->rows[i].name);
            tap_ok(cs_str_search(cs_buf_str(&buf), name) >= 0, "with %.*s", CS_FMT(name));
        }
    }
    tap_ok(cs_str_search(cs_buf_str(&buf),
                         CS_STR("### ssl_verify_client\n\n"
                                "- Syntax: `ssl_verify_client off | on | optional;`\n"
                                "- Default: `ssl_verify_client off;`\n"
                                "- Context: http, server\n\nWho must show papers.\n")) >= 0,
           "an entry in full");
    cs_buf_deinit(&buf);
    cs_buf_init(&buf, 100);
    tap_int(cs_print_manual(&buf, &test_schema), -ENOBUFS, "a full buffer is told");
    cs_buf_deinit(&buf);
}

int main(void)
{
    test_words();
    test_round_trip();
    test_manual();
    return tap_done();
}
