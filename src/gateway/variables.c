/* The values of variables, computed when asked for and never before. */
#include "snapshot/variables.h"

#include <sys/random.h>

#include "base/addr.h"
#include "gateway/conn.h"
#include "gateway/exchange.h"
#include "gateway/request.h"
#include "gateway/script.h"
#include "gateway/state.h"
#include "gateway/tls_variables.h"
#include "http/escape.h"
#include "http/message.h"
#include "io/log.h"
#include "route/map.h"

static struct cs_str number(struct cs_request *request, uint64_t value)
{
    return cs_arena_printf(&request->arena, "%llu", (unsigned long long)value);
}

/* Milliseconds as "1.234"; none below zero. */
static struct cs_str seconds(struct cs_request *request, int64_t ms)
{
    if (ms < 0)
        return CS_STR("-");
    return cs_arena_printf(&request->arena, "%lld.%03lld", (long long)(ms / 1000),
                           (long long)(ms % 1000));
}

static struct cs_str header(const struct cs_request *request, enum cs_header_id id)
{
    const struct cs_header *h = cs_headers_find_id(&request->head.headers, id);

    return h ? h->value : (struct cs_str){0};
}

static struct cs_str ip_text(struct cs_request *request, const struct cs_addr *addr)
{
    char text[CS_ADDR_TEXT];

    return cs_arena_dup(&request->arena, cs_addr_ip_text(addr, text));
}

static struct cs_str port_text(struct cs_request *request, const struct cs_addr *addr)
{
    return cs_addr_port(addr) ? number(request, cs_addr_port(addr)) : (struct cs_str){0};
}

static const struct cs_addr *local_addr(struct cs_request *request)
{
    struct cs_conn *conn = request->conn;

    if (!conn->local) {
        struct cs_addr *local = CS_ARENA_NEW(&conn->arena, struct cs_addr);
        cs_socket_local(conn->wire.fd, local);
        conn->local = local;
    }
    return conn->local;
}

static struct cs_str binary_addr(struct cs_request *request)
{
    const struct cs_addr *a = &request->conn->client;

    if (a->sa.sa_family == AF_INET)
        return cs_str_make(&a->in4.sin_addr, 4);
    if (a->sa.sa_family == AF_INET6)
        return cs_str_make(&a->in6.sin6_addr, 16);
    return CS_STR("unix:");
}

static struct cs_str host(struct cs_request *request)
{
    return request->host.len ? request->host : request->server->name;
}

static struct cs_str request_id(struct cs_request *request)
{
    unsigned char bytes[16];

    if (!request->has_id) {
        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
            return (struct cs_str){0};
        cs_hex_encode(bytes, sizeof(bytes), false, request->id);
        request->has_id = true;
    }
    return cs_str_make(request->id, sizeof(request->id));
}

/* All X-Forwarded-For fields count, then the peer of this connection. */
static struct cs_str forwarded_for(struct cs_request *request)
{
    const struct cs_headers *headers = &request->head.headers;
    struct cs_buf all;

    cs_buf_init(&all, CS_JOINED_MAX);
    for (const struct cs_header *h = cs_headers_find(headers, CS_STR("X-Forwarded-For")); h;
         h = cs_headers_next(headers, h)) {
        cs_buf_add_str(&all, h->value);
        cs_buf_add_str(&all, CS_STR(", "));
    }
    cs_buf_add_str(&all, ip_text(request, &request->conn->client));
    return cs_request_joined(request, &all);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* User name of `Authorization: Basic …` (RFC 7617), as far as it decodes. */
static struct cs_str remote_user(struct cs_request *request)
{
    struct cs_str text = header(request, CS_HEADER_AUTHORIZATION);
    char *out;
    size_t n = 0;
    uint32_t bits = 0;
    int have = 0;

    if (!cs_str_starts_nocase(text, CS_STR("basic ")))
        return (struct cs_str){0};
    text = cs_str_trim(cs_str_skip(text, 6));
    out = cs_arena_raw(&request->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i]);
        if (value < 0)
            break;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[n] = (char)(bits >> have & 0xff);
        if (out[n] == ':')
            return cs_str_make(out, n);
        n++;
    }
    return (struct cs_str){0};
}

static struct cs_str local_time(struct cs_request *request, bool iso)
{
    char text[CS_TIME_TEXT];
    int64_t sec = cs_now_sec(&request->conn->worker->loop.now);
    int zone = cs_zone_offset_min(sec);

    return cs_arena_dup(&request->arena,
                        iso ? cs_time_iso_local(sec, zone, text) : cs_time_common(sec, zone, text));
}

static int64_t age_ms(const struct cs_request *request, int64_t since_mono_ms)
{
    return request->conn->worker->loop.now.mono_ms - since_mono_ms;
}

static struct cs_str proxy_variable(struct cs_request *request, int id)
{
    const struct cs_proxy_header *proxy = request->conn->proxy;
    const struct cs_addr *addr;

    if (!proxy || !proxy->known)
        return (struct cs_str){0};
    addr = id == CS_VAR_PROXY_PROTOCOL_ADDR || id == CS_VAR_PROXY_PROTOCOL_PORT
               ? &proxy->source
               : &proxy->destination;
    if (id == CS_VAR_PROXY_PROTOCOL_ADDR || id == CS_VAR_PROXY_PROTOCOL_SERVER_ADDR)
        return ip_text(request, addr);
    return port_text(request, addr);
}

static struct cs_str attempt_text(struct cs_request *request, const struct cs_attempt *a, int id)
{
    switch (id) {
    case CS_VAR_UPSTREAM_ADDR: return a->address;
    case CS_VAR_UPSTREAM_STATUS:
        return a->status ? number(request, (uint64_t)a->status) : CS_STR("-");
    case CS_VAR_UPSTREAM_CONNECT_TIME: return seconds(request, a->connect_ms);
    case CS_VAR_UPSTREAM_HEADER_TIME: return seconds(request, a->header_ms);
    default: return seconds(request, a->response_ms);
    }
}

/* One value per server asked, by comma; by colon where an error page was fetched. */
static struct cs_str attempts_text(struct cs_request *request, int id)
{
    const struct cs_exchange *x = request->exchange;
    struct cs_str all = {0};

    for (unsigned i = 0; i < x->n_attempts; i++)
        all = cs_arena_printf(&request->arena, "%.*s%s%.*s", CS_FMT(all),
                              i == 0                 ? ""
                              : x->attempts[i].first ? " : "
                                                     : ", ",
                              CS_FMT(attempt_text(request, &x->attempts[i], id)));
    return all;
}

static struct cs_str upstream_variable(struct cs_request *request, int id)
{
    if (!request->exchange)
        return (struct cs_str){0};
    switch (id) {
    case CS_VAR_UPSTREAM_ADDR:
    case CS_VAR_UPSTREAM_STATUS:
    case CS_VAR_UPSTREAM_CONNECT_TIME:
    case CS_VAR_UPSTREAM_HEADER_TIME:
    case CS_VAR_UPSTREAM_RESPONSE_TIME: return attempts_text(request, id);
    case CS_VAR_UPSTREAM_RESPONSE_LENGTH: return number(request, cs_exchange_body_bytes(request));
    case CS_VAR_UPSTREAM_BYTES_RECEIVED: return number(request, cs_exchange_received(request));
    case CS_VAR_UPSTREAM_BYTES_SENT: return number(request, cs_exchange_sent(request));
    default: return (struct cs_str){0};
    }
}

static struct cs_str request_variable(struct cs_request *request, int id)
{
    const struct cs_proxy *proxy = request->scope->proxy;

    switch (id) {
    case CS_VAR_ARGS:
    case CS_VAR_QUERY_STRING: return request->args;
    case CS_VAR_IS_ARGS: return request->args.len ? CS_STR("?") : (struct cs_str){0};
    case CS_VAR_URI:
    case CS_VAR_DOCUMENT_URI: return request->path;
    case CS_VAR_REQUEST: return request->head.line;
    case CS_VAR_REQUEST_ID: return request_id(request);
    case CS_VAR_REQUEST_LENGTH: return number(request, request->outcome.bytes_received);
    case CS_VAR_REQUEST_METHOD: return request->head.method_text;
    case CS_VAR_REQUEST_TIME:
        return seconds(request, request->conn->worker->loop.now.mono_ms - request->start_mono_ms);
    case CS_VAR_REQUEST_URI: return request->head.target;
    case CS_VAR_CONTENT_LENGTH: return header(request, CS_HEADER_CONTENT_LENGTH);
    case CS_VAR_CONTENT_TYPE: return header(request, CS_HEADER_CONTENT_TYPE);
    case CS_VAR_HOST: return host(request);
    case CS_VAR_REMOTE_USER: return remote_user(request);
    case CS_VAR_PROXY_ADD_X_FORWARDED_FOR: return forwarded_for(request);
    case CS_VAR_PROXY_HOST: return proxy ? proxy->host : (struct cs_str){0};
    case CS_VAR_PROXY_PORT: return proxy ? number(request, proxy->port) : (struct cs_str){0};
    case CS_VAR_SERVER_NAME: return request->server->name;
    case CS_VAR_SERVER_PROTOCOL:
        return request->head.minor ? CS_STR("HTTP/1.1") : CS_STR("HTTP/1.0");
    case CS_VAR_STATUS: return cs_arena_printf(&request->arena, "%03d", request->status);
    case CS_VAR_BODY_BYTES_SENT: return number(request, request->outcome.body_sent);
    case CS_VAR_BYTES_SENT: return number(request, request->outcome.bytes_sent);
    case CS_VAR_PIPE: return request->pipelined ? CS_STR("p") : CS_STR(".");
    default: return upstream_variable(request, id);
    }
}

static struct cs_str connection_variable(struct cs_request *request, int id)
{
    struct cs_conn *conn = request->conn;

    switch (id) {
    case CS_VAR_BINARY_REMOTE_ADDR: return binary_addr(request);
    case CS_VAR_REMOTE_ADDR: return ip_text(request, &conn->client);
    case CS_VAR_REMOTE_PORT: return port_text(request, &conn->client);
    case CS_VAR_SERVER_ADDR: return ip_text(request, local_addr(request));
    case CS_VAR_SERVER_PORT: return port_text(request, local_addr(request));
    case CS_VAR_CONNECTION: return number(request, conn->number);
    case CS_VAR_CONNECTION_REQUESTS: return number(request, conn->n_requests);
    case CS_VAR_CONNECTION_TIME: return seconds(request, age_ms(request, conn->accepted_ms));
    case CS_VAR_SCHEME: return cs_conn_scheme(conn);
    case CS_VAR_HTTPS: return conn->wire.tls ? CS_STR("on") : (struct cs_str){0};
    case CS_VAR_HOSTNAME: return cs_str_from(conn->worker->hostname);
    case CS_VAR_PID: return number(request, (uint64_t)getpid());
    case CS_VAR_NGINX_VERSION: return CS_STR("1.29.0");
    case CS_VAR_MTLS_INCIDENT:
        return request->incident ? request->incident->id : (struct cs_str){0};
    case CS_VAR_MTLS_FAILURE_CODE:
        return request->incident ? cs_str_from(request->incident->cause->kind->code)
                                 : (struct cs_str){0};
    case CS_VAR_MSEC: return seconds(request, conn->worker->loop.now.wall_ms);
    case CS_VAR_TIME_ISO8601: return local_time(request, true);
    case CS_VAR_TIME_LOCAL: return local_time(request, false);
    case CS_VAR_PROXY_PROTOCOL_ADDR:
    case CS_VAR_PROXY_PROTOCOL_PORT:
    case CS_VAR_PROXY_PROTOCOL_SERVER_ADDR:
    case CS_VAR_PROXY_PROTOCOL_SERVER_PORT: return proxy_variable(request, id);
    default: return request_variable(request, id);
    }
}

struct cs_str cs_request_builtin(struct cs_request *request, int builtin)
{
    if (cs_tls_variable_is(builtin))
        return cs_tls_variable(request, builtin);
    return connection_variable(request, builtin);
}

/* Whether a header's name, written as a variable ("-" as "_", lower case), is @arg. */
static bool is_header(struct cs_str name, struct cs_str arg)
{
    if (name.len != arg.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i] == '-' ? '_' : cs_lower(name.ptr[i]);
        if (c != arg.ptr[i])
            return false;
    }
    return true;
}

/* All fields of that name, joined as a list. */
static struct cs_str find_headers(struct cs_request *request, const struct cs_headers *headers,
                                  struct cs_str arg)
{
    struct cs_str first = {0};
    struct cs_str joint = cs_str_eq(arg, CS_STR("cookie")) ? CS_STR("; ") : CS_STR(", ");
    struct cs_buf all;

    cs_buf_init(&all, CS_JOINED_MAX);
    for (size_t i = 0; i < headers->n; i++) {
        if (!is_header(headers->items[i].name, arg))
            continue;
        if (!first.ptr) {
            first = headers->items[i].value;
            continue;
        }
        if (!all.len)
            cs_buf_add_str(&all, first);
        cs_buf_add_str(&all, joint);
        cs_buf_add_str(&all, headers->items[i].value);
    }
    return all.len ? cs_request_joined(request, &all) : first;
}

static struct cs_str find_arg(struct cs_str args, struct cs_str name)
{
    while (args.ptr) {
        struct cs_str value = cs_str_cut(&args, '&'), key = cs_str_cut(&value, '=');
        if (cs_str_eq_nocase(key, name) && value.ptr)
            return value;
    }
    return (struct cs_str){0};
}

static struct cs_str find_cookie(struct cs_request *request, struct cs_str name)
{
    struct cs_str all = find_headers(request, &request->head.headers, CS_STR("cookie"));

    while (all.ptr) {
        struct cs_str value = cs_str_trim(cs_str_cut(&all, ';')), key = cs_str_cut(&value, '=');
        if (cs_str_eq(cs_str_trim(key), name) && value.ptr)
            return value;
    }
    return (struct cs_str){0};
}

static struct cs_str map_value(struct cs_request *request, int id)
{
    const struct cs_map_block *map = &request->conn->worker->snapshot->variables->maps[id];
    struct cs_captures captures = {0};
    struct cs_str source;
    void *value = NULL;

    if (request->maps[id].ptr)
        return request->maps[id];
    request->maps[id] = CS_STR(""); /* a map that leads to itself ends here */
    source = cs_request_eval(request, &map->source);
    if (cs_keymap_find(map->table, source, &captures, &value) < 0 || !value)
        return request->maps[id];
    cs_request_capture(request, &captures);
    request->maps[id] = cs_request_eval(request, value);
    if (!request->maps[id].ptr)
        request->maps[id] = CS_STR("");
    return request->maps[id];
}

struct cs_str cs_request_variable(void *ctx, int index)
{
    struct cs_request *request = ctx;
    const struct cs_variable *v;

    if (index < 0)
        return (struct cs_str){0};
    v = &request->conn->worker->snapshot->variables->items[index];
    switch (v->kind) {
    case CS_VARIABLE_BUILTIN: return cs_request_builtin(request, v->id);
    case CS_VARIABLE_CAPTURE:
        return (unsigned)v->id < request->captures.n ? request->captures.groups[v->id]
                                                     : (struct cs_str){0};
    case CS_VARIABLE_SLOT: return request->slots[v->id];
    case CS_VARIABLE_MAP: return map_value(request, v->id);
    case CS_VARIABLE_HTTP: return find_headers(request, &request->head.headers, v->arg);
    case CS_VARIABLE_SENT_HTTP: return find_headers(request, &request->sent, v->arg);
    case CS_VARIABLE_UPSTREAM_HTTP:
        return request->exchange ? find_headers(request, cs_exchange_headers(request), v->arg)
                                 : (struct cs_str){0};
    case CS_VARIABLE_ARG: return find_arg(request->args, v->arg);
    case CS_VARIABLE_COOKIE: return find_cookie(request, v->arg);
    }
    return (struct cs_str){0};
}
