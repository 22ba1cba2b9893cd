/* Renewals: what has changed is taken, what has not or is bad is left, nothing changes before the
 * commit, and another process that is handed the parcel comes to the same. */
#include <sys/mman.h>

#include "base/hash.h"
#include "snapshot/renewal.h"
#include "world.h"
#include "x509/crl.h"
#include "x509/trust.h"

#include "tap.h"

static struct world w;
static struct cs_arena arena;
static struct cs_findings findings;

/* The supervisor's, and a worker's. */
static struct cs_snapshot *ours, *theirs;

static struct cs_str file_named(const char *name)
{
    struct cs_str text;

    cs_assert(world_read(&w, cs_arena_printf(&arena, "/w/%s", name), &arena, &text) == 0);
    return text;
}

static void replace(const char *name, const char *by)
{
    struct cs_str path = cs_arena_printf(&arena, "/w/%s", name), text = file_named(by);

    for (size_t i = 0; i < w.n_files; i++) {
        if (cs_str_eq(w.files[i].path, path))
            w.files[i].text = text;
    }
}

static struct cs_snapshot *load(void)
{
    struct cs_snapshot *s = world_load(
        &w,
        CS_STR("http { ssl_certificate live.pem; ssl_certificate_key live.key;"
               " ssl_verify_client on; ssl_client_certificate live-ca.pem; ssl_crl live.crl;"
               " server { listen 443 ssl; server_name a; }"
               " server { listen 443 ssl; server_name b; }"
               " server { listen 444 ssl; ssl_certificate other.pem;"
               "  ssl_certificate_key other.key; ssl_verify_client off; }"
               " server { listen 80; location / { proxy_pass https://127.0.0.1:8443;"
               "  proxy_ssl_certificate live.pem; proxy_ssl_certificate_key live.key; } } }"),
        &findings);

    cs_assert(s);
    return s;
}

static void begin(void)
{
    static const char *const names[][2] = {{"live.pem", "server.pem"},
                                           {"live.key", "server.key"},
                                           {"live-ca.pem", "ca.pem"},
                                           {"live.crl", "ca.crl"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        replace(names[i][0], names[i][1]);
    cs_findings_init(&findings, &arena);
    ours = load();
    theirs = load();
    cs_findings_init(&findings, &arena);
}

static void end(void)
{
    cs_snapshot_unref(ours);
    cs_snapshot_unref(theirs);
}

/* The first material that is made of the file @name; its number. */
static size_t material_of(const char *name)
{
    const struct cs_keyring *keyring = ours->keyring;
    struct cs_str path = cs_arena_printf(&arena, "/w/%s", name);

    for (size_t f = 0; f < keyring->n_files; f++) {
        for (size_t i = 0; i < keyring->n_materials; i++) {
            if (cs_str_eq(keyring->files[f]->path, path) && cs_keyring_is_made_of(keyring, i, f))
                return i;
        }
    }
    abort();
}

static struct cs_renewal *renewal_of(struct cs_snapshot *s)
{
    return cs_renewal_new(s, &w.reader, WORLD_NOW);
}

static int take(struct cs_renewal *renewal, const char *name)
{
    return cs_renewal_take(renewal, (struct cs_renewal_step){material_of(name), false}, &findings);
}

static const char *first_code(void)
{
    return findings.first ? findings.first->kind->code : "none";
}

static void test_same(void)
{
    struct cs_renewal *renewal;

    begin();
    renewal = renewal_of(ours);
    tap_int(take(renewal, "live.pem"), CS_RENEWAL_SAME, "the same pair");
    tap_int(take(renewal, "live.crl"), CS_RENEWAL_SAME, "the same lists");
    tap_int(take(renewal, "live-ca.pem"), CS_RENEWAL_SAME, "the same CAs");
    tap_ok(cs_renewal_is_empty(renewal), "there is nothing to do");
    cs_renewal_free(renewal);
    end();
}

static void test_pair(void)
{
    struct cs_credentials *before[3];
    struct cs_upstream_tls *upstream;
    struct cs_renewal *renewal;

    begin();
    for (size_t i = 0; i < 3; i++)
        before[i] = cs_credentials_ref(ours->keyring->servers[i]);
    upstream = cs_upstream_tls_ref(ours->keyring->upstreams[0]);
    replace("live.pem", "rsa.pem");
    renewal = renewal_of(ours);
    tap_int(take(renewal, "live.pem"), -EINVAL, "half a pair is refused");
    tap_str(cs_str_from(first_code()), CS_STR("key-mismatch"), "with its finding");
    cs_renewal_free(renewal);

    replace("live.key", "rsa.key");
    renewal = renewal_of(ours);
    tap_int(take(renewal, "live.pem"), 0, "a new pair");
    tap_int(cs_renewal_build(renewal, &findings), 0, "is presented");
    tap_ok(ours->keyring->servers[0] == before[0], "not before the commit");
    tap_ok(!cs_renewal_commit(renewal), "nobody is judged otherwise");
    cs_renewal_free(renewal);
    tap_ok(ours->keyring->servers[0] != before[0] && ours->keyring->servers[1] != before[1],
           "by all who name it");
    tap_ok(ours->keyring->servers[2] == before[2], "and by nobody else");
    tap_ok(memcmp(ours->keyring->upstreams[0]->digest, upstream->digest, 32) != 0,
           "upstreams see another client");
    tap_ok(memcmp(ours->keyring->servers[0]->auth.digest, before[0]->auth.digest, 32) == 0,
           "who may come is the same");
    tap_int((int64_t)ours->keyring->generation, 1, "counted");
    for (size_t i = 0; i < 3; i++)
        cs_credentials_unref(before[i]);
    cs_upstream_tls_unref(upstream);
    end();
}

static void test_unreadable(void)
{
    static const struct {
        const char *file, *by, *code;
    } rows[] = {
        {"live.pem", "empty", "file-empty"},
        {"live.pem", "tickets.key", "certificate-unreadable"},
        {"live.key", "ca.pem", "key-unreadable"},
        {"live-ca.pem", "server.key", "certificate-unreadable"},
        {"live.crl", "ca.pem", "crl-unreadable"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cs_renewal *renewal;
        begin();
        replace(rows[i].file, rows[i].by);
        renewal = renewal_of(ours);
        tap_int(take(renewal, rows[i].file), -EINVAL, rows[i].code);
        tap_str(cs_str_from(first_code()), cs_str_from(rows[i].code), "why");
        tap_ok(cs_renewal_is_empty(renewal), "it is not part of the renewal");
        cs_renewal_free(renewal);
        end();
    }
}

static struct cs_str map_copy(struct cs_str bytes)
{
    void *copy = mmap(NULL, bytes.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cs_assert(copy != MAP_FAILED);
    return cs_str_make(memcpy(copy, bytes.ptr, bytes.len), bytes.len);
}

static size_t entries_of(const struct cs_snapshot *s)
{
    return cs_crl_set_entries(cs_trust_crls(s->keyring->servers[0]->auth.trust));
}

/* What @parcel says, in the other process. @block: the lists that came beside. */
static void apply(struct cs_str bytes, struct cs_str block)
{
    struct cs_renewal_parcel parcel;
    struct cs_config_reader reader;
    struct cs_renewal *renewal;
    int r = 0;

    if (!tap_ok(cs_renewal_unpack(bytes, &arena, &parcel) == 0, "the parcel is taken apart"))
        return;
    tap_int((int64_t)parcel.generation, 1, "it says where it leads");
    reader = cs_renewal_parcel_reader(&parcel);
    renewal = cs_renewal_new(theirs, &reader, WORLD_NOW);
    for (size_t i = 0; i < parcel.n_steps && r == 0; i++) {
        size_t material = parcel.steps[i].material;
        r = cs_keyring_is_lists(theirs->keyring, material)
                ? cs_renewal_take_lists(renewal, material, map_copy(block))
                : cs_renewal_take(renewal, parcel.steps[i], &findings);
    }
    tap_int(r, 0, "all of it is taken");
    tap_int(cs_renewal_build(renewal, &findings), 0, "and made");
    cs_renewal_commit(renewal);
    cs_renewal_free(renewal);
    cs_renewal_parcel_deinit(&parcel);
}

static bool agree(void)
{
    return memcmp(ours->keyring->servers[0]->auth.digest, theirs->keyring->servers[0]->auth.digest,
                  32) == 0 &&
           memcmp(ours->keyring->upstreams[0]->digest, theirs->keyring->upstreams[0]->digest, 32) ==
               0;
}

static void test_lists(void)
{
    size_t lists, trust = 0, used;
    struct cs_renewal *renewal;
    struct cs_buf bytes;
    struct cs_str block;

    begin();
    lists = material_of("live.crl");
    while (!cs_keyring_lists(ours->keyring, trust, &used))
        trust++;
    tap_int((int64_t)used, (int64_t)lists, "a trust set uses the lists");
    replace("live.crl", "ca-revokes.crl");
    replace("live-ca.pem", "empty"); /* is not looked at */
    renewal = renewal_of(ours);
    tap_int(take(renewal, "live.crl"), 0, "other lists");
    block = map_copy(cs_renewal_lists0(renewal, lists));
    tap_int(cs_renewal_take_lists(renewal, lists, map_copy(block)), 0, "in other memory");
    tap_int(cs_renewal_take(renewal, (struct cs_renewal_step){trust, true}, &findings), 0,
            "for the same CAs");
    tap_int(cs_renewal_build(renewal, &findings), 0, "make credentials");
    cs_buf_init(&bytes, 1 << 20);
    cs_renewal_pack(renewal, &bytes);
    tap_ok(bytes.len < 256, "without any file in the parcel");
    tap_ok(cs_renewal_commit(renewal), "somebody is judged otherwise");
    cs_renewal_free(renewal);
    tap_int((int64_t)entries_of(ours), 3, "three more are revoked");
    apply(cs_buf_str(&bytes), block);
    tap_int((int64_t)entries_of(theirs), 3, "there too");
    tap_ok(agree(), "both are of one mind");
    munmap((void *)block.ptr, block.len);
    cs_buf_deinit(&bytes);
    end();
}

static void test_parcel(void)
{
    struct cs_renewal *renewal;
    struct cs_renewal_parcel parcel;
    struct cs_buf bytes;
    size_t wrong = 0;

    begin();
    replace("live.pem", "rsa.pem");
    replace("live.key", "rsa.key");
    renewal = renewal_of(ours);
    tap_int(take(renewal, "live.pem"), 0, "a new pair");
    tap_int(cs_renewal_build(renewal, &findings), 0, "is made");
    cs_buf_init(&bytes, 1 << 20);
    cs_renewal_pack(renewal, &bytes);
    cs_renewal_commit(renewal);
    cs_renewal_free(renewal);
    replace("live.pem", "empty"); /* the other process opens nothing */
    apply(cs_buf_str(&bytes), (struct cs_str){0});
    tap_ok(agree(), "both present the same");
    for (size_t n = 0; n < bytes.len; n++)
        wrong += cs_renewal_unpack(cs_str_sub(cs_buf_str(&bytes), 0, n), &arena, &parcel) == 0;
    tap_int((int64_t)wrong, 0, "one that is cut anywhere is refused");
    cs_buf_add_char(&bytes, 'x');
    tap_int(cs_renewal_unpack(cs_buf_str(&bytes), &arena, &parcel), -EBADMSG,
            "so is one with something behind it");
    renewal = renewal_of(theirs);
    tap_int(cs_renewal_take_lists(renewal, material_of("live.pem"), CS_STR("x")), -EBADMSG,
            "a pair is no list");
    cs_renewal_free(renewal);
    cs_buf_deinit(&bytes);
    end();
}

static void test_words(void)
{
    struct cs_buf text;

    begin();
    cs_buf_init(&text, 4096);
    cs_keyring_describe(ours->keyring, material_of("live.pem"), &text);
    tap_str(cs_buf_str(&text),
            CS_STR("certificate \"live.pem\" of server \"a\" and 2 more, valid until "
                   "2029-10-11T08:00:00Z"),
            "a pair");
    cs_buf_reset(&text);
    cs_keyring_describe(ours->keyring, material_of("live.crl"), &text);
    tap_str(cs_buf_str(&text),
            CS_STR("revocation lists \"live.crl\" of server \"a\" and 2 more, 0 entries"), "lists");
    cs_buf_deinit(&text);
    end();
}

int main(void)
{
    cs_arena_init(&arena);
    world_init(&w);
    world_put(&w, "live.pem", CS_STR("x"));
    world_put(&w, "live.key", CS_STR("x"));
    world_put(&w, "live-ca.pem", CS_STR("x"));
    world_put(&w, "live.crl", CS_STR("x"));
    test_same();
    test_pair();
    test_unreadable();
    test_lists();
    test_parcel();
    test_words();
    world_deinit(&w);
    cs_arena_deinit(&arena);
    return tap_done();
}
