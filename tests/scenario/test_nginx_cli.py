"""Called nginx, it is what service files, monitoring and scripts expect of nginx."""

import os
import re
import signal

import pytest

import wire
from gateway import IS_NGINX, PROGRAM, run, server
from waiting import wait_for

HTTP = 'server { listen 127.0.0.1:@http@; return 200 "%s"; }'


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """nginx(arguments…): run the program through a link of that name."""
    link = tmp_path_factory.mktemp("bin") / "nginx"
    os.symlink(PROGRAM, link)

    def call(*arguments, **how):
        # Debian's nginx logs to stderr by default, which would hide its "nginx: [emerg]" lines
        early = [] if not arguments or "-e" in arguments or len(arguments) < 2 else [
            "-e", str(link.parent / "error.log")]
        return run(*arguments, *early, program=str(link), **how)

    return call


def written(start, body, **words):
    gw = start(body, start=False, **words)
    gw.write()
    return gw


def test_v_is_one_line_on_stderr(nginx):
    done = nginx("-v")
    assert done.returncode == 0
    assert done.stdout == ""
    assert re.fullmatch(r"nginx version: nginx/\d+\.\d+\.\d+( \(countersign \d+\.\d+\.\d+\))?\n",
                        done.stderr)


@pytest.mark.countersign
def test_v_names_both(nginx):
    assert re.match(r"nginx version: nginx/1\.29\.0 \(countersign \d+\.\d+\.\d+\)",
                    nginx("-v").stderr)


def test_capital_v_tells_what_is_built_in(nginx):
    done = nginx("-V")
    assert done.returncode == 0
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("nginx version: nginx/")
    assert any(re.match(r"built with .*(SSL|AWS-LC)", line) for line in lines)
    assert "TLS SNI support enabled" in lines
    configure = next(line for line in lines if line.startswith("configure arguments:"))
    assert "--with-http_ssl_module" in configure


@pytest.mark.countersign
def test_capital_v_is_honest_about_what_is_missing(nginx):
    configure = nginx("-V").stderr
    for missing in ("http_fastcgi_module", "http_autoindex_module"):
        assert f"--without-{missing}" in configure
        assert f"--with-{missing}" not in configure.replace("--without-", "")


def test_t_says_what_scripts_look_for(start, nginx):
    gw = written(start, HTTP)
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.endswith(
        f"nginx: the configuration file {gw.conf} syntax is ok\n"
        f"nginx: configuration file {gw.conf} test is successful\n")


def test_t_q_says_nothing_when_all_is_well(start, nginx):
    gw = written(start, HTTP)
    done = nginx("-t", "-q", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert nginx("-tq", "-p", gw.dir + "/", "-c", gw.conf).returncode == 0


def test_t_of_a_bad_file_is_1_with_emerg_and_the_place(start, nginx):
    gw = written(start, "\nserver {\n    lisen 80;\n}\n")
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 1
    assert done.stdout == ""
    line = 1 + next(n for n, t in enumerate(open(gw.conf, encoding="ascii")) if "lisen" in t)
    assert f'nginx: [emerg] unknown directive "lisen" in {gw.conf}:{line}\n' in done.stderr
    assert done.stderr.endswith(f"nginx: configuration file {gw.conf} test failed\n")
    quiet = nginx("-tq", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert quiet.returncode == 1
    assert "unknown directive" in quiet.stderr


@pytest.mark.parametrize("text, words", [
    ("server { listen 1 }", 'unexpected "}"'),
    ("server { listen 1;", 'unexpected end of file, expecting "}"'),
    ("location / { }", '"location" directive is not allowed here'),
    ("server { server_tokens; }", 'invalid number of arguments in "server_tokens" directive'),
    ("server { ssl_verify_client maybe; }", 'invalid value "maybe"'),
    ("server { keepalive_timeout x; }", "invalid value"),
    ('server { return 200 "$nope"; }', 'unknown "nope" variable'),
    ("server { listen 127.0.0.1:99999; }", "invalid port"),
])
def test_the_classic_mistakes_have_their_classic_words(start, nginx, text, words):
    gw = start("events { }\nhttp {\n" + text + "\n}\n", whole=False, start=False)
    gw.write()
    if text.count("{") > text.count("}"):
        with open(gw.conf, "w", encoding="ascii") as out:
            out.write("events { }\nhttp {\n" + text + "\n")
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 1
    assert "nginx: [emerg] " in done.stderr
    assert words in done.stderr, done.stderr


def test_t_of_a_missing_file(nginx, tmp_path):
    done = nginx("-t", "-c", str(tmp_path / "nosuch.conf"))
    assert done.returncode == 1
    assert re.search(r'nginx: \[emerg\] open\(\) ".*nosuch\.conf" failed '
                     r"\(2: No such file or directory\)", done.stderr)


def test_capital_t_prints_every_file_after_its_name(start, nginx):
    gw = start("include conf.d/*.conf;\n" + HTTP, start=False)
    os.mkdir(gw.path("conf.d"))
    for name in ("b", "a"):
        with open(gw.path(f"conf.d/{name}.conf"), "w", encoding="ascii") as out:
            out.write(f"# this is {name}\nmap $host ${name} {{ default 1; }}\n")
    gw.write()
    done = nginx("-T", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 0
    assert "test is successful" in done.stderr
    names = re.findall(r"^# configuration file (.*):$", done.stdout, re.M)
    assert names == [gw.conf, gw.path("conf.d/a.conf"), gw.path("conf.d/b.conf")]
    with open(gw.conf, encoding="ascii") as file:
        assert file.read() in done.stdout
    assert "# this is a\n" in done.stdout


def test_t_reads_the_certificates_too(start, nginx):
    gw = written(start, server("return 200;").replace("@pki@/ca.pem", "@dir@/nosuch.pem"))
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 1
    assert "nosuch.pem" in done.stderr


@pytest.mark.parametrize("arguments, words", [
    (["-x"], 'nginx: invalid option: "x"'),
    (["nonsense"], 'nginx: invalid option: "nonsense"'),
    (["-c"], 'nginx: option "-c" requires file name'),
    (["-s"], 'nginx: option "-s" requires parameter'),
    (["-s", "dance"], 'nginx: invalid option: "-s dance"'),
])
def test_a_wrong_option_is_1(nginx, arguments, words):
    done = nginx(*arguments)
    assert done.returncode == 1
    assert words in done.stderr


def test_h_lists_the_options(nginx):
    for flag in ("-h", "-?"):
        done = nginx(flag)
        assert done.returncode == 0
        for option in ("-v", "-V", "-t", "-T", "-q", "-s signal", "-p prefix", "-e filename",
                       "-c filename", "-g directives"):
            assert re.search(rf"^  {re.escape(option)}\b", done.stderr, re.M), option


def test_e_and_g_from_the_command_line(start, nginx):
    """-e takes what is said before the configuration is read; relative to the prefix."""
    gw = written(start, "server { lisen 1; }")
    done = nginx("-t", "-p", gw.dir + "/", "-e", "early.log", "-c", "gateway.conf")
    assert done.returncode == 1
    assert "lisen" in gw.read("early.log")
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf", "-g", "deamon off;")
    assert done.returncode == 1
    assert 'unknown directive "deamon" in command line' in done.stderr


@pytest.mark.parametrize("word, number", [("stop", signal.SIGTERM), ("quit", signal.SIGQUIT)])
def test_s_stop_and_quit(start, nginx, word, number):
    gw = start(HTTP)
    done = nginx("-s", word, "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 0, done.stderr
    assert gw.wait() == 0


def test_s_reload_and_reopen(start, nginx):
    gw = start(HTTP % "one")
    gw.write(HTTP % "two")
    before = set(gw.workers())
    assert nginx("-s", "reload", "-p", gw.dir + "/", "-c", "gateway.conf").returncode == 0
    wait_for(lambda: set(gw.workers()) - before, "new workers")

    def ask():
        with wire.connect(gw.port["http"]) as client:
            return client.request("GET", "/", [("Connection", "close")]).text

    wait_for(lambda: ask() == "two", "the new configuration")
    os.rename(gw.path("access.log"), gw.path("access.log.1"))
    assert nginx("-s", "reopen", "-p", gw.dir + "/", "-c", "gateway.conf").returncode == 0
    wait_for(lambda: os.path.exists(gw.path("access.log")), "the new log")


@pytest.mark.parametrize("word", ["stop", "quit", "reload", "reopen"])
def test_s_to_what_does_not_run_is_1(start, nginx, word):
    gw = written(start, HTTP)
    done = nginx("-s", word, "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 1
    assert re.search(r'nginx: \[(error|emerg)\] (open\(\) ".*gateway\.pid" failed '
                     r"\(2: No such file|invalid PID)", done.stderr)


def test_a_start_that_fails_says_emerg_on_stderr(start, nginx, backend):
    gw = written(start, "server { listen 127.0.0.1:%d; return 200; }" % backend.port)
    done = nginx("-p", gw.dir + "/", "-c", "gateway.conf", "-g", "daemon off;")
    assert done.returncode == 1
    assert re.search(rf"nginx: \[emerg\] bind\(\) to 127\.0\.0\.1:{backend.port} failed "
                     r"\(98: .*in use\)", done.stderr)


def test_relative_paths_start_at_the_prefix(start, nginx):
    gw = start("", whole=False, start=False)
    gw.body = """
        pid run.pid;
        error_log e.log;
        events { }
        http { access_log a.log; include conf.d/*.conf; }"""
    os.mkdir(gw.path("conf.d"))
    with open(gw.path("conf.d/x.conf"), "w", encoding="ascii") as out:
        out.write("lisen;")
    gw.write()
    done = nginx("-t", "-p", gw.dir, "-c", "gateway.conf", cwd="/")
    assert done.returncode == 1
    assert f'in {gw.path("conf.d/x.conf")}:1' in done.stderr


@pytest.mark.skipif(IS_NGINX, reason="only countersign does this")
def test_all_findings_are_reported_not_only_the_first(start, nginx):
    gw = written(start, "server {\n    lisen 80;\n    sevrer_name x;\n}\n")
    done = nginx("-t", "-p", gw.dir + "/", "-c", "gateway.conf")
    assert done.returncode == 1
    assert '"lisen"' in done.stderr and '"sevrer_name"' in done.stderr
