/* The front of every engine: which values are taken, and what a fault does to a transaction. A
 * fault stays until the transaction's end, so that a caller who overlooks one cannot commit the
 * rest. */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "store/engine.h"

/* Answers that change nothing. Everything else below 0 is a fault. */
static bool is_answer(int r)
{
    return r == -ENOENT || r == -EEXIST || r == -EALREADY || r == -ETIME || r == -EINVAL;
}

int cs_store_says(struct cs_store *store, int fault, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(store->error, sizeof(store->error), fmt, ap);
    va_end(ap);
    return fault;
}

int cs_store_settle(struct cs_store *store, int r)
{
    if (r < 0 && !is_answer(r) && store->fault == 0)
        store->fault = r;
    return r;
}

int cs_store_may_change(struct cs_store *store)
{
    cs_assert(store->writing);
    return store->fault;
}

/* Values */

static bool text_fits(struct cs_str text)
{
    return text.len <= CS_STORE_TEXT_MAX;
}

static bool serial_fits(struct cs_str serial)
{
    return serial.len > 0 && serial.len <= CS_STORE_SERIAL_MAX;
}

static bool der_fits(struct cs_str der)
{
    return der.len > 0 && der.len <= CS_STORE_DER_MAX;
}

/* Return: 0, or -EINVAL, in words. */
static int check(struct cs_store *store, bool fits, const char *what)
{
    if (fits)
        return 0;
    return cs_store_says(store, -EINVAL, "%s", what);
}

static int check_cert(struct cs_store *store, const struct cs_stored_cert *cert)
{
    int r = check(store, serial_fits(cert->serial), "a serial number has 1 to 20 bytes");

    r = r ? r : check(store, der_fits(cert->der), "a certificate has 1 to 65536 bytes");
    r = r ? r : check(store, cert->issuer > 0, "issuers are counted from 1");
    return r ? r
             : check(store,
                     text_fits(cert->identity) && text_fits(cert->profile) &&
                         text_fits(cert->requester),
                     "identity, profile or requester is longer than 8192 bytes");
}

/* Life and transactions */

int cs_store_open(const char *path, unsigned flags, char error[CS_STORE_ERROR_MAX],
                  struct cs_store **ret_store)
{
    char words[CS_STORE_ERROR_MAX] = "";
    int r = cs_sqlite_open(path, flags, words, ret_store);

    if (r < 0 && error)
        memcpy(error, words, sizeof(words));
    return r;
}

void cs_store_close(struct cs_store *store)
{
    if (!store)
        return;
    if (store->writing)
        cs_store_rollback(store);
    cs_wipe(store->audit_key, sizeof(store->audit_key));
    store->engine->close(store);
}

const char *cs_store_error(const struct cs_store *store)
{
    return store->error;
}

void cs_store_set_wait(struct cs_store *store, unsigned wait_ms)
{
    store->engine->set_wait(store, wait_ms);
}

int cs_store_begin(struct cs_store *store)
{
    int r;

    cs_assert(!store->writing);
    if (store->read_only)
        return cs_store_says(store, -EROFS, "the store was opened for reading only");
    r = store->engine->begin(store);
    if (r < 0)
        return r;
    store->writing = true;
    store->fault = 0;
    store->head_known = store->head_moved = false;
    return 0;
}

int cs_store_commit(struct cs_store *store)
{
    int r = cs_store_may_change(store);

    if (r == 0 && store->head_moved)
        r = cs_audit_flush(store);
    if (r < 0) {
        cs_store_rollback(store);
        return r;
    }
    store->writing = false;
    return store->engine->commit(store);
}

void cs_store_rollback(struct cs_store *store)
{
    cs_assert(store->writing);
    store->writing = false;
    store->engine->rollback(store);
}

bool cs_store_changed(struct cs_store *store)
{
    return store->engine->changed(store);
}

/* Certificates and revocations */

int cs_store_cert_add(struct cs_store *store, const struct cs_stored_cert *cert)
{
    int r = cs_store_may_change(store);

    r = r ? r : check_cert(store, cert);
    return r ? r : cs_store_settle(store, store->engine->cert_add(store, cert));
}

int cs_store_cert_get(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                      struct cs_stored_cert *ret_cert)
{
    if (!serial_fits(serial))
        return -ENOENT;
    return store->engine->cert_get(store, serial, arena, ret_cert);
}

int cs_store_cert_current(struct cs_store *store, struct cs_str serial, struct cs_arena *arena,
                          struct cs_stored_cert *ret_cert)
{
    if (!serial_fits(serial))
        return -ENOENT;
    return store->engine->cert_current(store, serial, arena, ret_cert);
}

int cs_store_cert_by_request(struct cs_store *store, const uint8_t request[32], int64_t since,
                             struct cs_arena *arena, struct cs_stored_cert *ret_cert)
{
    return store->engine->cert_by_request(store, request, since, arena, ret_cert);
}

int cs_store_cert_each(struct cs_store *store, const struct cs_store_query *query,
                       cs_store_cert_fn fn, void *ctx)
{
    return store->engine->cert_each(store, query, fn, ctx);
}

int cs_store_revoke(struct cs_store *store, struct cs_str serial, int64_t at, unsigned reason,
                    uint64_t *ret_seq)
{
    int r = cs_store_may_change(store);

    if (r == 0 && !serial_fits(serial))
        r = -ENOENT;
    return r ? r
             : cs_store_settle(store, store->engine->revoke(store, serial, at, reason, ret_seq));
}

int cs_store_key_add(struct cs_store *store, const uint8_t spki[32], int64_t at)
{
    int r = cs_store_may_change(store);

    return r ? r : cs_store_settle(store, store->engine->key_add(store, spki, at));
}

int cs_store_key_get(struct cs_store *store, const uint8_t spki[32], int64_t *ret_at)
{
    return store->engine->key_get(store, spki, ret_at);
}

int cs_store_key_each(struct cs_store *store, cs_store_key_fn fn, void *ctx)
{
    return store->engine->key_each(store, fn, ctx);
}

int cs_store_revoked_each(struct cs_store *store, uint32_t issuer, int shard, int64_t now,
                          cs_store_revocation_fn fn, void *ctx)
{
    return store->engine->revoked_each(store, issuer, shard, now, fn, ctx);
}

/* Tokens and issuers */

int cs_store_token_add(struct cs_store *store, const struct cs_stored_token *token)
{
    int r = cs_store_may_change(store);

    r = r ? r
          : check(store,
                  text_fits(token->identities) && text_fits(token->profile) &&
                      text_fits(token->maker),
                  "identities, profile or maker is longer than 8192 bytes");
    return r ? r : cs_store_settle(store, store->engine->token_add(store, token));
}

int cs_store_token_get(struct cs_store *store, const uint8_t digest[32], struct cs_arena *arena,
                       struct cs_stored_token *ret_token)
{
    return store->engine->token_get(store, digest, arena, ret_token);
}

int cs_store_token_take(struct cs_store *store, const uint8_t digest[32], int64_t now,
                        struct cs_str used_by)
{
    int r = cs_store_may_change(store);

    r = r ? r : check(store, text_fits(used_by), "who uses a token is longer than 8192 bytes");
    return r ? r : cs_store_settle(store, store->engine->token_take(store, digest, now, used_by));
}

int cs_store_token_each(struct cs_store *store, cs_store_token_fn fn, void *ctx)
{
    return store->engine->token_each(store, fn, ctx);
}

int cs_store_issuer_put(struct cs_store *store, const struct cs_stored_issuer *issuer)
{
    int r = cs_store_may_change(store);

    r = r ? r : check(store, issuer->id > 0, "issuers are counted from 1");
    r = r ? r : check(store, der_fits(issuer->der), "a certificate has 1 to 65536 bytes");
    r = r ? r
          : check(store, text_fits(issuer->key_file),
                  "the name of a key is longer than 8192 bytes");
    return r ? r : cs_store_settle(store, store->engine->issuer_put(store, issuer));
}

int cs_store_issuer_each(struct cs_store *store, cs_store_issuer_fn fn, void *ctx)
{
    return store->engine->issuer_each(store, fn, ctx);
}

/* Events and meta */

int cs_store_event_add(struct cs_store *store, const struct cs_stored_event *event,
                       uint64_t *ret_seq)
{
    int r = cs_store_may_change(store);

    r = r ? r
          : check(store, event->serial.len <= CS_STORE_SERIAL_MAX,
                  "a serial number has 1 to 20 bytes");
    return r ? r : cs_store_settle(store, store->engine->event_add(store, event, ret_seq));
}

int cs_store_event_skip(struct cs_store *store, uint64_t seq)
{
    int r = cs_store_may_change(store);

    return r ? r : cs_store_settle(store, store->engine->event_skip(store, seq));
}

int cs_store_event_each(struct cs_store *store, uint64_t since, uint64_t limit,
                        cs_store_event_fn fn, void *ctx)
{
    return store->engine->event_each(store, since, limit, fn, ctx);
}

int cs_store_event_bounds(struct cs_store *store, uint64_t *ret_gone, uint64_t *ret_last)
{
    return store->engine->event_bounds(store, ret_gone, ret_last);
}

int cs_store_meta_get(struct cs_store *store, struct cs_str name, struct cs_arena *arena,
                      struct cs_str *ret_value)
{
    return store->engine->meta_get(store, name, arena, ret_value);
}

int cs_store_meta_put(struct cs_store *store, struct cs_str name, struct cs_str value)
{
    int r = cs_store_may_change(store);

    r = r ? r : check(store, text_fits(name), "a name is longer than 8192 bytes");
    r = r ? r
          : check(store, value.len <= CS_STORE_VALUE_MAX, "a value is longer than 1048576 bytes");
    return r ? r : cs_store_settle(store, store->engine->meta_put(store, name, value));
}

/* Keeping it small, and safe */

int cs_store_sweep(struct cs_store *store, const struct cs_store_sweep *sweep, uint32_t *ret_n)
{
    cs_assert(!store->writing);
    return store->engine->sweep(store, sweep, ret_n);
}

int cs_store_tidy(struct cs_store *store)
{
    cs_assert(!store->writing);
    return store->engine->tidy(store);
}

int cs_store_backup(struct cs_store *store, const char *path)
{
    cs_assert(!store->writing);
    return store->engine->backup(store, path);
}
