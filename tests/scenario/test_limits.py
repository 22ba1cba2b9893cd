"""Everything a client can grow has a limit and a deadline, and the limits hurt nobody else."""

import os
import resource
import socket
import ssl
import subprocess
import threading
import time

import pytest

import pki as make
import wire
from gateway import SANITIZED, server
from waiting import wait_for

TIMEOUTS = "client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s;"
HTTP = TIMEOUTS + """
    server {
        listen 127.0.0.1:@http@;
        location /body { proxy_pass http://@backend@; }
        location /bytes/ { proxy_pass http://@backend@; }
        location / { return 200 "fine"; }
    }"""


def ends_within(client, low_s, high_s, status=408):
    """The gateway ends the connection in this span of time, with that status or silently."""
    begun = time.monotonic()
    answer = client.rest()
    took = time.monotonic() - begun
    assert low_s <= took <= high_s, took
    assert answer == b"" or answer.split(b" ")[1] == str(status).encode(), answer[:100]


def assert_serves(gw):
    with wire.connect(gw.port["http"]) as client:
        assert client.request().text == "fine"


@pytest.mark.alone
def test_a_client_that_says_nothing_is_sent_away(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        ends_within(client, 0.5, 3)


@pytest.mark.alone
def test_headers_that_trickle_in_are_cut_off(start, backend):
    """A byte now and then does not move the deadline (slow-loris)."""
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Slow: ")
        gone = threading.Event()

        def trickle():
            try:
                while not gone.wait(0.1):
                    client.send("x")
            except OSError:
                pass

        dripper = threading.Thread(target=trickle, daemon=True)
        dripper.start()
        ends_within(client, 0.5, 3)
        gone.set()
        dripper.join()
    assert_serves(gw)


@pytest.mark.alone
def test_a_body_that_stops_is_cut_off(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.ask("POST", "/body", [("Content-Length", "100")])
        client.send("half")
        ends_within(client, 0.5, 3)


def test_a_client_that_does_not_read_is_cut_off(start, backend):
    gw = start(HTTP + "proxy_max_temp_file_size 0;", backend=backend)
    with wire.connect(gw.port["http"], receive_buffer=4096) as client:
        client.ask("GET", f"/bytes/{64 << 20}")
        client.head()
        wait_for(lambda: not backend.open, "the gateway to give up on the client", 8)


@pytest.mark.alone
def test_a_handshake_that_never_begins_is_cut_off(start, pki):
    gw = start(TIMEOUTS + server("return 200;"))
    with wire.connect(gw.port["tls"]) as client:
        ends_within(client, 0.5, 3)


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = wire.context().wrap_bio(incoming, outgoing, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.alone
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_a_handshake_that_stops_is_cut_off(start, pki, share):
    gw = start(TIMEOUTS + server("return 200;"))
    hello = client_hello()
    with wire.connect(gw.port["tls"]) as client:
        client.send(hello[:max(1, int(len(hello) * share))])
        begun = time.monotonic()
        client.rest()
        assert 0.5 < time.monotonic() - begun < 3
    assert wire.get(gw.port["tls"], pki.alice).status == 200


@pytest.mark.alone
def test_a_handshake_that_trickles_in_is_cut_off(start, pki):
    gw = start(TIMEOUTS + server("return 200;"))
    hello = client_hello()
    begun = time.monotonic()
    with wire.connect(gw.port["tls"]) as client, pytest.raises(OSError):
        for byte in hello:
            client.send(bytes([byte]))
            time.sleep(0.02)
        client.sock.settimeout(5)
        while client.sock.recv(1000):
            pass
        raise OSError("closed")
    assert time.monotonic() - begun < 4


def test_a_fragmented_client_hello_is_understood(start, pki):
    """One byte of handshake per TLS record: the name in it still chooses the server block."""
    gw = start(server('return 200 "a";', verify="off") + server('return 200 "b";', name="b.test"))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    ctx = wire.context(pki.alice)
    tls = ctx.wrap_bio(incoming, outgoing, server_hostname="b.test")
    with wire.connect(gw.port["tls"]) as client:
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        record = outgoing.read()
        body = record[5:]
        client.send(b"".join(b"\x16\x03\x01\x00\x01" + body[i:i + 1] for i in range(len(body))))
        done = False
        while not done:
            incoming.write(client.sock.recv(65536))
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            client.send(outgoing.read())
        tls.write(b"GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n")
        client.send(outgoing.read())
        answer = b""
        while b"\r\n\r\nb" not in answer:
            data = client.sock.recv(65536)
            assert data, answer
            incoming.write(data)
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                pass
    assert answer.startswith(b"HTTP/1.1 200")


def test_too_many_headers_are_refused(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        many = "".join(f"X-{n}: y\r\n" for n in range(20000))
        try:
            client.send("GET / HTTP/1.1\r\nHost: a.test\r\n" + many + "\r\n")
        except OSError:
            pass
        answer = client.rest()
    assert b" 200 " not in answer
    assert answer[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")
    assert_serves(gw)


def test_a_request_line_without_end_is_refused(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send(b"GET /" + b"a" * 40000)
        assert client.head().status == 414


@pytest.mark.alone
def test_endless_empty_lines_before_a_request_are_bounded(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        try:
            for _ in range(200):
                client.send(b"\r\n" * 4096)
        except OSError:
            pass
        begun = time.monotonic()
        client.rest()
        assert time.monotonic() - begun < 4
    assert_serves(gw)


@pytest.mark.alone
def test_endless_chunk_extensions_are_refused(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.ask("POST", "/body", [("Transfer-Encoding", "chunked")])
        try:
            client.send(b"1;" + b"x" * (1 << 20))
        except OSError:
            pass
        begun = time.monotonic()
        client.rest()
        assert time.monotonic() - begun < 4
    assert "/body" not in backend.paths()


@pytest.mark.countersign
def test_endless_trailers_are_refused(start, backend):
    gw = start(HTTP, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.ask("POST", "/body", [("Transfer-Encoding", "chunked")])
        client.send("0\r\n")
        before = gw.memory_kib()
        try:
            for number in range(100000):
                client.send(f"X-{number}: {'y' * 100}\r\n")
            assert client.response().status >= 400
        except (OSError, wire.Closed):
            pass
        assert gw.memory_kib() - before < 2048 or SANITIZED
    assert "/body" not in backend.paths() or not backend.requests[-1].trailers
    assert_serves(gw)


def test_a_chain_beyond_all_measure_is_refused(start, pki, backend):
    """More than 100 KiB of certificates: the handshake ends, the gateway goes on."""
    bulky = pki.ca.issue("bulky", san=[f"host-{n}.a.test" for n in range(6000)])
    bulky.save(pki.dir, "bulky")
    gw = start(server(), backend=backend)
    with pytest.raises((ssl.SSLError, OSError, wire.Closed)):
        answer = wire.get(gw.port["tls"], bulky)
        assert answer.status == 400
        raise wire.Closed("refused by an answer")
    assert backend.requests == []
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_a_chain_of_many_links_is_refused(start, pki, backend):
    ca = pki.ca
    for depth in range(40):
        ca = make.Authority(f"Link {depth}", parent=ca)
    far = ca.issue("far").save(pki.dir, "far")
    gw = start(server(), backend=backend)
    try:
        assert wire.get(gw.port["tls"], far).status == 400
    except (ssl.SSLError, OSError):
        pass
    assert backend.requests == []
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_renegotiation_is_refused(start, pki):
    gw = start(server("return 200;"))
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}", "-servername", "a.test",
         "-tls1_2", "-cert", pki.alice.certfile, "-key", pki.alice.keyfile],
        input="R\nGET / HTTP/1.0\r\n\r\n", capture_output=True, text=True, timeout=20, check=False)
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "HTTP/1.1 200" not in done.stdout
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_worker_connections_bounds_one_worker(start):
    gw = start("server { listen 127.0.0.1:@http@; return 200 fine; }", connections=32)
    clients = [wire.connect(gw.port["http"]) for _ in range(60)]
    for client in clients:
        try:
            client.ask()
            client.sock.settimeout(1)
            client.response()
        except (OSError, wire.Closed):
            pass
    assert sum(not client.ended(0.01) for client in clients) <= 32
    gw.wait_log("worker_connections are not enough|connections")
    for client in clients:
        client.close()
    wait_for(lambda: _serves(gw), "service to return")


def _serves(gw):
    try:
        with wire.connect(gw.port["http"], timeout_s=1) as client:
            return client.request().status == 200
    except (wire.Closed, ConnectionError):
        return False


def test_running_out_of_file_descriptors_is_survived(start, backend):
    gw = start("server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }",
               backend=backend, main="worker_rlimit_nofile 40;")
    clients = _those_let_in(gw.port["http"], 80)
    gw.wait_log("too many open files|descriptors")
    busy = gw.workers()
    assert _share_of_processor(busy) < 0.75, "it must not spin on accept"
    for client in clients:
        client.close()
    wait_for(lambda: _serves(gw), "service to return")
    assert gw.workers() == busy


def _those_let_in(port, count):
    """The gateway resets whom it has no descriptor for, some of them before connect() is back."""
    clients = []
    for _ in range(count):
        try:
            clients.append(wire.connect(port))
        except ConnectionResetError:
            pass
    assert clients
    return clients


def _share_of_processor(pids):
    """Of the time that passes, however long the nap becomes on a busy machine."""
    used, begun = _cpu_ticks(pids), time.monotonic()
    time.sleep(0.2)
    seconds = (_cpu_ticks(pids) - used) / os.sysconf("SC_CLK_TCK")
    return seconds / (time.monotonic() - begun)


def _cpu_ticks(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total


def test_ten_thousand_idle_connections(start, pki):
    """Or as many as the limits of this machine allow, of one client certificate, resumed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10000, hard // 2 - 200)
    assert count > 400, "raise the limit of open files"
    # Nobody's time may run out while the others still come, however slow this machine is.
    gw = start("keepalive_timeout 1h; client_header_timeout 1h; ssl_session_cache shared:s:1m;"
               + server('return 200 "$ssl_client_verify";'),
               workers=2, connections=count + 200, main=f"worker_rlimit_nofile {count + 500};")
    port = gw.port["tls"]
    ctx = wire.context(pki.alice)
    with wire.tls(port, ctx=ctx) as client:
        client.request("GET", "/", [("Connection", "close")])
        client.rest()
        session = client.session
    clients = []
    try:
        for _ in range(count):
            clients.append(wire.tls(port, ctx=ctx, session=session, timeout_s=120))
        for client in clients[::100]:
            assert client.request().text == "SUCCESS"
        assert wire.get(port, pki.bob).text == "SUCCESS", "a newcomer is served beside them"
        for client in clients[::100]:
            assert client.request().text == "SUCCESS"
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: gw.descriptors() < 200, "the connections to be let go", 120)


@pytest.mark.alone
def test_one_slow_client_does_not_slow_another(start, pki, backend):
    gw = start(server(), backend=backend, workers=1)
    slow = [wire.tls(gw.port["tls"], pki.alice) for _ in range(20)]
    for client in slow:
        client.ask("GET", "/hold")
    wait_for(lambda: len(backend.requests) == 20, "the slow requests")
    begun = time.monotonic()
    assert wire.get(gw.port["tls"], pki.bob).status == 200
    assert time.monotonic() - begun < 1
    backend.release()
    for client in slow:
        assert client.response().text == "held"
        client.close()


def test_random_bytes_to_every_port_are_survived(start, pki, backend):
    gw = start(server() + "server { listen 127.0.0.1:@http@; location / "
               "{ proxy_pass http://@backend@; } }", backend=backend)
    for port in (gw.port["tls"], gw.port["http"]):
        for size in (1, 5, 100, 5000, 70000):
            with wire.connect(port) as client:
                try:
                    client.send(os.urandom(size))
                    client.sock.shutdown(socket.SHUT_WR)
                    client.rest()
                except OSError:
                    pass
    assert backend.requests == []
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_resets_at_every_moment_are_survived(start, pki, backend):
    gw = start(server(), backend=backend)
    hello = client_hello()
    before = gw.workers()
    for position in (0, 1, 100, len(hello)):
        client = wire.connect(gw.port["tls"])
        client.send(hello[:position])
        client.reset()
    for _ in range(20):
        client = wire.tls(gw.port["tls"], pki.alice)
        client.reset()
        client = wire.tls(gw.port["tls"], pki.alice)
        client.ask("GET", f"/bytes/{1 << 20}")
        client.reset()
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert gw.workers() == before
