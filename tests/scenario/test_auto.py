"""A CA, a gateway and clients that look after themselves: nobody makes a certificate by hand, and
revoked means disconnected."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509

import wire
from backend import free_port
from gateway import BINARY, IS_ROOT, SANITIZED, run, server
from load import Load, OneRequest
from peers import Server
from pki import write
from waiting import wait_for

pytestmark = pytest.mark.countersign

BODY = """
    mtls_failure_log @dir@/failures.json format=json;
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test b.test;
        ssl_certificate auto;
        ssl_client_certificate @ca@/root.pem;
        ssl_verify_client on;
        ssl_verify_depth 2;
        location / {
            proxy_pass http://@backend@;
            proxy_set_header X-Client-ID $ssl_client_spiffe_id;
        }
    }"""
MAIN = """
mtls_state @dir@/state;
authority {
    listen 127.0.0.1:@authority@ ssl;
    store @ca@;
    user root;
    profile server { ttl @life@; renew_between 5% 10%; }
}"""
NAME = "spiffe://example.internal/"


class Ca:
    """What `countersign ca` made."""

    def __init__(self, folder):
        self.dir = str(folder / "ca")
        self.folder = folder
        self.ok("init", "--name", "Example")
        self.root = os.path.join(self.dir, "root.pem")

    def ok(self, command, *arguments):
        done = run("ca", command, "--dir", self.dir, *map(str, arguments))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, command, *arguments):
        return json.loads(self.ok(command, "--json", *arguments))

    @property
    def fingerprint(self):
        done = subprocess.run(["openssl", "x509", "-in", self.root, "-noout", "-sha256",
                               "-fingerprint"], capture_output=True, text=True, check=True)
        return done.stdout.partition("=")[2].strip()

    def token(self, *names, profile="spiffe"):
        made = self.json("token", *names, "--profile", profile)
        return made["token"]


class Member:
    """A client that has enrolled: what wire.py wants of an identity."""

    def __init__(self, ca, port, name, folder):
        self.dir = str(folder / name)
        self.name = NAME + name
        done = run("enrol", "--ca", f"https://127.0.0.1:{port}", "--fingerprint", ca.fingerprint,
                   "--token", ca.token(self.name), "--identity", self.name, "--out", self.dir,
                   timeout_s=60)
        assert done.returncode == 0, done.stdout + done.stderr
        self.certfile = os.path.join(self.dir, "cert.pem")
        self.keyfile = os.path.join(self.dir, "key.pem")

    @property
    def cert(self):
        with open(self.certfile, "rb") as file:
            return x509.load_pem_x509_certificate(file.read())

    @property
    def serial(self):
        return f"{self.cert.serial_number:032X}"


@pytest.fixture
def ca(tmp_path):
    os.chmod(tmp_path, 0o755)
    return Ca(tmp_path)


def begin(start, ca, backend, life="1d", **words):
    return start(BODY, main=MAIN, ca=ca.dir, backend=backend, life=life, **words)


def presented(gw, ca, sni="a.test"):
    """The serial of the certificate that the gateway presents; None: no handshake succeeds."""
    ctx = ssl.create_default_context(cafile=ca.root)
    try:
        with socket.create_connection(("127.0.0.1", gw.port["tls"]), timeout=10) as raw, \
                ctx.wrap_socket(raw, server_hostname=sni) as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(True)).serial_number
    except (ssl.SSLError, ConnectionError):
        return None


def ready(gw, ca):
    return wait_for(lambda: presented(gw, ca), "a certificate of the gateway's own", timeout_s=20)


def refused(gw, who):
    """Whether the gateway refuses it; not yet, too, when the news cuts the very connection."""
    try:
        return wire.get(gw.port["tls"], who).status == 400
    except wire.Closed:
        return False


def test_the_gateway_gets_its_certificate_and_keeps_it_over_a_restart(start, ca, backend):
    gw = begin(start, ca, backend)
    serial = ready(gw, ca)
    assert presented(gw, ca, "b.test") == serial
    folder = os.path.join(gw.dir, "state", "steward")
    papers = [os.path.join(folder, name) for name in os.listdir(folder)
              if name.startswith("a.test-") and not name.endswith(".token")]
    assert len(papers) == 1
    assert oct(os.stat(papers[0]).st_mode)[-3:] == "700"
    issued = len(ca.json("list", "--identity", "a.test")["certificates"])
    gw.stop()
    gw.ended = False
    gw.start()
    assert ready(gw, ca) == serial
    assert len(ca.json("list", "--identity", "a.test")["certificates"]) == issued


def test_it_is_renewed_without_anybody_noticing(start, ca, backend):
    gw = begin(start, ca, backend, life="60s")
    first = ready(gw, ca)
    member = Member(ca, gw.port["authority"], "steady", ca.folder)
    with wire.tls(gw.port["tls"], ctx=wire.context(member), sni="a.test") as client:
        wait_for(lambda: presented(gw, ca) not in (None, first), "another certificate",
                 timeout_s=30)
        assert client.request("GET", "/").status == 200
    for _ in range(20):
        assert presented(gw, ca) is not None
        time.sleep(0.2)


def test_a_client_that_enrolled_gets_through_with_curl(start, ca, backend):
    gw = begin(start, ca, backend)
    ready(gw, ca)
    member = Member(ca, gw.port["authority"], "billing", ca.folder)
    where = f"a.test:{gw.port['tls']}"
    done = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", ca.root, "--cert",
         member.certfile, "--key", member.keyfile, "--resolve", where + ":127.0.0.1",
         f"https://{where}/"], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr
    assert backend.requests[-1].all("X-Client-ID") == [member.name]


def control(gw, **request):
    """One request over the control socket, and its answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(gw.path("gateway.control"))
        sock.sendall(json.dumps(request).encode() + b"\n")
        with sock.makefile() as lines:
            return json.loads(lines.readline())


def command(gw, *arguments):
    return run(arguments[0], "-c", gw.conf, *arguments[1:])


def test_it_is_renewed_at_a_word(start, ca, backend):
    gw = begin(start, ca, backend)
    first = ready(gw, ca)
    done = command(gw, "renew", "b.test")
    assert (done.returncode, done.stdout) == (0, "asking for dns:a.test now\n"), done.stderr
    second = wait_for(lambda: presented(gw, ca) not in (None, first) and presented(gw, ca),
                      "another certificate", 20)
    done = command(gw, "renew", "--json")
    assert json.loads(done.stdout)["asked"] == ["dns:a.test"]
    wait_for(lambda: presented(gw, ca) not in (None, first, second), "a third", 20)
    done = command(gw, "renew", "c.test")
    assert done.returncode == 1 and "no certificate for that name" in done.stderr
    errand, = control(gw, do="status")["errands"]
    assert errand["names"] == ["dns:a.test", "dns:b.test"]
    assert (errand["state"], errand["authority"]) == ("held", "built in")


def test_nothing_is_renewed_where_nothing_is_asked_for(start):
    gw = start(server("return 200 ok;"))
    done = command(gw, "renew")
    assert done.returncode == 1 and "ssl_certificate auto" in done.stderr
    assert control(gw, do="renew", name=1)["error"] == "name is to be a text"


REMOTE = """
    mtls_failure_log @dir@/failures.json format=json;
    mtls_authority https://127.0.0.1:@authority@ fingerprint=@fingerprint@
                   token_file=@dir@/token;
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate auto;
        return 200 ok;
    }"""


def test_a_certificate_that_is_awaited_is_the_cause(start, ca):
    """The authority cannot be reached: that, since when, and what it says, is what a refused
    handshake is put down to, in workers that were there and in one that comes later."""
    gw = start(REMOTE, main="mtls_state @dir@/state;", fingerprint=ca.fingerprint, level="info",
               prepare=lambda folder: write(os.path.join(folder, "token"), b"cst_" + b"x" * 43))
    wait_for(lambda: "error" in control(gw, do="status")["errands"][0], "the first failure")

    def refusal():
        before = len(gw.read("failures.json").splitlines())
        assert presented(gw, ca) is None
        return json.loads(wait_for(lambda: gw.read("failures.json").splitlines()[before:],
                                   "a record")[0])

    told = refusal()
    assert (told["code"], told["blame"]) == ("certificate-awaited", "this configuration")
    assert re.search(r"failed since 20\d\d-.*Z, the last time because .*authority-unreachable",
                     told["detail"])
    assert "countersign renew" in told["hint"]
    done = command(gw, "status")
    assert done.returncode == 1
    assert re.search(r"dns:a\.test: awaited\n.*\n.*failed since .*\n.*authority-unreachable",
                     done.stdout)
    gw.forgiven = "exited on signal 9"
    seen = len(gw.log())
    os.kill(int(gw.wait_log(r"start worker process (\d+)").group(1)), 9)
    gw.wait_log(r"start worker process (\d+)", start=seen)
    assert "failed since" in refusal()["detail"]

    begun = subprocess.Popen(
        [BINARY, "ca", "serve", "--dir", ca.dir, "--listen", f"127.0.0.1:{gw.port['authority']}",
         *(["--user", "root"] if IS_ROOT else [])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        write(os.path.join(gw.dir, "token"), ca.token("dns:a.test", profile="server").encode())
        wait_for(lambda: control(gw, do="renew")["ok"] and presented(gw, ca), "a certificate", 30)
        wait_for(lambda: control(gw, do="status")["errands"][0]["state"] == "held", "the good news")
    finally:
        begun.terminate()
        begun.wait(20)


# ---- towards upstreams ----

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    {temp}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {papers}/cert.pem;
        ssl_certificate_key {papers}/key.pem;
        ssl_client_certificate {root};
        ssl_verify_client on;
        ssl_verify_depth 2;
        return 200 "$ssl_client_serial $connection $ssl_client_s_dn";
    }}
}}"""
TOWARDS = """
    mtls_failure_log @dir@/failures.json format=json;
    @authorities@
    upstream pool { server 127.0.0.1:@nginx@; keepalive 4; }
    server {
        listen 127.0.0.1:@http@;
        server_name gateway.test;
        @identity@
        proxy_ssl_certificate auto;
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 2;
        proxy_ssl_name upstream.test;
        proxy_ssl_trusted_certificate @ca@/root.pem;
        location / { proxy_pass https://pool; }
    }"""


@pytest.fixture
def demanding(ca):
    """The port of an nginx that lets nobody in without a certificate of this CA."""
    if not shutil.which("nginx"):
        pytest.skip("there is no nginx")
    folder = str(ca.folder / "nginx")
    ca.ok("issue", "upstream.test", "--out", folder + "/papers")
    temp = "".join(f"{kind}_temp_path {folder}/{kind};"
                   for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    port = free_port()
    write(folder + "/nginx.conf", NGINX.format(folder=folder, temp=temp, port=port, root=ca.root,
                                               papers=folder + "/papers").encode())
    server = Server(["nginx", "-p", folder, "-c", "nginx.conf", "-e", folder + "/error.log"], port)
    yield port
    server.stop()


def asked(gw):
    """What the upstream saw: serial and connection, or the status of a refusal."""
    with wire.connect(gw.port["http"]) as client:
        answer = client.request("GET", "/")
        return answer.text.split() if answer.status == 200 else answer.status


@pytest.mark.parametrize("identity, profile", [("", "client"),
                                               (f"mtls_identity {NAME}gateway;", "spiffe")])
def test_upstreams_are_shown_a_certificate_of_the_authority(start, ca, demanding, identity,
                                                            profile):
    gw = start(TOWARDS, main=MAIN, ca=ca.dir, life="1d", nginx=demanding, authorities="",
               identity=identity)
    first = wait_for(lambda: asked(gw) != 502 and asked(gw), "a certificate to show", 20)
    assert asked(gw)[:2] == first[:2], "the connection is kept"
    issued, = [one for one in ca.json("list")["certificates"] if one["serial"] == first[0]]
    assert issued["profile"] == profile
    assert control(gw, do="renew")["ok"]
    second = wait_for(lambda: asked(gw)[0] != first[0] and asked(gw), "another certificate", 20)
    assert second[1] != first[1], "a connection of its own"
    assert "reconfiguring" not in gw.log()
    papers = [p for p in control(gw, do="status")["papers"] if p["kind"] == "client"]
    assert papers[0]["serial"] == second[0]


def test_no_upstream_is_asked_while_the_certificate_for_it_is_awaited(start, ca, demanding):
    gw = start(TOWARDS, main="mtls_state @dir@/state;", ca=ca.dir, nginx=demanding, identity="",
               authorities="mtls_authority https://127.0.0.1:@nobody@ "
                           f"fingerprint={ca.fingerprint} token_file=@dir@/token;",
               prepare=lambda folder: write(os.path.join(folder, "token"), b"cst_" + b"x" * 43))
    wait_for(lambda: "error" in control(gw, do="status")["errands"][0], "the first failure")
    assert asked(gw) == 502
    told = json.loads(gw.read("failures.json").splitlines()[0])
    assert (told["code"], told["side"]) == ("certificate-awaited", "client")
    assert "authority-unreachable" in told["detail"]


def rotations_under_load(start, ca, count):
    """64 clients, who verify what they are shown: most keep their connections, some take a new one
    for each request. Each certificate is of the authority."""
    gw = start(BODY.replace("proxy_pass http://@backend@;", "return 200 ok;"), main=MAIN, ca=ca.dir,
               life="1d", workers=2)
    ready(gw, ca)
    member = Member(ca, gw.port["authority"], "member", ca.folder)
    ctx = wire.context(member)
    ctx.load_verify_locations(ca.root)
    ctx.verify_mode = ssl.CERT_REQUIRED
    ctx.check_hostname = True

    def connect():
        return wire.tls(gw.port["tls"], ctx=ctx)

    shown = [presented(gw, ca)]
    with Load(connect, 56) as keeping, Load(lambda: OneRequest(connect()), 8) as coming:
        for _ in range(count):
            assert control(gw, do="renew")["ok"]
            wait_for(lambda: presented(gw, ca) != shown[-1], "another certificate", 30)
            shown.append(presented(gw, ca))
    assert len(set(shown)) == count + 1 and None not in shown
    assert keeping.failures == []
    assert coming.failures == []
    assert "reconfiguring" not in gw.log()
    print(f"{count} rotations: {sum(keeping.done)} requests on kept connections, "
          f"{sum(coming.done)} on new ones")


def test_a_certificate_of_the_authority_rotates_under_load(start, ca):
    rotations_under_load(start, ca, 5 if SANITIZED else 20)


@pytest.mark.long
def test_a_certificate_of_the_authority_rotates_a_thousand_times_under_load(start, ca):
    rotations_under_load(start, ca, 1000)


class Crowd(threading.Thread):
    """Others, connected all the while, who should see nothing of it."""

    def __init__(self, gw, member, n):
        super().__init__()
        self.clients = [wire.tls(gw.port["tls"], ctx=wire.context(member), sni="a.test")
                        for _ in range(n)]
        self.stopping = threading.Event()
        self.errors = []
        self.rounds = 0

    def run(self):
        while not self.stopping.is_set() and not self.errors:
            for client in self.clients:
                try:
                    if client.request("GET", "/").status != 200:
                        self.errors.append("not 200")
                except (OSError, EOFError, AssertionError) as error:
                    self.errors.append(repr(error))
                if self.stopping.is_set():
                    break
            self.rounds += 1

    def end(self):
        self.stopping.set()
        self.join()
        for client in self.clients:
            client.close()


@pytest.mark.alone
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revoked_means_disconnected(start, ca, backend, version):
    n = 100 if SANITIZED else 1000
    gw = begin(start, ca, backend, workers=2, connections=4 * n)
    ready(gw, ca)
    others = Member(ca, gw.port["authority"], "others", ca.folder)
    crowd = Crowd(gw, others, n)
    dave = Member(ca, gw.port["authority"], "dave", ca.folder)
    ctx = wire.context(dave, version=version)
    with wire.tls(gw.port["tls"], ctx=ctx, sni="a.test") as client:
        assert client.request("GET", "/").status == 200
        session = client.session
        crowd.start()
        wait_for(lambda: crowd.rounds or crowd.errors, "everybody had an answer", timeout_s=30)
        begun = time.monotonic()
        ca.ok("revoke", dave.serial, "--reason", "keyCompromise")
        revoked = time.monotonic()
        assert client.ended(5)
        ended = time.monotonic()
    # every worker knows within a second; one may know before another
    wait_for(lambda: refused(gw, dave), "a refusal", timeout_s=1)
    time.sleep(max(0, revoked + 1 - time.monotonic()))
    for resumed in (None, session):
        with wire.tls(gw.port["tls"], ctx=ctx, sni="a.test", session=resumed) as client:
            answer = client.request("GET", "/")
            assert answer.status == 400 and not client.reused
            assert b"revoked" in answer.body
    crowd.end()
    assert crowd.errors == []
    # the command itself starts a process and writes to a disk
    assert ended - revoked < 1 and ended - begun < (10 if SANITIZED else 2)
    codes = [json.loads(line)["code"] for line in gw.read("failures.json").splitlines()]
    assert set(codes) - {"certificate-awaited"} == {"revoked"}


def test_what_was_revoked_while_the_gateway_was_down_is_known_when_it_is_back(start, ca, backend):
    gw = begin(start, ca, backend)
    ready(gw, ca)
    dave = Member(ca, gw.port["authority"], "dave", ca.folder)
    gw.stop()
    gw.ended = False
    ca.ok("revoke", dave.serial)
    gw.start()
    ready(gw, ca)
    wait_for(lambda: refused(gw, dave), "a refusal", timeout_s=10)


@pytest.mark.skipif(not IS_ROOT, reason="processes run as another account")
def test_the_steward_is_replaced_and_has_no_rights(start, ca, backend):
    gw = begin(start, ca, backend)
    ready(gw, ca)
    first = gw.wait_log(r"start steward process (\d+)").group(1)
    with open(f"/proc/{first}/status", encoding="ascii") as status:
        assert re.search(r"^Uid:\s+(?!0\s)", status.read(), re.M)
    os.kill(int(first), 9)
    seen = len(gw.log())
    second = gw.wait_log(r"start steward process (\d+)", start=seen, timeout_s=10).group(1)
    assert second != first
    dave = Member(ca, gw.port["authority"], "dave", ca.folder)
    wait_for(lambda: wire.get(gw.port["tls"], dave).status == 200, "an answer")
    ca.ok("revoke", dave.serial)
    wait_for(lambda: refused(gw, dave), "a refusal", timeout_s=10)


def test_without_the_authority_what_there_is_is_served(start, ca, backend):
    gw = begin(start, ca, backend)
    serial = ready(gw, ca)
    pid = int(gw.wait_log(r"start authority process (\d+)").group(1))
    for _ in range(3):
        os.kill(pid, 9)
        seen = len(gw.log())
        pid = int(gw.wait_log(r"start authority process (\d+)", start=seen,
                              timeout_s=20).group(1))
        assert presented(gw, ca) == serial
