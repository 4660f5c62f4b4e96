"""What the claim handling system does to a filed claim: decides on expenses, asks the customer, closes it."""

from datetime import datetime, timedelta
from typing import Final

from recapito_claims.domain import formats, handling
from recapito_claims.domain.claim import Claim, ClaimState, Event, Expense, ExpenseState
from recapito_claims.flows import guard
from recapito_claims.store import handling as store
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found, reused
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database

REASON: Final = 500
QUESTION: Final = 2_000
LONGEST_WAIT: Final = timedelta(days=366)


def update_expense(database: Database, clock: Clock, claim_id: str, expense_id: str, state: ExpenseState, said: str) -> Claim:
    """The claim with the decision; the same again changes nothing. The first decision opens the claim.

    Raises NOT_FOUND, INVALID_ARGUMENT on "reason" or "state", FAILED_PRECONDITION: EXPENSE_FINAL, CLAIM_OVER.
    """
    reason = _read("reason", REASON, said)
    if state not in handling.DECISIONS:
        raise invalid(Violation("state", "KIND_UNKNOWN", "REIMBURSABLE, PAID, SUSPENDED or REFUSED"))
    if state in handling.NEEDS_REASON and not reason:
        raise invalid(Violation("reason", "REQUIRED", "what is missing, or why it isn't paid, in words for the customer"))
    now = clock()
    with database.transaction() as connection:
        claim = guard.filed_locked(connection, claim_id)
        expense = _expense(claim, expense_id)
        if (expense.state, expense.reason) == (state, reason):
            return claim
        guard.demand_live(claim)
        if expense.state in handling.FINAL:
            raise Refusal(Kind.FAILED_PRECONDITION, "EXPENSE_FINAL", "the expense was decided for good", {"state": expense.state})
        opened = ClaimState.OPEN if claim.state is ClaimState.SUBMITTED else claim.state
        guard.changed(store.move(connection, claim, opened), claim)
        store.decide(connection, expense_id, state, reason, now)
        if state in handling.NEEDS_REASON:
            store.notify(connection, claim_id, f"expense_{state.lower()}", now)
        store.note(connection, claim_id, Event.EXPENSE_UPDATED, now, expense_id)
        return guard.filed(connection, claim_id)


def ask_customer(
    database: Database, clock: Clock, request_id: str, claim_id: str, said: str, due_at: datetime | None, wait: timedelta
) -> Claim:
    """The claim, waiting for its customer until ``due_at``, or for ``wait`` where it is None; a repeat changes nothing.

    Raises NOT_FOUND, INVALID_ARGUMENT on "text", "due_at" or "request_id", FAILED_PRECONDITION: QUESTION_OPEN, CLAIM_OVER.
    """
    text = _read("text", QUESTION, said)
    if not text:
        raise invalid(Violation("text", "REQUIRED", "the question"))
    now = clock()
    due_at = due_at or now + wait
    with database.transaction() as connection:
        claim = guard.filed_locked(connection, claim_id)
        if (first := store.asked_by(connection, claim_id, request_id)) is not None:
            if first != text:
                raise reused()
            return claim
        guard.demand_live(claim)
        if not now < due_at <= now + LONGEST_WAIT:
            raise invalid(Violation("due_at", "OUT_OF_RANGE", "in the future, at most a year ahead"))
        if claim.open_question:
            raise _question_open()
        guard.changed(store.move(connection, claim, ClaimState.WAITING_FOR_CUSTOMER), claim)
        question_id = new_id()
        store.ask(connection, claim_id, question_id, request_id, text, now, due_at)
        store.notify(connection, claim_id, "question", now)
        store.note(connection, claim_id, Event.QUESTION_ASKED, now, question_id)
        return guard.filed(connection, claim_id)


def close_claim(database: Database, clock: Clock, claim_id: str) -> Claim:
    """The claim, closed; again: as it is. Raises NOT_FOUND, EXPENSES_NOT_FINAL, QUESTION_OPEN, CLAIM_OVER."""
    now = clock()
    with database.transaction() as connection:
        claim = guard.filed_locked(connection, claim_id)
        if claim.state is ClaimState.CLOSED:
            return claim
        guard.demand_live(claim)
        if claim.open_question:
            raise _question_open()
        if left := handling.not_final(claim):
            named = ",".join(expense.expense_id for expense in left)
            raise Refusal(Kind.FAILED_PRECONDITION, "EXPENSES_NOT_FINAL", "not every expense is final", {"expenses": named})
        guard.changed(store.move(connection, claim, ClaimState.CLOSED, closed_at=now), claim)
        store.notify(connection, claim_id, "closed", now)
        store.note(connection, claim_id, Event.CLOSED, now)
        return guard.filed(connection, claim_id)


def _expense(claim: Claim, expense_id: str) -> Expense:
    found = next((expense for expense in claim.expenses if expense.expense_id == expense_id), None)
    if found is None:
        raise not_found("expense")
    return found


def _question_open() -> Refusal:
    return Refusal(Kind.FAILED_PRECONDITION, "QUESTION_OPEN", "a question waits for the customer's answer")


def _read(field: str, most: int, said: str) -> str:
    try:
        return formats.lines(most)(said)
    except formats.BadFormat as fault:
        raise invalid(Violation(field, fault.reason, str(fault))) from None
