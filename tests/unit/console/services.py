"""auth and contact-change as the console sees them: real gRPC, mTLS and gate, and what they know set by the test."""

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import grpc
from PIL import Image
from recapito.auth.v1 import operator_pb2, operator_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, dead_letter_pb2, dead_letter_pb2_grpc, review_pb2, review_pb2_grpc

from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.persons import Person, person_of
from recapito_servicekit.serving import Wiring
from recapito_servicekit.times import from_timestamp, to_timestamp

PASSWORD = "tre cavalli blu al galoppo"
TOTP = "123456"
NEW_TOTP = "654321"
URI = "otpauth://totp/Recapito:anna.bianchi?secret=KRSXG5CTMVRXEZLU&issuer=Recapito"
ROLES = {"anna.bianchi": "reviewer", "carlo.neri": "supervisor", "dora.auditor": "auditor", "<i>eva</i>": "reviewer"}
CODES = [f"abcd-efgh-ijkl-mno{letter}" for letter in "abcdefghij"]
LEASE = timedelta(minutes=15)
WAITING = (contact_change_pb2.CHANGE_STATE_IN_REVIEW, contact_change_pb2.CHANGE_STATE_SECOND_REVIEW)
AFTER = {
    review_pb2.DECISION_APPROVE: contact_change_pb2.CHANGE_STATE_APPROVED,
    review_pb2.DECISION_REJECT: contact_change_pb2.CHANGE_STATE_REJECTED,
    review_pb2.DECISION_ASK: contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER,
}


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


class Reviews(review_pb2_grpc.ReviewServiceServicer):
    """``own_of``: the operator whose own case it is; ``refusals``: what an RPC answers whatever is asked."""

    def __init__(self) -> None:
        self.reset(system_clock)

    def reset(self, clock: Clock) -> None:
        self._clock = clock
        self.cases: dict[str, review_pb2.Case] = {}
        self.history: dict[str, list[review_pb2.HistoryEntry]] = {}
        self.lists: list[review_pb2.ListCasesRequest] = []
        self.own_of: dict[str, str] = {}
        self.restored: list[review_pb2.RestoreRequest] = []
        self.decided: list[review_pb2.DecideRequest] = []
        self.passes_on = False
        self.load = review_pb2.GetLoadResponse(first_look_hours=4, target_hours=24)
        self.page_type = "image/jpeg"
        self.page_bytes = picture()
        self.refusals: dict[str, Refusal] = {}

    def ListCases(self, request: review_pb2.ListCasesRequest, context: grpc.ServicerContext) -> review_pb2.ListCasesResponse:
        self.lists.append(request)
        self._refuse("ListCases")
        if request.page_token and not request.page_token.isdigit():
            raise invalid(Violation("page_token", "PAGE_TOKEN", "is none that was given out"))
        name = current_call().the_person().operator_name
        found = [
            case.summary
            for case in self.cases.values()
            if request.filter.state in (0, case.summary.state)
            and (not request.filter.mine or case.summary.holder == name)
            and (not request.filter.waiting or case.summary.state in WAITING)
        ]
        found.sort(key=lambda each: each.submitted_at.seconds, reverse=request.order == review_pb2.CASE_ORDER_NEWEST_FIRST)
        start = int(request.page_token or 0)
        more = str(start + request.page_size) if len(found) > start + request.page_size else ""
        return review_pb2.ListCasesResponse(cases=found[start : start + request.page_size], next_page_token=more)

    def GetCase(self, request: review_pb2.GetCaseRequest, context: grpc.ServicerContext) -> review_pb2.GetCaseResponse:
        self._refuse("GetCase")
        return review_pb2.GetCaseResponse(case=self._case(request.case_id))

    def TakeCase(self, request: review_pb2.TakeCaseRequest, context: grpc.ServicerContext) -> review_pb2.TakeCaseResponse:
        case = self._case(request.case_id)
        name = current_call().the_person().operator_name
        if self.own_of.get(request.case_id) == name:
            raise Refusal(Kind.FAILED_PRECONDITION, "OWN_CASE", "nobody decides on themselves")
        if self.is_held(case) and case.summary.holder != name:
            raise Refusal(Kind.ABORTED, "CASE_HELD", "another has it", {"holder": case.summary.holder})
        self.hold(request.case_id, name)
        return review_pb2.TakeCaseResponse(case=case)

    def ReleaseCase(
        self, request: review_pb2.ReleaseCaseRequest, context: grpc.ServicerContext
    ) -> review_pb2.ReleaseCaseResponse:
        case = self._case(request.case_id)
        if self.is_held(case) and case.summary.holder != current_call().the_person().operator_name:
            raise Refusal(Kind.ABORTED, "LEASE_LOST", "another has it", {"holder": case.summary.holder})
        case.summary.holder = ""
        case.ClearField("lease_expires_at")
        return review_pb2.ReleaseCaseResponse(case=case.summary)

    def Restore(self, request: review_pb2.RestoreRequest, context: grpc.ServicerContext) -> review_pb2.RestoreResponse:
        self._refuse("Restore")
        (case,) = [case for case in self.cases.values() if case.summary.change_id == request.change_id]
        revert = request.restoration == review_pb2.RESTORATION_REVERT
        case.summary.state = contact_change_pb2.CHANGE_STATE_REVERTED if revert else contact_change_pb2.CHANGE_STATE_APPLIED
        self.restored.append(request)
        return review_pb2.RestoreResponse(case=case)

    def ReadDocument(
        self, request: review_pb2.ReadDocumentRequest, context: grpc.ServicerContext
    ) -> Iterator[review_pb2.ReadDocumentResponse]:
        case = self._case(request.case_id)
        if request.document_id not in {each.document_id for each in case.documents}:
            raise not_found("document")
        yield review_pb2.ReadDocumentResponse(media_type=self.page_type)
        for start in range(0, len(self.page_bytes), 1000):
            yield review_pb2.ReadDocumentResponse(chunk=self.page_bytes[start : start + 1000])

    def GetHistory(self, request: review_pb2.GetHistoryRequest, context: grpc.ServicerContext) -> review_pb2.GetHistoryResponse:
        self._case(request.case_id)
        return review_pb2.GetHistoryResponse(entries=self.history.get(request.case_id, []))

    def Decide(self, request: review_pb2.DecideRequest, context: grpc.ServicerContext) -> review_pb2.DecideResponse:
        case = self._case(request.case_id)
        name = current_call().the_person().operator_name
        self._refuse("Decide")
        if self.passes_on:
            case.summary.state, case.summary.reviewed_by_me = contact_change_pb2.CHANGE_STATE_SECOND_REVIEW, True
            case.summary.holder = ""
            case.opinions.add(operator=name, decision=request.decision, reason_code=request.reason_code)
            return review_pb2.DecideResponse(case=case)
        if case.decision:
            raise Refusal(Kind.ABORTED, "ALREADY_DECIDED", "another was first")
        if not self.is_held(case) or case.summary.holder != name:
            raise Refusal(Kind.ABORTED, "LEASE_LOST", "another was first")
        if case.summary.version != request.expected_version:
            raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "another was first")
        self.decide(request, name)
        return review_pb2.DecideResponse(case=case)

    def hold(self, case_id: str, name: str) -> None:
        case = self.cases[case_id]
        case.summary.holder = name
        case.summary.version += 1
        case.lease_expires_at.FromDatetime(self._clock() + LEASE)

    def is_held(self, case: review_pb2.Case) -> bool:
        return bool(case.summary.holder) and from_timestamp(case.lease_expires_at) > self._clock()

    def decide(self, request: review_pb2.DecideRequest, name: str) -> None:
        case = self.cases[request.case_id]
        case.decision, case.reason_code, case.note, case.decided_by = request.decision, request.reason_code, request.note, name
        case.decided_at.FromDatetime(self._clock())
        self.decided.append(request)
        case.summary.state = AFTER[request.decision]

    def GetLoad(self, request: review_pb2.GetLoadRequest, context: grpc.ServicerContext) -> review_pb2.GetLoadResponse:
        return self.load

    def _case(self, case_id: str) -> review_pb2.Case:
        if case_id not in self.cases:
            raise not_found("case")
        return self.cases[case_id]

    def _refuse(self, method: str) -> None:
        if method in self.refusals:
            raise self.refusals[method]


class Letters(dead_letter_pb2_grpc.DeadLetterServiceServicer):
    """Dead letters, by id."""

    def __init__(self) -> None:
        self.letters: dict[str, dead_letter_pb2.DeadLetter] = {}

    def List(
        self, request: dead_letter_pb2.DeadLetterServiceListRequest, context: grpc.ServicerContext
    ) -> dead_letter_pb2.DeadLetterServiceListResponse:
        return dead_letter_pb2.DeadLetterServiceListResponse(letters=self.letters.values())

    def Resend(
        self, request: dead_letter_pb2.DeadLetterServiceResendRequest, context: grpc.ServicerContext
    ) -> dead_letter_pb2.DeadLetterServiceResendResponse:
        letter = self.letters.pop(request.letter_id, None)
        if letter is None:
            raise not_found("dead_letter")
        return dead_letter_pb2.DeadLetterServiceResendResponse(letter=letter)


@dataclass
class Services:
    """Both services on one port."""

    operators: Operators
    reviews: Reviews
    port: int
    letters: Letters = field(default_factory=Letters)
    names: tuple[str, ...] = field(default=("recapito.auth.v1.OperatorService", "recapito.contact_change.v1.ReviewService"))

    async def wire(self) -> Wiring:
        def add(server: grpc.aio.Server) -> None:
            operator_pb2_grpc.add_OperatorServiceServicer_to_server(self.operators, server)
            session_pb2_grpc.add_SessionServiceServicer_to_server(self.operators, server)
            review_pb2_grpc.add_ReviewServiceServicer_to_server(self.reviews, server)
            dead_letter_pb2_grpc.add_DeadLetterServiceServicer_to_server(self.letters, server)

        return Wiring(add=add, services=self.names, introspect=self.operators.person)


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


def case(case_id: str, now: datetime, name: str = "Rossi", **changes: object) -> review_pb2.Case:
    """A case filed two hours ago with an identity card of two pictures."""
    made = review_pb2.Case(
        summary=review_pb2.CaseSummary(
            case_id=case_id,
            change_id=f"change-{case_id}",
            version=3,
            state=contact_change_pb2.CHANGE_STATE_IN_REVIEW,
            submitted_at=to_timestamp(now - timedelta(hours=2)),
            due_at=to_timestamp(now + timedelta(hours=22)),
            customer_name=f"Mario {name}",
        ),
        form=review_pb2.FiledForm(
            reason=contact_change_pb2.REASON_NOT_RECOGNISED,
            new_mobile="+393331234567",
            mobile_confirmed=True,
            notify_email="mario.nuovo@posta.example",
            identity_document=contact_change_pb2.IdentityDocument(
                type=contact_change_pb2.DOCUMENT_TYPE_IDENTITY_CARD,
                number="CA12345AA",
                issuer="Comune di Bologna",
                issued_on="2022-03-14",
                expires_on="2032-03-14",
            ),
            amr=["pwd"],
        ),
        registry=review_pb2.RegistryRecord(
            customer_id="C-1",
            given_name="Mario",
            family_name=name,
            codice_fiscale="RSSMRA70A01A944I",
            email="mario.rossi@posta.example",
            mobile="+393201111119",
            language="it",
        ),
        documents=[
            review_pb2.CaseDocument(document_id="d-1", name="fronte.jpg", media_type="image/jpeg", pages=1),
            review_pb2.CaseDocument(document_id="d-2", name="retro.jpg", media_type="image/jpeg", pages=1),
        ],
    )
    made.MergeFrom(review_pb2.Case(**changes))  # type: ignore[arg-type]
    return made


def picture() -> bytes:
    """A small JPEG."""
    out = io.BytesIO()
    Image.new("RGB", (320, 200), (180, 200, 190)).save(out, "JPEG")
    return out.getvalue()
