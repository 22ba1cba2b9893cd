/* What an OCSP responder said about our own certificates, for clients that ask: read from a file of
 * the operator's or of the steward's, judged like anybody else's answer, and left out when it would
 * do more harm than none. */
#include "snapshot/staple.h"

#include "snapshot/errand.h"
#include "snapshot/material.h"
#include "tls/directives.h"
#include "tls/server.h"
#include "x509/crl.h"
#include "x509/digest.h"
#include "x509/extension.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/signature.h"

enum {
    CERTS_MAX = 256, /* more are not looked through for an issuer */
    EVERY_SEC = 3600,
};

/* A certificate that is shown, and who issued it (NULL: not known); in an arena. */
struct about {
    const struct cs_cert *cert, *issuer;
};

/* ---- judging ---- */

struct cs_ocsp_answer cs_staple_judge(struct cs_str der, const struct cs_cert *cert,
                                      const struct cs_cert *issuer, int64_t now_sec)
{
    const struct cs_ocsp_query query = {.der = der,
                                        .cert = cert,
                                        .issuer = issuer,
                                        .now_sec = now_sec,
                                        .leeway_sec = CS_STAPLE_LEEWAY_SEC};

    return cs_ocsp_judge(&query);
}

int64_t cs_staple_end_sec(const struct cs_ocsp_answer *answer)
{
    if (answer->status == CS_OCSP_REVOKED)
        return INT64_MAX;
    return answer->status == CS_OCSP_GOOD ? answer->next_update : 0;
}

int64_t cs_staple_due_sec(const struct cs_ocsp_answer *answer, int64_t now_sec, uint64_t random)
{
    int64_t from = answer->this_update, until = answer->next_update, half, wait;

    if (until == INT64_MAX)
        until = now_sec + 2 * EVERY_SEC;
    half = from + (until - from) / 2;
    wait = now_sec < half ? half - now_sec : (until - now_sec) / 2;
    if (wait > EVERY_SEC)
        wait = EVERY_SEC;
    if (wait < 2)
        return now_sec + 1;
    return now_sec + wait - (int64_t)(random % (uint64_t)(wait / 4 + 1));
}

/* ---- the certificate, and who issued it ---- */

static const struct cs_cert *parse(struct cs_str der, struct cs_arena *arena)
{
    struct cs_cert *cert = CS_ARENA_NEW(arena, struct cs_cert);
    struct cs_findings ignored;

    cs_findings_init(&ignored, arena);
    return cs_cert_parse(der, arena, &ignored, cert) == 0 ? cert : NULL;
}

static bool is_issuer(const struct cs_cert *issuer, const struct cs_cert *cert)
{
    return issuer && cs_str_eq(issuer->subject, cert->issuer) &&
           cs_signed_by(cert->der, issuer->spki);
}

/* Among the certificates of a file that is read in earnest elsewhere. */
static const struct cs_cert *find_issuer(struct cs_str pem, const struct cs_cert *cert,
                                         struct cs_arena *arena)
{
    struct cs_pem_block block;

    for (size_t n = 0; n < CERTS_MAX && cs_pem_next(&pem, arena, &block) == 1; n++) {
        const struct cs_cert *issuer =
            cs_str_eq(block.label, CS_STR("CERTIFICATE")) ? parse(block.der, arena) : NULL;
        if (is_issuer(issuer, cert))
            return issuer;
    }
    return NULL;
}

static struct cs_str bytes_of(const struct cs_material *m)
{
    const struct cs_buf *bytes = m ? cs_material_newest0(m) : NULL;

    return bytes ? cs_buf_str(bytes) : (struct cs_str){0};
}

/* The issuer comes behind the leaf, or is one of @cas. */
static struct about about_of(const struct cs_pair *pair, const struct cs_material *const cas[2],
                             struct cs_arena *arena)
{
    size_t n;
    const struct cs_str *ders = cs_pair_chain0(pair, &n);
    struct about about = {.cert = n ? parse(ders[0], arena) : NULL};

    for (size_t i = 0; about.cert && i < n && !about.issuer; i++) {
        const struct cs_cert *next = parse(ders[i], arena);
        if (is_issuer(next, about.cert))
            about.issuer = next;
    }
    for (size_t i = 0; about.cert && i < 2 && !about.issuer; i++)
        about.issuer = find_issuer(bytes_of(cas[i]), about.cert, arena);
    return about;
}

/* ---- what is fetched ---- */

static struct cs_str responder_of(const struct cs_staple *staple, const struct cs_cert *cert)
{
    return staple->responder.len ? staple->responder : cs_standing_responder(cert);
}

static enum cs_staple_stage find_stage(const struct cs_staple *staple, struct cs_arena *arena,
                                       struct about *ret_about)
{
    const struct cs_pair *pair = cs_material_newest0(staple->pair);
    struct about about;

    if (!pair)
        return CS_STAPLE_AWAITED;
    about = about_of(pair, staple->cas, arena);
    if (!about.issuer)
        return CS_STAPLE_NO_ISSUER;
    if (!responder_of(staple, about.cert).len)
        return CS_STAPLE_NO_RESPONDER;
    *ret_about = about;
    return CS_STAPLE_ASKED;
}

enum cs_staple_stage cs_staple_question(const struct cs_staple *staple, struct cs_arena *arena,
                                        struct cs_standing_question *ret_question)
{
    struct about about;
    enum cs_staple_stage stage = find_stage(staple, arena, &about);

    if (stage != CS_STAPLE_ASKED)
        return stage;
    *ret_question = (struct cs_standing_question){.anew = true,
                                                  .url = responder_of(staple, about.cert),
                                                  .cert = about.cert->der,
                                                  .issuer = about.issuer->der};
    memcpy(ret_question->key, staple->key, sizeof(ret_question->key));
    return stage;
}

struct cs_str cs_staple_stage_text(enum cs_staple_stage stage)
{
    switch (stage) {
    case CS_STAPLE_AWAITED: return CS_STR("the certificate itself is awaited");
    case CS_STAPLE_NO_ISSUER: return CS_STR("who issued the certificate is not known");
    case CS_STAPLE_NO_RESPONDER:
        return CS_STR("the certificate names no OCSP responder at an http:// address");
    case CS_STAPLE_ASKED: break;
    }
    return CS_STR("its responder is asked");
}

bool cs_staple_is_made_of(const struct cs_staple *staple, size_t material)
{
    for (size_t i = 0; i < 2; i++) {
        if (staple->cas[i] && staple->cas[i]->index == material)
            return true;
    }
    return staple->pair->index == material;
}

bool cs_staple_in_force(const struct cs_staple *staple, int64_t now_sec,
                        struct cs_ocsp_answer *ret_answer)
{
    struct cs_str der = bytes_of(staple->response);
    struct cs_arena arena = {0};
    struct about about;
    bool shown = false;

    if (der.len && find_stage(staple, &arena, &about) == CS_STAPLE_ASKED) {
        struct cs_ocsp_answer answer = cs_staple_judge(der, about.cert, about.issuer, now_sec);
        shown = cs_staple_end_sec(&answer) > now_sec;
        if (shown)
            *ret_answer = answer;
    }
    cs_arena_deinit(&arena);
    return shown;
}

/* ---- in a configuration ---- */

static const struct cs_material *file_of(struct cs_build *build, const struct cs_word *word,
                                         bool is_awaited)
{
    struct cs_material_spec spec = {
        .kind = CS_MATERIAL_BYTES, .words = {word}, .is_awaited = is_awaited};

    return cs_material_of(build, &spec);
}

/* The CAs that are named for clients; kept, for when what they are needed for is renewed. */
static void find_cas(struct cs_build *build, const struct cs_block *block,
                     const struct cs_material *ret_cas[2])
{
    static const char *const names[] = {"ssl_trusted_certificate", "ssl_client_certificate"};

    for (size_t i = 0; i < 2; i++) {
        const struct cs_word *word = cs_build_word(block, names[i]);
        ret_cas[i] = word ? file_of(build, word, false) : NULL;
    }
}

/* What tells it from others: all files that it takes, and who is asked. */
static void make_key(struct cs_build *build, const struct cs_vserver *server,
                     const struct cs_ssl_settings *ssl, const struct cs_material_spec *pair,
                     uint8_t ret_key[CS_STANDING_KEY])
{
    const struct cs_word *const words[] = {pair->words[0], pair->words[1], pair->words[2],
                                           cs_build_word(server->block, "ssl_trusted_certificate"),
                                           cs_build_word(server->block, "ssl_client_certificate")};
    struct cs_digest digest;

    cs_digest_init(&digest);
    cs_digest_add(&digest, ssl->stapling_responder);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cs_digest_add(&digest, words[i] ? cs_build_path(build, words[i]->text) : CS_STR(""));
    cs_digest_final(&digest, ret_key);
}

static struct cs_str file_named(struct cs_build *build, const uint8_t key[CS_STANDING_KEY])
{
    struct cs_str state =
        cs_core_state(&build->snapshot->core, build->options->prefix, build->arena);
    char hex[2 * 8];

    cs_hex_encode(key, sizeof(hex) / 2, false, hex);
    return cs_arena_printf(build->arena, "%.*s/" CS_ERRAND_FOLDER "/staple-%.*s.der", CS_FMT(state),
                           (int)sizeof(hex), hex);
}

static void find_materials(struct cs_build *build, const struct cs_vserver *server,
                           const struct cs_material_spec *pair, struct cs_staple *staple)
{
    struct cs_word *word = CS_ARENA_NEW(build->arena, struct cs_word);

    *word = *pair->words[0];
    word->text = staple->file;
    staple->pair = cs_material_of(build, pair);
    staple->response = file_of(build, word, true);
    find_cas(build, server->block, staple->cas);
}

/* The one of this key. */
static struct cs_staple *share(struct cs_build *build, const struct cs_ssl_settings *ssl,
                               const struct cs_word *certificate,
                               const uint8_t key[CS_STANDING_KEY])
{
    struct cs_staple **at = &build->snapshot->staples;

    while (*at && memcmp((*at)->key, key, sizeof((*at)->key)) != 0)
        at = &(*at)->next;
    if (*at)
        return *at;
    *at = CS_ARENA_NEW(build->arena, struct cs_staple);
    memcpy((*at)->key, key, sizeof((*at)->key));
    (*at)->certificate = cs_arena_dup(build->arena, certificate->text);
    (*at)->responder = cs_arena_dup(build->arena, ssl->stapling_responder);
    (*at)->file = file_named(build, key);
    (*at)->note = cs_arena_printf(build->arena, "%.*s.note", CS_FMT((*at)->file));
    (*at)->place = certificate->place;
    return *at;
}

void cs_build_name_staple(struct cs_build *build, struct cs_vserver *server,
                          const struct cs_ssl_settings *ssl, const struct cs_material_spec *pair)
{
    uint8_t key[CS_STANDING_KEY];
    struct cs_staple *staple;

    make_key(build, server, ssl, pair, key);
    staple = share(build, ssl, pair->words[0], key);
    find_materials(build, server, pair, staple);
    server->staples =
        cs_build_grow(build, server->staples, server->n_staples, sizeof(*server->staples));
    server->staples[server->n_staples++] = staple;
}

/* ---- what is shown ---- */

static void show(struct cs_tls_pair *pair, struct cs_str der, const struct cs_ocsp_answer *answer)
{
    pair->staple = der;
    pair->staple_until = cs_staple_end_sec(answer);
}

static void warn_of_revoked(struct cs_build *build, const struct cs_place *place,
                            struct cs_str file, const struct cs_ocsp_answer *answer)
{
    CS_FIND(build->findings, &cs_finding_staple_revoked, place, file,
            cs_crl_reason_text(answer->reason));
}

/* Whether the answer may be shown. A revoked certificate's may: it is the truth. */
static bool may_show(struct cs_build *build, const struct cs_word *word,
                     const struct cs_ocsp_answer *answer)
{
    if (answer->status == CS_OCSP_REVOKED)
        warn_of_revoked(build, &word->place, word->text, answer);
    else if (answer->status == CS_OCSP_DECLINED)
        CS_FIND(build->findings, &cs_finding_staple_declined, &word->place, word->text,
                cs_ocsp_responder_text(answer->responder_status));
    else if (answer->status != CS_OCSP_GOOD)
        CS_FIND(build->findings, &cs_finding_staple_unusable, &word->place, word->text,
                cs_ocsp_status_text(answer->status));
    return answer->status == CS_OCSP_GOOD || answer->status == CS_OCSP_REVOKED;
}

/* Return: whether the answer @der is about this pair; what is wrong with it then is told. */
static bool try(struct cs_build *build, const struct cs_word *word, struct cs_str der,
                const struct cs_material *const cas[2], struct cs_tls_pair *pair)
{
    struct about about = about_of(pair->loaded, cas, build->arena);
    struct cs_ocsp_answer answer;

    if (!about.issuer) {
        CS_FIND(build->findings, &cs_finding_staple_no_issuer, &word->place, word->text);
        return true;
    }
    answer = cs_staple_judge(der, about.cert, about.issuer, build->options->now_sec);
    if (answer.status == CS_OCSP_OTHER)
        return false;
    if (may_show(build, word, &answer))
        show(pair, der, &answer);
    return true;
}

/* The answer in ssl_stapling_file, with the one that it is about. */
static void read_staple(struct cs_build *build, const struct cs_block *block,
                        struct cs_tls_pair *pairs, size_t n_pairs)
{
    const struct cs_word *word = cs_build_word(block, "ssl_stapling_file");
    struct cs_str der = bytes_of(file_of(build, word, false));
    const struct cs_material *cas[2];
    bool found = false;

    find_cas(build, block, cas);
    if (!der.len)
        return;
    for (size_t i = 0; i < n_pairs; i++)
        found = try(build, word, der, cas, &pairs[i]) || found;
    if (!found && n_pairs)
        CS_FIND(build->findings, &cs_finding_staple_unusable, &word->place, word->text,
                cs_ocsp_status_text(CS_OCSP_OTHER));
}

/* Why nobody is asked, or what is waited for. */
static void tell_stage(struct cs_build *build, const struct cs_staple *staple,
                       enum cs_staple_stage stage)
{
    if (stage == CS_STAPLE_NO_ISSUER)
        CS_FIND(build->findings, &cs_finding_staple_nobody_known, &staple->place,
                staple->certificate);
    else if (stage == CS_STAPLE_NO_RESPONDER)
        CS_FIND(build->findings, &cs_finding_staple_no_responder, &staple->place,
                staple->certificate);
    else
        CS_FIND(build->findings, &cs_finding_staple_awaited, &staple->place, staple->certificate,
                staple->file);
}

/* What was fetched, if it is about this very certificate. */
static void take_fetched(struct cs_build *build, const struct cs_staple *staple,
                         struct cs_tls_pair *pair)
{
    struct cs_str der = bytes_of(staple->response);
    struct cs_ocsp_answer answer = {.status = CS_OCSP_OTHER};
    struct about about;
    enum cs_staple_stage stage = find_stage(staple, build->arena, &about);

    if (stage == CS_STAPLE_ASKED && der.len)
        answer = cs_staple_judge(der, about.cert, about.issuer, build->options->now_sec);
    if (cs_staple_end_sec(&answer) <= build->options->now_sec) {
        tell_stage(build, staple, stage);
        return;
    }
    if (answer.status == CS_OCSP_REVOKED)
        warn_of_revoked(build, &staple->place, staple->file, &answer);
    show(pair, der, &answer);
}

static const struct cs_staple *staple_of(const struct cs_vserver *server,
                                         const struct cs_pair *pair)
{
    for (size_t i = 0; i < server->n_staples; i++) {
        if (cs_material_newest0(server->staples[i]->pair) == pair)
            return server->staples[i];
    }
    return NULL;
}

static void check_demand(struct cs_build *build, const struct cs_ssl_settings *ssl,
                         const struct cs_tls_pair *pair)
{
    size_t n;
    const struct cs_str *ders = cs_pair_chain0(pair->loaded, &n);
    const struct cs_cert *leaf = n ? parse(ders[0], build->arena) : NULL;

    if (leaf && cs_extensions_demand_staple(leaf->extensions))
        CS_FIND(build->findings, &cs_finding_staple_demanded, &pair->place,
                cs_name_text(leaf->subject, build->arena),
                !ssl->stapling           ? CS_STR("ssl_stapling is off")
                : ssl->stapling_file.len ? CS_STR("the one in ssl_stapling_file cannot be shown")
                                         : CS_STR("there is none yet"),
                !ssl->stapling           ? CS_STR("write ssl_stapling on")
                : ssl->stapling_file.len ? CS_STR("fetch a new one from the responder of the CA")
                                         : CS_STR("see what the log says of its responder"));
}

void cs_build_staples(struct cs_build *build, const struct cs_vserver *server,
                      const struct cs_ssl_settings *ssl, struct cs_tls_pair *pairs, size_t n_pairs)
{
    if (ssl->stapling && ssl->stapling_file.len)
        read_staple(build, server->block, pairs, n_pairs);
    else if (ssl->stapling && !build->snapshot->core.master_process)
        CS_FIND0(build->findings, &cs_finding_staple_unattended,
                 &cs_block_nearest(server->block, "ssl_stapling")->place);
    for (size_t i = 0; i < n_pairs; i++) {
        const struct cs_staple *staple = staple_of(server, pairs[i].loaded);
        if (staple)
            take_fetched(build, staple, &pairs[i]);
        if (!pairs[i].staple.len)
            check_demand(build, ssl, &pairs[i]);
    }
}
