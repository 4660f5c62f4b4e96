"""Denuncia Online on a phone, by keyboard alone, with three attachments chosen at once; axe finds nothing on any page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from deploy.demo.specimen import invoice
from tests.e2e.typist import Typist
from tests.support.system import PASSWORD, System

pytestmark = pytest.mark.timeout(900)  # axe looks at every page, at two sizes
IBAN = "IT60X0542811101000000123456"


def test_claim_is_filed_by_keyboard_alone(system: System, chromium: Browser, tmp_path: Path) -> None:
    (known,) = system.customers(1)
    system.register(known, known.mobile)
    sent = len(system.inbox.texts(known.mobile))
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    anna = Typist(chromium, system.portal, tmp_path / "pictures")

    anna.open("/denunce/nuova")
    anna.write("username", known.mobile)
    anna.write("password", PASSWORD)
    anna.go("main form .btn-primary")
    anna.write("code", system.inbox.code(known.mobile, sent + 1))
    anna.go("main form .btn-primary")

    anna.choose("kind", 2)
    anna.write_day("event_date", yesterday)
    assert anna.value("document.querySelector('[name=policy_number]:checked').value") == f"POL-{known.customer_id}"
    expect(anna.page.locator(".autosaved")).to_have_text("Bozza salvata")
    anna.go()
    anna.choose("kinship", 1)
    anna.go()
    anna.write("place", "Roma, via Appia")
    anna.write("cause", "Una caduta dalla bicicletta")
    anna.choose("third_party", 2)
    anna.go()
    anna.choose("admitted", 2)
    anna.go()
    anna.choose("category", 1)
    anna.write("provider", "Studio Rossi")
    anna.write("document_number", "12/2026")
    anna.write_day("document_date", yesterday)
    anna.write("amount", "1.123,45")
    anna.go()
    anna.go("main .actions .btn-primary")
    anna.choose("kind", 1)
    pictures = [invoice([f"Fattura {place}", "Totale 100,00 EUR"]) for place in range(2)]
    anna.pick_files(
        "document",
        [FilePayload(name=f"{place}.png", mimeType="image/png", buffer=content) for place, content in enumerate(pictures)],
    )
    anna.go()
    anna.says("verbale di pronto soccorso")
    anna.choose("kind", 4)
    anna.pick_files("document", [FilePayload(name="verbale.png", mimeType="image/png", buffer=invoice(["Pronto soccorso"]))])
    anna.go()
    anna.go("main .actions .btn-primary")
    anna.write("iban", IBAN)
    anna.write("iban_holder", "Nicolò D’Angelo")
    anna.choose("exists", 2)
    anna.go()
    anna.says("1.123,45", "via Appia", "verbale.png", "0.png", "1.png")
    anna.tick("truthful")
    anna.tick("health_data")
    anna.go()
    anna.write("code", system.inbox.code(known.mobile, sent + 2))
    anna.go("main form .btn-primary")
    anna.says("Denuncia inviata", "D-20")
    anna.go("main .actions .btn-primary")
    anna.says("A che punto è", "Inserita")
    system.inbox.wait(known.email)
    for path in ("", "/ritira"):
        anna.open(anna.value("location.pathname").removesuffix("/ritira") + path)
    anna.open("/denunce")
    anna.says("Inviata", "1.123,45")

    assert anna.findings == []
