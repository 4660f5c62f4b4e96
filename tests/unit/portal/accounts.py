"""auth as the portal sees it: registration, sign-in, recovery, sessions, the customer's own account."""

from typing import Any

import grpc
from recapito.auth.v1 import (
    authentication_pb2,
    authentication_pb2_grpc,
    recovery_pb2,
    recovery_pb2_grpc,
    registration_pb2,
    registration_pb2_grpc,
    session_pb2,
    session_pb2_grpc,
)
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from tests.unit.portal.backend import PASSWORD, Backend, at, rpc


def add_to(server: grpc.Server, backend: Backend) -> None:
    """Serves it."""
    registration_pb2_grpc.add_RegistrationServiceServicer_to_server(_Registration(backend), server)
    authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(_Authentication(backend), server)
    recovery_pb2_grpc.add_RecoveryServiceServicer_to_server(_Recovery(backend), server)
    session_pb2_grpc.add_SessionServiceServicer_to_server(_Sessions(backend), server)
    session_pb2_grpc.add_AccountServiceServicer_to_server(_Accounts(backend), server)


class _Registration(registration_pb2_grpc.RegistrationServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    @rpc
    def StartRegistration(self, request: Any, context: Any) -> Any:
        if request.contact == "non un recapito":
            raise invalid(Violation("contact", "NOT_A_NUMBER", "a contact"))
        decoy = "ignoto" in request.contact
        masked = "i***@e***.it" if decoy else "m***@e***.it"
        return registration_pb2.StartRegistrationResponse(
            registration_id="reg-decoy" if decoy else "reg-known",
            masked_contact=masked,
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
        )

    @rpc
    def ResendCode(self, request: Any, context: Any) -> Any:
        return registration_pb2.ResendCodeResponse(
            registration_id=request.registration_id,
            masked_contact="m***@e***.it",
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
        )

    @rpc
    def VerifyContact(self, request: Any, context: Any) -> Any:
        id = request.registration_id
        outcome, left = self.b.check(id, request.code, decoy=id == "reg-decoy")
        return registration_pb2.VerifyContactResponse(outcome=outcome, attempts_left=left)

    @rpc
    def CompleteRegistration(self, request: Any, context: Any) -> Any:
        if len(request.password) < 8:
            raise invalid(Violation("password", "TOO_SHORT", "longer"))
        return registration_pb2.CompleteRegistrationResponse(account_id="acc")


class _Authentication(authentication_pb2_grpc.AuthenticationServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    @rpc
    def SignIn(self, request: Any, context: Any) -> Any:
        if request.password != PASSWORD:
            raise Refusal(Kind.UNAUTHENTICATED, "SIGN_IN_FAILED", "no")
        if request.device_token == "device-token":
            return authentication_pb2.SignInResponse(session=authentication_pb2.Session(token=self.b.new_session()))
        if request.username.startswith("solo"):
            only = authentication_pb2.SignInResponse.ContactChangeOnly(
                contact_change_token="change-token", has_mobile="mobile" in request.username
            )
            return authentication_pb2.SignInResponse(contact_change_only=only)
        if request.username.startswith("senza"):
            email = "" if "email" in request.username else "s***@e***.it"
            missing = authentication_pb2.SignInResponse.MobileMissing(sign_in_id="assist", masked_email=email)
            return authentication_pb2.SignInResponse(mobile_missing=missing)
        needed = authentication_pb2.SignInResponse.CodeRequired(
            sign_in_id="sign-in",
            masked_destination="320 *****19",
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
            reasons=["FIRST_SIGN_IN"],
            contact_change_token="change-token",
        )
        return authentication_pb2.SignInResponse(code_required=needed)

    @rpc
    def GetSignIn(self, request: Any, context: Any) -> Any:
        masked = "s***@e***.it" if request.sign_in_id == "assist" else "320 *****19"
        return authentication_pb2.GetSignInResponse(challenge=self.b.challenge(request.sign_in_id, masked))

    @rpc
    def ResendSignInCode(self, request: Any, context: Any) -> Any:
        return authentication_pb2.ResendSignInCodeResponse(challenge=self.b.challenge(request.sign_in_id, "320 *****19"))

    @rpc
    def CompleteSignIn(self, request: Any, context: Any) -> Any:
        outcome, left = self.b.check(request.sign_in_id, request.code)
        answer = authentication_pb2.CompleteSignInResponse(outcome=outcome, attempts_left=left)
        if outcome == otp_pb2.OUTCOME_APPROVED:
            answer.session.token = self.b.new_session()
            answer.device_token = "device-token" if request.trust_device else ""
        return answer

    @rpc
    def StartAssistance(self, request: Any, context: Any) -> Any:
        return authentication_pb2.StartAssistanceResponse(
            masked_destination="s***@e***.it", expires_at=at(minutes=5), resend_available_at=at(seconds=60)
        )

    @rpc
    def CompleteAssistance(self, request: Any, context: Any) -> Any:
        outcome, left = self.b.check(request.sign_in_id, request.code)
        token = "change-token" if outcome == otp_pb2.OUTCOME_APPROVED else ""
        return authentication_pb2.CompleteAssistanceResponse(outcome=outcome, attempts_left=left, contact_change_token=token)

    @rpc
    def StartStepUp(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return authentication_pb2.StartStepUpResponse(challenge=self.b.challenge("step-up", "320 *****19"))

    @rpc
    def ResendStepUpCode(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return authentication_pb2.ResendStepUpCodeResponse(challenge=self.b.challenge("step-up", "320 *****19"))

    @rpc
    def GetStepUp(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return authentication_pb2.GetStepUpResponse(challenge=self.b.challenge("step-up", "320 *****19"))

    @rpc
    def CompleteStepUp(self, request: Any, context: Any) -> Any:
        before = self.b.person(context)
        outcome, left = self.b.check(request.challenge_id, request.code)
        answer = authentication_pb2.CompleteStepUpResponse(outcome=outcome, attempts_left=left)
        if outcome == otp_pb2.OUTCOME_APPROVED:
            answer.session.token = self.b.rotated(before)
            answer.proof = "proof"
        return answer


class _Recovery(recovery_pb2_grpc.RecoveryServiceServicer):
    """Of "due@…" two contacts are on file, of "ignoto@…" none, of others the one."""

    def __init__(self, backend: Backend) -> None:
        self.b = backend

    @rpc
    def StartRecovery(self, request: Any, context: Any) -> Any:
        if "@" not in request.username:
            raise invalid(Violation("username", "NOT_A_NUMBER", "a contact"))
        self.b.recovered.clear()
        return recovery_pb2.StartRecoveryResponse(
            recovery_id=request.username.partition("@")[0],
            masked_contact="m***@e***.it",
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
        )

    @rpc
    def ResendRecoveryCode(self, request: Any, context: Any) -> Any:
        masked = "320 *****19" if self.b.recovered else "m***@e***.it"
        return recovery_pb2.ResendRecoveryCodeResponse(
            masked_contact=masked, expires_at=at(minutes=5), resend_available_at=at(seconds=60)
        )

    @rpc
    def VerifyRecovery(self, request: Any, context: Any) -> Any:
        outcome, left = self.b.check(request.recovery_id, request.code, decoy=request.recovery_id == "ignoto")
        answer = recovery_pb2.VerifyRecoveryResponse(outcome=outcome, attempts_left=left)
        if outcome == otp_pb2.OUTCOME_APPROVED:
            self.b.recovered.append(request.recovery_id)
            if request.recovery_id == "due" and len(self.b.recovered) == 1:
                answer.second.masked_contact = "320 *****19"
                answer.second.expires_at.CopyFrom(at(minutes=5))
                answer.second.resend_available_at.CopyFrom(at(seconds=60))
        return answer

    @rpc
    def CompleteRecovery(self, request: Any, context: Any) -> Any:
        if len(request.password) < 8:
            raise invalid(Violation("password", "TOO_SHORT", "longer"))
        return recovery_pb2.CompleteRecoveryResponse()


class _Sessions(session_pb2_grpc.SessionServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    @rpc
    def Introspect(self, request: Any, context: Any) -> Any:
        if request.token not in self.b.sessions:
            return session_pb2.IntrospectResponse(active=False)
        return session_pb2.IntrospectResponse(
            active=True,
            kind=session_pb2.KIND_SESSION,
            customer_id=self.b.customer_id,
            acr="recapito:aal2",
            auth_time=at(seconds=-self.b.code_age.total_seconds()),
            claims_held_until=self.b.held_until,
            frozen=self.b.is_frozen,
        )


class _Accounts(session_pb2_grpc.AccountServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    @rpc
    def EndSession(self, request: Any, context: Any) -> Any:
        if request.session_id:
            self.b.person(context)
            if self.b.others.pop(request.session_id, None) is None:
                raise not_found("session")
        self.b.sessions.discard(request.token)
        return session_pb2.EndSessionResponse()

    @rpc
    def ListSessions(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        own = session_pb2.SessionInfo(session_id="own", device="", created_at=at(), last_seen_at=at(), current=True)
        return session_pb2.ListSessionsResponse(sessions=[own, *self.b.others.values()])

    @rpc
    def EndAllSessions(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        self.b.sessions.clear()
        return session_pb2.EndAllSessionsResponse()

    @rpc
    def ListDevices(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return session_pb2.ListDevicesResponse(devices=self.b.devices.values())

    @rpc
    def ForgetDevice(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        if self.b.devices.pop(request.device_id, None) is None:
            raise not_found("device")
        return session_pb2.ForgetDeviceResponse()

    @rpc
    def ChangePassword(self, request: Any, context: Any) -> Any:
        before = self.b.person(context)
        self.b.demand_fresh_code()
        if request.old_password != PASSWORD:
            raise invalid(Violation("old_password", "WRONG", "the present password"))
        if len(request.new_password) < 8:
            raise invalid(Violation("new_password", "TOO_SHORT", "longer"))
        return session_pb2.ChangePasswordResponse(session=authentication_pb2.Session(token=self.b.rotated(before)))

    @rpc
    def StartEmailChange(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        self.b.demand_fresh_code()
        if request.new_email == "mario@esempio.it":
            raise invalid(Violation("new_email", "UNCHANGED", "another"))
        return session_pb2.StartEmailChangeResponse(challenge=self.b.challenge("email", "n***@e***.it"))

    @rpc
    def GetEmailChange(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return session_pb2.GetEmailChangeResponse(challenge=self.b.challenge("email", "n***@e***.it"))

    @rpc
    def ResendEmailChangeCode(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return session_pb2.ResendEmailChangeCodeResponse(challenge=self.b.challenge("email", "n***@e***.it"))

    @rpc
    def CompleteEmailChange(self, request: Any, context: Any) -> Any:
        before = self.b.person(context)
        outcome, left = self.b.check(request.challenge_id, request.code)
        answer = session_pb2.CompleteEmailChangeResponse(outcome=outcome, attempts_left=left)
        if outcome == otp_pb2.OUTCOME_APPROVED:
            answer.session.token = self.b.rotated(before)
        return answer
