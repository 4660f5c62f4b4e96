"""Sets the new password of a recovery, once; whatever was open ends with the customer's epoch."""

from datetime import datetime

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.underway import Recovery
from recapito_auth.flows.complete_registration import demand_strong
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.recover import recovery_of
from recapito_auth.flows.tell import Notice, tell
from recapito_auth.store import accounts, audit, customers, devices
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.ids import token_digest


def complete_recovery(parts: Parts, recovery_id: str, password: str) -> None:
    """Sets the password; a repeat with the same one is answered alike.

    Raises NOT_FOUND, INVALID_ARGUMENT on ``password`` with the reason, FAILED_PRECONDITION RECOVERY_NOT_VERIFIED: a code is
    missing, a contact changed since, or it set another password already.
    """
    state = recovery_of(parts, recovery_id)
    if not state.customer_id or state.verified < len(state.contacts):
        raise _not_verified()
    with parts.database.read() as connection:
        customer = customers.by_id(connection, state.customer_id)
    if customer is None:
        raise _not_verified()
    demand_strong(parts, customer, password)
    digest = token_digest(recovery_id)
    password_hash = parts.hasher.hash(password)
    with parts.database.transaction() as connection:
        recovered = _recover(connection, parts, state, digest, password_hash, parts.clock())
    if not recovered and not _is_repeat(parts, state, digest, password):
        raise _not_verified()


def _recover(connection: sa.Connection, parts: Parts, state: Recovery, digest: str, password_hash: str, now: datetime) -> bool:
    """False: the epoch rose since the recovery began."""
    customer = customers.lock(connection, state.customer_id)
    if customer is None or customer.epoch != state.epoch:
        return False
    single = len(state.contacts) == 1
    accounts.recover(connection, state.customer_id, password_hash, digest, now, contact_change_only=single)
    devices.forget_all(connection, state.customer_id)
    epoch = customers.advance_epoch(connection, state.customer_id, now)
    tell(connection, customer, Notice("password_recovered"), now)
    details = {"contacts": len(state.contacts), "contact_change_only": single}
    audit.append(connection, now, Entry(Event.RECOVERED, state.customer_id, details=details))
    # inside the transaction: a crash before the commit ends sessions for nothing, but none outlives a recovery
    parts.sessions.raise_least_epoch(state.customer_id, epoch)
    return True


def _is_repeat(parts: Parts, state: Recovery, digest: str, password: str) -> bool:
    with parts.database.read() as connection:
        account = accounts.by_recovery(connection, state.customer_id, digest)
    return account is not None and parts.hasher.fits(account.password_hash, password)


def _not_verified() -> Refusal:
    return Refusal(Kind.FAILED_PRECONDITION, "RECOVERY_NOT_VERIFIED", "this recovery can't set a password")
