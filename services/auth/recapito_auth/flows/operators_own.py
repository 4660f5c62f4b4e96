"""Operators as they are listed, and an operator's own recovery codes."""

from recapito_auth.domain import recovery_codes
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.parts import Parts
from recapito_auth.store import audit, operators
from recapito_auth.store.operators import Listed
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.persons import Person


def list_operators(parts: Parts) -> list[Listed]:
    """All operators by name."""
    with parts.database.read() as connection:
        return operators.every(connection)


def renew_recovery_codes(parts: Parts, person: Person) -> list[str]:
    """New codes for the operator who acts, kept nowhere as they are; the ones from before are dropped.

    Raises UNAUTHENTICATED NOT_SIGNED_IN: the operator was disabled meanwhile.
    """
    codes, now = recovery_codes.make(), parts.clock()
    with parts.database.transaction() as connection:
        enabled = operators.is_enabled(connection, person.operator_id)
        if enabled:
            operators.drop_recovery_codes(connection, person.operator_id)
            operators.keep_recovery_codes(connection, person.operator_id, [recovery_codes.digest(code) for code in codes])
            audit.append(connection, now, Entry(Event.OPERATOR_CODES_RENEWED, operator_id=person.operator_id))
    if not enabled:
        raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "the operator was disabled meanwhile")
    return codes
