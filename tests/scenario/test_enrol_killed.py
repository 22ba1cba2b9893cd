"""countersign enrol --watch and the authority that it asks, both killed at any moment: what was
acknowledged stays, what was revoked stays revoked, and there is a usable certificate at the end."""

import json
import random
import re
import threading
import time

import pytest
from cryptography import x509

from enrolling import HOOK, NAME, Client, told, verified_by_openssl
from served import Folder, Server
from waiting import wait_for

pytestmark = pytest.mark.countersign

class Asked:
    """What Client wants of an authority."""

    def __init__(self, server, token):
        self.url, self.fingerprint, self.token = server.url, server.fingerprint, token


class Held(threading.Thread):
    """Looks at the folder of a client all the time: whatever is there has to fit together."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.serials = client, []
        self.stopping, self.error = threading.Event(), None

    def run(self):
        while not self.stopping.wait(0.002) and not self.error:
            try:
                serial = self.client.serial()
            except Exception as error:  # pylint: disable=broad-except
                self.error = error
                return
            if serial and serial not in self.serials[-1:]:
                assert serial not in self.serials, "an older one has come back"
                self.serials.append(serial)

    def end(self):
        self.stopping.set()
        self.join(10)
        if self.error:
            raise self.error


def one_round(client, server, chance, number):
    """Somebody dies; most often the client, sometimes the authority, sometimes both."""
    client.watch("--renew", reload_cmd=HOOK)  # as if it were due
    time.sleep(chance.random() * (0.25 if number % 3 else 1.5))
    if number % 2:
        server.kill()
        time.sleep(chance.random() * 0.1)
        if number % 4 == 1:
            server.start()
            time.sleep(chance.random() * 0.3)
    client.process.kill()
    client.process.wait()
    client.process = None
    if server.process.poll() is not None:
        server.start()


def revoke_one(folder, number, revoked):
    """With a command beside the authority; what it says is kept."""
    name = f"gone{number}.example.internal"
    made = json.loads(folder.ok("issue", "--json", name, "--out", f"{folder.path}-{name}"))
    folder.ok("revoke", made["serial"])
    revoked.add(made["serial"])


def check_books(folder, server, seen, revoked):
    """Everything that anybody was told is in the books, and the books add up."""
    listed = folder.serials()
    assert {f"{s:032X}" for s in seen} <= {s.zfill(32) for s in listed}
    assert revoked == {s for s, gone in listed.items() if gone}
    crl = x509.load_pem_x509_crl(folder.ok("crl").encode())
    assert {int(s, 16) for s in revoked} == {entry.serial_number for entry in crl}
    served_crl = x509.load_der_x509_crl(server.public("/crl/2.crl").body)
    assert {entry.serial_number for entry in served_crl} == {entry.serial_number for entry in crl}
    assert json.loads(folder.ok("audit verify", "--json"))["verdict"] == "sound"
    entries = [e for e in json.loads(folder.ok("audit", "--json"))["entries"]
               if NAME in e["detail"] and e["action"] in ("issue", "renew")]
    assert [e["action"] for e in entries].count("issue") == 1, "the token was good once"
    after = [re.search(r"after ([0-9A-F]+)", e["detail"])[1] for e in entries[1:]]
    assert len(after) == len(set(after)), "a request that was repeated is one request"
    assert len(entries) > 1


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=pytest.mark.long)])
def test_both_killed_at_any_moment(tmp_path, rounds):
    folder = Folder(tmp_path / "ca")
    server = Server(folder)
    try:
        kill_rounds(tmp_path, folder, server, rounds)
        server.stop()
    finally:
        server.kill()


def kill_rounds(tmp_path, folder, server, rounds):
    client = Client(tmp_path, Asked(server, folder.token(NAME, profile="spiffe")))
    chance, revoked, held = random.Random(rounds), set(), Held(client)
    held.start()
    try:
        for number in range(rounds):
            one_round(client, server, chance, number)
            if number % 5 == 0:
                revoke_one(folder, number, revoked)
        mark = len(client.said())
        client.watch("--renew", reload_cmd=HOOK)
        client.wait_said("renewed: certificate|got certificate", start=mark, timeout_s=30)
        wait_for(lambda: told(client) and told(client)[-1][1] == client.serial(),
                 "the command to have been told")
        client.process.terminate()
        assert client.process.wait(10) == 0
        client.process = None
    finally:
        if client.process:
            client.process.kill()
            client.process.wait()
        held.end()
    assert verified_by_openssl(client)
    check_books(folder, server, set(held.serials) | {serial for _, serial in told(client)}, revoked)
    before = client.serial()
    assert client.run("--renew", token=None, reload_cmd=HOOK).returncode == 0
    assert client.serial() != before
