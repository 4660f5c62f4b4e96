"""An operator decides: the decision and its event in one guarded transaction, so that of two who decide one was first."""

from collections.abc import Callable
from dataclasses import dataclass

from recapito_contact_change import events, metrics, notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import (
    NOTE_LENGTH,
    OTHER,
    QUESTION_LENGTH,
    REASON_CODES,
    STEP_OF,
    Case,
    Customer,
    Decision,
    Operator,
    Question,
    State,
)
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.flows.take_case import already_decided, demand_not_own, lease_lost
from recapito_contact_change.store import cases, changes, questions
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the operator decided, on the version that they saw. ``decision`` None: it was left out."""

    expected_version: int
    decision: Decision | None
    reason_code: str
    note: str
    question: str = ""  # with ASK, for the customer to read


class _Lost(Exception):
    """Rolls the transaction back: somebody or something was first."""


class DecideCase:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, reader: ReadCases, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._reader = reader
        self._clock = clock

    def run(self, operator: Operator, case_id: str, verdict: Verdict, demand_time: Callable[[], None]) -> Folder:
        """The case as decided. A repeat of the same decision by the same operator gives it again.

        Raises Refusal: NOT_FOUND, OWN_CASE, a field at fault, or ABORTED with ALREADY_DECIDED (metadata ``decided_by``),
        LEASE_LOST (``holder``) or VERSION_CHANGED (``version``).
        """
        decision = _checked(verdict)
        case = self._reader.find(case_id)
        demand_not_own(case, operator)
        customer = self._registry.get(case.change.customer_id)
        demand_time()
        try:
            self._write(operator, case, customer, decision, verdict)
        except _Lost:
            self._explain(operator, self._reader.find(case_id), decision, verdict)
        return self._reader.folder(case_id, customer)

    def _write(self, operator: Operator, case: Case, customer: Customer, decision: Decision, verdict: Verdict) -> None:
        now = self._clock()
        change_id = case.change.change_id
        with self._database.transaction() as tx:
            ended = {} if decision is Decision.ASK else {"decided_at": now, "reason_code": verdict.reason_code}
            moved = changes.move(tx, change_id, STEP_OF[decision], **ended)
            written = moved and cases.decide(
                tx,
                case.case_id,
                operator,
                verdict.expected_version,
                now,
                decision=decision,
                reason_code=verdict.reason_code,
                note=verdict.note,
            )
            if not written:
                raise _Lost
            changes.note(tx, change_id, now, operator.name, "decided", f"{decision} {verdict.reason_code}")
            if decision is Decision.ASK:
                question = Question(new_id(), now, operator.name, verdict.reason_code, verdict.question.strip())
                questions.insert(tx, change_id, question)
                for notice in notices.to_customer(notices.QUESTION, customer):
                    ledger.insert(tx, change_id, notice, now)
                return
            data = {"change_id": change_id, "case_id": case.case_id, "version": verdict.expected_version + 1}
            events.write(OUTBOX, tx, events.DECIDED, change_id, data, now)
        metrics.DECIDED.labels(decision.value, verdict.reason_code).inc()

    def _explain(self, operator: Operator, case: Case, decision: Decision, verdict: Verdict) -> None:
        """Raises why the decision was lost; returns where it is this very decision that stands."""
        if case.change.state is not State.IN_REVIEW:
            ours = case.decided_by_id == operator.operator_id and case.version == verdict.expected_version + 1
            if ours and case.decision is decision and case.reason_code == verdict.reason_code:
                return
            raise already_decided(case)
        if not case.held_by(operator.operator_id, self._clock()):
            raise lease_lost(case)
        raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "the case changed since that version", {"version": str(case.version)})


def _checked(verdict: Verdict) -> Decision:
    faults = []
    if verdict.decision is None:
        faults.append(Violation("decision", "MISSING", "one of the decisions"))
    elif verdict.reason_code not in REASON_CODES[verdict.decision]:
        known = ", ".join(sorted(REASON_CODES[verdict.decision]))
        faults.append(Violation("reason_code", "UNKNOWN", f"for this decision: {known}"))
    if len(verdict.note) > NOTE_LENGTH:
        faults.append(Violation("note", "LENGTH", f"at most {NOTE_LENGTH} characters"))
    if verdict.reason_code == OTHER and not verdict.note.strip():
        faults.append(Violation("note", "MISSING", "needed with OTHER"))
    asks = verdict.decision is Decision.ASK
    if asks and not 1 <= len(verdict.question.strip()) <= QUESTION_LENGTH:
        faults.append(Violation("question", "LENGTH", f"what the customer is asked, 1 to {QUESTION_LENGTH} characters"))
    if not asks and verdict.question:
        faults.append(Violation("question", "NOT_ASKED", "with DECISION_ASK alone"))
    if faults or verdict.decision is None:
        raise invalid(*faults)
    return verdict.decision
