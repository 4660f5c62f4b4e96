"""Operators as they are listed, and an operator's own recovery codes."""

from recapito_auth.domain import recovery_codes
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.flows import operator_factor
from recapito_auth.flows.change_password import not_signed_in
from recapito_auth.flows.parts import Parts
from recapito_auth.store import audit, operators
from recapito_auth.store.operators import Listed
from recapito_servicekit.persons import Person


def list_operators(parts: Parts) -> list[Listed]:
    """All operators by name."""
    with parts.database.read() as connection:
        return operators.every(connection)


def own(parts: Parts, person: Person) -> Operator:
    """The operator who acts. Raises UNAUTHENTICATED NOT_SIGNED_IN: they were disabled meanwhile."""
    with parts.database.read() as connection:
        operator = operators.by_name(connection, person.operator_name)
    if operator is None or operator.disabled_at is not None:
        raise not_signed_in()
    return operator


def renew_recovery_codes(parts: Parts, person: Person, code: str) -> list[str]:
    """New codes for the operator who acts, kept nowhere as they are; the ones from before are dropped.

    Raises INVALID_ARGUMENT on ``totp``; RESOURCE_EXHAUSTED with RetryInfo: too many tries; UNAUTHENTICATED NOT_SIGNED_IN: the
    operator was disabled meanwhile.
    """
    now = parts.clock()
    operator_factor.count_try(parts, person, now)
    operator = own(parts, person)
    typed = operator_factor.compare(parts, operator, code, now)
    codes = recovery_codes.make()
    with parts.database.transaction() as connection:
        held = operators.lock(connection, operator.operator_id)
        enabled = held is not None and held.disabled_at is None
        right = operator_factor.spend(connection, parts, operator.operator_id, typed, now)
        if enabled and right:
            operators.drop_recovery_codes(connection, person.operator_id)
            operators.keep_recovery_codes(connection, person.operator_id, [recovery_codes.digest(code) for code in codes])
            audit.append(connection, now, Entry(Event.OPERATOR_CODES_RENEWED, operator_id=person.operator_id))
    if not enabled:
        raise not_signed_in()
    if not right:
        raise operator_factor.wrong(parts, person)
    return codes
