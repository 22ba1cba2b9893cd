/* Revocation lists are made when somebody asks, and kept until a revocation or the clock makes them
 * old. */
#include <errno.h>

#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "x509/list.h"
#include "x509/name.h"

enum { DAY = 86400, LIST_TTL = DAY, ROOT_LIST_TTL = 365 * DAY, BACKDATE = 60 };

struct cs_kept_list {
    struct cs_kept_list *next;
    uint32_t issuer;
    int shard;
    bool stale;
    struct cs_buf der;
    struct cs_ca_list list;
};

void cs_ca_drop_lists(struct cs_ca *ca)
{
    while (ca->lists) {
        struct cs_kept_list *kept = ca->lists;
        ca->lists = kept->next;
        cs_buf_deinit(&kept->der);
        free(kept);
    }
}

static struct cs_kept_list *find_kept(struct cs_ca *ca, uint32_t issuer, int shard)
{
    for (struct cs_kept_list *kept = ca->lists; kept; kept = kept->next) {
        if (kept->issuer == issuer && kept->shard == shard)
            return kept;
    }
    return NULL;
}

void cs_ca_tell_lists(struct cs_ca *ca, const struct cs_stored_event *event)
{
    for (struct cs_kept_list *kept = ca->lists; kept; kept = kept->next) {
        if (kept->issuer == event->issuer && (kept->shard < 0 || kept->shard == event->shard))
            kept->stale = true;
    }
}

static bool is_good(const struct cs_kept_list *kept, int64_t now_sec)
{
    const struct cs_ca_list *list = &kept->list;

    return !kept->stale && now_sec >= list->this_update &&
           now_sec - list->this_update < (list->next_update - list->this_update) / 2;
}

/* ---- made ---- */

struct entries {
    struct cs_arena arena;
    struct cs_make_revoked *items;
    size_t n, room;
};

static int add_entry(void *ctx, const struct cs_stored_revocation *revocation)
{
    struct entries *e = ctx;

    if (e->n == e->room) {
        e->room = e->room ? 2 * e->room : 64;
        e->items = realloc(e->items, e->room * sizeof(*e->items));
        cs_assert(e->items != NULL);
    }
    e->items[e->n++] =
        (struct cs_make_revoked){.serial = cs_arena_dup(&e->arena, revocation->serial),
                                 .date = revocation->at,
                                 .reason = revocation->reason};
    return 0;
}

/* The next number: never one that was used, and after a restored backup above what was. */
static int next_number(struct cs_ca *ca, int64_t now_sec, struct cs_arena *arena,
                       uint64_t *ret_number)
{
    struct cs_str text;
    uint64_t last = 0;
    int r = cs_store_meta_get(ca->store, CS_META_LIST_NUMBER, arena, &text);

    if (r < 0 && r != -ENOENT)
        return r;
    if (r == 0 && cs_str_to_u64(text, INT64_MAX, &last) < 0)
        return -EBADMSG;
    *ret_number = last >= (uint64_t)now_sec ? last + 1 : (uint64_t)now_sec;
    return cs_store_meta_put(ca->store, CS_META_LIST_NUMBER, cs_arena_u64(arena, *ret_number));
}

static int sign_list(struct cs_ca *ca, const struct cs_issuer *issuer, int shard,
                     const struct entries *entries, struct cs_arena *arena,
                     struct cs_kept_list *kept)
{
    struct cs_make_issuer by = {&issuer->cert, issuer->key};
    struct cs_crl_spec spec = {.revoked = entries->items,
                               .n_revoked = entries->n,
                               .this_update = kept->list.this_update,
                               .next_update = kept->list.next_update,
                               .number = kept->list.number};

    if (shard >= 0)
        spec.point = cs_ca_crl_url(ca->public_url, issuer->id, shard, arena);
    cs_buf_reset(&kept->der);
    return cs_make_crl(&spec, &by, &kept->der);
}

static const struct cs_requester self = {.proof = CS_PROOF_SERVICE, .actor = {"authority", 9}};

/* Who has expired stays for one life of a list more, so that one made after that still says so
 * (RFC 5280 section 3.3); of issuing CAs as long as they are in the tables (sweep.c). */
static int64_t expired_since(const struct cs_issuer *issuer, int64_t now_sec)
{
    return now_sec - (issuer->is_root ? ROOT_LIST_TTL : LIST_TTL);
}

static int make_list(struct cs_ca *ca, const struct cs_issuer *issuer, int64_t now_sec,
                     struct cs_arena *arena, struct cs_kept_list *kept)
{
    struct entries entries = {0};
    struct cs_str subject = kept->shard < 0
                                ? cs_arena_printf(arena, "%u", issuer->id)
                                : cs_arena_printf(arena, "%u/%d", issuer->id, kept->shard);
    int r = cs_ca_hear(ca);

    r = r ? r
          : cs_store_revoked_each(ca->store, issuer->id, kept->shard,
                                  expired_since(issuer, now_sec), add_entry, &entries);
    r = r ? r : next_number(ca, now_sec, arena, &kept->list.number);
    kept->list.this_update = now_sec - BACKDATE;
    kept->list.next_update = now_sec + (issuer->is_root ? ROOT_LIST_TTL : LIST_TTL);
    r = r ? r : sign_list(ca, issuer, kept->shard, &entries, arena, kept);
    r = r ? r
          : cs_ca_note(ca, "list", &self, now_sec, subject,
                       cs_arena_printf(arena, "number %llu, %zu certificates",
                                       (unsigned long long)kept->list.number, entries.n));
    free(entries.items);
    cs_arena_deinit(&entries.arena);
    return r;
}

static struct cs_str file_name(uint32_t issuer, struct cs_arena *arena)
{
    return cs_arena_printf(arena, "crl/%u.crl", issuer);
}

static int write_list(struct cs_ca *ca, const struct cs_kept_list *kept, struct cs_arena *arena)
{
    int r;

    if (kept->shard >= 0)
        return 0;
    r = cs_folder_mkdir(ca->dir, "crl");
    return r ? r
             : cs_folder_write(ca->dir, file_name(kept->issuer, arena).ptr, cs_buf_str(&kept->der),
                               0644);
}

static struct cs_kept_list *keep(struct cs_ca *ca, uint32_t issuer, int shard)
{
    struct cs_kept_list *kept = find_kept(ca, issuer, shard);

    if (kept)
        return kept;
    kept = CS_NEW(struct cs_kept_list);
    *kept =
        (struct cs_kept_list){.next = ca->lists, .issuer = issuer, .shard = shard, .stale = true};
    cs_buf_init(&kept->der, CS_FOLDER_FILE_MAX);
    ca->lists = kept;
    return kept;
}

static int renew_list(struct cs_ca *ca, struct cs_issuer *issuer, int shard, int64_t now_sec,
                      struct cs_findings *findings)
{
    uint32_t id = issuer->id; /* it is another one once others have committed */
    struct cs_kept_list *kept;
    int r = cs_ca_enter(ca);

    if (r)
        return r;
    issuer = cs_ca_find(ca, id);
    r = cs_ca_unlock(ca, issuer, findings);
    if (r)
        return cs_ca_leave(ca, r);
    kept = keep(ca, issuer->id, shard);
    r = cs_ca_leave(ca, make_list(ca, issuer, now_sec, findings->arena, kept));
    r = r ? r : write_list(ca, kept, findings->arena);
    kept->stale = r != 0;
    return r;
}

/* ---- of a key that is elsewhere ---- */

/* The last 8 bytes are all of ours. */
uint64_t cs_ca_list_number(const struct cs_crl *list)
{
    uint64_t value = 0;

    for (size_t i = 0; i < list->number.len; i++)
        value = value << 8 | (uint8_t)list->number.ptr[i];
    return value;
}

static int read_list(struct cs_ca *ca, const struct cs_issuer *issuer, struct cs_arena *arena,
                     struct cs_kept_list *kept)
{
    struct cs_crl_fault fault;
    struct cs_crl list;
    struct cs_buf der;
    int r = cs_folder_read(ca->dir, file_name(issuer->id, arena).ptr, &der);

    if (r < 0)
        return r;
    cs_buf_deinit(&kept->der);
    kept->der = der;
    if (!cs_crl_parse(cs_buf_str(&der), &list, &fault))
        return -EBADMSG;
    kept->list.this_update = list.this_update;
    kept->list.next_update = list.next_update;
    kept->list.number = cs_ca_list_number(&list);
    return 0;
}

/* ---- asked for ---- */

static int refuse(struct cs_findings *findings, uint32_t issuer, int shard)
{
    CS_FIND(findings, CS_AUTHORITY_KIND(ISSUER_UNKNOWN_HERE), NULL,
            shard < 0 ? cs_arena_printf(findings->arena, "%u", issuer)
                      : cs_arena_printf(findings->arena, "%u with part %d", issuer, shard));
    return CS_CA_REFUSED;
}

static bool has_key(const struct cs_ca *ca, const struct cs_issuer *issuer)
{
    char path[PATH_MAX];

    return issuer->key ||
           (cs_folder_path(ca->dir, issuer->key_file.ptr, path) == 0 && access(path, R_OK) == 0);
}

/* The list as it is known, or made anew. A process that only looks, and one without the key, has
 * what is in the folder. */
static int get_list(struct cs_ca *ca, struct cs_issuer *issuer, int shard, int64_t now_sec,
                    struct cs_findings *findings)
{
    struct cs_kept_list *kept;

    if (!(ca->flags & CS_CA_READ) && has_key(ca, issuer))
        return renew_list(ca, issuer, shard, now_sec, findings);
    if (shard >= 0)
        return cs_ca_unlock(ca, issuer, findings);
    kept = keep(ca, issuer->id, shard);
    return read_list(ca, issuer, findings->arena, kept);
}

int cs_ca_crl(struct cs_ca *ca, uint32_t issuer, int shard, int64_t now_sec,
              struct cs_findings *findings, struct cs_ca_list *ret_list)
{
    struct cs_issuer *by;
    struct cs_kept_list *kept;
    int r;

    cs_assert(!ca->grouped);
    r = cs_ca_refresh(ca);
    r = r ? r : cs_ca_hear(ca);
    if (r < 0)
        return r;
    by = cs_ca_find(ca, issuer);
    if (!by || shard >= ca->n_shards || (shard >= 0 && (by->is_root || ca->public_url.len == 0)))
        return refuse(findings, issuer, shard);
    kept = find_kept(ca, issuer, shard);
    if (!kept || !is_good(kept, now_sec)) {
        r = get_list(ca, by, shard, now_sec, findings);
        if (r)
            return r;
        kept = find_kept(ca, issuer, shard);
    }
    *ret_list = kept->list;
    ret_list->der = cs_buf_str(&kept->der);
    return 0;
}
