"""countersign explain: what was logged, and chains out of files, explained without a network."""

import json
import subprocess

import pytest

import wire
from gateway import BINARY, server
from pki import Authority
from waiting import wait_for

pytestmark = pytest.mark.countersign


def explain(*args, text=None):
    return subprocess.run([BINARY, "explain", *map(str, args)], input=text, capture_output=True,
                          text=True, timeout=20, check=False)


def test_a_failure_log_is_explained(start, pki):
    gw = start("mtls_failure_log @dir@/failures.log;" + server("location / { return 200; }"),
               level="error")
    wire.get(gw.port["tls"], pki.expired)
    wire.get(gw.port["tls"], None)
    wait_for(lambda: gw.read("failures.log").count("\n") >= 2, "two records")
    done = explain(gw.path("failures.log"))
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout.count("usually due to:") == 2
    assert "✗ client certificate  CN=olga" in done.stdout
    assert "code: certificate-expired" in done.stdout
    assert "code: certificate-missing" in done.stdout
    assert explain(text=gw.read("failures.log")).stdout == done.stdout
    # what is read and written again is the same
    again = explain("--json", gw.path("failures.log")).stdout
    assert again == gw.read("failures.log")


def test_records_behind_something_else(start, pki):
    record = json.dumps({"side": "server", "stage": "handshake", "code": "peer-closed",
                         "operands": ["client", "before it had sent anything"]})
    done = explain("-", text=f"Nov 23 10:00:00 gw: {record}\nno record\n" + '{"half": \n')
    assert done.returncode == 1 and "code: peer-closed" in done.stdout
    assert "1 line no record can be read from, the first is line 3" in done.stderr
    report = json.dumps({"doctor": [{"failure": json.loads(record)}]}, indent=2)
    assert "code: peer-closed" in explain("-", text=report).stdout


@pytest.mark.parametrize("text", ["", "nothing\n", "{}", "[1,2]"])
def test_no_record_is_no_explanation(text):
    done = explain("-", text=text)
    assert done.returncode == 2 and "no record is in" in done.stderr


CHAINS = [
    ("alice", "ca", [], None),
    ("expired", "ca", [], "certificate-expired"),
    ("future", "ca", [], "certificate-not-yet-valid"),
    ("future", "ca", ["--at", "+4d"], None),
    ("stranger", "ca", [], "issuer-unknown"),
    ("self_signed", "ca", [], "self-signed"),
    ("imposter", "ca", [], "issuer-key-mismatch"),
    ("server_only", "ca", [], "purpose-mismatch"),
    ("server", "ca", [], "purpose-mismatch"),
    ("server", "ca", ["--as", "server"], None),
    ("server", "ca", ["--host", "a.test"], None),
    ("server", "ca", ["--host", "z.test"], "name-mismatch"),
    ("deep", "ca", [], None),
    ("deep", "ca", ["--depth", "0"], "verify-depth-exceeded"),
    ("revoked", "ca", [], None),
    ("revoked", "ca", ["--crl", "crl"], "revoked"),
    ("alice", "ca", ["--crl", "stale_crl"], "crl-expired"),
]


@pytest.mark.parametrize("who, by, options, code", CHAINS,
                         ids=[f"{c[0]}-{''.join(c[2]) or 'plain'}" for c in CHAINS])
def test_a_chain_out_of_files(pki, who, by, options, code):
    options = [getattr(pki, o) if o in ("crl", "stale_crl") else o for o in options]
    args = ["--chain", getattr(pki, who).certfile, "--trust", getattr(pki, by).certfile, *options]
    done = explain(*args)
    assert done.returncode == (1 if code else 0), done.stdout + done.stderr
    assert ("nothing failed" in done.stdout) == (code is None)
    found = json.loads(explain("--json", *args).stdout)
    assert found.get("code") == code
    assert found["chain"][0]["serial"]
    assert found["verdict"]["accepted"] == (code is None)


def test_what_cannot_be_tried(pki, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing\n")
    for args, says in [
            (["--chain", pki.alice.certfile], "--trust is missing"),
            (["--trust", pki.ca.certfile], "--chain is missing"),
            (["--chain", "/nowhere", "--trust", pki.ca.certfile], "cannot read"),
            (["--chain", tmp_path / "empty.pem", "--trust", pki.ca.certfile], "no certificate is"),
            (["--chain", pki.alice.certfile, "--trust", tmp_path / "empty.pem"], "error:"),
            (["--chain", pki.alice.certfile, "--trust", pki.ca.certfile, "--at", "soon"], "--at"),
            (["--chain", pki.alice.certfile, "--trust", pki.ca.certfile, "--as", "x"], "--as"),
            (["--chain", pki.alice.certfile, "--trust", pki.ca.certfile, "--depth", "-1"],
             "--depth"),
            (["--chain", pki.alice.certfile, "--trust", pki.ca.certfile, "--as", "client",
              "--host", "a.test"], "--host"),
            (["--chain", pki.alice.certfile, "--trust", pki.ca.certfile, "x.json"], "either")]:
        done = explain(*args)
        assert done.returncode == 2 and says in done.stderr, (args, done.stdout, done.stderr)


def test_names_cannot_forge_the_explanation(pki, tmp_path):
    evil = Authority("x\u202eevil").issue("y").save(tmp_path, "evil")
    done = explain("--chain", evil.certfile, "--trust", pki.ca.certfile)
    assert done.returncode == 1 and "\u202e" not in done.stdout
