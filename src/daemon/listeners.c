/* One item per address, found by the address as configured. The sockets in front of n_used are
 * in use; those behind were prepared, and go away or move over together.
 *
 * The first socket of an address is bound without SO_REUSEPORT, which the kernel refuses when
 * anybody else listens there; the option is set afterwards, and the other sockets join.
 */
#include "daemon/listeners.h"

#include <errno.h>

#include "base/mem.h"
#include "io/socket.h"

struct item {
    struct cs_list link;
    struct cs_addr addr;  /* as configured */
    struct cs_addr bound; /* with the port the kernel chose */
    int *fds;
    unsigned n_fds;
    unsigned n_used;
    unsigned n_wanted; /* 0: no configuration names it any more */
    int defer_sec;     /* of the sockets in use: see cs_listen_defer() */
    int defer_wanted;
};

static bool is_unix(const struct item *item)
{
    return item->addr.sa.sa_family == AF_UNIX;
}

static struct item *find(const struct cs_listeners *set, const struct cs_addr *addr)
{
    CS_LIST_FOREACH (link, &set->items) {
        struct item *item = cs_container_of(link, struct item, link);
        if (cs_addr_eq(&item->addr, addr))
            return item;
    }
    return NULL;
}

static struct item *add(struct cs_listeners *set, const struct cs_addr *addr)
{
    struct item *item = CS_NEW(struct item);

    item->addr = item->bound = *addr;
    cs_list_push_back(&set->items, &item->link);
    return item;
}

/* Close the sockets from @from on. */
static void trim(struct item *item, unsigned from)
{
    while (item->n_fds > from)
        close(item->fds[--item->n_fds]);
    if (item->n_used > item->n_fds)
        item->n_used = item->n_fds;
}

static void drop(struct item *item, bool unlink)
{
    trim(item, 0);
    if (unlink)
        cs_listen_unlink(&item->addr);
    cs_list_remove(&item->link);
    free(item->fds);
    free(item);
}

void cs_listeners_init(struct cs_listeners *set)
{
    cs_list_init(&set->items);
}

void cs_listeners_deinit(struct cs_listeners *set, bool unlink)
{
    CS_LIST_FOREACH_SAFE (link, &set->items) {
        drop(cs_container_of(link, struct item, link), unlink);
    }
}

static int set_reuseport(int fd)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* One more socket on the item's address. */
static int open_one(struct item *item, const struct cs_listener *listener)
{
    struct cs_listen_options options = CS_LISTEN_DEFAULT;
    int fd, r;

    options.ipv6only = listener->ipv6only;
    options.defer_sec = listener->defer_sec;
    if (listener->backlog > 0)
        options.backlog = listener->backlog;
    options.reuseport = item->n_fds > 0;
    if (item->n_fds == 1 && (r = set_reuseport(item->fds[0])) < 0)
        return r;
    r = cs_listen_open(&item->bound, &options, &fd);
    if (r < 0)
        return r;
    item->fds[item->n_fds++] = fd;
    return item->n_fds == 1 && !is_unix(item) ? cs_socket_local(fd, &item->bound) : 0;
}

static int open_all(struct item *item, const struct cs_listener *listener, unsigned n)
{
    int r = 0;

    if (n > item->n_fds) {
        item->fds = realloc(item->fds, n * sizeof(*item->fds));
        cs_assert(item->fds != NULL);
    }
    while (item->n_fds < n && r == 0)
        r = open_one(item, listener);
    return r;
}

int cs_listeners_prepare(struct cs_listeners *set, const struct cs_listener *wanted, size_t n,
                         unsigned n_workers, const struct cs_listener **ret_failed)
{
    CS_LIST_FOREACH (link, &set->items) {
        cs_container_of(link, struct item, link)->n_wanted = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct item *item = find(set, &wanted[i].addr);
        int r;

        if (!item)
            item = add(set, &wanted[i].addr);
        item->n_wanted = is_unix(item) ? 1 : n_workers;
        item->defer_wanted = wanted[i].defer_sec;
        r = open_all(item, &wanted[i], item->n_wanted);
        if (r < 0) {
            cs_listeners_revert(set);
            *ret_failed = &wanted[i];
            return r;
        }
    }
    return 0;
}

/* Sockets that were in use before take up a change. It only saves wakeups, so that one which cannot
 * is no reason to end. */
static void defer(struct item *item)
{
    for (unsigned i = 0; i < item->n_fds && item->defer_sec != item->defer_wanted; i++)
        (void)cs_listen_defer(item->fds[i], item->defer_wanted);
    item->defer_sec = item->defer_wanted;
}

void cs_listeners_commit(struct cs_listeners *set)
{
    CS_LIST_FOREACH_SAFE (link, &set->items) {
        struct item *item = cs_container_of(link, struct item, link);
        trim(item, item->n_wanted);
        item->n_used = item->n_fds;
        defer(item);
        if (!item->n_used)
            drop(item, true);
    }
}

void cs_listeners_revert(struct cs_listeners *set)
{
    CS_LIST_FOREACH_SAFE (link, &set->items) {
        struct item *item = cs_container_of(link, struct item, link);
        bool opened = item->n_fds > item->n_used;
        trim(item, item->n_used);
        item->n_wanted = item->n_used;
        if (!item->n_used)
            drop(item, opened);
    }
}

static int fd_of(const struct item *item, unsigned number)
{
    return item->fds[is_unix(item) ? 0 : number];
}

int cs_listeners_fd(const struct cs_listeners *set, const struct cs_listener *listener,
                    unsigned number)
{
    const struct item *item = find(set, &listener->addr);

    cs_assert(item && (is_unix(item) || number < item->n_fds));
    return fd_of(item, number);
}

struct cs_addr cs_listeners_address(const struct cs_listeners *set,
                                    const struct cs_listener *listener)
{
    const struct item *item = find(set, &listener->addr);

    cs_assert(item);
    return item->bound;
}

/* Whether worker @number of the @n @kept listeners serves @fd. */
static bool is_kept(const struct cs_listeners *set, const struct cs_listener *kept, size_t n,
                    unsigned number, int fd)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_listeners_fd(set, &kept[i], number) == fd)
            return true;
    }
    return false;
}

void cs_listeners_isolate(struct cs_listeners *set, const struct cs_listener *kept, size_t n,
                          unsigned number)
{
    CS_LIST_FOREACH (link, &set->items) {
        struct item *item = cs_container_of(link, struct item, link);
        for (unsigned i = 0; i < item->n_fds; i++) {
            if (!is_kept(set, kept, n, number, item->fds[i]))
                close(item->fds[i]);
        }
    }
}
