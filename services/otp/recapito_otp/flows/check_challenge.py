"""Compares a code that a person typed. A wrong code is an answer, never an error."""

from typing import NamedTuple

from recapito_otp import metrics
from recapito_otp.domain import Faults, Finding, Outcome, Rules, plain_code, shard_of
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.vault import Vault
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found
from recapito_servicekit.ids import new_token, token_digest


class Guess(NamedTuple):
    """What a person typed, and what for."""

    challenge_id: str
    subject: str
    purpose: str
    code: str
    transaction_hash: str


class CheckChallenge:
    """Counts first, compares after, approves once: one script, so it holds over all connections and replicas."""

    def __init__(self, store: RedisStore, vault: Vault, rules: Rules, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._rules = rules
        self._clock = clock

    async def __call__(self, caller: str, guess: Guess) -> Finding:
        """The finding, with a proof if the code was right. Raises NOT_FOUND, INVALID_ARGUMENT, UNAVAILABLE."""
        code = plain_code(guess.code)
        faults = Faults()
        faults.length("code", code, 1, 64)
        faults.raise_any()
        shard = shard_of(guess.challenge_id)
        if shard is None:
            raise not_found("challenge")
        proof = f"{shard}-{new_token()}"
        finding = await self._store.check(
            shard,
            guess.challenge_id,
            caller,
            guess.subject,
            guess.purpose,
            guess.transaction_hash,
            self._vault.code_digests(guess.challenge_id, code),
            token_digest(proof),
            self._rules.proof_lifetime,
            self._clock(),
        )
        metrics.CHECKED.add(guess.purpose, finding.outcome)
        return Finding(finding.outcome, finding.attempts_left, proof) if finding.outcome is Outcome.APPROVED else finding
