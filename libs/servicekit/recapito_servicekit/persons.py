"""The person who acts in a call, and what an RPC demands of them (``recapito.access.v1.access`` beside each RPC)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import grpc
from recapito.access.v1 import access_pb2
from recapito.auth.v1 import session_pb2, session_pb2_grpc

from recapito_servicekit import traces
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.times import from_timestamp

AAL1: Final = "recapito:aal1"
AAL2: Final = "recapito:aal2"

CUSTOMER: Final = access_pb2.PERSON_CUSTOMER
CONTACT_CHANGE: Final = access_pb2.PERSON_CONTACT_CHANGE
OPERATOR: Final = access_pb2.PERSON_OPERATOR
PASSWORD_CHANGE: Final = access_pb2.PERSON_PASSWORD_CHANGE
_KINDS: Final = {
    session_pb2.KIND_SESSION: CUSTOMER,
    session_pb2.KIND_CONTACT_CHANGE: CONTACT_CHANGE,
    session_pb2.KIND_OPERATOR: OPERATOR,
    session_pb2.KIND_PASSWORD_CHANGE: PASSWORD_CHANGE,
}


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a live token stands for."""

    kind: "access_pb2.Person.ValueType"
    token: str
    customer_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime
    claims_held_until: datetime | None = None
    operator_id: str = ""
    operator_name: str = ""
    role: str = ""


Introspect = Callable[[str], Awaitable[Person | None]]
"""Says whom a token stands for; None: nobody, it isn't live."""


def demand(access: access_pb2.Access, person: Person | None, clock: Clock) -> None:
    """Raises UNAUTHENTICATED or PERMISSION_DENIED unless ``person`` may act as ``access`` demands (RFC 9470 for a step-up)."""
    if list(access.persons) == [access_pb2.PERSON_NOBODY]:
        return
    if person is not None and person.kind == PASSWORD_CHANGE and PASSWORD_CHANGE not in access.persons:
        raise Refusal(Kind.UNAUTHENTICATED, "PASSWORD_CHANGE_REQUIRED", "the first password must be changed first")
    if person is None or person.kind not in access.persons:
        raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "nobody with a live token for this acts in the call")
    if person.kind == OPERATOR and access.roles and person.role not in access.roles:
        raise Refusal(
            Kind.PERMISSION_DENIED, "ROLE_NOT_ALLOWED", "the operator's role is not enough", {"roles": ",".join(access.roles)}
        )
    if person.kind == CUSTOMER:
        too_low = access.acr == AAL2 and person.acr != AAL2
        age = clock() - person.auth_time
        too_old = access.max_age_seconds > 0 and age > timedelta(seconds=access.max_age_seconds)
        if too_low or too_old:
            raise Refusal(
                Kind.UNAUTHENTICATED,
                "STEP_UP_REQUIRED",
                "the session needs a fresh code first",
                {"acr": access.acr or AAL1, "max_age": str(access.max_age_seconds)},
            )


def introspection(channel: grpc.aio.Channel) -> Introspect:
    """Asks the auth service."""
    stub = session_pb2_grpc.SessionServiceStub(channel)

    async def introspect(token: str) -> Person | None:
        request = session_pb2.IntrospectRequest(token=token)
        answer: session_pb2.IntrospectResponse = await stub.Introspect(request, timeout=3, metadata=traces.metadata())
        return person_of(token, answer)

    return introspect


def person_of(token: str, answer: session_pb2.IntrospectResponse) -> Person | None:
    """An answer of Introspect as a Person."""
    if not answer.active:
        return None
    return Person(
        kind=_KINDS.get(answer.kind, access_pb2.PERSON_UNSPECIFIED),  # of a newer auth: nobody who may act here
        token=token,
        customer_id=answer.customer_id,
        acr=answer.acr,
        amr=tuple(answer.amr),
        auth_time=from_timestamp(answer.auth_time),
        claims_held_until=from_timestamp(answer.claims_held_until) if answer.HasField("claims_held_until") else None,
        operator_id=answer.operator_id,
        operator_name=answer.operator_name,
        role=answer.role,
    )
