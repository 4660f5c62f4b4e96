"""A customer cancels their change, as long as the registry was not asked to take it over."""

from collections.abc import Callable
from dataclasses import replace

from recapito_contact_change import notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Asker, Change, State, Step
from recapito_contact_change.flows.read_changes import ReadChanges
from recapito_contact_change.flows.submit_request import CUSTOMER
from recapito_contact_change.store import cases, changes
from recapito_contact_change.store import notices as ledger
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.sql import Database


class CancelChange:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, reader: ReadChanges, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._reader = reader
        self._clock = clock

    def run(self, asker: Asker, change_id: str, demand_time: Callable[[], None]) -> Change:
        """The change, cancelled; again: the same. Raises Refusal: NOT_FOUND, NOT_OPEN with its state, BEING_APPLIED."""
        change = self._reader.one(asker, change_id)
        if change.state is State.CANCELLED:
            return change
        customer = self._registry.get(asker.customer_id)
        demand_time()
        now = self._clock()
        with self._database.transaction() as tx:
            cancelled = changes.move(tx, change_id, Step.CANCEL, ended_at=now)
            if cancelled:
                cases.close(tx, change_id)
                changes.note(tx, change_id, now, CUSTOMER, Step.CANCEL)
                ledger.insert(tx, change_id, notices.to_customer(notices.CANCELLED, customer), now)
        if not cancelled:
            change = self._reader.one(asker, change_id)
            if change.state is not State.CANCELLED:
                raise too_late(change)
            return change
        return replace(change, state=State.CANCELLED, ended_at=now)


def too_late(change: Change) -> Refusal:
    """FAILED_PRECONDITION: the change can't be stopped: it is over, or just being applied."""
    if change.state is State.APPROVED:
        return Refusal(Kind.FAILED_PRECONDITION, "BEING_APPLIED", "the registry is taking the new mobile over")
    return Refusal(Kind.FAILED_PRECONDITION, "NOT_OPEN", "the change is over", {"state": change.state})
