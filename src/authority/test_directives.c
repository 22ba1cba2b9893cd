/* Profile blocks: what they change, and what is refused. */
#include "authority/directives.h"

#include "config/test_support.h"
#include "tap.h"

static struct cs_arena arena;
static struct cs_findings findings;

static const struct cs_schema_table *const tables[] = {
    &cs_core_directives, &cs_authority_directives, &cs_profile_directives};
static const struct cs_schema schema = {tables, 3};

static int build(const char *text, struct cs_profiles *ret)
{
    static const struct cs_str domain[] = {CS_STR_INIT("a.test")};
    struct test_file files[] = {{"/etc/x.conf", text}, {NULL, NULL}};
    const struct cs_config_reader reader = {test_read, test_glob, files};
    struct cs_config *config = NULL;
    const struct cs_directive *authority;

    cs_findings_init(&findings, &arena);
    if (cs_config_load(&reader, CS_STR("/etc/x.conf"), CS_STR("/etc"), CS_STR(""), &schema, &arena,
                       &findings, &config) < 0 ||
        findings.n_errors)
        return -1;
    authority = cs_block_find(config->main, "authority");
    return cs_profiles_build(authority ? authority->block : NULL, (struct cs_names){domain, 1},
                             &arena, &findings, ret);
}

static void test_rows_in_order(void)
{
    const char *why = cs_schema_check(&schema, &arena);

    tap_ok(!why, "the tables are in order: %s", why ? why : "");
}

static void test_built(void)
{
    struct cs_profiles p = {0};
    const struct cs_profile *server, *edge, *bare;

    tap_int(build("authority { store /x; }", &p), 0, "none of its own");
    tap_int((int64_t)p.n, 4, "the built-in ones");
    tap_int(build("authority {\n"
                  "  profile server { ttl 1h; deny dns:secret.a.test; }\n"
                  "  profile edge { extends server; allow dns:*.edge.test ip:10.0.0.0/8;\n"
                  "    allow dns:edge.test; keys ec-p256 rsa-4096; wildcards on; max_ttl 7d;\n"
                  "    renew_between 30% 40%; organization 'Edge Ltd'; backdate 5m; max_names 3;\n"
                  "    administrator on; }\n"
                  "  profile bare { usages client; allow cn:*; one_spiffe_id off; }\n"
                  "}",
                  &p),
            0, "its own");
    tap_int((int64_t)p.n, 6, "two more");
    server = cs_profiles_find(&p, CS_STR("server"));
    edge = cs_profiles_find(&p, CS_STR("edge"));
    bare = cs_profiles_find(&p, CS_STR("bare"));
    tap_int(server->ttl_sec, 3600, "a built-in one is changed");
    tap_ok(server->deny.n == 1 && server->allow.n > 1, "where it is named, and no more");
    tap_int(edge->ttl_sec, 3600, "what is extended is the changed one");
    tap_ok(edge->deny.n == 1 && edge->allow.n == 3, "allow replaces, deny stays");
    tap_int(edge->keys, CS_PROFILE_P256 | CS_PROFILE_RSA4096, "keys");
    tap_int(edge->max_ttl_sec, 7 * 86400, "the longest life");
    tap_ok(edge->renew_from_pct == 30 && edge->renew_to_pct == 40, "when to renew");
    tap_str(edge->organization, CS_STR("Edge Ltd"), "organization");
    tap_ok(edge->wildcards && edge->administrator && edge->max_names == 3, "the rest");
    tap_int(edge->backdate_sec, 300, "backdating");
    tap_int(edge->eku, CS_EKU_SERVER, "the usage of what it extends");
    tap_ok(bare->eku == CS_EKU_CLIENT && bare->allow.n == 1, "one that extends nothing");
    tap_ok(!(bare->keys & CS_PROFILE_RSA2048), "takes no short keys");
}

static const struct {
    const char *text, *primary;
} refused[] = {
    {"profile x { allow dns:a.test; }", "profile \"x\" cannot work"},
    {"profile x { usages server; }", "profile \"x\" cannot work"},
    {"profile x { extends nobody; }", "profile \"nobody\" cannot work"},
    {"profile x { extends y; } profile y { extends server; }", "profile \"y\" cannot work"},
    {"profile x { extends server; } profile x { extends server; }", "profile \"x\" cannot work"},
    {"profile root { extends server; }", "profile \"root\" cannot work"},
    {"profile 'a b' { extends server; }", "profile \"a b\" cannot work"},
    {"profile x { extends server; ttl 91d; }", "profile \"x\" cannot work"},
    {"profile x { extends server; allow a.test; }", "\"a.test\" is no pattern of names"},
    {"profile x { extends server; deny dns:a.*.test; }", "\"dns:a.*.test\" is no pattern of names"},
    {"profile x { extends server; keys dsa; }", "invalid value \"dsa\" in \"keys\" directive"},
    {"profile x { extends server; renew_between 70% 55%; }",
     "invalid value \"55%\" in \"renew_between\" directive"},
    {"profile x { extends server; renew_between 0% 100%; }",
     "invalid value \"0%\" in \"renew_between\" directive; invalid value \"100%\" in "
     "\"renew_between\" directive"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct cs_str text = cs_arena_printf(&arena, "authority { %s }", refused[i].text);
        struct cs_profiles p;

        tap_ok(build(text.ptr, &p) != 0, "refused %zu", i);
        tap_str(test_primaries(&findings, &arena), cs_str_from(refused[i].primary), "and said");
    }
}

int main(void)
{
    test_rows_in_order();
    test_built();
    test_refused();
    cs_arena_deinit(&arena);
    return tap_done();
}
