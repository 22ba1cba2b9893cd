/* One line there, one line back. */
#include "cmd/talk.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "daemon/control.h"
#include "io/file.h"

enum { ANSWER_MAX = 64 << 20, PIECE = 65536, PATIENCE_SEC = 30 };

static int unreachable(const char *command, struct cs_str path, int error)
{
    fprintf(stderr, "countersign %s: cannot reach the gateway at \"%.*s\": %s\n", command,
            CS_FMT(path), strerror(error));
    if (error == ENOENT || error == ECONNREFUSED)
        fprintf(stderr, "  hint: no gateway runs with this configuration, or mtls_control has "
                        "changed since it started\n");
    else if (error == EACCES)
        fprintf(stderr, "  hint: only root and the account that the gateway was started by may "
                        "ask\n");
    return CS_EXIT_USAGE;
}

static int send_request(int fd, const json_t *request)
{
    char *line = json_dumps(request, JSON_COMPACT);
    int r = line ? cs_write_all(fd, cs_str_from(line)) : -ENOMEM;

    free(line);
    return r < 0 ? r : cs_write_all(fd, CS_STR("\n"));
}

/* Up to the end of the line. Return: 0, or -errno (-EPIPE: there was none). */
static int read_answer(int fd, struct cs_buf *buf)
{
    while (buf->len == 0 || buf->ptr[buf->len - 1] != '\n') {
        ssize_t n;
        if (cs_buf_reserve(buf, PIECE) < 0)
            return -EFBIG;
        n = read(fd, buf->ptr + buf->len, PIECE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        buf->len += (size_t)n;
    }
    return 0;
}

static int understand(const char *command, struct cs_str line, json_t **ret_answer)
{
    json_t *answer = json_loadb(line.ptr, line.len, 0, NULL);

    if (json_is_true(json_object_get(answer, "ok"))) {
        *ret_answer = answer;
        return CS_EXIT_OK;
    }
    if (json_is_object(answer))
        fprintf(stderr, "countersign %s: %s\n", command,
                json_string_value(json_object_get(answer, "error")));
    else
        fprintf(stderr, "countersign %s: the gateway's answer is not understood\n", command);
    json_decref(answer);
    return CS_EXIT_FAILED;
}

static int converse(int fd, const char *command, const json_t *request, json_t **ret_answer)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_SEC};
    struct cs_buf buf;
    int r, status;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    cs_buf_init(&buf, ANSWER_MAX);
    r = send_request(fd, request);
    r = r < 0 ? r : read_answer(fd, &buf);
    if (r == 0) {
        status = understand(command, cs_buf_str(&buf), ret_answer);
    } else {
        fprintf(stderr, "countersign %s: the gateway did not answer: %s\n", command,
                r == -EPIPE    ? "it closed the connection"
                : r == -EAGAIN ? "it takes too long"
                               : strerror(-r));
        status = CS_EXIT_FAILED;
    }
    cs_buf_deinit(&buf);
    return status;
}

int cs_talk(struct cs_instance *instance, const char *command, json_t *request, json_t **ret_answer)
{
    struct cs_str path = cs_instance_control_path(instance);
    int fd, status;

    if (path.len == 0) {
        fprintf(stderr, "countersign %s: the gateway is not listening: mtls_control is off\n",
                command);
        json_decref(request);
        return CS_EXIT_USAGE;
    }
    fd = cs_control_dial(path.ptr);
    if (fd < 0) {
        status = unreachable(command, path, -fd);
    } else {
        status = converse(fd, command, request, ret_answer);
        close(fd);
    }
    json_decref(request);
    return status;
}
