"""Reads claims: the customer's own, or a filed one."""

from recapito_claims.domain import duplicates, filing
from recapito_claims.domain.claim import Claim, ClaimState
from recapito_claims.domain.duplicates import Duplicate
from recapito_claims.flows import guard
from recapito_claims.store import reading
from recapito_claims.store.reading import Cursor
from recapito_servicekit.errors import not_found
from recapito_servicekit.sql import Database


def get_claim(database: Database, customer_id: str, claim_id: str) -> tuple[Claim, list[Duplicate]]:
    """One of the customer's own claims, and the expenses of a draft that they claimed before. Raises NOT_FOUND."""
    with database.read() as connection:
        claim = guard.own(connection, customer_id, claim_id)
        if claim.state is not ClaimState.DRAFT:
            return claim, []
        return claim, [*duplicates.within(claim.expenses), *reading.look_alikes(connection, claim, customer_id)]


def get_filed(database: Database, claim_id: str, claim_number: str) -> tuple[Claim, list[Duplicate]]:
    """A filed claim, and its expenses that anybody claimed before. Raises NOT_FOUND."""
    if claim_number and filing.number_fault(claim_number):
        raise not_found("claim")
    with database.read() as connection:
        claim = reading.find_filed(connection, claim_id, claim_number)
        if claim is None:
            raise not_found("claim")
        return claim, [*duplicates.within(claim.expenses), *reading.look_alikes(connection, claim)]


def list_claims(database: Database, customer_id: str, after: Cursor | None, most: int) -> tuple[list[Claim], Cursor | None]:
    """A page of the customer's own claims, the newest first, and where the next one starts; None: there is none."""
    with database.read() as connection:
        found = reading.page(connection, customer_id, after, most + 1)
    shown = found[:most]
    return shown, Cursor(shown[-1].created_at, shown[-1].claim_id) if len(found) > most else None
