"""The services as the portal sees them, in memory behind a real gRPC server: small answers to what pages ask.

The code is always 123456, the password always PASSWORD. ``refuse_next`` has one RPC refuse once; ``seen`` keeps the requests.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
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
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, contact_change_pb2_grpc
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.status import DETAILS_KEY, details_of

CODE = "123456"
PASSWORD = "una frase lunga e buona"
DONE = contact_change_pb2.CHANGE_STATE_APPLIED


def at(**ahead: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC) + timedelta(**ahead))
    return stamp


class Backend:
    """Everything in memory, and the server in front of it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.tokens: list[str] = []
        self.refusals: dict[str, Refusal] = {}
        self.sessions: set[str] = set()
        self.attempts: dict[str, int] = {}
        self.changes: list[contact_change_pb2.Change] = []
        self.claims: dict[str, claims_pb2.Claim] = {}
        self.policies = ["POL-1", "POL-2"]
        self.customer_id = "C1"  # who signs in
        self.held_until: Timestamp | None = None
        self.code_age = timedelta()
        self.is_frozen = False
        self.undeclared = False
        self.recovered: list[str] = []  # contacts whose code was right
        self.devices = {"device-1": session_pb2.Device(device_id="device-1", label="Firefox · Linux", expires_at=at(days=20))}
        self.others = {"other-1": session_pb2.SessionInfo(session_id="other-1", device="Safari · iPhone", created_at=at())}
        self.delivery: otp_pb2.Delivery.ValueType = otp_pb2.DELIVERY_QUEUED
        self.uploads: list[tuple[str, list[int]]] = []
        self.server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        registration_pb2_grpc.add_RegistrationServiceServicer_to_server(_Registration(self), self.server)
        authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(_Authentication(self), self.server)
        recovery_pb2_grpc.add_RecoveryServiceServicer_to_server(_Recovery(self), self.server)
        session_pb2_grpc.add_SessionServiceServicer_to_server(_Sessions(self), self.server)
        session_pb2_grpc.add_AccountServiceServicer_to_server(_Accounts(self), self.server)
        contact_change_pb2_grpc.add_ContactChangeServiceServicer_to_server(_Changes(self), self.server)
        claims_pb2_grpc.add_ClaimsServiceServicer_to_server(_Claims(self), self.server)
        self.health = health.HealthServicer()
        self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def refuse_next(self, rpc: str, refusal: Refusal) -> None:
        """Has ``rpc`` refuse once."""
        self.refusals[rpc] = refusal

    def last(self, kind: type) -> Any:
        """The latest request of that kind."""
        return next(request for request in reversed(self.seen) if isinstance(request, kind))

    def answer(self, rpc: str, context: grpc.ServicerContext, work: Callable[[], Any], request: Any = None) -> Any:
        """The one way through for every RPC: records, refuses if told to, else does the work."""
        try:
            if request is not None:
                self.seen.append(request)
            if rpc in self.refusals:
                raise self.refusals.pop(rpc)
            return work()
        except Refusal as refusal:
            context.set_trailing_metadata(((DETAILS_KEY, details_of(refusal, "test")),))
            context.abort(grpc.StatusCode[refusal.kind], refusal.message)

    def person(self, context: grpc.ServicerContext, *extra: str) -> str:
        """The token that acts."""
        token = str(dict(context.invocation_metadata()).get("authorization", "")).removeprefix("Bearer ")
        self.tokens.append(token)
        if token not in self.sessions and token not in extra:
            raise Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "nobody")
        return token

    def new_session(self) -> str:
        token = f"session-{len(self.tokens)}-{len(self.sessions)}"
        self.sessions.add(token)
        return token

    def rotated(self, before: str) -> str:
        """The session's new token; the code is fresh."""
        self.sessions.discard(before)
        self.code_age = timedelta()
        return self.new_session()

    def demand_fresh_code(self) -> None:
        if self.code_age > timedelta(minutes=10):
            raise Refusal(Kind.UNAUTHENTICATED, "STEP_UP_REQUIRED", "fresh")

    def challenge(self, id: str, masked: str) -> otp_pb2.Challenge:
        return otp_pb2.Challenge(
            challenge_id=id,
            masked_destination=masked,
            channel=otp_pb2.CHANNEL_SMS,
            expires_at=at(minutes=5),
            resend_available_at=at(seconds=60),
            attempts_left=5 - self.attempts.get(id, 0),
            delivery=self.delivery,
        )

    def check(self, id: str, code: str, *, decoy: bool = False) -> tuple[otp_pb2.Outcome.ValueType, int]:
        if self.attempts.get(id, 0) >= 5:
            return otp_pb2.OUTCOME_EXHAUSTED, 0
        if "".join(code.split()) == CODE and not decoy:
            return otp_pb2.OUTCOME_APPROVED, 5
        self.attempts[id] = self.attempts.get(id, 0) + 1
        return otp_pb2.OUTCOME_INCORRECT, 5 - self.attempts[id]


def rpc(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """An RPC with one request: recorded, refused if told to."""

    def answered(servicer: Any, request: Any, context: Any) -> Any:
        return servicer.b.answer(method.__name__, context, lambda: method(servicer, request, context), request)

    return answered


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


class _Changes(contact_change_pb2_grpc.ContactChangeServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    def UploadDocument(self, requests: Iterator[Any], context: Any) -> Any:
        def work() -> Any:
            self.b.person(context, "change-token")
            name = next(requests).name
            pieces = [request.chunk for request in requests]
            self.b.uploads.append((name, [len(piece) for piece in pieces]))
            if not b"".join(pieces).startswith((b"\xff\xd8", b"\x89PNG", b"%PDF")):
                raise invalid(Violation("document", "DOCUMENT_TYPE_NOT_ALLOWED", "a picture"))
            return contact_change_pb2.UploadDocumentResponse(document_id=f"doc-{len(self.b.uploads)}", pages=1)

        return self.b.answer("UploadDocument", context, work)

    @rpc
    def StartMobileConfirmation(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        if not any(character.isdigit() for character in request.new_mobile):
            raise invalid(Violation("new_mobile", "NOT_A_NUMBER", "a mobile"))
        return contact_change_pb2.StartMobileConfirmationResponse(
            challenge=self.b.challenge("mobile", "347 *****65"), new_mobile="+393471234565"
        )

    @rpc
    def ResendMobileCode(self, request: Any, context: Any) -> Any:
        return contact_change_pb2.ResendMobileCodeResponse(challenge=self.b.challenge("mobile", "347 *****65"))

    @rpc
    def GetMobileConfirmation(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        return contact_change_pb2.GetMobileConfirmationResponse(challenge=self.b.challenge("mobile", "347 *****65"))

    @rpc
    def ConfirmMobile(self, request: Any, context: Any) -> Any:
        outcome, left = self.b.check(request.challenge_id, request.code)
        return contact_change_pb2.ConfirmMobileResponse(outcome=outcome, attempts_left=left, mobile_proof="mobile-proof")

    @rpc
    def SubmitRequest(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        change = contact_change_pb2.Change(
            change_id=f"change-{len(self.b.changes)}",
            state=contact_change_pb2.CHANGE_STATE_IN_REVIEW,
            masked_new_mobile="347 *****65",
            submitted_at=at(),
            due_at=at(days=1),
        )
        self.b.changes.insert(0, change)
        return contact_change_pb2.SubmitRequestResponse(change=change)

    @rpc
    def GetChange(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        found = [change for change in self.b.changes if change.change_id == request.change_id]
        if not found:
            raise not_found("change")
        return contact_change_pb2.GetChangeResponse(change=found[0])

    @rpc
    def ListChanges(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        return contact_change_pb2.ListChangesResponse(changes=self.b.changes)

    @rpc
    def CancelChange(self, request: Any, context: Any) -> Any:
        self.b.person(context, "change-token")
        (change,) = [change for change in self.b.changes if change.change_id == request.change_id]
        change.state = contact_change_pb2.CHANGE_STATE_CANCELLED
        return contact_change_pb2.CancelChangeResponse(change=change)

    @rpc
    def AnswerQuestion(self, request: Any, context: Any) -> Any:
        if self.b.person(context, "change-token") != "change-token":
            self.b.demand_fresh_code()
        (change,) = [change for change in self.b.changes if change.change_id == request.change_id]
        change.state = contact_change_pb2.CHANGE_STATE_IN_REVIEW
        change.ClearField("question")
        return contact_change_pb2.AnswerQuestionResponse(change=change)

    def _linked(self, token: str) -> contact_change_pb2.Change:
        """The link's token is the change's id."""
        found = [change for change in self.b.changes if change.change_id == token]
        if not found:
            raise not_found("repudiation")
        return found[0]

    @rpc
    def PreviewRepudiation(self, request: Any, context: Any) -> Any:
        change = self._linked(request.token)
        return contact_change_pb2.PreviewRepudiationResponse(
            state=change.state, masked_new_mobile=change.masked_new_mobile, submitted_at=change.submitted_at
        )

    @rpc
    def Repudiate(self, request: Any, context: Any) -> Any:
        change = self._linked(request.token)
        is_applied = change.state == contact_change_pb2.CHANGE_STATE_APPLIED
        change.state = contact_change_pb2.CHANGE_STATE_FROZEN if is_applied else contact_change_pb2.CHANGE_STATE_REPUDIATED
        return contact_change_pb2.RepudiateResponse(state=change.state)


class _Claims(claims_pb2_grpc.ClaimsServiceServicer):
    def __init__(self, backend: Backend) -> None:
        self.b = backend

    def _mine(self, context: Any, id: str) -> claims_pb2.Claim:
        self.b.person(context)
        if id not in self.b.claims:
            raise not_found("claim")
        claim = self.b.claims[id]
        claim.total = f"{sum(float(expense.amount) for expense in claim.expenses):.2f}"
        return claim

    @rpc
    def ListPolicies(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return claims_pb2.ListPoliciesResponse(policy_numbers=self.b.policies)

    @rpc
    def CreateDraft(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        id = f"claim-{request.request_id}"
        if id not in self.b.claims:
            self.b.claims[id] = claims_pb2.Claim(
                claim_id=id,
                state=claims_pb2.CLAIM_STATE_DRAFT,
                version=1,
                details=request.details,
                created_at=at(),
                total="0.00",
            )
        return claims_pb2.CreateDraftResponse(claim=self.b.claims[id])

    @rpc
    def UpdateDraft(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        if claim.version != request.expected_version:
            raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "changed", {"changed": "details.iban,expenses"})
        if request.details.event_date and len(request.details.event_date) != 10:
            raise invalid(Violation("details.event_date", "DATE_INVALID", "a date"))
        if request.details != claim.details:
            claim.details.CopyFrom(request.details)
            claim.version += 1
        return claims_pb2.UpdateDraftResponse(claim=claim)

    @rpc
    def AddExpense(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        request.expense.expense_id = f"expense-{len(claim.expenses)}"
        claim.expenses.append(request.expense)
        claim.version += 1
        return claims_pb2.AddExpenseResponse(claim=self._mine(context, request.claim_id))

    @rpc
    def RemoveExpense(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        left = [one for one in claim.expenses if one.expense_id != request.expense_id]
        del claim.expenses[:]
        claim.expenses.extend(left)
        return claims_pb2.RemoveExpenseResponse(claim=claim)

    @rpc
    def RemoveAttachment(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        left = [one for one in claim.attachments if one.attachment_id != request.attachment_id]
        del claim.attachments[:]
        claim.attachments.extend(left)
        return claims_pb2.RemoveAttachmentResponse(claim=claim)

    @rpc
    def DiscardDraft(self, request: Any, context: Any) -> Any:
        self._mine(context, request.claim_id)
        del self.b.claims[request.claim_id]
        return claims_pb2.DiscardDraftResponse()

    @rpc
    def WithdrawClaim(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        claim.state = claims_pb2.CLAIM_STATE_WITHDRAWN
        return claims_pb2.WithdrawClaimResponse(claim=claim)

    @rpc
    def AnswerQuestion(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        claim.questions[-1].answered_at.CopyFrom(at())
        return claims_pb2.AnswerQuestionResponse(claim=claim)

    def AttachDocument(self, requests: Iterator[Any], context: Any) -> Any:
        def work() -> Any:
            head = next(requests).head
            claim = self._mine(context, head.claim_id)
            content = b"".join(request.chunk for request in requests)
            if not content.startswith((b"\xff\xd8", b"\x89PNG", b"%PDF")):
                raise invalid(Violation("document", "DOCUMENT_TYPE_NOT_ALLOWED", "a picture"))
            attachment_id = f"attachment-{len(claim.attachments)}"
            claim.attachments.add(attachment_id=attachment_id, kind=head.kind, name=head.name, size=len(content), pages=1)
            claim.version += 1
            return claims_pb2.AttachDocumentResponse(claim=claim)

        return self.b.answer("AttachDocument", context, work)

    @rpc
    def GetClaim(self, request: Any, context: Any) -> Any:
        return claims_pb2.GetClaimResponse(claim=self._mine(context, request.claim_id))

    @rpc
    def ListClaims(self, request: Any, context: Any) -> Any:
        self.b.person(context)
        return claims_pb2.ListClaimsResponse(claims=reversed(self.b.claims.values()))

    @rpc
    def GetReceipt(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        if not claim.claim_number:
            raise Refusal(Kind.FAILED_PRECONDITION, "NOT_FILED", "a draft")
        return claims_pb2.GetReceiptResponse(pdf=b"%PDF-1.7", name=f"{claim.claim_number}.pdf")

    @rpc
    def PrepareSubmission(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        faults = []
        if claim.details.policy_number != "POL-1":
            faults.append(Violation("details.policy_number", "POLICY_UNKNOWN", "one of theirs"))
        if self.b.undeclared:
            faults.append(Violation("details.declarations", "DECLARATIONS_REQUIRED", "all of them"))
        if not claim.attachments:
            faults.append(Violation("attachments", "INVOICE_REQUIRED", "an invoice"))
        if faults:
            raise invalid(*faults)
        return claims_pb2.PrepareSubmissionResponse(transaction_hash="ab" * 32, summary=f"denuncia {claim.total} EUR, IBAN …3456")

    @rpc
    def SubmitClaim(self, request: Any, context: Any) -> Any:
        claim = self._mine(context, request.claim_id)
        claim.state = claims_pb2.CLAIM_STATE_SUBMITTED
        claim.claim_number = "D-2026-000042"
        claim.submitted_at.CopyFrom(at())
        return claims_pb2.SubmitClaimResponse(claim=claim)
