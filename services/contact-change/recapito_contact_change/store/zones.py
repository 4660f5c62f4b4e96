"""Which cases' documents are to be read by a machine: a case is claimed for a while, so that one process reads it."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from recapito_contact_change.store.tables import CASES

C = CASES.c
CLAIM: Final = timedelta(minutes=15)  # longer than reading all pages of a case takes


def due(tx: sa.Connection, change_id: str, now: datetime) -> None:
    """The case's documents are to be read, again if they were."""
    tx.execute(CASES.update().where(C.change_id == change_id).values(zone_due_at=now))


def claim(tx: sa.Connection, now: datetime) -> tuple[str, str] | None:
    """The next case to read: its id and its change's. None: there is none."""
    row = tx.execute(sa.select(C.case_id, C.change_id, C.zone_due_at).where(C.zone_due_at <= now).order_by(C.zone_due_at)).first()
    if row is None:
        return None
    mine = CASES.update().where(C.case_id == row.case_id, C.zone_due_at == row.zone_due_at)
    claimed = tx.execute(mine.values(zone_due_at=now + CLAIM)).rowcount == 1
    return (row.case_id, row.change_id) if claimed else None


def done(tx: sa.Connection, case_id: str) -> None:
    """They were read."""
    tx.execute(CASES.update().where(C.case_id == case_id).values(zone_due_at=None))
