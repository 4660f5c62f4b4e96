"""The audit in SQL: appended in the transaction of the change, chained in the order of commits.

Whoever appends holds the head's row until the commit, so appending is the last thing that a transaction does: the row is held for
a commit's time, and nobody waits for another row while holding it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_auth.domain import chain
from recapito_auth.domain.chain import Entry
from recapito_auth.store.tables import AUDIT, AUDIT_HEAD
from recapito_servicekit import traces
from recapito_servicekit.calls import current_call_or_none

_PAGE: Final = 1_000
_BUMP: Final = (
    sa.update(AUDIT_HEAD)
    .where(AUDIT_HEAD.c.id == 1)
    .values(seq=AUDIT_HEAD.c.seq + sa.bindparam("more", type_=sa.Integer))
    .returning(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.hash)
)
_APPEND: Final = sa.insert(AUDIT)
_SET_HASH: Final = sa.update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(hash=sa.bindparam("last"))


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is kept."""

    seq: int
    at: datetime
    event: str
    customer_id: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The last record: its number and its hash. Kept elsewhere as well, it proves that nothing was cut off the end."""

    seq: int
    hash: str


def append(connection: sa.Connection, now: datetime, *entries: Entry) -> int:
    """Appends records, at least one; gives the last one's number."""
    row = connection.execute(_BUMP, {"more": len(entries)}).one()
    call, trace = current_call_or_none(), traces.current()
    told = {"caller": call.caller if call else "", "request_id": trace.request_id if trace else ""}
    hash, rows = row.hash, []
    for seq, entry in enumerate(entries, row.seq - len(entries) + 1):
        body = chain.canonical({"seq": seq, "at": now.isoformat(), "prev": hash, **told, **_of(entry)})
        hash = chain.digest(body)
        rows.append(
            {"seq": seq, "at": now, "event": entry.event.value, "customer_id": entry.customer_id, "body": body, "hash": hash}
        )
    connection.execute(_APPEND, rows)
    connection.execute(_SET_HASH, {"last": hash})
    return int(row.seq)


def head(connection: sa.Connection) -> Head:
    """The chain's end."""
    row = connection.execute(sa.select(AUDIT_HEAD.c.seq, AUDIT_HEAD.c.hash).where(AUDIT_HEAD.c.id == 1)).one()
    return Head(row.seq, row.hash)


def records(connection: sa.Connection) -> Iterator[Record]:
    """Every record in its order, in flat memory."""
    last = -1
    while rows := connection.execute(sa.select(AUDIT).where(AUDIT.c.seq > last).order_by(AUDIT.c.seq).limit(_PAGE)).all():
        yield from (Record(**row._mapping) for row in rows)
        last = rows[-1].seq


def latest_of(connection: sa.Connection, customer_id: str, most: int) -> list[Record]:
    """A customer's last records, the newest first."""
    rows = connection.execute(sa.select(AUDIT).where(AUDIT.c.customer_id == customer_id).order_by(AUDIT.c.seq.desc()).limit(most))
    return [Record(**row._mapping) for row in rows]


def _of(entry: Entry) -> dict[str, Any]:
    return {
        "event": entry.event.value,
        "customer_id": entry.customer_id,
        "operator_id": entry.operator_id,
        "details": entry.details,
    }
