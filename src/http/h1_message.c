/* A head that has been found is read line by line into values. Every rule about what a message
 * means (its framing above all) has one function here, and serves both directions. */
#include "http/h1_private.h"

#include "http/chars.h"

#include <errno.h>

/* Take one line off the front of *@rest, without its CR LF. */
static enum cs_h1_error take_line(struct cs_str *rest, struct cs_str *ret_line)
{
    ptrdiff_t lf = cs_str_find(*rest, '\n');

    if (lf < 0)
        return CS_H1_TRUNCATED;
    if (lf == 0 || rest->ptr[lf - 1] != '\r')
        return CS_H1_BARE_LF;
    *ret_line = cs_str_sub(*rest, 0, (size_t)lf - 1);
    *rest = cs_str_skip(*rest, (size_t)lf + 1);
    return CS_H1_OK;
}

/* Why a line has a byte that is not of class VALUE; CS_H1_OK when it has none. */
static enum cs_h1_error check_line(struct cs_str line)
{
    size_t len = cs_chars_values(line);

    if (len == line.len)
        return CS_H1_OK;
    return line.ptr[len] == '\r' ? CS_H1_BARE_CR : CS_H1_CONTROL_BYTE;
}

/* "HTTP/d.d" exactly. */
static bool is_version(struct cs_str text)
{
    return text.len == 8 && cs_str_starts(text, CS_STR("HTTP/")) &&
           cs_char_is(text.ptr[5], CS_CHAR_DIGIT) && text.ptr[6] == '.' &&
           cs_char_is(text.ptr[7], CS_CHAR_DIGIT);
}

static enum cs_h1_error parse_version(struct cs_str text, unsigned *ret_minor)
{
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return CS_H1_BAD_VERSION;
    *ret_minor = (unsigned)(text.ptr[7] - '0');
    return CS_H1_OK;
}

enum cs_h1_error cs_h1_request_version(struct cs_str line, unsigned *ret_minor)
{
    ptrdiff_t first = cs_str_find(line, ' '), last = cs_str_rfind(line, ' ');
    struct cs_str version = cs_str_skip(line, (size_t)last + 1);

    if (cs_str_eq(line, CS_STR("PRI * HTTP/2.0")))
        return CS_H1_HTTP2_PREFACE;
    if (first < 0)
        return CS_H1_BAD_REQUEST_LINE;
    if (!is_version(version))
        return first == last ? CS_H1_NO_VERSION : CS_H1_BAD_REQUEST_LINE;
    if (first == last)
        return CS_H1_BAD_REQUEST_LINE;
    return parse_version(version, ret_minor);
}

static enum cs_h1_error parse_request_line(struct cs_str line, struct cs_h1_request *ret)
{
    struct cs_str rest = line;
    enum cs_h1_error error = check_line(line);

    if (error)
        return error;
    ret->line = line;
    ret->method_text = cs_str_cut(&rest, ' ');
    if (!ret->method_text.len || !cs_chars_all(ret->method_text, CS_CHAR_METHOD))
        return CS_H1_BAD_METHOD;
    error = cs_h1_request_version(line, &ret->minor);
    if (error)
        return error;
    ret->method = cs_http_method(ret->method_text);
    ret->target = cs_str_sub(rest, 0, rest.len - sizeof(" HTTP/1.1") + 1);
    if (!ret->target.len || !cs_chars_all(ret->target, CS_CHAR_TARGET))
        return CS_H1_BAD_REQUEST_LINE;
    return CS_H1_OK;
}

static enum cs_h1_error parse_target(struct cs_h1_request *ret)
{
    enum cs_h1_error error;

    if (ret->method == CS_METHOD_CONNECT || ret->method == CS_METHOD_TRACE)
        return CS_H1_METHOD_REFUSED;
    error = cs_target_split(ret->target, &ret->uri);
    if (!error && ret->uri.form == CS_TARGET_ASTERISK && ret->method != CS_METHOD_OPTIONS)
        return CS_H1_BAD_TARGET;
    return error;
}

static enum cs_h1_error parse_field(struct cs_str line, struct cs_header *ret)
{
    size_t len = 0;

    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return CS_H1_OBS_FOLD;
    while (len < line.len && cs_char_is(line.ptr[len], CS_CHAR_TOKEN))
        len++;
    if (len && len < line.len && (line.ptr[len] == ' ' || line.ptr[len] == '\t'))
        return CS_H1_SPACE_BEFORE_COLON;
    if (!len || len == line.len || line.ptr[len] != ':')
        return check_line(line) ? check_line(line) : CS_H1_BAD_HEADER_NAME;
    ret->name = cs_str_sub(line, 0, len);
    ret->value = cs_str_trim(cs_str_skip(line, len + 1));
    return check_line(ret->value);
}

/* Whether nginx would forward a request header of that name. A name that is left out cannot
 * stand for another one behind a backend that takes '_' or '.' for '-'. */
static bool is_kept(struct cs_str name, const struct cs_h1_limits *limits)
{
    for (size_t i = 0; i < name.len; i++) {
        if (cs_char_is(name.ptr[i], CS_CHAR_FIELD) || limits->unusual_names_in_headers)
            continue;
        if (name.ptr[i] != '_' || !limits->underscores_in_headers)
            return false;
    }
    return true;
}

/* Where fields go, and which are left out. */
struct fields {
    const struct cs_h1_limits *limits;
    struct cs_arena *arena;
    struct cs_headers *list;
    bool filtered; /* leave out what nginx would not forward */
    unsigned n, n_dropped;
    struct cs_str dropped;
};

static enum cs_h1_error add_field(struct fields *fields, struct cs_str line)
{
    struct cs_header h;
    enum cs_h1_error error;

    if (line.len > fields->limits->max_line)
        return CS_H1_HEADER_TOO_LONG;
    if (++fields->n > fields->limits->max_headers)
        return CS_H1_TOO_MANY_HEADERS;
    error = parse_field(line, &h);
    if (error)
        return error;
    if (!fields->filtered || is_kept(h.name, fields->limits))
        cs_headers_add(fields->list, fields->arena, h.name, h.value);
    else if (!fields->n_dropped++)
        fields->dropped = h.name;
    return CS_H1_OK;
}

/* Read header lines up to the empty one, which must be the end of @rest. */
static enum cs_h1_error parse_fields(struct cs_str rest, struct fields *fields)
{
    enum cs_h1_error error;
    struct cs_str line;

    while (!(error = take_line(&rest, &line))) {
        if (!line.len)
            return rest.len ? CS_H1_TRUNCATED : CS_H1_OK;
        error = add_field(fields, line);
        if (error)
            return error;
    }
    return error;
}

static enum cs_h1_error duplicate(enum cs_header_id id)
{
    switch (id) {
    case CS_HEADER_HOST: return CS_H1_DUPLICATE_HOST;
    case CS_HEADER_CONTENT_LENGTH: return CS_H1_DUPLICATE_LENGTH;
    case CS_HEADER_TRANSFER_ENCODING: return CS_H1_DUPLICATE_CODING;
    default: return CS_H1_DUPLICATE_HEADER;
    }
}

/* Fields that decide framing may not repeat in any message, other ones not in requests. */
static enum cs_h1_error check_once(const struct cs_headers *headers, bool request)
{
    uint64_t seen = 0;

    _Static_assert(CS_HEADER_N <= 64, "ids are bits here");
    for (size_t i = 0; i < headers->n; i++) {
        enum cs_header_id id = headers->items[i].known;
        bool framing = id == CS_HEADER_CONTENT_LENGTH || id == CS_HEADER_TRANSFER_ENCODING;
        if (!cs_header_is_once(id) || !(request || framing))
            continue;
        if (seen & (UINT64_C(1) << id))
            return duplicate(id);
        seen |= UINT64_C(1) << id;
    }
    return CS_H1_OK;
}

/* What the headers say about the body (RFC 9112 sections 6.1 to 6.3); UNTIL_CLOSE when they
 * say nothing. */
static enum cs_h1_error parse_framing(const struct cs_headers *headers, unsigned minor,
                                      enum cs_h1_framing *ret_framing, uint64_t *ret_length)
{
    const struct cs_header *length = cs_headers_find_id(headers, CS_HEADER_CONTENT_LENGTH);
    const struct cs_header *coding = cs_headers_find_id(headers, CS_HEADER_TRANSFER_ENCODING);

    *ret_framing = CS_H1_BODY_UNTIL_CLOSE;
    if (length && coding)
        return CS_H1_LENGTH_AND_CODING;
    if (coding && minor == 0)
        return CS_H1_CODING_IN_1_0;
    if (coding && !cs_str_eq_nocase(coding->value, CS_STR("chunked")))
        return CS_H1_UNKNOWN_CODING;
    if (coding)
        *ret_framing = CS_H1_BODY_CHUNKED;
    if (length && (length->value.len > 19 || cs_str_to_u64(length->value, INT64_MAX, ret_length)))
        return CS_H1_BAD_LENGTH;
    if (length)
        *ret_framing = CS_H1_BODY_LENGTH;
    return CS_H1_OK;
}

static bool wants_keep_alive(const struct cs_headers *headers, unsigned minor)
{
    if (cs_headers_has_token(headers, CS_HEADER_CONNECTION, CS_STR("close")))
        return false;
    return minor > 0 || cs_headers_has_token(headers, CS_HEADER_CONNECTION, CS_STR("keep-alive"));
}

/* RFC 9112 section 3.2: exactly one Host in 1.1; an absolute target decides instead of it. */
static enum cs_h1_error parse_host(struct cs_h1_request *ret)
{
    const struct cs_header *host = cs_headers_find_id(&ret->headers, CS_HEADER_HOST);
    struct cs_authority parts = {0};

    if (!host && ret->minor > 0)
        return CS_H1_NO_HOST;
    if (host && cs_authority_split(host->value, &parts) < 0)
        return CS_H1_BAD_HOST;
    ret->authority = host ? host->value : (struct cs_str){0};
    if (ret->uri.form == CS_TARGET_ABSOLUTE) {
        ret->authority = ret->uri.authority;
        if (cs_authority_split(ret->authority, &parts) < 0)
            return CS_H1_BAD_HOST;
    }
    ret->host = parts.host;
    return CS_H1_OK;
}

static void parse_connection(struct cs_h1_request *ret)
{
    const struct cs_header *expect = cs_headers_find_id(&ret->headers, CS_HEADER_EXPECT);

    ret->keep_alive = wants_keep_alive(&ret->headers, ret->minor);
    ret->expect_continue =
        ret->minor > 0 && expect && cs_str_eq_nocase(expect->value, CS_STR("100-continue"));
    ret->upgrade = ret->minor > 0 && cs_headers_find_id(&ret->headers, CS_HEADER_UPGRADE) &&
                   cs_headers_has_token(&ret->headers, CS_HEADER_CONNECTION, CS_STR("upgrade"));
}

static enum cs_h1_error parse_request_meaning(struct cs_h1_request *ret)
{
    enum cs_h1_error error = check_once(&ret->headers, true);

    if (!error)
        error = parse_framing(&ret->headers, ret->minor, &ret->framing, &ret->content_length);
    if (!error)
        error = parse_host(ret);
    ret->has_length = ret->framing == CS_H1_BODY_LENGTH;
    if (ret->framing == CS_H1_BODY_UNTIL_CLOSE)
        ret->framing = CS_H1_BODY_NONE;
    parse_connection(ret);
    return error;
}

static int outcome(enum cs_h1_error error, enum cs_h1_error *ret_error)
{
    *ret_error = error;
    return error ? -EBADMSG : 0;
}

/* The first line and the header lines of a head, shared by both directions. */
static enum cs_h1_error split_head(struct cs_str head, const struct cs_h1_limits *limits,
                                   struct cs_str *ret_line, struct cs_str *ret_rest)
{
    *ret_rest = head;
    if (head.len > limits->max_head)
        return CS_H1_HEAD_TOO_LONG;
    enum cs_h1_error error = take_line(ret_rest, ret_line);
    return !error && ret_line->len > limits->max_line ? CS_H1_TARGET_TOO_LONG : error;
}

int cs_h1_request_parse(struct cs_str head, const struct cs_h1_limits *limits,
                        struct cs_arena *arena, struct cs_h1_request *ret,
                        enum cs_h1_error *ret_error)
{
    struct cs_h1_request request = {0};
    struct fields fields = {limits, arena, &request.headers, .filtered = true};
    struct cs_str line, rest;
    enum cs_h1_error error = split_head(head, limits, &line, &rest);

    if (!error)
        error = parse_request_line(line, &request);
    if (!error)
        error = parse_target(&request);
    if (!error)
        error = parse_fields(rest, &fields);
    if (!error)
        error = parse_request_meaning(&request);
    if (!error) {
        request.n_dropped = fields.n_dropped;
        request.dropped = fields.dropped;
        *ret = request;
    }
    return outcome(error, ret_error);
}

/* "HTTP/1.1 200 OK"; the reason and the space before it may be absent (RFC 9112 section 4). */
static enum cs_h1_error parse_status_line(struct cs_str line, struct cs_h1_response *ret)
{
    struct cs_str version = cs_str_sub(line, 0, 8), status = cs_str_sub(line, 9, 3);
    enum cs_h1_error error = check_line(line);
    uint64_t number;

    if (error)
        return error;
    if (!is_version(version))
        return CS_H1_BAD_STATUS_LINE;
    error = parse_version(version, &ret->minor);
    if (error)
        return error;
    if (line.len < 12 || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' ') ||
        cs_str_to_u64(status, 999, &number) < 0 || number < 100)
        return CS_H1_BAD_STATUS_LINE;
    ret->line = line;
    ret->status = (unsigned)number;
    ret->reason = cs_str_skip(line, 13);
    return CS_H1_OK;
}

static bool has_no_body(unsigned status, enum cs_http_method method)
{
    return method == CS_METHOD_HEAD || status / 100 == 1 || status == 204 || status == 304;
}

static enum cs_h1_error parse_response_meaning(struct cs_h1_response *ret,
                                               enum cs_http_method method)
{
    enum cs_h1_error error = check_once(&ret->headers, false);

    if (!error)
        error = parse_framing(&ret->headers, ret->minor, &ret->framing, &ret->content_length);
    ret->has_length = ret->framing == CS_H1_BODY_LENGTH;
    ret->upgraded = ret->status == 101;
    ret->interim = ret->status / 100 == 1 && !ret->upgraded;
    if (has_no_body(ret->status, method))
        ret->framing = CS_H1_BODY_NONE;
    ret->keep_alive = ret->framing != CS_H1_BODY_UNTIL_CLOSE && !ret->upgraded &&
                      wants_keep_alive(&ret->headers, ret->minor);
    return error;
}

int cs_h1_response_parse(struct cs_str head, enum cs_http_method method,
                         const struct cs_h1_limits *limits, struct cs_arena *arena,
                         struct cs_h1_response *ret, enum cs_h1_error *ret_error)
{
    struct cs_h1_response response = {0};
    struct fields fields = {limits, arena, &response.headers};
    struct cs_str line, rest;
    enum cs_h1_error error = split_head(head, limits, &line, &rest);

    if (!error)
        error = parse_status_line(line, &response);
    if (!error)
        error = parse_fields(rest, &fields);
    if (!error)
        error = parse_response_meaning(&response, method);
    if (!error)
        *ret = response;
    return outcome(error, ret_error);
}

int cs_h1_fields_parse(struct cs_str bytes, const struct cs_h1_limits *limits,
                       struct cs_arena *arena, struct cs_headers *ret, enum cs_h1_error *ret_error)
{
    struct cs_headers headers = {0};
    struct fields fields = {limits, arena, &headers};
    enum cs_h1_error error = parse_fields(bytes, &fields);

    if (!error)
        *ret = headers;
    return outcome(error, ret_error);
}
