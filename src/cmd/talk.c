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
#include "cmd/report.h"
#include "daemon/control.h"
#include "io/file.h"

enum { ANSWER_MAX = 64 << 20, PIECE = 65536, PATIENCE_SEC = 30 };

static int unreachable(const struct cs_line *line, struct cs_instance *instance, struct cs_str path,
                       int error)
{
    const char *hint = NULL;

    if (error == ENOENT || error == ECONNREFUSED)
        hint = cs_instance_absence(instance, "mtls_control");
    else if (error == EACCES)
        hint = "only root and the account that the gateway was started by may ask";
    return cs_report_failure(line, CS_EXIT_USAGE, hint, "cannot reach the gateway at \"%.*s\": %s",
                             CS_FMT(path), strerror(error));
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

static int understand(const struct cs_line *line, struct cs_str text, json_t **ret_answer)
{
    json_t *answer = json_loadb(text.ptr, text.len, 0, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));

    if (json_is_true(json_object_get(answer, "ok"))) {
        *ret_answer = answer;
        return CS_EXIT_OK;
    }
    cs_report_failure(line, CS_EXIT_FAILED, NULL, "%s",
                      error ? error : "the gateway's answer is not understood");
    json_decref(answer);
    return CS_EXIT_FAILED;
}

static int converse(const struct cs_line *line, int fd, const json_t *request, json_t **ret_answer)
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
        status = understand(line, cs_buf_str(&buf), ret_answer);
    } else {
        status = cs_report_failure(line, CS_EXIT_FAILED, NULL, "the gateway did not answer: %s",
                                   r == -EPIPE    ? "it closed the connection"
                                   : r == -EAGAIN ? "it takes too long"
                                                  : strerror(-r));
    }
    cs_buf_deinit(&buf);
    return status;
}

int cs_talk(const struct cs_line *line, struct cs_instance *instance, json_t *request,
            json_t **ret_answer)
{
    struct cs_str path = cs_instance_control_path(instance);
    int fd, status;

    if (path.len == 0) {
        json_decref(request);
        return cs_report_failure(line, CS_EXIT_USAGE, NULL,
                                 "the gateway is not listening: mtls_control is off");
    }
    fd = cs_control_dial(path.ptr);
    if (fd < 0) {
        status = unreachable(line, instance, path, -fd);
    } else {
        status = converse(line, fd, request, ret_answer);
        close(fd);
    }
    json_decref(request);
    return status;
}
