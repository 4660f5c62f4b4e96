"""Accedi, "Conferma che sei tu", "Richiedi assistenza"."""

import re
from datetime import timedelta

import pytest
from recapito.auth.v1 import authentication_pb2
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import CODE, PASSWORD, Backend
from tests.unit.portal.conftest import Browser


def test_sign_in_asks_for_the_code_in_the_manuals_words(browser: Browser) -> None:
    page = browser.give_password().text
    for words in (
        "Conferma che sei tu",
        "Abbiamo aumentato i nostri standard di sicurezza",
        "320 *****19",
        "L'operazione potrebbe richiedere alcuni minuti",
        "Non riconosci il numero?",
        "Aggiungi recapito",
        'autocomplete="one-time-code"',
        'inputmode="numeric"',
    ):
        assert words in page


def test_right_code_opens_the_area(browser: Browser, backend: Backend) -> None:
    assert browser.sign_in().request.path == "/area"
    assert browser.cookie("session") in backend.sessions


def test_wrong_password_has_one_text_and_keeps_the_name(browser: Browser, backend: Backend) -> None:
    page = browser.post("/accedi", username="mario@esempio.it", password="altra").text
    assert "Nome utente o password non corretti" in page
    backend.refuse_next("SignIn", Refusal(Kind.INVALID_ARGUMENT, "NOT_A_NUMBER", "no"))
    other = browser.post("/accedi", username="mario@esempio.it", password="altra").text
    assert [line for line in page.splitlines() if "csrf" not in line] == [
        line for line in other.splitlines() if "csrf" not in line
    ]


def test_too_many_attempts_tell_how_long_to_wait(browser: Browser, backend: Backend) -> None:
    refusal = Refusal(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", "later", retry_after=timedelta(minutes=4))
    backend.refuse_next("SignIn", refusal)
    assert "Riprova tra 4 minuti" in browser.post("/accedi", username="m", password="p").text


def test_locked_codes_are_told_on_the_page(browser: Browser, backend: Backend) -> None:
    browser.give_password()
    backend.refuse_next(
        "CompleteSignIn", Refusal(Kind.RESOURCE_EXHAUSTED, "CODES_LOCKED", "x", retry_after=timedelta(minutes=60))
    )
    page = browser.post("/accedi/codice", code=CODE)
    assert page.request.path == "/accedi/codice"
    assert "i codici sono sospesi. Riprova tra 60 minuti" in page.text


@pytest.mark.parametrize(
    ("delivery", "text"),
    [(otp_pb2.DELIVERY_QUEUED, "in arrivo…"), (otp_pb2.DELIVERY_FAILED, "Non siamo riusciti a consegnare il codice")],
)
def test_delivery_is_told_and_reload_costs_nothing(
    browser: Browser, backend: Backend, delivery: otp_pb2.Delivery.ValueType, text: str
) -> None:
    backend.delivery = delivery
    browser.give_password()
    for _ in range(3):
        assert text in browser.get("/accedi/codice").text
    assert backend.attempts == {}


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (otp_pb2.OUTCOME_EXPIRED, "Il codice è scaduto"),
        (otp_pb2.OUTCOME_EXHAUSTED, "Hai esaurito i tentativi"),
        (otp_pb2.OUTCOME_SUPERSEDED, "sostituito da uno più recente"),
        (otp_pb2.OUTCOME_USED, "già stato usato"),
    ],
)
def test_every_outcome_is_told(
    browser: Browser, backend: Backend, monkeypatch: pytest.MonkeyPatch, outcome: otp_pb2.Outcome.ValueType, text: str
) -> None:
    browser.give_password()
    monkeypatch.setattr(backend, "check", lambda *_args: (outcome, 2))
    assert text in browser.post("/accedi/codice", code=CODE).text


def test_sign_in_that_is_too_old_begins_again(browser: Browser, backend: Backend) -> None:
    browser.give_password()
    backend.refuse_next("GetSignIn", Refusal(Kind.NOT_FOUND, "SIGN_IN_NOT_FOUND", "gone"))
    assert browser.get("/accedi/codice").request.path == "/accedi"


def test_no_mobile_leads_over_the_email_to_the_form(browser: Browser, backend: Backend) -> None:
    page = browser.give_password("senza@esempio.it")
    assert "Richiedi assistenza" in page.text
    assert "s***@e***.it" in page.text
    browser.post("/accedi/senza-cellulare")
    assert browser.post("/accedi/assistenza", code=CODE).request.path == "/recapito"
    page = browser.get("/recapito/numero")
    assert 'name="reason"' not in page.text


def test_no_mobile_and_no_email_tell_where_help_is(browser: Browser) -> None:
    page = browser.give_password("senza-email@esempio.it").text
    assert "Non risulta nemmeno un'email" in page
    assert "assistenza@recapito.example" in page


def test_visitor_of_the_online_claim_arrives_there_after_registering_and_signing_in(browser: Browser) -> None:
    assert "è necessario essere registrati" in browser.get("/denuncia-online").text
    browser.register_until_code()
    assert browser.sign_in().request.path == "/denunce/nuova"
    assert browser.get("/denuncia-online").request.path == "/denunce/nuova"


def test_session_that_ends_at_a_button_returns_to_its_page(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    browser.post("/recapito/numero", reason="2", new_mobile="3471234565")
    backend.refuse_next("ResendMobileCode", Refusal(Kind.UNAUTHENTICATED, "NOT_SIGNED_IN", "over"))
    page = browser.client.post("/recapito/codice/nuovo", data=browser.form("/recapito/codice"), follow_redirects=True)
    assert page.request.path == "/accedi"
    with browser.client.session_transaction(base_url="http://localhost") as session:
        assert session["next"] == "/recapito/codice"


def test_device_is_told_to_the_service(browser: Browser, backend: Backend) -> None:
    browser.post("/accedi", username="mario@esempio.it", password=PASSWORD)
    first = backend.last(authentication_pb2.SignInRequest).client
    browser.post("/accedi", username="mario@esempio.it", password=PASSWORD)
    assert first.ip == "127.0.0.1"
    assert first.device_id == backend.last(authentication_pb2.SignInRequest).client.device_id != ""


def test_device_that_is_remembered_is_in_after_the_password(browser: Browser, backend: Backend) -> None:
    assert "Ricorda questo dispositivo" in browser.give_password().text
    browser.post("/accedi/codice", code=CODE, trust_device="y")
    assert backend.last(authentication_pb2.CompleteSignInRequest).trust_device
    assert browser.cookie("trusted_device") == "device-token"
    browser.client.post("/esci", data=browser.form("/area"))
    assert browser.give_password().request.path == "/area"
    assert backend.last(authentication_pb2.SignInRequest).device_token == "device-token"
    assert browser.cookie("session") in backend.sessions


def test_device_is_remembered_only_where_asked_for(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    assert not backend.last(authentication_pb2.CompleteSignInRequest).trust_device
    assert browser.cookie("trusted_device") == ""


def test_choice_to_remember_outlives_a_wrong_code(browser: Browser) -> None:
    browser.give_password()
    page = browser.post("/accedi/codice", code="999999", trust_device="y")
    assert re.search(r"<input[^>]*checked[^>]*trust_device", page.text)


def test_recovered_account_with_one_contact_is_led_to_the_form(browser: Browser) -> None:
    page = browser.give_password("solo@esempio.it")
    assert "Prima confermiamo la tua identità" in page.text
    assert browser.cookie("session") == ""
    assert 'href="/recapito"' in page.text
    assert browser.get("/recapito").request.path == "/recapito"
    assert browser.get("/area").request.path == "/accedi"


def test_page_of_the_recovered_needs_the_password(browser: Browser) -> None:
    assert browser.get("/accedi/solo-recapito").request.path == "/accedi"
