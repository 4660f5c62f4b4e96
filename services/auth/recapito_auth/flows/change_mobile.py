"""Replaces a customer's mobile; everything that carries the old epoch is dead with it, whatever crashes in between."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.flows.parts import Parts
from recapito_auth.store import accounts, audit, customers, devices
from recapito_auth.store.customers import MobileChange
from recapito_servicekit import contacts
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found, reused

_INSTANTS: Final = ("contact_changed_at", "claims_held_until", "frozen_at", "recovered_at", "password_changed_at")


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a person approved."""

    request_id: str
    customer_id: str
    new_mobile: str
    expected_version: int
    hold_claims: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """The customer afterwards, and the mobile that was replaced; empty: there was none.

    ``reverts``: the change that this one took back; empty: it is a change of its own. ``was_contact_change_only``: whether the
    account opened a contact change alone before.
    """

    customer: Customer
    old_mobile: str
    reverts: str = ""
    was_contact_change_only: bool = False


def get_customer(parts: Parts, customer_id: str) -> Customer:
    """Reads a customer. Raises NOT_FOUND."""
    with parts.database.read() as connection:
        customer = customers.by_id(connection, customer_id)
    if customer is None:
        raise not_found("customer")
    return customer


def change_mobile(parts: Parts, change: Change) -> Changed:
    """Applies the change, once; a repeat gives the first answer.

    Redis learns the new least epoch inside the transaction: a crash before the commit ends sessions for nothing, but none
    outlives a change. Raises INVALID_ARGUMENT, NOT_FOUND, ABORTED VERSION_CHANGED, FAILED_PRECONDITION USERNAME_TAKEN: the new
    mobile is another account's user name, and this one's would have to follow.
    """
    _demand_valid(change)
    now = parts.clock()
    try:
        with parts.database.transaction() as connection:
            customer = customers.lock(connection, change.customer_id)
            if customer is None:
                raise not_found("customer")
            first = customers.first_answer(connection, change.request_id)
            if first is not None:
                return _repeated(change, *first)
            if customer.version != change.expected_version:
                raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "the customer changed since", {"version": str(customer.version)})
            held = now + timedelta(hours=parts.settings.claims_hold_hours) if change.hold_claims else None
            until = max((at for at in (held, customer.claims_held_until) if at is not None), default=None)
            account = accounts.by_customer(connection, change.customer_id)
            accounts.rebind(connection, change.customer_id, customer.mobile, change.new_mobile)
            after = put_mobile(connection, MobileChange(change.customer_id, change.new_mobile, now, until))
            limited = account is not None and account.contact_change_only
            changed = Changed(after, customer.mobile, was_contact_change_only=limited)
            keep(connection, change.request_id, changed, now)
            details = {
                "request_id": change.request_id,
                "new": contacts.mask(change.new_mobile),
                "claims_held": change.hold_claims,
            }
            seq = audit.append(connection, now, Entry(Event.MOBILE_CHANGED, change.customer_id, details=details))
            customers.tell_change(connection, seq, change.customer_id, "mobile", now)
            parts.sessions.raise_least_epoch(change.customer_id, after.epoch)
    except IntegrityError as error:
        raise Refusal(Kind.FAILED_PRECONDITION, "USERNAME_TAKEN", "the new mobile is the user name of another account") from error
    return changed


def put_mobile(connection: sa.Connection, change: MobileChange) -> Customer:
    """Replaces the mobile and forgets the devices; gives the customer afterwards. The customer must be locked."""
    customers.change_mobile(connection, change)
    devices.forget_all(connection, change.customer_id)
    after = customers.by_id(connection, change.customer_id)
    if after is None:
        raise not_found("customer")
    return after


def keep(connection: sa.Connection, request_id: str, changed: Changed, now: datetime) -> None:
    """Keeps what was done for a repeat of the request, and for taking it back."""
    kept = dataclasses.asdict(changed)
    for name in _INSTANTS:
        kept["customer"][name] = kept["customer"][name].isoformat() if kept["customer"][name] is not None else None
    customers.keep_answer(connection, request_id, changed.customer.customer_id, kept, now)


def read_kept(answer: dict[str, Any]) -> Changed:
    """The same, read again."""
    kept = dict(answer["customer"])
    for name in kept.keys() & set(_INSTANTS):
        kept[name] = datetime.fromisoformat(kept[name]) if kept[name] is not None else None
    kept["person_type"] = PersonType(kept["person_type"])
    kept["policy_numbers"] = tuple(kept["policy_numbers"])
    return Changed(**{**answer, "customer": Customer(**kept)})


def _demand_valid(change: Change) -> None:
    faults = []
    if not 1 <= len(change.request_id) <= 64:
        faults.append(Violation("request_id", "WRONG_LENGTH", "1 to 64 characters"))
    try:
        canonical = contacts.mobile(change.new_mobile)
    except contacts.BadContact as bad:
        faults.append(Violation("new_mobile", bad.fault.value, "an Italian mobile, E.164"))
    else:
        if canonical != change.new_mobile:
            faults.append(Violation("new_mobile", "WRONG_FORMAT", "E.164, without blanks"))
    if faults:
        raise invalid(*faults)


def _repeated(change: Change, customer_id: str, answer: dict[str, Any]) -> Changed:
    changed = read_kept(answer)
    if changed.reverts or customer_id != change.customer_id or changed.customer.mobile != change.new_mobile:
        raise reused()
    return changed
