"""What supervisors do: enrol and disable operators, lift a customer's locks, see why a customer can't get in."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from recapito_auth.domain import obstacles
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Account, Customer, Operator
from recapito_auth.domain.obstacles import Obstacle
from recapito_auth.flows.create_operator import TAKEN, CannotEnrol, Enrolled, Enrolment, create_operator
from recapito_auth.flows.parts import Parts, codes_disabled
from recapito_auth.store import accounts, audit, customers, operators
from recapito_servicekit import contacts
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.persons import Person

SHOWN: Final = 20
_TOLD: Final = ("reasons", "outcome", "why", "locked", "amr", "contact_change_only", "purpose", "changed")


@dataclass(frozen=True, slots=True)
class Happened:
    """A record of the audit, as a supervisor sees it."""

    at: datetime
    event: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a customer can't get in. An empty ``masked_username``: there is no account."""

    customer_id: str
    customer_name: str
    masked_username: str
    last_signed_in_at: datetime | None
    obstacles: list[Obstacle]
    events: list[Happened]


def enrol(parts: Parts, person: Person, name: str, role: str, customer_id: str) -> tuple[Enrolled, str]:
    """Enrols an operator; gives what is shown once, the first password too. Raises INVALID_ARGUMENT, ALREADY_EXISTS."""
    password = secrets.token_urlsafe(12)
    enrolment = Enrolment(name, role, customer_id, password, password_made=True)
    try:
        return create_operator(parts.settings, parts.database, parts.clock, enrolment, person.operator_id), password
    except CannotEnrol as cannot:
        if cannot.reason == TAKEN:
            raise Refusal(Kind.ALREADY_EXISTS, "NAME_TAKEN", "there is an operator of that name") from cannot
        raise invalid(Violation(cannot.field, cannot.reason, str(cannot))) from cannot


def colleague(parts: Parts, person: Person, name: str) -> Operator:
    """The operator of that name, who isn't the one who asks. Raises NOT_FOUND, FAILED_PRECONDITION OWN_ACCOUNT."""
    with parts.database.read() as connection:
        operator = operators.by_name(connection, name.strip().casefold())
    if operator is None:
        raise not_found("operator")
    if operator.operator_id == person.operator_id:
        raise Refusal(Kind.FAILED_PRECONDITION, "OWN_ACCOUNT", "nobody disables or resets themselves: another supervisor does")
    return operator


def disable(parts: Parts, person: Person, name: str) -> None:
    """Disables an operator and ends their sessions. Raises NOT_FOUND, FAILED_PRECONDITION OWN_ACCOUNT."""
    now = parts.clock()
    operator = colleague(parts, person, name)
    with parts.database.transaction() as connection:
        epoch = operators.disable(connection, operator.operator_id, now)
        details = {"operator_id": operator.operator_id}
        audit.append(connection, now, Entry(Event.OPERATOR_DISABLED, operator_id=person.operator_id, details=details))
        parts.sessions.raise_least_epoch(operator.operator_id, epoch)


def unlock(parts: Parts, person: Person, customer_id: str) -> None:
    """Lifts a customer's locks; the count of wrong codes goes on.

    Raises NOT_FOUND, FAILED_PRECONDITION CODES_DISABLED, PERMISSION_DENIED OWN_ACCOUNT.
    """
    _, account = _found(parts, customer_id)
    if account is None:
        raise not_found("customer")
    if person.customer_id == customer_id:
        raise Refusal(Kind.PERMISSION_DENIED, "OWN_ACCOUNT", "no operator decides on themselves")
    if codes_disabled(parts, account):
        raise Refusal(Kind.FAILED_PRECONDITION, "CODES_DISABLED", "the mobile must be bound anew by a contact change")
    with parts.database.transaction() as connection:
        accounts.unlock(connection, customer_id)
        audit.append(connection, parts.clock(), Entry(Event.CUSTOMER_UNLOCKED, customer_id, person.operator_id))
    parts.limits.forget_name("sign_in", account.username)


def explain(parts: Parts, person: Person, customer_id: str, contact: str = "") -> Explanation:
    """Says why a customer can't get in; that it was asked is recorded too. Whom it is about: their id, or a user name or contact.

    Raises INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION SEVERAL_CUSTOMERS.
    """
    now, settings = parts.clock(), parts.settings
    if bool(customer_id) == bool(contact.strip()):
        raise invalid(Violation("customer_id", "ONE_OF", "a customer's id, or a contact"))
    customer_id = customer_id or _whose(parts, contact)
    customer, account = _found(parts, customer_id)
    wait = (
        parts.limits.look_at_name("sign_in", account.username, settings.sign_ins_per_username, now)
        if account is not None
        else None
    )
    bounds = obstacles.Bounds(settings.failed_burst, settings.wrong_codes_disable)
    until = now + wait if wait is not None else None
    with parts.database.transaction() as connection:
        events = [
            Happened(record.at, record.event, _details(record.body)) for record in audit.latest_of(connection, customer_id, SHOWN)
        ]
        audit.append(connection, now, Entry(Event.CUSTOMER_EXPLAINED, customer_id, person.operator_id))
    return Explanation(
        customer_id=customer_id,
        customer_name=f"{customer.given_name} {customer.family_name}".strip(),
        masked_username=contacts.mask(account.username) if account is not None else "",
        last_signed_in_at=account.last_signed_in_at if account is not None else None,
        obstacles=obstacles.of(customer, account, now, until, bounds),
        events=events,
    )


def _whose(parts: Parts, typed: str) -> str:
    """The id of whom a contact stands for: first of all as a user name, for that is what somebody signs in with."""
    try:
        contact = contacts.contact(typed)
    except contacts.BadContact as bad:
        raise invalid(Violation("contact", bad.fault.value, "an Italian mobile or an email")) from bad
    with parts.database.read() as connection:
        account = accounts.by_username(connection, contact)
        theirs = customers.find(connection, customers.Wanted(contact), 2) if account is None else []
    if len(theirs) > 1:
        raise Refusal(Kind.FAILED_PRECONDITION, "SEVERAL_CUSTOMERS", "several customers have that contact")
    if account is None and not theirs:
        raise not_found("customer")
    return account.customer_id if account is not None else theirs[0].customer_id


def _found(parts: Parts, customer_id: str) -> tuple[Customer, Account | None]:
    with parts.database.read() as connection:
        customer = customers.by_id(connection, customer_id)
        account = accounts.by_customer(connection, customer_id)
    if customer is None:
        raise not_found("customer")
    return customer, account


def _details(body: str) -> dict[str, str]:
    details = json.loads(body)["details"]
    told = {name: details[name] for name in _TOLD if name in details}
    return {name: ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in told.items()}  # fmt: skip
