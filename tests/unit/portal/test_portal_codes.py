"""The pages on which codes are typed: how far a code came, when another may be asked for, and a code that is pasted."""

import re
from collections.abc import Callable

import pytest
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import CODE, Backend
from tests.unit.portal.conftest import Browser


def at_sign_in(browser: Browser) -> str:
    browser.give_password()
    return "/accedi/codice"


def at_assistance(browser: Browser) -> str:
    browser.give_password("senza@esempio.it")
    browser.post("/accedi/senza-cellulare")
    return "/accedi/assistenza"


def at_step_up(browser: Browser) -> str:
    browser.sign_in()
    browser.post("/conferma")
    return "/conferma/codice"


def at_new_email(browser: Browser) -> str:
    browser.sign_in()
    browser.post("/accessi/email", new_email="nuova@esempio.it")
    return "/accessi/email/codice"


def at_new_mobile(browser: Browser) -> str:
    browser.give_password()
    browser.post("/recapito/numero", reason="3", new_mobile="347.123 45 65")
    return "/recapito/codice"


def at_registration(browser: Browser) -> str:
    browser.register_until_code()
    return "/registrati/codice"


def at_recovery(browser: Browser) -> str:
    browser.post("/password-dimenticata", username="mario@esempio.it")
    return "/password-dimenticata/codice"


MESSAGE = "Codice 123456 per l'accesso. Vale 5 minuti.\n\n@localhost #123456"
FOLLOWED = [at_sign_in, at_assistance, at_step_up, at_new_email, at_new_mobile]
ANYBODYS = [at_registration, at_recovery]
DELIVERIES = {
    otp_pb2.DELIVERY_QUEUED: "Il codice è in arrivo…",
    otp_pb2.DELIVERY_SENT: "Il codice è stato inviato",
    otp_pb2.DELIVERY_DELIVERED: "Il codice è stato consegnato",
    otp_pb2.DELIVERY_FAILED: "Non siamo riusciti a consegnare il codice",
}


@pytest.mark.parametrize("go", FOLLOWED)
@pytest.mark.parametrize("delivery", DELIVERIES)
def test_how_far_a_code_came_is_told(
    browser: Browser, backend: Backend, go: Callable[[Browser], str], delivery: otp_pb2.Delivery.ValueType
) -> None:
    path = go(browser)
    backend.delivery = delivery
    page = browser.get(path).text
    assert DELIVERIES[delivery] in page
    assert "Aggiorna" in page
    assert backend.attempts == {}


@pytest.mark.parametrize("go", FOLLOWED)
def test_page_stands_where_nothing_can_be_told_of_the_delivery(
    browser: Browser, backend: Backend, go: Callable[[Browser], str]
) -> None:
    path = go(browser)
    for rpc in ("GetSignIn", "GetStepUp", "GetEmailChange", "GetMobileConfirmation"):
        backend.refuse_next(rpc, Refusal(Kind.UNAVAILABLE, "UNAVAILABLE", "down"))
    page = browser.get(path)
    assert (page.status_code, page.request.path) == (200, path)
    assert 'class="delivery"' not in page.text


@pytest.mark.parametrize("go", [at_step_up, at_new_email])
def test_code_that_no_longer_stands_begins_again(browser: Browser, backend: Backend, go: Callable[[Browser], str]) -> None:
    path = go(browser)
    for rpc in ("GetStepUp", "GetEmailChange"):
        backend.refuse_next(rpc, Refusal(Kind.NOT_FOUND, "CHALLENGE_NOT_FOUND", "gone"))
    assert browser.get(path).request.path == path.rpartition("/")[0]


@pytest.mark.parametrize("go", ANYBODYS)
def test_who_may_be_unknown_is_told_nothing_of_a_delivery(
    browser: Browser, backend: Backend, go: Callable[[Browser], str]
) -> None:
    path = go(browser)
    pages = []
    for backend.delivery in DELIVERIES:
        pages.append(re.sub(r'data-countdown="\d+"|tra \d+ second[oi]|value="[^"]*"', "", browser.get(path).text))
    assert "In arrivo…" in pages[0]
    assert len(set(pages)) == 1


@pytest.mark.parametrize("go", [*FOLLOWED, *ANYBODYS])
def test_wait_for_another_code_stands_in_words_and_is_counted_by_a_script(browser: Browser, go: Callable[[Browser], str]) -> None:
    page = browser.get(go(browser)).text
    assert re.search(r"puoi chiedere un nuovo codice tra (60|59) secondi", page)
    assert re.search(r'data-countdown="(60|59)" data-waiting="[^"]*\{time\}[^"]*" data-ready="[^"]+"', page)
    assert re.search(r'<script src="/static/countdown\.js[^"]*" defer></script>', page)


@pytest.mark.parametrize(
    "typed",
    [CODE, " 123 456 ", "123-456", "123\u00a0456", "\u200b123456\ufeff", MESSAGE],
)
def test_pasted_code_is_taken_however_it_was_copied(browser: Browser, typed: str) -> None:
    browser.give_password()
    assert browser.post("/accedi/codice", code=typed).request.path == "/area"


@pytest.mark.parametrize("typed", ["12345", "12345a", "123456 o 654321", "１２３４５６"])
def test_what_is_no_code_costs_no_attempt(browser: Browser, backend: Backend, typed: str) -> None:
    browser.give_password()
    assert "Il codice è composto da 6 cifre" in browser.post("/accedi/codice", code=typed).text
    assert backend.attempts == {}


@pytest.mark.parametrize(("username", "asked"), [("solo@esempio.it", False), ("solo-mobile@esempio.it", True)])
def test_recovered_account_is_asked_why_only_where_a_mobile_is_on_file(browser: Browser, username: str, asked: bool) -> None:
    browser.give_password(username)
    assert ('name="reason"' in browser.get("/recapito/numero").text) is asked
