"""What the backend learns about the caller comes from the gateway, never from the caller."""

import re
import urllib.parse

import pytest

import wire
from gateway import server
from pki import cert_pem

# the usual names under which gateways tell backends who called
IDENTITY = """
        location / {
            proxy_set_header X-Client-Verify $ssl_client_verify;
            proxy_set_header X-Client-DN $ssl_client_s_dn;
            proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
            proxy_pass http://@backend@;
        }"""

SPELLINGS = ["X-Client-DN", "x-client-dn", "X-CLIENT-DN", "X_Client_DN", "X-Client_DN",
             "x_client_dn", "X.Client.DN", "X-Client.DN"]


def canonical(name):
    return re.sub(r"[-_.]", "-", name).lower()


def seen_by(backend, name):
    """Every value under any spelling of the name that the last request brought."""
    return [v for n, v in backend.requests[-1].headers if canonical(n) == canonical(name)]


def test_the_backend_is_told_who_called(start, pki, backend):
    gw = start(server(IDENTITY), backend=backend)
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert seen_by(backend, "X-Client-Verify") == ["SUCCESS"]
    assert seen_by(backend, "X-Client-DN") == ["CN=alice,O=Example Ltd"]


@pytest.mark.parametrize("spelling", [s for s in SPELLINGS if "." not in s])
def test_a_forged_identity_header_is_overwritten(start, pki, backend, spelling):
    gw = start(server(IDENTITY), backend=backend)
    wire.get(gw.port["tls"], pki.alice, headers=[(spelling, "CN=root")])
    assert seen_by(backend, "X-Client-DN") == ["CN=alice,O=Example Ltd"]


@pytest.mark.countersign
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_forged_identity_header_is_overwritten_in_every_spelling(start, pki, backend, spelling):
    """Also with dots, and also where underscores in names are allowed."""
    gw = start("underscores_in_headers on;" + server(IDENTITY), backend=backend)
    wire.get(gw.port["tls"], pki.alice, headers=[(spelling, "CN=root"), (spelling, "CN=king")])
    assert seen_by(backend, "X-Client-DN") == ["CN=alice,O=Example Ltd"]


def test_without_a_certificate_the_header_is_absent_and_not_stale(start, pki, backend):
    gw = start(server(IDENTITY, verify="optional"), backend=backend)
    assert wire.get(gw.port["tls"], None, headers=[("X-Client-DN", "CN=root")]).status == 200
    assert seen_by(backend, "X-Client-DN") == []
    assert seen_by(backend, "X-Client-Cert") == []
    assert seen_by(backend, "X-Client-Verify") == ["NONE"]


def test_the_header_does_not_stick_to_the_upstream_connection(start, pki, backend):
    """A request of nobody over the backend connection that alice's request used before."""
    gw = start("upstream pool { server @backend@; keepalive 4; }" + server(
        "proxy_http_version 1.1; proxy_set_header Connection \"\";"
        "proxy_set_header X-Client-DN $ssl_client_s_dn;"
        "location / { proxy_pass http://pool; }", verify="optional"), backend=backend)
    wire.get(gw.port["tls"], pki.alice)
    wire.get(gw.port["tls"], None)
    wire.get(gw.port["tls"], pki.bob)
    assert len({r.connection for r in backend.requests}) == 1
    told = [r.header("X-Client-DN") for r in backend.requests]
    assert told == ["CN=alice,O=Example Ltd", None, "CN=bob,O=Example Ltd"]


@pytest.mark.parametrize("listed", ["X-Client-DN", "close, x-client-dn",
                                    "keep-alive, X-Client-Verify, X-Client-DN"])
def test_connection_cannot_make_an_identity_header_disappear(start, pki, backend, listed):
    gw = start(server(IDENTITY), backend=backend)
    wire.get(gw.port["tls"], pki.alice,
             headers=[("Connection", listed), ("X-Client-DN", "CN=root")])
    assert seen_by(backend, "X-Client-DN") == ["CN=alice,O=Example Ltd"]
    assert seen_by(backend, "X-Client-Verify") == ["SUCCESS"]


def test_headers_with_underscores_are_dropped(start, pki, backend):
    gw = start(server(), backend=backend)
    wire.get(gw.port["tls"], pki.alice,
             headers=[("X_Secret", "1"), ("X-Good", "2"), ("_", "3")])
    names = {n.lower() for n, _ in backend.requests[-1].headers}
    assert "x-good" in names
    assert not names & {"x_secret", "x-secret", "_"}


def test_headers_with_underscores_pass_where_allowed(start, pki, backend):
    gw = start("underscores_in_headers on;" + server(), backend=backend)
    wire.get(gw.port["tls"], pki.alice, headers=[("X_Plain", "1")])
    assert backend.requests[-1].header("X_Plain") == "1"


def test_hop_by_hop_headers_stay_on_their_hop(start, pki, backend):
    gw = start(server(), backend=backend)
    wire.get(gw.port["tls"], pki.alice, headers=[
        ("Keep-Alive", "timeout=5"), ("Connection", "keep-alive"), ("Upgrade", "h2c"),
        ("Expect", "100-continue")], method="POST", body=b"x")
    request = backend.requests[-1]
    for name in ("Keep-Alive", "Upgrade", "Expect"):
        assert request.header(name) is None, name
    assert request.header("Connection") in (None, "close")


def test_an_escaped_certificate_is_one_line_of_url_encoded_pem(start, pki, backend):
    gw = start(server(IDENTITY), backend=backend)
    wire.get(gw.port["tls"], pki.alice)
    value = seen_by(backend, "X-Client-Cert")[0]
    assert re.fullmatch(r"[A-Za-z0-9%._~+/=-]+", value) and " " not in value
    assert urllib.parse.unquote(value).encode() == cert_pem(pki.alice.cert)


def test_what_nginx_sets_by_itself(start, pki, backend):
    gw = start(server(), backend=backend)
    wire.get(gw.port["tls"], pki.alice, "/p?q=1", headers=[("X-Pass", "on")])
    request = backend.requests[-1]
    assert request.target == "/p?q=1"
    assert request.header("Host") == str(backend), "Host is $proxy_host by default"
    assert request.header("X-Pass") == "on"


def test_forwarded_for_is_appended_to(start, pki, backend):
    gw = start(server("""location / {
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Host $host;
        proxy_pass http://@backend@;
    }"""), backend=backend)
    wire.get(gw.port["tls"], pki.alice, host="A.test:99", sni="a.test",
             headers=[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "gopher")])
    request = backend.requests[-1]
    assert request.all("X-Forwarded-For") == ["192.0.2.1, 127.0.0.1"]
    assert request.all("X-Real-IP") == ["127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == ["https"]
    assert request.all("Host") == ["a.test"]


def test_set_headers_are_inherited_only_whole(start, pki, backend):
    """A location with one proxy_set_header of its own inherits none from above."""
    gw = start(server("""
        proxy_set_header X-Level server;
        proxy_set_header X-Server yes;
        location /own { proxy_set_header X-Level location; proxy_pass http://@backend@; }
        location /    { proxy_pass http://@backend@; }"""), backend=backend)
    wire.get(gw.port["tls"], pki.alice, "/")
    assert backend.requests[-1].header("X-Level") == "server"
    assert backend.requests[-1].header("X-Server") == "yes"
    wire.get(gw.port["tls"], pki.alice, "/own")
    assert backend.requests[-1].header("X-Level") == "location"
    assert backend.requests[-1].header("X-Server") is None


def test_repeated_headers_of_the_client_all_arrive(start, pki, backend):
    gw = start(server(), backend=backend)
    wire.get(gw.port["tls"], pki.alice, headers=[("X-Many", "1"), ("X-Many", "2"),
                                                 ("Cookie", "a=1"), ("Cookie", "b=2")])
    request = backend.requests[-1]
    assert request.all("X-Many") == ["1", "2"]
    assert "; ".join(request.all("Cookie")) == "a=1; b=2"


def test_a_large_header_is_refused_and_a_middling_one_is_not(start, pki, backend):
    gw = start("large_client_header_buffers 4 8k;" + server(), backend=backend)
    port = gw.port["tls"]
    assert wire.get(port, pki.alice, headers=[("X-Big", "x" * 6000)]).status == 200
    refused = wire.get(port, pki.alice, headers=[("X-Big", "x" * 9000)])
    assert refused.status == 400
    assert wire.get(port, pki.alice, "/" + "x" * 9000).status == 414
    assert len(backend.requests) == 1
