"""Denuncia Online."""

import io

import pytest
from recapito.auth.v1 import authentication_pb2
from recapito.claims.v1 import claims_pb2

from recapito_portal.views.claims import _decimal
from recapito_servicekit.errors import Kind, Refusal
from tests.unit.portal.backend import CODE, Backend, at
from tests.unit.portal.conftest import PICTURE, Browser

DETAILS = {
    "kind": "1",
    "event_date": "2026-11-10",
    "policy_number": "POL-1",
    "description": "Visita",
    "iban": "IT60 X054 2811 1010 0000 0123 456",
    "iban_holder": "Mario Rossi",
}
EXPENSE = {"provider": "Dr. Bianchi", "document_number": "12/A", "document_date": "2026-11-10", "amount": "1.123,40"}


def draft(browser: Browser) -> str:
    """Signs in and fills a draft up to its check; gives its path."""
    browser.sign_in()
    page = browser.post("/denunce/nuova", **DETAILS)
    path = page.request.path.rpartition("/")[0]
    browser.post(f"{path}/spese", **EXPENSE)
    browser.client.post(
        f"{path}/documenti",
        data=browser.form(f"{path}/documenti", kind="1", document=(io.BytesIO(PICTURE), "fattura.jpg")),
    )
    return path


def test_claim_is_filed_with_a_code_over_its_hash(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    page = browser.post(f"{path}/riepilogo")
    assert page.request.path == f"{path}/codice"
    asked = backend.last(authentication_pb2.StartStepUpRequest)
    assert (asked.purpose, asked.transaction_hash) == ("claim", "ab" * 32)
    before = browser.cookie("session")
    page = browser.post(f"{path}/codice", code=CODE)
    assert page.request.path == f"{path}/ricevuta"
    assert "D-2026-000042" in page.text
    assert browser.cookie("session") not in ("", before)
    filed = backend.last(claims_pb2.SubmitClaimRequest)
    assert (filed.proof, filed.expected_version) == ("proof", 3)
    assert "1.123,40" in browser.get(path).text
    assert "D-2026-000042" in browser.get("/denunce").text


def test_filed_claim_has_no_draft_pages_any_more(browser: Browser) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo")
    browser.post(f"{path}/codice", code=CODE)
    for step in ("dati", "spese", "documenti", "riepilogo"):
        assert browser.get(f"{path}/{step}").status_code == 404


def test_claims_that_are_held_are_explained_and_the_draft_stays(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo")
    backend.held_until = at(hours=20)
    backend.refuse_next("SubmitClaim", Refusal(Kind.FAILED_PRECONDITION, "CLAIMS_HELD", "held"))
    page = browser.post(f"{path}/codice", code=CODE).text
    assert "La denuncia non può ancora partire" in page
    assert "puoi inviare denunce dal" in page
    assert browser.get(f"{path}/riepilogo").status_code == 200
    assert "intanto puoi prepararle" in browser.get("/area").text


def test_failed_filing_is_repeated_without_another_code(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo")
    backend.refuse_next("SubmitClaim", Refusal(Kind.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", "down"))
    assert browser.post(f"{path}/codice", code=CODE).status_code == 503
    assert "Il codice è confermato" in browser.get(f"{path}/codice").text
    assert browser.post(f"{path}/codice").request.path == f"{path}/ricevuta"
    filed = [request for request in backend.seen if isinstance(request, claims_pb2.SubmitClaimRequest)]
    assert len({request.request_id for request in filed}) == 1


def test_proof_that_no_longer_holds_leads_back_to_the_check(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo")
    backend.refuse_next("SubmitClaim", Refusal(Kind.FAILED_PRECONDITION, "PROOF_NOT_VALID", "old"))
    page = browser.post(f"{path}/codice", code=CODE)
    assert page.request.path == f"{path}/riepilogo"
    assert "La conferma non è più valida" in page.text


def test_unknown_policy_is_told_at_its_field_in_the_first_step(browser: Browser) -> None:
    browser.sign_in()
    page = browser.post("/denunce/nuova", **{**DETAILS, "policy_number": "POL-X"})
    assert page.request.path.endswith("/dati")
    assert 'id="policy_number-error"' in page.text
    assert 'value="POL-X"' in page.text
    assert browser.post(page.request.path, **DETAILS).request.path.endswith("/spese")


def test_what_is_missing_is_told_before_sending_with_its_step(browser: Browser) -> None:
    browser.sign_in()
    path = browser.post("/denunce/nuova", **DETAILS).request.path.rpartition("/")[0]
    page = browser.post(f"{path}/riepilogo")
    assert page.status_code == 422
    assert f'href="{path}/documenti"' in page.text
    assert "Allega almeno una fattura" in page.text


def test_draft_that_changed_elsewhere_is_not_overwritten(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    form = browser.form(f"{path}/dati", **DETAILS)
    browser.client.post(f"{path}/dati", data=form)
    page = browser.client.post(f"{path}/dati", data=form)
    assert "cambiata in un&#39;altra pagina" in page.text
    assert f'name="version" type="hidden" value="{next(iter(backend.claims.values())).version}"' in page.text


def test_double_click_opens_one_draft(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    form = browser.form("/denunce/nuova", **DETAILS)
    for _ in range(2):
        browser.client.post("/denunce/nuova", data=form)
    assert len(backend.claims) == 1


def test_wrong_attachment_is_told(browser: Browser) -> None:
    browser.sign_in()
    path = browser.post("/denunce/nuova", **DETAILS).request.path.rpartition("/")[0]
    page = browser.post(f"{path}/documenti", kind="1", document=(io.BytesIO(b"ciao"), "a.txt"))
    assert 'id="document-error"' in page.text
    assert 'id="document-error"' in browser.post(f"{path}/documenti", kind="1").text


def test_somebody_elses_claim_is_not_there(browser: Browser) -> None:
    browser.sign_in()
    assert browser.get("/denunce/claim-of-another").status_code == 404


def test_step_up_that_is_demanded_asks_for_a_code_and_returns(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    backend.refuse_next("PrepareSubmission", Refusal(Kind.UNAUTHENTICATED, "STEP_UP_REQUIRED", "fresh"))
    page = browser.post(f"{path}/riepilogo")
    assert page.request.path == "/conferma"
    assert "chiede una conferma recente" in page.text
    browser.post("/conferma")
    assert browser.post("/conferma/codice", code=CODE).request.path == f"{path}/riepilogo"


def test_pages_need_a_session(browser: Browser) -> None:
    for path in ("", "/nuova", "/x", "/x/dati", "/x/spese", "/x/documenti", "/x/riepilogo", "/x/codice", "/x/ricevuta"):
        assert browser.get(f"/denunce{path}").request.path == "/accedi"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("123,45", "123.45"),
        ("1.123,4", "1123.4"),
        ("12 €", "12"),
        ("123.45", "123.45"),
        ("1,234.56", "1.23456"),
        ("tanto", "tanto"),
    ],
)
def test_amount_as_people_write_it(typed: str, sent: str) -> None:
    assert _decimal(typed) == sent
