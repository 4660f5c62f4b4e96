"""Enrols another authenticator app: the secret in use stays until the app has shown a code of the new one."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag

from recapito_auth.domain import totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.domain.underway import TotpChange
from recapito_auth.flows import operator_factor
from recapito_auth.flows.change_password import Renewed, not_signed_in
from recapito_auth.flows.operators_own import own
from recapito_auth.flows.parts import Parts
from recapito_auth.store import audit, operators, sealing
from recapito_servicekit.errors import Refusal, not_found
from recapito_servicekit.ids import new_token
from recapito_servicekit.persons import Person


@dataclass(frozen=True, slots=True)
class Started:
    """A new secret that waits for a code; ``uri`` is shown once and kept nowhere as it is."""

    enrolment_id: str
    uri: str
    expires_at: datetime


def start_totp_change(parts: Parts, person: Person, code: str) -> Started:
    """Makes a new secret for a code of the app in use, or a recovery code.

    Raises INVALID_ARGUMENT on ``totp``; RESOURCE_EXHAUSTED with RetryInfo: too many tries; UNAUTHENTICATED NOT_SIGNED_IN.
    """
    now = parts.clock()
    operator_factor.count_try(parts, person, now)
    operator = own(parts, person)
    typed = operator_factor.compare(parts, operator, code, now)
    with parts.database.transaction() as connection:
        factor = operator_factor.spend(connection, parts, operator.operator_id, typed, now)
        if factor:
            entry = Entry(Event.OPERATOR_TOTP_CHANGE_STARTED, operator_id=operator.operator_id, details={"factor": factor})
            audit.append(connection, now, entry)
    if not factor:
        raise operator_factor.wrong(parts, person)
    secret = totp.new_secret()
    sealed = sealing.seal(parts.settings.totp_keys[0], operator.operator_id, secret)
    change = TotpChange(operator.operator_id, base64.b64encode(sealed).decode(), _digest(operator))
    enrolment_id = new_token()
    parts.underway.start(enrolment_id, change, parts.settings.flow_life)
    return Started(enrolment_id, totp.uri(secret, operator.name, parts.settings.company), now + parts.settings.flow_life)


def complete_totp_change(parts: Parts, person: Person, enrolment_id: str, code: str) -> Renewed:
    """Puts the new secret in the place of the one in use, once; gives the session's new token. All other sessions end.

    Raises INVALID_ARGUMENT on ``totp``; NOT_FOUND: there is no such change, any more; RESOURCE_EXHAUSTED with RetryInfo;
    UNAUTHENTICATED NOT_SIGNED_IN: the session ended meanwhile.
    """
    now = parts.clock()
    operator_factor.count_try(parts, person, now)
    change = parts.underway.read(TotpChange, enrolment_id)
    operator = own(parts, person)
    if change is None or change.operator_id != operator.operator_id or change.replaces != _digest(operator):
        raise _gone()
    sealed = base64.b64decode(change.sealed)
    try:
        secret = sealing.open_sealed(parts.settings.totp_keys, operator.operator_id, sealed)
    except InvalidTag:  # its key was taken away meanwhile
        raise _gone() from None
    step = totp.matching_step(secret, code, now)
    if step is None:
        raise operator_factor.wrong(parts, person)
    with parts.database.transaction() as connection:
        epoch = operators.change_totp(connection, operator, sealed, step, now)
        if epoch is not None:
            audit.append(connection, now, Entry(Event.OPERATOR_TOTP_CHANGED, operator_id=operator.operator_id))
            parts.sessions.raise_least_epoch(operator.operator_id, epoch)
    if epoch is None:
        raise _gone()
    parts.underway.end(TotpChange, enrolment_id)
    renewed = parts.sessions.rotate(person.token, operator.operator_id, now, {"epoch": epoch})
    if renewed is None:
        raise not_signed_in()
    return renewed


def _digest(operator: Operator) -> str:
    return hashlib.sha256(operator.totp_sealed).hexdigest()


def _gone() -> Refusal:
    return not_found("totp_change")
