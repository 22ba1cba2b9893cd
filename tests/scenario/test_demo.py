"""`countersign demo --once` shows a mutual handshake and six refusals, and tidies up."""

import os
import re
import signal
import subprocess

import pytest

from gateway import PROGRAM, run

pytestmark = pytest.mark.countersign


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--once", cwd=str(folder), timeout_s=60, env={"TMPDIR": str(folder)})
    return done, folder


def test_it_exits_0(demo):
    done, _ = demo
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_transcript_has_seven_steps_in_order(demo):
    text = demo[0].stdout
    steps = [int(n) for n in re.findall(r"^\s*\(?(\d)[.):]", text, re.M)]
    top = [n for i, n in enumerate(steps) if n == 1 or i == 0 or n == steps[i - 1] + 1]
    assert set(range(1, 8)) <= set(top), text


@pytest.mark.parametrize("words", [
    r"\b200\b", r"no (client )?certificate|without a certificate",
    r"another CA|other CA|not trusted|unknown issuer|issuer", "expired", "revoked",
    r"server.*(not trust|untrusted|does not trust)|client.*(not trust|refuse)"])
def test_each_reason_is_told_in_words(demo, words):
    assert re.search(words, demo[0].stdout, re.I), demo[0].stdout


def test_the_six_steps_of_a_mutual_handshake_are_told(demo):
    """Numbered one to six, each with what was presented or checked."""
    first = re.search(r"^\(1\)(.*?)^\(2\)", demo[0].stdout, re.M | re.S).group(1)
    steps = re.findall(r"^\W*([1-6]) +(\S.*?)  +(\S.*)$", first, re.M)
    assert [number for number, _, _ in steps] == list("123456")
    assert "TLSv1.3" in first
    for _, what, shown in steps:
        assert re.search("hello|agree|certificate|check", what), what
        assert shown


def test_a_ca_of_ones_own_is_shown(demo):
    last = re.search(r"^\(8\)(.*)", demo[0].stdout, re.M | re.S).group(1)
    for words in ["ca init", "ssl_certificate auto", "enrol", "ca revoke", "closed [0-9]+ ms later",
                  "13 of 13"]:
        assert re.search(words, last), last
    assert "✗" not in last


def test_it_leaves_no_file_and_no_process(demo):
    done, folder = demo
    assert os.listdir(folder) == []
    left = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    assert str(folder) not in left.stdout


def test_no_colours_without_a_terminal(demo):
    assert "\x1b" not in demo[0].stdout + demo[0].stderr


def test_it_needs_no_openssl_command(tmp_path):
    done = subprocess.run([PROGRAM, "demo", "--once"], env={"PATH": "/nonexistent",
                                                            "TMPDIR": str(tmp_path)},
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_once_it_waits_and_ctrl_c_cleans_up(tmp_path):
    process = subprocess.Popen([PROGRAM, "demo"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
                               env={**os.environ, "TMPDIR": str(tmp_path)},
                               start_new_session=True)
    try:
        seen = ""
        for line in process.stdout:
            seen += line
            if re.search(r"ctrl.?c", line, re.I):
                break
        command = re.search(r"^\s*(curl .*)$", seen, re.M)
        assert command, seen
        answer = subprocess.run(command.group(1), shell=True, capture_output=True, text=True,
                                timeout=20, check=False)
        assert answer.returncode == 0, answer.stderr
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) in (0, 130, -signal.SIGINT)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    assert os.listdir(tmp_path) == []
