"""ClaimsIntakeService: the claim handling system's side."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import partial
from typing import Final

import grpc
from recapito.claims.v1 import intake_pb2 as pb
from recapito.claims.v1 import intake_pb2_grpc

from recapito_claims.flows.handle_claim import ask_customer, close_claim, update_expense
from recapito_claims.flows.read_attachment import read_attachment
from recapito_claims.flows.read_claims import get_filed
from recapito_claims.flows.watch_claims import happened_after
from recapito_claims.servicers import messages
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.calls import current_call
from recapito_servicekit.clock import Clock
from recapito_servicekit.feed import follow
from recapito_servicekit.sql import Database
from recapito_servicekit.times import from_timestamp

CHUNK: Final = 256 * 1024


class IntakeServicer(intake_pb2_grpc.ClaimsIntakeServiceServicer):
    """Filed claims of everybody, for the services that callers.toml lists. ``wait``: how long a question waits by itself."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock, wait: timedelta) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock
        self._wait = wait

    async def WatchClaims(
        self, request: pb.WatchClaimsRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[pb.WatchClaimsResponse]:
        """Tells what happened, then what happens."""
        happened = follow(partial(happened_after, self._database), request.cursor, current_call().time_left())
        async for step, claim in happened:
            yield pb.WatchClaimsResponse(cursor=str(step.seq), step=messages.step(step), claim=messages.claim(claim))

    def GetClaim(
        self, request: pb.ClaimsIntakeServiceGetClaimRequest, context: grpc.ServicerContext
    ) -> pb.ClaimsIntakeServiceGetClaimResponse:
        """Reads a filed claim."""
        claim_id = "" if request.claim_number else messages.id_of("claim", request.claim_id)
        found = get_filed(self._database, claim_id, request.claim_number)
        return pb.ClaimsIntakeServiceGetClaimResponse(claim=messages.claim(*found))

    def ReadAttachment(
        self, request: pb.ReadAttachmentRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadAttachmentResponse]:
        """Reads an attachment."""
        claim_id = messages.id_of("claim", request.claim_id)
        found, media_type, data = read_attachment(self._database, self._pipeline, claim_id, request.attachment_id)
        head = pb.ReadAttachmentResponse.Head(
            media_type=media_type, size=len(data), sha256=hashlib.sha256(data).hexdigest(), name=found.name
        )
        yield pb.ReadAttachmentResponse(head=head)
        for start in range(0, len(data), CHUNK):
            yield pb.ReadAttachmentResponse(chunk=data[start : start + CHUNK])

    def UpdateExpense(self, request: pb.UpdateExpenseRequest, context: grpc.ServicerContext) -> pb.UpdateExpenseResponse:
        """Decides on an expense."""
        claim = update_expense(
            self._database,
            self._clock,
            messages.id_of("claim", request.claim_id),
            request.expense_id,
            messages.expense_state(request.state),
            request.reason,
        )
        return pb.UpdateExpenseResponse(claim=messages.claim(claim))

    def AskCustomer(self, request: pb.AskCustomerRequest, context: grpc.ServicerContext) -> pb.AskCustomerResponse:
        """Asks the customer."""
        claim = ask_customer(
            self._database,
            self._clock,
            messages.request_id(request.request_id),
            messages.id_of("claim", request.claim_id),
            request.text,
            from_timestamp(request.due_at) if request.HasField("due_at") else None,
            self._wait,
        )
        return pb.AskCustomerResponse(claim=messages.claim(claim))

    def CloseClaim(self, request: pb.CloseClaimRequest, context: grpc.ServicerContext) -> pb.CloseClaimResponse:
        """Closes a claim."""
        claim = close_claim(self._database, self._clock, messages.id_of("claim", request.claim_id))
        return pb.CloseClaimResponse(claim=messages.claim(claim))
