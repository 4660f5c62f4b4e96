"""All that is kept of a customer: handed over (GDPR 15, 20), and erased as far as no law obliges to keep it (GDPR 17)."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from recapito_claims.domain.claim import Claim, ClaimState, day_in_italy
from recapito_claims.store import claims as store
from recapito_claims.store import erasing, reading
from recapito_documents.pipeline import DocumentPipeline, DocumentRef
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database

RULE: Final = "c.c. 2220"  # what the books rest on is kept for ten years
KEEP_YEARS: Final = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays, the rule that obliges to keep it, and until which day; None: its time hasn't begun."""

    what: str
    rule: str
    until: date | None


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


def erase_customer(database: Database, pipeline: DocumentPipeline, clock: Clock, customer_id: str) -> tuple[int, list[Kept]]:
    """How many drafts and claims were erased, and what stays; again: nothing more. The keys go first: what a crash leaves of a
    document is noise, and swept away.
    """
    today = day_in_italy(clock())
    erased = 0
    kept = []
    with database.read() as connection:
        ids = [claim.claim_id for claim in reading.all_of(connection, customer_id)]
    for claim_id in ids:
        with database.transaction() as connection:
            claim = reading.lock(connection, customer_id, claim_id)
            if claim is None:
                continue
            until = keep_until(claim, erasing.over_since(connection, claim_id))
            if claim.claim_number and (until is None or today <= until):
                kept.append(Kept(f"claim {claim.claim_number}", RULE, until))
                continue
            erasing.erase(connection, claim_id)
        for one in claim.attachments:
            pipeline.destroy(
                DocumentRef(document_id=one.attachment_id, media_type=one.media_type, pages=one.pages, key_id="", wrapped_key=b"")
            )
        erased += 1
    with database.transaction() as connection:
        erasing.erase_tombstones(connection, customer_id)
    return erased, kept


def keep_until(claim: Claim, over_since: datetime | None) -> date | None:
    """The last day on which a filed claim must be kept: ten years after the end of the year in which it ended."""
    if claim.state not in (ClaimState.CLOSED, ClaimState.WITHDRAWN) or over_since is None:
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
