"""Expenses that look like one that was claimed before."""

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from recapito_claims.domain.claim import Expense


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An expense and the number of the other claim that holds the like; empty: the same claim holds it twice."""

    expense_id: str
    claim_number: str


def fingerprint(expense: Expense) -> str:
    """The same for the same provider, document number, date and amount, however typed; empty: one of them is missing."""
    if expense.document_date is None or not expense.cents:
        return ""
    provider, number = _plain(expense.provider), _plain(expense.document_number)
    if not provider or not number:
        return ""
    said = f"{provider}|{number}|{expense.document_date.isoformat()}|{expense.cents}"
    return hashlib.sha256(said.encode()).hexdigest()


def within(expenses: Iterable[Expense]) -> list[Duplicate]:
    """The expenses that the same claim holds a second time."""
    seen: set[str] = set()
    found = []
    for expense in expenses:
        mark = fingerprint(expense)
        if mark and mark in seen:
            found.append(Duplicate(expense.expense_id, ""))
        seen.add(mark)
    return found


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())
