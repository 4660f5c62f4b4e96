"""A feed that another system follows: what was committed after a cursor, then what comes, each at least once and in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Protocol, TypeVar

from recapito_servicekit.errors import Violation, invalid

PAUSE_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 50.0
MARGIN_SECONDS: Final = 0.5  # so that the stream ends before the caller's deadline does it


class Numbered(Protocol):
    """Something that happened, at its place in the order of commits."""

    @property
    def seq(self) -> int:
        """The place."""


S = TypeVar("S", bound=Numbered)
T = TypeVar("T")


async def follow(read_after: Callable[[int], Sequence[tuple[S, T]]], cursor: str, seconds: float) -> AsyncIterator[tuple[S, T]]:
    """What ``read_after`` finds, batch by batch, for at most ``seconds``. It waits on the loop, in no thread.

    Raises INVALID_ARGUMENT: no such cursor.
    """
    after = _place(cursor)
    until = time.monotonic() + min(seconds - MARGIN_SECONDS, LONGEST_SECONDS)
    while True:
        batch = await asyncio.to_thread(read_after, after)
        for step, of in batch:
            after = step.seq
            yield step, of
        if time.monotonic() + PAUSE_SECONDS >= until:
            return
        if not batch:
            await asyncio.sleep(PAUSE_SECONDS)


def _place(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise invalid(Violation("cursor", "UNKNOWN", "a cursor that came before, or empty"))
    return int(cursor)
