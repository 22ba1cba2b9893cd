/* Errands: what a configuration wants fetched and kept fresh.
 *
 * The steward does them. What it brings lies in a folder below the state folder, and the
 * configuration reads it there as it reads any file that it names: it is watched, judged and taken
 * up in the same way, and a restart finds what was fetched before.
 */
#ifndef CS_SNAPSHOT_ERRAND_H
#define CS_SNAPSHOT_ERRAND_H

#include "base/findings.h"
#include "base/str.h"

/* The folder below the state folder in which the steward may write. */
#define CS_ERRAND_FOLDER "steward"

/* `ssl_certificate auto`: a certificate of our own, asked of an authority. All texts are the
 * snapshot's and have a NUL behind them. */
struct cs_errand {
    struct cs_str folder; /* absolute: a wallet (enrol/wallet.h), with cert.pem and key.pem */
    struct cs_str *names; /* "dns:a.test", "spiffe://a.test/web" */
    size_t n_names;
    struct cs_str profile;
    struct cs_str url;         /* of the authority; empty: the one of this configuration */
    struct cs_str fingerprint; /* SHA-256 of its root in hex */
    struct cs_str token_file;
    struct cs_place place;
    struct cs_errand *next;
};

#endif
