#!/usr/bin/python3
"""make.py DIR: write the zoo: certificates, keys and revocation lists, good and bad.

Every file name is stable; tests/pki/manifest says what is wrong with each certificate and
what a verifier has to answer. A file NAME.pem holds the chain as a peer would present it,
leaf first; NAME.key its private key (PKCS#8). Nothing made here is secret or kept in git.

Times are relative to the moment of the call (or --now SECONDS), which is also written to
DIR/now, so that a test can judge the zoo at exactly the time it was made for.
"""
import argparse
import datetime as dt
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU
from cryptography.x509.oid import NameOID, ObjectIdentifier

DAY = dt.timedelta(days=1)
CLIENT, SERVER = [EKU.CLIENT_AUTH], [EKU.SERVER_AUTH]


class Zoo:
    """Where files go, and what time it is."""

    def __init__(self, folder, now):
        self.folder, self.now, self.serial = folder, now, 0x1000
        self.made = {}

    def write(self, name, data, mode=0o644):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "wb") as f:
            f.write(data)

    def next_serial(self):
        """Distinct, with the top bit set now and then: DER must pad those with a zero byte."""
        self.serial += 1
        return int.from_bytes(b"\x5a" + self.serial.to_bytes(15, "big"), "big")


def new_key(kind):
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind == "k256":
        return ec.generate_private_key(ec.SECP256K1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind[3:]))


def pem_key(key, password=None):
    how = (serialization.BestAvailableEncryption(password) if password
           else serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM)


def der(thing):
    return thing.public_bytes(serialization.Encoding.DER)


def name(cn, org="countersign test"):
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, org)] if org else []
    return x509.Name(parts + [x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def general(sans):
    """["dns:a", "uri:b", "ip:c", "email:d"] as general names."""
    kinds = {"dns": x509.DNSName, "uri": x509.UniformResourceIdentifier,
             "email": x509.RFC822Name, "ip": lambda a: x509.IPAddress(ipaddress.ip_address(a))}
    out = []
    for san in sans:
        kind, text = san.split(":", 1)
        out.append(kinds[kind](text))
    return out


def key_usage(*words):
    every = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{w: w in words for w in every})


class Cert:
    """A certificate with its key and the chain that is presented behind it."""

    def __init__(self, cert, key, chain):
        self.cert, self.key, self.chain = cert, key, chain


def issue(zoo, cn, issuer=None, key="p256", org="countersign test", sans=(), ca=False, path_len=None,
          usage=None, eku=None, start=-1, end=365, extra=(), bc=True, digest=None, aki=None,
          subject=None, serial=None, chain=None, signer=None):
    """Make one certificate. @issuer None: self-signed. @start, @end: days from now.
    @usage and @eku None mean the usual, () means the extension is left out.
    @signer signs with another key than the issuer's."""
    key = new_key(key) if isinstance(key, str) else key
    subject = name(cn, org) if subject is None else subject
    issuer_name = issuer.cert.subject if issuer else subject
    issuer_key = issuer.key if issuer else key
    if usage is None:
        usage = ("key_cert_sign", "crl_sign") if ca else ("digital_signature",)
    b = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer_name)
         .public_key(key.public_key())
         .serial_number(serial if serial is not None else zoo.next_serial())
         .not_valid_before(zoo.now + start * DAY).not_valid_after(zoo.now + end * DAY))
    if bc:
        b = b.add_extension(x509.BasicConstraints(ca=ca, path_length=path_len), critical=True)
    if usage:
        b = b.add_extension(key_usage(*usage), critical=True)
    if eku:
        b = b.add_extension(x509.ExtendedKeyUsage(eku), critical=False)
    if sans:
        b = b.add_extension(x509.SubjectAlternativeName(general(sans)), critical=False)
    b = b.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    b = b.add_extension(
        x509.AuthorityKeyIdentifier(aki, None, None) if aki else
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    for ext, critical in extra:
        b = b.add_extension(ext, critical=critical)
    signing = signer or issuer_key
    if isinstance(signing, ed25519.Ed25519PrivateKey):
        digest = None
    else:
        digest = digest or hashes.SHA256()
    cert = b.sign(signing, digest)
    if chain is None:
        chain = [issuer] + issuer.chain if issuer and issuer.cert.subject != issuer.cert.issuer else []
    return Cert(cert, key, chain)


def save(zoo, file, made, leaf_der=None):
    """NAME.pem: leaf, then the chain behind it; NAME-rest.pem: that chain; NAME.key."""
    leaf = pem(made.cert) if leaf_der is None else armour("CERTIFICATE", leaf_der)
    rest = b"".join(pem(c.cert) for c in made.chain)
    zoo.write(file + ".pem", leaf + rest)
    if rest:
        zoo.write(file + "-rest.pem", rest)  # openssl s_client and s_server want it apart
    zoo.write(file + ".key", pem_key(made.key), 0o600)
    zoo.made[file] = made
    return made


def armour(label, data):
    import base64
    text = base64.b64encode(data).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return f"-----BEGIN {label}-----\n{chr(10).join(lines)}\n-----END {label}-----\n".encode()


def crl(zoo, file, issuer, revoked=(), this=-1, until=30, signer=None, extra=(), entry_extra=()):
    b = (x509.CertificateRevocationListBuilder().issuer_name(issuer.cert.subject)
         .last_update(zoo.now + this * DAY).next_update(zoo.now + until * DAY))
    for made, reason in revoked:
        e = (x509.RevokedCertificateBuilder().serial_number(made.cert.serial_number)
             .revocation_date(zoo.now + this * DAY))
        if reason:
            e = e.add_extension(x509.CRLReason(reason), critical=False)
        for ext, critical in entry_extra:
            e = e.add_extension(ext, critical=critical)
        b = b.add_revoked_certificate(e.build())
    b = b.add_extension(x509.CRLNumber(1), critical=False)
    for ext, critical in extra:
        b = b.add_extension(ext, critical=critical)
    made = b.sign(signer or issuer.key, hashes.SHA256())
    zoo.write(file + ".pem", pem(made))
    zoo.write(file + ".der", der(made))
    return made


def raw(oid, value):
    return x509.UnrecognizedExtension(ObjectIdentifier(oid), value)


def tlv(tag, value):
    if len(value) < 128:
        return bytes([tag, len(value)]) + value
    n = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(n)]) + n + value


def raw_san(*names):
    """A subjectAltName from (tag, bytes) pairs, for names no honest builder would write."""
    return raw("2.5.29.17", tlv(0x30, b"".join(tlv(t, v) for t, v in names)))


def children(data):
    """The elements inside one DER element, each whole; lengths are trusted: we made it."""
    def header(at):
        n = data[at + 1]
        if n < 128:
            return at + 2, n
        return at + 2 + (n & 127), int.from_bytes(data[at + 2:at + 2 + (n & 127)], "big")

    at, length = header(0)
    end, out = at + length, []
    while at < end:
        inner, length = header(at)
        out.append(data[at:inner + length])
        at = inner + length
    return out


def rebuild(made, issuer_key, change, digest=None, algorithm=None):
    """DER of @made with its to-be-signed parts changed by @change and signed again (ECDSA)."""
    parts = children(children(der(made.cert))[0])
    if algorithm:
        parts[2] = algorithm
    tbs = tlv(0x30, b"".join(change(parts)))
    signature = issuer_key.sign(tbs, ec.ECDSA(digest or hashes.SHA256()))
    return tlv(0x30, tbs + parts[2] + tlv(0x03, b"\0" + signature))


ECDSA_SHA1 = tlv(0x30, bytes.fromhex("06072a8648ce3d0401"))


def double_extension(parts):
    """The first extension twice (RFC 5280 section 4.2 forbids it)."""
    extensions = children(children(parts[-1])[0])
    return parts[:-1] + [tlv(0xa3, tlv(0x30, b"".join(extensions[:1] + extensions)))]


def version_one(parts):
    """Neither version nor extensions: X.509 version 1."""
    return parts[1:-1]


def flip_last(data):
    """The same certificate with one bit of its signature changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def authorities(zoo):
    a = {}
    a["ca"] = save(zoo, "ca", issue(zoo, "Demo Root", ca=True, end=3650))
    a["ca-rsa"] = save(zoo, "ca-rsa", issue(zoo, "Demo RSA Root", key="rsa2048", ca=True, end=3650))
    a["int"] = save(zoo, "int", issue(zoo, "Demo Issuing CA", a["ca"], ca=True, path_len=0, end=1825))
    a["int2"] = save(zoo, "int2", issue(zoo, "Demo Regional CA", a["ca"], ca=True, end=1825))
    a["int3"] = save(zoo, "int3", issue(zoo, "Demo Local CA", a["int2"], ca=True, end=1825))
    a["int-expired"] = save(zoo, "int-expired", issue(
        zoo, "Demo Old Issuing CA", a["ca"], ca=True, start=-30, end=-3))
    a["int-future"] = save(zoo, "int-future", issue(
        zoo, "Demo Next Issuing CA", a["ca"], ca=True, start=3, end=300))
    a["int-not-ca"] = save(zoo, "int-not-ca", issue(zoo, "Demo Not A CA", a["ca"]))
    a["int-no-certsign"] = save(zoo, "int-no-certsign", issue(
        zoo, "Demo CA Without keyCertSign", a["ca"], ca=True, usage=("crl_sign",)))
    a["int-no-bc"] = save(zoo, "int-no-bc", issue(
        zoo, "Demo CA Without basicConstraints", a["ca"], usage=("key_cert_sign",), bc=False))
    a["int-nocrl"] = save(zoo, "int-nocrl", issue(
        zoo, "Demo CA Without cRLSign", a["ca"], ca=True, usage=("key_cert_sign",)))
    a["int-server"] = save(zoo, "int-server", issue(
        zoo, "Demo Server-Only CA", a["ca"], ca=True, eku=SERVER))
    a["int-nc"] = save(zoo, "int-nc", issue(
        zoo, "Demo Site A CA", a["ca"], ca=True,
        extra=[(x509.NameConstraints([x509.DNSName("site-a.test")], None), True)]))
    a["int-rsa1024"] = save(zoo, "int-rsa1024", issue(
        zoo, "Demo Weak CA", a["ca"], key="rsa1024", ca=True))
    a["sub-of-int"] = save(zoo, "sub-of-int", issue(zoo, "Demo Sub CA", a["int"], ca=True))
    a["other-ca"] = save(zoo, "other-ca", issue(zoo, "Other Root", org="Other", ca=True, end=3650))
    a["other-int"] = save(zoo, "other-int", issue(
        zoo, "Other Issuing CA", a["other-ca"], org="Other", ca=True))
    a["old-ca"] = save(zoo, "old-ca", issue(
        zoo, "Old Root", ca=True, start=-3650, end=-3))
    a["ca-rekeyed"] = save(zoo, "ca-rekeyed", issue(zoo, "Demo Root", ca=True, end=3650))
    a["x-old"] = save(zoo, "x-old", issue(
        zoo, "Demo X Old Root", ca=True, start=-3650, end=-3))
    a["x-new"] = save(zoo, "x-new", issue(zoo, "Demo X New Root", ca=True, end=3650))
    both = b"".join(pem(a[n].cert) for n in ("ca", "other-ca"))
    zoo.write("ca-both.pem", both)
    zoo.write("x-both.pem", b"".join(pem(a[n].cert) for n in ("x-old", "x-new")))
    zoo.write("ca-int.pem", b"".join(pem(a[n].cert) for n in ("ca", "int")))
    return a


def servers(zoo, a):
    names = ["dns:localhost", "dns:server.test", "dns:a.test", "dns:b.test", "dns:*.wild.test",
             "ip:127.0.0.1", "ip:::1"]
    s = dict(eku=SERVER, sans=names)
    save(zoo, "server", issue(zoo, "server.test", a["ca"], **s))
    save(zoo, "server-rsa", issue(zoo, "server.test", a["ca"], key="rsa2048",
                                  usage=("digital_signature", "key_encipherment"), **s))
    chain = save(zoo, "server-chain", issue(zoo, "server.test", a["int"], **s))
    zoo.write("server-fullchain.pem", b"".join(pem(c) for c in (
        chain.cert, a["int"].cert, a["ca"].cert)))
    save(zoo, "server-no-int", issue(zoo, "server.test", a["int"], chain=[], **s))
    save(zoo, "server-expired", issue(zoo, "server.test", a["ca"], start=-30, end=-3, **s))
    save(zoo, "server-future", issue(zoo, "server.test", a["ca"], start=3, **s))
    save(zoo, "server-other-ca", issue(zoo, "server.test", a["other-ca"], **s))
    save(zoo, "server-self-signed", issue(zoo, "server.test", **s))
    save(zoo, "server-wrong-name", issue(
        zoo, "old-server.test", a["ca"], eku=SERVER, sans=["dns:old-server.test"]))
    save(zoo, "server-cn-only", issue(zoo, "server.test", a["ca"], eku=SERVER))
    save(zoo, "server-client-eku", issue(zoo, "server.test", a["ca"], eku=CLIENT, sans=names))
    save(zoo, "server-revoked", issue(zoo, "server.test", a["ca"], **s))


def clients(zoo, a):
    ca, ok = a["ca"], dict(eku=CLIENT)
    save(zoo, "client", issue(zoo, "client", ca, sans=[
        "dns:client.test", "email:client@test", "uri:https://client.test/id", "ip:192.0.2.7"], **ok))
    save(zoo, "client2", issue(zoo, "client2", ca, **ok))
    save(zoo, "client-rsa", issue(zoo, "client-rsa", ca, key="rsa2048", **ok))
    save(zoo, "client-p384", issue(zoo, "client-p384", ca, key="p384", **ok))
    save(zoo, "client-ed25519", issue(zoo, "client-ed25519", ca, key="ed25519", **ok))
    save(zoo, "client-by-rsa", issue(zoo, "client-by-rsa", a["ca-rsa"], **ok))
    save(zoo, "client-no-eku", issue(zoo, "client-no-eku", ca))
    save(zoo, "client-any-eku", issue(
        zoo, "client-any-eku", ca, eku=[ObjectIdentifier("2.5.29.37.0")]))
    save(zoo, "client-both-eku", issue(zoo, "client-both-eku", ca, eku=CLIENT + SERVER))
    save(zoo, "client-no-ku", issue(zoo, "client-no-ku", ca, usage=(), **ok))
    save(zoo, "client-after-2050", issue(zoo, "client-after-2050", ca, end=12000, **ok))
    save(zoo, "client-utf8", issue(zoo, "Zoë, \"the\" <client>+#", ca, org="Ünïcode; Inc\\", **ok))
    save(zoo, "client-spiffe", issue(zoo, "", ca, subject=x509.Name([]), sans=[
        "uri:spiffe://demo.test/ns/default/sa/pump7"], **ok))
    save(zoo, "client-chain", issue(zoo, "client-chain", a["int"], **ok))
    save(zoo, "client-chain-root", issue(
        zoo, "client-chain-root", a["int"], chain=[a["int"], ca], **ok))
    save(zoo, "client-unordered", issue(
        zoo, "client-unordered", a["int3"], chain=[a["int2"], a["int3"]], **ok))
    save(zoo, "client-cross", issue(zoo, "client-cross", a["int"], chain=[a["other-int"], a["int"]],
                                    **ok))

    save(zoo, "client-expired", issue(zoo, "client-expired", ca, start=-30, end=-3, **ok))
    save(zoo, "client-future", issue(zoo, "client-future", ca, start=3, **ok))
    save(zoo, "client-revoked", issue(zoo, "client-revoked", ca, **ok))
    save(zoo, "client-chain-revoked", issue(zoo, "client-chain-revoked", a["int"], **ok))
    save(zoo, "client-other-ca", issue(zoo, "client-other-ca", a["other-ca"], org="Other", **ok))
    save(zoo, "client-other-chain", issue(
        zoo, "client-other-chain", a["other-int"], org="Other", **ok))
    save(zoo, "client-other-root", issue(
        zoo, "client-other-root", a["other-int"], org="Other", chain=[a["other-int"], a["other-ca"]],
        **ok))
    save(zoo, "client-self-signed", issue(zoo, "client-self-signed", **ok))
    save(zoo, "client-no-int", issue(zoo, "client-no-int", a["int"], chain=[], **ok))
    save(zoo, "client-no-int-aia", issue(zoo, "client-no-int-aia", a["int"], chain=[], extra=[
        (x509.AuthorityInformationAccess([x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.test/int.cer"))]), False)], **ok))
    save(zoo, "client-rekeyed", issue(zoo, "client-rekeyed", a["ca-rekeyed"], **ok))
    save(zoo, "client-bad-aki", issue(
        zoo, "client-bad-aki", ca, aki=bytes.fromhex("deadbeef" * 5), **ok))
    tampered = issue(zoo, "client-tampered", ca, **ok)
    save(zoo, "client-tampered", tampered, leaf_der=flip_last(der(tampered.cert)))
    save(zoo, "client-wrong-signer", issue(
        zoo, "client-wrong-signer", ca, signer=a["ca-rekeyed"].key, **ok))
    for bad in ("int-expired", "int-future", "int-not-ca", "int-no-certsign", "int-no-bc",
                "int-server", "int-nocrl", "int-rsa1024"):
        save(zoo, "client-" + bad, issue(zoo, "client-" + bad, a[bad], **ok))
    save(zoo, "client-old-ca", issue(zoo, "client-old-ca", a["old-ca"], **ok))
    save(zoo, "client-path-len", issue(zoo, "client-path-len", a["sub-of-int"], **ok))
    save(zoo, "client-long-chain", issue(zoo, "client-long-chain", a["int3"], **ok))
    save(zoo, "client-server-eku", issue(zoo, "client-server-eku", ca, eku=SERVER))
    save(zoo, "client-no-digital-signature", issue(
        zoo, "client-no-digital-signature", ca, usage=("key_agreement",), **ok))
    save(zoo, "client-unknown-critical", issue(
        zoo, "client-unknown-critical", ca,
        extra=[(raw("1.3.6.1.4.1.99999.1", b"\x05\x00"), True)], **ok))
    save(zoo, "client-unknown-extension", issue(
        zoo, "client-unknown-extension", ca,
        extra=[(raw("1.3.6.1.4.1.99999.1", b"\x05\x00"), False)], **ok))
    save(zoo, "client-nul-san", issue(
        zoo, "client-nul-san", ca,
        extra=[(raw_san((0x82, b"client.test\0.evil.test")), False)], **ok))
    save(zoo, "client-nul-cn", issue(zoo, "client\0.evil.test", ca, **ok))
    save(zoo, "client-control-cn", issue(zoo, "client\n2026/01/01 forged line", ca, **ok))
    save(zoo, "client-empty-san", issue(
        zoo, "client-empty-san", ca, extra=[(raw("2.5.29.17", b"\x30\x00"), False)], **ok))
    save(zoo, "client-nc-good", issue(
        zoo, "client-nc-good", a["int-nc"], sans=["dns:pump7.site-a.test"], **ok))
    save(zoo, "client-nc-bad", issue(
        zoo, "client-nc-bad", a["int-nc"], sans=["dns:pump7.site-b.test"], **ok))
    save(zoo, "client-rsa1024", issue(zoo, "client-rsa1024", ca, key="rsa1024", **ok))
    made = issue(zoo, "client-sha1", ca, **ok)
    save(zoo, "client-sha1", made, leaf_der=rebuild(
        made, ca.key, lambda parts: parts, hashes.SHA1(), ECDSA_SHA1))
    made = issue(zoo, "client-double-extension", ca, **ok)
    save(zoo, "client-double-extension", made, leaf_der=rebuild(made, ca.key, double_extension))
    made = issue(zoo, "Demo Version One CA", ca, ca=True)
    zoo.write("int-v1.pem", armour("CERTIFICATE", rebuild(made, ca.key, version_one)))
    v1 = x509.load_der_x509_certificate(rebuild(made, ca.key, version_one))
    save(zoo, "client-int-v1", issue(zoo, "client-int-v1", Cert(v1, made.key, []), **ok))
    save(zoo, "client-k256", issue(zoo, "client-k256", ca, key="k256", **ok))
    save(zoo, "client-spiffe-two", issue(zoo, "client-spiffe-two", ca, sans=[
        "uri:spiffe://demo.test/a", "uri:spiffe://demo.test/b"], **ok))
    save(zoo, "client-spiffe-ca", issue(
        zoo, "client-spiffe-ca", ca, ca=True, usage=("digital_signature", "key_cert_sign"),
        sans=["uri:spiffe://demo.test/a"], **ok))
    save(zoo, "client-spiffe-bad", issue(zoo, "client-spiffe-bad", ca, sans=[
        "uri:spiffe://Demo.Test/a/../b"], **ok))
    save(zoo, "client-many-sans", issue(zoo, "client-many-sans", ca, sans=[
        f"dns:host{i}.test" for i in range(4000)], **ok))
    save(zoo, "client-too-big", issue(zoo, "client-too-big", ca, sans=[
        f"dns:host{i}.with-a-long-name.test" for i in range(4200)], **ok))
    # renewed by a CA that has a new key, with the chain file of the old one
    save(zoo, "client-mixed", issue(zoo, "client-mixed", issue(
        zoo, "Demo Issuing CA", ca, ca=True), chain=[a["int"]], **ok))
    # a root that was first signed by an older one, which has expired since
    crossed = issue(zoo, "Demo X New Root", a["x-old"], key=a["x-new"].key, ca=True, end=1825)
    save(zoo, "client-crossed", issue(zoo, "client-crossed", a["x-new"], chain=[crossed], **ok))


def generalized_time(parts):
    """notAfter as GeneralizedTime although UTCTime could say it."""
    before, after = children(parts[4])
    return parts[:4] + [tlv(0x30, before + tlv(0x18, b"20" + after[2:]))] + parts[5:]


def reversed_validity(parts):
    return parts[:4] + [tlv(0x30, b"".join(reversed(children(parts[4]))))] + parts[5:]


def spelled(parts):
    """The issuer's name with its texts as BMPString: equal, but other bytes and an odd type."""
    names = []
    for rdn in children(parts[3]):
        oid, value = children(children(rdn)[0])
        text = value[2:].decode().encode("utf-16-be")
        names.append(tlv(0x31, tlv(0x30, oid + tlv(0x1e, text))))
    return parts[:3] + [tlv(0x30, b"".join(names))] + parts[4:]


def oddities(zoo, a):
    """Certificates that verifiers take and lint does not like."""
    ca, ok = a["ca"], dict(eku=CLIENT)
    made = issue(zoo, "odd-time", ca, **ok)
    save(zoo, "odd-time", made, leaf_der=rebuild(made, ca.key, generalized_time))
    made = issue(zoo, "odd-serial", ca, **ok)
    save(zoo, "odd-serial", made, leaf_der=rebuild(
        made, ca.key, lambda parts: parts[:1] + [tlv(0x02, b"\xfb")] + parts[2:]))
    made = issue(zoo, "odd-issuer-spelling", ca, **ok)
    save(zoo, "odd-issuer-spelling", made, leaf_der=rebuild(made, ca.key, spelled))
    made = issue(zoo, "odd-reversed", ca, **ok)
    save(zoo, "odd-reversed", made, leaf_der=rebuild(made, ca.key, reversed_validity))
    made = issue(zoo, "odd-leaf-last", a["int"], **ok)
    zoo.write("odd-leaf-last.pem", pem(a["int"].cert) + pem(made.cert))
    zoo.write("odd-leaf-last.key", pem_key(made.key), 0o600)
    save(zoo, "odd-old", issue(zoo, "odd-old", ca, start=-300, end=60, **ok))
    save(zoo, "odd-outlives", issue(zoo, "odd-outlives", ca, end=4000, **ok))
    save(zoo, "odd-nobody", issue(zoo, "", ca, subject=x509.Name([]), **ok))
    save(zoo, "odd-no-eku", issue(zoo, "odd-no-eku", ca, eku=[EKU.CODE_SIGNING]))
    save(zoo, "odd-certsign", issue(
        zoo, "odd-certsign", ca, usage=("digital_signature", "key_cert_sign"), **ok))
    save(zoo, "odd-wildcards", issue(zoo, "odd-wildcards", ca, eku=SERVER, sans=[
        "dns:*.good.test", "dns:a*.test.test", "dns:*.test", "dns:a.*.test.test"]))
    save(zoo, "odd-client-wildcard", issue(zoo, "odd-client-wildcard", ca, sans=["dns:*.a.test"],
                                           **ok))
    save(zoo, "odd-long", issue(zoo, "odd-long", ca, eku=SERVER, end=800, sans=["dns:a.test"]))
    save(zoo, "odd-ca-no-usage", issue(zoo, "odd-ca-no-usage", ca, ca=True, usage=()))
    save(zoo, "odd-ca-constraints", issue(zoo, "odd-ca-constraints", ca, ca=True, extra=[
        (x509.NameConstraints([x509.DNSName("a.test"), x509.IPAddress(
            ipaddress.ip_network("10.0.0.0/8"))], [x509.DNSName("b.a.test")]), False)]))
    save(zoo, "odd-unrelated", issue(zoo, "odd-unrelated", a["int"], chain=[a["int"], a["other-int"]],
                                     **ok))
    save(zoo, "odd-spiffe-ca", issue(zoo, "odd-spiffe-ca", ca, ca=True,
                                     sans=["uri:spiffe://demo.test"]))


def requests(zoo):
    """Requests for certificates, asked in every way."""
    def request(file, cn, key="p256", sans=(), extra=(), challenge=None, change=None):
        key = new_key(key)
        b = x509.CertificateSigningRequestBuilder().subject_name(name(cn))
        if sans:
            b = b.add_extension(x509.SubjectAlternativeName(general(sans)), critical=False)
        for ext, critical in extra:
            b = b.add_extension(ext, critical=critical)
        if challenge:
            b = b.add_attribute(x509.oid.AttributeOID.CHALLENGE_PASSWORD, challenge)
        digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        data = b.sign(key, digest).public_bytes(serialization.Encoding.DER)
        zoo.write(file + ".pem", armour("CERTIFICATE REQUEST", change(data) if change else data))
        zoo.write(file + ".der", data)
        zoo.write(file + ".key", pem_key(key), 0o600)

    request("request", "pump7.test", sans=["dns:pump7.test", "uri:spiffe://demo.test/pump7"], extra=[
        (key_usage("digital_signature"), True), (x509.ExtendedKeyUsage(CLIENT), False)])
    request("request-rsa", "pump7.test", key="rsa2048", challenge=b"never shown")
    request("request-ed25519", "pump7.test", key="ed25519")
    request("request-weak", "pump7.test", key="rsa1024")
    request("request-ca", "pump7.test", extra=[(x509.BasicConstraints(True, None), True)])
    request("request-tampered", "pump7.test", change=flip_last)
    request("request-nul", "pump7.test", extra=[
        (raw_san((0x82, b"pump7.test\0.evil.test")), False)])


def crls(zoo, a):
    from cryptography.x509 import ReasonFlags as R
    ca, m = a["ca"], zoo.made
    gone = [(m["client-revoked"], R.key_compromise), (m["server-revoked"], None)]
    crl(zoo, "crl", ca, gone)
    crl(zoo, "crl-empty", ca)
    crl(zoo, "crl-int", a["int"], [(m["client-chain-revoked"], R.superseded)])
    crl(zoo, "crl-int-revoked", ca, [(a["int"], R.ca_compromise)])
    crl(zoo, "crl-int-nocrl", a["int-nocrl"])
    crl(zoo, "crl-expired", ca, gone, this=-30, until=-3)
    crl(zoo, "crl-future", ca, gone, this=3)
    crl(zoo, "crl-other", a["other-ca"])
    crl(zoo, "crl-sharded", ca, gone, extra=[(x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier("http://ca.test/shard7.crl")], None, True, False, None,
        False, False), True)])
    crl(zoo, "crl-bad-signature", ca, gone, signer=a["ca-rekeyed"].key)
    crl(zoo, "crl-delta", ca, gone, extra=[(x509.DeltaCRLIndicator(1), True)])
    crl(zoo, "crl-indirect", ca, gone, extra=[(x509.IssuingDistributionPoint(
        None, None, False, False, None, True, False), True)])
    crl(zoo, "crl-unknown-critical", ca, gone, extra=[
        (raw("1.3.6.1.4.1.99999.2", b"\x05\x00"), True)])
    crl(zoo, "crl-entry-critical", ca, gone, entry_extra=[
        (raw("1.3.6.1.4.1.99999.3", b"\x05\x00"), True)])

    def joined(file, *parts):
        data = b""
        for p in parts:
            with open(os.path.join(zoo.folder, p + ".pem"), "rb") as f:
                data += f.read()
        zoo.write(file + ".pem", data)

    joined("crl-all", "crl", "crl-int", "crl-other")
    joined("crl-chain-int-revoked", "crl-int-revoked", "crl-int")
    joined("crl-chain-int-nocrl", "crl", "crl-int-nocrl")


def odds(zoo):
    """Files that a configuration may name by mistake."""
    key = new_key("p256")
    zoo.write("stray.key", pem_key(key), 0o600)
    zoo.write("client-encrypted.key", pem_key(zoo.made["client"].key, b"secret"), 0o600)
    zoo.write("passwords", b"wrong\nsecret\n", 0o600)
    zoo.write("client.der", der(zoo.made["client"].cert))
    mixed = b"A letter came first.\n\n" + pem(zoo.made["client"].cert) + b"\nThen a key:\r\n"
    mixed += pem_key(zoo.made["client"].key) + pem(zoo.made["ca"].cert)[:200] + b"\n"
    mixed += armour("X509 CRL", b"\x30\x00") + armour("SOMETHING ELSE", b"x")
    zoo.write("mixed.pem", mixed + pem(zoo.made["int"].cert), 0o600)
    zoo.write("public.pem", zoo.made["client"].key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    zoo.write("junk.pem", b"this is not a certificate\n")
    zoo.write("broken.pem", armour("CERTIFICATE", b"\x30\x82\xff\xff\x00"))
    zoo.write("empty.pem", b"")


def check_manifest(zoo):
    """Every certificate that the manifest names was made."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "manifest"), encoding="ascii") as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    missing = [r[0] for r in rows if not os.path.exists(os.path.join(zoo.folder, r[0] + ".pem"))]
    for row in rows:
        for n in (row[1], row[2]):
            if n != "-" and not os.path.exists(os.path.join(zoo.folder, n + ".pem")):
                missing.append(n)
    if missing:
        sys.exit("tests/pki/manifest names what make.py does not make: " + ", ".join(missing))


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("dir")
    args.add_argument("--now", type=int, help="seconds since 1970; default: the clock")
    args = args.parse_args()
    now = dt.datetime.utcnow().replace(microsecond=0)
    if args.now is not None:
        now = dt.datetime.utcfromtimestamp(args.now)
    os.makedirs(args.dir, exist_ok=True)
    zoo = Zoo(args.dir, now)
    a = authorities(zoo)
    servers(zoo, a)
    clients(zoo, a)
    oddities(zoo, a)
    requests(zoo)
    crls(zoo, a)
    odds(zoo)
    check_manifest(zoo)
    zoo.write("now", f"{int(now.replace(tzinfo=dt.timezone.utc).timestamp())}\n".encode())


if __name__ == "__main__":
    main()
