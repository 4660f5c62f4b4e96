"""What a customer may do only so often a day (in UTC): counted first, by one guarded statement, and refused after."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recapito_contact_change.store.tables import ALLOWANCES, ASKED_MOBILES

DOCUMENTS: Final = "documents"
NEW_MOBILES: Final = "new_mobiles"


def take(tx: sa.Connection, customer_id: str, what: str, day: date, most: int) -> bool:
    """Uses one up. False: the day's are used up."""
    _insert_once(tx, ALLOWANCES, customer_id=customer_id, what=what, day=day, used=0)
    a = ALLOWANCES.c
    taken = tx.execute(
        ALLOWANCES.update()
        .where(a.customer_id == customer_id, a.what == what, a.day == day, a.used < most)
        .values(used=a.used + 1)
    )
    return taken.rowcount == 1


def take_mobile(tx: sa.Connection, customer_id: str, mobile: str, day: date, most: int) -> bool:
    """Uses one of the day's different mobiles up; one that was asked for today already is free. False: roll back."""
    if not _insert_once(tx, ASKED_MOBILES, customer_id=customer_id, day=day, mobile=mobile):
        return True
    return take(tx, customer_id, NEW_MOBILES, day, most)


def forget(tx: sa.Connection, before: date) -> None:
    """Deletes the counts of days before that one, and the mobiles that were asked for then."""
    tx.execute(ALLOWANCES.delete().where(ALLOWANCES.c.day < before))
    tx.execute(ASKED_MOBILES.delete().where(ASKED_MOBILES.c.day < before))


def _insert_once(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Inserts a row. False: it was there."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    inserted = insert(table).values(**values).on_conflict_do_nothing().returning(table.c.customer_id)
    return tx.execute(inserted).first() is not None  # psycopg tells no rowcount of an insert
