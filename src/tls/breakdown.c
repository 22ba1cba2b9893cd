/* What both sides wanted, as text, once a handshake has failed: until then it is numbers that
 * nobody reads. */
#include "tls/internal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "tls/library.h"
#include "tls/names.h"
#include "tls/request.h"

/* Texts beyond this are cut: a list that long names everything there is. */
#define TEXT_MAX 4096

struct cs_tls_breakdown {
    struct cs_breakdown facts;
    struct cs_arena arena;
};

/* Values that clients mix in so that servers do not choke on unknown ones (RFC 8701), and
 * signals that are written as cipher suites (RFC 5746, RFC 7507). */
static bool is_filler(uint16_t code)
{
    return ((code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff)) || code == 0x00ff ||
           code == 0x5600;
}

static void add_item(struct cs_buf *buf, struct cs_str item)
{
    if (buf->len)
        (void)!cs_buf_add_str(buf, CS_STR(", "));
    (void)!cs_buf_add_str(buf, item);
}

static struct cs_str take_text(struct cs_arena *arena, struct cs_buf *buf)
{
    struct cs_str text = cs_arena_dup(arena, cs_buf_str(buf));

    cs_buf_deinit(buf);
    return text;
}

static struct cs_str codes_text(struct cs_arena *arena, struct cs_code_points points,
                                struct cs_str (*name_of)(uint16_t code))
{
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    for (size_t i = 0; i < points.n; i++) {
        struct cs_str name = name_of(points.codes[i]);
        if (is_filler(points.codes[i]))
            continue;
        add_item(&buf, name.len ? name : cs_arena_printf(arena, "0x%04x", points.codes[i]));
    }
    return take_text(arena, &buf);
}

static struct cs_str alpn_text(struct cs_arena *arena, struct cs_str wire)
{
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    while (wire.len) {
        size_t len = (uint8_t)wire.ptr[0];
        add_item(&buf, cs_str_sub(wire, 1, len));
        wire = cs_str_skip(wire, 1 + len);
    }
    return take_text(arena, &buf);
}

static struct cs_str groups_text(struct cs_arena *arena, const char *groups)
{
    struct cs_str rest = cs_str_from(groups);
    struct cs_buf buf;

    cs_buf_init(&buf, TEXT_MAX);
    while (rest.ptr && rest.len) {
        struct cs_str name = cs_str_cut(&rest, ':'), canonical = cs_tls_group_canonical(name);
        add_item(&buf, canonical.len ? canonical : name);
    }
    return take_text(arena, &buf);
}

static struct cs_str versions_text(unsigned protocols)
{
    if (protocols == CS_TLS_1_2)
        return CS_STR("TLSv1.2");
    return protocols == CS_TLS_1_3 ? CS_STR("TLSv1.3") : CS_STR("TLSv1.2, TLSv1.3");
}

static struct cs_code_points proofs(void)
{
    struct cs_code_points points;

    points.codes = cs_lib_proofs(&points.n);
    return points;
}

static void take_own(struct cs_tls *tls, struct cs_breakdown *facts, struct cs_arena *arena)
{
    const struct cs_tls_server *server = tls->server;
    const struct cs_tls_client *client = tls->client;
    const struct cs_own *own = server ? &server->own : &client->own;
    const struct cs_own_pair *pair =
        cs_own_used(own, server ? tls->facts.sigalg : tls->facts.client_sigalg);

    facts->own = (struct cs_terms){
        .versions = versions_text(server ? server->protocols : client->protocols),
        .ciphers = cs_str_from(server ? server->ciphers : client->ciphers),
        .groups = groups_text(arena, server ? server->groups : client->groups),
        .sigalgs = codes_text(arena, proofs(), cs_tls_sigalg_name),
        .alpn = alpn_text(arena, server ? cs_str_make(server->alpn, server->alpn_len)
                                        : cs_str_make(client->alpn, client->alpn_len)),
    };
    if (!pair)
        return;
    facts->own_key = pair->key;
    facts->own_chain = pair->ders;
    facts->n_own_chain = pair->n;
}

static void take_offered(struct cs_tls *tls, struct cs_breakdown *facts, struct cs_arena *arena)
{
    const struct cs_handshake *h = &tls->facts;

    facts->offered = (struct cs_terms){
        .versions = codes_text(arena, h->offered_versions, cs_tls_version_name),
        .ciphers = codes_text(arena, h->offered_ciphers, cs_tls_cipher_name),
        .groups = codes_text(arena, h->offered_groups, cs_tls_group_name),
        .sigalgs = codes_text(arena, h->offered_sigalgs, cs_tls_sigalg_name),
        .alpn = alpn_text(arena, h->offered_alpn),
    };
    if (h->certificate_asked)
        facts->asked_sigalgs = facts->own.sigalgs;
}

/* Client: what the kept CertificateRequest says. */
static void take_asked(struct cs_tls *tls, struct cs_breakdown *facts, struct cs_arena *arena)
{
    uint16_t codes[CS_HELLO_CODES];
    struct cs_str body = cs_str_make(tls->request, tls->request_len), rest, name;
    struct cs_request request;
    struct cs_str *names;
    size_t n = 0;

    if (!tls->request ||
        cs_request_read(body, SSL_version(tls->ssl) == TLS1_3_VERSION, &request) < 0)
        return;
    facts->asked_sigalgs =
        codes_text(arena, (struct cs_code_points){codes, cs_hello_codes(request.sigalgs, codes)},
                   cs_tls_sigalg_name);
    for (rest = request.names; cs_request_next(&rest, &name);)
        n++;
    names = cs_arena_array(arena, n + 1, sizeof(*names));
    n = 0;
    for (rest = request.names; cs_request_next(&rest, &name);)
        names[n++] = name;
    facts->asked_names = names;
    facts->n_asked_names = n;
}

void cs_breakdown_collect(struct cs_tls *tls)
{
    struct cs_tls_breakdown *breakdown;

    if (tls->breakdown)
        return;
    breakdown = CS_NEW(struct cs_tls_breakdown);
    cs_arena_init(&breakdown->arena);
    take_own(tls, &breakdown->facts, &breakdown->arena);
    if (tls->server)
        take_offered(tls, &breakdown->facts, &breakdown->arena);
    else
        take_asked(tls, &breakdown->facts, &breakdown->arena);
    tls->breakdown = breakdown;
    tls->facts.breakdown = &breakdown->facts;
}

void cs_breakdown_free(struct cs_tls *tls)
{
    if (!tls->breakdown)
        return;
    cs_arena_deinit(&tls->breakdown->arena);
    free(tls->breakdown);
    tls->breakdown = NULL;
    tls->facts.breakdown = NULL;
}
