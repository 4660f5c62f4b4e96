"""Stops texts to never-confirmed mobiles of a prefix that gets too many: somebody earns from them (SMS pumping)."""

from collections.abc import Awaitable, Callable

from recapito_otp import metrics
from recapito_otp.domain import ANONYMOUS, Challenge, Channel, Rules, asked_by, prefix_of
from recapito_otp.store.redis_store import RedisStore, Unconfirmed
from recapito_servicekit import contacts, logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal

log = logs.get(__name__)

Send = Callable[[bool], Awaitable[Challenge]]
"""Sends, also to a mobile that never confirmed a code where the flag says so; else that raises Unconfirmed."""


class LimitPrefix:
    """What a customer asks for, to a mobile that confirmed a code before, is neither counted nor stopped: one round trip."""

    def __init__(self, store: RedisStore, rules: Rules, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    async def __call__(self, channel: Channel, destination: str, purpose: str, ip: str, send_id: str, send: Send) -> Challenge:
        """What ``send`` gives. ``send_id``: the same send, counted once. Raises RESOURCE_EXHAUSTED, and what ``send`` raises."""
        is_free = channel is not Channel.SMS or self._rules.exempts(ip)
        # a visitor must not learn from a stop who confirmed a code before, so theirs are all counted
        if is_free or purpose not in ANONYMOUS:
            try:
                return await send(is_free)
            except Unconfirmed:
                pass  # so it is counted first
        prefix, kind = prefix_of(destination), asked_by(purpose)
        try:
            await self._store.count_prefix(prefix, kind, send_id, self._rules.per_prefix, self._clock())
        except Refusal as refusal:
            if refusal.kind is Kind.RESOURCE_EXHAUSTED:
                metrics.PREFIX_STOPPED.labels(str(contacts.COUNTRY), kind).inc()
                log.warning("prefix stopped", prefix=prefix, asked_by=kind)
            raise
        try:
            return await send(True)
        except Refusal as refusal:
            if refusal.kind is not Kind.UNAVAILABLE:  # else it may have gone out all the same
                await self._store.uncount_prefix(prefix, kind, send_id)
            raise
