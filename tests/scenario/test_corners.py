"""Where two features meet: rewrites and forwarding, error pages and upstreams, slow clients and
upstream deadlines, unasked-for bytes and pooled connections."""

import base64
import ssl
import threading
import time

import pytest

import wire
from backend import Backend
from waiting import wait_for


def plain(body, extra=""):
    return extra + "server { listen 127.0.0.1:@http@; " + body + " }"


def ask(gw, *arguments, **how):
    with wire.connect(gw.port["http"]) as client:
        return client.request(*arguments, **how)


# what is forwarded


@pytest.mark.parametrize("flag", ["", " last"])
def test_a_rewrite_of_the_server_changes_what_is_forwarded(start, backend, flag):
    gw = start(plain("rewrite ^/old/(.*)$ /new/$1" + flag + "; location / { proxy_pass "
                     "http://@backend@; }"), backend=backend)
    assert ask(gw, "GET", "/old/x?a=b").json()["target"] == "/new/x?a=b"


def test_a_rewrite_makes_the_request_internal(start, backend):
    gw = start(plain("location /in { internal; proxy_pass http://@backend@; } "
                     "location / { rewrite ^/out(.*)$ /in$1 last; return 403; }"),
               backend=backend)
    assert ask(gw, "GET", "/out/x").status == 200
    assert ask(gw, "GET", "/in/x").status == 404


def test_a_group_in_rewritten_arguments_is_escaped(start, backend):
    gw = start(plain("location / { rewrite ^/q/(.*)$ /search?q=$1 break; "
                     "proxy_pass http://@backend@; }"), backend=backend)
    for sent, seen in (("/q/a%20b", "/search?q=a%20b"), ("/q/a%26b%3dc", "/search?q=a%26b=c"),
                       ("/q/a%0dx", "/search?q=a%0Dx")):
        answer = ask(gw, "GET", sent)
        assert answer.status == 200
        assert answer.json()["target"] == seen


def test_a_question_mark_in_a_group_stays_in_the_path(start, backend):
    gw = start(plain("location / { rewrite ^/old/(.*)$ /new/$1 break; "
                     "proxy_pass http://@backend@; }"), backend=backend)
    assert ask(gw, "GET", "/old/a%3fb=c").json()["target"] == "/new/a%3Fb=c"


@pytest.mark.countersign
def test_a_target_that_cannot_be_written_is_not_sent(start, backend):
    gw = start(plain("location / { proxy_pass http://@backend@$uri; }"), backend=backend)
    assert ask(gw, "GET", "/fine").json()["target"] == "/fine"
    for target in ("/a%20b", "/a%20HTTP/1.1%0d%0aX:%20y", "/a%0ab"):
        assert ask(gw, "GET", target).status in (400, 500)
    assert len(backend.requests) == 1


# error pages


def test_an_error_page_may_come_from_another_upstream(start, backend):
    gw = start(plain("""
        error_page 502 /sorry; error_page 404 = @other;
        location / { proxy_pass http://127.0.0.1:@nobody@; }
        location /missing { proxy_intercept_errors on; proxy_pass http://@backend@; }
        location /sorry { proxy_pass http://@backend@; }
        location @other { proxy_pass http://@backend@; }"""), backend=backend)
    backend.on("/missing", lambda x: x.reply(404, [], "nothing"))
    backend.on("/sorry", lambda x: x.reply(200, [], "sorry"))
    with wire.connect(gw.port["http"]) as client:
        answer = client.request("GET", "/x")
        assert (answer.status, answer.text) == (502, "sorry")
        answer = client.request("POST", "/x", body=b"hello")
        assert (answer.status, answer.text) == (502, "sorry")
        assert client.request("GET", "/missing").status == 404
    assert gw.wait_log(r"GET /x", name="access.log")


def test_return_444_closes_and_is_recorded(start):
    gw = start(plain("location / { return 444; }"))
    with wire.connect(gw.port["http"]) as client:
        assert client.ask("GET", "/quiet").rest() == b""
    gw.wait_log(r'"GET /quiet HTTP/1.1" 444', name="access.log")


# bodies


@pytest.mark.parametrize("size", [900_000, 1_500_000, 3_000_000])
def test_a_large_body_buffer_loses_nothing(start, backend, size):
    gw = start(plain("client_body_buffer_size 2m; client_max_body_size 10m; "
                     "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert ask(gw, "POST", "/", body=b"b" * size).json()["length"] == size


def test_head_answered_by_get_has_no_body(start, backend):
    gw = start(plain("location / { proxy_method GET; proxy_pass http://@backend@; }"),
               backend=backend)
    with wire.connect(gw.port["http"]) as client:
        for _ in range(2):
            answer = client.request("HEAD", "/bytes/100")
            assert answer.status == 200
        assert len(client.request("GET", "/bytes/100").body) == 100


@pytest.mark.alone
@pytest.mark.countersign
def test_a_slow_client_is_not_the_fault_of_the_upstream(start, backend):
    """It gets 408 itself, and the server stays in service."""
    gw = start(plain("""client_body_timeout 1s; proxy_send_timeout 300ms; proxy_read_timeout 300ms;
        proxy_request_buffering off; location / { proxy_pass http://group; }""",
                     "upstream group { server @backend@; server 127.0.0.1:@nobody@ backup; } "),
               backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.ask("POST", "/", [("Content-Length", "100")])
        time.sleep(0.6)
        client.send("x" * 50)
        time.sleep(0.6)
        client.send("x" * 50)
        assert client.response("POST").json()["length"] == 100
    with wire.connect(gw.port["http"]) as client:
        begun = time.monotonic()
        client.ask("POST", "/", [("Content-Length", "100")])
        assert client.response("POST").status == 408
        assert 0.7 < time.monotonic() - begun < 3
    assert ask(gw).status == 200


@pytest.mark.countersign  # nginx counts its silence while the client reads
def test_a_client_that_reads_slowly_is_not_the_fault_of_the_upstream(start, backend):
    gw = start(plain("proxy_read_timeout 400ms; location / { proxy_pass http://@backend@; }"),
               backend=backend)
    go = threading.Event()

    def handler(exchange):
        exchange.body()
        size = 8 << 20
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size + 5}\r\n\r\n")
        exchange.send(b"a" * size)
        go.wait(10)
        time.sleep(0.2)
        exchange.send("tails")

    backend.on("/slow", handler)
    with wire.connect(gw.port["http"], receive_buffer=4096) as client:
        client.ask("GET", "/slow")
        time.sleep(1)
        client.head()
        client.exactly(4096)
        time.sleep(1)

        left = (8 << 20) - 4096
        while left:
            left -= len(client.exactly(min(left, 65536)))
            if left < 65536:
                go.set()
        assert client.exactly(5) == b"tails"


# pooled connections


@pytest.mark.parametrize("over_tls", [False, True])
def test_bytes_nobody_asked_for_are_never_an_answer(start, pki, over_tls):
    """An upstream sends a second answer behind the first: no other client gets it."""
    from backend import server_context
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    scheme = "https" if over_tls else "http"
    ctx = server_context(pki.server) if over_tls else None
    with Backend(tls=ctx) as backend:
        gw = start(plain(
            f"location / {{ proxy_pass {scheme}://group; proxy_set_header Connection ''; }}",
            "upstream group { server @backend@; keepalive 8; } "), backend=backend)

        for size in (10, 16384 - 40, 65536, 65536 * 2 - 40):
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
            for pad in range(0, 60, 20):
                def handler(exchange, first=head + b"a" * (size), pad=pad):
                    exchange.body()
                    exchange.send(first + evil * (1 + pad))
                backend.on("/double", handler)
                with wire.connect(gw.port["http"]) as client:
                    assert len(client.request("GET", "/double").body) == size
                assert ask(gw, "GET", "/next").json()["target"] == "/next"


def test_pages_that_are_missing_do_not_take_a_server_out(start, backend):
    gw = start(plain("location / { proxy_next_upstream error http_404; "
                     "proxy_pass http://group; }",
                     "upstream group { server @first@; server @second@; } "),
               first=backend, second=backend)
    backend.on("/missing", lambda x: x.reply(404, [], "nothing"))
    for _ in range(4):
        assert ask(gw, "GET", "/missing").status == 404
    assert ask(gw, "GET", "/there").status == 200


# fairness


@pytest.mark.alone
def test_a_client_that_is_lingered_on_cannot_hold_the_worker(start):
    """What it sends after the answer is thrown away, between the requests of others."""
    gw = start(plain("client_max_body_size 1; location / { return 200 fine; } "
                     "location /up { proxy_pass http://127.0.0.1:@nobody@; }"))
    stop = threading.Event()

    def flood():
        with wire.connect(gw.port["http"]) as client:
            client.ask("POST", "/up", [("Content-Length", str(1 << 40))])
            block = b"x" * (1 << 20)
            try:
                while not stop.is_set():
                    client.send(block)
            except OSError:
                pass

    threads = [threading.Thread(target=flood, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    times = []
    for _ in range(10):
        begun = time.monotonic()
        assert ask(gw).text == "fine"
        times.append(time.monotonic() - begun)
    stop.set()
    assert max(times) < 1, times


@pytest.mark.alone
def test_the_keepalive_time_of_the_location_counts(start, backend):
    gw = start(plain("keepalive_timeout 0; location / { keepalive_timeout 500ms; return 200; }"))
    with wire.connect(gw.port["http"]) as client:
        assert client.request().keeps_alive()
        begun = time.monotonic()
        assert client.ended(5)
        assert time.monotonic() - begun < 3


# tunnels


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_tunnel_delivers_the_tail_to_a_slow_client(start, pki, backend, over_tls):
    size = 4 << 20
    listen = ("listen 127.0.0.1:@http@ ssl; ssl_certificate @pki@/server.pem; "
              "ssl_certificate_key @pki@/server.key;" if over_tls else
              "listen 127.0.0.1:@http@;")
    gw = start("server { " + listen + """ location / { proxy_pass http://@backend@;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } }""",
               backend=backend)

    def handler(exchange):
        exchange.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                      "Connection: upgrade\r\n\r\n")
        exchange.send(b"t" * size)
        exchange.stream.read(1)
        exchange.close = True

    backend.on("/stream", handler)
    port = gw.port["http"]
    client = (wire.tls(port, None, receive_buffer=4096) if over_tls
              else wire.connect(port, receive_buffer=4096))
    with client:
        client.ask("GET", "/stream", [("Upgrade", "x"), ("Connection", "upgrade")])
        assert client.head().status == 101
        time.sleep(0.5)
        got = 0
        while got < size:
            got += len(client.exactly(min(4096, size - got)))
            if got % (1 << 18) == 0:
                time.sleep(0.01)


@pytest.mark.countersign  # nginx buffers
@pytest.mark.parametrize("over_tls", [False, True])
def test_a_stream_that_pauses_delivers_what_it_has(start, pki, backend, over_tls):
    """A response without end: what was held back for a slow client goes out by itself."""
    size = 3 << 20
    listen = ("listen 127.0.0.1:@http@ ssl; ssl_certificate @pki@/server.pem; "
              "ssl_certificate_key @pki@/server.key;" if over_tls else
              "listen 127.0.0.1:@http@;")
    gw = start("server { " + listen + " location / { proxy_pass http://@backend@; } }",
               backend=backend)
    done = threading.Event()

    def handler(exchange):
        exchange.body()
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size + 1}\r\n\r\n")
        exchange.send(b"s" * size)
        done.wait(20)
        exchange.send("!")

    backend.on("/events", handler)
    port = gw.port["http"]
    client = (wire.tls(port, None, receive_buffer=4096) if over_tls
              else wire.connect(port, receive_buffer=4096))
    with client:
        client.ask("GET", "/events")
        client.head()
        time.sleep(0.5)
        got = 0
        while got < size:
            got += len(client.exactly(min(4096, size - got)))
        done.set()
        assert client.exactly(1) == b"!"


# refusals with error pages


@pytest.mark.countersign
@pytest.mark.parametrize("page", ["/page", "@page", "=200 /page"])
def test_the_page_of_a_refusal_is_not_fetched_from_an_upstream(start, pki, backend, page):
    """Who may not ask anything gets a page made here; who was only denied this path gets it."""
    inner = "location " + ("@page" if page[0] == "@" else "= /page")
    gw = start("""server { listen 127.0.0.1:@tls@ ssl; server_name a.test;
        ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @pki@/ca.pem; ssl_verify_client on;
        error_page 400 495 496 497 """ + page + "; error_page 403 " + page.replace("=200 ", "")
               + "; " + inner + """ { proxy_pass http://@backend@; }
        location /closed { deny all; proxy_pass http://@backend@; }
        location / { proxy_pass http://@backend@; } }""", backend=backend)
    port = gw.port["tls"]
    for identity in (None, pki.stranger, pki.expired):
        assert wire.get(port, identity, "/secret", method="POST", body=b"x").status == 400
    with wire.connect(port) as client:
        assert client.request("GET", "/secret").status == 400
    with wire.tls(port, pki.alice) as client:
        assert client.request("GET", "/secret", host="a b").status == 400
    assert not backend.requests
    answer = wire.get(port, pki.alice, "/closed")
    assert (answer.status, len(backend.requests)) == (403, 1)
    assert wire.get(port, pki.alice, "/secret").status == 200


# limits


@pytest.mark.countersign
def test_upstream_connections_count_among_worker_connections(start, backend):
    gw = start(plain("location / { proxy_pass http://group; }",
                     "upstream group { server @backend@; keepalive 8; } "),
               backend=backend, connections=12)
    held = []
    for _ in range(8):
        client = wire.connect(gw.port["http"])
        client.ask("GET", "/hold")
        held.append(client)
    gw.wait_log("worker_connections are not enough")
    backend.release()
    statuses = sorted(client.response().status for client in held[:6])
    assert 200 in statuses
    for client in held:
        client.close()
    wait_for(lambda: ask(gw, "GET", "/again").status == 200, "room again")


def test_a_body_held_back_after_a_refusal_is_not_waited_for(start, backend):
    gw = start(plain("client_max_body_size 10; location / { proxy_pass http://@backend@; } "
                     "location /no { client_max_body_size 1k; return 403; }"), backend=backend)
    for path, status in (("/", 413), ("/no", 403)):
        with wire.connect(gw.port["http"]) as client:
            client.ask("POST", path, [("Content-Length", "100"), ("Expect", "100-continue")])
            answer = client.response("POST")
            assert answer.status == status
            if not answer.keeps_alive():
                assert client.ended(8)


@pytest.mark.countersign
def test_an_alert_outlives_what_the_client_sent_too_early(start, pki):
    """TLS 1.3 lets a client send its request before it hears that its certificate is refused."""
    gw = start("""server { listen 127.0.0.1:@tls@ ssl; server_name a.test; mtls_reject handshake;
        ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @pki@/ca.pem; ssl_verify_client on; return 200; }""")
    for _ in range(20):
        with pytest.raises(ssl.SSLError, match="alert"):
            with wire.tls(gw.port["tls"], pki.stranger, version="1.3") as client:
                for _ in range(3):
                    client.ask("POST", "/", body=b"x" * 30000)
                client.more()
    wait_for(lambda: gw.descriptors() < 40, "the connections to be let go")


def test_the_time_for_a_body_ends_with_the_body(start, backend):
    """What comes after it is the upstream's time."""
    gw = start(plain("client_body_timeout 300ms; location / { proxy_pass http://@backend@; }"),
               backend=backend)

    def late(exchange):
        exchange.body()
        time.sleep(1)
        exchange.reply(200, [], "late")

    backend.on("/late", late)
    with wire.connect(gw.port["http"]) as client:
        client.ask("POST", "/late", [("Content-Length", "4")])
        time.sleep(0.1)
        client.send("body")
        assert client.response("POST").text == "late"


def test_a_line_that_is_too_long_for_the_log_is_still_a_line(start):
    gw = start(plain("location / { return 200; }"))
    with wire.connect(gw.port["http"]) as client:
        user = base64.b64encode(b"\xfd" * 3000 + b":")
        for size in range(1, 15):
            client.send(b"GET /" + b"a" * size + b" HTTP/1.1\r\nHost: a.test\r\n"
                        + b"Authorization: Basic " + user + b"\r\nReferer: " + b"\xfe" * 8170
                        + b"\r\nUser-Agent: " + b"\xff" * 8170 + b"\r\n\r\n")
            assert client.response().status == 200
    wait_for(lambda: gw.access().count("\n") == 14, "a line for each")
    assert all(line.startswith("127.0.0.1 - ") for line in gw.access().splitlines())


def test_redirects_name_the_host_as_it_was_asked(start):
    gw = start(plain("location / { return 301 /x; }"))
    for host, seen in (("a.test", "a.test"), ("[::1]", "[::1]"), ("10.0.0.1:80", "10.0.0.1")):
        answer = ask(gw, "GET", "/", host=host)
        assert answer.header("Location") == f"http://{seen}:{gw.port['http']}/x"


def test_a_body_that_is_too_large_is_too_large_for_any_location(start):
    gw = start(plain("client_max_body_size 10; location / { return 200; } "
                     "location /large { client_max_body_size 100; return 200; }"))
    assert ask(gw, "POST", "/", body=b"x" * 10).status == 200
    assert ask(gw, "POST", "/", body=b"x" * 11).status == 413
    assert ask(gw, "POST", "/large", body=b"x" * 11).status == 200
