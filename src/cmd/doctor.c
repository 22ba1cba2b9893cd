/* doctor: what to visit and with what, out of the options; then the visit, told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/captured.h"
#include "cmd/given.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "doctor/compare.h"
#include "doctor/listen.h"
#include "doctor/probe.h"
#include "doctor/report.h"
#include "explain/findings.h"
#include "io/socket.h"
#include "io/sntp.h"

enum { FILE_MAX = 16 << 20, TEXT_MAX = 16 << 20, ALPN_MAX = 16, TIMEOUT_S = 10 };

static const char *const system_trust[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

/* What the options say, with everything they name. */
struct request {
    struct cs_given given;
    struct cs_buf cert, key;
    struct cs_tls_pair pair;
    struct cs_pin pins[CS_LINE_PINS];
    struct cs_demand demand;
    struct cs_probe_plan plan;
    struct cs_listen_plan mirror;
};

static const char *option(const struct request *q, enum cs_option which)
{
    return cs_given_option(&q->given, which);
}

/* ---- where to ---- */

static bool is_address(struct cs_str host)
{
    struct cs_addr addr;

    return cs_addr_parse_ip(host, 0, &addr) == 0;
}

/* "[::1]:443" for "::1". */
static struct cs_str join_target(struct request *q, struct cs_str host, uint16_t port)
{
    bool bracket = cs_str_find(host, ':') >= 0;

    return cs_arena_printf(&q->given.arena, "%s%.*s%s:%u", bracket ? "[" : "", CS_FMT(host),
                           bracket ? "]" : "", port);
}

static int take_target(struct request *q)
{
    struct cs_probe_plan *plan = &q->plan;
    const char *sni = option(q, CS_OPT_SNI), *host = option(q, CS_OPT_HOST);

    if (!q->given.line->n_operands)
        return cs_given_refuse("say what to visit: HOST:PORT");
    plan->port = plan->starttls ? cs_starttls_port(plan->starttls) : 443;
    if (cs_options_target(cs_str_from(q->given.line->operands[0]), &plan->host, &plan->port) < 0 ||
        !plan->port)
        return cs_given_refuse(
            "what to visit is written HOST:PORT, as in example.com:443 or [::1]:443, "
            "or is the name of a captured file");
    plan->target = q->given.target = join_target(q, plan->host, plan->port);
    plan->sni = sni ? cs_str_from(sni) : is_address(plan->host) ? (struct cs_str){0} : plan->host;
    plan->name = plan->sni.len ? plan->sni : plan->host;
    plan->http_host = host ? cs_str_from(host) : plan->name;
    return CS_EXIT_OK;
}

static int take_time_source(struct request *q)
{
    const char *text = option(q, CS_OPT_TIME_SOURCE);

    q->plan.time_port = CS_SNTP_PORT;
    if (text && cs_options_target(cs_str_from(text), &q->plan.time_host, &q->plan.time_port) < 0)
        return cs_given_refuse("--time-source wants a host, or HOST:PORT");
    return CS_EXIT_OK;
}

/* ---- how ---- */

static int take_starttls(struct request *q)
{
    const char *name = option(q, CS_OPT_STARTTLS);
    const struct cs_starttls *one;
    struct cs_str all = {0};

    if (!name)
        return CS_EXIT_OK;
    q->plan.starttls = cs_starttls_find(cs_str_from(name));
    if (q->plan.starttls)
        return CS_EXIT_OK;
    for (size_t i = 0; (one = cs_starttls_at(i)) != NULL; i++)
        all = cs_arena_printf(&q->given.arena, "%.*s%s%s", CS_FMT(all), i ? ", " : "",
                              cs_starttls_name(one));
    return cs_given_refuse(
        cs_arena_printf(&q->given.arena, "--starttls knows %.*s", CS_FMT(all)).ptr);
}

static int take_alpn(struct request *q)
{
    const char *text = option(q, CS_OPT_ALPN);
    struct cs_str rest = cs_str_from(text ? text : q->plan.starttls ? "" : "http/1.1");
    const char **names = cs_arena_array(&q->given.arena, ALPN_MAX + 1, sizeof(*names));
    size_t n = 0;

    while (rest.len) {
        struct cs_str name = cs_str_trim(cs_str_cut(&rest, ','));
        if (!name.len || name.len > 255 || n == ALPN_MAX)
            return cs_given_refuse("--alpn wants names with commas between them: h2,http/1.1");
        names[n++] = cs_arena_dup(&q->given.arena, name).ptr;
    }
    q->plan.alpn = n ? names : NULL;
    return CS_EXIT_OK;
}

static int take_pins(struct request *q)
{
    const struct cs_line *line = q->given.line;

    for (size_t i = 0; i < line->n_pins; i++) {
        if (cs_pin_read(cs_str_from(line->pins[i]), &q->pins[i]) < 0)
            return cs_given_refuse("--pin wants sha256//BASE64 as \"countersign inspect\" prints "
                                   "it, or 64 hexadecimal digits");
    }
    q->demand = (struct cs_demand){.pins = q->pins, .n_pins = line->n_pins};
    q->plan.demand = line->n_pins ? &q->demand : NULL;
    return CS_EXIT_OK;
}

static int take_times(struct request *q)
{
    const char *timeout = option(q, CS_OPT_TIMEOUT);
    uint64_t seconds = TIMEOUT_S;

    if (timeout && (cs_str_to_u64(cs_str_from(timeout), 3600, &seconds) < 0 || !seconds))
        return cs_given_refuse("--timeout wants a number of seconds, at most 3600");
    q->plan.timeout_ms = (int64_t)seconds * 1000;
    return cs_given_at(&q->given, &q->plan.at_sec);
}

/* ---- files ---- */

static int take_pair(struct request *q)
{
    const char *cert = option(q, CS_OPT_CERT), *key = option(q, CS_OPT_KEY);
    int status;

    if (!cert)
        return key ? cs_given_refuse("--key goes with --cert") : CS_EXIT_OK;
    status = cs_given_file(&q->given, cert, &q->cert);
    if (status == CS_EXIT_OK)
        status = cs_given_file(&q->given, key ? key : cert, &q->key);
    q->pair = (struct cs_tls_pair){
        .chain_pem = cs_buf_str(&q->cert),
        .key_pem = cs_buf_str(&q->key),
        .place.file = cs_str_from(cert),
        .key_place.file = cs_str_from(key ? key : cert),
    };
    q->plan.pair = &q->pair;
    return status;
}

static const char *find_system_trust(void)
{
    for (size_t i = 0; i < sizeof(system_trust) / sizeof(system_trust[0]); i++) {
        if (access(system_trust[i], R_OK) == 0)
            return system_trust[i];
    }
    return NULL;
}

static int take_trust(struct request *q)
{
    const char *path = option(q, CS_OPT_CA) ? option(q, CS_OPT_CA) : find_system_trust();
    int status;

    if (!path)
        return cs_given_refuse(
            "this system has no store of CAs at the usual places; name one with --ca");
    status = cs_given_trust(&q->given, path);
    q->plan.trust = q->given.trust;
    q->plan.trust_name = cs_str_from(path);
    q->plan.crl_name = cs_str_from(option(q, CS_OPT_CRL));
    return status;
}

static int read_parts(struct request *q, int (*const *parts)(struct request *), size_t n)
{
    int status = CS_EXIT_OK;

    for (size_t i = 0; status == CS_EXIT_OK && i < n; i++)
        status = parts[i](q);
    return status;
}

/* ---- the whole ---- */

/* Whether the reader's terminal shows more than ASCII, as far as the environment says. */
static bool is_utf8(void)
{
    const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct cs_str value = cs_str_from(getenv(names[i]));
        if (value.len)
            return cs_str_ends_nocase(value, CS_STR("utf-8")) ||
                   cs_str_ends_nocase(value, CS_STR("utf8"));
    }
    return false;
}

static int print(const struct request *q, const struct cs_visit *visit,
                 const struct cs_comparison *comparison)
{
    struct cs_report_style style = {
        .json = cs_line_has(q->given.line, CS_OPT_JSON),
        .colour = cs_report_colour(stdout),
        .ascii = !is_utf8(),
    };
    struct cs_buf text;
    int r;

    cs_buf_init(&text, TEXT_MAX);
    r = cs_report_visit(visit, comparison, &style, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    fflush(stdout);
    cs_buf_deinit(&text);
    if (r < 0)
        fprintf(stderr, "countersign doctor: the output is too long and was cut\n");
    return r < 0 || visit->n_causes ? CS_EXIT_FAILED : CS_EXIT_OK;
}

/* ---- as client ---- */

static int compare(struct request *q, const struct cs_visit *visit)
{
    struct cs_comparison comparison;
    int r;

    if (!cs_line_has(q->given.line, CS_OPT_COMPARE))
        return print(q, visit, NULL);
    r = cs_compare_make(&q->plan, visit, &q->given.arena, &comparison);
    return r < 0 ? cs_given_untried(&q->given, &visit->findings, r) : print(q, visit, &comparison);
}

static int visit_server(struct request *q)
{
    static int (*const parts[])(struct request *) = {take_starttls, take_target, take_alpn,
                                                     take_pins,     take_times,  take_time_source,
                                                     take_pair,     take_trust};
    struct cs_visit *visit;
    int status = read_parts(q, parts, sizeof(parts) / sizeof(parts[0])), r;

    if (status != CS_EXIT_OK)
        return status;
    q->plan.proxy_protocol = cs_line_has(q->given.line, CS_OPT_PROXY_PROTOCOL);
    q->plan.ocsp = cs_line_has(q->given.line, CS_OPT_OCSP);
    visit = CS_NEW(struct cs_visit);
    r = cs_visit_init(visit);
    r = r ? r : cs_probe_make(visit, &q->plan);
    status = r < 0 ? cs_given_untried(&q->given, &visit->findings, r) : compare(q, visit);
    cs_visit_deinit(visit);
    free(visit);
    return status;
}

/* ---- as server ---- */

static int take_address(struct request *q)
{
    struct cs_str host, text = cs_str_from(option(q, CS_OPT_LISTEN));
    uint16_t port = 0;

    if (q->given.line->n_operands)
        return cs_given_refuse("--listen waits for clients: there is nothing to visit");
    if (cs_options_target(text, &host, &port) < 0 ||
        cs_addr_parse_ip(host, port, &q->mirror.addr) < 0)
        return cs_given_refuse("--listen wants ADDR:PORT, as in 127.0.0.1:8443 or [::]:8443");
    if (!option(q, CS_OPT_CERT))
        return cs_given_refuse("--listen wants a certificate to show: --cert and --key");
    return CS_EXIT_OK;
}

static int take_client_ca(struct request *q)
{
    const char *path = option(q, CS_OPT_CLIENT_CA);

    if (!path && option(q, CS_OPT_CRL))
        return cs_given_refuse("--crl goes with --client-ca");
    return path ? cs_given_trust(&q->given, path) : CS_EXIT_OK;
}

static int meet(struct request *q, struct cs_listener *listener)
{
    struct cs_visit *visit = CS_NEW(struct cs_visit);
    int r = cs_visit_init(visit), status;

    r = r ? r : cs_listener_meet(listener, visit);
    status = r < 0 ? cs_given_untried(&q->given, &visit->findings, r) : print(q, visit, NULL);
    cs_visit_deinit(visit);
    free(visit);
    return status;
}

static int serve(struct request *q)
{
    struct cs_listener listener;
    char text[CS_ADDR_TEXT];
    int status = CS_EXIT_OK, r = cs_listener_open(&listener, &q->mirror, &q->given.findings);

    if (r < 0) {
        if (!q->given.findings.n_errors)
            CS_FIND(&q->given.findings, &cs_cause_listen_failed, NULL, CS_STR("client"),
                    cs_addr_text(&q->mirror.addr, text), cs_str_from(strerrordesc_np(-r)));
        status = cs_given_untried(&q->given, &q->given.findings, r);
    } else {
        fprintf(stderr, "countersign doctor: listening on %.*s\n",
                CS_FMT(cs_addr_text(&listener.addr, text)));
        do
            status = meet(q, &listener);
        while (status != CS_EXIT_USAGE && !cs_line_has(q->given.line, CS_OPT_ONCE));
    }
    cs_listener_close(&listener);
    return status;
}

static int listen_for_clients(struct request *q)
{
    static int (*const parts[])(struct request *) = {take_address,     take_alpn, take_times,
                                                     take_time_source, take_pair, take_client_ca};
    int status = read_parts(q, parts, sizeof(parts) / sizeof(parts[0]));
    struct cs_addr addr = q->mirror.addr;
    const char *ca = option(q, CS_OPT_CLIENT_CA);

    if (status != CS_EXIT_OK)
        return status;
    q->mirror = (struct cs_listen_plan){
        .addr = addr,
        .pair = &q->pair,
        .trust = q->given.trust,
        .trust_name = cs_str_from(ca),
        .crl_name = cs_str_from(option(q, CS_OPT_CRL)),
        .alpn = q->plan.alpn,
        .timeout_ms = q->plan.timeout_ms,
        .time_host = q->plan.time_host,
        .time_port = q->plan.time_port,
        .at_sec = q->plan.at_sec,
    };
    return serve(q);
}

/* Options that only one of the two sides has. */
static int refuse_strangers(const struct request *q)
{
    static const enum cs_option of_server[] = {CS_OPT_CLIENT_CA, CS_OPT_ONCE};
    static const enum cs_option of_client[] = {CS_OPT_CA,       CS_OPT_SNI,           CS_OPT_HOST,
                                               CS_OPT_STARTTLS, CS_OPT_COMPARE,       CS_OPT_PIN,
                                               CS_OPT_OCSP,     CS_OPT_PROXY_PROTOCOL};
    bool listens = cs_line_has(q->given.line, CS_OPT_LISTEN);
    const enum cs_option *others = listens ? of_client : of_server;
    size_t n = listens ? sizeof(of_client) / sizeof(of_client[0])
                       : sizeof(of_server) / sizeof(of_server[0]);
    char what[80];

    for (size_t i = 0; i < n; i++) {
        if (!cs_line_has(q->given.line, others[i]))
            continue;
        snprintf(what, sizeof(what), "--%s goes %s --listen", cs_option_rows()[others[i]].name,
                 listens ? "not with" : "with");
        return cs_given_refuse(what);
    }
    return CS_EXIT_OK;
}

int cs_cmd_doctor(const struct cs_line *line)
{
    struct request q = {.mirror = {.pair = NULL}};
    int status;

    if (line->n_operands && cs_captured_is(line->operands[0]))
        return cs_captured_tell(line);
    if (cs_line_has(line, CS_OPT_PORT))
        return cs_given_refuse("--port goes with a captured file; a server is named HOST:PORT");
    cs_given_init(&q.given, line);
    cs_buf_init(&q.cert, FILE_MAX);
    cs_buf_init(&q.key, FILE_MAX);
    status = refuse_strangers(&q);
    if (status == CS_EXIT_OK)
        status = cs_line_has(line, CS_OPT_LISTEN) ? listen_for_clients(&q) : visit_server(&q);
    cs_buf_wipe(&q.cert);
    cs_buf_wipe(&q.key);
    cs_given_deinit(&q.given);
    return status;
}
