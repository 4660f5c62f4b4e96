"""What was typed without scripts outlives its session, in its own browser and for its own customer alone."""

import re

from tests.unit.portal.backend import Backend
from tests.unit.portal.conftest import Browser
from tests.unit.portal.test_portal_claims import EVENT, chosen, draft

TEXT = "Una visita di controllo dal dott. D'Angelo"
TOLD = "Abbiamo ritrovato"
NEW = "/denunce/nuova"


def left_half_way(browser: Browser, backend: Backend, path: str = NEW, **values: str) -> str:
    """Fills a page whose session has ended meanwhile; gives the sign-in page."""
    form = browser.form(path, **(values or {**EVENT, "description": TEXT}))
    backend.sessions.clear()
    return browser.client.post(path, data=form, follow_redirects=True).text


def test_what_was_typed_is_there_again_after_the_sign_in_and_once(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    assert "ritrovi ciò che avevi scritto" in left_half_way(browser, backend)
    kept = browser.client.get_cookie("typed", path="/denunce")
    assert kept is not None
    assert kept.http_only
    assert "visita" not in kept.value
    page = browser.sign_in()
    assert page.request.path == NEW
    assert TOLD in page.text
    assert "Una visita di controllo dal dott. D&#39;Angelo" in page.text
    assert chosen(page.text) == ["POL-1"]
    assert not backend.claims, "it is saved when they say so"
    assert TOLD not in browser.get(NEW).text


def test_another_customer_of_that_browser_never_sees_it(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    left_half_way(browser, backend)
    backend.customer_id = "C2"
    page = browser.sign_in()
    assert page.request.path == NEW
    assert TEXT[:10] not in page.text
    assert TOLD not in page.text
    backend.customer_id = "C1"
    assert TOLD in browser.get(NEW).text, "it still waits for its own"


def test_a_drafts_page_gives_it_back_on_that_very_page(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    left_half_way(browser, backend, f"{path}/rimborso", iban="IT60", iban_holder="Nicolò", exists="2")
    page = browser.sign_in()
    assert page.request.path == f"{path}/rimborso"
    assert re.search(r'name="iban_holder"[^>]* value="Nicolò"', page.text)
    assert TOLD in page.text


def test_signing_out_drops_it(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    left_half_way(browser, backend)
    browser.sign_in()
    browser.sign_in()
    left_half_way(browser, backend)
    browser.client.post("/esci", data=browser.form("/accedi"))
    assert browser.client.get_cookie("typed", path="/denunce") is None


def test_a_foreign_or_damaged_cookie_is_nothing(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    for value in ("", "x", "gAAAAA", "é"):
        browser.client.set_cookie("typed", value, path="/denunce")
        page = browser.get(NEW)
        assert page.status_code == 200
        assert TOLD not in page.text


def test_what_is_too_long_is_told_to_be_lost(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    noise = "".join(chr(0x4E00 + (place * 7919) % 20_000) for place in range(3_000))
    page = left_half_way(browser, backend, NEW, **{**EVENT, "description": noise})
    assert "ritrovi" not in page
    assert browser.client.get_cookie("typed", path="/denunce") is None
