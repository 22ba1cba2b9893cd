/* A table of what each certificate says, signed by one of two CAs made on the spot. */
#include "cmd/demo_pki.h"

#include <errno.h>
#include <stdio.h>

#include "authority/make.h"
#include "base/mem.h"
#include "io/file.h"
#include "x509/key.h"
#include "x509/pem.h"

#define DAY (24 * 60 * 60)
#define PEM_MAX (64 << 10)

/* Someone who signs: the pair, and the same as the signing functions want it. */
struct issuer {
    struct cs_demo_pair *pair;
    struct cs_cert cert;
    struct evp_pkey_st *key;
};

static int write_file(const char *folder, const char *name, const char *ending, struct cs_str bytes,
                      mode_t mode)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s.%s", folder, name, ending);

    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    return cs_file_write(path, bytes, mode);
}

static int keep_pem(struct cs_arena *arena, struct cs_str label, struct cs_str der,
                    struct cs_str *ret_pem)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_pem_write(&pem, label, der);
    if (r == 0)
        *ret_pem = cs_arena_dup(arena, cs_buf_str(&pem));
    cs_buf_deinit(&pem);
    return r;
}

static int keep_key(struct cs_arena *arena, const struct evp_pkey_st *key, struct cs_str *ret_pem)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_key_write(key, &pem);
    if (r == 0)
        *ret_pem = cs_arena_dup(arena, cs_buf_str(&pem));
    cs_buf_wipe(&pem);
    return r;
}

static int keep_cert(struct cs_arena *arena, const struct cs_cert_spec *spec,
                     const struct evp_pkey_st *key, const struct issuer *issuer,
                     struct cs_demo_pair *pair)
{
    struct cs_make_issuer by = {issuer ? &issuer->cert : NULL, issuer ? issuer->key : NULL};
    struct cs_buf der;
    int r;

    cs_buf_init(&der, PEM_MAX);
    r = cs_make_cert(spec, key, issuer ? &by : NULL, &der);
    if (r == 0) {
        pair->der = cs_arena_dup(arena, cs_buf_str(&der));
        r = keep_pem(arena, CS_STR("CERTIFICATE"), pair->der, &pair->cert_pem);
    }
    cs_buf_deinit(&der);
    return r;
}

/* A key and its certificate, in memory and as files. */
static int make_pair(struct cs_demo_pki *pki, const char *folder, const struct cs_cert_spec *spec,
                     const struct issuer *issuer, struct cs_demo_pair *pair,
                     struct evp_pkey_st **ret_key)
{
    int r = cs_make_key(CS_MAKE_P256, ret_key);

    r = r ? r : keep_cert(&pki->arena, spec, *ret_key, issuer, pair);
    r = r ? r : keep_key(&pki->arena, *ret_key, &pair->key_pem);
    r = r ? r : write_file(folder, pair->name, "crt", pair->cert_pem, 0644);
    return r ? r : write_file(folder, pair->name, "key", pair->key_pem, 0600);
}

static int make_leaf(struct cs_demo_pki *pki, const char *folder, const struct cs_cert_spec *spec,
                     const struct issuer *issuer, struct cs_demo_pair *pair)
{
    struct evp_pkey_st *key = NULL;
    int r = make_pair(pki, folder, spec, issuer, pair, &key);

    cs_key_free(key);
    return r;
}

static int make_ca(struct cs_demo_pki *pki, const char *folder, struct cs_str name, int64_t now_sec,
                   struct cs_demo_pair *pair, struct issuer *ret_issuer)
{
    struct cs_cert_spec spec = {
        .common_name = name,
        .ca = true,
        .path_len = 0,
        .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
        .not_before = now_sec - 30 * DAY,
        .not_after = now_sec + 30 * DAY,
    };
    struct cs_findings findings;
    int r = make_pair(pki, folder, &spec, NULL, pair, &ret_issuer->key);

    if (r)
        return r;
    cs_findings_init(&findings, &pki->arena);
    ret_issuer->pair = pair;
    return cs_cert_parse(pair->der, &pki->arena, &findings, &ret_issuer->cert) ? -EINVAL : 0;
}

static int make_server(struct cs_demo_pki *pki, const char *folder, const struct issuer *ca,
                       int64_t now_sec)
{
    static const struct cs_str dns[] = {CS_STR_INIT("localhost")};
    static const struct cs_str ip[] = {CS_STR_INIT("\x7f\x00\x00\x01")};
    struct cs_cert_spec spec = {
        .common_name = CS_STR("localhost"),
        .dns = {dns, 1},
        .ip = {ip, 1},
        .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
        .eku = CS_EKU_SERVER,
        .not_before = now_sec - DAY,
        .not_after = now_sec + 7 * DAY,
    };

    return make_leaf(pki, folder, &spec, ca, &pki->server);
}

static const struct {
    const char *file;
    struct cs_str common_name;
    struct cs_str uri;
    bool other_ca;
    int64_t until; /* seconds from now */
} clients[] = {
    [CS_DEMO_TRUSTED] = {"alice", CS_STR_INIT("alice"), CS_STR_INIT("spiffe://demo.test/alice"),
                         false, 7 * DAY},
    [CS_DEMO_STRANGER] = {"mallory", CS_STR_INIT("mallory"),
                          CS_STR_INIT("spiffe://other.test/mallory"), true, 7 * DAY},
    [CS_DEMO_EXPIRED] = {"bob", CS_STR_INIT("bob"), CS_STR_INIT("spiffe://demo.test/bob"), false,
                         -60 * 60},
    [CS_DEMO_REVOKED] = {"carol", CS_STR_INIT("carol"), CS_STR_INIT("spiffe://demo.test/carol"),
                         false, 7 * DAY},
};

static int make_clients(struct cs_demo_pki *pki, const char *folder, const struct issuer *ca,
                        const struct issuer *other_ca, int64_t now_sec)
{
    int r = 0;

    for (size_t i = 0; i < CS_DEMO_N_CLIENTS && r == 0; i++) {
        struct cs_cert_spec spec = {
            .common_name = clients[i].common_name,
            .organization = CS_STR("Demo"),
            .uri = {&clients[i].uri, 1},
            .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
            .eku = CS_EKU_CLIENT,
            .not_before = now_sec - 7 * DAY,
            .not_after = now_sec + clients[i].until,
        };
        pki->clients[i].name = clients[i].file;
        r = make_leaf(pki, folder, &spec, clients[i].other_ca ? other_ca : ca, &pki->clients[i]);
    }
    return r;
}

static int make_crl(struct cs_demo_pki *pki, const char *folder, const struct issuer *ca,
                    int64_t now_sec)
{
    struct cs_make_issuer by = {&ca->cert, ca->key};
    struct cs_make_revoked revoked = {.date = now_sec - 60 * 60, .reason = 1};
    struct cs_crl_spec spec = {&revoked, 1, now_sec - 60, now_sec + DAY, 1};
    struct cs_findings findings;
    struct cs_cert cert;
    struct cs_buf der;
    int r;

    cs_findings_init(&findings, &pki->arena);
    if (cs_cert_parse(pki->clients[CS_DEMO_REVOKED].der, &pki->arena, &findings, &cert))
        return -EINVAL;
    revoked.serial = cert.serial;
    cs_buf_init(&der, PEM_MAX);
    r = cs_make_crl(&spec, &by, &der);
    r = r ? r : keep_pem(&pki->arena, CS_STR("X509 CRL"), cs_buf_str(&der), &pki->crl_pem);
    cs_buf_deinit(&der);
    return r ? r : write_file(folder, "ca", "crl", pki->crl_pem, 0644);
}

int cs_demo_pki_make(struct cs_demo_pki *pki, const char *folder, int64_t now_sec)
{
    struct issuer ca = {0}, other_ca = {0};
    int r;

    *pki = (struct cs_demo_pki){
        .ca = {.name = "ca"}, .other_ca = {.name = "other-ca"}, .server = {.name = "server"}};
    r = make_ca(pki, folder, CS_STR("Demo CA"), now_sec, &pki->ca, &ca);
    r = r ? r : make_ca(pki, folder, CS_STR("Some Other CA"), now_sec, &pki->other_ca, &other_ca);
    r = r ? r : make_server(pki, folder, &ca, now_sec);
    r = r ? r : make_clients(pki, folder, &ca, &other_ca, now_sec);
    r = r ? r : make_crl(pki, folder, &ca, now_sec);
    cs_key_free(ca.key);
    cs_key_free(other_ca.key);
    return r;
}

static void wipe(struct cs_demo_pair *pair)
{
    cs_wipe((char *)pair->key_pem.ptr, pair->key_pem.len);
}

void cs_demo_pki_deinit(struct cs_demo_pki *pki)
{
    wipe(&pki->ca);
    wipe(&pki->other_ca);
    wipe(&pki->server);
    for (size_t i = 0; i < CS_DEMO_N_CLIENTS; i++)
        wipe(&pki->clients[i]);
    cs_arena_deinit(&pki->arena);
}
