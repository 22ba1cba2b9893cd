/* An inquiry: one OCSP responder asked about one certificate (RFC 6960 appendix A.1: by POST), and
 * its answer judged. Over plain HTTP, as responders are: an answer proves itself. */
#ifndef CS_STEWARD_INQUIRY_H
#define CS_STEWARD_INQUIRY_H

#include "enrol/fetch.h"
#include "x509/standing.h"

/* Within which a responder has to answer. */
#define CS_INQUIRY_MS 4000
/* How far ahead of our clock an answer may be made. */
#define CS_INQUIRY_LEEWAY_SEC 300

struct cs_inquiry;

/** cs_inquiry_new() - ask what @question says, which is copied; it has a url. @done is called once,
 *  from @loop, when there is news; it may free the inquiry and begin others. */
struct cs_inquiry *cs_inquiry_new(struct cs_loop *loop, struct cs_fetcher *fetcher,
                                  const struct cs_standing_question *question,
                                  void (*done)(struct cs_inquiry *inquiry, void *ctx), void *ctx);
/** cs_inquiry_free() - end it if it is under way, without calling done. NULL is fine.
 *  Return: NULL. */
struct cs_inquiry *cs_inquiry_free(struct cs_inquiry *inquiry);
/** cs_inquiry_news() - what came of it, once done was called; lives as long as the inquiry. */
const struct cs_standing *cs_inquiry_news(const struct cs_inquiry *inquiry);
/** cs_inquiry_answer() - the OCSPResponse as it came, DER; empty: there is none. The same. */
struct cs_str cs_inquiry_answer(const struct cs_inquiry *inquiry);

#endif
