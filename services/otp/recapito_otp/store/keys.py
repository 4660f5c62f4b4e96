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


def dead_letters(shard: int) -> str:
    """A stream: notices that gave up, sealed."""
    return f"{{otp-{shard}}}:dead-letters"


def epoch(shard: int, issuer: str, subject: str) -> str:
    """An instant (ms): the challenges that a caller had issued for a subject until then are over."""
    return f"{{otp-{shard}}}:epoch:{issuer}:{subject}"


def confirmed(shard: int) -> str:
    """A sorted set: the aliases of mobiles that a code was confirmed from, with the instant (ms) of the last one."""
    return f"{{otp-{shard}}}:confirmed"


def client(alias: str, kind: str) -> str:
    """A sorted set: the sends that a client address asked for, by who asks."""
    return f"{{client-{alias}}}:sends:{kind}"


def prefix(prefix: str, kind: str) -> str:
    """A sorted set: the sends to never-confirmed mobiles of a prefix, by who asks."""
    return f"{{prefix-{prefix}}}:sends:{kind}"
