"""The others: TLS clients and servers as people run them, each as a value that can be called.

A client is called with (pki, port) and returns what it said. A server is called with (pki, serve,
port), where serve is a Serve, and returns a Server that runs. Programs that may be missing (a
JDK, Go) say so by Missing.
"""

import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
from dataclasses import dataclass

import wire
from waiting import wait_for

NAME = "a.test"
PATIENCE_S = 15
REQUEST = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n"
LAX = "DEFAULT@SECLEVEL=0"  # what is refused here is to be refused by the other side


class Missing(Exception):
    """The program is not installed."""


def program(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/go/bin")
    if path is None:
        raise Missing(f"{name} is not installed")
    return path


def run(command, text="", timeout_s=PATIENCE_S):
    """What a client printed, whether it liked what it met or not."""
    done = subprocess.run(command, input=text, capture_output=True, timeout=timeout_s,
                          check=False, text=True, errors="replace")
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Serve:
    """How a server is set up: names of files in the zoo, and what only nginx and countersign
    understand: directives, and those of a second server at the same port, its default."""

    cert: str = "server"
    key: str = ""
    trust: str = "ca"
    crl: str = ""
    depth: int = 1
    verify: str = "on"
    listen: str = "ssl"
    more: str = ""
    beside: str = ""

    def blocks(self, pki, port, more=""):
        """Server blocks for an http block; more is added to each of them."""
        beside = ""
        if self.beside:
            beside = f"""
    server {{
        listen 127.0.0.1:{port} {self.listen} default_server;
        {self.beside.replace("@PKI@", pki)}
        {more}
    }}"""
        trust = f"ssl_client_certificate {pki}/{self.trust}.pem;" if self.trust else ""
        crl = f"ssl_crl {pki}/{self.crl}.pem;" if self.crl else ""
        return f"""{beside}
    server {{
        listen 127.0.0.1:{port} {self.listen};
        server_name {NAME};
        ssl_certificate {pki}/{self.cert}.pem;
        ssl_certificate_key {pki}/{self.key or self.cert}.key;
        {trust} {crl}
        ssl_verify_client {self.verify};
        ssl_verify_depth {self.depth};
        client_header_timeout 1s;
        location / {{ return 200 "welcome\\n"; }}
        {self.more}
        {more}
    }}"""


# --- clients ---


def papers(pki, cert, words):
    """The options that name a certificate and its key."""
    return [w for word in words for w in (word[0], f"{pki}/{cert}{word[1]}")] if cert else []


def rest(pki, cert):
    """The certificates behind the leaf, which OpenSSL's programs want in a file of their own."""
    path = f"{pki}/{cert}-rest.pem"
    return ["-cert_chain", path] if os.path.exists(path) else []


def openssl(*options, cert=None, ca=None, name=NAME):
    """openssl s_client; with a CA it looks at the server's certificate."""
    def client(pki, port):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof",
                   "-cipher", LAX, *(["-servername", name] if name else ["-noservername"]),
                   *papers(pki, cert, [("-cert", ".pem"), ("-key", ".key")]), *rest(pki, cert),
                   *papers(pki, ca, [("-CAfile", ".pem")]),
                   *(["-verify_return_error"] if ca else []), *options]
        return run(command, REQUEST)
    return client


def curl(*options, cert=None, ca=None, scheme="https", name=NAME):
    def client(pki, port):
        command = ["curl", "-sS", "-q", "-i", "--noproxy", "*", "--max-time", str(PATIENCE_S),
                   "--connect-to", f"{name}::127.0.0.1:", "--ciphers", LAX,
                   *papers(pki, cert, [("--cert", ".pem"), ("--key", ".key")]),
                   *(papers(pki, ca, [("--cacert", ".pem")]) or ["-k"]),
                   *options, f"{scheme}://{name}:{port}/"]
        return run(command)
    return client


def gnutls(*options, cert=None, ca=None, name=NAME):
    def client(pki, port):
        command = ["gnutls-cli", "--port", str(port), "127.0.0.1", "--sni-hostname", name,
                   "--verify-hostname", name,
                   *papers(pki, cert, [("--x509certfile", ".pem"), ("--x509keyfile", ".key")]),
                   *(papers(pki, ca, [("--x509cafile", ".pem")]) or ["--insecure"]), *options]
        return run(command, REQUEST)
    return client


def python(cert=None, ca=None, version=None, name=NAME, host=NAME, ask=True):
    """Python's ssl module."""
    def client(pki, port):
        ctx = wire.context(version=version, ciphers=LAX)
        if cert:
            ctx.load_cert_chain(f"{pki}/{cert}.pem", f"{pki}/{cert}.key")
        if ca:
            ctx.load_verify_locations(f"{pki}/{ca}.pem")
            ctx.check_hostname, ctx.verify_mode = True, ssl.CERT_REQUIRED
        try:
            with wire.tls(port, ctx=ctx, sni=name) as connection:
                return connection.request(host=host).text if ask else ""
        except (OSError, wire.Closed) as error:
            return str(error)
    return client


HERE = os.path.dirname(os.path.abspath(__file__))


def java(cert=None, ca=None, name=NAME):
    """SSLSocket with key and trust stores; it heeds the CA names that a server asks for."""
    def client(pki, port):
        with tempfile.TemporaryDirectory() as folder:
            keys = []
            command = [program("java"), os.path.join(HERE, "Client.java"), str(port), name,
                       f"{pki}/{ca}.pem" if ca else "-"]
            if cert:
                keys = [f"{folder}/keys.p12"]
                subprocess.run(["openssl", "pkcs12", "-export", "-passout", "pass:password",
                                "-in", f"{pki}/{cert}.pem", "-inkey", f"{pki}/{cert}.key",
                                "-out", keys[0]], check=True)
            return run(command + keys)
    return client


def go(*options, cert=None, ca=None, name=NAME):
    """crypto/tls; it heeds the CA names too."""
    def client(pki, port):
        command = [program("go"), "run", os.path.join(HERE, "client.go"), "-port", str(port),
                   "-name", name, *papers(pki, cert, [("-cert", ".pem"), ("-key", ".key")]),
                   *papers(pki, ca, [("-ca", ".pem")]), *options]
        return run(command, timeout_s=120)
    return client


def hello():
    """The bytes of a whole ClientHello."""
    out = ssl.MemoryBIO()
    ctx = wire.context()
    try:
        ctx.wrap_bio(ssl.MemoryBIO(), out, server_hostname=NAME).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def raw(data, answer=True, reset=False):
    """Bytes, made when they are needed; then it waits for the end, or for an answer and leaves."""
    def client(_, port):
        with wire.connect(port, timeout_s=PATIENCE_S) as connection:
            connection.send(data() if callable(data) else data)
            if answer:
                return repr(connection.rest())
            connection.more()
            if reset:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0))
            return repr(connection.pending)
    return client


# --- servers ---


class Server:
    """A program that listens on a port of its own, in a folder of its own."""

    def __init__(self, command, port, log=None):
        self.port = port
        self.dir = None
        self.log = log
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        wait_for(lambda: is_listening(port), f"{command[0]} to listen")

    def stop(self):
        self.process.kill()
        self.process.communicate()
        if self.dir:
            shutil.rmtree(self.dir)


def is_listening(port):
    """Whether somebody does, without connecting: that would be a client to explain."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            rows = [line.split() for line in file]
        if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows[1:]):
            return True
    return False


def openssl_server(*options):
    """openssl s_server: a certificate that it does not like ends the handshake."""
    def start(pki, serve, port):
        verify = []
        if serve.verify != "off":
            verify = ["-Verify", str(serve.depth + 1), "-verify_return_error",
                      "-CAfile", f"{pki}/{serve.trust}.pem"]
        if serve.crl:
            verify += ["-CRL", f"{pki}/{serve.crl}.pem", "-crl_check_all"]
        return Server(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet",
                       "-cert", f"{pki}/{serve.cert}.pem", *rest(pki, serve.cert),
                       "-key", f"{pki}/{serve.key or serve.cert}.key", *verify, *options], port)
    return start


def gnutls_server(*options):
    def start(pki, serve, port):
        verify = ["--disable-client-cert"]
        if serve.verify != "off":
            verify = ["--require-client-cert", "--verify-client-cert",
                      "--x509cafile", f"{pki}/{serve.trust}.pem"]
        if serve.crl:
            verify += ["--x509crlfile", f"{pki}/{serve.crl}.pem"]
        return Server(["gnutls-serv", "--http", "--quiet", "--port", str(port),
                       "--x509certfile", f"{pki}/{serve.cert}.pem",
                       "--x509keyfile", f"{pki}/{serve.key or serve.cert}.key",
                       *verify, *options], port)
    return start


HAPROXY = """
global
    log stderr format raw daemon
defaults
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
    log global
frontend f
    error-log-format "%{{+Q}}[ssl_fc_err_str] c_err=%[ssl_c_err] ca_err=%[ssl_c_ca_err]"
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem{verify}{crl}
    http-request return status 200 content-type text/plain string welcome
"""


def haproxy_server():
    def start(pki, serve, port):
        folder = tempfile.mkdtemp(prefix="countersign-haproxy-")
        both = b"".join(open(f"{pki}/{n}", "rb").read()
                        for n in (serve.cert + ".pem", (serve.key or serve.cert) + ".key"))
        with open(f"{folder}/both.pem", "wb") as out:
            out.write(both)
        verify = f" ca-file {pki}/{serve.trust}.pem verify required"
        with open(f"{folder}/haproxy.cfg", "w", encoding="ascii") as out:
            out.write(HAPROXY.format(
                port=port, folder=folder, verify=verify if serve.verify != "off" else "",
                crl=f" crl-file {pki}/{serve.crl}.pem" if serve.crl else ""))
        try:
            server = Server([program("haproxy"), "-db", "-f", f"{folder}/haproxy.cfg"], port)
        except BaseException:
            shutil.rmtree(folder)
            raise
        server.dir = folder
        return server
    return start


NGINX = """
daemon off; master_process off; pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{ access_log off;
{temp}
{block}
}}
"""


def nginx_server():
    def start(pki, serve, port):
        folder = tempfile.mkdtemp(prefix="countersign-nginx-")
        temp = "".join(f"    {kind}_temp_path {folder}/{kind};\n"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{folder}/nginx.conf", "w", encoding="ascii") as out:
            out.write(NGINX.format(folder=folder, temp=temp, block=serve.blocks(pki, port)))
        try:
            server = Server([program("nginx"), "-p", folder, "-c", "nginx.conf",
                             "-e", f"{folder}/error.log"], port)
        except BaseException:
            shutil.rmtree(folder)
            raise
        server.dir = folder
        return server
    return start
