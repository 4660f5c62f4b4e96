"""What providers say of arrival, noted with the challenge; plain code."""

from datetime import datetime
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError

from recapito_otp.domain import Delivery
from recapito_otp.store import keys
from recapito_otp.store.scripts import script

_RECEIPT: Final = script("delivery.lua", "receipt.lua")


class RedisReceipts:
    """Thread-safe, as its client is."""

    def __init__(self, client: "redis.Redis") -> None:
        self._redis: Any = client  # the library's annotations mix plain and awaitable answers

    def note(self, shard: int, challenge_id: str, generation: int, delivery: Delivery, reason: str, now: datetime) -> bool:
        """Whether it was news of the challenge's newest code. Raises redis.exceptions.RedisError."""
        milliseconds = int(now.timestamp() * 1000)
        arguments = (1, keys.challenge(shard, challenge_id), generation, delivery.value, reason, milliseconds)
        try:
            return bool(self._redis.evalsha(_RECEIPT.sha, *arguments))
        except NoScriptError:
            return bool(self._redis.eval(_RECEIPT.text, *arguments))
