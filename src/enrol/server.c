/* The process: open, serve, end; and what its parts have in common. */
#include "enrol/server_state.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "authority/directives.h"
#include "base/mem.h"
#include "enrol/findings.h"
#include "explain/finding.h"
#include "io/process.h"
#include "io/socket.h"
#include "serve/findings.h"
#include "x509/crl.h"

enum { LINE_MAX = 4096, HURRY_MS = 500, PATIENCE_MS = 10000, FILES = 64 /* besides connections */ };

static const struct cs_route routes[] = {
    {CS_METHOD_POST, "/v1/enrol", 0, "application/json", cs_on_enrol},
    {CS_METHOD_POST, "/v1/renew", CS_ROUTE_CLIENT, "application/json", cs_on_renew},
    {CS_METHOD_POST, "/v1/revoke", CS_ROUTE_CLIENT, "application/json", cs_on_revoke},
    {CS_METHOD_GET, "/v1/events", CS_ROUTE_CLIENT, NULL, cs_on_events},
    {CS_METHOD_GET, "/v1/health", CS_ROUTE_PLAIN, NULL, cs_on_health},
    {CS_METHOD_GET, "/ca.pem", CS_ROUTE_PLAIN, NULL, cs_on_roots},
    {CS_METHOD_GET, "/crl/{}.crl", CS_ROUTE_PLAIN, NULL, cs_on_list},
    {CS_METHOD_GET, "/crl/{}/{}.crl", CS_ROUTE_PLAIN, NULL, cs_on_list},
    {CS_METHOD_POST, "/ocsp", CS_ROUTE_PLAIN, "application/ocsp-request", cs_on_ocsp},
    {CS_METHOD_GET, "/ocsp/{*}", CS_ROUTE_PLAIN, NULL, cs_on_ocsp_path},
    {CS_METHOD_GET, "/spiffe/bundle.json", CS_ROUTE_PLAIN, NULL, cs_on_bundle},
};

/* ---- what is common ---- */

int64_t cs_enrol_now(const struct cs_enrol_server *server)
{
    return cs_now_sec(&server->loop.now);
}

static void log_text(void *ctx, enum cs_log_level level, struct cs_str text)
{
    const struct cs_enrol_server *server = ctx;

    cs_log_line(server->spec.log, level, &server->loop.now, getpid(), 0, text);
}

void cs_enrol_log(const struct cs_enrol_server *server, enum cs_log_level level, const char *fmt,
                  ...)
{
    struct cs_buf line;
    va_list ap;

    cs_buf_init(&line, LINE_MAX);
    va_start(ap, fmt);
    if (cs_buf_vaddf(&line, fmt, ap) == 0)
        log_text((void *)server, level, cs_buf_str(&line));
    va_end(ap);
    cs_buf_deinit(&line);
}

void cs_enrol_log_findings(const struct cs_enrol_server *server, const struct cs_findings *findings)
{
    struct cs_buf line;

    cs_buf_init(&line, LINE_MAX);
    for (const struct cs_finding *f = findings->first; f; f = f->next) {
        cs_buf_reset(&line);
        (void)cs_explain_line(f, &line);
        log_text((void *)server,
                 f->kind->severity == CS_SEVERITY_ERROR ? CS_LOG_ERROR : CS_LOG_NOTICE,
                 cs_buf_str(&line));
    }
    cs_buf_deinit(&line);
}

void cs_enrol_fault(const struct cs_enrol_server *server, int fault, const char *what)
{
    const char *words = cs_ca_error(server->ca);

    cs_enrol_log(server, CS_LOG_CRIT, "%s (%d: %s)", what, -fault,
                 words[0] ? words : strerror(-fault));
}

void cs_enrol_refuse_fault(struct cs_enrol_server *server, struct cs_question *question, int fault,
                           const char *what)
{
    cs_enrol_fault(server, fault, what);
    cs_findings_init(&question->findings, &question->arena);
    CS_FIND0(&question->findings, &cs_serve_found_unavailable, NULL);
    cs_question_refuse(question, 0);
}

/* ---- who has come with a certificate ---- */

static const struct cs_finding_kind *why_not(const struct cs_question *question,
                                             const struct cs_stored_cert *cert)
{
    if (!cs_str_eq(cert->der, question->client->leaf->der))
        return CS_ENROL_KIND(CLIENT_UNKNOWN);
    return cert->revoked_at ? CS_ENROL_KIND(CLIENT_REVOKED) : NULL;
}

const struct cs_stored_cert *cs_enrol_client(struct cs_enrol_server *server,
                                             struct cs_question *question)
{
    struct cs_stored_cert *cert = CS_ARENA_NEW(&question->arena, struct cs_stored_cert);
    uint8_t serial[CS_CA_SERIAL_LEN];
    const struct cs_finding_kind *why = CS_ENROL_KIND(CLIENT_UNKNOWN);
    char at[CS_TIME_TEXT];
    int r = cs_ca_serial_of(question->client->leaf, serial) < 0 ? -ENOENT : 0;

    r = r ? r
          : cs_store_cert_get(cs_ca_get0_store(server->ca), cs_str_make(serial, sizeof(serial)),
                              &question->arena, cert);
    if (r < 0 && r != -ENOENT) {
        cs_enrol_refuse_fault(server, question, r, "a certificate cannot be looked up");
        return NULL;
    }
    if (r == 0)
        why = why_not(question, cert);
    if (!why)
        return cert;
    CS_FIND(&question->findings, why, NULL, cs_time_iso(cert->revoked_at, at),
            cs_crl_reason_text(cert->reason));
    cs_question_refuse(question, 0);
    return NULL;
}

bool cs_enrol_is_administrator(const struct cs_enrol_server *server,
                               const struct cs_stored_cert *cert)
{
    const struct cs_profile *profile = cs_profiles_find(cs_ca_profiles(server->ca), cert->profile);

    return profile && profile->administrator;
}

/* ---- the end ---- */

static void on_drained(void *ctx)
{
    cs_loop_stop(&((struct cs_enrol_server *)ctx)->loop);
}

static void on_hurry(struct cs_timer *timer)
{
    cs_loop_stop(&cs_container_of(timer, struct cs_enrol_server, hurry)->loop);
}

void cs_enrol_stop(struct cs_enrol_server *server, bool patient)
{
    int64_t limit_ms = patient ? PATIENCE_MS : HURRY_MS;

    cs_timer_set(&server->loop, &server->hurry, server->loop.now.mono_ms + limit_ms);
    if (!server->stopping)
        cs_server_drain(server->http, on_drained);
    server->stopping = true;
}

static void on_signal(struct cs_signals *signals, int signo, pid_t sender)
{
    struct cs_enrol_server *server = cs_container_of(signals, struct cs_enrol_server, signals);

    if (signo == SIGUSR1)
        server->again = true;
    else
        server->ending = true;
    cs_enrol_stop(server, signo == SIGQUIT || signo == SIGUSR1);
}

/* ---- the whole ---- */

static int open_ca(struct cs_enrol_server *server, struct cs_findings *findings)
{
    const struct cs_ca_options options = {.dir = server->spec.dir,
                                          .passphrase = server->spec.passphrase,
                                          .public_url = server->spec.public_url,
                                          .block = server->spec.block};

    return cs_ca_open(&options, findings, &server->ca);
}

/* The newest root that is in use: what is told to new clients. */
static int take_fingerprint(struct cs_enrol_server *server)
{
    const struct cs_issuer *issuers;
    size_t n;
    int r = cs_ca_issuers(server->ca, &issuers, &n);

    for (size_t i = 0; i < n && r == 0; i++) {
        if (issuers[i].is_root && issuers[i].state == CS_ISSUER_ACTIVE)
            cs_hex_encode(issuers[i].cert.sha256, 32, false, server->fingerprint);
    }
    return r;
}

/* What one address may have, and what all may without running out of descriptors. */
static struct cs_server_limits limits_of(const struct cs_enrol_server *server)
{
    struct cs_server_limits limits = CS_SERVER_LIMITS;
    struct cs_authority_settings settings;
    struct cs_arena arena = {0};
    uint64_t files = cs_process_want_files(limits.max_connections + FILES);

    if (server->spec.block) {
        cs_settings_resolve(&cs_authority_directives, server->spec.block, &arena, &settings);
        limits.max_per_site = (size_t)settings.connections_per_address;
    }
    cs_arena_deinit(&arena);
    if (files < limits.max_connections + FILES)
        limits.max_connections = files > 2 * FILES ? files - FILES : FILES;
    return limits;
}

static int start_http(struct cs_enrol_server *server)
{
    const struct cs_server_spec spec = {.loop = &server->loop,
                                        .listens = server->spec.listens,
                                        .n_listens = server->spec.n_listens,
                                        .routes = {routes, sizeof(routes) / sizeof(routes[0])},
                                        .limits = limits_of(server),
                                        .ctx = server,
                                        .log = log_text};

    return cs_server_new(&spec, &server->http);
}

static int open_all(struct cs_enrol_server *server, struct cs_findings *findings)
{
    int r = cs_loop_init(&server->loop);

    r = r ? r : open_ca(server, findings);
    r = r ? r : take_fingerprint(server);
    r = r ? r : start_http(server);
    r = r ? r : cs_enrol_present(server, findings);
    r = r ? r : cs_events_init(server);
    if (r == 0)
        cs_sweep_init(server);
    return r;
}

int cs_enrol_open(const struct cs_enrol_spec *spec, struct cs_findings *findings,
                  struct cs_enrol_server **ret_server)
{
    struct cs_enrol_server *server = CS_NEW(struct cs_enrol_server);
    int r;

    server->spec = *spec;
    server->hurry.fire = on_hurry;
    cs_list_init(&server->followers);
    cs_group_init(server);
    r = open_all(server, findings);
    server->spec.passphrase = (struct cs_str){0};
    if (r < 0)
        CS_FIND(findings, CS_ENROL_KIND(CA_FAULT), NULL, cs_str_from(spec->dir),
                cs_str_from(server->ca && cs_ca_error(server->ca)[0] ? cs_ca_error(server->ca)
                                                                     : strerror(-r)));
    if (r == 0)
        *ret_server = server;
    else
        cs_enrol_close(server);
    return r;
}

const char *cs_enrol_fingerprint(const struct cs_enrol_server *server)
{
    return server->fingerprint;
}

static void say_hello(const struct cs_enrol_server *server)
{
    struct cs_addr addr;
    char text[CS_ADDR_TEXT];

    for (size_t i = 0; i < server->spec.n_listens; i++) {
        const struct cs_server_listen *listen = &server->spec.listens[i];
        if (cs_socket_local(listen->fd, &addr) == 0)
            cs_enrol_log(server, CS_LOG_NOTICE, "the authority listens on %.*s%s",
                         CS_FMT(cs_addr_text(&addr, text)),
                         listen->tls ? "" : ", without TLS: for public documents only");
    }
    cs_enrol_log(server, CS_LOG_NOTICE, "the authority's fingerprint is %s", server->fingerprint);
}

int cs_enrol_run(struct cs_enrol_server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1};
    int r = cs_signals_init(&server->signals, &server->loop, numbers,
                            sizeof(numbers) / sizeof(numbers[0]), on_signal);

    say_hello(server);
    r = r ? r : cs_loop_run(&server->loop);
    cs_signals_deinit(&server->signals);
    cs_group_flush(server);
    if (r < 0)
        return r;
    return server->again && !server->ending ? CS_ENROL_AGAIN : CS_ENROL_STOPPED;
}

void cs_enrol_close(struct cs_enrol_server *server)
{
    if (!server)
        return;
    server->http = cs_server_free(server->http);
    cs_events_deinit(server);
    cs_sweep_deinit(server);
    cs_timer_cancel(&server->loop, &server->renew);
    cs_timer_cancel(&server->loop, &server->hurry);
    cs_public_deinit(server);
    cs_ca_close(server->ca);
    cs_loop_deinit(&server->loop);
    free(server);
}
