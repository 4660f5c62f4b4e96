"""Ends challenges before their time: one, or all that are open for a subject."""

import asyncio

from recapito_otp.domain import SHARDS, Faults, Rules, shard_of
from recapito_otp.store.redis_store import RedisStore
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found


class Cancel:
    """Both may be repeated. A code that is approved while it runs may be either; afterwards none is."""

    def __init__(self, store: RedisStore, rules: Rules, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    async def challenge(self, caller: str, challenge_id: str) -> None:
        """Ends a challenge that the caller had issued; what was approved stays so. Raises NOT_FOUND, UNAVAILABLE."""
        shard = shard_of(challenge_id)
        if shard is None:
            raise not_found("challenge")
        await self._store.cancel(shard, challenge_id, caller)

    async def subject(self, caller: str, subject: str) -> None:
        """Ends all that the caller had issued for a subject: its challenges may lie in any shard, so in every one.

        Raises INVALID_ARGUMENT; UNAVAILABLE: perhaps not all of them are ended, so it must be said again.
        """
        faults = Faults()
        faults.length("subject", subject, 1, 128)
        faults.raise_any()
        now, longest = self._clock(), self._rules.lifetime
        await asyncio.gather(*(self._store.end_subject(shard, caller, subject, longest, now) for shard in range(SHARDS)))
