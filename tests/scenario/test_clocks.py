"""Clocks that differ: the leeway, and what the log says about a certificate at its bounds."""

import datetime

import pytest

import wire
from gateway import server
from pki import now

pytestmark = pytest.mark.countersign

MINUTE = datetime.timedelta(minutes=1)
LEEWAY = "mtls_clock_leeway 10m;\n        location / { proxy_pass http://@backend@; }"


def _shifted(pki, before, after):
    return pki.ca.issue("shifted", not_before=now() + before, not_after=now() + after)


@pytest.mark.parametrize("before, after, body, status, says", [
    (-60, -5, LEEWAY, 200, r"\[warn\].*is accepted although it is not valid now"),
    (5, 60, LEEWAY, 200, r"\[warn\].*is accepted although it is not valid now"),
    (-60, -11, LEEWAY, 400, "has expired"),
    (11, 60, LEEWAY, 400, "is not yet valid"),
    (-60, -5, None, 400, "has expired"),
    (5, 60, None, 400, "is not yet valid"),
])
def test_the_leeway_moves_both_bounds(start, pki, backend, before, after, body, status, says):
    gw = start(server(body) if body else server(), backend=backend)
    identity = _shifted(pki, before * MINUTE, after * MINUTE)
    for _ in range(2):  # the second time the chain is remembered
        mark = len(gw.log())
        answer = wire.get(gw.port["tls"], identity, ca=pki.ca)
        assert answer.status == status
        gw.wait_log(says, start=mark)
