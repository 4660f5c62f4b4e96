"""Supervisors' pages: operators enrolled and disabled, a customer's sign-in explained and unlocked."""

import inspect
import re
from collections.abc import Callable

import pytest

from recapito_auth.domain import obstacles
from recapito_auth.domain.chain import Event
from recapito_console.texts_accounts import EVENTS, OBSTACLES
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.unit.console.conftest import Browser
from tests.unit.console.operators import CODES
from tests.unit.console.services import Services

PAGES = ["/operatori", "/clienti", "/clienti/K-1"]


@pytest.fixture
def carlo(signed_in: Callable[[str], Browser]) -> Browser:
    """A supervisor's browser."""
    return signed_in("carlo.neri")


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_supervisors_are_for_them_alone(signed_in: Callable[[str], Browser], visitor: Browser, path: str) -> None:
    for name in ("anna.bianchi", "dora.auditor"):
        assert signed_in(name).get(path).status_code == 403
        assert signed_in(name).post("/operatori", name="x", role="reviewer").status_code == 403
        assert f'href="{path}"' not in signed_in(name).get("/casi").text
    assert visitor.get(path).status_code == 303


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_kept_nowhere_and_have_no_inline_code(carlo: Browser, path: str) -> None:
    answer = carlo.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)


def test_operators_are_listed_and_nobody_is_offered_to_disable_themselves(carlo: Browser) -> None:
    page = carlo.get("/operatori").text
    assert page.count("Disabilita<span") == 3
    assert "&lt;i&gt;eva&lt;/i&gt;" in page


def test_new_operator_s_secrets_are_shown_once(carlo: Browser) -> None:
    answer = carlo.post("/operatori", name="Gino", role="reviewer", customer_id="K-9")
    assert answer.status_code == 200
    for text in ("prima-password", "otpauth://totp/Recapito:Gino", "data:image/svg+xml", *CODES):
        assert text in answer.text
    again = carlo.post("/operatori", name="Gino", role="reviewer", customer_id="K-9")
    assert (again.status_code, "già un operatore" in again.text, CODES[0] in again.text) == (409, True, False)
    assert CODES[0] not in carlo.get("/operatori").text


def test_form_of_a_new_operator_is_checked(carlo: Browser, services: Services) -> None:
    answer = carlo.post("/operatori", name=" ", role="king")
    assert answer.status_code == 422
    assert "Scrivi un nome utente" in answer.text
    assert "Scegli un ruolo" in answer.text
    services.operators.refusals["CreateOperator"] = invalid(Violation("name", "WRONG_FORMAT", "for developers"))
    answer = carlo.post("/operatori", name="a\u200bb", role="auditor")
    assert (answer.status_code, "for developers" in answer.text) == (422, False)


def test_disabling_asks_first(carlo: Browser, services: Services) -> None:
    page = carlo.post("/operatori/disabilita", name="anna.bianchi")
    assert "Disabiliti anna.bianchi?" in page.text
    assert services.operators.disabled == []
    answer = carlo.post("/operatori/disabilita", name="anna.bianchi", step="confirm")
    assert (answer.status_code, services.operators.disabled) == (303, ["anna.bianchi"])
    carlo.post("/operatori/disabilita", name="carlo.neri", step="confirm")
    assert "Non puoi disabilitare te stesso" in carlo.get("/operatori").text
    assert carlo.get("/operatori/disabilita").status_code == 303


def test_new_credentials_are_asked_about_first_and_shown_once(carlo: Browser) -> None:
    page = carlo.post("/operatori/credenziali", name="anna.bianchi").text
    assert ("Nuove credenziali per anna.bianchi?" in page, CODES[0] in page) == (True, False)
    answer = carlo.post("/operatori/credenziali", name="anna.bianchi", step="confirm").text
    for text in ("Le nuove credenziali di anna.bianchi", "nuova-password", "otpauth://totp/", *CODES):
        assert text in answer
    assert carlo.post("/operatori/credenziali", name="carlo.neri", step="confirm").status_code == 303
    assert "Le tue le cambi dal tuo account" in carlo.get("/operatori").text
    assert carlo.get("/operatori/credenziali").status_code == 303


@pytest.mark.parametrize(
    ("typed", "field"),
    [("320 1234519", "contact"), ("+393201234519", "contact"), ("maria@example.com", "contact"), ("K-1", "customer_id")],
)
def test_customer_is_searched_for_without_an_address_that_tells(
    carlo: Browser, services: Services, typed: str, field: str
) -> None:
    answer = carlo.post("/clienti", who=typed)
    assert answer.status_code == 200
    assert "Maria D&#39;Angelo" in answer.text
    assert [getattr(asked, field) for asked in services.operators.explained] == [typed]


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (Refusal(Kind.NOT_FOUND, "NOT_FOUND", "none"), "Nessun cliente"),
        (Refusal(Kind.FAILED_PRECONDITION, "SEVERAL_CUSTOMERS", "several"), "Più clienti"),
        (invalid(Violation("contact", "TOO_SHORT", "no")), "Non è un cellulare"),
    ],
)
def test_search_that_finds_nobody_says_why(carlo: Browser, services: Services, refusal: Refusal, text: str) -> None:
    services.operators.refusals["ExplainSignIn"] = refusal
    answer = carlo.post("/clienti", who="320 12")
    assert (answer.status_code, text in answer.text, 'value="320 12"' in answer.text) == (422, True, True)
    assert carlo.post("/clienti", who=" ").status_code == 422


def test_customer_s_page_says_what_is_in_the_way_and_what_happened(carlo: Browser) -> None:
    page = carlo.get("/clienti/K-1").text
    for text in (
        "Nome utente bloccato",
        "non può entrare",
        "Fino al ",
        "SOMETHING_NEW",
        "Password sbagliata",
        "nome utente bloccato",
        "password e codice, primo accesso, recapito cambiato",
        "320 *****19",
    ):
        assert text in page
    assert "email</span>" not in page  # which columns an import changed


def test_locks_are_lifted_by_a_button_that_is_there_only_where_it_helps(carlo: Browser, services: Services) -> None:
    assert "Togli i blocchi" in carlo.get("/clienti/K-1").text
    answer = carlo.post("/clienti/K-1/sblocco")
    assert (answer.status_code, services.operators.unlocked) == (303, ["K-1"])
    assert "il cliente può riprovare subito" in carlo.get("/clienti/K-1").text
    assert carlo.get("/clienti/K-1/sblocco").headers["Location"] == "/clienti/K-1"
    services.operators.explanation.obstacles[0].code = "CODES_DISABLED"
    assert "Togli i blocchi" not in carlo.get("/clienti/K-1").text


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (Refusal(Kind.PERMISSION_DENIED, "OWN_ACCOUNT", "own"), "Questo cliente sei tu"),
        (Refusal(Kind.FAILED_PRECONDITION, "CODES_DISABLED", "bind"), "va abbinato di nuovo"),
    ],
)
def test_unlocking_that_is_refused_says_why(carlo: Browser, services: Services, refusal: Refusal, text: str) -> None:
    services.operators.refusals["UnlockCustomer"] = refusal
    carlo.post("/clienti/K-1/sblocco")
    assert text in carlo.get("/clienti/K-1").text


def test_every_code_of_the_service_has_a_word() -> None:
    of_operators = {event.value for event in Event if event.value.startswith(("OPERATOR_", "CUSTOMERS_", "EVERYTHING_"))}
    assert {event.value for event in Event} - of_operators == set(EVENTS)
    assert set(re.findall(r'"([A-Z_]{4,})"', inspect.getsource(obstacles))) == set(OBSTACLES)
