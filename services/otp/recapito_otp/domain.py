"""The rules of one-time codes: what a challenge is, how much is allowed, what can be taken. Pure."""

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from recapito_servicekit import contacts
from recapito_servicekit.addresses import is_ipv4
from recapito_servicekit.errors import Violation, invalid

PURPOSES: Final = frozenset({"registration", "sign_in", "step_up", "recovery", "assistance", "new_mobile", "new_email", "claim"})
ANONYMOUS: Final = frozenset({"registration", "recovery"})
"""What a visitor may ask for before any password: it is limited apart, so that it never uses up what the others need."""
# keys of one shard live on one node of a Redis Cluster; fixed, for ids and proofs carry it
SHARDS: Final = 8
NOTICE_PARAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "already_registered": (),
    "change_requested": ("masked_mobile",),
    "change_approved": ("masked_mobile",),
    "change_rejected": (),
    "password_changed": (),
    "password_recovered": (),
    "email_changed": ("masked_email",),
    "change_question": (),
    "change_cancelled": (),
    "change_expired": (),
    "change_reverted": (),
    "change_restored": (),
}
"""The notices and what each needs; other params are passed over."""
WITH_LINK: Final = frozenset({"change_requested", "change_approved", "change_rejected", "change_question"})
"""Notices that may carry a "this wasn't me" link, made of the param ``token``."""

_CHALLENGE_ID: Final = re.compile(r"[0-7]-[0-9a-f]{40}")
_PROOF: Final = re.compile(r"[0-7]-[A-Za-z0-9_-]{43}")
_HEX: Final = re.compile(r"([0-9a-f]{2}){16,64}")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, bidi and line characters


class Channel(StrEnum):
    """How a message reaches a person."""

    SMS = "SMS"
    EMAIL = "EMAIL"

    __hash__ = str.__hash__  # an enumeration's own is Python, and asked for each key of a table


class Outcome(StrEnum):
    """What a check found, by the names of the contract."""

    APPROVED = "APPROVED"
    INCORRECT = "INCORRECT"
    EXPIRED = "EXPIRED"
    EXHAUSTED = "EXHAUSTED"
    SUPERSEDED = "SUPERSEDED"
    USED = "USED"

    __hash__ = str.__hash__


class Delivery(StrEnum):
    """How far a message came. SENT: the relay or provider took it; DELIVERED: the provider says that it arrived."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"

    __hash__ = str.__hash__


class Limit(NamedTuple):
    """At most ``most`` sends in any ``window``."""

    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers of policy.md as they are set."""

    code_length: int
    lifetime: timedelta
    attempts: int
    resend_after: timedelta
    proof_lifetime: timedelta
    per_destination: tuple[Limit, ...]
    per_client: Limit
    per_prefix: Limit
    exempt_loopback: bool

    def exempts(self, ip: str) -> bool:
        """Whether what a client's address asks for isn't counted. Raises ValueError."""
        return self.exempt_loopback and bool(ip) and is_loopback(ip)


class Challenge(NamedTuple):
    """A challenge as its caller may see it."""

    challenge_id: str
    masked_destination: str
    channel: Channel
    expires: int  # ms since 1970, as resend is
    resend: int
    attempts_left: int
    delivery: Delivery
    delivery_reason: str


class Message(NamedTuple):
    """What goes to a person: a template, what it needs, and where to. A decoy's is dropped where it would be sent."""

    destination: str
    channel: Channel
    template: str
    params: Mapping[str, str]
    locale: str
    decoy: bool = False
    request_id: str = ""  # of the call that had it queued
    traceparent: str = ""

    @property
    def what(self) -> str:
        """What it is about: the purpose of a code, the template of a notice."""
        return self.params.get("purpose", self.template)


class Finding(NamedTuple):
    """What a check found. ``proof`` only with APPROVED."""

    outcome: Outcome
    attempts_left: int
    proof: str = ""


@dataclass(frozen=True, slots=True)
class SpentProof:
    """What a proof says once it is spent."""

    issued_by: str
    approved_at: datetime
    destination: str


def plain_code(typed: str) -> str:
    """A code without the spaces that a person or a phone put around and between its digits."""
    return "".join(typed.split())


def shard_of(token: str) -> int | None:
    """The shard that a challenge's id or a proof carries; None: we never made such a one."""
    return int(token[0]) if _CHALLENGE_ID.fullmatch(token) or _PROOF.fullmatch(token) else None


def asked_by(purpose: str) -> str:
    """Who asks for a purpose's codes: an address's and a prefix's sends are counted apart for each."""
    return "visitor" if purpose in ANONYMOUS else "customer"


def prefix_of(mobile: str) -> str:
    """The prefix that a mobile (E.164, Italian) is counted by: its country and the first three national digits.

    Ours: the digits that say the network a range was given to. Whoever earns from texts owns numbers by ranges, never one by one.
    """
    return mobile[: len(f"+{contacts.COUNTRY}") + 3]


@functools.lru_cache(4096)
def _address(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(ip)


def network_of(ip: str) -> str:
    """What a client's address is counted by: an IPv4 address, or the /64 that a household has of IPv6. Raises ValueError."""
    if is_ipv4(ip):
        return ip
    address = _address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)


def is_loopback(ip: str) -> bool:
    """Whether a client's address is this very machine. Raises ValueError."""
    address = _address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


class Faults:
    """Gathers what is wrong with a request, so that all of it is told together."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def raise_any(self) -> None:
        """Raises INVALID_ARGUMENT if anything was found."""
        if self._found:
            raise invalid(*self._found)

    def add(self, field: str, reason: str, description: str) -> None:
        """Notes a fault."""
        self._found.append(Violation(field, reason, description))

    def length(self, field: str, value: str, least: int, most: int) -> None:
        """Characters, both ends allowed."""
        if not least <= len(value) <= most:
            self.add(field, "LENGTH", f"{least} to {most} characters")

    def visible(self, field: str, value: str, most: int) -> None:
        """Text that a person will read: short, without characters that can't be seen."""
        self.length(field, value, 0, most)
        if value and any(unicodedata.category(character) in _UNSEEN for character in value):
            self.add(field, "CONTROL_CHARACTER", "no control, direction or line characters")

    def purpose(self, value: str) -> None:
        """One of the contract's purposes."""
        if value not in PURPOSES:
            self.add("purpose", "UNKNOWN_PURPOSE", "one of: " + ", ".join(sorted(PURPOSES)))

    def hash(self, value: str) -> None:
        """A transaction's hash, 16 to 64 bytes in lower-case hex, or nothing."""
        if value and not _HEX.fullmatch(value):
            self.add("transaction_hash", "NOT_A_HASH", "16 to 64 bytes in lower-case hex, or empty")

    def destination(self, value: str, channel: Channel | None) -> str:
        """The destination in the form it is kept in; the value itself where it is at fault."""
        if channel is None:
            self.add("channel", "UNKNOWN_CHANNEL", "CHANNEL_SMS or CHANNEL_EMAIL")
            return value
        try:
            if channel is Channel.EMAIL:
                return contacts.email(value)
            if contacts.mobile(value) != value:
                self.add("destination", "NOT_E164", "a mobile in E.164, such as +393201234519")
        except contacts.BadContact as error:
            self.add("destination", error.fault.value, "E.164 for CHANNEL_SMS, an address for CHANNEL_EMAIL")
        return value
