"""The gateways that can be measured: how each is found, configured alike and started.

Alike means: one worker, TLS 1.3 with X25519 and AES-128-GCM, a client certificate under the CA
required, tickets on, no access log, a plain HTTP/1.1 backend kept alive where the peer can.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess

# countersign takes the very file that nginx takes.
NGINX = '''
worker_processes {workers};
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log error;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 128k;
    proxy_max_temp_file_size 0;
    upstream backend {{
        server 127.0.0.1:{backend};
        keepalive 600;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        server_name localhost;
        ssl_certificate {pki}/server.crt;
        ssl_certificate_key {pki}/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ecdh_curve X25519;
        ssl_session_tickets on;
        ssl_session_cache off;
        ssl_client_certificate {pki}/ca.crt;
        ssl_verify_client on;
        ssl_verify_depth 3;
        {suite}
        {crl}
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
'''

HAPROXY = '''
global
    nbthread {workers}
    maxconn 6000
defaults
    mode http
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    http-reuse always
frontend front
    bind 127.0.0.1:{port} backlog 4096 ssl crt {pki}/server.pem ca-file {pki}/ca.crt verify required curves X25519 ciphersuites TLS_AES_128_GCM_SHA256 {crl}
    default_backend back
backend back
    server one 127.0.0.1:{backend}
'''

HITCH = '''
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{backend}"
pem-file = "{pki}/server.pem"
client-verify = required
client-verify-ca = "{pki}/ca.crt"
tls-protos = TLSv1.2 TLSv1.3
ciphersuites = "TLS_AES_128_GCM_SHA256"
ecdh-curve = "X25519"
workers = 1
backlog = 4096
daemon = off
{user}
'''

STUNNEL = '''
foreground = yes
pid =
debug = err
[front]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{backend}
cert = {pki}/server.crt
key = {pki}/server.key
CAfile = {pki}/ca.crt
verifyChain = yes
requireCert = yes
curves = X25519
ciphersuites = TLS_AES_128_GCM_SHA256
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
'''

ENVOY = '''
static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context:
            tls_params: {{ tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3, ecdh_curves: [X25519] }}
            tls_certificates:
            - certificate_chain: {{ filename: {pki}/server.crt }}
              private_key: {{ filename: {pki}/server.key }}
            validation_context: {{ trusted_ca: {{ filename: {pki}/ca.crt }} }}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          codec_type: HTTP1
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{ prefix: "/" }}
                route: {{ cluster: back, timeout: 300s }}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: back
    type: STATIC
    connect_timeout: 5s
    circuit_breakers: {{ thresholds: [{{ max_connections: 16000, max_pending_requests: 16000, max_requests: 16000 }}] }}
    load_assignment:
      cluster_name: back
      endpoints:
      - lb_endpoints:
        - endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {backend} }} }} }}
'''

CADDY = '''
{{
    admin off
    auto_https off
    servers {{
        protocols h1
    }}
}}
https://localhost:{port} {{
    bind 127.0.0.1
    tls {pki}/server.crt {pki}/server.key {{
        curves x25519
        client_auth {{
            mode require_and_verify
            trusted_ca_cert_file {pki}/ca.crt
        }}
    }}
    reverse_proxy 127.0.0.1:{backend}
}}
'''


# hitch runs no workers as root.
UNPRIVILEGED = 'user = "nobody"\ngroup = "nogroup"' if os.geteuid() == 0 else ''




class Peer:
    """@crl: how its configuration names a revocation list; @reload: the signal that makes it
    read its configuration again; @get: where it comes from when it is not here."""

    def __init__(self, name, program, config, command, version, suite='', crl=None, reload=None,
                 get=None):
        self.name, self.program, self.config = name, program, config
        self.command, self.version_args, self.suite = command, version, suite
        self.crl, self.reload = crl, reload
        self.get = get or f'apt-get install {program}'
        self.path = None

    def find(self, search):
        """Whether it is on this machine; sbin folders count."""
        self.path = self.path or shutil.which(self.program, path=search)
        return self.path is not None

    def version(self):
        """Its own word about its version, and the TLS library's where it tells."""
        run = subprocess.run([self.path, *self.version_args], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)
        text = run.stdout + run.stderr
        number = re.search(r'\d+\.\d+(\.\d+)?(-[\w.]+)?', text)
        library = re.search(r'(OpenSSL|AWS-LC|BoringSSL)( \d+\.\d+\.\d+)?', text)
        return ' '.join([number[0] if number else '?'] + ([library[0]] if library else []))

    def argv(self, folder, port, backend, pki, workers=1, crl=False):
        """Write its configuration into @folder. Return: what to start."""
        file = pathlib.Path(folder) / 'config'
        if self.name == 'envoy':
            file = file.with_suffix('.yaml')
        file.write_text(self.config.format(
            folder=folder, port=port, backend=backend, pki=pki, suite=self.suite,
            user=UNPRIVILEGED, workers=workers, crl=self.crl.format(pki=pki) if crl else ''))
        values = {'FILE': str(file), 'FOLDER': str(folder) + '/', 'PORT': str(port),
                  'BACKEND': str(backend), 'PKI': str(pki)}
        return [self.path] + [re.sub('FILE|FOLDER|PORT|BACKEND|PKI', lambda m: values[m[0]], word)
                              for word in self.command]


NGINX_CRL, HUP = 'ssl_crl {pki}/ca.crl;', signal.SIGHUP


def ours(name, path):
    """A build of countersign."""
    peer = Peer(name, 'countersign', NGINX, ['run', '-c', 'FILE', '-p', 'FOLDER'], ['version'],
                crl=NGINX_CRL, reload=HUP)
    peer.path = str(path)
    return peer


def everyone(countersign, beside=()):
    """countersign first, then other builds of it as (name, path), then its peers."""
    return [
        ours('countersign', countersign), *(ours(*build) for build in beside),
        Peer('nginx', 'nginx', NGINX, ['-c', 'FILE', '-p', 'FOLDER'], ['-V'],
             'ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;', NGINX_CRL, HUP),
        Peer('haproxy', 'haproxy', HAPROXY, ['-W', '-db', '-f', 'FILE'], ['-vv'],
             crl='crl-file {pki}/ca.crl', reload=signal.SIGUSR2),
        Peer('hitch', 'hitch', HITCH, ['--config=FILE'], ['--version']),
        Peer('stunnel', 'stunnel4', STUNNEL, ['FILE'], ['-version']),
        Peer('envoy', 'envoy', ENVOY,
             ['-c', 'FILE', '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
             ['--version'], get='make bench-peers'),
        Peer('caddy', 'caddy', CADDY, ['run', '--config', 'FILE', '--adapter', 'caddyfile'],
             ['version']),
        Peer('ghostunnel', 'ghostunnel', '',
             ['server', '--listen', '127.0.0.1:PORT', '--target', '127.0.0.1:BACKEND', '--cert',
              'PKI/server.crt', '--key', 'PKI/server.key', '--cacert', 'PKI/ca.crt',
              '--allow-all', '--quiet', 'all'], ['--version'], get='make bench-peers'),
    ]


def cache_folder():
    """Where make bench-peers puts what the distribution does not have."""
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'countersign' / 'peers'


def search_path():
    return ':'.join([os.environ.get('PATH', ''), '/usr/local/sbin:/usr/sbin:/sbin',
                     str(cache_folder() / 'bin')])
