/* Answers are signed when somebody asks. Those to requests without a nonce, of which everybody
 * gets the same, are kept in a table of fixed size: each serial number has one row of it, and the
 * newest answers stay there. Only certificates that were issued get in, so that who asks for random
 * numbers displaces nobody. */
#include <errno.h>

#include "authority/state.h"
#include "base/hash.h"
#include "base/mem.h"

enum {
    N_ROWS = 1 << 12,
    ROW = 4, /* answers, of a few hundred bytes each */
    ANSWER_TTL = 86400,
    BACKDATE = 60,
    ANSWER_MAX = 64 * 1024,
    MALFORMED_REQUEST = 1, /* RFC 6960 section 4.2.1 */
    UNAUTHORIZED = 6,
};

struct cs_kept_answer {
    uint8_t serial[CS_CA_SERIAL_LEN];
    int64_t this_update, next_update;
    size_t id_len, der_len;
    char bytes[]; /* the CertID, then the response */
};

/* ---- kept ---- */

static struct cs_kept_answer **row_of(struct cs_ca *ca, const uint8_t serial[CS_CA_SERIAL_LEN])
{
    if (!ca->answers)
        ca->answers = cs_alloc((size_t)N_ROWS * ROW * sizeof(struct cs_kept_answer *));
    return &ca->answers[cs_hash_bytes(serial, CS_CA_SERIAL_LEN) % N_ROWS * ROW];
}

void cs_ca_drop_answers(struct cs_ca *ca)
{
    for (size_t i = 0; ca->answers && i < (size_t)N_ROWS * ROW; i++)
        free(ca->answers[i]);
    free(cs_take(ca->answers));
}

void cs_ca_tell_answers(struct cs_ca *ca, const struct cs_stored_event *event)
{
    struct cs_kept_answer **row;

    if (!ca->answers || event->serial.len != CS_CA_SERIAL_LEN)
        return;
    row = row_of(ca, (const uint8_t *)event->serial.ptr);
    for (size_t i = 0; i < ROW; i++) {
        if (row[i] && memcmp(row[i]->serial, event->serial.ptr, CS_CA_SERIAL_LEN) == 0)
            free(cs_take(row[i]));
    }
}

static bool is_about(const struct cs_kept_answer *kept, const struct cs_ocsp_id *id)
{
    return kept && cs_str_eq(id->whole, cs_str_make(kept->bytes, kept->id_len));
}

static bool is_good(const struct cs_kept_answer *kept, int64_t now_sec)
{
    return now_sec >= kept->this_update &&
           now_sec - kept->this_update < (kept->next_update - kept->this_update) / 2;
}

static bool find_kept(struct cs_ca *ca, const struct cs_ocsp_id *id,
                      const uint8_t serial[CS_CA_SERIAL_LEN], int64_t now_sec,
                      struct cs_ca_answer *ret_answer)
{
    struct cs_kept_answer **row = row_of(ca, serial);

    for (size_t i = 0; i < ROW; i++) {
        const struct cs_kept_answer *kept = row[i];
        if (!is_about(kept, id) || !is_good(kept, now_sec))
            continue;
        *ret_answer =
            (struct cs_ca_answer){.der = cs_str_make(kept->bytes + kept->id_len, kept->der_len),
                                  .this_update = kept->this_update,
                                  .next_update = kept->next_update};
        return true;
    }
    return false;
}

/* Where the answer goes: in place of the one before, to a free place, or to that of the oldest. */
static struct cs_kept_answer **choose(struct cs_kept_answer **row, const struct cs_ocsp_id *id)
{
    struct cs_kept_answer **oldest = row;

    for (size_t i = 0; i < ROW; i++) {
        if (is_about(row[i], id))
            return &row[i];
        if (!row[i] || (*oldest && row[i]->this_update < (*oldest)->this_update))
            oldest = &row[i];
    }
    return oldest;
}

static void keep(struct cs_ca *ca, const struct cs_ocsp_id *id,
                 const uint8_t serial[CS_CA_SERIAL_LEN], const struct cs_ca_answer *answer)
{
    struct cs_kept_answer **place = choose(row_of(ca, serial), id);
    struct cs_kept_answer *kept = cs_alloc(sizeof(*kept) + id->whole.len + answer->der.len);

    *kept = (struct cs_kept_answer){.this_update = answer->this_update,
                                    .next_update = answer->next_update,
                                    .id_len = id->whole.len,
                                    .der_len = answer->der.len};
    memcpy(kept->serial, serial, sizeof(kept->serial));
    memcpy(kept->bytes, id->whole.ptr, id->whole.len);
    memcpy(kept->bytes + id->whole.len, answer->der.ptr, answer->der.len);
    free(*place);
    *place = kept;
}

/* ---- asked ---- */

struct asking {
    struct cs_ca *ca;
    const struct cs_issuer *issuer;
    struct cs_ocsp_request request;
    int64_t now_sec;
    struct cs_arena *arena;
};

/* Which CA is asked about: one whose certificates can still be valid and whose key is here. A
 * root's key is for its list and never for answers: its certificates name no responder. */
static const struct cs_issuer *find_issuer(const struct asking *a, const struct cs_ocsp_id *id)
{
    for (size_t i = 0; i < a->ca->n_issuers; i++) {
        const struct cs_issuer *issuer = &a->ca->issuers[i];
        if (!issuer->is_root && issuer->key && a->now_sec <= issuer->cert.not_after &&
            cs_ocsp_id_is_of(id, &issuer->cert))
            return issuer;
    }
    return NULL;
}

/* All of a request have to be of one, since one key signs the answer. */
static const struct cs_issuer *the_issuer(const struct asking *a)
{
    const struct cs_issuer *issuer = find_issuer(a, &a->request.ids[0]);

    for (size_t i = 1; issuer && i < a->request.n; i++) {
        if (!cs_ocsp_id_is_of(&a->request.ids[i], &issuer->cert))
            return NULL;
    }
    return issuer;
}

/* The serial number as the store has it, from the content of an INTEGER. False: it is none of
 * ours, which are positive and have 16 bytes at most. */
static bool read_serial(struct cs_str integer, uint8_t ret_serial[CS_CA_SERIAL_LEN])
{
    struct cs_cert cert = {.serial = integer};

    return integer.len && !(integer.ptr[0] & 0x80) && cs_ca_serial_of(&cert, ret_serial) == 0;
}

static int look_up(const struct asking *a, const struct cs_ocsp_id *id,
                   struct cs_make_answer *ret_answer)
{
    uint8_t serial[CS_CA_SERIAL_LEN];
    struct cs_stored_cert cert;
    int r = -ENOENT;

    *ret_answer = (struct cs_make_answer){.id = id->whole, .status = CS_OCSP_UNKNOWN};
    if (read_serial(id->serial, serial))
        r = cs_store_cert_current(a->ca->store, cs_str_make(serial, sizeof(serial)), a->arena,
                                  &cert);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (cert.issuer != a->issuer->id)
        return 0;
    ret_answer->status = cert.revoked_at ? CS_OCSP_REVOKED : CS_OCSP_GOOD;
    ret_answer->revoked_at = cert.revoked_at;
    ret_answer->reason = cert.reason;
    return 0;
}

static int sign_answers(const struct asking *a, struct cs_ocsp_spec *spec, struct cs_str *ret_der)
{
    struct cs_make_issuer by = {&a->issuer->cert, a->issuer->key};
    struct cs_buf der;
    int r;

    spec->produced_at = a->now_sec;
    spec->this_update = a->now_sec - BACKDATE;
    spec->next_update = a->now_sec + ANSWER_TTL;
    if (spec->next_update > a->issuer->cert.not_after)
        spec->next_update = a->issuer->cert.not_after;
    spec->nonce = a->request.nonce;
    cs_buf_init(&der, ANSWER_MAX);
    r = cs_make_ocsp(spec, &by, &der);
    if (r == 0)
        *ret_der = cs_arena_dup(a->arena, cs_buf_str(&der));
    cs_buf_deinit(&der);
    return r;
}

static int answer_all(const struct asking *a, struct cs_ca_answer *ret_answer)
{
    struct cs_make_answer *answers = cs_arena_array(a->arena, a->request.n, sizeof(*answers));
    struct cs_ocsp_spec spec = {.answers = answers, .n_answers = a->request.n};
    struct cs_ca_answer answer = {0};
    bool lasting = a->request.nonce.len == 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < a->request.n; i++) {
        r = look_up(a, &a->request.ids[i], &answers[i]);
        lasting = lasting && answers[i].status != CS_OCSP_UNKNOWN;
    }
    r = r ? r : sign_answers(a, &spec, &answer.der);
    if (r < 0)
        return r;
    if (lasting) {
        answer.this_update = spec.this_update;
        answer.next_update = spec.next_update;
    }
    *ret_answer = answer;
    return 0;
}

/* About one certificate and without a nonce: once for all. */
static int answer_one(const struct asking *a, struct cs_ca_answer *ret_answer)
{
    const struct cs_ocsp_id *id = &a->request.ids[0];
    uint8_t serial[CS_CA_SERIAL_LEN];
    bool ours = read_serial(id->serial, serial);
    int r;

    if (ours && find_kept(a->ca, id, serial, a->now_sec, ret_answer))
        return 0;
    r = answer_all(a, ret_answer);
    if (r == 0 && ours && ret_answer->next_update)
        keep(a->ca, id, serial, ret_answer);
    return r;
}

int cs_ca_decline(unsigned responder_status, struct cs_arena *arena,
                  struct cs_ca_answer *ret_answer)
{
    struct cs_buf der;
    int r;

    cs_buf_init(&der, ANSWER_MAX);
    r = cs_make_ocsp_error(responder_status, &der);
    if (r == 0)
        *ret_answer = (struct cs_ca_answer){.der = cs_arena_dup(arena, cs_buf_str(&der))};
    cs_buf_deinit(&der);
    return r;
}

int cs_ca_ocsp(struct cs_ca *ca, struct cs_str request, int64_t now_sec, struct cs_arena *arena,
               struct cs_ca_answer *ret_answer)
{
    struct asking a = {.ca = ca, .now_sec = now_sec, .arena = arena};
    int r;

    cs_assert(!ca->grouped);
    r = cs_ca_refresh(ca);
    r = r ? r : cs_ca_hear(ca);
    if (r < 0)
        return r;
    if (!cs_ocsp_request_parse(request, arena, &a.request))
        return cs_ca_decline(MALFORMED_REQUEST, arena, ret_answer);
    a.issuer = the_issuer(&a);
    if (!a.issuer)
        return cs_ca_decline(UNAUTHORIZED, arena, ret_answer);
    if (a.request.n == 1 && !a.request.nonce.len)
        return answer_one(&a, ret_answer);
    return answer_all(&a, ret_answer);
}
