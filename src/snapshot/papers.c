/* Material by material: what it is made of says where it comes from, its users say what for. */
#include "snapshot/papers.h"

#include "base/time.h"
#include "snapshot/material.h"
#include "tls/pair.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/trust.h"

enum { USERS_SHOWN = 20 };

struct listing {
    const struct cs_snapshot *snapshot;
    struct cs_arena *arena;
    struct cs_paper *items;
    size_t n, room;
};

/* ---- whom it is for ---- */

static bool has_word(struct cs_str list, struct cs_str word)
{
    while (list.len) {
        if (cs_str_eq(cs_str_trim(cs_str_cut(&list, ',')), word))
            return true;
    }
    return false;
}

/* A server without a name is known by its place. */
static struct cs_str name_of(struct listing *l, const struct cs_material_user *user)
{
    const struct cs_directive *pass;

    if (user->server && user->server->name.len)
        return user->server->name;
    if (user->server)
        return cs_arena_printf(l->arena, "the server at %.*s:%u", CS_FMT(user->server->place.file),
                               user->server->place.line);
    pass = cs_block_nearest(user->upstream->block, "proxy_pass");
    return pass ? pass->args[0].text : CS_STR("an upstream");
}

/* The last one comes first in the material. */
static struct cs_str users_of(struct listing *l, const struct cs_material *m)
{
    struct cs_str list = {0};
    size_t n = 0;

    for (const struct cs_material_user *user = m->users; user; user = user->next) {
        struct cs_str name = name_of(l, user);
        if (has_word(list, name) || n++ >= USERS_SHOWN)
            continue;
        list =
            list.len ? cs_arena_printf(l->arena, "%.*s, %.*s", CS_FMT(name), CS_FMT(list)) : name;
    }
    if (n > USERS_SHOWN)
        list = cs_arena_printf(l->arena, "%.*s and %zu more", CS_FMT(list), n - USERS_SHOWN);
    return list;
}

/* ---- the listing ---- */

static void grow(struct listing *l)
{
    size_t room = l->room ? 2 * l->room : 16;
    struct cs_paper *grown = cs_arena_array(l->arena, room, sizeof(*grown));

    if (l->n)
        memcpy(grown, l->items, l->n * sizeof(*grown));
    l->items = grown;
    l->room = room;
}

/* What is true of all papers of @m, which are in the first @n_shown of its files. */
static struct cs_paper frame_of(struct listing *l, const struct cs_material *m, size_t n_shown)
{
    struct cs_paper paper = {.place = m->words[0]->place, .used_by = users_of(l, m)};

    for (size_t i = 0; i < m->n_words; i++) {
        const struct cs_credential_file *file = l->snapshot->keyring->files[m->files[i]];
        struct cs_file_mark now = cs_file_mark(file->path.ptr);
        int64_t modified_sec = file->mark.modified_ns / 1000000000;
        if (i < n_shown)
            paper.file =
                i ? cs_arena_printf(l->arena, "%.*s, %.*s", CS_FMT(paper.file), CS_FMT(file->path))
                  : file->path;
        paper.differs |= !cs_file_mark_eq(&now, &file->mark);
        if (modified_sec > paper.modified_sec)
            paper.modified_sec = modified_sec;
    }
    return paper;
}

static struct cs_paper *add(struct listing *l, const struct cs_paper *frame)
{
    if (l->n == l->room)
        grow(l);
    l->items[l->n] = *frame;
    return &l->items[l->n++];
}

static void set_cert(struct cs_paper *paper, enum cs_paper_kind kind, const struct cs_cert *cert)
{
    paper->kind = kind;
    paper->cert = *cert;
    paper->from = cert->not_before;
    paper->until = cert->not_after;
}

/* ---- each kind ---- */

static void list_pair(struct listing *l, const struct cs_material *m)
{
    struct cs_paper frame = frame_of(l, m, 1);
    bool server = !m->users || m->users->server;
    struct cs_findings ignored;
    const struct cs_str *ders;
    size_t n;

    ders = cs_pair_chain0(m->object, &n);
    cs_findings_init(&ignored, l->arena);
    for (size_t i = 0; i < n; i++) {
        struct cs_cert cert;
        if (cs_cert_parse(ders[i], l->arena, &ignored, &cert) != 0)
            continue; /* the library reads what we would not send: shown it is, all the same */
        frame.issuing = i > 0;
        set_cert(add(l, &frame), server ? CS_PAPER_SERVER : CS_PAPER_CLIENT, &cert);
    }
}

static void list_trust(struct listing *l, const struct cs_material *m)
{
    struct cs_paper frame;
    const struct cs_cert *certs;
    size_t n;

    if (!m->n_words)
        return; /* optional_no_ca trusts nobody */
    frame = frame_of(l, m, m->n_words);
    certs = cs_trust_certs(m->object, &n);
    for (size_t i = 0; i < n; i++)
        set_cert(add(l, &frame), CS_PAPER_CA, &certs[i]);
}

static void list_lists(struct listing *l, const struct cs_material *m)
{
    struct cs_paper frame = frame_of(l, m, 1);
    struct cs_crl_facts facts;

    for (size_t at = 0; cs_crl_lists_next(m->object, &at, &facts);) {
        struct cs_paper *paper = add(l, &frame);
        paper->kind = CS_PAPER_LIST;
        paper->issuer = facts.issuer;
        if (facts.file.len && m->n_words + m->is_folder[0] > 1)
            paper->file = facts.file;
        paper->from = facts.this_update;
        paper->until = facts.next_update;
        paper->n_entries = facts.n_entries;
    }
}

size_t cs_papers_list(const struct cs_snapshot *snapshot, struct cs_arena *arena,
                      const struct cs_paper **ret_papers)
{
    struct listing l = {.snapshot = snapshot, .arena = arena};

    for (size_t i = 0; i < snapshot->keyring->n_materials; i++) {
        const struct cs_material *m = snapshot->keyring->materials[i];
        if (!m->object)
            continue; /* awaited */
        switch (m->kind) {
        case CS_MATERIAL_PAIR: list_pair(&l, m); break;
        case CS_MATERIAL_TRUST: list_trust(&l, m); break;
        case CS_MATERIAL_LISTS: list_lists(&l, m); break;
        default: break;
        }
    }
    *ret_papers = l.items;
    return l.n;
}

/* ---- one of them ---- */

const char *cs_paper_kind_name(enum cs_paper_kind kind)
{
    switch (kind) {
    case CS_PAPER_SERVER: return "server";
    case CS_PAPER_CLIENT: return "client";
    case CS_PAPER_CA: return "ca";
    case CS_PAPER_LIST: break;
    }
    return "list";
}

struct cs_str cs_paper_name(const struct cs_paper *paper, struct cs_arena *arena)
{
    return cs_name_text(paper->kind == CS_PAPER_LIST ? paper->issuer : paper->cert.subject, arena);
}

void cs_paper_find_end(const struct cs_paper *paper, int64_t now_sec, struct cs_findings *findings)
{
    struct cs_arena *arena = findings->arena;
    bool over = paper->until <= now_sec, list = paper->kind == CS_PAPER_LIST;
    char end[CS_TIME_TEXT], span[CS_TIME_TEXT];
    struct cs_str left = cs_time_span(paper->until - now_sec, span);
    struct cs_str when =
        cs_arena_printf(arena, "%.*s, %s%.*s%s", CS_FMT(cs_time_iso(paper->until, end)),
                        over ? "" : "in ", CS_FMT(left), over ? " ago" : "");

    if (list)
        CS_FIND(findings, over ? &cs_finding_lint_crl_expired : &cs_finding_lint_crl_expires,
                &paper->place, cs_paper_name(paper, arena), when);
    else
        CS_FIND(findings, over ? &cs_finding_lint_expired : &cs_finding_lint_expires, &paper->place,
                paper->file, when, cs_paper_name(paper, arena));
}
