"""What no caller should send: every RPC of every service answers it with a refusal that says so, never with INTERNAL.

Field by field, from the descriptors, so a new RPC and a new field are in it by themselves.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from typing import Any, Final, NamedTuple, cast

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from recapito.access.v1 import access_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.gate import access_of
from tests.integration.requests import CALLERS, empty, filled
from tests.support.contract import path_of, rpcs
from tests.support.system import GRPC_PORTS, System

Path = tuple[FieldDescriptor, ...]

TEXTS: Final = (
    "a\0b",
    "9" * 5_000,
    "-1",
    "\u202e\ufeff\U0001f4a5 '\"\\%_",
    "".join(sha512(bytes([n])).hexdigest() for n in range(160)),
)
NUMBERS: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_INT64: (-1, 2**63 - 1, -(2**63)),
    FieldDescriptor.CPPTYPE_UINT32: (2**32 - 1,),
    FieldDescriptor.CPPTYPE_UINT64: (2**64 - 1,),
    FieldDescriptor.CPPTYPE_ENUM: (999, -1),
    FieldDescriptor.CPPTYPE_BOOL: (True,),
}
USUAL: Final = {
    **dict.fromkeys(("username", "contact", "new_mobile", "destination"), "+393201234567"),
    **dict.fromkeys(("given_name", "family_name", "holder", "subject", "note", "text", "question", "name"), "Rossi"),
    **dict.fromkeys(("event_date", "document_date"), "2026-11-01"),
    "issued_on": "2020-01-01",
    "expires_on": "2036-01-01",
    "notify_email": "a@example.com",
    "new_email": "b@example.com",
    "purpose": "sign_in",
    "template": "new_mobile",
    "reason_code": "OTHER",
    "role": "reviewer",
    "locale": "it",
    "request_id": "absurd",
    "number": "CA00000AA",
    "issuer": "Comune di Roma",
}
INSTANTS: Final = ((10**18, 0), (-(10**18), 0), (0, -1), (0, 2**31 - 1))
NOT_TEXT: Final = b"\xed\xa0\x80"  # a lone surrogate, as no UTF-8 has it
NEVER: Final = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}


class Asked(NamedTuple):
    """A request, serialised, that is absurd in ``field`` alone: ``value`` stands there."""

    method: MethodDescriptor
    field: str
    value: object
    request: bytes

    @property
    def caller(self) -> str:
        """A service that may call the RPC."""
        return min(CALLERS.of(path_of(self.method)))

    def __str__(self) -> str:
        return f"{self.method.full_name} {self.field}={str(self.value)[:20]!r}"


def fields_of(message: Descriptor, above: Path = ()) -> Iterator[Path]:
    """Every field that holds a value, an instant being one."""
    for field in message.fields:
        part = field.message_type
        if part is not None and part.GetOptions().map_entry:
            yield (*above, field)
        elif part is not None and not part.full_name.startswith("google.protobuf."):
            yield from fields_of(part, (*above, field))
        else:
            yield (*above, field)


def sensible(request: Any) -> Message:
    """The request with what its fields usually hold, so that what is absurd in one of them gets as far as it can."""
    for field in request.DESCRIPTOR.fields:
        if field.is_repeated or (request.HasField(field.name) if field.has_presence else getattr(request, field.name)):
            continue
        if field.type == FieldDescriptor.TYPE_ENUM:
            setattr(request, field.name, 1)
        elif field.name in USUAL:
            setattr(request, field.name, USUAL[field.name])
        elif field.message_type is not None and field.name in ("client", "details", "identity_document", "head", "expense"):
            sensible(getattr(request, field.name))
    return request  # type: ignore[no-any-return]


def absurd(method: MethodDescriptor, path: Path, things: dict[str, str]) -> Iterator[tuple[object, bytes]]:
    """Requests that are absurd in one field, and what stands there."""
    *above, field = path
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        values: tuple[Any, ...] = TEXTS
    elif field.message_type is not None:
        values = INSTANTS
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        values = TEXTS if field.type == FieldDescriptor.TYPE_STRING else (b"", b"\0" * 1_000)
    else:
        values = NUMBERS[field.cpp_type]
    for value in values:
        request: Message = sensible(filled(method, things) or empty(method))
        inner: Any = request
        for step in above:
            inner = getattr(inner, step.name)
            inner = inner.add() if step.is_repeated else inner
        if isinstance(value, str) and field.message_type is not None:
            getattr(inner, field.name)[value] = value
        elif field.message_type is not None:
            stamp = getattr(inner, field.name)
            stamp.seconds, stamp.nanos = value
        elif field.is_repeated:
            getattr(inner, field.name).append(value)
        else:
            setattr(inner, field.name, value)
        yield value, request.SerializeToString()
    if not above and field.type == FieldDescriptor.TYPE_STRING:
        yield NOT_TEXT, bytes([field.number << 3 | 2, len(NOT_TEXT)]) + NOT_TEXT


def code_of(to: grpc.Channel, asked: Asked, token: str) -> grpc.StatusCode:
    """What a request comes to."""
    method, request = asked.method, asked.request
    kind = ("stream" if method.client_streaming else "unary") + "_" + ("stream" if method.server_streaming else "unary")
    seconds = 1 if method.name.startswith("Watch") else 20
    more: Any = {"metadata": bearer(token) if token else (), "timeout": seconds}
    try:
        answer = getattr(to, kind)(path_of(method))(iter([request]) if method.client_streaming else request, **more)
        list(answer) if method.server_streaming else answer
    except grpc.RpcError as error:
        return cast(grpc.Call, error).code()
    return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def tokens(system: System, things: dict[str, str]) -> dict[str, str]:
    """A live token of a customer, and of an operator of every role that an RPC may be for."""
    operators = {role: system.operator_token(system.operator(role)) for role in ("supervisor", "reviewer")}
    return {"customer": things["token"], **operators}


def token_for(method: MethodDescriptor, tokens: dict[str, str]) -> str:
    """The token of somebody who may call an RPC; empty: the calling service alone decides."""
    access = access_of(path_of(method))
    if access_pb2.PERSON_CUSTOMER in access.persons:
        return tokens["customer"]
    if access_pb2.PERSON_OPERATOR in access.persons:
        return tokens["supervisor" if not access.roles or "supervisor" in access.roles else "reviewer"]
    return ""


@pytest.mark.parametrize("service", GRPC_PORTS)
def test_nothing_absurd_is_internal(system: System, things: dict[str, str], tokens: dict[str, str], service: str) -> None:
    asked = [
        Asked(method, ".".join(field.name for field in path), value, request)
        for serves, method in rpcs()
        if serves == service
        for path in fields_of(method.input_type)
        for value, request in absurd(method, path, things)
    ]
    with contextlib.ExitStack() as opened, ThreadPoolExecutor(8) as pool:
        channels = {name: opened.enter_context(system.channel(name, service)) for name in {one.caller for one in asked}}
        codes = list(pool.map(lambda one: code_of(channels[one.caller], one, token_for(one.method, tokens)), asked))
    wrong = [f"{one}: {code.name}" for one, code in zip(asked, codes, strict=True) if code in NEVER]
    assert not wrong, "\n".join(wrong)
    unreadable = {code for one, code in zip(asked, codes, strict=True) if one.value in (NOT_TEXT, *TEXTS[:1], *INSTANTS)}
    assert unreadable == {grpc.StatusCode.INVALID_ARGUMENT}
