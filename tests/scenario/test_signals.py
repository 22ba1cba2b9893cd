"""The supervisor does what it is told by signal, and never loses the state that works."""

import os
import pwd
import re
import signal
import time

import pytest

import wire
from gateway import IS_NGINX, listens, server
from pki import Authority
from waiting import wait_for

HTTP = """server { listen 127.0.0.1:@http@; return 200 "%s"; }"""


def ask(gw, target="/"):
    with wire.connect(gw.port["http"]) as client:
        return client.request("GET", target, [("Connection", "close")]).text


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_stop_at_once(start, backend, number):
    gw = start("server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }",
               backend=backend)
    family = gw.family()
    with wire.connect(gw.port["http"]) as idle, wire.connect(gw.port["http"]) as busy:
        idle.request()
        busy.ask("GET", "/hold")
        assert backend.held.acquire(timeout=5)
        begun = time.monotonic()
        assert gw.stop(number) == 0
        assert time.monotonic() - begun < 2
    assert not os.path.exists(gw.path("gateway.pid"))
    assert not listens(gw.port["http"])
    for pid in family:
        wait_for(lambda p=pid: not os.path.exists(f"/proc/{p}"), "the process to go")


def test_quit_lets_a_request_in_flight_finish(start, backend):
    gw = start("server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }",
               backend=backend)
    with wire.connect(gw.port["http"]) as busy:
        busy.ask("GET", "/hold")
        assert backend.held.acquire(timeout=5)
        gw.send_signal(signal.SIGQUIT)
        wait_for(lambda: not listens(gw.port["http"]), "the listener to close")
        assert gw.process.poll() is None
        backend.release()
        answer = busy.response()
        assert (answer.status, answer.text) == (200, "held")
        assert not answer.keeps_alive()
    assert gw.wait() == 0
    assert not os.path.exists(gw.path("gateway.pid"))


def test_quit_lets_a_download_finish(start, backend):
    size = 20 << 20
    gw = start("server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }",
               backend=backend)
    with wire.connect(gw.port["http"], receive_buffer=65536) as client:
        client.ask("GET", f"/bytes/{size}")
        client.head()
        gw.send_signal(signal.SIGQUIT)
        assert len(client.exactly(size)) == size
    assert gw.wait() == 0


def test_quit_with_only_idle_connections_ends_soon(start):
    gw = start(HTTP % "x", main="worker_shutdown_timeout 3s;")
    with wire.connect(gw.port["http"]) as idle:
        idle.request()
        assert gw.stop(signal.SIGQUIT) == 0


@pytest.mark.alone
def test_worker_shutdown_timeout_ends_the_patience(start, backend):
    gw = start("server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }",
               backend=backend, main="worker_shutdown_timeout 1s;")
    with wire.connect(gw.port["http"]) as busy:
        busy.ask("GET", "/hold")
        assert backend.held.acquire(timeout=5)
        begun = time.monotonic()
        assert gw.stop(signal.SIGQUIT) == 0
        assert 0.8 < time.monotonic() - begun < 4


def test_the_pid_file_lives_as_long_as_the_service(start):
    gw = start(HTTP % "x", start=False)
    assert not os.path.exists(gw.path("gateway.pid"))
    gw.start()
    assert gw.pid() == gw.process.pid
    assert listens(gw.port["http"]), "ready when the pid file is there"
    gw.reload()
    assert gw.pid() == gw.process.pid
    assert gw.stop(signal.SIGQUIT) == 0
    assert not os.path.exists(gw.path("gateway.pid"))


def test_hup_brings_the_new_configuration(start):
    gw = start(HTTP % "one")
    assert ask(gw) == "one"
    before = gw.workers()
    gw.reload(HTTP % "two")
    wait_for(lambda: not set(before) & set(gw.workers()), "the old workers to go")
    assert ask(gw) == "two"


def test_hup_lets_the_old_workers_finish(start, backend):
    body = "server { listen 127.0.0.1:@http@; location / { proxy_pass http://@backend@; } }"
    gw = start(body, backend=backend)
    before = set(gw.workers())
    with wire.connect(gw.port["http"]) as busy:
        busy.ask("GET", "/hold")
        assert backend.held.acquire(timeout=5)
        gw.reload(HTTP % "new")
        wait_for(lambda: ask(gw) == "new", "the new workers to serve")
        backend.release()
        assert busy.response().text == "held"
    wait_for(lambda: not before & set(gw.workers()), "the old workers to go")


BROKEN = {
    "syntax": "server { listen 127.0.0.1:@http@; return 200 }",
    "unknown directive": "server { listen 127.0.0.1:@http@; ssl_verify_clien on; return 200; }",
    "missing certificate": """server { listen 127.0.0.1:@http@ ssl;
        ssl_certificate @dir@/nosuch.pem; ssl_certificate_key @dir@/nosuch.key; return 200; }""",
    "missing CA": """server { listen 127.0.0.1:@http@ ssl;
        ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @dir@/nosuch.pem; ssl_verify_client on; return 200; }""",
    "missing CRL": """server { listen 127.0.0.1:@http@ ssl;
        ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @pki@/ca.pem; ssl_verify_client on;
        ssl_crl @dir@/nosuch.pem; return 200; }""",
    "key of another": """server { listen 127.0.0.1:@http@ ssl;
        ssl_certificate @pki@/server.pem; ssl_certificate_key @pki@/alice.key; return 200; }""",
    "nothing": "}",
}


@pytest.mark.parametrize("what", BROKEN)
def test_hup_with_a_bad_configuration_changes_nothing(start, what):
    gw = start(HTTP % "old")
    before = gw.workers()
    size = len(gw.log())
    gw.write(BROKEN[what])
    gw.send_signal(signal.SIGHUP)
    gw.wait_log(r"\[emerg\]|\[error\]", start=size)
    assert gw.process.poll() is None
    assert gw.workers() == before
    assert ask(gw) == "old"
    gw.reload(HTTP % "good again")
    wait_for(lambda: ask(gw) == "good again", "the good configuration")


def test_hup_opens_and_closes_ports(start):
    gw = start(HTTP % "x")
    old = gw.port["http"]
    gw.reload((HTTP % "x").replace("@http@", "@other@"))
    wait_for(lambda: listens(gw.port["other"]), "the new port")
    wait_for(lambda: not listens(old), "the old port to close")


def test_hup_onto_a_taken_port_keeps_the_old_state(start, backend):
    gw = start(HTTP % "old")
    size = len(gw.log())
    gw.write(HTTP % "new" + "server { listen 127.0.0.1:%d; return 200; }" % backend.port)
    gw.send_signal(signal.SIGHUP)
    gw.wait_log("in use", start=size)
    assert ask(gw) == "old"


def test_hup_applies_a_new_client_policy_on_every_listener(start, pki):
    two_ports = server('return 200 "in";', verify="%s") + server(
        'return 200 "in";', verify="%s", port="@tls2@")
    gw = start(two_ports.replace("%s", "off"))
    for port in (gw.port["tls"], gw.port["tls2"]):
        assert wire.get(port, None).status == 200
    gw.reload(two_ports.replace("%s", "on"))
    for port in (gw.port["tls"], gw.port["tls2"]):
        wait_for(lambda p=port: wire.get(p, None).status == 400, "the policy to hold")
        assert wire.get(port, pki.alice).status == 200


def test_hup_brings_a_renewed_certificate(start, pki):
    pki.ca.issue("a.test", san=["a.test"], eku=("server",)).save(pki.dir, "renewed")
    gw = start(server("return 200;").replace("@pki@/server.", "@pki@/renewed."))

    def shown():
        with wire.tls(gw.port["tls"], pki.alice, ca=pki.ca) as client:
            return client.sock.getpeercert()["serialNumber"]

    first = shown()
    fresh = pki.ca.issue("a.test", san=["a.test"], eku=("server",)).save(pki.dir, "renewed")
    gw.reload()
    wait_for(lambda: int(shown(), 16) == fresh.serial, "the renewed certificate")
    assert int(first, 16) != fresh.serial


def test_hup_brings_a_new_ca(start, pki):
    new = Authority("New Root")
    with open(pki.ca.certfile, "rb") as file:
        old = file.read()
    path = pki.dir + "/turning-ca.pem"
    with open(path, "wb") as out:
        out.write(old)
    carol = new.issue("carol").save(pki.dir, "carol")
    gw = start(server("return 200;", ca="turning-ca.pem"))
    assert wire.get(gw.port["tls"], carol).status == 400
    with open(path, "wb") as out:
        out.write(old + new.pem)
    gw.reload()
    wait_for(lambda: wire.get(gw.port["tls"], carol).status == 200, "the new CA")
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_many_hups_in_a_row_settle(start):
    gw = start(HTTP % "0", workers=2)
    for number in range(1, 6):
        gw.write(HTTP % number)
        gw.send_signal(signal.SIGHUP)
    wait_for(lambda: ask(gw) == "5", "the last configuration")
    wait_for(lambda: len(gw.workers()) == 2, "two workers")


def identity_of(pid):
    """(user ids, supplementary groups) of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = file.read()
    users = re.search(r"^Uid:\t(.*)$", status, re.M).group(1).split("\t")
    return set(map(int, users)), set(re.search(r"^Groups:\t(.*)$", status, re.M).group(1).split())


@pytest.mark.root
def test_workers_are_not_root(start):
    gw = start(HTTP % "x", workers=2)
    assert ask(gw) == "x"
    for pid in gw.workers():
        wait_for(lambda p=pid: 0 not in identity_of(p)[0], "the worker to give up root")
        assert "0" not in identity_of(pid)[1]


@pytest.mark.root
def test_workers_are_the_user_that_was_named(start):
    gw = start(HTTP % "x", main="user daemon;")
    wanted = {pwd.getpwnam("daemon").pw_uid}
    for pid in gw.workers():
        wait_for(lambda p=pid: identity_of(p)[0] == wanted, "the worker to become daemon")


@pytest.mark.root
def test_a_key_that_only_root_can_read_is_fine(start, pki):
    """It is read before the privileges are dropped, at the start and at a reload."""
    folder = pki.dir + "/private"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    pki.ca.issue("a.test", san=["a.test"], eku=("server",)).save(folder, "server")
    os.chmod(folder + "/server.key", 0o400)
    gw = start(server("return 200;").replace("@pki@/server.", "@pki@/private/server."))
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    gw.reload()
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_master_process_off_serves_in_one_process(start):
    gw = start(HTTP % "alone", main="master_process off;")
    assert ask(gw) == "alone"
    assert gw.workers() == []
    assert gw.stop() == 0


@pytest.mark.parametrize("count", [1, 3])
def test_worker_processes_decides_their_number(start, count):
    gw = start(HTTP % "x", workers=count)
    wait_for(lambda: len(gw.workers()) == count, f"{count} workers")


def test_worker_processes_auto_is_one_per_core(start):
    gw = start(HTTP % "x", workers="auto")
    wait_for(lambda: len(gw.workers()) == len(os.sched_getaffinity(0)) or
             (IS_NGINX and len(gw.workers()) == os.cpu_count()), "one worker per core")
