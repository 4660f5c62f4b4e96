"""The blind second operator: when one is asked, what they see, and what decides."""

from datetime import timedelta

import pytest
from recapito.auth.v1 import registry_pb2
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from recapito_contact_change.domain import Decision
from recapito_contact_change.flows.open_case import OpenCase
from recapito_contact_change.review import Risk
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, identity_document, refused
from tests.integration.contact_change.test_events import Pump

APPROVE, REJECT = review_pb2.DECISION_APPROVE, review_pb2.DECISION_REJECT


def risky(system: System) -> str:
    """A case of a customer who reset the password lately; gives its id."""
    customer = system.sign_in("C1")
    system.known.customers["C1"].password_recovered_at.FromDatetime(system.clock() - timedelta(days=6))
    change = customer.submit()
    Pump(system).run()
    return system.case_of(change.change_id).case_id


def give(operator: Operator, case_id: str, decision: "review_pb2.Decision.ValueType", note: str = "") -> review_pb2.Case:
    version = operator.take(case_id).summary.version
    return operator.decide(case_id, version, decision, "DOCUMENT_MATCHES" if decision == APPROVE else "ANOTHER_PERSON", note)


def state(system: System) -> str:
    return str(system.rows("changes")[0].state)


@pytest.mark.parametrize("first", [APPROVE, REJECT])
def test_two_operators_who_agree_decide(system: System, first: "review_pb2.Decision.ValueType") -> None:
    case_id = risky(system)
    given = give(system.operator("rosa"), case_id, first)
    assert given.summary.state == pb.CHANGE_STATE_SECOND_REVIEW
    Pump(system).run()
    assert system.known.changed == {}
    assert not system.rows("notices", template="outcome_approved") + system.rows("notices", template="outcome_rejected")
    decided = give(system.operator("ugo"), case_id, first)
    assert [one.operator for one in decided.opinions] == ["rosa", "ugo"]
    Pump(system).run()
    assert state(system) == ("APPLIED" if first == APPROVE else "REJECTED")
    assert len(system.rows("outbox", type="recapito.contact_change.decided.v1")) == 1


@pytest.mark.parametrize("third", [APPROVE, REJECT])
def test_where_two_disagree_a_third_decides(system: System, third: "review_pb2.Decision.ValueType") -> None:
    case_id = risky(system)
    give(system.operator("rosa"), case_id, APPROVE)
    split = give(system.operator("ugo"), case_id, REJECT)
    assert split.summary.state == pb.CHANGE_STATE_SECOND_REVIEW
    decided = give(system.operator("pia", role="supervisor"), case_id, third)
    assert (decided.decision, decided.decided_by) == (third, "pia")
    assert [(one.operator, one.decision) for one in decided.opinions] == [("rosa", APPROVE), ("ugo", REJECT), ("pia", third)]
    assert list(decided.opinions[0].risks) == [Risk.PASSWORD_RESET]


def test_nobody_sees_the_first_opinion_before_the_case_is_decided(system: System) -> None:
    case_id = risky(system)
    rosa, ugo = system.operator("rosa"), system.operator("ugo")
    own = give(rosa, case_id, REJECT, note="hair of another colour")
    assert [(one.decision, one.note, list(one.risks)) for one in own.opinions] == [(REJECT, "hair of another colour", [])]
    for other in (ugo, system.operator("pia", role="supervisor"), system.operator("carla", role="auditor")):
        case = other.get(case_id)
        assert (case.decision, case.reason_code, case.note, case.decided_by, list(case.opinions)) == (0, "", "", "", [])
        seen = str(case) + str(other.list(filter=review_pb2.CaseFilter(waiting=True)))
        request = review_pb2.GetHistoryRequest(case_id=case_id)
        seen += str(system.review.GetHistory(request, metadata=other.metadata))
        for secret in ("hair", "REJECT", "ANOTHER_PERSON", "DECISION_APPROVE"):
            assert secret not in seen
    taken = ugo.take(case_id)
    assert "hair" not in str(taken)
    assert not taken.opinions
    decided = ugo.reject(case_id, taken.summary.version)
    assert [one.note for one in decided.opinions] == ["hair of another colour", ""]


def test_nobody_decides_twice_on_a_case(system: System) -> None:
    case_id = risky(system)
    rosa = system.operator("rosa")
    version = rosa.take(case_id).summary.version
    first = rosa.approve(case_id, version)
    assert rosa.approve(case_id, version) == first, "a repeat gives the first answer"
    with refused() as why:
        rosa.take(case_id)
    assert why().reason == "ALREADY_REVIEWED"
    with refused() as why:
        rosa.reject(case_id, version)
    assert why().reason == "ALREADY_REVIEWED"
    system.operator("ugo").take(case_id)
    with refused() as why:
        rosa.reject(case_id, version + 2)
    assert why().reason == "ALREADY_REVIEWED"
    assert [row.operator_id for row in system.rows("opinions")] == ["op-rosa"]
    listed = rosa.list(filter=review_pb2.CaseFilter(waiting=True)).cases
    assert [(one.case_id, one.reviewed_by_me) for one in listed] == [(case_id, True)]
    assert not system.operator("ugo").list(filter=review_pb2.CaseFilter(waiting=True)).cases[0].reviewed_by_me


def test_the_second_operator_is_not_the_customer_and_asks_nothing(system: System) -> None:
    case_id = risky(system)
    give(system.operator("rosa"), case_id, APPROVE)
    with refused() as why:
        system.operator("ada", customer_id="C1").take(case_id)
    assert why().reason == "OWN_CASE"
    ugo = system.operator("ugo")
    version = ugo.take(case_id).summary.version
    with refused() as why:
        ugo.ask(case_id, version)
    assert why().reason == "SECOND_REVIEW"
    assert ugo.approve(case_id, version).summary.state == pb.CHANGE_STATE_APPROVED


def test_a_document_or_a_mobile_seen_for_another_customer_needs_two(system: System) -> None:
    earlier = system.sign_in("C2")
    earlier.submit(earlier.form(identity_document=identity_document(number="CA55555AA")))
    same_document = system.sign_in("C3").submit(
        system.sign_in("C3").form(identity_document=identity_document(number="ca 55555 aa"))
    )
    same_mobile = system.sign_in("C4").submit(system.sign_in("C4").form(new_mobile="348 0000002"))
    on_file = system.sign_in("C5").submit(system.sign_in("C5").form(new_mobile="349 0000002"))
    Pump(system).run()
    expected = {
        same_document.change_id: ("SAME_DOCUMENT_OTHER_CUSTOMER", "C2"),
        same_mobile.change_id: ("SAME_MOBILE_OTHER_CUSTOMER", "C2"),
        on_file.change_id: ("SAME_MOBILE_OTHER_CUSTOMER", "C2"),
    }
    rosa = system.operator("rosa")
    for change_id, (code, whose) in expected.items():
        case_id = system.case_of(change_id).case_id
        case = rosa.get(case_id)
        assert [(one.code, dict(one.evidence), one.failed) for one in case.found] == [(code, {"customers": whose}, False)]
        assert give(rosa, case_id, REJECT).summary.state == pb.CHANGE_STATE_SECOND_REVIEW
    (row,) = {row.risks for row in system.rows("opinions")}
    assert row == Risk.SEEN_ELSEWHERE


def test_what_is_filed_for_another_customer_after_the_case_was_opened_counts_too(system: System) -> None:
    change = system.sign_in("C1").submit(system.sign_in("C1").form(identity_document=identity_document(number="CA55555AA")))
    Pump(system).run()
    later = system.sign_in("C2")
    later.submit(later.form(identity_document=identity_document(number="CA55555AA")))
    case_id = system.case_of(change.change_id).case_id
    assert give(system.operator("rosa"), case_id, APPROVE).summary.state == pb.CHANGE_STATE_SECOND_REVIEW


def test_a_failed_check_needs_two_where_the_first_approves(system: System, clock: SetClock) -> None:
    for n, decision in enumerate((APPROVE, REJECT), 1):
        customer = system.sign_in(f"C{n}")
        document = identity_document(number=f"CA0000{n}AA", expires_on="2026-11-22")
        change = customer.submit(customer.form(identity_document=document))
        clock.forward(days=1)
        Pump(system).run()
        case_id = system.case_of(change.change_id).case_id
        case = system.operator("rosa").get(case_id)
        assert ("DOCUMENT_EXPIRED", True) in [(one.code, one.failed) for one in case.found]
        after = give(system.operator("rosa"), case_id, decision).summary.state
        assert after == (pb.CHANGE_STATE_SECOND_REVIEW if decision == APPROVE else pb.CHANGE_STATE_REJECTED)
        clock.forward(days=-1)


def test_some_of_the_rest_go_to_two_by_lot(system: System) -> None:
    class Lot:
        drawn = iter((0.0499, 0.05))

        def random(self) -> float:
            return next(self.drawn)

    pump = Pump(system)
    handlers = pump.by_queue["contact-change.intake"]._handlers
    submitted = "recapito.contact_change.submitted.v1"
    intake = handlers[submitted].__self__  # type: ignore[attr-defined]
    assert isinstance(intake, OpenCase)
    intake._chance, intake._drawn_percent = Lot(), 5.0  # type: ignore[assignment]
    changes = [system.sign_in(f"C{n}").submit() for n in (1, 2)]
    pump.run()
    rosa = system.operator("rosa")
    states = [give(rosa, system.case_of(one.change_id).case_id, APPROVE).summary.state for one in changes]
    assert states == [pb.CHANGE_STATE_SECOND_REVIEW, pb.CHANGE_STATE_APPROVED]


def test_an_approval_holds_for_the_oldest_record_that_one_of_the_two_saw(system: System) -> None:
    case_id = risky(system)
    give(system.operator("rosa"), case_id, APPROVE)
    customer: registry_pb2.Customer = system.known.customers["C1"]
    customer.email, customer.version = "new@posta.test", customer.version + 1
    give(system.operator("ugo"), case_id, APPROVE)
    Pump(system).run()
    assert state(system) == "IN_REVIEW"
    assert system.known.changed == {}
    case = system.operator("rosa").get(case_id)
    assert "REGISTRY_CHANGED" in case.findings
    assert give(system.operator("rosa"), case_id, APPROVE).summary.state == pb.CHANGE_STATE_SECOND_REVIEW, "reviewed anew"
    give(system.operator("pia"), case_id, APPROVE)
    Pump(system).run()
    assert state(system) == "APPLIED"
    assert {row.decision for row in system.rows("opinions")} == {Decision.APPROVE}


def test_a_second_review_can_be_cancelled_and_expires_with_its_lease(system: System, clock: SetClock) -> None:
    case_id = risky(system)
    give(system.operator("rosa"), case_id, APPROVE)
    ugo, pia = system.operator("ugo"), system.operator("pia")
    version = ugo.take(case_id).summary.version
    clock.forward(minutes=16)
    pia.take(case_id)
    with refused() as why:
        ugo.approve(case_id, version)
    assert (why().reason, why().metadata) == ("LEASE_LOST", {"holder": "pia"})
    clock.forward(minutes=-16)
    change_id = system.rows("changes")[0].change_id
    assert system.sign_in("C1").cancel(change_id).state == pb.CHANGE_STATE_CANCELLED
    with refused() as why:
        pia.take(case_id)
    assert why().reason == "CASE_CLOSED"
