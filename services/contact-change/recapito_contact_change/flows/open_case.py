"""The review's intake: makes the case of a change, runs the prechecks, tells every contact on file."""

from typing import Final

from recapito_contact_change import domain, events, notices
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Step
from recapito_contact_change.store import cases, changes
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.ids import new_id
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database

SYSTEM: Final = "system"


class OpenCase:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    def run(self, event: Event) -> None:
        """Handles a submitted event, once. A change that isn't waiting for its case is left as it is."""
        change_id = events.read(event)["change_id"]
        with self._database.read() as tx:
            change = changes.find(tx, change_id)
        if change is None:
            raise Unreadable("no such change")
        customer = self._registry.get(change.customer_id)
        now = self._clock()
        with self._database.transaction() as tx:
            if not OUTBOX.close(tx, event.event_id, now) or not changes.move(tx, change_id, Step.OPEN):
                return
            seen = changes.others_wished(tx, change.form.new_mobile, change.customer_id)
            found = domain.findings(change.form.document, now, mobile_seen_elsewhere=seen)
            cases.insert(tx, new_id(), change_id, change.submitted_at, customer.name, found)
            changes.note(tx, change_id, now, SYSTEM, Step.OPEN, " ".join(found))
            for notice in notices.to_contacts_on_file(notices.REQUESTED, change, customer, customer.mobile):
                ledger.insert(tx, change_id, notice, now)
