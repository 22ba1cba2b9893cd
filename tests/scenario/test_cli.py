"""The command line says what is wrong, all of it, where, and with an exit status."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import wire
from gateway import PROGRAM, WHOLE, StartFailure, listens, run, server
from pki import ONE_DAY, now
from waiting import wait_for

pytestmark = pytest.mark.countersign

GOOD = server("return 200;")


def check(gw, *arguments):
    gw.write()
    return run("check", "-c", gw.conf, *arguments)


def test_check_of_a_good_file_is_quiet_and_0(start):
    gw = start(GOOD, start=False)
    done = check(gw)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stdout.lower()


def test_check_opens_no_port_and_leaves_no_file(start, backend):
    gw = start("server { listen %s; return 200; }" % backend, start=False)
    assert check(gw).returncode == 0
    assert not os.path.exists(gw.path("gateway.pid"))


def test_check_reports_every_finding_of_a_file_in_one_run(start):
    gw = start("""\
http {
    server {
        lisen 443 ssl;
        ssl_verify_client maybe;
        ssl_verify_depth one two;
        events { }
        ssl_certificate @dir@/nosuch.pem;
        return 200 "$no_such_variable";
    }
}
""", whole=False, start=False)
    done = check(gw)
    assert done.returncode == 1
    text = done.stdout + done.stderr
    for line, column, words in [
            (3, 9, 'unknown directive "lisen"'), (4, None, "maybe"),
            (5, 9, "ssl_verify_depth"), (6, 9, "events"), (8, None, "no_such_variable")]:
        at = rf"gateway\.conf:{line}:{column or r'[0-9]+'}: error: .*{re.escape(words)}"
        assert re.search(at, text), f"{at}\n{text}"
    assert "lisen 443 ssl;" in text, "the offending line itself"
    assert re.search(r'did you mean "listen"', text)


@pytest.mark.parametrize("body, line, words", [
    ("server {\n    listen 1\n    return 200;\n}\n", (2, 3, 4),
     'missing|not terminated|expect|";"|invalid parameter'),
    ("server {\n    listen 1;\n", (1, 2, 3), 'end of file|missing|"}"'),
    ("server {\n    listen 1;\n}\n}\n", (4,), 'unexpected "}"|unexpected'),
    ("server {\n    return 200 \"open;\n}\n", (2, 3, 4), "quot|end of file|string"),
    ("server { ssl_verify_client; }\n", (1,), "argument"),
    ("server { location / { ssl_verify_client on; } }\n", (1,), "not allowed here"),
    ("include @dir@/nosuch.conf;\n", (1,), "nosuch.conf"),
    ("server { ssl_verify_client required; }\n", (1,), "required"),
    ("server { listen 70000; }\n", (1,), "port|70000"),
    ("server { client_max_body_size 1x; }\n", (1,), "1x|value|size"),
    ("server { keepalive_timeout -3s; }\n", (1,), "-3s|value|time"),
    ("upstream u { }\n", (1,), "no servers|upstream"),
    ("server { location ~ ( { } }\n", (1,), "regex|pattern|parenthes"),
    ("map $a { }\n", (1,), "argument"),
    ("server { listen 1; ssl_protocols TLSv9; }\n", (1,), "TLSv9"),
    ("server { listen 1; ssl_certificate a; ssl_certificate_key b; listen 2 ssl; }\n", (1,),
     "cannot|not|No such"),
    ("server { listen 1; listen 1; }\n", (1,), "duplicate"),
    ("server { listen 1; root; }\n", (1,), "root"),
    ("error_log x bogus;\n", (1,), "bogus"),
    ("log_format l '$nothing_like_that';\n", (1,), "nothing_like_that"),
    ("server { listen 1; ssl_password_file @dir@/nosuch; }\n", (1,), "nosuch"),
])
def test_each_mistake_has_its_place_and_words(start, body, line, words):
    gw = start(body, whole=False, start=False)
    done = check(gw)
    text = done.stdout + done.stderr
    assert done.returncode == 1, text
    finding = r"gateway\.conf:(\d+):\d+: error: [^\n]*(\n(?! *\S+:\d+:\d+:).*)*"
    found = re.finditer(finding, text)
    assert any(int(m.group(1)) in line and re.search(words, m.group(), re.I) for m in found), text


def test_a_finding_in_an_included_file_names_that_file(start):
    gw = start("include @dir@/conf.d/*.conf;\n", whole=False, start=False)
    os.mkdir(gw.path("conf.d"))
    with open(gw.path("conf.d/site.conf"), "w", encoding="ascii") as out:
        out.write("server {\n    lissten 1;\n}\n")
    done = check(gw)
    assert done.returncode == 1
    assert re.search(r"conf\.d/site\.conf:2:5: error: unknown directive \"lissten\"",
                     done.stdout + done.stderr)


@pytest.mark.parametrize("typed, meant", [
    ("ssl_verify_clien", "ssl_verify_client"), ("proxy_sll_verify", "proxy_ssl_verify"),
    ("ssl_certifcate", "ssl_certificate"), ("severname", "server_name"),
    ("proxypass", "proxy_pass")])
def test_the_nearest_name_is_suggested(start, typed, meant):
    gw = start("server { listen 1; %s x; }" % typed, whole=False, start=False)
    done = check(gw)
    assert done.returncode == 1
    assert f'"{meant}"' in done.stdout + done.stderr


WARNINGS = {
    "a certificate that expires soon": (
        server("return 200;").replace("@pki@/server.", "@pki@/soon."), "expire"),
    "upstream verification off": (
        server("location / { proxy_pass https://127.0.0.1:1; }"), "proxy_ssl_verify"),
    "a CRL missing for an issuer": (
        server("ssl_crl @pki@/crl.pem; return 200;", ca="both.pem"), "CRL|revocation list"),
    "verify depth shorter than the chain": (
        server("ssl_verify_depth 0; return 200;", ca="with-issuing.pem"), "depth"),
    "an expired CRL": (server("ssl_crl @pki@/crl-stale.pem; return 200;"), "CRL|revocation list"),
    "matching a CN with an open regex": (
        server('if ($ssl_client_s_dn ~ "CN=(.*)$") { set $x $1; } return 200;'),
        "ssl_client_s_dn|DN"),
    "ssl on": (server("ssl on; return 200;"), '"ssl"'),
}


@pytest.mark.parametrize("what", WARNINGS)
def test_check_warns_of_what_works_and_will_hurt(start, pki, what):
    pki.ca.issue("a.test", san=["a.test"], eku=("server",), not_before=now() - 80 * ONE_DAY,
                 not_after=now() + 3 * ONE_DAY).save(pki.dir, "soon")
    for name, more in (("both", pki.foreign.pem), ("with-issuing", pki.issuing.pem)):
        with open(f"{pki.dir}/{name}.pem", "wb") as out:
            out.write(pki.ca.pem + more)
    body, words = WARNINGS[what]
    gw = start(body, start=False)
    done = check(gw)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert re.search(r"gateway\.conf:\d+:\d+: warning: (.*\n)*?.*" + f"({words})", text), text


@pytest.mark.parametrize("knob", [
    "sendfile on;", "tcp_nopush on;", "gzip off;", "worker_cpu_affinity auto;", "http2 on;",
    "worker_priority -5;", "multi_accept on;"])
def test_a_performance_knob_is_accepted_with_one_notice(start, knob):
    name = knob.split()[0]
    whole = WHOLE.replace("@body@", GOOD)
    if name.startswith("worker"):
        whole = knob + "\n" + whole
    elif name == "multi_accept":
        whole = whole.replace("worker_connections", knob + " worker_connections")
    else:
        whole = whole.replace("http {", "http {\n" + knob)
    gw = start(whole, whole=False, start=False)
    done = check(gw)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    notices = re.findall(rf"^\S+:\d+:\d+: notice: .*{name}.*$", text, re.M)
    assert len(notices) == 1, text


@pytest.mark.parametrize("directive", [
    "ssl_verify_clients on;", "auth_request /auth;", "auth_basic x;", "proxy_ssl_verify_host on;",
    "limit_req zone=x;", "internal_secret x;"])
def test_a_security_directive_that_is_not_supported_is_fatal(start, directive):
    gw = start(server(directive + " return 200;"), start=False)
    done = check(gw)
    name = directive.split()[0].rstrip(";")
    assert done.returncode == 1
    assert re.search(rf"error: .*{name}", done.stdout + done.stderr)
    with pytest.raises(StartFailure, match=name):
        gw.start()


def test_run_prints_the_same_findings_and_fails(start):
    gw = start("server { listen 127.0.0.1:@http@; lisen 1; }", start=False)
    with pytest.raises(StartFailure, match="lisen"):
        gw.start()
    assert not os.path.exists(gw.path("gateway.pid"))


def test_run_on_a_taken_port_says_which(start, backend):
    gw = start("server { listen 127.0.0.1:%d; return 200; }" % backend.port, start=False)
    with pytest.raises(StartFailure, match=rf"{backend.port}.*in use"):
        gw.start()


def test_run_takes_main_directives_from_g(start):
    gw = start("server { listen 127.0.0.1:@http@; return 200; }", start=False, arguments=[
        "run", "-c", "@dir@/gateway.conf", "-p", "@dir@/", "-g",
        "daemon off; worker_shutdown_timeout 7s;"])
    gw.start()
    assert listens(gw.port["http"])


def test_a_mistake_in_g_is_a_finding(start):
    gw = start("server { listen 127.0.0.1:@http@; return 200; }", start=False, arguments=[
        "run", "-c", "@dir@/gateway.conf", "-g", "deamon off;"])
    with pytest.raises(StartFailure, match="deamon"):
        gw.start()


def control(gw, command):
    return run(command, "-c", gw.conf, "-p", gw.dir + "/")


def test_reload_answers_whether_it_took(start):
    gw = start('server { listen 127.0.0.1:@http@; return 200 "one"; }')

    def ask():
        with wire.connect(gw.port["http"]) as client:
            return client.request("GET", "/", [("Connection", "close")]).text

    assert ask() == "one"
    gw.write('server { listen 127.0.0.1:@http@; return 200 "two"; }')
    done = control(gw, "reload")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for(lambda: ask() == "two", "the new configuration")
    gw.write('server { listen 127.0.0.1:@http@; retrun 200 "three"; }')
    done = control(gw, "reload")
    assert done.returncode == 1
    assert re.search(r':\d+:\d+: error: unknown directive "retrun"', done.stdout + done.stderr)
    assert ask() == "two", "the old state keeps serving"


@pytest.mark.parametrize("command", ["stop", "quit"])
def test_stop_and_quit_end_it(start, command):
    gw = start("server { listen 127.0.0.1:@http@; return 200; }")
    assert control(gw, command).returncode == 0
    assert gw.wait() == 0
    assert not os.path.exists(gw.path("gateway.pid"))


@pytest.mark.parametrize("command", ["reload", "stop", "quit"])
def test_control_of_what_does_not_run_says_so(start, command):
    gw = start("server { listen 127.0.0.1:@http@; return 200; }", start=False)
    gw.write()
    done = control(gw, command)
    assert done.returncode == 1
    assert "gateway.pid" in done.stderr or "not running" in done.stderr


def test_a_stale_pid_file_hits_nobody(start):
    """The number in it belongs to another process now, which must not get the signal."""
    gw = start("server { listen 127.0.0.1:@http@; return 200; }", start=False)
    gw.write()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with open(gw.path("gateway.pid"), "w", encoding="ascii") as out:
            out.write(f"{bystander.pid}\n")
        assert control(gw, "stop").returncode == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_second_start_beside_the_first_fails_and_harms_nothing(start):
    gw = start("server { listen 127.0.0.1:@http@; return 200 x; }")
    done = run("run", "-c", gw.conf, "-p", gw.dir + "/", "-g", "daemon off;")
    assert done.returncode != 0
    assert gw.pid() == gw.process.pid
    with wire.connect(gw.port["http"]) as client:
        assert client.request().text == "x"


def test_version_names_the_program_and_the_library():
    done = run("version")
    assert done.returncode == 0
    assert re.search(r"countersign \d+\.\d+\.\d+", done.stdout)
    assert re.search(r"AWS-LC|OpenSSL", done.stdout)


@pytest.mark.parametrize("command", ["run", "check", "reload", "stop", "quit", "version", "demo"])
def test_help_knows_every_command(command):
    general = run("help")
    assert general.returncode == 0
    assert re.search(rf"^\s+{command}\b", general.stdout, re.M)
    special = run("help", command)
    assert special.returncode == 0
    assert f"countersign {command}" in special.stdout


def test_asked_wrongly_is_2_and_goes_to_stderr():
    for arguments in (["chekc"], ["check", "--nonsense"], ["check", "-c"], ["help", "nothing"]):
        done = run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stdout == ""
        assert done.stderr
    assert '"check"' in run("chekc").stderr


def test_without_a_command_it_says_how(start):
    done = run()
    assert done.returncode == 2
    assert "run" in done.stdout + done.stderr


def test_a_configuration_that_is_not_there(start):
    for command in ("check", "run"):
        done = run(command, "-c", "/nonexistent/nginx.conf")
        assert done.returncode == 1
        assert "/nonexistent/nginx.conf" in done.stderr + done.stdout


def test_findings_as_json_are_one_object_each(start):
    gw = start("server { lisen 1; }\nsevrer { }\n", whole=False, start=False)
    gw.write()
    done = run("check", "--json", "-c", gw.conf)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    found = found if isinstance(found, list) else found["findings"]
    assert [(f["line"], f["code"]) for f in found][:2] == [
        (1, found[0]["code"]), (2, found[0]["code"])]
    assert all(f["severity"] == "error" for f in found[:2])


def test_colours_only_on_a_terminal(start):
    gw = start("server { lisen 1; }", whole=False, start=False)
    gw.write()
    done = run("check", "-c", gw.conf)
    assert "\x1b[" not in done.stdout + done.stderr
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            pytest.skip(f"no terminal to be had: {error}")
        process = subprocess.Popen([PROGRAM, "check", "-c", gw.conf], stdin=slave, stdout=slave,
                                   stderr=slave, env={**os.environ, "TERM": "xterm", **env})
        process.wait(10)
        os.close(slave)
        shown = b""
        try:
            while data := os.read(master, 65536):
                shown += data
        except OSError:
            pass
        os.close(master)
        assert (b"\x1b[" in shown) is coloured


def test_a_signal_at_any_moment_of_the_start_ends_it(start):
    """No orphan, no pid file, whenever TERM comes."""
    gw = start("server { listen 127.0.0.1:@http@; return 200; }", start=False, workers=2)
    gw.write()
    for delay in (0, 0.005, 0.01, 0.02, 0.04, 0.08):
        process = subprocess.Popen([PROGRAM, "run", "-c", gw.conf, "-g", "daemon off;"],
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) in (0, -signal.SIGTERM)
        wait_for(lambda: not listens(gw.port["http"]), "the port to be free")
        assert not os.path.exists(gw.path("gateway.pid"))


def in_bash(folder, typed):
    script = run("help", "--completion", "bash").stdout + f"""
        COMP_WORDS=(countersign {typed}) COMPREPLY=()
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _countersign
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True,
                          check=True).stdout


ZSHRC = """
    autoload -Uz compinit && compinit -u -D
    source {folder}/script
    cd {folder}/here
    compadd() {{
        local -a hits
        if [[ " $* " != *" -[OAD] "* && " $* " != *" -O "* ]]; then
            builtin compadd -O hits "$@"
            print -rl -- $hits >>{folder}/offered
        fi
        builtin compadd "$@"
    }}
    offer() {{ _main_complete }}
    zle -C offer list-choices offer
    zle-line-init() {{
        BUFFER='countersign {typed}' CURSOR=$#BUFFER
        zle offer
        : >>{folder}/offered
        kill -KILL $$
    }}
    zle -N zle-line-init
"""


def in_zsh(folder, typed):
    """An interactive zsh on a terminal of its own, whose first line is the one to complete."""
    home = folder.parent
    (home / "script").write_text(run("help", "--completion", "zsh").stdout)
    (home / ".zshrc").write_text(ZSHRC.format(folder=home, typed=typed))
    subprocess.run([sys.executable, "-c", "import pty; pty.spawn(['zsh', '-d', '-i'])"],
                   env={**os.environ, "ZDOTDIR": str(home), "TERM": "dumb"}, timeout=60,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return (home / "offered").read_text()


def in_fish(folder, typed):
    (folder.parent / "script").write_text(run("help", "--completion", "fish").stdout)
    done = subprocess.run(["fish", "--no-config", "-c", "source ../script; complete -C $argv", "--",
                           "countersign " + typed], cwd=folder, text=True, check=True,
                          stdout=subprocess.PIPE, env={**os.environ, "HOME": str(folder.parent)})
    return re.sub(r"\t.*", "", done.stdout)


@pytest.mark.parametrize("shell", [in_bash, in_zsh, in_fish])
@pytest.mark.parametrize("typed, offered", [
    ("explain rec", "records.json"), ("inspect rec", "records.json"), ("check -c rec", "records.json"),
    ("doctor rec", "records.json"), ("doctor --ca rec", "records.json"), ("explain --as s", "server"),
    ("run --prefix fol", "folder"), ("doctor --sni rec", ""), ("run rec", ""), ("expl", "explain"),
    ("ca re", "renew restore revoke"), ("ca list --exp", "--expiring"), ("help expl", "explain"),
    ("ca list --js", "--json"), ("run --js", ""), ("renew --pre", "--prefix"), ("ca renew --pass", "--passphrase-file"),
    ("frobnicate r", ""),
])
def test_the_shell_completes_what_can_stand_there(tmp_path, shell, typed, offered):
    program = shell.__name__.removeprefix("in_")
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "records.json").touch()
    (folder / "folder").mkdir()
    found = {line.rstrip("/") for line in shell(folder, typed).splitlines()} - {""}
    assert sorted(found) == offered.split()


@pytest.fixture(scope="module")
def junk(tmp_path_factory):
    """A folder of files that are no use, and one CA."""
    folder = tmp_path_factory.mktemp("junk")
    (folder / "empty").touch()
    (folder / "text").write_text("nothing of interest\n")
    (folder / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    (folder / "gw.conf").write_text(f"mtls_control {folder}/control; events {{ }}\n")
    assert run("ca", "init", "--dir", folder / "ca").returncode == 0
    return folder


# what fails, and in which words
FAILURES = [
    ("explain NO", "cannot read"), ("explain empty", "no record is in"),
    ("explain text", "no record is in"),
    ("explain --chain NO --trust ca/root.pem", "cannot read"),
    ("explain --chain text --trust ca/root.pem", "no certificate is in"),
    ("explain --chain damaged.pem --trust ca/root.pem", "a PEM block is damaged"),
    ("explain --chain ca/root.pem --trust NO", "cannot read"),
    ("explain --chain ca/root.pem --trust text", "error:"),
    ("explain --chain ca/root.pem --trust ca/root.pem --crl NO", "cannot read"),
    ("explain --chain ca/root.pem --trust ca/root.pem --crl text", "error:"),
    ("inspect NO", "cannot read"),
    ("doctor --ca NO localhost:1", "cannot read"), ("doctor --ca text localhost:1", "error:"),
    ("doctor text", "no capture"), ("doctor --cert NO localhost:1", "cannot read"),
    ("status -c gw.conf", "cannot reach the gateway"),
    ("renew -c gw.conf", "cannot reach the gateway"),
    ("revoke --now -c gw.conf 0123456789abcdef0123456789abcdef", "cannot reach the gateway"),
    ("revoke --now -c gw.conf text", "no certificate in it"),
    ("revoke --now -c gw.conf damaged.pem", "no certificate in it"),
    ("revoke --now -c gw.conf 17", "--issuer"),
    ("ca list --dir NO", "NO"), ("ca show --dir NO", "NO"), ("ca audit --dir NO", "NO"),
    ("ca crl --dir ca --passphrase-file NO", "cannot read"),
    ("ca crl --dir ca --passphrase-file empty", "no pass phrase"),
    ("ca show --dir ca NO", "no serial number, and no file"),
    ("ca show --dir ca text", "no certificate of a CA"),
    ("ca revoke --dir ca --identity nobody", "no certificate that is valid"),
    ("ca sign --dir ca NO", "cannot read"), ("ca sign --dir ca text", "no request in"),
    ("ca renew --dir ca NO", "cannot read"), ("ca list -c gw.conf", "no authority block"),
    ("ca issue --dir ca --out text/sub a.test", "cannot make the folder"),
    ("ca crl --dir ca NO/NO", "cannot write"),
    ("check -c NO", None), ("ca init --dir ca", None), ("ca backup --dir ca text", None),
    ("ca show --dir ca 0123456789abcdef0123456789abcdef", None),
]


@pytest.mark.parametrize("typed, says", FAILURES)
def test_what_fails_is_told_to_programs_too(junk, typed, says):
    words = typed.split()
    plain = run(*words, cwd=junk)
    told = run(*words, "--json", cwd=junk)
    assert told.returncode == plain.returncode and told.returncode in (1, 2)
    answer = json.loads(told.stdout)
    assert answer["ok"] is False
    words = (answer.get("error") or answer.get("conclusion")
             or answer["findings"][0]["primary"])
    assert words in plain.stdout + plain.stderr
    if says:
        assert says in told.stderr and says in plain.stderr


@pytest.mark.parametrize("typed", [
    "explain --chain ca/root.pem", "inspect", "doctor", "status --jsn", "revoke ab", "renew a b",
    "ca list --expiring soon", "ca show a b", "ca issue", "check x", "enrol", "ca lisst",
])
def test_a_mistake_in_the_command_line_is_text_alone(junk, typed):
    done = run(*typed.split(), "--json", cwd=junk)
    assert done.returncode == 2 and not done.stdout
    assert "countersign" in done.stderr and "help" in done.stderr


def test_an_option_in_front_of_a_command(start):
    done = run("-c", "gw.conf")
    assert done.returncode == 2
    assert 'unknown option "-c"; options come behind a command, as in countersign' in done.stderr


@pytest.mark.parametrize("command", ["run", "check", "reload"])
def test_whoever_names_no_configuration_is_told_how(command):
    if os.path.exists("/etc/countersign/countersign.conf"):
        pytest.skip("this machine has a configuration at the usual place")
    done = run(command)
    assert done.returncode == 1
    assert "hint: name a configuration with -c FILE" in done.stdout + done.stderr


def test_explain_does_not_wait_for_a_terminal():
    try:
        master, slave = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had: {error}")
    done = subprocess.run([PROGRAM, "explain"], stdin=slave, capture_output=True, text=True,
                          timeout=20, check=False)
    os.close(slave)
    os.close(master)
    assert done.returncode == 2 and "no file is named" in done.stderr


def test_help_has_exit_status_and_examples():
    for command in re.findall(r"^  (\w+) ", run("help").stdout, re.M):
        done = run(command, "--help")
        assert done.returncode == 0 and not done.stderr
        if command not in ("ca", "version"):
            assert "For example:\n  countersign " + command in done.stdout
        if command != "ca":
            assert re.search("[Ee]xits |exit status is 1", done.stdout), command


@pytest.mark.parametrize("command", ["status", "renew", "stop", "quit", "reopen"])
def test_a_configuration_that_is_mistyped_is_named(tmp_path, command):
    done = run(command, "-c", tmp_path / "mistyped.conf", "-g", f"pid {tmp_path}/pid;")
    assert done.returncode in (1, 2)
    assert f'the configuration "{tmp_path}/mistyped.conf" cannot be read' in done.stderr
