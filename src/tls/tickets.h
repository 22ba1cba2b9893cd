/* Keys that seal session tickets (RFC 5077, RFC 8446 section 4.6.1).
 *
 * Either the keys of ssl_session_ticket_key files, or a ratchet: the supervisor draws a
 * secret before it forks, and every hour each process derives the next one by itself and
 * forgets the old. All workers seal alike without talking to each other, and whoever reads
 * a worker's memory today cannot open the tickets of two hours ago. A worker that is
 * started later inherits the ratchet as far as the supervisor has turned it.
 */
#ifndef CS_TLS_TICKETS_H
#define CS_TLS_TICKETS_H

#include "base/findings.h"

#define CS_TICKET_EPOCH_SEC 3600
#define CS_TICKET_NAME 16
#define CS_TICKET_SECRET 32

/* What one key consists of; derived, never configured directly. */
struct cs_ticket_key {
    uint8_t name[CS_TICKET_NAME]; /* public: which key sealed this ticket */
    uint8_t aes[32];
    uint8_t mac[32]; /* for libraries that cannot seal with an AEAD */
};

struct cs_ticket_keys;

/** cs_ticket_keys_new_files() - the contents of ssl_session_ticket_key files, in order: the
 *  first seals, all open. @files is not kept.
 *  Return: 0, or -EINVAL with a finding at @place (a file is not 48 or 80 bytes long). */
int cs_ticket_keys_new_files(const struct cs_str *files, size_t n, const struct cs_place *place,
                             struct cs_findings *findings, struct cs_ticket_keys **ret_keys);
/** cs_ticket_keys_new_ratchet() - a ratchet that begins with @secret at @now_sec. The caller
 *  wipes its copy of @secret. Return: the keys, referenced once. */
struct cs_ticket_keys *cs_ticket_keys_new_ratchet(const uint8_t secret[CS_TICKET_SECRET],
                                                  int64_t now_sec);
/** cs_ticket_keys_ref() - one more holder. Return: @keys. */
struct cs_ticket_keys *cs_ticket_keys_ref(struct cs_ticket_keys *keys);
/** cs_ticket_keys_unref() - wipes and frees with the last reference. NULL is fine.
 *  Return: NULL. */
struct cs_ticket_keys *cs_ticket_keys_unref(struct cs_ticket_keys *keys);

/** cs_ticket_keys_eq() - whether both are the same keys from files. */
bool cs_ticket_keys_eq(const struct cs_ticket_keys *a, const struct cs_ticket_keys *b);
/** cs_ticket_keys_turn() - bring a ratchet to the epoch of @now_sec, wiping what is older
 *  than the epoch before it; no effect on keys from files, or when time went backwards.
 *  Sessions do this by themselves; a supervisor does it so that a worker forked later
 *  starts where the others are. */
void cs_ticket_keys_turn(struct cs_ticket_keys *keys, int64_t now_sec);

/** cs_ticket_keys_seal0() - the key to seal with now; borrowed until the next turn. */
const struct cs_ticket_key *cs_ticket_keys_seal0(const struct cs_ticket_keys *keys);
/** cs_ticket_keys_find0() - the key called @name, or NULL. Borrowed until the next turn. */
const struct cs_ticket_key *cs_ticket_keys_find0(const struct cs_ticket_keys *keys,
                                                 const uint8_t name[CS_TICKET_NAME]);

#endif
