/* Staples: OCSP responses about certificates of our own that the steward fetches, to be shown to
 * clients that ask (RFC 6066 section 8).
 *
 * There is one for each certificate under `ssl_stapling on` without a file. Each lies in a file
 * below the state folder, which the configuration reads like any other, with a note beside it
 * (note.h). Nothing of a file is believed: whenever it or the certificate is another one, it is
 * judged against the certificate that is shown.
 */
#ifndef CS_SNAPSHOT_STAPLE_H
#define CS_SNAPSHOT_STAPLE_H

#include "base/findings.h"
#include "x509/ocsp.h"
#include "x509/standing.h"

struct cs_material;

/* How far ahead of our clock an answer may be made: clocks differ. */
#define CS_STAPLE_LEEWAY_SEC 300

/* All texts are the snapshot's and have a NUL behind them. */
struct cs_staple {
    uint8_t key[CS_STANDING_KEY]; /* what names it in every process */
    struct cs_str certificate;    /* its file */
    struct cs_str responder;      /* as configured; empty: whom the certificate names */
    struct cs_str file, note;     /* absolute */
    const struct cs_material *pair, *response;
    const struct cs_material *cas[2]; /* where the issuer may be found; NULL: nowhere */
    struct cs_place place;
    struct cs_staple *next;
};

/* Whether somebody can be asked. */
enum cs_staple_stage {
    CS_STAPLE_ASKED,
    CS_STAPLE_AWAITED,      /* there is no certificate yet */
    CS_STAPLE_NO_ISSUER,    /* who issued it is not known */
    CS_STAPLE_NO_RESPONDER, /* it names none at an http:// address, and none is configured */
};

/** cs_staple_question() - what is to be asked for @staple, about the certificate that is in force.
 *  *@ret_question is in @arena, and written only with CS_STAPLE_ASKED. */
enum cs_staple_stage cs_staple_question(const struct cs_staple *staple, struct cs_arena *arena,
                                        struct cs_standing_question *ret_question);
/** cs_staple_stage_text() - the same as a clause: "the certificate names no OCSP responder …".
 *  Static. */
struct cs_str cs_staple_stage_text(enum cs_staple_stage stage);
/** cs_staple_is_made_of() - whether the question of @staple is another one when @material, a number
 *  of the keyring, is. */
bool cs_staple_is_made_of(const struct cs_staple *staple, size_t material);
/** cs_staple_in_force() - what the response says that clients are shown at @now_sec. Return: false:
 *  they are shown none. */
bool cs_staple_in_force(const struct cs_staple *staple, int64_t now_sec,
                        struct cs_ocsp_answer *ret_answer);

/** cs_staple_judge() - what the OCSPResponse @der says about @cert of @issuer. Pure. */
struct cs_ocsp_answer cs_staple_judge(struct cs_str der, const struct cs_cert *cert,
                                      const struct cs_cert *issuer, int64_t now_sec);
/** cs_staple_end_sec() - until when such an answer may be shown: to its nextUpdate; that a
 *  certificate is revoked for ever. 0: not at all. Pure. */
int64_t cs_staple_end_sec(const struct cs_ocsp_answer *answer);
/** cs_staple_due_sec() - when to ask again, after @answer was had at @now_sec: before half of its
 *  life is over, at least every hour, and not all at once (@random: any number). In the second half
 *  of it, before half of what is left is over. Pure. */
int64_t cs_staple_due_sec(const struct cs_ocsp_answer *answer, int64_t now_sec, uint64_t random);

#endif
