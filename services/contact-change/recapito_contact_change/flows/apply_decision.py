"""Carries a decision out: the registry takes the new mobile over, or not; then everybody is told."""

from recapito_contact_change import events, notices
from recapito_contact_change.adapters.registry import NotTakenOver, Registry
from recapito_contact_change.domain import Case, Decision, State, Step
from recapito_contact_change.flows.open_case import SYSTEM
from recapito_contact_change.prechecks import Finding, Found
from recapito_contact_change.store import cases, changes, findings
from recapito_contact_change.store import notices as ledger
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.clock import Clock
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Unreadable
from recapito_servicekit.sql import Database


class ApplyDecision:
    """See ``run``."""

    def __init__(self, database: Database, registry: Registry, clock: Clock) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock

    def run(self, event: Event) -> None:
        """Handles a decided event, once. A decision that holds no more is passed over."""
        data = events.read(event)
        with self._database.read() as tx:
            case = cases.find(tx, data["case_id"])
        if case is None or case.change.change_id != data["change_id"]:
            raise Unreadable("no such case")
        holds = case.version == data["version"]
        if holds and case.change.state is State.APPROVED:
            self._apply(event, case)
        elif holds and case.decision is Decision.REJECT:
            self._tell_refused(event, case)
        else:
            with self._database.transaction() as tx:
                OUTBOX.close(tx, event.event_id, self._clock())

    def _apply(self, event: Event, case: Case) -> None:
        change = case.change
        with self._database.transaction() as tx:
            begun = changes.begin_applying(tx, change.change_id, self._clock())
            if not begun:  # the customer was faster
                OUTBOX.close(tx, event.event_id, self._clock())
        if not begun:
            return
        on_file = self._registry.get(change.customer_id)
        try:
            customer, old_mobile = self._registry.change_mobile(
                change.change_id,
                change.customer_id,
                change.form.new_mobile,
                case.registry_version,
                hold_claims=change.holds_claims(on_file.mobile),
            )
        except NotTakenOver as error:
            self._send_back(event, case, error.finding)
            return
        now = self._clock()
        with self._database.transaction() as tx:
            closed = OUTBOX.close(tx, event.event_id, now)
            if not closed or not changes.move(tx, change.change_id, Step.APPLY, applied_at=now):
                return
            changes.note(tx, change.change_id, now, SYSTEM, Step.APPLY)
            events.write(OUTBOX, tx, events.APPLIED, change.change_id, {"change_id": change.change_id}, now)
            outcome = notices.of_outcome(notices.OUTCOME_APPROVED, change, customer.language)
            told = notices.to_contacts_on_file(notices.APPROVED, change, customer, old_mobile)
            ledger.insert(tx, change.change_id, [outcome, *told], now)

    def _send_back(self, event: Event, case: Case, finding: Finding) -> None:
        """What the operator approved can't be carried out as things are now: somebody must look again."""
        now = self._clock()
        change_id = case.change.change_id
        with self._database.transaction() as tx:
            closed = OUTBOX.close(tx, event.event_id, now)
            if not closed or not changes.move(tx, change_id, Step.RETURN, applying_at=None, decided_at=None, reason_code=""):
                return
            cases.reopen(tx, change_id)
            findings.add(tx, change_id, [Found(finding)], now)
            changes.note(tx, change_id, now, SYSTEM, Step.RETURN, finding)

    def _tell_refused(self, event: Event, case: Case) -> None:
        change = case.change
        customer = self._registry.get(change.customer_id)
        now = self._clock()
        with self._database.transaction() as tx:
            if not OUTBOX.close(tx, event.event_id, now):
                return
            outcome = notices.of_outcome(notices.OUTCOME_REJECTED, change, customer.language)
            told = notices.to_contacts_on_file(notices.REJECTED, change, customer, customer.mobile)
            ledger.insert(tx, change.change_id, [outcome, *told], now)
