"""Changes a password from inside: the old one and a fresh code, and everything else that is signed in ends."""

from datetime import datetime

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer
from recapito_auth.flows.complete_registration import demand_strong
from recapito_auth.flows.parts import Parts, note, sign_in_failed
from recapito_auth.flows.tell import Notice, tell
from recapito_auth.store import accounts, audit, customers, devices
from recapito_auth.store.redisio import millis
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.persons import Person

Renewed = tuple[str, datetime]
"""The session's new token, and when the session ends at the latest."""


def change_password(parts: Parts, person: Person, old_password: str, new_password: str) -> Renewed:
    """Gives the session's new token.

    Raises INVALID_ARGUMENT on ``old_password`` or ``new_password``; RESOURCE_EXHAUSTED with RetryInfo: too many wrong old ones;
    FAILED_PRECONDITION CUSTOMER_FROZEN; UNAUTHENTICATED: the session ended meanwhile.
    """
    now = parts.clock()
    customer, account = owner(parts, person)
    demand_not_frozen(customer)
    parts.limits.by_name("change_password", person.customer_id, parts.settings.sign_ins_per_username, now)
    if not parts.hasher.fits(account.password_hash, old_password):
        note(parts, Entry(Event.PASSWORD_CHANGE_FAILED, person.customer_id))
        raise invalid(Violation("old_password", "WRONG", "the present password"))
    demand_strong(parts, customer, new_password, field="new_password")
    password_hash = parts.hasher.hash(new_password)
    with parts.database.transaction() as connection:
        held = customers.lock(connection, person.customer_id)
        changed = held is not None and held.epoch == customer.epoch
        if changed and accounts.change_password(connection, account, password_hash, now):
            devices.forget_all(connection, person.customer_id)
            epoch = customers.advance_epoch(connection, person.customer_id, now)
            tell(connection, customer, Notice("password_changed"), now)
            audit.append(connection, now, Entry(Event.PASSWORD_CHANGED, person.customer_id))
            parts.sessions.raise_least_epoch(person.customer_id, epoch)
        else:
            changed = False
    if not changed:
        raise not_signed_in()
    return carry_on(parts, person, epoch, now)


def owner(parts: Parts, person: Person) -> tuple[Customer, Account]:
    """The customer who acts, and their account."""
    with parts.database.read() as connection:
        customer = customers.by_id(connection, person.customer_id)
        account = accounts.by_customer(connection, person.customer_id)
    if customer is None or account is None:
        raise sign_in_failed()
    return customer, account


def demand_not_frozen(customer: Customer) -> None:
    """Raises FAILED_PRECONDITION CUSTOMER_FROZEN."""
    if customer.frozen_at is not None:
        raise Refusal(Kind.FAILED_PRECONDITION, "CUSTOMER_FROZEN", "an operator looks into the account first")


def carry_on(parts: Parts, person: Person, epoch: int, now: datetime, contact_changed_at: datetime | None = None) -> Renewed:
    """Lets the session that acts live on in the new epoch, under a new token. Raises UNAUTHENTICATED: it ended meanwhile."""
    changed = {"contact_changed_at": millis(contact_changed_at)} if contact_changed_at is not None else {}
    renewed = parts.sessions.rotate(person.token, person.customer_id, now, {"epoch": epoch, **changed})
    if renewed is None:
        raise not_signed_in()
    return renewed


def not_signed_in() -> Refusal:
    """The session that acts ended meanwhile, or what it acted on changed."""
    return Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "the session ended meanwhile")
