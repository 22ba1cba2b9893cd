"""countersign inspect: what people have in files, made by the tools that they make it with."""

import datetime
import json
import os
import pty
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway import PROGRAM, run

pytestmark = pytest.mark.countersign

PASSWORD = "correct horse"


def openssl(*arguments, cwd, input_bytes=None):
    return subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True,
                          input=input_bytes).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A root, an intermediate and two leaves, by openssl alone."""
    at = tmp_path_factory.mktemp("inspect")
    (at / "ext").write_text(
        "[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        "nameConstraints=critical,permitted;DNS:shop.test,excluded;IP:10.0.0.0/255.0.0.0\n"
        "certificatePolicies=2.23.140.1.2.1,1.3.6.1.4.1.99999.7\n"
        "[leaf]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\nsubjectKeyIdentifier=hash\n"
        "authorityKeyIdentifier=keyid\ncrlDistributionPoints=URI:http://ca.test/one.crl\n"
        "authorityInfoAccess=OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/int.cer\n"
        "subjectAltName=DNS:www.shop.test,IP:192.0.2.1,IP:2001:db8::1,email:it@shop.test,"
        "URI:spiffe://shop.test/www,RID:1.2.3.4,dirName:dir,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u\n"
        "1.3.6.1.4.1.99999.9=ASN1:NULL\n[dir]\nCN=in a directory\n")
    for name, subject, section, issuer in [
            ("root", "/O=Shop/CN=Shop Root", "ca", None),
            ("int", "/O=Shop/CN=Shop CA", "ca", "root"),
            ("www", "/O=Shop/CN=www.shop.test", "leaf", "int")]:
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                f"{name}.key", "-out", f"{name}.csr", "-subj", subject, cwd=at)
        signer = (["-signkey", f"{name}.key"] if issuer is None else
                  ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"])
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "90",
                "-extfile", "ext", "-extensions", section, *signer, cwd=at)
    (at / "chain.pem").write_bytes((at / "www.pem").read_bytes() + (at / "int.pem").read_bytes())
    return at


def inspect(at, *arguments, status=0, input_text=None):
    done = run("inspect", *arguments, cwd=at, input_text=input_text)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def facts(at, *arguments, status=0):
    return json.loads(inspect(at, "--json", *arguments, status=status))


def codes(item):
    return [f["code"] for f in item["findings"]]


def test_a_certificate_is_told_as_openssl_tells_it(made):
    one = facts(made, "www.pem")["items"][0]
    fingerprint = openssl("x509", "-in", "www.pem", "-noout", "-fingerprint", "-sha256", cwd=made)
    assert one["sha256"] == fingerprint.decode().strip().split("=")[1].replace(":", "").lower()
    serial = openssl("x509", "-in", "www.pem", "-noout", "-serial", cwd=made).decode().strip()
    assert one["serial"] == serial.split("=")[1]
    subject = openssl("x509", "-in", "www.pem", "-noout", "-subject", "-nameopt", "RFC2253", cwd=made)
    assert subject.decode().strip() == "subject=" + one["subject"]
    assert one["names"] == [
        "DNS:www.shop.test", "IP:192.0.2.1", "IP:2001:db8::1", "email:it@shop.test",
        "URI:spiffe://shop.test/www", "OID:1.2.3.4", "directory:CN=in a directory",
        "other:1.3.6.1.4.1.311.20.2.3"]
    assert one["identity"] == {"kind": "spiffe", "text": "spiffe://shop.test/www",
                               "trust_domain": "shop.test"}
    assert (one["key_type"], one["key_bits"]) == ("P-256", 256)
    assert one["crl_urls"] == ["http://ca.test/one.crl"]
    assert one["ocsp_urls"] == ["http://ocsp.test/"]
    assert one["issuer_urls"] == ["http://ca.test/int.cer"]
    assert one["other_extensions"] == ["1.3.6.1.4.1.99999.9"]
    assert not one["ca"]


def test_the_pin_is_the_one_curl_wants(made):
    spki = openssl("x509", "-in", "www.pem", "-noout", "-pubkey", cwd=made)
    der = openssl("pkey", "-pubin", "-outform", "DER", cwd=made, input_bytes=spki)
    digest = openssl("dgst", "-sha256", "-binary", cwd=made, input_bytes=der)
    want = openssl("base64", cwd=made, input_bytes=digest).decode().strip()
    assert facts(made, "www.pem")["items"][0]["pin"] == "sha256//" + want
    assert f"sha256//{want}\n" in inspect(made, "www.pem")


def test_a_ca_with_constraints_and_policies(made):
    one = facts(made, "int.pem")["items"][0]
    assert one["ca"] and one["path_length"] == 1
    assert one["permitted_names"] == ["DNS:shop.test"]
    assert one["excluded_names"] == ["IP:10.0.0.0/8"]
    assert one["policies"] == ["2.23.140.1.2.1 (domain validated)", "1.3.6.1.4.1.99999.7"]


def test_who_issued_whom_is_a_tree_whatever_the_order(made):
    text = inspect(made, "chain.pem", "root.pem")
    tree = text[text.index("who issued whom"):]
    assert re.search(r"\n +\[3\] CN=Shop Root, O=Shop \(root CA, \d+ days left\)\n"
                     r" +└─ \[2\] CN=Shop CA, O=Shop \(intermediate CA, .*\n"
                     r" +   └─ \[1\] CN=www.shop.test, O=Shop \(client and server cert", tree), tree
    told = facts(made, "root.pem", "chain.pem")
    assert told["chains"] == [{"item": 1, "issued": [{"item": 3, "issued": [
        {"item": 2, "issued": []}]}]}]
    assert [i.get("issuer_item") for i in told["items"]] == [1, 3, 1]
    missing = facts(made, "chain.pem")["chains"]
    assert missing == [{"missing_issuer": "CN=Shop Root,O=Shop", "issued": [
        {"item": 2, "issued": [{"item": 1, "issued": []}]}]}]


def test_pairs_are_matched(made):
    told = facts(made, "www.key", "int.key", "chain.pem", "root.key", "root.csr")
    assert [i.get("belongs_to_item") for i in told["items"]] == [3, 4, None, None, 6, None]
    assert "belongs to    [1] CN=www.shop.test, O=Shop" in inspect(made, "www.pem", "www.key")


def test_a_pair_that_is_none_fails(made):
    told = facts(made, "www.pem", "int.key", status=1)
    assert "key-mismatch" in codes(told["items"][1])


KEYS = {
    "RSA, 2048 bits": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "EC P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EC P-384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "EC P-521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "EC secp256k1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    "EC brainpoolP256r1": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
    "Ed25519": ["-algorithm", "ED25519"],
    "Ed448": ["-algorithm", "ED448"],
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_every_kind(tmp_path, kind):
    openssl("genpkey", *KEYS[kind], "-out", "k.pem", cwd=tmp_path)
    openssl("pkey", "-in", "k.pem", "-outform", "DER", "-out", "k.der", cwd=tmp_path)
    for file in ("k.pem", "k.der"):
        text = inspect(tmp_path, file)
        assert re.search(rf"\n    key +{kind}\n", text), text
        assert "encrypted     no" in text
        assert_nothing_secret(tmp_path, text)


def assert_nothing_secret(at, text):
    """No eight bytes of the secret part, in hex or base64, stand in the text."""
    shown = openssl("pkey", "-in", "k.pem", "-noout", "-text", cwd=at).decode()
    secret = re.search(r"(?:priv|privateExponent):\n((?: +[0-9a-f:]+\n)+)", shown)
    digits = re.sub(r"[^0-9a-f]", "", secret.group(1))
    for i in range(0, len(digits) - 16, 2):
        assert digits[i:i + 16] not in text.lower()
    assert "PRIVATE KEY" not in text


@pytest.mark.parametrize("form", ["pkcs8", "traditional", "der"])
def test_an_encrypted_key_is_said_to_be_one(tmp_path, form):
    plain = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", cwd=tmp_path)
    if form == "traditional":
        openssl("rsa", "-aes256", "-traditional", "-passout", "pass:" + PASSWORD, "-out", "k",
                cwd=tmp_path, input_bytes=plain)
    else:
        openssl("pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:" + PASSWORD, "-out", "k",
                "-outform", "DER" if form == "der" else "PEM", cwd=tmp_path, input_bytes=plain)
    one = facts(tmp_path, "k")["items"][0]
    assert one["kind"] == "private-key" and one["encrypted"] is True and "pin" not in one


@pytest.mark.skipif(not shutil.which("certtool"), reason="needs gnutls-bin")
def test_what_gnutls_makes(tmp_path):
    (tmp_path / "t").write_text('cn = "Pump 7"\norganization = "Büro"\ndns_name = "pump7.test"\n'
                                'uri = "spiffe://demo.test/pump7"\nsigning_key\ntls_www_client\n'
                                'expiration_days = 30\n')

    def certtool(*arguments):
        subprocess.run(["certtool", "--template", "t", *arguments], cwd=tmp_path, check=True,
                       capture_output=True)
    certtool("--generate-privkey", "--key-type", "ed25519", "--outfile", "k")
    certtool("--generate-request", "--load-privkey", "k", "--outfile", "csr")
    certtool("--generate-self-signed", "--load-privkey", "k", "--outfile", "crt")
    told = facts(tmp_path, "csr", "crt", "k")
    assert [i["kind"] for i in told["items"]] == ["request", "certificate", "private-key"]
    assert told["items"][0]["signed_by_key"] is True
    assert told["items"][2]["belongs_to_item"] == 2
    assert "leaf-self-issued" in codes(told["items"][1])
    assert "O=Büro" in inspect(tmp_path, "crt")


@pytest.mark.parametrize("form, words", [
    ("p12", "openssl pkcs12 -in"), ("p7b", "openssl pkcs7 -print_certs"),
    ("p7b-der", "openssl pkcs7 -print_certs"), ("ssh", "ssh-keygen -p -m PKCS8"),
    ("trusted", "openssl x509 -in")])
def test_other_forms_are_named_with_the_way_out(made, tmp_path, form, words):
    for name in ("www.pem", "www.key"):
        shutil.copy(made / name, tmp_path)
    if form == "p12":
        openssl("pkcs12", "-export", "-in", "www.pem", "-inkey", "www.key", "-passout", "pass:x",
                "-out", "file", cwd=tmp_path)
    elif form == "ssh":
        if not shutil.which("ssh-keygen"):
            pytest.skip("needs ssh-keygen")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "file"], cwd=tmp_path,
                       check=True)
    elif form == "trusted":
        openssl("x509", "-in", "www.pem", "-trustout", "-out", "file", cwd=tmp_path)
    else:
        openssl("crl2pkcs7", "-nocrl", "-certfile", "www.pem", "-out", "file", "-outform",
                "DER" if form == "p7b-der" else "PEM", cwd=tmp_path)
    text = inspect(tmp_path, "file", status=1)
    assert words in text and "error:" in text


def test_a_broken_block_is_named_and_the_others_are_read(made, tmp_path):
    good = (made / "www.pem").read_text()
    (tmp_path / "f.pem").write_text(f"note\n{good}{good[:300]}\n{good}")
    text = inspect(tmp_path, "f.pem", status=1)
    line = 2 + good.count("\n")
    assert f"f.pem:{line}: error: block 2 (CERTIFICATE) cannot be read" in text
    assert text.count("client and server certificate\n") == 2


def test_standard_input_and_der(made):
    der = openssl("x509", "-in", "www.pem", "-outform", "DER", cwd=made)
    done = subprocess.run([PROGRAM, "inspect", "--json", "-"], input=der, capture_output=True,
                          check=True)
    assert json.loads(done.stdout)["items"][0]["label"] == "DER"
    text = inspect(made, "-", input_text=(made / "www.pem").read_text())
    assert text.startswith("standard input:\n")


def revocation_list(entries):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    b = (x509.CertificateRevocationListBuilder()
         .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Shop CA")]))
         .last_update(now).next_update(now + datetime.timedelta(days=7, minutes=5))
         .add_extension(x509.CRLNumber(258), critical=False))
    for i in range(entries):
        b = b.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(1000 + i)
                                      .revocation_date(now).build())
    return b.sign(key, hashes.SHA256())


def test_a_long_list_is_counted_and_its_first_entries_shown(tmp_path):
    from cryptography.hazmat.primitives.serialization import Encoding
    (tmp_path / "crl").write_bytes(revocation_list(1000).public_bytes(Encoding.DER))
    text = inspect(tmp_path, "crl")
    assert "entries       1000\n" in text and "… and 995 more\n" in text
    assert "number        0102\n" in text and "UTC, 7 days left\n" in text
    one = facts(tmp_path, "crl")["items"][0]
    assert one["n_entries"] == 1000 and len(one["first_entries"]) == 5
    assert "crl-expired" in codes(facts(tmp_path, "--at", "+8d", "crl", status=1)["items"][0])


@pytest.mark.parametrize("at, status, words", [
    ("+10d", 0, "79 days left"), ("+70d", 0, "last third"), ("+91d", 1, "has expired"),
    ("2020-01-01", 1, "is not yet valid"), ("2020-01-01T00:00:00Z", 1, "is not yet valid"),
    ("@1577836800", 1, "is not yet valid")])
def test_at_another_time(made, at, status, words):
    assert words in inspect(made, "--at", at, "www.pem", status=status)


def test_judged_for_a_role(made, tmp_path):
    assert "purpose-mismatch" not in codes(facts(made, "--for", "client", "www.pem")["items"][0])
    assert "issuer-not-ca" in codes(facts(made, "--for", "ca", "www.pem", status=1)["items"][0])


@pytest.mark.parametrize("arguments, words", [
    ([], "no file is named"), (["--at", "soon", "x"], "--at wants"), (["--for", "me", "x"], "--for"),
    (["nosuch.pem"], 'cannot read "nosuch.pem": No such file'), (["."], "cannot read"),
    (["www.pem", "nosuch.pem"], "nosuch.pem")])
def test_what_cannot_be_tried_is_2_and_prints_nothing(made, arguments, words):
    done = run("inspect", *arguments, cwd=made)
    assert done.returncode == 2 and words in done.stderr and not done.stdout


def test_names_cannot_write_to_the_terminal(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a\u202eb")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
            .public_key(key.public_key()).not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=9)).sign(key, hashes.SHA256()))
    from cryptography.hazmat.primitives.serialization import Encoding
    (tmp_path / "c").write_bytes(cert.public_bytes(Encoding.PEM))
    text = inspect(tmp_path, "c")
    assert "\u202e" not in text and r"a\xe2\x80\xaeb" in text


def on_terminal(at, *arguments, env=None):
    try:
        leader, follower = pty.openpty()
    except OSError:
        pytest.skip("no pseudo-terminals here")
    done = subprocess.Popen([PROGRAM, "inspect", *arguments], stdout=follower, cwd=at,
                            env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **(env or {})})
    os.close(follower)
    text = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(leader)
    assert done.wait(timeout=10) == 0
    return text


def test_colours_on_a_terminal_only(made):
    assert b"\033[1m" in on_terminal(made, "www.pem")
    assert b"\033" not in on_terminal(made, "www.pem", env={"NO_COLOR": "1"})
    assert b"\033" not in on_terminal(made, "--json", "www.pem")
    assert "\033" not in inspect(made, "www.pem")
