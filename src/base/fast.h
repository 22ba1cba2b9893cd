/* The short cuts that save work and must never change an answer, by name.
 *
 * The program takes all of them, always: fast.c says so, and there is nothing to set. A debug
 * build (tests/differential/) links another cs_fast() instead, which can leave any of them out,
 * so that both ways can be asked the same and their answers compared.
 */
#ifndef CS_BASE_FAST_H
#define CS_BASE_FAST_H

#include <stdbool.h>

/* CS_FAST(ID, "name", "what is saved") */
#define CS_FAST_PATHS                                                                              \
    CS_FAST(MEMORY, "memory", "signatures of a chain that was verified before")                    \
    CS_FAST(IDENTITY, "identity", "reading the identity of a remembered leaf again")               \
    CS_FAST(RESUMPTION, "resumption", "full handshakes of clients that bring a ticket")            \
    CS_FAST(BUFFERS, "buffers", "the TLS library's own certificate objects")                       \
    CS_FAST(RETAIN, "retain", "a second copy of the chain, in the library's session")              \
    CS_FAST(SHED, "shed", "the memory of a finished handshake")

enum cs_fast_path {
#define CS_FAST(id, name, what) CS_FAST_##id,
    CS_FAST_PATHS
#undef CS_FAST
        CS_FAST_N_PATHS
};

/** cs_fast() - whether to take the short cut. In the program: true. */
bool cs_fast(enum cs_fast_path path);

#endif
