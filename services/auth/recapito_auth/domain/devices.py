"""Trusted devices and the networks that a customer signs in from."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# what a provider gives out in one piece, roughly: a phone that gets a new address stays at home, another provider does not
_V4_BLOCK: Final = 16
_V6_BLOCK: Final = 32
_BROWSERS: Final = (
    ("Edge", re.compile(r"Edg(A|iOS)?/")),
    ("Opera", re.compile(r"OPR/|OPT/")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/")),
    ("Firefox", re.compile(r"Firefox/|FxiOS/")),
    ("Chrome", re.compile(r"Chrome/|CriOS/")),
    ("Safari", re.compile(r"Version/.*Safari/")),
)
_SYSTEMS: Final = (
    ("iPhone", re.compile("iPhone")),
    ("iPad", re.compile("iPad")),
    ("Android", re.compile("Android")),
    ("Windows", re.compile("Windows")),
    ("macOS", re.compile("Mac OS X|Macintosh")),
    ("ChromeOS", re.compile("CrOS")),
    ("Linux", re.compile("Linux")),
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that the customer trusts. Its token is kept nowhere, only the token's digest.

    ``confirmed_at``: when the code was checked that made it trusted, or did so again. With an ``epoch`` below the customer's it
    is trusted no more.
    """

    device_id: str
    customer_id: str
    label: str
    epoch: int
    created_at: datetime
    confirmed_at: datetime
    last_used_at: datetime
    expires_at: datetime


def label_of(user_agent: str) -> str:
    """What a person knows the device by, the same in every language: ``Chrome · Android``; empty: nothing is known."""
    found = (next((name for name, sign in signs if sign.search(user_agent)), "") for signs in (_BROWSERS, _SYSTEMS))
    return " · ".join(name for name in found if name)


def network_of(ip: str) -> str:
    """The block that an address is in: /16 of IPv4, /32 of IPv6; empty: no address was told."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, _V4_BLOCK if address.version == 4 else _V6_BLOCK), strict=False))
