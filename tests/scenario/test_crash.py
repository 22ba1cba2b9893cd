"""A worker that dies is replaced, and takes nobody else along."""

import os
import signal

import pytest

import wire
from gateway import SANITIZED, server
from test_reload_under_load import Load
from waiting import wait_for

BY_PID = """
    server {
        listen 127.0.0.1:@http@;
        location /pid { return 200 "$pid"; }
        location / { proxy_pass http://@backend@; }
    }"""


def spread(gw, clients):
    """Connections by the worker that serves them."""
    by_pid = {}
    for client in clients:
        by_pid.setdefault(int(client.request("GET", "/pid").text), []).append(client)
    return by_pid


# a sanitizer would take the second for a fault of the program
@pytest.mark.parametrize("number", [signal.SIGKILL] + [signal.SIGSEGV] * (not SANITIZED))
def test_a_dead_worker_is_replaced_and_the_others_lose_nothing(start, backend, number):
    gw = start(BY_PID, backend=backend, workers=2)
    gw.forgiven = "exited on signal 11"
    clients = [wire.connect(gw.port["http"]) for _ in range(40)]
    try:
        by_pid = spread(gw, clients)
        victim = max(by_pid)
        os.kill(victim, number)
        wait_for(lambda: len(set(gw.workers()) - {victim}) >= 2, "a replacement")
        for client in by_pid.pop(victim):
            assert client.ended()
        for pid, others in by_pid.items():
            for client in others:
                assert client.request("GET", "/pid").text == str(pid)
        assert victim not in gw.workers()
        for _ in range(20):
            with wire.connect(gw.port["http"]) as fresh:
                assert fresh.request().status == 200
    finally:
        for client in clients:
            client.close()
    gw.wait_log(rf"{victim}.*(signal|{number.value})")


def test_kill_under_load_breaks_only_what_the_dead_worker_held(start, backend):
    gw = start(BY_PID, backend=backend, workers=2)
    survivor_clients = []
    try:
        clients = [wire.connect(gw.port["http"]) for _ in range(20)]
        survivor_clients = clients
        by_pid = spread(gw, clients)
        victim = min(by_pid)
        load = Load(lambda: wire.connect(gw.port["http"]), 16, "/pid")
        with load:
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: len(set(gw.workers()) - {victim}) >= 2, "a replacement")
            settled = sum(load.done)
            wait_for(lambda: sum(load.done) > settled + 400, "the load to go on")
        # each of the 16 may lose the one request it had at the dead worker, and the one
        # connection that was waiting there
        assert len(load.failures) <= 2 * 16, load.failures[:5]
        for pid, others in by_pid.items():
            if pid != victim:
                for client in others:
                    assert client.request("GET", "/pid").text == str(pid)
    finally:
        for client in survivor_clients:
            client.close()


def test_every_worker_killed_comes_back(start, pki):
    gw = start(server('return 200 "x";'), workers=2)
    for _ in range(3):
        before = gw.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda b=before: len([p for p in gw.workers() if p not in b]) == 2,
                 "two new workers")
        assert wire.get(gw.port["tls"], pki.alice).status == 200


@pytest.mark.countersign
def test_a_session_survives_the_death_of_the_worker_that_made_it(start, pki):
    gw = start(server('return 200 "$ssl_session_reused";'), workers=1)
    ctx = wire.context(pki.alice)
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        client.request("GET", "/", [("Connection", "close")])
        client.rest()
        session = client.session
    before = gw.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: gw.workers() and gw.workers() != before, "a replacement")
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as client:
        assert client.request().text == "r"


@pytest.mark.countersign
def test_workers_do_not_outlive_their_supervisor(start, pki):
    gw = start(server('return 200 "x";'), workers=2)
    family = gw.workers()
    os.kill(gw.process.pid, signal.SIGKILL)
    gw.wait()
    for pid in family:
        wait_for(lambda p=pid: not os.path.exists(f"/proc/{p}"), "the worker to go")
