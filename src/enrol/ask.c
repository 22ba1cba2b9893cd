/* All names go into the signing request, which then says the whole wish; the JSON around it adds
 * what a signing request has no place for. */
#include "enrol/ask.h"

#include <errno.h>

#include "authority/make.h"
#include "base/arena.h"
#include "x509/pem.h"

static struct cs_names of_kind(const struct cs_claims *claims, enum cs_claim_kind kind,
                               struct cs_arena *arena)
{
    struct cs_str *items = cs_arena_array(arena, claims->n + 1, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < claims->n; i++) {
        if (claims->items[i].kind == kind)
            items[n++] = claims->items[i].value;
    }
    return (struct cs_names){items, n};
}

static int write_request(const struct cs_ask *ask, struct cs_arena *arena, struct cs_buf *pem)
{
    struct cs_names cns = of_kind(&ask->names, CS_CLAIM_CN, arena);
    struct cs_cert_spec spec = {
        .common_name = cns.n ? cns.items[0] : (struct cs_str){0},
        .dns = of_kind(&ask->names, CS_CLAIM_DNS, arena),
        .uri = of_kind(&ask->names, CS_CLAIM_URI, arena),
        .ip = of_kind(&ask->names, CS_CLAIM_IP, arena),
        .email = of_kind(&ask->names, CS_CLAIM_EMAIL, arena),
    };
    struct cs_buf der;
    int r;

    cs_buf_init(&der, CS_ASK_MAX);
    r = cs_make_csr(&spec, ask->key, &der);
    r = r < 0 ? r : cs_pem_write(pem, CS_STR("CERTIFICATE REQUEST"), cs_buf_str(&der));
    cs_buf_deinit(&der);
    return r;
}

static int add_text(struct cs_buf *body, const char *name, struct cs_str value)
{
    if (!value.len)
        return 0;
    return cs_buf_addf(body, "\"%s\":", name) || cs_buf_add_json(body, value) ||
                   cs_buf_add_char(body, ',')
               ? -ENOBUFS
               : 0;
}

static int write_body(const struct cs_ask *ask, struct cs_str request, struct cs_buf *body)
{
    int r = cs_buf_add_char(body, '{');

    r = r < 0 ? r : add_text(body, "token", ask->token);
    if (ask->token.len)
        r = r < 0 ? r : add_text(body, "profile", ask->profile);
    if (ask->ttl_sec && r == 0)
        r = cs_buf_addf(body, "\"ttl\":%lld,", (long long)ask->ttl_sec);
    r = r < 0 ? r : cs_buf_add_str(body, CS_STR("\"csr\":"));
    r = r < 0 ? r : cs_buf_add_json(body, request);
    return r < 0 ? r : cs_buf_add_char(body, '}');
}

int cs_ask_write(const struct cs_ask *ask, struct cs_buf *body)
{
    struct cs_arena arena = {0};
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, CS_ASK_MAX);
    r = write_request(ask, &arena, &pem);
    r = r < 0 ? r : write_body(ask, cs_buf_str(&pem), body);
    cs_buf_deinit(&pem);
    cs_arena_deinit(&arena);
    return r;
}
