"""The names of keys. The part in braces is one for all keys of a script's call, as Redis Cluster demands."""

from typing import Final

GROUP: Final = "deliver"
"""The consumer group of the jobs; all workers are one consumer, for a job in hand is told by its idle time alone."""


def challenge(shard: int, challenge_id: str) -> str:
    """A hash: the challenge."""
    return f"{{otp-{shard}}}:challenge:{challenge_id}"


def proof(shard: int, digest: str) -> str:
    """A hash: what a proof says, by the proof's SHA-256."""
    return f"{{otp-{shard}}}:proof:{digest}"


def sends(shard: int, alias: str, purpose: str) -> str:
    """A sorted set: the sends to a destination for a purpose."""
    return f"{{otp-{shard}}}:sends:{alias}:{purpose}"


def notice(shard: int, notice_id: str) -> str:
    """A mark: this notice was queued."""
    return f"{{otp-{shard}}}:notice:{notice_id}"


def jobs(shard: int) -> str:
    """A stream: messages to deliver, sealed."""
    return f"{{otp-{shard}}}:jobs"


def client(alias: str) -> str:
    """A sorted set: the sends that a client address asked for."""
    return f"{{client-{alias}}}:sends"
