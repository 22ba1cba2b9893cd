/* Pins as people write them, and certificates held against demands. */
#include "x509/demand.h"

#include "tap.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const struct {
    const char *text;
    bool good;
} pins[] = {
    {"sha256//" BASE64, true},
    {"sha256/" BASE64, true},
    {HEX, true},
    {"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", true},
    {"", false},
    {"sha256/", false},
    {"sha256///" BASE64, false},
    {"sha1//" BASE64, false},
    {"sha256//" HEX, false},
    {BASE64, false},
    {"sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
    {"sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", false},
    {"sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8?", false},
    {"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false},
    {"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false},
};

static void test_pins(void)
{
    struct cs_arena arena = {0};

    for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
        struct cs_pin pin = {{0}};
        int r = cs_pin_read(cs_str_from(pins[i].text), &pin);
        tap_ok((r == 0) == pins[i].good, "\"%s\"", pins[i].text);
        if (r == 0)
            tap_str(cs_pin_text(pin.sha256, &arena), CS_STR("sha256//" BASE64),
                    "as inspect has it");
    }
    cs_arena_deinit(&arena);
}

static void test_pinned(void)
{
    struct cs_pin two[] = {{{1}}, {{2}}};
    struct cs_demand demand = {.pins = two, .n_pins = 2}, nothing = {0};
    struct cs_cert cert = {.spki_sha256 = {2}};

    tap_ok(cs_demand_is_pinned(&demand, &cert), "one of two pins is enough");
    cert.spki_sha256[31] = 1;
    tap_ok(!cs_demand_is_pinned(&demand, &cert), "all bytes count");
    tap_ok(cs_demand_is_pinned(&nothing, &cert), "without pins every key will do");
}

static void test_domains(void)
{
    static const struct cs_str id[] = {CS_STR_INIT("spiffe://demo.test/a")},
                               bare[] = {CS_STR_INIT("spiffe://demo.test")},
                               other[] = {CS_STR_INIT("https://demo.test/a")};
    static const struct cs_str demo[] = {CS_STR_INIT("x.test"), CS_STR_INIT("demo.test")},
                               longer[] = {CS_STR_INIT("demo.test.x"), CS_STR_INIT("demo")};
    struct cs_demand demand = {.domains = demo, .n_domains = 2}, nothing = {0};
    struct cs_cert cert = {.san.uri = {.items = id, .n = 1}};
    struct cs_str found;

    tap_ok(cs_demand_has_domain(&demand, &cert, &found), "in one of two domains");
    demand.domains = longer;
    tap_ok(!cs_demand_has_domain(&demand, &cert, &found), "domains are compared whole");
    tap_str(found, id[0], "the ID that was held against them");
    demand.domains = demo;
    cert.san.uri.items = bare;
    tap_ok(!cs_demand_has_domain(&demand, &cert, &found), "an ID that no leaf may have");
    cert.san.uri.items = other;
    tap_ok(!cs_demand_has_domain(&demand, &cert, &found), "another URI");
    tap_int((int64_t)found.len, 0, "is no ID");
    tap_ok(cs_demand_has_domain(&nothing, &cert, &found), "no domain is asked for");
}

static void digest_of(const struct cs_demand *demand, uint8_t ret[32])
{
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_demand_digest(demand, &digest);
    cs_digest_final(&digest, ret);
}

static void test_digest(void)
{
    static const struct cs_str domain[] = {CS_STR_INIT("demo.test")};
    struct cs_pin pin = {{1}}, twin = {{2}};
    struct cs_demand pinned = {.pins = &pin, .n_pins = 1}, other = {.pins = &twin, .n_pins = 1},
                     named = {.domains = domain, .n_domains = 1}, nothing = {0};
    uint8_t a[32], b[32];

    digest_of(&pinned, a);
    digest_of(&other, b);
    tap_ok(memcmp(a, b, 32) != 0, "another pin, another digest");
    digest_of(&named, b);
    tap_ok(memcmp(a, b, 32) != 0, "nor is a domain a pin");
    digest_of(&nothing, a);
    digest_of(NULL, b);
    tap_ok(memcmp(a, b, 32) == 0, "nothing is nothing");
}

int main(void)
{
    test_pins();
    test_pinned();
    test_domains();
    test_digest();
    return tap_done();
}
