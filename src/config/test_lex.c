/* Tokens, written as: words in [ ] (quoted ones in < >), then ; { } as they are. */
#include "config/lex.h"

#include "base/buf.h"
#include "config/test_support.h"

#include "tap.h"

static struct cs_str lex_all(struct cs_str text, struct cs_arena *arena,
                             struct cs_findings *findings)
{
    struct cs_lex lex;
    struct cs_token token;
    struct cs_str out = CS_STR("");

    cs_lex_init(&lex, CS_STR("t"), text, arena, findings);
    for (;;) {
        cs_lex_next(&lex, &token);
        if (token.kind == CS_TOKEN_END)
            return out;
        if (token.kind == CS_TOKEN_WORD)
            out = cs_arena_printf(arena, token.quoted ? "%.*s<%.*s>" : "%.*s[%.*s]", CS_FMT(out),
                                  CS_FMT(token.text));
        else
            out = cs_arena_cat(arena, out, token.text);
    }
}

static void test_tokens(void)
{
    static const struct {
        const char *text;
        const char *tokens;
        const char *findings;
    } rows[] = {
        {"", "", ""},
        {"  \t\r\n ", "", ""},
        {"a b;", "[a][b];", ""},
        {"a b ;c{d;}", "[a][b];[c]{[d];}", ""},
        {"a;# comment ; {\nb;", "[a];[b];", ""},
        {"a#b c;", "[a#b][c];", ""},
        {"a #b\n c;", "[a][c];", ""},
        {"a}b;", "[a}b];", ""},
        {"a } b", "[a]}[b]", ""},
        {"\xEF\xBB\xBFuser a;", "[user][a];", ""},
        /* quotes */
        {"a \"b c;{}#\";", "[a]<b c;{}#>;", ""},
        {"a 'b \"c\"';", "[a]<b \"c\">;", ""},
        {"a \"\" '';", "[a]<><>;", ""},
        {"a b\"c\"d;", "[a][b\"c\"d];", ""},
        {"if ($a = \"b\") {", "[if][($a][=]<b>[)]{", ""},
        {"a \"b\nc\" d;", "[a]<b\nc>[d];", ""},
        /* escapes */
        {"a \"b\\\"c\" 'd\\'e' \"f\\\\\";", "[a]<b\"c><d'e><f\\>;", ""},
        {"a \\t\\r\\n\\x;", "[a][\t\r\n\\x];", ""},
        {"a b\\ c;", "[a][b\\ c];", ""},
        {"a b\\;c d\\{2\\};", "[a][b\\;c][d\\{2\\}];", ""},
        {"location ~ \\.php$ {", "[location][~][\\.php$]{", ""},
        {"a \\\"b;", "[a][\"b];", ""},
        {"a ~*\\\\$;", "[a][~*\\$];", ""},
        {"a b\\", "[a][b\\]", ""},
        /* variables */
        {"a $b ${c}d e${f};", "[a][$b][${c}d][e${f}];", ""},
        {"a $b{c;}", "[a][$b]{[c];}", ""},
        {"a \\${b;}", "[a][\\$]{[b];}", ""},
        {"a ~^/x{2}$;", "[a][~^/x]{[2}$];", ""},
        {"a \"~^/x{2}$\";", "[a]<~^/x{2}$>;", ""},
        /* mistakes */
        {"a \"b\"c;", "[a]<b>[c];", "unexpected \"c\""},
        {"a \"b\"'c';", "[a]<b><c>;", "unexpected \"'\""},
        {"a \"b\"}", "[a]<b>}", ""},
        {"a \"b;\nc d;", "[a]<b>;[c][d];", "unexpected end of file, expecting a closing \""},
        {"a 'b {\nc;}", "[a]<b >{[c];}", "unexpected end of file, expecting a closing '"},
        {"a '", "[a]<>", "unexpected end of file, expecting a closing '"},
        {"a 'b\\", "[a]<b\\>", "unexpected end of file, expecting a closing '"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        cs_findings_init(&findings, &arena);
        tap_str(lex_all(cs_str_from(rows[i].text), &arena, &findings), cs_str_from(rows[i].tokens),
                cs_arena_printf(&arena, "the tokens of row %zu", i).ptr);
        tap_str(test_primaries(&findings, &arena), cs_str_from(rows[i].findings), "its findings");
        cs_arena_deinit(&arena);
    }
}

static void test_places(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_lex lex;
    struct cs_token t;

    cs_findings_init(&findings, &arena);
    cs_lex_init(&lex, CS_STR("f"), CS_STR("a 'b\nc' d\r\n  \te;\n"), &arena, &findings);
    cs_lex_next(&lex, &t);
    tap_ok(t.place.line == 1 && t.place.column == 1, "first byte is 1:1");
    tap_str(t.place.file, CS_STR("f"), "the file's name");
    cs_lex_next(&lex, &t);
    tap_ok(t.place.line == 1 && t.place.column == 3, "a quoted word starts at its quote");
    cs_lex_next(&lex, &t);
    tap_ok(t.place.line == 2 && t.place.column == 4, "behind a word of two lines");
    tap_str(t.place.text, CS_STR("c' d"), "the line, without its end");
    cs_lex_next(&lex, &t);
    tap_ok(t.place.line == 3 && t.place.column == 4, "a tab is one column");
    cs_lex_next(&lex, &t);
    cs_lex_next(&lex, &t);
    tap_ok(t.kind == CS_TOKEN_END && t.place.line == 4, "the end is behind the last line");
    cs_lex_next(&lex, &t);
    tap_ok(t.kind == CS_TOKEN_END, "and stays there");
    cs_arena_deinit(&arena);
}

/* A directive of @n times "x", bare or in quotes. */
static struct cs_str long_word(struct cs_arena *arena, size_t n, const char *quote)
{
    char *text = cs_arena_raw(arena, n);

    memset(text, 'x', n);
    return cs_arena_printf(arena, "a %s%.*s%s;\nb;", quote, (int)n, text, quote);
}

static void test_long_words(void)
{
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_str text;

    cs_findings_init(&findings, &arena);
    lex_all(long_word(&arena, 4096, ""), &arena, &findings);
    lex_all(long_word(&arena, 4096, "'"), &arena, &findings);
    tap_int(findings.n, 0, "4096 bytes are accepted");
    text = lex_all(long_word(&arena, 4097, ""), &arena, &findings);
    tap_str(text, CS_STR("[a][xxxxxxxxxx];[b];"), "reading goes on behind a long word");
    tap_str(test_primaries(&findings, &arena),
            CS_STR("too long parameter \"xxxxxxxxxx...\" started"), "and it is refused");
    cs_findings_init(&findings, &arena);
    text = lex_all(long_word(&arena, 4097, "'"), &arena, &findings);
    tap_ok(cs_str_ends(text, CS_STR(";[b];")), "reading goes on behind a long quoted word");
    tap_ok(cs_str_starts(test_primaries(&findings, &arena),
                         CS_STR("too long parameter, probably missing terminating ' character")),
           "and it is refused");
    cs_findings_init(&findings, &arena);
    lex_all(cs_str_make("a b\0c;", 6), &arena, &findings);
    tap_str(test_primaries(&findings, &arena), CS_STR("unexpected zero byte in a parameter"),
            "a zero byte is refused");
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_tokens();
    test_places();
    test_long_words();
    return tap_done();
}
