"""What a load balancer says about the caller is believed where configured, and nowhere else."""

import socket
import ssl
import struct

import pytest

import wire
from gateway import IS_NGINX, server

TELL = 'return 200 "$proxy_protocol_addr|$proxy_protocol_port|$remote_addr";'
HTTP = "server { listen 127.0.0.1:@http@ proxy_protocol; " + TELL + " }"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source="192.0.2.1", port=4711, command=1, tlvs=b"", family=socket.AF_INET):
    if family == socket.AF_INET:
        kind = 0x11
        body = socket.inet_pton(family, source) + socket.inet_pton(family, "192.0.2.2")
    else:
        kind = 0x21
        body = socket.inet_pton(family, source) + socket.inet_pton(family, "2001:db8::2")
    body += struct.pack("!HH", port, 443) + tlvs
    return V2 + bytes([0x20 | command, kind]) + struct.pack("!H", len(body)) + body


BELIEVED = {
    "v1 over IPv4": (b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", "192.0.2.1|4711"),
    "v1 over IPv6": (b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", "2001:db8::1|4711"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "|"),
    "v1 unknown with more": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "|"),
    "v2 over IPv4": (v2(), "192.0.2.1|4711"),
    "v2 over IPv6": (v2("2001:db8::1", family=socket.AF_INET6), "2001:db8::1|4711"),
    "v2 with TLVs": (v2(tlvs=b"\x02\x00\x06a.test\x04\x00\x03\0\0\0"), "192.0.2.1|4711"),
    "v2 local": (V2 + b"\x20\x00\x00\x00", "|"),
}


@pytest.mark.parametrize("what", BELIEVED)
def test_believed_where_configured(start, what):
    gw = start(HTTP)
    header, told = BELIEVED[what]
    with wire.connect(gw.port["http"]) as client:
        client.send(header)
        assert client.request().text == told + "|127.0.0.1"
        assert client.request().text == told + "|127.0.0.1", "for the whole connection"


@pytest.mark.parametrize("what", BELIEVED)
def test_believed_in_one_piece_with_the_request(start, what):
    gw = start(HTTP)
    header, told = BELIEVED[what]
    with wire.connect(gw.port["http"]) as client:
        client.send(header + b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert client.response().text == told + "|127.0.0.1"


@pytest.mark.countersign
@pytest.mark.parametrize("what", BELIEVED)
def test_believed_byte_by_byte(start, what):
    gw = start(HTTP)
    header, told = BELIEVED[what]
    with wire.connect(gw.port["http"]) as client:
        for position in range(len(header)):
            client.send(header[position:position + 1])
        assert client.request().text == told + "|127.0.0.1"


@pytest.mark.parametrize("what", ["v1 over IPv4", "v2 over IPv4", "v2 with TLVs"])
def test_believed_ahead_of_mutual_tls(start, pki, what):
    gw = start(server(TELL).replace("ssl;", "ssl proxy_protocol;"))
    header, told = BELIEVED[what]
    answer = wire.get(gw.port["tls"], pki.alice, before=header)
    assert answer.text == told + "|127.0.0.1"
    assert wire.get(gw.port["tls"], None, before=header).status == 400


BROKEN = {
    "none": b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "v1 with a word for a port": b"PROXY TCP4 192.0.2.1 192.0.2.2 x 443\r\n",
    "v1 with a port too large": b"PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
    "v1 with a broken address": b"PROXY TCP4 192.0.2.x! 192.0.2.2 4711 443\r\n",
    "v1 without end": b"PROXY TCP4 " + b"1" * 300,
    "v1 in lower case": b"proxy TCP4 192.0.2.1 192.0.2.2 4711 443\r\n",
    "v2 with another version": V2 + b"\x31\x11" + v2()[14:],
    "v2 with a wrong signature": b"\r\n\r\n\0\r\nQUIX\n" + v2()[12:],
    "v2 shorter than its addresses": V2 + b"\x21\x11\x00\x04abcd",
}


SILENT_IN_NGINX = {"v2 shorter than its addresses"}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_or_missing_header_ends_the_connection(start, what):
    gw = start(HTTP)
    with wire.connect(gw.port["http"]) as client:
        client.send(BROKEN[what] + b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        client.sock.shutdown(socket.SHUT_WR)
        answer = client.rest()
        assert b" 200 " not in answer
    if not (IS_NGINX and what in SILENT_IN_NGINX):
        gw.wait_log("broken header|PROXY")


def test_a_header_nobody_asked_for_is_not_believed(start, pki):
    gw = start(server(TELL) + "server { listen 127.0.0.1:@http@; " + TELL + " }")
    with wire.connect(gw.port["http"]) as client:
        client.send(BELIEVED["v1 over IPv4"][0])
        assert client.response().status == 400
    with pytest.raises((ssl.SSLError, OSError)):
        wire.get(gw.port["tls"], pki.alice, before=BELIEVED["v1 over IPv4"][0])
    assert wire.get(gw.port["tls"], pki.alice).text == "||127.0.0.1"


def test_without_its_header_the_tls_port_stays_shut(start, pki):
    gw = start(server(TELL).replace("ssl;", "ssl proxy_protocol;"))
    with pytest.raises((ssl.SSLError, OSError)):
        wire.get(gw.port["tls"], pki.alice)
    gw.wait_log("broken header|PROXY")


def test_waiting_for_a_header_has_an_end(start):
    gw = start("client_header_timeout 1s;" + HTTP)
    with wire.connect(gw.port["http"]) as client:
        client.send(b"PROXY TC")
        assert client.ended(4)


def test_the_address_reaches_the_backend_and_the_log(start, backend):
    gw = start("""
        log_format pp '$proxy_protocol_addr $remote_addr';
        server {
            listen 127.0.0.1:@http@ proxy_protocol;
            access_log @dir@/pp.log pp;
            proxy_set_header X-Real-IP $proxy_protocol_addr;
            location / { proxy_pass http://@backend@; }
        }""", backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send(v2("198.51.100.9"))
        client.request("GET", "/", [("X-Real-IP", "10.0.0.1")])
    assert backend.requests[-1].all("X-Real-IP") == ["198.51.100.9"]
    gw.wait_log("198.51.100.9 127.0.0.1", name="pp.log")
