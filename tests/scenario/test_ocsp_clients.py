"""Clients about whom OCSP responders are asked: who is let in, who is refused with which cause,
what is asked and what is remembered, and who is cut."""

import datetime
import json
import os
import subprocess
import threading
import time

import pytest

import responder as faults
import wire
from backend import free_port
from gateway import BINARY, IS_ROOT, StartFailure, listens, run, server
from pki import Authority, now
from responder import GOOD, OCSP_SIGNING, REVOKED, UNKNOWN, Responder, openssl_ocsp
from waiting import wait_for

pytestmark = pytest.mark.countersign

MAIN = "mtls_state @dir@/state;"
FAILURES = "mtls_failure_log @dir@/failures.json format=json;\n"
TELL = 'location / { return 200 "$ssl_client_verify|$ssl_session_reused"; }'
HOUR = datetime.timedelta(hours=1)
CACHED = "ssl_ocsp_cache shared:ocsp:1m;"


@pytest.fixture
def asked(pki):
    one = Responder(pki.ca, pki.issuing)
    yield one
    one.stop()


@pytest.fixture
def client(pki, asked, tmp_path):
    return pki.ca.issue("asked", extensions=[asked.aia()]).save(tmp_path, "asked")


def begin(start, rules="ssl_ocsp leaf;", **options):
    return start(server(FAILURES + rules + TELL, verify=options.pop("verify", "on")), main=MAIN,
                 **options)


def failures(gw):
    return [json.loads(line) for line in gw.read("failures.json").splitlines()]


def cause(gw):
    """The code of the last failure record."""
    return wait_for(lambda: failures(gw), "a record")[-1]["code"]


def visit(gw, who, **how):
    return wire.get(gw.port["tls"], who, **how)


# what an answer means

@pytest.mark.parametrize("status, http, code", [
    (GOOD, 200, None), (REVOKED, 400, "revoked"), (UNKNOWN, 400, "ocsp-unknown")])
@pytest.mark.parametrize("rules", ["ssl_ocsp leaf;", "ssl_ocsp on;", "mtls_revocation ocsp;",
                                   "mtls_revocation both leaf;", "ssl_ocsp on;" + CACHED])
def test_what_the_responder_says_counts(start, asked, client, rules, status, http, code):
    asked.status[client.serial] = status
    gw = begin(start, rules)
    answer = visit(gw, client)
    assert answer.status == http, gw.log()
    assert asked.asked == [client.serial]
    if code:
        assert cause(gw) == code
        assert asked.url in json.dumps(failures(gw)[-1])
    else:
        assert answer.text == "SUCCESS|."


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_client_is_told(start, asked, client, version):
    asked.status[client.serial] = UNKNOWN
    gw = begin(start)
    told = visit(gw, client, version=version, headers=[("Accept", "application/json")])
    assert told.status == 400
    assert told.json()["code"] == "ocsp-unknown"
    assert "could not be determined" in told.json()["detail"]
    assert "127.0.0.1" not in told.text
    done = wire.curl(f"https://a.test:{gw.port['tls']}/", "-k", cert=client)
    assert done.status == 400


@pytest.mark.parametrize("fault, code", [
    (faults.silence, "ocsp-unreachable"), (faults.garbage, "ocsp-unreachable"),
    (faults.too_much, "ocsp-unreachable"), (faults.not_found, "ocsp-unreachable"),
    (faults.try_later, "ocsp-unreachable"), (faults.hang_up, "ocsp-unreachable"),
])
@pytest.mark.parametrize("rule", ["hard", "soft"])
def test_a_responder_that_fails(start, asked, client, fault, code, rule):
    asked.fault = fault
    gw = begin(start, f"mtls_revocation ocsp {rule};")
    begun = time.monotonic()
    answer = visit(gw, client)
    assert time.monotonic() - begun < 20
    if rule == "soft":
        assert answer.text == "SUCCESS|."
        gw.wait_log(r"\[warn\].*nothing of today says that it is not revoked.*"
                    r"\[revocation-unknown\]")
    else:
        assert answer.status == 400
        assert cause(gw) == code


@pytest.mark.parametrize("rule, status", [("hard", 400), ("soft", 200)])
def test_a_port_where_nobody_is(start, pki, tmp_path, rule, status):
    gw = begin(start, f"ssl_ocsp_responder http://127.0.0.1:{free_port()}/;"
                      f"mtls_revocation ocsp {rule};")
    assert visit(gw, pki.alice).status == status
    if status == 400:
        assert cause(gw) == "ocsp-unreachable"
        gw.wait_log(r"no OCSP responder says whether client certificate .CN=alice.*onnect.*\[ocsp-unreachable\]")


def test_a_certificate_that_names_no_responder(start, pki):
    gw = begin(start)
    assert visit(gw, pki.alice).status == 400
    assert cause(gw) == "ocsp-unreachable"
    gw.wait_log("names none at an http:// address")


@pytest.mark.parametrize("life_s, age_s, grace, status", [
    (-60, 3600, "", 400), (-60, 3600, "grace=1h", 200), (-60, 3600, "grace=30s", 400),
    (-60, 3600, "soft", 200), (7200, -3600, "", 400), (7200, -200, "", 200),
    (None, 60, "", 200)])
def test_an_answer_of_another_day(start, asked, client, life_s, age_s, grace, status):
    asked.life_s, asked.age_s = life_s, age_s
    gw = begin(start, f"mtls_revocation ocsp {grace};")
    assert visit(gw, client).status == status
    if status == 400:
        assert cause(gw) == "ocsp-stale"


def test_revoked_is_revoked_even_when_the_answer_is_old(start, asked, client):
    asked.life_s, asked.age_s = -60, 3600
    asked.status[client.serial] = REVOKED
    gw = begin(start, "mtls_revocation ocsp soft grace=1d;")
    assert visit(gw, client).status == 400
    assert cause(gw) == "revoked"


@pytest.mark.parametrize("who, status", [
    ("delegate", 200), ("without the usage", 400), ("of another CA", 400), ("expired", 400)])
def test_who_may_sign(start, pki, asked, client, who, status):
    other = Authority("Other Root")
    asked.signer = {
        "delegate": lambda: pki.ca.issue("ocsp", eku=[OCSP_SIGNING]),
        "without the usage": lambda: pki.ca.issue("ocsp"),
        "of another CA": lambda: other.issue("ocsp", eku=[OCSP_SIGNING]),
        "expired": lambda: pki.ca.issue("ocsp", eku=[OCSP_SIGNING], not_after=now() - HOUR),
    }[who]()
    gw = begin(start)
    assert visit(gw, client).status == status
    if status == 400:
        assert cause(gw) == "ocsp-unauthorized"


@pytest.mark.parametrize("nonce, status", [("echo", 200), ("none", 200), ("other", 400)])
def test_an_answer_to_another_question(start, asked, client, nonce, status):
    asked.nonce = nonce
    gw = begin(start)
    assert visit(gw, client).status == status


def test_the_whole_chain_or_the_leaf(start, pki, asked, tmp_path):
    middle = Authority("Asked Middle", parent=pki.ca)
    asked.authorities += (middle,)
    below = middle.issue("below", extensions=[asked.aia()]).save(tmp_path, "below")
    asked.status[middle.cert.serial_number] = REVOKED
    rules = f"ssl_ocsp_responder {asked.url};"
    gw = begin(start, "ssl_ocsp leaf;" + rules)
    assert visit(gw, below).status == 200
    assert asked.asked == [below.serial]
    gw = begin(start, "ssl_ocsp on;" + rules)
    assert visit(gw, below).status == 400
    assert set(asked.asked) == {below.serial, middle.cert.serial_number}
    assert cause(gw) == "revoked"


@pytest.mark.parametrize("late", ["leaf", "issuer"])
def test_answers_about_a_chain_come_in_any_order(start, pki, asked, tmp_path, late):
    middle = Authority("Asked Middle", parent=pki.ca)
    asked.authorities += (middle,)
    below = middle.issue("below").save(tmp_path, "below")
    serials = {"leaf": below.serial, "issuer": middle.cert.serial_number}
    asked.delay_s[serials[late]] = 0.5
    rules = f"ssl_ocsp on; ssl_ocsp_responder {asked.url};"
    assert visit(begin(start, rules), below).status == 200
    for revoked in serials.values():
        asked.status = {revoked: REVOKED}
        gw = begin(start, rules)
        assert visit(gw, below).status == 400
        assert cause(gw) == "revoked"
        assert not [f for f in failures(gw) if f["stage"] == "open"]


def test_who_has_no_certificate_is_not_asked_about(start, asked):
    gw = begin(start, "ssl_ocsp on;", verify="optional")
    assert visit(gw, None).text == "NONE|."
    assert not asked.asked


# what is asked, and remembered

def test_many_wait_for_one_question(start, asked, client):
    asked.gate.clear()
    gw = begin(start, "ssl_ocsp leaf;" + CACHED, workers=2)
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(visit(gw, client).status))
               for _ in range(20)]
    for one in clients:
        one.start()
    wait_for(lambda: asked.asked, "a question")
    time.sleep(0.3)
    assert not answers
    asked.gate.set()
    for one in clients:
        one.join()
    assert answers == [200] * 20
    assert asked.asked == [client.serial]
    for _ in range(8):
        assert visit(gw, client).status == 200
    assert asked.asked == [client.serial]


def test_without_a_cache_each_connection_asks(start, asked, client):
    gw = begin(start)
    for _ in range(3):
        assert visit(gw, client).status == 200
    assert len(asked.asked) == 3
    asked.status[client.serial] = REVOKED
    assert visit(gw, client).status == 400


def test_a_restart_asks_for_nothing_it_has(start, asked, client):
    gw = begin(start, "ssl_ocsp leaf;" + CACHED)
    assert visit(gw, client).status == 200
    gw.stop()
    assert os.stat(gw.path("state/ocsp")).st_mode & 0o777 == 0o600
    gw.start()
    assert visit(gw, client).status == 200
    assert len(asked.asked) == 1
    gw.stop()
    with open(gw.path("state/ocsp"), "r+b") as file:
        file.write(b"something else")
    gw.start()
    assert visit(gw, client).status == 200
    assert len(asked.asked) == 2


def test_a_reload_keeps_what_is_known(start, asked, client):
    gw = begin(start, "ssl_ocsp leaf;" + CACHED)
    assert visit(gw, client).status == 200
    gw.reload()
    assert visit(gw, client).status == 200
    assert len(asked.asked) == 1


def test_a_responder_that_comes_back(start, asked, client):
    asked.fault = faults.not_found
    gw = begin(start, "ssl_ocsp leaf;" + CACHED)
    assert visit(gw, client).status == 400
    assert visit(gw, client).status == 400
    assert len(asked.asked) == 1  # not again at once
    asked.fault = None
    wait_for(lambda: visit(gw, client).status == 200, "an answer")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_resumed_session_goes_by_the_same_answers(start, asked, client, version):
    asked.life_s = 3
    gw = begin(start, "ssl_ocsp leaf;" + CACHED)
    ctx = wire.context(client, version=version)

    def come(session=None):
        with wire.tls(gw.port["tls"], ctx=ctx, session=session) as one:
            answer = one.request("GET", "/", [("Connection", "close")])
            one.rest()
            return answer, one.session

    assert come()[0].status == 200  # no session of somebody who is still asked about
    answer, session = come()
    assert answer.text == "SUCCESS|."
    assert come(session)[0].text == "SUCCESS|r"
    asked.status[client.serial] = REVOKED
    wait_for(lambda: come(session)[0].status == 400, "the revocation")
    assert cause(gw) == "revoked"


# what status says

def shown(gw, *options):
    return run("status", "-p", gw.dir + "/", "-c", "gateway.conf", *options).stdout


def admitted(gw):
    """How often who was let in all the same, by code."""
    rows = json.loads(shown(gw, "--json"))["admissions"]
    return {row["code"]: row["count"] for row in rows}


@pytest.mark.parametrize("status, words", [
    (GOOD, "good"), (REVOKED, "revoked"), (UNKNOWN, "unknown")])
def test_status_shows_what_was_said(start, asked, client, status, words):
    asked.status[client.serial] = status
    gw = begin(start, "ssl_ocsp leaf;" + CACHED, workers=2)
    visit(gw, client)
    told = json.loads(shown(gw, "--json"))["ocsp"]
    assert told["certificates"] == told[words] == 1 and told["failing"] == 0
    one = told["last"][0]
    assert int(one["serial"], 16) == client.serial and one["responder"] == asked.url
    assert one["said"] == words and 0 <= one["age_sec"] < 60 and one["until"] > one["answered"]
    assert ("revoked" in one) == (status == REVOKED) and "failure" not in one
    text = shown(gw)
    assert f"serial {one['serial']}: {words}, said" in text and f"by {asked.url}" in text
    assert "asking failed last for 0" in text


def test_status_shows_who_does_not_answer(start, asked, client):
    gw = begin(start, "ssl_ocsp leaf;")
    assert visit(gw, client).status == 200
    asked.fault = faults.not_found
    assert visit(gw, client).status == 400
    told = json.loads(shown(gw, "--json"))["ocsp"]
    assert told["certificates"] == told["good"] == told["failing"] == 1
    one = told["last"][0]
    assert one["said"] == "good" and one["failure"] == "unreachable" and "404" in one["error"]
    assert "(unreachable)" in shown(gw)


@pytest.mark.parametrize("fault, status, code", [
    (faults.not_found, GOOD, "ocsp-unreachable"), (None, UNKNOWN, "ocsp-unknown")])
def test_who_is_let_in_all_the_same_is_counted(start, asked, client, fault, status, code):
    asked.fault, asked.status[client.serial] = fault, status
    gw = begin(start, "mtls_revocation ocsp soft;", workers=2)
    for _ in range(3):
        assert visit(gw, client).status == 200
    assert admitted(gw) == {code: 3}
    gw.wait_log(rf"mtls_revocation puts up with that \({code}\)")
    assert "let in all the same" in shown(gw)
    gw.reload()
    assert visit(gw, client).status == 200
    assert admitted(gw) == {code: 4}


@pytest.mark.parametrize("crl, code", [("crl-stale", "crl-expired"), (None, "crl-missing")])
def test_what_lists_leave_open_is_counted(start, pki, tmp_path, crl, code):
    path = f"{pki.dir}/{crl}.pem" if crl else str(tmp_path / "other.pem")
    if not crl:
        with open(path, "wb") as file:
            file.write(Authority("Elsewhere").crl())
    gw = begin(start, f"mtls_revocation leaf soft; ssl_crl {path};")
    assert visit(gw, pki.alice).status == 200
    assert admitted(gw) == {code: 1}


def test_nobody_is_counted_who_is_good_or_refused(start, asked, client, pki):
    gw = begin(start, "mtls_revocation ocsp soft; ssl_ocsp_cache off;")
    assert visit(gw, client).status == 200
    asked.status[client.serial] = REVOKED
    assert visit(gw, client).status == 400
    assert visit(gw, pki.stranger).status == 400
    assert not admitted(gw) and "let in all the same" not in shown(gw)


# who is cut

def test_open_connections_are_cut(start, pki, asked, client, tmp_path):
    asked.life_s = 4
    other = pki.ca.issue("other", extensions=[asked.aia()]).save(tmp_path, "other")
    gw = begin(start, "ssl_ocsp leaf;" + CACHED, workers=2)
    with wire.tls(gw.port["tls"], client) as one, wire.tls(gw.port["tls"], other) as two:
        assert one.request("GET", "/").status == 200
        assert two.request("GET", "/").status == 200
        asked.status[client.serial] = REVOKED
        assert one.ended(8)
        assert two.request("GET", "/").status == 200
    record = [f for f in failures(gw) if f["stage"] == "open"]
    assert [f["code"] for f in record] == ["revoked"]


def test_a_responder_that_falls_silent_cuts_nobody(start, asked, client):
    asked.life_s = 2
    gw = begin(start, "ssl_ocsp leaf;" + CACHED)
    with wire.tls(gw.port["tls"], client) as one:
        assert one.request("GET", "/").status == 200
        asked.fault = faults.not_found
        n = len(asked.asked)
        wait_for(lambda: len(asked.asked) > n, "a refresh")
        time.sleep(2)
        assert one.request("GET", "/").status == 200
    assert visit(gw, client).status == 400


# others that answer

def test_openssl_answers(start, pki, tmp_path):
    one = pki.ca.issue("one").save(tmp_path, "one")
    two = pki.ca.issue("two").save(tmp_path, "two")
    signer = pki.ca.issue("ocsp", eku=[OCSP_SIGNING]).save(tmp_path, "signer")
    known = {one.serial: None, two.serial: "keyCompromise"}
    with openssl_ocsp(tmp_path, f"{pki.dir}/ca.pem", signer.certfile, signer.keyfile,
                      known) as url:
        gw = begin(start, f"ssl_ocsp leaf; ssl_ocsp_responder {url};" + CACHED)
        assert visit(gw, one).status == 200, gw.log()
        assert visit(gw, two).status == 400
        assert cause(gw) == "revoked"
        assert visit(gw, pki.alice).status == 400
        assert cause(gw) == "ocsp-unknown"


def test_our_own_authority_answers(start, tmp_path):
    """A CA of ours: its certificates name its responder, which knows what it has revoked."""
    folder, port = tmp_path / "ca", free_port()

    def ca(command, *words):
        return run("ca", command, "--dir", folder, *words)

    ca("init", "--name", "Example", "--url", f"http://127.0.0.1:{port}")
    for name in ("one", "two"):
        ca("issue", "--profile", "client", "--out", tmp_path / name, f"cn:{name}")
    process = subprocess.Popen(
        [BINARY, "ca", "serve", "--dir", folder, "--listen", f"127.0.0.1:{free_port()}",
         "--plain", f"127.0.0.1:{port}", *(["--user", "root"] if IS_ROOT else [])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), "the authority")
        gw = start(server(FAILURES + "ssl_ocsp leaf;" + TELL).replace(
            "@pki@/ca.pem", str(folder / "root.pem")), main=MAIN)

        def status(name):
            return wire.curl(f"https://a.test:{gw.port['tls']}/", "-k", "--cert",
                             str(tmp_path / name / "cert.pem"), "--key",
                             str(tmp_path / name / "key.pem")).status

        assert (status("one"), status("two")) == (200, 200), gw.log()
        ca("revoke", tmp_path / "two" / "cert.pem")
        wait_for(lambda: status("two") == 400, "the revocation")
        assert status("one") == 200
        assert cause(gw) == "revoked"
    finally:
        process.terminate()
        process.wait()


# configurations

@pytest.mark.parametrize("rules, verify, says", [
    ("ssl_ocsp on;", "optional_no_ca", "optional_no_ca"),
    ("ssl_ocsp on; mtls_revocation crl;", "on", "mtls_revocation crl"),
    ("mtls_revocation ocsp; ssl_crl @dir@/list.pem;", "on", "ssl_crl"),
    ("ssl_ocsp_responder https://a.test/; ssl_ocsp on;", "on", "http://"),
    ("ssl_ocsp_cache shared:x; ssl_ocsp on;", "on", "shared:name:size"),
])
def test_what_contradicts_itself_is_refused(start, pki, rules, verify, says):
    def prepare(folder):
        with open(folder + "/list.pem", "wb") as out:
            out.write(pki.ca.crl())

    with pytest.raises(StartFailure, match=says):
        begin(start, rules, verify=verify, prepare=prepare)
