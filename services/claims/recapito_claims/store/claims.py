"""Reads and writes claims on a connection that a flow opened. Everything is asked for by its customer."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from recapito_claims.domain.claim import Attachment, AttachmentKind, Claim, ClaimKind, ClaimState, Details, Expense
from recapito_claims.store.tables import attachments, claim_numbers, claims, expenses

FIRST_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of a list ended."""

    created_at: datetime
    claim_id: str


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
            **asdict(details),
        )
    )


def find(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim | None:
    """One of the customer's own claims, whole."""
    found = _whole(connection, _own(customer_id).where(claims.c.claim_id == claim_id))
    return found[0] if found else None


def find_by_request(connection: sa.Connection, customer_id: str, request_id: str) -> Claim | None:
    """The claim that the customer's request opened."""
    found = _whole(connection, _own(customer_id).where(claims.c.request_id == request_id))
    return found[0] if found else None


def page(connection: sa.Connection, customer_id: str, after: Cursor | None, most: int) -> list[Claim]:
    """The customer's own claims, the newest first, from behind ``after`` on."""
    query = _own(customer_id).order_by(claims.c.created_at.desc(), claims.c.claim_id.desc()).limit(most)
    if after is not None:
        query = query.where(
            sa.or_(
                claims.c.created_at < after.created_at,
                sa.and_(claims.c.created_at == after.created_at, claims.c.claim_id < after.claim_id),
            )
        )
    return _whole(connection, query)


def lock(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim | None:
    """The same as ``find``, and nobody else changes the claim until the transaction ends."""
    # a write transaction of SQLite holds the whole database; there FOR UPDATE compiles to nothing
    query = _own(customer_id).where(claims.c.claim_id == claim_id).with_for_update()
    found = _whole(connection, query)
    return found[0] if found else None


def change_details(connection: sa.Connection, claim: Claim, details: Details) -> bool:
    """Replaces a draft's details. False: it is no draft any more, or not in this version."""
    return _change(connection, claim, asdict(details))


def touch(connection: sa.Connection, claim: Claim) -> bool:
    """Raises a draft's version, for a change of its parts. False: it is no draft any more, or not in this version."""
    return _change(connection, claim, {})


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
    return _change(connection, claim, filed)


def has_expense_of(connection: sa.Connection, claim_id: str, request_id: str) -> bool:
    """Whether the request has added its expense already."""
    query = sa.select(sa.literal(1)).where(expenses.c.claim_id == claim_id, expenses.c.request_id == request_id)
    return connection.scalar(query) is not None


def insert_expense(connection: sa.Connection, claim_id: str, request_id: str, expense: Expense) -> None:
    """Adds an expense to a draft that ``lock`` holds."""
    values = {
        **asdict(expense),
        "claim_id": claim_id,
        "request_id": request_id,
        "position": _next(connection, expenses, claim_id),
    }
    connection.execute(expenses.insert().values(values))


def insert_attachment(
    connection: sa.Connection, claim_id: str, attachment: Attachment, key_id: str, wrapped_key: bytes, now: datetime
) -> None:
    """Adds an attachment to a draft that ``lock`` holds."""
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


def next_serial(connection: sa.Connection, year: int) -> int:
    """Takes the year's next serial; it is given back where the transaction rolls back, so numbers have no gaps."""
    # ON CONFLICT reads alike on SQLite and PostgreSQL; SQLAlchemy has it per dialect only
    statement = sa.text(
        f"INSERT INTO {claim_numbers.name} (year, last) VALUES (:year, 1) "  # noqa: S608 - the table's own name
        f"ON CONFLICT (year) DO UPDATE SET last = {claim_numbers.name}.last + 1 RETURNING last"
    )
    return int(connection.execute(statement, {"year": year}).scalar_one())


def _own(customer_id: str) -> sa.Select[Any]:
    return sa.select(claims).where(claims.c.customer_id == customer_id)


def _change(connection: sa.Connection, claim: Claim, values: dict[str, Any]) -> bool:
    guard = sa.and_(claims.c.claim_id == claim.claim_id, claims.c.state == ClaimState.DRAFT, claims.c.version == claim.version)
    return connection.execute(claims.update().where(guard).values(version=claim.version + 1, **values)).rowcount == 1


def _next(connection: sa.Connection, table: sa.Table, claim_id: str) -> int:
    query = sa.select(sa.func.coalesce(sa.func.max(table.c.position), -1) + 1).where(table.c.claim_id == claim_id)
    return int(connection.execute(query).scalar_one())


def _whole(connection: sa.Connection, query: sa.Select[Any]) -> list[Claim]:
    rows = connection.execute(query).all()
    ids = [row.claim_id for row in rows]
    of_expenses = _parts(connection, expenses, ids)
    of_attachments = _parts(connection, attachments, ids)
    return [_claim(row, of_expenses.get(row.claim_id, []), of_attachments.get(row.claim_id, [])) for row in rows]


def _parts(connection: sa.Connection, table: sa.Table, claim_ids: Sequence[str]) -> dict[str, list[sa.Row[Any]]]:
    found: dict[str, list[sa.Row[Any]]] = {}
    query = sa.select(table).where(table.c.claim_id.in_(claim_ids)).order_by(table.c.claim_id, table.c.position)
    for row in connection.execute(query):
        found.setdefault(row.claim_id, []).append(row)
    return found


def _claim(row: sa.Row[Any], of_expenses: list[sa.Row[Any]], of_attachments: list[sa.Row[Any]]) -> Claim:
    return Claim(
        claim_id=row.claim_id,
        customer_id=row.customer_id,
        claim_number=row.claim_number or "",
        state=ClaimState(row.state),
        version=row.version,
        details=Details(
            kind=ClaimKind(row.kind) if row.kind else None,
            event_date=row.event_date,
            policy_number=row.policy_number,
            description=row.description,
            iban=row.iban,
            iban_holder=row.iban_holder,
        ),
        expenses=tuple(
            Expense(part.expense_id, part.provider, part.document_number, part.document_date, part.cents) for part in of_expenses
        ),
        attachments=tuple(
            Attachment(
                attachment_id=part.attachment_id,
                kind=AttachmentKind(part.kind),
                name=part.name,
                media_type=part.media_type,
                size=part.size,
                sha256=part.sha256,
                pages=part.pages,
            )
            for part in of_attachments
        ),
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        submit_request_id=row.submit_request_id or "",
    )
