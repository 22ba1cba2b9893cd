/* A unit test is a small program that prints TAP (https://testanything.org): one line per
 * check, numbered, and a plan at the end. Include this in exactly one file per program. */
#ifndef CS_TESTS_LIB_TAP_H
#define CS_TESTS_LIB_TAP_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static int tap_count;
static int tap_failed;

/** tap_ok() - one check: @pass, described by the format. */
__attribute__((format(printf, 2, 3))) static inline bool tap_ok(bool pass, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    if (!pass)
        tap_failed++;
    return pass;
}

/** tap_int() - @got equals @want; both are shown when not. */
static inline bool tap_int(int64_t got, int64_t want, const char *what)
{
    bool pass = tap_ok(got == want, "%s", what);
    if (!pass)
        printf("#   got  %" PRId64 "\n#   want %" PRId64 "\n", got, want);
    return pass;
}

/** tap_str() - @got equals @want; both are shown when not. */
static inline bool tap_str(struct cs_str got, struct cs_str want, const char *what)
{
    bool pass = tap_ok(cs_str_eq(got, want), "%s", what);
    if (!pass)
        printf("#   got  \"%.*s\"\n#   want \"%.*s\"\n", CS_FMT(got), CS_FMT(want));
    return pass;
}

/** tap_done() - print the plan. Return: the exit status for main(). */
static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

#endif
