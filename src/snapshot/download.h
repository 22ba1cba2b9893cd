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
#include "base/buf.h"
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

/* What is remembered of one. Zeroed: nothing. */
struct cs_download_note {
    int64_t fetched_sec;         /* when its server was heard last */
    int64_t due_sec;             /* when it is asked next */
    struct cs_str etag, changed; /* as the server gave them */
    int64_t failing_since_sec;   /* the first failure in a row; 0: none */
    struct cs_str why;           /* the last one */
};

/** cs_download_note_read() - the note of @download; empty if there is none that can be read. The
 *  texts are in @arena. */
void cs_download_note_read(const struct cs_download *download, struct cs_arena *arena,
                           struct cs_download_note *ret_note);
/** cs_download_note_write() - replace it. Return: 0, or -errno. */
int cs_download_note_write(const struct cs_download *download, const struct cs_download_note *note);
/** cs_download_note_parse() - a note out of its text, which the result borrows: lines that are not
 *  understood are passed over. Pure. */
void cs_download_note_parse(struct cs_str text, struct cs_download_note *ret_note);
/** cs_download_note_print() - append it as text, without what is too long for it. */
void cs_download_note_print(const struct cs_download_note *note, struct cs_buf *out);

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
