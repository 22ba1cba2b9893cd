/* A CA certificate comes into the world: key, certificate, files, in this order, so that there is
 * no certificate without a key. */
#include <errno.h>
#include <openssl/evp.h>

#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "x509/key.h"
#include "x509/name.h"
#include "x509/pem.h"

enum { PEM_MAX = 1 << 20, AUDIT_ROUNDS = 100000, BACKDATE = 60, PASSPHRASE_MAX = 1000 };

void cs_ca_audit_key(struct cs_str passphrase, struct cs_str salt, uint8_t ret_key[32])
{
    cs_assert(PKCS5_PBKDF2_HMAC(passphrase.ptr, (int)passphrase.len, (const uint8_t *)salt.ptr,
                                (int)salt.len, AUDIT_ROUNDS, EVP_sha256(), 32, ret_key) == 1);
}

bool cs_ca_passphrase(struct cs_str text, struct cs_str *ret_passphrase)
{
    struct cs_str line = cs_str_cut(&text, '\n');

    if (cs_str_ends(line, CS_STR("\r")))
        line.len--;
    *ret_passphrase = line;
    return line.len > 0 && line.len <= PASSPHRASE_MAX;
}

struct cs_str cs_ca_crl_url(struct cs_str public_url, uint32_t id, int shard,
                            struct cs_arena *arena)
{
    if (public_url.len == 0)
        return (struct cs_str){0};
    if (shard < 0)
        return cs_arena_printf(arena, "%.*s/crl/%u.crl", CS_FMT(public_url), id);
    return cs_arena_printf(arena, "%.*s/crl/%u/%d.crl", CS_FMT(public_url), id, shard);
}

static struct cs_str file_name(const struct cs_ca_birth *birth, const char *ending,
                               struct cs_arena *arena)
{
    return cs_arena_printf(arena, "%s-%u.%s", birth->root ? "issuer" : "root", birth->id, ending);
}

static int write_key(const struct cs_issuer *issuer, const char *dir, struct cs_str passphrase)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_key_write_encrypted(issuer->key, passphrase, &pem);
    r = r ? r : cs_folder_write(dir, issuer->key_file.ptr, cs_buf_str(&pem), 0600);
    cs_buf_wipe(&pem);
    return r;
}

static int sign_cert(const struct cs_ca_birth *birth, struct cs_arena *arena,
                     struct cs_issuer *issuer)
{
    const char *kind = birth->root ? "Issuing" : "Root";
    struct cs_make_issuer by = {birth->root ? &birth->root->cert : NULL,
                                birth->root ? birth->root->key : NULL};
    struct cs_cert_spec spec = {
        .common_name =
            cs_arena_printf(arena, "%.*s %s CA %u", CS_FMT(birth->name), kind, birth->id),
        .ca = true,
        .path_len = birth->root ? 0 : -1,
        .permitted_dns = birth->domains,
        .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN | CS_USAGE_DIGITAL_SIGNATURE,
        .crl_url = birth->crl_url,
        .not_before = birth->now_sec - BACKDATE,
        .not_after = birth->now_sec + birth->ttl_sec};
    struct cs_findings findings;
    struct cs_buf der;
    int r;

    if (birth->root && spec.not_before < by.cert->not_before)
        spec.not_before = by.cert->not_before;
    if (birth->root && spec.not_after > by.cert->not_after)
        spec.not_after = by.cert->not_after;
    cs_findings_init(&findings, arena);
    cs_buf_init(&der, PEM_MAX);
    r = cs_make_cert(&spec, issuer->key, birth->root ? &by : NULL, &der);
    if (r == 0 &&
        cs_cert_parse(cs_arena_dup(arena, cs_buf_str(&der)), arena, &findings, &issuer->cert) != 0)
        r = -EINVAL;
    cs_buf_deinit(&der);
    return r;
}

static int write_cert(const struct cs_ca_birth *birth, const struct cs_issuer *issuer,
                      const char *dir, struct cs_arena *arena)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_pem_write(&pem, CS_STR("CERTIFICATE"), issuer->cert.der);
    r = r ? r : cs_folder_write(dir, file_name(birth, "pem", arena).ptr, cs_buf_str(&pem), 0644);
    cs_buf_deinit(&pem);
    return r;
}

int cs_ca_bear(const struct cs_ca_birth *birth, const char *dir, struct cs_str passphrase,
               struct cs_arena *arena, struct cs_issuer *ret_issuer)
{
    struct cs_issuer issuer = {.id = birth->id,
                               .state = CS_ISSUER_PREPARED,
                               .is_root = !birth->root,
                               .key_file = file_name(birth, "key", arena),
                               .prepared_at = birth->now_sec};
    int r = cs_make_key(birth->kind, &issuer.key);

    r = r ? r : sign_cert(birth, arena, &issuer);
    r = r ? r : write_key(&issuer, dir, passphrase);
    r = r ? r : write_cert(birth, &issuer, dir, arena);
    if (r) {
        cs_key_free(issuer.key);
        return r;
    }
    *ret_issuer = issuer;
    return 0;
}

static int put_cert(struct cs_store *store, const struct cs_issuer *issuer, uint32_t root,
                    int64_t now_sec)
{
    const struct cs_cert *c = &issuer->cert;
    struct cs_arena arena = {0};
    uint8_t serial[CS_CA_SERIAL_LEN];
    struct cs_stored_cert cert = {.serial = cs_str_make(serial, sizeof(serial)),
                                  .identity = cs_name_common_name(c->subject, &arena),
                                  .profile = issuer->is_root ? CS_STR("root") : CS_STR("issuer"),
                                  .requester = CS_STR("authority"),
                                  .der = c->der,
                                  .issuer = root,
                                  .issued_at = now_sec,
                                  .not_before = c->not_before,
                                  .not_after = c->not_after,
                                  .renew_at = c->not_after - (c->not_after - c->not_before) / 3};
    int r = cs_ca_serial_of(c, serial);

    memcpy(cert.spki, c->spki_sha256, sizeof(cert.spki));
    r = r ? r : cs_store_cert_add(store, &cert);
    cs_arena_deinit(&arena);
    return r;
}

int cs_ca_put(struct cs_store *store, const struct cs_issuer *issuer, uint32_t root,
              int64_t now_sec)
{
    struct cs_stored_issuer stored = {.id = issuer->id,
                                      .state = issuer->state,
                                      .der = issuer->cert.der,
                                      .key_file = issuer->key_file,
                                      .prepared_at = issuer->prepared_at,
                                      .activated_at = issuer->activated_at,
                                      .retired_at = issuer->retired_at};
    int r = cs_store_issuer_put(store, &stored);

    return r || !root ? r : put_cert(store, issuer, root, now_sec);
}
