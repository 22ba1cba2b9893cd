"""Revoked means disconnected: open connections end when their certificate does not pass any more."""

import datetime
import json
import threading
import time

import pytest

import wire
from backend import Backend, server_context
from gateway import server
from pki import now
from waiting import wait_for, wait_until

pytestmark = pytest.mark.countersign

FAILURES = "mtls_failure_log @dir@/failures.json format=json;\n"
PROXIED = """
        location / {
            proxy_pass http://@backend@;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }"""
UPGRADE = [("Upgrade", "websocket"), ("Connection", "upgrade")]


class HalfAnswer:
    """A handler that sends half of its answer, and the rest when it is told to."""

    PART = b"x" * 1000

    def __init__(self):
        self.rest = threading.Event()
        self.begun = threading.Semaphore(0)

    def __call__(self, exchange):
        exchange.body()
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {2 * len(self.PART)}\r\n\r\n")
        exchange.send(self.PART)
        self.begun.release()
        self.rest.wait(20)
        exchange.send(self.PART)


@pytest.fixture
def half(backend):
    answer = HalfAnswer()
    backend.on("/half", answer)
    yield answer
    answer.rest.set()


def failures(gw):
    return [json.loads(line) for line in gw.read("failures.json").splitlines()]


def the_cut(gw, code):
    """The one record of a connection that was cut."""
    cut = wait_for(lambda: [f for f in failures(gw) if f.get("stage") == "open"], "a record")
    assert [f["code"] for f in cut] == [code]
    return cut[0]


def short_lived(pki, folder, seconds=3, cn="mayfly"):
    """A certificate that is good for a few seconds more, and when it ends (time.time())."""
    end = now() + datetime.timedelta(seconds=seconds)
    identity = pki.ca.issue(cn, not_after=end).save(folder, cn)
    return identity, end.replace(tzinfo=datetime.timezone.utc).timestamp()


def opened(gw, identity, version=None, target="/"):
    client = wire.tls(gw.port["tls"], ctx=wire.context(identity, version=version), sni="a.test")
    assert client.request("GET", target).status == 200
    return client


def in_the_middle(gw, half, identity):
    """A connection that has half of an answer."""
    client = wire.tls(gw.port["tls"], identity)
    client.ask("GET", "/half")
    assert client.head().status == 200
    assert client.exactly(len(half.PART)) == half.PART
    return client


def in_a_tunnel(gw, identity):
    client = wire.tls(gw.port["tls"], identity)
    assert client.request("GET", "/ws", UPGRADE).status == 101
    client.send(b"ping")
    assert client.exactly(4) == b"ping"
    return client


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_an_idle_connection_ends_when_its_certificate_expires(start, pki, backend, tmp_path,
                                                              version):
    gw = start(server(FAILURES + "mtls_failure_log @dir@/failures.txt format=text;"
                      "mtls_expire_connections on;" + PROXIED), backend=backend)
    mayfly, end = short_lived(pki, tmp_path)
    with opened(gw, mayfly, version) as client, opened(gw, pki.alice) as other:
        assert client.ended(10)
        assert end <= time.time() < end + 1
        assert other.request("GET", "/").status == 200
    record = the_cut(gw, "certificate-expired")
    assert record["chain"][0]["subject"] == "CN=mayfly"
    gw.wait_log(r'client certificate "CN=mayfly" has expired.*\[certificate-expired\].*stage: open')
    steps = gw.wait_log(r"✓ client certificate(?s:.*)✗ open connection.*", name="failures.txt").group()
    assert "✓ handshake" in steps


def test_off_lets_it_stay_as_nginx_does(start, pki, backend, tmp_path):
    gw = start(server(FAILURES + PROXIED), backend=backend)
    mayfly, end = short_lived(pki, tmp_path, 2)
    with opened(gw, mayfly) as client:
        wait_until(end + 1.2)
        assert client.request("GET", "/").status == 200
    assert not failures(gw)


def test_the_first_to_expire_goes_first_and_the_leeway_counts(start, pki, backend, tmp_path):
    gw = start(server("mtls_expire_connections on; mtls_clock_leeway 2s;" + PROXIED),
               backend=backend)
    late, late_end = short_lived(pki, tmp_path, 4, "late")
    early, early_end = short_lived(pki, tmp_path, 2, "early")
    with opened(gw, late) as second, opened(gw, early) as first:
        assert first.ended(10)
        assert early_end + 2 <= time.time() < early_end + 3
        assert second.request("GET", "/").status == 200
        assert second.ended(10)
        assert late_end + 2 <= time.time() < late_end + 3


def test_a_response_in_flight_is_completed(start, pki, backend, half, tmp_path):
    gw = start(server(FAILURES + "mtls_expire_connections on;" + PROXIED), backend=backend)
    mayfly, _ = short_lived(pki, tmp_path)
    with in_the_middle(gw, half, mayfly) as client:
        the_cut(gw, "certificate-expired")
        half.rest.set()
        assert client.exactly(len(half.PART)) == half.PART
        assert client.ended()
    gw.wait_log(r'"GET /half HTTP/1.1" 200', name="access.log")


def test_a_response_that_has_not_begun_says_close(start, pki, backend, tmp_path):
    gw = start(server(FAILURES + "mtls_expire_connections on;" + PROXIED), backend=backend)
    mayfly, _ = short_lived(pki, tmp_path)
    with wire.tls(gw.port["tls"], mayfly) as client:
        client.ask("GET", "/hold")
        backend.held.acquire()
        the_cut(gw, "certificate-expired")
        backend.released.set()
        answer = client.response()
        assert (answer.status, answer.text) == (200, "held")
        assert not answer.keeps_alive()
        assert client.ended()


def test_but_not_for_ever(start, pki, backend, half, tmp_path):
    gw = start(server("mtls_expire_connections on; mtls_cut graceful 1s;" + PROXIED),
               backend=backend)
    mayfly, end = short_lived(pki, tmp_path)
    with in_the_middle(gw, half, mayfly) as client:
        assert client.ended(10)
        assert end + 1 <= time.time() < end + 2
    gw.wait_log("the response did not end in time")


def test_now_is_in_the_middle_of_a_response(start, pki, backend, half, tmp_path):
    gw = start(server(FAILURES + "mtls_expire_connections on; mtls_cut now;" + PROXIED),
               backend=backend)
    mayfly, end = short_lived(pki, tmp_path)
    with in_the_middle(gw, half, mayfly) as client:
        assert client.ended(10)
        assert end <= time.time() < end + 1
    the_cut(gw, "certificate-expired")
    gw.wait_log(r'"GET /half HTTP/1.1" 200', name="access.log")


@pytest.mark.parametrize("how", ["graceful", "now"])
def test_a_tunnel_is_ended(start, pki, backend, tmp_path, how):
    gw = start(server(FAILURES + f"mtls_expire_connections on; mtls_cut {how};" + PROXIED),
               backend=backend)
    mayfly, end = short_lived(pki, tmp_path)
    with in_a_tunnel(gw, mayfly) as client, in_a_tunnel(gw, pki.alice) as other:
        assert client.ended(10)
        assert end <= time.time() < end + 1
        other.send(b"pong")
        assert other.exactly(4) == b"pong"
    the_cut(gw, "certificate-expired")


def test_a_request_that_is_not_whole_is_not_waited_for(start, pki, backend, tmp_path):
    gw = start(server("mtls_expire_connections on;" + PROXIED), backend=backend)
    mayfly, end = short_lived(pki, tmp_path)
    with opened(gw, mayfly) as client:
        client.send("GET / HTTP/1.1\r\n")
        assert client.ended(10)
        assert time.time() < end + 1


@pytest.mark.parametrize("expire, connections", [("on", 2), ("off", 1)])
def test_an_expired_certificate_of_an_upstream_is_not_used_again(start, pki, tmp_path, expire,
                                                                 connections):
    """The pooled connection to it is not; a new one is, which it gets with its new certificate."""
    end = now() + datetime.timedelta(seconds=3)
    old = pki.ca.issue("a.test", san=["a.test"], eku=("server",), not_after=end)
    new = pki.ca.issue("a.test", san=["a.test"], eku=("server",))
    ctx = server_context(old.save(tmp_path, "old"))
    with Backend(tls=ctx) as upstream:
        gw = start(f"""
    server {{
        listen 127.0.0.1:@http@;
        mtls_expire_connections {expire};
        location / {{ proxy_pass https://@backend@; proxy_ssl_verify on; proxy_ssl_name a.test;
                     proxy_ssl_trusted_certificate @pki@/ca.pem; }}
    }}""", backend=upstream)
        with wire.connect(gw.port["http"]) as client:
            assert client.request("GET", "/").status == 200
            assert client.request("GET", "/").json()["connection"] == 1
            new.save(tmp_path, "new")
            ctx.load_cert_chain(new.certfile, new.keyfile)
            wait_until(end.replace(tzinfo=datetime.timezone.utc).timestamp() + 1)
            answer = client.request("GET", "/")
            assert (answer.status, answer.json()["connection"]) == (200, connections)
