"""What the company's own systems are told of contacts that were changed here."""

from typing import Final

from recapito_auth.domain.customers import Customer
from recapito_auth.flows.parts import Parts
from recapito_auth.store import customers
from recapito_auth.store.customers import Told

BATCH: Final = 100


def changed_after(parts: Parts, seq: int) -> list[tuple[Told, Customer]]:
    """The next changes, each with its customer as they are now."""
    with parts.database.read() as connection:
        batch = customers.changes_after(connection, seq, BATCH)
        found = [(told, customers.by_id(connection, told.customer_id)) for told in batch]
    return [(told, customer) for told, customer in found if customer is not None]
