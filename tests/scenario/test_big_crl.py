"""A revocation list of a million entries is a normal input."""

import statistics
import time

import pytest

import wire
from gateway import SANITIZED, server
from pki import big_crl, write

pytestmark = pytest.mark.countersign


def handshakes_ms(port, ctx, count=60):
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        wire.tls(port, ctx=ctx).close()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def story(start, pki, entries):
    """Returns (start time with the list, extra memory in KiB, ms with, ms without)."""
    path = write(f"{pki.dir}/crl-{entries}.pem",
                 big_crl(pki.ca, entries, also=[pki.revoked.serial]))
    begun = time.monotonic()
    plain = start(server("return 200;"), workers=2)
    plain_s = time.monotonic() - begun
    begun = time.monotonic()
    gw = start(server(f"ssl_crl {path}; return 200;"), workers=2)
    loaded_s = time.monotonic() - begun - plain_s
    assert wire.get(gw.port["tls"], pki.revoked).status == 400
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    ctx = wire.context(pki.alice, version="1.3")
    return (loaded_s, gw.memory_kib() - plain.memory_kib(), handshakes_ms(gw.port["tls"], ctx),
            handshakes_ms(plain.port["tls"], ctx))


def test_fifty_thousand_entries_judge_right(start, pki):
    _, _, with_list, without = story(start, pki, 50_000)
    assert with_list < without * 2 + 2


@pytest.mark.long
def test_a_million_entries_load_fast_and_cost_handshakes_nothing(start, pki):
    loaded_s, extra_kib, with_list, without = story(start, pki, 1_000_000)
    assert with_list < without * 1.5 + 1
    if not SANITIZED:
        assert loaded_s < 0.5
        assert extra_kib < 40 * 1024


@pytest.mark.long
def test_a_million_entries_reload_without_a_gap(start, pki):
    path = write(f"{pki.dir}/crl-turning.pem", big_crl(pki.ca, 1_000_000))
    gw = start(server(f"ssl_crl {path}; return 200;"), workers=2)
    assert wire.get(gw.port["tls"], pki.revoked).status == 200
    write(path, big_crl(pki.ca, 1_000_000, also=[pki.revoked.serial], number=2))
    gw.reload(settled=True)
    assert wire.get(gw.port["tls"], pki.revoked).status == 400
