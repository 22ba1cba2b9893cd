/* bench-pki FOLDER [N]: a CA, an intermediate, a server, clients and a stranger, as files; made
 * by the project's own code. P-256 throughout; what is measured is not the key type. With N
 * also the CA's revocation list of N entries, one of which is the client "revoked". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authority/make.h"
#include "base/mem.h"
#include "io/file.h"
#include "x509/key.h"
#include "x509/pem.h"

#define DAY (24 * 60 * 60)
#define PEM_MAX (64 << 10)
#define LIST_MAX (256u << 20)
#define SERIAL 16

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
static int write_leaf(const struct party *leaf, const struct party *issuer, bool below_root)
{
    struct cs_str chain = below_root ? leaf->pem : cs_arena_cat(&arena, leaf->pem, issuer->pem);
    int r = write_file(leaf->name, "crt", chain, 0644);

    return r ? r : write_key(leaf, chain);
}

/* Its key is gone afterwards; @leaf keeps the certificate. */
static int make_leaf(struct party *leaf, const struct party *issuer, bool below_root, bool server,
                     int64_t not_after)
{
    static const struct cs_str dns = CS_STR_INIT("localhost");
    const struct cs_str uri = cs_arena_printf(&arena, "spiffe://bench.test/%s", leaf->name);
    struct cs_cert_spec spec = {
        .common_name = cs_str_from(leaf->name),
        .dns = {&dns, server ? 1 : 0},
        .uri = {&uri, server ? 0 : 1},
        .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
        .eku = server ? CS_EKU_SERVER : CS_EKU_CLIENT,
        .not_before = not_after - 8 * DAY,
        .not_after = not_after,
    };
    int r = sign(leaf, &spec, issuer);

    r = r ? r : write_leaf(leaf, issuer, below_root);
    cs_key_free(leaf->key);
    leaf->key = NULL;
    return r;
}

static int write_list(const struct cs_crl_spec *spec, const struct party *issuer)
{
    struct cs_make_issuer by = {&issuer->cert, issuer->key};
    struct cs_buf der, pem;
    int r;

    cs_buf_init(&der, LIST_MAX);
    cs_buf_init(&pem, LIST_MAX);
    r = cs_make_crl(spec, &by, &der);
    r = r ? r : cs_pem_write(&pem, CS_STR("X509 CRL"), cs_buf_str(&der));
    r = r ? r : write_file(issuer->name, "crl", cs_buf_str(&pem), 0644);
    cs_buf_deinit(&der);
    cs_buf_deinit(&pem);
    return r;
}

/* Serials in no order, as lists have them; @revoked's is in the middle. */
static int make_list(const struct party *issuer, const struct party *revoked, size_t n, int64_t now)
{
    struct cs_make_revoked *entries = cs_alloc(n * sizeof(*entries));
    char *serials = cs_alloc(n * SERIAL);
    struct cs_crl_spec spec = {
        .revoked = entries,
        .n_revoked = n,
        .this_update = now - DAY,
        .next_update = now + 7 * DAY,
        .number = 1,
    };
    uint64_t state = 1;
    int r;

    for (size_t i = 0; i < n * SERIAL; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        serials[i] = (char)(i % SERIAL ? state >> 40 : 0x41); /* positive, 16 bytes long */
    }
    for (size_t i = 0; i < n; i++)
        entries[i] =
            (struct cs_make_revoked){cs_str_make(serials + i * SERIAL, SERIAL), now - DAY, 0};
    entries[n / 2].serial = revoked->cert.serial;
    r = write_list(&spec, issuer);
    free(entries);
    free(serials);
    return r;
}

static int make_all(int64_t now, size_t n_revoked)
{
    struct party root = {"ca"}, middle = {"intermediate"}, other = {"other-ca"};
    struct party server = {"server"}, client = {"client"}, chain = {"client-chain"},
                 revoked = {"revoked"}, stranger = {"stranger"}, expired = {"expired"};
    int64_t end = now + 7 * DAY;
    int r = make_ca(&root, NULL, now);

    r = r ? r : make_ca(&middle, &root, now);
    r = r ? r : make_ca(&other, NULL, now);
    r = r ? r : make_leaf(&server, &root, true, true, end);
    r = r ? r : make_leaf(&client, &root, true, false, end);
    r = r ? r : make_leaf(&chain, &middle, false, false, end);
    r = r ? r : make_leaf(&revoked, &root, true, false, end);
    r = r ? r : make_leaf(&stranger, &other, true, false, end);
    r = r ? r : make_leaf(&expired, &root, true, false, now - DAY / 2);
    r = r || !n_revoked ? r : make_list(&root, &revoked, n_revoked, now);
    cs_key_free(root.key);
    cs_key_free(middle.key);
    cs_key_free(other.key);
    return r;
}

int main(int argc, char **argv)
{
    uint64_t n_revoked = 0;
    int r;

    if (argc < 2 || argc > 3 ||
        (argc == 3 && cs_str_to_u64(cs_str_from(argv[2]), 2000000, &n_revoked) < 0)) {
        fprintf(stderr, "usage: bench-pki FOLDER [N]\n");
        return 2;
    }
    folder = argv[1];
    r = make_all(time(NULL), n_revoked);
    cs_arena_deinit(&arena);
    if (r)
        fprintf(stderr, "bench-pki: %s: %s\n", folder, r < 0 ? strerror(-r) : "refused");
    return r != 0;
}
