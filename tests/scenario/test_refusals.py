"""Who gets in and who does not; and the log says which certificate failed which check."""

import re
import subprocess

import pytest
from cryptography import x509

import wire
from gateway import IS_NGINX, server
from pki import ONE_DAY, Authority, now, write

# who, the reason in $ssl_client_verify (nginx's words), what the log line must say of the check
REFUSED = [
    ("stranger", "unable to verify the first certificate|unable to get local issuer",
     "issuer|unable to verify|not trusted|unknown|anchor"),
    ("imposter", "unable to verify the first certificate|unable to get local issuer|signature",
     "issuer|unable to verify|signature|key|anchor"),
    ("self_signed", "self.signed certificate", "self.signed"),
    ("expired", "certificate has expired", "expired"),
    ("future", "certificate is not yet valid", "not yet valid|not valid before|future"),
    ("revoked", "certificate revoked", "revoked"),
    ("server_only", "unsuitable certificate purpose|unsupported certificate purpose",
     "purpose|extended.?key.?usage|clientAuth"),
]

VERSIONS = ["1.2", "1.3"]

BODY = """
        @crl@
        error_page 495 = /reason;
        location = /reason { internal; return 403 "$ssl_client_verify"; }
        location / { proxy_pass http://@backend@; }"""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_right_certificate_gets_200(start, pki, backend, version):
    gw = start(server(BODY), backend=backend, crl="ssl_crl @pki@/crl.pem;")
    answer = wire.get(gw.port["tls"], pki.alice, version=version, ca=pki.ca)
    assert answer.status == 200
    assert len(backend.requests) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_is_refused_and_logged(start, pki, backend, version):
    gw = start(server(), backend=backend)
    answer = wire.get(gw.port["tls"], None, version=version)
    assert answer.status == 400
    assert "No required SSL certificate was sent" in answer.text
    gw.wait_log(r"\[info\].*no required SSL certificate")
    assert backend.requests == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who, reason, check", REFUSED, ids=[r[0] for r in REFUSED])
def test_a_bad_certificate_is_refused_with_its_reason(start, pki, backend, who, reason, check,
                                                      version):
    crl = "ssl_crl @pki@/crl.pem;" if who == "revoked" else ""
    gw = start(server(BODY), backend=backend, crl=crl)
    identity = getattr(pki, who)
    answer = wire.get(gw.port["tls"], identity, version=version)
    assert answer.status == 403
    assert re.fullmatch(f"FAILED:({reason})", answer.text), answer.text
    line = gw.wait_log(r"\[info\][^\n]*client SSL certificate[^\n]*").group()
    assert re.search(check, line, re.I), line
    if not IS_NGINX:
        common_name = identity.cert.subject.rfc4514_string().split("CN=")[1].split(",")[0]
        assert common_name in line, "the line names the certificate"
    assert backend.requests == []


def test_a_bad_certificate_gets_a_400_page_of_its_own(start, pki, backend):
    gw = start(server(), backend=backend)
    with wire.tls(gw.port["tls"], pki.expired) as client:
        answer = client.request()
        assert answer.status == 400
        assert "The SSL certificate error" in answer.text
        assert not answer.keeps_alive()
        assert client.ended()
    assert backend.requests == []


def test_a_refused_client_gets_nothing_through_by_pipelining(start, pki, backend):
    gw = start(server(), backend=backend)
    with wire.tls(gw.port["tls"], pki.stranger) as client:
        client.send(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n" * 5)
        assert client.response().status == 400
        client.rest()
    assert backend.requests == []


def test_curl_sees_the_same_refusals(start, pki, backend):
    gw = start(server("        ssl_crl @pki@/crl.pem;\n"
                      "location / { proxy_pass http://@backend@; }"), backend=backend)
    url = f"https://a.test:{gw.port['tls']}/"
    assert wire.curl(url, cert=pki.alice, ca=pki.ca).status == 200
    for who in (None, pki.stranger, pki.expired, pki.revoked, pki.future, pki.server_only):
        assert wire.curl(url, cert=who, ca=pki.ca).status == 400


def test_a_chain_longer_than_verify_depth_is_refused(start, pki, backend):
    upper = Authority("Upper", parent=pki.ca)
    lower = Authority("Lower", parent=upper)
    far = lower.issue("faraway").save(pki.dir, "faraway")
    gw = start(server(), backend=backend)
    assert wire.get(gw.port["tls"], pki.deep).status == 200, "depth 1 allows one intermediate"
    assert wire.get(gw.port["tls"], far).status == 400
    gw.wait_log("client SSL certificate verify error" if IS_NGINX else "depth")
    two = start(server("        ssl_verify_depth 2;\n"
                       "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(two.port["tls"], far).status == 200


def test_every_issuer_needs_its_crl(start, pki, backend):
    """With ssl_crl, a certificate whose issuer has no CRL is refused: nobody can tell."""
    gw = start(server("        ssl_crl @pki@/crl.pem;\n"
                      "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(gw.port["tls"], pki.deep).status == 400
    gw.wait_log("client SSL certificate verify error|CRL")
    both = write(gw.path("both.pem"), open(pki.crl, "rb").read() + pki.issuing.crl())
    full = start(server(f"        ssl_crl {both};\n"
                        "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(full.port["tls"], pki.deep).status == 200


def test_a_revoked_intermediate_takes_its_leaves_with_it(start, pki, backend):
    crls = pki.ca.crl([pki.issuing.cert.serial_number]) + pki.issuing.crl()
    path = write(pki.dir + "/crl-issuing-revoked.pem", crls)
    gw = start(server(f"        ssl_crl {path};\n"
                      "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(gw.port["tls"], pki.deep).status == 400
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_a_stale_crl_refuses(start, pki, backend):
    gw = start(server("        ssl_crl @pki@/crl-stale.pem;\n"
                      "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(gw.port["tls"], pki.alice).status == 400
    gw.wait_log("CRL")


def test_a_leaf_cannot_issue(start, pki, backend):
    """A certificate that is signed by somebody's leaf is not trusted."""
    false_ca = Authority("x")
    false_ca.subject, false_ca.key = pki.alice.cert.subject, pki.alice.key
    forged = false_ca.issue("forged")
    forged.chain = [pki.alice.cert]
    forged.save(pki.dir, "forged")
    gw = start(server(), backend=backend)
    assert wire.get(gw.port["tls"], forged).status == 400


def test_identity_comes_from_the_leaf_and_not_from_its_companions(start, pki):
    """A good certificate that is presented behind a bad one helps nobody."""
    companion = pki.foreign.issue("trojan")
    companion.chain = [pki.alice.cert, pki.ca.cert]
    companion.save(pki.dir, "trojan")
    gw = start(server('return 200 "$ssl_client_s_dn";', verify="optional"))
    assert wire.get(gw.port["tls"], companion).status == 400


def test_any_extended_key_usage_and_none_are_accepted(start, pki, backend):
    plain = pki.ca.issue("plain", eku=()).save(pki.dir, "no-eku")
    anything = pki.ca.issue("anything", eku=("client", "server")).save(pki.dir, "both-eku")
    gw = start(server(), backend=backend)
    assert wire.get(gw.port["tls"], plain).status == 200
    assert wire.get(gw.port["tls"], anything).status == 200


def test_the_client_must_hold_the_key(start, pki, backend):
    """The certificate of alice with the key of bob does not get through the handshake."""
    gw = start(server(), backend=backend)
    done = subprocess.run(
        ["gnutls-cli", "--insecure", "--sni-hostname=a.test", "-p", str(gw.port["tls"]),
         "--x509certfile", pki.alice.certfile, "--x509keyfile", pki.bob.keyfile, "127.0.0.1"],
        input="GET / HTTP/1.0\n\n", capture_output=True, text=True, timeout=20, check=False)
    assert "200 OK" not in done.stdout
    assert backend.requests == []


def test_the_trusted_file_widens_trust_without_naming_its_cas(start, pki, backend):
    gw = start(server("        ssl_trusted_certificate @pki@/foreign-ca.pem;\n"
                      "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(gw.port["tls"], pki.stranger).status == 200
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}",
                           "-servername", "a.test"], input="", capture_output=True, text=True,
                          timeout=20, check=False)
    named = done.stdout.split("Acceptable client certificate CA names")[1].split("---")[0]
    assert "Scenario Root" in named and "Foreign Root" not in named


@pytest.mark.countersign
def test_a_name_with_a_nul_byte_refuses_the_certificate(start, pki, backend):
    sly = pki.ca.issue("sly", extensions=[(x509.SubjectAlternativeName(
        [x509.DNSName._init_without_validation("admin.test\0.evil.test")]), False)])
    sly.save(pki.dir, "nul-name")
    gw = start(server(), backend=backend)
    assert wire.get(gw.port["tls"], sly).status == 400
    assert backend.requests == []


def test_verify_off_asks_for_nothing(start, pki, backend):
    gw = start(server(verify="off"), backend=backend)
    assert wire.get(gw.port["tls"], None).status == 200
    assert wire.get(gw.port["tls"], pki.stranger).status == 200


def test_a_certificate_that_ends_in_a_day_still_counts(start, pki, backend):
    brief = pki.ca.issue("brief", not_after=now() + ONE_DAY).save(pki.dir, "brief")
    gw = start(server(), backend=backend)
    assert wire.get(gw.port["tls"], brief).status == 200
