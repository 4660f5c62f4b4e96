"""Encryption at rest: a fresh key per document, wrapped by a key-encryption key that has an id."""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recapito_documents.errors import DocumentDamaged, UnknownKey

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12  # NIST SP 800-38D, 5.2.1.1
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")


class BadKeys(ValueError):
    """Raised when the text of a key ring can't be taken. It names the line, never the key."""


class KeyRing:
    """Key-encryption keys by id: the current one wraps, all of them unwrap."""

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.keys = dict(keys)
        self.current = current

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current!r}, ids={sorted(self._ciphers)})"

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Reads ``id:key`` a line (or between commas), the key 32 bytes in base64; the first is current. Raises BadKeys."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.replace(",", "\n").splitlines(), 1):
            if not line.strip():
                continue
            key_id, _, encoded = line.strip().partition(":")
            if not _KEY_ID.fullmatch(key_id):
                raise BadKeys(f"document keys, line {number}: expected id:key, the id of letters, digits, '.', '_' and '-'")
            if key_id in keys:
                raise BadKeys(f"document keys, line {number}: the id {key_id} stands there twice")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                key = b""
            if len(key) != _KEY_BYTES:
                raise BadKeys(f"document keys, line {number}: the key must be {_KEY_BYTES} bytes in base64")
            keys[key_id] = key
        if not keys:
            raise BadKeys("document keys: there is none")
        return cls(keys, next(iter(keys)))

    def wrap(self, document_id: str, key: bytes) -> tuple[str, bytes]:
        """Wraps a document's key with the current key: its id, and the wrapped key."""
        return self.current, _encrypt(self._ciphers[self.current], key, _wrapping(document_id, self.current))

    def unwrap(self, document_id: str, key_id: str, wrapped: bytes) -> bytes:
        """The document's key. Raises UnknownKey, and DocumentDamaged where it wasn't wrapped for this document by this key."""
        if key_id not in self._ciphers:
            raise UnknownKey(f"document {document_id} needs key {key_id}; the ring holds {', '.join(sorted(self._ciphers))}")
        return _decrypt(self._ciphers[key_id], wrapped, _wrapping(document_id, key_id), document_id)

    def rewrap(self, document_id: str, key_id: str, wrapped: bytes) -> tuple[str, bytes]:
        """The document's key wrapped by the current key instead. Raises as ``unwrap`` does."""
        return self.wrap(document_id, self.unwrap(document_id, key_id, wrapped))


def new_document_key() -> bytes:
    """A fresh key for one document."""
    return AESGCM.generate_key(_KEY_BYTES * 8)


def seal(key: bytes, data: bytes, document_id: str, page: int) -> bytes:
    """Encrypts a page (page 0: the whole file) so that it opens only as this page of this document."""
    return _encrypt(AESGCM(key), data, _content(document_id, page))


def unseal(key: bytes, sealed: bytes, document_id: str, page: int) -> bytes:
    """Decrypts a page. Raises DocumentDamaged where it was changed or is another one."""
    return _decrypt(AESGCM(key), sealed, _content(document_id, page), document_id)


def _encrypt(cipher: AESGCM, data: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, bound_to)


def _decrypt(cipher: AESGCM, sealed: bytes, bound_to: bytes, document_id: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:  # ValueError: cut too short to hold a nonce
        raise DocumentDamaged(f"document {document_id} isn't what was stored") from error


def _wrapping(document_id: str, key_id: str) -> bytes:
    return f"recapito document key 1\n{document_id}\n{key_id}".encode()


def _content(document_id: str, page: int) -> bytes:
    return f"recapito document page 1\n{document_id}\n{page}".encode()
