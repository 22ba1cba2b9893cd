/* The authority as a server: a CA in a folder, asked over the network.
 *
 * One process, one thread. What is asked for is answered after it is durable; requests that arrive
 * together become durable together. What other processes do with the same CA (a `ca` command) is
 * noticed within a tenth of a second.
 *
 *   cs_enrol_open()    everything that needs rights: the folder, the keys, the certificate it shows
 *   (the caller gives its rights up)
 *   cs_enrol_run()     serve until told to stop
 *   cs_enrol_close()
 *
 * docs/api/openapi.yaml says what it answers.
 */
#ifndef CS_ENROL_SERVER_H
#define CS_ENROL_SERVER_H

#include "base/findings.h"
#include "io/log.h"
#include "serve/server.h"

struct cs_block;
struct cs_enrol_server;

struct cs_enrol_spec {
    const char *dir;
    struct cs_str passphrase;     /* empty: the one in the folder; needed until open returns */
    struct cs_str public_url;     /* empty: the one that the CA knows */
    const struct cs_block *block; /* an authority block with profiles, or NULL */
    const struct cs_server_listen *listens; /* open */
    size_t n_listens;
    const struct cs_log *log; /* where lines go */
};

enum {
    CS_ENROL_STOPPED = 0,
    CS_ENROL_AGAIN = 1,   /* the CA has other certificates or keys now, or USR1 came for other log
                             files: open it again */
    CS_ENROL_REFUSED = 1, /* of cs_enrol_open() */
};

/** cs_enrol_open() - read the CA, and let it make the certificate that this server shows: for the
 *  host of its public URL and the addresses it listens on. Everything but @spec->passphrase
 * outlives the server. Return: 0; CS_ENROL_REFUSED, @findings say why; or a fault, whose words are
 * a finding too. */
__attribute__((warn_unused_result)) int cs_enrol_open(const struct cs_enrol_spec *spec,
                                                      struct cs_findings *findings,
                                                      struct cs_enrol_server **ret_server);
/** cs_enrol_fingerprint() - SHA-256 of the newest root (DER), lower-case hex: what clients are told
 *  by other means, so that they know whom they talk to. Lives as long as @server. */
const char *cs_enrol_fingerprint(const struct cs_enrol_server *server);
/** cs_enrol_run() - serve. TERM and INT stop soon, QUIT and USR1 when requests are answered.
 *  Return: CS_ENROL_STOPPED, CS_ENROL_AGAIN, or -errno of the event loop. */
int cs_enrol_run(struct cs_enrol_server *server);
/** cs_enrol_close() - end it; keys are wiped. NULL is fine. */
void cs_enrol_close(struct cs_enrol_server *server);

#endif
