"""TLS itself: versions, certificates, names, keys, and refusing inside the handshake."""

import re
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import wire
from gateway import IS_NGINX, StartFailure, server
from pki import write


def s_client(port, *arguments, name="a.test", text=""):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, *arguments],
        input=text, capture_output=True, text=True, errors="replace", timeout=20, check=False)
    return done.stdout + done.stderr


def shown(port, **how):
    """The certificate that the gateway shows to this client."""
    with wire.tls(port, **how) as client:
        return x509.load_der_x509_certificate(client.sock.getpeercert(binary_form=True))


PAIR = server("""
    ssl_certificate @pki@/server-rsa.pem;
    ssl_certificate_key @pki@/server-rsa.key;
    return 200;""", verify="off")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("sigalgs, kind", [
    ("ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256", ec.EllipticCurvePublicKey),
    ("RSA-PSS+SHA256:RSA+SHA256", rsa.RSAPublicKey)])
def test_of_two_certificates_the_client_gets_one_it_can_use(start, pki, version, sigalgs, kind):
    gw = start(PAIR)
    out = s_client(gw.port["tls"], "-sigalgs", sigalgs, "-tls" + version.replace(".", "_"),
                   "-showcerts")
    pem = re.search("-----BEGIN.*?-----END CERTIFICATE-----\n", out, re.S).group()
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, kind)


def test_of_two_certificates_by_cipher_in_tls_1_2(start, pki):
    gw = start(PAIR)
    for cipher, kind in (("ECDHE-RSA-AES128-GCM-SHA256", rsa.RSAPublicKey),
                         ("ECDHE-ECDSA-AES128-GCM-SHA256", ec.EllipticCurvePublicKey)):
        ctx = wire.context(version="1.2", ciphers=cipher)
        assert isinstance(shown(gw.port["tls"], ctx=ctx).public_key(), kind)


def test_the_whole_chain_is_sent(start, pki):
    deep = pki.issuing.issue("a.test", san=["a.test"], eku=("server",)).save(pki.dir, "chained")
    gw = start(server("return 200;").replace("@pki@/server.", "@pki@/chained."))
    assert wire.get(gw.port["tls"], pki.alice, ca=pki.ca).status == 200, deep.cert.subject
    assert s_client(gw.port["tls"], "-showcerts").count("BEGIN CERTIFICATE") >= 2


@pytest.mark.parametrize("protocols, version, works", [
    ("TLSv1.2", "1.2", True), ("TLSv1.2", "1.3", False),
    ("TLSv1.3", "1.3", True), ("TLSv1.3", "1.2", False),
    ("TLSv1.2 TLSv1.3", "1.2", True), ("TLSv1.2 TLSv1.3", "1.3", True)])
def test_ssl_protocols_decides_the_versions(start, pki, protocols, version, works):
    gw = start(server("ssl_protocols %s; return 200;" % protocols), protocols="")
    if works:
        assert wire.get(gw.port["tls"], pki.alice, version=version).status == 200
    else:
        with pytest.raises(ssl.SSLError, match="(?i)protocol"):
            wire.get(gw.port["tls"], pki.alice, version=version)
        gw.wait_log(r"\[(info|crit)\].*(unsupported[ _]protocol|version)")


@pytest.mark.countersign
def test_tls_1_2_and_1_3_are_the_default_and_nothing_older(start, pki):
    gw = start(server("return 200;"), protocols="")
    for version in ("1.2", "1.3"):
        assert wire.get(gw.port["tls"], pki.alice, version=version).status == 200
    ctx = wire.context(pki.alice, version="1.1", ciphers="DEFAULT@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        wire.get(gw.port["tls"], ctx=ctx)


def test_ssl_ciphers_decides_the_ciphers_of_tls_1_2(start, pki):
    gw = start(server("ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384; return 200 $ssl_cipher;"))
    answer = wire.get(gw.port["tls"], pki.alice, version="1.2")
    assert answer.text == "ECDHE-ECDSA-AES256-GCM-SHA384"
    ctx = wire.context(pki.alice, version="1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
        wire.get(gw.port["tls"], ctx=ctx)
    gw.wait_log("no[ _]shared[ _]cipher")


def test_the_server_prefers_its_order_only_when_told(start, pki):
    ours = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
    theirs = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    for switch, expected in (("on", ours), ("off", theirs)):
        gw = start(server(f"ssl_prefer_server_ciphers {switch}; ssl_ciphers {ours};"
                          "return 200 $ssl_cipher;"))
        ctx = wire.context(pki.alice, version="1.2", ciphers=theirs)
        assert wire.get(gw.port["tls"], ctx=ctx).text == expected.split(":")[0]


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "X25519"])
def test_ssl_ecdh_curve_decides_the_group(start, pki, curve):
    gw = start(server(f"ssl_ecdh_curve {curve}; return 200;"))
    out = s_client(gw.port["tls"], "-tls1_3", "-groups", "X25519:P-256:P-384")
    named = {"prime256v1": "prime256v1|P-256", "secp384r1": "secp384r1|P-384", "X25519": "X25519"}
    assert re.search(rf"Server Temp Key: (ECDH, )?({named[curve]}),", out), out


def test_reject_handshake_needs_no_certificate(start, pki):
    gw = start("""server {
        listen 127.0.0.1:@tls@ ssl;
        ssl_reject_handshake on;
    }""")
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        wire.get(gw.port["tls"], None)
    gw.wait_log(r"\[info\].*(handshake rejected|reject)")


def test_an_encrypted_key_opens_with_the_password_file(start, pki):
    body = server("ssl_password_file @pki@/passwords; return 200;").replace(
        "@pki@/server.", "@pki@/server-encrypted.")
    gw = start(body)
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_an_encrypted_key_without_the_right_password_fails_the_start(start, pki):
    wrong = write(pki.dir + "/wrong-passwords", b"guess\n", 0o600)
    gw = start(server(f"ssl_password_file {wrong}; return 200;").replace(
        "@pki@/server.", "@pki@/server-encrypted."), start=False)
    with pytest.raises(StartFailure, match="server-encrypted.key"):
        gw.start()


def test_an_encrypted_key_without_a_password_file_does_not_hang(start, pki):
    gw = start(server("return 200;").replace("@pki@/server.", "@pki@/server-encrypted."),
               start=False)
    with pytest.raises(StartFailure, match="server-encrypted.key"):
        gw.start()


@pytest.mark.parametrize("kind", ["rsa", "p384", "ed25519"])
def test_every_kind_of_client_key_is_understood(start, pki, kind):
    who = pki.ca.issue(kind, key_kind=kind).save(pki.dir, "kind-" + kind)
    gw = start(server('return 200 "$ssl_client_s_dn";'))
    for version in ("1.2", "1.3"):
        assert wire.get(gw.port["tls"], who, version=version).text == f"CN={kind}"


def test_alpn_settles_on_http_1_1(start, pki):
    gw = start(server('return 200 "$ssl_protocol";'))
    ctx = wire.context(pki.alice, alpn=["http/1.1"])
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


@pytest.mark.countersign
def test_http2_on_is_accepted_and_http_1_1_negotiated(start, pki):
    gw = start("http2 on;" + server('return 200 "$ssl_alpn_protocol";'))
    ctx = wire.context(pki.alice, alpn=["h2", "http/1.1"])
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert client.request().text == "http/1.1"


def test_the_ca_names_are_sent_to_the_client(start, pki):
    gw = start(server("return 200;"))
    for version in ("-tls1_2", "-tls1_3"):
        out = s_client(gw.port["tls"], version)
        names = out.split("Acceptable client certificate CA names")[1].split("Client")[0]
        assert "Scenario Root" in names


def test_a_request_split_into_tiny_records_is_understood(start, pki, backend):
    gw = start(server(), backend=backend)
    with wire.tls(gw.port["tls"], pki.alice) as client:
        for byte in b"GET /tiny HTTP/1.1\r\nHost: a.test\r\n\r\n":
            client.send(bytes([byte]))
        assert client.response().json()["target"] == "/tiny"


def test_a_close_notify_ends_in_order(start, pki):
    gw = start(server("return 200 x;"))
    with wire.tls(gw.port["tls"], pki.alice) as client:
        client.request("GET", "/", [("Connection", "close")])
        assert client.sock.recv(1) == b"", "close_notify, not a bare end"
        client.sock.unwrap()


def test_a_truncated_answer_can_be_told_from_a_whole_one(start, pki, backend):
    """No close_notify after an answer that was cut."""
    backend.raw("/", b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    gw = start(server(), backend=backend)
    answer = wire.get(gw.port["tls"], pki.alice)
    assert answer.body == b"until the end"


@pytest.mark.parametrize("buffer", ["1k", "4k", "16k"])
def test_ssl_buffer_size_bounds_the_records(start, pki, backend, buffer):
    gw = start(f"ssl_buffer_size {buffer};" + server(), backend=backend)
    answer = wire.get(gw.port["tls"], pki.alice, "/bytes/200000")
    assert len(answer.body) == 200000


def test_gnutls_and_openssl_clients_agree(start, pki):
    gw = start(server('return 200 "$ssl_client_s_dn";'))
    done = subprocess.run(
        ["gnutls-cli", "--x509cafile", pki.ca.certfile, "--sni-hostname=a.test",
         "--verify-hostname=a.test", "-p", str(gw.port["tls"]), "--x509certfile",
         pki.alice.certfile, "--x509keyfile", pki.alice.keyfile, "127.0.0.1"],
        input="GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", capture_output=True,
        text=True, timeout=20, check=False)
    assert "CN=alice,O=Example Ltd" in done.stdout


# refusing inside the handshake: countersign's own

REJECT = "mtls_reject handshake;"


@pytest.mark.countersign
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("who, alert", [
    (None, "certificate required|handshake failure"), ("expired", "certificate expired"),
    ("future", "certificate expired|bad certificate"), ("stranger", "unknown ca"),
    ("revoked", "certificate revoked"), ("server_only", "unsupported certificate"),
    ("self_signed", "unknown ca")])
def test_mtls_reject_handshake_refuses_with_the_right_alert(start, pki, backend, who, alert,
                                                            version):
    crl = "ssl_crl @pki@/crl.pem;" if who == "revoked" else ""
    gw = start(server(REJECT + "@crl@ location / { proxy_pass http://@backend@; }"),
               backend=backend, crl=crl)
    with pytest.raises((ssl.SSLError, ConnectionResetError)) as refused:
        wire.get(gw.port["tls"], who and getattr(pki, who), version=version)
    assert re.search(alert.replace(" ", "[ _]"), str(refused.value), re.I), refused.value
    assert backend.requests == []
    gw.wait_log(r"\[info\]")


@pytest.mark.countersign
def test_mtls_reject_handshake_lets_the_right_one_in(start, pki, backend):
    gw = start(server(REJECT + "location / { proxy_pass http://@backend@; }"), backend=backend)
    assert wire.get(gw.port["tls"], pki.alice).status == 200


@pytest.mark.countersign
@pytest.mark.parametrize("verify, who, status", [
    ("optional", None, 200), ("optional_no_ca", "stranger", 200), ("off", "stranger", 200)])
def test_mtls_reject_handshake_follows_the_mode(start, pki, verify, who, status):
    gw = start(server(REJECT + "return 200;", verify=verify))
    assert wire.get(gw.port["tls"], who and getattr(pki, who)).status == status


@pytest.mark.countersign
def test_a_client_refused_in_the_handshake_has_no_session(start, pki):
    gw = start(server(REJECT + "return 200;"))
    ctx = wire.context(pki.expired, version="1.3")
    for _ in range(2):
        with wire.tls(gw.port["tls"], ctx=ctx) as client:
            with pytest.raises((ssl.SSLError, ConnectionResetError, wire.Closed)):
                client.request()
            assert not client.reused
            assert client.session is None or client.session.ticket_lifetime_hint == 0


@pytest.mark.skipif(IS_NGINX, reason="Debian's has no directive of that name")
def test_the_plain_form_of_mtls_reject_is_request(start, pki):
    gw = start(server("mtls_reject request; return 200;"))
    assert wire.get(gw.port["tls"], pki.expired).status == 400
