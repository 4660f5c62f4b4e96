"""ClaimsService: protobuf to domain and back, nothing more."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import grpc
from google.protobuf.descriptor import EnumValueDescriptor
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import claims_pb2_grpc

from recapito_claims.domain import drafting, formats
from recapito_claims.domain.claim import AttachmentKind, Claim, ClaimState, Details, Expense
from recapito_claims.flows.add_expense import add_expense
from recapito_claims.flows.attach_document import attach_document
from recapito_claims.flows.create_draft import create_draft
from recapito_claims.flows.prepare_submission import prepare_submission
from recapito_claims.flows.read_claims import get_claim, list_claims
from recapito_claims.flows.submit_claim import submit_claim
from recapito_claims.flows.update_draft import update_draft
from recapito_claims.store.claims import Cursor
from recapito_claims.upstream import Proofs, Registry
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Violation, invalid, not_found
from recapito_servicekit.ids import new_id
from recapito_servicekit.sql import Database
from recapito_servicekit.times import to_timestamp

PAGE: Final = 25
LARGEST_PAGE: Final = 100
LARGEST_CHUNK: Final = 1024 * 1024
_ID: Final = re.compile(r"[0-9a-f]{32}")


class ClaimsServicer(claims_pb2_grpc.ClaimsServiceServicer):
    """The customer's side of a claim. Every RPC acts on the claims of the customer who is signed in, and on no other."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, registry: Registry, proofs: Proofs, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._registry = registry
        self._proofs = proofs
        self._clock = clock

    def CreateDraft(self, request: pb.CreateDraftRequest, context: grpc.ServicerContext) -> pb.CreateDraftResponse:
        """Opens a draft."""
        claim = create_draft(
            self._database, self._clock, _customer_id(), _request_id(request.request_id), _details(request.details)
        )
        return pb.CreateDraftResponse(claim=_claim(claim))

    def UpdateDraft(self, request: pb.UpdateDraftRequest, context: grpc.ServicerContext) -> pb.UpdateDraftResponse:
        """Replaces what a draft says."""
        claim = update_draft(
            self._database, _customer_id(), _claim_id(request.claim_id), request.expected_version, _details(request.details)
        )
        return pb.UpdateDraftResponse(claim=_claim(claim))

    def AddExpense(self, request: pb.AddExpenseRequest, context: grpc.ServicerContext) -> pb.AddExpenseResponse:
        """Adds an expense to a draft."""
        claim = add_expense(
            self._database,
            _customer_id(),
            _request_id(request.request_id),
            _claim_id(request.claim_id),
            request.expected_version,
            _expense(request.expense),
        )
        return pb.AddExpenseResponse(claim=_claim(claim))

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
            _claim_id(first.head.claim_id),
            _attachment_kind(first.head.kind),
            first.head.name,
            _chunks(request_iterator),
        )
        return pb.AttachDocumentResponse(claim=_claim(claim))

    def GetClaim(self, request: pb.GetClaimRequest, context: grpc.ServicerContext) -> pb.GetClaimResponse:
        """Reads a claim."""
        return pb.GetClaimResponse(claim=_claim(get_claim(self._database, _customer_id(), _claim_id(request.claim_id))))

    def ListClaims(self, request: pb.ListClaimsRequest, context: grpc.ServicerContext) -> pb.ListClaimsResponse:
        """Lists claims."""
        if not 0 <= request.page_size <= LARGEST_PAGE:
            raise invalid(Violation("page_size", "OUT_OF_RANGE", f"1 to {LARGEST_PAGE}, or 0 for {PAGE}"))
        claims, after = list_claims(self._database, _customer_id(), _cursor(request.page_token), request.page_size or PAGE)
        return pb.ListClaimsResponse(claims=map(_claim, claims), next_page_token=_page_token(after))

    def PrepareSubmission(
        self, request: pb.PrepareSubmissionRequest, context: grpc.ServicerContext
    ) -> pb.PrepareSubmissionResponse:
        """Checks a draft and says what a code must confirm."""
        transaction_hash, summary = prepare_submission(
            self._database,
            self._registry,
            self._clock,
            _customer_id(),
            _claim_id(request.claim_id),
            request.expected_version,
        )
        return pb.PrepareSubmissionResponse(transaction_hash=transaction_hash, summary=summary)

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
            _request_id(request.request_id),
            _claim_id(request.claim_id),
            request.expected_version,
            request.proof,
        )
        return pb.SubmitClaimResponse(claim=_claim(claim))


def _customer_id() -> str:
    return current_call().the_person().customer_id


def _request_id(raw: str) -> str:
    if not 1 <= len(raw) <= 64 or not raw.isprintable():
        raise invalid(Violation("request_id", "REQUIRED", "1 to 64 printable characters"))
    return raw


def _claim_id(raw: str) -> str:
    if not _ID.fullmatch(raw):
        raise not_found("claim")
    return raw


def _details(message: pb.ClaimDetails) -> Details:
    return drafting.details(
        kind=_name(pb.ClaimKind.DESCRIPTOR.values_by_number, message.kind, "CLAIM_KIND_"),
        event_date=message.event_date,
        policy_number=message.policy_number,
        description=message.description,
        iban=message.iban,
        iban_holder=message.iban_holder,
    )


def _expense(message: pb.Expense) -> Expense:
    return drafting.expense(
        expense_id=new_id(),
        provider=message.provider,
        document_number=message.document_number,
        document_date=message.document_date,
        amount=message.amount,
    )


def _attachment_kind(number: int) -> AttachmentKind:
    try:
        return AttachmentKind(_name(pb.AttachmentKind.DESCRIPTOR.values_by_number, number, "ATTACHMENT_KIND_"))
    except ValueError:
        raise invalid(Violation("head.kind", "KIND_UNKNOWN", "one of the kinds of attachment")) from None


def _chunks(messages: Iterable[pb.AttachDocumentRequest]) -> Iterator[bytes]:
    for message in messages:
        if not message.HasField("chunk"):
            raise invalid(Violation("chunk", "REQUIRED", "after the first message only chunks follow"))
        if len(message.chunk) > LARGEST_CHUNK:
            raise invalid(Violation("chunk", "TOO_LONG", f"at most {LARGEST_CHUNK} bytes a chunk"))
        yield message.chunk


def _claim(claim: Claim) -> pb.Claim:
    filed = claim.state is ClaimState.SUBMITTED
    details = claim.details
    return pb.Claim(
        claim_id=claim.claim_id,
        claim_number=claim.claim_number,
        state=pb.ClaimState.Value(f"CLAIM_STATE_{claim.state}"),
        version=claim.version,
        details=pb.ClaimDetails(
            kind=pb.ClaimKind.Value(f"CLAIM_KIND_{details.kind or 'UNSPECIFIED'}"),
            event_date=details.event_date.isoformat() if details.event_date else "",
            policy_number=details.policy_number,
            description=details.description,
            iban=details.iban,
            iban_holder=details.iban_holder,
        ),
        expenses=[
            pb.Expense(
                expense_id=expense.expense_id,
                provider=expense.provider,
                document_number=expense.document_number,
                document_date=expense.document_date.isoformat() if expense.document_date else "",
                amount=formats.decimal(expense.cents) if expense.cents else "",
                state=pb.EXPENSE_STATE_SUBMITTED if filed else pb.EXPENSE_STATE_UNSPECIFIED,
            )
            for expense in claim.expenses
        ],
        attachments=[
            pb.Attachment(
                attachment_id=attachment.attachment_id,
                kind=pb.AttachmentKind.Value(f"ATTACHMENT_KIND_{attachment.kind}"),
                name=attachment.name,
                media_type=attachment.media_type,
                size=attachment.size,
                sha256=attachment.sha256,
                pages=attachment.pages,
            )
            for attachment in claim.attachments
        ],
        total=formats.decimal(claim.total_cents),
        created_at=to_timestamp(claim.created_at),
        submitted_at=to_timestamp(claim.submitted_at),
        late_notice=claim.late_notice,
    )


def _name(values: Mapping[int, EnumValueDescriptor], number: int, prefix: str) -> str:
    """An enum's value by its name in the domain; UNSPECIFIED is empty, a number that this side doesn't know stays a number."""
    found = values.get(number)
    return "" if number == 0 else found.name.removeprefix(prefix) if found else str(number)


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
    except (binascii.Error, ValueError):
        at, claim_id = None, ""
    if at is None or at.tzinfo is None or not _ID.fullmatch(claim_id):
        raise invalid(Violation("page_token", "INVALID", "the next_page_token of an answer, unchanged"))
    return Cursor(at, claim_id)
