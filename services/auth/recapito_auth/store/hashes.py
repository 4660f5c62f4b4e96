"""Password hashes: Argon2id, by as many threads as there are cores.

Threads of their own, for each keeps the 19 MiB that its first hash took: hashed in whatever thread a flow has, every one of them
would, and each hash would begin with other memory, out of every cache.
"""

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from recapito_auth.domain import passwords
from recapito_servicekit.errors import Kind, Refusal

T = TypeVar("T")
WAIT_SECONDS: Final = 4.0
RETRY_AFTER: Final = timedelta(seconds=2)


class Hasher:
    """Hashes and compares, first come first served. A third hash at once on two cores makes all of them slower, so it waits."""

    def __init__(self, memory_kib: int, passes: int) -> None:
        self._argon2 = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        self._pool = ThreadPoolExecutor(cores, thread_name_prefix="hash")
        self._nobody = self._argon2.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """The password's hash with its own salt and settings in it. Raises RESOURCE_EXHAUSTED with RetryInfo."""
        return self._in_turn(self._argon2.hash, passwords.normal(password))

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the password has that hash. None: nobody's, which costs the same and never fits.

        Raises RESOURCE_EXHAUSTED with RetryInfo: so many wait already that this call would be too late.
        """
        typed = passwords.normal(password)[: passwords.MOST + 1]
        try:
            right = self._in_turn(self._argon2.verify, password_hash or self._nobody, typed)
        except (VerificationError, InvalidHashError):
            return False
        return right and password_hash is not None

    def outgrown(self, password_hash: str) -> bool:
        """Whether the hash was made with lower settings than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _in_turn(self, hashing: Callable[..., T], *args: str) -> T:
        job = self._pool.submit(hashing, *args)
        try:
            return job.result(WAIT_SECONDS)
        except TimeoutError:
            if job.cancel():  # nobody began with it
                raise Refusal(
                    Kind.RESOURCE_EXHAUSTED, "TOO_BUSY", "too many passwords wait to be hashed", retry_after=RETRY_AFTER
                ) from None
        return job.result()
