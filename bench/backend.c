/* bench-backend: plain HTTP behind every gateway. Prints its port and answers GET /N with N
 * bytes that differ from place to place, so that nothing left out or repeated goes unseen.
 *
 * Answers are made once per size and sent in one write; it must never be what limits a run. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/mem.h"
#include "http/h1.h"
#include "io/loop.h"
#include "io/socket.h"

#define SIZES_MAX 16
#define BODY_MAX (128u << 20)
#define HEAD_MAX (16u << 10)

struct answer {
    uint64_t size;
    struct cs_buf bytes; /* head and body */
};

struct client {
    struct cs_watch watch;
    struct cs_buf in;
    struct cs_str out; /* not sent yet */
    bool last;         /* close when it is sent */
};

static struct cs_loop loop;
static struct cs_arena arena;
static struct answer answers[SIZES_MAX];
static size_t n_answers;

static void add_body(struct cs_buf *buf, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        buf->ptr[buf->len++] = (char)(i * 2654435761u >> 13);
}

/* Return: the whole answer; empty: no such size, or too many. */
static struct cs_str answer_of(uint64_t size)
{
    struct answer *a;

    for (size_t i = 0; i < n_answers; i++)
        if (answers[i].size == size)
            return cs_buf_str(&answers[i].bytes);
    if (n_answers == SIZES_MAX)
        return (struct cs_str){0};
    a = &answers[n_answers++];
    a->size = size;
    cs_buf_init(&a->bytes, size + 1024);
    cs_assert(cs_buf_addf(&a->bytes,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Length: %llu\r\n\r\n",
                          (unsigned long long)size) == 0 &&
              cs_buf_reserve(&a->bytes, size) == 0);
    add_body(&a->bytes, size);
    return cs_buf_str(&a->bytes);
}

static void forget(struct client *client)
{
    cs_watch_close(&client->watch);
    cs_buf_deinit(&client->in);
    free(client);
}

/* Return: whether the next request may be looked at. */
static bool send_out(struct client *client)
{
    while (client->out.len) {
        ssize_t n = send(client->watch.fd, client->out.ptr, client->out.len, MSG_NOSIGNAL);
        if (n < 0) {
            client->last |= errno != EAGAIN && errno != EINTR;
            return false;
        }
        client->out = cs_str_skip(client->out, (size_t)n);
    }
    return !client->last;
}

/* One request off the front of what came in. Return: whether there was one. */
static bool take_request(struct client *client)
{
    static const struct cs_h1_limits limits = {
        .max_line = 8192, .max_head = HEAD_MAX, .max_headers = 100};
    struct cs_h1_request request;
    enum cs_h1_error error;
    struct cs_h1_scan scan;
    uint64_t size;
    ssize_t end;

    cs_h1_scan_init(&scan, CS_H1_REQUEST, &limits);
    end = client->in.len ? cs_h1_head_find(&scan, cs_buf_str(&client->in)) : 0;
    if (end == 0)
        return false;
    client->last = true; /* unless all is well */
    if (end < 0 || cs_h1_request_parse(
                       cs_str_sub(cs_buf_str(&client->in), scan.start, (size_t)end - scan.start),
                       &limits, &arena, &request, &error) < 0)
        return false;
    if (cs_str_to_u64(cs_str_skip(request.target, 1), BODY_MAX, &size) == 0) {
        client->out = answer_of(size);
        client->last = !client->out.len || !request.keep_alive;
    }
    cs_arena_reset(&arena);
    cs_buf_consume(&client->in, (size_t)end);
    return client->out.len > 0;
}

static void receive(struct client *client)
{
    while (client->watch.readable && cs_buf_reserve(&client->in, 4096) == 0) {
        ssize_t n = recv(client->watch.fd, client->in.ptr + client->in.len, 4096, 0);
        if (n > 0)
            client->in.len += (size_t)n;
        else
            client->last |= n == 0 || errno != EAGAIN;
        if (n < 4096 && !(n > 0 && client->watch.hangup))
            client->watch.readable = false;
    }
}

static void on_ready(struct cs_watch *watch)
{
    struct client *client = cs_container_of(watch, struct client, watch);

    receive(client);
    while (send_out(client) && take_request(client))
        continue;
    watch->writable = false;
    if (client->last && !client->out.len)
        forget(client);
    else if (client->last && watch->hangup)
        forget(client);
}

static void on_connections(struct cs_watch *watch)
{
    int fd;

    while ((fd = cs_accept(watch->fd, NULL)) >= 0) {
        struct client *client = CS_NEW(struct client);
        cs_buf_init(&client->in, HEAD_MAX);
        if (cs_watch_add(&loop, &client->watch, fd, on_ready) < 0) {
            close(fd);
            free(client);
        }
    }
}

int main(void)
{
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    struct cs_watch listener = {0};
    struct cs_addr addr;
    int fd = -1, r;

    options.backlog = 4096;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    r = cs_addr_parse_ip(CS_STR("127.0.0.1"), 0, &addr);
    r = r ? r : cs_listen_open(&addr, &options, &fd);
    r = r ? r : cs_socket_local(fd, &addr);
    r = r ? r : cs_loop_init(&loop);
    r = r ? r : cs_watch_add_listener(&loop, &listener, fd, on_connections);
    if (r < 0) {
        fprintf(stderr, "bench-backend: %s\n", strerror(-r));
        return 1;
    }
    printf("%u\n", cs_addr_port(&addr));
    fflush(stdout);
    return cs_loop_run(&loop) < 0;
}
