"""Enrols an operator: a password and an authenticator app's secret, shown once."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain import passwords, totp
from recapito_auth.domain.customers import Operator
from recapito_auth.settings import EnrolmentSettings
from recapito_auth.store import operators, sealing
from recapito_auth.store.hashes import Hasher
from recapito_servicekit.clock import Clock
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database

ROLES: Final = ("reviewer", "supervisor", "auditor")
LONGEST_NAME: Final = 100


class CannotEnrol(Exception):
    """Raised when the operator can't be enrolled; the message says why."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whom to enrol. ``customer_id``: who the operator is as a customer; empty: nobody known."""

    name: str
    role: str
    customer_id: str
    password: str


def create_operator(settings: EnrolmentSettings, database: Database, clock: Clock, enrolment: Enrolment) -> str:
    """Gives the ``otpauth://`` URI, which is kept nowhere but in the app. Raises CannotEnrol."""
    name = enrolment.name.strip().casefold()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise CannotEnrol(f"the name must have 1 to {LONGEST_NAME} printable characters")
    weak = passwords.weakness(enrolment.password, (name,), ("recapito", settings.company), settings.password_least)
    if weak is not None:
        raise CannotEnrol(f"the password can't be taken: {weak}")
    secret = totp.new_secret()
    operator_id = new_id()
    operator = Operator(
        operator_id=operator_id,
        name=name,
        role=enrolment.role,
        password_hash=Hasher(settings.argon2_memory_kib, settings.argon2_passes).hash(enrolment.password),
        totp_sealed=sealing.seal(settings.totp_keys[0], operator_id, secret),
        customer_id=enrolment.customer_id,
    )
    try:
        with database.transaction() as connection:
            operators.add(connection, operator, clock())
    except IntegrityError:
        raise CannotEnrol(f"there is an operator {name} already") from None
    return totp.uri(secret, name, settings.company)
