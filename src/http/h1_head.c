/* Finding the end of a head is a state machine over the shape of lines, not their meaning. It
 * stops at the first byte that cannot belong to a head, and looks at every byte once, however
 * the bytes arrive: outcomes do not depend on how they are cut. */
#include "http/h1_private.h"

#include "base/panic.h"
#include "http/chars.h"

#include <errno.h>

enum state {
    AT_START,    /* before the first byte of the first line */
    AT_START_LF, /* behind the CR of an empty line before it */
    IN_METHOD,
    IN_FIRST,    /* in the rest of the first line */
    AT_FIRST_LF, /* behind its CR */
    AT_LINE,     /* before the first byte of a header line */
    IN_NAME,
    IN_VALUE,
    AT_VALUE_LF,
    AT_END_LF, /* behind the CR of the empty line */
    AT_END,
};

#define MAX_EMPTY_LINES 4
#define MAX_METHOD 64

void cs_h1_scan_init(struct cs_h1_scan *scan, enum cs_h1_kind kind,
                     const struct cs_h1_limits *limits)
{
    *scan = (struct cs_h1_scan){.limits = limits, .kind = (uint8_t)kind};
    scan->state = kind == CS_H1_TRAILERS ? AT_LINE : AT_START;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Advance over bytes of @classes, at most to one byte beyond the limits.
 * Return: whether a byte of another class is next. */
static bool run(struct cs_h1_scan *scan, struct cs_str bytes, unsigned classes)
{
    size_t end = min(bytes.len, min(scan->line + scan->limits->max_line + 1,
                                    scan->start + scan->limits->max_head + 1));

    if (classes == CS_CHAR_VALUE && scan->pos < end)
        scan->pos += cs_chars_values(cs_str_sub(bytes, scan->pos, end - scan->pos));
    while (scan->pos < end && cs_char_is(bytes.ptr[scan->pos], classes))
        scan->pos++;
    return scan->pos < end;
}

/* The byte that ends a line is CR, or else the head is refused. */
static enum cs_h1_error expect_cr(struct cs_h1_scan *scan, char c, enum state next)
{
    if (c == '\n')
        return CS_H1_BARE_LF;
    if (c != '\r')
        return CS_H1_CONTROL_BYTE;
    scan->pos++;
    scan->state = (uint8_t)next;
    return CS_H1_OK;
}

static enum cs_h1_error expect_lf(struct cs_h1_scan *scan, char c, enum state next)
{
    if (c != '\n')
        return CS_H1_BARE_CR;
    scan->line = ++scan->pos;
    scan->state = (uint8_t)next;
    return CS_H1_OK;
}

static enum cs_h1_error at_start(struct cs_h1_scan *scan, char c)
{
    if (scan->kind == CS_H1_RESPONSE) {
        scan->state = IN_FIRST;
        return c == 'H' ? CS_H1_OK : CS_H1_BAD_STATUS_LINE;
    }
    if (c == '\r') {
        scan->state = AT_START_LF;
        return ++scan->pos > 2 * MAX_EMPTY_LINES ? CS_H1_EMPTY_LINES : CS_H1_OK;
    }
    if (c == '\n')
        return CS_H1_BARE_LF;
    scan->start = scan->line = scan->pos;
    scan->state = IN_METHOD;
    return CS_H1_OK;
}

static enum cs_h1_error in_method(struct cs_h1_scan *scan, struct cs_str bytes)
{
    bool ended = run(scan, bytes, CS_CHAR_METHOD);
    size_t len = scan->pos - scan->start;

    if (len > MAX_METHOD || (ended && (!len || bytes.ptr[scan->pos] != ' ')))
        return CS_H1_BAD_METHOD;
    if (ended)
        scan->state = IN_FIRST;
    return CS_H1_OK;
}

static enum cs_h1_error at_first_lf(struct cs_h1_scan *scan, struct cs_str bytes)
{
    struct cs_str line = cs_str_sub(bytes, scan->start, scan->pos - 1 - scan->start);
    enum cs_h1_error error = expect_lf(scan, bytes.ptr[scan->pos], AT_LINE);
    unsigned minor;

    if (!error && scan->kind == CS_H1_REQUEST)
        error = cs_h1_request_version(line, &minor);
    return error;
}

static enum cs_h1_error at_line(struct cs_h1_scan *scan, char c)
{
    if (c == ' ' || c == '\t')
        return CS_H1_OBS_FOLD;
    if (c == '\r' || c == '\n')
        return expect_cr(scan, c, AT_END_LF);
    if (++scan->n_lines > scan->limits->max_headers)
        return CS_H1_TOO_MANY_HEADERS;
    scan->state = IN_NAME;
    return CS_H1_OK;
}

static enum cs_h1_error in_name(struct cs_h1_scan *scan, struct cs_str bytes)
{
    char c;

    if (!run(scan, bytes, CS_CHAR_TOKEN))
        return CS_H1_OK;
    c = bytes.ptr[scan->pos];
    if (c == '\n')
        return CS_H1_BARE_LF;
    if (c != '\r' && !cs_char_is(c, CS_CHAR_VALUE))
        return CS_H1_CONTROL_BYTE;
    if (scan->pos == scan->line || (c != ':' && c != ' ' && c != '\t'))
        return CS_H1_BAD_HEADER_NAME;
    if (c != ':')
        return CS_H1_SPACE_BEFORE_COLON;
    scan->state = IN_VALUE;
    return CS_H1_OK;
}

/* Advance by at least one byte or one state, unless @bytes are used up. */
static enum cs_h1_error step(struct cs_h1_scan *scan, struct cs_str bytes)
{
    char c = bytes.ptr[scan->pos];

    switch ((enum state)scan->state) {
    case AT_START: return at_start(scan, c);
    case AT_START_LF: return expect_lf(scan, c, AT_START);
    case IN_METHOD: return in_method(scan, bytes);
    case IN_FIRST:
        if (run(scan, bytes, CS_CHAR_VALUE))
            return expect_cr(scan, bytes.ptr[scan->pos], AT_FIRST_LF);
        return CS_H1_OK;
    case AT_FIRST_LF: return at_first_lf(scan, bytes);
    case AT_LINE: return at_line(scan, c);
    case IN_NAME: return in_name(scan, bytes);
    case IN_VALUE:
        if (run(scan, bytes, CS_CHAR_VALUE))
            return expect_cr(scan, bytes.ptr[scan->pos], AT_VALUE_LF);
        return CS_H1_OK;
    case AT_VALUE_LF: return expect_lf(scan, c, AT_LINE);
    case AT_END_LF: return expect_lf(scan, c, AT_END);
    case AT_END: break;
    }
    cs_panic(__FILE__, __LINE__, "head searched beyond its end");
}

static enum cs_h1_error check_limits(const struct cs_h1_scan *scan)
{
    size_t line = scan->pos - scan->line;

    if (line > scan->limits->max_line && (scan->state == IN_METHOD || scan->state == IN_FIRST))
        return CS_H1_TARGET_TOO_LONG;
    if (line > scan->limits->max_line && (scan->state == IN_NAME || scan->state == IN_VALUE))
        return CS_H1_HEADER_TOO_LONG;
    return scan->pos - scan->start > scan->limits->max_head ? CS_H1_HEAD_TOO_LONG : CS_H1_OK;
}

ssize_t cs_h1_head_find(struct cs_h1_scan *scan, struct cs_str bytes)
{
    cs_assert(scan->pos <= bytes.len && scan->state != AT_END);
    while (!scan->error && scan->pos < bytes.len && scan->state != AT_END) {
        scan->error = step(scan, bytes);
        if (!scan->error)
            scan->error = check_limits(scan);
    }
    if (scan->error)
        return -EBADMSG;
    return scan->state == AT_END ? (ssize_t)scan->pos : 0;
}
