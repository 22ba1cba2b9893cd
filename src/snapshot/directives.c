/* The rows of http, server and location settings that belong to no other folder. */
#include "snapshot/settings.h"

#include "config/tree.h"

#define HTTP CS_CTX_HTTP
#define SRV CS_CTX_SERVER
#define LOC CS_CTX_LOCATION
#define SIF CS_CTX_SERVER_IF
#define LIF CS_CTX_LOCATION_IF
#define HSL (HTTP | SRV | LOC)
#define HSLI (HSL | LIF)

#define AT(field) .offset = offsetof(struct cs_location_settings, field)
#define AT_SERVER(field) .offset = offsetof(struct cs_server_settings, field)

static const struct cs_directive_row server_rows[] = {
    {"client_header_timeout", HTTP | SRV, 1, 1, CS_V_MSEC, AT_SERVER(client_header_timeout),
     .def = "60s", .min = 1, .doc = "Time within which a client must send a whole request head."},
    {"client_header_buffer_size", HTTP | SRV, 1, 1, CS_V_SIZE, AT_SERVER(client_header_buffer_size),
     .def = "1k", .min = 1, .max = 1 << 20, .doc = "Size of the first buffer for a request head."},
    {"large_client_header_buffers", HTTP | SRV, 2, 2, CS_V_LIST,
     AT_SERVER(large_client_header_buffers), .syntax = "number size",
     .doc = "Limits of a request head: no line longer than size (414 or 494), and no head longer "
            "than number times size; the default is 4 8k."},
    {"ignore_invalid_headers", HTTP | SRV, 1, 1, CS_V_FLAG, AT_SERVER(ignore_invalid_headers),
     .def = "on", .doc = "Drop request headers whose names have unusual characters."},
    {"underscores_in_headers", HTTP | SRV, 1, 1, CS_V_FLAG, AT_SERVER(underscores_in_headers),
     .def = "off", .flags = CS_D_SECURITY,
     .doc = "Accept underscores in names of request headers; off drops such headers."},
    {"merge_slashes", HTTP | SRV, 1, 1, CS_V_FLAG, AT_SERVER(merge_slashes), .def = "on",
     .doc = "Treat several slashes in a path as one when locations are matched."},
    {"mtls_failure_log", HTTP | SRV, 1, 2, CS_V_LIST, AT_SERVER(failure_log), .flags = CS_D_REPEAT,
     .syntax = "path [format=json|text] | off",
     .doc = "Log each failed handshake, and each request refused for its certificate, with every "
            "fact that is known: one JSON object per line, or text for people; the default is "
            "off."},
    {"mtls_error_detail", HTTP | SRV, 1, 1, CS_V_FLAG, AT_SERVER(error_detail), .def = "on",
     .doc = "Tell a client that is refused what is wrong with its own certificate; off tells it "
            "the incident id only."},
    {"mtls_cut", HTTP | SRV, 1, 2, CS_V_LIST, AT_SERVER(cut_words), .flags = CS_D_SECURITY,
     .syntax = "graceful [time] | now",
     .doc = "How an open connection ends whose client certificate has been revoked, or its CA is "
            "no longer trusted: graceful, the default, closes it at once when it is idle or a "
            "tunnel after an upgrade, and otherwise behind the response in flight, which may take "
            "10s or the time given; now closes it at once wherever it is."},
    {"mtls_expire_connections", HTTP | SRV, 1, 1, CS_V_FLAG, AT_SERVER(expire_connections),
     .def = "off", .flags = CS_D_SECURITY,
     .doc = "End open connections, as mtls_cut says, at the moment at which the client's "
            "certificate or one of its issuers' expires. As in nginx, off lets an open connection "
            "outlive the certificate that opened it; new ones and resumed sessions are refused "
            "either way."},
};

const struct cs_schema_table cs_server_schema = CS_SCHEMA_TABLE(server_rows);

static const struct cs_choice tokens[] = {
    {"off", CS_TOKENS_OFF}, {"on", CS_TOKENS_ON}, {"build", CS_TOKENS_BUILD}, {0}};
static const struct cs_choice http_versions[] = {{"1.0", 10}, {"1.1", 11}, {0}};
static const struct cs_choice next_upstream[] = {{"error", CS_NEXT_ERROR},
                                                 {"timeout", CS_NEXT_TIMEOUT},
                                                 {"invalid_header", CS_NEXT_INVALID_HEADER},
                                                 {"http_500", CS_NEXT_HTTP_500},
                                                 {"http_502", CS_NEXT_HTTP_502},
                                                 {"http_503", CS_NEXT_HTTP_503},
                                                 {"http_504", CS_NEXT_HTTP_504},
                                                 {"http_403", CS_NEXT_HTTP_403},
                                                 {"http_404", CS_NEXT_HTTP_404},
                                                 {"http_429", CS_NEXT_HTTP_429},
                                                 {"non_idempotent", CS_NEXT_NON_IDEMPOTENT},
                                                 {"off", CS_NEXT_OFF},
                                                 {0}};

static const struct cs_directive_row location_rows[] = {
    {"keepalive_timeout", HSL, 1, 2, CS_V_LIST, AT(keepalive_timeout_words),
     .syntax = "timeout [header_timeout]",
     .doc = "Time an idle client connection is kept open, 0 not at all; the second value is "
            "announced in a Keep-Alive header; the default is 75s."},
    {"keepalive_requests", HSL, 1, 1, CS_V_INT, AT(keepalive_requests), .def = "1000", .min = 0,
     .max = INT32_MAX, .doc = "Requests served on one connection before it is closed."},
    {"keepalive_time", HSL, 1, 1, CS_V_MSEC, AT(keepalive_time), .def = "1h",
     .doc = "Age at which a connection is closed after the request in progress."},
    {"client_body_timeout", HSL, 1, 1, CS_V_MSEC, AT(client_body_timeout), .def = "60s", .min = 1,
     .doc = "Time between two successive reads of a request body."},
    {"client_max_body_size", HSL, 1, 1, CS_V_SIZE, AT(client_max_body_size), .def = "1m",
     .doc = "Largest request body; a larger one gets 413; 0 is no limit."},
    {"client_body_buffer_size", HSL, 1, 1, CS_V_SIZE, AT(client_body_buffer_size), .def = "16k",
     .min = 1, .max = 1 << 30,
     .doc = "Part of a request body held in memory, so that it can be sent to another upstream "
            "server; what is longer is streamed."},
    {"send_timeout", HSL, 1, 1, CS_V_MSEC, AT(send_timeout), .def = "60s", .min = 1,
     .doc = "Time between two successive writes to a client."},
    {"default_type", HSL, 1, 1, CS_V_STR, AT(default_type), .def = "text/plain",
     .doc = "Content-Type of answers made here with return."},
    {"server_tokens", HSL, 1, 1, CS_V_ENUM, AT(server_tokens), .def = "on", .choices = tokens,
     .doc = "Name the version in the Server header and on error pages."},
    {"absolute_redirect", HSL, 1, 1, CS_V_FLAG, AT(absolute_redirect), .def = "on",
     .doc = "Make redirects to a path absolute."},
    {"server_name_in_redirect", HSL, 1, 1, CS_V_FLAG, AT(server_name_in_redirect), .def = "off",
     .doc = "Use the first server_name in such redirects instead of the Host header."},
    {"port_in_redirect", HSL, 1, 1, CS_V_FLAG, AT(port_in_redirect), .def = "on",
     .doc = "Name the port in such redirects."},
    {"add_header", HSLI, 2, 3, CS_V_LIST, AT(add_header), .flags = CS_D_REPEAT,
     .syntax = "name value [always]",
     .doc = "Add a header to responses with status 200, 201, 204, 206, 301, 302, 303, 304, 307 or "
            "308; with always, to all."},
    {"error_page", HSLI, 2, CS_ARGS_ANY, CS_V_LIST, AT(error_page), .flags = CS_D_REPEAT,
     .syntax = "code … [=[response]] uri",
     .doc = "Answer these statuses with another location, a named location or a redirect."},
    {"access_log", HSLI, 1, CS_ARGS_ANY, CS_V_LIST, AT(access_log), .flags = CS_D_REPEAT,
     .syntax = "path [format [buffer=size] [flush=time] [if=condition]] | off",
     .doc = "Log each request to a file in a log_format; combined is predefined."},

    {"proxy_http_version", HSL, 1, 1, CS_V_ENUM, AT(proxy_http_version), .def = "1.1",
     .choices = http_versions, .doc = "HTTP version spoken to upstream servers."},
    {"proxy_connect_timeout", HSL, 1, 1, CS_V_MSEC, AT(proxy_connect_timeout), .def = "60s",
     .min = 1, .doc = "Time to connect to an upstream server, its TLS handshake included."},
    {"proxy_read_timeout", HSL, 1, 1, CS_V_MSEC, AT(proxy_read_timeout), .def = "60s", .min = 1,
     .doc = "Time between two successive reads from an upstream server."},
    {"proxy_send_timeout", HSL, 1, 1, CS_V_MSEC, AT(proxy_send_timeout), .def = "60s", .min = 1,
     .doc = "Time between two successive writes to an upstream server."},
    {"proxy_buffering", HSL, 1, 1, CS_V_FLAG, AT(proxy_buffering), .def = "on",
     .doc = "Let a response run ahead of a slow client by one buffer; off forwards each piece at "
            "once."},
    {"proxy_request_buffering", HSL, 1, 1, CS_V_FLAG, AT(proxy_request_buffering), .def = "on",
     .doc = "Collect a request body of up to client_body_buffer_size before an upstream is asked; "
            "off forwards each piece at once."},
    {"proxy_intercept_errors", HSL, 1, 1, CS_V_FLAG, AT(proxy_intercept_errors), .def = "off",
     .doc = "Let error_page answer for statuses of 300 and above that an upstream sent."},
    {"proxy_pass_request_headers", HSL, 1, 1, CS_V_FLAG, AT(proxy_pass_request_headers),
     .def = "on", .doc = "Forward the request's headers."},
    {"proxy_pass_request_body", HSL, 1, 1, CS_V_FLAG, AT(proxy_pass_request_body), .def = "on",
     .doc = "Forward the request's body."},
    {"proxy_ignore_client_abort", HSL, 1, 1, CS_V_FLAG, AT(proxy_ignore_client_abort), .def = "off",
     .doc = "Keep the upstream's request going when the client has left."},
    {"proxy_next_upstream", HSL, 1, CS_ARGS_ANY, CS_V_BITS, AT(proxy_next_upstream),
     .def = "error timeout", .choices = next_upstream,
     .doc = "When to try the next server of an upstream."},
    {"proxy_next_upstream_tries", HSL, 1, 1, CS_V_INT, AT(proxy_next_upstream_tries), .def = "0",
     .min = 0, .max = 1000, .doc = "Attempts in all; 0 is as many as there are servers."},
    {"proxy_next_upstream_timeout", HSL, 1, 1, CS_V_MSEC, AT(proxy_next_upstream_timeout),
     .def = "0", .doc = "Time within which another server may still be tried; 0 is no limit."},
    {"proxy_set_header", HSL, 2, 2, CS_V_LIST, AT(proxy_set_header), .flags = CS_D_REPEAT,
     .syntax = "name value",
     .doc = "Set a header of the request to the upstream; an empty value removes it. Whatever the "
            "client sent under that name, in any spelling, is removed."},
    {"proxy_hide_header", HSL, 1, 1, CS_V_LIST, AT(proxy_hide_header), .flags = CS_D_REPEAT,
     .syntax = "name", .doc = "Do not forward this header of the response."},
    {"proxy_pass_header", HSL, 1, 1, CS_V_LIST, AT(proxy_pass_header), .flags = CS_D_REPEAT,
     .syntax = "name",
     .doc = "Forward this header of the response though it is hidden by default."},
    {"proxy_redirect", HSL, 1, 2, CS_V_LIST, AT(proxy_redirect), .flags = CS_D_REPEAT,
     .syntax = "default | off | from to",
     .doc = "Rewrite the Location and Refresh headers of the response."},
    {"proxy_method", HSL, 1, 1, CS_V_STR, AT(proxy_method),
     .doc = "Method of the request to the upstream, instead of the client's."},
};

const struct cs_schema_table cs_location_schema = CS_SCHEMA_TABLE(location_rows);

#define LATER "not implemented yet; the connection would not be protected as this asks"

static const struct cs_directive_row http_rows[] = {
    {"server", HTTP, 0, 0, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT, .opens = SRV,
     .doc = "A virtual server."},
    {"listen", SRV, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "address[:port] | port | unix:path [ssl] [default_server] [proxy_protocol] "
               "[reuseport] [deferred] [backlog=number] [ipv6only=on|off]",
     .doc = "Where a virtual server is reached; the default is port 80, or 8000 without root."},
    {"server_name", SRV, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_REPEAT, .syntax = "name …",
     .doc = "Names of the virtual server: exact, *.wildcard, wildcard.*, .both, ~regex, \"\"."},
    {"location", SRV | LOC, 1, 2, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT, .opens = LOC,
     .syntax = "[= | ~ | ~* | ^~] uri | @name",
     .doc = "Settings for the requests whose path matches."},
    {"internal", LOC, 0, 0, CS_V_NONE, .doc = "Only reached from error_page and rewrites."},
    {"if", SRV, 1, CS_ARGS_ANY, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT, .opens = SIF,
     .syntax = "(condition)", .doc = "Statements that apply when the condition holds."},
    {"if", LOC, 1, CS_ARGS_ANY, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT, .opens = LIF,
     .syntax = "(condition)",
     .doc = "Statements and settings that apply when the condition holds."},
    {"return", SRV | LOC | SIF | LIF, 1, 2, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "code [text] | code URL | URL", .doc = "Answer at once; 444 closes the connection."},
    {"set", SRV | LOC | SIF | LIF, 2, 2, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "$variable value", .doc = "Set a variable."},
    {"break", SRV | LOC | SIF | LIF, 0, 0, CS_V_NONE, .flags = CS_D_REPEAT,
     .doc = "End the rewrite statements."},
    {"rewrite", SRV | LOC | SIF | LIF, 2, 3, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "regex replacement [last | break | redirect | permanent]",
     .doc = "Change the path when the regular expression matches it."},
    {"map", HTTP, 2, 2, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT | CS_D_ANY_CHILD,
     .opens = CS_CTX_MAP, .syntax = "text $variable",
     .doc = "A variable whose value follows from a text: exact, *.host wildcards with hostnames, "
            "~regex, default."},
    {"log_format", HTTP, 2, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "name [escape=default|json|none] text …", .doc = "A line format of access_log."},
    {"upstream", HTTP, 1, 1, CS_V_BLOCK, .flags = CS_D_BLOCK | CS_D_REPEAT,
     .opens = CS_CTX_UPSTREAM, .syntax = "name", .doc = "A group of servers for proxy_pass."},
    {"server", CS_CTX_UPSTREAM, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_REPEAT,
     .syntax = "address [weight=n] [max_fails=n] [fail_timeout=time] [backup] [down]",
     .doc = "A server of an upstream."},
    {"least_conn", CS_CTX_UPSTREAM, 0, 0, CS_V_NONE,
     .doc = "Pick the server with the fewest active requests, weights considered."},
    {"keepalive", CS_CTX_UPSTREAM, 1, 2, CS_V_NONE, .syntax = "connections",
     .doc = "Idle connections to this upstream kept per worker; the default is 32."},
    {"keepalive_requests", CS_CTX_UPSTREAM, 1, 1, CS_V_NONE, .syntax = "number",
     .doc = "Requests on one upstream connection before it is closed; the default is 1000."},
    {"keepalive_time", CS_CTX_UPSTREAM, 1, 1, CS_V_NONE, .syntax = "time",
     .doc = "Age at which an upstream connection is no longer reused; the default is 1h."},
    {"keepalive_timeout", CS_CTX_UPSTREAM, 1, 1, CS_V_NONE, .syntax = "time",
     .doc = "Time an idle upstream connection is kept; the default is 60s."},
    {"zone", CS_CTX_UPSTREAM, 1, 2, CS_V_NONE, .flags = CS_D_NO_EFFECT, .syntax = "name [size]",
     .doc = "Shared state of an upstream.", .why = "each worker keeps its own counts"},
    {"proxy_pass", LOC | LIF, 1, 1, CS_V_NONE, .syntax = "URL",
     .doc = "Forward requests to an upstream: http:// or https://, a name, an address, unix:path, "
            "or an upstream block; with a path, it replaces the location's."},
    {"mtls_reject", HTTP | SRV, 1, 1, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "request | handshake",
     .doc = "Where a client certificate is refused: with status 400 on each request, as nginx "
            "does, or inside the TLS handshake with an alert."},
    {"mtls_authority", HTTP | SRV, 2, 3, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "https://host:port fingerprint=sha256 [token_file=file]",
     .doc = "Which authority is asked for the certificates of `ssl_certificate auto`: its address, "
            "the SHA-256 of its root certificate, and a file with the join token that the first "
            "request needs. Without it the authority of this configuration is asked."},
    {"mtls_fetch_ca", HTTP | SRV, 1, 1, CS_V_PATH, .flags = CS_D_SECURITY, .syntax = "file",
     .doc = "The CA certificates that a server of revocation lists over https is known by; without "
            "it those of the "
            "system."},
    {"mtls_identity", SRV, 1, 1, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "spiffe://domain/path",
     .doc = "The SPIFFE ID that `ssl_certificate auto` asks for, instead of the server's names."},
    {"mtls_pin", HTTP | SRV, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_SECURITY, .syntax = "pin …",
     .doc =
         "A client's key, or that of a CA of its chain, must be one of these: the SHA-256 of the "
         "public key, sha256//BASE64 as `countersign inspect` prints it, or in hex. In addition "
         "to the chain, which ssl_verify_client asks for."},
    {"mtls_proxy_pin", HTTP | SRV | LOC, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "pin …",
     .doc = "The same for upstreams, in addition to proxy_ssl_verify, which must be on."},
    {"mtls_trust_domain", HTTP | SRV, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "name …",
     .doc =
         "A client's certificate must have a SPIFFE ID of one of these trust domains. The CAs of "
         "the server vouch for all of them: a CA is not held to one domain but by its own name "
         "constraints."},
    {"mtls_revocation", HTTP | SRV, 1, 4, CS_V_NONE, .flags = CS_D_SECURITY,
     .syntax = "[crl | ocsp | both] [chain | leaf] [hard | soft] [grace=time]",
     .def = "crl chain hard",
     .doc = "What is asked whether a client's certificate is revoked: the lists of ssl_crl, OCSP "
            "responders, or both; about every certificate of its chain or about the leaf alone; "
            "and whether a client that no list and no answer of today covers is refused (hard) or "
            "let in with a warning (soft). With grace=time a list, or a good answer, counts for so "
            "much longer than it says. Revoked is revoked in any case."},
    {"http2", HTTP | SRV, 1, 1, CS_V_NONE, .flags = CS_D_NO_EFFECT, .syntax = "on | off",
     .doc = "HTTP/2.", .def = "off",
     .why = "HTTP/2 is not there yet; clients get HTTP/1.1 by ALPN"},
    {"http3", HTTP | SRV, 1, 1, CS_V_NONE, .flags = CS_D_NO_EFFECT, .syntax = "on | off",
     .doc = "HTTP/3.", .def = "off", .why = "HTTP/3 is not there; clients get HTTP/1.1"},

    {"auth_basic", HSL | CS_CTX_LIMIT_EXCEPT, 1, 1, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED, .syntax = "realm | off",
     .doc = "Password authentication.", .why = LATER},
    {"auth_basic_user_file", HSL | CS_CTX_LIMIT_EXCEPT, 1, 1, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED, .syntax = "file", .doc = "Its passwords.",
     .why = LATER},
    {"auth_request", HSL, 1, 1, CS_V_NONE, .flags = CS_D_SECURITY | CS_D_UNSUPPORTED,
     .syntax = "uri | off", .doc = "Authorization by a subrequest.", .why = LATER},
    {"auth_jwt", HSL, 1, 2, CS_V_NONE, .flags = CS_D_SECURITY | CS_D_UNSUPPORTED, .syntax = "realm",
     .doc = "Authorization by a token.", .why = LATER},
    {"limit_except", LOC, 1, CS_ARGS_ANY, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_BLOCK | CS_D_ANY_CHILD,
     .opens = CS_CTX_LIMIT_EXCEPT, .syntax = "method …", .doc = "Access rules by method.",
     .why = LATER},
    {"limit_req", HSL, 1, CS_ARGS_ANY, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .syntax = "zone=name",
     .doc = "Request rate limit.", .why = LATER},
    {"limit_req_zone", HTTP, 1, CS_ARGS_ANY, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .syntax = "key zone=name:size rate=r",
     .doc = "State of a request rate limit.", .why = LATER},
    {"limit_conn", HSL, 2, 2, CS_V_NONE, .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT,
     .syntax = "zone number", .doc = "Connection limit.", .why = LATER},
    {"limit_conn_zone", HTTP, 2, 2, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .syntax = "key zone=name:size",
     .doc = "State of a connection limit.", .why = LATER},
    {"set_real_ip_from", HSL, 1, 1, CS_V_NONE,
     .flags = CS_D_SECURITY | CS_D_UNSUPPORTED | CS_D_REPEAT, .syntax = "network",
     .doc = "Whose word about the client's address is taken.", .why = LATER},
    {"real_ip_header", HSL, 1, 1, CS_V_NONE, .flags = CS_D_SECURITY | CS_D_UNSUPPORTED,
     .syntax = "header", .doc = "Where that word stands.", .why = LATER},
    {"real_ip_recursive", HSL, 1, 1, CS_V_NONE, .flags = CS_D_SECURITY | CS_D_UNSUPPORTED,
     .syntax = "on | off", .doc = "Whether to look behind trusted addresses.", .why = LATER},
    {"grpc_pass", LOC | LIF, 1, 1, CS_V_NONE, .flags = CS_D_UNSUPPORTED, .syntax = "address",
     .doc = "Forward gRPC.", .why = "gRPC needs HTTP/2, which is not there yet"},
    {"root", HSLI, 1, 1, CS_V_NONE, .flags = CS_D_UNSUPPORTED, .syntax = "path",
     .doc = "Serve files.", .why = "files are not served; use proxy_pass or return"},
    {"alias", LOC, 1, 1, CS_V_NONE, .flags = CS_D_UNSUPPORTED, .syntax = "path",
     .doc = "Serve files.", .why = "files are not served; use proxy_pass or return"},
    {"try_files", SRV | LOC, 2, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_UNSUPPORTED,
     .syntax = "file … uri", .doc = "Serve files.",
     .why = "files are not served; use proxy_pass or return"},
    {"resolver", HSL, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_NO_EFFECT,
     .syntax = "address … [valid=time]", .doc = "Name servers.",
     .why = "names are looked up as the system does it"},
    {"resolver_timeout", HSL, 1, 1, CS_V_NONE, .flags = CS_D_NO_EFFECT, .syntax = "time",
     .doc = "How long a name server may take.", .why = "names are looked up as the system does it"},
    {"index", HSL, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_NO_EFFECT | CS_D_REPEAT,
     .syntax = "file …", .doc = "Index files.", .why = "files are not served"},
    {"types", HSL, 0, 0, CS_V_BLOCK,
     .flags = CS_D_NO_EFFECT | CS_D_BLOCK | CS_D_ANY_CHILD | CS_D_REPEAT, .opens = CS_CTX_MAP,
     .doc = "Media types by file extension.", .why = "files are not served"},
    {"proxy_cache", HSL, 1, 1, CS_V_NONE, .flags = CS_D_NO_EFFECT, .def = "off",
     .syntax = "zone | off", .doc = "Response cache.", .why = "responses are not cached"},
    {"proxy_cache_path", HTTP, 2, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_NO_EFFECT | CS_D_REPEAT,
     .syntax = "path …", .doc = "Response cache.", .why = "responses are not cached"},
    {"proxy_cache_valid", HSL, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_NO_EFFECT | CS_D_REPEAT,
     .syntax = "code … time", .doc = "Response cache.", .why = "responses are not cached"},
    {"proxy_cache_bypass", HSL, 1, CS_ARGS_ANY, CS_V_NONE, .flags = CS_D_NO_EFFECT | CS_D_REPEAT,
     .syntax = "text …", .doc = "Response cache.", .why = "responses are not cached"},
};

const struct cs_schema_table cs_http_schema = CS_SCHEMA_TABLE(http_rows);
