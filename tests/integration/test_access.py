"""Who is refused, for every RPC of every service; the list comes from the descriptors, so a new RPC is in it by itself."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from recapito.access.v1 import access_pb2

from recapito_servicekit.calling import bearer, channel
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.gate import access_of
from recapito_servicekit.status import refusal_from
from recapito_servicekit.tls import Identity
from tests.integration.requests import CALLERS, empty, filled
from tests.support.contract import path_of, rpcs
from tests.support.pki import Pki
from tests.support.system import GRPC_PORTS, System

RPCS = [pytest.param(service, method, id=method.full_name.removeprefix("recapito.")) for service, method in rpcs()]
EVERYBODY = ("portal", "console", "auth", "otp", "contact-change", "claims", "internal")


def invoke(to: grpc.Channel, method: MethodDescriptor, request: Message, token: str = "") -> Any:
    """Calls any RPC with one request message, in whichever way it streams."""
    kind = ("stream" if method.client_streaming else "unary") + "_" + ("stream" if method.server_streaming else "unary")
    call = getattr(to, kind)(
        path_of(method),
        request_serializer=type(request).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    answer = call(iter([request]) if method.client_streaming else request, metadata=bearer(token) if token else (), timeout=30)
    return list(answer) if method.server_streaming else answer


def refusal_of(to: grpc.Channel, method: MethodDescriptor, request: Message, token: str = "") -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        invoke(to, method, request, token)
    return refusal_from(caught.value)


@pytest.fixture(scope="module")
def channels(system: System) -> Iterator[dict[tuple[str, str], grpc.Channel]]:
    """A channel from every caller to every service."""
    opened = {(caller, service): system.channel(caller, service) for caller in EVERYBODY for service in GRPC_PORTS}
    yield opened
    for one in opened.values():
        one.close()


@pytest.fixture(scope="module")
def tokens(system: System) -> dict[str, str]:
    """A live token of every kind."""
    known, session = system.signed_in()
    return {
        "session": session,
        "contact_change": system.start_sign_in(known.mobile).code_required.contact_change_token,
        "reviewer": system.operator_token(system.operator("reviewer")),
        "auditor": system.operator_token(system.operator("auditor")),
    }


@pytest.mark.parametrize(("service", "method"), RPCS)
def test_service_that_is_not_listed_is_refused(
    channels: dict[tuple[str, str], grpc.Channel], service: str, method: MethodDescriptor
) -> None:
    unlisted = set(EVERYBODY) - CALLERS.of(path_of(method))
    assert unlisted
    for caller in unlisted:
        refusal = refusal_of(channels[caller, service], method, empty(method))
        assert (refusal.kind, refusal.reason) == (Kind.PERMISSION_DENIED, "CALLER_NOT_ALLOWED"), caller


@pytest.mark.parametrize(("service", "method"), RPCS)
def test_certificate_of_a_stranger_is_refused(system: System, pki: Pki, service: str, method: MethodDescriptor) -> None:
    ours = (system.var / "tls" / "ca.pem").read_bytes()
    forged = Identity(ours, *((pki.folder / name).read_bytes() for name in ("forged-portal.pem", "forged-portal-key.pem")))
    with channel(f"localhost:{GRPC_PORTS[service] + system.offset}", forged) as to:
        assert refusal_of(to, method, empty(method)).kind is Kind.UNAVAILABLE


@pytest.mark.parametrize(("service", "method"), RPCS)
def test_person_who_may_not_act_is_refused(
    channels: dict[tuple[str, str], grpc.Channel], tokens: dict[str, str], service: str, method: MethodDescriptor
) -> None:
    access = access_of(path_of(method))
    caller = min(CALLERS.of(path_of(method)))
    if access_pb2.PERSON_NOBODY in access.persons:
        assert len(access.persons) == 1  # nobody acts: the calling service alone decides
        return
    kinds = {
        "session": access_pb2.PERSON_CUSTOMER,
        "contact_change": access_pb2.PERSON_CONTACT_CHANGE,
        "reviewer": access_pb2.PERSON_OPERATOR,
    }
    wrong = [tokens[name] for name, kind in kinds.items() if kind not in access.persons]
    for token in ("", "no-such-token", *wrong):
        refusal = refusal_of(channels[caller, service], method, empty(method), token)
        assert (refusal.kind, refusal.reason) == (Kind.UNAUTHENTICATED, "NOT_SIGNED_IN")
    if access.roles:
        too_low = next(role for role in ("auditor", "reviewer") if role not in access.roles)
        refusal = refusal_of(channels[caller, service], method, empty(method), tokens[too_low])
        assert (refusal.kind, refusal.reason) == (Kind.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")


OF_CUSTOMERS = [param for param in RPCS if access_pb2.PERSON_CUSTOMER in access_of(path_of(param.values[1])).persons]  # type: ignore[arg-type]


@pytest.mark.parametrize(("service", "method"), OF_CUSTOMERS)
def test_token_of_another_customer_does_not_reach_it(
    channels: dict[tuple[str, str], grpc.Channel],
    tokens: dict[str, str],
    things: dict[str, str],
    service: str,
    method: MethodDescriptor,
) -> None:
    request = filled(method, things)
    if request is None:  # it asks for nothing by id: it reaches the caller's own things alone
        return
    refusal = refusal_of(channels["portal", service], method, request, tokens["session"])
    if refusal.kind is Kind.INVALID_ARGUMENT:  # a form that is at fault elsewhere too: the document must be among the faults
        assert ("document_ids", "UNKNOWN") in {(v.field.partition("[")[0], v.reason) for v in refusal.violations}
        return
    assert refusal.kind is Kind.NOT_FOUND
