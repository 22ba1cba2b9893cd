/* A table of clients, each issued once; what changes with time is only the lists. */
#include "papers.h"

enum { HOUR = 3600, DAY = 86400, SHAKY_EVERY = 3 };

static const struct {
    enum issuer issuer;
    int n;
    int64_t from, to; /* from WORLD_NOW */
    bool server_usage;
    int revoked_every;
    int n_spiffe;
} table[] = {
    {BY_ONE, 1, -DAY, DAY, false, 0, 0}, /* these three are renewed */
    {BY_MIDDLE, 1, -DAY, DAY, false, 0, 0},
    {BY_ONE, 1, -DAY, DAY, false, 0, 0},
    {BY_ONE, 4, -DAY, 1000 * DAY, false, 0, 0},
    {BY_ONE, 1, -DAY, 1000 * DAY, false, 0, 1},
    {BY_ONE, 1, -DAY, 1000 * DAY, false, 0, 2}, /* a SPIFFE ID that it cannot have */
    {BY_MIDDLE, 2, -DAY, 1000 * DAY, false, 0, 0},
    {BY_SHAKY, 1, -DAY, 1000 * DAY, false, 0, 0},
    {BY_ONE, 2, -DAY, 1000 * DAY, false, 2, 0}, /* revoked, and good again */
    {BY_MIDDLE, 1, -DAY, 1000 * DAY, false, 2, 0},
    {BY_ONE, 1, -9 * DAY, -HOUR, false, 0, 0}, /* expired */
    {BY_ONE, 1, -DAY, 2 * HOUR, false, 0, 0},  /* expires soon, and later */
    {BY_ONE, 1, -DAY, 30 * HOUR, false, 0, 0},
    {BY_MIDDLE, 1, -DAY, 60 * HOUR, false, 0, 0},
    {BY_ONE, 1, -DAY, 6 * DAY, false, 0, 0},
    {BY_ONE, 1, 12 * HOUR, 1000 * DAY, false, 0, 0}, /* not yet valid */
    {BY_ONE, 1, -DAY, 1000 * DAY, true, 0, 0},       /* a server's */
    {BY_TWO, 2, -DAY, 1000 * DAY, false, 0, 0},      /* foreign, here or there */
    {BY_TWIN, 2, -DAY, 1000 * DAY, false, 0, 0},     /* the same issuer's name, another key */
    {BY_ITSELF, 1, -DAY, 1000 * DAY, false, 0, 0},
};

X509 *papers_library(struct cs_str der)
{
    const unsigned char *p = (const unsigned char *)der.ptr;
    X509 *cert = d2i_X509(NULL, &p, (long)der.len);

    if (cert && p == (const unsigned char *)der.ptr + der.len)
        return cert;
    X509_free(cert);
    return NULL;
}

static const struct world_identity *identity_of(const struct papers *papers, enum issuer issuer)
{
    switch (issuer) {
    case BY_ONE: return &papers->one;
    case BY_MIDDLE: return &papers->middle;
    case BY_SHAKY: return &papers->shaky;
    case BY_TWO: return &papers->two;
    case BY_TWIN: return &papers->twin;
    case BY_ITSELF: break;
    }
    return NULL;
}

static void make_paper(struct papers *papers, struct world *world, size_t row, int number,
                       int64_t from, int64_t to)
{
    struct paper *out = &papers->items[number];
    const struct world_identity *by = identity_of(papers, table[row].issuer);
    struct cs_make_issuer issuer;
    struct cs_str uris[] = {CS_STR("spiffe://example.test/a"), CS_STR("spiffe://example.test/b")};
    struct cs_cert_spec spec = {
        .common_name = cs_arena_printf(&world->arena, "client-%02d", number),
        .uri = {uris, (size_t)table[row].n_spiffe},
        .path_len = -1,
        .key_usage = CS_USAGE_DIGITAL_SIGNATURE,
        .eku = table[row].server_usage ? CS_EKU_SERVER : CS_EKU_CLIENT,
        .not_before = from,
        .not_after = to,
        .serial = cs_arena_printf(&world->arena, "%c", number + 1),
    };
    struct cs_buf der;

    if (by)
        issuer = (struct cs_make_issuer){&by->cert, by->key};
    cs_buf_init(&der, 1 << 16);
    cs_assert(out->key || cs_make_key(CS_MAKE_P256, &out->key) == 0);
    cs_assert(cs_make_cert(&spec, out->key, by ? &issuer : NULL, &der) == 0);
    out->der = cs_arena_dup(&world->arena, cs_buf_str(&der));
    X509_free(out->cert);
    out->cert = papers_library(out->der);
    out->issuer = table[row].issuer;
    out->not_before = spec.not_before;
    out->not_after = spec.not_after;
    out->good_usage = !table[row].server_usage && table[row].n_spiffe < 2;
    out->revoked_every = table[row].revoked_every;
    cs_assert(out->cert != NULL);
    cs_buf_deinit(&der);
}

void papers_make(struct papers *papers, struct world *world)
{
    int n = 0;

    papers->one = world_issue(world, &(struct world_spec){.name = "One CA", .ca = true});
    papers->two = world_issue(world, &(struct world_spec){.name = "Two CA", .ca = true});
    papers->twin = world_issue(world, &(struct world_spec){.name = "One CA", .ca = true});
    papers->middle = world_issue(
        world, &(struct world_spec){.name = "Middle CA", .issuer = &papers->one, .ca = true});
    papers->shaky = world_issue(
        world, &(struct world_spec){.name = "Shaky CA", .issuer = &papers->one, .ca = true});
    for (int i = 0; i < BY_ITSELF; i++) {
        papers->certs[i] = papers_library(identity_of(papers, (enum issuer)i)->cert.der);
        cs_assert(papers->certs[i] != NULL);
    }
    for (size_t row = 0; row < sizeof(table) / sizeof(table[0]); row++) {
        for (int i = 0; i < table[row].n; i++, n++) {
            cs_assert(n < PAPERS);
            make_paper(papers, world, row, n, WORLD_NOW + table[row].from,
                       WORLD_NOW + table[row].to);
        }
    }
    cs_assert(n == PAPERS);
    world_put(world, "one.pem", papers->one.pem);
    world_put(world, "both.pem", cs_arena_cat(&world->arena, papers->one.pem, papers->two.pem));
}

void papers_renew(struct papers *papers, struct world *world, int i, int64_t from, int64_t to)
{
    cs_assert(i < FLEETING);
    make_paper(papers, world, (size_t)i, i, from, to); /* one to a row */
}

void papers_free(struct papers *papers)
{
    for (int i = 0; i < BY_ITSELF; i++) {
        X509_free(papers->certs[i]);
        cs_key_free(identity_of(papers, (enum issuer)i)->key);
    }
    for (int i = 0; i < PAPERS; i++) {
        X509_free(papers->items[i].cert);
        cs_key_free(papers->items[i].key);
    }
}

static bool is_due(int every, int generation)
{
    return every > 0 && generation % every == every - 1;
}

bool papers_revoked(const struct paper *paper, int generation)
{
    return is_due(paper->revoked_every, generation) ||
           (paper->issuer == BY_SHAKY && is_due(SHAKY_EVERY, generation));
}

/* The list of one authority. */
static struct cs_str list_of(const struct papers *papers, struct world *world, enum issuer issuer,
                             const struct cs_crl_spec *times, int generation)
{
    const struct world_identity *by = identity_of(papers, issuer);
    struct cs_make_issuer signer = {&by->cert, by->key};
    struct cs_make_revoked revoked[PAPERS + 1];
    struct cs_crl_spec spec = *times;
    struct cs_str pem;
    struct cs_buf der;

    for (int i = 0; i < PAPERS; i++) {
        const struct paper *paper = &papers->items[i];
        if (paper->issuer == issuer && is_due(paper->revoked_every, generation))
            revoked[spec.n_revoked++] = (struct cs_make_revoked){
                .serial = cs_arena_printf(&world->arena, "%c", i + 1), .date = WORLD_NOW - DAY};
    }
    if (issuer == BY_ONE && is_due(SHAKY_EVERY, generation))
        revoked[spec.n_revoked++] =
            (struct cs_make_revoked){.serial = papers->shaky.cert.serial, .date = WORLD_NOW - DAY};
    spec.revoked = revoked;
    cs_buf_init(&der, 1 << 16);
    cs_assert(cs_make_crl(&spec, &signer, &der) == 0);
    pem = world_pem(world, "X509 CRL", cs_buf_str(&der));
    cs_buf_deinit(&der);
    return pem;
}

struct cs_str papers_lists(const struct papers *papers, struct world *world, int generation,
                           int64_t now, int64_t until)
{
    static const enum issuer issuers[] = {BY_ONE, BY_MIDDLE, BY_SHAKY};
    struct cs_crl_spec times = {
        .this_update = now - HOUR, .next_update = until, .number = (uint64_t)generation + 1};
    struct cs_str all = CS_STR("");

    for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
        all = cs_arena_cat(&world->arena, all,
                           list_of(papers, world, issuers[i], &times, generation));
    return all;
}
