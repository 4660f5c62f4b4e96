"""Tells the claim handling system what happened to filed claims, in the order of commits, at least once."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from recapito_claims.domain.claim import Claim, Step
from recapito_claims.store import reading
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.sql import Database

BATCH: Final = 50
PAUSE_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 50.0
MARGIN_SECONDS: Final = 0.3  # so that the stream ends before the caller's deadline does it


def place_of(cursor: str) -> int:
    """Where a cursor stands. Raises INVALID_ARGUMENT."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise invalid(Violation("cursor", "UNKNOWN", "a cursor that came before, or empty"))
    return int(cursor)


async def watch(database: Database, after: int, seconds: float) -> AsyncIterator[tuple[Step, Claim]]:
    """What happened after that place, then what comes, for ``seconds``; each with its claim as it is now."""
    until = time.monotonic() + min(seconds - MARGIN_SECONDS, LONGEST_SECONDS)
    while True:
        batch = await asyncio.to_thread(_after, database, after)
        for step, claim in batch:
            after = step.seq
            yield step, claim
        if time.monotonic() + PAUSE_SECONDS >= until:
            return
        if len(batch) < BATCH:
            await asyncio.sleep(PAUSE_SECONDS)


def _after(database: Database, seq: int) -> list[tuple[Step, Claim]]:
    with database.read() as connection:
        steps = reading.steps_after(connection, seq, BATCH)
        found = reading.filed(connection, (step.claim_id for step in steps))
    return [(step, found[step.claim_id]) for step in steps]
