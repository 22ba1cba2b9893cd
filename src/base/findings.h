/* Findings: refusals and remarks as data.
 *
 * A finding is a kind (one row of a `.def` table, with its code and its words as
 * templates), the operands that were found wanting, and the place. Whoever decides adds
 * findings; only explain/ turns them into sentences. Kinds live in static tables, so a
 * pointer to one can be compared.
 *
 * Templates name operands by number: "unknown directive \"{0}\"". `{0}` that is absent
 * renders as nothing.
 */
#ifndef CS_BASE_FINDINGS_H
#define CS_BASE_FINDINGS_H

#include "base/arena.h"
#include "base/str.h"

enum cs_severity {
    CS_SEVERITY_NOTICE,  /* worth knowing: accepted, without effect here */
    CS_SEVERITY_WARNING, /* works, and will hurt */
    CS_SEVERITY_ERROR,   /* refused */
};

/* Whose fault it usually is when a connection fails for this reason. */
enum cs_blame {
    CS_BLAME_NONE,          /* no connection fails for it */
    CS_BLAME_PEER,          /* the other side: its software, its settings, its certificate */
    CS_BLAME_AUTHORITY,     /* the CA that issued a certificate or a revocation list */
    CS_BLAME_NETWORK,       /* what lies between */
    CS_BLAME_CLOCK,         /* one of the clocks */
    CS_BLAME_CONFIGURATION, /* this side: its settings and files */
    CS_BLAME_POLICY,        /* nobody: it was meant to be refused */
};

/* One kind of finding: stable code, severity, and words after PostgreSQL's three parts. Kinds
 * that end a connection say too whose fault that is and what the other side is told. */
struct cs_finding_kind {
    const char *code; /* lower case, hyphenated, stable: "certificate-expired" */
    enum cs_severity severity;
    const char *primary; /* what is wrong: one clause, lower case, no full stop */
    const char *detail;  /* the facts, or NULL */
    const char *hint;    /* what to do, or NULL */
    enum cs_blame blame;
    uint8_t alert;   /* TLS alert for a refusal inside the handshake; 0: none */
    uint16_t status; /* HTTP status for a refusal after it; 0: none */
};

/* Where: a position in a file, or nothing. line and column count from 1; 0 is unknown. */
struct cs_place {
    struct cs_str file;
    unsigned line;
    unsigned column;
    struct cs_str text; /* the offending line itself, without its newline */
};

#define CS_FINDING_OPERANDS 6

struct cs_finding {
    const struct cs_finding_kind *kind;
    struct cs_place place;
    struct cs_str operands[CS_FINDING_OPERANDS];
    struct cs_finding *next;
};

/* A bounded list in the order of discovery. Zeroed with an arena set is empty. */
struct cs_findings {
    struct cs_arena *arena; /* owns findings and copies of operands; outlives the list */
    struct cs_finding *first;
    struct cs_finding *last;
    unsigned n;        /* findings held */
    unsigned n_errors; /* those of severity error */
    unsigned dropped;  /* beyond CS_FINDINGS_MAX, counted but not held */
};

#define CS_FINDINGS_MAX 1000

/** cs_findings_init() - an empty list whose findings live in @arena. */
void cs_findings_init(struct cs_findings *findings, struct cs_arena *arena);
/** cs_findings_add() - note one thing. @place may be NULL. Operands are up to
 *  CS_FINDING_OPERANDS cs_str values. Operands and the place's texts are copied. The same thing
 *  about the same line and column of a file is noted and counted once: what is inherited by a
 *  hundred blocks is wrong in one place.
 *  Use the CS_FIND() macro. */
void cs_findings_add(struct cs_findings *findings, const struct cs_finding_kind *kind,
                     const struct cs_place *place, const struct cs_str *operands, size_t n);
/** CS_FIND() - note one thing with its operands written in place:
 *  CS_FIND(findings, &kind, &place, name, CS_STR("server")). */
#define CS_FIND(findings, kind, place, ...)                                                        \
    cs_findings_add((findings), (kind), (place), (const struct cs_str[]){__VA_ARGS__},             \
                    sizeof((const struct cs_str[]){__VA_ARGS__}) / sizeof(struct cs_str))
/** CS_FIND0() - the same without operands. */
#define CS_FIND0(findings, kind, place) cs_findings_add((findings), (kind), (place), NULL, 0)

#endif
