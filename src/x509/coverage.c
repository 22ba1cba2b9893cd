/* The issuing distribution point says what a list leaves out; whatever of it is not understood
 * refuses the list, because one that is read too broadly lets revoked certificates pass. */
#include "x509/coverage.h"

#include "x509/der.h"

/* The members of IssuingDistributionPoint by their tags. */
enum {
    POINT = CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED,
    ONLY_USERS = CS_DER_CONTEXT(1),
    ONLY_CAS = CS_DER_CONTEXT(2),
    SOME_REASONS = CS_DER_CONTEXT(3),
    INDIRECT = CS_DER_CONTEXT(4),
    ONLY_ATTRIBUTES = CS_DER_CONTEXT(5),
    FULL_NAME = CS_DER_CONTEXT(0) | CS_DER_CONSTRUCTED,
};

struct issuing_point {
    bool has_name, users, cas, reasons, indirect, attributes;
    struct cs_str name;
};

/* One that is TRUE, or is not there: DER leaves out a default. */
static bool take_flag(struct cs_str *in, uint8_t tag, bool *ret_flag)
{
    struct cs_str value;

    return cs_der_optional(in, tag, ret_flag, &value) &&
           (!*ret_flag || cs_str_eq(value, CS_STR("\xff")));
}

static bool parse(struct cs_str value, struct issuing_point *p)
{
    struct cs_str rest, reasons;

    return cs_der_take(&value, CS_DER_SEQUENCE, &rest) && !value.len &&
           cs_der_optional(&rest, POINT, &p->has_name, &p->name) &&
           take_flag(&rest, ONLY_USERS, &p->users) && take_flag(&rest, ONLY_CAS, &p->cas) &&
           cs_der_optional(&rest, SOME_REASONS, &p->reasons, &reasons) &&
           take_flag(&rest, INDIRECT, &p->indirect) &&
           take_flag(&rest, ONLY_ATTRIBUTES, &p->attributes) && !rest.len;
}

/* DistributionPointName with a fullName of at least one GeneralName. */
static bool take_full_name(struct cs_str point, struct cs_str *ret_names)
{
    struct cs_der_element name;
    struct cs_str names, rest;

    if (!cs_der_take(&point, FULL_NAME, &names) || point.len || !names.len)
        return false;
    for (rest = names; rest.len;) {
        if (!cs_der_any(&rest, &name))
            return false;
    }
    *ret_names = names;
    return true;
}

const char *cs_coverage_read(const struct cs_crl *list, struct cs_coverage *ret_coverage)
{
    struct cs_coverage coverage = {.is_part = list->has_issuing_point};
    struct issuing_point p = {0};

    if (coverage.is_part && !parse(list->issuing_point, &p))
        return "its issuing distribution point cannot be read";
    if (p.indirect)
        return "it is an indirect list, with certificates of several issuers";
    if (p.reasons)
        return "it has an issuing distribution point for some reasons of revocation only";
    if (p.attributes)
        return "it has an issuing distribution point for attribute certificates only";
    if (p.users && p.cas)
        return "it has an issuing distribution point that leaves out every certificate";
    if (p.has_name && !take_full_name(p.name, &coverage.names))
        return "it has an issuing distribution point without a full name";
    if (coverage.is_part && !p.has_name && !p.users && !p.cas)
        return "it has an issuing distribution point that says nothing";
    coverage.users = !p.cas;
    coverage.cas = !p.users;
    *ret_coverage = coverage;
    return NULL;
}

/* Section 4.2.1.13: a point with reasons has a part of the truth, one with a cRLIssuer belongs to
 * indirect lists; both stand behind the name. */
static void add_point(struct cs_str point, struct cs_points *points)
{
    struct cs_der_element e;
    struct cs_str name, names;

    if (!cs_der_take(&point, POINT, &name) || point.len || !take_full_name(name, &names))
        return;
    while (points->n < CS_POINTS_MAX && names.len && cs_der_any(&names, &e))
        points->names[points->n++] = e.whole;
}

void cs_points_of(const struct cs_cert *cert, struct cs_points *points)
{
    struct cs_str rest = cert->crl_points, point;

    points->n = 0;
    while (rest.len && cs_der_take(&rest, CS_DER_SEQUENCE, &point))
        add_point(point, points);
}

static bool is_named(struct cs_str names, const struct cs_points *points)
{
    struct cs_der_element name;

    while (names.len && cs_der_any(&names, &name)) {
        for (size_t i = 0; i < points->n; i++) {
            if (cs_str_eq(name.whole, points->names[i]))
                return true;
        }
    }
    return false;
}

bool cs_coverage_has(const struct cs_coverage *coverage, const struct cs_cert *cert,
                     const struct cs_points *points)
{
    if (!coverage->is_part)
        return true;
    if (!(cert->ca ? coverage->cas : coverage->users))
        return false;
    return !coverage->names.len || is_named(coverage->names, points);
}
