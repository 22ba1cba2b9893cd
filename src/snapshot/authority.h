/* The authority block of a configuration, as the process that runs the CA needs it. All texts are
 * the snapshot's and have a NUL behind them; paths are absolute or start where the program did. */
#ifndef CS_SNAPSHOT_AUTHORITY_H
#define CS_SNAPSHOT_AUTHORITY_H

#include "snapshot/snapshot.h"

struct cs_authority {
    const struct cs_block *block;  /* its profiles */
    struct cs_listener *listeners; /* without servers */
    size_t n_listeners;
    struct cs_str store;
    struct cs_str passphrase_file; /* empty: the one in the folder */
    struct cs_str public_url;      /* empty: what init was told */
    struct cs_str user, group;     /* empty: see daemon/registrar.h */
};

#endif
