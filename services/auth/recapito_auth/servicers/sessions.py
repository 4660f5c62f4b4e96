"""SessionService."""

import functools
from typing import Any, Final

from recapito.auth.v1 import session_pb2 as pb
from recapito.auth.v1 import session_pb2_grpc

from recapito_auth.store.sessions import Introspection, Kind, Session
from recapito_servicekit.clock import Clock
from recapito_servicekit.persons import Introspect, person_of
from recapito_servicekit.times import to_timestamp

_KNOWN: Final = 1_000  # answers given lately, 1 KB each
_KINDS: Final = {
    Kind.SESSION: pb.KIND_SESSION,
    Kind.CONTACT_CHANGE: pb.KIND_CONTACT_CHANGE,
    Kind.OPERATOR: pb.KIND_OPERATOR,
    Kind.PASSWORD_CHANGE: pb.KIND_PASSWORD_CHANGE,
}


class SessionServicer(session_pb2_grpc.SessionServiceServicer):
    """Tells who a token stands for; on the loop, for every call of every service asks it."""

    def __init__(self, introspection: Introspection, clock: Clock) -> None:
        self._introspection = introspection
        self._clock = clock

    async def Introspect(self, request: pb.IntrospectRequest, context: Any) -> pb.IntrospectResponse:
        """See the proto."""
        return await introspect(self._introspection, self._clock, request.token)


async def introspect(introspection: Introspection, clock: Clock, token: str) -> pb.IntrospectResponse:
    """Whom a token stands for; active: false where it isn't live."""
    session = await introspection.look_up(token, clock())
    return _active(session) if session is not None else pb.IntrospectResponse(active=False)


@functools.lru_cache(_KNOWN)
def _active(session: Session) -> pb.IntrospectResponse:
    """The same session is the same answer; nobody may change it."""
    return pb.IntrospectResponse(
        active=True,
        kind=_KINDS[session.kind],
        customer_id=session.customer_id,
        acr=session.acr,
        amr=session.amr,
        auth_time=to_timestamp(session.auth_time),
        expires_at=to_timestamp(session.expires_at),
        contact_changed_at=to_timestamp(session.contact_changed_at),
        claims_held_until=to_timestamp(session.claims_held_until),
        operator_id=session.operator_id,
        operator_name=session.operator_name,
        role=session.role,
        frozen=session.frozen,
    )


def own_introspection(introspection: Introspection, clock: Clock) -> Introspect:
    """The gate of this service asks no other service."""

    async def ask(token: str) -> Any:
        return person_of(token, await introspect(introspection, clock, token))

    return ask
