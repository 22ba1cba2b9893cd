/* Names that somebody has certified or wants to, and patterns that stand for many of them.
 *
 * A claim is one name of one kind, written "dns:web.example.internal", "uri:https://a.test/x",
 * "spiffe://example.internal/web" (short for a URI), "ip:192.0.2.1", "email:a@example.internal"
 * or "cn:Some Name" (the subject's common name). A pattern is written the same way, and stands
 * for a set of claims of its kind:
 *
 *   dns:    "*" as the whole left-most label is one label, "**" is one or more; a "*" inside the
 *           left-most label ("web-*") is any run of characters of that label. Case does not count.
 *   uri:    compared piece by piece between the slashes. "*" as a piece is one piece, inside one
 *           any run of its characters; "**" as the last piece is one or more pieces. The host may
 *           be a pattern as for dns. Case counts behind the host, and not before.
 *   ip:     one address, or a network: "10.0.0.0/8".
 *   email:  "*@example.internal": the part behind "@" as for dns; the one before it is "*", or
 *           exact, or has a "*" inside. Case counts before the "@".
 *   cn:     "*" is any run of characters. Case counts.
 *
 * "**" alone is every claim of the kind. A claim may be a wildcard certificate's name itself
 * ("dns:*.example.internal"); it stands for all names that it would serve for, so that a pattern
 * covers it only when it covers each of them, and touches it when it has one of them. Pure.
 */
#ifndef CS_X509_CLAIM_H
#define CS_X509_CLAIM_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"
#include "x509/cert.h"

enum cs_claim_kind {
    CS_CLAIM_DNS,
    CS_CLAIM_URI,
    CS_CLAIM_IP,
    CS_CLAIM_EMAIL,
    CS_CLAIM_CN,
    CS_CLAIM_N_KINDS,
};

struct cs_claim {
    enum cs_claim_kind kind;
    struct cs_str value; /* as it goes into a certificate: an address as 4 or 16 bytes */
};

struct cs_claims {
    const struct cs_claim *items;
    size_t n;
};

struct cs_pattern {
    enum cs_claim_kind kind;
    struct cs_str text; /* without the kind in front */
    bool every;         /* "**" */
    struct cs_net net;  /* of an address */
};

struct cs_pattern_set {
    const struct cs_pattern *items;
    size_t n;
};

/** cs_claim_check() - whether @claim is a well-formed name of its kind: a host name of letters,
 *  digits, "-" and "_" (a wildcard only as the whole left-most label, with two labels behind it);
 *  a URI whose host is a name or an address and nothing else, without escapes of "." and "/" or of
 *  what needs none, and without segments of dots, and, if it begins "spiffe:",
 *  a SPIFFE ID with a path; an address; local@domain without quotes; UTF-8 of at most 64
 *  characters without control characters. Return: NULL, or why not. Static. */
const char *cs_claim_check(const struct cs_claim *claim);
/** cs_claim_is_wildcard() - whether it is a host name with "*" in front. */
bool cs_claim_is_wildcard(const struct cs_claim *claim);
/** cs_claim_parse() - read "dns:a.test". Host names become lower case. In @arena.
 *  Return: NULL, or why it is none. Static. */
const char *cs_claim_parse(struct cs_str text, struct cs_arena *arena, struct cs_claim *ret_claim);
/** cs_claim_text() - such a text, in @arena. */
struct cs_str cs_claim_text(const struct cs_claim *claim, struct cs_arena *arena);
/** cs_claims_text() - several, with ", " between, at most a dozen and a count of the rest; "none"
 *  for none. In @arena. */
struct cs_str cs_claims_text(const struct cs_claims *claims, struct cs_arena *arena);
/** cs_claims_of() - what a certificate or request names: its subjectAltNames and the last common
 *  name of its subject. In @arena. */
struct cs_claims cs_claims_of(const struct cs_cert *cert, struct cs_arena *arena);

/** cs_claim_folded() - @claim in lower case, an address as it is: the same for names that differ in
 *  case only. In @arena. */
struct cs_claim cs_claim_folded(const struct cs_claim *claim, struct cs_arena *arena);

/** cs_pattern_parse() - read a pattern; @text is borrowed. Return: NULL, or why it is none.
 *  Static. */
const char *cs_pattern_parse(struct cs_str text, struct cs_pattern *ret_pattern);
/** cs_pattern_never() - whether @pattern is one that no well-formed claim can be in, such as one
 * with a character that its names cannot have. Return: NULL (some claim can), or why none. Static.
 */
const char *cs_pattern_never(const struct cs_pattern *pattern, struct cs_arena *arena);
/** cs_pattern_folded() - @pattern in lower case, for claims that are. In @arena. */
struct cs_pattern cs_pattern_folded(const struct cs_pattern *pattern, struct cs_arena *arena);
/** cs_pattern_text() - such a text, in @arena. */
struct cs_str cs_pattern_text(const struct cs_pattern *pattern, struct cs_arena *arena);
/** cs_pattern_covers() - whether all that @claim stands for is in @pattern: for allowing. */
bool cs_pattern_covers(const struct cs_pattern *pattern, const struct cs_claim *claim);
/** cs_pattern_touches() - whether any of it is: for denying. */
bool cs_pattern_touches(const struct cs_pattern *pattern, const struct cs_claim *claim);
/** cs_pattern_set_cover() - the first of @patterns that covers @claim, or NULL. */
const struct cs_pattern *cs_pattern_set_cover(const struct cs_pattern_set *patterns,
                                              const struct cs_claim *claim);
/** cs_pattern_set_touch() - the first of @patterns that touches @claim, or NULL. */
const struct cs_pattern *cs_pattern_set_touch(const struct cs_pattern_set *patterns,
                                              const struct cs_claim *claim);
/** cs_pattern_set_text() - those of @kind, with ", " between; "none" for none. In @arena. */
struct cs_str cs_pattern_set_text(const struct cs_pattern_set *patterns, enum cs_claim_kind kind,
                                  struct cs_arena *arena);

#endif
