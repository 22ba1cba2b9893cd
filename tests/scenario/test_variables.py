"""Every variable about a certificate says what the certificate says."""

import base64
import datetime
import hashlib
import re
import subprocess
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

import pki as make
import wire
from gateway import IS_NGINX, run, server


NAMES = [
    "ssl_client_verify", "ssl_client_s_dn", "ssl_client_i_dn", "ssl_client_s_dn_legacy",
    "ssl_client_i_dn_legacy", "ssl_client_serial", "ssl_client_fingerprint",
    "ssl_client_v_start", "ssl_client_v_end", "ssl_client_v_remain", "ssl_client_cert",
    "ssl_client_raw_cert", "ssl_client_escaped_cert", "ssl_protocol", "ssl_cipher",
    "ssl_ciphers", "ssl_curve", "ssl_curves", "ssl_session_id", "ssl_session_reused",
    "ssl_server_name", "ssl_early_data",
]
# since Debian's nginx
NEWER = ["ssl_sigalg", "ssl_client_sigalg"]
BEYOND = ["ssl_client_san_uri", "ssl_client_san_dns", "ssl_client_san_ip",
          "ssl_client_san_email", "ssl_client_spiffe_id", "ssl_client_fingerprint_sha256",
          "ssl_client_spki_sha256"]



def telling(names):
    return "".join("location = /%s { return 200 \"$%s\"; }\n" % (n, n) for n in names)


@pytest.fixture
def tell(start, pki):
    """tell(who, name, …) → the value of one variable for one client."""
    running = {}

    def ask(who, name, verify="optional", extra="", **how):
        key = (verify, extra, name in NEWER + BEYOND)
        if key not in running:
            names = NEWER + BEYOND if key[2] else NAMES
            running[key] = start(server(extra + telling(names), verify=verify))
        answer = wire.get(running[key].port["tls"], who, "/" + name, **how)
        assert answer.status == 200
        return answer.body.decode()

    return ask


def remaining_days(cert):
    return (cert.not_valid_after - datetime.datetime.utcnow()).days


def gmt(moment):
    return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S %Y} GMT"


def test_the_certificate_of_a_plain_client(tell, pki):
    cert = pki.alice.cert
    assert tell(pki.alice, "ssl_client_verify") == "SUCCESS"
    assert tell(pki.alice, "ssl_client_s_dn") == "CN=alice,O=Example Ltd"
    assert tell(pki.alice, "ssl_client_i_dn") == "CN=Scenario Root,O=Scenario"
    assert tell(pki.alice, "ssl_client_s_dn_legacy") == "/O=Example Ltd/CN=alice"
    assert tell(pki.alice, "ssl_client_i_dn_legacy") == "/O=Scenario/CN=Scenario Root"
    serial = f"{cert.serial_number:X}"
    assert tell(pki.alice, "ssl_client_serial") == serial.rjust(len(serial) + len(serial) % 2, "0")
    assert tell(pki.alice, "ssl_client_fingerprint") == cert.fingerprint(hashes.SHA1()).hex()
    assert tell(pki.alice, "ssl_client_v_start") == gmt(cert.not_valid_before)
    assert tell(pki.alice, "ssl_client_v_end") == gmt(cert.not_valid_after)
    assert tell(pki.alice, "ssl_client_v_remain") == str(remaining_days(cert))


def test_the_certificate_itself_in_three_forms(tell, pki):
    pem = make.cert_pem(pki.alice.cert).decode()
    assert tell(pki.alice, "ssl_client_raw_cert") == pem
    assert tell(pki.alice, "ssl_client_cert") == pem.rstrip("\n").replace("\n", "\n\t")
    escaped = tell(pki.alice, "ssl_client_escaped_cert")
    assert urllib.parse.unquote(escaped) == pem
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+", escaped)


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("ssl_client_")
                                  and n != "ssl_client_verify"])
def test_without_a_certificate_there_is_nothing_to_tell(tell, name):
    assert tell(None, name) == ""


def test_without_a_certificate_verify_is_none(tell):
    assert tell(None, "ssl_client_verify") == "NONE"


def test_a_failed_certificate_is_told_with_its_reason(start, pki):
    gw = start(server("""
        error_page 495 = /why;
        location = /why { internal; return 200 "$ssl_client_verify|$ssl_client_s_dn"; }"""))
    assert wire.get(gw.port["tls"], pki.expired).text == "FAILED:certificate has expired|CN=olga"


SUBJECTS = {
    "escapes": (make.name('Smith, "J" + <x>; \\y', "#hash"),
                r'CN=Smith\, \"J\" \+ \<x\>\; \\y,O=\#hash'),
    "blanks at both ends": (make.name(" edge "), r"CN=\ edge\ "),
    "umlauts": (make.name("Jürgen"), r"CN=J\C3\BCrgen"),
    "many parts": (make.name("n", "o", country="CH", unit="u", email="n@a.test"),
                   "emailAddress=n@a.test,CN=n,OU=u,O=o,C=CH"),
    "equals sign": (make.name("a=b"), "CN=a=b"),
    "slash": (make.name("a/CN=b"), "CN=a/CN=b"),
    "two values in one part": (x509.Name([x509.RelativeDistinguishedName([
        x509.NameAttribute(NameOID.COMMON_NAME, "n"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "u")])]), None),
    "two common names": (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "first"),
                                    x509.NameAttribute(NameOID.COMMON_NAME, "second")]),
                         "CN=second,CN=first"),
    "domain components": (x509.Name([x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "test"),
                                     x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "a"),
                                     x509.NameAttribute(NameOID.COMMON_NAME, "n")]),
                          "CN=n,DC=a,DC=test"),
    "serial number and user id": (x509.Name([
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "17"),
        x509.NameAttribute(NameOID.USER_ID, "u7")]), "UID=u7,serialNumber=17"),
    "an unknown attribute": (x509.Name([
        x509.NameAttribute(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), "v"),
        x509.NameAttribute(NameOID.COMMON_NAME, "n")]),
        "CN=n,1.3.6.1.4.1.55555.1=#0C0176"),
}


@pytest.mark.parametrize("what", SUBJECTS)
def test_unusual_subjects_are_written_as_rfc_2253(tell, pki, what):
    subject, expected = SUBJECTS[what]
    who = pki.ca.issue(subject=subject).save(pki.dir, "subject")
    told = tell(who, "ssl_client_s_dn")
    if expected is None:
        assert sorted(told.split("+")) == ["CN=n", "OU=u"]
    else:
        assert told == expected


@pytest.mark.parametrize("serial, told", [
    (1, "01"), (0x7F, "7F"), (0x80, "80"), (0xABC, "0ABC"), (0x00AB, "AB"),
    (int("7f" * 20, 16), "7F" * 20)])
def test_serial_numbers_are_hexadecimal(tell, pki, serial, told):
    who = pki.ca.issue("n", serial=serial).save(pki.dir, "serial")
    assert tell(who, "ssl_client_serial") == told


def test_the_days_that_remain(tell, pki):
    for days in (0, 1, 30):
        end = make.now() + datetime.timedelta(days=days, hours=1)
        who = pki.ca.issue("n", not_after=end).save(pki.dir, "remain")
        assert tell(who, "ssl_client_v_remain") == str(days)


@pytest.mark.parametrize("version, cipher", [("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
                                             ("1.3", "TLS_AES_256_GCM_SHA384")])
def test_what_the_connection_agreed_on(tell, pki, version, cipher):
    ctx = wire.context(pki.alice, version=version,
                       ciphers=cipher if version == "1.2" else None)
    assert tell(None, "ssl_protocol", ctx=ctx) == "TLSv" + version
    with_cipher = tell(None, "ssl_cipher", ctx=ctx)
    if version == "1.2":
        assert with_cipher == cipher
        assert tell(None, "ssl_ciphers", ctx=ctx).split(":")[0] == cipher
    else:
        assert with_cipher.startswith("TLS_")
    assert tell(None, "ssl_session_reused", ctx=ctx) == "."
    assert tell(None, "ssl_server_name", ctx=ctx) == "a.test"
    assert tell(None, "ssl_early_data", ctx=ctx) == ""


def test_no_server_name_is_empty(tell, pki):
    assert tell(pki.alice, "ssl_server_name", sni=None) == ""


def test_the_curve_and_the_curves_the_client_offered(tell, pki):
    ctx = wire.context(pki.alice, version="1.3")
    ctx.set_ecdh_curve("prime256v1")
    assert tell(None, "ssl_curve", ctx=ctx) == "prime256v1"
    assert "prime256v1" in tell(None, "ssl_curves", ctx=ctx).split(":")


def test_the_session_id_is_hexadecimal(tell, pki):
    ctx = wire.context(pki.alice, version="1.2")
    assert re.fullmatch("([0-9a-f]{2})*", tell(None, "ssl_session_id", ctx=ctx))


@pytest.mark.countersign
def test_the_signature_algorithms(tell, pki):
    ctx = wire.context(pki.alice, version="1.3")
    assert tell(None, "ssl_sigalg", ctx=ctx) == "ecdsa_secp256r1_sha256"
    assert tell(None, "ssl_client_sigalg", ctx=ctx) == "ecdsa_secp256r1_sha256"
    nobody = wire.context(None, version="1.3")
    assert tell(None, "ssl_client_sigalg", ctx=nobody) == ""


@pytest.fixture
def workload(pki):
    return pki.ca.issue("svc", san=["uri:spiffe://prod.test/ns/pay/sa/api", "svc.test",
                                    "ip:192.0.2.7", "email:ops@a.test"]).save(
                                        pki.dir, "workload")


@pytest.mark.countersign
@pytest.mark.parametrize("name, value", [
    ("ssl_client_san_uri", "spiffe://prod.test/ns/pay/sa/api"),
    ("ssl_client_san_dns", "svc.test"), ("ssl_client_san_ip", "192.0.2.7"),
    ("ssl_client_san_email", "ops@a.test"),
    ("ssl_client_spiffe_id", "spiffe://prod.test/ns/pay/sa/api")])
def test_the_alternative_names(tell, workload, name, value):
    assert tell(workload, name) == value


@pytest.mark.countersign
@pytest.mark.parametrize("name", BEYOND)
def test_what_is_beyond_nginx_is_empty_without_a_certificate(tell, name):
    assert tell(None, name) == ""


@pytest.mark.countersign
def test_several_names_of_a_kind_are_all_told(tell, pki):
    who = pki.ca.issue("n", san=["one.test", "two.test", "ip:192.0.2.1", "ip:2001:db8::1"])
    who.save(pki.dir, "several")
    assert re.split(r"[, ]+", tell(who, "ssl_client_san_dns")) == ["one.test", "two.test"]
    assert re.split(r"[, ]+", tell(who, "ssl_client_san_ip")) == ["192.0.2.1", "2001:db8::1"]
    assert tell(who, "ssl_client_spiffe_id") == ""


@pytest.mark.countersign
def test_only_a_spiffe_uri_is_a_spiffe_id(tell, pki):
    who = pki.ca.issue("n", san=["uri:https://a.test/x"]).save(pki.dir, "not-spiffe")
    assert tell(who, "ssl_client_spiffe_id") == ""


@pytest.mark.countersign
@pytest.mark.parametrize("uris", [
    ["uri:spiffe://a.test/x", "uri:spiffe://a.test/y"],
    ["uri:spiffe://a.test/x", "uri:https://a.test/y"]])
def test_a_claim_that_spiffe_forbids_is_refused(start, pki, uris):
    who = pki.ca.issue("n", san=uris).save(pki.dir, "not-spiffe")
    port = start(server(telling(BEYOND), verify="optional")).port["tls"]
    answer = wire.get(port, who, "/ssl_client_spiffe_id")
    assert answer.status == 400
    assert b"The SSL certificate error" in answer.body


@pytest.mark.countersign
def test_the_modern_fingerprints(tell, pki):
    cert = pki.alice.cert
    assert tell(pki.alice, "ssl_client_fingerprint_sha256") == \
        cert.fingerprint(hashes.SHA256()).hex()
    spki = hashlib.sha256(cert.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).digest()
    assert tell(pki.alice, "ssl_client_spki_sha256") in (
        spki.hex(), base64.b64encode(spki).decode())


REQUEST = {
    "request_method": "GET", "request_uri": "/v/%61?x=1&y=", "uri": "/v/a",
    "document_uri": "/v/a", "args": "x=1&y=", "query_string": "x=1&y=", "is_args": "?",
    "arg_x": "1", "arg_y": "", "host": "a.test", "http_host": "A.test:81",
    "hostname": None, "scheme": "https", "https": "on", "server_protocol": "HTTP/1.1",
    "server_name": "a.test", "remote_addr": "127.0.0.1", "server_addr": "127.0.0.1",
    "http_user_agent": "story/1", "http_x_thing": "t", "cookie_k": "v", "cookie_none": "",
    "content_length": "", "content_type": "", "request": "GET /v/%61?x=1&y= HTTP/1.1",
    "http_absent": "", "connection_requests": "1", "nginx_version": None, "pid": None,
    "msec": None, "time_iso8601": None, "time_local": None, "request_id": None,
    "connection": None, "remote_port": None, "binary_remote_addr": None,
    "remote_user": "", "pipe": ".", "request_length": None, "request_time": None,
    "http_referer": "https://r.test/", "http_cookie": "k=v", "http_x_forwarded_for": "192.0.2.9",
    "proxy_add_x_forwarded_for": "192.0.2.9, 127.0.0.1",
}
SHAPES = {
    "pid": r"\d+", "msec": r"\d+\.\d{3}", "request_id": "[0-9a-f]{32}", "connection": r"\d+",
    "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
    "time_local": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
    "remote_port": r"\d+", "hostname": r"\S+", "nginx_version": r"\d+\.\d+\.\d+",
    "binary_remote_addr": r"(?s).*", "request_length": r"\d+", "request_time": r"\d+\.\d{3}",
}


def test_the_request_and_the_connection(start, pki):
    gw = start(server("location /v/ { default_type text/plain; return 200 '%s'; }"
                      % "\n".join(f"{n}=${n}" for n in REQUEST)))
    answer = wire.get(gw.port["tls"], pki.alice, "/v/%61?x=1&y=", host="A.test:81", sni="a.test",
                      headers=[("User-Agent", "story/1"), ("X-Thing", "t"), ("Cookie", "k=v"),
                               ("Referer", "https://r.test/"),
                               ("X-Forwarded-For", "192.0.2.9")])
    told = dict(line.split("=", 1) for line in answer.text.split("\n") if "=" in line)
    for name, value in REQUEST.items():
        if name in SHAPES:
            assert re.fullmatch(SHAPES[name], told[name]), (name, told[name])
        else:
            assert told[name] == value, name
    assert answer.text.count("server_port") == 0


def test_the_port_and_the_body(start, pki, backend):
    gw = start(server("""
        location / {
            proxy_set_header X-Port $server_port;
            proxy_set_header X-Length $content_length;
            proxy_set_header X-Type $content_type;
            proxy_set_header X-To $proxy_host;
            proxy_set_header X-To-Port $proxy_port;
            proxy_pass http://@backend@;
        }"""), backend=backend)
    wire.get(gw.port["tls"], pki.alice, method="POST", body=b"abc",
             headers=[("Content-Type", "text/x")])
    told = dict(backend.requests[-1].headers)
    assert told["X-Port"] == str(gw.port["tls"])
    assert (told["X-Length"], told["X-Type"]) == ("3", "text/x")
    assert (told["X-To"], told["X-To-Port"]) == (str(backend), str(backend.port))


def test_an_unknown_variable_is_a_config_error(pki, start):
    gw = start(server('return 200 "$no_such_variable";'), start=False)
    gw.write()
    flags = ["-t"] if IS_NGINX else ["check"]
    done = run(*flags, "-p", gw.dir + "/", "-c", gw.conf)
    assert done.returncode == 1
    assert "no_such_variable" in done.stdout + done.stderr


def test_set_variables_chain(start, pki):
    gw = start(server("""
        set $a one;
        set $b "$a-two";
        location / { set $c "${b}three$a"; return 200 "$c"; }"""))
    assert wire.get(gw.port["tls"], pki.alice).text == "one-twothreeone"


def test_a_named_capture_of_the_server_name(start, pki):
    gw = start(server('return 200 "$sub|$1";', name=r'"~^(?<sub>[a-z]+)\.wild\.test$"'))
    assert wire.get(gw.port["tls"], pki.alice, host="foo.wild.test").text in ("foo|foo", "foo|")


def test_a_map_with_hostnames_and_exact_and_default(start, pki):
    gw = start("""
        map $host $kind {
            hostnames;
            default       other;
            a.test        exact;
            *.wild.test   star;
            .dot.test     dot;
            tail.*        tail;
        }""" + server('return 200 "$kind";'))
    for host, kind in [("a.test", "exact"), ("x.wild.test", "star"), ("wild.test", "other"),
                       ("dot.test", "dot"), ("x.dot.test", "dot"), ("tail.org", "tail"),
                       ("else.test", "other")]:
        answer = wire.get(gw.port["tls"], pki.alice, host=host, sni="a.test")
        assert answer.text == kind, host


def test_openssl_agrees_about_the_subject(tell, pki):
    done = subprocess.run(["openssl", "x509", "-in", pki.alice.certfile, "-noout", "-subject",
                           "-nameopt", "RFC2253"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "subject=" + tell(pki.alice, "ssl_client_s_dn")
