"""What keeps codes and destinations secret in Redis: keyed hashes, and sealed messages."""

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recapito_otp.domain import SHARDS, Channel, Message

_NONCE_BYTES: Final = 12
_BLOCK_BYTES: Final = 64  # of SHA-256
_PADS: Final = (0x36, 0x5C)  # the inner one, the outer one
_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class CannotOpen(Exception):
    """Raised when a sealed message is not one of ours, or was sealed with another key."""


def random_code(length: int) -> str:
    """A code of decimal digits, leading zeros and all, from the system's own generator."""
    return f"{secrets.randbelow(10**length):0{length}d}"


class Vault:
    """Hashes with a pepper (HMAC-SHA256), seals with a key (AES-256-GCM). What is hashed for is part of what is hashed.

    The first pepper hashes new codes and every one checks them; the first key seals and every one opens. Names in Redis
    (counters of sends, confirmed numbers, ids of requests) hang on ``names``, so that a new pepper forgets none of them; empty:
    on the first pepper.
    """

    def __init__(self, peppers: Sequence[str], seal_keys: Sequence[bytes], names: str = "") -> None:
        self._peppers = [_keyed(pepper) for pepper in peppers]
        self._names = _keyed(names or peppers[0])
        self._ciphers = [AESGCM(key) for key in seal_keys]

    def shard(self, destination: str) -> int:
        """The shard that everything about a destination lives in."""
        return int(_hashed(self._names, "shard", destination)[:8], 16) % SHARDS

    def alias(self, what: str, value: str) -> str:
        """A name for a destination or an address in a key: says nothing without the pepper."""
        return _hashed(self._names, what, value)[:32]

    def id_of(self, shard: int, *request: str) -> str:
        """The id that a request leads to: the same request, the same id; nobody can guess one."""
        return f"{shard}-{_hashed(self._names, 'id', *request)[:40]}"

    def code_digest(self, challenge_id: str, code: str) -> str:
        """How a code is kept."""
        return _hashed(self._peppers[0], "code", challenge_id, code)

    def code_digests(self, challenge_id: str, code: str) -> str:
        """How a code may have been kept: a digest a pepper, separated by blanks."""
        return " ".join([_hashed(pepper, "code", challenge_id, code) for pepper in self._peppers])

    def nothing(self) -> str:
        """The digest of no code at all: a decoy's."""
        return secrets.token_hex(32)

    def seal(self, message: Message, about: str) -> str:
        """A message as it may lie in Redis, base64; opens only for the same ``about``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = _JSON.encode(
            {
                "destination": message.destination,
                "channel": message.channel,
                "template": message.template,
                "params": dict(message.params),
                "locale": message.locale,
                "decoy": message.decoy,
                "request_id": message.request_id,
                "traceparent": message.traceparent,
            }
        ).encode()
        return base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, plain, about.encode())).decode()

    def open(self, sealed: str, about: str) -> Message:
        """The message. Raises CannotOpen."""
        fields = json.loads(self._opened(sealed, about))
        return Message(**{**fields, "channel": Channel(fields["channel"])})

    def _opened(self, sealed: str, about: str) -> bytes:
        for cipher in self._ciphers:
            try:
                raw = base64.b64decode(sealed)
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
            except (InvalidTag, ValueError):
                continue
        raise CannotOpen


class _Key(NamedTuple):
    """The two hashes of an HMAC (RFC 2104) with the key in them already: copies of them cost half of what ``hmac`` takes."""

    inner: "hashlib._Hash"
    outer: "hashlib._Hash"


def _keyed(pepper: str) -> _Key:
    key = pepper.encode()
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return _Key(*(hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in _PADS))


def _hashed(key: _Key, *parts: str) -> str:
    # each part carries its length, so that no two lists of parts make the same text
    text = "".join([f"{len(part)}:{part}" for part in parts])
    inner, outer = key.inner.copy(), key.outer.copy()
    inner.update(text.encode())
    outer.update(inner.digest())
    return outer.hexdigest()
