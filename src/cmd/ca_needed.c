/* ca rotate ... needed: who would be locked out. Beside each stands what else the same name has
 * from the CA that signs now: whether that is the same holder is for somebody to say who knows
 * them. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"
#include "cmd/ca.h"
#include "explain/text.h"

struct row {
    struct cs_str serial, identity, profile, requester;
    int64_t issued_at, not_after;
    uint32_t issuer;
    struct cs_str newer; /* serial number; empty: there is none */
    int64_t newer_at;
};

struct rows {
    struct cs_arena *arena;
    struct row *items;
    size_t n, room;
};

static int keep(void *ctx, const struct cs_stored_cert *cert)
{
    struct rows *rows = ctx;

    if (rows->n == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 64;
        rows->items = reallocarray(rows->items, rows->room, sizeof(*rows->items));
        cs_assert(rows->items != NULL);
    }
    rows->items[rows->n++] = (struct row){.serial = cs_ca_serial_text(cert->serial, rows->arena),
                                          .identity = cs_arena_dup(rows->arena, cert->identity),
                                          .profile = cs_arena_dup(rows->arena, cert->profile),
                                          .requester = cs_arena_dup(rows->arena, cert->requester),
                                          .issued_at = cert->issued_at,
                                          .not_after = cert->not_after,
                                          .issuer = cert->issuer};
    return 0;
}

/* ---- what else they have ---- */

static int compare(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    int order = cs_str_cmp(a->identity, b->identity);

    return order ? order : cs_str_cmp(a->profile, b->profile);
}

static int note_newer(void *ctx, const struct cs_stored_cert *cert)
{
    struct rows *rows = ctx;
    const struct row wanted = {.identity = cert->identity, .profile = cert->profile};
    struct row *row = bsearch(&wanted, rows->items, rows->n, sizeof(wanted), compare);
    struct cs_str serial;

    if (!row || cert->revoked_at)
        return 0;
    serial = cs_ca_serial_text(cert->serial, rows->arena);
    while (row > rows->items && compare(row - 1, &wanted) == 0)
        row--;
    for (; row < rows->items + rows->n && compare(row, &wanted) == 0; row++) {
        row->newer = serial;
        row->newer_at = cert->issued_at;
    }
    return 0;
}

static int find_newer(struct cs_ca_job *job, struct rows *rows)
{
    const struct cs_issuer *signs = cs_ca_signing(job->ca, false);
    struct cs_store_query query = {.issuer = signs ? signs->id : 0, .expiring_from = job->now_sec};

    if (!rows->n || !signs)
        return 0;
    qsort(rows->items, rows->n, sizeof(*rows->items), compare);
    return cs_store_cert_each(cs_ca_get0_store(job->ca), &query, note_newer, rows);
}

/* ---- told ---- */

static void put_json(struct cs_ca_job *job, const struct row *row)
{
    struct cs_sheet *sheet = &job->sheet;

    cs_sheet_open(sheet, NULL);
    cs_sheet_text(sheet, NULL, "serial", row->serial);
    cs_sheet_text(sheet, NULL, "identity", row->identity);
    cs_sheet_text(sheet, NULL, "profile", row->profile);
    cs_sheet_number(sheet, NULL, "issuer", row->issuer);
    cs_sheet_text(sheet, NULL, "requester", row->requester);
    cs_sheet_text(sheet, NULL, "issued_at", cs_ca_time(job, row->issued_at));
    cs_sheet_text(sheet, NULL, "not_after", cs_ca_time(job, row->not_after));
    cs_sheet_text(sheet, NULL, "newer_serial", row->newer);
    cs_sheet_text(sheet, NULL, "newer_at", cs_ca_time(job, row->newer_at));
    cs_sheet_close(sheet);
}

static void put_line(struct cs_ca_job *job, const struct row *row)
{
    struct cs_str newer = row->newer_at ? cs_ca_time(job, row->newer_at) : CS_STR("-");

    cs_sheet_line(&job->sheet,
                  cs_arena_printf(&job->arena, "%-32.*s  %.*s  %-20.*s  %-8.*s  %.*s",
                                  CS_FMT(row->serial), CS_FMT(cs_ca_time(job, row->not_after)),
                                  CS_FMT(newer), CS_FMT(row->profile),
                                  CS_FMT(cs_explain_bytes(&job->arena, row->identity))),
                  false);
}

static void tell(struct cs_ca_job *job, const struct rows *rows)
{
    cs_sheet_open(&job->sheet, NULL);
    cs_sheet_line(&job->sheet,
                  rows->n ? cs_arena_printf(&job->arena, "%-32s  %-20s  %-20s  %-8s  %s", "SERIAL",
                                            "UNTIL", "ANOTHER SINCE", "PROFILE", "IDENTITY")
                          : CS_STR("nobody needs it any more"),
                  true);
    cs_sheet_open_list(&job->sheet, "needed");
    for (size_t i = 0; i < rows->n && !job->sheet.full; i++) {
        if (job->json)
            put_json(job, &rows->items[i]);
        else
            put_line(job, &rows->items[i]);
    }
    cs_sheet_close_list(&job->sheet);
    cs_sheet_close(&job->sheet);
}

int cs_ca_job_needed(struct cs_ca_job *job, bool root)
{
    struct rows rows = {.arena = &job->arena};
    int status = cs_ca_job_open(job, CS_CA_READ), r;

    if (status)
        return status;
    r = cs_ca_needed(job->ca, root, job->now_sec, keep, &rows, &job->findings);
    r = r ? r : find_newer(job, &rows);
    if (r == 0)
        tell(job, &rows);
    free(rows.items);
    return cs_ca_job_status(job, r);
}
