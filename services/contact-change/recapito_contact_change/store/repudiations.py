"""The tokens of "this wasn't me" links, kept as their SHA-256."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from recapito_contact_change.domain import DEFAULTS
from recapito_contact_change.store.tables import REPUDIATION_TOKENS
from recapito_servicekit.ids import new_token, token_digest

T = REPUDIATION_TOKENS.c


def issue(tx: sa.Connection, change_id: str, now: datetime, live: timedelta = DEFAULTS.repudiate_within) -> str:
    """A token for one notice."""
    token = new_token()
    values = {"token_digest": token_digest(token), "change_id": change_id, "expires_at": now + live}
    tx.execute(REPUDIATION_TOKENS.insert().values(**values))
    return token


def change_of(tx: sa.Connection, token: str, now: datetime) -> str | None:
    """The id of the change that a live token is of, used or not. None: there is no such token, or it is too old."""
    live = sa.select(T.change_id).where(T.token_digest == token_digest(token), T.expires_at > now)
    return tx.scalar(live)


def consume(tx: sa.Connection, token: str, now: datetime) -> bool:
    """Uses a live token up. False: it was used, or there is none."""
    live = REPUDIATION_TOKENS.update().where(T.token_digest == token_digest(token), T.expires_at > now, T.used_at.is_(None))
    return tx.execute(live.values(used_at=now)).rowcount == 1


def forget(tx: sa.Connection, expired_before: datetime) -> None:
    """Deletes the tokens that are too old."""
    tx.execute(REPUDIATION_TOKENS.delete().where(T.expires_at < expired_before))
