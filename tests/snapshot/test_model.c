/* What a configuration means, read off the snapshot: sockets, servers, scopes, scripts, proxies. */
#include "base/level.h"
#include "route/locations.h"
#include "route/map.h"
#include "route/names.h"
#include "route/regex.h"
#include "world.h"

#include "tap.h"

static struct world w;
static struct cs_arena arena;
static struct cs_findings findings;

/* A configuration that has to be good. */
static struct cs_snapshot *load(const char *text)
{
    struct cs_snapshot *snapshot;

    cs_findings_init(&findings, &arena);
    snapshot = world_load(&w, cs_str_from(text), &findings);
    if (!tap_ok(snapshot != NULL, "accepted: %.50s", text)) {
        for (const struct cs_finding *f = findings.first; f; f = f->next)
            printf("# %s %.*s\n", f->kind->code, CS_FMT(f->operands[0]));
        exit(tap_done());
    }
    return snapshot;
}

/* The first error of a configuration that has to be bad, as its code. */
static struct cs_str refusal(const char *text)
{
    struct cs_snapshot *snapshot;

    cs_findings_init(&findings, &arena);
    snapshot = world_load(&w, cs_str_from(text), &findings);
    cs_snapshot_unref(snapshot);
    for (const struct cs_finding *f = findings.first; f && !snapshot; f = f->next) {
        if (f->kind->severity == CS_SEVERITY_ERROR)
            return cs_str_from(f->kind->code);
    }
    return CS_STR("accepted");
}

static bool has_finding(const char *code)
{
    for (const struct cs_finding *f = findings.first; f; f = f->next) {
        if (strcmp(f->kind->code, code) == 0)
            return true;
    }
    return false;
}

/* A template as it was written, with braces around names. */
static struct cs_str written(const struct cs_snapshot *s, const struct cs_template *t)
{
    struct cs_str text = CS_STR("");

    for (size_t i = 0; i < t->n; i++) {
        int v = t->parts[i].variable;
        text = cs_arena_cat(
            &arena, text,
            v < 0 ? t->parts[i].literal
                  : cs_arena_printf(&arena, "{%.*s}", CS_FMT(s->variables->items[v].name)));
    }
    return text;
}

static const struct cs_listener *listener(const struct cs_snapshot *s, const char *text)
{
    for (size_t i = 0; i < s->n_listeners; i++) {
        if (cs_str_eq(s->listeners[i].text, cs_str_from(text)))
            return &s->listeners[i];
    }
    return NULL;
}

static const struct cs_scope *scope_of(const struct cs_vserver *server, const char *path)
{
    struct cs_location_match match = {0};

    if (path[0] == '@')
        return cs_location_named(server->locations, cs_str_from(path));
    cs_assert(cs_location_match(server->locations, cs_str_from(path), &match) == 0);
    return match.value ? match.value : server->base;
}

static const struct cs_scope *only(const struct cs_snapshot *s, const char *path)
{
    return scope_of(s->servers[0], path);
}

/* The number of the server that answers for @host, or -1 for the default. */
static int server_for(const struct cs_listener *l, const char *host)
{
    struct cs_captures captures;
    void *value = NULL;

    cs_assert(cs_names_find(l->names, cs_str_from(host), &captures, &value) == 0);
    return value ? (int)((struct cs_vserver *)value)->index : -1;
}

static void test_listeners(void)
{
    struct cs_snapshot *s =
        load("server { listen 80; listen [::]:80; listen 127.0.0.1:81 default_server; }"
             "server { listen *:80 default_server; listen [::]:80; listen unix:/run/a.sock; }"
             "server { listen 127.0.0.1:81 backlog=7 reuseport; listen 0.0.0.0:82 proxy_protocol; }"
             "server { listen localhost:83; listen 127.0.0.1; listen [::1]:84 ipv6only=off; }");
    static const char *const texts[] = {"0.0.0.0:80",       "[::]:80",    "127.0.0.1:81",
                                        "unix:/run/a.sock", "0.0.0.0:82", "127.0.0.1:83",
                                        "127.0.0.1:80",     "[::1]:84"};

    tap_int((int64_t)s->n_listeners, 8, "one listener per socket");
    for (size_t i = 0; i < 8; i++)
        tap_str(s->listeners[i].text, cs_str_from(texts[i]), texts[i]);
    tap_ok(listener(s, "0.0.0.0:80")->default_server == s->servers[1], "default_server is obeyed");
    tap_ok(listener(s, "[::]:80")->default_server == s->servers[0], "else it is the first");
    tap_ok(listener(s, "127.0.0.1:81")->default_server == s->servers[0], "of that socket");
    tap_int(listener(s, "127.0.0.1:81")->backlog, 7, "a later server names the backlog");
    tap_ok(listener(s, "127.0.0.1:81")->reuseport, "and reuseport");
    tap_int(listener(s, "[::]:80")->backlog, 511, "which is 511 otherwise");
    tap_ok(listener(s, "0.0.0.0:82")->proxy_protocol && !listener(s, "0.0.0.0:80")->proxy_protocol,
           "proxy_protocol where it is written");
    tap_ok(listener(s, "[::]:80")->ipv6only && !listener(s, "[::1]:84")->ipv6only, "ipv6only");
    cs_snapshot_unref(s);

    s = load("server { server_name a; }");
    tap_str(s->listeners[0].text, CS_STR("0.0.0.0:80"), "no listen is port 80");
    cs_snapshot_unref(s);
    w.options.unprivileged = true;
    s = load("server { server_name a; }");
    tap_str(s->listeners[0].text, CS_STR("0.0.0.0:8000"), "or 8000 without root");
    cs_snapshot_unref(s);
    w.options.unprivileged = false;
}

static void test_listen_words(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"listen 65535;", "accepted"},
        {"listen 65536;", "listen-invalid"},
        {"listen 0;", "listen-invalid"},
        {"listen -1;", "listen-invalid"},
        {"listen [::]:0;", "listen-invalid"},
        {"listen [::1;", "listen-invalid"},
        {"listen [::1];", "accepted"},
        {"listen ::1;", "listen-invalid"},
        {"listen 1.2.3:80;", "listen-invalid"},
        {"listen \"\";", "listen-invalid"},
        {"listen unix:;", "listen-invalid"},
        {"listen unix:/a;", "accepted"},
        {"listen 80 default;", "accepted"},
        {"listen 80 ssl=on;", "parameter-invalid"},
        {"listen 80 backlog=;", "parameter-invalid"},
        {"listen 80 backlog=-1;", "parameter-invalid"},
        {"listen 80 backlog=99999999999;", "parameter-invalid"},
        {"listen 80 quic;", "parameter-unsupported"},
        {"listen 80; listen *:80;", "listen-duplicate"},
        {"listen [::]:80; listen [0:0::0]:80;", "listen-duplicate"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_str(refusal(cs_arena_printf(&arena, "server { %s }", cases[i].text).ptr),
                cs_str_from(cases[i].code), cases[i].text);
}

static void test_tls_sockets(void)
{
    struct cs_snapshot *s = load("ssl_certificate server.pem; ssl_certificate_key server.key;"
                                 "server { listen 443; server_name a; listen 80; }"
                                 "server { listen 443 ssl; server_name b; }"
                                 "server { listen 81; server_name c; }");

    tap_ok(listener(s, "0.0.0.0:443")->tls && !listener(s, "0.0.0.0:80")->tls, "ssl of a socket");
    tap_ok(has_finding("listen-ssl-differs"), "which is for all on it, with a warning");
    tap_ok(s->servers[0]->listens_tls && s->keyring->servers[0]->tls, "also the server before");
    tap_ok(s->servers[0]->listens_plain && !s->servers[1]->listens_plain, "plain where it is not");
    tap_ok(!s->keyring->servers[2]->tls && !s->servers[2]->listens_tls, "no TLS without ssl");
    cs_snapshot_unref(s);
}

static void test_names(void)
{
    struct cs_snapshot *s = load("server { listen 80; server_name a.test A2.test *.w.test; }"
                                 "server { listen 80; server_name .both.test ~^re[0-9]; }"
                                 "server { listen 80; server_name a.test \"\"; server_name more; }"
                                 "server { listen 81; server_name a.test; }");
    const struct cs_listener *l = listener(s, "0.0.0.0:80");
    char host[256];
    static const struct {
        const char *host;
        int server;
    } cases[] = {{"a.test", 0},    {"a2.test", 0}, {"x.w.test", 0},       {"w.test", -1},
                 {"both.test", 1}, {"re1", 1},     {"deep.both.test", 1}, {"", 2},
                 {"more", 2},      {"other", -1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_int(server_for(l, cases[i].host), cases[i].server, cases[i].host);
    tap_ok(has_finding("name-conflicting"), "a conflict is a warning");
    tap_int(server_for(listener(s, "0.0.0.0:81"), "a.test"), 3, "each socket has its names");
    tap_str(s->servers[0]->name, CS_STR("a.test"), "the first name is the server's");
    tap_str(s->servers[1]->name, CS_STR("both.test"), "without the dot that says both");
    tap_int((int64_t)s->servers[2]->n_names, 3, "names of two directives");
    cs_snapshot_unref(s);
    s = load("server { listen 80; server_name $hostname; }");
    cs_assert(gethostname(host, sizeof(host)) == 0);
    tap_str(s->servers[0]->name, cs_str_from(host), "$hostname is the name of this machine");
    cs_snapshot_unref(s);
    tap_str(refusal("server { listen 80; server_name a.*.b; }"), CS_STR("name-invalid"),
            "an asterisk in the middle");
    tap_str(refusal("server { listen 80; server_name ~(; }"), CS_STR("regex-invalid"),
            "a bad expression");
}

static void test_inheritance(void)
{
    struct cs_snapshot *s = load(
        "http { client_max_body_size 5m; add_header A a; error_page 404 /h; send_timeout 7s;"
        " keepalive_timeout 3s 2s; large_client_header_buffers 2 4k; client_header_timeout 9s;"
        " access_log /h.log; allow 10.0.0.0/8; proxy_set_header X h; proxy_read_timeout 3s;"
        " proxy_next_upstream error http_503; server_tokens off;"
        " server { listen 80; client_max_body_size 6m; client_header_timeout 8s;"
        "  location /in { }"
        "  location /own { client_max_body_size 0; add_header B b; add_header C c always;"
        "   error_page 403 404 =200 /o; access_log off; proxy_set_header Y o; send_timeout 1ms;"
        "   location /own/deep { keepalive_timeout 1; } } }"
        " server { listen 81; } }");
    const struct cs_scope *in = only(s, "/in/x"), *own = only(s, "/own"),
                          *deep = only(s, "/own/deep");

    tap_int((int64_t)in->set.client_max_body_size, 6 << 20, "a number of the server");
    tap_int((int64_t)s->servers[1]->base->set.client_max_body_size, 5 << 20, "or of http");
    tap_int((int64_t)own->set.client_max_body_size, 0, "or its own");
    tap_int((int64_t)deep->set.client_max_body_size, 0, "or of the location around");
    tap_int(in->set.send_timeout, 7000, "a time");
    tap_int(own->set.send_timeout, 1, "in milliseconds");
    tap_int(in->set.keepalive_timeout, 3000, "the first of two times");
    tap_int(in->set.keepalive_timeout_header, 2, "and the second, in seconds");
    tap_int(deep->set.keepalive_timeout, 1000, "its own");
    tap_int(deep->set.keepalive_timeout_header, 0, "without the second");
    tap_int((int64_t)in->set.proxy_next_upstream, CS_NEXT_ERROR | CS_NEXT_HTTP_503, "bits");
    tap_int(in->set.server_tokens, CS_TOKENS_OFF, "a choice");
    tap_int((int64_t)s->servers[0]->set.large_buffers, 2, "a pair: number");
    tap_int((int64_t)s->servers[0]->set.large_buffer_size, 4096, "and size");
    tap_int(s->servers[0]->set.client_header_timeout, 8000, "a server's setting");
    tap_int(s->servers[1]->set.client_header_timeout, 9000, "inherited from http");
    tap_ok(in->n_add == 1 && cs_str_eq(in->add[0].name, CS_STR("A")), "a list is inherited");
    tap_ok(own->n_add == 2 && cs_str_eq(own->add[0].name, CS_STR("B")), "or replaced whole");
    tap_ok(own->add[1].always && !own->add[0].always, "always");
    tap_int((int64_t)deep->n_add, 2, "nested: that of the location around");
    tap_ok(in->n_error_pages == 1 && own->n_error_pages == 2, "error pages are a list too");
    tap_ok(in->n_logs == 1 && own->n_logs == 0 && deep->n_logs == 0, "logs, and off");
    tap_ok(in->access && own->access, "access rules");
    cs_snapshot_unref(s);

    s = load("server { listen 80; }");
    in = s->servers[0]->base;
    tap_int(in->set.keepalive_timeout, 75000, "default: keepalive_timeout");
    tap_int((int64_t)in->set.client_max_body_size, 1 << 20, "default: client_max_body_size");
    tap_int((int64_t)s->servers[0]->set.large_buffers, 4, "default: four large buffers");
    tap_int((int64_t)s->servers[0]->set.large_buffer_size, 8192, "default: of 8k");
    tap_int((int64_t)in->set.proxy_next_upstream, CS_NEXT_ERROR | CS_NEXT_TIMEOUT,
            "default: proxy_next_upstream");
    tap_int((int64_t)s->core.worker_connections, 512, "default: worker_connections");
    cs_snapshot_unref(s);
    s = load(
        "worker_processes 3; events { worker_connections 99; } http { server { listen 80; } }");
    tap_ok(s->core.worker_connections == 99 && s->core.worker_processes == 3, "the main level");
    cs_snapshot_unref(s);
}

static void test_locations(void)
{
    struct cs_snapshot *s = load("server { listen 80;"
                                 " location / { return 200 root; location /in { return 200 in; } }"
                                 " location = /eq { return 200 eq; }"
                                 " location ~ \\.PHP$ { return 200 re; }"
                                 " location ~* \\.gif$ { return 200 re2; }"
                                 " location ^~ /final { return 200 final; }"
                                 " location @named { return 200 named; internal; } }");
    static const char *const cases[][2] = {
        {"/x", "root"},       {"/in/x", "in"},    {"/eq", "eq"},     {"/eq/", "root"},
        {"/a.PHP", "re"},     {"/a.php", "root"}, {"/a.GIF", "re2"}, {"/final/a.PHP", "final"},
        {"/in/a.gif", "re2"}, {"@named", "named"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        tap_str(written(s, &only(s, cases[i][0])->script.ops[0].text), cs_str_from(cases[i][1]),
                cases[i][0]);
    tap_ok(only(s, "@named")->internal && !only(s, "/x")->internal, "internal");
    tap_ok(only(s, "@named")->server == s->servers[0], "a scope knows its server");
    cs_snapshot_unref(s);
    tap_str(refusal("server { listen 80; location /a { } location /a { } }"),
            CS_STR("location-duplicate"), "twice the same");
    tap_str(refusal("server { listen 80; location /a { location /b { } } }"),
            CS_STR("location-outside"), "outside of the one around it");
    tap_str(refusal("server { listen 80; location /a { location @b { } } }"),
            CS_STR("location-named-nested"), "a nested name");
    tap_str(refusal("server { listen 80; location = /a { location /a { } } }"),
            CS_STR("location-in-exact"), "inside an exact one");
}

static void test_script(void)
{
    struct cs_snapshot *s =
        load("server { listen 80; set $a \"1$host\"; if ($a) { set $b 2; return 403 no; }"
             " rewrite ^/x/(.*)$ /y/$1? last; rewrite ^/z https://e.test/z last;"
             " rewrite ^/p http://e.test/p permanent; rewrite ^/g /h;"
             " location / { if ($request_method = POST) { add_header X y; break; }"
             "  if ($arg_a != \"\") { return 444; } if ($http_user_agent ~* \"^a b\") { }"
             "  if ( $c !~ x ) { return 204; } set $c 1; return https://$host/; } }");
    const struct cs_script *script = &s->servers[0]->script;
    const struct cs_op *op = script->ops;

    tap_int((int64_t)script->n, 6, "statements in the order of the file");
    tap_ok(op[0].kind == CS_OP_SET && op[1].kind == CS_OP_IF, "set, if");
    tap_str(written(s, &op[0].text), CS_STR("1{host}"), "a text with a variable");
    tap_ok(op[0].variable == 0 && op[1].then.ops[0].variable == 1, "slots are numbered");
    tap_ok(op[1].condition == CS_CONDITION_TRUTH && !op[1].scope, "if in server has no scope");
    tap_ok(op[1].then.n == 2 && op[1].then.ops[1].status == 403, "return in if");
    tap_ok(op[2].flag == CS_REWRITE_LAST && op[2].drop_args, "rewrite … last, without arguments");
    tap_str(written(s, &op[2].text), CS_STR("/y/{1}"), "its text without the question mark");
    tap_int(op[3].flag, CS_REWRITE_REDIRECT, "to a URL is a redirect");
    tap_int(op[4].flag, CS_REWRITE_PERMANENT, "or a permanent one");
    tap_ok(op[5].flag == CS_REWRITE_GO_ON && !op[5].drop_args, "no flag goes on");

    script = &only(s, "/")->script;
    op = script->ops;
    tap_int((int64_t)script->n, 6, "statements of a location");
    tap_ok(op[0].condition == CS_CONDITION_EQUAL && op[0].scope, "if in location has a scope");
    tap_ok(op[0].scope->n_add == 1 && only(s, "/")->n_add == 0, "with settings of its own");
    tap_int(op[0].then.ops[0].kind, CS_OP_BREAK, "break");
    tap_ok(op[1].condition == CS_CONDITION_NOT_EQUAL && op[1].text.n == 0, "compared with nothing");
    tap_ok(op[2].condition == CS_CONDITION_MATCH && op[2].regex, "a match");
    tap_ok(op[3].condition == CS_CONDITION_NO_MATCH, "no match, with spaces in the parentheses");
    tap_ok(op[5].status == 302, "return with a URL only");
    cs_snapshot_unref(s);
}

static void test_conditions(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"if ($host) { }", "accepted"},
        {"if ( $host ) { }", "accepted"},
        {"if ($host = a) { }", "accepted"},
        {"if ($host = \"a b\") { }", "accepted"},
        {"if ($host = \"\") { }", "accepted"},
        {"if ($host ~ a(b)c) { }", "accepted"},
        {"if ($host ~ a|b) { }", "accepted"},
        {"if ($host = a b) { }", "condition-invalid"},
        {"if ($host =) { }", "condition-invalid"},
        {"if () { }", "condition-invalid"},
        {"if $host { }", "condition-invalid"},
        {"if ($host { }", "condition-invalid"},
        {"if ($host ! a) { }", "condition-invalid"},
        {"if ($host ~ () { }", "regex-invalid"},
        {"if (-d $uri) { }", "condition-unsupported"},
        {"if ($no_such) { }", "variable-invalid"},
        {"if ($host = $no_such) { }", "unknown-variable"},
        {"return;", "arguments-invalid"},
        {"return 200 $no_such;", "unknown-variable"},
        {"return 999;", "accepted"},
        {"return -1;", "return-invalid"},
        {"return text;", "return-invalid"},
        {"return text text;", "return-invalid"},
        {"return $scheme://a;", "accepted"},
        {"set $x $x;", "accepted"},
        {"set $ 1;", "variable-invalid"},
        {"set $host 1;", "variable-not-changeable"},
        {"rewrite a b last;", "accepted"},
        {"rewrite a b c;", "invalid-value"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cs_str code = refusal(
            cs_arena_printf(&arena, "server { listen 80; location / { %s } }", cases[i].text).ptr);
        if (strcmp(cases[i].code, "unknown-variable") == 0 ||
            strcmp(cases[i].code, "arguments-invalid") == 0)
            tap_ok(!cs_str_eq(code, CS_STR("accepted")), "%s", cases[i].text);
        else
            tap_str(code, cs_str_from(cases[i].code), cases[i].text);
    }
}

static struct cs_str mapped(const struct cs_snapshot *s, size_t map, const char *text)
{
    struct cs_captures captures;
    void *value = NULL;

    cs_assert(cs_keymap_find(s->variables->maps[map].table, cs_str_from(text), &captures, &value) ==
              0);
    return value ? written(s, value) : CS_STR("(nothing)");
}

static void test_maps(void)
{
    struct cs_snapshot *s =
        load("log_format f '$user $late';"
             "server { listen 80; location / { return 200 $user$cn$late; } }"
             "map $ssl_client_s_dn $user { default anonymous; \"CN=root\" admin;"
             " ~CN=(?<cn>[^,]+) $cn; }"
             "map $user $late { hostnames; volatile; *.w.test wild; anonymous ''; }"
             "server { listen 81; server_name ~^(?<sub>.+)\\.x$; set $q $sub; }");
    const struct cs_variables *v = s->variables;

    tap_int((int64_t)v->n_maps, 2, "two maps");
    tap_str(mapped(s, 0, "CN=root"), CS_STR("admin"), "a text");
    tap_str(mapped(s, 0, "O=x,CN=joe,C=y"), CS_STR("{cn}"), "an expression, and its group");
    tap_str(mapped(s, 0, "?"), CS_STR("anonymous"), "default");
    tap_str(mapped(s, 1, "a.w.test"), CS_STR("wild"), "hostnames");
    tap_str(mapped(s, 1, "a"), CS_STR("(nothing)"), "no default");
    tap_str(written(s, &v->maps[1].source), CS_STR("{user}"), "a map of a map");
    tap_str(written(s, &only(s, "/")->script.ops[0].text), CS_STR("{user}{cn}{late}"),
            "used before they are defined");
    tap_ok(cs_variables_slot(v, CS_STR("cn")) >= 0 && cs_variables_slot(v, CS_STR("sub")) >= 0,
           "named groups are slots");
    tap_ok(cs_variables_slot(v, CS_STR("CN")) == cs_variables_slot(v, CS_STR("cn")),
           "names have no case");
    tap_ok(cs_variables_slot(v, CS_STR("user")) < 0, "a map is none");
    cs_snapshot_unref(s);
    tap_str(refusal("map $host $x { a b; a c; } server { listen 80; }"),
            CS_STR("map-key-conflicting"), "a key twice");
    tap_str(refusal("map $host $x { a; } server { listen 80; }"), CS_STR("map-invalid"),
            "no value");
    tap_str(
        refusal("map $host $x { default b; } map $host $x { default c; } server { listen 80; }"),
        CS_STR("variable-not-changeable"), "a map twice");
}

static void test_error_pages(void)
{
    struct cs_snapshot *s = load("server { listen 80; error_page 500 502 503 /50x;"
                                 " error_page 404 = @fallback; error_page 495 496 =403 /no/$host;"
                                 " error_page 403 http://e.test/; }");
    const struct cs_scope *base = s->servers[0]->base;
    const struct cs_error_page *page = base->error_pages;
    static const struct {
        int status, answer;
        const char *uri;
        bool named;
    } want[] = {{500, -1, "/50x", false},          {502, -1, "/50x", false},
                {503, -1, "/50x", false},          {404, 0, "@fallback", true},
                {495, 403, "/no/{host}", false},   {496, 403, "/no/{host}", false},
                {403, -1, "http://e.test/", false}};

    tap_int((int64_t)base->n_error_pages, 7, "one for each code");
    for (size_t i = 0; i < 7; i++)
        tap_ok(page[i].status == want[i].status && page[i].answer == want[i].answer &&
                   page[i].named == want[i].named &&
                   cs_str_eq(written(s, &page[i].uri), cs_str_from(want[i].uri)),
               "error page %d", want[i].status);
    cs_snapshot_unref(s);
}

static void test_logs(void)
{
    struct cs_snapshot *s = load(
        "http { log_format f escape=json '{\"a\":\"$host\",' '\"b\":1}'; log_format n escape=none "
        "x;"
        " error_log /e.log info; error_log stderr; access_log logs/a.log f buffer=4k flush=1s;"
        " server { listen 80; location /a { access_log logs/a.log f buffer=4k flush=1s;"
        "   access_log /b.log; access_log /c.log n if=$host; } location /e { error_log /f.log; } }"
        " server { listen 81; access_log logs/a.log f buffer=8k; } }");
    const struct cs_scope *base = s->servers[0]->base, *a = only(s, "/a");

    tap_int((int64_t)base->n_error_logs, 2, "two error logs");
    tap_int(s->logs[base->error_logs[0]].level, CS_LOG_INFO, "of a level");
    tap_int(s->logs[base->error_logs[1]].level, CS_LOG_ERROR, "which is error by default");
    tap_str(s->logs[base->error_logs[0]].path, CS_STR("/e.log"), "the first");
    tap_str(s->logs[base->error_logs[1]].path, CS_STR("stderr"), "the second");
    tap_str(s->logs[only(s, "/e")->error_logs[0]].path, CS_STR("/f.log"), "a location's own");
    tap_str(s->logs[base->logs[0].log].path, CS_STR("/w/logs/a.log"), "behind the prefix");
    tap_ok(a->n_logs == 3 && a->logs[0].log == base->logs[0].log, "each file once");
    tap_ok(s->servers[1]->base->logs[0].log != base->logs[0].log, "but for another buffer");
    tap_int((int64_t)s->logs[base->logs[0].log].buffer, 4096, "buffer");
    tap_int(s->logs[base->logs[0].log].flush_ms, 1000, "flush");
    tap_int(a->logs[0].format->escape, CS_LOG_ESCAPE_JSON, "escape=json");
    tap_str(written(s, &a->logs[0].format->text), CS_STR("{\"a\":\"{host}\",\"b\":1}"),
            "the words of a format are one");
    tap_str(a->logs[1].format->name, CS_STR("combined"), "combined is the default");
    tap_ok(a->logs[2].conditional && !a->logs[1].conditional, "if=");
    cs_snapshot_unref(s);

    w.options.default_access_log = CS_STR("logs/access.log");
    s = load("server { listen 80; location /off { access_log off; } }");
    tap_str(s->logs[s->servers[0]->base->logs[0].log].path, CS_STR("/w/logs/access.log"),
            "the built-in log");
    tap_int((int64_t)only(s, "/off")->n_logs, 0, "can be off");
    cs_snapshot_unref(s);
    w.options.default_access_log = CS_STR("");
}

static void test_upstreams(void)
{
    struct cs_snapshot *s = load(
        "upstream Group { least_conn; keepalive 8 local; keepalive_requests 5; keepalive_time 2m;"
        " keepalive_timeout 3s; zone z 64k; server 127.0.0.1 weight=3 max_fails=0 fail_timeout=5s;"
        " server [::1]:81 backup; server unix:/run/x.sock down; server two.test:82; }"
        "server { listen 80; location /a { proxy_pass http://group; }"
        " location /b { proxy_pass http://127.0.0.1:8080; }"
        " location /c { proxy_pass http://127.0.0.1:8080/x; }"
        " location /d { proxy_pass https://127.0.0.1; }"
        " location /e { proxy_pass http://127.0.0.1; } }");
    const struct cs_upstream *u = s->upstreams[0];
    static const char *const names[] = {"127.0.0.1:80", "[::1]:81", "unix:/run/x.sock",
                                        "192.0.2.1:82", "192.0.2.2:82"};

    tap_int((int64_t)u->n_peers, 5, "a peer for each address");
    for (size_t i = 0; i < 5; i++)
        tap_str(u->peers[i].name, cs_str_from(names[i]), names[i]);
    tap_ok(u->peers[0].weight == 3 && u->peers[0].max_fails == 0 &&
               u->peers[0].fail_timeout_ms == 5000,
           "weight, max_fails, fail_timeout");
    tap_ok(u->peers[1].weight == 1 && u->peers[1].max_fails == 1 &&
               u->peers[1].fail_timeout_ms == 10000,
           "and their defaults");
    tap_ok(u->peers[1].backup && u->peers[2].down && !u->peers[0].backup, "backup, down");
    tap_ok(u->least_conn && u->keepalive == 8 && u->keepalive_requests == 5, "of the group");
    tap_ok(u->keepalive_time_ms == 120000 && u->keepalive_timeout_ms == 3000, "its times");
    tap_ok(only(s, "/a")->proxy->upstream == u, "found by name, whatever the case");
    tap_ok(only(s, "/b")->proxy->upstream == only(s, "/c")->proxy->upstream,
           "one address is one upstream");
    tap_ok(only(s, "/d")->proxy->upstream != only(s, "/e")->proxy->upstream,
           "but not on two ports");
    tap_int(cs_addr_port(&only(s, "/d")->proxy->upstream->peers[0].addr), 443, "https is 443");
    for (size_t i = 0; i < s->n_upstreams; i++)
        tap_int((int64_t)s->upstreams[i]->index, (int64_t)i, "an upstream knows its place");
    tap_ok(!u->implicit && only(s, "/b")->proxy->upstream->implicit, "implicit ones");
    cs_snapshot_unref(s);
}

static void test_proxy_urls(void)
{
    struct cs_snapshot *s = load("upstream u { server 127.0.0.1:1; } server { listen 80;"
                                 " location /none/ { proxy_pass http://u; }"
                                 " location /slash/ { proxy_pass HTTP://u/; }"
                                 " location = /exact { proxy_pass http://u/there?x=1; }"
                                 " location /port/ { proxy_pass http://127.0.0.1:8080/a/; }"
                                 " location /v6/ { proxy_pass https://[::1]:8443; }"
                                 " location /unix/ { proxy_pass http://unix:/run/x.sock; }"
                                 " location /unixuri/ { proxy_pass http://unix:/run/x.sock:/uri/; }"
                                 " location /var/ { proxy_pass http://u/$arg_x; }"
                                 " location /ruri/ { proxy_pass http://u$request_uri; }"
                                 " location /query/ { proxy_pass http://u?a=b; }"
                                 " location ~ ^/re/(.*) { proxy_pass http://u/$1; }"
                                 " location ~ ^/plain { proxy_pass http://u; } }");
    static const struct {
        const char *path, *uri, *host;
        int port;
        bool variables;
        size_t prefix;
    } cases[] = {
        {"/none/", NULL, "u", 80, false, 6},
        {"/slash/", "/", "u", 80, false, 7},
        {"/exact", "/there?x=1", "u", 80, false, 6},
        {"/port/", "/a/", "127.0.0.1:8080", 8080, false, 6},
        {"/v6/", NULL, "[::1]:8443", 8443, false, 4},
        {"/unix/", NULL, "localhost", 80, false, 6},
        {"/unixuri/", "/uri/", "localhost", 80, false, 9},
        {"/var/", "/{arg_x}", "u", 80, true, 5},
        {"/ruri/", "{request_uri}", "u", 80, true, 6},
        {"/query/", "?a=b", "u", 80, false, 7},
        {"/re/x", "/{1}", "u", 80, true, 9},
        {"/plain", NULL, "u", 80, false, 7},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cs_proxy *p = only(s, cases[i].path)->proxy;
        if (!tap_ok(p != NULL, "%s is proxied", cases[i].path))
            continue;
        tap_ok(p->has_uri == (cases[i].uri != NULL), "whether there is a URI");
        tap_str(written(s, &p->uri), cs_str_from(cases[i].uri), "the URI");
        tap_str(p->host, cs_str_from(cases[i].host), "$proxy_host");
        tap_int(p->port, cases[i].port, "$proxy_port");
        tap_int(p->uri_has_variables, cases[i].variables, "whether it is the whole target");
        tap_int((int64_t)p->prefix_len, (int64_t)cases[i].prefix, "the prefix it replaces");
    }
    tap_ok(only(s, "/v6/")->proxy->tls && !only(s, "/none/")->proxy->tls, "https is TLS");
    cs_snapshot_unref(s);
}

static const struct cs_header_rule *header(const struct cs_proxy *p, const char *name)
{
    const struct cs_header_rule *found = NULL;

    for (size_t i = 0; i < p->n_set; i++) {
        if (cs_str_eq_nocase(p->set[i].name, cs_str_from(name)))
            found = &p->set[i];
    }
    return found;
}

static bool hidden(const struct cs_proxy *p, const char *name)
{
    for (size_t i = 0; i < p->n_hide; i++) {
        if (cs_str_eq_nocase(p->hide[i], cs_str_from(name)))
            return true;
    }
    return false;
}

static void test_proxy_headers(void)
{
    struct cs_snapshot *s =
        load("http { proxy_set_header X-Http $host; server { listen 80;"
             " location /a { proxy_pass http://127.0.0.1; }"
             " location /b { proxy_pass http://127.0.0.1; proxy_set_header host $host;"
             "  proxy_set_header Connection upgrade; proxy_hide_header X-Secret;"
             "  proxy_pass_header server; }"
             " location /c { proxy_pass http://127.0.0.1; proxy_http_version 1.0;"
             "  if ($arg_x) { add_header X-If 1; } }"
             " location /d { if ($arg_x) { proxy_pass http://127.0.0.1:81; } return 200; } } }");
    const struct cs_proxy *a = only(s, "/a")->proxy, *b = only(s, "/b")->proxy;
    const struct cs_proxy *c = only(s, "/c")->proxy;
    const struct cs_scope *d = only(s, "/d");

    tap_str(written(s, &header(a, "Host")->value), CS_STR("{proxy_host}"), "Host by default");
    tap_str(written(s, &header(a, "Connection")->value), CS_STR(""), "no Connection by default");
    tap_str(written(s, &header(a, "X-Http")->value), CS_STR("{host}"), "inherited");
    tap_str(written(s, &header(b, "Host")->value), CS_STR("{host}"), "overridden, in any case");
    tap_int((int64_t)b->n_set, 2, "each once");
    tap_ok(!header(b, "X-Http"), "not inherited beside own ones");
    tap_str(written(s, &header(c, "Connection")->value), CS_STR("close"), "close to HTTP/1.0");
    tap_ok(hidden(a, "Server") && hidden(a, "X-Accel-Redirect") && !hidden(a, "X-Secret"),
           "hidden");
    tap_ok(!hidden(b, "Server") && hidden(b, "x-secret"), "as asked for");
    tap_ok(only(s, "/c")->script.ops[0].scope->proxy != NULL, "an if goes on to proxy_pass");
    tap_ok(only(s, "/c")->script.ops[0].scope->proxy->upstream == c->upstream, "to the same");
    tap_ok(!d->proxy && d->script.ops[0].scope->proxy, "an if may have one of its own");
    tap_ok(s->servers[0]->proxies, "the server is one that proxies");
    cs_snapshot_unref(s);
}

static void test_redirects(void)
{
    struct cs_snapshot *s =
        load("server { listen 80; location /a/ { proxy_pass http://127.0.0.1:81/x/; }"
             " location /b/ { proxy_pass http://127.0.0.1:81; }"
             " location /c/ { proxy_pass http://127.0.0.1:81; proxy_redirect off; }"
             " location /d/ { proxy_pass http://127.0.0.1:81; proxy_redirect http://x/ /y/$host/;"
             "  proxy_redirect default; } location /e/ { proxy_pass http://127.0.0.1:81/$uri; } }");
    static const struct {
        const char *path;
        size_t n;
        const char *from, *to;
    } cases[] = {{"/a/", 1, "http://127.0.0.1:81/x/", "/a/"},
                 {"/b/", 1, "http://127.0.0.1:81/", "/"},
                 {"/c/", 0, "", ""},
                 {"/d/", 2, "http://x/", "/y/{host}/"},
                 {"/e/", 0, "", ""}};

    for (size_t i = 0; i < 5; i++) {
        const struct cs_proxy *p = only(s, cases[i].path)->proxy;
        tap_int((int64_t)p->n_redirects, (int64_t)cases[i].n, cases[i].path);
        if (p->n_redirects == 0)
            continue;
        tap_str(written(s, &p->redirects[0].from), cs_str_from(cases[i].from), "from");
        tap_str(written(s, &p->redirects[0].to), cs_str_from(cases[i].to), "to");
    }
    cs_snapshot_unref(s);
}

static void test_includes(void)
{
    struct cs_snapshot *s = load("http { include conf.d/*.conf; include none.d/*.conf; }");

    tap_int((int64_t)s->n_servers, 2, "servers from included files; no match is no error");
    cs_snapshot_unref(s);
    tap_ok(!cs_str_eq(refusal("include missing.conf; server { listen 80; }"), CS_STR("accepted")),
           "a name without a match is one");
}

int main(void)
{
    world_init(&w);
    test_listeners();
    test_listen_words();
    test_tls_sockets();
    test_names();
    test_inheritance();
    test_locations();
    test_script();
    test_conditions();
    test_maps();
    test_error_pages();
    test_logs();
    test_upstreams();
    test_proxy_urls();
    test_proxy_headers();
    test_redirects();
    test_includes();
    cs_arena_deinit(&arena);
    world_deinit(&w);
    return tap_done();
}
