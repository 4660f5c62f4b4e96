"""Random ids and tokens, from the system's own generator."""

import hashlib
import secrets
import uuid


def new_id() -> str:
    """An id, 32 hex digits."""
    return uuid.uuid4().hex


def new_token() -> str:
    """A bearer token, 256 bit, URL-safe."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """How a token is kept: its SHA-256, hex. A token has 256 random bits, so it needs neither salt nor stretching."""
    return hashlib.sha256(token.encode()).hexdigest()
