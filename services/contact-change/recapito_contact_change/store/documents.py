"""Uploaded documents: whose they are, and which change they were filed with. Their bytes are in the blob store."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_contact_change.store.tables import DOCUMENTS
from recapito_documents.pipeline import StoredDocument


def insert(tx: sa.Connection, customer_id: str, document: StoredDocument, now: datetime) -> None:
    """Notes a document that isn't filed with a change yet."""
    tx.execute(DOCUMENTS.insert().values(customer_id=customer_id, uploaded_at=now, place=0, **asdict(document)))


def unfiled(tx: sa.Connection, customer_id: str, document_ids: Sequence[str]) -> list[int] | None:
    """The pages of each; None: one of them isn't the customer's, or is filed with a change already."""
    rows = tx.execute(sa.select(DOCUMENTS.c.document_id, DOCUMENTS.c.pages).where(_unfiled(customer_id, document_ids))).all()
    return [row.pages for row in rows] if len(rows) == len(document_ids) else None


def file(tx: sa.Connection, customer_id: str, document_ids: Sequence[str], change_id: str) -> bool:
    """Files them with a change. False: one of them can't be; the caller must roll back."""
    place = sa.case({document_id: n for n, document_id in enumerate(document_ids)}, value=DOCUMENTS.c.document_id)
    filed = tx.execute(DOCUMENTS.update().where(_unfiled(customer_id, document_ids)).values(change_id=change_id, place=place))
    return filed.rowcount == len(document_ids)


def of_change(tx: sa.Connection, change_id: str) -> list[StoredDocument]:
    """The documents of a change, in the form's order."""
    rows = tx.execute(sa.select(DOCUMENTS).where(DOCUMENTS.c.change_id == change_id).order_by(DOCUMENTS.c.place))
    return [_document(row) for row in rows]


def _unfiled(customer_id: str, document_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        DOCUMENTS.c.document_id.in_(document_ids), DOCUMENTS.c.customer_id == customer_id, DOCUMENTS.c.change_id.is_(None)
    )


def _document(row: Any) -> StoredDocument:
    return StoredDocument(
        document_id=row.document_id,
        media_type=row.media_type,
        pages=row.pages,
        key_id=row.key_id,
        wrapped_key=row.wrapped_key,
        name=row.name,
        size=row.size,
        sha256=row.sha256,
    )
