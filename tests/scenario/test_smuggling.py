"""Requests that two parsers could read in two ways reach no backend."""

import pytest

import wire
from gateway import IS_NGINX

PREFIX = b"POST / HTTP/1.1\r\nHost: a.test\r\n"

# what → the bytes; each must be answered with 400 (or another error) and never be forwarded.
# The rows of STRICT are refused by
# countersign only.
REFUSED = {
    "two lengths": PREFIX + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length twice": PREFIX + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "length and chunked": PREFIX + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   b"0\r\n\r\n",
    "chunked and length": PREFIX + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
                                   b"0\r\n\r\n",
    "negative length": PREFIX + b"Content-Length: -1\r\n\r\n",
    "plus length": PREFIX + b"Content-Length: +1\r\n\r\na",
    "hex length": PREFIX + b"Content-Length: 0x1\r\n\r\na",
    "length with a space inside": PREFIX + b"Content-Length: 1 1\r\n\r\na",
    "length list": PREFIX + b"Content-Length: 1, 1\r\n\r\na",
    "empty length": PREFIX + b"Content-Length: \r\n\r\n",
    "length beyond 64 bits": PREFIX + b"Content-Length: 18446744073709551617\r\n\r\na",
    "chunked twice": PREFIX + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"0\r\n\r\n",
    "an unknown coding": PREFIX + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before chunked": PREFIX + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after chunked": PREFIX + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"0\r\n\r\n",
    "a space before the colon": PREFIX + b"Content-Length : 1\r\n\r\na",
    "a tab before the colon": PREFIX + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a NUL in a value": b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Nul: a\0b\r\n\r\n",
    "a bare CR in a value": b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Cr: a\rX: b\r\n\r\n",
    "a wrong chunk size": PREFIX + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "an endless chunk size": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n"
                                      b"ffffffffffffffffff\r\n\r\n",
    "a chunk without its end": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "a space in the version": b"GET / HTTP /1.1\r\nHost: a.test\r\n\r\n",
    "an unknown protocol": b"GET / HTTX/1.1\r\nHost: a.test\r\n\r\n",
    "a lower-case method": b"get / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a target without a slash": b"GET a HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a target above the root": b"GET /../etc/passwd HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "an encoded NUL in the target": b"GET /a%00b HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a broken escape in the target": b"GET /%zz HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "CONNECT": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space in the host": b"GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n",
}

STRICT = {
    "a bare LF after the request line": b"GET / HTTP/1.1\nHost: a.test\r\n\r\n",
    "a bare LF after a header": b"GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n",
    "a bare LF at the end of the headers": b"GET / HTTP/1.1\r\nHost: a.test\r\n\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Fold: a\r\n b\r\n\r\n",
    "a folded length": PREFIX + b"Content-Length:\r\n 1\r\n\r\na",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: a.test\r\nJunk\r\n\r\n",
    "a header without a name": b"GET / HTTP/1.1\r\nHost: a.test\r\n: x\r\n\r\n",
    "a space in a header name": b"GET / HTTP/1.1\r\nHost: a.test\r\nX Y: z\r\n\r\n",
    "a bracket in a header name": b"GET / HTTP/1.1\r\nHost: a.test\r\nX(Y): z\r\n\r\n",
    "a bare LF after a chunk size": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    "a bare LF after a chunk": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n",
    "a space before a chunk size": PREFIX + b"Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n"
                                            b"0\r\n\r\n",
    "two spaces in the request line": b"GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a control byte in a value": b"GET / HTTP/1.1\r\nHost: a.test\r\nX: a\x01b\r\n\r\n",
    "a vertical tab in the coding": PREFIX + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
}

PROXY = """
    server {
        listen 127.0.0.1:@http@;
        proxy_request_buffering on;
        location / { proxy_pass http://@backend@; }
    }"""


def attempt(gw, data):
    """Send bytes and read everything; the statuses that came back."""
    with wire.connect(gw.port["http"]) as client:
        client.send(data)
        client.sock.shutdown(wire.socket.SHUT_WR)
        answer = client.rest()
    return [int(line.split(b" ")[1]) for line in answer.split(b"\r\n")
            if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))]


@pytest.mark.parametrize("what", REFUSED)
def test_refused_and_never_forwarded(start, pki, backend, what):
    gw = start(PROXY, backend=backend)
    statuses = attempt(gw, REFUSED[what])
    assert statuses and all(s >= 400 for s in statuses), statuses
    assert statuses[0] in (400, 405, 411, 413, 414, 501, 505)
    assert backend.requests == []


@pytest.mark.countersign
@pytest.mark.parametrize("what", STRICT)
def test_refused_strictly_and_never_forwarded(start, pki, backend, what):
    gw = start(PROXY, backend=backend)
    assert attempt(gw, STRICT[what]) == [400]
    assert backend.requests == []


@pytest.mark.parametrize("what", ["two lengths", "length and chunked", "a wrong chunk size"])
def test_the_connection_does_not_live_on_after_a_refusal(start, pki, backend, what):
    gw = start(PROXY, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send(REFUSED[what] + b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert client.response().status >= 400
        assert client.ended()
    assert "/smuggled" not in backend.paths()


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_a_body_that_is_too_large_is_not_read_as_requests(start, pki, backend, buffering):
    """What was decoded of it where it lies is not taken for what comes next."""
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
    chunk = hidden + b"x" * 2000
    gw = start(PROXY.replace("on;", buffering + "; client_max_body_size 1k;", 1), backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send(PREFIX + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                    % (len(chunk), chunk))
        assert client.response().status == 413
        assert client.ended()
    assert "/smuggled" not in backend.paths()


ACCEPTED = {
    "plain": (b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", b""),
    "no space after the colon": (b"GET / HTTP/1.1\r\nHost:a.test\r\n\r\n", b""),
    "blanks around a value": (b"GET / HTTP/1.1\r\nHost:  a.test \r\n\r\n", b""),
    "empty line first": (b"\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", b""),
    "HTTP/1.0 without host": (b"GET / HTTP/1.0\r\n\r\n", b""),
    "length zero": (PREFIX + b"Content-Length: 0\r\n\r\n", b""),
    "leading zeros": (PREFIX + b"Content-Length: 003\r\n\r\nabc", b"abc"),
    "chunks": (PREFIX + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
               b"abc"),
    "chunk extension": (PREFIX + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
                        b"abc"),
    "Chunked in capitals": (PREFIX + b"Transfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                            b"abc"),
    "upper-case chunk size": (PREFIX + b"Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n"
                                       b"0\r\n\r\n", b"0123456789"),
    "a trailer": (PREFIX + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: v\r\n\r\n",
                  b"a"),
    "a high byte in a value": (b"GET / HTTP/1.1\r\nHost: a.test\r\nX: \xe4\r\n\r\n", b""),
    "every token character": (b"GET / HTTP/1.1\r\nHost: a.test\r\nX!#$%&'*+-^`|~9: z\r\n\r\n", b""),
    "an absolute target": (b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", b""),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_unusual_but_right_is_forwarded_once(start, pki, backend, what):
    gw = start(PROXY, backend=backend)
    data, body = ACCEPTED[what]
    with wire.connect(gw.port["http"]) as client:
        client.send(data)
        answer = client.response()
    assert answer.status == 200
    assert answer.json()["length"] == len(body)
    assert answer.json()["body"] == body.decode()
    assert len(backend.requests) == 1


@pytest.mark.parametrize("what", ACCEPTED)
def test_one_byte_at_a_time_is_the_same_request(start, pki, backend, what):
    gw = start(PROXY, backend=backend)
    data, body = ACCEPTED[what]
    with wire.connect(gw.port["http"]) as client:
        for position in range(len(data)):
            client.send(data[position:position + 1])
        answer = client.response()
    assert answer.status == 200
    assert answer.json()["body"] == body.decode()


def test_the_forwarded_request_is_framed_once_and_clearly(start, pki, backend):
    gw = start(PROXY, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        client.send(ACCEPTED["chunks"][0])
        assert client.response().status == 200
    request = backend.requests[-1]
    framing = request.all("Content-Length") + request.all("Transfer-Encoding")
    assert framing in (["3"], ["chunked"])


# Debian's nginx passes these on in its own way
LAX_IN_NGINX = {"not HTTP", "two lengths", "length and chunked", "chunked twice",
                "a word for a length"}

# answers of a backend that could be read in two ways
BAD_ANSWERS = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a word for a length": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "nothing": b"",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_a_backend_that_cannot_be_understood_is_502(start, pki, backend, what):
    if IS_NGINX and what in LAX_IN_NGINX:
        pytest.skip("only countersign does this")
    backend.raw("/", BAD_ANSWERS[what])
    gw = start(PROXY, backend=backend)
    with wire.connect(gw.port["http"]) as client:
        assert client.request().status == 502
    gw.wait_log("upstream")
