"""The mobile that a customer wishes, before a code goes to it."""

from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Asker, Customer, Policy
from recapito_contact_change.form import check_mobile
from recapito_contact_change.store import allowances
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from recapito_servicekit.sql import Database


class WishMobile:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._policy = policy

    def run(self, asker: Asker, typed: str) -> tuple[Customer, str]:
        """The customer, and the mobile in E.164. Raises Refusal: it can't be taken, or too many different ones today."""
        customer = self._registry.get(asker.customer_id)
        faults: list[Violation] = []
        mobile = check_mobile(typed, customer.mobile, faults)
        if faults:
            raise invalid(*faults)
        with self._database.transaction() as tx:
            most = self._policy.new_mobiles_a_day
            if not allowances.take_mobile(tx, asker.customer_id, mobile, self._clock().date(), most):
                raise too_many_mobiles(most)  # and rolls back, or this mobile would be free the next time
        return customer, mobile


def too_many_mobiles(most: int) -> Refusal:
    """RESOURCE_EXHAUSTED: the day's different mobiles are used up."""
    return Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_MOBILES", f"{most} different mobiles a day; come back tomorrow")
