/* Heads as they are passed on: what the client sent becomes what the upstream gets, and back.
 * A header that the configuration sets is removed first, in every spelling a backend might
 * take for it, so that no client can add to it. */
#include <errno.h>

#include "gateway/conn.h"
#include "gateway/exchange.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "http/escape.h"
#include "http/target.h"

/* Path and arguments for the upstream. */
static struct cs_str forwarded_target(struct cs_request *request, const struct cs_proxy *proxy)
{
    struct cs_arena *arena = &request->arena;
    struct cs_str path = request->path;

    if (proxy->uri_has_variables)
        return cs_request_eval(request, &proxy->uri);
    if (!proxy->has_uri && request->origin.ptr)
        return request->origin;
    path = cs_str_skip(path, proxy->has_uri && !request->path_changed ? proxy->prefix_len : 0);
    path = cs_escape_uri(path, CS_ESCAPE_URI, arena);
    if (proxy->has_uri && !request->path_changed)
        path = cs_arena_cat(arena, cs_request_eval(request, &proxy->uri), path);
    if (request->args.len == 0)
        return path;
    return cs_arena_printf(arena, "%.*s?%.*s", CS_FMT(path), CS_FMT(request->args));
}

static bool frames_message(enum cs_header_id id)
{
    return id == CS_HEADER_CONTENT_LENGTH || id == CS_HEADER_TRANSFER_ENCODING;
}

/* The client's headers without what concerns its connection and what is set here. */
static struct cs_headers client_headers(struct cs_request *request, const struct cs_proxy *proxy)
{
    struct cs_headers headers = {0};
    struct cs_str *protected_names =
        cs_arena_array(&request->arena, proxy->n_set, sizeof(*protected_names));

    if (!request->scope->set.proxy_pass_request_headers)
        return headers;
    headers = cs_headers_copy(&request->head.headers, &request->arena);
    for (size_t i = 0; i < proxy->n_set; i++)
        protected_names[i] = proxy->set[i].name;
    cs_headers_remove_hop_by_hop(&headers, protected_names, proxy->n_set);
    for (size_t i = 0; i < proxy->n_set; i++)
        cs_headers_remove_same(&headers, proxy->set[i].name);
    cs_headers_remove_id(&headers, CS_HEADER_CONTENT_LENGTH);
    cs_headers_remove_id(&headers, CS_HEADER_TRANSFER_ENCODING);
    cs_headers_remove_id(&headers, CS_HEADER_EXPECT);
    cs_headers_remove_id(&headers, CS_HEADER_HOST);
    return headers;
}

bool cs_sends_body(const struct cs_request *request)
{
    return request->scope->set.proxy_pass_request_body && !request->without_body &&
           request->head.framing != CS_H1_BODY_NONE;
}

static int add_framing(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;
    uint64_t length = request->head.content_length;

    if (!cs_sends_body(request))
        return 0;
    if (x->chunk_body)
        return cs_h1_write_header(&x->out, CS_STR("Transfer-Encoding"), CS_STR("chunked"));
    if (request->head.framing == CS_H1_BODY_CHUNKED)
        length = x->kept.len;
    return cs_h1_write_header(&x->out, CS_STR("Content-Length"),
                              cs_arena_u64(&request->arena, length));
}

/* HTTP/1.0 has no chunks, and the length of this body is not known. */
static unsigned minor_version(const struct cs_request *request)
{
    return request->scope->set.proxy_http_version == 10 && !request->exchange->chunk_body ? 0 : 1;
}

int cs_forward_request_head(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;
    const struct cs_location_settings *set = &request->scope->set;
    struct cs_headers headers = client_headers(request, x->proxy);
    struct cs_str method = set->proxy_method.len ? set->proxy_method : request->method;
    struct cs_str target = forwarded_target(request, x->proxy);
    int r;

    x->chunk_body = cs_sends_body(request) && request->head.framing == CS_H1_BODY_CHUNKED &&
                    !request->body_ended;
    r = target.len ? cs_h1_write_request_line(&x->out, method, target, minor_version(request))
                   : -EINVAL;
    for (size_t i = 0; i < x->proxy->n_set; i++) {
        const struct cs_header_rule *rule = &x->proxy->set[i];
        struct cs_str value;
        if (frames_message(rule->known))
            continue;
        value = cs_request_eval(request, &rule->value);
        if (value.len && r == 0)
            r = cs_h1_write_header(&x->out, rule->name, value);
    }
    if (r == 0)
        r = add_framing(request);
    if (r == 0)
        r = cs_h1_write_headers(&x->out, &headers);
    return r == 0 ? cs_h1_write_end(&x->out) : r;
}

/* proxy_redirect: the first rule whose prefix @url has. */
static struct cs_str redirected(struct cs_request *request, struct cs_str url)
{
    const struct cs_proxy *proxy = request->exchange->proxy;

    for (size_t i = 0; i < proxy->n_redirects; i++) {
        struct cs_str from = cs_request_eval(request, &proxy->redirects[i].from);
        if (!cs_str_starts(url, from))
            continue;
        url = cs_arena_cat(&request->arena, cs_request_eval(request, &proxy->redirects[i].to),
                           cs_str_skip(url, from.len));
        break;
    }
    return url;
}

/* Answers whose end the client knows without a length. */
static bool may_lack_length(const struct cs_request *request)
{
    unsigned status = request->exchange->head.status;

    return status < 200 || status == 204 || status == 304 ||
           cs_str_eq(request->method, CS_STR("HEAD"));
}

static void add_body_framing(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;

    request->chunked = false;
    if (x->head.framing == CS_H1_BODY_CHUNKED || x->head.framing == CS_H1_BODY_UNTIL_CLOSE) {
        request->chunked = request->head.minor >= 1;
        if (request->chunked)
            cs_head_add_id(request, CS_HEADER_TRANSFER_ENCODING, CS_STR("chunked"));
        else
            request->keep_alive = false;
    } else if (x->head.has_length &&
               (x->head.framing != CS_H1_BODY_NONE || may_lack_length(request))) {
        cs_head_add_id(request, CS_HEADER_CONTENT_LENGTH,
                       cs_arena_u64(&request->arena, x->head.content_length));
    } else if (x->head.framing == CS_H1_BODY_NONE && !may_lack_length(request)) {
        cs_head_add_id(request, CS_HEADER_CONTENT_LENGTH, CS_STR("0"));
    }
}

static bool is_hidden(const struct cs_proxy *proxy, struct cs_str name)
{
    for (size_t i = 0; i < proxy->n_hide; i++) {
        if (cs_str_eq_nocase(proxy->hide[i], name))
            return true;
    }
    return false;
}

void cs_forward_response_head(struct cs_request *request)
{
    struct cs_exchange *x = request->exchange;
    struct cs_headers headers = cs_headers_copy(&x->head.headers, &request->arena);
    struct cs_str upgrade = {0};

    if (x->head.upgraded)
        upgrade = cs_headers_value(&headers, CS_STR("Upgrade"));
    cs_headers_remove_hop_by_hop(&headers, NULL, 0);
    cs_headers_remove_id(&headers, CS_HEADER_CONTENT_LENGTH);
    cs_head_begin(request, (int)x->head.status, x->head.reason);
    if (x->head.upgraded) {
        cs_head_add(request, CS_STR("Connection"), CS_STR("upgrade"));
        if (upgrade.len)
            cs_head_add(request, CS_STR("Upgrade"), upgrade);
    } else {
        add_body_framing(request);
    }
    for (size_t i = 0; i < headers.n; i++) {
        const struct cs_header *h = &headers.items[i];
        struct cs_str value = h->value;
        if (is_hidden(x->proxy, h->name))
            continue;
        if (h->known == CS_HEADER_LOCATION)
            value = redirected(request, value);
        cs_head_add_known(request, h->name, value, h->known);
    }
    cs_head_end(request);
}
