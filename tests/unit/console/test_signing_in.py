"""Signing in and out, and the end of a session."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from recapito_servicekit.errors import Kind, Refusal
from tests.unit.console.conftest import Browser
from tests.unit.console.operators import PASSWORD, TOTP
from tests.unit.console.services import Services

RIGHT = {"username": "anna.bianchi", "password": PASSWORD, "totp": TOTP}


def test_a_sign_in_leads_back_and_sets_a_strict_cookie_of_its_own(visitor: Browser) -> None:
    answer = visitor.post("/accedi", back="/casi/c-1?x=1", **RIGHT)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/casi/c-1?x=1")
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("__Host-operator="))
    assert {"HttpOnly", "Secure", "SameSite=Strict"} <= set(cookie.split("; "))
    assert visitor.get("/casi").status_code == 200


def test_a_code_typed_with_a_space_is_taken(visitor: Browser) -> None:
    assert visitor.post("/accedi", **{**RIGHT, "totp": " 123 456 "}).status_code == 303


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"totp": "000000"}, {"username": "nobody"}, {"username": "", "totp": ""}])
def test_whatever_is_wrong_the_answer_is_one(visitor: Browser, wrong: dict[str, str]) -> None:
    answer = visitor.post("/accedi", **{**RIGHT, **wrong})
    assert answer.status_code == 401
    assert "Nome utente, password o codice non sono giusti" in answer.text
    assert PASSWORD not in answer.text
    assert "__Host-operator=" not in str(answer.headers.getlist("Set-Cookie"))


def test_too_many_attempts_tell_when_to_try_again(visitor: Browser, services: Services) -> None:
    services.operators.refusal = Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY", "wait", retry_after=timedelta(seconds=130))
    answer = visitor.post("/accedi", **RIGHT)
    assert answer.status_code == 429
    assert "Riprova tra 3 minuti" in answer.text


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:x"]
)
def test_a_sign_in_never_leads_to_another_host(visitor: Browser, back: str) -> None:
    assert visitor.post("/accedi", back=back, **RIGHT).headers["Location"] == "/"


def test_a_visitor_is_asked_to_sign_in_and_not_told_of_an_end(visitor: Browser) -> None:
    answer = visitor.get("/casi/c-1/storia")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/accedi?back=/casi/c-1/storia")
    assert "La sessione è terminata" not in visitor.get(answer.headers["Location"]).text


def test_a_link_on_another_site_takes_no_operators_cookie_away(visitor: Browser) -> None:
    # the browser keeps the strict cookie back on such a way, and would take an answer's word for its end
    answer = visitor.get("/casi")
    assert answer.headers["Location"] == "/accedi?back=/casi"
    assert "operator=" not in str(answer.headers.getlist("Set-Cookie"))


def test_a_session_that_ended_is_told_and_leads_back(anna: Browser, services: Services) -> None:
    services.operators.live.clear()
    answer = anna.get("/casi?stato=tutti")
    assert "__Host-operator=;" in str(answer.headers.getlist("Set-Cookie"))
    page = anna.get(answer.headers["Location"]).text
    assert "La sessione è terminata" in page
    assert 'name="back" value="/casi?stato=tutti"' in page


def test_a_session_that_ended_during_a_decision_gives_the_note_back(anna: Browser, services: Services) -> None:
    services.operators.live.clear()
    answer = anna.post("/casi/c-1/decisione", reason_code="OTHER", note="parole <b>lunghe</b>")
    assert answer.status_code == 401
    assert "parole &lt;b&gt;lunghe&lt;/b&gt;" in answer.text
    assert 'name="back" value="/casi/c-1"' in answer.text


def test_signing_out_ends_the_session_in_the_service(anna: Browser, services: Services) -> None:
    answer = anna.post("/esci")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/accedi")
    assert services.operators.live == {}
    assert anna.get("/casi").status_code == 303


def test_signing_out_needs_the_csrf_token(anna: Browser, services: Services) -> None:
    assert anna.client.post("/esci", base_url="https://localhost").status_code == 400
    assert services.operators.live


def test_an_open_session_skips_the_form(signed_in: Callable[[str], Browser]) -> None:
    answer = signed_in("anna.bianchi").get("/accedi?back=/casi/c-1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/casi/c-1")
