"""A private CA in a folder, through the program's `ca` commands, and what openssl says about it."""

import json
import subprocess

from cryptography import x509

from gateway import run


def openssl(*arguments, check=True):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


class Ca:
    """A CA in @folder/ca; @options are those of `ca init`."""

    def __init__(self, folder, *options):
        self.dir = folder / "ca"
        self.folder = folder
        done = self.run("init", *options)
        assert done.returncode == 0, done.stderr

    def run(self, command, *arguments, **words):
        return run("ca", command, "--dir", str(self.dir), *map(str, arguments), **words)

    def ok(self, command, *arguments, **words):
        done = self.run(command, *arguments, **words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, command, *arguments):
        return json.loads(self.ok(command, "--json", *arguments))

    def refused(self, command, *arguments, **words):
        """The codes of what is found wrong."""
        done = self.run(command, "--json", *arguments, **words)
        assert done.returncode == 1, done.stderr
        return [f["code"] for f in json.loads(done.stdout)["findings"] if f["severity"] == "error"]

    def issue(self, *names, out="papers", **words):
        options = [part for name, value in words.items() for part in (f"--{name}", value)]
        return self.json("issue", *names, "--out", self.folder / out, *options)

    def cert(self, out="papers"):
        return x509.load_pem_x509_certificate((self.folder / out / "cert.pem").read_bytes())

    def lists(self):
        """The lists of all CA certificates that are not retired, in one file."""
        path = self.folder / "lists.pem"
        ids = [i["id"] for i in self.json("show")["issuers"] if i["state"] != "retired"]
        path.write_text("".join(self.ok("crl", "--issuer", str(i)) for i in ids))
        return path

    def verify(self, out="papers", purpose="sslserver", trust=None, lists=True, check=True):
        """What openssl says about a certificate, revocation included unless not @lists; @trust or
        ca.pem beside it is all that it trusts."""
        at = self.folder / out
        revocation = ["-crl_check_all", "-CRLfile", self.lists()] if lists else []
        return openssl("verify", "-x509_strict", *revocation, "-CAfile", trust or at / "ca.pem",
                       "-untrusted", at / "cert.pem", "-purpose", purpose, at / "cert.pem",
                       check=check)
