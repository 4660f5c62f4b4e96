"""auth as the console sees it: operators, their sessions and what supervisors ask, set by the test."""

import itertools
from datetime import datetime, timedelta

import grpc
from recapito.auth.v1 import operator_pb2, operator_pb2_grpc, session_pb2, session_pb2_grpc

from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.persons import Person, person_of
from recapito_servicekit.times import to_timestamp

PASSWORD = "tre cavalli blu al galoppo"
TOTP = "123456"
NEW_TOTP = "654321"
URI = "otpauth://totp/Recapito:anna.bianchi?secret=KRSXG5CTMVRXEZLU&issuer=Recapito"
ROLES = {"anna.bianchi": "reviewer", "carlo.neri": "supervisor", "dora.auditor": "auditor", "<i>eva</i>": "reviewer"}
CODES = [f"abcd-efgh-ijkl-mno{letter}" for letter in "abcdefghij"]


class Operators(operator_pb2_grpc.OperatorServiceServicer, session_pb2_grpc.SessionServiceServicer):
    def __init__(self) -> None:
        self.reset(system_clock)

    def reset(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self.live: dict[str, str] = {}  # operator names by token
        self.first: set[str] = set()  # names of operators whose password was made for them
        self.passwords: list[operator_pb2.OperatorServiceChangePasswordRequest] = []
        self.clients: list[str] = []
        self.refusal: Refusal | None = None
        self.refusals: dict[str, Refusal] = {}
        self.listed = [operator_pb2.Operator(name=name, role=role, recovery_codes_left=10) for name, role in ROLES.items()]
        self.disabled: list[str] = []
        self.explained: list[operator_pb2.ExplainSignInRequest] = []
        self.explanation = explanation(clock())
        self.unlocked: list[str] = []

    def open(self, name: str) -> str:
        token = f"token-of-{name}-{next(self._numbers)}"
        self.live[token] = name
        return token

    def SignIn(
        self, request: operator_pb2.OperatorServiceSignInRequest, context: grpc.ServicerContext
    ) -> operator_pb2.OperatorServiceSignInResponse:
        self.clients.append(request.client.ip)
        if self.refusal is not None:
            raise self.refusal
        if request.username not in ROLES or (request.password, request.totp) != (PASSWORD, TOTP):
            raise Refusal(Kind.UNAUTHENTICATED, "SIGN_IN_FAILED", "user name, password or code are wrong")
        return operator_pb2.OperatorServiceSignInResponse(session=self._session(request.username))

    def ChangePassword(
        self, request: operator_pb2.OperatorServiceChangePasswordRequest, context: grpc.ServicerContext
    ) -> operator_pb2.OperatorServiceChangePasswordResponse:
        self._refuse("ChangePassword")
        self.passwords.append(request)
        name = self.live.pop(current_call().the_person().token)
        self.first.discard(name)
        return operator_pb2.OperatorServiceChangePasswordResponse(session=self._session(name))

    def StartTotpChange(
        self, request: operator_pb2.StartTotpChangeRequest, context: grpc.ServicerContext
    ) -> operator_pb2.StartTotpChangeResponse:
        self._refuse("StartTotpChange")
        if request.totp != TOTP:
            raise invalid(Violation("totp", "WRONG", "wrong"))
        return operator_pb2.StartTotpChangeResponse(enrolment_id="e-1", otpauth_uri=URI)

    def CompleteTotpChange(
        self, request: operator_pb2.CompleteTotpChangeRequest, context: grpc.ServicerContext
    ) -> operator_pb2.CompleteTotpChangeResponse:
        self._refuse("CompleteTotpChange")
        if request.enrolment_id != "e-1":
            raise not_found("totp_change")
        if request.totp != NEW_TOTP:
            raise invalid(Violation("totp", "WRONG", "wrong"))
        name = self.live.pop(current_call().the_person().token)
        return operator_pb2.CompleteTotpChangeResponse(session=self._session(name))

    def _session(self, name: str) -> operator_pb2.OperatorSession:
        return operator_pb2.OperatorSession(token=self.open(name), role=ROLES[name], password_change_required=name in self.first)

    def SignOut(self, request: operator_pb2.SignOutRequest, context: grpc.ServicerContext) -> operator_pb2.SignOutResponse:
        self.live.pop(current_call().the_person().token)
        return operator_pb2.SignOutResponse()

    def ListOperators(
        self, request: operator_pb2.ListOperatorsRequest, context: grpc.ServicerContext
    ) -> operator_pb2.ListOperatorsResponse:
        return operator_pb2.ListOperatorsResponse(operators=self.listed)

    def CreateOperator(
        self, request: operator_pb2.CreateOperatorRequest, context: grpc.ServicerContext
    ) -> operator_pb2.CreateOperatorResponse:
        self._refuse("CreateOperator")
        if request.name in [one.name for one in self.listed]:
            raise Refusal(Kind.ALREADY_EXISTS, "NAME_TAKEN", "there is one")
        self.listed.append(operator_pb2.Operator(name=request.name, role=request.role, customer_id=request.customer_id))
        return operator_pb2.CreateOperatorResponse(
            operator_id="o-1",
            password="prima-password",
            otpauth_uri=f"otpauth://totp/Recapito:{request.name}?secret=JBSWY3DPEHPK3PXP&issuer=Recapito",
            recovery_codes=CODES,
        )

    def DisableOperator(
        self, request: operator_pb2.DisableOperatorRequest, context: grpc.ServicerContext
    ) -> operator_pb2.DisableOperatorResponse:
        if request.name == current_call().the_person().operator_name:
            raise Refusal(Kind.FAILED_PRECONDITION, "OWN_ACCOUNT", "nobody disables themselves")
        self.disabled.append(request.name)
        return operator_pb2.DisableOperatorResponse()

    def ResetOperator(
        self, request: operator_pb2.ResetOperatorRequest, context: grpc.ServicerContext
    ) -> operator_pb2.ResetOperatorResponse:
        if request.name == current_call().the_person().operator_name:
            raise Refusal(Kind.FAILED_PRECONDITION, "OWN_ACCOUNT", "nobody resets themselves")
        return operator_pb2.ResetOperatorResponse(password="nuova-password", otpauth_uri=URI, recovery_codes=CODES)

    def RenewRecoveryCodes(
        self, request: operator_pb2.RenewRecoveryCodesRequest, context: grpc.ServicerContext
    ) -> operator_pb2.RenewRecoveryCodesResponse:
        self._refuse("RenewRecoveryCodes")
        if request.totp != TOTP:
            raise invalid(Violation("totp", "WRONG", "wrong"))
        return operator_pb2.RenewRecoveryCodesResponse(recovery_codes=CODES)

    def ExplainSignIn(
        self, request: operator_pb2.ExplainSignInRequest, context: grpc.ServicerContext
    ) -> operator_pb2.ExplainSignInResponse:
        self.explained.append(request)
        self._refuse("ExplainSignIn")
        return self.explanation

    def UnlockCustomer(
        self, request: operator_pb2.UnlockCustomerRequest, context: grpc.ServicerContext
    ) -> operator_pb2.UnlockCustomerResponse:
        self._refuse("UnlockCustomer")
        self.unlocked.append(request.customer_id)
        return operator_pb2.UnlockCustomerResponse()

    def _refuse(self, method: str) -> None:
        if method in self.refusals:
            raise self.refusals[method]

    def Introspect(self, request: session_pb2.IntrospectRequest, context: grpc.ServicerContext) -> session_pb2.IntrospectResponse:
        name = self.live.get(request.token)
        if name is None:
            return session_pb2.IntrospectResponse()
        return session_pb2.IntrospectResponse(
            active=True,
            kind=session_pb2.KIND_PASSWORD_CHANGE if name in self.first else session_pb2.KIND_OPERATOR,
            auth_time=to_timestamp(self._clock()),
            operator_id=f"id-{name}",
            operator_name=name,
            role=ROLES[name],
        )

    async def person(self, token: str) -> Person | None:
        return person_of(token, self.Introspect(session_pb2.IntrospectRequest(token=token), None))  # type: ignore[arg-type]


def explanation(now: datetime) -> operator_pb2.ExplainSignInResponse:
    """Customer K-1, whose user name is locked, and what happened."""
    return operator_pb2.ExplainSignInResponse(
        customer_id="K-1",
        customer_name="Maria D'Angelo",
        masked_username="320 *****19",
        last_signed_in_at=to_timestamp(now - timedelta(days=3)),
        obstacles=[
            operator_pb2.SignInObstacle(code="USERNAME_LOCKED", blocks=True, until=to_timestamp(now + timedelta(minutes=4))),
            operator_pb2.SignInObstacle(code="FAILED_ATTEMPTS"),
            operator_pb2.SignInObstacle(code="CONTACT_CHANGED", at=to_timestamp(now - timedelta(days=1))),
            operator_pb2.SignInObstacle(code="SOMETHING_NEW"),
        ],
        events=[
            operator_pb2.SignInEvent(at=to_timestamp(now), event="SIGN_IN_FAILED", details={"locked": "true"}),
            operator_pb2.SignInEvent(
                at=to_timestamp(now - timedelta(days=3)),
                event="SIGNED_IN",
                details={"amr": "pwd otp_sms", "reasons": "FIRST_SIGN_IN,CONTACT_CHANGED"},
            ),
            operator_pb2.SignInEvent(
                at=to_timestamp(now - timedelta(days=4)), event="CUSTOMER_IMPORTED", details={"changed": "email"}
            ),
        ],
    )
