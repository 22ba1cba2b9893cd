/* A listening socket and a few sessions. A session reads a line, hands it on, and reads no further
 * until the answer is out; whoever dawdles is shown the door. */
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/socket.h"

enum {
    ANSWER_MAX = 64 << 20,
    PIECE = 4096,
    PATIENCE_MS = 10000, /* for a request to come, and for an answer to be taken */
    QUEUE = 16,
};

struct session {
    struct cs_control *control;
    struct cs_list link;
    struct cs_watch watch;
    struct cs_timer timer;
    struct cs_task reap;
    struct cs_buf in, out;
    struct cs_asked *asked; /* NULL: no request is under way */
};

struct cs_asked {
    struct session *session; /* NULL: who asked has gone */
};

/* ---- sessions ---- */

static void reap(struct cs_task *task)
{
    struct session *s = cs_container_of(task, struct session, reap);

    cs_buf_deinit(&s->in);
    cs_buf_deinit(&s->out);
    free(s);
}

/* A worker that was just forked may still have a copy, so closing alone would not end the watch. */
static void close_watched(struct cs_watch *watch)
{
    int fd = watch->fd;

    cs_watch_remove(watch);
    close(fd);
}

static void hang_up(struct session *s)
{
    if (s->asked)
        s->asked->session = NULL;
    cs_timer_cancel(s->control->loop, &s->timer);
    close_watched(&s->watch);
    cs_list_remove(&s->link);
    s->control->n_sessions--;
    cs_loop_defer(s->control->loop, &s->reap);
}

static void on_patience(struct cs_timer *timer)
{
    hang_up(cs_container_of(timer, struct session, timer));
}

static void set_patience(struct session *s)
{
    cs_timer_set(s->control->loop, &s->timer, s->control->loop->now.mono_ms + PATIENCE_MS);
}

/* Return: whether the session goes on. */
static bool send_some(struct session *s)
{
    while (s->out.len) {
        ssize_t n = send(s->watch.fd, s->out.ptr, s->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            s->watch.writable = false;
            return true;
        }
        if (n < 0) {
            hang_up(s);
            return false;
        }
        cs_buf_consume(&s->out, (size_t)n);
        set_patience(s);
    }
    return true;
}

static int put(const char *bytes, size_t len, void *buf)
{
    return cs_buf_add(buf, bytes, len);
}

void cs_asked_answer(struct cs_asked *asked, struct json_t *answer)
{
    struct session *s = asked->session;

    free(asked);
    if (s) {
        s->asked = NULL;
        if (json_dump_callback(answer, put, &s->out, JSON_COMPACT | JSON_PRESERVE_ORDER) < 0 ||
            cs_buf_add_char(&s->out, '\n') < 0)
            hang_up(s);
        else if (send_some(s))
            cs_watch_kick(s->control->loop, &s->watch); /* the next request may be there */
    }
    json_decref(answer);
}

void cs_asked_refuse(struct cs_asked *asked, const char *fmt, ...)
{
    char text[CS_LOG_LINE_MAX];
    json_t *words;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    words = json_string(text);
    cs_asked_answer(asked, json_pack("{s:b,s:o}", "ok", 0, "error",
                                     words ? words : json_string("it cannot be told why")));
}

static void ask(struct session *s, struct cs_str line)
{
    struct cs_control *control = s->control;
    struct cs_asked *asked = CS_NEW(struct cs_asked);
    json_error_t error;
    json_t *request = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);

    asked->session = s;
    s->asked = asked;
    cs_timer_cancel(control->loop, &s->timer);
    if (json_is_object(request))
        control->asked(control->ctx, request, asked);
    else
        cs_asked_refuse(asked, "a request is one JSON object on one line");
    json_decref(request);
}

/* Whether there was a whole line; it is gone then. */
static bool take_line(struct session *s)
{
    ptrdiff_t end = cs_str_find(cs_buf_str(&s->in), '\n');
    char *line;

    if (end < 0)
        return false;
    line = cs_alloc((size_t)end);
    memcpy(line, s->in.ptr, (size_t)end);
    cs_buf_consume(&s->in, (size_t)end + 1);
    ask(s, cs_str_make(line, (size_t)end));
    free(line);
    return true;
}

/* Return: whether the session goes on. */
static bool read_some(struct session *s)
{
    char piece[PIECE];
    ssize_t n;

    do
        n = recv(s->watch.fd, piece, sizeof(piece), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        s->watch.readable = false;
        return true;
    }
    if (n <= 0 || cs_buf_add(&s->in, piece, (size_t)n) < 0) {
        hang_up(s);
        return false;
    }
    return true;
}

static void on_ready(struct cs_watch *watch)
{
    struct session *s = cs_container_of(watch, struct session, watch);

    if (!send_some(s))
        return;
    while (!s->asked && !s->out.len && s->watch.loop) {
        if (take_line(s))
            continue;
        if (!s->watch.readable || !read_some(s))
            return;
    }
}

/* ---- the socket ---- */

/* The file's mode keeps others away; a socket in a folder of theirs could have been moved. */
static bool may_ask(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void on_listen(struct cs_watch *watch)
{
    struct cs_control *control = cs_container_of(watch, struct cs_control, watch);
    struct session *s;
    int fd = cs_accept(watch->fd, NULL);

    if (fd < 0)
        return;
    if (!may_ask(fd) || control->n_sessions == CS_CONTROL_SESSIONS) {
        close(fd);
        return;
    }
    s = CS_NEW(struct session);
    s->control = control;
    s->reap.run = reap;
    s->timer.fire = on_patience;
    cs_buf_init(&s->in, CS_CONTROL_REQUEST_MAX);
    cs_buf_init(&s->out, ANSWER_MAX);
    if (cs_watch_add(control->loop, &s->watch, fd, on_ready) < 0) {
        close(fd);
        free(s);
        return;
    }
    cs_list_push_back(&control->sessions, &s->link);
    control->n_sessions++;
    set_patience(s);
}

/* A path may be longer than a socket's address takes: its folder is named by a descriptor. */
static int address_of(const char *path, struct sockaddr_un *ret_addr)
{
    const char *name = strrchr(path, '/');
    size_t len = name ? (size_t)(name - path) : 0;
    char folder[4096] = ".";
    int fd;

    if (len >= sizeof(folder))
        return -ENAMETOOLONG;
    if (name)
        snprintf(folder, sizeof(folder), "%.*s/", (int)len, path);
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((size_t)snprintf(ret_addr->sun_path, sizeof(ret_addr->sun_path), "/proc/self/fd/%d/%s", fd,
                         name ? name + 1 : path) >= sizeof(ret_addr->sun_path)) {
        close(fd);
        return -ENAMETOOLONG;
    }
    return fd;
}

int cs_control_dial(const char *path)
{
    struct sockaddr_un addr;
    cs_cleanup(cs_close_p) int folder = address_of(path, &addr);
    int fd, r;

    if (folder < 0)
        return folder;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        return fd;
    r = -errno;
    close(fd);
    return r;
}

/* A socket that listens at @path, for its owner alone from the first moment. */
static int listen_at(const char *path)
{
    struct sockaddr_un addr;
    cs_cleanup(cs_close_p) int folder = address_of(path, &addr);
    int fd, r = 0;
    mode_t before;

    if (folder < 0)
        return folder;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    before = umask(0177);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        r = -errno;
    umask(before);
    if (r == 0 && listen(fd, QUEUE) < 0)
        r = -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

/* It is made under another name and renamed, so that the name always leads to somebody. */
static int listen_in_place(const char *path)
{
    char temporary[4096];
    int fd, r;

    if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%d", path, (int)getpid()) >=
        sizeof(temporary))
        return -ENAMETOOLONG;
    unlink(temporary);
    fd = listen_at(temporary);
    if (fd < 0)
        return fd;
    if (rename(temporary, path) == 0)
        return fd;
    r = -errno;
    close(fd);
    unlink(temporary);
    return r;
}

void cs_control_init(struct cs_control *control, struct cs_loop *loop, const struct cs_mainlog *log,
                     void (*asked)(void *ctx, struct json_t *request, struct cs_asked *asked),
                     void *ctx)
{
    *control = (struct cs_control){.loop = loop, .log = log, .asked = asked, .ctx = ctx};
    cs_list_init(&control->sessions);
}

static bool is_ours(const struct cs_control *control)
{
    struct stat st;

    return lstat(control->path, &st) == 0 && st.st_dev == control->device &&
           st.st_ino == control->inode;
}

int cs_control_open(struct cs_control *control, const char *path)
{
    struct stat st;
    int fd, r;

    if (control->path && strcmp(control->path, path) == 0 && is_ours(control))
        return 0;
    fd = listen_in_place(path);
    if (fd < 0)
        return fd;
    cs_control_close(control);
    r = lstat(path, &st) < 0 ? -errno
                             : cs_watch_add_listener(control->loop, &control->watch, fd, on_listen);
    if (r < 0) {
        close(fd);
        return r;
    }
    control->device = st.st_dev;
    control->inode = st.st_ino;
    control->path = strdup(path);
    cs_assert(control->path != NULL);
    return 0;
}

void cs_control_close(struct cs_control *control)
{
    if (!control->path)
        return;
    CS_LIST_FOREACH_SAFE (link, &control->sessions)
        hang_up(cs_container_of(link, struct session, link));
    if (is_ours(control))
        unlink(control->path);
    close_watched(&control->watch);
    free(control->path);
    control->path = NULL;
}

void cs_control_isolate(struct cs_control *control)
{
    if (!control->path)
        return;
    CS_LIST_FOREACH_SAFE (link, &control->sessions)
        close(cs_container_of(link, struct session, link)->watch.fd);
    close(control->watch.fd);
}
