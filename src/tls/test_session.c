/* Client and server in one process, over a socket pair: what each sees of the other. */
#include "tls/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tap.h"
#include "tls/internal.h"
#include "tls/names.h"
#include "tls/test_pki.h"
#include "tls/tickets.h"

#define START_SEC 1800000000

static struct cs_now now;
static struct cs_tls_io io;
static struct cs_arena arena;
static struct cs_findings findings;
static struct test_identity ca, inter, server_ec, server_rsa, client_ec;
static struct cs_ticket_keys *keys;

/* What one side's hooks answer, and what they were asked. */
struct side {
    struct cs_tls_server *select_to;
    bool reject;
    bool verify_answer;
    uint8_t verify_alert;
    bool forbid;
    bool resume_answer;
    struct cs_tls *tls;
    bool early; /* resume was asked before the caller had the session */
    char sni[64];
    unsigned n_select, n_verify, n_resume, n_declined;
    size_t n_chain, resume_n_chain;
    int64_t resume_original;
};

static struct cs_tls_server *on_select(void *ctx, struct cs_str sni, bool *ret_reject)
{
    struct side *side = ctx;
    side->n_select++;
    snprintf(side->sni, sizeof(side->sni), "%.*s", CS_FMT(sni));
    *ret_reject = side->reject;
    return side->select_to;
}

static bool on_verify(void *ctx, const struct cs_str *chain, size_t n, uint8_t *ret_alert)
{
    struct side *side = ctx;
    side->n_verify++;
    side->n_chain = n;
    if (side->forbid)
        cs_tls_forbid_tickets(side->tls);
    if (!side->verify_answer && side->verify_alert)
        *ret_alert = side->verify_alert;
    return side->verify_answer;
}

static bool on_resume(void *ctx, const struct cs_str *chain, size_t n, int64_t original)
{
    struct side *side = ctx;
    side->n_resume++;
    side->early |= !side->tls;
    side->resume_n_chain = n;
    side->resume_original = original;
    return side->resume_answer;
}

static void on_declined(void *ctx)
{
    struct side *side = ctx;
    side->n_declined++;
}

static const struct cs_tls_hooks hooks = {on_select, on_verify, on_resume, on_declined};
static const struct cs_tls_hooks deaf_hooks = {on_select, on_verify, on_resume, NULL};

/* A connection in the making. */
struct link {
    struct side s, c;
    struct cs_tls *server, *client;
    int fds[2];
    enum cs_tls_result rs, rc;
};

static void link_open(struct link *l, struct cs_tls_server *server, struct cs_tls_client *client,
                      const char *sni, const char *key)
{
    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, l->fds) == 0);
    l->server = cs_tls_server_session(server, l->fds[0], &hooks, &l->s, &io);
    l->client = cs_tls_client_session(client, l->fds[1], cs_str_from(sni), cs_str_from(key), &hooks,
                                      &l->c, &io);
    cs_assert(l->server && l->client);
    l->s.tls = l->server;
    l->c.tls = l->client;
}

static bool going(enum cs_tls_result r)
{
    return r == CS_TLS_WANT_READ || r == CS_TLS_WANT_WRITE;
}

static void link_shake(struct link *l)
{
    l->rs = l->rc = CS_TLS_WANT_READ;
    for (int i = 0; i < 50 && (going(l->rs) || going(l->rc)); i++) {
        cs_tls_ready(l->client, true, true, false);
        cs_tls_ready(l->server, true, true, false);
        if (going(l->rc))
            l->rc = cs_tls_handshake(l->client);
        if (going(l->rs))
            l->rs = cs_tls_handshake(l->server);
    }
}

static enum cs_tls_result read_some(struct cs_tls *tls, char *buf, size_t len, size_t *ret_n)
{
    *ret_n = 0;
    cs_tls_ready(tls, true, true, false);
    return cs_tls_read(tls, buf, len, ret_n);
}

/* "ping" there, "pong" back; tickets arrive on the way. Return: whether both came. */
static bool link_talk(struct link *l)
{
    char buf[16];
    size_t n = 0;
    if (cs_tls_write(l->client, "ping", 4, &n) != CS_TLS_OK || cs_tls_flush(l->client))
        return false;
    if (read_some(l->server, buf, sizeof(buf), &n) != CS_TLS_OK || n != 4 || memcmp(buf, "ping", 4))
        return false;
    if (cs_tls_write(l->server, "pong", 4, &n) != CS_TLS_OK || cs_tls_flush(l->server))
        return false;
    return read_some(l->client, buf, sizeof(buf), &n) == CS_TLS_OK && n == 4 &&
           memcmp(buf, "pong", 4) == 0;
}

static void link_close(struct link *l)
{
    l->server = cs_tls_free(l->server);
    l->client = cs_tls_free(l->client);
    close(l->fds[0]);
    close(l->fds[1]);
}

static struct link fresh(void)
{
    struct link l = {.s = {.verify_answer = true, .resume_answer = true},
                     .c = {.verify_answer = true, .resume_answer = true}};
    return l;
}

/* --- settings --- */

static struct cs_tls_pair pair_of(const struct test_identity *id)
{
    return (struct cs_tls_pair){.chain_pem = id->cert_pem, .key_pem = id->key_pem};
}

static struct cs_tls_server *make_server(struct cs_tls_server_spec spec)
{
    struct cs_tls_pair pair = pair_of(&server_ec);
    struct cs_tls_server *server = NULL;
    if (!spec.pairs) {
        spec.pairs = &pair;
        spec.n_pairs = 1;
    }
    cs_assert(cs_tls_server_new(&spec, &findings, &server) == 0);
    return server;
}

static struct cs_tls_client *make_client(struct cs_tls_client_spec spec)
{
    struct cs_tls_client *client = NULL;
    cs_assert(cs_tls_client_new(&spec, &findings, &client) == 0);
    return client;
}

static const struct {
    unsigned bits;
    const char *name;
} versions[] = {{CS_TLS_1_2, "TLSv1.2"}, {CS_TLS_1_3, "TLSv1.3"}};

#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))

static struct cs_tls_server_spec mutual(unsigned protocols)
{
    return (struct cs_tls_server_spec){
        .protocols = protocols,
        .client_certificate = CS_TLS_VERIFY_REQUEST,
        .tickets = true,
        .ticket_keys = keys,
        .session_timeout_sec = 300,
        .binding = {1},
    };
}

/* --- tests --- */

static void test_full(void)
{
    for (size_t v = 0; v < N_VERSIONS; v++) {
        struct cs_str chain = test_cat(client_ec.cert_pem, inter.cert_pem);
        struct cs_tls_pair pair = {.chain_pem = chain, .key_pem = client_ec.key_pem};
        struct cs_tls_server *server = make_server(mutual(versions[v].bits));
        struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.pair = &pair});
        struct link l = fresh();
        link_open(&l, server, client, "A.Example.", NULL);
        link_shake(&l);
        const struct cs_handshake *fs = cs_tls_facts(l.server), *fc = cs_tls_facts(l.client);
        tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l), "%s: mutual handshake",
               versions[v].name);
        tap_str(fs->protocol, cs_str_from(versions[v].name), "protocol");
        tap_ok(fs->complete && !fs->resumed && fs->server && fs->certificate_asked, "flags");
        tap_ok(fs->cipher.len > 0 && cs_str_eq(fs->cipher, fc->cipher), "cipher %.*s",
               CS_FMT(fs->cipher));
        tap_ok(fs->group.len > 0 && cs_str_eq(fs->group, fc->group), "group %.*s",
               CS_FMT(fs->group));
        tap_str(fs->sigalg, CS_STR("ecdsa_secp256r1_sha256"), "server's signature");
        tap_str(fs->client_sigalg, CS_STR("ecdsa_secp256r1_sha256"), "client's signature");
        tap_str(fc->sigalg, fs->sigalg, "client sees the server's signature");
        tap_str(fs->sni, CS_STR("a.example"), "server name is canonical");
        tap_int((int64_t)fs->n_chain, 2, "client's chain");
        tap_int((int64_t)l.s.n_chain, 2, "judged");
        tap_int((int64_t)fc->n_chain, 1, "server's chain");
        tap_ok(fs->offered_ciphers.n > 0 && fs->offered_groups.n > 0 && fs->offered_versions.n > 0,
               "offers are kept");
        tap_ok(cs_tls_cipher_name(fs->offered_ciphers.codes[0]).len > 0, "and have names");
        tap_ok(fs->bytes_in == fc->bytes_out && fs->bytes_out == fc->bytes_in && fs->bytes_in > 500,
               "bytes are counted");
        tap_int(fs->original_sec, START_SEC, "when it was");
        tap_int(fs->alert_sent.number, -1, "no alert");

        unsigned char *der = NULL;
        int len = i2d_X509(client_ec.cert, &der);
        tap_str(fs->chain[0], cs_str_make(der, (size_t)len), "the leaf's bytes");
        OPENSSL_free(der);

        size_t n;
        char buf[8];
        tap_int(cs_tls_write(l.client, "bye", 3, &n), CS_TLS_OK, "the last word");
        tap_int(cs_tls_shutdown(l.client), CS_TLS_OK, "close_notify is sent with it");
        tap_int(read_some(l.server, buf, sizeof(buf), &n), CS_TLS_OK, "the word is read");
        tap_int(cs_tls_read(l.server, buf, sizeof(buf), &n), CS_TLS_CLOSED, "then the end");
        tap_int(cs_tls_read(l.server, buf, sizeof(buf), &n), CS_TLS_CLOSED, "as often as asked");
        link_close(&l);
        cs_tls_server_unref(server);
        cs_tls_client_unref(client);
        free((char *)chain.ptr);
    }
}

static void test_no_certificate(void)
{
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    for (size_t v = 0; v < N_VERSIONS; v++) {
        struct cs_tls_server_spec spec = mutual(versions[v].bits);
        struct cs_tls_server *server = make_server(spec);
        struct link l = fresh();
        link_open(&l, server, client, NULL, NULL);
        link_shake(&l);
        tap_ok(l.rs == CS_TLS_OK && link_talk(&l), "%s: request: none is fine", versions[v].name);
        tap_int(l.s.n_verify, 0, "nothing to judge");
        tap_int((int64_t)cs_tls_facts(l.server)->n_chain, 0, "no chain");
        link_close(&l);
        cs_tls_server_unref(server);

        spec.client_certificate = CS_TLS_VERIFY_REQUIRE;
        server = make_server(spec);
        l = fresh();
        link_open(&l, server, client, NULL, NULL);
        link_shake(&l);
        size_t n;
        char buf[8];
        tap_int(l.rs, CS_TLS_FAILED, "require: none fails");
        tap_int(l.rc == CS_TLS_OK ? read_some(l.client, buf, 8, &n) : l.rc, CS_TLS_FAILED,
                "the client is told");
        const struct cs_alert *got = &cs_tls_facts(l.client)->alert_received;
        const struct cs_alert *sent = &cs_tls_facts(l.server)->alert_sent;
        tap_ok(got->number == sent->number &&
                   got->number == (versions[v].bits == CS_TLS_1_3 ? 116 : 40),
               "%d %.*s", got->number, CS_FMT(got->text));
        link_close(&l);
        cs_tls_server_unref(server);
    }
    cs_tls_client_unref(client);
}

static void test_verdicts(void)
{
    static const uint8_t alerts[] = {40, 42, 43, 44, 45, 46, 48, 51};
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.pair = &pair});
    for (size_t v = 0; v < N_VERSIONS; v++) {
        struct cs_tls_server *server = make_server(mutual(versions[v].bits));
        for (size_t i = 0; i < sizeof(alerts); i++) {
            struct link l = fresh();
            l.s.verify_answer = false;
            l.s.verify_alert = alerts[i];
            link_open(&l, server, client, NULL, NULL);
            link_shake(&l);
            size_t n;
            char buf[8];
            if (l.rc == CS_TLS_OK)
                l.rc = read_some(l.client, buf, 8, &n);
            const struct cs_handshake *fs = cs_tls_facts(l.server), *fc = cs_tls_facts(l.client);
            tap_ok(l.rs == CS_TLS_FAILED && l.rc == CS_TLS_FAILED && !fs->complete,
                   "%s: refused by the hook", versions[v].name);
            tap_int(fc->alert_received.number, alerts[i], "with the alert asked for");
            tap_str(fc->alert_received.text, cs_tls_alert_name(alerts[i]), "by name");
            tap_ok(fs->alert_sent.fatal && fs->n_chain == 1 && fs->failure.len > 0,
                   "the facts stay: %.*s", CS_FMT(fs->failure));
            link_close(&l);
        }
        cs_tls_server_unref(server);
    }
    struct cs_tls_server *server = make_server(mutual(0));
    struct link l = fresh();
    l.c.verify_answer = false;
    l.c.verify_alert = 48;
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    tap_ok(l.rc == CS_TLS_FAILED && l.rs == CS_TLS_FAILED &&
               cs_tls_facts(l.server)->alert_received.number == 48,
           "a client refuses the server likewise");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* A client may offer several tickets, and the library may pass over one that was approved: what
 * it stood for is taken back before the next is judged, whatever becomes of that. */
static void test_next_ticket(void)
{
    struct cs_tls_server *server = make_server(mutual(0));
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    struct cs_ticket good = {.binding = {1}, .original_sec = START_SEC};
    struct cs_ticket foreign = {.binding = {2}, .original_sec = START_SEC};
    struct link l = fresh();

    link_open(&l, server, client, NULL, NULL);
    tap_ok(cs_tls_may_resume(l.server, &good) && l.s.n_declined == 0, "a ticket is approved");
    tap_ok(cs_tls_may_resume(l.server, &good) && l.s.n_declined == 1 && l.s.n_resume == 2,
           "the next one takes it back and is judged by itself");
    tap_ok(!cs_tls_may_resume(l.server, &foreign) && l.s.n_declined == 2 && l.s.n_resume == 2,
           "so does one that nobody needs to judge");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* One connection under key "k"; the tickets it gets are remembered. */
static struct link visit(struct cs_tls_server *server, struct cs_tls_client *client,
                         struct link start)
{
    struct link l = start;
    link_open(&l, server, client, "a.example", "k");
    link_shake(&l);
    return l;
}

/* Make a connection and say whether it was resumed. */
static bool resumes(struct cs_tls_server *server, struct cs_tls_client *client, struct link start,
                    const char *what)
{
    struct link l = visit(server, client, start);
    bool good = l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l);
    bool resumed = cs_tls_facts(l.server)->resumed;
    tap_ok(good && resumed == cs_tls_facts(l.client)->resumed, "%s: handshake works", what);
    tap_ok(!resumed || cs_tls_facts(l.server)->n_chain == 1, "%s: a resumed chain is there", what);
    link_close(&l);
    return resumed;
}

/* The server goes with something unread: its client meets a reset. */
static void reset(struct link *l)
{
    char buf[16];
    size_t n = 0;
    tap_ok(link_talk(l) && cs_tls_write(l->client, "ping", 4, &n) == CS_TLS_OK &&
               cs_tls_flush(l->client) == CS_TLS_OK && close(l->fds[0]) == 0 &&
               read_some(l->client, buf, sizeof(buf), &n) == CS_TLS_FAILED,
           "a connection ends with a reset");
    l->fds[0] = dup(l->fds[1]); /* for link_close() */
    link_close(l);
}

static void test_resume(unsigned bits, const char *version)
{
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client_spec client_spec = {.pair = &pair, .session_reuse = true};
    struct cs_tls_server *server = make_server(mutual(bits));
    struct cs_tls_client *client = make_client(client_spec);
    now.wall_ms = (int64_t)START_SEC * 1000;

    tap_ok(!resumes(server, client, fresh(), version), "%s: the first is full", version);
    now.wall_ms += 100000;
    struct link l = visit(server, client, fresh());
    const struct cs_handshake *fs = cs_tls_facts(l.server);
    tap_ok(fs->resumed && cs_tls_facts(l.client)->resumed && link_talk(&l), "%s: the second is not",
           version);
    tap_int(l.s.n_verify + l.c.n_verify, 0, "no verdict on a chain that is not sent");
    tap_ok(l.s.n_resume == 1 && l.c.n_resume == 1, "but both judge the remembered one");
    tap_ok(!l.s.early && !l.c.early, "when their callers have the session");
    tap_int((int64_t)l.s.resume_n_chain, 1, "which is whole");
    tap_int(l.s.resume_original, START_SEC, "from the full handshake's time");
    tap_int(fs->original_sec, START_SEC, "which the facts say too");
    unsigned char *der = NULL;
    int len = i2d_X509(client_ec.cert, &der);
    tap_str(fs->n_chain ? fs->chain[0] : CS_STR(""), cs_str_make(der, (size_t)len),
            "the chain is remembered");
    OPENSSL_free(der);
    tap_int((int64_t)cs_tls_facts(l.client)->n_chain, 1, "the client remembers the server's");
    link_close(&l);

    l = fresh();
    l.s.resume_answer = false;
    tap_ok(!resumes(server, client, l, "the hook says no"), "%s: declined silently", version);
    l = fresh();
    l.c.resume_answer = false;
    tap_ok(!resumes(server, client, l, "the client's hook says no"), "%s: not offered", version);

    /* Renewed tickets do not prolong: three hops of 120 s, each resumed, then too late. */
    tap_ok(resumes(server, client, fresh(), "100 s"), "%s: young enough", version);
    now.wall_ms += 120000;
    tap_ok(resumes(server, client, fresh(), "220 s"), "%s: still", version);
    now.wall_ms += 120000;
    tap_ok(resumes(server, client, fresh(), "hop"), "%s: still", version);
    now.wall_ms += 120000;
    tap_ok(!resumes(server, client, fresh(), "too old"), "%s: the full handshake was too long ago",
           version);

    struct cs_tls_server_spec other = mutual(bits);
    other.binding[0] = 2;
    struct cs_tls_server *elsewhere = make_server(other);
    tap_ok(!resumes(elsewhere, client, fresh(), "other binding"), "%s: bound to its policy",
           version);
    tap_ok(!resumes(server, client, fresh(), "back"), "%s: in both directions", version);
    l = fresh();
    l.s.select_to = elsewhere;
    tap_ok(!resumes(server, client, l, "chosen by name"), "%s: the chosen server's counts",
           version);
    l = fresh();
    l.s.select_to = elsewhere;
    tap_ok(resumes(server, client, l, "again"), "%s: and resumes there", version);
    cs_tls_server_unref(elsewhere);

    tap_ok(!resumes(server, client, fresh(), "home"), "%s: full again", version);
    l = visit(server, client, fresh());
    reset(&l);
    tap_ok(resumes(server, client, fresh(), "after a reset"), "%s: a reset spoils no session",
           version);
    cs_tls_client_forget(client);
    tap_ok(!resumes(server, client, fresh(), "forgotten"), "%s: a client can forget", version);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

static void test_no_tickets(unsigned bits, const char *version)
{
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client_spec client_spec = {.pair = &pair, .session_reuse = true};
    struct cs_tls_client *client = make_client(client_spec);
    struct cs_tls_server *server = make_server(mutual(bits));
    struct link l = fresh();
    l.s.forbid = true;
    tap_ok(!resumes(server, client, l, "forbidden"), "%s: full", version);
    tap_ok(!resumes(server, client, fresh(), "after forbidden"), "%s: no ticket was given",
           version);
    tap_ok(resumes(server, client, fresh(), "after allowed"), "%s: now one was", version);

    struct cs_tls_server_spec off = mutual(bits);
    off.tickets = false;
    struct cs_tls_server *without = make_server(off);
    tap_ok(!resumes(without, client, fresh(), "tickets off"), "%s: declined", version);
    cs_tls_client_forget(client);
    tap_ok(!resumes(without, client, fresh(), "tickets off"), "%s: none given", version);
    tap_ok(!resumes(without, client, fresh(), "tickets off"), "%s: none taken", version);
    l = fresh();
    l.s.select_to = without;
    tap_ok(!resumes(server, client, l, "off by name"), "%s: the chosen server says", version);
    tap_ok(!resumes(server, client, fresh(), "off by name"), "%s: so none was given", version);
    cs_tls_server_unref(without);

    l = fresh();
    l.c.forbid = true;
    cs_tls_client_forget(client);
    resumes(server, client, l, "client forbids");
    tap_ok(!resumes(server, client, fresh(), "client forbade"), "%s: nothing remembered", version);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

static void test_rotation(unsigned bits, const char *version)
{
    static const uint8_t secret[CS_TICKET_SECRET] = {9};
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client_spec client_spec = {
        .pair = &pair, .session_reuse = true, .session_timeout_sec = 86400};
    struct cs_tls_client *client = make_client(client_spec);
    struct cs_tls_server_spec spec = mutual(bits);
    spec.session_timeout_sec = 86400;
    /* Two workers with the same beginning and nothing else in common. */
    now.wall_ms = (int64_t)START_SEC * 1000;
    spec.ticket_keys = cs_ticket_keys_new_ratchet(secret, START_SEC);
    struct cs_tls_server *one = make_server(spec);
    cs_ticket_keys_unref(spec.ticket_keys);
    spec.ticket_keys = cs_ticket_keys_new_ratchet(secret, START_SEC);
    struct cs_tls_server *two = make_server(spec);
    cs_ticket_keys_unref(spec.ticket_keys);

    tap_ok(!resumes(one, client, fresh(), "first"), "%s: full", version);
    tap_ok(resumes(two, client, fresh(), "other worker"), "%s: any worker resumes", version);
    now.wall_ms += CS_TICKET_EPOCH_SEC * 1000;
    tap_ok(resumes(two, client, fresh(), "next epoch"), "%s: an hour later", version);
    tap_ok(resumes(one, client, fresh(), "next epoch"), "%s: at the other, which turned alike",
           version);
    now.wall_ms += 2 * CS_TICKET_EPOCH_SEC * 1000;
    tap_ok(!resumes(two, client, fresh(), "two epochs"), "%s: two epochs later it is forgotten",
           version);
    cs_tls_server_unref(one);
    cs_tls_server_unref(two);
    cs_tls_client_unref(client);
    now.wall_ms = (int64_t)START_SEC * 1000;
}

/* A ticket that the hook approves and the library then declines (another cipher; with or
 * without extended master secret), from a client that now shows no certificate: the old
 * verdict must not stand for the new connection. */
static void declined_case(const struct cs_tls_hooks *server_hooks, bool certificate)
{
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client *client =
        make_client((struct cs_tls_client_spec){.pair = &pair, .session_reuse = true});
    struct cs_tls_server_spec spec = mutual(CS_TLS_1_2);
    spec.ciphers = CS_STR("ECDHE-ECDSA-AES128-GCM-SHA256");
    struct cs_tls_server *first = make_server(spec);
    spec.ciphers = CS_STR("ECDHE-ECDSA-AES256-GCM-SHA384");
    struct cs_tls_server *second = make_server(spec);

    struct link l = fresh();
    link_open(&l, first, client, "a.example", "k");
#ifdef SSL_OP_NO_EXTENDED_MASTER_SECRET
    SSL_set_options(l.client->ssl, SSL_OP_NO_EXTENDED_MASTER_SECRET);
#endif
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_OK && link_talk(&l), "a ticket is made");
    link_close(&l);

    l = fresh();
    link_open(&l, second, client, "a.example", "k");
    l.server->hooks = server_hooks;
    if (!certificate)
        SSL_certs_clear(l.client->ssl);
    link_shake(&l);
    const struct cs_handshake *facts = cs_tls_facts(l.server);
    tap_ok(l.s.n_resume == 1 && !facts->resumed, "approved, and declined by the library");
    if (server_hooks->declined)
        tap_ok(l.rs == CS_TLS_OK && l.s.n_declined == 1, "the hook hears of it");
    else
        tap_int(l.rs, certificate ? CS_TLS_OK : CS_TLS_FAILED,
                certificate ? "a new verdict is good" : "without the hook it fails");
    tap_int(l.s.n_verify, certificate, "verdicts");
    tap_int((int64_t)facts->n_chain, certificate, "the old chain is gone");
    link_close(&l);
    cs_tls_server_unref(first);
    cs_tls_server_unref(second);
    cs_tls_client_unref(client);
}

/* A client whose first key share is not of our group is asked again (RFC 8446 section 4.1.4);
 * the server is chosen once. */
static void test_retry(void)
{
    struct cs_tls_server_spec spec = mutual(CS_TLS_1_3);
    spec.curves = CS_STR("P-384");
    struct cs_tls_server *server = make_server(spec);
    struct cs_tls_client *client =
        make_client((struct cs_tls_client_spec){.curves = CS_STR("X25519:P-384")});
    struct link l = fresh();
    link_open(&l, server, client, "a.example", NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l), "a second ClientHello");
    tap_str(cs_tls_facts(l.server)->group, CS_STR("secp384r1"), "our group");
    tap_int(l.s.n_select, 1, "the server is chosen once");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* A client that wants to negotiate anew on an established connection. */
static void test_renegotiation(void)
{
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_server *server = make_server(mutual(CS_TLS_1_2));
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.pair = &pair});
    struct link l = fresh();
    char buf[8];
    size_t n;
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_OK && link_talk(&l), "an established connection");
    SSL_clear_options(l.client->ssl, SSL_OP_NO_RENEGOTIATION);
    if (SSL_renegotiate(l.client->ssl) == 1) {
        SSL_do_handshake(l.client->ssl);
        cs_tls_flush(l.client);
        read_some(l.server, buf, sizeof(buf), &n);
        tap_int(cs_tls_facts(l.server)->alert_sent.number, 100, "renegotiation is refused");
    } else {
        tap_ok(true, "this library's clients cannot ask for renegotiation");
    }
    tap_int(l.s.n_verify, 1, "nothing was judged anew");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

static void test_alpn(void)
{
    static const char *const h1[] = {"http/1.1", NULL};
    static const char *const both[] = {"h2", "http/1.1", NULL};
    static const char *const h2[] = {"h2", NULL};
    struct cs_tls_server_spec spec = mutual(0);
    spec.alpn = h1;
    struct cs_tls_server *server = make_server(spec);
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.alpn = both});
    struct link l = fresh();
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    tap_str(cs_tls_facts(l.server)->alpn, CS_STR("http/1.1"), "common protocol");
    tap_str(cs_tls_facts(l.client)->alpn, CS_STR("http/1.1"), "known to both");
    link_close(&l);
    cs_tls_client_unref(client);

    client = make_client((struct cs_tls_client_spec){.alpn = h2});
    l = fresh();
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_FAILED && cs_tls_facts(l.client)->alert_received.number == 120,
           "nothing in common: no_application_protocol");
    link_close(&l);
    cs_tls_client_unref(client);
    cs_tls_server_unref(server);
}

static void test_select(void)
{
    struct cs_tls_pair rsa = pair_of(&server_rsa);
    struct cs_tls_server_spec second = mutual(CS_TLS_1_2);
    second.pairs = &rsa;
    second.n_pairs = 1;
    second.ciphers = CS_STR("ECDHE-RSA-AES256-GCM-SHA384");
    second.curves = CS_STR("P-384:P-256");
    second.prefer_server_ciphers = true;
    second.binding[0] = 7;
    struct cs_tls_server_spec plain = {.protocols = 0};
    struct cs_tls_server *first = make_server(plain), *other = make_server(second);
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.pair = &pair});
    struct link l = fresh();
    l.s.select_to = other;
    link_open(&l, first, client, "Other.Example", NULL);
    link_shake(&l);
    const struct cs_handshake *facts = cs_tls_facts(l.server);
    tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l), "another server is chosen");
    tap_str(cs_str_from(l.s.sni), CS_STR("other.example"), "by its name in lower case");
    tap_ok(cs_tls_server0(l.server) == other, "and answers");
    tap_str(facts->protocol, CS_STR("TLSv1.2"), "with its protocols");
    tap_str(facts->cipher, CS_STR("ECDHE-RSA-AES256-GCM-SHA384"), "ciphers");
    tap_str(facts->group, CS_STR("secp384r1"), "curves");
    tap_ok(l.s.n_verify == 1 && facts->n_chain == 1, "and client certificates");
    link_close(&l);

    l = fresh();
    l.s.select_to = first;
    link_open(&l, other, client, "plain.example", NULL);
    link_shake(&l);
    facts = cs_tls_facts(l.server);
    tap_ok(l.rs == CS_TLS_OK && link_talk(&l), "the other way round");
    tap_str(facts->protocol, CS_STR("TLSv1.3"), "protocol widens");
    tap_ok(l.s.n_verify == 0 && !facts->certificate_asked, "no certificate is asked");
    link_close(&l);

    l = fresh();
    l.s.reject = true;
    link_open(&l, first, client, "who.example", NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_FAILED && cs_tls_facts(l.client)->alert_received.number == 112,
           "rejected: unrecognized_name");
    tap_str(cs_tls_facts(l.server)->sni, CS_STR("who.example"), "the name is on record");
    link_close(&l);
    cs_tls_server_unref(first);

    struct cs_tls_server_spec empty = {.protocols = 0};
    struct cs_tls_server *refuses = NULL;
    tap_int(cs_tls_server_new(&empty, &findings, &refuses), 0, "a server without certificates");
    l = fresh();
    link_open(&l, refuses, client, NULL, NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_FAILED && cs_tls_facts(l.client)->alert_received.number == 112,
           "refuses every handshake");
    link_close(&l);
    l = fresh();
    l.s.select_to = other;
    link_open(&l, refuses, client, "other.example", NULL);
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK, "unless another is chosen");
    link_close(&l);
    cs_tls_server_unref(refuses);
    cs_tls_server_unref(other);
    cs_tls_client_unref(client);
}

static void test_pairs(void)
{
    struct cs_tls_pair pairs[] = {pair_of(&server_rsa), pair_of(&server_ec)};
    struct cs_tls_server_spec spec = {.pairs = pairs, .n_pairs = 2, .protocols = CS_TLS_1_2};
    struct cs_tls_server *server = make_server(spec);
    static const struct {
        const char *ciphers, *sigalg;
    } rows[] = {{"ECDHE-RSA-AES128-GCM-SHA256", "rsa_pss_rsae_sha256"},
                {"ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa_secp256r1_sha256"}};
    for (size_t i = 0; i < 2; i++) {
        struct cs_tls_client *client =
            make_client((struct cs_tls_client_spec){.ciphers = cs_str_from(rows[i].ciphers)});
        struct link l = fresh();
        link_open(&l, server, client, NULL, NULL);
        link_shake(&l);
        tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l), "%s", rows[i].ciphers);
        tap_str(cs_tls_facts(l.client)->sigalg, cs_str_from(rows[i].sigalg), "the fitting key");
        link_close(&l);
        cs_tls_client_unref(client);
    }
    cs_tls_server_unref(server);
}

/* A wire between the two that lets @step bytes through at a time. */
struct wire {
    int near[2], far[2];
};

static void carry(int from, int to, size_t step)
{
    char buf[1];
    for (size_t i = 0; i < step && recv(from, buf, 1, MSG_DONTWAIT) == 1; i++)
        cs_assert(send(to, buf, 1, 0) == 1);
}

static void test_bytewise(void)
{
    struct cs_tls_pair pair = pair_of(&client_ec);
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.pair = &pair});
    for (size_t v = 0; v < N_VERSIONS; v++) {
        struct cs_tls_server *server = make_server(mutual(versions[v].bits));
        struct link l = fresh();
        int a[2], b[2];
        cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) == 0);
        cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b) == 0);
        l.server = cs_tls_server_session(server, a[0], &hooks, &l.s, &io);
        l.client = cs_tls_client_session(client, b[0], CS_STR("x"), CS_STR(""), &hooks, &l.c, &io);
        l.rs = l.rc = CS_TLS_WANT_READ;
        unsigned turns = 0;
        while ((going(l.rs) || going(l.rc)) && turns++ < 20000) {
            cs_tls_ready(l.client, true, true, false);
            cs_tls_ready(l.server, true, true, false);
            if (going(l.rc))
                l.rc = cs_tls_handshake(l.client);
            if (going(l.rs))
                l.rs = cs_tls_handshake(l.server);
            carry(a[1], b[1], 1);
            carry(b[1], a[1], 1);
        }
        tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && turns > 500, "%s: byte by byte",
               versions[v].name);
        cs_tls_free(l.server);
        cs_tls_free(l.client);
        for (int i = 0; i < 2; i++) {
            close(a[i]);
            close(b[i]);
        }
        cs_tls_server_unref(server);
    }
    cs_tls_client_unref(client);
}

#define BULK (10u << 20)

static char pattern(size_t at)
{
    return (char)(at * 2654435761u >> 13);
}

/* Move bytes one way as far as they go. Return: false when they are wrong. */
static bool pour(struct cs_tls *from, struct cs_tls *to, size_t *sent, size_t *got, bool *blocked)
{
    static char buf[50000];
    size_t n = 0, len = BULK - *sent < sizeof(buf) ? BULK - *sent : sizeof(buf);
    for (size_t i = 0; i < len; i++)
        buf[i] = pattern(*sent + i);
    cs_tls_ready(from, false, true, false);
    if (len > 0) {
        enum cs_tls_result r = cs_tls_write(from, buf, len, &n);
        *blocked = *blocked || r == CS_TLS_WANT_WRITE;
        *sent += r == CS_TLS_OK ? n : 0;
    }
    if (cs_tls_has_unsent(from) && cs_tls_flush(from) == CS_TLS_WANT_WRITE)
        *blocked = true;
    cs_tls_ready(to, true, false, false);
    if (cs_tls_read(to, buf, 20000, &n) != CS_TLS_OK)
        return true;
    for (size_t i = 0; i < n; i++)
        if (buf[i] != pattern(*got + i))
            return false;
    *got += n;
    return true;
}

static void test_bulk(void)
{
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});
    struct link l = fresh();
    size_t sent[2] = {0}, got[2] = {0};
    bool good = true, blocked[2] = {false};
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    for (int i = 0; i < 100000 && good && (got[0] < BULK || got[1] < BULK); i++)
        good = pour(l.client, l.server, &sent[0], &got[0], &blocked[0]) &&
               pour(l.server, l.client, &sent[1], &got[1], &blocked[1]);
    tap_ok(good && got[0] == BULK && got[1] == BULK, "10 MiB both ways at once");
    tap_ok(blocked[0] && blocked[1], "with the socket full in between");
    tap_ok(!cs_tls_has_unsent(l.client) && !cs_tls_has_unsent(l.server), "nothing is left over");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* Every way in which a last short record can meet what is left of a batch. */
static void test_brim(unsigned bits, const char *version)
{
    static char bytes[49152 + 4], back[80000];
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){.protocols = bits});
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){.protocols = bits});
    struct link l = fresh();
    bool good = true;
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    for (size_t first = 15600; good && first < 16000; first++) {
        for (size_t last = 0; good && last <= 4; last++) {
            size_t n, done = 0, want = first + 49152 + last;
            good = cs_tls_write(l.server, bytes, first, &n) == CS_TLS_OK && n == first;
            for (size_t at = 0; good && at < 49152 + last; at += n) {
                cs_tls_ready(l.server, false, true, false);
                good = cs_tls_write(l.server, bytes + at, 49152 + last - at, &n) == CS_TLS_OK;
            }
            good = good && cs_tls_flush(l.server) == CS_TLS_OK;
            for (; good && done < want; done += n)
                good = read_some(l.client, back, sizeof(back), &n) == CS_TLS_OK;
            good = good && done == want;
        }
    }
    tap_ok(good, "%s: a batch is filled to the brim", version);
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

static void test_flush(void)
{
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});
    struct link l = fresh(), m = fresh();
    char buf[32];
    size_t n;
    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    link_open(&m, server, client, NULL, NULL);
    link_shake(&m);
    tap_ok(cs_tls_write(l.client, "head ", 5, &n) == CS_TLS_OK &&
               cs_tls_write(l.client, "body", 4, &n) == CS_TLS_OK,
           "two writes");
    tap_ok(cs_tls_has_unsent(l.client) && recv(l.fds[0], buf, 1, MSG_PEEK) < 0,
           "nothing leaves before the flush");
    tap_ok(cs_tls_write(m.client, "m", 1, &n) == CS_TLS_OK && !cs_tls_has_unsent(l.client),
           "another session's turn sends them");
    tap_ok(read_some(l.server, buf, 5, &n) == CS_TLS_OK && n == 5, "the head is read");
    tap_ok(cs_tls_pending(l.server), "the body is pending");
    cs_tls_flush(m.client);
    tap_ok(read_some(m.server, buf + 10, 1, &n) == CS_TLS_OK && buf[10] == 'm',
           "another session reads meanwhile");
    tap_ok(cs_tls_read(l.server, buf + 5, 20, &n) == CS_TLS_OK && n == 4 &&
               memcmp(buf, "head body", 9) == 0,
           "the body is still there");
    tap_ok(!cs_tls_pending(l.server), "and was the last");
    tap_int(cs_tls_read(l.server, buf, 20, &n), CS_TLS_WANT_READ, "dry");
    close(l.fds[1]);
    l.fds[1] = dup(m.fds[1]);
    cs_tls_ready(l.server, true, false, true);
    tap_int(cs_tls_read(l.server, buf, 20, &n), CS_TLS_EOF, "end without close_notify");
    link_close(&l);
    link_close(&m);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

/* What the peer said before it went is read, although nothing can be sent to it any more. */
static void test_last_words(void)
{
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});
    struct link l = fresh();
    char buf[20];
    size_t n = 0;

    link_open(&l, server, client, NULL, NULL);
    link_shake(&l);
    tap_ok(link_talk(&l), "both can speak");
    cs_assert(cs_tls_write(l.server, "because", 7, &n) == CS_TLS_OK);
    tap_int(cs_tls_flush(l.server), CS_TLS_OK, "the last words");
    close(l.fds[0]);
    l.fds[0] = dup(l.fds[1]);
    cs_assert(cs_tls_write(l.client, "more", 4, &n) == CS_TLS_OK);
    tap_int(cs_tls_flush(l.client), CS_TLS_FAILED, "the peer takes no more");
    tap_int(cs_tls_flush(l.client), CS_TLS_FAILED, "for good");
    tap_int(cs_tls_read(l.client, buf, sizeof(buf), &n), CS_TLS_OK, "what it said is there");
    tap_str(cs_str_make(buf, n), CS_STR("because"), "whole");
    tap_int(cs_tls_read(l.client, buf, sizeof(buf), &n), CS_TLS_FAILED, "and then nothing");
    tap_ok(cs_tls_facts(l.client)->failure.len > 0, "for a reason");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

static void test_garbage(void)
{
    static const struct {
        const char *bytes, *what;
    } rows[] = {{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain HTTP"},
                {"\x16\x03\x01\x00\x05\x01\x00\x00\x01x", "a broken ClientHello"},
                {"\x17\x03\x03\x00\x01xxxxxxxxxxxxxxxxxxxx", "data before the handshake"}};
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});
    for (size_t i = 0; i < 3; i++) {
        size_t len = i == 1 ? 10 : strlen(rows[i].bytes + (i == 2 ? 5 : 0)) + (i == 2 ? 5 : 0);
        struct side side = {.verify_answer = true};
        int fds[2];
        cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
        struct cs_tls *tls = cs_tls_server_session(server, fds[0], &hooks, &side, &io);
        cs_assert(write(fds[1], rows[i].bytes, len) == (ssize_t)len);
        tap_int(cs_tls_handshake(tls), CS_TLS_FAILED, rows[i].what);
        tap_ok(cs_tls_facts(tls)->failure.len > 0 && cs_tls_facts(tls)->end_ms > 0, "%.*s",
               CS_FMT(cs_tls_facts(tls)->failure));
        tap_int(cs_tls_handshake(tls), CS_TLS_FAILED, "for good");
        cs_tls_free(tls);
        close(fds[0]);
        close(fds[1]);
    }
    struct side side = {.verify_answer = true};
    int fds[2];
    cs_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    struct cs_tls *tls = cs_tls_server_session(server, fds[0], &hooks, &side, &io);
    tap_int(cs_tls_handshake(tls), CS_TLS_WANT_READ, "waits for the client");
    close(fds[1]);
    cs_tls_ready(tls, true, false, true);
    tap_int(cs_tls_handshake(tls), CS_TLS_EOF, "who goes away");
    cs_tls_free(tls);
    close(fds[0]);
    cs_tls_server_unref(server);
}

static void test_feed(void)
{
    struct cs_tls_client *client = make_client((struct cs_tls_client_spec){0});
    struct cs_tls_server *server = make_server((struct cs_tls_server_spec){0});
    struct link l = fresh();
    char first[100];
    link_open(&l, server, client, NULL, NULL);
    l.rc = cs_tls_handshake(l.client);
    ssize_t n = recv(l.fds[0], first, sizeof(first), 0);
    tap_ok(n == sizeof(first) && cs_tls_feed(l.server, cs_str_make(first, 40), false) == 0 &&
               cs_tls_feed(l.server, cs_str_make(first + 40, 60), false) == 0,
           "bytes read by others");
    link_shake(&l);
    tap_ok(l.rs == CS_TLS_OK && l.rc == CS_TLS_OK && link_talk(&l), "count as received");
    link_close(&l);
    cs_tls_server_unref(server);
    cs_tls_client_unref(client);
}

int main(void)
{
    static const uint8_t secret[CS_TICKET_SECRET] = {5};
    now.wall_ms = (int64_t)START_SEC * 1000;
    cs_tls_io_init(&io, &now);
    cs_arena_init(&arena);
    cs_findings_init(&findings, &arena);
    keys = cs_ticket_keys_new_ratchet(secret, START_SEC);
    ca = test_issue("test root", EVP_PKEY_EC, NULL);
    inter = test_issue("test intermediate", EVP_PKEY_EC, &ca);
    server_ec = test_issue("server", EVP_PKEY_EC, &ca);
    server_rsa = test_issue("server", EVP_PKEY_RSA, &ca);
    client_ec = test_issue("client", EVP_PKEY_EC, &inter);

    test_full();
    test_no_certificate();
    test_verdicts();
    test_next_ticket();
    for (size_t v = 0; v < N_VERSIONS; v++) {
        test_resume(versions[v].bits, versions[v].name);
        test_no_tickets(versions[v].bits, versions[v].name);
        test_rotation(versions[v].bits, versions[v].name);
    }
    declined_case(&hooks, false);
    declined_case(&hooks, true);
    declined_case(&deaf_hooks, false);
    declined_case(&deaf_hooks, true);
    test_retry();
    test_renegotiation();
    test_alpn();
    test_select();
    test_pairs();
    test_bytewise();
    test_bulk();
    test_brim(CS_TLS_1_2, "1.2");
    test_brim(CS_TLS_1_3, "1.3");
    test_flush();
    test_last_words();
    test_garbage();
    test_feed();

    struct test_identity *all[] = {&ca, &inter, &server_ec, &server_rsa, &client_ec};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        test_free(all[i]);
    cs_ticket_keys_unref(keys);
    cs_arena_deinit(&arena);
    cs_tls_io_deinit(&io);
    return tap_done();
}
