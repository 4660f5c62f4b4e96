"""The chapters: what customers, an operator and another service do, what they see, and what must hold."""

from datetime import UTC, datetime, timedelta
from typing import Final

import grpc
import pyotp
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2

from deploy.demo import specimen, telling
from deploy.demo.browser import Browser
from deploy.demo.place import PASSWORD, Customer, Operator, Place

IBAN: Final = "IT60X0542811101000000123456"
IDENTITY_CARD: Final = str(contact_change_pb2.DOCUMENT_TYPE_IDENTITY_CARD)
NOT_RECOGNISED: Final = str(contact_change_pb2.REASON_NOT_RECOGNISED)


class Unexpected(Exception):
    """Raised when something held that must not, or the other way round."""


class Story:
    """One run. Counts what held."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.held = 0

    def holds(self, what: str, is_so: bool) -> None:
        """Something that must be so. Raises Unexpected."""
        if not is_so:
            raise Unexpected(what)
        self.held += 1
        telling.good(what)

    def mail(self, contact: str, count: int, *parts: str) -> str:
        """The ``count``-th message to a contact, which must say all of ``parts``."""
        text = self.place.inbox.wait(contact, count)[count - 1]
        telling.arrives(contact, text)
        for part in parts:
            if part not in text:
                raise Unexpected(f"the message to {contact} does not say «{part}»: {text}")
        self.held += 1
        return text

    def code(self, contact: str, count: int = 1) -> str:
        """The code in the ``count``-th message with one."""
        code = self.place.inbox.code(contact, count)
        telling.arrives(contact, f"a message with the code {code}")
        return code


def play(place: Place) -> int:
    """Plays everything; gives how many things held."""
    story = Story(place)
    nicolo = place.customer("Nicolò", "D'Angelo", 1, mobile=False)
    maria = place.customer("Mario", "Conti", 2, mobile=True)
    telling.chapter("The company gives its customer registry")
    printed = place.import_customers([nicolo, maria])
    telling.does("ops", "recapito-auth import-customers")
    telling.sees(" ".join(printed.split())[:200])
    operator = place.create_operator("reviewer")
    telling.does("ops", f"recapito-auth create-operator {operator.name} --role reviewer")
    _stranger(story, nicolo)
    register(story, nicolo, nicolo.email)
    new = place.new_mobile(1)
    without_mobile(story, nicolo, new, operator)
    browser = sign_in(story, nicolo, nicolo.email, new)
    claim(story, nicolo, browser, new)
    register(story, maria, maria.mobile)
    _not_recognised(story, maria, operator)
    _other_service(story, nicolo, new)
    return story.held


def _stranger(story: Story, known: Customer) -> None:
    telling.chapter("Somebody tries a contact that isn't on file")
    browser = _start_registration(story, known, "sconosciuta@example.org")
    telling.sees(f"«{browser.heading()}»: the same page as for a customer")
    browser.fill(code="123456")
    browser.expect("non è corretto")
    telling.sees("the code is not right")
    story.holds("nothing was sent to them", story.place.inbox.texts("sconosciuta@example.org") == [])


def _start_registration(story: Story, known: Customer, contact: str) -> Browser:
    browser = Browser(story.place.portal)
    browser.open("/registrati")
    telling.does(known.given_name, "«Registrati», Persona fisica, Nome e Cognome, recapito")
    browser.expect("Seleziona Persona")
    browser.fill(person_type="1")
    browser.fill(given_name=known.given_name, family_name=known.family_name)
    browser.fill(contact=contact)
    return browser


def register(story: Story, known: Customer, contact: str) -> None:
    """A customer opens the account, by one of their contacts."""
    telling.chapter(f"{known.given_name} {known.family_name} registers")
    browser = _start_registration(story, known, contact)
    telling.sees(f"«{browser.heading()}»")
    browser.fill(code=story.code(contact))
    browser.fill(password="password1")
    browser.expect("molto usata")
    telling.sees("a password that everybody uses is refused, with the reason")
    browser.fill(password=PASSWORD)
    browser.expect("La registrazione è conclusa")
    telling.sees("«La registrazione è conclusa»")
    story.holds("the account is open, and nobody is signed in yet", "Accedi" in browser.text())


def password(story: Story, known: Customer, username: str) -> Browser:
    """The first step of a sign-in."""
    browser = Browser(story.place.portal)
    browser.open("/accedi")
    telling.does(known.given_name, "«Accedi» with user name and password")
    browser.fill(username=username, password=PASSWORD)
    return browser


def without_mobile(story: Story, known: Customer, new: str, operator: Operator) -> None:
    """A customer without a mobile asks for one, and an operator approves."""
    telling.chapter("No mobile on file: «Richiedi assistenza»")
    browser = password(story, known, known.email)
    browser.expect("recapito cellulare", "Richiedi assistenza")
    telling.sees("no mobile is on file")
    browser.press("Richiedi assistenza")
    browser.fill(code=story.code(known.email, 2))
    _file_change(story, known, browser, new)
    story.mail(known.email, 3)
    _decide(story, operator, known, approve=True)
    outcome = story.mail("nuova@example.org", len(story.place.inbox.wait("nuova@example.org")))
    private = (known.family_name, new, new.removeprefix("+39"))
    story.holds("the mail to the form's email names nobody and no number", not any(part in outcome for part in private))
    story.mail(known.email, 4)


def document_number(known: Customer) -> str:
    """An identity card's number of the customer's own: one that came in for another needs a second operator."""
    return f"CA{known.customer_id[-5:]}AA"


def _file_change(story: Story, known: Customer, browser: Browser, new: str, reason: str = "") -> None:
    data = fill_in(story, known, browser, new, reason)
    browser.fill(**data)
    telling.sees(f"«{browser.heading()}»: {browser.text()[:160]}…")
    browser.open("/recapito/richieste")
    browser.expect(masked(new))
    story.holds("the request is filed and its state can be read", True)


def masked(mobile: str) -> str:
    """A mobile as pages show it."""
    national = mobile.removeprefix("+39")
    return f"{national[:3]} *****{national[-2:]}"


def fill_in(
    story: Story, known: Customer, browser: Browser, new: str, reason: str = "", notify: str = "nuova@example.org"
) -> dict[str, str]:
    """The form for a contact change up to its last page, the pictures sent; gives what the last page still asks for."""
    browser.open("/recapito")
    telling.does(known.given_name, "fills in the form: the new number, its code, the identity document and its data")
    telling.sees(f"«{browser.heading()}», with the privacy notice")
    browser.open("/recapito/numero")
    chosen = {"reason": reason} if reason else {}
    national = new.removeprefix("+39")
    browser.fill(new_mobile=f"{national[:3]} {national[3:6]}.{national[6:]}", **chosen)
    browser.fill(code=story.code(new))
    browser.fill(type=IDENTITY_CARD)
    today = datetime.now(UTC).date()
    number = document_number(known)
    data = {
        "number": number,
        "issuer": "Comune di Esempio",
        "issued_on": (today - timedelta(days=900)).isoformat(),
        "notify_email": notify,
    }
    front = specimen.card("CARTA D'IDENTITÀ", [known.family_name, known.given_name, number])
    back = specimen.card("RETRO", ["Comune di Esempio", number])
    expired = (today - timedelta(days=3)).isoformat()
    pictures = {"front": ("fronte.png", front, "image/png"), "back": ("retro.png", back, "image/png")}
    browser.fill(pictures, expires_on=expired, **data)
    browser.expect("Il documento è scaduto")
    telling.sees("an expired document is refused next to its field; the pictures stay")
    return {"expires_on": (today + timedelta(days=900)).isoformat(), **data}


def _decide(story: Story, operator: Operator, known: Customer, *, approve: bool) -> None:
    browser = look(story, operator, known, approve=approve)
    browser.press("Sì, approva" if approve else "Sì, respingi")
    browser.expect("Richiesta approvata" if approve else "Richiesta respinta")
    telling.does(operator.name, "approves" if approve else "rejects")
    story.held += 1


def look(story: Story, operator: Operator, known: Customer, *, approve: bool, notify: str = "nuova@example.org") -> Browser:
    """An operator takes the case, looks at it and fills in the decision; gives the page that asks whether it is meant so."""
    telling.chapter("An operator looks at it")
    browser = Browser(story.place.console)
    telling.does(operator.name, "signs in with password and TOTP")
    browser.open("/")
    browser.fill(username=operator.name, password=PASSWORD, totp=totp(story, operator))
    name = f"{known.given_name} {known.family_name}"
    telling.sees(f"the queue, {name} in it")
    browser.follow(name)
    browser.press("Prendi in carico")
    browser.expect(known.family_name, document_number(known), notify)
    telling.sees("registry, form and document side by side")
    picture = browser.image(0)
    story.holds(f"the document can be looked at ({len(picture) // 1024} KiB, cleaned)", picture[:2] in (b"\xff\xd8", b"\x89P"))
    browser.fill(reason_code="DOCUMENT_MATCHES" if approve else "ANOTHER_PERSON", note="" if approve else "Foto diversa.")
    telling.sees(f"«{browser.heading()}», with what will happen")
    return browser


_SPENT: set[str] = set()


def totp(story: Story, operator: Operator) -> str:
    """The code that the authenticator shows, the next one where this one was used before: each works once."""
    device = pyotp.TOTP(operator.totp_secret)
    now = datetime.now(UTC)
    for step in (0, 1):
        code = device.at(now + timedelta(seconds=30 * step))
        if code not in _SPENT:
            _SPENT.add(code)
            return code
    raise Unexpected(f"{operator.name} has no unused TOTP at {story.place.console}")


def sign_in(story: Story, known: Customer, username: str, mobile: str, nth: int = 2) -> Browser:
    """A whole sign-in, with the ``nth`` code that went to the mobile."""
    telling.chapter(f"{known.given_name} signs in with the code at the new number")
    browser = password(story, known, username)
    national = mobile.removeprefix("+39")
    shown = f"{national[:3]} *****{national[-2:]}"
    browser.expect("Conferma che sei tu", shown, "Non riconosci il numero?")
    telling.sees(f"«Conferma che sei tu»: the code went to {shown}")
    browser.fill(code=story.code(mobile, nth))
    browser.open("/area")
    browser.expect("La tua area")
    story.holds("signed in with password and code", True)
    return browser


def claim(story: Story, known: Customer, browser: Browser, mobile: str) -> None:
    """A claim with an invoice, confirmed by a code."""
    telling.chapter("«Denuncia Online»: a claim")
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    browser.open("/denunce/nuova")
    telling.does(known.given_name, "what happened, an expense, the invoice")
    browser.fill(kind="1", event_date=yesterday, policy_number=known.policy)
    browser.fill(kinship="1")
    browser.fill(admitted="2")
    browser.fill(category="1", provider="Studio Bianchi", document_number="2026/17", document_date=yesterday, amount="123,45")
    browser.follow("Continua")
    picture = specimen.invoice(["Studio Bianchi", "Fattura 2026/17", "Totale 123,45 EUR", "PAGATA"])
    browser.fill({"document": ("fattura.png", picture, "image/png")}, kind="1")
    browser.follow("Continua")
    payment = {"iban_holder": f"{known.given_name} {known.family_name}", "exists": "2"}
    browser.fill(iban="IT60X0542811101000000123457", **payment)
    browser.expect("IBAN non è corretto")
    telling.sees("a wrong IBAN is refused next to its field")
    browser.fill(iban=IBAN, **payment)
    browser.expect("123,45", "Studio Bianchi")
    telling.sees("everything at a glance")
    browser.fill(truthful="y", health_data="y")
    confirmation = story.mail(mobile, 3, "123,45", "3456")
    browser.fill(code=story.code(mobile, 3))
    story.holds("the code's text said what it confirms", "123,45" in confirmation)
    telling.sees(f"«{browser.heading()}»: {browser.text()[:160]}…")
    browser.open("/denunce")
    browser.expect("Inviata", "123,45")
    story.holds("the claim is filed and listed", True)


def _not_recognised(story: Story, known: Customer, operator: Operator) -> None:
    telling.chapter("«Non riconosci il numero?», and an operator who says no")
    browser = password(story, known, known.mobile)
    national = known.mobile.removeprefix("+39")
    browser.expect(f"{national[:3]} *****{national[-2:]}")
    browser.follow("Aggiungi recapito")
    sent = len(story.place.inbox.texts(known.mobile))
    _file_change(story, known, browser, story.place.new_mobile(2), NOT_RECOGNISED)
    story.mail(known.email, 1)
    story.mail(known.mobile, sent + 1)
    story.holds("every contact on file was told, the old mobile among them", True)
    _decide(story, operator, known, approve=False)
    story.mail(known.email, 2)
    browser.open("/recapito/richieste")
    browser.expect("Respinta")
    story.holds("the mobile on file is what it was", registered_mobile(story, known) == known.mobile)


def _other_service(story: Story, known: Customer, mobile: str) -> None:
    telling.chapter("Another service asks over gRPC")
    telling.does("internal", "CustomerRegistryService.GetCustomer")
    story.holds(f"the registry says {mobile}", registered_mobile(story, known) == mobile)
    telling.does("internal", "CustomerRegistryService.ChangeMobile, which isn't its to call")
    with story.place.channel("internal") as channel:
        stub = registry_pb2_grpc.CustomerRegistryServiceStub(channel)
        try:
            stub.ChangeMobile(registry_pb2.ChangeMobileRequest(customer_id=known.customer_id), timeout=5)
        except grpc.RpcError as error:
            story.holds("PERMISSION_DENIED", error.code() is grpc.StatusCode.PERMISSION_DENIED)
        else:
            raise Unexpected("a service that isn't listed changed a mobile")


def registered_mobile(story: Story, known: Customer) -> str:
    """The mobile that the registry says."""
    with story.place.channel("internal") as channel:
        stub = registry_pb2_grpc.CustomerRegistryServiceStub(channel)
        return stub.GetCustomer(registry_pb2.GetCustomerRequest(customer_id=known.customer_id), timeout=5).customer.mobile
