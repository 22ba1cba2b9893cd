/* The worker's one buffer for bodies: a piece is read from one side into it, its framing taken off
 * where it lies, framed anew and written to the other side, all in one turn. Nothing stays here:
 * what the other side does not take at once is kept by the request, which then reads no more.
 */
#ifndef CS_GATEWAY_PIECE_H
#define CS_GATEWAY_PIECE_H

#include "serve/wire.h"
#include "http/h1.h"

/* Bytes read at a time: three full TLS records and most of a fourth, which go into one packet of
 * the kernel's (64 KiB with their framing and headers). */
#define CS_PIECE (63 * 1024)

struct cs_piece {
    char *room;
    char *at; /* CS_PIECE bytes, with room for a chunk's first and last line around them */
};

/** cs_piece_init() - allocate it. */
void cs_piece_init(struct cs_piece *piece);
/** cs_piece_deinit() - overwrite and free it. */
void cs_piece_deinit(struct cs_piece *piece);
/** cs_piece_read() - up to @max bytes from @wire. *ret_bytes is written with CS_WIRE_OK, is not
 * empty then, and lasts until the next read into @piece, whoever's. */
enum cs_wire_result cs_piece_read(struct cs_piece *piece, struct cs_wire *wire, size_t max,
                                  struct cs_str *ret_bytes);
/** cs_piece_chunk() - @data, which lies in a piece and is not empty, as a chunk; what lies around
 * it is overwritten. */
struct cs_str cs_piece_chunk(struct cs_str data);

/** cs_body_decode() - decode all of @in, as cs_h1_body_feed() does a part: *ret_data is at the
 * front of @in, which is overwritten; *ret_consumed bytes of it are dealt with. */
int cs_body_decode(struct cs_h1_body *body, struct cs_str in, size_t *ret_consumed,
                   struct cs_str *ret_data);

#endif
