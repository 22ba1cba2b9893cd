/* Asking a time server what time it is: SNTP, the client's half (RFC 5905 section 14).
 *
 * The answer is evidence for an explanation. The clock is never set, and no certificate is
 * judged by it: whoever can send packets here could otherwise make old certificates valid.
 */
#ifndef CS_IO_SNTP_H
#define CS_IO_SNTP_H

#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "io/loop.h"

#define CS_SNTP_PORT 123
#define CS_SNTP_BYTES 48

/** cs_sntp_request() - the request as bytes. @nonce, eight random bytes, stands where the time
 *  of sending would be: it comes back in the answer, and says nothing about this clock. */
void cs_sntp_request(const uint8_t nonce[8], uint8_t ret_request[CS_SNTP_BYTES]);
/** cs_sntp_answer() - read the answer to the request with @nonce, which left at @sent_ms and came
 *  back at @received_ms (wall clock). *ret_ahead_ms: this clock minus the server's.
 *  Return: 0; -EBADMSG (no answer to this request), -EAGAIN (the server says: ask less often),
 *  -ENODATA (the server does not know the time itself). */
int cs_sntp_answer(struct cs_str answer, const uint8_t nonce[8], int64_t sent_ms,
                   int64_t received_ms, int64_t *ret_ahead_ms);

/* One question to one server, on a loop. Zeroed, it asks nothing. */
struct cs_sntp {
    struct cs_loop *loop;
    struct cs_watch watch;
    struct cs_timer timer;
    uint8_t nonce[8];
    int64_t sent_ms;
    unsigned tries;
    /* @error: 0, or what cs_sntp_answer() or the socket said, or -ETIMEDOUT. Called from the
     * loop, once per question; it may ask again. */
    void (*done)(struct cs_sntp *sntp, int error, int64_t ahead_ms);
};

/** cs_sntp_ask() - ask @server; three packets, a second apart, unless one is answered. @done is
 *  set already. Return: 0, or -errno (done is not called). */
int cs_sntp_ask(struct cs_sntp *sntp, struct cs_loop *loop, const struct cs_addr *server);
/** cs_sntp_stop() - forget the question; done is not called. Harmless when nothing is asked. */
void cs_sntp_stop(struct cs_sntp *sntp);

#endif
