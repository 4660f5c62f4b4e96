"""protobuf <-> domain for ``recapito.otp.v1.OtpService``, nothing more."""

from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_otp.domain import Challenge, Channel, Delivery, Outcome
from recapito_otp.flows.cancel import Cancel
from recapito_otp.flows.check_challenge import CheckChallenge, Guess
from recapito_otp.flows.consume_proof import ConsumeProof
from recapito_otp.flows.get_challenge import get_challenge
from recapito_otp.flows.issue_challenge import Ask, IssueChallenge
from recapito_otp.flows.resend_challenge import ResendChallenge
from recapito_otp.flows.send_notice import SendNotice
from recapito_otp.store.redis_store import RedisStore
from recapito_servicekit.calls import current_call
from recapito_servicekit.times import to_timestamp

Context = grpc.aio.ServicerContext[Any, Any]

_OUTCOMES: Final = {outcome: otp_pb2.Outcome.Value(f"OUTCOME_{outcome}") for outcome in Outcome}
_DELIVERIES: Final = {delivery: otp_pb2.Delivery.Value(f"DELIVERY_{delivery}") for delivery in Delivery}
_CHANNELS: Final = {otp_pb2.CHANNEL_SMS: Channel.SMS, otp_pb2.CHANNEL_EMAIL: Channel.EMAIL}
_NUMBERS: Final = {channel: number for number, channel in _CHANNELS.items()}


@dataclass(frozen=True)
class Flows:
    """What the servicer calls."""

    issue: IssueChallenge
    check: CheckChallenge
    resend: ResendChallenge
    consume: ConsumeProof
    cancel: Cancel
    notice: SendNotice
    store: RedisStore


class OtpServicer(otp_pb2_grpc.OtpServiceServicer):
    """Async to the bottom: every method waits for Redis on the loop and for nothing else."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    async def IssueChallenge(self, request: otp_pb2.IssueChallengeRequest, context: Context) -> otp_pb2.IssueChallengeResponse:
        call = current_call()
        call.grant.demand_purpose(request.purpose)
        ask = Ask(
            request.request_id,
            request.subject,
            request.purpose,
            _CHANNELS.get(request.channel),
            request.destination,
            request.locale,
            request.transaction_hash,
            request.summary,
            request.decoy,
        )
        challenge = await self._flows.issue(call.caller, ask, call.client(request.client))
        response = otp_pb2.IssueChallengeResponse()
        _tell(challenge, response.challenge)
        return response

    async def CheckChallenge(self, request: otp_pb2.CheckChallengeRequest, context: Context) -> otp_pb2.CheckChallengeResponse:
        call = current_call()
        call.grant.demand_purpose(request.purpose)
        guess = Guess(request.challenge_id, request.subject, request.purpose, request.code, request.transaction_hash)
        finding = await self._flows.check(call.caller, guess)
        return otp_pb2.CheckChallengeResponse(
            outcome=_OUTCOMES[finding.outcome],
            attempts_left=finding.attempts_left,
            proof=finding.proof,
        )

    async def ResendChallenge(self, request: otp_pb2.ResendChallengeRequest, context: Context) -> otp_pb2.ResendChallengeResponse:
        call = current_call()
        challenge = await self._flows.resend(call.caller, request.challenge_id, request.subject, call.client(request.client))
        response = otp_pb2.ResendChallengeResponse()
        _tell(challenge, response.challenge)
        return response

    async def GetChallenge(self, request: otp_pb2.GetChallengeRequest, context: Context) -> otp_pb2.GetChallengeResponse:
        challenge = await get_challenge(self._flows.store, current_call().caller, request.challenge_id, request.subject)
        response = otp_pb2.GetChallengeResponse()
        _tell(challenge, response.challenge)
        return response

    async def CancelChallenge(self, request: otp_pb2.CancelChallengeRequest, context: Context) -> otp_pb2.CancelChallengeResponse:
        await self._flows.cancel.challenge(current_call().caller, request.challenge_id)
        return otp_pb2.CancelChallengeResponse()

    async def CancelSubject(self, request: otp_pb2.CancelSubjectRequest, context: Context) -> otp_pb2.CancelSubjectResponse:
        await self._flows.cancel.subject(current_call().caller, request.subject)
        return otp_pb2.CancelSubjectResponse()

    async def ConsumeProof(self, request: otp_pb2.ConsumeProofRequest, context: Context) -> otp_pb2.ConsumeProofResponse:
        call = current_call()
        call.grant.demand_purpose(request.purpose)
        spent = await self._flows.consume(
            call.caller, request.proof, request.subject, request.purpose, request.transaction_hash, request.request_id
        )
        return otp_pb2.ConsumeProofResponse(
            issued_by=spent.issued_by, approved_at=to_timestamp(spent.approved_at), destination=spent.destination
        )

    async def SendNotice(self, request: otp_pb2.SendNoticeRequest, context: Context) -> otp_pb2.SendNoticeResponse:
        notice_id = await self._flows.notice(
            current_call().caller,
            request.request_id,
            request.destination,
            _CHANNELS.get(request.channel),
            request.template,
            request.params,
            request.locale,
        )
        return otp_pb2.SendNoticeResponse(notice_id=notice_id)


def _tell(challenge: Challenge, told: otp_pb2.Challenge) -> None:
    """Fills it in where it stands in a response: one of its own would be copied, and so would its instants."""
    told.challenge_id = challenge.challenge_id
    told.masked_destination = challenge.masked_destination
    told.channel = _NUMBERS[challenge.channel]
    _set(told.expires_at, challenge.expires)
    _set(told.resend_available_at, challenge.resend)
    told.attempts_left = challenge.attempts_left
    told.delivery = _DELIVERIES[challenge.delivery]
    told.delivery_reason = challenge.delivery_reason


def _set(stamp: Timestamp, ms: int) -> None:
    stamp.seconds, stamp.nanos = ms // 1_000, ms % 1_000 * 1_000_000
