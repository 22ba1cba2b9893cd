/* Each kind is made in its own way from files read by files.c; all are found again by what names
 * them. */
#include "snapshot/material.h"

#include "base/mem.h"
#include "snapshot/download.h"
#include "tls/pair.h"
#include "tls/tickets.h"
#include "x509/crl.h"
#include "x509/trust.h"

/* ---- making ---- */

/* ssl_password_file: one per line. They borrow from the file. Return: how many. */
static size_t read_passwords(struct cs_build *build, const struct cs_word *word,
                             struct cs_str **ret_passwords)
{
    struct cs_str text, *passwords = NULL;
    size_t n = 0;

    if (!word || cs_build_read(build, word, &text) < 0)
        return 0;
    while (text.ptr) {
        struct cs_str line = cs_str_cut(&text, '\n');
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            continue;
        passwords = cs_build_grow(build, passwords, n, sizeof(*passwords));
        passwords[n++] = line;
    }
    *ret_passwords = passwords;
    return n;
}

static void *make_pair(struct cs_build *build, const struct cs_material *m)
{
    struct cs_tls_pair source = {.place = m->words[0]->place, .key_place = m->words[1]->place};
    struct cs_str *passwords = NULL;
    struct cs_pair *pair;
    int chain, key;

    if (m->is_awaited && !cs_build_is_there(build, m->words[0]))
        return NULL;
    source.n_passwords = read_passwords(build, m->n_words > 2 ? m->words[2] : NULL, &passwords);
    source.passwords = passwords;
    chain = cs_build_read(build, m->words[0], &source.chain_pem);
    key = cs_build_read_key(build, m->words[1], &source.key_pem);
    if (chain < 0 || key < 0 || cs_pair_new(&source, build->findings, &pair) < 0)
        return NULL;
    return pair;
}

void *cs_material_newest0(const struct cs_material *m)
{
    return m->fresh ? m->fresh : m->object;
}

/* The first words name CAs; the one behind them, if any, the lists. */
static void *make_trust(struct cs_build *build, const struct cs_material *m)
{
    struct cs_source *cas = cs_arena_array(build->arena, m->n_words, sizeof(*cas));
    struct cs_trust_spec spec = {.cas = cas, .n_cas = m->n_words, .n_named = m->n_named};
    struct cs_trust *trust;

    for (size_t i = 0; i < m->n_words; i++) {
        cas[i] = (struct cs_source){.file = m->words[i]->text, .place = m->words[i]->place};
        if (cs_build_read(build, m->words[i], &cas[i].bytes) < 0)
            return NULL;
    }
    if (m->lists) {
        spec.crl_place = &m->crl->place;
        spec.crls = cs_material_newest0(m->lists);
        if (!spec.crls)
            return NULL;
    }
    return cs_trust_new(&spec, build->findings, &trust) == 0 ? trust : NULL;
}

static void *make_trust_lists(struct cs_build *build, const struct cs_material *m)
{
    struct cs_trust *trust;

    if (cs_trust_new_lists(m->object, cs_material_newest0(m->lists), &m->crl->place,
                           build->findings, &trust))
        return NULL;
    return trust;
}

static void *make_ticket_keys(struct cs_build *build, const struct cs_material *m)
{
    struct cs_str *files = cs_arena_array(build->arena, m->n_words, sizeof(*files));
    struct cs_ticket_keys *keys;

    for (size_t i = 0; i < m->n_words; i++) {
        if (cs_build_read(build, m->words[i], &files[i]) < 0)
            return NULL;
    }
    if (cs_ticket_keys_new_files(files, m->n_words, &m->words[0]->place, build->findings, &keys))
        return NULL;
    return keys;
}

static void *make_bytes(struct cs_build *build, const struct cs_material *m)
{
    struct cs_str text;
    struct cs_buf *bytes;

    if (m->is_awaited && !cs_build_is_there(build, m->words[0]))
        return NULL;
    if (cs_build_read(build, m->words[0], &text) < 0)
        return NULL;
    bytes = CS_NEW(struct cs_buf);
    cs_buf_init(bytes, text.len);
    cs_assert(cs_buf_add_str(bytes, text) == 0);
    return bytes;
}

void *cs_material_make(struct cs_build *build, struct cs_material *m, bool lists_only)
{
    switch (m->kind) {
    case CS_MATERIAL_PAIR: return make_pair(build, m);
    case CS_MATERIAL_LISTS: return cs_material_make_lists(build, m);
    case CS_MATERIAL_TRUST: return lists_only ? make_trust_lists(build, m) : make_trust(build, m);
    case CS_MATERIAL_TICKET_KEYS: return make_ticket_keys(build, m);
    case CS_MATERIAL_BYTES: return make_bytes(build, m);
    }
    return NULL;
}

static bool same_names(const struct cs_trust *a, const struct cs_trust *b)
{
    struct cs_names x = cs_trust_names(a), y = cs_trust_names(b);
    bool same = x.n == y.n;

    for (size_t i = 0; i < x.n && same; i++)
        same = cs_str_eq(x.items[i], y.items[i]);
    return same;
}

bool cs_material_eq(enum cs_material_kind kind, const void *a, const void *b)
{
    switch (kind) {
    case CS_MATERIAL_PAIR: return memcmp(cs_pair_digest(a), cs_pair_digest(b), 32) == 0;
    case CS_MATERIAL_LISTS: return memcmp(cs_crl_lists_digest(a), cs_crl_lists_digest(b), 32) == 0;
    case CS_MATERIAL_TRUST:
        return memcmp(cs_trust_digest(a), cs_trust_digest(b), 32) == 0 && same_names(a, b);
    case CS_MATERIAL_TICKET_KEYS: return cs_ticket_keys_eq(a, b);
    case CS_MATERIAL_BYTES: return cs_str_eq(cs_buf_str(a), cs_buf_str(b));
    }
    return false;
}

void cs_material_release(enum cs_material_kind kind, void *object)
{
    if (!object)
        return;
    switch (kind) {
    case CS_MATERIAL_PAIR: cs_pair_unref(object); break;
    case CS_MATERIAL_LISTS: cs_crl_lists_free(object); break;
    case CS_MATERIAL_TRUST: cs_trust_unref(object); break;
    case CS_MATERIAL_TICKET_KEYS: cs_ticket_keys_unref(object); break;
    case CS_MATERIAL_BYTES:
        cs_buf_deinit(object);
        free(object);
        break;
    }
}

/* ---- finding ---- */

static void add_user(struct cs_build *build, struct cs_material *m)
{
    struct cs_material_user *user;

    if (build->renewing)
        return; /* they are known */
    if (m->users && m->users->server == build->server && m->users->upstream == build->upstream)
        return;
    user = CS_ARENA_NEW(build->arena, struct cs_material_user);
    *user = (struct cs_material_user){build->server, build->upstream, m->users};
    m->users = user;
}

static struct cs_material *add(struct cs_build *build, enum cs_material_kind kind,
                               const struct cs_word *const *words, size_t n_words,
                               struct cs_str key)
{
    struct cs_keyring *keyring = build->snapshot->keyring;
    struct cs_material *m = CS_ARENA_NEW(build->arena, struct cs_material);

    cs_assert(!build->renewing); /* all that a configuration names was found when it was loaded */
    m->kind = kind;
    m->index = keyring->n_materials;
    m->n_words = n_words;
    m->words = cs_arena_array(build->arena, n_words, sizeof(*m->words));
    m->files = cs_arena_array(build->arena, n_words, sizeof(*m->files));
    for (size_t i = 0; i < n_words; i++) {
        m->words[i] = words[i];
        m->files[i] = cs_build_file(build, words[i]);
    }
    keyring->materials =
        cs_build_grow(build, keyring->materials, m->index, sizeof(*keyring->materials));
    keyring->materials[keyring->n_materials++] = m;
    cs_map_set(&keyring->materials_by_key, key, m);
    return m;
}

/* What tells @spec from others: the words as they are written. */
static struct cs_str key_of(struct cs_build *build, enum cs_material_kind kind, size_t n_named,
                            const struct cs_word *const *words, size_t n_words)
{
    struct cs_buf key;
    struct cs_str copy;

    cs_buf_init(&key, 1 << 20);
    cs_buf_addf(&key, "%d %zu", (int)kind, n_named);
    for (size_t i = 0; i < n_words; i++) {
        cs_buf_add_char(&key, '\n');
        cs_buf_add_str(&key, words[i] ? words[i]->text : CS_STR(""));
    }
    copy = cs_arena_dup(build->arena, cs_buf_str(&key));
    cs_buf_deinit(&key);
    return copy;
}

static struct cs_material *find(struct cs_build *build, struct cs_str key)
{
    return cs_map_get(&build->snapshot->keyring->materials_by_key, key);
}

/* The word for a folder has no slash at the end, so that it leads where events of it show. */
static const struct cs_word *folder_word(struct cs_build *build, const struct cs_word *word)
{
    struct cs_word *copy = CS_ARENA_NEW(build->arena, struct cs_word);

    *copy = *word;
    while (copy->text.len > 1 && cs_str_ends(copy->text, CS_STR("/")))
        copy->text.len--;
    return copy;
}

static struct cs_material *lists_of(struct cs_build *build, const struct cs_block *block,
                                    const struct cs_directive *d)
{
    const struct cs_word **words = cs_arena_array(build->arena, d->n_args, sizeof(*words));
    bool *is_folder = cs_arena_array(build->arena, d->n_args, sizeof(*is_folder));
    bool *is_fetched = cs_arena_array(build->arena, d->n_args, sizeof(*is_fetched));
    struct cs_material *m;
    struct cs_str key;

    for (size_t i = 0; i < d->n_args; i++)
        words[i] = &d->args[i];
    key = key_of(build, CS_MATERIAL_LISTS, 0, words, d->n_args);
    m = find(build, key);
    if (!m) {
        for (size_t i = 0; i < d->n_args; i++) {
            is_fetched[i] = cs_download_is_url(words[i]->text);
            if (is_fetched[i])
                words[i] = cs_build_download(build, block, words[i]);
            else
                is_folder[i] = cs_build_is_folder(build, words[i]);
            if (is_folder[i])
                words[i] = folder_word(build, words[i]);
        }
        m = add(build, CS_MATERIAL_LISTS, words, d->n_args, key);
        m->is_folder = is_folder;
        m->is_fetched = is_fetched;
        m->object = cs_material_make(build, m, false);
    }
    return m;
}

const struct cs_material *cs_material_of(struct cs_build *build,
                                         const struct cs_material_spec *spec)
{
    size_t n_crls = spec->crl ? spec->crl->n_args : 0, n = 0;
    const struct cs_word **all = cs_arena_array(build->arena, 3 + n_crls, sizeof(*all));
    const struct cs_word *words[3];
    struct cs_material *m;
    struct cs_str key;

    memcpy(all, spec->words, sizeof(spec->words));
    for (size_t i = 0; i < n_crls; i++)
        all[3 + i] = &spec->crl->args[i];
    key = key_of(build, spec->kind, spec->n_named, all, 3 + n_crls);
    m = find(build, key);

    for (size_t i = 0; i < 3; i++) {
        if (spec->words[i])
            words[n++] = spec->words[i];
    }
    if (!m) {
        m = add(build, spec->kind, words, n, key);
        m->n_named = spec->n_named;
        m->is_awaited = spec->is_awaited;
        m->crl = spec->crl ? &spec->crl->args[0] : NULL;
        m->lists = spec->crl ? lists_of(build, spec->block, spec->crl) : NULL;
        m->object = cs_material_make(build, m, false);
    }
    add_user(build, m);
    if (m->lists)
        add_user(build, m->lists);
    return m;
}

void *cs_material_get0(struct cs_build *build, const struct cs_material_spec *spec)
{
    return cs_material_newest0(cs_material_of(build, spec));
}

void *cs_material_list0(struct cs_build *build, enum cs_material_kind kind,
                        const struct cs_directive_list *directives)
{
    const struct cs_word **words = cs_arena_array(build->arena, directives->n, sizeof(*words));
    struct cs_material *m;
    struct cs_str key;

    for (size_t i = 0; i < directives->n; i++)
        words[i] = &directives->items[i]->args[0];
    key = key_of(build, kind, 0, words, directives->n);
    m = find(build, key);
    if (!m) {
        m = add(build, kind, words, directives->n, key);
        m->object = cs_material_make(build, m, false);
    }
    add_user(build, m);
    return cs_material_newest0(m);
}
