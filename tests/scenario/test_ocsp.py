"""The CA's OCSP responder, asked by those who ask in the field: openssl, GnuTLS, nginx that
staples, pyca/cryptography; and by those who should not."""

import base64
import datetime
import email.utils
import http.client
import pathlib
import re
import subprocess
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509 import ocsp

from backend import free_port
from gateway import BINARY, CALAMITY, PROGRAM
from waiting import wait_for

# The authority's server alone, beside the binary that it was built with.
SERVER = pathlib.Path(BINARY).parent / "tests" / "enrol" / "public"
pytestmark = [pytest.mark.countersign,
              pytest.mark.skipif(not SERVER.exists(), reason=f"{SERVER} is not built")]

MALFORMED, UNAUTHORIZED = b"\x30\x03\x0a\x01\x01", b"\x30\x03\x0a\x01\x06"


def run(*words, check=True, **more):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False, **more)
    if check:
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done


class Responder:
    """A CA in a folder, and the process that serves it without TLS."""

    def __init__(self, folder, key="ec-p256"):
        self.folder, self.dir, self.port = folder, folder / "ca", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ca("init", "--name", "Example", "--key", key, "--url", self.url)
        self.root, self.issuer = self.dir / "root.pem", self.dir / "issuer-2.pem"
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen([SERVER, self.dir, str(self.port)], stderr=self.log)
        wait_for(self.answers, "the responder to listen")

    def answers(self):
        try:
            return self.ask("GET", "/ca.pem")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0
        self.log.close()
        assert not CALAMITY.search((self.folder / "log").read_text())

    def ca(self, command, *words):
        return run(PROGRAM, "ca", command, "--dir", self.dir, *words).stdout

    def issue(self, name):
        out = self.folder / name
        self.ca("issue", "--out", out, f"{name}.example.test")
        return out / "cert.pem"

    def issue_as(self, profile, name):
        out = self.folder / profile
        self.ca("issue", "--profile", profile, "--out", out, name)
        return out / "cert.pem"

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        result = answer.status, answer.headers, answer.read()
        connection.close()
        return result

    def post(self, body, media_type="application/ocsp-request"):
        return self.ask("POST", "/ocsp", body, {"Content-Type": media_type})

    def openssl(self, *words, check=True):
        done = run("openssl", "ocsp", "-issuer", self.issuer, "-CAfile", self.root, *words, "-url",
                   self.url + "/ocsp", check=check)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def responder(tmp_path_factory):
    one = Responder(tmp_path_factory.mktemp("ocsp"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A certificate of another CA, and that CA."""
    folder = tmp_path_factory.mktemp("stranger")
    for key in ["ca", "leaf"]:
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            folder / f"{key}.key")
    run("openssl", "req", "-x509", "-key", folder / "ca.key", "-subj", "/CN=Stranger", "-out",
        folder / "ca.pem")
    run("openssl", "req", "-new", "-key", folder / "leaf.key", "-subj", "/CN=leaf", "-out",
        folder / "leaf.csr")
    run("openssl", "x509", "-req", "-in", folder / "leaf.csr", "-CA", folder / "ca.pem", "-CAkey",
        folder / "ca.key", "-CAcreateserial", "-out", folder / "leaf.pem")
    return folder


def load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def request_for(leaf, issuer, algorithm=hashes.SHA1):
    builder = ocsp.OCSPRequestBuilder().add_certificate(load(leaf), load(issuer), algorithm())
    return builder.build().public_bytes(x509.base.serialization.Encoding.DER)


def seconds(value):
    return email.utils.parsedate_to_datetime(value).timestamp()


# ---- by their own programs ----


@pytest.mark.parametrize("nonce", ["-nonce", "-no_nonce"])
@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
def test_openssl_asks(responder, nonce, digest):
    leaf = responder.issue(f"openssl{nonce}{digest}".replace("_", "-"))
    uri = run("openssl", "x509", "-in", leaf, "-noout", "-ocsp_uri").stdout.strip()
    assert uri == responder.url + "/ocsp"
    said = responder.openssl(digest, nonce, "-cert", leaf)
    assert "Response verify OK" in said and "cert.pem: good" in said, said
    assert "WARNING" not in said, said  # that the nonce is missing
    responder.ca("revoke", "--reason", "keyCompromise", leaf)
    said = responder.openssl(digest, nonce, "-cert", leaf)
    assert "Response verify OK" in said and "cert.pem: revoked" in said, said
    assert "Reason: keyCompromise" in said


def test_openssl_asks_about_several_at_once(responder):
    leaves = [responder.issue(name) for name in ["several-a", "several-b"]]
    responder.ca("revoke", leaves[1])
    said = responder.openssl("-cert", leaves[0], "-cert", leaves[1], "-serial", "0x2a")
    assert f"{leaves[0]}: good" in said and f"{leaves[1]}: revoked" in said, said
    assert "0x2a: unknown" in said, said


@pytest.mark.parametrize("more", [[], ["-no_nonce"]])
def test_a_number_that_was_never_given_is_unknown(responder, more):
    said = responder.openssl("-serial", "0x1234567890abcdef", *more)
    assert "Response verify OK" in said and ": unknown" in said, said


def test_another_ca_is_none_of_ours(responder, stranger):
    said = run("openssl", "ocsp", "-issuer", stranger / "ca.pem", "-cert", stranger / "leaf.pem",
               "-url", responder.url + "/ocsp", check=False)
    assert "unauthorized (6)" in said.stdout + said.stderr
    said = run("openssl", "ocsp", "-issuer", responder.root, "-cert", responder.issuer, "-url",
               responder.url + "/ocsp", check=False)
    assert "unauthorized (6)" in said.stdout + said.stderr, "about the issuing CA itself"


@pytest.mark.parametrize("nonce", ["--nonce", "--no-nonce"])
def test_gnutls_asks(responder, nonce):
    leaf = responder.issue(f"gnutls{nonce}")
    words = ["ocsptool", f"--ask={responder.url}/ocsp", nonce, "--load-cert", leaf,
             "--load-issuer", responder.issuer, "--load-signer", responder.issuer]
    said = run(*words).stdout
    assert "Verifying OCSP Response: Success" in said, said
    assert re.search(r"Certificate Status: good", said), said
    responder.ca("revoke", leaf)
    said = run(*words, check=False).stdout
    assert re.search(r"Certificate Status: revoked", said), said


def check_signature(answer, issuer):
    key, digest = load(issuer).public_key(), answer.signature_hash_algorithm
    more = {ec.EllipticCurvePublicKey: lambda: [ec.ECDSA(digest)],
            rsa.RSAPublicKey: lambda: [padding.PKCS1v15(), digest],
            ed25519.Ed25519PublicKey: lambda: []}
    (words,) = [make() for kind, make in more.items() if isinstance(key, kind)]
    key.verify(answer.signature, answer.tbs_response_bytes, *words)


PROFILES = {"server": "www.example.test", "client": "email:ann@example.test",
            "peer": "svc.example.test", "spiffe": "spiffe://example.test/api"}


@pytest.mark.parametrize("key", ["ec-p256", "ec-p384", "ed25519", "rsa-3072"])
def test_every_kind_of_key_answers_for_every_profile(tmp_path, key):
    """By openssl, GnuTLS and pyca/cryptography, before and after a revocation."""
    one = Responder(tmp_path, key)
    leaves = {profile: one.issue_as(profile, name) for profile, name in PROFILES.items()}
    asks = [f"--ask={one.url}/ocsp", "--load-issuer", one.issuer, "--load-signer", one.issuer]
    try:
        for status in ["good", "revoked"]:
            for leaf in leaves.values():
                for nonce in ["-nonce", "-no_nonce"]:
                    said = one.openssl("-cert", leaf, nonce)
                    assert "Response verify OK" in said and f"cert.pem: {status}" in said, said
                said = run("ocsptool", *asks, "--load-cert", leaf, check=status == "good").stdout
                assert "Verifying OCSP Response: Success" in said, said
                assert f"Certificate Status: {status}" in said, said
                answer = ocsp.load_der_ocsp_response(one.post(request_for(leaf, one.issuer))[2])
                assert answer.response_status == ocsp.OCSPResponseStatus.SUCCESSFUL
                assert answer.certificate_status == ocsp.OCSPCertStatus[status.upper()]
                check_signature(answer, one.issuer)
            for leaf in leaves.values() if status == "good" else []:
                one.ca("revoke", leaf)
    finally:
        one.stop()


def test_nginx_staples_what_it_is_told(responder, tmp_path):
    """nginx asks with GET, and verifies."""
    leaf, port = responder.issue("stapled"), free_port()
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log info;
        events {{ }}
        http {{
            access_log off;
            server {{
                listen 127.0.0.1:{port} ssl;
                ssl_certificate {leaf}; ssl_certificate_key {leaf.parent}/key.pem;
                ssl_stapling on; ssl_stapling_verify on;
                ssl_trusted_certificate {responder.root};
            }}
        }}""")
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"])

    def is_stapled():
        said = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername",
                   "stapled.example.test", "-status", check=False, input="").stdout
        return "OCSP Response Status: successful" in said and "Cert Status: good" in said

    try:
        wait_for(is_stapled, "nginx to staple", timeout_s=20)
    finally:
        nginx.terminate()
        nginx.wait(10)


# ---- by HTTP ----


def test_get_and_post_say_the_same(responder):
    leaf = responder.issue("get-and-post")
    for algorithm in [hashes.SHA1, hashes.SHA256]:
        body = request_for(leaf, responder.issuer, algorithm)
        text = base64.b64encode(body).decode()
        status, headers, first = responder.post(body)
        assert status == 200 and headers["Content-Type"] == "application/ocsp-response"
        for path in ["/ocsp/" + text, "/ocsp/" + urllib.parse.quote(text, safe="")]:
            status, headers, again = responder.ask("GET", path)
            assert (status, again) == (200, first), path
            assert headers["Content-Type"] == "application/ocsp-response"
        assert responder.ask("HEAD", "/ocsp/" + text)[2] == b""


def test_caches_may_keep_what_is_for_everybody(responder):
    leaf = responder.issue("cached")
    body = request_for(leaf, responder.issuer)
    path = "/ocsp/" + urllib.parse.quote(base64.b64encode(body).decode(), safe="")
    _, headers, first = responder.ask("GET", path)
    answer = ocsp.load_der_ocsp_response(first)
    for word in ["public", "no-transform", "must-revalidate"]:
        assert word in headers["Cache-Control"]
    age = int(re.search(r"max-age=(\d+)", headers["Cache-Control"])[1])
    assert 0 < age <= 600
    assert abs(seconds(headers["Expires"]) - seconds(headers["Date"]) - age) <= 1
    utc = datetime.timezone.utc
    assert seconds(headers["Last-Modified"]) == answer.this_update.replace(tzinfo=utc).timestamp()
    assert answer.next_update.replace(tzinfo=utc).timestamp() > seconds(headers["Expires"])
    status, again, body_again = responder.ask("GET", path, None,
                                              {"If-None-Match": headers["ETag"]})
    assert (status, body_again) == (304, b"") and again["ETag"] == headers["ETag"]
    responder.ca("revoke", leaf)
    status, again, after = responder.ask("GET", path, None, {"If-None-Match": headers["ETag"]})
    assert status == 200 and again["ETag"] != headers["ETag"]
    assert ocsp.load_der_ocsp_response(after).certificate_status == ocsp.OCSPCertStatus.REVOKED


def test_what_is_for_one_is_not_kept(responder, tmp_path):
    leaf = responder.issue("nonce")
    responder.openssl("-cert", leaf, "-nonce", "-reqout", tmp_path / "request.der")
    body = (tmp_path / "request.der").read_bytes()
    status, headers, answer = responder.post(body)
    assert status == 200 and headers["Cache-Control"] == "no-store"
    asked = ocsp.load_der_ocsp_request(body).extensions.get_extension_for_class(x509.OCSPNonce)
    said = ocsp.load_der_ocsp_response(answer).extensions.get_extension_for_class(x509.OCSPNonce)
    assert asked.value.nonce == said.value.nonce


# ---- by those who should not ----


def test_garbage_is_malformed_and_not_an_error_of_ours(responder):
    leaf = responder.issue("garbage")
    good = request_for(leaf, responder.issuer)
    for body in [b"", b"hello", b"\x30\x00", good[:-1], good + b"\x00", b"\x00" * 64,
                 b"\x30\x82\x40\x00" + b"\x00" * 0x4000, good * 100]:
        status, headers, answer = responder.post(body)
        assert (status, answer) == (200, MALFORMED), body[:20]
        assert headers["Cache-Control"] == "no-store"
    for at in range(len(good)):
        broken = bytearray(good)
        broken[at] ^= 0x55
        status, _, answer = responder.post(bytes(broken))
        assert status == 200 and answer[:1] == b"\x30"
    for path in ["hello!", "MA==", "M", "%00", "%2F%2F", "a/b/c", "A" * 4000]:
        status, _, answer = responder.ask("GET", "/ocsp/" + path)
        assert status == 400 or answer == MALFORMED, path
    assert responder.post(good)[2][:1] == b"\x30" and "good" in responder.openssl("-cert", leaf)


def test_more_than_there_can_be_is_refused(responder, stranger):
    assert responder.post(b"\x30" * 65537)[0] == 413
    assert responder.ask("GET", "/ocsp/" + "A" * 40000)[0] in (414, 431)
    good = request_for(stranger / "leaf.pem", stranger / "ca.pem")
    assert responder.post(good)[2] == UNAUTHORIZED
    assert responder.post(good, "text/plain")[0] == 415
    assert responder.ask("PUT", "/ocsp", good)[0] == 405
    assert responder.ask("GET", "/ocsp")[0] == 405
    assert responder.ask("GET", "/ocsp/")[0] == 404
