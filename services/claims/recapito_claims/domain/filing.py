"""What a code confirms, and the number that a filed claim gets."""

import hashlib
import json

from recapito_claims.domain.claim import Claim
from recapito_claims.domain.formats import decimal


def transaction_hash(claim: Claim) -> str:
    """SHA-256, hex, of all that is to be filed, in one canonical form: sorted JSON without blanks, UTF-8.

    The version stands in it too, so that a code confirms this state of the draft and no later one.
    """
    details = claim.details
    filed = {
        "claim_id": claim.claim_id,
        "customer_id": claim.customer_id,
        "version": claim.version,
        "kind": details.kind,
        "event_date": details.event_date and details.event_date.isoformat(),
        "policy_number": details.policy_number,
        "description": details.description,
        "iban": details.iban,
        "iban_holder": details.iban_holder,
        "expenses": [
            {
                "expense_id": expense.expense_id,
                "provider": expense.provider,
                "document_number": expense.document_number,
                "document_date": expense.document_date and expense.document_date.isoformat(),
                "cents": expense.cents,
            }
            for expense in sorted(claim.expenses, key=lambda expense: expense.expense_id)
        ],
        "attachments": [
            {"attachment_id": attachment.attachment_id, "kind": attachment.kind, "sha256": attachment.sha256}
            for attachment in sorted(claim.attachments, key=lambda attachment: attachment.attachment_id)
        ],
    }
    canonical = json.dumps(filed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def summary(claim: Claim) -> str:
    """What the code's text says, at most 60 characters: ``denuncia 123,45 EUR, IBAN …3456``."""
    return f"denuncia {decimal(claim.total_cents).replace('.', ',')} EUR, IBAN …{claim.details.iban[-4:]}"


def claim_number(year: int, serial: int) -> str:
    """The number that people use: ``D-2026-000123-7``, the last digit over all others."""
    return f"D-{year}-{serial:06d}-{check_digit(f'{year}{serial:06d}')}"


def check_digit(digits: str) -> int:
    """ISO 7064 MOD 11,10: notices every single wrong digit and nearly all swapped neighbours."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10
