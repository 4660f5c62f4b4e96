"""The code of an authenticator app (RFC 6238): 6 digits, 30 seconds, one step early or late."""

import hmac
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30


def new_secret() -> str:
    """A shared secret, base32, 160 bit."""
    return pyotp.random_base32()


def uri(secret: str, name: str, issuer: str) -> str:
    """What an authenticator app enrols: ``otpauth://totp/…``."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=issuer)


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The step whose code this is; None: none of the three. Every step is compared, whichever fits."""
    app = pyotp.TOTP(secret, interval=STEP_SECONDS)
    now = int(at.timestamp()) // STEP_SECONDS
    typed = code.strip().encode()
    found = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(app.generate_otp(step).encode(), typed)]
    return found[-1] if found else None
