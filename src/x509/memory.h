/* Verified chains, remembered.
 *
 * A client that comes again presents the same bytes. The expensive part of its verdict, the
 * signatures and the path, depends on nothing but those bytes and on what is trusted; so an
 * accepted verdict is remembered under the exact chain, the trusted CAs, the purpose, the depth,
 * the host name, the pins and the trust domains. What changes with time is judged again at every
 * use: validity and revocation of the whole path (cs_chain_recheck()). Refusals are never
 * remembered, nothing is remembered before the verdict is final, and the proof that the peer has
 * the key is not part of this: TLS checks it in every handshake.
 *
 * A memory belongs to one worker. It is bounded; what was not used for longest goes first.
 */
#ifndef CS_X509_MEMORY_H
#define CS_X509_MEMORY_H

#include "x509/chain.h"
#include "x509/identity.h"

struct cs_chain_memory;
struct cs_remembered;

/* A chain of more bytes is verified anew each time. */
#define CS_REMEMBERED_BYTES_MAX 16384
/* What a chain may take in memory, on average: three times the bytes of its certificates, about,
 * but more where they have many short names. Large ones push out several. */
#define CS_REMEMBERED_ROOM_MEAN 12288

/** cs_chain_memory_new() - remember up to @max chains. */
struct cs_chain_memory *cs_chain_memory_new(size_t max);
/** cs_chain_memory_free() - forget everything; verdicts that are in use live on. NULL is fine.
 *  Return: NULL. */
struct cs_chain_memory *cs_chain_memory_free(struct cs_chain_memory *memory);

/** cs_chain_memory_verify() - as cs_chain_verify(), with the same answer. An accepted verdict
 *  borrows from *@ret_remembered and @arena, and no more from the query; the caller gives the
 *  reference back when it no longer needs the verdict. NULL for every other verdict, and for
 *  those that are not remembered: they borrow as cs_chain_verify() says. */
__attribute__((warn_unused_result)) int
cs_chain_memory_verify(struct cs_chain_memory *memory, const struct cs_chain_query *query,
                       struct cs_arena *arena, struct cs_verdict *ret_verdict,
                       struct cs_remembered **ret_remembered);
/** cs_remembered_verdict0() - the accepted verdict as it is remembered, without findings; lives as
 *  long as the reference. Nothing of it borrows from the query's chain or arena. */
const struct cs_verdict *cs_remembered_verdict0(const struct cs_remembered *remembered);
/** cs_remembered_chain0() - the certificates as they were presented, *@ret_n of them; lives as
 *  long as the reference. */
const struct cs_str *cs_remembered_chain0(const struct cs_remembered *remembered, size_t *ret_n);
/** cs_remembered_identity0() - who the leaf of the remembered chain is; NULL when its claim was
 *  refused (ask cs_identity_from_cert() why). Lives as long as the reference. */
const struct cs_identity *cs_remembered_identity0(const struct cs_remembered *remembered);
/** cs_remembered_unref() - the verdict is no longer needed. NULL is fine. Return: NULL. */
struct cs_remembered *cs_remembered_unref(struct cs_remembered *remembered);

/** cs_chain_memory_hits() - how many verdicts needed no signature. */
uint64_t cs_chain_memory_hits(const struct cs_chain_memory *memory);

#endif
