"""What every change of a claim asks first."""

from datetime import datetime

import sqlalchemy as sa

from recapito_claims.domain import handling, rules
from recapito_claims.domain.claim import Claim, ClaimState, day_in_italy
from recapito_claims.store import reading
from recapito_claims.upstream import Customer
from recapito_servicekit.errors import Kind, Refusal, invalid, not_found


def own(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim:
    """One of the customer's own claims. Raises NOT_FOUND."""
    return _found(reading.find(connection, customer_id, claim_id))


def own_locked(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim:
    """The same, held until the transaction ends."""
    return _found(reading.lock(connection, customer_id, claim_id))


def filed(connection: sa.Connection, claim_id: str) -> Claim:
    """A filed claim, whoever's it is. Raises NOT_FOUND."""
    return _found(reading.find_filed(connection, claim_id))


def filed_locked(connection: sa.Connection, claim_id: str) -> Claim:
    """The same, held until the transaction ends."""
    return _found(reading.lock_filed(connection, claim_id))


def demand_draft(claim: Claim) -> None:
    """Raises FAILED_PRECONDITION where the claim is filed already."""
    if claim.state is not ClaimState.DRAFT:
        raise Refusal(Kind.FAILED_PRECONDITION, "NOT_A_DRAFT", "the claim is filed; only a draft can be changed")


def demand_live(claim: Claim) -> None:
    """Raises FAILED_PRECONDITION where nothing more is done about the claim."""
    if claim.state not in handling.LIVE:
        raise Refusal(Kind.FAILED_PRECONDITION, "CLAIM_OVER", "the claim is closed or withdrawn", {"state": claim.state})


def demand_version(connection: sa.Connection, claim: Claim, expected_version: int) -> None:
    """Raises ABORTED where the draft changed since the customer saw it, and says what."""
    if claim.version != expected_version:
        told = ",".join(reading.changed_since(connection, claim.claim_id, expected_version))
        raise Refusal(
            Kind.ABORTED,
            "VERSION_CHANGED",
            "the draft changed; read it again",
            {"version": str(claim.version), "changed": told},
        )


def demand_complete(claim: Claim, customer: Customer, now: datetime) -> None:
    """Raises INVALID_ARGUMENT with everything that keeps the claim from being filed."""
    around = rules.Around(day_in_italy(now), customer.policies, customer.codice_fiscale)
    found = rules.faults(claim, around)
    if found:
        raise invalid(*found)


def changed(done: bool, claim: Claim) -> None:
    """Raises ABORTED where a guarded change found another version; it rolls the transaction back."""
    if not done:
        raise Refusal(
            Kind.ABORTED, "VERSION_CHANGED", "the claim changed; read it again", {"version": str(claim.version), "changed": ""}
        )


def _found(claim: Claim | None) -> Claim:
    if claim is None:
        raise not_found("claim")
    return claim
