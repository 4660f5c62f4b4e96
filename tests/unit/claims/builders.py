"""A claim that may be filed on 2026-11-22, to be spoilt by a test."""

from datetime import UTC, date, datetime

from recapito_claims.domain.claim import (
    Answer,
    Attachment,
    AttachmentKind,
    Category,
    Claim,
    ClaimKind,
    ClaimState,
    Declaration,
    Details,
    Expense,
    Kinship,
)
from recapito_claims.domain.rules import Around

TODAY = date(2026, 11, 22)
AROUND = Around(TODAY, frozenset({"POL-1", "POL-2"}), "BNCNNA80E43H501G")
IBAN = "IT60X0542811101000000123456"

INSURED = "BNCNNA80E43H501G"
CHILD = "BNCLCU15E03F205U"

DETAILS = Details(
    kind=ClaimKind.ILLNESS,
    event_date=date(2026, 11, 20),
    policy_number="POL-1",
    description="febbre",
    iban=IBAN,
    iban_holder="Anna Bianchi",
    kinship=Kinship.INSURED,
    admitted=Answer.NO,
    other_insurance=Answer.NO,
    declarations=frozenset(Declaration),
)
EXPENSE = Expense("e" * 32, "Studio Rossi", "12/2026", date(2026, 11, 21), 12_345, Category.VISIT)
INVOICE = Attachment("a" * 32, AttachmentKind.INVOICE, "fattura.pdf", "application/pdf", 1000, "0" * 64, 1)


def a_claim(**changes: object) -> Claim:
    """The claim with other parts."""
    parts: dict[str, object] = {
        "claim_id": "c" * 32,
        "customer_id": "C-1",
        "claim_number": "",
        "state": ClaimState.DRAFT,
        "version": 3,
        "details": DETAILS,
        "expenses": (EXPENSE,),
        "attachments": (INVOICE,),
        "created_at": datetime(2026, 11, 22, 9, tzinfo=UTC),
        "submitted_at": None,
        "submit_request_id": "",
    }
    return Claim(**{**parts, **changes})  # type: ignore[arg-type]
