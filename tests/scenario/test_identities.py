"""Rules about identities: mtls_allow and mtls_deny, and every way around them that one might try."""

import json
import re

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

import wire
from gateway import StartFailure, run, server

pytestmark = pytest.mark.countersign

LOG = "mtls_failure_log @dir@/failures.log format=json; "
PAY = "spiffe://demo.test/ns/pay/web"
BACK = "proxy_pass http://@backend@;"


def records(gw):
    with open(gw.path("failures.log")) as lines:
        return [json.loads(line) for line in lines]


def first_records(gw):
    return [r for r in records(gw) if "repeats" not in r]


@pytest.fixture(scope="module")
def people(pki):
    """People and services by what is in their certificates."""
    def issue(name, *san, **how):
        return pki.ca.issue(how.pop("cn", name), san=san, **how).save(pki.dir, name)
    return {
        "pay": issue("pay", "uri:" + PAY),
        "web": issue("web", "uri:spiffe://demo.test/ns/web/web", "web.clients.test"),
        "mail": issue("mail", "email:bob@clients.test"),
        "cn": issue("carol"),
        "both": issue("both", "web.clients.test", "uri:https://demo.test/x", cn="carol"),
        "wild": issue("wild", "*.clients.test"),
        "dot": issue("dot", "web.clients.test."),
        "upper": issue("upper", "WEB.Clients.Test"),
        "evil": issue("evil", "web.clients.test", "evil.test"),
        "evil-cn": issue("evil-cn", "web.clients.test", cn="Mallory"),
        "two-cns": issue("two-cns", "web.clients.test", subject=x509.Name([
            x509.NameAttribute(NameOID.COMMON_NAME, "mallory"),
            x509.NameAttribute(NameOID.COMMON_NAME, "web")])),
        "escaped": issue("escaped", "uri:https://demo.test/%70ay"),
        "pay-escaped": issue("pay-escaped", "uri:spiffe://demo.test/ns/%70ay/web"),
        "two-ids": issue("two-ids", "uri:" + PAY, "uri:spiffe://demo.test/ns/web/web"),
        "nul": issue("nul", "web.clients.test\0.evil.test"),
    }


def status(gw, who, target="/", **how):
    return wire.get(gw.port["tls"], who, target, **how).status


@pytest.mark.parametrize("rules, passing", [
    ("", "pay web mail cn both wild dot upper evil evil-cn two-cns escaped"),
    ("mtls_allow spiffe://demo.test/ns/pay/*;", "pay"),
    ("mtls_allow spiffe://demo.test/**;", "pay web"),
    ("mtls_allow uri:https://demo.test/*;", "both"),
    ("mtls_allow dns:web.clients.test;", "web both upper evil evil-cn two-cns"),
    ("mtls_allow dns:*.clients.test;", "web both wild upper evil evil-cn two-cns"),
    ("mtls_allow dns:*.test;", "evil"),
    ("mtls_allow email:*@clients.test;", "mail"),
    ("mtls_allow cn:carol;", "cn"),
    ("mtls_allow cn:carol; mtls_allow email:*@clients.test spiffe://*/ns/web/**;", "web mail cn"),
    ("mtls_deny dns:evil.test;", "pay web mail cn both wild upper evil-cn two-cns escaped"),
    ("mtls_deny dns:WEB.clients.test;", "pay mail cn escaped"),
    ("mtls_deny cn:mallory;", "pay web mail cn both wild dot upper evil escaped"),
    ("mtls_deny uri:https://demo.test/pay;", "pay web mail cn both wild dot upper evil evil-cn two-cns"),
    ("mtls_allow dns:**; mtls_deny dns:evil.test cn:mallory;", "web both wild upper"),
])
def test_names_decide(start, backend, people, rules, passing):
    gw = start(server(rules + "location / { " + BACK + " }"), backend=backend)
    got = {who: status(gw, people[who]) for who in people}
    unsound = {"pay-escaped", "two-ids", "nul"}  # refused for what they are, rules or not
    assert {who for who in got if got[who] == 200} == set(passing.split())
    assert {who for who in got if got[who] == 400} == unsound
    assert len(backend.requests) == len(passing.split())


@pytest.mark.parametrize("verify", ["optional", "optional_no_ca"])
@pytest.mark.parametrize("rules", ["mtls_allow cn:**;", "mtls_deny cn:mallory;"])
def test_without_a_verified_certificate_nobody_passes(start, pki, backend, verify, rules):
    gw = start(server(rules + "location / { " + BACK + " }", verify=verify), backend=backend)
    assert status(gw, pki.bob) == 200
    assert status(gw, None) == 403
    assert status(gw, pki.stranger) == (403 if verify == "optional_no_ca" else 400)
    assert len(backend.requests) == 1


def test_no_header_makes_an_identity(start, pki, backend, people):
    gw = start(server("mtls_allow spiffe://demo.test/**; location / { " + BACK + " }",
                      verify="optional"), backend=backend)
    forged = [("X-SSL-Client-S-DN", "CN=pay"), ("ssl_client_verify", "SUCCESS"),
              ("X-Forwarded-Client-Cert", "URI=" + PAY), ("X-SPIFFE-ID", PAY),
              ("Client-Cert", ":AAAA:"), ("X-Forwarded-For", "127.0.0.1")]
    for who in None, pki.bob, people["web"]:
        want = 200 if who is people["web"] else 403
        assert status(gw, who, headers=forged) == want


LEVELS = """
    mtls_allow spiffe://demo.test/**;
    mtls_deny dns:evil.test;
    location / { @back@ }
    location /pay { mtls_allow spiffe://demo.test/ns/pay/*; @back@
        location /pay/any { mtls_allow dns:** spiffe://demo.test/**; @back@ }
        location /pay/less { mtls_deny spiffe://demo.test/ns/pay/web; @back@ }
    }
    location = /open { mtls_allow off; @back@ }""".replace("@back@", BACK)


def test_levels_on_one_connection(start, backend, people):
    gw = start(server(LEVELS), backend=backend)
    targets = ["/", "/pay", "/pay/any", "/pay/less", "/open", "/pay", "/"]
    want = {"pay": [200, 200, 200, 403, 200, 200, 200],
            "web": [200, 403, 200, 403, 200, 403, 200],
            "mail": [403, 403, 403, 403, 200, 403, 403],
            "evil": [403, 403, 403, 403, 403, 403, 403]}
    for who, statuses in want.items():
        with wire.tls(gw.port["tls"], people[who]) as client:
            got = []
            for target in targets:
                answer = client.request("GET", target)
                assert answer.keeps_alive()
                got.append(answer.status)
        assert got == statuses, who
    assert len(backend.requests) == sum(s.count(200) for s in want.values())


def test_pipelined_requests_are_judged_one_by_one(start, backend, people):
    gw = start(server(LEVELS), backend=backend)
    with wire.tls(gw.port["tls"], people["web"]) as client:
        for target in "/pay", "/", "/pay", "/open":
            client.ask("GET", target)
        assert [client.response().status for _ in range(4)] == [403, 200, 403, 200]
    assert backend.paths() == ["/", "/open"]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_resumed_session_is_asked_again(start, people, version):
    rules = "mtls_allow {}; location / {{ return 200 $ssl_session_reused; }}"
    gw = start(server(rules.format("spiffe://demo.test/ns/web/*"))
               + server(rules.format("spiffe://demo.test/ns/pay/*"), name="b.test"))
    ctx = wire.context(people["web"], version=version)
    session = None
    for want in ".", "r", "r":
        with wire.tls(gw.port["tls"], ctx=ctx, session=session) as client:
            answer = client.request("GET", "/", [("Connection", "close")])
            assert (answer.status, answer.text) == (200, want)
            client.rest()
            session = client.session
    with wire.tls(gw.port["tls"], ctx=ctx, session=session, sni="b.test") as client:
        assert client.request("GET", "/", host="b.test").status == 403
    with wire.tls(gw.port["tls"], ctx=ctx, session=session) as client:
        assert client.request("GET", "/", host="b.test").status == 403, "SNI of one, Host of another"
        assert client.request("GET", "/").status == 200


WAYS = {
    "rewrite": "location /way { rewrite ^ /pay/x last; }",
    "server rewrite": "rewrite ^/way /pay/x; location /other { }",
    "rewrite in if": "location /way { if ($request_method = GET) { rewrite ^ /pay/x last; } }",
    "error page": "error_page 404 = /pay/x; location /way { return 404; }",
    "error page with its status": "error_page 404 /pay/x; location /way { return 404; }",
    "named": "error_page 404 = @pay; location /way { return 404; }",
    "address denied": "error_page 403 = /pay/x; location /way { deny all; }",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_around_ends_at_the_rules(start, backend, people, way):
    rules = "mtls_allow spiffe://demo.test/ns/pay/*; " + BACK
    gw = start(server(LOG + WAYS[way] + "location /pay { %s } location @pay { %s }" % (rules, rules)),
               backend=backend)
    with wire.tls(gw.port["tls"], people["web"]) as client:
        answer = client.request("GET", "/way")
        assert answer.status == 403
        assert records(gw)[0]["code"] == "policy-denied"
        assert records(gw)[0]["incident"] in answer.text
        assert backend.requests == []
    allowed = wire.get(gw.port["tls"], people["pay"], "/way")
    assert allowed.status == (404 if way == "error page with its status" else 200)
    assert len(backend.requests) == 1


def test_what_a_request_passes_through_is_asked_too(start, backend, people):
    gw = start(server("location /pay { mtls_allow spiffe://demo.test/ns/pay/*; rewrite ^ /x last; }"
                      "location /x { internal; " + BACK + " }"), backend=backend)
    assert status(gw, people["pay"], "/pay") == 200
    assert status(gw, people["web"], "/pay") == 403
    assert len(backend.requests) == 1


@pytest.mark.parametrize("body", [
    "location / { mtls_allow spiffe://demo.test/ns/pay/*; return 200 secret; }",
    "location / { mtls_allow spiffe://demo.test/ns/pay/*; if ($uri) { return 200 secret; } }",
    "mtls_allow spiffe://demo.test/ns/pay/*; return 200 secret;",
    "mtls_allow spiffe://demo.test/ns/pay/*; if ($uri) { return 200 secret; }",
    "mtls_allow spiffe://demo.test/ns/pay/*; rewrite ^ https://secret/ redirect;",
    "location / { mtls_allow spiffe://demo.test/ns/pay/*; rewrite ^ https://secret/ permanent; }",
    "location / { mtls_allow spiffe://demo.test/ns/pay/*; return 302 https://secret/; }",
    "mtls_allow spiffe://demo.test/ns/pay/*; return 404;",
])
def test_answers_of_its_own_are_kept_back(start, people, body):
    gw = start(server(body))
    answer = wire.get(gw.port["tls"], people["web"])
    assert answer.status == 403
    assert "secret" not in answer.text and not answer.header("Location")
    assert wire.get(gw.port["tls"], people["pay"]).status in (200, 301, 302, 404)


def test_a_missing_slash_is_told_only_to_whom_it_concerns(start, backend, people):
    gw = start(server("location /pay/ { mtls_allow spiffe://demo.test/ns/pay/*; " + BACK + " }"),
               backend=backend)
    assert status(gw, people["pay"], "/pay") == 301
    assert status(gw, people["web"], "/pay") == 403


def test_other_spellings_of_a_path_lead_to_the_same_rules(start, backend, people):
    gw = start(server(LEVELS), backend=backend)
    for target in ("//pay", "/%70ay", "/x/../pay", "/./pay/", "/pay%2fx", "/pay?/open", "/open/../pay",
                   "http://a.test/pay", "/%2e/pay"):
        assert status(gw, people["web"], target) == 403, target
    assert backend.requests == []


def test_an_if_block_has_the_rules_of_its_location(start, backend, people):
    gw = start(server("location / { mtls_allow spiffe://demo.test/ns/pay/*;"
                      "if ($uri) { " + BACK + " } }"), backend=backend)
    assert status(gw, people["pay"]) == 200
    assert status(gw, people["web"]) == 403
    assert len(backend.requests) == 1


def test_satisfy_any_is_about_addresses_alone(start, backend, people):
    gw = start(server("""mtls_allow spiffe://demo.test/ns/pay/*; satisfy any;
                      location / { allow 127.0.0.1; deny all; @x@ }
                      location /far { deny all; @x@ }""".replace("@x@", BACK)), backend=backend)
    assert status(gw, people["pay"]) == 200
    assert status(gw, people["web"]) == 403, "from the right address, with the wrong name"
    assert status(gw, people["pay"], "/far") == 403, "with the right name, from the wrong address"


def test_a_plain_listener_knows_nobody(start, backend, people):
    gw = start(server("listen 127.0.0.1:@plain@; mtls_allow spiffe://demo.test/**;"
                      "location / { " + BACK + " }"
                      "location /open { mtls_allow off; " + BACK + " }"), backend=backend)
    with wire.connect(gw.port["plain"]) as client:
        assert client.request("GET", "/").status == 403
        assert client.request("GET", "/open").status == 200
    assert status(gw, people["pay"]) == 200


def test_what_is_told_to_whom(start, people):
    body = (LOG + "location / { mtls_allow dns:top-secret.internal; return 204; }"
            "location /d { mtls_deny spiffe://demo.test/ns/*/web; return 204; }")
    gw = start(server(body))
    for target in "/", "/d":
        for accept in "text/html", "text/plain", "application/problem+json":
            answer = wire.get(gw.port["tls"], people["web"], target, headers=[("Accept", accept)])
            assert answer.status == 403
            assert "spiffe://demo.test/ns/web/web" in answer.text, "its own name"
            assert re.search(r"[0-9a-f]{16}", answer.text)
            assert not re.search(r"top-secret|/\*/|mtls_|gateway\.conf", answer.text)
    assert answer.json()["code"] == "policy-denied"
    assert answer.json()["incident"] == first_records(gw)[1]["incident"]
    assert wire.get(gw.port["tls"], people["pay"], "/d").status == 403
    by_list, _, by_rule = told = first_records(gw)
    assert [(r["code"], r["status"]) for r in told] == [("policy-denied", 403)] * 3
    assert by_list["blame"] == "policy" and by_list["stage"] == "route"
    assert 'client "spiffe://demo.test/ns/web/web"' in by_list["primary"]
    assert 'location "/" of server "a.test"' in by_list["primary"]
    assert 'no "mtls_allow"' in by_list["detail"] and "dns:web.clients.test" in by_list["detail"]
    assert "mtls_deny spiffe://demo.test/ns/*/web" in by_rule["detail"]
    assert re.search(r"gateway\.conf:\d+", by_rule["detail"])
    gw.wait_log(r"\[error\].*may not ask.*\[policy-denied\]")
    gw.stop()
    assert "failures so far: 7 policy-denied" in gw.log()


def test_without_details_the_id_alone_is_told(start, people):
    gw = start(server(LOG + "mtls_error_detail off; mtls_allow cn:nobody;"
                      "location / { return 204; }"))
    answer = wire.get(gw.port["tls"], people["web"], headers=[("Accept", "text/plain")])
    assert "spiffe" not in answer.text and records(gw)[0]["incident"] in answer.text


def test_those_without_a_name_are_told_so(start, pki):
    gw = start(server("mtls_allow cn:nobody; location / { return 204; }", verify="optional_no_ca"))
    plain = [("Accept", "text/plain")]
    assert "without a certificate" in wire.get(gw.port["tls"], None, headers=plain).text
    assert "not verified" in wire.get(gw.port["tls"], pki.stranger, headers=plain).text


def test_error_pages_are_for_whom_they_admit(start, people, backend):
    gw = start(server(LOG + """
        mtls_allow spiffe://demo.test/ns/pay/*;
        location / { error_page 403 /mine; return 200 secret; }
        location /mine { return 200 "mine"; }
        location /sorry { error_page 403 /open; return 200 secret; }
        location /open { mtls_allow off; return 200 "sorry"; }
        location /far { error_page 403 = /back; return 200 secret; }
        location /back { mtls_allow off; """ + BACK + "}"), backend=backend)
    with wire.tls(gw.port["tls"], people["web"]) as client:
        closed = client.request("GET", "/")
        assert closed.status == 403 and records(gw)[0]["incident"] in closed.text
        shown = client.request("GET", "/sorry")
        assert (shown.status, shown.text) == (403, "sorry")
        assert client.request("GET", "/far").status == 200
        assert client.request("GET", "/far").status == 200
    assert backend.paths() == ["/back", "/back"]
    gw.stop()
    assert "failures so far: 4 policy-denied" in gw.log()


def test_each_place_that_refuses_is_told_of(start, people):
    """The cause names the place: what another one refuses is no repetition."""
    gw = start(server(LOG + """
        mtls_allow cn:nobody;
        location /a { return 204; }
        location /b { return 204; }
        location /c { mtls_deny dns:evil.test; return 204; }"""))
    with wire.tls(gw.port["tls"], people["evil"]) as client:
        for target in ("/a", "/b", "/c", "/a", "/b", "/c", "/a"):
            assert client.request("GET", target).status == 403
    told = first_records(gw)
    assert [re.search(r'location "(/\w)"', r["primary"] + r["detail"]).group(1)
            for r in told] == ["/a", "/b", "/c"]
    assert "mtls_deny dns:evil.test" in told[2]["detail"]
    gw.stop()
    more = {r["incident"]: r["repeats"] for r in records(gw) if "repeats" in r}
    assert [more[r["incident"]] for r in told] == [2, 1, 1]


def test_an_error_page_for_those_without_a_certificate(start, backend):
    gw = start(server("""
        mtls_allow dns:**;
        error_page 496 /none;
        location /none { @off@ return 200 "bring one"; }
        location / { @back@ }""".replace("@back@", BACK), verify="on"), backend=backend, off="")
    answer = wire.get(gw.port["tls"], None)
    assert answer.status == 400 and "bring one" not in answer.text
    gw = start(gw.body, backend=backend, off="mtls_allow off;")
    answer = wire.get(gw.port["tls"], None)
    assert answer.text == "bring one"
    assert backend.requests == []


def test_doctor_tells_of_the_incident(start, pki, people):
    gw = start(server(LOG + "mtls_allow cn:nobody; location / { return 204; }", name="localhost"))
    done = run("doctor", "--json", "--ca", f"{pki.dir}/ca.pem", "--cert", f"{pki.dir}/web.pem",
               "--key", f"{pki.dir}/web.key", f"localhost:{gw.port['tls']}")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["code"] == "peer-rejected-certificate"
    assert told["likely"] == "policy-denied"
    assert records(gw)[0]["incident"] in done.stdout


@pytest.mark.parametrize("line, verify, what", [
    ("mtls_allow a.test;", "on", "is no pattern of names"),
    ("mtls_deny off;", "on", "is no pattern of names"),
    ("mtls_allow off cn:x;", "on", "is no pattern of names"),
    ("mtls_allow cn:x; mtls_allow off;", "on", "stands beside"),
    ("mtls_allow cn:x;", "off", "nobody can pass"),
    ("location /x { mtls_deny cn:x; }", "off", "nobody can pass"),
])
def test_rules_that_cannot_be_meant_are_refused(start, line, verify, what):
    with pytest.raises(StartFailure, match=what):
        start(server(line + "location / { return 204; }", verify=verify))


def test_a_reload_changes_the_rules(start, people):
    body = server("mtls_allow %s; location / { return 204; }")
    gw = start(body % "dns:web.clients.test")
    assert status(gw, people["web"]) == 204
    gw.reload(body % "dns:other.test", settled=True)
    assert status(gw, people["web"]) == 403
