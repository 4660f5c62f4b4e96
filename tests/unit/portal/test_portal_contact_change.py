"""Aggiungi recapito, and where requests stand."""

import io

import pytest
from recapito.contact_change.v1 import contact_change_pb2
from werkzeug.test import TestResponse

from recapito_servicekit.errors import Kind, Refusal, Violation, invalid
from tests.unit.portal.backend import CODE, Backend, at
from tests.unit.portal.conftest import PICTURE, Browser

DATA = {
    "number": "CA12345AA",
    "issuer": "Comune di Roma",
    "issued_on": "2020-01-02",
    "expires_on": "2030-01-02",
    "notify_email": "avviso@esempio.it",
}


def file(name: str = "fronte.jpg", content: bytes = PICTURE) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def send(browser: Browser, **values: object) -> TestResponse:
    return browser.client.post("/recapito/dati", data=browser.form("/recapito/dati", **values), follow_redirects=True)


def test_request_is_filed_and_told(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    page = send(browser, **DATA, front=file(), back=file("retro.jpg"))
    assert page.request.path == "/recapito/inviata"
    assert "avviso@esempio.it" in page.text
    filed = backend.last(contact_change_pb2.SubmitRequestRequest)
    assert filed.reason == contact_change_pb2.REASON_REPLACE
    assert filed.new_mobile == "+393471234565"
    assert filed.mobile_proof == "mobile-proof"
    assert filed.identity_document.number == "CA12345AA"
    assert list(filed.document_ids) == ["doc-1", "doc-2"]
    assert set(backend.tokens) == {"change-token"}
    assert "In verifica" in browser.get("/recapito/richieste").text


def test_notice_comes_before_any_document(browser: Browser) -> None:
    browser.give_password()
    page = browser.get("/recapito").text
    assert "Come trattiamo il tuo documento" in page
    assert 'type="file"' not in page


def test_number_is_shown_as_it_was_understood(browser: Browser, backend: Backend) -> None:
    browser.give_password()
    page = browser.post("/recapito/numero", reason="2", new_mobile="347.123 45 65")
    assert "347 123 4565" in page.text
    assert backend.last(contact_change_pb2.StartMobileConfirmationRequest).new_mobile == "347.123 45 65"


def test_upload_goes_in_small_pieces_without_its_path(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    send(browser, **DATA, front=file("C:\\Users\\mario\\fronte.jpg"), back=file())
    name, sizes = backend.uploads[0]
    assert len(name) <= 200
    assert max(sizes) <= 256 * 1024
    assert sum(sizes) == len(PICTURE)


def test_documents_survive_an_error_in_another_field(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    page = send(browser, **{**DATA, "issuer": ""}, front=file(), back=file("retro.jpg"))
    assert page.status_code == 422
    assert "retro.jpg" in page.text
    assert 'value="CA12345AA"' in page.text
    assert send(browser, **DATA).request.path == "/recapito/inviata"
    assert len(backend.uploads) == 2


def test_wrong_file_is_told_at_its_side_and_the_other_is_kept(browser: Browser) -> None:
    browser.ask_until_identity()
    page = send(browser, **DATA, front=file(), back=file("note.txt", b"ciao"))
    assert 'id="back-error"' in page.text
    assert 'id="front-error"' not in page.text
    assert "Questo tipo di file non va bene" in page.text
    assert "fronte.jpg" in page.text


def test_missing_picture_files_nothing(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    page = send(browser, **DATA)
    assert 'id="front-error"' in page.text
    assert not any(isinstance(request, contact_change_pb2.SubmitRequestRequest) for request in backend.seen)


def test_faults_of_the_service_stand_at_their_fields(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    backend.refuse_next(
        "SubmitRequest",
        invalid(
            Violation("identity_document.expires_on", "EXPIRED", "x"),
            Violation("document_ids", "MISSING_SIDE", "x"),
            Violation("notify_email", "NOT_AN_EMAIL", "x"),
        ),
    )
    page = send(browser, **DATA, front=file()).text
    for field in ("expires_on", "back", "notify_email"):
        assert f'id="{field}-error"' in page
        assert f'href="#{field}"' in page


def test_number_that_is_refused_at_last_leads_back_to_it(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    backend.refuse_next("SubmitRequest", invalid(Violation("new_mobile", "SAME_AS_ON_FILE", "x")))
    page = send(browser, **DATA, front=file(), back=file())
    assert page.request.path == "/recapito/numero"
    assert "È il numero che abbiamo già" in page.text


def test_double_click_carries_the_same_request_id(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    form = browser.form("/recapito/dati", **DATA)
    assert form["request_id"]
    before = browser.client.get_cookie("portal", domain="localhost")
    assert before is not None
    for _ in range(2):
        browser.client.set_cookie("portal", before.value, domain="localhost")
        browser.client.post("/recapito/dati", data={**form, "front": file(), "back": file()})
    filed = [request for request in backend.seen if isinstance(request, contact_change_pb2.SubmitRequestRequest)]
    assert [request.request_id for request in filed] == [form["request_id"]] * 2


def test_passport_needs_one_page(browser: Browser, backend: Backend) -> None:
    browser.ask_until_identity()
    browser.post("/recapito/documento", type="2")
    assert 'id="back"' not in browser.get("/recapito/dati").text
    send(browser, **DATA, front=file())
    assert list(backend.last(contact_change_pb2.SubmitRequestRequest).document_ids) == ["doc-1"]


def test_open_request_is_told_instead_of_a_form(browser: Browser, backend: Backend) -> None:
    browser.give_password()
    backend.refuse_next("StartMobileConfirmation", Refusal(Kind.ALREADY_EXISTS, "CHANGE_OPEN", "one at a time"))
    page = browser.post("/recapito/numero", reason="2", new_mobile="3471234565")
    assert page.request.path == "/recapito/richieste"
    assert "Hai già una richiesta in corso" in page.text


def test_nobody_comes_here_without_a_password(browser: Browser) -> None:
    for path in ("", "/numero", "/codice", "/documento", "/dati", "/inviata", "/richieste"):
        assert browser.get(f"/recapito{path}").request.path == "/accedi"


@pytest.mark.parametrize(
    ("state", "reason", "text"),
    [
        (contact_change_pb2.CHANGE_STATE_SUBMITTED, "", "Ricevuta"),
        (contact_change_pb2.CHANGE_STATE_IN_REVIEW, "", "Una persona la esamina entro"),
        (contact_change_pb2.CHANGE_STATE_APPROVED, "", "mancano pochi minuti"),
        (contact_change_pb2.CHANGE_STATE_APPLIED, "", "I codici di verifica arrivano al nuovo numero"),
        (contact_change_pb2.CHANGE_STATE_REJECTED, "ANOTHER_PERSON", "non è intestato a te"),
        (contact_change_pb2.CHANGE_STATE_REJECTED, "SOMETHING_NEW", "per sapere come procedere"),
    ],
)
def test_every_state_is_told_to_the_signed_in_too(
    browser: Browser, backend: Backend, state: contact_change_pb2.ChangeState.ValueType, reason: str, text: str
) -> None:
    browser.sign_in()
    backend.changes.append(
        contact_change_pb2.Change(
            change_id="c", state=state, reason_code=reason, submitted_at=at(), due_at=at(days=1), decided_at=at(), applied_at=at()
        )
    )
    assert text in browser.get("/recapito/richieste").text
    assert backend.tokens[-1] == browser.cookie("session")


@pytest.mark.parametrize(
    "state",
    [
        contact_change_pb2.CHANGE_STATE_CANCELLED,
        contact_change_pb2.CHANGE_STATE_EXPIRED,
        contact_change_pb2.CHANGE_STATE_REPUDIATED,
        contact_change_pb2.CHANGE_STATE_REVERTED,
    ],
)
def test_a_request_that_is_over_says_since_when(
    browser: Browser, backend: Backend, state: contact_change_pb2.ChangeState.ValueType
) -> None:
    browser.sign_in()
    change = contact_change_pb2.Change(change_id="c", state=state, submitted_at=at(), due_at=at(days=1), ended_at=at(days=2))
    backend.changes.append(change)
    assert browser.get("/recapito/richieste").text.count('class="when"') == 2  # received, ended


def test_wrong_code_to_the_new_mobile_is_told(browser: Browser) -> None:
    browser.give_password()
    browser.post("/recapito/numero", reason="2", new_mobile="3471234565")
    assert "Hai ancora 4 tentativi" in browser.post("/recapito/codice", code="000000").text
    assert browser.post("/recapito/codice", code=CODE).request.path == "/recapito/documento"
