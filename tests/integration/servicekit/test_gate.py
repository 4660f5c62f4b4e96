"""The gate over real gRPC with mTLS, in front of handlers made for the test."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc
from recapito.contact_change.v1 import review_pb2, review_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit import persons, serving
from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import system_clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.settings import ServerSettings, load
from recapito_servicekit.status import refusal_from
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, channel_as, server_environment

OPERATOR = persons.Person(persons.OPERATOR, "op", "", "", ("pwd", "totp"), system_clock(), role="auditor")
FRESH = persons.Person(persons.CUSTOMER, "fresh", "C1", persons.AAL2, ("pwd", "otp_sms"), system_clock())
LOW = persons.Person(persons.CUSTOMER, "low", "C1", persons.AAL1, ("pwd",), system_clock())
STALE = persons.Person(persons.CUSTOMER, "stale", "C1", persons.AAL2, ("pwd",), system_clock() - timedelta(minutes=11))
PERSONS = {person.token: person for person in (OPERATOR, FRESH, LOW, STALE)}


MAY_GO_ON = threading.Event()  # what waits here takes room


class Otp(otp_pb2_grpc.OtpServiceServicer):
    """Handlers that do what a test of the gate needs."""

    async def CheckChallenge(self, request: Any, context: Any) -> otp_pb2.CheckChallengeResponse:
        raise RuntimeError("postgresql://user:hunter2@host")

    def IssueChallenge(self, request: Any, context: Any) -> otp_pb2.IssueChallengeResponse:
        call = current_call()
        call.grant.demand_purpose(request.purpose)
        ip = call.client(request.client).ip
        return otp_pb2.IssueChallengeResponse(
            challenge=otp_pb2.Challenge(challenge_id=f"{call.caller}/{ip}", expires_at=Timestamp())
        )

    def ResendChallenge(self, request: Any, context: Any) -> otp_pb2.ResendChallengeResponse:
        MAY_GO_ON.wait(30)
        return otp_pb2.ResendChallengeResponse()

    def GetChallenge(self, request: Any, context: Any) -> otp_pb2.GetChallengeResponse:
        if request.challenge_id == "wait":
            raise Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY", "wait", {"a": "b"}, retry_after=timedelta(seconds=42))
        raise invalid(Violation("challenge_id", "TOO_LONG", "at most 64"), Violation("other", "MISSING", "needed"))


class Review(review_pb2_grpc.ReviewServiceServicer):
    """Streams from plain code."""

    def ReadDocument(self, request: Any, context: Any) -> Iterator[review_pb2.ReadDocumentResponse]:
        yield review_pb2.ReadDocumentResponse(media_type="image/png")
        for piece in (b"a", b"b"):
            yield review_pb2.ReadDocumentResponse(chunk=piece)
        if request.page == 9:
            raise Refusal(Kind.NOT_FOUND, "PAGE_NOT_FOUND", "no such page")


class Claims(claims_pb2_grpc.ClaimsServiceServicer):
    """Takes a stream into plain code."""

    def AttachDocument(self, requests: Any, context: Any) -> claims_pb2.AttachDocumentResponse:
        size = sum(len(request.chunk) for request in requests)
        return claims_pb2.AttachDocumentResponse(claim=claims_pb2.Claim(version=size))

    def SubmitClaim(self, request: Any, context: Any) -> claims_pb2.SubmitClaimResponse:
        return claims_pb2.SubmitClaimResponse(claim=claims_pb2.Claim(claim_id=current_call().the_person().customer_id))


@pytest.fixture(scope="module")
def port(pki: Pki) -> Iterator[int]:
    number = free_port()
    environment = {**server_environment(pki, "otp", number), "RECAPITO_THREADS": "2", "RECAPITO_QUEUE": "2"}

    async def introspect(token: str) -> persons.Person | None:
        return PERSONS.get(token)

    def add(server: grpc.aio.Server) -> None:
        otp_pb2_grpc.add_OtpServiceServicer_to_server(Otp(), server)
        review_pb2_grpc.add_ReviewServiceServicer_to_server(Review(), server)
        claims_pb2_grpc.add_ClaimsServiceServicer_to_server(Claims(), server)

    async def wire() -> serving.Wiring:
        return serving.Wiring(add, ["recapito.otp.v1.OtpService"], introspect)

    server = ServerThread(load(ServerSettings, "otp", environment), wire)
    yield number
    server.stop()


def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return refusal_from(caught.value)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def test_listed_caller_with_its_purpose_gets_an_answer(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        request = otp_pb2.IssueChallengeRequest(purpose="sign_in")
        request.client.ip = "192.0.2.1"
        answer = otp_pb2_grpc.OtpServiceStub(channel).IssueChallenge(request)
    assert answer.challenge.challenge_id == "auth/192.0.2.1"


def test_believed_client_comes_from_an_address_or_from_none(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        for ip in ("10.0.0.999", "fe80::1%eth0", "a" * 100):
            request = otp_pb2.IssueChallengeRequest(purpose="sign_in")
            request.client.ip = ip
            refusal = refused(lambda: stub.IssueChallenge(request))  # noqa: B023
            assert [(one.field, one.reason) for one in refusal.violations] == [("client.ip", "NOT_AN_ADDRESS")]


def test_client_of_a_caller_that_is_not_believed_is_passed_over(pki: Pki, port: int) -> None:
    with channel_as(pki, "internal", port) as channel:
        request = otp_pb2.IssueChallengeRequest(purpose="step_up")
        request.client.ip = "192.0.2.1"
        answer = otp_pb2_grpc.OtpServiceStub(channel).IssueChallenge(request)
    assert answer.challenge.challenge_id == "internal/"


@pytest.mark.parametrize(("caller", "purpose", "reason"), [
    ("auth", "new_mobile", "PURPOSE_NOT_ALLOWED"),
    ("internal", "claim", "PURPOSE_NOT_ALLOWED"),
    ("portal", "sign_in", "CALLER_NOT_ALLOWED"),
    ("stranger", "sign_in", "CALLER_NOT_ALLOWED"),
])  # fmt: skip
def test_caller_or_purpose_that_is_not_listed_is_refused(pki: Pki, port: int, caller: str, purpose: str, reason: str) -> None:
    with channel_as(pki, caller, port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        refusal = refused(lambda: stub.IssueChallenge(otp_pb2.IssueChallengeRequest(purpose=purpose)))
    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION_DENIED, reason)


def test_certificate_of_another_ca_is_refused(pki: Pki, port: int) -> None:
    with channel_as(pki, "forged-portal", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        refusal = refused(lambda: stub.IssueChallenge(otp_pb2.IssueChallengeRequest(purpose="sign_in"), timeout=2))
    assert refusal.kind in (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)


def test_unexpected_exception_says_nothing_of_itself(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.CheckChallenge(otp_pb2.CheckChallengeRequest(), metadata=(("x-request-id", "abc"),))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.trailing_metadata())
    assert "abc" in str(caught.value.trailing_metadata())


def test_refusal_crosses_the_wire_whole(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        waiting = refused(lambda: stub.GetChallenge(otp_pb2.GetChallengeRequest(challenge_id="wait")))
        wrong = refused(lambda: stub.GetChallenge(otp_pb2.GetChallengeRequest()))
    assert (waiting.kind, waiting.reason, waiting.metadata) == (Kind.RESOURCE_EXHAUSTED, "TOO_MANY", {"a": "b"})
    assert waiting.retry_after == timedelta(seconds=42)
    assert [(v.field, v.reason) for v in wrong.violations] == [("challenge_id", "TOO_LONG"), ("other", "MISSING")]


def test_deadline_under_100_ms_is_refused_early(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        refusal = refused(lambda: stub.ResendChallenge(otp_pb2.ResendChallengeRequest(), timeout=0.09))
    assert refusal.kind is Kind.DEADLINE_EXCEEDED


def test_more_calls_than_there_is_room_for_are_refused(pki: Pki, port: int) -> None:
    with channel_as(pki, "auth", port) as channel:
        stub = otp_pb2_grpc.OtpServiceStub(channel)
        calls = [stub.ResendChallenge.future(otp_pb2.ResendChallengeRequest()) for _ in range(12)]
        until = time.monotonic() + 60
        while sum(call.done() for call in calls) < 8 and time.monotonic() < until:
            time.sleep(0.02)
        MAY_GO_ON.set()
        codes = [call.code() for call in calls]
    assert codes.count(grpc.StatusCode.OK) == 4
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 8


def test_plain_code_streams_both_ways(pki: Pki, port: int) -> None:
    with channel_as(pki, "console", port) as console, channel_as(pki, "portal", port) as portal:
        reader = review_pb2_grpc.ReviewServiceStub(console)
        pieces = list(reader.ReadDocument(review_pb2.ReadDocumentRequest(), metadata=bearer("op")))
        late = refused(lambda: list(reader.ReadDocument(review_pb2.ReadDocumentRequest(page=9), metadata=bearer("op"))))
        chunks = (claims_pb2.AttachDocumentRequest(chunk=b"x" * 1000) for _ in range(50))
        answer = claims_pb2_grpc.ClaimsServiceStub(portal).AttachDocument(chunks, metadata=bearer("fresh"))
    assert [piece.media_type or piece.chunk for piece in pieces] == ["image/png", b"a", b"b"]
    assert late.reason == "PAGE_NOT_FOUND"
    assert answer.claim.version == 50_000


@pytest.mark.parametrize(("token", "reason"), [
    ("", "NOT_SIGNED_IN"),
    ("unknown", "NOT_SIGNED_IN"),
    ("op", "NOT_SIGNED_IN"),
    ("low", "STEP_UP_REQUIRED"),
    ("stale", "STEP_UP_REQUIRED"),
])  # fmt: skip
def test_person_who_may_not_act_is_refused(pki: Pki, port: int, token: str, reason: str) -> None:
    with channel_as(pki, "portal", port) as channel:
        stub = claims_pb2_grpc.ClaimsServiceStub(channel)
        refusal = refused(lambda: stub.SubmitClaim(claims_pb2.SubmitClaimRequest(), metadata=bearer(token)))
    assert (refusal.kind, refusal.reason) == (Kind.UNAUTHENTICATED, reason)
    if reason == "STEP_UP_REQUIRED":
        assert refusal.metadata == {"acr": "recapito:aal2", "max_age": "600"}


def test_role_that_is_not_enough_is_refused(pki: Pki, port: int) -> None:
    with channel_as(pki, "console", port) as channel:
        stub = review_pb2_grpc.ReviewServiceStub(channel)
        refusal = refused(lambda: stub.Decide(review_pb2.DecideRequest(), metadata=bearer("op")))
    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION_DENIED, "ROLE_NOT_ALLOWED")
