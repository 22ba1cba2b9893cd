"""Clients: HTTP/1.1 spoken by hand over a socket, with or without TLS, and curl.

The parser of answers is strict on purpose: what a gateway sends must be framed exactly, so a
lenient client would hide faults.
"""

import json
import socket
import ssl
import struct
import subprocess
import warnings

TIMEOUT_S = 10.0


class Closed(Exception):
    """The peer closed the connection before a whole answer had come."""


class Response:
    def __init__(self, version, status, reason, headers):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = b""
        self.trailers = []

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode("latin-1")

    def keeps_alive(self):
        connection = (self.header("Connection") or "").lower()
        if self.version == "HTTP/1.0":
            return "keep-alive" in connection
        return "close" not in connection


class Connection:
    """One connection to a gateway. sock is a connected socket, TLS or not."""

    def __init__(self, sock):
        self.sock = sock
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Close with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def more(self, size=65536):
        data = self.sock.recv(size)
        if not data:
            raise Closed(f"after {self.pending[:200]!r}")
        self.pending += data

    def until(self, mark):
        while mark not in self.pending:
            self.more()
        head, self.pending = self.pending.split(mark, 1)
        return head

    def exactly(self, size):
        while len(self.pending) < size:
            self.more()
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def rest(self):
        """Everything up to the end of the connection, however it ends."""
        try:
            while True:
                self.more()
        except (Closed, ConnectionResetError, ssl.SSLError):
            pass
        data, self.pending = self.pending, b""
        return data

    def ended(self, timeout_s=TIMEOUT_S):
        """True when the peer closes within the time, False when it stays silent."""
        self.sock.settimeout(timeout_s)
        try:
            return self.sock.recv(1) == b"" and not self.pending
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as error:
            return not isinstance(error, socket.timeout)
        except (socket.timeout, TimeoutError):
            return False
        finally:
            self.sock.settimeout(TIMEOUT_S)

    def request(self, method="GET", target="/", headers=(), body=None, host="a.test"):
        """Send one request and read its answer."""
        self.ask(method, target, headers, body, host)
        return self.response(method)

    def ask(self, method="GET", target="/", headers=(), body=None, host="a.test"):
        """Send one request; headers are pairs."""
        lines = [f"{method} {target} HTTP/1.1"]
        if host is not None:
            lines.append(f"Host: {host}")
        lines += [f"{n}: {v}" for n, v in headers]
        if body is not None and not any(n.lower() in ("content-length", "transfer-encoding")
                                        for n, _ in headers):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self

    def head(self):
        """The status line and headers of the next answer, interim ones included."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, reason = (lines[0] + " ").split(" ", 2)
        assert version in ("HTTP/1.0", "HTTP/1.1"), lines[0]
        headers = []
        for line in lines[1:]:
            field, colon, value = line.partition(":")
            assert colon and field and field == field.strip(), f"bad header line {line!r}"
            headers.append((field, value.strip()))
        return Response(version, int(status), reason.strip(), headers)

    def response(self, method="GET"):
        """The next final answer with its body."""
        answer = self.head()
        while 100 <= answer.status < 200 and answer.status != 101:
            answer = self.head()
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        lengths = answer.all("Content-Length")
        coding = (answer.header("Transfer-Encoding") or "").lower()
        assert not (lengths and coding), "both Content-Length and Transfer-Encoding"
        if coding:
            assert coding == "chunked"
            answer.body, answer.trailers = self.chunks()
        elif lengths:
            assert len(lengths) == 1, lengths
            answer.body = self.exactly(int(lengths[0]))
        else:
            answer.body = self.rest()
        return answer

    def chunks(self):
        parts = []
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            parts.append(self.exactly(size))
            assert self.exactly(2) == b"\r\n"
        trailers = []
        while True:
            line = self.until(b"\r\n").decode("latin-1")
            if not line:
                return b"".join(parts), trailers
            field, _, value = line.partition(":")
            trailers.append((field, value.strip()))

    # what TLS agreed on
    @property
    def reused(self):
        return self.sock.session_reused

    @property
    def session(self):
        return self.sock.session

    @property
    def version(self):
        return self.sock.version()


def connect(port, host="127.0.0.1", timeout_s=TIMEOUT_S, receive_buffer=None, source=None):
    """A plain TCP connection; from the address source, if there is one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(timeout_s)
    if source:
        sock.bind((source, 0))
    sock.connect((host, port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(sock)


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3,
            "1.1": ssl.TLSVersion.TLSv1_1}


def context(cert=None, ca=None, version=None, ciphers=None, alpn=None):
    """A client's TLS context. cert is an Identity that is saved; ca a saved Authority, or
    None to accept any server."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if ca is not None:
        ctx.load_verify_locations(ca.certfile)
        ctx.check_hostname = True
        ctx.verify_mode = ssl.CERT_REQUIRED
    if cert is not None:
        ctx.load_cert_chain(cert.certfile, cert.keyfile)
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            ctx.minimum_version = VERSIONS[version]
            ctx.maximum_version = VERSIONS[version]
    if ciphers is not None:
        ctx.set_ciphers(ciphers)
    if alpn is not None:
        ctx.set_alpn_protocols(alpn)
    return ctx


def tls(port, cert=None, *, sni="a.test", ctx=None, session=None, version=None, host="127.0.0.1",
        ca=None, before=b"", receive_buffer=None, timeout_s=TIMEOUT_S, source=None):
    """A TLS connection; before is sent in the clear first (a PROXY header)."""
    ctx = ctx or context(cert, ca=ca, version=version)
    raw = connect(port, host, timeout_s, receive_buffer, source)
    if before:
        raw.send(before)
    try:
        sock = ctx.wrap_socket(raw.sock, server_hostname=sni, session=session,
                               suppress_ragged_eofs=True)
    except BaseException:
        raw.close()
        raise
    return Connection(sock)


def get(port, cert=None, target="/", *, host="a.test", method="GET", headers=(), body=None, **how):
    """One request over its own TLS connection."""
    how.setdefault("sni", host.split(":")[0] if host else None)
    with tls(port, cert, **how) as connection:
        return connection.request(method, target, headers, body, host)


class CurlResult:
    def __init__(self, done, status, body, headers):
        self.code = done.returncode
        self.stderr = done.stderr
        self.status = status
        self.body = body
        self.headers = headers

    def json(self):
        return json.loads(self.body)


def curl(url, *args, cert=None, ca=None, name="a.test", timeout_s=30):
    """Run curl on URL, where HOST in it stands for name at 127.0.0.1."""
    command = ["curl", "-sS", "-q", "--noproxy", "*", "-o", "-", "-D", "/dev/stderr",
               "-w", "\n%{http_code}", "--max-time", str(timeout_s)]
    if ca is not None:
        command += ["--cacert", ca.certfile]
    if cert is not None:
        command += ["--cert", cert.certfile, "--key", cert.keyfile]
    command += ["--connect-to", f"{name}::127.0.0.1:", *args, url]
    done = subprocess.run(command, capture_output=True, timeout=timeout_s + 5, check=False)
    body, _, status = done.stdout.rpartition(b"\n")
    done.stderr = done.stderr.decode("latin-1")
    return CurlResult(done, int(status or 0), body, done.stderr)
