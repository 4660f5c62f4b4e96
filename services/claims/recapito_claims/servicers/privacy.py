"""ClaimsPrivacyService: hands over and erases what is kept of a customer."""

from collections.abc import Iterator
from typing import Final

import grpc
from recapito.claims.v1 import privacy_pb2 as pb
from recapito.claims.v1 import privacy_pb2_grpc

from recapito_claims.flows.privacy import erase_customer, export_customer
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.sql import Database

CHUNK: Final = 256 * 1024
CUSTOMER_ID: Final = 64


class PrivacyServicer(privacy_pb2_grpc.ClaimsPrivacyServiceServicer):
    """For the services that callers.toml lists."""

    def __init__(self, database: Database, pipeline: DocumentPipeline, clock: Clock) -> None:
        self._database = database
        self._pipeline = pipeline
        self._clock = clock

    def ExportCustomer(
        self, request: pb.ExportCustomerRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportCustomerResponse]:
        """Hands over."""
        for name, content in export_customer(self._database, self._pipeline, _customer_id(request.customer_id)):
            yield pb.ExportCustomerResponse(name=name)
            for start in range(0, len(content), CHUNK):
                yield pb.ExportCustomerResponse(chunk=content[start : start + CHUNK])

    def EraseCustomer(self, request: pb.EraseCustomerRequest, context: grpc.ServicerContext) -> pb.EraseCustomerResponse:
        """Erases."""
        customer_id = _customer_id(request.customer_id)
        erased, kept = erase_customer(self._database, self._pipeline, self._clock, customer_id)
        named = [
            pb.EraseCustomerResponse.Kept(what=one.what, rule=one.rule, until=one.until.isoformat() if one.until else "")
            for one in kept
        ]
        return pb.EraseCustomerResponse(erased=erased, kept=named)


def _customer_id(raw: str) -> str:
    if not 1 <= len(raw) <= CUSTOMER_ID:
        raise invalid(Violation("customer_id", "REQUIRED", f"1 to {CUSTOMER_ID} characters"))
    return raw
