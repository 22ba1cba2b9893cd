/* A table of members, for both ways. */
#include "enrol/state.h"

#include <errno.h>
#include <jansson.h>

#include "base/time.h"
#include "x509/bundle.h"

enum { NAMES_MAX = 256 };

static const struct {
    enum cs_make_key_kind kind;
    enum cs_key_kind family;
    unsigned bits; /* 0: the family has one size */
} key_kinds[] = {
    {CS_MAKE_P256, CS_KEY_EC, 256},       {CS_MAKE_P384, CS_KEY_EC, 384},
    {CS_MAKE_ED25519, CS_KEY_ED25519, 0}, {CS_MAKE_RSA2048, CS_KEY_RSA, 2048},
    {CS_MAKE_RSA3072, CS_KEY_RSA, 3072},  {CS_MAKE_RSA4096, CS_KEY_RSA, 4096},
};

static bool is_of_kind(const struct cs_cert *key, enum cs_make_key_kind kind)
{
    for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++) {
        if (key_kinds[i].kind == kind)
            return key->key_kind == key_kinds[i].family &&
                   (!key_kinds[i].bits || key->key_bits == key_kinds[i].bits);
    }
    return false;
}

bool cs_enrol_key_is(struct cs_str pem, enum cs_make_key_kind kind)
{
    struct cs_source source = {.bytes = pem};
    struct cs_arena arena = {0};
    struct cs_bundle bundle;
    bool is = false;

    cs_bundle_init(&bundle, &arena);
    cs_bundle_add(&bundle, &source);
    for (size_t i = 0; i < bundle.n && !is; i++)
        is = bundle.items[i]->kind == CS_ITEM_KEY && is_of_kind(&bundle.items[i]->key.public, kind);
    cs_arena_deinit(&arena);
    return is;
}

enum type { TEXT, TIME };

static const struct {
    const char *name;
    enum type type;
    size_t offset;
} members[] = {
    {"authority", TEXT, offsetof(struct cs_enrol_state, url)},
    {"fingerprint", TEXT, offsetof(struct cs_enrol_state, fingerprint)},
    {"profile", TEXT, offsetof(struct cs_enrol_state, profile)},
    {"serial", TEXT, offsetof(struct cs_enrol_state, serial)},
    {"not_before", TIME, offsetof(struct cs_enrol_state, not_before)},
    {"not_after", TIME, offsetof(struct cs_enrol_state, not_after)},
    {"renew_at", TIME, offsetof(struct cs_enrol_state, renew_at)},
};

#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

/* ---- writing ---- */

static int add_names(const struct cs_enrol_state *state, struct cs_buf *buf)
{
    int r = cs_buf_add_str(buf, CS_STR("  \"names\": ["));

    for (size_t i = 0; i < state->n_names && r == 0; i++)
        r = cs_buf_add_str(buf, i ? CS_STR(", ") : CS_STR("")) ||
            cs_buf_add_json(buf, state->names[i]);
    return r || cs_buf_add_str(buf, CS_STR("],\n"));
}

static int add_member(const struct cs_enrol_state *state, size_t i, struct cs_buf *buf)
{
    const char *field = (const char *)state + members[i].offset;
    char text[CS_TIME_TEXT];
    struct cs_str value = members[i].type == TIME ? cs_time_iso(*(const int64_t *)field, text)
                                                  : *(const struct cs_str *)field;

    return cs_buf_addf(buf, "  \"%s\": ", members[i].name) || cs_buf_add_json(buf, value) ||
           cs_buf_add_str(buf, i + 1 < N_MEMBERS ? CS_STR(",\n") : CS_STR("\n}\n"));
}

int cs_enrol_state_write(const struct cs_enrol_state *state, struct cs_buf *buf)
{
    int r = cs_buf_addf(buf, "{\n  \"key\": \"%s\",\n  \"ttl\": %lld,\n",
                        cs_make_kind_name(state->key_kind), (long long)state->ttl_sec) ||
            add_names(state, buf);

    for (size_t i = 0; i < N_MEMBERS && r == 0; i++)
        r = add_member(state, i, buf);
    return r ? -ENOBUFS : 0;
}

/* ---- reading ---- */

static struct cs_str text_of(const json_t *value)
{
    return json_is_string(value) ? cs_str_make(json_string_value(value), json_string_length(value))
                                 : (struct cs_str){0};
}

static bool read_member(const json_t *object, size_t i, struct cs_arena *arena,
                        struct cs_enrol_state *state)
{
    struct cs_str text = text_of(json_object_get(object, members[i].name));
    char *field = (char *)state + members[i].offset;

    if (members[i].type == TIME)
        return cs_time_parse(text, (int64_t *)field) == 0;
    *(struct cs_str *)field = cs_arena_dup(arena, text);
    return text.ptr != NULL;
}

static bool read_names(const json_t *array, struct cs_arena *arena, struct cs_enrol_state *state)
{
    size_t n = json_array_size(array);
    struct cs_str *names;

    if (!json_is_array(array) || n > NAMES_MAX)
        return false;
    names = cs_arena_array(arena, n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = cs_arena_dup(arena, text_of(json_array_get(array, i)));
    state->names = names;
    state->n_names = n;
    return true;
}

static const char *read_state(const json_t *object, struct cs_arena *arena,
                              struct cs_enrol_state *state)
{
    json_int_t ttl = json_integer_value(json_object_get(object, "ttl"));

    for (size_t i = 0; i < N_MEMBERS; i++) {
        if (!read_member(object, i, arena, state))
            return cs_arena_printf(arena, "its \"%s\" cannot be read", members[i].name).ptr;
    }
    if (cs_make_kind_parse(text_of(json_object_get(object, "key")), &state->key_kind) < 0)
        return "its \"key\" is of no kind that is known";
    if (!read_names(json_object_get(object, "names"), arena, state))
        return "its \"names\" cannot be read";
    if (ttl < 0)
        return "its \"ttl\" is negative";
    state->ttl_sec = ttl;
    return NULL;
}

const char *cs_enrol_state_read(struct cs_str json, struct cs_arena *arena,
                                struct cs_enrol_state *ret_state)
{
    json_error_t error;
    json_t *object = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_REJECT_DUPLICATES, &error);
    struct cs_enrol_state state = {0};
    const char *why;

    if (!json_is_object(object)) {
        json_decref(object);
        return "it is no JSON object";
    }
    why = read_state(object, arena, &state);
    json_decref(object);
    if (!why)
        *ret_state = state;
    return why;
}
