"""Issues a code for a subject and a purpose, and queues it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, NamedTuple

from recapito_otp import metrics
from recapito_otp.domain import Challenge, Channel, Faults, Message, Rules
from recapito_otp.flows.count_client import CountClient
from recapito_otp.flows.limit_prefix import LimitPrefix
from recapito_otp.store.redis_store import NewChallenge, RedisStore
from recapito_otp.vault import Vault, random_code
from recapito_servicekit import contacts, traces
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.clock import Clock

_MINUTE: Final = timedelta(minutes=1)


class Ask(NamedTuple):
    """What a caller asks for, as it came. ``channel`` None: none that we know."""

    request_id: str
    subject: str
    purpose: str
    channel: Channel | None
    destination: str
    locale: str
    transaction_hash: str
    summary: str
    decoy: bool


class IssueChallenge:
    """A decoy takes the same way and is counted alike; its code matches nothing and its message is dropped by the worker."""

    def __init__(
        self,
        store: RedisStore,
        vault: Vault,
        rules: Rules,
        count_client: CountClient,
        limit_prefix: LimitPrefix,
        clock: Clock,
        new_code: Callable[[int], str] = random_code,
    ) -> None:
        self._store = store
        self._vault = vault
        self._rules = rules
        self._count_client = count_client
        self._limit_prefix = limit_prefix
        self._clock = clock
        self._new_code = new_code
        self._minutes = str(rules.lifetime // _MINUTE)

    async def __call__(self, caller: str, ask: Ask, client: ClientInfo) -> Challenge:
        """The challenge; the same request (all of it) gets the same one.

        Raises INVALID_ARGUMENT, RESOURCE_EXHAUSTED with when to come again, UNAVAILABLE.
        """
        channel, destination = _checked(ask)
        rules, vault, now = self._rules, self._vault, self._clock()
        shard = vault.shard(destination)
        challenge_id = vault.id_of(
            shard,
            *(caller, ask.request_id, ask.subject, ask.purpose, channel, destination),
            *(ask.transaction_hash, ask.summary, str(ask.decoy)),
        )
        await self._count_client(client, ask.purpose, challenge_id, now)
        params = {"purpose": ask.purpose, "summary": ask.summary, "minutes": self._minutes}
        envelope = Message(destination, channel, "code", params, ask.locale, ask.decoy)
        code, came = self._new_code(rules.code_length), traces.carried()
        told = {**params, "code": code}
        job = Message(destination, channel, "code", told, ask.locale, ask.decoy, came["request_id"], came["traceparent"])
        new = NewChallenge(
            shard=shard,
            challenge_id=challenge_id,
            issuer=caller,
            subject=ask.subject,
            purpose=ask.purpose,
            transaction=ask.transaction_hash,
            alias=vault.alias("destination", destination),
            masked=contacts.mask(destination),
            channel=channel,
            attempts=rules.attempts,
            digest=vault.nothing() if ask.decoy else vault.code_digest(challenge_id, code),
            lifetime=rules.lifetime,
            resend_after=rules.resend_after,
            envelope=vault.seal(envelope, f"challenge {challenge_id}"),
            job=vault.seal(job, f"job {challenge_id}"),
        )

        def send(stranger: bool) -> Awaitable[Challenge]:
            return self._store.issue(new, rules.per_destination, now, stranger=stranger)

        challenge = await self._limit_prefix(channel, destination, ask.purpose, client.ip, challenge_id, send)
        metrics.ISSUED.add(ask.purpose, channel)
        return challenge


def _checked(ask: Ask) -> tuple[Channel, str]:
    faults = Faults()
    faults.length("request_id", ask.request_id, 1, 64)
    faults.length("subject", ask.subject, 1, 128)
    faults.purpose(ask.purpose)
    destination = faults.destination(ask.destination, ask.channel)
    faults.length("locale", ask.locale, 0, 35)
    if ask.transaction_hash:
        faults.hash(ask.transaction_hash)
    if ask.summary:
        faults.visible("summary", ask.summary, 60)
    faults.raise_any()
    return ask.channel or Channel.SMS, destination  # no channel is a fault, so it has been raised by here
