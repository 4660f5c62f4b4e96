"""Addresses of clients in text form. Nearly all are IPv4, which the system reads at a tenth of ipaddress's price."""

import functools
import ipaddress
import socket


def is_ipv4(text: str) -> bool:
    """Four decimal numbers, no leading zeros: an address has one such text only."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):  # ValueError: a NUL, or what UTF-8 can't say
        return False
    return True


def is_address(text: str) -> bool:
    """IPv4 or IPv6, without a zone: that says something within one machine alone, and may be any text."""
    return is_ipv4(text) or _is_ipv6(text)


@functools.lru_cache(4096)
def _is_ipv6(text: str) -> bool:
    if "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
