"""Secrets that are rotated: a setting holds one, or several separated by line breaks or commas. The first is the current one,
with which new things are made; all of them open and check what was made before.
"""

import base64
from typing import Final

from marshmallow import ValidationError

KEY_BYTES: Final = 32


def listed(text: str) -> tuple[str, ...]:
    """The entries, the current one first. Raises ValueError: there is none, or one stands there twice."""
    found = tuple(part.strip() for part in text.replace(",", "\n").splitlines() if part.strip())
    if not found:
        raise ValueError("there is none")
    if len(set(found)) < len(found):
        raise ValueError("one stands there twice")
    return found


def keys(text: str) -> tuple[bytes, ...]:
    """Keys of 32 bytes from their base64. Raises ValueError, which names the place, never the key."""
    return tuple(_key(part, number) for number, part in enumerate(listed(text), 1))


def check_listed(text: str) -> None:
    """One a line (or separated by commas), the current one first."""
    try:
        listed(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def check_keys(text: str) -> None:
    """Base64 of 32 random bytes, one key a line (or separated by commas), the current one first."""
    try:
        keys(text)
    except ValueError as error:
        raise ValidationError(f"{error}: 32 random bytes in base64 are needed, as of: openssl rand -base64 32") from None


def demand_length(variable: str, text: str, least: int) -> None:
    """Raises ValueError where an entry has fewer characters: a list must not hide a short one from the setting's own bound."""
    if any(len(part) < least for part in listed(text)):
        raise ValueError(f"{variable}: each needs at least {least} characters in production")


def _key(part: str, number: int) -> bytes:
    try:
        key = base64.b64decode(part, validate=True)
    except ValueError:  # what isn't ASCII is no binascii.Error
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"key {number} isn't base64 of {KEY_BYTES} bytes")
    return key
