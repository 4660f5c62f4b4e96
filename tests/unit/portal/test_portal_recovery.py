"""Password dimenticata."""

import re
from datetime import timedelta

from recapito.auth.v1 import recovery_pb2

from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import CODE, Backend
from tests.unit.portal.conftest import Browser

NEW = "un'altra frase lunga"


def until_code(browser: Browser, username: str = "mario@esempio.it") -> str:
    return browser.post("/password-dimenticata", username=username).text


def test_recovery_sets_a_password_and_signs_nobody_in(browser: Browser, backend: Backend) -> None:
    assert 'href="/password-dimenticata"' in browser.get("/accedi").text
    assert "m***@e***.it" in until_code(browser)
    page = browser.post("/password-dimenticata/codice", code=" 123 456 ")
    assert page.request.path == "/password-dimenticata/password"
    assert 'autocomplete="new-password"' in page.text
    page = browser.post("/password-dimenticata/password", password=NEW)
    assert page.request.path == "/password-dimenticata/fatto"
    assert backend.last(recovery_pb2.CompleteRecoveryRequest).password == NEW
    assert browser.cookie("session") == ""


def test_second_contact_needs_a_code_of_its_own(browser: Browser) -> None:
    until_code(browser, "due@esempio.it")
    page = browser.post("/password-dimenticata/codice", code=CODE)
    assert page.request.path == "/password-dimenticata/codice"
    assert "Inserisci il secondo codice" in page.text
    assert "320 *****19" in page.text
    assert browser.get("/password-dimenticata/password").request.path == "/password-dimenticata/codice"
    assert browser.post("/password-dimenticata/codice", code=CODE).request.path == "/password-dimenticata/password"


def test_second_code_that_could_not_be_sent_is_asked_for(browser: Browser, backend: Backend) -> None:
    until_code(browser, "due@esempio.it")
    backend.recovered.append("due")
    backend.refuse_next("VerifyRecovery", Refusal(Kind.FAILED_PRECONDITION, "NO_CODE_SENT", "not yet"))
    assert "non è ancora partito" in browser.post("/password-dimenticata/codice", code=CODE).text
    form = browser.form("/password-dimenticata/codice")
    page = browser.client.post("/password-dimenticata/codice/nuovo", data=form, follow_redirects=True)
    assert "Inserisci il secondo codice" in page.text


def test_unknown_user_name_sees_the_same_pages(browser: Browser) -> None:
    known, unknown = until_code(browser), until_code(browser, "ignoto@esempio.it")
    assert lines(known) == lines(unknown)
    page = browser.post("/password-dimenticata/codice", code=CODE).text
    assert "Hai ancora 4 tentativi" in page
    assert lines(browser.get("/password-dimenticata/codice").text) == lines(unknown)


def test_user_name_that_is_none_is_told_at_its_field(browser: Browser) -> None:
    page = browser.post("/password-dimenticata", username="mario")
    assert page.status_code == 422
    assert 'href="#username"' in page.text


def test_too_many_recoveries_tell_how_long_to_wait(browser: Browser, backend: Backend) -> None:
    backend.refuse_next("StartRecovery", Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_EARLY", "x", retry_after=timedelta(minutes=9)))
    assert "Riprova tra 9 minuti" in until_code(browser)


def test_weak_password_is_told_with_its_reason(browser: Browser) -> None:
    until_code(browser)
    browser.post("/password-dimenticata/codice", code=CODE)
    page = browser.post("/password-dimenticata/password", password="corta")
    assert page.status_code == 422
    assert "È troppo corta" in page.text
    assert 'value="corta"' not in page.text


def test_step_that_was_skipped_comes_first(browser: Browser) -> None:
    for path in ("codice", "password"):
        assert browser.get(f"/password-dimenticata/{path}").request.path == "/password-dimenticata"


def test_recovery_that_no_longer_stands_begins_again(browser: Browser, backend: Backend) -> None:
    until_code(browser)
    browser.post("/password-dimenticata/codice", code=CODE)
    backend.refuse_next("CompleteRecovery", Refusal(Kind.FAILED_PRECONDITION, "RECOVERY_NOT_VERIFIED", "changed"))
    page = browser.post("/password-dimenticata/password", password=NEW)
    assert page.request.path == "/password-dimenticata"
    assert "Ricomincia da qui" in page.text


def lines(html: str) -> list[str]:
    """A page without its token and the seconds that go by between two of them."""
    timeless = re.sub(r'data-countdown="\d+"|tra \d+ second[oi]', "", html)
    return [line for line in timeless.splitlines() if "csrf_token" not in line]
