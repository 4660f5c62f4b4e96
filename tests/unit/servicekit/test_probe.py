"""The probe says whether this process is ready."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from recapito_servicekit import management, probe
from tests.support.ports import free_port


@contextmanager
def _serving(monkeypatch: pytest.MonkeyPatch, *, ready: bool, host: str = "127.0.0.1") -> Iterator[None]:
    bind = f"{host}:{free_port()}"
    monkeypatch.setenv("RECAPITO_METRICS_BIND", bind)
    close = management.serve_plain(bind, lambda: ready)
    try:
        yield
    finally:
        close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_ready_process_is_healthy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with _serving(monkeypatch, ready=True, host=host):
        assert not probe.fault()


def test_connections_that_say_nothing_keep_no_probe_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner, or a Prometheus that died in the middle: the process must not be taken for dead."""
    monkeypatch.setattr(probe, "SECONDS", 1.0)
    with _serving(monkeypatch, ready=True):
        address = os.environ["RECAPITO_METRICS_BIND"].rpartition(":")
        silent = [socket.create_connection((address[0], int(address[2]))) for _ in range(5)]
        assert not probe.fault()
        for connection in silent:
            connection.close()


def test_a_process_that_is_not_ready_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving(monkeypatch, ready=False):
        assert probe.fault() == "503 Service Unavailable"


@pytest.mark.parametrize("bind", ["", "127.0.0.1:", "127.0.0.1:1"])
def test_a_process_that_cannot_be_asked_is_not_healthy(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    monkeypatch.setenv("RECAPITO_METRICS_BIND", bind)
    assert probe.fault().startswith("can't be asked")
