"""Which configurations are good: the distribution's nginx and we agree, but for what is listed.

Each case is tried with `nginx -t` and `countersign check`. A difference is a row of DIFFERENT with
its reason; a row that is a difference no longer fails too.
"""

import os
import shutil
import subprocess

import pytest

from gateway import BINARY, IS_NGINX, IS_ROOT

NGINX = shutil.which("nginx")
pytestmark = pytest.mark.skipif(not NGINX or IS_NGINX or not IS_ROOT,
                                reason="compares nginx, as root, with countersign")

# What stands around a case, by the block it belongs into.
AROUND = {
    "main": "@case@",
    "http": "events { } http { @case@ @server@ }",
    "server": "events { } http { server { @case@ @listen@ } }",
    "tls": "events { } http { server { listen 127.0.0.1:1 ssl; @case@ } }",
    "location": "events { } http { upstream u { server 127.0.0.1:1; }"
                " server { listen 127.0.0.1:1; location /l/ { @case@ } } }",
    "upstream": "events { } http { upstream x { @case@ }"
                " server { listen 127.0.0.1:1; location / { proxy_pass http://x; } } }",
}
PAIR = "ssl_certificate server.pem; ssl_certificate_key server.key;"

BOTH_ACCEPT = {
    "server": [
        "listen 80;", "listen 127.0.0.1;", "listen 127.0.0.1:81;", "listen *:81;",
        "listen [::1]:81;", "listen [::]:81 ipv6only=off;", "listen localhost:81;",
        "listen 81 default_server;", "listen 81 default;", "listen 81 backlog=10;",
        "listen 81 reuseport;", "listen 81 deferred;", "listen 81 rcvbuf=1k sndbuf=1k;",
        "listen 81 so_keepalive=on;", "listen 81 so_keepalive=30m::10;", "listen 81 bind;",
        "listen 81 proxy_protocol;", "listen 81 http2;", "listen 81 fastopen=3;",
        "listen 81 ipv6only=on;", "listen 81 default_server default_server;", "server_name a;",
        "server_name *.a;", "server_name a.*;", "server_name .a;", "server_name ~^a$;",
        'server_name "~^(?<x>.)$";', 'server_name "";', "server_name a a;", "server_name _;",
        "server_name $hostname;", "server_name http://x;", "server_name ..a;",
        "server_name *..a;", "server_name -;",
    ],
    "http": [
        "server { listen 127.0.0.1:2; } server { listen 127.0.0.1:2 backlog=3; }",
        "server { listen 127.0.0.1:2 reuseport; } server { listen 127.0.0.1:2; server_name x; }",
        "server { listen 127.0.0.1:2; server_name a; } server { listen "
        "127.0.0.1:2; server_name a; }",
        "server { listen 127.0.0.1:2 ssl; @pair@ } server { listen 127.0.0.1:2 "
        "ssl; server_name x; }",
        "server { listen 127.0.0.1:2 ssl; @pair@ } server { listen 127.0.0.1:2; server_name x; }",
        "server { listen 127.0.0.1:2 ssl; @pair@ } server { listen "
        "127.0.0.1:2; server_name x; @pair@ }",
        "server { listen 127.0.0.1:2; location / { return 200; } }",
        "server { listen 127.0.0.1:2; location = / { return 200; } }",
        "server { listen 127.0.0.1:2; location ^~ / { return 200; } }",
        "server { listen 127.0.0.1:2; location ~ a { return 200; } }",
        "server { listen 127.0.0.1:2; location ~* a { return 200; } }",
        "server { listen 127.0.0.1:2; location @a { return 200; } }",
        "server { listen 127.0.0.1:2; location a { return 200; } }",
        'server { listen 127.0.0.1:2; location "/a b" { return 200; } }',
        "server { listen 127.0.0.1:2; location =/ { return 200; } }",
        "server { listen 127.0.0.1:2; location ~a { return 200; } }",
        "server { listen 127.0.0.1:2; location ~^a { return 200; } }",
        "server { listen 127.0.0.1:2; location ^~/a { return 200; } }",
        "server { listen 127.0.0.1:2; location @ { return 200; } }",
        "server { listen 127.0.0.1:2; location %2F { return 200; } }",
        "server { listen 127.0.0.1:2; location / { } location = / { } }",
        "server { listen 127.0.0.1:2; location ~ a { } location ~ a { } }",
        "server { listen 127.0.0.1:2; location ~ a { proxy_pass http://127.0.0.1; } }",
        "server { listen 127.0.0.1:2; location = /a { proxy_pass http://127.0.0.1/b; } }",
        "map $host $x { default a; b c; }", "map $host $x { }", "map $host $x { ~a b; ~* c; }",
        "map $host $x { hostnames; *.a b; }", "map $host $x { volatile; a b; }",
        'map "$host:$server_port" $x { default a; }', "map $host $x { include mapfile; }",
        'map $host $x { "" b; }', "map $host $x { \\default b; }", "log_format a b;",
        'log_format a escape=json "$host";',
        'log_format a "$upstream_http_x $sent_http_y $cookie_z $arg_q";',
        "large_client_header_buffers 4 8k;", "client_header_buffer_size 1k;",
        "underscores_in_headers on;", "ignore_invalid_headers off;", "merge_slashes off;",
        "client_header_timeout 5;", "include none*.conf;",
        "ssl_certificate server.pem; ssl_certificate_key server.key;", "server { }",
        "types { a b; }", "proxy_cache_path cache keys_zone=a:1m;",
        "variables_hash_max_size 10;", "server_names_hash_bucket_size 64;",
        "proxy_headers_hash_max_size 512;", "tcp_nopush on;", "reset_timedout_connection on;",
        "open_file_cache off;", "resolver 127.0.0.1;", "resolver_timeout 5s;",
        "resolver 127.0.0.1 [::1]:5353 valid=30s ipv6=off;",
    ],
    "tls": [
        "@pair@", "@pair@ @pair@", "@pair@ ssl_certificate rsa.pem; ssl_certificate_key rsa.key;",
        "ssl_reject_handshake on;", "@pair@ ssl_verify_client on; ssl_client_certificate ca.pem;",
        "@pair@ ssl_verify_client optional_no_ca;", "@pair@ ssl_client_certificate missing;",
        "@pair@ ssl_crl ca.crl;",
        "@pair@ ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.crl;",
        "@pair@ ssl_verify_depth 0;", "@pair@ ssl_protocols TLSv1.2;",
        "@pair@ ssl_protocols TLSv1.2 TLSv1.2;", "@pair@ ssl_ciphers HIGH;",
        "@pair@ ssl_ecdh_curve prime256v1;", "@pair@ ssl_ecdh_curve X25519:prime256v1;",
        "@pair@ ssl_ecdh_curve auto;", "@pair@ ssl_session_cache off;",
        "@pair@ ssl_session_cache none;", "@pair@ ssl_session_cache shared:SSL:1m;",
        "@pair@ ssl_session_cache builtin;", "@pair@ ssl_session_timeout 1d;",
        "@pair@ ssl_session_timeout 1;", "@pair@ ssl_session_tickets off;",
        "@pair@ ssl_session_ticket_key tickets;", "@pair@ ssl_buffer_size 4k;",
        "@pair@ ssl_early_data on;", "@pair@ ssl_prefer_server_ciphers on;",
        "@pair@ ssl_stapling off;", "@pair@ ssl_stapling on;",
        "@pair@ ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate ca.pem; "
        "ssl_stapling_responder http://127.0.0.1:1/;", "@pair@ ssl_ocsp off;", "@pair@ ssl on;",
    ],
    "location": [
        "proxy_pass http://u;", "proxy_pass https://u;", "proxy_pass http://u/;",
        "proxy_pass http://U;", "proxy_pass http://[::1]:80/;", "proxy_pass http://unix:/tmp/x;",
        "proxy_pass http://unix:/tmp/x:/y;", "proxy_pass http://u$request_uri;",
        "proxy_pass http://u/$uri;", "proxy_pass HTTP://u;", "proxy_pass http://u?x=y;",
        "proxy_pass http://u; proxy_redirect off;",
        "proxy_pass http://u; proxy_redirect default;",
        "proxy_pass http://u; proxy_redirect / /x;", 'proxy_set_header "A B" c;',
        "proxy_set_header Host $host;", 'proxy_set_header Host "";', "proxy_http_version 1.1;",
        "proxy_connect_timeout 5;", "proxy_next_upstream off;",
        "proxy_next_upstream error timeout http_500 non_idempotent;",
        "proxy_next_upstream_tries 0;", "proxy_method GET;", "proxy_ssl_verify on;",
        "proxy_pass https://u; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem;",
        'proxy_ssl_certificate "";',
        "proxy_pass https://u; proxy_ssl_certificate server.pem; "
        "proxy_ssl_certificate_key server.key;",
        "proxy_ssl_name $host;", "proxy_ssl_protocols TLSv1.2;", "proxy_ssl_ciphers DEFAULT;",
        "proxy_ssl_server_name on;", "proxy_ssl_session_reuse off;", "return 200;",
        "return 200 x;", "return 999;", "return http://x;", "return $scheme://x;", "return 301;",
        "return 444;", "rewrite a b;", "rewrite a b last;", "rewrite a http://b last;",
        "rewrite a b? permanent;", "set $x 1;", "set $limit_rate 1;", "set $http_x 1;",
        "set $x $x;", 'set $x "$y"; set $y 1;', "break;", "if ($host) { }", "if ( $host ) { }",
        "if ($host = a) { }", "if ($host ~ a) { }", "if ($host !~* a) { }",
        "if ($host) { proxy_pass http://u; }", "location /l/x { }", "location ~ x { }",
        "error_page 404 /x;", "error_page 404 = /x;", "error_page 404 =200 /x;",
        "error_page 404 @x;", "error_page 404 $uri;", "add_header X y;", "add_header X y always;",
        'add_header X "";', "internal;", "allow all;", "deny all;", "allow 1.2.3.4/24;",
        "allow unix:;", "allow ::1;", "default_type text/x;", 'default_type "";',
        "keepalive_timeout 0;", "keepalive_timeout 5 6;", "keepalive_requests 0;",
        "client_max_body_size 0;", "client_max_body_size 1g;", 'send_timeout "1h 30m";',
        "access_log off;", "access_log /dev/null;", "access_log /dev/null combined;",
        "access_log /dev/null combined buffer=1k;", "access_log /dev/null combined if=$host;",
        "error_log /dev/null;", "error_log /dev/null debug;", "error_log stderr;",
        "error_log off;", "server_tokens off;", "server_tokens build;", "gzip on;",
        "sendfile on;", "client_body_temp_path x;",
    ],
    "upstream": [
        "server 127.0.0.1;", "server 127.0.0.1:1 weight=2;",
        "server 127.0.0.1:1 max_fails=0 fail_timeout=0;",
        "server 127.0.0.1:1; server 127.0.0.1:2 backup;", "server 127.0.0.1:1 down;",
        "server [::1]:1;", "server unix:/tmp/x;", "least_conn; server 127.0.0.1;",
        "server 127.0.0.1; least_conn;", "server 127.0.0.1; keepalive 4;",
        "server 127.0.0.1; keepalive 4; keepalive_requests 5; "
        "keepalive_timeout 6; keepalive_time 7;",
        "zone z 64k; server 127.0.0.1;",
    ],
    "main": [
        "worker_processes auto; events { } http { server { listen 127.0.0.1:1; } }",
        "user nobody nogroup; events { } http { server { listen 127.0.0.1:1; } }",
        "worker_rlimit_nofile 100; events { } http { server { listen 127.0.0.1:1; } }",
        "worker_shutdown_timeout 5s; events { } http { server { listen 127.0.0.1:1; } }",
        "events { use epoll; multi_accept on; } http { server { listen 127.0.0.1:1; } }",
        "env X; events { } http { server { listen 127.0.0.1:1; } }",
        "pcre_jit on; events { } http { server { listen 127.0.0.1:1; } }",
        "error_log /dev/null info; events { } http { server { listen 127.0.0.1:1; } }",
        "lock_file x; events { } http { server { listen 127.0.0.1:1; } }",
        "working_directory /; events { } http { server { listen 127.0.0.1:1; } }",
    ],
}

BOTH_REFUSE = {
    "server": [
        "listen 0;", "listen 65536;", "listen :81;", "listen ::1:81;", "listen -1;",
        "listen 127.0.0.1:http;", 'listen "";', "listen unix:;", "listen 81 ssll;",
        "listen 81 backlog=0;", "listen 81 backlog=x;", "listen 81 bindx;", "listen 81 spdy;",
        "listen 81; listen 81;", "listen 81; listen *:81;", "listen 81; listen 0.0.0.0:81;",
        "listen [::1]:81 ipv6only=x;", "listen 1.2.3:80;", "server_name *a.b;", "server_name ~(;",
        "server_name *;",
    ],
    "http": [
        "server { listen 127.0.0.1:2 default_server; } server { listen "
        "127.0.0.1:2 default_server; }",
        "server { listen 127.0.0.1:2 backlog=3; } server { listen 127.0.0.1:2 backlog=3; }",
        "server { listen 127.0.0.1:2 ssl; server_name x; } server { listen "
        "127.0.0.1:2 ssl; @pair@ }",
        "server { listen 127.0.0.1:2; location ~ ( { return 200; } }",
        "server { listen 127.0.0.1:2; location ! / { return 200; } }",
        "server { listen 127.0.0.1:2; location = a b { return 200; } }",
        "server { listen 127.0.0.1:2; location  { return 200; } }",
        "server { listen 127.0.0.1:2; location / { } location / { } }",
        "server { listen 127.0.0.1:2; location ~ a { proxy_pass http://127.0.0.1/; } }",
        "server { listen 127.0.0.1:2; location @a { proxy_pass http://127.0.0.1/; } }",
        "server { listen 127.0.0.1:2; proxy_pass http://127.0.0.1; }",
        "map $host x { default a; }", "map $host $host { default a; }", "map $host $x { a; }",
        "map $host $x { a b c; }", "map $host $x { default a; default b; }",
        "map $host $x { a b; a c; }", "map $host $x { ~( b; }",
        "map $host $x { hostnames; a.*.b c; }", "map $nope $x { a b; }",
        "map $host $x { a $nope; }", "log_format a;", 'log_format a "$nope";',
        'log_format a escape=x "$host";', "log_format a b; log_format a c;",
        "log_format combined x;",
        "upstream a { server 127.0.0.1; } upstream a { server 127.0.0.1; }", "upstream a { }",
        "upstream { server 127.0.0.1; }", "upstream a b { server 127.0.0.1; }",
        "large_client_header_buffers 0 8k;", "large_client_header_buffers 4 0;",
        "large_client_header_buffers 4;", "keepalive_timeout 5; keepalive_timeout 6;",
        "include none.conf;", "http { }",
    ],
    "tls": [
        "", "ssl_certificate server.pem;", "ssl_certificate_key server.key;",
        "ssl_certificate missing; ssl_certificate_key server.key;",
        "ssl_certificate empty; ssl_certificate_key server.key;",
        "ssl_certificate server.key; ssl_certificate_key server.key;",
        "@pair@ ssl_verify_client on;", "@pair@ ssl_verify_client optional;",
        "@pair@ ssl_verify_client maybe;",
        "@pair@ ssl_verify_client on; ssl_client_certificate missing;",
        "@pair@ ssl_trusted_certificate missing;", "@pair@ ssl_crl missing;",
        "@pair@ ssl_verify_client on; ssl_client_certificate ca.crl;",
        "@pair@ ssl_verify_client on; ssl_client_certificate empty;",
        "@pair@ ssl_verify_depth -1;", "@pair@ ssl_verify_depth x;",
        "@pair@ ssl_protocols TLSv1.4;", "@pair@ ssl_ciphers nonsense;", '@pair@ ssl_ciphers "";',
        "@pair@ ssl_ecdh_curve nonsense;", "@pair@ ssl_session_timeout x;",
        "@pair@ ssl_session_ticket_key ca.pem;", "@pair@ ssl_session_ticket_key missing;",
        "@pair@ ssl_password_file missing;", "@pair@ ssl_engine x;",
    ],
    "location": [
        "proxy_pass u;", "proxy_pass http://;", "proxy_pass http://u:80;",
        "proxy_pass http://127.0.0.1:0;", "proxy_pass http://127.0.0.1:99999;",
        "proxy_pass http://127.0.0.1:x;", "proxy_pass http://unix:;", "proxy_pass ftp://u;",
        "proxy_pass http://u; proxy_pass http://u;", "proxy_pass http://u; proxy_redirect x;",
        "proxy_pass http://u/$uri; proxy_redirect default;", "proxy_set_header Host;",
        "proxy_http_version 2;", "proxy_connect_timeout x;", "proxy_next_upstream http_400;",
        "proxy_buffering x;", "proxy_pass https://u; proxy_ssl_verify on;",
        "proxy_pass https://u; proxy_ssl_certificate server.pem;", "return 1000;", "return x;",
        "return /x;", "return 200 a b;", "return -1;", "rewrite a b x;", "rewrite ( b;",
        "set x 1;", "set $host 1;", "set $uri 1;", "set $ 1;", "set $x $y;", "break x;",
        "if ($host == a) { }", "if ($host ~ ( ) { }", "if ($host { }", "if $host { }",
        "if () { }", "if (host) { }", "if ($nope) { }", "if ($host = $nope) { }",
        "if ($host) { proxy_pass http://u/; }", "if ($host) { proxy_set_header X y; }",
        "if ($host) { if ($host) { } }", "if ($host) { location /l/x { } }", "location /x { }",
        "location @x { }", "location = /l/x { location /l/x/y { } }", "error_page 404 =x /x;",
        "error_page 200 /x;", "error_page 299 /x;", "error_page 499 /x;", "error_page 600 /x;",
        "error_page x /x;", "error_page 404;", "add_header X y z;", "internal x;",
        "allow 1.2.3.4/33;", "allow x;", "keepalive_timeout x;", "keepalive_requests x;",
        "client_max_body_size 1x;", "client_max_body_size -1;", "send_timeout 1h 30m;",
        "send_timeout 1.5;", "access_log /dev/null nope;",
        "access_log /dev/null combined flush=1s;", "error_log /dev/null loud;",
        "server_tokens maybe;", "nonsense 1;", "Proxy_pass http://u;",
    ],
    "upstream": [
        "server 127.0.0.1:1 weight=0;", "server 127.0.0.1:1 weight=x;",
        "server 127.0.0.1:1 max_fails=x;", "server 127.0.0.1:1 fail_timeout=x;",
        "server 127.0.0.1:1 backup;", "server 127.0.0.1:1 slow_start=1s;",
        "server 127.0.0.1:1 nope;", "server unix:;", "server http://127.0.0.1;",
        "server 127.0.0.1/x;", "server 127.0.0.1:0;", "server 127.0.0.1:99999;", "server :80;",
        "", "server 127.0.0.1; keepalive x;", "server 127.0.0.1; keepalive_timeout 5 6;",
        "server 127.0.0.1; nonsense;", "least_conn x; server 127.0.0.1;",
    ],
    "main": [
        "", "events { worker_connections 0; } http { server { listen 127.0.0.1:1; } }",
        "events { worker_connections x; } http { server { listen 127.0.0.1:1; } }",
        "events { } events { } http { server { listen 127.0.0.1:1; } }",
        "worker_processes -1; events { } http { server { listen 127.0.0.1:1; } }",
        "daemon maybe; events { } http { server { listen 127.0.0.1:1; } }",
        "events { } http { } http { }", "events { } http { server { listen 127.0.0.1:1; }",
        "events { } http { server { listen 127.0.0.1:1 } }", "events { } }",
        "events { } http { server { listen 127.0.0.1:1; } } stream { }",
        "user nosuchuser; events { } http { server { listen 127.0.0.1:1; } }",
        "user root nosuchgroup; events { } http { server { listen 127.0.0.1:1; } }",
    ],
}

# (block, case, whether nginx takes it, why we do not do the same)
DIFFERENT = [
    ("server", "listen 127.0.0.1:8081-8083;", True, "ranges of ports are not there yet"),
    ("server", "listen 81 setfib=1;", False, "without effect here, so its value is not read"),
    ("server", "listen 81 fastopen=x;", False, "without effect here, so its value is not read"),
    ("server", "listen 81 rcvbuf=x;", False, "without effect here, so its value is not read"),
    ("server", "server_name *.a.*;", True, "no host could ever match"),
    ("server", "server_name a.*.b;", True, "no host could ever match"),
    ("server", "server_name a..b;", True, "no host could ever match"),
    ("tls", "ssl_certificate server.pem; ssl_certificate_key rsa.key;", True,
     "key and certificate do not belong together"),
    ("tls", "ssl_certificate $ssl_server_name.pem; ssl_certificate_key server.key;", True,
     "workers open no files"),
    ("tls", "@pair@ ssl_verify_client on; ssl_trusted_certificate ca.pem;", False,
     "nginx accepts it since 1.23"),
    ("tls", "@pair@ ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.pem;", True,
     "a file without a list revokes nobody"),
    ("tls", "@pair@ ssl_verify_depth 1000;", True, "a chain is never that long"),
    ("tls", "@pair@ ssl_protocols TLSv1 TLSv1.1;", True, "TLS before 1.2 is not offered"),
    ("tls", "@pair@ ssl_protocols SSLv3;", True, "TLS before 1.2 is not offered"),
    ("tls", "@pair@ ssl_session_cache nonsense;", False,
     "without effect here, so its value is not read"),
    ("tls", "@pair@ ssl_buffer_size 0;", True, "no record is empty"),
    ("tls", "@pair@ ssl_stapling on; ssl_stapling_responder https://a.test/;", True,
     "nginx leaves such a responder out, with a warning"),
    ("tls", "@pair@ ssl_dhparam missing;", False,
     "without effect here, so its value is not read"),
    ("tls", "@pair@ ssl_password_file empty;", True, "a file without a password opens nothing"),
    ("tls", "@pair@ ssl_conf_command Options PrioritizeChaCha;", True, "bound to one library"),
    ("location", "proxy_pass http://$host;", True, "workers ask no name server"),
    ("location", "proxy_pass $scheme://u;", True, "workers ask no name server"),
    ("location", "proxy_pass http://u; proxy_redirect ~x y;", True,
     "expressions are not there yet"),
    ("location", "proxy_set_header X $nothing;", False, "read where a proxy_pass uses it"),
    ("location", "proxy_pass https://u; proxy_ssl_certificate server.pem; "
                 "proxy_ssl_certificate_key rsa.key;", True,
     "key and certificate do not belong together"),
    ("location", "set $args 1;", True, "built-in variables cannot be set yet"),
    ("location", "if (-f $uri) { }", True, "no files are served"),
    ("location", "if (!-e $uri) { }", True, "no files are served"),
    ("location", 'add_header "A:B" y;', True, "clients could not read the answer"),
    ("location", 'add_header "" y;', True, "clients could not read the answer"),
    ("location", "access_log /dev/null combined gzip;", True, "logs are text"),
    ("location", "access_log /dev/null buffer=1k;", False, "the format may be left out"),
    ("location", "access_log syslog:server=127.0.0.1;", True, "logs go to files"),
    ("location", "access_log /tmp/$host.log;", True, "workers open no files"),
    ("location", "root /x;", True, "no files are served"),
    ("location", "try_files $uri =404;", True, "no files are served"),
    ("location", "expires 1d;", True, "not implemented, which would show"),
    ("location", "limit_rate 1k;", True, "not implemented, which would show"),
    ("http", "map $host $x { default a; } map $host $x { default b; }", True,
     "the first map would count for nothing"),
    ("http", "client_header_buffer_size 0;", True, "no head is empty"),
    ("http", "geo $x { default 1; }", True, "not implemented, which would show"),
    ("http", "split_clients $host $x { * a; }", True, "not implemented, which would show"),
    ("http", "limit_req_zone $host zone=a:1m rate=1r/s;", True,
     "not implemented, which would show"),
    ("http", "charset utf-8;", True, "not implemented, which would show"),
    ("upstream", "server 127.0.0.1:1 max_conns=1;", True, "not implemented, which would show"),
    ("upstream", "ip_hash; server 127.0.0.1;", True, "not implemented, which would show"),
    ("upstream", "hash $host; server 127.0.0.1;", True, "not implemented, which would show"),
    ("upstream", "random; server 127.0.0.1;", True, "not implemented, which would show"),
    ("upstream", "server 127.0.0.1; keepalive 0;", False, "nginx accepts it since 1.29.7"),
    ("http", "client_header_timeout 0;", True, "nobody would be served"),
    ("http", "client_body_timeout 0;", True, "bodies would have to come at once"),
    ("http", "send_timeout 0;", True, "answers would have to leave at once"),
    ("http", "proxy_connect_timeout 0;", True, "every answer would be 504"),
    ("http", "proxy_read_timeout 0;", True, "every answer would be 504"),
    ("http", "proxy_send_timeout 0;", True, "requests would have to leave at once"),
    ("server", "set $args a=1;", True, "what is built in cannot be set"),
    ("main", "events { }", True, "nothing to do is a mistake"),
    ("main", "events { } http { }", True, "nothing to do is a mistake"),
    ("main", "http { server { listen 127.0.0.1:1; } }", False, "events may be left out"),
    ("main", "worker_processes 0; events { } http { server { listen 127.0.0.1:1; } }", True,
     "nobody would work"),
    ("main", "user nobody; events { } http { server { listen 127.0.0.1:1; } }", False,
     "the group is that of the account"),
    ("main", "load_module x.so; events { } http { server { listen 127.0.0.1:1; } }", False,
     "modules are built in"),
    ("main", "server { listen 127.0.0.1:1; }", False, "http may be left out"),
]


@pytest.fixture(scope="module")
def folder(pki, tmp_path_factory):
    """Where the files are that the cases name."""
    place = tmp_path_factory.mktemp("agree")
    for name, source in (("server.pem", "server.pem"), ("server.key", "server.key"),
                         ("rsa.pem", "server-rsa.pem"), ("rsa.key", "server-rsa.key"),
                         ("ca.pem", "ca.pem"), ("ca.crl", "crl-nobody.pem")):
        shutil.copy(os.path.join(pki.dir, source), place / name)
    (place / "empty").write_bytes(b"")
    (place / "tickets").write_bytes(b"x" * 48)
    (place / "mapfile").write_text("a b;\n")
    return place


def whole(block, case):
    text = AROUND[block].replace("@case@", case).replace("@pair@", PAIR)
    text = text.replace("@listen@", "" if "listen" in case else "listen 127.0.0.1:1;")
    text = text.replace("@server@", "" if "server {" in case else "server { listen 127.0.0.1:1; }")
    return text + "\n"


def taken(folder, block, case, command):
    (folder / "case.conf").write_text(whole(block, case))
    done = subprocess.run(command + ["-p", str(folder) + "/", "-c", "case.conf"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), f"{block}: {case}: {done.stderr}"
    return done.returncode == 0


def verdicts(folder, block, case):
    pid = str(folder / "nginx.pid")
    nginx = taken(folder, block, case, [NGINX, "-t", "-q", "-e", "stderr", "-g", f"pid {pid};"])
    return nginx, taken(folder, block, case, [BINARY, "check"])


def disagreements(folder, block, cases, want):
    return [(case, "nginx, countersign:", got) for case in cases
            for got in [verdicts(folder, block, case)] if got != (want, want)]


@pytest.mark.parametrize("block", BOTH_ACCEPT)
def test_both_accept(folder, block):
    assert disagreements(folder, block, BOTH_ACCEPT[block], True) == []


@pytest.mark.parametrize("block", BOTH_REFUSE)
def test_both_refuse(folder, block):
    assert disagreements(folder, block, BOTH_REFUSE[block], False) == []


def test_differences_are_those_that_are_meant(folder):
    wrong = [(block, case, got) for block, case, nginx, _ in DIFFERENT
             for got in [verdicts(folder, block, case)] if got != (nginx, not nginx)]
    assert wrong == []
