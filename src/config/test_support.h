/* For the tests of this folder and the fuzz target: a small schema in the manner of nginx, a reader
 * of files in memory, and findings as text. */
#ifndef CS_CONFIG_TEST_SUPPORT_H
#define CS_CONFIG_TEST_SUPPORT_H

#include <errno.h>
#include <fnmatch.h>

#include "base/buf.h"
#include "config/directives.h"
#include "config/tree.h"

enum { TEST_VERIFY_OFF, TEST_VERIFY_ON, TEST_VERIFY_OPTIONAL };

struct test_settings {
    int verify_client;
    int64_t verify_depth;
    uint32_t protocols;
    uint64_t max_body_size;
    int64_t keepalive_timeout_ms;
    int64_t session_timeout_sec;
    bool proxy_buffering;
    struct cs_str crl;
    struct cs_str default_type;
    struct cs_directive_list access; /* allow and deny */
    struct cs_directive_list set_header;
};

#define TEST_AT(field) offsetof(struct test_settings, field)
#define TEST_LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION)

static const struct cs_choice test_verify[] = {{"off", TEST_VERIFY_OFF},
                                               {"on", TEST_VERIFY_ON},
                                               {"optional", TEST_VERIFY_OPTIONAL},
                                               {NULL, 0}};
static const struct cs_choice test_protocols[] = {
    {"TLSv1.1", 1}, {"TLSv1.2", 2}, {"TLSv1.3", 4}, {NULL, 0}};
static const struct cs_choice test_off[] = {{"off", 0}, {NULL, 0}};

static const struct cs_directive_row test_rows[] = {
    {"server", CS_CTX_HTTP, 0, 0, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT, .opens = CS_CTX_SERVER,
     .doc = "A virtual server."},
    {"server", CS_CTX_UPSTREAM, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT, .syntax = "address ...",
     .doc = "A backend."},
    {"upstream", CS_CTX_HTTP, 1, 1, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT, .opens = CS_CTX_UPSTREAM,
     .syntax = "name", .doc = "Backends."},
    {"map", CS_CTX_HTTP, 2, 2, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT | CS_D_ANY_CHILD,
     .opens = CS_CTX_MAP, .doc = "A table."},
    {"location", CS_CTX_SERVER | CS_CTX_LOCATION, 1, 2, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_LOCATION, .doc = "A part of the paths."},
    {"if", CS_CTX_SERVER, 1, CS_ARGS_ANY, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_SERVER_IF, .doc = "A condition."},
    {"if", CS_CTX_LOCATION, 1, CS_ARGS_ANY, CS_V_BLOCK, CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_LOCATION_IF, .doc = "A condition."},
    {"listen", CS_CTX_SERVER, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT, .syntax = "address ...",
     .doc = "An address."},
    {"server_name", CS_CTX_SERVER, 1, CS_ARGS_ANY, CS_V_NONE, CS_D_REPEAT, .doc = "Names."},
    {"return", CS_CTX_SERVER | CS_CTX_LOCATION | CS_CTX_SERVER_IF | CS_CTX_LOCATION_IF, 1, 2,
     CS_V_NONE, CS_D_REPEAT, .doc = "An answer."},
    {"proxy_pass", CS_CTX_LOCATION | CS_CTX_LOCATION_IF, 1, 1, CS_V_NONE, 0, .doc = "A backend."},
    {"root", TEST_LEVELS, 1, 1, CS_V_NONE, CS_D_UNSUPPORTED, .why = "files are not served"},
    {"ssl", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_NONE, CS_D_DEPRECATED | CS_D_SECURITY,
     .doc = "TLS on every address.", .why = "use the \"listen ... ssl\" directive instead"},
    {"ssl_certificate", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_NONE, CS_D_REPEAT | CS_D_SECURITY,
     .syntax = "file", .doc = "A certificate."},
    {"ssl_crl", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_PATH, CS_D_SECURITY, TEST_AT(crl),
     .doc = "Revoked certificates."},
    {"ssl_verify_client", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_ENUM, CS_D_SECURITY,
     TEST_AT(verify_client), "off", .choices = test_verify, .doc = "Who must show papers.",
     .misplaced = "set \"ssl_verify_client optional\" in the server, and here: "
                  "if ($ssl_client_verify != SUCCESS) { return 403; }"},
    {"ssl_verify_depth", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_INT, CS_D_SECURITY,
     TEST_AT(verify_depth), "1", 0, 100, .doc = "Longest chain."},
    {"ssl_protocols", CS_CTX_HTTP | CS_CTX_SERVER, 1, CS_ARGS_ANY, CS_V_BITS, CS_D_SECURITY,
     TEST_AT(protocols), "TLSv1.2 TLSv1.3", .choices = test_protocols, .doc = "Versions."},
    {"ssl_session_timeout", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_SEC, 0,
     TEST_AT(session_timeout_sec), "5m", 1, 86400, .doc = "Session life."},
    {"client_max_body_size", TEST_LEVELS, 1, 1, CS_V_SIZE, 0, TEST_AT(max_body_size), "1m",
     .doc = "Longest body."},
    {"keepalive_timeout", TEST_LEVELS, 1, 2, CS_V_MSEC, 0, TEST_AT(keepalive_timeout_ms), "75s",
     .choices = test_off, .doc = "Idle time."},
    {"proxy_buffering", TEST_LEVELS, 1, 1, CS_V_FLAG, 0, TEST_AT(proxy_buffering), "on",
     .doc = "Whether answers are buffered."},
    {"default_type", TEST_LEVELS, 1, 1, CS_V_STR, 0, TEST_AT(default_type), "text/plain",
     .doc = "Content type."},
    {"allow", TEST_LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY, TEST_AT(access),
     .doc = "Who may."},
    {"deny", TEST_LEVELS, 1, 1, CS_V_LIST, CS_D_REPEAT | CS_D_SECURITY, TEST_AT(access),
     .doc = "Who may not."},
    {"proxy_set_header", TEST_LEVELS, 2, 2, CS_V_LIST, CS_D_REPEAT, TEST_AT(set_header),
     .syntax = "name value", .doc = "A header."},
};
static const struct cs_schema_table test_table = CS_SCHEMA_TABLE(test_rows);
static const struct cs_schema_table *const test_tables[] = {&cs_core_directives, &test_table,
                                                            &cs_unsupported_directives};
static const struct cs_schema test_schema = {test_tables, 3};

/* --- files in memory --------------------------------------------------------------------- */

struct test_file {
    const char *path; /* NULL ends the array */
    const char *text; /* NULL: not readable */
};

static inline int test_read(void *ctx, struct cs_str path, struct cs_arena *arena,
                            struct cs_str *ret_text)
{
    for (const struct test_file *f = ctx; f->path; f++) {
        if (cs_str_eq(path, cs_str_from(f->path))) {
            *ret_text = cs_str_from(f->text);
            return f->text ? 0 : -EACCES;
        }
    }
    return -ENOENT;
}

/* Finds in the order of the array, which the loader has to sort. */
static inline int test_glob(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                            struct cs_str **ret_paths, size_t *ret_n)
{
    const struct test_file *files = ctx;
    const char *mask = cs_arena_dup(arena, pattern).ptr;
    size_t n = 0, all = 0;

    while (files[all].path)
        all++;
    *ret_paths = cs_arena_array(arena, all + 1, sizeof(**ret_paths));
    for (size_t i = 0; i < all; i++) {
        if (fnmatch(mask, files[i].path, FNM_PATHNAME) == 0)
            (*ret_paths)[n++] = cs_str_from(files[i].path);
    }
    *ret_n = n;
    return 0;
}

/* The configuration of files[0], or NULL. */
static inline struct cs_config *test_load(const struct test_file *files, const char *extra,
                                          struct cs_arena *arena, struct cs_findings *findings)
{
    const struct cs_config_reader reader = {test_read, test_glob, (void *)(uintptr_t)files};
    struct cs_config *config = NULL;

    cs_findings_init(findings, arena);
    cs_config_load(&reader, cs_str_from(files[0].path), CS_STR("/etc"), cs_str_from(extra),
                   &test_schema, arena, findings, &config);
    return config;
}

/* --- findings as text -------------------------------------------------------------------- */

/* A template with its operands put in. */
static inline void test_expand(struct cs_buf *buf, const char *template,
                               const struct cs_finding *finding)
{
    for (const char *c = template; *c; c++) {
        if (c[0] == '{' && c[1] >= '0' && c[1] < '0' + CS_FINDING_OPERANDS && c[2] == '}') {
            cs_buf_add_str(buf, finding->operands[c[1] - '0']);
            c += 2;
        } else {
            cs_buf_add_char(buf, *c);
        }
    }
}

/* "  hint: …\n", or nothing when it comes out empty. */
static inline void test_print_part(struct cs_buf *buf, const char *label, const char *template,
                                   const struct cs_finding *finding)
{
    size_t start = buf->len, empty;

    if (!template)
        return;
    cs_buf_addf(buf, "  %s: ", label);
    empty = buf->len;
    test_expand(buf, template, finding);
    if (buf->len == empty)
        buf->len = start;
    else
        cs_buf_add_char(buf, '\n');
}

static inline void test_print_finding(struct cs_buf *buf, const struct cs_finding *f)
{
    static const char *const severities[] = {"notice", "warning", "error"};

    if (f->place.file.len)
        cs_buf_addf(buf, "%.*s:%u:%u: ", CS_FMT(f->place.file), f->place.line, f->place.column);
    cs_buf_addf(buf, "%s: ", severities[f->kind->severity]);
    test_expand(buf, f->kind->primary, f);
    cs_buf_add_char(buf, '\n');
    if (f->place.text.len) {
        cs_buf_addf(buf, "  | %.*s\n  | ", CS_FMT(f->place.text));
        for (unsigned i = 1; i < f->place.column; i++)
            cs_buf_add_char(buf, i <= f->place.text.len && f->place.text.ptr[i - 1] == '\t' ? '\t'
                                                                                            : ' ');
        cs_buf_add_str(buf, CS_STR("^\n"));
    }
    test_print_part(buf, "detail", f->kind->detail, f);
    test_print_part(buf, "hint", f->kind->hint, f);
}

static inline void test_print_findings(struct cs_buf *buf, const struct cs_findings *findings)
{
    for (const struct cs_finding *f = findings->first; f; f = f->next)
        test_print_finding(buf, f);
}

/* The primary texts, separated by "; ". In @arena. */
static inline struct cs_str test_primaries(const struct cs_findings *findings,
                                           struct cs_arena *arena)
{
    struct cs_buf buf;
    struct cs_str text;

    cs_buf_init(&buf, 1 << 20);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        test_expand(&buf, f->kind->primary, f);
        if (f->next)
            cs_buf_add_str(&buf, CS_STR("; "));
    }
    text = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

#endif
