"""The outbox: an event is a row, written in the transaction of the change that it tells of.

The row is the truth, the broker only carries it. The consumer closes the row in the transaction in which it records the effect,
with one guarded UPDATE, so an event that arrives twice finds the row closed and does nothing, and one that the broker lost is
published again. A failure moves the row's next try; after five it is dead and waits for a person. An outage counts as no try for
a day (``postpone``).

    open --(published)--> open --(effect recorded)--> done
      \\--(failed, tried again later)--/   \\--(five tries, or can't be read)--> dead
"""

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recapito_servicekit import traces
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import EVENTS_WRITTEN, HANDED_OVER, UtcDateTime

TRIES: Final = 5
FIRST_BACKOFF: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(minutes=1)
LONGEST_OUTAGE: Final = timedelta(days=1)
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
    request_id: str = ""  # of the call that wrote it
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """An event that gave up, when, and why."""

    event: Event
    error: str
    dead_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events that wait for their effect, events that gave up, and when the oldest of those that wait was written."""

    waiting: int
    dead: int
    oldest: datetime | None


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
        sa.Column("request_id", sa.String(64), nullable=False, server_default=""),
        sa.Column("traceparent", sa.String(55), nullable=False, server_default=""),
        sa.Index("outbox_open", "next_try_at", sqlite_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
                 postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL")),
        sa.Index("outbox_key", "key", "seq"),
    )  # fmt: skip


class Outbox:
    """What flows, relay and consumers do with the table. Every method works in the caller's transaction."""

    def __init__(self, table: sa.Table) -> None:
        self._t = table

    def add(self, tx: sa.Connection, type: str, key: str, data: dict[str, Any], now: datetime, *, follow: bool = False) -> str:
        """Writes an event, with the request that it comes of; gives its id.

        ``follow``: it continues the trace of its key's first event. So what becomes of a change is one trace, though days and
        several people's requests lie between.
        """
        carried = traces.carried()
        if follow:
            carried["traceparent"] = self._trace_of(tx, key) or carried["traceparent"]
        event = Event(new_id(), type, key, data, now, **carried)
        tx.execute(self._t.insert(), _row(event, now))
        tx.info[EVENTS_WRITTEN] = True
        return event.event_id

    def add_first(self, tx: sa.Connection, type: str, data_of: Mapping[str, dict[str, Any]], now: datetime) -> None:
        """Writes events by key, each the first of its key. A publisher of this process has them right at the commit.

        Should it fail to publish them, they are due when an event that was published and never handled is.
        """
        carried = traces.carried()
        events = [Event(new_id(), type, key, data, now, **carried) for key, data in data_of.items()]
        taken = tx.info.get(HANDED_OVER)
        if taken is None:
            tx.info[EVENTS_WRITTEN] = True
        else:
            taken += events
        due = now if taken is None else now + REPUBLISH_AFTER
        if events:
            tx.execute(self._t.insert(), [_row(event, due) for event in events])

    def _trace_of(self, tx: sa.Connection, key: str) -> str:
        t = self._t
        return tx.scalar(sa.select(t.c.traceparent).where(t.c.key == key).order_by(t.c.seq).limit(1)) or ""

    def backlog(self, tx: sa.Connection) -> "Backlog":
        """How much waits, and since when."""
        t = self._t
        is_open = t.c.done_at.is_(None) & t.c.dead_at.is_(None)
        waiting = tx.execute(sa.select(sa.func.count(), sa.func.min(t.c.created_at)).where(is_open)).one()
        dead = tx.scalar(sa.select(sa.func.count()).where(t.c.dead_at.is_not(None), t.c.done_at.is_(None)))
        return Backlog(waiting[0], dead or 0, waiting[1])

    def is_due(self, tx: sa.Connection, now: datetime) -> bool:
        """Whether ``due`` may find something."""
        t = self._t
        is_open = t.c.done_at.is_(None) & t.c.dead_at.is_(None)
        return tx.execute(sa.select(t.c.seq).where(is_open, t.c.next_try_at <= now).limit(1)).first() is not None

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

    def give_back(self, tx: sa.Connection, event_ids: Collection[str], now: datetime) -> None:
        """Events that ``due`` gave and the broker didn't get are due at once."""
        t = self._t
        is_open = t.c.done_at.is_(None) & t.c.dead_at.is_(None)
        tx.execute(t.update().where(t.c.event_id.in_(event_ids), is_open).values(next_try_at=now))

    def forget(self, tx: sa.Connection, done_before: datetime, most: int) -> int:
        """Deletes the oldest events that are done since before that instant; gives how many. What gave up stays."""
        t = self._t
        old = sa.select(t.c.seq).where(t.c.done_at < done_before).order_by(t.c.seq).limit(most)
        return tx.execute(t.delete().where(t.c.seq.in_(list(tx.scalars(old))))).rowcount

    def waits(self, tx: sa.Connection, keys: Collection[str]) -> bool:
        """Whether an event of one of those keys is still open."""
        t = self._t
        is_open = sa.select(t.c.seq).where(t.c.key.in_(keys), t.c.done_at.is_(None), t.c.dead_at.is_(None))
        return tx.execute(is_open.limit(1)).first() is not None

    def erase(self, tx: sa.Connection, keys: Collection[str]) -> None:
        """Deletes every event of those keys, dead ones too; what they tell of is erased. See that none is open."""
        tx.execute(self._t.delete().where(self._t.c.key.in_(keys)))

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

    def fail(
        self, tx: sa.Connection, event_id: str, error: str, now: datetime, *, tries: int = TRIES, final: bool = False
    ) -> bool:
        """Counts a failed try: another one later, with doubled backoff and jitter, or none after so many or a final failure.

        True: there is none, it is dead.
        """
        t = self._t
        row = tx.execute(
            t.update().where(t.c.event_id == event_id).values(tries=t.c.tries + 1, error=error[:300]).returning(t.c.tries)
        ).first()
        if row is None:
            return False
        if final or row.tries >= tries:
            tx.execute(t.update().where(t.c.event_id == event_id, t.c.done_at.is_(None)).values(dead_at=now))
            return True
        wait = FIRST_BACKOFF * 2 ** (row.tries - 1) * random.uniform(0.75, 1.25)  # jitter, nothing secret
        tx.execute(t.update().where(t.c.event_id == event_id).values(next_try_at=now + wait))
        return False

    def postpone(self, tx: sa.Connection, event_id: str, error: str, now: datetime) -> bool:
        """What the handler needs is away: another try soon, and no try is counted, for an outage is not the event's fault.

        The wait grows with the event's age, up to a minute. True: it has lasted a day, the event is dead.
        """
        t = self._t
        created_at = tx.scalar(sa.select(t.c.created_at).where(t.c.event_id == event_id))
        if created_at is None:
            return False
        age = now - created_at
        if age > LONGEST_OUTAGE:
            return self.fail(tx, event_id, error, now, final=True)
        wait = min(max(age / 4, FIRST_BACKOFF / 2), LONGEST_WAIT) * random.uniform(0.75, 1.25)
        tx.execute(t.update().where(t.c.event_id == event_id).values(next_try_at=now + wait, error=error[:300]))
        return False

    def dead(self, tx: sa.Connection, most: int) -> list[DeadEvent]:
        """Events that gave up, the oldest first."""
        rows = tx.execute(sa.select(self._t).where(*self._is_dead()).order_by(self._t.c.seq).limit(most))
        return [DeadEvent(_event(row), row.error, row.dead_at) for row in rows]

    def find_dead(self, tx: sa.Connection, event_id: str) -> DeadEvent | None:
        """An event that gave up, if there is one."""
        row = tx.execute(sa.select(self._t).where(self._t.c.event_id == event_id, *self._is_dead())).first()
        return DeadEvent(_event(row), row.error, row.dead_at) if row else None

    def revive(self, tx: sa.Connection, event_id: str, now: datetime) -> bool:
        """Opens a dead event again, with all its tries before it. False: it isn't dead.

        Its time is now, for an outage's day is counted from there.
        """
        revived = tx.execute(
            self._t.update()
            .where(self._t.c.event_id == event_id, *self._is_dead())
            .values(dead_at=None, tries=0, next_try_at=now, created_at=now, error="")
        )
        return revived.rowcount == 1

    def _is_dead(self) -> tuple[sa.ColumnElement[bool], ...]:
        return self._t.c.dead_at.is_not(None), self._t.c.done_at.is_(None)


def _row(event: Event, due: datetime) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "type": event.type,
        "key": event.key,
        "data": json.dumps(event.data),
        "created_at": event.created_at,
        "tries": 0,
        "next_try_at": due,
        "error": "",
        "request_id": event.request_id,
        "traceparent": event.traceparent,
    }


def _event(row: Any) -> Event:
    data = json.loads(row.data)
    return Event(row.event_id, row.type, row.key, data, row.created_at, row.tries, row.request_id, row.traceparent)
