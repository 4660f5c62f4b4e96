"""Spends the proof of an approved code."""

from recapito_otp.domain import Faults, SpentProof, shard_of
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.vault import Vault
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import not_found
from recapito_servicekit.ids import token_digest


class ConsumeProof:
    """Any caller that is listed with the purpose may spend it: it need not be who had the code issued."""

    def __init__(self, store: RedisStore, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    async def __call__(
        self, caller: str, proof: str, subject: str, purpose: str, transaction_hash: str, request_id: str
    ) -> SpentProof:
        """What the proof says; the same answer to the same ``request_id`` of the same caller.

        Raises NOT_FOUND: unknown, expired, or for another subject, purpose or transaction; FAILED_PRECONDITION (PROOF_USED);
        UNAVAILABLE.
        """
        faults = Faults()
        faults.length("request_id", request_id, 0, 64)
        faults.raise_any()
        shard = shard_of(proof)
        if shard is None:
            raise not_found("proof")
        spender = f"{caller} {request_id}" if request_id else ""
        proven = await self._store.consume_proof(
            shard, token_digest(proof), subject, purpose, transaction_hash, spender, self._clock()
        )
        envelope = self._vault.open(proven.envelope, f"challenge {proven.challenge_id}")
        return SpentProof(proven.issuer, proven.approved_at, envelope.destination)
