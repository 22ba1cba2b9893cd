/* A CA in a temporary folder: made, asked, told, and asked again after each restart. */
#include "authority/ca.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "authority/directives.h"
#include "authority/findings.h"
#include "authority/folder.h"
#include "authority/state.h"
#include "base/mem.h"
#include "tap.h"
#include "x509/crl.h"
#include "x509/key.h"
#include "x509/list.h"
#include "x509/name.h"
#include "x509/signature.h"

enum { NOW = 1800000000, DAY = 86400, HOUR = 3600 };

static struct cs_arena arena;
static struct cs_findings findings;
static char home[64], dir[96];
static struct cs_ca *ca;
static const struct cs_requester root = {.proof = CS_PROOF_COMMAND, .actor = CS_STR_INIT("tester")};

static const char *code(void)
{
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        if (f->kind->severity == CS_SEVERITY_ERROR)
            return f->kind->code;
    }
    return "none";
}

static void fresh(void)
{
    cs_findings_init(&findings, &arena);
}

static int init(const char *where, const char *domain, enum cs_make_key_kind key)
{
    struct cs_str domains[1] = {cs_str_from(domain)};
    struct cs_ca_setup setup = {.dir = where,
                                .name = CS_STR("Example"),
                                .domains = {domains, domain != NULL},
                                .public_url = CS_STR("http://ca.example.internal:9080"),
                                .key = key,
                                .root_ttl_sec = 3650LL * DAY,
                                .issuer_ttl_sec = 365LL * DAY};

    fresh();
    return cs_ca_init(&setup, &root, NOW, &findings);
}

static int open_ca(const char *where, unsigned flags)
{
    struct cs_ca_options options = {.dir = where, .flags = flags};

    fresh();
    return cs_ca_open(&options, &findings, &ca);
}

static void reopen(void)
{
    cs_ca_close(ca);
    tap_int(open_ca(dir, 0), 0, "opened again");
}

static struct cs_csr make_csr(struct evp_pkey_st **key, const char *dns)
{
    struct cs_str name = cs_str_from(dns);
    struct cs_cert_spec spec = {.dns = {&name, dns != NULL}};
    struct cs_csr csr = {0};
    struct cs_findings unused;
    struct cs_buf der;

    cs_findings_init(&unused, &arena);
    if (!*key)
        cs_assert(cs_make_key(CS_MAKE_P256, key) == 0);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_csr(&spec, *key, &der) == 0);
    cs_assert(cs_csr_parse(cs_arena_dup(&arena, cs_buf_str(&der)), &arena, &unused, &csr) == 0);
    cs_buf_deinit(&der);
    return csr;
}

static int sign(struct evp_pkey_st **key, const char *profile, const char *dns,
                const struct cs_requester *who, int64_t now, struct cs_issued *ret)
{
    struct cs_csr csr = make_csr(key, dns);
    struct cs_order order = {.profile = cs_str_from(profile), .csr = &csr};

    fresh();
    return cs_ca_sign(ca, &order, who, now, &arena, &findings, ret);
}

static struct cs_cert parse(struct cs_str der)
{
    struct cs_cert cert = {0};
    struct cs_findings unused;

    cs_findings_init(&unused, &arena);
    cs_assert(cs_cert_parse(der, &arena, &unused, &cert) == 0);
    return cert;
}

static mode_t mode_of(const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    cs_assert(cs_folder_path(dir, name, path) == 0);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test_init(void)
{
    char leftover[128];

    snprintf(leftover, sizeof(leftover), "%s/.ca.new", home);
    cs_assert(mkdir(leftover, 0700) == 0 && cs_folder_mkdir(leftover, "crl") == 0 &&
              cs_folder_write(leftover, "crl/1.crl", CS_STR("half"), 0600) == 0);
    tap_int(init(dir, "example.internal", CS_MAKE_P256), 0, "a CA is made beside what was left");
    tap_str(cs_str_from(code()), CS_STR("none"), "without complaints");
    tap_int(access(leftover, F_OK), -1, "nothing is left");
    tap_int(mode_of("."), 0700, "the folder");
    tap_int(mode_of("root-1.key"), 0600, "the root's key");
    tap_int(mode_of("issuer-2.key"), 0600, "the issuer's key");
    tap_int(mode_of("passphrase"), 0600, "the pass phrase");
    tap_int(mode_of("store.sqlite"), 0600, "the store");
    tap_int(mode_of("root.pem"), 0644, "the roots");
    tap_int(mode_of("crl/1.crl"), 0644, "the root's list");
    tap_int(init(dir, NULL, CS_MAKE_P256), CS_CA_REFUSED, "not twice");
    tap_str(cs_str_from(code()), CS_STR("ca-exists"), "it exists");
}

static void test_setups(void)
{
    char other[128];
    struct cs_str bad[] = {CS_STR_INIT("*.a.test"), CS_STR_INIT("a b")};
    struct cs_ca_setup good = {.dir = other,
                               .name = CS_STR("X"),
                               .key = CS_MAKE_P256,
                               .root_ttl_sec = 10 * DAY,
                               .issuer_ttl_sec = DAY};
    struct cs_ca_setup setup;

    snprintf(other, sizeof(other), "%s/other", home);
    for (int i = 0; i < 8; i++) {
        setup = good;
        if (i < 2)
            setup.domains = (struct cs_names){&bad[i], 1};
        if (i == 2)
            setup.name = CS_STR("");
        if (i == 3)
            setup.name = CS_STR("a\nb");
        if (i == 4)
            setup.issuer_ttl_sec = 11 * DAY;
        if (i == 5)
            setup.issuer_ttl_sec = 0;
        if (i == 6)
            setup.public_url = CS_STR("ftp://a.test");
        if (i == 7)
            setup.public_url = CS_STR("http://a.test/");
        fresh();
        tap_int(cs_ca_init(&setup, &root, NOW, &findings), CS_CA_REFUSED, code());
        tap_str(cs_str_from(code()), CS_STR("setup-invalid"), "a setup that cannot work");
    }
    tap_int(access(other, F_OK), -1, "nothing was made");
}

static struct evp_pkey_st *web_key, *api_key, *other_key;
static struct cs_issued web, api;

static void test_sign(void)
{
    struct cs_issued again;
    struct cs_cert cert, issuer;
    const struct cs_issuer *issuers;
    size_t n;

    tap_int(sign(&web_key, "server", "web.example.internal", &root, NOW, &web), 0, "signed");
    tap_str(cs_str_from(code()), CS_STR("none"), "nothing to say");
    cert = parse(web.der);
    tap_int(cs_ca_issuers(ca, &issuers, &n), 0, "issuers");
    tap_int((int64_t)n, 2, "a root and an issuing CA");
    issuer = issuers[1].cert;
    tap_ok(issuers[0].is_root && !issuers[1].is_root, "in this order");
    tap_ok(cs_signed_by(web.der, issuer.spki), "signed by the issuing CA");
    tap_ok(cs_str_eq(cert.crl_urls.items[0],
                     cs_arena_printf(&arena, "http://ca.example.internal:9080/crl/2/%d.crl",
                                     (uint8_t)web.serial.ptr[15] % 64)),
           "it names its part of the list");
    tap_str(web.identity, CS_STR("web.example.internal"), "identity");
    tap_ok(web.renew_at > NOW && web.renew_at < web.not_after, "when to renew");
    tap_int(sign(&web_key, "server", "web.example.internal", &root, NOW + 10, &again), 0, "again");
    tap_ok(again.reused && cs_str_eq(again.der, web.der), "the same order, the same certificate");
    tap_int(sign(&web_key, "server", "web.example.internal", &root, web.renew_at, &again), 0,
            "due");
    tap_ok(!again.reused && !cs_str_eq(again.serial, web.serial), "a new one when it is due");
    tap_int(sign(&api_key, "server", "web.example.com", &root, NOW, &again), CS_CA_REFUSED,
            "a name of others");
    tap_str(cs_str_from(code()), CS_STR("name-not-allowed"), "is refused");
}

static int new_token(const char *names, const char *profile, char ret[CS_CA_TOKEN_LEN + 1])
{
    struct cs_pattern items[4];
    struct cs_ca_token token = {
        .names = {items, 0}, .profile = cs_str_from(profile), .ttl_sec = HOUR};
    struct cs_str rest = cs_str_from(names);

    while (rest.len)
        cs_assert(!cs_pattern_parse(cs_str_cut(&rest, ' '), &items[token.names.n++]));
    fresh();
    return cs_ca_token_new(ca, &token, &root, NOW, &findings, ret);
}

static int enrol(struct evp_pkey_st **key, const char *token, const char *profile, const char *dns,
                 int64_t now, struct cs_issued *ret)
{
    struct cs_requester who = {
        .proof = CS_PROOF_TOKEN, .peer = CS_STR("127.0.0.1"), .token = cs_str_from(token)};

    return sign(key, profile, dns, &who, now, ret);
}

static void test_tokens(void)
{
    char token[CS_CA_TOKEN_LEN + 1], second[CS_CA_TOKEN_LEN + 1];
    struct cs_issued got, again;

    tap_int(new_token("dns:api.example.internal", "nobody", token), CS_CA_REFUSED, "no profile");
    tap_int(new_token("", "server", token), CS_CA_REFUSED, "for nobody");
    tap_int(new_token("dns:api.example.internal", "server", token), 0, "a token");
    tap_ok(strlen(token) == CS_CA_TOKEN_LEN && strncmp(token, "cst_", 4) == 0, "its form");
    tap_int(enrol(&api_key, "cst_x", "", NULL, NOW, &got), CS_CA_REFUSED, "unknown");
    tap_str(cs_str_from(code()), CS_STR("token-unknown"), "unknown");
    tap_int(enrol(&api_key, token, "client", NULL, NOW, &got), CS_CA_REFUSED, "profile");
    tap_str(cs_str_from(code()), CS_STR("token-profile-mismatch"), "another profile");
    tap_int(enrol(&api_key, token, "", "web.example.internal", NOW, &got), CS_CA_REFUSED, "name");
    tap_str(cs_str_from(code()), CS_STR("token-identity-mismatch"), "another name");
    tap_int(enrol(&api_key, token, "", NULL, NOW + HOUR + 1, &got), CS_CA_REFUSED, "late");
    tap_str(cs_str_from(code()), CS_STR("token-expired"), "too late");
    tap_int(enrol(&api_key, token, "", NULL, NOW, &api), 0, "enrolled with the token's own name");
    tap_str(api.identity, CS_STR("api.example.internal"), "its name");
    tap_int(enrol(&api_key, token, "server", NULL, NOW + 2 * HOUR, &again), 0, "asked again");
    tap_ok(again.reused && cs_str_eq(again.der, api.der), "the same certificate, late or not");
    tap_int(enrol(&other_key, token, "", NULL, NOW, &got), CS_CA_REFUSED, "by somebody else");
    tap_str(cs_str_from(code()), CS_STR("token-used"), "it is used");
    tap_int(new_token("dns:*.example.internal", "server", second), 0, "a pattern");
    tap_int(enrol(&other_key, second, "", NULL, NOW, &got), CS_CA_REFUSED, "names nobody");
    tap_int(enrol(&other_key, second, "", "x.example.internal", NOW, &got), 0, "but may be named");
}

static int renew(const struct cs_issued *old, struct evp_pkey_st **key, const char *dns,
                 int64_t now, struct cs_issued *ret)
{
    struct cs_cert cert = parse(old->der);
    struct cs_csr csr = make_csr(key, dns);
    struct cs_requester who = {.proof = CS_PROOF_CERTIFICATE, .actor = old->identity};

    fresh();
    return cs_ca_renew(ca, &cert, &csr, 0, &who, now, &arena, &findings, ret);
}

static void test_renewal(void)
{
    struct evp_pkey_st *key = NULL;
    struct cs_issued next, again, stolen;
    char *der;

    tap_int(renew(&api, &key, NULL, NOW + HOUR, &next), 0, "renewed");
    tap_str(next.identity, CS_STR("api.example.internal"), "the same name");
    tap_str(next.profile, CS_STR("server"), "the same profile");
    tap_int(next.not_after, NOW + HOUR + DAY, "a new day");
    tap_int(renew(&api, &key, NULL, NOW + HOUR + 5, &again), 0, "asked again");
    tap_ok(again.reused && cs_str_eq(again.der, next.der), "the same certificate");
    tap_int(renew(&api, &key, "web.example.internal", NOW + HOUR, &again), 0,
            "a repetition is not judged again");
    tap_int(renew(&next, &key, "web.example.internal", NOW + HOUR, &again), CS_CA_REFUSED,
            "another name");
    tap_str(cs_str_from(code()), CS_STR("renewal-name-mismatch"), "is refused");
    tap_int(renew(&api, &web_key, NULL, NOW + DAY + 1, &again), CS_CA_REFUSED, "too late");
    tap_str(cs_str_from(code()), CS_STR("renewal-expired"), "expired");
    stolen = api;
    stolen.der = cs_arena_dup(&arena, api.der);
    der = (char *)stolen.der.ptr;
    der[stolen.der.len - 1] ^= 1;
    tap_int(renew(&stolen, &web_key, NULL, NOW, &again), CS_CA_REFUSED, "not to the byte");
    tap_str(cs_str_from(code()), CS_STR("certificate-not-ours"), "not ours");
    cs_key_free(key);
}

static struct cs_crl read_list(const struct cs_ca_list *list)
{
    struct cs_crl crl = {0};
    struct cs_crl_fault fault;

    tap_ok(cs_crl_parse(list->der, &crl, &fault), "a list");
    return crl;
}

static bool lists(const struct cs_crl *crl, struct cs_str serial)
{
    struct cs_str rest = crl->entries;
    struct cs_crl_entry entry;

    while (rest.len && !cs_crl_next(&rest, &entry)) {
        struct cs_cert cert = {.serial = entry.serial};
        uint8_t raw[CS_CA_SERIAL_LEN];
        if (cs_ca_serial_of(&cert, raw) == 0 && cs_str_eq(cs_str_make(raw, sizeof(raw)), serial))
            return true;
    }
    return false;
}

static void test_revocation(void)
{
    struct cs_ca_list list = {0}, part = {0}, other = {0};
    int shard = (uint8_t)api.serial.ptr[15] % 64;
    uint64_t number, seq = 0;
    struct cs_issued again;
    struct cs_crl crl;

    tap_int(cs_ca_crl(ca, 2, -1, NOW, &findings, &list), 0, "the complete list");
    number = list.number;
    crl = read_list(&list);
    tap_int((int64_t)crl.n_entries, 0, "nobody is on it");
    tap_ok(!crl.has_issuing_point, "it is for all");
    tap_int(cs_ca_crl(ca, 2, -1, NOW + 5, &findings, &list), 0, "again");
    tap_ok(list.number == number, "the same list");
    tap_int(cs_ca_crl(ca, 2, shard, NOW, &findings, &part), 0, "a part");
    crl = read_list(&part);
    tap_ok(crl.has_issuing_point, "it says of what");
    tap_int(cs_ca_crl(ca, 2, (shard + 1) % 64, NOW, &findings, &other), 0, "another part");
    number = other.number;

    tap_int(cs_ca_revoke(ca, api.serial, 1, &root, NOW + 60, &findings, &seq), 0, "revoked");
    tap_ok(seq > 0, "an event says so");
    fresh();
    tap_int(cs_ca_revoke(ca, api.serial, 1, &root, NOW + 60, &findings, &seq), CS_CA_REFUSED,
            "twice");
    tap_str(cs_str_from(code()), CS_STR("already-revoked"), "already");
    fresh();
    tap_int(cs_ca_revoke(ca, CS_STR("0123456789abcdef"), 1, &root, NOW, &findings, &seq),
            CS_CA_REFUSED, "a stranger");
    tap_str(cs_str_from(code()), CS_STR("serial-unknown"), "unknown");

    tap_int(cs_ca_crl(ca, 2, shard, NOW + 61, &findings, &part), 0, "its part");
    crl = read_list(&part);
    tap_ok(lists(&crl, api.serial), "it is on its part");
    tap_int(cs_ca_crl(ca, 2, -1, NOW + 61, &findings, &list), 0, "the complete list");
    crl = read_list(&list);
    tap_ok(lists(&crl, api.serial) && !lists(&crl, web.serial), "and on the whole");
    tap_int(cs_ca_crl(ca, 2, (shard + 1) % 64, NOW + 61, &findings, &other), 0, "another part");
    tap_ok(other.number == number, "which stays as it is");
    tap_int(renew(&api, &api_key, NULL, NOW + 70, &again), CS_CA_REFUSED, "renewed no more");
    tap_str(cs_str_from(code()), CS_STR("renewal-revoked"), "revoked");

    number = list.number;
    tap_int(cs_ca_crl(ca, 2, -1, NOW + DAY / 2 + 61, &findings, &list), 0, "half a day later");
    tap_ok(list.number > number, "another list");
    tap_ok(list.next_update > NOW + DAY, "for longer");
    fresh();
    tap_int(cs_ca_crl(ca, 9, -1, NOW, &findings, &list), CS_CA_REFUSED, "no such issuer");
    tap_int(cs_ca_crl(ca, 2, 64, NOW, &findings, &list), CS_CA_REFUSED, "no such part");
    tap_int(cs_ca_crl(ca, 1, -1, NOW, &findings, &list), 0, "the root's");
    tap_ok(list.next_update > NOW + 300LL * DAY, "for a year");
}

static void test_after_restart(void)
{
    struct cs_ca_list list;
    struct cs_issued again;
    struct cs_crl crl;

    reopen();
    tap_int(sign(&web_key, "server", "web.example.internal", &root, NOW + 20, &again), 0, "again");
    tap_ok(again.reused, "known after a restart");
    tap_int(cs_ca_crl(ca, 2, -1, NOW + 90, &findings, &list), 0, "a list");
    crl = read_list(&list);
    tap_ok(lists(&crl, api.serial), "it stays revoked");
}

static void test_groups(void)
{
    struct evp_pkey_st *key = NULL;
    struct cs_stored_cert stored;
    struct cs_issued kept, lost;
    char token[CS_CA_TOKEN_LEN + 1];

    tap_int(new_token("dns:group.example.internal", "server", token), 0, "a token");
    tap_int(cs_ca_begin(ca), 0, "a group");
    tap_int(enrol(&key, token, "", NULL, NOW, &lost), 0, "issued in it");
    cs_ca_rollback(ca);
    tap_int(cs_store_cert_get(cs_ca_get0_store(ca), lost.serial, &arena, &stored), -ENOENT,
            "never happened");
    tap_int(cs_ca_begin(ca), 0, "a group");
    tap_int(enrol(&key, token, "", NULL, NOW, &kept), 0, "the token is good again");
    tap_int(sign(&key, "server", "no.example.com", &root, NOW, &lost), CS_CA_REFUSED,
            "a refusal among them");
    tap_int(cs_ca_commit(ca), 0, "kept");
    tap_int(cs_store_cert_get(cs_ca_get0_store(ca), kept.serial, &arena, &stored), 0, "stored");
    cs_key_free(key);
}

static int count_entries(void *ctx, const struct cs_stored_audit *entry)
{
    unsigned *n = ctx;

    *n += cs_str_eq(entry->action, CS_STR("issue")) || cs_str_eq(entry->action, CS_STR("renew")) ||
          cs_str_eq(entry->action, CS_STR("revoke"));
    return 0;
}

static void test_audit(void)
{
    struct cs_audit_report report = {0};
    unsigned n = 0;

    tap_int(cs_ca_audit_verify(ca, &report), 0, "gone through");
    tap_int(report.flaw, CS_AUDIT_SOUND, "sound");
    tap_int(cs_store_audit_each(cs_ca_get0_store(ca), 0, 0, count_entries, &n), 0, "read");
    tap_int(n, 7, "five were issued, one renewed, one revoked");
}

static void test_looking(void)
{
    struct cs_ca_list list;
    struct cs_ca *writer = ca;

    tap_int(open_ca(dir, CS_CA_READ), 0, "opened to look");
    tap_int(cs_ca_crl(ca, 2, -1, NOW, &findings, &list), 0, "the list in the folder");
    cs_ca_close(ca);
    ca = writer;
}

static void test_wrong_passphrase(void)
{
    struct cs_ca_options options = {.dir = dir, .passphrase = CS_STR("wrong")};
    struct cs_ca *never = NULL;
    char path[PATH_MAX];

    fresh();
    tap_int(cs_ca_open(&options, &findings, &never), CS_CA_REFUSED, "a wrong pass phrase");
    tap_str(cs_str_from(code()), CS_STR("passphrase-wrong"), "says so");
    cs_assert(cs_folder_path(dir, "issuer-2.key", path) == 0 && chmod(path, 0644) == 0);
    options.passphrase = (struct cs_str){0};
    fresh();
    tap_int(cs_ca_open(&options, &findings, &never), CS_CA_REFUSED, "a key that all can read");
    tap_str(cs_str_from(code()), CS_STR("ca-file-public"), "says so");
    cs_assert(chmod(path, 0600) == 0);
    options.dir = "/nowhere/at/all";
    fresh();
    tap_int(cs_ca_open(&options, &findings, &never), CS_CA_REFUSED, "no folder");
    tap_str(cs_str_from(code()), CS_STR("ca-missing"), "says so");
}

/* The root's key is taken away. */
static void test_offline_root(void)
{
    char here[PATH_MAX], away[PATH_MAX];
    struct cs_ca_list list;
    struct evp_pkey_st *key = NULL;
    struct cs_issued got;

    cs_assert(cs_folder_path(dir, "root-1.key", here) == 0);
    cs_assert(cs_folder_path(home, "root-1.key", away) == 0 && rename(here, away) == 0);
    reopen();
    tap_int(sign(&key, "server", "off.example.internal", &root, NOW, &got), 0, "it is not needed");
    tap_int(cs_ca_crl(ca, 1, -1, NOW, &findings, &list), 0, "its list is in the folder");
    cs_assert(rename(away, here) == 0);
    cs_key_free(key);
}

/* A key that others may have is certified no more, whoever asks and for whatever name. */
static void test_compromised(void)
{
    struct evp_pkey_st *key = NULL, *good = NULL;
    struct cs_issued first, other, next;
    uint64_t seq;

    tap_int(sign(&key, "server", "lost.example.internal", &root, NOW, &first), 0, "signed");
    tap_int(sign(&good, "server", "kept.example.internal", &root, NOW, &other), 0, "another");
    tap_int(cs_ca_revoke(ca, other.serial, 4, &root, NOW, &findings, &seq), 0, "superseded");
    tap_int(sign(&good, "server", "again.example.internal", &root, NOW, &other), 0,
            "its key is as good as before");
    tap_int(cs_ca_revoke(ca, first.serial, 1, &root, NOW, &findings, &seq), 0, "keyCompromise");
    tap_int(sign(&key, "client", "new.example.internal", &root, NOW, &next), CS_CA_REFUSED,
            "the key, another name and profile");
    tap_str(cs_str_from(code()), CS_STR("key-compromised"), "is refused");
    tap_int(renew(&other, &key, "again.example.internal", NOW, &next), CS_CA_REFUSED, "renewed");
    tap_str(cs_str_from(code()), CS_STR("key-compromised"), "is refused too");
    reopen();
    tap_int(sign(&key, "client", "new.example.internal", &root, NOW, &next), CS_CA_REFUSED,
            "after a restart");
    cs_key_free(key);
    cs_key_free(good);
}

static uint32_t sweep_all(int64_t now)
{
    uint32_t n = 1, all = 0;

    while (n) {
        cs_assert(cs_ca_sweep(ca, now, &n) == 0);
        all += n;
    }
    return all;
}

static bool listed(struct cs_str serial, int64_t now)
{
    struct cs_ca_list list;
    struct cs_crl crl;

    cs_assert(cs_ca_crl(ca, 2, -1, now, &findings, &list) == 0);
    crl = read_list(&list);
    return lists(&crl, serial);
}

/* What a copy says of the certificate with @serial. */
static int64_t revoked_in_copy(struct cs_str serial, int64_t now)
{
    char copy[128], path[160], error[CS_STORE_ERROR_MAX];
    struct cs_stored_cert stored = {0};
    struct cs_store *store;

    snprintf(copy, sizeof(copy), "%s/copy", home);
    snprintf(path, sizeof(path), "%s/store.sqlite", copy);
    cs_assert(cs_ca_backup(ca, copy, &root, now, &findings) == 0);
    cs_assert(cs_store_open(path, CS_STORE_READ, error, &store) == 0);
    cs_assert(cs_store_cert_get(store, serial, &arena, &stored) == 0);
    cs_store_close(store);
    cs_assert(cs_folder_remove(copy) == 0);
    return stored.revoked_at;
}

static void test_sweep(void)
{
    struct evp_pkey_st *key = NULL, *lost = NULL;
    struct cs_audit_report report = {0};
    struct cs_store *store = cs_ca_get0_store(ca);
    struct cs_issued good, bad, next;
    struct cs_stored_cert stored;
    int64_t later = NOW + DAY + 8 * DAY;
    unsigned before = 0, after = 0;
    uint64_t seq;

    tap_int(sign(&key, "server", "good.example.internal", &root, NOW, &good), 0, "signed");
    tap_int(sign(&lost, "server", "bad.example.internal", &root, NOW, &bad), 0, "signed");
    tap_int(cs_ca_revoke(ca, bad.serial, 1, &root, NOW + HOUR, &findings, &seq), 0, "revoked");
    tap_ok(listed(bad.serial, bad.not_after + HOUR), "on a list that is made after its end");
    tap_ok(!listed(bad.serial, bad.not_after + 2 * DAY), "and no more a day later");
    tap_int(sweep_all(bad.not_after + 2 * DAY), 0, "nothing is due yet");
    tap_int(cs_store_audit_each(store, 0, 0, count_entries, &before), 0, "the log");

    tap_ok(sweep_all(later) > 10, "a week later it is");
    tap_int(cs_store_cert_current(store, bad.serial, &arena, &stored), -ENOENT, "out of the way");
    tap_int(cs_store_cert_get(store, bad.serial, &arena, &stored), 0, "in the archive");
    tap_ok(stored.revoked_at == NOW + HOUR && stored.reason == 1, "with its revocation");
    tap_int(cs_store_audit_each(store, 0, 0, count_entries, &after), 0, "the log");
    tap_int(after, before, "has all its entries");
    tap_int(cs_ca_audit_verify(ca, &report), 0, "gone through");
    tap_int(report.flaw, CS_AUDIT_SOUND, "sound");
    fresh();
    tap_int(cs_ca_revoke(ca, good.serial, 0, &root, later, &findings, &seq), CS_CA_REFUSED,
            "an archived one");
    tap_str(cs_str_from(code()), CS_STR("already-expired"), "is not revoked any more");
    tap_int(sign(&lost, "server", "lost.example.internal", &root, later, &next), CS_CA_REFUSED,
            "a compromised key");
    tap_str(cs_str_from(code()), CS_STR("key-compromised"), "is remembered");
    tap_int(sign(&key, "server", "good.example.internal", &root, later, &next), 0, "signed");
    tap_int(revoked_in_copy(bad.serial, later), NOW + HOUR, "a copy has the archives");
    tap_ok(sweep_all(later + 400LL * DAY) > 0, "more is due");
    tap_int(cs_store_cert_get(store, bad.serial, &arena, &stored), 0, "archives are kept");
    ca->keep_sec = 30 * DAY;
    tap_ok(sweep_all(later + 800LL * DAY) > 0, "unless told otherwise");
    tap_int(cs_store_cert_get(store, bad.serial, &arena, &stored), -ENOENT, "gone for good");
    tap_int(cs_ca_audit_verify(ca, &report), 0, "gone through");
    tap_int(report.flaw, CS_AUDIT_SOUND, "what is left is sound");
    cs_key_free(key);
    cs_key_free(lost);
}

static void test_serials(void)
{
    static const struct {
        const char *text;
        int r;
        const char *again;
    } cases[] = {{"0A", 0, "0A"},
                 {"00:0a:0B", 0, "0A0B"},
                 {"000102030405060708090A0B0C0D0E0FFF", 0, "0102030405060708090A0B0C0D0E0FFF"},
                 {"FF0102030405060708090A0B0C0D0E0FFF", -EINVAL, ""},
                 {"", -EINVAL, ""},
                 {"A", 0, "0A"},
                 {"A0B", 0, "0A0B"},
                 {"a:0b:0C", 0, "0A0B0C"},
                 {"0x0A", 0, "0A"},
                 {"0XA0B", 0, "0A0B"},
                 {"F0102030405060708090A0B0C0D0E0F0F", -EINVAL, ""},
                 {"0x", -EINVAL, ""},
                 {"x0A", -EINVAL, ""},
                 {"A0:B", -EINVAL, ""},
                 {"A0B:0C", -EINVAL, ""},
                 {"0A:", -EINVAL, ""},
                 {"'; --", -EINVAL, ""}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t serial[CS_CA_SERIAL_LEN];
        int r = cs_ca_serial_parse(cs_str_from(cases[i].text), serial);
        tap_int(r, cases[i].r, cases[i].text);
        if (r == 0)
            tap_str(cs_ca_serial_text(cs_str_make(serial, sizeof(serial)), &arena),
                    cs_str_from(cases[i].again), "written again");
    }
}

/* Every kind of key, and no domains. */
static void test_kinds(void)
{
    static const enum cs_make_key_kind kinds[] = {CS_MAKE_P384, CS_MAKE_ED25519, CS_MAKE_RSA3072};
    char where[128];

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct evp_pkey_st *key = NULL;
        struct cs_issued got;
        struct cs_ca_list list;
        snprintf(where, sizeof(where), "%s/kind-%zu", home, i);
        tap_int(init(where, NULL, kinds[i]), 0, "made");
        tap_int(open_ca(where, 0), 0, "opened");
        tap_int(sign(&key, "server", "any.test", &root, NOW, &got), 0, "signed");
        tap_int(cs_ca_crl(ca, 2, 0, NOW, &findings, &list), 0, "a part of the list");
        cs_ca_close(ca);
        cs_key_free(key);
    }
}

int main(void)
{
    snprintf(home, sizeof(home), "/tmp/test_ca.XXXXXX");
    cs_assert(mkdtemp(home) != NULL);
    snprintf(dir, sizeof(dir), "%s/ca", home);
    test_init();
    test_setups();
    tap_int(open_ca(dir, 0), 0, "opened");
    test_sign();
    test_tokens();
    test_renewal();
    test_revocation();
    test_after_restart();
    test_groups();
    test_audit();
    test_looking();
    test_wrong_passphrase();
    test_offline_root();
    test_compromised();
    test_sweep();
    cs_ca_close(ca);
    test_serials();
    test_kinds();
    cs_key_free(web_key);
    cs_key_free(api_key);
    cs_key_free(other_key);
    for (int i = 0; i < 3; i++) {
        char where[128];
        snprintf(where, sizeof(where), "%s/kind-%d", home, i);
        tap_int(cs_folder_remove(where), 0, "removed");
    }
    tap_int(cs_folder_remove(dir), 0, "removed");
    tap_int(rmdir(home), 0, "nothing is left");
    cs_arena_deinit(&arena);
    return tap_done();
}
