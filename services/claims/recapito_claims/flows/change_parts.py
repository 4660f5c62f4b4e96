"""Takes expenses and attachments out of a draft, and throws a draft away."""

from datetime import datetime

from recapito_claims.domain.claim import Attachment, Claim
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store import reading
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.errors import not_found
from recapito_servicekit.sql import Database


def remove_expense(database: Database, customer_id: str, claim_id: str, expected_version: int, expense_id: str) -> Claim:
    """The draft without the expense; where it isn't there, the draft as it is. Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED."""
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        guard.demand_draft(claim)
        if not any(expense.expense_id == expense_id for expense in claim.expenses):
            return claim
        guard.demand_version(connection, claim, expected_version)
        guard.changed(store.touch(connection, claim, "expenses"), claim)
        store.delete_expense(connection, claim_id, expense_id)
        return guard.own(connection, customer_id, claim_id)


def remove_attachment(
    database: Database, pipeline: DocumentPipeline, customer_id: str, claim_id: str, expected_version: int, attachment_id: str
) -> Claim:
    """The same for an attachment. What a crash leaves of it is noise without its key, and swept away."""
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        guard.demand_draft(claim)
        gone = next((one for one in claim.attachments if one.attachment_id == attachment_id), None)
        if gone is None:
            return claim
        guard.demand_version(connection, claim, expected_version)
        guard.changed(store.touch(connection, claim, "attachments"), claim)
        store.delete_attachment(connection, claim_id, attachment_id)
        left = guard.own(connection, customer_id, claim_id)
    pipeline.destroy(_ref(gone))
    return left


def discard_draft(database: Database, pipeline: DocumentPipeline, customer_id: str, claim_id: str, now: datetime) -> None:
    """Throws a draft away with its documents; again: nothing happens. Raises NOT_FOUND, NOT_A_DRAFT."""
    with database.transaction() as connection:
        claim = reading.lock(connection, customer_id, claim_id)
        if claim is None:
            if reading.is_discarded(connection, customer_id, claim_id):
                return
            raise not_found("claim")
        guard.demand_draft(claim)
        guard.changed(store.discard(connection, claim, now), claim)
    for attachment in claim.attachments:
        pipeline.destroy(_ref(attachment))


def _ref(attachment: Attachment) -> DocumentRef:
    """What destroying takes: no key."""
    return DocumentRef(
        document_id=attachment.attachment_id,
        media_type=attachment.media_type,
        pages=attachment.pages,
        key_id="",
        wrapped_key=b"",
    )
