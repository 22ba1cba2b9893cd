"""Certificates, CAs and revocation lists change while the gateway runs, and nobody notices but
those who should: no reload, no lost request, no stale certificate."""

import base64
import os
import re
import shutil
import signal
import threading
import time

import pytest

import wire
from backend import Backend, server_context
from gateway import SANITIZED, server
from load import Load, OneRequest
from pki import big_crl, key_pem, write
from waiting import wait_for

pytestmark = pytest.mark.countersign

NAMES = ["a.test", "b.test", "ip:127.0.0.1"]

SHOWN = """
    server {
        listen 127.0.0.1:@tls@ ssl;
        server_name a.test;
        ssl_certificate @dir@/live/cert.pem;
        ssl_certificate_key @dir@/live/cert.key;
        ssl_client_certificate @pki@/ca.pem;
        ssl_verify_client on;
        return 200 "x";
    }"""

# what is trusted and what is revoked, in files of the story's own
JUDGED = """
    ssl_certificate @pki@/server.pem;
    ssl_certificate_key @pki@/server.key;
    ssl_client_certificate @dir@/live/ca.pem;
    ssl_verify_client on;
    %s
    server { listen 127.0.0.1:@tls@ ssl; server_name a.test; return 200 "x"; }
"""


def new_pair(pki):
    return pki.ca.issue("a.test", san=NAMES, eku=("server",))


def put(path, data, mode=0o644):
    """As a careful program replaces a file."""
    write(f"{path}.new", data, mode)
    os.rename(f"{path}.new", path)


def put_pair(folder, identity, stem="cert"):
    put(f"{folder}/{stem}.pem", identity.pem)
    put(f"{folder}/{stem}.key", key_pem(identity.key), 0o600)


class Files:
    """The files of a story, in the folder `live` of its gateway."""

    def __init__(self):
        self.dir = None
        self.first = {}

    def having(self, **files):
        """Files that are there from the start: name with __ for the dot, and bytes."""
        self.first = {name.replace("__", "."): data for name, data in files.items()}
        return self

    def __call__(self, gateway_dir):
        self.dir = os.path.join(gateway_dir, "live")
        os.mkdir(self.dir)
        for name, data in self.first.items():
            write(f"{self.dir}/{name}", data)

    def path(self, name):
        return os.path.join(self.dir, name)


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def shown(start, pki, files):
    """A gateway whose own certificate is a file of the story's."""
    first = new_pair(pki)
    files.having(cert__pem=first.pem, cert__key=key_pem(first.key))

    def begin(body=SHOWN, **words):
        gw = start(body, prepare=files, **words)
        assert presented(gw, pki) == first.serial
        return gw

    return begin


def presented(gw, pki, port="tls", sni="a.test"):
    """The serial number of the certificate that a new client is shown."""
    from cryptography import x509  # pylint: disable=import-outside-toplevel
    with wire.tls(gw.port[port], pki.alice, sni=sni) as connection:
        der = connection.sock.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(der).serial_number


def renewals(gw, what="certificate"):
    return len(re.findall(rf"renewed {what}.*: (\d+) of \1 workers", gw.log()))


def wait_renewal(gw, before, what="certificate", timeout_s=15):
    wait_for(lambda: renewals(gw, what) > before, f"a renewal of {what}", timeout_s)


# ---- a certificate of our own ----

def swap_files(files, identity, key_first):
    """One file renamed over, then the other."""
    if key_first:
        put(files.path("cert.key"), key_pem(identity.key), 0o600)
    put(files.path("cert.pem"), identity.pem)
    if not key_first:
        put(files.path("cert.key"), key_pem(identity.key), 0o600)


def swap_folder(files, identity, turn):
    """Another folder beside, and the link to it renamed over."""
    old, new = os.path.realpath(files.dir), f"{files.dir}-{turn + 1}"
    os.mkdir(new)
    put_pair(new, identity)
    os.symlink(os.path.basename(new), files.dir + ".new")
    os.rename(files.dir + ".new", files.dir)
    shutil.rmtree(old)


def rotate(gw, pki, files, count):
    """As many new pairs, one after the other, by renamed files and by a renamed link in turn; each
    is what every new client is shown once the gateway says so. Returns all that were shown."""
    shown_to_us = set()
    for turn in range(count):
        identity = new_pair(pki)
        before = renewals(gw)
        if turn % 2:
            swap_folder(files, identity, turn)
        else:
            swap_files(files, identity, turn % 4 == 0)
        wait_renewal(gw, before)
        for _ in range(2):
            serial = presented(gw, pki)
            assert serial == identity.serial
            shown_to_us.add(serial)
    return shown_to_us


def rotations_under_load(start, pki, files, count):
    """64 clients, who verify what they are shown: most keep their connections, some take a new one
    for each request."""
    first = new_pair(pki)

    def folder_behind_a_link(gateway_dir):
        files.dir = os.path.join(gateway_dir, "live")
        os.mkdir(files.dir + "-0")
        put_pair(files.dir + "-0", first)
        os.symlink("live-0", files.dir)

    gw = start(SHOWN, prepare=folder_behind_a_link, workers=2)
    workers = set(gw.workers())
    ctx = wire.context(pki.alice, ca=pki.ca)
    with Load(lambda: wire.tls(gw.port["tls"], ctx=ctx), 56) as keeping, \
            Load(lambda: OneRequest(wire.tls(gw.port["tls"], ctx=ctx)), 8) as coming:
        assert len(rotate(gw, pki, files, count)) == count
    assert keeping.failures == []
    assert coming.failures == []
    assert set(gw.workers()) == workers, "nobody was replaced"
    assert "reconfiguring" not in gw.log()
    print(f"{count} rotations: {sum(keeping.done)} requests on kept connections, "
          f"{sum(coming.done)} on new ones")


def test_a_certificate_rotates_fifty_times_under_load(start, pki, files):
    rotations_under_load(start, pki, files, 10 if SANITIZED else 50)


@pytest.mark.long
def test_a_certificate_rotates_a_thousand_times_under_load(start, pki, files):
    rotations_under_load(start, pki, files, 1000)


def test_a_half_replaced_pair_waits_for_its_other_half(shown, pki, files):
    gw = shown()
    before = presented(gw, pki)
    identity = new_pair(pki)
    put(files.path("cert.pem"), identity.pem)
    time.sleep(1.5)
    assert presented(gw, pki) == before
    assert "[error]" not in gw.log(), "it is not called bad yet"
    seen = renewals(gw)
    put(files.path("cert.key"), key_pem(identity.key), 0o600)
    wait_renewal(gw, seen)
    assert presented(gw, pki) == identity.serial


def test_a_file_that_is_written_in_place_and_slowly(shown, pki, files):
    gw = shown()
    identity = new_pair(pki)
    seen = renewals(gw)
    for name, data in (("cert.pem", identity.pem), ("cert.key", key_pem(identity.key))):
        with open(files.path(name), "wb") as out:
            for byte in range(0, len(data), 200):
                out.write(data[byte:byte + 200])
                out.flush()
                time.sleep(0.05)
    wait_renewal(gw, seen)
    assert presented(gw, pki) == identity.serial
    assert "[error]" not in gw.log()


def test_what_is_bad_stays_out_and_the_log_says_why(shown, pki, files):
    """Three servers, each with its own trouble; all go on with what they had."""
    others = "".join(SHOWN.replace("a.test", f"{name}.test").replace("cert.", f"{name}.")
                     for name in ("b", "c"))
    pairs = {name: new_pair(pki) for name in ("b", "c")}
    files.first.update({f"{n}.{kind}": data for n, who in pairs.items()
                        for kind, data in (("pem", who.pem), ("key", key_pem(who.key)))})
    gw = shown(SHOWN + others)
    before = presented(gw, pki)
    put(files.path("cert.pem"), b"this is no certificate\n")
    put(files.path("b.key"), key_pem(new_pair(pki).key), 0o600)
    os.unlink(files.path("c.pem"))
    for code, name in (("certificate-unreadable", "a"), ("key-mismatch", "b"),
                       ("file-unreadable", "c")):
        gw.wait_log(rf"\[error\].* of server \"{name}\.test\", valid until .* stays in use, .*"
                    rf"\[{code}\] in .*gateway.conf:\d+", 20)
    assert presented(gw, pki) == before
    for name, who in pairs.items():
        assert presented(gw, pki, sni=f"{name}.test") == who.serial

    seen = renewals(gw)
    identity = new_pair(pki)
    put_pair(files.dir, identity)
    wait_renewal(gw, seen)
    assert presented(gw, pki) == identity.serial


def test_a_key_behind_a_pass_phrase(start, pki, files):
    from cryptography.hazmat.primitives import serialization  # pylint: disable=C0415

    def locked(identity, phrase):
        return identity.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(phrase))

    first, second = new_pair(pki), new_pair(pki)
    files.having(cert__pem=first.pem, cert__key=locked(first, b"one"), phrases=b"one\n")
    gw = start(SHOWN.replace("return", "ssl_password_file @dir@/live/phrases; return"),
               prepare=files)
    put(files.path("phrases"), b"two\n")
    put(files.path("cert.pem"), second.pem)
    put(files.path("cert.key"), locked(second, b"two"), 0o600)
    wait_for(lambda: presented(gw, pki) == second.serial, "the second certificate", 5)


# ---- as others swap files ----

def test_a_secret_as_kubernetes_mounts_it(start, pki, files):
    """Every name is a link through ..data, which is a link that is renamed over."""
    first, second = new_pair(pki), new_pair(pki)

    def version(folder, identity):
        os.mkdir(folder)
        write(f"{folder}/cert.pem", identity.pem)
        write(f"{folder}/cert.key", key_pem(identity.key))

    def mount(gateway_dir):
        files(gateway_dir)
        version(files.path("..one"), first)
        os.symlink("..one", files.path("..data"))
        for name in ("cert.pem", "cert.key"):
            os.symlink(f"..data/{name}", files.path(name))

    gw = start(SHOWN, prepare=mount)
    version(files.path("..two"), second)
    os.symlink("..two", files.path("..data_tmp"))
    os.rename(files.path("..data_tmp"), files.path("..data"))
    shutil.rmtree(files.path("..one"))
    wait_for(lambda: presented(gw, pki) == second.serial, "the second certificate", 5)
    assert "[error]" not in gw.log()


def test_a_lineage_as_certbot_keeps_it(start, pki, files):
    """live/ holds links into archive/, which are replaced one by one."""
    first, second = new_pair(pki), new_pair(pki)
    archive = {}

    def lineage(gateway_dir):
        files(gateway_dir)
        archive["dir"] = os.path.join(gateway_dir, "archive")
        os.mkdir(archive["dir"])
        keep(first, 1)
        link(1)

    def keep(identity, number):
        write(f"{archive['dir']}/cert{number}.pem", identity.pem)
        write(f"{archive['dir']}/privkey{number}.pem", key_pem(identity.key))

    def link(number):
        for name, target in (("cert.pem", "cert"), ("cert.key", "privkey")):
            os.symlink(f"../archive/{target}{number}.pem", files.path("new"))
            os.rename(files.path("new"), files.path(name))

    gw = start(SHOWN, prepare=lineage)
    keep(second, 2)
    link(2)
    wait_for(lambda: presented(gw, pki) == second.serial, "the second certificate", 5)
    assert "[error]" not in gw.log()


def test_a_folder_that_goes_and_comes_back(shown, pki, files):
    gw = shown()
    before = presented(gw, pki)
    os.rename(files.dir, files.dir + ".old")
    time.sleep(0.5)
    assert presented(gw, pki) == before
    identity = new_pair(pki)
    os.mkdir(files.dir + ".new")
    put_pair(files.dir + ".new", identity)
    os.rename(files.dir + ".new", files.dir)
    wait_for(lambda: presented(gw, pki) == identity.serial, "the certificate that is back", 5)


def test_nothing_is_watched_when_that_is_off(shown, pki, files):
    gw = shown(main="mtls_watch off;")
    before = presented(gw, pki)
    identity = new_pair(pki)
    put_pair(files.dir, identity)
    time.sleep(1)
    assert presented(gw, pki) == before
    gw.reload()
    wait_for(lambda: presented(gw, pki) == identity.serial, "the certificate after a reload", 5)


# ---- who may come ----

def test_a_bundle_that_drops_a_ca(start, pki, files):
    """Clients of that CA are refused at once: new ones, resumed ones, and those that are there."""
    files.having(ca__pem=pki.ca.pem + pki.foreign.pem)
    gw = start(JUDGED % "", prepare=files, workers=2)
    ctx = wire.context(pki.stranger, version="1.2")
    with wire.tls(gw.port["tls"], pki.alice) as stays, wire.tls(gw.port["tls"], ctx=ctx) as goes:
        assert stays.request().status == 200
        assert goes.request().status == 200
        session = goes.session
        put(files.path("ca.pem"), pki.ca.pem)
        wait_renewal(gw, 0, "trusted certificates")
        assert goes.ended()
        assert stays.request().status == 200
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert wire.get(gw.port["tls"], pki.stranger).status == 400
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as again:
        assert not again.reused
        assert again.request().status == 400


def test_a_bundle_that_cannot_be_read_widens_nothing(start, pki, files):
    files.having(ca__pem=pki.ca.pem)
    gw = start(JUDGED % "", prepare=files)
    put(files.path("ca.pem"), pki.foreign.pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n")
    gw.wait_log(r"\[error\].*trusted certificates .* stays in use.*\[certificate-unreadable\]", 10)
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert wire.get(gw.port["tls"], pki.stranger).status == 400


@pytest.mark.alone
def test_a_list_that_grows_by_one(start, pki, files):
    files.having(ca__pem=pki.ca.pem, crl__pem=pki.ca.crl([pki.revoked]))
    gw = start(JUDGED % "ssl_crl @dir@/live/crl.pem;", prepare=files, workers=2)
    ctx = wire.context(pki.bob, version="1.2")
    with wire.tls(gw.port["tls"], pki.alice) as stays, wire.tls(gw.port["tls"], ctx=ctx) as goes:
        assert stays.request().status == 200
        assert goes.request().status == 200
        session = goes.session
        begun = time.monotonic()
        put(files.path("crl.pem"), pki.ca.crl([pki.revoked, pki.bob], number=2))
        assert goes.ended()
        if not SANITIZED:
            assert time.monotonic() - begun < 1
        assert stays.request().status == 200
    wait_renewal(gw, 0, "revocation lists")
    for _ in range(4):
        assert wire.get(gw.port["tls"], pki.bob).status == 400
        assert wire.get(gw.port["tls"], pki.alice).status == 200
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as again:
        assert not again.reused


def test_a_list_of_somebody_else_stays_out(start, pki, files):
    """Of the trusted CA's name, but not signed with its key."""
    files.having(ca__pem=pki.ca.pem, crl__pem=pki.ca.crl([pki.revoked]))
    gw = start(JUDGED % "ssl_crl @dir@/live/crl.pem;", prepare=files)
    der = bytearray(base64.b64decode(b"".join(pki.ca.crl([pki.alice]).splitlines()[1:-1])))
    der[-1] ^= 1
    put(files.path("crl.pem"), b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(bytes(der))
        + b"-----END X509 CRL-----\n")
    gw.wait_log(r"\[error\].*stays in use.*\[crl-signature-invalid\]", 10)
    assert wire.get(gw.port["tls"], pki.alice).status == 200
    assert wire.get(gw.port["tls"], pki.revoked).status == 400


def test_a_ca_and_its_list_that_change_together(start, pki, files):
    """Neither goes with the other's older half: the new list is signed with the new key."""
    files.having(ca__pem=pki.ca.pem, crl__pem=pki.ca.crl([pki.alice]))
    gw = start(JUDGED % "ssl_crl @dir@/live/crl.pem;", prepare=files)
    assert wire.get(gw.port["tls"], pki.imposter).status == 400
    put(files.path("ca.pem"), pki.namesake.pem)
    time.sleep(0.4)
    put(files.path("crl.pem"), pki.namesake.crl())
    wait_renewal(gw, 0, "trusted certificates")
    wait_for(lambda: wire.get(gw.port["tls"], pki.imposter).status == 200, "the new CA's client")
    assert wire.get(gw.port["tls"], pki.alice).status == 400
    assert "stays in use" not in gw.log()


def cpu_ms(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def swap_a_large_list(start, pki, files, entries):
    """Returns (processor time of the workers, KiB that they have more of) for the swap."""
    old = big_crl(pki.ca, entries)
    new = big_crl(pki.ca, entries, also=[pki.revoked.serial], number=2)
    files.having(ca__pem=pki.ca.pem, crl__pem=old)
    gw = start(JUDGED % "ssl_crl @dir@/live/crl.pem;", prepare=files, workers=2)
    gw.wait_log("start worker process")
    time.sleep(1.5)  # what was only just written is read a second time
    assert wire.get(gw.port["tls"], pki.revoked).status == 200
    workers = gw.workers()
    memory, spent = gw.memory_kib(), cpu_ms(workers)
    put(files.path("crl.pem"), new)
    wait_renewal(gw, 0, "revocation lists", 30)
    spent = cpu_ms(workers) - spent
    for _ in range(4):
        assert wire.get(gw.port["tls"], pki.revoked).status == 400
        assert wire.get(gw.port["tls"], pki.alice).status == 200
    return spent, gw.memory_kib() - memory


@pytest.mark.alone
def test_a_list_of_two_hundred_thousand_is_swapped_without_a_stall(start, pki, files):
    """Workers map what the supervisor has read: they spend next to nothing on it."""
    spent_ms, _ = swap_a_large_list(start, pki, files, 200_000)
    if not SANITIZED:
        assert spent_ms <= 40, "for both workers, in ticks of 10 ms"


@pytest.mark.alone
@pytest.mark.long
def test_a_list_of_a_million_is_held_once_after_a_swap(start, pki, files):
    spent_ms, more_kib = swap_a_large_list(start, pki, files, 1_000_000)
    if not SANITIZED:
        assert spent_ms <= 60
        assert more_kib < 8 * 1024


# ---- towards upstreams ----

UPSTREAM = """
    upstream pool { server @backend@; keepalive 8; }
    server {
        listen 127.0.0.1:@http@;
        location / {
            proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass https://pool;
            proxy_ssl_verify on; proxy_ssl_name a.test;
            proxy_ssl_trusted_certificate @dir@/live/ca.pem;
            proxy_ssl_certificate @dir@/live/cert.pem;
            proxy_ssl_certificate_key @dir@/live/cert.key;
        }
    }"""


def test_a_new_certificate_for_upstreams_is_shown_to_the_next_request(start, pki, files):
    first, second = pki.ca.issue("gateway-1"), pki.ca.issue("gateway-2")
    files.having(ca__pem=pki.ca.pem, cert__pem=first.pem, cert__key=key_pem(first.key))
    from cryptography.hazmat.primitives import hashes  # pylint: disable=import-outside-toplevel
    digests = [who.cert.fingerprint(hashes.SHA256()).hex() for who in (first, second)]
    with Backend(tls=server_context(pki.server, pki.ca)) as backend:
        gw = start(UPSTREAM, prepare=files, backend=backend)
        with wire.connect(gw.port["http"]) as client:
            assert client.request().json()["peer"] == digests[0]
            assert client.request().json()["peer"] == digests[0]
            assert backend.connections == 1, "kept alive"
            put_pair(files.dir, second)
            wait_renewal(gw, 0)
            assert client.request().json()["peer"] == digests[1]
        assert backend.connections == 2


def test_an_upstream_whose_ca_is_dropped_is_not_asked_again(start, pki, files):
    one = pki.ca.issue("gateway")
    files.having(ca__pem=pki.ca.pem, cert__pem=one.pem, cert__key=key_pem(one.key))
    with Backend(tls=server_context(pki.server, pki.ca)) as backend:
        gw = start(UPSTREAM, prepare=files, backend=backend)
        with wire.connect(gw.port["http"]) as client:
            assert client.request().status == 200
            put(files.path("ca.pem"), pki.foreign.pem)
            wait_renewal(gw, 0, "trusted certificates")
            assert client.request().status == 502
        assert len(backend.requests) == 1


def test_a_ticket_key_that_is_gone_opens_nothing(shown, pki, files):
    files.first["tickets"] = os.urandom(48)
    gw = shown(SHOWN.replace("return", "ssl_session_ticket_key @dir@/live/tickets; return"))
    ctx = wire.context(pki.alice, version="1.2")
    with wire.tls(gw.port["tls"], ctx=ctx) as first:
        session = first.session
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as again:
        assert again.reused
    put(files.path("tickets"), os.urandom(48), 0o600)
    wait_renewal(gw, 0, "session ticket keys")
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as again:
        assert not again.reused
        assert again.request().status == 200


# ---- when everything happens at once ----

def test_reloads_and_swaps_at_the_same_time(shown, pki, files):
    gw = shown(workers=2)
    ctx = wire.context(pki.alice)
    stop = threading.Event()

    def reload_again_and_again():
        while not stop.is_set():
            gw.send_signal(signal.SIGHUP)
            time.sleep(0.37)

    with Load(lambda: wire.tls(gw.port["tls"], ctx=ctx), 16) as load:
        reloader = threading.Thread(target=reload_again_and_again)
        reloader.start()
        try:
            for _ in range(12):
                identity = new_pair(pki)
                put_pair(files.dir, identity)
                time.sleep(0.21)
        finally:
            stop.set()
            reloader.join()
        wait_for(lambda: all(presented(gw, pki) == identity.serial for _ in range(4)),
                 "the last certificate in every worker", 20)
    assert load.failures == []


def test_a_worker_that_is_killed_while_it_is_told(shown, pki, files):
    gw = shown(workers=3)
    gw.forgiven = "exited on signal 9"
    for _ in range(5):
        identity = new_pair(pki)
        seen = renewals(gw)
        victim = gw.workers()[0]
        os.kill(victim, signal.SIGSTOP)
        put_pair(files.dir, identity)
        time.sleep(0.4)
        os.kill(victim, signal.SIGKILL)
        wait_renewal(gw, seen)
        wait_for(lambda v=victim: len(set(gw.workers()) - {v}) == 3, "another worker")
        for _ in range(6):
            assert presented(gw, pki) == identity.serial


def test_a_worker_that_does_not_answer_is_told_of(shown, pki, files):
    gw = shown(workers=2)
    identity = new_pair(pki)
    asleep = gw.workers()[0]
    os.kill(asleep, signal.SIGSTOP)
    try:
        put_pair(files.dir, identity)
        gw.wait_log(r"\[warn\].*1 of 2 workers have not yet taken the renewed certificate", 15)
    finally:
        os.kill(asleep, signal.SIGCONT)
    wait_renewal(gw, 0)
    for _ in range(6):
        assert presented(gw, pki) == identity.serial
