"""What benchmarks run on: real parts of their own, servers as processes, and the CPU that a process used."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.pki import Pki
from tests.support.redis import RedisServer
from tests.support.serving import ServiceProcess, wait_serving


class Parts:
    """A CA and a Redis with an append-only file, as in production; ``folder`` for what else is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = Pki(folder / "tls")
        self.redis = RedisServer(durable=True)


@contextmanager
def parts() -> Iterator[Parts]:
    """Parts that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="recapito-bench-") as folder:
        made = Parts(Path(folder))
        try:
            yield made
        finally:
            made.redis.stop()


class Server(ServiceProcess):
    """``python -m bench.servers NAME`` as a process, ready; ``port`` serves gRPC."""

    def __init__(self, some: Parts, name: str, port: int, environment: Mapping[str, str]) -> None:
        self._name = name
        super().__init__("otp", [], environment, some.folder / f"{name}.log")
        self.port = port
        wait_serving(some.pki, port, self)

    def start(self) -> None:
        command = [sys.executable, "-m", "bench.servers", self._name]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env={**os.environ, **self._environment}, stdout=out, stderr=out)

    def cpu_seconds(self) -> float:
        """What all threads of the process have used so far, by the kernel's accounting (nanoseconds)."""
        # the clock of another process (clock_getcpuclockid(3)): threads that have ended are in it
        return time.clock_gettime(~self.process.pid << 3 | 2)


class Loads:
    """Clients of one server: processes of ``bench.load`` that begin a phase together."""

    def __init__(
        self, some: Parts, port: int, caller: str, connections: int, calls: int, processes: int = 2, first: int = 0, **more: Any
    ) -> None:
        processes = min(processes, connections)
        self._children = []
        for number in range(processes):
            plan = {
                "port": port,
                "tls": some.pki.files(caller),
                "connections": connections // processes,
                "calls": calls // processes,
                "first": first + number * (calls // processes),
                **more,
            }
            command = [sys.executable, "-m", "bench.load", json.dumps(plan)]
            self._children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for child in self._children:
            self._read(child)

    def phase(self, name: str) -> dict[str, float]:
        """Runs a phase: calls, seconds (the slowest process's), the slowest call in ms. Raises RuntimeError: one went wrong."""
        for child in self._children:
            assert child.stdin is not None
            child.stdin.write(name + "\n")
            child.stdin.flush()
        found = [json.loads(self._read(child)) for child in self._children]
        return {
            "calls": sum(one["calls"] for one in found),
            "seconds": max(one["seconds"] for one in found),
            "slowest_ms": max(one["slowest_ms"] for one in found),
        }

    def _read(self, child: "subprocess.Popen[str]") -> str:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise RuntimeError("a load client failed")
        return line

    def stop(self) -> None:
        for child in self._children:
            child.communicate(timeout=10)
