/* The settings of server and location blocks that are not about TLS, access or routing:
 * what their directives mean once resolved. Rows in directives.c. Times in milliseconds. */
#ifndef CS_SNAPSHOT_SETTINGS_H
#define CS_SNAPSHOT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/schema.h"

/* Per virtual server: before a location is known. */
struct cs_server_settings {
    int64_t client_header_timeout;
    uint64_t client_header_buffer_size;
    struct cs_directive_list large_client_header_buffers; /* number, size */
    uint64_t large_buffers, large_buffer_size;            /* the same, taken apart */
    bool ignore_invalid_headers;
    bool underscores_in_headers;
    bool merge_slashes;
    struct cs_directive_list failure_log;
    bool error_detail;
    struct cs_directive_list cut_words;
    bool cut_now;         /* mtls_cut now: also in the middle of a response */
    int64_t cut_grace_ms; /* otherwise: how long a response may still take */
    bool expire_connections;
};

enum cs_next_upstream {
    CS_NEXT_ERROR = 1,
    CS_NEXT_TIMEOUT = 2,
    CS_NEXT_INVALID_HEADER = 4,
    CS_NEXT_HTTP_500 = 8,
    CS_NEXT_HTTP_502 = 16,
    CS_NEXT_HTTP_503 = 32,
    CS_NEXT_HTTP_504 = 64,
    CS_NEXT_HTTP_403 = 128,
    CS_NEXT_HTTP_404 = 256,
    CS_NEXT_HTTP_429 = 512,
    CS_NEXT_NON_IDEMPOTENT = 1024,
    CS_NEXT_OFF = 2048,
};

enum cs_server_tokens { CS_TOKENS_OFF, CS_TOKENS_ON, CS_TOKENS_BUILD };

/* Per location; the server block itself has one too, for answers before a location is known. */
struct cs_location_settings {
    struct cs_directive_list keepalive_timeout_words;
    int64_t keepalive_timeout;        /* 0: no keep-alive */
    int64_t keepalive_timeout_header; /* seconds for Keep-Alive:, 0: none */
    int64_t keepalive_requests;
    int64_t keepalive_time;
    int64_t client_body_timeout;
    uint64_t client_max_body_size; /* 0: no limit */
    uint64_t client_body_buffer_size;
    int64_t send_timeout;
    struct cs_str default_type;
    int server_tokens; /* enum cs_server_tokens */
    bool absolute_redirect;
    bool server_name_in_redirect;
    bool port_in_redirect;
    int64_t resolver_timeout;

    struct cs_directive_list add_header;
    struct cs_directive_list error_page;
    struct cs_directive_list access_log;

    int proxy_http_version; /* 10 or 11 */
    int64_t proxy_connect_timeout;
    int64_t proxy_read_timeout;
    int64_t proxy_send_timeout;
    bool proxy_buffering;
    bool proxy_request_buffering;
    bool proxy_intercept_errors;
    bool proxy_pass_request_headers;
    bool proxy_pass_request_body;
    bool proxy_ignore_client_abort;
    uint32_t proxy_next_upstream; /* enum cs_next_upstream bits */
    int64_t proxy_next_upstream_tries;
    int64_t proxy_next_upstream_timeout;
    struct cs_directive_list proxy_set_header;
    struct cs_directive_list proxy_hide_header;
    struct cs_directive_list proxy_pass_header;
    struct cs_directive_list proxy_redirect;
    struct cs_str proxy_method;
};

extern const struct cs_schema_table cs_server_schema;   /* → struct cs_server_settings */
extern const struct cs_schema_table cs_location_schema; /* → struct cs_location_settings */
extern const struct cs_schema_table cs_http_schema;     /* rows that store nothing */

#endif
