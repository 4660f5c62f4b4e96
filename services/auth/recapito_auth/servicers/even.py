"""Answers that come at even times: what was found along the way is not to be read off the clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def even_answer(
    milliseconds: int, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Ends on the next tick of so many ms after it began, whatever was done, and whether or not it was refused.

    A customer who is found is a row to read and a record to build, tenths of a millisecond: five hundred answers would tell.
    """
    started = now()
    try:
        yield
    finally:
        tick = milliseconds / 1000
        sleep(tick - (now() - started) % tick)
