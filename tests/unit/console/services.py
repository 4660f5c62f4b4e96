"""auth and contact-change as the console sees them: real gRPC, mTLS and gate, and what they know set by the test."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import grpc
from PIL import Image
from recapito.auth.v1 import operator_pb2_grpc, session_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, dead_letter_pb2, dead_letter_pb2_grpc, review_pb2, review_pb2_grpc

from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock, system_clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.serving import Wiring
from recapito_servicekit.times import from_timestamp, to_timestamp
from tests.unit.console.operators import Operators

LEASE = timedelta(minutes=15)
WAITING = (contact_change_pb2.CHANGE_STATE_IN_REVIEW, contact_change_pb2.CHANGE_STATE_SECOND_REVIEW)
AFTER = {
    review_pb2.DECISION_APPROVE: contact_change_pb2.CHANGE_STATE_APPROVED,
    review_pb2.DECISION_REJECT: contact_change_pb2.CHANGE_STATE_REJECTED,
    review_pb2.DECISION_ASK: contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER,
}


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

    def RenewLease(self, request: review_pb2.RenewLeaseRequest, context: grpc.ServicerContext) -> review_pb2.RenewLeaseResponse:
        self._refuse("RenewLease")
        case = self._case(request.case_id)
        if not self.is_held(case) or case.summary.holder != current_call().the_person().operator_name:
            raise Refusal(Kind.ABORTED, "LEASE_LOST", "they don't hold it", {"holder": case.summary.holder})
        version = case.summary.version
        self.hold(request.case_id, case.summary.holder)
        case.summary.version = version
        return review_pb2.RenewLeaseResponse(lease_expires_at=case.lease_expires_at)

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
