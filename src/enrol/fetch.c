/* libcurl's multi interface on our loop. libcurl says which descriptors and what time it waits for
 * and expects to be told as long as there is something (level-triggered); our watches tell once
 * (edge-triggered). So after each of its turns every descriptor it waits for is looked at, and
 * those that are ready are kicked for the next turn.
 *
 * What libcurl reads from files (CAs, certificate, key) it is given as files in memory, which no
 * other process sees and which end with the request. As connections are told apart by the names
 * of such files, none of TLS is kept for the next request: that might be somebody else's.
 */
#include "enrol/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/buf.h"
#include "base/mem.h"
#include "enrol/curl.h"
#include "enrol/url.h"
#include "enrol/why.h"
#include "io/file.h"

enum { HEAD_MAX = 32 * 1024, PATH_TEXT = 32 };

struct cs_fetcher {
    const struct cs_curl *curl;
    struct cs_loop *loop;
    CURLM *multi;
    struct cs_timer timer;
    struct cs_list sockets;
    struct cs_list running;
    struct cs_list finished; /* to be told, by the task */
    struct cs_task task;
};

/* A descriptor of libcurl's. */
struct descriptor {
    struct cs_fetcher *fetcher;
    struct cs_watch watch;
    short wanted; /* POLLIN, POLLOUT */
    struct cs_list link;
};

/* A file in memory, and its name. */
struct memory_file {
    int fd; /* 0: none */
    char path[PATH_TEXT];
};

struct cs_fetch {
    struct cs_fetcher *fetcher;
    struct cs_list link; /* in running or finished, or in none */
    CURL *easy;
    struct curl_slist *headers;
    struct memory_file ca, cert, key;
    struct cs_arena arena;
    struct cs_url url;
    struct cs_str ca_pem;
    bool (*received)(void *ctx, struct cs_str bytes);
    void (*done)(struct cs_fetch *fetch, void *ctx);
    void *ctx;
    struct cs_buf head, body;
    int refused; /* why we ended it ourselves: -errno, or 0 */
    char text[CURL_ERROR_SIZE];
    struct cs_fetch_answer answer;
};

/* ---- the end of a transfer ---- */

static struct cs_why look_why(struct cs_fetch *fetch, CURLcode code)
{
    const struct cs_curl *curl = fetch->fetcher->curl;
    struct cs_why why = {.code = code, .host = fetch->url.host, .ca = fetch->ca_pem};
    struct curl_certinfo *papers = NULL;

    curl->easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &why.os_error);
    curl->easy_getinfo(fetch->easy, CURLINFO_CERTINFO, &papers);
    why.papers = papers;
    why.text = cs_str_from(fetch->text[0] ? fetch->text : curl->easy_strerror(code));
    why.now_sec = cs_now_sec(&fetch->fetcher->loop->now);
    return why;
}

static struct cs_str refusal_words(int error)
{
    return error == -EFBIG ? CS_STR("the answer is longer than it may be")
                           : CS_STR("the receiver wants no more");
}

static void note_end(struct cs_fetch *fetch, CURLcode code)
{
    struct cs_fetch_answer *answer = &fetch->answer;
    struct cs_why why = look_why(fetch, code);
    long status = 0;

    fetch->fetcher->curl->easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (unsigned)status;
    answer->head = cs_buf_str(&fetch->head);
    answer->body = cs_buf_str(&fetch->body);
    answer->error = fetch->refused ? fetch->refused : cs_why_error(&why);
    if (fetch->refused)
        answer->words = refusal_words(fetch->refused);
    else if (answer->error)
        answer->words = cs_why_words(&why, &fetch->arena);
    if (answer->error)
        answer->hint = cs_why_hint(&why);
}

/* Take what has ended from libcurl, to be told at the end of the turn. */
static void gather(struct cs_fetcher *fetcher)
{
    CURLMsg *message;
    int left;

    while ((message = fetcher->curl->multi_info_read(fetcher->multi, &left))) {
        CURLcode code = message->data.result;
        CURL *easy = message->easy_handle;
        char *private = NULL;
        struct cs_fetch *fetch;

        fetcher->curl->easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        fetch = (struct cs_fetch *)private;
        note_end(fetch, code); /* before removal: it may reset what is known */
        fetcher->curl->multi_remove_handle(fetcher->multi, easy);
        cs_list_remove(&fetch->link);
        cs_list_push_back(&fetcher->finished, &fetch->link);
        cs_loop_defer(fetcher->loop, &fetcher->task);
    }
}

static void tell(struct cs_task *task)
{
    struct cs_fetcher *fetcher = cs_container_of(task, struct cs_fetcher, task);

    while (!cs_list_empty(&fetcher->finished)) {
        struct cs_fetch *fetch = cs_container_of(fetcher->finished.next, struct cs_fetch, link);
        cs_list_remove(&fetch->link);
        fetch->done(fetch, fetch->ctx);
    }
}

/* ---- descriptors and time ---- */

/* Kick what is ready although it was reported already. */
static void settle(struct cs_fetcher *fetcher)
{
    CS_LIST_FOREACH (link, &fetcher->sockets) {
        struct descriptor *one = cs_container_of(link, struct descriptor, link);
        struct pollfd state = {.fd = one->watch.fd, .events = one->wanted};
        if (one->wanted && poll(&state, 1, 0) > 0)
            cs_watch_kick(fetcher->loop, &one->watch);
    }
}

static void act(struct cs_fetcher *fetcher, curl_socket_t fd, int mask)
{
    int running;

    fetcher->curl->multi_socket_action(fetcher->multi, fd, mask, &running);
    gather(fetcher);
    settle(fetcher);
}

static void on_ready(struct cs_watch *watch)
{
    struct descriptor *one = cs_container_of(watch, struct descriptor, watch);
    struct pollfd state = {.fd = watch->fd, .events = one->wanted};
    int mask = 0;

    watch->readable = watch->writable = false;
    if (!one->wanted || poll(&state, 1, 0) <= 0)
        return;
    mask |= state.revents & POLLIN ? CURL_CSELECT_IN : 0;
    mask |= state.revents & POLLOUT ? CURL_CSELECT_OUT : 0;
    mask |= state.revents & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0;
    act(one->fetcher, watch->fd, mask);
}

static void on_time(struct cs_timer *timer)
{
    act(cs_container_of(timer, struct cs_fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *ctx)
{
    struct cs_fetcher *fetcher = ctx;

    if (timeout_ms < 0)
        cs_timer_cancel(fetcher->loop, &fetcher->timer);
    else
        cs_timer_set(fetcher->loop, &fetcher->timer, fetcher->loop->now.mono_ms + timeout_ms);
    return 0;
}

static void forget_descriptor(struct descriptor *one)
{
    if (!one)
        return;
    cs_watch_remove(&one->watch);
    cs_list_remove(&one->link);
    free(one);
}

static struct descriptor *new_descriptor(struct cs_fetcher *fetcher, curl_socket_t fd)
{
    struct descriptor *one = CS_NEW(struct descriptor);

    one->fetcher = fetcher;
    cs_list_push_back(&fetcher->sockets, &one->link);
    if (cs_watch_add(fetcher->loop, &one->watch, fd, on_ready) < 0)
        one->watch.fd = fd; /* never ready: the deadline ends it */
    return one;
}

static struct descriptor *find_descriptor(struct cs_fetcher *fetcher, curl_socket_t fd)
{
    CS_LIST_FOREACH (link, &fetcher->sockets) {
        struct descriptor *one = cs_container_of(link, struct descriptor, link);
        if (one->watch.fd == fd)
            return one;
    }
    return NULL;
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
    struct cs_fetcher *fetcher = ctx;
    struct descriptor *one = find_descriptor(fetcher, fd);

    if (what == CURL_POLL_REMOVE) {
        forget_descriptor(one);
        return 0;
    }
    if (!one)
        one = new_descriptor(fetcher, fd);
    one->wanted =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

/* ---- what comes ---- */

static size_t on_head(char *bytes, size_t size, size_t n, void *ctx)
{
    struct cs_fetch *fetch = ctx;
    struct cs_str line = cs_str_make(bytes, size * n);

    if (cs_str_starts(line, CS_STR("HTTP/"))) /* of a redirect's target, or behind a 100 */
        cs_buf_reset(&fetch->head);
    if (cs_buf_add_str(&fetch->head, line) == 0)
        return line.len;
    fetch->refused = -EFBIG;
    return 0;
}

static bool is_stream(struct cs_fetch *fetch)
{
    long status = 0;

    fetch->fetcher->curl->easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    return fetch->received && status >= 200 && status <= 299;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct cs_fetch *fetch = ctx;
    struct cs_str piece = cs_str_make(bytes, size * n);

    if (is_stream(fetch)) {
        if (fetch->received(fetch->ctx, piece))
            return piece.len;
        fetch->refused = -ECANCELED;
        return 0;
    }
    if (cs_buf_add_str(&fetch->body, piece) == 0)
        return piece.len;
    fetch->refused = -EFBIG;
    return 0;
}

struct cs_str cs_fetch_header(const struct cs_fetch_answer *answer, struct cs_str name)
{
    struct cs_str rest = answer->head;

    while (rest.ptr) {
        struct cs_str line = cs_str_cut(&rest, '\n');
        ptrdiff_t colon = cs_str_find(line, ':');
        if (colon < 0 || !cs_str_eq_nocase(cs_str_sub(line, 0, (size_t)colon), name))
            continue;
        if (line.ptr[line.len - 1] == '\r')
            line.len--;
        return cs_str_trim(cs_str_skip(line, (size_t)colon + 1));
    }
    return (struct cs_str){0};
}

/* ---- what is asked ---- */

/* On failure the reason is fetch->refused. */
static bool make_file(struct cs_fetch *fetch, struct memory_file *file, struct cs_str bytes)
{
    int fd = memfd_create("countersign", MFD_CLOEXEC);

    if (fd >= 0) {
        file->fd = fd;
        snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", fd);
    }
    fetch->refused = fd < 0 ? -errno : cs_write_all(fd, bytes);
    return fetch->refused == 0;
}

static void close_file(struct memory_file *file)
{
    if (file->fd)
        close(file->fd);
    file->fd = 0;
}

/* setopt() fails only for values that we do not use, or for want of memory: then the transfer does
 * not begin. */
#define SET(fetch, option, value)                                                                  \
    ((fetch)->fetcher->curl->easy_setopt((fetch)->easy, (option), (value)) == CURLE_OK)

static bool set_method(struct cs_fetch *fetch, const struct cs_fetch_request *request)
{
    if (!SET(fetch, CURLOPT_FOLLOWLOCATION, request->max_redirects ? 1L : 0L) ||
        !SET(fetch, CURLOPT_MAXREDIRS, (long)request->max_redirects))
        return false;
    if (!request->body.len)
        return SET(fetch, CURLOPT_HTTPGET, 1L);
    return SET(fetch, CURLOPT_POST, 1L) && SET(fetch, CURLOPT_POSTREDIR, CURL_REDIR_POST_ALL) &&
           SET(fetch, CURLOPT_POSTFIELDSIZE, (long)request->body.len) &&
           SET(fetch, CURLOPT_COPYPOSTFIELDS, request->body.ptr);
}

static bool add_header(struct cs_fetch *fetch, struct cs_str line)
{
    struct cs_str text = cs_arena_dup(&fetch->arena, line);
    struct curl_slist *list = fetch->fetcher->curl->slist_append(fetch->headers, text.ptr);

    if (list)
        fetch->headers = list;
    return list != NULL;
}

static bool set_headers(struct cs_fetch *fetch, const struct cs_fetch_request *request)
{
    bool ok = add_header(fetch, CS_STR("Expect:"));

    if (request->content_type.len)
        ok = ok && add_header(fetch, cs_arena_cat(&fetch->arena, CS_STR("Content-Type: "),
                                                  request->content_type));
    for (size_t i = 0; i < request->n_headers; i++)
        ok = ok && add_header(fetch, request->headers[i]);
    return ok && SET(fetch, CURLOPT_HTTPHEADER, fetch->headers);
}

static bool set_limits(struct cs_fetch *fetch, const struct cs_fetch_request *request)
{
    long protocol = fetch->url.https ? CURLPROTO_HTTPS : CURLPROTO_HTTP;
    long idle_sec = (long)((request->idle_ms + 999) / 1000);

    return SET(fetch, CURLOPT_PROTOCOLS, protocol) &&
           SET(fetch, CURLOPT_REDIR_PROTOCOLS, protocol) &&
           SET(fetch, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) &&
           SET(fetch, CURLOPT_LOW_SPEED_LIMIT, idle_sec ? 1L : 0L) &&
           SET(fetch, CURLOPT_LOW_SPEED_TIME, idle_sec) && SET(fetch, CURLOPT_NOSIGNAL, 1L) &&
           SET(fetch, CURLOPT_PROXY, "") &&
           SET(fetch, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static bool set_identity(struct cs_fetch *fetch, const struct cs_fetch_tls *tls)
{
    if (!tls->cert.len)
        return true;
    return make_file(fetch, &fetch->cert, tls->cert) && make_file(fetch, &fetch->key, tls->key) &&
           SET(fetch, CURLOPT_SSLCERT, fetch->cert.path) &&
           SET(fetch, CURLOPT_SSLKEY, fetch->key.path);
}

static bool set_tls(struct cs_fetch *fetch, const struct cs_fetch_tls *tls)
{
    long verify = !tls->unverified;

    if (!fetch->url.https)
        return true;
    return make_file(fetch, &fetch->ca, tls->ca) &&
           SET(fetch, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           SET(fetch, CURLOPT_CAPATH, NULL) && SET(fetch, CURLOPT_CAINFO, fetch->ca.path) &&
           SET(fetch, CURLOPT_SSL_VERIFYPEER, verify) &&
           SET(fetch, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L) &&
           SET(fetch, CURLOPT_CERTINFO, 1L) && SET(fetch, CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
           SET(fetch, CURLOPT_FRESH_CONNECT, 1L) && SET(fetch, CURLOPT_FORBID_REUSE, 1L) &&
           set_identity(fetch, tls);
}

static bool set_all(struct cs_fetch *fetch, const struct cs_fetch_request *request)
{
    return SET(fetch, CURLOPT_URL, cs_arena_dup(&fetch->arena, request->url).ptr) &&
           SET(fetch, CURLOPT_USERAGENT, "countersign/" CS_VERSION) &&
           SET(fetch, CURLOPT_PRIVATE, (char *)fetch) &&
           SET(fetch, CURLOPT_ERRORBUFFER, fetch->text) &&
           SET(fetch, CURLOPT_HEADERFUNCTION, on_head) && SET(fetch, CURLOPT_HEADERDATA, fetch) &&
           SET(fetch, CURLOPT_WRITEFUNCTION, on_body) && SET(fetch, CURLOPT_WRITEDATA, fetch) &&
           set_method(fetch, request) && set_headers(fetch, request) &&
           set_limits(fetch, request) && set_tls(fetch, &request->tls);
}

static int check_request(const struct cs_fetch_request *request, struct cs_url *ret_url)
{
    const struct cs_fetch_tls *tls = &request->tls;

    if (cs_url_parse(request->url, ret_url))
        return -EINVAL;
    if (ret_url->https && !tls->ca.len && !tls->unverified)
        return -EINVAL;
    return 0;
}

int cs_fetch_start(struct cs_fetcher *fetcher, const struct cs_fetch_request *request,
                   void (*done)(struct cs_fetch *fetch, void *ctx), void *ctx,
                   struct cs_fetch **ret_fetch)
{
    struct cs_url url;
    int r = check_request(request, &url);
    struct cs_fetch *fetch;

    if (r < 0)
        return r;
    fetch = CS_NEW(struct cs_fetch);
    fetch->fetcher = fetcher;
    cs_list_init(&fetch->link);
    fetch->received = request->received;
    fetch->done = done;
    fetch->ctx = ctx;
    cs_buf_init(&fetch->head, HEAD_MAX);
    cs_buf_init(&fetch->body, request->max_body);
    (void)cs_url_parse(cs_arena_dup(&fetch->arena, request->url), &fetch->url);
    fetch->ca_pem = cs_arena_dup(&fetch->arena, request->tls.ca);
    fetch->easy = fetcher->curl->easy_init();
    if (!fetch->easy || !set_all(fetch, request) ||
        fetcher->curl->multi_add_handle(fetcher->multi, fetch->easy) != CURLM_OK) {
        r = fetch->refused ? fetch->refused : -ENOMEM;
        cs_fetch_free(fetch);
        return r;
    }
    cs_list_push_back(&fetcher->running, &fetch->link);
    *ret_fetch = fetch;
    return 0;
}

struct cs_fetch *cs_fetch_free(struct cs_fetch *fetch)
{
    const struct cs_curl *curl;

    if (!fetch)
        return NULL;
    curl = fetch->fetcher->curl;
    cs_list_remove(&fetch->link);
    if (fetch->easy) {
        curl->multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl->easy_cleanup(fetch->easy);
    }
    curl->slist_free_all(fetch->headers);
    close_file(&fetch->ca);
    close_file(&fetch->cert);
    close_file(&fetch->key);
    cs_buf_deinit(&fetch->head);
    cs_buf_deinit(&fetch->body);
    cs_arena_deinit(&fetch->arena);
    free(fetch);
    return NULL;
}

const struct cs_fetch_answer *cs_fetch_answer(const struct cs_fetch *fetch)
{
    return &fetch->answer;
}

/* ---- the fetcher ---- */

static const char missing[] =
    "libcurl (GnuTLS flavour, libcurl-gnutls.so.4) cannot be loaded: install the package "
    "libcurl3-gnutls (from Debian 13 on libcurl3t64-gnutls)";

int cs_fetcher_new(struct cs_loop *loop, struct cs_fetcher **ret_fetcher, const char **ret_why)
{
    const struct cs_curl *curl = cs_curl_load(ret_why);
    struct cs_fetcher *fetcher;

    if (!curl) {
        *ret_why = missing;
        return -ELIBACC;
    }
    fetcher = CS_NEW(struct cs_fetcher);
    *fetcher = (struct cs_fetcher){.curl = curl,
                                   .loop = loop,
                                   .multi = curl->multi_init(),
                                   .timer.fire = on_time,
                                   .task.run = tell};
    cs_assert(fetcher->multi != NULL);
    cs_list_init(&fetcher->sockets);
    cs_list_init(&fetcher->running);
    cs_list_init(&fetcher->finished);
    curl->multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl->multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl->multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl->multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    *ret_fetcher = fetcher;
    return 0;
}

struct cs_fetcher *cs_fetcher_free(struct cs_fetcher *fetcher)
{
    if (!fetcher)
        return NULL;
    cs_assert(cs_list_empty(&fetcher->running) && cs_list_empty(&fetcher->finished));
    fetcher->curl->multi_cleanup(fetcher->multi);
    CS_LIST_FOREACH_SAFE (link, &fetcher->sockets)
        forget_descriptor(cs_container_of(link, struct descriptor, link));
    cs_timer_cancel(fetcher->loop, &fetcher->timer);
    cs_task_cancel(&fetcher->task);
    free(fetcher);
    return NULL;
}

/* ---- waited for ---- */

static void note_done(struct cs_fetch *fetch, void *ctx)
{
    *(bool *)ctx = true;
}

static void copy_answer(const struct cs_fetch_answer *from, struct cs_arena *arena,
                        struct cs_fetch_answer *to)
{
    *to = *from;
    to->words = cs_arena_dup(arena, from->words);
    to->head = cs_arena_dup(arena, from->head);
    to->body = cs_arena_dup(arena, from->body);
}

static int wait_for(struct cs_fetcher *fetcher, const struct cs_fetch_request *request,
                    struct cs_arena *arena, struct cs_fetch_answer *ret_answer)
{
    struct cs_fetch *fetch = NULL;
    bool done = false;
    int r = cs_fetch_start(fetcher, request, note_done, &done, &fetch);

    while (r >= 0 && !done)
        r = cs_loop_turn(fetcher->loop, -1);
    if (r >= 0)
        copy_answer(cs_fetch_answer(fetch), arena, ret_answer);
    cs_fetch_free(fetch);
    return r < 0 ? r : 0;
}

int cs_fetch_once(const struct cs_fetch_request *request, struct cs_arena *arena,
                  struct cs_fetch_answer *ret_answer)
{
    struct cs_fetcher *fetcher = NULL;
    struct cs_loop loop;
    const char *why;
    int r = cs_loop_init(&loop);

    if (r < 0)
        return r;
    if (cs_fetcher_new(&loop, &fetcher, &why) == 0)
        r = wait_for(fetcher, request, arena, ret_answer);
    else
        *ret_answer = (struct cs_fetch_answer){.error = -ELIBACC, .words = cs_str_from(why)};
    cs_fetcher_free(fetcher);
    cs_loop_deinit(&loop);
    return r;
}
