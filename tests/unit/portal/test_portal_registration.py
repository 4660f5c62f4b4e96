"""Registrati, step by step."""

import re
from datetime import timedelta

from recapito.auth.v1 import registration_pb2

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.unit.portal.backend import CODE, Backend
from tests.unit.portal.conftest import Browser


def test_registration_reaches_its_conclusion(browser: Browser, backend: Backend) -> None:
    assert "m***@e***.it" in browser.register_until_code().text
    assert browser.post("/registrati/codice", code=" 123 456 ").request.path == "/registrati/password"
    page = browser.post("/registrati/password", password="una frase lunga")
    assert "La registrazione è conclusa" in page.text
    started = backend.last(registration_pb2.StartRegistrationRequest)
    assert (started.person_type, started.given_name, started.family_name) == (1, "Mario", "Rossi")
    assert started.client.device_id
    assert browser.cookie("session") == ""


def test_company_gives_one_name(browser: Browser, backend: Backend) -> None:
    browser.post("/registrati", person_type="2")
    assert "Ragione sociale" in browser.get("/registrati/nome").text
    browser.post("/registrati/nome", family_name="Rossi S.r.l.")
    browser.post("/registrati/recapito", contact="3201234519")
    started = backend.last(registration_pb2.StartRegistrationRequest)
    assert (started.person_type, started.given_name, started.family_name) == (2, "", "Rossi S.r.l.")


def test_unknown_person_sees_the_same_page(browser: Browser) -> None:
    known = browser.register_until_code("mario@esempio.it").text
    unknown = browser.register_until_code("ignoto@esempio.it").text
    assert _without_secrets(known) == _without_secrets(unknown.replace("i***@e***.it", "m***@e***.it"))


def test_step_that_was_skipped_comes_first(browser: Browser) -> None:
    for path in ("nome", "recapito", "codice", "password"):
        assert browser.get(f"/registrati/{path}").request.path == "/registrati"


def test_wrong_contact_is_told_at_its_field_and_kept(browser: Browser) -> None:
    page = browser.register_until_code("non un recapito")
    assert page.status_code == 422
    assert 'href="#contact"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert 'aria-describedby="contact-hint contact-error"' in page.text
    assert 'value="non un recapito"' in page.text
    assert "Errore: " in page.text[: page.text.index("</title>")]


def test_name_that_the_service_refuses_is_told_in_its_step(browser: Browser, backend: Backend) -> None:
    backend.refuse_next("StartRegistration", invalid(Violation("given_name", "TOO_LONG", "shorter")))
    page = browser.register_until_code()
    assert page.request.path == "/registrati/nome"
    assert 'href="#given_name"' in page.text


def test_wrong_code_tells_the_attempts_that_are_left(browser: Browser) -> None:
    browser.register_until_code()
    assert "Hai ancora 4 tentativi" in browser.post("/registrati/codice", code="999999").text
    for _ in range(2):
        browser.post("/registrati/codice", code="999999")
    assert "Hai ancora 1 tentativo." in browser.post("/registrati/codice", code="999999").text
    page = browser.post("/registrati/codice", code="999999").text
    assert "Hai esaurito i tentativi" in page
    assert "Ricomincia" in page
    assert 'name="code"' not in page


def test_typing_slip_costs_no_attempt(browser: Browser, backend: Backend) -> None:
    browser.register_until_code()
    for typed in ("", "12345", "abcdef", "１２３４５６"):
        page = browser.post("/registrati/codice", code=typed)
        assert page.status_code == 422
        assert not typed or typed not in page.text
    assert backend.attempts == {}


def test_reload_after_a_wrong_code_costs_no_attempt(browser: Browser, backend: Backend) -> None:
    browser.register_until_code()
    browser.post("/registrati/codice", code="999999")
    for _ in range(3):
        browser.get("/registrati/codice")
    assert backend.attempts == {"reg-known": 1}


def test_too_early_resend_tells_how_long_to_wait(browser: Browser, backend: Backend) -> None:
    browser.register_until_code()
    backend.refuse_next(
        "ResendCode", Refusal(Kind.RESOURCE_EXHAUSTED, "RESEND_TOO_EARLY", "later", retry_after=timedelta(seconds=42))
    )
    form = browser.form("/registrati/codice")
    assert (
        "già in arrivo. Puoi chiederne un altro tra 42 secondi"
        in browser.client.post("/registrati/codice/nuovo", data=form, follow_redirects=True).text
    )
    assert "un nuovo codice" in browser.client.post("/registrati/codice/nuovo", data=form, follow_redirects=True).text


def test_weak_password_is_told_with_its_reason(browser: Browser) -> None:
    browser.register_until_code()
    browser.post("/registrati/codice", code=CODE)
    page = browser.post("/registrati/password", password="corta")
    assert 'href="#password"' in page.text
    assert "È troppo corta" in page.text
    assert 'value="corta"' not in page.text
    assert 'autocomplete="new-password"' in page.text


def test_registration_that_is_too_old_begins_again(browser: Browser, backend: Backend) -> None:
    browser.register_until_code()
    backend.refuse_next("VerifyContact", Refusal(Kind.NOT_FOUND, "REGISTRATION_NOT_FOUND", "gone"))
    page = browser.post("/registrati/codice", code=CODE)
    assert page.request.path == "/registrati"
    assert "Ricomincia da qui" in page.text


def _without_secrets(html: str) -> str:
    timeless = re.sub(r'data-countdown="\d+"|tra \d+ second[oi]', "", html)
    return "\n".join(line for line in timeless.splitlines() if "csrf_token" not in line)
