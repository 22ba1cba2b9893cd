/* As small as a server can be: one connection at a time, one request each. */
#include "cmd/demo_backend.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/h1.h"
#include "io/conduit.h"
#include "io/file.h"
#include "io/socket.h"

#define HEAD_MAX (64 << 10)
#define PATIENCE_MS 2000

static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    return poll(&pfd, 1, timeout_ms);
}

/* Bytes until the head is whole. Return: its length, or -1. */
static ssize_t read_head(int fd, struct cs_buf *buf, struct cs_h1_scan *scan)
{
    ssize_t end = 0;

    while (end == 0) {
        size_t n = 0;
        int r;

        if (cs_buf_reserve(buf, 4096) < 0 || wait_readable(fd, PATIENCE_MS) <= 0)
            return -1;
        r = cs_sock_read(fd, buf->ptr + buf->len, 4096, &n);
        if (r == CS_IO_WANT_READ)
            continue;
        if (r != CS_IO_DONE)
            return -1;
        buf->len += n;
        end = cs_h1_head_find(scan, cs_buf_str(buf));
    }
    return end;
}

static int add_json_body(const struct cs_h1_request *request, struct cs_buf *body)
{
    int r = cs_buf_add_str(body, CS_STR("{\"request\":")) || cs_buf_add_json(body, request->line);

    for (size_t i = 0; i < request->headers.n && r == 0; i++) {
        const struct cs_header *h = &request->headers.items[i];
        if (!cs_str_starts_nocase(h->name, CS_STR("X-Client-")))
            continue;
        r = cs_buf_add_char(body, ',') || cs_buf_add_json(body, h->name) ||
            cs_buf_add_char(body, ':') || cs_buf_add_json(body, h->value);
    }
    return r || cs_buf_add_str(body, CS_STR("}\n"));
}

static void answer(int fd, const struct cs_h1_request *request)
{
    struct cs_buf head, body;

    cs_buf_init(&head, HEAD_MAX);
    cs_buf_init(&body, HEAD_MAX);
    if (add_json_body(request, &body) == 0 &&
        cs_h1_write_status_line(&head, 200, (struct cs_str){0}) == 0 &&
        cs_buf_addf(&head,
                    "Content-Type: application/json\r\nContent-Length: %zu\r\n"
                    "Connection: close\r\n\r\n",
                    body.len) == 0 &&
        cs_write_all(fd, cs_buf_str(&head)) == 0)
        (void)cs_write_all(fd, cs_buf_str(&body));
    cs_buf_deinit(&head);
    cs_buf_deinit(&body);
}

static void serve(int fd)
{
    static const struct cs_h1_limits limits = {
        .max_line = 32768, .max_head = HEAD_MAX, .max_headers = 200};
    struct cs_arena arena = {0};
    struct cs_h1_request request;
    enum cs_h1_error error;
    struct cs_h1_scan scan;
    struct cs_buf buf;
    ssize_t end;

    cs_buf_init(&buf, HEAD_MAX);
    cs_h1_scan_init(&scan, CS_H1_REQUEST, &limits);
    end = read_head(fd, &buf, &scan);
    if (end > 0 &&
        cs_h1_request_parse(cs_str_sub(cs_buf_str(&buf), scan.start, (size_t)end - scan.start),
                            &limits, &arena, &request, &error) == 0)
        answer(fd, &request);
    cs_buf_deinit(&buf);
    cs_arena_deinit(&arena);
}

void cs_demo_backend_run(int listen_fd, _Atomic unsigned *served)
{
    for (;;) {
        int fd;

        if (wait_readable(listen_fd, -1) < 0)
            exit(1);
        fd = cs_accept(listen_fd, NULL);
        if (fd < 0)
            continue;
        ++*served;
        serve(fd);
        close(fd);
    }
}
