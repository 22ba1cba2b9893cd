/* Ticket keys that turn by themselves, and the bytes they seal. */
#include "tls/ticket.h"

#include <errno.h>

#include "base/arena.h"
#include "tap.h"
#include "tls/findings.h"

#define HOUR CS_TICKET_EPOCH_SEC
#define T0 (1000 * (int64_t)HOUR)

static const uint8_t secret[CS_TICKET_SECRET] = {1, 2, 3};

static struct cs_ticket_key key_at(const struct cs_ticket_keys *keys)
{
    return *cs_ticket_keys_seal0(keys);
}

static bool same(const struct cs_ticket_key *a, const struct cs_ticket_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void test_ratchet(void)
{
    struct cs_ticket_keys *a = cs_ticket_keys_new_ratchet(secret, T0 + 5);
    struct cs_ticket_keys *b = cs_ticket_keys_new_ratchet(secret, T0 + HOUR - 1);
    struct cs_ticket_key first = key_at(a);
    struct cs_ticket_key fb = key_at(b);
    tap_ok(same(&first, &fb), "the same secret in the same hour: the same key");
    cs_ticket_keys_turn(a, T0 + HOUR - 1);
    struct cs_ticket_key k = key_at(a);
    tap_ok(same(&first, &k), "nothing changes within the hour");
    cs_ticket_keys_turn(a, T0 + HOUR);
    struct cs_ticket_key second = key_at(a);
    tap_ok(!same(&first, &second), "the next hour has another");
    tap_ok(cs_ticket_keys_find0(a, first.name) != NULL, "and still opens the last one's");
    cs_ticket_keys_turn(a, T0);
    k = key_at(a);
    tap_ok(same(&second, &k), "a clock set back changes nothing");

    cs_ticket_keys_turn(b, T0 + 3 * HOUR);
    cs_ticket_keys_turn(a, T0 + 2 * HOUR);
    cs_ticket_keys_turn(a, T0 + 3 * HOUR);
    k = key_at(a);
    fb = key_at(b);
    tap_ok(same(&k, &fb), "step by step or in one jump: the same");
    tap_ok(!cs_ticket_keys_find0(a, first.name) && !cs_ticket_keys_find0(a, second.name),
           "older ones are gone");
    tap_ok(memcmp(k.aes, k.mac, 32) != 0, "the parts of a key differ");
    cs_ticket_keys_turn(a, INT64_MAX);
    tap_ok(true, "a clock gone mad does not take for ever");
    cs_ticket_keys_unref(cs_ticket_keys_ref(a));
    tap_ok(cs_ticket_keys_seal0(a) != NULL, "references are counted");
    cs_ticket_keys_unref(a);
    cs_ticket_keys_unref(b);
    tap_ok(cs_ticket_keys_unref(NULL) == NULL, "NULL is fine");
}

static void test_files(void)
{
    static const struct {
        size_t len[2];
        int want;
        unsigned findings;
    } rows[] = {{{48, 80}, 0, 0},
                {{80, 48}, 0, 0},
                {{47, 80}, -EINVAL, 1},
                {{0, 0}, -EINVAL, 2},
                {{81, 49}, -EINVAL, 2}};
    char bytes[2][81];
    struct cs_arena arena = {0};
    memset(bytes[0], 'a', sizeof(bytes[0]));
    memset(bytes[1], 'b', sizeof(bytes[1]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_findings findings;
        struct cs_ticket_keys *keys = NULL;
        const struct cs_str files[] = {cs_str_make(bytes[0], rows[i].len[0]),
                                       cs_str_make(bytes[1], rows[i].len[1])};
        cs_findings_init(&findings, &arena);
        tap_int(cs_ticket_keys_new_files(files, 2, NULL, &findings, &keys), rows[i].want,
                "key files");
        tap_int(findings.n, rows[i].findings, "one finding for each that is wrong");
        if (findings.n > 0)
            tap_ok(findings.first->kind == &cs_tls_finding_ticket_key_size, "about its size");
        if (keys) {
            tap_ok(memcmp(cs_ticket_keys_seal0(keys)->name, bytes[0], 16) == 0, "the first seals");
            tap_ok(cs_ticket_keys_find0(keys, (const uint8_t *)bytes[1]) != NULL, "both open");
            cs_ticket_keys_turn(keys, T0);
            tap_ok(memcmp(cs_ticket_keys_seal0(keys)->name, bytes[0], 16) == 0, "they do not turn");
        }
        cs_ticket_keys_unref(keys);
    }
    cs_arena_deinit(&arena);
}

static void test_seal(void)
{
    struct cs_ticket_keys *keys = cs_ticket_keys_new_ratchet(secret, T0);
    const struct cs_ticket ticket = {.binding = {7, 7},
                                     .original_sec = -5,
                                     .n_chain = 2,
                                     .chain = {CS_STR("a leaf"), CS_STR("its issuer")}};
    const struct cs_str session = CS_STR("what the library wants to remember");
    uint8_t sealed[256], plain[256], again[256];
    size_t len = cs_ticket_len(&ticket, session.len);
    struct cs_ticket got;
    struct cs_str rest;

    tap_int(cs_ticket_seal(cs_ticket_keys_seal0(keys), &ticket, session, sealed), 0, "seal");
    tap_int(cs_ticket_open(keys, cs_str_make(sealed, len), plain, &got, &rest), 0, "open");
    tap_str(rest, session, "the session is as it was");
    tap_ok(memcmp(got.binding, ticket.binding, CS_TLS_BINDING) == 0, "so is the binding");
    tap_int(got.original_sec, -5, "so is the time");
    tap_int((int64_t)got.n_chain, 2, "so is the chain");
    tap_str(got.chain[0], ticket.chain[0], "the leaf first");
    tap_str(got.chain[1], ticket.chain[1], "then the issuer");
    cs_ticket_seal(cs_ticket_keys_seal0(keys), &ticket, session, again);
    tap_ok(memcmp(sealed, again, len) != 0, "no two tickets are alike");

    unsigned opened = 0;
    for (size_t i = 0; i < len; i++) {
        sealed[i] ^= 1;
        opened += cs_ticket_open(keys, cs_str_make(sealed, len), plain, &got, &rest) == 0;
        sealed[i] ^= 1;
    }
    tap_int(opened, 0, "no byte can be changed");
    for (size_t i = 0; i < len; i++)
        opened += cs_ticket_open(keys, cs_str_make(sealed, i), plain, &got, &rest) == 0;
    tap_int(opened, 0, "none can be left out");
    tap_int(cs_ticket_open(keys, cs_str_make(sealed, len), plain, &got, &rest), 0, "still good");
    cs_ticket_keys_turn(keys, T0 + 2 * HOUR);
    tap_int(cs_ticket_open(keys, cs_str_make(sealed, len), plain, &got, &rest), -ENOKEY,
            "two hours later the key is gone");
    memcpy(again, session.ptr, session.len);
    tap_int(
        cs_ticket_seal(cs_ticket_keys_seal0(keys), &ticket, cs_str_make(again, session.len), again),
        0, "sealed where it lies");
    tap_ok(cs_ticket_open(keys, cs_str_make(again, len), plain, &got, &rest) == 0 &&
               cs_str_eq(rest, session),
           "and good");
    cs_ticket_keys_unref(keys);
}

static void test_head(void)
{
    struct cs_ticket ticket = {.original_sec = 1, .n_chain = 1, .chain = {CS_STR("leaf")}};
    struct cs_ticket got;
    struct cs_str rest;
    uint8_t head[CS_TICKET_HEAD + CS_TLS_CHAIN_MAX * 8];
    size_t len = cs_ticket_head_len(&ticket);

    cs_ticket_head_write(&ticket, head);
    tap_int(cs_ticket_head_read(cs_str_make(head, len), &got, &rest), 0, "a head alone");
    tap_int((int64_t)rest.len, 0, "has nothing behind it");
    unsigned read = 0;
    for (size_t i = 0; i < len; i++)
        read += cs_ticket_head_read(cs_str_make(head, i), &got, &rest) == 0;
    tap_int(read, 0, "cut short anywhere");
    head[CS_TICKET_HEAD - 1]--;
    tap_int(cs_ticket_head_read(cs_str_make(head, len), &got, &rest), -EBADMSG,
            "a certificate beyond its chain");
    head[CS_TICKET_HEAD - 1] -= 4;
    tap_int(cs_ticket_head_read(cs_str_make(head, len), &got, &rest), -EBADMSG,
            "a chain that ends within a length");
    cs_ticket_head_write(&ticket, head);
    head[0]++;
    tap_int(cs_ticket_head_read(cs_str_make(head, len), &got, &rest), -EBADMSG, "another version");

    ticket.n_chain = CS_TLS_CHAIN_MAX;
    for (size_t i = 0; i < CS_TLS_CHAIN_MAX; i++)
        ticket.chain[i] = CS_STR("x");
    len = cs_ticket_head_len(&ticket);
    cs_ticket_head_write(&ticket, head);
    tap_int(cs_ticket_head_read(cs_str_make(head, len), &got, &rest), 0, "as long as they come");
    memset(head + len, 0, 3);
    head[CS_TICKET_HEAD - 1] += 3;
    tap_int(cs_ticket_head_read(cs_str_make(head, len + 3), &got, &rest), -EBADMSG,
            "one certificate more");
}

int main(void)
{
    test_ratchet();
    test_files();
    test_seal();
    test_head();
    return tap_done();
}
