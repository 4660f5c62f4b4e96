"""Hands over all that auth keeps of a customer (GDPR 15, 20)."""

from collections.abc import Iterator

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.store import audit
from recapito_auth.store import tables as t
from recapito_servicekit import export
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database


def export_customer(database: Database, clock: Clock, customer_id: str) -> Iterator[tuple[str, bytes]]:
    """One file of data. Sessions, and what is under way, live minutes to hours in Redis and aren't in it. It is recorded."""
    of_customer = (t.CUSTOMERS, t.ACCOUNTS, t.DEVICES, t.NETWORKS, t.APPLIED_CHANGES, t.CONTACT_CHANGES, t.AUDIT)
    wanted: dict[sa.Table, sa.ColumnElement[bool]] = {table: table.c.customer_id == customer_id for table in of_customer}
    wanted[t.OUTBOX] = t.OUTBOX.c.key.in_([f"{customer_id}:email", f"{customer_id}:sms"])
    with database.transaction() as connection:
        content = export.rows(connection, wanted)
        audit.append(connection, clock(), Entry(Event.CUSTOMER_EXPORTED, customer_id))
    yield "auth/auth.json", content
