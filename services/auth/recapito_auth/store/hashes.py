"""Password hashes: Argon2id, in the caller's thread, no more at once than there are cores."""

import os
import secrets
import threading
from datetime import timedelta
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from recapito_auth.domain import passwords
from recapito_servicekit.errors import Kind, Refusal

WAIT_SECONDS: Final = 4.0
RETRY_AFTER: Final = timedelta(seconds=2)


class Hasher:
    """Hashes and compares. A third hash at once on two cores makes all of them slower, so there is a bound."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._room = threading.BoundedSemaphore(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
        self._nobody = self._argon2.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """The password's hash with its own salt and settings in it. Raises RESOURCE_EXHAUSTED with RetryInfo."""
        self._enter()
        try:
            return self._argon2.hash(passwords.normal(password))
        finally:
            self._room.release()

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password has that hash. None: nobody's, which costs the same and never fits.

        Raises RESOURCE_EXHAUSTED with RetryInfo: so many wait already that this call would be too late.
        """
        self._enter()
        try:
            right = self._argon2.verify(password_hash or self._nobody, passwords.normal(password)[: passwords.MOST + 1])
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._room.release()
        return right and password_hash is not None

    def outgrown(self, password_hash: str) -> bool:
        """Whether the hash was made with lower settings than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _enter(self) -> None:
        if not self._room.acquire(timeout=WAIT_SECONDS):
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_BUSY", "too many passwords wait to be hashed", retry_after=RETRY_AFTER)
