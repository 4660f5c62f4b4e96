"""Keys beside a backup, sealed by a passphrase: Argon2id stretches it (RFC 9106, section 4, second choice), AES-256-GCM seals."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from recapito_servicekit.backup.estate import Failed
from recapito_servicekit.backup.manifest import write_private

NAME: Final = "keys.sealed"
FORMAT: Final = "recapito sealed keys 1"
LEAST_PASSPHRASE: Final = 12
_SALT: Final = 16
_NONCE: Final = 12


def seal(file: Path, secrets: Mapping[str, str], passphrase: str) -> None:
    """Writes the secrets, by variable, so that only the passphrase opens them. Raises Failed: the passphrase is too short."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise Failed(f"the passphrase needs at least {LEAST_PASSPHRASE} characters")
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, json.dumps(dict(secrets)).encode(), FORMAT.encode())
    parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    found = {"format": FORMAT, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}
    write_private(file, json.dumps(found, indent=1).encode() + b"\n")


def unseal(file: Path, passphrase: str) -> dict[str, str]:
    """The secrets again. Raises Failed."""
    try:
        found = json.loads(file.read_bytes())
        salt, nonce, sealed = (base64.b64decode(found[name], validate=True) for name in ("salt", "nonce", "sealed"))
    except FileNotFoundError:
        raise Failed(f"there is no {file}: the backup was made without --with-keys") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{file} can't be read: {type(error).__name__}") from None
    try:
        plain = AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, FORMAT.encode())
    except (InvalidTag, ValueError):
        raise Failed("the passphrase doesn't open the keys, or the file was changed") from None
    opened: dict[str, str] = json.loads(plain)
    return opened


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024).derive(passphrase.encode())
