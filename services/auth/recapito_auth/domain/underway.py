"""What is under way between two calls: kept for a while in Redis, never with a code, a password or a token in it
(an app's next secret is sealed)."""

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


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery. An empty ``customer_id``: a decoy, which no code ever verifies.

    ``contacts``: each needs a right code, in order; ``verified``: how many had it. An empty ``challenge_id``: the code that is
    awaited could not be sent yet.
    """

    subject: str
    customer_id: str
    epoch: int
    contacts: tuple[str, ...]
    verified: int
    challenge_id: str
    locale: str


@dataclass(frozen=True, slots=True)
class TotpChange:
    """An authenticator app's next secret, sealed (base64), that waits for a code of it.

    ``replaces``: the digest of the sealed one in use.
    """

    operator_id: str
    sealed: str
    replaces: str


@dataclass(frozen=True, slots=True)
class EmailChange:
    """A new email that waits for its code. ``taken``: it is another account's user name, so that no code ever fits."""

    customer_id: str
    epoch: int
    email: str
    taken: bool
