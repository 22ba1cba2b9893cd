"""Revoked means disconnected: open connections end when their certificate does not pass any more."""

import datetime
import json
import os
import pwd
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

import wire
from backend import Backend, server_context
from gateway import BINARY, StartFailure, server
from pki import Authority, now, write
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


@pytest.mark.parametrize("expire, status", [("on", 502), ("off", 200)])
def test_with_an_expired_certificate_of_our_own_no_connection_is_used_again(start, pki, tmp_path,
                                                                            expire, status):
    """The upstream has let it in while it was good; it does not let it in anew."""
    own, end = short_lived(pki, tmp_path, cn="gateway")
    with Backend(tls=server_context(pki.server, pki.ca)) as upstream:
        gw = start(f"""
    server {{
        listen 127.0.0.1:@http@;
        mtls_expire_connections {expire};
        location / {{ proxy_pass https://@backend@; proxy_ssl_certificate {own.certfile};
                     proxy_ssl_certificate_key {own.keyfile}; }}
    }}""", backend=upstream)
        with wire.connect(gw.port["http"]) as client:
            assert client.request("GET", "/").status == 200
            assert client.request("GET", "/").json()["connection"] == 1
            wait_until(end + 1)
            assert client.request("GET", "/").status == status


# revoked at a word

STATE = "mtls_state @dir@/state;"


def countersign(gw, *arguments, **how):
    done = subprocess.run([BINARY, *arguments[:1], "-p", gw.dir + "/", "-c", "gateway.conf",
                           *arguments[1:]],
                          capture_output=True, text=True, timeout=30, check=False, **how)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def revoke(gw, *what):
    """What the gateway answered, as JSON."""
    done = countersign(gw, "revoke", "--now", "--json", *what)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def begin(start, backend, body="", **words):
    words.setdefault("main", STATE)
    return start(server(FAILURES + body + PROXIED), backend=backend, **words)


def refusal(gw, identity, session=None, version=None):
    """The code with which a new connection of it is refused, and whether it was resumed."""
    mark = len(failures(gw))
    ctx = session[0] if session else wire.context(identity, version=version)
    with wire.tls(gw.port["tls"], ctx=ctx, session=session and session[1]) as client:
        assert client.request("GET", "/").status == 400
        reused = client.reused
    new = wait_for(lambda: failures(gw)[mark:], "a record")
    return new[0]["code"], reused


@pytest.mark.alone
@pytest.mark.parametrize("workers", [1, 3])
def test_an_idle_connection_of_a_revoked_certificate_ends(start, pki, backend, workers):
    gw = begin(start, backend, workers=workers)
    clients = [opened(gw, pki.alice) for _ in range(6)]
    others = [opened(gw, pki.bob) for _ in range(6)]
    begun = time.monotonic()
    answer = revoke(gw, pki.alice.certfile, "--reason", "keyCompromise")
    assert answer["cut"] == 6 and not answer["already"]
    assert answer["workers"] == {"told": workers, "done": workers, "refused": 0, "gone": 0,
                                 "late": 0}
    assert all(client.ended(2) for client in clients)
    assert time.monotonic() < begun + 1
    assert all(other.request("GET", "/").status == 200 for other in others)
    record = failures(gw)[0]
    assert (record["code"], record["stage"]) == ("revoked", "open")
    gw.wait_log(r"was revoked \(.*reason keyCompromise.*\[revoked\].*stage: open")
    assert refusal(gw, pki.alice)[0] == "revoked"
    assert opened(gw, pki.bob)
    assert revoke(gw, pki.alice.certfile)["already"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_its_session_is_not_resumed(start, pki, backend, version):
    gw = begin(start, backend)
    ctx = wire.context(pki.alice, version=version)
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        client.request("GET", "/", [("Connection", "close")])
        client.rest()
        session = client.session
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as client:
        assert client.request("GET", "/").status == 200 and client.reused
    revoke(gw, pki.alice.certfile)
    assert refusal(gw, pki.alice, (ctx, session)) == ("revoked", False)


def test_it_is_refused_inside_the_handshake_where_that_is_wanted(start, pki, backend):
    gw = begin(start, backend, "mtls_reject handshake;")
    revoke(gw, pki.alice.certfile)
    with pytest.raises(ssl.SSLError, match="revoked"):
        wire.get(gw.port["tls"], pki.alice, version="1.2")


def test_a_response_in_flight_is_completed_and_a_tunnel_is_not(start, pki, backend, half):
    gw = begin(start, backend)
    with in_the_middle(gw, half, pki.alice) as reader, in_a_tunnel(gw, pki.alice) as tunnel, \
            in_a_tunnel(gw, pki.bob) as other:
        assert revoke(gw, pki.alice.certfile)["cut"] == 2
        assert tunnel.ended(1)
        half.rest.set()
        assert reader.exactly(len(half.PART)) == half.PART
        assert reader.ended(1)
        other.send(b"pong")
        assert other.exactly(4) == b"pong"


def test_now_ends_everything_at_once(start, pki, backend, half):
    gw = begin(start, backend, "mtls_cut now;")
    with in_the_middle(gw, half, pki.alice) as reader, in_a_tunnel(gw, pki.alice) as tunnel:
        assert revoke(gw, pki.alice.certfile)["cut"] == 2
        assert tunnel.ended(1) and reader.ended(1)


def test_a_ca_takes_all_that_it_issued_with_it(start, pki, backend):
    gw = begin(start, backend, "ssl_verify_depth 2;")
    with opened(gw, pki.deep) as deep, opened(gw, pki.alice) as alice:
        assert revoke(gw, pki.issuing.certfile)["cut"] == 1
        assert deep.ended(1)
        assert alice.request("GET", "/").status == 200
    assert refusal(gw, pki.deep)[0] == "revoked"


def test_by_serial_number(start, pki, backend, tmp_path):
    gw = begin(start, backend)
    low = pki.ca.issue("low", serial=0x1234).save(tmp_path, "low")
    foreign = pki.foreign.issue("low", serial=0x1235).save(tmp_path, "foreign")
    long = f"{pki.bob.serial:x}"
    with opened(gw, low) as client, opened(gw, pki.bob) as bob:
        short = countersign(gw, "revoke", "--now", "1234")
        assert (short.returncode, "--issuer" in short.stderr) == (2, True)
        assert revoke(gw, "1234", "--issuer", pki.foreign.certfile)["cut"] == 0
        assert client.request("GET", "/").status == 200
        assert revoke(gw, "12:34", "--issuer", pki.ca.certfile)["cut"] == 1
        assert client.ended(1)
        assert revoke(gw, long.upper())["cut"] == 1
        assert bob.ended(1)
    assert foreign


def test_it_stays_revoked_over_reload_and_restart(start, pki, backend):
    gw = begin(start, backend, workers=2)
    revoke(gw, pki.alice.certfile)
    gw.reload(settled=True)
    assert refusal(gw, pki.alice)[0] == "revoked"
    gw.stop()
    gw.start()
    assert refusal(gw, pki.alice)[0] == "revoked"
    assert opened(gw, pki.bob)
    lines = gw.read("state/revoked").splitlines()
    assert len(lines) == 2 and lines[1].endswith("CN=alice,O=Example Ltd")
    assert oct(os.stat(gw.path("state/revoked")).st_mode & 0o777) == "0o600"


def test_a_file_of_revocations_that_cannot_be_read_ends_the_start(start, pki, backend):
    gw = begin(start, backend)
    revoke(gw, pki.alice.certfile)
    gw.stop()
    with open(gw.path("state/revoked"), "a", encoding="ascii") as file:
        file.write("alice, too\n")
    with pytest.raises(StartFailure, match=r'revoked":3: this is no revocation'):
        gw.start()
    gw.process = None


def test_nothing_is_made_when_nothing_is_revoked(start, pki, backend):
    gw = begin(start, backend)
    assert opened(gw, pki.alice)
    gw.reload()
    assert not os.path.exists(gw.path("state"))


def test_a_connection_under_an_old_configuration_is_cut_too(start, pki, backend):
    gw = begin(start, backend)
    with in_a_tunnel(gw, pki.alice) as client, in_a_tunnel(gw, pki.bob) as other:
        gw.reload()
        answer = revoke(gw, pki.alice.certfile)
        assert (answer["cut"], answer["workers"]["done"]) == (1, 2)
        assert client.ended(1)
        other.send(b"pong")
        assert other.exactly(4) == b"pong"


def test_a_worker_that_takes_the_place_of_a_dead_one_knows(start, pki, backend):
    gw = begin(start, backend, workers=2)
    revoke(gw, pki.alice.certfile)
    before = gw.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(gw.workers()) - set(before)) == 2, "new workers")
    for _ in range(6):
        assert wire.get(gw.port["tls"], pki.alice).status == 400


def test_a_worker_that_is_stuck_does_not_keep_the_others_from_it(start, pki, backend):
    gw = begin(start, backend, workers=2)
    clients = [opened(gw, pki.alice) for _ in range(12)]
    stuck = gw.workers()[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        done = countersign(gw, "revoke", "--now", "--json", pki.alice.certfile)
    finally:
        os.kill(stuck, signal.SIGCONT)
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert (answer["workers"]["done"], answer["workers"]["late"]) == (1, 1)
    assert all(client.ended(2) for client in clients)


def test_a_worker_killed_at_that_moment_loses_nothing(start, pki, backend, tmp_path):
    gw = begin(start, backend, workers=2)
    for turn in range(5):
        victim = pki.ca.issue(f"victim {turn}").save(tmp_path, f"victim-{turn}")
        client = opened(gw, victim)
        before = gw.workers()
        killer = threading.Thread(target=os.kill, args=(before[turn % 2], signal.SIGKILL))
        killer.start()
        answer = revoke(gw, victim.certfile)
        killer.join()
        assert answer["workers"]["done"] + answer["workers"]["gone"] == answer["workers"]["told"]
        assert client.ended(1)
        wait_for(lambda b=before: len(gw.workers()) == 2 and set(gw.workers()) != set(b),
                 "a new worker")
        assert refusal(gw, victim)[0] == "revoked"


def test_an_upstream_that_is_revoked_leaves_the_pool(start, pki, tmp_path):
    revoked = pki.ca.issue("a.test", san=["a.test"], eku=("server",)).save(tmp_path, "upstream")
    with Backend(tls=server_context(revoked)) as upstream:
        gw = start("""
    server {
        listen 127.0.0.1:@http@;
        location / { proxy_pass https://@backend@; proxy_ssl_verify on; proxy_ssl_name a.test;
                     proxy_ssl_trusted_certificate @pki@/ca.pem; }
    }""", backend=upstream, main=STATE)
        with wire.connect(gw.port["http"]) as busy, wire.connect(gw.port["http"]) as client:
            busy.ask("GET", "/hold")
            upstream.held.acquire()
            assert client.request("GET", "/").json()["connection"] == 2
            assert revoke(gw, revoked.certfile)["cut"] == 0
            wait_for(lambda: len(upstream.open) == 1, "the idle connection to be closed")
            upstream.released.set()
            assert busy.response().status == 200
            wait_for(lambda: not upstream.open, "the other to be closed after its request")
            assert client.request("GET", "/").status == 502
        gw.wait_log(r"server certificate .* was revoked.*\[revoked\]")


# many others

class Crowd:
    """Clients that stay connected and ask again and again, one after the other. What goes wrong is
    kept: an answer that is not 200, and a connection that ends."""

    THREADS = 4

    def __init__(self, gw, identities, count):
        self.contexts = [wire.context(identity) for identity in identities]
        self.port = gw.port["tls"]
        self.stop = threading.Event()
        self.failures = []
        self.done = [0] * self.THREADS
        self.clients = [[] for _ in range(self.THREADS)]
        self.share = count // self.THREADS
        self.threads = [threading.Thread(target=self._run, args=(n,), daemon=True)
                        for n in range(self.THREADS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for(lambda: self.failures or all(len(c) == self.share for c in self.clients),
                 "everybody to be connected", 120)
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)
        for client in sum(self.clients, []):
            client.close()

    def _run(self, number):
        mine = self.clients[number]
        try:
            for n in range(self.share):
                ctx = self.contexts[n % len(self.contexts)]
                mine.append(wire.tls(self.port, ctx=ctx))
            while not self.stop.is_set():
                for client in mine:
                    answer = client.request("GET", "/")
                    assert answer.status == 200, answer.status
                    assert answer.keeps_alive()
                    self.done[number] += 1
                    if self.stop.is_set():
                        break
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(repr(error))

    def go_on(self):
        """Wait until everybody has had an answer again."""
        before = list(self.done)
        wait_for(lambda: self.failures or all(now_done >= then + self.share
                                              for now_done, then in zip(self.done, before)),
                 "answers for everybody", 120)
        assert self.failures == []


def end_of(client, ends):
    """In a thread: when the connection ended."""
    def watch():
        assert client.ended(30)
        ends.append(time.monotonic())
    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.long)])
def test_the_others_never_notice(start, pki, tmp_path, count):
    """Of many connections under load, those of one certificate end, within a second."""
    gw = start(server(FAILURES + "keepalive_requests 1000000; location / { return 200 ok; }"),
               main=STATE + "worker_rlimit_nofile 30000;", workers=2, connections=12_000)
    others = [pki.ca.issue(f"other {n}").save(tmp_path, f"other-{n}") for n in range(50)]
    with Crowd(gw, others, count) as crowd:
        victims = [opened(gw, pki.alice) for _ in range(5)]
        ends = []
        watchers = [end_of(client, ends) for client in victims]
        crowd.go_on()
        begun = time.monotonic()
        answer = revoke(gw, pki.alice.certfile)
        for watcher in watchers:
            watcher.join()
        assert answer["cut"] == 5
        assert len(ends) == 5 and max(ends) < begun + 1
        crowd.go_on()
        for client in victims:
            client.close()
    codes = {f["code"] for f in failures(gw)}
    assert codes == {"revoked"}


# the control socket

def ask(gw, *lines):
    """The answers to lines of text, sent as they are."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(gw.path("gateway.control"))
        control.sendall("".join(line + "\n" for line in lines).encode())
        stream = control.makefile("rb")
        return [json.loads(stream.readline()) for _ in lines]


@pytest.mark.parametrize("line, says", [
    ("", "one JSON object"),
    ("hello", "one JSON object"),
    ("[1]", "one JSON object"),
    ("{}", '"do" is to be'),
    ('{"do": 5}', '"do" is to be'),
    ('{"do": "dance"}', '"do" is to be'),
    ('{"do": "revoke"}', "revoke wants serial"),
    ('{"do": "revoke", "serial": 5}', "revoke wants serial"),
    ('{"do": "revoke", "serial": "xyz"}', "serial is to be a number"),
    ('{"do": "revoke", "serial": "12"}', "needs its issuer"),
    ('{"do": "revoke", "serial": "1234567890abcdef", "issuer": "abc"}', "issuer is to be"),
    ('{"do": "revoke", "serial": "1234567890abcdef", "reason": "fun"}', "reason is to be"),
    ('{"do": "revoke", "serial": "1234567890abcdef", "name": "a\\nb"}', "name is to be one line"),
    ('{"do": "revoke", "serial": "1234567890abcdef", "isuer": "00"}', 'revoke has no "isuer"'),
    ('{"do": "revoke", "serial": "1", "serial": "1"}', "one JSON object"),
])
def test_what_is_asked_wrongly_changes_nothing(start, pki, backend, line, says):
    gw = begin(start, backend)
    answer, = ask(gw, line)
    assert answer["ok"] is False and says in answer["error"]
    assert not os.path.exists(gw.path("state"))


def test_several_requests_on_one_connection_are_answered_in_order(start, pki, backend):
    gw = begin(start, backend)
    one, two, three = ask(gw, '{"do":"dance"}', '{"do":"revoke","serial":"1234567890abcdef"}',
                          '{"do":"revoke","serial":"1234567890abcdef"}')
    assert (one["ok"], two["already"], three["already"]) == (False, False, True)


def test_a_request_without_end_is_hung_up_on(start, pki, backend):
    gw = begin(start, backend)
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(gw.path("gateway.control"))
        with pytest.raises(OSError):
            for _ in range(1000):
                control.sendall(b"x" * 4096)
    assert not ask(gw, "{}")[0]["ok"]


@pytest.mark.root
def test_only_root_and_its_own_account_may_ask(start, pki, backend):
    gw = begin(start, backend)
    path = gw.path("gateway.control")
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    os.chmod(path, 0o777)
    nobody = pwd.getpwnam("nobody")
    code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
            "s.sendall(b'{}\\n'); sys.exit(3 if s.recv(100) == b'' else 0)")
    done = subprocess.run([sys.executable, "-c", code, path], user=nobody.pw_uid,
                          group=nobody.pw_gid, timeout=20, check=False, capture_output=True)
    assert done.returncode in (1, 3), "reset or closed"


def test_where_the_socket_is(start, pki, backend):
    gw = begin(start, backend, main=STATE + "mtls_control @dir@/other.sock;")
    assert os.path.exists(gw.path("other.sock")) and not os.path.exists(gw.path("gateway.control"))
    assert revoke(gw, pki.alice.certfile)
    gw.words["main"] = STATE + "mtls_control off;"
    gw.reload(gw.body)
    wait_for(lambda: not os.path.exists(gw.path("other.sock")), "the socket to go")
    done = countersign(gw, "revoke", "--now", pki.alice.certfile)
    assert (done.returncode, "mtls_control is off" in done.stderr) == (2, True)
    gw.words["main"] = STATE
    gw.reload(gw.body)
    wait_for(lambda: os.path.exists(gw.path("gateway.control")), "the usual one")
    gw.stop()
    assert not os.path.exists(gw.path("gateway.control"))
    done = countersign(gw, "revoke", "--now", pki.alice.certfile)
    assert (done.returncode, "no gateway runs" in done.stderr) == (2, True)


@pytest.mark.parametrize("arguments, says", [
    (["alice.pem"], "say --now"),
    (["--now"], "say what is to be revoked"),
    (["--now", "no-such-file.pem"], "no serial number in hex"),
    (["--now", "alice.key"], "there is no certificate in it"),
    (["--now", "alice.pem", "--reason", "boredom"], "--reason wants"),
    (["--now", "alice.pem", "--issuer", "ca.pem"], "goes with a serial number"),
])
def test_a_command_line_that_says_too_little(start, pki, backend, arguments, says):
    gw = begin(start, backend)
    done = countersign(gw, "revoke", *arguments, cwd=pki.dir)
    assert done.returncode == 2 and says in done.stderr


# status, and warnings before papers expire

def status(gw, code=0):
    done = countersign(gw, "status", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def papers(answer, kind):
    return [paper for paper in answer["papers"] if paper["kind"] == kind]


def test_status_knows_workers_and_connections(start, pki, backend):
    gw = begin(start, backend, workers=3)
    with opened(gw, pki.alice), in_a_tunnel(gw, pki.bob):
        answer = status(gw)
        workers = answer["workers"]
        assert sorted(w["pid"] for w in workers) == sorted(gw.workers())
        assert sum(w["connections"] for w in workers) == 2
        assert sum(w["verified"] for w in workers) == 2
        assert sum(w["idle"] for w in workers) == 1
        assert sum(w["upstreams"] for w in workers) >= 1
        assert answer["healthy"] and not any(w["draining"] for w in workers)
        gw.reload()
        wait_for(lambda: sum(w["draining"] for w in status(gw)["workers"]) >= 1,
                 "old workers that leave")
        revoke(gw, pki.alice.certfile)
    answer = status(gw)
    assert answer["revoked"]["count"] == 1
    assert all(w["revoked"] == 1 for w in answer["workers"])
    assert refusal(gw, pki.alice)[0] == "revoked"
    counts = {(row["code"], row["server"]): row["count"] for row in status(gw)["failures"]}
    assert counts["revoked", "a.test"] >= 1


def test_status_knows_the_papers(start, pki, backend):
    gw = start(server("ssl_crl @pki@/crl.pem; ssl_trusted_certificate @pki@/foreign-ca.pem;"
                      + PROXIED)
               + server("""location / { proxy_pass https://upstream.test;
                           proxy_ssl_certificate @pki@/bob.pem;
                           proxy_ssl_certificate_key @pki@/bob.key; }""", name="b.test")
               + "upstream upstream.test { server 127.0.0.1:1; }", backend=backend, main=STATE)
    answer = status(gw)
    shown, = papers(answer, "server")
    assert (shown["name"], shown["used_by"], shown["state"]) == ("CN=a.test", "a.test, b.test",
                                                                 "good")
    assert shown["file"] == f"{pki.dir}/server.pem" and not shown["differs"]
    assert abs(shown["left_sec"] - 89 * 86400) < 7200
    assert shown["place"].startswith(gw.conf + ":")
    client, = papers(answer, "client")
    assert (client["name"], client["used_by"]) == ("CN=bob,O=Example Ltd", "https://upstream.test")
    cas = [(paper["name"], paper["used_by"]) for paper in papers(answer, "ca")]
    assert sorted(cas) == [("CN=Foreign Root,O=Elsewhere", "a.test"),
                           ("CN=Scenario Root,O=Scenario", "a.test"),
                           ("CN=Scenario Root,O=Scenario", "b.test")]
    crl, = papers(answer, "list")
    assert (crl["name"], crl["entries"]) == ("CN=Scenario Root,O=Scenario", 1)
    text = countersign(gw, "status")
    assert text.returncode == 0
    for words in ("certificates shown to clients", "CN=a.test", "days left", "trusted CAs",
                  "certificates shown to upstreams", "revocation lists", "1 revoked"):
        assert words in text.stdout


def test_status_says_when_something_needs_a_person(start, pki, backend):
    gw = start(server("ssl_crl @pki@/crl-stale.pem;" + PROXIED), backend=backend, main=STATE)
    crl, = papers(status(gw, 1), "list")
    assert crl["state"] == "expired" and crl["left_sec"] < 0
    text = countersign(gw, "status")
    assert (text.returncode, "expired 24 hours ago" in text.stdout) == (1, True)


def test_status_counts_what_needs_no_attention(start, pki, backend, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(pki.ca.pem + b"".join(
        Authority(f"CA {n}").pem for n in range(30)))
    gw = start(server(f"ssl_trusted_certificate {bundle};" + PROXIED), backend=backend, main=STATE)
    assert len(papers(status(gw), "ca")) == 31
    assert "and 11 more that are good" in countersign(gw, "status").stdout


def test_a_paper_that_runs_out_is_warned_of_once(start, pki, backend, tmp_path):
    """A third of its life before the end, and at the end; a reload does not repeat it."""
    second = datetime.timedelta(seconds=1)
    end = now() + 7 * second
    pki.ca.issue("a.test", san=["a.test"], eku=("server",), not_before=end - 12 * second,
                 not_after=end).save(tmp_path, "brief")
    gw = start(server(f"ssl_certificate {tmp_path}/brief.pem;"
                      f"ssl_certificate_key {tmp_path}/brief.key;" + PROXIED)
               .replace("ssl_certificate @pki@/server.pem;", "")
               .replace("ssl_certificate_key @pki@/server.key;", ""), backend=backend, main=STATE)
    soon = r"\[warn\].*brief\.pem\" expires .*, in \d seconds \(subject: CN=a\.test"
    over = r"\[warn\].*brief\.pem\" expired .* ago \(subject: CN=a\.test"
    end_sec = end.replace(tzinfo=datetime.timezone.utc).timestamp()
    gw.wait_log(soon, 10)
    assert time.time() >= end_sec - 4
    gw.reload()
    gw.wait_log(over, 10)
    assert end_sec <= time.time() < end_sec + 1
    gw.reload()
    assert status(gw, 1)
    for pattern in soon, over:
        assert len(re.findall(pattern, gw.log())) == 1


# revoked by a list

@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_list_that_is_replaced_cuts_those_on_it(start, pki, tmp_path, count):
    """As test_the_others_never_notice, with a file in place of a word."""
    crl = write(tmp_path / "list.pem", pki.ca.crl())
    gw = start(server(FAILURES + f"ssl_crl {crl}; keepalive_requests 1000000;"
                      "location / { return 200 ok; }"),
               main=STATE + "worker_rlimit_nofile 30000;", workers=2, connections=12_000)
    others = [pki.ca.issue(f"other {n}").save(tmp_path, f"other-{n}") for n in range(20)]
    ctx = wire.context(pki.alice, version="1.3")
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        client.request("GET", "/", [("Connection", "close")])
        client.rest()
        session = client.session
    with Crowd(gw, others, count) as crowd:
        victims = [opened(gw, pki.alice) for _ in range(5)]
        ends = []
        watchers = [end_of(client, ends) for client in victims]
        crowd.go_on()
        begun = time.monotonic()
        os.rename(write(tmp_path / "next.pem", pki.ca.crl([pki.alice], number=2)), crl)
        for watcher in watchers:
            watcher.join()
        assert len(ends) == 5 and max(ends) < begun + 1
        crowd.go_on()
        for client in victims:
            client.close()
    assert {f["code"] for f in failures(gw)} == {"revoked"}
    assert refusal(gw, pki.alice, (ctx, session)) == ("revoked", False)
    listed, = papers(status(gw), "list")
    assert (listed["entries"], listed["differs"]) == (1, False)


def test_a_ca_that_is_taken_out_cuts_whom_it_let_in(start, pki, tmp_path, backend):
    bundle = write(tmp_path / "cas.pem", pki.ca.pem + pki.foreign.pem)
    gw = start(server(FAILURES + PROXIED, ca="@cas@").replace("@pki@/@cas@", bundle),
               backend=backend, main=STATE)
    with opened(gw, pki.stranger) as client, opened(gw, pki.alice) as other:
        os.rename(write(tmp_path / "next.pem", pki.ca.pem), bundle)
        assert client.ended(3)
        assert other.request("GET", "/").status == 200
    the_cut(gw, "issuer-unknown")
    assert refusal(gw, pki.stranger)[0] == "issuer-unknown"


def test_a_list_that_has_run_out_cuts_nobody(start, pki, tmp_path, backend):
    crl = write(tmp_path / "list.pem", pki.ca.crl())
    gw = start(server(FAILURES + f"ssl_crl {crl};" + PROXIED), backend=backend, main=STATE)
    with opened(gw, pki.alice) as client, opened(gw, pki.bob) as other:
        day = datetime.timedelta(days=1)
        os.rename(write(tmp_path / "next.pem",
                        pki.ca.crl([pki.bob], last_update=now() - 2 * day, next_update=now() - day,
                                   number=2)), crl)
        assert other.ended(3)
        assert client.request("GET", "/").status == 200
    assert refusal(gw, pki.alice)[0] == "crl-expired"
