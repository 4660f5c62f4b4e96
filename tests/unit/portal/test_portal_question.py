"""A customer answers what an operator asks about a request."""

import io
from datetime import timedelta

import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.unit.portal.backend import Backend, at
from tests.unit.portal.conftest import PICTURE, Browser

PATH = "/recapito/rispondi?richiesta=c1"


@pytest.fixture
def asked(browser: Browser, backend: Backend) -> Browser:
    """A browser whose request c1 waits for an answer."""
    question = pb.Question(reason_code="MISSING_SIDE", text="Manda il <b>retro</b>", asked_at=at(), answer_by=at(days=30))
    waiting = pb.CHANGE_STATE_WAITING_FOR_CUSTOMER
    change = pb.Change(change_id="c1", state=waiting, masked_new_mobile="347 *****65", submitted_at=at(), due_at=at(days=1))
    change.question.CopyFrom(question)
    backend.changes.append(change)
    browser.give_password()
    return browser


def picture(name: str = "retro.jpg", content: bytes = PICTURE) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_the_question_stands_in_the_timeline_with_its_time(asked: Browser) -> None:
    assert asked.get("/recapito/richieste").text.count('class="when"') == 2  # received, asked


def test_the_requests_lead_to_the_question(asked: Browser) -> None:
    assert PATH in asked.get("/recapito/richieste").text
    page = asked.get(PATH).text
    assert "Manda il &lt;b&gt;retro" in page
    assert "altrimenti la richiesta decade" in page


def test_words_and_two_files_are_sent_and_the_requests_follow(asked: Browser, backend: Backend) -> None:
    page = asked.post(PATH, text="Ecco.\r\nGrazie", first=picture(), second=picture("fronte.jpg"))
    assert page.request.path == "/recapito/richieste"
    assert "la tua risposta è arrivata" in page.text
    assert "In verifica" in page.text
    assert PATH not in page.text
    sent = backend.last(pb.AnswerQuestionRequest)
    assert (sent.change_id, sent.text, list(sent.document_ids)) == ("c1", "Ecco.\nGrazie", ["doc-1", "doc-2"])
    assert sent.request_id


@pytest.mark.parametrize("form", [{"text": "Il comune è Bologna."}, {"second": None}])
def test_words_or_a_file_are_enough(asked: Browser, form: dict[str, object]) -> None:
    values = {name: value or picture() for name, value in form.items()}
    assert "la tua risposta è arrivata" in asked.post(PATH, **values).text


def test_an_empty_answer_is_told(asked: Browser, backend: Backend) -> None:
    page = asked.post(PATH, text="  ")
    assert page.status_code == 422
    assert "Scrivi una risposta o allega un file." in page.text
    assert not any(isinstance(each, pb.AnswerQuestionRequest) for each in backend.seen)


def test_a_file_that_arrived_and_the_words_stay_when_something_is_wrong(asked: Browser, backend: Backend) -> None:
    page = asked.post(PATH, text="Ecco", first=picture(), second=picture("a.txt", b"ciao"))
    assert page.status_code == 422
    assert "Questo tipo di file non va bene" in page.text
    assert "Già ricevuto" in page.text
    assert "Ecco</textarea>" in page.text
    long = asked.post(PATH, text="x" * 2001)
    assert "Scrivi al massimo 2.000 caratteri." in long.text
    asked.post(PATH, text="Ecco")
    assert list(backend.last(pb.AnswerQuestionRequest).document_ids) == ["doc-1"]


def test_files_that_the_service_no_longer_knows_are_asked_for_again(asked: Browser, backend: Backend) -> None:
    backend.refuse_next("AnswerQuestion", invalid(Violation("document_ids", "UNKNOWN", "gone")))
    page = asked.post(PATH, text="Ecco", first=picture())
    assert page.status_code == 422
    assert "inseriscilo di nuovo" in page.text
    assert "Già ricevuto" not in page.text


def test_a_question_that_waits_no_more_leads_to_the_requests(asked: Browser, backend: Backend) -> None:
    backend.refuse_next("AnswerQuestion", Refusal(Kind.FAILED_PRECONDITION, "NO_QUESTION", "none"))
    assert "Nessuna domanda attende" in asked.post(PATH, text="Ecco").text
    backend.changes[0].state = pb.CHANGE_STATE_EXPIRED
    page = asked.get(PATH)
    assert page.request.path == "/recapito/richieste"
    assert asked.get("/recapito/rispondi?richiesta=other").status_code == 404


def test_another_requests_files_are_not_taken_along(asked: Browser, backend: Backend) -> None:
    backend.refuse_next("AnswerQuestion", invalid(Violation("text", "LENGTH", "long")))
    asked.post(PATH, text="Ecco", first=picture())
    other = pb.Change()
    other.CopyFrom(backend.changes[0])
    other.change_id = "c2"
    backend.changes.append(other)
    asked.post("/recapito/rispondi?richiesta=c2", text="Ecco")
    assert not backend.last(pb.AnswerQuestionRequest).document_ids


def test_a_session_with_an_old_code_confirms_before_the_form_is_filled(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    change = pb.Change(change_id="c1", state=pb.CHANGE_STATE_WAITING_FOR_CUSTOMER, submitted_at=at(), due_at=at(days=1))
    backend.changes.append(change)
    assert "Rispondi alla domanda" in browser.get(PATH).text
    backend.code_age = timedelta(minutes=11)
    assert browser.get(PATH).request.path == "/conferma"


def test_nobody_answers_without_signing_in(browser: Browser) -> None:
    assert browser.get(PATH).request.path == "/accedi"
