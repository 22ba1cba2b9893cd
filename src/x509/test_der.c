/* DER: one encoding of each value is read, every other one is refused. */
#include "x509/der.h"

#include "base/arena.h"
#include "tap.h"

static struct cs_arena arena;

#define B(lit) CS_STR_INIT(lit)

static const struct {
    const char *what;
    struct cs_str in;
    bool good;
    size_t content, rest;
} elements[] = {
    {"empty content", B("\x05\x00"), true, 0, 0},
    {"one byte", B("\x04\x01z"), true, 1, 0},
    {"something behind it", B("\x04\x01z\x05\x00"), true, 1, 2},
    {"127 bytes is the shortest form's end", B("\x04\x7f"), false, 0, 0},
    {"nothing", B(""), false, 0, 0},
    {"only a tag", B("\x04"), false, 0, 0},
    {"longer than the bytes", B("\x04\x02z"), false, 0, 0},
    {"indefinite length", B("\x30\x80\x00\x00"), false, 0, 0},
    {"long form of a short length", B("\x04\x81\x01z"), false, 0, 0},
    {"leading zero in the length", B("\x04\x82\x00\x01z"), false, 0, 0},
    {"length of five bytes", B("\x04\x85\x01\x00\x00\x00\x00"), false, 0, 0},
    {"length near 4 GiB", B("\x04\x84\xff\xff\xff\xffz"), false, 0, 0},
    {"length cut off", B("\x04\x82\x01"), false, 0, 0},
    {"tag of two bytes", B("\x1f\x01\x00"), false, 0, 0},
};

static void test_elements(void)
{
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        struct cs_str in = elements[i].in;
        struct cs_der_element e = {0};
        bool good = cs_der_any(&in, &e);
        tap_ok(good == elements[i].good, "element: %s", elements[i].what);
        if (good)
            tap_ok(e.content.len == elements[i].content && in.len == elements[i].rest, "its parts");
        else
            tap_ok(in.ptr == elements[i].in.ptr && in.len == elements[i].in.len, "nothing taken");
    }
}

enum what { BOOLEAN, INTEGER, UINT, OID, BITS, TIME };

static const struct {
    enum what what;
    struct cs_str in;
    bool good;
    int64_t value;
} values[] = {
    {BOOLEAN, B("\x01\x01\xff"), true, 1},
    {BOOLEAN, B("\x01\x01\x00"), true, 0},
    {BOOLEAN, B("\x01\x01\x01"), false, 0},
    {BOOLEAN, B("\x01\x02\xff\xff"), false, 0},
    {INTEGER, B("\x02\x01\x00"), true, 1},
    {INTEGER, B("\x02\x02\x00\x80"), true, 2},
    {INTEGER, B("\x02\x01\x80"), true, 1},
    {INTEGER, B("\x02\x00"), false, 0},
    {INTEGER, B("\x02\x02\x00\x7f"), false, 0},
    {INTEGER, B("\x02\x02\xff\x80"), false, 0},
    {UINT, B("\x02\x01\x7f"), true, 127},
    {UINT, B("\x02\x02\x03\xe8"), true, 1000},
    {UINT, B("\x02\x02\x03\xe9"), false, 0}, /* above the maximum asked for */
    {UINT, B("\x02\x01\xff"), false, 0},
    {UINT, B("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false, 0},
    {OID, B("\x06\x03\x55\x04\x03"), true, 3},
    {OID, B("\x06\x00"), false, 0},
    {OID, B("\x06\x02\x55\x80"), false, 0},
    {OID, B("\x06\x03\x55\x80\x01"), false, 0},
    {BITS, B("\x03\x02\x07\x80"), true, 7},
    {BITS, B("\x03\x01\x00"), true, 0},
    {BITS, B("\x03\x02\x07\x81"), false, 0}, /* an unused bit is set */
    {BITS, B("\x03\x02\x08\x00"), false, 0},
    {BITS, B("\x03\x01\x01"), false, 0},
    {BITS, B("\x03\x00"), false, 0},
    {TIME,
     B("\x17\x0d"
       "700101000000Z"),
     true, 0},
    {TIME,
     B("\x17\x0d"
       "491231235959Z"),
     true, 2524607999},
    {TIME,
     B("\x17\x0d"
       "500101000000Z"),
     true, -631152000},
    {TIME,
     B("\x18\x0f"
       "20500101000000Z"),
     true, 2524608000},
    {TIME,
     B("\x18\x0f"
       "99991231235959Z"),
     true, 253402300799},
    {TIME,
     B("\x17\x0b"
       "7001010000Z"),
     false, 0}, /* no seconds */
    {TIME,
     B("\x17\x11"
       "700101000000+0000"),
     false, 0}, /* not Z */
    {TIME,
     B("\x17\x0d"
       "700230000000Z"),
     false, 0}, /* 30 February */
    {TIME,
     B("\x17\x0d"
       "7001010000 0Z"),
     false, 0},
    {TIME,
     B("\x18\x11"
       "20500101000000.5Z"),
     false, 0},
    {TIME,
     B("\x04\x0d"
       "700101000000Z"),
     false, 0},
};

static bool read_value(enum what what, struct cs_str *in, int64_t *ret)
{
    struct cs_str content = {0};
    unsigned unused = 0;
    uint64_t number = 0;
    bool flag = false, good = false;

    switch (what) {
    case BOOLEAN:
        good = cs_der_bool(in, &flag);
        *ret = flag;
        break;
    case INTEGER:
        good = cs_der_integer(in, &content);
        *ret = (int64_t)content.len;
        break;
    case UINT:
        good = cs_der_uint(in, 1000, &number);
        *ret = (int64_t)number;
        break;
    case OID:
        good = cs_der_oid(in, &content);
        *ret = (int64_t)content.len;
        break;
    case BITS:
        good = cs_der_bits(in, &content, &unused);
        *ret = unused;
        break;
    case TIME: good = cs_der_time(in, ret); break;
    }
    return good;
}

static void test_values(void)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct cs_str in = values[i].in;
        int64_t value = 0;
        bool good = read_value(values[i].what, &in, &value);
        tap_ok(good == values[i].good, "value %zu is %s", i,
               values[i].good ? "accepted" : "refused");
        if (good)
            tap_int(value, values[i].value, "what it says");
        tap_int((int64_t)in.len, good ? 0 : (int64_t)values[i].in.len, "what is left");
    }
}

static void test_oid_text(void)
{
    tap_str(cs_der_oid_text(CS_STR("\x2a\x86\x48\x86\xf7\x0d"), &arena), CS_STR("1.2.840.113549"),
            "object identifier");
    tap_str(cs_der_oid_text(CS_STR("\x88\x37"), &arena), CS_STR("2.999"), "arc 2 above 39");
    tap_str(cs_der_oid_text(CS_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), &arena),
            CS_STR("too-long"), "an arc above 64 bits");

    char bytes[65], expected[4 * sizeof(bytes)] = "2.47";
    memset(bytes, 0x7f, sizeof(bytes));
    for (size_t i = 1; i < 64; i++)
        memcpy(expected + 4 * i, ".127", 5);
    tap_str(cs_der_oid_text(cs_str_make(bytes, 64), &arena), cs_str_from(expected), "64 bytes");
    tap_str(cs_der_oid_text(cs_str_make(bytes, 65), &arena), CS_STR("too-long"), "65 bytes");
}

static void test_writer(void)
{
    struct cs_str in, seq, bytes;
    struct cs_der_out out;
    unsigned unused;
    uint64_t number;
    int64_t sec;
    bool flag;

    cs_der_begin(&out, 100000);
    cs_der_open(&out, CS_DER_SEQUENCE);
    cs_der_put_bool(&out, true);
    cs_der_put_uint(&out, CS_DER_INTEGER, 0);
    cs_der_put_uint(&out, CS_DER_INTEGER, 128);
    cs_der_put_unsigned(&out, CS_STR("\x00\x00\x80\x01"));
    cs_der_put_bits(&out, CS_STR("ab"));
    cs_der_put_time(&out, 2524607999);
    cs_der_put_time(&out, 2524608000);
    cs_der_put(&out, CS_DER_OCTET_STRING, CS_STR(""));
    cs_der_close(&out);
    tap_ok(cs_der_end(&out), "all written");
    in = cs_buf_str(&out.buf);
    tap_ok(cs_der_is_one(in, CS_DER_SEQUENCE), "one element");
    tap_ok(cs_der_take(&in, CS_DER_SEQUENCE, &seq) && cs_der_bool(&seq, &flag) && flag, "boolean");
    tap_ok(cs_der_uint(&seq, 0, &number), "zero");
    tap_ok(cs_der_uint(&seq, 128, &number) && number == 128, "128 takes two bytes");
    tap_ok(cs_der_integer(&seq, &bytes) && bytes.len == 3, "shortest form of an unsigned");
    tap_ok(cs_der_bits(&seq, &bytes, &unused) && bytes.len == 2 && !unused, "bits");
    tap_ok(cs_der_next_is(seq, CS_DER_UTC_TIME) && cs_der_time(&seq, &sec) && sec == 2524607999,
           "the last second of 2049");
    tap_ok(cs_der_next_is(seq, CS_DER_GENERALIZED_TIME) && cs_der_time(&seq, &sec) &&
               sec == 2524608000,
           "the first second of 2050");
    cs_der_deinit(&out);
}

static void test_long_lengths(void)
{
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct cs_str in, content, bytes = {cs_arena_raw(&arena, lengths[i] + 1), lengths[i]};
        struct cs_der_out out;
        memset((char *)bytes.ptr, 'x', bytes.len);
        cs_der_begin(&out, 100000);
        cs_der_put(&out, CS_DER_OCTET_STRING, bytes);
        in = cs_buf_str(&out.buf);
        tap_ok(cs_der_end(&out) && cs_der_take(&in, CS_DER_OCTET_STRING, &content) &&
                   cs_str_eq(content, bytes) && in.len == 0,
               "%zu bytes there and back", lengths[i]);
        cs_der_deinit(&out);
    }
}

static void test_writer_failures(void)
{
    struct cs_der_out out;

    cs_der_begin(&out, 4);
    cs_der_put(&out, CS_DER_OCTET_STRING, CS_STR("12345"));
    tap_ok(!cs_der_end(&out), "beyond the maximum");
    cs_der_deinit(&out);
    cs_der_begin(&out, 100);
    cs_der_open(&out, CS_DER_SEQUENCE);
    tap_ok(!cs_der_end(&out), "left open");
    cs_der_deinit(&out);
    cs_der_begin(&out, 100);
    for (int i = 0; i <= CS_DER_DEPTH; i++)
        cs_der_open(&out, CS_DER_SEQUENCE);
    tap_ok(out.failed, "too deep");
    cs_der_deinit(&out);
}

int main(void)
{
    test_elements();
    test_values();
    test_oid_text();
    test_writer();
    test_long_lengths();
    test_writer_failures();
    cs_arena_deinit(&arena);
    return tap_done();
}
