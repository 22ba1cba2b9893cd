/* What parts of a list cover: every way in which an issuing distribution point can say it, and
 * every way in which a certificate can seem to belong to a part and does not. */
#include "x509/coverage.h"

#include "base/mem.h"
#include "tap.h"

#define B(text) CS_STR_INIT(text)

/* GeneralNames "a" and "b", and a distribution point with one of them. */
#define A                                                                                          \
    "\x86\x01"                                                                                     \
    "a" /* URI */
#define URI_B                                                                                      \
    "\x86\x01"                                                                                     \
    "b"
#define NAMED_A "\xa0\x05\xa0\x03" A
#define POINT_A "\x30\x07" NAMED_A
#define POINT_B "\x30\x07\xa0\x05\xa0\x03" URI_B

static const struct {
    const char *what;
    struct cs_str value;
    struct cs_coverage coverage; /* zeroed: refused */
} readings[] = {
    {"a name", B("\x30\x07" NAMED_A), {true, true, true, B(A)}},
    {"two names", B("\x30\x0a\xa0\x08\xa0\x06" A URI_B), {true, true, true, B(A URI_B)}},
    {"users", B("\x30\x03\x81\x01\xff"), {true, true, false, {0}}},
    {"CAs", B("\x30\x03\x82\x01\xff"), {true, false, true, {0}}},
    {"a name, users", B("\x30\x0a" NAMED_A "\x81\x01\xff"), {true, true, false, B(A)}},
    {"a name, CAs", B("\x30\x0a" NAMED_A "\x82\x01\xff"), {true, false, true, B(A)}},
    {"nothing at all", B(""), {0}},
    {"nothing in it", B("\x30\x00"), {0}},
    {"no SEQUENCE", B("\x31\x03\x81\x01\xff"), {0}},
    {"cut", B("\x30\x07\xa0\x05\xa0\x03\x86\x01"), {0}},
    {"something behind it", B("\x30\x03\x81\x01\xff\x00"), {0}},
    {"a FALSE, which DER leaves out", B("\x30\x03\x81\x01\x00"), {0}},
    {"a BOOLEAN of another value", B("\x30\x03\x81\x01\x01"), {0}},
    {"a BOOLEAN of two bytes", B("\x30\x04\x81\x02\xff\xff"), {0}},
    {"users and CAs", B("\x30\x06\x81\x01\xff\x82\x01\xff"), {0}},
    {"in another order", B("\x30\x0a\x81\x01\xff" NAMED_A), {0}},
    {"said twice", B("\x30\x06\x81\x01\xff\x81\x01\xff"), {0}},
    {"some reasons", B("\x30\x0b" NAMED_A "\x83\x02\x06\x40"), {0}},
    {"indirect", B("\x30\x03\x84\x01\xff"), {0}},
    {"a name, indirect", B("\x30\x0a" NAMED_A "\x84\x01\xff"), {0}},
    {"attribute certificates", B("\x30\x03\x85\x01\xff"), {0}},
    {"a member that is not known", B("\x30\x0a" NAMED_A "\x86\x01\xff"), {0}},
    {"a relative name", B("\x30\x04\xa0\x02\xa1\x00"), {0}},
    {"no names", B("\x30\x04\xa0\x02\xa0\x00"), {0}},
    {"a point without a name", B("\x30\x02\xa0\x00"), {0}},
    {"names that are no DER",
     B("\x30\x07\xa0\x05\xa0\x03\x86\x02"
       "a"),
     {0}},
    {"two of them", B("\x30\x0c\xa0\x0a\xa0\x03" A "\xa0\x03" A), {0}},
};

static void test_reading(void)
{
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        const struct cs_coverage *wanted = &readings[i].coverage;
        struct cs_crl list = {.has_issuing_point = true, .issuing_point = readings[i].value};
        struct cs_coverage coverage = {0};
        const char *why = cs_coverage_read(&list, &coverage);
        tap_ok(!why == wanted->is_part && coverage.is_part == wanted->is_part &&
                   coverage.users == wanted->users && coverage.cas == wanted->cas &&
                   cs_str_eq(coverage.names, wanted->names),
               "%s: %s", readings[i].what, why ? why : "read");
    }
}

static const struct {
    const char *what;
    struct cs_str points; /* of the certificate */
    struct cs_str value;  /* of the list */
    bool ca, covered;
} matches[] = {
    {"its part", B(POINT_A), B("\x30\x07" NAMED_A), false, true},
    {"another part", B(POINT_B), B("\x30\x07" NAMED_A), false, false},
    {"no points", B(""), B("\x30\x07" NAMED_A), false, false},
    {"the second point", B(POINT_B POINT_A), B("\x30\x07" NAMED_A), false, true},
    {"the second name of a point", B("\x30\x0a\xa0\x08\xa0\x06" URI_B A), B("\x30\x07" NAMED_A),
     false, true},
    {"the second name of the part", B(POINT_A), B("\x30\x0a\xa0\x08\xa0\x06" URI_B A), false, true},
    {"the same letter as a host name",
     B("\x30\x07\xa0\x05\xa0\x03\x82\x01"
       "a"),
     B("\x30\x07" NAMED_A), false, false},
    {"in capitals",
     B("\x30\x07\xa0\x05\xa0\x03\x86\x01"
       "A"),
     B("\x30\x07" NAMED_A), false, false},
    {"longer",
     B("\x30\x08\xa0\x06\xa0\x04\x86\x02"
       "ab"),
     B("\x30\x07" NAMED_A), false, false},
    {"empty", B("\x30\x06\xa0\x04\xa0\x02\x86\x00"), B("\x30\x07" NAMED_A), false, false},
    {"a point for some reasons", B("\x30\x0b" NAMED_A "\x81\x02\x06\x40"), B("\x30\x07" NAMED_A),
     false, false},
    {"a point of another issuer's lists", B("\x30\x0d" NAMED_A "\xa2\x04\xa4\x02\x30\x00"),
     B("\x30\x07" NAMED_A), false, false},
    {"a point with a relative name", B("\x30\x07\xa0\x05\xa1\x03" A), B("\x30\x07" NAMED_A), false,
     false},
    {"points that are no DER", B("\x30\x09" NAMED_A), B("\x30\x07" NAMED_A), false, false},
    {"users: a user", B(""), B("\x30\x03\x81\x01\xff"), false, true},
    {"users: a CA", B(""), B("\x30\x03\x81\x01\xff"), true, false},
    {"CAs: a user", B(""), B("\x30\x03\x82\x01\xff"), false, false},
    {"CAs: a CA", B(""), B("\x30\x03\x82\x01\xff"), true, true},
    {"a part with users: a CA that names it", B(POINT_A), B("\x30\x0a" NAMED_A "\x81\x01\xff"),
     true, false},
    {"a part with users: a user of another part", B(POINT_B), B("\x30\x0a" NAMED_A "\x81\x01\xff"),
     false, false},
};

static bool covers(struct cs_str value, struct cs_str points_der, bool ca)
{
    struct cs_crl list = {.has_issuing_point = true, .issuing_point = value};
    struct cs_cert cert = {.ca = ca, .crl_points = points_der};
    struct cs_points points;
    struct cs_coverage coverage;

    cs_assert(!cs_coverage_read(&list, &coverage));
    cs_points_of(&cert, &points);
    return cs_coverage_has(&coverage, &cert, &points);
}

/* So many points of other parts, then one of A. */
static void test_many(void)
{
    struct cs_str one = CS_STR(POINT_B), last = CS_STR(POINT_A);
    char der[(CS_POINTS_MAX + 1) * (sizeof(POINT_A) - 1)];

    for (size_t n = CS_POINTS_MAX - 1; n <= CS_POINTS_MAX; n++) {
        for (size_t i = 0; i < n; i++)
            memcpy(der + i * one.len, one.ptr, one.len);
        memcpy(der + n * one.len, last.ptr, last.len);
        tap_ok(covers(CS_STR("\x30\x07" NAMED_A), cs_str_make(der, (n + 1) * one.len), false) ==
                   (n < CS_POINTS_MAX),
               "behind %zu other points", n);
    }
}

int main(void)
{
    struct cs_crl complete = {0};
    struct cs_points none = {.n = 0};
    struct cs_cert cert = {0};
    struct cs_coverage coverage;

    test_reading();
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
        tap_ok(covers(matches[i].value, matches[i].points, matches[i].ca) == matches[i].covered,
               "%s", matches[i].what);
    test_many();
    tap_ok(!cs_coverage_read(&complete, &coverage) && cs_coverage_has(&coverage, &cert, &none),
           "a complete list covers all");
    return tap_done();
}
