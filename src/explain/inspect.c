/* One function for each kind of item, and each fact told once: explain/sheet.h writes it for
 * people or for programs. Items are numbered through all files, so that one can point at another:
 * "signed by [2]". */
#include "explain/inspect.h"

#include "base/time.h"
#include "explain/sheet.h"
#include "x509/demand.h"
#include "x509/extension.h"
#include "x509/fields.h"
#include "x509/identity.h"
#include "x509/lint.h"
#include "x509/name.h"
#include "x509/pem.h"

/* Entries of a revocation list that are shown. */
enum { ENTRIES_SHOWN = 5 };

struct telling {
    const struct cs_bundle *bundle;
    struct cs_arena *arena;
    struct cs_sheet sheet;
    int64_t now_sec;
};

/* ---- words ---- */

static size_t number_of(const struct telling *t, const struct cs_item *item)
{
    size_t i = 0;

    while (t->bundle->items[i] != item)
        i++;
    return i + 1;
}

static struct cs_str hex(const struct telling *t, const void *bytes, size_t len)
{
    char *text = cs_arena_raw(t->arena, 2 * len + 1);

    cs_hex_encode(bytes, len, false, text);
    return cs_str_make(text, 2 * len);
}

/* As curl's --pinnedpubkey takes it. */
static struct cs_str pin(const struct telling *t, const uint8_t sha256[32])
{
    return cs_pin_text(sha256, t->arena);
}

static struct cs_str iso(const struct telling *t, int64_t sec)
{
    char buf[CS_TIME_TEXT];

    return cs_arena_dup(t->arena, cs_time_iso(sec, buf));
}

/* "2027-11-23 13:33:56": for people, who are told UTC once. */
static struct cs_str readable(const struct telling *t, int64_t sec)
{
    struct cs_date d = cs_date_from_time(sec);

    return cs_arena_printf(t->arena, "%04d-%02d-%02d %02d:%02d:%02d", d.year, d.month, d.day,
                           d.hour, d.minute, d.second);
}

static struct cs_str title_of(const struct telling *t, const struct cs_cert *cert)
{
    if (cs_name_is_empty(cert->subject))
        return cert->san.present ? cs_cert_names_text(cert, t->arena) : CS_STR("(no name)");
    return cs_name_display(cert->subject, t->arena);
}

/* "364 days left", "expired 3 days ago", "not valid for another 2 hours". */
static struct cs_str standing(const struct telling *t, int64_t from, int64_t until)
{
    char span[CS_TIME_TEXT];

    if (t->now_sec > until)
        return cs_arena_printf(t->arena, "expired %.*s ago",
                               CS_FMT(cs_time_span(t->now_sec - until, span)));
    if (t->now_sec < from)
        return cs_arena_printf(t->arena, "not valid for another %.*s",
                               CS_FMT(cs_time_span(from - t->now_sec, span)));
    return cs_arena_printf(t->arena, "%.*s left", CS_FMT(cs_time_span(until - t->now_sec, span)));
}

/* ---- several facts that certificates and requests share ---- */

static void tell_name(struct telling *t, const char *label, const char *key, struct cs_str name)
{
    cs_sheet_text(&t->sheet, NULL, key, cs_name_text(name, t->arena));
    cs_sheet_text(&t->sheet, label, NULL,
                  cs_name_is_empty(name) ? CS_STR("(empty)") : cs_name_display(name, t->arena));
}

static void tell_texts(struct telling *t, const char *label, const char *key, struct cs_names names)
{
    if (!names.n)
        return;
    cs_sheet_open_list(&t->sheet, key);
    for (size_t i = 0; i < names.n; i++)
        cs_sheet_item(&t->sheet, i ? NULL : label, names.items[i]);
    cs_sheet_close_list(&t->sheet);
}

/* All alternative names in the order of the certificate, each with its kind. */
static void tell_alternative_names(struct telling *t, const struct cs_cert *cert)
{
    struct cs_extension ext;
    struct cs_str names = {0};

    if (!cs_extension_find(cert->extensions, CS_OID_SUBJECT_ALT_NAME, &ext))
        return;
    (void)cs_der_take(&ext.value, CS_DER_SEQUENCE, &names);
    tell_texts(t, "names", "names", cs_general_names_text(names, t->arena));
}

static void tell_identity(struct telling *t, const struct cs_cert *cert)
{
    struct cs_findings ignored; /* lint has told them */
    struct cs_identity id;

    cs_findings_init(&ignored, t->arena);
    if (cert->ca || cs_identity_from_cert(cert, t->arena, &ignored, &id) != 0 ||
        id.kind == CS_IDENTITY_NONE)
        return;
    cs_sheet_open(&t->sheet, "identity");
    cs_sheet_text(&t->sheet, NULL, "kind", cs_identity_kind_text(id.kind));
    cs_sheet_text(&t->sheet, NULL, "text", id.text);
    cs_sheet_text(&t->sheet, NULL, "trust_domain", id.trust_domain);
    if (id.kind == CS_IDENTITY_SPIFFE)
        cs_sheet_text(&t->sheet, "SPIFFE ID", NULL, id.text);
    else
        cs_sheet_text(&t->sheet, "identity", NULL,
                      cs_arena_printf(t->arena, "%.*s (%.*s)", CS_FMT(id.text),
                                      CS_FMT(cs_identity_kind_text(id.kind))));
    cs_sheet_close(&t->sheet);
}

/* "P-256", "RSA, 2048 bits". */
static struct cs_str key_text(struct telling *t, const struct cs_cert *cert)
{
    if (cert->key_kind == CS_KEY_EC && cert->key_bits)
        return cs_arena_printf(t->arena, "EC %.*s", CS_FMT(cert->key_name));
    if (cert->key_kind == CS_KEY_ED25519 || cert->key_kind == CS_KEY_ED448 || !cert->key_bits)
        return cert->key_name;
    return cs_arena_printf(t->arena, "%.*s, %u bits", CS_FMT(cert->key_name), cert->key_bits);
}

static void tell_key(struct telling *t, const struct cs_cert *cert)
{
    cs_sheet_text(&t->sheet, "key", NULL, key_text(t, cert));
    cs_sheet_text(&t->sheet, NULL, "key_type", cert->key_name);
    if (cert->key_bits)
        cs_sheet_number(&t->sheet, NULL, "key_bits", cert->key_bits);
    if (!cert->spki.len)
        return;
    cs_sheet_text(&t->sheet, "pin", "pin", pin(t, cert->spki_sha256));
    cs_sheet_text(&t->sheet, NULL, "spki_sha256", hex(t, cert->spki_sha256, 32));
}

static void tell_usages(struct telling *t, const struct cs_cert *cert)
{
    if (cert->has_key_usage)
        cs_sheet_text(&t->sheet, "key usage", "key_usage", cs_cert_key_usage_text(cert, t->arena));
    if (cert->has_eku)
        cs_sheet_text(&t->sheet, "good for", "extended_key_usage",
                      cs_cert_eku_text(cert, t->arena));
}

static void tell_ca(struct telling *t, const struct cs_cert *cert)
{
    cs_sheet_flag(&t->sheet, NULL, "ca", cert->ca);
    if (cert->path_len >= 0)
        cs_sheet_number(&t->sheet, NULL, "path_length", cert->path_len);
    if (!cert->ca)
        return;
    cs_sheet_text(&t->sheet, "CA", NULL,
                  cert->path_len < 0 ? CS_STR("yes, with any number of CAs below it")
                  : cert->path_len == 0
                      ? CS_STR("yes, for end certificates only (path length 0)")
                      : cs_arena_printf(t->arena, "yes, path length %d", cert->path_len));
}

static void tell_constraints(struct telling *t, const struct cs_cert *cert)
{
    struct cs_names permitted, excluded;
    struct cs_extension ext;

    if (cs_extension_find(cert->extensions, CS_OID_NAME_CONSTRAINTS, &ext)) {
        cs_name_constraints_text(ext.value, t->arena, &permitted, &excluded);
        tell_texts(t, "only names", "permitted_names", permitted);
        tell_texts(t, "no names", "excluded_names", excluded);
    }
    if (cs_extension_find(cert->extensions, CS_OID_POLICIES, &ext))
        tell_texts(t, "policies", "policies", cs_policies_text(ext.value, t->arena));
}

/* Extensions that have no line of their own. */
static void tell_other_extensions(struct telling *t, const struct cs_cert *cert)
{
    static const char *const told[] = {"subjectKeyIdentifier",  "keyUsage",
                                       "subjectAltName",        "basicConstraints",
                                       "nameConstraints",       "certificatePolicies",
                                       "cRLDistributionPoints", "authorityKeyIdentifier",
                                       "extKeyUsage",           "authorityInfoAccess"};
    struct cs_str rest = cert->extensions;
    struct cs_extension ext;
    const char *label = "also has";

    cs_sheet_open_list(&t->sheet, "other_extensions");
    while (cs_extension_next(&rest, &ext)) {
        struct cs_str name = cs_extension_name(ext.oid, t->arena);
        bool is_told = false;
        for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
            is_told |= cs_str_eq(name, cs_str_from(told[i]));
        if (is_told)
            continue;
        cs_sheet_item(
            &t->sheet, label,
            cs_arena_printf(t->arena, "%.*s%s", CS_FMT(name), ext.critical ? " (critical)" : ""));
        label = NULL;
    }
    cs_sheet_close_list(&t->sheet);
}

static void tell_signature(struct telling *t, const struct cs_item *item, struct cs_str algorithm)
{
    struct cs_str by = CS_STR("");

    cs_sheet_text(&t->sheet, NULL, "signature_algorithm", algorithm);
    if (item->issuer)
        cs_sheet_number(&t->sheet, NULL, "issuer_item", (int64_t)number_of(t, item->issuer));
    if (item->issuer == item)
        by = CS_STR(", by itself (self-signed)");
    else if (item->issuer)
        by = cs_arena_printf(t->arena, ", by [%zu]", number_of(t, item->issuer));
    else if (item->namesake)
        by = cs_arena_printf(t->arena, ", not by the key of [%zu], which has the issuer's name",
                             number_of(t, item->namesake));
    cs_sheet_text(&t->sheet, "signed", NULL,
                  cs_arena_printf(t->arena, "%.*s%.*s", CS_FMT(algorithm), CS_FMT(by)));
}

/* ---- certificates ---- */

/* The same certificate further up, in another file perhaps, or NULL. */
static const struct cs_item *same_before(const struct telling *t, const struct cs_item *item)
{
    const struct cs_bundle *bundle = t->bundle;

    for (size_t i = 0; bundle->items[i] != item; i++) {
        if (bundle->items[i]->kind == CS_ITEM_CERT &&
            memcmp(bundle->items[i]->cert.sha256, item->cert.sha256, 32) == 0)
            return bundle->items[i];
    }
    return NULL;
}

static const char *kind_of_cert(const struct cs_item *item)
{
    const struct cs_cert *c = &item->cert;
    unsigned role = cs_lint_role_of(c);

    if (c->ca)
        return item->issuer == item || cs_cert_self_issued(c) ? "root CA" : "intermediate CA";
    if (role == (CS_LINT_CLIENT | CS_LINT_SERVER))
        return "client and server certificate";
    if (role == CS_LINT_CLIENT)
        return "client certificate";
    return role == CS_LINT_SERVER ? "server certificate" : "certificate";
}

static void tell_validity(struct telling *t, const struct cs_cert *c)
{
    cs_sheet_text(&t->sheet, "valid", NULL,
                  cs_arena_printf(t->arena, "%.*s: %.*s to %.*s UTC",
                                  CS_FMT(standing(t, c->not_before, c->not_after)),
                                  CS_FMT(readable(t, c->not_before)),
                                  CS_FMT(readable(t, c->not_after))));
    cs_sheet_text(&t->sheet, NULL, "not_before", iso(t, c->not_before));
    cs_sheet_text(&t->sheet, NULL, "not_after", iso(t, c->not_after));
    cs_sheet_number(&t->sheet, NULL, "seconds_left", c->not_after - t->now_sec);
}

static void tell_key_ids(struct telling *t, const struct cs_cert *c)
{
    struct cs_str own = hex(t, c->ski.ptr, c->ski.len), by = hex(t, c->aki.ptr, c->aki.len);

    cs_sheet_text(&t->sheet, "key id", "subject_key_id", own);
    cs_sheet_text(&t->sheet, "issuer's id", "authority_key_id", by);
}

static void tell_cert(struct telling *t, const struct cs_item *item)
{
    const struct cs_item *same = same_before(t, item);
    const struct cs_cert *c = &item->cert;

    tell_name(t, "subject", "subject", c->subject);
    if (same)
        cs_sheet_number(&t->sheet, NULL, "same_as_item", (int64_t)number_of(t, same));
    if (same && !t->sheet.json) { /* people have just read it */
        cs_sheet_text(&t->sheet, "the same as", NULL,
                      cs_arena_printf(t->arena, "[%zu]", number_of(t, same)));
        return;
    }
    tell_alternative_names(t, c);
    tell_identity(t, c);
    tell_name(t, "issuer", "issuer", c->issuer);
    tell_validity(t, c);
    tell_ca(t, c);
    tell_usages(t, c);
    tell_constraints(t, c);
    tell_key(t, c);
    tell_signature(t, item, c->sig_alg);
    cs_sheet_text(&t->sheet, "serial", "serial", cs_serial_text(c->serial, t->arena));
    cs_sheet_text(&t->sheet, "SHA-256", "sha256", hex(t, c->sha256, 32));
    tell_key_ids(t, c);
    tell_texts(t, "CRL at", "crl_urls", c->crl_urls);
    tell_texts(t, "OCSP at", "ocsp_urls", c->ocsp_urls);
    tell_texts(t, "issuer at", "issuer_urls", c->issuer_urls);
    tell_other_extensions(t, c);
    if (c->version != 3)
        cs_sheet_number(&t->sheet, "version", NULL, c->version);
    cs_sheet_number(&t->sheet, NULL, "version", c->version);
}

/* ---- requests ---- */

static void tell_request(struct telling *t, const struct cs_item *item)
{
    const struct cs_csr *r = &item->request;

    tell_name(t, "subject", "subject", r->asked.subject);
    tell_alternative_names(t, &r->asked);
    tell_identity(t, &r->asked);
    tell_ca(t, &r->asked);
    tell_usages(t, &r->asked);
    tell_constraints(t, &r->asked);
    tell_key(t, &r->asked);
    cs_sheet_text(
        &t->sheet, "signed", NULL,
        cs_arena_printf(t->arena, "%.*s, %s", CS_FMT(r->asked.sig_alg),
                        r->signed_by_key ? "with its own key: right" : "NOT with its own key"));
    cs_sheet_text(&t->sheet, NULL, "signature_algorithm", r->asked.sig_alg);
    cs_sheet_flag(&t->sheet, NULL, "signed_by_key", r->signed_by_key);
    cs_sheet_flag(&t->sheet, r->has_challenge ? "challenge" : NULL, "challenge_password",
                  r->has_challenge);
    tell_other_extensions(t, &r->asked);
    tell_texts(t, "attributes", "other_attributes", r->others);
}

/* ---- lists ---- */

static void tell_list_times(struct telling *t, const struct cs_crl *l)
{
    bool has_next = l->next_update != INT64_MAX;

    cs_sheet_text(&t->sheet, "made", "this_update",
                  t->sheet.json
                      ? iso(t, l->this_update)
                      : cs_arena_printf(t->arena, "%.*s UTC", CS_FMT(readable(t, l->this_update))));
    if (!has_next) {
        cs_sheet_text(&t->sheet, "next update", NULL, CS_STR("(none named)"));
        return;
    }
    cs_sheet_text(&t->sheet, "next update", NULL,
                  cs_arena_printf(t->arena, "%.*s UTC, %.*s", CS_FMT(readable(t, l->next_update)),
                                  CS_FMT(standing(t, l->this_update, l->next_update))));
    cs_sheet_text(&t->sheet, NULL, "next_update", iso(t, l->next_update));
    cs_sheet_number(&t->sheet, NULL, "seconds_left", l->next_update - t->now_sec);
}

static void tell_entry(struct telling *t, const struct cs_crl_entry *entry, bool first)
{
    struct cs_str serial = cs_serial_text(entry->serial, t->arena);
    struct cs_str reason = cs_crl_reason_text(entry->reason);

    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_text(&t->sheet, NULL, "serial", serial);
    cs_sheet_text(&t->sheet, NULL, "revoked_at", iso(t, entry->date));
    cs_sheet_text(&t->sheet, NULL, "reason", reason);
    cs_sheet_text(&t->sheet, first ? "revoked" : "", NULL,
                  cs_arena_printf(t->arena, "%.*s on %.*s UTC, %.*s", CS_FMT(serial),
                                  CS_FMT(readable(t, entry->date)), CS_FMT(reason)));
    cs_sheet_close(&t->sheet);
}

static void tell_entries(struct telling *t, const struct cs_crl *l)
{
    struct cs_str rest = l->entries;
    struct cs_crl_entry entry;
    size_t n = 0;

    cs_sheet_number(&t->sheet, "entries", "n_entries", (int64_t)l->n_entries);
    cs_sheet_open_list(&t->sheet, "first_entries");
    for (; n < ENTRIES_SHOWN && rest.len && !cs_crl_next(&rest, &entry); n++)
        tell_entry(t, &entry, n == 0);
    cs_sheet_close_list(&t->sheet);
    if (l->n_entries > n)
        cs_sheet_text(&t->sheet, "", NULL,
                      cs_arena_printf(t->arena, "… and %zu more", l->n_entries - n));
}

static void tell_list(struct telling *t, const struct cs_item *item)
{
    const struct cs_crl *l = &item->list;
    struct cs_str algorithm = {0};
    bool weak;

    tell_name(t, "issuer", "issuer", l->issuer);
    tell_list_times(t, l);
    if (l->number.len)
        cs_sheet_text(&t->sheet, "number", "number", cs_serial_text(l->number, t->arena));
    tell_entries(t, l);
    cs_sheet_flag(&t->sheet, l->is_delta ? "delta" : NULL, "delta", l->is_delta);
    cs_sheet_flag(&t->sheet, NULL, "partial", l->has_issuing_point);
    if (l->has_issuing_point)
        tell_texts(t, "covers", "scope", cs_issuing_point_text(l->issuing_point, t->arena));
    if (cs_signature_algorithm(l->algorithm, t->arena, &algorithm, &weak))
        tell_signature(t, item, algorithm);
    cs_sheet_text(&t->sheet, "issuer's id", "authority_key_id", hex(t, l->aki.ptr, l->aki.len));
    if (l->unknown_critical.len)
        cs_sheet_text(&t->sheet, "also has", "unknown_critical",
                      cs_der_oid_text(l->unknown_critical, t->arena));
}

/* ---- keys ---- */

static void tell_owner(struct telling *t, const struct cs_item *item)
{
    const struct cs_item *owner = item->owner;

    if (!owner)
        return;
    cs_sheet_number(&t->sheet, NULL, "belongs_to_item", (int64_t)number_of(t, owner));
    cs_sheet_text(
        &t->sheet, "belongs to", NULL,
        cs_arena_printf(t->arena, "[%zu] %.*s", number_of(t, owner),
                        CS_FMT(title_of(t, owner->kind == CS_ITEM_CERT ? &owner->cert
                                                                       : &owner->request.asked))));
}

static void tell_private_key(struct telling *t, const struct cs_item *item)
{
    const struct cs_item_key *key = &item->key;

    cs_sheet_flag(&t->sheet, "encrypted", "encrypted", key->encrypted);
    cs_sheet_text(&t->sheet, "form", "form", cs_str_from(key->form));
    if (key->public.key_name.len)
        tell_key(t, &key->public);
    if (key->encrypted)
        cs_sheet_text(&t->sheet, "key", NULL, CS_STR("unknown: a pass phrase opens it"));
    else if (!key->public.spki.len)
        cs_sheet_text(&t->sheet, "pin", NULL, CS_STR("unknown: this TLS library has no such keys"));
    tell_owner(t, item);
}

static void tell_public_key(struct telling *t, const struct cs_item *item)
{
    tell_key(t, &item->key.public);
    tell_owner(t, item);
}

/* ---- items and files ---- */

static const struct {
    const char *name; /* for programs */
    void (*tell)(struct telling *t, const struct cs_item *item);
} kinds[] = {
    [CS_ITEM_CERT] = {"certificate", tell_cert},
    [CS_ITEM_REQUEST] = {"request", tell_request},
    [CS_ITEM_LIST] = {"revocation-list", tell_list},
    [CS_ITEM_KEY] = {"private-key", tell_private_key},
    [CS_ITEM_PUBLIC_KEY] = {"public-key", tell_public_key},
};

/* "[2] server certificate  CN=a.test". */
static struct cs_str heading(struct telling *t, const struct cs_item *item)
{
    size_t n = number_of(t, item);

    switch (item->kind) {
    case CS_ITEM_NOTHING: break;
    case CS_ITEM_CERT: return cs_arena_printf(t->arena, "[%zu] %s", n, kind_of_cert(item));
    case CS_ITEM_REQUEST: return cs_arena_printf(t->arena, "[%zu] certificate request", n);
    case CS_ITEM_LIST: return cs_arena_printf(t->arena, "[%zu] revocation list", n);
    case CS_ITEM_KEY: return cs_arena_printf(t->arena, "[%zu] private key", n);
    case CS_ITEM_PUBLIC_KEY: return cs_arena_printf(t->arena, "[%zu] public key", n);
    }
    if (!item->block)
        return CS_STR("nothing to show");
    return cs_arena_printf(t->arena, "[%zu] block %u: %.*s", n, item->block, CS_FMT(item->label));
}

static void tell_item(struct telling *t, const struct cs_item *item)
{
    cs_sheet_line(&t->sheet, CS_STR(""), false);
    cs_sheet_line(&t->sheet, heading(t, item), true);
    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_number(&t->sheet, NULL, "item", (int64_t)number_of(t, item));
    cs_sheet_text(&t->sheet, NULL, "file", item->place.file);
    cs_sheet_number(&t->sheet, NULL, "block", item->block);
    if (item->place.line)
        cs_sheet_number(&t->sheet, NULL, "line", item->place.line);
    cs_sheet_text(&t->sheet, NULL, "label", item->label);
    t->sheet.indent = 4;
    if (item->kind == CS_ITEM_NOTHING) {
        cs_sheet_text(&t->sheet, NULL, "kind", CS_STR("nothing"));
    } else {
        cs_sheet_text(&t->sheet, NULL, "kind", cs_str_from(kinds[item->kind].name));
        kinds[item->kind].tell(t, item);
    }
    cs_sheet_findings(&t->sheet, &item->findings);
    t->sheet.indent = 0;
    cs_sheet_close(&t->sheet);
}

static void tell_items(struct telling *t)
{
    size_t file = SIZE_MAX;

    cs_sheet_open_list(&t->sheet, "items");
    for (size_t i = 0; i < t->bundle->n; i++) {
        const struct cs_item *item = t->bundle->items[i];
        if (item->file != file && i)
            cs_sheet_line(&t->sheet, CS_STR(""), false);
        if (item->file != file)
            cs_sheet_line(&t->sheet, cs_arena_printf(t->arena, "%.*s:", CS_FMT(item->place.file)),
                          true);
        file = item->file;
        tell_item(t, item);
    }
    cs_sheet_close_list(&t->sheet);
}

/* ---- the tree ---- */

static bool is_in_tree(const struct telling *t, const struct cs_item *item)
{
    return item->kind == CS_ITEM_CERT && !same_before(t, item);
}

/* "CN=a.test  [1], 364 days left". */
static struct cs_str branch_text(struct telling *t, const struct cs_item *item)
{
    const struct cs_cert *c = &item->cert;

    return cs_arena_printf(t->arena, "[%zu] %.*s (%s, %.*s)", number_of(t, item),
                           CS_FMT(title_of(t, c)), kind_of_cert(item),
                           CS_FMT(standing(t, c->not_before, c->not_after)));
}

/* Names and keys can be made to go round in a circle: the tree is no deeper than this. */
enum { TREE_DEPTH = 16 };

static bool is_child(const struct telling *t, const struct cs_item *item,
                     const struct cs_item *parent)
{
    return is_in_tree(t, item) && item != parent && item->issuer == parent;
}

static void tell_children(struct telling *t, const struct cs_item *parent, struct cs_str before,
                          unsigned depth);

/* One certificate behind what stands before it in its line, then those that it issued. */
static void tell_branch(struct telling *t, const struct cs_item *item, struct cs_str before,
                        bool last, unsigned depth)
{
    cs_sheet_line(&t->sheet,
                  cs_arena_printf(t->arena, "%.*s%s%.*s", CS_FMT(before), last ? "└─ " : "├─ ",
                                  CS_FMT(branch_text(t, item))),
                  false);
    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_number(&t->sheet, NULL, "item", (int64_t)number_of(t, item));
    tell_children(t, item,
                  cs_arena_printf(t->arena, "%.*s%s", CS_FMT(before), last ? "   " : "│  "),
                  depth + 1);
    cs_sheet_close(&t->sheet);
}

static void tell_children(struct telling *t, const struct cs_item *parent, struct cs_str before,
                          unsigned depth)
{
    size_t left = 0;

    for (size_t i = 0; depth < TREE_DEPTH && i < t->bundle->n; i++)
        left += is_child(t, t->bundle->items[i], parent);
    cs_sheet_open_list(&t->sheet, "issued");
    for (size_t i = 0; left && i < t->bundle->n; i++) {
        if (is_child(t, t->bundle->items[i], parent))
            tell_branch(t, t->bundle->items[i], before, --left == 0, depth);
    }
    cs_sheet_close_list(&t->sheet);
}

/* A root at the margin, with all that hangs below it. */
static void tell_root(struct telling *t, const struct cs_item *item)
{
    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_line(&t->sheet, branch_text(t, item), false);
    cs_sheet_number(&t->sheet, NULL, "item", (int64_t)number_of(t, item));
    tell_children(t, item, CS_STR(""), 0);
    cs_sheet_close(&t->sheet);
}

/* Certificates whose issuer is not here hang below its name: those that name it as @first does. */
static bool is_orphan_of(const struct telling *t, const struct cs_item *item, struct cs_str issuer)
{
    return is_in_tree(t, item) && !item->issuer && cs_name_eq(item->cert.issuer, issuer);
}

static void tell_orphans(struct telling *t, size_t first)
{
    struct cs_str issuer = t->bundle->items[first]->cert.issuer;
    size_t left = 0;

    for (size_t i = 0; i < t->bundle->n; i++)
        left += is_orphan_of(t, t->bundle->items[i], issuer);
    cs_sheet_open(&t->sheet, NULL);
    cs_sheet_text(&t->sheet, NULL, "missing_issuer", cs_name_text(issuer, t->arena));
    cs_sheet_line(&t->sheet,
                  cs_arena_printf(t->arena, "%.*s (%s)", CS_FMT(cs_name_display(issuer, t->arena)),
                                  t->bundle->items[first]->namesake
                                      ? "the one given did not sign these"
                                      : "not given"),
                  false);
    cs_sheet_open_list(&t->sheet, "issued");
    for (size_t i = first; i < t->bundle->n; i++) {
        if (is_orphan_of(t, t->bundle->items[i], issuer))
            tell_branch(t, t->bundle->items[i], CS_STR(""), --left == 0, 0);
    }
    cs_sheet_close_list(&t->sheet);
    cs_sheet_close(&t->sheet);
}

/* Whether an item before @i has an issuer of the same name that is not here either. */
static bool is_told_with_sibling(const struct telling *t, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (is_orphan_of(t, t->bundle->items[k], t->bundle->items[i]->cert.issuer))
            return true;
    }
    return false;
}

static void tell_tops(struct telling *t)
{
    for (size_t i = 0; i < t->bundle->n; i++) {
        const struct cs_item *item = t->bundle->items[i];
        if (!is_in_tree(t, item))
            continue;
        if (item->issuer == item)
            tell_root(t, item);
        else if (!item->issuer && !is_told_with_sibling(t, i))
            tell_orphans(t, i);
    }
}

/* One certificate is no tree for people. */
static void tell_tree(struct telling *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->bundle->n; i++)
        n += is_in_tree(t, t->bundle->items[i]);
    cs_sheet_open_list(&t->sheet, "chains");
    if (n > 1) {
        cs_sheet_line(&t->sheet, CS_STR(""), false);
        cs_sheet_line(&t->sheet, CS_STR("who issued whom:"), true);
    }
    t->sheet.indent = 4;
    if (n > 1 || t->sheet.json)
        tell_tops(t);
    t->sheet.indent = 0;
    cs_sheet_close_list(&t->sheet);
}

/* ---- the whole ---- */

static void count(const struct cs_bundle *bundle, unsigned n[3])
{
    for (size_t i = 0; i < bundle->n; i++) {
        for (const struct cs_finding *f = bundle->items[i]->findings.first; f; f = f->next)
            n[f->kind->severity]++;
    }
}

static struct cs_str plural(struct telling *t, unsigned n, const char *word)
{
    return cs_arena_printf(t->arena, "%u %s%s", n, word, n == 1 ? "" : "s");
}

static void tell_summary(struct telling *t)
{
    unsigned n[3] = {0};

    count(t->bundle, n);
    cs_sheet_flag(&t->sheet, NULL, "ok", n[CS_SEVERITY_ERROR] == 0);
    cs_sheet_number(&t->sheet, NULL, "errors", n[CS_SEVERITY_ERROR]);
    cs_sheet_number(&t->sheet, NULL, "warnings", n[CS_SEVERITY_WARNING]);
    cs_sheet_number(&t->sheet, NULL, "notices", n[CS_SEVERITY_NOTICE]);
    cs_sheet_line(&t->sheet, CS_STR(""), false);
    cs_sheet_line(&t->sheet,
                  cs_arena_printf(t->arena, "%.*s, %.*s, %.*s",
                                  CS_FMT(plural(t, n[CS_SEVERITY_ERROR], "error")),
                                  CS_FMT(plural(t, n[CS_SEVERITY_WARNING], "warning")),
                                  CS_FMT(plural(t, n[CS_SEVERITY_NOTICE], "notice"))),
                  true);
}

int cs_inspect(const struct cs_bundle *bundle, int64_t now_sec, bool json, bool colour,
               struct cs_buf *buf)
{
    struct telling t = {.bundle = bundle, .arena = bundle->arena, .now_sec = now_sec};

    cs_sheet_begin(&t.sheet, buf, json, colour);
    cs_sheet_open(&t.sheet, NULL);
    cs_sheet_text(&t.sheet, NULL, "judged_at", iso(&t, now_sec));
    tell_items(&t);
    tell_tree(&t);
    tell_summary(&t);
    cs_sheet_close(&t.sheet);
    return cs_sheet_done(&t.sheet);
}
