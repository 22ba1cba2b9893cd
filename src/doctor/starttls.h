/* Protocols that begin in plain text and go over to TLS when they are asked to: what is said until
 * then, as bytes in and bytes out. Pure, resumable at any byte. */
#ifndef CS_DOCTOR_STARTTLS_H
#define CS_DOCTOR_STARTTLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct cs_starttls;

/** cs_starttls_find() - the protocol called @name ("smtp"), or NULL. Static. */
const struct cs_starttls *cs_starttls_find(struct cs_str name);
/** cs_starttls_at() - the @i-th protocol, for going through all; NULL behind the last. */
const struct cs_starttls *cs_starttls_at(size_t i);
/** cs_starttls_name() - its name. Static. */
const char *cs_starttls_name(const struct cs_starttls *protocol);
/** cs_starttls_port() - the port that it has when none is named. */
uint16_t cs_starttls_port(const struct cs_starttls *protocol);

/* The most that a server may say before TLS. */
#define CS_STARTTLS_MAX (16 << 10)

/* One conversation, from the first byte. */
struct cs_dialogue {
    const struct cs_starttls *protocol;
    struct cs_str host; /* borrowed */
    unsigned move;
    bool waits;         /* for the answer to this move */
    struct cs_str said; /* what refused it: a part of the bytes that were fed */
};

enum cs_dialogue_state {
    CS_DIALOGUE_MORE,    /* more must come */
    CS_DIALOGUE_SEND,    /* *ret_send is to be sent; go on with what was not consumed */
    CS_DIALOGUE_DONE,    /* TLS begins with the byte that follows */
    CS_DIALOGUE_REFUSED, /* it does not: dialogue->said */
};

/** cs_dialogue_init() - ready for the first byte. @host is whom the client wants to talk to. */
void cs_dialogue_init(struct cs_dialogue *dialogue, const struct cs_starttls *protocol,
                      struct cs_str host);
/** cs_dialogue_step() - look at @bytes: all that came and was not consumed yet. *ret_consumed of
 *  them are dealt with, whatever is returned. *ret_send lives in @arena or is static. */
enum cs_dialogue_state cs_dialogue_step(struct cs_dialogue *dialogue, struct cs_str bytes,
                                        struct cs_arena *arena, size_t *ret_consumed,
                                        struct cs_str *ret_send);

#endif
