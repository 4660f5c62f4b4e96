"""What is under way between two calls: kept for a while in Redis, never with a code, a password or a token in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration. An empty ``customer_id``: a decoy, which no code ever verifies."""

    subject: str
    challenge_id: str
    contact: str
    customer_id: str
    epoch: int
    verified: bool


@dataclass(frozen=True, slots=True)
class SignInUnderWay:
    """A sign-in after the right password. An empty ``challenge_id``: no code went out yet."""

    customer_id: str
    epoch: int
    mobile_missing: bool
    challenge_id: str
    reasons: tuple[str, ...] = ()
    network: str = ""
    device_id: str = ""  # the trusted device that it came from, although a code is asked for
    label: str = ""


@dataclass(frozen=True, slots=True)
class StepUp:
    """A code that a signed-in customer asked for."""

    customer_id: str
    epoch: int
    purpose: str
    transaction_hash: str
