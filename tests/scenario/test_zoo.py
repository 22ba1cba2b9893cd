"""Every certificate of the zoo (tests/pki) meets the running gateway, as a client and as a
backend, and is judged as the manifest says."""

import os
import re
import ssl
import subprocess
import sys

import pytest

import wire
from backend import Backend
from gateway import IS_NGINX, TOP, Gateway, StartFailure

ZOO = os.path.join(TOP, "tests", "pki")
COLUMNS = ("chain", "trust", "crl", "role", "depth", "host", "code", "error", "at", "alert")


def manifest():
    with open(os.path.join(ZOO, "manifest"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                yield dict(zip(COLUMNS, line.split()))


CLIENTS = [row for row in manifest() if row["role"] == "client"]
SERVERS = [row for row in manifest() if row["role"] == "server"]

# what nginx and its OpenSSL judge otherwise, or do not look at
NOT_NGINX = {"malformed-certificate", "name-control-byte", "too-many-names", "weak-key",
             "purpose-mismatch", "key-usage-mismatch", "spiffe-id-invalid"}


def title(row):
    words = [row["chain"], "to", row["trust"]]
    words += [] if row["crl"] == "-" else [row["crl"]]
    words += [] if row["depth"] == "1" else ["depth", row["depth"]]
    words += [] if row["host"] == "-" else [row["host"]]
    return " ".join(words)


def starts(row):
    """nginx finds out about a list that nobody of that name signed when a client comes;
    countersign refuses to start with it."""
    return IS_NGINX or row["code"] != "crl-signature-invalid"


class Keeper:
    """The certificates, and one gateway with a server block for every policy in the table."""

    def __init__(self, folder):
        self.dir = str(folder)
        subprocess.run([sys.executable, os.path.join(ZOO, "make.py"), self.dir], check=True)
        self.policies = sorted({self.policy(row) for row in CLIENTS if starts(row)})
        blocks = []
        for mode in ("answer", "handshake"):
            if IS_NGINX and mode == "handshake":
                continue
            blocks += [self.block(number, policy, mode)
                       for number, policy in enumerate(self.policies)]
        self.gateway = Gateway("".join(blocks), pki=self)

    @staticmethod
    def policy(row):
        return row["trust"], row["crl"], row["depth"]

    def name(self, row, mode):
        return f"{mode}-{self.policies.index(self.policy(row))}.test"

    @staticmethod
    def block(number, policy, mode):
        trust, crl, depth = policy
        return f"""
    server {{
        listen 127.0.0.1:@tls@ ssl;
        server_name {mode}-{number}.test;
        ssl_certificate @pki@/server.pem;
        ssl_certificate_key @pki@/server.key;
        ssl_client_certificate @pki@/{trust}.pem;
        {'' if crl == '-' else f'ssl_crl @pki@/{crl}.pem;'}
        ssl_verify_depth {depth};
        ssl_verify_client on;
        {'mtls_reject handshake;' if mode == 'handshake' else ''}
        error_page 495 = /why;
        location = /why {{ internal; return 403 "$ssl_client_verify"; }}
        location / {{ return 200 "$ssl_client_verify"; }}
    }}"""

    def context(self, row, version):
        ctx = wire.context(version=version, ciphers="DEFAULT@SECLEVEL=0")
        ctx.load_cert_chain(f"{self.dir}/{row['chain']}.pem", f"{self.dir}/{row['chain']}.key")
        return ctx


@pytest.fixture(scope="module")
def keeper(tmp_path_factory):
    one = Keeper(tmp_path_factory.mktemp("zoo"))
    yield one
    one.gateway.finish()


def with_context(keeper, row, version):
    try:
        return keeper.context(row, version)
    except ssl.SSLError as error:
        pytest.skip(f"this client library refuses to present it: {error}")


@pytest.mark.parametrize("row", CLIENTS, ids=title)
def test_a_client_is_judged_as_the_manifest_says(keeper, start, row):
    if IS_NGINX and row["code"] in NOT_NGINX:
        pytest.skip("only countersign does this")
    if not starts(row):
        with pytest.raises(StartFailure, match=row["crl"]):
            start(keeper.block(0, keeper.policy(row), "answer").replace("@pki@", keeper.dir))
        return
    gw = keeper.gateway
    ctx = with_context(keeper, row, "1.3")
    before = len(gw.log())
    name = keeper.name(row, "answer")
    try:
        answer = wire.get(gw.port["tls"], host=name, ctx=ctx)
    except (OSError, wire.Closed):
        # AWS-LC looks at the leaf's key usage before it asks us, and ends the handshake.
        assert row["code"] == "key-usage-mismatch" and not IS_NGINX
        answer = None
    if row["code"] == "-":
        assert (answer.status, answer.text) == (200, "SUCCESS")
        return
    if answer is None:
        gw.wait_log(r"\[info\][^\n]*key usage", start=before)
        return
    assert answer.status == 403
    assert answer.text.startswith("FAILED:"), answer.text
    line = gw.wait_log(r"\[info\][^\n]*SSL certificate[^\n]*", start=before).group()
    if IS_NGINX:
        assert f"({row['error']}:" in line, line
    else:
        assert re.search(rf"\b{row['code']}\b", line), line


@pytest.mark.countersign
@pytest.mark.parametrize("row", filter(starts, CLIENTS), ids=title)
def test_refused_in_the_handshake_a_client_sees_the_right_alert(keeper, row):
    """TLS 1.2, where the client learns of it within the handshake."""
    ctx = with_context(keeper, row, "1.2")
    name = keeper.name(row, "handshake")
    if row["code"] == "-":
        assert wire.get(keeper.gateway.port["tls"], host=name, ctx=ctx).status == 200
        return
    with pytest.raises((ssl.SSLError, ConnectionResetError)) as refused:
        wire.get(keeper.gateway.port["tls"], host=name, ctx=ctx)
    assert ALERTS[row["alert"]] in str(refused.value).lower(), refused.value


ALERTS = {"42": "bad certificate", "43": "unsupported certificate", "44": "certificate revoked",
          "45": "certificate expired", "46": "certificate unknown", "48": "unknown ca",
          "51": "decrypt error"}


@pytest.mark.parametrize("row", SERVERS, ids=title)
def test_a_backend_is_judged_as_the_manifest_says(keeper, start, row):
    """The same verdict, the other way round."""
    if IS_NGINX and (row["code"] in NOT_NGINX or ":" in row["host"]
                     or row["host"][0].isdigit()):
        pytest.skip("only countersign does this")
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(f"{keeper.dir}/{row['chain']}.pem", f"{keeper.dir}/{row['chain']}.key")
    crl = "" if row["crl"] == "-" else f"proxy_ssl_crl {keeper.dir}/{row['crl']}.pem;"
    with Backend(tls=ctx) as backend:
        gw = start(f"""server {{
            listen 127.0.0.1:@http@;
            location / {{
                proxy_ssl_verify on;
                proxy_ssl_trusted_certificate {keeper.dir}/{row['trust']}.pem;
                proxy_ssl_verify_depth {row['depth']};
                {crl}
                proxy_ssl_name {row['host']};
                proxy_pass https://{backend};
            }}
        }}""")
        with wire.connect(gw.port["http"]) as client:
            status = client.request().status
        if row["code"] == "-":
            assert status == 200
        else:
            assert status == 502
            assert backend.requests == []
            line = gw.wait_log(r"\[error\][^\n]*SSL certificate[^\n]*").group()
            if not IS_NGINX:
                assert re.search(rf"\b{row['code']}\b", line), line
