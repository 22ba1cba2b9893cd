/* The papers of a configuration: every certificate that is shown, every CA and every revocation
 * list that peers are held against, as they are in force, and where each comes from.
 */
#ifndef CS_SNAPSHOT_PAPERS_H
#define CS_SNAPSHOT_PAPERS_H

#include "base/arena.h"
#include "base/findings.h"
#include "x509/cert.h"

struct cs_snapshot;

enum cs_paper_kind {
    CS_PAPER_SERVER, /* shown to clients */
    CS_PAPER_CLIENT, /* shown to upstreams */
    CS_PAPER_CA,     /* what a chain may end in */
    CS_PAPER_LIST,   /* of revoked certificates */
};

struct cs_paper {
    enum cs_paper_kind kind;
    bool issuing;          /* not the leaf of a chain that is shown, but one of its issuers */
    struct cs_cert cert;   /* of all kinds but LIST */
    struct cs_str issuer;  /* of a list: DER of its name */
    int64_t from, until;   /* validity; of a list thisUpdate and nextUpdate (INT64_MAX: none) */
    size_t n_entries;      /* of a list */
    struct cs_str file;    /* its path */
    struct cs_place place; /* where the configuration names it first */
    struct cs_str used_by; /* names of servers and upstreams, with ", " between them */
    int64_t modified_sec;  /* when the file that is in force was written */
    bool differs;          /* there is another file at its path now */
};

/** cs_papers_list() - the papers of @snapshot as they are in force now, in the order of the
 *  configuration, those of a chain or file together. They live in @arena and as long as what is in
 *  force. Looks at the files' marks, and reads none. Return: how many. */
size_t cs_papers_list(const struct cs_snapshot *snapshot, struct cs_arena *arena,
                      const struct cs_paper **ret_papers);
/** cs_paper_kind_name() - "server", "client", "ca", "list". Static. */
const char *cs_paper_kind_name(enum cs_paper_kind kind);
/** cs_paper_find_end() - add the finding that the time of @paper will be over soon, or is at
 * @now_sec.
 */
void cs_paper_find_end(const struct cs_paper *paper, int64_t now_sec, struct cs_findings *findings);
/** cs_paper_name() - its subject, or the issuer of a list, as RFC 2253 writes it; in @arena. */
struct cs_str cs_paper_name(const struct cs_paper *paper, struct cs_arena *arena);

#endif
