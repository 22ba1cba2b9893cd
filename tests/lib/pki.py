"""A certification authority for tests: every certificate a story needs, made on the spot.

Authority signs; Identity is a certificate with its key and the chain to present. Both can be
saved as PEM files, which is what the configuration of a gateway, curl and openssl read.
"""

import base64
import datetime
import ipaddress
import os
import random

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

EKU = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
ONE_DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key(kind="ec"):
    """A private key: "ec" (P-256), "p384", "rsa" (2048 bits) or "ed25519"."""
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(kind)


def name(cn=None, org=None, **others):
    """A subject: organisation first, common name last, as certificates usually have it."""
    attributes = []
    if "country" in others:
        attributes.append(x509.NameAttribute(NameOID.COUNTRY_NAME, others["country"]))
    if org is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, org))
    if "unit" in others:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, others["unit"]))
    if cn is not None:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, cn))
    if "email" in others:
        attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, others["email"]))
    return x509.Name(attributes)


def general_name(text):
    """"uri:…", "ip:…", "email:…" or, without a prefix, a DNS name."""
    kind, _, value = text.partition(":")
    if kind == "uri":
        return x509.UniformResourceIdentifier(value)
    if kind == "ip":
        return x509.IPAddress(ipaddress.ip_address(value))
    if kind == "email":
        return x509.RFC822Name(value)
    return x509.DNSName(text)


def key_pem(key, password=None):
    how = serialization.NoEncryption()
    if password is not None:
        how = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def cert_pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def write(path, data, mode=0o644):
    with open(path, "wb") as out:
        out.write(data)
    os.chmod(path, mode)
    return str(path)


def digest_for(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


class Identity:
    """A certificate, its key, and the intermediates that are presented with it."""

    def __init__(self, cert, key, chain=()):
        self.cert = cert
        self.key = key
        self.chain = list(chain)
        self.certfile = None
        self.keyfile = None

    @property
    def serial(self):
        return self.cert.serial_number

    @property
    def pem(self):
        return b"".join(cert_pem(c) for c in [self.cert, *self.chain])

    def save(self, folder, stem, password=None):
        """Write STEM.pem and STEM.key into folder; remembers the paths."""
        self.certfile = write(os.path.join(folder, stem + ".pem"), self.pem)
        self.keyfile = write(os.path.join(folder, stem + ".key"),
                             key_pem(self.key, password), 0o600)
        return self


class Authority:
    """A CA that issues whatever it is asked for, wrong things included."""

    def __init__(self, cn="Scenario Root", parent=None, key=None, key_kind="ec", days=3650,
                 path_length=None, org="Scenario"):
        self.key = key or new_key(key_kind)
        self.subject = name(cn, org)
        self.parent = parent
        signer = parent or self
        start = now() - ONE_DAY
        issuer = parent.subject if parent else self.subject
        builder = (
            x509.CertificateBuilder().subject_name(self.subject).issuer_name(issuer)
            .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(start + days * ONE_DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), True)
            .add_extension(_key_usage(key_cert_sign=True, crl_sign=True,
                                      digital_signature=False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()),
                           False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                signer.key.public_key()), False))
        self.cert = builder.sign(signer.key, digest_for(signer.key))
        self.certfile = None

    @property
    def pem(self):
        return cert_pem(self.cert)

    def save(self, folder, stem):
        self.certfile = write(os.path.join(folder, stem + ".pem"), self.pem)
        return self

    def intermediates(self):
        """The certificates a leaf of this CA presents: up to the root, which is left out."""
        chain, ca = [], self
        while ca.parent is not None:
            chain.append(ca.cert)
            ca = ca.parent
        return chain

    def issue(self, cn="client", org=None, *, subject=None, san=(), eku=("client",),
              not_before=None, not_after=None, key=None, key_kind="ec", serial=None,
              extensions=()):
        key = key or new_key(key_kind)
        start = not_before or now() - ONE_DAY
        end = not_after or start + 90 * ONE_DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject if subject is not None else name(cn, org))
            .issuer_name(self.subject).public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(start).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
            .add_extension(_key_usage(), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.key.public_key()), False))
        if eku:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([EKU.get(e) or x509.ObjectIdentifier(e) for e in eku]),
                False)
        if san:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([general_name(s) for s in san]), False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        cert = builder.sign(self.key, digest_for(self.key))
        return Identity(cert, key, self.intermediates())

    def crl(self, revoked=(), *, last_update=None, next_update=None, number=1, point=None):
        """PEM of a revocation list that names the serials of the given identities; point: its
        issuing distribution point."""
        start = last_update or now() - datetime.timedelta(hours=1)
        builder = (
            x509.CertificateRevocationListBuilder().issuer_name(self.subject)
            .last_update(start).next_update(next_update or start + 30 * ONE_DAY)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.key.public_key()), False)
            .add_extension(x509.CRLNumber(number), False))
        if point is not None:
            builder = builder.add_extension(point, True)
        for who in revoked:
            serial = who if isinstance(who, int) else who.serial
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial)
                .revocation_date(start)
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), False)
                .build())
        return builder.sign(self.key, digest_for(self.key)).public_bytes(
            serialization.Encoding.PEM)


def _der(tag, content):
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def big_crl(authority, entries, also=(), number=1):
    """PEM of a list with many random serials; the library that makes the others would take
    minutes. Authority's key must be ECDSA on P-256."""
    generator = random.Random(entries)
    moment = _der(0x17, now().strftime("%y%m%d%H%M%SZ").encode())
    until = _der(0x17, (now() + 30 * ONE_DAY).strftime("%y%m%d%H%M%SZ").encode())
    rows = []
    for _ in range(entries):
        serial = bytes([generator.randrange(1, 128)]) + generator.randbytes(15)
        rows.append(b"\x30\x21\x02\x10" + serial + moment)
    for serial in also:
        content = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
        rows.append(_der(0x30, _der(0x02, content) + moment))
    algorithm = _der(0x30, bytes.fromhex("06082a8648ce3d040302"))
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(
        authority.key.public_key()).key_identifier
    extensions = (
        _der(0x30, b"\x06\x03\x55\x1d\x23" + _der(0x04, _der(0x30, _der(0x80, identifier))))
        + _der(0x30, b"\x06\x03\x55\x1d\x14" + _der(0x04, _der(0x02, bytes([number])))))
    body = _der(0x30, b"\x02\x01\x01" + algorithm + authority.subject.public_bytes() + moment
                + until + _der(0x30, b"".join(rows)) + _der(0xA0, _der(0x30, extensions)))
    signature = authority.key.sign(body, ec.ECDSA(hashes.SHA256()))
    der = _der(0x30, body + algorithm + _der(0x03, b"\0" + signature))
    text = base64.encodebytes(der)
    return b"-----BEGIN X509 CRL-----\n" + text + b"-----END X509 CRL-----\n"


def _key_usage(**on):
    bits = dict(digital_signature=True, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=False,
                crl_sign=False, encipher_only=False, decipher_only=False)
    bits.update(on)
    return x509.KeyUsage(**bits)


class Zoo:
    """The certificates that most stories share, made once and saved in one folder."""

    def __init__(self, folder):
        self.dir = str(folder)
        hour = datetime.timedelta(hours=1)

        self.ca = Authority("Scenario Root").save(folder, "ca")
        self.issuing = Authority("Scenario Issuing", parent=self.ca).save(folder, "issuing")
        self.foreign = Authority("Foreign Root", org="Elsewhere").save(folder, "foreign-ca")
        # the same name as the trusted root, another key
        self.namesake = Authority("Scenario Root").save(folder, "namesake-ca")

        names = ["a.test", "b.test", "c.test", "localhost", "*.wild.test", "ip:127.0.0.1"]
        issue = self.ca.issue
        self.server = issue("a.test", san=names, eku=("server",)).save(folder, "server")
        self.server_rsa = issue("a.test", san=names, eku=("server",),
                                key_kind="rsa").save(folder, "server-rsa")
        self.server_encrypted = issue("a.test", san=names, eku=("server",)).save(
            folder, "server-encrypted", password="correct horse")
        write(os.path.join(folder, "passwords"), b"battery staple\ncorrect horse\n", 0o600)

        self.alice = issue("alice", "Example Ltd", san=["alice.test"]).save(folder, "alice")
        self.bob = issue("bob", "Example Ltd").save(folder, "bob")
        self.deep = self.issuing.issue("deep", "Example Ltd").save(folder, "deep")
        self.revoked = issue("mallory", "Example Ltd").save(folder, "revoked")
        self.expired = issue("olga", not_before=now() - 30 * ONE_DAY,
                             not_after=now() - 3 * ONE_DAY).save(folder, "expired")
        self.future = issue("fiona", not_before=now() + 3 * ONE_DAY).save(folder, "future")
        self.server_only = issue("sven", eku=("server",)).save(folder, "server-only")
        self.stranger = self.foreign.issue("stranger", "Elsewhere").save(folder, "stranger")
        self.imposter = self.namesake.issue("imposter", "Example Ltd").save(folder, "imposter")
        self.self_signed = self.new_self_signed().save(folder, "self-signed")

        self.crl = write(os.path.join(folder, "crl.pem"), self.ca.crl([self.revoked]))
        self.empty_crl = write(os.path.join(folder, "crl-nobody.pem"), self.ca.crl())
        self.stale_crl = write(
            os.path.join(folder, "crl-stale.pem"),
            self.ca.crl(last_update=now() - 48 * hour, next_update=now() - 24 * hour))

    @staticmethod
    def new_self_signed():
        key = new_key()
        subject = name("selma")
        cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now() - ONE_DAY).not_valid_after(now() + 30 * ONE_DAY)
                .sign(key, hashes.SHA256()))
        return Identity(cert, key)
