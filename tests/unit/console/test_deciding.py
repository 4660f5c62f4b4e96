"""The decision: form, confirmation, and what happens where another was first."""

import pytest
from recapito.contact_change.v1 import review_pb2
from werkzeug.test import TestResponse

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import Services

NOTE = "Foto e numero <b>corrispondono</b>."
SHOWN_NOTE = "Foto e numero &lt;b&gt;corrispondono&lt;/b&gt;."


@pytest.fixture
def holder(anna: Browser, services: Services) -> Browser:
    """The browser of who holds c-1, at version 4."""
    services.reviews.hold("c-1", "anna.bianchi")
    return anna


def confirm(browser: Browser, **changes: str) -> TestResponse:
    values = {"step": "confirm", "reason_code": "DOCUMENT_MATCHES", "note": NOTE, "expected_version": "4"}
    return browser.post("/casi/c-1/decisione", **{**values, **changes})


def test_a_decision_is_confirmed_first(holder: Browser, services: Services) -> None:
    page = holder.post("/casi/c-1/decisione", reason_code="DOCUMENT_MATCHES", note=NOTE, expected_version="4").text
    for text in ("Approvi la richiesta?", "+39 320 111 1119", "+39 333 123 4567", "mario.nuovo@posta.example", SHOWN_NOTE):
        assert text in page
    assert not services.reviews.cases["c-1"].decision


def test_the_confirmation_leads_back_to_the_form_as_it_was(holder: Browser) -> None:
    page = holder.post("/casi/c-1/decisione", step="edit", reason_code="OTHER", note=NOTE, expected_version="4").text
    assert SHOWN_NOTE in page
    assert 'value="OTHER" accesskey="5" checked' in page


def test_an_approval_reaches_the_service_with_the_version_that_was_seen(holder: Browser, services: Services) -> None:
    answer = confirm(holder)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/casi/c-1")
    made = services.reviews.cases["c-1"]
    assert (made.decision, made.reason_code, made.note) == (review_pb2.DECISION_APPROVE, "DOCUMENT_MATCHES", NOTE)
    page = holder.get("/casi/c-1").text
    assert "Richiesta approvata." in page
    assert "Deciso da anna.bianchi il 22 nov 2026, 11:00" in page


def test_any_other_reason_rejects(holder: Browser, services: Services) -> None:
    confirm(holder, reason_code="SUSPECTED_FRAUD")
    assert services.reviews.cases["c-1"].decision == review_pb2.DECISION_REJECT


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"reason_code": ""}, "Scegli un esito."),
        ({"reason_code": "INVENTED"}, "Scegli un esito."),
        ({"reason_code": "OTHER", "note": "  "}, "Con «Altro motivo» scrivi una nota."),
        ({"note": "x" * 2001}, "Al massimo 2.000 caratteri: ora sono 2001."),
    ],
)
@pytest.mark.parametrize("step", ["check", "confirm"])
def test_a_fault_is_told_beside_its_field(
    holder: Browser, services: Services, form: dict[str, str], told: str, step: str
) -> None:
    answer = confirm(holder, step=step, **form)
    assert answer.status_code == 422
    assert answer.text.count(told) == 2  # in the summary and beside the field
    assert not services.reviews.cases["c-1"].decision


def test_line_ends_count_once(holder: Browser) -> None:
    assert confirm(holder, step="check", note="x\r\n" * 900).status_code == 200


def test_a_fault_that_only_the_service_sees_is_told_beside_its_field(holder: Browser, services: Services) -> None:
    services.reviews.refusals["Decide"] = invalid(Violation("note", "TOO_LONG", "at most 2000 characters"))
    answer = confirm(holder)
    assert answer.status_code == 422
    assert "Controlla questo campo." in answer.text
    assert SHOWN_NOTE in answer.text


def test_a_case_decided_by_another_is_told_and_the_note_kept(holder: Browser, services: Services) -> None:
    services.reviews.decide(
        review_pb2.DecideRequest(case_id="c-1", decision=review_pb2.DECISION_REJECT, reason_code="OTHER"), "carlo.neri"
    )
    answer = confirm(holder)
    assert answer.status_code == 409
    assert "carlo.neri ha già deciso questo caso" in answer.text
    assert SHOWN_NOTE in answer.text


def test_a_lease_that_ran_out_is_told_and_taking_again_keeps_the_form(holder: Browser, clock: SetClock) -> None:
    clock.forward(minutes=16)
    answer = confirm(holder)
    assert answer.status_code == 409
    assert "riprendi in carico il caso" in answer.text
    assert SHOWN_NOTE in answer.text
    taken = holder.post("/casi/c-1/presa", reason_code="DOCUMENT_MATCHES", note=NOTE)
    assert taken.status_code == 200
    assert SHOWN_NOTE in taken.text
    assert 'name="expected_version" value="5"' in taken.text
    assert 'value="DOCUMENT_MATCHES" accesskey="1" checked' in taken.text


def test_a_lease_lost_to_another_names_them(holder: Browser, services: Services, clock: SetClock) -> None:
    clock.forward(minutes=16)
    services.reviews.hold("c-1", "carlo.neri")
    answer = confirm(holder)
    assert "ora il caso è di carlo.neri" in answer.text
    assert SHOWN_NOTE in answer.text


@pytest.mark.parametrize("version", ["3", "", "-1", "²", "9" * 30])
def test_another_version_is_told_and_the_fresh_one_offered(holder: Browser, version: str) -> None:
    answer = confirm(holder, expected_version=version)
    assert answer.status_code == 409
    assert "Il caso è cambiato mentre lo guardavi" in answer.text
    assert 'name="expected_version" value="4"' in answer.text
    assert SHOWN_NOTE in answer.text


def test_no_answer_keeps_the_form_and_a_repeat_counts_once(holder: Browser, services: Services) -> None:
    services.reviews.refusals["Decide"] = Refusal(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "late")
    answer = confirm(holder)
    assert answer.status_code == 503
    assert "non sappiamo se la decisione è stata presa" in answer.text
    assert SHOWN_NOTE in answer.text
    services.reviews.refusals.clear()
    assert confirm(holder).status_code == 303
    assert confirm(holder).status_code == 303  # the same decision again: it is theirs already


def test_without_csrf_token_nothing_is_decided(holder: Browser, services: Services) -> None:
    values = {"step": "confirm", "reason_code": "DOCUMENT_MATCHES", "expected_version": "4"}
    assert holder.client.post("/casi/c-1/decisione", data=values, base_url="https://localhost").status_code == 400
    assert not services.reviews.cases["c-1"].decision
