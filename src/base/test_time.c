/* Calendar: known instants, both ways, beyond 2038 and 2049; impossible dates refused. */
#include "base/time.h"

#include <errno.h>

#include "tap.h"

static void test_dates(void)
{
    static const struct {
        struct cs_date date;
        int r;
        int64_t sec;
    } rows[] = {
        {{1970, 1, 1, 0, 0, 0, 4}, 0, 0},
        {{1994, 11, 6, 8, 49, 37, 0}, 0, 784111777},
        {{2038, 1, 19, 3, 14, 8, 2}, 0, 2147483648},
        {{2000, 2, 29, 12, 0, 0, 2}, 0, 951825600},
        {{2050, 1, 1, 0, 0, 0, 6}, 0, 2524608000},
        {{9999, 12, 31, 23, 59, 59, 5}, 0, 253402300799},
        {{1969, 12, 31, 23, 59, 59, 3}, 0, -1},
        {{1900, 2, 28, 0, 0, 0, 3}, 0, -2203977600},
        {{1900, 2, 29, 0, 0, 0, 0}, -EINVAL, 0},
        {{2023, 2, 29, 0, 0, 0, 0}, -EINVAL, 0},
        {{2023, 4, 31, 0, 0, 0, 0}, -EINVAL, 0},
        {{2023, 13, 1, 0, 0, 0, 0}, -EINVAL, 0},
        {{2023, 0, 1, 0, 0, 0, 0}, -EINVAL, 0},
        {{2023, 1, 1, 24, 0, 0, 0}, -EINVAL, 0},
        {{2023, 1, 1, 0, 0, 60, 0}, -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t sec = 0;
        struct cs_date back;
        tap_int(cs_date_to_time(&rows[i].date, &sec), rows[i].r, "outcome");
        tap_int(sec, rows[i].sec, "seconds");
        if (rows[i].r)
            continue;
        back = cs_date_from_time(sec);
        tap_ok(memcmp(&back, &rows[i].date, sizeof(back)) == 0, "and back, with the weekday");
    }
}

static void test_spans(void)
{
    static const struct {
        int64_t sec;
        const char *text;
    } rows[] = {
        {0, "0 seconds"},
        {1, "1 second"},
        {-1, "1 second"},
        {119, "119 seconds"},
        {120, "2 minutes"},
        {7199, "119 minutes"},
        {7200, "2 hours"},
        {172799, "47 hours"},
        {172800, "2 days"},
        {91 * 86400, "91 days"},
        {92 * 86400, "3 months"},
        {364 * 86400, "11 months"},
        {731 * 86400, "2 years"},
        {3650 * 86400, "9 years"},
        {INT64_MIN, "292271023045 years"},
        {INT64_MAX, "292271023045 years"},
    };
    char buf[CS_TIME_TEXT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_str(cs_time_span(rows[i].sec, buf), cs_str_from(rows[i].text), "a span");
}

static void test_http(void)
{
    static const struct {
        const char *text;
        int r;
        int64_t sec;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0, 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0, 0},
        {"Mon, 29 Feb 2100 00:00:00 GMT", -EINVAL, 0},
        {"Sun, 06 Nov 1994 08:49:37 UTC", -EINVAL, 0},
        {"Sun, 06 nov 1994 08:49:37 GMT", -EINVAL, 0},
        {"Sun, 6 Nov 1994 08:49:37 GMT", -EINVAL, 0},
        {"Sun, +6 Nov 1994 08:49:37 GMT", -EINVAL, 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -EINVAL, 0},
        {"", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t sec = 0;
        tap_int(cs_time_http_parse(cs_str_from(rows[i].text), &sec), rows[i].r, rows[i].text);
        tap_int(sec, rows[i].sec, rows[i].text);
    }
}

static void test_parse(void)
{
    static const struct {
        const char *text;
        int r;
        int64_t sec;
    } rows[] = {
        {"1994-11-06", 0, 784080000},
        {"1994-11-06T08:49:37Z", 0, 784111777},
        {"1994-11-06 08:49:37", 0, 784111777},
        {"1994-11-06T08:49Z", 0, 784111740},
        {"1994-11-06 08:49", 0, 784111740},
        {"1994-11-06Z", 0, 784080000},
        {"@784111777", 0, 784111777},
        {"@0", 0, 0},
        {"", -EINVAL, 0},
        {"@", -EINVAL, 0},
        {"@-1", -EINVAL, 0},
        {"@99999999999999999999", -EINVAL, 0},
        {"1994-11", -EINVAL, 0},
        {"1994-11-31", -EINVAL, 0},
        {"1994-11-6", -EINVAL, 0},
        {"1994-11-06T", -EINVAL, 0},
        {"1994-11-06T08", -EINVAL, 0},
        {"1994-11-06T08:49:", -EINVAL, 0},
        {"1994-11-06T08:49:37+01:00", -EINVAL, 0},
        {"1994-11-06T08:49:37Zx", -EINVAL, 0},
        {"94-11-06", -EINVAL, 0},
        {"1994/11/06", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t sec = 0;
        tap_int(cs_time_parse(cs_str_from(rows[i].text), &sec), rows[i].r, rows[i].text);
        tap_int(sec, rows[i].sec, "its seconds");
    }
}

int main(void)
{
    char buf[CS_TIME_TEXT];
    int64_t sec = 784111777;

    test_dates();
    test_spans();
    test_http();
    test_parse();
    tap_str(cs_time_http(sec, buf), CS_STR("Sun, 06 Nov 1994 08:49:37 GMT"), "HTTP");
    tap_str(cs_time_iso(sec, buf), CS_STR("1994-11-06T08:49:37Z"), "ISO");
    tap_str(cs_time_iso_local(sec, -90, buf), CS_STR("1994-11-06T07:19:37-01:30"), "ISO with zone");
    tap_str(cs_time_asn1(sec, buf), CS_STR("Nov  6 08:49:37 1994 GMT"), "ASN.1 text");
    tap_str(cs_time_common(sec, 60, buf), CS_STR("06/Nov/1994:09:49:37 +0100"), "access log");
    tap_str(cs_time_error_log(sec, 0, buf), CS_STR("1994/11/06 08:49:37"), "error log");
    return tap_done();
}
