"""A customer cancels; an operator renews and gives back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb

from recapito_contact_change.adapters.registry import Registry
from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from recapito_servicekit.times import from_timestamp
from tests.conftest import SetClock
from tests.integration.contact_change.system import OLD_E164, System, refused
from tests.integration.contact_change.test_events import Pump, approved


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
        return "won"
    except grpc.RpcError as error:
        return refusal_from(error).reason


def in_review(system: System, pump: Pump) -> tuple[str, str]:
    change = system.sign_in().submit()
    pump.run()
    return change.change_id, system.case_of(change.change_id).case_id


def test_a_cancelled_change_is_over_for_everybody(system: System) -> None:
    pump = Pump(system)
    change_id, case_id = in_review(system, pump)
    rosa, customer = system.operator("rosa"), system.sign_in()
    version = rosa.take(case_id).summary.version
    cancelled = customer.cancel(change_id)
    assert (cancelled.state, from_timestamp(cancelled.ended_at)) == (pb.CHANGE_STATE_CANCELLED, system.clock())
    assert customer.cancel(change_id) == customer.change(change_id) == cancelled
    attempts: list[Callable[[], object]] = [lambda: rosa.approve(case_id, version), lambda: rosa.take(case_id)]
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert (why().kind, why().reason, why().metadata) == (Kind.ABORTED, "CASE_CLOSED", {"state": "CANCELLED"})
    pump.run()
    assert system.mailbox.to("C1@posta.test")[-1]["Subject"] == "La richiesta di cambiare il cellulare è stata annullata"
    assert rosa.history(case_id).count("cancelled") == 1
    assert customer.submit().change_id != change_id


def test_a_change_is_cancelled_before_its_case_is_made(system: System) -> None:
    pump = Pump(system)
    customer = system.sign_in()
    change = customer.submit()
    customer.cancel(change.change_id)
    pump.run()
    assert not system.rows("cases")
    assert customer.change(change.change_id).state == pb.CHANGE_STATE_CANCELLED


def test_an_approved_change_is_cancelled_as_long_as_the_registry_was_not_asked(system: System) -> None:
    pump = Pump(system)
    change_id, _ = approved(system, pump)
    customer = system.sign_in()
    customer.cancel(change_id)
    pump.run()
    assert not system.known.calls
    assert system.known.customers["C1"].mobile == OLD_E164


def test_a_change_that_the_registry_may_have_taken_over_is_not_cancelled(
    system: System, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = Pump(system)
    change_id, _ = approved(system, pump)

    def away(*_: object, **__: object) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(Registry, "change_mobile", away)
        pump.run()
    customer = system.sign_in()
    with refused() as why:
        customer.cancel(change_id)
    assert (why().kind, why().reason) == (Kind.FAILED_PRECONDITION, "BEING_APPLIED")
    clock.forward(seconds=3)
    pump.run()
    with refused() as why:
        customer.cancel(change_id)
    assert (why().reason, why().metadata) == ("NOT_OPEN", {"state": "APPLIED"})


def test_a_change_that_came_back_from_the_registry_can_be_cancelled(system: System) -> None:
    pump = Pump(system)
    change_id, _ = approved(system, pump)
    system.known.customers["C1"].version += 1
    pump.run()
    assert system.sign_in().cancel(change_id).state == pb.CHANGE_STATE_CANCELLED


def test_a_decision_and_a_cancellation_at_once_never_leave_a_half(system: System) -> None:
    pump = Pump(system)
    for n in range(6):
        change = system.sign_in(f"C{n}").submit()
        pump.run()
        rosa, case_id = system.operator("rosa"), system.case_of(change.change_id).case_id
        version = rosa.take(case_id).summary.version
        customer = system.sign_in(f"C{n}")

        acts: list[Callable[[], object]] = [
            partial(customer.cancel, change.change_id),
            partial(rosa.reject, case_id, version),
        ]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(outcome, acts))
        pump.run()
        assert answers.count("won") == 1
        (row,) = system.rows("changes", change_id=change.change_id)
        assert row.state == ("CANCELLED" if answers[0] == "won" else "REJECTED")


def test_somebody_elses_change_is_not_there_to_cancel(system: System) -> None:
    change = system.sign_in().submit()
    with refused() as why:
        system.sign_in("C2").cancel(change.change_id)
    assert why().kind is Kind.NOT_FOUND


def test_a_hold_is_renewed_without_a_new_version(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    _, case_id = in_review(system, pump)
    rosa, ugo = system.operator("rosa"), system.operator("ugo")
    version = rosa.take(case_id).summary.version
    clock.forward(minutes=14)
    assert (rosa.renew(case_id).lease_expires_at.ToDatetime() - clock().replace(tzinfo=None)).total_seconds() == 900
    with refused() as why:
        ugo.renew(case_id)
    assert (why().reason, why().metadata) == ("LEASE_LOST", {"holder": "rosa"})
    clock.forward(minutes=14)
    rosa.reject(case_id, version)


def test_a_case_given_back_is_free_for_others(system: System) -> None:
    pump = Pump(system)
    _, case_id = in_review(system, pump)
    rosa, ugo = system.operator("rosa"), system.operator("ugo")
    version = rosa.take(case_id).summary.version
    with refused() as why:
        ugo.release(case_id)
    assert why().reason == "LEASE_LOST"
    assert rosa.release(case_id).holder == ""
    assert rosa.release(case_id).holder == ""
    with refused() as why:
        rosa.reject(case_id, version)
    assert why().reason == "LEASE_LOST"
    assert ugo.take(case_id).summary.holder == "ugo"
    assert rosa.history(case_id)[-3:] == ["taken", "released", "taken"]
    with refused() as why:
        rosa.release("none")
    assert why().kind is Kind.NOT_FOUND
