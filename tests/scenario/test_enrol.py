"""countersign enrol: a certificate is got, kept, renewed and announced, whatever happens.

Against a stand-in (tests/lib/authority.py), which can misbehave as a real authority does not.
"""

import json
import os
import re
import resource
import signal
import stat
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import authority
from authority import StandIn, spki
from enrolling import HOOK, NAME, Client, certificates, told, verified_by_openssl
from gateway import BINARY, IS_ROOT, SANITIZED
from waiting import wait_for

pytestmark = pytest.mark.countersign

FILES = ["ca.pem", "cert.pem", "key.pem", "state.json"]


@pytest.fixture
def ca(tmp_path):
    with StandIn(tmp_path) as one:
        yield one


@pytest.fixture
def client(tmp_path, ca):
    one = Client(tmp_path, ca)
    yield one
    one.end()


# ---- once ----

def test_a_token_becomes_a_certificate(client, ca):
    done = client.run()
    assert done.returncode == 0, done.stderr
    assert "got certificate" in done.stdout and NAME in done.stdout
    names = client.held().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [NAME]
    assert verified_by_openssl(client)
    for name in FILES:
        assert stat.S_IMODE(os.stat(client.path(name)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(client.dir).st_mode) == 0o700
    assert json.loads(client.read("state.json"))["authority"] == ca.url
    assert not os.path.exists(client.path(".pending.pem"))
    assert ca.token.encode() not in client.read("state.json")


@pytest.mark.parametrize("kind, found", [
    ("ec-p384", "secp384r1"), ("ed25519", "Ed25519"), ("rsa-2048", "RSA")])
def test_keys_of_other_kinds_are_made_on_request(client, kind, found):
    assert client.run(key_type=kind).returncode == 0
    key = client.held().public_key()
    assert found in getattr(getattr(key, "curve", None), "name", "") + type(key).__name__
    renewed = client.run("--renew", token=None, key_type=None)
    assert renewed.returncode == 0, renewed.stderr
    assert type(client.held().public_key()) is type(key)


def test_several_names_and_a_life_are_asked_for(client, ca):
    done = client.run(identity="dns:a.test, dns:b.test,ip:192.0.2.1," + NAME, ttl="2h",
                      profile="peer")
    assert done.returncode == 0, done.stderr
    names = client.held().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test", "b.test"]
    assert str(names.get_values_for_type(x509.IPAddress)[0]) == "192.0.2.1"
    path, body, _ = ca.requests[0]
    assert path == "/v1/enrol" and body["ttl"] == 7200 and body["profile"] == "peer"
    assert client.run("--renew").returncode == 0
    path, body, _ = ca.requests[1]
    assert path == "/v1/renew" and set(body) == {"csr", "ttl"}


def test_what_is_there_is_not_asked_for_again(client, ca):
    client.run()
    before = client.serial()
    done = client.run()
    assert done.returncode == 0 and "to be renewed in" in done.stdout
    assert client.serial() == before and len(ca.requests) == 1


def test_the_folder_alone_is_enough_to_renew(client, ca):
    client.run()
    before = client.held()
    done = subprocess.run([BINARY, "enrol", "--renew", "--out", client.dir],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "renewed" in done.stdout
    assert client.serial() != before.serial_number
    assert spki(client.held().public_key()) != spki(before.public_key()), "with a new key"
    path, _, presented = ca.requests[-1]
    assert path == "/v1/renew" and presented == before.serial_number
    assert verified_by_openssl(client)


def test_json_tells_programs(client):
    done = client.run("--json")
    event = json.loads(done.stdout)
    assert event["event"] == "issued" and event["key"] == client.path("key.pem")
    assert int(event["serial"], 16) == client.serial()
    event = json.loads(client.run("--json").stdout)
    assert event["event"] == "held"
    refused = client.run("--json", out=client.dir + "2", token="cst_wrong")
    event = json.loads(refused.stdout)
    assert refused.returncode == 1 and event["refused"] is True
    assert event["finding"]["code"] == "token-unknown"
    assert event["finding"]["hint"] == "ask for a new one"


# ---- refused, or not tried ----

def test_a_wrong_token_is_refused_in_the_words_of_the_authority(client):
    done = client.run(token="cst_" + "w" * 43)
    assert done.returncode == 1
    assert "the token is not known" in done.stderr and "hint: ask for a new one" in done.stderr
    assert "token-unknown" in done.stderr
    assert not os.path.exists(client.path("cert.pem"))


def test_a_wrong_fingerprint_gets_no_token(client, ca):
    done = client.run(fingerprint="00" * 32)
    assert done.returncode == 1
    assert "another root" in done.stderr and ca.fingerprint in done.stderr
    assert ca.requests == []


def test_the_fingerprint_may_have_colons_and_capitals(client, ca):
    colons = ":".join(re.findall("..", ca.fingerprint.upper()))
    assert client.run(fingerprint=colons).returncode == 0


def test_a_server_with_another_certificate_gets_no_token(client, ca, tmp_path):
    """It knows the right root, as everybody does; it cannot show a certificate of it."""
    with StandIn(tmp_path / "..") as thief:
        thief.root.certfile = ca.root.certfile
        thief.get = lambda handler: authority.send(handler, 200, ca.root.pem)
        done = client.run(ca=thief.url)
        assert done.returncode == 1, done.stderr
        assert "is not accepted as the authority" in done.stderr
        assert thief.requests == []


def test_an_authority_that_is_away_cannot_be_asked(client, ca):
    ca.stop()
    done = client.run()
    assert done.returncode == 2
    assert "cannot be asked" in done.stderr and ca.url in done.stderr


@pytest.mark.parametrize("changes, status, words", [
    ({"ca": "http://localhost:1"}, 2, "does not begin with https://"),
    ({"ca": "localhost:9443"}, 2, "is no address of an authority"),
    ({"ca": None}, 2, "the address of the authority is missing"),
    ({"fingerprint": None}, 2, "the fingerprint of the authority's root is missing"),
    ({"fingerprint": "abc"}, 2, "--fingerprint wants a SHA-256"),
    ({"identity": None}, 2, "a name to ask for is missing"),
    ({"identity": "billing"}, 2, '--identity: "billing"'),
    ({"identity": "spiffe://UPPER/x"}, 2, "--identity"),
    ({"token": None}, 2, "there is no token"),
    ({"token": None, "token_file": "/nonexistent"}, 2, '"/nonexistent" cannot be used'),
    ({"token_file": "/dev/null"}, 2, "do not go together"),
    ({"token": None, "token_file": "/dev/null"}, 2, "it holds no token"),
    ({"ttl": "soon"}, 2, "--ttl wants"),
    ({"key_type": "dsa"}, 2, "--key-type wants"),
    ({"out": None}, 2, "--out DIR"),
    ({"out": "/dev/null"}, 2, '"/dev/null" cannot be used'),
])
def test_what_cannot_be_tried_is_said(client, changes, status, words):
    done = client.run(**changes)
    assert done.returncode == status, done.stderr
    assert words in done.stderr


def test_a_token_is_read_from_its_file(client, ca, tmp_path):
    file = tmp_path / "token"
    file.write_text(ca.token + "\n")
    assert client.run(token=None, token_file=str(file)).returncode == 0


def test_a_folder_is_for_one_process(client, ca):
    client.watch()
    client.wait_said("got certificate")
    done = client.run()
    assert done.returncode == 2 and "another process is at work in it" in done.stderr


def test_files_of_others_are_left_alone(client, ca):
    os.mkdir(client.dir)
    with open(client.path("key.pem"), "w") as file:
        file.write("mine")
    done = client.run()
    assert done.returncode == 2 and "is not ours" in done.stderr
    assert client.read("key.pem") == b"mine" and ca.requests == []


@pytest.mark.parametrize("fault, status, words", [
    (authority.drop, 2, "cannot be asked"),
    (authority.say(200, "<html>"), 2, "it is not JSON"),
    (authority.say(200, "[]"), 2, "no object"),
    (authority.say(200, "{}"), 2, 'no text "certificate"'),
    (authority.say(404, "<html>nothing here"), 2, "its status is 404"),
    (authority.say(200, b"x" * 1000000), 2, "longer than it may be"),
    (authority.say(301, b"", Location="http://127.0.0.1:1/"), 2, "its status is 301"),
    (authority.refuse(503, "busy", "come again"), 2, "come again"),
    (authority.refuse(403, "name-not-allowed", "no such \x1b[31mname\n"), 1,
     r"no such \x1B[31mname\x0A"),
    (authority.change(renew_at=None), 2, 'no time "renew_at"'),
    (authority.change(renew_at="2001-01-01T00:00:00Z"), 1, "at which it is not valid"),
    (authority.change(certificate="none"), 1, "it is not one certificate"),
    (authority.change(certificate=authority.for_other_key), 1, "for another key"),
    (authority.change(certificate=authority.for_other_name), 1, "it is not for " + NAME),
    (authority.change(certificate=authority.by_other_authority), 1, "certificate-unfit"),
    (authority.change(chain=""), 1, "certificate-unfit"),
    (authority.change(ca=""), 1, "certificate-unfit"),
])
def test_answers_that_are_no_good_are_not_kept(client, ca, fault, status, words):
    ca.faults = [fault]
    done = client.run()
    assert done.returncode == status, done.stderr
    assert words.lower() in done.stderr.lower()
    assert not os.path.exists(client.path("cert.pem"))
    done = client.run()  # the same key: if the token is used up, then for this one
    assert done.returncode == 0, done.stderr


def test_the_answer_that_was_lost_is_asked_for_again(client, ca):
    ca.faults = [authority.issue_and_drop]
    assert client.run().returncode == 2
    assert os.path.exists(client.path(".pending.pem"))
    assert client.run().returncode == 0
    assert len(ca.issued) == 1, "one certificate"
    ca.faults = [authority.issue_and_drop]
    assert client.run("--renew").returncode == 2
    assert client.run("--renew").returncode == 0
    assert len(ca.issued) == 2
    assert not os.path.exists(client.path(".pending.pem"))


def files_of(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_loses_nothing(client, ca):
    done = client.run(preexec_fn=files_of(100))
    assert done.returncode == 2 and "File too large" in done.stderr
    assert ca.requests == [], "what cannot be kept is not asked for"
    done = client.run(preexec_fn=files_of(1000))  # the key, and not the certificate
    assert done.returncode == 2 and "nothing can be kept" in done.stderr
    assert len(ca.issued) == 1 and not os.path.exists(client.path("cert.pem"))
    assert client.run().returncode == 0
    assert len(ca.issued) == 1, "it was issued once"
    before = client.serial()
    assert client.run("--renew", preexec_fn=files_of(100)).returncode == 2
    assert client.serial() == before and verified_by_openssl(client)


@pytest.mark.skipif(IS_ROOT and not os.path.exists("/usr/bin/chattr"), reason="root may write")
def test_an_unwritable_folder_is_said(client, ca, tmp_path):
    client.run()
    before = client.serial()
    frozen = subprocess.run(["chattr", "+i", client.dir], capture_output=True).returncode == 0
    if not frozen:
        pytest.skip("this file system knows no chattr +i")
    try:
        done = client.run("--renew")
    finally:
        subprocess.run(["chattr", "-i", client.dir], check=True)
    assert done.returncode == 2, done.stderr
    assert "cannot be" in done.stderr or "can be kept" in done.stderr
    assert client.serial() == before


def test_another_wish_needs_a_token_again(client, ca):
    client.run()
    done = client.run(identity="dns:other.test", token=None)
    assert done.returncode == 2 and "is not for dns:other.test" in done.stderr
    ca.tokens.append("cst_second")
    assert client.run(identity="dns:other.test", token="cst_second").returncode == 0
    assert "other.test" in str(client.held().extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value)


def test_what_is_broken_in_the_folder_is_replaced(client, ca):
    client.run()
    with open(client.path("cert.pem"), "w") as file:
        file.write("gone")
    ca.tokens.append("cst_second")
    done = client.run(token="cst_second")
    assert done.returncode == 0, done.stderr
    assert "is not used" in done.stderr
    assert verified_by_openssl(client)


# ---- reload command ----

def test_the_command_is_run_for_each_new_certificate(client):
    done = client.run(reload_cmd=HOOK)
    assert done.returncode == 0, done.stderr
    assert told(client) == [("issued", client.serial())]
    client.run(reload_cmd=HOOK)
    assert len(told(client)) == 1, "not for one that was told"
    client.run("--renew", reload_cmd=HOOK)
    assert told(client)[1:] == [("renewed", client.serial())]


def test_a_command_that_fails_is_said_and_run_again(client):
    done = client.run(reload_cmd="exit 3")
    assert done.returncode == 1 and "exited with status 3" in done.stderr
    done = client.run(reload_cmd=HOOK)
    assert done.returncode == 0 and len(told(client)) == 1, "made up for"
    client.watch("--renew", reload_cmd="test -e %s/ok || exit 4" % client.dir)
    client.wait_said("exited with status 4")
    open(client.path("ok"), "w").close()
    client.wait_said("the reload command has run")


def test_a_command_writes_where_our_json_is_not(client):
    done = client.run("--json", reload_cmd="echo hello")
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == [
        "issued", "reloaded"]
    assert "hello" in done.stderr


# ---- staying ----

def test_watch_renews_in_time(client, ca):
    ca.life = 4
    client.watch(reload_cmd=HOOK)
    seen = set()
    deadline = time.monotonic() + 20
    while len(seen) < 4:
        assert time.monotonic() < deadline, client.said()
        serial = client.serial()
        if serial:
            seen.add(serial)
            assert client.held().not_valid_after.timestamp() > 0
        time.sleep(0.05)
    client.end()
    assert len(ca.issued) in (4, 5)
    assert len(told(client)) >= 3
    assert len([n for n in os.listdir(client.dir) if n.startswith(".v")]) <= 2
    assert "leaving" in client.said()


def test_hup_renews_at_once(client, ca):
    client.watch()
    client.wait_said("got certificate")
    before = client.serial()
    client.process.send_signal(signal.SIGHUP)
    client.wait_said("renewed: certificate")
    assert client.serial() != before


def test_an_outage_is_survived_and_told_louder_and_louder(client, ca):
    ca.life, ca.renew_after = 14, 0.2
    client.watch()
    client.wait_said("got certificate")
    ca.stop()
    for level in ["warn", "error", "crit"]:
        client.wait_said(rf"\[{level}\].*cannot be asked")
    assert re.search(r"tried again in \d+ seconds?; the certificate here is good for \d+ seconds? "
                     "more", client.said())
    ca.start()
    client.wait_said("renewed: certificate", timeout_s=20)


def test_an_outage_at_the_start_is_survived(client, ca):
    ca.stop()
    client.watch()
    client.wait_said("there is no good certificate here")
    ca.start()
    client.wait_said("got certificate")


def test_a_token_file_may_come_later(client, ca, tmp_path):
    file = tmp_path / "token"
    client.watch(token=None, token_file=str(file))
    client.wait_said("cannot be used")
    file.write_text(ca.token)
    client.wait_said("got certificate")


def test_an_expired_certificate_is_replaced_with_a_new_token(client, ca, tmp_path):
    ca.life = 2
    file = tmp_path / "token"
    file.write_text(ca.token)
    client.run(token=None, token_file=str(file))
    before = client.serial()
    time.sleep(3)
    ca.life = 3600
    ca.tokens.append("cst_second")
    file.write_text("cst_second")
    done = client.run(token=None, token_file=str(file))
    assert done.returncode == 0, done.stderr
    assert client.serial() != before
    assert ca.requests[-1][0] == "/v1/enrol"


def test_a_refused_renewal_is_told_and_a_token_helps(client, ca, tmp_path):
    client.run()
    ca.tokens.append("cst_second")
    file = tmp_path / "token"
    file.write_text("cst_second")
    ca.faults = [authority.refuse(401, "certificate-revoked", "the certificate was revoked")]
    client.watch("--renew", token=None, token_file=str(file))
    client.wait_said(r"\[warn\].*certificate was revoked")
    client.wait_said("got certificate")


def test_the_authority_says_when_to_come_again(client, ca):
    client.run()
    ca.faults = [authority.say(503, authority.problem(503, "busy", "not now")[1], Retry_After="3")]
    client.watch("--renew")
    client.wait_said(r"not now.*tried again in 3 seconds")
    client.wait_said("renewed: certificate")


def test_a_root_is_exchanged_while_the_old_one_is_held(client, ca):
    """The CA gives a new root beside the old one; later it shows a certificate of the new."""
    client.run()
    new = authority.Authority("New root")
    ca.faults = [authority.change(ca=ca.root.pem.decode() + new.pem.decode())]
    assert client.run("--renew").returncode == 0
    assert len(certificates(client.read("ca.pem"))) == 2
    ca.stop()
    ca.own = new.issue("localhost", san=["localhost"], eku=["server"]).save(ca.folder, "stand-in")
    both = ca.root.pem.decode() + new.pem.decode()
    with open(ca.root.certfile, "w") as file:  # whose certificates it takes
        file.write(both)
    ca.start()
    ca.faults = [authority.change(ca=both)]
    assert client.run("--renew").returncode == 0
    old = ca.fingerprint
    ca.root, ca.issuing = new, authority.Authority("New issuing", parent=new)
    assert client.run("--renew", fingerprint=old).returncode == 0
    assert certificates(client.read("ca.pem"))[0].subject == new.cert.subject
    done = client.run("--renew", fingerprint=old)  # as in a unit that nobody has touched
    assert done.returncode == 0, done.stderr
    assert client.run("--renew", fingerprint=ca.fingerprint).returncode == 0
    assert client.run("--renew", fingerprint="00" * 32).returncode == 1


# ---- clocks ----

NO_FAKETIME = pytest.mark.skipif(
    SANITIZED, reason="the sanitizer wants to be the first library, and so does faketime")


def faketime(shift, file=None):
    library = subprocess.check_output(["faketime", "-f", "+0", "printenv", "LD_PRELOAD"],
                                      text=True).strip()
    env = {"LD_PRELOAD": library, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    if file is None:
        return {**env, "FAKETIME": shift}
    with open(file, "w") as out:
        out.write(shift + "\n")
    return {**env, "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1"}


@NO_FAKETIME
@pytest.mark.parametrize("shift, words", [("-20h", "20 hours behind"), ("+2h", "2 hours ahead of")])
def test_a_clock_that_is_wrong_is_told_and_does_not_matter(client, ca, shift, words):
    ca.life = 6
    begun = time.monotonic()
    client.watch(env=faketime(shift))
    client.wait_said(f"the clock of this machine is {words} the authority's")
    wait_for(lambda: len(ca.issued) >= 3, "two renewals", timeout_s=20)
    assert time.monotonic() - begun > 6, "each in its time"
    assert client.said().count("the clock of this machine") == 1, "told once"


@NO_FAKETIME
def test_a_clock_that_jumps_back_and_forth(client, ca, tmp_path):
    ca.life = 6
    file = str(tmp_path / "shift")
    client.watch(env=faketime("+0", file))
    client.wait_said("got certificate")
    for shift in ["-20h", "+0", "+4", "+0"]:
        with open(file, "w") as out:
            out.write(shift + "\n")
        mark = len(client.said())
        before = client.serial()
        client.wait_said("renewed: certificate", start=mark, timeout_s=20)
        assert client.serial() != before
    client.end()
    assert len(ca.issued) < 40, "no renewal after renewal"


# ---- killed ----

def kill_rounds(client, ca, rounds):
    ca.life = 4
    seed = int(os.environ.get("SEED", "1"))
    for i in range(rounds):
        client.watch(reload_cmd=HOOK)
        pause = ((i + seed) * 7919 % 1000) / 1000 * (0.25 if i % 3 else 2.5)
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            if client.serial():  # held() looks whether all fits together, at any moment
                pass
            time.sleep(0.002)
        client.process.kill()
        client.process.wait()
        client.process = None
    mark = len(client.said())
    client.watch(reload_cmd=HOOK)
    client.wait_said("notice", start=mark)
    wait_for(lambda: client.serial() and client.held().not_valid_after > authority.pki.now(),
             "a usable certificate")
    wait_for(lambda: told(client) and told(client)[-1][1] == client.serial(),
             "the command to have been told")
    client.end()
    assert verified_by_openssl(client)
    keys = [key for _, key in ca.issued]
    assert len(keys) == len(set(keys)), "no key has two certificates"
    assert len([path for path, *_ in ca.requests if path == "/v1/enrol"]) >= 1
    assert len([proof for proof, _ in ca.issued if isinstance(proof, str)]) == 1


def test_killed_at_any_moment_it_ends_with_a_certificate(client, ca):
    kill_rounds(client, ca, 10)


@pytest.mark.long
def test_killed_at_any_moment_many_times(client, ca):
    kill_rounds(client, ca, 200)
