/* One direction of a captured TCP connection, put together again. Pure but for its memory.
 *
 * Packets come in the order of the capture: late, twice, cut short, or not at all. What is held is
 * the stream from its first byte to the first one that is missing, with the time at which each
 * part came.
 */
#ifndef CS_DOCTOR_FLOW_H
#define CS_DOCTOR_FLOW_H

#include "base/buf.h"
#include "base/list.h"

/* Of one direction: bytes held, bytes that wait for a missing one, places whose time is known. A
 * handshake is far below all of them. */
#define CS_FLOW_BYTES (256 << 10)
#define CS_FLOW_WAITING (256 << 10)
#define CS_FLOW_MARKS 1024

/* The stream was known up to @end when this packet had come. */
struct cs_mark {
    size_t end;
    int64_t time_us;
    unsigned packet; /* of the connection, counted from 1 */
};

struct cs_flow {
    struct cs_buf bytes; /* from the first byte on */
    struct cs_mark *marks;
    size_t n_marks;
    bool began;                   /* its SYN was captured: the first byte is the first */
    bool full;                    /* more came than is held */
    struct cs_mark syn, fin, rst; /* packet 0: none */
    unsigned n_packets;
    unsigned n_syns;
    unsigned n_again; /* with nothing but bytes that had come already */
    unsigned n_early; /* before bytes that belong in front of theirs */
    uint64_t n_cut;   /* bytes that the capture left out of its packets */

    struct {
        uint32_t seq, sent;
        uint8_t flags;
        int64_t time_us;
    } last; /* to know a packet that was captured twice */

    bool based;    /* base is set */
    uint32_t base; /* sequence number of the first byte */
    uint64_t next; /* which byte is wanted next */
    struct cs_list waiting;
    size_t n_waiting; /* bytes, with what it takes to keep them */
    size_t *budget;   /* shared by all: bytes that may still be held */
};

/* What a packet brings to a flow. */
struct cs_segment {
    uint32_t seq;
    uint8_t flags;
    struct cs_str bytes; /* borrowed */
    uint32_t sent;       /* as struct cs_packet has it */
    int64_t time_us;
    unsigned packet;
};

/** cs_flow_init() - nothing came yet. What is held is taken off *@budget, which outlives it. */
void cs_flow_init(struct cs_flow *flow, size_t *budget);
/** cs_flow_deinit() - free what is held. */
void cs_flow_deinit(struct cs_flow *flow);
/** cs_flow_add() - another packet. Return: whether it is one: not the one before, captured at two
 *  places (the "any" interface) and so twice in no time; then nothing is done. */
bool cs_flow_add(struct cs_flow *flow, const struct cs_segment *segment);
/** cs_flow_gap() - how many bytes are missing in front of the first that wait; 0: none are known
 *  to be missing. */
uint64_t cs_flow_gap(const struct cs_flow *flow);
/** cs_flow_at() - when the byte before @end came. Zeroed when that is not known. */
struct cs_mark cs_flow_at(const struct cs_flow *flow, size_t end);

#endif
