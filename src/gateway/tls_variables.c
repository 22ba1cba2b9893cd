/* What the handshake and the certificate say, as nginx writes it. */
#include "gateway/tls_variables.h"

#include "gateway/conn.h"
#include "gateway/request.h"
#include "gateway/state.h"
#include "http/escape.h"
#include "telemetry/handshake.h"
#include "tls/names.h"
#include "tls/session.h"
#include "x509/name.h"
#include "x509/pem.h"

bool cs_tls_variable_is(int builtin)
{
    return builtin >= CS_VAR_SSL_ALPN_PROTOCOL && builtin <= CS_VAR_SSL_SIGALG;
}

static struct cs_str hex(struct cs_request *request, const void *bytes, size_t len)
{
    char *text = cs_arena_raw(&request->arena, 2 * len);

    cs_hex_encode(bytes, len, false, text);
    return cs_str_make(text, 2 * len);
}

enum { PEM_MAX = 1 << 17 };

/* @der as PEM. */
static struct cs_str pem(struct cs_request *request, struct cs_str der)
{
    struct cs_buf buf;
    struct cs_str text;

    cs_buf_init(&buf, PEM_MAX);
    cs_pem_write(&buf, CS_STR("CERTIFICATE"), der);
    text = cs_arena_dup(&request->arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return text;
}

/* PEM for a header: every line but the first after a tab, no newline at the end. */
static struct cs_str folded_pem(struct cs_request *request, struct cs_str der)
{
    struct cs_str plain = pem(request, der);
    char *text = cs_arena_raw(&request->arena, plain.len * 2);
    size_t n = 0;

    if (cs_str_ends(plain, CS_STR("\n")))
        plain.len--;
    for (size_t i = 0; i < plain.len; i++) {
        text[n++] = plain.ptr[i];
        if (plain.ptr[i] == '\n')
            text[n++] = '\t';
    }
    return cs_str_make(text, n);
}

static struct cs_str ip_list(struct cs_request *request, const struct cs_names *names)
{
    struct cs_buf all;

    cs_buf_init(&all, CS_JOINED_MAX);
    for (size_t i = 0; i < names->n; i++) {
        struct cs_addr addr = {0};
        char text[CS_ADDR_TEXT];
        if (names->items[i].len == 4) {
            addr.len = sizeof(addr.in4);
            addr.in4.sin_family = AF_INET;
            memcpy(&addr.in4.sin_addr, names->items[i].ptr, 4);
        } else {
            addr.len = sizeof(addr.in6);
            addr.in6.sin6_family = AF_INET6;
            memcpy(&addr.in6.sin6_addr, names->items[i].ptr, 16);
        }
        cs_buf_add_str(&all, i ? CS_STR(",") : CS_STR(""));
        cs_buf_add_str(&all, cs_addr_ip_text(&addr, text));
    }
    return cs_request_joined(request, &all);
}

static struct cs_str name_list(struct cs_request *request, const struct cs_names *names)
{
    struct cs_buf all;

    cs_buf_init(&all, CS_JOINED_MAX);
    for (size_t i = 0; i < names->n; i++) {
        cs_buf_add_str(&all, i ? CS_STR(",") : CS_STR(""));
        cs_buf_add_str(&all, names->items[i]);
    }
    return cs_request_joined(request, &all);
}

static struct cs_str time_text(struct cs_request *request, int64_t sec)
{
    char text[CS_TIME_TEXT];

    return cs_arena_dup(&request->arena, cs_time_asn1(sec, text));
}

static struct cs_str days_left(struct cs_request *request, const struct cs_cert *leaf)
{
    int64_t left = leaf->not_after - cs_now_sec(&request->conn->worker->loop.now);

    return cs_arena_printf(&request->arena, "%lld", (long long)(left > 0 ? left / 86400 : 0));
}

static struct cs_str certificate_variable(struct cs_request *request, const struct cs_cert *leaf,
                                          int id)
{
    struct cs_arena *arena = &request->arena;

    switch (id) {
    case CS_VAR_SSL_CLIENT_CERT: return folded_pem(request, leaf->der);
    case CS_VAR_SSL_CLIENT_RAW_CERT: return pem(request, leaf->der);
    case CS_VAR_SSL_CLIENT_ESCAPED_CERT:
        return cs_escape_uri(pem(request, leaf->der), CS_ESCAPE_COMPONENT, arena);
    case CS_VAR_SSL_CLIENT_FINGERPRINT: return hex(request, leaf->sha1, sizeof(leaf->sha1));
    case CS_VAR_SSL_CLIENT_FINGERPRINT_SHA256:
        return hex(request, leaf->sha256, sizeof(leaf->sha256));
    case CS_VAR_SSL_CLIENT_SPKI_SHA256:
        return hex(request, leaf->spki_sha256, sizeof(leaf->spki_sha256));
    case CS_VAR_SSL_CLIENT_S_DN: return cs_name_text(leaf->subject, arena);
    case CS_VAR_SSL_CLIENT_I_DN: return cs_name_text(leaf->issuer, arena);
    case CS_VAR_SSL_CLIENT_S_DN_LEGACY: return cs_name_legacy_text(leaf->subject, arena);
    case CS_VAR_SSL_CLIENT_I_DN_LEGACY: return cs_name_legacy_text(leaf->issuer, arena);
    case CS_VAR_SSL_CLIENT_SERIAL: return cs_serial_text(leaf->serial, arena);
    case CS_VAR_SSL_CLIENT_V_START: return time_text(request, leaf->not_before);
    case CS_VAR_SSL_CLIENT_V_END: return time_text(request, leaf->not_after);
    case CS_VAR_SSL_CLIENT_V_REMAIN: return days_left(request, leaf);
    case CS_VAR_SSL_CLIENT_SAN_DNS: return name_list(request, &leaf->san.dns);
    case CS_VAR_SSL_CLIENT_SAN_URI: return name_list(request, &leaf->san.uri);
    case CS_VAR_SSL_CLIENT_SAN_EMAIL: return name_list(request, &leaf->san.email);
    case CS_VAR_SSL_CLIENT_SAN_IP: return ip_list(request, &leaf->san.ip);
    default: return (struct cs_str){0};
    }
}

/* Names joined by ":", unknown ones as 0x1234, as nginx writes $ssl_ciphers and $ssl_curves. */
static struct cs_str code_list(struct cs_request *request, struct cs_code_points points,
                               struct cs_str (*name_of)(uint16_t code))
{
    struct cs_buf all;

    cs_buf_init(&all, CS_JOINED_MAX);
    for (size_t i = 0; i < points.n; i++) {
        struct cs_str name = name_of(points.codes[i]);
        cs_buf_add_str(&all, i ? CS_STR(":") : CS_STR(""));
        if (name.len)
            cs_buf_add_str(&all, name);
        else
            cs_buf_addf(&all, "0x%04x", points.codes[i]);
    }
    return cs_request_joined(request, &all);
}

static struct cs_str verify_text(struct cs_request *request)
{
    const struct cs_verdict *verdict = request->conn->verdict;

    if (!verdict)
        return CS_STR("NONE");
    if (verdict->accepted)
        return CS_STR("SUCCESS");
    return cs_arena_cat(&request->arena, CS_STR("FAILED:"), cs_verdict_reason(verdict));
}

static struct cs_str spiffe_id(const struct cs_request *request)
{
    const struct cs_identity *identity = &request->conn->identity;

    return identity->kind == CS_IDENTITY_SPIFFE ? identity->text : (struct cs_str){0};
}

static struct cs_str handshake_variable(struct cs_request *request, const struct cs_handshake *h,
                                        int id)
{
    switch (id) {
    case CS_VAR_SSL_PROTOCOL: return h->protocol;
    case CS_VAR_SSL_CIPHER: return h->cipher;
    case CS_VAR_SSL_CURVE: return h->group;
    case CS_VAR_SSL_CIPHERS: return code_list(request, h->offered_ciphers, cs_tls_cipher_name);
    case CS_VAR_SSL_CURVES: return code_list(request, h->offered_groups, cs_tls_group_name);
    case CS_VAR_SSL_SESSION_ID: return hex(request, h->session_id, h->session_id_len);
    case CS_VAR_SSL_SESSION_REUSED: return h->resumed ? CS_STR("r") : CS_STR(".");
    case CS_VAR_SSL_SERVER_NAME: return h->sni;
    case CS_VAR_SSL_ALPN_PROTOCOL: return h->alpn;
    case CS_VAR_SSL_SIGALG: return h->sigalg;
    case CS_VAR_SSL_CLIENT_SIGALG: return h->client_sigalg;
    case CS_VAR_SSL_CLIENT_VERIFY: return verify_text(request);
    case CS_VAR_SSL_CLIENT_SPIFFE_ID: return spiffe_id(request);
    default: return (struct cs_str){0};
    }
}

struct cs_str cs_tls_variable(struct cs_request *request, int builtin)
{
    const struct cs_conn *conn = request->conn;

    if (!conn->wire.tls)
        return (struct cs_str){0};
    if (conn->verdict && conn->verdict->leaf) {
        struct cs_str value = certificate_variable(request, conn->verdict->leaf, builtin);
        if (value.ptr)
            return value;
    }
    return handshake_variable(request, cs_tls_facts(conn->wire.tls), builtin);
}
