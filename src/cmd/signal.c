/* reload, stop, quit, reopen: a signal to the process in the pid file. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/instance.h"
#include "cmd/report.h"

static int send_signal(struct cs_instance *instance, const char *command, int signo)
{
    struct cs_str path;
    int pid = 0, error = 0;

    switch (cs_instance_signal(instance, signo, &path, &pid, &error)) {
    case CS_SIGNALLED: return CS_EXIT_OK;
    case CS_SIGNAL_NO_PID_FILE:
        fprintf(stderr, "countersign %s: cannot read the pid file \"%.*s\": %s\n", command,
                CS_FMT(path), strerror(error));
        if (error == ENOENT)
            fprintf(stderr, "  hint: %s\n", cs_instance_absence(instance, "its pid directive"));
        break;
    case CS_SIGNAL_BAD_PID_FILE:
        fprintf(stderr, "countersign %s: there is no process id in \"%.*s\"\n", command,
                CS_FMT(path));
        break;
    case CS_SIGNAL_FAILED:
        fprintf(stderr, "countersign %s: cannot signal process %d: %s\n", command, pid,
                strerror(error));
        if (error == ESRCH)
            fprintf(stderr, "  hint: \"%.*s\" was left behind by a gateway that was killed\n",
                    CS_FMT(path));
        break;
    }
    return CS_EXIT_FAILED;
}

static int signal_command(const struct cs_line *line, int signo)
{
    struct cs_instance instance;
    int status;

    cs_instance_init(&instance, line);
    status = send_signal(&instance, line->command->name, signo);
    cs_instance_deinit(&instance);
    return status;
}

/* Whether the configuration may be taken up; what speaks against it is printed. */
static bool is_sound(const struct cs_instance *instance)
{
    struct cs_snapshot *snapshot = NULL;
    struct cs_findings findings;
    struct cs_arena arena = {0};
    bool sound;

    cs_findings_init(&findings, &arena);
    sound = cs_instance_load(instance, false, &findings, &snapshot) == 0;
    cs_report_findings(&findings, CS_SEVERITY_WARNING, CS_EXPLAIN_TEXT, stderr);
    if (!sound)
        cs_report_summary(&findings, instance->shown_config, stderr);
    cs_instance_advise(instance, stderr);
    cs_snapshot_unref(snapshot);
    cs_arena_deinit(&arena);
    return sound;
}

int cs_cmd_reload(const struct cs_line *line)
{
    struct cs_instance instance;
    int status = CS_EXIT_FAILED;

    cs_instance_init(&instance, line);
    if (is_sound(&instance))
        status = send_signal(&instance, "reload", SIGHUP);
    else
        fprintf(stderr, "countersign reload: nothing was reloaded\n");
    cs_instance_deinit(&instance);
    return status;
}

int cs_cmd_stop(const struct cs_line *line)
{
    return signal_command(line, SIGTERM);
}

int cs_cmd_quit(const struct cs_line *line)
{
    return signal_command(line, SIGQUIT);
}

int cs_cmd_reopen(const struct cs_line *line)
{
    return signal_command(line, SIGUSR1);
}
