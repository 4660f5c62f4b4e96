"""An operator decides: the decision and its event in one guarded transaction, so that of two who decide one was first.

Where risk asks for it, that is an opinion only, and another operator, who doesn't see it, gives theirs (``review``).
"""

from collections.abc import Callable
from dataclasses import dataclass

from recapito_contact_change import events, metrics, notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import (
    NOTE_LENGTH,
    OTHER,
    QUESTION_LENGTH,
    REASON_CODES,
    UNDER_REVIEW,
    Case,
    Customer,
    Decision,
    Operator,
    Question,
    Step,
)
from recapito_contact_change.flows.open_case import seen_elsewhere
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.flows.take_case import already_decided, demand_may_review, demand_not_own, lease_lost
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.review import Opinion, risks, step_after
from recapito_contact_change.store import cases, changes, opinions, questions
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
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

    def __init__(self, database: Database, registry: Registry, reader: ReadCases, hashes: DocumentHashes, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._reader = reader
        self._hashes = hashes
        self._clock = clock

    def run(self, operator: Operator, case_id: str, verdict: Verdict, demand_time: Callable[[], None]) -> Folder:
        """The case as decided, or as passed on to another operator. A repeat by the same operator gives it again.

        Raises Refusal: NOT_FOUND, OWN_CASE, ALREADY_REVIEWED, a field at fault, or ABORTED with ALREADY_DECIDED (metadata
        ``decided_by``), LEASE_LOST (``holder``) or VERSION_CHANGED (``version``).
        """
        decision = _checked(verdict)
        case = self._reader.find(case_id)
        demand_not_own(case, operator)
        customer = self._registry.get(case.change.customer_id)
        demand_time()
        try:
            if decision is Decision.ASK:
                self._ask(operator, case, customer, verdict)
            else:
                self._give(operator, case, customer, decision, verdict)
        except _Lost:
            self._explain(operator, case_id, decision, verdict)
        return self._reader.folder(case_id, customer, operator)

    def _give(self, operator: Operator, case: Case, customer: Customer, decision: Decision, verdict: Verdict) -> None:
        """Keeps the opinion; where it is enough, or the second of its kind, it is the decision."""
        now = self._clock()
        change_id, seen = case.change.change_id, verdict.expected_version
        with self._database.transaction() as tx:
            current = cases.find(tx, case.case_id)
            if current is None or current.version != seen or not current.held_by(operator.operator_id, now):
                raise _Lost
            given = opinions.of_round(tx, case.case_id, current.round)
            asked = () if given else risks(current, customer, seen_elsewhere(tx, current.change, self._hashes), decision)
            opinion = Opinion(
                operator_id=operator.operator_id,
                operator_name=operator.name,
                decision=decision,
                reason_code=verdict.reason_code,
                note=verdict.note,
                seen=seen,
                registry_version=current.registry_version,
                given_at=now,
                risks=asked,
            )
            step = step_after([*given, opinion], asked)
            if step is Step.PASS_ON:
                written = changes.move(tx, change_id, step) and cases.pass_on(tx, case.case_id, operator, seen, now)
            else:
                oldest = min(one.registry_version for one in (*given, opinion))  # what each of them looked at must still hold
                moved = changes.move(tx, change_id, step, decided_at=now, reason_code=verdict.reason_code)
                written = moved and cases.decide(
                    tx,
                    case.case_id,
                    operator,
                    seen,
                    now,
                    decision=decision,
                    reason_code=verdict.reason_code,
                    note=verdict.note,
                    registry_version=oldest,
                )
            if not written:
                raise _Lost
            opinions.insert(tx, case.case_id, current.round, len(given) + 1, opinion)
            if step is Step.PASS_ON:  # what they think is for nobody's eyes yet
                changes.note(tx, change_id, now, operator.name, step)
            else:
                changes.note(tx, change_id, now, operator.name, "decided", f"{decision} {verdict.reason_code}")
                data = {"change_id": change_id, "case_id": case.case_id, "version": seen + 1}
                events.write(OUTBOX, tx, events.DECIDED, change_id, data, now)
        if step is Step.PASS_ON:
            for risk in asked:
                metrics.PASSED_ON.labels(risk.value).inc()
        else:
            metrics.DECIDED.labels(decision.value, verdict.reason_code).inc()

    def _ask(self, operator: Operator, case: Case, customer: Customer, verdict: Verdict) -> None:
        now = self._clock()
        change_id = case.change.change_id
        with self._database.transaction() as tx:
            written = changes.move(tx, change_id, Step.ASK) and cases.decide(
                tx,
                case.case_id,
                operator,
                verdict.expected_version,
                now,
                decision=Decision.ASK,
                reason_code=verdict.reason_code,
                note=verdict.note,
                registry_version=case.registry_version,
            )
            if not written:
                raise _Lost
            changes.note(tx, change_id, now, operator.name, "decided", f"{Decision.ASK} {verdict.reason_code}")
            question = Question(new_id(), now, operator.name, verdict.reason_code, verdict.question.strip())
            questions.insert(tx, change_id, question)
            ledger.insert(tx, change_id, notices.to_customer(notices.QUESTION, customer), now)
        metrics.DECIDED.labels(Decision.ASK.value, verdict.reason_code).inc()

    def _explain(self, operator: Operator, case_id: str, decision: Decision, verdict: Verdict) -> None:
        """Raises why the decision was lost; returns where it is this very decision, or opinion, that stands."""
        with self._database.read() as tx:
            case = cases.find(tx, case_id)
            if case is None:
                raise not_found("case")
            given = opinions.of_round(tx, case_id, case.round)
        mine = next((one for one in given if one.operator_id == operator.operator_id), None)
        what = (decision, verdict.reason_code)
        if mine is not None and (mine.decision, mine.reason_code) == what and mine.seen == verdict.expected_version:
            return
        if case.change.state not in UNDER_REVIEW:
            asked = case.decided_by_id == operator.operator_id and case.version == verdict.expected_version + 1
            if asked and (case.decision, case.reason_code) == what:
                return
            raise already_decided(case)
        demand_may_review(given, operator)
        if not case.held_by(operator.operator_id, self._clock()):
            raise lease_lost(case)
        if decision is Decision.ASK and case.version == verdict.expected_version:
            raise Refusal(Kind.FAILED_PRECONDITION, "SECOND_REVIEW", "in the second review nobody asks the customer any more")
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
