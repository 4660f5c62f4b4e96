"""The outbox: an event is a row, written in the transaction of the change that it tells of.

The row is the truth, the broker only carries it. The consumer closes the row in the transaction in which it records the effect,
with one guarded UPDATE, so an event that arrives twice finds the row closed and does nothing, and one that the broker lost is
published again. A failure moves the row's next try; after five it is dead and waits for a person.

    open --(published)--> open --(effect recorded)--> done
      \\--(failed, tried again later)--/   \\--(five tries, or can't be read)--> dead
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import UtcDateTime

MOST_TRIES: Final = 5
FIRST_BACKOFF: Final = timedelta(seconds=2)
# how long a published event may stay open before it is published again: several times the slowest handler
REPUBLISH_AFTER: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the relay and the consumers see it. ``key``: events of one key are handled in their order."""

    event_id: str
    type: str
    key: str
    data: dict[str, Any]
    created_at: datetime
    tries: int = 0


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """The table, for a service's own schema."""
    return sa.Table(
        "outbox",
        metadata,
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(32), nullable=False, unique=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, default=0),
        sa.Column("next_try_at", UtcDateTime, nullable=False),
        sa.Column("done_at", UtcDateTime),
        sa.Column("dead_at", UtcDateTime),
        sa.Column("error", sa.String(300), nullable=False, default=""),
        sa.Index("outbox_open", "next_try_at", sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
                 postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL")),
        sa.Index("outbox_key", "key", "seq"),
    )  # fmt: skip


class Outbox:
    """What flows, relay and consumers do with the table. Every method works in the caller's transaction."""

    def __init__(self, table: sa.Table) -> None:
        self._t = table

    def add(self, tx: sa.Connection, type: str, key: str, data: dict[str, Any], now: datetime) -> str:
        """Writes an event; gives its id."""
        event_id = new_id()
        tx.execute(
            self._t.insert().values(
                event_id=event_id, type=type, key=key, data=json.dumps(data), created_at=now, tries=0, next_try_at=now, error=""
            )
        )
        return event_id

    def due(self, tx: sa.Connection, now: datetime, most: int) -> list[Event]:
        """Events to publish now, the oldest of each key alone, and notes when they are due again should nobody close them."""
        t, older = self._t, self._t.alias("older")
        is_open = t.c.done_at.is_(None) & t.c.dead_at.is_(None)
        before = sa.exists().where(
            older.c.key == t.c.key, older.c.seq < t.c.seq, older.c.done_at.is_(None), older.c.dead_at.is_(None)
        )
        query = sa.select(t).where(is_open, t.c.next_try_at <= now, ~before).order_by(t.c.seq).limit(most)
        rows = tx.execute(query.with_for_update(skip_locked=True)).all()
        if rows:
            tx.execute(t.update().where(t.c.seq.in_([r.seq for r in rows])).values(next_try_at=now + REPUBLISH_AFTER))
        return [_event(row) for row in rows]

    def close(self, tx: sa.Connection, event_id: str, now: datetime) -> bool:
        """Closes an event, once. False: it was closed before, or is dead; its effect must not be recorded again."""
        t = self._t
        closed = tx.execute(
            t.update().where(t.c.event_id == event_id, t.c.done_at.is_(None), t.c.dead_at.is_(None)).values(done_at=now)
        )
        return closed.rowcount == 1

    def is_open(self, tx: sa.Connection, event_id: str) -> bool:
        """Whether an event still waits for its effect."""
        t = self._t
        return (
            tx.execute(sa.select(t.c.seq).where(t.c.event_id == event_id, t.c.done_at.is_(None), t.c.dead_at.is_(None))).first()
            is not None
        )

    def fail(self, tx: sa.Connection, event_id: str, error: str, now: datetime, *, final: bool = False) -> None:
        """Counts a failed try: another one later, with doubled backoff and jitter, or none after the fifth or a final failure."""
        t = self._t
        row = tx.execute(
            t.update().where(t.c.event_id == event_id).values(tries=t.c.tries + 1, error=error[:300]).returning(t.c.tries)
        ).first()
        if row is None:
            return
        if final or row.tries >= MOST_TRIES:
            tx.execute(t.update().where(t.c.event_id == event_id, t.c.done_at.is_(None)).values(dead_at=now))
            return
        wait = FIRST_BACKOFF * 2 ** (row.tries - 1) * random.uniform(0.75, 1.25)  # jitter, nothing secret
        tx.execute(t.update().where(t.c.event_id == event_id).values(next_try_at=now + wait))


def _event(row: Any) -> Event:
    return Event(row.event_id, row.type, row.key, json.loads(row.data), row.created_at, row.tries)
