/* Rows: values, settings through the blocks, and tables that are not in order. */
#include "config/schema.h"

#include "config/test_support.h"

#include "tap.h"

static struct cs_config *load(const char *text, struct cs_arena *arena,
                              struct cs_findings *findings)
{
    const struct test_file files[] = {{"/etc/main", text}, {0}};

    return test_load(files, NULL, arena, findings);
}

/* The settings of the innermost first block. */
static struct test_settings resolve(const char *text, struct cs_arena *arena)
{
    struct cs_findings findings;
    const struct cs_block *block = load(text, arena, &findings)->main;
    struct test_settings settings;
    bool deeper = true;

    memset(&settings, 0xAA, sizeof(settings));
    while (deeper) {
        deeper = false;
        for (const struct cs_directive *d = block->first; d && !deeper; d = d->next) {
            deeper = d->block != NULL;
            if (deeper)
                block = d->block;
        }
    }
    cs_settings_resolve(&test_table, block, arena, &settings);
    return settings;
}

static void test_defaults(void)
{
    struct cs_arena arena = {0};
    struct test_settings s = resolve("server { location / { } }", &arena);

    tap_int(s.verify_client, TEST_VERIFY_OFF, "default of a choice");
    tap_int(s.verify_depth, 1, "of a number");
    tap_int(s.protocols, 6, "of bits");
    tap_int((int64_t)s.max_body_size, 1048576, "of a size");
    tap_int(s.keepalive_timeout_ms, 75000, "of a time");
    tap_int(s.session_timeout_sec, 300, "of seconds");
    tap_ok(s.proxy_buffering, "of a flag");
    tap_ok(!s.crl.ptr, "no default is no text");
    tap_str(s.default_type, CS_STR("text/plain"), "of a text");
    tap_ok(s.access.n == 0 && s.set_header.n == 0, "of lists");
    cs_arena_deinit(&arena);
}

static void test_inheritance(void)
{
    struct cs_arena arena = {0};
    struct test_settings s =
        resolve("http { ssl_verify_client on; ssl_verify_depth 2; client_max_body_size 0;"
                " keepalive_timeout off; server { ssl_verify_client optional;"
                " ssl_protocols TLSv1.3 TLSv1.1; ssl_crl 'a b'; keepalive_timeout '1m 5s';"
                " location / { proxy_buffering off; location /a { if ($x) { return 403; } } } } }",
                &arena);

    tap_int(s.verify_client, TEST_VERIFY_OPTIONAL, "the nearest counts");
    tap_int(s.verify_depth, 2, "from the outermost too");
    tap_int(s.protocols, 5, "bits are not added to the default");
    tap_int((int64_t)s.max_body_size, 0, "a size of 0");
    tap_int(s.keepalive_timeout_ms, 65000, "a time in quotes");
    tap_ok(!s.proxy_buffering, "through if and location");
    tap_str(s.crl, CS_STR("a b"), "a path");
    s = resolve("http { keepalive_timeout off; server { } }", &arena);
    tap_int(s.keepalive_timeout_ms, 0, "a special word");
    s = resolve("server { ssl_verify_depth many; ssl_protocols SSLv2; ssl_crl a; ssl_crl b; }",
                &arena);
    tap_int(s.verify_depth, 1, "what was refused leaves the default");
    tap_int(s.protocols, 6, "also of bits");
    cs_arena_deinit(&arena);
}

static void test_lists(void)
{
    struct cs_arena arena = {0};
    struct test_settings s =
        resolve("http { proxy_set_header A 1; proxy_set_header B 2; allow 1.1.1.1; deny all;"
                " server { deny 2.2.2.2; location / { return 200; } } }",
                &arena);

    tap_int(s.set_header.n, 2, "a list from above, whole");
    tap_str(cs_directive_arg(s.set_header.items[1], 0), CS_STR("B"), "in order");
    tap_int(s.access.n, 1, "the nearest level that has one of several names");
    tap_str(s.access.items[0]->name, CS_STR("deny"), "hides all from above");
    s = resolve("http { server { deny a; allow b; deny c; } }", &arena);
    tap_int(s.access.n, 3, "several names in one list");
    tap_ok(cs_directive_is(s.access.items[0], "deny") &&
               cs_directive_is(s.access.items[1], "allow"),
           "as they were written");
    cs_arena_deinit(&arena);
}

static void test_values(void)
{
    static const struct {
        const char *text, *findings;
    } rows[] = {
        {"ssl_verify_client on;", ""},
        {"ssl_verify_client ON;", ""},
        {"ssl_verify_client required;",
         "invalid value \"required\" in \"ssl_verify_client\" directive"},
        {"ssl_verify_client on off;",
         "invalid number of arguments in \"ssl_verify_client\" directive"},
        {"ssl_verify_client;", "invalid number of arguments in \"ssl_verify_client\" directive"},
        {"ssl_verify_client { }", "directive \"ssl_verify_client\" is not terminated by \";\""},
        {"ssl_verify_depth 100;", ""},
        {"ssl_verify_depth 101;", "invalid value \"101\" in \"ssl_verify_depth\" directive"},
        {"ssl_verify_depth -1;", "invalid value \"-1\" in \"ssl_verify_depth\" directive"},
        {"ssl_session_timeout 1d;", ""},
        {"ssl_session_timeout 2d;", "invalid value \"2d\" in \"ssl_session_timeout\" directive"},
        {"ssl_session_timeout 10ms;",
         "invalid value \"10ms\" in \"ssl_session_timeout\" directive"},
        {"ssl_protocols TLSv1.2 tlsv1.3;", ""},
        {"ssl_protocols TLSv1.2 SSLv3 x;",
         "invalid value \"SSLv3\" in \"ssl_protocols\" directive; "
         "invalid value \"x\" in \"ssl_protocols\" directive"},
        {"ssl_protocols TLSv1.2 TLSv1.2;",
         "duplicate value \"TLSv1.2\" in \"ssl_protocols\" directive"},
        {"ssl_crl '';", "invalid value \"\" in \"ssl_crl\" directive"},
        {"default_type '';", ""},
        {"proxy_buffering yes;",
         "invalid value \"yes\" in \"proxy_buffering\" directive, it must be \"on\" or \"off\""},
        {"client_max_body_size 10x;",
         "invalid value \"10x\" in \"client_max_body_size\" directive"},
        {"keepalive_timeout 5m 4m;", ""},
        {"root /var/www;", "\"root\" directive is not supported"},
        {"ssl on;", "the \"ssl\" directive is deprecated"},
        {"location { }", "invalid number of arguments in \"location\" directive"},
        {"location /;", "directive \"location\" has no opening \"{\""},
        {"error_log a loud;", "invalid value \"loud\" in \"error_log\" directive"},
        {"error_log a info; error_log b debug;", ""},
        {"proxy_pass http://a;", "\"proxy_pass\" directive is not allowed here"},
        {"proxy_psas http://a;", "unknown directive \"proxy_psas\""},
        {"gzip off; sendfile off;", "\"gzip\" has no effect here"},
        {"gzip on;", "\"gzip\" has no effect here"},
        {"gzip maybe;",
         "invalid value \"maybe\" in \"gzip\" directive, it must be \"on\" or \"off\""},
        {"gzip on; location / { gzip on; } tcp_nopush on;",
         "\"gzip\" has no effect here; \"tcp_nopush\" has no effect here"},
        {"location / { if ($a) { proxy_pass http://a; } }", ""},
        {"if ($a) { proxy_pass http://a; }", "\"proxy_pass\" directive is not allowed here"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        load(cs_arena_printf(&arena, "server { %s }", rows[i].text).ptr, &arena, &findings);
        tap_str(test_primaries(&findings, &arena), cs_str_from(rows[i].findings), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

static void test_names(void)
{
    struct cs_arena arena = {0};
    const struct cs_directive_row *row;

    tap_ok(cs_schema_find(&test_schema, CS_STR("listen")) != NULL, "a name is found");
    tap_ok(!cs_schema_find(&test_schema, CS_STR("listening")), "another is not");
    row = cs_schema_find_in(&test_schema, CS_STR("server"), CS_CTX_UPSTREAM);
    tap_ok(row && !(row->flags & CS_D_BLOCK), "the row of a context");
    row = cs_schema_nearest(&test_schema, CS_STR("ssl_verify_cleint"), CS_CTX_SERVER);
    tap_str(cs_str_from(row->name), CS_STR("ssl_verify_client"), "two letters swapped");
    row = cs_schema_nearest(&test_schema, CS_STR("sever"), CS_CTX_HTTP);
    tap_ok(row && (row->contexts & CS_CTX_HTTP), "of two rows the one that may stand there");
    tap_ok(!cs_schema_nearest(&test_schema, CS_STR("quite_another"), CS_CTX_HTTP), "nothing near");
    tap_str(cs_context_names(CS_CTX_HTTP | CS_CTX_LOCATION_IF, &arena),
            CS_STR("http, if in location"), "contexts in words");
    cs_arena_deinit(&arena);
}

static void test_fallbacks(void)
{
    static const struct {
        const char *text, *findings;
    } rows[] = {
        {"server { alias x; }", "\"alias\" directive is not supported"},
        {"upstream u { alias x; }", "\"alias\" directive is not supported"},
        {"upstream u { root x; }", "\"root\" directive is not allowed here"},
        {"server { auth_basic off; ssl_stapling OFF; }", ""},
        {"server { auth_basic \"off \"; }", "\"auth_basic\" directive is not supported"},
        {"server { etag on; etag off; etag off; }", "\"etag\" has no effect here"},
        {"server { stream { server { } } }", "\"stream\" directive is not supported"},
    };
    struct cs_str root = CS_STR("root"), alias = CS_STR("alias");

    tap_ok(!cs_row_is_fallback(cs_schema_find(&test_schema, root)), "a row goes before a fallback");
    tap_ok(!cs_schema_find_in(&test_schema, root, CS_CTX_UPSTREAM), "also where it may not stand");
    tap_ok(cs_row_is_fallback(cs_schema_find_in(&test_schema, alias, CS_CTX_UPSTREAM)),
           "a fallback that is alone counts everywhere");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        load(rows[i].text, &arena, &findings);
        tap_str(test_primaries(&findings, &arena), cs_str_from(rows[i].findings), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

static void test_table_faults(void)
{
    static const struct {
        struct cs_directive_row row;
        const char *fault;
    } rows[] = {
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_FLAG, 0, 0, "on", .doc = "x"}, NULL},
        {{"a", 0, 1, 1, CS_V_FLAG, 0, 0, "on", .doc = "x"}, "a is allowed nowhere"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_FLAG, 0, 0, "on"}, "a has no doc"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT}, "a has no why"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_FLAG, CS_D_NO_EFFECT | CS_D_SECURITY, .why = "x"},
         "a matters for security and has no effect"},
        {{"a", CS_CTX_HTTP, 2, 1, CS_V_FLAG, .doc = "x"},
         "a wants more arguments than it may have"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_ENUM, .doc = "x"}, "a has the wrong choices for its type"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_BLOCK, CS_D_BLOCK, .doc = "x"},
         "a is a block without a context, or a context without a block"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_INT, 0, 0, "1", 5, 4, .doc = "x"},
         "a has bounds that exclude everything"},
        {{"a", CS_CTX_HTTP, 1, 1, CS_V_INT, 0, 0, "4", 5, 0, .doc = "x"},
         "a has a default that it would refuse"},
        {{"user", CS_CTX_MAIN, 1, 1, CS_V_NONE, .doc = "x"}, "user has two rows for one context"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct cs_schema_table table = {&rows[i].row, 1};
        const struct cs_schema_table *const tables[] = {&table, &cs_core_directives};
        const struct cs_schema schema = {tables, 2};
        struct cs_arena arena = {0};
        tap_str(cs_str_from(cs_schema_check(&schema, &arena)), cs_str_from(rows[i].fault),
                rows[i].fault ? rows[i].fault : "a row in order");
        cs_arena_deinit(&arena);
    }
}

int main(void)
{
    test_defaults();
    test_inheritance();
    test_lists();
    test_values();
    test_names();
    test_fallbacks();
    test_table_faults();
    return tap_done();
}
