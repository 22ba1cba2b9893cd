"""countersign enrol with its folder, and what can be seen of both."""

import os
import re
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from authority import spki
from gateway import BINARY
from waiting import wait_for

NAME = "spiffe://example.internal/billing"


class Client:
    """The command with its folder. ca has a url, a fingerprint and a token."""

    def __init__(self, tmp_path, ca, **options):
        self.dir = str(tmp_path / "held")
        self.ca = ca
        self.options = {"ca": ca.url, "fingerprint": ca.fingerprint, "token": ca.token,
                        "identity": NAME, "out": self.dir, **options}
        self.log = str(tmp_path / "log")
        self.process = None

    def arguments(self, *more, **changes):
        options = {**self.options, **changes}
        return [BINARY, "enrol", *more, *(
            word for name, value in options.items() if value is not None
            for word in ("--" + name.replace("_", "-"), value))]

    def run(self, *more, env=None, preexec_fn=None, **changes):
        return subprocess.run(self.arguments(*more, **changes), capture_output=True, text=True,
                              timeout=60, env={**os.environ, **(env or {})},
                              preexec_fn=preexec_fn)

    def watch(self, *more, env=None, **changes):
        out = open(self.log, "ab")
        self.process = subprocess.Popen(self.arguments("--watch", *more, **changes),
                                        stdout=out, stderr=out,
                                        env={**os.environ, **(env or {})})
        return self.process

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_said(self, pattern, start=0, timeout_s=15):
        return wait_for(lambda: re.search(pattern, self.said()[start:]), pattern,
                        timeout_s=timeout_s)

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(10) == 0
        self.process = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def held(self):
        """The certificate that is held, having made sure that all that is there fits together."""
        folder = os.path.realpath(self.path(".current"))
        with open(os.path.join(folder, "cert.pem"), "rb") as file:
            certs = certificates(file.read())
        with open(os.path.join(folder, "key.pem"), "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        assert spki(key.public_key()) == spki(certs[0].public_key())
        return certs[0]

    def serial(self):
        try:
            return self.held().serial_number
        except FileNotFoundError:
            return None


def certificates(pem):
    return [x509.load_pem_x509_certificate(block + b"-----END CERTIFICATE-----\n")
            for block in pem.split(b"-----END CERTIFICATE-----") if b"BEGIN" in block]


def verified_by_openssl(client):
    done = subprocess.run(["openssl", "verify", "-CAfile", client.path("ca.pem"), "-untrusted",
                           client.path("cert.pem"), client.path("cert.pem")],
                          capture_output=True, text=True)
    return done.returncode == 0


HOOK = ('echo "$COUNTERSIGN_EVENT $COUNTERSIGN_SERIAL" >>"$COUNTERSIGN_DIR/../told"; '
        'test -s "$COUNTERSIGN_CERT" -a -s "$COUNTERSIGN_KEY" -a -s "$COUNTERSIGN_CA"')


def told(client):
    """(event, serial number) of each time the command was run."""
    try:
        with open(os.path.join(client.dir, "../told")) as file:
            lines = [line.split() for line in file.read().splitlines()]
    except FileNotFoundError:
        return []
    return [(event, int(serial, 16)) for event, serial in lines]
