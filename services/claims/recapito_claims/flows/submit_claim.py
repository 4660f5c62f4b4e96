"""Files a draft with the proof of a code over its hash."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from recapito_claims.domain import filing
from recapito_claims.domain.claim import Claim, Event, day_in_italy
from recapito_claims.flows import guard
from recapito_claims.store import claims as store
from recapito_claims.store import handling
from recapito_claims.upstream import Customer, Proofs, Registry, proof_not_valid
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.sql import Database

log = logs.get(__name__)
ISSUER: Final = "auth"  # sends the codes of step-ups to the mobile on file, and nowhere else


def submit_claim(
    database: Database,
    registry: Registry,
    proofs: Proofs,
    clock: Clock,
    demand_time: Callable[[], None],
    customer_id: str,
    held_until: datetime | None,
    request_id: str,
    claim_id: str,
    expected_version: int,
    proof: str,
) -> Claim:
    """The claim as filed; a repeat with the same request gives the same receipt and spends nothing.

    What was confirmed is what is filed: the proof is over the hash of one version, and only that version becomes the claim.
    Raises NOT_FOUND, NOT_A_DRAFT, VERSION_CHANGED, CLAIMS_HELD, CUSTOMER_FROZEN, PROOF_NOT_VALID, PROOF_USED, and
    INVALID_ARGUMENT with all faults.
    """
    with database.read() as connection:
        claim = guard.own(connection, customer_id, claim_id)
        if claim.submit_request_id == request_id:
            return filing.as_filed(claim, expected_version + 1)
        guard.demand_draft(claim)
        guard.demand_version(connection, claim, expected_version)
    _demand_not_held(held_until, clock())
    customer = registry.customer(customer_id)
    _demand_not_frozen(customer)
    guard.demand_complete(claim, customer, clock())
    confirmed = filing.transaction_hash(claim)
    # outside of the transaction; where this process dies here, the repeat with the same request spends it again
    if proofs.spend(proof, customer_id, confirmed, request_id) != ISSUER:
        raise proof_not_valid()
    demand_time()
    with database.transaction() as connection:
        filed = _file(connection, customer_id, request_id, claim_id, expected_version, confirmed, clock())
    log.info("claim filed", claim_id=claim_id)
    return filed


def _file(
    connection: sa.Connection,
    customer_id: str,
    request_id: str,
    claim_id: str,
    expected_version: int,
    confirmed: str,
    now: datetime,
) -> Claim:
    claim = guard.own_locked(connection, customer_id, claim_id)
    if claim.submit_request_id == request_id:  # a parallel repeat was first
        return filing.as_filed(claim, expected_version + 1)
    guard.demand_draft(claim)
    guard.demand_version(connection, claim, expected_version)
    year = day_in_italy(now).year
    number = filing.claim_number(year, store.next_serial(connection, year))
    guard.changed(store.file(connection, claim, number, request_id, confirmed, now), claim)
    handling.notify(connection, claim_id, "receipt", now)
    handling.note(connection, claim_id, Event.SUBMITTED, now)
    return guard.own(connection, customer_id, claim_id)


def _demand_not_held(held_until: datetime | None, now: datetime) -> None:
    if held_until is not None and held_until > now:
        until = held_until.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        raise Refusal(
            Kind.FAILED_PRECONDITION, "CLAIMS_HELD", "no claims for a while after a change of contact", {"until": until}
        )


def _demand_not_frozen(customer: Customer) -> None:
    if customer.is_frozen:
        raise Refusal(Kind.FAILED_PRECONDITION, "CUSTOMER_FROZEN", "the customer said that a change of contact wasn't theirs")
