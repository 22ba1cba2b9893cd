/* What a worker says about itself when it is asked: numbers, for `countersign status`. */
#ifndef CS_GATEWAY_TALLY_H
#define CS_GATEWAY_TALLY_H

#include <stdint.h>

/* The reply to CS_TELL_TALLY, in this machine's order. */
struct cs_tally {
    uint64_t pid;
    uint64_t draining;    /* 1: it takes no new connections */
    uint64_t connections; /* of clients */
    uint64_t verified;    /* those of them with a certificate that was accepted */
    uint64_t idle;        /* those of them that wait for a request */
    uint64_t upstreams;   /* connections to upstreams */
    uint64_t cut;         /* connections that were cut so far */
    uint64_t revoked;     /* certificates that are revoked at a word, as it knows */
};

#endif
