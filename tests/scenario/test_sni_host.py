"""The name that TLS agreed on and the name in the request lead to the same policy, or nowhere."""

import pytest

import wire
from gateway import server

WHO = 'location / { return 200 "$server_name $ssl_client_verify"; }'


def two_policies(extra=""):
    return server(WHO, name="a.test", verify="off") + server(WHO, name="b.test") + extra


def test_a_host_under_another_client_policy_gets_421(start, pki):
    gw = start(two_policies())
    answer = wire.get(gw.port["tls"], None, host="b.test", sni="a.test")
    assert answer.status == 421
    assert "b.test" not in answer.text
    gw.wait_log(r"\[info\].*(server name different|b\.test)")


def test_the_other_direction_gets_421_too(start, pki):
    gw = start(two_policies())
    assert wire.get(gw.port["tls"], pki.alice, host="a.test", sni="b.test").status in (200, 421)
    assert wire.get(gw.port["tls"], None, host="a.test", sni="b.test").status in (200, 400, 421)


@pytest.mark.countersign
def test_the_policy_of_the_name_in_the_handshake_counts(start, pki):
    gw = start(two_policies())
    assert wire.get(gw.port["tls"], pki.alice, host="a.test", sni="b.test").status == 421


def test_the_same_connection_may_not_wander_later(start, pki):
    gw = start(two_policies())
    with wire.tls(gw.port["tls"], None, sni="a.test") as client:
        assert client.request(host="a.test").text == "a.test NONE"
        assert client.request(host="b.test").status == 421


def test_an_absolute_target_counts_as_the_host(start, pki):
    gw = start(two_policies())
    with wire.tls(gw.port["tls"], None, sni="a.test") as client:
        assert client.request("GET", "https://b.test/", host="a.test").status in (400, 421)


@pytest.mark.countersign
def test_hosts_with_equal_policies_share_a_connection(start, pki):
    gw = start(server(WHO, name="a.test") + server(WHO, name="b.test"))
    with wire.tls(gw.port["tls"], pki.alice, sni="a.test") as client:
        assert client.request(host="b.test").text == "b.test SUCCESS"


@pytest.mark.parametrize("spelling", ["B.test", "b.TEST", "b.test.", "B.Test."])
def test_spelling_does_not_change_the_policy(start, pki, spelling):
    """Case and a trailing dot lead to the same server block, in the handshake and after."""
    gw = start(two_policies())
    port = gw.port["tls"]
    assert wire.get(port, None, host="b.test", sni=spelling).status in (400, 421)
    assert wire.get(port, None, host=spelling, sni="a.test").status == 421
    assert wire.get(port, pki.alice, host=spelling, sni="b.test").text == "b.test SUCCESS"


@pytest.mark.countersign
@pytest.mark.parametrize("spelling", ["B.test", "b.TEST", "b.test.", "B.Test."])
def test_one_lookup_serves_sni_and_host(start, pki, spelling):
    gw = start(two_policies())
    answer = wire.get(gw.port["tls"], pki.alice, host="b.test", sni=spelling)
    assert answer.text == "b.test SUCCESS"


def test_a_wildcard_block_keeps_its_policy(start, pki):
    gw = start(server(WHO, name="a.test", verify="off") + server(WHO, name="*.wild.test"))
    port = gw.port["tls"]
    assert wire.get(port, pki.alice, host="X.Wild.test", sni="x.wild.test").status == 200
    assert wire.get(port, None, host="x.wild.test", sni="x.wild.test").status == 400
    assert wire.get(port, None, host="x.wild.test", sni="a.test").status == 421


@pytest.mark.countersign
@pytest.mark.parametrize("sni", ["unknown.test", None])
def test_an_unknown_name_meets_the_strictest_policy(start, pki, sni):
    """The default block asks for nothing, another on the same port does: a client that names
    neither is asked, so that it can be sent on to nobody unchecked."""
    gw = start(server(WHO, name="open.test", verify="off") + server(WHO, name="b.test"))
    port = gw.port["tls"]
    refused = wire.get(port, None, host="b.test", sni=sni)
    assert refused.status in (400, 421)
    refused = wire.get(port, None, host="open.test", sni=sni)
    assert refused.status in (400, 421)


def test_an_unknown_host_goes_to_the_default_block_only_under_its_policy(start, pki):
    gw = start(two_policies())
    answer = wire.get(gw.port["tls"], None, host="nobody.test", sni="a.test")
    assert answer.text == "a.test NONE"


def test_no_name_at_all_is_the_default_block(start, pki):
    gw = start(server(WHO, name="b.test") + server(WHO, name="a.test", verify="off"))
    port = gw.port["tls"]
    assert wire.get(port, pki.alice, host="b.test", sni=None).text == "b.test SUCCESS"
    assert wire.get(port, None, host="b.test", sni=None).status == 400


def test_a_rejecting_default_block_ends_the_handshake(start, pki):
    gw = start("""server {
        listen 127.0.0.1:@tls@ ssl default_server;
        ssl_reject_handshake on;
    }""" + server(WHO))
    with pytest.raises(wire.ssl.SSLError, match="(?i)unrecognized.name"):
        wire.get(gw.port["tls"], None, host="nobody.test")
    assert wire.get(gw.port["tls"], pki.alice).status == 200


@pytest.mark.parametrize("host", ["a.test:443", "a.test:8443", "A.TEST:1"])
def test_a_port_in_host_changes_nothing(start, pki, host):
    gw = start(two_policies())
    assert wire.get(gw.port["tls"], None, host=host, sni="a.test").text == "a.test NONE"


@pytest.mark.parametrize("host", ["a.test/b", "a\x00b.test", "a.test b.test", "", "a..test"])
def test_a_broken_host_is_400(start, pki, host):
    gw = start(two_policies())
    answer = wire.get(gw.port["tls"], None, host=host, sni="a.test")
    assert answer.status == 400
