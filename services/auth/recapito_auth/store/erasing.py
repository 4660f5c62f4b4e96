"""Takes out of the tables what is kept of a customer beside the registry entry, on a connection that a flow opened."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from recapito_auth.store.tables import (
    ACCOUNTS,
    APPLIED_CHANGES,
    AUDIT,
    CONTACT_CHANGES,
    CUSTOMERS,
    DEVICES,
    NETWORKS,
    OPERATORS,
    OUTBOX,
)

OF_AN_ACCOUNT: Final = (DEVICES, NETWORKS, APPLIED_CHANGES, ACCOUNTS)
"""What goes with the account, in an order that foreign keys allow."""


def opened_at(connection: sa.Connection, customer_id: str) -> datetime | None:
    """When the account was opened; None: there is none."""
    found: datetime | None = connection.scalar(sa.select(ACCOUNTS.c.created_at).where(ACCOUNTS.c.customer_id == customer_id))
    return found


def count(connection: sa.Connection, table: sa.Table, customer_id: str) -> int:
    """How many rows a table has of a customer."""
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.customer_id == customer_id)) or 0


def operators_of(connection: sa.Connection, customer_id: str) -> list[str]:
    """The names of operators who are this customer in private."""
    return list(connection.scalars(sa.select(OPERATORS.c.name).where(OPERATORS.c.customer_id == customer_id)))


def notices(connection: sa.Connection, customer_id: str) -> tuple[int, int]:
    """How many notices to the customer wait to go out, and how many gave up."""
    dead = OUTBOX.c.dead_at.is_not(None)
    found = connection.execute(sa.select(dead, sa.func.count()).where(_told(customer_id)).group_by(dead))
    counts = {bool(row[0]): int(row[1]) for row in found}
    return counts.get(False, 0), counts.get(True, 0)


def erase(connection: sa.Connection, customer_id: str) -> None:
    """The account and what hangs on it; notices that gave up. The customer must be locked."""
    for table in OF_AN_ACCOUNT:
        connection.execute(table.delete().where(table.c.customer_id == customer_id))
    connection.execute(OUTBOX.delete().where(_told(customer_id), OUTBOX.c.dead_at.is_not(None)))


def erase_entry(connection: sa.Connection, customer_id: str) -> None:
    """The registry entry, and what the company's systems were told of it. The account must be gone."""
    for table in (CONTACT_CHANGES, CUSTOMERS):
        connection.execute(table.delete().where(table.c.customer_id == customer_id))


def records(connection: sa.Connection, customer_id: str) -> int:
    """How many records the audit has of a customer."""
    return count(connection, AUDIT, customer_id)


def _told(customer_id: str) -> sa.ColumnElement[bool]:
    return OUTBOX.c.key.in_([f"{customer_id}:email", f"{customer_id}:sms"])
