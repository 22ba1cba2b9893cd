/* An enrolment at the authority that this program has, both real, the latter in a process of its
 * own: a token, renewals, an answer that was lost, an outage, a revocation, a new token. */
#include "enrol/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "authority/ca.h"
#include "authority/folder.h"
#include "base/mem.h"
#include "enrol/server.h"
#include "io/file.h"
#include "io/socket.h"
#include "tap.h"

enum { DAY = 86400 };

static struct cs_arena arena;
static struct cs_findings findings;
static struct cs_loop loop;
static char home[64], dir[96], held[96], token_file[96], url[64], fingerprint[65];
static struct cs_addr address;
static pid_t server;
static const struct cs_requester tester = {.proof = CS_PROOF_COMMAND,
                                           .actor = CS_STR_INIT("tester")};

/* ---- the authority ---- */

static _Noreturn void serve(int fd, int ready)
{
    struct cs_server_listen listens[1] = {{.fd = fd, .tls = true}};
    struct cs_sinks sinks;
    struct cs_log_target target = {.level = CS_LOG_ALERT};
    const struct cs_log log = {&target, 1};
    const struct cs_enrol_spec spec = {.dir = dir, .listens = listens, .n_listens = 1, .log = &log};
    struct cs_enrol_server *one;
    int r;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of the test */
    cs_sinks_init(&sinks);
    cs_assert(cs_sinks_open(&sinks, "stderr", &target.sink) == 0);
    do {
        r = cs_enrol_open(&spec, &findings, &one);
        if (r != 0 || write(ready, cs_enrol_fingerprint(one), 64) != 64)
            _exit(99);
        r = cs_enrol_run(one);
        cs_enrol_close(one);
    } while (r == CS_ENROL_AGAIN);
    _exit(r != 0);
}

/* A lock on a file belongs to whoever inherited the descriptor, too. */
static void close_others(int a, int b)
{
    for (int fd = 3; fd < 256; fd++) {
        if (fd != a && fd != b)
            close(fd);
    }
}

/* At the same address each time. */
static void start(void)
{
    int ends[2], fd;

    cs_assert(cs_listen_open(&address, &CS_LISTEN_DEFAULT, &fd) == 0);
    cs_assert(cs_socket_local(fd, &address) == 0 && pipe(ends) == 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", cs_addr_port(&address));
    fflush(NULL);
    server = fork();
    if (server == 0) {
        close_others(fd, ends[1]);
        serve(fd, ends[1]);
    }
    close(ends[1]);
    tap_int(read(ends[0], fingerprint, 64), 64, "the authority is up");
    close(ends[0]);
    close(fd);
}

static void stop(void)
{
    int status = -1;

    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    tap_int(status, 0, "the authority is down");
}

static void make_ca(void)
{
    struct cs_ca_setup setup = {.dir = dir,
                                .name = CS_STR("Example"),
                                .key = CS_MAKE_P256,
                                .root_ttl_sec = 3650LL * DAY,
                                .issuer_ttl_sec = 365LL * DAY};

    cs_assert(cs_ca_init(&setup, &tester, time(NULL), &findings) == 0);
}

static struct cs_ca *open_ca(void)
{
    const struct cs_ca_options options = {.dir = dir};
    struct cs_ca *ca;

    cs_assert(cs_ca_open(&options, &findings, &ca) == 0);
    return ca;
}

static void new_token(void)
{
    struct cs_pattern pattern;
    struct cs_ca_token wish = {.names = {&pattern, 1}, .profile = CS_STR("peer"), .ttl_sec = DAY};
    struct cs_ca *ca = open_ca();
    char token[CS_CA_TOKEN_LEN + 1];

    cs_assert(!cs_pattern_parse(CS_STR("dns:billing.test"), &pattern));
    cs_assert(cs_ca_token_new(ca, &wish, &tester, time(NULL), &findings, token) == 0);
    cs_assert(cs_file_write(token_file, cs_str_from(token), 0600) == 0);
    cs_ca_close(ca);
}

static void take_back(const struct cs_cert *leaf)
{
    struct cs_str serial = leaf->serial;
    struct cs_ca *ca = open_ca();
    uint64_t seq;

    if (serial.len > CS_CA_SERIAL_LEN) /* a sign byte */
        serial = cs_str_skip(serial, 1);
    cs_assert(cs_ca_revoke(ca, serial, 1, &tester, time(NULL), &findings, &seq) == 0);
    cs_ca_close(ca);
}

/* ---- the client ---- */

static unsigned n_issued, n_failed, n_remarks;
static bool was_first, was_refused;
static char code[64], remark[64];

static void on_issued(void *ctx, const struct cs_holding *holding, bool first)
{
    n_issued++;
    was_first = first;
}

static void on_failed(void *ctx, const struct cs_enrol_failure *failure)
{
    n_failed++;
    was_refused = failure->refused;
    snprintf(code, sizeof(code), "%s", failure->finding->kind->code);
}

static void on_remark(void *ctx, const struct cs_finding *finding, enum cs_log_level level)
{
    n_remarks++;
    snprintf(remark, sizeof(remark), "%s", finding->kind->code);
}

static const struct cs_enrol_ears ears = {on_issued, on_failed, on_remark};

static struct cs_enrolment *begin(void)
{
    static const struct cs_claim names[] = {{CS_CLAIM_DNS, CS_STR_INIT("billing.test")}};
    struct cs_enrol_plan plan = {.url = cs_str_from(url),
                                 .pinned = true,
                                 .token_file = cs_str_from(token_file),
                                 .names = {names, 1},
                                 .folder = cs_str_from(held),
                                 .timeout_ms = 5000};
    struct cs_enrolment *enrolment = NULL;

    n_issued = n_failed = n_remarks = 0;
    cs_assert(cs_pin_parse(cs_str_from(fingerprint), plan.pin) == 0);
    tap_int(cs_enrolment_new(&loop, &plan, &ears, NULL, &findings, &enrolment), 0, "begun");
    cs_enrolment_start(enrolment);
    return enrolment;
}

/* Turn the loop until there were @issued and @failed. */
static void turn(unsigned issued, unsigned failed)
{
    int64_t end = loop.now.mono_ms + 20000;

    while ((n_issued < issued || n_failed < failed) && loop.now.mono_ms < end)
        cs_loop_turn(&loop, 100);
    tap_ok(n_issued == issued && n_failed == failed, "%u issued, %u failed, the last by %s",
           n_issued, n_failed, code);
}

static struct cs_str serial_of(const struct cs_enrolment *enrolment)
{
    return cs_arena_dup(&arena, cs_enrolment_holding(enrolment)->papers.serial);
}

static void test_token_and_renewal(void)
{
    struct cs_enrolment *enrolment = begin();
    struct cs_str first;

    turn(1, 0);
    tap_ok(was_first && cs_enrolment_usable(enrolment), "a first certificate");
    tap_ok(cs_enrolment_next_ms(enrolment) > 3600 * 1000, "good for hours");
    first = serial_of(enrolment);
    cs_enrolment_renew(enrolment);
    turn(2, 0);
    tap_ok(!was_first && !cs_str_eq(serial_of(enrolment), first), "renewed");
    tap_int(n_remarks, 0, "nothing was remarked");
    cs_enrolment_free(enrolment);
}

/* The one who asks dies before the answer; the next one asks with the same key. */
static void test_lost_answer(void)
{
    struct cs_enrolment *enrolment = begin();
    struct cs_str before = serial_of(enrolment);
    char pending[128];

    kill(server, SIGSTOP);
    cs_enrolment_renew(enrolment);
    for (int i = 0; i < 5; i++)
        cs_loop_turn(&loop, 20);
    cs_enrolment_free(enrolment);
    kill(server, SIGCONT);
    snprintf(pending, sizeof(pending), "%s/.pending.pem", held);
    tap_int(access(pending, F_OK), 0, "the key of the request is safe");
    enrolment = begin();
    tap_str(serial_of(enrolment), before, "what was held is held");
    cs_enrolment_renew(enrolment);
    turn(1, 0);
    tap_ok(access(pending, F_OK) < 0, "the key has its certificate");
    cs_enrolment_free(enrolment);
}

static void test_outage(void)
{
    struct cs_enrolment *enrolment;

    stop();
    enrolment = begin();
    cs_enrolment_renew(enrolment);
    turn(0, 1);
    tap_str(cs_str_from(code), CS_STR("authority-unreachable"), "nobody is there");
    tap_ok(!was_refused && cs_enrolment_usable(enrolment), "what is held is good");
    start();
    while (n_issued == 0 && n_failed < 10)
        cs_loop_turn(&loop, 100);
    tap_int(n_issued, 1, "tried again by itself");
    cs_enrolment_free(enrolment);
}

static void test_revoked(void)
{
    struct cs_enrolment *enrolment = begin();

    take_back(&cs_enrolment_holding(enrolment)->papers.leaf);
    cs_enrolment_renew(enrolment);
    turn(0, 1);
    tap_str(cs_str_from(code), CS_STR("token-used"), "neither renewed nor by the old token");
    tap_ok(was_refused && n_remarks == 1, "the renewal was refused: %s", remark);
    new_token();
    cs_enrolment_renew(enrolment);
    turn(1, 1);
    tap_ok(was_first, "a new token helps");
    cs_enrolment_free(enrolment);
}

int main(void)
{
    snprintf(home, sizeof(home), "/tmp/cs-test-client-XXXXXX");
    cs_assert(mkdtemp(home) != NULL);
    snprintf(dir, sizeof(dir), "%s/ca", home);
    snprintf(held, sizeof(held), "%s/held", home);
    snprintf(token_file, sizeof(token_file), "%s/token", home);
    cs_findings_init(&findings, &arena);
    cs_assert(cs_loop_init(&loop) == 0);
    cs_assert(cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &address) == 0);
    make_ca();
    start();
    new_token();
    test_token_and_renewal();
    test_lost_answer();
    test_outage();
    test_revoked();
    stop();
    cs_loop_deinit(&loop);
    unlink(token_file);
    tap_int(cs_folder_remove(dir) || cs_folder_remove(held) || rmdir(home), 0, "nothing is left");
    cs_arena_deinit(&arena);
    return tap_done();
}
