/* Two ways to the same spec: countersign's paths are those of any command (relative to where
 * one stands), nginx's are relative to its prefix. */
#include "cmd/instance.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/level.h"
#include "cmd/command.h"
#include "cmd/nginx_args.h"
#include "io/process.h"

static struct cs_str absolute(struct cs_arena *arena, struct cs_str path)
{
    char cwd[4096];

    if (cs_str_starts(path, CS_STR("/")) || !getcwd(cwd, sizeof(cwd)))
        return cs_arena_dup(arena, path);
    return cs_arena_printf(arena, "%s/%.*s", cwd, CS_FMT(path));
}

/* The absolute path of a folder, ending in "/". */
static struct cs_str folder(struct cs_arena *arena, struct cs_str path)
{
    path = absolute(arena, path);
    return cs_str_ends(path, CS_STR("/")) ? path : cs_arena_cat(arena, path, CS_STR("/"));
}

static struct cs_str folder_of(struct cs_str file)
{
    return cs_str_sub(file, 0, (size_t)(cs_str_rfind(file, '/') + 1));
}

/* "stderr" is no file. The text ends in a NUL. */
static struct cs_str log_path(struct cs_arena *arena, struct cs_str path, struct cs_str prefix)
{
    if (!cs_str_eq(path, CS_STR("stderr")))
        path = cs_config_path(path, prefix, arena);
    return cs_arena_dup(arena, path);
}

void cs_instance_init(struct cs_instance *instance, const struct cs_line *line)
{
    struct cs_snapshot_options *options = &instance->daemon.snapshot;
    struct cs_str config = cs_str_from(line->values[CS_OPT_CONFIG]);
    struct cs_str prefix = cs_str_from(line->values[CS_OPT_PREFIX]);
    struct cs_str error_log = cs_str_from(line->values[CS_OPT_ERROR_LOG]);
    bool built_in = config.len == 0;

    *instance = (struct cs_instance){0};
    if (built_in)
        config = CS_STR(CS_DEFAULT_CONFIG);
    instance->shown_config = cs_arena_dup(&instance->arena, config);
    if (prefix.len) {
        options->prefix = folder(&instance->arena, prefix);
        options->config_path = cs_config_path(config, options->prefix, &instance->arena);
    } else {
        options->config_path = absolute(&instance->arena, config);
        options->prefix = cs_arena_dup(&instance->arena, folder_of(options->config_path));
    }
    options->globals = cs_str_from(line->values[CS_OPT_GLOBALS]);
    options->error_log =
        log_path(&instance->arena, error_log.len ? error_log : CS_STR("stderr"), options->prefix);
    instance->usual_place = built_in && !prefix.len;
    options->built_sec = CS_BUILT_SEC;
    options->error_log_level = CS_LOG_INFO; /* whoever is turned away appears there */
    options->unprivileged = geteuid() != 0;
    instance->daemon.pid_path =
        instance->usual_place ? CS_STR(CS_DEFAULT_PID) : CS_STR("countersign.pid");
}

void cs_instance_init_nginx(struct cs_instance *instance, const struct cs_nginx_args *args)
{
    struct cs_snapshot_options *options = &instance->daemon.snapshot;
    const char *prefix = args->prefix ? args->prefix : CS_NGINX_PREFIX;
    const char *config = args->config ? args->config : CS_NGINX_CONFIG;

    *instance = (struct cs_instance){0};
    options->prefix = folder(&instance->arena, cs_str_from(prefix));
    options->config_path = cs_config_path(cs_str_from(config), options->prefix, &instance->arena);
    instance->shown_config = options->config_path;
    options->built_sec = CS_BUILT_SEC;
    options->globals = cs_str_from(args->globals);
    options->error_log = log_path(
        &instance->arena, cs_str_from(args->error_log ? args->error_log : CS_NGINX_ERROR_LOG),
        options->prefix);
    options->unprivileged = geteuid() != 0;
    options->default_access_log =
        log_path(&instance->arena, CS_STR(CS_NGINX_ACCESS_LOG), options->prefix);
    instance->daemon.log_folder = cs_arena_cat(&instance->arena, options->prefix, CS_STR("logs/"));
    instance->daemon.background = true;
    instance->daemon.pid_path = CS_STR(CS_NGINX_PID);
}

void cs_instance_deinit(struct cs_instance *instance)
{
    cs_arena_deinit(&instance->arena);
}

void cs_instance_advise(const struct cs_instance *instance, FILE *stream)
{
    if (instance->usual_place && access(CS_DEFAULT_CONFIG, F_OK) < 0)
        fprintf(stream,
                "  hint: name a configuration with -c FILE; \"countersign demo\" needs none\n");
}

const char *cs_instance_absence(struct cs_instance *instance, const char *directive)
{
    struct cs_arena *arena = &instance->arena;
    struct cs_str path = cs_arena_dup(arena, instance->daemon.snapshot.config_path);

    if (access(path.ptr, R_OK) < 0)
        return cs_arena_printf(arena, "the configuration \"%.*s\" cannot be read: %s", CS_FMT(path),
                               strerror(errno))
            .ptr;
    return cs_arena_printf(arena,
                           "no gateway runs with this configuration, or %s has changed since it "
                           "started",
                           directive)
        .ptr;
}

int cs_instance_load(const struct cs_instance *instance, bool check, struct cs_findings *findings,
                     struct cs_snapshot **ret_snapshot)
{
    struct cs_snapshot_options options = instance->daemon.snapshot;

    options.check = check;
    options.now_sec = time(NULL);
    return cs_snapshot_load(&options, findings, ret_snapshot);
}

/* The main level is believed even if other parts of the file are broken: whoever has a broken file
 * and a running gateway must still be able to stop it. */
static struct cs_core_settings read_core(struct cs_instance *instance)
{
    struct cs_core_settings core = {0};
    struct cs_findings findings;
    struct cs_config *config;

    cs_findings_init(&findings, &instance->arena);
    if (cs_snapshot_read(&instance->daemon.snapshot, &instance->arena, &findings, &config) == 0)
        cs_core_resolve(config, &instance->arena, &core);
    return core;
}

struct cs_str cs_instance_control_path(struct cs_instance *instance)
{
    struct cs_core_settings core = read_core(instance);

    return cs_daemon_control_path(&instance->daemon, &core, &instance->arena);
}

/* The name of the program that process @pid runs, in @buf; NULL when it cannot be told. */
static const char *program_of(const char *pid, char *buf, size_t size)
{
    char path[64], *end, *slash;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%s/exe", pid);
    n = readlink(path, buf, size - 1);
    if (n < 0)
        return NULL;
    buf[n] = '\0';
    end = strstr(buf, " (deleted)"); /* it was installed anew since */
    if (end)
        *end = '\0';
    slash = strrchr(buf, '/');
    return slash ? slash + 1 : buf;
}

/* Whether @pid may be what wrote the pid file: a number is given to other processes later. An
 * nginx whose place we took counts too. Otherwise errno is ESRCH. */
static bool may_be_gateway(pid_t pid)
{
    char number[16], theirs[4096], ours[4096];
    const char *program, *own = program_of("self", ours, sizeof(ours));

    snprintf(number, sizeof(number), "%d", (int)pid);
    program = program_of(number, theirs, sizeof(theirs));
    if (!program && errno != ENOENT)
        return true; /* not ours to look at: let kill() judge */
    errno = ESRCH;
    return program && (!own || strcmp(program, own) == 0 || strcmp(program, "nginx") == 0);
}

enum cs_signalled cs_instance_signal(struct cs_instance *instance, int signo,
                                     struct cs_str *ret_path, int *ret_pid, int *ret_errno)
{
    struct cs_core_settings core = read_core(instance);
    struct cs_str path = cs_arena_dup(
        &instance->arena, cs_daemon_pid_path(&instance->daemon, &core, &instance->arena));
    pid_t pid;
    int r = cs_pidfile_read(path.ptr, &pid);

    *ret_path = path;
    *ret_errno = -r;
    if (r == -EBADMSG)
        return CS_SIGNAL_BAD_PID_FILE;
    if (r < 0)
        return CS_SIGNAL_NO_PID_FILE;
    *ret_pid = pid;
    if (may_be_gateway(pid) && kill(pid, signo) == 0)
        return CS_SIGNALLED;
    *ret_errno = errno;
    return CS_SIGNAL_FAILED;
}
