"""All that is kept of a customer: handed over (GDPR 15, 20), and erased as far as no law obliges to keep it (GDPR 17)."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from recapito_claims.domain.claim import Claim, ClaimState, day_in_italy
from recapito_claims.store import claims as store
from recapito_claims.store import erasing, reading
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.privacy import Erased, Kept, counted
from recapito_servicekit.sql import Database

RULE: Final = "c.c. 2220"  # what the books rest on is kept for ten years
KEEP_YEARS: Final = 10
OVER: Final = (ClaimState.CLOSED, ClaimState.WITHDRAWN)


def export_customer(database: Database, pipeline: DocumentPipeline, customer_id: str) -> Iterator[tuple[str, bytes]]:
    """Files by their names in the archive: the data first, then each document as it is kept."""
    with database.read() as connection:
        found = reading.all_of(connection, customer_id)
        keys = {
            one.attachment_id: store.keys_of(connection, claim.claim_id, one.attachment_id)
            for claim in found
            for one in claim.attachments
        }
    yield (
        "claims/claims.json",
        json.dumps([_plain(claim) for claim in found], ensure_ascii=False, indent=1, default=_said).encode(),
    )
    for claim in found:
        for one in claim.attachments:
            opened = keys[one.attachment_id]
            if opened is None:
                continue
            ref = DocumentRef(
                document_id=one.attachment_id, media_type=one.media_type, pages=one.pages, key_id=opened[0], wrapped_key=opened[1]
            )
            media_type, data = pipeline.read_file(ref)
            ending = {"image/jpeg": "jpg", "image/png": "png"}.get(media_type, "pdf")
            yield f"claims/{claim.claim_number or claim.claim_id}/{one.attachment_id}.{ending}", data


def erase_customer(
    database: Database, pipeline: DocumentPipeline, clock: Clock, customer_id: str, *, dry_run: bool = False
) -> Erased:
    """What went and what stays; again: nothing more. The keys go first: what a crash leaves of a document is noise, and swept.

    Raises FAILED_PRECONDITION CLAIM_OPEN: a filed claim isn't over.
    """
    today = day_in_italy(clock())
    going, documents = 0, 0
    kept = []
    with database.read() as connection:
        found = reading.all_of(connection, customer_id)
        thrown = erasing.tombstones(connection, customer_id)
    _demand_over(found)
    for each in found:
        with database.read() if dry_run else database.transaction() as connection:
            claim = each if dry_run else reading.lock(connection, customer_id, each.claim_id)
            if claim is None:
                continue
            _demand_over([claim])
            until = keep_until(claim, erasing.over_since(connection, claim.claim_id))
            if claim.claim_number and until is not None and today <= until:
                kept.append(Kept(f"claim {claim.claim_number}", RULE, until))
                continue
            if not dry_run:
                erasing.erase(connection, claim.claim_id)
        if not dry_run:
            _destroy(pipeline, claim)
        going += 1
        documents += len(claim.attachments)
    if not dry_run:
        with database.transaction() as connection:
            erasing.erase_tombstones(connection, customer_id)
    gone = (
        *counted(going, "draft or claim", "drafts and claims"),
        *counted(documents, "document", "documents"),
        *counted(thrown, "draft that was thrown away", "drafts that were thrown away"),
    )
    return Erased(gone, tuple(kept), going)


def _demand_over(found: Iterable[Claim]) -> None:
    still = [claim.claim_number for claim in found if claim.claim_number and claim.state not in OVER]
    if still:
        told = {"claims": ",".join(still)}
        raise Refusal(Kind.FAILED_PRECONDITION, "CLAIM_OPEN", f"claim {', '.join(still)} isn't over", told)


def _destroy(pipeline: DocumentPipeline, claim: Claim) -> None:
    for one in claim.attachments:
        pipeline.destroy(
            DocumentRef(document_id=one.attachment_id, media_type=one.media_type, pages=one.pages, key_id="", wrapped_key=b"")
        )


def keep_until(claim: Claim, over_since: datetime | None) -> date | None:
    """The last day on which a filed claim must be kept: ten years after the end of the year in which it ended."""
    if claim.state not in OVER or over_since is None:
        return None
    return date(day_in_italy(over_since).year + KEEP_YEARS, 12, 31)


def _plain(claim: Claim) -> dict[str, Any]:
    found = asdict(claim)
    del found["submit_request_id"]
    return found


def _said(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)
