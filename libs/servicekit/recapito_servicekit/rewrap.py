"""Keys that lie wrapped in rows, wrapped anew: row by row, each by one guarded UPDATE, while services go on. A run that was
stopped goes on where it was, for a row under the current key isn't looked at again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from recapito_servicekit.sql import Database

BATCH: Final = 200
Wrapped = tuple[str, bytes]
"""The id of a key, and what lies wrapped under it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where wrapped keys lie. A row with an empty ``key_id`` has none."""

    table: sa.Table
    id: sa.Column[str]
    key_id: sa.Column[str]
    wrapped: sa.Column[bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``stuck``: ids of rows that can't be unwrapped. ``in_use``: how many rows need which key now."""

    wrapped: int
    stuck: tuple[str, ...]
    in_use: dict[str, int]


def rewrap(
    database: Database,
    place: Place,
    current: str,
    again: Callable[[str, str, bytes], Wrapped],
    cannot: tuple[type[Exception], ...],
) -> Outcome:
    """Wraps every row's key by ``again(id, key_id, wrapped)``. What raises one of ``cannot`` stays as it is."""
    done, stuck, after = 0, [], ""
    while batch := _next(database, place, current, after):
        after = batch[-1][0]
        fresh = {}
        for row_id, key_id, wrapped in batch:
            try:
                fresh[row_id] = again(row_id, key_id, wrapped)
            except cannot:
                stuck.append(row_id)
        with database.transaction() as tx:
            for row_id, key_id, wrapped in batch:
                if row_id in fresh:
                    done += _replace(tx, place, (row_id, key_id, wrapped), fresh[row_id])
    with database.read() as tx:
        return Outcome(done, tuple(stuck), in_use(tx, place))


def in_use(tx: sa.Connection, place: Place) -> dict[str, int]:
    """How many rows need which key."""
    query = sa.select(place.key_id, sa.func.count()).where(place.key_id != "").group_by(place.key_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def told(outcome: Outcome, current: str, ids: Iterable[str]) -> list[str]:
    """The outcome in words, and which of the keys held (``ids``) no row needs any more."""
    lines = [f"{outcome.wrapped} keys wrapped anew under {current}"]
    lines += [f"! {row_id} can't be unwrapped: its key isn't held, or it is damaged" for row_id in outcome.stuck]
    free = [key_id for key_id in ids if key_id != current and key_id not in outcome.in_use]
    return [*lines, *(f"no row needs {key_id} any more: its line may go" for key_id in free)]


def _next(database: Database, place: Place, current: str, after: str) -> list[tuple[str, str, bytes]]:
    query = sa.select(place.id, place.key_id, place.wrapped).where(place.key_id.not_in(("", current)), place.id > after)
    with database.read() as tx:
        return [(row[0], row[1], row[2]) for row in tx.execute(query.order_by(place.id).limit(BATCH))]


def _replace(tx: sa.Connection, place: Place, old: tuple[str, str, bytes], new: Wrapped) -> int:
    row_id, key_id, wrapped = old
    guard = sa.and_(place.id == row_id, place.key_id == key_id, place.wrapped == wrapped)
    values = {place.key_id.name: new[0], place.wrapped.name: new[1]}
    return tx.execute(place.table.update().where(guard).values(values)).rowcount
