"""A real PostgreSQL of a test run's own, from Debian's package."""

import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.support.ports import free_port

START_SECONDS: Final = 60
_NAMES: Final = itertools.count(1)


class PostgresServer:
    """Start, kill, freeze, and start again on the same port and data. Raises RuntimeError where there is no PostgreSQL.

    ``durable``: commits outlast the machine, as a benchmark wants it; what a test writes has to outlast the process alone.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._fsync = "on" if durable else "off"
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._folder = Path(tempfile.mkdtemp(prefix="recapito-postgres-"))
        self._as: dict[str, Any] = _somebody(self._folder)
        secret = self._folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # in a folder that nobody else reads
        how = ["--auth=scram-sha-256", f"--pwfile={secret}", "--username=recapito", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run("initdb", f"--pgdata={self._folder / 'data'}", "--no-sync", *how)
        self._process: subprocess.Popen[bytes]
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://recapito:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The name of a new, empty database; a few ten milliseconds."""
        name = f"test_{next(_NAMES)}"
        self._execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Drops a database whoever is still connected."""
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([_binary(program), *arguments], capture_output=True, text=True, check=False, **self._as)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": self._fsync, "shared_buffers": "32MB"}
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            command = [_binary("postgres"), "-D", str(self._folder / "data"), "-p", str(self.port), *flags]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(f"postgres did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """The whole server dies at once, as with the machine's power: its data are recovered at the next start."""
        self._process.send_signal(signal.SIGQUIT)  # the postmaster takes its children along, which SIGKILL doesn't
        self._process.wait(60)

    def freeze(self) -> None:
        """New connections and those that exist hang."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return [self._process.pid, *map(int, children)]

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _binary(program: str) -> str:
    """Debian keeps a server's programs off the PATH, a folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[4]))
    if not found:
        raise RuntimeError("there is no PostgreSQL here: apt-get install postgresql")
    return str(found[-1])


def _somebody(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as its own user, and the folder is that user's."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": folder}
