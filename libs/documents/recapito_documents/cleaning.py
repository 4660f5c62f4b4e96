"""The parent's side of the worker: starts it, feeds it, bounds it, and believes nothing it says unchecked."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from signal import SIGKILL
from threading import BoundedSemaphore, Event, Timer
from typing import Final

from recapito_documents.errors import CleaningUnavailable, Reason, refused
from recapito_documents.limits import Limits

_MAX_ANSWER: Final = 64 * 1024 * 1024  # bytes, more than ten large pages and their file take
_READY: Final = b"ready\n"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned document: its pages as pictures, and for a PDF the file too."""

    pages: tuple[bytes, ...]
    file: bytes


class Cleaner:
    """Cleans documents, each in a process of its own, so many at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = BoundedSemaphore(limits.workers)
        self._room = BoundedSemaphore(limits.workers + limits.waiting)

    def clean(self, media_type: str, data: bytes) -> Cleaned:
        """Cleans one document of an allowed type. Raises DocumentRefused, and CleaningUnavailable where it can't be tried."""
        if not self._room.acquire(blocking=False):
            raise CleaningUnavailable("all workers are busy, and enough documents wait already")
        try:
            if not self._free.acquire(timeout=self._limits.worker_seconds):
                raise CleaningUnavailable("all workers are busy cleaning other documents")
            try:
                return self._parsed(media_type, self._run(media_type, data))
            finally:
                self._free.release()
        finally:
            self._room.release()

    def _run(self, media_type: str, data: bytes) -> bytes:
        """What the worker answers, at most ``_MAX_ANSWER`` bytes."""
        options = json.dumps(asdict(self._limits))
        # -I and the empty environment: it takes nothing from the folder it starts in, and sees none of the service's secrets.
        command = [sys.executable, "-I", "-m", "recapito_documents.clean_worker", media_type, options]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        late = Event()
        try:
            started = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nothing, env={})  # noqa: S603 - no shell, own words
        except OSError as error:
            raise CleaningUnavailable(f"the cleaning worker can't be started: {error.strerror}") from error
        with started as worker:

            def give_up() -> None:
                late.set()
                worker.kill()

            timer = Timer(self._limits.worker_seconds * 2, give_up)
            timer.start()
            try:
                ready, answer = _converse(worker, data)
            finally:
                timer.cancel()
                worker.kill()  # it has answered, or never will
        if not ready:
            raise CleaningUnavailable(f"the cleaning worker did not start (status {worker.returncode})")
        # SIGKILL is what the kernel sends where the CPU time is used up, or the memory of the machine.
        if late.is_set() or worker.returncode == -SIGKILL or len(answer) > _MAX_ANSWER:
            raise refused(Reason.TOO_COMPLEX, self._limits)
        return answer

    def _parsed(self, media_type: str, answer: bytes) -> Cleaned:
        head, _, body = answer.partition(b"\n")
        try:
            said = json.loads(head)
            if "refused" in said:
                raise refused(Reason(said["refused"]), self._limits)
            sizes = [int(size) for size in said["sizes"]]
        except (ValueError, KeyError, TypeError) as error:  # it died, or was taken over by what it read
            raise refused(Reason.UNREADABLE, self._limits) from error
        if not 2 <= len(sizes) <= self._limits.max_pages + 1 or min(sizes) < 0 or sum(sizes) != len(body):
            raise refused(Reason.UNREADABLE, self._limits)
        parts = []
        for size in sizes:
            parts.append(body[:size])
            body = body[size:]
        return Cleaned(tuple(parts[1:]), parts[0])


def _converse(worker: "subprocess.Popen[bytes]", data: bytes) -> tuple[bool, bytes]:
    """Whether the worker got ready, and its answer. It reads all before it answers, so neither side waits for the other."""
    assert worker.stdin is not None and worker.stdout is not None  # noqa: S101, PT018 - both are pipes
    ready = worker.stdout.read(len(_READY)) == _READY
    with suppress(BrokenPipeError):  # it is gone
        worker.stdin.write(data)
    with suppress(BrokenPipeError):
        worker.stdin.close()
    return ready, worker.stdout.read(_MAX_ANSWER + 1)
