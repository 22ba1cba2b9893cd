"""Requests and answers pass through whole, in order, and without piling up in between."""

import hashlib
import os
import posixpath
import socket
import tempfile
import threading
import time
import urllib.parse

import pytest

import wire
from backend import Backend
from gateway import server
from waiting import wait_for

PLAIN = """
    server {
        listen 127.0.0.1:@http@;
        @extra@
        location / { proxy_http_version 1.1; @more@ proxy_pass http://@backend@; }
    }"""


def plain(start, backend, extra="", more="", **words):
    gw = start(PLAIN, backend=backend, extra=extra, more=more, **words)
    return gw, gw.port["http"]


def pooled(start, backends, directives="", more="", **words):
    """A gateway with an upstream block; more goes into its location."""
    rows = [(b, "") if isinstance(b, (str, Backend)) else b for b in backends]
    servers = "".join(f"server {address} {options}; " for address, options in rows)
    return start("upstream pool { %s %s }" % (servers, directives) + PLAIN, backend="pool",
                 extra="", more='proxy_set_header Connection ""; ' + more, **words)


# framing

def test_http_1_0_is_answered_and_closed(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        answer = client.response()
        assert answer.status == 200
        assert not answer.keeps_alive()
        assert client.ended()


def test_http_1_0_may_ask_to_keep_alive(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        for _ in range(2):
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = client.response()
            assert "keep-alive" in answer.header("Connection").lower()


def test_http_1_0_never_gets_chunks(start, backend):
    backend.on("/", lambda x: x.reply_chunked([b"one", b"two"]))
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        answer = client.response()
        assert answer.header("Transfer-Encoding") is None
        assert answer.body == b"onetwo"


def test_a_connection_serves_many_requests(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        for number in range(50):
            assert client.request("GET", f"/{number}").json()["target"] == f"/{number}"


def test_connection_close_is_obeyed(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        answer = client.request("GET", "/", [("Connection", "close")])
        assert not answer.keeps_alive()
        assert client.ended()


def test_keepalive_requests_ends_a_connection(start, backend):
    _, port = plain(start, backend, "keepalive_requests 3;")
    with wire.connect(port) as client:
        assert [client.request().keeps_alive() for _ in range(3)] == [True, True, False]
        assert client.ended()


def test_keepalive_timeout_ends_an_idle_connection(start, backend):
    _, port = plain(start, backend, "keepalive_timeout 1s;")
    with wire.connect(port) as client:
        client.request()
        assert client.ended(timeout_s=4)


def test_pipelined_requests_are_answered_in_order(start, backend):
    def slow(exchange):
        time.sleep(0.1)
        exchange.echo()

    backend.on("/0", slow)
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a.test\r\n\r\n" % n for n in range(20)))
        for number in range(20):
            assert client.response().json()["target"] == f"/{number}"


def test_pipelined_bodies_are_not_mixed_up(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        client.send(b"".join(
            b"POST /%d HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n%03d" % (n, n)
            if n % 2 else
            b"POST /%d HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\n%03d\r\n0\r\n\r\n" % (n, n) for n in range(10)))
        for number in range(10):
            seen = client.response().json()
            assert (seen["target"], seen["body"]) == (f"/{number}", f"{number:03d}")


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_chunked_request_body_arrives(start, backend, buffering):
    _, port = plain(start, backend, more=f"proxy_request_buffering {buffering};")
    with wire.connect(port) as client:
        client.ask("POST", "/", [("Transfer-Encoding", "chunked")])
        parts = [os.urandom(n) for n in (1, 10, 1000, 20000)]
        for part in parts:
            client.send(b"%x\r\n%b\r\n" % (len(part), part))
        client.send(b"0\r\n\r\n")
        answer = client.response().json()
    assert answer["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()


def test_a_chunked_answer_arrives(start, backend):
    parts = [os.urandom(n) for n in (1, 7, 4096, 70000)]
    backend.on("/", lambda x: x.reply_chunked(parts))
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        answer = client.request()
        assert answer.body == b"".join(parts)
        assert client.request("GET", "/again").status == 200


def test_an_answer_without_a_length_ends_with_its_connection(start, backend):
    backend.raw("/", b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        answer = client.request()
        assert answer.body == b"until the end"
        assert answer.header("Transfer-Encoding") == "chunked", "framed for the client"


@pytest.mark.parametrize("cut", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"])
def test_a_cut_answer_is_not_passed_off_as_whole(start, backend, cut):
    backend.raw("/", cut)
    _, port = plain(start, backend)
    with wire.connect(port) as client, pytest.raises((wire.Closed, ConnectionError)):
        client.request()
        raise AssertionError("the client took it for a whole answer")


def test_head_has_headers_and_no_body(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        answer = client.request("HEAD", "/bytes/1000")
        assert answer.header("Content-Length") == "1000"
        assert client.request("GET", "/after").json()["target"] == "/after"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_keep_the_connection_in_step(start, backend, status):
    backend.raw("/", b"HTTP/1.1 %d X\r\nETag: \"x\"\r\n\r\n" % status, close=False)
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        assert client.request().status == status
        assert client.request("GET", "/after").json()["target"] == "/after"


def test_expect_100_continue_is_answered_before_the_body(start, backend):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        client.ask("POST", "/", [("Expect", "100-continue"), ("Content-Length", "5")])
        assert client.head().status == 100
        client.send("hello")
        assert client.response().json()["body"] == "hello"


def test_interim_answers_of_the_backend_do_not_confuse(start, backend):
    backend.raw("/", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                close=False)
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        assert client.request("POST", "/", body=b"x").text == "ok"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                                    "PROPFIND", "PURGE"])
def test_methods_pass(start, backend, method):
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        assert client.request(method, "/x", body=b"b").json()["method"] == method


@pytest.mark.countersign
def test_trailers_pass_in_both_directions(start, backend):
    def answer(exchange):
        exchange.body()
        seen = dict(exchange.request.trailers)
        exchange.reply_chunked([b"body"], [("Trailer", "X-After")],
                               [("X-After", seen.get("X-Sum", "none"))])

    backend.on("/", answer)
    _, port = plain(start, backend, more="proxy_request_buffering off;")
    with wire.connect(port) as client:
        client.ask("POST", "/", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"),
                                 ("TE", "trailers")])
        client.send("4\r\ndata\r\n0\r\nX-Sum: 42\r\n\r\n")
        result = client.response()
    assert result.body == b"body"
    assert dict(result.trailers).get("X-After") == "42"


@pytest.mark.countersign
def test_a_trailer_cannot_bring_an_identity_or_framing(start, pki, backend):
    gw = start(server("""location / {
        proxy_http_version 1.1; proxy_request_buffering off;
        proxy_set_header X-Client-DN $ssl_client_s_dn;
        proxy_pass http://@backend@;
    }"""), backend=backend)
    with wire.tls(gw.port["tls"], pki.alice) as client:
        client.ask("POST", "/", [("Transfer-Encoding", "chunked")])
        client.send("1\r\na\r\n0\r\nX-Client-DN: CN=root\r\nContent-Length: 9\r\nHost: b.test\r\n"
                    "\r\n")
        status = client.response().status
    if status == 200:
        names = {n.lower() for n, _ in backend.requests[-1].trailers}
        assert not names & {"x-client-dn", "content-length", "host"}
    else:
        assert status == 400


# targets

@pytest.mark.parametrize("location, proxied, asked, arrives", [
    ("/", "", "/a/b?c=d", "/a/b?c=d"),
    ("/", "", "/a%20b", "/a%20b"),
    ("/", "", "/a/../b", "/a/../b"),
    ("/", "/", "/a/../b", "/b"),
    ("/app/", "/", "/app/x?y", "/x?y"),
    ("/app/", "/new/", "/app/x", "/new/x"),
    ("/app", "/new", "/appx", "/newx"),
    ("/app/", "/", "/app/a%20b", "/a%20b"),
    ("/app/", "", "/app/x", "/app/x"),
    ("= /one", "/two", "/one?q", "/two?q"),
    ("~ ^/re", "", "/re/x", "/re/x"),
])
def test_proxy_pass_with_and_without_uri(start, backend, location, proxied, asked, arrives):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location %s { proxy_pass http://@backend@%s; }
    }""" % (location, proxied), backend=backend)
    with wire.connect(gw.port["http"]) as client:
        assert client.request("GET", asked).json()["target"] == arrives


@pytest.mark.countersign
@pytest.mark.parametrize("asked", [
    "/public/../secret", "/public/..%2fsecret", "/public/%2e%2e/secret", "/secret/./x", "//secret",
    "/%73ecret", "/public/..;/secret"])
def test_what_is_authorized_is_what_is_forwarded(start, backend, asked):
    """A path that the rules saw as /public must not be /secret at the backend."""
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location /secret { return 403; }
        location / { proxy_pass http://@backend@; }
    }""", backend=backend)
    with wire.connect(gw.port["http"]) as client:
        status = client.request("GET", asked).status
    if status == 200:
        target = urllib.parse.unquote(backend.requests[-1].target)
        assert not posixpath.normpath(target.replace("//", "/")).startswith("/secret")
    else:
        assert status in (400, 403)


def test_a_backend_on_a_unix_socket(start):
    folder = tempfile.mkdtemp(prefix="countersign-")
    os.chmod(folder, 0o755)
    with Backend(path=folder + "/b.sock") as unix:
        gw = start("""
            upstream sock { server unix:@path@; }
            server {
                listen 127.0.0.1:@http@;
                location /direct { proxy_pass http://unix:@path@:/base; }
                location / { proxy_pass http://sock; }
            }""", path=folder + "/b.sock")
        with wire.connect(gw.port["http"]) as client:
            assert client.request("GET", "/x").json()["target"] == "/x"
            assert client.request("GET", "/direct/y").json()["target"] == "/base/y"
        assert unix.requests[0].header("Host") == "sock"
    os.unlink(folder + "/b.sock")
    os.rmdir(folder)


def test_a_backend_by_name(start, backend):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location / { proxy_pass http://localhost:%d; }
    }""" % backend.port)
    with wire.connect(gw.port["http"]) as client:
        assert client.request("GET", "/x").json()["target"] == "/x"


# bodies

def test_a_body_beyond_client_max_body_size_is_413(start, backend):
    _, port = plain(start, backend, "client_max_body_size 1k;")
    with wire.connect(port) as client:
        assert client.request("POST", "/", body=b"x" * 1024).status == 200
    with wire.connect(port) as client:
        assert client.request("POST", "/", body=b"x" * 1025).status == 413
    with wire.connect(port) as client:
        client.ask("POST", "/", [("Transfer-Encoding", "chunked")])
        client.send(b"400\r\n" + b"x" * 1024 + b"\r\n400\r\n" + b"x" * 1024 + b"\r\n0\r\n\r\n")
        assert client.response().status == 413
    assert len(backend.requests) == 1


def test_a_refused_length_needs_no_body_to_be_sent(start, backend):
    _, port = plain(start, backend, "client_max_body_size 1k;")
    with wire.connect(port) as client:
        client.ask("POST", "/", [("Content-Length", "1000000"), ("Expect", "100-continue")])
        assert client.head().status == 413


MIB = 1 << 20


def test_fifty_mebibytes_down_with_a_slow_reader_stay_out_of_memory(start, backend):
    gw, port = plain(start, backend, more="proxy_max_temp_file_size 0;")
    size = 50 * MIB
    before = gw.memory_kib()
    peak = 0
    with wire.connect(port, receive_buffer=65536) as client:
        client.ask("GET", f"/bytes/{size}")
        answer = client.head()
        assert answer.header("Content-Length") == str(size)
        wait_for(lambda: gw.memory_kib() >= 0 and client.more() is None, "the first bytes")
        # stop reading until nothing moves, then look at what piled up
        for _ in range(10):
            time.sleep(0.03)
            peak = max(peak, gw.memory_kib())
        digest, left = hashlib.sha256(), size
        while left:
            if not client.pending:
                client.more(MIB)
            digest.update(client.pending)
            left -= len(client.pending)
            client.pending = b""
        peak = max(peak, gw.memory_kib())
    block = bytes(range(256)) * 256
    assert digest.hexdigest() == hashlib.sha256(block * (size // len(block))).hexdigest()
    assert peak - before < 4096, f"{peak - before} KiB"


def test_fifty_mebibytes_up_with_a_slow_backend_stay_out_of_memory(start, backend):
    size = 50 * MIB
    go = threading.Event()

    def reluctant(exchange):
        go.wait(10)
        total, digest = 0, hashlib.sha256()
        for piece in exchange.pieces():
            total += len(piece)
            digest.update(piece)
        exchange.reply(200, [], f"{total} {digest.hexdigest()}")

    backend.on("/up", reluctant)
    gw, port = plain(start, backend, "client_max_body_size 0;",
                     "proxy_request_buffering off;")
    before = gw.memory_kib()
    block = os.urandom(MIB)
    sent = [0]
    with wire.connect(port) as client:
        client.ask("POST", "/up", [("Content-Length", str(size))])

        def push():
            for _ in range(size // MIB):
                client.send(block)
                sent[0] += MIB

        pusher = threading.Thread(target=push, daemon=True)
        pusher.start()
        wait_for(lambda: "/up" in backend.paths(), "the request to arrive")
        stalled = _stalls(lambda: sent[0])
        assert stalled < size, "the gateway swallowed a body that nobody read"
        peak = gw.memory_kib()
        go.set()
        answer = client.response()
        pusher.join(10)
        peak = max(peak, gw.memory_kib())
    assert answer.text == f"{size} {hashlib.sha256(block * (size // MIB)).hexdigest()}"
    assert peak - before < 4096, f"{peak - before} KiB"


def _stalls(value):
    """The value, once it has stood still for 0.3 s."""
    last, since = value(), time.monotonic()
    while time.monotonic() - since < 0.3:
        time.sleep(0.02)
        if value() != last:
            last, since = value(), time.monotonic()
    return last


def test_both_directions_over_tls_are_whole(start, pki, backend):
    gw = start("client_max_body_size 0;" + server(), backend=backend)
    body = os.urandom(5 * MIB)
    answer = wire.get(gw.port["tls"], pki.alice, method="POST", body=body)
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()
    down = wire.get(gw.port["tls"], pki.alice, f"/bytes/{5 * MIB + 1}")
    assert len(down.body) == 5 * MIB + 1
    assert down.body[:512] == bytes(range(256)) * 2


def test_bytes_are_passed_on_as_they_come_without_buffering(start, backend):
    """An event stream: each piece reaches the client before the next is made."""
    step = threading.Semaphore(0)

    def events(exchange):
        exchange.body()
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            exchange.send(f"2\r\n{number}\n\r\n")
            step.acquire(timeout=5)
        exchange.send("0\r\n\r\n")

    backend.on("/events", events)
    _, port = plain(start, backend, more="proxy_buffering off;")
    with wire.connect(port) as client:
        client.ask("GET", "/events")
        client.head()
        for number in range(3):
            client.until(b"%d\n" % number)
            step.release()


def test_a_client_that_leaves_frees_the_backend(start, backend):
    left = threading.Event()

    def endless(exchange):
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                exchange.send("4\r\nmore\r\n")
        except OSError:
            left.set()
            raise

    backend.on("/endless", endless)
    _, port = plain(start, backend, more="proxy_buffering off;")
    with wire.connect(port) as client:
        client.ask("GET", "/endless")
        client.head()
        client.reset()
    assert left.wait(5)


def test_an_early_answer_to_an_unfinished_upload_arrives(start, backend):
    def early(exchange):
        exchange.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        exchange.close = True

    backend.on("/early", early)
    _, port = plain(start, backend, "client_max_body_size 0;", "proxy_request_buffering off;")
    with wire.connect(port) as client:
        client.ask("POST", "/early", [("Content-Length", str(MIB))])
        client.send(b"x" * 1000)
        answer = client.response()
        assert (answer.status, answer.text) == (403, "no")


# upgrade

UPGRADE = """proxy_set_header Upgrade $http_upgrade;
             proxy_set_header Connection upgrade;"""


def test_a_websocket_carries_bytes_both_ways(start, backend):
    _, port = plain(start, backend, more=UPGRADE)
    with wire.connect(port) as client:
        assert client.request("GET", "/ws", [("Upgrade", "websocket"),
                                             ("Connection", "upgrade")]).status == 101
        for size in (1, 125, 65536, 300000):
            data = os.urandom(size)
            threading.Thread(target=client.send, args=(data,), daemon=True).start()
            assert client.exactly(size) == data


def test_bytes_sent_with_the_upgrade_are_not_lost(start, backend):
    _, port = plain(start, backend, more=UPGRADE)
    with wire.connect(port) as client:
        client.send("GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n"
                    "Connection: upgrade\r\n\r\nearly")
        assert client.head().status == 101
        assert client.exactly(5) == b"early"


def test_a_websocket_ends_when_either_side_ends(start, backend):
    _, port = plain(start, backend, more=UPGRADE)
    with wire.connect(port) as client:
        client.request("GET", "/ws", [("Upgrade", "websocket"), ("Connection", "upgrade")])
        backend.drop_idle()
        assert client.ended()
    with wire.connect(port) as client:
        client.request("GET", "/ws", [("Upgrade", "websocket"), ("Connection", "upgrade")])
        wait_for(lambda: len(backend.open) == 1, "the backend connection")
    wait_for(lambda: not backend.open, "the backend connection to end")


@pytest.mark.countersign
def test_an_upgrade_nobody_asked_for_is_an_error(start, backend):
    """A backend that switches protocols unasked would open a tunnel past every check."""
    backend.raw("/", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n"
                     b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle")
    _, port = plain(start, backend)
    with wire.connect(port) as client:
        assert client.request().status == 502
        assert client.request("GET", "/after").json()["target"] == "/after"


# upstream connections

def test_backend_connections_are_kept_and_used_again(start, backend):
    gw = pooled(start, [backend], "keepalive 8;")
    with wire.connect(gw.port["http"]) as client:
        for _ in range(10):
            client.request()
    with wire.connect(gw.port["http"]) as client:
        client.request()
    assert backend.connections == 1


def test_a_kept_connection_that_the_backend_closed_is_replaced(start, backend):
    gw = pooled(start, [backend], "keepalive 8;")
    with wire.connect(gw.port["http"]) as client:
        for _ in range(5):
            assert client.request().status == 200
            backend.drop_idle()
        assert client.request().status == 200


def test_a_kept_connection_that_dies_under_a_request_is_retried(start, backend):
    """The backend closes just when the request arrives: GET is asked again elsewhere."""
    def once(exchange):
        if exchange.request.number > 1:
            exchange.drop()
        else:
            exchange.echo()

    backend.on("/", once)
    gw = pooled(start, [backend], "keepalive 8;")
    with wire.connect(gw.port["http"]) as client:
        assert client.request().status == 200
        assert client.request().status == 200
    assert backend.connections == 2


def test_a_second_server_takes_over_when_the_first_is_down(start, backend):
    gw = pooled(start, ["127.0.0.1:@nobody@", backend])
    with wire.connect(gw.port["http"]) as client:
        for _ in range(4):
            assert client.request().status == 200
    gw.wait_log("refused")


def test_a_post_is_not_repeated_once_it_was_sent(start):
    with Backend("one") as one, Backend("two") as two:
        for backend in (one, two):
            backend.on("/", lambda x: (x.body(), x.drop()))
        gw = pooled(start, [one, two])
        with wire.connect(gw.port["http"]) as client:
            assert client.request("POST", "/", body=b"pay").status == 502
        assert len(one.requests) + len(two.requests) == 1


def test_a_get_is_repeated_on_the_next_server(start):
    with Backend("one") as one, Backend("two") as two:
        one.on("/", lambda x: x.drop())
        gw = pooled(start, [(one, "weight=100"), two])
        with wire.connect(gw.port["http"]) as client:
            answer = client.request()
        assert answer.json()["backend"] == "two"


@pytest.mark.parametrize("next_upstream, status", [("http_503", 200), ("error", 503),
                                                   ("off", 503)])
def test_proxy_next_upstream_decides_what_is_repeated(start, next_upstream, status):
    with Backend("one") as one, Backend("two") as two:
        one.raw("/", b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        gw = pooled(start, [(one, "weight=100"), two],
                    more=f"proxy_next_upstream {next_upstream};")
        with wire.connect(gw.port["http"]) as client:
            assert client.request().status == status


def test_max_fails_takes_a_server_out_for_a_while(start):
    with Backend("one") as one, Backend("two") as two:
        one.on("/", lambda x: x.drop())
        gw = pooled(start, [(one, "max_fails=2 fail_timeout=30s"), two])
        with wire.connect(gw.port["http"]) as client:
            for _ in range(20):
                assert client.request().status == 200
        assert len(one.requests) == 2


def test_a_backup_server_waits_for_its_turn(start, backend):
    with Backend("spare") as spare:
        gw = pooled(start, [backend, (spare, "backup")])
        with wire.connect(gw.port["http"]) as client:
            for _ in range(5):
                assert client.request().json()["backend"] == "backend"
            backend.stop()
            assert client.request().json()["backend"] == "spare"


def test_a_server_marked_down_is_never_asked(start, backend):
    with Backend("down") as down:
        gw = pooled(start, [(down, "down"), backend])
        with wire.connect(gw.port["http"]) as client:
            assert {client.request().json()["backend"] for _ in range(6)} == {"backend"}
        assert down.connections == 0


def test_weights_share_the_load(start):
    with Backend("heavy") as heavy, Backend("light") as light:
        gw = pooled(start, [(heavy, "weight=3"), light])
        with wire.connect(gw.port["http"]) as client:
            for _ in range(40):
                client.request()
        assert (len(heavy.requests), len(light.requests)) == (30, 10)


def test_least_conn_avoids_the_busy_server(start):
    with Backend("one") as one, Backend("two") as two:
        gw = pooled(start, [one, two], "least_conn;")
        with wire.connect(gw.port["http"]) as busy:
            busy.ask("GET", "/hold")
            wait_for(lambda: one.requests or two.requests, "the request to be held")
            holding, other = (one, two) if one.requests else (two, one)
            with wire.connect(gw.port["http"]) as client:
                answers = {client.request().json()["backend"] for _ in range(6)}
            assert answers == {other.name}
            holding.release()
            assert busy.response().text == "held"


def test_a_backend_that_is_down_is_502(start):
    gw, port = plain(start, "127.0.0.1:@nobody@")
    with wire.connect(port) as client:
        assert client.request().status == 502
    gw.wait_log(r"\[error\].*refused.*upstream")


@pytest.mark.alone
def test_a_backend_that_does_not_answer_is_504(start, backend):
    gw, port = plain(start, backend, more="proxy_read_timeout 1s;")
    with wire.connect(port) as client:
        begun = time.monotonic()
        assert client.request("GET", "/hold").status == 504
        assert 0.9 < time.monotonic() - begun < 4
    gw.wait_log(r"\[error\].*timed out.*upstream")


def test_a_backend_that_does_not_read_is_504(start):
    done = threading.Event()

    def deaf(sock):
        done.wait(20)

    with Backend(greet=deaf, receive_buffer=4096) as backend:
        _, port = plain(start, backend, "client_max_body_size 0;",
                        "proxy_send_timeout 1s; proxy_request_buffering off;")
        with wire.connect(port) as client:
            client.ask("POST", "/", [("Content-Length", str(32 * MIB))])

            def push():
                try:
                    client.send(b"x" * (32 * MIB))
                except OSError:
                    pass

            threading.Thread(target=push, daemon=True).start()
            assert client.head().status == 504
        done.set()


def test_a_backend_that_cannot_be_reached_in_time_is_504(start):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        _, port = plain(start, f"127.0.0.1:{full.getsockname()[1]}",
                        more="proxy_connect_timeout 1s;")
        with wire.connect(port) as client:
            assert client.request().status == 504
        for filler in fillers:
            filler.close()


def test_the_real_nginx_backend_gives_whole_files(start, nginx_backend):
    path = nginx_backend.file("blob", 3 * MIB + 17)
    with open(path, "rb") as file:
        expected = file.read()
    _, port = plain(start, nginx_backend)
    with wire.connect(port) as client:
        assert client.request("GET", "/files/blob").body == expected
        part = client.request("GET", "/files/blob", [("Range", "bytes=10-19")])
        assert (part.status, part.body) == (206, expected[10:20])
        assert client.request("GET", "/hello").text == "hello\n"
