"""The customer answers a question of the claim handling system, or doesn't in time."""

from typing import Final

from recapito_claims.domain import formats
from recapito_claims.domain.claim import Claim, ClaimState, Event
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store import handling
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, reused
from recapito_servicekit.sql import Database

ANSWER: Final = 2_000
BATCH: Final = 100


def answer_question(
    database: Database, clock: Clock, customer_id: str, request_id: str, claim_id: str, question_id: str, said: str
) -> Claim:
    """The claim with the answer, open again; a repeat with the same request gives the claim as it is.

    Raises NOT_FOUND, INVALID_ARGUMENT on "text" or "request_id", and FAILED_PRECONDITION with NO_QUESTION: no such
    question waits.
    """
    text = _read(said)
    now = clock()
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        if (first := handling.answered_by(connection, question_id, request_id)) is not None:
            if first != text:
                raise reused()
            return claim
        question = claim.open_question
        if question is None or question.question_id != question_id or question.due_at <= now:
            raise Refusal(Kind.FAILED_PRECONDITION, "NO_QUESTION", "no such question waits for an answer")
        if not text and not store.attached_since(connection, claim_id, question.asked_at):
            raise invalid(Violation("text", "REQUIRED", "words, documents attached since the question, or both"))
        guard.changed(handling.move(connection, claim, ClaimState.OPEN), claim)
        handling.answer(connection, question_id, request_id, text, now)
        handling.note(connection, claim_id, Event.QUESTION_ANSWERED, now, question_id)
        return guard.own(connection, customer_id, claim_id)


def expire_questions(database: Database, clock: Clock) -> int:
    """Ends the time of the questions that nobody answered; their claims are open again. Gives how many."""
    now = clock()
    with database.read() as connection:
        due = handling.unanswered(connection, now, BATCH)
    for claim_id, question_id in due:
        with database.transaction() as connection:
            claim = guard.filed_locked(connection, claim_id)
            if not handling.expire(connection, question_id, now):
                continue
            if claim.state is ClaimState.WAITING_FOR_CUSTOMER:
                guard.changed(handling.move(connection, claim, ClaimState.OPEN), claim)
            handling.notify(connection, claim_id, "question_expired", now)
            handling.note(connection, claim_id, Event.QUESTION_EXPIRED, now, question_id)
    return len(due)


def _read(said: str) -> str:
    try:
        return formats.lines(ANSWER)(said)
    except formats.BadFormat as fault:
        raise invalid(Violation("text", fault.reason, str(fault))) from None
