/* What somebody has in files: certificates, requests, revocation lists and keys of any number and
 * order, in PEM or DER, and how they belong together.
 *
 * For looking at, not for trusting: every block is read as far as it goes, and what is wrong with
 * one is a finding at that block while the others are read all the same. No secret is kept: of a
 * private key only its kind and its public half remain. Pure.
 */
#ifndef CS_X509_BUNDLE_H
#define CS_X509_BUNDLE_H

#include "base/arena.h"
#include "base/findings.h"
#include "x509/cert.h"
#include "x509/crl.h"
#include "x509/list.h"
#include "x509/request.h"

/* The most items that all files of a bundle may have. */
#define CS_BUNDLE_ITEMS_MAX 4096

enum cs_item_kind {
    CS_ITEM_NOTHING, /* could not be read: its findings say why */
    CS_ITEM_CERT,
    CS_ITEM_REQUEST,
    CS_ITEM_LIST,
    CS_ITEM_KEY,        /* private */
    CS_ITEM_PUBLIC_KEY, /* alone */
};

/* A key, without what is secret of it. */
struct cs_item_key {
    struct cs_cert public; /* key_…, spki, spki_sha256; kind CS_KEY_UNKNOWN and spki empty when
                              they are not known */
    bool encrypted;
    const char *form; /* "PKCS#8"; static */
};

struct cs_item {
    enum cs_item_kind kind;
    size_t file;           /* number of the source, from 0 */
    unsigned block;        /* its place in the file, from 1 */
    struct cs_place place; /* file, and the line of its BEGIN (0: DER) */
    struct cs_str label;   /* of the PEM block; "DER" */
    struct cs_findings findings;

    struct cs_cert cert;
    struct cs_csr request;
    struct cs_crl list;
    struct cs_item_key key;

    /* By cs_bundle_relate(). */
    struct cs_item *issuer; /* of a certificate or list: whose key signed it; a root's is itself */
    struct cs_item *namesake; /* no issuer, but a certificate of its issuer's name */
    struct cs_item *owner;    /* of a key: the certificate, or else the request, that it is for */
};

struct cs_bundle {
    struct cs_arena *arena;
    struct cs_item **items;
    size_t n, room;
    size_t n_files;
};

/** cs_bundle_init() - an empty bundle whose items live in @arena, as long as the bytes of the
 *  sources do. */
void cs_bundle_init(struct cs_bundle *bundle, struct cs_arena *arena);
/** cs_bundle_add() - the items of one more file. A file without any, and whatever cannot be read,
 *  is an item of kind CS_ITEM_NOTHING with a finding. Private keys are wiped from where they were
 *  decoded to; wiping @source is the caller's. */
void cs_bundle_add(struct cs_bundle *bundle, const struct cs_source *source);
/** cs_bundle_relate() - find out what belongs together: issuers (name and signature), owners of
 *  keys. Once, when all files are added. */
void cs_bundle_relate(struct cs_bundle *bundle);
/** cs_bundle_lint() - x509/lint.h for every item, into its findings, after relating. @role is
 *  or-ed to what leaf certificates claim (enum cs_lint_role; 0: only that). A single key beside a
 *  single leaf certificate that it is not for is an error. */
void cs_bundle_lint(struct cs_bundle *bundle, unsigned role, int64_t now_sec);

#endif
