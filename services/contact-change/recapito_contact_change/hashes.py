"""Documents' numbers as keyed hashes, so that one is found again and no index holds it in plain.

The key comes of the key that wraps documents (HKDF, RFC 5869); a hash carries that key's id. While a ring has several keys, a
document is looked for under each; the clean-up makes hashes of an older key anew.
"""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from recapito_contact_change.form import DocumentType
from recapito_documents.keys import KeyRing


class DocumentHashes:
    """Hashes of a document's type and number."""

    def __init__(self, ring: KeyRing) -> None:
        self._keys = {key_id: _derived(key) for key_id, key in ring.keys.items()}
        self.current = ring.current

    def hash(self, type: DocumentType, number: str) -> str:
        """The hash to keep, under the current key."""
        return self._under(self.current, type, number)

    def all(self, type: DocumentType, number: str) -> list[str]:
        """Every hash that may be kept of it."""
        return [self._under(key_id, type, number) for key_id in self._keys]

    def _under(self, key_id: str, type: DocumentType, number: str) -> str:
        return f"{key_id}:{hmac.new(self._keys[key_id], f'{type} {number}'.encode(), 'sha256').hexdigest()}"


def _derived(key: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"recapito document numbers 1").derive(key)
