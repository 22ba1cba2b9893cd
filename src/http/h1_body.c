/* A body is given out as slices of what came in, its framing taken off on the way. Chunk lines
 * go byte by byte through a state machine; content and trailers go in runs. */
#include "http/h1.h"

#include "base/panic.h"
#include "http/chars.h"

#include <errno.h>

enum state {
    IN_CONTENT, /* length and until-close bodies, and chunk data */
    IN_SIZE,
    IN_EXTENSION,
    AT_SIZE_LF,
    AT_DATA_CR, /* behind chunk data */
    AT_DATA_LF,
    AT_TRAILERS, /* behind the last chunk's line */
    AT_END_LF,
    IN_TRAILERS,
    AT_END,
    REFUSED,
};

#define MAX_DIGITS 16

void cs_h1_body_init(struct cs_h1_body *body, enum cs_h1_framing framing, uint64_t length,
                     const struct cs_h1_limits *limits)
{
    *body = (struct cs_h1_body){.framing = framing, .state = IN_CONTENT};
    body->left = framing == CS_H1_BODY_UNTIL_CLOSE ? UINT64_MAX : length;
    cs_h1_scan_init(&body->scan, CS_H1_TRAILERS, limits);
    cs_buf_init(&body->trailers, limits->max_head + 1);
    if (framing == CS_H1_BODY_CHUNKED)
        body->state = IN_SIZE;
    if (framing == CS_H1_BODY_NONE || (framing == CS_H1_BODY_LENGTH && !length))
        body->state = AT_END;
}

void cs_h1_body_deinit(struct cs_h1_body *body)
{
    cs_buf_deinit(&body->trailers);
}

static enum cs_h1_error expect(struct cs_h1_body *body, char c, char wanted, enum state next)
{
    if (c == wanted) {
        body->state = (uint8_t)next;
        return CS_H1_OK;
    }
    if (wanted == '\n')
        return CS_H1_BARE_CR;
    return c == '\n' ? CS_H1_BARE_LF : CS_H1_BAD_CHUNK_END;
}

static enum cs_h1_error in_size(struct cs_h1_body *body, char c)
{
    int digit = cs_hex_digit(c);

    if (digit >= 0 && body->digits < MAX_DIGITS && body->left <= INT64_MAX >> 4) {
        body->left = body->left << 4 | (unsigned)digit;
        body->digits++;
        return CS_H1_OK;
    }
    if (c == '\n')
        return CS_H1_BARE_LF;
    if (!body->digits || (c != ';' && c != '\r'))
        return CS_H1_BAD_CHUNK_SIZE;
    body->state = c == ';' ? IN_EXTENSION : AT_SIZE_LF;
    body->n_extension = 0;
    return CS_H1_OK;
}

static enum cs_h1_error in_extension(struct cs_h1_body *body, char c)
{
    if (c == '\n')
        return CS_H1_BARE_LF;
    if (c == '\r') {
        body->state = AT_SIZE_LF;
        return body->n_extension ? CS_H1_OK : CS_H1_BAD_CHUNK_EXTENSION;
    }
    if (!cs_char_is(c, CS_CHAR_VALUE) || ++body->n_extension > CS_H1_MAX_EXTENSION)
        return CS_H1_BAD_CHUNK_EXTENSION;
    return ++body->n_extensions > CS_H1_MAX_EXTENSIONS ? CS_H1_CHUNK_EXTENSIONS_TOO_LONG : CS_H1_OK;
}

static void next_chunk(struct cs_h1_body *body)
{
    body->state = IN_SIZE;
    body->digits = 0;
    body->left = 0;
}

/* One byte of chunk framing. */
static enum cs_h1_error framing_byte(struct cs_h1_body *body, char c)
{
    enum cs_h1_error error;

    switch ((enum state)body->state) {
    case IN_SIZE: return in_size(body, c);
    case IN_EXTENSION: return in_extension(body, c);
    case AT_SIZE_LF: return expect(body, c, '\n', body->left ? IN_CONTENT : AT_TRAILERS);
    case AT_DATA_CR: return expect(body, c, '\r', AT_DATA_LF);
    case AT_DATA_LF:
        error = expect(body, c, '\n', IN_SIZE);
        if (!error)
            next_chunk(body);
        return error;
    case AT_TRAILERS: return expect(body, c, '\r', AT_END_LF);
    case AT_END_LF: return expect(body, c, '\n', AT_END);
    default: cs_panic(__FILE__, __LINE__, "no framing in this state");
    }
}

static struct cs_str take_content(struct cs_h1_body *body, struct cs_str in)
{
    struct cs_str data = in;

    if (data.len > body->left)
        data.len = (size_t)body->left;
    body->total += data.len;
    if (body->framing == CS_H1_BODY_UNTIL_CLOSE)
        return data;
    body->left -= data.len;
    if (!body->left)
        body->state = body->framing == CS_H1_BODY_CHUNKED ? AT_DATA_CR : AT_END;
    return data;
}

static enum cs_h1_error as_trailer_error(enum cs_h1_error error)
{
    bool size = error == CS_H1_HEADER_TOO_LONG || error == CS_H1_HEAD_TOO_LONG ||
                error == CS_H1_TOO_MANY_HEADERS;
    return size ? CS_H1_TRAILERS_TOO_LONG : error;
}

/* Collect the trailer section; what lies behind it is given back. Return: bytes taken. */
static size_t take_trailers(struct cs_h1_body *body, struct cs_str in)
{
    struct cs_buf *held = &body->trailers;
    size_t before = held->len, room = held->max - before, len = in.len < room ? in.len : room;
    ssize_t end;

    cs_assert(cs_buf_add(held, in.ptr, len) == 0);
    end = cs_h1_head_find(&body->scan, cs_buf_str(held));
    if (end < 0)
        body->error = as_trailer_error(body->scan.error);
    if (end <= 0)
        return len;
    held->len = (size_t)end;
    body->state = AT_END;
    return (size_t)end - before;
}

static bool is_framing(const struct cs_h1_body *body)
{
    return body->state != IN_CONTENT && body->state != IN_TRAILERS && body->state != AT_END &&
           body->state != REFUSED;
}

/* Framing up to content, trailers, the end or an error. Return: bytes taken. */
static size_t take_framing(struct cs_h1_body *body, struct cs_str in)
{
    size_t i = 0;

    while (i < in.len && is_framing(body) && !body->error) {
        if (body->state == AT_TRAILERS && in.ptr[i] != '\r')
            body->state = IN_TRAILERS;
        else
            body->error = framing_byte(body, in.ptr[i++]);
    }
    return i;
}

int cs_h1_body_feed(struct cs_h1_body *body, struct cs_str in, size_t *ret_consumed,
                    struct cs_str *ret_data)
{
    size_t used = take_framing(body, in);

    *ret_data = (struct cs_str){in.ptr, 0};
    if (!body->error && body->state == IN_TRAILERS && used < in.len)
        used += take_trailers(body, cs_str_skip(in, used));
    if (!body->error && body->state == IN_CONTENT) {
        *ret_data = take_content(body, cs_str_skip(in, used));
        used += ret_data->len;
    }
    *ret_consumed = used;
    if (body->error) {
        body->state = REFUSED;
        return -EBADMSG;
    }
    return body->state == AT_END ? CS_H1_DONE : CS_H1_MORE;
}

int cs_h1_body_eof(struct cs_h1_body *body)
{
    if (body->state == AT_END)
        return 0;
    if (body->state == IN_CONTENT && body->framing == CS_H1_BODY_UNTIL_CLOSE) {
        body->state = AT_END;
        return 0;
    }
    if (!body->error)
        body->error = CS_H1_TRUNCATED;
    body->state = REFUSED;
    return -EBADMSG;
}

/* A trailer may say nothing that was decided before the body: every name the gateway knows
 * is such a one, in any spelling, but for the checksum-like ETag. */
static bool is_trailer(struct cs_str name)
{
    for (unsigned id = 1; id < CS_HEADER_N; id++)
        if (id != CS_HEADER_ETAG && cs_header_same_name(name, cs_header_name(id)))
            return false;
    return true;
}

void cs_h1_body_trailers(const struct cs_h1_body *body, struct cs_arena *arena,
                         struct cs_headers *ret)
{
    struct cs_headers all = {0}, kept = {0};
    enum cs_h1_error error;

    cs_assert(body->state == AT_END);
    if (body->trailers.len)
        cs_h1_fields_parse(cs_buf_str(&body->trailers), body->scan.limits, arena, &all, &error);
    for (size_t i = 0; i < all.n; i++)
        if (is_trailer(all.items[i].name))
            cs_headers_add(&kept, arena, all.items[i].name, all.items[i].value);
    *ret = kept;
}
