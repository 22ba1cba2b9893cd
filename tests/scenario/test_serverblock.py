"""The server block that people already have runs unchanged: bare, inside a whole nginx.conf,
and through a program called nginx."""

import os
import shutil
import subprocess

import pytest

import wire
from gateway import BINARY, IS_NGINX, PROGRAM, WHOLE, listens
from waiting import wait_for

BARE = """\
server {
    listen @tls@ ssl;
    server_name a.test;
    ssl_certificate        @pki@/server.pem;
    ssl_certificate_key    @pki@/server.key;
    ssl_client_certificate @pki@/ca.pem;
    ssl_verify_client on;
    location / {
        proxy_pass http://@backend@;
    }
}
"""


def assert_mutual(port, pki, backend):
    """Both sides prove themselves, and only then does a request pass."""
    assert wire.get(port, pki.alice, ca=pki.ca).status == 200
    refused = wire.get(port, None)
    assert refused.status == 400
    assert "No required SSL certificate was sent" in refused.text
    assert len(backend.requests) == 1


def test_inside_a_whole_nginx_conf(start, pki, backend):
    gw = start(BARE, backend=backend)
    assert_mutual(gw.port["tls"], pki, backend)


@pytest.mark.countersign
def test_bare_without_events_and_http(start, pki, backend):
    gw = start("pid @dir@/gateway.pid; error_log @dir@/error.log info;\n" + BARE, whole=False,
               backend=backend)
    assert_mutual(gw.port["tls"], pki, backend)


@pytest.mark.countersign
def test_bare_exactly_as_people_have_it(start, pki, backend):
    """Not one line added: pid and error_log are given by flags."""
    gw = start(BARE, whole=False, backend=backend,
               arguments=["run", "-c", "@dir@/gateway.conf", "-p", "@dir@/",
                          "-e", "@dir@/error.log",
                          "-g", "daemon off; pid @dir@/gateway.pid;"])
    assert_mutual(gw.port["tls"], pki, backend)


def test_curl_with_the_right_certificate_sees_the_backend(start, pki, backend):
    gw = start(BARE, backend=backend)
    answer = wire.curl(f"https://a.test:{gw.port['tls']}/who", cert=pki.alice, ca=pki.ca)
    assert (answer.code, answer.status) == (0, 200)
    assert answer.json()["target"] == "/who"


def linked(folder):
    """The program under test as a file called nginx."""
    link = os.path.join(folder, "bin", "nginx")
    os.makedirs(os.path.dirname(link))
    os.symlink(PROGRAM, link)
    return link


def nginx_conf_with_relative_paths(pki, folder, backend_address):
    """What a package ships: conf, logs and certificates beside each other, relative paths."""
    for sub in ("logs", "certs"):
        os.makedirs(os.path.join(folder, sub))
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copy(os.path.join(pki.dir, name), os.path.join(folder, "certs"))
    text = WHOLE.replace("@body@", BARE).replace("@pki@", "certs")
    text = text.replace("error_log @dir@/error.log", "error_log logs/error.log")
    text = text.replace("access_log @dir@/access.log", "access_log logs/access.log")
    text = text.replace("@dir@/gateway.pid", "logs/gateway.pid")
    return text.replace("@backend@", backend_address)


def test_through_a_link_named_nginx_with_relative_paths(start, pki, backend):
    gw = start("", whole=False, start=False, arguments=[
        "-p", "@dir@/", "-c", "nginx.conf", "-g", "daemon off;"])
    gw.program = linked(gw.dir)
    gw.conf = gw.path("nginx.conf")
    gw.pid_file = "logs/gateway.pid"
    gw.body = nginx_conf_with_relative_paths(pki, gw.dir, str(backend))
    gw.start()
    assert_mutual(gw.port["tls"], pki, backend)
    wait_for(lambda: gw.read("logs/access.log").count("\n") == 2, "two access log lines")
    assert "no required SSL certificate" in gw.read("logs/error.log")


def test_as_a_daemon_through_a_link_named_nginx(start, pki, backend):
    """`nginx -p DIR/ -c nginx.conf` returns once it serves; `-s quit` ends it."""
    gw = start("", whole=False, start=False)
    gw.body = nginx_conf_with_relative_paths(pki, gw.dir, str(backend))
    gw.conf = gw.path("nginx.conf")
    program = linked(gw.dir)
    gw.write()
    flags = [program, "-p", gw.dir + "/", "-c", "nginx.conf"]
    try:
        # through a pipe, as a script reads it: the daemon must not keep the other end
        done = subprocess.run(flags, timeout=10, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False, text=True)
        assert done.returncode == 0, done.stderr
        assert listens(gw.port["tls"])
        pid = int(gw.read("logs/gateway.pid"))
        assert_mutual(gw.port["tls"], pki, backend)
        assert os.getsid(pid) != os.getsid(0), "a daemon has its own session"
    finally:
        pid = int(gw.read("logs/gateway.pid") or 0)
        subprocess.run([*flags, "-s", "quit"], timeout=10, check=bool(pid))
        wait_for(lambda: not pid or not os.path.exists(f"/proc/{pid}"), "the daemon to go")
    assert not os.path.exists(gw.path("logs/gateway.pid"))


@pytest.mark.skipif(IS_NGINX, reason="only countersign does this")
def test_run_finds_relative_names_beside_the_prefix(start, pki, backend):
    gw = start("", whole=False, start=False,
               arguments=["run", "-p", "@dir@/", "-c", "nginx.conf", "-g", "daemon off;"])
    assert gw.program == BINARY
    gw.conf = gw.path("nginx.conf")
    gw.pid_file = "logs/gateway.pid"
    gw.body = nginx_conf_with_relative_paths(pki, gw.dir, str(backend))
    gw.start()
    assert_mutual(gw.port["tls"], pki, backend)


def test_answers_over_ipv6_and_over_a_unix_socket(start, pki, backend):
    gw = start("""server {
        listen [::1]:@six@ ssl;
        listen unix:@dir@/gateway.sock;
        server_name a.test;
        ssl_certificate @pki@/server.pem;
        ssl_certificate_key @pki@/server.key;
        location / { return 200 "$server_addr|$server_port|$https\\n"; }
    }""")
    with wire.tls(gw.port["six"], host="::1") as client:
        six = client.request()
    assert six.text == f"::1|{gw.port['six']}|on\n"
    done = subprocess.run(["curl", "-sS", "-q", "--unix-socket", gw.path("gateway.sock"),
                           "http://a.test/"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("unix:")


def test_two_names_on_one_port_choose_their_server_block(start, pki):
    blocks = [("a.test", "a"), ("b.test .dot.test", "b"), ("*.wild.test", "wild"),
              (r'"~^re(?<digits>\d+)\.test$"', "re $digits"), ("tail.*", "tail")]
    gw = start("".join("""server {
        listen 127.0.0.1:@tls@ ssl;
        server_name %s;
        ssl_certificate @pki@/server.pem;
        ssl_certificate_key @pki@/server.key;
        return 200 "%s";
    }""" % block for block in blocks))
    port = gw.port["tls"]
    for name, answer in [
            ("a.test", "a"), ("b.test", "b"), ("dot.test", "b"), ("x.dot.test", "b"),
            ("x.wild.test", "wild"), ("y.x.wild.test", "wild"), ("wild.test", "a"),
            ("re42.test", "re 42"), ("tail.org", "tail"), ("nobody.test", "a")]:
        assert wire.get(port, host=name).text == answer, name
