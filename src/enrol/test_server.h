/* A server in a process of its own, plain or in TLS, that misbehaves as its paths say. */
#ifndef CS_ENROL_TEST_SERVER_H
#define CS_ENROL_TEST_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"
#include "enrol/test_paper.h"
#include "io/loop.h"
#include "tls/session.h"

/* ---- one connection, in its process: all calls wait ---- */

struct test_conn {
    int fd;
    struct cs_tls *tls; /* NULL: plain */
    size_t n_presented; /* certificates that the client showed */
};

static bool test_wait(const struct test_conn *conn)
{
    struct pollfd state = {.fd = conn->fd, .events = POLLIN};

    if (conn->tls)
        state.events |= cs_tls_has_unsent(conn->tls) ? POLLOUT : 0;
    if (poll(&state, 1, 5000) <= 0)
        return false;
    if (conn->tls)
        cs_tls_ready(conn->tls, true, true, false);
    return true;
}

static bool test_send(struct test_conn *conn, struct cs_str bytes)
{
    while (bytes.len) {
        size_t n = 0;
        if (!conn->tls) {
            ssize_t sent = send(conn->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            n = (size_t)sent;
        } else {
            enum cs_tls_result r = cs_tls_write(conn->tls, bytes.ptr, bytes.len, &n);
            if (r == CS_TLS_OK)
                r = cs_tls_flush(conn->tls);
            if (r == CS_TLS_WANT_WRITE ? !test_wait(conn) : r != CS_TLS_OK)
                return false;
        }
        bytes = cs_str_skip(bytes, n);
    }
    return true;
}

static bool test_receive(struct test_conn *conn, struct cs_buf *buf)
{
    char bytes[4096];
    size_t n = 0;

    for (;;) {
        enum cs_tls_result r;
        if (!conn->tls) {
            ssize_t got = recv(conn->fd, bytes, sizeof(bytes), 0);
            return got > 0 && cs_buf_add(buf, bytes, (size_t)got) == 0;
        }
        r = cs_tls_read(conn->tls, bytes, sizeof(bytes), &n);
        if (r == CS_TLS_OK)
            return cs_buf_add(buf, bytes, n) == 0;
        if (r != CS_TLS_WANT_READ || !test_wait(conn))
            return false;
    }
}

static bool test_verify(void *ctx, const struct cs_str *chain, size_t n, uint8_t *ret_alert)
{
    ((struct test_conn *)ctx)->n_presented = n;
    return true;
}

static const struct cs_tls_hooks test_hooks = {.verify = test_verify};

/* ---- the server ---- */

struct test_server {
    uint16_t port;
    pid_t pid;
};

struct test_serving {
    int listener;
    struct cs_tls_server *tls; /* NULL: plain */
    void (*serve)(struct test_conn *conn, struct cs_str request);
};

/* Whether all of it is here, or what came is TLS. */
static bool test_whole(struct cs_str request)
{
    ptrdiff_t end = cs_str_search(request, CS_STR("\r\n\r\n"));
    ptrdiff_t at = cs_str_search(request, CS_STR("Content-Length: "));
    size_t want = at < 0 ? 0 : strtoul(request.ptr + at + 16, NULL, 10);

    if (cs_str_starts(request, CS_STR("\x16\x03")))
        return true;
    return end >= 0 && request.len >= (size_t)end + 4 + want;
}

static void test_converse(const struct test_serving *serving, int fd, struct cs_tls_io *io)
{
    struct test_conn conn = {.fd = fd};
    struct cs_buf request;
    enum cs_tls_result r = CS_TLS_OK;

    cs_buf_init(&request, 1 << 20);
    if (serving->tls) {
        conn.tls = cs_tls_server_session(serving->tls, fd, &test_hooks, &conn, io);
        do
            r = cs_tls_handshake(conn.tls);
        while ((r == CS_TLS_WANT_READ || r == CS_TLS_WANT_WRITE) && test_wait(&conn));
    }
    while (r == CS_TLS_OK && !test_whole(cs_buf_str(&request)) && test_receive(&conn, &request))
        ;
    if (!serving->tls && cs_str_starts(cs_buf_str(&request), CS_STR("\x16\x03")))
        test_send(&conn, CS_STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    else if (test_whole(cs_buf_str(&request)))
        serving->serve(&conn, cs_buf_str(&request));
    if (conn.tls && r == CS_TLS_OK)
        (void)cs_tls_shutdown(conn.tls);
    cs_tls_free(conn.tls);
    cs_buf_deinit(&request);
    close(fd);
}

static _Noreturn void test_serve(const struct test_serving *serving)
{
    struct cs_loop loop;
    struct cs_tls_io io;

    cs_assert(cs_loop_init(&loop) == 0);
    cs_tls_io_init(&io, &loop.now);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept4(serving->listener, NULL, NULL, serving->tls ? SOCK_NONBLOCK : 0);
        if (fd < 0)
            continue;
        cs_loop_now(&loop);
        if (fork() == 0) {
            test_converse(serving, fd, &io);
            _exit(0);
        }
        close(fd);
    }
}

/** test_server() - serve on 127.0.0.1, in TLS as @paper unless NULL, each connection in a
 *  process of its own, until test_server_end(). @serve runs there. */
static struct test_server test_server(struct test_paper *paper,
                                      void (*serve)(struct test_conn *, struct cs_str))
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct test_serving serving = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                                   .serve = serve};
    socklen_t len = sizeof(addr);
    struct test_server server;

    if (paper) {
        struct cs_arena arena = {0};
        struct cs_findings findings;
        struct cs_tls_pair pair = {.chain_pem = cs_buf_str(&paper->cert_pem),
                                   .key_pem = cs_buf_str(&paper->key_pem)};
        struct cs_tls_server_spec spec = {
            .pairs = &pair, .n_pairs = 1, .client_certificate = CS_TLS_VERIFY_REQUEST};
        cs_findings_init(&findings, &arena);
        cs_assert(cs_tls_server_new(&spec, &findings, &serving.tls) == 0);
        cs_arena_deinit(&arena);
    }
    cs_assert(bind(serving.listener, (struct sockaddr *)&addr, len) == 0 &&
              listen(serving.listener, 64) == 0 &&
              getsockname(serving.listener, (struct sockaddr *)&addr, &len) == 0);
    server.port = ntohs(addr.sin_port);
    fflush(stdout);
    server.pid = fork();
    if (server.pid == 0) {
        setpgid(0, 0);
        test_serve(&serving);
    }
    setpgid(server.pid, server.pid);
    close(serving.listener);
    cs_tls_server_unref(serving.tls);
    return server;
}

static void test_server_end(struct test_server *server)
{
    kill(-server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

#endif
