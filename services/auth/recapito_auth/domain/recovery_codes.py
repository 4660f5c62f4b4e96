"""An operator's recovery codes: each stands in for a TOTP once, when the authenticator app is lost."""

import base64
import hashlib
import secrets
from typing import Final

HOW_MANY: Final = 10
_BYTES: Final = 10  # 80 bits: a hash of it needs neither salt nor stretching
_GROUP: Final = 4
LENGTH: Final = 16


def make() -> list[str]:
    """New codes: ``abcd-efgh-ijkl-mnop``."""
    return ["-".join(_groups(base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower())) for _ in range(HOW_MANY)]


def digest(typed: str) -> str:
    """How a code is kept, and found again however it is typed: the SHA-256, hex, of its letters and digits in lower case."""
    return hashlib.sha256("".join(c for c in typed.lower() if c.isalnum()).encode()).hexdigest()


def _groups(text: str) -> list[str]:
    return [text[at : at + _GROUP] for at in range(0, LENGTH, _GROUP)]
