/* state.json there and back, and what is no such file. */
#include "enrol/state.h"

#include <errno.h>

#include "tap.h"
#include "x509/key.h"

static struct cs_arena arena;

static void test_round_trip(void)
{
    static const struct cs_str names[] = {CS_STR_INIT("dns:a.test"), CS_STR_INIT("uri:x\"\\y")};
    struct cs_enrol_state state = {.url = CS_STR("https://ca.test:9443"),
                                   .fingerprint = CS_STR("00ff"),
                                   .profile = CS_STR(""),
                                   .names = names,
                                   .n_names = 2,
                                   .ttl_sec = 86400,
                                   .key_kind = CS_MAKE_ED25519,
                                   .serial = CS_STR("4F"),
                                   .not_before = 1800000000,
                                   .not_after = 4102444800,
                                   .renew_at = 1800000001};
    struct cs_enrol_state again = {0};
    struct cs_buf buf;

    cs_buf_init(&buf, 4096);
    tap_int(cs_enrol_state_write(&state, &buf), 0, "written");
    tap_ok(!cs_enrol_state_read(cs_buf_str(&buf), &arena, &again), "read");
    tap_str(again.url, state.url, "address");
    tap_str(again.fingerprint, state.fingerprint, "fingerprint");
    tap_ok(again.profile.len == 0 && again.n_names == 2, "profile, number of names");
    tap_str(again.names[1], names[1], "a name with odd characters");
    tap_ok(again.ttl_sec == 86400 && again.key_kind == CS_MAKE_ED25519, "life and kind of key");
    tap_ok(again.not_before == 1800000000 && again.not_after == 4102444800 &&
               again.renew_at == 1800000001,
           "times");
    cs_buf_reset(&buf);
    buf.max = 100;
    tap_int(cs_enrol_state_write(&state, &buf), -ENOBUFS, "no room");
    cs_buf_deinit(&buf);
}

#define REST                                                                                       \
    "\"authority\":\"a\",\"fingerprint\":\"\",\"profile\":\"\",\"serial\":\"\","                   \
    "\"not_before\":\"2027-01-01T00:00:00Z\",\"not_after\":\"2027-01-01T00:00:00Z\","

static const struct {
    const char *json;
    const char *why;
} refused[] = {
    {"", "it is no JSON object"},
    {"[]", "it is no JSON object"},
    {"{\"a\":1,\"a\":2}", "it is no JSON object"},
    {"{}", "its \"authority\" cannot be read"},
    {"{" REST "\"renew_at\":\"soon\"}", "its \"renew_at\" cannot be read"},
    {"{" REST "\"renew_at\":\"@1\"}", "its \"key\" is of no kind that is known"},
    {"{" REST "\"renew_at\":\"@1\",\"key\":\"dsa\"}", "its \"key\" is of no kind that is known"},
    {"{" REST "\"renew_at\":\"@1\",\"key\":\"ec-p256\"}", "its \"names\" cannot be read"},
    {"{" REST "\"renew_at\":\"@1\",\"key\":\"ec-p256\",\"names\":[],\"ttl\":-1}",
     "its \"ttl\" is negative"},
};

static void test_refused(void)
{
    struct cs_enrol_state state;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        tap_str(cs_str_from(cs_enrol_state_read(cs_str_from(refused[i].json), &arena, &state)),
                cs_str_from(refused[i].why), refused[i].json);
}

static void test_key_kinds(void)
{
    static const enum cs_make_key_kind kinds[] = {CS_MAKE_P256, CS_MAKE_P384, CS_MAKE_ED25519,
                                                  CS_MAKE_RSA2048, CS_MAKE_RSA3072};
    enum cs_make_key_kind found;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct evp_pkey_st *key = NULL;
        struct cs_buf pem;
        tap_int(cs_make_kind_parse(cs_str_from(cs_make_kind_name(kinds[i])), &found), 0,
                cs_make_kind_name(kinds[i]));
        tap_int(found, kinds[i], "by its name");
        cs_buf_init(&pem, 1 << 16);
        tap_ok(cs_make_key(kinds[i], &key) == 0 && cs_key_write(key, &pem) == 0, "one made");
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
            tap_ok(cs_enrol_key_is(cs_buf_str(&pem), kinds[k]) == (k == i), "told apart from %s",
                   cs_make_kind_name(kinds[k]));
        cs_buf_wipe(&pem);
        cs_key_free(key);
    }
    tap_ok(!cs_enrol_key_is(CS_STR("no key"), CS_MAKE_P256), "no key at all");
}

int main(void)
{
    test_round_trip();
    test_refused();
    test_key_kinds();
    cs_arena_deinit(&arena);
    return tap_done();
}
