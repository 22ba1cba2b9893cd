/* Shared by the files that build a snapshot; nobody else includes this. */
#ifndef CS_SNAPSHOT_BUILD_H
#define CS_SNAPSHOT_BUILD_H

#include "base/hash.h"
#include "snapshot/model.h"
#include "snapshot/snapshot.h"
#include "snapshot/variables.h"

struct cs_errand;
struct cs_material_spec;
struct cs_ssl_settings;
struct cs_tls_pair;
struct cs_regex;

/* A virtual server behind a listener, by number: listeners move while they become more. */
struct cs_join {
    struct cs_vserver *server;
    size_t listener;
};

/* A snapshot being built, or some of its credentials being built again. */
struct cs_build {
    const struct cs_snapshot_options *options;
    struct cs_findings *findings;
    struct cs_snapshot *snapshot;
    struct cs_arena *arena; /* the snapshot's */
    const struct cs_block *http;
    struct cs_map files;     /* path → files already read: see files.c */
    struct cs_map clients;   /* key → struct cs_tls_client *: the TLS side of upstreams */
    struct cs_map listeners; /* text → struct cs_listener_number * */
    struct cs_map logs;      /* key → struct cs_log_number * */
    struct cs_map formats;   /* name → struct cs_log_format * */
    struct cs_map upstreams; /* name, lower case → struct cs_upstream * */
    struct cs_join *joins;
    size_t n_joins;
    bool renewing;                       /* credentials of a snapshot that is loaded */
    const struct cs_vserver *server;     /* whose credentials are being built: one of the two */
    const struct cs_proxy_tls *upstream; /* or neither */
};

/* What has to be released with the snapshot. */
enum cs_owned_kind { CS_OWNED_REGEX, CS_OWNED_NAMES, CS_OWNED_LOCATIONS, CS_OWNED_MAP };

struct cs_owned {
    enum cs_owned_kind kind;
    void *object;
    struct cs_owned *next;
};

#define CS_FINDING_KIND(id, code, severity, primary, detail, hint)                                 \
    extern const struct cs_finding_kind cs_finding_##id;
#include "snapshot/findings.def"
#undef CS_FINDING_KIND

/** cs_build_own() - release @object with the snapshot. */
void cs_build_own(struct cs_build *build, enum cs_owned_kind kind, void *object);

/** cs_build_grow() - room for one more element of @size bytes behind the @n in @items, which
 *  came from here; in the arena. Doubling, so that ten thousand do not cost their square.
 *  Return: @items, or where they are now. */
void *cs_build_grow(struct cs_build *build, void *items, size_t n, size_t size);
/** cs_build_lower() - @text in lower case, in the arena. */
struct cs_str cs_build_lower(struct cs_build *build, struct cs_str text);
/** cs_build_word() - the first argument of the directive @name that holds in @block, or NULL. */
const struct cs_word *cs_build_word(const struct cs_block *block, const char *name);

/* demand.c */
/** cs_build_client_demand() - what clients are asked in @block beside a good chain. Return: NULL
 *  when nothing is. */
const struct cs_demand *cs_build_client_demand(struct cs_build *build, const struct cs_block *block,
                                               enum cs_verify_mode mode);
/** cs_build_upstream_demand() - the same for upstreams; @verify: they are verified. */
const struct cs_demand *cs_build_upstream_demand(struct cs_build *build,
                                                 const struct cs_block *block, bool verify);

/* files.c */
/** cs_build_path() - @word's path, relative ones behind the prefix; in the arena, with a NUL
 *  behind it. */
struct cs_str cs_build_path(struct cs_build *build, struct cs_str path);
/** cs_build_read() - the whole of the file that @word names, read once per snapshot. An
 *  unreadable or empty file is a finding. Return: 0, or -EINVAL. */
int cs_build_read(struct cs_build *build, const struct cs_word *word, struct cs_str *ret_text);
/** cs_build_is_there() - whether the file that @word names is there and not empty. It is read. */
bool cs_build_is_there(struct cs_build *build, const struct cs_word *word);
/** cs_build_known_file() - what cs_build_read() read already. Return: the text, or empty. */
struct cs_str cs_build_known_file(struct cs_build *build, const struct cs_word *word);
/** cs_build_is_folder() - whether @word names a folder: it ends in a slash, or one is there. */
bool cs_build_is_folder(struct cs_build *build, const struct cs_word *word);
/** cs_build_folder() - the files in the folder that @word names which @wanted wants by their names,
 *  in the order of these, as words of their own in the arena. None is a finding.
 *  Return: how many. */
size_t cs_build_folder(struct cs_build *build, const struct cs_word *word,
                       bool (*wanted)(struct cs_str name), const struct cs_word **ret_files);
/** cs_build_file() - the number of that file among those that credentials are made of. */
size_t cs_build_file(struct cs_build *build, const struct cs_word *word);
/** cs_build_read_key() - the same for a private key; one that everybody can read is warned of. */
int cs_build_read_key(struct cs_build *build, const struct cs_word *word, struct cs_str *ret_text);
/** cs_build_wipe_files() - overwrite and free what was read: keys were among it. */
void cs_build_wipe_files(struct cs_build *build);
/** cs_build_reader - how the configuration itself is read. */
extern const struct cs_config_reader cs_build_reader;

/* log.c */
/** cs_build_log_formats() - the log_format directives. */
void cs_build_log_formats(struct cs_build *build);
/** cs_build_error_logs() - the error logs that apply in @block, as indexes of snapshot->logs. */
const size_t *cs_build_error_logs(struct cs_build *build, const struct cs_block *block,
                                  size_t *ret_n);
/** cs_build_access_logs() - the access logs of a scope. */
void cs_build_access_logs(struct cs_build *build, struct cs_scope *scope);
/** cs_build_failure_logs() - the failure logs of a server. */
void cs_build_failure_logs(struct cs_build *build, struct cs_vserver *server);

/* map.c */
/** cs_build_declare() - make every variable that `set`, `map` and named groups define known,
 *  so that templates may use them in any order. */
void cs_build_declare(struct cs_build *build);
/** cs_build_maps() - the map blocks. */
void cs_build_maps(struct cs_build *build);

/* script.c */
/** cs_build_regex() - compile @pattern at @word, owned by the snapshot.
 *  Return: the expression, or NULL after a finding. */
const struct cs_regex *cs_build_regex(struct cs_build *build, struct cs_str pattern,
                                      bool ignore_case, const struct cs_word *word);
/** cs_build_script() - the rewrite statements of @block. @location: their location, or NULL in a
 *  server block. */
struct cs_script cs_build_script(struct cs_build *build, const struct cs_block *block,
                                 struct cs_scope *scope);

/* clock.c */
/** cs_build_clock() - whether the clock can be right, and the servers that are asked about it. */
void cs_build_clock(struct cs_build *build);

/* upstream.c */
/** cs_build_authority() - "host:port", "host", "[v6]:port" → host and port. Return: false when
 *  it is none. */
bool cs_build_authority(struct cs_str authority, uint16_t default_port, struct cs_str *ret_host,
                        uint16_t *ret_port);
/** cs_build_resolve() - look @host up, once. Return: 0 with at least one address, in the arena;
 *  or -errno, in words in *ret_why. */
int cs_build_resolve(struct cs_build *build, struct cs_str host, uint16_t port,
                     struct cs_addr **ret_addrs, size_t *ret_n, struct cs_str *ret_why);
/** cs_build_upstreams() - the upstream blocks. */
void cs_build_upstreams(struct cs_build *build);
/** cs_build_upstream_for() - the upstream block called @host, or an implicit one for
 *  @host:@port (resolved now). Return: NULL after a finding. */
struct cs_upstream *cs_build_upstream_for(struct cs_build *build, struct cs_str authority,
                                          uint16_t default_port, const struct cs_word *word);

/* location.c */
/** cs_build_scope() - settings and content of @block into a new location. */
struct cs_scope *cs_build_scope(struct cs_build *build, const struct cs_block *block,
                                struct cs_vserver *server, struct cs_str pattern);
/** cs_build_locations() - the location blocks of a server, nested ones included. */
void cs_build_locations(struct cs_build *build, const struct cs_block *block,
                        struct cs_vserver *server);

/* proxy.c */
/** cs_build_proxy() - proxy_pass and what belongs to it; none where there is none. */
void cs_build_proxy(struct cs_build *build, const struct cs_block *block, struct cs_scope *scope);

/* auto.c */
/* What "auto" is written for. */
struct cs_auto_wish {
    struct cs_str directive;
    const struct cs_word *word; /* "auto" */
    struct cs_str profile;      /* unless there is an mtls_identity */
    struct cs_str meanwhile;    /* what happens while the certificate is awaited: a clause */
};

/** cs_build_auto() - the errand that brings the certificate of @wish, for the names of @server, and
 *  where it will lie. Left as it was after a finding. */
void cs_build_auto(struct cs_build *build, const struct cs_vserver *server,
                   const struct cs_auto_wish *wish, struct cs_auto_pair *ret_pair);

/* staple.c */
/** cs_build_name_staple() - the certificate @pair of @server is one about which an OCSP response is
 *  to be fetched: what that takes is found now, for no renewal can add to it. */
void cs_build_name_staple(struct cs_build *build, struct cs_vserver *server,
                          const struct cs_ssl_settings *ssl, const struct cs_material_spec *pair);
/** cs_build_staples() - the OCSP responses to show with @pairs, the certificates of @server. One
 * that cannot be shown is left out; what somebody should do about it is a finding. */
void cs_build_staples(struct cs_build *build, const struct cs_vserver *server,
                      const struct cs_ssl_settings *ssl, struct cs_tls_pair *pairs, size_t n_pairs);

/* tls.c */
/** cs_build_server_tls() - the first credentials of a server, and what is said about TLS beside. */
void cs_build_server_tls(struct cs_build *build, struct cs_vserver *server);
/** cs_build_credentials() - what @server shows and demands, out of the material there is; for
 * loading and for renewing. Return: one reference; it is whole when @build has no new errors. */
struct cs_credentials *cs_build_credentials(struct cs_build *build,
                                            const struct cs_vserver *server);
/** cs_build_upstream_credentials() - the same for the upstream side @to. */
struct cs_upstream_tls *cs_build_upstream_credentials(struct cs_build *build,
                                                      const struct cs_proxy_tls *to);
/** cs_build_free_clients() - once all upstreams have theirs. */
void cs_build_free_clients(struct cs_build *build);
/** cs_build_upstream_tls() - the TLS side of a proxy_pass of @server to https://, and its first
 *  credentials. Return: NULL after a finding. */
const struct cs_proxy_tls *cs_build_upstream_tls(struct cs_build *build,
                                                 const struct cs_vserver *server,
                                                 const struct cs_block *block,
                                                 const struct cs_proxy *proxy);

/* download.c */
/** cs_build_download() - the address @word in @block is to be fetched. Return: where it will lie.
 */
const struct cs_word *cs_build_download(struct cs_build *build, const struct cs_block *block,
                                        const struct cs_word *word);

/* authority.c */
/** cs_build_authority_block() - the authority block, if there is one. */
void cs_build_authority_block(struct cs_build *build);

/* listen.c */
/** cs_build_address() - @word, "127.0.0.1:8443", "8443", "[::]:443" or "unix:/path", as an address.
 *  Return: NULL, or why it is none. Static. */
const char *cs_build_address(struct cs_str word, struct cs_addr *ret_addr);
/** cs_build_listens() - the listen directives of a server. */
/** cs_build_listens() - the sockets of @server, its names being known. */
void cs_build_listens(struct cs_build *build, const struct cs_block *block,
                      struct cs_vserver *server);
/** cs_build_listen_kinds() - once all servers listen: which of them are reached by TLS. One
 *  listen with ssl makes it so for all on the same socket. */
void cs_build_listen_kinds(struct cs_build *build);

/* server.c */
/** cs_build_servers() - the server blocks. */
void cs_build_servers(struct cs_build *build);

/* lint.c */
/** cs_build_lint() - warnings about what works and will hurt. */
void cs_build_lint(struct cs_build *build);

#endif
