/* The directives that belong to no module: the main level, the frame blocks, and nginx's knobs
 * that are accepted without effect. */
#ifndef CS_CONFIG_DIRECTIVES_H
#define CS_CONFIG_DIRECTIVES_H

#include "config/schema.h"
#include "config/tree.h"

struct cs_core_settings {
    int64_t worker_processes;           /* 0: one per core */
    int64_t worker_connections;         /* per worker, clients and upstreams together */
    int64_t worker_rlimit_nofile;       /* 0: leave the limit alone */
    int64_t worker_shutdown_timeout_ms; /* 0: wait for ever */
    bool daemon;
    bool master_process;
    bool watch;            /* certificates and the like are renewed when files change */
    struct cs_str pid;     /* relative to the prefix; empty: the built-in path */
    struct cs_str state;   /* folder for what outlives a restart; empty: the built-in path */
    struct cs_str control; /* the control socket, or "off"; empty: beside the pid file */
    struct cs_str user;    /* empty: the built-in account */
    struct cs_str group;   /* empty: the user's own */
    struct cs_directive_list error_log;   /* of the main level: FILE [LEVEL] each */
    struct cs_directive_list time_source; /* HOST[:PORT] … each */
};

extern const struct cs_schema_table cs_core_directives;
/* nginx's directives that nobody here carries out: each is refused with the reason, or
 * accepted with a notice where nothing changes. A module that learns one adds its own row, which
 * goes before the one here. */
extern const struct cs_schema_table cs_unsupported_directives;

/** cs_core_resolve() - the settings of the main level and of events. In a file without http
 *  block worker_processes is one per core when nobody set it. Texts borrow from @config. */
void cs_core_resolve(const struct cs_config *config, struct cs_arena *arena,
                     struct cs_core_settings *ret_settings);

/** cs_core_state() - the state folder of these settings (mtls_state), in @arena, with a NUL behind
 *  it. */
struct cs_str cs_core_state(const struct cs_core_settings *core, struct cs_str prefix,
                            struct cs_arena *arena);

#endif
