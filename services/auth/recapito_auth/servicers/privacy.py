"""AccountPrivacyService: hands over and erases what auth keeps of a customer."""

from collections.abc import Iterator

import grpc
from recapito.auth.v1 import privacy_pb2 as pb
from recapito.auth.v1 import privacy_pb2_grpc

from recapito_auth.flows.erase_customer import EraseCustomer
from recapito_auth.flows.export_customer import export_customer
from recapito_auth.flows.parts import Parts
from recapito_servicekit import privacy


class AccountPrivacyServicer(privacy_pb2_grpc.AccountPrivacyServiceServicer):
    """For the services that callers.toml lists."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._erase = EraseCustomer(parts.database, parts.sessions, parts.codes, parts.clock)

    def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportCustomerResponse]:
        """See the proto."""
        files = export_customer(self._parts.database, self._parts.clock, privacy.customer_id(request.customer_id))
        yield from privacy.pieces(files, pb.ExportCustomerResponse)

    def EraseCustomer(self, request: pb.EraseCustomerRequest, context: grpc.ServicerContext) -> pb.EraseCustomerResponse:
        """See the proto."""
        customer_id = privacy.customer_id(request.customer_id)
        done = self._erase.run(customer_id, registry_entry=request.registry_entry, dry_run=request.dry_run)
        return pb.EraseCustomerResponse(gone=done.gone, kept=privacy.named(done.kept, pb.EraseCustomerResponse.Kept))
