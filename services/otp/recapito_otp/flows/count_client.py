"""Counts what a client address asks for, before anything is done for it."""

from datetime import datetime

from recapito_otp.domain import Rules, asked_by, network_of
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.vault import Vault
from recapito_servicekit.calls import ClientInfo


class CountClient:
    """Skips a call without an address, and this machine's own where the settings say so."""

    def __init__(self, store: RedisStore, vault: Vault, rules: Rules) -> None:
        self._store = store
        self._vault = vault
        self._rules = rules

    async def __call__(self, client: ClientInfo, purpose: str, request: str, now: datetime) -> None:
        """Counts one send for ``request``, the same one once. Raises RESOURCE_EXHAUSTED; ValueError: the address is none."""
        if not client.ip or self._rules.exempts(client.ip):
            return
        alias = self._vault.alias("client", network_of(client.ip))
        await self._store.count_client(alias, asked_by(purpose), request, self._rules.per_client, now)
