/* Events only say when to look. What has changed is decided by comparing what a name leads to with
 * what it led to before, so an event too many does no harm, and one that is lost is made up for. */
#include "daemon/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum {
    SETTLE_MS = 100,          /* after an event: others follow, mostly */
    SETTLE_MAX_MS = 1000,     /* but not for ever */
    LOOK_MS = 60 * 1000,      /* without an event */
    LOOK_BLIND_MS = 5 * 1000, /* when the kernel gives none */
    LINKS_MAX = 40,           /* as the kernel's own limit */
};

#define EVENTS                                                                                     \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

struct watched {
    char *path;
    struct cs_file_mark seen; /* what it leads to */
    int64_t again_ms;         /* told of at this time in any case; 0: not */
};

struct cs_file_watch {
    struct cs_loop *loop;
    void (*changed)(void *ctx, const struct cs_str *paths, size_t n);
    void *ctx;
    struct cs_watch events; /* of inotify */
    int fd;                 /* -1: there are none */
    bool blind;             /* some folder cannot be watched */
    int *folders;           /* of inotify, perhaps the same more than once */
    size_t n_folders, folders_cap;
    struct watched *items;
    size_t n;
    struct cs_timer timer;
    int64_t first_event_ms; /* of those that are settling; 0: none */
};

/* ---- folders on the way ---- */

static void watch_folder(struct cs_file_watch *w, const char *folder)
{
    int wd = w->fd < 0 ? -1 : inotify_add_watch(w->fd, *folder ? folder : "/", EVENTS);

    if (wd < 0) {
        w->blind = w->blind || w->fd < 0 || errno == ENOSPC || errno == ENOMEM;
        return;
    }
    if (w->n_folders == w->folders_cap) {
        int *more = cs_alloc((2 * w->folders_cap + 16) * sizeof(*more));
        if (w->n_folders)
            memcpy(more, w->folders, w->n_folders * sizeof(*more));
        free(w->folders);
        w->folders = more;
        w->folders_cap = 2 * w->folders_cap + 16;
    }
    w->folders[w->n_folders++] = wd;
}

/* Walk @path, piece by piece: the folder that holds a link, the file, or the first piece that is
 * not there, is where a change would show. */
static void watch_way(struct cs_file_watch *w, const char *path)
{
    char folder[PATH_MAX] = "", rest[PATH_MAX], piece[PATH_MAX], link[PATH_MAX];
    unsigned links = 0;

    snprintf(rest, sizeof(rest), "%s", path);
    while (*rest) {
        char *name = rest + strspn(rest, "/"), *end = name + strcspn(name, "/");
        size_t len = (size_t)(end - name);
        struct stat st;
        ssize_t n;
        if (len == 0)
            break;
        if (snprintf(piece, sizeof(piece), "%s/%.*s", folder, (int)len, name) >= PATH_MAX)
            break;
        memmove(rest, end, strlen(end) + 1);
        if (lstat(piece, &st) < 0 || !*rest || S_ISLNK(st.st_mode))
            watch_folder(w, folder);
        if (lstat(piece, &st) < 0)
            break;
        if (!S_ISLNK(st.st_mode)) {
            memcpy(folder, piece, sizeof(folder));
            if (!*rest && S_ISDIR(st.st_mode))
                watch_folder(w, folder); /* what is in it counts */
            continue;
        }
        n = readlink(piece, link, sizeof(link) - 1);
        if (n <= 0 || ++links > LINKS_MAX)
            break;
        link[n] = 0;
        if (snprintf(piece, sizeof(piece), "%s%s", link, rest) >= PATH_MAX)
            break;
        memcpy(rest, piece, sizeof(rest));
        if (link[0] == '/')
            folder[0] = 0;
    }
}

static bool is_wanted(const struct cs_file_watch *w, int wd)
{
    for (size_t i = 0; i < w->n_folders; i++) {
        if (w->folders[i] == wd)
            return true;
    }
    return false;
}

/* The ways may be others than before: watch what is on them now, and no folder that is not. */
static void watch_ways(struct cs_file_watch *w)
{
    int *old = w->folders;
    size_t n_old = w->n_folders;

    w->folders = NULL;
    w->n_folders = w->folders_cap = 0;
    w->blind = false;
    for (size_t i = 0; i < w->n; i++)
        watch_way(w, w->items[i].path);
    for (size_t i = 0; i < n_old; i++) {
        if (!is_wanted(w, old[i]))
            (void)inotify_rm_watch(w->fd, old[i]); /* may have gone by itself */
    }
    free(old);
}

/* ---- telling ---- */

static int64_t next_look(const struct cs_file_watch *w)
{
    int64_t now = w->loop->now.mono_ms,
            at = now + (w->blind || w->fd < 0 ? LOOK_BLIND_MS : LOOK_MS);

    for (size_t i = 0; i < w->n; i++) {
        int64_t again = w->items[i].again_ms;
        if (again && again < at)
            at = again > now ? again : now;
    }
    return at;
}

static void on_timer(struct cs_timer *timer)
{
    struct cs_file_watch *w = cs_container_of(timer, struct cs_file_watch, timer);
    struct cs_str *changed = cs_alloc((w->n + 1) * sizeof(*changed));
    size_t n = 0;

    w->first_event_ms = 0;
    watch_ways(w);
    for (size_t i = 0; i < w->n; i++) {
        struct watched *item = &w->items[i];
        struct cs_file_mark now = cs_file_mark(item->path);
        bool again = item->again_ms && item->again_ms <= w->loop->now.mono_ms;
        if (cs_file_mark_eq(&item->seen, &now) && !again)
            continue;
        item->seen = now;
        item->again_ms = 0;
        changed[n++] = cs_str_from(item->path);
    }
    cs_timer_set(w->loop, &w->timer, next_look(w));
    if (n)
        w->changed(w->ctx, changed, n);
    free(changed);
}

static void on_events(struct cs_watch *watch)
{
    struct cs_file_watch *w = cs_container_of(watch, struct cs_file_watch, events);
    int64_t now = w->loop->now.mono_ms, at = now + SETTLE_MS;
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false;

    while (read(w->fd, buf, sizeof(buf)) > 0)
        any = true;
    if (!any)
        return;
    if (!w->first_event_ms)
        w->first_event_ms = now;
    if (at > w->first_event_ms + SETTLE_MAX_MS)
        at = w->first_event_ms + SETTLE_MAX_MS;
    cs_timer_set(w->loop, &w->timer, at);
}

/* ---- life ---- */

int cs_file_watch_new(struct cs_loop *loop,
                      void (*changed)(void *ctx, const struct cs_str *paths, size_t n), void *ctx,
                      struct cs_file_watch **ret_watch)
{
    struct cs_file_watch *w = CS_NEW(struct cs_file_watch);
    int r = 0;

    *w = (struct cs_file_watch){.loop = loop, .changed = changed, .ctx = ctx};
    w->timer.fire = on_timer;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        r = -errno;
    else
        r = cs_watch_add(loop, &w->events, w->fd, on_events);
    *ret_watch = w;
    return r;
}

static void forget(struct cs_file_watch *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->items[i].path);
    free(w->items);
    w->items = NULL;
    w->n = 0;
}

struct cs_file_watch *cs_file_watch_free(struct cs_file_watch *w)
{
    if (!w)
        return NULL;
    cs_timer_cancel(w->loop, &w->timer);
    cs_watch_remove(&w->events);
    if (w->fd >= 0)
        close(w->fd);
    free(w->folders);
    forget(w);
    free(w);
    return NULL;
}

void cs_file_watch_isolate(struct cs_file_watch *w)
{
    if (w && w->fd >= 0)
        close(w->fd);
}

static const struct watched *find(const struct watched *items, size_t n, struct cs_str path)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(cs_str_from(items[i].path), path))
            return &items[i];
    }
    return NULL;
}

void cs_file_watch_set(struct cs_file_watch *w, const struct cs_str *paths, size_t n)
{
    struct cs_file_watch old = *w;

    w->items = cs_alloc((n + 1) * sizeof(*w->items));
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct watched *known = find(old.items, old.n, paths[i]);
        struct watched *item = &w->items[w->n];
        if (find(w->items, w->n, paths[i]))
            continue;
        item->path = cs_alloc(paths[i].len + 1);
        memcpy(item->path, paths[i].ptr, paths[i].len);
        item->path[paths[i].len] = 0;
        item->seen = known ? known->seen : cs_file_mark(item->path);
        item->again_ms = known ? known->again_ms : 0;
        w->n++;
    }
    forget(&old);
    watch_ways(w);
    cs_timer_set(w->loop, &w->timer, w->n ? next_look(w) : w->loop->now.mono_ms + LOOK_MS);
}

void cs_file_watch_again(struct cs_file_watch *w, struct cs_str path, int64_t in_ms)
{
    for (size_t i = 0; i < w->n; i++) {
        if (cs_str_eq(cs_str_from(w->items[i].path), path))
            w->items[i].again_ms = w->loop->now.mono_ms + in_ms;
    }
    if (w->timer.deadline_ms > w->loop->now.mono_ms + in_ms || !w->timer.place)
        cs_timer_set(w->loop, &w->timer, w->loop->now.mono_ms + in_ms);
}
