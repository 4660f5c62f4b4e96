"""What an operator asks the customer, and what becomes of it."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import review_pb2

from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, picture, refused
from tests.integration.contact_change.test_clean_up import clean_up
from tests.integration.contact_change.test_events import Pump
from tests.support.smtp import text_of


def asked(system: System, pump: Pump, **values: object) -> tuple[str, str, Operator]:
    """A change whose customer is asked something: its id, its case's, and who asked."""
    change = system.sign_in("C1", **values).submit()
    pump.run()
    rosa = system.operator("rosa")
    case_id = system.case_of(change.change_id).case_id
    rosa.ask(case_id, rosa.take(case_id).summary.version)
    pump.run()
    return change.change_id, case_id, rosa


def test_a_question_reaches_the_customer_and_the_answer_the_queue(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    change_id, case_id, rosa = asked(system, pump)
    customer = system.sign_in()
    change = customer.change(change_id)
    assert change.state == pb.CHANGE_STATE_WAITING_FOR_CUSTOMER
    assert (change.question.reason_code, change.question.text) == ("UNREADABLE", "Can you send the back again?")
    assert (change.question.answer_by.ToDatetime() - change.question.asked_at.ToDatetime()).days == 30
    mail = system.mailbox.to("C1@posta.test")[-1]
    assert mail["Subject"] == "Ci serve qualcosa per la tua richiesta"
    assert "back again" not in text_of(mail), "the question is read behind the password"
    case = rosa.get(case_id)
    assert (case.decision, case.summary.holder) == (review_pb2.DECISION_ASK, "")
    with refused() as why:
        rosa.take(case_id)
    assert why().reason == "ALREADY_DECIDED"

    clock.forward(hours=30)
    customer = system.sign_in()
    sent = customer.upload(picture("teal"), "retro.jpg").document_id
    assert customer.answer(change_id, "Eccolo", [sent]).state == pb.CHANGE_STATE_IN_REVIEW
    pump.run()
    case = rosa.take(case_id)
    assert [document.name for document in case.documents][-1] == "retro.jpg"
    assert [(one.asked_by, one.text, one.answer) for one in case.questions] == [
        ("rosa", "Can you send the back again?", "Eccolo")
    ]
    assert case.decision == review_pb2.DECISION_UNSPECIFIED
    assert case.summary.due_at.ToDatetime() > clock().replace(tzinfo=None)
    rosa.approve(case_id, case.summary.version)
    pump.run()
    assert customer.change(change_id).state == pb.CHANGE_STATE_APPLIED
    assert rosa.history(case_id).count("decided") == 2


def test_a_customer_without_an_email_is_told_by_text(system: System) -> None:
    pump = Pump(system)
    asked(system, pump, email="")
    assert [notice.template for notice in system.texts.notices.values()] == ["change_requested", "change_question"]


def test_the_same_answer_again_gives_the_same_change(system: System) -> None:
    pump = Pump(system)
    change_id, _, _ = asked(system, pump)
    customer = system.sign_in()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: customer.answer(change_id, "Sì", request_id="r1").state, range(8)))
    assert set(answers) == {pb.CHANGE_STATE_IN_REVIEW}
    assert len(system.rows("outbox", type="recapito.contact_change.answered.v1")) == 1
    with refused() as why:
        customer.answer(change_id, "No", request_id="r1")
    assert why().violations[0].reason == "REUSED"
    with refused() as why:
        customer.answer(change_id, "Ancora", request_id="r2")
    assert (why().kind, why().reason) == (Kind.FAILED_PRECONDITION, "NO_QUESTION")


def test_what_is_wrong_with_an_answer_is_told_and_leaves_the_question(system: System) -> None:
    pump = Pump(system)
    change_id, _, _ = asked(system, pump)
    customer, other = system.sign_in(), system.sign_in("C2")
    foreign = other.upload().document_id
    for text, documents, field in (
        ("", (), "text"),
        ("x" * 2001, (), "text"),
        ("", (foreign,), "document_ids"),
        ("", ("a",) * 5, "document_ids"),
    ):
        with refused() as why:
            customer.answer(change_id, text, documents)
        assert [violation.field for violation in why().violations] == [field]
    with refused() as why:
        other.answer(change_id, "Io")
    assert why().kind is Kind.NOT_FOUND
    assert customer.change(change_id).state == pb.CHANGE_STATE_WAITING_FOR_CUSTOMER


def test_a_question_without_an_answer_lets_the_change_expire_after_thirty_days(system: System, clock: SetClock) -> None:
    pump = Pump(system)
    change_id, case_id, rosa = asked(system, pump)
    clock.forward(days=30)
    clean_up(system)
    customer = system.sign_in()
    assert customer.change(change_id).state == pb.CHANGE_STATE_WAITING_FOR_CUSTOMER
    clock.forward(seconds=1)
    clean_up(system)
    clean_up(system)
    pump.run()
    assert customer.change(change_id).state == pb.CHANGE_STATE_EXPIRED
    assert system.mailbox.to("C1@posta.test")[-1]["Subject"] == "La tua richiesta è decaduta"
    assert rosa.history(case_id).count("expired") == 1
    with refused() as why:
        customer.answer(change_id, "Eccomi")
    assert why().reason == "NO_QUESTION"
    assert customer.submit().change_id != change_id
    clock.forward(days=30, seconds=1)
    clean_up(system)
    assert [row.destroyed_at is not None for row in system.rows("documents", change_id=change_id)] == [True, True]


@pytest.mark.parametrize(
    ("decision", "question", "field"),
    [
        (review_pb2.DECISION_ASK, "", "question"),
        (review_pb2.DECISION_ASK, "x" * 1001, "question"),
        (review_pb2.DECISION_REJECT, "Why?", "question"),
    ],
)
def test_a_question_goes_with_asking_alone(
    system: System, decision: "review_pb2.Decision.ValueType", question: str, field: str
) -> None:
    with refused() as why:
        system.operator("rosa").decide("any", 1, decision, "OTHER", "note", question)
    assert [violation.field for violation in why().violations] == [field]


def test_an_answer_and_a_cancellation_at_once_have_one_winner(system: System) -> None:
    pump = Pump(system)
    change_id, _, _ = asked(system, pump)
    customer = system.sign_in()

    def act(cancel: bool) -> str:
        try:
            return str((customer.cancel(change_id) if cancel else customer.answer(change_id, "Sì")).state)
        except grpc.RpcError as error:
            return refusal_from(error).reason

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, (True, False)))
    pump.run()
    (case,) = system.rows("cases")
    assert customer.change(change_id).state == pb.CHANGE_STATE_CANCELLED, "a change in review can be cancelled as well"
    assert not case.is_open
