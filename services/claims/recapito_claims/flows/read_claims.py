"""Reads the customer's own claims."""

from recapito_claims.domain.claim import Claim
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store.claims import Cursor
from recapito_servicekit.sql import Database


def get_claim(database: Database, customer_id: str, claim_id: str) -> Claim:
    """One of the customer's own claims. Raises NOT_FOUND."""
    with database.read() as connection:
        return guard.own(connection, customer_id, claim_id)


def list_claims(database: Database, customer_id: str, after: Cursor | None, most: int) -> tuple[list[Claim], Cursor | None]:
    """A page of the customer's own claims, the newest first, and where the next one starts; None: there is none."""
    with database.read() as connection:
        found = store.page(connection, customer_id, after, most + 1)
    shown = found[:most]
    return shown, Cursor(shown[-1].created_at, shown[-1].claim_id) if len(found) > most else None
