"""The logs of all programs on one terminal, each line with its program's name before it."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TextIO

_MOST_AT_ONCE: Final = 64 * 1024


class Follower:
    """Shows what is added to the logs from now on. ``names`` are those of the files without their ending."""

    def __init__(self, folder: Path, names: Iterable[str], out: TextIO = sys.stdout) -> None:
        self._logs = [_Log(folder / f"{name}.log", name) for name in names]
        self._width = max((len(log.name) for log in self._logs), default=0)
        self._out = out

    def show(self) -> None:
        """Shows what is new."""
        for log in self._logs:
            for line in log.new_lines():
                print(f"{log.name:<{self._width}} | {line}", file=self._out)
        self._out.flush()

    def until(self, ended: Callable[[], bool]) -> None:
        """Shows what is new until ``ended`` says so. ``ended`` also gives the pace: it waits a little."""
        while not ended():
            self.show()
        self.show()


class _Log:
    def __init__(self, file: Path, name: str) -> None:
        self.name = name
        self._file = file
        self._at = file.stat().st_size if file.exists() else 0
        self._rest = b""

    def new_lines(self) -> list[str]:
        """The whole lines since the last time; a file that has been rotated is read from its beginning."""
        try:
            size = self._file.stat().st_size
            if size < self._at:
                self._at = 0
            if size == self._at:
                return []
            with self._file.open("rb") as stream:
                stream.seek(self._at)
                read = stream.read(_MOST_AT_ONCE)
        except FileNotFoundError:
            return []
        self._at += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        return [line.decode(errors="replace") for line in lines]
