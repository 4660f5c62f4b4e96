"""The customer's side: ``recapito.contact_change.v1.ContactChangeService``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import grpc
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import contact_change_pb2_grpc as pb_grpc

from recapito_contact_change.adapters.codes import Codes
from recapito_contact_change.domain import Asker, Change, Question, State
from recapito_contact_change.flows.answer_question import Answer, AnswerQuestion
from recapito_contact_change.flows.cancel_change import CancelChange
from recapito_contact_change.flows.read_changes import ReadChanges
from recapito_contact_change.flows.repudiate import Repudiate
from recapito_contact_change.flows.submit_request import SubmitRequest
from recapito_contact_change.flows.upload_document import UploadDocument
from recapito_contact_change.flows.wish_mobile import WishMobile
from recapito_contact_change.form import DocumentType, Reason, TypedForm
from recapito_servicekit import contacts
from recapito_servicekit.calls import current_call
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.times import to_timestamp

LARGEST_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFlows:
    """What the servicer calls."""

    upload: UploadDocument
    wish: WishMobile
    codes: Codes
    submit: SubmitRequest
    read: ReadChanges
    cancel: CancelChange
    answer: AnswerQuestion
    repudiate: Repudiate


class ContactChangeServicer(pb_grpc.ContactChangeServiceServicer):
    """Translates."""

    def __init__(self, flows: CustomerFlows) -> None:
        self._flows = flows

    def UploadDocument(
        self, request: Iterator[pb.UploadDocumentRequest], context: grpc.ServicerContext
    ) -> pb.UploadDocumentResponse:
        """The name first, then the bytes."""
        first = next(request, pb.UploadDocumentRequest())
        if first.WhichOneof("part") != "name":
            raise invalid(Violation("name", "NAME_FIRST", "the first message holds the name, those after it the bytes"))
        document = self._flows.upload.run(asker(), first.name, _chunks(request))
        return pb.UploadDocumentResponse(
            document_id=document.document_id,
            media_type=document.media_type,
            size=document.size,
            sha256=document.sha256,
            pages=document.pages,
        )

    def StartMobileConfirmation(
        self, request: pb.StartMobileConfirmationRequest, context: grpc.ServicerContext
    ) -> pb.StartMobileConfirmationResponse:
        """A code to the new mobile."""
        client = current_call().client(request.client).message()
        customer, mobile = self._flows.wish.run(asker(), request.new_mobile)
        challenge = self._flows.codes.issue(customer, mobile, client)
        return pb.StartMobileConfirmationResponse(challenge=challenge, new_mobile=mobile)

    def ResendMobileCode(self, request: pb.ResendMobileCodeRequest, context: grpc.ServicerContext) -> pb.ResendMobileCodeResponse:
        """A new code."""
        client = current_call().client(request.client).message()
        challenge = self._flows.codes.resend(asker().customer_id, request.challenge_id, client)
        return pb.ResendMobileCodeResponse(challenge=challenge)

    def GetMobileConfirmation(
        self, request: pb.GetMobileConfirmationRequest, context: grpc.ServicerContext
    ) -> pb.GetMobileConfirmationResponse:
        """How far the code came."""
        return pb.GetMobileConfirmationResponse(challenge=self._flows.codes.get(asker().customer_id, request.challenge_id))

    def ConfirmMobile(self, request: pb.ConfirmMobileRequest, context: grpc.ServicerContext) -> pb.ConfirmMobileResponse:
        """Checks the code."""
        answer = self._flows.codes.check(asker().customer_id, request.challenge_id, request.code)
        return pb.ConfirmMobileResponse(outcome=answer.outcome, attempts_left=answer.attempts_left, mobile_proof=answer.proof)

    def SubmitRequest(self, request: pb.SubmitRequestRequest, context: grpc.ServicerContext) -> pb.SubmitRequestResponse:
        """Files the request."""
        change = self._flows.submit.run(asker(), _form(request), current_call().demand_time)
        return pb.SubmitRequestResponse(change=_change(change))

    def GetChange(self, request: pb.GetChangeRequest, context: grpc.ServicerContext) -> pb.GetChangeResponse:
        """One of the customer's own."""
        return pb.GetChangeResponse(change=self._change(self._flows.read.one(asker(), request.change_id)))

    def ListChanges(self, request: pb.ListChangesRequest, context: grpc.ServicerContext) -> pb.ListChangesResponse:
        """All of the customer's own, the newest 50."""
        return pb.ListChangesResponse(changes=[self._change(one) for one in self._flows.read.newest(asker())])

    def CancelChange(self, request: pb.CancelChangeRequest, context: grpc.ServicerContext) -> pb.CancelChangeResponse:
        """No more of it."""
        change = self._flows.cancel.run(asker(), request.change_id, current_call().demand_time)
        return pb.CancelChangeResponse(change=_change(change))

    def AnswerQuestion(self, request: pb.AnswerQuestionRequest, context: grpc.ServicerContext) -> pb.AnswerQuestionResponse:
        """The answer to an operator's question."""
        answer = Answer(request.request_id, request.text, tuple(request.document_ids))
        change = self._flows.answer.run(asker(), request.change_id, answer, current_call().demand_time)
        return pb.AnswerQuestionResponse(change=_change(change))

    def PreviewRepudiation(
        self, request: pb.PreviewRepudiationRequest, context: grpc.ServicerContext
    ) -> pb.PreviewRepudiationResponse:
        """What the link is about."""
        change = self._flows.repudiate.preview(request.token)
        return pb.PreviewRepudiationResponse(
            state=state_value(change.state),
            masked_new_mobile=contacts.mask(change.form.new_mobile),
            submitted_at=to_timestamp(change.submitted_at),
        )

    def Repudiate(self, request: pb.RepudiateRequest, context: grpc.ServicerContext) -> pb.RepudiateResponse:
        """It wasn't them."""
        return pb.RepudiateResponse(state=state_value(self._flows.repudiate.run(request.token).state))

    def _change(self, change: Change) -> pb.Change:
        return _change(change, self._flows.read.waiting_question(change))


def asker() -> Asker:
    """The customer who acts in the call under way."""
    person = current_call().the_person()
    return Asker(person.customer_id, person.amr)


def state_value(state: State) -> pb.ChangeState.ValueType:
    """A state's enum value."""
    return pb.ChangeState.Value(f"CHANGE_STATE_{state}")


def _chunks(requests: Iterator[pb.UploadDocumentRequest]) -> Iterator[bytes]:
    for message in requests:
        if message.WhichOneof("part") == "name":
            raise invalid(Violation("name", "NAME_AGAIN", "only the first message holds the name"))
        if len(message.chunk) > LARGEST_CHUNK:
            raise invalid(Violation("chunk", "TOO_LARGE", "at most 1 MiB a message"))
        yield message.chunk


def _form(request: pb.SubmitRequestRequest) -> TypedForm:
    document = request.identity_document
    return TypedForm(
        request_id=request.request_id,
        reason=_REASONS.get(request.reason),
        new_mobile=request.new_mobile,
        mobile_proof=request.mobile_proof,
        notify_email=request.notify_email,
        document_type=_DOCUMENT_TYPES.get(document.type),
        document_number=document.number,
        document_issuer=document.issuer,
        document_issued_on=document.issued_on,
        document_expires_on=document.expires_on,
        document_ids=tuple(request.document_ids),
    )


def _change(change: Change, question: Question | None = None) -> pb.Change:
    asked = None
    if question is not None:
        asked = pb.Question(
            reason_code=question.reason_code,
            text=question.text,
            asked_at=to_timestamp(question.asked_at),
            answer_by=to_timestamp(question.answer_by),
        )
    return pb.Change(
        change_id=change.change_id,
        state=state_value(change.state),
        masked_new_mobile=contacts.mask(change.form.new_mobile),
        submitted_at=to_timestamp(change.submitted_at),
        due_at=to_timestamp(change.due_at),
        decided_at=to_timestamp(change.decided_at),
        reason_code=change.reason_code if change.state is State.REJECTED else "",
        applied_at=to_timestamp(change.applied_at),
        ended_at=to_timestamp(change.ended_at),
        question=asked,
    )


_REASONS: Final = {pb.Reason.Value(f"REASON_{reason}"): reason for reason in Reason}
_DOCUMENT_TYPES: Final = {pb.DocumentType.Value(f"DOCUMENT_TYPE_{type}"): type for type in DocumentType}
