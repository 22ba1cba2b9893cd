/* The way back from JSON: a table says which member is which field of struct cs_account. The order
 * and names are those of json.c; what is absent there is empty here. */
#include "explain/read.h"

#include <jansson.h>
#include <stdio.h>

#include "base/time.h"
#include "explain/kinds.h"

enum { DEPTH_MAX = 16, LIST_MAX = 1024 };

struct reader {
    void (*each)(void *ctx, const struct cs_account *account);
    void *ctx;
    struct cs_reading *reading;
};

/* --- members by their path --- */

enum type { TEXT, NUMBER, INTEGER, UNSIGNED, FLAG };

static const struct field {
    const char *path;
    size_t offset;
    enum type type;
} fields[] = {
#define FIELD(path, field, type)                                                                   \
    {                                                                                              \
        path, offsetof(struct cs_account, field), type                                             \
    }
    FIELD("time_ms", time_ms, NUMBER),
    FIELD("incident", incident, TEXT),
    FIELD("repeats", repeats, UNSIGNED),
    FIELD("repeats_ms", repeats_ms, NUMBER),
    FIELD("stage", stage, TEXT),
    FIELD("peer", peer, TEXT),
    FIELD("socket_peer", socket_peer, TEXT),
    FIELD("local", local, TEXT),
    FIELD("target", target, TEXT),
    FIELD("server", server_name, TEXT),
    FIELD("sni", sni, TEXT),
    FIELD("host", host, TEXT),
    FIELD("status", status, INTEGER),
    FIELD("identity", identity, TEXT),
    FIELD("transport.ending", transport.ending, TEXT),
    FIELD("transport.error", transport.error, TEXT),
    FIELD("transport.first", transport.first, TEXT),
    FIELD("transport.bytes_in", transport.bytes_in, UNSIGNED),
    FIELD("transport.bytes_out", transport.bytes_out, UNSIGNED),
    FIELD("tls.version", tls.version, TEXT),
    FIELD("tls.cipher", tls.cipher, TEXT),
    FIELD("tls.group", tls.group, TEXT),
    FIELD("tls.sigalg", tls.sigalg, TEXT),
    FIELD("tls.client_sigalg", tls.client_sigalg, TEXT),
    FIELD("tls.alpn", tls.alpn, TEXT),
    FIELD("tls.complete", tls.complete, FLAG),
    FIELD("tls.resumed", tls.resumed, FLAG),
    FIELD("tls.broken", tls.broken, TEXT),
    FIELD("tls.library", tls.library, TEXT),
    FIELD("tls.own.versions", tls.own.versions, TEXT),
    FIELD("tls.own.ciphers", tls.own.ciphers, TEXT),
    FIELD("tls.own.groups", tls.own.groups, TEXT),
    FIELD("tls.own.sigalgs", tls.own.sigalgs, TEXT),
    FIELD("tls.own.alpn", tls.own.alpn, TEXT),
    FIELD("tls.offered.versions", tls.offered.versions, TEXT),
    FIELD("tls.offered.ciphers", tls.offered.ciphers, TEXT),
    FIELD("tls.offered.groups", tls.offered.groups, TEXT),
    FIELD("tls.offered.sigalgs", tls.offered.sigalgs, TEXT),
    FIELD("tls.offered.alpn", tls.offered.alpn, TEXT),
    FIELD("tls.last_sent", tls.last_sent, TEXT),
    FIELD("tls.last_received", tls.last_received, TEXT),
    FIELD("tls.certificate_asked", tls.certificate_asked, FLAG),
    FIELD("tls.own_key", tls.own_key, TEXT),
    FIELD("tls.asked_sigalgs", tls.asked_sigalgs, TEXT),
    FIELD("tls.start_ms", tls.start_ms, NUMBER),
    FIELD("tls.end_ms", tls.end_ms, NUMBER),
    FIELD("verdict.accepted", verdict.accepted, FLAG),
    FIELD("verdict.error", verdict.error, INTEGER),
    FIELD("verdict.depth", verdict.depth, INTEGER),
    FIELD("verdict.reason", verdict.reason, TEXT),
    FIELD("clock.synchronised", clock.facts.synchronised, FLAG),
    FIELD("clock.error_ms", clock.facts.error_ms, NUMBER),
    FIELD("clock.ahead_ms", clock.facts.ahead_ms, NUMBER),
    FIELD("clock.age_ms", clock.facts.age_ms, NUMBER),
    FIELD("clock.source", clock.facts.source, TEXT),
#undef FIELD
};

static const struct field certificate_fields[] = {
#define FIELD(path, field, type)                                                                   \
    {                                                                                              \
        path, offsetof(struct cs_account_cert, field), type                                        \
    }
    FIELD("subject", subject, TEXT),
    FIELD("issuer", issuer, TEXT),
    FIELD("serial", serial, TEXT),
    FIELD("sha256", sha256, TEXT),
    FIELD("not_before", not_before, TEXT),
    FIELD("not_after", not_after, TEXT),
    FIELD("names", names, TEXT),
    FIELD("key", key, TEXT),
    FIELD("signature", signature, TEXT),
    FIELD("key_usage", key_usage, TEXT),
    FIELD("eku", eku, TEXT),
    FIELD("ski", ski, TEXT),
    FIELD("aki", aki, TEXT),
    FIELD("ca", ca, FLAG),
#undef FIELD
};

static const json_t *at_path(const json_t *object, const char *path)
{
    struct cs_str rest = cs_str_from(path);
    char name[32];

    while (rest.ptr && object) {
        struct cs_str part = cs_str_cut(&rest, '.');
        snprintf(name, sizeof(name), "%.*s", CS_FMT(part));
        object = json_object_get(object, name);
    }
    return object;
}

static struct cs_str text_of(const json_t *value)
{
    return json_is_string(value) ? cs_str_make(json_string_value(value), json_string_length(value))
                                 : (struct cs_str){0};
}

/* A number as text is not one; what is beyond the type's range neither. */
static void read_field(const json_t *value, const struct field *field, void *into)
{
    void *place = (char *)into + field->offset;
    json_int_t number = json_integer_value(value);

    switch (field->type) {
    case TEXT: *(struct cs_str *)place = text_of(value); break;
    case NUMBER: *(int64_t *)place = number; break;
    case UNSIGNED: *(uint64_t *)place = number > 0 ? (uint64_t)number : 0; break;
    case INTEGER: *(int *)place = number > 0 && number < 1000000 ? (int)number : 0; break;
    case FLAG: *(bool *)place = json_is_true(value); break;
    }
}

static void read_fields(const json_t *object, const struct field *rows, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++)
        read_field(at_path(object, rows[i].path), &rows[i], into);
}

/* --- what is no single member --- */

/* A code that this program does not know, from a later one: its words are taken as they were
 * written. */
static void read_unknown(const json_t *object, struct cs_arena *arena, struct cs_finding *finding)
{
    struct cs_finding_kind *kind = CS_ARENA_NEW(arena, struct cs_finding_kind);
    struct cs_str words[] = {text_of(json_object_get(object, "primary")),
                             text_of(json_object_get(object, "detail")),
                             text_of(json_object_get(object, "hint"))};

    *kind = (struct cs_finding_kind){
        .code = cs_arena_dup(arena, text_of(json_object_get(object, "code"))).ptr,
        .severity = CS_SEVERITY_ERROR,
        .primary = "{0}",
        .detail = words[1].len ? "{1}" : NULL,
        .hint = words[2].len ? "{2}" : NULL,
    };
    *finding = (struct cs_finding){.kind = kind, .operands = {words[0], words[1], words[2]}};
}

/* Code and operands. */
static void read_finding(const json_t *object, struct cs_arena *arena, struct cs_finding *finding)
{
    struct cs_str code = text_of(json_object_get(object, "code"));
    const json_t *operands = json_object_get(object, "operands");

    if (!code.len)
        return;
    finding->kind = cs_kind_find(code);
    if (!finding->kind) {
        read_unknown(object, arena, finding);
        return;
    }
    for (size_t i = 0; i < CS_FINDING_OPERANDS; i++)
        finding->operands[i] = text_of(json_array_get(operands, i));
}

static void read_findings(const json_t *object, struct cs_arena *arena, struct cs_account *a)
{
    const json_t *array = json_object_get(object, "findings");
    size_t n = json_array_size(array);
    struct cs_finding *all = cs_arena_array(arena, n + 1, sizeof(*all)), *last = NULL;

    for (size_t i = 0; i < n; i++) {
        read_finding(json_array_get(array, i), arena, &all[i]);
        if (!all[i].kind)
            continue;
        if (last)
            last->next = &all[i];
        else
            a->findings = &all[i];
        last = &all[i];
    }
}

static struct cs_account_list read_list(const json_t *object, const char *name, const char *total,
                                        struct cs_arena *arena)
{
    const json_t *array = at_path(object, name), *all = at_path(object, total);
    size_t n = json_array_size(array);
    struct cs_str *items;

    n = n < LIST_MAX ? n : LIST_MAX;
    items = cs_arena_array(arena, n + 1, sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] = text_of(json_array_get(array, i));
    return (struct cs_account_list){
        items, n, json_integer_value(all) > (json_int_t)n ? (size_t)json_integer_value(all) : n};
}

static struct cs_alert read_alert(const json_t *object, const char *path)
{
    const json_t *alert = at_path(object, path), *number = json_object_get(alert, "number");

    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > 255)
        return (struct cs_alert){.number = -1};
    return (struct cs_alert){
        .number = (int16_t)json_integer_value(number),
        .fatal = json_is_true(json_object_get(alert, "fatal")),
        .text = text_of(json_object_get(alert, "name")),
    };
}

static void read_chain(const json_t *object, struct cs_arena *arena, struct cs_account *a)
{
    const json_t *array = json_object_get(object, "chain");
    size_t n = json_array_size(array);
    struct cs_account_cert *chain;

    n = n < LIST_MAX ? n : LIST_MAX;
    chain = cs_arena_array(arena, n + 1, sizeof(*chain));
    for (size_t i = 0; i < n; i++)
        read_fields(json_array_get(array, i), certificate_fields,
                    sizeof(certificate_fields) / sizeof(certificate_fields[0]), &chain[i]);
    a->chain = chain;
    a->n_chain = n;
}

static void read_clock(const json_t *object, struct cs_account *a)
{
    const json_t *clock = json_object_get(object, "clock");
    struct cs_clock *c = &a->clock.facts;

    a->clock.known = json_is_object(clock);
    c->kernel_known = json_object_get(clock, "synchronised") != NULL;
    c->measured = json_object_get(clock, "ahead_ms") != NULL;
    c->peer_known = cs_time_parse(text_of(json_object_get(clock, "peer")), &c->peer_sec) == 0;
}

static void read_account(const json_t *object, struct cs_arena *arena, struct cs_account *a)
{
    *a = (struct cs_account){
        .server = !cs_str_eq(text_of(json_object_get(object, "side")), CS_STR("client")),
    };
    read_fields(object, fields, sizeof(fields) / sizeof(fields[0]), a);
    read_finding(object, arena, &a->cause);
    read_findings(object, arena, a);
    read_chain(object, arena, a);
    read_clock(object, a);
    a->tls.spoken = json_is_object(json_object_get(object, "tls"));
    a->tls.alert_sent = read_alert(object, "tls.alert_sent");
    a->tls.alert_received = read_alert(object, "tls.alert_received");
    a->tls.asked_names = read_list(object, "tls.asked_names", "tls.asked_names_total", arena);
    a->trust = read_list(object, "trust", "trust_total", arena);
    a->verdict.judged = json_is_object(json_object_get(object, "verdict"));
}

/* --- finding them --- */

/* What every account has. A report of the doctor has that too, and its account in it. */
static bool is_account(const json_t *value)
{
    return json_is_string(json_object_get(value, "side")) &&
           (json_object_get(value, "code") || json_object_get(value, "stage")) &&
           !json_is_object(json_object_get(value, "record"));
}

static void give(const struct reader *reader, const json_t *object)
{
    struct cs_arena arena;
    struct cs_account account;

    cs_arena_init(&arena);
    read_account(object, &arena, &account);
    reader->reading->n++;
    reader->each(reader->ctx, &account);
    cs_arena_deinit(&arena);
}

static void search(const struct reader *reader, json_t *value, int depth)
{
    const char *name;
    json_t *child;
    size_t i;

    if (depth == 0)
        return;
    if (is_account(value)) {
        give(reader, value);
        return;
    }
    json_object_foreach(value, name, child) search(reader, child, depth - 1);
    json_array_foreach(value, i, child) search(reader, child, depth - 1);
}

/* Return: whether @text is one JSON value. */
static bool read_value(const struct reader *reader, struct cs_str text, size_t flags,
                       json_error_t *ret_error)
{
    json_t *value = json_loadb(text.ptr, text.len, flags, ret_error);

    if (!value)
        return false;
    search(reader, value, DEPTH_MAX);
    json_decref(value);
    return true;
}

/* A record may stand behind the time and name that a log puts before it. */
static void read_line(const struct reader *reader, struct cs_str line, unsigned number)
{
    struct cs_reading *reading = reader->reading;
    ptrdiff_t brace = cs_str_find(line, '{');
    json_error_t error;

    if (brace < 0 || read_value(reader, cs_str_skip(line, (size_t)brace),
                                JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &error))
        return;
    if (reading->n_bad++ == 0) {
        reading->bad_line = number;
        snprintf(reading->bad_reason, sizeof(reading->bad_reason), "%s", error.text);
    }
}

void cs_account_read(struct cs_str text, void (*each)(void *ctx, const struct cs_account *account),
                     void *ctx, struct cs_reading *ret_reading)
{
    struct reader reader = {each, ctx, ret_reading};
    json_error_t error;

    *ret_reading = (struct cs_reading){0};
    if (read_value(&reader, text, JSON_ALLOW_NUL, &error))
        return;
    for (unsigned number = 1; text.ptr; number++)
        read_line(&reader, cs_str_cut(&text, '\n'), number);
}
