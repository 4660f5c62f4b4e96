"""What a claim needs to be filed, by kind: a rule a line. The portal's texts say each reason in the customer's language."""

# ruff: noqa: E501  # a table reads better with a rule a line
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, TypeVar

from recapito_claims.domain.claim import Answer, AttachmentKind, Category, Claim, ClaimKind, Declaration, Expense, Kinship
from recapito_claims.domain.formats import is_codice_fiscale, is_iban
from recapito_servicekit.errors import Violation

LIMITATION_YEARS: Final = 2  # c.c. 2952
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Around:
    """What the rules know besides the claim: the day in Italy, the customer's policies and codice fiscale."""

    today: date
    policies: frozenset[str]
    codice_fiscale: str = ""


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """For what it counts; ``broken`` says whether a field breaks it; ``reason`` is stable, ``description`` is for a developer."""

    counts: Callable[[T], bool]
    field: str
    reason: str
    description: str
    broken: Callable[[T, Around], bool]


def _of(*kinds: ClaimKind) -> Callable[[Claim], bool]:
    return lambda claim: claim.details.kind in kinds


def _spent_on(*categories: Category) -> Callable[[Claim], bool]:
    return lambda claim: any(expense.category in categories for expense in claim.expenses)


def _has(kind: AttachmentKind) -> Callable[[Claim], bool]:
    return lambda claim: any(attachment.kind is kind for attachment in claim.attachments)


def _after(day: date | None, today: date | None) -> bool:
    return day is not None and today is not None and day > today


def _family(claim: Claim) -> bool:
    return claim.details.kinship not in (None, Kinship.INSURED)


def _any(_: object) -> bool:
    return True


_accident = _of(ClaimKind.ACCIDENT)
_at_home = _of(ClaimKind.ILLNESS, ClaimKind.ACCIDENT, ClaimKind.MATERNITY)  # kinds in which people are admitted


def _admitted(claim: Claim) -> bool:
    return claim.details.admitted is Answer.YES


# The first broken rule of a field is told (of the attachments, which may lack several, each), so a rule may take for granted what those above it demand.
# fmt: off
CLAIM_RULES: Final[tuple[Rule[Claim], ...]] = (
    # what happened
    Rule(_any, "details.kind", "REQUIRED", "a kind", lambda c, _: c.details.kind is None),
    Rule(_any, "details.event_date", "REQUIRED", "the day of the event", lambda c, _: c.details.event_date is None),
    Rule(_any, "details.event_date", "DATE_IN_FUTURE", "today or before", lambda c, a: _after(c.details.event_date, a.today)),
    Rule(_any, "details.event_date", "TIME_BARRED", "within two years (c.c. 2952)", lambda c, a: time_barred(c.details.event_date, a.today)),
    Rule(_any, "details.policy_number", "REQUIRED", "a policy", lambda c, _: not c.details.policy_number),
    Rule(_any, "details.policy_number", "POLICY_UNKNOWN", "one of theirs", lambda c, a: c.details.policy_number not in a.policies),
    # an accident
    Rule(_accident, "details.accident.place", "REQUIRED", "where it happened", lambda c, _: not c.details.accident_place),
    Rule(_accident, "details.accident.cause", "REQUIRED", "what caused it", lambda c, _: not c.details.accident_cause),
    Rule(_accident, "details.accident.third_party", "REQUIRED", "yes or no", lambda c, _: c.details.third_party is None),
    # an admission
    Rule(_at_home, "details.admission.admitted", "REQUIRED", "yes or no", lambda c, _: c.details.admitted is None),
    Rule(_admitted, "details.provider", "REQUIRED", "which hospital", lambda c, _: not c.details.provider),
    Rule(_admitted, "details.admission.admitted_on", "REQUIRED", "from which day", lambda c, _: c.details.admitted_on is None),
    Rule(_admitted, "details.admission.admitted_on", "DATE_IN_FUTURE", "today or before", lambda c, a: _after(c.details.admitted_on, a.today)),
    Rule(_admitted, "details.admission.discharged_on", "REQUIRED", "until which day", lambda c, _: c.details.discharged_on is None),
    Rule(_admitted, "details.admission.discharged_on", "DATE_IN_FUTURE", "today or before", lambda c, a: _after(c.details.discharged_on, a.today)),
    Rule(_admitted, "details.admission.discharged_on", "BEFORE_ADMISSION", "not before the admission", lambda c, _: _after(c.details.admitted_on, c.details.discharged_on)),
    # who had the care
    Rule(_any, "details.beneficiary.kinship", "REQUIRED", "the insured, or who", lambda c, _: c.details.kinship is None),
    Rule(_family, "details.beneficiary.given_name", "REQUIRED", "their name", lambda c, _: not c.details.beneficiary_given_name),
    Rule(_family, "details.beneficiary.family_name", "REQUIRED", "their name", lambda c, _: not c.details.beneficiary_family_name),
    Rule(_family, "details.beneficiary.codice_fiscale", "REQUIRED", "their codice fiscale", lambda c, _: not c.details.beneficiary_codice_fiscale),
    Rule(_family, "details.beneficiary.codice_fiscale", "CODICE_FISCALE_INVALID", "a right one", lambda c, _: not is_codice_fiscale(c.details.beneficiary_codice_fiscale)),
    Rule(_family, "details.beneficiary.codice_fiscale", "CODICE_FISCALE_OF_INSURED", "theirs, not the insured's", lambda c, a: c.details.beneficiary_codice_fiscale == a.codice_fiscale),
    # where to pay, and who else pays
    Rule(_any, "details.iban", "REQUIRED", "an IBAN", lambda c, _: not c.details.iban),
    Rule(_any, "details.iban", "IBAN_INVALID", "right check digits, and CIN", lambda c, _: not is_iban(c.details.iban)),
    Rule(_any, "details.iban_holder", "REQUIRED", "whose account it is", lambda c, _: not c.details.iban_holder),
    Rule(_any, "details.other_insurance.exists", "REQUIRED", "yes or no (c.c. 1910)", lambda c, _: c.details.other_insurance is None),
    Rule(lambda c: c.details.other_insurance is Answer.YES, "details.other_insurance.insurer", "REQUIRED", "with whom", lambda c, _: not c.details.other_insurer),
    # what proves it
    Rule(_any, "expenses", "EXPENSE_REQUIRED", "at least one expense", lambda c, _: not c.expenses),
    Rule(_any, "attachments", "INVOICE_REQUIRED", "at least one invoice", lambda c, _: not _has(AttachmentKind.INVOICE)(c)),
    Rule(_spent_on(Category.DIAGNOSTICS, Category.MEDICINES, Category.PHYSIOTHERAPY), "attachments", "PRESCRIPTION_REQUIRED", "the prescription with the diagnosis", lambda c, _: not _has(AttachmentKind.PRESCRIPTION)(c)),
    Rule(_admitted, "attachments", "CLINICAL_RECORD_REQUIRED", "the clinical record", lambda c, _: not _has(AttachmentKind.CLINICAL_RECORD)(c)),
    Rule(_accident, "attachments", "ACCIDENT_REPORT_REQUIRED", "the emergency room's report", lambda c, _: not _has(AttachmentKind.ACCIDENT_REPORT)(c)),
    Rule(_any, "details.declarations", "DECLARATIONS_REQUIRED", "all of them", lambda c, _: c.details.declarations != frozenset(Declaration)),
)
EXPENSE_RULES: Final[tuple[Rule[Expense], ...]] = (
    Rule(_any, "provider", "REQUIRED", "who was paid", lambda e, _: not e.provider),
    Rule(_any, "document_number", "REQUIRED", "the number of the invoice", lambda e, _: not e.document_number),
    Rule(_any, "document_date", "REQUIRED", "the date of the invoice", lambda e, _: e.document_date is None),
    Rule(_any, "document_date", "DATE_IN_FUTURE", "today or before", lambda e, a: _after(e.document_date, a.today)),
    Rule(_any, "amount", "REQUIRED", "an amount above zero", lambda e, _: not e.cents),
    Rule(_any, "category", "REQUIRED", "what it was for", lambda e, _: e.category is None),
)
# fmt: on


def faults(claim: Claim, around: Around) -> tuple[Violation, ...]:
    """Everything that keeps a claim from being filed, together; fields as paths into the Claim message."""
    found = list(_first_broken(CLAIM_RULES, claim, around, ""))
    for index, expense in enumerate(claim.expenses):
        found.extend(_first_broken(EXPENSE_RULES, expense, around, f"expenses[{index}]."))
    return tuple(found)


def time_barred(event: date | None, today: date) -> bool:
    """Whether the limitation has run out. Its last day is the event's, two years on; 29 February becomes the 28th (c.c. 2963)."""
    if event is None or event > today:
        return False
    try:
        last = event.replace(year=event.year + LIMITATION_YEARS)
    except ValueError:
        last = event.replace(year=event.year + LIMITATION_YEARS, day=28)
    return today > last


def _first_broken(rules: Iterable[Rule[T]], thing: T, around: Around, prefix: str) -> Iterable[Violation]:
    told: set[str] = set()
    for rule in rules:
        if rule.field not in told - {"attachments"} and rule.counts(thing) and rule.broken(thing, around):
            told.add(rule.field)
            yield Violation(prefix + rule.field, rule.reason, rule.description)
