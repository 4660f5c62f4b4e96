"""Servers for tests: a service's own process, or its servicers on a loop in a thread of this process."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from recapito_servicekit import serving
from recapito_servicekit.calling import channel
from recapito_servicekit.settings import ServerSettings
from recapito_servicekit.tls import Identity
from tests.support.pki import Pki

ROOT = Path(__file__).resolve().parents[2]
CALLERS_FILE = ROOT / "deploy" / "callers.toml"
SLOWEST_SECONDS = 10.0
"""A call without its Redis is answered within 5 s (after 2, in fact); a busy machine gets twice that."""


def server_environment(pki: Pki, service: str, port: int) -> dict[str, str]:
    """The settings that every gRPC service needs, serving on ``port`` of loopback."""
    return {
        "RECAPITO_ENVIRONMENT": "development",
        "RECAPITO_GRPC_BIND": f"127.0.0.1:{port}",
        "RECAPITO_CALLERS_FILE": str(CALLERS_FILE),
        "RECAPITO_LOG_LEVEL": "WARNING",
        **pki.files(service),
    }


def channel_as(pki: Pki, caller: str, port: int) -> grpc.Channel:
    """A channel to ``localhost:port`` with the certificate of ``caller``."""
    files = pki.files(caller)
    names = ("RECAPITO_TLS_CA_FILE", "RECAPITO_TLS_CERT_FILE", "RECAPITO_TLS_KEY_FILE")
    ca, cert, key = (Path(files[name]).read_bytes() for name in names)
    return channel(f"localhost:{port}", Identity(ca, cert, key))


class ServerThread:
    """``wire`` as a service's __main__ gives it, served within this process, so that a test may hand in its clock."""

    def __init__(self, settings: ServerSettings, wire: Callable[[], Awaitable[serving.Wiring]]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wiring: serving.Wiring
        self._server: grpc.aio.Server
        asyncio.run_coroutine_threadsafe(self._start(settings, wire), self._loop).result(60)

    async def _start(self, settings: ServerSettings, wire: Callable[[], Awaitable[serving.Wiring]]) -> None:
        self._wiring = await wire()
        self._server, _ = await serving.start(settings, self._wiring)

    async def _stop(self) -> None:
        await self._server.stop(0.5)
        if self._wiring.close is not None:
            await self._wiring.close()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)


class ServiceProcess:
    """``recapito-<service> <arguments>`` as a process of its own; ``log`` is the file that it writes to."""

    def __init__(self, service: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command = [sys.executable, "-m", f"recapito_{service.replace('-', '_')}", *arguments]
        self._environment = {**_clean_environment(), **environment}
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=out)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def run_command(
    service: str, arguments: list[str], environment: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a service's command to its end."""
    command = [sys.executable, "-m", f"recapito_{service.replace('-', '_')}", *arguments]
    return subprocess.run(
        command,
        env={**_clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=typed or None,
    )


def wait_serving(pki: Pki, port: int, process: ServiceProcess | None = None, seconds: float = 60) -> None:
    """Returns when the server on ``port`` says SERVING. Raises AssertionError with the process's log."""
    until = time.monotonic() + seconds
    with channel_as(pki, "internal", port) as to_server:
        stub = health_pb2_grpc.HealthStub(to_server)
        while time.monotonic() < until:
            try:
                if stub.Check(health_pb2.HealthCheckRequest(), timeout=1).status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                time.sleep(0.05)
            if process is not None and process.process.poll() is not None:
                break
            time.sleep(0.05)
    raise AssertionError(f"nothing serves on {port}:\n{process.text()[-4000:] if process else ''}")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RECAPITO_")}
