"""Asks the auth service, in plain code and on a loop. One that can't be asked lets nobody in: grpc.RpcError is raised."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import grpc
from recapito.auth.v1 import session_pb2, session_pb2_grpc

from recapito_session.rules import NotSignedIn, Person, judge

SECONDS: Final = 3.0
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Sessions:
    """For plain code; thread-safe."""

    def __init__(self, channel: grpc.Channel, clock: Clock = _now) -> None:
        self._stub = session_pb2_grpc.SessionServiceStub(channel)
        self._clock = clock

    def require(self, token: str, *, acr: str = "", max_age: int | None = None) -> Person:
        """Whom the session stands for. ``acr``: the least assurance; ``max_age``: seconds since the last code.

        Raises NotSignedIn, StepUpRequired; grpc.RpcError: auth can't be asked.
        """
        if not token:
            raise NotSignedIn("no token")
        request = session_pb2.IntrospectRequest(token=token)
        return judge(self._stub.Introspect(request, timeout=SECONDS), acr, max_age, self._clock())


class AioSessions:
    """For code on a loop."""

    def __init__(self, channel: grpc.aio.Channel, clock: Clock = _now) -> None:
        self._stub = session_pb2_grpc.SessionServiceStub(channel)
        self._clock = clock

    async def require(self, token: str, *, acr: str = "", max_age: int | None = None) -> Person:
        """The same."""
        if not token:
            raise NotSignedIn("no token")
        request = session_pb2.IntrospectRequest(token=token)
        return judge(await self._stub.Introspect(request, timeout=SECONDS), acr, max_age, self._clock())
