"""Revocation lists from several files and from folders: each file counts by itself, and what changes
in a folder is in force without a reload."""

import base64
import datetime
import json
import os

import pytest

import wire
from gateway import run, server
from pki import Authority, now, write
from test_live import JUDGED, put
from waiting import wait_for

pytestmark = pytest.mark.countersign

FOLDER = JUDGED % "ssl_crl @dir@/crls/;"


def listed(pki, revoked, number=1):
    """A list of the CA's, newer than those of smaller numbers."""
    start = now() - datetime.timedelta(hours=1) + datetime.timedelta(minutes=number)
    return pki.ca.crl(revoked, last_update=start, number=number)


def der(pem):
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


class Folder:
    """A folder of lists in a gateway's."""

    def __init__(self, pki, **lists):
        self.pki, self.lists, self.dir = pki, lists, None

    def __call__(self, gateway_dir):
        os.mkdir(gateway_dir + "/live")
        write(gateway_dir + "/live/ca.pem", self.pki.ca.pem)
        self.dir = gateway_dir + "/crls"
        os.mkdir(self.dir)
        for name, data in self.lists.items():
            self.put(name.replace("__", "."), data)

    def put(self, name, data):
        put(f"{self.dir}/{name}", data)

    def remove(self, name):
        os.unlink(f"{self.dir}/{name}")


def status(gw, who):
    return wire.get(gw.port["tls"], who).status


def becomes(gw, who, wanted):
    def is_so():
        try:
            return status(gw, who) == wanted
        except wire.Closed:  # cut in between
            return False
    wait_for(is_so, f"a {wanted}")


def test_files_come_change_and_go(start, pki):
    """PEM and DER, several lists in one file; what is no list by its name is not looked at."""
    other = Authority("Another CA")
    folder = Folder(pki, a__pem=other.crl() + listed(pki, [pki.revoked]), README__txt=b"not a list")
    gw = start(FOLDER, prepare=folder, workers=2)
    assert status(gw, pki.alice) == 200
    assert status(gw, pki.revoked) == 400
    with wire.tls(gw.port["tls"], pki.bob) as goes, wire.tls(gw.port["tls"], pki.alice) as stays:
        assert goes.request().status == 200
        # the newest list of a CA counts
        folder.put("b.r0", der(listed(pki, [pki.bob, pki.revoked], number=2)))
        assert goes.ended()
        assert stays.request().status == 200
    becomes(gw, pki.bob, 400)
    assert status(gw, pki.revoked) == 400
    with open(folder.dir + "/b.r0", "wb") as file:  # in place
        file.write(der(listed(pki, [pki.alice, pki.revoked], number=3)))
    becomes(gw, pki.alice, 400)
    becomes(gw, pki.bob, 200)
    folder.remove("b.r0")
    becomes(gw, pki.alice, 200)
    assert status(gw, pki.revoked) == 400


def test_links_as_kubernetes_makes_them(start, pki):
    folder = Folder(pki)

    def prepare(gateway_dir):
        folder(gateway_dir)
        os.mkdir(folder.dir + "/..1")
        write(folder.dir + "/..1/ca.crl", listed(pki, [pki.revoked]))
        os.symlink("..1", folder.dir + "/..data")
        os.symlink("..data/ca.crl", folder.dir + "/ca.crl")

    gw = start(FOLDER, prepare=prepare)
    assert status(gw, pki.bob) == 200
    os.mkdir(folder.dir + "/..2")
    write(folder.dir + "/..2/ca.crl", listed(pki, [pki.bob], number=2))
    os.symlink("..2", folder.dir + "/..new")
    os.rename(folder.dir + "/..new", folder.dir + "/..data")
    becomes(gw, pki.bob, 400)


def forged(pki):
    data = bytearray(der(listed(pki, [pki.alice], number=9)))
    data[-1] ^= 1
    return bytes(data)


@pytest.mark.parametrize("what, code", [
    ("garbage", "crl-unreadable"), ("forged", "crl-signature-invalid")])
def test_a_bad_file_keeps_none_of_the_others_back(start, pki, what, code):
    bad = forged(pki) if what == "forged" else b"\x30\x03\x0a\x01\x00"
    code = code if what == "forged" else "crl-"
    other = Authority("Another CA")
    folder = Folder(pki, bad__der=der(listed(pki, [pki.revoked])), good__pem=other.crl())
    gw = start(FOLDER, prepare=folder, workers=2)
    folder.put("bad.der", bad)
    gw.wait_log(rf"\[error\].*stays in use.*\[{code}.*bad\.der", 10)
    folder.put("good.pem", listed(pki, [pki.bob], number=2))
    becomes(gw, pki.bob, 400)
    assert status(gw, pki.alice) == 200
    folder.remove("good.pem")
    becomes(gw, pki.bob, 200)
    assert status(gw, pki.revoked) == 400, "the bad file counts as it was when it was good"
    folder.put("bad.der", der(listed(pki, [pki.alice], number=3)))
    becomes(gw, pki.alice, 400)


def test_a_folder_that_is_emptied_keeps_what_it_held(start, pki):
    folder = Folder(pki, a__crl=listed(pki, [pki.revoked]))
    gw = start(FOLDER, prepare=folder)
    folder.remove("a.crl")
    gw.wait_log(r"\[error\].*stays in use.*no revocation lists in the folder.*\[folder-empty\]", 10)
    assert status(gw, pki.revoked) == 400
    assert status(gw, pki.alice) == 200
    folder.put("a.crl", listed(pki, [pki.alice], number=2))
    becomes(gw, pki.alice, 400)


def test_a_file_and_a_folder(start, pki):
    other = Authority("Another CA")
    folder = Folder(pki, a__crl=other.crl())

    def prepare(gateway_dir):
        folder(gateway_dir)
        write(gateway_dir + "/live/one.pem", listed(pki, [pki.revoked]))

    gw = start(JUDGED % "ssl_crl @dir@/live/one.pem @dir@/crls;", prepare=prepare)
    assert status(gw, pki.revoked) == 400
    put(gw.dir + "/live/one.pem", listed(pki, [pki.bob], number=2))
    becomes(gw, pki.bob, 400)
    papers = json.loads(run("status", "-p", gw.dir + "/", "-c", "gateway.conf", "--json").stdout)
    files = [os.path.basename(p["file"]) for p in papers["papers"] if p["kind"] == "list"]
    assert files == ["one.pem", "a.crl"]


@pytest.mark.parametrize("files, words", [
    ({}, "there are no revocation lists in the folder"),
    ({"a.txt": b"x"}, "there are no revocation lists in the folder"),
    ({"a.crl": b"x"}, "BEGIN X509 CRL"),
    (None, "there are no revocation lists in the folder")])
def test_what_cannot_be_read_ends_the_start(start, pki, files, words):
    gw = start(server("ssl_crl @dir@/crls/; return 200;"), start=False)
    gw.write()
    if files is not None:
        os.mkdir(gw.dir + "/crls")
        for name, data in files.items():
            write(f"{gw.dir}/crls/{name}", data)
    done = run("check", "-c", gw.conf)
    assert done.returncode == 1
    assert words in done.stdout + done.stderr
