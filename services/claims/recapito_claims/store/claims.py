"""Writes drafts and files them, on a connection that a flow opened."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_claims.domain import paths
from recapito_claims.domain.claim import Attachment, Claim, ClaimState, Details, Expense, ExpenseState
from recapito_claims.domain.duplicates import fingerprint
from recapito_claims.store.reading import DISCARDED
from recapito_claims.store.tables import attachments, claim_numbers, claims, draft_changes, expenses

FIRST_VERSION: Final = 1


def insert_draft(
    connection: sa.Connection, claim_id: str, customer_id: str, request_id: str, details: Details, now: datetime
) -> None:
    """Raises sqlalchemy.exc.IntegrityError where the customer's request has its draft already."""
    connection.execute(
        claims.insert().values(
            claim_id=claim_id,
            customer_id=customer_id,
            request_id=request_id,
            state=ClaimState.DRAFT,
            version=FIRST_VERSION,
            created_at=now,
            **_columns(details),
        )
    )


def change_details(connection: sa.Connection, claim: Claim, details: Details) -> bool:
    """Replaces a draft's details. False: it is no draft any more, or not in this version."""
    return _change(connection, claim, paths.changed(claim.details, details), _columns(details))


def touch(connection: sa.Connection, claim: Claim, part: str) -> bool:
    """Raises a draft's version, for a change of its expenses or attachments. False: it is no draft any more, or not in this
    version.
    """
    return _change(connection, claim, [part], {})


def file(
    connection: sa.Connection, claim: Claim, claim_number: str, request_id: str, transaction_hash: str, now: datetime
) -> bool:
    """Makes a filed claim of a draft, in exactly this version. False: it is no draft any more, or not in this version."""
    filed = {
        "state": ClaimState.SUBMITTED,
        "claim_number": claim_number,
        "submitted_at": now,
        "submit_request_id": request_id,
        "transaction_hash": transaction_hash,
    }
    if not _change(connection, claim, [], filed):
        return False
    connection.execute(draft_changes.delete().where(draft_changes.c.claim_id == claim.claim_id))
    for expense in claim.expenses:  # in a draft it counts for nothing, so it is made up here
        mark = {"state": ExpenseState.SUBMITTED, "fingerprint": fingerprint(expense)}
        connection.execute(expenses.update().where(expenses.c.expense_id == expense.expense_id).values(**mark))
    return True


def discard(connection: sa.Connection, claim: Claim, now: datetime) -> bool:
    """Empties a draft that ``lock`` holds; its ids alone stay. False: it is no draft any more."""
    over = {**_columns(Details()), "state": DISCARDED, "closed_at": now}
    if not _change(connection, claim, [], over):
        return False
    for table in (draft_changes, expenses, attachments):
        connection.execute(table.delete().where(table.c.claim_id == claim.claim_id))
    return True


def expense_of(connection: sa.Connection, claim_id: str, request_id: str) -> str | None:
    """The id of the expense that the request has added already."""
    query = sa.select(expenses.c.expense_id).where(expenses.c.claim_id == claim_id, expenses.c.request_id == request_id)
    return connection.scalar(query)


def insert_expense(connection: sa.Connection, claim_id: str, request_id: str, expense: Expense) -> None:
    """Adds an expense to a draft that ``lock`` holds."""
    values = {
        **asdict(expense),
        "claim_id": claim_id,
        "request_id": request_id,
        "position": _next(connection, expenses, claim_id),
    }
    connection.execute(expenses.insert().values(values))


def delete_expense(connection: sa.Connection, claim_id: str, expense_id: str) -> None:
    """Takes an expense out of a draft that ``lock`` holds."""
    connection.execute(expenses.delete().where(expenses.c.claim_id == claim_id, expenses.c.expense_id == expense_id))


def insert_attachment(
    connection: sa.Connection, claim_id: str, attachment: Attachment, key_id: str, wrapped_key: bytes, now: datetime
) -> None:
    """Adds an attachment to a claim that ``lock`` holds."""
    connection.execute(
        attachments.insert().values(
            claim_id=claim_id,
            position=_next(connection, attachments, claim_id),
            key_id=key_id,
            wrapped_key=wrapped_key,
            created_at=now,
            **asdict(attachment),
        )
    )


def delete_attachment(connection: sa.Connection, claim_id: str, attachment_id: str) -> None:
    """Takes an attachment out of a draft that ``lock`` holds; from then on nobody can read it, its key is gone."""
    own = sa.and_(attachments.c.claim_id == claim_id, attachments.c.attachment_id == attachment_id)
    connection.execute(attachments.delete().where(own))


def keys_of(connection: sa.Connection, claim_id: str, attachment_id: str) -> tuple[str, bytes] | None:
    """What opens an attachment: the id of the key-encryption key, and the wrapped key."""
    query = sa.select(attachments.c.key_id, attachments.c.wrapped_key).where(
        attachments.c.claim_id == claim_id, attachments.c.attachment_id == attachment_id
    )
    row = connection.execute(query).first()
    return (row.key_id, row.wrapped_key) if row else None


def attachment_ids(connection: sa.Connection) -> set[str]:
    """The ids of all attachments that there are."""
    return set(connection.scalars(sa.select(attachments.c.attachment_id)))


def attached_since(connection: sa.Connection, claim_id: str, since: datetime) -> bool:
    """Whether the claim was given a document at or after that instant."""
    query = sa.select(sa.literal(1)).where(attachments.c.claim_id == claim_id, attachments.c.created_at >= since).limit(1)
    return connection.scalar(query) is not None


def next_serial(connection: sa.Connection, year: int) -> int:
    """Takes the year's next serial; it is given back where the transaction rolls back, so numbers have no gaps."""
    # ON CONFLICT reads alike on SQLite and PostgreSQL; SQLAlchemy has it per dialect only
    statement = sa.text(
        f"INSERT INTO {claim_numbers.name} (year, last) VALUES (:year, 1) "  # noqa: S608 - the table's own name
        f"ON CONFLICT (year) DO UPDATE SET last = {claim_numbers.name}.last + 1 RETURNING last"
    )
    return int(connection.execute(statement, {"year": year}).scalar_one())


def _columns(details: Details) -> dict[str, Any]:
    return {**asdict(details), "declarations": ",".join(sorted(details.declarations))}


def _change(connection: sa.Connection, claim: Claim, changed: Iterable[str], values: Mapping[str, Any]) -> bool:
    guard = sa.and_(claims.c.claim_id == claim.claim_id, claims.c.state == ClaimState.DRAFT, claims.c.version == claim.version)
    version = claim.version + 1
    if connection.execute(claims.update().where(guard).values(version=version, **values)).rowcount != 1:
        return False
    if told := ",".join(changed):
        connection.execute(draft_changes.insert().values(claim_id=claim.claim_id, version=version, changed=told[:600]))
    return True


def _next(connection: sa.Connection, table: sa.Table, claim_id: str) -> int:
    query = sa.select(sa.func.coalesce(sa.func.max(table.c.position), -1) + 1).where(table.c.claim_id == claim_id)
    return int(connection.execute(query).scalar_one())
