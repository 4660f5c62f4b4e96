"""What a customer writes into a draft: only the format of what is given is checked, anything may still be missing."""

from typing import Final

from recapito_claims.domain import formats
from recapito_claims.domain.claim import ClaimKind, Details, Expense

DESCRIPTION: Final = 1_000
NAME: Final = 120
NUMBER: Final = 60


def details(kind: str, event_date: str, policy_number: str, description: str, iban: str, iban_holder: str) -> Details:
    """Reads a draft's details; an empty string says nothing. Raises INVALID_ARGUMENT with every fault."""
    reading = formats.Reading("details")
    found = Details(
        kind=reading.take("kind", _kind, kind, None),
        event_date=reading.take("event_date", formats.day, event_date, None),
        policy_number=reading.take("policy_number", formats.text(NUMBER), policy_number, ""),
        description=reading.take("description", formats.lines(DESCRIPTION), description, ""),
        iban=reading.take("iban", formats.iban, iban, ""),
        iban_holder=reading.take("iban_holder", formats.text(NAME), iban_holder, ""),
    )
    reading.done()
    return found


def expense(expense_id: str, provider: str, document_number: str, document_date: str, amount: str) -> Expense:
    """Reads an expense; an empty string says nothing. Raises INVALID_ARGUMENT with every fault."""
    reading = formats.Reading("expense")
    found = Expense(
        expense_id=expense_id,
        provider=reading.take("provider", formats.text(NAME), provider, ""),
        document_number=reading.take("document_number", formats.text(NUMBER), document_number, ""),
        document_date=reading.take("document_date", formats.day, document_date, None),
        cents=reading.take("amount", formats.cents, amount, None),
    )
    reading.done()
    return found


def _kind(raw: str) -> ClaimKind:
    try:
        return ClaimKind(raw)
    except ValueError:
        raise formats.BadFormat("KIND_UNKNOWN", "one of the kinds of claim") from None
