"""Refusals on the wire: google.rpc.Status with ErrorInfo, BadRequest and RetryInfo, and back (AIP-193)."""

from datetime import timedelta
from typing import Final, Protocol, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from recapito_servicekit.errors import Kind, Refusal, Violation

DOMAIN: Final = "recapito"
DETAILS_KEY: Final = "grpc-status-details-bin"


class _WithTrailers(Protocol):
    def code(self) -> grpc.StatusCode: ...
    def trailing_metadata(self) -> object: ...


def details_of(refusal: Refusal, request_id: str) -> bytes:
    """The refusal as a serialised google.rpc.Status, for the trailer ``grpc-status-details-bin``."""
    info = error_details_pb2.ErrorInfo(
        reason=refusal.reason, domain=DOMAIN, metadata={**refusal.metadata, "request_id": request_id}
    )
    details: list[Message] = [info]
    if refusal.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=v.field, reason=v.reason, description=v.description)
                    for v in refusal.violations
                ]
            )
        )
    if refusal.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(refusal.retry_after)
        details.append(retry)
    status = status_pb2.Status(code=grpc.StatusCode[refusal.kind].value[0], message=refusal.message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    serialised: bytes = status.SerializeToString()
    return serialised


def refusal_from(error: grpc.RpcError) -> Refusal:
    """What a called service refused. One that didn't answer in our form becomes UNAVAILABLE, DEADLINE_EXCEEDED or INTERNAL."""
    call = cast(_WithTrailers, error)  # every RpcError that a call raises is a Call too
    trailers = call.trailing_metadata()
    for key, value in trailers if isinstance(trailers, tuple) or hasattr(trailers, "__iter__") else ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return _parse(status_pb2.Status.FromString(value), call.code())
    code = call.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "a called service did not answer in time")
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return Refusal(
            Kind.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", "a called service cannot be reached", retry_after=timedelta(seconds=1)
        )
    return Refusal(Kind.INTERNAL, "UPSTREAM_FAILED", "a called service failed")


def _parse(status: status_pb2.Status, code: grpc.StatusCode) -> Refusal:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta()
    kind = Kind[code.name] if code.name in Kind.__members__ else Kind.INTERNAL
    violations = tuple(Violation(v.field, v.reason, v.description) for v in bad.field_violations)
    metadata = {k: v for k, v in info.metadata.items() if k != "request_id"}
    return Refusal(kind, info.reason, status.message, metadata, violations, retry_after)
