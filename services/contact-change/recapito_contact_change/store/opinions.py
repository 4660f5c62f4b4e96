"""What operators think of a case, each once a round."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from recapito_contact_change.domain import Decision
from recapito_contact_change.review import Opinion
from recapito_contact_change.store.tables import OPINIONS

O = OPINIONS.c  # noqa: E741 - as C, D and N beside it


def insert(tx: sa.Connection, case_id: str, round: int, place: int, opinion: Opinion) -> None:
    """Keeps an opinion. Raises IntegrityError: the operator has one in this round."""
    tx.execute(
        OPINIONS.insert().values(
            case_id=case_id,
            round=round,
            place=place,
            operator_id=opinion.operator_id,
            operator_name=opinion.operator_name,
            decision=opinion.decision,
            reason_code=opinion.reason_code,
            note=opinion.note,
            seen=opinion.seen,
            registry_version=opinion.registry_version,
            risks=" ".join(opinion.risks),
            given_at=opinion.given_at,
        )
    )


def of_round(tx: sa.Connection, case_id: str, round: int) -> list[Opinion]:
    """A round's, the first one first."""
    query = sa.select(OPINIONS).where(O.case_id == case_id, O.round == round).order_by(O.place)
    return [_opinion(row) for row in tx.execute(query)]


def of_case(tx: sa.Connection, case_id: str) -> list[Opinion]:
    """All of them, the oldest first."""
    query = sa.select(OPINIONS).where(O.case_id == case_id).order_by(O.round, O.place)
    return [_opinion(row) for row in tx.execute(query)]


def rounds_of(tx: sa.Connection, operator_id: str, case_ids: Collection[str]) -> list[tuple[str, int]]:
    """The rounds of those cases in which the operator gave an opinion, with the case's id."""
    rows = tx.execute(sa.select(O.case_id, O.round).where(O.operator_id == operator_id, O.case_id.in_(case_ids)))
    return [(row.case_id, row.round) for row in rows]


def _opinion(row: Any) -> Opinion:
    return Opinion(
        operator_id=row.operator_id,
        operator_name=row.operator_name,
        decision=Decision(row.decision),
        reason_code=row.reason_code,
        note=row.note,
        seen=row.seen,
        registry_version=row.registry_version,
        given_at=row.given_at,
        risks=tuple(row.risks.split()),
    )
