"""What every change of a draft asks first."""

from datetime import datetime

import sqlalchemy as sa

from recapito_claims.domain import rules
from recapito_claims.domain.claim import Claim, ClaimState, day_in_italy
from recapito_claims.store import claims as store
from recapito_claims.upstream import Registry
from recapito_servicekit.errors import Kind, Refusal, invalid, not_found


def own(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim:
    """One of the customer's own claims. Raises NOT_FOUND."""
    claim = store.find(connection, customer_id, claim_id)
    if claim is None:
        raise not_found("claim")
    return claim


def own_locked(connection: sa.Connection, customer_id: str, claim_id: str) -> Claim:
    """The same, held until the transaction ends."""
    claim = store.lock(connection, customer_id, claim_id)
    if claim is None:
        raise not_found("claim")
    return claim


def demand_draft(claim: Claim) -> None:
    """Raises FAILED_PRECONDITION where the claim is filed already."""
    if claim.state is not ClaimState.DRAFT:
        raise Refusal(Kind.FAILED_PRECONDITION, "NOT_A_DRAFT", "the claim is filed; only a draft can be changed")


def demand_version(claim: Claim, expected_version: int) -> None:
    """Raises ABORTED where the draft changed since the customer saw it."""
    if claim.version != expected_version:
        raise version_changed(claim.version)


def demand_complete(claim: Claim, registry: Registry, now: datetime) -> None:
    """Raises INVALID_ARGUMENT with everything that keeps the claim from being filed."""
    around = rules.Around(day_in_italy(now), registry.policies_of(claim.customer_id))
    found = rules.faults(claim, around)
    if found:
        raise invalid(*found)


def changed(done: bool, claim: Claim) -> None:
    """Raises ABORTED where a guarded change found another version; it rolls the transaction back."""
    if not done:
        raise version_changed(claim.version)


def version_changed(version: int) -> Refusal:
    """ABORTED: somebody was first."""
    return Refusal(Kind.ABORTED, "VERSION_CHANGED", "the draft changed; read it again", {"version": str(version)})
