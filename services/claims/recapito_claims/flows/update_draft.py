"""Replaces what a draft says."""

from recapito_claims.domain.claim import Claim, Details
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_servicekit.sql import Database


def update_draft(database: Database, customer_id: str, claim_id: str, expected_version: int, details: Details) -> Claim:
    """The draft with other details; where it says the same already, the draft as it is, so that a repeat changes nothing.

    Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED.
    """
    with database.transaction() as connection:
        claim = guard.own_locked(connection, customer_id, claim_id)
        guard.demand_draft(claim)
        if claim.details == details:
            return claim
        guard.demand_version(connection, claim, expected_version)
        guard.changed(store.change_details(connection, claim, details), claim)
        return guard.own(connection, customer_id, claim_id)
