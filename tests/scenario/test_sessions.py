"""A resumed session is never worth more than a full handshake would be now."""

import datetime
import signal
import ssl
import subprocess
import time

import pytest

import wire
from gateway import IS_NGINX, server
from pki import now, write
from waiting import wait_until

VERSIONS = ["1.2", "1.3"]

TELL = """
        location / {
            return 200 "$server_name|$ssl_client_verify|$ssl_session_reused|$ssl_client_s_dn";
        }"""

CACHES = {"tickets": "ssl_session_tickets on;"}
if IS_NGINX:  # countersign keeps no sessions of its own: they live in tickets only
    CACHES["ids"] = "ssl_session_tickets off; ssl_session_cache shared:sessions:1m;"

SHARED = "ssl_session_cache shared:sessions:1m;"


def visit(port, ctx, sni="a.test", session=None):
    """One request; returns (answer, was the session reused, the session to try next).

    The answer is read to the end of the connection, so that TLS 1.3 tickets have come too.
    """
    with wire.tls(port, ctx=ctx, sni=sni, session=session) as client:
        answer = client.request("GET", "/", [("Connection", "close")], host=sni)
        client.rest()
        return answer, client.reused, client.session


def client_context(cert, version):
    return wire.context(cert, version=version)


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_client_resumes_and_keeps_its_identity(start, pki, version, cache):
    gw = start(CACHES[cache] + server(TELL))
    ctx = client_context(pki.alice, version)
    first, reused, session = visit(gw.port["tls"], ctx)
    assert not reused
    assert first.text == "a.test|SUCCESS|.|CN=alice,O=Example Ltd"
    again, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert reused
    assert again.text == "a.test|SUCCESS|r|CN=alice,O=Example Ltd"


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_tickets_of_one_worker_are_good_at_another(start, pki, version):
    gw = start(server(TELL), workers=4)
    ctx = client_context(pki.alice, version)
    _, _, session = visit(gw.port["tls"], ctx)
    for _ in range(12):
        assert visit(gw.port["tls"], ctx, session=session)[1]


# what distinguishes the second server block from the first, by which a session must not pass
POLICIES = {
    "verify": (dict(verify="off"), dict(verify="on")),
    "optional": (dict(verify="optional"), dict(verify="on")),
    "ca": (dict(ca="foreign-ca.pem"), dict(ca="ca.pem")),
    "ca key": (dict(ca="namesake-ca.pem"), dict(ca="ca.pem")),
}


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy", ["verify", "optional"])
def test_a_session_without_a_certificate_does_not_open_a_block_that_wants_one(
        start, pki, version, cache, policy):
    lenient, strict = POLICIES[policy]
    gw = start(CACHES[cache] + server(TELL, name="a.test", **lenient)
               + server(TELL, name="b.test", **strict))
    ctx = client_context(None, version)
    first, _, session = visit(gw.port["tls"], ctx, "a.test")
    assert first.text.startswith("a.test|NONE")
    try:
        second, _, _ = visit(gw.port["tls"], ctx, "b.test", session)
    except ssl.SSLError as error:
        assert "ACCESS_DENIED" in str(error), "nginx aborts such a handshake"
    else:
        assert second.status in (400, 421)


@pytest.mark.countersign
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy, who", [
    ("verify", None), ("optional", None), ("ca", "stranger"), ("ca key", "imposter")])
def test_a_session_of_another_policy_means_a_full_handshake(
        start, pki, version, cache, policy, who):
    """Not an abort, not a 421: the client is simply judged anew."""
    lenient, strict = POLICIES[policy]
    gw = start(CACHES[cache] + server(TELL, name="a.test", **lenient)
               + server(TELL, name="b.test", **strict))
    ctx = client_context(who and getattr(pki, who), version)
    first, _, session = visit(gw.port["tls"], ctx, "a.test")
    assert first.status == 200
    second, reused, _ = visit(gw.port["tls"], ctx, "b.test", session)
    assert not reused
    assert second.status == 400


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("extra", [
    "ssl_crl @pki@/crl-nobody.pem;", "ssl_verify_depth 3;",
    "ssl_trusted_certificate @pki@/foreign-ca.pem;"])
def test_crl_depth_and_trusted_cas_belong_to_the_policy(start, pki, version, extra):
    gw = start(server(TELL, name="a.test") + server(extra + TELL, name="b.test"))
    ctx = client_context(pki.alice, version)
    _, _, session = visit(gw.port["tls"], ctx, "a.test")
    answer, reused, _ = visit(gw.port["tls"], ctx, "b.test", session)
    assert answer.text.startswith("b.test|SUCCESS|.|"), "alice is welcome there"
    assert not reused, "by her certificate, not by her session"


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_client_cannot_resume_into_a_block_with_a_crl(start, pki, version):
    gw = start(server(TELL, name="a.test")
               + server("ssl_crl @pki@/crl.pem;" + TELL, name="b.test"))
    ctx = client_context(pki.revoked, version)
    first, _, session = visit(gw.port["tls"], ctx, "a.test")
    assert first.status == 200
    second, reused, _ = visit(gw.port["tls"], ctx, "b.test", session)
    assert (second.status, reused) == (400, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_s_client_cannot_carry_a_session_over(start, pki, version):
    """The same with openssl's tool, as an administrator would try it."""
    gw = start(server(TELL, name="a.test", verify="off") + server(TELL, name="b.test"))
    saved = gw.path("session.pem")

    def s_client(name, *args):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}", "-servername",
             name, "-tls" + version.replace(".", "_"), "-ign_eof", *args],
            input=f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n",
            capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    assert "a.test|NONE|." in s_client("a.test", "-sess_out", saved)
    assert "a.test|NONE|r" in s_client("a.test", "-sess_in", saved)
    out = s_client("b.test", "-sess_in", saved)
    assert "b.test|" not in out
    if not IS_NGINX:
        assert "HTTP/1.1 400 " in out and "New, TLSv" in out, out


@pytest.mark.countersign
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_revoked_since_does_not_resume(start, pki, version, cache):
    crl = write(pki.dir + "/crl-turning.pem", pki.ca.crl())
    gw = start(CACHES[cache] + server(f"ssl_crl {crl};" + TELL))
    ctx = client_context(pki.bob, version)
    first, _, session = visit(gw.port["tls"], ctx)
    assert first.status == 200
    assert visit(gw.port["tls"], ctx, session=session)[1], "so far she may resume"
    write(crl, pki.ca.crl([pki.bob], number=2))
    gw.reload(settled=True)
    answer, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (400, False)
    gw.wait_log("revoked")


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_a_ca_taken_away_since_ends_its_sessions(start, pki, version):
    gw = start(server(TELL, ca="foreign-ca.pem"))
    ctx = client_context(pki.stranger, version)
    first, _, session = visit(gw.port["tls"], ctx)
    assert first.status == 200
    gw.reload(server(TELL), settled=True)
    answer, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (400, False)


@pytest.mark.countersign
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_expired_since_does_not_resume(start, pki, version, cache):
    end = now() + datetime.timedelta(seconds=3)
    brief = pki.ca.issue("brief", not_after=end).save(pki.dir, "brief")
    gw = start(CACHES[cache] + server(TELL))
    ctx = client_context(brief, version)
    first, _, session = visit(gw.port["tls"], ctx)
    assert first.status == 200
    assert visit(gw.port["tls"], ctx, session=session)[1]
    wait_until(end.replace(tzinfo=datetime.timezone.utc).timestamp() + 1.05)
    answer, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (400, False)
    gw.wait_log("expired")


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_renewal_does_not_prolong_a_session(start, pki, version):
    """However often its ticket is renewed, a session ends when the first one would have."""
    lifetime_s = 4
    gw = start(f"ssl_session_timeout {lifetime_s}s;" + server(TELL))
    ctx = client_context(pki.alice, version)
    _, _, session = visit(gw.port["tls"], ctx)
    begun = time.time()
    reused_late = None
    while time.time() < begun + lifetime_s - 1.2:
        _, reused_late, renewed = visit(gw.port["tls"], ctx, session=session)
        session = renewed or session
        time.sleep(0.2)
    assert reused_late, "within its lifetime it resumes"
    wait_until(begun + lifetime_s + 1.1)
    _, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert not reused


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_client_gets_no_session_worth_having(start, pki, version):
    gw = start(server(TELL))
    ctx = client_context(pki.expired, version)
    first, _, session = visit(gw.port["tls"], ctx)
    assert first.status == 400
    if session is not None:
        again, _, _ = visit(gw.port["tls"], ctx, session=session)
        assert again.status == 400


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_remembered_of_a_refused_client(start, pki, version):
    gw = start(server(TELL))
    ctx = client_context(pki.expired, version)
    _, _, session = visit(gw.port["tls"], ctx)
    if session is not None:
        assert not visit(gw.port["tls"], ctx, session=session)[1]


def test_sessions_survive_a_reload_that_changes_nothing(start, pki):
    gw = start(SHARED + server(TELL))
    ctx = client_context(pki.alice, "1.2")
    _, _, session = visit(gw.port["tls"], ctx)
    gw.reload()
    answer, _, _ = visit(gw.port["tls"], ctx, session=session)
    assert answer.text.startswith("a.test|SUCCESS|")


@pytest.mark.parametrize("version", VERSIONS)
def test_tickets_off_and_cache_off_means_no_resumption(start, pki, version):
    gw = start("ssl_session_tickets off; ssl_session_cache off;" + server(TELL))
    ctx = client_context(pki.alice, version)
    _, _, session = visit(gw.port["tls"], ctx)
    answer, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (200, False)


@pytest.mark.countersign
@pytest.mark.parametrize("version", VERSIONS)
def test_without_tickets_nothing_is_remembered_whatever_the_cache(start, pki, version):
    gw = start("ssl_session_tickets off;" + SHARED + server(TELL))
    ctx = client_context(pki.alice, version)
    _, _, session = visit(gw.port["tls"], ctx)
    answer, reused, _ = visit(gw.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (200, False)


@pytest.mark.parametrize("size", [48, 80])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_key_file_carries_sessions_across_gateways(start, pki, version, size):
    key = write(f"{pki.dir}/ticket-{size}.key", bytes(range(size)), 0o600)
    body = f"ssl_session_ticket_key {key};" + server(TELL)
    one, two = start(body), start(body)
    ctx = client_context(pki.alice, version)
    _, _, session = visit(one.port["tls"], ctx)
    answer, reused, _ = visit(two.port["tls"], ctx, session=session)
    assert (answer.status, reused) == (200, True)


@pytest.mark.countersign
def test_no_early_data_where_certificates_are_asked_for(start, pki):
    """ssl_early_data on has no effect there, and says so."""
    gw = start("ssl_early_data on;" + server(TELL))
    saved = gw.path("session.pem")
    base = ["openssl", "s_client", "-connect", f"127.0.0.1:{gw.port['tls']}", "-servername",
            "a.test", "-tls1_3", "-cert", pki.alice.certfile, "-key", pki.alice.keyfile,
            "-ign_eof"]
    request = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
    subprocess.run([*base, "-sess_out", saved], input=request, capture_output=True, timeout=20,
                   check=False)
    write(gw.path("early"), request)
    done = subprocess.run([*base, "-sess_in", saved, "-early_data", gw.path("early")],
                          input=request, capture_output=True, timeout=20, check=False)
    assert b"Early data was accepted" not in done.stdout
    assert b"Max Early Data: 0" in done.stdout or b"Early data was not sent" in done.stdout \
        or b"Early data was rejected" in done.stdout


def test_stopping_with_sessions_in_the_cache_is_clean(start, pki):
    gw = start(SHARED + server(TELL))
    ctx = client_context(pki.alice, "1.2")
    for _ in range(20):
        visit(gw.port["tls"], ctx)
    assert gw.stop(signal.SIGQUIT) == 0
