"""Operators: the queue, the lease, the decision."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from recapito_contact_change.store.tables import CASES, CHANGES
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.status import refusal_from
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, refused, wait_for

Attempt = Callable[[], object]


def cases(system: System, count: int = 1) -> list[str]:
    """Cases in review, one a customer, the oldest first."""
    for n in range(count):
        system.sign_in(f"C{n + 1}").submit()
    with system.working("relay", "intake"):
        wait_for(lambda: len(system.rows("cases")) == count, 60)
    return [row.case_id for row in sorted(system.rows("cases"), key=lambda row: (row.submitted_at, row.case_id))]


def decisions(system: System) -> int:
    return len(system.rows("outbox", type="recapito.contact_change.decided.v1"))


def test_two_operators_who_decide_opposite_things_at_once_have_one_winner(system: System) -> None:
    operator = system.operator("rosa")
    for case_id in cases(system, 6):
        version = operator.take(case_id).summary.version
        before = decisions(system)

        def decide(approve: bool, case_id: str = case_id, version: int = version) -> str | Refusal:
            try:
                (operator.approve if approve else operator.reject)(case_id, version)
                return "won"
            except grpc.RpcError as error:
                return refusal_from(error)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(decide, (True, False)))
        assert answers.count("won") == 1
        (lost,) = [answer for answer in answers if isinstance(answer, Refusal)]
        assert (lost.kind, lost.reason, lost.metadata) == (Kind.ABORTED, "ALREADY_DECIDED", {"decided_by": "rosa"})
        assert decisions(system) == before + 1
        assert [entry for entry in operator.history(case_id) if entry == "decided"] == ["decided"]


def test_many_operators_who_take_a_case_at_once_leave_it_with_one(system: System) -> None:
    (case_id,) = cases(system)
    operators = [system.operator(f"op{n}") for n in range(10)]

    def take(operator: Operator) -> str:
        try:
            return operator.take(case_id).summary.holder
        except grpc.RpcError as error:
            return refusal_from(error).reason

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(take, operators))
    assert answers.count("CASE_HELD") == 9
    assert system.rows("cases")[0].version == 2


def test_a_lease_that_is_over_passes_to_the_next_and_fences_the_first_off(system: System, clock: SetClock) -> None:
    (case_id,) = cases(system)
    rosa, ugo = system.operator("rosa"), system.operator("ugo")
    seen = rosa.take(case_id).summary.version
    with refused() as why:
        ugo.take(case_id)
    assert (why().reason, why().metadata) == ("CASE_HELD", {"holder": "rosa"})
    clock.forward(minutes=15)
    with refused() as why:
        rosa.approve(case_id, seen)
    assert why().reason == "LEASE_LOST"
    assert ugo.take(case_id).summary.holder == "ugo"
    with refused() as why:
        rosa.approve(case_id, seen)
    assert (why().reason, why().metadata) == ("LEASE_LOST", {"holder": "ugo"})
    clock.forward(minutes=15)
    back = rosa.take(case_id).summary.version
    with refused() as why:
        rosa.approve(case_id, seen)
    assert (why().reason, why().metadata) == ("VERSION_CHANGED", {"version": str(back)})
    assert decisions(system) == 0
    assert rosa.approve(case_id, back).decided_by == "rosa"


def test_a_hold_is_renewed_by_its_holder(system: System, clock: SetClock) -> None:
    (case_id,) = cases(system)
    rosa = system.operator("rosa")
    rosa.take(case_id)
    clock.forward(minutes=14)
    renewed = rosa.take(case_id)
    clock.forward(minutes=14)
    assert rosa.reject(case_id, renewed.summary.version).decision == review_pb2.DECISION_REJECT


def test_the_same_decision_again_gives_the_same_case(system: System) -> None:
    (case_id,) = cases(system)
    rosa = system.operator("rosa")
    version = rosa.take(case_id).summary.version
    first = rosa.approve(case_id, version)
    assert rosa.approve(case_id, version) == first
    assert decisions(system) == 1


@pytest.mark.parametrize("state", ["SUBMITTED", "IN_REVIEW", "APPROVED", "REJECTED", "APPLIED"])
@pytest.mark.parametrize("approve", [True, False])
def test_a_decision_is_taken_in_review_alone(system: System, state: str, approve: bool) -> None:
    (case_id,) = cases(system)
    rosa = system.operator("rosa")
    version = rosa.take(case_id).summary.version
    with system.database.transaction() as tx:
        tx.execute(sa.update(CHANGES).values(state=state))
        tx.execute(sa.update(CASES).values(is_open=state == "IN_REVIEW"))
    if state == "IN_REVIEW":
        decided = (rosa.approve if approve else rosa.reject)(case_id, version)
        assert decided.summary.state == (pb.CHANGE_STATE_APPROVED if approve else pb.CHANGE_STATE_REJECTED)
        return
    with refused() as why:
        (rosa.approve if approve else rosa.reject)(case_id, version)
    assert why().reason == "ALREADY_DECIDED"
    assert system.rows("changes")[0].state == state
    assert decisions(system) == 0
    with refused() as why:
        rosa.take(case_id)
    assert why().reason == "ALREADY_DECIDED"


@pytest.mark.parametrize(
    ("decision", "reason_code", "note", "field"),
    [
        (review_pb2.DECISION_UNSPECIFIED, "OTHER", "why", "decision"),
        (review_pb2.DECISION_APPROVE, "ANOTHER_PERSON", "", "reason_code"),
        (review_pb2.DECISION_REJECT, "DOCUMENT_MATCHES", "", "reason_code"),
        (review_pb2.DECISION_REJECT, "", "", "reason_code"),
        (review_pb2.DECISION_REJECT, "OTHER", " ", "note"),
        (review_pb2.DECISION_REJECT, "OTHER", "x" * 2001, "note"),
    ],
)
def test_a_decision_names_a_reason_that_fits(
    system: System, decision: "review_pb2.Decision.ValueType", reason_code: str, note: str, field: str
) -> None:
    with refused() as why:
        system.operator("rosa").decide("any", 1, decision, reason_code, note)
    assert [violation.field for violation in why().violations] == [field]


def test_nobody_decides_on_themselves(system: System) -> None:
    (case_id,) = cases(system)
    ada = system.operator("ada", customer_id="C1")
    attempts: list[Attempt] = [lambda: ada.take(case_id), lambda: ada.approve(case_id, 1)]
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert (why().kind, why().reason) == (Kind.FAILED_PRECONDITION, "OWN_CASE")


def test_an_auditor_reads_and_does_nothing_else(system: System) -> None:
    (case_id,) = cases(system)
    auditor = system.operator("aldo", role="auditor")
    assert auditor.get(case_id).summary.case_id == case_id
    attempts: list[Attempt] = [lambda: auditor.take(case_id), lambda: auditor.approve(case_id, 1)]
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert why().kind is Kind.PERMISSION_DENIED


def test_pages_of_the_queue_show_each_case_once_in_either_order(system: System) -> None:
    expected = cases(system, 5)
    rosa = system.operator("rosa")
    for order, wanted in (
        (review_pb2.CASE_ORDER_OLDEST_FIRST, expected),
        (review_pb2.CASE_ORDER_NEWEST_FIRST, expected[::-1]),
    ):
        found: list[str] = []
        token = ""
        while True:
            page = rosa.list(order=order, page_size=2, page_token=token)
            found += [case.case_id for case in page.cases]
            token = page.next_page_token
            if not token:
                break
        assert found == wanted
    forged = (b"nonsense", b'["0001-01-01T00:00:00+14:00", "x"]', b'["9999-12-31T23:59:59-14:00", "x"]', b"[" * 3_000, b"[1, 2]")
    wrong: list[dict[str, Any]] = [{"page_token": base64.urlsafe_b64encode(one).decode().rstrip("=")} for one in forged]
    for bad in (*wrong, {"page_token": "è"}, {"page_size": 101}, {"page_size": -1}):
        with refused() as why:
            rosa.list(**bad)
        assert [violation.field for violation in why().violations] == list(bad)


def test_filters_narrow_the_queue(system: System, clock: SetClock) -> None:
    first, second = cases(system, 2)
    rosa = system.operator("rosa")
    version = rosa.take(first).summary.version
    mine = review_pb2.CaseFilter(mine=True)
    assert [case.case_id for case in rosa.list(filter=mine).cases] == [first]
    assert [case.holder for case in rosa.list().cases if case.case_id == first] == ["rosa"]
    rosa.reject(first, version)
    in_review = review_pb2.CaseFilter(state=pb.CHANGE_STATE_IN_REVIEW)
    assert [case.case_id for case in rosa.list(filter=in_review).cases] == [second]
    rosa.take(second)
    clock.forward(minutes=15)
    assert not rosa.list(filter=mine).cases
    assert {case.holder for case in rosa.list().cases} == {""}


def test_what_is_not_there_is_not_found(system: System) -> None:
    (case_id,) = cases(system)
    rosa = system.operator("rosa")
    document_id = rosa.get(case_id).documents[0].document_id
    attempts = (
        lambda: rosa.get("none"),
        lambda: rosa.take("none"),
        lambda: rosa.reject("none", 1),
        lambda: rosa.history("none"),
        lambda: rosa.read("none", document_id),
        lambda: rosa.read(case_id, "none"),
        lambda: rosa.read(case_id, document_id, 2),
    )
    for attempt in attempts:
        with refused() as why:
            attempt()
        assert why().kind is Kind.NOT_FOUND


def test_a_mobile_that_another_wished_for_is_a_finding(system: System) -> None:
    for n in (1, 2):
        customer = system.sign_in(f"C{n}")
        customer.submit(customer.form(new_mobile="333 111 2222"))
    with system.working("relay", "intake"):
        system.settle_intake()
    assert sorted(row.findings for row in system.rows("cases")) == ["SAME_MOBILE_OTHER_CUSTOMER"] * 2
