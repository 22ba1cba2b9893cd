/* The chain of the audit log. An entry's digest is keyed, over the digest before it and every
 * field behind its length; the head's seal is keyed over number and digest of the newest entry, so
 * that an end cannot be cut off by who cannot make a seal for an earlier one. It covers the
 * beginning too, which moves when archives are deleted. */
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
    add_number(&buf, head->newest.seq);
    add_text(&buf, cs_str_make(head->newest.digest, sizeof(head->newest.digest)));
    add_number(&buf, head->gone.seq);
    add_text(&buf, cs_str_make(head->gone.digest, sizeof(head->gone.digest)));
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

/* The head as this transaction has it. */
static int know_head(struct cs_store *store)
{
    int r = store->head_known ? 0 : read_head(store, &store->head);

    store->head_known = r == 0;
    return r;
}

static void move_link(struct cs_store *store, struct cs_audit_link *link,
                      const struct cs_stored_audit *entry)
{
    link->seq = entry->seq;
    memcpy(link->digest, entry->digest, sizeof(entry->digest));
    store->head_moved = true;
}

static int append(struct cs_store *store, const struct cs_stored_audit *entry)
{
    struct cs_stored_audit next = *entry;
    int r = know_head(store);

    if (r < 0)
        return r;
    next.seq = store->head.newest.seq + 1;
    entry_digest(store, &next, store->head.newest.digest, next.digest);
    r = store->engine->audit_append(store, &next);
    if (r == 0)
        move_link(store, &store->head.newest, &next);
    return r;
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

int cs_audit_gone(struct cs_store *store, uint64_t *ret_seq)
{
    int r = 0;

    if (!store->has_key)
        r = cs_store_says(store, -EKEYREJECTED, "the audit log is shortened by who has its key");
    r = r ? r : know_head(store);
    if (r == 0)
        *ret_seq = store->head.gone.seq;
    return r;
}

int cs_audit_forget(struct cs_store *store, const struct cs_stored_audit *entry, int64_t before)
{
    uint8_t digest[32];
    uint64_t gone;
    int r = cs_audit_gone(store, &gone);

    if (r < 0)
        return r;
    entry_digest(store, entry, store->head.gone.digest, digest);
    if (entry->seq != gone + 1 || !same(digest, entry->digest) || entry->at >= before)
        return cs_store_says(store, -EBADMSG,
                             "the audit log does not stand at entry %llu: its archive is kept",
                             (unsigned long long)gone + 1);
    move_link(store, &store->head.gone, entry);
    return 0;
}

/* Entries that are no longer kept may still be there until their archive is deleted. */
static int each(struct cs_store *store, uint64_t since, uint64_t limit, cs_store_audit_fn fn,
                void *ctx)
{
    struct cs_audit_head head = {0};
    int r = store->engine->audit_head(store, &head);

    if (r < 0 && r != -ENOENT)
        return r;
    return store->engine->audit_each(store, since > head.gone.seq ? since : head.gone.seq, limit,
                                     fn, ctx);
}

int cs_store_audit_each(struct cs_store *store, uint64_t since, uint64_t limit,
                        cs_store_audit_fn fn, void *ctx)
{
    int r = store->engine->look(store);

    if (r < 0)
        return r;
    r = each(store, since, limit, fn, ctx);
    store->engine->look_away(store);
    return r;
}

int cs_store_audit_head(struct cs_store *store, uint64_t *ret_seq, uint8_t ret_digest[32])
{
    struct cs_audit_head head;
    int r = store->engine->audit_head(store, &head);

    if (r < 0)
        return r;
    *ret_seq = head.newest.seq;
    memcpy(ret_digest, head.newest.digest, sizeof(head.newest.digest));
    return 0;
}

/* Verification: one walk, which ends at the first flaw. */

struct walk {
    struct cs_store *store;
    struct cs_audit_head head;
    struct cs_audit_link sound; /* the newest entry that is */
    struct cs_audit_report report;
};

static int flaw(struct walk *walk, enum cs_audit_flaw what, uint64_t seq)
{
    walk->report = (struct cs_audit_report){what, seq};
    return 1;
}

static int verify_entry(void *ctx, const struct cs_stored_audit *entry)
{
    struct walk *walk = ctx;
    uint64_t seq = walk->sound.seq + 1;
    uint8_t digest[32];

    if (seq > walk->head.newest.seq)
        return flaw(walk, CS_AUDIT_ADDED, seq);
    if (entry->seq != seq)
        return flaw(walk, CS_AUDIT_MISSING, seq);
    entry_digest(walk->store, entry, walk->sound.digest, digest);
    if (!same(digest, entry->digest))
        return flaw(walk, CS_AUDIT_CHANGED, seq);
    walk->sound.seq = seq;
    memcpy(walk->sound.digest, digest, sizeof(digest));
    return 0;
}

static int verify(struct walk *walk)
{
    int r = read_head(walk->store, &walk->head);

    if (r == -EKEYREJECTED)
        r = flaw(walk, CS_AUDIT_HEAD, 0);
    walk->sound = walk->head.gone;
    if (r == 0)
        r = walk->store->engine->audit_each(walk->store, walk->sound.seq, 0, verify_entry, walk);
    if (r == 0 && walk->sound.seq < walk->head.newest.seq)
        r = flaw(walk, CS_AUDIT_CUT, walk->sound.seq + 1);
    if (r == 0 && !same(walk->sound.digest, walk->head.newest.digest))
        r = flaw(walk, CS_AUDIT_HEAD, walk->sound.seq);
    if (r == 0)
        walk->report.seq = walk->sound.seq;
    return r < 0 ? r : 0;
}

static int verify_moment(struct walk *walk)
{
    int r = walk->store->engine->look(walk->store);

    if (r < 0)
        return r;
    r = verify(walk);
    walk->store->engine->look_away(walk->store);
    return r;
}

/* Whether archives that the walk should have seen were deleted while it went on. */
static bool begins_later(const struct walk *walk)
{
    struct cs_audit_head head;

    return walk->report.flaw != CS_AUDIT_SOUND && read_head(walk->store, &head) == 0 &&
           head.gone.seq > walk->head.gone.seq;
}

int cs_store_audit_verify(struct cs_store *store, struct cs_audit_report *ret_report)
{
    struct walk walk;
    int r;

    cs_assert(store->has_key);
    do {
        walk = (struct walk){.store = store};
        r = verify_moment(&walk);
    } while (r == 0 && begins_later(&walk));
    if (r == 0)
        *ret_report = walk.report;
    return r;
}
