"""What a service tells of itself, so that one implementation backs up and restores them all."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa


class Blobs(Protocol):
    """Bytes by key, as ``recapito_documents.blobs`` keeps them."""

    def put(self, key: str, data: bytes) -> None:
        """Keeps the bytes, wholly and durably when it returns."""

    def get(self, key: str) -> bytes:
        """The bytes. Raises LookupError."""


class Failed(Exception):
    """Raised when a backup or a restore can't be done; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Estate:
    """A service's belongings.

    ``named``: the keys of the blobs that rows name, on a connection with a consistent view. ``needed``: how many rows need which
    key, by the key's id. ``held``: the keys of the settings, id to check value. ``secrets``: what ``--with-keys`` seals, the text
    by variable. ``afterwards``: the commands that a restore ends with.
    """

    service: str
    package: Path
    database_url: str
    named: Callable[[sa.Connection], Iterable[str]]
    needed: Callable[[sa.Connection], Mapping[str, int]]
    held: Mapping[str, str]
    secrets: Mapping[str, str]
    blobs: Blobs | None = None
    afterwards: tuple[str, ...] = ()


def check_value(key: bytes) -> str:
    """Tells one key of 32 random bytes from another, and nothing of the key: 16 hex digits."""
    return hmac.digest(key, b"recapito key check 1", hashlib.sha256)[:8].hex()


def no_blobs(_: sa.Connection) -> Iterable[str]:
    """For a service without blobs."""
    return ()
