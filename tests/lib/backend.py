"""Backends: what the gateway talks to.

Backend is an HTTP/1.1 server in threads whose every answer can be scripted, for edge cases.
It answers with a JSON description of the request it saw unless a story registered something
else for the path. NginxBackend is a real server, for volume.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

from waiting import wait_for

IDLE_S = 60.0


class Request:
    def __init__(self, connection, number, line, headers):
        self.connection = connection  # which connection of the backend, from 1
        self.number = number          # which request on that connection, from 1
        self.method, self.target, self.version = line.split(" ")
        self.headers = headers
        self.trailers = []

    @property
    def path(self):
        return self.target.split("?")[0]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default


class Exchange:
    """One request and the means to answer it in any way, right or wrong."""

    def __init__(self, backend, sock, stream, request):
        self.backend = backend
        self.sock = sock
        self.stream = stream
        self.request = request
        self.close = False
        self._read = False

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def reply(self, status=200, headers=(), body=b"", reason="OK"):
        """A framed answer; the body of the request is read first."""
        self.body()
        if isinstance(body, str):
            body = body.encode()
        lines = [f"HTTP/1.1 {status} {reason}"]
        names = [n.lower() for n, _ in headers]
        if "content-length" not in names and "transfer-encoding" not in names:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{n}: {v}" for n, v in headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.send(head + (b"" if self.request.method == "HEAD" else body))

    def reply_chunked(self, parts, headers=(), trailers=()):
        self.body()
        extra = "".join(f"{n}: {v}\r\n" for n, v in headers)
        self.send(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{extra}\r\n")
        for part in parts:
            if part:
                self.send(b"%x\r\n%b\r\n" % (len(part), part))
        self.send("0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers) + "\r\n")

    def pieces(self):
        """The body of the request as it arrives."""
        if self._read:
            return
        self._read = True
        if "chunked" in (self.request.header("Transfer-Encoding") or "").lower():
            while True:
                size = int(self.stream.readline().split(b";")[0], 16)
                if size == 0:
                    break
                yield _exactly(self.stream, size)
                _exactly(self.stream, 2)
            while True:
                line = self.stream.readline()
                if line in (b"\r\n", b""):
                    return
                field, _, value = line.decode("latin-1").partition(":")
                self.request.trailers.append((field, value.strip()))
        left = int(self.request.header("Content-Length") or 0)
        while left:
            piece = self.stream.read1(min(left, 65536))
            if not piece:
                raise ConnectionError("body cut short")
            left -= len(piece)
            yield piece

    def body(self):
        return b"".join(self.pieces())

    def drop(self):
        """Close without another byte."""
        self.close = True

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close = True

    def echo(self):
        """What the backend saw, as JSON."""
        body = self.body()
        peer = None
        if isinstance(self.sock, ssl.SSLSocket):
            der = self.sock.getpeercert(binary_form=True)
            peer = hashlib.sha256(der).hexdigest() if der else None
        seen = {
            "method": self.request.method, "target": self.request.target,
            "version": self.request.version, "headers": self.request.headers,
            "connection": self.request.connection, "number": self.request.number,
            "length": len(body), "sha256": hashlib.sha256(body).hexdigest(),
            "body": body[:4096].decode("latin-1"), "trailers": self.request.trailers,
            "backend": self.backend.name, "peer": peer,
        }
        self.reply(200, [("Content-Type", "application/json")], json.dumps(seen))

    def numbered_bytes(self):
        """/bytes/N: N bytes."""
        size = int(self.request.path.rsplit("/", 1)[1])
        self.body()
        self.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
        if self.request.method != "HEAD":
            block = bytes(range(256)) * 256
            while size:
                part = block[:size] if size < len(block) else block
                self.send(part)
                size -= len(part)

    def websocket(self):
        """/ws: switches protocols, then sends back every byte."""
        upgrade = self.request.header("Upgrade")
        if not upgrade or "upgrade" not in (self.request.header("Connection") or "").lower():
            self.reply(426, [], "upgrade required", reason="Upgrade Required")
            return
        self.send(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: {upgrade}\r\n"
                  "Connection: upgrade\r\n\r\n")
        while True:
            data = self.stream.read1(65536)
            if not data:
                break
            self.send(data)
        self.close = True

    def hold(self):
        """/hold: answers when the story says so."""
        self.body()
        self.backend.held.release()
        self.backend.released.wait(IDLE_S)
        self.reply(200, [], "held")


def _exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise ConnectionError("body cut short")
    return data


class Backend:
    """An HTTP/1.1 server on a port of the kernel's choice, or on a unix socket.

    on(path, handler) scripts the answer of one path; handler gets the Exchange. requests and
    connections tell what came. tls is a server-side SSLContext; before_tls is sent in the
    clear ahead of the handshake. greet(sock), if given, replaces HTTP altogether.
    """

    def __init__(self, name="backend", tls=None, before_tls=b"", path=None, greet=None,
                 receive_buffer=None):
        self.name = name
        self.tls = tls
        self.before_tls = before_tls
        self.greet = greet
        self.handlers = {}
        self.requests = []
        self.connections = 0
        self.handshake_errors = []
        self.held = threading.Semaphore(0)
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.open = set()
        self.closing = False
        if path is not None:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o777)
            self.address = "unix:" + path
            self.port = None
        else:
            self.listener = socket.socket()
            if receive_buffer:
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.listener.bind(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
            self.address = f"127.0.0.1:{self.port}"
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def __str__(self):
        return self.address

    def on(self, path, handler):
        self.handlers[path] = handler
        return self

    def raw(self, path, answer, close=True):
        """Answer path with exactly these bytes."""
        def handler(exchange):
            exchange.body()
            exchange.send(answer)
            exchange.close = close
        return self.on(path, handler)

    def paths(self):
        return [r.path for r in self.requests]

    def release(self):
        self.released.set()

    def stop(self):
        self.closing = True
        self.released.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for sock in self.open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def drop_idle(self):
        """Close every connection that is open now, as a backend does at its keep-alive time."""
        with self.lock:
            for sock in list(self.open):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self.closing:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock, number):
        raw = sock
        try:
            sock.settimeout(IDLE_S)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.greet:
                self.greet(sock)
                return
            if self.before_tls:
                sock.sendall(self.before_tls)
            if self.tls:
                try:
                    sock = self.tls.wrap_socket(sock, server_side=True,
                                                do_handshake_on_connect=False)
                    with self.lock:
                        self.open.discard(raw)  # its descriptor is the wrapper's now
                        self.open.add(sock)
                    sock.do_handshake()
                except (ssl.SSLError, OSError) as error:
                    self.handshake_errors.append(error)
                    return
            self._http(sock, number)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.discard(raw)
                self.open.discard(sock)
            with contextlib.suppress(OSError):
                sock.close()

    def _http(self, sock, number):
        stream = sock.makefile("rb", buffering=65536)
        count = 0
        while True:
            line = stream.readline()
            if not line:
                return
            headers = []
            while True:
                field = stream.readline()
                if field in (b"\r\n", b"\n", b""):
                    break
                name, _, value = field.decode("latin-1").rstrip("\r\n").partition(":")
                headers.append((name, value.strip()))
            count += 1
            request = Request(number, count, line.decode("latin-1").strip(), headers)
            with self.lock:
                self.requests.append(request)
            exchange = Exchange(self, sock, stream, request)
            self._handler(request.path)(exchange)
            if exchange.close:
                return
            if "close" in (request.header("Connection") or "").lower():
                return
            if request.version == "HTTP/1.0" and \
                    "keep-alive" not in (request.header("Connection") or "").lower():
                return

    def _handler(self, path):
        if path in self.handlers:
            return self.handlers[path]
        if path.startswith("/bytes/"):
            return Exchange.numbered_bytes
        if path.startswith("/ws"):
            return Exchange.websocket
        if path.startswith("/hold"):
            return Exchange.hold
        return Exchange.echo


def server_context(identity, client_ca=None, version=None, required=True):
    """The TLS side of a backend. client_ca is a saved Authority."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(identity.certfile, identity.keyfile)
    if client_ca is not None:
        ctx.load_verify_locations(client_ca.certfile)
        ctx.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if version == "1.2":
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    return ctx


NGINX_CONF = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {dir}/www;
        location = /hello {{ return 200 "hello\\n"; }}
        location /files/ {{ alias {dir}/www/; }}
    }}
}}
"""


class NginxBackend:
    """The distribution's nginx: /hello, and files of a given size under /files/."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="countersign-backend-")
        os.chmod(self.dir, 0o755)
        os.mkdir(os.path.join(self.dir, "www"))
        self.port = free_port()
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(NGINX_CONF.format(dir=self.dir, port=self.port))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.dir, "-e", self.dir + "/error.log", "-c", conf],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        wait_for(self._listens, "the nginx backend to listen")

    def _listens(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def __str__(self):
        return f"127.0.0.1:{self.port}"

    def file(self, name, size):
        path = os.path.join(self.dir, "www", name)
        with open(path, "wb") as out:
            block = os.urandom(65536)
            for _ in range(size // len(block)):
                out.write(block)
            out.write(block[:size % len(block)])
        os.chmod(path, 0o644)
        return path

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


def free_port(host="127.0.0.1"):
    """A port that is free, and that the kernel gives to nobody for a minute: neither to whoever asks
    for any port nor to a connection that goes out. A connection to it was closed on its side just
    now, and the kernel remembers that; a server that names the port may have it all the same, since
    it allows the reuse of addresses, as servers do."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, 0))
        listener.listen(1)
        with socket.create_connection(listener.getsockname()[:2]):
            listener.accept()[0].close()
        return listener.getsockname()[1]
