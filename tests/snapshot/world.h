/* A small world for snapshots: files in memory, a resolver that knows a few names, certificates
 * made on the spot by our own code, and a clock that stands still. */
#ifndef CS_TESTS_SNAPSHOT_WORLD_H
#define CS_TESTS_SNAPSHOT_WORLD_H

#include <errno.h>
#include <fnmatch.h>

#include "authority/make.h"
#include "base/mem.h"
#include "snapshot/model.h"
#include "snapshot/snapshot.h"
#include "snapshot/variables.h"
#include "x509/key.h"
#include "x509/pem.h"

#include "demanding.h"

#define WORLD_FILES 96
#define WORLD_NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define WORLD_DAY INT64_C(86400)

struct world_file {
    struct cs_str path, text;
};

struct world {
    struct cs_arena arena;
    struct world_file files[WORLD_FILES];
    size_t n_files;
    struct cs_snapshot_options options;
    struct cs_config_reader reader;
};

/* Who signs, and what was signed. */
struct world_identity {
    struct evp_pkey_st *key;
    struct cs_cert cert;
    struct cs_str pem, key_pem;
};

/* What a certificate of the world differs in. */
struct world_spec {
    const char *name;
    const struct world_identity *issuer; /* NULL: self-signed */
    enum cs_make_key_kind kind;
    bool ca;
    bool no_crl_sign;
    int64_t from_day, to_day; /* from now; both 0: -30 to 1000 */
    const char *ocsp;         /* the responder that it names; NULL: none */
};

/** world_put() - a file at @name behind the prefix. */
static inline void world_put(struct world *w, const char *name, struct cs_str text)
{
    cs_assert(w->n_files < WORLD_FILES);
    w->files[w->n_files++] = (struct world_file){cs_arena_printf(&w->arena, "/w/%s", name),
                                                 cs_arena_dup(&w->arena, text)};
}

static inline int world_read(void *ctx, struct cs_str path, struct cs_arena *arena,
                             struct cs_str *ret_text)
{
    const struct world *w = ctx;

    for (size_t i = w->n_files; i-- > 0;) {
        if (cs_str_eq(w->files[i].path, path)) {
            *ret_text = cs_arena_dup(arena, w->files[i].text);
            return 0;
        }
    }
    return -ENOENT;
}

static inline int world_glob(void *ctx, struct cs_str pattern, struct cs_arena *arena,
                             struct cs_str **ret_paths, size_t *ret_n)
{
    const struct world *w = ctx;
    const char *mask = cs_arena_dup(arena, pattern).ptr;
    size_t n = 0;

    *ret_paths = cs_arena_array(arena, w->n_files, sizeof(**ret_paths));
    for (size_t i = 0; i < w->n_files; i++) {
        if (fnmatch(mask, cs_arena_dup(arena, w->files[i].path).ptr, FNM_PATHNAME) == 0)
            (*ret_paths)[n++] = w->files[i].path;
    }
    *ret_n = n;
    return 0;
}

/** world_resolve() - addresses as they are, localhost, and two.test with two addresses. */
static inline int world_resolve(struct cs_str host, uint16_t port, struct cs_arena *arena,
                                struct cs_addr **ret_addrs, size_t *ret_n)
{
    struct cs_addr *addrs = cs_arena_array(arena, 2, sizeof(*addrs));

    *ret_addrs = addrs;
    *ret_n = 1;
    if (cs_str_eq(host, CS_STR("localhost")))
        host = CS_STR("127.0.0.1");
    if (!cs_str_eq(host, CS_STR("two.test")))
        return cs_addr_parse_ip(host, port, &addrs[0]) == 0 ? 0 : -ENOENT;
    *ret_n = 2;
    cs_addr_parse_ip(CS_STR("192.0.2.1"), port, &addrs[0]);
    cs_addr_parse_ip(CS_STR("192.0.2.2"), port, &addrs[1]);
    return 0;
}

static inline struct cs_str world_pem(struct world *w, const char *label, struct cs_str der)
{
    struct cs_buf buf;
    struct cs_str pem;

    cs_buf_init(&buf, 1 << 20);
    cs_assert(cs_pem_write(&buf, cs_str_from(label), der) == 0);
    pem = cs_arena_dup(&w->arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return pem;
}

/** world_issue() - a certificate and its key. The key is to be freed. */
static inline struct world_identity world_issue(struct world *w, const struct world_spec *from)
{
    struct world_identity id = {0};
    struct cs_make_issuer issuer;
    struct cs_findings findings;
    struct cs_buf der, key;
    bool dated = from->from_day || from->to_day;
    struct cs_cert_spec spec = {
        .common_name = cs_str_from(from->name),
        .ocsp_url = cs_str_from(from->ocsp ? from->ocsp : ""),
        .ca = from->ca,
        .path_len = -1,
        .key_usage = from->ca ? CS_USAGE_KEY_CERT_SIGN : CS_USAGE_DIGITAL_SIGNATURE,
        .not_before = WORLD_NOW + (dated ? from->from_day : -30) * WORLD_DAY,
        .not_after = WORLD_NOW + (dated ? from->to_day : 1000) * WORLD_DAY,
    };

    if (from->ca && !from->no_crl_sign)
        spec.key_usage |= CS_USAGE_CRL_SIGN;
    cs_buf_init(&der, 1 << 16);
    cs_buf_init(&key, 1 << 16);
    cs_assert(cs_make_key(from->kind, &id.key) == 0);
    if (from->issuer)
        issuer = (struct cs_make_issuer){&from->issuer->cert, from->issuer->key};
    cs_assert(cs_make_cert(&spec, id.key, from->issuer ? &issuer : NULL, &der) == 0);
    cs_findings_init(&findings, &w->arena);
    cs_assert(cs_cert_parse(cs_arena_dup(&w->arena, cs_buf_str(&der)), &w->arena, &findings,
                            &id.cert) == 0);
    id.pem = world_pem(w, "CERTIFICATE", cs_buf_str(&der));
    cs_assert(cs_key_write(id.key, &key) == 0);
    id.key_pem = cs_arena_dup(&w->arena, cs_buf_str(&key));
    cs_buf_deinit(&der);
    cs_buf_deinit(&key);
    return id;
}

/** world_part() - a list of @ca for one part of its certificates (@point; empty: all), with @n
 *  entries, from and to a day from now. */
static inline struct cs_str world_part(struct world *w, const struct world_identity *ca,
                                       struct cs_str point, size_t n, int64_t from_day,
                                       int64_t to_day)
{
    struct cs_make_issuer issuer = {&ca->cert, ca->key};
    struct cs_make_revoked *revoked = cs_arena_array(&w->arena, n, sizeof(*revoked));
    struct cs_crl_spec spec = {.revoked = revoked,
                               .n_revoked = n,
                               .this_update = WORLD_NOW + from_day * WORLD_DAY,
                               .next_update = WORLD_NOW + to_day * WORLD_DAY,
                               .number = 1,
                               .point = point};
    struct cs_str pem;
    struct cs_buf der;

    for (size_t i = 0; i < n; i++)
        revoked[i] = (struct cs_make_revoked){
            .serial = cs_arena_printf(&w->arena, "%c", (char)i + 1), .date = WORLD_NOW - WORLD_DAY};
    cs_buf_init(&der, 1 << 20);
    cs_assert(cs_make_crl(&spec, &issuer, &der) == 0);
    pem = world_pem(w, "X509 CRL", cs_buf_str(&der));
    cs_buf_deinit(&der);
    return pem;
}

static inline struct cs_str world_crl(struct world *w, const struct world_identity *ca, size_t n,
                                      int64_t from_day, int64_t to_day)
{
    return world_part(w, ca, (struct cs_str){0}, n, from_day, to_day);
}

/** world_answer() - what @ca says about @id over OCSP, from and to a day from now. */
static inline struct cs_str world_answer(struct world *w, const struct world_identity *ca,
                                         const struct world_identity *id,
                                         enum cs_ocsp_status status, int64_t from_day,
                                         int64_t to_day)
{
    struct cs_make_issuer issuer = {&ca->cert, ca->key};
    struct cs_make_answer answer = {
        .status = status, .revoked_at = WORLD_NOW - WORLD_DAY, .reason = 1};
    struct cs_ocsp_spec spec = {.answers = &answer,
                                .n_answers = 1,
                                .produced_at = WORLD_NOW + from_day * WORLD_DAY,
                                .this_update = WORLD_NOW + from_day * WORLD_DAY,
                                .next_update = WORLD_NOW + to_day * WORLD_DAY};
    struct cs_ocsp_request request;
    struct cs_str bytes;
    struct cs_buf der;

    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_ocsp_request_make(&id->cert, &ca->cert, (struct cs_str){0}, &der) == 0);
    cs_assert(
        cs_ocsp_request_parse(cs_arena_dup(&w->arena, cs_buf_str(&der)), &w->arena, &request));
    answer.id = request.ids[0].whole;
    cs_buf_deinit(&der);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_ocsp(&spec, &issuer, &der) == 0);
    bytes = cs_arena_dup(&w->arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return bytes;
}

static inline void world_put_pair(struct world *w, const char *name,
                                  const struct world_identity *id)
{
    world_put(w, cs_arena_printf(&w->arena, "%s.pem", name).ptr, id->pem);
    world_put(w, cs_arena_printf(&w->arena, "%s.key", name).ptr, id->key_pem);
}

/* A pair that only exists in files. */
static inline void world_add_pair(struct world *w, const char *name, const struct world_spec *spec)
{
    struct world_identity id = world_issue(w, spec);

    world_put_pair(w, name, &id);
    cs_key_free(id.key);
}

/* A pair and what is said about it. */
static inline void world_add_stapled(struct world *w, const struct world_identity *ca)
{
    struct world_identity id =
        world_issue(w, &(struct world_spec){.name = "stapled", .issuer = ca});

    world_put_pair(w, "stapled", &id);
    world_put(w, "good.ocsp", world_answer(w, ca, &id, CS_OCSP_GOOD, -1, 6));
    world_put(w, "stale.ocsp", world_answer(w, ca, &id, CS_OCSP_GOOD, -8, -1));
    world_put(w, "unknown.ocsp", world_answer(w, ca, &id, CS_OCSP_UNKNOWN, -1, 6));
    world_put(w, "revoked.ocsp", world_answer(w, ca, &id, CS_OCSP_REVOKED, -1, 6));
    world_put(w, "later.ocsp", CS_STR("\x30\x03\x0a\x01\x03"));
    world_put(w, "demanding.pem", cs_str_from(demanding_pem));
    world_put(w, "demanding.key", cs_str_from(demanding_key));
    cs_key_free(id.key);
}

/* CAs: "ca", another key under the same name, an intermediate, and one that signs no lists. */
static inline void world_add_cas(struct world *w)
{
    struct world_identity ca = world_issue(w, &(struct world_spec){.name = "Test CA", .ca = true});
    struct world_identity same =
        world_issue(w, &(struct world_spec){.name = "Test CA", .ca = true});
    struct world_identity mute =
        world_issue(w, &(struct world_spec){.name = "Mute CA", .ca = true, .no_crl_sign = true});
    struct world_identity inter =
        world_issue(w, &(struct world_spec){.name = "Middle CA", .issuer = &ca, .ca = true});

    world_put(w, "ca.pem", ca.pem);
    world_put(w, "ca-same-name.pem", same.pem);
    world_put(w, "mute.pem", mute.pem);
    world_put(w, "middle.pem", inter.pem);
    world_put(w, "middle-and-ca.pem", cs_arena_cat(&w->arena, inter.pem, ca.pem));
    world_put(w, "ca.crl", world_crl(w, &ca, 0, -1, 30));
    world_put(w, "ca-revokes.crl", world_crl(w, &ca, 3, -1, 30));
    world_put(w, "ca-expired.crl", world_crl(w, &ca, 0, -30, -1));
    world_put(w, "ca-ending.crl", world_crl(w, &ca, 0, -29, 1));
    world_put(w, "ca-early.crl", world_crl(w, &ca, 0, 1, 30));
    world_put(w, "ca-part.crl", world_part(w, &ca, CS_STR("http://ca.test/part"), 0, -1, 30));
    world_put(w, "mute.crl", world_crl(w, &mute, 0, -1, 30));
    world_add_pair(w, "server", &(struct world_spec){.name = "server", .issuer = &ca});
    world_add_pair(w, "public", &(struct world_spec){.name = "public", .issuer = &ca});
    world_add_pair(w, "below", &(struct world_spec){.name = "below", .issuer = &inter});
    world_add_pair(w, "other", &(struct world_spec){.name = "other", .issuer = &ca});
    world_add_pair(w, "rsa",
                   &(struct world_spec){.name = "rsa", .issuer = &ca, .kind = CS_MAKE_RSA2048});
    world_add_pair(
        w, "soon",
        &(struct world_spec){.name = "soon", .issuer = &ca, .from_day = -80, .to_day = 9});
    world_add_pair(
        w, "late",
        &(struct world_spec){.name = "late", .issuer = &ca, .from_day = -90, .to_day = -2});
    world_add_pair(
        w, "early",
        &(struct world_spec){.name = "early", .issuer = &ca, .from_day = 3, .to_day = 90});
    world_add_stapled(w, &ca);
    cs_key_free(ca.key);
    cs_key_free(same.key);
    cs_key_free(mute.key);
    cs_key_free(inter.key);
}

/* Files called public* can be read by everybody. */
static inline bool world_is_public(void *ctx, struct cs_str path)
{
    return cs_str_starts(cs_str_skip(path, (size_t)cs_str_rfind(path, '/') + 1), CS_STR("public"));
}

/** world_init() - the files above, and some that are no certificates. */
static inline void world_init(struct world *w)
{
    *w = (struct world){.reader = {world_read, world_glob, w, world_is_public}};
    w->options = (struct cs_snapshot_options){.config_path = CS_STR("/w/nginx.conf"),
                                              .prefix = CS_STR("/w/"),
                                              .error_log = CS_STR("stderr"),
                                              .now_sec = WORLD_NOW,
                                              .reader = &w->reader,
                                              .resolve = world_resolve};
    world_add_cas(w);
    world_put(w, "empty", CS_STR(""));
    world_put(w, "tickets.key", CS_STR("0123456789abcdef0123456789abcdef0123456789abcdef"));
    world_put(w, "conf.d/a.conf", CS_STR("server { listen 81; }"));
    world_put(w, "conf.d/b.conf", CS_STR("server { listen 82; }"));
}

static inline void world_deinit(struct world *w)
{
    cs_arena_deinit(&w->arena);
}

/** world_load() - @text as /w/nginx.conf. Return: the snapshot, or NULL with errors. */
static inline struct cs_snapshot *world_load(struct world *w, struct cs_str text,
                                             struct cs_findings *findings)
{
    struct cs_snapshot *snapshot = NULL;
    size_t files = w->n_files;
    int r;

    cs_assert(files < WORLD_FILES);
    w->files[w->n_files++] = (struct world_file){w->options.config_path, text};
    r = cs_snapshot_load(&w->options, findings, &snapshot);
    w->n_files = files;
    return r == 0 ? snapshot : NULL;
}

#endif
