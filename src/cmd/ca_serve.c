/* ca serve: the authority by itself, without a gateway, in the foreground: as whoever runs it, or,
 * begun by root, as an account of its own. Keys are read again when the CA has others, so root
 * waits, and reads nothing that comes from outside. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/ca.h"
#include "cmd/options.h"
#include "config/tree.h"
#include "daemon/account.h"
#include "enrol/server.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/socket.h"

enum { LISTENS_MAX = 2, AGAIN = 75 };

struct service {
    struct cs_ca_job *job;
    struct cs_server_listen listens[LISTENS_MAX];
    size_t n_listens;
    struct cs_sinks sinks;
    struct cs_log_target target;
    struct cs_log log;
    struct cs_user user; /* whom to become */
    bool becomes;        /* another account than root */
    bool is_ending;      /* was told to */
};

static int listen_at(struct service *s, enum cs_option option, bool tls)
{
    const char *value = s->job->line->values[option];
    struct cs_addr addr;
    struct cs_str host;
    uint16_t port = 0;
    int fd, r;

    if (!value)
        return CS_EXIT_OK;
    if (cs_options_target(cs_str_from(value), &host, &port) < 0 ||
        cs_addr_parse_ip(host, port, &addr) < 0)
        return cs_ca_job_usage(s->job, "--%s wants ADDR:PORT, as in 127.0.0.1:9443 or [::]:9443",
                               cs_option_rows()[option].name);
    r = cs_listen_open(&addr, &CS_LISTEN_DEFAULT, &fd);
    if (r < 0) {
        fprintf(stderr, "countersign %s: bind() to %s failed (%d: %s)\n", s->job->name, value, -r,
                strerror(-r));
        return CS_EXIT_FAILED;
    }
    s->listens[s->n_listens++] = (struct cs_server_listen){fd, tls};
    return CS_EXIT_OK;
}

static int open_listens(struct service *s)
{
    int status = listen_at(s, CS_OPT_LISTEN, true);

    status = status ? status : listen_at(s, CS_OPT_PLAIN, false);
    if (status == CS_EXIT_OK && s->n_listens == 0)
        status = cs_ca_job_usage(s->job, "--listen ADDR:PORT is missing");
    return status;
}

static int open_log(struct service *s)
{
    cs_sinks_init(&s->sinks);
    s->target.level = CS_LOG_INFO;
    s->log = (struct cs_log){&s->target, 1};
    return cs_sinks_open(&s->sinks, "stderr", &s->target.sink) < 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
}

/* ---- the account ---- */

static int complain(const struct service *s, const struct cs_account_trouble *trouble)
{
    fprintf(stderr, "countersign %s: %s\n", s->job->name, trouble->what);
    if (trouble->hint)
        fprintf(stderr, "  hint: %s\n", trouble->hint);
    return CS_EXIT_FAILED;
}

/* As root: whom to become, who is given the folder. */
static int choose_account(struct service *s, const struct cs_ca_options *options)
{
    const struct cs_directive *d = options->block ? cs_block_find(options->block, "user") : NULL;
    const char *named = s->job->line->values[CS_OPT_USER];
    struct cs_str user = named ? cs_str_from(named)
                         : d   ? cs_directive_arg(d, 0)
                               : (struct cs_str){0};
    struct cs_str group = d && !named ? cs_directive_arg(d, 1) : (struct cs_str){0};
    struct cs_account_trouble trouble;

    if (geteuid() != 0)
        return named ? cs_ca_job_usage(s->job, "only root can become another account (--user)")
                     : CS_EXIT_OK;
    if (cs_account_find(user, group, options->dir, &s->user, &trouble) < 0 ||
        cs_account_give(options->dir, &s->user, &trouble) < 0)
        return complain(s, &trouble);
    s->becomes = s->user.uid != 0;
    return CS_EXIT_OK;
}

static int give_up_rights(const struct service *s, const struct cs_ca_options *options)
{
    struct cs_account_trouble trouble;

    if (!s->becomes)
        return cs_process_seal() < 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
    if (cs_account_become(options->dir, &s->user, &trouble) < 0)
        return complain(s, &trouble);
    return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? CS_EXIT_FAILED : CS_EXIT_OK; /* with root */
}

/* ---- serving ---- */

/* Return: exit status; AGAIN: the CA has other certificates or keys, and is to be opened again. */
static int serve_once(struct service *s, const struct cs_ca_options *options)
{
    const struct cs_enrol_spec spec = {.dir = options->dir,
                                       .passphrase = options->passphrase,
                                       .public_url = options->public_url,
                                       .block = options->block,
                                       .listens = s->listens,
                                       .n_listens = s->n_listens,
                                       .log = &s->log};
    struct cs_enrol_server *server;
    int status, r = 0;

    if (cs_enrol_open(&spec, &s->job->findings, &server) != 0)
        return CS_EXIT_FAILED;
    status = give_up_rights(s, options);
    if (status == CS_EXIT_OK)
        r = cs_enrol_run(server);
    cs_enrol_close(server);
    if (r == CS_ENROL_AGAIN)
        return AGAIN;
    return r < 0 ? CS_EXIT_FAILED : status;
}

static void block_signals(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGQUIT);
    sigaddset(ret_set, SIGUSR1);
    sigaddset(ret_set, SIGCHLD);
    sigprocmask(SIG_BLOCK, ret_set, NULL);
}

/* Pass on what we are told until @pid has ended. Return: its exit status. */
static int attend(struct service *s, pid_t pid, const sigset_t *set)
{
    siginfo_t info;
    int status = 0;

    for (;;) {
        int signo = sigwaitinfo(set, &info);
        if (signo == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
            break;
        if (signo > 0 && signo != SIGCHLD) {
            s->is_ending = s->is_ending || signo != SIGUSR1;
            kill(pid, signo);
        }
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (s->is_ending)
        return CS_EXIT_OK;
    fprintf(stderr, "countersign %s: its process ended on signal %d\n", s->job->name,
            WTERMSIG(status));
    return CS_EXIT_FAILED;
}

/* As root: one process after the other, each of which opens the CA and becomes somebody else.
 * Signals stay blocked in it until the server takes them. */
static int serve_as(struct service *s, const struct cs_ca_options *options)
{
    sigset_t set;
    int status;

    if (cs_process_seal() < 0)
        return CS_EXIT_FAILED;
    block_signals(&set);
    do {
        pid_t pid;
        fflush(NULL);
        pid = fork();
        if (pid == 0)
            return serve_once(s, options);
        if (pid < 0)
            return cs_ca_job_status(s->job, -errno);
        status = attend(s, pid, &set);
    } while (status == AGAIN && !s->is_ending);
    return status == AGAIN ? CS_EXIT_OK : status;
}

static int serve(struct service *s, const struct cs_ca_options *options)
{
    int status;

    if (s->becomes)
        return serve_as(s, options);
    do
        status = serve_once(s, options);
    while (status == AGAIN);
    return status;
}

int cs_cmd_ca_serve(const struct cs_line *line)
{
    struct cs_ca_options options;
    struct cs_ca_job job;
    struct service s = {.job = &job};
    int status = cs_ca_job_begin(&job, line);

    cs_signals_ignore_pipe();
    status = status ? status : cs_ca_job_options(&job, 0, &options);
    status = status ? status : open_log(&s);
    status = status ? status : open_listens(&s);
    status = status ? status : choose_account(&s, &options);
    status = status ? status : serve(&s, &options);
    for (size_t i = 0; i < s.n_listens; i++)
        close(s.listens[i].fd);
    if (s.target.sink)
        cs_sinks_deinit(&s.sinks);
    return cs_ca_job_end(&job, status);
}
