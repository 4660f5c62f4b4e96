"""Every state and every happening has words wherever it is shown; only what can be decided waits in the queue."""

from collections.abc import Callable

import pytest
from recapito.contact_change.v1 import contact_change_pb2, review_pb2

from recapito_console import texts
from recapito_contact_change.domain import REASON_CODES, Decision, Step
from recapito_contact_change.prechecks import Finding
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.times import to_timestamp
from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import WAITING, Services

STATES = [state for state in contact_change_pb2.ChangeState.values() if state]
OVER = {
    contact_change_pb2.CHANGE_STATE_SUBMITTED: "i controlli automatici non sono finiti",
    contact_change_pb2.CHANGE_STATE_WAITING_FOR_CUSTOMER: "Il cliente deve ancora rispondere",
    contact_change_pb2.CHANGE_STATE_CANCELLED: "Il cliente ha annullato la richiesta",
    contact_change_pb2.CHANGE_STATE_EXPIRED: "la richiesta è decaduta",
    contact_change_pb2.CHANGE_STATE_REPUDIATED: "non riconosce la richiesta",
    contact_change_pb2.CHANGE_STATE_FROZEN: "il cliente è bloccato",
}
NOTED = (
    *("submitted", "viewed", "document_viewed", "taken", "released", "decided", "found", "notice_sent", "notice_failed"),
    *("resent", "document_destroyed"),
    *Step,
)


@pytest.fixture
def carlo(signed_in: Callable[[str], Browser]) -> Browser:
    """A supervisor's browser."""
    return signed_in("carlo.neri")


def test_every_state_reason_finding_and_happening_has_words() -> None:
    assert set(texts.STATES) == set(STATES)
    assert set(NOTED) <= set(texts.ACTIONS)
    assert set(Finding) <= set(texts.FINDINGS)
    assert set(texts.QUESTIONS) == REASON_CODES[Decision.ASK]
    assert set(texts.REASON_CODES) == REASON_CODES[Decision.APPROVE] | REASON_CODES[Decision.REJECT]


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("state", STATES)
def test_queue_and_case_show_every_state_in_words(
    anna: Browser, services: Services, state: "contact_change_pb2.ChangeState.ValueType", language: str
) -> None:
    services.reviews.cases["c-1"].summary.state = state
    for path in ("/casi?stato=tutti", "/casi/c-1"):
        answer = anna.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert "CHANGE_STATE" not in answer.text
        if language == "it":
            assert str(texts.STATES[state]) in answer.text


@pytest.mark.parametrize("state", sorted(set(STATES) - set(WAITING)))
def test_only_what_can_be_decided_waits_and_can_be_taken(
    anna: Browser, services: Services, state: "contact_change_pb2.ChangeState.ValueType"
) -> None:
    services.reviews.cases["c-1"].summary.state = state
    assert "Nessun caso da decidere" in anna.get("/casi").text
    page = anna.get("/casi/c-1").text
    assert "Prendi in carico" not in page
    assert 'name="step"' not in page
    assert OVER.get(state, "Decisione") in page
    assert "scade tra" not in page


def test_a_state_without_words_is_shown_by_its_name_or_number(anna: Browser, services: Services) -> None:
    for state, shown in ((0, "CHANGE_STATE_UNSPECIFIED"), (99, "99")):
        services.reviews.cases["c-1"].summary.state = state  # type: ignore[assignment]
        for path in ("/casi?stato=tutti", "/casi/c-1"):
            answer = anna.get(path)
            assert answer.status_code == 200
            assert f">{shown}<" in answer.text


def test_the_history_has_words_for_questions_and_ends(anna: Browser, services: Services, clock: SetClock) -> None:
    at = to_timestamp(clock())
    services.reviews.history["c-1"] = [
        review_pb2.HistoryEntry(at=at, actor="carlo.neri", action="decided", detail="ASK MISSING_SIDE"),
        review_pb2.HistoryEntry(at=at, actor="customer", action="answered", detail="q-1234"),
        review_pb2.HistoryEntry(at=at, actor="contact on file", action="frozen"),
        review_pb2.HistoryEntry(at=at, actor="carlo.neri", action="restored", detail="Risposta SMS dal vecchio numero"),
        review_pb2.HistoryEntry(at=at, actor="system", action="notice_failed", detail="change_question EMAIL"),
    ]
    page = anna.get("/casi/c-1/storia").text
    for text in ("Chiesto al cliente; Manca un lato del documento", "Il cliente ha risposto", "Chi ha un recapito in anagrafica"):
        assert text in page
    for text in ("Cambio disconosciuto", "Risposta SMS dal vecchio numero", "Domanda al cliente; via email"):
        assert text in page
    assert "q-1234" not in page


def test_questions_and_answers_stand_on_the_case(anna: Browser, services: Services, clock: SetClock) -> None:
    at = to_timestamp(clock())
    services.reviews.cases["c-1"].questions.extend(
        [
            review_pb2.AskedQuestion(asked_by="dora", asked_at=at, reason_code="UNREADABLE", text="A fuoco?", answered_at=at),
            review_pb2.AskedQuestion(asked_by="dora", asked_at=at, reason_code="OTHER", text="<b>Quale</b> comune?"),
        ]
    )
    page = anna.get("/casi/c-1").text
    for text in ("Il documento non si legge", "A fuoco?", "Solo documenti.", "&lt;b&gt;Quale", "Nessuna risposta finora."):
        assert text in page


def test_a_supervisor_restores_a_frozen_change_with_a_word_on_why(carlo: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_FROZEN
    assert "row-link" in carlo.get("/casi?stato=bloccati").text
    assert "conferma il cambio" in carlo.get("/casi/c-1").text
    for words in (" ", "x" * 401):
        refused = carlo.post("/casi/c-1/ripristino", found_out=words)
        assert refused.status_code == 422
        assert refused.text.count("Scrivi come l&#39;hai verificato") == 2
    assert not services.reviews.restored
    assert carlo.post("/casi/c-1/ripristino", found_out="Richiamato in sede.").headers["Location"] == "/casi/c-1"
    assert services.reviews.restored == [
        review_pb2.RestoreRequest(change_id="change-c-1", note="Richiamato in sede.", restoration=review_pb2.RESTORATION_CONFIRM)
    ]
    page = carlo.get("/casi/c-1").text
    assert "Cliente sbloccato" in page
    assert "conferma il cambio" not in page


def test_a_supervisor_puts_the_old_number_back(carlo: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_FROZEN
    assert carlo.post("/casi/c-1/ripristino", found_out="Non era lui.", restoration="revert").status_code == 303
    assert services.reviews.restored[0].restoration == review_pb2.RESTORATION_REVERT
    page = carlo.get("/casi/c-1").text
    assert "il numero di prima vale di nuovo" in page
    assert "in anagrafica è tornato il numero di prima" in page


def test_a_restore_that_is_refused_keeps_the_words(carlo: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_FROZEN
    for reason, told in (("OWN_CASE", "riguarda te come cliente"), ("NOT_FROZEN", "non è più possibile")):
        services.reviews.refusals["Restore"] = Refusal(Kind.FAILED_PRECONDITION, reason, "no")
        answer = carlo.post("/casi/c-1/ripristino", found_out="Richiamato.")
        assert answer.status_code == 409
        assert told in answer.text


def test_a_reviewer_is_not_offered_to_restore(anna: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].summary.state = contact_change_pb2.CHANGE_STATE_FROZEN
    assert "conferma il cambio" not in anna.get("/casi/c-1").text
    assert anna.post("/casi/c-1/ripristino", found_out="x").status_code == 403
