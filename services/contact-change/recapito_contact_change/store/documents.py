"""Uploaded documents: whose they are, and which change they were filed with. Their bytes are in the blob store."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_contact_change.domain import OPEN_STATES
from recapito_contact_change.store.tables import CHANGES, DOCUMENTS
from recapito_documents.pipeline import StoredDocument

D = DOCUMENTS.c


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDocument(StoredDocument):
    """A document as its row has it. ``destroyed_at``: since when nobody can read it; None: it can be read."""

    change_id: str  # empty until it is filed
    destroyed_at: datetime | None


def insert(tx: sa.Connection, customer_id: str, document: StoredDocument, now: datetime) -> None:
    """Notes a document that isn't filed with a change yet."""
    tx.execute(DOCUMENTS.insert().values(customer_id=customer_id, uploaded_at=now, place=0, **asdict(document)))


def unfiled(tx: sa.Connection, customer_id: str, document_ids: Sequence[str]) -> list[int] | None:
    """The pages of each; None: one of them isn't the customer's, or is filed with a change already."""
    rows = tx.execute(sa.select(DOCUMENTS.c.document_id, DOCUMENTS.c.pages).where(_unfiled(customer_id, document_ids))).all()
    return [row.pages for row in rows] if len(rows) == len(document_ids) else None


def count(tx: sa.Connection, change_id: str) -> int:
    """How many are filed with a change."""
    return tx.scalar(sa.select(sa.func.count()).where(D.change_id == change_id)) or 0


def file(tx: sa.Connection, customer_id: str, document_ids: Sequence[str], change_id: str, *, after: int) -> bool:
    """Files them with a change, after so many that are. False: one of them can't be; the caller must roll back."""
    if not document_ids:
        return True
    place = sa.case({document_id: n for n, document_id in enumerate(document_ids, after)}, value=DOCUMENTS.c.document_id)
    filed = tx.execute(DOCUMENTS.update().where(_unfiled(customer_id, document_ids)).values(change_id=change_id, place=place))
    return filed.rowcount == len(document_ids)


def of_change(tx: sa.Connection, change_id: str) -> list[KeptDocument]:
    """The documents of a change, in the form's order."""
    rows = tx.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.change_id == change_id).order_by(DOCUMENTS.c.place))
    return [_document(row) for row in rows]


def past_keeping(tx: sa.Connection, ended_before: datetime, most: int) -> list[KeptDocument]:
    """Documents that can be read still, of changes that are over since before that instant."""
    over = sa.and_(CHANGES.c.state.not_in(OPEN_STATES), sa.func.coalesce(CHANGES.c.decided_at, CHANGES.c.ended_at) < ended_before)
    query = sa.select(DOCUMENTS).join(CHANGES, D.change_id == CHANGES.c.change_id).where(D.destroyed_at.is_(None), over)
    return [_document(row) for row in tx.execute(query.limit(most))]


def destroy_key(tx: sa.Connection, document_id: str, now: datetime) -> bool:
    """Forgets a document's key, once: without it the blobs are noise, wherever a copy of them lies. False: it was forgotten."""
    forgotten = tx.execute(
        DOCUMENTS.update()
        .where(D.document_id == document_id, D.destroyed_at.is_(None))
        .values(destroyed_at=now, key_id="", wrapped_key=b"")
    )
    return forgotten.rowcount == 1


def never_filed(tx: sa.Connection, uploaded_before: datetime, most: int) -> list[KeptDocument]:
    """Documents uploaded before that instant and filed with nothing."""
    query = sa.select(DOCUMENTS).where(D.change_id.is_(None), D.uploaded_at < uploaded_before)
    return [_document(row) for row in tx.execute(query.limit(most))]


def delete_unfiled(tx: sa.Connection, document_id: str) -> bool:
    """Deletes the row of a document that was filed with nothing. False: it was filed meanwhile, or is gone."""
    return tx.execute(DOCUMENTS.delete().where(D.document_id == document_id, D.change_id.is_(None))).rowcount == 1


def readable_ids(tx: sa.Connection) -> set[str]:
    """The ids of all documents whose key is there."""
    return set(tx.scalars(sa.select(D.document_id).where(D.destroyed_at.is_(None))))


def _unfiled(customer_id: str, document_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        DOCUMENTS.c.document_id.in_(document_ids), DOCUMENTS.c.customer_id == customer_id, DOCUMENTS.c.change_id.is_(None)
    )


def _document(row: Any) -> KeptDocument:
    return KeptDocument(
        document_id=row.document_id,
        media_type=row.media_type,
        pages=row.pages,
        key_id=row.key_id,
        wrapped_key=row.wrapped_key,
        name=row.name,
        size=row.size,
        sha256=row.sha256,
        change_id=row.change_id or "",
        destroyed_at=row.destroyed_at,
    )
