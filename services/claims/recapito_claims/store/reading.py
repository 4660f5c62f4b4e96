"""Reads claims on a connection that a flow opened. What a customer asks for is asked for by their id."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from recapito_claims.domain.claim import (
    Answer,
    Attachment,
    AttachmentKind,
    Category,
    Claim,
    ClaimKind,
    ClaimState,
    Declaration,
    Details,
    Event,
    Expense,
    ExpenseState,
    Kinship,
    Question,
    Step,
)
from recapito_claims.domain.duplicates import Duplicate, fingerprint
from recapito_claims.store.tables import attachments, claim_steps, claims, draft_changes, expenses, questions

DISCARDED: Final = "DISCARDED"  # what is left of a draft that was thrown away: its ids, so that a repeat is known
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of a list ended."""

    created_at: datetime
    claim_id: str


def find(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim | None:
    """One of the customer's own claims, whole."""
    return _one(connection, _own(customer_id).where(claims.c.claim_id == claim_id))


def find_by_request(connection: sa.Connection, customer_id: str, request_id: str) -> Claim | None:
    """The claim that the customer's request opened."""
    return _one(connection, _own(customer_id).where(claims.c.request_id == request_id))


def is_discarded(connection: sa.Connection, customer_id: str, claim_id: str) -> bool:
    """Whether it was one of the customer's drafts, and was thrown away."""
    query = sa.select(claims.c.state).where(claims.c.customer_id == customer_id, claims.c.claim_id == claim_id)
    return connection.scalar(query) == DISCARDED


def page(connection: sa.Connection, customer_id: str, after: Cursor | None, most: int) -> list[Claim]:
    """The customer's own claims without their history, the newest first, from behind ``after`` on."""
    query = _own(customer_id).order_by(claims.c.created_at.desc(), claims.c.claim_id.desc()).limit(most)
    if after is not None:
        query = query.where(
            sa.or_(
                claims.c.created_at < after.created_at,
                sa.and_(claims.c.created_at == after.created_at, claims.c.claim_id < after.claim_id),
            )
        )
    return _many(connection, query)


def lock(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim | None:
    """The same as ``find``, and nobody else changes the claim until the transaction ends."""
    # a write transaction of SQLite holds the whole database; there FOR UPDATE compiles to nothing
    return _one(connection, _own(customer_id).where(claims.c.claim_id == claim_id).with_for_update())


def find_filed(connection: sa.Connection, claim_id: str = "", claim_number: str = "") -> Claim | None:
    """A filed claim, whoever's it is, by its id or number."""
    named = claims.c.claim_number == claim_number if claim_number else claims.c.claim_id == claim_id
    return _one(connection, sa.select(claims).where(named, claims.c.claim_number.is_not(None)))


def lock_filed(connection: sa.Connection, claim_id: str) -> Claim | None:
    """A filed claim, and nobody else changes it until the transaction ends."""
    query = sa.select(claims).where(claims.c.claim_id == claim_id, claims.c.claim_number.is_not(None))
    return _one(connection, query.with_for_update())


def changed_since(connection: sa.Connection, claim_id: str, version: int) -> list[str]:
    """What changed of a draft after that version."""
    query = sa.select(draft_changes.c.changed).where(draft_changes.c.claim_id == claim_id, draft_changes.c.version > version)
    found = {path for changed in connection.scalars(query) for path in changed.split(",") if path}
    return sorted(found)


def look_alikes(connection: sa.Connection, claim: Claim, of_customer: str = "") -> list[Duplicate]:
    """The expenses of other filed claims that look like this one's. ``of_customer``: of that customer's claims alone."""
    mine = {mark: expense.expense_id for expense in claim.expenses if (mark := fingerprint(expense))}
    if not mine:
        return []
    query = (
        sa.select(expenses.c.fingerprint, claims.c.claim_number)
        .join(claims, claims.c.claim_id == expenses.c.claim_id)
        .where(expenses.c.fingerprint.in_(mine), claims.c.claim_id != claim.claim_id, claims.c.claim_number.is_not(None))
        .where(claims.c.state != ClaimState.WITHDRAWN)
        .order_by(claims.c.claim_number)
    )
    if of_customer:
        query = query.where(claims.c.customer_id == of_customer)
    return [Duplicate(mine[row.fingerprint], row.claim_number) for row in connection.execute(query.distinct())]


def steps_after(connection: sa.Connection, seq: int, most: int) -> list[Step]:
    """What happened to filed claims after a place, in its order."""
    query = sa.select(claim_steps).where(claim_steps.c.seq > seq).order_by(claim_steps.c.seq).limit(most)
    return [_step(row) for row in connection.execute(query)]


def filed(connection: sa.Connection, claim_ids: Iterable[str]) -> dict[str, Claim]:
    """Filed claims, whole, by their ids."""
    query = sa.select(claims).where(claims.c.claim_id.in_(set(claim_ids)), claims.c.claim_number.is_not(None))
    return {claim.claim_id: claim for claim in _many(connection, query, history=True)}


def all_of(connection: sa.Connection, customer_id: str) -> list[Claim]:
    """All of a customer's claims and drafts, whole, the oldest first."""
    return _many(connection, _own(customer_id).order_by(claims.c.created_at, claims.c.claim_id), history=True)


def _own(customer_id: str) -> sa.Select[Any]:
    return sa.select(claims).where(claims.c.customer_id == customer_id, claims.c.state != DISCARDED)


def _one(connection: sa.Connection, query: sa.Select[Any]) -> Claim | None:
    found = _many(connection, query, history=True)
    return found[0] if found else None


def _many(connection: sa.Connection, query: sa.Select[Any], *, history: bool = False) -> list[Claim]:
    rows = connection.execute(query).all()
    ids = [row.claim_id for row in rows]
    filed_ids = [row.claim_id for row in rows if row.claim_number and history]
    parts = {
        "expenses": _parts(connection, expenses, expenses.c.position, ids, _expense),
        "attachments": _parts(connection, attachments, attachments.c.position, ids, _attachment),
        "history": _parts(connection, claim_steps, claim_steps.c.seq, filed_ids, _step),
        "questions": _parts(connection, questions, questions.c.asked_at, filed_ids, _question),
    }
    return [_claim(row, **{name: tuple(found.get(row.claim_id, ())) for name, found in parts.items()}) for row in rows]


def _parts(
    connection: sa.Connection, table: sa.Table, order: sa.Column[Any], claim_ids: Sequence[str], read: Callable[[Any], Any]
) -> dict[str, list[Any]]:
    if not claim_ids:
        return {}
    found: dict[str, list[Any]] = {}
    for row in connection.execute(sa.select(table).where(table.c.claim_id.in_(claim_ids)).order_by(table.c.claim_id, order)):
        found.setdefault(row.claim_id, []).append(read(row))
    return found


def _claim(row: Any, **parts: Any) -> Claim:
    return Claim(
        claim_id=row.claim_id,
        customer_id=row.customer_id,
        claim_number=row.claim_number or "",
        state=ClaimState(row.state),
        version=row.version,
        details=_details(row),
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        submit_request_id=row.submit_request_id or "",
        **parts,
    )


def _details(row: Any) -> Details:
    kinds: dict[str, type[StrEnum]] = {
        "kind": ClaimKind,
        "kinship": Kinship,
        "third_party": Answer,
        "admitted": Answer,
        "other_insurance": Answer,
    }
    said = {field.name: getattr(row, field.name) for field in fields(Details)}
    said |= {name: _maybe(kind, said[name]) for name, kind in kinds.items()}
    said["declarations"] = frozenset(Declaration(name) for name in row.declarations.split(",") if name)
    return Details(**said)


def _expense(row: Any) -> Expense:
    return Expense(
        expense_id=row.expense_id,
        provider=row.provider,
        document_number=row.document_number,
        document_date=row.document_date,
        cents=row.cents,
        category=_maybe(Category, row.category),
        state=_maybe(ExpenseState, row.state),
        reason=row.reason,
        decided_at=row.decided_at,
    )


def _attachment(row: Any) -> Attachment:
    return Attachment(
        attachment_id=row.attachment_id,
        kind=AttachmentKind(row.kind),
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        pages=row.pages,
    )


def _question(row: Any) -> Question:
    return Question(row.question_id, row.text, row.asked_at, row.due_at, row.answer, row.answered_at, row.expired_at)


def _step(row: Any) -> Step:
    return Step(row.seq, row.claim_id, Event(row.event), row.subject, row.at)


def _maybe(kind: type[E], raw: str | None) -> E | None:
    return kind(raw) if raw else None
