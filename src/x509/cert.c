/* DER → struct cs_cert: one small function for each field and extension, each naming its
 * section of RFC 5280. A function that refuses says what and why in a finding, once; the
 * parser then stops, since what follows a fault cannot be trusted to be where it seems. */
#include "x509/cert.h"

#include <openssl/sha.h>

#include "base/addr.h"
#include "x509/der.h"
#include "x509/extension.h"
#include "x509/fields.h"
#include "x509/findings.h"
#include "x509/name.h"

/* ---- refusals ---- */

static bool malformed(struct cs_fields *p, const char *part, const char *why)
{
    CS_FIND(p->findings, p->malformed, NULL, p->what, (struct cs_str){0}, (struct cs_str){0},
            (struct cs_str){0}, cs_str_from(part), cs_str_from(why));
    return false;
}

/* Shows @text with \xHH for what made it unacceptable. */
static bool control_byte(struct cs_fields *p, const char *part, struct cs_str text)
{
    struct cs_str shown = {0};

    for (size_t i = 0; i < text.len && i < 100; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        shown = c < 0x20 || c >= 0x7f ? cs_arena_printf(p->arena, "%.*s\\x%02X", CS_FMT(shown), c)
                                      : cs_arena_printf(p->arena, "%.*s%c", CS_FMT(shown), c);
    }
    CS_FIND(p->findings, CS_X509_KIND(NAME_CONTROL_BYTE), NULL, p->what, (struct cs_str){0},
            (struct cs_str){0}, (struct cs_str){0}, cs_str_from(part), shown);
    return false;
}

static bool too_many(struct cs_fields *p, const char *part, size_t n)
{
    CS_FIND(p->findings, CS_X509_KIND(TOO_MANY_NAMES), NULL, p->what, (struct cs_str){0},
            (struct cs_str){0}, (struct cs_str){0}, cs_str_from(part),
            cs_arena_printf(p->arena, "it has %zu, at most %d are accepted", n, CS_CERT_NAMES_MAX));
    return false;
}

/* ---- tables of identifiers ---- */

struct known_oid {
    struct cs_str oid; /* content octets */
    struct cs_str name;
    unsigned value;
    bool weak;
};

#define OID(bytes, name, ...)                                                                      \
    {                                                                                              \
        CS_STR_INIT(bytes), CS_STR_INIT(name), __VA_ARGS__                                         \
    }

static const struct known_oid *find_oid(const struct known_oid *table, size_t n, struct cs_str oid)
{
    for (size_t i = 0; i < n; i++) {
        if (cs_str_eq(table[i].oid, oid))
            return &table[i];
    }
    return NULL;
}

#define FIND_OID(table, oid) find_oid(table, sizeof(table) / sizeof(table[0]), oid)

static const struct known_oid signature_algorithms[] = {
    OID("\x2a\x86\x48\xce\x3d\x04\x03\x02", "ecdsa-with-SHA256", 0, false),
    OID("\x2a\x86\x48\xce\x3d\x04\x03\x03", "ecdsa-with-SHA384", 0, false),
    OID("\x2a\x86\x48\xce\x3d\x04\x03\x04", "ecdsa-with-SHA512", 0, false),
    OID("\x2a\x86\x48\xce\x3d\x04\x03\x01", "ecdsa-with-SHA224", 0, false),
    OID("\x2a\x86\x48\xce\x3d\x04\x01", "ecdsa-with-SHA1", 0, true),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "sha256WithRSAEncryption", 0, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", "sha384WithRSAEncryption", 0, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", "sha512WithRSAEncryption", 0, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "sha224WithRSAEncryption", 0, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "rsassaPss", 0, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "sha1WithRSAEncryption", 0, true),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "md5WithRSAEncryption", 0, true),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "md2WithRSAEncryption", 0, true),
    OID("\x2a\x86\x48\xce\x38\x04\x03", "dsa-with-SHA1", 0, true),
    OID("\x60\x86\x48\x01\x65\x03\x04\x03\x02", "dsa-with-SHA256", 0, false),
    OID("\x2b\x65\x70", "Ed25519", 0, false),
    OID("\x2b\x65\x71", "Ed448", 0, false),
};

static const struct known_oid key_algorithms[] = {
    OID("\x2a\x86\x48\xce\x3d\x02\x01", "EC", CS_KEY_EC, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA", CS_KEY_RSA, false),
    OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS", CS_KEY_RSA_PSS, false),
    OID("\x2b\x65\x70", "Ed25519", CS_KEY_ED25519, false),
    OID("\x2b\x65\x71", "Ed448", CS_KEY_ED448, false),
};

/* value: bits of the group's order */
static const struct known_oid curves[] = {
    OID("\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256", 256, false),
    OID("\x2b\x81\x04\x00\x22", "P-384", 384, false),
    OID("\x2b\x81\x04\x00\x23", "P-521", 521, false),
    OID("\x2b\x81\x04\x00\x21", "P-224", 224, false),
    OID("\x2a\x86\x48\xce\x3d\x03\x01\x01", "P-192", 192, false),
    OID("\x2b\x81\x04\x00\x0a", "secp256k1", 256, false),
    OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1", 256, false),
    OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "brainpoolP384r1", 384, false),
    OID("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "brainpoolP512r1", 512, false),
};

static const struct known_oid ext_usages[] = {
    OID("\x2b\x06\x01\x05\x05\x07\x03\x01", "serverAuth", CS_EKU_SERVER, false),
    OID("\x2b\x06\x01\x05\x05\x07\x03\x02", "clientAuth", CS_EKU_CLIENT, false),
    OID("\x2b\x06\x01\x05\x05\x07\x03\x03", "codeSigning", CS_EKU_CODE_SIGNING, false),
    OID("\x2b\x06\x01\x05\x05\x07\x03\x04", "emailProtection", CS_EKU_EMAIL, false),
    OID("\x2b\x06\x01\x05\x05\x07\x03\x08", "timeStamping", CS_EKU_TIME_STAMPING, false),
    OID("\x2b\x06\x01\x05\x05\x07\x03\x09", "OCSPSigning", CS_EKU_OCSP_SIGNING, false),
    OID("\x55\x1d\x25\x00", "anyExtendedKeyUsage", CS_EKU_ANY, false),
};

/* ---- lists of texts ---- */

/* Grows by doubling inside the arena; at most CS_CERT_NAMES_MAX. */
struct name_list {
    struct cs_str *items;
    size_t n, room;
};

static bool list_add(struct cs_fields *p, struct name_list *list, struct cs_str item)
{
    if (list->n == CS_CERT_NAMES_MAX)
        return false;
    if (list->n == list->room) {
        size_t room = list->room ? list->room * 2 : 4;
        struct cs_str *items = cs_arena_array(p->arena, room, sizeof(*items));
        if (list->n)
            memcpy(items, list->items, list->n * sizeof(*items));
        list->items = items;
        list->room = room;
    }
    list->items[list->n++] = item;
    return true;
}

static struct cs_names list_names(const struct name_list *list)
{
    return (struct cs_names){list->items, list->n};
}

/* ---- fields ---- */

/* Section 4.1.2.1; the default, version 1, is not encoded. */
static bool parse_version(struct cs_fields *p, struct cs_str *tbs)
{
    struct cs_str explicit;
    uint64_t version = 0;
    bool there;

    if (!cs_der_optional(tbs, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there, &explicit))
        return malformed(p, "version", "it is not DER");
    if (there && (!cs_der_uint(&explicit, 2, &version) || explicit.len || version == 0))
        return malformed(p, "version", "it is neither 2 nor 3");
    p->cert->version = (unsigned)version + 1;
    return true;
}

/* Section 4.1.2.2. Odd serials are accepted, as the libraries do, with a warning. */
static bool parse_serial(struct cs_fields *p, struct cs_str *tbs)
{
    struct cs_str serial;
    const char *odd = NULL;

    if (!cs_der_integer(tbs, &serial))
        return malformed(p, "serial number", "it is not an INTEGER in DER");
    if ((uint8_t)serial.ptr[0] >= 0x80)
        odd = "is negative";
    else if (serial.len == 1 && serial.ptr[0] == 0)
        odd = "is zero";
    else if (serial.len > 20)
        odd = "is longer than 20 bytes";
    if (odd)
        CS_FIND(p->findings, CS_X509_KIND(SERIAL_UNUSUAL), NULL, CS_STR("certificate"),
                (struct cs_str){0}, (struct cs_str){0}, cs_serial_text(serial, p->arena),
                cs_str_from(odd));
    p->cert->serial = serial;
    return true;
}

bool cs_signature_algorithm(struct cs_str algorithm, struct cs_arena *arena,
                            struct cs_str *ret_name, bool *ret_weak)
{
    const struct known_oid *known;
    struct cs_str content, oid;

    if (!cs_der_take(&algorithm, CS_DER_SEQUENCE, &content) || !cs_der_oid(&content, &oid))
        return false;
    known = FIND_OID(signature_algorithms, oid);
    *ret_name = known ? known->name : cs_der_oid_text(oid, arena);
    *ret_weak = known && known->weak;
    return true;
}

/* Sections 4.1.1.2 and 4.1.2.3. */
static bool parse_signature_algorithm(struct cs_fields *p, struct cs_str algorithm)
{
    return cs_signature_algorithm(algorithm, p->arena, &p->cert->sig_alg, &p->cert->sig_weak) ||
           malformed(p, "signature algorithm", "it is not an AlgorithmIdentifier");
}

/* Sections 4.1.2.4 and 4.1.2.6. */
bool cs_fields_name(struct cs_fields *p, struct cs_str *tbs, const char *part,
                    struct cs_str *ret_name)
{
    struct cs_str name;

    if (!cs_der_take_whole(tbs, CS_DER_SEQUENCE, &name))
        return malformed(p, part, "it is not a SEQUENCE in DER");
    switch (cs_name_check(name)) {
    case CS_NAME_MALFORMED:
        return malformed(p, part, "it is not a Name, or a text has a wrong byte");
    case CS_NAME_CONTROL: return control_byte(p, part, cs_name_text(name, p->arena));
    case CS_NAME_FINE: break;
    }
    *ret_name = name;
    return true;
}

/* Section 4.1.2.5. */
static bool parse_validity(struct cs_fields *p, struct cs_str *tbs)
{
    struct cs_str validity;

    if (!cs_der_take(tbs, CS_DER_SEQUENCE, &validity))
        return malformed(p, "validity", "it is not a SEQUENCE");
    p->cert->validity = validity;
    if (!cs_der_time(&validity, &p->cert->not_before) ||
        !cs_der_time(&validity, &p->cert->not_after) || validity.len)
        return malformed(p, "validity",
                         "a time is not of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ");
    return true;
}

static unsigned count_bits(struct cs_str number)
{
    unsigned bits;
    uint8_t top;

    while (number.len && number.ptr[0] == 0)
        number = cs_str_skip(number, 1);
    if (number.len == 0)
        return 0;
    top = (uint8_t)number.ptr[0];
    for (bits = 0; top; top >>= 1)
        bits++;
    return bits + 8 * (unsigned)(number.len - 1);
}

/* RFC 3279 section 2.3.1: RSAPublicKey { modulus, publicExponent }. */
static bool parse_rsa_key(struct cs_fields *p, struct cs_str key)
{
    struct cs_str numbers, modulus, exponent;

    if (!cs_der_take(&key, CS_DER_SEQUENCE, &numbers) || key.len ||
        !cs_der_integer(&numbers, &modulus) || !cs_der_integer(&numbers, &exponent) || numbers.len)
        return malformed(p, "public key", "it is not an RSAPublicKey");
    p->cert->key_bits = count_bits(modulus);
    return true;
}

/* RFC 5480 section 2.1.1: only named curves. */
static bool parse_ec_key(struct cs_fields *p, struct cs_str parameters)
{
    const struct known_oid *known;
    struct cs_str oid;

    if (!cs_der_oid(&parameters, &oid) || parameters.len)
        return malformed(p, "public key", "its curve is not named by an identifier");
    known = FIND_OID(curves, oid);
    p->cert->key_name = known ? known->name : cs_der_oid_text(oid, p->arena);
    p->cert->key_bits = known ? known->value : 0;
    return true;
}

bool cs_fields_key_kind(struct cs_fields *p, struct cs_str oid, struct cs_str parameters,
                        struct cs_str key)
{
    const struct known_oid *known = FIND_OID(key_algorithms, oid);

    p->cert->key_kind = known ? (enum cs_key_kind)known->value : CS_KEY_UNKNOWN;
    p->cert->key_name = known ? known->name : cs_der_oid_text(oid, p->arena);
    switch (p->cert->key_kind) {
    case CS_KEY_RSA:
    case CS_KEY_RSA_PSS: return parse_rsa_key(p, key);
    case CS_KEY_EC: return parse_ec_key(p, parameters);
    case CS_KEY_ED25519: p->cert->key_bits = 256; break;
    case CS_KEY_ED448: p->cert->key_bits = 456; break;
    case CS_KEY_UNKNOWN: break;
    }
    return true;
}

/* Section 4.1.2.7. */
bool cs_fields_spki(struct cs_fields *p, struct cs_str *tbs)
{
    struct cs_str whole, spki, algorithm, oid, key;
    unsigned unused;

    if (!cs_der_take_whole(tbs, CS_DER_SEQUENCE, &whole))
        return malformed(p, "public key", "it is not a SEQUENCE in DER");
    p->cert->spki = whole;
    SHA256((const uint8_t *)whole.ptr, whole.len, p->cert->spki_sha256);
    if (!cs_der_take(&whole, CS_DER_SEQUENCE, &spki) ||
        !cs_der_take(&spki, CS_DER_SEQUENCE, &algorithm) || !cs_der_oid(&algorithm, &oid) ||
        !cs_der_bits(&spki, &key, &unused) || spki.len || unused)
        return malformed(p, "public key", "it is not a SubjectPublicKeyInfo");
    return cs_fields_key_kind(p, oid, algorithm, key);
}

/* ---- extensions: each gets the content of extnValue ---- */

/* Section 4.2.1.9. */
static bool parse_basic_constraints(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct cs_str bc;
    uint64_t len;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &bc) || value.len)
        return malformed(p, "basicConstraints", "it is not a SEQUENCE");
    if (cs_der_next_is(bc, CS_DER_BOOLEAN)) {
        /* FALSE is the default, which DER leaves out; old CAs write it all the same */
        if (!cs_der_bool(&bc, &p->cert->ca))
            return malformed(p, "basicConstraints", "cA is not a BOOLEAN in DER");
    }
    if (bc.len) {
        if (!cs_der_uint(&bc, INT32_MAX, &len) || bc.len)
            return malformed(p, "basicConstraints", "the path length is not a small number");
        p->cert->path_len = (int)len;
    }
    p->cert->has_basic_constraints = true;
    return true;
}

/* Section 4.2.1.3: bit 0 is the top bit of the first byte. */
static bool parse_key_usage(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct cs_str bytes;
    unsigned unused;

    if (!cs_der_bits(&value, &bytes, &unused) || value.len || bytes.len > 2)
        return malformed(p, "keyUsage", "it is not a BIT STRING of at most 16 bits");
    for (unsigned bit = 0; bit < 8 * bytes.len; bit++) {
        if ((uint8_t)bytes.ptr[bit / 8] & (0x80u >> (bit % 8)))
            p->cert->key_usage |= 1u << bit;
    }
    p->cert->has_key_usage = true;
    return true;
}

/* Section 4.2.1.12. */
static bool parse_ext_key_usage(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct name_list others = {0};
    struct cs_str list, oid;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &list) || value.len || list.len == 0)
        return malformed(p, "extKeyUsage", "it is not a list of identifiers");
    while (list.len) {
        const struct known_oid *known;
        if (!cs_der_oid(&list, &oid))
            return malformed(p, "extKeyUsage", "it is not a list of identifiers");
        known = FIND_OID(ext_usages, oid);
        if (known)
            p->cert->eku |= known->value;
        else if (!list_add(p, &others, cs_der_oid_text(oid, p->arena)))
            return too_many(p, "extKeyUsage", others.n + 1);
    }
    p->cert->eku_others = list_names(&others);
    p->cert->has_eku = true;
    return true;
}

/* An IA5String that is a name: ASCII without control characters. */
static bool check_ia5_name(struct cs_fields *p, const char *part, struct cs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)name.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return control_byte(p, part, name);
        if (c > 0x7f)
            return malformed(p, part, "a name has a byte that is not ASCII");
    }
    return true;
}

struct san_lists {
    struct name_list dns, uri, email, ip;
};

/* GeneralName, section 4.2.1.6: the primitive choices that we compare. */
static bool parse_general_name(struct cs_fields *p, struct san_lists *lists,
                               const struct cs_der_element *name)
{
    struct name_list *list;

    switch (name->tag) {
    case CS_DER_CONTEXT(1): list = &lists->email; break;
    case CS_DER_CONTEXT(2): list = &lists->dns; break;
    case CS_DER_CONTEXT(6): list = &lists->uri; break;
    case CS_DER_CONTEXT(7): list = &lists->ip; break;
    default:
        p->cert->san.n_other++;
        return (name->tag & 0xc0) == 0x80 ||
               malformed(p, "subjectAltName", "it has an element that is no GeneralName");
    }
    if (list == &lists->ip) {
        if (name->content.len != 4 && name->content.len != 16)
            return malformed(p, "subjectAltName", "an IP address has neither 4 nor 16 bytes");
    } else if (!check_ia5_name(p, "subjectAltName", name->content)) {
        return false;
    }
    return list_add(p, list, name->content) || too_many(p, "subjectAltName", list->n + 1);
}

/* Section 4.2.1.6. */
static bool parse_subject_alt_name(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct san_lists lists = {0};
    struct cs_der_element name;
    struct cs_str names;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &names) || value.len)
        return malformed(p, "subjectAltName", "it is not a SEQUENCE");
    if (names.len == 0)
        return malformed(p, "subjectAltName", "it is empty");
    while (names.len) {
        if (!cs_der_any(&names, &name))
            return malformed(p, "subjectAltName", "it is not DER");
        if (!parse_general_name(p, &lists, &name))
            return false;
    }
    p->cert->san.dns = list_names(&lists.dns);
    p->cert->san.uri = list_names(&lists.uri);
    p->cert->san.email = list_names(&lists.email);
    p->cert->san.ip = list_names(&lists.ip);
    p->cert->san.present = true;
    p->cert->san.critical = critical;
    return true;
}

/* Section 4.2.1.2. */
static bool parse_subject_key_id(struct cs_fields *p, struct cs_str value, bool critical)
{
    if (!cs_der_take(&value, CS_DER_OCTET_STRING, &p->cert->ski) || value.len)
        return malformed(p, "subjectKeyIdentifier", "it is not an OCTET STRING");
    return true;
}

/* Section 4.2.1.1; issuer and serial number, where given, are left to the path builder. */
static bool parse_authority_key_id(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct cs_str aki;
    bool there;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &aki) || value.len ||
        !cs_der_optional(&aki, CS_DER_CONTEXT(0), &there, &p->cert->aki))
        return malformed(p, "authorityKeyIdentifier", "it is not a SEQUENCE with a key identifier");
    return true;
}

/* Section 4.2.1.10: enforced by the library, noted here. */
static bool parse_name_constraints(struct cs_fields *p, struct cs_str value, bool critical)
{
    if (!cs_der_is_one(value, CS_DER_SEQUENCE))
        return malformed(p, "nameConstraints", "it is not a SEQUENCE");
    p->cert->has_name_constraints = true;
    return true;
}

/* The URI among GeneralNames, added to @list. */
static bool add_urls(struct cs_fields *p, const char *part, struct cs_str names,
                     struct name_list *list)
{
    struct cs_der_element name;

    while (names.len) {
        if (!cs_der_any(&names, &name))
            return malformed(p, part, "it is not DER");
        if (name.tag != CS_DER_CONTEXT(6))
            continue;
        if (!check_ia5_name(p, part, name.content))
            return false;
        if (!list_add(p, list, name.content))
            return too_many(p, part, list->n + 1);
    }
    return true;
}

/* DistributionPoint { [0] { [0] fullName … } … }, section 4.2.1.13. */
static bool parse_distribution_point(struct cs_fields *p, struct cs_str point,
                                     struct name_list *urls)
{
    struct cs_str name, full;
    bool there;

    if (!cs_der_optional(&point, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there, &name))
        return malformed(p, "cRLDistributionPoints", "it is not DER");
    if (!there)
        return true;
    if (!cs_der_optional(&name, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there, &full))
        return malformed(p, "cRLDistributionPoints", "it is not DER");
    return !there || add_urls(p, "cRLDistributionPoints", full, urls);
}

/* Section 4.2.1.13. */
static bool parse_crl_points(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct name_list urls = {0};
    struct cs_str points, point;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &points) || value.len)
        return malformed(p, "cRLDistributionPoints", "it is not a SEQUENCE");
    p->cert->crl_points = points;
    while (points.len) {
        if (!cs_der_take(&points, CS_DER_SEQUENCE, &point))
            return malformed(p, "cRLDistributionPoints", "it is not DER");
        if (!parse_distribution_point(p, point, &urls))
            return false;
    }
    p->cert->crl_urls = list_names(&urls);
    return true;
}

static const struct cs_str ocsp_oid = CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x30\x01");
static const struct cs_str ca_issuers_oid = CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x30\x02");

/* Section 4.2.2.1. */
static bool parse_authority_info(struct cs_fields *p, struct cs_str value, bool critical)
{
    struct name_list ocsp = {0}, issuers = {0};
    struct cs_str list, access, method;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &list) || value.len)
        return malformed(p, "authorityInfoAccess", "it is not a SEQUENCE");
    while (list.len) {
        struct name_list ignored = {0}, *urls = &ignored;
        if (!cs_der_take(&list, CS_DER_SEQUENCE, &access) || !cs_der_oid(&access, &method))
            return malformed(p, "authorityInfoAccess", "it is not a list of access descriptions");
        if (cs_str_eq(method, ocsp_oid))
            urls = &ocsp;
        else if (cs_str_eq(method, ca_issuers_oid))
            urls = &issuers;
        if (!add_urls(p, "authorityInfoAccess", access, urls))
            return false;
    }
    p->cert->ocsp_urls = list_names(&ocsp);
    p->cert->issuer_urls = list_names(&issuers);
    return true;
}

/* Extensions that the libraries enforce and that have nothing for us. */
static bool parse_nothing(struct cs_fields *p, struct cs_str value, bool critical)
{
    return true;
}

typedef bool parse_extension_fn(struct cs_fields *p, struct cs_str value, bool critical);

/* Those that may be critical are the ones that both libraries process themselves. */
static const struct extension {
    struct cs_str oid;
    parse_extension_fn *parse;
    bool may_be_critical;
} extensions[] = {
    {CS_STR_INIT("\x55\x1d\x13"), parse_basic_constraints, true},
    {CS_STR_INIT("\x55\x1d\x0f"), parse_key_usage, true},
    {CS_STR_INIT("\x55\x1d\x25"), parse_ext_key_usage, true},
    {CS_STR_INIT("\x55\x1d\x11"), parse_subject_alt_name, true},
    {CS_STR_INIT("\x55\x1d\x0e"), parse_subject_key_id, false},
    {CS_STR_INIT("\x55\x1d\x23"), parse_authority_key_id, false},
    {CS_STR_INIT("\x55\x1d\x1e"), parse_name_constraints, true},
    {CS_STR_INIT("\x55\x1d\x1f"), parse_crl_points, true},
    {CS_STR_INIT("\x2b\x06\x01\x05\x05\x07\x01\x01"), parse_authority_info, false},
    {CS_STR_INIT("\x55\x1d\x20"), parse_nothing, true}, /* certificatePolicies */
    {CS_STR_INIT("\x55\x1d\x21"), parse_nothing, true}, /* policyMappings */
    {CS_STR_INIT("\x55\x1d\x24"), parse_nothing, true}, /* policyConstraints */
    {CS_STR_INIT("\x55\x1d\x36"), parse_nothing, true}, /* inhibitAnyPolicy */
};

enum { N_KNOWN = sizeof(extensions) / sizeof(extensions[0]), EXTENSIONS_MAX = 64 };

/* The OIDs that were seen, to refuse a second one (section 4.2). */
struct seen {
    struct cs_str oids[EXTENSIONS_MAX];
    size_t n;
};

static bool note_extension(struct cs_fields *p, struct seen *seen, struct cs_str oid)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (cs_str_eq(seen->oids[i], oid))
            return malformed(p, "extensions", "one of them occurs twice");
    }
    if (seen->n == EXTENSIONS_MAX)
        return malformed(p, "extensions", "there are more than 64");
    seen->oids[seen->n++] = oid;
    return true;
}

static bool parse_extension(struct cs_fields *p, struct seen *seen, const struct cs_extension *ext)
{
    const struct extension *known = NULL;

    if (!note_extension(p, seen, ext->oid))
        return false;
    for (size_t i = 0; i < N_KNOWN && !known; i++) {
        if (cs_str_eq(extensions[i].oid, ext->oid))
            known = &extensions[i];
    }
    if (ext->critical && !(known && known->may_be_critical) && !p->cert->has_unknown_critical) {
        p->cert->has_unknown_critical = true;
        p->cert->unknown_critical = cs_der_oid_text(ext->oid, p->arena);
    }
    return !known || known->parse(p, ext->value, ext->critical);
}

bool cs_fields_extensions(struct cs_fields *p, struct cs_str list)
{
    struct seen seen = {.n = 0};
    struct cs_extension ext;

    p->cert->extensions = list;
    while (list.len) {
        if (!cs_extension_next(&list, &ext))
            return malformed(p, "extensions", "one of them is not an Extension in DER");
        if (!parse_extension(p, &seen, &ext))
            return false;
    }
    return true;
}

/* Sections 4.1.2.8 (unique identifiers, passed over) and 4.1.2.9. */
static bool parse_extensions(struct cs_fields *p, struct cs_str *tbs)
{
    struct cs_str explicit, list, id;
    bool there;

    if (!cs_der_optional(tbs, CS_DER_CONTEXT(1), &there, &id) ||
        !cs_der_optional(tbs, CS_DER_CONTEXT(2), &there, &id) ||
        !cs_der_optional(tbs, CS_DER_CONTEXT(3) | CS_DER_CONSTRUCTED, &there, &explicit))
        return malformed(p, "extensions", "they are not DER");
    if (!there)
        return true;
    if (p->cert->version != 3)
        return malformed(p, "extensions", "the certificate is not of version 3 and has some");
    if (!cs_der_take(&explicit, CS_DER_SEQUENCE, &list) || explicit.len || list.len == 0)
        return malformed(p, "extensions", "they are not a list");
    return cs_fields_extensions(p, list);
}

/* ---- the whole ---- */

/* Section 4.1.2. */
static bool parse_tbs(struct cs_fields *p, struct cs_str tbs, struct cs_str outer_algorithm)
{
    struct cs_str algorithm;

    if (!parse_version(p, &tbs) || !parse_serial(p, &tbs))
        return false;
    if (!cs_der_take_whole(&tbs, CS_DER_SEQUENCE, &algorithm) ||
        !cs_str_eq(algorithm, outer_algorithm))
        return malformed(p, "signature algorithm", "inside and outside it differ");
    if (!parse_signature_algorithm(p, algorithm) ||
        !cs_fields_name(p, &tbs, "issuer", &p->cert->issuer) || !parse_validity(p, &tbs) ||
        !cs_fields_name(p, &tbs, "subject", &p->cert->subject) || !cs_fields_spki(p, &tbs) ||
        !parse_extensions(p, &tbs))
        return false;
    return tbs.len == 0 || malformed(p, "end", "something follows the extensions");
}

/* Section 4.1.1. */
static bool parse_certificate(struct cs_fields *p, struct cs_str der)
{
    struct cs_str certificate, tbs, whole, algorithm, signature;
    unsigned unused;

    if (!cs_der_take(&der, CS_DER_SEQUENCE, &certificate) || der.len)
        return malformed(p, "encoding", "it is not one SEQUENCE in DER");
    if (!cs_der_take_whole(&certificate, CS_DER_SEQUENCE, &whole) ||
        !cs_der_take_whole(&certificate, CS_DER_SEQUENCE, &algorithm) ||
        !cs_der_bits(&certificate, &signature, &unused) || certificate.len || unused)
        return malformed(p, "encoding", "it is not a Certificate");
    p->cert->tbs = whole;
    (void)cs_der_take(&whole, CS_DER_SEQUENCE, &tbs);
    return parse_tbs(p, tbs, algorithm);
}

static void warn_portability(struct cs_fields *p)
{
    if (cs_name_is_empty(p->cert->subject) && p->cert->san.present && !p->cert->san.critical)
        CS_FIND(p->findings, CS_X509_KIND(EMPTY_SUBJECT_SAN_NOT_CRITICAL), NULL,
                CS_STR("certificate"));
}

int cs_cert_parse(struct cs_str der, struct cs_arena *arena, struct cs_findings *findings,
                  struct cs_cert *ret_cert)
{
    struct cs_cert cert = {.der = der, .path_len = -1};
    struct cs_fields p = {.arena = arena,
                          .findings = findings,
                          .cert = &cert,
                          .what = CS_STR("certificate"),
                          .malformed = CS_X509_KIND(MALFORMED_CERTIFICATE)};

    if (!parse_certificate(&p, der))
        return CS_CERT_REFUSED;
    warn_portability(&p);
    SHA256((const uint8_t *)der.ptr, der.len, cert.sha256);
    SHA1((const uint8_t *)der.ptr, der.len, cert.sha1);
    *ret_cert = cert;
    return 0;
}

/* ---- as text ---- */

bool cs_cert_self_issued(const struct cs_cert *cert)
{
    return cs_name_eq(cert->subject, cert->issuer);
}

static struct cs_str add_word(struct cs_arena *arena, struct cs_str text, struct cs_str word)
{
    return cs_arena_printf(arena, "%.*s%s%.*s", CS_FMT(text), text.len ? ", " : "", CS_FMT(word));
}

struct cs_str cs_cert_key_usage_text(const struct cs_cert *cert, struct cs_arena *arena)
{
    static const char *const words[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                        "dataEncipherment", "keyAgreement",   "keyCertSign",
                                        "cRLSign",          "encipherOnly",   "decipherOnly"};
    struct cs_str text = {0};

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cert->key_usage & 1u << i)
            text = add_word(arena, text, cs_str_from(words[i]));
    }
    return text.len ? text : CS_STR("none");
}

/* Of a list that a peer wrote, what is put into a sentence. */
enum { SHOWN = 12 };

static struct cs_str and_more(struct cs_arena *arena, struct cs_str text, size_t n)
{
    return n <= SHOWN ? text : cs_arena_printf(arena, "%.*s and %zu more", CS_FMT(text), n - SHOWN);
}

struct cs_str cs_cert_eku_text(const struct cs_cert *cert, struct cs_arena *arena)
{
    struct cs_str text = {0};

    for (size_t i = 0; i < sizeof(ext_usages) / sizeof(ext_usages[0]); i++) {
        if (cert->eku & ext_usages[i].value)
            text = add_word(arena, text, ext_usages[i].name);
    }
    for (size_t i = 0; i < cert->eku_others.n && i < SHOWN; i++)
        text = add_word(arena, text, cert->eku_others.items[i]);
    text = and_more(arena, text, cert->eku_others.n);
    return text.len ? text : CS_STR("none");
}

struct cs_str cs_ip_text(struct cs_str ip, struct cs_arena *arena)
{
    struct cs_addr addr = {0};
    char buf[CS_ADDR_TEXT];

    if (ip.len == 4) {
        addr.in4.sin_family = AF_INET;
        addr.len = sizeof(addr.in4);
        memcpy(&addr.in4.sin_addr, ip.ptr, 4);
    } else {
        addr.in6.sin6_family = AF_INET6;
        addr.len = sizeof(addr.in6);
        memcpy(&addr.in6.sin6_addr, ip.ptr, 16);
    }
    return cs_arena_dup(arena, cs_addr_ip_text(&addr, buf));
}

struct cs_str cs_cert_names_text(const struct cs_cert *cert, struct cs_arena *arena)
{
    const struct {
        const char *prefix;
        struct cs_names names;
    } lists[] = {{"DNS:", cert->san.dns},
                 {"URI:", cert->san.uri},
                 {"IP:", cert->san.ip},
                 {"email:", cert->san.email}};
    struct cs_str text = {0};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (size_t k = 0; k < lists[i].names.n; k++) {
            struct cs_str name = lists[i].names.items[k];
            if (n++ >= SHOWN)
                continue;
            if (lists[i].names.items == cert->san.ip.items)
                name = cs_ip_text(name, arena);
            text = add_word(arena, text,
                            cs_arena_printf(arena, "%s%.*s", lists[i].prefix, CS_FMT(name)));
        }
    }
    text = and_more(arena, text, n);
    return text.len ? text : CS_STR("none");
}

/* Two's complement in place. */
static void negate(uint8_t *bytes, size_t len)
{
    unsigned carry = 1;

    for (size_t i = len; i-- > 0;) {
        unsigned v = (uint8_t)~bytes[i] + carry;
        bytes[i] = (uint8_t)v;
        carry = v >> 8;
    }
}

struct cs_str cs_serial_text(struct cs_str serial, struct cs_arena *arena)
{
    uint8_t *bytes = (uint8_t *)cs_arena_raw(arena, serial.len + 1);
    char *text = cs_arena_raw(arena, 2 * serial.len + 2);
    bool negative = serial.len && (uint8_t)serial.ptr[0] >= 0x80;
    size_t len = serial.len;

    if (len == 0)
        return CS_STR("00");
    memcpy(bytes, serial.ptr, len);
    if (negative)
        negate(bytes, len);
    while (len > 1 && bytes[0] == 0) {
        bytes++;
        len--;
    }
    text[0] = '-';
    cs_hex_encode(bytes, len, true, text + negative);
    return cs_str_make(text, 2 * len + negative);
}
