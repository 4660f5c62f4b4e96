"""What becomes of a customer whose applied change was repudiated: frozen, until a supervisor has looked."""

from typing import Final

from recapito_contact_change import events
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.domain import Operator, State, Step
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.store import cases, changes
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, not_found
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database

NOTE_LENGTH: Final = 400  # what the history keeps of it


class FreezeCustomer:
    """Tells the registry. A change's events are handled in their order, so the last of them is what holds."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    def run(self, event: Event) -> None:
        """Handles a frozen or a restored event; both may be handled twice."""
        with self._database.read() as tx:
            change = changes.find(tx, events.read(event)["change_id"])
        if change is None:
            raise Unreadable("no such change")
        tell = self._registry.freeze if event.type == events.FROZEN else self._registry.unfreeze
        tell(change.customer_id)
        with self._database.transaction() as tx:
            OUTBOX.close(tx, event.event_id, self._clock())


class Restore:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, reader: ReadCases, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._reader = reader
        self._clock = clock

    def run(self, operator: Operator, change_id: str, note: str) -> Folder:
        """The case, its change applied again and the customer freed; a repeat gives it again.

        Raises Refusal: NOT_FOUND, OWN_CASE, NOT_FROZEN with the state, a note at fault.
        """
        if not 1 <= len(note.strip()) <= NOTE_LENGTH:
            raise invalid(Violation("note", "LENGTH", f"how it was found out, 1 to {NOTE_LENGTH} characters"))
        with self._database.read() as tx:
            case = cases.of_change(tx, change_id)
        if case is None:
            raise not_found("change")
        if case.is_own_of(operator):
            raise Refusal(Kind.FAILED_PRECONDITION, "OWN_CASE", "nobody decides on themselves")
        customer = self._registry.get(case.change.customer_id)
        now = self._clock()
        with self._database.transaction() as tx:
            restored = changes.move(tx, change_id, Step.RESTORE)
            if restored:
                changes.note(tx, change_id, now, operator.name, Step.RESTORE, note.strip())
                events.write(OUTBOX, tx, events.RESTORED, change_id, {"change_id": change_id}, now)
        folder = self._reader.folder(case.case_id, customer)
        state = folder.case.change.state
        if not restored and state is not State.APPLIED:
            raise Refusal(Kind.FAILED_PRECONDITION, "NOT_FROZEN", "the change isn't frozen", {"state": state})
        return folder
