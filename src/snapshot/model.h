/* What a configuration means: virtual servers, locations, upstreams, as the gateway uses them.
 *
 * Everything is in the snapshot's arena and read-only. A location holds all its settings
 * resolved, so the gateway never looks up the tree.
 */
#ifndef CS_SNAPSHOT_MODEL_H
#define CS_SNAPSHOT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "config/template.h"
#include "http/headers.h"
#include "policy/policy.h"
#include "snapshot/settings.h"

struct cs_location;
struct cs_regex;

/* A header to add or set: nothing is written when the value is empty. */
struct cs_header_rule {
    struct cs_str name;
    enum cs_header_id known;
    struct cs_template value;
    bool always; /* add_header … always */
};

/* The statements of the rewrite phase, run in order. */
enum cs_op_kind {
    CS_OP_SET,     /* variable = text */
    CS_OP_RETURN,  /* answer with status, and text as body or location */
    CS_OP_IF,      /* condition → then; in a location also: go on in `location` */
    CS_OP_BREAK,   /* stop the rewrite phase */
    CS_OP_REWRITE, /* regex on the path → text, with flag */
};

enum cs_condition_kind {
    CS_CONDITION_TRUTH, /* not empty and not "0" */
    CS_CONDITION_EQUAL,
    CS_CONDITION_NOT_EQUAL,
    CS_CONDITION_MATCH,
    CS_CONDITION_NO_MATCH,
};

enum cs_rewrite_flag {
    CS_REWRITE_GO_ON,
    CS_REWRITE_LAST,
    CS_REWRITE_BREAK,
    CS_REWRITE_REDIRECT,
    CS_REWRITE_PERMANENT,
};

struct cs_script {
    struct cs_op *ops;
    size_t n;
};

struct cs_op {
    enum cs_op_kind kind;
    int variable;            /* SET: a slot's id; IF: index of the variable */
    struct cs_template text; /* SET, RETURN, REWRITE: the value; IF: to compare with */
    int status;              /* RETURN */
    enum cs_condition_kind condition;
    enum cs_rewrite_flag flag;
    bool drop_args; /* REWRITE: the text ended in "?" */
    const struct cs_regex *regex;
    struct cs_script then;
    struct cs_scope *scope; /* IF in a location: the settings that apply from here */
};

struct cs_error_page {
    int status;
    int answer; /* -1: keep the status; 0: take the page's; else this */
    struct cs_template uri;
    bool named; /* uri is "@name" */
};

struct cs_log_format {
    struct cs_str name;
    enum { CS_LOG_ESCAPE_DEFAULT, CS_LOG_ESCAPE_JSON, CS_LOG_ESCAPE_NONE } escape;
    struct cs_template text;
};

/* A log file; every file appears once per snapshot. */
struct cs_log_spec {
    struct cs_str path; /* absolute, or "stderr" */
    bool access;
    int level;        /* of an error log: enum cs_log_level */
    uint64_t buffer;  /* bytes; 0: unbuffered */
    int64_t flush_ms; /* 0: when the buffer is full */
};

struct cs_access_log {
    size_t log; /* index into cs_snapshot::logs */
    const struct cs_log_format *format;
    struct cs_template condition; /* if=…: log unless empty or "0"; n 0: always */
    bool conditional;
};

struct cs_failure_log {
    size_t log; /* index into cs_snapshot::logs */
    bool json;
};

/* A certificate and key that the steward gets, as if the configuration had named their files.
 * Zeroed: it has. */
struct cs_auto_pair {
    const struct cs_errand *errand;
    const struct cs_word *certificate, *key;
};

/* That an upstream is spoken to over TLS: the keyring has how. */
struct cs_proxy_tls {
    struct cs_auto_pair own;        /* of "proxy_ssl_certificate auto" */
    size_t index;                   /* in cs_keyring::upstreams */
    const struct cs_block *block;   /* in cs_snapshot::config */
    struct cs_template name;        /* proxy_ssl_name: to verify, and for SNI */
    const struct cs_demand *demand; /* mtls_proxy_pin; NULL: nothing */
};

/* proxy_redirect: a Location that starts with `from` starts with `to` instead. */
struct cs_redirect_rule {
    struct cs_template from;
    struct cs_template to;
};

struct cs_proxy {
    struct cs_upstream *upstream;
    struct cs_str url;          /* as written, for logs */
    struct cs_str host;         /* $proxy_host: name and port as written */
    uint16_t port;              /* $proxy_port */
    bool has_uri;               /* proxy_pass had a path: it replaces the location's prefix */
    bool uri_has_variables;     /* the whole target is the evaluated text */
    struct cs_template uri;     /* that path */
    size_t prefix_len;          /* length of the location's prefix it replaces */
    struct cs_header_rule *set; /* proxy_set_header, Host and Connection defaults included */
    size_t n_set;
    struct cs_str *hide; /* response headers that are not forwarded */
    size_t n_hide;
    struct cs_redirect_rule *redirects; /* proxy_redirect, first match wins */
    size_t n_redirects;
    const struct cs_proxy_tls *tls; /* NULL: http */
};

/* One server of an upstream. */
struct cs_upstream_peer {
    struct cs_addr addr;
    struct cs_str name; /* as in logs: "127.0.0.1:8080" */
    unsigned weight;
    unsigned max_fails; /* 0: never set aside */
    int64_t fail_timeout_ms;
    bool backup;
    bool down;
};

struct cs_upstream {
    struct cs_str name;
    size_t index; /* in cs_snapshot::upstreams */
    struct cs_upstream_peer *peers;
    size_t n_peers;
    bool least_conn;
    unsigned keepalive; /* idle connections kept per worker */
    int64_t keepalive_timeout_ms;
    uint64_t keepalive_requests;
    int64_t keepalive_time_ms;
    bool implicit; /* made by a proxy_pass, not by an upstream block */
    struct cs_place place;
};

struct cs_scope {
    struct cs_str pattern; /* "/api/", "~ \\.php$", "@name"; empty: the server's own level */
    struct cs_vserver *server;
    struct cs_location_settings set;
    struct cs_script script;
    struct cs_proxy *proxy; /* NULL: nothing to serve */
    const struct cs_policy *access;
    const struct cs_identity_rules *identities; /* NULL: nobody is asked who he is */
    struct cs_header_rule *add;
    size_t n_add;
    struct cs_error_page *error_pages;
    size_t n_error_pages;
    struct cs_access_log *logs;
    size_t n_logs;
    const size_t *error_logs; /* indexes into cs_snapshot::logs */
    size_t n_error_logs;
    bool internal;
};

struct cs_server_name {
    struct cs_str text;
    struct cs_place place;
};

struct cs_vserver {
    struct cs_str name; /* first server_name, or empty */
    struct cs_server_name *names;
    size_t n_names;
    const struct cs_block *block;     /* in cs_snapshot::config */
    const struct cs_block *lender;    /* whose certificates it shows; NULL: none are shown */
    struct cs_auto_pair own;          /* of "ssl_certificate auto" */
    const struct cs_staple **staples; /* that are fetched about its certificates */
    size_t n_staples;
    bool listens_tls, listens_plain;
    bool proxies; /* some location of it passes requests on */
    size_t index; /* in cs_snapshot::servers, and in cs_keyring::servers */
    struct cs_place place;
    struct cs_server_settings set;
    bool reject_handshake;
    const struct cs_demand *demand; /* of its clients, beside a good chain; NULL: nothing */
    struct cs_failure_log *failure_logs;
    size_t n_failure_logs;
    struct cs_script script;
    struct cs_location *locations; /* values are struct cs_scope * */
    struct cs_scope *base;         /* settings of the server block itself */
};

/* One of the servers of a listener. */
struct cs_listener_server {
    struct cs_vserver *server;
    struct cs_listener_server *next;
};

#endif
