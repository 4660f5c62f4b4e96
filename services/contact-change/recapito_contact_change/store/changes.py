"""Changes: filed once, read by their customer, moved by guarded steps."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.domain import OPEN_STATES, STEPS, STOPS, Change, State, Step
from recapito_contact_change.form import DocumentType, FiledForm, IdentityDocument, Reason
from recapito_contact_change.store.tables import CHANGES, HISTORY, QUESTIONS

MOST_OTHERS: Final = 3  # that a finding names


def insert(tx: sa.Connection, change: Change, request_id: str, document_hash: str) -> None:
    """Files a change. ``document_hash``: of its document's number.

    Raises IntegrityError: the request_id was used, or the customer has an open one.
    """
    form, document = change.form, change.form.document
    tx.execute(
        CHANGES.insert().values(
            change_id=change.change_id,
            customer_id=change.customer_id,
            request_id=request_id,
            state=change.state,
            reason=form.reason,
            new_mobile=form.new_mobile,
            mobile_confirmed=change.mobile_confirmed,
            notify_email=form.notify_email,
            document_type=document.type,
            document_number=document.number,
            document_hash=document_hash,
            document_issuer=document.issuer,
            document_issued_on=document.issued_on,
            document_expires_on=document.expires_on,
            amr=" ".join(change.amr),
            submitted_at=change.submitted_at,
            due_at=change.due_at,
            reason_code="",
        )
    )


def move(tx: sa.Connection, change_id: str, step: Step, **values: Any) -> bool:
    """Takes a step, once. False: the change isn't where the step begins, or can't be stopped any more.

    Of a change and its case the change is written first, by everybody, so that nobody waits for the other.
    """
    starts, end = STEPS[step]
    change = CHANGES.update().where(CHANGES.c.change_id == change_id, CHANGES.c.state.in_(starts))
    if step in STOPS:
        change = change.where(CHANGES.c.applying_at.is_(None))
    if step is Step.RESTORE:
        change = change.where(CHANGES.c.reverting_at.is_(None))
    return tx.execute(change.values(state=end, **values)).rowcount == 1


def begin_applying(tx: sa.Connection, change_id: str, now: datetime) -> bool:
    """Notes that the registry is about to be asked, after which nothing stops the change. False: it isn't approved."""
    begun = tx.execute(
        CHANGES.update().where(CHANGES.c.change_id == change_id, CHANGES.c.state == State.APPROVED).values(applying_at=now)
    )
    return begun.rowcount == 1


def begin_reverting(tx: sa.Connection, change_id: str, now: datetime) -> bool:
    """Notes that the registry is about to be asked for the old mobile. False: the change isn't frozen."""
    frozen = CHANGES.update().where(CHANGES.c.change_id == change_id, CHANGES.c.state == State.FROZEN)
    return tx.execute(frozen.values(reverting_at=now)).rowcount == 1


def give_up_reverting(tx: sa.Connection, change_id: str) -> None:
    """The registry couldn't: the change is as it was."""
    frozen = CHANGES.update().where(CHANGES.c.change_id == change_id, CHANGES.c.state == State.FROZEN)
    tx.execute(frozen.values(reverting_at=None))


def unanswered(tx: sa.Connection, asked_before: datetime, most: int) -> list[Change]:
    """Changes that wait for their customer since before that instant."""
    asked = sa.exists().where(
        QUESTIONS.c.change_id == CHANGES.c.change_id, QUESTIONS.c.answered_at.is_(None), QUESTIONS.c.asked_at < asked_before
    )
    query = sa.select(CHANGES).where(CHANGES.c.state == State.WAITING_FOR_CUSTOMER, asked).limit(most)
    return [change_of(row) for row in tx.execute(query)]


def note(tx: sa.Connection, change_id: str, now: datetime, actor: str, action: str, detail: str = "") -> None:
    """Adds to the history, which nothing is ever taken from."""
    tx.execute(HISTORY.insert().values(change_id=change_id, at=now, actor=actor, action=action, detail=detail[:400]))


def find(tx: sa.Connection, change_id: str) -> Change | None:
    """The change, if there is one."""
    return _first(tx, CHANGES.c.change_id == change_id)


def exists(tx: sa.Connection, change_id: str) -> bool:
    """Whether there is such a change."""
    return tx.execute(sa.select(CHANGES.c.change_id).where(CHANGES.c.change_id == change_id)).first() is not None


def find_own(tx: sa.Connection, change_id: str, customer_id: str) -> Change | None:
    """The customer's own change, if there is one."""
    return _first(tx, CHANGES.c.change_id == change_id, CHANGES.c.customer_id == customer_id)


def of_request_or_open(tx: sa.Connection, customer_id: str, request_id: str) -> tuple[Change | None, bool]:
    """What the customer filed with that request_id, if anything, and whether they have an open change."""
    c = CHANGES.c
    either = sa.or_(c.request_id == request_id, c.state.in_(OPEN_STATES))
    rows = tx.execute(sa.select(CHANGES).where(c.customer_id == customer_id, either)).all()
    filed = next((change_of(row) for row in rows if row.request_id == request_id), None)
    return filed, any(row.state in OPEN_STATES for row in rows)


def newest(tx: sa.Connection, customer_id: str, most: int) -> list[Change]:
    """The customer's changes, the newest first."""
    query = sa.select(CHANGES).where(CHANGES.c.customer_id == customer_id)
    ordered = query.order_by(CHANGES.c.submitted_at.desc(), CHANGES.c.change_id).limit(most)
    return [change_of(row) for row in tx.execute(ordered)]


def count_open(tx: sa.Connection) -> list[tuple[State, int, datetime | None]]:
    """How many changes stand in each open state, and when the oldest of them was filed; None: there is none."""
    c = CHANGES.c
    query = sa.select(c.state, sa.func.count(), sa.func.min(c.submitted_at)).where(c.state.in_(OPEN_STATES)).group_by(c.state)
    found = {row[0]: (row[1], row[2]) for row in tx.execute(query)}
    return [(state, *found.get(state, (0, None))) for state in sorted(OPEN_STATES)]


def customers_who_wished(tx: sa.Connection, mobile: str, customer_id: str) -> tuple[str, ...]:
    """Other customers who ever wished for that mobile."""
    return _others(tx, CHANGES.c.new_mobile == mobile, customer_id)


def customers_who_showed(tx: sa.Connection, document_hashes: Sequence[str], customer_id: str) -> tuple[str, ...]:
    """Other customers who ever filed that document."""
    return _others(tx, CHANGES.c.document_hash.in_(document_hashes), customer_id)


def hashed_otherwise(tx: sa.Connection, key_id: str, most: int) -> list[Change]:
    """Changes whose document's hash was made with another key than that, or is missing."""
    low, high = f"{key_id}:", f"{key_id};"  # a semicolon follows a colon
    otherwise = sa.or_(CHANGES.c.document_hash < low, CHANGES.c.document_hash >= high)
    return [change_of(row) for row in tx.execute(sa.select(CHANGES).where(otherwise).limit(most))]


def set_hash(tx: sa.Connection, change_id: str, document_hash: str) -> None:
    """Keeps another hash of the same document."""
    tx.execute(CHANGES.update().where(CHANGES.c.change_id == change_id).values(document_hash=document_hash))


def _others(tx: sa.Connection, seen: sa.ColumnElement[bool], customer_id: str) -> tuple[str, ...]:
    query = sa.select(CHANGES.c.customer_id).where(seen, CHANGES.c.customer_id != customer_id).distinct().limit(MOST_OTHERS)
    return tuple(tx.scalars(query))


def _first(tx: sa.Connection, *where: sa.ColumnElement[bool]) -> Change | None:
    row = tx.execute(sa.select(CHANGES).where(*where).limit(1)).first()
    return change_of(row) if row else None


def change_of(row: Any) -> Change:
    """A row as a Change."""
    document = IdentityDocument(
        DocumentType(row.document_type),
        row.document_number,
        row.document_issuer,
        row.document_issued_on,
        row.document_expires_on,
    )
    return Change(
        change_id=row.change_id,
        customer_id=row.customer_id,
        state=State(row.state),
        form=FiledForm(Reason(row.reason), row.new_mobile, row.notify_email, document),
        mobile_confirmed=row.mobile_confirmed,
        amr=tuple(row.amr.split()),
        submitted_at=row.submitted_at,
        due_at=row.due_at,
        decided_at=row.decided_at,
        applied_at=row.applied_at,
        ended_at=row.ended_at,
        reason_code=row.reason_code,
    )
