"""What the claim handling system may do to a filed claim, and when."""

from typing import Final

from recapito_claims.domain.claim import Claim, ClaimState, Expense, ExpenseState

FINAL: Final = frozenset({ExpenseState.PAID, ExpenseState.REFUSED})
NEEDS_REASON: Final = frozenset({ExpenseState.SUSPENDED, ExpenseState.REFUSED})
DECISIONS: Final = frozenset(ExpenseState) - {ExpenseState.SUBMITTED}
LIVE: Final = frozenset({ClaimState.SUBMITTED, ClaimState.OPEN, ClaimState.WAITING_FOR_CUSTOMER})


def takes_documents(claim: Claim) -> bool:
    """Whether the customer may add documents: to a draft always, afterwards only where something is asked for or suspended."""
    if claim.state is ClaimState.DRAFT:
        return True
    suspended = any(expense.state is ExpenseState.SUSPENDED for expense in claim.expenses)
    return claim.state in LIVE and (suspended or claim.open_question is not None)


def not_final(claim: Claim) -> tuple[Expense, ...]:
    """The expenses that keep a claim from being closed."""
    return tuple(expense for expense in claim.expenses if expense.state not in FINAL)
