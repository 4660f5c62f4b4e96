"""CustomerRegistryService."""

from typing import Any, Final

from recapito.auth.v1 import registration_pb2, registry_pb2_grpc
from recapito.auth.v1 import registry_pb2 as pb

from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.flows.change_mobile import Change, change_mobile, get_customer
from recapito_auth.flows.parts import Parts
from recapito_servicekit.times import to_timestamp

_TYPES: Final = {
    PersonType.PERSON: registration_pb2.PERSON_TYPE_PERSON,
    PersonType.COMPANY: registration_pb2.PERSON_TYPE_COMPANY,
}


class CustomerRegistryServicer(registry_pb2_grpc.CustomerRegistryServiceServicer):
    """The customers and their contacts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def GetCustomer(self, request: pb.GetCustomerRequest, context: Any) -> pb.GetCustomerResponse:
        """See the proto."""
        return pb.GetCustomerResponse(customer=_customer(get_customer(self._parts, request.customer_id)))

    def ChangeMobile(self, request: pb.ChangeMobileRequest, context: Any) -> pb.ChangeMobileResponse:
        """See the proto."""
        change = Change(
            request_id=request.request_id,
            customer_id=request.customer_id,
            new_mobile=request.new_mobile,
            expected_version=request.expected_version,
            hold_claims=request.hold_claims,
        )
        changed = change_mobile(self._parts, change)
        return pb.ChangeMobileResponse(customer=_customer(changed.customer), old_mobile=changed.old_mobile)


def _customer(customer: Customer) -> pb.Customer:
    return pb.Customer(
        customer_id=customer.customer_id,
        person_type=_TYPES[customer.person_type],
        given_name=customer.given_name,
        family_name=customer.family_name,
        codice_fiscale=customer.codice_fiscale,
        email=customer.email,
        mobile=customer.mobile,
        language=customer.language,
        policy_numbers=customer.policy_numbers,
        version=customer.version,
        contact_changed_at=to_timestamp(customer.contact_changed_at),
        registered=customer.registered,
    )
