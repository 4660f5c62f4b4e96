"""The audit's chain: each record's body holds the hash of the one before, so that none can be changed, moved or left out."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

FIRST: Final = "0" * 64
"""What the first record holds instead of a hash before it."""


class Event(StrEnum):
    """What is recorded; stable."""

    REGISTRATION_STARTED = "REGISTRATION_STARTED"
    REGISTRATION_CODE_CHECKED = "REGISTRATION_CODE_CHECKED"
    ACCOUNT_OPENED = "ACCOUNT_OPENED"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SIGN_IN_HELD = "SIGN_IN_HELD"  # the right password, and something else is in the way
    SIGN_IN_CODE_ASKED = "SIGN_IN_CODE_ASKED"
    SIGN_IN_CODE_CHECKED = "SIGN_IN_CODE_CHECKED"
    SIGNED_IN = "SIGNED_IN"
    CODE_SENT_AGAIN = "CODE_SENT_AGAIN"
    ASSISTANCE_CODE_ASKED = "ASSISTANCE_CODE_ASKED"
    ASSISTANCE_CODE_CHECKED = "ASSISTANCE_CODE_CHECKED"
    STEP_UP_ASKED = "STEP_UP_ASKED"
    STEP_UP_CODE_CHECKED = "STEP_UP_CODE_CHECKED"
    STEPPED_UP = "STEPPED_UP"
    DEVICE_TRUSTED = "DEVICE_TRUSTED"
    DEVICE_FORGOTTEN = "DEVICE_FORGOTTEN"
    SESSION_ENDED = "SESSION_ENDED"
    SESSIONS_ENDED = "SESSIONS_ENDED"
    RECOVERY_STARTED = "RECOVERY_STARTED"
    RECOVERY_CODE_CHECKED = "RECOVERY_CODE_CHECKED"
    RECOVERED = "RECOVERED"
    PASSWORD_CHANGE_FAILED = "PASSWORD_CHANGE_FAILED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    EMAIL_CHANGE_STARTED = "EMAIL_CHANGE_STARTED"
    EMAIL_CODE_CHECKED = "EMAIL_CODE_CHECKED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    MOBILE_CHANGED = "MOBILE_CHANGED"
    MOBILE_REVERTED = "MOBILE_REVERTED"
    EVERYTHING_ENDED = "EVERYTHING_ENDED"  # every session of everybody, by the command
    CUSTOMER_FROZEN = "CUSTOMER_FROZEN"
    CUSTOMER_UNFROZEN = "CUSTOMER_UNFROZEN"
    CUSTOMER_IMPORTED = "CUSTOMER_IMPORTED"  # one that was there and changed
    CUSTOMERS_ADDED = "CUSTOMERS_ADDED"
    CUSTOMER_EXPORTED = "CUSTOMER_EXPORTED"  # all that is kept of one was handed over
    CUSTOMER_ERASED = "CUSTOMER_ERASED"  # the account, and where said the registry entry; the audit itself stays
    CUSTOMERS_FOUND = "CUSTOMERS_FOUND"
    CUSTOMER_UNLOCKED = "CUSTOMER_UNLOCKED"
    CUSTOMER_EXPLAINED = "CUSTOMER_EXPLAINED"
    OPERATOR_CREATED = "OPERATOR_CREATED"
    OPERATOR_DISABLED = "OPERATOR_DISABLED"
    OPERATOR_RESET = "OPERATOR_RESET"  # a supervisor gave them a new password, app and recovery codes
    OPERATOR_CODES_RENEWED = "OPERATOR_CODES_RENEWED"
    OPERATOR_PASSWORD_CHANGED = "OPERATOR_PASSWORD_CHANGED"
    OPERATOR_PASSWORD_CHANGE_FAILED = "OPERATOR_PASSWORD_CHANGE_FAILED"
    OPERATOR_TOTP_CHANGE_STARTED = "OPERATOR_TOTP_CHANGE_STARTED"
    OPERATOR_TOTP_CHANGED = "OPERATOR_TOTP_CHANGED"
    OPERATOR_FACTOR_WRONG = "OPERATOR_FACTOR_WRONG"  # a code of the app, or a recovery code, typed within a session
    OPERATOR_SECRETS_SEALED_ANEW = "OPERATOR_SECRETS_SEALED_ANEW"  # by the command
    OPERATOR_SIGNED_IN = "OPERATOR_SIGNED_IN"
    OPERATOR_SIGN_IN_FAILED = "OPERATOR_SIGN_IN_FAILED"
    OPERATOR_SIGNED_OUT = "OPERATOR_SIGNED_OUT"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened. ``operator_id``: who did it, where an operator did; ``details``: no secret, no full contact, no name."""

    event: Event
    customer_id: str = ""
    operator_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def canonical(body: dict[str, Any]) -> str:
    """The one way to write a body: keys in order, no blanks, UTF-8 as it is."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(body: str) -> str:
    """The hash of a record: SHA-256, hex."""
    return hashlib.sha256(body.encode()).hexdigest()
