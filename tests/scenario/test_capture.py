"""countersign doctor FILE: handshakes captured on the loopback interface, good and broken ones."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from backend import free_port
from gateway import listens, run
from pki import ONE_DAY, now
from waiting import wait_for

TCPDUMP = shutil.which("tcpdump")
pytestmark = [pytest.mark.countersign, pytest.mark.root,
              pytest.mark.skipif(not TCPDUMP, reason="needs tcpdump")]


class Wire:
    """What passes on loopback to and from a port while a story lasts, as a file."""

    def __init__(self, folder, port, *options, interface="lo"):
        self.path = f"{folder}/{port}.pcap"
        self.log = open(f"{folder}/tcpdump.log", "wb+")
        # in this mode the kernel keeps room for the largest packet there may be for every packet:
        # the usual 2 MiB are eight packets of "any", which a busy machine loses some of
        self.process = subprocess.Popen(
            [TCPDUMP, "-i", interface, "-U", "--immediate-mode", "-B", "65536", "-Z", "root",
             "-w", self.path, *options, "tcp", "port", str(port)], stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT)
        wait_for(self.listening, "tcpdump to listen")

    def listening(self):
        with open(self.log.name, "rb") as log:
            return b"listening on" in log.read()

    def size(self):
        return os.path.getsize(self.path)

    def end(self):
        """Stop when nothing more comes."""
        last = -1
        while last != self.size():
            last = self.size()
            time.sleep(0.15)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)
        self.log.close()


@contextlib.contextmanager
def wire(tmp_path, port, *options, interface="lo"):
    one = Wire(tmp_path, port, *options, interface=interface)
    try:
        yield one
    finally:
        one.end()


@contextlib.contextmanager
def s_server(pki, *options, certificate="server", host="127.0.0.1"):
    port = free_port(host.strip("[]"))
    one = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"{host}:{port}", "-quiet", "-www",
         "-cert", f"{pki.dir}/{certificate}.pem", "-key", f"{pki.dir}/{certificate}.key",
         "-CAfile", f"{pki.dir}/ca.pem", *options],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port, host.strip("[]")), "s_server to listen")
        yield port
    finally:
        one.kill()
        one.wait()


@contextlib.contextmanager
def program(serve):
    """A server on a port that does serve(socket) with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def loop():
            with contextlib.suppress(OSError):
                while True:
                    one, _ = listener.accept()
                    with one, contextlib.suppress(OSError):
                        serve(one)
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def curl(pki, port, *options, client=None):
    papers = ["--cert", f"{pki.dir}/{client}.pem", "--key", f"{pki.dir}/{client}.key"] if client else []
    return subprocess.run(
        ["curl", "-s", "--max-time", "5", "--cacert", f"{pki.dir}/ca.pem",
         "--connect-to", f"a.test:{port}:127.0.0.1:{port}", *papers, *options,
         f"https://a.test:{port}/"], capture_output=True, check=False)


def told(path, *options, status):
    done = run("doctor", *options, path)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def the_connection(path, *options, status):
    """What is said about the one connection in the capture."""
    connections = json.loads(told(path, "--json", *options, status=status))["connections"]
    assert len(connections) == 1, connections
    return connections[0]


def whats(connection):
    return [event["what"] for event in connection["events"]]


MUTUAL = ("-Verify", "1", "-verify_return_error")


def test_a_good_handshake_of_tls_1_2_is_read_whole(pki, tmp_path):
    with s_server(pki, "-tls1_2", *MUTUAL) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port, client="alice").returncode == 0
    one = the_connection(lo.path, "--ca", f"{pki.dir}/ca.pem", status=0)
    assert one["fate"] == "well" and "code" not in one
    for what in ("syn", "client-hello", "server-hello", "certificate-request", "certificate-verify"):
        assert what in whats(one)
    assert whats(one).count("certificate") == 2
    assert one["server_chain"]["accepted"] and one["client_chain"]["accepted"]
    assert one["record"]["tls"]["version"] == "TLSv1.2"
    text = told(lo.path, status=0)
    assert "the handshake went well (TLSv1.2" in text
    assert "both sides presented certificates" in text


def test_a_good_handshake_of_tls_1_3_shows_what_it_can(pki, tmp_path):
    with s_server(pki, "-tls1_3", *MUTUAL) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port, client="alice").returncode == 0
    one = the_connection(lo.path, status=0)
    assert one["fate"] == "well"
    assert "server-hello" in whats(one) and "encrypted" in whats(one)
    assert "certificate" not in whats(one)
    assert "by the sizes, the client sent a certificate" in told(lo.path, status=0)


def test_a_server_that_asks_for_no_certificate_on_any_interface_and_ipv6(pki, tmp_path):
    with s_server(pki, "-tls1_3", host="[::1]") as port, \
            wire(tmp_path, port, interface="any") as lo:
        subprocess.run(["curl", "-sk", "--max-time", "5", f"https://[::1]:{port}/"], check=True,
                       capture_output=True)
    one = the_connection(lo.path, status=0)
    assert one["server"] == f"[::1]:{port}"
    again = re.fullmatch(r"(\d+) packets of the \w+ came again",
                         one.get("notes", "0 packets of the server came again"))
    assert int(again[1]) <= 1, "what is seen twice counts once; a busy machine does send one again"
    assert "by the sizes, the client was not asked for a certificate" in told(lo.path, status=0)


def test_a_client_without_certificate_tls_1_2(pki, tmp_path):
    with s_server(pki, "-tls1_2", *MUTUAL) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port).returncode != 0
    one = the_connection(lo.path, status=1)
    assert one["code"] == "certificate-missing" and one["told_by"] == "client"
    text = told(lo.path, status=1)
    assert "Certificate with none in it" in text
    assert "Scenario Root" in text


def test_a_client_without_certificate_tls_1_3_by_the_sizes(pki, tmp_path):
    with s_server(pki, "-tls1_3", *MUTUAL) as port, wire(tmp_path, port) as lo:
        curl(pki, port)
    one = the_connection(lo.path, status=1)
    assert one["code"] == "certificate-missing" and one["told_by"] == "server"
    assert "with none in it by its size" in told(lo.path, status=1)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_client_that_does_not_know_the_ca(pki, tmp_path, version):
    with s_server(pki, version) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port, "--cacert", f"{pki.dir}/foreign-ca.pem").returncode != 0
    one = the_connection(lo.path, status=1)
    assert one["code"] == "peer-rejected-certificate" and one["told_by"] == "server"
    assert one["record"]["tls"]["alert_received"]["number"] == 48


def test_alerts_of_tls_1_3_that_are_encrypted(pki, tmp_path):
    with s_server(pki, "-tls1_3", *MUTUAL) as port, wire(tmp_path, port) as lo:
        subprocess.run(["gnutls-cli", "--x509cafile", f"{pki.dir}/foreign-ca.pem", "--sni-hostname",
                        "a.test", "-p", str(port), "127.0.0.1"], input=b"", capture_output=True,
                       timeout=10, check=False)
        curl(pki, port, client="stranger")
    by_client, by_server = json.loads(told(lo.path, "--json", status=1))["connections"]
    assert by_client["code"] == by_server["code"] == "peer-alert-encrypted"
    assert by_client["told_by"] == "server" and by_server["told_by"] == "client"


def test_a_server_that_does_not_know_the_clients_ca(pki, tmp_path):
    with s_server(pki, "-tls1_2", *MUTUAL) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port, client="stranger").returncode != 0
    one = the_connection(lo.path, status=1)
    assert one["code"] == "peer-rejected-certificate" and one["told_by"] == "client"
    one = the_connection(lo.path, "--ca", f"{pki.dir}/ca.pem", status=1)
    assert one["code"] == "issuer-unknown" and one["told_by"] == "server"
    assert one["server_chain"]["accepted"] and not one["client_chain"]["accepted"]


def test_an_expired_server_certificate_and_the_alert_about_it(pki, tmp_path):
    pki.ca.issue("a.test", san=["a.test"], eku=("server",),
                 not_before=now() - ONE_DAY / 2, not_after=now() - ONE_DAY / 12).save(
                     pki.dir, "captured-expired")
    with s_server(pki, "-tls1_2", certificate="captured-expired") as port, \
            wire(tmp_path, port) as lo:
        assert curl(pki, port).returncode != 0
    one = the_connection(lo.path, status=1)
    assert one["code"] == "certificate-expired" and one["told_by"] == "server"
    assert one["record"]["blame"] == "this configuration"
    assert "refused it: alert 45" in told(lo.path, status=1)
    one = the_connection(lo.path, "--ca", f"{pki.dir}/ca.pem", status=1)
    assert one["code"] == "certificate-expired" and one["told_by"] == "client"
    # by another clock the certificate is good, and then the client's alert is the cause
    earlier = str(int(time.time()) - 3 * 3600)
    one = the_connection(lo.path, "--ca", f"{pki.dir}/ca.pem", "--at", "@" + earlier, status=1)
    assert one["code"] == "peer-rejected-certificate" and one["server_chain"]["accepted"]


def test_no_version_in_common(pki, tmp_path):
    with s_server(pki, "-tls1_3") as port, wire(tmp_path, port) as lo:
        assert curl(pki, port, "--tls-max", "1.2").returncode != 0
    one = the_connection(lo.path, status=1)
    assert one["code"] == "no-shared-version" and one["told_by"] == "client"
    assert one["record"]["tls"]["own"]["versions"] == "TLSv1.2"


def test_http_where_tls_is_spoken(pki, tmp_path):
    with s_server(pki) as port, wire(tmp_path, port) as lo:
        subprocess.run(["curl", "-s", "--max-time", "5", f"http://127.0.0.1:{port}/"], check=False)
    one = the_connection(lo.path, status=1)
    assert one["code"] == "http-on-tls-port" and one["told_by"] == "server"
    assert "GET / HTTP/1.1" in told(lo.path, status=1)


def test_tls_where_http_is_spoken_and_http_as_it_should_be(pki, tmp_path, backend):
    with wire(tmp_path, backend.port) as lo:
        subprocess.run(["curl", "-sk", "--max-time", "2", f"https://127.0.0.1:{backend.port}/"],
                       check=False)
        subprocess.run(["curl", "-s", "--max-time", "5", f"http://127.0.0.1:{backend.port}/"],
                       check=True, capture_output=True)
    tls, http = json.loads(told(lo.path, "--json", status=1))["connections"]
    assert tls["fate"] == "failed" and tls["code"] in ("tls-on-http-port", "peer-closed")
    assert http["fate"] == "plain"


def test_a_server_that_resets(tmp_path):
    def reset(one):
        one.recv(1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with program(reset) as port, wire(tmp_path, port) as lo:
        subprocess.run(["curl", "-sk", "--max-time", "5", f"https://127.0.0.1:{port}/"], check=False)
    one = the_connection(lo.path, status=1)
    assert one["code"] == "peer-reset" and one["told_by"] == "client"
    assert whats(one)[-1] == "rst"


def test_nobody_listens(tmp_path):
    port = free_port()
    with wire(tmp_path, port) as lo:
        subprocess.run(["curl", "-sk", "--max-time", "5", f"https://127.0.0.1:{port}/"], check=False)
    assert the_connection(lo.path, status=1)["code"] == "connection-refused"


def test_silence(tmp_path):
    with program(lambda one: one.recv(100000) and one.recv(100000)) as port, \
            wire(tmp_path, port) as lo:
        client = subprocess.Popen(["curl", "-sk", "--max-time", "9", f"https://127.0.0.1:{port}/"])
        time.sleep(2.4)
        with socket.create_connection(("127.0.0.1", port)): # something later in the capture
            pass
        lo.end()
        client.kill()
        client.wait()
    one = json.loads(told(lo.path, "--json", status=1))["connections"][0]
    assert one["code"] == "handshake-timeout" and one["told_by"] == "client"


def test_a_proxy_header_in_front(pki, tmp_path):
    header = b"PROXY TCP4 192.0.2.7 192.0.2.8 4711 443\r\n"
    with s_server(pki) as port, wire(tmp_path, port) as lo:
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.sendall(header + bytes.fromhex("1603010005") + b"\1\0\0\1\0")
            with contextlib.suppress(OSError):
                while one.recv(4096):
                    pass
    one = the_connection(lo.path, status=1)
    assert one["code"] == "proxy-protocol-unexpected" and one["told_by"] == "server"
    assert "the client is 192.0.2.7:4711" in told(lo.path, status=1)


def test_a_snap_length_that_cuts_is_noticed(pki, tmp_path):
    with s_server(pki, "-tls1_2") as port, wire(tmp_path, port, "-s", "96") as lo:
        assert curl(pki, port).returncode == 0
    one = the_connection(lo.path, status=0)
    assert one["fate"] == "partial" and "snap length" in one["notes"]


def test_filters_and_files_that_are_no_captures(pki, tmp_path):
    with s_server(pki) as port, wire(tmp_path, port) as lo:
        assert curl(pki, port).returncode == 0
    assert len(json.loads(told(lo.path, "--json", "--port", str(port), status=0))["connections"]) == 1
    assert json.loads(told(lo.path, "--json", "--port", "1", status=0))["connections"] == []
    assert json.loads(told(lo.path, "--json", "--host", "192.0.2.1", status=0))["connections"] == []
    with open(lo.path, "rb") as whole:
        data = whole.read()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(data[:-7])
    assert "the file ends early" in told(str(cut), status=0)
    text = tmp_path / "text"
    text.write_text("no capture")
    done = run("doctor", str(text))
    assert done.returncode == 2 and "no capture" in done.stderr
    done = run("doctor", "--sni", "a.test", lo.path)
    assert done.returncode == 2 and "--sni does not go with a captured file" in done.stderr
