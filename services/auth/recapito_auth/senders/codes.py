"""One-time codes and notices, through the otp service's stub."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit import contacts, logs
from recapito_servicekit.calls import ClientInfo
from recapito_servicekit.errors import Kind
from recapito_servicekit.ids import new_id
from recapito_servicekit.status import refusal_from

log = logs.get(__name__)
T = TypeVar("T")

Challenge = otp_pb2.Challenge
# a notice that went out beside the answer would slow the answer down measurably, and so tell that there is an account
NOTICE_DELAY_SECONDS: Final = 0.5
# what our own caller did or can wait for; anything else is between us and otp
_PASSED_ON: Final = frozenset(
    {
        Kind.INVALID_ARGUMENT,
        Kind.NOT_FOUND,
        Kind.RESOURCE_EXHAUSTED,
        Kind.FAILED_PRECONDITION,
        Kind.UNAVAILABLE,
        Kind.DEADLINE_EXCEEDED,
    }
)


@dataclass(frozen=True, slots=True)
class Issue:
    """What a code is asked for. ``destination`` is canonical; it says the channel."""

    subject: str
    purpose: str
    destination: str
    locale: str
    client: ClientInfo
    transaction_hash: str = ""
    summary: str = ""
    decoy: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a code found."""

    outcome: "otp_pb2.Outcome.ValueType"
    attempts_left: int
    proof: str

    @property
    def approved(self) -> bool:
        """The right code, for the first time."""
        return self.outcome == otp_pb2.OUTCOME_APPROVED

    @property
    def name(self) -> str:
        """The outcome's name: ``APPROVED``."""
        return otp_pb2.Outcome.Name(self.outcome).removeprefix("OUTCOME_")

    @property
    def wrong(self) -> bool:
        """A wrong code, which counts against the account."""
        return self.outcome == otp_pb2.OUTCOME_INCORRECT


class Codes:
    """Issues and checks codes. What otp refuses is raised as a Refusal where the caller must know it."""

    def __init__(self, stub: otp_pb2_grpc.OtpServiceStub) -> None:
        self._stub = stub
        self._later = ThreadPoolExecutor(2, thread_name_prefix="notices")
        self._closing = threading.Event()

    def issue(self, issue: Issue) -> Challenge:
        """Has a code sent. Raises RESOURCE_EXHAUSTED with RetryInfo: too many."""
        request = otp_pb2.IssueChallengeRequest(
            request_id=new_id(),
            subject=issue.subject,
            purpose=issue.purpose,
            channel=_channel(issue.destination),
            destination=issue.destination,
            locale=issue.locale,
            transaction_hash=issue.transaction_hash,
            summary=issue.summary,
            client=issue.client.message(),
            decoy=issue.decoy,
        )
        return _asked(lambda: self._stub.IssueChallenge(request)).challenge

    def check(self, challenge_id: str, subject: str, purpose: str, code: str, transaction_hash: str = "") -> Checked:
        """Compares a code. Raises NOT_FOUND: otp knows no such challenge any more."""
        request = otp_pb2.CheckChallengeRequest(
            challenge_id=challenge_id, subject=subject, purpose=purpose, code=code, transaction_hash=transaction_hash
        )
        found = _asked(lambda: self._stub.CheckChallenge(request))
        return Checked(found.outcome, found.attempts_left, found.proof)

    def resend(self, challenge_id: str, client: ClientInfo) -> Challenge:
        """Has a new code sent. Raises RESOURCE_EXHAUSTED with RetryInfo: too early."""
        request = otp_pb2.ResendChallengeRequest(challenge_id=challenge_id, client=client.message())
        return _asked(lambda: self._stub.ResendChallenge(request)).challenge

    def get(self, challenge_id: str) -> Challenge:
        """Reads how far a code came."""
        return _asked(lambda: self._stub.GetChallenge(otp_pb2.GetChallengeRequest(challenge_id=challenge_id))).challenge

    def cancel(self, subject: str) -> None:
        """Ends all codes that are open for a subject."""
        _asked(lambda: self._stub.CancelSubject(otp_pb2.CancelSubjectRequest(subject=subject)))

    def notice(self, request_id: str, destination: str, template: str, locale: str, params: Mapping[str, str]) -> None:
        """Has a notice sent, once for a ``request_id``. Raises what otp refuses it for."""
        request = otp_pb2.SendNoticeRequest(
            request_id=request_id,
            destination=destination,
            channel=_channel(destination),
            template=template,
            params=params,
            locale=locale,
        )
        try:
            self._stub.SendNotice(request)
        except grpc.RpcError as error:
            raise refusal_from(error) from error

    def notice_later(self, destination: str, template: str, locale: str, *, decoy: bool) -> None:
        """Has a notice sent after the answer; a decoy goes the same way and is dropped at its end, so that the answer takes the
        same time with it and without it.
        """
        request = otp_pb2.SendNoticeRequest(
            request_id=new_id(), destination=destination, channel=_channel(destination), template=template, locale=locale
        )
        self._later.submit(self._notice, request, time.monotonic() + NOTICE_DELAY_SECONDS, decoy=decoy)

    def close(self) -> None:
        """Hands over at once what still waits."""
        self._closing.set()
        self._later.shutdown(wait=True)

    def _notice(self, request: otp_pb2.SendNoticeRequest, due: float, *, decoy: bool) -> None:
        self._closing.wait(max(0.0, due - time.monotonic()))
        if decoy:
            return
        try:
            self._stub.SendNotice(request)
        except grpc.RpcError as error:
            log.warning("notice not sent", template=request.template, reason=refusal_from(error).reason)


def _channel(destination: str) -> "otp_pb2.Channel.ValueType":
    return otp_pb2.CHANNEL_EMAIL if contacts.is_email(destination) else otp_pb2.CHANNEL_SMS


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except grpc.RpcError as error:
        refusal = refusal_from(error)
        if refusal.kind in _PASSED_ON:
            raise refusal from error
        raise
