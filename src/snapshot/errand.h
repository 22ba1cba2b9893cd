/* Errands: what a configuration wants fetched and kept fresh.
 *
 * The steward does them. What it brings lies in a folder below the state folder, and the
 * configuration reads it there as it reads any file that it names: it is watched, judged and taken
 * up in the same way, and a restart finds what was fetched before.
 */
#ifndef CS_SNAPSHOT_ERRAND_H
#define CS_SNAPSHOT_ERRAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/findings.h"
#include "base/str.h"

/* The folder below the state folder in which the steward may write. */
#define CS_ERRAND_FOLDER "steward"

/* How it goes, as far as this process has been told: the one part of a snapshot beside its keyring
 * that changes, in each process for itself. */
struct cs_errand_news {
    int64_t failing_since_sec; /* the first failure in a row; 0: none */
    char why[512];             /* the last one; empty: none */
};

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
    struct cs_errand_news *news;
    struct cs_errand *next;
};

/** cs_errand_report() - append to @text what is to be told of @errand: it has failed since
 * @since_sec, the last time because of @why; 0: it goes well. As cs_errand_hear() reads it. */
void cs_errand_report(const struct cs_errand *errand, int64_t since_sec, struct cs_str why,
                      struct cs_buf *text);
/** cs_errand_hear() - take the news in @text to the one of @errands that it is about. Return: 0,
 *  -ENOENT (none of them), or -EBADMSG. */
int cs_errand_hear(struct cs_errand *errands, struct cs_str text);
/** cs_errand_has_name() - whether @name is one that the certificate is for: "a.test" or
 *  "spiffe://…". */
bool cs_errand_has_name(const struct cs_errand *errand, struct cs_str name);

#endif
