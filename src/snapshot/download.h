/* Downloads: revocation lists that a configuration names by their addresses.
 *
 * The steward fetches them. Each lies in a file below the state folder, which the configuration
 * reads like any other; beside it lies a note of how it came there, for the steward that comes next
 * and for who asks how it goes.
 */
#ifndef CS_SNAPSHOT_DOWNLOAD_H
#define CS_SNAPSHOT_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/findings.h"
#include "base/str.h"
#include "x509/list.h"

struct cs_snapshot;

/* All texts are the snapshot's and have a NUL behind them. */
struct cs_download {
    struct cs_str url;
    struct cs_str file; /* absolute */
    struct cs_str note; /* the same */
    struct cs_str ca;   /* PEM: whom to believe of a server over https; empty: the system's CAs */
    struct cs_place place;
    struct cs_download *next;
};

/** cs_download_is_url() - whether @text, of ssl_crl, is an address and no path. */
bool cs_download_is_url(struct cs_str text);
/** cs_download_judge() - whether @bytes are one list, whole, signed by a CA that the servers or
 *  upstreams trust which use @download. *@ret_list is in @arena.
 *  Return: NULL, or why not, in @arena. */
const char *cs_download_judge(const struct cs_snapshot *snapshot,
                              const struct cs_download *download, struct cs_str bytes,
                              struct cs_arena *arena, struct cs_crl *ret_list);
/** cs_download_is_older() - whether @list is older than @held, by number or by time. Pure. */
bool cs_download_is_older(const struct cs_crl *list, const struct cs_crl *held);
/** cs_download_is_other_part() - whether @list is a part, and not the one that @held is:
 * certificates that @held covers it might not. Pure. */
bool cs_download_is_other_part(const struct cs_crl *list, const struct cs_crl *held);

#endif
