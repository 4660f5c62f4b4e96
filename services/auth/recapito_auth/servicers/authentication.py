"""AuthenticationService."""

from datetime import datetime, timedelta
from typing import Any

from recapito.auth.v1 import authentication_pb2 as pb
from recapito.auth.v1 import authentication_pb2_grpc

from recapito_auth.flows import assist, complete_sign_in, step_up
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.sign_in import Asked, CodeRequired, ContactChangeOnly, MobileMissing, Next, sign_in
from recapito_auth.metrics import counted
from recapito_servicekit.calls import current_call
from recapito_servicekit.persons import AAL2
from recapito_servicekit.times import to_timestamp


class AuthenticationServicer(authentication_pb2_grpc.AuthenticationServiceServicer):
    """Signs customers in and steps their sessions up."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def SignIn(self, request: pb.SignInRequest, context: Any) -> pb.SignInResponse:
        """See the proto."""
        max_age = timedelta(seconds=request.max_age) if request.HasField("max_age") else None
        asked = Asked(request.username, request.password, request.device_token, request.acr, max_age)
        with counted("password") as tell:
            answer = _next(sign_in(self._parts, asked, current_call().client(request.client)))
            tell("signed_in" if answer.WhichOneof("next") == "session" else str(answer.WhichOneof("next")))
        return answer

    def GetSignIn(self, request: pb.GetSignInRequest, context: Any) -> pb.GetSignInResponse:
        """See the proto."""
        return pb.GetSignInResponse(challenge=complete_sign_in.get_sign_in(self._parts, request.sign_in_id))

    def ResendSignInCode(self, request: pb.ResendSignInCodeRequest, context: Any) -> pb.ResendSignInCodeResponse:
        """See the proto."""
        client = current_call().client(request.client)
        challenge = complete_sign_in.resend_sign_in_code(self._parts, request.sign_in_id, client)
        return pb.ResendSignInCodeResponse(challenge=challenge)

    def CompleteSignIn(self, request: pb.CompleteSignInRequest, context: Any) -> pb.CompleteSignInResponse:
        """See the proto."""
        with counted("code") as tell:
            done = complete_sign_in.complete_sign_in(
                self._parts, request.sign_in_id, request.code, trust_device=request.trust_device
            )
            tell("signed_in" if done.opened else done.checked.name.lower())
        return pb.CompleteSignInResponse(
            outcome=done.checked.outcome,
            attempts_left=done.checked.attempts_left,
            session=session_of(done.opened[0], done.opened[1].expires_at) if done.opened else None,
            device_token=done.device_token,
        )

    def StartAssistance(self, request: pb.StartAssistanceRequest, context: Any) -> pb.StartAssistanceResponse:
        """See the proto."""
        challenge = assist.start_assistance(self._parts, request.sign_in_id, current_call().client(request.client))
        return pb.StartAssistanceResponse(
            masked_destination=challenge.masked_destination,
            expires_at=challenge.expires_at,
            resend_available_at=challenge.resend_available_at,
        )

    def CompleteAssistance(self, request: pb.CompleteAssistanceRequest, context: Any) -> pb.CompleteAssistanceResponse:
        """See the proto."""
        checked, token = assist.complete_assistance(self._parts, request.sign_in_id, request.code)
        return pb.CompleteAssistanceResponse(
            outcome=checked.outcome, attempts_left=checked.attempts_left, contact_change_token=token
        )

    def StartStepUp(self, request: pb.StartStepUpRequest, context: Any) -> pb.StartStepUpResponse:
        """See the proto."""
        call = current_call()
        asked = step_up.Asked(request.purpose, request.transaction_hash, request.summary)
        challenge = step_up.start_step_up(self._parts, call.the_person(), asked, call.client(request.client))
        return pb.StartStepUpResponse(challenge=challenge)

    def ResendStepUpCode(self, request: pb.ResendStepUpCodeRequest, context: Any) -> pb.ResendStepUpCodeResponse:
        """See the proto."""
        call = current_call()
        challenge = step_up.resend_step_up_code(self._parts, call.the_person(), request.challenge_id, call.client(request.client))
        return pb.ResendStepUpCodeResponse(challenge=challenge)

    def GetStepUp(self, request: pb.GetStepUpRequest, context: Any) -> pb.GetStepUpResponse:
        """See the proto."""
        challenge = step_up.get_step_up(self._parts, current_call().the_person(), request.challenge_id)
        return pb.GetStepUpResponse(challenge=challenge)

    def CompleteStepUp(self, request: pb.CompleteStepUpRequest, context: Any) -> pb.CompleteStepUpResponse:
        """See the proto."""
        person = current_call().the_person()
        checked, rotated = step_up.complete_step_up(self._parts, person, request.challenge_id, request.code)
        return pb.CompleteStepUpResponse(
            outcome=checked.outcome,
            attempts_left=checked.attempts_left,
            session=session_of(rotated.token, rotated.expires_at) if rotated else None,
            proof=checked.proof if rotated else "",
        )


def session_of(token: str, expires_at: datetime) -> pb.Session:
    """A session as its person gets it."""
    return pb.Session(token=token, acr=AAL2, expires_at=to_timestamp(expires_at))


def _next(found: Next) -> pb.SignInResponse:
    if isinstance(found, CodeRequired):
        return pb.SignInResponse(
            code_required=pb.SignInResponse.CodeRequired(
                sign_in_id=found.sign_in_id,
                masked_destination=found.challenge.masked_destination,
                expires_at=found.challenge.expires_at,
                resend_available_at=found.challenge.resend_available_at,
                reasons=found.reasons,
                contact_change_token=found.contact_change_token,
            )
        )
    if isinstance(found, MobileMissing):
        missing = pb.SignInResponse.MobileMissing(sign_in_id=found.sign_in_id, masked_email=found.masked_email)
        return pb.SignInResponse(mobile_missing=missing)
    if isinstance(found, ContactChangeOnly):
        only = pb.SignInResponse.ContactChangeOnly(contact_change_token=found.contact_change_token, has_mobile=found.has_mobile)
        return pb.SignInResponse(contact_change_only=only)
    return pb.SignInResponse(session=session_of(found[0], found[1].expires_at))
