"""Revocation lists by their addresses, from the servers that people have: nginx in all its moods, over
https, our own authority; and from servers that end before they are done."""

import copy
import datetime
import glob
import gzip
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import pytest

from backend import free_port
from pki import now, write
from served import Folder, Server, serial
from test_downloads import CONFIG, MAIN, becomes, downloads, listed, status
from test_lists import der
from waiting import wait_for

pytestmark = pytest.mark.countersign

NGINX = """
daemon off;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    types {{ application/pkix-crl crl; }}
    root {dir}/www;
    gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;
    server {{ listen 127.0.0.1:{plain}; {moods} }}
    server {{
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;
        location = /to-plain {{ return 302 http://127.0.0.1:{plain}/ca.crl; }}
    }}
}}
"""
# addresses, and what is behind them
MOODS = """
location = /no-tags { etag off; add_header Last-Modified ""; try_files /ca.crl =404; }
location = /dated { etag off; try_files /ca.crl =404; }
location = /chunked { proxy_pass http://127.0.0.1:@plain@/ca.crl; proxy_buffering off;
    proxy_hide_header Content-Length; ssi on; ssi_types *; }
location = /gzipped { gzip_static always; try_files /zipped =404; }
location = /dripped { limit_rate 400; try_files /ca.crl =404; }
location = /moved { return 301 /ca.crl; }
location = /elsewhere { return 307 http://localhost:@plain@/moved; }
location = /round { return 302 /round; }
location = /to-a-file { return 302 file:///etc/passwd; }
location = /to-https { return 302 https://localhost:@tls@/ca.crl; }
location = /away { return 503; }
location = /forbidden { deny all; }
location = /huge { try_files /huge.crl =404; }
location = /cut { proxy_pass http://127.0.0.1:@raw@; }
"""


class Nginx:
    """A web server with lists in it."""

    def __init__(self, server):
        self.dir = tempfile.mkdtemp(prefix="countersign-lists-")
        os.chmod(self.dir, 0o755)
        os.mkdir(self.dir + "/www")
        self.raw, self.puts = Cut(), 1_000_000_000
        copy.copy(server).save(self.dir, "server")
        for _ in range(5):  # a port may be taken meanwhile
            self.start()
            wait_for(lambda: self.listens() or self.process.poll() is not None, "nginx to listen")
            if self.process.poll() is None:
                return
        raise AssertionError("nginx does not start")

    def start(self):
        self.plain, self.tls = free_port(), free_port()
        moods = (MOODS.replace("@plain@", str(self.plain)).replace("@tls@", str(self.tls))
                 .replace("@raw@", str(self.raw.port)))
        conf = write(self.dir + "/nginx.conf", NGINX.format(
            dir=self.dir, plain=self.plain, tls=self.tls, moods=moods).encode())
        self.process = subprocess.Popen(
            ["nginx", "-p", self.dir, "-e", self.dir + "/error.log", "-c", conf],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def listens(self):
        """It writes its number once its ports are its own."""
        return os.path.exists(self.dir + "/pid")

    def put(self, data, name="ca.crl"):
        write(f"{self.dir}/www/new", data)
        self.puts += 1  # nginx knows files by their whole seconds
        os.utime(f"{self.dir}/www/new", (self.puts, self.puts))
        os.rename(f"{self.dir}/www/new", f"{self.dir}/www/{name}")

    def log(self):
        return read(self.dir + "/access.log")

    def at(self, path, scheme="http", host="localhost"):
        return f"{scheme}://{host}:{self.tls if scheme == 'https' else self.plain}{path}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.raw.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Cut:
    """A server that says how much will come, sends what it has, and waits or goes."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.data, self.length, self.stays = b"", 0, False
        self.held, self.asked = [], 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            self.asked += 1
            self.held.append(client)
            try:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.length
                               + self.data)
            except OSError:
                pass  # it has gone
            if not self.stays:
                self.held.pop().close()

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(10)
        for client in self.held:
            client.close()


@pytest.fixture
def nginx(pki):
    one = Nginx(pki.server)
    yield one
    one.stop()


@pytest.fixture
def raw():
    one = Cut()
    yield one
    one.stop()


def run_with(start, pki, urls, rules="hard", more=""):
    config = CONFIG.replace("ssl_crl %s;", "ssl_crl %s; " + more) % (rules, urls)
    return start(config, main=MAIN,
                 prepare=lambda folder: write(folder + "/ca.pem", pki.ca.pem))


@pytest.mark.parametrize("path", [
    "/ca.crl", "/no-tags", "/dated", "/chunked", "/dripped", "/moved", "/elsewhere"])
def test_nginx_gives_a_list(start, pki, nginx, path):
    nginx.put(der(listed(pki, [pki.revoked])))
    gw = run_with(start, pki, nginx.at(path))
    becomes(gw, pki.alice, 200)
    assert status(gw, pki.revoked) == 400


BAD = {
    "/gzipped": "not one revocation list",
    "/round": "redirect",
    "/to-a-file": "not supported|disabled|denied|scheme",
    "/to-https": "not supported|disabled|denied|scheme",
    "/away": "status 503",
    "/forbidden": "status 403",
    "/nothing": "status 404",
    "/huge": "longer than it may be",
    "/cut": "status 502|clos|end",
}


@pytest.mark.parametrize("path", BAD)
def test_nginx_gives_none(start, pki, nginx, path):
    """What is wrong is said; nobody is let in, and a good list is taken once it is there."""
    nginx.put(der(listed(pki, [pki.revoked])))
    nginx.put(gzip.compress(der(listed(pki, [pki.revoked]))), "zipped.gz")
    nginx.put(b"", "zipped")
    with open(nginx.dir + "/www/huge.crl", "wb") as huge:
        huge.truncate(65 << 20)
    nginx.raw.data, nginx.raw.length = der(listed(pki, []))[:99], 1000
    gw = run_with(start, pki, nginx.at(path))
    gw.wait_log(rf"\[error\].*revocation list from http.*({BAD[path]})", 30)
    assert status(gw, pki.alice) == 400
    shown = wait_for(lambda: [d for d in downloads(gw)[0] if "error" in d], "status to say so")
    assert shown[0]["state"] == "awaited"


def ask_again(gw):
    """Begin anew, at a time when the list is due."""
    notes = []

    def is_noted():
        notes[:] = glob.glob(gw.dir + "/state/**/*.note", recursive=True)
        return [n for n in notes if "due " in read(n)]
    wait_for(is_noted, "the steward to note when it asks again")
    gw.stop()
    for path in notes:
        text = read(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub("(?m)^due .*", "due 1", text))
    gw.start()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("path", ["/ca.crl", "/dated"])  # by its tag, by its date
def test_nginx_says_that_nothing_has_changed(start, pki, nginx, path):
    nginx.put(der(listed(pki, [pki.revoked])))
    gw = run_with(start, pki, nginx.at(path))
    becomes(gw, pki.alice, 200)
    ask_again(gw)
    wait_for(lambda: f'{path} HTTP/1.1" 304' in nginx.log(), "a 304")
    assert status(gw, pki.alice) == 200
    nginx.put(der(listed(pki, [pki.alice], number=2)))
    ask_again(gw)
    becomes(gw, pki.alice, 400)


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_list_that_is_cut_is_not_taken(start, pki, raw, part):
    """However much of it came: it was to be longer."""
    whole = der(listed(pki, [pki.revoked]))
    raw.data, raw.length = whole[:int(len(whole) * part)], len(whole)
    gw = run_with(start, pki, f"http://127.0.0.1:{raw.port}/")
    gw.wait_log(r"\[error\].*revocation list from http", 20)
    assert status(gw, pki.alice) == 400
    raw.data = whole
    becomes(gw, pki.alice, 200)


def test_one_that_stalls_holds_up_no_other(start, pki, raw, nginx):
    raw.length, raw.stays = 1000, True
    nginx.put(der(listed(pki, [pki.revoked])))
    gw = run_with(start, pki, f"http://127.0.0.1:{raw.port}/ {nginx.at('/ca.crl')}")
    becomes(gw, pki.alice, 200)
    assert status(gw, pki.revoked) == 400
    assert raw.asked


# ---- https ----

CA = "mtls_fetch_ca %s;"


def test_https_with_a_private_ca(start, pki, nginx):
    nginx.put(der(listed(pki, [pki.revoked])))
    gw = run_with(start, pki, nginx.at("/ca.crl", "https"), more=CA % pki.ca.certfile)
    becomes(gw, pki.alice, 200)
    assert status(gw, pki.revoked) == 400


def names(*names, **how):
    return lambda pki: pki.ca.issue("lists", san=names, eku=("server",), **how)


REFUSED = {
    "another name": (names("lists.test"), True, "name"),
    "another address": (names("ip:127.0.0.2"), True, "name"),
    "expired": (names("localhost", not_before=now() - datetime.timedelta(days=9),
                      not_after=now() - datetime.timedelta(days=1)), True, "expired"),
    "another CA": (lambda pki: pki.foreign.issue("x", san=["localhost"], eku=("server",)), True,
                   "trusted|issuer|known"),
    "the CAs of the system": (names("localhost"), False, "trusted|issuer|known"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_https_servers_that_are_not_believed(start, pki, what):
    make, private, words = REFUSED[what]
    again = Nginx(make(pki))
    try:
        again.put(der(listed(pki, [])))
        gw = run_with(start, pki, again.at("/ca.crl", "https"),
                      more=CA % pki.ca.certfile if private else "")
        gw.wait_log(rf"\[error\].*revocation list from https.*({words})", 20)
        assert status(gw, pki.alice) == 400
        assert "ca.crl" not in again.log()
    finally:
        again.stop()


def test_https_does_not_lead_to_http(start, pki, nginx):
    nginx.put(der(listed(pki, [])))
    gw = run_with(start, pki, nginx.at("/to-plain", "https"), more=CA % pki.ca.certfile)
    gw.wait_log(r"\[error\].*revocation list from https.*(not supported|disabled|scheme)", 20)
    assert status(gw, pki.alice) == 400


# ---- our own authority ----

def test_our_own_authority_gives_its_list(start, pki, tmp_path):
    authority = Server(Folder(tmp_path / "ca"))
    try:
        good, bad = (authority.enrol(f"{name}.example.internal") for name in ("good", "bad"))
        authority.folder.ok("revoke", serial(bad))
        base = f"http://127.0.0.1:{authority.plain}/crl/"
        with open(authority.ca.certfile, "rb") as roots:
            trusted = roots.read() + good.pem
        gw = start(CONFIG % ("hard", f"{base}1.crl {base}2.crl"), main=MAIN,
                   prepare=lambda folder: write(folder + "/ca.pem", trusted))
        becomes(gw, good, 200)
        assert status(gw, bad) == 400
        shown, answer = downloads(gw)
        assert [one["state"] for one in shown] == ["held", "held"] and answer["healthy"]
    finally:
        authority.stop()
