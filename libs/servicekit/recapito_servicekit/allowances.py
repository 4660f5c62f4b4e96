"""What a customer may do only so often a day (in UTC): counted first, by one guarded statement, and refused after."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def allowances_table(metadata: sa.MetaData) -> sa.Table:
    """The table of a service's counts."""
    return sa.Table(
        "allowances",
        metadata,
        sa.Column("customer_id", sa.String(64), primary_key=True),
        sa.Column("what", sa.String(20), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
    )


class Allowances:
    """The counts in a table that ``allowances_table`` made."""

    def __init__(self, table: sa.Table) -> None:
        self._table = table

    def take(self, tx: sa.Connection, customer_id: str, what: str, day: date, most: int) -> bool:
        """Uses one of ``most``, at least 1, up. False: the day's are used up."""
        a = self._table.c
        counted = insert(tx)(self._table).values(customer_id=customer_id, what=what, day=day, used=1)
        key = [a.customer_id, a.what, a.day]
        taken = counted.on_conflict_do_update(index_elements=key, set_={"used": a.used + 1}, where=a.used < most)
        return tx.execute(taken.returning(a.used)).first() is not None

    def forget(self, tx: sa.Connection, before: date) -> None:
        """Deletes the counts of days before that one."""
        tx.execute(self._table.delete().where(self._table.c.day < before))

    def erase(self, tx: sa.Connection, customer_id: str) -> None:
        """Deletes a customer's counts."""
        tx.execute(self._table.delete().where(self._table.c.customer_id == customer_id))


def insert(tx: sa.Connection) -> Any:
    """The INSERT of the connection's dialect, which knows ON CONFLICT."""
    return postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
