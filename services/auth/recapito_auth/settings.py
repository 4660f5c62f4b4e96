"""The auth service's settings. The numbers and their bounds come from the policy."""

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

from marshmallow import ValidationError

from recapito_servicekit.settings import ServerSettings, SqlSettings, between, setting

KEY_BYTES = 32


def _key(value: str) -> None:
    try:
        fits = len(base64.b64decode(value, validate=True)) == KEY_BYTES
    except binascii.Error:
        fits = False
    if not fits:
        raise ValidationError(f"must be base64 of {KEY_BYTES} bytes")


@dataclass(frozen=True, kw_only=True)
class PasswordSettings:
    """How passwords are judged and hashed."""

    company: str = setting("COMPANY", "the company's name; no password may contain it", default="Recapito")
    password_least: int = setting("PASSWORD_LEAST", "code points that a password needs", default=8, check=between(8, 64))
    argon2_memory_kib: int = setting(
        "ARGON2_MEMORY_KIB", "memory of a password hash, KiB", default=19_456, check=between(19_456, 1_048_576)
    )
    argon2_passes: int = setting("ARGON2_PASSES", "passes of a password hash", default=2, check=between(2, 20))


@dataclass(frozen=True, kw_only=True)
class EnrolmentSettings(SqlSettings, PasswordSettings):
    """What enrolling an operator needs."""

    totp_key: str = setting("TOTP_KEY", "base64 of the 32 bytes that seal operators' TOTP secrets", secret=True, check=_key)

    @property
    def totp_key_bytes(self) -> bytes:
        """The key, 32 bytes."""
        return base64.b64decode(self.totp_key)


@dataclass(frozen=True, kw_only=True)
class StateSettings(SqlSettings):
    """Where the state is."""

    redis_url: str = setting("REDIS_URL", "redis://:password@host:port/0, for sessions and what is under way", secret=True)


@dataclass(frozen=True, kw_only=True)
class AuthSettings(ServerSettings, StateSettings, EnrolmentSettings):
    """Everything that serving needs."""

    otp_address: str = setting("OTP_ADDRESS", "host:port of the otp service")
    limit_exempt_loopback: bool = setting(
        "LIMIT_EXEMPT_LOOPBACK", "do not limit sign-ins by address where they come from this machine", default=False
    )
    sign_ins_per_username: int = setting(
        "SIGN_INS_PER_USERNAME", "sign-in attempts in 5 minutes per user name", default=10, check=between(1, 100)
    )
    sign_ins_per_address: int = setting(
        "SIGN_INS_PER_ADDRESS", "sign-in attempts in 5 minutes per client address", default=30, check=between(1, 10_000)
    )
    wrong_codes_lock: int = setting(
        "WRONG_CODES_LOCK", "consecutive wrong codes after which codes are locked", default=20, check=between(5, 100)
    )
    wrong_codes_disable: int = setting(
        "WRONG_CODES_DISABLE",
        "consecutive wrong codes after which the mobile must be bound anew",
        default=100,
        check=between(5, 100),
    )
    codes_lock_minutes: int = setting("CODES_LOCK_MINUTES", "how long codes are locked", default=60, check=between(1, 1_440))
    flow_minutes: int = setting("FLOW_MINUTES", "how long a registration or sign-in may take", default=30, check=between(10, 60))
    session_idle_minutes: int = setting("SESSION_IDLE_MINUTES", "a customer's session unused", default=30, check=between(1, 60))
    session_hours: int = setting("SESSION_HOURS", "a customer's session at the longest", default=12, check=between(1, 24))
    operator_idle_minutes: int = setting(
        "OPERATOR_IDLE_MINUTES", "an operator's session unused", default=15, check=between(1, 15)
    )
    operator_session_hours: int = setting(
        "OPERATOR_SESSION_HOURS", "an operator's session at the longest", default=12, check=between(1, 12)
    )
    contact_change_minutes: int = setting(
        "CONTACT_CHANGE_MINUTES", "a contact_change_token's life", default=30, check=between(1, 30)
    )
    claims_hold_hours: int = setting(
        "CLAIMS_HOLD_HOURS", "no new claims after a change with a password alone", default=24, check=between(24, 720)
    )

    def __post_init__(self) -> None:
        if self.wrong_codes_disable < self.wrong_codes_lock:
            raise ValueError("RECAPITO_WRONG_CODES_DISABLE: must not be below RECAPITO_WRONG_CODES_LOCK")

    @property
    def flow_life(self) -> timedelta:
        """How long a registration, a sign-in or a step-up may take."""
        return timedelta(minutes=self.flow_minutes)
