"""granian, as a front end is served by it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.support.ports import free_port

PROGRAM = """
import sys
from types import SimpleNamespace
from recapito_servicekit import web_serving
web_serving.HEADER_SECONDS = 1
web_serving.serve("tests.unit.servicekit.test_web_serving:Answering", SimpleNamespace(http_bind=sys.argv[1]))
"""
SECONDS = 60


class Answering:
    async def __rsgi__(self, scope: object, exchange: object) -> None:
        """Nobody asks."""


@pytest.fixture(scope="module")
def port(pytestconfig: pytest.Config) -> Iterator[int]:
    found = free_port()
    with subprocess.Popen([sys.executable, "-c", PROGRAM, f"127.0.0.1:{found}"], cwd=pytestconfig.rootpath) as server:
        yield found
        server.terminate()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n"], ids=["nothing", "half a request"])
def test_connection_that_falls_silent_is_ended(port: int, said: bytes) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            silent = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "granian did not start"
            time.sleep(0.05)
        else:
            break
    with silent:
        silent.sendall(said)
        assert silent.recv(1) == b""
