"""Codes to the new mobile, and texts that are no codes: the otp service."""

from typing import Final

import grpc
from recapito.common.v1 import client_pb2
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_contact_change.domain import Customer
from recapito_contact_change.notices import Notice
from recapito_servicekit.errors import Kind, Violation, invalid, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.status import refusal_from

PURPOSE: Final = "new_mobile"
_NO_PROOF: Final = {Kind.NOT_FOUND: "UNKNOWN", Kind.FAILED_PRECONDITION: "USED", Kind.INVALID_ARGUMENT: "UNKNOWN"}


class NoticeRefused(Exception):
    """Raised when a text can't be sent, now or later."""


class Codes:
    """Confirms that a customer holds a mobile, and texts."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = otp_pb2_grpc.OtpServiceStub(channel)

    def issue(self, customer: Customer, mobile: str, client: client_pb2.Client) -> otp_pb2.Challenge:
        """Sends a code. Raises RpcError with RESOURCE_EXHAUSTED: too many of late."""
        request = otp_pb2.IssueChallengeRequest(
            request_id=new_id(),
            subject=customer.customer_id,
            purpose=PURPOSE,
            channel=otp_pb2.CHANNEL_SMS,
            destination=mobile,
            locale=customer.language,
            client=client,
        )
        return self._stub.IssueChallenge(request).challenge

    def resend(self, customer_id: str, challenge_id: str, client: client_pb2.Client) -> otp_pb2.Challenge:
        """Sends a new code of the same challenge. Raises Refusal: the customer has none such."""
        request = otp_pb2.ResendChallengeRequest(challenge_id=challenge_id, client=client, subject=customer_id)
        try:
            return self._stub.ResendChallenge(request).challenge
        except grpc.RpcError as error:
            raise _refused(error) from None

    def get(self, customer_id: str, challenge_id: str) -> otp_pb2.Challenge:
        """How far a code came. Raises Refusal: the customer has none such."""
        request = otp_pb2.GetChallengeRequest(challenge_id=challenge_id, subject=customer_id)
        try:
            return self._stub.GetChallenge(request).challenge
        except grpc.RpcError as error:
            raise _refused(error) from None

    def check(self, customer_id: str, challenge_id: str, code: str) -> otp_pb2.CheckChallengeResponse:
        """Compares a code. Raises Refusal: the customer has no such challenge."""
        request = otp_pb2.CheckChallengeRequest(challenge_id=challenge_id, subject=customer_id, purpose=PURPOSE, code=code)
        try:
            return self._stub.CheckChallenge(request)
        except grpc.RpcError as error:
            raise _refused(error) from None

    def spend(self, proof: str, customer_id: str, mobile: str, request_id: str) -> None:
        """Spends the proof that the customer holds the mobile; again with the same ``request_id``: nothing more.

        Raises Refusal: it was spent before, is unknown, or proves another mobile.
        """
        request = otp_pb2.ConsumeProofRequest(proof=proof, subject=customer_id, purpose=PURPOSE, request_id=request_id)
        try:
            answer = self._stub.ConsumeProof(request)
        except grpc.RpcError as error:
            reason = _NO_PROOF.get(refusal_from(error).kind)
            if reason is None:
                raise
            raise invalid(Violation("mobile_proof", reason, "confirm the new mobile again (ConfirmMobile)")) from None
        if answer.destination != mobile:
            raise invalid(Violation("mobile_proof", "OTHER_MOBILE", "it was the code to another mobile that was confirmed"))

    def text(self, notice_id: str, notice: Notice) -> None:
        """Queues a text, once for a notice. Raises NoticeRefused."""
        request = otp_pb2.SendNoticeRequest(
            request_id=notice_id,
            destination=notice.destination,
            channel=otp_pb2.CHANNEL_SMS,
            template=notice.template,
            params=notice.params,
            locale=notice.locale,
        )
        try:
            self._stub.SendNotice(request)
        except grpc.RpcError as error:
            refusal = refusal_from(error)
            if refusal.kind is Kind.INVALID_ARGUMENT:
                raise NoticeRefused(refusal.reason) from None
            raise


def _refused(error: grpc.RpcError) -> Exception:
    """NOT_FOUND, a wrong field and too soon are the caller's to know; the rest stays what it was."""
    refusal = refusal_from(error)
    if refusal.kind is Kind.NOT_FOUND:
        return not_found("challenge")
    return refusal if refusal.kind in (Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION) else error
