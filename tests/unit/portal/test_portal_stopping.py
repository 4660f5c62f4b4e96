"""A customer cancels a request; whoever has a contact on file stops one that wasn't theirs."""

import pytest
from recapito.contact_change.v1 import contact_change_pb2 as pb

from recapito_contact_change.domain import STEPS, State, Step
from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import Backend, at
from tests.unit.portal.conftest import Browser


def add(backend: Backend, state: "pb.ChangeState.ValueType" = pb.CHANGE_STATE_IN_REVIEW) -> pb.Change:
    change = pb.Change(change_id="c1", state=state, masked_new_mobile="347 *****65", submitted_at=at(), due_at=at(days=1))
    backend.changes.append(change)
    return change


def test_a_request_is_cancelled_after_a_question(browser: Browser, backend: Backend) -> None:
    change = add(backend)
    browser.give_password()
    assert "/recapito/annulla?richiesta=c1" in browser.get("/recapito/richieste").text
    asked = browser.get("/recapito/annulla?richiesta=c1")
    assert "347 *****65" in asked.text
    assert change.state == pb.CHANGE_STATE_IN_REVIEW
    page = browser.post("/recapito/annulla?richiesta=c1")
    assert "è stata annullata" in page.text
    assert "Annullata" in page.text
    assert "/recapito/annulla" not in page.text
    assert backend.last(pb.CancelChangeRequest).change_id == "c1"


def test_a_request_that_can_not_be_cancelled_any_more_says_so(browser: Browser, backend: Backend) -> None:
    add(backend)
    browser.give_password()
    backend.refuse_next("CancelChange", Refusal(Kind.FAILED_PRECONDITION, "BEING_APPLIED", "late"))
    assert "Non si può più annullare" in browser.post("/recapito/annulla?richiesta=c1").text
    backend.changes[0].state = pb.CHANGE_STATE_APPLIED
    assert browser.get("/recapito/annulla?richiesta=c1").request.path == "/recapito/richieste"
    assert browser.get("/recapito/annulla?richiesta=other").status_code == 404


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (pb.CHANGE_STATE_CANCELLED, "Annullata"),
        (pb.CHANGE_STATE_EXPIRED, "Decaduta"),
        (pb.CHANGE_STATE_REPUDIATED, "Bloccata"),
        (pb.CHANGE_STATE_FROZEN, "Una persona ti contatterà"),
        (pb.CHANGE_STATE_WAITING_FOR_CUSTOMER, "Manda il retro"),
    ],
)
def test_every_end_is_told(browser: Browser, backend: Backend, state: "pb.ChangeState.ValueType", text: str) -> None:
    change = add(backend, state)
    change.question.text = "Manda il retro"
    browser.give_password()
    assert text in browser.get("/recapito/richieste").text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (pb.CHANGE_STATE_IN_REVIEW, pb.CHANGE_STATE_REPUDIATED, "La richiesta è fermata"),
        (pb.CHANGE_STATE_APPLIED, pb.CHANGE_STATE_FROZEN, "è bloccata: una persona"),
    ],
)
def test_the_links_page_asks_and_its_button_stops(
    browser: Browser,
    backend: Backend,
    before: "pb.ChangeState.ValueType",
    after: "pb.ChangeState.ValueType",
    text: str,
) -> None:
    change = add(backend, before)
    assert "347 *****65" in browser.get("/non-sono-stato-io?t=c1").text
    assert change.state == before, "mail scanners open links"
    page = browser.post("/non-sono-stato-io?t=c1")
    assert text in page.text.replace("&#39;", "'")
    assert change.state == after
    assert "cambiala" in browser.get("/non-sono-stato-io?t=c1").text


def test_the_link_has_its_button_wherever_the_service_would_stop_the_change(browser: Browser, backend: Backend) -> None:
    change = add(backend)
    shown = set()
    for state in State:
        change.state = pb.ChangeState.Value(f"CHANGE_STATE_{state}")
        if "Non sono stato io: blocca" in browser.get("/non-sono-stato-io?t=c1").text:
            shown.add(state)
    assert shown == {*STEPS[Step.REPUDIATE][0], *STEPS[Step.FREEZE][0]}


def test_a_link_that_is_too_old_or_made_up_says_so(browser: Browser) -> None:
    for path in ("/non-sono-stato-io", "/non-sono-stato-io?t=x"):
        page = browser.get(path)
        assert page.status_code == 404
        assert "non vale più" in page.text


def test_a_change_that_is_over_leaves_nothing_to_stop(browser: Browser, backend: Backend) -> None:
    add(backend, pb.CHANGE_STATE_REJECTED)
    assert "nulla da fermare" in browser.get("/non-sono-stato-io?t=c1").text


def test_a_change_that_ends_between_page_and_button_leaves_nothing_to_stop(browser: Browser, backend: Backend) -> None:
    add(backend)
    backend.refuse_next("Repudiate", Refusal(Kind.FAILED_PRECONDITION, "NOT_OPEN", "over"))
    assert "nulla da fermare" in browser.post("/non-sono-stato-io?t=c1").text
