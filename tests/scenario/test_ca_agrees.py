"""Other people's tools agree with everything that the CA issues: OpenSSL, GnuTLS, zlint and
pyca/cryptography read, verify and lint it, for every profile and every kind of key."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

from gateway import PROGRAM

pytestmark = pytest.mark.countersign

ROOT = pathlib.Path(__file__).resolve().parents[2]
URL = "http://ca.example.test:9080"
CA_KEYS = ["ec-p256", "ec-p384", "ed25519", "rsa-3072"]
OWN_KEYS = CA_KEYS  # made by `ca issue`
FOREIGN_KEYS = {  # made by others, certified by `ca sign`
    "ec-p521": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa-2048": ["-newkey", "rsa:2048"],
    "rsa-4096": ["-newkey", "rsa:4096"],
}
NAMES = {
    "server": ["www.example.test", "192.0.2.1", "2001:db8::1"],
    "client": ["email:ann@example.test", "uri:spiffe://example.test/ann", "cn:Ann"],
    "peer": ["svc.example.test", "spiffe://example.test/svc", "192.0.2.2"],
    "spiffe": ["spiffe://example.test/ns/prod/sa/api"],
}
SERVER, CLIENT = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"
USAGES = {"server": {SERVER}, "client": {CLIENT}, "peer": {SERVER, CLIENT},
          "spiffe": {SERVER, CLIENT}}

# What zlint has against them although it is meant so, with the reason. Rules of the Web PKI
# (CA/Browser Forum, Mozilla, Apple, ETSI) are not asked: private names break them on purpose.
EXCEPTIONS = {}


def run(*words, check=True, text=True, **more):
    done = subprocess.run([*map(str, words)], capture_output=True, text=text, timeout=60, **more)
    if check:
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done


class Authority:
    """A CA in a folder with a certificate for each profile, of each of some kinds of key."""

    def __init__(self, folder, key, domain, foreign=None):
        self.folder, self.dir, self.domain = folder, folder / "ca", domain
        more = ["--domain", "example.test"] if domain else []
        self.ca("init", "--name", "Example", "--key", key, "--url", URL, *more)
        self.root, self.issuer = self.dir / "root.pem", self.dir / "issuer-2.pem"
        self.leaves = {}
        for profile in NAMES:
            for kind in OWN_KEYS if foreign else ["ec-p256", "ed25519"]:
                self.issue(profile, kind)
            for kind in FOREIGN_KEYS if foreign else []:
                self.sign(profile, kind, foreign / kind)

    def ca(self, command, *words):
        return run(PROGRAM, "ca", command, "--dir", self.dir, *words).stdout

    def issue(self, profile, kind):
        out = self.folder / f"{profile}-{kind}"
        self.ca("issue", "--profile", profile, "--key", kind, "--out", out, *NAMES[profile])
        self.leaves[profile, kind] = self.split(out / "cert.pem", out)

    def sign(self, profile, kind, key):
        out = self.folder / f"{profile}-{kind}"
        out.mkdir()
        shutil.copy(key / "key.pem", out)
        (out / "cert.pem").write_text(self.ca("sign", "--profile", profile, key / "request.pem",
                                              *NAMES[profile]))
        self.leaves[profile, kind] = self.split(out / "cert.pem", out)

    def split(self, path, out):
        """The certificate alone; the chain behind it has to be the issuing CA."""
        blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", path.read_text(), re.S)
        assert blocks[1:] == [self.issuer.read_text()]
        (out / "leaf.pem").write_text(blocks[0])
        return out / "leaf.pem"

    def lists(self, *leaves):
        """The root's list, the complete one, and the parts that @leaves name, as paths."""
        paths = {}
        for name, words in [("root", ["--issuer", 1]), ("all", ["--issuer", 2])] + [
                (shard, ["--issuer", 2, "--shard", shard]) for shard in map(shard_of, leaves)]:
            paths[name] = self.folder / f"list-{name}.pem"
            self.ca("crl", *words, paths[name])
        return paths


def load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def shard_of(leaf):
    """The part of the list that the certificate names."""
    points = load(leaf).extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (point,) = points
    (name,) = point.full_name
    found = re.fullmatch(re.escape(URL) + r"/crl/2/(\d+)\.crl", name.value)
    return int(found[1])


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Keys and signing requests, by openssl."""
    folder = tmp_path_factory.mktemp("foreign")
    for kind, words in FOREIGN_KEYS.items():
        (folder / kind).mkdir()
        run("openssl", "req", *words, "-nodes", "-subj", "/", "-keyout", folder / kind / "key.pem",
            "-out", folder / kind / "request.pem")
    return folder


@pytest.fixture(scope="module", params=[*CA_KEYS, "no domains"])
def authority(request, tmp_path_factory, foreign):
    """Each kind of CA; the first one with all kinds of keys in its certificates."""
    domain = request.param in CA_KEYS
    return Authority(tmp_path_factory.mktemp("ca"), request.param if domain else "ec-p256", domain,
                     foreign if request.param == "ec-p256" else None)


def openssl_verify(authority, leaf, lists, *more):
    return run("openssl", "verify", "-x509_strict", "-crl_check_all", "-extended_crl",
               "-CAfile", authority.root, "-untrusted", authority.issuer,
               *[word for path in lists for word in ("-CRLfile", path)], *more, leaf, check=False)


def purposes_of(profile):
    usage = {SERVER: "sslserver", CLIENT: "sslclient"}
    return {usage[oid] for oid in USAGES[profile]}


# ---- certificates ----


def test_openssl_verifies_every_certificate_with_every_list(authority):
    lists = authority.lists(*authority.leaves.values())
    for (profile, _), leaf in authority.leaves.items():
        for part in ["all", shard_of(leaf)]:
            for purpose in ["sslserver", "sslclient"]:
                done = openssl_verify(authority, leaf, [lists["root"], lists[part]], "-purpose",
                                      purpose)
                good = purpose in purposes_of(profile)
                assert (done.returncode == 0) == good, (leaf, part, purpose, done.stderr)


def test_openssl_knows_the_purposes(authority):
    for (profile, _), leaf in authority.leaves.items():
        text = run("openssl", "x509", "-in", leaf, "-noout", "-purpose").stdout
        said = dict(re.findall(r"^(.*?) : (\w+)", text, re.M))
        wants = purposes_of(profile)
        assert said["SSL server"] == ("Yes" if "sslserver" in wants else "No")
        assert said["SSL client"] == ("Yes" if "sslclient" in wants else "No")
        for purpose in ["SSL server CA", "SSL client CA", "CRL signing", "Time Stamp signing"]:
            assert said[purpose] == "No", (leaf, purpose)
    text = run("openssl", "x509", "-in", authority.issuer, "-noout", "-purpose").stdout
    assert "SSL server CA : Yes" in text and "SSL client CA : Yes" in text


def test_openssl_finds_the_names(authority):
    leaf = authority.leaves["server", "ec-p256"]
    for words in [["-verify_hostname", "www.example.test"], ["-verify_ip", "192.0.2.1"],
                  ["-verify_ip", "2001:db8::1"]]:
        run("openssl", "verify", *words, "-CAfile", authority.root, "-untrusted",
            authority.issuer, leaf)


def test_gnutls_verifies_every_chain(authority):
    for leaf in authority.leaves.values():
        chain = leaf.read_text() + authority.issuer.read_text() + authority.root.read_text()
        done = run("certtool", "--verify-chain", "--verify-profile", "medium", input=chain)
        assert "Chain verification output: Verified." in done.stdout, done.stdout


def check_signature(signed, issuer, body):
    key, digest = issuer.public_key(), signed.signature_hash_algorithm
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signed.signature, body)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signed.signature, body, ec.ECDSA(digest))
    else:
        key.verify(signed.signature, body, padding.PKCS1v15(), digest)


def test_cryptography_reads_every_certificate(authority):
    issuer = load(authority.issuer)
    issuer_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    for (profile, _), path in authority.leaves.items():
        leaf = load(path)
        check_signature(leaf, issuer, leaf.tbs_certificate_bytes)
        said = {type(extension.value): extension for extension in leaf.extensions}
        assert leaf.version == x509.Version.v3 and leaf.issuer == issuer.subject
        assert not said[x509.BasicConstraints].value.ca
        usage = said[x509.KeyUsage]
        assert usage.critical and usage.value.digital_signature
        assert not (usage.value.key_cert_sign or usage.value.crl_sign)
        assert {oid.dotted_string for oid in said[x509.ExtendedKeyUsage].value} == USAGES[profile]
        assert said[x509.AuthorityKeyIdentifier].value.key_identifier == issuer_id.digest
        names = said[x509.SubjectAlternativeName]
        assert names.critical == (len(list(leaf.subject)) == 0)
        assert {str(name.value) for name in names.value} == {
            re.sub("^(email|uri):", "", name) for name in NAMES[profile] if name[:3] != "cn:"}
        (ocsp,) = said[x509.AuthorityInformationAccess].value
        assert ocsp.access_location.value == URL + "/ocsp"
        assert ocsp.access_method == x509.oid.AuthorityInformationAccessOID.OCSP


def test_keys_are_those_of_the_certificates(authority):
    def public(key):
        return key.public_bytes(serialization.Encoding.DER,
                                serialization.PublicFormat.SubjectPublicKeyInfo)

    for path in authority.leaves.values():
        key = serialization.load_pem_private_key((path.parent / "key.pem").read_bytes(), None)
        assert public(key.public_key()) == public(load(path).public_key()), path


# ---- lists ----


def check_lists(authority, lists, revoked):
    """Everybody reads @lists the same, and finds @revoked on them."""
    issuer, root = load(authority.issuer), load(authority.root)
    for name, path in lists.items():
        by, file = (root, authority.root) if name == "root" else (issuer, authority.issuer)
        said = run("openssl", "crl", "-in", path, "-noout", "-verify", "-CAfile", file)
        assert "verify OK" in said.stderr
        done = run("certtool", "--verify-crl", "--load-ca-certificate", file, "--infile", path)
        assert "Verified." in done.stdout
        crl = x509.load_pem_x509_crl(path.read_bytes())
        assert crl.is_signature_valid(by.public_key())
        wanted = [leaf for leaf in revoked if name == "all" or name == shard_of(leaf)]
        assert {entry.serial_number for entry in crl} == {load(leaf).serial_number
                                                          for leaf in wanted}
        points = [extension for extension in crl.extensions
                  if isinstance(extension.value, x509.IssuingDistributionPoint)]
        assert len(points) == (name not in ("root", "all"))
        for point in points:
            assert point.critical
            assert [uri.value for uri in point.value.full_name] == [f"{URL}/crl/2/{name}.crl"]


def number_of(path):
    crl = x509.load_pem_x509_crl(path.read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_lists_are_verified_before_and_after_a_revocation(tmp_path):
    authority = Authority(tmp_path, "ec-p256", True)
    revoked = [authority.leaves[profile, "ec-p256"] for profile in NAMES]
    good = [authority.leaves[profile, "ed25519"] for profile in NAMES]
    reasons = ["keyCompromise", "superseded", "cessationOfOperation", "unspecified"]
    before = authority.lists(*revoked, *good)
    check_lists(authority, before, [])
    numbers = {name: number_of(path) for name, path in before.items()}
    for leaf, reason in zip(revoked, reasons):
        authority.ca("revoke", "--reason", reason, leaf)
    after = authority.lists(*revoked, *good)
    check_lists(authority, after, revoked)
    lint(after.values())

    for leaf in revoked:
        assert number_of(after[shard_of(leaf)]) > numbers[shard_of(leaf)]
        for part in ["all", shard_of(leaf)]:
            done = openssl_verify(authority, leaf, [after["root"], after[part]])
            assert "error 23" in done.stderr, (leaf, part, done.stderr)
        done = run("certtool", "--verify", "--load-ca-certificate", authority.root, "--load-crl",
                   after["all"], "--infile", leaf.parent / "cert.pem", check=False)
        assert "revoked" in done.stdout
    for leaf in good:
        for part in ["all", shard_of(leaf)]:
            done = openssl_verify(authority, leaf, [after["root"], after[part]])
            assert done.returncode == 0, (leaf, part, done.stderr)

    crl = x509.load_pem_x509_crl(after["all"].read_bytes())
    for leaf, reason in zip(revoked, reasons):
        entry = crl.get_revoked_certificate_by_serial_number(load(leaf).serial_number)
        said = [extension.value.reason for extension in entry.extensions]
        assert said == ([] if reason == "unspecified" else [x509.ReasonFlags(reason)])


def test_the_wrong_part_of_a_list_says_nothing(authority):
    leaf = authority.leaves["peer", "ec-p256"]
    other = (shard_of(leaf) + 1) % 64
    paths = authority.lists(leaf)
    authority.ca("crl", "--shard", other, paths["all"])
    done = openssl_verify(authority, leaf, [paths["root"], paths["all"]])
    assert done.returncode != 0 and "CRL" in done.stderr, done.stderr


# ---- zlint ----


def lint(paths):
    """What zlint has against the files, by the rules of RFCs."""
    found = run(ROOT / "tools" / "provide-zlint", "--cached", check=False)
    if found.returncode:
        pytest.skip("zlint is not here: tools/provide-zlint gets it")
    zlint = found.stdout.strip()
    rows = map(json.loads, run(zlint, "-list-lints-json").stdout.splitlines())
    ours = {row["name"] for row in rows if row["source"].startswith("RFC")}
    asked, against = set(), set()
    paths = list(paths)
    answers = run(zlint, *paths).stdout.splitlines()
    assert len(answers) == len(paths)
    for path, answer in zip(paths, answers):
        for name, said in json.loads(answer).items():
            if name not in ours or said["result"] in ("NA", "NE"):
                continue
            asked.add(name)
            if said["result"] != "pass" and name not in EXCEPTIONS:
                against.add((path.parent.name, name, said["result"], said.get("details")))
    assert not against
    return asked


def test_zlint_has_nothing_against_certificates(authority):
    asked = lint([authority.root, authority.issuer, *authority.leaves.values()])
    assert len(asked) > 50, sorted(asked)  # it did look


def test_zlint_has_nothing_against_lists(authority):
    asked = lint(authority.lists(authority.leaves["server", "ec-p256"]).values())
    assert "e_crl_has_next_update" in asked
