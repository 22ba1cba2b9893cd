"""Many bodies at once through the worker's one buffer: everybody gets back exactly what is theirs."""

import random
import socket
import threading

import pytest

import wire
from backend import Backend, server_context
from gateway import server

CLIENTS = 12
REQUESTS = 3

CONF = """
client_max_body_size 0;
upstream plain { server @plain@; keepalive 4; }
upstream secret { server @secret@; keepalive 4; }
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_ssl_verify on; proxy_ssl_trusted_certificate @pki@/ca.pem; proxy_ssl_name a.test;
"""

PLACES = """
location /plain { proxy_pass http://plain; }
location /secret { proxy_pass https://secret; }
location /streamed { proxy_request_buffering off; proxy_pass https://secret; }
"""


def give_back(exchange):
    """The body, framed as the target asks, in pieces of all sizes."""
    dice = random.Random(exchange.request.target)
    body = exchange.body()
    if exchange.request.target.endswith("chunked"):
        exchange.reply_chunked(pieces(dice, body))
    else:
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n")
        for piece in pieces(dice, body):
            exchange.send(piece)


def pieces(dice, body):
    while body:
        size = dice.choice([1, 1000, 16384, 64512, 200_000])
        yield body[:size]
        body = body[size:]


class Client:
    def __init__(self, number, gw, ctx):
        self.number = number
        self.gw = gw
        self.ctx = ctx
        self.dice = random.Random(number)
        self.thread = threading.Thread(target=self.run)
        self.fault = "it never came to an end"

    def connect(self):
        if self.number % 3 == 0:
            return wire.connect(self.gw.port["http"], receive_buffer=4096)
        return wire.tls(self.gw.port["tls"], ctx=self.ctx, receive_buffer=4096)

    def run(self):
        try:
            with self.connect() as connection:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                for turn in range(REQUESTS):
                    self.visit(connection, turn)
            self.fault = None
        except Exception as error:  # whatever it is, the story tells it
            self.fault = repr(error)

    def visit(self, connection, turn):
        place = self.dice.choice(["plain", "secret", "streamed"])
        framing = self.dice.choice(["length", "chunked"])
        mark = b"<%d.%d>" % (self.number, turn)
        body = mark * (self.dice.choice([1, 3000, 100_000, 250_000]) // len(mark) + 1)
        target = f"/{place}/{self.number}/{turn}/{framing}"
        if self.dice.random() < 0.5:
            connection.ask("POST", target, [("Transfer-Encoding", "chunked")])
            for piece in pieces(self.dice, body):
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        else:
            connection.ask("POST", target, body=body)
        answer = connection.response()
        assert answer.status == 200, (target, answer.status)
        assert answer.body == body, f"{target}: {len(answer.body)} bytes for {len(body)}"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_everybody_gets_back_what_is_theirs(start, pki, version):
    with Backend() as plain, Backend(tls=server_context(pki.server, version=version)) as secret:
        plain._handler = secret._handler = lambda path: give_back
        gw = start(CONF + server(PLACES) + "server { listen 127.0.0.1:@http@;" + PLACES + "}",
                   plain=plain, secret=secret, level="crit")
        ctx = wire.context(pki.alice, version=version)
        clients = [Client(number, gw, ctx) for number in range(CLIENTS)]
        for client in clients:
            client.thread.start()
        for client in clients:
            client.thread.join()
        assert [c.fault for c in clients] == [None] * CLIENTS
