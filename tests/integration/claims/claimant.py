"""What a customer does with the claims service, as calls."""

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest
from PIL import Image
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import claims_pb2_grpc, intake_pb2_grpc
from recapito.claims.v1 import intake_pb2 as intake

from recapito_claims.settings import ClaimsSettings
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Refusal
from recapito_servicekit.status import refusal_from
from recapito_servicekit.times import to_timestamp
from tests.integration.claims.upstreams import Auth, Otp

COMPLETE: dict[str, Any] = {
    "kind": pb.CLAIM_KIND_ILLNESS,
    "event_date": "2026-11-20",
    "policy_number": "POL-1",
    "description": "febbre",
    "iban": "IT60 X054 2811 1010 0000 0123 456",
    "iban_holder": "Anna Bianchi",
    "beneficiary": pb.Beneficiary(kinship=pb.KINSHIP_INSURED),
    "admission": pb.Admission(admitted=pb.ANSWER_NO),
    "other_insurance": pb.OtherInsurance(exists=pb.ANSWER_NO),
    "declarations": [pb.DECLARATION_TRUTHFUL, pb.DECLARATION_HEALTH_DATA],
}
EXPENSE: dict[str, Any] = {
    "provider": "Studio Rossi",
    "document_number": "12/2026",
    "document_date": "2026-11-21",
    "amount": "123.45",
    "category": pb.EXPENSE_CATEGORY_VISIT,
}


def picture(shade: int = 0) -> bytes:
    """A photo of an invoice, so to say."""
    out = io.BytesIO()
    Image.new("RGB", (60, 40), (shade, 100, 100)).save(out, "PNG")
    return out.getvalue()


def new_request() -> str:
    return uuid4().hex


@dataclass
class Customer:
    """A signed-in customer at the portal."""

    stub: claims_pb2_grpc.ClaimsServiceStub
    token: str

    def call(self, rpc: str, request: Any) -> Any:
        """Raises the Refusal that came over the wire."""
        try:
            return getattr(self.stub, rpc)(request, metadata=bearer(self.token), timeout=30)
        except grpc.RpcError as error:
            raise refusal_from(error) from None

    def create(self, request_id: str = "", **details: Any) -> pb.Claim:
        request = pb.CreateDraftRequest(request_id=request_id or new_request(), details=pb.ClaimDetails(**details))
        answer: pb.Claim = self.call("CreateDraft", request).claim
        return answer

    def update(self, claim: pb.Claim, **details: Any) -> pb.Claim:
        request = pb.UpdateDraftRequest(
            claim_id=claim.claim_id, expected_version=claim.version, details=pb.ClaimDetails(**details)
        )
        answer: pb.Claim = self.call("UpdateDraft", request).claim
        return answer

    def add_expense(self, claim: pb.Claim, request_id: str = "", **expense: Any) -> pb.Claim:
        request = pb.AddExpenseRequest(
            request_id=request_id or new_request(),
            claim_id=claim.claim_id,
            expected_version=claim.version,
            expense=pb.Expense(**expense),
        )
        answer: pb.Claim = self.call("AddExpense", request).claim
        return answer

    def attach(self, claim: pb.Claim, data: bytes, kind: int = pb.ATTACHMENT_KIND_INVOICE, name: str = "fattura.png") -> pb.Claim:
        head = pb.AttachDocumentRequest.Head(claim_id=claim.claim_id, kind=kind, name=name)  # type: ignore[arg-type]
        chunks = [data[at : at + 64 * 1024] for at in range(0, len(data), 64 * 1024)]
        messages = [pb.AttachDocumentRequest(head=head), *(pb.AttachDocumentRequest(chunk=chunk) for chunk in chunks)]
        answer: pb.Claim = self.call("AttachDocument", iter(messages)).claim
        return answer

    def remove_expense(self, claim: pb.Claim) -> pb.Claim:
        expense_id = claim.expenses[0].expense_id if claim.expenses else "0" * 32
        request = pb.RemoveExpenseRequest(claim_id=claim.claim_id, expected_version=claim.version, expense_id=expense_id)
        answer: pb.Claim = self.call("RemoveExpense", request).claim
        return answer

    def remove_attachment(self, claim: pb.Claim) -> pb.Claim:
        attachment_id = claim.attachments[0].attachment_id if claim.attachments else "0" * 32
        request = pb.RemoveAttachmentRequest(claim_id=claim.claim_id, expected_version=claim.version, attachment_id=attachment_id)
        answer: pb.Claim = self.call("RemoveAttachment", request).claim
        return answer

    def receipt(self, claim: pb.Claim, language: str = "") -> bytes:
        answer: bytes = self.call("GetReceipt", pb.GetReceiptRequest(claim_id=claim.claim_id, language=language)).pdf
        return answer

    def discard(self, claim: pb.Claim) -> None:
        self.call("DiscardDraft", pb.DiscardDraftRequest(claim_id=claim.claim_id))

    def withdraw(self, claim: pb.Claim) -> pb.Claim:
        answer: pb.Claim = self.call("WithdrawClaim", pb.WithdrawClaimRequest(claim_id=claim.claim_id)).claim
        return answer

    def answer(self, claim: pb.Claim, question_id: str, text: str, request_id: str = "") -> pb.Claim:
        request = pb.AnswerQuestionRequest(
            request_id=request_id or new_request(), claim_id=claim.claim_id, question_id=question_id, text=text
        )
        answer: pb.Claim = self.call("AnswerQuestion", request).claim
        return answer

    def get(self, claim: pb.Claim) -> pb.Claim:
        answer: pb.Claim = self.call("GetClaim", pb.GetClaimRequest(claim_id=claim.claim_id)).claim
        return answer

    def prepare(self, claim: pb.Claim) -> pb.PrepareSubmissionResponse:
        request = pb.PrepareSubmissionRequest(claim_id=claim.claim_id, expected_version=claim.version)
        prepared: pb.PrepareSubmissionResponse = self.call("PrepareSubmission", request)
        return prepared

    def submit(self, claim: pb.Claim, proof: str, request_id: str = "") -> pb.Claim:
        request = pb.SubmitClaimRequest(
            request_id=request_id or new_request(), claim_id=claim.claim_id, expected_version=claim.version, proof=proof
        )
        answer: pb.Claim = self.call("SubmitClaim", request).claim
        return answer

    def complete(self) -> pb.Claim:
        """A draft that may be filed."""
        claim = self.add_expense(self.create(**COMPLETE), **EXPENSE)
        return self.attach(claim, picture())


@dataclass
class Handler:
    """The claim handling system."""

    stub: intake_pb2_grpc.ClaimsIntakeServiceStub

    def call(self, rpc: str, request: Any) -> Any:
        """Raises the Refusal that came over the wire."""
        try:
            return getattr(self.stub, rpc)(request, timeout=30)
        except grpc.RpcError as error:
            raise refusal_from(error) from None

    def watch(self, cursor: str = "") -> list[intake.WatchClaimsResponse]:
        """What happened after the cursor; takes as long as the deadline, shortly before which the stream ends."""
        return list(self.stub.WatchClaims(intake.WatchClaimsRequest(cursor=cursor), timeout=3))

    def first_told(self, claim: pb.Claim) -> pb.Claim:
        """The claim as the stream first tells of it."""
        stream = self.stub.WatchClaims(intake.WatchClaimsRequest(), timeout=30)
        found = next(one.claim for one in stream if one.claim.claim_id == claim.claim_id)
        stream.cancel()
        return found

    def get(self, claim: pb.Claim) -> pb.Claim:
        answer: pb.Claim = self.call("GetClaim", intake.ClaimsIntakeServiceGetClaimRequest(claim_id=claim.claim_id)).claim
        return answer

    def decide(self, claim: pb.Claim, state: int, reason: str = "") -> pb.Claim:
        """On the claim's first expense."""
        request = intake.UpdateExpenseRequest(
            claim_id=claim.claim_id,
            expense_id=claim.expenses[0].expense_id,
            state=state,  # type: ignore[arg-type]
            reason=reason,
        )
        answer: pb.Claim = self.call("UpdateExpense", request).claim
        return answer

    def ask(self, claim: pb.Claim, text: str = "Quando?", request_id: str = "", due_at: datetime | None = None) -> pb.Claim:
        request = intake.AskCustomerRequest(
            request_id=request_id or new_request(), claim_id=claim.claim_id, text=text, due_at=to_timestamp(due_at)
        )
        answer: pb.Claim = self.call("AskCustomer", request).claim
        return answer

    def close(self, claim: pb.Claim) -> pb.Claim:
        answer: pb.Claim = self.call("CloseClaim", intake.CloseClaimRequest(claim_id=claim.claim_id)).claim
        return answer

    def read(self, claim: pb.Claim, attachment_id: str) -> tuple[intake.ReadAttachmentResponse.Head, bytes]:
        request = intake.ReadAttachmentRequest(claim_id=claim.claim_id, attachment_id=attachment_id)
        try:
            head, *pieces = self.stub.ReadAttachment(request, timeout=30)
        except grpc.RpcError as error:
            raise refusal_from(error) from None
        return head.head, b"".join(piece.chunk for piece in pieces)


@dataclass
class Claims:
    """The running service, with auth and otp beside it."""

    auth: Auth
    otp: Otp
    stub: claims_pb2_grpc.ClaimsServiceStub
    settings: ClaimsSettings
    handler: Handler

    def sign_in(self, customer_id: str = "C-1", **session: Any) -> Customer:
        return Customer(self.stub, self.auth.sessions.open(customer_id, **session))

    def filed(self, customer: Customer) -> pb.Claim:
        """A claim that the customer has just filed."""
        draft = customer.complete()
        return customer.submit(draft, self.confirm(customer, draft))

    def confirm(self, customer: Customer, claim: pb.Claim, customer_id: str = "C-1") -> str:
        """The proof of a code over the claim as it is."""
        return self.otp.approve(customer_id, customer.prepare(claim).transaction_hash)


def reason_of(refused: "pytest.ExceptionInfo[Refusal]") -> str:
    return f"{refused.value.kind} {refused.value.reason}"
