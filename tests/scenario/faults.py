"""What goes wrong between mutual TLS peers in real life, as a table.

Each row is a situation: who is set up how, and what has to be said of it by the gateway, by
countersign doctor as the client, and by countersign doctor --listen as the server. A row is
about a fault of the client (it meets servers that are as they should be), of the server, or of
both together. The numbers are those of the list of faults that the table was made from.
"""

from dataclasses import dataclass, field

from peers import (Serve, curl, gnutls, gnutls_server, go, haproxy_server, hello, java,
                   nginx_server, openssl, openssl_server, python, raw)


@dataclass(frozen=True)
class Says:
    """What an explanation has to hold: its code, and patterns for the hint, for primary and
    detail together, and for the code of what is likely behind it."""

    code: str
    hint: str = ""
    facts: str = ""
    likely: str = ""


@dataclass(frozen=True)
class Fault:
    number: int
    id: str
    client: object
    gateway: Says
    serve: Serve = field(default_factory=Serve)
    cert: str = ""  # that doctor presents, in the client's place


def bad_client(number, id, cert, code, hint, facts, with_=openssl, **serve):
    """A client certificate that is refused."""
    return Fault(number, id, with_(cert=cert), Says(code, hint, facts), Serve(**serve), cert)


def refused(hint, facts, likely=""):
    """The peer refuses our certificate; what is likely behind it, as far as it shows from here."""
    return Says("peer-rejected-certificate", hint, facts, likely)


def bad_server(number, id, serve, says, client):
    """A certificate of ours that real clients do not take."""
    return Fault(number, id, client, says, serve=serve)


CLIENTS = [
    Fault(1, "no-cert", curl(), Says("certificate-missing", "give the client a certificate",
                                     r"asked for.*CN=Demo Root")),
    bad_client(2, "expired", "client-expired", "certificate-expired", "renew",
               r"CN=client-expired.*valid until 20.*time here"),
    bad_client(3, "future", "client-future", "certificate-not-yet-valid", "clocks",
               r"CN=client-future.*valid from 20.*time here", gnutls),
    bad_client(4, "wrong-ca", "client-other-ca", "issuer-unknown", "trusted CA",
               "issued by .*CN=Other Root"),
    bad_client(5, "self-signed", "client-self-signed", "self-signed", "issued by a trusted CA",
               "CN=client-self-signed.*SHA-256", gnutls),
    bad_client(6, "missing-int", "client-no-int-aia", "intermediate-missing",
               "send the intermediate", "Demo Issuing CA.*http://ca.test/int.cer"),
    bad_client(7, "int-not-ca", "client-int-not-ca", "issuer-not-ca", "CA:TRUE",
               "Demo Not A CA"),
    bad_client(8, "v1-issuer", "client-int-v1", "issuer-not-ca", "version 3",
               "Demo Version One CA.*version 1"),
    bad_client(9, "path-length", "client-path-len", "path-length-exceeded", "path length",
               "Demo Issuing CA.*pathLenConstraint 0", depth=2),
    bad_client(10, "name-constraints", "client-nc-bad", "name-constraint-violated",
               "name constraints", "pump7.site-b.test.*site-a.test"),
    bad_client(11, "eku", "client-server-eku", "purpose-mismatch", "clientAuth",
               "CN=client-server-eku.*serverAuth"),
    bad_client(12, "key-usage", "client-no-digital-signature", "key-usage-mismatch",
               "digitalSignature", "keyAgreement"),
    bad_client(13, "revoked", "client-revoked", "revoked", "new certificate",
               "revoked on 20.*keyCompromise", crl="crl"),
    bad_client(14, "crl-expired", "client", "crl-expired", "fetch.*Demo Root",
               "promised its successor.*may be good", crl="crl-expired"),
    bad_client(15, "crl-missing-int", "client-chain", "crl-missing",
               "revocation list of .*Demo Issuing CA", "", crl="crl"),
    bad_client(16, "crl-missing-root", "client-chain", "crl-missing",
               "revocation list of .*Demo Root", "every CA of the chain", crl="crl-int"),
    bad_client(17, "crl-future", "client", "crl-not-yet-valid", "clocks",
               "from the future.*may be good", crl="crl-future"),
    bad_client(19, "crl-nosign", "client-int-nocrl", "crl-signer-mismatch", "cRLSign",
               "Demo CA Without cRLSign.*keyCertSign", crl="crl-chain-int-nocrl"),
    bad_client(20, "int-expired", "client-int-expired", "issuer-expired", "renewed CA",
               "issuing certificate 1.*Demo Old Issuing CA"),
    bad_client(22, "depth", "client-long-chain", "verify-depth-exceeded", "ssl_verify_depth.*2",
               "2 intermediates.*depth is 1"),
    bad_client(23, "partial-chain", "client-chain", "trust-incomplete", "add.*Demo Root",
               "Demo Issuing CA.*not a root", trust="int"),
    bad_client(24, "rsa1024", "client-rsa1024", "weak-key", "2048", "RSA with 1024", python),
    bad_client(26, "sha1", "client-sha1", "weak-signature", "SHA-256", "SHA1|sha1|SHA-1", python),
    Fault(28, "too-big", openssl(cert="client-too-big"),
          Says("message-too-large", "names.*split", r"\d+ bytes")),
    bad_client(29, "rekeyed", "client-rekeyed", "issuer-key-mismatch", "new key.*trust both",
               "Demo Root.*identifier"),
    bad_client(31, "aki", "client-bad-aki", "authority-key-id-mismatch", "anew",
               r"(?i)de:?ad:?be:?ef"),
    bad_client(32, "tampered", "client-tampered", "signature-invalid", "altered",
               "CN=client-tampered.*Demo Root", python),
    bad_client(122, "mixed-chain", "client-mixed", "issuer-key-mismatch", "new key",
               "Demo Issuing CA.*identifier"),
    Fault(34, "secp256k1", openssl("-tls1_3", cert="client-k256"),
          Says("certificate-missing", "P-256", "sends none")),
    Fault(35, "ca-list", java(cert="client-other-ca"),
          Says("certificate-missing", "ssl_client_certificate",
               "issued by .*Demo Root.*only other ones sends none")),
    bad_client(37, "cross-old", "client-crossed", "issuer-expired", "renewed CA",
               "Demo X Old Root", trust="x-old"),
    bad_client(40, "spiffe-two", "client-spiffe-two", "spiffe-id-invalid", "exactly one URI",
               "one URI"),
    bad_client(41, "spiffe-ca", "client-spiffe-ca", "spiffe-id-invalid", "CA:FALSE", "CA"),
]

NAMES = [
    Fault(47, "sni-host", python(cert="client", name="a.test", host="b.test"),
          Says("host-sni-mismatch", "another connection", "client verification|server name"),
          serve=Serve(beside="server_name b.test; ssl_certificate @PKI@/server.pem;"
                      " ssl_certificate_key @PKI@/server.key; ssl_verify_client off;")),
    Fault(None, "sni-invalid", openssl(name="a test"), Says("sni-invalid", "bare name")),
    Fault(65, "sni-reject", curl(name="nosuch.test"),
          Says("sni-unknown", "server_name", "nosuch.test"),
          serve=Serve(beside="server_name _; ssl_reject_handshake on;")),
]

# Out of its time it is beyond doubt.
EXPIRED = Says("certificate-expired", "renew",
               "our certificate .*valid until 20.*time here is 20.*refused it: ")
FUTURE = Says("certificate-not-yet-valid", "clocks",
              "our certificate .*valid from 20.*time here is 20.*refused it: ")

SERVERS = [
    bad_server(50, "s-expired", Serve(cert="server-expired"), EXPIRED, openssl(ca="ca")),
    bad_server(51, "s-future", Serve(cert="server-future"), FUTURE, curl(ca="ca")),
    bad_server(None, "s-expired-java", Serve(cert="server-expired"),
               refused("renew", "expired at 20", "certificate-expired"), java(ca="ca")),
    bad_server(53, "s-unknown-ca", Serve(cert="server-other-ca"),
               refused("trust|CA", "Other Root", "issuer-unknown"), curl(ca="ca")),
    bad_server(54, "s-self", Serve(cert="server-self-signed"),
               refused("", "self-signed", "self-signed"), openssl(ca="ca")),
    bad_server(55, "s-missing-int", Serve(cert="server-no-int", trust="ca-int"),
               refused("intermediate", "Demo Issuing CA", "intermediate-missing"),
               openssl(ca="ca")),
    Fault(56, "s-name", curl(cert="client", ca="ca"),
          Says("peer-closed", "name of the certificate",
               'not for "a.test" but for DNS:old-server.test', "name-mismatch"),
          serve=Serve("server-wrong-name")),
    Fault(64, "sni-unknown", curl(cert="client", ca="ca", name="nosuch.test"),
          Says("peer-closed", "server_name", 'not for "nosuch.test"', "name-mismatch")),
    bad_server(59, "s-eku", Serve(cert="server-client-eku"),
               refused("serverAuth", "serverAuth", "purpose-mismatch"), curl(ca="ca")),
]

# What programs do that do not trust the server, each in its own way: alert 48 (OpenSSL), 46 (Java),
# 42 (GnuTLS, Go).
STRANGERS = [
    bad_server(None, f"s-unknown-ca-{client.__name__}", Serve(cert="server-other-ca"),
               refused(hint, "CN=Other Root", likely), client(ca="ca"))
    for client, hint, likely in (
        (openssl, "^add the root CA.*Other Root", "issuer-unknown"),
        (curl, "^add the root CA", "issuer-unknown"),
        (python, "^add the root CA", "issuer-unknown"),
        (gnutls, "log of the client.*Other Root", ""),
        (java, "log of the client.*Other Root", ""),
        (go, "log of the client.*Other Root", ""))
]

TERMS = [
    Fault(71, "version-low", openssl("-tls1_1"),
          Says("no-shared-version", "TLS 1.2", "TLS ?v?1.1.*TLS ?v?1.2")),
    Fault(73, "no-cipher", openssl("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"),
          Says("no-shared-cipher", "ECDHE", "client: (DHE-RSA|0x009f)")),
    Fault(74, "no-cipher-rsa", openssl("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
          Says("no-shared-cipher", "", "takes RSA certificates only.*add an RSA certificate")),
    Fault(76, "no-sigalg", openssl("-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"),
          Says("no-shared-signature-algorithm", "certificate with",
               "rsa_pss_rsae_sha256.*P-256")),
    Fault(77, "alpn", openssl("-alpn", "foo"), Says("alpn-mismatch", "http/1.1", "foo.*http/1.1")),
    Fault(79, "seclevel-dh", openssl("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
          Says("no-shared-cipher", "ECDHE", "no suite with an ephemeral key"),
          serve=Serve(cert="server-rsa", more="ssl_ciphers ECDHE+AESGCM;")),
    Fault(None, "no-group", openssl("-groups", "P-521"),
          Says("no-shared-group", "X25519", "521.*X25519"),
          serve=Serve(more="ssl_ecdh_curve X25519;")),
    Fault(127, "no-group-pq", go("-group", "4588"),
          Says("no-shared-group", "X25519", "client: .*MLKEM768.*this side: X25519"),
          serve=Serve(more="ssl_ecdh_curve X25519;")),
]

BYTES = [
    Fault(80, "http-to-tls", curl(scheme="http"), Says("http-on-tls-port", "https://", "GET /")),
    Fault(81, "tls-to-http", curl(), Says("tls-on-http-port", "ssl|http://", "TLS"),
          serve=Serve(listen="")),
    Fault(82, "proxy-missing", curl(cert="client"),
          Says("proxy-protocol-missing", "PROXY", ""), serve=Serve(listen="ssl proxy_protocol")),
    Fault(83, "proxy-unwanted", curl("--haproxy-protocol", cert="client"),
          Says("proxy-protocol-unexpected", "proxy_protocol", "PROXY TCP4")),
    Fault(85, "rst-after", raw(hello, answer=False, reset=True), Says("peer-reset", "", "")),
    Fault(86, "close-after", raw(hello, answer=False),
          Says("peer-closed", "", "do not trust the issuer")),
    Fault(88, "silence", raw(b""),
          Says("handshake-timeout", "find out what connects", "before the first byte")),
    Fault(89, "half", raw(lambda: hello()[:90]),
          Says("handshake-timeout", "MTU|middlebox", "90 of .* bytes of the ClientHello")),
    Fault(139, "bad-hello", raw(lambda: hello()[:43] + b"\xff" + hello()[44:]),
          Says("handshake-malformed", "update", "ClientHello|first message")),
    Fault(90, "ssh", raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Says("not-tls", "SSH port", "SSH")),
    Fault(91, "starttls", raw(b"EHLO pump7.test\r\n"), Says("not-tls", "STARTTLS", "SMTP")),
    Fault(92, "h2c", curl("--http2-prior-knowledge", scheme="http"),
          Says("not-tls", "TLS", "HTTP/2 without TLS")),
    Fault(93, "garbage", raw(b"\0\1\2\3\4\5\6\7 what is this\n"), Says("not-tls", "find out", "")),
    Fault(94, "sslv2", raw(bytes.fromhex("802e0100020015000000100700c00300800100800600400400800200"
                                         "80000000") + bytes(16)),
          Says("not-tls", "very old", "SSLv2")),
    Fault(95, "alert-first", raw(bytes.fromhex("15030100020228")),
          Says("not-tls", "its log", "alert")),
]

# What doctor says in the place of the bad client, from what can be seen there. Where a row is not
# here, it says that the server refused the certificate, and names as likely what the gateway does.
UNSEEN = refused("log of the server|revocation list",
                 "ends below .*, which the server asks for|revocation list")
BY_ALERT = refused(UNSEEN.hint, UNSEEN.facts, "revoked|^$")  # nginx has no word for it


def not_issued(likely):
    return refused("intermediate below|trusts", "asks for certificates of .*Demo Root", likely)


AT_DOCTOR = {
    "expired": EXPIRED, "future": FUTURE,
    "wrong-ca": not_issued("issuer-unknown"), "self-signed": not_issued("self-signed"),
    "missing-int": refused("append the certificate of .*Demo Issuing CA",
                           "asks for certificates of .*Demo Root", "intermediate-missing"),
    "eku": refused("clientAuth", "lacks clientAuth", "purpose-mismatch"),
    "sha1": refused("SHA-256", "weak digest", "weak-signature"),
    "revoked": BY_ALERT, "crl-expired": UNSEEN, "crl-missing-int": UNSEEN,
    "crl-missing-root": UNSEEN, "crl-future": UNSEEN, "crl-nosign": UNSEEN, "depth": UNSEEN,
    "partial-chain": UNSEEN, "cross-old": UNSEEN,
}

# What doctor --listen is not asked.
NOT_MIRRORED = {
    "depth": "it has no limit of this kind",
}

# HAProxy and s_server have no limit of this kind.
NGINX_ONLY = {"depth"}
# Servers take these certificates; countersign does not. AWS-LC does not even present the last.
TAKEN_BY_SERVERS = {"spiffe-two", "spiffe-ca", "key-usage"}

FAULTS = CLIENTS + NAMES + SERVERS + STRANGERS + TERMS + BYTES


@dataclass(frozen=True)
class Ask:
    """How the side that connects is set up: names of files in the zoo."""

    ca: str = "ca"
    cert: str = ""
    crl: str = ""
    name: str = "a.test"


@dataclass(frozen=True)
class Upstream:
    """A server that is not as it should be, as the one who connects to it sees it."""

    number: int
    id: str
    server: object  # None: nobody listens
    serve: Serve
    says: Says
    ask: Ask = field(default_factory=Ask)


OFF = {"verify": "off"}

UPSTREAMS = [
    Upstream(50, "s-expired", openssl_server(), Serve("server-expired", **OFF),
             Says("certificate-expired", "renew", "server certificate.*valid until 20")),
    Upstream(51, "s-future", gnutls_server(), Serve("server-future", **OFF),
             Says("certificate-not-yet-valid", "clock", "valid from 20")),
    Upstream(53, "s-unknown-ca", haproxy_server(), Serve("server-other-ca", **OFF),
             Says("issuer-unknown", "trust the issuer", "Other Root")),
    Upstream(54, "s-self", openssl_server(), Serve("server-self-signed", **OFF),
             Says("self-signed", "trusted", "SHA-256")),
    Upstream(55, "s-missing-int", nginx_server(), Serve("server-no-int", **OFF),
             Says("issuer-unknown", "present the intermediate", "Demo Issuing CA")),
    Upstream(56, "s-name", nginx_server(), Serve("server-wrong-name", **OFF),
             Says("name-mismatch", "one of these names", "not for \"a.test\".*old-server.test")),
    Upstream(142, "s-wildcard", nginx_server(), Serve(**OFF),
             Says("name-mismatch", "one of these names", r"a.x.wild.test.*\*.wild.test"),
             Ask(name="a.x.wild.test")),
    Upstream(59, "s-eku", haproxy_server(), Serve("server-client-eku", **OFF),
             Says("purpose-mismatch", "serverAuth", "clientAuth")),
    Upstream(None, "s-revoked", openssl_server(), Serve("server-revoked", **OFF),
             Says("revoked", "new certificate", "revoked on 20"), Ask(crl="crl")),
    Upstream(61, "s-crl-missing", openssl_server(), Serve("server-chain", **OFF),
             Says("crl-missing", "list of .*Demo Issuing CA"), Ask(crl="crl")),
    Upstream(64, "sni-unknown", nginx_server(), Serve(**OFF),
             Says("name-mismatch", "one of these names", "nosuch.test"), Ask(name="nosuch.test")),
    Upstream(65, "sni-reject", nginx_server(),
             Serve(beside="server_name _; ssl_reject_handshake on;", **OFF),
             Says("sni-unknown", "server_name", "nosuch.test"), Ask(name="nosuch.test")),
    Upstream(104, "up-expired", nginx_server(), Serve("server-expired", **OFF),
             Says("certificate-expired", "renew", "server certificate")),
    Upstream(106, "up-ca", gnutls_server(), Serve("server-other-ca", **OFF),
             Says("issuer-unknown", "trust the issuer", "Other Root")),
    Upstream(107, "up-wantcert", openssl_server(), Serve(),
             Says("certificate-missing", "certificate and its key", "Demo Root")),
    Upstream(None, "up-wantcert-haproxy", haproxy_server(), Serve(),
             Says("certificate-missing", "certificate and its key", "Demo Root")),
    Upstream(None, "up-refuses", openssl_server(), Serve(),
             EXPIRED, Ask(cert="client-expired")),
    Upstream(None, "up-refuses-gnutls", gnutls_server(), Serve(),
             refused("renew", "expired at 20", "certificate-expired"),
             Ask(cert="client-expired")),
    Upstream(109, "up-plain", nginx_server(), Serve(listen="", **OFF),
             Says("http-on-tls-port", "plain|http:", "HTTP")),
    Upstream(110, "up-down", None, Serve(),
             Says("connection-refused", "start the server", "127.0.0.1")),
]


@dataclass(frozen=True)
class Configuration:
    number: int
    id: str
    serve: Serve
    gateway: Says


CONFIGURATION = [
    Configuration(97, "cfg-order", Serve("odd-leaf-last"),
                  Says("tls-leaf-not-first", "own certificate first", "certificate 2 of the file")),
    Configuration(98, "cfg-nofile", Serve("nosuch", key="server"),
                  Says("file-unreadable", "path", "nosuch.pem")),
    Configuration(100, "cfg-enc", Serve("client", key="client-encrypted"),
                  Says("key-encrypted", "ssl_password_file", "pass phrase")),
    Configuration(101, "cfg-noca", Serve(trust=""),
                  Says("client-trust-missing", "ssl_client_certificate ca.pem")),
    Configuration(103, "cfg-crljunk", Serve(crl="junk"),
                  Says("crl-unreadable", "X509 CRL", "junk.pem")),
    Configuration(None, "cfg-mismatch", Serve(key="stray"),
                  Says("key-mismatch", "pair", "server.test")),
    Configuration(None, "cfg-gap", Serve("server-no-int", trust="ca-int"),
                  Says("chain-incomplete", "append.*Demo Issuing CA", "not sent")),
    Configuration(124, "cfg-root", Serve("server-fullchain", key="server-chain"),
                  Says("root-in-chain", "leave it out", "Demo Root")),
]



@dataclass(frozen=True)
class Oddity:
    """A certificate that is good here and may not be elsewhere."""

    number: int
    id: str
    cert: str
    says: Says


ODDITIES = [
    Oddity(58, "cn-only", "server-cn-only", Says("san-missing", "subjectAltName", "server.test")),
    Oddity(None, "string-type", "odd-issuer-spelling", Says("name-string-type", "anew", "BMPString")),
    Oddity(None, "chain-order", "client-unordered",
           Says("chain-unordered", "leaf first", "Demo Local CA")),
    Oddity(None, "root-in-chain", "client-chain-root", Says("root-in-chain", "leave it out",
                                                            "Demo Root")),
    Oddity(146, "serial", "odd-serial", Says("serial-unusual", "anew", "negative")),
]

@dataclass(frozen=True)
class OwnFiles:
    """What doctor is given to present and to trust is wrong itself."""

    number: int
    id: str
    cert: str
    key: str
    ca: str
    says: str


OWN_FILES = [
    OwnFiles(67, "c-keymismatch", "client", "stray", "ca",
             "private key does not belong to .*CN=client.*hint: pair the certificate with its key"),
    OwnFiles(68, "c-order", "odd-leaf-last", "odd-leaf-last", "ca",
             "key belongs to certificate 2 of the file.*hint: put .*own certificate first"),
    OwnFiles(70, "c-cafile", "client", "client", "junk",
             "junk.pem.*no certificate can be read.*hint: name a file with certificates"),
]

# --- the list ---

LIST = (
    1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29, 31, 32, 34, 35, 37, 38,
    40, 41, 43, 44, 46, 47, 49, 50, 52, 53, 55, 56, 58, 59, 61, 62, 64, 65, 67, 68, 70, 71, 73, 74,
    76, 77, 79, 80, 82, 83, 85, 86, 88, 89, 91, 92, 94, 95, 97, 98, 100, 101, 103, 104, 106, 107,
    109, 110, 112, 113, 115, 116, 118, 119, 121, 122, 124, 125, 127, 128, 130, 131, 133, 134, 136,
    137, 139, 140, 142, 143, 145, 146, 148, 149, 151, 152, 154)

OCSP = "OCSP is not checked yet"
ELSEWHERE = "no failure of a handshake: "

# What is on the list and has no row, and why.
NOT_HERE = {
    25: "this client library presents it: row 24 is what follows",
    38: "nothing is wrong: the path over the new root is found (tests/pki/manifest)",
    43: OCSP, 44: OCSP, 46: OCSP, 62: OCSP, 149: OCSP,
    49: ELSEWHERE + "test_sessions.py shows that no session goes to another server block",
    52: "the client's clock is wrong: certificate-not-yet-valid there, see test_clocks.py",
    112: ELSEWHERE + "test_sessions.py: a session does not outlive its CA",
    113: ELSEWHERE + "test_sessions.py: a session does not outlive a revocation",
    115: "early data is neither offered nor accepted",
    116: "post-handshake authentication is not asked for",
    118: "needs a browser, and a person",
    119: "keys are read from files, not from tokens",
    121: "what a process serves and what its file holds: countersign inspect shows both",
    125: "Python's library makes no RSA-PSS keys",
    128: "needs a path that drops packets; row 89 is what arrives then",
    130: "needs a firewall that forgets connections; no handshake fails",
    131: "row 53: the name of the issuer tells", 140: "row 56: the names of the certificate tell",
    133: ELSEWHERE + "test_headers.py: a client's own headers do not pass",
    134: ELSEWHERE + "a limit of the backend",
    136: ELSEWHERE + "test_sni_host.py: a name means the same however it is spelled",
    137: "no ECH",
    143: ELSEWHERE + "a matter of the backend's mapping",
    145: ELSEWHERE + "a matter of the backend's comparison",
    148: ELSEWHERE + "test_big_crl.py",
    151: "no ACME", 152: "no ACME",
    154: ELSEWHERE + "test_limits.py",
}
