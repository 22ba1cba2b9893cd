/* The authority in a process of its own, asked by the client that this folder has: enrolment,
 * renewal, revocation, lists, events, and what is refused. */
#include "enrol/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "authority/ca.h"
#include "authority/folder.h"
#include "base/mem.h"
#include "enrol/fetch.h"
#include "io/socket.h"
#include "tap.h"
#include "x509/crl.h"
#include "x509/key.h"
#include "x509/pem.h"

enum { DAY = 86400, BODY_MAX = 1 << 20 };

static struct cs_arena arena;
static struct cs_findings findings;
static char home[64], dir[96];
static char plain_url[64], tls_url[64];
static struct cs_str roots;
static pid_t server;
static const struct cs_requester tester = {.proof = CS_PROOF_COMMAND,
                                           .actor = CS_STR_INIT("tester")};

/* ---- the server ---- */

static int listener(char url[64], const char *scheme)
{
    struct cs_addr addr;
    int fd;

    if (cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &addr) < 0 ||
        cs_listen_open(&addr, &CS_LISTEN_DEFAULT, &fd) < 0 || cs_socket_local(fd, &addr) < 0)
        abort();
    snprintf(url, 64, "%s://127.0.0.1:%u", scheme, cs_addr_port(&addr));
    return fd;
}

/* In the child: serve, and come back as often as the CA changes. */
static _Noreturn void serve(const struct cs_server_listen listens[2], int ready)
{
    struct cs_sinks sinks;
    struct cs_log_target target = {.level = CS_LOG_ALERT};
    const struct cs_log log = {&target, 1};
    const struct cs_enrol_spec spec = {.dir = dir, .listens = listens, .n_listens = 2, .log = &log};
    struct cs_enrol_server *one;
    int r;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of the test */
    cs_sinks_init(&sinks);
    if (cs_sinks_open(&sinks, "stderr", &target.sink) < 0)
        abort();
    do {
        r = cs_enrol_open(&spec, &findings, &one);
        if (r != 0 || write(ready, cs_enrol_fingerprint(one), 64) != 64)
            _exit(99);
        r = cs_enrol_run(one);
        cs_enrol_close(one);
    } while (r == CS_ENROL_AGAIN);
    cs_sinks_deinit(&sinks);
    cs_arena_deinit(&arena);
    exit(r);
}

static void start(void)
{
    struct cs_server_listen listens[2] = {{.tls = true}, {.tls = false}};
    char fingerprint[65] = "";
    int ends[2];

    listens[0].fd = listener(tls_url, "https");
    listens[1].fd = listener(plain_url, "http");
    if (pipe(ends) < 0)
        abort();
    fflush(NULL);
    server = fork();
    if (server == 0)
        serve(listens, ends[1]);
    close(ends[1]);
    tap_int(read(ends[0], fingerprint, 64), 64, "the server is up, and says its fingerprint");
    close(ends[0]);
    close(listens[0].fd);
    close(listens[1].fd);
}

static void stop(void)
{
    int status = -1;

    kill(server, SIGTERM);
    waitpid(server, &status, 0);
    tap_int(status, 0, "the server ends well");
}

/* ---- the CA, from outside ---- */

static struct cs_ca *open_ca(unsigned flags)
{
    const struct cs_ca_options options = {.dir = dir, .flags = flags};
    struct cs_ca *ca;

    cs_findings_init(&findings, &arena);
    if (cs_ca_open(&options, &findings, &ca) != 0)
        abort();
    return ca;
}

static struct cs_str token_for(const char *name)
{
    struct cs_pattern pattern;
    struct cs_ca_token wish = {.names = {&pattern, 1}, .profile = CS_STR("peer"), .ttl_sec = DAY};
    struct cs_ca *ca = open_ca(0);
    char token[CS_CA_TOKEN_LEN + 1];

    if (cs_pattern_parse(cs_str_from(name), &pattern) ||
        cs_ca_token_new(ca, &wish, &tester, time(NULL), &findings, token) != 0)
        abort();
    cs_ca_close(ca);
    return cs_arena_dup(&arena, cs_str_from(token));
}

/* Whatever changes the CA adds to its log. */
static uint64_t count_entries(void)
{
    struct cs_ca *ca = open_ca(CS_CA_READ);
    uint8_t digest[32];
    uint64_t n;

    if (cs_store_audit_head(cs_ca_get0_store(ca), &n, digest) < 0)
        abort();
    cs_ca_close(ca);
    return n;
}

/* ---- questions ---- */

struct paper {
    struct cs_str cert, key; /* PEM */
};

static struct cs_fetch_answer ask(const char *base, const char *path, struct cs_str body,
                                  const struct paper *as)
{
    struct cs_fetch_request request = {.url = cs_arena_printf(&arena, "%s%s", base, path),
                                       .body = body,
                                       .content_type = body.len ? CS_STR("application/json")
                                                                : (struct cs_str){0},
                                       .tls = {.ca = roots},
                                       .max_body = BODY_MAX,
                                       .timeout_ms = 10000};
    struct cs_fetch_answer answer = {0};

    if (as) {
        request.tls.cert = as->cert;
        request.tls.key = as->key;
    }
    if (cs_fetch_once(&request, &arena, &answer) < 0)
        abort();
    return answer;
}

/* A new key, and a request that names @name unless NULL. */
static struct cs_str new_csr(const char *name, struct cs_str *ret_key)
{
    struct cs_str names[1] = {cs_str_from(name)};
    struct cs_cert_spec spec = {.dns = {names, name ? 1 : 0}};
    struct evp_pkey_st *key;
    struct cs_buf der, pem;
    struct cs_str text;

    cs_buf_init(&der, 8192);
    cs_buf_init(&pem, 8192);
    if (cs_make_key(CS_MAKE_P256, &key) < 0 || cs_make_csr(&spec, key, &der) < 0 ||
        cs_pem_write(&pem, CS_STR("CERTIFICATE REQUEST"), cs_buf_str(&der)) < 0)
        abort();
    text = cs_arena_dup(&arena, cs_buf_str(&pem));
    cs_buf_reset(&pem);
    if (cs_key_write(key, &pem) < 0)
        abort();
    *ret_key = cs_arena_dup(&arena, cs_buf_str(&pem));
    cs_key_free(key);
    cs_buf_deinit(&der);
    cs_buf_deinit(&pem);
    return text;
}

/* {"name":"…", …} of pairs, up to NULL. */
static struct cs_str object(const struct cs_str *pairs)
{
    struct cs_buf json;
    struct cs_str text;

    cs_buf_init(&json, BODY_MAX);
    for (; pairs[0].ptr; pairs += 2) {
        cs_buf_add_char(&json, json.len ? ',' : '{');
        cs_buf_add_json(&json, pairs[0]);
        cs_buf_add_char(&json, ':');
        cs_buf_add_json(&json, pairs[1]);
    }
    cs_buf_add_char(&json, '}');
    text = cs_arena_dup(&arena, cs_buf_str(&json));
    cs_buf_deinit(&json);
    return text;
}

#define OBJECT(...) object((const struct cs_str[]){__VA_ARGS__, {0}})

/* The text of a member, with JSON's line ends as such. */
static struct cs_str member(struct cs_str json, const char *name)
{
    struct cs_str begin = cs_arena_printf(&arena, "\"%s\":\"", name), rest;
    ptrdiff_t at = cs_str_search(json, begin);
    struct cs_buf text;

    if (at < 0)
        return (struct cs_str){0};
    rest = cs_str_skip(json, (size_t)at + begin.len);
    rest = cs_str_sub(rest, 0, (size_t)cs_str_find(rest, '"'));
    cs_buf_init(&text, BODY_MAX);
    for (size_t i = 0; i < rest.len; i++) {
        bool escaped = rest.ptr[i] == '\\' && i + 1 < rest.len && rest.ptr[i + 1] == 'n';
        cs_buf_add_char(&text, escaped ? '\n' : rest.ptr[i]);
        i += escaped;
    }
    rest = cs_arena_dup(&arena, cs_buf_str(&text));
    cs_buf_deinit(&text);
    return rest;
}

static void refused(const struct cs_fetch_answer *answer, unsigned status, const char *code,
                    const char *what)
{
    tap_int(answer->status, status, what);
    tap_str(member(answer->body, "code"), cs_str_from(code), "  its code");
}

/* ---- stories ---- */

static struct paper first;
static struct cs_str first_serial;

static void test_public(void)
{
    struct cs_fetch_answer answer = ask(plain_url, "/ca.pem", (struct cs_str){0}, NULL);

    tap_int(answer.status, 200, "the roots are served without TLS");
    roots = answer.body;
    answer = ask(tls_url, "/v1/health", (struct cs_str){0}, NULL);
    tap_int(answer.status, 200, "with TLS, by a certificate that the roots vouch for");
    tap_str(member(answer.body, "status"), CS_STR("ok"), "it can issue");
    answer = ask(plain_url, "/spiffe/bundle.json", (struct cs_str){0}, NULL);
    tap_str(member(answer.body, "use"), CS_STR("x509-svid"), "the bundle");
    tap_str(member(answer.body, "crv"), CS_STR("P-256"), "  its key");
    answer = ask(plain_url, "/v1/enrol", CS_STR("{}"), NULL);
    refused(&answer, 403, "tls-required", "nothing else is");
    answer = ask(plain_url, "/crl/02.crl", (struct cs_str){0}, NULL);
    refused(&answer, 404, "path-unknown", "a number has one spelling");
    answer = ask(plain_url, "/crl/2%20or%201=1.crl", (struct cs_str){0}, NULL);
    refused(&answer, 404, "path-unknown", "what is no number is none");
    answer = ask(plain_url, "/crl/7.crl", (struct cs_str){0}, NULL);
    refused(&answer, 404, "issuer-not-found", "an issuer that is not there");
    answer = ask(plain_url, "/crl/2/60000.crl", (struct cs_str){0}, NULL);
    tap_int(answer.status, 404, "a shard that is not there");
}

static void test_enrol(void)
{
    struct cs_str token = token_for("dns:web.example.internal"), key, other, body;
    struct cs_str csr = new_csr("web.example.internal", &key);
    struct cs_fetch_answer answer;

    body = OBJECT(CS_STR("token"), token, CS_STR("csr"), csr);
    answer = ask(tls_url, "/v1/enrol", body, NULL);
    tap_int(answer.status, 201, "a certificate for a token");
    first_serial = member(answer.body, "serial");
    first.cert =
        cs_arena_cat(&arena, member(answer.body, "certificate"), member(answer.body, "chain"));
    first.key = key;
    tap_str(member(answer.body, "ca"), roots, "the roots come with it");
    answer = ask(tls_url, "/v1/enrol", body, NULL);
    tap_int(answer.status, 200, "asked again");
    tap_str(member(answer.body, "serial"), first_serial, "  the same one");
    body = OBJECT(CS_STR("token"), token, CS_STR("csr"), new_csr("web.example.internal", &other));
    answer = ask(tls_url, "/v1/enrol", body, NULL);
    refused(&answer, 401, "token-used", "the token with another key");
}

static void test_refused(void)
{
    struct cs_str token = token_for("dns:*.example.internal"), key;
    struct cs_str csr = new_csr("a.example.internal", &key);
    uint64_t before = count_entries();
    const struct {
        const char *code;
        unsigned status;
        struct cs_str body;
    } cases[] = {
        {"token-unknown", 401,
         OBJECT(CS_STR("token"), CS_STR("cst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                CS_STR("csr"), csr)},
        {"token-unknown", 401, OBJECT(CS_STR("token"), CS_STR("' or 1=1 --"), CS_STR("csr"), csr)},
        {"token-identity-mismatch", 403,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), csr, CS_STR("identity"),
                CS_STR("dns:x.y.example.internal"))},
        {"name-malformed", 422,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), csr, CS_STR("identity"),
                CS_STR("spiffe://example.internal/../x"))},
        {"name-malformed", 422,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), csr, CS_STR("identity"),
                CS_STR("dns:'; drop table certs; --"))},
        {"token-profile-mismatch", 403,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), csr, CS_STR("profile"), CS_STR("client"))},
        {"field-unknown", 400,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), csr, CS_STR("administrator"),
                CS_STR("yes"))},
        {"field-missing", 400, OBJECT(CS_STR("token"), token)},
        {"csr-not-pem", 422, OBJECT(CS_STR("token"), token, CS_STR("csr"), CS_STR("hello"))},
        {"csr-not-pem", 422,
         OBJECT(CS_STR("token"), token, CS_STR("csr"), cs_arena_cat(&arena, csr, csr))},
        {"csr-not-pem", 422, OBJECT(CS_STR("token"), token, CS_STR("csr"), first.cert)},
        {"body-not-json", 400, CS_STR("token=x&csr=y")},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_fetch_answer answer = ask(tls_url, "/v1/enrol", cases[i].body, NULL);
        refused(&answer, cases[i].status, cases[i].code, "an enrolment that is not granted");
    }
    tap_int((int64_t)count_entries(), (int64_t)before, "none of it is in the books");
    {
        struct cs_str body = OBJECT(CS_STR("token"), token, CS_STR("csr"), csr);
        tap_int(ask(tls_url, "/v1/enrol", body, NULL).status, 201, "nor is the token used up");
    }
}

static struct paper second;

static void test_renew(void)
{
    struct cs_str key, body = OBJECT(CS_STR("csr"), new_csr(NULL, &key));
    struct cs_fetch_answer answer = ask(tls_url, "/v1/renew", body, NULL);
    struct cs_str serial;

    refused(&answer, 401, "client-certificate-required", "a renewal without a certificate");
    answer = ask(tls_url, "/v1/renew", body, &first);
    tap_int(answer.status, 201, "with one");
    serial = member(answer.body, "serial");
    tap_ok(!cs_str_eq(serial, first_serial), "  a new certificate");
    second.cert =
        cs_arena_cat(&arena, member(answer.body, "certificate"), member(answer.body, "chain"));
    second.key = key;
    answer = ask(tls_url, "/v1/renew", body, &first);
    tap_int(answer.status, 200, "again with the same key");
    tap_str(member(answer.body, "serial"), serial, "  the same one");
    body = OBJECT(CS_STR("csr"), new_csr("other.example.internal", &key));
    answer = ask(tls_url, "/v1/renew", body, &first);
    refused(&answer, 403, "renewal-name-mismatch", "a renewal that asks for another name");
}

struct following {
    struct cs_buf text;
    const char *until;
};

static bool take_events(void *ctx, struct cs_str bytes)
{
    struct following *f = ctx;

    cs_buf_add_str(&f->text, bytes);
    return cs_str_search(cs_buf_str(&f->text), cs_str_from(f->until)) < 0;
}

static void on_followed(struct cs_fetch *fetch, void *ctx)
{
}

/* Follow as @as from behind @since on, revoke @revoke meanwhile by a command, and hear of it. */
static void follow(const struct paper *as, const char *since, struct cs_str revoke,
                   struct following *f)
{
    struct cs_str header = cs_arena_printf(&arena, "Last-Event-ID: %s", since);
    struct cs_fetch_request request = {.url = cs_arena_printf(&arena, "%s/v1/events", tls_url),
                                       .headers = &header,
                                       .n_headers = since ? 1 : 0,
                                       .tls = {roots, false, as->cert, as->key},
                                       .max_body = BODY_MAX,
                                       .timeout_ms = 10000,
                                       .received = take_events};
    struct cs_loop loop;
    struct cs_fetcher *fetcher;
    struct cs_fetch *fetch;
    const char *why;
    uint8_t serial[CS_CA_SERIAL_LEN];
    uint64_t seq;

    cs_buf_init(&f->text, BODY_MAX);
    if (cs_loop_init(&loop) < 0 || cs_fetcher_new(&loop, &fetcher, &why) < 0 ||
        cs_fetch_start(fetcher, &request, on_followed, f, &fetch) < 0)
        abort();
    for (int i = 0; i < 500 && !f->text.len; i++)
        cs_loop_turn(&loop, 10);
    if (revoke.len) {
        struct cs_ca *ca = open_ca(0);
        if (cs_ca_serial_parse(revoke, serial) < 0 ||
            cs_ca_revoke(ca, cs_str_make(serial, sizeof(serial)), 1, &tester, time(NULL), &findings,
                         &seq) != 0)
            abort();
        cs_ca_close(ca);
    }
    for (int i = 0; i < 500 && cs_str_search(cs_buf_str(&f->text), cs_str_from(f->until)) < 0; i++)
        cs_loop_turn(&loop, 10);
    cs_fetch_free(fetch);
    cs_fetcher_free(fetcher);
    cs_loop_deinit(&loop);
}

static void test_revoke(void)
{
    struct cs_str key,
        body = OBJECT(CS_STR("serial"), first_serial, CS_STR("reason"), CS_STR("keyCompromise"));
    struct cs_fetch_answer answer = ask(tls_url, "/v1/revoke", body, &second);
    struct following f = {.until = "\"not_after\""};

    refused(&answer, 403, "revocation-not-allowed", "to revoke somebody else's");
    answer = ask(tls_url, "/v1/revoke", OBJECT(CS_STR("reason"), CS_STR("boredom")), &second);
    refused(&answer, 422, "reason-unknown", "without a reason that is one");
    follow(&second, NULL, first_serial, &f);
    tap_ok(cs_str_search(cs_buf_str(&f.text), first_serial) > 0,
           "what a command revokes is told to who follows");
    cs_buf_deinit(&f.text);
    body = OBJECT(CS_STR("csr"), new_csr(NULL, &key));
    answer = ask(tls_url, "/v1/renew", body, &first);
    refused(&answer, 403, "renewal-revoked", "and is not renewed");
    answer = ask(tls_url, "/v1/events", (struct cs_str){0}, &first);
    refused(&answer, 401, "client-revoked", "nor does it follow");
    follow(&second, "0", (struct cs_str){0}, &f);
    tap_ok(cs_str_search(cs_buf_str(&f.text), first_serial) > 0, "it can be heard later, too");
    cs_buf_deinit(&f.text);
    answer = ask(tls_url, "/v1/revoke", OBJECT(CS_STR("reason"), CS_STR("superseded")), &second);
    tap_int(answer.status, 200, "one's own can be revoked");
    answer = ask(tls_url, "/v1/revoke", OBJECT(CS_STR("reason"), CS_STR("superseded")), &second);
    refused(&answer, 409, "already-revoked", "once");
}

/* ---- OCSP ---- */

/* The certificates of @paper, leaf first, and a request about the leaf. */
static struct cs_str status_request(const struct paper *paper, const char *nonce,
                                    struct cs_cert ret_certs[2])
{
    struct cs_str rest = paper->cert, der;
    struct cs_pem_block block;
    struct cs_buf buf;

    cs_findings_init(&findings, &arena);
    for (int i = 0; i < 2; i++) {
        if (cs_pem_next(&rest, &arena, &block) != 1 ||
            cs_cert_parse(block.der, &arena, &findings, &ret_certs[i]) != 0)
            abort();
    }
    cs_buf_init(&buf, CS_OCSP_REQUEST_MAX);
    if (cs_ocsp_request_make(&ret_certs[0], &ret_certs[1], cs_str_from(nonce), &buf) < 0)
        abort();
    der = cs_arena_dup(&arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return der;
}

static struct cs_fetch_answer post_ocsp(struct cs_str body, const char *type)
{
    struct cs_fetch_request request = {.url = cs_arena_printf(&arena, "%s/ocsp", plain_url),
                                       .body = body,
                                       .content_type = cs_str_from(type),
                                       .max_body = BODY_MAX,
                                       .timeout_ms = 10000};
    struct cs_fetch_answer answer = {0};

    if (cs_fetch_once(&request, &arena, &answer) < 0)
        abort();
    return answer;
}

static enum cs_ocsp_status judge(struct cs_str der, const struct cs_cert certs[2],
                                 const char *nonce)
{
    struct cs_ocsp_query query = {.der = der,
                                  .cert = &certs[0],
                                  .issuer = &certs[1],
                                  .nonce = cs_str_from(nonce),
                                  .now_sec = time(NULL)};

    return cs_ocsp_judge(&query).status;
}

/* In the path as it is, slashes and all. */
static const char *path_of(struct cs_str der)
{
    struct cs_buf text;
    const char *path;

    cs_buf_init(&text, BODY_MAX);
    if (cs_base64_write(&text, der) < 0)
        abort();
    path = cs_arena_printf(&arena, "/ocsp/%.*s", CS_FMT(cs_buf_str(&text))).ptr;
    cs_buf_deinit(&text);
    return path;
}

static void test_ocsp(enum cs_ocsp_status status)
{
    static const char type[] = "application/ocsp-request";
    struct cs_cert certs[2];
    struct cs_str plain = status_request(&second, "", certs);
    struct cs_str nonce = status_request(&second, "0123456789abcdef", certs);
    struct cs_fetch_answer answer = post_ocsp(plain, type), again;

    tap_int(answer.status, 200, "asked for a status");
    tap_int(judge(answer.body, certs, ""), status, "  which it has");
    again = ask(plain_url, path_of(plain), (struct cs_str){0}, NULL);
    tap_str(again.body, answer.body, "the same by GET");
    answer = post_ocsp(nonce, type);
    tap_int(judge(answer.body, certs, "0123456789abcdef"), status, "and with a nonce");
    answer = ask(tls_url, path_of(nonce), (struct cs_str){0}, NULL);
    tap_int(judge(answer.body, certs, "0123456789abcdef"), status, "over TLS, too");
    answer = post_ocsp(CS_STR("hello"), type);
    tap_str(answer.body, CS_STR("\x30\x03\x0a\x01\x01"), "what is no request is malformed");
    answer = ask(plain_url, "/ocsp/hello", (struct cs_str){0}, NULL);
    tap_str(answer.body, CS_STR("\x30\x03\x0a\x01\x01"), "by GET as well");
    answer = post_ocsp(plain, "text/plain");
    refused(&answer, 415, "media-type-refused", "a body of another type");
    answer = ask(plain_url, "/ocsp/", (struct cs_str){0}, NULL);
    refused(&answer, 404, "path-unknown", "nothing to ask about");
}

/* Both are in the whole list, and each in a shard. */
static void test_lists(void)
{
    struct cs_fetch_answer answer = ask(plain_url, "/crl/2.crl", (struct cs_str){0}, NULL);
    struct cs_source source = {.bytes = answer.body, .file = CS_STR("list")};
    struct cs_crl_lists *lists;
    struct cs_crl_set *set;

    cs_findings_init(&findings, &arena);
    tap_int(answer.status, 200, "the whole list");
    if (!tap_ok(cs_crl_lists_new(&source, 1, &findings, &lists) == 0, "  is one"))
        return;
    if (tap_ok(cs_crl_set_new(lists, NULL, 0, NULL, &findings, &set) == 0,
               "  of nobody in doubt")) {
        tap_int((int64_t)cs_crl_set_entries(set), 2, "  with those that were revoked");
        cs_crl_set_free(set);
    }
    cs_crl_lists_free(lists);
}

static void make_ca(void)
{
    struct cs_str domain = CS_STR("example.internal");
    struct cs_ca_setup setup = {.dir = dir,
                                .name = CS_STR("Example"),
                                .domains = {&domain, 1},
                                .public_url = CS_STR("http://127.0.0.1:9080"),
                                .key = CS_MAKE_P256,
                                .root_ttl_sec = 3650LL * DAY,
                                .issuer_ttl_sec = 365LL * DAY};

    snprintf(home, sizeof(home), "/tmp/cs-test-authority-XXXXXX");
    if (!mkdtemp(home))
        abort();
    snprintf(dir, sizeof(dir), "%s/ca", home);
    cs_findings_init(&findings, &arena);
    if (cs_ca_init(&setup, &tester, time(NULL), &findings) != 0)
        abort();
}

/* Behind all others: from now on this address is not heard for a while. */
static void test_doubt(void)
{
    struct cs_str key, csr = new_csr("web.example.internal", &key);
    struct cs_str body =
        OBJECT(CS_STR("token"), CS_STR("cst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
               CS_STR("csr"), csr);
    struct cs_fetch_answer answer;
    int n = 0;

    do
        answer = ask(tls_url, "/v1/enrol", body, NULL);
    while (answer.status == 401 && ++n < 100);
    tap_ok(n <= 100 && n >= 10, "some tokens may be wrong");
    refused(&answer, 429, "tokens-too-many", "not any number of them");
    tap_ok(cs_fetch_header(&answer, CS_STR("Retry-After")).len > 0, "  it is said how long");
    answer = ask(tls_url, "/v1/health", (struct cs_str){0}, NULL);
    tap_int(answer.status, 200, "  that is about tokens only");
}

int main(void)
{
    make_ca();
    start();
    test_public();
    test_enrol();
    test_refused();
    test_renew();
    test_ocsp(CS_OCSP_GOOD);
    test_revoke();
    test_ocsp(CS_OCSP_REVOKED);
    test_lists();
    test_doubt();
    stop();
    tap_int(cs_folder_remove(dir) || rmdir(home), 0, "nothing is left");
    cs_arena_deinit(&arena);
    return tap_done();
}
