"""What the OTP service is told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marshmallow import ValidationError

from recapito_otp.domain import Limit, Rules
from recapito_otp.vault import parse_key
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.settings import ServerSettings, between, setting

LEAST_PEPPER: Final = 32
TEN_MINUTES: Final = timedelta(minutes=10)


def _is_key(text: str) -> None:
    try:
        parse_key(text)
    except ValueError as error:
        raise ValidationError(f"{error}: 32 random bytes in base64 are needed") from None


@dataclass(frozen=True, kw_only=True)
class OtpSettings(ServerSettings, MailSettings):
    """Bounds are those of policy.md."""

    redis_url: str = setting("REDIS_URL", "redis://, rediss:// or unix:// with its password", secret=True)
    otp_pepper: str = setting("OTP_PEPPER", "the key of the hashes that codes are kept as", secret=True)
    otp_seal_key: str = setting(
        "OTP_SEAL_KEY", "the key that messages are sealed with in Redis: 32 bytes, base64", secret=True, check=_is_key
    )
    otp_length: int = setting("OTP_LENGTH", "digits of a code", default=6, check=between(6, 10))
    otp_lifetime_seconds: int = setting("OTP_LIFETIME_SECONDS", "how long a code lives", default=300, check=between(60, 600))
    otp_attempts: int = setting("OTP_ATTEMPTS", "guesses compared per challenge", default=5, check=between(1, 5))
    otp_resend_seconds: int = setting("OTP_RESEND_SECONDS", "until a code may be sent again", default=60, check=between(30, 600))
    otp_proof_seconds: int = setting(
        "OTP_PROOF_SECONDS", "how long an approved code may be made use of", default=1800, check=between(60, 1800)
    )
    otp_sends_in_10_minutes: int = setting(
        "OTP_SENDS_IN_10_MINUTES", "codes per destination and purpose", default=3, check=between(1, 10)
    )
    otp_sends_a_day: int = setting("OTP_SENDS_A_DAY", "codes per destination and purpose", default=10, check=between(1, 50))
    otp_client_sends_in_10_minutes: int = setting(
        "OTP_CLIENT_SENDS_IN_10_MINUTES", "codes asked for from one client address", default=20, check=between(1, 1000)
    )
    limit_exempt_loopback: bool = setting("LIMIT_EXEMPT_LOOPBACK", "don't count clients on this machine", default=False)
    otp_lease_seconds: int = setting(
        "OTP_LEASE_SECONDS", "until another worker takes over what a dead one had in hand", default=30, check=between(1, 300)
    )
    sms_mail_domain: str = setting("SMS_MAIL_DOMAIN", "the domain of the mail-to-SMS gateway", default="sms.test")
    portal_domain: str = setting("PORTAL_DOMAIN", "the portal's domain, by which a phone fills codes in", default="localhost")
    help_contact: str = setting("HELP_CONTACT", "where customers find help", default="assistenza@recapito.example")

    def __post_init__(self) -> None:
        """Raises ValueError: what production doesn't take."""
        if self.environment == "production" and len(self.otp_pepper) < LEAST_PEPPER:
            raise ValueError(f"RECAPITO_OTP_PEPPER: at least {LEAST_PEPPER} characters in production")
        if self.environment == "production" and len(set(parse_key(self.otp_seal_key))) < LEAST_PEPPER // 4:
            raise ValueError("RECAPITO_OTP_SEAL_KEY: not random; make one with: openssl rand -base64 32")

    def rules(self) -> Rules:
        """The numbers for the flows."""
        return Rules(
            code_length=self.otp_length,
            lifetime=timedelta(seconds=self.otp_lifetime_seconds),
            attempts=self.otp_attempts,
            resend_after=timedelta(seconds=self.otp_resend_seconds),
            proof_lifetime=timedelta(seconds=self.otp_proof_seconds),
            per_destination=(
                Limit(self.otp_sends_in_10_minutes, TEN_MINUTES),
                Limit(self.otp_sends_a_day, timedelta(days=1)),
            ),
            per_client=Limit(self.otp_client_sends_in_10_minutes, TEN_MINUTES),
            exempt_loopback=self.limit_exempt_loopback,
        )
