"""Headers, cookies, CSRF, hosts and redirects."""

import io

import grpc
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from recapito_portal.app import FORM_BYTES, build, uploads_of
from recapito_portal.services import Services
from recapito_portal.uploads import FILE_BYTES, FILES
from recapito_servicekit import web
from tests.unit.portal.backend import CODE, PASSWORD, Backend
from tests.unit.portal.conftest import Browser, settings

FILES_BYTES = FILES * FILE_BYTES + FORM_BYTES

BUTTONS = (
    *(
        "/esci",
        "/accedi/codice/nuovo",
        "/registrati/codice/nuovo",
        "/recapito/codice/nuovo",
        "/password-dimenticata/codice/nuovo",
    ),
    *("/conferma/codice/nuovo", "/accessi/sessione", "/accessi/dispositivo", "/accessi/ovunque", "/accessi/email/codice/nuovo"),
)


def test_page_has_safe_headers_and_no_script(browser: Browser) -> None:
    page = browser.get("/accedi")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text
    assert "style=" not in page.text


def test_foreign_host_is_refused(browser: Browser) -> None:
    assert browser.client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_form_without_csrf_token_is_refused_and_calls_nobody(browser: Browser, backend: Backend) -> None:
    page = browser.client.post("/accedi", data={"username": "mario@esempio.it", "password": PASSWORD})
    assert page.status_code == 400
    assert "La pagina è scaduta" in page.text
    assert backend.seen == []


@pytest.mark.parametrize("path", BUTTONS)
def test_button_without_csrf_token_is_refused(browser: Browser, path: str) -> None:
    assert browser.client.post(path).status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil",
    ],
)
def test_return_path_leads_nowhere_else(browser: Browser, target: str) -> None:
    browser.give_password()
    with browser.client.session_transaction(base_url="http://localhost") as session:
        session["next"] = target
    answer = browser.client.post("/accedi/codice", data=browser.form("/accedi/codice", code=CODE))
    assert answer.headers["Location"] == "/area"


def test_language_choice_leads_nowhere_else(browser: Browser) -> None:
    form = browser.form("/accedi", back="/\t/evil.example")
    assert browser.client.post("/lingua/en", data=form).headers["Location"] == "/"


def test_cookies_are_hidden_from_scripts_and_other_sites(browser: Browser) -> None:
    browser.give_password()
    answer = browser.client.post("/accedi/codice", data=browser.form("/accedi/codice", code=CODE))
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(cookie.startswith("session=session-") for cookie in cookies)
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_device_token_is_hidden_from_scripts_and_lives_30_days(browser: Browser) -> None:
    browser.give_password()
    form = browser.form("/accedi/codice", code=CODE, trust_device="y")
    cookies = browser.client.post("/accedi/codice", data=form).headers.getlist("Set-Cookie")
    (found,) = [cookie for cookie in cookies if cookie.startswith("trusted_device=")]
    assert {"HttpOnly", "SameSite=Lax", f"Max-Age={30 * 24 * 3600}"} <= set(found.split("; "))


def test_cookies_go_over_https_alone_where_told(backend: Backend) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        app = build(settings(cookie_secure=True), Services.over(channel, channel, channel))
        answer = app.test_client().get("/accedi", base_url="https://localhost")
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-portal", "__Host-device"}
    for cookie in cookies:  # what a browser demands of such a name
        assert {"Secure", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_signing_in_rotates_the_csrf_token_and_ends_the_former_session(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    before, former = browser.form("/accedi")["csrf_token"], browser.cookie("session")
    browser.sign_in()
    assert browser.form("/accedi")["csrf_token"] != before
    assert browser.cookie("session") not in ("", former)
    assert former not in backend.sessions


def test_signing_out_ends_the_session_and_forgets_everything(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    browser.client.post("/esci", data=browser.form("/denunce/nuova"))
    assert backend.sessions == set()
    assert browser.cookie("session") == ""
    assert browser.get("/recapito").request.path == "/accedi"


def test_signing_out_is_no_link(browser: Browser) -> None:
    assert browser.get("/esci").status_code == 405


def test_ended_session_asks_for_sign_in_and_returns(browser: Browser, backend: Backend) -> None:
    browser.sign_in()
    backend.sessions.clear()
    page = browser.get("/denunce")
    assert page.request.path == "/accedi"
    assert "La sessione è terminata" in page.text
    assert browser.cookie("session") == ""
    assert browser.sign_in().request.path == "/denunce"


def _upload(browser: Browser, path: str, size: int) -> TestResponse:
    form = {**browser.form("/accedi"), "file": (io.BytesIO(bytes(size)), "a.jpg")}
    return browser.client.post(path, data=form, content_type="multipart/form-data")


@pytest.mark.parametrize(("path", "size"), [("/accedi", FORM_BYTES), ("/recapito/dati", FILES_BYTES)])
def test_too_large_a_request_is_told(browser: Browser, path: str, size: int) -> None:
    page = _upload(browser, path, size + 1)
    assert page.status_code == 413
    assert "I file sono troppo grandi" in page.text


def test_files_come_in_where_a_page_takes_them_alone(app: Flask, browser: Browser) -> None:
    assert _upload(browser, "/recapito/dati", FORM_BYTES + 1).status_code == 303
    asks = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert set(uploads_of(1)) <= asks


def test_door_knows_where_files_come_in(app: Flask) -> None:
    door = web.behind_door(app, settings())
    assert door.most_bytes("/denunce/0123/documenti") == door.most_bytes("/recapito/dati") == FILES_BYTES
    larger = web.behind_door(build(settings(document_mib=16), app.extensions["services"]), settings())
    assert larger.most_bytes("/recapito/dati") == 2 * FILES_BYTES - FORM_BYTES
    assert door.most_bytes("/accedi") == door.most_bytes("/nowhere") == door.most_bytes("/accedi/") == FORM_BYTES


def test_texts_name_the_figures_that_were_set(backend: Backend) -> None:
    told = settings(otp_length=8, trusted_device_days=1, document_days=7, document_mib=2, repudiation_hours=24)
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        browser = Browser(build(told, Services.over(channel, channel, channel)).test_client())
        browser.give_password()
        page = browser.get("/accedi/codice").text
        assert "Per un giorno, su questo browser" in page
        assert "8 cifre." in page
        form = browser.form("/accedi/codice", code=CODE, trust_device="y")
        cookies = browser.client.post("/accedi/codice", data=form).headers.getlist("Set-Cookie")
        assert any(cookie.startswith("trusted_device=") and f"Max-Age={24 * 3600};" in cookie for cookie in cookies)
        assert "Al più tardi 7 giorni dopo la decisione" in browser.get("/recapito").text
        browser.ask_until_identity()
        assert "al massimo 2 MB per file" in browser.get("/recapito/dati").text
        assert "al massimo 24 ore" in browser.get("/non-sono-stato-io?t=unknown").text


def test_password_and_code_are_never_shown_again(browser: Browser) -> None:
    page = browser.post("/accedi", username="mario@esempio.it", password="sbagliata-davvero")
    assert "mario@esempio.it" in page.text
    assert "sbagliata-davvero" not in page.text


def test_manifest_names_an_icon_that_is_there(browser: Browser) -> None:
    manifest = browser.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    assert manifest.json is not None
    assert browser.get(manifest.json["icons"][0]["src"]).mimetype == "image/svg+xml"
