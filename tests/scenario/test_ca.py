"""countersign ca: a private CA on the command line, and what OpenSSL and others make of it."""

import datetime
import json
import os
import re
import sqlite3
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ca import Ca, openssl
from gateway import IS_ROOT, run

pytestmark = pytest.mark.countersign

DOMAIN = "example.internal"
URL = "http://ca.example.internal:9080"
KINDS = ["ec-p256", "ec-p384", "ed25519", "rsa-3072"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One CA for stories that only look, or that leave nothing the others would see."""
    return Ca(tmp_path_factory.mktemp("ca"), "--domain", DOMAIN, "--name", "Example", "--url", URL)


@pytest.fixture
def fresh(tmp_path):
    return Ca(tmp_path, "--domain", DOMAIN, "--name", "Example", "--url", URL)


# ---- init ----


def test_init_makes_a_folder_that_only_its_owner_can_read(shared):
    assert stat.S_IMODE(shared.dir.stat().st_mode) == 0o700
    for name in ["root-1.key", "issuer-2.key", "passphrase", "store.sqlite"]:
        assert stat.S_IMODE((shared.dir / name).stat().st_mode) == 0o600, name
    key = (shared.dir / "root-1.key").read_text()
    assert key.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    openssl("pkey", "-in", shared.dir / "root-1.key", "-noout", "-passin",
            f"file:{shared.dir / 'passphrase'}")


def test_the_issuing_ca_is_kept_to_the_domain(shared):
    ca = x509.load_pem_x509_certificate((shared.dir / "issuer-2.pem").read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert [n.value for n in constraints.value.permitted_subtrees] == [DOMAIN]
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    root = x509.load_pem_x509_certificate((shared.dir / "root.pem").read_bytes())
    years = (root.not_valid_after - datetime.datetime.utcnow()).days / 365
    assert 9.9 < years < 10.1 and root.subject == ca.issuer


def test_init_does_not_touch_a_folder_that_is_there(fresh, tmp_path):
    before = sorted(p.name for p in fresh.dir.iterdir())
    assert fresh.refused("init") == ["ca-exists"]
    assert sorted(p.name for p in fresh.dir.iterdir()) == before
    (tmp_path / "file").write_text("mine")
    done = run("ca", "init", "--dir", str(tmp_path / "file"))
    assert done.returncode == 1 and (tmp_path / "file").read_text() == "mine"
    done = run("ca", "init", "--dir", "")
    assert done.returncode == 1 and '"" is not the name of one' in done.stderr
    done = run("ca", "init", "--dir", "/proc/nothing/ca")
    assert done.returncode == 1 and '"/proc/nothing/ca": No such file' in done.stderr
    (tmp_path / "empty").mkdir()
    assert run("ca", "init", "--dir", str(tmp_path / "empty")).returncode == 0


def test_init_takes_a_pass_phrase_from_a_file_and_keeps_no_copy(tmp_path):
    (tmp_path / "secret").write_text("correct horse\nsecond line\n")
    ca = Ca(tmp_path, "--passphrase-file", str(tmp_path / "secret"))
    assert not (ca.dir / "passphrase").exists()
    assert ca.refused("crl") == ["passphrase-missing"]
    (tmp_path / "wrong").write_text("incorrect horse\n")
    assert ca.refused("crl", "--passphrase-file", tmp_path / "wrong") == ["passphrase-wrong"]
    ca.ok("crl", "--passphrase-file", tmp_path / "secret")
    ca.ok("list")  # looking needs none
    (tmp_path / "nothing").write_text("\n")
    assert ca.run("crl", "--passphrase-file", tmp_path / "nothing").returncode == 2


@pytest.mark.parametrize("options", [
    ["--domain", "*.a.test"], ["--domain", "a b"], ["--name", "x" * 41], ["--url", "ftp://a.test"],
    ["--issuer-ttl", "11y"], ["--root-ttl", "1h"]])
def test_init_refuses_what_cannot_work(tmp_path, options):
    done = run("ca", "init", "--dir", str(tmp_path / "ca"), "--json", *options)
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"][0]["code"] == "setup-invalid"
    assert list(tmp_path.iterdir()) == []


# ---- every profile and kind of key ----


NAMES = {
    "server": [f"web.{DOMAIN}", "10.1.2.3", "2001:db8::1"],
    "client": [f"a@{DOMAIN}", f"spiffe://{DOMAIN}/a", "cn:Zoë Müller"],
    "peer": [f"db.{DOMAIN}", f"spiffe://{DOMAIN}/db"],
    "spiffe": [f"spiffe://{DOMAIN}/ns/prod/sa/web"],
}
PURPOSES = {"server": ["sslserver"], "client": ["sslclient"],
            "peer": ["sslserver", "sslclient"], "spiffe": ["sslserver", "sslclient"]}


@pytest.fixture(scope="module", params=KINDS)
def of_kind(request, tmp_path_factory):
    ca = Ca(tmp_path_factory.mktemp(request.param), "--key", request.param, "--domain", DOMAIN,
            "--url", URL)
    ca.kind = request.param
    return ca


@pytest.mark.parametrize("profile", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_openssl_and_cryptography_agree(of_kind, profile, kind):
    out = f"{profile}-{kind}"
    issued = of_kind.issue(*NAMES[profile], out=out, profile=profile, key=kind)
    for purpose in PURPOSES[profile]:
        of_kind.verify(out, purpose)
    cert = of_kind.cert(out)
    key = serialization.load_pem_private_key(
        (of_kind.folder / out / "key.pem").read_bytes(), None)
    assert key.public_key().public_bytes(*SPKI) == cert.public_key().public_bytes(*SPKI)
    assert f"{cert.serial_number:X}".zfill(len(issued["serial"])) == issued["serial"]
    assert len(issued["serial"]) >= 24  # 128 random bits, leading zeros apart
    check_shape(cert, profile, of_kind)


SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def check_shape(cert, profile, ca):
    extensions = cert.extensions
    usages = {"sslserver": ExtendedKeyUsageOID.SERVER_AUTH,
              "sslclient": ExtendedKeyUsageOID.CLIENT_AUTH}
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        usages[p] for p in PURPOSES[profile]]
    san = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    names = [str(n.value) for n in san.value]
    assert set(names) == {n.removeprefix("cn:") for n in NAMES[profile]} - {"Zoë Müller"}
    assert san.critical == (len(list(cert.subject)) == 0)
    point = extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    shard = cert.serial_number % 65536 % 64
    assert point.full_name[0].value == f"{URL}/crl/2/{shard}.crl"
    life = cert.not_valid_after - cert.not_valid_before
    assert life == datetime.timedelta(hours=24, seconds=60)
    issuer = x509.load_pem_x509_certificate((ca.dir / "issuer-2.pem").read_bytes())
    aki = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    ski = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert aki.key_identifier == ski.digest


def test_lists_are_good_lists(of_kind):
    for issuer, file in [("1", "root.pem"), ("2", "issuer-2.pem")]:
        path = of_kind.folder / f"{issuer}.crl"
        of_kind.ok("crl", path, "--issuer", issuer)
        done = openssl("crl", "-in", path, "-noout", "-verify", "-CAfile",
                       of_kind.dir / file, "-text")
        assert "verify OK" in done.stderr
        crl = x509.load_pem_x509_crl(path.read_bytes())
        assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > 0


# ---- orders ----


def make_csr(tmp_path, key=None, names=(), subject=(), extensions=()):
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(
        [x509.NameAttribute(oid, value) for oid, value in subject]))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [x509.DNSName(name) for name in names]), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    path = tmp_path / "request.pem"
    path.write_bytes(builder.sign(key, digest).public_bytes(serialization.Encoding.PEM))
    return path


def test_a_request_is_signed_and_the_same_one_gets_the_same(shared, tmp_path):
    csr = make_csr(tmp_path, names=[f"csr.{DOMAIN}"])
    first = shared.ok("sign", csr)
    assert first.count("BEGIN CERTIFICATE") == 2
    assert shared.ok("sign", "-", input_text=csr.read_text()) == first
    again = shared.json("sign", csr)
    assert again["reused"] and again["certificate"] == first
    leaf = x509.load_pem_x509_certificate(first.encode())
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == f"csr.{DOMAIN}"
    shared.ok("sign", csr, "--out", tmp_path / "out")
    assert (tmp_path / "out/cert.pem").read_text() == first


def test_of_a_subject_only_the_common_name_is_certified(shared, tmp_path):
    csr = make_csr(tmp_path, names=[f"o.{DOMAIN}"], subject=[
        (NameOID.ORGANIZATION_NAME, "Somebody Else"), (NameOID.COMMON_NAME, f"o.{DOMAIN}")])
    done = shared.run("sign", csr)
    assert done.returncode == 0 and "O is left out" in done.stderr
    leaf = x509.load_pem_x509_certificate(done.stdout.encode())
    assert [a.value for a in leaf.subject] == [f"o.{DOMAIN}"]


CA_EXTENSION = (x509.BasicConstraints(ca=True, path_length=None), True)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")


@pytest.mark.parametrize("names, words, code", [
    ([f"web.{DOMAIN}"], {"key": rsa.generate_private_key(65537, 1024)}, "key-too-weak"),
    ([f"web.{DOMAIN}"], {"key": rsa.generate_private_key(3, 2048)}, "key-too-weak"),
    ([f"web.{DOMAIN}"], {"key": ec.generate_private_key(ec.SECP256K1())}, "key-kind-not-allowed"),
    (["web.example.com"], {}, "name-not-allowed"),
    (["*.example.internal"], {}, "wildcard-not-allowed"),
    (["a'; DROP TABLE certs; --"], {}, "name-malformed"),
    (["../../etc/passwd"], {}, "name-malformed"),
    ([], {}, "names-missing"),
    ([f"web.{DOMAIN}"], {"extensions": [CA_EXTENSION]}, "extension-not-allowed"),
    ([f"web.{DOMAIN}"], {"extensions": [(UNKNOWN, True)]}, "extension-not-allowed"),
    ([f"web.{DOMAIN}"], {"subject": [(NameOID.COMMON_NAME, "bank.example.com")]},
     "common-name-not-allowed"),
])
def test_orders_are_refused_with_their_code(shared, tmp_path, names, words, code):
    before = shared.ok("list")
    csr = make_csr(tmp_path, names=names, **words)
    assert code in shared.refused("sign", csr, "--profile", "server")
    assert shared.ok("list") == before


def test_a_request_with_a_wrong_signature_is_refused(shared, tmp_path):
    csr = make_csr(tmp_path, names=[f"forged.{DOMAIN}"])
    request = x509.load_pem_x509_csr(csr.read_bytes())
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    at = der.index(b"forged")
    der[at:at + 6] = b"stolen"
    (tmp_path / "request.der").write_bytes(der)
    assert shared.refused("sign", tmp_path / "request.der") == ["csr-signature-invalid"]


def test_what_is_no_request_is_said_so(shared, tmp_path):
    (tmp_path / "x").write_text("hello")
    assert shared.run("sign", tmp_path / "x").returncode == 1
    assert shared.run("sign", tmp_path / "nothing").returncode == 2
    assert shared.run("sign").returncode == 2
    (tmp_path / "big").write_bytes(b"\x30\x83\x10\x00\x00" + b"\0" * 0x100000)
    assert shared.refused("sign", tmp_path / "big") == ["request-malformed"]


def test_lifetimes_have_a_limit(shared, tmp_path):
    csr = make_csr(tmp_path, names=[f"life.{DOMAIN}"])
    assert shared.refused("sign", csr, "--ttl", "91d") == ["lifetime-too-long"]
    assert shared.run("sign", csr, "--ttl", "soon").returncode == 2
    got = shared.json("sign", csr, "--ttl", "2h")
    begin, due, end = (datetime.datetime.fromisoformat(got[k].rstrip("Z"))
                       for k in ["not_before", "renew_at", "not_after"])
    assert (end - begin).total_seconds() == 7260
    issued = end - datetime.timedelta(hours=2)  # it begins a minute before
    assert 0.55 <= (due - issued) / (end - issued) <= 0.70


def test_renewal_points_differ(shared, tmp_path):
    parts = set()
    for i in range(5):
        csr = make_csr(tmp_path, names=[f"spread.{DOMAIN}"])
        got = shared.json("sign", csr)
        parts.add(got["renew_at"][:16])
    assert len(parts) > 1


# ---- issue and renew ----


def test_issued_files_are_for_the_owner_alone_and_are_not_overwritten(fresh):
    fresh.issue(f"web.{DOMAIN}")
    for name in ["key.pem", "cert.pem", "ca.pem"]:
        assert stat.S_IMODE((fresh.folder / "papers" / name).stat().st_mode) == 0o600
    before = (fresh.folder / "papers/cert.pem").read_bytes()
    done = fresh.run("issue", f"web.{DOMAIN}", "--out", fresh.folder / "papers")
    assert done.returncode == 1 and "ca renew" in done.stderr
    assert (fresh.folder / "papers/cert.pem").read_bytes() == before


def test_an_interrupted_issue_is_taken_up_again(fresh):
    first = fresh.issue(f"web.{DOMAIN}")
    (fresh.folder / "papers/cert.pem").unlink()
    again = fresh.issue(f"web.{DOMAIN}")
    assert again["reused"] and again["serial"] == first["serial"]


def test_renewal_keeps_key_names_and_profile(fresh):
    fresh.issue(f"spiffe://{DOMAIN}/web", f"web.{DOMAIN}")
    old = fresh.cert()
    got = fresh.json("renew", fresh.folder / "papers")
    new = fresh.cert()
    assert got["profile"] == "spiffe" and new.serial_number != old.serial_number
    assert new.public_key().public_bytes(*SPKI) == old.public_key().public_bytes(*SPKI)
    names = [c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
             for c in (old, new)]
    assert names[0] == names[1]
    fresh.verify()


# ---- revocation ----


def test_a_revoked_certificate_is_refused_by_openssl(fresh):
    issued = fresh.issue(f"web.{DOMAIN}")
    fresh.issue(f"api.{DOMAIN}", out="other")
    fresh.verify()
    told = fresh.json("revoke", issued["serial"], "--reason", "keyCompromise")
    assert told["revoked"] == [{"serial": issued["serial"], "identity": f"web.{DOMAIN}"}]
    done = fresh.verify(check=False)
    assert done.returncode != 0 and "certificate revoked" in done.stderr
    fresh.verify("other")
    crl = x509.load_pem_x509_crl(fresh.ok("crl").encode())
    entry = crl.get_revoked_certificate_by_serial_number(int(issued["serial"], 16))
    assert entry.extensions.get_extension_for_class(
        x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    assert fresh.refused("renew", fresh.folder / "papers") == ["renewal-revoked"]
    assert fresh.refused("revoke", issued["serial"]) == ["already-revoked"]
    assert fresh.refused("revoke", "00AA") == ["serial-unknown"]


def test_the_part_of_the_list_that_a_certificate_names_has_it(fresh):
    fresh.issue(f"web.{DOMAIN}")
    fresh.ok("revoke", fresh.folder / "papers/cert.pem")
    serial = fresh.cert().serial_number
    shard = serial % 65536 % 64
    part = x509.load_pem_x509_crl(fresh.ok("crl", "--shard", shard).encode())
    point = part.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert point.critical and point.value.full_name[0].value == f"{URL}/crl/2/{shard}.crl"
    assert part.get_revoked_certificate_by_serial_number(serial)
    other = x509.load_pem_x509_crl(fresh.ok("crl", "--shard", (shard + 1) % 64).encode())
    assert not list(other)
    # OpenSSL takes the part for this certificate, since both name the same address.
    part_file = fresh.folder / "part.pem"
    part_file.write_text(fresh.ok("crl", "--shard", shard))
    at = fresh.folder / "papers"
    done = openssl("verify", "-extended_crl", "-crl_check", "-CRLfile", part_file, "-CAfile",
                   at / "ca.pem", "-untrusted", at / "cert.pem", at / "cert.pem", check=False)
    assert "certificate revoked" in done.stderr


def test_many_are_revoked_by_identity_at_once_or_none(fresh):
    for name in ["a", "b"]:
        fresh.issue(f"{name}.web.{DOMAIN}", out=name)
    fresh.issue(f"c.{DOMAIN}", out="c")
    told = fresh.json("revoke", "--identity", f"*.web.{DOMAIN}", "--reason", "superseded")
    assert {r["identity"] for r in told["revoked"]} == {f"a.web.{DOMAIN}", f"b.web.{DOMAIN}"}
    fresh.verify("c")
    assert fresh.run("revoke", "--identity", "nobody*").returncode == 1
    # One of two is unknown: neither is revoked.
    serial = fresh.json("list", "--identity", f"c.{DOMAIN}")["certificates"][0]["serial"]
    assert fresh.refused("revoke", serial, "ABCDEF") == ["serial-unknown"]
    fresh.verify("c")


def test_a_new_list_has_a_higher_number(fresh):
    first = fresh.json("crl")["number"]
    assert fresh.json("crl")["number"] > first  # each command is a process of its own
    issued = fresh.issue(f"web.{DOMAIN}")
    fresh.ok("revoke", issued["serial"])
    assert fresh.json("crl")["number"] > first + 1


# ---- what is told ----


def test_list_chooses(fresh):
    fresh.issue(f"short.{DOMAIN}", out="short", ttl="1h")
    fresh.issue(f"long.{DOMAIN}", out="long", ttl="30d")
    revoked = fresh.issue(f"gone.{DOMAIN}", out="gone")
    fresh.ok("revoke", revoked["serial"])

    def names(*options):
        return {c["identity"] for c in fresh.json("list", *options)["certificates"]}

    assert names("--expiring", "2h") == {f"short.{DOMAIN}"}
    assert names("--revoked") == {f"gone.{DOMAIN}"}
    assert names("--identity", f"*.{DOMAIN}") == {f"{n}.{DOMAIN}" for n in ["short", "long", "gone"]}
    assert names("--profile", "issuer") == {"Example Issuing CA 2"}
    text = fresh.ok("list")
    assert re.search(rf"{revoked['serial']} +revoked .* gone\.", text)


def test_show_tells_a_certificate_and_the_ca(fresh):
    issued = fresh.issue(f"web.{DOMAIN}")
    text = fresh.ok("show", issued["serial"])
    assert f"DNS:web.{DOMAIN}" in text and "server" in text
    record = fresh.json("show", fresh.folder / "papers/cert.pem")
    assert record["serial"] == issued["serial"] and record["inspected"]["items"]
    ca = fresh.json("show")
    assert [i["kind"] for i in ca["issuers"]] == ["root", "issuer"]
    assert ca["public_url"] == URL
    assert fresh.refused("show", "AB") == ["serial-unknown"]


def test_the_log_tells_all_and_finds_a_change(fresh):
    issued = fresh.issue(f"web.{DOMAIN}")
    fresh.ok("revoke", issued["serial"])
    entries = fresh.json("audit")["entries"]
    assert [e["action"] for e in entries] == ["init", "list", "list", "issue", "revoke"]
    assert entries[3]["subject"] == issued["serial"] and f"web.{DOMAIN}" in entries[3]["detail"]
    assert entries[3]["proof"] == "command"
    assert fresh.json("audit", "verify")["entries"] == 5
    store = sqlite3.connect(fresh.dir / "store.sqlite")
    store.execute("UPDATE audit SET actor = ? WHERE seq = 4", (b"somebody",))
    store.commit()
    store.close()
    done = fresh.run("audit", "verify")
    assert done.returncode == 1 and "entry 4" in done.stderr


def test_profiles_of_a_configuration_count(fresh, tmp_path):
    (tmp_path / "c.conf").write_text(
        f"authority {{ store {fresh.dir};\n"
        f"  profile edge {{ extends server; allow dns:*.edge.{DOMAIN}; wildcards on; ttl 2h; }}\n}}\n")
    conf = ["-c", str(tmp_path / "c.conf")]
    listed = json.loads(run("ca", "profiles", "--json", *conf).stdout)["profiles"]
    edge = [p for p in listed if p["name"] == "edge"][0]
    assert edge["allow"] == [f"dns:*.edge.{DOMAIN}"] and edge["ttl"] == 7200
    done = run("ca", "issue", *conf, "--profile", "edge", f"*.edge.{DOMAIN}", "--out",
               str(tmp_path / "edge"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["profile"] == "edge"
    done = run("ca", "issue", *conf, "--profile", "edge", f"web.{DOMAIN}", "--out",
               str(tmp_path / "no"))
    assert done.returncode == 1 and f"dns:*.edge.{DOMAIN}" in done.stderr
    assert not (tmp_path / "no/cert.pem").exists()
    # Without the configuration the profile is not there.
    assert fresh.refused("issue", f"x.edge.{DOMAIN}", "--profile", "edge", "--out",
                         tmp_path / "x") == ["profile-unknown"]
    (tmp_path / "bad.conf").write_text("authority { profile x { allow dns:a.*.b; } }")
    done = run("ca", "profiles", "-c", str(tmp_path / "bad.conf"))
    assert done.returncode == 1 and "no pattern of names" in done.stderr


def test_a_token_is_printed_alone(fresh):
    done = fresh.run("token", f"*.web.{DOMAIN}", f"spiffe://{DOMAIN}/web/*", "--profile", "peer")
    assert re.fullmatch(r"cst_[A-Za-z0-9_-]{43}\n", done.stdout)
    assert "--fingerprint" in done.stderr and "--identity NAME --out" in done.stderr
    secret = done.stdout.strip().encode()
    for path in fresh.dir.rglob("*"):
        assert path.is_dir() or secret not in path.read_bytes(), path
    assert fresh.run("token").returncode == 2
    assert fresh.run("token", "dns:a.*.b").returncode == 2
    assert fresh.refused("token", "x.test", "--profile", "nobody") == ["profile-unknown"]


def test_a_token_that_will_be_refused_is_warned_of(fresh):
    """And printed nevertheless: the authority may know other profiles."""
    done = fresh.run("token", f"web.{DOMAIN}", "10.1.2.3", "2001:db8::/32",
                     f"*.{DOMAIN}")
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    done = fresh.run("token", f"joe@{DOMAIN}", "--profile", "client")
    assert done.returncode == 0 and f"--identity email:joe@{DOMAIN} --out" in done.stderr
    done = fresh.run("token", f"web.{DOMAIN}", "web.example.com", "--profile", "peer")
    assert done.returncode == 0 and done.stdout.startswith("cst_")
    assert done.stderr.count("warning") == 1 and '"dns:web.example.com"' in done.stderr
    assert f"--identity dns:web.{DOMAIN},dns:web.example.com --out" in done.stderr


@pytest.mark.skipif(not IS_ROOT, reason="only root can make a small disk")
def test_a_full_disk_loses_nothing_and_is_said(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        ca = Ca(disk)
        serials = {ca.issue(f"a{n}.test", out=f"../out{n}")["serial"] for n in range(2)}
        ca.ok("backup", tmp_path / "backup")
        with open(disk / "fill", "wb", 0) as fill:
            with pytest.raises(OSError):
                while True:
                    fill.write(bytes(4096))
        for words in [["issue", "b.test", "--out", tmp_path / "b"], ["token", "c.test"],
                      ["revoke", *serials], ["rotate", "issuer", "prepare"],
                      ["restore", tmp_path / "backup"], ["backup", disk / "backup"]]:
            done = ca.run(*words)
            assert done.returncode == 1, words
            assert "no room" in done.stderr or "No space" in done.stderr, (words, done.stderr)
            assert str(disk) in done.stderr, (words, done.stderr)
        assert sorted(p.name for p in disk.iterdir() if not p.name.startswith(".")) == [
            "ca", "fill"]
        (disk / "fill").unlink()
        assert "none changed" in ca.ok("audit", "verify")
        assert {c["serial"] for c in ca.json("list")["certificates"]
                if c["profile"] == "server"} == serials
        ca.ok("rotate", "issuer", "prepare")
        ca.ok("revoke", *serials)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_key_that_others_can_read_is_refused(fresh):
    os.chmod(fresh.dir / "issuer-2.key", 0o644)
    assert fresh.refused("crl") == ["ca-file-public"]


def test_the_root_key_can_be_away(fresh):
    (fresh.dir / "root-1.key").rename(fresh.folder / "safe")
    fresh.issue(f"web.{DOMAIN}")
    fresh.verify()


def test_a_ca_without_domains_has_no_constraints(tmp_path):
    ca = Ca(tmp_path)
    ca.issue("anything.test")
    ca.verify()
    issuer = x509.load_pem_x509_certificate((ca.dir / "issuer-2.pem").read_bytes())
    with pytest.raises(x509.ExtensionNotFound):
        issuer.extensions.get_extension_for_class(x509.NameConstraints)


def test_times_after_2049_are_written_as_rfc_5280_wants(tmp_path):
    ca = Ca(tmp_path, "--root-ttl", "40y", "--issuer-ttl", "39y")
    text = openssl("asn1parse", "-in", ca.dir / "root-1.pem").stdout
    assert re.findall(r"prim: (UTCTIME|GENERALIZEDTIME)", text) == ["UTCTIME", "GENERALIZEDTIME"]


@pytest.mark.parametrize("words, what", [
    (["ca"], "usage: countersign ca COMMAND"),
    (["ca", "isue"], 'unknown command "ca isue", did you mean "ca issue"?'),
    (["ca", "issue", "--frobnicate"], 'unknown option "--frobnicate"'),
    (["ca", "issue"], "no name is given"),
    (["ca", "issue", "a.test"], "--out DIR"),
    (["ca", "issue", "a b", "--out", "out"], '"a b" is no name'),
    (["ca", "issue", "a.test", "--key", "dsa", "--out", "out"], None),
    (["ca", "revoke"], "nothing is named"),
    (["ca", "revoke", "AA", "--reason", "whim"], "--reason wants one of unspecified"),
    (["ca", "audit", "vrify"], 'did you mean "verify"?'),
    (["ca", "list", "extra"], 'unexpected "extra"'),
    (["ca", "issue", "a.test", "--out", "out", "--ttl", "0"], "--ttl wants a time"),
    (["ca", "token", "a.test", "--ttl", "0s"], "--ttl wants a time"),
])
def test_mistakes_are_explained(shared, tmp_path, words, what):
    words = words + ["--dir", str(shared.dir)] if len(words) > 2 else words
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert what is None or what in done.stderr


def test_no_ca_is_said_so(tmp_path):
    done = run("ca", "list", "--dir", str(tmp_path / "none"))
    assert done.returncode == 1 and "countersign ca init --dir" in done.stderr
