/* Files into items. A PEM block's label says what is in it; a DER file is recognised by its first
 * elements, which differ for every kind. Relations are found by trying: names narrow down whose
 * signature is checked. */
#include "x509/bundle.h"

#include <errno.h>

#include "base/mem.h"
#include "x509/der.h"
#include "x509/fields.h"
#include "x509/findings.h"
#include "x509/key.h"
#include "x509/lint.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/signature.h"

/* Certificates of one name whose keys are tried before nobody is taken for the issuer. */
enum { CANDIDATES_MAX = 16 };

void cs_bundle_init(struct cs_bundle *bundle, struct cs_arena *arena)
{
    *bundle = (struct cs_bundle){.arena = arena};
}

/* ---- what can be read, by label ---- */

typedef void read_fn(struct cs_item *item, struct cs_str bytes, struct cs_arena *arena);

static struct cs_str block_text(const struct cs_item *item, struct cs_arena *arena)
{
    return cs_arena_printf(arena, "block %u (%.*s)", item->block, CS_FMT(item->label));
}

static void refuse(struct cs_item *item, const struct cs_finding_kind *kind, const char *why,
                   const char *hint)
{
    struct cs_str none = {0};

    item->kind = CS_ITEM_NOTHING;
    CS_FIND(&item->findings, kind, &item->place, block_text(item, item->findings.arena), none, none,
            none, cs_str_from(why), cs_str_from(hint));
}

static void read_cert(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    if (cs_cert_parse(der, arena, &item->findings, &item->cert) == 0)
        item->kind = CS_ITEM_CERT;
}

static void read_request(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    if (cs_csr_parse(der, arena, &item->findings, &item->request) == 0)
        item->kind = CS_ITEM_REQUEST;
}

static void read_list(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    struct cs_crl_fault fault;
    struct cs_str none = {0};

    if (cs_crl_parse(der, &item->list, &fault))
        item->kind = CS_ITEM_LIST;
    else
        CS_FIND(&item->findings, CS_X509_KIND(CRL_MALFORMED), NULL, none, none, none,
                item->place.file, cs_str_from(fault.part), cs_str_from(fault.why));
}

/* ---- keys ---- */

/* The public half as values; what is wrong with it is told as of a key. */
static bool read_spki(struct cs_item *item, struct cs_str spki, struct cs_arena *arena)
{
    struct cs_fields fields = {.arena = arena,
                               .findings = &item->findings,
                               .cert = &item->key.public,
                               .what = CS_STR("key"),
                               .malformed = CS_X509_KIND(MALFORMED_KEY)};

    return cs_fields_spki(&fields, &spki) && spki.len == 0;
}

static void read_public_key(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    item->key.form = "SubjectPublicKeyInfo";
    if (read_spki(item, der, arena))
        item->kind = CS_ITEM_PUBLIC_KEY;
    else if (!item->findings.n_errors)
        refuse(item, CS_X509_KIND(BLOCK_UNREADABLE), "it is not a SubjectPublicKeyInfo", NULL);
}

/* What a PKCS#8 says of its key without opening it (RFC 5958): for kinds that the library does not
 * know. */
static bool read_outline(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    struct cs_findings ignored;
    struct cs_fields fields = {.arena = arena,
                               .findings = &ignored,
                               .cert = &item->key.public,
                               .malformed = CS_X509_KIND(MALFORMED_KEY)};
    struct cs_str info, algorithm, oid;
    uint64_t version;

    cs_findings_init(&ignored, arena);
    if (!cs_der_take(&der, CS_DER_SEQUENCE, &info) || !cs_der_uint(&info, 1, &version) ||
        !cs_der_take(&info, CS_DER_SEQUENCE, &algorithm) || !cs_der_oid(&algorithm, &oid))
        return false;
    /* an RSA key's size is in its secret part */
    (void)cs_fields_key_kind(&fields, oid, algorithm, (struct cs_str){0});
    return true;
}

static void find_outside(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    if (read_outline(item, der, arena))
        item->kind = CS_ITEM_KEY;
    else
        refuse(item, CS_X509_KIND(BLOCK_UNREADABLE), "it is not a private key that can be decoded",
               "write it anew: openssl pkey -in FILE -out NEW");
}

/* @pem is the block as text, @der its bytes, which are empty for an encrypted one of old form. */
static void read_key(struct cs_item *item, struct cs_str pem, struct cs_str der,
                     struct cs_arena *arena)
{
    struct cs_findings refused;
    struct evp_pkey_st *key;

    cs_findings_init(&refused, arena);
    if (cs_key_load(pem, NULL, 0, &refused, &key) == 0) {
        item->kind =
            read_spki(item, cs_key_public(key, arena), arena) ? CS_ITEM_KEY : CS_ITEM_NOTHING;
        cs_key_free(key);
    } else if (refused.first->kind == CS_X509_KIND(KEY_ENCRYPTED)) {
        item->kind = CS_ITEM_KEY;
        item->key.encrypted = true;
    } else {
        find_outside(item, der, arena);
    }
}

/* ---- blocks ---- */

enum reading { READ, READ_KEY, REFUSE, SKIP };

static const struct format {
    struct cs_str label;
    enum reading reading;
    read_fn *read;
    const char *text; /* of a key: its form; else why it is refused or passed over */
    const char *hint;
} formats[] = {
    {CS_STR_INIT("CERTIFICATE"), READ, read_cert, NULL, NULL},
    {CS_STR_INIT("X509 CERTIFICATE"), READ, read_cert, NULL, NULL},
    {CS_STR_INIT("CERTIFICATE REQUEST"), READ, read_request, NULL, NULL},
    {CS_STR_INIT("NEW CERTIFICATE REQUEST"), READ, read_request, NULL, NULL},
    {CS_STR_INIT("X509 CRL"), READ, read_list, NULL, NULL},
    {CS_STR_INIT("PUBLIC KEY"), READ, read_public_key, NULL, NULL},
    {CS_STR_INIT("PRIVATE KEY"), READ_KEY, NULL, "PKCS#8", NULL},
    {CS_STR_INIT("ENCRYPTED PRIVATE KEY"), READ_KEY, NULL, "PKCS#8", NULL},
    {CS_STR_INIT("RSA PRIVATE KEY"), READ_KEY, NULL, "PKCS#1", NULL},
    {CS_STR_INIT("EC PRIVATE KEY"), READ_KEY, NULL, "SEC 1", NULL},
    {CS_STR_INIT("TRUSTED CERTIFICATE"), REFUSE, NULL,
     "OpenSSL's own form of certificates, with settings of trust behind it",
     "openssl x509 -in FILE writes the certificate alone"},
    {CS_STR_INIT("PKCS7"), REFUSE, NULL, "a PKCS#7 envelope",
     "openssl pkcs7 -print_certs -in FILE writes the certificates in it"},
    {CS_STR_INIT("CMS"), REFUSE, NULL, "a CMS envelope",
     "openssl pkcs7 -print_certs -in FILE writes the certificates in it"},
    {CS_STR_INIT("PKCS12"), REFUSE, NULL, "a PKCS#12 store (.p12, .pfx), which a pass phrase opens",
     "openssl pkcs12 -in FILE -nodes writes what is in it as PEM: countersign inspect - reads "
     "that"},
    {CS_STR_INIT("OPENSSH PRIVATE KEY"), REFUSE, NULL, "a key in OpenSSH's own form",
     "ssh-keygen -p -m PKCS8 -f COPY rewrites a copy of it as PKCS#8"},
    {CS_STR_INIT("DSA PRIVATE KEY"), REFUSE, NULL, "a DSA key, which TLS no longer uses", NULL},
    {CS_STR_INIT("EC PARAMETERS"), SKIP, NULL, "the curve is named in the key itself", NULL},
    {CS_STR_INIT("DH PARAMETERS"), SKIP, NULL, "parameters for key exchange: nothing to show",
     NULL},
};

static const struct format *find_format(struct cs_str label)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (cs_str_eq(formats[i].label, label))
            return &formats[i];
    }
    return NULL;
}

static void read_by_format(struct cs_item *item, const struct format *format, struct cs_str pem,
                           struct cs_str der, struct cs_arena *arena)
{
    if (!format) {
        refuse(item, CS_X509_KIND(BLOCK_SKIPPED), "no kind of that name is known", NULL);
        return;
    }
    switch (format->reading) {
    case READ:
        if (der.ptr)
            format->read(item, der, arena);
        else
            refuse(item, CS_X509_KIND(BLOCK_UNREADABLE), "it is encrypted, or has headers", NULL);
        break;
    case READ_KEY:
        item->key.form = format->text;
        read_key(item, pem, der, arena);
        break;
    case REFUSE: refuse(item, CS_X509_KIND(BLOCK_UNSUPPORTED), format->text, format->hint); break;
    case SKIP: refuse(item, CS_X509_KIND(BLOCK_SKIPPED), format->text, NULL); break;
    }
}

/* What a parser found has no place of its own: it is this block's. */
static void read_item(struct cs_item *item, const struct format *format, struct cs_str pem,
                      struct cs_str der, struct cs_arena *arena)
{
    read_by_format(item, format, pem, der, arena);
    for (struct cs_finding *f = item->findings.first; f; f = f->next) {
        if (f->kind->severity == CS_SEVERITY_ERROR)
            f->place = item->place;
    }
}

/* ---- DER ---- */

/* The label that a PEM block with these bytes would have; empty: unknown. */
static struct cs_str label_of(struct cs_str der)
{
    struct cs_str content = {0}, inner, tbs, ignored;
    struct cs_signed parts;
    uint64_t number;

    if (cs_signed_split(der, &parts)) {
        tbs = parts.tbs;
        (void)cs_der_take(&tbs, CS_DER_SEQUENCE, &inner);
        if (cs_der_next_is(inner, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED))
            return CS_STR("CERTIFICATE");
        if (cs_der_next_is(inner, CS_DER_INTEGER) && cs_der_uint(&inner, 0, &number))
            return CS_STR("CERTIFICATE REQUEST");
        if (cs_der_next_is(inner, CS_DER_INTEGER) && !cs_der_uint(&inner, 1, &number))
            return CS_STR("CERTIFICATE"); /* version 1: a serial number */
        return CS_STR("X509 CRL");
    }
    (void)cs_der_take(&der, CS_DER_SEQUENCE, &content);
    if (cs_der_oid(&content, &ignored))
        return CS_STR("PKCS7");
    if (cs_der_take(&content, CS_DER_SEQUENCE, &ignored))
        return cs_der_next_is(content, CS_DER_BIT_STRING) ? CS_STR("PUBLIC KEY")
                                                          : CS_STR("ENCRYPTED PRIVATE KEY");
    if (!cs_der_uint(&content, 3, &number))
        return (struct cs_str){0};
    if (number == 3)
        return CS_STR("PKCS12");
    if (cs_der_next_is(content, CS_DER_SEQUENCE))
        return CS_STR("PRIVATE KEY");
    return cs_der_next_is(content, CS_DER_INTEGER) ? CS_STR("RSA PRIVATE KEY")
                                                   : CS_STR("EC PRIVATE KEY");
}

static void read_der(struct cs_item *item, struct cs_str der, struct cs_arena *arena)
{
    struct cs_str label = label_of(der);
    const struct format *format = find_format(label);
    struct cs_buf pem;

    item->label = CS_STR("DER");
    if (!format) {
        refuse(item, CS_X509_KIND(BLOCK_UNREADABLE),
               "it is DER, but neither certificate nor request, list or key", NULL);
        return;
    }
    cs_buf_init(&pem, der.len * 2 + 1024);
    if (format->reading == READ_KEY)
        (void)cs_pem_write(&pem, label, der); /* the library's reader of keys wants PEM */
    read_item(item, format, cs_buf_str(&pem), der, arena);
    cs_buf_wipe(&pem);
}

/* ---- files ---- */

static struct cs_item *add_item(struct cs_bundle *bundle, const struct cs_source *source,
                                unsigned block)
{
    struct cs_item *item;

    if (bundle->n == bundle->room) {
        size_t room = bundle->room ? bundle->room * 2 : 16;
        struct cs_item **items = cs_arena_array(bundle->arena, room, sizeof(struct cs_item *));
        if (bundle->n)
            memcpy(items, bundle->items, bundle->n * sizeof(struct cs_item *));
        bundle->items = items;
        bundle->room = room;
    }
    item = CS_ARENA_NEW(bundle->arena, struct cs_item);
    item->file = bundle->n_files;
    item->block = block;
    item->place.file = source->file;
    cs_findings_init(&item->findings, bundle->arena);
    bundle->items[bundle->n++] = item;
    return item;
}

static unsigned line_of(struct cs_str text, const char *at)
{
    unsigned line = 1;

    for (const char *p = text.ptr; p < at; p++)
        line += *p == '\n';
    return line;
}

/* Where the block that @rest was to begin with stands: the BEGIN line before its reader gave up. */
static struct cs_str broken_label(struct cs_str rest, const char **ret_at)
{
    ptrdiff_t at = cs_str_search(rest, CS_STR("-----BEGIN "));
    struct cs_str line;

    if (at < 0)
        return (struct cs_str){0};
    *ret_at = rest.ptr + at;
    line = cs_str_skip(rest, (size_t)at + strlen("-----BEGIN "));
    at = cs_str_search(line, CS_STR("-----"));
    return at < 0 ? (struct cs_str){0} : cs_str_sub(line, 0, (size_t)at);
}

static bool holds_secret(struct cs_str label)
{
    return cs_str_ends(label, CS_STR("PRIVATE KEY"));
}

static void nothing_found(struct cs_bundle *bundle, const struct cs_source *source, const char *why)
{
    struct cs_item *item = add_item(bundle, source, 0);
    struct cs_str none = {0};

    CS_FIND(&item->findings, CS_X509_KIND(NOTHING_FOUND), &item->place, none, none, none, none,
            cs_str_from(why));
}

/* The next block. Return: false: there is none. */
static bool read_block(struct cs_bundle *bundle, const struct cs_source *source,
                       struct cs_str *rest, unsigned number)
{
    struct cs_str before = *rest;
    const char *at = before.ptr;
    struct cs_pem_block block;
    struct cs_item *item;
    int r = cs_pem_next(rest, bundle->arena, &block);

    if (r == 0)
        return false;
    item = add_item(bundle, source, number);
    if (r < 0) {
        item->label = broken_label(before, &at);
        item->place.line = line_of(source->bytes, at);
        refuse(item, CS_X509_KIND(BLOCK_UNREADABLE),
               "it has no END line of its own, or is not base64",
               "copy it again, whole, from its BEGIN line to its END line");
        return true;
    }
    item->label = block.label;
    item->place.line = line_of(source->bytes, block.whole.ptr);
    read_item(item, find_format(block.label), block.whole, block.der, bundle->arena);
    if (holds_secret(block.label))
        cs_wipe((char *)block.der.ptr, block.der.len);
    return true;
}

static void read_blocks(struct cs_bundle *bundle, const struct cs_source *source)
{
    struct cs_str rest = source->bytes;
    unsigned number = 1;

    while (bundle->n < CS_BUNDLE_ITEMS_MAX && read_block(bundle, source, &rest, number))
        number++;
    if (bundle->n == CS_BUNDLE_ITEMS_MAX)
        nothing_found(bundle, source, "4096 blocks were read: the rest is left");
    else if (number == 1)
        nothing_found(bundle, source,
                      source->bytes.len ? "it has no BEGIN line, and is not DER" : "it is empty");
}

void cs_bundle_add(struct cs_bundle *bundle, const struct cs_source *source)
{
    if (cs_pem_is_der(source->bytes))
        read_der(add_item(bundle, source, 1), source->bytes, bundle->arena);
    else
        read_blocks(bundle, source);
    bundle->n_files++;
}

/* ---- what belongs together ---- */

static struct cs_str issuer_name(const struct cs_item *item)
{
    return item->kind == CS_ITEM_CERT ? item->cert.issuer : item->list.issuer;
}

static void find_issuer(const struct cs_bundle *bundle, struct cs_item *item)
{
    struct cs_str der = item->kind == CS_ITEM_CERT ? item->cert.der : item->list.der;
    unsigned tried = 0;

    for (size_t i = 0; i < bundle->n && tried < CANDIDATES_MAX; i++) {
        struct cs_item *ca = bundle->items[i];
        if (ca->kind != CS_ITEM_CERT || !cs_name_eq(ca->cert.subject, issuer_name(item)))
            continue;
        tried++;
        if (cs_signed_by(der, ca->cert.spki)) {
            item->issuer = ca;
            return;
        }
        if (ca != item && !item->namesake)
            item->namesake = ca;
    }
}

static bool same_key(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 32) == 0;
}

static void find_owner(const struct cs_bundle *bundle, struct cs_item *item)
{
    const uint8_t *pin = item->key.public.spki_sha256;

    for (size_t i = 0; item->key.public.spki.len && i < bundle->n; i++) {
        struct cs_item *other = bundle->items[i];
        if (other->kind == CS_ITEM_CERT && same_key(other->cert.spki_sha256, pin)) {
            item->owner = other;
            return;
        }
        if (other->kind == CS_ITEM_REQUEST && !item->owner &&
            same_key(other->request.asked.spki_sha256, pin))
            item->owner = other;
    }
}

void cs_bundle_relate(struct cs_bundle *bundle)
{
    for (size_t i = 0; i < bundle->n; i++) {
        struct cs_item *item = bundle->items[i];
        if (item->kind == CS_ITEM_CERT || item->kind == CS_ITEM_LIST)
            find_issuer(bundle, item);
        else if (item->kind == CS_ITEM_KEY || item->kind == CS_ITEM_PUBLIC_KEY)
            find_owner(bundle, item);
    }
}

/* ---- lint ---- */

static struct cs_str hex_text(struct cs_str bytes, struct cs_arena *arena)
{
    char *hex = cs_arena_raw(arena, 2 * bytes.len + 1);

    cs_hex_encode(bytes.ptr, bytes.len, true, hex);
    return cs_str_make(hex, 2 * bytes.len);
}

/* A certificate of the issuer's name is here, but its key made no such signature: either it is
 * another key, or the bytes were changed. */
static void lint_namesake(struct cs_item *item)
{
    const struct cs_cert *c = &item->cert, *ca = &item->namesake->cert;
    struct cs_arena *arena = item->findings.arena;
    bool same_key_id = c->aki.len && cs_str_eq(c->aki, ca->ski);

    CS_FIND(&item->findings,
            same_key_id ? CS_X509_KIND(SIGNATURE_INVALID) : CS_X509_KIND(ISSUER_KEY_MISMATCH), NULL,
            CS_STR("certificate"), cs_name_text(c->subject, arena), cs_name_text(c->issuer, arena),
            cs_serial_text(c->serial, arena), hex_text(c->aki, arena), hex_text(ca->ski, arena));
}

static void lint_cert(struct cs_item *item, unsigned role, int64_t now_sec)
{
    unsigned own = cs_lint_role_of(&item->cert);
    struct cs_lint_query query = {.cert = &item->cert,
                                  .issuer = item->issuer ? &item->issuer->cert : NULL,
                                  .role = own & CS_LINT_CA ? own : own | role,
                                  .now_sec = now_sec};

    cs_lint_cert(&query, &item->findings);
    if (!item->issuer && item->namesake)
        lint_namesake(item);
}

/* The certificates of one file in their order, each at its place in the chain that the file may
 * be. */
static void lint_file(struct cs_bundle *bundle, size_t file)
{
    const struct cs_cert **certs = cs_arena_array(bundle->arena, bundle->n, sizeof(*certs));
    struct cs_item **items = cs_arena_array(bundle->arena, bundle->n, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < bundle->n; i++) {
        struct cs_item *item = bundle->items[i];
        if (item->file != file || item->kind != CS_ITEM_CERT)
            continue;
        items[n] = item;
        certs[n++] = &item->cert;
    }
    for (size_t i = 1; i < n; i++)
        cs_lint_position(certs, n, i, &items[i]->findings);
}

/* A key and a leaf, alone with each other, are meant as a pair. */
static void lint_pair(struct cs_bundle *bundle)
{
    struct cs_item *key = NULL, *leaf = NULL;
    unsigned n_keys = 0, n_leaves = 0;
    struct cs_str none = {0};

    for (size_t i = 0; i < bundle->n; i++) {
        struct cs_item *item = bundle->items[i];
        if (item->kind == CS_ITEM_KEY && item->key.public.spki.len) {
            key = item;
            n_keys++;
        } else if (item->kind == CS_ITEM_CERT && !item->cert.ca) {
            leaf = item;
            n_leaves++;
        }
    }
    if (n_keys == 1 && n_leaves == 1 && !key->owner)
        CS_FIND(&key->findings, CS_X509_KIND(KEY_MISMATCH), NULL, none,
                cs_name_text(leaf->cert.subject, bundle->arena), none, none,
                CS_STR("its public half is another one"));
}

void cs_bundle_lint(struct cs_bundle *bundle, unsigned role, int64_t now_sec)
{
    for (size_t i = 0; i < bundle->n; i++) {
        struct cs_item *item = bundle->items[i];
        struct cs_item *ca = item->issuer ? item->issuer : item->namesake;
        if (item->kind == CS_ITEM_CERT)
            lint_cert(item, role, now_sec);
        else if (item->kind == CS_ITEM_REQUEST)
            cs_lint_request(&item->request, &item->findings);
        else if (item->kind == CS_ITEM_LIST)
            cs_lint_list(&item->list, ca ? &ca->cert : NULL, now_sec, &item->findings);
    }
    for (size_t file = 0; file < bundle->n_files; file++)
        lint_file(bundle, file);
    lint_pair(bundle);
}
