"""What a contact change is: its states and the steps between them, and what stays true whoever asks.

The drawing of the states lies beside this file, in ``domain.mermaid``; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from recapito_contact_change.form import FiledForm

NOTE_LENGTH: Final = 2_000
QUESTION_LENGTH: Final = 1_000
ANSWER_LENGTH: Final = 2_000


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers that an installation may set, and their defaults (policy.md)."""

    review_target: timedelta = timedelta(hours=24)  # from filing, or from an answer, to the decision
    first_look: timedelta = timedelta(hours=4)
    lease: timedelta = timedelta(minutes=15)
    repudiate_within: timedelta = timedelta(hours=72)  # of the notice that has the link
    answer_within: timedelta = timedelta(days=30)  # of the question; then the change expires
    documents_a_request: int = 4
    documents_a_day: int = 10  # of one customer
    new_mobiles_a_day: int = 5  # different ones


DEFAULTS: Final = Policy()


class State(StrEnum):
    """Where a change stands."""

    SUBMITTED = "SUBMITTED"
    IN_REVIEW = "IN_REVIEW"
    SECOND_REVIEW = "SECOND_REVIEW"
    WAITING_FOR_CUSTOMER = "WAITING_FOR_CUSTOMER"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    APPLIED = "APPLIED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    REPUDIATED = "REPUDIATED"
    FROZEN = "FROZEN"
    REVERTED = "REVERTED"


class Step(StrEnum):
    """What moves a change on. The values are the words of a case's history."""

    OPEN = "opened"  # intake made the case
    ASK = "asked"
    ANSWER = "answered"
    EXPIRE = "expired"  # unanswered for too long
    CANCEL = "cancelled"  # by the customer
    REPUDIATE = "repudiated"  # by who has a contact on file: it wasn't them
    FREEZE = "frozen"  # repudiated too late: the customer waits for a supervisor
    RESTORE = "restored"  # by a supervisor: it was them after all
    REVERT = "reverted"  # by a supervisor: it wasn't them, the old mobile comes back
    PASS_ON = "passed_on"  # an operator gave their opinion, another one must give theirs
    APPROVE = "approved"
    REJECT = "rejected"
    APPLY = "applied"  # the registry took the new mobile over
    RETURN = "returned"  # the registry can't take it over: an operator must look again


UNDER_REVIEW: Final = (State.IN_REVIEW, State.SECOND_REVIEW)
"""An operator may decide a change in one of these."""
BEFORE_APPLIED: Final = (State.SUBMITTED, *UNDER_REVIEW, State.WAITING_FOR_CUSTOMER, State.APPROVED)
"""A customer has at most one change in one of these."""
OPEN_STATES: Final = (*BEFORE_APPLIED, State.FROZEN)
"""A customer who has a change in one of these files no other."""

ENDED_STATES: Final = (State.CANCELLED, State.EXPIRED, State.REPUDIATED)
"""A change in one of these is over without a decision."""

STEPS: Final[Mapping[Step, tuple[tuple[State, ...], State]]] = {
    Step.OPEN: ((State.SUBMITTED,), State.IN_REVIEW),
    Step.ASK: ((State.IN_REVIEW,), State.WAITING_FOR_CUSTOMER),
    Step.ANSWER: ((State.WAITING_FOR_CUSTOMER,), State.IN_REVIEW),
    Step.EXPIRE: ((State.WAITING_FOR_CUSTOMER,), State.EXPIRED),
    Step.CANCEL: (BEFORE_APPLIED, State.CANCELLED),
    Step.REPUDIATE: (BEFORE_APPLIED, State.REPUDIATED),
    Step.FREEZE: ((State.APPLIED,), State.FROZEN),
    Step.RESTORE: ((State.FROZEN,), State.APPLIED),
    Step.REVERT: ((State.FROZEN,), State.REVERTED),
    Step.PASS_ON: (UNDER_REVIEW, State.SECOND_REVIEW),
    Step.APPROVE: (UNDER_REVIEW, State.APPROVED),
    Step.REJECT: (UNDER_REVIEW, State.REJECTED),
    Step.APPLY: ((State.APPROVED,), State.APPLIED),
    Step.RETURN: ((State.APPROVED,), State.IN_REVIEW),
}
"""The states that each step begins in, and the one that it leads to; there are no other ways."""

STOPS: Final = frozenset({Step.CANCEL, Step.REPUDIATE})
"""Steps that keep a change from being applied; too late once the registry was asked."""


class Decision(StrEnum):
    """What an operator decides."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"
    ASK = "ASK"  # the customer something, before a decision


STEP_OF: Final[Mapping[Decision, Step]] = {
    Decision.APPROVE: Step.APPROVE,
    Decision.REJECT: Step.REJECT,
    Decision.ASK: Step.ASK,
}
REASON_CODES: Final[Mapping[Decision, frozenset[str]]] = {
    Decision.APPROVE: frozenset({"DOCUMENT_MATCHES"}),
    Decision.REJECT: frozenset({"ANOTHER_PERSON", "DOCUMENT_INVALID", "SUSPECTED_FRAUD", "OTHER"}),
    Decision.ASK: frozenset({"UNREADABLE", "MISSING_SIDE", "DATA_DIFFERS", "OTHER"}),
}
OTHER: Final = "OTHER"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as the registry knows them. ``email`` and ``mobile`` (E.164) are empty where there is none."""

    customer_id: str
    given_name: str
    family_name: str
    codice_fiscale: str
    email: str
    mobile: str
    language: str
    version: int
    contact_changed_at: datetime | None = None
    password_recovered_at: datetime | None = None

    @property
    def name(self) -> str:
        """The name as people read it."""
        return f"{self.given_name} {self.family_name}".strip()


@dataclass(frozen=True, slots=True)
class Asker:
    """The customer who acts, and how they were authenticated."""

    customer_id: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator who acts. ``customer_id``: who they are in private, if known."""

    operator_id: str
    name: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it was filed and where it stands now."""

    change_id: str
    customer_id: str
    state: State
    form: FiledForm
    mobile_confirmed: bool
    amr: tuple[str, ...]
    submitted_at: datetime
    due_at: datetime
    decided_at: datetime | None = None
    applied_at: datetime | None = None
    reason_code: str = ""
    ended_at: datetime | None = None  # without a decision, or taken back

    def holds_claims(self, replaced_mobile: str) -> bool:
        """Whether new claims wait for the cooling-off: it was asked for with a password alone.

        Or with a code to the email, which is enough for a first mobile alone: who can read somebody's mail, and spoils so many
        codes that they are disabled, gets as far as that with a mobile on file.
        """
        return self.amr == ("pwd",) or ("otp_email" in self.amr and bool(replaced_mobile))


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator asks the customer. ``answered_at`` None: it waits."""

    question_id: str
    asked_at: datetime
    asked_by: str  # the operator's name
    reason_code: str
    text: str
    answered_at: datetime | None = None
    answer: str = ""
    answer_by: datetime | None = None  # for the customer who is to answer: when the change expires


@dataclass(frozen=True, slots=True)
class Case:
    """The operators' side of a change. ``version`` rises whenever the case changes, so that a late hand is fenced off."""

    case_id: str
    change: Change
    customer_name: str
    version: int
    findings: tuple[str, ...]
    holder_id: str = ""
    holder_name: str = ""
    lease_expires_at: datetime | None = None
    registry_version: int = 0
    decision: Decision | None = None
    reason_code: str = ""
    note: str = ""
    decided_by_id: str = ""
    decided_by_name: str = ""
    decided_at: datetime | None = None
    round: int = 1  # of review: a change that comes back from the registry is reviewed anew
    drawn: bool = False  # by lot, for a second operator

    def held_at(self, now: datetime) -> bool:
        """Whether somebody holds it at that instant."""
        return bool(self.holder_id) and self.lease_expires_at is not None and self.lease_expires_at > now

    def held_by(self, operator_id: str, now: datetime) -> bool:
        """Whether that operator holds it at that instant."""
        return self.held_at(now) and self.holder_id == operator_id

    def is_own_of(self, operator: Operator) -> bool:
        """Whether the operator would decide on themselves (NIST SP 800-63A, 3.2.1)."""
        return bool(operator.customer_id) and operator.customer_id == self.change.customer_id
