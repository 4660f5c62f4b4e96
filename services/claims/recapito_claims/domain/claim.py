"""A claim and its parts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

ITALY: Final = ZoneInfo("Europe/Rome")  # the law's days are days in Italy, wherever the server stands
NOTICE: Final = timedelta(days=3)  # c.c. 1913
MOST_EXPENSES: Final = 30
MOST_ATTACHMENTS: Final = 20


class ClaimKind(StrEnum):
    """What the claim is about."""

    ILLNESS = "ILLNESS"
    ACCIDENT = "ACCIDENT"
    MATERNITY = "MATERNITY"
    PREVENTION = "PREVENTION"
    DENTAL = "DENTAL"


class ClaimState(StrEnum):
    """Where a claim stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    OPEN = "OPEN"
    WAITING_FOR_CUSTOMER = "WAITING_FOR_CUSTOMER"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"


class ExpenseState(StrEnum):
    """Where an expense of a filed claim stands."""

    SUBMITTED = "SUBMITTED"
    REIMBURSABLE = "REIMBURSABLE"
    PAID = "PAID"
    SUSPENDED = "SUSPENDED"
    REFUSED = "REFUSED"


class AttachmentKind(StrEnum):
    """What an attachment is."""

    INVOICE = "INVOICE"
    PRESCRIPTION = "PRESCRIPTION"
    CLINICAL_RECORD = "CLINICAL_RECORD"
    ACCIDENT_REPORT = "ACCIDENT_REPORT"
    OTHER = "OTHER"


class Kinship(StrEnum):
    """Who had the care, as seen from the insured."""

    INSURED = "INSURED"
    SPOUSE = "SPOUSE"
    PARTNER = "PARTNER"
    CHILD = "CHILD"
    PARENT = "PARENT"
    SIBLING = "SIBLING"
    OTHER = "OTHER"


class Answer(StrEnum):
    """Yes or no."""

    YES = "YES"
    NO = "NO"


class Declaration(StrEnum):
    """What the customer declares by filing."""

    TRUTHFUL = "TRUTHFUL"
    HEALTH_DATA = "HEALTH_DATA"


class Category(StrEnum):
    """What an expense was for."""

    VISIT = "VISIT"
    DIAGNOSTICS = "DIAGNOSTICS"
    MEDICINES = "MEDICINES"
    HOSPITAL = "HOSPITAL"
    DENTAL = "DENTAL"
    PHYSIOTHERAPY = "PHYSIOTHERAPY"
    OTHER = "OTHER"


class Event(StrEnum):
    """What happens to a filed claim."""

    SUBMITTED = "SUBMITTED"
    EXPENSE_UPDATED = "EXPENSE_UPDATED"
    QUESTION_ASKED = "QUESTION_ASKED"
    QUESTION_ANSWERED = "QUESTION_ANSWERED"
    QUESTION_EXPIRED = "QUESTION_EXPIRED"
    DOCUMENT_ADDED = "DOCUMENT_ADDED"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Details:
    """What the customer says; a draft may leave anything out. ``iban`` and the codice fiscale are kept without blanks."""

    kind: ClaimKind | None = None
    event_date: date | None = None
    policy_number: str = ""
    description: str = ""
    iban: str = ""
    iban_holder: str = ""
    kinship: Kinship | None = None
    beneficiary_given_name: str = ""
    beneficiary_family_name: str = ""
    beneficiary_codice_fiscale: str = ""
    provider: str = ""
    accident_place: str = ""
    accident_cause: str = ""
    third_party: Answer | None = None
    third_party_name: str = ""
    admitted: Answer | None = None
    admitted_on: date | None = None
    discharged_on: date | None = None
    other_insurance: Answer | None = None
    other_insurer: str = ""
    declarations: frozenset[Declaration] = frozenset()


@dataclass(frozen=True, slots=True)
class Expense:
    """One paid invoice. ``cents``: EUR cents, so that sums are exact; None: not said yet. What was decided stands at the end."""

    expense_id: str
    provider: str
    document_number: str
    document_date: date | None
    cents: int | None
    category: Category | None = None
    state: ExpenseState | None = None  # None in a draft
    reason: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """One document. ``size`` and ``sha256`` (hex) are of the bytes received."""

    attachment_id: str
    kind: AttachmentKind
    name: str
    media_type: str
    size: int
    sha256: str
    pages: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the customer, and its answer."""

    question_id: str
    text: str
    asked_at: datetime
    due_at: datetime
    answer: str
    answered_at: datetime | None
    expired_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer."""
        return self.answered_at is None and self.expired_at is None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a filed claim. ``seq`` rises in the order of commits, over all claims."""

    seq: int
    claim_id: str
    event: Event
    subject: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim or a draft, whole. ``version`` rises with every change of any part."""

    claim_id: str
    customer_id: str
    claim_number: str  # empty for a draft
    state: ClaimState
    version: int
    details: Details
    expenses: tuple[Expense, ...]
    attachments: tuple[Attachment, ...]
    created_at: datetime
    submitted_at: datetime | None
    submit_request_id: str  # empty for a draft
    history: tuple[Step, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def total_cents(self) -> int:
        """The sum of the expenses."""
        return sum(expense.cents or 0 for expense in self.expenses)

    @property
    def late_notice(self) -> bool:
        """Whether it was filed later than three days after the event: flagged, never blocked."""
        return self.submitted_at is not None and self.is_late(self.submitted_at)

    @property
    def open_question(self) -> Question | None:
        """The question that waits for its answer."""
        return next((question for question in self.questions if question.is_open), None)

    def is_late(self, at: datetime) -> bool:
        """Whether a notice at that instant is late."""
        return self.details.event_date is not None and day_in_italy(at) - self.details.event_date > NOTICE


def day_in_italy(at: datetime) -> date:
    """The day on which an instant falls."""
    return at.astimezone(ITALY).date()
