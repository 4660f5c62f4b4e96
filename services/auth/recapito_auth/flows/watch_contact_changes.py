"""Tells the company's own systems of contacts that were changed here, in the order of commits."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from recapito_auth.domain.customers import Customer
from recapito_auth.flows.parts import Parts
from recapito_auth.store import customers
from recapito_auth.store.customers import Told
from recapito_servicekit.errors import Violation, invalid

BATCH: Final = 100
PAUSE_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 50.0


def place_of(cursor: str) -> int:
    """Where a cursor stands. Raises INVALID_ARGUMENT."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise invalid(Violation("cursor", "UNKNOWN", "a cursor that came before, or empty"))
    return int(cursor)


async def watch(parts: Parts, after: int, seconds: float) -> AsyncIterator[tuple[Told, Customer]]:
    """What was changed after that place, then what comes, for ``seconds``. It waits on the loop, in no thread."""
    until = time.monotonic() + min(seconds, LONGEST_SECONDS)
    while True:
        batch = await asyncio.to_thread(_after, parts, after)
        for told, customer in batch:
            after = told.seq
            yield told, customer
        if time.monotonic() + PAUSE_SECONDS >= until:
            return
        if len(batch) < BATCH:
            await asyncio.sleep(PAUSE_SECONDS)


def _after(parts: Parts, seq: int) -> list[tuple[Told, Customer]]:
    with parts.database.read() as connection:
        batch = customers.changes_after(connection, seq, BATCH)
        found = [(told, customers.by_id(connection, told.customer_id)) for told in batch]
    return [(told, customer) for told, customer in found if customer is not None]
