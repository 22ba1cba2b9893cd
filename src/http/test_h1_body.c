/* Bodies, each fed whole, and cut in two at every place, and byte by byte: content, outcome
 * and what is left over must not depend on it. */
#include "h1_feed.h"

#include <errno.h>
#include <stdlib.h>

struct got {
    int outcome;
    enum cs_h1_error error;
    size_t used;
    struct cs_buf content;
    struct cs_buf trailers;
};

/* Feed one piece, in a block of its own size. Return: the outcome. */
static int feed_piece(struct cs_h1_body *body, struct cs_str piece, struct got *got)
{
    char *copy = malloc(piece.len ? piece.len : 1);
    size_t at = 0, used;
    struct cs_str data;
    int r;

    if (piece.len)
        memcpy(copy, piece.ptr, piece.len);
    do {
        r = cs_h1_body_feed(body, cs_str_make(copy + at, piece.len - at), &used, &data);
        cs_buf_add(&got->content, data.ptr, data.len);
        at += used;
        if (r == CS_H1_MORE && !used && at < piece.len)
            tap_ok(false, "a call that is given bytes takes some or ends");
    } while (r == CS_H1_MORE && used && at < piece.len);
    free(copy);
    got->used += at;
    return r;
}

static void note_trailers(const struct cs_h1_body *body, struct got *got)
{
    struct cs_arena arena = {0};
    struct cs_headers trailers;

    cs_h1_body_trailers(body, &arena, &trailers);
    cs_h1_write_headers(&got->trailers, &trailers);
    cs_arena_deinit(&arena);
}

/* Feed @in, in pieces of @size, the first having @first bytes. */
static void feed(enum cs_h1_framing framing, uint64_t length, const struct cs_h1_limits *limits,
                 struct cs_str in, size_t first, size_t size, struct got *got)
{
    struct cs_h1_body body;

    *got = (struct got){0};
    cs_buf_init(&got->content, 1 << 20);
    cs_buf_init(&got->trailers, 1 << 20);
    cs_h1_body_init(&body, framing, length, limits);
    got->outcome = feed_piece(&body, cs_str_sub(in, 0, first), got);
    for (size_t at = first; at < in.len && got->outcome == CS_H1_MORE; at += size)
        got->outcome = feed_piece(&body, cs_str_sub(in, at, size), got);
    got->error = body.error;
    if (got->outcome == CS_H1_DONE)
        note_trailers(&body, got);
    cs_h1_body_deinit(&body);
}

static void got_deinit(struct got *got)
{
    cs_buf_deinit(&got->content);
    cs_buf_deinit(&got->trailers);
}

static bool same(const struct got *a, const struct got *b)
{
    return a->outcome == b->outcome && a->error == b->error && (a->used == b->used || a->error) &&
           cs_str_eq(cs_buf_str(&a->content), cs_buf_str(&b->content)) &&
           cs_str_eq(cs_buf_str(&a->trailers), cs_buf_str(&b->trailers));
}

struct row {
    enum cs_h1_framing framing;
    uint64_t length;
    struct cs_str in;
    int outcome;
    enum cs_h1_error error;
    struct cs_str content;
    size_t left; /* bytes that belong to what follows */
    struct cs_str trailers;
};

#define CHUNKED(in, outcome, error, content, ...)                                                  \
    {                                                                                              \
        CS_H1_BODY_CHUNKED, 0, CS_STR_INIT(in), outcome, CS_H1_##error, CS_STR_INIT(content),      \
            __VA_ARGS__                                                                            \
    }
#define DONE(in, content, ...) CHUNKED(in, CS_H1_DONE, OK, content, __VA_ARGS__)
#define MORE(in, content) CHUNKED(in, CS_H1_MORE, OK, content, 0)
#define BAD(in, why, content) CHUNKED(in, -EBADMSG, why, content, 0)

static const struct row rows[] = {
    {CS_H1_BODY_NONE, 0, CS_STR_INIT("GET"), CS_H1_DONE, CS_H1_OK, CS_STR_INIT(""), 3},
    {CS_H1_BODY_NONE, 0, CS_STR_INIT(""), CS_H1_DONE, CS_H1_OK, CS_STR_INIT(""), 0},
    {CS_H1_BODY_LENGTH, 0, CS_STR_INIT("GET"), CS_H1_DONE, CS_H1_OK, CS_STR_INIT(""), 3},
    {CS_H1_BODY_LENGTH, 5, CS_STR_INIT("helloGET"), CS_H1_DONE, CS_H1_OK, CS_STR_INIT("hello"), 3},
    {CS_H1_BODY_LENGTH, 6, CS_STR_INIT("hello"), CS_H1_MORE, CS_H1_OK, CS_STR_INIT("hello"), 0},
    {CS_H1_BODY_UNTIL_CLOSE, 0, CS_STR_INIT("a\r\n0\r\n\r\n"), CS_H1_MORE, CS_H1_OK,
     CS_STR_INIT("a\r\n0\r\n\r\n"), 0},

    DONE("0\r\n\r\n", "", 0),
    DONE("000\r\n\r\n", "", 0),
    DONE("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
    DONE("5\r\nhello\r\n0\r\n\r\nGET", "hello", 3),
    DONE("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", 0),
    DONE("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0),
    DONE("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello", 0),
    DONE("5;name=value;x=\"y z\"\r\nhello\r\n0;last\r\n\r\n", "hello", 0),
    DONE("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0),
    DONE("0\r\nX-Sum: 1\r\nETag: x\r\n\r\nGET", "", 3, CS_STR_INIT("X-Sum: 1\r\nETag: x\r\n")),
    DONE("0\r\nContent-Length: 5\r\nHost: x\r\nAuthorization: y\r\nclient_cert: z\r\nX: 1\r\n\r\n",
         "", 0, CS_STR_INIT("X: 1\r\n")),
    MORE("5\r\nhel", "hel"),
    MORE("5\r\nhello", "hello"),
    MORE("5\r\nhello\r\n0\r\n", "hello"),
    MORE("0\r\nX-Sum: 1\r\n", ""),
    MORE("7fffffffffffffff\r\nx", "x"),

    BAD("\r\n", BAD_CHUNK_SIZE, ""),
    BAD(";x\r\n", BAD_CHUNK_SIZE, ""),
    BAD("x\r\n", BAD_CHUNK_SIZE, ""),
    BAD("0x5\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("+5\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("-5\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD(" 5\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5 \r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5\t\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5 ;x\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5h\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5,5\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("00000000000000005\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("8000000000000000\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("ffffffffffffffff\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("10000000000000000\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5\nhello\r\n0\r\n\r\n", BARE_LF, ""),
    BAD("5\rhello", BARE_CR, ""),
    BAD("5\0\r\nhello", BAD_CHUNK_SIZE, ""),
    BAD("5;\r\nhello", BAD_CHUNK_EXTENSION, ""),
    BAD("5;x\nhello", BARE_LF, ""),
    BAD("5;x\rhello", BARE_CR, ""),
    BAD("5;x\0y\r\nhello", BAD_CHUNK_EXTENSION, ""),
    BAD("5\r\nhello0\r\n\r\n", BAD_CHUNK_END, "hello"),
    BAD("5\r\nhello\n0\r\n\r\n", BARE_LF, "hello"),
    BAD("5\r\nhello\rX", BARE_CR, "hello"),
    BAD("5\r\nhello6\r\n", BAD_CHUNK_END, "hello"),
    BAD("0\r\n\n", BARE_LF, ""),
    BAD("0\r\n\r\r\n", BARE_CR, ""),
    BAD("0\r\n\rX", BARE_CR, ""),
    BAD("0\r\nX : 1\r\n\r\n", SPACE_BEFORE_COLON, ""),
    BAD("0\r\n X: 1\r\n\r\n", OBS_FOLD, ""),
    BAD("0\r\nX: 1\n\r\n", BARE_LF, ""),
    BAD("0\r\nGET / HTTP/1.1\r\n\r\n", SPACE_BEFORE_COLON, ""),
};

static void test_row(const struct row *row, const struct cs_h1_limits *limits)
{
    struct got whole, cut;
    size_t differs = 0;

    feed(row->framing, row->length, limits, row->in, row->in.len, 1, &whole);
    tap_int(whole.outcome, row->outcome, feed_shown(row->in));
    tap_int(whole.error, row->error, "  error");
    tap_str(cs_buf_str(&whole.content), row->content, "  content");
    tap_str(cs_buf_str(&whole.trailers), row->trailers, "  trailers");
    if (!row->error)
        tap_int((int64_t)(row->in.len - whole.used), (int64_t)row->left, "  left over");
    for (size_t first = 0; first < row->in.len; first++) {
        feed(row->framing, row->length, limits, row->in, first, row->in.len, &cut);
        differs += !same(&whole, &cut);
        got_deinit(&cut);
    }
    feed(row->framing, row->length, limits, row->in, 0, 1, &cut);
    tap_ok(!differs && same(&whole, &cut), "  however it is cut");
    got_deinit(&cut);
    got_deinit(&whole);
}

static void test_bounds(void)
{
    const struct cs_h1_limits limits = {.max_line = 40, .max_head = 60, .max_headers = 3};
    struct cs_arena arena = {0};
    struct cs_str text = CS_STR("");
    struct row row = {.framing = CS_H1_BODY_CHUNKED, .outcome = -EBADMSG};

    row.error = CS_H1_TRAILERS_TOO_LONG;
    row.in = CS_STR("0\r\nX: 12345678901234567890123456789012345678901234567890\r\n\r\n");
    test_row(&row, &limits);
    row.in = CS_STR("0\r\nA: 123456789012345678901234567890\r\nB: "
                    "123456789012345678901234567890\r\n\r\n");
    test_row(&row, &limits);
    row.in = CS_STR("0\r\nA:1\r\nB:1\r\nC:1\r\nD:1\r\n\r\n");
    test_row(&row, &limits);
    text = cs_str_make(memset(cs_arena_raw(&arena, 257), 'x', 257), 257);
    row.in = cs_arena_printf(&arena, "5;%.*s\r\n", CS_FMT(text));
    row.error = CS_H1_BAD_CHUNK_EXTENSION;
    test_row(&row, &limits);
    cs_arena_deinit(&arena);
}

/* One byte of content behind 200 bytes of extension, over and over, ends. */
static void test_extension_flood(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;
    struct cs_h1_body body;
    struct cs_str data, in;
    char chunk[210];
    size_t used;
    int r = CS_H1_MORE, n = 0;

    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "1;", 2);
    memcpy(chunk + 202, "\r\nA\r\n", 5);
    cs_h1_body_init(&body, CS_H1_BODY_CHUNKED, 0, &limits);
    for (; r == CS_H1_MORE && n < 1000; n++)
        for (in = cs_str_make(chunk, 207); in.len && r == CS_H1_MORE; in = cs_str_skip(in, used))
            r = cs_h1_body_feed(&body, in, &used, &data);
    tap_int(body.error, CS_H1_CHUNK_EXTENSIONS_TOO_LONG, "a flood of extensions is refused");
    tap_int(n, 82, "  after 16384 bytes of them");
    cs_h1_body_deinit(&body);
}

static void test_eof(void)
{
    static const struct {
        enum cs_h1_framing framing;
        const char *in;
        int want;
    } cases[] = {
        {CS_H1_BODY_NONE, "", 0},
        {CS_H1_BODY_LENGTH, "hello", 0},
        {CS_H1_BODY_LENGTH, "hell", -EBADMSG},
        {CS_H1_BODY_UNTIL_CLOSE, "", 0},
        {CS_H1_BODY_UNTIL_CLOSE, "x", 0},
        {CS_H1_BODY_CHUNKED, "", -EBADMSG},
        {CS_H1_BODY_CHUNKED, "1\r\nx", -EBADMSG},
        {CS_H1_BODY_CHUNKED, "0\r\n\r\n", 0},
        {CS_H1_BODY_CHUNKED, "0\r\n", -EBADMSG},
        {CS_H1_BODY_CHUNKED, "0\r\nX: 1\r\n", -EBADMSG},
    };
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_str data, in = cs_str_from(cases[i].in);
        struct cs_h1_body body;
        size_t used;

        cs_h1_body_init(&body, cases[i].framing, 5, &limits);
        if (cases[i].framing == CS_H1_BODY_CHUNKED)
            cs_h1_body_init(&body, cases[i].framing, 0, &limits);
        while (cs_h1_body_feed(&body, in, &used, &data) == CS_H1_MORE && used)
            in = cs_str_skip(in, used);
        tap_int(cs_h1_body_eof(&body), cases[i].want, "end of input");
        tap_int(body.error, cases[i].want ? CS_H1_TRUNCATED : CS_H1_OK, "  reason");
        cs_h1_body_deinit(&body);
    }
}

/* What we write, we read. */
static void test_round_trip(void)
{
    static const uint64_t sizes[] = {1, 15, 16, 255, 4096, 65535, UINT32_MAX, INT64_MAX};
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;
    char text[CS_H1_CHUNK_HEAD];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct cs_str data, head = cs_h1_chunk_head(sizes[i], text);
        struct cs_h1_body body;
        size_t used;

        cs_h1_body_init(&body, CS_H1_BODY_CHUNKED, 0, &limits);
        tap_int(cs_h1_body_feed(&body, head, &used, &data), CS_H1_MORE, "a chunk head is read");
        tap_ok(used == head.len && body.left == sizes[i], "  as the size it was written for");
        cs_h1_body_deinit(&body);
    }
}

int main(void)
{
    const struct cs_h1_limits limits = CS_H1_LIMITS_DEFAULT;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        test_row(&rows[i], &limits);
    test_bounds();
    test_extension_flood();
    test_eof();
    test_round_trip();
    return tap_done();
}
