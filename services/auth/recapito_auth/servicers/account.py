"""AccountService."""

from typing import Any

from recapito.auth.v1 import session_pb2 as pb
from recapito.auth.v1 import session_pb2_grpc

from recapito_auth.flows import change_email, change_password, own_account
from recapito_auth.flows.parts import Parts
from recapito_auth.servicers.authentication import session_of
from recapito_servicekit.calls import current_call
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.times import to_timestamp


class AccountServicer(session_pb2_grpc.AccountServiceServicer):
    """The customer's own account."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def EndSession(self, request: pb.EndSessionRequest, context: Any) -> pb.EndSessionResponse:
        """See the proto."""
        if request.session_id:
            scheme, _, token = str(dict(context.invocation_metadata() or ()).get("authorization", "")).partition(" ")
            own_account.end_own_session(self._parts, token.strip() if scheme.lower() == "bearer" else "", request.session_id)
        elif request.token:
            own_account.end_session(self._parts, request.token)
        else:
            raise invalid(Violation("token", "REQUIRED", "the session's token, or its id"))
        return pb.EndSessionResponse()

    def ListSessions(self, request: pb.ListSessionsRequest, context: Any) -> pb.ListSessionsResponse:
        """See the proto."""
        sessions = [
            pb.SessionInfo(
                session_id=session.session_id,
                device=session.label,
                created_at=to_timestamp(session.created_at),
                last_seen_at=to_timestamp(session.seen_at),
                current=current,
            )
            for session, current in own_account.list_sessions(self._parts, current_call().the_person())
        ]
        return pb.ListSessionsResponse(sessions=sessions)

    def EndAllSessions(self, request: pb.EndAllSessionsRequest, context: Any) -> pb.EndAllSessionsResponse:
        """See the proto."""
        own_account.end_all_sessions(self._parts, current_call().the_person())
        return pb.EndAllSessionsResponse()

    def ListDevices(self, request: pb.ListDevicesRequest, context: Any) -> pb.ListDevicesResponse:
        """See the proto."""
        devices = [
            pb.Device(
                device_id=device.device_id,
                label=device.label,
                created_at=to_timestamp(device.created_at),
                last_used_at=to_timestamp(device.last_used_at),
                expires_at=to_timestamp(device.expires_at),
            )
            for device in own_account.list_devices(self._parts, current_call().the_person())
        ]
        return pb.ListDevicesResponse(devices=devices)

    def ForgetDevice(self, request: pb.ForgetDeviceRequest, context: Any) -> pb.ForgetDeviceResponse:
        """See the proto."""
        own_account.forget_device(self._parts, current_call().the_person(), request.device_id)
        return pb.ForgetDeviceResponse()

    def ChangePassword(self, request: pb.ChangePasswordRequest, context: Any) -> pb.ChangePasswordResponse:
        """See the proto."""
        person = current_call().the_person()
        renewed = change_password.change_password(self._parts, person, request.old_password, request.new_password)
        return pb.ChangePasswordResponse(session=session_of(*renewed))

    def StartEmailChange(self, request: pb.StartEmailChangeRequest, context: Any) -> pb.StartEmailChangeResponse:
        """See the proto."""
        call = current_call()
        challenge = change_email.start_email_change(
            self._parts, call.the_person(), request.new_email, call.client(request.client)
        )
        return pb.StartEmailChangeResponse(challenge=challenge)

    def ResendEmailChangeCode(self, request: pb.ResendEmailChangeCodeRequest, context: Any) -> pb.ResendEmailChangeCodeResponse:
        """See the proto."""
        call = current_call()
        challenge = change_email.resend_email_change_code(
            self._parts, call.the_person(), request.challenge_id, call.client(request.client)
        )
        return pb.ResendEmailChangeCodeResponse(challenge=challenge)

    def GetEmailChange(self, request: pb.GetEmailChangeRequest, context: Any) -> pb.GetEmailChangeResponse:
        """See the proto."""
        challenge = change_email.get_email_change(self._parts, current_call().the_person(), request.challenge_id)
        return pb.GetEmailChangeResponse(challenge=challenge)

    def CompleteEmailChange(self, request: pb.CompleteEmailChangeRequest, context: Any) -> pb.CompleteEmailChangeResponse:
        """See the proto."""
        person = current_call().the_person()
        checked, renewed = change_email.complete_email_change(self._parts, person, request.challenge_id, request.code)
        return pb.CompleteEmailChangeResponse(
            outcome=checked.outcome,
            attempts_left=checked.attempts_left,
            session=session_of(*renewed) if renewed is not None else None,
        )
