/* Forked workers, each with its own set of short cuts, on sockets that stay. */
#include "crew.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "clock.h"
#include "explain/finding.h"
#include "gateway/worker.h"

/* What OpenSSL's side of the seam does not have. */
static bool exists(enum cs_fast_path path)
{
#ifdef OPENSSL_IS_AWSLC
    return true;
#else
    return path != CS_FAST_BUFFERS && path != CS_FAST_RETAIN && path != CS_FAST_SHED;
#endif
}

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    cs_assert(fd >= 0 && bind(fd, (struct sockaddr *)&addr, len) == 0 && listen(fd, 64) == 0);
    cs_assert(getsockname(fd, (struct sockaddr *)&addr, &len) == 0);
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

static void add_way(struct crew *crew, const char *name, unsigned left_out)
{
    struct way *way = &crew->ways[crew->n];

    *way = (struct way){.name = name, .left_out = left_out};
    way->listen_fd = listen_somewhere(&way->port);
    snprintf(way->log, sizeof(way->log), "%s/%d.log", crew->folder, crew->n);
    crew->n++;
}

void crew_init(struct crew *crew, struct world *world, const char *folder)
{
    *crew = (struct crew){.world = world, .folder = folder};
    add_way(crew, "every short cut", 0);
    for (unsigned i = 0; i < CS_FAST_N_PATHS; i++) {
        if (exists((enum cs_fast_path)i))
            add_way(crew, without_name((enum cs_fast_path)i), 1u << i);
    }
    add_way(crew, "all", (1u << CS_FAST_N_PATHS) - 1);
}

void crew_deinit(struct crew *crew)
{
    for (int i = 0; i < crew->n; i++)
        close(crew->ways[i].listen_fd);
}

static void print_findings(const struct cs_findings *findings)
{
    struct cs_buf line;

    cs_buf_init(&line, 1 << 16);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        cs_buf_reset(&line);
        cs_explain_line(f, &line);
        fprintf(stderr, "# %s\n", cs_buf_cstr(&line));
    }
    cs_buf_deinit(&line);
}

static int serve(const struct crew *crew, const struct way *way, struct cs_str config)
{
    struct cs_worker_spec spec = {
        .listen_fds = &way->listen_fd, .error_log_fd = 2, .channel_fd = -1};
    struct cs_findings findings;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (unsigned i = 0; i < CS_FAST_N_PATHS; i++) {
        if (way->left_out & 1u << i)
            without_path((enum cs_fast_path)i);
    }
    cs_findings_init(&findings, &crew->world->arena);
    crew->world->options.now_sec = clock_sec();
    spec.snapshot = world_load(crew->world, config, &findings);
    if (!spec.snapshot)
        print_findings(&findings);
    return spec.snapshot ? cs_worker_run(&spec) : 3;
}

void crew_start(struct crew *crew, struct cs_str (*make_config)(void *ctx, const char *log),
                void *ctx)
{
    for (int i = 0; i < crew->n; i++) {
        struct way *way = &crew->ways[i];
        struct cs_str config = make_config(ctx, way->log);
        cs_assert(truncate(way->log, 0) == 0 || errno == ENOENT);
        way->pid = fork();
        cs_assert(way->pid >= 0);
        if (way->pid == 0)
            _exit(serve(crew, way, config));
    }
}

bool crew_stop(struct crew *crew)
{
    bool good = true;

    for (int i = 0; i < crew->n; i++) {
        int status = -1;
        kill(crew->ways[i].pid, SIGTERM);
        cs_assert(waitpid(crew->ways[i].pid, &status, 0) == crew->ways[i].pid);
        if (status != 0)
            fprintf(stderr, "# without %s: the worker ended with status %#x\n", crew->ways[i].name,
                    (unsigned)status);
        good = good && status == 0;
    }
    return good;
}
