"""``recapito-auth export-customer``: all that auth keeps of a customer."""

from collections.abc import Iterator

from recapito_auth.store import tables as t
from recapito_servicekit import export
from recapito_servicekit.settings import SqlSettings, load
from recapito_servicekit.sql import Database


def files(customer_id: str) -> Iterator[tuple[str, bytes]]:
    """One file of data. Sessions, and what is under way, live minutes to hours in Redis and aren't in it."""
    database = Database(load(SqlSettings, "auth").database_url, 1)
    kept = (t.CUSTOMERS, t.ACCOUNTS, t.DEVICES, t.NETWORKS, t.APPLIED_CHANGES, t.CONTACT_CHANGES, t.AUDIT)
    with database.read() as connection:
        yield "auth/auth.json", export.rows(connection, {table: table.c.customer_id == customer_id for table in kept})
    database.close()
