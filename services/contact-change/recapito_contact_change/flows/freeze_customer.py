"""What becomes of a customer whose applied change was repudiated: frozen, until a supervisor has looked."""

from typing import Final

from recapito_contact_change import events, notices
from recapito_contact_change.adapters.registry import NotTakenOver, Registry
from recapito_contact_change.domain import STEPS, Change, Customer, Operator, State, Step
from recapito_contact_change.flows.read_cases import Folder, ReadCases
from recapito_contact_change.flows.take_case import demand_may_review, demand_not_own
from recapito_contact_change.store import cases, changes, opinions
from recapito_contact_change.store import notices as ledger
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

    def run(self, operator: Operator, change_id: str, note: str, step: Step) -> Folder:
        """The case, its customer freed and its change applied again (RESTORE) or taken back (REVERT); a repeat gives it again.

        Nobody who decided on the case confirms it. Raises Refusal: NOT_FOUND, OWN_CASE, ALREADY_REVIEWED, NOT_FROZEN with
        the state, REVERT_BEGUN, REGISTRY_CHANGED or USERNAME_TAKEN where the old mobile can't come back, a note at fault.
        """
        if not 1 <= len(note.strip()) <= NOTE_LENGTH:
            raise invalid(Violation("note", "LENGTH", f"how it was found out, 1 to {NOTE_LENGTH} characters"))
        with self._database.read() as tx:
            case = cases.of_change(tx, change_id)
            given = opinions.of_case(tx, case.case_id) if case is not None else []
        if case is None:
            raise not_found("change")
        demand_not_own(case, operator)
        if step is Step.RESTORE:
            demand_may_review(given, operator)
        customer = self._registry.get(case.change.customer_id)
        if step is Step.REVERT:
            customer = self._revert(case.change) or customer
        now = self._clock()
        with self._database.transaction() as tx:
            done = changes.move(tx, change_id, step, **({"ended_at": now} if step is Step.REVERT else {}))
            if done:
                changes.note(tx, change_id, now, operator.name, step, note.strip())
                events.write(OUTBOX, tx, events.RESTORED, change_id, {"change_id": change_id}, now)
                template = notices.REVERTED if step is Step.REVERT else notices.RESTORED
                told = notices.to_contacts_on_file(template, case.change, customer, customer.mobile)
                ledger.insert(tx, change_id, told, now)
        folder = self._reader.folder(case.case_id, customer, operator)
        state = folder.case.change.state
        if not done and state is not STEPS[step][1]:
            begun = state is State.FROZEN
            reason = "REVERT_BEGUN" if begun else "NOT_FROZEN"
            raise Refusal(Kind.FAILED_PRECONDITION, reason, "the change can't be restored so any more", {"state": state})
        return folder

    def _revert(self, change: Change) -> Customer | None:
        """Asks the registry for the old mobile; the customer with it. None: the change isn't frozen.

        Noted before, so that after a crash in between nobody finds that it was the customer after all.
        """
        with self._database.transaction() as tx:
            begun = changes.begin_reverting(tx, change.change_id, self._clock())
        if not begun:
            return None
        try:
            return self._registry.revert_mobile(change.change_id)
        except NotTakenOver as error:
            with self._database.transaction() as tx:
                changes.give_up_reverting(tx, change.change_id)
            raise Refusal(Kind.FAILED_PRECONDITION, error.finding, "the registry can't put the old mobile back") from None
