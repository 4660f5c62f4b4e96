"""The customer manual in a real browser: a phone for the customer, a desktop for the operator. Every page is checked with axe."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser

from deploy.demo.specimen import card, invoice
from tests.e2e.person import DESKTOP, PHONE, Person
from tests.support.system import PASSWORD, System

pytestmark = pytest.mark.timeout(900)  # axe looks at every page, at two sizes
IBAN = "IT60X0542811101000000123456"


def test_manual_comes_true(system: System, chromium: Browser, tmp_path: Path) -> None:
    known = system.customers(1, mobile=False)[0]
    operator = system.operator("reviewer")
    new = "+39347" + known.customer_id[-7:]
    number = f"CA{known.customer_id[-5:]}AA"
    today = datetime.now(UTC).date()
    customer = Person(chromium, system.portal, PHONE, tmp_path / "portal")

    customer.open("/")
    customer.follow("Registrati")
    customer.says("Seleziona Persona")
    customer.fill(person_type="1")
    customer.fill(given_name=known.given_name, family_name=known.family_name)
    customer.fill(contact=known.email.upper())
    customer.fill(code="000000" if system.inbox.code(known.email) != "000000" else "000001")
    customer.says("non è corretto")
    customer.fill(code=system.inbox.code(known.email))
    customer.fill(password="password1")
    customer.says("molto usata")
    customer.fill(password=PASSWORD)
    customer.says("La registrazione è conclusa")

    customer.follow("Accedi")
    customer.fill(username=known.email, password="sbagliata del tutto")
    customer.says("non corretti")
    customer.fill(username=known.email, password=PASSWORD)
    customer.says("recapito cellulare", "Richiedi assistenza")
    customer.press("Richiedi assistenza")
    customer.fill(code=system.inbox.code(known.email, 2))
    customer.open("/recapito/numero")
    customer.fill(new_mobile=new.removeprefix("+39"))
    customer.fill(code=system.inbox.code(new))
    customer.fill(type="1")
    customer.attach("front", card("CARTA D'IDENTITÀ", [known.family_name, known.given_name, number]))
    customer.attach("back", card("RETRO", ["Comune di Esempio"]))
    typed = {"number": number.lower(), "issuer": "Comune di Esempio", "issued_on": (today - timedelta(days=900)).isoformat()}
    customer.fill(**typed, expires_on=(today - timedelta(days=1)).isoformat(), notify_email="avviso@example.org")
    customer.says("Il documento è scaduto")
    customer.fill(
        **{**typed, "number": number},
        expires_on=(today + timedelta(days=900)).isoformat(),
        notify_email="avviso@example.org",
    )
    customer.open("/recapito/richieste")
    customer.says(f"{new[3:6]} *****{new[-2:]}")

    worker = Person(chromium, system.console, DESKTOP, tmp_path / "console")
    worker.open("/")
    worker.fill(username=operator.name, password=PASSWORD, totp=pyotp.TOTP(operator.totp_secret).now())
    worker.follow(f"{known.given_name} {known.family_name}")
    with worker.page.expect_navigation():
        worker.keys("p")
    with worker.page.expect_response(lambda answer: answer.url.endswith("/rinnovo")) as renewed:
        worker.page.keyboard.press("Shift")  # a sign of work, which holds the case on
    assert renewed.value.status == 200
    worker.look()
    worker.says(number, "avviso@example.org", known.email)
    pictures = worker.page.locator("main img")
    assert pictures.count() >= 2
    assert pictures.first.evaluate("image => image.naturalWidth") > 300
    worker.keys("g", "+", "v", "g", "-")
    assert ["rotate(90deg)" in style for style in pictures.evaluate_all("all => all.map(each => each.style.transform)")] == [
        True
    ] * 2
    worker.keys("n")
    worker.page.keyboard.type("c1: lo scrivo e basta")
    worker.says("Tastiera")
    assert worker.page.locator("[name=note]").input_value() == "c1: lo scrivo e basta"
    chosen = worker.page.locator("[name=reason_code][value=DOCUMENT_MATCHES]")
    assert not chosen.is_checked()
    worker.keys("?")
    worker.page.get_by_role("button", name="Disattiva i tasti singoli").click()
    worker.keys("1")
    assert not chosen.is_checked()
    worker.page.get_by_role("button", name="Attiva i tasti singoli").click()
    worker.look()
    worker.keys("1")
    assert chosen.is_checked()
    with worker.page.expect_navigation():
        worker.keys("c")
    worker.look()
    worker.press("Sì, approva")
    worker.says("Approvata")
    system.inbox.wait("avviso@example.org")

    customer.open("/accedi")
    customer.fill(username=known.email, password=PASSWORD)
    customer.says("Conferma che sei tu", f"{new[3:6]} *****{new[-2:]}", "Non riconosci il numero?", "Aggiungi recapito")
    customer.fill(code=system.inbox.code(new, 2))
    customer.open("/denunce/nuova")
    yesterday = (today - timedelta(days=1)).isoformat()
    customer.fill(kind="1", event_date=yesterday, policy_number=f"POL-{known.customer_id}")
    customer.fill(kinship="1")
    customer.fill(admitted="2")
    customer.fill(category="1", provider="Studio 陳", document_number="2026/17", document_date=yesterday, amount="123,45")
    customer.follow("Continua")
    customer.attach("document", invoice(["Studio 陳", "123,45 EUR"]))
    customer.fill(kind="1")
    customer.follow("Continua")
    customer.fill(iban=IBAN, iban_holder="Nicolò D’Angelo", exists="2")
    customer.says("123,45", "Studio 陳")
    customer.page.locator("[name=truthful]").check()
    customer.page.locator("[name=health_data]").check()
    customer.press("codice")
    customer.fill(code=system.inbox.code(new, 3))
    customer.open("/denunce")
    customer.says("Inviata")

    assert customer.findings == []
    assert worker.findings == []
