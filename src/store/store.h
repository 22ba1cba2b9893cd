/* What the private CA remembers: certificates, revocations, tokens, issuers, events, an audit log.
 *
 * A store is one file and what lies beside it. One process writes at a time; several may have it
 * open (the authority and a `ca` command), and transactions keep them apart. Whoever writes groups:
 * cs_store_begin(), many changes, cs_store_commit(), and only then tells anybody: what was
 * committed survives SIGKILL and a power cut, and what was not never happened. Every change needs
 * a transaction (a change without one is a bug and aborts); reading needs none.
 *
 * Outcomes: 0; a negative errno that is an answer (-ENOENT, -EEXIST, -EALREADY, -ETIME), named with
 * each function, which changes nothing and leaves the transaction as it is; or a fault:
 *
 *   -ENOSPC no room; -EBUSY somebody else's transaction did not end in time; -EROFS, -EACCES,
 *   -ENOENT, -EIO the file or its folder cannot be used; -EBADMSG the file is damaged or no store;
 *   -ENODATA the file is empty, because making the store was interrupted; -ENOTSUP a newer
 * countersign made it; -EINVAL a value that the store does not take.
 *
 * cs_store_error() has the words. After a fault in a change nothing more of its transaction is
 * taken, and its commit fails with the same fault: there is no half of a group. -EINVAL is no
 * such fault: the one change is refused.
 *
 * Texts are bytes with a length; none is ever part of a statement. Times are seconds since 1970.
 * What a callback is given is borrowed for the call; the callback must not change the store, and
 * ends the walk by returning other than 0, which the walk then returns.
 *
 * What has expired is moved to archives by cs_store_sweep(), one per month, in the folder "archive"
 * beside the file, so that what is in use stays small; an archive is a store itself.
 *
 * A store must not be used across fork(), and its file must not be opened by other means in the
 * same process (closing it would take the locks away). With SQLite the folder must be writable for
 * whoever writes, because the log of what is not yet in the file lies beside it.
 */
#ifndef CS_STORE_STORE_H
#define CS_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define CS_STORE_SERIAL_MAX 20       /* RFC 5280 section 4.1.2.2 */
#define CS_STORE_TEXT_MAX (8u << 10) /* a name, an actor, a detail */
#define CS_STORE_DER_MAX (64u << 10)
#define CS_STORE_VALUE_MAX (1u << 20) /* of meta */
#define CS_STORE_ERROR_MAX 512

struct cs_store;

enum cs_store_flag {
    CS_STORE_CREATE = 1, /* make the file if there is none, mode 0600 */
    CS_STORE_READ = 2,   /* no changes */
};

/** cs_store_open() - the store in the file at @path; @flags of enum cs_store_flag. A fault is put
 *  into words in @error, which may be NULL. Close with cs_store_close().
 *  Return: 0, or a fault (-ENOENT: no file, without CS_STORE_CREATE). */
__attribute__((warn_unused_result)) int cs_store_open(const char *path, unsigned flags,
                                                      char error[CS_STORE_ERROR_MAX],
                                                      struct cs_store **ret_store);
/** cs_store_close() - end it; a transaction that was not committed never happened. NULL is fine. */
void cs_store_close(struct cs_store *store);
/** cs_store_error() - the last fault in words: lower case, no full stop, with the path. Borrowed
 *  until the next call with @store; empty when there was none. */
const char *cs_store_error(const struct cs_store *store);
/** cs_store_set_wait() - how long cs_store_begin() waits for somebody else's transaction before it
 *  says -EBUSY; 5,000 ms unless set. */
void cs_store_set_wait(struct cs_store *store, unsigned wait_ms);

/** cs_store_begin() - from here on nobody else can change the store. Not nested.
 *  Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_store_begin(struct cs_store *store);
/** cs_store_commit() - make all changes since cs_store_begin() durable, in one wait for the disk.
 *  Return: 0, or a fault: then none of them was made. The transaction is over in both cases. */
__attribute__((warn_unused_result)) int cs_store_commit(struct cs_store *store);
/** cs_store_rollback() - forget all changes since cs_store_begin(). */
void cs_store_rollback(struct cs_store *store);
/** cs_store_changed() - whether another process has committed since this was asked last (the first
 *  answer counts from cs_store_open()). */
bool cs_store_changed(struct cs_store *store);

/* Certificates. */

struct cs_stored_cert {
    struct cs_str serial;   /* big-endian, 1..CS_STORE_SERIAL_MAX bytes */
    struct cs_str identity; /* as texts of its names are compared with a glob */
    struct cs_str profile;
    struct cs_str requester; /* who asked */
    struct cs_str der;
    uint32_t issuer; /* from 1 */
    uint16_t shard;
    int64_t issued_at, not_before, not_after, renew_at;
    uint8_t spki[32];    /* digest of the key */
    uint8_t request[32]; /* digest of what was asked for, to know it again; zeros: none */
    /* Set by the store. */
    uint64_t position;  /* grows with every certificate added */
    int64_t revoked_at; /* 0: not */
    unsigned reason;    /* RFC 5280 section 5.3.1 */
};

typedef int (*cs_store_cert_fn)(void *ctx, const struct cs_stored_cert *cert);

/** cs_store_cert_add() - remember @cert. Return: 0, -EEXIST (its serial is taken), or a fault. */
__attribute__((warn_unused_result)) int cs_store_cert_add(struct cs_store *store,
                                                          const struct cs_stored_cert *cert);
/** cs_store_cert_get() - the certificate with @serial, its texts in @arena; also from the archives,
 *  which takes a millisecond each. Return: 0, -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int cs_store_cert_get(struct cs_store *store,
                                                          struct cs_str serial,
                                                          struct cs_arena *arena,
                                                          struct cs_stored_cert *ret_cert);
/** cs_store_cert_current() - the same without the archives: for whatever strangers may ask.
 *  Return: 0, -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int cs_store_cert_current(struct cs_store *store,
                                                              struct cs_str serial,
                                                              struct cs_arena *arena,
                                                              struct cs_stored_cert *ret_cert);
/** cs_store_cert_by_request() - the newest certificate that was issued for @request at @since or
 *  later, its texts in @arena; not from the archives. Return: 0, -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int
cs_store_cert_by_request(struct cs_store *store, const uint8_t request[32], int64_t since,
                         struct cs_arena *arena, struct cs_stored_cert *ret_cert);

/* Which certificates; a zeroed field does not choose. */
struct cs_store_query {
    int64_t expiring_before;     /* not_after below this */
    int64_t expiring_from;       /* not_after at or after this */
    struct cs_str identity_glob; /* "*" any bytes, "?" one; see store/glob.h */
    struct cs_str profile;
    uint32_t issuer;
    bool revoked;   /* revoked ones only */
    uint64_t after; /* position */
    uint64_t limit; /* how many at most */
};

/** cs_store_cert_each() - @fn for every certificate that @query chooses, by position; without the
 *  archives. Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_cert_each(struct cs_store *store,
                                                           const struct cs_store_query *query,
                                                           cs_store_cert_fn fn, void *ctx);

/* Revocations. */

struct cs_stored_revocation {
    struct cs_str serial;
    uint32_t issuer;
    uint16_t shard;
    unsigned reason;
    int64_t at, not_after;
};

typedef int (*cs_store_revocation_fn)(void *ctx, const struct cs_stored_revocation *revocation);

/** cs_store_revoke() - the certificate with @serial is revoked from @at on, and an event says so,
 *  whose number becomes *@ret_seq. There is no way back. If @reason is keyCompromise, its key is
 *  compromised.
 *  Return: 0, -ENOENT (no such certificate, or in an archive), -EALREADY (it is, the first time and
 * reason stay), or a fault. */
__attribute__((warn_unused_result)) int cs_store_revoke(struct cs_store *store,
                                                        struct cs_str serial, int64_t at,
                                                        unsigned reason, uint64_t *ret_seq);
/** cs_store_revoked_each() - @fn for every revoked certificate of @issuer and @shard (-1: of all
 *  its shards) that is valid at @now or later, in order of shard and serial.
 *  Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_revoked_each(struct cs_store *store,
                                                              uint32_t issuer, int shard,
                                                              int64_t now,
                                                              cs_store_revocation_fn fn, void *ctx);

/* Compromised keys, by the SHA-256 of their SubjectPublicKeyInfo; kept whatever is swept. */

typedef int (*cs_store_key_fn)(void *ctx, const uint8_t spki[32], int64_t at);

/** cs_store_key_add() - the key @spki is compromised since @at, unless that is known already.
 *  Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_store_key_add(struct cs_store *store,
                                                         const uint8_t spki[32], int64_t at);
/** cs_store_key_get() - whether the key @spki is compromised, and since when.
 *  Return: 0 (it is), -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int cs_store_key_get(struct cs_store *store,
                                                         const uint8_t spki[32], int64_t *ret_at);
/** cs_store_key_each() - @fn for every compromised key.
 *  Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_key_each(struct cs_store *store,
                                                          cs_store_key_fn fn, void *ctx);

/* Tokens: good for one use. */

struct cs_stored_token {
    uint8_t digest[32];       /* SHA-256 of the token, which the store never sees */
    struct cs_str identities; /* whom it may name, as its maker writes it */
    struct cs_str profile;
    struct cs_str maker;
    int64_t made_at, expires_at;
    /* Set by the store. */
    int64_t used_at;       /* 0: not */
    struct cs_str used_by; /* what cs_store_token_take() was told */
};

typedef int (*cs_store_token_fn)(void *ctx, const struct cs_stored_token *token);

/** cs_store_token_add() - a new token. Return: 0, -EEXIST (its digest is known), or a fault. */
__attribute__((warn_unused_result)) int cs_store_token_add(struct cs_store *store,
                                                           const struct cs_stored_token *token);
/** cs_store_token_get() - the token with @digest, used or not, its texts in @arena: to judge before
 *  it is taken. Return: 0, -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int cs_store_token_get(struct cs_store *store,
                                                           const uint8_t digest[32],
                                                           struct cs_arena *arena,
                                                           struct cs_stored_token *ret_token);
/** cs_store_token_take() - use the token with @digest up, at @now, for @used_by.
 *  Return: 0 once, -ENOENT (unknown), -EALREADY (used), -ETIME (@now is past expires_at), or a
 *  fault. */
__attribute__((warn_unused_result)) int cs_store_token_take(struct cs_store *store,
                                                            const uint8_t digest[32], int64_t now,
                                                            struct cs_str used_by);
/** cs_store_token_each() - @fn for every token, oldest first.
 *  Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_token_each(struct cs_store *store,
                                                            cs_store_token_fn fn, void *ctx);

/* Issuers. */

enum cs_issuer_state {
    CS_ISSUER_PREPARED, /* known to those who trust, signs nothing yet */
    CS_ISSUER_ACTIVE,
    CS_ISSUER_RETIRED,
};

struct cs_stored_issuer {
    uint32_t id; /* from 1 */
    enum cs_issuer_state state;
    struct cs_str der;
    struct cs_str key_file;                        /* its name in the CA's folder */
    int64_t prepared_at, activated_at, retired_at; /* 0: not yet */
};

typedef int (*cs_store_issuer_fn)(void *ctx, const struct cs_stored_issuer *issuer);

/** cs_store_issuer_put() - @issuer, new or in place of the one with its id.
 *  Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_store_issuer_put(struct cs_store *store,
                                                            const struct cs_stored_issuer *issuer);
/** cs_store_issuer_each() - @fn for every issuer, by id.
 *  Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_issuer_each(struct cs_store *store,
                                                             cs_store_issuer_fn fn, void *ctx);

/* Events: what those who follow the CA must hear, numbered without a number used twice. */

enum cs_event_kind {
    CS_EVENT_REVOKED,
    CS_EVENT_ISSUER_PREPARED,
    CS_EVENT_ISSUER_ACTIVATED,
    CS_EVENT_ISSUER_RETIRED,
};

struct cs_stored_event {
    uint64_t seq; /* from 1; set by the store */
    enum cs_event_kind kind;
    int64_t at;
    uint32_t issuer;
    /* of a revocation */
    struct cs_str serial;
    uint16_t shard;
    unsigned reason;
    int64_t not_after;
};

typedef int (*cs_store_event_fn)(void *ctx, const struct cs_stored_event *event);

/** cs_store_event_add() - say @event; cs_store_revoke() does this itself.
 *  Return: 0 and its number in *@ret_seq, or a fault. */
__attribute__((warn_unused_result)) int
cs_store_event_add(struct cs_store *store, const struct cs_stored_event *event, uint64_t *ret_seq);
/** cs_store_event_skip() - numbers go on above @seq, unless they are there already.
 *  Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_store_event_skip(struct cs_store *store, uint64_t seq);
/** cs_store_event_each() - @fn for every event with a number above @since, in order; @limit of
 *  them at most, 0: all. Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_event_each(struct cs_store *store, uint64_t since,
                                                            uint64_t limit, cs_store_event_fn fn,
                                                            void *ctx);
/** cs_store_event_bounds() - *@ret_last: the newest number ever given, 0 when there was none;
 *  *@ret_gone: the newest number of those that are no longer kept. Who has heard less than that
 *  has missed something. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int
cs_store_event_bounds(struct cs_store *store, uint64_t *ret_gone, uint64_t *ret_last);

/* The audit log. Each entry carries a digest (HMAC-SHA256 under the audit key) of itself and the
 * digest before it; the head (number and digest of the newest entry) is kept beside, under a
 * digest of its own. So a change, a gap, another order and an end cut off are found by whoever has
 * the key, and cannot be covered up by whoever has not. What cannot be found in one file is that
 * all of it is an older copy: for that, keep what cs_store_audit_head() says elsewhere. */

struct cs_stored_audit {
    int64_t at;
    struct cs_str action;  /* "issue" */
    struct cs_str actor;   /* who asked */
    struct cs_str proof;   /* how they proved it */
    struct cs_str peer;    /* from where */
    struct cs_str subject; /* what it was done to: a serial, an issuer, a token */
    struct cs_str detail;
    /* Set by the store. */
    uint64_t seq; /* from 1, no gap */
    uint8_t digest[32];
};

typedef int (*cs_store_audit_fn)(void *ctx, const struct cs_stored_audit *entry);

/** cs_store_audit_key() - the key of the log, copied; entries can be added and verified from here
 *  on. In a store that this cs_store_open() has made, the log begins with it; in any other the head
 *  must stand and carry this key's digest. Outside of transactions.
 *  Return: 0, -EKEYREJECTED (the head is missing or was not written with @key), or a fault. */
__attribute__((warn_unused_result)) int cs_store_audit_key(struct cs_store *store,
                                                           const uint8_t key[32]);
/** cs_store_audit_add() - one more entry; needs the key.
 *  Return: 0, or a fault (-EKEYREJECTED: the head was changed by somebody without the key). */
__attribute__((warn_unused_result)) int cs_store_audit_add(struct cs_store *store,
                                                           const struct cs_stored_audit *entry);
/** cs_store_audit_each() - @fn for every entry with a number above @since, in order; @limit of them
 *  at most, 0: all. Verifies nothing. Return: 0, what @fn returned, or a fault. */
__attribute__((warn_unused_result)) int cs_store_audit_each(struct cs_store *store, uint64_t since,
                                                            uint64_t limit, cs_store_audit_fn fn,
                                                            void *ctx);
/** cs_store_audit_head() - number (0: no entry yet) and digest of the newest entry.
 *  Return: 0, -ENOENT (no log), or a fault. */
__attribute__((warn_unused_result)) int
cs_store_audit_head(struct cs_store *store, uint64_t *ret_seq, uint8_t ret_digest[32]);

enum cs_audit_flaw {
    CS_AUDIT_SOUND,
    CS_AUDIT_HEAD,    /* the head is missing or forged */
    CS_AUDIT_MISSING, /* entry @seq is not there, one after it is */
    CS_AUDIT_CHANGED, /* entry @seq is not what was written, or not where */
    CS_AUDIT_CUT,     /* entry @seq is not there, nor any after it, and the head knows it */
    CS_AUDIT_ADDED,   /* entry @seq is there, and the head does not know it */
};

struct cs_audit_report {
    enum cs_audit_flaw flaw; /* the first */
    uint64_t seq;            /* where; with CS_AUDIT_SOUND the newest */
};

/** cs_store_audit_verify() - go through the whole log; needs the key.
 *  Return: 0 and the verdict in *@ret_report, or a fault. */
__attribute__((warn_unused_result)) int cs_store_audit_verify(struct cs_store *store,
                                                              struct cs_audit_report *ret_report);

/* Small settings and counters of the CA: texts under a name. */

/** cs_store_meta_get() - what was put under @name, in @arena. Return: 0, -ENOENT, or a fault. */
__attribute__((warn_unused_result)) int cs_store_meta_get(struct cs_store *store,
                                                          struct cs_str name,
                                                          struct cs_arena *arena,
                                                          struct cs_str *ret_value);
/** cs_store_meta_put() - @value under @name, in place of what was there. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_store_meta_put(struct cs_store *store,
                                                          struct cs_str name, struct cs_str value);

/* Keeping it small, and safe. */

/* Until when things are kept where they are; 0: for ever. */
struct cs_store_sweep {
    int64_t certs_before;    /* certificates that expired before this go to the archive, with their
                                revocations: these leave the lists */
    int64_t audit_before;    /* older entries of the audit log go there too; needs the audit key */
    int64_t papers_before;   /* older events, but not those of certificates that are valid then, and
                                tokens that expired before this, are deleted */
    int64_t archives_before; /* archives of months that ended before this are deleted whole; needs
                                the audit key */
    uint32_t limit;          /* rows at a time; 0: 500 */
};

/** cs_store_sweep() - a bounded part of what @sweep says is due, in transactions of its own, so not
 *  between cs_store_begin() and cs_store_commit(). To be called again until *@ret_n is 0; ended by
 *  anything at any moment, it has lost nothing and done nothing twice.
 *  Return: 0 and the number of rows and archives moved or deleted, or a fault. */
__attribute__((warn_unused_result)) int
cs_store_sweep(struct cs_store *store, const struct cs_store_sweep *sweep, uint32_t *ret_n);
/** cs_store_tidy() - work that commits have left over, some milliseconds at most and often none:
 * for when there is nothing else to do. Without it a commit does it now and then. Return: 0, or a
 * fault (nothing is lost by it). */
__attribute__((warn_unused_result)) int cs_store_tidy(struct cs_store *store);
/** cs_store_backup() - a copy of the store as a new file at @path, mode 0600, and of its archives
 * in "archive" beside that, as of one moment, while others may go on writing. What was made of it
 * is removed when it fails. Blocks as long as copying takes. Return: 0, -EEXIST (something is at
 * @path), -EAGAIN (an archive was deleted meanwhile: try again), or a fault. */
__attribute__((warn_unused_result)) int cs_store_backup(struct cs_store *store, const char *path);

#endif
