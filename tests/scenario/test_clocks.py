"""Clocks that differ: the leeway, and what the log says about a certificate at its bounds."""

import datetime
import os
import socket
import subprocess
import time

import pytest

import wire
from gateway import BINARY, SANITIZED, server
from pki import now
from waiting import wait_for

pytestmark = pytest.mark.countersign

MINUTE = datetime.timedelta(minutes=1)
LEEWAY = "mtls_clock_leeway 10m;\n        location / { proxy_pass http://@backend@; }"


def _shifted(pki, folder, before, after):
    identity = pki.ca.issue("shifted", not_before=now() + before, not_after=now() + after)
    return identity.save(folder, "shifted")


@pytest.mark.parametrize("before, after, body, status, says", [
    (-60, -5, LEEWAY, 200, r"\[warn\].*is accepted although it is not valid now"),
    (5, 60, LEEWAY, 200, r"\[warn\].*is accepted although it is not valid now"),
    (-60, -11, LEEWAY, 400, "has expired"),
    (11, 60, LEEWAY, 400, "is not yet valid"),
    (-60, -5, None, 400, "has expired"),
    (5, 60, None, 400, "is not yet valid"),
])
def test_the_leeway_moves_both_bounds(start, pki, backend, tmp_path, before, after, body,
                                       status, says):
    gw = start(server(body) if body else server(), backend=backend)
    identity = _shifted(pki, tmp_path, before * MINUTE, after * MINUTE)
    for _ in range(2):  # the second time the chain is remembered
        mark = len(gw.log())
        answer = wire.get(gw.port["tls"], identity, ca=pki.ca)
        assert answer.status == status
        gw.wait_log(says, start=mark)


NO_FAKETIME = pytest.mark.skipif(
    SANITIZED, reason="the sanitizer wants to be the first library, and so does faketime")


@NO_FAKETIME
def test_a_clock_before_the_build_date_is_an_error(pki, tmp_path):
    conf = tmp_path / "one.conf"
    conf.write_text("server { listen 127.0.0.1:0; return 204; }\n")
    for command in "check", "run":
        done = subprocess.run(
            ["faketime", "2001-01-01 00:00:00", BINARY, command, "-c", str(conf)],
            capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert "the clock of this machine stands at 2001-01-01T" in done.stdout + done.stderr
        assert "set the clock" in done.stdout + done.stderr


def _answers(probe, port):
    try:
        probe.sendto(b"\x23" + bytes(39) + b"anything", ("127.0.0.1", port))
        return len(probe.recv(512)) >= 48
    except OSError:
        return False


@pytest.fixture
def chrony(tmp_path):
    """A time server on the loopback: chronyd, which leaves this machine's clock alone (-x)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = tmp_path / "chrony.conf"
    conf.write_text(f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 3\n"
                    f"cmdport 0\nbindcmdaddress /\npidfile {tmp_path}/chrony.pid\n")
    daemon = subprocess.Popen(["chronyd", "-x", "-d", "-U", "-u", "root", "-f", str(conf)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            wait_for(lambda: _answers(probe, port), "the time server to answer")
        yield port
    finally:
        daemon.kill()  # without waiting for it to end as it likes, however long that takes
        daemon.wait()


def _shifted_clock(folder, shift):
    """The gateway under a clock that is off. Not by faketime(1), which would stand between."""
    library = subprocess.check_output(["faketime", "-f", shift, "printenv", "LD_PRELOAD"],
                                      text=True).strip()
    program = os.path.join(folder, "shifted")
    with open(program, "w", encoding="ascii") as out:
        out.write(f'#!/bin/sh\nexec env \'LD_PRELOAD={library}\' FAKETIME={shift} {BINARY} "$@"\n')
    os.chmod(program, 0o755)
    return program


@NO_FAKETIME
@pytest.mark.root
@pytest.mark.parametrize("shift, says", [
    ("+3d", r"clock of this machine is 259\d\d\d\.\d+ s ahead of"),
    ("+90m", r"clock of this machine is 5[34]\d\d\.\d+ s ahead of"),
])
def test_a_time_server_tells_how_far_the_clock_is_off(start, tmp_path, chrony, shift, says):
    gw = start("server { listen 127.0.0.1:@plain@; return 204; }",
               main=f"mtls_time_source 127.0.0.1:{chrony};",
               program=_shifted_clock(tmp_path, shift))
    gw.wait_log(r"\[warn\].*" + says, timeout_s=10)


@pytest.mark.root
def test_a_right_clock_is_not_mentioned(start, chrony):
    gw = start("server { listen 127.0.0.1:@plain@; return 204; }",
               main=f"mtls_time_source 127.0.0.1:{chrony};")
    time.sleep(4)  # three tries of a second each
    assert "clock of this machine" not in gw.log()
    assert "no answer" not in gw.log()


def test_a_time_server_that_is_not_there_is_said_once(start):
    gw = start("server { listen 127.0.0.1:@plain@; return 204; }",
               main="mtls_time_source 127.0.0.1:@silent@ no-such-host.invalid;")
    gw.wait_log(r"\[warn\].*time server \"127.0.0.1:\d+\" gives no answer", timeout_s=10)
    assert 'time server "no-such-host.invalid" is not asked' in gw.log() + gw.said()
