"""Cases: the queue, the lease, the decision. Whatever changes a case raises its version in the same statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.domain import DEFAULTS, Case, Change, Decision, Operator, State
from recapito_contact_change.prechecks import Found
from recapito_contact_change.store import findings
from recapito_contact_change.store.changes import change_of
from recapito_contact_change.store.tables import CASES, CHANGES, HISTORY

C = CASES.c
_CLOSED: Final = {"version": C.version + 1, "is_open": False, "holder_id": "", "holder_name": "", "lease_expires_at": None}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a case's history."""

    at: datetime
    actor: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; None and empty: any. ``holder_id``: held by that operator now."""

    state: State | None = None
    change_id: str = ""
    holder_id: str = ""
    waiting: bool = False  # for an operator


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue: the last case of a page."""

    submitted_at: datetime
    case_id: str


def insert(
    tx: sa.Connection, case_id: str, change: Change, customer_name: str, found: Sequence[Found], now: datetime, *, drawn: bool
) -> None:
    """Makes the case of a change. ``drawn``: by lot, for a second operator."""
    findings.insert(tx, change.change_id, found, now)
    tx.execute(
        CASES.insert().values(
            case_id=case_id,
            change_id=change.change_id,
            submitted_at=change.submitted_at,
            customer_name=customer_name[:200],
            version=1,
            findings=" ".join(one.code for one in found),
            drawn=drawn,
        )
    )


def find(tx: sa.Connection, case_id: str) -> Case | None:
    """The case, if there is one."""
    row = tx.execute(_joined().where(C.case_id == case_id)).first()
    return _case(row) if row else None


def of_change(tx: sa.Connection, change_id: str) -> Case | None:
    """The case of a change, if there is one."""
    row = tx.execute(_joined().where(C.change_id == change_id)).first()
    return _case(row) if row else None


def page(tx: sa.Connection, chosen: Filter, now: datetime, after: Place | None, most: int, *, newest_first: bool) -> list[Case]:
    """The next cases of the queue after a place; None: from the start."""
    query = _joined()
    if chosen.state is not None:
        query = query.where(CHANGES.c.state == chosen.state)
    if chosen.waiting:
        query = query.where(C.is_open)  # says it by itself, so that an index has them in the queue's order
    if chosen.change_id:
        query = query.where(C.change_id == chosen.change_id)
    if chosen.holder_id:
        query = query.where(C.holder_id == chosen.holder_id, C.lease_expires_at > now)
    if after is not None:
        at, case_id = after.submitted_at, after.case_id
        beyond = C.submitted_at < at if newest_first else C.submitted_at > at
        same = C.case_id < case_id if newest_first else C.case_id > case_id
        query = query.where(sa.or_(beyond, sa.and_(C.submitted_at == at, same)))
    order = (C.submitted_at.desc(), C.case_id.desc()) if newest_first else (C.submitted_at, C.case_id)
    return [_case(row) for row in tx.execute(query.order_by(*order).limit(most))]


def take(
    tx: sa.Connection,
    case_id: str,
    operator: Operator,
    registry_version: int,
    now: datetime,
    lease: timedelta = DEFAULTS.lease,
) -> bool:
    """Gives the operator the case for the length of a lease. False: another holds it, or it isn't in review."""
    # its own row says that it is open, for of the change's a decision just written wouldn't be seen
    free = sa.or_(C.holder_id == "", C.lease_expires_at <= now, C.holder_id == operator.operator_id)
    taken = tx.execute(
        CASES.update()
        .where(C.case_id == case_id, free, C.is_open)
        .values(
            holder_id=operator.operator_id,
            holder_name=operator.name,
            lease_expires_at=now + lease,
            registry_version=registry_version,
            version=C.version + 1,
        )
    )
    return taken.rowcount == 1


def decide(
    tx: sa.Connection,
    case_id: str,
    operator: Operator,
    expected_version: int,
    now: datetime,
    *,
    decision: Decision,
    reason_code: str,
    note: str,
    registry_version: int,
) -> bool:
    """Writes the decision and ends the lease. False: the operator's lease is over, or the case changed since that version.

    ``registry_version``: of the customer's record that the decision holds for.
    """
    written = {
        **_CLOSED,
        "decision": decision,
        "reason_code": reason_code,
        "note": note,
        "registry_version": registry_version,
        "decided_by_id": operator.operator_id,
        "decided_by_name": operator.name,
        "decided_at": now,
    }
    return _by_holder(tx, case_id, operator, expected_version, now, written)


def pass_on(tx: sa.Connection, case_id: str, operator: Operator, expected_version: int, now: datetime) -> bool:
    """Ends the operator's lease; the case waits for another one. False: as ``decide``."""
    return _by_holder(tx, case_id, operator, expected_version, now, {**_CLOSED, "is_open": True})


def _by_holder(
    tx: sa.Connection, case_id: str, operator: Operator, expected_version: int, now: datetime, values: dict[str, Any]
) -> bool:
    held = CASES.update().where(
        C.case_id == case_id,
        C.version == expected_version,
        C.holder_id == operator.operator_id,
        C.lease_expires_at > now,
    )
    return tx.execute(held.values(**values)).rowcount == 1


def renew(tx: sa.Connection, case_id: str, operator_id: str, now: datetime, lease: timedelta) -> bool:
    """Lengthens the operator's live lease; the case stays as it is, and so does its version. False: they don't hold it."""
    held = CASES.update().where(C.case_id == case_id, C.holder_id == operator_id, C.lease_expires_at > now)
    return tx.execute(held.values(lease_expires_at=now + lease)).rowcount == 1


def release(tx: sa.Connection, case_id: str, operator_id: str, now: datetime) -> bool:
    """Ends the operator's live lease. False: they don't hold it."""
    held = CASES.update().where(C.case_id == case_id, C.holder_id == operator_id, C.lease_expires_at > now)
    free = {"holder_id": "", "holder_name": "", "lease_expires_at": None, "version": C.version + 1}
    return tx.execute(held.values(**free)).rowcount == 1


def close(tx: sa.Connection, change_id: str) -> None:
    """Takes the case of a change, where there is one, out of everybody's hands."""
    tx.execute(CASES.update().where(C.change_id == change_id).values(**_CLOSED))


def reopen(tx: sa.Connection, change_id: str) -> None:
    """Lets operators take the case again, its decision or question taken back; the history keeps it. They review it anew."""
    tx.execute(
        CASES.update()
        .where(C.change_id == change_id)
        .values(
            version=C.version + 1,
            is_open=True,
            round=C.round + 1,
            decision=None,
            reason_code="",
            note="",
            decided_by_id="",
            decided_by_name="",
            decided_at=None,
        )
    )


def history(tx: sa.Connection, change_id: str) -> list[Entry]:
    """What happened to a change and its case, the oldest first."""
    rows = tx.execute(sa.select(HISTORY).where(HISTORY.c.change_id == change_id).order_by(HISTORY.c.seq))
    return [Entry(row.at, row.actor, row.action, row.detail) for row in rows]


def _joined() -> "sa.Select[Any]":
    columns = [column.label(f"case_{column.name}") for column in C]
    return sa.select(CHANGES, *columns).join(CASES, C.change_id == CHANGES.c.change_id)


def _case(row: Any) -> Case:
    return Case(
        case_id=row.case_case_id,
        change=change_of(row),
        customer_name=row.case_customer_name,
        version=row.case_version,
        findings=tuple(row.case_findings.split()),
        holder_id=row.case_holder_id,
        holder_name=row.case_holder_name,
        lease_expires_at=row.case_lease_expires_at,
        registry_version=row.case_registry_version,
        decision=Decision(row.case_decision) if row.case_decision else None,
        reason_code=row.case_reason_code,
        note=row.case_note,
        decided_by_id=row.case_decided_by_id,
        decided_by_name=row.case_decided_by_name,
        decided_at=row.case_decided_at,
        round=row.case_round,
        drawn=row.case_drawn,
    )
