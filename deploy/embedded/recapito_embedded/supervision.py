"""supervisord: its configuration, its start, and the questions and orders that go over its socket.

Its names are relative to ``var/run``, where it runs: a long path would pass the bound of a unix socket's address.
"""

import contextlib
import http.client
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from supervisor.xmlrpc import SupervisorTransport

from recapito_embedded.layout import Layout, write_private
from recapito_embedded.processes import MARK
from recapito_embedded.programs import GROUPS, Program

SOCKET: Final = "supervisor.sock"
LOGS: Final = "../log"
DRAIN_SECONDS: Final = 15  # longer than a service's own drain
_NOT_THERE: Final = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class State:
    """A program as the supervisor sees it: ``STARTING``, ``RUNNING``, ``BACKOFF``, ``STOPPED``, ``EXITED``, ``FATAL``…"""

    name: str
    state: str
    pid: int
    said: str

    @property
    def failed(self) -> bool:
        """Whether it ended by itself soon after its start."""
        return self.state in {"BACKOFF", "FATAL", "EXITED"}


def configuration(programs: Iterable[Program]) -> str:
    """supervisord.conf: programs in groups that are stopped in reverse order, each started again when it ends."""
    listed = list(programs)
    sections = [
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={LOGS}/supervisord.log",
        "logfile_maxbytes=1MB",
        "logfile_backups=1",
        "pidfile=supervisord.pid",
        f"childlogdir={LOGS}",
        "umask=077",
        "minfds=256",
        "minprocs=1",
        "",
        "[unix_http_server]",
        f"file={SOCKET}",
        "chmod=0600",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for place, group in enumerate(GROUPS):
        names = ",".join(program.name for program in listed if program.group == group)
        sections += ["", f"[group:{group}]", f"programs={names}", f"priority={100 * (place + 1)}"]
    for program in listed:
        sections += ["", *_section(program)]
    return "\n".join(sections) + "\n"


def start(layout: Layout, programs: Iterable[Program]) -> "subprocess.Popen[bytes]":
    """Writes the configuration and starts supervisord in a session of its own. It begins with what waits for nothing."""
    file = layout.run / "supervisord.conf"
    write_private(file, configuration(programs).encode())
    return subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
        cwd=layout.run,
        env=surroundings(layout),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def surroundings(layout: Layout) -> dict[str, str]:
    """The environment of all that is started: the caller's without its settings, with the mark that ``down`` finds it by."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECAPITO_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # a start without bytecode takes twice as long
    here = "localhost,127.0.0.1"  # gRPC asks a proxy even for these
    return {**kept, "PYTHONUNBUFFERED": "1", "no_proxy": here, "NO_PROXY": here, "no_grpc_proxy": here, MARK: str(layout.var)}


class Supervisor:
    """The running supervisord of a layout."""

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.run

    def states(self) -> Mapping[str, State] | None:
        """Every program by its name; None: no supervisord answers."""
        try:
            answer: Any = self._call("getAllProcessInfo")
        except _NOT_THERE:
            return None
        return {
            info["name"]: State(info["name"], info["statename"], info["pid"], info["spawnerr"] or info["description"])
            for info in answer
        }

    def start(self, program: Program) -> None:
        """Has a program started, without waiting for it."""
        with contextlib.suppress(xmlrpc.client.Fault):  # already started, or can't be: its state tells
            self._call("startProcess", program.full_name, False)

    def _call(self, method: str, *arguments: object) -> object:
        with contextlib.chdir(self._folder):
            transport = SupervisorTransport(None, None, f"unix://{SOCKET}")
            try:
                proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
                return getattr(proxy.supervisor, method)(*arguments)
            finally:
                transport.close()


def _section(program: Program) -> list[str]:
    return [
        f"[program:{program.name}]",
        "command=" + program.command.replace("%", "%%"),
        f"autostart={str(not program.needs).lower()}",
        "autorestart=true",
        "startretries=1000000",  # a program that dies at once comes back after a pause that grows
        f"stopwaitsecs={DRAIN_SECONDS}",
        "stopasgroup=true",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={LOGS}/{program.name}.log",
        "stdout_logfile_maxbytes=5MB",
        "stdout_logfile_backups=2",
    ]
