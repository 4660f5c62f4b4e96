"""The auth service's settings. The numbers and their bounds come from the policy."""

from dataclasses import dataclass
from datetime import timedelta

from recapito_servicekit import keylists, redis_url
from recapito_servicekit.settings import ServerSettings, SqlSettings, WorkSettings, between, setting


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

    totp_key: str = setting(
        "TOTP_KEY", "the keys that operators' TOTP secrets are sealed with", secret=True, check=keylists.check_keys
    )

    @property
    def totp_keys(self) -> tuple[bytes, ...]:
        """The keys, 32 bytes each, the current one first."""
        return keylists.keys(self.totp_key)


@dataclass(frozen=True, kw_only=True)
class StateSettings(SqlSettings):
    """Where the state is."""

    redis_url: str = setting(
        "REDIS_URL",
        "redis://:password@host:port/0, for sessions and what is under way; rediss:// with TLS",
        secret=True,
        check=redis_url.check,
    )


@dataclass(frozen=True, kw_only=True)
class AuthSettings(ServerSettings, WorkSettings, StateSettings, EnrolmentSettings):
    """Everything that serving needs."""

    otp_address: str = setting("OTP_ADDRESS", "host:port of the otp service")
    limit_exempt_loopback: bool = setting(
        "LIMIT_EXEMPT_LOOPBACK",
        "do not limit sign-ins by address where they come from this machine",
        default=False,
        production=False,
    )
    sign_ins_per_username: int = setting(
        "SIGN_INS_PER_USERNAME", "sign-in attempts in 5 minutes per user name", default=10, check=between(1, 100)
    )
    sign_ins_per_address: int = setting(
        "SIGN_INS_PER_ADDRESS", "sign-in attempts in 5 minutes per client address", default=30, check=between(1, 10_000)
    )
    sign_ins_per_device: int = setting(
        "SIGN_INS_PER_DEVICE",
        "sign-in attempts in 5 minutes of a trusted device, which those of user name and address don't touch",
        default=10,
        check=between(1, 100),
    )
    failed_burst: int = setting(
        "FAILED_BURST",
        "failed attempts since the last right code after which a code is asked for",
        default=5,
        check=between(1, 10),
    )
    trusted_device_days: int = setting(
        "TRUSTED_DEVICE_DAYS", "how long a device is trusted, and a code counts, at sign-in", default=30, check=between(1, 30)
    )
    wrong_codes_lock: int = setting(
        "WRONG_CODES_LOCK",
        "consecutive wrong codes after which codes, an operator's app too, are locked",
        default=20,
        check=between(5, 100),
    )
    wrong_codes_disable: int = setting(
        "WRONG_CODES_DISABLE",
        "consecutive wrong codes after which the mobile, or an operator's app, must be bound anew",
        default=100,
        check=between(5, 100),
    )
    codes_lock_minutes: int = setting("CODES_LOCK_MINUTES", "how long codes are locked", default=60, check=between(1, 1_440))
    even_answer_ms: int = setting(
        "EVEN_ANSWER_MS",
        "registrations and recoveries that start are answered on a tick of so many ms after they began, so that the time tells "
        "nothing of who is known; above what the work takes",
        default=20,
        check=between(5, 500),
    )
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
    def trusted_for(self) -> timedelta:
        """How long a device is trusted, and how old the last code may be."""
        return timedelta(days=self.trusted_device_days)

    @property
    def flow_life(self) -> timedelta:
        """How long a registration, a sign-in or a step-up may take."""
        return timedelta(minutes=self.flow_minutes)
