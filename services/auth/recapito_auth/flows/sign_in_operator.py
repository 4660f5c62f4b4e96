"""Signs an operator in with password and TOTP. A TOTP is accepted once."""

from datetime import timedelta
from typing import Final

from recapito_auth.domain import recovery_codes, totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows.parts import Parts, sign_in_failed
from recapito_auth.store import audit, operators, sealing
from recapito_auth.store.sessions import Kind, Session
from recapito_servicekit.calls import ClientInfo

# nobody's secret: comparing with it takes the time that comparing with an operator's takes
_NOBODY: Final = totp.new_secret()


def sign_in_operator(parts: Parts, username: str, password: str, code: str, client: ClientInfo) -> tuple[str, Session]:
    """Gives the session's token and the session.

    Raises UNAUTHENTICATED SIGN_IN_FAILED, after the same work for an unknown name; RESOURCE_EXHAUSTED with RetryInfo.
    """
    name = username.strip().casefold()
    now = parts.clock()
    parts.limits.by_address("operator", client.ip, parts.settings.sign_ins_per_address, now)
    room = parts.limits.wait_by_name("operator", name, parts.settings.sign_ins_per_username, now) is None
    with parts.database.read() as connection:
        operator = operators.by_name(connection, name)
    right = parts.hasher.fits(operator.password_hash if operator and room else None, password)
    secret = _NOBODY
    if operator is not None:
        secret = sealing.open_sealed(parts.settings.totp_keys, operator.operator_id, operator.totp_sealed)
    step = totp.matching_step(secret, code, now)
    digest = recovery_codes.digest(code)
    with parts.database.transaction() as connection:
        accepted, factor = False, "totp"
        if operator is not None and right and operators.is_enabled(connection, operator.operator_id):
            accepted = step is not None and operators.consume_step(connection, operator.operator_id, step)
            if step is None:
                factor = "recovery_code"
                accepted = operators.consume_recovery_code(connection, operator.operator_id, digest, now)
        details = {"ip": client.ip, "locked": not room, "factor": factor}
        event = Event.OPERATOR_SIGNED_IN if accepted else Event.OPERATOR_SIGN_IN_FAILED
        operator_id = operator.operator_id if operator is not None else ""
        audit.append(connection, now, Entry(event, operator_id=operator_id, details=details))
    if operator is None or not accepted:
        raise sign_in_failed()
    session = Session(
        kind=Kind.OPERATOR,
        customer_id=operator.customer_id,
        epoch=operator.epoch,
        acr="",
        amr=("pwd", factor),
        auth_time=now,
        expires_at=now + timedelta(hours=parts.settings.operator_session_hours),
        idle=timedelta(minutes=parts.settings.operator_idle_minutes),
        operator_id=operator.operator_id,
        operator_name=operator.name,
        role=operator.role,
    )
    return parts.sessions.open(session, now), session
