"""Reads a challenge."""

from recapito_otp.domain import Challenge, shard_of
from recapito_otp.store.redis_store import RedisStore
from recapito_servicekit.errors import not_found


async def get_challenge(store: RedisStore, caller: str, challenge_id: str, subject: str) -> Challenge:
    """A challenge as it stands, for who had it issued. ``subject``: whose it has to be; empty: anybody's.

    Raises NOT_FOUND, UNAVAILABLE.
    """
    shard = shard_of(challenge_id)
    if shard is None:
        raise not_found("challenge")
    return await store.get(shard, challenge_id, caller, subject)
