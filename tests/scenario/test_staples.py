"""OCSP responses about our own certificates that the steward fetches: shown while they are good, asked
for again in time, and never about another certificate than the one that is shown."""

import json
import re
import subprocess

import pytest
from cryptography import x509

import responder as faults
from backend import free_port
from gateway import StartFailure, run
from pki import Authority
from responder import OCSP_SIGNING, REVOKED, UNKNOWN, Responder, openssl_ocsp
from test_auto import Ca
from test_stapling import answer
from waiting import wait_for

pytestmark = pytest.mark.countersign

BODY = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate @dir@/own.pem;
        ssl_certificate_key @dir@/own.key;
        ssl_trusted_certificate @pki@/ca.pem;
        ssl_stapling on;
        %s
        location / { return 200 "ok"; }
    }"""
MAIN = "mtls_state @dir@/state;"
MUST_STAPLE = (x509.TLSFeature([x509.TLSFeatureType.status_request]), False)
PATIENCE_S = 40  # the machine may be busy; what is waited for takes a second or two


@pytest.fixture
def asked(pki):
    one = Responder(pki.ca, pki.issuing)
    yield one
    one.stop()


def issue(pki, asked, *more, **how):
    """A certificate for the gateway, which names the responder."""
    return pki.ca.issue("a.test", san=["a.test"], eku=("server",),
                        extensions=[asked.aia(), *more], **how)


def begin(start, own, rules="", **words):
    return start(BODY % rules, main=MAIN, prepare=lambda folder: own.save(folder, "own"), **words)


class Seen:
    """What openssl says when it connects: the certificate's serial number and what is stapled."""

    def __init__(self, gw, version="1.3"):
        out = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}", "-servername",
             "a.test", "-status", "-tls" + version.replace(".", "_")],
            input="", capture_output=True, text=True, timeout=60, check=False).stdout
        pem = re.search(r"Server certificate\n(-----BEGIN .*?-----END CERTIFICATE-----)", out, re.S)
        self.serial = pem and x509.load_pem_x509_certificate(pem[1].encode()).serial_number
        self.says = self.about = self.update = None
        if "OCSP Response Status: successful" in out:
            self.says = re.search(r"Cert Status: (\w+)", out)[1]
            self.about = int(re.search(r"Serial Number: ([0-9A-F]+)", out)[1], 16)
            self.update = re.search(r"This Update: (.*)", out)[1]
            assert self.about == self.serial, out
        elif self.serial:
            assert "OCSP response: no response sent" in out, out


def becomes(gw, says, version="1.3"):
    """Wait until @says is stapled. Return: what was seen then."""
    def look():
        seen = Seen(gw, version)
        return seen if seen.says == says else None
    return wait_for(look, f"{says} to be stapled", PATIENCE_S)


def staples(gw):
    """What `countersign status` says: of the staples, and whether all is well."""
    done = run("status", "-p", gw.dir + "/", "-c", "gateway.conf", "--json")
    answered = json.loads(done.stdout)
    return answered["staples"], answered["healthy"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_it_is_fetched_and_kept(start, pki, asked, version):
    own = issue(pki, asked)
    gw = begin(start, own, workers=2)
    assert becomes(gw, "good", version).serial == own.serial
    (one,), healthy = staples(gw)
    assert (one["state"], one["says"], one["responder"]) == ("held", "good", asked.url)
    assert one["certificate"].endswith("own.pem") and one["from"] < one["due"] < one["until"]
    assert healthy
    text = run("status", "-p", gw.dir + "/", "-c", "gateway.conf").stdout
    assert "OCSP responses shown to clients" in text and 'held, says "good" until' in text
    n = len(asked.asked)
    assert set(asked.asked) == {own.serial}
    asked.fault = faults.not_found
    gw.reload(settled=True)
    assert Seen(gw, version).says == "good"
    gw.stop()
    gw.start()
    assert Seen(gw, version).says == "good"
    assert len(asked.asked) == n  # it had what it needed


def test_it_is_fetched_again_in_time(start, pki, asked):
    asked.life_s, asked.age_s = 8, 0
    gw = begin(start, issue(pki, asked))
    first = becomes(gw, "good").update
    wait_for(lambda: Seen(gw).update not in (None, first), "a fresh one", PATIENCE_S)
    assert not re.search(r"\[(warn|error|crit|alert)\]", gw.log())


def test_a_responder_that_is_down_at_start(start, pki, asked):
    asked.fault = faults.not_found
    gw = begin(start, issue(pki, asked))
    gw.wait_log(r"\[error\].*OCSP response about .*own\.pem.: none from http://127.*status 404; tried "
                r"again in .*; there is none meanwhile", PATIENCE_S)
    assert Seen(gw).says is None
    (one,), healthy = staples(gw)
    assert one["state"] == "awaited" and "404" in one["error"] and not healthy
    asked.fault = None
    becomes(gw, "good")
    gw.wait_log(r"\[notice\].*OCSP response about .*own\.pem.: good, good until", PATIENCE_S)


def test_a_port_where_nobody_is(start, pki, asked):
    gw = begin(start, issue(pki, asked),
               f"ssl_stapling_responder http://127.0.0.1:{free_port()}/;")
    gw.wait_log(r"none from http://127.*onnect.*there is none meanwhile", PATIENCE_S)
    assert Seen(gw).says is None


def flipped(der):
    return der[:-1] + bytes([der[-1] ^ 1])


def liars(pki, asked):
    """What a responder does, and what is said of it."""
    def send(der):
        return {"fault": lambda handler: Responder.send(handler, der)}
    return {
        "garbage": ({"fault": faults.garbage}, "its answer is malformed"),
        "too much": ({"fault": faults.too_much}, "none from"),
        "later": ({"fault": faults.try_later}, "tryLater"),
        "nothing": ({"fault": faults.hang_up}, "none from"),
        "of another": (send(answer(pki.ca, pki.alice)), "about something else"),
        "another nonce": ({"nonce": "other"}, "about something else"),
        "expired": ({"life_s": -60, "age_s": 3600}, '"good" until'),
        "early": ({"life_s": 7200, "age_s": -3600}, '"good" from'),
        "unknown": ({"status": UNKNOWN}, "its answer is unknown"),
        "not signed": ({"flip": True}, "its answer is"),
        "of a stranger": ({"signer": Authority("Scenario Root")}, "signed by somebody who"),
        "of another CA": ({"signer": Authority("Other Root").issue("ocsp", eku=[OCSP_SIGNING])},
                          "signed by somebody who"),
        "no responder's": ({"signer": pki.ca.issue("ocsp")}, "signed by somebody who"),
    }


LIARS = ["garbage", "too much", "later", "nothing", "of another", "another nonce", "expired", "early",
         "unknown", "not signed", "of a stranger", "of another CA", "no responder's"]


def lie(asked, own, how):
    for name, value in how.items():
        if name == "status":
            asked.status[own.serial] = value
        elif name == "flip":
            honest = asked.answer
            asked.answer = lambda request: flipped(honest(request))
        else:
            setattr(asked, name, value)


@pytest.mark.parametrize("what", LIARS)
def test_what_a_liar_says_is_not_shown(start, pki, asked, what):
    own = issue(pki, asked)
    how, words = liars(pki, asked)[what]
    lie(asked, own, how)
    gw = begin(start, own)
    gw.wait_log(rf"\[error\].*OCSP response about .*own\.pem.*{words}.*there is none meanwhile",
                PATIENCE_S)
    assert Seen(gw).says is None


def test_what_is_in_hand_outlives_a_failure_but_not_its_end(start, pki, asked):
    asked.life_s, asked.age_s = 24, 0
    gw = begin(start, issue(pki, asked))
    becomes(gw, "good")
    asked.fault = faults.garbage
    gw.wait_log(r"\[warn\].*its answer is malformed.*the one in hand is good until", PATIENCE_S)
    assert Seen(gw).says == "good"
    (one,), _ = staples(gw)
    assert one["state"] == "not renewed" and "malformed" in one["error"]
    becomes(gw, None)  # clients would refuse one that is out of date


def test_a_new_certificate_gets_its_own(start, pki, asked):
    first, second = issue(pki, asked), issue(pki, asked)
    gw = begin(start, first, workers=2)
    assert becomes(gw, "good").serial == first.serial
    asked.gate.clear()
    second.save(gw.dir, "own")
    wait_for(lambda: Seen(gw).serial == second.serial, "the new certificate", PATIENCE_S)
    assert Seen(gw).says is None  # Seen compares what is stapled with the certificate
    asked.gate.set()
    assert becomes(gw, "good").serial == second.serial
    asked.fault = faults.not_found
    gw.stop()
    gw.start()
    assert Seen(gw).about == second.serial


def test_a_revoked_one_is_shown_and_warned_of(start, pki, asked):
    own = issue(pki, asked)
    asked.status[own.serial] = REVOKED
    gw = begin(start, own)
    becomes(gw, "revoked")
    gw.wait_log(r"\[warn\].*is revoked, says the OCSP response.*keyCompromise.*\[staple-revoked\]",
                PATIENCE_S)
    assert staples(gw)[0][0]["says"] == "revoked"


def test_one_that_must_be_stapled(start, pki, asked):
    asked.fault = faults.not_found
    gw = begin(start, issue(pki, asked, MUST_STAPLE))
    assert "may only be shown with an OCSP response" in gw.log() + gw.said()
    gw.wait_log(r"there is none meanwhile, which the certificate demands \(must-staple\)", PATIENCE_S)
    asked.fault = None
    becomes(gw, "good")
    told = len(gw.log())
    issue(pki, asked, MUST_STAPLE).save(gw.dir, "own")
    gw.wait_log(r"\[warn\].*\[staple-demanded\]", PATIENCE_S, start=told)
    becomes(gw, "good")


def test_the_configured_responder_is_asked_instead(start, pki, asked):
    gone = Responder(pki.ca)
    gone.stop()
    gw = begin(start, issue(pki, gone), f"ssl_stapling_responder {asked.url};")
    becomes(gw, "good")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_followed(start, pki, asked, status):
    def redirect(handler):
        handler.send_response(status)
        handler.send_header("Location", there.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    there = Responder(pki.ca)
    try:
        asked.fault = redirect
        gw = begin(start, issue(pki, asked))
        becomes(gw, "good")
        assert asked.asked and there.asked
    finally:
        there.stop()


def test_but_not_for_ever(start, pki, asked):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", asked.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    asked.fault = redirect
    gw = begin(start, issue(pki, asked))
    gw.wait_log(r"none from .*edirect.*there is none meanwhile", PATIENCE_S)


@pytest.mark.parametrize("rules, why", [
    ("", "there is nobody to ask"),
    ("ssl_trusted_certificate @pki@/foreign-ca.pem; ssl_stapling_responder http://a.test/;",
     "who issued the certificate is not known")])
def test_where_nobody_can_be_asked_it_is_ignored(start, pki, rules, why):
    own = pki.ca.issue("a.test", san=["a.test"], eku=("server",))
    body = BODY.replace("ssl_trusted_certificate @pki@/ca.pem;", "" if rules else
                        "ssl_trusted_certificate @pki@/ca.pem;") % rules
    gw = start(body, main=MAIN, prepare=lambda folder: own.save(folder, "own"))
    done = run("check", "-c", gw.conf)
    assert done.returncode == 0
    assert f'own.pem": {why}' in done.stdout + done.stderr
    assert f'own.pem": {why}' in gw.log() + gw.said()
    assert Seen(gw).says is None
    (one,), healthy = staples(gw)
    assert one["state"] == "ignored" and one["error"] and healthy


def test_an_address_that_is_none_is_refused(start, pki, asked):
    with pytest.raises(StartFailure, match="http://"):
        begin(start, issue(pki, asked), "ssl_stapling_responder https://a.test/;")


def test_several_certificates_as_with_a_file(start, pki, asked):
    """Which library is linked decides, as it does with ssl_stapling_file."""
    def prepare(folder):
        issue(pki, asked).save(folder, "own")
        issue(pki, asked, key_kind="rsa").save(folder, "rsa")

    gw = start(BODY % "ssl_certificate @dir@/rsa.pem; ssl_certificate_key @dir@/rsa.key;", main=MAIN,
               prepare=prepare)
    wait_for(lambda: len(staples(gw)[0]) == 2 and all(s["state"] == "held" for s in staples(gw)[0]),
             "both", PATIENCE_S)
    if "AWS-LC" in run("version").stdout:
        gw.wait_log(r"\[tls-staple-of-several\]", PATIENCE_S)
        assert Seen(gw).says is None
    else:
        becomes(gw, "good")


def test_openssl_answers(start, pki, tmp_path):
    own = pki.ca.issue("a.test", san=["a.test"], eku=("server",), serial=0xabc << 104)
    signer = pki.ca.issue("ocsp", eku=[OCSP_SIGNING]).save(tmp_path, "signer")
    with openssl_ocsp(tmp_path, f"{pki.dir}/ca.pem", signer.certfile, signer.keyfile,
                      {own.serial: None}) as url:
        gw = begin(start, own, f"ssl_stapling_responder {url};")
        assert becomes(gw, "good").serial == own.serial


AUTO = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate auto;
        ssl_stapling on;
        location / { return 200 "ok"; }
    }"""
AUTHORITY = MAIN + """
authority {
    listen 127.0.0.1:@authority@ ssl;
    listen 127.0.0.1:@public@;
    public_url http://127.0.0.1:@public@;
    store @ca@;
    user root;
}"""


def test_our_own_authority_answers(start, tmp_path):
    tmp_path.chmod(0o755)
    ca = Ca(tmp_path)
    gw = start(AUTO, main=AUTHORITY, ca=ca.dir)
    first = becomes(gw, "good")
    done = run("renew", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: Seen(gw).serial not in (None, first.serial), "another certificate", PATIENCE_S)
    assert becomes(gw, "good").serial != first.serial
    serial = becomes(gw, "good").serial
    gw.stop()
    gw.start()
    assert becomes(gw, "good").serial == serial
