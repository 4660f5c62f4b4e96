"""Hands over all that contact-change keeps of a customer (GDPR 15, 20). Which operator it was is not the customer's data."""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from recapito_contact_change.store import tables as t
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit import export
from recapito_servicekit.sql import Database

ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png"}
NOT_THEIRS: Final = ("holder", "decided_by", "operator", "asked_by", "actor", "evidence", "lease", "zone_due")
"""Parts of the names of columns that tell of operators, of other customers, or of nobody."""


def export_customer(database: Database, pipeline: DocumentPipeline, customer_id: str) -> Iterator[tuple[str, bytes]]:
    """One file of data, then each identity document that isn't destroyed yet."""
    own = sa.select(t.CHANGES.c.change_id).where(t.CHANGES.c.customer_id == customer_id)
    cases = sa.select(t.CASES.c.case_id).where(t.CASES.c.change_id.in_(own))
    whose = (t.CHANGES, t.DOCUMENTS, t.DECISION_RECORDS, t.ALLOWANCES, t.ASKED_MOBILES)
    wanted: dict[sa.Table, sa.ColumnElement[bool]] = {table: table.c.customer_id == customer_id for table in whose}
    wanted |= {table: table.c.change_id.in_(own) for table in (t.QUESTIONS, t.HISTORY, t.NOTICES, t.CASES, t.FINDINGS)}
    wanted[t.OPINIONS] = t.OPINIONS.c.case_id.in_(cases)
    with database.read() as connection:
        content = export.rows(connection, wanted, NOT_THEIRS)
        readable = sa.and_(t.DOCUMENTS.c.customer_id == customer_id, t.DOCUMENTS.c.destroyed_at.is_(None))
        kept = connection.execute(sa.select(t.DOCUMENTS).where(readable)).all()
    yield "contact-change/contact-change.json", content
    for row in kept:
        names = ("document_id", "media_type", "pages", "key_id", "wrapped_key")
        media_type, data = pipeline.read_file(DocumentRef(**{name: getattr(row, name) for name in names}))
        yield f"contact-change/{row.document_id}.{ENDINGS.get(media_type, 'pdf')}", data
