/* version: the program, the TLS library; for `nginx -V`, the modules. A module is there when
 * the directive that stands for it is in the schema and does something. */
#include "cmd/version.h"

#include <stdio.h>

#include "cmd/command.h"
#include "snapshot/snapshot.h"
#include "tls/names.h"

struct module {
    const char *name;
    const char *directive;
};

/* In nginx unless left out. */
static const struct module standard[] = {
    {"http_charset_module", "charset"},
    {"http_gzip_module", "gzip"},
    {"http_ssi_module", "ssi"},
    {"http_userid_module", "userid"},
    {"http_access_module", "allow"},
    {"http_auth_basic_module", "auth_basic"},
    {"http_mirror_module", "mirror"},
    {"http_autoindex_module", "autoindex"},
    {"http_geo_module", "geo"},
    {"http_map_module", "map"},
    {"http_split_clients_module", "split_clients"},
    {"http_referer_module", "valid_referers"},
    {"http_rewrite_module", "rewrite"},
    {"http_proxy_module", "proxy_pass"},
    {"http_fastcgi_module", "fastcgi_pass"},
    {"http_uwsgi_module", "uwsgi_pass"},
    {"http_scgi_module", "scgi_pass"},
    {"http_grpc_module", "grpc_pass"},
    {"http_memcached_module", "memcached_pass"},
    {"http_limit_conn_module", "limit_conn"},
    {"http_limit_req_module", "limit_req"},
    {"http_empty_gif_module", "empty_gif"},
    {"http_browser_module", "ancient_browser"},
    {"http_upstream_hash_module", "hash"},
    {"http_upstream_ip_hash_module", "ip_hash"},
    {"http_upstream_least_conn_module", "least_conn"},
    {"http_upstream_random_module", "random"},
    {"http_upstream_keepalive_module", "keepalive"},
    {"http_upstream_zone_module", "zone"},
};

/* Only in nginx if asked for. */
static const struct module optional[] = {
    {"http_ssl_module", "ssl_certificate"},
    {"http_v2_module", "http2"},
    {"http_v3_module", "http3"},
    {"http_realip_module", "set_real_ip_from"},
    {"http_addition_module", "add_before_body"},
    {"http_sub_module", "sub_filter"},
    {"http_dav_module", "dav_methods"},
    {"http_flv_module", "flv"},
    {"http_mp4_module", "mp4"},
    {"http_gunzip_module", "gunzip"},
    {"http_gzip_static_module", "gzip_static"},
    {"http_auth_request_module", "auth_request"},
    {"http_random_index_module", "random_index"},
    {"http_secure_link_module", "secure_link"},
    {"http_slice_module", "slice"},
    {"http_stub_status_module", "stub_status"},
    {"mail", "mail"},
    {"stream", "stream"},
};

const char *cs_version_compiler(void)
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

static bool is_there(const struct module *module)
{
    const struct cs_directive_row *row =
        cs_schema_find(cs_snapshot_schema(), cs_str_from(module->directive));
    return row && !(row->flags & (CS_D_UNSUPPORTED | CS_D_NO_EFFECT));
}

int cs_version_modules(struct cs_buf *buf)
{
    int r = 0;

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        if (is_there(&optional[i]))
            r = r || cs_buf_addf(buf, " --with-%s", optional[i].name);
    }
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        if (!is_there(&standard[i]))
            r = r || cs_buf_addf(buf, " --without-%s", standard[i].name);
    }
    return r;
}

int cs_cmd_version(const struct cs_line *line)
{
    printf("countersign %s\n", CS_VERSION);
    printf("built with %.*s, by %s\n", CS_FMT(cs_tls_library_version()), cs_version_compiler());
    printf("reads the configuration of nginx %s\n", CS_NGINX_VERSION);
    return CS_EXIT_OK;
}
