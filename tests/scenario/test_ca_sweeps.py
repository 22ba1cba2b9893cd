"""What has expired leaves the store's tables for its archives, by command and by the authority."""

import sqlite3
import types

import pytest

from ca import Ca
from gateway import SANITIZED
from served import Server
from test_enrol import faketime
from waiting import wait_for

pytestmark = [pytest.mark.countersign, pytest.mark.skipif(
    SANITIZED, reason="the sanitizer wants to be the first library, and so does faketime")]

DOMAIN = "example.internal"


@pytest.fixture
def later(monkeypatch):
    """From here on it is nine days later, for all that is started."""
    def shift():
        for name, value in faketime("+9d").items():
            monkeypatch.setenv(name, value)
    return shift


def rows(folder, table):
    store = sqlite3.connect(f"file:{folder}/store.sqlite?mode=ro", uri=True)
    try:
        return store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        store.close()


def month_files(folder):
    return sorted(p.name for p in (folder / "archive").glob("*.sqlite"))


def test_a_command_archives_and_all_is_still_found(tmp_path, later):
    ca = Ca(tmp_path, "--domain", DOMAIN)
    gone = [ca.issue(f"n{i}.{DOMAIN}", out=f"n{i}")["serial"] for i in range(5)]
    ca.ok("revoke", "--reason", "keyCompromise", gone[0])
    assert ca.json("sweep")["moved"] == 0
    entries = len(ca.json("audit")["entries"])
    later()
    assert ca.json("sweep")["moved"] > 5
    assert month_files(ca.dir) and rows(ca.dir, "revocation") == 0
    assert rows(ca.dir, "cert") == 2  # the CA's own
    for serial in gone:
        assert ca.json("show", serial)["serial"] == serial
    assert ca.json("show", gone[0])["revoked_at"]
    assert len(ca.json("audit")["entries"]) >= entries
    assert ca.json("audit", "verify")["verdict"] == "sound"
    assert ca.refused("revoke", gone[1]) == ["already-expired"]
    ca.ok("backup", tmp_path / "backup")
    assert month_files(tmp_path / "backup") == month_files(ca.dir)
    assert ca.json("restore", tmp_path / "backup")["replaced"]
    assert ca.json("show", gone[0])["revoked_at"]
    assert ca.json("audit", "verify")["verdict"] == "sound"


def test_the_authority_archives_by_itself(tmp_path, later):
    ca = Ca(tmp_path, "--domain", DOMAIN)
    old = ca.issue(f"old.{DOMAIN}")["serial"]
    later()
    server = Server(types.SimpleNamespace(path=str(ca.dir)))
    try:
        wait_for(lambda: month_files(ca.dir) if (ca.dir / "archive").exists() else False,
                 "an archive")
        wait_for(lambda: old not in {c["serial"] for c in ca.json("list")["certificates"]},
                 "the old one to be archived")
        assert ca.json("show", old)["serial"] == old
        assert server.public("/v1/health").status == 200
    finally:
        server.stop()


@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda s: "0x" + s.lower(),
                                   lambda s: s.lstrip("0"), lambda s: hex(int(s, 16)),
                                   lambda s: ":".join(s[i:i + 2] for i in range(0, len(s), 2))])
def test_serial_numbers_as_others_print_them(tmp_path, spell):
    ca = Ca(tmp_path, "--domain", DOMAIN)
    serial = ca.issue(f"web.{DOMAIN}")["serial"]
    assert ca.json("show", spell(serial))["serial"] == serial
