"""What a code confirms, and the number that a filed claim gets."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date

from recapito_claims.domain.claim import Claim, ClaimState, Event, ExpenseState
from recapito_claims.domain.formats import written


def transaction_hash(claim: Claim) -> str:
    """SHA-256, hex, of all that is to be filed, in one canonical form: sorted JSON without blanks, UTF-8.

    The version stands in it too, so that a code confirms this state of the draft and no later one.
    """
    details = {name: _said(value) for name, value in asdict(claim.details).items()}
    filed = {
        "claim_id": claim.claim_id,
        "customer_id": claim.customer_id,
        "version": claim.version,
        **details,
        "expenses": [
            {
                "expense_id": expense.expense_id,
                "provider": expense.provider,
                "document_number": expense.document_number,
                "document_date": expense.document_date and expense.document_date.isoformat(),
                "cents": expense.cents,
                "category": expense.category,
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


def summary(claim: Claim, language: str) -> str:
    """What the code's text says, at most 60 characters, in the text's language: ``denuncia 123,45 EUR, IBAN …3456``."""
    what = "denuncia" if language == "it" else "claim"
    return f"{what} {written(claim.total_cents, language)} EUR, IBAN …{claim.details.iban[-4:]}"


def claim_number(year: int, serial: int) -> str:
    """The number that people use: ``D-2026-000123-7``, the last digit over all others."""
    return f"D-{year}-{serial:06d}-{check_digit(f'{year}{serial:06d}')}"


def check_digit(digits: str) -> int:
    """ISO 7064 MOD 11,10: notices every single wrong digit and nearly all swapped neighbours."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10


def as_filed(claim: Claim, version: int) -> Claim:
    """The receipt: a claim as it was in the moment in which it was filed, as ``version``, whatever became of it since."""
    added = {step.subject for step in claim.history if step.event is Event.DOCUMENT_ADDED}
    return replace(
        claim,
        state=ClaimState.SUBMITTED,
        version=version,
        expenses=tuple(replace(one, state=ExpenseState.SUBMITTED, reason="", decided_at=None) for one in claim.expenses),
        attachments=tuple(one for one in claim.attachments if one.attachment_id not in added),
        history=tuple(step for step in claim.history if step.event is Event.SUBMITTED),
        questions=(),
    )


def number_fault(number: str) -> bool:
    """Whether a claim's number can't be right: what it is checked by before anybody looks for it."""
    prefix, _, digits = number.partition("-")
    plain = digits.replace("-", "")
    if prefix != "D" or not (plain.isascii() and plain.isdigit()) or len(plain) < 11:
        return True
    return claim_number(int(plain[:4]), int(plain[4:-1])) != number


def _said(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value) if isinstance(value, Iterable) and not isinstance(value, str) else value
