"""The turns of phrase that mutual-TLS configurations are made of mean here what they mean in
nginx."""

import pytest

import wire
from gateway import server


def test_optional_with_if_not_success_return_403(start, pki, backend):
    gw = start(server("""
        location /open { proxy_pass http://@backend@; }
        location / {
            if ($ssl_client_verify != SUCCESS) { return 403; }
            proxy_pass http://@backend@;
        }""", verify="optional"), backend=backend)
    port = gw.port["tls"]
    assert wire.get(port, pki.alice).status == 200
    assert wire.get(port, None).status == 403
    assert wire.get(port, None, "/open").status == 200
    refused = wire.get(port, pki.stranger)
    assert refused.status == 400, "optional lets nobody in with a bad certificate"
    assert backend.paths() == ["/", "/open"]


@pytest.mark.parametrize("who, verdict", [
    ("alice", "SUCCESS"), (None, "NONE"), ("stranger", "FAILED:"), ("self_signed", "FAILED:")])
def test_optional_no_ca_passes_strangers_and_tells(start, pki, who, verdict):
    gw = start(server('return 200 "$ssl_client_verify";', verify="optional_no_ca"))
    answer = wire.get(gw.port["tls"], who and getattr(pki, who))
    assert answer.status == 200
    assert answer.text.startswith(verdict)


def test_optional_no_ca_still_refuses_an_expired_certificate(start, pki):
    gw = start(server('return 200 "$ssl_client_verify";', verify="optional_no_ca"))
    answer = wire.get(gw.port["tls"], pki.expired)
    assert answer.status == 400


def test_a_regex_map_takes_the_user_name_from_the_subject(start, pki, backend):
    gw = start("""
        map $ssl_client_s_dn $ssl_client_s_dn_cn {
            default "";
            ~(^|,)CN=(?<CN>[^,]+) $CN;
        }
        map $ssl_client_s_dn_cn $role {
            default guest;
            alice   admin;
            ~^bo    $ssl_client_s_dn_cn-like;
        }
        """ + server("""
        location / {
            proxy_set_header X-User $ssl_client_s_dn_cn;
            proxy_set_header X-Role $role;
            proxy_pass http://@backend@;
        }""", verify="optional"), backend=backend)

    def seen(who):
        headers = dict(wire.get(gw.port["tls"], who).json()["headers"])
        return headers.get("X-User"), headers.get("X-Role")

    assert seen(pki.alice) == ("alice", "admin")
    assert seen(pki.bob) == ("bob", "bob-like")
    assert seen(None) == (None, "guest"), "an empty value removes the header"


def test_if_with_a_regex_captures_into_set(start, pki):
    """As uptane's ota-community-edition does it."""
    gw = start(server("""
        location / {
            set $x nobody;
            if ($ssl_client_s_dn ~ "CN=(.*)$") { set $x $1; }
            return 200 "$x";
        }""", verify="optional"))
    assert wire.get(gw.port["tls"], pki.alice).text == "alice,O=Example Ltd"
    assert wire.get(gw.port["tls"], None).text == "nobody"


def test_error_pages_495_496_497_name_their_case(start, pki):
    gw = start(server("""
        error_page 495 /bad;
        error_page 496 /none;
        error_page 497 /plain;
        location = /bad   { internal; return 200 "bad $ssl_client_verify"; }
        location = /none  { internal; return 200 "none $ssl_client_verify"; }
        location = /plain { internal; return 200 "plain"; }
        location / { return 200 "in"; }"""))
    port = gw.port["tls"]
    assert wire.get(port, pki.alice).text == "in"
    assert wire.get(port, pki.expired).text == "bad FAILED:certificate has expired"
    assert wire.get(port, None).text == "none NONE"
    with wire.connect(port) as plain:
        assert plain.request().text == "plain"


def test_error_page_495_496_497_can_share_one_named_location(start, pki):
    gw = start(server("""
        error_page 495 496 497 =403 @refused;
        location @refused { default_type text/plain; return 403 "no: $ssl_client_verify"; }
        location / { return 200 "in"; }"""))
    answer = wire.get(gw.port["tls"], None)
    assert (answer.status, answer.text) == (403, "no: NONE")


def test_error_page_497_redirects_plain_http_to_https(start, pki):
    gw = start(server("""
        error_page 497 https://$host$request_uri;
        return 200 "in";"""))
    with wire.connect(gw.port["tls"]) as plain:
        answer = plain.request("GET", "/deep/path?q=1")
    assert answer.status == 302
    assert answer.header("Location") == "https://a.test/deep/path?q=1"


def test_plain_http_to_the_tls_port_is_told_so(start, pki):
    gw = start(server('return 200 "in";'))
    with wire.connect(gw.port["tls"]) as plain:
        answer = plain.request()
        assert answer.status == 400
        assert "plain HTTP request was sent to HTTPS port" in answer.text
        assert plain.ended()


def test_return_301_to_https(start, pki):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        server_name a.test;
        return 301 https://$host$request_uri;
    }""")
    with wire.connect(gw.port["http"]) as plain:
        answer = plain.request("GET", "/x?y=z", host="A.test:8080")
    assert answer.status == 301
    assert answer.header("Location") == "https://a.test/x?y=z"


def test_return_444_closes_without_a_word(start, pki):
    gw = start("""server { listen 127.0.0.1:@http@; return 444; }""")
    with wire.connect(gw.port["http"]) as plain:
        plain.ask()
        assert plain.rest() == b""


def test_websocket_with_the_connection_upgrade_map(start, pki, backend):
    gw = start("""
        map $http_upgrade $connection_upgrade {
            default upgrade;
            ''      close;
        }
        """ + server("""
        location / {
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_pass http://@backend@;
        }"""), backend=backend)
    with wire.tls(gw.port["tls"], pki.alice) as client:
        answer = client.request("GET", "/ws", [("Upgrade", "websocket"),
                                               ("Connection", "Upgrade")])
        assert answer.status == 101
        assert answer.header("Upgrade") == "websocket"
        client.send(b"\x81\x05hello")
        assert client.exactly(7) == b"\x81\x05hello"
    assert wire.get(gw.port["tls"], pki.alice, "/plain").status == 200


def test_locations_are_chosen_as_nginx_chooses(start, pki):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location /         { return 200 "root"; }
        location = /exact  { return 200 "exact"; }
        location /images/  { return 200 "prefix"; }
        location ^~ /static/ { return 200 "no-regex"; }
        location ~ \\.php$ { return 200 "regex"; }
        location ~* \\.JPG$ { return 200 "nocase"; }
        location ~ ^/u/(?<name>[a-z]+)$ { return 200 "u:$name:$1"; }
    }""")
    with wire.connect(gw.port["http"]) as client:
        for target, expected in [
                ("/", "root"), ("/exact", "exact"), ("/exact/", "root"),
                ("/exact?q", "exact"), ("/images/a.txt", "prefix"), ("/images/a.jpg", "nocase"),
                ("/static/a.php", "no-regex"), ("/x.php", "regex"), ("/x.PHP", "root"),
                ("/u/ann", "u:ann:ann"), ("/%65xact", "exact"), ("/a/../exact", "exact"),
                ("//exact", "exact"), ("/./exact", "exact")]:
            assert client.request("GET", target).text == expected, target


def test_error_page_for_a_backend_error_and_add_header(start, pki, backend):
    backend.raw("/boom", b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops")
    gw = start("""server {
        listen 127.0.0.1:@http@;
        add_header X-Always yes always;
        add_header X-Good yes;
        error_page 404 = /found;
        error_page 502 =200 /sorry;
        location = /found { return 200 "found"; }
        location = /sorry { return 200 "sorry"; }
        location = /gone { return 404; }
        location = /down { proxy_pass http://127.0.0.1:@nobody@; }
        location / { proxy_pass http://@backend@; }
    }""", backend=backend)
    with wire.connect(gw.port["http"]) as client:
        assert client.request("GET", "/gone").text == "found"
        down = client.request("GET", "/down")
        assert (down.status, down.text) == (200, "sorry")
        boom = client.request("GET", "/boom")
        assert (boom.status, boom.text) == (500, "oops"), "not intercepted unless asked for"
        assert boom.header("X-Always") == "yes" and boom.header("X-Good") is None
        good = client.request("GET", "/fine")
        assert good.header("X-Always") == "yes" and good.header("X-Good") == "yes"


def test_allow_and_deny_by_address(start, pki):
    gw = start("""server {
        listen 127.0.0.1:@http@;
        location /never  { deny all; return 200 "in"; }
        location /deny   { deny 127.0.0.1; allow all; error_page 403 = /why; }
        location /net    { allow 127.0.0.0/8; deny all; error_page 404 =200 /ok; }
        location = /why { return 418 "why"; }
        location = /ok { return 200 "ok"; }
    }""")
    with wire.connect(gw.port["http"]) as client:
        assert client.request("GET", "/deny").status == 418
        assert client.request("GET", "/net").text == "ok"
        assert client.request("GET", "/never").text == "in", "return comes before access"
