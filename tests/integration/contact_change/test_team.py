"""What supervisors see, and the mail that tells the team."""

from datetime import timedelta

import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from recapito_contact_change import __main__ as main
from recapito_contact_change.flows.tell_team import TellTeam
from recapito_contact_change.settings import ContactChangeSettings
from recapito_servicekit.errors import Kind
from recapito_servicekit.settings import BadSettings, load
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, refused
from tests.integration.contact_change.test_events import Pump
from tests.support.smtp import text_of

TEAM = "squadra@mutua.test"


def load_of(operator: Operator) -> review_pb2.GetLoadResponse:
    return operator.system.review.GetLoad(review_pb2.GetLoadRequest(), metadata=operator.metadata)


def team(system: System, **other: str) -> TellTeam:
    environment = {**system.environment, "RECAPITO_TEAM_EMAIL": TEAM, "RECAPITO_CONSOLE_URL": "https://console.test", **other}
    role = main.roles(load(ContactChangeSettings, "contact-change", environment), system.clock)["team-mail"]
    return role.__self__  # type: ignore[attr-defined,no-any-return]


def test_supervisors_see_what_waits_and_how_cases_ended(system: System, clock: SetClock) -> None:
    changes = [system.sign_in(f"C{n}").submit() for n in range(1, 5)]
    Pump(system).run()
    rosa, sara = system.operator("rosa"), system.operator("sara", role="supervisor")
    empty = load_of(sara)
    assert (empty.waiting, empty.late, empty.unseen, list(empty.outcomes), empty.median_hours) == (4, 0, 0, [], 0)
    clock.forward(hours=5)
    first, second = (system.case_of(change.change_id).case_id for change in changes[:2])
    rosa.approve(first, rosa.take(first).summary.version)
    rosa.take(second)
    clock.forward(minutes=1)
    seen = load_of(system.operator("dora", role="auditor"))
    assert (seen.waiting, seen.late, seen.due_soon, seen.unseen) == (3, 0, 0, 2)
    assert [(one.operator, one.cases) for one in seen.holders] == [("rosa", 1)]
    assert [(one.decision, one.reason_code, one.count) for one in seen.outcomes] == [
        (review_pb2.DECISION_APPROVE, "DOCUMENT_MATCHES", 1)
    ]
    assert (seen.median_hours, seen.second_reviews, seen.disagreements) == (5, 0, 0)
    assert (seen.first_look_hours, seen.target_hours, seen.dead_letters) == (4, 24, 0)
    counts = {one.state: one.count for one in seen.states}
    assert (counts[pb.CHANGE_STATE_IN_REVIEW], counts[pb.CHANGE_STATE_APPROVED]) == (3, 1)
    clock.forward(hours=16)
    assert (load_of(sara).late, load_of(sara).due_soon) == (0, 3)
    clock.forward(hours=4)
    assert (load_of(sara).late, load_of(sara).due_soon) == (3, 0)


def test_the_load_is_not_for_reviewers(system: System) -> None:
    with refused() as why:
        load_of(system.operator("rosa"))
    assert why().kind is Kind.PERMISSION_DENIED


def test_second_reviews_and_disagreements_are_counted(system: System) -> None:
    system.sign_in("C1")
    system.known.customers["C1"].password_recovered_at.FromDatetime(system.clock())
    change = system.sign_in("C1").submit()
    Pump(system).run()
    case_id = system.case_of(change.change_id).case_id
    for name, approve in (("rosa", True), ("ugo", False), ("pia", False)):
        operator = system.operator(name)
        version = operator.take(case_id).summary.version
        (operator.approve if approve else operator.reject)(case_id, version)
    seen = load_of(system.operator("sara", role="supervisor"))
    assert (seen.second_reviews, seen.disagreements) == (1, 1)


def test_the_team_is_told_when_cases_come_in_and_not_too_often(system: System, clock: SetClock) -> None:
    tell = team(system)
    assert not tell.run_once(), "nothing waits"
    system.sign_in("C1").submit()
    Pump(system).run()
    assert tell.run_once()
    (mail,) = system.mailbox.to(TEAM)
    assert mail["Subject"] == "1 caso aspetta un operatore"
    text = text_of(mail)
    assert "https://console.test/casi" in text
    for private in ("Ada", "Bianchi", "C1", "347"):
        assert private not in text
    clock.forward(minutes=30)
    system.sign_in("C2").submit()
    Pump(system).run()
    assert not tell.run_once(), "an hour between two"
    clock.forward(minutes=31)
    assert tell.run_once()
    clock.forward(minutes=61)
    assert not tell.run_once(), "nothing new, and nothing is late"
    clock.forward(hours=3)
    assert tell.run_once(), "nobody looked for four hours"
    assert "non ancora" in text_of(system.mailbox.to(TEAM)[-1])
    clock.forward(hours=24)
    assert tell.run_once()
    assert system.mailbox.to(TEAM)[-1]["Subject"] == "2 casi aspettano un operatore, 2 in ritardo"


def test_of_several_processes_one_tells_the_team(system: System) -> None:
    system.sign_in("C1").submit()
    Pump(system).run()
    assert [team(system).run_once() for _ in range(3)] == [True, False, False]


def test_a_mail_to_the_team_that_does_not_go_out_is_tried_again(system: System, clock: SetClock) -> None:
    tell = team(system)
    system.sign_in("C1").submit()
    Pump(system).run()
    system.mailbox.answers = ["451 later"]
    assert not tell.run_once()
    clock.now += timedelta(minutes=1)
    assert tell.run_once()


def test_the_consoles_address_is_checked_at_start(system: System) -> None:
    with pytest.raises(BadSettings, match="RECAPITO_CONSOLE_URL"):
        team(system, RECAPITO_CONSOLE_URL="console")
