"""The authority when strangers come in crowds: those who have business with it do not notice."""

import contextlib
import resource
import socket
import threading

import pytest

import pki
import served
import wire
from served import Folder, Follower, Server, csr, serial
from waiting import wait_for

pytestmark = pytest.mark.countersign

PER_ADDRESS = 128  # of 1,024
HELLO = bytes.fromhex("160301020001000200")  # and then nothing


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "ca")


@contextlib.contextmanager
def serving(folder, *options):
    server = Server(folder, *options)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def half_handshake(port, source):
    sock = socket.socket()
    sock.bind((source, 0))
    sock.settimeout(30)
    sock.connect(("127.0.0.1", port))
    with contextlib.suppress(OSError):
        sock.sendall(HELLO)
    sock.setblocking(False)
    return sock


def is_open(sock):
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


class Flood:
    """Half handshakes: so many, and from then on others in their place."""

    def __init__(self, port, sources, count):
        self.port, self.sources, self.made = port, sources, 0
        self.socks = []
        for _ in range(count):
            self.add()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def add(self):
        self.socks.append(half_handshake(self.port, self.sources[self.made % len(self.sources)]))
        self.made += 1

    def open(self):
        return sum(map(is_open, self.socks))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join(60)
        for sock in self.socks:
            sock.close()

    def _run(self):
        while not self.stop.wait(0.005):
            self.socks.pop(0).close()
            with contextlib.suppress(OSError):
                self.add()


def enrol(server, name, source):
    key = pki.new_key()
    body = {"token": server.folder.token(name, profile="peer"), "csr": csr(key, name)}
    answer = server.post("/v1/enrol", body, source=source)
    assert answer.status == 201, answer.text
    return server.identity(answer, key)


def renew(server, identity, source):
    answer = server.post("/v1/renew", {"csr": csr(pki.new_key())}, identity, source=source)
    assert answer.status == 201, answer.text


@pytest.mark.parametrize("sources", [1, 12], ids=["one-address", "twelve-addresses"])
def test_half_handshakes_keep_nobody_out(folder, many_files, sources):
    """2,000 from one address take what one may have; from a dozen they take turns."""
    with serving(folder) as server:
        web = enrol(server, "web.example.internal", "127.0.0.2")
        follower = Follower(server.port, served.context(server.ca, web))
        with follower, Flood(server.port, [f"127.0.0.{10 + n}" for n in range(sources)],
                             2000) as flood:
            wait_for(lambda: flood.open() <= min(sources * PER_ADDRESS, 1024), "room")
            for n in range(3):
                enrol(server, f"x{n}.example.internal", "127.0.0.2")
                renew(server, web, "127.0.0.2")
                renew(server, web, "127.0.0.10")  # from where they come, too
            gone = enrol(server, "gone.example.internal", "127.0.0.3")
            assert server.post("/v1/revoke", {"reason": "superseded"}, gone,
                               source="127.0.0.3").status == 200
            assert follower.wait(1, 20)[-1][2]["serial"] == serial(gone)
            assert not follower.ended
        assert "no room: " in server.log()
        assert "connections are all there may be" not in server.log()


def test_the_number_for_one_address_can_be_set(folder, tmp_path):
    conf = tmp_path / "authority.conf"
    conf.write_text(f"authority {{ store {folder.path}; listen 127.0.0.1:1;\n"
                    "connections_per_address 2; }\n")
    with serving(folder, "-c", str(conf)) as server:
        silent = [wire.connect(server.plain, source="127.0.0.2") for _ in range(2)]
        assert server.public("/v1/health").status == 200
        assert not any(client.ended(0.2) for client in silent)
        silent.append(wire.connect(server.plain, source="127.0.0.2"))
        assert silent[0].ended(20)
        assert not any(client.ended(0.2) for client in silent[1:])
        for client in silent:
            client.close()


def test_whoever_guesses_tokens_waits_and_nobody_else(folder):
    with serving(folder) as server:
        body = {"token": "cst_" + "A" * 43, "csr": csr(pki.new_key(), "web.example.internal")}
        told = [server.post("/v1/enrol", body, source="127.0.0.2") for _ in range(21)]
        assert [answer.status for answer in told] == [401] * 21
        good = {**body, "token": folder.token("web.example.internal")}
        answer = server.post("/v1/enrol", good, source="127.0.0.2")
        while answer.status != 429:  # the machine was too busy for two seconds
            server.post("/v1/enrol", body, source="127.0.0.2")
            answer = server.post("/v1/enrol", body, source="127.0.0.2")
        assert answer.json()["code"] == "tokens-too-many"
        assert 1 <= int(answer.header("Retry-After")) <= 64
        assert "21 join tokens from 127.0.0.2 were refused" in server.log()
        enrol(server, "web.example.internal", "127.0.0.3")
        wait_for(lambda: server.post("/v1/enrol", good, source="127.0.0.2").status in (200, 201),
                 "the end of the wait", 70)
