"""The operators' side: ``recapito.contact_change.v1.ReviewService``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from recapito.contact_change.v1 import contact_change_pb2, review_pb2_grpc
from recapito.contact_change.v1 import review_pb2 as pb

from recapito_contact_change.domain import UNDER_REVIEW, Case, Customer, Decision, Operator, Question, State, Step
from recapito_contact_change.flows.decide_case import DecideCase, Verdict
from recapito_contact_change.flows.freeze_customer import Restore
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.flows.read_document import ReadDocument
from recapito_contact_change.flows.read_load import ReadLoad
from recapito_contact_change.flows.take_case import TakeCase
from recapito_contact_change.prechecks import FAILED
from recapito_contact_change.review import Opinion
from recapito_contact_change.servicers import places
from recapito_contact_change.servicers.customer import state_value
from recapito_contact_change.store.cases import Filter
from recapito_contact_change.store.documents import KeptDocument
from recapito_contact_change.store.notices import Delivery
from recapito_servicekit import contacts
from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.times import to_timestamp

CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFlows:
    """What the servicer calls. ``clock`` says whether a lease is over, for who reads."""

    read: ReadCases
    read_document: ReadDocument
    take: TakeCase
    decide: DecideCase
    restore: Restore
    load: ReadLoad
    clock: Clock


class ReviewServicer(review_pb2_grpc.ReviewServiceServicer):
    """Translates."""

    def __init__(self, flows: ReviewFlows) -> None:
        self._flows = flows

    def ListCases(self, request: pb.ListCasesRequest, context: grpc.ServicerContext) -> pb.ListCasesResponse:
        """A page of the queue."""
        chosen = Filter(
            state=_STATES.get(request.filter.state),
            change_id=request.filter.change_id,
            holder_id=operator().operator_id if request.filter.mine else "",
            waiting=request.filter.waiting,
        )
        newest_first = request.order == pb.CASE_ORDER_NEWEST_FIRST
        after = places.read(request.page_token) if request.page_token else None
        found, following = self._flows.read.page(chosen, after, request.page_size, newest_first=newest_first)
        mine = self._flows.read.reviewed_by(operator(), found)
        return pb.ListCasesResponse(
            cases=[self._summary(case, reviewed=case.case_id in mine) for case in found],
            next_page_token=places.write(following) if following else "",
        )

    def GetCase(self, request: pb.GetCaseRequest, context: grpc.ServicerContext) -> pb.GetCaseResponse:
        """A case with form, registry and documents."""
        return pb.GetCaseResponse(case=self._case(self._flows.read.open(operator(), request.case_id)))

    def TakeCase(self, request: pb.TakeCaseRequest, context: grpc.ServicerContext) -> pb.TakeCaseResponse:
        """A hold."""
        return pb.TakeCaseResponse(case=self._case(self._flows.take.run(operator(), request.case_id)))

    def RenewLease(self, request: pb.RenewLeaseRequest, context: grpc.ServicerContext) -> pb.RenewLeaseResponse:
        """As long again from now."""
        case = self._flows.take.renew(operator(), request.case_id)
        return pb.RenewLeaseResponse(lease_expires_at=to_timestamp(case.lease_expires_at))

    def ReleaseCase(self, request: pb.ReleaseCaseRequest, context: grpc.ServicerContext) -> pb.ReleaseCaseResponse:
        """Back to the queue."""
        return pb.ReleaseCaseResponse(case=self._summary(self._flows.take.release(operator(), request.case_id)))

    def ReadDocument(self, request: pb.ReadDocumentRequest, context: grpc.ServicerContext) -> Iterator[pb.ReadDocumentResponse]:
        """A page's image."""
        if request.page < 0:
            raise invalid(Violation("page", "OUT_OF_RANGE", "from 1; 0: the first"))
        media_type, image = self._flows.read_document.run(operator(), request.case_id, request.document_id, request.page)
        yield pb.ReadDocumentResponse(media_type=media_type)
        for start in range(0, len(image), CHUNK):
            yield pb.ReadDocumentResponse(chunk=image[start : start + CHUNK])

    def GetHistory(self, request: pb.GetHistoryRequest, context: grpc.ServicerContext) -> pb.GetHistoryResponse:
        """What happened to a case."""
        entries = [
            pb.HistoryEntry(at=to_timestamp(entry.at), actor=entry.actor, action=entry.action, detail=entry.detail)
            for entry in self._flows.read.history(request.case_id)
        ]
        return pb.GetHistoryResponse(entries=entries)

    def Decide(self, request: pb.DecideRequest, context: grpc.ServicerContext) -> pb.DecideResponse:
        """The decision."""
        decision = _DECISIONS.get(request.decision)
        verdict = Verdict(request.expected_version, decision, request.reason_code, request.note, request.question)
        folder = self._flows.decide.run(operator(), request.case_id, verdict, current_call().demand_time)
        return pb.DecideResponse(case=self._case(folder))

    def GetLoad(self, request: pb.GetLoadRequest, context: grpc.ServicerContext) -> pb.GetLoadResponse:
        """What waits."""
        load = self._flows.load.run()
        return pb.GetLoadResponse(
            states=[
                pb.StateLoad(state=state_value(state), count=count, oldest=to_timestamp(oldest))
                for state, count, oldest in load.states
            ],
            waiting=load.waiting.count,
            late=load.waiting.late,
            due_soon=load.waiting.soon,
            unseen=load.waiting.unseen,
            first_look_hours=int(load.first_look.total_seconds() // 3600),
            target_hours=int(load.target.total_seconds() // 3600),
            holders=[pb.HolderLoad(operator=name, cases=count) for name, count in load.holders],
            outcomes=[
                pb.OutcomeCount(decision=pb.Decision.Value(f"DECISION_{decision}"), reason_code=reason_code, count=count)
                for decision, reason_code, count in load.outcomes
            ],
            median_hours=load.median.total_seconds() / 3600,
            second_reviews=load.reviewed_twice.count,
            disagreements=load.reviewed_twice.disagreed,
            dead_letters=load.dead_letters,
        )

    def Restore(self, request: pb.RestoreRequest, context: grpc.ServicerContext) -> pb.RestoreResponse:
        """It was them after all."""
        step = Step.REVERT if request.restoration == pb.RESTORATION_REVERT else Step.RESTORE
        return pb.RestoreResponse(case=self._case(self._flows.restore.run(operator(), request.change_id, request.note, step)))

    def _summary(self, case: Case, *, reviewed: bool = False) -> pb.CaseSummary:
        return pb.CaseSummary(
            case_id=case.case_id,
            change_id=case.change.change_id,
            version=case.version,
            state=state_value(case.change.state),
            holder=case.holder_name if case.held_at(self._flows.clock()) else "",
            submitted_at=to_timestamp(case.change.submitted_at),
            due_at=to_timestamp(case.change.due_at),
            findings_count=len(case.findings),
            customer_name=case.customer_name,
            reviewed_by_me=reviewed,
        )

    def _case(self, folder: Folder) -> pb.Case:
        case = folder.case
        held = case.held_at(self._flows.clock())
        waits = case.change.state in UNDER_REVIEW
        return pb.Case(
            summary=self._summary(case, reviewed=bool(self._flows.read.reviewed_by(operator(), [case]))),
            form=_form(case),
            registry=_registry(folder.customer),
            documents=[_document(document) for document in folder.documents],
            lease_expires_at=to_timestamp(case.lease_expires_at) if held else None,
            decision=pb.Decision.Value(f"DECISION_{case.decision or 'UNSPECIFIED'}"),
            reason_code=case.reason_code,
            note=case.note,
            decided_by=case.decided_by_name,
            decided_at=to_timestamp(case.decided_at),
            findings=case.findings,
            questions=[_question(question) for question in folder.questions],
            found=[_finding(code, folder.evidence) for code in case.findings],
            opinions=[_opinion(one, tell_risks=not waits) for one in folder.opinions],
            deliveries=[_delivery(one) for one in folder.notices],
        )


def operator() -> Operator:
    """The operator who acts in the call under way."""
    person = current_call().the_person()
    return Operator(person.operator_id, person.operator_name, person.customer_id)


def _form(case: Case) -> pb.FiledForm:
    form = case.change.form
    document = form.document
    return pb.FiledForm(
        reason=contact_change_pb2.Reason.Value(f"REASON_{form.reason}"),
        new_mobile=form.new_mobile,
        mobile_confirmed=case.change.mobile_confirmed,
        notify_email=form.notify_email,
        identity_document=contact_change_pb2.IdentityDocument(
            type=contact_change_pb2.DocumentType.Value(f"DOCUMENT_TYPE_{document.type}"),
            number=document.number,
            issuer=document.issuer,
            issued_on=document.issued_on.isoformat(),
            expires_on=document.expires_on.isoformat(),
        ),
        amr=case.change.amr,
    )


def _registry(customer: Customer) -> pb.RegistryRecord:
    return pb.RegistryRecord(
        customer_id=customer.customer_id,
        given_name=customer.given_name,
        family_name=customer.family_name,
        codice_fiscale=customer.codice_fiscale,
        email=customer.email,
        mobile=customer.mobile,
        language=customer.language,
        contact_changed_at=to_timestamp(customer.contact_changed_at),
    )


def _question(question: Question) -> pb.AskedQuestion:
    return pb.AskedQuestion(
        asked_by=question.asked_by,
        asked_at=to_timestamp(question.asked_at),
        reason_code=question.reason_code,
        text=question.text,
        answered_at=to_timestamp(question.answered_at),
        answer=question.answer,
    )


def _finding(code: str, evidence: Mapping[str, Mapping[str, str]]) -> pb.CaseFinding:
    return pb.CaseFinding(code=code, evidence=evidence.get(code, {}), failed=code in FAILED)


def _opinion(opinion: Opinion, *, tell_risks: bool) -> pb.Opinion:
    return pb.Opinion(
        operator=opinion.operator_name,
        decision=pb.Decision.Value(f"DECISION_{opinion.decision}"),
        reason_code=opinion.reason_code,
        note=opinion.note,
        given_at=to_timestamp(opinion.given_at),
        risks=opinion.risks if tell_risks else (),
    )


def _delivery(delivery: Delivery) -> pb.Delivery:
    notice = delivery.notice
    return pb.Delivery(
        channel=notice.channel,
        masked_destination=contacts.mask(notice.destination),
        template=notice.template,
        state=delivery.state,
        tries=delivery.tries,
        at=to_timestamp(delivery.at),
        error=delivery.error,
    )


def _document(document: KeptDocument) -> pb.CaseDocument:
    return pb.CaseDocument(
        document_id=document.document_id,
        name=document.name,
        media_type=document.media_type,
        pages=document.pages,
        sha256=document.sha256,
        destroyed_at=to_timestamp(document.destroyed_at),
    )


_STATES: Final = {state_value(state): state for state in State}
_DECISIONS: Final = {pb.Decision.Value(f"DECISION_{decision}"): decision for decision in Decision}
