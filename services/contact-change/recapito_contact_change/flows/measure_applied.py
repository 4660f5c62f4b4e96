"""Measures how long a change took, from the form to the registry: what customers wait for."""

from recapito_contact_change import events, metrics
from recapito_contact_change.store import changes
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database


class MeasureApplied:
    """See ``run``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(self, event: Event) -> None:
        """Handles an applied event; one that comes twice is measured once."""
        with self._database.read() as tx:
            change = changes.find(tx, events.read(event)["change_id"])
        if change is None:
            raise Unreadable("no such change")
        with self._database.transaction() as tx:
            closed = OUTBOX.close(tx, event.event_id, self._clock())
        if closed:
            metrics.APPLIED.observe((event.created_at - change.submitted_at).total_seconds())
