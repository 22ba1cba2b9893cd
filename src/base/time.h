/* Time as a value. Below the machinery line nobody asks what time it is: the event loop
 * reads both clocks once per turn and hands a cs_now down.
 *
 * Certificate times are seconds since 1970 as int64_t, negative before, so neither 2038
 * nor 2050 is special.
 */
#ifndef CS_BASE_TIME_H
#define CS_BASE_TIME_H

#include <stdint.h>

#include "base/str.h"

struct cs_now {
    int64_t mono_ms; /* monotonic clock: deadlines and durations */
    int64_t wall_ms; /* time of day, ms since 1970: certificates and logs */
};

/** cs_now_sec() - the wall clock in whole seconds. */
static inline int64_t cs_now_sec(const struct cs_now *now)
{
    return now->wall_ms / 1000;
}

/* A calendar date and time of day. */
struct cs_date {
    int year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour, minute, second;
    int weekday; /* 0 Sunday .. 6; ignored by cs_date_to_time() */
};

/** cs_date_to_time() - seconds since 1970 of a UTC date (proleptic Gregorian).
 *  Return: 0, or -EINVAL when a field is out of range (31 February, second 60). */
int cs_date_to_time(const struct cs_date *date, int64_t *ret_sec);
/** cs_date_from_time() - the UTC date of @sec. */
struct cs_date cs_date_from_time(int64_t sec);

/* Room for any of the texts below, NUL included. */
#define CS_TIME_TEXT 40

/** cs_time_http() - "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), UTC. */
struct cs_str cs_time_http(int64_t sec, char buf[CS_TIME_TEXT]);
/** cs_time_http_parse() - such a text read: the form that RFC 9110 section 5.6.7 prefers, the
 * weekday unchecked. Return: 0, or -EINVAL. */
int cs_time_http_parse(struct cs_str text, int64_t *ret_sec);
/** cs_time_iso() - "1994-11-06T08:49:37Z", UTC. */
struct cs_str cs_time_iso(int64_t sec, char buf[CS_TIME_TEXT]);
/** cs_time_iso_local() - "1994-11-06T08:49:37+01:00"; @offset_min is the zone's offset. */
struct cs_str cs_time_iso_local(int64_t sec, int offset_min, char buf[CS_TIME_TEXT]);
/** cs_time_asn1() - "Nov  6 08:49:37 1994 GMT", as OpenSSL and $ssl_client_v_end write it. */
struct cs_str cs_time_asn1(int64_t sec, char buf[CS_TIME_TEXT]);
/** cs_time_common() - "06/Nov/1994:08:49:37 +0100", as access logs write it. */
struct cs_str cs_time_common(int64_t sec, int offset_min, char buf[CS_TIME_TEXT]);
/** cs_time_span() - how long @sec (its sign does not count) is, for people, rounded down to one
 *  unit that tells enough: "90 seconds", "47 hours", "89 days", "14 months", "9 years". */
struct cs_str cs_time_span(int64_t sec, char buf[CS_TIME_TEXT]);
/** cs_time_parse() - a UTC time as people write it: "2027-01-31", "2027-01-31T12:00:00Z", the same
 *  with a blank for "T" or without seconds or "Z", or "@1800000000". Return: 0, or -EINVAL. */
int cs_time_parse(struct cs_str text, int64_t *ret_sec);
/** cs_time_error_log() - "1994/11/06 08:49:37", local time, as error logs write it. */
struct cs_str cs_time_error_log(int64_t sec, int offset_min, char buf[CS_TIME_TEXT]);

#endif
