"""Denuncia Online."""

import io
import re

import pytest
from recapito.auth.v1 import authentication_pb2
from recapito.claims.v1 import claims_pb2

from recapito_portal.views.claims.shared import decimal
from recapito_servicekit.errors import Kind, Refusal, Violation, invalid, reused
from tests.unit.portal.backend import CODE, Backend, at
from tests.unit.portal.conftest import PICTURE, Browser

EVENT = {"kind": "1", "event_date": "2026-11-10", "policy_number": "POL-1", "description": "Visita"}
PAYMENT = {"iban": "IT60 X054 2811 1010 0000 0123 456", "iban_holder": "Mario Rossi", "exists": "2"}
EXPENSE = {
    "category": "1",
    "provider": "Dr. Bianchi",
    "document_number": "12/A",
    "document_date": "2026-11-10",
    "amount": "1.123,40",
}
DECLARED = {"truthful": "y", "health_data": "y"}


def begun(browser: Browser) -> str:
    """Signs in and opens a draft; gives its path."""
    browser.sign_in()
    return browser.post("/denunce/nuova", **EVENT).request.path.rpartition("/")[0]


def draft(browser: Browser) -> str:
    """Signs in and fills a draft up to its check, a page after the other; gives its path."""
    path = begun(browser)
    assert browser.post(f"{path}/persona", kinship="1").request.path == f"{path}/ricovero"
    assert browser.post(f"{path}/ricovero", admitted="2").request.path == f"{path}/spese"
    browser.post(f"{path}/spese", **EXPENSE)
    files = [(io.BytesIO(PICTURE), "uno.jpg"), (io.BytesIO(PICTURE), "due.jpg")]
    browser.client.post(f"{path}/documenti", data=browser.form(f"{path}/documenti", kind="1", document=files))
    assert browser.post(f"{path}/rimborso", **PAYMENT).request.path == f"{path}/riepilogo"
    return path


def test_claim_is_filed_with_a_code_over_its_hash(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    page = browser.post(f"{path}/riepilogo", **DECLARED)
    assert page.request.path == f"{path}/codice"
    asked = backend.last(authentication_pb2.StartStepUpRequest)
    assert (asked.purpose, asked.transaction_hash) == ("claim", "ab" * 32)
    before = browser.cookie("session")
    page = browser.post(f"{path}/codice", code=CODE)
    assert page.request.path == f"{path}/ricevuta"
    assert "D-2026-000042" in page.text
    assert browser.cookie("session") not in ("", before)
    paper = browser.get(f"{path}/ricevuta.pdf")
    assert (paper.mimetype, paper.data) == ("application/pdf", b"%PDF-1.7")
    assert "D-2026-000042.pdf" in paper.headers["Content-Disposition"]
    filed = backend.last(claims_pb2.SubmitClaimRequest)
    assert (filed.proof, filed.expected_version) == ("proof", next(iter(backend.claims.values())).version)
    assert "1.123,40" in browser.get(path).text
    assert "D-2026-000042" in browser.get("/denunce").text


def test_filed_claim_has_no_draft_pages_any_more(browser: Browser) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    browser.post(f"{path}/codice", code=CODE)
    for step in ("dati", "persona", "ricovero", "spese", "documenti", "rimborso", "riepilogo", "elimina"):
        assert browser.get(f"{path}/{step}").status_code == 404


def test_claims_that_are_held_are_explained_and_the_draft_stays(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    backend.held_until = at(hours=20)
    backend.refuse_next("SubmitClaim", Refusal(Kind.FAILED_PRECONDITION, "CLAIMS_HELD", "held"))
    page = browser.post(f"{path}/codice", code=CODE).text
    assert "La denuncia non può ancora partire" in page
    assert "puoi inviare denunce dal" in page
    assert browser.get(f"{path}/riepilogo").status_code == 200
    assert "intanto puoi prepararle" in browser.get("/area").text


def test_failed_filing_is_repeated_without_another_code(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    backend.refuse_next("SubmitClaim", Refusal(Kind.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", "down"))
    assert browser.post(f"{path}/codice", code=CODE).status_code == 503
    assert "Il codice è confermato" in browser.get(f"{path}/codice").text
    assert browser.post(f"{path}/codice").request.path == f"{path}/ricevuta"
    filed = [request for request in backend.seen if isinstance(request, claims_pb2.SubmitClaimRequest)]
    assert len({request.request_id for request in filed}) == 1


def test_proof_that_no_longer_holds_leads_back_to_the_check(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    backend.refuse_next("SubmitClaim", Refusal(Kind.FAILED_PRECONDITION, "PROOF_NOT_VALID", "old"))
    page = browser.post(f"{path}/codice", code=CODE)
    assert page.request.path == f"{path}/riepilogo"
    assert "La conferma non è più valida" in page.text


def test_unknown_policy_is_told_at_its_field_in_the_first_step(browser: Browser) -> None:
    browser.sign_in()
    page = browser.post("/denunce/nuova", **{**EVENT, "policy_number": "POL-X"})
    assert page.request.path.endswith("/dati")
    assert 'id="policy_number-error"' in page.text
    assert chosen(page.text) == []
    assert browser.post(page.request.path, **EVENT).request.path.endswith("/persona")


def test_pages_are_those_that_the_kind_needs(browser: Browser) -> None:
    path = begun(browser)
    for kind, after in (("2", "infortunio"), ("4", "spese"), ("5", "spese"), ("3", "ricovero")):
        browser.post(f"{path}/dati", **{**EVENT, "kind": kind})
        assert browser.post(f"{path}/persona", kinship="1").request.path == f"{path}/{after}"


def test_what_is_missing_is_told_before_sending_with_its_step(browser: Browser) -> None:
    path = begun(browser)
    page = browser.post(f"{path}/riepilogo", **DECLARED)
    assert page.status_code == 422
    assert f'href="{path}/documenti?torna=riepilogo"' in page.text
    assert "Allega almeno una fattura" in page.text


def test_page_that_the_check_sent_to_leads_back_to_it(browser: Browser) -> None:
    path = draft(browser)
    assert browser.post(f"{path}/persona?torna=riepilogo", kinship="1").request.path == f"{path}/riepilogo"


def test_nothing_is_sent_without_the_declarations(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    backend.undeclared = True
    page = browser.post(f"{path}/riepilogo", truthful="y")
    assert page.status_code == 422
    assert 'id="health_data-error"' in page.text
    assert not [one for one in backend.seen if isinstance(one, authentication_pb2.StartStepUpRequest)]


def test_draft_that_changed_elsewhere_is_not_overwritten(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    form = browser.form(f"{path}/dati", **EVENT)
    browser.client.post(f"{path}/dati", data={**form, "description": "altrove"})
    page = browser.client.post(f"{path}/dati", data=form)
    assert "cambiata in un&#39;altra pagina" in page.text
    assert "Nel frattempo è cambiato: rimborso, spese" in page.text
    assert f'name="version" type="hidden" value="{next(iter(backend.claims.values())).version}"' in page.text


def test_draft_saves_itself_while_it_is_typed(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    form = browser.form("/denunce/nuova", kind="1", policy_number="POL-1")
    saved = browser.client.post("/denunce/nuova", data=form, headers={"X-Autosave": "1"})
    assert (saved.status_code, saved.headers["X-Draft-Version"]) == (204, "1")
    action = saved.headers["X-Draft-Action"]
    (claim,) = backend.claims.values()
    assert action == f"/denunce/{claim.claim_id}/dati"
    half = {**form, "version": "1", "policy_number": "POL-2", "event_date": "2026-1"}
    saved = browser.client.post(action, data=half, headers={"X-Autosave": "1"})
    assert (saved.status_code, saved.headers["X-Draft-Version"]) == (204, "2")
    assert (claim.details.policy_number, claim.details.event_date) == ("POL-2", "")
    assert browser.client.post(action, data=half, headers={"X-Autosave": "1"}).status_code == 409
    assert chosen(browser.get(action).text) == ["POL-2"], "another device goes on where this one was left"


def chosen(html: str) -> list[str]:
    """The policies that are chosen on a page."""
    return re.findall(r'<input checked[^>]* name="policy_number"[^>]* value="([^"]+)"', html)


def test_the_policy_is_chosen_from_the_customers_own(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    page = browser.get("/denunce/nuova").text
    assert re.findall(r'name="policy_number"[^>]* value="([^"]+)"', page) == ["POL-1", "POL-2"]
    assert chosen(page) == []
    backend.policies = ["POL-1"]
    assert chosen(browser.get("/denunce/nuova").text) == ["POL-1"], "the only one needs no choice"
    backend.policies = []
    page = browser.get("/denunce/nuova").text
    assert "Non troviamo una tua polizza" in page
    assert '<form method="post" novalidate' not in page


def test_part_is_taken_out_and_a_draft_is_thrown_away(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    (claim,) = backend.claims.values()
    form = browser.form(f"{path}/spese")
    browser.client.post(f"{path}/spese/{claim.expenses[0].expense_id}/togli", data=form)
    assert not claim.expenses
    browser.client.post(f"{path}/documenti/{claim.attachments[0].attachment_id}/togli", data=form)
    assert len(claim.attachments) == 1
    assert browser.post(f"{path}/elimina").request.path == "/denunce"
    assert not backend.claims


def test_question_is_shown_and_answered_with_files(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    browser.post(f"{path}/codice", code=CODE)
    (claim,) = backend.claims.values()
    claim.state = claims_pb2.CLAIM_STATE_WAITING_FOR_CUSTOMER
    claim.questions.add(question_id="q" * 32, text="Quale medico?", asked_at=at(), due_at=at(days=30))
    page = browser.get(path).text
    assert "Quale medico?" in page
    assert f'href="{path}/domanda"' in page
    form = browser.form(f"{path}/domanda", text="Il dottor Bianchi", document=[(io.BytesIO(PICTURE), "a.jpg")])
    assert browser.client.post(f"{path}/domanda", data=form).status_code == 303
    answered = backend.last(claims_pb2.AnswerQuestionRequest)
    assert (answered.question_id, answered.text) == ("q" * 32, "Il dottor Bianchi")
    assert len(claim.attachments) == 3


def test_claim_shows_decisions_and_timeline_and_is_taken_back(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    browser.post(f"{path}/riepilogo", **DECLARED)
    browser.post(f"{path}/codice", code=CODE)
    (claim,) = backend.claims.values()
    claim.expenses[0].state = claims_pb2.EXPENSE_STATE_SUSPENDED
    claim.expenses[0].reason = "Manca la prescrizione"
    claim.history.add(event=claims_pb2.CLAIM_EVENT_EXPENSE_UPDATED, at=at(), subject=claim.expenses[0].expense_id)
    page = browser.get(path).text
    assert "Manca la prescrizione" in page
    assert "Decisione su una spesa: Dr. Bianchi" in page
    form = browser.form(f"{path}/altri-documenti", kind="2", document=[(io.BytesIO(PICTURE), "p.jpg")])
    assert browser.client.post(f"{path}/altri-documenti", data=form).status_code == 303
    assert browser.post(f"{path}/ritira").request.path == path
    assert claim.state == claims_pb2.CLAIM_STATE_WITHDRAWN


def test_first_page_that_is_gone_back_to_changes_the_draft_that_it_opened(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    form = {**browser.form("/denunce/nuova"), **EVENT}
    path = browser.client.post("/denunce/nuova", data=form).location.rpartition("/")[0]
    browser.post(f"{path}/persona", kinship="1")
    again = browser.client.post("/denunce/nuova", data={**form, "description": "Ricovero"})
    assert again.location.rpartition("/")[0] == path
    (claim,) = backend.claims.values()
    assert (claim.details.description, claim.details.beneficiary.kinship) == ("Ricovero", claims_pb2.KINSHIP_INSURED)


def test_request_that_was_sent_with_something_else_is_told(browser: Browser, backend: Backend) -> None:
    path = begun(browser)
    backend.refuse_next("AddExpense", reused())
    assert "era già stata inviata con altri dati" in browser.post(f"{path}/spese", **EXPENSE).text


def test_double_click_opens_one_draft(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    form = browser.form("/denunce/nuova", **EVENT)
    for _ in range(2):
        browser.client.post("/denunce/nuova", data=form)
    assert len(backend.claims) == 1


def test_wrong_attachment_is_told(browser: Browser) -> None:
    path = begun(browser)
    page = browser.post(f"{path}/documenti", kind="1", document=(io.BytesIO(b"ciao"), "a.txt"))
    assert 'id="document-error"' in page.text
    assert 'id="document-error"' in browser.post(f"{path}/documenti", kind="1").text


@pytest.mark.parametrize(
    "page",
    [
        *("", "/dati", "/persona", "/infortunio", "/ricovero", "/spese", "/documenti", "/rimborso", "/riepilogo", "/elimina"),
        *("/ricevuta", "/ricevuta.pdf", "/domanda", "/altri-documenti", "/ritira"),
    ],
)
def test_somebody_elses_claim_is_not_there(browser: Browser, page: str) -> None:
    browser.sign_in()
    assert browser.get(f"/denunce/claim-of-another{page}").status_code == 404


@pytest.mark.parametrize(
    "button",
    ["/dati", "/spese/x/togli", "/documenti/x/togli", "/elimina", "/riepilogo", "/ritira", "/domanda", "/altri-documenti"],
)
def test_nothing_is_done_to_somebody_elses_claim(browser: Browser, backend: Backend, button: str) -> None:
    browser.sign_in()
    form = browser.form("/denunce/nuova", **EVENT, kinship="1", text="x", **DECLARED)
    assert browser.client.post(f"/denunce/claim-of-another{button}", data=form).status_code == 404
    assert not backend.claims


def test_step_up_that_is_demanded_asks_for_a_code_and_returns(browser: Browser, backend: Backend) -> None:
    path = draft(browser)
    backend.refuse_next("StartStepUp", Refusal(Kind.UNAUTHENTICATED, "STEP_UP_REQUIRED", "fresh"))
    page = browser.post(f"{path}/riepilogo", **DECLARED)
    assert page.request.path == "/conferma"
    assert "chiede una conferma recente" in page.text
    browser.post("/conferma")
    assert browser.post("/conferma/codice", code=CODE).request.path == f"{path}/riepilogo"


def test_address_that_nobody_was_given_is_no_outage(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    backend.refuse_next("GetClaim", invalid(Violation("claim_id", "CHARACTERS_NOT_ALLOWED", "text without a NUL")))
    assert browser.get("/denunce/a%00b").status_code == 400


def test_pages_need_a_session(browser: Browser) -> None:
    for path in (
        "",
        "/nuova",
        "/x",
        "/x/dati",
        "/x/spese",
        "/x/documenti",
        "/x/riepilogo",
        "/x/codice",
        "/x/ricevuta",
        "/x/domanda",
        "/x/ritira",
    ):
        assert browser.get(f"/denunce{path}").request.path == "/accedi"


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("123,45", "123.45"),
        ("1.123,4", "1123.4"),
        ("12 €", "12"),
        ("123.45", "123.45"),
        ("€ 1.234.567,89", "1234567.89"),
        ("1 234,50", "1234.50"),
        *((typed, typed) for typed in ("1,234.56", "1.23,4", "12€50", "12 3", "1.234", "1e3", "-5", "12,345", "١٢", "tanto")),
    ],
)
def test_amount_as_people_write_it(typed: str, sent: str) -> None:
    assert decimal(typed) == sent
