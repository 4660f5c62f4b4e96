"""Asking the customer, and giving a case back."""

import pytest
from recapito.contact_change.v1 import contact_change_pb2, review_pb2

from recapito_servicekit.errors import Kind, Refusal
from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import Services

QUESTION = "Manda il <b>retro</b>?"
SHOWN = "Manda il &lt;b&gt;retro&lt;/b&gt;?"
ASKED = {"reason_code": "ASK_MISSING_SIDE", "question": QUESTION, "expected_version": "4"}


@pytest.fixture
def holder(anna: Browser, services: Services) -> Browser:
    """The browser of who holds c-1, at version 4."""
    services.reviews.hold("c-1", "anna.bianchi")
    return anna


def test_a_question_is_confirmed_first(holder: Browser, services: Services) -> None:
    page = holder.post("/casi/c-1/decisione", **ASKED).text
    for text in ("Chiedi al cliente?", "Manca un lato del documento", SHOWN, "resta +39 320 111 1119", "Sì, chiedi"):
        assert text in page
    assert not services.reviews.decided
    back = holder.post("/casi/c-1/decisione", **ASKED, step="edit").text
    assert SHOWN in back
    assert 'value="ASK_MISSING_SIDE" accesskey="7" checked' in back


def test_a_question_reaches_the_service(holder: Browser, services: Services) -> None:
    assert holder.post("/casi/c-1/decisione", **ASKED, step="confirm").headers["Location"] == "/casi/c-1"
    assert services.reviews.decided == [
        review_pb2.DecideRequest(
            case_id="c-1",
            expected_version=4,
            decision=review_pb2.DECISION_ASK,
            reason_code="MISSING_SIDE",
            question=QUESTION,
        )
    ]
    page = holder.get("/casi/c-1").text
    assert "Domanda inviata al cliente." in page
    assert "Il cliente deve ancora rispondere" in page
    assert "Respinta" not in page


def test_other_asks_and_rejects(holder: Browser, services: Services) -> None:
    holder.post("/casi/c-1/decisione", **{**ASKED, "reason_code": "ASK_OTHER", "note": "Un dubbio"}, step="confirm")
    sent = services.reviews.decided[-1]
    assert (sent.decision, sent.reason_code, sent.question) == (review_pb2.DECISION_ASK, "OTHER", QUESTION)


def test_a_question_goes_nowhere_with_another_decision(holder: Browser, services: Services) -> None:
    holder.post("/casi/c-1/decisione", **{**ASKED, "reason_code": "SUSPECTED_FRAUD"}, step="confirm")
    assert services.reviews.decided[-1].question == ""


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"question": " "}, "Scrivi la domanda per il cliente."),
        ({"question": "x" * 1001}, "Al massimo 1.000 caratteri: ora sono 1001."),
        ({"reason_code": "ASK_OTHER"}, "Con «Altro motivo» scrivi una nota."),
        ({"reason_code": "ASK_NOTHING"}, "Scegli un esito."),
    ],
)
@pytest.mark.parametrize("step", ["check", "confirm"])
def test_a_fault_is_told_beside_its_field(
    holder: Browser, services: Services, form: dict[str, str], told: str, step: str
) -> None:
    answer = holder.post("/casi/c-1/decisione", **{**ASKED, **form}, step=step)
    assert answer.status_code == 422
    assert answer.text.count(told) == 2
    assert not services.reviews.decided


def test_a_lease_that_ran_out_keeps_the_question(holder: Browser, clock: SetClock) -> None:
    clock.forward(minutes=16)
    answer = holder.post("/casi/c-1/decisione", **ASKED, step="confirm")
    assert answer.status_code == 409
    assert SHOWN in answer.text
    assert SHOWN in holder.post("/casi/c-1/presa", **ASKED).text


def test_a_session_that_ended_shows_the_question_to_be_copied(holder: Browser, services: Services) -> None:
    services.operators.live.clear()
    answer = holder.post("/casi/c-1/decisione", **ASKED, step="confirm")
    assert answer.status_code == 401
    assert SHOWN in answer.text


def test_a_case_that_its_customer_cancelled_says_so(holder: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_CANCELLED
    services.reviews.refusals["Decide"] = Refusal(Kind.ABORTED, "CASE_CLOSED", "over", {"state": "CANCELLED"})
    answer = holder.post("/casi/c-1/decisione", **ASKED, step="confirm")
    assert answer.status_code == 409
    assert "Il caso non è più da decidere (Annullato dal cliente)" in answer.text
    assert SHOWN in answer.text


def test_a_case_is_given_back(holder: Browser, services: Services) -> None:
    assert "Rilascia" in holder.get("/casi/c-1").text
    assert holder.post("/casi/c-1/rilascio").headers["Location"] == "/casi"
    assert not services.reviews.cases["c-1"].summary.holder
    assert "Caso rilasciato" in holder.get("/casi").text
    assert holder.get("/casi/c-1/rilascio").headers["Location"] == "/casi/c-1"


def test_a_case_that_another_holds_by_now_is_not_given_back(holder: Browser, services: Services, clock: SetClock) -> None:
    clock.forward(minutes=16)
    services.reviews.hold("c-1", "carlo.neri")
    answer = holder.post("/casi/c-1/rilascio", note="Una nota")
    assert answer.status_code == 409
    assert "ora il caso è di carlo.neri" in answer.text
    assert "Una nota" in answer.text
    assert services.reviews.cases["c-1"].summary.holder == "carlo.neri"
