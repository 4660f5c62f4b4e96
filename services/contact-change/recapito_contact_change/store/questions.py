"""Questions to the customer, and their answers."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recapito_contact_change.domain import Question
from recapito_contact_change.store.tables import QUESTIONS

Q = QUESTIONS.c


def insert(tx: sa.Connection, change_id: str, question: Question) -> None:
    """Asks."""
    tx.execute(
        QUESTIONS.insert().values(
            question_id=question.question_id,
            change_id=change_id,
            asked_at=question.asked_at,
            asked_by=question.asked_by,
            reason_code=question.reason_code,
            text=question.text,
            answer="",
            answer_request_id="",
        )
    )


def answer(tx: sa.Connection, change_id: str, text: str, request_id: str, now: datetime) -> str | None:
    """Answers the question of a change that waits; gives its id. None: none waits."""
    row = tx.execute(
        QUESTIONS.update()
        .where(Q.change_id == change_id, Q.answered_at.is_(None))
        .values(answered_at=now, answer=text, answer_request_id=request_id)
        .returning(Q.question_id)
    ).first()
    return row.question_id if row else None


def answered_by(tx: sa.Connection, change_id: str, request_id: str) -> str | None:
    """What that request answered a question of the change with; None: it answered none."""
    return tx.scalar(sa.select(Q.answer).where(Q.change_id == change_id, Q.answer_request_id == request_id))


def of_change(tx: sa.Connection, change_id: str) -> list[Question]:
    """All of a change, the oldest first."""
    return [_question(row) for row in tx.execute(sa.select(QUESTIONS).where(Q.change_id == change_id).order_by(Q.asked_at))]


def _question(row: Any) -> Question:
    return Question(row.question_id, row.asked_at, row.asked_by, row.reason_code, row.text, row.answered_at, row.answer)
