"""ClaimsPrivacyService: hands over and erases what is kept of a customer."""

from collections.abc import Iterator

import grpc
from recapito.claims.v1 import privacy_pb2 as pb
from recapito.claims.v1 import privacy_pb2_grpc

from recapito_claims.flows.privacy import erase_customer, export_customer
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import privacy
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database


class PrivacyServicer(privacy_pb2_grpc.ClaimsPrivacyServiceServicer):
    """For the services that callers.toml lists."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock

    def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportCustomerResponse]:
        """See the proto."""
        files = export_customer(self._database, self._pipeline, privacy.customer_id(request.customer_id))
        yield from privacy.pieces(files, pb.ExportCustomerResponse)

    def EraseCustomer(self, request: pb.EraseCustomerRequest, context: grpc.ServicerContext) -> pb.EraseCustomerResponse:
        """See the proto."""
        customer_id = privacy.customer_id(request.customer_id)
        done = erase_customer(self._database, self._pipeline, self._clock, customer_id, dry_run=request.dry_run)
        kept = privacy.named(done.kept, pb.EraseCustomerResponse.Kept)
        return pb.EraseCustomerResponse(erased=done.count, kept=kept, gone=done.gone)
