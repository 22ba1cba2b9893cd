"""Revocation lists in parts: a certificate is judged by the part that it names, whoever made it."""

import datetime
import os
import re

import pytest
from cryptography import x509

import wire
from backend import Backend, server_context
from gateway import IS_NGINX, run
from pki import Authority, general_name, now, write
from served import Folder, Server, serial
from test_live import put
from waiting import wait_for

URL = "http://ca.test/part%d.crl"
BODY = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate @pki@/server.pem;
        ssl_certificate_key @pki@/server.key;
        ssl_client_certificate %s;
        ssl_verify_client on;
        ssl_crl %s;
        return 200 "x";
    }"""


def uri(text):
    return general_name("uri:" + text)


def point(name=None, *, users=False, cas=False, reasons=None, indirect=False, attributes=False,
          relative=None):
    return x509.IssuingDistributionPoint([name] if name else None, relative, users, cas, reasons,
                                         indirect, attributes)


def named(*names):
    """An extension for a client: its distribution points."""
    points = [x509.DistributionPoint([n], None, None, None) for n in names]
    return [(x509.CRLDistributionPoints(points), False)]


class World:
    """A CA below the root whose list has parts, and clients that name one or none."""

    def __init__(self, pki, folder):
        self.root, self.folder = pki.ca, str(folder)
        self.ca = Authority("Scenario Parts", parent=pki.ca)
        self.first = self.client("first", 0)
        self.second = self.client("second", 1)
        self.mallory = self.client("mallory", 0)
        self.nameless = self.ca.issue("nameless").save(self.folder, "nameless")
        self.trusted = write(os.path.join(self.folder, "trusted.pem"), pki.ca.pem + self.ca.pem)

    def client(self, name, number):
        identity = self.ca.issue(name, extensions=named(uri(URL % number)))
        return identity.save(self.folder, name)

    def part(self, number, *revoked, name=None, **how):
        return self.ca.crl(revoked, point=point(name or uri(URL % number), **how))

    def lists(self, *lists):
        return write(os.path.join(self.folder, "lists.pem"), b"".join([self.root.crl(), *lists]))


@pytest.fixture(scope="module")
def world(pki, tmp_path_factory):
    return World(pki, tmp_path_factory.mktemp("parts"))


def status(gw, who, **how):
    try:
        return wire.get(gw.port["tls"], who, **how).status
    except wire.Closed:
        return None


ALL = ["first", "second", "mallory", "nameless"]
STORIES = {
    "all parts": (
        lambda w: [w.part(0, w.mallory), w.part(1)], {"first", "second"}),
    "a part is missing": (
        lambda w: [w.part(0, w.mallory)], {"first"}),
    "another part says nothing about it": (
        lambda w: [w.part(0), w.part(1, w.mallory, w.first)], {"first", "second", "mallory"}),
    "a complete list beside it": (
        lambda w: [w.part(0, w.mallory), w.ca.crl()], {"first", "second", "nameless"}),
    "a complete list that is enough": (
        lambda w: [w.part(1), w.ca.crl([w.mallory])], {"first", "second", "nameless"}),
    "a list of users": (
        lambda w: [w.ca.crl([w.mallory], point=point(users=True))],
        {"first", "second", "nameless"}),
    "a list of CAs": (
        lambda w: [w.ca.crl([w.mallory], point=point(cas=True))], set()),
    "a part with the users of it": (
        lambda w: [w.part(0, w.mallory, users=True), w.part(1, cas=True)], {"first"}),
    "a name that looks the same": (
        lambda w: [w.part(0, w.mallory, name=general_name("ca.test")),
                   w.part(1, name=uri("HTTP://ca.test/part1.crl"))], set()),
}


@pytest.mark.parametrize("story", STORIES)
def test_each_client_is_judged_by_its_part(start, world, story):
    make, welcome = STORIES[story]
    gw = start(BODY % (world.trusted, world.lists(*make(world))))
    for name in ALL:
        expected = 200 if name in welcome else 400
        assert status(gw, getattr(world, name)) == expected, name
    if not IS_NGINX and story == "a part is missing":
        gw.wait_log(r'no revocation list covers .*this one would be in "http://ca.test/part1.crl"')
        gw.wait_log(r"does not say which part would list it.*\[crl-missing\]")


PROXY = """
    server {
        listen 127.0.0.1:@http@;
        location / {
            proxy_pass https://@backend@;
            proxy_ssl_name a.test;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 2;
            proxy_ssl_trusted_certificate %s;
            proxy_ssl_crl %s;
        }
    }"""


@pytest.mark.parametrize("story, expected", [
    ("its part", 200), ("on its part", 502), ("another part", 502), ("users and CAs", 200)])
def test_an_upstream_is_judged_by_its_part(start, world, story, expected):
    who = world.ca.issue("a.test", san=["a.test"], eku=("server",),
                         extensions=named(uri(URL % 0))).save(world.folder, "upstream")
    lists = {"its part": [world.part(0, world.first), world.part(1, who)],
             "on its part": [world.part(0, who), world.part(1)],
             "another part": [world.part(1)],
             "users and CAs": [world.ca.crl(point=point(users=True)),
                               world.ca.crl([who], point=point(cas=True))]}[story]
    with Backend(tls=server_context(who)) as backend:
        gw = start(PROXY % (world.trusted, world.lists(*lists)), backend=backend)
        with wire.connect(gw.port["http"]) as client:
            assert client.request("GET", "/").status == expected


REASONS = frozenset([x509.ReasonFlags.key_compromise])
SPECIAL = {
    "indirect": dict(indirect=True),
    "some reasons": dict(reasons=REASONS),
    "attribute certificates": dict(attributes=True),
}


@pytest.mark.countersign  # nginx finds out when a client comes, and refuses it
@pytest.mark.parametrize("kind", SPECIAL)
def test_kinds_that_are_refused(start, world, kind):
    bad = world.ca.crl([world.mallory], point=point(uri(URL % 0), **SPECIAL[kind]))
    gw = start(BODY % (world.trusted, world.lists(bad)), start=False)
    gw.write()
    done = run("check", "-c", gw.conf)
    assert done.returncode != 0
    assert "is of a kind that is not supported" in done.stdout, done.stdout
    assert kind in done.stdout


LATE = dict(last_update=now() - datetime.timedelta(days=2),
            next_update=now() - datetime.timedelta(days=1))
PARTS, ROOT = '"CN=Scenario Parts,O=Scenario"', '"CN=Scenario Root,O=Scenario"'
REMARKS = {  # of `check` about lists
    "all parts": (lambda w: [w.root.crl(), w.part(0), w.part(1)], []),
    "a list of users": (lambda w: [w.root.crl(), w.ca.crl(point=point(users=True))], []),
    "a part that is late": (
        lambda w: [w.root.crl(), w.part(0), w.ca.crl(point=point(uri(URL % 1)), **LATE)],
        [f"the revocation list of {PARTS} expired"]),
    "one that was made anew": (
        lambda w: [w.root.crl(), w.ca.crl(point=point(uri(URL % 0)), **LATE), w.part(0)], []),
    "none of that CA": (lambda w: [w.root.crl()], [f"no revocation list of {PARTS} in"]),
    "none for CAs": (
        lambda w: [w.ca.crl(), w.root.crl(point=point(users=True))],
        [f"no revocation list in .* covers {ROOT} itself",
         f"no revocation list in .* covers {PARTS} itself"]),
    "users and CAs": (
        lambda w: [w.ca.crl(), w.root.crl(point=point(cas=True))], []),
}


@pytest.mark.countersign
@pytest.mark.parametrize("story", REMARKS)
def test_what_check_remarks_on(start, world, story):
    make, remarks = REMARKS[story]
    lists = write(os.path.join(world.folder, "lists.pem"), b"".join(make(world)))
    gw = start(BODY % (world.trusted, lists), start=False)
    gw.write()
    done = run("check", "-c", gw.conf)
    said = re.findall("warning: (.*)", done.stdout)
    assert done.returncode == 0 and len(said) == len(remarks), done.stdout
    for words, remark in zip(said, remarks):
        assert re.match(remark, words), done.stdout


@pytest.mark.countersign
def test_parts_come_and_go_while_it_runs(start, world):
    """A part that revokes cuts; one that goes refuses new clients and cuts nobody."""
    def prepare(folder):
        os.mkdir(folder + "/crls")
        write(folder + "/crls/root.crl", world.root.crl())
        write(folder + "/crls/0.crl", world.part(0))
        write(folder + "/crls/1.crl", world.part(1))
    gw = start(BODY % (world.trusted, "@dir@/crls/"), prepare=prepare, workers=2)
    folder = gw.dir + "/crls/"
    with wire.tls(gw.port["tls"], world.second) as stays, \
            wire.tls(gw.port["tls"], world.mallory) as goes:
        assert stays.request().status == goes.request().status == 200
        put(folder + "0.crl", world.part(0, world.mallory))
        assert goes.ended()
        assert status(gw, world.mallory) == 400
        os.unlink(folder + "1.crl")
        wait_for(lambda: status(gw, world.second) == 400, "a client of the part that went")
        assert stays.request().status == 200
        assert status(gw, world.first) == 200
    put(folder + "1.crl", world.part(1))
    wait_for(lambda: status(gw, world.second) == 200, "its part again")


@pytest.mark.countersign
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_resumed_session_is_judged_by_its_part(start, world, version):
    def prepare(folder):
        os.mkdir(folder + "/crls")
        write(folder + "/crls/root.crl", world.root.crl())
        write(folder + "/crls/0.crl", world.part(0))
    gw = start(BODY % (world.trusted, "@dir@/crls/"), prepare=prepare)
    ctx = wire.context(world.mallory, version=version)
    with wire.tls(gw.port["tls"], ctx=ctx) as client:
        assert client.request().status == 200
        session = client.session
        put(gw.dir + "/crls/0.crl", world.part(0, world.mallory))
        assert client.ended()
    assert status(gw, None, ctx=ctx, session=session) == 400


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("ca") / "ca")
    one = Server(folder)
    yield one
    one.stop()


def trust(authority, who, folder):
    with open(authority.ca.certfile, "rb") as roots:
        return write(os.path.join(folder, "trusted.pem"), roots.read() + who.pem)


def shard_of(identity):
    return identity.cert.serial_number % 65536 % 64


@pytest.mark.countersign
def test_the_parts_of_our_own_authority_by_address(start, authority, tmp_path):
    good, bad = (authority.enrol(f"{name}.example.internal") for name in ("good", "bad"))
    authority.folder.ok("revoke", serial(bad))
    base = f"http://127.0.0.1:{authority.plain}/crl/"
    parts = sorted({shard_of(good), shard_of(bad)})
    urls = [base + "1.crl", *(f"{base}2/{part}.crl" for part in parts)]
    gw = start(BODY % (trust(authority, good, str(tmp_path)), " ".join(urls)),
               main="mtls_state @dir@/state;")
    wait_for(lambda: status(gw, good) == 200, "the parts", 30)
    assert status(gw, bad) == 400
    gw.wait_log(r"was revoked")


@pytest.mark.countersign
def test_the_parts_of_our_own_authority_in_a_folder(start, authority, tmp_path):
    """All 64 of them, and a revocation that changes one."""
    who = authority.enrol("who.example.internal")
    lists = tmp_path / "crls"
    lists.mkdir()
    authority.folder.ok("crl", "--issuer", 1, lists / "root.crl")
    for part in range(64):
        authority.folder.ok("crl", "--issuer", 2, "--shard", part, lists / f"{part}.crl")
    gw = start(BODY % (trust(authority, who, str(tmp_path)), f"{lists}/"))
    with wire.tls(gw.port["tls"], who) as client:
        assert client.request().status == 200
        authority.folder.ok("revoke", serial(who))
        part = shard_of(who)
        authority.folder.ok("crl", "--issuer", 2, "--shard", part, lists / f"{part}.crl")
        assert client.ended()
    assert status(gw, who) == 400
