/* demo: make certificates, write the server block, start gateway and backend as children, let
 * the story be told, wait, and leave nothing behind. */
#include "cmd/demo.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/demo_backend.h"
#include "cmd/report.h"
#include "daemon/supervisor.h"
#include "io/file.h"
#include "io/process.h"
#include "io/socket.h"

#define START_MS 10000

/* The transcript */

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[1;32m"
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

static const char *paint(const struct cs_demo *demo, const char *code)
{
    return demo->colour ? code : "";
}

void cs_demo_say(const struct cs_demo *demo, bool ok, const char *fmt, ...)
{
    va_list ap;

    printf("  %s%s%s ", paint(demo, ok ? GREEN : RED), ok ? "✓" : "✗", paint(demo, PLAIN));
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void cs_demo_title(const struct cs_demo *demo, const char *fmt, ...)
{
    va_list ap;

    printf("\n%s", paint(demo, BOLD));
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("%s\n", paint(demo, PLAIN));
}

void cs_demo_note(const struct cs_demo *demo, const char *fmt, ...)
{
    va_list ap;

    printf("    %s", paint(demo, DIM));
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("%s\n", paint(demo, PLAIN));
}

static int trouble(const char *what, int r)
{
    fprintf(stderr, "countersign demo: %s: %s\n", what, strerror(-r));
    return r;
}

/* The stage */

int cs_demo_listen(struct cs_addr *ret_addr, int *ret_fd)
{
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    struct cs_addr addr;
    int r = cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &addr);

    r = r ? r : cs_listen_open(&addr, &options, ret_fd);
    return r ? r : cs_socket_local(*ret_fd, ret_addr);
}

static int write_config(const struct cs_demo *demo, struct cs_buf *text)
{
    char path[128];
    const char *d = demo->folder;
    int r = cs_buf_addf(text,
                        "server {\n"
                        "    listen 127.0.0.1:%u ssl;\n"
                        "    server_name localhost;\n"
                        "    ssl_certificate        %s/server.crt;\n"
                        "    ssl_certificate_key    %s/server.key;\n"
                        "    ssl_client_certificate %s/ca.crt;\n"
                        "    ssl_crl                %s/ca.crl;\n"
                        "    ssl_verify_client on;\n"
                        "    location / {\n"
                        "        proxy_pass http://127.0.0.1:%u;\n"
                        "        proxy_set_header X-Client-Verify      $ssl_client_verify;\n"
                        "        proxy_set_header X-Client-DN          $ssl_client_s_dn;\n"
                        "        proxy_set_header X-Client-ID          $ssl_client_spiffe_id;\n"
                        "        proxy_set_header X-Client-Serial      $ssl_client_serial;\n"
                        "        proxy_set_header X-Client-Fingerprint "
                        "$ssl_client_fingerprint_sha256;\n"
                        "    }\n"
                        "}\n",
                        cs_addr_port(&demo->gateway), d, d, d, d, cs_addr_port(&demo->backend));

    snprintf(path, sizeof(path), "%s/gateway.conf", d);
    return r ? r : cs_file_write(path, cs_buf_str(text), 0644);
}

static void follow_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
        _exit(1);
}

static int start_backend(struct cs_demo *demo)
{
    pid_t parent = getpid();
    int fd, r = cs_demo_listen(&demo->backend, &fd);

    if (r < 0)
        return r;
    demo->served = mmap(NULL, sizeof(*demo->served), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (demo->served == MAP_FAILED)
        return -errno;
    demo->backend_pid = cs_process_fork();
    if (demo->backend_pid == 0) {
        follow_parent(parent);
        cs_demo_backend_run(fd, demo->served);
    }
    close(fd);
    return demo->backend_pid < 0 ? demo->backend_pid : 0;
}

static void report_errors(void *ctx, const struct cs_findings *findings)
{
    cs_report_findings(findings, CS_SEVERITY_ERROR, CS_EXPLAIN_TEXT, stderr);
}

static void complain(void *ctx, const char *what)
{
    fprintf(stderr, "countersign demo: %s\n", what);
}

/* In the gateway's process: all workers serve. */
static void tell_serving(void *ctx)
{
    const int *fd = ctx;

    if (write(*fd, "", 1) != 1)
        _exit(1);
}

static _Noreturn void be_gateway(const struct cs_demo *demo, const char *name, int serving_fd)
{
    struct cs_arena arena = {0};
    const char *d = demo->folder;
    struct cs_daemon_spec spec = {
        .pid_path = cs_arena_printf(&arena, "%s.pid", name),
        .report = report_errors,
        .complain = complain,
        .serving = tell_serving,
        .ctx = &serving_fd,
    };

    spec.snapshot.prefix = cs_arena_printf(&arena, "%s/", d);
    spec.snapshot.config_path = cs_arena_printf(&arena, "%s/%s.conf", d, name);
    spec.snapshot.error_log = cs_arena_printf(&arena, "%s/%s.log", d, name);
    spec.snapshot.globals =
        cs_arena_printf(&arena, "worker_processes 2; error_log %s/%s.log info;", d, name);
    spec.snapshot.unprivileged = geteuid() != 0;
    exit(cs_daemon_run(&spec)); /* the arena goes with the process */
}

/* Whether the gateway has said that it serves. */
static int wait_serving(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    char byte;

    if (poll(&pfd, 1, START_MS) == 1 && read(fd, &byte, 1) == 1)
        return 0;
    return -ECHILD;
}

int cs_demo_gateway(const struct cs_demo *demo, const char *name, pid_t *ret_pid)
{
    pid_t parent = getpid();
    int ends[2], r;

    if (pipe(ends) < 0)
        return -errno;
    *ret_pid = cs_process_fork();
    if (*ret_pid == 0) {
        close(ends[0]);
        follow_parent(parent);
        be_gateway(demo, name, ends[1]);
    }
    close(ends[1]);
    r = *ret_pid < 0 ? *ret_pid : wait_serving(ends[0]);
    close(ends[0]);
    return r;
}

static int start_gateway(struct cs_demo *demo)
{
    struct cs_buf config;
    int fd, r = cs_demo_listen(&demo->gateway, &fd);

    if (r < 0)
        return r;
    close(fd); /* only its port was wanted */
    cs_buf_init(&config, 16 << 10);
    r = write_config(demo, &config);
    cs_buf_deinit(&config);
    return r < 0 ? r : cs_demo_gateway(demo, "gateway", &demo->gateway_pid);
}

static int set_stage(struct cs_demo *demo)
{
    int r;

    snprintf(demo->folder, sizeof(demo->folder), "/tmp/countersign-demo.XXXXXX");
    if (!mkdtemp(demo->folder)) {
        r = -errno;
        demo->folder[0] = '\0';
        return trouble("cannot make a folder in /tmp", r);
    }
    if (chmod(demo->folder, 0711) < 0) /* processes of another account have folders in it */
        return trouble("chmod", -errno);
    r = cs_demo_pki_make(&demo->pki, demo->folder, time(NULL));
    if (r < 0)
        return trouble("cannot make certificates", r);
    r = start_backend(demo);
    if (r < 0)
        return trouble("cannot start the backend", r);
    r = start_gateway(demo);
    return r < 0 ? trouble("the gateway did not start", r) : 0;
}

static void end_process(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

static void clear_stage(struct cs_demo *demo)
{
    end_process(demo->automatic_pid);
    end_process(demo->gateway_pid);
    end_process(demo->backend_pid);
    cs_demo_pki_deinit(&demo->pki);
    if (demo->folder[0])
        nftw(demo->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The play */

static void print_opening(const struct cs_demo *demo)
{
    struct cs_str rest;
    struct cs_buf config;
    char path[128];

    snprintf(path, sizeof(path), "%s/gateway.conf", demo->folder);
    cs_demo_title(demo, "countersign %s: mutual TLS, shown", CS_VERSION);
    printf("Two CAs, a server and four clients were made in %s.\n"
           "The gateway runs with this configuration, a backend behind it:\n\n",
           demo->folder);
    if (cs_file_read(path, 64 << 10, &config) < 0)
        return;
    rest = cs_buf_str(&config);
    while (rest.len) {
        struct cs_str one = cs_str_cut(&rest, '\n');
        cs_demo_note(demo, "%.*s", CS_FMT(one));
    }
    cs_buf_deinit(&config);
}

enum { ALL = CS_DEMO_STORIES + CS_DEMO_CA_STEPS };

static void print_closing(const struct cs_demo *demo, unsigned n)
{
    cs_demo_title(demo, "%u of %u went as they should", n, ALL);
}

static void print_curl(const struct cs_demo *demo)
{
    static const struct {
        const char *client, *what;
    } tries[] = {
        {"alice", "let in"},
        {NULL, "refused: no certificate"},
        {"mallory", "refused: another CA"},
        {"bob", "refused: expired"},
        {"carol", "refused: revoked"},
    };
    const char *d = demo->folder;

    printf("\nThe gateway goes on. Try it by hand:\n\n");
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        printf("  %s# %s%s\n  curl --cacert %s/ca.crt", paint(demo, DIM), tries[i].what,
               paint(demo, PLAIN), d);
        if (tries[i].client)
            printf(" --cert %s/%s.crt --key %s/%s.key", d, tries[i].client, d, tries[i].client);
        printf(" https://localhost:%u/hello\n", cs_addr_port(&demo->gateway));
    }
    printf("  %s# what the gateway says about them%s\n  tail -f %s/gateway.log\n", paint(demo, DIM),
           paint(demo, PLAIN), d);
    printf("\nCtrl-C ends it and removes the folder.\n");
}

/* Signals wait until there is time for them, so that nothing is left behind. */
static void hold_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGCHLD);
    sigprocmask(SIG_BLOCK, set, NULL);
}

/* Until the user has seen enough, or a child has ended by itself. */
static int wait_for_end(const sigset_t *set)
{
    int signo = sigwaitinfo(set, NULL);

    while (signo < 0 && errno == EINTR)
        signo = sigwaitinfo(set, NULL);
    if (signo != SIGCHLD)
        return CS_EXIT_OK;
    fprintf(stderr, "countersign demo: the gateway or the backend has ended\n");
    return CS_EXIT_FAILED;
}

int cs_cmd_demo(const struct cs_line *line)
{
    struct cs_demo demo = {.colour = cs_report_colour(stdout)};
    int status = CS_EXIT_FAILED;
    sigset_t signals;
    unsigned n;

    hold_signals(&signals);
    if (set_stage(&demo) == 0) {
        print_opening(&demo);
        n = cs_demo_story(&demo) + cs_demo_ca_story(&demo);
        hold_signals(&signals); /* who enrolled took them for itself meanwhile */
        print_closing(&demo, n);
        status = n == ALL ? CS_EXIT_OK : CS_EXIT_FAILED;
        if (!cs_line_has(line, CS_OPT_ONCE)) {
            print_curl(&demo);
            fflush(stdout);
            status = wait_for_end(&signals);
        }
    }
    fflush(stdout);
    clear_stage(&demo);
    return status;
}
