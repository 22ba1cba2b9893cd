"""countersign ca, killed at any moment: what was acknowledged stays, and the log verifies."""

import random
import shutil
import signal
import subprocess
import time

import pytest

from ca import Ca
from gateway import PROGRAM

pytestmark = pytest.mark.countersign


def killed(rng, longest_s, *words):
    """Run a command, kill it at a random moment unless it ends before. Whether it said that it had
    done its work."""
    process = subprocess.Popen([PROGRAM, "ca", *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        process.communicate(timeout=rng.uniform(0.001, longest_s))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    return process.returncode == 0


def duration(*words):
    begun = time.monotonic()
    assert subprocess.run([PROGRAM, "ca", *map(str, words)], capture_output=True).returncode == 0
    return time.monotonic() - begun


def kill_init(folder, rng, rounds):
    longest = 1.3 * duration("init", "--dir", folder / "measure")
    for _ in range(rounds):
        if killed(rng, longest, "init", "--dir", folder / "one"):
            break
        assert not (folder / "one").exists() or (folder / "one/store.sqlite").exists()
        if (folder / "one").exists():  # it was done, but killed before it said so
            ca = Ca.__new__(Ca)
            ca.dir, ca.folder = folder / "one", folder
            assert ca.json("audit", "verify")["verdict"] == "sound"
            shutil.rmtree(folder / "one")
    if not (folder / "one").exists():
        assert duration("init", "--dir", folder / "one")
    assert not (folder / ".one.new").exists()


def check(ca, issued, revoked):
    stored = {c["serial"]: c for c in ca.json("list")["certificates"]}
    identities = {c["identity"] for c in stored.values()}
    assert issued <= identities
    assert revoked <= {s for s, c in stored.items() if c["state"] == "revoked"}
    assert ca.json("audit", "verify")["verdict"] == "sound"
    logged = {e["subject"] for e in ca.json("audit")["entries"] if e["action"] == "issue"}
    leaves = {s for s, c in stored.items() if c["profile"] == "server"}
    assert logged == leaves  # none without its entry, no entry without its certificate


def kill_work(folder, rng, rounds):
    ca = Ca(folder)
    longest = 1.5 * duration("issue", "--dir", ca.dir, "first.test", "--out", folder / "first")
    issued, revoked, number = set(), set(), 0
    for i in range(rounds):
        name = f"n{i}.test"
        if killed(rng, longest, "issue", "--dir", ca.dir, name, "--out", folder / name):
            issued.add(name)
            assert (folder / name / "cert.pem").exists()
        good = [c["serial"] for c in ca.json("list", "--profile", "server")["certificates"]
                if c["state"] != "revoked"]
        victim = rng.choice(good) if good else "00"
        if killed(rng, longest, "revoke", "--dir", ca.dir, victim):
            revoked.add(victim)
        killed(rng, longest, "crl", "--dir", ca.dir, folder / "list.crl")
        if i % 10 == 9:
            check(ca, issued, revoked)
            now = ca.json("crl")["number"]
            assert now > number
            number = now
    check(ca, issued, revoked)
    # What was interrupted can be taken up again.
    for i in range(rounds):
        if not (folder / f"n{i}.test/cert.pem").exists():
            ca.issue(f"n{i}.test", out=f"n{i}.test")
    names = [c["identity"] for c in ca.json("list", "--profile", "server")["certificates"]]
    assert {f"n{i}.test" for i in range(rounds)} <= set(names)


@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.long)])
def test_init_killed_at_any_moment(tmp_path, rounds):
    for i in range(max(1, rounds // 10)):
        (tmp_path / str(i)).mkdir()
        kill_init(tmp_path / str(i), random.Random(rounds * 1000 + i), 10)


@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.long)])
def test_issue_revoke_and_lists_killed_at_any_moment(tmp_path, rounds):
    kill_work(tmp_path, random.Random(rounds), rounds)
