"""Operators as they are listed, and an operator's own recovery codes."""

from recapito_auth.domain import recovery_codes, totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.parts import Parts
from recapito_auth.store import audit, operators, sealing
from recapito_auth.store.operators import Listed
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.persons import Person


def list_operators(parts: Parts) -> list[Listed]:
    """All operators by name."""
    with parts.database.read() as connection:
        return operators.every(connection)


def renew_recovery_codes(parts: Parts, person: Person, code: str) -> list[str]:
    """New codes for the operator who acts, kept nowhere as they are; the ones from before are dropped.

    Raises INVALID_ARGUMENT on ``totp``; RESOURCE_EXHAUSTED with RetryInfo: too many tries; UNAUTHENTICATED NOT_SIGNED_IN: the
    operator was disabled meanwhile.
    """
    now = parts.clock()
    parts.limits.by_name("operator_codes", person.operator_id, parts.settings.sign_ins_per_username, now)
    with parts.database.read() as connection:
        operator = operators.by_name(connection, person.operator_name)
    if operator is None:
        raise _gone()
    secret = sealing.open_sealed(parts.settings.totp_keys, operator.operator_id, operator.totp_sealed)
    step = totp.matching_step(secret, code, now)
    codes = recovery_codes.make()
    with parts.database.transaction() as connection:
        enabled = operators.is_enabled(connection, operator.operator_id)
        if step is not None:
            right = operators.consume_step(connection, operator.operator_id, step)
        else:
            digest = recovery_codes.digest(code)
            right = operators.consume_recovery_code(connection, operator.operator_id, digest, now)
        if enabled and right:
            operators.drop_recovery_codes(connection, person.operator_id)
            operators.keep_recovery_codes(connection, person.operator_id, [recovery_codes.digest(code) for code in codes])
            audit.append(connection, now, Entry(Event.OPERATOR_CODES_RENEWED, operator_id=person.operator_id))
    if not enabled:
        raise _gone()
    if not right:
        raise invalid(Violation("totp", "WRONG", "a code of the app, or a recovery code, that was not used before"))
    return codes


def _gone() -> Refusal:
    return Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "the operator was disabled meanwhile")
