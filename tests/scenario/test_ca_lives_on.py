"""countersign ca rotate, backup, restore: how a CA outlives its certificates and its disk."""

import shutil
import sqlite3

import pytest
from cryptography import x509

from ca import Ca, openssl
from served import Server

pytestmark = pytest.mark.countersign

DOMAIN = "example.internal"


@pytest.fixture
def ca(tmp_path):
    return Ca(tmp_path, "--domain", DOMAIN, "--name", "Example",
              "--url", "http://ca.example.internal:9080")


def roots(path):
    return path.read_text().count("BEGIN CERTIFICATE")


# ---- rotation ----


def test_an_issuer_is_rotated(ca):
    ca.issue(f"old.{DOMAIN}", out="old")
    prepared = ca.json("rotate", "issuer", "prepare")
    assert prepared["state"] == "prepared"
    assert ca.issue(f"between.{DOMAIN}", out="between")  # still the old one's
    assert ca.json("rotate", "issuer", "activate")["id"] == prepared["id"]
    ca.issue(f"new.{DOMAIN}", out="new")
    issuers = [c.issuer.rfc4514_string() for c in (ca.cert("between"), ca.cert("new"))]
    assert issuers == ["CN=Example Issuing CA 2", "CN=Example Issuing CA 3"]
    for out in ["old", "between", "new"]:
        ca.verify(out)
    constraints = x509.load_pem_x509_certificate((ca.dir / "issuer-3.pem").read_bytes())
    assert constraints.extensions.get_extension_for_class(x509.NameConstraints).critical


def test_retiring_too_early_names_those_it_would_lock_out(ca):
    ca.issue(f"a.{DOMAIN}", out="a")
    ca.issue(f"b.{DOMAIN}", out="b")
    gone = ca.issue(f"gone.{DOMAIN}", out="gone")
    ca.ok("rotate", "issuer", "prepare")
    assert ca.refused("rotate", "issuer", "prepare") == ["rotation-under-way"]
    assert ca.refused("rotate", "issuer", "retire") == ["nothing-to-retire"]
    ca.ok("rotate", "issuer", "activate")
    ca.ok("revoke", gone["serial"])
    done = ca.run("rotate", "issuer", "retire")
    assert done.returncode == 1 and "needed by 2 certificates" in done.stderr
    assert f"a.{DOMAIN}" in done.stderr and f"b.{DOMAIN}" in done.stderr
    assert f"gone.{DOMAIN}" not in done.stderr
    ca.ok("renew", ca.folder / "a")
    done = ca.run("rotate", "issuer", "retire")
    assert done.returncode == 1 and "needed by 1 certificate" in done.stderr
    ca.ok("renew", ca.folder / "b")
    assert ca.json("rotate", "issuer", "retire")["id"] == 2
    for out in ["a", "b"]:
        ca.verify(out)
    states = {i["id"]: i["state"] for i in ca.json("show")["issuers"]}
    assert states == {1: "active", 2: "retired", 3: "active"}


def test_who_needs_the_old_one_can_be_looked_at_and_forced(ca):
    assert ca.refused("rotate", "issuer", "needed") == ["nothing-to-retire"]
    issued = [ca.issue(f"n{i}.{DOMAIN}", out=f"n{i}") for i in range(20)]
    ca.ok("rotate", "issuer", "prepare")
    ca.ok("rotate", "issuer", "activate")
    ca.ok("renew", ca.folder / "n0")
    again = ca.issue(f"n1.{DOMAIN}", out="again")  # by the same holder, or by another?
    needed = {row["identity"]: row for row in ca.json("rotate", "issuer", "needed")["needed"]}
    assert set(needed) == {f"n{i}.{DOMAIN}" for i in range(1, 20)}
    assert needed[f"n1.{DOMAIN}"]["serial"] == issued[1]["serial"]
    assert needed[f"n1.{DOMAIN}"]["newer_serial"] == again["serial"]
    assert "newer_serial" not in needed[f"n2.{DOMAIN}"]
    assert ca.ok("rotate", "issuer", "needed").count("\n") == 20
    told = ca.run("rotate", "issuer", "retire").stderr
    shown = sum(f"n{i}.{DOMAIN} (" in told for i in range(20))
    assert 4 < shown < 19 and f" and {19 - shown} more\n" in told
    assert ca.run("rotate", "issuer", "activate", "--force").returncode == 2
    done = ca.run("rotate", "issuer", "retire", "--force")
    assert done.returncode == 0 and "still needed by 19 certificates" in done.stderr
    entry = [e for e in ca.json("audit")["entries"] if e["action"] == "retire"][-1]
    assert "by force: still needed by 19 certificates" in entry["detail"]


def test_the_authority_s_own_certificates_keep_nobody_waiting(ca, tmp_path):
    for name in ["one", "two"]:  # each start takes another
        server = Server(Served(ca))
        assert server.public("/v1/health").status == 200, name
        server.stop()
    ca.ok("rotate", "issuer", "prepare")
    ca.ok("rotate", "issuer", "activate")
    assert ca.json("rotate", "issuer", "needed")["needed"] == []
    ca.ok("rotate", "issuer", "retire")


class Served:
    """What served.Server wants of a folder."""

    def __init__(self, ca):
        self.path = str(ca.dir)


def test_a_root_is_rotated_and_nobody_is_left_behind(ca):
    ca.issue(f"web.{DOMAIN}", out="web")
    only_old = ca.folder / "old-root.pem"
    shutil.copy(ca.dir / "root.pem", only_old)
    ca.ok("rotate", "root", "prepare")
    assert roots(ca.dir / "root.pem") == 2
    ca.verify("web")  # nothing has changed for what was issued
    ca.ok("rotate", "root", "activate")
    ca.issue(f"new.{DOMAIN}", out="new")
    assert roots(ca.folder / "new/cert.pem") == 3  # leaf, issuer, the new root as the old one has it
    ca.verify("new")
    ca.verify("new", trust=only_old, lists=False)  # for who knows the old root only
    only_new = ca.folder / "new-root.pem"
    shutil.copy(ca.dir / "root-3.pem", only_new)
    ca.verify("new", trust=only_new)
    assert ca.refused("rotate", "root", "retire") == ["issuer-still-needed"]
    ca.ok("renew", ca.folder / "web")
    ca.verify("web", trust=only_new)
    ca.ok("rotate", "root", "retire")
    assert roots(ca.dir / "root.pem") == 1
    ca.issue(f"last.{DOMAIN}", out="last")
    assert roots(ca.folder / "last/cert.pem") == 2
    ca.verify("last")
    assert ca.json("audit", "verify")["verdict"] == "sound"


def test_without_the_roots_key_nothing_is_prepared(ca):
    (ca.dir / "root-1.key").rename(ca.folder / "safe")
    assert ca.refused("rotate", "issuer", "prepare") == ["issuer-key-missing"]
    (ca.folder / "safe").rename(ca.dir / "root-1.key")
    ca.ok("rotate", "issuer", "prepare", "--key", "ed25519", "--ttl", "30d")
    (ca.dir / "root-1.key").unlink()
    ca.ok("rotate", "issuer", "activate")
    ca.issue(f"web.{DOMAIN}")
    ca.verify()


def test_a_revoked_issuer_takes_all_below_it(ca):
    ca.issue(f"web.{DOMAIN}")
    issuer = [i for i in ca.json("show")["issuers"] if i["kind"] == "issuer"][0]
    ca.ok("rotate", "issuer", "prepare")
    ca.ok("rotate", "issuer", "activate")
    ca.ok("revoke", issuer["serial"], "--reason", "keyCompromise")
    done = ca.verify(check=False)
    assert done.returncode != 0 and "certificate revoked" in done.stderr
    ca.ok("rotate", "issuer", "retire")  # nobody is believed who needs it


@pytest.mark.parametrize("words", [[], ["issuer"], ["leaf", "prepare"], ["issuer", "prepar"]])
def test_mistakes_are_explained(ca, words):
    done = ca.run("rotate", *words)
    assert done.returncode == 2 and "countersign help ca rotate" in done.stderr


# ---- backup and restore ----


def revoked(ca):
    return {c["serial"] for c in ca.json("list", "--revoked")["certificates"]}


def test_a_backup_is_the_ca_without_its_pass_phrase(ca):
    issued = ca.issue(f"web.{DOMAIN}")
    ca.ok("backup", ca.folder / "backup")
    names = {p.name for p in (ca.folder / "backup").iterdir()}
    assert names >= {"store.sqlite", "root.pem", "root-1.key", "issuer-2.key", "crl"}
    assert "passphrase" not in names
    assert ca.refused("backup", ca.folder / "backup") == ["ca-exists"]
    shutil.move(ca.dir / "passphrase", ca.folder / "secret")
    shutil.rmtree(ca.dir)
    done = ca.run("restore", ca.folder / "backup", "--passphrase-file", ca.folder / "secret")
    assert done.returncode == 0, done.stderr
    shutil.copy(ca.folder / "secret", ca.dir / "passphrase")
    assert ca.json("show", issued["serial"])["identity"] == f"web.{DOMAIN}"
    ca.issue(f"after.{DOMAIN}", out="after")
    ca.verify("after")


def test_a_restored_ca_has_what_happened_since(ca):
    early = ca.issue(f"early.{DOMAIN}", out="early")
    ca.ok("backup", ca.folder / "backup")
    late = ca.issue(f"late.{DOMAIN}", out="late")
    ca.ok("revoke", early["serial"])
    ca.ok("revoke", late["serial"], "--reason", "keyCompromise")
    ca.ok("rotate", "issuer", "prepare")
    ca.ok("rotate", "issuer", "activate")
    kept = ca.issue(f"kept.{DOMAIN}", out="kept")
    number = ca.json("crl")["number"]
    told = ca.json("restore", ca.folder / "backup")
    assert told["revocations"] == 2 and told["replaced"].startswith(str(ca.dir))
    assert revoked(ca) == {early["serial"], late["serial"]}
    assert ca.json("show", kept["serial"])["identity"] == f"kept.{DOMAIN}"
    ca.verify("kept")
    assert ca.verify("late", check=False).returncode != 0
    openssl("req", "-new", "-key", ca.folder / "late/key.pem", "-subj", "/", "-addext",
            f"subjectAltName=DNS:new.{DOMAIN}", "-out", ca.folder / "new.csr")
    assert ca.refused("sign", ca.folder / "new.csr") == ["key-compromised"]
    assert ca.json("crl")["number"] > number
    assert ca.json("audit", "verify")["verdict"] == "sound"
    assert ca.json("audit")["entries"][-1]["action"] in ["restore", "list"]


def test_when_the_store_is_lost_the_lists_tell(ca):
    early = ca.issue(f"early.{DOMAIN}", out="early")
    ca.ok("backup", ca.folder / "backup")
    late = ca.issue(f"late.{DOMAIN}", out="late")
    later = ca.issue(f"later.{DOMAIN}", out="later")
    ca.ok("revoke", early["serial"])
    ca.ok("revoke", late["serial"])
    ca.ok("crl")  # in the folder now
    ca.ok("revoke", later["serial"])
    ca.ok("crl", ca.folder / "newest.crl")
    shutil.copy(ca.folder / "newest.crl", ca.folder / "elsewhere.crl")
    (ca.dir / "crl/2.crl").unlink()
    (ca.dir / "store.sqlite").write_bytes(b"garbage" * 1000)
    done = ca.run("restore", ca.folder / "backup", ca.folder / "elsewhere.crl")
    assert done.returncode == 0, done.stderr
    assert "could not be read" in done.stderr
    assert revoked(ca) == {early["serial"], late["serial"], later["serial"]}
    for out in ["early", "late", "later"]:
        assert "certificate revoked" in ca.verify(out, check=False).stderr


def events(ca, since=0):
    """What a follower hears who has heard up to @since: serial numbers of what is revoked."""
    store = sqlite3.connect(ca.dir / "store.sqlite")
    found = store.execute("SELECT seq, hex(serial) FROM event WHERE seq > ? ORDER BY seq",
                          (since,)).fetchall()
    store.close()
    return [(seq, serial.lstrip("0")) for seq, serial in found]


@pytest.mark.parametrize("lost", [False, True])
def test_followers_hear_again_what_a_restore_takes_over(ca, lost):
    certs = [ca.issue(f"n{i}.{DOMAIN}", out=f"n{i}")["serial"].lstrip("0") for i in range(4)]
    ca.ok("revoke", certs[0])
    ca.ok("backup", ca.folder / "backup")
    for serial in certs[:0:-1]:  # not as they were issued
        ca.ok("revoke", serial)
    heard = events(ca)[-1][0]
    ca.ok("crl")
    if lost:
        (ca.dir / "store.sqlite").write_bytes(b"garbage" * 1000)
    ca.ok("restore", ca.folder / "backup")
    for since in range(heard + 1):
        assert {serial for _, serial in events(ca, since)} >= set(certs[1:]), since
    assert {serial for _, serial in events(ca)} >= set(certs)


def test_tokens_do_not_come_back(ca):
    token = ca.json("token", f"x.{DOMAIN}")["token"]
    assert token
    ca.ok("backup", ca.folder / "backup")
    (ca.dir / "store.sqlite").unlink()
    assert ca.json("restore", ca.folder / "backup")["tokens"] == 1
    store = sqlite3.connect(ca.dir / "store.sqlite")
    columns = [row[1] for row in store.execute("PRAGMA table_info(token)")]
    assert store.execute("SELECT count(*) FROM token WHERE used_at IS NOT NULL AND used_at != 0"
                         ).fetchone() == (1,), columns


def test_what_cannot_be_restored_changes_nothing(ca, tmp_path):
    issued = ca.issue(f"web.{DOMAIN}")
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other = Ca(other_folder)
    other.ok("backup", tmp_path / "theirs")
    ca.ok("backup", tmp_path / "ours")
    (tmp_path / "note").write_text("not a list")
    for words in [["nothing"], ["theirs"], ["ours", "note"]]:
        codes = ca.refused("restore", *(tmp_path / w for w in words))
        assert codes and set(codes) <= {"backup-unusable", "passphrase-wrong"}, words
    assert ca.json("show", issued["serial"])["serial"] == issued["serial"]
    assert not [p for p in tmp_path.iterdir() if ".new" in p.name or "replaced" in p.name]
