"""A claim and its parts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

ITALY: Final = ZoneInfo("Europe/Rome")  # the law's days are days in Italy, wherever the server stands
NOTICE: Final = timedelta(days=3)  # c.c. 1913
MOST_EXPENSES: Final = 30
MOST_ATTACHMENTS: Final = 10


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


class AttachmentKind(StrEnum):
    """What an attachment is."""

    INVOICE = "INVOICE"
    PRESCRIPTION = "PRESCRIPTION"
    CLINICAL_RECORD = "CLINICAL_RECORD"
    ACCIDENT_REPORT = "ACCIDENT_REPORT"


@dataclass(frozen=True, slots=True)
class Details:
    """What the customer says; a draft may leave anything out. ``iban`` is kept without blanks."""

    kind: ClaimKind | None
    event_date: date | None
    policy_number: str
    description: str
    iban: str
    iban_holder: str


@dataclass(frozen=True, slots=True)
class Expense:
    """One paid invoice. ``cents``: EUR cents, so that sums are exact; None: not said yet."""

    expense_id: str
    provider: str
    document_number: str
    document_date: date | None
    cents: int | None


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

    @property
    def total_cents(self) -> int:
        """The sum of the expenses."""
        return sum(expense.cents or 0 for expense in self.expenses)

    @property
    def late_notice(self) -> bool:
        """Whether it was filed later than three days after the event: flagged, never blocked."""
        if self.submitted_at is None or self.details.event_date is None:
            return False
        return day_in_italy(self.submitted_at) - self.details.event_date > NOTICE


def day_in_italy(at: datetime) -> date:
    """The day on which an instant falls."""
    return at.astimezone(ITALY).date()
