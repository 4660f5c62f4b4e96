"""Signs an operator in with password and TOTP. A TOTP is accepted once."""

import dataclasses

import sqlalchemy as sa

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.flows import operator_factor
from recapito_auth.flows.open_session import Opened, open_operator_session
from recapito_auth.flows.parts import Parts, sign_in_failed
from recapito_auth.store import audit, operators
from recapito_servicekit.calls import ClientInfo


def sign_in_operator(parts: Parts, username: str, password: str, code: str, client: ClientInfo) -> Opened:
    """Gives the session's token and the session; a first password that was made for them opens one that changes it alone.

    Raises UNAUTHENTICATED SIGN_IN_FAILED, after the same work for an unknown name; RESOURCE_EXHAUSTED with RetryInfo.
    """
    name = username.strip().casefold()
    now = parts.clock()
    parts.limits.by_address("operator", client.ip, parts.settings.sign_ins_per_address, now)
    room = parts.limits.wait_by_name("operator", name, parts.settings.sign_ins_per_username, now) is None
    with parts.database.read() as connection:
        operator = operators.by_name(connection, name)
    right = parts.hasher.fits(operator.password_hash if operator and room else None, password)
    typed = operator_factor.compare(parts, operator, code, now)
    outgrown = operator is not None and right and parts.hasher.outgrown(operator.password_hash)
    renewed = parts.hasher.hash(password) if outgrown else ""
    with parts.database.transaction() as connection:
        held = _as_compared(connection, operator) if operator is not None and right else None
        factor = operator_factor.spend(connection, parts, held.operator_id, typed, now) if held is not None else ""
        if held is not None and factor:
            held = _with_present_epoch(connection, parts, held)
            if renewed:
                operators.rehash(connection, held, renewed)
        details = {"ip": client.ip, "locked": not room, "factor": factor or ("totp" if typed.step is not None else "")}
        event = Event.OPERATOR_SIGNED_IN if factor else Event.OPERATOR_SIGN_IN_FAILED
        operator_id = operator.operator_id if operator is not None else ""
        audit.append(connection, now, Entry(event, operator_id=operator_id, details=details))
    if held is None or not factor:
        raise sign_in_failed()
    return open_operator_session(parts, held, held.epoch, ("pwd", factor), password_change_required=held.password_change_required)


def _as_compared(connection: sa.Connection, operator: Operator) -> Operator | None:
    """The operator, locked; None: they were disabled, or what was compared changed, since they were read."""
    held = operators.lock(connection, operator.operator_id)
    if held is None or held.disabled_at is not None:
        return None
    same = (held.password_hash, held.totp_sealed) == (operator.password_hash, operator.totp_sealed)
    return held if same else None


def _with_present_epoch(connection: sa.Connection, parts: Parts, operator: Operator) -> Operator:
    """The operator. A change that crashed between Redis and SQL left the least epoch above SQL's: SQL follows."""
    least = parts.sessions.least_epoch(operator.operator_id)
    operators.raise_epoch(connection, operator.operator_id, least)
    return dataclasses.replace(operator, epoch=max(operator.epoch, least))
