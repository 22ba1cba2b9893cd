/* The core directives: the table is in order, and the settings come out. */
#include "config/directives.h"

#include "config/findings.h"
#include "config/test_support.h"

#include "tap.h"

static struct cs_core_settings resolve(const char *text, struct cs_arena *arena)
{
    const struct test_file files[] = {{"/etc/main", text}, {0}};
    struct cs_core_settings settings;
    struct cs_findings findings;

    cs_core_resolve(test_load(files, NULL, arena, &findings), arena, &settings);
    tap_int(findings.n_errors, 0, text);
    return settings;
}

static void test_settings(void)
{
    struct cs_arena arena = {0};
    struct cs_core_settings s = resolve("events { } http { }", &arena);

    tap_ok(s.worker_processes == 1 && s.worker_connections == 512, "nginx's defaults");
    tap_ok(s.daemon && s.master_process && !s.user.ptr && !s.pid.ptr, "of all kinds");
    s = resolve("server { }", &arena);
    tap_int(s.worker_processes, 0, "a bare file gets a worker per core");
    s = resolve("worker_processes 3; server { }", &arena);
    tap_int(s.worker_processes, 3, "unless it says otherwise");
    s = resolve("worker_processes auto; user a b; pid p; daemon off; master_process off;"
                " worker_shutdown_timeout 10s; worker_rlimit_nofile 7; error_log x info;"
                " error_log stderr; events { worker_connections 9; }",
                &arena);
    tap_ok(s.worker_processes == 0 && s.worker_connections == 9, "workers");
    tap_ok(!s.daemon && !s.master_process, "flags");
    tap_ok(cs_str_eq(s.user, CS_STR("a")) && cs_str_eq(s.group, CS_STR("b")), "user and group");
    tap_ok(s.worker_shutdown_timeout_ms == 10000 && s.worker_rlimit_nofile == 7, "numbers");
    tap_ok(s.error_log.n == 2 && cs_str_eq(s.pid, CS_STR("p")), "logs and pid");
    cs_arena_deinit(&arena);
}

static void test_core_table(void)
{
    static const struct cs_schema_table *const tables[] = {&cs_core_directives};
    const struct cs_schema core = {tables, 1};
    struct cs_arena arena = {0};
    const struct cs_finding_kind *const *kinds;
    size_t n;

    tap_str(cs_str_from(cs_schema_check(&core, &arena)), CS_STR(""), "the core table is in order");
    tap_str(cs_str_from(cs_schema_check(&test_schema, &arena)), CS_STR(""), "so is the tests'");
    kinds = cs_config_finding_kinds(&n);
    for (size_t i = 0; i < n; i++) {
        bool unique = true;
        for (size_t j = 0; j < i; j++)
            unique = unique && strcmp(kinds[i]->code, kinds[j]->code) != 0;
        tap_ok(unique, "code %s is used once", kinds[i]->code);
    }
    cs_arena_deinit(&arena);
}

int main(void)
{
    test_settings();
    test_core_table();
    return tap_done();
}
