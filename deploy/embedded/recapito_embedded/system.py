"""The whole system: up, down, and how it is."""

import errno
import fcntl
import os
import shlex
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from recapito_embedded import environment, pki, processes, redis
from recapito_embedded.layout import HOST, Layout, port_variable
from recapito_embedded.processes import Process
from recapito_embedded.programs import Program, migrations, programs
from recapito_embedded.readiness import Probe, probes
from recapito_embedded.sample import Sample
from recapito_embedded.startup import Failed, Startup
from recapito_embedded.supervision import State, Supervisor

STOP_SECONDS: Final = 60.0
KILL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run, written down in ``var`` and ready to be started."""

    programs: list[Program]
    environments: Mapping[str, Mapping[str, str]]
    redis_password: str

    def probes(self, layout: Layout) -> Mapping[str, Probe]:
        """How to ask each program whether it is ready."""
        return probes(layout, self.redis_password)


def prepare(layout: Layout) -> Plan:
    """Writes folders, certificates, secrets and settings into ``var``; what is there and good stays. Raises BadSettings."""
    layout.make_folders()
    pki.prepare(layout.var / "tls", datetime.now(UTC))
    keys = environment.read_secrets(layout.var / "secrets")
    environments = environment.of_services(layout, keys)
    environment.write(layout.var / "env", environments)
    password = keys["redis-password"]
    command = None
    if "RECAPITO_REDIS_URL" not in layout.settings:
        command = shlex.join(redis.write_configuration(layout, redis.find(), password))
    return Plan(programs(layout, command), environments, password)


def up(layout: Layout) -> bool:
    """Brings the system up and returns when all of it is ready; False: it was up already. Raises Failed, with nothing left
    running, or BadSettings.
    """
    layout.make_folders()
    with _alone(layout):
        if Supervisor(layout).states() is not None:
            return False
        stop(layout)  # what a killed supervisor left behind
        _demand_ports(layout)
        plan = prepare(layout)
        sample = Sample(layout)
        startup = Startup(
            layout, plan.programs, [*migrations(), *sample.commands()], plan.environments, lambda: plan.probes(layout)
        )
        try:
            startup.run()
        except BaseException:
            stop(layout)
            raise
        sample.note_done()
    return True


def stop(layout: Layout) -> list[Process]:
    """Stops all there is, in order, undisturbed by a second Ctrl-C. Gives what even SIGKILL left: nothing, if all is well."""
    with _undisturbed():
        return _stop(layout)


def _stop(layout: Layout) -> list[Process]:
    def daemons() -> list[Process]:
        return [process for process in processes.find(layout.var) if "supervisor.supervisord" in process.command]

    processes.send(daemons(), signal.SIGTERM)  # it stops the rest in order
    processes.wait_gone(daemons, STOP_SECONDS)

    def left() -> list[Process]:
        return processes.find(layout.var)

    for signum in (signal.SIGTERM, signal.SIGKILL):  # what had lost its supervisor, or its parent
        processes.send(left(), signum)
        if not processes.wait_gone(left, KILL_SECONDS):
            break
    for name in ("supervisor.sock", "supervisord.pid"):
        (layout.run / name).unlink(missing_ok=True)
    return left()


def not_ready(layout: Layout, seconds: float) -> Mapping[str, State | None]:
    """The programs that don't answer as ready within ``seconds``; empty: all do. Only for a system that is up."""
    plan_probes = probes(layout, environment.read_secrets(layout.var / "secrets")["redis-password"])
    end = time.monotonic() + seconds
    while True:
        states = Supervisor(layout).states() or {}
        waiting: dict[str, State | None] = {
            name: state for name, state in states.items() if state.state != "RUNNING" or not plan_probes.get(name, lambda: True)()
        }
        if not waiting or time.monotonic() > end:
            return waiting
        time.sleep(0.2)


def _demand_ports(layout: Layout) -> None:
    taken = [
        f"  {HOST}:{port} ({name}): stop what listens there, or set {port_variable(name)}"
        for name, port in layout.ports.items()
        if not _is_free(port) and not (name == "redis" and "RECAPITO_REDIS_URL" in layout.settings)
    ]
    if taken:
        raise Failed("these ports are taken, nothing was started:\n" + "\n".join(taken))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.errno not in {errno.EADDRINUSE, errno.EACCES}
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    before = {signum: signal.signal(signum, signal.SIG_IGN) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One start at a time; a second one waits and then finds the system up."""
    descriptor = os.open(layout.run / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
