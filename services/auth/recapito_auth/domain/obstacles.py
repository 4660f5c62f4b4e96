"""What stands in a customer's way at sign-in, in stable codes with times."""

from dataclasses import dataclass
from datetime import datetime

from recapito_auth.domain.customers import Account, Customer


@dataclass(frozen=True, slots=True)
class Obstacle:
    """``blocks``: it is in the way; else a code is asked for, or something else is closed. ``until``: it passes by itself."""

    code: str
    blocks: bool
    at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the rules are set to: failures that are a burst, wrong codes that disable codes."""

    burst: int
    disable: int


def of(
    customer: Customer, account: Account | None, now: datetime, username_locked_until: datetime | None, bounds: Bounds
) -> list[Obstacle]:
    """What is in the way first, then the rest; nothing: the customer can sign in."""
    frozen = [Obstacle("FROZEN", False, customer.frozen_at)] if customer.frozen_at is not None else []
    if account is None:
        return [Obstacle("NOT_REGISTERED", True), *frozen]
    since = account.last_code_at or account.created_at
    blocking = {
        Obstacle("USERNAME_LOCKED", True, until=username_locked_until): username_locked_until is not None,
        Obstacle("CODES_DISABLED", True): account.wrong_codes >= bounds.disable,
        Obstacle("CODES_LOCKED", True, until=account.codes_locked_until): (
            account.codes_locked_until is not None and account.codes_locked_until > now
        ),
        Obstacle("NO_MOBILE_ON_FILE", True): not customer.mobile,
        Obstacle("CONTACT_CHANGE_ONLY", True, account.recovered_at): account.contact_change_only,
    }
    changes = {
        "CONTACT_CHANGED": customer.contact_changed_at,
        "PASSWORD_CHANGED": account.password_changed_at,
        "RECOVERED": account.recovered_at,
    }
    return [
        *(obstacle for obstacle, holds in blocking.items() if holds),
        *frozen,
        *([Obstacle("USERNAME_NOT_ON_FILE", False)] if account.username not in (customer.mobile, customer.email) else []),
        *([Obstacle("FAILED_ATTEMPTS", False)] if max(account.failed_passwords, account.wrong_codes) >= bounds.burst else []),
        *(Obstacle(code, False, at) for code, at in changes.items() if at is not None and at >= since),
    ]
