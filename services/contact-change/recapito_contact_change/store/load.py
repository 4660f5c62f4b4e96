"""Counts over cases, for supervisors and for the mail to the team."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from recapito_contact_change.domain import Decision
from recapito_contact_change.store.tables import CASES, CHANGES, HISTORY, OPINIONS

C = CASES.c
O = OPINIONS.c  # noqa: E741 - as C beside it


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cases that operators may take. ``unseen``: nobody took them yet, and they wait since before the instant given."""

    count: int
    late: int
    soon: int
    unseen: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Twice:
    """Decisions by two operators or more, and how many of them began with a disagreement."""

    count: int
    disagreed: int


def waiting(tx: sa.Connection, now: datetime, *, soon: datetime, unseen_since: datetime) -> Waiting:
    """What waits now. ``soon``: until when a case counts as due soon."""
    taken = sa.exists().where(HISTORY.c.change_id == C.change_id, HISTORY.c.action == "taken")
    due = CHANGES.c.due_at

    def count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)

    query = sa.select(
        sa.func.count(),
        count(due <= now),
        count(sa.and_(due > now, due <= soon)),
        count(sa.and_(C.submitted_at < unseen_since, ~taken)),
        sa.func.min(C.submitted_at),
        sa.func.max(C.submitted_at),
    ).where(C.is_open)
    row = tx.execute(query.select_from(CASES.join(CHANGES, C.change_id == CHANGES.c.change_id))).one()
    return Waiting(*row)


def holders(tx: sa.Connection, now: datetime) -> list[tuple[str, int]]:
    """Who holds how many cases, the most first."""
    held = sa.select(C.holder_name, sa.func.count()).where(C.is_open, C.holder_id != "", C.lease_expires_at > now)
    rows = tx.execute(held.group_by(C.holder_name).order_by(sa.func.count().desc(), C.holder_name))
    return [(row[0], row[1]) for row in rows]


def outcomes(tx: sa.Connection, since: datetime) -> list[tuple[Decision, str, int]]:
    """Decisions since then, the most frequent first."""
    count = sa.func.count()
    query = sa.select(C.decision, C.reason_code, count).where(_decided(since)).group_by(C.decision, C.reason_code)
    return [(Decision(row[0]), row[1], row[2]) for row in tx.execute(query.order_by(count.desc(), C.reason_code))]


def median(tx: sa.Connection, since: datetime) -> timedelta:
    """How long half of the decisions since then took at the most, from filing; none: no time."""
    rows = tx.execute(sa.select(C.submitted_at, C.decided_at).where(_decided(since)))
    spans = sorted(row.decided_at - row.submitted_at for row in rows)
    return spans[len(spans) // 2] if spans else timedelta(0)


def reviewed_twice(tx: sa.Connection, since: datetime) -> Twice:
    """How often a second operator looked, and thought otherwise."""
    of_case = (
        sa.select(O.case_id, O.round, sa.func.count().label("given"), sa.func.count(O.decision.distinct()).label("kinds"))
        .join(CASES, C.case_id == O.case_id)
        .where(_decided(since))
        .group_by(O.case_id, O.round)
        .subquery()
    )
    rows = tx.execute(sa.select(of_case.c.kinds).where(of_case.c.given > 1)).all()
    return Twice(len(rows), sum(row.kinds > 1 for row in rows))


def _decided(since: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(C.decided_at >= since, C.decision.in_((Decision.APPROVE, Decision.REJECT)))
