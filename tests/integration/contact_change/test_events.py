"""Events that come twice, late, at once or broken."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import REGISTRY

from recapito_contact_change import events
from recapito_contact_change.adapters.registry import Registry
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Consumer, envelope
from tests.conftest import SetClock
from tests.integration.contact_change.system import NEW_E164, OLD_E164, System

MEASURED = "recapito_contact_change_applied_seconds"


class Pump:
    """Carries events from the outbox to the consumers by hand, as often and in whatever order a test wants."""

    def __init__(self, system: System) -> None:
        self.system = system
        _, consumers = system.parts()
        self.by_queue: dict[str, Consumer] = {
            events.INTAKE_QUEUE: consumers["intake"],
            events.APPLY_QUEUE: consumers["applier"],
            events.NOTICES_QUEUE: consumers["mailer"],
        }

    def due(self) -> list[Event]:
        with self.system.database.transaction() as tx:
            return OUTBOX.due(tx, self.system.clock(), 50)

    def handle(self, event: Event) -> None:
        self.by_queue[events.QUEUE_OF[event.type]].handle(json.dumps(envelope(event, events.SOURCE)))

    def run(self) -> list[Event]:
        """Until nothing is due; gives all that was handled."""
        seen: list[Event] = []
        while batch := self.due():
            for event in batch:
                self.handle(event)
            seen += batch
        return seen


def approved(system: System, pump: Pump) -> tuple[str, str]:
    """A change that an operator approved and nobody applied yet: its id and its case's."""
    change = system.sign_in().submit()
    pump.run()
    rosa = system.operator("rosa")
    case = rosa.take(system.case_of(change.change_id).case_id)
    rosa.approve(case.summary.case_id, case.summary.version)
    return change.change_id, case.summary.case_id


def counts(system: System) -> dict[str, int]:
    return {table: len(system.rows(table)) for table in ("cases", "history", "notices", "outbox")}


def test_every_event_twice_changes_nothing(system: System) -> None:
    pump = Pump(system)
    customer = system.sign_in()
    submitted = customer.submit()
    first = pump.run()
    rosa = system.operator("rosa")
    case_id = system.case_of(submitted.change_id).case_id
    rosa.ask(case_id, rosa.take(case_id).summary.version)
    customer.answer(submitted.change_id, "Eccomi")
    first += pump.run()
    rosa.approve(case_id, rosa.take(case_id).summary.version)
    handled = first + pump.run()
    before = counts(system), len(system.mailbox.messages), len(system.texts.notices), dict(system.known.calls)
    assert {event.type for event in handled} == set(events.QUEUE_OF) - {events.FROZEN, events.RESTORED}
    for event in handled[::-1] + handled:
        pump.handle(event)
    after = counts(system), len(system.mailbox.messages), len(system.texts.notices), dict(system.known.calls)
    assert after == before


def test_a_decision_that_arrives_ten_times_at_once_is_applied_once(system: System) -> None:
    pump = Pump(system)
    change_id, _ = approved(system, pump)
    (event,) = pump.due()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(pump.handle, [event] * 10))
    assert [row.template for row in system.rows("notices")].count("outcome_approved") == 1
    assert [row.action for row in system.rows("history")].count("applied") == 1
    assert list(system.known.changed) == [change_id]
    assert system.known.customers["C1"].version == 4


def test_an_applied_change_is_told_of_and_measured_once(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    before = REGISTRY.get_sample_value(f"{MEASURED}_count"), REGISTRY.get_sample_value(f"{MEASURED}_sum")
    change_id, _ = approved(system, pump)
    clock.forward(hours=3)
    told = [event for event in pump.run() if event.type == events.APPLIED]
    assert [(event.key, event.data) for event in told] == [(change_id, {"change_id": change_id})]
    for event in told * 2:
        pump.handle(event)
    after = REGISTRY.get_sample_value(f"{MEASURED}_count"), REGISTRY.get_sample_value(f"{MEASURED}_sum")
    assert [(new or 0) - (old or 0) for old, new in zip(before, after, strict=True)] == [1, 3 * 3600]


def test_a_decision_that_was_taken_back_is_not_carried_out_late(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = Pump(system)
    _, case_id = approved(system, pump)
    (late,) = pump.due()
    system.known.customers["C1"].version += 1
    pump.handle(late)
    rosa = system.operator("rosa")
    rosa.reject(case_id, rosa.take(case_id).summary.version)
    monkeypatch.setattr(OUTBOX, "is_open", lambda *_: True)  # as if it had been looked at before the first was closed
    pump.handle(late)
    monkeypatch.undo()
    pump.run()
    assert system.known.customers["C1"].mobile != NEW_E164
    assert system.rows("changes")[0].state == "REJECTED"


def test_a_mobile_that_the_registry_cannot_take_over_goes_back_to_an_operator(system: System) -> None:
    pump = Pump(system)
    system.known.usernames.add(NEW_E164)
    _, case_id = approved(system, pump)
    pump.run()
    (case,) = system.rows("cases")
    assert (system.rows("changes")[0].state, case.findings) == ("IN_REVIEW", "USERNAME_TAKEN")
    rosa = system.operator("rosa")
    rosa.reject(case_id, rosa.take(case_id).summary.version)
    pump.run()
    assert system.rows("changes")[0].state == "REJECTED"
    assert not [row for row in system.rows("outbox") if row.dead_at]


def test_notices_that_overtake_each_other_all_arrive(system: System) -> None:
    pump = Pump(system)
    approved(system, pump)
    (decided,) = pump.due()
    pump.handle(decided)
    for event in pump.due()[::-1]:
        pump.handle(event)
    assert {row.state for row in system.rows("notices")} == {"SENT"}


def test_a_registry_that_is_away_is_asked_again_later(system: System, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    pump = Pump(system)
    approved(system, pump)

    def away(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "change_mobile", away)
        pump.run()
    assert system.rows("changes")[0].state == "APPROVED"
    assert not pump.due(), "not at once"
    clock.forward(seconds=3)
    pump.run()
    assert system.rows("changes")[0].state == "APPLIED"


def test_a_relay_that_says_later_gets_the_same_mail_again(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    system.sign_in().submit()
    system.mailbox.answers = ["451 later"]
    pump.run()
    assert not system.mailbox.messages
    clock.forward(seconds=3)
    pump.run()
    (mail,) = system.mailbox.to("C1@posta.test")
    (row,) = system.rows("notices", channel="EMAIL")
    assert mail["Message-ID"].startswith(f"<{row.notice_id}@")
    assert (row.state, row.tries) == ("SENT", 2)


def test_a_broken_event_is_dead_at_once_and_what_follows_flows(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    with system.database.transaction() as tx:
        OUTBOX.add(tx, events.SUBMITTED, "k", {"change_id": 7}, clock())
        OUTBOX.add(tx, events.DECIDED, "k2", {"change_id": "no", "case_id": "no", "version": 1}, clock())
    system.sign_in().submit()
    pump.run()
    dead = [(row.error, row.tries) for row in system.rows("outbox") if row.dead_at]
    assert dead == [("bad data: change_id", 1), ("no such case", 1)]
    assert len(system.rows("cases")) == 1


def test_no_event_holds_anything_of_a_person(system: System) -> None:
    pump = Pump(system)
    approved(system, pump)
    pump.run()
    held = "".join(row.data for row in system.rows("outbox"))
    for private in ("C1", NEW_E164[3:], OLD_E164[3:], "Ada", "Bianchi", "posta.test", "CA12345AA", "BNCDAA80A41H501X"):
        assert private not in held


def test_the_migrations_make_the_tables_of_the_code(system: System) -> None:
    with system.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, OUTBOX._t.metadata) == []
