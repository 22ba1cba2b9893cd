/* Revocations as lines of text, serial numbers as people copy them, and what a set answers. */
#include "x509/revoked.h"

#include "base/mem.h"
#include "tap.h"
#include "x509/name.h"

#define NAME(letter) CS_STR_INIT("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" letter)
#define ISSUER "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
#define LINE                                                                                       \
    "2026-10-01T12:00:00Z serial=0A1B issuer=" ISSUER                                              \
    " reason=keyCompromise until=2027-01-01T00:00:00Z "

static const struct {
    const char *text;
    const char *hex; /* NULL: refused */
} serials[] = {
    {"0A1B", "0A1B"},
    {"a1b", "0A1B"},
    {"0x0a1B", "0A1B"},
    {"  0a:1b ", "0A1B"},
    {"0a 1b", "0A1B"},
    {"0", "00"},
    {"00ffffffffffffffffffffffffffffffffffffffff", "00FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
    {"", NULL},
    {"0x", NULL},
    {":", NULL},
    {"0a1g", NULL},
    {"-5", NULL},
    {"0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c0a1b2c", NULL},
};

static void test_serials(void)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    char hex[2 * CS_REVOKED_SERIAL_MAX];
    size_t len;

    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        int r = cs_serial_read(cs_str_from(serials[i].text), serial, &len);
        tap_int(r == 0, serials[i].hex != NULL, serials[i].text);
        if (r < 0)
            continue;
        cs_hex_encode(serial, len, true, hex);
        tap_str(cs_str_make(hex, 2 * len), cs_str_from(serials[i].hex), "its bytes");
    }
}

static const struct {
    const char *line;
    bool good;
} lines[] = {
    {LINE "CN=alice, O=Example Ltd", true},
    {LINE, true},
    {"2026-10-01T12:00:00Z serial=0A issuer=any reason=unspecified until=unknown ", true},
    {"2026-10-01T12:00:00Z serial=0A issuer=any reason=unspecified until=unknown", true},
    {"", false},
    {"# a remark", false},
    {"2026-10-01T12:00:00Z serial= issuer=any reason=unspecified until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=xy issuer=any reason=unspecified until=unknown x", false},
    {"2026-13-01T12:00:00Z serial=0A issuer=any reason=unspecified until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=0A issuer=some reason=unspecified until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=0A issuer=a665 reason=unspecified until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=0A issuer=any reason=fun until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=0A issuer=any reason=unspecified until=soon x", false},
    {"2026-10-01T12:00:00Z issuer=any serial=0A reason=unspecified until=unknown x", false},
    {"2026-10-01T12:00:00Z serial=0A issuer=any reason=unspecified", false},
};

static void test_lines(void)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX], other[CS_REVOKED_SERIAL_MAX];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct cs_str line = cs_str_from(lines[i].line);
        struct cs_revocation r, again;
        struct cs_buf buf;
        tap_int(cs_revocation_read(line, serial, &r) == 0, lines[i].good, lines[i].line);
        if (!lines[i].good)
            continue;
        cs_buf_init(&buf, 4096);
        cs_assert(cs_revocation_write(&r, &buf) == 0);
        tap_ok(cs_str_starts(cs_buf_str(&buf), line), "written as it was read");
        line = cs_str_sub(cs_buf_str(&buf), 0, buf.len - 1);
        tap_ok(cs_revocation_read(line, other, &again) == 0 && cs_revocation_eq(&r, &again) &&
                   r.not_after == again.not_after && r.reason == again.reason,
               "and read again");
        cs_buf_deinit(&buf);
    }
}

static struct cs_cert cert_of(struct cs_str issuer, struct cs_str serial)
{
    return (struct cs_cert){.issuer = issuer, .serial = serial};
}

/* Whether @set has the certificate, and says the right thing about it. */
static bool has(const struct cs_revoked_set *set, struct cs_str issuer, struct cs_str serial)
{
    struct cs_cert cert = cert_of(issuer, serial);
    int64_t at = 0;
    unsigned reason = 0;

    return cs_revoked_set_check(set, &cert, &at, &reason) && at == 7 && reason == 1;
}

static void test_set(void)
{
    static const struct cs_str a = NAME("a"), upper = NAME("A"), b = NAME("b");
    const struct cs_str high = CS_STR("\0\xff\x01"),
                        unique = CS_STR("\x12\x34\x56\x78\x9a\xbc\xde");
    struct cs_revocation items[] = {
        {.serial = CS_STR("\xff\x01"), .revoked_at = 7, .reason = 1},
        {.serial = unique, .any_issuer = true, .revoked_at = 7, .reason = 1},
        {.serial = high, .revoked_at = 9, .reason = 9},
    };
    struct cs_revoked_set *set;
    struct cs_str bytes;

    cs_name_digest(a, items[0].issuer);
    cs_name_digest(a, items[2].issuer);
    tap_ok(cs_revocation_eq(&items[0], &items[2]), "a zero byte in front does not count");
    tap_ok(!cs_revocation_eq(&items[0], &items[1]), "another number does");
    set = cs_revoked_set_new(items, 3);
    tap_int((int64_t)cs_revoked_set_count(set), 2,
            "one was named twice, and the first time counts");
    tap_ok(has(set, a, high), "the issuer's");
    tap_ok(has(set, upper, high), "however the name is written");
    tap_ok(!has(set, b, high), "not another issuer's");
    tap_ok(!has(set, a, CS_STR("\x01")), "not another number");
    tap_ok(has(set, a, unique) && has(set, b, unique), "anybody's");
    bytes = cs_revoked_set_bytes(set);
    tap_ok(has(cs_revoked_set_from(bytes), a, high), "as bytes");
    tap_ok(!cs_revoked_set_from(cs_str_sub(bytes, 0, bytes.len - 1)), "bytes that are cut");
    tap_ok(!cs_revoked_set_from(cs_str_sub(bytes, 0, 8)), "bytes without a frame");
    cs_revoked_set_free(set);
    set = cs_revoked_set_new(NULL, 0);
    tap_ok(!has(set, a, high) && !has(NULL, a, high), "nothing is in an empty set, or in none");
    cs_revoked_set_free(set);
}

static void test_many(void)
{
    enum { N = CS_REVOKED_MAX };
    struct cs_revocation *items = cs_alloc(N * sizeof(*items));
    uint32_t *serials_of = cs_alloc(N * sizeof(*serials_of));
    struct cs_revoked_set *set;
    size_t found = 0;

    for (size_t i = 0; i < N; i++) {
        serials_of[i] = (uint32_t)(i << 8 | 1); /* no zero byte in front */
        items[i] = (struct cs_revocation){.serial = cs_str_make(&serials_of[i], 4),
                                          .any_issuer = true,
                                          .revoked_at = 7,
                                          .reason = 1};
    }
    set = cs_revoked_set_new(items, N);
    for (size_t i = 0; i < N; i++)
        found += has(set, (struct cs_str){0}, items[i].serial);
    tap_int((int64_t)found, N, "all of as many as there may be");
    tap_int((int64_t)cs_revoked_set_count(set), N, "and no more");
    cs_revoked_set_free(set);
    free(items);
    free(serials_of);
}

int main(void)
{
    test_serials();
    test_lines();
    test_set();
    test_many();
    return tap_done();
}
