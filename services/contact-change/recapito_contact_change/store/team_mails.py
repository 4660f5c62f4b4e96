"""When the team was last told that cases wait: one row an address, so that of several processes one sends the mail."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from recapito_contact_change.store.tables import TEAM_MAILS

T = TEAM_MAILS.c


def last(tx: sa.Connection, address: str) -> datetime | None:
    """When a mail went to the address; None: never."""
    return tx.scalar(sa.select(T.sent_at).where(T.address == address))


def claim(tx: sa.Connection, address: str, last_sent: datetime | None, now: datetime) -> bool:
    """Notes that a mail goes out now. False: another process was faster."""
    if last_sent is None:
        insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        made = insert(TEAM_MAILS).values(address=address, sent_at=now).on_conflict_do_nothing().returning(T.address)
        return tx.execute(made).first() is not None
    moved = TEAM_MAILS.update().where(T.address == address, T.sent_at == last_sent).values(sent_at=now)
    return tx.execute(moved).rowcount == 1


def take_back(tx: sa.Connection, address: str, last_sent: datetime | None) -> None:
    """The mail didn't go out: the next look tries again."""
    if last_sent is None:
        tx.execute(TEAM_MAILS.delete().where(T.address == address))
    else:
        tx.execute(TEAM_MAILS.update().where(T.address == address).values(sent_at=last_sent))
