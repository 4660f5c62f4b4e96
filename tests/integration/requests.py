"""Requests for any RPC, made from its descriptor, about the things of one customer."""

import io
from typing import Any, Final

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from PIL import Image
from recapito.auth.v1 import authentication_pb2, authentication_pb2_grpc
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, contact_change_pb2_grpc

from recapito_servicekit.callers import Callers
from recapito_servicekit.calling import bearer
from tests.support.serving import CALLERS_FILE
from tests.support.system import System

CALLERS: Final = Callers.read(CALLERS_FILE)


def empty(method: MethodDescriptor) -> Message:
    """A request that says nothing."""
    return GetMessageClass(method.input_type)()


def make_things(system: System) -> dict[str, str]:
    """Ids of one customer's things, by the name of the field that asks for them, and the session's token."""
    _, token = system.signed_in()
    with system.channel("portal", "auth") as auth, system.channel("portal", "claims") as claims:
        draft = claims_pb2_grpc.ClaimsServiceStub(claims).CreateDraft(
            claims_pb2.CreateDraftRequest(request_id="mine"), metadata=bearer(token)
        )
        step_up = authentication_pb2_grpc.AuthenticationServiceStub(auth).StartStepUp(
            authentication_pb2.StartStepUpRequest(purpose="step_up"), metadata=bearer(token)
        )
    with system.channel("portal", "contact-change") as changes:
        stub = contact_change_pb2_grpc.ContactChangeServiceStub(changes)
        pieces = [
            contact_change_pb2.UploadDocumentRequest(name="front.png"),
            contact_change_pb2.UploadDocumentRequest(chunk=picture()),
        ]
        document = stub.UploadDocument(iter(pieces), metadata=bearer(token))
    return {
        "token": token,
        "claim_id": draft.claim.claim_id,
        "challenge_id": step_up.challenge.challenge_id,
        "document_ids": document.document_id,
        "change_id": "0" * 32,
    }


def picture() -> bytes:
    """A picture that the pipeline takes."""
    out = io.BytesIO()
    Image.new("RGB", (640, 400), "white").save(out, "PNG")
    return out.getvalue()


def filled(method: MethodDescriptor, things: dict[str, str]) -> Message | None:
    """A request that names the things; None where the RPC asks for none of them by id."""
    request: Any = empty(method)
    names = {field.name for field in method.input_type.fields}
    ids = {name for name in names if name.endswith(("_id", "_ids")) and name != "request_id"}
    if "head" in names and request.DESCRIPTOR.name == "AttachDocumentRequest":
        request.head.claim_id = things["claim_id"]
        request.head.kind = claims_pb2.ATTACHMENT_KIND_INVOICE
        request.head.name = "a.png"
        return request  # type: ignore[no-any-return]
    if not ids:
        return None
    for name in ids:
        if name == "document_ids":
            request.document_ids.append(things[name])
        else:
            setattr(request, name, things.get(name, "0" * 32))
    for name, value in (("code", "000000"), ("request_id", "theirs"), ("expected_version", 1), ("proof", "no-such-proof")):
        if name in names:
            setattr(request, name, value)
    if "expense" in names:
        expense = claims_pb2.Expense(provider="P", document_number="1", document_date="2026-11-01", amount="10.00")
        request.expense.CopyFrom(expense)
    return request  # type: ignore[no-any-return]
