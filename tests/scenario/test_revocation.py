"""Lists of revoked certificates that are late, early or missing: who is let in all the same."""

import datetime

import pytest

import wire
from gateway import server
from pki import now, write

pytestmark = pytest.mark.countersign

HOUR = datetime.timedelta(hours=1)


def listed(pki, folder, start, end, revoked=(), authority=None):
    """The path of a list that is good between two hours from now."""
    return write(folder / "list.pem", (authority or pki.ca).crl(
        revoked, last_update=now() + start * HOUR, next_update=now() + end * HOUR))


@pytest.mark.parametrize("rules, start_h, end_h, status", [
    ("", -2, -1, 400),
    ("mtls_revocation grace=2h;", -2, -1, 200),
    ("mtls_revocation grace=30m;", -2, -1, 400),
    ("mtls_revocation soft;", -2, -1, 200),
    ("mtls_revocation soft;", 1, 2, 200),
    ("mtls_revocation grace=2h;", 1, 2, 400),
    ("mtls_revocation crl chain hard;", -1, 1, 200),
])
def test_a_list_of_another_day(start, pki, backend, tmp_path, rules, start_h, end_h, status):
    crl = listed(pki, tmp_path, start_h, end_h)
    gw = start(server(f"ssl_crl {crl}; {rules} location / {{ proxy_pass http://@backend@; }}"),
               backend=backend)
    assert wire.get(gw.port["tls"], pki.alice).status == status
    warned = "although nothing of today says that it is not revoked" in gw.log()
    assert warned == (status == 200 and "chain" not in rules), gw.log()


@pytest.mark.parametrize("rules", ["mtls_revocation soft;", "mtls_revocation soft grace=1d;",
                                   "mtls_revocation leaf soft grace=1d;"])
def test_revoked_is_revoked(start, pki, backend, tmp_path, rules):
    crl = listed(pki, tmp_path, -2, -1, [pki.alice])
    gw = start(server(f"ssl_crl {crl}; {rules} location / {{ proxy_pass http://@backend@; }}"),
               backend=backend)
    assert wire.get(gw.port["tls"], pki.alice).status == 400
    assert wire.get(gw.port["tls"], pki.bob).status == 200


def test_leaves_alone_need_no_list_of_the_root(start, pki, backend, tmp_path):
    crl = listed(pki, tmp_path, -1, 1, authority=pki.issuing)
    below = pki.issuing.issue("below").save(tmp_path, "below")
    body = f"ssl_crl {crl}; @rules@ location / {{ proxy_pass http://@backend@; }}"
    assert wire.get(start(server(body), backend=backend, rules="").port["tls"], below).status == 400
    gw = start(server(body), backend=backend, rules="mtls_revocation leaf;")
    assert wire.get(gw.port["tls"], below).status == 200
