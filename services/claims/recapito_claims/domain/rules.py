"""What a claim needs to be filed, a rule a line. In this slice every kind of claim needs the same."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from recapito_claims.domain.claim import AttachmentKind, Claim, Expense
from recapito_claims.domain.formats import is_iban
from recapito_servicekit.errors import Violation

LIMITATION_YEARS: Final = 2  # c.c. 2952
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Around:
    """What the rules know besides the claim: the day in Italy, and the customer's policies."""

    today: date
    policies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """``broken`` says whether a field breaks the rule; ``reason`` is stable, ``description`` is for a developer."""

    field: str
    reason: str
    description: str
    broken: Callable[[T, Around], bool]


# The first broken rule of a field is told, so a rule may take for granted what those above it demand.
CLAIM_RULES: Final[tuple[Rule[Claim], ...]] = (
    Rule("details.kind", "REQUIRED", "a kind", lambda c, _: c.details.kind is None),
    Rule("details.event_date", "REQUIRED", "the day of the event", lambda c, _: c.details.event_date is None),
    Rule("details.event_date", "DATE_IN_FUTURE", "today or before", lambda c, a: _after(c.details.event_date, a.today)),
    Rule("details.event_date", "TIME_BARRED", "within two years", lambda c, a: time_barred(c.details.event_date, a.today)),
    Rule("details.policy_number", "REQUIRED", "a policy", lambda c, _: not c.details.policy_number),
    Rule("details.policy_number", "POLICY_UNKNOWN", "one of theirs", lambda c, a: c.details.policy_number not in a.policies),
    Rule("details.iban", "REQUIRED", "an IBAN", lambda c, _: not c.details.iban),
    Rule("details.iban", "IBAN_INVALID", "right check digits, and CIN", lambda c, _: not is_iban(c.details.iban)),
    Rule("details.iban_holder", "REQUIRED", "whose account it is", lambda c, _: not c.details.iban_holder),
    Rule("expenses", "EXPENSE_REQUIRED", "at least one expense", lambda c, _: not c.expenses),
    Rule("attachments", "INVOICE_REQUIRED", "at least one invoice", lambda c, _: not _has(c, AttachmentKind.INVOICE)),
)
EXPENSE_RULES: Final[tuple[Rule[Expense], ...]] = (
    Rule("provider", "REQUIRED", "who was paid", lambda e, _: not e.provider),
    Rule("document_number", "REQUIRED", "the number of the invoice", lambda e, _: not e.document_number),
    Rule("document_date", "REQUIRED", "the date of the invoice", lambda e, _: e.document_date is None),
    Rule("document_date", "DATE_IN_FUTURE", "today or before", lambda e, a: _after(e.document_date, a.today)),
    Rule("amount", "REQUIRED", "an amount above zero", lambda e, _: not e.cents),
)


def faults(claim: Claim, around: Around) -> tuple[Violation, ...]:
    """Everything that keeps a claim from being filed, together; fields as paths into the Claim message."""
    found = list(_first_broken(CLAIM_RULES, claim, around, ""))
    for index, expense in enumerate(claim.expenses):
        found.extend(_first_broken(EXPENSE_RULES, expense, around, f"expenses[{index}]."))
    return tuple(found)


def time_barred(event: date | None, today: date) -> bool:
    """Whether the limitation has run out. Its last day is the event's, two years on; 29 February becomes the 28th (c.c. 2963)."""
    if event is None:
        return False
    try:
        last = event.replace(year=event.year + LIMITATION_YEARS)
    except ValueError:
        last = event.replace(year=event.year + LIMITATION_YEARS, day=28)
    return today > last


def _first_broken(rules: Iterable[Rule[T]], thing: T, around: Around, prefix: str) -> Iterable[Violation]:
    told: set[str] = set()
    for rule in rules:
        if rule.field not in told and rule.broken(thing, around):
            told.add(rule.field)
            yield Violation(prefix + rule.field, rule.reason, rule.description)


def _after(day: date | None, today: date) -> bool:
    return day is not None and day > today


def _has(claim: Claim, kind: AttachmentKind) -> bool:
    return any(attachment.kind is kind for attachment in claim.attachments)
