/* Files that others change, watched by their names.
 *
 * A name may lead to its file through symbolic links, and a change may be any of these: written in
 * place, replaced by a rename, a link on the way turned elsewhere (as Kubernetes and certbot do),
 * a folder that goes and comes back. All of them end in the same question, which is asked a moment
 * after the last event: is what the name leads to another file, or has it other bytes? The kernel
 * is asked for events in every folder on the way; what it does not tell (network file systems) is
 * found by looking once a minute. Of a name that leads to a folder the files in it count.
 */
#ifndef CS_DAEMON_WATCH_H
#define CS_DAEMON_WATCH_H

#include "base/str.h"
#include "io/loop.h"

struct cs_file_watch;

/** cs_file_watch_new() - nothing is watched yet. @changed is called from the loop with the names,
 *  *@n of them, that lead to something else than before, or to nothing any more; it may set other
 *  names. @loop outlives the watch. Return: 0; or -errno: the kernel gives no events, and
 *  everything is found by looking every few seconds. *@ret_watch is written in any case. */
int cs_file_watch_new(struct cs_loop *loop,
                      void (*changed)(void *ctx, const struct cs_str *paths, size_t n), void *ctx,
                      struct cs_file_watch **ret_watch);
/** cs_file_watch_free() - NULL is fine. Return: NULL. */
struct cs_file_watch *cs_file_watch_free(struct cs_file_watch *watch);
/** cs_file_watch_set() - from now on watch these @n absolute names, and no others. They are copied,
 *  and taken as known as they are now, unless they were watched before. */
void cs_file_watch_set(struct cs_file_watch *watch, const struct cs_str *paths, size_t n);
/** cs_file_watch_again() - look again @in_ms from now, and tell of @path even if nothing happens to
 *  it: something was half done. */
void cs_file_watch_again(struct cs_file_watch *watch, struct cs_str path, int64_t in_ms);
/** cs_file_watch_isolate() - in a forked child: close its copy. NULL is fine. */
void cs_file_watch_isolate(struct cs_file_watch *watch);

#endif
