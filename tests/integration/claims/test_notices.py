"""Mails about a claim, and what the background job makes of a relay that fails."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from recapito.claims.v1 import claims_pb2 as pb

from recapito_claims.flows.clean_up import CleanUp
from recapito_claims.flows.send_notices import SendNotices
from recapito_claims.senders.mails import Mails
from recapito_claims.upstream import Customer
from recapito_documents.blobs import FolderBlobs
from recapito_documents.keys import KeyRing
from recapito_documents.pipeline import DocumentPipeline
from recapito_servicekit.mail import Mail, Mailer, MailFailed
from recapito_servicekit.sql import Database
from tests.conftest import SetClock
from tests.integration.claims.claimant import Claims


class Relay(Mailer):
    """Takes mails, unless the test says that it is away."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []
        self.is_away = False

    def send(self, mail: Mail) -> None:
        if self.is_away:
            raise MailFailed("away")
        self.taken.append(mail)


class People:
    """The registry's answer, in the language that the test sets."""

    def __init__(self) -> None:
        self.language, self.email = "it", "anna@example.org"

    def customer(self, customer_id: str) -> Customer:
        return Customer("Anna Bianchi", "", self.email, self.language, frozenset(), is_frozen=False)


@pytest.fixture
def database(claims: Claims) -> Iterator[Database]:
    found = Database(claims.settings.database_url, 1)
    yield found
    found.close()


def test_a_receipt_goes_out_once_and_waits_for_a_relay_that_is_away(claims: Claims, database: Database, clock: SetClock) -> None:
    relay, people = Relay(), People()
    mails = Mails(relay, "Mutua Esempio", "aiuto@example.org", "https://portale.example")
    job = SendNotices(database, people, mails, clock, 5)  # type: ignore[arg-type]
    claim = claims.filed(claims.sign_in())
    relay.is_away = True
    assert job.run_once() == 0
    relay.is_away = False
    clock.forward(minutes=5)
    assert (job.run_once(), job.run_once()) == (1, 0)
    (mail,) = relay.taken
    assert mail.subject == f"Abbiamo ricevuto la tua denuncia {claim.claim_number}"
    assert f"https://portale.example/denunce/{claim.claim_id}" in mail.text
    for part in ("123,45 EUR", "3456", "aiuto@example.org"):
        assert part in mail.text
    for secret in ("febbre", "Studio Rossi", "IT60X0542811101000000123456"):
        assert secret not in mail.text


def test_each_event_has_its_mail_in_the_customers_language(claims: Claims, database: Database, clock: SetClock) -> None:
    relay, people = Relay(), People()
    people.language = "en-GB"
    job = SendNotices(database, people, Mails(relay, "Mutua", "help@example.org", ""), clock, 5)  # type: ignore[arg-type]
    anna, handler = claims.sign_in(), claims.handler
    claim, other = claims.filed(anna), claims.filed(anna)
    handler.decide(claim, pb.EXPENSE_STATE_SUSPENDED, "manca la firma")
    handler.ask(claim)
    handler.decide(claim, pb.EXPENSE_STATE_REFUSED, "non coperta")
    anna.answer(claim, anna.get(claim).questions[0].question_id, "ecco")
    handler.close(claim)
    anna.withdraw(other)
    while job.run_once():
        pass
    told = [mail.subject.replace(claim.claim_number, "N").replace(other.claim_number, "M") for mail in relay.taken]
    assert sorted(told) == sorted(
        [
            *("We have received your claim N", "We have received your claim M", "Claim N: an expense is suspended"),
            *("A question about your claim N", "Claim N: an expense is not refunded", "Your claim N is closed"),
            "You withdrew claim M",
        ]
    )
    assert not [mail for mail in relay.taken if "non coperta" in mail.text or "manca la firma" in mail.text]


def test_a_customer_without_an_email_is_told_in_the_portal_alone(claims: Claims, database: Database, clock: SetClock) -> None:
    relay, people = Relay(), People()
    people.email = ""
    claims.filed(claims.sign_in())
    job = SendNotices(database, people, Mails(relay, "Mutua", "help@example.org", ""), clock, 5)  # type: ignore[arg-type]
    assert job.run_once() == 1
    assert not relay.taken


def test_clean_up_keeps_what_has_a_row_and_sweeps_the_rest(claims: Claims, database: Database, clock: SetClock) -> None:
    claims.sign_in().complete()
    folder = FolderBlobs(claims.settings.blob_dir)
    folder.put("f" * 32 + "-1", b"left by a crash")
    pipeline = DocumentPipeline(folder, KeyRing.parse(claims.settings.document_keys))
    before = len(list(claims.settings.blob_dir.iterdir()))
    clock.forward(days=30)
    CleanUp(database, pipeline, clock).run_once()
    assert len(list(claims.settings.blob_dir.iterdir())) == before - 1
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM attachments")) == 1
