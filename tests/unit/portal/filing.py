"""contact-change and claims as the portal sees them: what a customer files, answers, stops and sends."""

from collections.abc import Iterator
from typing import Any

import grpc
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, contact_change_pb2_grpc

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from tests.unit.portal.backend import Backend, at, rpc

DONE = contact_change_pb2.CHANGE_STATE_APPLIED


def add_to(server: grpc.Server, backend: Backend) -> None:
    """Serves them."""
    contact_change_pb2_grpc.add_ContactChangeServiceServicer_to_server(_Changes(backend), server)
    claims_pb2_grpc.add_ClaimsServiceServicer_to_server(_Claims(backend), server)


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
        if request.details.event_date and len(request.details.event_date) != 10:
            raise invalid(Violation("details.event_date", "DATE_INVALID", "a date"))
        if claim.version != request.expected_version:
            raise Refusal(Kind.ABORTED, "VERSION_CHANGED", "changed", {"changed": "details.iban,expenses"})
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
