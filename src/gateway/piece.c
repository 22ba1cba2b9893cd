/* Around what is read there is room for a chunk's first line in front and for its end behind, so
 * no byte of content moves but to close the gaps that chunk framing leaves. */
#include "gateway/piece.h"

#include "base/mem.h"

enum { END = 2, ROOM = CS_H1_CHUNK_HEAD + CS_PIECE + END };

void cs_piece_init(struct cs_piece *piece)
{
    piece->room = cs_alloc(ROOM);
    piece->at = piece->room + CS_H1_CHUNK_HEAD;
}

void cs_piece_deinit(struct cs_piece *piece)
{
    cs_wipe(piece->room, ROOM);
    free(piece->room);
    *piece = (struct cs_piece){0};
}

enum cs_wire_result cs_piece_read(struct cs_piece *piece, struct cs_wire *wire, size_t max,
                                  struct cs_str *ret_bytes)
{
    size_t n = 0;
    enum cs_wire_result r = cs_wire_read(wire, piece->at, max < CS_PIECE ? max : CS_PIECE, &n);

    if (r == CS_WIRE_OK)
        *ret_bytes = cs_str_make(piece->at, n);
    return r;
}

struct cs_str cs_piece_chunk(struct cs_str data)
{
    char *at = (char *)data.ptr;
    struct cs_str line = cs_h1_chunk_head(data.len, at - CS_H1_CHUNK_HEAD);

    memcpy(at + data.len, "\r\n", END);
    return cs_str_make(line.ptr, line.len + data.len + END);
}

int cs_body_decode(struct cs_h1_body *body, struct cs_str in, size_t *ret_consumed,
                   struct cs_str *ret_data)
{
    char *front = (char *)in.ptr;
    size_t done = 0, len = 0, n = 0;
    struct cs_str data = {0};
    int r;

    do {
        r = cs_h1_body_feed(body, cs_str_skip(in, done), &n, &data);
        if (data.len && data.ptr != front + len)
            memmove(front + len, data.ptr, data.len);
        len += data.len;
        done += n;
    } while (r == CS_H1_MORE && done < in.len);
    *ret_consumed = done;
    *ret_data = cs_str_make(front, len);
    return r;
}
