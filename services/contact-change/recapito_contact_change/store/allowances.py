"""What a customer may do only so often a day (in UTC): counted first, by one guarded statement, and refused after."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recapito_contact_change.store.tables import ALLOWANCES, ASKED_MOBILES

DOCUMENTS: Final = "documents"
NEW_MOBILES: Final = "new_mobiles"


def take(tx: sa.Connection, customer_id: str, what: str, day: date, most: int) -> bool:
    """Uses one of ``most``, at least 1, up. False: the day's are used up."""
    a = ALLOWANCES.c
    counted = _insert(tx)(ALLOWANCES).values(customer_id=customer_id, what=what, day=day, used=1)
    key = [a.customer_id, a.what, a.day]
    taken = counted.on_conflict_do_update(index_elements=key, set_={"used": a.used + 1}, where=a.used < most).returning(a.used)
    return tx.execute(taken).first() is not None


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
    inserted = _insert(tx)(table).values(**values).on_conflict_do_nothing().returning(table.c.customer_id)
    return tx.execute(inserted).first() is not None  # psycopg tells no rowcount of an insert


def _insert(tx: sa.Connection) -> Any:
    return postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
