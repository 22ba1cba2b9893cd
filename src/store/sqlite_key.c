/* The keys by which a certificate is found, its serial number and the digest of its request, are
 * random: in an index each lands on a page of its own, and writing a page for every few bytes would
 * be most of what issuing costs, the more the larger the index. So the keys of the newest
 * certificates are kept in memory, where they are read again from the rows when the store is
 * needed first, and enter the index later, many at a time and in its order, so that neighbours
 * share a page. A few go with each commit; how far all have got is a number beside the index.
 *
 * Nothing is lost with the memory: whatever the number does not cover is read again. A key that is
 * in the index early is harmless, for what it leads to is compared with what was asked for. */
#include <errno.h>

#include "base/mem.h"
#include "store/sqlite.h"

#define BUCKETS 65536 /* a power of two */
#define NONE UINT32_MAX

/* One that is kept back; buckets are lists, the newest first. */
struct cs_fresh_key {
    int64_t key, id;
    uint32_t next;
};

/* One on its way into the index. */
struct cs_moving_key {
    int64_t key, id;
};

int64_t cs_key_of(enum cs_key_kind kind, struct cs_str bytes)
{
    uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)kind; /* FNV-1a: the same in every process */

    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ (uint8_t)bytes.ptr[i]) * 0x100000001b3u;
    return (int64_t)(h ^ (h >> 29));
}

/* In memory */

static uint32_t bucket_of(int64_t key)
{
    return (uint32_t)((uint64_t)key * 0x9e3779b97f4a7c15u >> 32) % BUCKETS;
}

static void push(struct cs_keys *keys, int64_t key, int64_t id)
{
    uint32_t *bucket = &keys->buckets[bucket_of(key)];

    if (keys->n == keys->room) {
        keys->room = keys->room ? 2 * keys->room : 1024;
        keys->fresh = realloc(keys->fresh, keys->room * sizeof(*keys->fresh));
        cs_assert(keys->fresh != NULL);
    }
    keys->fresh[keys->n] = (struct cs_fresh_key){key, id, *bucket};
    *bucket = keys->n++;
}

/* The newest is the first of its bucket. */
static void pop(struct cs_keys *keys)
{
    const struct cs_fresh_key *last = &keys->fresh[--keys->n];

    keys->buckets[bucket_of(last->key)] = last->next;
}

static void empty(struct cs_keys *keys)
{
    keys->n = 0;
    memset(keys->buckets, 0xff, BUCKETS * sizeof(*keys->buckets));
}

/* All but the first @n, which are in the index. */
static void drop_first(struct cs_keys *keys, uint32_t n)
{
    uint32_t left = keys->n - n;

    empty(keys);
    for (uint32_t i = 0; i < left; i++)
        push(keys, keys->fresh[n + i].key, keys->fresh[n + i].id);
}

static void stop_moving(struct cs_keys *keys)
{
    free(cs_take(keys->moving));
}

void cs_keys_lose(struct cs_sqlite *s)
{
    stop_moving(&s->keys);
    s->keys.known = false;
    s->keys.n = s->keys.n_before = 0;
}

void cs_keys_deinit(struct cs_sqlite *s)
{
    stop_moving(&s->keys);
    free(s->keys.fresh);
    free(s->keys.buckets);
}

static int load(struct cs_sqlite *s)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_KEY_FRESH);
    struct cs_keys *keys = &s->keys;
    struct cs_str request;
    int64_t id;
    int r;

    if (!keys->buckets)
        keys->buckets = cs_alloc(BUCKETS * sizeof(*keys->buckets));
    empty(keys);
    while ((r = cs_sql_row(s, stmt)) == 1) {
        id = sqlite3_column_int64(stmt, 0);
        request = cs_sql_col_str(stmt, 2);
        push(keys, cs_key_of(CS_KEY_SERIAL, cs_sql_col_str(stmt, 1)), id);
        if (request.len)
            push(keys, cs_key_of(CS_KEY_REQUEST, request), id);
    }
    keys->n_before = keys->n;
    keys->read = true;
    return cs_sql_end(stmt, r);
}

static int64_t version_of(struct cs_sqlite *s)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_DATA_VERSION);
    int64_t version = cs_sql_row(s, stmt) == 1 ? sqlite3_column_int64(stmt, 0) : 0;

    return cs_sql_end(stmt, 0), version;
}

/* Whether memory is as the disk: others may have added or moved some. Within a transaction nobody
 * does. */
static bool is_known(struct cs_sqlite *s)
{
    return s->keys.known && (s->store.writing || version_of(s) == s->keys.version);
}

static int know(struct cs_sqlite *s)
{
    int64_t version;
    int r;

    if (is_known(s))
        return 0;
    version = version_of(s); /* before it is read: what comes in between is read once more */
    cs_keys_lose(s);
    r = load(s);
    s->keys.known = r == 0;
    s->keys.version = version;
    return r;
}

/* Finding */

static int find_indexed(struct cs_sqlite *s, int64_t key, cs_key_fn fn, void *ctx)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_KEY_FIND);
    int r;

    cs_sql_int(stmt, 1, key);
    while ((r = cs_sql_row(s, stmt)) == 1) {
        r = fn(ctx, sqlite3_column_int64(stmt, 0));
        if (r != -ENOENT)
            return cs_sql_end(stmt, r);
    }
    return cs_sql_end(stmt, r ? r : -ENOENT);
}

static int find_fresh(const struct cs_keys *keys, int64_t key, cs_key_fn fn, void *ctx)
{
    for (uint32_t i = keys->buckets[bucket_of(key)]; i != NONE; i = keys->fresh[i].next) {
        int r = keys->fresh[i].key == key ? fn(ctx, keys->fresh[i].id) : -ENOENT;
        if (r != -ENOENT)
            return r;
    }
    return -ENOENT;
}

int cs_keys_find(struct cs_sqlite *s, int64_t key, cs_key_fn fn, void *ctx)
{
    int r = know(s);

    r = r ? r : find_fresh(&s->keys, key, fn, ctx);
    return r == -ENOENT ? find_indexed(s, key, fn, ctx) : r;
}

int cs_keys_find_only(struct cs_sqlite *s, int64_t key, cs_key_fn fn, void *ctx)
{
    int r = is_known(s) ? -ENOENT : find_indexed(s, key, fn, ctx);

    return r == -ENOENT ? cs_keys_find(s, key, fn, ctx) : r;
}

/* Changing */

static int change_index(struct cs_sqlite *s, enum cs_sql_name name, int64_t key, int64_t id)
{
    sqlite3_stmt *stmt = cs_sql(s, name);

    cs_sql_int(stmt, 1, key);
    cs_sql_int(stmt, 2, id);
    return cs_sql_run(s, stmt);
}

void cs_keys_begin(struct cs_sqlite *s)
{
    if (!is_known(s))
        cs_keys_lose(s);
    s->keys.n_before = s->keys.n;
    s->keys.read = false;
}

void cs_keys_add(struct cs_sqlite *s, int64_t key, int64_t id)
{
    cs_assert(s->keys.known); /* whoever adds has looked for it */
    push(&s->keys, key, id);
}

int cs_keys_delete(struct cs_sqlite *s, int64_t key, int64_t id)
{
    if (s->keys.n && id >= s->keys.fresh[0].id)
        s->keys.deleted = true;
    return change_index(s, CS_SQL_KEY_DELETE, key, id);
}

void cs_keys_rollback(struct cs_sqlite *s)
{
    if (s->keys.read) /* in this transaction, and perhaps without what it had deleted */
        cs_keys_lose(s);
    while (s->keys.n > s->keys.n_before)
        pop(&s->keys);
    s->keys.deleted = false;
}

/* Moving into the index */

static int in_order(const void *a, const void *b)
{
    const struct cs_moving_key *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void start_moving(struct cs_keys *keys)
{
    keys->moving = cs_alloc(keys->n * sizeof(*keys->moving));
    for (uint32_t i = 0; i < keys->n; i++)
        keys->moving[i] = (struct cs_moving_key){keys->fresh[i].key, keys->fresh[i].id};
    keys->n_moving = keys->n;
    keys->n_moved = 0;
    keys->moving_to = keys->fresh[keys->n - 1].id;
    qsort(keys->moving, keys->n_moving, sizeof(*keys->moving), in_order);
}

/* At most @n more. */
static int move_some(struct cs_sqlite *s, uint32_t n)
{
    struct cs_keys *keys = &s->keys;
    int r = 0;

    for (; r == 0 && n > 0 && keys->n_moved < keys->n_moving; n--, keys->n_moved++)
        r = change_index(s, CS_SQL_KEY_ADD, keys->moving[keys->n_moved].key,
                         keys->moving[keys->n_moved].id);
    return r;
}

static int set_indexed(struct cs_sqlite *s, int64_t id)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_KEY_INDEXED);

    cs_sql_int(stmt, 1, id);
    return cs_sql_run(s, stmt);
}

int cs_keys_commit(struct cs_sqlite *s)
{
    struct cs_keys *keys = &s->keys;
    uint32_t added = keys->n - keys->n_before;
    int r;

    if (added == 0)
        return 0;
    if (!keys->moving && keys->n >= keys->late)
        start_moving(keys);
    if (!keys->moving)
        return 0;
    /* twice as many as have come, so that it ends before half as many again are kept back */
    r = move_some(s, keys->late ? 2 * added : UINT32_MAX);
    if (r == 0 && keys->n_moved == keys->n_moving)
        r = set_indexed(s, keys->moving_to);
    return r;
}

void cs_keys_committed(struct cs_sqlite *s, bool durable)
{
    struct cs_keys *keys = &s->keys;

    if (!durable || keys->deleted) {
        cs_keys_lose(s);
    } else if (keys->moving && keys->n_moved == keys->n_moving) {
        drop_first(keys, keys->n_moving);
        stop_moving(keys);
    }
    keys->deleted = false;
}
