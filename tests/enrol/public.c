/* public DIR PORT - serves the public documents of the CA in DIR at 127.0.0.1:PORT until it is told
 * to stop: the authority's server alone, for scenarios whose subject is what it answers. */
#include <stdio.h>

#include "enrol/server.h"
#include "explain/finding.h"
#include "io/socket.h"

static void print_why(const struct cs_findings *findings)
{
    struct cs_buf line;

    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        cs_buf_init(&line, 4096);
        (void)cs_explain_line(f, &line);
        fprintf(stderr, "%.*s\n", CS_FMT(cs_buf_str(&line)));
        cs_buf_deinit(&line);
    }
}

/* The CA may change its certificates meanwhile: then it is opened again. */
static int serve(const struct cs_enrol_spec *spec, struct cs_arena *arena)
{
    struct cs_enrol_server *server;
    struct cs_findings findings;
    int r;

    do {
        cs_findings_init(&findings, arena);
        r = cs_enrol_open(spec, &findings, &server);
        if (r != 0) {
            print_why(&findings);
            return 1;
        }
        r = cs_enrol_run(server);
        cs_enrol_close(server);
    } while (r == CS_ENROL_AGAIN);
    return r != CS_ENROL_STOPPED;
}

int main(int argc, char **argv)
{
    struct cs_arena arena = {0};
    struct cs_log_target target = {.level = CS_LOG_INFO};
    const struct cs_log log = {&target, 1};
    struct cs_server_listen listen = {.tls = false};
    const struct cs_enrol_spec spec = {
        .dir = argv[1], .listens = &listen, .n_listens = 1, .log = &log};
    struct cs_sinks sinks;
    struct cs_addr addr;
    uint64_t port;
    int r;

    if (argc != 3 || cs_str_to_u64(cs_str_from(argv[2]), 65535, &port) < 0 ||
        cs_addr_parse_ip(CS_STR("127.0.0.1"), (uint16_t)port, &addr) < 0 ||
        cs_listen_open(&addr, &CS_LISTEN_DEFAULT, &listen.fd) < 0) {
        fputs("public: DIR PORT\n", stderr);
        return 2;
    }
    cs_sinks_init(&sinks);
    r = cs_sinks_open(&sinks, "stderr", &target.sink) < 0 ? 2 : serve(&spec, &arena);
    cs_sinks_deinit(&sinks);
    cs_arena_deinit(&arena);
    return r;
}
