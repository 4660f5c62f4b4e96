"""Every operator's own pages: the first password, another one, another authenticator app."""

from datetime import timedelta

import pytest

from recapito_auth.domain.passwords import Weakness
from recapito_console.texts_accounts import PASSWORD_FAULTS
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.unit.console.conftest import Browser
from tests.unit.console.operators import CODES, NEW_TOTP, PASSWORD, TOTP, URI
from tests.unit.console.services import Services

NEW = "quattro gatti al tramonto"
SIGN_IN = {"username": "anna.bianchi", "password": PASSWORD, "totp": TOTP}


@pytest.fixture
def newcomer(visitor: Browser, services: Services) -> Browser:
    """The browser of an operator whose password was made for them, after the sign-in."""
    services.operators.first.add("anna.bianchi")
    answer = visitor.post("/accedi", back="/casi/c-1", **SIGN_IN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/prima-password?back=/casi/c-1")
    return visitor


def token_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("__Host-operator", domain="localhost")
    assert cookie is not None
    return cookie.value


def test_first_password_is_changed_before_anything_is_shown(newcomer: Browser, services: Services) -> None:
    for path in ("/casi", "/casi/c-1", "/account", "/account/password", "/codici-di-recupero", "/operatori"):
        assert newcomer.get(path).headers["Location"] == "/prima-password"
    page = newcomer.get("/prima-password?back=/casi/c-1")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "almeno 8 caratteri" in page.text
    assert 'href="/casi"' not in page.text
    before = token_of(newcomer)
    answer = newcomer.post("/prima-password", back="/casi/c-1", new_password=NEW, repeated=NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/casi/c-1")
    assert services.operators.passwords[0].new_password == NEW
    assert token_of(newcomer) != before
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-operator="))
    assert {"HttpOnly", "Secure", "SameSite=Strict"} <= set(cookie.split("; "))
    assert newcomer.get("/casi").status_code == 200
    assert newcomer.get("/prima-password").headers["Location"] == "/account"  # by the browser's own button


def test_first_password_page_is_for_those_with_a_session(visitor: Browser, newcomer: Browser, services: Services) -> None:
    services.operators.live.clear()
    assert newcomer.get("/prima-password").headers["Location"].startswith("/accedi")


def test_who_signs_in_again_instead_or_signs_out_can(newcomer: Browser, services: Services) -> None:
    assert newcomer.get("/accedi").status_code == 200
    assert newcomer.post("/esci").headers["Location"] == "/accedi"
    assert services.operators.live == {}


@pytest.mark.parametrize("path", ["/prima-password", "/account/password"])
def test_faults_of_a_password_stand_beside_their_fields(anna: Browser, newcomer: Browser, services: Services, path: str) -> None:
    browser = newcomer
    if path != "/prima-password":
        services.operators.first.clear()
        browser = anna
    answer = browser.post(path, new_password=NEW, repeated="altra")
    assert (answer.status_code, "non sono uguali" in answer.text) == (422, True)
    assert services.operators.passwords == []
    for field, reason, text in (
        ("new_password", "TOO_COMMON", "molto usata"),
        ("old_password", "WRONG", "Non è la tua password attuale"),
        ("totp", "WRONG", "già stato usato"),
    ):
        services.operators.refusals["ChangePassword"] = invalid(Violation(field, reason, "for developers"))
        answer = browser.post(path, new_password=NEW, repeated=NEW)
        assert (answer.status_code, text in answer.text, "for developers" in answer.text) == (422, True, False)
        assert NEW not in answer.text
    refusal = Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", "later", retry_after=timedelta(minutes=4))
    services.operators.refusals["ChangePassword"] = refusal
    answer = browser.post(path, new_password=NEW, repeated=NEW)
    assert (answer.status_code, "Troppi tentativi" in answer.text) == (422, True)


def test_every_weakness_has_a_word() -> None:
    assert {weakness.value for weakness in Weakness} | {"UNCHANGED"} == set(PASSWORD_FAULTS)


def test_password_is_changed_and_the_browser_goes_on_with_the_new_session(anna: Browser, services: Services) -> None:
    before = token_of(anna)
    answer = anna.post("/account/password", old_password=PASSWORD, new_password=NEW, repeated=NEW, totp=" 123 456 ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    (asked,) = services.operators.passwords
    assert (asked.old_password, asked.new_password, asked.totp) == (PASSWORD, NEW, TOTP)
    assert token_of(anna) != before
    assert "La password è cambiata" in anna.get("/account").text


def test_another_app_is_shown_once_and_confirmed(anna: Browser) -> None:
    assert "otpauth" not in anna.get("/account/app").text
    wrong = anna.post("/account/app", totp="000000")
    assert (wrong.status_code, "Il codice non è giusto" in wrong.text, "otpauth" in wrong.text) == (422, True, False)
    shown = anna.post("/account/app", totp=TOTP)
    assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store")
    assert URI.replace("&", "&amp;") in shown.text
    assert "data:image/svg+xml" in shown.text
    wrong = anna.post("/account/app/conferma", enrolment_id="e-1", totp="000000")
    assert (wrong.status_code, "Non è il codice" in wrong.text, "otpauth" in wrong.text) == (422, True, False)
    assert 'value="e-1"' in wrong.text
    before = token_of(anna)
    done = anna.post("/account/app/conferma", enrolment_id="e-1", totp=NEW_TOTP)
    assert (done.status_code, done.headers["Location"]) == (303, "/account")
    assert token_of(anna) != before
    assert "Da ora vale la nuova app" in anna.get("/account").text
    assert anna.get("/account/app/conferma").headers["Location"] == "/account/app"


def test_a_change_of_app_that_is_over_starts_again(anna: Browser, services: Services) -> None:
    assert anna.post("/account/app/conferma", enrolment_id="gone", totp=NEW_TOTP).headers["Location"] == "/account/app"
    assert "Se serve, ricomincia" in anna.get("/account/app").text
    refusal = Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", "later", retry_after=timedelta(minutes=4))
    services.operators.refusals.update(StartTotpChange=refusal, CompleteTotpChange=refusal)
    assert anna.post("/account/app", totp=TOTP).status_code == 429
    assert anna.post("/account/app/conferma", enrolment_id="e-1", totp=NEW_TOTP).status_code == 429


def test_every_operator_renews_recovery_codes_of_their_own(anna: Browser, services: Services) -> None:
    page = anna.get("/codici-di-recupero").text
    assert not any(code in page for code in CODES)
    wrong = anna.post("/codici-di-recupero", totp="000000")
    assert (wrong.status_code, "Il codice non è giusto" in wrong.text) == (422, True)
    page = anna.post("/codici-di-recupero", totp=" 123 456 ").text
    assert all(code in page for code in CODES)
    refusal = Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", "later", retry_after=timedelta(minutes=4))
    services.operators.refusals["RenewRecoveryCodes"] = refusal
    assert anna.post("/codici-di-recupero", totp=TOTP).status_code == 429
