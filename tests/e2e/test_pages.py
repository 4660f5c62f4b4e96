"""The pages that lie beside the manual's way, each looked at in a real browser; and none is left out."""

import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Browser
from recapito.contact_change.v1 import review_pb2, review_pb2_grpc
from werkzeug.exceptions import HTTPException

from deploy.demo.inbox import CODE
from recapito_console import views as console_views
from recapito_portal import views as portal_views
from recapito_servicekit.calling import bearer
from tests.e2e.person import DESKTOP, PHONE, SEEN, Person
from tests.support import journeys
from tests.support.system import PASSWORD, Known, System

pytestmark = pytest.mark.timeout(900)  # axe looks at every page, at two sizes
NEW_PASSWORD = "quattro gatti al tramonto"
# what test_manual.py and test_claim_by_keyboard.py look at: registration, the way to a contact change, claims
ELSEWHERE = re.compile(
    r"/registrati|/denunce|/recapito(/(numero|codice|documento|dati|inviata))?$|/accedi/(senza-cellulare|assistenza)"
)
# no page of their own: a picture, a list for the browser, and the addresses of forms that lead back to their page
NO_PAGE = re.compile(
    r"/manifest\.webmanifest|/casi/<.*>/(documenti|presa|rilascio|rinnovo|ripristino|decisione|<.*)|/clienti/<.*>/sblocco|/account/app/conferma"
)


def signed_in(system: System, chromium: Browser, pictures: Path, known: Known) -> Person:
    """A customer on a phone, signed in with the code."""
    person = Person(chromium, system.portal, PHONE, pictures / "portal")
    before = sum(bool(CODE.search(text)) for text in system.inbox.texts(known.mobile))
    person.open("/accedi")
    person.fill(username=known.mobile, password=PASSWORD)
    person.fill(code=system.inbox.code(known.mobile, before + 1))
    return person


def registered(system: System, *, mobile: bool = True) -> Known:
    known = system.customers(1, mobile=mobile)[0]
    system.register(known, known.mobile or known.email)
    return known


def operator_at_desk(system: System, chromium: Browser, pictures: Path, role: str) -> Person:
    operator = system.operator(role)
    person = Person(chromium, system.console, DESKTOP, pictures / "console")
    person.open("/")
    person.fill(username=operator.name, password=PASSWORD, totp=pyotp.TOTP(operator.totp_secret).now())
    return person


def repudiation_path(system: System, known: Known) -> str:
    """The path of the newest notice's "this wasn't me" link."""
    found = [re.search(r"/non-sono-stato-io\S+", text) for text in system.inbox.texts(known.email)]
    return [match.group() for match in found if match][-1]


def test_own_account(system: System, chromium: Browser, tmp_path: Path) -> None:
    known = registered(system)
    guest = Person(chromium, system.portal, PHONE, tmp_path / "portal")
    guest.open("/")
    guest.open("/denuncia-online")
    customer = signed_in(system, chromium, tmp_path, known)
    customer.open("/area")
    customer.open("/accessi")
    customer.says("I tuoi accessi", "Questo accesso")
    customer.follow("Cambia la password")
    customer.fill(old_password="sbagliata", new_password=NEW_PASSWORD)
    customer.says("password")
    customer.fill(old_password=PASSWORD, new_password=NEW_PASSWORD)
    customer.open("/conferma")
    customer.page.locator("main form button").first.click()
    customer.look()
    customer.fill(code=system.inbox.code(known.mobile, 3))
    customer.open("/accessi/email")
    customer.fill(new_email=f"nuova.{known.email}")
    customer.fill(code=system.inbox.code(f"nuova.{known.email}"))
    customer.open("/questa-pagina-non-esiste")
    assert guest.findings + customer.findings == []


def test_forgotten_password(system: System, chromium: Browser, tmp_path: Path) -> None:
    both, one = registered(system), registered(system, mobile=False)
    customer = Person(chromium, system.portal, PHONE, tmp_path / "portal")
    customer.open("/password-dimenticata")
    customer.fill(username=both.mobile)
    customer.fill(code=system.inbox.code(both.mobile, 2))
    customer.fill(code=system.inbox.code(both.email))
    customer.fill(password=NEW_PASSWORD)
    customer.open("/password-dimenticata")
    customer.fill(username=one.email)
    customer.fill(code=system.inbox.code(one.email, 2))
    customer.fill(password=NEW_PASSWORD)
    customer.open("/accedi")
    customer.fill(username=one.email, password=NEW_PASSWORD)
    assert customer.page.url.endswith("/accedi/solo-recapito")
    assert customer.findings == []


def test_question_cancellation_and_who_it_wasnt(system: System, chromium: Browser, tmp_path: Path) -> None:
    known, token = system.signed_in()
    new = "+39328" + known.mobile[-7:]
    change_id, _ = journeys.file_change(system, token, new, "avviso@example.org")
    reviewer = system.operator_token(system.operator("reviewer"))
    case_id = journeys.case_of(system, reviewer, change_id).case_id
    with system.channel("console", "contact-change") as to:
        stub = review_pb2_grpc.ReviewServiceStub(to)
        case = stub.TakeCase(review_pb2.TakeCaseRequest(case_id=case_id), metadata=bearer(reviewer)).case
        question = review_pb2.DecideRequest(
            case_id=case_id,
            expected_version=case.summary.version,
            decision=review_pb2.DECISION_ASK,
            reason_code="UNREADABLE",
            question="Ci invii di nuovo il retro?",
        )
        stub.Decide(question, metadata=bearer(reviewer))

    customer = signed_in(system, chromium, tmp_path, known)
    customer.open("/recapito/richieste")
    customer.follow("Rispondi alla domanda")
    customer.says("Ci invii di nuovo il retro?")
    customer.fill(text="Eccolo, grazie.")
    customer.open("/recapito/richieste")
    customer.follow("Annulla la richiesta")
    customer.press("Sì, annulla")

    stranger = Person(chromium, system.portal, PHONE, tmp_path / "portal")
    stranger.open(repudiation_path(system, known))
    stranger.open("/non-sono-stato-io?t=nessuno")
    assert customer.findings + stranger.findings == []


def test_frozen_customer_and_supervisor(system: System, chromium: Browser, tmp_path: Path) -> None:
    known, token = system.signed_in()
    new = "+39328" + known.mobile[-7:]
    change_id, _ = journeys.file_change(system, token, new, "avviso@example.org")
    journeys.approve(system, system.operator_token(system.operator("reviewer")), change_id)
    system.inbox.wait("avviso@example.org")
    stranger = Person(chromium, system.portal, PHONE, tmp_path / "portal")
    stranger.open(repudiation_path(system, known))
    stranger.press("Non sono stato io")
    stranger.open(repudiation_path(system, known))

    supervisor = operator_at_desk(system, chromium, tmp_path, "supervisor")
    supervisor.open("/casi?stato=tutti")
    supervisor.page.get_by_role("link", name=f"{known.given_name} {known.family_name}").first.click()
    supervisor.look()
    case = supervisor.page.url
    supervisor.follow("Storia del caso")
    supervisor.open("/andamento")
    auditor = operator_at_desk(system, chromium, tmp_path, "auditor")
    auditor.open(case)
    assert stranger.findings + supervisor.findings + auditor.findings == []


def test_supervisor_helps_a_customer_in_and_enrols_a_colleague(system: System, chromium: Browser, tmp_path: Path) -> None:
    known = registered(system)
    colleague = f"dario-{known.customer_id.lower()}"
    supervisor = operator_at_desk(system, chromium, tmp_path, "supervisor")
    supervisor.open("/clienti")
    supervisor.fill(who="nessuno@example.com")
    supervisor.fill(who=known.mobile)
    supervisor.says(known.family_name)
    supervisor.open(f"/clienti/{known.customer_id}")
    supervisor.open("/operatori")
    supervisor.page.locator("main [name=role][value=reviewer]").check()
    supervisor.page.get_by_role("textbox", name="Nome utente").fill(colleague)
    supervisor.press("Crea l'operatore")
    supervisor.says("otpauth://totp/")
    password, _uri, *codes = supervisor.page.locator(".secret, .codes li").all_inner_texts()
    newcomer = first_day(system, chromium, tmp_path, colleague, password, codes)
    supervisor.open("/operatori")
    supervisor.page.get_by_role("row", name=colleague).get_by_role("button", name="Nuove credenziali").click()
    supervisor.look()
    supervisor.press("Sì, crea le nuove credenziali")
    supervisor.open("/operatori")
    supervisor.page.get_by_role("row", name=colleague).get_by_role("button", name="Disabilita").click()
    supervisor.look()
    supervisor.press("Sì, disabilita")
    assert supervisor.findings + newcomer.findings == []


def first_day(system: System, chromium: Browser, pictures: Path, name: str, password: str, codes: list[str]) -> Person:
    """A new operator chooses a password, puts the app on another phone, and takes new recovery codes."""
    newcomer = Person(chromium, system.console, DESKTOP, pictures / "console")
    newcomer.open("/")
    newcomer.fill(username=name, password=password, totp=codes[0])
    newcomer.says("Scegli la tua password")
    newcomer.fill(new_password=NEW_PASSWORD, repeated="un'altra")
    newcomer.fill(new_password=NEW_PASSWORD, repeated=NEW_PASSWORD)
    newcomer.open("/account")
    newcomer.follow("Cambia la password")
    newcomer.fill(old_password=NEW_PASSWORD, new_password=PASSWORD, repeated=PASSWORD, totp=codes[1])
    newcomer.follow("Collega un'altra app")
    newcomer.fill(totp=codes[2])
    app = pyotp.TOTP(parse_qs(urlsplit(newcomer.page.locator(".secret").inner_text()).query)["secret"][0])
    newcomer.fill(totp="000000")
    newcomer.fill(totp=app.now())
    newcomer.says("Il tuo account")
    newcomer.follow("Fatti dare codici nuovi")
    newcomer.fill(totp=codes[3])
    newcomer.says("I codici di prima non valgono più")
    return newcomer


@pytest.mark.parametrize(("site", "views"), [("portal", portal_views), ("console", console_views)])
def test_every_page_was_looked_at(site: str, views: ModuleType) -> None:
    """The last of this file: it reads what the tests before it saw."""
    app = Flask(site)
    for module in pkgutil.iter_modules(views.__path__):
        pages = getattr(importlib.import_module(f"{views.__name__}.{module.name}"), "pages", None)
        if pages is not None:
            app.register_blueprint(pages)
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "static"}
    wanted = {rule for rule in rules if not NO_PAGE.search(rule) and not ELSEWHERE.match(rule)}
    to = app.url_map.bind("localhost")
    for where, path in SEEN:
        if where == site:
            try:
                wanted.discard(to.match(path, return_rule=True)[0].rule)
            except HTTPException:
                continue
    assert wanted == set(), "nobody looked at these; run the file whole"
