"""Takes what a provider says of a text's arrival. It may say so late, twice, or in another order: nothing is undone by it."""

import re
from typing import Final

from recapito_otp.domain import Delivery, shard_of
from recapito_otp.store.redis_receipts import RedisReceipts
from recapito_servicekit import logs
from recapito_servicekit.clock import Clock

log = logs.get(__name__)

_MESSAGE: Final = re.compile(r"(.{1,64})\.([1-9][0-9]{0,5})")


class TakeReceipt:
    """Thread-safe."""

    def __init__(self, receipts: RedisReceipts, clock: Clock) -> None:
        self._receipts = receipts
        self._clock = clock

    def __call__(self, message_id: str, delivery: Delivery, reason: str = "") -> bool:
        """Whether it was news of a challenge's newest code. ``message_id``: the text's. Raises redis.exceptions.RedisError."""
        found = _MESSAGE.fullmatch(message_id)
        shard = shard_of(found[1]) if found else None
        if not found or shard is None:
            return False
        news = self._receipts.note(shard, found[1], int(found[2]), delivery, reason, self._clock())
        if news:
            log.info("receipt", challenge_id=found[1], delivery=delivery.value, reason=reason)
        return news
