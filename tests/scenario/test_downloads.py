"""Revocation lists by their addresses: fetched by the steward, judged, kept on disk, asked for in time,
and never replaced by what is worse."""

import datetime
import http.server
import json
import os
import threading
import time

import pytest

import wire
from gateway import run, server
from pki import Authority, now, write
from test_lists import der, forged
from waiting import wait_for

pytestmark = pytest.mark.countersign

CONFIG = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate @pki@/server.pem;
        ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @dir@/ca.pem;
        ssl_verify_client on;
        mtls_revocation %s;
        ssl_crl %s;
        return 200 "x";
    }"""
MAIN = "mtls_state @dir@/state;"


class Lists:
    """A server of one list over HTTP."""

    def __init__(self):
        self.asked, self.conditional, self.body, self.status, self.endless = 0, 0, b"", 200, False
        lists = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                lists.answer(self)

            def log_message(self, *arguments):
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}/ca.crl"
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, request):
        self.asked += 1
        tag = f'"{hash(self.body)}"'
        status = self.status
        if status == 200 and request.headers.get("If-None-Match") == tag:
            self.conditional += 1
            status = 304
        request.send_response(status)
        request.send_header("ETag", tag)
        request.end_headers()
        try:
            while self.endless:
                request.wfile.write(b"\x30" * 65536)
            if status == 200:
                request.wfile.write(self.body)
        except OSError:
            pass

    def stop(self):
        self.endless = False
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


@pytest.fixture
def lists():
    one = Lists()
    yield one
    one.stop()


def listed(pki, revoked, number=1, seconds=3600, age=0):
    """A list of the CA's that is good for some seconds more."""
    start = now() - datetime.timedelta(seconds=60 + age) + datetime.timedelta(seconds=number)
    return pki.ca.crl(revoked, last_update=start, number=number,
                      next_update=now() + datetime.timedelta(seconds=seconds))


def begin(start, pki, lists, rules="hard", **words):
    return start(CONFIG % (rules, lists.url), main=MAIN,
                 prepare=lambda folder: write(folder + "/ca.pem", pki.ca.pem), **words)


def status(gw, who):
    try:
        return wire.get(gw.port["tls"], who).status
    except wire.Closed:
        return None


def becomes(gw, who, wanted):
    wait_for(lambda: status(gw, who) == wanted, f"a {wanted}", 20)


def downloads(gw):
    answer = json.loads(run("status", "-p", gw.dir + "/", "-c", "gateway.conf", "--json").stdout)
    return answer["downloads"], answer


def test_before_the_first_one_hard_refuses_and_soft_does_not(start, pki, lists):
    lists.status = 503
    hard = begin(start, pki, lists)
    hard.wait_log(r"\[error\].*revocation list from http.*status 503", 10)
    assert status(hard, pki.alice) == 400
    shown, answer = downloads(hard)
    assert shown[0]["state"] == "awaited" and "503" in shown[0]["error"] and not answer["healthy"]
    lists.status, lists.body = 200, listed(pki, [pki.revoked])
    becomes(hard, pki.alice, 200)
    assert status(hard, pki.revoked) == 400


def test_soft_lets_in_until_it_is_there(start, pki, lists):
    lists.status = 404
    gw = begin(start, pki, lists, "soft")
    gw.wait_log(r"status 404", 10)
    assert status(gw, pki.revoked) == 200
    lists.status, lists.body = 200, der(listed(pki, [pki.revoked]))
    becomes(gw, pki.revoked, 400)
    assert status(gw, pki.alice) == 200


def test_it_is_asked_for_before_its_end_and_cuts(start, pki, lists):
    lists.body = listed(pki, [pki.revoked], seconds=8)
    gw = begin(start, pki, lists, workers=2)
    becomes(gw, pki.alice, 200)
    with wire.tls(gw.port["tls"], pki.bob) as goes, wire.tls(gw.port["tls"], pki.alice) as stays:
        assert goes.request().status == 200
        lists.body = listed(pki, [pki.bob], number=2)
        assert goes.ended()
        assert stays.request().status == 200
    shown, _ = downloads(gw)
    assert shown[0]["state"] == "held" and shown[0]["fetched"] < shown[0]["due"]


def test_what_has_not_changed_is_not_sent_again(start, pki, lists):
    lists.body = listed(pki, [pki.revoked], seconds=12)
    gw = begin(start, pki, lists)
    becomes(gw, pki.alice, 200)
    wait_for(lambda: lists.conditional > 0, "a conditional request", 20)
    assert status(gw, pki.alice) == 200


def test_a_restart_asks_for_nothing_it_has(start, pki, lists):
    lists.body = listed(pki, [pki.revoked])
    gw = begin(start, pki, lists)
    becomes(gw, pki.alice, 200)
    asked = lists.asked
    gw.stop()
    lists.status = 503
    gw.start()
    assert status(gw, pki.alice) == 200
    assert status(gw, pki.revoked) == 400
    time.sleep(1)
    assert lists.asked == asked


def bad(what, pki):
    """What comes instead, and what is said of it."""
    namesake = Authority("Scenario Root")
    return {
        "older": (listed(pki, [], number=1, seconds=3600), "older than the list in hand"),
        "of an older number": (pki.ca.crl([], last_update=now(), number=4), "older than the list"),
        "out of date": (listed(pki, [], number=7, seconds=-1), "out of date"),
        "of tomorrow": (pki.ca.crl([], number=9, last_update=now() + datetime.timedelta(days=1)),
                        "from the future"),
        "forged": (forged(pki), "no CA that is trusted here has signed it"),
        "of a namesake": (namesake.crl([], number=9), "no CA that is trusted here"),
        "no list": (b"<html>welcome</html>", "not one revocation list"),
        "two lists": (listed(pki, [], 8) + listed(pki, [], 9), "not one revocation list"),
        "cut": (der(listed(pki, [], 8))[:-9], "not one revocation list"),
        "nothing": (b"", "not one revocation list"),
    }[what]


@pytest.mark.parametrize("what", [
    "older", "of an older number", "out of date", "of tomorrow", "forged", "of a namesake", "no list",
    "two lists", "cut", "nothing"])
def test_what_is_worse_does_not_take_its_place(start, pki, lists, what):
    lists.body = listed(pki, [pki.revoked], number=5, seconds=12)
    gw = begin(start, pki, lists, "hard grace=1h")
    becomes(gw, pki.alice, 200)
    lists.body, words = bad(what, pki)
    gw.wait_log(rf"revocation list from http.*{words}.*the one in hand is good until", 15)
    assert status(gw, pki.revoked) == 400
    assert status(gw, pki.alice) == 200
    lists.body = listed(pki, [pki.bob], number=11)
    becomes(gw, pki.bob, 400)
    gw.wait_log("it can be had again", 5)


@pytest.mark.alone
def test_an_endless_one_is_bounded(start, pki, lists):
    lists.endless = True
    gw = begin(start, pki, lists)
    gw.wait_log(r"\[error\].*the answer is longer than it may be", 60)
    lists.endless, lists.body = False, listed(pki, [pki.revoked])
    becomes(gw, pki.alice, 200)


def test_a_new_ca_is_known_to_who_fetches(start, pki, lists):
    """Without a reload: its file is renewed."""
    lists.body = pki.namesake.crl([], number=3)
    gw = begin(start, pki, lists)
    gw.wait_log("no CA that is trusted here has signed it", 10)
    write(gw.dir + "/ca.pem", pki.namesake.pem)
    becomes(gw, pki.imposter, 200)


@pytest.mark.parametrize("words, said", [
    ("https://a.test/x", None), ("http://a.test:8/x", None), ("ftp://a.test/x", "cannot read")])
def test_addresses(start, words, said):
    gw = start(server(f"ssl_crl {words}; return 200;"), main=MAIN, start=False)
    gw.write()
    done = run("check", "-c", gw.conf)
    assert (done.returncode == 0) == (said is None)
    assert said is None or said in done.stdout
