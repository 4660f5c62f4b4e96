"""An operator's second factor: a code of the authenticator app, or a recovery code in its place. Each is accepted once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from recapito_auth.domain import recovery_codes, totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.flows.parts import Parts, note
from recapito_auth.store import operators, sealing
from recapito_servicekit.errors import Refusal, Violation, invalid
from recapito_servicekit.persons import Person

# nobody's secret: comparing with it takes the time that comparing with an operator's takes
_NOBODY: Final = totp.new_secret()


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed. ``step``: the app's step that shows it; None: none does, so that it may be a recovery code."""

    step: int | None
    digest: str


def compare(parts: Parts, operator: Operator | None, code: str, now: datetime) -> Typed:
    """Compares a code with the operator's app; the same work for nobody."""
    secret = _NOBODY
    if operator is not None:
        secret = sealing.open_sealed(parts.settings.totp_keys, operator.operator_id, operator.totp_sealed)
    return Typed(totp.matching_step(secret, code, now), recovery_codes.digest(code))


def spend(connection: sa.Connection, parts: Parts, operator_id: str, typed: Typed, now: datetime) -> str:
    """Spends it. Gives ``totp`` or ``recovery_code``; empty: it is neither, was spent before, or so many were wrong that the app
    is locked. A wrong one counts, so the caller's transaction must hold. Recovery codes, of 80 bit, are never locked.
    """
    settings = parts.settings
    if typed.step is not None:
        if operators.consume_step(connection, operator_id, typed.step, now, settings.wrong_codes_disable):
            return "totp"
    elif operators.consume_recovery_code(connection, operator_id, typed.digest, now):
        return "recovery_code"
    until = now + timedelta(minutes=settings.codes_lock_minutes)
    operators.count_wrong_totp(connection, operator_id, settings.wrong_codes_lock, until)
    return ""


def count_try(parts: Parts, person: Person, now: datetime) -> None:
    """Counts a code that is typed within a session. Raises RESOURCE_EXHAUSTED with RetryInfo: too many."""
    parts.limits.by_name("operator_codes", person.operator_id, parts.settings.sign_ins_per_username, now)


def wrong(parts: Parts, person: Person) -> Refusal:
    """Records a wrong code, and says so: INVALID_ARGUMENT on ``totp``."""
    note(parts, Entry(Event.OPERATOR_FACTOR_WRONG, operator_id=person.operator_id))
    return invalid(Violation("totp", "WRONG", "a code of the app, or a recovery code, that was not used before"))
