"""A customer answers an operator's question, with words or documents; the case goes back to the queue."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from recapito_contact_change import events, prechecks
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import ANSWER_LENGTH, UNDER_REVIEW, Asker, Change, Policy, State, Step
from recapito_contact_change.flows.open_case import SYSTEM, seen_elsewhere
from recapito_contact_change.flows.read_changes import ReadChanges
from recapito_contact_change.flows.submit_request import CUSTOMER
from recapito_contact_change.form import REQUEST_ID_LENGTH
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.store import cases, changes, documents, findings, questions, zones
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, reused
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer answers: words, documents, or both."""

    request_id: str
    text: str
    document_ids: tuple[str, ...]


class AnswerQuestion:
    """See ``run``."""

    def __init__(self, database: Database, reader: ReadChanges, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._reader = reader
        self._clock = clock
        self._policy = policy

    def run(self, asker: Asker, change_id: str, answer: Answer, demand_time: Callable[[], None]) -> Change:
        """The change, in review again; a repeat gives the same. Raises Refusal: NOT_FOUND, NO_QUESTION, a field at fault."""
        change = self._reader.one(asker, change_id)
        if self._is_repeat(change_id, answer):
            return replace(change, state=State.IN_REVIEW, decided_at=None, applied_at=None, ended_at=None, reason_code="")
        _check(answer, self._policy.documents_a_request)
        demand_time()
        now = self._clock()
        due_at = now + self._policy.review_target
        with self._database.transaction() as tx:
            moved = changes.move(tx, change_id, Step.ANSWER, due_at=due_at)
            question_id = questions.answer(tx, change_id, answer.text.strip(), answer.request_id, now) if moved else None
            if question_id is not None:
                before = documents.count(tx, change_id)
                if not documents.file(tx, asker.customer_id, answer.document_ids, change_id, after=before):
                    raise _unknown_documents()
                cases.reopen(tx, change_id)
                changes.note(tx, change_id, now, CUSTOMER, Step.ANSWER, question_id)
                data = {"change_id": change_id, "question_id": question_id}
                events.write(OUTBOX, tx, events.ANSWERED, change_id, data, now)
        if question_id is None and not self._is_repeat(change_id, answer):
            raise Refusal(Kind.FAILED_PRECONDITION, "NO_QUESTION", "no question waits for an answer", {"state": change.state})
        return replace(change, state=State.IN_REVIEW, due_at=due_at)

    def _is_repeat(self, change_id: str, answer: Answer) -> bool:
        """Raises INVALID_ARGUMENT: the request_id was another answer's."""
        with self._database.read() as tx:
            first = questions.answered_by(tx, change_id, answer.request_id) if answer.request_id else None
        if first not in (None, answer.text.strip()):
            raise reused()
        return first is not None


class CheckAnswer:
    """Runs the prechecks again once a customer has answered."""

    def __init__(
        self, database: Database, registry: Registry, hashes: DocumentHashes, clock: Clock, *, read_zones: bool = False
    ) -> None:
        self._database = database
        self._registry = registry
        self._hashes = hashes
        self._clock = clock
        self._read_zones = read_zones

    def run(self, event: Event) -> None:
        """Handles an answered event, once. A case that isn't open any more is left as it is."""
        change_id = events.read(event)["change_id"]
        with self._database.read() as tx:
            change = changes.find(tx, change_id)
        if change is None:
            raise Unreadable("no such change")
        customer = self._registry.get(change.customer_id)
        now = self._clock()
        with self._database.transaction() as tx:
            change = changes.find(tx, change_id)
            closed = OUTBOX.close(tx, event.event_id, now)
            if not closed or change is None or change.state not in UNDER_REVIEW:
                return
            found = prechecks.check(change, customer, seen_elsewhere(tx, change, self._hashes), now.date())
            new = findings.add(tx, change_id, found, now)
            if self._read_zones:
                zones.due(tx, change_id, now)
            if new:
                changes.note(tx, change_id, now, SYSTEM, "found", " ".join(new))


def _check(answer: Answer, most_documents: int) -> None:
    faults = []
    if not 1 <= len(answer.request_id) <= REQUEST_ID_LENGTH:
        faults.append(Violation("request_id", "LENGTH", f"1 to {REQUEST_ID_LENGTH} characters"))
    if len(answer.text) > ANSWER_LENGTH:
        faults.append(Violation("text", "LENGTH", f"at most {ANSWER_LENGTH} characters"))
    if not answer.text.strip() and not answer.document_ids:
        faults.append(Violation("text", "MISSING", "words, documents, or both"))
    if len(answer.document_ids) > most_documents:
        faults.append(Violation("document_ids", "TOO_MANY", f"at most {most_documents} documents"))
    if faults:
        raise invalid(*faults)
    if len(set(answer.document_ids)) < len(answer.document_ids):
        raise _unknown_documents()


def _unknown_documents() -> Refusal:
    return invalid(Violation("document_ids", "UNKNOWN", "documents that this customer uploaded and has not filed yet, each once"))
