"""A reload under load costs nobody anything."""

import time

import pytest

import wire
from gateway import server
from load import Load
from waiting import wait_for

CLIENTS = 64


def run_reloads(gw, load):
    begun = time.monotonic()
    for turn in range(3):
        settled = sum(load.done)
        wait_for(lambda s=settled: sum(load.done) > s + 4 * CLIENTS, "load", 10)
        gw.reload()
        while time.monotonic() < begun + 1.2 * (turn + 1):
            time.sleep(0.05)


@pytest.mark.countersign
def test_no_request_fails_over_three_reloads_in_the_clear(start, backend):
    gw = start("""
        upstream pool { server @backend@; keepalive 32; }
        server {
            listen 127.0.0.1:@http@;
            location / { proxy_http_version 1.1; proxy_set_header Connection "";
                         proxy_pass http://pool; }
        }""", backend=backend, workers=2)
    with Load(lambda: wire.connect(gw.port["http"]), CLIENTS) as load:
        run_reloads(gw, load)
    assert load.failures == []


@pytest.mark.countersign
def test_no_request_fails_over_three_reloads_with_mutual_tls(start, pki):
    gw = start(server('return 200 "x";'), workers=2)
    ctx = wire.context(pki.alice)
    with Load(lambda: wire.tls(gw.port["tls"], ctx=ctx), CLIENTS) as load:
        run_reloads(gw, load)
    assert load.failures == []


@pytest.mark.countersign
def test_an_idle_connection_survives_until_its_next_answer(start, pki):
    """The old worker says Connection: close on the next answer; it does not hang up before."""
    gw = start(server('return 200 "x";'), workers=2)
    before = set(gw.workers())
    clients = [wire.tls(gw.port["tls"], pki.alice) for _ in range(16)]
    try:
        for client in clients:
            assert client.request().keeps_alive()
        gw.reload()
        for pid in before:  # which have heard of it
            gw.wait_log(rf"\b{pid}#.*gracefully shutting down")
        for client in clients:
            answer = client.request()
            assert answer.status == 200
            assert not answer.keeps_alive()
            assert client.ended()
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: not before & set(gw.workers()), "the old workers to go")


@pytest.mark.countersign
def test_a_connection_that_was_accepted_but_said_nothing_yet_is_served(start, pki):
    gw = start(server('return 200 "x";'))
    with wire.connect(gw.port["tls"]) as early:
        time.sleep(0.1)
        gw.reload()
        ctx = wire.context(pki.alice)
        with wire.Connection(ctx.wrap_socket(early.sock, server_hostname="a.test")) as client:
            assert client.request().status == 200


def test_a_reload_between_requests_is_seen_by_new_connections_only(start, pki):
    gw = start(server('return 200 "one";'))
    assert wire.get(gw.port["tls"], pki.alice).text == "one"
    gw.reload(server('return 200 "two";'))
    wait_for(lambda: wire.get(gw.port["tls"], pki.alice).text == "two", "the new answer")


@pytest.mark.countersign
def test_a_websocket_outlives_a_reload(start, backend):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location / { proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
                     proxy_set_header Connection upgrade; proxy_pass http://@backend@; }
    }""", backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.request("GET", "/ws", [("Upgrade", "websocket"), ("Connection", "upgrade")])
        gw.reload()
        client.send(b"still here")
        assert client.exactly(10) == b"still here"
