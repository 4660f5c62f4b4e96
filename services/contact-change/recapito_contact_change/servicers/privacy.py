"""ContactChangePrivacyService: hands over and erases what is kept of a customer's contact changes."""

from collections.abc import Iterator

import grpc
from recapito.contact_change.v1 import privacy_pb2 as pb
from recapito.contact_change.v1 import privacy_pb2_grpc

from recapito_contact_change.flows.erase_customer import EraseCustomer
from recapito_contact_change.flows.export_customer import export_customer
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit import privacy
from recapito_servicekit.clock import Clock
from recapito_servicekit.sql import Database


class ContactChangePrivacyServicer(privacy_pb2_grpc.ContactChangePrivacyServiceServicer):
    """For the services that callers.toml lists."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._erase = EraseCustomer(database, pipeline, clock)

    def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportCustomerResponse]:
        """See the proto."""
        files = export_customer(self._database, self._pipeline, privacy.customer_id(request.customer_id))
        yield from privacy.pieces(files, pb.ExportCustomerResponse)

    def EraseCustomer(self, request: pb.EraseCustomerRequest, context: grpc.ServicerContext) -> pb.EraseCustomerResponse:
        """See the proto."""
        done = self._erase.run(privacy.customer_id(request.customer_id), dry_run=request.dry_run)
        return pb.EraseCustomerResponse(gone=done.gone, kept=privacy.named(done.kept, pb.EraseCustomerResponse.Kept))
