"""Pins and trust domains: what is asked of a peer beside a good chain."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import wire
from backend import Backend, server_context
from gateway import StartFailure, server

pytestmark = pytest.mark.countersign

TELL = 'location / { return 200 "$server_name|$ssl_client_verify|$ssl_session_reused"; }'
LOG = "mtls_failure_log @dir@/failures.log format=json; "
PROXY = """
    server {
        listen 127.0.0.1:@http@;
        location / {
            proxy_ssl_verify on; proxy_ssl_trusted_certificate @pki@/ca.pem;
            proxy_ssl_name a.test; @extra@ proxy_pass https://@backend@;
        }
    }"""


def digest(cert):
    return hashlib.sha256(cert.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def pin(cert):
    return "sha256//" + base64.b64encode(digest(cert)).decode()


def records(gw):
    with open(gw.path("failures.log")) as lines:
        return [json.loads(line) for line in lines]


def visit(gw, identity=None, sni="a.test", session=None, version="1.3", ctx=None):
    ctx = ctx or wire.context(identity, version=version)
    with wire.tls(gw.port["tls"], ctx=ctx, sni=sni, session=session) as client:
        answer = client.request("GET", "/", [("Connection", "close")], host=sni)
        client.rest()
        return answer, client.reused, client.session


@pytest.fixture
def workload(pki):
    def issue(name, *uris):
        return pki.ca.issue(name, san=["uri:" + uri for uri in uris]).save(pki.dir, name)
    return issue


@pytest.mark.parametrize("spelling", [pin, lambda cert: digest(cert).hex(),
                                      lambda cert: pin(cert).replace("//", "/", 1)],
                         ids=["base64", "hex", "one slash"])
def test_a_pinned_client_passes_and_others_are_refused(start, pki, spelling):
    gw = start(server(LOG + f"mtls_pin {pin(pki.server.cert)} {spelling(pki.alice.cert)};" + TELL))
    for _ in range(2):  # the second time from memory
        assert visit(gw, pki.alice)[0].text.startswith("a.test|SUCCESS")
        answer, _, _ = visit(gw, pki.bob)
        assert answer.status == 400
        assert "not one that is pinned here" in answer.text
    record = records(gw)[0]
    assert record["code"] == "pin-mismatch"
    assert pin(pki.bob.cert) in record["detail"] and pin(pki.alice.cert) in record["detail"]


def test_a_ca_can_be_pinned(start, pki):
    gw = start(server(LOG + "ssl_verify_depth 3; " + f"mtls_pin {pin(pki.issuing.cert)};" + TELL))
    assert visit(gw, pki.alice)[0].status == 400, "of the root, not of the issuing CA"
    with wire.tls(gw.port["tls"], ctx=wire.context(pki.deep), sni="a.test") as client:
        assert client.request("GET", "/", host="a.test").text.startswith("a.test|SUCCESS")


def test_a_pin_is_asked_inside_the_handshake_too(start, pki):
    gw = start(server(LOG + f"mtls_reject handshake; mtls_pin {pin(pki.alice.cert)};" + TELL))
    assert visit(gw, pki.alice)[0].status == 200
    with pytest.raises(OSError):
        visit(gw, pki.bob, version="1.2")
    gw.wait_log(r"\[pin-mismatch\]")


def test_nobody_vouches_and_the_key_is_not_pinned(start, pki):
    """optional_no_ca forgives an unknown issuer, and not another key."""
    gw = start(server(LOG + f"mtls_pin {pin(pki.stranger.cert)};" + TELL, verify="optional_no_ca"))
    answer, _, _ = visit(gw, pki.stranger)
    assert answer.status == 200 and "FAILED" in answer.text
    assert visit(gw, pki.self_signed)[0].status == 400


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("demand", ["pin", "domain"])
def test_a_session_of_another_demand_means_a_full_handshake(start, pki, workload, version, demand):
    client = workload("pump", "spiffe://demo.test/pump")
    good, other = ((pin(client.cert), pin(pki.bob.cert)) if demand == "pin"
                   else ("demo.test", "other.test"))
    name = "mtls_pin" if demand == "pin" else "mtls_trust_domain"
    gw = start(server(LOG + f"{name} {good};" + TELL)
               + server(LOG + f"{name} {other};" + TELL, name="b.test")
               + server(LOG + f"{name} {good} {other};" + TELL, name="c.test"))
    ctx = wire.context(client, version=version)
    _, _, session = visit(gw, ctx=ctx)
    again, reused, _ = visit(gw, ctx=ctx, session=session)
    assert reused and again.text == "a.test|SUCCESS|r"
    refused, reused, _ = visit(gw, None, "b.test", session, ctx=ctx)
    assert refused.status == 400 and not reused
    passed, reused, _ = visit(gw, None, "c.test", session, ctx=ctx)
    assert passed.text == "c.test|SUCCESS|.", "by its certificate, not by its session"


def test_a_trust_domain_is_asked_of_the_spiffe_id(start, pki, workload):
    gw = start(server(LOG + "mtls_trust_domain demo.test site.test;" + TELL))
    assert visit(gw, workload("one", "spiffe://demo.test/one"))[0].status == 200
    assert visit(gw, workload("two", "spiffe://site.test/two"))[0].status == 200
    refused = [workload("three", "spiffe://other.test/demo.test"),
               workload("four", "https://demo.test/four"), pki.alice]
    for client in refused:
        answer, _, _ = visit(gw, client)
        assert answer.status == 400
        assert "other.test" not in answer.text or client is refused[0]
    found = [r for r in records(gw) if "repeats" not in r]
    assert [r["code"] for r in found] == ["trust-domain-unknown"] * 3
    assert "spiffe://other.test/demo.test" in found[0]["detail"]
    assert "demo.test, site.test" in found[0]["detail"]


def test_an_upstream_can_be_pinned(start, pki):
    with Backend(tls=server_context(pki.server)) as backend:
        for pinned, status in (pki.server, 200), (pki.ca, 200), (pki.bob, 502):
            gw = start(PROXY, backend=backend, extra=f"mtls_proxy_pin {pin(pinned.cert)};")
            with wire.connect(gw.port["http"]) as connection:
                assert connection.request("GET", "/").status == status
            if status == 502:
                gw.wait_log(r"\[pin-mismatch\]")


def test_an_upstream_connection_of_another_pin_is_not_shared(start, pki):
    body = """
        upstream up { server @backend@; keepalive 8; }
        server {
            listen 127.0.0.1:@http@;
            proxy_ssl_verify on; proxy_ssl_trusted_certificate @pki@/ca.pem;
            proxy_ssl_name a.test; proxy_http_version 1.1; proxy_set_header Connection "";
            location /good { mtls_proxy_pin %s; proxy_pass https://up; }
            location /bad { mtls_proxy_pin %s; proxy_pass https://up; }
        }""" % (pin(pki.server.cert), pin(pki.bob.cert))
    with Backend(tls=server_context(pki.server)) as backend:
        gw = start(body, backend=backend)
        with wire.connect(gw.port["http"]) as connection:
            for target, status in ("/good", 200), ("/bad", 502), ("/good", 200), ("/bad", 502):
                assert connection.request("GET", target).status == status


@pytest.mark.parametrize("line, verify, what", [
    ("mtls_pin sha256//AAAA;", "on", "is no pin"),
    ("mtls_trust_domain spiffe://demo.test;", "on", "is no trust domain"),
    ("mtls_trust_domain Demo.test;", "on", "is no trust domain"),
    ("mtls_trust_domain demo.test/a;", "on", "is no trust domain"),
    ("mtls_pin %s;" % ("0" * 64), "off", "has no effect without"),
    ("mtls_trust_domain demo.test;", "off", "has no effect without"),
])
def test_a_demand_that_cannot_hold_is_refused(start, line, verify, what):
    with pytest.raises(StartFailure, match=what):
        start(server(line + TELL, verify=verify))
