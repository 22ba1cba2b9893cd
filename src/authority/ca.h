/* The private CA: its folder, its keys, and all that it does.
 *
 * A CA is a folder (mode 0700; what is written into it later belongs to its owner):
 *
 *   root.pem          the roots to be trusted: what clients are given
 *   root-N.pem, .key  a root and its encrypted key, which may be taken away
 *   issuer-N.pem .key what signs certificates, and its encrypted key; N counts all CA certificates
 *   passphrase        opens the keys, unless they were made with one from elsewhere
 *   store.sqlite      what was issued, revoked, promised and done (store/store.h)
 *   crl/N.crl         the last complete list of each
 *
 * Keys are opened once and stay in memory until cs_ca_close(), which wipes them. One process
 * writes at a time; a `ca` command beside a running authority is fine, each sees what the other
 * has committed.
 *
 * What is signed is judged and linted first, then recorded, then signed, and handed out after the
 * commit: cs_ca_sign() writes the audit entry and takes the token, signs in memory, stores the
 * certificate, all in one transaction; what is returned to the caller of a group (cs_ca_begin())
 * must not leave the process before cs_ca_commit() has returned 0. So there is no certificate
 * anywhere that the store does not know, and none in the store that the log does not.
 *
 * Outcomes: 0; CS_CA_REFUSED with findings, and nothing has changed; a negative errno, which is a
 * fault (store/store.h names them): in a group nothing of it can be kept, roll it back. Times are
 * seconds since 1970 and come in as arguments. Not for several threads.
 */
#ifndef CS_AUTHORITY_CA_H
#define CS_AUTHORITY_CA_H

#include <stdbool.h>
#include <stdint.h>

#include "x509/claim.h"
#include "authority/make.h"
#include "authority/order.h"
#include "authority/profile.h"
#include "base/arena.h"
#include "base/findings.h"
#include "store/store.h"
#include "x509/request.h"

#define CS_CA_DIR "/var/lib/countersign/ca"
#define CS_CA_SERIAL_LEN 16
/* Who asks for what the authority itself shows. No host has such a name. */
#define CS_CA_ITSELF CS_STR("the authority")
/* "cst_" and 43 characters of base64url. */
#define CS_CA_TOKEN_LEN 47

enum { CS_CA_REFUSED = 1 };

struct cs_ca;

/* ---- made, opened, closed ---- */

struct cs_ca_setup {
    const char *dir;
    struct cs_str name; /* "Example": its CAs are "Example Root CA 1", "Example Issuing CA 2" */
    struct cs_names domains;  /* DNS domains that it is kept to; none: it may issue for all names */
    struct cs_str passphrase; /* empty: a random one, kept in the folder */
    struct cs_str public_url; /* where its lists can be had; empty: certificates do not say */
    enum cs_make_key_kind key;
    int64_t root_ttl_sec, issuer_ttl_sec;
};

enum cs_proof {
    CS_PROOF_COMMAND,     /* runs a command here, and may read the folder */
    CS_PROOF_TOKEN,       /* has a join token */
    CS_PROOF_CERTIFICATE, /* has the private key of a certificate of this CA */
    CS_PROOF_SERVICE,     /* is a process of this service */
};

/* Who asks. */
struct cs_requester {
    enum cs_proof proof;
    struct cs_str actor; /* "root", an identity; for a token empty */
    struct cs_str peer;  /* the address that it came from, or empty */
    struct cs_str token; /* with CS_PROOF_TOKEN, as it was given */
    struct cs_str key;   /* what tells two orders for the same apart; empty: they are one */
};

/** cs_ca_passphrase() - the pass phrase in @text: its first line, of 1 to 1000 bytes. Return:
 * false: there is none. */
bool cs_ca_passphrase(struct cs_str text, struct cs_str *ret_passphrase);

/** cs_ca_init() - make a CA: root, issuing CA, store, in a folder beside @setup->dir that becomes
 *  it in one step at the end. What an interrupted call left is removed by the next. The issuing
 *  CA has critical name constraints to @setup->domains (dNSName only: many peers refuse whatever
 *  has a constraint on URIs), and the built-in profiles keep to them for all kinds of names. The
 *  parent folder is locked meanwhile. Return: 0, CS_CA_REFUSED, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_init(const struct cs_ca_setup *setup,
                                                   const struct cs_requester *who, int64_t now_sec,
                                                   struct cs_findings *findings);

struct cs_block;

enum cs_ca_flag {
    CS_CA_READ = 1, /* to look only: no pass phrase, no keys, no changes */
};

struct cs_ca_options {
    const char *dir;
    unsigned flags;               /* enum cs_ca_flag */
    struct cs_str passphrase;     /* empty: the one in the folder */
    struct cs_str public_url;     /* empty: the one that the store knows; else it learns this one */
    const struct cs_block *block; /* an authority block with profiles, or NULL; borrowed */
};

/** cs_ca_open() - the CA in a folder. Close with cs_ca_close(). Not to be used across fork().
 *  Return: 0, CS_CA_REFUSED, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_open(const struct cs_ca_options *options,
                                                   struct cs_findings *findings,
                                                   struct cs_ca **ret_ca);
/** cs_ca_close() - end it; keys and pass phrase are wiped. NULL is fine. */
void cs_ca_close(struct cs_ca *ca);
/** cs_ca_error() - the last fault in words, or empty. Borrowed until the next call. */
const char *cs_ca_error(const struct cs_ca *ca);
/** cs_ca_get0_store() - its store, for reading. */
struct cs_store *cs_ca_get0_store(struct cs_ca *ca);
/** cs_ca_profiles() - what it may issue. Lives as long as @ca. */
const struct cs_profiles *cs_ca_profiles(const struct cs_ca *ca);
/** cs_ca_public_url() - where its lists can be had, or empty. */
struct cs_str cs_ca_public_url(const struct cs_ca *ca);
/** cs_ca_shards() - how many parts a list has. */
unsigned cs_ca_shards(const struct cs_ca *ca);

/** cs_ca_begin() - a group of changes: all are durable after one cs_ca_commit(), or none was made.
 *  Without one every change is a group of its own. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_begin(struct cs_ca *ca);
/** cs_ca_commit() - end the group. Return: 0, or a fault: nothing of it was kept. */
__attribute__((warn_unused_result)) int cs_ca_commit(struct cs_ca *ca);
/** cs_ca_rollback() - end the group; nothing of it was kept. */
void cs_ca_rollback(struct cs_ca *ca);

/* ---- CA certificates ---- */

/* A root or an issuing CA. Of several active ones the last one activated signs; those before it
 * wait to be retired. */
struct cs_issuer {
    uint32_t id;
    enum cs_issuer_state state;
    bool is_root;
    struct cs_cert cert;
    struct cs_str key_file;                        /* its name in the folder */
    int64_t prepared_at, activated_at, retired_at; /* 0: not yet */
    struct evp_pkey_st *key;                       /* opened, or NULL */
};

/** cs_ca_issuers() - all CA certificates by number; *@ret_n of them. Lives until the next call that
 *  may change something. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int
cs_ca_issuers(struct cs_ca *ca, const struct cs_issuer **ret_issuers, size_t *ret_n);
/** cs_ca_signing() - the root or issuing CA that signs now; NULL: there is none. Lives as what
 *  cs_ca_issuers() gives. */
struct cs_issuer *cs_ca_signing(struct cs_ca *ca, bool root);
/** cs_ca_roots() - the roots to be trusted now, PEM, appended to @pem. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_roots(struct cs_ca *ca, struct cs_buf *pem);
/** cs_ca_chain() - what is presented behind a certificate that @issuer signed, PEM, appended to
 *  @pem: the issuer, and as long as an older root than its own is not retired, its root as that one
 *  has certified it, for those who know only the older one. Return: 0, -ENOENT (no such issuer), or
 * a fault. */
__attribute__((warn_unused_result)) int cs_ca_chain(struct cs_ca *ca, uint32_t issuer,
                                                    struct cs_buf *pem);

enum cs_ca_step { CS_CA_PREPARE, CS_CA_ACTIVATE, CS_CA_RETIRE };

struct cs_ca_rotation {
    bool root; /* else the issuing CA */
    enum cs_ca_step step;
    bool force;    /* to retire: whoever it locks out; @findings name them all the same */
    bool has_kind; /* to prepare: keys of this kind; else of the kind that there is */
    enum cs_make_key_kind kind;
    int64_t ttl_sec; /* to prepare: how long it lives; 0: as long as the one that there is */
};

/** cs_ca_rotate() - one step from one CA certificate to the next; *@ret_id is the one it was about.
 *
 *  Issuing CA. Prepare: a new one, signed by the root, whose key has to be here. Activate: it signs
 *  from now on. Retire: the one before is done with; refused while cs_ca_needed() has any:
 *  @findings name them.
 *
 *  Root. Prepare: a new one, which is trusted from now on beside the old one (cs_ca_roots(),
 *  root.pem) and certified by it; whoever enrols or renews learns it. Activate: it signs, and a new
 *  issuing CA below it, made now, does too. Retire: the old one and the issuing CAs below it are
 *  done with, and it is trusted no more; refused in the same way.
 *
 *  Not inside of a group. Return: 0, CS_CA_REFUSED, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_rotate(struct cs_ca *ca,
                                                     const struct cs_ca_rotation *rotation,
                                                     const struct cs_requester *who,
                                                     int64_t now_sec, struct cs_findings *findings,
                                                     uint32_t *ret_id);
/** cs_ca_needed() - @fn for each certificate that retiring the old root (@root) or issuing CA would
 *  lock out: one that needs it, is valid, is not revoked, and was not renewed. That another
 *  certificate of the same name was issued since does not count: a name may have several holders,
 *  and of a renewal alone is it known whose it is. Nor do the authority's own count, which it
 *  replaces itself. Return: 0, CS_CA_REFUSED (nothing is to be retired), what @fn returned, or a
 *  fault. */
__attribute__((warn_unused_result)) int cs_ca_needed(struct cs_ca *ca, bool root, int64_t now_sec,
                                                     cs_store_cert_fn fn, void *ctx,
                                                     struct cs_findings *findings);

/* ---- certificates ---- */

/* What was issued. Lives in the arena of the call. */
struct cs_issued {
    struct cs_str serial; /* CS_CA_SERIAL_LEN bytes */
    struct cs_str der;
    struct cs_str identity;
    struct cs_str profile;
    uint32_t issuer; /* cs_ca_chain() */
    int64_t not_before, not_after, renew_at;
    bool reused; /* the same was asked for before, and this was issued then */
};

/** cs_ca_sign() - a certificate for @order, from the active issuer. The same order of the same
 *  requester with the same key gets the certificate that it got before, until that is due for
 *  renewal or revoked. With a token: @order->profile may be empty (the token's), and so may be all
 *  names, if the token's are no patterns (then it is for these); every name has to be one of the
 *  token's; the token is used up; with the same token and key the same certificate comes again. */
__attribute__((warn_unused_result)) int cs_ca_sign(struct cs_ca *ca, const struct cs_order *order,
                                                   const struct cs_requester *who, int64_t now_sec,
                                                   struct cs_arena *arena,
                                                   struct cs_findings *findings,
                                                   struct cs_issued *ret_issued);
/** cs_ca_renew() - the next certificate for the holder of @old, which must be of this CA, neither
 *  expired nor revoked, and whose private key the caller has seen used. Names and profile are
 *  @old's; the profile's rules of today hold. @csr may name only what @old names. @ttl_sec 0: the
 *  profile's. The same @old with the same key gets the same certificate again. */
__attribute__((warn_unused_result)) int
cs_ca_renew(struct cs_ca *ca, const struct cs_cert *old, const struct cs_csr *csr, int64_t ttl_sec,
            const struct cs_requester *who, int64_t now_sec, struct cs_arena *arena,
            struct cs_findings *findings, struct cs_issued *ret_issued);
/** cs_ca_revoke() - the certificate with @serial (CS_CA_SERIAL_LEN bytes) is not to be trusted from
 *  now on; @reason as in RFC 5280 section 5.3.1 (0, 1, 3, 4, 5 or 9). *@ret_seq: the event that
 *  says so. */
__attribute__((warn_unused_result)) int cs_ca_revoke(struct cs_ca *ca, struct cs_str serial,
                                                     unsigned reason,
                                                     const struct cs_requester *who,
                                                     int64_t now_sec, struct cs_findings *findings,
                                                     uint64_t *ret_seq);
/** cs_ca_reason_parse() - "keyCompromise", "superseded" and so on as such a number.
 *  Return: 0, or -EINVAL. */
int cs_ca_reason_parse(struct cs_str text, unsigned *ret_reason);
/** cs_ca_reasons() - the words that it takes, with ", " between. Static. */
struct cs_str cs_ca_reasons(void);
/** cs_ca_serial_text() - CS_CA_SERIAL_LEN bytes in upper-case hex, without leading zero bytes, in
 *  @arena. */
struct cs_str cs_ca_serial_text(struct cs_str serial, struct cs_arena *arena);
/** cs_ca_serial_parse() - such a text (either case; ":" between bytes, "0x" before them and a
 * missing first zero are fine) or the content of an INTEGER as hex. Return: 0, or -EINVAL. */
int cs_ca_serial_parse(struct cs_str text, uint8_t ret_serial[CS_CA_SERIAL_LEN]);
/** cs_ca_serial_of() - the serial number of @cert as the store has it. Return: 0, or -EINVAL (it is
 *  longer: not ours). */
int cs_ca_serial_of(const struct cs_cert *cert, uint8_t ret_serial[CS_CA_SERIAL_LEN]);

/* ---- lists ---- */

/* A revocation list. */
struct cs_ca_list {
    struct cs_str der; /* borrowed until the next cs_ca_crl() */
    int64_t this_update, next_update;
    uint64_t number;
};

/** cs_ca_crl() - the revocation list of @issuer, with what has expired in the last day, too (RFC
 * 5280 section 3.3; a week for a root): complete (@shard -1), or that of one part (0 to
 *  cs_ca_shards() - 1), which certificates name in their cRLDistributionPoints. Made anew, with the
 *  next number, when something was revoked that it does not say, or half of its life has passed;
 *  a day for issuing CAs, a year for roots. A list of a root whose key is not here is the one in
 *  the folder. Not inside of a group. Return: 0, CS_CA_REFUSED, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_crl(struct cs_ca *ca, uint32_t issuer, int shard,
                                                  int64_t now_sec, struct cs_findings *findings,
                                                  struct cs_ca_list *ret_list);

/* ---- answers ---- */

/* What is said to who asks about single certificates (OCSP, RFC 6960). */
struct cs_ca_answer {
    struct cs_str der; /* an OCSPResponse, in the arena or borrowed until the next cs_ca_ocsp() */
    int64_t this_update, next_update; /* everybody gets the same; 0: for this request alone */
};

/** cs_ca_ocsp() - the answer to the OCSPRequest @request, signed by the issuing CA that it asks
 *  about. A request that cannot be read is answered with malformedRequest; one about another CA,
 *  about several or about a root with unauthorized. About a serial number that was never issued,
 *  or whose certificate has expired so long ago that it is in the archives, the answer is unknown.
 *  Answers live for a day. To one certificate and no nonce the same one is given until half of
 *  its life has passed or the certificate is revoked, by whichever process. Not inside of a group.
 *  Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_ocsp(struct cs_ca *ca, struct cs_str request,
                                                   int64_t now_sec, struct cs_arena *arena,
                                                   struct cs_ca_answer *ret_answer);
/** cs_ca_decline() - no answer: @responder_status as in RFC 6960 section 4.2.1, 3 for tryLater, in
 *  @arena. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int
cs_ca_decline(unsigned responder_status, struct cs_arena *arena, struct cs_ca_answer *ret_answer);

/* ---- tokens ---- */

struct cs_ca_token {
    struct cs_pattern_set names; /* whom it may name: at least one */
    struct cs_str profile;
    int64_t ttl_sec;
};

/** cs_ca_token_new() - a join token, good for one certificate. It is told once: the store has its
 *  digest only. Wipe *@ret_token after use. */
__attribute__((warn_unused_result)) int
cs_ca_token_new(struct cs_ca *ca, const struct cs_ca_token *token, const struct cs_requester *who,
                int64_t now_sec, struct cs_findings *findings, char ret_token[CS_CA_TOKEN_LEN + 1]);

/* ---- kept safe ---- */

/** cs_ca_backup() - a copy of the CA as a new folder @dir, as of one moment, while others go on:
 * the store, certificates, encrypted keys, lists; not the pass phrase, without which the copy is of
 * no use: keep that elsewhere. @dir is there whole or not at all. Return: 0, CS_CA_REFUSED
 * (something is there), or a fault. */
__attribute__((warn_unused_result)) int cs_ca_backup(struct cs_ca *ca, const char *dir,
                                                     const struct cs_requester *who,
                                                     int64_t now_sec, struct cs_findings *findings);

/* What a restored CA has that its backup has not. */
struct cs_ca_restored {
    uint64_t n_certs, n_revoked, n_tokens;
    char replaced[4096]; /* where what was in the folder is now; empty: nothing was */
};

/** cs_ca_restore() - make the CA in @options->dir the one that cs_ca_backup() has left in @backup.
 *  Nothing that is revoked, used or issued by then comes back to life: certificates, revocations,
 *  used tokens and CA certificates of the store that is there, if it can still be read, and
 *  revocations of the lists beside it and in @lists (files, DER or PEM) are taken over; if it
 *  cannot be read, no token of the backup is good any more. What was there is moved beside.
 *  Nobody may have that CA open. Return: 0, CS_CA_REFUSED, or a fault: nothing has changed. */
__attribute__((warn_unused_result)) int
cs_ca_restore(const struct cs_ca_options *options, const char *backup, const char *const *lists,
              size_t n_lists, const struct cs_requester *who, int64_t now_sec,
              struct cs_findings *findings, struct cs_ca_restored *ret_restored);

/** cs_ca_sweep() - a bounded part of what is due: certificates that expired a week ago or more, and
 *  entries of the log and events as old, leave what is in use. Certificates with their revocations
 *  and entries go to archives, where cs_store_cert_get() and the log still find them; archives end
 *  as the authority block's "keep" says. Not inside of a group. To be called again until *@ret_n is
 *  0; ended by anything at any moment, it has lost nothing. Return: 0, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_sweep(struct cs_ca *ca, int64_t now_sec,
                                                    uint32_t *ret_n);
/** cs_ca_tidy() - work that commits have left over, for when there is nothing else to do. Return:
 * 0, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_tidy(struct cs_ca *ca);

/* ---- audit ---- */

/** cs_ca_audit_verify() - go through the whole log. Return: 0 and *@ret_report, or a fault. */
__attribute__((warn_unused_result)) int cs_ca_audit_verify(struct cs_ca *ca,
                                                           struct cs_audit_report *ret_report);

#endif
