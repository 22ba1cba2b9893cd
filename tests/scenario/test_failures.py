"""What fails is written down once, completely, where everybody looks: at the default level."""

import json
import os
import re
import signal
import socket
import ssl
import threading

import pytest
from cryptography.hazmat.primitives import hashes

import wire
from backend import Backend, server_context
from gateway import server
from pki import Authority
from waiting import wait_for

pytestmark = pytest.mark.countersign

ANSWER = "location / { return 200; }"
HANDSHAKE = "mtls_reject handshake; " + ANSWER
LOG = "mtls_failure_log @dir@/failures.log; "


def begin(start, body=ANSWER, **words):
    """A gateway whose error log is at the level that it has when nobody sets one."""
    return start(LOG + server(body), level=words.pop("level", "error"), **words)


def records(gw, n=1):
    """The first records of the failure log."""
    wait_for(lambda: gw.read("failures.log").count("\n") >= n, f"{n} records")
    return [json.loads(line) for line in gw.read("failures.log").splitlines()]


def errors(gw):
    return [line for line in gw.log().splitlines() if "[error]" in line]


def quietly(function, *arguments, **how):
    try:
        return function(*arguments, **how)
    except (ssl.SSLError, OSError, wire.Closed):
        return None


# each mechanism by which a connection or request fails: what is done, and the code of it

def no_certificate(port, pki):
    wire.get(port, None)


def an_expired_one(port, pki):
    quietly(wire.get, port, pki.expired)


def a_foreign_one(port, pki):
    quietly(wire.get, port, pki.stranger)


def an_old_protocol(port, pki):
    ctx = wire.context(pki.alice, ca=pki.ca)
    ctx.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    ctx.maximum_version = ssl.TLSVersion.TLSv1_1
    ctx.set_ciphers("DEFAULT:@SECLEVEL=0")
    quietly(wire.tls, port, ctx=ctx)


def a_client_that_does_not_trust_us(port, pki):
    quietly(wire.get, port, pki.alice, ca=Authority("Somebody Else").save(pki.dir, "else"))


def plain_http(port, pki):
    with wire.connect(port) as connection:
        connection.ask()


def ssh(port, pki):
    with wire.connect(port) as connection:
        connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.ended()


def garbage(port, pki):
    with wire.connect(port) as connection:
        connection.send(b"\x00garbage")
        connection.ended()


def half_a_hello(port, pki):
    with wire.connect(port) as connection:
        connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")


FAILURES = [
    (no_certificate, ANSWER, "certificate-missing", "authorize", 400),
    (no_certificate, HANDSHAKE, "certificate-missing", "handshake", None),
    (an_expired_one, ANSWER, "certificate-expired", "authorize", 400),
    (an_expired_one, HANDSHAKE, "certificate-expired", "handshake", None),
    (a_foreign_one, ANSWER, "issuer-unknown", "authorize", 400),
    (a_foreign_one, HANDSHAKE, "issuer-unknown", "handshake", None),
    (an_old_protocol, ANSWER, "no-shared-version", "handshake", None),
    (a_client_that_does_not_trust_us, ANSWER, "peer-rejected-certificate", "handshake", None),
    (plain_http, ANSWER, "http-on-tls-port", "authorize", 400),
    (ssh, ANSWER, "not-tls", "receive", 400),
    (garbage, ANSWER, "not-tls", "accept", None),
    (half_a_hello, ANSWER, "peer-closed", "handshake", None),
]


@pytest.mark.parametrize("fail, body, code, stage, status", FAILURES,
                         ids=[f"{f[0].__name__}-{f[3]}" for f in FAILURES])
def test_a_failure_leaves_one_line_and_one_record(start, pki, fail, body, code, stage, status):
    gw = begin(start, body)
    quietly(fail, gw.port["tls"], pki)
    gw.wait_log(rf"\[{code}\]")
    record = records(gw)[0]
    assert record["code"] == code
    assert record["stage"] == stage
    assert re.fullmatch("[0-9a-f]{16}", record["incident"])
    assert record["peer"].startswith("127.0.0.1:")
    assert record["local"] == f"127.0.0.1:{gw.port['tls']}"
    assert record["server"] == "a.test"
    assert record.get("status") == status
    lines = errors(gw)
    assert len(lines) == 1, lines
    assert f"[{code}], incident: {record['incident']}, client: {record['peer']}" in lines[0]
    assert record["primary"] in lines[0]


PAGE = "location /page { mtls_allow off; %s } " + ANSWER
BACK = "proxy_pass http://@backend@;"
DENIED = "mtls_allow cn:nobody; error_page 403 = /page; "

# how a refused request is answered: the error pages, who asks for which host, and the status
ANSWERED = [
    ("", "expired", "a.test", 400),
    ("", None, "a.test", 400),
    ("", "alice", "b.test", 421),
    ("mtls_allow cn:nobody; ", "alice", "a.test", 403),
    ("error_page 495 /page; " + PAGE % "return 200 page;", "expired", "a.test", 400),
    ("error_page 496 =401 /page; " + PAGE % "return 200 page;", None, "a.test", 401),
    ("error_page 495 = /page; " + PAGE % "return 402 page;", "expired", "a.test", 402),
    ("error_page 495 496 = https://help.test/; ", "expired", "a.test", 302),
    ("error_page 495 = /page; " + PAGE % BACK, "expired", "a.test", 400),
    (DENIED + PAGE % "return 410;", "alice", "a.test", 410),
    (DENIED + PAGE % BACK, "alice", "a.test", 200),
    (DENIED + PAGE % "proxy_pass http://127.0.0.1:@nobody@;", "alice", "a.test", 502),
]


@pytest.mark.parametrize("body, who, host, status", ANSWERED,
                         ids=[f"{row[3]}-{n}" for n, row in enumerate(ANSWERED)])
def test_a_record_says_how_the_client_was_answered(start, pki, backend, body, who, host, status):
    body += "" if "location" in body else ANSWER
    gw = start(LOG + server(body) + server(ANSWER, name="b.test", verify="optional"),
               level="error", backend=backend)
    answer = wire.get(gw.port["tls"], who and getattr(pki, who), host=host, sni="a.test")
    assert answer.status == status
    record = records(gw)[0]
    assert record["status"] == status
    assert record["stage"] in ("authorize", "route")
    assert len(records(gw)) == 1


def test_without_an_answer_a_record_has_no_status(start, pki):
    """It is written, whole, although the connection ends instead of being answered."""
    gw = begin(start, "error_page 495 = /page; " + PAGE % "return 444;")
    assert quietly(wire.get, gw.port["tls"], pki.expired) is None
    record = records(gw)[0]
    assert record["code"] == "certificate-expired" and "status" not in record


def test_a_client_that_leaves_before_its_error_page_is_told_of(start, pki, backend):
    gw = begin(start, "mtls_allow cn:nobody; error_page 403 = /hold; location /hold { mtls_allow off; "
               + BACK + "}" + ANSWER, backend=backend)
    with wire.tls(gw.port["tls"], pki.alice) as client:
        client.ask()
        wait_for(lambda: backend.requests, "the error page to be asked for")
        assert gw.read("failures.log") == ""
    record = records(gw)[0]
    assert record["code"] == "policy-denied" and "status" not in record
    assert len(record["chain"]) == 1 and record["tls"]["version"] == "TLSv1.3"
    assert 'GET / HTTP/1.1' in errors(gw)[0]
    backend.release()


def test_a_record_says_which_certificate_and_what_was_trusted(start, pki):
    gw = begin(start)
    wire.get(gw.port["tls"], pki.expired)
    record = records(gw)[0]
    leaf = record["chain"][0]
    fingerprint = pki.expired.cert.fingerprint(hashes.SHA256()).hex()
    assert leaf["sha256"] == fingerprint
    assert int(leaf["serial"], 16) == pki.expired.cert.serial_number
    assert leaf["subject"] == pki.expired.cert.subject.rfc4514_string()
    assert leaf["issuer"] == pki.ca.cert.subject.rfc4514_string()
    assert record["trust"] == [pki.ca.cert.subject.rfc4514_string()]
    assert record["tls"]["version"] == "TLSv1.3" and record["sni"] == "a.test"
    assert record["tls"]["end_ms"] >= record["tls"]["start_ms"] > 0
    line = errors(gw)[0]
    assert fingerprint in line and leaf["serial"] in line and "TLS: TLSv1.3" in line
    assert 'request: "GET / HTTP/1.1"' in line


def test_a_probe_is_no_failure(start, pki):
    """A connection that is closed before it has said anything was refused nothing."""
    gw = begin(start, level="info")
    wire.connect(gw.port["tls"]).close()
    gw.wait_log(r"\[info\].*client closed connection")
    mark = len(gw.log())
    wire.connect(gw.port["tls"]).reset()
    gw.wait_log(r"\[info\].*reset|\[info\].*closed", start=mark)
    assert not errors(gw) and not gw.read("failures.log")


def test_silence_until_the_time_is_over_is_a_failure(start, pki):
    gw = begin(start, "client_header_timeout 1s;\nlocation / { return 200; }")
    with wire.connect(gw.port["tls"]) as silent:
        assert silent.rest() == b""
    record = wait_for(lambda: records(gw), "a record")[0]
    assert record["code"] == "handshake-timeout" and record["stage"] == "accept"
    assert "within 1 s before the first byte" in record["primary"]
    assert len(errors(gw)) == 1


def test_silence_on_a_plain_port_is_none(start, pki):
    plain = "server { listen 127.0.0.1:@http@; client_header_timeout 1s; return 200; }"
    gw = start(LOG + plain, level="info")
    with wire.connect(gw.port["http"]) as silent:
        silent.rest()
    gw.wait_log(r"\[info\].*timed out")
    assert not errors(gw) and not gw.read("failures.log")


def test_who_is_silent_when_the_gateway_ends_is_no_failure(start, pki):
    gw = begin(start)
    with wire.connect(gw.port["tls"]):
        gw.stop()
    assert not errors(gw) and not gw.read("failures.log")


def test_nginx_words_stay_at_their_level(start, pki):
    gw = begin(start, level="info")
    wire.get(gw.port["tls"], pki.expired)
    gw.wait_log(r"\[info\].*client SSL certificate verify error: \(10:certificate has expired\)")
    assert len(errors(gw)) == 1


def test_repeats_are_counted_and_keep_the_id(start, pki):
    gw = begin(start)
    for _ in range(20):
        wire.get(gw.port["tls"], pki.expired)
    wire.get(gw.port["tls"], pki.stranger)
    first = records(gw)[0]
    gw.wait_log(r"\d+ more like incident " + first["incident"])
    wait_for(lambda: sum(r.get("repeats", 0) for r in records(gw)) == 19, "all of them")
    told = records(gw)
    assert {r["incident"] for r in told if r["code"] == "certificate-expired"} == {
        first["incident"]}
    assert [r["code"] for r in told if "repeats" not in r] == [
        "certificate-expired", "issuer-unknown"]
    assert len(errors(gw)) < 8


def test_repeats_are_told_and_counted_at_the_end(start, pki):
    gw = begin(start, level="info")
    for _ in range(3):
        wire.get(gw.port["tls"], pki.expired)
    gw.stop()
    assert re.search(r"2 more like incident", gw.log())
    assert re.search(r"failures so far: 3 certificate-expired, listener: 127.0.0.1:\d+, "
                     r'server: "a.test"', gw.log())


def test_counts_outlive_a_reload(start, pki):
    gw = begin(start, level="info")
    wire.get(gw.port["tls"], pki.expired)
    gw.reload(settled=True)
    wire.get(gw.port["tls"], pki.expired)
    gw.stop()
    assert re.search(r"failures so far: 2 certificate-expired", gw.log())


def test_the_failure_log_is_reopened(start, pki):
    gw = begin(start)
    wire.get(gw.port["tls"], pki.expired)
    records(gw)
    os.rename(gw.path("failures.log"), gw.path("failures.1"))
    gw.send_signal(signal.SIGUSR1)
    wait_for(lambda: os.path.exists(gw.path("failures.log")), "a new file")
    assert oct(os.stat(gw.path("failures.log")).st_mode & 0o777) == "0o644"

    def arrives():
        wire.get(gw.port["tls"], pki.stranger)
        return "issuer-unknown" in gw.read("failures.log")
    wait_for(arrives, "a record in the new file")


def test_text_and_off(start, pki):
    gw = start("mtls_failure_log @dir@/failures.log format=text;\n" + server(ANSWER)
               + server("mtls_failure_log off; " + ANSWER, name="b.test"), level="error")
    wire.get(gw.port["tls"], None, sni="b.test", host="b.test")
    wire.get(gw.port["tls"], pki.expired)
    gw.wait_log("✗", name="failures.log")
    text = gw.read("failures.log")
    assert "code: certificate-expired" in text and "certificate-missing" not in text
    assert "certificate-missing" in gw.log()


def test_the_variables_are_in_the_access_log(start, pki):
    gw = start(
        "log_format own '$mtls_failure_code $mtls_incident $status';\n" + LOG
        + server("access_log @dir@/own.log own; " + ANSWER), level="error")
    wire.get(gw.port["tls"], pki.expired)
    wire.get(gw.port["tls"], pki.alice)
    gw.wait_log(r"- - 200\n", name="own.log")
    assert gw.read("own.log").splitlines() == [
        f"certificate-expired {records(gw)[0]['incident']} 400", "- - 200"]


# upstreams

UPSTREAM = """location / { proxy_pass https://127.0.0.1:@up@; proxy_ssl_verify on;
    proxy_ssl_name up.test; proxy_ssl_trusted_certificate @pki@/ca.pem;
    proxy_connect_timeout 2s; }"""


def test_an_upstream_that_is_down(start, pki):
    gw = begin(start, UPSTREAM)
    assert wire.get(gw.port["tls"], pki.alice).status == 502
    record = records(gw)[0]
    assert record["code"] == "connection-refused" and record["side"] == "client"
    assert record["target"] == f"127.0.0.1:{gw.port['up']}"
    assert len(errors(gw)) == 1
    assert 'nginx: "connect() failed (111: Connection refused)"' in errors(gw)[0]


def test_an_upstream_that_speaks_plain_http(start, pki, nginx_backend):
    gw = begin(start, UPSTREAM, up=str(nginx_backend).rpartition(":")[2])
    assert wire.get(gw.port["tls"], pki.alice).status == 502
    assert records(gw)[0]["code"] == "http-on-tls-port"
    assert len(errors(gw)) == 1


def test_an_upstream_with_another_name(start, pki):
    with Backend(tls=server_context(pki.server)) as other:
        gw = begin(start, UPSTREAM, up=str(other).rpartition(":")[2])
        assert wire.get(gw.port["tls"], pki.alice).status == 502
        record = records(gw)[0]
        assert record["code"] == "name-mismatch" and record["host"] == "up.test"
        assert len(errors(gw)) == 1


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_an_upstream_that_wants_our_certificate(start, pki, version):
    context = server_context(pki.server, client_ca=pki.ca, version=version)
    with Backend(tls=context) as strict:
        body = UPSTREAM.replace("up.test", "a.test")
        gw = begin(start, body, up=str(strict).rpartition(":")[2])
        assert wire.get(gw.port["tls"], pki.alice).status == 502
        assert records(gw)[0]["code"] == "certificate-missing"
        assert len(errors(gw)) == 1, errors(gw)


# what the client is told

NASTY = 'O\'Brien <script>alert("x")</script> & {co}\\'


def ask(gw, cert, accept=None, **how):
    headers = [("Accept", accept)] if accept else []
    return wire.get(gw.port["tls"], cert, headers=headers, **how)


@pytest.mark.parametrize("accept, sent", [
    (None, "text/html; charset=utf-8"), ("*/*", "text/html; charset=utf-8"),
    ("text/plain", "text/plain; charset=utf-8"),
    ("application/problem+json", "application/problem+json"),
    ("application/json, text/plain;q=0.5, */*;q=0.1", "application/problem+json")])
def test_the_client_is_told_what_is_wrong_with_its_certificate(start, pki, accept, sent):
    gw = begin(start)
    expired = ask(gw, pki.expired, accept)
    assert expired.status == 400 and expired.header("Content-Type") == sent
    assert "The SSL certificate error" in expired.text
    assert "the client certificate expired on 20" in expired.text
    assert records(gw)[0]["incident"] in expired.text
    missing = ask(gw, None, accept)
    assert "No required SSL certificate was sent" in missing.text
    assert "CN=Scenario Root" in missing.text
    if "json" in sent:
        problem = json.loads(expired.body)
        assert problem["status"] == 400 and problem["title"] == "Bad Request"
        assert problem["incident"] == records(gw)[0]["incident"]
        assert problem["code"] == "certificate-expired"


def test_only_the_id_is_told_without_detail(start, pki):
    gw = begin(start, "mtls_error_detail off; " + ANSWER)
    for accept in (None, "text/plain", "application/json"):
        answer = ask(gw, pki.stranger, accept)
        assert "The SSL certificate error" in answer.text
        assert records(gw)[0]["incident"] in answer.text
        assert "Foreign" not in answer.text and "issuer" not in answer.text


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/problem+json"])
def test_a_certificate_injects_nothing(start, pki, tmp_path, accept):
    evil = Authority(NASTY, org="a b").issue("x").save(tmp_path, "evil")
    gw = begin(start)
    answer = ask(gw, evil, accept)
    assert answer.status == 400 and "issued by" in answer.text
    if "html" in accept:
        assert "<script" not in answer.text and "&lt;script" in answer.text
    if "json" in accept:
        assert '<script\\>alert(\\"x\\")' in json.loads(answer.body)["detail"]
    assert len(errors(gw)) == 1


def test_nothing_of_the_trust_set_is_told_that_was_not_sent(start, pki, tmp_path):
    """ssl_trusted_certificate is trusted without being named to clients."""
    secret = Authority("Secret Root").save(tmp_path, "secret")
    gw = begin(start, f"ssl_trusted_certificate {secret.certfile}; " + ANSWER)
    for cert in (None, pki.stranger, pki.self_signed):
        for accept in ("text/html", "application/json"):
            assert "Secret" not in ask(gw, cert, accept).text


def test_an_error_page_goes_before(start, pki):
    gw = begin(start, 'error_page 495 =403 /own; location = /own { internal; '
                      'return 403 "own $mtls_failure_code $mtls_incident"; } ' + ANSWER)
    answer = ask(gw, pki.expired, "application/json")
    assert answer.text == f"own certificate-expired {records(gw)[0]['incident']}"


def test_an_upstream_failure_is_told_by_its_id_only(start, pki):
    gw = begin(start, UPSTREAM)
    answer = ask(gw, pki.alice, "application/json")
    problem = json.loads(answer.body)
    assert problem == {"type": "about:blank", "title": "Bad Gateway", "status": 502,
                       "incident": records(gw)[0]["incident"]}


def test_another_host_than_the_handshake_was_for(start, pki):
    gw = start(LOG + server(ANSWER) + server(ANSWER, name="b.test", ca="foreign-ca.pem"),
               level="error")
    answer = ask(gw, pki.alice, "text/plain", host="b.test", sni="a.test")
    assert answer.status == 421 and "another host" in answer.text
    assert records(gw)[0]["code"] == "host-sni-mismatch"
    assert records(gw)[0]["incident"] in answer.text


# floods

def flood(port, stop, seen):
    """What anybody can do without a certificate, as fast as it goes, until told to stop."""
    attacks = [lambda: wire.connect(port).send(b"\x00garbage").close(),
               lambda: wire.connect(port).send(b"\x16\x03\x01\x02\x00\x01").close(),
               lambda: wire.get(port, None)]
    while not stop.is_set():
        for attack in attacks:
            quietly(attack)
            seen[0] += 1


def test_a_flood_is_a_few_lines_and_good_clients_are_served(start, pki):
    gw = begin(start, workers=2)
    port = gw.port["tls"]
    stop, seen = threading.Event(), [0]
    attackers = [threading.Thread(target=flood, args=(port, stop, seen)) for _ in range(2)]
    for attacker in attackers:
        attacker.start()
    try:
        for _ in range(100):
            assert wire.get(port, pki.alice).status == 200
        wait_for(lambda: seen[0] > 600, "the flood")
    finally:
        stop.set()
        for attacker in attackers:
            attacker.join()
    assert wire.get(port, pki.alice).status == 200
    gw.stop()
    # per worker: a whole line for each of three codes, and numbers at growing intervals
    assert len(errors(gw)) < 80, len(errors(gw))
    counts = {}
    for record in records(gw):
        counts[record["code"]] = counts.get(record["code"], 0) + record.get("repeats", 1)
    assert sum(counts.values()) == seen[0], (counts, seen)


def test_a_crowd_is_put_together(start, pki):
    """Peers too many to be told one by one: each attack comes from another address."""
    gw = begin(start)
    n = 600
    for i in range(n):
        with socket.create_connection(("127.0.0.1", gw.port["tls"]), timeout=10,
                                      source_address=(f"127.1.{i // 250}.{i % 250 + 1}", 0)) as one:
            one.sendall(b"\x00garbage")
            quietly(one.recv, 1)
    gw.stop()
    told = records(gw)
    assert sum(r.get("repeats", 1) for r in told) == n
    assert len([r for r in told if "repeats" not in r]) < n // 2
    assert any(r.get("crowd") and "repeats" in r and "peer" not in r for r in told)
    assert not any("crowd" in r for r in told if "peer" in r)
    assert "client: several" in gw.log()
