"""An authority for the tests of its clients: it does what docs/api/openapi.yaml says, in little,
and on request what no authority should do.

Faults are functions that are called in turn, one for each request to issue: they return an answer
(status, body) or None to go on as usual.
"""

import datetime
import hashlib
import http.server
import json
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import pki
from pki import Authority, cert_pem


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def problem(status, code, title, **more):
    body = {"type": "tag:countersign,2026:" + code, "title": title, "status": status,
            "code": code, **more}
    return status, json.dumps(body).encode()


def spki(public_key):
    return public_key.public_bytes(serialization.Encoding.DER,
                                   serialization.PublicFormat.SubjectPublicKeyInfo)


class StandIn:
    """Issues certificates that live life seconds and are to be renewed after two thirds."""

    def __init__(self, folder, life=3600, tokens=("cst_" + "t" * 43,), clock=None):
        self.folder = str(folder)
        self.root = Authority("Stand-in root")
        self.issuing = Authority("Stand-in issuing", parent=self.root)
        self.life, self.tokens = life, list(tokens)
        self.renew_after = 2 / 3  # of the life
        self.ahead = datetime.timedelta()  # of the real time
        self.issued = {}  # (proof, key) → certificate
        self.requests = []  # (path, body, serial of the client's certificate)
        self.faults = []
        self.lock = threading.Lock()
        self.port = None
        self.server = None
        self.own = self.issuing.issue("localhost", san=["localhost", "ip:127.0.0.1"],
                                      eku=["server"]).save(self.folder, "stand-in")
        self.root.save(self.folder, "stand-in-root")

    @property
    def token(self):
        return self.tokens[0]

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    @property
    def fingerprint(self):
        return hashlib.sha256(self.root.cert.public_bytes(serialization.Encoding.DER)).hexdigest()

    def now(self):
        return datetime.datetime.utcnow() + self.ahead

    # ---- serving ----

    def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.own.certfile, self.own.keyfile)
        context.load_verify_locations(self.root.certfile)
        context.verify_mode = ssl.CERT_OPTIONAL
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except (OSError, ssl.SSLError):
                    self.close_connection = True

            def do_GET(self):
                stand_in.get(self)

            def do_POST(self):
                stand_in.post(self)

            def date_time_string(self, timestamp=None):
                return stand_in.now().strftime("%a, %d %b %Y %H:%M:%S GMT")

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, peer = super().get_request()
                connection.settimeout(10)
                return context.wrap_socket(connection, server_side=True,
                                           do_handshake_on_connect=False), peer

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", self.port or 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def get(self, handler):
        if handler.path == "/ca.pem":
            send(handler, 200, self.root.pem, "application/pem-certificate-chain")
        else:
            send(handler, *problem(404, "not-found", "there is nothing there"))

    def post(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        peer = handler.connection.getpeercert(binary_form=True)
        serial = x509.load_der_x509_certificate(peer).serial_number if peer else None
        with self.lock:
            self.requests.append((handler.path, json.loads(body), serial))
            fault = self.faults.pop(0) if self.faults else None
            answer = fault(self, handler, json.loads(body), serial) if fault else None
            if answer is not NO_ANSWER:
                answer = answer or self.answer(handler.path, json.loads(body), serial)
        if answer is not NO_ANSWER:
            send(handler, *answer)

    # ---- issuing ----

    def answer(self, path, body, serial):
        if path == "/v1/enrol":
            if set(body) - {"token", "csr", "identity", "profile", "ttl"}:
                return problem(400, "unknown-field", "a member of the body is not known")
            proof = body["token"]
            if proof not in self.tokens:
                return problem(401, "token-unknown", "the token is not known",
                               hint="ask for a new one")
        else:
            if set(body) - {"csr", "ttl"}:
                return problem(400, "unknown-field", "a member of the body is not known")
            proof = serial
            if serial is None:
                return problem(401, "certificate-missing", "no certificate was presented")
        request = x509.load_pem_x509_csr(body["csr"].encode())
        return self.issue(proof, request, body.get("ttl"))

    def issue(self, proof, request, ttl=None):
        key = spki(request.public_key())
        held = self.issued.get((proof, key))
        if held:
            return 200, held
        if isinstance(proof, str) and any(p == proof for p, _ in self.issued):
            return problem(401, "token-used", "the token has been used")
        body = self.certify(request, ttl or self.life)
        self.issued[proof, key] = body
        return 201, body

    def certify(self, request, life):
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        start = self.now().replace(microsecond=0)
        end = start + datetime.timedelta(seconds=life)
        leaf = self.issuing.issue(None, subject=x509.Name([]), not_before=start - datetime.timedelta(seconds=60),
                                  not_after=end, key=PublicOnly(request.public_key()),
                                  eku=["server", "client"], extensions=[(names, True)]).cert
        renew_at = start + datetime.timedelta(seconds=life * self.renew_after)
        return json.dumps({
            "serial": f"{leaf.serial_number:X}", "certificate": cert_pem(leaf).decode(),
            "chain": self.issuing.pem.decode(), "ca": self.root.pem.decode(),
            "not_before": iso(start), "not_after": iso(end), "renew_at": iso(renew_at)}).encode()


class PublicOnly:
    """What pki.Authority.issue() needs of a key, when only the public half is at hand."""

    def __init__(self, key):
        self.key = key

    def public_key(self):
        return self.key


NO_ANSWER = object()


def send(handler, status, body, kind="application/json", **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


# ---- faults ----

def drop(stand_in, handler, body, serial):
    """Hang up without having done anything."""
    hang_up(handler)
    return NO_ANSWER


def issue_and_drop(stand_in, handler, body, serial):
    """Issue, and hang up before the client hears of it."""
    stand_in.answer(handler.path, body, serial)
    hang_up(handler)
    return NO_ANSWER


def hang_up(handler):
    handler.close_connection = True
    try:
        handler.connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def say(status, body, **headers):
    """Answer so, whatever is asked."""
    def fault(stand_in, handler, _body, serial):
        send(handler, status, body if isinstance(body, bytes) else body.encode(), **headers)
        return NO_ANSWER
    return fault


def refuse(status, code, title, **more):
    def fault(stand_in, handler, body, serial):
        return problem(status, code, title, **more)
    return fault


def change(**members):
    """Issue, and say something else in these members (None: leave the member out); a function is
    called with the stand-in and the signing request."""
    def fault(stand_in, handler, body, serial):
        status, text = stand_in.answer(handler.path, body, serial)
        answer = json.loads(text)
        request = x509.load_pem_x509_csr(body["csr"].encode())
        for name, value in members.items():
            answer[name] = value(stand_in, request) if callable(value) else value
            if answer[name] is None:
                del answer[name]
        return status, json.dumps(answer).encode()
    return fault


def for_other_key(stand_in, request):
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return cert_pem(stand_in.issuing.issue(None, extensions=[(names, True)]).cert).decode()


def for_other_name(stand_in, request):
    return cert_pem(stand_in.issuing.issue(
        "other", san=["other.test"], key=PublicOnly(request.public_key())).cert).decode()


def by_other_authority(stand_in, request):
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    other = pki.Authority("Other root")
    return cert_pem(other.issue(None, key=PublicOnly(request.public_key()),
                                extensions=[(names, True)]).cert).decode()
