/* The same visit with one thing changed at a time: which change makes a difference tells what the
 * matter is, where an alert or a closed connection does not. */
#ifndef CS_DOCTOR_COMPARE_H
#define CS_DOCTOR_COMPARE_H

#include "doctor/probe.h"

#define CS_COMPARE_MAX 12

struct cs_attempt {
    const char *change;  /* "with TLS 1.2 only"; static */
    struct cs_str code;  /* of its first cause; empty: nothing failed */
    struct cs_str words; /* the primary clause of that */
    bool helps;          /* nothing failed, unlike without the change */
    bool differs;        /* something else failed */
};

struct cs_comparison {
    struct cs_attempt attempts[CS_COMPARE_MAX];
    size_t n;
    bool stable; /* the unchanged visit, made again, came to the same */
};

/** cs_compare_make() - make the visit of @plan, which came to @visit, again and with each change
 * that applies. Texts live in @arena. Return: 0, or -errno. */
int cs_compare_make(const struct cs_probe_plan *plan, const struct cs_visit *visit,
                    struct cs_arena *arena, struct cs_comparison *ret_comparison);
/** cs_compare_complete() - @chain_pem with what leads from its last certificate towards a root, as
 *  far as @trust has it: PEM in @arena; empty when there is nothing to add. Pure. */
struct cs_str cs_compare_complete(struct cs_str chain_pem, const struct cs_trust *trust,
                                  struct cs_arena *arena);

#endif
