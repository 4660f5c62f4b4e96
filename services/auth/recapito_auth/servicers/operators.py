"""OperatorService."""

from typing import Any

from recapito.auth.v1 import operator_pb2 as pb
from recapito.auth.v1 import operator_pb2_grpc

from recapito_auth.domain.chain import Entry, Event
from recapito_auth.flows import change_totp, operators_own, supervise
from recapito_auth.flows.change_operator_password import change_operator_password
from recapito_auth.flows.parts import Parts, note
from recapito_auth.flows.reset_operator import reset_operator
from recapito_auth.flows.sign_in_operator import sign_in_operator
from recapito_auth.metrics import counted
from recapito_auth.store.sessions import Kind, Session
from recapito_servicekit.calls import current_call
from recapito_servicekit.times import to_timestamp


class OperatorServicer(operator_pb2_grpc.OperatorServiceServicer):
    """Signs operators in and out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def SignIn(self, request: pb.OperatorServiceSignInRequest, context: Any) -> pb.OperatorServiceSignInResponse:
        """See the proto."""
        client = current_call().client(request.client)
        with counted("operator") as tell:
            token, session = sign_in_operator(self._parts, request.username, request.password, request.totp, client)
            tell("signed_in")
        return pb.OperatorServiceSignInResponse(session=_session(token, session))

    def SignOut(self, request: pb.SignOutRequest, context: Any) -> pb.SignOutResponse:
        """See the proto."""
        person = current_call().the_person()
        self._parts.sessions.end(person.token)
        note(self._parts, Entry(Event.OPERATOR_SIGNED_OUT, operator_id=person.operator_id))
        return pb.SignOutResponse()

    def ChangePassword(
        self, request: pb.OperatorServiceChangePasswordRequest, context: Any
    ) -> pb.OperatorServiceChangePasswordResponse:
        """See the proto."""
        opened = change_operator_password(
            self._parts, current_call().the_person(), request.old_password, request.new_password, request.totp
        )
        return pb.OperatorServiceChangePasswordResponse(session=_session(*opened))

    def StartTotpChange(self, request: pb.StartTotpChangeRequest, context: Any) -> pb.StartTotpChangeResponse:
        """See the proto."""
        started = change_totp.start_totp_change(self._parts, current_call().the_person(), request.totp)
        return pb.StartTotpChangeResponse(
            enrolment_id=started.enrolment_id, otpauth_uri=started.uri, expires_at=to_timestamp(started.expires_at)
        )

    def CompleteTotpChange(self, request: pb.CompleteTotpChangeRequest, context: Any) -> pb.CompleteTotpChangeResponse:
        """See the proto."""
        person = current_call().the_person()
        token, expires_at = change_totp.complete_totp_change(self._parts, person, request.enrolment_id, request.totp)
        session = pb.OperatorSession(token=token, role=person.role, expires_at=to_timestamp(expires_at))
        return pb.CompleteTotpChangeResponse(session=session)

    def CreateOperator(self, request: pb.CreateOperatorRequest, context: Any) -> pb.CreateOperatorResponse:
        """See the proto."""
        person = current_call().the_person()
        enrolled, password = supervise.enrol(self._parts, person, request.name, request.role, request.customer_id)
        return pb.CreateOperatorResponse(
            operator_id=enrolled.operator_id,
            password=password,
            otpauth_uri=enrolled.uri,
            recovery_codes=enrolled.recovery_codes,
        )

    def DisableOperator(self, request: pb.DisableOperatorRequest, context: Any) -> pb.DisableOperatorResponse:
        """See the proto."""
        supervise.disable(self._parts, current_call().the_person(), request.name)
        return pb.DisableOperatorResponse()

    def ResetOperator(self, request: pb.ResetOperatorRequest, context: Any) -> pb.ResetOperatorResponse:
        """See the proto."""
        fresh, password = reset_operator(self._parts, current_call().the_person(), request.name)
        return pb.ResetOperatorResponse(password=password, otpauth_uri=fresh.uri, recovery_codes=fresh.recovery_codes)

    def ListOperators(self, request: pb.ListOperatorsRequest, context: Any) -> pb.ListOperatorsResponse:
        """See the proto."""
        return pb.ListOperatorsResponse(
            operators=[
                pb.Operator(
                    operator_id=one.operator_id,
                    name=one.name,
                    role=one.role,
                    customer_id=one.customer_id,
                    created_at=to_timestamp(one.created_at),
                    disabled_at=to_timestamp(one.disabled_at),
                    recovery_codes_left=one.recovery_codes_left,
                )
                for one in operators_own.list_operators(self._parts)
            ]
        )

    def RenewRecoveryCodes(self, request: pb.RenewRecoveryCodesRequest, context: Any) -> pb.RenewRecoveryCodesResponse:
        """See the proto."""
        codes = operators_own.renew_recovery_codes(self._parts, current_call().the_person(), request.totp)
        return pb.RenewRecoveryCodesResponse(recovery_codes=codes)

    def UnlockCustomer(self, request: pb.UnlockCustomerRequest, context: Any) -> pb.UnlockCustomerResponse:
        """See the proto."""
        supervise.unlock(self._parts, current_call().the_person(), request.customer_id)
        return pb.UnlockCustomerResponse()

    def ExplainSignIn(self, request: pb.ExplainSignInRequest, context: Any) -> pb.ExplainSignInResponse:
        """See the proto."""
        found = supervise.explain(self._parts, current_call().the_person(), request.customer_id, request.contact)
        return pb.ExplainSignInResponse(
            customer_id=found.customer_id,
            customer_name=found.customer_name,
            masked_username=found.masked_username,
            last_signed_in_at=to_timestamp(found.last_signed_in_at),
            obstacles=[
                pb.SignInObstacle(code=one.code, blocks=one.blocks, at=to_timestamp(one.at), until=to_timestamp(one.until))
                for one in found.obstacles
            ],
            events=[pb.SignInEvent(at=to_timestamp(one.at), event=one.event, details=one.details) for one in found.events],
        )


def _session(token: str, session: Session) -> pb.OperatorSession:
    return pb.OperatorSession(
        token=token,
        role=session.role,
        expires_at=to_timestamp(session.expires_at),
        password_change_required=session.kind is Kind.PASSWORD_CHANGE,
    )
