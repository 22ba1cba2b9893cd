/* Handshakes that fail, and what both sides know afterwards; the same with both libraries. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tap.h"
#include "tls/client.h"
#include "tls/session.h"
#include "tls/test_pki.h"

static struct cs_now now;
static struct cs_tls_io io;
static struct cs_arena arena;
static struct cs_findings findings;
static struct test_identity ca, server_ec, client_ec;

struct side {
    bool refuse; /* the peer's certificate */
    bool reject; /* the name */
};

static struct cs_tls_server *on_select(void *ctx, struct cs_str sni, bool *ret_reject)
{
    *ret_reject = ((struct side *)ctx)->reject;
    return NULL;
}

static bool on_verify(void *ctx, const struct cs_str *chain, size_t n, uint8_t *ret_alert)
{
    *ret_alert = 48;
    return !((struct side *)ctx)->refuse;
}

static const struct cs_tls_hooks hooks = {.select = on_select, .verify = on_verify};

static const char *const h1[] = {"http/1.1", NULL};
static const char *const foo[] = {"foo", NULL};

struct row {
    const char *name;
    struct cs_tls_server_spec server;
    struct cs_tls_client_spec client;
    struct side s, c;
    const char *sni;
    bool certificate; /* the client has one */
    enum cs_break at_server, at_client;
    int alert; /* that one of them received; -1: none */
};

static const struct row rows[] = {
    {"no common version",
     {.protocols = CS_TLS_1_3},
     {.protocols = CS_TLS_1_2},
     .at_server = CS_BREAK_VERSION,
     .at_client = CS_BREAK_ALERT,
     .alert = 70},
    {"no common cipher",
     {.ciphers = CS_STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384")},
     {.protocols = CS_TLS_1_2, .ciphers = CS_STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256")},
     .at_server = CS_BREAK_CIPHER,
     .at_client = CS_BREAK_ALERT,
     .alert = 40},
    {"suites for an RSA key only",
     {.protocols = CS_TLS_1_2},
     {.protocols = CS_TLS_1_2, .ciphers = CS_STR_INIT("ECDHE-RSA-AES128-GCM-SHA256")},
     .at_server = CS_BREAK_CIPHER,
     .at_client = CS_BREAK_ALERT,
     .alert = 40},
    {"no common group",
     {.protocols = CS_TLS_1_3, .curves = CS_STR_INIT("P-384")},
     {.protocols = CS_TLS_1_3, .curves = CS_STR_INIT("X25519")},
     .at_server = CS_BREAK_GROUP,
     .at_client = CS_BREAK_ALERT,
     .alert = 40},
    {"no common protocol",
     {.alpn = h1},
     {.alpn = foo},
     .at_server = CS_BREAK_ALPN,
     .at_client = CS_BREAK_ALERT,
     .alert = 120},
    {"no certificate, TLS 1.3",
     {.protocols = CS_TLS_1_3, .client_certificate = CS_TLS_VERIFY_REQUIRE},
     {0},
     .at_server = CS_BREAK_NO_CERTIFICATE,
     .at_client = CS_BREAK_ALERT,
     .alert = 116},
    {"no certificate, TLS 1.2",
     {.protocols = CS_TLS_1_2, .client_certificate = CS_TLS_VERIFY_REQUIRE},
     {0},
     .at_server = CS_BREAK_NO_CERTIFICATE,
     .at_client = CS_BREAK_ALERT,
     .alert = 40},
    {"the server refuses, TLS 1.3",
     {.protocols = CS_TLS_1_3, .client_certificate = CS_TLS_VERIFY_REQUEST},
     {0},
     .s = {.refuse = true},
     .certificate = true,
     .at_server = CS_BREAK_VERDICT,
     .at_client = CS_BREAK_ALERT,
     .alert = 48},
    {"the server refuses, TLS 1.2",
     {.protocols = CS_TLS_1_2, .client_certificate = CS_TLS_VERIFY_REQUEST},
     {0},
     .s = {.refuse = true},
     .certificate = true,
     .at_server = CS_BREAK_VERDICT,
     .at_client = CS_BREAK_ALERT,
     .alert = 48},
    {"the client refuses",
     {0},
     {0},
     .c = {.refuse = true},
     .at_server = CS_BREAK_ALERT,
     .at_client = CS_BREAK_VERDICT,
     .alert = 48},
    {"the name is rejected",
     {0},
     {0},
     .s = {.reject = true},
     .sni = "a.test",
     .at_server = CS_BREAK_NAME,
     .at_client = CS_BREAK_ALERT,
     .alert = 112},
    {"no name, rejected",
     {0},
     {0},
     .s = {.reject = true},
     .at_server = CS_BREAK_NAME,
     .at_client = CS_BREAK_ALERT,
     .alert = 112},
    {"the name is none",
     {0},
     {0},
     .sni = "a b",
     .at_server = CS_BREAK_NAME_MALFORMED,
     .at_client = CS_BREAK_ALERT,
     .alert = 112},
    {"nothing is wrong",
     {.client_certificate = CS_TLS_VERIFY_REQUIRE},
     {0},
     .certificate = true,
     .at_server = CS_BREAK_NONE,
     .at_client = CS_BREAK_NONE,
     .alert = -1},
};

static bool going(enum cs_tls_result r)
{
    return r == CS_TLS_WANT_READ || r == CS_TLS_WANT_WRITE;
}

/* Handshake of both, and one read, by which a client of TLS 1.3 learns the server's mind. */
static void shake(struct cs_tls *server, struct cs_tls *client)
{
    enum cs_tls_result rs = CS_TLS_WANT_READ, rc = CS_TLS_WANT_READ;
    char buf[16];
    size_t n;

    for (int i = 0; i < 20 && (going(rs) || going(rc)); i++) {
        cs_tls_ready(client, true, true, false);
        cs_tls_ready(server, true, true, false);
        if (going(rc))
            rc = cs_tls_handshake(client);
        if (going(rs))
            rs = cs_tls_handshake(server);
    }
    cs_tls_ready(client, true, true, false);
    if (rc == CS_TLS_OK)
        cs_tls_read(client, buf, sizeof(buf), &n);
}

static struct cs_tls_server *make_server(struct cs_tls_server_spec spec)
{
    struct cs_tls_pair pair = {.chain_pem = server_ec.cert_pem, .key_pem = server_ec.key_pem};
    struct cs_tls_server *server = NULL;
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(ca.cert), &der);
    struct cs_str name = cs_str_make(der, (size_t)len);

    spec.pairs = &pair;
    spec.n_pairs = 1;
    spec.ca_names = &name;
    spec.n_ca_names = 1;
    cs_assert(cs_tls_server_new(&spec, &findings, &server) == 0);
    OPENSSL_free(der);
    return server;
}

static struct cs_tls_client *make_client(struct cs_tls_client_spec spec, bool certificate)
{
    struct cs_tls_pair pair = {.chain_pem = client_ec.cert_pem, .key_pem = client_ec.key_pem};
    struct cs_tls_client *client = NULL;

    spec.pair = certificate ? &pair : NULL;
    cs_assert(cs_tls_client_new(&spec, &findings, &client) == 0);
    return client;
}

static void check_breakdown(const struct row *row, const struct cs_handshake *server,
                            const struct cs_handshake *client)
{
    const struct cs_breakdown *s = server->breakdown, *c = client->breakdown;

    if (!row->at_server) {
        tap_ok(!s && !c, "%s: nothing is collected", row->name);
        return;
    }
    tap_ok(s && c, "%s: both sides know why", row->name);
    tap_ok(s->own.versions.len && s->own.ciphers.len && s->own.groups.len && s->own.sigalgs.len &&
               c->own.versions.len && c->own.ciphers.len && c->own.groups.len,
           "%s: what both wanted", row->name);
    tap_ok(s->offered.versions.len && s->offered.ciphers.len && s->offered.groups.len &&
               s->offered.sigalgs.len,
           "%s: what was offered: %.*s", row->name, CS_FMT(s->offered.versions));
    tap_ok(s->n_own_chain == 1 && cs_str_eq(s->own_key, CS_STR("P-256")),
           "%s: the server's certificate", row->name);
    tap_ok(cs_str_eq(c->own_key, row->certificate ? CS_STR("P-256") : CS_STR("")),
           "%s: the client's", row->name);
    tap_ok(cs_messages_have(client->sent, CS_MESSAGE_CLIENT_HELLO) &&
               cs_messages_have(server->received, CS_MESSAGE_CLIENT_HELLO),
           "%s: how far it got", row->name);
    if (row->server.client_certificate == CS_TLS_VERIFY_REQUIRE) {
        tap_int((int64_t)c->n_asked_names, 1, "the CA name that the client was asked for");
        tap_str(c->asked_sigalgs, s->asked_sigalgs, "the algorithms it was asked for");
    }
    if (row->server.alpn)
        tap_ok(cs_str_eq(s->own.alpn, CS_STR("http/1.1")) &&
                   cs_str_eq(s->offered.alpn, CS_STR("foo")),
               "protocols");
}

static void check(const struct row *row)
{
    struct cs_tls_server *server = make_server(row->server);
    struct cs_tls_client *client = make_client(row->client, row->certificate);
    struct side s = row->s, c = row->c;
    struct cs_tls *ts, *tc;
    int fds[2];

    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    ts = cs_tls_server_session(server, fds[0], &hooks, &s, &io);
    tc = cs_tls_client_session(client, fds[1], cs_str_from(row->sni), CS_STR(""), &hooks, &c, &io);
    shake(ts, tc);
    const struct cs_handshake *fs = cs_tls_facts(ts), *fc = cs_tls_facts(tc);
    tap_str(cs_str_from(cs_break_name(fs->broken)), cs_str_from(cs_break_name(row->at_server)),
            row->name);
    tap_str(cs_str_from(cs_break_name(fc->broken)), cs_str_from(cs_break_name(row->at_client)),
            "and at the client");
    tap_int(fs->alert_received.number > fc->alert_received.number ? fs->alert_received.number
                                                                  : fc->alert_received.number,
            row->alert, "the alert");
    check_breakdown(row, fs, fc);
    cs_tls_free(ts);
    cs_tls_free(tc);
    close(fds[0]);
    close(fds[1]);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* --- what is not a handshake --- */

static void test_stream(void)
{
    static const struct {
        const char *name;
        struct cs_str bytes;
        bool close;
        enum cs_ending ending;
        enum cs_break broken;
    } cases[] = {
        {"nothing, and closed", CS_STR_INIT(""), true, CS_ENDING_CLOSED, CS_BREAK_TRANSPORT},
        {"the beginning of a record", CS_STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03"), true,
         CS_ENDING_CLOSED, CS_BREAK_TRANSPORT},
        {"the beginning, and waiting", CS_STR_INIT("\x16\x03\x01\x02\x00\x01"), false,
         CS_ENDING_OPEN, CS_BREAK_TRANSPORT},
        {"SSH", CS_STR_INIT("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), false, CS_ENDING_OPEN,
         CS_BREAK_NOT_TLS},
        {"HTTP", CS_STR_INIT("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), false, CS_ENDING_OPEN,
         CS_BREAK_PLAIN_HTTP},
        {"a message of 1 MiB", CS_STR_INIT("\x16\x03\x01\x00\x06\x01\x10\x00\x00\x03\x03"), false,
         CS_ENDING_OPEN, CS_BREAK_TOO_LARGE},
        {"a hello that is none", CS_STR_INIT("\x16\x03\x01\x00\x05\x01\x00\x00\x01x"), false,
         CS_ENDING_OPEN, CS_BREAK_MALFORMED},
    };
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct side side = {0};
        struct cs_transport t;
        int fds[2];
        cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
        struct cs_tls *tls = cs_tls_server_session(server, fds[0], &hooks, &side, &io);
        cs_assert(write(fds[1], cases[i].bytes.ptr, cases[i].bytes.len) ==
                  (ssize_t)cases[i].bytes.len);
        if (cases[i].close)
            close(fds[1]);
        cs_tls_ready(tls, true, true, cases[i].close);
        cs_tls_handshake(tls);
        cs_tls_abandon(tls);
        cs_tls_transport(tls, &t);
        tap_str(t.first, cs_str_sub(cases[i].bytes, 0, CS_TRANSPORT_FIRST), cases[i].name);
        tap_int((int64_t)t.bytes_in, (int64_t)cases[i].bytes.len, "counted");
        tap_int(t.ending, cases[i].ending, "the end");
        tap_str(cs_str_from(cs_break_name(cs_tls_facts(tls)->broken)),
                cs_str_from(cs_break_name(cases[i].broken)), "why");
        tap_ok(cs_tls_facts(tls)->breakdown && t.tls && !t.outgoing, "what else is known");
        tap_int(cs_tls_handshake(tls), CS_TLS_FAILED, "for good");
        cs_tls_free(tls);
        close(fds[0]);
        if (!cases[i].close)
            close(fds[1]);
    }
    cs_tls_server_unref(server);
}

/* A client with OpenSSL that refuses the server's certificate in TLS 1.3 has not changed to
 * encryption yet: its alert comes in the clear. */
static void test_clear_alert(void)
{
    static const char alert[] = "\x15\x03\x03\0\x02\x02\x30";
    struct cs_tls_server *server =
        make_server((struct cs_tls_server_spec){.protocols = CS_TLS_1_3});
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0}, false);
    struct side s = {0}, c = {0};
    int fds[2];

    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    struct cs_tls *ts = cs_tls_server_session(server, fds[0], &hooks, &s, &io);
    struct cs_tls *tc =
        cs_tls_client_session(client, fds[1], CS_STR(""), CS_STR(""), &hooks, &c, &io);
    cs_tls_handshake(tc);
    cs_tls_handshake(ts);
    cs_assert(write(fds[1], alert, sizeof(alert) - 1) == sizeof(alert) - 1);
    cs_tls_ready(ts, true, true, false);
    tap_int(cs_tls_handshake(ts), CS_TLS_FAILED, "an alert in the clear ends the handshake");
    tap_int(cs_tls_facts(ts)->broken, CS_BREAK_ALERT, "and is known for one");
    tap_int(cs_tls_facts(ts)->alert_received.number, 48, "with its number");
    cs_tls_free(ts);
    cs_tls_free(tc);
    close(fds[0]);
    close(fds[1]);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* Turn over one bit of the signature in the CertificateVerify that @bytes hold in the clear, as
 * TLS 1.2 sends it. Return: whether there is one. */
static bool spoil_proof(uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at + 5 <= len;) {
        size_t end = at + 5 + (size_t)(bytes[at + 3] << 8 | bytes[at + 4]);
        for (size_t m = at + 5; bytes[at] == 22 && m + 4 <= end && end <= len;) {
            size_t next = m + 4 + (size_t)(bytes[m + 1] << 16 | bytes[m + 2] << 8 | bytes[m + 3]);
            if (bytes[m] == CS_MESSAGE_CERTIFICATE_VERIFY && next <= end) {
                bytes[next - 1] ^= 1;
                return true;
            }
            m = next;
        }
        at = end;
    }
    return false;
}

static void carry(int from, int to, bool *spoiled)
{
    uint8_t buf[16384];
    ssize_t n = recv(from, buf, sizeof(buf), MSG_DONTWAIT);

    if (n <= 0)
        return;
    *spoiled = spoil_proof(buf, (size_t)n) || *spoiled;
    cs_assert(send(to, buf, (size_t)n, 0) == n);
}

static void test_proof(void)
{
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){
        .protocols = CS_TLS_1_2, .client_certificate = CS_TLS_VERIFY_REQUIRE});
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0}, true);
    struct side s = {0}, c = {0};
    bool spoiled = false, ignored = false;
    int a[2], b[2];

    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) == 0);
    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b) == 0);
    struct cs_tls *ts = cs_tls_server_session(server, a[0], &hooks, &s, &io);
    struct cs_tls *tc =
        cs_tls_client_session(client, b[0], CS_STR(""), CS_STR(""), &hooks, &c, &io);
    for (int i = 0; i < 10; i++) {
        cs_tls_ready(tc, true, true, false);
        cs_tls_ready(ts, true, true, false);
        cs_tls_handshake(tc);
        carry(b[1], a[1], &spoiled);
        cs_tls_handshake(ts);
        carry(a[1], b[1], &ignored);
    }
    tap_ok(spoiled, "the proof was altered on its way");
    tap_str(cs_str_from(cs_break_name(cs_tls_facts(ts)->broken)), CS_STR("proof"), "and fails");
    tap_int(cs_tls_facts(tc)->alert_received.number, 51, "decrypt_error");
    cs_tls_free(ts);
    cs_tls_free(tc);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

int main(void)
{
    now.wall_ms = 1800000000000;
    cs_tls_io_init(&io, &now);
    cs_arena_init(&arena);
    cs_findings_init(&findings, &arena);
    ca = test_issue("test root", EVP_PKEY_EC, NULL);
    server_ec = test_issue("server", EVP_PKEY_EC, &ca);
    client_ec = test_issue("client", EVP_PKEY_EC, &ca);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i]);
    test_stream();
    test_clear_alert();
    test_proof();
    test_free(&ca);
    test_free(&server_ec);
    test_free(&client_ec);
    cs_arena_deinit(&arena);
    cs_tls_io_deinit(&io);
    return tap_done();
}
