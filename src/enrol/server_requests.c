/* Enrolment, renewal, revocation: a body becomes a wish, and what the CA says becomes an answer. */
#include "enrol/server_state.h"

#include <errno.h>

#include "authority/findings.h"
#include "enrol/findings.h"
#include "serve/fields.h"
#include "x509/crl.h"
#include "x509/identity.h"
#include "x509/pem.h"

enum { ANSWER_MAX = 512 * 1024, PEM_MAX = 128 * 1024 };

#define MAX_TTL_SEC (100LL * 366 * 24 * 3600)
#define CSR_TEXT_MAX (64 * 1024)
#define NAME_MAX_LEN 2048
#define PROFILE_MAX_LEN 64

struct body {
    struct cs_str token, csr, identity, profile, serial, reason;
    int64_t ttl;
};

#define TEXT(field, required, max)                                                                 \
    {                                                                                              \
#field, CS_FIELD_TEXT, required, offsetof(struct body, field), 0, max                      \
    }
#define TTL                                                                                        \
    {                                                                                              \
        "ttl", CS_FIELD_NUMBER, false, offsetof(struct body, ttl), 1, MAX_TTL_SEC                  \
    }

static const struct cs_field enrol_fields[] = {
    TEXT(token, true, 256),
    TEXT(csr, true, CSR_TEXT_MAX),
    TEXT(identity, false, NAME_MAX_LEN),
    TEXT(profile, false, PROFILE_MAX_LEN),
    TTL,
};

static const struct cs_field renew_fields[] = {TEXT(csr, true, CSR_TEXT_MAX), TTL};

static const struct cs_field revoke_fields[] = {TEXT(serial, false, 128), TEXT(reason, true, 64)};

#define READ(question, fields, into)                                                               \
    cs_fields_read((question)->body, fields, sizeof(fields) / sizeof(fields[0]),                   \
                   &(question)->arena, &(question)->findings, into)

/* ---- what is common ---- */

static struct cs_wish *new_wish(struct cs_enrol_server *server, struct cs_question *question,
                                int (*perform)(struct cs_wish *wish), enum cs_proof proof)
{
    struct cs_wish *wish = CS_ARENA_NEW(&question->arena, struct cs_wish);
    char peer[CS_ADDR_TEXT];

    wish->server = server;
    wish->question = question;
    wish->perform = perform;
    wish->who.proof = proof;
    wish->who.peer = cs_arena_dup(&question->arena, cs_addr_text(question->peer, peer));
    cs_list_init(&wish->link);
    return wish;
}

/* The one request in @pem. Return: whether there is one; else its question's findings say why not.
 */
static bool read_csr(struct cs_wish *wish, struct cs_str pem)
{
    struct cs_question *question = wish->question;
    struct cs_pem_block block, more;
    struct cs_str rest = pem;

    if (cs_pem_next(&rest, &question->arena, &block) != 1 || block.has_headers ||
        !cs_str_ends(block.label, CS_STR("CERTIFICATE REQUEST")) ||
        cs_pem_next(&rest, &question->arena, &more) != 0) {
        CS_FIND0(&question->findings, CS_ENROL_KIND(CSR_NOT_PEM), NULL);
        return false;
    }
    if (cs_csr_parse(block.der, &question->arena, &question->findings, &wish->csr) != 0)
        return false;
    wish->order.csr = &wish->csr;
    return true;
}

/* Whom the certificate that was shown stands for. */
static struct cs_str client_name(struct cs_question *question)
{
    struct cs_arena *arena = &question->arena;
    struct cs_identity identity;
    struct cs_findings ignored;

    cs_findings_init(&ignored, arena);
    if (cs_identity_from_cert(question->client->leaf, arena, &ignored, &identity) == 0 &&
        identity.text.len)
        return identity.text;
    return cs_arena_printf(arena, "serial %.*s",
                           CS_FMT(cs_serial_text(question->client->leaf->serial, arena)));
}

static int add_time(struct cs_buf *buf, const char *name, int64_t at)
{
    char text[CS_TIME_TEXT];

    return cs_buf_addf(buf, ",\"%s\":\"%.*s\"", name, CS_FMT(cs_time_iso(at, text)));
}

static int add_text(struct cs_buf *buf, const char *name, struct cs_str text)
{
    return cs_buf_addf(buf, ",\"%s\":", name) || cs_buf_add_json(buf, text);
}

static int write_issued(struct cs_enrol_server *server, const struct cs_issued *issued,
                        struct cs_arena *arena, struct cs_buf *body)
{
    struct cs_buf pem;
    int r;

    cs_buf_init(&pem, PEM_MAX);
    r = cs_buf_addf(body, "{\"serial\":\"%.*s\"", CS_FMT(cs_ca_serial_text(issued->serial, arena)));
    r = r ? r : cs_pem_write(&pem, CS_STR("CERTIFICATE"), issued->der);
    r = r ? r : add_text(body, "certificate", cs_buf_str(&pem));
    cs_buf_reset(&pem);
    r = r ? r : cs_ca_chain(server->ca, issued->issuer, &pem);
    r = r ? r : add_text(body, "chain", cs_buf_str(&pem));
    cs_buf_reset(&pem);
    r = r ? r : cs_ca_roots(server->ca, &pem);
    r = r ? r : add_text(body, "ca", cs_buf_str(&pem));
    r = r ? r : add_time(body, "not_before", issued->not_before);
    r = r ? r : add_time(body, "not_after", issued->not_after);
    r = r ? r : add_time(body, "renew_at", issued->renew_at);
    r = r ? r : cs_buf_add_char(body, '}');
    cs_buf_deinit(&pem);
    return r;
}

static int answer_issued(struct cs_wish *wish, const struct cs_issued *issued)
{
    struct cs_arena *arena = &wish->question->arena;
    struct cs_buf body;
    int r;

    cs_buf_init(&body, ANSWER_MAX);
    r = write_issued(wish->server, issued, arena, &body);
    wish->status = issued->reused ? 200 : 201;
    wish->body = cs_arena_dup(arena, cs_buf_str(&body));
    wish->question->subject = cs_arena_printf(arena, "%.*s serial %.*s", CS_FMT(issued->identity),
                                              CS_FMT(cs_ca_serial_text(issued->serial, arena)));
    cs_buf_deinit(&body);
    return r;
}

/* ---- enrolment ---- */

static int perform_enrol(struct cs_wish *wish)
{
    struct cs_question *question = wish->question;
    struct cs_issued issued;
    int r = cs_ca_sign(wish->server->ca, &wish->order, &wish->who, cs_enrol_now(wish->server),
                       &question->arena, &question->findings, &issued);

    return r ? r : answer_issued(wish, &issued);
}

static bool read_identity(struct cs_wish *wish, struct cs_str text)
{
    struct cs_question *question = wish->question;
    struct cs_claim *claim = CS_ARENA_NEW(&question->arena, struct cs_claim);
    const char *why;

    if (!text.ptr)
        return true;
    why = cs_claim_parse(text, &question->arena, claim);
    if (why) {
        CS_FIND(&question->findings, CS_AUTHORITY_KIND(NAME_MALFORMED), NULL, text,
                (struct cs_str){0}, cs_str_from(why));
        return false;
    }
    wish->order.names = (struct cs_claims){claim, 1};
    return true;
}

void cs_on_enrol(void *ctx, struct cs_question *question)
{
    struct cs_wish *wish = new_wish(ctx, question, perform_enrol, CS_PROOF_TOKEN);
    struct body body = {0};

    if (cs_doubt_refuses(ctx, question))
        return;
    if (READ(question, enrol_fields, &body) != 0 || !read_csr(wish, body.csr) ||
        !read_identity(wish, body.identity)) {
        cs_question_refuse(question, 0);
        return;
    }
    wish->who.token = body.token;
    wish->order.profile = body.profile;
    wish->order.ttl_sec = body.ttl;
    cs_group_add(wish);
}

/* ---- renewal ---- */

static int perform_renew(struct cs_wish *wish)
{
    struct cs_question *question = wish->question;
    struct cs_issued issued;
    int r = cs_ca_renew(wish->server->ca, question->client->leaf, &wish->csr, wish->order.ttl_sec,
                        &wish->who, cs_enrol_now(wish->server), &question->arena,
                        &question->findings, &issued);

    return r ? r : answer_issued(wish, &issued);
}

void cs_on_renew(void *ctx, struct cs_question *question)
{
    struct cs_wish *wish = new_wish(ctx, question, perform_renew, CS_PROOF_CERTIFICATE);
    struct body body = {0};

    wish->who.actor = question->subject = client_name(question);
    if (READ(question, renew_fields, &body) != 0 || !read_csr(wish, body.csr)) {
        cs_question_refuse(question, 0);
        return;
    }
    wish->order.ttl_sec = body.ttl;
    cs_group_add(wish);
}

/* ---- revocation ---- */

static int perform_revoke(struct cs_wish *wish)
{
    struct cs_question *question = wish->question;
    struct cs_str serial = cs_str_make(wish->serial, sizeof(wish->serial));
    int64_t now = cs_enrol_now(wish->server);
    char text[CS_TIME_TEXT];
    uint64_t seq;
    int r = cs_ca_revoke(wish->server->ca, serial, wish->reason, &wish->who, now,
                         &question->findings, &seq);

    if (r)
        return r;
    wish->status = 200;
    wish->body = cs_arena_printf(
        &question->arena, "{\"serial\":\"%.*s\",\"reason\":\"%.*s\",\"revoked_at\":\"%.*s\"}",
        CS_FMT(cs_ca_serial_text(serial, &question->arena)),
        CS_FMT(cs_crl_reason_text(wish->reason)), CS_FMT(cs_time_iso(now, text)));
    return 0;
}

/* Which certificate, and whether the caller may. Return: 0 or CS_CA_REFUSED; negative: it has
 * been answered. */
static int choose_serial(struct cs_wish *wish, struct cs_str text)
{
    struct cs_question *question = wish->question;
    uint8_t own[CS_CA_SERIAL_LEN];
    const struct cs_stored_cert *client;

    if (cs_ca_serial_of(question->client->leaf, own) < 0)
        memset(own, 0, sizeof(own));
    if (!text.ptr) {
        memcpy(wish->serial, own, sizeof(own));
        return 0;
    }
    if (cs_ca_serial_parse(text, wish->serial) < 0) {
        CS_FIND(&question->findings, CS_ENROL_KIND(SERIAL_MALFORMED), NULL, text);
        return CS_CA_REFUSED;
    }
    if (memcmp(own, wish->serial, sizeof(own)) == 0)
        return 0;
    client = cs_enrol_client(wish->server, question);
    if (!client)
        return -EPERM;
    if (cs_enrol_is_administrator(wish->server, client))
        return 0;
    CS_FIND(&question->findings, CS_ENROL_KIND(REVOCATION_NOT_ALLOWED), NULL, client->profile);
    return CS_CA_REFUSED;
}

void cs_on_revoke(void *ctx, struct cs_question *question)
{
    struct cs_wish *wish = new_wish(ctx, question, perform_revoke, CS_PROOF_CERTIFICATE);
    struct body body = {0};
    int r = CS_CA_REFUSED;

    wish->who.actor = question->subject = client_name(question);
    if (READ(question, revoke_fields, &body) == 0) {
        if (cs_ca_reason_parse(body.reason, &wish->reason) == 0)
            r = choose_serial(wish, body.serial);
        else
            CS_FIND(&question->findings, CS_ENROL_KIND(REASON_UNKNOWN), NULL, body.reason,
                    cs_ca_reasons());
    }
    if (r == 0)
        cs_group_add(wish);
    else if (r == CS_CA_REFUSED)
        cs_question_refuse(question, 0);
}
