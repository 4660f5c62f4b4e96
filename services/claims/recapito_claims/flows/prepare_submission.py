"""Checks a draft and says what a code must confirm."""

from dataclasses import dataclass

from recapito_claims.domain import duplicates, filing, formats
from recapito_claims.domain.duplicates import Duplicate
from recapito_claims.flows import guard
from recapito_claims.store import reading
from recapito_claims.upstream import Registry
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database


@dataclass(frozen=True, slots=True)
class Prepared:
    """The hash (hex) of all that is to be filed, the summary for the code's text, and what to tell the customer before."""

    transaction_hash: str
    summary: str
    late_notice: bool
    duplicates: tuple[Duplicate, ...]


def prepare_submission(
    database: Database, registry: Registry, clock: Clock, customer_id: str, claim_id: str, expected_version: int
) -> Prepared:
    """What a code must confirm. Nothing is written.

    Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED, and INVALID_ARGUMENT with all that is missing or wrong.
    """
    with database.read() as connection:
        claim = guard.own(connection, customer_id, claim_id)
        guard.demand_draft(claim)
        guard.demand_version(connection, claim, expected_version)
        alike = (*duplicates.within(claim.expenses), *reading.look_alikes(connection, claim, customer_id))
    now = clock()
    customer = registry.customer(customer_id)
    guard.demand_complete(claim, customer, now)
    summary = filing.summary(claim, formats.language_of(customer.language))
    return Prepared(filing.transaction_hash(claim), summary, claim.is_late(now), alike)
