/* Numbers as lists of names; what is unknown keeps its number. */
#include "tls/terms.h"

#include "base/buf.h"
#include "tls/hello.h"
#include "tls/names.h"
#include "tls/request.h"

/* Texts beyond this are cut: a list that long names everything there is. */
#define TEXT_MAX 4096

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

struct cs_str cs_terms_codes(struct cs_arena *arena, struct cs_code_points points,
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

struct cs_str cs_terms_alpn(struct cs_arena *arena, struct cs_str wire)
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

struct cs_str cs_terms_groups(struct cs_arena *arena, const char *groups)
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

struct cs_terms cs_terms_offered(const struct cs_handshake *h, struct cs_arena *arena)
{
    return (struct cs_terms){
        .versions = cs_terms_codes(arena, h->offered_versions, cs_tls_version_name),
        .ciphers = cs_terms_codes(arena, h->offered_ciphers, cs_tls_cipher_name),
        .groups = cs_terms_codes(arena, h->offered_groups, cs_tls_group_name),
        .sigalgs = cs_terms_codes(arena, h->offered_sigalgs, cs_tls_sigalg_name),
        .alpn = cs_terms_alpn(arena, h->offered_alpn),
    };
}

void cs_terms_asked(struct cs_str body, bool tls13, struct cs_arena *arena,
                    struct cs_breakdown *facts)
{
    uint16_t codes[CS_HELLO_CODES];
    struct cs_request request;
    struct cs_str rest, name, *names;
    size_t n = 0;

    if (cs_request_read(body, tls13, &request) < 0)
        return;
    facts->asked_sigalgs = cs_terms_codes(
        arena, (struct cs_code_points){codes, cs_hello_codes(request.sigalgs, codes)},
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
