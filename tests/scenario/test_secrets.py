"""Secrets are read as root, wiped once they are used, and held by nobody who need not have them;
who talks to strangers has no rights to lose."""

import os
import re
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization

import wire
from ca import Ca
from gateway import IS_ROOT, run
from served import Folder, Server, csr
from waiting import wait_for

import pki as papers

pytestmark = [pytest.mark.countersign,
              pytest.mark.skipif(not IS_ROOT, reason="only root may look into other processes")]


def holds(pid, needles):
    """Which of the needles are in the memory of a process that it can write to."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            first, last = (int(part, 16) for part in place.split("-"))
            if not rights.startswith("rw") or last - first > 1 << 30 or "[v" in line:
                continue
            memory.seek(first)
            try:
                data = memory.read(last - first)
            except OSError:
                continue
            found |= {name for name, needle in needles.items() if needle in data}
    return found


def scalar_of(key):
    return key.private_numbers().private_value.to_bytes(32, "big")


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


# ---- the CA's ----

MAIN = """
mtls_state @dir@/state;
authority {
    listen 127.0.0.1:@authority@ ssl;
    store @ca@;
    passphrase_file @secret@;
    user daemon;
}"""
BODY = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate auto;
        ssl_client_certificate @ca@/root.pem;
        ssl_verify_client on;
        ssl_verify_depth 2;
    }"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_secrets_of_the_ca_are_in_its_own_process_alone(start, tmp_path, end):
    """Not in the supervisor, of which all others are copies, nor in the steward and the workers,
    which talk to strangers."""
    for folder in [tmp_path, *tmp_path.parents]:
        if str(folder).startswith("/tmp/"):
            os.chmod(folder, 0o755)
    words = "correct horse battery staple " + os.urandom(8).hex()
    secret = tmp_path / "secret"
    secret.write_bytes((words + end).encode())
    secret.chmod(0o600)
    ca = Ca(tmp_path, "--name", "Example", "--passphrase-file", secret)
    key = serialization.load_pem_private_key((ca.dir / "issuer-2.key").read_bytes(),
                                             words.encode())
    needles = {"pass phrase": words.encode(), "key": scalar_of(key),
               "the same": scalar_of(key)[::-1]}
    gw = start(BODY, main=MAIN, ca=ca.dir, secret=secret, workers=2)
    wait_for(lambda: re.search("certificate for dns:a.test issued", gw.log()), "a certificate",
             timeout_s=20)
    time.sleep(0.3)
    (authority,) = map(int, re.findall(r"start authority process (\d+)", gw.log()))
    assert len(gw.family()) == 5  # with two workers and the steward
    for pid in gw.family():
        if pid != authority:
            assert holds(pid, needles) == set(), (pid, gw.log())
        if pid != gw.process.pid:
            status = status_of(pid)
            assert set(status["Uid"].split()) != {"0"} and "0" not in status["Uid"].split()
            assert int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0
            assert status["NoNewPrivs"] == "1"
            assert os.stat(f"/proc/{pid}/mem").st_uid == 0  # no core, and nobody may trace it
    assert "pass phrase" in holds(authority, needles)  # so it is found where it is


def test_a_join_token_is_in_no_log_and_in_no_file_of_the_ca(tmp_path):
    folder = Folder(tmp_path / "ca")
    server = Server(folder)
    try:
        token = folder.token("a.example.internal")
        good = csr(papers.new_key(), "a.example.internal")
        for body in ({"token": token, "csr": "x"}, {"token": token, "csr": good, "x": token},
                     b'{"token":"' + token.encode() + b'",', {"token": token + "x", "csr": good},
                     {"token": token, "csr": good, "identity": token},
                     {"token": token, "csr": good, "profile": token},
                     {"token": token, "csr": good}, {"token": token, "csr": good}):
            server.post("/v1/enrol", body)
        assert len(folder.serials()) == 4  # the root, the issuer, the server's own, and that one
        kept = [tmp_path.rglob("*"), [server.log_path]]
        for path in (path for paths in kept for path in paths):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    assert token.encode() not in file.read(), path
        assert token not in folder.ok("audit")
    finally:
        server.stop()


# ---- the gateway's ----

def test_the_file_of_a_key_and_its_password_are_wiped(start, pki, tmp_path):
    """The key itself is what workers sign with; the text that it came in, and what opened it, are
    nobody's any more: of a process that is dumped or read they are the easiest part to find."""
    key = papers.new_key()
    password = "opens the key " + os.urandom(8).hex()
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(plain)
    identity = pki.ca.issue("a.test", san=["a.test"], eku=["server"], key=key)
    identity.save(str(tmp_path), "server")
    locked = subprocess.run(["openssl", "pkcs8", "-topk8", "-in", tmp_path / "key.pem", "-passout",
                             "pass:" + password], capture_output=True, check=True).stdout
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "passwords").write_text(password + "\n")
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    scalar = der.index(scalar_of(key))
    needles = {"password": password.encode(), "DER": der[scalar - 12:scalar + 32]}
    for name, text in {"plain": plain, "saved": open(identity.keyfile, "rb").read()}.items():
        lines = text.split(b"\n")
        needles[name + " text"], needles[name + " base64"] = lines[0] + b"\n" + lines[1], lines[1]
    # OpenSSL's decoder gives back the memory of what it decoded without wiping it.
    remains = {"DER"} if "OpenSSL" in run("version").stdout else set()
    for key_file, more in [(identity.keyfile, ""),
                           (tmp_path / "locked.key", f"ssl_password_file {tmp_path}/passwords;")]:
        gw = start(f"""
            server {{
                listen 127.0.0.1:@tls@ ssl;
                server_name a.test;
                ssl_certificate {identity.certfile};
                ssl_certificate_key {key_file}; {more}
                return 200 hello;
            }}""", workers=2)
        with wire.tls(gw.port["tls"], sni="a.test", ctx=wire.context(ca=pki.ca)) as client:
            assert client.request("GET", "/").status == 200
        for pid in gw.family():
            assert holds(pid, needles) <= remains, (pid, key_file)
        assert holds(gw.process.pid, {"name": b"ssl_certificate_key"})  # it does look
        gw.stop()
