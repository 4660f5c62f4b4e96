"""Who decides, and how many it takes: opinions, and when risk asks for a second operator (policy.md, from MOSIP)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recapito_contact_change.domain import STEP_OF, Case, Customer, Decision, Step
from recapito_contact_change.prechecks import FAILED, RISKS, Elsewhere, Finding, was_reset_lately


class Risk(StrEnum):
    """Why a second operator is asked."""

    PASSWORD_RESET = "PASSWORD_RESET"
    SEEN_ELSEWHERE = "SEEN_ELSEWHERE"
    CHECK_OVERRIDDEN = "CHECK_OVERRIDDEN"
    BY_LOT = "BY_LOT"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one operator thinks of a case: a decision, unless it takes another operator's. ``seen``: the case's version then.

    ``registry_version``: of the customer's record that they looked at. ``risks``: why another operator is asked after them.
    """

    operator_id: str
    operator_name: str
    decision: Decision
    reason_code: str
    note: str
    seen: int
    registry_version: int
    given_at: datetime
    risks: tuple[str, ...] = ()


def risks(case: Case, customer: Customer, elsewhere: Elsewhere, decision: Decision) -> tuple[Risk, ...]:
    """Why a case needs a second operator after its first one's decision; none: it doesn't."""
    found: Collection[str] = frozenset(case.findings)
    asked = []
    reset = was_reset_lately(case.change.submitted_at, customer.password_recovered_at)
    if reset or Finding.PASSWORD_RESET_LATELY in found:
        asked.append(Risk.PASSWORD_RESET)
    if elsewhere.document or elsewhere.mobile or RISKS.difference({Finding.PASSWORD_RESET_LATELY}).intersection(found):
        asked.append(Risk.SEEN_ELSEWHERE)
    if decision is Decision.APPROVE and FAILED.intersection(found):
        asked.append(Risk.CHECK_OVERRIDDEN)
    if case.drawn and not asked:
        asked.append(Risk.BY_LOT)
    return tuple(asked)


def step_after(opinions: Sequence[Opinion], asked: Sequence[Risk]) -> Step:
    """What the last of a round's opinions leads to.

    ``asked``: the risks, which count for a first opinion alone. After a first one that was passed on, the first two that agree
    decide: a second operator's, or else a third's.
    """
    last = opinions[-1]
    agree = sum(one.decision is last.decision for one in opinions)
    enough = not asked if len(opinions) == 1 else agree > 1
    return STEP_OF[last.decision] if enough else Step.PASS_ON
