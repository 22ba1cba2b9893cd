"""What the gateway answers by itself: return, if, error pages, headers, default types."""

import email.utils
import os
import re
import time

import pytest

import wire
from gateway import StartFailure


def one(start, body, **words):
    """A plain server with that body; returns ask(target, …) → Response."""
    gw = start("server { listen 127.0.0.1:@http@; server_name a.test;\n%s\n}" % body, **words)

    def ask(target="/", method="GET", headers=(), host="a.test", body=None):
        with wire.connect(gw.port["http"]) as client:
            return client.request(method, target, headers, body, host)

    ask.gateway = gw
    return ask


def test_every_answer_has_a_date_and_a_server(start):
    ask = one(start, "return 200 x;")
    answer = ask()
    date = email.utils.parsedate_to_datetime(answer.header("Date")).timestamp()
    assert abs(date - time.time()) < 3
    assert answer.header("Server")
    assert answer.header("Content-Length") == "1"


def test_server_tokens_off_hides_the_version(start):
    told = one(start, "return 404;")()
    hidden = one(start, "server_tokens off; return 404;")()
    assert re.search(r"/\d", told.header("Server"))
    assert not re.search(r"\d", hidden.header("Server"))
    assert not re.search(r"/\d+\.\d+", hidden.text)


def test_default_type_and_types(start):
    assert one(start, "default_type application/json; return 200 '{}';")().header(
        "Content-Type") == "application/json"
    assert one(start, "return 200 x;")().header("Content-Type") == "text/plain"


@pytest.mark.parametrize("code, words", [
    (400, "400 Bad Request"), (403, "403 Forbidden"), (404, "404 Not Found"),
    (405, "405 Not Allowed"), (413, "413 Request Entity Too Large"),
    (429, "429 Too Many Requests"), (500, "500 Internal Server Error"),
    (502, "502 Bad Gateway"), (503, "503 Service Temporarily Unavailable"),
    (504, "504 Gateway Time-out")])
def test_a_bare_code_has_a_page(start, code, words):
    answer = one(start, f"return {code};")()
    assert answer.status == code
    assert f"<title>{words}</title>" in answer.text
    assert answer.header("Content-Type") == "text/html"


@pytest.mark.parametrize("text, status, location", [
    ("return 301 /new;", 301, "/new"), ("return 302 https://b.test/x;", 302, "https://b.test/x"),
    ("return 303 /n;", 303, "/n"), ("return 307 /n;", 307, "/n"), ("return 308 /n;", 308, "/n"),
    ("return https://b.test/;", 302, "https://b.test/")])
def test_redirects(start, text, status, location):
    ask = one(start, text)
    answer = ask()
    assert answer.status == status
    told = answer.header("Location")
    if location.startswith("/"):
        told = told.replace(f"http://a.test:{ask.gateway.port['http']}", "")
    assert told == location


def test_return_204_has_no_body(start):
    answer = one(start, "return 204;")()
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("Content-Length") in (None, "0")


@pytest.mark.countersign
def test_a_variable_cannot_split_the_answer(start):
    """A line break in what a client sent does not become one in a header."""
    ask = one(start, 'location ~ (?s)^/go/(?<where>.*)$ { add_header X-Where $where; '
                     'return 302 /to/$where; }')
    answer = ask("/go/x%0d%0aX-Injected:%20yes")
    assert answer.header("X-Injected") is None
    assert answer.status in (302, 400, 500)


CONDITIONS = [
    ('$arg_a', "/?a=1", True), ('$arg_a', "/?a=0", False), ('$arg_a', "/", False),
    ('$arg_a = x', "/?a=x", True), ('$arg_a = x', "/?a=y", False),
    ('$arg_a != x', "/?a=y", True), ('$arg_a != x', "/?a=x", False),
    ('$arg_a ~ ^x', "/?a=xy", True), ('$arg_a ~ ^x', "/?a=Xy", False),
    ('$arg_a ~* ^x', "/?a=Xy", True), ('$arg_a !~ ^x', "/?a=xy", False),
    ('$arg_a !~ ^x', "/?a=y", True), ('$arg_a !~* ^X', "/?a=xy", False),
    ('$request_method = POST', "/", False), ('$arg_a ~ "a b|c{2}"', "/?a=cc", True),
]


@pytest.mark.parametrize("condition, target, holds", CONDITIONS)
def test_conditions(start, condition, target, holds):
    ask = one(start, "location / { if (%s) { return 200 yes; } return 200 no; }" % condition)
    assert ask(target).text == ("yes" if holds else "no")


@pytest.mark.countersign
@pytest.mark.parametrize("test", ["-f", "!-f", "-d", "-e", "-x"])
def test_conditions_about_files_are_refused_with_the_reason(start, test):
    with pytest.raises(StartFailure, match="(?s)file tests.*files are not served"):
        one(start, "location / { if (%s /etc/passwd) { return 200; } }" % test)


def test_if_in_the_server_runs_before_the_location(start):
    ask = one(start, """
        set $stop 0;
        if ($arg_stop) { set $stop 1; }
        if ($stop = 1) { return 403 stopped; }
        location / { return 200 in; }""")
    assert ask("/?stop=1").text == "stopped"
    assert ask("/").text == "in"


def test_error_pages_change_the_code_only_when_told(start):
    ask = one(start, """
        error_page 404 /plain;
        error_page 403 =200 /ok;
        error_page 500 = /own;
        error_page 503 https://status.b.test/;
        location = /plain { internal; return 200 plain; }
        location = /ok    { internal; return 299 ok; }
        location = /own   { internal; return 418 own; }
        location /404 { return 404; }
        location /403 { return 403; }
        location /500 { return 500; }
        location /503 { return 503; }""")
    assert (ask("/403").status, ask("/403").text) == (200, "ok")
    assert (ask("/500").status, ask("/500").text) == (418, "own")
    assert (ask("/503").status, ask("/503").header("Location")) == (
        302, "https://status.b.test/")
    assert ask("/404").text == "plain"


def test_internal_locations_are_404_from_outside(start):
    ask = one(start, "location /secret { internal; return 200 in; }")
    assert ask("/secret").status == 404


def test_an_error_page_that_fails_itself_does_not_loop(start):
    ask = one(start, "error_page 404 /e; location = /e { return 404; } location / { return 404; }")
    assert ask("/").status in (404, 500)


def test_add_header_is_inherited_only_whole(start):
    ask = one(start, """
        add_header X-Level server;
        location /own { add_header X-Own yes; return 200; }
        location / { return 200; }""")
    assert ask("/").header("X-Level") == "server"
    assert ask("/own").header("X-Level") is None
    assert ask("/own").header("X-Own") == "yes"


def test_an_empty_added_header_is_absent(start):
    ask = one(start, 'add_header X-Maybe $arg_x; return 200;')
    assert ask("/").header("X-Maybe") is None
    assert ask("/?x=1").header("X-Maybe") == "1"


def test_add_header_on_errors_only_with_always(start):
    ask = one(start, "add_header X-A a; add_header X-B b always; return 404;")
    assert (ask().header("X-A"), ask().header("X-B")) == (None, "b")


def test_the_default_server_is_the_first_or_the_one_that_says_so(start):
    gw = start("".join("server { listen 127.0.0.1:@http@%s; server_name %s; return 200 %s; }"
                       % row for row in [("", "one.test", "one"),
                                         (" default_server", "two.test", "two"),
                                         ("", '""', "empty"), ("", "*.three.test", "three")]))

    def ask(host, version="1.1"):
        with wire.connect(gw.port["http"]) as client:
            line = f"GET / HTTP/{version}\r\n"
            client.send(line + (f"Host: {host}\r\n" if host is not None else "") + "\r\n")
            return client.response().text

    assert ask("one.test") == "one"
    assert ask("unknown.test") == "two"
    assert ask("x.three.test") == "three"
    assert ask(None, "1.0") == "empty"


def test_listen_takes_its_options(start):
    gw = start("""server { listen 127.0.0.1:@http@ default_server reuseport backlog=64;
                           return 200 x; }""", workers=2)
    for _ in range(20):
        with wire.connect(gw.port["http"]) as client:
            assert client.request().text == "x"


def test_options_and_unknown_methods(start):
    ask = one(start, "location / { return 200 $request_method; }")
    for method in ("OPTIONS", "DELETE", "BREW"):
        assert ask(method=method).text == method


def test_a_body_that_nobody_reads_does_not_break_the_connection(start):
    gw = one(start, "location / { return 200 x; }").gateway
    with wire.connect(gw.port["http"]) as client:
        assert client.request("POST", "/", body=b"y" * 5000).text == "x"
        assert client.request("GET", "/").text == "x"


def test_location_errors_are_inherited_by_nesting(start):
    ask = one(start, """
        location /a/ {
            location /a/b/ { return 200 deep; }
            location ~ \\.x$ { return 200 regex; }
            return 200 outer;
        }""")
    assert ask("/a/b/c").text == "deep"
    assert ask("/a/q.x").text == "regex"
    assert ask("/a/q").text == "outer"


def test_an_uri_without_a_location_is_404(start):
    ask = one(start, "location /only { return 200; }")
    assert ask("/else").status == 404


@pytest.mark.parametrize("size, status", [(900, 200), (3000, 200), (20000, 400)])
def test_header_buffers(start, size, status):
    ask = one(start, """client_header_buffer_size 1k; large_client_header_buffers 2 4k;
                        return 200 $http_x_size;""")
    assert ask(headers=[("X-Size", "z" * size)]).status == status


def test_quoting_and_escapes_of_the_grammar(start):
    ask = one(start, r"""
        location /a { return 200 "semi;colon {brace} \"quote\" back\\slash tab\tnew\nline"; }
        location /b { return 200 'single "inside" $uri'; }
        location /c { return 200 a\ b\;c; }  # a comment; with { things }
        location "/quoted path" { return 200 "${uri}x"; }""")
    assert ask("/a").text == 'semi;colon {brace} "quote" back\\slash tab\tnew\nline'
    assert ask("/b").text == 'single "inside" /b'
    assert ask("/c").text == r"a\ b\;c" or ask("/c").text == "a b;c"
    assert ask("/quoted%20path").text == "/quoted pathx"


def test_includes_with_globs_in_order(start):
    gw = start("", start=False)
    os.mkdir(gw.path("conf.d"))
    for name, value in (("20.conf", "two"), ("10.conf", "one"), ("30.off", "three")):
        with open(gw.path("conf.d/" + name), "w", encoding="ascii") as out:
            out.write(f"add_header X-Seen {value};\n")
    gw.body = "server { listen 127.0.0.1:@http@; include conf.d/*.conf; return 200; }"
    gw.start()
    with wire.connect(gw.port["http"]) as client:
        assert client.request().all("X-Seen") == ["one", "two"]
