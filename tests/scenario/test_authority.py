"""The authority over the network: what it gives, what it refuses, and what it never loses."""

import json
import os
import pwd
import random
import re
import signal
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import pki
import served
import wire
from gateway import SANITIZED, run
from served import Folder, Follower, Server, csr, pem_certs, serial
from waiting import wait_for

pytestmark = pytest.mark.countersign


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="module")
def server(folder):
    one = Server(folder)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def web(server):
    return server.enrol("web.example.internal")


def problem(answer):
    assert answer.header("Content-Type") == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status and told["type"].endswith(":" + told["code"])
    assert told["title"] and "{" not in told["title"]
    return answer.status, told["code"]


# ---- what it gives ----

def test_a_token_gets_a_certificate_that_openssl_accepts(server, folder, tmp_path):
    key = pki.new_key()
    body = {"token": folder.token("web.example.internal"), "csr": csr(key, "web.example.internal")}
    (tmp_path / "body").write_text(json.dumps(body))
    done = wire.curl(f"https://localhost:{server.port}/v1/enrol", "--data", f"@{tmp_path}/body",
                     "-H", "Content-Type: application/json", ca=server.ca, name="localhost")
    # the CA is kept to example.internal, so its server has no certificate for localhost
    assert done.code == 60
    done = wire.curl(f"https://127.0.0.1:{server.port}/v1/enrol", "--data", f"@{tmp_path}/body",
                     "-H", "Content-Type: application/json", ca=server.ca, name="127.0.0.1")
    assert done.status == 201, done.body
    got = done.json()
    assert got["ca"] == server.public("/ca.pem").text
    leaf, = pem_certs(got["certificate"])
    assert leaf.public_key().public_numbers() == key.public_key().public_numbers()
    assert got["serial"] == serial(pki.Identity(leaf, key))
    for name, text in (("leaf", got["certificate"]), ("chain", got["chain"]), ("ca", got["ca"])):
        (tmp_path / name).write_text(text)
    lists = b"".join(crl_pem(server, n) for n in (1, 2))
    (tmp_path / "lists").write_bytes(lists)
    said = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", tmp_path / "lists",
         "-CAfile", tmp_path / "ca", "-untrusted", tmp_path / "chain", "-purpose", "sslserver",
         "-verify_hostname", "web.example.internal", tmp_path / "leaf"],
        capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def crl_pem(server, issuer):
    return x509.load_der_x509_crl(server.public(f"/crl/{issuer}.crl").body).public_bytes(
        serialization.Encoding.PEM)


def test_the_fingerprint_is_that_of_the_root(server):
    root, = pem_certs(server.public("/ca.pem").text)
    assert root.fingerprint(hashes.SHA256()).hex() == server.fingerprint
    with server.connect() as client:
        health = client.request("GET", "/v1/health").json()
    assert health["status"] == "ok" and health["fingerprint"] == server.fingerprint


def test_the_same_request_never_makes_two_certificates(server, folder):
    key = pki.new_key()
    body = {"token": folder.token("once.example.internal"),
            "csr": csr(key, "once.example.internal")}
    first = server.post("/v1/enrol", body)
    again = server.post("/v1/enrol", body)
    other_csr = server.post("/v1/enrol", {**body, "csr": csr(key, "once.example.internal")})
    assert (first.status, again.status, other_csr.status) == (201, 200, 200)
    assert first.json() == again.json() == other_csr.json()
    current = server.identity(first, key)
    new = {"csr": csr(pki.new_key())}
    answers = []

    def renew():
        answers.append(server.post("/v1/renew", new, current))

    threads = [threading.Thread(target=renew) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status for a in answers) == [200] * 7 + [201]
    assert len({a.json()["serial"] for a in answers}) == 1


def test_a_server_certificate_renews_itself_though_it_is_none_for_clients(server, folder):
    key = pki.new_key()
    token = folder.token("only.example.internal", profile="server")
    answer = server.post("/v1/enrol", {"token": token, "csr": csr(key, "only.example.internal")})
    identity = server.identity(answer, key)
    for _ in range(3):
        identity = server.renew(identity)
        assert identity.cert.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName) == ["only.example.internal"]


def test_the_bundle_is_one_that_spiffe_can_read(server):
    bundle = server.public("/spiffe/bundle.json").json()
    key, = bundle["keys"]
    root, = pem_certs(server.public("/ca.pem").text)
    assert key["use"] == "x509-svid" and len(key["x5c"]) == 1
    import base64
    der = base64.b64decode(key["x5c"][0], validate=True)
    assert x509.load_der_x509_certificate(der) == root

    def number(text):
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    point = root.public_key().public_numbers()
    assert (key["kty"], key["crv"]) == ("EC", "P-256")
    assert (number(key["x"]), number(key["y"])) == (point.x, point.y)
    assert bundle["spiffe_sequence"] >= 1 and bundle["spiffe_refresh_hint"] >= 1


def test_who_has_a_document_is_not_sent_it_again(server, web):
    first = server.public("/crl/2.crl")
    tag = first.header("ETag")
    again = server.public("/crl/2.crl", headers=[("If-None-Match", tag)])
    assert again.status == 304 and not again.body and again.header("ETag") == tag
    doomed = server.renew(web)
    server.folder.ok("revoke", serial(doomed))
    wait_for(lambda: server.public("/crl/2.crl", headers=[("If-None-Match", tag)]).status == 200,
             "a new list", 2)


# ---- revocation ----

@pytest.mark.alone
def test_a_revocation_by_command_is_in_the_shard_at_once_and_openssl_sees_it(server, tmp_path):
    doomed, spared = server.enrol("doomed.example.internal"), server.enrol("spared.example.internal")
    point = doomed.cert.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    path = re.sub("^http://[^/]*", "", point.value[0].full_name[0].value)
    assert re.fullmatch(r"/crl/2/\d+\.crl", path), path

    def is_listed():
        crl = x509.load_der_x509_crl(server.public(path).body)
        assert crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).critical
        return crl.get_revoked_certificate_by_serial_number(doomed.serial)

    assert not is_listed()
    server.folder.ok("revoke", "--reason", "keyCompromise", serial(doomed))
    begun = time.monotonic()
    wait_for(is_listed, "the shard to say so", 2)
    took = time.monotonic() - begun
    assert took < (0.5 if SANITIZED else 0.15), took
    assert is_listed().extensions.get_extension_for_class(x509.CRLReason).value.reason \
        == x509.ReasonFlags.key_compromise
    (tmp_path / "lists").write_bytes(crl_pem(server, 1) + crl_pem(server, 2))
    for identity, status in ((doomed, 2), (spared, 0)):
        said = subprocess.run(["openssl", "verify", "-crl_check_all", "-CRLfile",
                               tmp_path / "lists", "-CAfile", server.ca.certfile, "-untrusted",
                               identity.certfile, identity.certfile],
                              capture_output=True, text=True, check=False)
        assert said.returncode == status, said.stderr


def test_who_is_revoked_is_told_so_and_gets_nothing_more(server):
    doomed = server.enrol("gone.example.internal")
    with server.connect(doomed) as client:  # from before
        answer = served.post(client, "/v1/revoke", {"reason": "superseded"})
        assert answer.status == 200 and answer.json()["reason"] == "superseded"
        answer = served.post(client, "/v1/renew", {"csr": csr(pki.new_key())})
        assert problem(answer) == (403, "renewal-revoked")
    assert problem(server.post("/v1/revoke", {"reason": "superseded"}, doomed)) \
        == (409, "already-revoked")


def test_only_administrators_revoke_for_others(tmp_path, tmp_path_factory):
    conf = tmp_path / "ca.conf"
    folder = Folder(tmp_path_factory.mktemp("admin") / "ca")
    conf.write_text(f"authority {{ listen 127.0.0.1:1 ssl; store {folder.path};\n"
                    "  profile operator { extends client; administrator on; } }\n")
    server = Server(folder, "-c", str(conf))
    try:
        victim = server.enrol("victim.example.internal")
        body = {"serial": serial(victim), "reason": "privilegeWithdrawn"}
        assert problem(server.post("/v1/revoke", body, server.enrol("other.example.internal"))) \
            == (403, "revocation-not-allowed")
        token = folder.ok("token", "-c", conf, "--profile", "operator",
                          "email:root@example.internal").split()[0]
        operator = server.enrol("email:root@example.internal", token=token)
        assert server.post("/v1/revoke", body, operator).status == 200
        assert folder.serials()[body["serial"]]
        with Follower(server.port, served.context(server.ca, operator), 0) as follower:
            assert follower.wait(1)[-1][2]["serial"] == body["serial"]
    finally:
        server.stop()


# ---- events ----

@pytest.mark.alone
def test_who_comes_back_to_the_events_misses_nothing(server, folder, web):
    ctx = served.context(server.ca, web)
    doomed = [server.enrol(f"e{n}.example.internal") for n in range(4)]

    def revoke(identity):
        folder.ok("revoke", serial(identity))
        return serial(identity)

    with Follower(server.port, ctx) as follower:
        assert follower.head.header("Content-Type") == "text/event-stream"
        first = revoke(doomed[0])
        begun = time.monotonic()
        seq, event, data = follower.wait(1)[0]
        assert time.monotonic() - begun < 1
        assert (event, data["serial"], data["issuer"]) == ("revoked", first, 2)
    missed = [revoke(doomed[1]), revoke(doomed[2])]
    with Follower(server.port, ctx, seq) as follower:
        events = follower.wait(2)
        assert [e[2]["serial"] for e in events] == missed
        assert [e[0] for e in events] == [seq + 1, seq + 2]
        last = revoke(doomed[3])
        assert follower.wait(3)[2][2]["serial"] == last
    with Follower(server.port, ctx, 0) as follower:
        numbers = [e[0] for e in follower.wait(seq + 3)]
        assert numbers[-4:] == [seq, seq + 1, seq + 2, seq + 3]
    for since, expected in (("x", (400, "request-header-invalid")),
                            (10 ** 9, (410, "events-gone"))):
        with server.connect(web) as client:
            answer = client.request("GET", "/v1/events", [("Last-Event-ID", str(since))])
            assert problem(answer) == expected


def test_a_stream_ends_with_the_certificate_that_opened_it(server, folder):
    doomed = server.enrol("follower.example.internal")
    with Follower(server.port, served.context(server.ca, doomed)) as follower:
        folder.ok("revoke", serial(doomed))
        assert follower.wait(1)[-1][2]["serial"] == serial(doomed)
        wait_for(lambda: follower.ended, "the stream to end")


def test_clients_do_not_hear_who_was_revoked(server, folder):
    token = folder.token("email:joe@example.internal", profile="client")
    joe = server.enrol("email:joe@example.internal", token=token)
    with server.connect(joe) as client:
        assert problem(client.request("GET", "/v1/events")) == (403, "events-not-allowed")


# ---- what it refuses ----

def signed_info(key, info):
    """A signing request with any content, under a good signature."""
    def der(tag, content):
        size = len(content)
        length = (bytes([size]) if size < 128
                  else b"\x82" + size.to_bytes(2, "big"))
        return bytes([tag]) + length + content

    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    signature = key.sign(info, ec.ECDSA(hashes.SHA256()))
    return pem("CERTIFICATE REQUEST",
               der(0x30, info + algorithm + der(0x03, b"\0" + signature)))


def pem(label, der):
    import base64
    return (f"-----BEGIN {label}-----\n" + base64.encodebytes(der).decode()
            + f"-----END {label}-----\n")


def bad_requests():
    """(what, request, code) of signing requests for a token for *.example.internal."""
    key = pki.new_key()
    good = csr(key, "a.example.internal")
    der = x509.load_pem_x509_csr(good.encode()).public_bytes(serialization.Encoding.DER)
    two = (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
           .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example.internal")]), False)
           .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"),
                                                     b"\x30\x00"), False)
           .sign(key, hashes.SHA256())).tbs_certrequest_bytes
    ca = (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
          .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example.internal")]), False)
          .add_extension(x509.BasicConstraints(True, None), True)
          .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())
    weak = csr(pki.rsa.generate_private_key(65537, 1024), "a.example.internal")
    return [
        ("a signature that is wrong", pem("CERTIFICATE REQUEST", der[:-1] + bytes([der[-1] ^ 1])),
         "csr-signature-invalid"),
        ("the same extension twice",
         signed_info(key, two.replace(bytes.fromhex("0603551d63"), bytes.fromhex("0603551d11"))),
         "request-malformed"),
        ("a CA", ca, "extension-not-allowed"),
        ("a weak key", weak, "key-too-weak"),
        ("half of one", pem("CERTIFICATE REQUEST", der[:100]), "request-malformed"),
        ("something behind it", pem("CERTIFICATE REQUEST", der + b"\0"), "request-malformed"),
        ("one that is too large", pem("CERTIFICATE REQUEST", der + bytes(40000)),
         "request-malformed"),
        ("two", good + good, "csr-not-pem"),
        ("a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "csr-not-pem"),
        ("nothing", "", "csr-not-pem"),
        ("a name outside", csr(key, "a.example.com"), "name-not-allowed"),
        ("a name of the CA's that is not the token's", csr(key, "a.b.example.internal"),
         "token-identity-mismatch"),
        ("a wildcard", csr(key, "*.example.internal"), "wildcard-not-allowed"),
        ("an address", csr(key, "ip:192.0.2.1"), "token-identity-mismatch"),
        ("SQL", csr(key, "uri:spiffe://example.internal/'; drop table certs; --"), None),
    ]


HOSTILE = ["'; drop table certs; --", '" or 1=1 --', "../../etc/passwd", "a.example.internal\0b",
           "a.example.internal/../b", "%00", "a b.example.internal", "-a.example.internal",
           "a..example.internal", "x" * 64 + ".example.internal", "é.example.internal",
           "*.*.example.internal", "a.example.internal.", "a.example.internal\r\nX: y", ""]


def test_bad_input_gets_a_precise_error_and_changes_nothing(server, folder):
    token = folder.token("*.example.internal", profile="server")
    before = folder.serials(), folder.entries()
    good = csr(pki.new_key(), "a.example.internal")
    with server.connect() as client:
        for what, request, code in bad_requests():
            answer = served.post(client, "/v1/enrol", {"token": token, "csr": request})
            status, told = problem(answer)
            assert status in (400, 403, 422) and (code is None or told == code), (what, told)
        for name in HOSTILE:
            answer = served.post(client, "/v1/enrol",
                                 {"token": token, "csr": good, "identity": "dns:" + name})
            status, told = problem(answer)
            assert status in (400, 403, 422), name
            if "\0" not in name:
                assert told in ("name-malformed", "wildcard-not-allowed"), (name, told)
        for bad in ("", "cst_", "cst_" + "A" * 43, "cst_" + "A" * 1000, "' or 1=1 --",
                    token[:-1], token + "A", token.lower()):
            status, told = problem(served.post(client, "/v1/enrol", {"token": bad, "csr": good}))
            assert (status, told) in ((401, "token-unknown"), (400, "field-too-long")), bad
        for more, code in (({"profile": "root"}, "token-profile-mismatch"),
                           ({"profile": "'; --"}, "token-profile-mismatch"),
                           ({"profile": "x" * 65}, "field-too-long"),
                           ({"ttl": 0}, "field-range"), ({"ttl": "1h"}, "field-type"),
                           ({"ttl": 1e3}, "field-type"), ({"ttl": 10 ** 9}, "lifetime-too-long"),
                           ({"admin": True}, "field-unknown"), ({"Csr": good}, "field-misspelt"),
                           ({"token": None}, "field-type"), ({"csr": [good]}, "field-type")):
            answer = served.post(client, "/v1/enrol", {"token": token, "csr": good, **more})
            assert problem(answer)[1] == code, more
    assert (folder.serials(), folder.entries()) == before
    assert server.post("/v1/enrol", {"token": token, "csr": good}).status == 201


def test_tokens_are_for_one_use_a_time_and_one_ca(server, folder, tmp_path):
    late = folder.token("late.example.internal", ttl="1s")
    used = folder.token("used.example.internal")
    request = {"token": used, "csr": csr(pki.new_key(), "used.example.internal")}
    assert server.post("/v1/enrol", request).status == 201
    replayed = {"token": used, "csr": csr(pki.new_key(), "used.example.internal")}
    assert problem(server.post("/v1/enrol", replayed)) == (401, "token-used")
    foreign = Folder(tmp_path / "other").token("used.example.internal")
    assert problem(server.post("/v1/enrol", {**replayed, "token": foreign})) \
        == (401, "token-unknown")
    time.sleep(2.1)
    body = {"token": late, "csr": csr(pki.new_key(), "late.example.internal")}
    assert problem(server.post("/v1/enrol", body)) == (401, "token-expired")


def test_certificates_of_others_are_nothing_here(server, tmp_path):
    stranger = Server(Folder(tmp_path / "other"))
    try:
        theirs = stranger.enrol("web.example.internal")
    finally:
        stranger.stop()
    body = {"csr": csr(pki.new_key())}
    status, code = problem(server.post("/v1/renew", body, theirs))
    assert status == 401 and code.startswith(("issuer", "chain", "certificate")), code
    assert problem(server.post("/v1/renew", body)) == (401, "client-certificate-required")
    # one that a root of ours vouches for, but that is in no book: made with the CA's own files
    own = pki.Authority("web.example.internal").issue("x")
    own.save(str(tmp_path), "own")
    assert problem(server.post("/v1/renew", body, own))[0] == 401


def test_large_and_strange_bodies_are_refused(server):
    with server.connect() as client:
        head = ("POST /v1/enrol HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                "Content-Length: 10485760\r\n\r\n")
        client.send(head)
        try:
            for _ in range(160):
                client.send(b"x" * 65536)
        except OSError:
            pass  # it has seen enough
        assert problem(client.response()) == (413, "body-too-large")
    done = subprocess.run(
        ["curl", "-sS", "-k", "-w", "%{http_code}", "-H", "Content-Type: application/json",
         "--data-binary", "@-", f"https://127.0.0.1:{server.port}/v1/enrol"],
        input=b"[" * (10 << 20), capture_output=True, check=False)
    assert done.stdout.endswith(b"413"), done
    for body, code in ((b"", "body-not-json"), (b"[" * 60000, "body-not-json"),
                       (b'{"token":"a","token":"b"}', "body-not-json"),
                       (b"\xff\xfe", "body-not-json"), (b"token=x", "body-not-json")):
        assert problem(server.post("/v1/enrol", body))[1] == code, body[:20]
    with server.connect() as client:
        answer = client.request("POST", "/v1/enrol", [("Content-Type", "text/plain")], b"{}")
        assert problem(answer) == (415, "media-type-refused")


def test_paths_with_metacharacters_are_only_paths(server):
    for target in ("/crl/../../../etc/passwd", "/crl/2'--.crl",
                   "/crl/2;.crl", "/crl/-1.crl", "/crl/2/-1.crl", "/crl/2/0.crl/x", "/crl/02.crl",
                   "/crl/99999999999999999999.crl", "/crl/2%00.crl", "/CA.PEM", "//ca.pem",
                   "/ca.pem/", "/v1", "/store.sqlite", "/issuer-2.key", "/passphrase"):
        answer = server.public(target)
        assert answer.status in (400, 404), target
        problem(answer)


def test_plain_addresses_have_the_public_documents_only(server):
    for target in ("/v1/enrol", "/v1/renew", "/v1/revoke"):
        with wire.connect(server.plain) as client:
            answer = client.request("POST", target, [served.JSON], b"{}")
            assert problem(answer) == (403, "tls-required")
    assert problem(server.public("/v1/events")) == (403, "tls-required")
    assert server.public("/v1/health").status == 200


def test_slow_clients_hold_nobody_up(server, web):
    slow = [wire.connect(server.port) for _ in range(30)]  # no handshake
    for _ in range(30):
        slow.append(server.connect())
        slow[-1].send("POST /v1/enrol HTTP/1.1\r\nHost: a\r\nX: ")
        slow.append(server.connect())
        slow[-1].send("POST /v1/enrol HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                      "Content-Length: 100\r\n\r\n{")
    begun = time.monotonic()
    for _ in range(5):
        server.renew(web)
    assert time.monotonic() - begun < 9, "less than the patience with the slow ones"
    for client in slow:
        assert client.ended(30) or client.pending is not None
    assert time.monotonic() - begun < 45
    for client in slow:
        client.close()


# ---- what it never loses ----

class Issuing:
    """Clients that renew without a pause, each time with a new key, and keep what was answered."""

    def __init__(self, server, identity, count):
        self.server, self.identity = server, identity
        self.acknowledged, self.stop = [], threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join(20)

    def _run(self):
        while not self.stop.is_set():
            try:
                with self.server.connect(self.identity) as client:
                    while not self.stop.is_set():
                        answer = served.post(client, "/v1/renew", {"csr": csr(pki.new_key())})
                        if answer.status == 201:
                            self.acknowledged.append(answer.json()["serial"])
            except (OSError, wire.Closed, AssertionError):
                time.sleep(0.01)


class Service:
    """A gateway with an authority in it, seen as a server."""

    def __init__(self, gw, folder, tmp_path):
        self.gw, self.folder, self.dir = gw, folder, str(tmp_path)
        self.port, self.plain = gw.port["api"], gw.port["plain"]
        self.ca = served.Roots(self.dir, self.public("/ca.pem").text)

    public, connect, post = Server.public, Server.connect, Server.post
    enrol, renew, identity = Server.enrol, Server.renew, Server.identity

    def pid(self):
        """Of the authority's process: the one that was started last."""
        started = re.findall(r"start authority process (\d+)", self.gw.log())
        return int(started[-1])


CONF = """
pid @dir@/gateway.pid; error_log @dir@/error.log info;
mtls_state @dir@/state;
authority { listen 127.0.0.1:@api@ ssl; listen 127.0.0.1:@plain@; store @store@; @more@ }
events {}
http { access_log off; server { listen 127.0.0.1:@http@; return 200 ok; } }
"""


@pytest.fixture
def service(start, tmp_path):
    folder = Folder(tmp_path / "ca")
    gw = start(CONF, whole=False, store=folder.path, more="user root;")
    gw.forgiven = r"authority process \d+ exited on signal 9"
    return Service(gw, folder, tmp_path)


@pytest.mark.parametrize("rounds", [8, pytest.param(200, marks=pytest.mark.long)])
def test_what_was_acknowledged_survives_any_death(service, rounds):
    """Killed at random moments under load, it comes back with all that it has told anybody."""
    web = service.enrol("web.example.internal")
    chance = random.Random(7)
    with Issuing(service, web, 4) as load:
        for _ in range(rounds):
            before, old = len(load.acknowledged), service.pid()
            wait_for(lambda n=before: len(load.acknowledged) > n + 4, "certificates", 20)
            time.sleep(chance.random() * 0.05)
            os.kill(old, signal.SIGKILL)
            wait_for(lambda p=old: service.pid() != p, "another process", 20)
        wait_for(lambda n=len(load.acknowledged): len(load.acknowledged) > n + 4, "more", 20)
    issued = service.folder.serials()
    lost = set(load.acknowledged) - set(issued)
    assert not lost and len(load.acknowledged) == len(set(load.acknowledged))
    assert service.folder.entries() > len(load.acknowledged)


def test_a_revocation_survives_and_is_told_after_a_death(service):
    web, doomed = service.enrol("web.example.internal"), service.enrol("b.example.internal")
    ctx = served.context(service.ca, web)
    assert service.post("/v1/revoke", {"reason": "keyCompromise"}, doomed).status == 200
    old = service.pid()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: service.pid() != old, "another process")
    with Follower(service.port, ctx, 0) as follower:
        assert follower.wait(1)[-1][2]["serial"] == serial(doomed)
    assert problem(service.post("/v1/renew", {"csr": csr(pki.new_key())}, doomed)) \
        == (403, "renewal-revoked")


def test_a_reload_changes_the_authority_without_a_failed_request(service):
    web = service.enrol("web.example.internal")
    failures, done, stop = [], [], threading.Event()

    def load():
        while not stop.is_set():
            try:
                assert service.post("/v1/renew", {"csr": csr(pki.new_key())}, web).status == 201
                done.append(1)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(repr(error))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        old, before = service.pid(), len(done)
        service.gw.send_signal(signal.SIGHUP)
        wait_for(lambda p=old: service.pid() != p, "another process")
        wait_for(lambda p=old: not os.path.exists(f"/proc/{p}"), "the old one to go")
        wait_for(lambda n=before: len(done) > n + 5, "certificates")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_a_reload_that_the_authority_cannot_follow_changes_nothing(service):
    old = service.pid()
    service.gw.words["more"] = "user root; passphrase_file @dir@/wrong;"
    with open(service.gw.path("wrong"), "w", encoding="ascii") as out:
        out.write("something else\n")
    os.chmod(service.gw.path("wrong"), 0o600)
    service.gw.write()
    service.gw.send_signal(signal.SIGHUP)
    service.gw.wait_log("the authority did not start: the configuration before stays in use")
    assert "passphrase-wrong" in service.gw.log()
    service.gw.forgiven = r"\[emerg\]|exited with code 1"
    assert service.public("/v1/health").status == 200
    assert os.path.exists(f"/proc/{old}")


def test_an_authority_that_cannot_open_its_folder_keeps_the_service_from_starting(start, tmp_path):
    folder = Folder(tmp_path / "ca")
    os.rename(folder.path + "/issuer-2.key", folder.path + "/away")
    gw = start(CONF, whole=False, store=folder.path, more="user root;", start=False)
    gw.write()
    with open(gw.output, "ab") as out:
        gw.process = subprocess.Popen(gw.command(), stdout=out, stderr=out, cwd=gw.dir,
                                      start_new_session=True, env=gw.environment())
    assert gw.wait() == 1
    assert "issuer-key-missing" in gw.log() + gw.said()


def test_logs_are_opened_again_by_the_authority_too(service):
    os.rename(service.gw.path("error.log"), service.gw.path("old.log"))
    service.gw.send_signal(signal.SIGUSR1)
    wait_for(lambda: "start authority process" in service.gw.log(), "another process")
    wait_for(lambda: service.public("/v1/health").status == 200, "an answer")
    wait_for(lambda: "GET /v1/health" in service.gw.log(), "a line in the new file")


# ---- who it is ----

def passable(path):
    """For every account."""
    os.chmod(path, 0o755)
    for parent in path.parents:
        if str(parent).startswith("/tmp/"):
            os.chmod(parent, 0o755)


def uid_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        uid, = set(re.search(r"^Uid:\t(.*)$", file.read(), re.M)[1].split("\t"))
    return int(uid)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


ACCOUNTS = {account.pw_name for account in pwd.getpwall()}
ALONE = pytest.mark.skipif("countersign-ca" in ACCOUNTS, reason="there is an account for it")


@pytest.mark.root
def test_by_itself_it_is_somebody_of_its_own_too(tmp_path):
    """Root waits; who serves has the books but no key, and is begun anew when the CA has others."""
    folder = Folder(tmp_path / "ca")
    passable(tmp_path)
    server = Server(folder, user="games")
    parent = server.process.pid
    first, = children(parent)
    games = pwd.getpwnam("games").pw_uid
    assert (uid_of(parent), uid_of(first)) == (0, games)
    assert os.stat(folder.path).st_uid == os.stat(folder.path + "/store.sqlite").st_uid == games
    assert os.stat(folder.path + "/issuer-2.key").st_uid == 0
    web = server.enrol("web.example.internal")
    folder.ok("rotate", "issuer", "prepare")
    folder.ok("rotate", "issuer", "activate")
    wait_for(lambda: children(parent) not in ([], [first]), "another process")
    web = wait_for(lambda: server.renew(web), "an answer")
    assert web.cert.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value.endswith("CA 3")
    assert server.post("/v1/revoke", {"reason": "superseded"}, web).status == 200
    assert server.public("/crl/3.crl").status == 200
    assert all(os.stat(os.path.join(folder.path, name)).st_uid == games
               for name in os.listdir(folder.path)
               if name.startswith(("store.sqlite", "crl")))
    second, = children(parent)
    server.stop()
    wait_for(lambda: not os.path.exists(f"/proc/{second}"), "the end")


@pytest.mark.root
@ALONE
def test_root_is_nobody_s_guess(tmp_path):
    folder = Folder(tmp_path / "ca")
    done = run("ca", "serve", "--dir", folder.path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "adduser --system" in done.stderr, done.stderr
    assert os.stat(folder.path).st_uid == 0


@pytest.mark.root
def test_an_account_that_cannot_come_to_the_folder_is_told_so(tmp_path):
    folder = Folder(tmp_path / "inner" / "ca")
    passable(tmp_path)
    os.chmod(tmp_path / "inner", 0o700)
    done = run("ca", "serve", "--dir", folder.path, "--listen", "127.0.0.1:0", "--user", "games")
    assert done.returncode == 1, done.stderr
    assert f"\"{folder.path}\" cannot be used by \"games\" (13: Permission denied)" in done.stderr
    assert "chmod o+x" in done.stderr
    done = run("ca", "serve", "--dir", folder.path, "--listen", "127.0.0.1:0", "--user", "nobody-x")
    assert done.returncode == 1 and "there is no account \"nobody-x\"" in done.stderr


@pytest.mark.root
@ALONE
def test_a_gateway_does_not_start_an_authority_as_root(start, tmp_path):
    folder = Folder(tmp_path / "ca")
    gw = start(CONF, whole=False, store=folder.path, more="", start=False)
    gw.write()
    with open(gw.output, "ab") as out:
        gw.process = subprocess.Popen(gw.command(), stdout=out, stderr=out, cwd=gw.dir,
                                      start_new_session=True, env=gw.environment())
    assert gw.wait() == 1
    assert "there is no account for it: adduser --system" in gw.log() + gw.said()


@pytest.mark.root
def test_the_authority_is_somebody_of_its_own(start, tmp_path):
    """Workers cannot read its files, nor be given its account."""
    folder = Folder(tmp_path / "ca")
    passable(tmp_path)
    gw = start(CONF, whole=False, store=folder.path, more="user games;")
    service = Service(gw, folder, tmp_path)
    uid = uid_of(service.pid())
    assert os.stat(folder.path).st_uid == uid != 0
    assert os.stat(folder.path + "/issuer-2.key").st_uid == 0
    web = service.enrol("web.example.internal")
    folder.ok("revoke", serial(service.renew(web)))  # as root, beside it
    assert service.public("/crl/2.crl").status == 200
    assert all(os.stat(os.path.join(folder.path, name)).st_uid == uid
               for name in os.listdir(folder.path)
               if name.startswith(("store.sqlite", "crl")))
    service.renew(web)
    for worker in set(gw.workers()) - {service.pid()}:
        fds = [os.readlink(f"/proc/{worker}/fd/{fd}") for fd in os.listdir(f"/proc/{worker}/fd")]
        assert not [f for f in fds if folder.path in f], fds
        with open(f"/proc/{worker}/maps", encoding="ascii") as file:
            assert folder.path not in file.read()
    gw.words["more"] = "user www-data;"
    gw.write()
    gw.send_signal(signal.SIGHUP)
    gw.wait_log("the authority may not run as \"www-data\"")
    gw.forgiven = r"exited with code 1|\[emerg\]"
    assert service.public("/v1/health").status == 200
