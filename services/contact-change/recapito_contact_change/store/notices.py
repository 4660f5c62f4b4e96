"""The ledger of notices: what goes to whom, and how far it came. A notice and its event are written together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_contact_change import events
from recapito_contact_change.notices import Channel, Notice, NoticeState
from recapito_contact_change.store.tables import NOTICES, OUTBOX
from recapito_servicekit.ids import new_id

N = NOTICES.c


@dataclass(frozen=True, slots=True)
class FailedNotice:
    """A notice that was refused for good, when, and why."""

    notice_id: str
    change_id: str
    notice: Notice
    tries: int
    failed_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a notice came. ``at``: when it went out or was refused; None: it waits."""

    notice: Notice
    state: NoticeState
    tries: int
    at: datetime | None
    error: str


def insert(tx: sa.Connection, change_id: str, notices: Iterable[Notice], now: datetime) -> None:
    """Puts notices on the ledger, to go out once the transaction holds."""
    queued = {new_id(): notice for notice in notices}
    rows = [
        {
            "notice_id": notice_id,
            "change_id": change_id,
            "channel": notice.channel,
            "destination": notice.destination,
            "template": notice.template,
            "params": json.dumps(notice.params),
            "locale": notice.locale,
            "state": NoticeState.QUEUED,
            "tries": 0,
        }
        for notice_id, notice in queued.items()
    ]
    if rows:
        tx.execute(NOTICES.insert(), rows)
        events.write_first(OUTBOX, tx, events.NOTICE, {notice_id: {"notice_id": notice_id} for notice_id in queued}, now)


def count_try(tx: sa.Connection, notice_id: str) -> tuple[str, Notice] | None:
    """Counts a try of a notice that waits: its change's id and the notice. None: it doesn't wait, or there is none."""
    row: Any = tx.execute(
        NOTICES.update()
        .where(N.notice_id == notice_id, N.state == NoticeState.QUEUED)
        .values(tries=N.tries + 1)
        .returning(NOTICES)
    ).first()
    if row is None:
        return None
    return row.change_id, _notice(row)


def sent(tx: sa.Connection, notice_id: str, now: datetime) -> None:
    """Notes that it went out."""
    tx.execute(NOTICES.update().where(N.notice_id == notice_id).values(state=NoticeState.SENT, sent_at=now))


def refused(tx: sa.Connection, notice_id: str, now: datetime, error: str) -> None:
    """Notes that it was refused for good."""
    values = {"state": NoticeState.FAILED, "failed_at": now, "error": error[:200]}
    tx.execute(NOTICES.update().where(N.notice_id == notice_id).values(**values))


def bounced(tx: sa.Connection, notice_id: str, now: datetime, error: str) -> tuple[str, Notice] | None:
    """Notes that a mail that went out came back: its change's id and the notice. None: no such mail went out."""
    row: Any = tx.execute(
        NOTICES.update()
        .where(N.notice_id == notice_id, N.state == NoticeState.SENT, N.channel == Channel.EMAIL)
        .values(state=NoticeState.FAILED, failed_at=now, error=error[:200])
        .returning(NOTICES)
    ).first()
    return (row.change_id, _notice(row)) if row is not None else None


def is_going_out(tx: sa.Connection, notice_id: str) -> bool:
    """Whether it was tried and what became of it isn't noted yet."""
    return (
        tx.scalar(sa.select(N.notice_id).where(N.notice_id == notice_id, N.state == NoticeState.QUEUED, N.tries > 0)) is not None
    )


def failed(tx: sa.Connection, most: int) -> list[FailedNotice]:
    """Notices that were refused for good, the oldest first."""
    query = sa.select(NOTICES).where(N.failed_at.is_not(None)).order_by(N.failed_at, N.notice_id).limit(most)
    return [_failed(row) for row in tx.execute(query)]


def count_failed(tx: sa.Connection) -> int:
    """How many notices were refused for good."""
    return tx.scalar(sa.select(sa.func.count()).where(N.failed_at.is_not(None))) or 0


def find_failed(tx: sa.Connection, notice_id: str) -> FailedNotice | None:
    """A notice that was refused for good, if there is one."""
    row = tx.execute(sa.select(NOTICES).where(N.notice_id == notice_id, N.failed_at.is_not(None))).first()
    return _failed(row) if row else None


def queue_again(tx: sa.Connection, notice_id: str, now: datetime) -> bool:
    """Lets a notice that was refused go out once more, under its id. False: it wasn't refused."""
    queued = tx.execute(
        NOTICES.update()
        .where(N.notice_id == notice_id, N.state == NoticeState.FAILED)
        .values(state=NoticeState.QUEUED, failed_at=None, error="")
    )
    if queued.rowcount == 1:
        events.write(OUTBOX, tx, events.NOTICE, notice_id, {"notice_id": notice_id}, now)
    return queued.rowcount == 1


def of_change(tx: sa.Connection, change_id: str) -> list[Delivery]:
    """A change's notices, those of one event beside each other."""
    rows = tx.execute(sa.select(NOTICES).where(N.change_id == change_id).order_by(N.template, N.channel, N.notice_id))
    return [Delivery(_notice(row), NoticeState(row.state), row.tries, row.failed_at or row.sent_at, row.error) for row in rows]


def change_of(tx: sa.Connection, notice_id: str) -> str:
    """The id of the change that a notice is of; empty: there is no such notice."""
    return tx.scalar(sa.select(N.change_id).where(N.notice_id == notice_id)) or ""


def _notice(row: Any) -> Notice:
    return Notice(Channel(row.channel), row.destination, row.template, json.loads(row.params), row.locale)


def _failed(row: Any) -> FailedNotice:
    return FailedNotice(row.notice_id, row.change_id, _notice(row), row.tries, row.failed_at, row.error)
