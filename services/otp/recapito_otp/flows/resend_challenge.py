"""Sends a new code for the same challenge."""

from collections.abc import Callable

from recapito_otp import metrics
from recapito_otp.domain import Challenge, Rules, shard_of
from recapito_otp.flows.count_client import CountClient
from recapito_otp.flows.limit_prefix import LimitPrefix
from recapito_otp.store.redis_store import NewCode, RedisStore
from recapito_otp.vault import Vault, random_code
from recapito_servicekit import traces
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found
from recapito_servicekit.ids import new_id


class ResendChallenge:
    """The old code is superseded, the guesses stay spent, and the send counts as any other; where the old code could not be
    delivered it costs the person nothing, unless a visitor asked for it.
    """

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

    async def __call__(self, caller: str, challenge_id: str, subject: str, client: ClientInfo) -> Challenge:
        """The challenge with its new times. ``subject``: whose it has to be; empty: anybody's.

        Raises NOT_FOUND; RESOURCE_EXHAUSTED with when to come again; FAILED_PRECONDITION (CHALLENGE_CLOSED): it was approved, or
        no guess is left for a new code; UNAVAILABLE.
        """
        shard = shard_of(challenge_id)
        if shard is None:
            raise not_found("challenge")
        kept = await self._store.kept(shard, challenge_id, caller)
        if subject not in ("", kept.subject):
            raise not_found("challenge")
        rules, vault, now = self._rules, self._vault, self._clock()
        send_id = new_id()
        if not kept.free:
            await self._count_client(client, kept.purpose, send_id, now)
        envelope = vault.open(kept.envelope, f"challenge {challenge_id}")
        code = self._new_code(rules.code_length)
        new = NewCode(
            digest=vault.nothing() if envelope.decoy else vault.code_digest(challenge_id, code),
            expires_at=now + rules.lifetime,
            resend_at=now + rules.resend_after,
            job=vault.seal(
                envelope._replace(params={**envelope.params, "code": code}, **traces.carried()), f"job {challenge_id}"
            ),
        )

        async def send(stranger: bool) -> Challenge:
            return await self._store.resend(shard, challenge_id, caller, kept, new, rules.per_destination, now, stranger=stranger)

        challenge = await self._limit_prefix(kept.channel, envelope.destination, kept.purpose, client.ip, send_id, send)
        metrics.ISSUED.add(kept.purpose, envelope.channel)
        return challenge
