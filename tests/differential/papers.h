/* What clients can show: certificates good and bad, their keys, and the lists that revoke some
 * of them for a while. */
#ifndef CS_TESTS_DIFFERENTIAL_PAPERS_H
#define CS_TESTS_DIFFERENTIAL_PAPERS_H

#include <openssl/x509.h>

#include "../snapshot/world.h"

/* The first few are renewed with every reload. */
enum { FLEETING = 3, PAPERS = 27, CHAIN_MAX = 6 };

/* Who signed. */
enum issuer { BY_ONE, BY_MIDDLE, BY_SHAKY, BY_TWO, BY_TWIN, BY_ITSELF };

struct paper {
    enum issuer issuer;
    int64_t not_before, not_after;
    bool good_usage;
    int revoked_every; /* in each so manieth generation; 0: never */
    X509 *cert;
    EVP_PKEY *key;
    struct cs_str der;
};

struct papers {
    struct world_identity one, two, twin, middle, shaky;
    X509 *certs[BY_ITSELF]; /* of the above, by issuer */
    struct paper items[PAPERS];
};

/** papers_make() - all of them, and the server's, whose files go to @world. */
void papers_make(struct papers *papers, struct world *world);
/** papers_renew() - the paper numbered @i anew, for the same key, good from @from to @to. */
void papers_renew(struct papers *papers, struct world *world, int i, int64_t from, int64_t to);
/** papers_free() - the library's objects. */
void papers_free(struct papers *papers);
/** papers_lists() - PEM of the lists as they are in @generation, made at @now and good until
 *  @until. */
struct cs_str papers_lists(const struct papers *papers, struct world *world, int generation,
                           int64_t now, int64_t until);
/** papers_revoked() - whether @paper, or who signed it, is on the lists of @generation. */
bool papers_revoked(const struct paper *paper, int generation);
/** papers_library() - a DER certificate as the library's object; NULL when it cannot be read. */
X509 *papers_library(struct cs_str der);

#endif
