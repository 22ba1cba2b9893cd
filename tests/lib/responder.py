"""An OCSP responder that does as it is told, wrong things included."""

import contextlib
import datetime
import http.server
import re
import subprocess
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from pki import now
from waiting import wait_for

GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED
UNKNOWN = ocsp.OCSPCertStatus.UNKNOWN
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
SECOND = datetime.timedelta(seconds=1)


def aia(url):
    """The extension that names a responder."""
    return x509.AuthorityInformationAccess([x509.AccessDescription(
        x509.oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))]), False


@contextlib.contextmanager
def openssl_ocsp(folder, ca, signer, key, known):
    """OpenSSL's own responder, over an index of its CA; gives its URL.

    ca, signer, key: files; known: a serial number's reason of revocation, or None. It takes the
    connections that it is given only once it waits for them, on a port that the kernel chose: one
    that was free a moment ago may be somebody else's by now.
    """
    index, log = f"{folder}/ocsp-index.txt", f"{folder}/ocsp.log"
    with open(index, "w", encoding="ascii") as out:
        for serial, reason in known.items():
            digits = f"{serial:X}"
            digits = digits.rjust(len(digits) + len(digits) % 2, "0")
            row = ("R", "491231235959Z", f"240101000000Z,{reason}") if reason else \
                  ("V", "491231235959Z", "")
            print(*row, digits, "unknown", "/CN=known", sep="\t", file=out)
    with open(log, "wb") as out:
        process = subprocess.Popen(["openssl", "ocsp", "-port", "0", "-index", index, "-CA", ca,
                                    "-rsigner", signer, "-rkey", key, "-nmin", "5"],
                                   stdout=out, stderr=out)

    def port():
        with open(log, encoding="utf-8") as said:
            text = said.read()
        assert process.poll() is None, text
        return "waiting" in text and re.search(r"ACCEPT .*:(\d+)", text)

    try:
        yield f"http://127.0.0.1:{wait_for(port, 'openssl to listen')[1]}/"
    finally:
        process.kill()
        process.wait()


class Responder:
    """Answers for the CAs it is given, from its own thread.

    status: of each serial number that is not good; life_s, age_s: when the answer ends, and how
    long ago it began; signer: an Identity that signs instead of the CA; nonce: "echo", "none" or
    "other"; fault: a function that takes the request handler instead of all this; gate: clear it
    to keep answers back; delay_s: of each serial
    number that is answered later; asked: the serial numbers of all questions.
    """

    def __init__(self, *authorities):
        self.authorities = authorities
        self.status, self.asked, self.delay_s = {}, [], {}
        self.life_s, self.age_s, self.signer, self.nonce, self.fault = 3600, 60, None, "echo", None
        self.gate = threading.Event()
        self.gate.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def aia(self):
        """The extension that names this responder."""
        return aia(self.url)

    def _handler(self):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = ocsp.load_der_ocsp_request(body)
                responder.asked.append(request.serial_number)
                responder.gate.wait(30)
                time.sleep(responder.delay_s.get(request.serial_number, 0))
                try:
                    if responder.fault:
                        responder.fault(self)
                    else:
                        responder.send(self, responder.answer(request))
                except OSError:
                    pass

            def log_message(self, *arguments):
                pass

        return Handler

    @staticmethod
    def send(handler, body, status=200):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/ocsp-response")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _issuer(self, request):
        for authority in self.authorities:
            digest = hashes.Hash(hashes.SHA1())
            digest.update(authority.cert.subject.public_bytes())
            if digest.finalize() == request.issuer_name_hash:
                return authority
        raise OSError("nobody's certificate")

    def answer(self, request):
        """The answer to @request, DER."""
        authority = self._issuer(request)
        serial = request.serial_number
        status = self.status.get(serial, GOOD)
        start = now() - self.age_s * SECOND
        about = _Serial(authority, serial)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=about.cert, issuer=authority.cert, algorithm=hashes.SHA1(), cert_status=status,
            this_update=start,
            next_update=None if self.life_s is None else now() + self.life_s * SECOND,
            revocation_time=start if status == REVOKED else None,
            revocation_reason=x509.ReasonFlags.key_compromise if status == REVOKED else None)
        signer = self.signer or authority
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.cert)
        if signer is not authority:
            builder = builder.certificates([signer.cert])
        for extension in request.extensions:
            if isinstance(extension.value, x509.OCSPNonce) and self.nonce != "none":
                value = extension.value.nonce if self.nonce == "echo" else b"0" * 32
                builder = builder.add_extension(x509.OCSPNonce(value), False)
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class _Serial:
    """A certificate of nobody, which has this serial number."""

    def __init__(self, authority, serial):
        self.cert = authority.issue("nobody", serial=serial).cert


# what may go wrong

def silence(_handler):
    time.sleep(30)


def garbage(handler):
    Responder.send(handler, b"\x30\x82\xff\xff not an answer")


def too_much(handler):
    Responder.send(handler, b"\0" * 10_000_000)


def not_found(handler):
    Responder.send(handler, b"", 404)


def try_later(handler):
    Responder.send(handler, b"\x30\x03\x0a\x01\x03")


def hang_up(handler):
    handler.connection.close()
