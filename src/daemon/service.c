/* A table of requests. Each is checked before anything is done: an unknown member is refused by its
 * name, since what is misunderstood about a revocation should not look like one. */
#include "daemon/service.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/gather.h"
#include "daemon/status.h"
#include "x509/crl.h"

enum { REASONS = 11, NAME_MAX_BYTES = 1024, WHY_BYTES = 4096 };

/* ---- revoke ---- */

/* One that waits for the workers. */
struct revoking {
    struct cs_gather gather;
    struct cs_asked *asked; /* NULL: an authority said so, and nobody waits */
    const struct cs_mainlog *log;
    uint64_t n_cut;
    bool already;
    char what[2 * CS_REVOKED_SERIAL_MAX + 40]; /* "serial 4F00 is" */
};

static void on_cut(struct cs_gather *gather, struct cs_str words)
{
    struct revoking *r = cs_container_of(gather, struct revoking, gather);
    uint64_t n = 0;

    if (cs_str_to_u64(words, UINT64_MAX, &n) == 0)
        r->n_cut += n;
}

static void on_told(struct cs_gather *gather)
{
    struct revoking *r = cs_container_of(gather, struct revoking, gather);

    cs_mainlog_say(r->log, CS_LOG_NOTICE,
                   "%s revoked: %u of %u workers acknowledged, %llu connections cut", r->what,
                   gather->n_done, gather->n_told, (unsigned long long)r->n_cut);
    if (!r->asked)
        return;
    cs_asked_answer(r->asked,
                    json_pack("{s:b,s:b,s:I,s:{s:i,s:i,s:i,s:i,s:i}}", "ok", 1, "already",
                              r->already, "cut", (json_int_t)r->n_cut, "workers", "told",
                              gather->n_told, "done", gather->n_done, "refused", gather->n_refused,
                              "gone", gather->n_gone, "late", gather->n_late));
}

static void on_over(struct cs_gather *gather)
{
    free(cs_container_of(gather, struct revoking, gather));
}

static void tell_workers(const struct cs_service *service, struct revoking *r)
{
    struct cs_str bytes = cs_revoked_set_bytes(cs_revocations_set0(service->revocations));
    int fd = cs_sealed_memory("revoked", bytes);

    r->gather.replied = on_cut;
    r->gather.told = on_told;
    r->gather.over = on_over;
    if (fd < 0 && !r->asked) {
        cs_mainlog_say(r->log, CS_LOG_ALERT, "%s revoked, but the workers cannot be told (%d: %s)",
                       r->what, -fd, strerror(-fd));
        free(r);
    } else if (fd < 0) {
        cs_asked_refuse(r->asked,
                        "it is kept, but the workers cannot be told (%d: %s): reload to make it "
                        "known to them",
                        -fd, strerror(-fd));
        free(r);
        return;
    }
    cs_gather_begin(&r->gather, service->crews, service->n_crews, CS_TELL_REVOKED,
                    (struct cs_str){0}, fd);
    close(fd);
}

static bool read_reason(const char *text, unsigned *ret_reason)
{
    for (unsigned i = 0; text && i < REASONS; i++) {
        if (cs_str_eq(cs_crl_reason_text(i), cs_str_from(text))) {
            *ret_reason = i;
            return true;
        }
    }
    return text == NULL;
}

static bool read_issuer(const char *text, struct cs_revocation *r)
{
    struct cs_str hex = cs_str_from(text);

    r->any_issuer = text == NULL;
    if (r->any_issuer)
        return true;
    if (hex.len != 2 * sizeof(r->issuer))
        return false;
    for (size_t i = 0; i < sizeof(r->issuer); i++) {
        int high = cs_hex_digit(hex.ptr[2 * i]), low = cs_hex_digit(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        r->issuer[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A line of a file, and of logs: nothing in it may end a line. */
static bool is_plain(struct cs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127)
            return false;
    }
    return text.len <= NAME_MAX_BYTES;
}

/* Return: NULL, or what is wrong. */
static const char *read_revocation(json_t *request, int64_t now_sec,
                                   uint8_t serial[CS_REVOKED_SERIAL_MAX], struct cs_revocation *r)
{
    const char *number = NULL, *issuer = NULL, *reason = NULL, *name = NULL;
    json_int_t not_after = INT64_MAX;
    size_t len;

    if (json_unpack(request, "{s:s,s?s,s?s,s?s,s?I}", "serial", &number, "issuer", &issuer,
                    "reason", &reason, "name", &name, "not_after", &not_after) < 0)
        return "revoke wants serial, and may have issuer, reason, name (texts) and not_after (a "
               "number)";
    *r = (struct cs_revocation){.revoked_at = now_sec, .not_after = not_after};
    if (cs_serial_read(cs_str_from(number), serial, &len) < 0)
        return "serial is to be a number of at most 40 bytes in hex";
    r->serial = cs_str_make(serial, len);
    if (!read_issuer(issuer, r))
        return "issuer is to be the SHA-256 of the issuer's name in hex";
    if (r->any_issuer && len < CS_REVOKED_UNIQUE)
        return "so short a serial number needs its issuer";
    if (!read_reason(reason, &r->reason))
        return "reason is to be one of RFC 5280 section 5.3.1";
    r->named = cs_str_from(name);
    return is_plain(r->named) ? NULL : "name is to be one line of at most 1024 bytes";
}

static void do_revoke(const struct cs_service *service, json_t *request, struct cs_asked *asked)
{
    uint8_t serial[CS_REVOKED_SERIAL_MAX];
    struct cs_revocation revocation;
    const char *wrong = read_revocation(request, service->now_sec, serial, &revocation);
    char serial_text[2 * CS_REVOKED_SERIAL_MAX + 1];
    struct revoking *revoking;
    struct cs_buf why;
    int r = 0;

    if (wrong) {
        cs_asked_refuse(asked, "%s", wrong);
        return;
    }
    if (!service->revocations) {
        cs_asked_refuse(asked,
                        "there is no state folder that this account can use: set mtls_state");
        return;
    }
    cs_buf_init(&why, WHY_BYTES);
    r = cs_revocations_add(service->revocations, &revocation, &why);
    if (r < 0 && r != -EALREADY) {
        cs_asked_refuse(asked, "nothing is revoked: %s", cs_buf_cstr(&why));
        cs_buf_deinit(&why);
        return;
    }
    cs_buf_deinit(&why);
    revoking = CS_NEW(struct revoking);
    revoking->asked = asked;
    revoking->log = service->log;
    revoking->already = r == -EALREADY;
    cs_hex_encode(revocation.serial.ptr, revocation.serial.len, true, serial_text);
    snprintf(revoking->what, sizeof(revoking->what), "serial %s is", serial_text);
    tell_workers(service, revoking);
}

void cs_service_spread(const struct cs_service *service, unsigned n)
{
    struct revoking *revoking = CS_NEW(struct revoking);

    revoking->log = service->log;
    snprintf(revoking->what, sizeof(revoking->what), "%u certificate%s", n,
             n == 1 ? " is" : "s are");
    tell_workers(service, revoking);
}

/* ---- renew ---- */

/* Return: how many of the errands that have this name (empty: of all) it was told of; or -errno. */
static int tell_steward(const struct cs_service *service, struct cs_str name, json_t *names)
{
    const struct cs_errand *errand = service->snapshot ? service->snapshot->errands : NULL;
    int n = 0;

    for (; errand; errand = errand->next) {
        int r = 0;
        if (name.len && !cs_errand_has_name(errand, name))
            continue;
        r = cs_stewarding_renew(service->stewarding, errand);
        if (r < 0)
            return r;
        json_array_append_new(names, json_stringn(errand->names[0].ptr, errand->names[0].len));
        n++;
    }
    return n;
}

static void do_renew(const struct cs_service *service, json_t *request, struct cs_asked *asked)
{
    json_t *name = json_object_get(request, "name"), *names;
    struct cs_str wanted = {0};
    int n;

    if (name && !json_string_length(name)) {
        cs_asked_refuse(asked, "name is to be a text");
        return;
    }
    if (name)
        wanted = cs_str_make(json_string_value(name), json_string_length(name));
    names = json_array();
    n = tell_steward(service, wanted, names);
    if (n > 0) {
        cs_asked_answer(asked, json_pack("{s:b,s:o}", "ok", 1, "asked", names));
        return;
    }
    json_decref(names);
    if (n < 0)
        cs_asked_refuse(asked, "the steward, who would ask, is not there at this moment");
    else if (wanted.len)
        cs_asked_refuse(asked, "no certificate for that name is asked of an authority");
    else
        cs_asked_refuse(asked, "the configuration has no certificate that is asked of an authority "
                               "(ssl_certificate auto)");
}

/* ---- the table ---- */

static void do_status(const struct cs_service *service, json_t *request, struct cs_asked *asked)
{
    cs_status_ask(service, asked);
}

static const struct {
    const char *what;
    const char *members; /* blank-separated, besides "do" */
    void (*run)(const struct cs_service *service, json_t *request, struct cs_asked *asked);
} requests[] = {
    {"renew", "name", do_renew},
    {"revoke", "serial issuer reason name not_after", do_revoke},
    {"status", "", do_status},
};

static bool is_among(struct cs_str words, struct cs_str word)
{
    while (words.ptr) {
        if (cs_str_eq(cs_str_cut(&words, ' '), word))
            return true;
    }
    return false;
}

/* A member that @members does not have; NULL: there is none. */
static const char *unknown_member(json_t *request, const char *members)
{
    const char *key;
    json_t *value;

    json_object_foreach(request, key, value)
    {
        if (strcmp(key, "do") != 0 && !is_among(cs_str_from(members), cs_str_from(key)))
            return key;
    }
    return NULL;
}

void cs_service_ask(const struct cs_service *service, json_t *request, struct cs_asked *asked)
{
    const char *what = json_string_value(json_object_get(request, "do")), *unknown;

    for (size_t i = 0; what && i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (strcmp(what, requests[i].what) != 0)
            continue;
        unknown = unknown_member(request, requests[i].members);
        if (unknown)
            cs_asked_refuse(asked, "%s has no \"%s\"", what, unknown);
        else
            requests[i].run(service, request, asked);
        return;
    }
    cs_asked_refuse(asked, "\"do\" is to be \"renew\", \"revoke\" or \"status\"");
}
