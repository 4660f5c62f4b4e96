"""A case's page, its documents and its history."""

from collections.abc import Callable

import pytest
from recapito.contact_change.v1 import review_pb2

from recapito_console import comparison, texts
from recapito_servicekit.times import to_timestamp
from tests.conftest import SetClock
from tests.unit.console.conftest import Browser
from tests.unit.console.services import Services, case


def test_registry_form_and_document_stand_side_by_side(anna: Browser) -> None:
    page = anna.get("/casi/c-1").text
    for text in ("+39 320 111 1119", "+39 333 123 4567", "RSSMRA70A01A944I", "CA12345AA", "Comune di Bologna", "14/03/2032"):
        assert text in page
    for text in ("Confermato con un codice", "Diversa da quella in anagrafica", "Valido a oggi", "Non riconosce il numero"):
        assert text in page


def test_what_is_missing_or_expired_is_told(anna: Browser, services: Services, clock: SetClock) -> None:
    made = services.reviews.cases["c-1"]
    made.registry.mobile = made.registry.email = ""
    made.form.mobile_confirmed = False
    clock.forward(days=6 * 365)
    page = anna.get("/casi/c-1").text
    for text in ("Nessun cellulare", "Nessuna email", "Non confermato con un codice", "Scaduto"):
        assert text in page


def test_findings_stand_beside_what_they_speak_of(anna: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].findings.extend(["SAME_MOBILE_OTHER_CUSTOMER", "A_NEW_ONE"])
    page = anna.get("/casi/c-1").text
    row = page[page.index('<tr role="row" id="mobile">') : page.index('<tr role="row" id="email">')]
    assert "Lo stesso numero compare già per un altro cliente" in row
    assert "2 segnalazioni" in page
    assert "A_NEW_ONE" in page


def test_a_finding_about_the_access_stands_beside_how_the_customer_came_in(anna: Browser, services: Services) -> None:
    services.reviews.cases["c-1"].findings.append("PASSWORD_RESET_LATELY")
    page = anna.get("/casi/c-1").text
    beside = page[page.index('<p class="wish" id="access">') : page.index('<table class="compare"')]
    assert "La password è stata reimpostata da poco." in beside
    assert '<a href="#access">La password' in page


def test_each_finding_has_its_place() -> None:
    assert set(comparison.PLACES) == set(texts.FINDINGS)


@pytest.mark.parametrize("path", ["/casi", "/casi/c-1", "/casi/c-1/storia"])
def test_hostile_names_are_only_text(signed_in: Callable[[str], Browser], services: Services, clock: SetClock, path: str) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    made = case("c-1", clock(), evil)
    made.registry.email = made.form.notify_email = f"{evil}@x"
    made.form.identity_document.issuer = made.form.identity_document.number = made.form.new_mobile = evil
    made.documents[0].name = made.reason_code = evil
    made.findings.append(evil)
    services.reviews.cases["c-1"] = made
    services.reviews.history["c-1"] = [review_pb2.HistoryEntry(at=to_timestamp(clock()), actor=evil, action=evil, detail=evil)]
    page = signed_in("<i>eva</i>").get(path).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<i>eva" not in page
    assert "&lt;script&gt;" in page


def test_taking_shows_until_when(anna: Browser) -> None:
    answer = anna.post("/casi/c-1/presa")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/casi/c-1")
    assert "In carico a te fino alle 11:15" in anna.get("/casi/c-1").text  # 10:15 UTC in Rome


def test_the_hold_is_renewed_while_somebody_works(anna: Browser, services: Services, clock: SetClock) -> None:
    assert "data-renew" not in anna.get("/casi/c-1").text
    anna.post("/casi/c-1/presa")
    page = anna.get("/casi/c-1").text
    assert 'data-renew="/casi/c-1/rinnovo"' in page
    assert "lease.js" in page
    version = services.reviews.cases["c-1"].summary.version
    clock.forward(minutes=10)
    renewed = anna.post("/casi/c-1/rinnovo")
    assert (renewed.status_code, renewed.text, renewed.mimetype) == (200, "In carico a te fino alle 11:25.", "text/plain")
    assert services.reviews.cases["c-1"].summary.version == version, "what the operator saw stays what they decide on"
    services.reviews.hold("c-1", "carlo.neri")
    lost = anna.post("/casi/c-1/rinnovo")
    assert (lost.status_code, "ora il caso è di carlo.neri" in lost.text) == (409, True)
    assert anna.get("/casi/c-1/rinnovo").headers["Location"] == "/casi/c-1"


def test_a_lease_that_ran_out_can_be_taken_again(anna: Browser, services: Services, clock: SetClock) -> None:
    services.reviews.hold("c-1", "carlo.neri")
    page = anna.get("/casi/c-1").text
    assert "In carico a carlo.neri fino alle 11:15" in page
    assert "Prendi in carico" not in page
    clock.forward(minutes=16)
    assert "Prendi in carico" in anna.get("/casi/c-1").text


def test_the_one_who_comes_second_learns_who_was_first(anna: Browser, services: Services) -> None:
    services.reviews.hold("c-1", "carlo.neri")
    answer = anna.post("/casi/c-1/presa")
    assert answer.status_code == 409
    assert "carlo.neri ha preso in carico il caso prima di te" in answer.text


def test_nobody_takes_their_own_case(anna: Browser, services: Services) -> None:
    services.reviews.own_of["c-1"] = "anna.bianchi"
    answer = anna.post("/casi/c-1/presa")
    assert answer.status_code == 409
    assert "Questo caso riguarda te come cliente" in answer.text
    assert "Prendi in carico" not in answer.text


def test_an_auditor_reads_and_gets_no_buttons(signed_in: Callable[[str], Browser]) -> None:
    dora = signed_in("dora.auditor")
    page = dora.get("/casi/c-1").text
    assert "Il tuo ruolo permette di leggere, non di decidere." in page
    assert "Prendi in carico" not in page
    assert 'name="step"' not in page
    for path in ("/casi/c-1/presa", "/casi/c-1/decisione"):
        answer = dora.post(path, step="confirm", reason_code="DOCUMENT_MATCHES", expected_version="3")
        assert answer.status_code == 403
        assert "Il tuo ruolo non permette questa operazione." in answer.text


def test_a_document_page_is_streamed_and_never_kept(anna: Browser, services: Services) -> None:
    answer = anna.get("/casi/c-1/documenti/d-1/1")
    assert answer.data == services.reviews.page_bytes
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_destroyed_document_is_told_instead_of_shown(anna: Browser, services: Services, clock: SetClock) -> None:
    services.reviews.cases["c-1"].documents[0].destroyed_at.FromDatetime(clock())
    page = anna.get("/casi/c-1").text
    assert "fronte.jpg: distrutto il 22 nov 2026, 11:00" in page
    assert "/documenti/d-1/" not in page
    assert "/documenti/d-2/1" in page


def test_a_document_that_is_no_image_is_not_handed_on(anna: Browser, services: Services) -> None:
    services.reviews.page_type = "text/html"
    services.reviews.page_bytes = b"<script>alert(1)</script>"
    answer = anna.get("/casi/c-1/documenti/d-1/1")
    assert answer.status_code == 503
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize("path", ["/casi/c-9", "/casi/c-9/storia", "/casi/c-1/documenti/d-9/1", "/casi/c-1/documenti/d-1/0"])
def test_what_is_not_there_is_not_found(anna: Browser, path: str) -> None:
    assert anna.get(path).status_code == 404


def test_a_document_without_a_live_session_leads_to_the_sign_in(anna: Browser, visitor: Browser, services: Services) -> None:
    services.operators.live.clear()
    for browser in (anna, visitor):
        assert browser.get("/casi/c-1/documenti/d-1/1").headers["Location"].startswith("/accedi?back=/casi/c-1/documenti/d-1/1")


def test_the_history_speaks_words_and_romes_time(anna: Browser, services: Services, clock: SetClock) -> None:
    at = to_timestamp(clock())
    services.reviews.history["c-1"] = [
        review_pb2.HistoryEntry(at=at, actor="customer", action="submitted"),
        review_pb2.HistoryEntry(at=at, actor="carlo.neri", action="document_viewed", detail="d-1 page 2"),
        review_pb2.HistoryEntry(at=at, actor="carlo.neri", action="decided", detail="REJECT OTHER"),
        review_pb2.HistoryEntry(at=at, actor="system", action="notice_sent", detail="change_rejected SMS"),
        review_pb2.HistoryEntry(at=at, actor="system", action="unknown_yet", detail="as it stands"),
    ]
    page = anna.get("/casi/c-1/storia").text
    for text in ("22 nov 2026, 11:00", "Cliente", "Richiesta inviata", "pagina 2 del documento d-1", "Respinta; Altro motivo"):
        assert text in page
    for text in ("Richiesta respinta; via SMS", "unknown_yet", "as it stands"):
        assert text in page
    assert page.index("Caso deciso") < page.index("Richiesta inviata")
