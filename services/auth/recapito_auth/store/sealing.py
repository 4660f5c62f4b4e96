"""Operators' TOTP secrets, sealed with AES-GCM under the service's key."""

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12


def seal(key: bytes, operator_id: str, secret: str) -> bytes:
    """The secret sealed for one operator: nonce, then ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), operator_id.encode())


def open_sealed(keys: Sequence[bytes], operator_id: str, sealed: bytes) -> str:
    """The secret again. Raises cryptography.exceptions.InvalidTag: none of the keys, another operator, or tampered with."""
    key = key_of(keys, operator_id, sealed)
    if key is None:
        raise InvalidTag
    return _opened(key, operator_id, sealed).decode()


def key_of(keys: Sequence[bytes], operator_id: str, sealed: bytes) -> bytes | None:
    """The key that opens it. There are two at most while one is rotated: trying them is simpler than noting which."""
    for key in keys:
        try:
            _opened(key, operator_id, sealed)
        except InvalidTag:
            continue
        return key
    return None


def _opened(key: bytes, operator_id: str, sealed: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], operator_id.encode())
