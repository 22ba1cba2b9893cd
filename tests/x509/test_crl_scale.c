/* A big revocation list: made, read, asked. The time is shown, the size is checked.
 *
 * usage: test_crl_scale [ENTRIES] (default 100000) */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "authority/make.h"
#include "base/mem.h"
#include "x509/crl.h"
#include "x509/key.h"
#include "x509/pem.h"

enum { SERIAL = 20, NOW = 1800000000, MAX = 1 << 30 };

static uint64_t state = 88172645463325252u;

static void draw(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (uint8_t)state;
    }
    bytes[0] = (bytes[0] & 0x3f) | 0x40;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct cs_cert make_ca(struct cs_arena *arena, struct evp_pkey_st *key)
{
    struct cs_cert_spec spec = {.common_name = CS_STR("Big"),
                                .ca = true,
                                .path_len = -1,
                                .key_usage = CS_USAGE_KEY_CERT_SIGN | CS_USAGE_CRL_SIGN,
                                .not_before = NOW - 1000,
                                .not_after = NOW + 1000};
    struct cs_findings findings;
    struct cs_cert cert = {0};
    struct cs_buf der;

    cs_findings_init(&findings, arena);
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_cert(&spec, key, NULL, &der) == 0);
    cs_assert(cs_cert_parse(cs_arena_dup(arena, cs_buf_str(&der)), arena, &findings, &cert) == 0);
    cs_buf_deinit(&der);
    return cert;
}

/* Every entry is found with its date and reason, and nothing else is. */
static void check_entries(const struct cs_crl_set *set, const struct cs_make_revoked *revoked,
                          size_t n, const struct cs_cert *ca)
{
    struct cs_cert cert = {0};
    uint8_t other[SERIAL];
    size_t wrong = 0;

    for (size_t i = 0; i < n; i += n / 1000 + 1) {
        struct cs_crl_answer a;
        cert.serial = revoked[i].serial;
        a = cs_crl_set_check(set, &cert, ca, NOW);
        wrong += a.status != CS_CRL_REVOKED || a.revoked_at != revoked[i].date ||
                 a.reason != revoked[i].reason;
        draw(other, sizeof(other));
        cert.serial = cs_str_make(other, sizeof(other));
        wrong += cs_crl_set_check(set, &cert, ca, NOW).status != CS_CRL_GOOD;
    }
    tap_int((int64_t)wrong, 0, "listed serials are revoked, others are not");
}

static struct cs_str map_copy(struct cs_str block)
{
    void *copy = mmap(NULL, block.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cs_assert(copy != MAP_FAILED);
    return cs_str_make(memcpy(copy, block.ptr, block.len), block.len);
}

/* What another process that is handed the block can tell. */
static void hand_over(const struct cs_crl_lists *lists, const struct cs_make_revoked *revoked,
                      size_t n, const struct cs_cert *ca)
{
    struct cs_source source = {.file = CS_STR("big")};
    struct cs_str copy = map_copy(cs_crl_lists_block(lists));
    struct cs_crl_lists *opened = NULL;
    struct cs_crl_set *set = NULL;
    struct cs_arena arena = {0};
    struct cs_findings findings;
    double start = seconds();

    cs_findings_init(&findings, &arena);
    tap_int(cs_crl_lists_open(copy, &source, &opened), 0, "a copy of the block elsewhere");
    tap_int(cs_crl_set_new(opened, ca, 1, NULL, &findings, &set), 0, "has the same signature");
    printf("# opened in %.3f ms of processor time\n", (seconds() - start) * 1e3);
    tap_ok(memcmp(cs_crl_set_digest(set), cs_crl_lists_digest(lists), 32) == 0, "and digest");
    cs_crl_lists_free(opened);
    check_entries(set, revoked, n, ca);
    cs_crl_set_free(set);

    copy = map_copy(cs_str_sub(cs_crl_lists_block(lists), 0, copy.len - 1));
    tap_int(cs_crl_lists_open(copy, &source, &opened), -EBADMSG, "one that is cut is refused");
    munmap((void *)copy.ptr, copy.len);
    copy = map_copy(CS_STR("-----BEGIN X509 CRL-----"));
    tap_int(cs_crl_lists_open(copy, &source, &opened), -EBADMSG, "so is what is none");
    munmap((void *)copy.ptr, copy.len);
}

static void load(const char *what, struct cs_str bytes, const struct cs_make_revoked *revoked,
                 size_t n, const struct cs_cert *ca)
{
    struct cs_source source = {.bytes = bytes, .file = CS_STR("big")};
    struct cs_arena arena = {0};
    struct cs_findings findings;
    struct cs_crl_lists *lists = NULL;
    struct cs_crl_set *set = NULL, *second = NULL;
    double start = seconds(), read;
    size_t size, second_size;

    cs_findings_init(&findings, &arena);
    tap_int(cs_crl_lists_new(&source, 1, &findings, &lists), 0, what);
    tap_int(cs_crl_set_new(lists, ca, 1, NULL, &findings, &set), 0, "its signature");
    read = seconds() - start;
    start = seconds();
    tap_int(cs_crl_set_new(lists, NULL, 0, NULL, &findings, &second), 0, "for other CAs");
    tap_ok(seconds() - start < read / 10, "once more costs next to nothing");
    tap_ok(cs_crl_set_block(set, &size) == cs_crl_set_block(second, &second_size), "held once");
    cs_crl_set_free(second);
    hand_over(lists, revoked, n, ca);
    cs_crl_lists_free(lists);
    printf("# %s: %zu bytes read in %.0f ms of processor time, %zu bytes kept\n", what, bytes.len,
           read * 1e3, size);
    tap_int((int64_t)cs_crl_set_entries(set), (int64_t)n, "all entries");
    tap_ok(size <= 40 * n + 8192, "at most 40 bytes an entry");
    check_entries(set, revoked, n, ca);
    cs_crl_set_free(set);
    cs_arena_deinit(&arena);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 100000;
    struct cs_make_revoked *revoked = cs_alloc(n * sizeof(*revoked));
    uint8_t *serials = cs_alloc(n * SERIAL);
    struct cs_crl_spec spec = {revoked, n, NOW - 10, NOW + 10, 1};
    struct evp_pkey_st *key = NULL;
    struct cs_arena arena = {0};
    struct cs_buf der, pem;
    struct cs_cert ca;

    cs_assert(cs_make_key(CS_MAKE_P256, &key) == 0);
    ca = make_ca(&arena, key);
    for (size_t i = 0; i < n; i++) {
        draw(serials + i * SERIAL, SERIAL);
        revoked[i] = (struct cs_make_revoked){cs_str_make(serials + i * SERIAL, SERIAL),
                                              NOW - (int64_t)i % 1000, (unsigned)i % 6};
    }
    cs_buf_init(&der, MAX);
    cs_buf_init(&pem, MAX);
    cs_assert(cs_make_crl(&spec, &(struct cs_make_issuer){&ca, key}, &der) == 0);
    cs_assert(cs_pem_write(&pem, CS_STR("X509 CRL"), cs_buf_str(&der)) == 0);
    load("DER", cs_buf_str(&der), revoked, n, &ca);
    load("PEM", cs_buf_str(&pem), revoked, n, &ca);
    cs_buf_deinit(&der);
    cs_buf_deinit(&pem);
    cs_key_free(key);
    cs_arena_deinit(&arena);
    free(revoked);
    free(serials);
    return tap_done();
}
