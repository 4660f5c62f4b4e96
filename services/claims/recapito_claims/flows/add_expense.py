"""Adds an expense to a draft."""

from recapito_claims.domain.claim import MOST_EXPENSES, Claim, Expense
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_servicekit.errors import Violation, invalid, reused
from recapito_servicekit.sql import Database


def add_expense(
    database: Database, customer_id: str, request_id: str, claim_id: str, expected_version: int, expense: Expense
) -> Claim:
    """The draft with the expense; a repeat with the same request adds nothing more, whatever the draft became meanwhile.

    Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED, and INVALID_ARGUMENT where the draft is full, or the
    request added another one.
    """
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        if first := store.expense_of(connection, claim_id, request_id):
            if _said(next(one for one in claim.expenses if one.expense_id == first)) != _said(expense):
                raise reused()
            return claim
        guard.demand_draft(claim)
        guard.demand_version(connection, claim, expected_version)
        if len(claim.expenses) >= MOST_EXPENSES:
            raise invalid(Violation("expense", "TOO_MANY_EXPENSES", f"at most {MOST_EXPENSES} expenses a claim"))
        guard.changed(store.touch(connection, claim, "expenses"), claim)
        store.insert_expense(connection, claim_id, request_id, expense)
        return guard.own(connection, customer_id, claim_id)


def _said(expense: Expense) -> tuple[object, ...]:
    """What the customer said of it."""
    return expense.provider, expense.document_number, expense.document_date, expense.cents, expense.category
