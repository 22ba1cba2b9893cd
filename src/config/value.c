/* Numbers as nginx writes them. Sizes and times are checked for overflow at every step. */
#include "config/value.h"

#include <errno.h>

int cs_value_flag(struct cs_str text, bool *ret_value)
{
    if (cs_str_eq_nocase(text, CS_STR("on")))
        *ret_value = true;
    else if (cs_str_eq_nocase(text, CS_STR("off")))
        *ret_value = false;
    else
        return -EINVAL;
    return 0;
}

int cs_value_int(struct cs_str text, int64_t *ret_value)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    uint64_t value;
    int r;

    r = cs_str_to_u64(cs_str_skip(text, negative), INT64_MAX, &value);
    if (r < 0)
        return r;
    *ret_value = negative ? -(int64_t)value : (int64_t)value;
    return 0;
}

static unsigned size_shift(char unit)
{
    switch (cs_lower(unit)) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    default: return 0;
    }
}

int cs_value_size(struct cs_str text, uint64_t *ret_value)
{
    unsigned shift = text.len ? size_shift(text.ptr[text.len - 1]) : 0;
    uint64_t value;
    int r;

    r = cs_str_to_u64(cs_str_sub(text, 0, text.len - (shift != 0)), INT64_MAX >> shift, &value);
    if (r < 0)
        return r;
    *ret_value = value << shift;
    return 0;
}

/* The units from the largest to the smallest; a time names them in this order. */
static const struct time_unit {
    const char *name;
    int64_t ms;
} time_units[] = {
    {"y", 365LL * 86400000}, {"M", 30LL * 86400000}, {"w", 7LL * 86400000}, {"d", 86400000},
    {"h", 3600000},          {"m", 60000},           {"s", 1000},           {"ms", 1},
};
#define N_TIME_UNITS (sizeof(time_units) / sizeof(time_units[0]))
#define UNIT_SECOND 6

/* Take the digits at the front of @rest. */
static int take_digits(struct cs_str *rest, int64_t *ret_value)
{
    size_t n = 0;
    uint64_t value;
    int r;

    while (n < rest->len && rest->ptr[n] >= '0' && rest->ptr[n] <= '9')
        n++;
    r = cs_str_to_u64(cs_str_sub(*rest, 0, n), INT64_MAX, &value);
    if (r < 0)
        return r;
    *rest = cs_str_skip(*rest, n);
    *ret_value = (int64_t)value;
    return 0;
}

/* Take the unit at the front of @rest; none is seconds. Return: its index, or -EINVAL. */
static int take_unit(struct cs_str *rest)
{
    size_t n = 0;

    while (n < rest->len && ((rest->ptr[n] >= 'a' && rest->ptr[n] <= 'z') || rest->ptr[n] == 'M'))
        n++;
    if (n == 0)
        return UNIT_SECOND;
    for (size_t i = 0; i < N_TIME_UNITS; i++) {
        if (cs_str_eq(cs_str_sub(*rest, 0, n), cs_str_from(time_units[i].name))) {
            *rest = cs_str_skip(*rest, n);
            return (int)i;
        }
    }
    return -EINVAL;
}

/* A time in milliseconds with its smallest unit being at most that of index @last_unit. */
static int parse_time(struct cs_str rest, int last_unit, int64_t *ret_ms)
{
    int64_t total = 0;
    int previous = -1;

    do {
        int64_t value, part;
        int r = take_digits(&rest, &value);
        if (r < 0)
            return r;
        int unit = take_unit(&rest);
        if (unit <= previous || unit > last_unit)
            return -EINVAL;
        if (__builtin_mul_overflow(value, time_units[unit].ms, &part) ||
            __builtin_add_overflow(total, part, &total))
            return -ERANGE;
        previous = unit;
        while (rest.len > 1 && rest.ptr[0] == ' ')
            rest = cs_str_skip(rest, 1);
    } while (rest.len > 0);
    *ret_ms = total;
    return 0;
}

int cs_value_msec(struct cs_str text, int64_t *ret_ms)
{
    return parse_time(text, N_TIME_UNITS - 1, ret_ms);
}

int cs_value_sec(struct cs_str text, int64_t *ret_sec)
{
    int64_t ms;
    int r;

    r = parse_time(text, UNIT_SECOND, &ms);
    if (r < 0)
        return r;
    *ret_sec = ms / 1000;
    return 0;
}

int cs_value_choice(const struct cs_choice *choices, struct cs_str text, int64_t *ret_value)
{
    for (; choices && choices->word; choices++) {
        if (cs_str_eq_nocase(text, cs_str_from(choices->word))) {
            *ret_value = choices->value;
            return 0;
        }
    }
    return -EINVAL;
}
