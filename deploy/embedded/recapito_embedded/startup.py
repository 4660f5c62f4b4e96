"""Starts the system: every program and command as soon as what it waits for is there, until all is ready or something fails."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from recapito_embedded import supervision
from recapito_embedded.layout import Layout
from recapito_embedded.programs import Command, Program, module
from recapito_embedded.readiness import Probe
from recapito_embedded.supervision import State, Supervisor

PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_LINES: Final = 25


class Failed(Exception):
    """Raised when the system can't be brought up. The message tells what failed, with the end of its log."""


class Startup:
    """One start. ``environments`` are the services' variables."""

    def __init__(
        self,
        layout: Layout,
        programs: Iterable[Program],
        commands: Iterable[Command],
        environments: Mapping[str, Mapping[str, str]],
        probes: Callable[[], Mapping[str, Probe]],
    ) -> None:
        self._layout = layout
        self._programs = {program.name: program for program in programs}
        self._commands = {command.name: command for command in commands}
        self._environments = environments
        self._supervisor = Supervisor(layout)
        self._read_probes = probes
        self._asked: Mapping[str, Probe] | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: set[str] = set()
        self._done: set[str] = set()

    def run(self) -> None:
        """Returns when every program is ready and every command has succeeded. Raises Failed."""
        daemon = supervision.start(self._layout, self._programs.values())
        self._started |= {program.name for program in self._programs.values() if not program.needs}
        end = time.monotonic() + PATIENCE_SECONDS
        try:
            while len(self._done) < len(self._programs) + len(self._commands):
                self._start_commands()
                if daemon.poll() is not None:
                    raise Failed(f"the supervisor ended\n{tail(self._layout, 'supervisord')}")
                if time.monotonic() > end:
                    raise self._out_of_time()
                self._look()
                time.sleep(_POLL_SECONDS)
        finally:
            for process in self._running.values():
                process.kill()

    def _start_commands(self) -> None:
        for command in self._commands.values():
            if command.name not in self._started and self._done.issuperset(command.needs):
                self._started.add(command.name)
                self._running[command.name] = self._spawn(command)

    def _spawn(self, command: Command) -> "subprocess.Popen[bytes]":
        environment = {**supervision.surroundings(self._layout), **self._environments[command.service]}
        with self._output(command).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module(command.service), *command.arguments],
                cwd=self._layout.run,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us: we say what it does to them
            )

    def _look(self) -> None:
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                self._ended(name, process.returncode)
        states = self._supervisor.states()
        if states is None:
            return  # it isn't listening yet
        for program in self._programs.values():
            self._look_at(program, states[program.name])

    def _ended(self, name: str, code: int) -> None:
        if code:
            raise Failed(f"{name} failed (exit {code})\n{_tail(self._output(self._commands[name]), name)}")
        self._done.add(name)

    def _output(self, command: Command) -> Path:
        return command.output or _log(self._layout, command.name)

    def _look_at(self, program: Program, state: State) -> None:
        if program.name in self._done:
            return
        if program.name not in self._started:
            if self._done.issuperset(program.needs):
                self._started.add(program.name)
                self._supervisor.start(program)
            return
        if state.failed:
            raise Failed(f"{program.name} doesn't start: {state.said}\n{tail(self._layout, program.name)}")
        probe = self._probes().get(program.name)
        if state.state == "RUNNING" if probe is None else state.pid and probe():
            self._done.add(program.name)

    def _probes(self) -> Mapping[str, Probe]:
        if self._asked is None:
            self._asked = self._read_probes()
        return self._asked

    def _out_of_time(self) -> Failed:
        waiting = [name for name in (*self._commands, *self._programs) if name not in self._done]
        ends = "\n".join(tail(self._layout, name) for name in waiting if name in self._started)
        return Failed(f"not ready after {PATIENCE_SECONDS:.0f} s: {', '.join(waiting)}\n{ends}")


def tail(layout: Layout, name: str) -> str:
    """The last lines of a log, each with the log's name before it."""
    return _tail(_log(layout, name), name)


def _tail(file: Path, name: str) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    return "\n".join(f"  {name} | {line}" for line in lines[-_LINES:]) or f"  {name} | (nothing in its log)"


def _log(layout: Layout, name: str) -> Path:
    return layout.logs / f"{name}.log"
