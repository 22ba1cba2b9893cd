/* The frame of extensions, and text for what is shown but never decided by: so the functions that
 * make text give what can be read and stop at what cannot. */
#include "x509/extension.h"

#include "x509/name.h"

bool cs_extension_next(struct cs_str *list, struct cs_extension *ret_extension)
{
    struct cs_extension ext = {0};
    struct cs_str rest = *list, content;

    if (!cs_der_take(&rest, CS_DER_SEQUENCE, &content) || !cs_der_oid(&content, &ext.oid))
        return false;
    if (cs_der_next_is(content, CS_DER_BOOLEAN) && !cs_der_bool(&content, &ext.critical))
        return false;
    if (!cs_der_take(&content, CS_DER_OCTET_STRING, &ext.value) || content.len)
        return false;
    *ret_extension = ext;
    *list = rest;
    return true;
}

bool cs_extension_find(struct cs_str list, struct cs_str oid, struct cs_extension *ret_extension)
{
    struct cs_extension ext;

    while (cs_extension_next(&list, &ext)) {
        if (!cs_str_eq(ext.oid, oid))
            continue;
        *ret_extension = ext;
        return true;
    }
    return false;
}

bool cs_extensions_demand_staple(struct cs_str list)
{
    enum { STATUS_REQUEST = 5 }; /* RFC 6066 section 1.1 */
    struct cs_extension ext;
    struct cs_str features;
    uint64_t feature;

    if (!cs_extension_find(list, CS_OID_TLS_FEATURE, &ext) ||
        !cs_der_take(&ext.value, CS_DER_SEQUENCE, &features))
        return false;
    while (cs_der_uint(&features, UINT16_MAX, &feature)) {
        if (feature == STATUS_REQUEST)
            return true;
    }
    return false;
}

struct named_oid {
    struct cs_str oid;
    struct cs_str name;
};

#define NAMED(bytes, name)                                                                         \
    {                                                                                              \
        CS_STR_INIT(bytes), CS_STR_INIT(name)                                                      \
    }

static const struct named_oid extension_names[] = {
    NAMED("\x55\x1d\x09", "subjectDirectoryAttributes"),
    NAMED("\x55\x1d\x0e", "subjectKeyIdentifier"),
    NAMED("\x55\x1d\x0f", "keyUsage"),
    NAMED("\x55\x1d\x10", "privateKeyUsagePeriod"),
    NAMED("\x55\x1d\x11", "subjectAltName"),
    NAMED("\x55\x1d\x12", "issuerAltName"),
    NAMED("\x55\x1d\x13", "basicConstraints"),
    NAMED("\x55\x1d\x14", "cRLNumber"),
    NAMED("\x55\x1d\x1b", "deltaCRLIndicator"),
    NAMED("\x55\x1d\x1c", "issuingDistributionPoint"),
    NAMED("\x55\x1d\x1e", "nameConstraints"),
    NAMED("\x55\x1d\x1f", "cRLDistributionPoints"),
    NAMED("\x55\x1d\x20", "certificatePolicies"),
    NAMED("\x55\x1d\x21", "policyMappings"),
    NAMED("\x55\x1d\x23", "authorityKeyIdentifier"),
    NAMED("\x55\x1d\x24", "policyConstraints"),
    NAMED("\x55\x1d\x25", "extKeyUsage"),
    NAMED("\x55\x1d\x2e", "freshestCRL"),
    NAMED("\x55\x1d\x36", "inhibitAnyPolicy"),
    NAMED("\x2b\x06\x01\x05\x05\x07\x01\x01", "authorityInfoAccess"),
    NAMED("\x2b\x06\x01\x05\x05\x07\x01\x03", "qcStatements"),
    NAMED("\x2b\x06\x01\x05\x05\x07\x01\x0b", "subjectInfoAccess"),
    NAMED("\x2b\x06\x01\x05\x05\x07\x01\x18", "tlsFeature (OCSP must-staple)"),
    NAMED("\x2b\x06\x01\x05\x05\x07\x30\x01\x05", "ocspNoCheck"),
    NAMED("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02", "signed certificate timestamps"),
    NAMED("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03", "certificate transparency poison"),
    NAMED("\x2b\x06\x01\x04\x01\x82\x37\x14\x02", "Microsoft certificate template name"),
    NAMED("\x2b\x06\x01\x04\x01\x82\x37\x15\x07", "Microsoft certificate template"),
    NAMED("\x60\x86\x48\x01\x86\xf8\x42\x01\x01", "Netscape certificate type"),
    NAMED("\x60\x86\x48\x01\x86\xf8\x42\x01\x0d", "Netscape comment"),
};

static const struct named_oid policy_names[] = {
    NAMED("\x55\x1d\x20\x00", "any policy"),
    NAMED("\x67\x81\x0c\x01\x01", "extended validation"),
    NAMED("\x67\x81\x0c\x01\x02\x01", "domain validated"),
    NAMED("\x67\x81\x0c\x01\x02\x02", "organisation validated"),
    NAMED("\x67\x81\x0c\x01\x02\x03", "individual validated"),
};

#define FIND(table, oid) find_name(table, sizeof(table) / sizeof(table[0]), oid)

static const struct named_oid *find_name(const struct named_oid *table, size_t n, struct cs_str oid)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(table[i].oid, oid))
            return &table[i];
    }
    return NULL;
}

struct cs_str cs_extension_name(struct cs_str oid, struct cs_arena *arena)
{
    const struct named_oid *known = FIND(extension_names, oid);

    return known ? known->name : cs_der_oid_text(oid, arena);
}

/* ---- texts in a list ---- */

struct texts {
    struct cs_arena *arena;
    struct cs_str *items;
    size_t n, room;
};

static bool add_text(struct texts *texts, struct cs_str text)
{
    if (texts->n == CS_CERT_NAMES_MAX)
        return false;
    if (texts->n == texts->room) {
        size_t room = texts->room ? texts->room * 2 : 4;
        struct cs_str *items = cs_arena_array(texts->arena, room, sizeof(*items));
        if (texts->n)
            memcpy(items, texts->items, texts->n * sizeof(*items));
        texts->items = items;
        texts->room = room;
    }
    texts->items[texts->n++] = text;
    return true;
}

static struct cs_names as_names(const struct texts *texts)
{
    return (struct cs_names){texts->items, texts->n};
}

/* ---- general names ---- */

/* The length of a mask's run of ones, or -1 when it is no such mask. */
static int mask_bits(struct cs_str mask)
{
    int bits = 0;
    bool ended = false;

    for (size_t i = 0; i < 8 * mask.len; i++) {
        bool one = (uint8_t)mask.ptr[i / 8] & (0x80u >> (i % 8));
        if (one && ended)
            return -1;
        ended |= !one;
        bits += one;
    }
    return bits;
}

/* 4 or 16 bytes of an address, or twice as many with a mask. */
static struct cs_str address_text(struct cs_str bytes, struct cs_arena *arena)
{
    size_t half = bytes.len / 2;
    struct cs_str mask = cs_str_skip(bytes, half);
    int bits;

    if (bytes.len == 4 || bytes.len == 16)
        return cs_ip_text(bytes, arena);
    if (bytes.len != 8 && bytes.len != 32)
        return CS_STR("malformed");
    bits = mask_bits(mask);
    bytes = cs_str_sub(bytes, 0, half);
    if (bits < 0)
        return cs_arena_printf(arena, "%.*s mask %.*s", CS_FMT(cs_ip_text(bytes, arena)),
                               CS_FMT(cs_ip_text(mask, arena)));
    return cs_arena_printf(arena, "%.*s/%d", CS_FMT(cs_ip_text(bytes, arena)), bits);
}

static struct cs_str other_name_text(struct cs_str content, struct cs_arena *arena)
{
    struct cs_str oid;

    return cs_der_oid(&content, &oid) ? cs_der_oid_text(oid, arena) : CS_STR("malformed");
}

struct cs_str cs_general_name_text(const struct cs_der_element *name, struct cs_arena *arena)
{
    struct cs_str text = name->content;
    const char *prefix = "unknown";

    switch (name->tag) {
    case CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED:
        prefix = "other";
        text = other_name_text(text, arena);
        break;
    case CS_DER_CONTEXT(1): prefix = "email"; break;
    case CS_DER_CONTEXT(2): prefix = "DNS"; break;
    case CS_DER_CONTEXT(4) | CS_DER_CONSTRUCTED:
        prefix = "directory";
        text = cs_name_display(text, arena);
        break;
    case CS_DER_CONTEXT(6): prefix = "URI"; break;
    case CS_DER_CONTEXT(7):
        prefix = "IP";
        text = address_text(text, arena);
        break;
    case CS_DER_CONTEXT(8):
        prefix = "OID";
        text = cs_der_oid_text(text, arena);
        break;
    default: text = cs_arena_printf(arena, "tag 0x%02x", name->tag);
    }
    return cs_arena_printf(arena, "%s:%.*s", prefix, CS_FMT(text));
}

static void add_general_names(struct texts *texts, struct cs_str names)
{
    struct cs_der_element name;

    while (names.len && cs_der_any(&names, &name)) {
        if (!add_text(texts, cs_general_name_text(&name, texts->arena)))
            return;
    }
}

struct cs_names cs_general_names_text(struct cs_str names, struct cs_arena *arena)
{
    struct texts texts = {.arena = arena};

    add_general_names(&texts, names);
    return as_names(&texts);
}

/* GeneralSubtrees: minimum and maximum, which nobody uses, are passed over. */
static struct cs_names subtrees_text(struct cs_str subtrees, struct cs_arena *arena)
{
    struct texts texts = {.arena = arena};
    struct cs_str subtree;
    struct cs_der_element base;

    while (cs_der_take(&subtrees, CS_DER_SEQUENCE, &subtree) && cs_der_any(&subtree, &base)) {
        if (!add_text(&texts, cs_general_name_text(&base, arena)))
            break;
    }
    return as_names(&texts);
}

void cs_name_constraints_text(struct cs_str value, struct cs_arena *arena,
                              struct cs_names *ret_permitted, struct cs_names *ret_excluded)
{
    struct cs_str constraints = {0}, permitted = {0}, excluded = {0};
    bool there;

    (void)(cs_der_take(&value, CS_DER_SEQUENCE, &constraints) &&
           cs_der_optional(&constraints, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there,
                           &permitted) &&
           cs_der_optional(&constraints, CS_DER_CONTEXT(1) | CS_DER_CONSTRUCTED, &there,
                           &excluded));
    *ret_permitted = subtrees_text(permitted, arena);
    *ret_excluded = subtrees_text(excluded, arena);
}

struct cs_names cs_policies_text(struct cs_str value, struct cs_arena *arena)
{
    struct texts texts = {.arena = arena};
    struct cs_str policies = {0}, policy, oid, text;

    (void)cs_der_take(&value, CS_DER_SEQUENCE, &policies);
    while (cs_der_take(&policies, CS_DER_SEQUENCE, &policy) && cs_der_oid(&policy, &oid)) {
        const struct named_oid *known = FIND(policy_names, oid);
        text = cs_der_oid_text(oid, arena);
        if (known)
            text = cs_arena_printf(arena, "%.*s (%.*s)", CS_FMT(text), CS_FMT(known->name));
        if (!add_text(&texts, text))
            break;
    }
    return as_names(&texts);
}

/* DistributionPointName: only full names have text of their own. */
static void add_point_name(struct texts *texts, struct cs_str name)
{
    struct cs_str full;

    if (cs_der_take(&name, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &full))
        add_general_names(texts, full);
    else
        (void)add_text(texts, CS_STR("a name relative to the issuer"));
}

struct cs_names cs_issuing_point_text(struct cs_str value, struct cs_arena *arena)
{
    static const char *const flags[] = {[1] = "only certificates of users",
                                        [2] = "only certificates of CAs",
                                        [3] = "only some reasons",
                                        [4] = "indirect: for several issuers",
                                        [5] = "only attribute certificates"};
    struct texts texts = {.arena = arena};
    struct cs_str point = {0};
    struct cs_der_element e;

    (void)cs_der_take(&value, CS_DER_SEQUENCE, &point);
    while (point.len && cs_der_any(&point, &e)) {
        unsigned number = e.tag & 0x1f;
        if (number == 0)
            add_point_name(&texts, e.content);
        else if (number < sizeof(flags) / sizeof(flags[0]))
            (void)add_text(&texts, cs_str_from(flags[number]));
    }
    return as_names(&texts);
}
