"""RecoveryService."""

from typing import Any

from recapito.auth.v1 import recovery_pb2 as pb
from recapito.auth.v1 import recovery_pb2_grpc

from recapito_auth.flows import complete_recovery, recover
from recapito_auth.flows.parts import Parts
from recapito_auth.metrics import counted
from recapito_auth.servicers.even import even_answer
from recapito_servicekit.calls import current_call


class RecoveryServicer(recovery_pb2_grpc.RecoveryServiceServicer):
    """New passwords for who has lost theirs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def StartRecovery(self, request: pb.StartRecoveryRequest, context: Any) -> pb.StartRecoveryResponse:
        """See the proto."""
        client = current_call().client(request.client)
        with even_answer(self._parts.settings.even_answer_ms):
            recovery_id, masked, challenge = recover.start_recovery(self._parts, request.username, request.locale, client)
        return pb.StartRecoveryResponse(
            recovery_id=recovery_id,
            masked_contact=masked,
            expires_at=challenge.expires_at,
            resend_available_at=challenge.resend_available_at,
        )

    def ResendRecoveryCode(self, request: pb.ResendRecoveryCodeRequest, context: Any) -> pb.ResendRecoveryCodeResponse:
        """See the proto."""
        challenge = recover.resend_recovery_code(self._parts, request.recovery_id, current_call().client(request.client))
        return pb.ResendRecoveryCodeResponse(
            masked_contact=challenge.masked_destination,
            expires_at=challenge.expires_at,
            resend_available_at=challenge.resend_available_at,
        )

    def VerifyRecovery(self, request: pb.VerifyRecoveryRequest, context: Any) -> pb.VerifyRecoveryResponse:
        """See the proto."""
        client = current_call().client(request.client)
        with counted("recovery_code") as tell:
            checked, second = recover.verify_recovery(self._parts, request.recovery_id, request.code, client)
            tell(checked.name.lower())
        return pb.VerifyRecoveryResponse(
            outcome=checked.outcome,
            attempts_left=checked.attempts_left,
            second=pb.VerifyRecoveryResponse.Second(
                masked_contact=second.masked_destination,
                expires_at=second.expires_at,
                resend_available_at=second.resend_available_at,
            )
            if second is not None
            else None,
        )

    def CompleteRecovery(self, request: pb.CompleteRecoveryRequest, context: Any) -> pb.CompleteRecoveryResponse:
        """See the proto."""
        complete_recovery.complete_recovery(self._parts, request.recovery_id, request.password)
        return pb.CompleteRecoveryResponse()
