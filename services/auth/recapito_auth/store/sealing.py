"""Operators' TOTP secrets, sealed with AES-GCM under the service's key."""

import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12


def seal(key: bytes, operator_id: str, secret: str) -> bytes:
    """The secret sealed for one operator: nonce, then ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), operator_id.encode())


def open_sealed(key: bytes, operator_id: str, sealed: bytes) -> str:
    """The secret again. Raises cryptography.exceptions.InvalidTag: another key, another operator, or tampered with."""
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], operator_id.encode()).decode()
