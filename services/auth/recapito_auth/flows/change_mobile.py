"""Replaces a customer's mobile; everything that carries the old epoch is dead with it, whatever crashes in between."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.flows.parts import Parts
from recapito_auth.store import accounts, audit, customers, devices
from recapito_servicekit import contacts
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found

_INSTANTS: Final = ("contact_changed_at", "claims_held_until", "frozen_at", "recovered_at")


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
    """The customer afterwards, and the mobile that was replaced; empty: there was none."""

    customer: Customer
    old_mobile: str


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
            customers.change_mobile(connection, customers.MobileChange(change.customer_id, change.new_mobile, now, until))
            accounts.rebind(connection, change.customer_id, customer.mobile, change.new_mobile)
            after = customers.by_id(connection, change.customer_id)
            if after is None:
                raise not_found("customer")
            changed = Changed(after, customer.mobile)
            customers.keep_answer(connection, change.request_id, change.customer_id, _to_json(changed), now)
            devices.forget_all(connection, change.customer_id)
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
    changed = _from_json(answer)
    if customer_id != change.customer_id or changed.customer.mobile != change.new_mobile:
        raise invalid(Violation("request_id", "REUSED", "this request_id was used for another change"))
    return changed


def _to_json(changed: Changed) -> dict[str, Any]:
    kept = dataclasses.asdict(changed.customer)
    for name in _INSTANTS:
        kept[name] = kept[name].isoformat() if kept[name] is not None else None
    return {"customer": kept, "old_mobile": changed.old_mobile}


def _from_json(answer: dict[str, Any]) -> Changed:
    kept = dict(answer["customer"])
    for name in kept.keys() & set(_INSTANTS):
        kept[name] = datetime.fromisoformat(kept[name]) if kept[name] is not None else None
    kept["person_type"] = PersonType(kept["person_type"])
    kept["policy_numbers"] = tuple(kept["policy_numbers"])
    return Changed(Customer(**kept), answer["old_mobile"])
