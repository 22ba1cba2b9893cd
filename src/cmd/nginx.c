/* nginx writes all it says to standard error, but for the dump of -T, and exits with 0 or 1. */
#include "cmd/nginx.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/instance.h"
#include "cmd/nginx_args.h"
#include "cmd/report.h"
#include "cmd/version.h"
#include "io/log.h"
#include "tls/names.h"

bool cs_nginx_is_called(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    return strcmp(slash ? slash + 1 : argv0, "nginx") == 0;
}

static void print_help(void)
{
    fputs("Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]\n"
          "             [-e filename] [-c filename] [-g directives]\n"
          "\n"
          "Options:\n"
          "  -?,-h         : this help\n"
          "  -v            : show version and exit\n"
          "  -V            : show version and configure options then exit\n"
          "  -t            : test configuration and exit\n"
          "  -T            : test configuration, dump it and exit\n"
          "  -q            : suppress non-error messages during configuration testing\n"
          "  -s signal     : send signal to a master process: stop, quit, reopen, reload\n"
          "  -p prefix     : set prefix path (default: " CS_NGINX_PREFIX "/)\n"
          "  -e filename   : set error log file (default: " CS_NGINX_ERROR_LOG ")\n"
          "  -c filename   : set configuration file (default: " CS_NGINX_CONFIG ")\n"
          "  -g directives : set global directives out of configuration file\n"
          "\n",
          stderr);
}

static void print_configure(void)
{
    struct cs_buf modules;

    cs_buf_init(&modules, 64 << 10);
    cs_version_modules(&modules);
    fprintf(stderr, "built by %s\n", cs_version_compiler());
    fprintf(stderr, "built with %.*s\n", CS_FMT(cs_tls_library_version()));
    fprintf(stderr, "TLS SNI support enabled\n");
    fprintf(stderr,
            "configure arguments: --prefix=%s --conf-path=%s --error-log-path=%s "
            "--http-log-path=%s --pid-path=%s%.*s\n",
            CS_NGINX_PREFIX, CS_NGINX_CONFIG, CS_NGINX_ERROR_LOG, CS_NGINX_ACCESS_LOG, CS_NGINX_PID,
            CS_FMT(cs_buf_str(&modules)));
    cs_buf_deinit(&modules);
}

static void print_version(const struct cs_nginx_args *args)
{
    fprintf(stderr, "nginx version: nginx/" CS_NGINX_VERSION " (countersign " CS_VERSION ")\n");
    if (args->help)
        print_help();
    if (args->configure)
        print_configure();
}

/* What one run is about. */
struct run {
    struct cs_nginx_args args;
    struct cs_instance instance;
};

static void log_finding(const struct cs_log *log, const struct cs_finding *finding)
{
    struct cs_now now = {.wall_ms = (int64_t)time(NULL) * 1000};
    struct cs_str line;
    struct cs_buf buf;

    cs_buf_init(&buf, 16 << 10);
    cs_explain_finding(finding, CS_EXPLAIN_NGINX, false, &buf);
    line = cs_buf_str(&buf); /* nginx: [emerg] text\n */
    line = cs_str_skip(line, (size_t)cs_str_find(line, ']') + 2);
    line.len -= line.len > 0;
    cs_log_line(log, finding->kind->severity == CS_SEVERITY_ERROR ? CS_LOG_EMERG : CS_LOG_WARN,
                &now, getpid(), 0, line);
    cs_buf_deinit(&buf);
}

/* The log of the time before a configuration is known: -e, or the built-in one if it exists. */
static void log_findings(const struct run *run, const struct cs_findings *findings)
{
    struct cs_str path = run->instance.daemon.snapshot.error_log;
    struct cs_log_target target = {.level = CS_LOG_WARN};
    struct cs_log log = {&target, 1};
    struct cs_sinks sinks;
    int r;

    if (cs_str_eq(path, CS_STR("stderr")))
        return;
    cs_sinks_init(&sinks);
    r = cs_sinks_open(&sinks, path.ptr, &target.sink);
    if (r < 0 && run->args.error_log)
        fprintf(stderr,
                "nginx: [alert] could not open error log file: open() \"%s\" failed (%d: %s)\n",
                path.ptr, -r, strerror(-r));
    for (const struct cs_finding *f = findings->first; f && r == 0; f = f->next) {
        if (f->kind->severity >= CS_SEVERITY_WARNING)
            log_finding(&log, f);
    }
    cs_sinks_deinit(&sinks);
}

/* nginx stops at the first error; the others of the same file are worth the same look. */
static void report(void *ctx, const struct cs_findings *findings)
{
    const struct run *run = ctx;

    cs_report_findings(findings, run->args.quiet ? CS_SEVERITY_ERROR : CS_SEVERITY_WARNING,
                       CS_EXPLAIN_NGINX, stderr);
    log_findings(run, findings);
}

static void complain(void *ctx, const char *what)
{
    fprintf(stderr, "nginx: [emerg] %s\n", what);
}

static void dump(const struct cs_config *config)
{
    for (const struct cs_config_file *f = config->files; f; f = f->next) {
        printf("# configuration file %.*s:\n", CS_FMT(f->path));
        fwrite(f->text.ptr, 1, f->text.len, stdout);
        printf("\n");
    }
}

/* Read it all; what is found is printed. Return: as cs_snapshot_load(). */
static int load(struct run *run, struct cs_snapshot **ret_snapshot)
{
    struct cs_findings findings;
    struct cs_arena arena = {0};
    int r;

    cs_findings_init(&findings, &arena);
    r = cs_instance_load(&run->instance, false, &findings, ret_snapshot);
    report(run, &findings);
    cs_arena_deinit(&arena);
    return r;
}

static int test(struct run *run)
{
    const struct cs_instance *instance = &run->instance;
    struct cs_snapshot *snapshot;
    int r = load(run, &snapshot);

    if (r < 0) {
        fprintf(stderr, "nginx: configuration file %.*s test failed\n",
                CS_FMT(instance->shown_config));
    } else {
        if (!run->args.quiet)
            fprintf(stderr,
                    "nginx: the configuration file %.*s syntax is ok\n"
                    "nginx: configuration file %.*s test is successful\n",
                    CS_FMT(instance->shown_config), CS_FMT(instance->shown_config));
        if (run->args.dump)
            dump(snapshot->config);
        cs_snapshot_unref(snapshot);
    }
    return r < 0;
}

static int signo_of(const char *name)
{
    if (strcmp(name, "stop") == 0)
        return SIGTERM;
    if (strcmp(name, "quit") == 0)
        return SIGQUIT;
    return strcmp(name, "reopen") == 0 ? SIGUSR1 : SIGHUP;
}

static int send_signal(struct run *run)
{
    int signo = signo_of(run->args.signal), pid = 0, error = 0;
    struct cs_snapshot *snapshot;
    struct cs_str path;

    if (signo == SIGHUP) {
        if (load(run, &snapshot) < 0)
            return 1;
        cs_snapshot_unref(snapshot);
    }
    switch (cs_instance_signal(&run->instance, signo, &path, &pid, &error)) {
    case CS_SIGNALLED: return 0;
    case CS_SIGNAL_NO_PID_FILE:
        fprintf(stderr, "nginx: [error] open() \"%.*s\" failed (%d: %s)\n", CS_FMT(path), error,
                strerror(error));
        break;
    case CS_SIGNAL_BAD_PID_FILE:
        fprintf(stderr, "nginx: [error] invalid PID number \"\" in \"%.*s\"\n", CS_FMT(path));
        break;
    case CS_SIGNAL_FAILED:
        fprintf(stderr, "nginx: [alert] kill(%d, %d) failed (%d: %s)\n", pid, signo, error,
                strerror(error));
        break;
    }
    return 1;
}

int cs_nginx_main(int argc, char *const *argv)
{
    struct run run;
    struct cs_buf error;
    int status;

    cs_buf_init(&error, 8192);
    if (cs_nginx_args_parse(argc, argv, &run.args, &error) < 0) {
        fprintf(stderr, "nginx: %s\n", cs_buf_cstr(&error));
        cs_buf_deinit(&error);
        return 1;
    }
    cs_buf_deinit(&error);
    if (run.args.version)
        print_version(&run.args);
    if (run.args.version && !run.args.test)
        return 0;
    cs_instance_init_nginx(&run.instance, &run.args);
    run.instance.daemon.report = report;
    run.instance.daemon.complain = complain;
    run.instance.daemon.ctx = &run;
    if (run.args.test)
        status = test(&run);
    else if (run.args.signal)
        status = send_signal(&run);
    else
        status = cs_daemon_run(&run.instance.daemon);
    cs_instance_deinit(&run.instance);
    return status;
}
