"""Time comes in through here, so that a test can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present instant, UTC, with its zone."""
    return datetime.now(UTC)
