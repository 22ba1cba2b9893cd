"""Clients and backends that stop, trickle, reset and talk nonsense, in every combination: nobody
crashes, every descriptor comes back, nothing spins, and honest requests are served afterwards.

The dice are seeded, so a story that fails can be told again; the threads that roll them are not.
COUNTERSIGN_ABUSE_S (default 6) is how long it goes on, COUNTERSIGN_ABUSE_SEED another seed.
"""

import contextlib
import os
import random
import socket
import ssl
import struct
import threading
import time

import pytest

import wire
from backend import Backend, server_context
from waiting import wait_for

SECONDS = float(os.environ.get("COUNTERSIGN_ABUSE_S", "6"))
SEED = int(os.environ.get("COUNTERSIGN_ABUSE_SEED", "1"))
CLIENTS = 12

CONF = """
upstream plain { least_conn; server @one@ max_fails=0; server @two@ max_fails=0; keepalive 4; }
upstream secret { server @three@ max_fails=0; keepalive 4; }
client_header_timeout 400ms; client_body_timeout 400ms; send_timeout 400ms;
keepalive_timeout 700ms;
proxy_connect_timeout 400ms; proxy_read_timeout 400ms; proxy_send_timeout 400ms;
proxy_next_upstream error timeout invalid_header http_503 non_idempotent;
client_max_body_size 2m; error_page 502 504 = @sorry; error_page 413 /big;
proxy_set_header Upgrade $http_upgrade;
server {
    SOCKET
    server_name a.test;
    location / { proxy_set_header Connection ""; proxy_pass http://plain; }
    location /tls/ { proxy_set_header Connection ""; proxy_pass https://secret; }
    location /ws { proxy_set_header Connection upgrade; proxy_pass http://plain; }
    location /stream/ { proxy_request_buffering off; proxy_pass http://plain; }
    location /own { return 200 "own words"; }
    location /loop { rewrite ^ /loop last; }
    location = /big { proxy_pass http://plain; }
    location @sorry { proxy_pass http://plain; }
}
"""
PLAIN = CONF[CONF.index("server {"):].replace("SOCKET", "listen 127.0.0.1:@http@;")
TLS = CONF.replace("SOCKET", """listen 127.0.0.1:@tls@ ssl; ssl_certificate @pki@/server.pem;
    ssl_certificate_key @pki@/server.key; ssl_client_certificate @pki@/ca.pem;
    ssl_verify_client optional;""")


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Chaos:
    """What a backend does with a request, by dice; calm makes it honest."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.calm = False

    def answer(self):
        dice, size = self.dice, self.dice.choice([0, 1, 100, 16384, 65536, 300_000])
        body = b"b" * size
        kind = dice.randrange(8)
        if kind == 0:
            return b"HTTP/1.1 200 OK\r\n\r\n" + body
        if kind == 1:
            cut = dice.randrange(1, 5000)
            parts = [body[i:i + cut] for i in range(0, min(size, 60 * cut), cut)]
            return (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n")
        if kind == 2:
            return b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * dice.randrange(1, 80) \
                + b"HTTP/1.1 204 No Content\r\n\r\n"
        if kind == 3:
            return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n" \
                   b"Connection: upgrade\r\n\r\n" + body
        if kind == 4:
            return dice.randbytes(size or 7)
        status = dice.choice([b"200 OK", b"304 Not Modified", b"503 Busy", b"404 No"])
        length = size + dice.choice([0, 0, 0, 1, -1]) if size else 0
        close = dice.choice([b"", b"", b"Connection: close\r\n"])
        return b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n" % length + close + b"\r\n" \
            + body

    def serve(self, exchange):
        dice, sock = self.dice, exchange.sock
        if self.calm:
            exchange.reply(200, [], "calm")
            return
        if dice.random() < 0.6:
            exchange.body()
        exchange.close = dice.random() < 0.6
        end = dice.randrange(6)
        data = self.answer()
        if end == 0:
            data = data[:dice.randrange(len(data) + 1)]
        if end == 1:
            for i in range(0, min(len(data), 40)):
                exchange.send(data[i:i + 1])
                time.sleep(dice.choice([0, 0, 0.001, 0.02]))
            data = data[40:]
        with contextlib.suppress(OSError):
            exchange.send(data)
        if end == 2:
            exchange.close = True
            reset(sock)
        if end == 3:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
        if end == 4 and dice.random() < 0.3:
            time.sleep(0.6)


def request(dice):
    """Bytes of one request, and whether they are whole."""
    method = dice.choice(["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
    path = dice.choice(["/", "/x", "/tls/y", "/ws", "/stream/z", "/own", "/loop", "/%2e/%00", "*"])
    lines = [f"{method} {path} HTTP/1.{dice.choice([1, 1, 1, 0])}", "Host: a.test"]
    body = b""
    if path == "/ws" or dice.random() < 0.05:
        lines += ["Upgrade: x", "Connection: upgrade"]
    if dice.random() < 0.1:
        lines.append("Expect: 100-continue")
    if dice.random() < 0.1:
        lines.append("Connection: close")
    if method in ("POST", "PUT") or dice.random() < 0.1:
        body = b"r" * dice.choice([0, 1, 1000, 20_000, 200_000, 3_000_000])
        if dice.random() < 0.5:
            lines.append(f"Content-Length: {len(body)}")
        else:
            lines.append("Transfer-Encoding: chunked")
            cut = dice.choice([50, 4096, 70_000])
            parts = [body[i:i + cut] for i in range(0, min(len(body), 400 * cut), cut)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
    data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    if dice.random() < 0.05:
        at = dice.randrange(len(data))
        data = data[:at] + dice.randbytes(3) + data[at + 3:]
    return data


def send(dice, sock, data):
    how = dice.randrange(6)
    if how == 0:
        data = data[:dice.randrange(len(data) + 1)]
    if how == 1:
        for i in range(0, min(len(data), 60)):
            sock.sendall(data[i:i + 1])
            time.sleep(dice.choice([0, 0, 0.001, 0.01]))
        data = data[60:]
    if how == 2:
        data = data + request(dice)
    sock.sendall(data)


def leave(dice, sock):
    how = dice.randrange(5)
    if how == 0:
        reset(sock)
    elif how == 1:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_WR)
        sock.recv(dice.choice([1, 100_000]))
    elif how == 2:
        time.sleep(dice.choice([0.1, 0.5]))
    else:
        for _ in range(dice.randrange(20)):
            if not sock.recv(dice.choice([1, 4096, 65536])):
                break


def misbehave(dice, gw, contexts):
    over_tls = dice.random() < 0.5
    raw = socket.socket()
    if dice.random() < 0.3:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(0.6)
    raw.connect(("127.0.0.1", gw.port["tls" if over_tls else "http"]))
    sock = raw
    try:
        if over_tls and dice.random() < 0.1:
            raw.sendall(dice.choice([b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                                     dice.randbytes(50)]))
        elif over_tls:
            sock = dice.choice(contexts).wrap_socket(raw, server_hostname="a.test")
        for _ in range(dice.choice([1, 1, 2, 5])):
            send(dice, sock, request(dice))
            if dice.random() < 0.7:
                sock.recv(65536)
        leave(dice, sock)
    except (OSError, ssl.SSLError, ValueError):
        pass
    finally:
        sock.close()


def cpu_ticks(gw):
    total = 0
    for pid in gw.workers():
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total




@pytest.mark.countersign
def test_nothing_is_left_of_any_abuse(start, pki):
    chaos = Chaos(SEED)
    with Backend("one") as one, Backend("two") as two, \
            Backend("three", tls=server_context(pki.server)) as three:
        for backend in (one, two, three):
            backend._handler = lambda path: chaos.serve
        gw = start(TLS + PLAIN, one=one, two=two, three=three, level="crit")
        workers = set(gw.workers())
        before = gw.descriptors()
        contexts = [wire.context(pki.alice), wire.context(None),
                    wire.context(pki.alice, version="1.2")]
        end = time.monotonic() + SECONDS

        def client(number):
            dice = random.Random(SEED * 1000 + number)
            while time.monotonic() < end:
                misbehave(dice, gw, contexts)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(gw.workers()) == workers, "a worker has died"
        chaos.calm = True
        # lingering ends after 5 s at most; up to 4 connections stay in each pool
        wait_for(lambda: gw.descriptors() <= before + 8, "descriptors to be closed", 9)
        ticks = cpu_ticks(gw)
        time.sleep(0.5)
        assert cpu_ticks(gw) - ticks <= 5, "an idle worker is busy"
        for target in ("/", "/tls/y", "/stream/z", "/own") * 3:
            for body in (None, b"x" * 100_000):
                answer = wire.get(gw.port["tls"], pki.alice, target, method="POST" if body else
                                  "GET", body=body)
                assert answer.status == 200, (target, answer.status)
