/* Reading: blocks, includes, the file without http, and what is said about broken text. The
 * findings in full are golden files; here is what they must lead to. */
#include "config/tree.h"

#include "config/print.h"
#include "config/test_support.h"

#include "tap.h"

/* What is loaded, printed; or what is wrong with it. */
static struct cs_str load_text(const struct test_file *files, const char *extra,
                               struct cs_arena *arena)
{
    struct cs_findings findings;
    struct cs_config *config = test_load(files, extra, arena, &findings);
    struct cs_buf buf;
    struct cs_str text;

    if (findings.n > 0 || !config)
        return test_primaries(&findings, arena);
    cs_buf_init(&buf, 1 << 20);
    cs_print_block(&buf, config->main);
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

static void test_one_file(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"user a b;", "user a b;\n"},
        {"events{worker_connections 9;}http{server{listen 1;}}",
         "events {\n    worker_connections 9;\n}\nhttp {\n    server {\n        listen 1;\n    "
         "}\n}\n"},
        {"user a;server{listen 1;}",
         "user a;\nhttp {\n    server {\n        listen 1;\n    }\n}\n"},
        {"error_log e; map $a $b {\"\" 1; default 2;}",
         "error_log e;\nhttp {\n    map $a $b {\n        \"\" 1;\n        default 2;\n    }\n}\n"},
        {"user a; }", "unexpected \"}\""},
        {"user a", "unexpected end of file, expecting \";\" or \"}\""},
        {"http {", "unexpected end of file, expecting \"}\""},
        {"http { server { listen 1 } }", "unexpected \"}\""},
        {";", "unexpected \";\""},
        {"{ a; } user b;", "unexpected \"{\""},
        {"http { server { listen 1; }", "unexpected end of file, expecting \"}\""},
        {"user a; user b;", "\"user\" directive is duplicate"},
        {"http { } server { }", "\"server\" directive is not allowed here"},
        {"http { } http { }", "\"http\" directive is duplicate"},
        {"server { listen 1; } events { } server { }",
         "events {\n}\nhttp {\n    server {\n        listen 1;\n    }\n    server {\n    }\n}\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct test_file files[] = {{"/etc/main", rows[i].text}, {0}};
        struct cs_arena arena = {0};
        tap_str(load_text(files, NULL, &arena), cs_str_from(rows[i].want), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

static void test_includes(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"include user;", "user u;\n"},
        {"include /etc/user;", "user u;\n"},
        {"http { include d/*.conf; }", "http {\n    server {\n        listen 1;\n    }\n    server "
                                       "{\n        listen 2;\n    }\n}\n"},
        {"include d/*.none; user u;", "user u;\n"},
        {"include d/1.conf;", "http {\n    server {\n        listen 1;\n    }\n}\n"},
        {"map $a $b { include lines; }",
         "http {\n    map $a $b {\n        x 1;\n        y 2;\n    }\n}\n"},
        {"include nowhere;", "open() \"/etc/nowhere\" failed (2: No such file or directory)"},
        {"include secret;", "open() \"/etc/secret\" failed (13: Permission denied)"},
        {"include self;", "\"/etc/self\" includes itself"},
        {"include main;", "\"/etc/main\" includes itself"},
        {"include ping;", "\"/etc/ping\" includes itself"},
        {"http { include open; }", "unexpected end of file, expecting \"}\""},
        {"http { include close; user u; }",
         "\"user\" directive is not allowed here; unexpected \"}\""},
        {"include user d;", "invalid number of arguments in \"include\" directive"},
        {"include user { }", "directive \"include\" is not terminated by \";\""},
        {"server { include bad; } server { include bad; }", "unknown directive \"nonsense_here\""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct test_file files[] = {
            {"/etc/main", rows[i].text},
            {"/etc/user", "user u;"},
            {"/etc/d/2.conf", "server { listen 2; }"},
            {"/etc/d/1.conf", "server { listen 1; }"},
            {"/etc/lines", "x 1; y 2;"},
            {"/etc/secret", NULL},
            {"/etc/self", "include self;"},
            {"/etc/ping", "include pong;"},
            {"/etc/pong", "include ping;"},
            {"/etc/open", "server {"},
            {"/etc/close", "}"},
            {"/etc/bad", "nonsense_here;"},
            {0},
        };
        struct cs_arena arena = {0};
        tap_str(load_text(files, NULL, &arena), cs_str_from(rows[i].want), rows[i].text);
        cs_arena_deinit(&arena);
    }
}

static void test_extra(void)
{
    static const struct {
        const char *extra, *want;
    } rows[] = {
        {"daemon off;", "daemon off;\nuser u;\n"},
        {"daemon off; pid p;", "daemon off;\npid p;\nuser u;\n"},
        {"daemon off", "unexpected end of parameter, expecting \";\""},
        {"user v;", "\"user\" directive is duplicate"},
        {"events { }", "block directives are not supported in -g option"},
        {"deamon off;", "unknown directive \"deamon\""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct test_file files[] = {{"/etc/main", "user u;"}, {0}};
        struct cs_arena arena = {0};
        tap_str(load_text(files, rows[i].extra, &arena), cs_str_from(rows[i].want), rows[i].extra);
        cs_arena_deinit(&arena);
    }
}

static void test_files(void)
{
    const struct test_file files[] = {
        {"/etc/main", "include b; include a; server { include b; }"},
        {"/etc/a", "worker_processes 2;"},
        {"/etc/b", "error_log e;"},
        {0},
    };
    const struct test_file missing[] = {{"/etc/secret", NULL}, {0}};
    const struct cs_config_reader reader = {test_read, NULL, (void *)(uintptr_t)missing};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_config *config = test_load(files, NULL, &arena, &findings);

    tap_int(config->n_files, 3, "each file is listed once");
    tap_str(config->files->next->path, CS_STR("/etc/b"), "in the order of reading");
    tap_str(config->files->next->text, CS_STR("error_log e;"), "with its text");
    tap_ok(config->bare, "a file without http is bare");
    tap_int(cs_config_load(&reader, CS_STR("/etc/secret"), CS_STR("/etc"), CS_STR(""), &test_schema,
                           &arena, &findings, &config),
            -EACCES, "a main file that cannot be read is a fault");
    tap_int(findings.n_errors, 1, "and a finding");
    cs_arena_deinit(&arena);
}

/* @n times @piece. */
static const char *repeat(struct cs_arena *arena, const char *piece, size_t n)
{
    size_t len = strlen(piece);
    char *text = cs_arena_raw(arena, n * len + 1);

    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, piece, len);
    text[n * len] = '\0';
    return text;
}

static int glob_fails(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                      struct cs_str **ret_paths, size_t *ret_n)
{
    return -EACCES;
}

static void test_glob_fault(void)
{
    const struct test_file files[] = {{"/etc/main", "user u; include d/*; pid p;"}, {0}};
    const struct cs_config_reader reader = {test_read, glob_fails, (void *)(uintptr_t)files};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_config *config;

    cs_findings_init(&findings, &arena);
    tap_int(cs_config_load(&reader, CS_STR("/etc/main"), CS_STR("/etc/"), CS_STR(""), &test_schema,
                           &arena, &findings, &config),
            0, "a folder that cannot be read does not stop the reading");
    tap_str(test_primaries(&findings, &arena),
            CS_STR("glob() \"/etc/d/*\" failed (13: Permission denied)"), "and is a finding");
    tap_ok(cs_block_find(config->main, "pid") != NULL, "what follows is there");
    cs_arena_deinit(&arena);
}

/* Files 0 to 19, each including the next. */
static void test_include_depth(void)
{
    struct test_file files[21] = {{0}};
    struct cs_arena arena = {0};
    struct cs_findings findings;

    for (int i = 0; i < 20; i++) {
        files[i].path = cs_arena_printf(&arena, "/etc/%d", i).ptr;
        files[i].text = cs_arena_printf(&arena, "include %d;", i + 1).ptr;
    }
    files[19].text = "";
    test_load(files, NULL, &arena, &findings);
    tap_str(test_primaries(&findings, &arena), CS_STR("includes are nested more than 16 deep"),
            "a long chain of includes is refused");
    files[16].text = "";
    test_load(files, NULL, &arena, &findings);
    tap_int(findings.n, 0, "a chain of sixteen is not");
    cs_arena_deinit(&arena);
}

static void test_limits(void)
{
    struct cs_arena arena = {0};
    struct test_file files[] = {
        {"/etc/main", NULL}, {"/etc/x", "worker_processes 1;"}, {"/etc/y", ""}, {0}};
    struct cs_findings findings;

    files[0].text = repeat(&arena, "location / { ", 100000);
    test_load(files, NULL, &arena, &findings);
    tap_ok(cs_str_search(test_primaries(&findings, &arena),
                         CS_STR("blocks are nested more than 64 deep")) >= 0,
           "a hundred thousand blocks in each other are refused");
    files[0].text = repeat(&arena, "include y;", 20000);
    test_load(files, NULL, &arena, &findings);
    tap_str(test_primaries(&findings, &arena), CS_STR("more than 10000 files are included"),
            "so are twenty thousand includes, once");
    files[0].text = repeat(&arena, "nonsense_here;\n", 5000);
    test_load(files, NULL, &arena, &findings);
    tap_int(findings.n, CS_FINDINGS_MAX, "findings are bounded");
    tap_int(findings.dropped, 4000, "and the others counted");
    cs_arena_deinit(&arena);
}

static void test_lookup(void)
{
    const struct test_file files[] = {
        {"/etc/main", "http { default_type a; server { listen 1; listen 2; default_type b;"
                      " location / { } } }"},
        {0}};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_config *config = test_load(files, NULL, &arena, &findings);
    const struct cs_block *http = cs_block_find(config->main, "http")->block;
    const struct cs_block *server = cs_block_find(http, "server")->block;
    const struct cs_block *location = cs_block_find(server, "location")->block;
    const struct cs_directive *listen = cs_block_find(server, "listen");

    tap_ok(!cs_block_find(location, "default_type"), "find looks into one block");
    tap_str(cs_directive_arg(cs_block_nearest(location, "default_type"), 0), CS_STR("b"),
            "nearest goes up");
    tap_ok(!cs_block_nearest(location, "user"), "to the top");
    tap_str(cs_directive_arg(cs_block_next(listen), 0), CS_STR("2"), "next of the same name");
    tap_ok(!cs_block_next(cs_block_next(listen)), "until there is none");
    tap_str(cs_directive_arg(listen, 1), CS_STR(""), "an argument that is not there is empty");
    tap_ok(location->context == CS_CTX_LOCATION && location->parent == server,
           "blocks know theirs");
    cs_arena_deinit(&arena);
}

/* Who builds on a tree may count on arguments and blocks that the schema asks for. */
static void test_refused(void)
{
    const struct test_file files[] = {
        {"/etc/main", "http { server { listen; listen 2; listen { } location / ; location /a { } }"
                      " proxy_set_header X; }"},
        {0}};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_config *config = test_load(files, NULL, &arena, &findings);
    const struct cs_block *http = cs_block_find(config->main, "http")->block;
    const struct cs_block *server = cs_block_find(http, "server")->block;
    struct test_settings settings = {0};

    tap_int(findings.n_errors, 4, "four refused");
    tap_str(cs_directive_arg(cs_block_find(server, "listen"), 0), CS_STR("2"),
            "one without its argument is not found");
    tap_ok(!cs_block_next(cs_block_find(server, "listen")), "nor one with a strange block");
    tap_str(cs_directive_arg(cs_block_find(server, "location"), 0), CS_STR("/a"),
            "nor one without its block");
    cs_settings_resolve(&test_table, server, &arena, &settings);
    tap_int((int64_t)settings.set_header.n, 0, "nor is it in a list");
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_one_file();
    test_includes();
    test_extra();
    test_files();
    test_glob_fault();
    test_include_depth();
    test_limits();
    test_lookup();
    test_refused();
    return tap_done();
}
