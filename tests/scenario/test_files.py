"""A file that cannot be read, parsed or used never widens trust: nothing starts instead."""

import os
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import wire
from backend import Backend
from gateway import IS_NGINX, StartFailure, server
from pki import cert_pem, key_pem, new_key, write

JUNK = b"this is no PEM\n"
HALF = b"-----BEGIN CERTIFICATE-----\nMIIB\n"


def fails(start, pki, body, name, data, match=None):
    """A gateway with this file in place of the right one does not start, and names the file."""
    path = os.path.join(pki.dir, name)
    if data is not None:
        write(path, data)
    elif os.path.exists(path):
        os.unlink(path)
    gw = start(body, start=False)
    with pytest.raises(StartFailure, match=match or name):
        gw.start()
    assert not os.path.exists(gw.path("gateway.pid"))


CONTENTS = {"missing": None, "empty": b"", "junk": JUNK, "cut short": HALF}


@pytest.mark.parametrize("what", CONTENTS)
def test_the_ca_file(start, pki, what):
    fails(start, pki, server("return 200;", ca="broken-ca.pem"), "broken-ca.pem", CONTENTS[what])


@pytest.mark.parametrize("what", CONTENTS)
def test_the_crl_file(start, pki, what):
    fails(start, pki, server("ssl_crl @pki@/broken-crl.pem; return 200;"), "broken-crl.pem",
          CONTENTS[what])


@pytest.mark.parametrize("what", CONTENTS)
def test_the_trusted_certificate_file(start, pki, what):
    fails(start, pki, server("ssl_trusted_certificate @pki@/broken-tc.pem; return 200;"),
          "broken-tc.pem", CONTENTS[what])


@pytest.mark.parametrize("what", CONTENTS)
def test_the_certificate_file(start, pki, what):
    body = server("return 200;").replace("@pki@/server.pem", "@pki@/broken-server.pem")
    fails(start, pki, body, "broken-server.pem", CONTENTS[what])


@pytest.mark.parametrize("what", CONTENTS)
def test_the_key_file(start, pki, what):
    body = server("return 200;").replace("@pki@/server.key", "@pki@/broken-server.key")
    fails(start, pki, body, "broken-server.key", CONTENTS[what])


@pytest.mark.parametrize("what", CONTENTS)
def test_the_upstream_trust_file(start, pki, what):
    fails(start, pki, """server {
        listen 127.0.0.1:@http@;
        location / { proxy_ssl_verify on; proxy_ssl_trusted_certificate @pki@/broken-up.pem;
                     proxy_pass https://127.0.0.1:1; }
    }""", "broken-up.pem", CONTENTS[what])


@pytest.mark.parametrize("what", ["missing", "empty", "junk"])
def test_the_upstream_client_certificate(start, pki, what):
    fails(start, pki, """server {
        listen 127.0.0.1:@http@;
        location / { proxy_ssl_certificate @pki@/broken-uc.pem;
                     proxy_ssl_certificate_key @pki@/alice.key;
                     proxy_pass https://127.0.0.1:1; }
    }""", "broken-uc.pem", CONTENTS[what])


@pytest.mark.countersign
def test_a_ca_file_with_one_broken_certificate_among_good_ones(start, pki):
    fails(start, pki, server("return 200;", ca="half-ca.pem"), "half-ca.pem",
          pki.ca.pem + HALF + b"-----END CERTIFICATE-----\n" + pki.foreign.pem)


@pytest.mark.countersign
def test_a_crl_file_with_one_broken_list_among_good_ones(start, pki):
    broken = b"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"
    fails(start, pki, server("ssl_crl @pki@/half-crl.pem; return 200;"), "half-crl.pem",
          pki.ca.crl() + broken)


def test_the_key_of_another_certificate(start, pki):
    body = server("return 200;").replace("@pki@/server.key", "@pki@/stray.key")
    fails(start, pki, body, "stray.key", key_pem(new_key()))


def test_an_intermediate_ahead_of_the_leaf(start, pki):
    deep = pki.issuing.issue("a.test", san=["a.test"], eku=("server",))
    write(pki.dir + "/order.key", key_pem(deep.key), 0o600)
    body = server("return 200;").replace("@pki@/server.", "@pki@/order.")
    fails(start, pki, body, "order.pem", cert_pem(pki.issuing.cert) + cert_pem(deep.cert),
          match="order")


def test_verify_client_on_without_a_ca(start, pki):
    body = server("return 200;").replace("    ssl_client_certificate @pki@/ca.pem;\n", "")
    gw = start(body, start=False)
    with pytest.raises(StartFailure, match="ssl_client_certificate"):
        gw.start()


def test_a_tls_listener_without_a_certificate(start, pki):
    gw = start("server { listen 127.0.0.1:@tls@ ssl; return 200; }", start=False)
    with pytest.raises(StartFailure, match="ssl_certificate"):
        gw.start()


def test_a_certificate_without_its_key(start, pki):
    gw = start("server { listen 127.0.0.1:@tls@ ssl; ssl_certificate @pki@/server.pem; }",
               start=False)
    with pytest.raises(StartFailure, match="ssl_certificate_key"):
        gw.start()


@pytest.mark.parametrize("what", ["missing", "junk"])
def test_the_ticket_key_file(start, pki, what):
    fails(start, pki, server("ssl_session_ticket_key @pki@/broken-ticket.key; return 200;"),
          "broken-ticket.key", CONTENTS[what])


@pytest.mark.countersign
def test_a_crl_in_der_is_understood(start, pki):
    with open(pki.crl, "rb") as file:
        der = x509.load_pem_x509_crl(file.read()).public_bytes(Encoding.DER)
    write(pki.dir + "/crl.der", der)
    gw = start(server("ssl_crl @pki@/crl.der; return 200;"))
    assert wire.get(gw.port["tls"], pki.revoked).status == 400
    assert wire.get(gw.port["tls"], pki.alice).status == 200


def test_several_crls_in_one_file(start, pki):
    write(pki.dir + "/crls.pem", pki.issuing.crl([pki.deep]) + pki.ca.crl([pki.revoked]))
    gw = start(server("ssl_crl @pki@/crls.pem; return 200;"))
    for who, status in ((pki.alice, 200), (pki.revoked, 400), (pki.deep, 400)):
        assert wire.get(gw.port["tls"], who).status == status


@pytest.mark.countersign
def test_an_old_crl_beside_a_new_one_does_not_hide_revocations(start, pki):
    """Two lists of one CA: the one with the higher number counts, in whatever order."""
    old, new = pki.ca.crl([], number=1), pki.ca.crl([pki.bob], number=2)
    for order in (old + new, new + old):
        write(pki.dir + "/two-crls.pem", order)
        gw = start(server("ssl_crl @pki@/two-crls.pem; return 200;"))
        assert wire.get(gw.port["tls"], pki.bob).status == 400


@pytest.mark.root
def test_a_file_lost_while_running_keeps_the_old_state(start, pki):
    """The CRL file disappears: a reload is refused, and the revoked stay out."""
    path = write(pki.dir + "/vanishing.pem", pki.ca.crl([pki.revoked]))
    gw = start(server(f"ssl_crl {path}; return 200;"))
    assert wire.get(gw.port["tls"], pki.revoked).status == 400
    os.unlink(path)
    size = len(gw.log())
    gw.send_signal(1)
    gw.wait_log("vanishing.pem", start=size)
    assert wire.get(gw.port["tls"], pki.revoked).status == 400
    assert wire.get(gw.port["tls"], pki.alice).status == 200


@pytest.mark.countersign
def test_a_key_that_everybody_can_read_is_warned_of(start, pki):
    pki.ca.issue("a.test", san=["a.test"], eku=("server",)).save(pki.dir, "open")
    os.chmod(pki.dir + "/open.key", 0o644)
    gw = start(server("return 200;").replace("@pki@/server.", "@pki@/open."))
    assert re.search(r"\[warn\].*open\.key|open\.key.*warning|warning.*(\n.*)*open\.key",
                     gw.log() + gw.said())


def test_windows_line_ends_and_text_around_pem_do_not_matter(start, pki):
    text = b"Subject: somebody\n" + pki.ca.pem.replace(b"\n", b"\r\n") + b"\ntrailing words\n"
    write(pki.dir + "/chatty.pem", text)
    gw = start(server("return 200;", ca="chatty.pem"))
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert wire.get(gw.port["tls"], pki.stranger).status == 400


@pytest.mark.skipif(IS_NGINX, reason="only countersign does this")
def test_nothing_named_by_a_certificate_is_fetched(start, pki):
    """AIA, CRL distribution points and OCSP addresses of a client's certificate stay words."""
    with Backend() as trap:
        url = x509.UniformResourceIdentifier(f"http://127.0.0.1:{trap.port}/fetch")
        access = x509.AuthorityInformationAccess([
            x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, url),
            x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.CA_ISSUERS, url)])
        points = x509.CRLDistributionPoints([x509.DistributionPoint([url], None, None, None)])
        for ca in (pki.ca, pki.foreign):
            who = ca.issue("pointer", extensions=[(access, False), (points, False)])
            who.save(pki.dir, "pointer")
            gw = start(server("return 200;"))
            wire.get(gw.port["tls"], who)
        assert trap.connections == 0
