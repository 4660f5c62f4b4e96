"""Checks a draft and says what a code must confirm."""

from recapito_claims.domain import filing
from recapito_claims.flows import guard
from recapito_claims.upstream import Registry
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database


def prepare_submission(
    database: Database, registry: Registry, clock: Clock, customer_id: str, claim_id: str, expected_version: int
) -> tuple[str, str]:
    """The hash (hex) of all that is to be filed, and the summary for the code's text. Nothing is written.

    Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED, and INVALID_ARGUMENT with all that is missing or wrong.
    """
    with database.read() as connection:
        claim = guard.own(connection, customer_id, claim_id)
    guard.demand_draft(claim)
    guard.demand_version(claim, expected_version)
    guard.demand_complete(claim, registry, clock())
    return filing.transaction_hash(claim), filing.summary(claim)
