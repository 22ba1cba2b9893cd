/* What the command line says about one gateway: which configuration, where paths start, what
 * is built in; under the name countersign and under the name nginx. */
#ifndef CS_CMD_INSTANCE_H
#define CS_CMD_INSTANCE_H

#include <stdio.h>

#include "base/arena.h"
#include "daemon/supervisor.h"

struct cs_line;
struct cs_nginx_args;

struct cs_instance {
    struct cs_arena arena; /* owns the texts */
    struct cs_daemon_spec daemon;
    struct cs_str shown_config; /* as typed, for summaries */
    bool usual_place;           /* none was named: it is the built-in one */
};

/** cs_instance_init() - the gateway that `countersign COMMAND` is about: the file is -c, behind
 *  the prefix if -p is given and in the current folder otherwise; paths in it start at the
 *  prefix, or at its own folder. */
void cs_instance_init(struct cs_instance *instance, const struct cs_line *line);
/** cs_instance_init_nginx() - the same for nginx's options: everything relative starts at the
 *  prefix, which is built in unless -p is given. */
void cs_instance_init_nginx(struct cs_instance *instance, const struct cs_nginx_args *args);
/** cs_instance_deinit() - free the texts. */
void cs_instance_deinit(struct cs_instance *instance);

/** cs_instance_load() - the configuration and all it names, checked whole; @check also looks
 *  for what will hurt later. As cs_snapshot_load(). */
int cs_instance_load(const struct cs_instance *instance, bool check, struct cs_findings *findings,
                     struct cs_snapshot **ret_snapshot);

/** cs_instance_advise() - a hint on @stream for whoever named no configuration, when there is none
 * at the built-in place. */
void cs_instance_advise(const struct cs_instance *instance, FILE *stream);
/** cs_instance_absence() - why no gateway may be where the configuration says, as a hint: that
 * cannot be read, or else @directive has changed. Lives in the instance's arena. */
const char *cs_instance_absence(struct cs_instance *instance, const char *directive);

/** cs_instance_control_path() - where the gateway's control socket is, worked out from the
 *  configuration, errors in it notwithstanding; in the instance's arena, with a NUL behind it.
 * Empty: there is none. */
struct cs_str cs_instance_control_path(struct cs_instance *instance);

/* How sending a signal to a running gateway went. */
enum cs_signalled {
    CS_SIGNALLED,
    CS_SIGNAL_NO_PID_FILE,  /* errno says why */
    CS_SIGNAL_BAD_PID_FILE, /* there is no number in it */
    CS_SIGNAL_FAILED,       /* kill(): errno says why; ESRCH: the file is stale, the process it
                               names has gone or is another program */
};

/** cs_instance_signal() - send @signo to the process in the gateway's pid file. The file's path
 *  is worked out from the configuration, errors in it notwithstanding; it is in *ret_path
 *  (in the instance's arena), the process id in *ret_pid if there was one.
 *  Return: how it went, with a positive errno in *ret_errno if it did not. */
enum cs_signalled cs_instance_signal(struct cs_instance *instance, int signo,
                                     struct cs_str *ret_path, int *ret_pid, int *ret_errno);

#endif
