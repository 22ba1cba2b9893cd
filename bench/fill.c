/* bench-fill FOLDER certificates N: N certificates into the store of the CA in FOLDER, each with
 * its entry in the log, as if they had been issued in the last day; one of 50 is revoked. Prints
 * the serial number of one of a hundred that are not. bench-fill FOLDER tokens N: N join tokens
 * for the name bench.test; prints them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "authority/ca.h"
#include "base/mem.h"
#include "sample.h"

enum { GROUP = 10000, REVOKED_OF = 50, NAMED_OF = 100, ISSUING = 2 };

static struct cs_ca *ca;
static struct cs_arena arena;

static void must(int r, const char *what)
{
    if (r == 0)
        return;
    fprintf(stderr, "bench-fill: %s: %s\n", what, ca ? cs_ca_error(ca) : strerror(r < 0 ? -r : 0));
    exit(1);
}

static void open_ca(const char *folder)
{
    const struct cs_ca_options options = {.dir = folder};
    struct cs_findings findings;

    cs_findings_init(&findings, &arena);
    must(cs_ca_open(&options, &findings, &ca), folder);
}

/* As the CA chooses it. */
static uint16_t shard_of(struct cs_str serial)
{
    return (uint16_t)(((uint8_t)serial.ptr[14] << 8 | (uint8_t)serial.ptr[15]) % cs_ca_shards(ca));
}

static void add_certificate(uint64_t n, int64_t now)
{
    struct cs_store *store = cs_ca_get0_store(ca);
    struct sample sample;
    uint64_t seq;

    sample_make(n, now - SAMPLE_DAY / 2, &sample);
    sample.cert.issuer = ISSUING;
    sample.cert.shard = shard_of(sample.cert.serial);
    must(cs_store_cert_add(store, &sample.cert), "certificate");
    must(cs_store_audit_add(store, &sample.entry), "entry");
    if (n % REVOKED_OF == 0)
        must(cs_store_revoke(store, sample.cert.serial, now, 1, &seq), "revocation");
    else if (n % NAMED_OF == 1)
        printf("%.32s\n", sample.hex);
}

static void add_token(int64_t now)
{
    static const struct cs_requester who = {.proof = CS_PROOF_COMMAND, .actor = {"bench", 5}};
    struct cs_ca_token token = {.profile = CS_STR("server"), .ttl_sec = SAMPLE_DAY};
    struct cs_pattern pattern;
    struct cs_findings findings;
    char text[CS_CA_TOKEN_LEN + 1];

    cs_findings_init(&findings, &arena);
    if (cs_pattern_parse(CS_STR("dns:bench.test"), &pattern))
        must(-EINVAL, "pattern");
    token.names = (struct cs_pattern_set){&pattern, 1};
    must(cs_ca_token_new(ca, &token, &who, now, &findings, text), "token");
    printf("%s\n", text);
    cs_arena_reset(&arena);
}

static void fill(bool tokens, uint64_t n, int64_t now)
{
    for (uint64_t done = 0; done < n;) {
        must(cs_ca_begin(ca), "begin");
        for (uint64_t i = 0; i < GROUP && done < n; i++, done++) {
            if (tokens)
                add_token(now);
            else
                add_certificate(done + 1, now);
        }
        must(cs_ca_commit(ca), "commit");
    }
}

int main(int argc, char **argv)
{
    bool tokens = argc > 2 && strcmp(argv[2], "tokens") == 0;
    uint64_t n;

    if (argc != 4 || (!tokens && strcmp(argv[2], "certificates") != 0) ||
        cs_str_to_u64(cs_str_from(argv[3]), 1u << 30, &n) < 0) {
        fprintf(stderr, "usage: bench-fill FOLDER (certificates | tokens) N\n");
        return 2;
    }
    open_ca(argv[1]);
    fill(tokens, n, time(NULL));
    cs_ca_close(ca);
    cs_arena_deinit(&arena);
    return 0;
}
