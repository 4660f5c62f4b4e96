"""Queues a message that is no code."""

from collections.abc import Mapping

from recapito_otp.domain import NOTICE_PARAMS, WITH_LINK, Channel, Faults, Message
from recapito_otp.store.redis_store import RedisStore
from recapito_otp.vault import Vault
from recapito_servicekit import traces


class SendNotice:
    """A notice is made of a template and params alone, so that no caller can have a text of its own sent."""

    def __init__(self, store: RedisStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def __call__(
        self,
        caller: str,
        request_id: str,
        destination: str,
        channel: Channel | None,
        template: str,
        params: Mapping[str, str],
        locale: str,
    ) -> str:
        """The notice's id; the same request gets the same one and sends nothing more. Raises INVALID_ARGUMENT, UNAVAILABLE."""
        faults = Faults()
        faults.length("request_id", request_id, 1, 64)
        to = faults.destination(destination, channel)
        faults.length("locale", locale, 0, 35)
        if template not in NOTICE_PARAMS:
            faults.add("template", "UNKNOWN_TEMPLATE", "one of: " + ", ".join(NOTICE_PARAMS))
        needed = {name: params.get(name, "") for name in NOTICE_PARAMS.get(template, ())}
        for name, value in needed.items():
            if not value:
                faults.add(f"params.{name}", "MISSING", f"{template} needs it")
            faults.visible(f"params.{name}", value, 60)
        if template in WITH_LINK:
            needed["token"] = params.get("token", "")
            faults.visible("params.token", needed["token"], 60)
        faults.raise_any()
        shard = self._vault.shard(to)
        notice_id = self._vault.id_of(shard, "notice", caller, request_id, to)
        message = Message(to, channel or Channel.SMS, template, needed, locale, **traces.carried())
        await self._store.queue_notice(shard, notice_id, self._vault.seal(message, f"job {notice_id}"))
        return notice_id
