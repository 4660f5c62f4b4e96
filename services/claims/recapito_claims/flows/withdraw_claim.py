"""The customer takes a filed claim back."""

from recapito_claims.domain.claim import Claim, ClaimState, Event, ExpenseState
from recapito_claims.flows import guard
from recapito_claims.store import handling
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.sql import Database


def withdraw_claim(database: Database, clock: Clock, customer_id: str, claim_id: str) -> Claim:
    """The claim, withdrawn; again: as it is. Raises NOT_FOUND, and FAILED_PRECONDITION: NOT_FILED, CLAIM_OVER, EXPENSE_PAID."""
    now = clock()
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        if claim.state is ClaimState.WITHDRAWN:
            return claim
        if claim.state is ClaimState.DRAFT:
            raise Refusal(Kind.FAILED_PRECONDITION, "NOT_FILED", "a draft is discarded, not withdrawn")
        guard.demand_live(claim)
        if any(expense.state is ExpenseState.PAID for expense in claim.expenses):
            raise Refusal(Kind.FAILED_PRECONDITION, "EXPENSE_PAID", "some of it was paid already")
        guard.changed(handling.move(connection, claim, ClaimState.WITHDRAWN, closed_at=now), claim)
        if claim.open_question:
            handling.expire(connection, claim.open_question.question_id, now)
        handling.notify(connection, claim_id, "withdrawn", now)
        handling.note(connection, claim_id, Event.WITHDRAWN, now)
        return guard.own(connection, customer_id, claim_id)
