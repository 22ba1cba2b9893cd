"""countersign doctor: visits to servers of many makes, good and broken ones."""

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from backend import free_port
from gateway import PROGRAM, listens, run, server
from pki import ONE_DAY, now, write
from waiting import wait_for

pytestmark = pytest.mark.countersign


@contextlib.contextmanager
def process(port, *command):
    """A server of somebody else, while a story lasts."""
    one = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), f"{command[0]} to listen")
        yield one
    finally:
        one.terminate()  # so that it ends its own children
        try:
            one.wait(5)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


@contextlib.contextmanager
def nginx(pki, tls="TLSv1.2 TLSv1.3", certificate="server", verify="on", more=""):
    port = free_port()
    folder = pki.dir + f"/nginx-{port}"
    os.makedirs(folder)
    temp = "".join(f"{kind}_temp_path {folder}/{kind}; "
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(folder + "/nginx.conf", "w", encoding="utf-8") as out:
        out.write(f"""daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info; events {{ }}
            http {{ access_log off; {temp}
            server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pki.dir}/{certificate}.pem;
            ssl_certificate_key {pki.dir}/{certificate}.key;
            ssl_client_certificate {pki.dir}/ca.pem; ssl_verify_client {verify};
            ssl_protocols {tls}; {more} return 200 "fine"; }} }}""")
    with process(port, "nginx", "-p", folder, "-c", folder + "/nginx.conf"):
        yield port


@contextlib.contextmanager
def s_server(pki, *options, certificate="server"):
    port = free_port()
    with process(port, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet",
                 "-cert", f"{pki.dir}/{certificate}.pem",
                 "-cert_chain", f"{pki.dir}/{certificate}.pem",
                 "-key", f"{pki.dir}/{certificate}.key", *options):
        yield port


@contextlib.contextmanager
def gnutls_serv(pki, *options):
    port = free_port()
    with process(port, "gnutls-serv", "--http", "--quiet", "-p", str(port),
                 "--x509certfile", f"{pki.dir}/server.pem",
                 "--x509keyfile", f"{pki.dir}/server.key", *options):
        yield port


@contextlib.contextmanager
def haproxy(pki, bind="", verify="required"):
    port = free_port()
    folder = pki.dir + f"/haproxy-{port}"
    os.makedirs(folder)
    with open(folder + "/both.pem", "wb") as out:
        for name in ("server.pem", "server.key"):
            with open(f"{pki.dir}/{name}", "rb") as part:
                out.write(part.read())
    with open(folder + "/haproxy.cfg", "w", encoding="utf-8") as out:
        out.write(f"""
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend one
    bind 127.0.0.1:{port} ssl crt {folder}/both.pem ca-file {pki.dir}/ca.pem verify {verify} {bind}
    http-request return status 200
""")
    with process(port, "haproxy", "-db", "-f", folder + "/haproxy.cfg"):
        yield port


@contextlib.contextmanager
def stub(talk):
    """One connection, served by talk(socket)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                with sock:
                    talk(sock)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.close()
        thread.join(5)


class Visit:
    """What doctor --json says."""

    def __init__(self, done):
        self.status = done.returncode
        self.errors = done.stderr
        self.all = json.loads(done.stdout) if done.stdout else {}
        self.code = self.all.get("code")
        self.codes = [cause["code"] for cause in self.all.get("causes", ())]
        self.steps = {step["name"]: step for step in self.all.get("steps", ())}

    def ok(self, name):
        return self.steps[name]["ok"]

    def facts(self, name):
        return self.steps[name]["facts"]

    def summary(self, name):
        return self.steps[name]["summary"]


def doctor(pki, port, *options, ca="ca", who=None, host="localhost"):
    if who:
        options += ("--cert", f"{pki.dir}/{who}.pem", "--key", f"{pki.dir}/{who}.key")
    visit = Visit(run("doctor", "--json", "--timeout", "5", "--ca", f"{pki.dir}/{ca}.pem",
                      *options, f"{host}:{port}"))
    assert visit.status == (1 if visit.code else 0), visit.errors
    assert visit.all["ok"] == (visit.code is None)
    return visit


# what is well

def test_all_is_well_with_a_certificate_that_fits(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, who="alice")
    assert visit.code is None
    assert [step["name"] for step in visit.all["steps"]] == [
        "resolve", "connect", "hello", "server-certificate", "certificate-request",
        "client-certificate", "server-verdict", "request", "clock"]
    for name in ("connect", "hello", "server-certificate", "certificate-request",
                 "client-certificate", "server-verdict", "request"):
        assert visit.ok(name) is True, name
    assert visit.facts("hello")["version"] == "TLSv1.3"
    assert visit.facts("hello")["alpn"] == "http/1.1"
    assert visit.facts("certificate-request")["issuers"] == ["CN=Scenario Root,O=Scenario"]
    assert visit.facts("client-certificate")["sent"] is True
    assert visit.facts("request")["status"] == 200
    assert abs(visit.facts("clock")["ahead_of_server_ms"]) < 5000
    assert visit.all["record"]["tls"]["complete"] is True


def test_a_server_that_asks_for_nothing_gets_nothing(pki):
    with nginx(pki, verify="off") as port:
        visit = doctor(pki, port, who="alice")
    assert visit.code is None
    assert visit.ok("certificate-request") is None
    assert visit.facts("client-certificate")["sent"] is False


def test_a_server_that_is_not_for_http_is_no_failure(pki):
    with s_server(pki) as port:
        visit = doctor(pki, port, "--timeout", "1")
    assert visit.code is None
    assert visit.ok("request") is None


def test_an_address_is_visited_without_a_name(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, who="alice", host="127.0.0.1")
    assert visit.code is None
    assert visit.facts("hello")["sni"] == "none"


# whose certificate is refused, and how

SERVERS = {
    "nginx": lambda pki, tls: nginx(pki, tls),
    "openssl": lambda pki, tls: s_server(pki, "-www", "-Verify", "3", "-verify_return_error",
                                         "-CAfile", f"{pki.dir}/ca.pem",
                                         "-tls1_3" if tls == "TLSv1.3" else "-tls1_2"),
    "gnutls": lambda pki, tls: gnutls_serv(
        pki, "--require-client-cert", "--verify-client-cert", "--x509cafile",
        f"{pki.dir}/ca.pem", "--priority", "NORMAL:-VERS-ALL:+VERS-" + tls.replace("v", "")),
    "haproxy": lambda pki, tls: haproxy(pki, f"ssl-min-ver {tls} ssl-max-ver {tls}"),
}


@pytest.fixture(params=[(make, tls) for make in SERVERS for tls in ("TLSv1.2", "TLSv1.3")],
                ids=lambda param: "-".join(param))
def strict(request, pki):
    make, tls = request.param
    with SERVERS[make](pki, tls) as port:
        yield port, tls


def test_no_certificate_is_missed(pki, strict):
    port, tls = strict
    visit = doctor(pki, port)
    assert visit.code == "certificate-missing"
    assert visit.ok("certificate-request") is True
    assert visit.ok("server-certificate") is True
    assert visit.facts("hello")["version"] == tls
    assert "Scenario Root" in visit.all["detail"]


def test_a_strangers_certificate_is_refused(pki, strict):
    port, _ = strict
    visit = doctor(pki, port, who="stranger")
    assert visit.code == "peer-rejected-certificate"
    assert visit.ok("client-certificate") is False
    assert visit.facts("client-certificate")["issuer_fits"] is False
    assert "Foreign Root" in visit.all["detail"]


def test_the_right_certificate_is_accepted(pki, strict):
    port, _ = strict
    assert doctor(pki, port, who="alice").code is None


# the server's certificate

def test_a_server_of_an_unknown_ca_is_found_out_and_looked_at_all_the_same(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, ca="foreign-ca", who="alice")
    assert visit.code == "issuer-unknown"
    assert visit.ok("server-certificate") is False
    assert visit.ok("client-certificate") is True
    assert visit.facts("request")["status"] == 200


def test_both_sides_refusals_are_told(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, ca="foreign-ca", who="stranger")
    assert visit.codes == ["issuer-unknown", "peer-rejected-certificate"]


def test_a_name_that_the_certificate_has_not(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, "--sni", "other.test", who="alice")
    assert visit.code == "name-mismatch"
    assert visit.facts("hello")["sni"] == "other.test"


def test_an_expired_server(pki):
    pki.ca.issue("old", san=["localhost"], eku=("server",), not_before=now() - 30 * ONE_DAY,
                 not_after=now() - 3 * ONE_DAY).save(pki.dir, "server-old")
    with nginx(pki, certificate="server-old") as port:
        visit = doctor(pki, port, who="alice")
    assert visit.code == "certificate-expired"
    assert visit.facts("request")["status"] == 200


def test_certificates_are_judged_at_another_time(pki):
    with nginx(pki) as port:
        visit = doctor(pki, port, "--at", "+200d", who="alice")
    assert visit.code == "certificate-expired"


def test_a_missing_intermediate(pki):
    identity = pki.issuing.issue("deep", san=["localhost"], eku=("server",))
    identity.chain = []
    identity.save(pki.dir, "server-alone")
    with nginx(pki, certificate="server-alone") as port:
        assert doctor(pki, port).code in ("intermediate-missing", "issuer-unknown")


# what is no TLS, or nothing at all

def test_a_port_where_nobody_listens(pki):
    visit = doctor(pki, free_port())
    assert visit.code == "connection-refused"
    assert visit.ok("connect") is False
    assert "hello" not in visit.steps


def test_a_name_without_an_address(pki):
    visit = doctor(pki, 443, host="nowhere.invalid")
    assert visit.code == "dns-failure"
    assert visit.ok("resolve") is False


def test_a_port_for_plain_http(pki):
    def talk(sock):
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    with stub(talk) as port:
        visit = doctor(pki, port)
    assert visit.code == "http-on-tls-port"
    assert visit.ok("hello") is False


def test_a_server_that_says_nothing(pki):
    with stub(lambda sock: sock.recv(65536) and sock.recv(1)) as port:
        visit = doctor(pki, port, "--timeout", "1")
    assert visit.code == "handshake-timeout"


def test_a_server_that_hangs_up(pki):
    with stub(lambda sock: sock.recv(65536)) as port:
        assert doctor(pki, port).code == "peer-closed"


def test_what_a_hostile_server_writes_is_made_harmless(pki):
    def talk(sock):
        sock.recv(4096)
        sock.sendall(b"\x1b[2J\x1b]0;owned\x07 hello\r\n")
    with stub(talk) as port:
        done = run("doctor", "--ca", f"{pki.dir}/ca.pem", f"localhost:{port}")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\\x1B[2J" in done.stdout or "\\x1b[2J" in done.stdout


# a gateway of our own says why

def test_our_own_gateway_says_why_and_under_which_incident(pki, start):
    port = start(server("location / { return 200; }")).port["tls"]
    missing = doctor(pki, port)
    assert missing.code == "certificate-missing"
    visit = doctor(pki, port, who="expired")
    assert visit.code == "certificate-expired" and visit.all["blame"] == "this configuration"
    incident = visit.facts("request")["incident"]
    assert incident in visit.all["detail"]
    assert visit.facts("request")["code"] == "certificate-expired"
    visit = doctor(pki, port, who="imposter")
    assert visit.code == "peer-rejected-certificate"
    assert visit.all["likely"] == "issuer-key-mismatch"
    assert visit.facts("request")["incident"] in visit.all["hint"]
    assert visit.all["record"]["incident"] == visit.facts("request")["incident"]
    assert doctor(pki, port, who="alice").code is None


def test_a_gateway_behind_a_balancer_wants_a_proxy_header(pki, start):
    text = server("location / { return 200 $proxy_protocol_addr; }")
    port = start(text.replace(" ssl;", " ssl proxy_protocol;")).port["tls"]
    assert doctor(pki, port, "--proxy-protocol", who="alice").code is None
    without = doctor(pki, port, "--compare", who="alice")
    assert without.code in ("peer-closed", "peer-reset")
    helps = [a["change"] for a in without.all["compare"] if a["helps"]]
    assert helps == ["with the PROXY header the other way"]


# TLS inside another protocol

def mail_server(pki, *lines):
    """The plain part by hand, then Python's TLS."""
    def talk(sock):
        sock.sendall(b"220-mail.test\r\n220 ready\r\n")
        for line in lines:
            sock.recv(4096)
            sock.sendall(line)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{pki.dir}/server.pem", f"{pki.dir}/server.key")
        with contextlib.suppress(ssl.SSLError):
            with context.wrap_socket(sock, server_side=True) as tls:
                tls.recv(1)
    return stub(talk)


def test_smtp_goes_over_to_tls(pki):
    with mail_server(pki, b"250-mail.test\r\n250 STARTTLS\r\n", b"220 go\r\n") as port:
        visit = doctor(pki, port, "--starttls", "smtp")
    assert visit.code is None
    assert visit.ok("before-tls") is True
    assert visit.facts("hello")["version"] == "TLSv1.3"
    assert visit.ok("server-certificate") is True
    assert visit.ok("request") is None


def test_smtp_without_tls(pki):
    with mail_server(pki, b"250 mail.test\r\n", b"502 not implemented\r\n") as port:
        visit = doctor(pki, port, "--starttls", "smtp")
    assert visit.code == "starttls-refused"
    assert "502 not implemented" in visit.all["detail"]
    assert visit.ok("before-tls") is False


def test_the_wrong_protocol_is_noticed(pki):
    with mail_server(pki, b"", b"") as port:
        visit = doctor(pki, port, "--starttls", "imap")
    assert visit.code == "starttls-refused"
    assert "220-mail.test" in visit.all["detail"]


# what would help

def test_a_chain_that_is_not_sent_whole(pki):
    deep = pki.issuing.issue("deep", "Example Ltd")
    deep.chain = []
    deep.save(pki.dir, "deep-alone")
    both = pki.ca.pem + pki.issuing.pem
    with open(f"{pki.dir}/both.pem", "wb") as out:
        out.write(both)
    with s_server(pki, "-www", "-Verify", "3", "-verify_return_error", "-CAfile",
                  f"{pki.dir}/ca.pem") as port:
        visit = doctor(pki, port, "--compare", ca="both", who="deep-alone")
    assert visit.code == "peer-rejected-certificate"
    helps = [a["change"] for a in visit.all["compare"] if a["helps"]]
    assert helps == ["with the chain of the client certificate completed"]
    assert visit.all["stable"] is True


# clocks

@contextlib.contextmanager
def time_server(ahead_s):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    request, peer = sock.recvfrom(256)
                    if len(request) < 48:
                        return
                    at = time.time() + ahead_s + 2208988800
                    stamp = struct.pack("!II", int(at), int(at % 1 * 2**32))
                    sock.sendto(bytes([0x24, 2, 0, 0xec]) + bytes(8) + b"TEST" + stamp
                                + request[40:48] + stamp + stamp, peer)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = sock.getsockname()[1]
        yield f"127.0.0.1:{port}"
        sock.sendto(b"", ("127.0.0.1", port))
        thread.join(5)


def test_a_time_server_is_a_witness(pki):
    with nginx(pki) as port, time_server(0) as source:
        visit = doctor(pki, port, "--time-source", source, who="alice")
    assert visit.code is None
    assert abs(visit.facts("clock")["ahead_of_source_ms"]) < 2000


def test_an_expired_certificate_may_be_a_wrong_clock(pki):
    pki.ca.issue("late", san=["localhost"], eku=("server",), not_before=now() - 3 * ONE_DAY,
                 not_after=now() - ONE_DAY).save(pki.dir, "server-late")
    with nginx(pki, certificate="server-late") as port, time_server(-2 * 86400) as source:
        visit = doctor(pki, port, "--time-source", source, who="alice")
    assert visit.code == "clock-skew"
    assert visit.ok("clock") is False


# the mirror

@contextlib.contextmanager
def mirror(pki, *options, certificate="server", client_ca="ca"):
    """doctor --listen --once; what it says is in the list when the story goes on."""
    said = []
    command = [PROGRAM, "doctor", "--listen", "127.0.0.1:0", "--once", "--json", "--timeout", "5",
               "--cert", f"{pki.dir}/{certificate}.pem", "--key", f"{pki.dir}/{certificate}.key",
               *options]
    if client_ca:
        command += ["--client-ca", f"{pki.dir}/{client_ca}.pem"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as one:
        try:
            port = int(re.search(r":(\d+)$", one.stderr.readline().strip()).group(1))
            yield port, said
            out, _ = one.communicate(timeout=20)
        finally:
            one.kill()
    visit = Visit(subprocess.CompletedProcess(command, one.returncode, out, ""))
    assert visit.status == (1 if visit.code else 0)
    said.append(visit)


def curl(pki, port, *options, ca="ca"):
    return subprocess.run(["curl", "-sS", "--cacert", f"{pki.dir}/{ca}.pem", *options,
                           f"https://localhost:{port}/path"], capture_output=True, text=True,
                          check=False, timeout=20)


def with_certificate(pki, who):
    return ("--cert", f"{pki.dir}/{who}.pem", "--key", f"{pki.dir}/{who}.key")


def test_a_good_client_is_told_so(pki):
    with mirror(pki) as (port, said):
        done = curl(pki, port, *with_certificate(pki, "alice"), "-f")
    assert done.returncode == 0 and "nothing failed" in done.stdout
    visit = said[0]
    assert visit.all["side"] == "server"
    assert visit.ok("client-certificate") is True
    assert visit.facts("request")["line"] == "GET /path HTTP/1.1"
    assert visit.facts("hello")["sni"] == "localhost"
    assert "X25519" in visit.facts("hello")["offered_groups"]
    assert [step["name"] for step in visit.all["steps"]] == [
        "connect", "hello", "server-certificate", "client-certificate", "handshake", "request",
        "clock"]


@pytest.mark.parametrize("who, code", [
    (None, "certificate-missing"),
    ("stranger", "issuer-unknown"),
    ("expired", "certificate-expired"),
    ("future", "certificate-not-yet-valid"),
    ("server-only", "purpose-mismatch"),
    ("self-signed", "self-signed"),
    ("imposter", "issuer-key-mismatch"),
])
def test_a_client_is_told_what_is_wrong_with_its_certificate(pki, who, code):
    with mirror(pki) as (port, said):
        done = curl(pki, port, *(with_certificate(pki, who) if who else ()), "-w", "%{http_code}")
    assert said[0].code == code
    assert f"code: {code}" in done.stdout and done.stdout.endswith("400")


def test_clients_that_do_not_trust_the_server(pki):
    with mirror(pki) as (port, said):
        curl(pki, port, ca="foreign-ca")
    assert said[0].code == "peer-rejected-certificate"
    with mirror(pki) as (port, said):
        subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile",
                        f"{pki.dir}/foreign-ca.pem", "-verify_return_error"],
                       stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    assert said[0].code == "peer-rejected-certificate"
    with mirror(pki) as (port, said):
        subprocess.run(["gnutls-cli", "--x509cafile", f"{pki.dir}/foreign-ca.pem", "-p", str(port),
                        "localhost"], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                       timeout=20)
    assert said[0].code == "peer-rejected-certificate"


def test_clients_of_another_age_or_protocol(pki):
    with mirror(pki) as (port, said):
        subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-tls1", "-cipher",
                        "DEFAULT@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True,
                       check=False, timeout=20)
    assert said[0].code == "no-shared-version"
    with mirror(pki) as (port, said):
        subprocess.run(["curl", "-s", f"http://localhost:{port}/"], capture_output=True,
                       check=False, timeout=20)
    assert said[0].code == "http-on-tls-port"
    with mirror(pki) as (port, said):
        with socket.create_connection(("127.0.0.1", port)):
            pass
    assert said[0].code == "peer-closed"
    with mirror(pki, "--timeout", "1") as (port, said):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.recv(1)
    assert said[0].code == "handshake-timeout"


def test_a_name_that_our_certificate_has_not_is_seen(pki):
    with mirror(pki) as (port, said):
        subprocess.run(["curl", "-s", "--cacert", f"{pki.dir}/ca.pem", "--connect-to",
                        f"::localhost:{port}", "https://other.test/"], capture_output=True,
                       check=False, timeout=20)
    assert said[0].ok("server-certificate") is False
    assert "is not for other.test" in said[0].facts("server-certificate")["name"]


def test_a_client_that_takes_its_leave_over_the_name(pki):
    with mirror(pki) as (port, said):
        subprocess.run(["curl", "-s", "--cacert", f"{pki.dir}/ca.pem", "--connect-to",
                        f"::localhost:{port}", *with_certificate(pki, "alice"),
                        "https://other.test/"], capture_output=True, check=False, timeout=20)
    assert said[0].code == "peer-closed"
    assert 'not for "other.test"' in said[0].all["detail"]


def test_a_client_that_takes_its_leave_from_a_good_certificate(pki):
    with mirror(pki) as (port, said):
        subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-servername",
                        "localhost", "-cert", f"{pki.dir}/alice.pem", "-key",
                        f"{pki.dir}/alice.key"], stdin=subprocess.DEVNULL, capture_output=True,
                       check=False, timeout=20)
    assert said[0].code is None
    assert "took its leave" in said[0].summary("request")


def test_without_client_cas_any_certificate_is_looked_at(pki):
    with mirror(pki, client_ca=None) as (port, said):
        curl(pki, port, *with_certificate(pki, "stranger"))
    assert said[0].code is None
    assert said[0].ok("client-certificate") is None
    assert "CN=stranger" in said[0].facts("client-certificate")["certificates"][0]


# inspect of a server

def test_inspect_shows_what_a_server_presents(pki):
    with s_server(pki) as port:
        done = run("inspect", "--json", f"localhost:{port}")
    assert json.loads(done.stdout)["items"][0]["subject"] == "CN=a.test"
    none = run("inspect", f"localhost:{free_port()}")
    assert none.returncode == 2 and "nothing listens" in none.stderr
    none = run("inspect", "--json", f"localhost:{free_port()}")
    assert none.returncode == 2 and json.loads(none.stdout)["code"] == "connection-refused"


# the terminal

def test_marks_are_ascii_where_the_terminal_has_nothing_else(pki):
    args = ("doctor", "--ca", f"{pki.dir}/ca.pem", f"localhost:{free_port()}")
    plain = run(*args, env={"LC_ALL": "C"}).stdout
    fine = run(*args, env={"LC_ALL": "C.UTF-8"}).stdout
    assert plain.isascii() and "FAIL connect" in plain
    assert "✗ connect" in fine
    assert "\x1b" not in fine


# what cannot be tried

@pytest.mark.parametrize("arguments, words", [
    ((), "HOST:PORT"),
    (("localhost:0",), "HOST:PORT"),
    (("localhost:70000",), "HOST:PORT"),
    (("./capture.pcap",), "HOST:PORT"),
    (("--key", "x", "localhost:1"), "--cert"),
    (("--timeout", "0", "localhost:1"), "--timeout"),
    (("--starttls", "gopher", "localhost:1"), "smtp"),
    (("--time-source", "/", "localhost:1"), "--time-source"),
    (("--once", "localhost:1"), "--once goes with --listen"),
    (("--listen", "127.0.0.1:0", "--sni", "x"), "--sni goes not with --listen"),
    (("--listen", "127.0.0.1:0"), "--cert"),
    (("--listen", "nowhere"), "ADDR:PORT"),
    (("--listen", "127.0.0.1:0", "localhost:1"), "--listen"),
    (("--alpn", "h2,,h3", "localhost:1"), "--alpn"),
    (("--at", "yesterday", "localhost:1"), "--at"),
    (("--cert", "/nowhere.pem", "localhost:1"), "/nowhere.pem"),
    (("--ca", "/nowhere.pem", "localhost:1"), "/nowhere.pem"),
])
def test_what_cannot_be_tried_is_said(arguments, words):
    done = run("doctor", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""


def test_a_key_that_does_not_belong_to_the_certificate(pki):
    done = run("doctor", "--ca", f"{pki.dir}/ca.pem", "--cert", f"{pki.dir}/alice.pem", "--key",
               f"{pki.dir}/bob.key", f"localhost:{free_port()}")
    assert done.returncode == 2
    assert "key" in done.stderr


def test_programs_are_told_too_what_cannot_be_tried(pki):
    ca = ("--ca", f"{pki.dir}/ca.pem")
    alice = ("--cert", f"{pki.dir}/alice.pem")
    for code, arguments in (
            ("file-unreadable", ("--ca", "/nowhere.pem", "localhost:1")),
            ("file-unreadable", (*ca, "--crl", "/nowhere.pem", "localhost:1")),
            ("file-unreadable", (*ca, "--cert", "/nowhere.pem", "localhost:1")),
            ("file-unreadable", ("/etc/hostname",)),
            ("crl-unreadable", (*ca, "--crl", f"{pki.dir}/alice.pem", "localhost:1")),
            ("key-mismatch", (*ca, *alice, "--key", f"{pki.dir}/bob.key", "localhost:1")),
            ("listen-failed", (*alice, "--key", f"{pki.dir}/alice.key", "--listen",
                               "192.0.2.77:443"))):
        done = run("doctor", "--json", *arguments)
        said = json.loads(done.stdout)
        assert done.returncode == 2 and done.stderr, arguments
        assert said["ok"] is False and said["tried"] is False
        assert said["code"] == code and said["causes"][0]["code"] == code
        assert said["conclusion"] and said["hint"]
    assert run("doctor", "--json", "--timeout", "0", "localhost:1").stdout == ""


# revocation

def test_a_server_is_held_against_revocation_lists(pki):
    server = pki.ca.issue("localhost", san=["localhost"], eku=("server",)).save(pki.dir, "withdrawn")
    write(f"{pki.dir}/crl-withdrawn.pem", pki.ca.crl([server]))
    with s_server(pki, certificate="withdrawn") as port:
        ignored = doctor(pki, port)
        good = doctor(pki, port, "--crl", pki.empty_crl)
        revoked = doctor(pki, port, "--crl", f"{pki.dir}/crl-withdrawn.pem")
        stale = doctor(pki, port, "--crl", pki.stale_crl)
    assert ignored.code is None and good.code is None
    assert "not looked at" in ignored.facts("server-certificate")["revocation"]
    assert "crl-nobody.pem, which have 0 serial" in good.facts("server-certificate")["revocation"]
    assert revoked.code == "revoked" and revoked.ok("server-certificate") is False
    assert stale.code == "crl-expired"


def test_lists_need_cas_to_go_with(pki):
    alice = ("--cert", f"{pki.dir}/alice.pem", "--key", f"{pki.dir}/alice.key")
    done = run("doctor", "--crl", "x", "--listen", "127.0.0.1:0", *alice)
    assert done.returncode == 2 and "--client-ca" in done.stderr


# what was said can be explained again

def test_a_report_can_be_explained(pki):
    said = run("doctor", "--json", "--ca", f"{pki.dir}/ca.pem", f"localhost:{free_port()}").stdout
    again = run("explain", input_text=said)
    assert again.returncode == 1
    assert "error: nothing listens at localhost" in again.stdout
    assert "hint: start the server" in again.stdout and "code: connection-refused" in again.stdout
    with s_server(pki) as port:
        said = run("doctor", "--json", "--ca", f"{pki.dir}/ca.pem", f"localhost:{port}").stdout
    again = run("explain", input_text=said)
    assert again.returncode == 0
    assert again.stdout.count("nothing failed") == 1 and "TLSv1.3" in again.stdout
