"""Attacks on the CA and on who asks it: each is a way by which somebody could get what is not his,
or make another do it."""

import os
import re
import shutil
import sqlite3
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
import served
from authority import StandIn, refuse
from ca import Ca
from gateway import IS_ROOT, run
from served import Folder, Server, csr, serial

pytestmark = pytest.mark.countersign


def code_of(answer):
    return answer.status, answer.json().get("code")


# ---- names ----

def csr_with_uri(key, uri):
    return (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]),
                           False)
            .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture
def names(tmp_path):
    """A CA whose profile `web` certifies URIs of hosts below example.internal, but no admin."""
    conf = tmp_path / "ca.conf"
    folder = Folder(tmp_path / "ca")
    conf.write_text(f"""
        authority {{
            listen 127.0.0.1:1 ssl; store {folder.path};
            profile web {{ extends client; allow uri:https://**.example.internal/**;
                           deny uri:https://a.example.internal/admin; }}
        }}\n""")
    server = Server(folder, "-c", str(conf))
    yield folder, server, ["-c", conf, "--profile", "web"]
    server.stop()


@pytest.mark.parametrize("uri", [
    "https://evil.test?.example.internal/x", "https://evil.test#.example.internal/x",
    "https://evil.test#@a.example.internal/x", "https://evil.test:80.example.internal/x",
    "https://evil.test;.example.internal/x", "https://evil.test%3f.example.internal/x",
    "https://evil.test:.example.internal/x", "https://a.example.internal/%61dmin",
    "https://a.example.internal/x/../admin", "https://A.EXAMPLE.internal/admin"])
def test_a_uri_whose_host_readers_disagree_about_is_not_certified(names, uri):
    folder, server, words = names
    token = folder.ok("token", *words, "uri:https://**.example.internal/**").split()[0]
    before = folder.serials()
    for more in ({"csr": csr_with_uri(pki.new_key(), uri)},
                 {"csr": csr(pki.new_key()), "identity": "uri:" + uri}):
        answer = server.post("/v1/enrol", {"token": token, **more})
        assert code_of(answer) in ((400, "name-malformed"), (403, "name-malformed"),
                                   (422, "name-malformed"), (403, "name-denied"),
                                   (422, "name-denied")), answer.text
    assert folder.serials() == before
    good = {"csr": csr_with_uri(pki.new_key(), "https://a.example.internal/x")}
    assert server.post("/v1/enrol", {"token": token, **good}).status == 201


# ---- HTTP ----

HEAD = "POST /v1/enrol HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
SECOND = "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("request_text", [
    HEAD + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + "Content-Length: 0\r\nContent-Length: 50\r\n\r\n",
    HEAD + "Content-Length: 0, 50\r\n\r\n",
    HEAD + "Content-Length: +2\r\n\r\n{}",
    HEAD + "Content-Length: 18446744073709551618\r\n\r\n{}",
    HEAD + "Content-Length : 2\r\n\r\n{}",
    HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n2;x\n{}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    HEAD + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    HEAD + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    HEAD + "X: a\nContent-Length: 0\r\n\r\n",
    HEAD + "X: a\0b\r\nContent-Length: 0\r\n\r\n",
    HEAD + "Host: b\r\nContent-Length: 0\r\n\r\n",
    "POST /v1/enrol HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "POST  /v1/enrol HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/enrol HTTP/9.9\r\nHost: a\r\n\r\n",
])
def test_what_is_not_plainly_one_request_ends_the_connection(shared, request_text):
    """And what stands behind it is no request of anybody's."""
    with shared.connect() as client:
        client.send(request_text + SECOND)
        answer = client.response()
        assert answer.status in (400, 413, 415, 501, 505), answer.status
        assert not answer.keeps_alive() and client.ended(10)


def test_requests_in_a_row_get_their_answers_in_a_row(shared):
    many = 50
    with shared.connect() as client:
        client.send((SECOND + HEAD + "Content-Length: 2\r\n\r\n{}"
                     + HEAD + "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n") * many)
        for _ in range(many):
            assert client.response().json()["status"] == "ok"
            assert client.response().json()["code"] == "field-missing"
            assert client.response().json()["code"] == "body-not-json"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    server = Server(Folder(tmp_path_factory.mktemp("http") / "ca"))
    yield server
    server.stop()


# ---- time ----

def test_a_connection_is_worth_no_more_than_its_certificate(tmp_path):
    """What was good when it was shown has expired since."""
    folder = Folder(tmp_path / "ca")
    server = Server(folder)
    try:
        brief = server.enrol("brief.example.internal", ttl=3)
        asks = [lambda client: served.post(client, "/v1/renew", {"csr": csr(pki.new_key())}),
                lambda client: served.post(client, "/v1/revoke", {"reason": "superseded"}),
                lambda client: client.request("GET", "/v1/events"),
                lambda client: client.request("GET", "/v1/health")]
        clients = [server.connect(brief) for _ in asks]
        ends = time.monotonic() + 5.5
        while time.monotonic() < ends:
            for client in clients:
                assert client.request("GET", "/v1/health").status == 200
            time.sleep(0.3)
        answers = [ask(client) for ask, client in zip(asks, clients)]
        assert [answer.status for answer in answers] == [401, 401, 401, 200]
        assert {answer.json()["code"] for answer in answers[:3]} == {"certificate-expired"}
        assert not folder.serials()[serial(brief)]
        for client in clients:
            client.close()
    finally:
        server.stop()


# ---- two at once ----

def test_a_list_is_made_while_somebody_else_changes_the_ca(tmp_path):
    """The CA's certificates are read again between the question and the answer."""
    folder = Folder(tmp_path / "ca")
    server = Server(folder)
    try:
        answers = []
        for part in range(3):
            other = sqlite3.connect(os.path.join(folder.path, "store.sqlite"),
                                    isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT OR REPLACE INTO meta VALUES(x'6e', randomblob(8))")
            thread = threading.Thread(
                target=lambda n=part: answers.append(server.public(f"/crl/2/{n}.crl")))
            thread.start()
            time.sleep(0.5)  # it waits for the store
            other.execute("COMMIT")
            other.close()
            thread.join(10)
        assert [answer.status for answer in answers] == [200] * 3
        for answer in answers:
            assert len(x509.load_der_x509_crl(answer.body)) == 0
    finally:
        server.stop()


# ---- files ----

def test_a_restore_that_cannot_keep_the_old_folder_leaves_it(tmp_path):
    ca = Ca(tmp_path)
    ca.ok("backup", tmp_path / "backup")
    issued = ca.issue("after.example.internal")
    log = ca.ok("audit")
    now = int(time.time())
    for second in range(now - 2, now + 20):
        (tmp_path / f"ca.replaced-{second}").mkdir()
        (tmp_path / f"ca.replaced-{second}" / "kept").write_text("kept")
    done = ca.run("restore", tmp_path / "backup")
    assert done.returncode == 1, done.stdout
    assert ca.json("show", issued["serial"])["serial"] == issued["serial"]
    assert "none changed" in ca.ok("audit", "verify")
    assert log in ca.ok("audit") or ca.ok("audit").startswith(log.rstrip())
    assert all((tmp_path / f"ca.replaced-{s}" / "kept").exists()
               for s in range(now - 2, now + 20))
    for second in range(now - 2, now + 20):
        shutil.rmtree(tmp_path / f"ca.replaced-{second}")
    ca.ok("restore", tmp_path / "backup")
    assert ca.json("show", issued["serial"])["serial"] == issued["serial"]


@pytest.mark.parametrize("name", [".new", ".v7", ".pending.new", ".current.new"])
def test_a_link_in_the_folder_of_an_enrolment_leads_nowhere(tmp_path, name):
    """Who may write there must not make who enrols remove or write another's files."""
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in ["key.pem", "cert.pem", "precious"]:
        (mine / file).write_text("precious")
    out = tmp_path / "out"
    out.mkdir(mode=0o700)
    (out / name).symlink_to(mine / "precious" if name.startswith(".p") else mine)
    stand_in = StandIn(tmp_path).start()
    try:
        done = run("enrol", "--ca", stand_in.url, "--fingerprint", stand_in.fingerprint,
                   "--token", stand_in.token, "--identity", "dns:web.example.internal", "--out",
                   out)
    finally:
        stand_in.stop()
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(mine)) == ["cert.pem", "key.pem", "precious"]
    assert {(mine / file).read_text() for file in os.listdir(mine)} == {"precious"}
    assert (out / "cert.pem").read_text().startswith("-----BEGIN")
    assert not (out / name).is_symlink()


@pytest.mark.skipif(not IS_ROOT, reason="only root works for others")
def test_root_does_not_follow_the_links_of_the_account_that_has_the_ca(tmp_path):
    """Whoever took over the authority's account waits for root to run a command."""
    ca = Ca(tmp_path)
    ca.ok("backup", tmp_path / "backup")
    doomed = ca.issue("a.test")["serial"]
    secret, target = tmp_path / "secret", tmp_path / "target"
    secret.write_text("root's secret")
    secret.chmod(0o600)
    target.mkdir()
    shutil.rmtree(ca.dir / "crl")
    (ca.dir / "crl").symlink_to(target)
    (ca.dir / "evil.pem").symlink_to(secret)
    keys = [ca.dir / "root-1.key", ca.dir / "issuer-2.key"]
    for path in [ca.dir, *ca.dir.iterdir()]:
        if path not in keys:
            os.chown(path, 1, 1, follow_symlinks=False)
    ca.ok("revoke", doomed)
    done = ca.run("crl", tmp_path / "crl.pem")
    assert done.returncode == 1 and "Not a directory" in done.stderr
    assert list(target.iterdir()) == []

    ca.ok("restore", tmp_path / "backup")
    assert list(target.iterdir()) == []
    assert not (ca.dir / "evil.pem").exists()
    assert not any("root's secret" in path.read_text("latin-1")
                   for path in ca.dir.rglob("*") if path.is_file())
    owners = {path.relative_to(ca.dir).as_posix(): path.lstat().st_uid
              for path in [ca.dir, *ca.dir.rglob("*")]}
    assert owners.pop("root-1.key") == owners.pop("issuer-2.key") == 0
    assert set(owners.values()) == {1}, owners
    assert ca.dir.stat().st_mode & 0o777 == 0o700
    ca.ok("crl", tmp_path / "crl.pem")
    crl = x509.load_pem_x509_crl((tmp_path / "crl.pem").read_bytes())
    assert [f"{entry.serial_number:X}" for entry in crl] == [doomed.lstrip("0")]
    assert (ca.dir / "crl" / "2.crl").stat().st_uid == 1


# ---- words of others ----

def test_what_a_server_says_does_not_command_the_terminal(tmp_path):
    stand_in = StandIn(tmp_path).start()
    evil = "no\x1b]0;owned\x07\x1b[2J\r\nerror: all is well\u202e"
    try:
        for status in (403, 503):
            stand_in.faults = [refuse(status, "no", evil, detail=evil, hint=evil)] * 2
            for more in [[], ["--json"]]:
                done = run("enrol", "--ca", stand_in.url, "--fingerprint", stand_in.fingerprint,
                           "--token", stand_in.token, "--identity", "dns:web.example.internal",
                           "--out", tmp_path / "out", *more)
                assert done.returncode != 0
                said = done.stdout + done.stderr
                assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), repr(said)
                assert more or "\u202e" not in said
                assert not re.search("^error: all is well", said, re.M), said
    finally:
        stand_in.stop()
