"""I tuoi accessi: sessions, devices, password, email, and the fresh code that changes need."""

from datetime import timedelta

import pytest
from recapito.auth.v1 import authentication_pb2, session_pb2

from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import CODE, PASSWORD, Backend
from tests.unit.portal.conftest import Browser

NEW = "un'altra frase lunga"
OLD_CODE = timedelta(minutes=11)


def push(browser: Browser, path: str, page: str = "/accessi", **values: str) -> str:
    """Presses a button of ``page``."""
    return browser.client.post(path, data={**browser.form(page), **values}, follow_redirects=True).text


def test_sessions_and_devices_are_listed(browser: Browser) -> None:
    browser.sign_in()
    assert 'href="/accessi"' in browser.get("/area").text
    page = browser.get("/accessi").text
    for words in ("Dispositivo sconosciuto", "Questo accesso", "Safari · iPhone", "Firefox · Linux", "Riconosciuto fino al"):
        assert words in page
    assert 'value="own"' not in page


def test_one_session_is_ended_and_a_repeat_is_no_fault(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    for _ in range(2):
        assert "accesso è terminato" in push(browser, "/accessi/sessione", session_id="other-1")
    assert backend.others == {}
    assert browser.cookie("session") in backend.sessions


def test_device_is_forgotten(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    for _ in range(2):
        page = push(browser, "/accessi/dispositivo", device_id="device-1")
    assert "Ricorda questo dispositivo" in page
    assert backend.devices == {}


def test_all_sessions_end_with_this_one(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    assert "su tutti i dispositivi" in push(browser, "/accessi/ovunque")
    assert backend.sessions == set()
    assert browser.cookie("session") == ""


def test_password_is_changed_and_the_session_goes_on_under_a_new_token(browser: Browser, backend: Backend) -> None:
    browser.give_password()
    browser.post("/accedi/codice", code=CODE, trust_device="y")
    before = browser.cookie("session")
    page = browser.post("/accessi/password", old_password=PASSWORD, new_password=NEW)
    assert page.request.path == "/accessi"
    assert "La password è cambiata" in page.text
    assert browser.cookie("session") in backend.sessions - {before}
    assert browser.cookie("trusted_device") == ""


@pytest.mark.parametrize(
    ("old", "new", "field", "text"),
    [("altra", NEW, "old_password", "Non è la tua password attuale"), (PASSWORD, "corta", "new_password", "È troppo corta")],
)
def test_password_at_fault_is_told_at_its_field(browser: Browser, old: str, new: str, field: str, text: str) -> None:
    browser.sign_in()
    page = browser.post("/accessi/password", old_password=old, new_password=new)
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert text in page.text


def test_email_is_changed_by_the_code_to_the_new_one(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    before = browser.cookie("session")
    page = browser.post("/accessi/email", new_email="nuova@esempio.it")
    assert page.request.path == "/accessi/email/codice"
    assert "n***@e***.it" in page.text
    assert "Hai ancora 4 tentativi" in browser.post("/accessi/email/codice", code="999999").text
    assert "un nuovo codice" in push(browser, "/accessi/email/codice/nuovo", "/accessi/email/codice")
    assert backend.last(session_pb2.ResendEmailChangeCodeRequest).challenge_id == "email"
    page = browser.post("/accessi/email/codice", code=CODE)
    assert "L&#39;email è cambiata" in page.text
    assert browser.cookie("session") in backend.sessions - {before}


def test_email_that_is_on_file_is_told(browser: Browser) -> None:
    browser.sign_in()
    assert "email che abbiamo già" in browser.post("/accessi/email", new_email="mario@esempio.it").text


def test_email_change_that_no_longer_stands_begins_again(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    browser.post("/accessi/email", new_email="nuova@esempio.it")
    backend.refuse_next("CompleteEmailChange", Refusal(Kind.NOT_FOUND, "CHALLENGE_NOT_FOUND", "gone"))
    assert browser.post("/accessi/email/codice", code=CODE).request.path == "/accessi/email"


@pytest.mark.parametrize("path", ["/accessi/password", "/accessi/email"])
def test_old_code_is_renewed_before_anything_is_typed(browser: Browser, backend: Backend, path: str) -> None:
    browser.sign_in()
    backend.code_age, before = OLD_CODE, browser.cookie("session")
    page = browser.get(path)
    assert page.request.path == "/conferma"
    assert browser.cookie("session") == before
    page = browser.post("/conferma")
    assert "320 *****19" in page.text
    assert backend.last(authentication_pb2.StartStepUpRequest).purpose == "step_up"
    assert "Hai ancora 4 tentativi" in browser.post("/conferma/codice", code="999999").text
    assert browser.post("/conferma/codice", code=CODE).request.path == path
    assert browser.cookie("session") in backend.sessions - {before}


def test_code_that_grew_old_over_the_form_is_renewed_and_the_form_comes_back(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    form = browser.form("/accessi/password", old_password=PASSWORD, new_password=NEW)
    backend.code_age = OLD_CODE
    page = browser.client.post("/accessi/password", data=form, follow_redirects=True)
    assert page.request.path == "/conferma"
    browser.post("/conferma")
    assert browser.post("/conferma/codice", code=CODE).request.path == "/accessi/password"


def test_step_up_leads_nowhere_else(browser: Browser) -> None:
    browser.sign_in()
    with browser.client.session_transaction(base_url="http://localhost") as session:
        session["step_up"] = {"next": "//evil.example"}
    browser.post("/conferma")
    answer = browser.client.post("/conferma/codice", data=browser.form("/conferma/codice", code=CODE))
    assert answer.headers["Location"] == "/area"


def test_step_up_code_is_sent_again_or_begun_again(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    browser.post("/conferma")
    assert "un nuovo codice" in push(browser, "/conferma/codice/nuovo", "/conferma/codice")
    backend.refuse_next("CompleteStepUp", Refusal(Kind.NOT_FOUND, "CHALLENGE_NOT_FOUND", "gone"))
    page = browser.post("/conferma/codice", code=CODE)
    assert page.request.path == "/conferma"
    assert "Ricomincia da qui" in page.text


def test_locked_codes_are_told_before_one_is_sent(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    backend.refuse_next("StartStepUp", Refusal(Kind.RESOURCE_EXHAUSTED, "CODES_LOCKED", "x", retry_after=timedelta(minutes=60)))
    assert "Riprova tra 60 minuti" in browser.post("/conferma").text


def test_frozen_account_is_told(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    backend.is_frozen = True
    assert "una persona sta esaminando il tuo account" in browser.get("/area").text
    backend.refuse_next("ChangePassword", Refusal(Kind.FAILED_PRECONDITION, "CUSTOMER_FROZEN", "x"))
    page = browser.post("/accessi/password", old_password=PASSWORD, new_password=NEW)
    assert page.status_code == 422
    assert "una persona sta esaminando il tuo account" in page.text


@pytest.mark.parametrize("path", ["/accessi", "/accessi/password", "/accessi/email", "/accessi/email/codice", "/conferma"])
def test_pages_need_a_session(browser: Browser, path: str) -> None:
    assert browser.get(path).request.path == "/accedi"
