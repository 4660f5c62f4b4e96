"""ClaimsService: protobuf to domain and back, nothing more."""

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import grpc
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import claims_pb2_grpc

from recapito_claims.flows.add_expense import add_expense
from recapito_claims.flows.answer_question import answer_question
from recapito_claims.flows.attach_document import attach_document
from recapito_claims.flows.change_parts import discard_draft, remove_attachment, remove_expense
from recapito_claims.flows.create_draft import create_draft
from recapito_claims.flows.make_receipt import make_receipt
from recapito_claims.flows.prepare_submission import prepare_submission
from recapito_claims.flows.read_claims import get_claim, list_claims
from recapito_claims.flows.submit_claim import submit_claim
from recapito_claims.flows.update_draft import update_draft
from recapito_claims.flows.withdraw_claim import withdraw_claim
from recapito_claims.senders.receipt import Receipts
from recapito_claims.servicers import messages
from recapito_claims.store.reading import Cursor
from recapito_claims.upstream import Proofs, Registry
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.sql import Database

PAGE: Final = 25
LARGEST_PAGE: Final = 100
LARGEST_CHUNK: Final = 1024 * 1024
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Daily(NamedTuple):
    """The most that a customer may send in a day."""

    drafts: int
    attachments: int


class ClaimsServicer(claims_pb2_grpc.ClaimsServiceServicer):
    """The customer's side of a claim. Every RPC acts on the claims of the customer who is signed in, and on no other."""

    def __init__(
        self,
        database: Database,
        pipeline: DocumentPipeline,
        registry: Registry,
        proofs: Proofs,
        clock: Clock,
        receipts: Receipts,
        daily: Daily,
    ) -> None:
        self._daily = daily
        self._database = database
        self._pipeline = pipeline
        self._registry = registry
        self._proofs = proofs
        self._clock = clock
        self._receipts = receipts

    def CreateDraft(self, request: pb.CreateDraftRequest, context: grpc.ServicerContext) -> pb.CreateDraftResponse:
        """Opens a draft."""
        claim = create_draft(
            self._database,
            self._clock,
            _customer_id(),
            messages.request_id(request.request_id),
            messages.read_details(request.details),
            self._daily.drafts,
        )
        return pb.CreateDraftResponse(claim=messages.claim(claim))

    def UpdateDraft(self, request: pb.UpdateDraftRequest, context: grpc.ServicerContext) -> pb.UpdateDraftResponse:
        """Replaces what a draft says."""
        claim = update_draft(
            self._database,
            _customer_id(),
            messages.id_of("claim", request.claim_id),
            request.expected_version,
            messages.read_details(request.details),
        )
        return pb.UpdateDraftResponse(claim=messages.claim(claim))

    def ListPolicies(self, request: pb.ListPoliciesRequest, context: grpc.ServicerContext) -> pb.ListPoliciesResponse:
        """The customer's own policies."""
        return pb.ListPoliciesResponse(policy_numbers=sorted(self._registry.customer(_customer_id()).policies))

    def AddExpense(self, request: pb.AddExpenseRequest, context: grpc.ServicerContext) -> pb.AddExpenseResponse:
        """Adds an expense to a draft."""
        claim = add_expense(
            self._database,
            _customer_id(),
            messages.request_id(request.request_id),
            messages.id_of("claim", request.claim_id),
            request.expected_version,
            messages.read_expense(request.expense),
        )
        return pb.AddExpenseResponse(claim=messages.claim(claim))

    def RemoveExpense(self, request: pb.RemoveExpenseRequest, context: grpc.ServicerContext) -> pb.RemoveExpenseResponse:
        """Takes an expense out of a draft."""
        claim_id = messages.id_of("claim", request.claim_id)
        claim = remove_expense(self._database, _customer_id(), claim_id, request.expected_version, request.expense_id)
        return pb.RemoveExpenseResponse(claim=messages.claim(claim))

    def AttachDocument(
        self, request_iterator: Iterator[pb.AttachDocumentRequest], context: grpc.ServicerContext
    ) -> pb.AttachDocumentResponse:
        """Receives an attachment."""
        first = next(request_iterator, None)
        if first is None or not first.HasField("head"):
            raise invalid(Violation("head", "REQUIRED", "the first message says what is attached"))
        claim = attach_document(
            self._database,
            self._pipeline,
            self._clock,
            current_call().demand_time,
            _customer_id(),
            messages.id_of("claim", first.head.claim_id),
            messages.attachment_kind(first.head.kind),
            first.head.name,
            _chunks(request_iterator),
            self._daily.attachments,
        )
        return pb.AttachDocumentResponse(claim=messages.claim(claim))

    def RemoveAttachment(self, request: pb.RemoveAttachmentRequest, context: grpc.ServicerContext) -> pb.RemoveAttachmentResponse:
        """Takes an attachment out of a draft."""
        claim_id = messages.id_of("claim", request.claim_id)
        claim = remove_attachment(
            self._database, self._pipeline, _customer_id(), claim_id, request.expected_version, request.attachment_id
        )
        return pb.RemoveAttachmentResponse(claim=messages.claim(claim))

    def DiscardDraft(self, request: pb.DiscardDraftRequest, context: grpc.ServicerContext) -> pb.DiscardDraftResponse:
        """Throws a draft away."""
        claim_id = messages.id_of("claim", request.claim_id)
        discard_draft(self._database, self._pipeline, _customer_id(), claim_id, self._clock())
        return pb.DiscardDraftResponse()

    def WithdrawClaim(self, request: pb.WithdrawClaimRequest, context: grpc.ServicerContext) -> pb.WithdrawClaimResponse:
        """Takes a filed claim back."""
        claim = withdraw_claim(self._database, self._clock, _customer_id(), messages.id_of("claim", request.claim_id))
        return pb.WithdrawClaimResponse(claim=messages.claim(claim))

    def AnswerQuestion(self, request: pb.AnswerQuestionRequest, context: grpc.ServicerContext) -> pb.AnswerQuestionResponse:
        """Answers a question."""
        claim = answer_question(
            self._database,
            self._clock,
            _customer_id(),
            messages.request_id(request.request_id),
            messages.id_of("claim", request.claim_id),
            request.question_id,
            request.text,
        )
        return pb.AnswerQuestionResponse(claim=messages.claim(claim))

    def GetClaim(self, request: pb.GetClaimRequest, context: grpc.ServicerContext) -> pb.GetClaimResponse:
        """Reads a claim."""
        found = get_claim(self._database, _customer_id(), messages.id_of("claim", request.claim_id))
        return pb.GetClaimResponse(claim=messages.claim(*found))

    def GetReceipt(self, request: pb.GetReceiptRequest, context: grpc.ServicerContext) -> pb.GetReceiptResponse:
        """Makes the receipt."""
        claim_id = messages.id_of("claim", request.claim_id)
        number, pdf = make_receipt(self._database, self._receipts, _customer_id(), claim_id, request.language)
        return pb.GetReceiptResponse(pdf=pdf, name=f"{number}.pdf")

    def ListClaims(self, request: pb.ListClaimsRequest, context: grpc.ServicerContext) -> pb.ListClaimsResponse:
        """Lists claims."""
        if not 0 <= request.page_size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", "OUT_OF_RANGE", f"1 to {LARGEST_PAGE}, or 0 for {PAGE}"))
        claims, after = list_claims(self._database, _customer_id(), _cursor(request.page_token), request.page_size or PAGE)
        return pb.ListClaimsResponse(claims=map(messages.claim, claims), next_page_token=_page_token(after))

    def PrepareSubmission(
        self, request: pb.PrepareSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.PrepareSubmissionResponse:
        """Checks a draft and says what a code must confirm."""
        prepared = prepare_submission(
            self._database,
            self._registry,
            self._clock,
            _customer_id(),
            messages.id_of("claim", request.claim_id),
            request.expected_version,
        )
        return pb.PrepareSubmissionResponse(
            transaction_hash=prepared.transaction_hash,
            summary=prepared.summary,
            late_notice=prepared.late_notice,
            duplicates=map(messages.duplicate, prepared.duplicates),
        )

    def SubmitClaim(self, request: pb.SubmitClaimRequest, context: grpc.ServicerContext) -> pb.SubmitClaimResponse:
        """Files a draft."""
        claim = submit_claim(
            self._database,
            self._registry,
            self._proofs,
            self._clock,
            current_call().demand_time,
            _customer_id(),
            current_call().the_person().claims_held_until,
            messages.request_id(request.request_id),
            messages.id_of("claim", request.claim_id),
            request.expected_version,
            request.proof,
        )
        return pb.SubmitClaimResponse(claim=messages.claim(claim))


def _customer_id() -> str:
    return current_call().the_person().customer_id


def _chunks(messages: Iterable[pb.AttachDocumentRequest]) -> Iterator[bytes]:
    for message in messages:
        if not message.HasField("chunk"):
            raise invalid(Violation("chunk", "REQUIRED", "after the first message only chunks follow"))
        if len(message.chunk) > LARGEST_CHUNK:
            raise invalid(Violation("chunk", "TOO_LONG", f"at most {LARGEST_CHUNK} bytes a chunk"))
        yield message.chunk


def _page_token(after: Cursor | None) -> str:
    if after is None:
        return ""
    return base64.urlsafe_b64encode(f"{after.created_at.isoformat()}/{after.claim_id}".encode()).decode()


def _cursor(token: str) -> Cursor | None:
    if not token:
        return None
    try:
        created_at, _, claim_id = base64.urlsafe_b64decode(token.encode()).decode().partition("/")
        at = datetime.fromisoformat(created_at)
        if at.tzinfo is None or not _ID.fullmatch(claim_id):
            raise ValueError("not a place")
        return Cursor(at.astimezone(UTC), claim_id)
    except (ValueError, OverflowError):  # whatever somebody made up
        raise invalid(Violation("page_token", "INVALID", "the next_page_token of an answer, unchanged")) from None
