"""Writes what happens to filed claims, on a connection that a flow opened: moves, decisions, questions, history."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_claims.domain.claim import Claim, ClaimState, Event, ExpenseState, Step
from recapito_claims.store.tables import OUTBOX, claim_sequence, claim_steps, claims, expenses, questions

NOTICE = "notice"


def move(connection: sa.Connection, claim: Claim, state: ClaimState, **values: Any) -> bool:
    """Changes a filed claim that ``lock`` holds, in exactly this version. False: it changed meanwhile."""
    guard = sa.and_(claims.c.claim_id == claim.claim_id, claims.c.state == claim.state, claims.c.version == claim.version)
    changed = claims.update().where(guard).values(state=state, version=claim.version + 1, **values)
    return connection.execute(changed).rowcount == 1


def note(connection: sa.Connection, claim_id: str, event: Event, now: datetime, subject: str = "") -> Step:
    """Writes a step of a claim's history. Write it last: from here on nobody else writes one until the transaction ends."""
    taken = sa.text(
        f"INSERT INTO {claim_sequence.name} (only_row, last) VALUES (1, 1) "  # noqa: S608 - the table's own name
        f"ON CONFLICT (only_row) DO UPDATE SET last = {claim_sequence.name}.last + 1 RETURNING last"
    )
    step = Step(int(connection.execute(taken).scalar_one()), claim_id, event, subject, now)
    connection.execute(claim_steps.insert().values(seq=step.seq, claim_id=claim_id, event=event, subject=subject, at=now))
    return step


def notify(connection: sa.Connection, claim_id: str, template: str, now: datetime) -> None:
    """Has a mail sent to the customer once the transaction holds. The event names the claim; the mailer asks for the rest."""
    OUTBOX.add(connection, NOTICE, claim_id, {"claim_id": claim_id, "template": template}, now)


def decide(connection: sa.Connection, expense_id: str, state: ExpenseState, reason: str, now: datetime) -> None:
    """Notes a decision on an expense of a claim that ``lock`` holds."""
    values = {"state": state, "reason": reason, "decided_at": now}
    connection.execute(expenses.update().where(expenses.c.expense_id == expense_id).values(**values))


def ask(
    connection: sa.Connection, claim_id: str, question_id: str, request_id: str, text: str, now: datetime, due_at: datetime
) -> None:
    """Notes a question about a claim that ``lock`` holds."""
    values = {"question_id": question_id, "claim_id": claim_id, "request_id": request_id}
    connection.execute(questions.insert().values(**values, text=text, asked_at=now, due_at=due_at))


def asked_by(connection: sa.Connection, claim_id: str, request_id: str) -> str | None:
    """The question that the request has asked already."""
    query = sa.select(questions.c.text).where(questions.c.claim_id == claim_id, questions.c.request_id == request_id)
    return connection.scalar(query)


def answer(connection: sa.Connection, question_id: str, request_id: str, text: str, now: datetime) -> bool:
    """Notes the answer, once. False: it was answered, or its time ended."""
    waits = sa.and_(questions.c.question_id == question_id, questions.c.answered_at.is_(None), questions.c.expired_at.is_(None))
    values = {"answer": text, "answer_request_id": request_id, "answered_at": now}
    return connection.execute(questions.update().where(waits).values(**values)).rowcount == 1


def answered_by(connection: sa.Connection, question_id: str, request_id: str) -> str | None:
    """What the request has answered the question with already."""
    query = sa.select(questions.c.answer)
    return connection.scalar(query.where(questions.c.question_id == question_id, questions.c.answer_request_id == request_id))


def expire(connection: sa.Connection, question_id: str, now: datetime) -> bool:
    """Ends a question's time, once. False: it was answered, or ended before."""
    waits = sa.and_(questions.c.question_id == question_id, questions.c.answered_at.is_(None), questions.c.expired_at.is_(None))
    return connection.execute(questions.update().where(waits).values(expired_at=now)).rowcount == 1


def unanswered(connection: sa.Connection, now: datetime, most: int) -> list[tuple[str, str]]:
    """Questions whose time is over: the claim's id and the question's."""
    waits = sa.and_(questions.c.due_at <= now, questions.c.answered_at.is_(None), questions.c.expired_at.is_(None))
    query = sa.select(questions.c.claim_id, questions.c.question_id).where(waits).order_by(questions.c.due_at).limit(most)
    return [(row.claim_id, row.question_id) for row in connection.execute(query)]
