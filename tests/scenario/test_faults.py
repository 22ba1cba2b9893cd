"""What goes wrong in real life is named, with its evidence and the right remedy.

The situations are in faults.py. Each is made with real peers and met by the gateway, and the
record that it leaves is compared with what the row says.
"""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

import faults
import peers
import wire
from backend import free_port
from gateway import BINARY, TOP, Gateway, run
from waiting import wait_for

pytestmark = pytest.mark.countersign


def compare(record, says):
    """A record, as JSON, against what a row says of it."""
    words = f"{record.get('primary')}; {record.get('detail', '')}"
    assert record.get("code") == says.code, words
    assert re.search(says.facts, words, re.S), f"{says.facts!r} is not in: {words}"
    hint = record.get("hint", "")
    assert re.search(says.hint, hint, re.S), f"{says.hint!r} is not in the hint: {hint}"
    likely = record.get("likely", "")
    assert re.search(says.likely or "^$", likely), f"likely {likely!r}, not {says.likely!r}"


def ids(rows):
    return [row.id for row in rows]


def quick_and_long(rows):
    """Rows as parameters; Go's first build takes too long for every day."""
    return [pytest.param(row, id=row.id, marks=[pytest.mark.long] if is_long(row) else [])
            for row in rows]


def is_long(row):
    return row.client.__qualname__.startswith("go.")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("zoo"))
    subprocess.run([sys.executable, os.path.join(TOP, "tests", "pki", "make.py"), folder],
                   check=True)
    return folder


# --- the gateway as server ---


class Site:
    """One gateway with a port and a failure log for every row."""

    def __init__(self, zoo, rows):
        self.zoo = zoo
        self.port = {one: free_port() for one in ids(rows)}
        blocks = [row.serve.blocks(zoo, self.port[row.id],
                                   f"mtls_failure_log @dir@/{row.id}.json format=json;")
                  for row in rows]
        self.gateway = Gateway("".join(blocks), pki=SimpleNamespace(dir=zoo))

    def records(self, row):
        return [json.loads(line) for line in self.gateway.read(row.id + ".json").splitlines()]

    def meet(self, row):
        """Let the client come; the records that it left, at least one."""
        try:
            said = row.client(self.zoo, self.port[row.id])
        except peers.Missing as missing:
            pytest.skip(str(missing))
        try:
            return wait_for(lambda: self.records(row), "a record", 3)
        except AssertionError:
            raise AssertionError(f"no record; the client said: {said[-1000:]}") from None


@pytest.fixture(scope="module")
def site(zoo):
    one = Site(zoo, faults.FAULTS)
    yield one
    one.gateway.finish()


@pytest.mark.parametrize("row", quick_and_long(faults.FAULTS))
def test_the_gateway_names_the_fault(site, row):
    records = site.meet(row)
    compare(records[0], row.gateway)
    log = site.gateway.log()
    likely = f", likely: {records[0]['likely']}" if "likely" in records[0] else ""
    assert re.search(rf"\[error\][^\n]*\[{row.gateway.code}\][^\n]*{records[0]['incident']}"
                     rf"[^\n]*{likely}", log)


# --- the gateway as client ---

PROXY = """
    server {{
        listen 127.0.0.1:{front};
        mtls_failure_log @dir@/{id}.json format=json;
        location / {{
            proxy_pass https://127.0.0.1:{port};
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {zoo}/{ca}.pem;
            proxy_ssl_name {name};
            proxy_ssl_server_name on;
            {crl}
            {pair}
        }}
    }}"""


class Front:
    """One gateway with a plain port, an upstream and a failure log for every row."""

    def __init__(self, zoo, rows):
        self.zoo = zoo
        ports = [free_port() for _ in range(2 * len(rows))]
        self.port = dict(zip(ids(rows), zip(ports[::2], ports[1::2])))
        self.gateway = Gateway("".join(map(self.block, rows)), pki=SimpleNamespace(dir=zoo))

    def block(self, row):
        front, port = self.port[row.id]
        ask, zoo = row.ask, self.zoo
        pair = (f"proxy_ssl_certificate {zoo}/{ask.cert}.pem;"
                f" proxy_ssl_certificate_key {zoo}/{ask.cert}.key;" if ask.cert else "")
        crl = f"proxy_ssl_crl {zoo}/{ask.crl}.pem;" if ask.crl else ""
        return PROXY.format(id=row.id, front=front, port=port, zoo=zoo, ca=ask.ca, name=ask.name,
                            crl=crl, pair=pair)

    def meet(self, row):
        front, port = self.port[row.id]
        server = row.server(self.zoo, row.serve, port) if row.server else None
        try:
            with wire.connect(front) as client:
                assert client.request().status == 502
        finally:
            if server:
                server.stop()
        return [json.loads(line) for line in self.gateway.read(row.id + ".json").splitlines()]


@pytest.fixture(scope="module")
def front(zoo):
    one = Front(zoo, faults.UPSTREAMS)
    yield one
    one.gateway.finish()


@pytest.mark.parametrize("row", faults.UPSTREAMS, ids=ids(faults.UPSTREAMS))
def test_the_gateway_names_the_fault_of_an_upstream(front, row):
    compare(front.meet(row)[0], row.says)


# --- doctor as client ---


class NotPresented(Exception):
    """The TLS library does not take the certificate; the text is what doctor says of it."""


def doctor(zoo, port, ask):
    """What it says of a server, as JSON."""
    pair = ["--cert", f"{zoo}/{ask.cert}.pem", "--key", f"{zoo}/{ask.cert}.key"]
    crl = ["--crl", f"{zoo}/{ask.crl}.pem"] if ask.crl else []
    done = run("doctor", "--json", "--timeout", "2", "--ca", f"{zoo}/{ask.ca}.pem", "--sni", ask.name,
               *(pair if ask.cert else []), *crl, f"127.0.0.1:{port}")
    report = json.loads(done.stdout)
    if done.returncode == 2:
        assert report["tried"] is False
        raise NotPresented(done.stderr)
    assert done.returncode == (0 if report["ok"] else 1), done.stderr
    return {"primary": report["conclusion"], **report}


def visited(zoo, server, serve, ask):
    port = free_port()
    running = server(zoo, serve, port) if server else None
    try:
        return doctor(zoo, port, ask)
    finally:
        if running:
            running.stop()


@pytest.mark.parametrize("row", faults.UPSTREAMS, ids=ids(faults.UPSTREAMS))
def test_doctor_names_the_fault_of_a_server(zoo, row):
    compare(visited(zoo, row.server, row.serve, row.ask), row.says)


SERVERS = {"nginx": peers.nginx_server(), "openssl": peers.openssl_server(),
           "haproxy": peers.haproxy_server(), "gnutls": peers.gnutls_server()}


def refusals():
    """Every bad certificate with a server that refuses it; which one goes round."""
    names = ["nginx", "openssl", "haproxy"]
    for number, row in enumerate(r for r in faults.CLIENTS if r.cert):
        server = "nginx" if row.id in faults.NGINX_ONLY else names[number % 3]
        if row.id not in faults.TAKEN_BY_SERVERS:
            yield pytest.param(row, server, id=f"{row.id}-{server}")


@pytest.mark.parametrize("row, server", refusals())
def test_doctor_names_why_a_server_refuses_it(zoo, row, server):
    try:
        report = visited(zoo, SERVERS[server], row.serve, faults.Ask(cert=row.cert))
    except NotPresented as reason:
        assert re.search(row.gateway.facts + ".*hint: .*" + row.gateway.hint, str(reason), re.S)
        return
    seen = faults.refused(row.gateway.hint, row.gateway.facts, row.gateway.code)
    compare(report, faults.AT_DOCTOR.get(row.id, seen))


@pytest.mark.parametrize("server", SERVERS)
def test_doctor_finds_nothing_where_nothing_is_wrong(zoo, server):
    report = visited(zoo, SERVERS[server], peers.Serve(), faults.Ask(cert="client"))
    assert report["ok"] and "code" not in report, report


@pytest.mark.parametrize("row", faults.OWN_FILES, ids=ids(faults.OWN_FILES))
def test_doctor_names_what_is_wrong_with_its_own_files(zoo, row):
    done = run("doctor", "--cert", f"{zoo}/{row.cert}.pem", "--key", f"{zoo}/{row.key}.key",
               "--ca", f"{zoo}/{row.ca}.pem", "127.0.0.1:1")
    assert done.returncode == 2
    assert re.search(row.says, done.stderr, re.S), done.stderr


# --- doctor as server ---


def is_mirrored(row):
    """Whether doctor --listen can be set up like that: it has certificates, and no directives."""
    serve = row.serve
    return not (serve.more or serve.beside) and serve.listen == "ssl" and serve.trust


def listened(zoo, row):
    """What doctor --listen says of the client, as JSON."""
    serve = row.serve
    command = [BINARY, "doctor", "--listen", "127.0.0.1:0", "--once", "--json", "--timeout", "1",
               "--cert", f"{zoo}/{serve.cert}.pem", "--key", f"{zoo}/{serve.key or serve.cert}.key",
               "--client-ca", f"{zoo}/{serve.trust}.pem",
               *(["--crl", f"{zoo}/{serve.crl}.pem"] if serve.crl else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as mirror:
        try:
            port = int(re.search(r":(\d+)$", mirror.stderr.readline()).group(1))
            row.client(zoo, port)
            said, complaint = mirror.communicate(timeout=peers.PATIENCE_S)
        except peers.Missing as missing:
            pytest.skip(str(missing))
        finally:
            mirror.kill()
    report = json.loads(said)
    assert mirror.returncode == (0 if report["ok"] else 1), complaint
    return {"primary": report["conclusion"], **report}


@pytest.mark.parametrize("row", quick_and_long(
    [r for r in faults.FAULTS if is_mirrored(r) and r.id not in faults.NOT_MIRRORED]))
def test_doctor_names_the_fault_of_a_client(zoo, row):
    compare(listened(zoo, row), row.gateway)


# --- configuration ---


@pytest.mark.parametrize("row", faults.CONFIGURATION, ids=ids(faults.CONFIGURATION))
def test_a_check_names_what_is_wrong_with_files(zoo, tmp_path, row):
    path = tmp_path / "gateway.conf"
    path.write_text("events {} http {\n" + row.serve.blocks(zoo, 8443) + "\n}\n")
    done = run("check", "--json", "-c", str(path))
    found = [f for f in json.loads(done.stdout)["findings"] if f["code"] == row.gateway.code]
    assert found, done.stdout
    compare(found[0], row.gateway)


# --- good here, and maybe not elsewhere ---


def findings_in(report):
    """Every finding of an inspection, wherever it is."""
    if isinstance(report, dict):
        yield from report.get("findings", [])
        for value in report.values():
            yield from findings_in(value)
    elif isinstance(report, list):
        for value in report:
            yield from findings_in(value)


@pytest.mark.parametrize("row", faults.ODDITIES, ids=ids(faults.ODDITIES))
def test_an_oddity_is_remarked_on(zoo, row):
    done = run("inspect", "--json", f"{zoo}/{row.cert}.pem")
    found = [f for f in findings_in(json.loads(done.stdout)) if f["code"] == row.says.code]
    assert found, done.stdout
    assert found[0]["severity"] in ("warning", "notice")
    compare(found[0], row.says)


@pytest.mark.parametrize("row", [r for r in faults.ODDITIES if not r.cert.startswith("server")],
                         ids=lambda row: row.id)
def test_an_oddity_is_let_in(zoo, odd_port, row):
    assert "welcome" in peers.python(cert=row.cert)(zoo, odd_port)


@pytest.fixture(scope="module")
def odd_port(zoo):
    port = free_port()
    one = Gateway(peers.Serve(depth=2).blocks(zoo, port), pki=SimpleNamespace(dir=zoo))
    yield port
    one.finish()


# --- the list ---


def test_every_fault_of_the_list_is_met_or_excused():
    met = {row.number for row in 
           faults.FAULTS + faults.UPSTREAMS + faults.CONFIGURATION + faults.ODDITIES
           + faults.OWN_FILES}
    excused = set(faults.NOT_HERE)
    assert met & excused == set()
    assert set(faults.LIST) - met - excused == set()
    assert len(set(ids(faults.FAULTS))) == len(faults.FAULTS)
