/* Numbers: what is accepted, with its value, and what is refused. */
#include "config/value.h"

#include "tap.h"

#include <errno.h>

struct row {
    const char *text;
    int r;
    int64_t value;
};

static void test_msec(void)
{
    static const struct row rows[] = {
        {"0", 0, 0},
        {"30", 0, 30000},
        {"30s", 0, 30000},
        {"500ms", 0, 500},
        {"5m", 0, 300000},
        {"1h 30m", 0, 5400000},
        {"1h30m", 0, 5400000},
        {"1h  30m", 0, 5400000},
        {"1m 30", 0, 90000},
        {"1s500ms", 0, 1500},
        {"2d", 0, 172800000},
        {"1w", 0, 604800000},
        {"1M", 0, 2592000000},
        {"1y", 0, 31536000000},
        {"1y 1M 1w 1d 1h 1m 1s 1ms", 0, 34822861001},
        {"", -EINVAL, 0},
        {" 1s", -EINVAL, 0},
        {"1s ", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"1.5s", -EINVAL, 0},
        {"1S", -EINVAL, 0},
        {"1sec", -EINVAL, 0},
        {"30m 1h", -EINVAL, 0},
        {"1h 1h", -EINVAL, 0},
        {"1 1", -EINVAL, 0},
        {"1ms 1s", -EINVAL, 0},
        {"1 s", -EINVAL, 0},
        {"99999999999999999999", -ERANGE, 0},
        {"9223372036854775807y", -ERANGE, 0},
        {"292471208y 300000000d", -ERANGE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -7;
        int r = cs_value_msec(cs_str_from(rows[i].text), &value);
        tap_ok(r == rows[i].r && value == (r < 0 ? -7 : rows[i].value), "msec \"%s\": %d %" PRId64,
               rows[i].text, r, value);
    }
}

static void test_sec(void)
{
    static const struct row rows[] = {
        {"30", 0, 30},       {"1h 30m", 0, 5400},      {"5m", 0, 300},       {"1s", 0, 1},
        {"1ms", -EINVAL, 0}, {"1s 500ms", -EINVAL, 0}, {"soon", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -7;
        int r = cs_value_sec(cs_str_from(rows[i].text), &value);
        tap_ok(r == rows[i].r && value == (r < 0 ? -7 : rows[i].value), "sec \"%s\": %d %" PRId64,
               rows[i].text, r, value);
    }
}

static void test_size(void)
{
    static const struct row rows[] = {
        {"0", 0, 0},
        {"512", 0, 512},
        {"8k", 0, 8192},
        {"8K", 0, 8192},
        {"10m", 0, 10485760},
        {"10M", 0, 10485760},
        {"2g", 0, 2147483648},
        {"9223372036854775807", 0, INT64_MAX},
        {"9007199254740991k", 0, 9223372036854774784},
        {"", -EINVAL, 0},
        {"k", -EINVAL, 0},
        {"1kb", -EINVAL, 0},
        {"1t", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"1 k", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"9007199254740992k", -ERANGE, 0},
        {"8589934592g", -ERANGE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t value = 7;
        int r = cs_value_size(cs_str_from(rows[i].text), &value);
        tap_ok(r == rows[i].r && value == (r < 0 ? 7 : (uint64_t)rows[i].value),
               "size \"%s\": %d %" PRIu64, rows[i].text, r, value);
    }
}

static void test_int(void)
{
    static const struct row rows[] = {
        {"0", 0, 0},        {"42", 0, 42},       {"-5", 0, -5},
        {"", -EINVAL, 0},   {"-", -EINVAL, 0},   {"+1", -EINVAL, 0},
        {"1k", -EINVAL, 0}, {"--1", -EINVAL, 0}, {"9223372036854775808", -ERANGE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = -7;
        int r = cs_value_int(cs_str_from(rows[i].text), &value);
        tap_ok(r == rows[i].r && value == (r < 0 ? -7 : rows[i].value), "int \"%s\": %d %" PRId64,
               rows[i].text, r, value);
    }
}

static void test_words(void)
{
    static const struct cs_choice choices[] = {{"off", 0}, {"optional", 7}, {NULL, 0}};
    bool flag = false;
    int64_t value = -1;

    tap_ok(cs_value_flag(CS_STR("on"), &flag) == 0 && flag, "on");
    tap_ok(cs_value_flag(CS_STR("OFF"), &flag) == 0 && !flag, "OFF");
    tap_int(cs_value_flag(CS_STR("true"), &flag), -EINVAL, "true is no flag");
    tap_int(cs_value_flag(CS_STR(""), &flag), -EINVAL, "nothing is no flag");
    tap_ok(cs_value_choice(choices, CS_STR("Optional"), &value) == 0 && value == 7, "Optional");
    tap_int(cs_value_choice(choices, CS_STR("option"), &value), -EINVAL, "option is no choice");
    tap_int(cs_value_choice(NULL, CS_STR("off"), &value), -EINVAL, "no choices");
}

int main(void)
{
    test_msec();
    test_sec();
    test_size();
    test_int();
    test_words();
    return tap_done();
}
