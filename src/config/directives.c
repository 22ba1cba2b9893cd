/* Rows that no module owns. A knob is listed here when ignoring it changes speed or memory, never
 * what a client or a backend may see or do; each says why it has no effect. */
#include "config/directives.h"

#include "base/level.h"
#include "config/findings.h"
#include "config/value.h"

#define AT(field) offsetof(struct cs_core_settings, field)

#define HTTP_LEVELS (CS_CTX_HTTP | CS_CTX_SERVER | CS_CTX_LOCATION)
#define STREAM_LEVELS (CS_CTX_STREAM | CS_CTX_STREAM_SERVER)
#define IF_LEVELS (CS_CTX_SERVER_IF | CS_CTX_LOCATION_IF)
#define ALL_LEVELS                                                                                 \
    (CS_CTX_MAIN | CS_CTX_EVENTS | HTTP_LEVELS | IF_LEVELS | CS_CTX_UPSTREAM | CS_CTX_MAP |        \
     CS_CTX_LIMIT_EXCEPT | STREAM_LEVELS | CS_CTX_AUTHORITY | CS_CTX_POLICY | CS_CTX_PROFILE)

static const struct cs_choice auto_count[] = {{"auto", 0}, {NULL, 0}};
static void check_error_log(const struct cs_directive *d, struct cs_findings *findings)
{
    enum cs_log_level level;

    if (d->args[0].text.len == 0)
        cs_config_refuse_value(findings, d, &d->args[0], CS_STR("write a file, or stderr"));
    if (d->n_args > 1 && cs_log_level_parse(d->args[1].text, &level) < 0)
        cs_config_refuse_value(
            findings, d, &d->args[1],
            CS_STR("a level is one of: debug, info, notice, warn, error, crit, alert, emerg"));
}

/* A row that is accepted for nothing. */
#define KNOB(name, contexts, min_args, max_args, type, def, why)                                   \
    {                                                                                              \
        name, contexts, min_args, max_args, type, CS_D_NO_EFFECT, 0, def, 0, 0, NULL, NULL, why    \
    }
#define KNOBS(name, contexts, min_args, max_args, type, def, why)                                  \
    {                                                                                              \
        name, contexts, min_args, max_args, type, CS_D_NO_EFFECT | CS_D_REPEAT, 0, def, 0, 0,      \
            NULL, NULL, why                                                                        \
    }

#define WHY_EVENTS "the event loop has one method and needs no tuning"
#define WHY_SOCKET "sockets are set up for small latency already"
#define WHY_FILES "no files are served"
#define WHY_BUFFERS "buffers belong to the worker, not to the connection"
#define WHY_DISK "bodies are passed on as they come and are not kept in files"
#define WHY_HASH "tables are sized by what they hold"
#define WHY_GZIP "responses are passed on as the backend encoded them"
#define WHY_GZIP_FORM "responses are not compressed here"
#define WHY_PROCESS "processes are left to the system's scheduler and limits"
#define WHY_MODULE "modules are built in and none can be loaded"
#define WHY_REGEX "regular expressions are always compiled"
#define WHY_CLOSE "connections are closed as the protocol asks"

static const struct cs_directive_row rows[] = {
    {"include", ALL_LEVELS, 1, 1, CS_V_NONE, CS_D_REPEAT, .syntax = "file | mask",
     .doc = "Puts the content of a file, or of all files that match a mask, in the order of their "
            "names, in this place. A relative path starts at the folder of the main file."},
    {"events", CS_CTX_MAIN, 0, 0, CS_V_BLOCK, CS_D_BLOCK, .opens = CS_CTX_EVENTS,
     .doc = "Holds what concerns connections as such."},
    {"http", CS_CTX_MAIN, 0, 0, CS_V_BLOCK, CS_D_BLOCK, .opens = CS_CTX_HTTP,
     .doc = "Holds the servers and what they share. A file without this block that has servers is "
            "read as if all of them stood in one."},
    {"user", CS_CTX_MAIN, 1, 2, CS_V_STR, CS_D_SECURITY, AT(user), .syntax = "user [group]",
     .doc = "The account, and the group if it is not the account's own, that workers run as when "
            "the program was started as root."},
    {"worker_processes", CS_CTX_MAIN, 1, 1, CS_V_INT, 0, AT(worker_processes), "1", 1, 1024,
     auto_count, "How many workers serve connections; auto is one for each core."},
    {"worker_connections", CS_CTX_EVENTS, 1, 1, CS_V_INT, 0, AT(worker_connections), "512", 1, 0,
     .doc = "How many connections one worker may have open, to clients and to backends."},
    {"worker_rlimit_nofile", CS_CTX_MAIN, 1, 1, CS_V_INT, 0, AT(worker_rlimit_nofile),
     .doc = "The limit on open files that workers set for themselves."},
    {"worker_shutdown_timeout", CS_CTX_MAIN, 1, 1, CS_V_MSEC, 0, AT(worker_shutdown_timeout_ms),
     .doc = "How long a worker that was told to finish may go on with connections that are busy; "
            "0 or nothing: as long as they need."},
    {"pid", CS_CTX_MAIN, 1, 1, CS_V_PATH, 0, AT(pid), .syntax = "file",
     .doc = "The file that holds the process id while the program runs."},
    {"mtls_state", CS_CTX_MAIN, 1, 1, CS_V_PATH, CS_D_SECURITY, AT(state), .syntax = "folder",
     .doc = "Where the program keeps what has to outlive a restart: revocations of `countersign "
            "revoke`. It is made when there is something to keep; the default is "
            "/var/lib/countersign. Nobody else may be able to write there."},
    {"mtls_control", CS_CTX_MAIN, 1, 1, CS_V_PATH, 0, AT(control), .syntax = "path | off",
     .doc = "The Unix-domain socket of `countersign status`, `countersign renew` and `countersign "
            "revoke`, for root and the program's own account only; the default is the pid file's "
            "path with .control in place of .pid."},
    {"mtls_time_source", CS_CTX_MAIN, 1, CS_ARGS_ANY, CS_V_LIST, CS_D_REPEAT, AT(time_source),
     .syntax = "host[:port] …",
     .doc = "Time servers that are asked every quarter of an hour how far this machine's clock is "
            "off (SNTP, port 123). Their answers stand in the explanations of certificates that "
            "are expired or not yet valid; the clock is not set, and nothing is decided by them."},
    {"daemon", CS_CTX_MAIN, 1, 1, CS_V_FLAG, 0, AT(daemon), "on",
     .doc = "Whether the program goes into the background."},
    {"master_process", CS_CTX_MAIN, 1, 1, CS_V_FLAG, 0, AT(master_process), "on",
     .doc = "Whether workers are processes of their own under a supervisor. Without one there is "
            "neither an authority nor a steward, and no file is watched."},
    {"mtls_watch", CS_CTX_MAIN, 1, 1, CS_V_FLAG, 0, AT(watch), "on",
     .doc =
         "Whether certificates, keys, CA certificates, revocation lists and ticket keys are put to "
         "use as soon as their files change, without a reload. Needs master_process on."},
    {"error_log", CS_CTX_MAIN | HTTP_LEVELS | STREAM_LEVELS, 1, 2, CS_V_LIST, CS_D_REPEAT,
     AT(error_log), .syntax = "file | stderr [level]",
     .doc = "Where problems are written, and from which level on: debug, info, notice, warn, error "
            "(unless said otherwise), crit, alert, emerg.",
     .check = check_error_log},

    /* processes */
    KNOB("worker_cpu_affinity", CS_CTX_MAIN, 1, CS_ARGS_ANY, CS_V_NONE, NULL, WHY_PROCESS),
    KNOB("worker_priority", CS_CTX_MAIN, 1, 1, CS_V_NONE, "0", WHY_PROCESS),
    KNOB("worker_rlimit_core", CS_CTX_MAIN, 1, 1, CS_V_SIZE, NULL, WHY_PROCESS),
    KNOB("working_directory", CS_CTX_MAIN, 1, 1, CS_V_PATH, NULL, WHY_PROCESS),
    KNOB("lock_file", CS_CTX_MAIN, 1, 1, CS_V_PATH, NULL, "workers share no locks"),
    KNOB("thread_pool", CS_CTX_MAIN, 2, 3, CS_V_NONE, NULL, "workers have one thread"),
    KNOB("timer_resolution", CS_CTX_MAIN, 1, 1, CS_V_MSEC, NULL,
         "the time is read once per turn of the event loop"),
    KNOB("pcre_jit", CS_CTX_MAIN, 1, 1, CS_V_FLAG, "off", WHY_REGEX),
    KNOB("debug_points", CS_CTX_MAIN, 1, 1, CS_V_NONE, NULL, "it serves the debugging of nginx"),
    KNOBS("env", CS_CTX_MAIN, 1, 1, CS_V_NONE, NULL, "workers read no environment"),
    KNOBS("load_module", CS_CTX_MAIN, 1, 1, CS_V_PATH, NULL, WHY_MODULE),

    /* events */
    KNOB("use", CS_CTX_EVENTS, 1, 1, CS_V_NONE, "epoll", WHY_EVENTS),
    KNOB("multi_accept", CS_CTX_EVENTS, 1, 1, CS_V_FLAG, "off", WHY_EVENTS),
    KNOB("accept_mutex", CS_CTX_EVENTS, 1, 1, CS_V_FLAG, "off", WHY_EVENTS),
    KNOB("accept_mutex_delay", CS_CTX_EVENTS, 1, 1, CS_V_MSEC, "500ms", WHY_EVENTS),
    KNOB("worker_aio_requests", CS_CTX_EVENTS, 1, 1, CS_V_INT, "32", WHY_EVENTS),
    KNOBS("debug_connection", CS_CTX_EVENTS, 1, 1, CS_V_NONE, NULL,
          "the debug level applies to all connections"),

    /* sockets */
    KNOB("sendfile", HTTP_LEVELS | CS_CTX_LOCATION_IF, 1, 1, CS_V_FLAG, "off", WHY_FILES),
    KNOB("sendfile_max_chunk", HTTP_LEVELS, 1, 1, CS_V_SIZE, "2m", WHY_FILES),
    KNOB("tcp_nopush", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_SOCKET),
    KNOB("tcp_nodelay", HTTP_LEVELS | STREAM_LEVELS, 1, 1, CS_V_FLAG, "on", WHY_SOCKET),
    KNOB("reset_timedout_connection", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_CLOSE),
    KNOB("lingering_close", HTTP_LEVELS, 1, 1, CS_V_NONE, "on", WHY_CLOSE),
    KNOB("lingering_time", HTTP_LEVELS, 1, 1, CS_V_MSEC, "30s", WHY_CLOSE),
    KNOB("lingering_timeout", HTTP_LEVELS, 1, 1, CS_V_MSEC, "5s", WHY_CLOSE),
    KNOB("send_lowat", HTTP_LEVELS, 1, 1, CS_V_SIZE, "0", WHY_SOCKET),
    KNOB("postpone_output", HTTP_LEVELS, 1, 1, CS_V_SIZE, "1460", WHY_SOCKET),

    /* files */
    KNOB("aio", HTTP_LEVELS, 1, 1, CS_V_NONE, "off", WHY_FILES),
    KNOB("aio_write", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_FILES),
    KNOB("directio", HTTP_LEVELS, 1, 1, CS_V_NONE, "off", WHY_FILES),
    KNOB("directio_alignment", HTTP_LEVELS, 1, 1, CS_V_SIZE, "512", WHY_FILES),
    KNOB("read_ahead", HTTP_LEVELS, 1, 1, CS_V_SIZE, "0", WHY_FILES),
    KNOB("open_file_cache", HTTP_LEVELS, 1, 2, CS_V_NONE, "off", WHY_FILES),
    KNOB("open_file_cache_valid", HTTP_LEVELS, 1, 1, CS_V_SEC, "60s", WHY_FILES),
    KNOB("open_file_cache_min_uses", HTTP_LEVELS, 1, 1, CS_V_INT, "1", WHY_FILES),
    KNOB("open_file_cache_errors", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_FILES),
    KNOB("open_log_file_cache", HTTP_LEVELS, 1, 4, CS_V_NONE, "off", "log files stay open"),

    /* memory */
    KNOB("output_buffers", HTTP_LEVELS, 2, 2, CS_V_NONE, "2 32k", WHY_BUFFERS),
    KNOB("connection_pool_size", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_SIZE, NULL, WHY_BUFFERS),
    KNOB("request_pool_size", CS_CTX_HTTP | CS_CTX_SERVER, 1, 1, CS_V_SIZE, "4k", WHY_BUFFERS),
    KNOB("subrequest_output_buffer_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, NULL, WHY_BUFFERS),
    KNOB("client_body_in_single_buffer", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_BUFFERS),
    KNOB("proxy_buffer_size", HTTP_LEVELS | STREAM_LEVELS, 1, 1, CS_V_SIZE, NULL, WHY_BUFFERS),
    KNOB("proxy_buffers", HTTP_LEVELS, 2, 2, CS_V_NONE, NULL, WHY_BUFFERS),
    KNOB("proxy_busy_buffers_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, NULL, WHY_BUFFERS),
    KNOB("grpc_buffer_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, NULL, WHY_BUFFERS),

    /* temporary files */
    KNOB("client_body_temp_path", HTTP_LEVELS, 1, 4, CS_V_PATH, NULL, WHY_DISK),
    KNOB("proxy_temp_path", HTTP_LEVELS, 1, 4, CS_V_PATH, NULL, WHY_DISK),
    KNOB("proxy_temp_file_write_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, NULL, WHY_DISK),
    KNOB("proxy_max_temp_file_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, "0", WHY_DISK),
    KNOB("fastcgi_temp_path", HTTP_LEVELS, 1, 4, CS_V_PATH, NULL, WHY_DISK),
    KNOB("uwsgi_temp_path", HTTP_LEVELS, 1, 4, CS_V_PATH, NULL, WHY_DISK),
    KNOB("scgi_temp_path", HTTP_LEVELS, 1, 4, CS_V_PATH, NULL, WHY_DISK),

    /* tables */
    KNOB("server_names_hash_max_size", CS_CTX_HTTP, 1, 1, CS_V_INT, "512", WHY_HASH),
    KNOB("server_names_hash_bucket_size", CS_CTX_HTTP, 1, 1, CS_V_SIZE, NULL, WHY_HASH),
    KNOB("variables_hash_max_size", CS_CTX_HTTP | CS_CTX_STREAM, 1, 1, CS_V_INT, "1024", WHY_HASH),
    KNOB("variables_hash_bucket_size", CS_CTX_HTTP | CS_CTX_STREAM, 1, 1, CS_V_SIZE, "64",
         WHY_HASH),
    KNOB("map_hash_max_size", CS_CTX_HTTP | CS_CTX_STREAM, 1, 1, CS_V_INT, "2048", WHY_HASH),
    KNOB("map_hash_bucket_size", CS_CTX_HTTP | CS_CTX_STREAM, 1, 1, CS_V_SIZE, NULL, WHY_HASH),
    KNOB("types_hash_max_size", HTTP_LEVELS, 1, 1, CS_V_INT, "1024", WHY_HASH),
    KNOB("types_hash_bucket_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, "64", WHY_HASH),
    KNOB("proxy_headers_hash_max_size", HTTP_LEVELS, 1, 1, CS_V_INT, "512", WHY_HASH),
    KNOB("proxy_headers_hash_bucket_size", HTTP_LEVELS, 1, 1, CS_V_SIZE, "64", WHY_HASH),

    /* compression */
    KNOB("gzip", HTTP_LEVELS | CS_CTX_LOCATION_IF, 1, 1, CS_V_FLAG, NULL, WHY_GZIP),
    KNOB("gzip_static", HTTP_LEVELS, 1, 1, CS_V_NONE, "off", WHY_GZIP),
    KNOB("gunzip", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_GZIP),
    KNOB("gzip_buffers", HTTP_LEVELS, 2, 2, CS_V_NONE, NULL, WHY_GZIP_FORM),
    KNOB("gunzip_buffers", HTTP_LEVELS, 2, 2, CS_V_NONE, NULL, WHY_GZIP_FORM),
    KNOB("gzip_comp_level", HTTP_LEVELS, 1, 1, CS_V_INT, "1", WHY_GZIP_FORM),
    KNOBS("gzip_disable", HTTP_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, NULL, WHY_GZIP_FORM),
    KNOB("gzip_http_version", HTTP_LEVELS, 1, 1, CS_V_NONE, "1.1", WHY_GZIP_FORM),
    KNOB("gzip_min_length", HTTP_LEVELS, 1, 1, CS_V_SIZE, "20", WHY_GZIP_FORM),
    KNOB("gzip_proxied", HTTP_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, "off", WHY_GZIP_FORM),
    KNOBS("gzip_types", HTTP_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, "text/html", WHY_GZIP_FORM),
    KNOB("gzip_vary", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off", WHY_GZIP_FORM),

    /* browsers of another time */
    KNOB("keepalive_disable", HTTP_LEVELS, 1, CS_ARGS_ANY, CS_V_NONE, "msie6",
         "old browsers get no special treatment"),
    KNOB("msie_padding", HTTP_LEVELS, 1, 1, CS_V_FLAG, "on",
         "old browsers get no special treatment"),
    KNOB("msie_refresh", HTTP_LEVELS, 1, 1, CS_V_FLAG, "off",
         "old browsers get no special treatment"),
};

const struct cs_schema_table cs_core_directives = CS_SCHEMA_TABLE(rows);

void cs_core_resolve(const struct cs_config *config, struct cs_arena *arena,
                     struct cs_core_settings *ret_settings)
{
    const struct cs_directive *events = cs_block_find(config->main, "events");
    const struct cs_directive *user = cs_block_find(config->main, "user");
    const struct cs_block *block = events && events->block ? events->block : config->main;
    struct cs_core_settings settings = {0};

    cs_settings_resolve(&cs_core_directives, block, arena, &settings);
    if (user)
        settings.group = cs_directive_arg(user, 1);
    if (config->bare && !cs_block_find(config->main, "worker_processes"))
        settings.worker_processes = 0;
    *ret_settings = settings;
}

struct cs_str cs_core_state(const struct cs_core_settings *core, struct cs_str prefix,
                            struct cs_arena *arena)
{
    struct cs_str path = core->state.len ? core->state : CS_STR("/var/lib/countersign");

    return cs_arena_dup(arena, cs_config_path(path, prefix, arena));
}
