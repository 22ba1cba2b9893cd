/* A snapshot: one configuration, whole and immutable.
 *
 * Text, keys, certificates, trust and revocation lists go in; what comes out is everything
 * a worker needs to run, reference counted, or findings that say why it cannot be. It is
 * built by the supervisor as root before it forks, so a worker opens nothing: it inherits
 * the snapshot and never reads a configuration, a key or a name server.
 *
 * Nothing in a snapshot changes after cs_snapshot_load() has returned, but for its keyring: each
 * process has its own since the fork, and puts newer credentials into it. What workers change
 * (balancing counts, pools) they keep beside it, indexed by the numbers kept here.
 */
#ifndef CS_SNAPSHOT_SNAPSHOT_H
#define CS_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/findings.h"
#include "config/directives.h"
#include "config/template.h"
#include "config/tree.h"
#include "snapshot/credentials.h"

struct cs_authority;
struct cs_download;
struct cs_errand;
struct cs_owned;
struct cs_schema;
struct cs_clock_page;
struct cs_ticket_keys;
struct cs_variables;

/* What the command line says. */
struct cs_snapshot_options {
    struct cs_str config_path; /* absolute or relative to prefix */
    struct cs_str prefix;      /* ends in "/"; relative paths in the configuration start here */
    struct cs_str globals;     /* text of -g, or empty */
    struct cs_str error_log; /* path, or "stderr": where errors go unless the configuration says */
    int error_log_level;     /* of that log: enum cs_log_level; 0: error, as in nginx */
    struct cs_str default_access_log; /* when there is no access_log; empty: no log */
    bool unprivileged;                /* not root: the default port is 8000, as in nginx */
    bool check;        /* also look for what works but will hurt: countersign check */
    int64_t now_sec;   /* the time certificates are judged by */
    int64_t built_sec; /* when this program was built: no clock is earlier; 0: unknown */
    struct cs_ticket_keys *ticket_keys; /* of the whole service: made once, kept across reloads */
    struct cs_clock_page *clock_page;   /* the same; NULL: nobody measures */

    /* The world, for tests: how files are read and names looked up. NULL: as they are. */
    const struct cs_config_reader *reader;
    int (*resolve)(struct cs_str host, uint16_t port, struct cs_arena *arena,
                   struct cs_addr **ret_addrs, size_t *ret_n);
};

/* A server that knows what time it is. */
struct cs_time_source {
    struct cs_str name; /* as configured */
    struct cs_addr addr;
};

/* A socket to listen on, and the virtual servers behind it. */
struct cs_listener {
    struct cs_addr addr;
    struct cs_str text; /* as configured: "127.0.0.1:8443" */
    bool tls;
    bool proxy_protocol;
    bool reuseport;
    bool ipv6only;
    int backlog;
    bool deferred;                      /* clients that said nothing yet wait in the kernel */
    int defer_sec;                      /* and for so long; 0: no longer than others */
    bool has_options;                   /* one listen of it named options */
    struct cs_names *names;             /* server_name → struct cs_vserver * */
    struct cs_vserver *default_server;  /* when no name matches */
    bool default_is_explicit;           /* default_server was written */
    struct cs_vserver *nameless;        /* for clients that name no server: see server.c */
    struct cs_listener_server *servers; /* all that listen here */
    struct cs_vserver *last_server;     /* while building: who listened last */
};

struct cs_snapshot {
    unsigned refs;
    uint64_t generation; /* counts up with every load in this process */
    struct cs_arena arena;
    struct cs_config *config; /* the tree: for -T, and for status */
    struct cs_str prefix;     /* as in the options */
    struct cs_core_settings core;
    struct cs_time_source *time_sources;
    size_t n_time_sources;
    const struct cs_clock_page *clock_page; /* what they said; NULL: nobody measures */

    struct cs_listener *listeners;
    size_t n_listeners;
    struct cs_vserver **servers;
    size_t n_servers;
    struct cs_upstream **upstreams; /* struct cs_upstream::index is the place in here */
    size_t n_upstreams;
    struct cs_keyring *keyring; /* the credentials in force; the first ones at load */
    struct cs_variables *variables;
    struct cs_log_spec *logs; /* every log named anywhere, once: workers open them by index */
    size_t n_logs;
    struct cs_errand *errands;            /* of the steward, a list */
    struct cs_download *downloads;        /* the same */
    struct cs_staple *staples;            /* the same */
    bool asks_responders;                 /* some server asks OCSP responders about clients */
    const struct cs_authority *authority; /* the CA of this configuration; NULL: none */
    const size_t *error_logs;             /* those of the main level */
    size_t n_error_logs;
    struct cs_owned *owned; /* TLS contexts and the like, released with the snapshot */
};

/** cs_snapshot_schema() - every directive this program knows. Static. */
const struct cs_schema *cs_snapshot_schema(void);

/** cs_snapshot_read() - only the tree of a configuration, in @arena: for who wants one setting of a
 *  file that may be broken elsewhere. Return: 0, or the negative errno of the main file. */
int cs_snapshot_read(const struct cs_snapshot_options *options, struct cs_arena *arena,
                     struct cs_findings *findings, struct cs_config **ret_config);

/** cs_snapshot_load() - read and build a whole configuration.
 *  All findings, notices and warnings included, are added to @findings (its arena must
 *  outlive their use). Return: 0 and a snapshot with one reference in *ret_snapshot, or
 *  -EINVAL when there are errors among the findings (nothing is kept). */
int cs_snapshot_load(const struct cs_snapshot_options *options, struct cs_findings *findings,
                     struct cs_snapshot **ret_snapshot);

/** cs_snapshot_ref() - one more user of @snapshot. Return: @snapshot. */
struct cs_snapshot *cs_snapshot_ref(struct cs_snapshot *snapshot);
/** cs_snapshot_unref() - one user less; the last one frees it. NULL is ignored. Return: NULL. */
struct cs_snapshot *cs_snapshot_unref(struct cs_snapshot *snapshot);

#endif
