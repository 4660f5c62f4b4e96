"""What a customer may do only so often a day (in UTC): counted first, by one guarded statement, and refused after."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from recapito_contact_change.store.tables import ALLOWANCES, ASKED_MOBILES
from recapito_servicekit.allowances import Allowances, insert

DOCUMENTS: Final = "documents"
NEW_MOBILES: Final = "new_mobiles"
COUNTS: Final = Allowances(ALLOWANCES)


def take(tx: sa.Connection, customer_id: str, what: str, day: date, most: int) -> bool:
    """Uses one of ``most``, at least 1, up. False: the day's are used up."""
    return COUNTS.take(tx, customer_id, what, day, most)


def take_mobile(tx: sa.Connection, customer_id: str, mobile: str, day: date, most: int) -> bool:
    """Uses one of the day's different mobiles up; one that was asked for today already is free. False: roll back."""
    if not _insert_once(tx, ASKED_MOBILES, customer_id=customer_id, day=day, mobile=mobile):
        return True
    return take(tx, customer_id, NEW_MOBILES, day, most)


def forget(tx: sa.Connection, before: date) -> None:
    """Deletes the counts of days before that one, and the mobiles that were asked for then."""
    COUNTS.forget(tx, before)
    tx.execute(ASKED_MOBILES.delete().where(ASKED_MOBILES.c.day < before))


def _insert_once(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Inserts a row. False: it was there."""
    inserted = insert(tx)(table).values(**values).on_conflict_do_nothing().returning(table.c.customer_id)
    return tx.execute(inserted).first() is not None  # psycopg tells no rowcount of an insert
