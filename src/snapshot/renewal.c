/* A renewal is a build with a snapshot that exists: material is found, not added, and what is made
 * anew lies beside what is in force until it takes its place. */
#include "snapshot/renewal.h"

#include <errno.h>

#include "base/mem.h"
#include "base/time.h"
#include "snapshot/material.h"
#include "tls/pair.h"
#include "x509/cert.h"
#include "x509/crl.h"
#include "x509/trust.h"

struct made_server {
    size_t index;
    struct cs_credentials *credentials;
};

struct made_upstream {
    size_t index;
    struct cs_upstream_tls *tls;
};

struct cs_renewal {
    struct cs_arena arena;
    struct cs_snapshot_options options;
    struct cs_build build;
    struct cs_renewal_step *steps;
    size_t n_steps;
    struct made_server *servers;
    size_t n_servers;
    struct made_upstream *upstreams;
    size_t n_upstreams;
};

struct cs_renewal *cs_renewal_new(struct cs_snapshot *snapshot,
                                  const struct cs_config_reader *reader, int64_t now_sec)
{
    struct cs_renewal *renewal = CS_NEW(struct cs_renewal);

    renewal->options = (struct cs_snapshot_options){
        .prefix = snapshot->prefix, .now_sec = now_sec, .reader = reader};
    renewal->build = (struct cs_build){.options = &renewal->options,
                                       .snapshot = snapshot,
                                       .arena = &renewal->arena,
                                       .renewing = true};
    renewal->steps =
        cs_arena_array(&renewal->arena, snapshot->keyring->n_materials, sizeof(*renewal->steps));
    return renewal;
}

static struct cs_keyring *keyring_of(const struct cs_renewal *renewal)
{
    return renewal->build.snapshot->keyring;
}

static struct cs_material *material_of(const struct cs_renewal *renewal, size_t i)
{
    return keyring_of(renewal)->materials[renewal->steps[i].material];
}

struct cs_renewal *cs_renewal_free(struct cs_renewal *renewal)
{
    if (!renewal)
        return NULL;
    for (size_t i = 0; i < renewal->n_steps; i++) {
        struct cs_material *m = material_of(renewal, i);
        cs_material_release(m->kind, cs_take(m->fresh));
    }
    for (size_t i = 0; i < renewal->n_servers; i++)
        cs_credentials_unref(renewal->servers[i].credentials);
    for (size_t i = 0; i < renewal->n_upstreams; i++)
        cs_upstream_tls_unref(renewal->upstreams[i].tls);
    cs_build_free_clients(&renewal->build);
    cs_build_wipe_files(&renewal->build);
    cs_arena_deinit(&renewal->arena);
    free(renewal);
    return NULL;
}

/* @fresh takes the place of what is in force, unless it is the same. */
static int put(struct cs_renewal *renewal, struct cs_renewal_step step, void *fresh)
{
    struct cs_material *m = keyring_of(renewal)->materials[step.material];

    if (m->object && cs_material_eq(m->kind, m->object, fresh)) {
        cs_material_release(m->kind, fresh);
        return CS_RENEWAL_SAME;
    }
    m->fresh = fresh;
    renewal->steps[renewal->n_steps++] = step;
    return 0;
}

int cs_renewal_take(struct cs_renewal *renewal, struct cs_renewal_step step,
                    struct cs_findings *findings)
{
    void *fresh;

    renewal->build.findings = findings;
    fresh = cs_material_make(&renewal->build, keyring_of(renewal)->materials[step.material],
                             step.lists_only);
    return fresh ? put(renewal, step, fresh) : -EINVAL;
}

int cs_renewal_take_lists(struct cs_renewal *renewal, size_t material, struct cs_str block)
{
    struct cs_material *m = keyring_of(renewal)->materials[material];
    struct cs_source source = {.file = m->words[0]->text, .place = m->words[0]->place};
    struct cs_crl_lists *lists;
    int r;

    if (m->kind != CS_MATERIAL_LISTS)
        return -EBADMSG;
    r = m->fresh ? cs_crl_lists_move(m->fresh, block, &lists)
                 : cs_crl_lists_open(block, &source, &lists);
    if (r < 0)
        return r;
    if (m->fresh) { /* the same, in other memory */
        cs_material_release(m->kind, m->fresh);
        m->fresh = lists;
        return 0;
    }
    (void)put(renewal, (struct cs_renewal_step){material, false}, lists);
    return 0;
}

bool cs_renewal_is_empty(const struct cs_renewal *renewal)
{
    return renewal->n_steps == 0;
}

/* ---- credentials ---- */

/* Everybody who uses what was taken, each once. */
struct users {
    bool *servers, *upstreams;
    const struct cs_proxy_tls **to;
};

static struct users find_users(struct cs_renewal *renewal)
{
    const struct cs_keyring *keyring = keyring_of(renewal);
    struct users users = {
        .servers = cs_arena_array(&renewal->arena, keyring->n_servers, sizeof(bool)),
        .upstreams = cs_arena_array(&renewal->arena, keyring->n_upstreams, sizeof(bool)),
        .to = cs_arena_array(&renewal->arena, keyring->n_upstreams, sizeof(*users.to)),
    };

    for (size_t i = 0; i < renewal->n_steps; i++) {
        const struct cs_material *m = material_of(renewal, i);
        const struct cs_material_user *u = m->kind == CS_MATERIAL_LISTS ? NULL : m->users;
        for (; u; u = u->next) { /* of lists by way of the trust sets that take them */
            if (u->server)
                users.servers[u->server->index] = true;
            if (!u->upstream)
                continue;
            users.upstreams[u->upstream->index] = true;
            users.to[u->upstream->index] = u->upstream;
        }
    }
    return users;
}

int cs_renewal_build(struct cs_renewal *renewal, struct cs_findings *findings)
{
    const struct cs_keyring *keyring = keyring_of(renewal);
    struct users users = find_users(renewal);
    unsigned errors = findings->n_errors;

    renewal->build.findings = findings;
    renewal->servers =
        cs_arena_array(&renewal->arena, keyring->n_servers, sizeof(*renewal->servers));
    renewal->upstreams =
        cs_arena_array(&renewal->arena, keyring->n_upstreams, sizeof(*renewal->upstreams));
    for (size_t i = 0; i < keyring->n_servers; i++) {
        if (users.servers[i])
            renewal->servers[renewal->n_servers++] = (struct made_server){
                i, cs_build_credentials(&renewal->build, renewal->build.snapshot->servers[i])};
    }
    for (size_t i = 0; i < keyring->n_upstreams; i++) {
        if (users.upstreams[i])
            renewal->upstreams[renewal->n_upstreams++] = (struct made_upstream){
                i, cs_build_upstream_credentials(&renewal->build, users.to[i])};
    }
    return findings->n_errors > errors ? -EINVAL : 0;
}

static bool judges_otherwise(const struct cs_renewal *renewal)
{
    for (size_t i = 0; i < renewal->n_steps; i++) {
        if (material_of(renewal, i)->kind == CS_MATERIAL_TRUST)
            return true;
    }
    return false;
}

bool cs_renewal_commit(struct cs_renewal *renewal)
{
    struct cs_keyring *keyring = keyring_of(renewal);
    bool otherwise = judges_otherwise(renewal);

    for (size_t i = 0; i < renewal->n_steps; i++) {
        struct cs_material *m = material_of(renewal, i);
        cs_material_release(m->kind, m->object);
        m->object = cs_take(m->fresh);
    }
    for (size_t i = 0; i < renewal->n_servers; i++)
        cs_keyring_put_server(keyring, renewal->servers[i].index, renewal->servers[i].credentials);
    for (size_t i = 0; i < renewal->n_upstreams; i++)
        cs_keyring_put_upstream(keyring, renewal->upstreams[i].index, renewal->upstreams[i].tls);
    renewal->n_servers = renewal->n_upstreams = 0;
    keyring->generation++;
    return otherwise;
}

/* ---- as bytes for other processes ---- */

struct cs_str cs_renewal_lists0(const struct cs_renewal *renewal, size_t material)
{
    const struct cs_material *m = keyring_of(renewal)->materials[material];

    return m->kind == CS_MATERIAL_LISTS && m->fresh ? cs_crl_lists_block(m->fresh)
                                                    : (struct cs_str){0};
}

static void add_number(struct cs_buf *bytes, uint64_t number)
{
    cs_assert(cs_buf_add(bytes, &number, sizeof(number)) == 0);
}

static void add_text(struct cs_buf *bytes, struct cs_str text)
{
    add_number(bytes, text.len);
    cs_assert(cs_buf_add_str(bytes, text) == 0);
}

/* Which files the steps were taken from; those of lists are not needed. */
static size_t find_files(const struct cs_renewal *renewal, const struct cs_word **ret_words)
{
    size_t n = 0;

    for (size_t i = 0; i < renewal->n_steps; i++) {
        const struct cs_material *m = material_of(renewal, i);
        for (size_t k = 0; k < m->n_words; k++) {
            if (m->kind != CS_MATERIAL_LISTS && !renewal->steps[i].lists_only)
                ret_words[n++] = m->words[k];
        }
    }
    return n;
}

static size_t count_words(const struct cs_renewal *renewal)
{
    size_t n = 0;

    for (size_t i = 0; i < renewal->n_steps; i++)
        n += material_of(renewal, i)->n_words;
    return n;
}

void cs_renewal_pack(const struct cs_renewal *renewal, struct cs_buf *ret_bytes)
{
    struct cs_build *build = (struct cs_build *)&renewal->build; /* its arena is used */
    const struct cs_word **words =
        cs_arena_array(build->arena, count_words(renewal), sizeof(*words));
    size_t n = find_files(renewal, words);

    add_number(ret_bytes, keyring_of(renewal)->generation + 1);
    add_number(ret_bytes, renewal->n_steps);
    for (size_t i = 0; i < renewal->n_steps; i++) {
        add_number(ret_bytes, renewal->steps[i].material);
        add_number(ret_bytes, renewal->steps[i].lists_only);
    }
    add_number(ret_bytes, n);
    for (size_t i = 0; i < n; i++) {
        add_text(ret_bytes, cs_build_path(build, words[i]->text));
        add_text(ret_bytes, cs_build_known_file(build, words[i]));
    }
}

static bool take_number(struct cs_str *rest, uint64_t max, uint64_t *ret_number)
{
    if (rest->len < sizeof(*ret_number))
        return false;
    memcpy(ret_number, rest->ptr, sizeof(*ret_number));
    *rest = cs_str_skip(*rest, sizeof(*ret_number));
    return *ret_number <= max;
}

static bool take_text(struct cs_str *rest, struct cs_str *ret_text)
{
    uint64_t len;

    if (!take_number(rest, rest->len, &len) || len > rest->len)
        return false;
    *ret_text = cs_str_sub(*rest, 0, (size_t)len);
    *rest = cs_str_skip(*rest, (size_t)len);
    return true;
}

static bool take_step(struct cs_str *rest, struct cs_renewal_step *ret_step)
{
    uint64_t material, lists_only;

    if (!take_number(rest, SIZE_MAX, &material) || !take_number(rest, 1, &lists_only))
        return false;
    *ret_step = (struct cs_renewal_step){(size_t)material, lists_only != 0};
    return true;
}

static bool take_file(struct cs_str *rest, struct cs_arena *arena, struct cs_map *files)
{
    struct cs_str *text = CS_ARENA_NEW(arena, struct cs_str), path;

    if (!take_text(rest, &path) || !take_text(rest, text))
        return false;
    cs_map_set(files, path, text);
    return true;
}

int cs_renewal_unpack(struct cs_str bytes, struct cs_arena *arena,
                      struct cs_renewal_parcel *ret_parcel)
{
    struct cs_renewal_parcel parcel = {0};
    uint64_t n_steps, n_files = 0;
    bool good = take_number(&bytes, UINT64_MAX, &parcel.generation) &&
                take_number(&bytes, bytes.len / (2 * sizeof(uint64_t)), &n_steps);

    if (!good)
        return -EBADMSG;
    parcel.steps = cs_arena_array(arena, (size_t)n_steps, sizeof(*parcel.steps));
    while (good && parcel.n_steps < n_steps)
        good = take_step(&bytes, &parcel.steps[parcel.n_steps++]);
    good = good && take_number(&bytes, bytes.len / (2 * sizeof(uint64_t)), &n_files);
    for (uint64_t i = 0; good && i < n_files; i++)
        good = take_file(&bytes, arena, &parcel.files);
    if (!good || bytes.len) {
        cs_map_deinit(&parcel.files);
        return -EBADMSG;
    }
    *ret_parcel = parcel;
    return 0;
}

void cs_renewal_parcel_deinit(struct cs_renewal_parcel *parcel)
{
    cs_map_deinit(&parcel->files);
}

/* Nothing is copied: the bytes stay where they are wiped. */
static int read_parcel(void *ctx, struct cs_str path, struct cs_arena *arena,
                       struct cs_str *ret_text)
{
    const struct cs_renewal_parcel *parcel = ctx;
    const struct cs_str *text = cs_map_get(&parcel->files, path);

    if (!text)
        return -ENOENT;
    *ret_text = *text;
    return 0;
}

struct cs_config_reader cs_renewal_parcel_reader(const struct cs_renewal_parcel *parcel)
{
    return (struct cs_config_reader){.read = read_parcel, .ctx = (void *)parcel};
}

/* ---- what there is ---- */

bool cs_keyring_is_made_of(const struct cs_keyring *keyring, size_t material, size_t file)
{
    const struct cs_material *m = keyring->materials[material];

    for (size_t i = 0; i < m->n_words; i++) {
        if (m->files[i] == file)
            return true;
    }
    return false;
}

bool cs_keyring_lists(const struct cs_keyring *keyring, size_t material, size_t *ret_lists)
{
    const struct cs_material *lists = keyring->materials[material]->lists;

    if (lists)
        *ret_lists = lists->index;
    return lists != NULL;
}

bool cs_keyring_is_lists(const struct cs_keyring *keyring, size_t material)
{
    return keyring->materials[material]->kind == CS_MATERIAL_LISTS;
}

bool cs_keyring_is_trust(const struct cs_keyring *keyring, size_t material)
{
    return keyring->materials[material]->kind == CS_MATERIAL_TRUST;
}

bool cs_keyring_is_pair(const struct cs_keyring *keyring, size_t material)
{
    return keyring->materials[material]->kind == CS_MATERIAL_PAIR;
}

static const char *const words_of[] = {
    [CS_MATERIAL_PAIR] = "certificate",
    [CS_MATERIAL_LISTS] = "revocation lists",
    [CS_MATERIAL_TRUST] = "trusted certificates",
    [CS_MATERIAL_TICKET_KEYS] = "session ticket keys",
    [CS_MATERIAL_BYTES] = "file",
};

static void describe_users(const struct cs_material *m, struct cs_buf *text)
{
    const struct cs_material_user *u = m->users, *last = NULL;
    size_t n = 0;

    for (; u; u = u->next) {
        last = u; /* the first that was added */
        n++;
    }
    if (last && last->server && last->server->name.len)
        cs_buf_addf(text, " of server \"%.*s\"", CS_FMT(last->server->name));
    else if (last && last->server)
        cs_buf_addf(text, " of the server at %.*s:%u", CS_FMT(last->server->place.file),
                    last->server->place.line);
    else if (last)
        cs_buf_addf(
            text, " for upstream \"%.*s\"",
            CS_FMT(cs_directive_arg(cs_block_nearest(last->upstream->block, "proxy_pass"), 0)));
    if (n > 1)
        cs_buf_addf(text, " and %zu more", n - 1);
}

static void describe_pair(const struct cs_pair *pair, struct cs_buf *text)
{
    size_t n;
    const struct cs_str *ders = cs_pair_chain0(pair, &n);
    char time[CS_TIME_TEXT];
    struct cs_arena arena;
    struct cs_findings ignored;
    struct cs_cert leaf;

    cs_arena_init(&arena);
    cs_findings_init(&ignored, &arena);
    if (cs_cert_parse(ders[0], &arena, &ignored, &leaf) == 0)
        cs_buf_addf(text, ", valid until %.*s", CS_FMT(cs_time_iso(leaf.not_after, time)));
    cs_arena_deinit(&arena);
}

static void describe_trust(const struct cs_trust *trust, struct cs_buf *text)
{
    size_t n;

    cs_trust_certs(trust, &n);
    cs_buf_addf(text, ", %zu certificate%s", n, n == 1 ? "" : "s");
}

void cs_keyring_describe(const struct cs_keyring *keyring, size_t material, struct cs_buf *text)
{
    const struct cs_material *m = keyring->materials[material];

    cs_buf_addf(text, "%s", words_of[m->kind]);
    for (size_t i = 0; i < m->n_words; i++) {
        if (i == 0 || m->kind != CS_MATERIAL_PAIR)
            cs_buf_addf(text, "%s \"%.*s\"", i ? "," : "", CS_FMT(m->words[i]->text));
    }
    describe_users(m, text);
    if (!m->object)
        return;
    if (m->kind == CS_MATERIAL_PAIR)
        describe_pair(m->object, text);
    else if (m->kind == CS_MATERIAL_TRUST)
        describe_trust(m->object, text);
    else if (m->kind == CS_MATERIAL_LISTS)
        cs_buf_addf(text, ", %zu entries", cs_crl_lists_entries(m->object));
}
