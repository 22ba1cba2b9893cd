/* What both sides wanted, as text, once a handshake has failed: until then it is numbers that
 * nobody reads. */
#include "tls/internal.h"

#include "base/mem.h"
#include "tls/library.h"
#include "tls/names.h"
#include "tls/terms.h"

struct cs_tls_breakdown {
    struct cs_breakdown facts;
    struct cs_arena arena;
};

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
    const struct cs_pair *pair =
        cs_own_used(own, server ? tls->facts.sigalg : tls->facts.client_sigalg);

    facts->own = (struct cs_terms){
        .versions = versions_text(server ? server->protocols : client->protocols),
        .ciphers = cs_str_from(server ? server->ciphers : client->ciphers),
        .groups = cs_terms_groups(arena, server ? server->groups : client->groups),
        .sigalgs = cs_terms_codes(arena, proofs(), cs_tls_sigalg_name),
        .alpn = cs_terms_alpn(arena, server ? cs_str_make(server->alpn, server->alpn_len)
                                            : cs_str_make(client->alpn, client->alpn_len)),
    };
    if (!pair)
        return;
    facts->own_key = pair->key_name;
    facts->own_chain = pair->ders;
    facts->n_own_chain = pair->n;
}

static void take_offered(struct cs_tls *tls, struct cs_breakdown *facts, struct cs_arena *arena)
{
    const struct cs_handshake *h = &tls->facts;

    facts->offered = cs_terms_offered(h, arena);
    if (h->certificate_asked)
        facts->asked_sigalgs = facts->own.sigalgs;
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
    else if (tls->request)
        cs_terms_asked(cs_str_make(tls->request, tls->request_len),
                       SSL_version(tls->ssl) == TLS1_3_VERSION, &breakdown->arena,
                       &breakdown->facts);
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
