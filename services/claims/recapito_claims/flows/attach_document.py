"""Receives an attachment for a draft, or for a filed claim that something was asked about."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from recapito_claims.domain import handling
from recapito_claims.domain.claim import MOST_ATTACHMENTS, Attachment, AttachmentKind, Claim, ClaimState, Event
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store import handling as log
from recapito_claims.store.allowances import ATTACHMENTS, COUNTS
from recapito_documents.errors import CleaningUnavailable, DocumentRefused
from recapito_documents.pipeline import DocumentPipeline, StoredDocument
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.sql import Database


def attach_document(
    database: Database,
    pipeline: DocumentPipeline,
    clock: Clock,
    demand_time: Callable[[], None],
    customer_id: str,
    claim_id: str,
    kind: AttachmentKind,
    name: str,
    chunks: Iterable[bytes],
    most_a_day: int,
) -> Claim:
    """The claim with the attachment. The same bytes of the same kind again: the claim as it is, so that a repeat adds nothing.

    ``most_a_day``: of the customer's, over all claims; one that is refused, or comes again, counts too, for looking at it is what
    costs. Raises NOT_FOUND, NOT_A_DRAFT, INVALID_ARGUMENT on "document", RESOURCE_EXHAUSTED TOO_MANY_DOCUMENTS,
    DEADLINE_EXCEEDED.
    """
    with database.read() as connection:  # before a byte is received
        _demand_takes_documents(guard.own(connection, customer_id, claim_id))
    with database.transaction() as connection:
        taken = COUNTS.take(connection, customer_id, ATTACHMENTS, clock().date(), most_a_day)
    if not taken:
        raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_DOCUMENTS", f"{most_a_day} attachments a day; come back tomorrow")
    document = _stored(pipeline, name, chunks)
    kept = False
    try:
        demand_time()
        with database.transaction() as connection:
            kept = _attach(connection, customer_id, claim_id, kind, document, clock())
            return guard.own(connection, customer_id, claim_id)
    finally:
        # a commit whose answer is lost may stand: its document stays, and where it doesn't, what stays is noise without its row
        if not kept:
            pipeline.destroy(document)


def _stored(pipeline: DocumentPipeline, name: str, chunks: Iterable[bytes]) -> StoredDocument:
    try:
        return pipeline.store(name, chunks)
    except DocumentRefused as refused:
        raise invalid(Violation("document", refused.reason, refused.message)) from None
    except CleaningUnavailable:
        raise Refusal(
            Kind.UNAVAILABLE, "DOCUMENTS_BUSY", "no document can be taken now", retry_after=timedelta(seconds=5)
        ) from None


def _attach(
    connection: sa.Connection, customer_id: str, claim_id: str, kind: AttachmentKind, document: StoredDocument, now: datetime
) -> bool:
    """False: the same document is attached already."""
    claim = guard.own_locked(connection, customer_id, claim_id)
    if any(present.kind is kind and present.sha256 == document.sha256 for present in claim.attachments):
        return False
    _demand_takes_documents(claim)
    if len(claim.attachments) >= MOST_ATTACHMENTS:
        raise invalid(Violation("document", "TOO_MANY", f"at most {MOST_ATTACHMENTS} attachments a claim"))
    is_draft = claim.state is ClaimState.DRAFT
    changed = store.touch(connection, claim, "attachments") if is_draft else log.move(connection, claim, claim.state)
    guard.changed(changed, claim)
    attachment = Attachment(
        attachment_id=document.document_id,
        kind=kind,
        name=document.name,
        media_type=document.media_type,
        size=document.size,
        sha256=document.sha256,
        pages=document.pages,
    )
    store.insert_attachment(connection, claim_id, attachment, document.key_id, document.wrapped_key, now)
    if not is_draft:
        log.note(connection, claim_id, Event.DOCUMENT_ADDED, now, attachment.attachment_id)
    return True


def _demand_takes_documents(claim: Claim) -> None:
    if not handling.takes_documents(claim):
        raise Refusal(
            Kind.FAILED_PRECONDITION,
            "NOT_A_DRAFT",
            "the claim is filed; nothing is asked for or suspended",
        )
