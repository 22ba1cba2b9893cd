/* Everything about a certificate follows from its number, by splitmix64. */
#include "sample.h"

#include <stdio.h>

uint64_t sample_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void sample_serial(uint64_t n, uint64_t ret_serial[2])
{
    ret_serial[0] = sample_mix(n);
    ret_serial[1] = sample_mix(~n);
}

static void draw(uint64_t n, struct sample *s)
{
    sample_serial(n, s->serial);
    for (size_t i = 0; i < 80; i++)
        s->der[i] = sample_mix(n + 8 * i);
    for (size_t i = 0; i < 32; i += 8)
        memcpy(s->cert.request + i, &(uint64_t){sample_mix(n ^ (0x55 + i))}, 8);
    memcpy(s->cert.spki, s->der, 32);
}

void sample_make(uint64_t n, int64_t start, struct sample *ret_sample)
{
    int64_t at = start + (int64_t)(n % SAMPLE_MANY * SAMPLE_DAY / SAMPLE_MANY);
    struct sample *s = ret_sample;

    s->cert = (struct cs_stored_cert){.profile = CS_STR("server"),
                                      .requester = CS_STR("certificate 4f1c89aa0d0e37d9b1"),
                                      .issuer = 1,
                                      .shard = (uint16_t)(n % SAMPLE_SHARDS),
                                      .issued_at = at,
                                      .not_before = at - 60,
                                      .not_after = at + SAMPLE_DAY,
                                      .renew_at = at + SAMPLE_DAY / 2};
    s->entry =
        (struct cs_stored_audit){.at = at,
                                 .action = CS_STR("issue"),
                                 .actor = CS_STR("spiffe://example.org/ns/default/sa/gateway"),
                                 .proof = CS_STR("certificate"),
                                 .peer = CS_STR("192.0.2.17")};
    draw(n, s);
    snprintf(s->identity, sizeof(s->identity), "spiffe://example.org/ns/default/sa/workload-%llu",
             (unsigned long long)n);
    snprintf(s->detail, sizeof(s->detail), "profile server, %s", s->identity);
    cs_hex_encode((const char *)s->serial, 16, false, s->hex);
    s->cert.serial = cs_str_make((const char *)s->serial, 16);
    s->cert.identity = cs_str_from(s->identity);
    s->cert.der = cs_str_make((const char *)s->der, sizeof(s->der));
    s->entry.subject = cs_str_make(s->hex, sizeof(s->hex));
    s->entry.detail = cs_str_from(s->detail);
}
