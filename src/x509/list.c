/* The frame of a list, its extensions and its entries. Nothing is judged here: a list that covers
 * only a part, or completes another one, is read like any other and says so. */
#include "x509/list.h"

#include "x509/der.h"
#include "x509/extension.h"
#include "x509/name.h"
#include "x509/signature.h"

/* The longest serial number that an entry may have. */
enum { SERIAL_MAX = 64 };

struct reader {
    struct cs_crl *list;
    struct cs_crl_fault *fault;
};

static bool malformed(struct reader *r, const char *part, const char *why)
{
    *r->fault = (struct cs_crl_fault){part, why};
    return false;
}

/* Extensions of lists and entries are all of the arc 2.5.29. Return: its last number, or -1. */
static int short_oid(struct cs_str oid)
{
    return oid.len == 3 && oid.ptr[0] == 0x55 && oid.ptr[1] == 0x1d ? (uint8_t)oid.ptr[2] : -1;
}

enum { ID_CRL_NUMBER = 20, ID_REASON = 21, ID_DELTA = 27, ID_IDP = 28, ID_AKI = 35 };

static bool read_aki(struct reader *r, struct cs_str value)
{
    struct cs_str aki;

    if (!cs_der_take(&value, CS_DER_SEQUENCE, &aki) || value.len ||
        !cs_der_optional(&aki, CS_DER_CONTEXT(0), &r->list->has_aki, &r->list->aki))
        return malformed(r, "authorityKeyIdentifier", "it is not a SEQUENCE");
    return true;
}

static bool read_number(struct reader *r, struct cs_str value)
{
    return (cs_der_integer(&value, &r->list->number) && !value.len) ||
           malformed(r, "cRLNumber", "it is not an INTEGER");
}

static bool read_extension(struct reader *r, const struct cs_extension *ext)
{
    struct cs_crl *list = r->list;

    switch (short_oid(ext->oid)) {
    case ID_AKI: return read_aki(r, ext->value);
    case ID_CRL_NUMBER: return read_number(r, ext->value);
    case ID_DELTA: list->is_delta = true; return true;
    case ID_IDP:
        list->has_issuing_point = true;
        list->issuing_point = ext->value;
        return true;
    default: break;
    }
    if (ext->critical && !list->unknown_critical.len)
        list->unknown_critical = ext->oid;
    return true;
}

/* Section 5.2. */
static bool read_extensions(struct reader *r)
{
    enum { MAX = 32 };
    struct cs_str rest = r->list->extensions, seen[MAX];
    struct cs_extension ext;

    for (size_t n = 0; rest.len; n++) {
        if (!cs_extension_next(&rest, &ext))
            return malformed(r, "extensions", "one of them is not an Extension");
        if (n == MAX)
            return malformed(r, "extensions", "there are more than 32");
        for (size_t i = 0; i < n; i++) {
            if (cs_str_eq(seen[i], ext.oid))
                return malformed(r, "extensions", "one of them occurs twice");
        }
        seen[n] = ext.oid;
        if (!read_extension(r, &ext))
            return false;
    }
    return true;
}

/* How many entries, and the longest serial number. */
static bool count_entries(struct reader *r)
{
    struct cs_str rest = r->list->entries, entry, serial;

    while (rest.len) {
        if (!cs_der_take(&rest, CS_DER_SEQUENCE, &entry) || !cs_der_integer(&entry, &serial))
            return malformed(r, "revokedCertificates", "an entry has no serial number");
        if (serial.len > SERIAL_MAX)
            return malformed(r, "revokedCertificates", "a serial number has over 64 bytes");
        if (serial.len > r->list->serial_max)
            r->list->serial_max = serial.len;
        r->list->n_entries++;
    }
    return true;
}

static bool read_times(struct reader *r, struct cs_str *tbs)
{
    struct cs_str before = *tbs;

    r->list->next_update = INT64_MAX;
    if (!cs_der_time(tbs, &r->list->this_update))
        return malformed(r, "thisUpdate", "it is not a time");
    if ((cs_der_next_is(*tbs, CS_DER_UTC_TIME) || cs_der_next_is(*tbs, CS_DER_GENERALIZED_TIME)) &&
        !cs_der_time(tbs, &r->list->next_update))
        return malformed(r, "nextUpdate", "it is not a time");
    r->list->times = cs_str_sub(before, 0, before.len - tbs->len);
    return true;
}

/* Section 5.1.2. */
static bool read_tbs(struct reader *r)
{
    struct cs_str whole = r->list->tbs, tbs, inner, explicit;
    uint64_t version = 0;
    bool there;

    (void)cs_der_take(&whole, CS_DER_SEQUENCE, &tbs);
    if (cs_der_next_is(tbs, CS_DER_INTEGER) && (!cs_der_uint(&tbs, 1, &version) || version != 1))
        return malformed(r, "version", "it is not 2");
    r->list->version = (unsigned)version + 1;
    if (!cs_der_take_whole(&tbs, CS_DER_SEQUENCE, &inner) || !cs_str_eq(inner, r->list->algorithm))
        return malformed(r, "signature algorithm", "inside and outside it differ");
    if (!cs_der_take_whole(&tbs, CS_DER_SEQUENCE, &r->list->issuer) ||
        cs_name_check(r->list->issuer) != CS_NAME_FINE)
        return malformed(r, "issuer", "it is not a name, or has control characters");
    if (!read_times(r, &tbs))
        return false;
    if (!cs_der_optional(&tbs, CS_DER_SEQUENCE, &there, &r->list->entries) ||
        !cs_der_optional(&tbs, CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED, &there, &explicit) ||
        tbs.len)
        return malformed(r, "encoding", "it is not a TBSCertList");
    if (there && (version != 1 || !cs_der_take(&explicit, CS_DER_SEQUENCE, &r->list->extensions) ||
                  explicit.len))
        return malformed(r, "extensions", "they are not a list, or the version is not 2");
    return read_extensions(r) && count_entries(r);
}

bool cs_crl_parse(struct cs_str der, struct cs_crl *ret_list, struct cs_crl_fault *ret_fault)
{
    struct reader r = {ret_list, ret_fault};
    struct cs_signed parts;

    *ret_list = (struct cs_crl){.der = der};
    if (!cs_signed_split(der, &parts))
        return malformed(&r, "encoding", "it is not a CertificateList in DER");
    ret_list->tbs = parts.tbs;
    ret_list->algorithm = parts.algorithm;
    ret_list->signature = parts.signature;
    return read_tbs(&r);
}

/* Section 5.3: only the reason is kept. */
static const char *read_entry_extensions(struct cs_str list, struct cs_crl_entry *entry)
{
    struct cs_extension ext;
    struct cs_str reason;

    while (list.len) {
        if (!cs_extension_next(&list, &ext))
            return "an entry's extension is not one";
        if (short_oid(ext.oid) == ID_REASON) {
            if (!cs_der_take(&ext.value, CS_DER_ENUMERATED, &reason) || reason.len != 1)
                return "a reason is not a small number";
            entry->reason = (uint8_t)reason.ptr[0];
        } else if (ext.critical) {
            entry->unknown_critical = true;
        }
    }
    return NULL;
}

const char *cs_crl_next(struct cs_str *entries, struct cs_crl_entry *ret_entry)
{
    struct cs_crl_entry entry = {0};
    struct cs_str content, extensions = {0};
    const char *why;

    if (!cs_der_take(entries, CS_DER_SEQUENCE, &content) ||
        !cs_der_integer(&content, &entry.serial))
        return "an entry has no serial number";
    if (!cs_der_time(&content, &entry.date))
        return "an entry has no date";
    if (content.len && (!cs_der_take(&content, CS_DER_SEQUENCE, &extensions) || content.len))
        return "an entry has more than it may";
    why = read_entry_extensions(extensions, &entry);
    if (!why)
        *ret_entry = entry;
    return why;
}
