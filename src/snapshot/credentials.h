/* Credentials: what a virtual server shows and demands, and what is shown to and demanded of an
 * upstream.
 *
 * Keys, certificates, CAs and revocation lists are the part of a configuration that lives shorter
 * than the rest. So it is kept apart: immutable and reference counted, behind a keyring that names
 * the ones in force by the numbers that the snapshot gives out. Whoever works with credentials
 * holds a reference, and goes on with them when the keyring has newer ones.
 */
#ifndef CS_SNAPSHOT_CREDENTIALS_H
#define CS_SNAPSHOT_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "io/file.h"
#include "policy/policy.h"
#include "x509/chain.h"

struct cs_material;
struct cs_ticket_keys;
struct cs_tls_client;
struct cs_tls_server;
struct cs_trust;

/* Who a client must be: what a TLS session is bound to, beside the virtual server. */
struct cs_client_auth {
    enum cs_verify_mode mode;
    int depth;
    int64_t leeway_sec; /* how far outside its validity a certificate is accepted */
    struct cs_revocation_rules revocation;
    struct cs_trust *trust;         /* one reference; NULL when mode is off */
    const struct cs_demand *demand; /* the snapshot's */
    bool reject_in_handshake;
    uint8_t digest[32]; /* over all of the above: trusted keys, names and lists */
};

/* Of a virtual server. */
struct cs_credentials {
    unsigned refs;
    struct cs_client_auth auth;
    struct cs_tls_server *tls; /* one reference; NULL: no certificate */
    bool awaited;              /* its certificate has been asked for and has not come yet: every
                                  handshake is refused */
};

/* How an upstream connection is made and proved, but for the name. */
struct cs_upstream_tls {
    unsigned refs;
    struct cs_tls_client *client; /* one reference: certificate, protocols, ciphers, sessions */
    struct cs_trust *trust;       /* one reference; NULL: proxy_ssl_verify off */
    int depth;
    int64_t own_not_after;          /* of the certificate that is shown; INT64_MAX: none is */
    bool awaited;                   /* it has been asked for and has not come yet: no
                                       upstream is asked */
    const struct cs_demand *demand; /* the snapshot's */
    bool send_sni;
    bool reuse_sessions;
    uint8_t digest[32]; /* over everything above: part of the pool's key */
};

/* A file that credentials are made of. */
struct cs_credential_file {
    size_t index;             /* in cs_keyring::files */
    struct cs_str path;       /* as it is opened, with a NUL behind it */
    struct cs_file_mark mark; /* of what was read at load */
};

/* Those in force, of all servers and upstreams of a snapshot, in whose arena the tables lie; and
 * what they are made of. */
struct cs_keyring {
    uint64_t generation;             /* how often it was renewed */
    struct cs_credentials **servers; /* by cs_vserver::index; never NULL in a loaded snapshot */
    size_t n_servers;
    struct cs_upstream_tls **upstreams; /* by cs_proxy_tls::index; the same */
    size_t n_upstreams;

    struct cs_material **materials; /* all that was made of files: see renewal.h */
    size_t n_materials;
    struct cs_credential_file **files;
    size_t n_files;
    struct cs_map materials_by_key, files_by_path;
    struct cs_ticket_keys *ticket_keys; /* of the whole service; one reference, or NULL */
};

/** cs_credentials_ref() - one more user. Return: @credentials. */
struct cs_credentials *cs_credentials_ref(struct cs_credentials *credentials);
/** cs_credentials_unref() - one user less; the last one frees. NULL is fine. Return: NULL. */
struct cs_credentials *cs_credentials_unref(struct cs_credentials *credentials);

/** cs_upstream_tls_ref() - one more user. Return: @tls. */
struct cs_upstream_tls *cs_upstream_tls_ref(struct cs_upstream_tls *tls);
/** cs_upstream_tls_unref() - one user less; the last one frees. NULL is fine. Return: NULL. */
struct cs_upstream_tls *cs_upstream_tls_unref(struct cs_upstream_tls *tls);

/** cs_keyring_deinit() - give back what is in force. */
void cs_keyring_deinit(struct cs_keyring *keyring);
/** cs_keyring_put_server() - from now on @credentials are those of server @index; takes over one
 *  reference. What was there before is given back. */
void cs_keyring_put_server(struct cs_keyring *keyring, size_t index,
                           struct cs_credentials *credentials);
/** cs_keyring_put_upstream() - the same for an upstream's. */
void cs_keyring_put_upstream(struct cs_keyring *keyring, size_t index, struct cs_upstream_tls *tls);

#endif
