/* Files changed in every way that people and programs do it, and told of once. */
#include "daemon/watch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/panic.h"
#include "tap.h"

static char root[] = "/tmp/countersign-watch-XXXXXX";
static struct cs_loop loop;
static char told[4096];

static const char *in_root(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *text)
{
    int fd = open(in_root(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cs_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void point(const char *link, const char *target)
{
    char temporary[300];

    snprintf(temporary, sizeof(temporary), "%s.new", in_root(link));
    cs_assert(symlink(target, temporary) == 0 && rename(temporary, in_root(link)) == 0);
}

static void on_changed(void *ctx, const struct cs_str *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct cs_str name = cs_str_skip(paths[i], strlen(root) + 1);
        snprintf(told + strlen(told), sizeof(told) - strlen(told), "%.*s ", CS_FMT(name));
    }
    cs_loop_stop(&loop);
}

static void on_deadline(struct cs_timer *timer)
{
    cs_loop_stop(&loop);
}

/* What is told of within @ms. */
static const char *hear(int64_t ms)
{
    struct cs_timer deadline = {.fire = on_deadline};

    told[0] = 0;
    cs_loop_now(&loop);
    cs_timer_set(&loop, &deadline, loop.now.mono_ms + ms);
    cs_assert(cs_loop_run(&loop) == 0);
    cs_timer_cancel(&loop, &deadline);
    return told;
}

static void expect(const char *names, const char *what)
{
    tap_str(cs_str_from(hear(5000)), cs_str_from(names), what);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    return remove(path);
}

int main(void)
{
    struct cs_file_watch *watch;
    static const char *const names[] = {"etc/plain", "etc/cert", "etc/key", "later/file"};
    struct cs_str paths[4];
    char copies[4][256];

    cs_assert(mkdtemp(root) && cs_loop_init(&loop) == 0);
    cs_assert(mkdir(in_root("etc"), 0700) == 0 && mkdir(in_root("v1"), 0700) == 0 &&
              mkdir(in_root("v2"), 0700) == 0);
    put("etc/plain", "1");
    put("v1/cert", "1");
    put("v2/cert", "2");
    put("v1/key", "1");
    put("v2/key", "1");
    point("etc/..data", "../v1");
    point("etc/cert", "..data/cert");
    point("etc/key", "..data/key");
    cs_assert(cs_file_watch_new(&loop, on_changed, NULL, &watch) == 0);
    for (int i = 0; i < 4; i++) {
        snprintf(copies[i], sizeof(copies[i]), "%s/%s", root, names[i]);
        paths[i] = cs_str_from(copies[i]);
    }
    cs_file_watch_set(watch, paths, 4);
    tap_str(cs_str_from(hear(300)), CS_STR(""), "nothing happens, nothing is told");

    put("etc/plain", "22");
    expect("etc/plain ", "written in place");
    put("etc/new", "333");
    cs_assert(rename(in_root("etc/new"), in_root("etc/plain")) == 0);
    expect("etc/plain ", "replaced by a rename");
    put("etc/other", "x");
    tap_str(cs_str_from(hear(400)), CS_STR(""), "a neighbour is nobody's business");

    point("etc/..data", "../v2");
    expect("etc/cert etc/key ", "a link on the way turned elsewhere");
    put("v1/cert", "old");
    tap_str(cs_str_from(hear(400)), CS_STR(""), "what it led to before does not count any more");
    put("v2/cert", "new");
    expect("etc/cert ", "but what it leads to now does");

    cs_assert(unlink(in_root("etc/plain")) == 0);
    expect("etc/plain ", "removed");
    put("etc/plain", "4");
    expect("etc/plain ", "and there again");
    cs_assert(mkdir(in_root("later"), 0700) == 0);
    put("later/file", "1");
    expect("later/file ", "a folder that was not there");
    cs_assert(rename(in_root("later"), in_root("gone")) == 0);
    expect("later/file ", "a folder that goes");
    cs_assert(rename(in_root("gone"), in_root("later")) == 0);
    expect("later/file ", "and comes back");

    cs_assert(mkdir(in_root("folder"), 0700) == 0);
    put("folder/a", "1");
    snprintf(copies[3], sizeof(copies[3]), "%s/folder", root);
    paths[3] = cs_str_from(copies[3]);
    cs_file_watch_set(watch, paths, 4);
    put("folder/b", "1");
    expect("folder ", "a folder is told of when a file comes");
    put("folder/b", "22");
    expect("folder ", "or is written in place");
    cs_assert(unlink(in_root("folder/b")) == 0);
    expect("folder ", "or goes");

    cs_file_watch_again(watch, paths[0], 50);
    expect("etc/plain ", "asked to look again, it tells");
    cs_file_watch_set(watch, paths + 1, 3);
    put("etc/plain", "5");
    tap_str(cs_str_from(hear(400)), CS_STR(""), "not watched any more");
    cs_file_watch_free(watch);
    cs_loop_deinit(&loop);
    cs_assert(nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS) == 0);
    return tap_done();
}
