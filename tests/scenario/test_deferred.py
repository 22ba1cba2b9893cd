"""listen … deferred: who has connected and says nothing waits in the kernel, unseen by a worker."""

import contextlib
import socket

import pytest

import wire
from gateway import server
from waiting import wait_for

SYN_RECV, ESTABLISHED = "03", "01"
TELL = 'location / { return 200 "hello"; }'


def body(deferred):
    return server(TELL, verify="off", port="@tls@ deferred" if deferred else "@tls@")


def states(port, client):
    """What the server's side of a connection is to the kernel."""
    local = client.getsockname()[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [state for _, here, there, state, *_ in rows
            if here.endswith(f":{port:04X}") and there.endswith(f":{local:04X}")]


@contextlib.contextmanager
def silent(gw):
    with socket.create_connection(("127.0.0.1", gw.port["tls"]), timeout=10) as client:
        yield client


def is_deferred(gw):
    with silent(gw) as client:
        return states(gw.port["tls"], client) == [SYN_RECV]


def is_answered(gw):
    with wire.tls(gw.port["tls"], ctx=wire.context(), sni="a.test") as client:
        return client.request("GET", "/", host="a.test").text == "hello"


def test_a_silent_client_waits_in_the_kernel(start):
    gw = start(body(True))
    with silent(gw) as client:
        assert states(gw.port["tls"], client) == [SYN_RECV]
        client.sendall(b"\x16")
        wait_for(lambda: states(gw.port["tls"], client) == [ESTABLISHED], "its first byte counts")
    assert is_answered(gw)


def test_without_it_nobody_waits(start):
    gw = start(body(False))
    with silent(gw) as client:
        wait_for(lambda: states(gw.port["tls"], client) == [ESTABLISHED], "the handshake of TCP")


def test_a_reload_turns_it_on_and_off(start):
    """The sockets stay, with whoever waits in them."""
    gw = start(body(False))
    assert not is_deferred(gw)
    gw.reload(body(True))
    wait_for(lambda: is_deferred(gw), "the reload")
    assert is_answered(gw)
    gw.reload(body(False))
    wait_for(lambda: not is_deferred(gw), "the next one")
    assert is_answered(gw)


@pytest.mark.countersign  # nginx complains at run time, in its log
def test_it_has_no_meaning_for_unix_sockets(start):
    gw = start(body(True) + 'server { listen unix:@dir@/one.sock deferred; return 200 "hello"; }')
    assert 'parameter "deferred" of "listen" has no effect here' in gw.said() + gw.log()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(gw.path("one.sock"))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"hello" in client.recv(4096)
