/* Standings: what OCSP responders have said about certificates, remembered.
 *
 * Whoever judges a connection cannot wait for the network. So it asks a table; what is not there,
 * or not there any more, is a question for somebody else, who adds what came of it. Beside the last
 * answer that could be believed the table holds why there was none the last time. Everything here
 * is a value without pointers, which processes can hand each other as bytes.
 *
 * The table is bounded; what was not used for longest goes first. Time is an argument: wall-clock
 * seconds for what responders say, milliseconds of the machine's steady clock for when they did.
 */
#ifndef CS_X509_STANDING_H
#define CS_X509_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "x509/cert.h"
#include "x509/ocsp.h"

/* How long a failure stands before a responder is asked again. */
#define CS_STANDING_RETRY_MS 3000
/* How long an answer counts that does not say how long. */
#define CS_STANDING_LIFE_SEC 300

#define CS_STANDING_KEY 32
#define CS_STANDING_TEXT 192
#define CS_STANDING_SERIAL 48

/* Why there was no answer. */
enum cs_ocsp_failure {
    CS_OCSP_FAILURE_NONE,
    CS_OCSP_FAILURE_UNREACHABLE,  /* nobody answered, or nothing that is an answer */
    CS_OCSP_FAILURE_STALE,        /* the answer is not of today */
    CS_OCSP_FAILURE_UNAUTHORIZED, /* who signed it may not */
    CS_OCSP_N_FAILURES,
};

struct cs_standing {
    uint8_t key[CS_STANDING_KEY];
    char url[CS_STANDING_TEXT];      /* who was asked; for people; ends in a NUL */
    char serial[CS_STANDING_SERIAL]; /* about which certificate; the same; may be empty */

    /* the last answer that could be believed */
    bool answered;
    enum cs_ocsp_status said; /* GOOD, REVOKED or UNKNOWN */
    unsigned reason;          /* of a revocation */
    int64_t revoked_at, this_update;
    int64_t next_update;  /* the answer counts until then */
    int64_t received_sec; /* when it was given, by our clock */
    int64_t answered_ms;  /* when it came into this table; 0: from a life before */

    /* why there was none, since then */
    enum cs_ocsp_failure failure;
    int64_t failed_ms;
    char words[CS_STANDING_TEXT]; /* what happened, one clause */
};

/** cs_standing_key() - what names the certificate @cert of @issuer when @responder is asked about
 *  it (empty: the one that it names itself). */
void cs_standing_key(const struct cs_cert *cert, const struct cs_cert *issuer,
                     struct cs_str responder, uint8_t ret_key[CS_STANDING_KEY]);
/** cs_standing_responder() - the first responder that @cert names and that can be asked, over plain
 *  HTTP; empty: there is none. Borrowed. */
struct cs_str cs_standing_responder(const struct cs_cert *cert);
/** cs_standing_answer() - what came of asking, as news for tables: @der came from @url; @query says
 *  about what, and its @der is set here. */
void cs_standing_answer(const struct cs_ocsp_query *query, struct cs_standing *ret_news);
/** cs_standing_name() - news are about @cert, for people. */
void cs_standing_name(struct cs_standing *news, const struct cs_cert *cert);
/** cs_standing_failure_text() - "unreachable", and so on; empty: none. Static. */
struct cs_str cs_standing_failure_text(enum cs_ocsp_failure failure);
/** cs_standing_fail() - news that there is no answer: @words say why, cut to fit. */
void cs_standing_fail(struct cs_standing *news, enum cs_ocsp_failure failure, struct cs_str words);
/** cs_standing_from() - news as bytes of another process, or of a file. Return: whether they are.
 */
bool cs_standing_from(struct cs_str bytes, struct cs_standing *ret_standing);
/** cs_standing_due_sec() - when a certificate that is in use should be asked about again: in good
 *  time before the answer is out of date, and at least every hour. INT64_MAX: never answered. */
int64_t cs_standing_due_sec(const struct cs_standing *standing);

/* ---- judging ---- */

/* What one certificate is judged by. */
struct cs_patience {
    int64_t now_sec, now_ms;
    int64_t since_ms;  /* answers that came earlier do not count; INT64_MIN: all do */
    int64_t grace_sec; /* how long behind its nextUpdate a good answer is as good as before */
    bool over;         /* nobody is waited for any more: judge by what there is */
};

enum cs_opinion {
    CS_OPINION_GOOD,
    CS_OPINION_GRACE, /* good, but out of date: within the grace */
    CS_OPINION_ASK,   /* a responder has to be asked first */
    CS_OPINION_REVOKED,
    CS_OPINION_UNKNOWN,
    CS_OPINION_UNREACHABLE,
    CS_OPINION_STALE,
    CS_OPINION_UNAUTHORIZED,
};

/** cs_standing_judge() - what @standing (NULL: nothing is known) means. Revoked stays revoked until
 *  there is a newer answer that says otherwise. Pure. */
enum cs_opinion cs_standing_judge(const struct cs_standing *standing,
                                  const struct cs_patience *patience);

/* ---- the table ---- */

struct cs_standings;

/** cs_standings_new() - room for @max certificates. */
struct cs_standings *cs_standings_new(size_t max);
/** cs_standings_free() - NULL is fine. Return: NULL. */
struct cs_standings *cs_standings_free(struct cs_standings *standings);
/** cs_standings_find() - what is known under @key; lives until the next news. Return: NULL:
 *  nothing. @standings may be NULL. */
const struct cs_standing *cs_standings_find(const struct cs_standings *standings,
                                            const uint8_t key[CS_STANDING_KEY]);
/** cs_standings_touch() - it is in use: it goes last. */
void cs_standings_touch(struct cs_standings *standings, const struct cs_standing *standing);
/** cs_standings_take() - @news came at @now_ms. An answer that is older than the one that is known
 *  does not replace it; a failure leaves it as it is. Return: what is known now. */
const struct cs_standing *cs_standings_take(struct cs_standings *standings,
                                            const struct cs_standing *news, int64_t now_ms);
/** cs_standings_each() - all of them, what was not used for longest first; @fn may not change the
 *  table. @standings may be NULL. */
void cs_standings_each(const struct cs_standings *standings,
                       void (*fn)(void *ctx, const struct cs_standing *standing), void *ctx);
/** cs_standings_count() - how many there are. */
size_t cs_standings_count(const struct cs_standings *standings);

/* ---- questions ---- */

/* What a responder is to be asked. */
struct cs_standing_question {
    uint8_t key[CS_STANDING_KEY];
    bool anew;          /* an answer that is known does not do */
    struct cs_str url;  /* of the responder */
    struct cs_str cert; /* DER, like the next one */
    struct cs_str issuer;
};

/** cs_standing_question_write() - append it as bytes. Return: 0, or -ENOBUFS. */
int cs_standing_question_write(const struct cs_standing_question *question, struct cs_buf *buf);
/** cs_standing_question_read() - such bytes, from which the result borrows. Return: 0, or -EBADMSG.
 */
int cs_standing_question_read(struct cs_str bytes, struct cs_standing_question *ret_question);

#endif
