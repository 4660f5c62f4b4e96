"""Operators in SQL."""

from datetime import datetime

import sqlalchemy as sa

from recapito_auth.domain.customers import Operator
from recapito_auth.store.tables import OPERATORS

_COLUMNS = [OPERATORS.c[name] for name in Operator.__dataclass_fields__]


def by_name(connection: sa.Connection, name: str) -> Operator | None:
    """The operator with that name, casefolded."""
    row = connection.execute(sa.select(*_COLUMNS).where(OPERATORS.c.name == name)).mappings().first()
    return Operator(**row) if row is not None else None


def add(connection: sa.Connection, operator: Operator, at: datetime) -> None:
    """Enrols an operator. Raises sqlalchemy.exc.IntegrityError: the name is taken."""
    values = {name: getattr(operator, name) for name in Operator.__dataclass_fields__}
    connection.execute(sa.insert(OPERATORS).values(**values, totp_last_step=0, created_at=at))


def consume_step(connection: sa.Connection, operator_id: str, step: int) -> bool:
    """Spends a TOTP step. False: it, or a later one, was spent before."""
    spent = connection.execute(
        sa.update(OPERATORS)
        .where(OPERATORS.c.operator_id == operator_id, OPERATORS.c.totp_last_step < step)
        .values(totp_last_step=step)
    )
    return spent.rowcount == 1


def all_sealed(connection: sa.Connection) -> list[tuple[str, bytes]]:
    """Id and sealed TOTP secret of every operator."""
    return [(row[0], row[1]) for row in connection.execute(sa.select(OPERATORS.c.operator_id, OPERATORS.c.totp_sealed))]


def replace_sealed(connection: sa.Connection, operator_id: str, old: bytes, new: bytes) -> int:
    """Replaces a sealed secret that still is the old one; gives how many that were: one or none."""
    guard = sa.and_(OPERATORS.c.operator_id == operator_id, OPERATORS.c.totp_sealed == old)
    return connection.execute(sa.update(OPERATORS).where(guard).values(totp_sealed=new)).rowcount
