"""Requests that nobody can mean are told apart as they are read."""

from typing import Any

import pytest
from google.protobuf.message import Message
from recapito.claims.v1 import claims_pb2, intake_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.reading import Unreadable, reader


def read(message: Message, data: bytes | None = None) -> Any:
    descriptor: Any = message.DESCRIPTOR
    return reader(type(message).FromString, descriptor)(message.SerializeToString() if data is None else data)


def faults(message: Message) -> list[tuple[str, str]]:
    found = read(message)
    assert isinstance(found, Unreadable)
    return [(violation.field, violation.reason) for violation in found.refusal.violations]


def test_request_is_read_as_it_is() -> None:
    request = otp_pb2.IssueChallengeRequest(request_id="a", destination="+393201234519")
    request.client.SetInParent()  # an empty part is a zero byte on the wire, and nothing to refuse
    assert read(request) == request


def test_bytes_may_hold_zeros() -> None:
    request = claims_pb2.AttachDocumentRequest(chunk=bytes(10))
    assert read(request) == request


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x03\xed\xa0\x80", b"\x0a\x7fa"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    found = read(otp_pb2.GetChallengeRequest(), data)
    assert isinstance(found, Unreadable)
    assert (found.refusal.kind.value, found.refusal.reason) == ("INVALID_ARGUMENT", "NOT_A_MESSAGE")


def test_every_nul_is_named_where_it_stands() -> None:
    request = claims_pb2.CreateDraftRequest(request_id="a\0")
    request.details.provider = "\0"
    assert faults(request) == [("request_id", "CHARACTERS_NOT_ALLOWED"), ("details.provider", "CHARACTERS_NOT_ALLOWED")]
    assert faults(otp_pb2.SendNoticeRequest(params={"link": "a\0", "name": "b"})) == [("params", "CHARACTERS_NOT_ALLOWED")]


@pytest.mark.parametrize(("seconds", "nanos"), [(253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000)])
def test_instant_that_no_calendar_has_is_refused(seconds: int, nanos: int) -> None:
    request = intake_pb2.AskCustomerRequest()
    request.due_at.seconds, request.due_at.nanos = seconds, nanos
    assert faults(request) == [("due_at", "OUT_OF_RANGE")]


def test_first_and_last_instant_are_taken() -> None:
    for seconds, nanos in ((253_402_300_799, 999_999_999), (-62_135_596_800, 0)):
        request = intake_pb2.AskCustomerRequest()
        request.due_at.seconds, request.due_at.nanos = seconds, nanos
        assert read(request) == request
