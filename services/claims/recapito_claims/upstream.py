"""The services that claims calls: the customer registry of auth, and the proofs of otp."""

from dataclasses import dataclass
from typing import Final

import grpc
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc
from recapito.otp.v1 import otp_pb2, otp_pb2_grpc

from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.status import refusal_from

PURPOSE: Final = "claim"


@dataclass(frozen=True, slots=True)
class Customer:
    """What claims needs to know of a customer. ``email`` and ``codice_fiscale`` may be empty."""

    name: str
    codice_fiscale: str
    email: str
    language: str
    policies: frozenset[str]
    is_frozen: bool


class Registry:
    """Knows the customers."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = registry_pb2_grpc.CustomerRegistryServiceStub(channel)

    def customer(self, customer_id: str) -> Customer:
        """The customer. Raises grpc.RpcError."""
        found = self._stub.GetCustomer(registry_pb2.GetCustomerRequest(customer_id=customer_id)).customer
        return Customer(
            name=f"{found.given_name} {found.family_name}".strip(),
            codice_fiscale=found.codice_fiscale,
            email=found.email,
            language=found.language,
            policies=frozenset(found.policy_numbers),
            is_frozen=found.HasField("frozen_at"),
        )


class Proofs:
    """Spends the proofs of approved codes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = otp_pb2_grpc.OtpServiceStub(channel)

    def spend(self, proof: str, customer_id: str, transaction_hash: str, request_id: str) -> str:
        """Spends a proof, once, and gives the service that had its code issued. Again with the same request: the same answer.

        Raises FAILED_PRECONDITION: PROOF_USED, it was spent before by another request; PROOF_NOT_VALID, it is unknown or too
        old, or the customer confirmed something else. Raises grpc.RpcError where otp can't say.
        """
        request = otp_pb2.ConsumeProofRequest(
            proof=proof, subject=customer_id, purpose=PURPOSE, transaction_hash=transaction_hash, request_id=request_id
        )
        try:
            return str(self._stub.ConsumeProof(request).issued_by)
        except grpc.RpcError as error:
            refused = refusal_from(error)
            if refused.kind is Kind.FAILED_PRECONDITION:
                raise Refusal(Kind.FAILED_PRECONDITION, "PROOF_USED", "the proof was spent by another request") from None
            if refused.kind in (Kind.NOT_FOUND, Kind.INVALID_ARGUMENT):
                raise proof_not_valid() from None
            raise


def proof_not_valid() -> Refusal:
    """What any proof that doesn't hold is answered with."""
    return Refusal(
        Kind.FAILED_PRECONDITION, "PROOF_NOT_VALID", "no live proof that the customer confirmed exactly this claim in this state"
    )
