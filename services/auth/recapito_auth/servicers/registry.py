"""CustomerRegistryService."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

from recapito.auth.v1 import registration_pb2, registry_pb2_grpc
from recapito.auth.v1 import registry_pb2 as pb

from recapito_auth.domain.customers import Customer, PersonType
from recapito_auth.flows.change_mobile import Change, change_mobile, get_customer
from recapito_auth.flows.find_customers import find_customers
from recapito_auth.flows.freeze import freeze
from recapito_auth.flows.import_rows import Head, import_rows
from recapito_auth.flows.parts import Parts
from recapito_auth.flows.revert_mobile import revert_mobile
from recapito_auth.flows.watch_contact_changes import changed_after
from recapito_auth.registry_import.parse import COLUMNS
from recapito_servicekit.calls import current_call
from recapito_servicekit.errors import Violation, invalid
from recapito_servicekit.feed import follow
from recapito_servicekit.times import from_timestamp, to_timestamp

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

    def RevertMobile(self, request: pb.RevertMobileRequest, context: Any) -> pb.RevertMobileResponse:
        """See the proto."""
        changed = revert_mobile(self._parts, request.request_id, request.change_id)
        return pb.RevertMobileResponse(customer=_customer(changed.customer), old_mobile=changed.old_mobile)

    def FindCustomers(self, request: pb.FindCustomersRequest, context: Any) -> pb.FindCustomersResponse:
        """See the proto."""
        found, more = find_customers(
            self._parts, request.contact, request.codice_fiscale, request.family_name, request.given_name
        )
        return pb.FindCustomersResponse(customers=map(_customer, found), more=more)

    def ImportCustomers(self, requests: Iterator[pb.ImportCustomersRequest], context: Any) -> pb.ImportCustomersResponse:
        """See the proto."""
        first = next(requests, None)
        if first is None or not first.HasField("head") or not first.head.HasField("as_of"):
            raise invalid(Violation("head.as_of", "EMPTY", "the first message says when the rows were true"))
        head = Head(from_timestamp(first.head.as_of), first.head.dry_run, first.head.skip_bad)
        done = import_rows(self._parts, head, map(_row, requests))
        bad = [pb.BadRow(row=number, field=fault.field or "", kind=fault.kind) for number, fault in done.bad]
        if done.result is None:
            return pb.ImportCustomersResponse(bad=bad)
        return pb.ImportCustomersResponse(
            added=done.result.added,
            changed=sum(1 for applied in done.result.applied if applied.changed),
            unchanged=done.result.unchanged,
            conflicts=sum(1 for applied in done.result.applied if applied.conflicts),
            bad=bad,
            imported=True,
        )

    async def WatchContactChanges(
        self, request: pb.WatchContactChangesRequest, context: Any
    ) -> AsyncIterator[pb.WatchContactChangesResponse]:
        """See the proto."""
        changes = follow(partial(changed_after, self._parts), request.cursor, current_call().time_left())
        async for told, customer in changes:
            yield pb.WatchContactChangesResponse(
                cursor=str(told.seq),
                changed=told.changed,
                changed_at=to_timestamp(told.changed_at),
                customer=_customer(customer),
            )

    def FreezeCustomer(self, request: pb.FreezeCustomerRequest, context: Any) -> pb.FreezeCustomerResponse:
        """See the proto."""
        return pb.FreezeCustomerResponse(customer=_customer(freeze(self._parts, request.customer_id, frozen=True)))

    def UnfreezeCustomer(self, request: pb.UnfreezeCustomerRequest, context: Any) -> pb.UnfreezeCustomerResponse:
        """See the proto."""
        return pb.UnfreezeCustomerResponse(customer=_customer(freeze(self._parts, request.customer_id, frozen=False)))


def _row(request: pb.ImportCustomersRequest) -> dict[str, str]:
    row = request.row
    return {**{name: getattr(row, name) for name in COLUMNS}, "policy_numbers": ";".join(row.policy_numbers)}


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
        password_recovered_at=to_timestamp(customer.recovered_at),
        frozen_at=to_timestamp(customer.frozen_at),
    )
