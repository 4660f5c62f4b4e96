"""Reads an attachment of a filed claim, for the claim handling system."""

from recapito_claims.domain.claim import Attachment
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_documents.errors import StoreUnavailable
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.sql import Database


def read_attachment(
    database: Database, pipeline: DocumentPipeline, claim_id: str, attachment_id: str
) -> tuple[Attachment, str, bytes]:
    """The attachment, and the media type and bytes of its cleaned file. Raises NOT_FOUND, STORE_UNAVAILABLE."""
    with database.read() as connection:
        claim = guard.filed(connection, claim_id)
        found = next((one for one in claim.attachments if one.attachment_id == attachment_id), None)
        opened = store.keys_of(connection, claim_id, attachment_id) if found else None
    if found is None or opened is None:
        raise not_found("attachment")
    ref = DocumentRef(
        document_id=attachment_id, media_type=found.media_type, pages=found.pages, key_id=opened[0], wrapped_key=opened[1]
    )
    try:
        return found, *pipeline.read_file(ref)
    except StoreUnavailable:
        raise Refusal(Kind.UNAVAILABLE, "STORE_UNAVAILABLE", "no document can be read now") from None
