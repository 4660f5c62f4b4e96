"""The processes of a system, found by the mark in their environment, so that none is missed whoever started it again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "RECAPITO_SUPERVISED"
"""In the environment of all that is started: the ``var`` folder of its system."""
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """A living process."""

    pid: int
    command: str


def find(var: Path) -> list[Process]:
    """The living processes of the system whose state is in ``var``, as far as this user may see them."""
    mark = f"{MARK}={var}"
    found = _from_proc(mark) if sys.platform == "linux" else _from_ps(mark)
    return [process for process in found if process.pid != os.getpid()]


def send(processes: list[Process], signum: signal.Signals) -> None:
    """Sends a signal; who is gone already is passed over."""
    for process in processes:
        try:
            os.kill(process.pid, signum)
        except ProcessLookupError:
            continue


def wait_gone(look: Callable[[], list[Process]], seconds: float) -> list[Process]:
    """Waits until ``look`` finds none; gives those that are left."""
    end = time.monotonic() + seconds
    while (left := look()) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return left


def _from_proc(mark: str) -> list[Process]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found.append(Process(int(folder.name), command))
        except OSError:  # gone meanwhile, or another user's
            continue
    return found


def _from_ps(mark: str) -> list[Process]:
    listed = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
    lines = [line.strip().partition(" ") for line in listed.splitlines() if f" {mark} " in f"{line} "]
    return [Process(int(pid), command.partition(" RECAPITO_")[0]) for pid, _, command in lines]
