"""A real CA that is asked over the network: its folder, its process, its clients."""

import json
import os
import re
import socket
import subprocess
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

import pki
import wire
from gateway import BINARY, CALAMITY, IS_ROOT, run
from waiting import wait_for

DOMAIN = "example.internal"
JSON = ("Content-Type", "application/json")


def serial(identity):
    """As the API and the commands write it: whole bytes, none of them zero in front."""
    text = f"{identity.cert.serial_number:X}"
    return "0" * (len(text) % 2) + text


def pem_certs(text):
    return [x509.load_pem_x509_certificate(block.encode())
            for block in re.findall("-----BEGIN.*?-----END CERTIFICATE-----\n", text, re.S)]


def csr(key, *names):
    """A signing request for the key, PEM; names as pki.general_name() has them."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([pki.general_name(n) for n in names]), False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Folder:
    """A CA's folder, through the program."""

    def __init__(self, path, *options):
        self.path = str(path)
        self.ok("init", "--domain", DOMAIN, "--url", "http://ca." + DOMAIN + ":9080", *options)

    def run(self, command, *arguments):
        return run("ca", *command.split(), "--dir", self.path, *map(str, arguments))

    def ok(self, command, *arguments):
        done = self.run(command, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, *names, **options):
        words = [part for n, v in options.items() for part in ("--" + n, v)]
        return self.ok("token", *words, *names).split()[0]

    def serials(self):
        """Of all that was issued; True where it is revoked."""
        issued = json.loads(self.ok("list", "--json"))
        return {entry["serial"]: "revoked_at" in entry for entry in issued["certificates"]}

    def entries(self):
        """How many entries the log has, once it is verified."""
        told = self.ok("audit", "--json", "verify")
        return json.loads(told)["entries"]


class Server:
    """`countersign ca serve` on a folder."""

    def __init__(self, folder, *options, user="root"):
        self.folder, self.options = folder, options + (("--user", user) if IS_ROOT else ())
        self.dir = tempfile.mkdtemp(prefix="countersign-ca-")
        self.log_path = os.path.join(self.dir, "log")
        self.port = self.plain = 0  # whichever is free
        self.start()
        self.ca = Roots(self.dir, self.public("/ca.pem").text)

    def start(self):
        """Begin; after stop() or kill(), on the same ports again."""
        env = dict(os.environ)
        report = os.path.join(self.dir, "san")
        env["ASAN_OPTIONS"] = f"log_path={report}:" + env.get("ASAN_OPTIONS", "")
        env["UBSAN_OPTIONS"] = f"log_path={report}:print_stacktrace=1"
        seen = len(self.log()) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "ca", "serve", "--dir", self.folder.path, "--listen",
                 f"127.0.0.1:{self.port}", "--plain", f"127.0.0.1:{self.plain}", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        wait_for(lambda: "fingerprint is" in self.log()[seen:] or self.process.poll() is not None,
                 "the authority to say its fingerprint")
        assert self.process.poll() is None, self.log()
        self.fingerprint = re.search("fingerprint is ([0-9a-f]{64})", self.log())[1]
        self.port, self.plain = map(
            int, re.findall(r"listens on 127\.0\.0\.1:(\d+)", self.log()[seen:]))

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def public(self, target, **how):
        with wire.connect(self.plain) as client:
            return client.request("GET", target, **how)

    def connect(self, cert=None, **how):
        return wire.tls(self.port, cert, sni="localhost", ctx=context(self.ca, cert), **how)

    def stop(self):
        self.process.terminate()
        status = self.process.wait(10)
        reports = [open(os.path.join(self.dir, f), encoding="utf-8", errors="replace").read()
                   for f in os.listdir(self.dir) if f.startswith("san")]
        assert status == 0 and not reports, self.log()[-3000:] + "\n".join(reports)[:8000]
        bad = CALAMITY.search(self.log())
        assert not bad, self.log()[-3000:]

    # what clients ask for

    def post(self, path, body, cert=None, **how):
        with self.connect(cert, **how) as client:
            return post(client, path, body)

    def enrol(self, *names, token=None, key=None, **more):
        key = key or pki.new_key()
        token = token or self.folder.token(*names, profile="peer")
        answer = self.post("/v1/enrol", {"token": token, "csr": csr(key, *names), **more})
        assert answer.status == 201, answer.text
        return self.identity(answer, key)

    def renew(self, identity, key=None):
        key = key or pki.new_key()
        answer = self.post("/v1/renew", {"csr": csr(key)}, identity)
        assert answer.status == 201, answer.text
        return self.identity(answer, key)

    def identity(self, answer, key):
        body = answer.json()
        leaf, *_ = pem_certs(body["certificate"])
        return pki.Identity(leaf, key, pem_certs(body["chain"])).save(self.dir, body["serial"])


class Roots:
    """What wire and curl take for an authority."""

    def __init__(self, folder, pem):
        self.certfile = os.path.join(folder, "roots.pem")
        with open(self.certfile, "w", encoding="ascii") as out:
            out.write(pem)


def context(ca, cert=None):
    ctx = wire.context(cert, ca=ca)
    ctx.check_hostname = False  # it has an address, and wire says names
    return ctx


def post(client, path, body):
    """One POST on a connection; body as JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.request("POST", path, [JSON], data, "authority")


class Follower:
    """The event stream, read by a thread."""

    def __init__(self, port, ctx, since=None):
        headers = [("Last-Event-ID", str(since))] if since is not None else []
        self.client = wire.tls(port, sni="localhost", ctx=ctx)
        self.client.ask("GET", "/v1/events", headers, host="authority")
        self.head = self.client.head()
        self.events, self.text, self.ended = [], "", False
        self.thread = threading.Thread(target=self._read, daemon=True)
        if self.head.status == 200:
            self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            socket.socket.shutdown(self.client.sock, socket.SHUT_RDWR)
        except OSError:
            pass
        if self.thread.ident:
            self.thread.join()  # before somebody else gets the number of its descriptor
        self.client.close()

    def _read(self):
        try:
            self.client.sock.settimeout(60)
            while True:
                size = int(self.client.until(b"\r\n"), 16)
                self.text += self.client.exactly(size).decode()
                self.client.exactly(2)
                if size == 0:
                    break
                whole, _, rest = self.text.rpartition("\n\n")
                self.events += [self.parse(e) for e in whole.split("\n\n") if e.strip(":\n")]
                self.text = rest
        except (wire.Closed, OSError, ValueError):
            pass
        self.ended = True

    @staticmethod
    def parse(text):
        lines = dict(line.split(": ", 1) for line in text.split("\n"))
        return int(lines["id"]), lines["event"], json.loads(lines["data"])

    def wait(self, count, timeout_s=5):
        wait_for(lambda: len(self.events) >= count, f"{count} events", timeout_s)
        return self.events
