/* The CA's own papers: tokens, issuers, and small values under a name. Few rows, rewritten in
 * place. */
#include <errno.h>

#include "store/sqlite.h"

/* Tokens */

int cs_sqlite_token_add(struct cs_store *store, const struct cs_stored_token *token)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_ADD);
    int r;

    cs_sql_str(stmt, 1, cs_str_make(token->digest, sizeof(token->digest)));
    cs_sql_str(stmt, 2, token->identities);
    cs_sql_str(stmt, 3, token->profile);
    cs_sql_str(stmt, 4, token->maker);
    cs_sql_int(stmt, 5, token->made_at);
    cs_sql_int(stmt, 6, token->expires_at);
    r = cs_sql_run(s, stmt);
    return r == 0 && sqlite3_changes(s->db) == 0 ? -EEXIST : r;
}

/* The columns of CS_SQL_TOKEN. */
static void read_token(sqlite3_stmt *stmt, struct cs_stored_token *ret_token)
{
    *ret_token = (struct cs_stored_token){
        .identities = cs_sql_col_str(stmt, 1),
        .profile = cs_sql_col_str(stmt, 2),
        .maker = cs_sql_col_str(stmt, 3),
        .made_at = sqlite3_column_int64(stmt, 4),
        .expires_at = sqlite3_column_int64(stmt, 5),
        .used_at = sqlite3_column_int64(stmt, 6),
        .used_by = cs_sql_col_str(stmt, 7),
    };
    cs_sql_col_bytes(stmt, 0, ret_token->digest, sizeof(ret_token->digest));
}

int cs_sqlite_token_get(struct cs_store *store, const uint8_t digest[32], struct cs_arena *arena,
                        struct cs_stored_token *ret_token)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_GET);
    int r;

    cs_sql_str(stmt, 1, cs_str_make(digest, 32));
    r = cs_sql_row(s, stmt);
    if (r == 1) {
        read_token(stmt, ret_token);
        ret_token->identities = cs_arena_dup(arena, ret_token->identities);
        ret_token->profile = cs_arena_dup(arena, ret_token->profile);
        ret_token->maker = cs_arena_dup(arena, ret_token->maker);
        ret_token->used_by = cs_arena_dup(arena, ret_token->used_by);
    }
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

/* Return: 0 (it may be used), an answer, or a fault. */
static int judge_token(struct cs_sqlite *s, const uint8_t digest[32], int64_t now)
{
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_GET);
    struct cs_stored_token token;
    int r;

    cs_sql_str(stmt, 1, cs_str_make(digest, 32));
    r = cs_sql_row(s, stmt);
    if (r == 0)
        r = -ENOENT;
    if (r == 1) {
        read_token(stmt, &token);
        r = token.used_at ? -EALREADY : now > token.expires_at ? -ETIME : 0;
    }
    return cs_sql_end(stmt, r);
}

int cs_sqlite_token_take(struct cs_store *store, const uint8_t digest[32], int64_t now,
                         struct cs_str used_by)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_USE);
    int r = judge_token(s, digest, now);

    if (r < 0)
        return r;
    cs_sql_str(stmt, 1, cs_str_make(digest, 32));
    cs_sql_int(stmt, 2, now);
    cs_sql_str(stmt, 3, used_by);
    return cs_sql_run(s, stmt);
}

int cs_sqlite_token_each(struct cs_store *store, cs_store_token_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_TOKEN_EACH);
    struct cs_stored_token token;
    int r;

    while ((r = cs_sql_row(s, stmt)) == 1) {
        read_token(stmt, &token);
        r = fn(ctx, &token);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* Issuers */

int cs_sqlite_issuer_put(struct cs_store *store, const struct cs_stored_issuer *issuer)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_ISSUER_PUT);

    cs_sql_int(stmt, 1, issuer->id);
    cs_sql_int(stmt, 2, issuer->state);
    cs_sql_str(stmt, 3, issuer->der);
    cs_sql_str(stmt, 4, issuer->key_file);
    cs_sql_int(stmt, 5, issuer->prepared_at);
    cs_sql_int(stmt, 6, issuer->activated_at);
    cs_sql_int(stmt, 7, issuer->retired_at);
    return cs_sql_run(s, stmt);
}

int cs_sqlite_issuer_each(struct cs_store *store, cs_store_issuer_fn fn, void *ctx)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_ISSUER_EACH);
    int r;

    while ((r = cs_sql_row(s, stmt)) == 1) {
        struct cs_stored_issuer issuer = {
            .id = (uint32_t)sqlite3_column_int64(stmt, 0),
            .state = (enum cs_issuer_state)sqlite3_column_int(stmt, 1),
            .der = cs_sql_col_str(stmt, 2),
            .key_file = cs_sql_col_str(stmt, 3),
            .prepared_at = sqlite3_column_int64(stmt, 4),
            .activated_at = sqlite3_column_int64(stmt, 5),
            .retired_at = sqlite3_column_int64(stmt, 6),
        };
        r = fn(ctx, &issuer);
        if (r != 0)
            break;
    }
    return cs_sql_end(stmt, r);
}

/* Meta */

int cs_sqlite_meta_get(struct cs_store *store, struct cs_str name, struct cs_arena *arena,
                       struct cs_str *ret_value)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_META_GET);
    int r;

    cs_sql_str(stmt, 1, name);
    r = cs_sql_row(s, stmt);
    if (r == 1)
        *ret_value = cs_arena_dup(arena, cs_sql_col_str(stmt, 0));
    return cs_sql_end(stmt, r == 1 ? 0 : r == 0 ? -ENOENT : r);
}

int cs_sqlite_meta_put(struct cs_store *store, struct cs_str name, struct cs_str value)
{
    struct cs_sqlite *s = cs_sqlite_of(store);
    sqlite3_stmt *stmt = cs_sql(s, CS_SQL_META_PUT);

    cs_sql_str(stmt, 1, name);
    cs_sql_str(stmt, 2, value);
    return cs_sql_run(s, stmt);
}
