"""From one CA certificate to the next while everybody is at work: an issuing CA and a root are
exchanged below a gateway whose clients never stop asking, and none of their requests fails."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

import pki
import wire
from ca import Ca
from gateway import BINARY, SANITIZED, run
from served import csr, pem_certs
from waiting import wait_for

pytestmark = pytest.mark.countersign

NAME = "spiffe://example.internal/"
MAIN = """
mtls_state @dir@/state;
authority {
    listen 127.0.0.1:@authority@ ssl;
    store @ca@;
    user root;
    profile server { ttl 120s; renew_between 5% 10%; }
}"""
BODY = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate auto;
        ssl_client_certificate @ca@/root.pem;
        ssl_verify_client on;
        location / { proxy_pass http://@backend@; }
    }"""


class Papers:
    """A folder with what a client shows, and whom it trusts."""

    def __init__(self, folder):
        self.folder = folder
        self.certfile, self.keyfile = self.path("cert.pem"), self.path("key.pem")
        with open(self.certfile, encoding="ascii") as file:
            self.cert = pem_certs(file.read())[0]
        with open(self.path("ca.pem"), encoding="ascii") as file:
            self.roots = len(pem_certs(file.read()))

    def path(self, name):
        return os.path.join(self.folder, name)

    def context(self):
        """The server has to lead to those roots, and to be a.test."""
        ctx = wire.context(self)
        ctx.load_verify_locations(self.path("ca.pem"))
        ctx.verify_mode, ctx.check_hostname = wire.ssl.CERT_REQUIRED, True
        return ctx


class Member(threading.Thread):
    """A client that asks and asks, with whatever papers are its newest: on short connections, or
    on one for as long as its papers stay."""

    pause_s = 0.1

    def __init__(self, site, number):
        super().__init__(daemon=True)
        self.site, self.name = site, f"{NAME}n{number}"
        self.chance = random.Random(number)
        self.lasting = number % 2 == 0
        self.stopping = threading.Event()
        self.failures, self.done = [], 0
        self.shows = None  # the papers of the connection that it has
        self.enrol(site.token(self.name))

    def run(self):
        while not self.stopping.is_set():
            papers = self.papers
            try:
                self.converse(papers, papers.context())
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append((self.site.step, self.name, repr(error)))
                self.stopping.wait(1)

    def converse(self, papers, ctx):
        session = None
        while self.papers.folder == papers.folder and not self.stopping.is_set():
            with wire.tls(self.site.gw.port["tls"], ctx=ctx, sni="a.test",
                          session=session) as client:
                self.shows = papers
                left = 10 ** 9 if self.lasting else self.chance.randrange(1, 8)
                while left and self.papers.folder == papers.folder and \
                        not self.stopping.is_set():
                    answer = client.request("GET", "/")
                    assert answer.status == 200, answer.text
                    self.done += 1
                    left -= 1
                    if not answer.keeps_alive():
                        break
                    self.stopping.wait(self.pause_s * self.chance.random())
                session = client.session

    def end(self):
        self.stopping.set()


class Asking(Member):
    """Speaks the authority's language by itself."""

    def post(self, path, body, papers=None):
        ctx = papers.context() if papers else wire.context(ca=self.site.roots)
        ctx.check_hostname = False
        # What it signs is on the disk first, and a busy machine's disk takes its time.
        with wire.tls(self.site.gw.port["authority"], ctx=ctx, sni="localhost",
                      timeout_s=60) as client:
            answer = client.request("POST", path, [("Content-Type", "application/json")],
                                    json.dumps(body).encode(), "authority")
        assert answer.status == 201, answer.text
        return answer.json()

    def enrol(self, token):
        key = pki.new_key()
        self.keep(self.post("/v1/enrol", {"token": token, "csr": csr(key, "uri:" + self.name)}), key)

    def renew(self):
        key = pki.new_key()
        self.keep(self.post("/v1/renew", {"csr": csr(key)}, self.papers), key)

    def keep(self, told, key):
        folder = str(self.site.folder / told["serial"])
        os.mkdir(folder)
        for name, text in [("cert.pem", told["certificate"] + told["chain"]),
                           ("key.pem", pki.key_pem(key).decode()), ("ca.pem", told["ca"])]:
            with open(os.path.join(folder, name), "w", encoding="ascii") as out:
                out.write(text)
        self.papers = Papers(folder)


class Watching(Member):
    """Leaves it to `countersign enrol --watch`."""

    def enrol(self, token):
        self.dir = str(self.site.folder / self.name.rpartition("/")[2])
        self.log = open(self.dir + ".log", "wb")
        self.process = subprocess.Popen(
            [BINARY, "enrol", "--ca", f"https://127.0.0.1:{self.site.gw.port['authority']}",
             "--fingerprint", self.site.fingerprint, "--token", token, "--identity", self.name,
             "--out", self.dir, "--watch"], stdout=self.log, stderr=self.log)
        self.held = None
        wait_for(lambda: self.papers, self.name + " to have enrolled", 30)

    @property
    def papers(self):
        try:
            folder = os.path.realpath(os.path.join(self.dir, ".current"), strict=True)
            if not self.held or self.held.folder != folder:
                self.held = Papers(folder)
        except FileNotFoundError:
            pass
        return self.held

    def renew(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        super().end()
        self.process.terminate()
        assert self.process.wait(10) == 0
        self.log.close()


class Site:
    """A CA, a gateway and its clients."""

    def __init__(self, folder, start, backend, n, n_watching):
        os.chmod(folder, 0o755)
        self.folder, self.step = folder, "begin"
        self.ca = Ca(folder, "--name", "Example")
        self.gw = start(BODY, main=MAIN, ca=str(self.ca.dir), backend=backend, workers=2,
                        connections=1024)
        self.roots = Roots(str(self.ca.dir / "root.pem"))
        done = subprocess.run(["openssl", "x509", "-in", self.roots.certfile, "-noout", "-sha256",
                               "-fingerprint"], capture_output=True, text=True, check=True)
        self.fingerprint = done.stdout.partition("=")[2].strip()
        self.members = [(Watching if i < n_watching else Asking)(self, i) for i in range(n)]

    def token(self, name):
        return self.ca.json("token", name, "--profile", "spiffe")["token"]

    def begin(self):
        wait_for(self.answers, "the gateway to have its certificate", 20)
        for member in self.members:
            member.start()
        self.pass_by("begun", 3)

    def answers(self):
        try:
            papers = self.members[0].papers
            with wire.tls(self.gw.port["tls"], ctx=papers.context(), sni="a.test") as client:
                return client.request("GET", "/").status == 200
        except wire.ssl.SSLError:
            return False

    def pass_by(self, step, more=2):
        """Go on when everybody has had so many answers more."""
        self.step = step
        before = [m.done for m in self.members]
        wait_for(lambda: self.failures() or
                 all(m.done >= n + more for m, n in zip(self.members, before)),
                 "everybody to have answers " + step, 60)
        assert not self.failures(), self.failures()[:5]

    def failures(self):
        return [failure for m in self.members for failure in m.failures]

    def rotate(self, what, step):
        self.step = f"{what} {step}"
        done = self.ca.json("rotate", what, step)
        self.pass_by(f"after {what} {step}")
        return done

    def needed(self, what):
        """Who would be locked out; the refusal to retire speaks of as many."""
        needed = self.ca.json("rotate", what, "needed")["needed"]
        if needed:
            done = self.ca.run("rotate", what, "retire", "--json")
            told = json.loads(done.stdout)["findings"][0]
            assert done.returncode == 1 and told["code"] == "issuer-still-needed", told
            names = [row["identity"] for row in needed if row["identity"] != "a.test"]
            assert names and any(name in told["detail"] for name in names), told
        return sorted(row["identity"] for row in needed)

    def renew(self, members):
        """Until each has a certificate of another issuer and uses it."""
        before = {m: m.papers.cert.issuer for m in members}
        for member in members:
            member.renew()
        for member in members:
            wait_for(lambda m=member: m.shows.cert.issuer != before[m],
                     member.name + " to use its new certificate", 30)

    def end(self):
        for member in self.members:
            member.stopping.set()
        for member in self.members:
            member.join(20)
            member.end()


class Roots:
    def __init__(self, certfile):
        self.certfile = certfile


def rotate(site, what):
    """All steps, with some who are late."""
    names = [m.name for m in site.members]
    late, others = site.members[::4], [m for i, m in enumerate(site.members) if i % 4]
    site.rotate(what, "prepare")
    site.rotate(what, "activate")
    assert set(names) <= set(site.needed(what))
    site.renew(others)
    site.pass_by(f"{what}: most have renewed")
    # the gateway's own is renewed by itself, in its time
    wait_for(lambda: "a.test" not in site.needed(what), "the gateway to renew", 60)
    assert site.needed(what) == sorted(m.name for m in late)
    site.renew(late)
    site.rotate(what, "retire")


@pytest.mark.parametrize("n, n_watching", [
    (8, 2), pytest.param(50, 10, marks=pytest.mark.long)])
def test_rotation_under_load_fails_nobody(start, backend, tmp_path, n, n_watching):
    site = Site(tmp_path, start, backend, n, n_watching)
    try:
        site.begin()
        first = [m.papers for m in site.members]
        rotate(site, "issuer")
        rotate(site, "root")
        assert [m.papers.roots for m in site.members] == [2] * n  # as they were told last
        for member in site.members:
            member.renew()
        wait_for(lambda: all(m.papers.roots == 1 for m in site.members), "the old root to go", 30)
        site.pass_by("afterwards")
        for member, papers in zip(site.members, first):
            assert member.papers.cert.issuer != papers.cert.issuer
    finally:
        site.end()
    assert not site.failures(), site.failures()[:5]
    assert site.ca.json("audit", "verify")["verdict"] == "sound"
