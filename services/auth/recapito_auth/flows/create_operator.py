"""Enrols an operator: a password and an authenticator app's secret, shown once."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import IntegrityError

from recapito_auth.domain import passwords, recovery_codes, totp
from recapito_auth.domain.chain import Entry, Event
from recapito_auth.domain.customers import Operator
from recapito_auth.settings import EnrolmentSettings
from recapito_auth.store import audit, customers, operators, sealing
from recapito_auth.store.hashes import Hasher
from recapito_servicekit.clock import Clock
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database

ROLES: Final = ("reviewer", "supervisor", "auditor")
LONGEST_NAME: Final = 100
TAKEN: Final = "TAKEN"


class CannotEnrol(Exception):
    """Raised when the operator can't be enrolled; the message says why, ``field`` and ``reason`` where."""

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whom to enrol. ``customer_id``: who the operator is as a customer; empty: nobody known.

    ``password_made``: somebody else made the password, so that it must be changed at the first sign-in.
    """

    name: str
    role: str
    customer_id: str
    password: str
    password_made: bool


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What is shown once and kept nowhere as it is: the ``otpauth://`` URI and the recovery codes."""

    operator_id: str
    uri: str
    recovery_codes: list[str]


def create_operator(
    settings: EnrolmentSettings, database: Database, clock: Clock, enrolment: Enrolment, created_by: str = ""
) -> Enrolled:
    """Enrols an operator. ``created_by``: the supervisor's operator_id; empty: the command. Raises CannotEnrol."""
    name = enrolment.name.strip().casefold()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise CannotEnrol("name", "WRONG_FORMAT", f"the name must have 1 to {LONGEST_NAME} printable characters")
    if enrolment.role not in ROLES:
        raise CannotEnrol("role", "UNKNOWN_VALUE", f"the role must be one of {', '.join(ROLES)}")
    if enrolment.customer_id and not _is_known(database, enrolment.customer_id):
        # a typo would switch off that nobody decides on themselves
        raise CannotEnrol("customer_id", "UNKNOWN_VALUE", "there is no customer with that id")
    weak = passwords.weakness(enrolment.password, (name,), ("recapito", settings.company), settings.password_least)
    if weak is not None:
        raise CannotEnrol("password", weak.value, f"the password can't be taken: {weak}")
    secret = totp.new_secret()
    operator_id = new_id()
    operator = Operator(
        operator_id=operator_id,
        name=name,
        role=enrolment.role,
        password_hash=Hasher(settings.argon2_memory_kib, settings.argon2_passes).hash(enrolment.password),
        totp_sealed=sealing.seal(settings.totp_keys[0], operator_id, secret),
        customer_id=enrolment.customer_id,
        password_change_required=enrolment.password_made,
    )
    codes = recovery_codes.make()
    now = clock()
    details = {"operator_id": operator_id, "role": operator.role}
    try:
        with database.transaction() as connection:
            operators.add(connection, operator, now)
            operators.keep_recovery_codes(connection, operator_id, [recovery_codes.digest(code) for code in codes])
            audit.append(connection, now, Entry(Event.OPERATOR_CREATED, operator_id=created_by, details=details))
    except IntegrityError:
        raise CannotEnrol("name", TAKEN, f"there is an operator {name} already") from None
    return Enrolled(operator_id, totp.uri(secret, name, settings.company), codes)


def _is_known(database: Database, customer_id: str) -> bool:
    with database.read() as connection:
        return customers.by_id(connection, customer_id) is not None
