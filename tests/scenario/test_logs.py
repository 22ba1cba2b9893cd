"""What happened is written down: in nginx's form, valid, whole, and without holding anybody up."""

import json
import os
import re
import signal
import threading

import pytest

import wire
from gateway import StartFailure, server
from waiting import wait_for

ERROR_LINE = re.compile(
    r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(debug|info|notice|warn|error|crit|alert|emerg)\] "
    r"\d+#\d+: (\*\d+ )?\S.*$")

HTTP = """
    %s
    server {
        listen 127.0.0.1:@http@;
        %s
        location / { return 200 "fine"; }
    }"""


def lines(gw, count, name="access.log"):
    """The lines of a log, once there are that many."""
    return wait_for(lambda: len(found := gw.read(name).splitlines()) >= count and found,
                    f"{count} lines in {name}")


def test_the_default_format_is_combined(start):
    gw = start(HTTP % ("", ""))
    with wire.connect(gw.port["http"]) as client:
        client.request("GET", "/p?q", [("User-Agent", "story/1"), ("Referer", "http://r.test/")])
        client.request("HEAD", "/")
    get, head = lines(gw, 2)
    assert re.fullmatch(
        r'127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] '
        r'"GET /p\?q HTTP/1\.1" 200 4 "http://r\.test/" "story/1"', get), get
    assert head.endswith('"HEAD / HTTP/1.1" 200 0 "-" "-"')


NASTY = ['plain', 'quote"s', 'back\\slash', "tab\tinside", "high \xe4\xff bytes", "{}[]:,", "%22",
         "</script>"]


def test_escape_json_is_valid_json_whatever_the_client_sends(start):
    gw = start(HTTP % ("""
        log_format story escape=json '{"agent":"$http_user_agent","uri":"$request_uri",'
                                     '"status":$status,"none":"$http_x_none"}';
        access_log @dir@/json.log story;""", ""))
    with wire.connect(gw.port["http"]) as client:
        for value in NASTY:
            assert client.request("GET", "/", [("User-Agent", value)]).status == 200
        client.request("GET", '/"\\\xe4')
    wait_for(lambda: gw.read("json.log").count("\n") == len(NASTY) + 1, "every line")
    with open(gw.path("json.log"), encoding="latin-1") as file:
        parsed = [json.loads(line) for line in file]
    assert [p["agent"] for p in parsed[:-1]] == NASTY
    assert all(p["status"] == 200 and p["none"] == "" for p in parsed)
    assert parsed[-1]["uri"] == '/"\\\xe4'


def test_escape_default_and_none(start):
    gw = start(HTTP % ("""
        log_format d '$http_user_agent|$http_x_none';
        log_format n escape=none '$http_user_agent|$http_x_none';
        access_log @dir@/d.log d;
        access_log @dir@/n.log n;""", ""))
    with wire.connect(gw.port["http"]) as client:
        client.request("GET", "/", [("User-Agent", 'a"b\\c\td')])
    assert lines(gw, 1, "d.log") == [r"a\x22b\x5Cc\x09d|-"]
    assert lines(gw, 1, "n.log") == ['a"b\\c\td|']


def test_a_client_cannot_forge_a_line(start):
    gw = start(HTTP % ("", ""))
    with wire.connect(gw.port["http"]) as client:
        client.send(b"GET /%0a127.0.0.1%20-%20forged HTTP/1.1\r\nHost: a.test\r\n"
                    b"User-Agent: x\x1b[2J\r\n\r\n")
        client.response()
    text = wait_for(gw.access, "a line")
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_what_the_upstream_did_can_be_logged(start, backend):
    gw = start("""
        log_format up '$status|$body_bytes_sent|$bytes_sent|$request_length|$request_time|'
                      '$upstream_addr|$upstream_status|$upstream_response_time|'
                      '$upstream_response_length|$connection_requests';
        access_log @dir@/up.log up;
        server {
            listen 127.0.0.1:@http@;
            location /two { proxy_pass http://pair; }
            location / { proxy_pass http://@backend@; }
        }
        upstream pair { server 127.0.0.1:@nobody@ weight=9 max_fails=0; server @backend@; }""",
               backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.request("GET", "/bytes/1000")
        client.request("GET", "/two")
    one, two = lines(gw, 2, "up.log")
    fields = one.split("|")
    assert fields[:2] == ["200", "1000"]
    assert int(fields[2]) > 1000 and int(fields[3]) > 20
    assert re.fullmatch(r"\d+\.\d{3}", fields[4])
    assert fields[5:7] == [str(backend), "200"]
    assert re.fullmatch(r"\d+\.\d{3}", fields[7])
    assert fields[8:] == ["1000", "1"]
    down = f"127.0.0.1:{gw.port['nobody']}"
    assert two.split("|")[5:7] == [f"{down}, {backend}", "502, 200"]


def test_access_log_off_conditions_and_inheritance(start):
    gw = start("""
        map $request_uri $loud { default 0; ~loud 1; }
        log_format uri '$request_uri';
        access_log @dir@/all.log uri;
        server {
            listen 127.0.0.1:@http@;
            location /quiet { access_log off; return 200; }
            location /own   { access_log @dir@/own.log uri; return 200; }
            location /if    { access_log @dir@/if.log uri if=$loud; return 200; }
            location /      { return 200; }
        }""")
    with wire.connect(gw.port["http"]) as client:
        for target in ("/quiet", "/own", "/if", "/if?loud", "/end"):
            client.request("GET", target)
    assert lines(gw, 1, "all.log") == ["/end"]
    assert lines(gw, 1, "own.log") == ["/own"]
    assert lines(gw, 1, "if.log") == ["/if?loud"]


def test_a_request_that_was_never_understood_is_logged_too(start):
    gw = start(HTTP % ("", ""))
    with wire.connect(gw.port["http"]) as client:
        client.send("nonsense\r\n\r\n")
        client.rest()
    assert '"nonsense" 400 ' in lines(gw, 1)[0]


def test_every_error_line_has_nginx_form(start, pki, backend):
    gw = start(server("location / { proxy_pass http://127.0.0.1:@nobody@; }"))
    wire.get(gw.port["tls"], pki.alice, "/x")
    wire.get(gw.port["tls"], None)
    wire.get(gw.port["tls"], pki.expired)
    with wire.connect(gw.port["tls"]) as client:
        client.request()
    gw.wait_log("plain HTTP request")
    text = gw.log()
    bad = [line for line in text.splitlines() if not ERROR_LINE.match(line)]
    assert not bad, bad
    line = re.search(r".*\[error\].*refused.*", text).group()
    for part in ("client: 127.0.0.1", "server: a.test", 'request: "GET /x HTTP/1.1"',
                 'host: "a.test"', f'upstream: "http://127.0.0.1:{gw.port["nobody"]}/x"'):
        assert part in line, line


@pytest.mark.parametrize("level, told", [("info", True), ("notice", False), ("error", False)])
def test_the_level_decides_what_is_told(start, pki, level, told):
    gw = start(server() + server(name="b.test"), level=level, backend="127.0.0.1:@nobody@")
    wire.get(gw.port["tls"], pki.expired)
    wire.get(gw.port["tls"], pki.alice)
    gw.wait_log(r"\[error\].*refused")
    assert ("[info]" in gw.log()) is told


def test_error_log_of_a_server_block_and_stderr(start, pki):
    gw = start(server("error_log @dir@/own.log info; return 200;")
               + server("error_log stderr info; return 200;", name="b.test"))
    wire.get(gw.port["tls"], pki.expired)
    wire.get(gw.port["tls"], pki.expired, host="b.test")
    gw.wait_log("expired", name="own.log")
    gw.wait_log("expired", name="output")
    assert "expired" not in gw.log()


def test_the_debug_level_is_accepted(start, pki):
    gw = start(server("return 200;"), level="debug")
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert gw.log()


def test_reopening_under_load_loses_no_line(start):
    """Rotate as logrotate does, three times, while eight clients keep asking."""
    gw = start(HTTP % ("log_format uri '$request_uri'; access_log @dir@/rotated.log uri;", ""),
               workers=2)
    asked, stop, failed = [], threading.Event(), []

    def load(number):
        try:
            with wire.connect(gw.port["http"]) as client:
                count = 0
                while not stop.is_set() and count < 900:
                    target = f"/{number}-{count}"
                    client.request("GET", target)
                    asked.append(target)
                    count += 1
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    threads = [threading.Thread(target=load, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for generation in range(3):
        wait_for(lambda g=generation: len(asked) > 200 * (g + 1), "some load")
        os.rename(gw.path("rotated.log"), gw.path(f"rotated.log.{generation}"))
        gw.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(gw.path("rotated.log")), "the new file")
    wait_for(lambda: gw.read("rotated.log"), "lines in the last file")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed

    def written():
        return sorted("".join(gw.read(f"rotated.log{s}") for s in (".0", ".1", ".2", ""))
                      .splitlines())

    wait_for(lambda: len(written()) >= len(asked), "every line")
    assert written() == sorted(asked), "whole lines, each once"


def test_the_error_log_is_reopened_as_well(start, pki):
    gw = start(server("return 200;"))
    wire.get(gw.port["tls"], pki.expired)
    gw.wait_log("expired")
    os.rename(gw.path("error.log"), gw.path("error.log.0"))
    gw.send_signal(signal.SIGUSR1)
    wait_for(lambda: os.path.exists(gw.path("error.log")), "the new file")

    def refused_again():
        wire.get(gw.port["tls"], pki.future)
        return "not yet valid" in gw.log()

    wait_for(refused_again, "the line in the new file")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_under_the_logs_stops_no_request(start, pki):
    gw = start(server("access_log /dev/full; error_log /dev/full info; return 200;"))
    for _ in range(20):
        assert wire.get(gw.port["tls"], pki.alice).status == 200
        assert wire.get(gw.port["tls"], pki.expired).status == 400


def test_a_log_that_cannot_be_opened_fails_the_start(start):
    gw = start("access_log @dir@/nowhere/access.log;" + HTTP % ("", ""), start=False)
    with pytest.raises(StartFailure, match="nowhere"):
        gw.start()


def test_keys_are_never_logged(start, pki):
    gw = start(server("return 200;"), level="debug")
    wire.get(gw.port["tls"], pki.alice)
    with open(pki.server.keyfile, encoding="ascii") as file:
        secret = file.read().splitlines()[1]
    assert secret not in gw.log() + gw.said() + gw.access()


def test_unusual_variables_in_a_log_format(start, pki):
    gw = start("""
        log_format tls '$remote_addr $ssl_protocol $ssl_client_verify "$ssl_client_s_dn" '
                       '$ssl_client_serial [$time_iso8601] $msec $pipe $scheme $server_name';
        access_log @dir@/tls.log tls;""" + server("return 200;"))
    wire.get(gw.port["tls"], pki.alice)
    wire.get(gw.port["tls"], None)
    good, none = lines(gw, 2, "tls.log")
    assert f'SUCCESS "CN=alice,O=Example Ltd" {pki.alice.serial:X}'.replace(" 0", " ") in \
        good.replace(" 0", " ")
    assert 'NONE "-" - ' in none


@pytest.mark.parametrize("line", ["error_log stderr info;", "error_log stderr   debug ;"])
def test_a_worker_can_log_to_standard_error(start, line):
    gw = start("pid gateway.pid;\n" + line + """
        events {}
        http { server { listen 127.0.0.1:@http@; location / { proxy_pass http://127.0.0.1:1; } } }
        """, whole=False)
    with wire.connect(gw.port["http"]) as client:
        assert client.request("GET", "/").status == 502
    gw.wait_log(r"connect\(\) failed .* while connecting to upstream", name="output")
    assert not [name for name in os.listdir(gw.dir) if name.startswith("stderr")]
