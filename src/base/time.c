/* Calendar arithmetic by counting days since 1970 in 400-year cycles; no tables of the C
 * library, no time zone, no locale. */
#include "base/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Years begin in March here, so that the leap day is the last day of the year. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t era, day_of_era;
    int64_t year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int cs_date_to_time(const struct cs_date *d, int64_t *ret_sec)
{
    if (d->year < 0 || d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1 ||
        d->day > days_in_month(d->year, d->month))
        return -EINVAL;
    if (d->hour < 0 || d->hour > 23 || d->minute < 0 || d->minute > 59 || d->second < 0 ||
        d->second > 59)
        return -EINVAL;
    *ret_sec = days_from_civil(d->year, d->month, d->day) * 86400 + d->hour * 3600 +
               d->minute * 60 + d->second;
    return 0;
}

struct cs_date cs_date_from_time(int64_t sec)
{
    int64_t days = sec / 86400, rest = sec % 86400;
    int64_t era, day_of_era, year_of_era, day_of_year, shifted;
    struct cs_date d;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    d.weekday = (int)(((days + 4) % 7 + 7) % 7);
    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted = (5 * day_of_year + 2) / 153;
    d.day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    d.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    d.year = (int)(year_of_era + era * 400 + (d.month <= 2));
    d.hour = (int)(rest / 3600);
    d.minute = (int)(rest / 60 % 60);
    d.second = (int)(rest % 60);
    return d;
}

static struct cs_str finish(char *buf, int n)
{
    return cs_str_make(buf, n < 0 ? 0 : n < CS_TIME_TEXT ? (size_t)n : CS_TIME_TEXT - 1);
}

struct cs_str cs_time_http(int64_t sec, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                weekdays[d.weekday], d.day, months[d.month - 1], d.year, d.hour,
                                d.minute, d.second));
}

/* Two or four digits at @at. Return: them, or -1. */
static int digits_at(struct cs_str text, size_t at, size_t n)
{
    uint64_t value;

    return cs_str_to_u64(cs_str_sub(text, at, n), 9999, &value) < 0 ? -1 : (int)value;
}

static int month_of(struct cs_str name)
{
    for (int i = 0; i < 12; i++) {
        if (cs_str_eq(name, cs_str_from(months[i])))
            return i + 1;
    }
    return 0;
}

int cs_time_http_parse(struct cs_str text, int64_t *ret_sec)
{
    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    struct cs_date date = {
        .year = digits_at(text, 12, 4),
        .month = month_of(cs_str_sub(text, 8, 3)),
        .day = digits_at(text, 5, 2),
        .hour = digits_at(text, 17, 2),
        .minute = digits_at(text, 20, 2),
        .second = digits_at(text, 23, 2),
    };

    if (text.len != 29 || text.ptr[3] != ',' || text.ptr[7] != ' ' || text.ptr[11] != ' ' ||
        text.ptr[19] != ':' || text.ptr[22] != ':' || !cs_str_ends(text, CS_STR(" GMT")))
        return -EINVAL;
    return cs_date_to_time(&date, ret_sec);
}

struct cs_str cs_time_iso(int64_t sec, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", d.year,
                                d.month, d.day, d.hour, d.minute, d.second));
}

struct cs_str cs_time_iso_local(int64_t sec, int offset_min, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec + offset_min * 60);
    int off = abs(offset_min);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d",
                                d.year, d.month, d.day, d.hour, d.minute, d.second,
                                offset_min < 0 ? '-' : '+', off / 60, off % 60));
}

struct cs_str cs_time_asn1(int64_t sec, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%s %2d %02d:%02d:%02d %d GMT",
                                months[d.month - 1], d.day, d.hour, d.minute, d.second, d.year));
}

struct cs_str cs_time_common(int64_t sec, int offset_min, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec + offset_min * 60);
    int off = abs(offset_min);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%02d/%s/%04d:%02d:%02d:%02d %c%02d%02d", d.day,
                                months[d.month - 1], d.year, d.hour, d.minute, d.second,
                                offset_min < 0 ? '-' : '+', off / 60, off % 60));
}

struct cs_str cs_time_error_log(int64_t sec, int offset_min, char buf[CS_TIME_TEXT])
{
    struct cs_date d = cs_date_from_time(sec + offset_min * 60);

    return finish(buf, snprintf(buf, CS_TIME_TEXT, "%04d/%02d/%02d %02d:%02d:%02d", d.year, d.month,
                                d.day, d.hour, d.minute, d.second));
}

struct cs_str cs_time_span(int64_t sec, char buf[CS_TIME_TEXT])
{
    static const struct {
        uint64_t unit;
        const char *name;
        uint64_t least; /* of them: fewer are told in the next smaller unit */
    } units[] = {
        {365 * 86400ull + 86400 / 4, "years", 2}, /* a quarter of a leap day each */
        {30 * 86400ull + 43200, "months", 3},
        {86400, "days", 2},
        {3600, "hours", 2},
        {60, "minutes", 2},
    };
    uint64_t span = sec < 0 ? 0 - (uint64_t)sec : (uint64_t)sec;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t n = span / units[i].unit;
        if (n >= units[i].least)
            return finish(buf, snprintf(buf, CS_TIME_TEXT, "%" PRIu64 " %s", n, units[i].name));
    }
    return finish(buf,
                  snprintf(buf, CS_TIME_TEXT, "%" PRIu64 " second%s", span, span == 1 ? "" : "s"));
}

/* @n digits off the front of @s, then one of @ends (a NUL in it: the text may end here). */
static bool take_digits(struct cs_str *s, size_t n, const char *ends, size_t n_ends, int *ret)
{
    uint64_t value;

    if (s->len < n || cs_str_to_u64(cs_str_sub(*s, 0, n), 9999, &value) < 0)
        return false;
    *s = cs_str_skip(*s, n);
    if (s->len == 0 ? !memchr(ends, 0, n_ends) : !memchr(ends, s->ptr[0], n_ends))
        return false;
    *s = cs_str_skip(*s, 1);
    *ret = (int)value;
    return true;
}

#define ENDS(lit) (lit), sizeof(lit) - 1

int cs_time_parse(struct cs_str text, int64_t *ret_sec)
{
    struct cs_date d = {0};
    uint64_t sec;

    if (text.len && text.ptr[0] == '@') {
        if (cs_str_to_u64(cs_str_skip(text, 1), INT64_MAX / 1000, &sec) < 0)
            return -EINVAL;
        *ret_sec = (int64_t)sec;
        return 0;
    }
    if (text.len && text.ptr[text.len - 1] == 'Z')
        text.len--;
    if (!text.len || text.ptr[text.len - 1] < '0' || text.ptr[text.len - 1] > '9')
        return -EINVAL; /* a separator with nothing behind it */
    if (!take_digits(&text, 4, ENDS("-"), &d.year) || !take_digits(&text, 2, ENDS("-"), &d.month) ||
        !take_digits(&text, 2, ENDS("T \0"), &d.day))
        return -EINVAL;
    if (text.len && (!take_digits(&text, 2, ENDS(":"), &d.hour) ||
                     !take_digits(&text, 2, ENDS(":\0"), &d.minute) ||
                     (text.len && !take_digits(&text, 2, ENDS("\0"), &d.second)) || text.len))
        return -EINVAL;
    return cs_date_to_time(&d, ret_sec);
}
