"""What the OTP service is told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marshmallow import ValidationError

from recapito_otp.domain import Limit, Rules
from recapito_otp.senders.twilio import TwilioSettings
from recapito_servicekit import keylists, redis_url
from recapito_servicekit.mail import MailSettings
from recapito_servicekit.settings import ServerSettings, WorkSettings, between, setting

SMS_SENDERS: Final = frozenset({"mail", "twilio"})
LEAST_PEPPER: Final = 32
TEN_MINUTES: Final = timedelta(minutes=10)


def _are_senders(text: str) -> None:
    names = text.split(",")
    if not set(names) <= SMS_SENDERS or len(set(names)) != len(names):
        raise ValidationError("any of " + ", ".join(sorted(SMS_SENDERS)) + ", each once, with commas between")


@dataclass(frozen=True, kw_only=True)
class OtpSettings(ServerSettings, WorkSettings, MailSettings, TwilioSettings):
    """Bounds are those of policy.md."""

    redis_url: str = setting(
        "REDIS_URL", "redis://, rediss:// (TLS) or unix:// with its password", secret=True, check=redis_url.check
    )
    otp_pepper: str = setting(
        "OTP_PEPPER",
        "the keys of the hashes that codes are kept as: the first for new codes, all to check them",
        secret=True,
        least=LEAST_PEPPER,
        check=keylists.check_listed,
    )
    otp_names_key: str = setting(
        "OTP_NAMES_KEY",
        "the key of names in Redis (counters of sends, confirmed numbers); set it to the pepper before that is changed, and "
        "leave it; empty: the first pepper",
        default="",
        secret=True,
    )
    otp_seal_key: str = setting(
        "OTP_SEAL_KEY", "the keys that messages are sealed with in Redis", secret=True, check=keylists.check_keys
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
    otp_prefix_sends_an_hour: int = setting(
        "OTP_PREFIX_SENDS_AN_HOUR",
        "texts to never-confirmed mobiles of one prefix, before it is stopped",
        default=50,
        check=between(1, 100_000),
    )
    limit_exempt_loopback: bool = setting(
        "LIMIT_EXEMPT_LOOPBACK", "don't count clients on this machine", default=False, production=False
    )
    otp_lease_seconds: int = setting(
        "OTP_LEASE_SECONDS", "until another worker takes over what a dead one had in hand", default=30, check=between(1, 300)
    )
    sms_senders: str = setting(
        "SMS_SENDERS",
        "how texts leave, with commas between: mail (a gateway), twilio; the next one gets what the one before doesn't take",
        default="mail",
        check=_are_senders,
    )
    sms_mail_domain: str = setting("SMS_MAIL_DOMAIN", "the domain of the mail-to-SMS gateway", default="sms.test")
    portal_domain: str = setting("PORTAL_DOMAIN", "the portal's domain, by which a phone fills codes in", default="localhost")
    portal_url: str = setting(
        "PORTAL_URL", "the portal's address for links of notices, no slash at the end; empty: notices have no links", default=""
    )
    help_contact: str = setting("HELP_CONTACT", "where customers find help", default="assistenza@recapito.example")

    def __post_init__(self) -> None:
        """Raises ValueError: what doesn't go together, or what production doesn't take."""
        if "twilio" in self.sms_senders and not (self.twilio_account_sid and self.twilio_auth_token and self.twilio_from):
            raise ValueError("RECAPITO_SMS_SENDERS: twilio needs RECAPITO_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _FROM")
        if self.twilio_callback_bind and not (self.twilio_callback_url and self.twilio_auth_token):
            raise ValueError("RECAPITO_TWILIO_CALLBACK_BIND needs RECAPITO_TWILIO_CALLBACK_URL and RECAPITO_TWILIO_AUTH_TOKEN")
        if self.environment != "production":
            return
        keylists.demand_length("RECAPITO_OTP_PEPPER", self.otp_pepper, LEAST_PEPPER)
        if not self.twilio_api_url.startswith("https://"):
            raise ValueError("RECAPITO_TWILIO_API_URL: https in production")
        if any(len(set(key)) < LEAST_PEPPER // 4 for key in self.seal_keys()):
            raise ValueError("RECAPITO_OTP_SEAL_KEY: not random; make one with: openssl rand -base64 32")

    def peppers(self) -> tuple[str, ...]:
        """The current one first."""
        return keylists.listed(self.otp_pepper)

    def seal_keys(self) -> tuple[bytes, ...]:
        """The current one first."""
        return keylists.keys(self.otp_seal_key)

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
            per_prefix=Limit(self.otp_prefix_sends_an_hour, timedelta(hours=1)),
            exempt_loopback=self.limit_exempt_loopback,
        )
