"""The jobs of one shard as a delivery worker sees them: plain code on a connection of its own.

A job is an entry of a stream. Who reads it has it in hand for the lease; one that nobody finished by then goes to the next
worker, so a worker that dies loses nothing. A failed try shortens what is left of the lease to the pause before the next try.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, ResponseError
from redis.retry import Retry

from recapito_otp.domain import Delivery
from recapito_otp.store import keys
from recapito_otp.store.scripts import script

# how long a read waits for a job; a blocked read is woken by the job itself
BLOCK: Final = timedelta(seconds=1)
# all workers are one consumer: a job in hand is told by its idle time alone, and no dead consumer's name piles up
CONSUMER: Final = "worker"
MOST_DEAD_LETTERS: Final = 10_000  # a shard; the oldest go first
_QUEUE_AGAIN: Final = script("queue_again.lua")
_FINISH: Final = script("delivery.lua", "finish_job.lua")


@dataclass(frozen=True, slots=True)
class Job:
    """A message in hand.

    ``about``: the challenge's or notice's id; ``generation``: which code of the challenge, 0 for a notice; ``tries``: how many
    times the job was handed out, this time included.
    """

    entry: str
    about: str
    generation: int
    sealed: str
    tries: int

    def queued_at(self) -> datetime:
        """When it was queued: a stream's entries are named by Redis' clock."""
        return datetime.fromtimestamp(int(self.entry.partition("-")[0]) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A notice that gave up: its id, why, and when."""

    entry: str
    about: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CodeState:
    """What a challenge says of a code that is to be sent. ``closed``: it was cancelled, or its subject's were ended."""

    generation: int
    approved: bool
    closed: bool
    expires_at: datetime


def connect(url: str) -> "redis.Redis":
    """A connection for one thread, with its timeouts."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        protocol=2,
        socket_timeout=BLOCK.total_seconds() + 2,
        socket_connect_timeout=2,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


class RedisJobs:
    """The stream of a shard. Every method raises redis.exceptions.RedisError where Redis can't be asked."""

    def __init__(self, client: "redis.Redis", shard: int, lease: timedelta) -> None:
        self._redis: Any = client  # the library's annotations mix plain and awaitable answers
        self._shard = shard
        self._stream = keys.jobs(shard)
        self._lease_ms = int(lease.total_seconds() * 1000)

    def next(self) -> Job | None:
        """The next job: one that somebody left lying, else a new one, waiting for it a moment. None: there is none."""
        try:
            if left := self._redis.xautoclaim(self._stream, keys.GROUP, CONSUMER, self._lease_ms, count=1)[1]:
                return self._taken_over(*left[0])
            fresh = self._redis.xreadgroup(
                keys.GROUP, CONSUMER, {self._stream: ">"}, count=1, block=int(BLOCK.total_seconds() * 1000)
            )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            return None
        if not fresh:
            return None
        entry, fields = fresh[0][1][0]
        return _job(entry, fields, tries=1)

    def waiting(self) -> int:
        """How many jobs are not finished."""
        return int(self._redis.xlen(self._stream))

    def code_state(self, job: Job) -> CodeState | None:
        """The challenge that the job's code belongs to; None: it is gone."""
        generation, approved, expires, cancelled, epoch, issuer, subject = self._redis.hmget(
            keys.challenge(self._shard, job.about),
            *("generation", "approved", "expires", "cancelled", "epoch", "issuer", "subject"),
        )
        if generation is None:
            return None
        ended = int(epoch) < int(self._redis.get(keys.epoch(self._shard, issuer, subject)) or 0)
        expires_at = datetime.fromtimestamp(int(expires) / 1000, UTC)
        return CodeState(int(generation), approved is not None, cancelled is not None or ended, expires_at)

    def finish(self, job: Job, delivery: Delivery, now: datetime, reason: str = "") -> None:
        """Notes how far the message came and takes the job away, both or neither. A notice that failed becomes a dead letter."""
        arguments = (
            *(3, keys.challenge(self._shard, job.about), self._stream, keys.dead_letters(self._shard)),
            *(keys.GROUP, job.entry, job.generation, delivery.value, reason, int(now.timestamp() * 1000)),
            *(job.about, job.sealed, MOST_DEAD_LETTERS),
        )
        try:
            self._redis.evalsha(_FINISH.sha, *arguments)
        except NoScriptError:
            self._redis.eval(_FINISH.text, *arguments)

    def again_after(self, job: Job, pause: timedelta, *, counts: bool = True) -> None:
        """Leaves the job for another try after ``pause``, at most the lease. ``counts``: whether this one counts as a try."""
        idle = max(0, self._lease_ms - int(pause.total_seconds() * 1000))
        tries = job.tries if counts else job.tries - 1
        self._redis.xclaim(self._stream, keys.GROUP, CONSUMER, 0, [job.entry], idle=idle, retrycount=tries, justid=True)

    def dead_letters(self) -> list[DeadLetter]:
        """The notices that gave up, the oldest first."""
        return [
            DeadLetter(entry, fields["about"], fields["reason"], datetime.fromtimestamp(int(fields["at"]) / 1000, UTC))
            for entry, fields in self._redis.xrange(keys.dead_letters(self._shard))
        ]

    def resend(self, letter: DeadLetter) -> bool:
        """Queues a dead letter again; False: it is there no more."""
        arguments = (2, keys.dead_letters(self._shard), self._stream, letter.entry)
        return bool(self._redis.eval(_QUEUE_AGAIN.text, *arguments))

    def _taken_over(self, entry: str, fields: dict[str, str]) -> Job:
        found = self._redis.xpending_range(self._stream, keys.GROUP, entry, entry, 1)
        return _job(entry, fields, tries=int(found[0]["times_delivered"]))

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self._stream, keys.GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise


def _job(entry: str, fields: dict[str, str], tries: int) -> Job:
    return Job(entry, fields["about"], int(fields["generation"]), fields["job"], tries)
