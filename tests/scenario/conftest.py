"""Fixtures of the scenarios: certificates, backends and gateways."""

import contextlib
import os
import re
import resource
import subprocess

import pytest

import gateway as gateway_module
from backend import Backend, NginxBackend
from gateway import BINARY, IS_NGINX, IS_ROOT, Gateway
from pki import Zoo


def pytest_configure(config):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not IS_NGINX and not os.access(BINARY, os.X_OK):
        raise pytest.UsageError(f"{BINARY} is not there: build it, or set COUNTERSIGN")


def pytest_report_header():
    return f"gateway under test: {gateway_module.PROGRAM}"


def pytest_collection_modifyitems(items):
    for item in items:
        if IS_NGINX and item.get_closest_marker("countersign"):
            item.add_marker(pytest.mark.skip(reason="only countersign does this"))
        if not IS_ROOT and item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs to be root"))


def is_running(pid):
    return os.path.exists(f"/proc/{pid}")


@pytest.fixture(scope="session", autouse=True)
def no_shared_clocks():
    """What processes under faketime leave behind when they are killed: their shared memory."""
    yield
    for name in os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else ():
        left = re.fullmatch(r"(?:sem\.)?faketime_(?:shm|sem)_(\d+)", name)
        if left and not is_running(left[1]):
            with contextlib.suppress(OSError):
                os.unlink(f"/dev/shm/{name}")


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    return Zoo(folder)


@pytest.fixture
def backend():
    with Backend() as one:
        yield one


@pytest.fixture(scope="session")
def nginx_backend():
    one = NginxBackend()
    yield one
    one.stop()


@pytest.fixture
def start(pki):
    """start(body, **words) → a running Gateway, which must end well after the story."""
    started = []

    def begin(body, *, start=True, **words):
        one = Gateway(body, pki=pki, start=False, **words)
        started.append(one)
        return one.start() if start else one

    yield begin
    failures = []
    for one in started:
        try:
            one.finish()
        except (AssertionError, subprocess.TimeoutExpired) as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
