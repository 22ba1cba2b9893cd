"""Towards the backend the same verdict holds: the gateway shows its papers and asks for theirs."""

import datetime
import threading

import pytest
from cryptography.hazmat.primitives import hashes

import wire
from backend import Backend, server_context
from gateway import server
from pki import ONE_DAY, now, write
from waiting import wait_for, wait_until

PROXY = """
    server {
        listen 127.0.0.1:@http@;
        location / { proxy_http_version 1.1; @extra@ proxy_pass https://@backend@; }
    }"""

VERIFY = """proxy_ssl_verify on; proxy_ssl_trusted_certificate @pki@/ca.pem;
            proxy_ssl_name a.test; """

CLIENT = "proxy_ssl_certificate @pki@/%s.pem; proxy_ssl_certificate_key @pki@/%s.key; "


def client(who):
    return CLIENT % (who, who)


def sha256(identity):
    return identity.cert.fingerprint(hashes.SHA256()).hex()


@pytest.fixture
def tls_backend(pki):
    """A backend that demands a certificate of the CA."""
    with Backend(tls=server_context(pki.server, pki.ca)) as one:
        yield one


def ask(gw, target="/"):
    with wire.connect(gw.port["http"]) as connection:
        return connection.request("GET", target)


def test_the_gateway_shows_its_certificate_to_the_backend(start, pki, tls_backend):
    gw = start(PROXY, backend=tls_backend, extra=VERIFY + client("alice"))
    answer = ask(gw)
    assert answer.status == 200
    assert answer.json()["peer"] == sha256(pki.alice)


def test_mutual_on_both_sides_at_once(start, pki, tls_backend):
    gw = start(server("location / { %s %s proxy_pass https://@backend@; }"
                      % (VERIFY, client("bob"))), backend=tls_backend)
    answer = wire.get(gw.port["tls"], pki.alice)
    assert answer.json()["peer"] == sha256(pki.bob)
    assert wire.get(gw.port["tls"], None).status == 400
    assert len(tls_backend.requests) == 1


def test_without_a_certificate_the_backend_refuses_the_gateway(start, tls_backend):
    gw = start(PROXY, backend=tls_backend, extra=VERIFY)
    assert ask(gw).status == 502
    gw.wait_log(r"\[(error|crit|info)\].*(upstream|SSL)")
    assert tls_backend.requests == []


def test_an_encrypted_key_with_a_password_file(start, pki, tls_backend):
    pki.ca.issue("locked").save(pki.dir, "locked", password="correct horse")
    gw = start(PROXY, backend=tls_backend, extra=VERIFY + client("locked")
               + "proxy_ssl_password_file @pki@/passwords;")
    assert ask(gw).status == 200


def test_verification_is_off_by_default_as_in_nginx(start, pki):
    with Backend(tls=server_context(pki.self_signed)) as backend:
        gw = start(PROXY, backend=backend, extra="")
        assert ask(gw).status == 200


def bad_servers(pki):
    issue = pki.ca.issue
    san = ["a.test"]
    return {
        "another name": issue("x", san=["b.test"], eku=("server",)),
        "a name in CN only, other SAN": issue("a.test", san=["b.test"], eku=("server",)),
        "a foreign CA": pki.foreign.issue("a.test", san=san, eku=("server",)),
        "self-signed": pki.new_self_signed(),
        "expired": issue("a.test", san=san, eku=("server",),
                         not_before=now() - 9 * ONE_DAY, not_after=now() - ONE_DAY),
        "not yet valid": issue("a.test", san=san, eku=("server",),
                               not_before=now() + ONE_DAY),
        "clientAuth only": issue("a.test", san=san, eku=("client",)),
        "a missing intermediate": without_chain(
            pki.issuing.issue("a.test", san=san, eku=("server",))),
    }


def without_chain(identity):
    identity.chain = []
    return identity


BAD = ["another name", "a name in CN only, other SAN", "a foreign CA", "self-signed", "expired",
       "not yet valid", "clientAuth only", "a missing intermediate"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("what", BAD)
def test_a_backend_with_bad_papers_is_502(start, pki, what, version):
    bad = bad_servers(pki)[what].save(pki.dir, "bad-upstream")
    with Backend(tls=server_context(bad, version=version)) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY)
        assert ask(gw).status == 502
        assert backend.requests == []
        gw.wait_log(r"\[error\][^\n]*upstream SSL certificate")


def test_the_same_backend_passes_with_the_right_name_and_ca(start, pki):
    with Backend(tls=server_context(pki.server)) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY)
        assert ask(gw).status == 200
        wrong = start(PROXY, backend=backend, extra=VERIFY.replace("a.test", "z.test"))
        assert ask(wrong).status == 502
        wild = start(PROXY, backend=backend, extra=VERIFY.replace("a.test", "x.wild.test"))
        assert ask(wild).status == 200
        deeper = start(PROXY, backend=backend, extra=VERIFY.replace("a.test", "y.x.wild.test"))
        assert ask(deeper).status == 502


def test_the_name_is_the_host_of_proxy_pass_by_default(start, pki):
    with Backend(tls=server_context(pki.server)) as backend:
        gw = start("""server {
            listen 127.0.0.1:@http@;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate @pki@/ca.pem;
            location /name { proxy_pass https://localhost:@backend_port@; }
            location /pool { proxy_pass https://pool; }
        }
        upstream pool { server 127.0.0.1:@backend_port@; }""", backend_port=backend.port)
        assert ask(gw, "/name").status == 200, "localhost is in the certificate"
        assert ask(gw, "/pool").status == 502, "pool is not"


@pytest.mark.countersign
def test_an_address_in_the_certificate_is_a_name_too(start, pki):
    with Backend(tls=server_context(pki.server)) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY.replace("proxy_ssl_name a.test;", ""))
        assert ask(gw).status == 200


def test_a_chain_of_the_backend_is_followed_to_its_depth(start, pki):
    deep = pki.issuing.issue("a.test", san=["a.test"], eku=("server",)).save(pki.dir, "deep-up")
    with Backend(tls=server_context(deep)) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY)
        assert ask(gw).status == 200
        none = start(PROXY, backend=backend, extra=VERIFY + "proxy_ssl_verify_depth 0;")
        assert ask(none).status == 502


def test_a_revoked_backend_is_502(start, pki):
    with Backend(tls=server_context(pki.server)) as backend:
        crl = write(pki.dir + "/crl-upstream.pem", pki.ca.crl([pki.server]))
        gw = start(PROXY, backend=backend, extra=VERIFY + f"proxy_ssl_crl {crl};")
        assert ask(gw).status == 502
        gw.wait_log("revoked")
        fine = start(PROXY, backend=backend, extra=VERIFY + "proxy_ssl_crl @pki@/crl.pem;")
        assert ask(fine).status == 200


@pytest.mark.parametrize("switch, expected", [("on", "a.test"), ("off", None)])
def test_the_name_is_sent_as_sni_only_when_asked(start, pki, switch, expected):
    names = []
    ctx = server_context(pki.server)
    ctx.sni_callback = lambda sock, name, _: names.append(name)
    with Backend(tls=ctx) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY + f"proxy_ssl_server_name {switch};")
        assert ask(gw).status == 200
    assert names == [expected]


def test_protocols_towards_the_backend_can_be_limited(start, pki):
    versions = []
    ctx = server_context(pki.server)
    with Backend(tls=ctx) as backend:
        backend.on("/", lambda x: (versions.append(x.sock.version()), x.echo()))
        for protocols in ("TLSv1.2", "TLSv1.3"):
            gw = start(PROXY, backend=backend, extra=f"proxy_ssl_protocols {protocols};")
            assert ask(gw).status == 200
    assert versions == ["TLSv1.2", "TLSv1.3"]


def test_ciphers_towards_the_backend_can_be_limited(start, pki):
    ciphers = []
    ctx = server_context(pki.server, version="1.2")
    with Backend(tls=ctx) as backend:
        backend.on("/", lambda x: (ciphers.append(x.sock.cipher()[0]), x.echo()))
        gw = start(PROXY, backend=backend,
                   extra="proxy_ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;")
        assert ask(gw).status == 200
    assert ciphers == ["ECDHE-ECDSA-AES256-GCM-SHA384"]


def test_bytes_before_the_handshake_are_an_error(start, pki):
    """An answer injected in the clear must not be taken for the backend's."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    with Backend(tls=server_context(pki.server), before_tls=forged) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY)
        answer = ask(gw)
        assert answer.status == 502
        assert "forged" not in answer.text


def test_a_backend_that_speaks_plain_http_is_502(start):
    def plain_http(sock):
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with Backend(greet=plain_http) as backend:
        gw = start(PROXY, backend=backend, extra="")
        assert ask(gw).status == 502


def test_a_backend_that_never_finishes_its_handshake_is_504(start):
    done = threading.Event()
    with Backend(greet=lambda sock: done.wait(20)) as backend:
        gw = start(PROXY, backend=backend, extra="proxy_connect_timeout 1s;"
                                                 "proxy_read_timeout 1s;")
        assert ask(gw).status in (502, 504)
        done.set()


POOL = """
    upstream pool { server @backend@; keepalive 8; }
    server {
        listen 127.0.0.1:@http@;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_ssl_session_reuse @reuse@;
        location /alice { @alice@ proxy_pass https://pool; }
        location /bob   { @bob@ proxy_pass https://pool; }
        location /none  { proxy_pass https://pool; }
    }"""


def test_connections_to_a_tls_backend_are_kept(start, pki, tls_backend):
    gw = start(POOL, backend=tls_backend, alice=client("alice"), bob=client("bob"), reuse="on")
    for _ in range(5):
        assert ask(gw, "/alice").json()["peer"] == sha256(pki.alice)
    assert tls_backend.connections == 1


@pytest.mark.countersign
@pytest.mark.parametrize("reuse", ["on", "off"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_connection_or_session_of_one_identity_never_serves_another(start, pki, reuse, version):
    """Pools and sessions are kept by the whole TLS identity: alice's is not used for bob."""
    with Backend(tls=server_context(pki.server, pki.ca, version=version,
                                    required=False)) as backend:
        gw = start(POOL, backend=backend, alice=client("alice"), bob=client("bob"), reuse=reuse)
        expected = {"/alice": sha256(pki.alice), "/bob": sha256(pki.bob), "/none": None}
        for _ in range(3):
            for target, peer in expected.items():
                assert ask(gw, target).json()["peer"] == peer, target
            backend.drop_idle()
            wait_for(lambda: not backend.open, "the pool to empty")


@pytest.mark.countersign
def test_a_pooled_unverified_connection_does_not_serve_a_verified_location(start, pki):
    with Backend(tls=server_context(pki.self_signed)) as backend:
        gw = start("""
            upstream pool { server @backend@; keepalive 8; }
            server {
                listen 127.0.0.1:@http@;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                location /loose { proxy_pass https://pool; }
                location /tight { @verify@ proxy_pass https://pool; }
            }""", backend=backend, verify=VERIFY)
        assert ask(gw, "/loose").status == 200
        assert ask(gw, "/tight").status == 502
        assert [r.path for r in backend.requests] == ["/loose"]


def test_sessions_with_the_backend_are_reused_when_allowed(start, pki):
    reused = []
    with Backend(tls=server_context(pki.server, version="1.2")) as backend:
        backend.on("/", lambda x: (reused.append(x.sock.session_reused), x.echo()))
        gw = start(PROXY.replace("@extra@", "proxy_ssl_session_reuse on; proxy_set_header "
                                            "Connection close;"), backend=backend)
        for _ in range(3):
            assert ask(gw).status == 200
        off = start(PROXY.replace("@extra@", "proxy_ssl_session_reuse off; proxy_set_header "
                                             "Connection close;"), backend=backend)
        for _ in range(2):
            assert ask(off).status == 200
    assert reused == [False, True, True, False, False]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_verified_backend_is_resumed_too(start, pki, version):
    """Its remembered chain is judged before the session is offered."""
    reused = []
    with Backend(tls=server_context(pki.server, version=version)) as backend:
        backend.on("/", lambda x: (reused.append(x.sock.session_reused), x.echo()))
        gw = start(PROXY, backend=backend, extra=VERIFY + "proxy_set_header Connection close;")
        for _ in range(3):
            assert ask(gw).status == 200
    assert reused == [False, True, True]


@pytest.mark.countersign
def test_a_backend_that_expired_since_does_not_resume(start, pki):
    end = now() + datetime.timedelta(seconds=2)
    brief = pki.ca.issue("a.test", san=["a.test"], eku=("server",), not_after=end)
    brief.save(pki.dir, "brief-upstream")
    with Backend(tls=server_context(brief)) as backend:
        gw = start(PROXY, backend=backend, extra=VERIFY + "proxy_set_header Connection close;")
        assert ask(gw).status == 200
        wait_until(end.replace(tzinfo=datetime.timezone.utc).timestamp() + 1.05)
        assert ask(gw).status == 502
