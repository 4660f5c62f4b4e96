"""The company's customers, kept by the auth service."""

from typing import Final

import grpc
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc

from recapito_contact_change.domain import Customer
from recapito_contact_change.prechecks import Finding
from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from recapito_servicekit.times import from_timestamp

_FINDINGS: Final = {
    (Kind.ABORTED, "VERSION_CHANGED"): Finding.REGISTRY_CHANGED,
    (Kind.FAILED_PRECONDITION, "USERNAME_TAKEN"): Finding.USERNAME_TAKEN,
    (Kind.ABORTED, "MOBILE_CHANGED_SINCE"): Finding.REGISTRY_CHANGED,
}


class NotTakenOver(Exception):
    """Raised when the registry can't take a mobile over, or back, however often it is asked; ``finding`` tells why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


class Registry:
    """Reads customers, and changes their mobile."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = registry_pb2_grpc.CustomerRegistryServiceStub(channel)

    def get(self, customer_id: str) -> Customer:
        """The customer as the registry knows them now."""
        answer = self._stub.GetCustomer(registry_pb2.GetCustomerRequest(customer_id=customer_id))
        return _customer(answer.customer)

    def change_mobile(
        self, change_id: str, customer_id: str, new_mobile: str, expected_version: int, *, hold_claims: bool
    ) -> tuple[Customer, str]:
        """The customer afterwards, and the mobile that was replaced. Once for a change, however often it is asked.

        Raises NotTakenOver.
        """
        request = registry_pb2.ChangeMobileRequest(
            request_id=change_id,
            customer_id=customer_id,
            new_mobile=new_mobile,
            expected_version=expected_version,
            hold_claims=hold_claims,
        )
        try:
            answer = self._stub.ChangeMobile(request)
        except grpc.RpcError as error:
            raise _not_taken_over(error) from None
        return _customer(answer.customer), answer.old_mobile

    def with_mobile(self, mobile: str, but: str) -> tuple[str, ...]:
        """The ids of customers who have that mobile on file, ``but`` that one; the first few."""
        answer = self._stub.FindCustomers(registry_pb2.FindCustomersRequest(contact=mobile))
        return tuple(one.customer_id for one in answer.customers if one.customer_id != but)[:3]

    def revert_mobile(self, change_id: str) -> Customer:
        """The customer with the mobile of before that change; once, however often it is asked. Raises NotTakenOver."""
        request = registry_pb2.RevertMobileRequest(request_id=f"revert-{change_id}", change_id=change_id)
        try:
            answer = self._stub.RevertMobile(request)
        except grpc.RpcError as error:
            raise _not_taken_over(error) from None
        return _customer(answer.customer)

    def freeze(self, customer_id: str) -> None:
        """Ends the customer's sessions and stops claims and changes; again: nothing more."""
        self._stub.FreezeCustomer(registry_pb2.FreezeCustomerRequest(customer_id=customer_id))

    def unfreeze(self, customer_id: str) -> None:
        """Frees the customer; again: nothing more."""
        self._stub.UnfreezeCustomer(registry_pb2.UnfreezeCustomerRequest(customer_id=customer_id))


def _not_taken_over(error: grpc.RpcError) -> Exception:
    """What can't be done however often it is asked; else the error itself."""
    refusal = refusal_from(error)
    finding = _FINDINGS.get((refusal.kind, refusal.reason))
    return error if finding is None else NotTakenOver(finding)


def _customer(customer: registry_pb2.Customer) -> Customer:
    return Customer(
        customer_id=customer.customer_id,
        given_name=customer.given_name,
        family_name=customer.family_name,
        codice_fiscale=customer.codice_fiscale,
        email=customer.email,
        mobile=customer.mobile,
        language=customer.language,
        version=customer.version,
        contact_changed_at=from_timestamp(customer.contact_changed_at) if customer.HasField("contact_changed_at") else None,
        password_recovered_at=(
            from_timestamp(customer.password_recovered_at) if customer.HasField("password_recovered_at") else None
        ),
    )
