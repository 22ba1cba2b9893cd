/* Inside authority/: an open CA. Each file that does something with it is named after that. */
#ifndef CS_AUTHORITY_STATE_H
#define CS_AUTHORITY_STATE_H

#include "authority/ca.h"
#include "x509/list.h"

/* Names under which the store keeps what init decided. */
#define CS_META_NAME CS_STR("name")
#define CS_META_DOMAINS CS_STR("domains") /* one a line */
#define CS_META_URL CS_STR("public_url")
#define CS_META_SHARDS CS_STR("shards")
#define CS_META_AUDIT_SALT CS_STR("audit_salt")
#define CS_META_LIST_NUMBER CS_STR("list_number")

/** cs_ca_cross_name() - where the store keeps the certificate that the root @id was given by the
 * one before it, in @arena. */
struct cs_str cs_ca_cross_name(uint32_t id, struct cs_arena *arena);

struct cs_kept_list;   /* lists.c */
struct cs_kept_answer; /* ocsp.c */

struct cs_ca {
    char *dir;
    int lock; /* the folder, shared; -1 for who only looks */
    unsigned flags;
    struct cs_store *store;
    struct cs_buf passphrase;
    struct cs_arena arena; /* what was read at open, below */
    struct cs_str name, public_url;
    struct cs_names domains;
    struct cs_profiles profiles;
    uint16_t n_shards;
    int64_t keep_sec; /* how long archives are kept; 0: for ever */
    struct cs_arena issuers_arena;
    struct cs_issuer *issuers;
    size_t n_issuers;
    bool grouped;
    struct cs_kept_list *lists;
    struct cs_kept_answer **answers; /* NULL: none yet */
    uint64_t heard;                  /* the newest event that what is kept knows of */
    struct cs_buf list;
    char error[CS_STORE_ERROR_MAX];
};

/** cs_ca_enter() - begin a change, inside of the caller's group or as one of its own.
 *  Return: 0, or a fault. */
int cs_ca_enter(struct cs_ca *ca);
/** cs_ca_leave() - end it: keep it when @r is 0, else forget it, unless the caller's group decides.
 *  Return: @r, or the fault of the commit. */
int cs_ca_leave(struct cs_ca *ca, int r);
/** cs_ca_reload() - read the CA certificates anew. Return: 0, or a fault. */
int cs_ca_reload(struct cs_ca *ca);
/** cs_ca_refresh() - take up what others have committed. Return: 0, or a fault. */
int cs_ca_refresh(struct cs_ca *ca);

/** cs_ca_keep_sec() - what an authority block (NULL: none) says of how long archives are kept; 0:
 * for ever. */
int64_t cs_ca_keep_sec(const struct cs_block *block);

/** cs_ca_find() - the CA certificate with @id, or NULL. */
struct cs_issuer *cs_ca_find(struct cs_ca *ca, uint32_t id);
/** cs_ca_parent() - the root that signed @issuer; a root's is itself; NULL: it is not here. */
struct cs_issuer *cs_ca_parent(struct cs_ca *ca, const struct cs_issuer *issuer);
/** cs_ca_unlock() - open the private key of @issuer if it is not open yet.
 *  Return: 0, CS_CA_REFUSED, or a fault. */
int cs_ca_unlock(struct cs_ca *ca, struct cs_issuer *issuer, struct cs_findings *findings);

/** cs_ca_note() - an audit entry. Return: 0, or a fault. */
int cs_ca_note(struct cs_ca *ca, const char *action, const struct cs_requester *who,
               int64_t now_sec, struct cs_str subject, struct cs_str detail);
/** cs_ca_renewal_digest() - what the store knows the renewal of the certificate with @serial by. */
void cs_ca_renewal_digest(struct cs_str serial, uint8_t ret_digest[32]);
/** cs_ca_token_digest() - what the store has of a token. */
void cs_ca_token_digest(struct cs_str token, uint8_t ret_digest[32]);
/** cs_ca_token_name() - "token 3f2a…": what the log calls it, in @arena. */
struct cs_str cs_ca_token_name(const uint8_t digest[32], struct cs_arena *arena);
/** cs_ca_hear() - what was revoked since: lists and answers that do not say it are not good any
 *  more. Return: 0, or a fault. */
int cs_ca_hear(struct cs_ca *ca);
/** cs_ca_drop_lists() - forget the lists that are kept. */
void cs_ca_drop_lists(struct cs_ca *ca);
/** cs_ca_tell_lists() - the revocation @event: those that it belongs on are stale. */
void cs_ca_tell_lists(struct cs_ca *ca, const struct cs_stored_event *event);
/** cs_ca_drop_answers() - forget the answers that are kept. */
void cs_ca_drop_answers(struct cs_ca *ca);
/** cs_ca_tell_answers() - the revocation @event: the answer about its certificate is forgotten. */
void cs_ca_tell_answers(struct cs_ca *ca, const struct cs_stored_event *event);

/** cs_ca_audit_key() - the key of the audit log, from the pass phrase and a salt. */
void cs_ca_audit_key(struct cs_str passphrase, struct cs_str salt, uint8_t ret_key[32]);

/* A new CA certificate. */
struct cs_ca_birth {
    struct cs_str name; /* of the whole CA */
    uint32_t id;
    enum cs_make_key_kind kind;
    struct cs_names domains; /* of an issuing CA: its name constraints */
    struct cs_str crl_url;
    int64_t ttl_sec, now_sec;
    const struct cs_issuer *root; /* who signs, with its key; NULL: it is a root */
};

/** cs_ca_bear() - make key and certificate and write both files into @dir: key first. The issuer is
 *  prepared, its key open, its texts in @arena. Return: 0, or a fault. */
int cs_ca_bear(const struct cs_ca_birth *birth, const char *dir, struct cs_str passphrase,
               struct cs_arena *arena, struct cs_issuer *ret_issuer);
/** cs_ca_put() - put @issuer into the store; when it is new (@root is not 0), also as a certificate
 *  that the root with that number signed, so that it can be listed and revoked like any other.
 *  Return: 0, or a fault. */
int cs_ca_put(struct cs_store *store, const struct cs_issuer *issuer, uint32_t root,
              int64_t now_sec);
/** cs_ca_write_roots() - root.pem anew, of the roots that are not retired. Return: 0, or a fault.
 */
int cs_ca_write_roots(struct cs_ca *ca);
/** cs_ca_shard_of() - the part of its issuer's list that a certificate with @serial is in. */
uint16_t cs_ca_shard_of(const struct cs_ca *ca, struct cs_str serial);
/** cs_ca_list_number() - cRLNumber of @list, as ours are. */
uint64_t cs_ca_list_number(const struct cs_crl *list);
/** cs_ca_crl_url() - where the list of @id can be had, in @arena; @shard -1: the complete one;
 * empty without public address. */
struct cs_str cs_ca_crl_url(struct cs_str public_url, uint32_t id, int shard,
                            struct cs_arena *arena);

#endif
