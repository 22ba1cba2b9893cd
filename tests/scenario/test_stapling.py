"""A server shows what an OCSP responder said about its certificate: openssl and GnuTLS are those
who ask."""

import datetime
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp, ReasonFlags

import wire
from gateway import run, server
from pki import Authority, now

VERSIONS = ["1.2", "1.3"]
STAPLE = """
        ssl_stapling on;
        ssl_stapling_file @dir@/answer.der;
        location / { return 200 "ok"; }"""
REVOKED = ocsp.OCSPCertStatus.REVOKED
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
HOUR = datetime.timedelta(hours=1)


def answer(authority, about, status=ocsp.OCSPCertStatus.GOOD, start=None, signer=None):
    """An answer of @authority about the identity @about, for a day from @start on."""
    start = start or now() - HOUR
    revoked = status == REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=about.cert, issuer=authority.cert, algorithm=hashes.SHA1(), cert_status=status,
        this_update=start, next_update=start + 24 * HOUR,
        revocation_time=start if revoked else None,
        revocation_reason=ReasonFlags.key_compromise if revoked else None)
    signer = signer or authority
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.cert)
    if signer is not authority:
        builder = builder.certificates([signer.cert])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def begin(start, der, **options):
    def prepare(folder):
        with open(folder + "/answer.der", "wb") as out:
            out.write(der)
    return start(server(STAPLE, verify="optional"), prepare=prepare, **options)


def shown(gw, version):
    """What openssl says about the stapled answer."""
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}", "-servername", "a.test",
         "-status", "-tls" + version.replace(".", "_")],
        input="", capture_output=True, text=True, timeout=20, check=False).stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_clients_that_ask_are_shown_it(start, pki, version):
    gw = begin(start, answer(pki.ca, pki.server))
    seen = shown(gw, version)
    assert "OCSP Response Status: successful" in seen
    assert "Cert Status: good" in seen
    assert wire.get(gw.port["tls"], pki.alice).status == 200  # who does not ask is served, too


def gnutls(gw, pki):
    return subprocess.run(
        ["gnutls-cli", "--x509cafile", pki.ca.certfile, "--port", str(gw.port["tls"]), "--sni-hostname",
         "a.test", "--verify-hostname", "a.test", "127.0.0.1"],
        input="", capture_output=True, text=True, timeout=20, check=False)


def test_gnutls_believes_a_responder_of_the_ca(start, pki):
    delegate = pki.ca.issue("responder", eku=(OCSP_SIGNING,))
    done = gnutls(begin(start, answer(pki.ca, pki.server, signer=delegate)), pki)
    assert done.returncode == 0, done.stdout
    assert "OCSP status request" in done.stdout


def test_gnutls_refuses_a_server_that_says_it_is_revoked(start, pki):
    delegate = pki.ca.issue("responder", eku=(OCSP_SIGNING,))
    done = gnutls(begin(start, answer(pki.ca, pki.server, REVOKED, signer=delegate)), pki)
    assert done.returncode == 1
    assert "revoked" in done.stdout


def bad_answers(pki):
    stranger = Authority("Scenario Root")
    return {
        "unknown": (answer(pki.ca, pki.server, ocsp.OCSPCertStatus.UNKNOWN), "unknown"),
        "of another": (answer(pki.ca, pki.alice), "about something else"),
        "of a stranger": (answer(pki.ca, pki.server, signer=stranger), "signed by somebody who"),
        "of the server": (answer(pki.ca, pki.server, signer=pki.server), "signed by somebody who"),
        "stale": (answer(pki.ca, pki.server, start=now() - 25 * HOUR), "stale"),
        "early": (answer(pki.ca, pki.server, start=now() + HOUR), "not yet valid"),
        "garbage": (b"\x30\x03\x0a\x01", "malformed"),
        "cut": (answer(pki.ca, pki.server)[:-1], "malformed"),
        
    }


BAD = ["unknown", "of another", "of a stranger", "of the server", "stale", "early", "garbage",
       "cut"]


@pytest.mark.countersign  # nginx sends whatever is in the file
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", BAD)
def test_what_would_do_harm_is_not_shown(start, pki, what, version):
    der, why = bad_answers(pki)[what]
    gw = begin(start, der)
    assert "OCSP response: no response sent" in shown(gw, version)
    assert f"is not sent to clients: it is {why}" in gw.log() + gw.said()


@pytest.mark.countersign
def test_a_revoked_one_is_shown_and_warned_of(start, pki):
    gw = begin(start, answer(pki.ca, pki.server, REVOKED))
    assert "Cert Status: revoked" in shown(gw, "1.3")
    assert "is revoked, says the OCSP response" in gw.log() + gw.said()
    assert "keyCompromise" in gw.log() + gw.said()


@pytest.mark.countersign
@pytest.mark.parametrize("body, words", [
    ("ssl_stapling on; ssl_stapling_file @dir@/missing;", "cannot read"),
    ("ssl_stapling perhaps;", "ssl_stapling")])
def test_what_cannot_be_done_is_refused(start, body, words):
    gw = start(server(body + " return 200;"), start=False)
    gw.write()
    done = run("check", "-c", gw.conf)
    assert done.returncode == 1
    assert words in done.stdout + done.stderr
