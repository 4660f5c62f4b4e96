"""``recapito-contact-change export-customer``: all that contact-change keeps of a customer."""

from collections.abc import Iterator

import sqlalchemy as sa

from recapito_contact_change.settings import ContactChangeSettings
from recapito_contact_change.store.tables import CHANGES, DOCUMENTS, HISTORY, NOTICES, QUESTIONS
from recapito_documents.blobs import FolderBlobs
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit import export
from recapito_servicekit.settings import load
from recapito_servicekit.sql import Database

ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}


def files(customer_id: str) -> Iterator[tuple[str, bytes]]:
    """One file of data, then each identity document that isn't destroyed yet."""
    settings = load(ContactChangeSettings, "contact-change")
    database = Database(settings.database_url, 1)
    pipeline = DocumentPipeline(FolderBlobs(settings.blob_dir), KeyRing.parse(settings.document_keys))
    own = sa.select(CHANGES.c.change_id).where(CHANGES.c.customer_id == customer_id)
    wanted = {table: table.c.customer_id == customer_id for table in (CHANGES, DOCUMENTS)}
    wanted |= {table: table.c.change_id.in_(own) for table in (QUESTIONS, HISTORY, NOTICES)}
    with database.read() as connection:
        yield "contact-change/contact-change.json", export.rows(connection, wanted)
        readable = sa.and_(DOCUMENTS.c.customer_id == customer_id, DOCUMENTS.c.destroyed_at.is_(None))
        kept = connection.execute(sa.select(DOCUMENTS).where(readable)).all()
    database.close()
    for row in kept:
        names = ("document_id", "media_type", "pages", "key_id", "wrapped_key")
        media_type, content = pipeline.read_file(DocumentRef(**{name: getattr(row, name) for name in names}))
        yield f"contact-change/{row.document_id}.{ENDINGS.get(media_type, 'pdf')}", content
