/* libcurl tells of a refused certificate in one sentence for all causes. What was presented is at
 * hand, so the one function that judges chains says what is wrong with it. */
#include "enrol/why.h"

#include <errno.h>

#include "explain/finding.h"
#include "x509/chain.h"
#include "x509/pem.h"

static const struct {
    CURLcode code;
    int error;
    const char *hint;
} errors[] = {
    {CURLE_URL_MALFORMAT, EINVAL, NULL},
    {CURLE_COULDNT_RESOLVE_HOST, ENOENT, "check the name, and the name servers of this machine"},
    {CURLE_OPERATION_TIMEDOUT, ETIMEDOUT, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, EKEYREJECTED, NULL},
    {CURLE_SSL_ISSUER_ERROR, EKEYREJECTED, NULL},
    {CURLE_SSL_CACERT_BADFILE, EKEYREJECTED, NULL},
    {CURLE_GOT_NOTHING, ECONNRESET, "perhaps the server speaks https and was asked by http"},
    {CURLE_RECV_ERROR, ECONNRESET, NULL},
    {CURLE_SEND_ERROR, ECONNRESET, NULL},
    {CURLE_PARTIAL_FILE, ECONNRESET, NULL},
    {CURLE_TOO_MANY_REDIRECTS, ELOOP, NULL},
    {CURLE_FILESIZE_EXCEEDED, EFBIG, NULL},
    {CURLE_ABORTED_BY_CALLBACK, ECANCELED, NULL},
    {CURLE_OUT_OF_MEMORY, ENOMEM, NULL},
};

int cs_why_error(const struct cs_why *why)
{
    if (why->code == CURLE_OK)
        return 0;
    if (why->code == CURLE_COULDNT_CONNECT)
        return why->os_error ? -(int)why->os_error : -ECONNREFUSED;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].code == why->code)
            return -errors[i].error;
    }
    return -EPROTO;
}

struct cs_str cs_why_hint(const struct cs_why *why)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].code == why->code)
            return cs_str_from(errors[i].hint);
    }
    return (struct cs_str){0};
}

/* The certificates in the library's list, the leaf first. Return: how many. */
static size_t take_papers(const struct curl_certinfo *papers, struct cs_arena *arena,
                          struct cs_str ders[CS_CHAIN_CERTS_MAX])
{
    size_t n = 0;

    for (int i = 0; papers && i < papers->num_of_certs && n < CS_CHAIN_CERTS_MAX; i++) {
        for (const struct curl_slist *fact = papers->certinfo[i]; fact; fact = fact->next) {
            struct cs_str text = cs_str_from(fact->data), pem = cs_str_skip(text, 5);
            struct cs_pem_block block;
            if (!cs_str_starts(text, CS_STR("Cert:")) || cs_pem_next(&pem, arena, &block) != 1)
                continue;
            ders[n++] = block.der;
            break;
        }
    }
    return n;
}

/* The finding that names what is wrong with the papers, or NULL. */
static const struct cs_finding *judge(const struct cs_why *why, struct cs_arena *arena)
{
    struct cs_str ders[CS_CHAIN_CERTS_MAX];
    struct cs_source source = {.bytes = why->ca};
    struct cs_trust_spec spec = {.cas = &source, .n_cas = 1};
    struct cs_chain_query query = {.ders = ders,
                                   .n = take_papers(why->papers, arena, ders),
                                   .now_sec = why->now_sec,
                                   .purpose = CS_PURPOSE_SERVER,
                                   .depth = CS_CHAIN_CERTS_MAX,
                                   .host = why->host};
    struct cs_trust *trust = NULL;
    struct cs_findings findings;
    struct cs_verdict verdict = {0};

    cs_findings_init(&findings, arena);
    if (!query.n || cs_trust_new(&spec, &findings, &trust) != 0)
        return findings.first;
    query.trust = trust;
    if (cs_chain_verify(&query, arena, &verdict) < 0)
        verdict.cause = NULL;
    cs_trust_unref(trust);
    return verdict.cause;
}

static struct cs_str tell_refusal(const struct cs_finding *cause, struct cs_arena *arena)
{
    struct cs_str words;
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    cs_buf_add_str(&buf, CS_STR("the server is not accepted: "));
    cs_explain_line(cause, &buf);
    words = cs_arena_dup(arena, cs_buf_str(&buf));
    cs_buf_deinit(&buf);
    return words;
}

struct cs_str cs_why_words(const struct cs_why *why, struct cs_arena *arena)
{
    const struct cs_finding *cause =
        cs_why_error(why) == -EKEYREJECTED && why->ca.len ? judge(why, arena) : NULL;

    return cause ? tell_refusal(cause, arena) : cs_arena_dup(arena, why->text);
}
