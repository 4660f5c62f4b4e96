"""What is under way, in Redis with a time to live, by the SHA-256 of its id."""

import dataclasses
import json
from datetime import timedelta
from typing import Any, TypeVar

import redis

from recapito_auth.store.redisio import fail_closed
from recapito_servicekit.ids import token_digest

T = TypeVar("T")


class UnderWay:
    """Keeps registrations, sign-ins and step-ups; each kind is a dataclass of its own."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def start(self, id: str, state: Any, life: timedelta) -> None:
        """Keeps a new one for ``life``."""
        with fail_closed():
            self._client.set(_key(type(state), id), json.dumps(dataclasses.asdict(state)), px=life)

    def read(self, kind: type[T], id: str) -> T | None:
        """The one with that id; None: there is none, or not any more."""
        with fail_closed():
            kept = self._client.get(_key(kind, id))
        return kind(**json.loads(str(kept))) if kept is not None else None

    def update(self, id: str, state: Any) -> None:
        """Replaces one that is still there; its end stays what it was."""
        with fail_closed():
            self._client.set(_key(type(state), id), json.dumps(dataclasses.asdict(state)), xx=True, keepttl=True)

    def end(self, kind: type[Any], id: str) -> None:
        """Forgets one."""
        with fail_closed():
            self._client.delete(_key(kind, id))


def _key(kind: type[Any], id: str) -> str:
    return f"auth:{kind.__name__.lower()}:{token_digest(id)}"
