/* The listening sockets of the service, which outlive workers and configurations.
 *
 * The supervisor keeps every socket open for as long as a configuration names its address,
 * so a connection that waits in a socket's queue waits on while workers die, are replaced
 * or are reloaded. With several workers each TCP address has one socket per worker
 * (SO_REUSEPORT): worker i of every generation serves socket i. Unix-domain addresses have
 * one socket that all workers share.
 *
 * A change is prepared beside what is in use and then either committed or taken back.
 */
#ifndef CS_DAEMON_LISTENERS_H
#define CS_DAEMON_LISTENERS_H

#include "base/list.h"
#include "snapshot/snapshot.h"

/* A zeroed set must be initialised. */
struct cs_listeners {
    struct cs_list items; /* one per address */
};

/** cs_listeners_init() - an empty set. */
void cs_listeners_init(struct cs_listeners *set);
/** cs_listeners_deinit() - close all sockets; @unlink also removes the paths of Unix-domain
 *  ones (the end of the service, not a fork). */
void cs_listeners_deinit(struct cs_listeners *set, bool unlink);

/** cs_listeners_prepare() - open what the @n @wanted listeners need for @n_workers and is not
 *  open yet. Nothing that is in use changes. An address that any other program listens on is
 *  refused, in spite of SO_REUSEPORT.
 *  Return: 0; or -errno of the first failure, *ret_failed then pointing to its listener and
 *  everything opened here being closed again. */
int cs_listeners_prepare(struct cs_listeners *set, const struct cs_listener *wanted, size_t n,
                         unsigned n_workers, const struct cs_listener **ret_failed);
/** cs_listeners_commit() - what was prepared is in use now, and what it does not name is
 *  closed. */
void cs_listeners_commit(struct cs_listeners *set);
/** cs_listeners_revert() - close again what was prepared. */
void cs_listeners_revert(struct cs_listeners *set);

/** cs_listeners_fd() - the socket of @listener for worker @number; owned by the set. The
 *  listener was prepared. */
int cs_listeners_fd(const struct cs_listeners *set, const struct cs_listener *listener,
                    unsigned number);
/** cs_listeners_isolate() - in the child that becomes worker @number of the @n @kept listeners:
 *  close every other socket. */
void cs_listeners_isolate(struct cs_listeners *set, const struct cs_listener *kept, size_t n,
                          unsigned number);
/** cs_listeners_address() - where @listener really listens: the same address, with the port
 *  that the kernel chose if it asked for port 0. */
struct cs_addr cs_listeners_address(const struct cs_listeners *set,
                                    const struct cs_listener *listener);

#endif
