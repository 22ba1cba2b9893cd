/* The buffer between the two sides: what is read into it, decoded and framed where it lies. */
#include "gateway/piece.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/socket.h"
#include "tap.h"

static const struct cs_h1_limits limits = {.max_line = 256, .max_head = 1024, .max_headers = 10};

/* ---- decoding ---- */

/* A call is given @in and is to give the rest. */
static const struct {
    const char *what;
    enum cs_h1_framing framing;
    uint64_t length;
    const char *in, *data;
    size_t consumed;
    int r;
} bodies[] = {
    {"one chunk", CS_H1_BODY_CHUNKED, 0, "5\r\nhello\r\n", "hello", 10, CS_H1_MORE},
    {"the gaps between chunks are closed", CS_H1_BODY_CHUNKED, 0,
     "1\r\na\r\n2;x=y\r\nbc\r\n3\r\ndef\r\n", "abcdef", 25, CS_H1_MORE},
    {"a chunk that goes on", CS_H1_BODY_CHUNKED, 0, "2\r\nab\r\nff\r\ncde", "abcde", 14,
     CS_H1_MORE},
    {"a line that goes on", CS_H1_BODY_CHUNKED, 0, "2\r\nab\r\n1", "ab", 8, CS_H1_MORE},
    {"what is behind the end stays", CS_H1_BODY_CHUNKED, 0, "2\r\nab\r\n0\r\n\r\nGET /", "ab", 12,
     CS_H1_DONE},
    {"behind trailers too", CS_H1_BODY_CHUNKED, 0, "1\r\na\r\n0\r\nX: y\r\n\r\nGET", "a", 17,
     CS_H1_DONE},
    {"nothing but the end", CS_H1_BODY_CHUNKED, 0, "0\r\n\r\n", "", 5, CS_H1_DONE},
    {"a length that is reached", CS_H1_BODY_LENGTH, 3, "abcGET", "abc", 3, CS_H1_DONE},
    {"a length that is not", CS_H1_BODY_LENGTH, 9, "abc", "abc", 3, CS_H1_MORE},
    {"until the end", CS_H1_BODY_UNTIL_CLOSE, 0, "abc", "abc", 3, CS_H1_MORE},
    {"no size", CS_H1_BODY_CHUNKED, 0, "x\r\n", NULL, 0, -EBADMSG},
    {"no size, behind a good chunk", CS_H1_BODY_CHUNKED, 0, "1\r\na\r\n-1\r\n", NULL, 0, -EBADMSG},
    {"no end of a chunk", CS_H1_BODY_CHUNKED, 0, "1\r\nabc", NULL, 0, -EBADMSG},
};

static void test_decode(void)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct cs_h1_body body;
        struct cs_str data = {0};
        size_t consumed = 0, len = strlen(bodies[i].in);
        char *in = cs_alloc(len); /* as long as it is: a sanitizer sees a byte beyond it */

        memcpy(in, bodies[i].in, len);
        cs_h1_body_init(&body, bodies[i].framing, bodies[i].length, &limits);
        tap_int(cs_body_decode(&body, cs_str_make(in, len), &consumed, &data), bodies[i].r,
                bodies[i].what);
        if (bodies[i].r >= 0) {
            tap_str(data, cs_str_from(bodies[i].data), "its content");
            tap_int((int64_t)consumed, (int64_t)bodies[i].consumed, "what is dealt with");
        }
        if (data.len)
            tap_ok(data.ptr == in, "at the front");
        cs_h1_body_deinit(&body);
        free(in);
    }
}

/* The same stream, cut in two at every byte. */
static void test_cuts(void)
{
    static const char stream[] = "4\r\nwiki\r\n6;a=\"b\"\r\npedia \r\n0\r\nX: y\r\n\r\n";
    size_t len = sizeof(stream) - 1, bad = 0;

    for (size_t cut = 0; cut <= len; cut++) {
        char copy[sizeof(stream)], got[16];
        struct cs_str parts[2] = {cs_str_make(copy, cut), cs_str_make(copy + cut, len - cut)};
        struct cs_h1_body body;
        size_t n = 0, consumed = 0;
        int r = CS_H1_MORE;

        memcpy(copy, stream, sizeof(stream));
        cs_h1_body_init(&body, CS_H1_BODY_CHUNKED, 0, &limits);
        for (size_t i = 0; i < 2; i++) {
            struct cs_str data = {0};
            r = cs_body_decode(&body, parts[i], &consumed, &data);
            if (data.len && n + data.len <= sizeof(got))
                memcpy(got + n, data.ptr, data.len);
            n += data.len;
        }
        bad += r != CS_H1_DONE || n != 10 || memcmp(got, "wikipedia ", 10) != 0;
        cs_h1_body_deinit(&body);
    }
    tap_int((int64_t)bad, 0, "wherever a stream is cut, its content is the same");
}

/* ---- framing ---- */

/* @len bytes of a piece as a chunk, with every byte around it looked at. */
static void check_chunk(struct cs_piece *piece, size_t len, const char *line)
{
    struct cs_str chunk;
    size_t head = strlen(line);

    memset(piece->at, 'd', len);
    chunk = cs_piece_chunk(cs_str_make(piece->at, len));
    tap_str(cs_str_sub(chunk, 0, head), cs_str_from(line), "a chunk's first line");
    tap_int((int64_t)chunk.len, (int64_t)(head + len + 2), "its length");
    tap_ok(chunk.ptr + head == piece->at && piece->at[0] == 'd' && piece->at[len - 1] == 'd',
           "the content has not moved");
    tap_str(cs_str_skip(chunk, head + len), CS_STR("\r\n"), "its end");
}

/* ---- reading ---- */

static void on_ready(struct cs_watch *watch)
{
}

static void test_read(struct cs_piece *piece)
{
    struct cs_loop loop;
    struct cs_shelf shelf;
    struct cs_wire wire;
    struct cs_str bytes = CS_STR("as before");
    int fds[2] = {-1, -1};

    cs_assert(cs_loop_init(&loop) == 0 && cs_socket_pair(fds) == 0);
    cs_shelf_init(&shelf, 4096, 4);
    cs_assert(cs_wire_open(&wire, &loop, fds[0], &shelf, on_ready) == 0);
    tap_int(cs_piece_read(piece, &wire, CS_PIECE, &bytes), CS_WIRE_WAIT, "nothing is there");
    tap_str(bytes, CS_STR("as before"), "then nothing is written");
    cs_assert(write(fds[1], "hello, piece", 12) == 12 && cs_loop_turn(&loop, 1000) >= 1);
    tap_int(cs_piece_read(piece, &wire, 5, &bytes), CS_WIRE_OK, "something is");
    tap_str(bytes, CS_STR("hello"), "no more than was asked for");
    tap_ok(bytes.ptr == piece->at, "where a chunk's first line has room");
    tap_int(cs_piece_read(piece, &wire, SIZE_MAX, &bytes), CS_WIRE_OK, "the rest");
    tap_str(bytes, CS_STR(", piece"), "and no more than a piece");
    close(fds[1]);
    cs_loop_turn(&loop, 1000);
    tap_int(cs_piece_read(piece, &wire, CS_PIECE, &bytes), CS_WIRE_END, "the end");
    tap_str(bytes, CS_STR(", piece"), "which writes nothing");
    cs_wire_close(&wire);
    cs_shelf_deinit(&shelf);
    cs_loop_deinit(&loop);
}

int main(void)
{
    struct cs_piece piece;

    test_decode();
    test_cuts();
    cs_piece_init(&piece);
    check_chunk(&piece, 1, "1\r\n");
    check_chunk(&piece, 4096, "1000\r\n");
    check_chunk(&piece, CS_PIECE, "fc00\r\n");
    test_read(&piece);
    cs_piece_deinit(&piece);
    tap_ok(!piece.room && !piece.at, "nothing is left of it");
    return tap_done();
}
