"""Takes changes out of the tables for good, on a connection that a flow opened, and keeps the record of what was decided."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.domain import Step
from recapito_contact_change.store.tables import (
    ALLOWANCES,
    ASKED_MOBILES,
    CASES,
    CHANGES,
    DECISION_RECORDS,
    DOCUMENTS,
    FINDINGS,
    HISTORY,
    NOTICES,
    OPINIONS,
    OUTBOX,
    QUESTIONS,
    REPUDIATION_TOKENS,
)

_PARTS: Final = (FINDINGS, QUESTIONS, HISTORY, NOTICES, REPUDIATION_TOKENS, DOCUMENTS)
FREE_TEXT: Final = (Step.RESTORE, Step.REVERT)  # the detail of these is what a supervisor wrote
_OF_A_CHANGE: Final = ("state", "reason", "reason_code", "mobile_confirmed", "amr", "submitted_at", "decided_at", "applied_at")
_OF_A_CASE: Final = ("case_id", "decision", "reason_code", "decided_by_id", "decided_at", "findings", "round")
_OF_AN_OPINION: Final = ("operator_id", "round", "place", "decision", "reason_code", "risks", "given_at")
_OF_HISTORY: Final = ("at", "actor", "action", "detail")


def changes_of(tx: sa.Connection, customer_id: str, *, hold: bool) -> list[Any]:
    """The rows of the customer's changes, the oldest first. ``hold``: nobody moves one until the transaction ends."""
    query = sa.select(CHANGES).where(CHANGES.c.customer_id == customer_id).order_by(CHANGES.c.submitted_at, CHANGES.c.change_id)
    return list(tx.execute(query.with_for_update() if hold else query))


def unfiled(tx: sa.Connection, customer_id: str) -> list[Any]:
    """The rows of documents that the customer filed with nothing."""
    return list(tx.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.customer_id == customer_id, DOCUMENTS.c.change_id.is_(None))))


def documents_of(tx: sa.Connection, change_id: str) -> list[Any]:
    """The rows of a change's documents, destroyed or not."""
    return list(tx.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.change_id == change_id).order_by(DOCUMENTS.c.place)))


def waits(tx: sa.Connection, change_ids: Sequence[str]) -> bool:
    """Whether an effect of one of those changes, a notice for example, is still on its way."""
    return OUTBOX.waits(tx, [*change_ids, *_notice_ids(tx, change_ids)])


def erase(tx: sa.Connection, change_id: str) -> None:
    """A change with its case and all its parts: with its documents' rows their keys, with its notices their dead letters."""
    OUTBOX.erase(tx, [change_id, *_notice_ids(tx, [change_id])])
    cases = sa.select(CASES.c.case_id).where(CASES.c.change_id == change_id)
    tx.execute(OPINIONS.delete().where(OPINIONS.c.case_id.in_(cases)))
    for table in (CASES, *_PARTS, CHANGES):
        tx.execute(table.delete().where(table.c.change_id == change_id))


def erase_unfiled(tx: sa.Connection, customer_id: str) -> None:
    """What was uploaded and filed with nothing, and the day's counts."""
    tx.execute(DOCUMENTS.delete().where(DOCUMENTS.c.customer_id == customer_id, DOCUMENTS.c.change_id.is_(None)))
    for table in (ALLOWANCES, ASKED_MOBILES):
        tx.execute(table.delete().where(table.c.customer_id == customer_id))


def keep_record(tx: sa.Connection, change: Any, keep_until: date, now: datetime) -> None:
    """Keeps who decided what, when and on which documents (their SHA-256): no contact, no name of the customer, no number."""
    case = tx.execute(sa.select(CASES).where(CASES.c.change_id == change.change_id)).first()
    given = [] if case is None else tx.execute(sa.select(OPINIONS).where(OPINIONS.c.case_id == case.case_id)).all()
    history = tx.execute(sa.select(HISTORY).where(HISTORY.c.change_id == change.change_id).order_by(HISTORY.c.seq))
    record = {
        **_picked(change, _OF_A_CHANGE),
        "document_type": change.document_type,
        "documents": [row.sha256 for row in documents_of(tx, change.change_id)],
        "case": _picked(case, _OF_A_CASE) if case is not None else None,
        "opinions": [_picked(row, _OF_AN_OPINION) for row in given],
        "history": [_picked(row, _OF_HISTORY[:-1] if row.action in FREE_TEXT else _OF_HISTORY) for row in history],
    }
    values = {"change_id": change.change_id, "customer_id": change.customer_id, "keep_until": keep_until, "erased_at": now}
    tx.execute(DECISION_RECORDS.insert().values(**values, record=json.dumps(record, ensure_ascii=False, default=str)))


def records(tx: sa.Connection, customer_id: str) -> list[Any]:
    """The records that stay of a customer's changes."""
    query = sa.select(DECISION_RECORDS).where(DECISION_RECORDS.c.customer_id == customer_id)
    return list(tx.execute(query.order_by(DECISION_RECORDS.c.keep_until, DECISION_RECORDS.c.change_id)))


def forget_records(tx: sa.Connection, today: date) -> int:
    """Deletes the records whose time is over; gives how many."""
    return tx.execute(DECISION_RECORDS.delete().where(DECISION_RECORDS.c.keep_until < today)).rowcount


def _notice_ids(tx: sa.Connection, change_ids: Sequence[str]) -> list[str]:
    return list(tx.scalars(sa.select(NOTICES.c.notice_id).where(NOTICES.c.change_id.in_(change_ids))))


def _picked(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value := getattr(row, name), datetime) else value for name in names}
