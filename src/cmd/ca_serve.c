/* ca serve: the authority by itself, without a gateway: in the foreground, as whoever runs it. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/ca.h"
#include "cmd/options.h"
#include "enrol/server.h"
#include "io/process.h"
#include "io/signals.h"
#include "io/socket.h"

enum { LISTENS_MAX = 2 };

struct service {
    struct cs_ca_job *job;
    struct cs_server_listen listens[LISTENS_MAX];
    size_t n_listens;
    struct cs_sinks sinks;
    struct cs_log_target target;
    struct cs_log log;
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

/* Until it is told to stop; when the CA has other keys it is opened again. */
static int serve(struct service *s, const struct cs_ca_options *options)
{
    const struct cs_enrol_spec spec = {.dir = options->dir,
                                       .passphrase = options->passphrase,
                                       .public_url = options->public_url,
                                       .block = options->block,
                                       .listens = s->listens,
                                       .n_listens = s->n_listens,
                                       .log = &s->log};
    struct cs_enrol_server *server;
    int r;

    do {
        if (cs_enrol_open(&spec, &s->job->findings, &server) != 0)
            return CS_EXIT_FAILED;
        r = cs_process_seal();
        r = r < 0 ? r : cs_enrol_run(server);
        cs_enrol_close(server);
    } while (r == CS_ENROL_AGAIN);
    return r < 0 ? CS_EXIT_FAILED : CS_EXIT_OK;
}

/* Keys are read again when the CA has others, so that whoever begins as root stays it. */
static void warn_of_root(const struct cs_ca_options *options)
{
    if (geteuid() == 0)
        fprintf(stderr,
                "countersign ca serve: warning: it runs as root\n"
                "  hint: start it as the account that owns \"%s\", or let countersign run do it "
                "(authority), which gives root up\n",
                options->dir);
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
    if (!status)
        warn_of_root(&options);
    status = status ? status : serve(&s, &options);
    for (size_t i = 0; i < s.n_listens; i++)
        close(s.listens[i].fd);
    if (s.target.sink)
        cs_sinks_deinit(&s.sinks);
    return cs_ca_job_end(&job, status);
}
