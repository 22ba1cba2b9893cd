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
    "ec-p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec-p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ec-p521": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["-newkey", "ed25519"],
    "rsa-2048": ["-newkey", "rsa:2048"],
    "rsa-3072": ["-newkey", "rsa:3072"],
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
    """A CA in a folder with a certificate for each profile, of each of some kinds of key: of @own it
    makes them itself, the others of @foreign it only certifies."""

    def __init__(self, folder, key, domain, own=("ec-p256", "ed25519"), foreign=None):
        self.folder, self.dir, self.domain = folder, folder / "ca", domain
        more = ["--domain", "example.test"] if domain else []
        self.ca("init", "--name", "Example", "--key", key, "--url", URL, *more)
        self.root, self.issuer = self.dir / "root.pem", self.dir / "issuer-2.pem"
        self.leaves = {}
        for profile in NAMES:
            for kind in own:
                self.issue(profile, kind)
            for kind in FOREIGN_KEYS if foreign else []:
                if kind not in own:
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
    """Each kind of CA, with all kinds of keys in its certificates; the first made them itself."""
    domain = request.param in CA_KEYS
    return Authority(tmp_path_factory.mktemp("ca"), request.param if domain else "ec-p256", domain,
                     OWN_KEYS if request.param == "ec-p256" else [], foreign)


def openssl_verify(authority, leaf, lists, *more):
    return run("openssl", "verify", "-x509_strict", "-crl_check_all", "-extended_crl",
               "-CAfile", authority.root, "-untrusted", authority.issuer,
               *[word for path in lists for word in ("-CRLfile", path)], *more, leaf, check=False)


def openssl_accepts(authority, leaves, lists, purpose):
    """Those of @leaves that openssl finds good for @purpose."""
    done = openssl_verify(authority, leaves[0], lists, "-purpose", purpose, *leaves[1:])
    return {pathlib.Path(path) for path in re.findall(r"^(.*): OK$", done.stdout, re.M)}


def purposes_of(profile):
    usage = {SERVER: "sslserver", CLIENT: "sslclient"}
    return {usage[oid] for oid in USAGES[profile]}


# ---- certificates ----


def test_openssl_verifies_every_certificate_with_every_list(authority):
    leaves = list(authority.leaves.values())
    lists = authority.lists(*leaves)
    for purpose in ["sslserver", "sslclient"]:
        good = {leaf for (profile, _), leaf in authority.leaves.items()
                if purpose in purposes_of(profile)}
        assert openssl_accepts(authority, leaves, [lists["root"], lists["all"]], purpose) == good
        for part in set(map(shard_of, leaves)):
            here = [leaf for leaf in leaves if shard_of(leaf) == part]
            assert openssl_accepts(authority, here, [lists["root"], lists[part]],
                                   purpose) == good & set(here)


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
        check_signature(crl, by, crl.tbs_certlist_bytes)
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


@pytest.mark.parametrize("key", CA_KEYS)
def test_lists_are_verified_before_and_after_a_revocation(tmp_path, key):
    authority = Authority(tmp_path, key, True)
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


@pytest.mark.parametrize("key", CA_KEYS)
def test_a_revoked_issuing_ca_takes_its_certificates_along(tmp_path, key):
    authority = Authority(tmp_path, key, True, own=["ec-p256"])
    authority.ca("revoke", "--reason", "superseded", authority.issuer)
    leaf = authority.leaves["peer", "ec-p256"]
    lists = authority.lists(leaf)
    check_lists(authority, {"all": lists["all"]}, [])
    lint(lists.values())
    crl = x509.load_pem_x509_crl(lists["root"].read_bytes())
    assert [entry.serial_number for entry in crl] == [load(authority.issuer).serial_number]
    done = openssl_verify(authority, leaf, [lists["root"], lists["all"]])
    assert "error 23 at 1 depth" in done.stderr, done.stderr


@pytest.mark.parametrize("key,then", [("ec-p256", "rsa-3072"), ("rsa-3072", "ed25519"),
                                      ("ed25519", "ec-p384"), ("ec-p384", "ec-p256")])
def test_everybody_agrees_with_the_next_root(tmp_path, key, then):
    """Who knows the old root alone, and who knows the new one alone, by the chain that is shown."""
    authority = Authority(tmp_path, key, True, own=[])
    old = tmp_path / "old.pem"
    shutil.copy(authority.root, old)
    authority.ca("rotate", "root", "prepare", "--key", then)
    authority.ca("rotate", "root", "activate")
    out = tmp_path / "leaf"
    authority.ca("issue", "--profile", "peer", "--out", out, *NAMES["peer"])
    blocks = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n",
                        (out / "cert.pem").read_text(), re.S)
    assert len(blocks) == 3  # the leaf, its issuing CA, the new root as the old one vouches for it
    parts = [tmp_path / f"part-{i}.pem" for i in range(3)]
    for path, block in zip(parts, blocks):
        path.write_text(block)
    roots = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n",
                       authority.root.read_text() + (out / "ca.pem").read_text(), re.S)
    (new,) = {root for root in roots if root != old.read_text()}
    (tmp_path / "new.pem").write_text(new)
    lint([old, tmp_path / "new.pem", *parts])
    for root, more in [(old, [parts[2]]), (tmp_path / "new.pem", [])]:
        run("openssl", "verify", "-x509_strict", "-CAfile", root,
            *[word for path in [parts[1], *more] for word in ("-untrusted", path)], parts[0])
        chain = "".join(path.read_text() for path in [parts[0], parts[1], *more, root])
        done = run("certtool", "--verify-chain", "--verify-profile", "medium", input=chain)
        assert "Chain verification output: Verified." in done.stdout, done.stdout
    issuer = load(parts[1])
    check_signature(load(parts[0]), issuer, load(parts[0]).tbs_certificate_bytes)
    check_signature(issuer, load(tmp_path / "new.pem"), issuer.tbs_certificate_bytes)
    check_signature(load(parts[2]), load(old), load(parts[2]).tbs_certificate_bytes)


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
