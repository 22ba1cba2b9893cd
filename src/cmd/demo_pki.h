/* The certificates of the demonstration: a CA, a server, and clients of every kind. */
#ifndef CS_CMD_DEMO_PKI_H
#define CS_CMD_DEMO_PKI_H

#include "base/arena.h"
#include "base/str.h"

/* Who comes to the gateway's door. */
enum cs_demo_client {
    CS_DEMO_TRUSTED,
    CS_DEMO_STRANGER, /* of another CA */
    CS_DEMO_EXPIRED,
    CS_DEMO_REVOKED,
    CS_DEMO_N_CLIENTS,
};

struct cs_demo_pair {
    const char *name; /* of its files: NAME.crt, NAME.key */
    struct cs_str cert_pem;
    struct cs_str key_pem;
    struct cs_str der;
};

struct cs_demo_pki {
    struct cs_arena arena; /* owns all of it */
    struct cs_demo_pair ca, other_ca;
    struct cs_demo_pair server;
    struct cs_demo_pair clients[CS_DEMO_N_CLIENTS];
    struct cs_str crl_pem; /* revokes CS_DEMO_REVOKED */
};

/** cs_demo_pki_make() - make everything, as of @now_sec, and write it into @folder.
 *  Return: 0, or -errno. */
int cs_demo_pki_make(struct cs_demo_pki *pki, const char *folder, int64_t now_sec);
/** cs_demo_pki_deinit() - wipe the keys and forget everything; the files stay. */
void cs_demo_pki_deinit(struct cs_demo_pki *pki);

#endif
