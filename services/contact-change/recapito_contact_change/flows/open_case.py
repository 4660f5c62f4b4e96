"""The review's intake: makes the case of a change, runs the prechecks, tells every contact on file."""

from random import Random
from typing import Final

import sqlalchemy as sa

from recapito_contact_change import events, notices, prechecks
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Change, Step
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.prechecks import Elsewhere
from recapito_contact_change.store import cases, changes, zones
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.ids import new_id
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database

SYSTEM: Final = "system"


class OpenCase:
    """See ``run``. ``drawn_percent``: of cases that go to a second operator by lot; ``chance`` draws them.

    ``read_zones``: whether a machine is to read the documents afterwards.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        hashes: DocumentHashes,
        clock: Clock,
        chance: Random,
        drawn_percent: float,
        *,
        read_zones: bool = False,
    ) -> None:
        self._database = database
        self._registry = registry
        self._hashes = hashes
        self._clock = clock
        self._chance = chance
        self._drawn_percent = drawn_percent
        self._read_zones = read_zones

    def run(self, event: Event) -> None:
        """Handles a submitted event, once. A change that isn't waiting for its case is left as it is."""
        change_id = events.read(event)["change_id"]
        with self._database.read_each() as tx:
            change = changes.find(tx, change_id)
        if change is None:
            raise Unreadable("no such change")
        customer = self._registry.get(change.customer_id)
        on_file = self._registry.with_mobile(change.form.new_mobile, change.customer_id)
        with self._database.read_each() as tx:  # of two that were filed at once, one's intake comes after both
            elsewhere = seen_elsewhere(tx, change, self._hashes, on_file)
        drawn = self._chance.random() * 100 < self._drawn_percent
        now = self._clock()
        found = prechecks.check(change, customer, elsewhere, now.date())
        told = notices.to_contacts_on_file(notices.REQUESTED, change, customer, customer.mobile)
        with self._database.transaction() as tx:
            if not OUTBOX.close(tx, event.event_id, now) or not changes.move(tx, change_id, Step.OPEN):
                return
            cases.insert(tx, new_id(), change, customer.name, found, now, drawn=drawn)
            if self._read_zones:
                zones.due(tx, change_id, now)
            changes.note(tx, change_id, now, SYSTEM, Step.OPEN, " ".join(one.code for one in found))
            ledger.insert(tx, change_id, told, now)


def seen_elsewhere(tx: sa.Connection, change: Change, hashes: DocumentHashes, on_file: tuple[str, ...] = ()) -> Elsewhere:
    """Where the change's document and mobile were seen before. ``on_file``: other customers whose mobile it is."""
    document = change.form.document
    wished = changes.customers_who_wished(tx, change.form.new_mobile, change.customer_id)
    return Elsewhere(
        document=changes.customers_who_showed(tx, hashes.all(document.type, document.number), change.customer_id),
        mobile=tuple(dict.fromkeys((*on_file, *wished))),
    )
