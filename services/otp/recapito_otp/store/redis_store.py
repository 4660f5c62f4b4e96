"""Challenges, proofs, limits and notices in Redis: one script a mutation, times in milliseconds of the caller's clock."""

import functools
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from recapito_otp.domain import Challenge, Channel, Delivery, Finding, Limit, Outcome
from recapito_otp.store import keys
from recapito_otp.store.scripts import script
from recapito_servicekit.errors import Kind, Refusal, not_found
from recapito_servicekit.redis_pipe import Argument, RedisPipe

# how long what is over can still be told apart from what never was
KEPT: Final = timedelta(hours=1)
# a mobile that confirmed no code for so long is a stranger again
CONFIRMED_KEPT: Final = timedelta(days=365)
NOTICE_KEPT: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_KEPT_MS: Final = KEPT // _MILLISECOND
_CONFIRMED_MS: Final = CONFIRMED_KEPT // _MILLISECOND
# by their names: asking the enumerations costs five times as much
_CHANNELS: Final = {channel.value: channel for channel in Channel}
_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}
_DELIVERIES: Final = {delivery.value: delivery for delivery in Delivery}
_VIEW: Final = ("masked", "channel", "expires", "resend", "attempts", "spent", "delivery", "reason")
_ISSUE: Final = script("limits.lua", "ended.lua", "issue.lua")
_RESEND: Final = script("limits.lua", "ended.lua", "resend.lua")
_COUNT_ONCE: Final = script("limits.lua", "count_once.lua")
_CHECK: Final = script("ended.lua", "check.lua")
_CANCEL: Final = script("cancel.lua")
_END_SUBJECT: Final = script("ended.lua", "end_subject.lua")
_CONSUME: Final = script("consume_proof.lua")
_NOTICE: Final = script("queue_notice.lua")


class NewChallenge(NamedTuple):
    """What is written of a challenge. ``alias`` stands for the destination, ``digest`` for the code; the rest is sealed."""

    shard: int
    challenge_id: str
    issuer: str
    subject: str
    purpose: str
    transaction: str
    alias: str
    masked: str
    channel: Channel
    attempts: int
    digest: str
    lifetime: timedelta
    resend_after: timedelta
    envelope: str
    job: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What a resend needs of a challenge. ``envelope``: its message without the code; ``free``: the last one failed."""

    envelope: str
    subject: str
    purpose: str
    alias: str
    channel: Channel
    free: bool


@dataclass(frozen=True, slots=True)
class NewCode:
    """What a resend changes."""

    digest: str
    expires_at: datetime
    resend_at: datetime
    job: str


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof was spent for."""

    issuer: str
    approved_at: datetime
    challenge_id: str
    envelope: str


class Unconfirmed(Exception):
    """Raised when the destination never confirmed a code; nothing was done."""


class RedisStore:
    """Every method raises Refusal UNAVAILABLE where Redis can't be asked or its answer got lost."""

    def __init__(self, pipe: RedisPipe) -> None:
        self._pipe = pipe

    async def is_ready(self) -> bool:
        """Whether Redis answers."""
        return bool(await self._pipe.call("PING"))

    async def count_client(self, alias: str, kind: str, request: str, limit: Limit, now: datetime) -> None:
        """Counts a send against a client address, the same request once. Raises RESOURCE_EXHAUSTED."""
        wait = await self._count_once(keys.client(alias, kind), request, limit, now)
        if wait:
            raise _too_many("TOO_MANY_FROM_CLIENT", "too many messages were asked for from this address", wait)

    async def count_prefix(self, prefix: str, kind: str, send: str, limit: Limit, now: datetime) -> None:
        """Counts a send against the prefix that it goes to, the same one once. Raises RESOURCE_EXHAUSTED."""
        wait = await self._count_once(keys.prefix(prefix, kind), send, limit, now)
        if wait:
            raise _too_many("PREFIX_STOPPED", "too many messages went to never-confirmed numbers of this prefix", wait)

    async def uncount_prefix(self, prefix: str, kind: str, send: str) -> None:
        """Takes back what was counted of a send that did not come about."""
        await self._pipe.call("ZREM", keys.prefix(prefix, kind), send)

    def _count_once(self, key: str, member: str, limit: Limit, now: datetime) -> Awaitable[int]:
        return self._pipe.run(_COUNT_ONCE, (key,), (_ms(now), member, limit.most, _span(limit.window)))

    async def issue(self, new: NewChallenge, limits: tuple[Limit, ...], now: datetime, *, stranger: bool) -> Challenge:
        """Writes a challenge, counts its send and queues its job; one that is there already is given as it stands.

        Raises RESOURCE_EXHAUSTED; Unconfirmed, unless it may be a ``stranger``.
        """
        found = (
            keys.challenge(new.shard, new.challenge_id),
            keys.sends(new.shard, new.alias, new.purpose),
            keys.jobs(new.shard),
            keys.epoch(new.shard, new.issuer, new.subject),
            keys.confirmed(new.shard),
        )
        at, lifetime, known = _ms(now), _span(new.lifetime), "" if stranger else new.alias
        arguments: tuple[Argument, ...] = (
            at,
            new.challenge_id,
            new.job,
            lifetime + _KEPT_MS,
            known,
            *_windows(limits),
            *("issuer", new.issuer, "subject", new.subject, "purpose", new.purpose, "transaction", new.transaction),
            *("alias", new.alias, "masked", new.masked, "channel", new.channel, "attempts", new.attempts),
            *("digest", new.digest, "envelope", new.envelope),
            *("expires", at + lifetime, "resend", at + _span(new.resend_after)),
        )
        answer = await self._pipe.run(_ISSUE, found, arguments)
        status = answer[0]
        if status == "UNCONFIRMED":
            raise Unconfirmed
        if status == "LIMITED":
            raise _too_many("TOO_MANY_TO_DESTINATION", "too many messages went to this destination", answer[1])
        return _challenge(new.challenge_id, answer[1])

    async def check(
        self,
        shard: int,
        challenge_id: str,
        caller: str,
        subject: str,
        purpose: str,
        transaction: str,
        digests: str,
        proof_digest: str,
        proof_lifetime: timedelta,
        now: datetime,
    ) -> Finding:
        """Counts a guess, compares it (``digests``: by each pepper, separated by blanks), approves once. Raises NOT_FOUND."""
        lifetime = _span(proof_lifetime)
        outcome, left = await self._pipe.run(
            _CHECK,
            (
                *(keys.challenge(shard, challenge_id), keys.proof(shard, proof_digest)),
                *(keys.epoch(shard, caller, subject), keys.confirmed(shard)),
            ),
            (
                *(_ms(now), caller, subject, purpose, transaction, digests, challenge_id),
                *(lifetime, lifetime + _KEPT_MS, _CONFIRMED_MS),
            ),
        )
        if outcome == "NOT_FOUND":
            raise not_found("challenge")
        return Finding(_OUTCOMES[outcome], left)

    async def get(self, shard: int, challenge_id: str, caller: str, subject: str) -> Challenge:
        """A challenge that ``caller`` had issued, for ``subject`` where that isn't empty. Raises NOT_FOUND."""
        issuer, whose, *view = await self._pipe.call("HMGET", keys.challenge(shard, challenge_id), "issuer", "subject", *_VIEW)
        if issuer != caller or subject not in ("", whose):
            raise not_found("challenge")
        return _challenge(challenge_id, view)

    async def kept(self, shard: int, challenge_id: str, caller: str) -> Kept:
        """What a resend needs. Raises NOT_FOUND."""
        issuer, envelope, subject, purpose, alias, channel, free = await self._pipe.call(
            *(
                "HMGET",
                keys.challenge(shard, challenge_id),
                "issuer",
                "envelope",
                "subject",
                "purpose",
                "alias",
                "channel",
                "free",
            )
        )
        if issuer != caller:
            raise not_found("challenge")
        return Kept(envelope, subject, purpose, alias, Channel(channel), free == "1")

    async def resend(
        self,
        shard: int,
        challenge_id: str,
        caller: str,
        kept: Kept,
        new: NewCode,
        limits: tuple[Limit, ...],
        now: datetime,
        *,
        stranger: bool,
    ) -> Challenge:
        """Replaces the code and queues the new one. Raises NOT_FOUND, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, Unconfirmed."""
        status, *rest = await self._pipe.run(
            _RESEND,
            (
                *(keys.challenge(shard, challenge_id), keys.sends(shard, kept.alias, kept.purpose), keys.jobs(shard)),
                *(keys.epoch(shard, caller, kept.subject), keys.confirmed(shard)),
            ),
            [
                *(_ms(now), challenge_id, new.job, _span(new.expires_at - now + KEPT), "" if stranger else kept.alias),
                *_windows(limits),
                *(caller, new.digest, _ms(new.expires_at), _ms(new.resend_at)),
            ],
        )
        if status == "NOT_FOUND":
            raise not_found("challenge")
        if status == "CLOSED":
            raise Refusal(
                Kind.FAILED_PRECONDITION, "CHALLENGE_CLOSED", "the challenge was approved or cancelled, or its guesses are spent"
            )
        if status == "UNCONFIRMED":
            raise Unconfirmed
        if status == "EARLY":
            raise _too_many("RESEND_TOO_EARLY", "the code was sent just now", rest[0])
        if status == "LIMITED":
            raise _too_many("TOO_MANY_TO_DESTINATION", "too many messages went to this destination", rest[0])
        return _challenge(challenge_id, rest[0])

    async def cancel(self, shard: int, challenge_id: str, caller: str) -> None:
        """Ends a challenge that wasn't approved. Raises NOT_FOUND."""
        if not await self._pipe.run(_CANCEL, (keys.challenge(shard, challenge_id),), (caller,)):
            raise not_found("challenge")

    async def end_subject(self, shard: int, issuer: str, subject: str, longest: timedelta, now: datetime) -> None:
        """Ends what a caller had issued for a subject in a shard. ``longest``: the life of a code."""
        await self._pipe.run(_END_SUBJECT, (keys.epoch(shard, issuer, subject),), (_ms(now), _span(longest + 2 * KEPT)))

    async def consume_proof(
        self, shard: int, digest: str, subject: str, purpose: str, transaction: str, spender: str, now: datetime
    ) -> Proven:
        """Spends a proof, once; ``spender`` (empty: none) gets its answer again. Raises NOT_FOUND, FAILED_PRECONDITION."""
        status, *rest = await self._pipe.run(
            _CONSUME, (keys.proof(shard, digest),), (_ms(now), subject, purpose, transaction, spender)
        )
        if status == "NOT_FOUND":
            raise not_found("proof")
        if status == "USED":
            raise Refusal(Kind.FAILED_PRECONDITION, "PROOF_USED", "the proof was spent before")
        issuer, approved, challenge_id, envelope = rest
        return Proven(issuer, _instant(approved), challenge_id, envelope)

    async def queue_notice(self, shard: int, notice_id: str, job: str) -> None:
        """Queues a notice; one that was queued before stays as it is."""
        await self._pipe.run(_NOTICE, (keys.notice(shard, notice_id), keys.jobs(shard)), (notice_id, job, _span(NOTICE_KEPT)))


def _challenge(challenge_id: str, view: Sequence[Any]) -> Challenge:
    masked, channel, expires, resend, attempts, spent, delivery, reason = view
    return Challenge(
        challenge_id,
        masked,
        _CHANNELS[channel],
        int(expires),
        int(resend),
        int(attempts) - int(spent),
        _DELIVERIES[delivery],
        reason,
    )


@functools.cache
def _windows(limits: tuple[Limit, ...]) -> tuple[int, ...]:
    figures = [figure for limit in limits for figure in (limit.most, _span(limit.window))]
    return len(figures), *figures


def _too_many(reason: str, message: str, wait_ms: int) -> Refusal:
    return Refusal(Kind.RESOURCE_EXHAUSTED, reason, message, retry_after=timedelta(milliseconds=wait_ms))


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


@functools.cache  # the settings' own, so they are few
def _span(span: timedelta) -> int:
    return span // _MILLISECOND


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)
