"""Takes claims out of the tables for good, on a connection that a flow opened."""

from datetime import datetime

import sqlalchemy as sa

from recapito_claims.store.allowances import COUNTS
from recapito_claims.store.reading import DISCARDED
from recapito_claims.store.tables import OUTBOX, attachments, claim_steps, claims, draft_changes, expenses, questions


def over_since(connection: sa.Connection, claim_id: str) -> datetime | None:
    """When a claim was closed or withdrawn."""
    found: datetime | None = connection.scalar(sa.select(claims.c.closed_at).where(claims.c.claim_id == claim_id))
    return found


def erase(connection: sa.Connection, claim_id: str) -> None:
    """A claim or draft with all its parts; with the rows of its documents go their keys."""
    OUTBOX.erase(connection, [claim_id])
    for table in (draft_changes, claim_steps, questions, expenses, attachments, claims):
        connection.execute(table.delete().where(table.c.claim_id == claim_id))


def tombstones(connection: sa.Connection, customer_id: str) -> int:
    """How many drafts the customer threw away."""
    thrown = sa.and_(claims.c.customer_id == customer_id, claims.c.state == DISCARDED)
    return connection.scalar(sa.select(sa.func.count()).select_from(claims).where(thrown)) or 0


def erase_tombstones(connection: sa.Connection, customer_id: str) -> None:
    """What is left of drafts that the customer threw away, and of the day's counts."""
    COUNTS.erase(connection, customer_id)
    connection.execute(claims.delete().where(claims.c.customer_id == customer_id, claims.c.state == DISCARDED))
