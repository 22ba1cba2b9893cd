/* A revocation list (RFC 5280 section 5) as a plain value: who made it, when, what it covers, and
 * its entries one after the other. What is decided by lists is x509/crl.h's, which reads them with
 * these functions and keeps what it needs.
 */
#ifndef CS_X509_LIST_H
#define CS_X509_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct cs_crl {
    struct cs_str der;       /* the whole list, as given in */
    struct cs_str tbs;       /* the signed part, header included */
    struct cs_str algorithm; /* AlgorithmIdentifier of the signature, header included */
    struct cs_str signature;
    unsigned version;      /* 1 or 2 */
    struct cs_str issuer;  /* DER of the Name */
    struct cs_str times;   /* thisUpdate and nextUpdate, as they are written */
    int64_t this_update;   /* seconds since 1970 */
    int64_t next_update;   /* INT64_MAX: it names none */
    struct cs_str entries; /* for cs_crl_next() */
    size_t n_entries;
    size_t serial_max; /* bytes of the longest serial number in it */

    struct cs_str extensions; /* content of their SEQUENCE: x509/extension.h reads it */
    bool has_aki;
    struct cs_str aki;              /* keyIdentifier of authorityKeyIdentifier, or empty */
    struct cs_str number;           /* cRLNumber, content of the INTEGER; empty: none */
    bool is_delta;                  /* deltaCRLIndicator: it completes another list */
    bool has_issuing_point;         /* it may cover only a part of the certificates */
    struct cs_str issuing_point;    /* value of issuingDistributionPoint */
    struct cs_str unknown_critical; /* identifier of the first critical extension that is none of
                                       these, content octets; empty: none */
};

/* Why a list cannot be read. */
struct cs_crl_fault {
    const char *part; /* "thisUpdate"; static */
    const char *why;
};

/** cs_crl_parse() - parse one list. @der is borrowed. Entries are counted and their serial numbers
 *  read; the rest of an entry is cs_crl_next()'s. The signature is not checked. Pure.
 *  Return: true: *@ret_list; false: *@ret_fault says why not, and *@ret_list holds what was read
 *  before, so that a complaint can name the issuer. */
bool cs_crl_parse(struct cs_str der, struct cs_crl *ret_list, struct cs_crl_fault *ret_fault);

struct cs_crl_entry {
    struct cs_str serial; /* content of the INTEGER */
    int64_t date;
    unsigned reason; /* section 5.3.1 */
    bool unknown_critical;
};

/** cs_crl_next() - the next entry of *@entries, which moves behind it; *@entries is not empty.
 *  Return: NULL, or why it cannot be read. */
const char *cs_crl_next(struct cs_str *entries, struct cs_crl_entry *ret_entry);

#endif
