/* bench-pki FOLDER: a CA, an intermediate, a server, clients and a stranger, as files; made by
 * the project's own code. P-256 throughout; what is measured is not the key type. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "authority/make.h"
#include "io/file.h"
#include "x509/key.h"
#include "x509/pem.h"

#define DAY (24 * 60 * 60)
#define PEM_MAX (64 << 10)

/* A name with its key and certificate, and how it signs. */
struct party {
    const char *name;
    struct cs_cert cert;
    struct evp_pkey_st *key;
    struct cs_str pem;
};

static struct cs_arena arena;
static const char *folder;

static int write_file(const char *name, const char *ending, struct cs_str bytes, mode_t mode)
{
    struct cs_str path = cs_arena_printf(&arena, "%s/%s.%s", folder, name, ending);

    return cs_file_write(path.ptr, bytes, mode);
}

static int write_key(const struct party *party, struct cs_str chain)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_key_write(party->key, &pem);
    r = r ? r : write_file(party->name, "key", cs_buf_str(&pem), 0600);
    r = r ? r : cs_buf_add_str(&pem, chain); /* certificate and key in one, as some want it */
    r = r ? r : write_file(party->name, "pem", cs_buf_str(&pem), 0600);
    cs_buf_wipe(&pem);
    return r;
}

static int sign(struct party *party, const struct cs_cert_spec *spec, const struct party *issuer)
{
    struct cs_make_issuer by = {issuer ? &issuer->cert : NULL, issuer ? issuer->key : NULL};
    struct cs_findings findings;
    struct cs_buf der, pem;
    int r = cs_make_key(CS_MAKE_P256, &party->key);

    cs_buf_init(&der, PEM_MAX);
    cs_buf_init(&pem, PEM_MAX);
    cs_findings_init(&findings, &arena);
    r = r ? r : cs_make_cert(spec, party->key, issuer ? &by : NULL, &der);
    r = r ? r : cs_pem_write(&pem, CS_STR("CERTIFICATE"), cs_buf_str(&der));
    if (r == 0) {
        party->pem = cs_arena_dup(&arena, cs_buf_str(&pem));
        r = cs_cert_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &findings, &party->cert);
    }
    cs_buf_deinit(&der);
    cs_buf_deinit(&pem);
    return r;
}

static int make_ca(struct party *party, const struct party *issuer, int64_t now)
{
    struct cs_cert_spec spec = {
        .common_name = cs_str_from(party->name),
        .ca = true,
        .path_len = issuer ? 0 : 1,
        .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
        .not_before = now - DAY,
        .not_after = now + 30 * DAY,
    };
    int r = sign(party, &spec, issuer);

    return r ? r : write_file(party->name, "crt", party->pem, 0644);
}

/* @issuer's own certificate follows in the file when it is not the root. */
static int make_leaf(const char *name, const struct party *issuer, bool below_root, bool server,
                     int64_t now)
{
    static const struct cs_str dns = CS_STR_INIT("localhost");
    const struct cs_str uri = cs_arena_printf(&arena, "spiffe://bench.test/%s", name);
    struct cs_cert_spec spec = {
        .common_name = cs_str_from(name),
        .dns = {&dns, server ? 1 : 0},
        .uri = {&uri, server ? 0 : 1},
        .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
        .eku = server ? CS_EKU_SERVER : CS_EKU_CLIENT,
        .not_before = now - DAY,
        .not_after = now + 7 * DAY,
    };
    struct party leaf = {.name = name};
    struct cs_str chain = {0};
    int r = sign(&leaf, &spec, issuer);

    if (r == 0)
        chain = below_root ? leaf.pem : cs_arena_cat(&arena, leaf.pem, issuer->pem);
    r = r ? r : write_file(name, "crt", chain, 0644);
    r = r ? r : write_key(&leaf, chain);
    cs_key_free(leaf.key);
    return r;
}

static int make_all(int64_t now)
{
    struct party root = {"ca"}, middle = {"intermediate"}, other = {"other-ca"};
    int r = make_ca(&root, NULL, now);

    r = r ? r : make_ca(&middle, &root, now);
    r = r ? r : make_ca(&other, NULL, now);
    r = r ? r : make_leaf("server", &root, true, true, now);
    r = r ? r : make_leaf("client", &root, true, false, now);
    r = r ? r : make_leaf("client-chain", &middle, false, false, now);
    r = r ? r : make_leaf("stranger", &other, true, false, now);
    cs_key_free(root.key);
    cs_key_free(middle.key);
    cs_key_free(other.key);
    return r;
}

int main(int argc, char **argv)
{
    int r;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-pki FOLDER\n");
        return 2;
    }
    folder = argv[1];
    r = make_all(time(NULL));
    cs_arena_deinit(&arena);
    if (r)
        fprintf(stderr, "bench-pki: %s: %s\n", folder, r < 0 ? strerror(-r) : "refused");
    return r != 0;
}
