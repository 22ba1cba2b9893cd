/* The chain of the audit log. An entry's digest is keyed, over the digest before it and every
 * field behind its length; the head's seal is keyed over number and digest of the newest entry, so
 * that an end cannot be cut off by who cannot make a seal for an earlier one. */
#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/engine.h"
#include "x509/digest.h"

#define ENTRY_MAX (64u << 10) /* six texts of CS_STORE_TEXT_MAX and little more */

static void add_number(struct cs_buf *buf, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    cs_assert(cs_buf_add(buf, bytes, sizeof(bytes)) == 0);
}

static void add_text(struct cs_buf *buf, struct cs_str text)
{
    add_number(buf, text.len);
    cs_assert(cs_buf_add_str(buf, text) == 0);
}

static void keyed(const struct cs_store *store, const struct cs_buf *buf, uint8_t ret_digest[32])
{
    cs_digest_keyed(cs_str_make(store->audit_key, sizeof(store->audit_key)), cs_buf_str(buf),
                    ret_digest);
}

static void entry_digest(const struct cs_store *store, const struct cs_stored_audit *entry,
                         const uint8_t before[32], uint8_t ret_digest[32])
{
    struct cs_buf buf;

    cs_buf_init(&buf, ENTRY_MAX);
    add_text(&buf, CS_STR("entry"));
    add_text(&buf, cs_str_make(before, 32));
    add_number(&buf, entry->seq);
    add_number(&buf, (uint64_t)entry->at);
    add_text(&buf, entry->action);
    add_text(&buf, entry->actor);
    add_text(&buf, entry->proof);
    add_text(&buf, entry->peer);
    add_text(&buf, entry->subject);
    add_text(&buf, entry->detail);
    keyed(store, &buf, ret_digest);
    cs_buf_deinit(&buf);
}

static void head_seal(const struct cs_store *store, const struct cs_audit_head *head,
                      uint8_t ret_seal[32])
{
    struct cs_buf buf;

    cs_buf_init(&buf, ENTRY_MAX);
    add_text(&buf, CS_STR("head"));
    add_number(&buf, head->seq);
    add_text(&buf, cs_str_make(head->digest, sizeof(head->digest)));
    keyed(store, &buf, ret_seal);
    cs_buf_deinit(&buf);
}

static bool same(const uint8_t a[32], const uint8_t b[32])
{
    return cs_str_eq_secret(cs_str_make(a, 32), cs_str_make(b, 32));
}

/* Return: 0, -EKEYREJECTED, or a fault. */
static int read_head(struct cs_store *store, struct cs_audit_head *ret_head)
{
    struct cs_audit_head head;
    uint8_t seal[32];
    int r = store->engine->audit_head(store, &head);

    if (r == -ENOENT)
        return cs_store_says(store, -EKEYREJECTED, "the head of the audit log is missing");
    if (r < 0)
        return r;
    head_seal(store, &head, seal);
    if (!same(seal, head.seal))
        return cs_store_says(store, -EKEYREJECTED,
                             "the head of the audit log was not written with this key");
    *ret_head = head;
    return 0;
}

static int write_head(struct cs_store *store)
{
    head_seal(store, &store->head, store->head.seal);
    return store->engine->audit_set_head(store, &store->head);
}

static int begin_log(struct cs_store *store)
{
    int r = cs_store_begin(store);

    if (r < 0)
        return r;
    store->head = (struct cs_audit_head){0};
    cs_store_settle(store, write_head(store));
    return cs_store_commit(store);
}

int cs_store_audit_key(struct cs_store *store, const uint8_t key[32])
{
    struct cs_audit_head head;
    int r;

    cs_assert(!store->writing);
    memcpy(store->audit_key, key, sizeof(store->audit_key));
    r = store->made && store->engine->audit_head(store, &head) == -ENOENT ? begin_log(store)
                                                                          : read_head(store, &head);
    store->has_key = true;
    return r;
}

static bool entry_fits(const struct cs_stored_audit *entry)
{
    return entry->action.len <= CS_STORE_TEXT_MAX && entry->actor.len <= CS_STORE_TEXT_MAX &&
           entry->proof.len <= CS_STORE_TEXT_MAX && entry->peer.len <= CS_STORE_TEXT_MAX &&
           entry->subject.len <= CS_STORE_TEXT_MAX && entry->detail.len <= CS_STORE_TEXT_MAX;
}

static int append(struct cs_store *store, const struct cs_stored_audit *entry)
{
    struct cs_stored_audit next = *entry;
    int r = store->head_known ? 0 : read_head(store, &store->head);

    if (r < 0)
        return r;
    store->head_known = true;
    next.seq = store->head.seq + 1;
    entry_digest(store, &next, store->head.digest, next.digest);
    r = store->engine->audit_append(store, &next);
    if (r < 0)
        return r;
    store->head.seq = next.seq;
    memcpy(store->head.digest, next.digest, sizeof(next.digest));
    store->head_moved = true;
    return 0;
}

int cs_store_audit_add(struct cs_store *store, const struct cs_stored_audit *entry)
{
    int r = cs_store_may_change(store);

    cs_assert(store->has_key);
    if (r == 0 && !entry_fits(entry))
        r = cs_store_says(store, -EINVAL, "a text of an audit entry is longer than 8192 bytes");
    return r ? r : cs_store_settle(store, append(store, entry));
}

int cs_audit_flush(struct cs_store *store)
{
    return write_head(store);
}

int cs_store_audit_each(struct cs_store *store, uint64_t since, uint64_t limit,
                        cs_store_audit_fn fn, void *ctx)
{
    return store->engine->audit_each(store, since, limit, fn, ctx);
}

int cs_store_audit_head(struct cs_store *store, uint64_t *ret_seq, uint8_t ret_digest[32])
{
    struct cs_audit_head head;
    int r = store->engine->audit_head(store, &head);

    if (r < 0)
        return r;
    *ret_seq = head.seq;
    memcpy(ret_digest, head.digest, sizeof(head.digest));
    return 0;
}

/* Verification: one walk, which ends at the first flaw. */

struct walk {
    struct cs_store *store;
    struct cs_audit_head head;
    struct cs_audit_report report; /* seq: the newest sound entry */
    uint8_t digest[32];            /* of that one */
};

static int flaw(struct walk *walk, enum cs_audit_flaw what, uint64_t seq)
{
    walk->report = (struct cs_audit_report){what, seq};
    return 1;
}

static int verify_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct walk *walk = ctx;
    uint64_t seq = walk->report.seq + 1;
    uint8_t digest[32];

    if (seq > walk->head.seq)
        return flaw(walk, CS_AUDIT_ADDED, seq);
    if (entry->seq != seq)
        return flaw(walk, CS_AUDIT_MISSING, seq);
    entry_digest(walk->store, entry, walk->digest, digest);
    if (!same(digest, entry->digest))
        return flaw(walk, CS_AUDIT_CHANGED, seq);
    walk->report.seq = seq;
    memcpy(walk->digest, digest, sizeof(digest));
    return 0;
}

static int verify(struct walk *walk)
{
    int r = read_head(walk->store, &walk->head);

    if (r == -EKEYREJECTED)
        r = flaw(walk, CS_AUDIT_HEAD, 0);
    if (r == 0)
        r = walk->store->engine->audit_each(walk->store, 0, 0, verify_entry, walk);
    if (r == 0 && walk->report.seq < walk->head.seq)
        r = flaw(walk, CS_AUDIT_CUT, walk->report.seq + 1);
    if (r == 0 && !same(walk->digest, walk->head.digest))
        r = flaw(walk, CS_AUDIT_HEAD, walk->report.seq);
    return r < 0 ? r : 0;
}

int cs_store_audit_verify(struct cs_store *store, struct cs_audit_report *ret_report)
{
    struct walk walk = {.store = store};
    int r;

    cs_assert(store->has_key);
    r = store->engine->look(store);
    if (r < 0)
        return r;
    r = verify(&walk);
    store->engine->look_away(store);
    if (r == 0)
        *ret_report = walk.report;
    return r;
}
