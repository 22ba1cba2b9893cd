"""countersign doctor on what else may be said about a server's certificate: OCSP responses that are
stapled or asked for, and keys that are pinned. Those who staple and those who answer are others'."""

import base64
import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import responder as faults
from gateway import run
from pki import Authority, key_pem, now, write
from responder import GOOD, OCSP_SIGNING, REVOKED, UNKNOWN, Responder, aia, openssl_ocsp
from test_doctor import doctor, nginx, s_server
from test_stapling import answer

pytestmark = pytest.mark.countersign

NAMES = ["localhost", "ip:127.0.0.1"]
HOUR = datetime.timedelta(hours=1)
TRY_LATER = b"\x30\x03\x0a\x01\x03"


@pytest.fixture
def responder(pki):
    one = Responder(pki.ca)
    yield one
    one.stop()


@pytest.fixture
def served(pki, responder, request):
    """A server's certificate that names the responder, saved as its name says."""
    stem = f"served-{abs(hash(request.node.nodeid))}"
    who = pki.ca.issue("a.test", san=NAMES, eku=("server",), extensions=[responder.aia()])
    who.stem = stem
    return who.save(pki.dir, stem)


def staples(pki):
    """Each with the code that is found, of TLS servers that staple it."""
    stranger = Authority("Scenario Root")
    delegate = pki.ca.issue("responder", eku=(OCSP_SIGNING,))
    return {
        "good": (answer(pki.ca, pki.server), None),
        "delegated": (answer(pki.ca, pki.server, signer=delegate), None),
        "revoked": (answer(pki.ca, pki.server, REVOKED), "revoked"),
        "unknown": (answer(pki.ca, pki.server, UNKNOWN), "ocsp-unknown"),
        "stale": (answer(pki.ca, pki.server, start=now() - 25 * HOUR), "ocsp-stale"),
        "early": (answer(pki.ca, pki.server, start=now() + HOUR), "ocsp-stale"),
        "stale revoked": (answer(pki.ca, pki.server, REVOKED, start=now() - 25 * HOUR), "revoked"),
        "of another": (answer(pki.ca, pki.alice), "ocsp-staple-useless"),
        "of a stranger": (answer(pki.ca, pki.server, signer=stranger), "ocsp-unauthorized"),
        "of the server": (answer(pki.ca, pki.server, signer=pki.server), "ocsp-unauthorized"),
        "declined": (TRY_LATER, "ocsp-staple-useless"),
    }


STAPLES = ["good", "delegated", "revoked", "unknown", "stale", "early", "stale revoked",
           "of another", "of a stranger", "of the server", "declined"]


def saved(pki, der):
    name = hashlib.sha256(der).hexdigest()[:16]
    return write(f"{pki.dir}/{name}.der", der)


def facts(visit):
    return visit.facts("server-certificate")


# what is stapled

@pytest.mark.parametrize("what", STAPLES)
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_what_openssl_staples_is_judged(pki, what, version):
    der, code = staples(pki)[what]
    with s_server(pki, version, "-www", "-status_file", saved(pki, der)) as port:
        visit = doctor(pki, port)
    assert visit.code == code, visit.all
    assert facts(visit)["ocsp_by"] == "stapled"
    assert visit.ok("server-certificate") is (code is None)
    if code:
        assert "the response that the server stapled" in visit.all["detail"]
        assert visit.all["hint"]


@pytest.mark.parametrize("what", ["good", "revoked", "stale"])
def test_what_nginx_staples_is_judged(pki, what):
    der, code = staples(pki)[what]
    more = f"ssl_stapling on; ssl_stapling_file {saved(pki, der)};"
    with nginx(pki, verify="off", more=more) as port:
        visit = doctor(pki, port)
    assert visit.code == code, visit.all
    assert facts(visit)["ocsp_by"] == "stapled"


def test_a_reader_sees_whose_word_it_was(pki, served, responder):
    with s_server(pki, "-www", "-status_file", saved(pki, answer(pki.ca, pki.server))) as port:
        stapled = run("doctor", "--ca", f"{pki.dir}/ca.pem", f"localhost:{port}")
    assert stapled.returncode == 0, stapled.stdout
    assert 'OCSP          the stapled response: "good" of ' in stapled.stdout
    with s_server(pki, "-www", certificate=served.stem) as port:
        asked = run("doctor", "--ocsp", "--ca", f"{pki.dir}/ca.pem", f"localhost:{port}")
    assert asked.returncode == 0, asked.stdout
    assert f'OCSP          responder {responder.url}: "good" of ' in asked.stdout


def test_a_chain_that_is_not_accepted_is_told_first(pki):
    der, _ = staples(pki)["revoked"]
    with s_server(pki, "-www", "-status_file", saved(pki, der)) as port:
        visit = doctor(pki, port, ca="foreign-ca")
    assert visit.code == "issuer-unknown"
    assert facts(visit)["ocsp_by"] == "none"
    assert "the chain is not accepted" in facts(visit)["ocsp"]


# who is asked

@pytest.mark.parametrize("status, code", [(GOOD, None), (REVOKED, "revoked"),
                                          (UNKNOWN, "ocsp-unknown")])
def test_the_responder_is_asked(pki, served, responder, status, code):
    responder.status[served.serial] = status
    with s_server(pki, "-www", certificate=served.stem) as port:
        visit = doctor(pki, port, "--ocsp")
    assert visit.code == code, visit.all
    assert responder.asked == [served.serial]
    assert facts(visit)["ocsp_by"] == "responder"
    assert facts(visit)["ocsp_responder"] == responder.url
    assert facts(visit)["ocsp_said"] == status.name.lower()
    if code:
        assert responder.url in visit.all["detail"]


def late(responder):
    responder.age_s, responder.life_s = 7200, -3600


def forged(responder):
    responder.signer = Authority("Scenario Root").issue("responder", eku=(OCSP_SIGNING,))


def deaf(responder):
    responder.fault = faults.not_found


def busy(responder):
    responder.fault = faults.try_later


def gone(responder):
    responder.stop()


@pytest.mark.parametrize("fault, code, says", [
    (late, "ocsp-stale", '"good" until'), (forged, "ocsp-unauthorized", "may not answer"),
    (deaf, "ocsp-unreachable", "404"), (busy, "ocsp-unreachable", "tryLater"),
    (gone, "ocsp-unreachable", "connect")])
def test_a_responder_that_is_no_help(pki, served, responder, fault, code, says):
    fault(responder)
    with s_server(pki, "-www", certificate=served.stem) as port:
        visit = doctor(pki, port, "--ocsp")
    assert visit.code == code, visit.all
    assert says in visit.all["detail"] and responder.url in visit.all["detail"]
    assert visit.ok("request") is True, "the rest is seen all the same"


def test_nobody_is_asked_without_being_told_to(pki, served, responder):
    with s_server(pki, "-www", certificate=served.stem) as port:
        visit = doctor(pki, port)
    assert visit.code is None and not responder.asked
    assert facts(visit)["ocsp_by"] == "none"


def test_nobody_is_asked_when_a_response_is_stapled(pki, served, responder):
    der = answer(pki.ca, served)
    with s_server(pki, "-www", "-status_file", saved(pki, der), certificate=served.stem) as port:
        visit = doctor(pki, port, "--ocsp")
    assert visit.code is None and not responder.asked
    assert facts(visit)["ocsp_by"] == "stapled"


def test_an_address_in_a_certificate_that_nobody_vouches_for_is_not_asked(pki, served, responder):
    with s_server(pki, "-www", certificate=served.stem) as port:
        visit = doctor(pki, port, "--ocsp", ca="foreign-ca")
    assert visit.code == "issuer-unknown" and not responder.asked


def test_a_certificate_that_names_no_responder(pki):
    with s_server(pki, "-www") as port:
        visit = doctor(pki, port, "--ocsp")
    assert visit.code == "ocsp-unreachable"
    assert "names none" in visit.all["detail"]


@pytest.mark.parametrize("reason, code", [(None, None), ("keyCompromise", "revoked")])
def test_openssl_answers(pki, tmp_path, reason, code):
    serial = x509.random_serial_number()
    key = write(f"{tmp_path}/ca.key", key_pem(pki.ca.key), 0o600)
    ca = f"{pki.dir}/ca.pem"
    with openssl_ocsp(tmp_path, ca, ca, key, {serial: reason}) as url:
        who = pki.ca.issue("a.test", san=NAMES, eku=("server",), serial=serial,
                           extensions=[aia(url)])
        who.save(pki.dir, f"openssl-{serial:x}")
        with s_server(pki, "-www", certificate=f"openssl-{serial:x}") as served_at:
            visit = doctor(pki, served_at, "--ocsp")
    assert visit.code == code, visit.all
    assert facts(visit)["ocsp_said"] == ("revoked" if reason else "good")
    if reason:
        assert reason in visit.all["detail"]


# pins

def digest(cert):
    spki = cert.public_key().public_bytes(serialization.Encoding.DER,
                                          serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def pin(cert):
    return "sha256//" + base64.b64encode(digest(cert)).decode()


def test_a_pinned_key_is_one_of_the_chain(pki):
    with s_server(pki, "-www") as port:
        for given in (pin(pki.server.cert), digest(pki.server.cert).hex(), pin(pki.ca.cert)):
            visit = doctor(pki, port, "--pin", given)
            assert visit.code is None, visit.all
            assert facts(visit)["pin"] == pin(pki.server.cert)
        both = doctor(pki, port, "--pin", pin(pki.server.cert), "--pin", pin(pki.bob.cert))
        assert both.code is None, "one of them is enough"


def test_another_key_is_told_with_both_digests(pki):
    with s_server(pki, "-www") as port:
        visit = doctor(pki, port, "--pin", pin(pki.bob.cert), "--pin", digest(pki.alice.cert).hex())
    assert visit.code == "pin-mismatch"
    for cert in (pki.server.cert, pki.bob.cert, pki.alice.cert):
        assert pin(cert) in visit.all["detail"]
    assert "pin the new one" in visit.all["hint"]
    assert visit.ok("request") is True


@pytest.mark.parametrize("value", ["", "sha256//", "sha256//AAAA", "ab" * 31, "pin"])
def test_what_is_no_pin_is_a_mistake(value):
    done = run("doctor", "--json", "--pin", value, "localhost:1")
    assert done.returncode == 2 and "--pin wants sha256//BASE64" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("option", [("--pin", "00" * 32), ("--ocsp",)])
def test_the_mirror_and_captures_take_neither(pki, option):
    done = run("doctor", *option, "--listen", "127.0.0.1:0", "--cert", f"{pki.dir}/server.pem")
    assert done.returncode == 2 and f"{option[0]} goes not with --listen" in done.stderr
    done = run("doctor", *option, f"{pki.dir}/server.pem")
    assert done.returncode == 2 and f"{option[0]} does not go with a captured file" in done.stderr
