"""Gives a colleague who lost everything a new password, app and recovery codes; who they are stays: name, role, id."""

import secrets

from recapito_auth.domain import recovery_codes, totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.create_operator import Enrolled
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.supervise import colleague
from recapito_auth.store import audit, operators, sealing
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.persons import Person


def reset_operator(parts: Parts, person: Person, name: str) -> tuple[Enrolled, str]:
    """What is shown once, the password too. All sessions of the operator end, and locks of the app are lifted.

    The operator stays the same one, so that nobody reviews a case twice under two names. Raises NOT_FOUND; FAILED_PRECONDITION:
    OWN_ACCOUNT, OPERATOR_DISABLED.
    """
    operator = colleague(parts, person, name)
    password, secret, codes = secrets.token_urlsafe(12), totp.new_secret(), recovery_codes.make()
    password_hash = parts.hasher.hash(password)
    sealed = sealing.seal(parts.settings.totp_keys[0], operator.operator_id, secret)
    now = parts.clock()
    with parts.database.transaction() as connection:
        epoch = operators.reset(connection, operator.operator_id, password_hash, sealed, now)
        if epoch is not None:
            operators.drop_recovery_codes(connection, operator.operator_id)
            operators.keep_recovery_codes(connection, operator.operator_id, [recovery_codes.digest(code) for code in codes])
            details = {"operator_id": operator.operator_id}
            audit.append(connection, now, Entry(Event.OPERATOR_RESET, operator_id=person.operator_id, details=details))
            parts.sessions.raise_least_epoch(operator.operator_id, epoch)
    if epoch is None:
        raise Refusal(Kind.FAILED_PRECONDITION, "OPERATOR_DISABLED", "who was disabled stays so")
    return Enrolled(operator.operator_id, totp.uri(secret, operator.name, parts.settings.company), codes), password
