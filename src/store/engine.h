/* Inside this folder: what an engine does for store.c.
 *
 * An engine keeps rows and makes transactions durable. What is the same whatever keeps the rows is
 * in store.c and audit.c: which values are taken, what a fault does to a transaction, the chain of
 * the audit log. Values have been checked when an engine sees them.
 */
#ifndef CS_STORE_ENGINE_H
#define CS_STORE_ENGINE_H

#include "store/store.h"

/* A place in the chain of the audit log: an entry's number and digest. */
struct cs_audit_link {
    uint64_t seq;
    uint8_t digest[32];
};

/* Both ends of the log, and the digest that says that the key's owner wrote this. */
struct cs_audit_head {
    struct cs_audit_link newest;
    struct cs_audit_link gone; /* the newest of those that are no longer kept */
    uint8_t seal[32];
};

struct cs_store_engine {
    void (*close)(struct cs_store *);
    void (*set_wait)(struct cs_store *, unsigned wait_ms);
    int (*begin)(struct cs_store *);
    int (*commit)(struct cs_store *); /* a fault: rolled back */
    void (*rollback)(struct cs_store *);
    bool (*changed)(struct cs_store *);
    int (*look)(struct cs_store *); /* until look_away(): reads see one moment */
    void (*look_away)(struct cs_store *);

    int (*cert_add)(struct cs_store *, const struct cs_stored_cert *);
    int (*cert_get)(struct cs_store *, struct cs_str serial, struct cs_arena *,
                    struct cs_stored_cert *);
    int (*cert_current)(struct cs_store *, struct cs_str serial, struct cs_arena *,
                        struct cs_stored_cert *);
    int (*cert_by_request)(struct cs_store *, const uint8_t request[32], int64_t since,
                           struct cs_arena *, struct cs_stored_cert *);
    int (*cert_each)(struct cs_store *, const struct cs_store_query *, cs_store_cert_fn, void *);
    int (*revoke)(struct cs_store *, struct cs_str serial, int64_t at, unsigned reason,
                  uint64_t *ret_seq);
    int (*key_add)(struct cs_store *, const uint8_t spki[32], int64_t at);
    int (*key_get)(struct cs_store *, const uint8_t spki[32], int64_t *ret_at);
    int (*key_each)(struct cs_store *, cs_store_key_fn fn, void *ctx);
    int (*revoked_each)(struct cs_store *, uint32_t issuer, int shard, int64_t now,
                        cs_store_revocation_fn, void *);

    int (*token_add)(struct cs_store *, const struct cs_stored_token *);
    int (*token_get)(struct cs_store *, const uint8_t digest[32], struct cs_arena *,
                     struct cs_stored_token *);
    int (*token_take)(struct cs_store *, const uint8_t digest[32], int64_t now,
                      struct cs_str used_by);
    int (*token_each)(struct cs_store *, cs_store_token_fn, void *);

    int (*issuer_put)(struct cs_store *, const struct cs_stored_issuer *);
    int (*issuer_each)(struct cs_store *, cs_store_issuer_fn, void *);

    int (*event_add)(struct cs_store *, const struct cs_stored_event *, uint64_t *ret_seq);
    int (*event_skip)(struct cs_store *, uint64_t seq);
    int (*event_each)(struct cs_store *, uint64_t since, uint64_t limit, cs_store_event_fn, void *);
    int (*event_bounds)(struct cs_store *, uint64_t *ret_gone, uint64_t *ret_last);

    int (*audit_append)(struct cs_store *, const struct cs_stored_audit *); /* seq, digest set */
    int (*audit_each)(struct cs_store *, uint64_t since, uint64_t limit, cs_store_audit_fn, void *);
    int (*audit_head)(struct cs_store *, struct cs_audit_head *); /* -ENOENT: none */
    int (*audit_set_head)(struct cs_store *, const struct cs_audit_head *);

    int (*meta_get)(struct cs_store *, struct cs_str name, struct cs_arena *, struct cs_str *);
    int (*meta_put)(struct cs_store *, struct cs_str name, struct cs_str value);

    int (*sweep)(struct cs_store *, const struct cs_store_sweep *, uint32_t *ret_n);
    int (*backup)(struct cs_store *, const char *path);
    int (*tidy)(struct cs_store *);
};

/* What every engine's store begins with. */
struct cs_store {
    const struct cs_store_engine *engine;
    char error[CS_STORE_ERROR_MAX];
    bool read_only;
    bool made;       /* by this cs_store_open() */
    bool writing;    /* between begin and commit */
    int fault;       /* of this transaction */
    bool has_key;    /* of the audit log */
    bool head_known; /* in this transaction */
    bool head_moved; /* in this transaction */
    uint8_t audit_key[32];
    struct cs_audit_head head;
};

/** cs_store_says() - put a fault into words for cs_store_error(). Return: @fault. */
__attribute__((format(printf, 3, 4))) int cs_store_says(struct cs_store *store, int fault,
                                                        const char *fmt, ...);
/** cs_store_settle() - the outcome @r of a change: a fault stays with the transaction.
 *  Return: @r. */
int cs_store_settle(struct cs_store *store, int r);
/** cs_store_may_change() - whether a change can be tried now; outside of transactions it is a bug.
 *  Return: 0, or the transaction's fault. */
int cs_store_may_change(struct cs_store *store);

/** cs_sqlite_open() - the engine that is one file; see cs_store_open(). On a fault the words are
 *  in @error. */
int cs_sqlite_open(const char *path, unsigned flags, char error[CS_STORE_ERROR_MAX],
                   struct cs_store **ret_store);

/** cs_audit_flush() - before a commit: the head goes where the log went. */
int cs_audit_flush(struct cs_store *store);
/** cs_audit_gone() - the newest entry that is no longer kept, as the key's owner wrote it, within a
 *  transaction. Return: 0, -EKEYREJECTED (no key or another), or a fault. */
int cs_audit_gone(struct cs_store *store, uint64_t *ret_seq);
/** cs_audit_forget() - @entry, older than @before, need not be kept any longer. The log has to
 * stand up to it, or an early end of it could be forged this way. Return: 0, or a fault
 * (-EKEYREJECTED: no key or another; -EBADMSG: a flaw). */
int cs_audit_forget(struct cs_store *store, const struct cs_stored_audit *entry, int64_t before);

#endif
