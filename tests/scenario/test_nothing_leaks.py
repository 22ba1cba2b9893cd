"""After thousands of connections of every kind the gateway holds what it held before."""

import re
import ssl
import subprocess

import pytest

import wire
from gateway import SANITIZED, server
from pki import write
from waiting import wait_for

GROWTH_KIB = 768
SPARE = 4  # connections that may stay open: a client's own, and one kept upstream


def grows(gw, cycle, warm=150, rounds=400):
    """KiB that some rounds add after a warm-up; every descriptor must be given back."""
    idle = gw.descriptors()
    memory = []
    for count in (warm, rounds):
        for _ in range(count):
            cycle()
        wait_for(lambda: gw.descriptors() <= idle + SPARE, "descriptors to be closed")
        memory.append(gw.memory_kib())
    return memory[1] - memory[0]


def quietly(function, *arguments, **how):
    try:
        return function(*arguments, **how)
    except (ssl.SSLError, OSError, wire.Closed):
        return None


CYCLES = {
    "the right client": lambda port, pki: wire.get(port, pki.alice),
    "no certificate": lambda port, pki: wire.get(port, None),
    "an expired one": lambda port, pki: wire.get(port, pki.expired),
    "a foreign one": lambda port, pki: wire.get(port, pki.stranger),
    "a revoked one": lambda port, pki: wire.get(port, pki.revoked),
    "half a handshake": lambda port, pki: quietly(
        lambda: wire.connect(port).send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").close()),
    "plain HTTP": lambda port, pki: quietly(lambda: wire.connect(port).request()),
    "a bad request": lambda port, pki: quietly(
        lambda: wire.tls(port, pki.alice).send("nonsense\r\n\r\n").rest()),
}


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
@pytest.mark.parametrize("kind", CYCLES)
def test_connections_leave_nothing_behind(start, pki, backend, kind):
    gw = start("ssl_session_cache off; access_log off;"
               + server("ssl_crl @pki@/crl.pem; location / { proxy_pass http://@backend@; }"),
               backend=backend, level="crit")
    cycle = CYCLES[kind]
    assert grows(gw, lambda: cycle(gw.port["tls"], pki)) < GROWTH_KIB


@pytest.mark.countersign
@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
@pytest.mark.parametrize("who", ["alice", "expired", "stranger"])
def test_refusals_in_the_handshake_leave_nothing_behind(start, pki, who):
    gw = start("ssl_session_cache off; access_log off;"
               + server("mtls_reject handshake; return 200;"), level="crit")
    identity = getattr(pki, who)
    assert grows(gw, lambda: quietly(wire.get, gw.port["tls"], identity)) < GROWTH_KIB


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_requests_on_one_connection_leave_nothing_behind(start, pki, backend):
    gw = start("keepalive_requests 100000; access_log off;" + server(), backend=backend)
    with wire.tls(gw.port["tls"], pki.alice) as client:
        assert grows(gw, lambda: client.request("POST", "/x?y", body=b"z" * 100),
                     rounds=2000) < GROWTH_KIB


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_reloads_leave_nothing_behind(start, pki):
    """The supervisor builds a new state each time, and lets go of the old one."""
    path = write(pki.dir + "/leak-crl.pem", pki.ca.crl([pki.revoked]))
    gw = start(server(f"ssl_crl {path}; return 200;"))

    def resident():
        with open(f"/proc/{gw.process.pid}/smaps_rollup", encoding="ascii") as file:
            text = file.read()
        return int(text.split("Rss:")[1].split()[0])

    def turn():
        before = set(gw.workers())
        gw.reload()
        wait_for(lambda: not before & set(gw.workers()), "the old workers to go")

    for _ in range(5):
        turn()
    before = resident()
    for _ in range(20):
        turn()
    assert resident() - before < 1024


@pytest.mark.long
@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_thirty_seconds_of_load_without_an_error_or_growth(start, pki, nginx_backend):
    """64 keep-alive connections through the gateway to a real nginx."""
    gw = start("""
        upstream pool { server @backend@; keepalive 64; }
        access_log off;
        server {
            listen 127.0.0.1:@http@;
            keepalive_requests 100000000;
            location / { proxy_http_version 1.1; proxy_set_header Connection "";
                         proxy_pass http://pool; }
        }
        server {
            listen 127.0.0.1:@tls@ ssl;
            keepalive_requests 100000000;
            ssl_certificate @pki@/server.pem;
            ssl_certificate_key @pki@/server.key;
            location / { proxy_http_version 1.1; proxy_set_header Connection "";
                         proxy_pass http://pool; }
        }""", backend=nginx_backend, workers=2)

    def load(url, seconds):
        done = subprocess.run(["wrk", "-t2", "-c64", f"-d{seconds}s", url], capture_output=True,
                              text=True, check=True)
        assert "Socket errors" not in done.stdout, done.stdout
        assert "Non-2xx" not in done.stdout, done.stdout
        return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))

    for url in (f"http://127.0.0.1:{gw.port['http']}/hello",
                f"https://127.0.0.1:{gw.port['tls']}/hello"):
        load(url, 3)
        before = gw.memory_kib()
        assert load(url, 30) > 0
        assert gw.memory_kib() - before < 2048
    assert not re.search(r"\[(error|crit|alert|emerg)\]", gw.log()), gw.log()
