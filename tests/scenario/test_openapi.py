"""docs/api/openapi.yaml is what the authority does: the same paths and methods, no more and no
fewer; and what it is asked and answers is as the schemas say."""

import base64
import os
import re

import jsonschema
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import pki
import served
from gateway import TOP
from served import Folder, Follower, Server, csr, serial
from waiting import wait_for

pytestmark = pytest.mark.countersign

METHODS = {"get", "post", "put", "patch", "delete"}


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


API = yaml.safe_load(read("docs", "api", "openapi.yaml"))
OPERATIONS = {(method.upper(), path): operation for path, item in API["paths"].items()
              for method, operation in item.items() if method in METHODS}


def resolve(part):
    """The part of the file that is meant."""
    while "$ref" in part:
        target = API
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def valid(value, schema):
    """Whether a value is as a schema of the file says; all schemas refer to others of it."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema,
             "components": API["components"]}
    jsonschema.Draft202012Validator.check_schema(whole)
    jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.FormatChecker()).validate(value)


def check(method, path, answer):
    """An answer is one of those that the file has for the operation."""
    responses = OPERATIONS[method, path]["responses"]
    assert str(answer.status) in responses, f"{method} {path}: {answer.status} is not in the file"
    response = resolve(responses[str(answer.status)])
    if "content" not in response:
        assert answer.body == b""
        return answer
    kind = answer.header("Content-Type").partition(";")[0]
    assert kind in response["content"], f"{method} {path}: {kind} is not in the file"
    if kind.endswith("json"):
        valid(answer.json(), response["content"][kind]["schema"])
    return answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("openapi") / "ca")


@pytest.fixture(scope="module")
def server(folder):
    one = Server(folder)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def web(server):
    return server.enrol("web.example.internal")


def ask(server, path, body, cert=None):
    """A request that is as the file says, and so is its answer."""
    operation = OPERATIONS["POST", path]
    assert ("security" in operation) == (cert is not None)
    valid(body, operation["requestBody"]["content"]["application/json"]["schema"])
    return check("POST", path, server.post(path, body, cert))


def test_the_file_is_whole():
    assert API["openapi"].startswith("3.1")
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))
    for (method, path), operation in OPERATIONS.items():
        holes = {resolve(p)["name"] for p in operation.get("parameters", [])
                 if resolve(p)["in"] == "path"}
        assert holes == set(re.findall(r"{(\w+)}", path)), (method, path)
    for match in re.findall(r'\$ref: "([^"]+)"', read("docs", "api", "openapi.yaml")):
        assert resolve({"$ref": match}), match
    for name, schema in API["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []):
            valid(example, {"$ref": f"#/components/schemas/{name}"})


def test_the_file_has_every_route_and_no_other():
    """The table that the server is made of, with its holes as the file writes them."""
    table = re.search(r"struct cs_route routes\[\] = {(.*?)\n};",
                      read("src", "enrol", "server.c"), re.S)[1]
    rows = re.findall(r'{CS_METHOD_(\w+), "([^"]+)", ([^,]+), (NULL|"[^"]+"),', table)
    assert len(rows) == table.count("CS_METHOD_")
    served_rows = {(method, re.sub(r"{\*?}", "{}", path)): (flags, takes.strip('"'))
                   for method, path, flags, takes in rows}
    described = {(method, re.sub(r"{\w+}", "{}", path)): operation
                 for (method, path), operation in OPERATIONS.items()}
    assert set(served_rows) == set(described)
    for key, (flags, takes) in served_rows.items():
        operation = described[key]
        assert ("CLIENT" in flags) == ("security" in operation), key
        assert ("PLAIN" in flags) == ("public" in operation["tags"]), key
        body = operation.get("requestBody", {"content": {"NULL": {}}})
        assert list(body["content"]) == [takes], key


def test_other_methods_are_refused_by_name(server):
    for path in {path for _, path in OPERATIONS}:
        target = re.sub(r"{\w+}", "2", path)
        allowed = {method for method, other in OPERATIONS if other == path}
        with server.connect() as client:
            answer = client.request("DELETE", target, host="authority")
            assert answer.status == 405, target
        told = set(answer.header("Allow").replace(" ", "").split(","))
        assert told - {"HEAD"} == allowed, target
        valid(answer.json(), {"$ref": "#/components/schemas/Problem"})


def test_codes_that_the_file_names_exist():
    table = "".join(read("src", folder, "findings.def")
                    for folder in ("authority", "enrol", "serve", "x509"))
    text = read("docs", "api", "openapi.yaml")
    codes = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)", (?:ERROR|WARNING|NOTICE)', table))
    named = {code for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text)} \
        - {"issuer-prepared", "issuer-activated", "issuer-retired"}  # events
    assert named and named <= codes, named - codes


def test_enrolment_is_as_the_file_says(server, folder):
    key = pki.new_key()
    token = folder.token("a.example.internal", profile="peer")
    body = {"token": token, "csr": csr(key, "a.example.internal"),
            "identity": "dns:a.example.internal", "profile": "peer", "ttl": 3600}
    answer = ask(server, "/v1/enrol", body)
    assert answer.status == 201
    assert ask(server, "/v1/enrol", body).status == 200
    mine = server.identity(answer, key)
    next_key = csr(pki.new_key())
    assert ask(server, "/v1/renew", {"csr": next_key, "ttl": 7200}, mine).status == 201
    assert ask(server, "/v1/renew", {"csr": next_key, "ttl": 7200}, mine).status == 200
    gone = {"serial": serial(mine), "reason": "superseded"}
    assert ask(server, "/v1/revoke", gone, mine).status == 200


def required_and_others(schema):
    schema = resolve(schema)
    return set(schema["required"]), set(schema["properties"])


@pytest.mark.parametrize("path", ["/v1/enrol", "/v1/renew", "/v1/revoke"])
def test_members_are_required_known_and_refused_as_the_file_says(server, web, folder, path):
    schema = OPERATIONS["POST", path]["requestBody"]["content"]["application/json"]["schema"]
    cert = web if "security" in OPERATIONS["POST", path] else None
    good = {"token": folder.token("b.example.internal"), "profile": "server", "ttl": 3600,
            "csr": csr(pki.new_key()), "identity": "dns:b.example.internal",
            "serial": "00FF", "reason": "superseded"}
    required, known = required_and_others(schema)
    whole = {name: good[name] for name in known}
    valid(whole, schema)

    def code(body):
        with pytest.raises(jsonschema.ValidationError):
            valid(body, schema)
        answer = check("POST", path, server.post(path, body, cert))
        assert answer.status in (400, 401, 422), (body, answer.text)
        return answer.json()["code"]

    for name in known:
        without = {n: v for n, v in whole.items() if n != name}
        if name in required:
            assert code(without) == "field-missing", name
        else:
            valid(without, schema)
        assert code({**whole, name: [good[name]]}) == "field-type", name
        assert code({**whole, name: None}) == "field-type", name
    assert code({**whole, "more": 1}) == "field-unknown"
    if "ttl" in known:
        limits = API["components"]["schemas"]["Ttl"]
        assert code({**whole, "ttl": limits["minimum"] - 1}) == "field-range"
        assert code({**whole, "ttl": limits["maximum"] + 1}) == "field-range"
        most = check("POST", path, server.post(path, {**whole, "ttl": limits["maximum"]}, cert))
        assert most.json()["code"] == "lifetime-too-long"


def test_events_are_as_the_file_says(server, folder, web):
    doomed = server.enrol("c.example.internal")
    with Follower(server.port, served.context(server.ca, web), 0) as follower:
        assert "text/event-stream" in \
            OPERATIONS["GET", "/v1/events"]["responses"]["200"]["content"]
        assert follower.head.header("Content-Type") == "text/event-stream"
        seen = len(follower.events)
        folder.ok("revoke", serial(doomed))
        follower.wait(seen + 1)
    folder.ok("rotate issuer prepare")  # the file's other kind of event; it ends streams
    with Follower(server.port, served.context(server.ca, web), 0) as follower:
        told = follower.wait(seen + 2)
    described = OPERATIONS["GET", "/v1/events"]["description"]
    for _, kind, data in told:
        assert f"`{kind}`" in described
        name = "RevokedEvent" if kind == "revoked" else "IssuerEvent"
        valid(data, {"$ref": f"#/components/schemas/{name}"})
    assert {kind for _, kind, _ in told} == {"revoked", "issuer-prepared"}
    with server.connect(web) as client:
        answer = client.request("GET", "/v1/events", [("Last-Event-ID", str(10 ** 9))])
        assert check("GET", "/v1/events", answer).status == 410
    check("GET", "/v1/events", server_get(server, "/v1/events"))


def server_get(server, target, headers=(), cert=None):
    with server.connect(cert) as client:
        return client.request("GET", target, headers, host="authority")


def question(server, web):
    issuer = x509.load_pem_x509_certificate(
        read(server.folder.path, "issuer-2.pem").encode())
    return ocsp.OCSPRequestBuilder().add_certificate(
        web.cert, issuer, hashes.SHA256()).build().public_bytes(serialization.Encoding.DER)


PUBLIC = {"/v1/health": "/v1/health", "/ca.pem": "/ca.pem", "/crl/{issuer}.crl": "/crl/2.crl",
          "/crl/{issuer}/{shard}.crl": "/crl/2/17.crl", "/ocsp/{request}": None,
          "/spiffe/bundle.json": "/spiffe/bundle.json"}


def unchanged(server, path, target):
    tag = server.public(target).header("ETag")
    again = check("GET", path, server.public(target, headers=[("If-None-Match", tag)]))
    assert again.status == 304 or again.header("ETag") != tag
    return again.status == 304


def test_public_documents_are_as_the_file_says(server, web):
    der = question(server, web)
    assert set(PUBLIC) == {path for (method, path), operation in OPERATIONS.items()
                           if method == "GET" and "public" in operation["tags"]}
    for path, target in PUBLIC.items():
        target = target or "/ocsp/" + base64.b64encode(der).decode().replace("/", "%2F")
        answer = check("GET", path, server.public(target))
        assert answer.status == 200, target
        assert check("GET", path, server_get(server, target)).status == 200
        tag = answer.header("ETag")
        assert (tag is not None) == ("304" in OPERATIONS["GET", path]["responses"]), path
        if tag:
            wait_for(lambda: unchanged(server, path, target), "a list that is not made anew between")
    for path, target in [("/crl/{issuer}.crl", "/crl/9.crl"),
                         ("/crl/{issuer}/{shard}.crl", "/crl/2/9999.crl")]:
        assert check("GET", path, server.public(target)).status == 404
    with served.wire.connect(server.plain) as client:
        asked = OPERATIONS["POST", "/ocsp"]["requestBody"]["content"]
        answer = client.request("POST", "/ocsp", [("Content-Type", *asked)], der)
        assert check("POST", "/ocsp", answer).status == 200
        assert ocsp.load_der_ocsp_response(answer.body).serial_number == web.cert.serial_number
