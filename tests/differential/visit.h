/* One client that comes once: what it does, and everything it is told. */
#ifndef CS_TESTS_DIFFERENTIAL_VISIT_H
#define CS_TESTS_DIFFERENTIAL_VISIT_H

#include <openssl/ssl.h>

#include "papers.h"

/* What is done to the chain before it is shown. */
enum change {
    AS_IT_IS,
    ANOTHER_BEHIND, /* a certificate that has nothing to do with it */
    LEAF_TWICE,
    OTHER_ORDER, /* the authority's own certificate before the intermediate */
    WITHOUT_MIDDLE,
    LEAF_ALTERED,   /* a byte of its name */
    LEAF_FORGED,    /* a byte of its signature */
    MIDDLE_ALTERED, /* a byte of the intermediate's signature */
    CHANGES
};

struct visitor {
    int paper; /* -1: none */
    enum change change;
    bool wrong_key;
    int version; /* TLS1_2_VERSION, TLS1_3_VERSION */
    const char *sni;
    SSL_SESSION *offer; /* or NULL */
};

struct outcome {
    char text[4096]; /* alert, answer: all that must not depend on short cuts */
    bool resumed;
    bool accepted;
    SSL_SESSION *session; /* given; the last one */
};

struct visits; /* what all visits share */

/** visits_new() - clients with @papers. */
struct visits *visits_new(const struct papers *papers);
/** visits_free() - Return: NULL. */
struct visits *visits_free(struct visits *visits);
/** visit() - come to @port of 127.0.0.1, ask, leave. *@ret_outcome's session is the caller's. */
void visit(const struct visits *visits, const struct visitor *who, int port,
           struct outcome *ret_outcome);
/** visit_copy() - a copy of @session to offer: the library will not offer one twice that came to
 *  a bad end, and a client of ill will does. */
SSL_SESSION *visit_copy(SSL_SESSION *session);
/** visit_alter_ticket() - change one byte of the ticket of @session, @at in it. */
void visit_alter_ticket(SSL_SESSION *session, size_t at);

#endif
