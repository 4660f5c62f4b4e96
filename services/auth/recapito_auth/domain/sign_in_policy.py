"""When a code is asked for at sign-in (policy: a code is asked for at sign-in), and how it is said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recapito_auth.domain.customers import Account, Customer
from recapito_auth.domain.devices import Device


class Reason(StrEnum):
    """Why a code is asked for; stable."""

    FIRST_SIGN_IN = "FIRST_SIGN_IN"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    NEW_COUNTRY_OR_NETWORK = "NEW_COUNTRY_OR_NETWORK"
    CODE_TOO_OLD = "CODE_TOO_OLD"
    FAILED_ATTEMPTS = "FAILED_ATTEMPTS"
    CONTACT_CHANGED = "CONTACT_CHANGED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    RECOVERED = "RECOVERED"
    DEMANDED = "DEMANDED"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in with the right password, and what the rules are set to.

    ``device``: a device of this customer's whose token came with it, of the present epoch, outlived or not. ``max_age``: how old
    the last code may be for the caller. ``burst``: failed attempts that count as a burst. ``trusted_for``: a code's life.
    """

    at: datetime
    device: Device | None
    network_known: bool
    max_age: timedelta | None
    burst: int
    trusted_for: timedelta


def reasons(account: Account, customer: Customer, attempt: Attempt) -> list[Reason]:
    """Every reason for a code, in a fixed order; none: the password and the trusted device are enough."""
    first = account.first_signed_in_at is None
    device = attempt.device
    last_code = device.confirmed_at if device is not None else account.last_code_at
    age = attempt.at - last_code if last_code is not None else None
    since = account.last_code_at or account.created_at

    def changed(at: datetime | None) -> bool:
        return at is not None and at >= since

    found = {
        Reason.FIRST_SIGN_IN: first,
        Reason.UNKNOWN_DEVICE: device is None and not first,
        Reason.NEW_COUNTRY_OR_NETWORK: not attempt.network_known and not first,
        Reason.CODE_TOO_OLD: age is not None and age >= attempt.trusted_for,
        Reason.FAILED_ATTEMPTS: max(account.failed_passwords, account.wrong_codes) >= attempt.burst,
        Reason.CONTACT_CHANGED: changed(customer.contact_changed_at),
        Reason.PASSWORD_CHANGED: changed(account.password_changed_at),
        Reason.RECOVERED: changed(account.recovered_at),
        Reason.DEMANDED: attempt.max_age is not None and age is not None and age > attempt.max_age,
    }
    return [reason for reason, holds in found.items() if holds]
