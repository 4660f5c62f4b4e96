"""What keeps codes and destinations secret in Redis: keyed hashes, and sealed messages."""

import base64
import dataclasses
import hashlib
import hmac
import json
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recapito_otp.domain import SHARDS, Channel, Message

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Message))


class CannotOpen(Exception):
    """Raised when a sealed message is not one of ours, or was sealed with another key."""


def random_code(length: int) -> str:
    """A code of decimal digits, leading zeros and all, from the system's own generator."""
    return f"{secrets.randbelow(10**length):0{length}d}"


def parse_key(text: str) -> bytes:
    """The sealing key from its base64. Raises ValueError: not base64, or not 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as error:  # what is not ASCII is no binascii.Error
        raise ValueError("not base64") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"not {KEY_BYTES} bytes")
    return key


class Vault:
    """Hashes with the pepper (HMAC-SHA256), seals with the key (AES-256-GCM). What is hashed for is part of what is hashed."""

    def __init__(self, pepper: str, seal_key: bytes) -> None:
        self._pepper = pepper.encode()
        self._cipher = AESGCM(seal_key)

    def shard(self, destination: str) -> int:
        """The shard that everything about a destination lives in."""
        return int(self._keyed("shard", destination)[:8], 16) % SHARDS

    def alias(self, what: str, value: str) -> str:
        """A name for a destination or an address in a key: says nothing without the pepper."""
        return self._keyed(what, value)[:32]

    def id_of(self, shard: int, *request: str) -> str:
        """The id that a request leads to: the same request, the same id; nobody can guess one."""
        return f"{shard}-{self._keyed('id', *request)[:40]}"

    def code_digest(self, challenge_id: str, code: str) -> str:
        """How a code is kept."""
        return self._keyed("code", challenge_id, code)

    def nothing(self) -> str:
        """The digest of no code at all: a decoy's."""
        return secrets.token_hex(32)

    def seal(self, message: Message, about: str) -> str:
        """A message as it may lie in Redis, base64; opens only for the same ``about``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        fields = {name: getattr(message, name) for name in _FIELDS}
        plain = json.dumps({**fields, "params": dict(message.params)}, separators=(",", ":")).encode()
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, plain, about.encode())).decode()

    def open(self, sealed: str, about: str) -> Message:
        """The message. Raises CannotOpen."""
        try:
            raw = base64.b64decode(sealed)
            plain = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise CannotOpen from error
        fields = json.loads(plain)
        return Message(**{**fields, "channel": Channel(fields["channel"])})

    def _keyed(self, *parts: str) -> str:
        # each part carries its length, so that no two lists of parts make the same text
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.digest(self._pepper, text.encode(), hashlib.sha256).hex()
