"""The contact-change service with its peers, its database and its broker, and what tests ask of it."""

import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from PIL import Image
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import contact_change_pb2_grpc, dead_letter_pb2_grpc, review_pb2, review_pb2_grpc

import recapito_contact_change
from recapito_contact_change import __main__ as main
from recapito_contact_change.settings import ContactChangeSettings
from recapito_contact_change.store.tables import OUTBOX
from recapito_servicekit import sql, work
from recapito_servicekit.calling import bearer
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Refusal
from recapito_servicekit.queues import Consumer, Relay
from recapito_servicekit.settings import load
from recapito_servicekit.sql import Database
from recapito_servicekit.status import refusal_from
from tests.integration.contact_change import peers
from tests.support.pki import Pki
from tests.support.ports import free_port
from tests.support.serving import ServerThread, channel_as, server_environment
from tests.support.smtp import SmtpSink

PACKAGE = Path(recapito_contact_change.__file__).parent
NEW_MOBILE = "347 765 4321"
NEW_E164 = "+393477654321"  # which C1 wishes
OLD_E164 = "+393201234519"


def picture(colour: str = "navy") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 400), colour).save(out, "JPEG")
    return out.getvalue()


class System:
    """One service with a stub for each side.

    ``serve`` False: the test starts processes of its own. ``otp_address``: another otp than the one of the test.
    """

    def __init__(
        self,
        pki: Pki,
        folder: Path,
        database_url: str,
        broker_url: str,
        mailbox: SmtpSink,
        clock: Clock,
        *,
        serve: bool = True,
        otp_address: str = "",
        portal_url: str = "",
    ) -> None:
        self.pki, self.clock, self.mailbox = pki, clock, mailbox
        self.known, self.texts = peers.Customers(), peers.Texts()
        self._peers = [peers.auth(pki, self.known), peers.otp(pki, self.texts)]
        self.port = free_port()
        self.environment = {
            **server_environment(pki, "contact-change", self.port),
            **peers.blob_environment(folder),
            **mailbox.settings(),
            "RECAPITO_DATABASE_URL": database_url,
            "RECAPITO_BROKER_URL": broker_url,
            "RECAPITO_AUTH_ADDRESS": self._peers[0].address,
            "RECAPITO_OTP_ADDRESS": otp_address or self._peers[1].address,
            "RECAPITO_PORTAL_URL": portal_url,
            "RECAPITO_SECOND_REVIEW_PERCENT": "0",
            "RECAPITO_PUBLISH_AT_ONCE": "0",  # a test says when
        }
        self.settings = load(ContactChangeSettings, "contact-change", self.environment)
        sql.migrate(self.settings.database_url, PACKAGE)
        self.database = Database(self.settings.database_url, 4)
        self._server = ServerThread(self.settings, lambda: main.wire(self.settings, clock)) if serve else None
        self._channels = [channel_as(pki, "portal", self.port), channel_as(pki, "console", self.port)]
        self.customer = contact_change_pb2_grpc.ContactChangeServiceStub(self._channels[0])
        self.review = review_pb2_grpc.ReviewServiceStub(self._channels[1])
        self.letters = dead_letter_pb2_grpc.DeadLetterServiceStub(self._channels[1])

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
        if self._server is not None:
            self._server.stop()
        for peer in self._peers:
            peer.stop()
        self.database.close()

    # --- the customer ---

    def sign_in(self, customer_id: str = "C1", *amr: str, **values: object) -> "Customer":
        if customer_id not in self.known.customers:
            mobile = OLD_E164 if customer_id == "C1" else f"+39349{int(customer_id[1:]):07}"
            self.known.add_customer(customer_id, **{"mobile": mobile, **values})
        return Customer(self, customer_id, self.known.sign_in(customer_id, *(amr or ("pwd",)), auth_time=self.clock()))

    def operator(self, name: str, **values: str) -> "Operator":
        return Operator(self, self.known.operator(name, **values))

    def case_of(self, change_id: str, operator: "Operator | None" = None) -> review_pb2.CaseSummary:
        who = operator or self.operator("reader", role="auditor")
        listed = who.list(filter=review_pb2.CaseFilter(change_id=change_id)).cases
        return listed[0]

    # --- the background ---

    def parts(self) -> tuple[Relay, dict[str, Consumer]]:
        """The relay, and the consumers by role, each alive only when a test calls it."""
        roles = main.roles(self.settings, self.clock)
        return roles["relay"].__self__, {n: roles[n].__self__ for n in ("intake", "applier", "mailer")}  # type: ignore[attr-defined]

    @contextmanager
    def working(self, *only: str) -> Iterator[None]:
        """The background roles in threads, as ``work`` runs them: started again when they fail."""
        stop = threading.Event()
        roles = main.roles(self.settings, self.clock)
        health = work.Health()
        names = only or main.ROLES
        threads = [threading.Thread(target=work._keep, args=(name, roles[name], stop, health)) for name in names]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)

    def settle_intake(self, seconds: float = 60) -> None:
        """Returns once every change has its case."""
        wait_for(lambda: len(self.rows("cases")) == len(self.rows("changes")), seconds)

    def settle(self, seconds: float = 60) -> None:
        """Returns once no event is open."""
        wait_for(lambda: not self.open_events(), seconds, lambda: str(self.rows("outbox")))

    def open_events(self) -> list[Any]:
        return [row for row in self.rows("outbox") if row.done_at is None and row.dead_at is None]

    def rows(self, table: str, **equal: object) -> list[Any]:
        found = OUTBOX._t.metadata.tables[table]
        query = sa.select(found).where(*(found.c[name] == value for name, value in equal.items()))
        with self.database.read() as tx:
            return list(tx.execute(query))


class Customer:
    """A customer who acts."""

    def __init__(self, system: System, customer_id: str, token: str) -> None:
        self.system, self.customer_id, self.token = system, customer_id, token

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return bearer(self.token)

    @property
    def number(self) -> int:
        """Of the customer's id, so that each has a mobile and a document of their own."""
        return int(self.customer_id[1:])

    def upload(self, data: bytes | None = None, name: str = "carta.jpg") -> pb.UploadDocumentResponse:
        content = picture() if data is None else data
        pieces = [content[at : at + 65536] for at in range(0, len(content), 65536)]
        messages = [pb.UploadDocumentRequest(name=name), *(pb.UploadDocumentRequest(chunk=piece) for piece in pieces)]
        return self.system.customer.UploadDocument(iter(messages), metadata=self.metadata)

    def confirm(self, mobile: str = NEW_MOBILE) -> str:
        started = self.system.customer.StartMobileConfirmation(
            pb.StartMobileConfirmationRequest(new_mobile=mobile), metadata=self.metadata
        )
        request = pb.ConfirmMobileRequest(challenge_id=started.challenge.challenge_id, code=peers.CODE)
        return self.system.customer.ConfirmMobile(request, metadata=self.metadata).mobile_proof

    def form(self, **other: object) -> pb.SubmitRequestRequest:
        """A form that can be taken; keywords replace fields."""
        values: dict[str, Any] = {
            "request_id": uuid.uuid4().hex,
            "reason": pb.REASON_REPLACE,
            "new_mobile": NEW_MOBILE if self.customer_id == "C1" else f"348 {self.number:07}",
            "notify_email": "avviso@altra.test",
            "identity_document": identity_document(number=f"ca {12344 + self.number:05} aa"),
            **other,
        }
        if "mobile_proof" not in other:
            values["mobile_proof"] = self.confirm(values["new_mobile"])
        if "document_ids" not in other:
            values["document_ids"] = [self.upload().document_id, self.upload(picture("teal")).document_id]
        return pb.SubmitRequestRequest(**values)

    def submit(self, form: pb.SubmitRequestRequest | None = None) -> pb.Change:
        return self.system.customer.SubmitRequest(form or self.form(), metadata=self.metadata).change

    def change(self, change_id: str) -> pb.Change:
        return self.system.customer.GetChange(pb.GetChangeRequest(change_id=change_id), metadata=self.metadata).change

    def cancel(self, change_id: str) -> pb.Change:
        return self.system.customer.CancelChange(pb.CancelChangeRequest(change_id=change_id), metadata=self.metadata).change

    def answer(self, change_id: str, text: str = "", documents: Sequence[str] = (), request_id: str = "") -> pb.Change:
        request = pb.AnswerQuestionRequest(
            request_id=request_id or uuid.uuid4().hex, change_id=change_id, text=text, document_ids=documents
        )
        return self.system.customer.AnswerQuestion(request, metadata=self.metadata).change


class Operator:
    """An operator who acts."""

    def __init__(self, system: System, token: str) -> None:
        self.system, self.metadata = system, bearer(token)

    def list(self, **request: Any) -> review_pb2.ListCasesResponse:
        return self.system.review.ListCases(review_pb2.ListCasesRequest(**request), metadata=self.metadata)

    def get(self, case_id: str) -> review_pb2.Case:
        return self.system.review.GetCase(review_pb2.GetCaseRequest(case_id=case_id), metadata=self.metadata).case

    def take(self, case_id: str) -> review_pb2.Case:
        return self.system.review.TakeCase(review_pb2.TakeCaseRequest(case_id=case_id), metadata=self.metadata).case

    def decide(
        self,
        case_id: str,
        version: int,
        decision: "review_pb2.Decision.ValueType",
        reason_code: str,
        note: str = "",
        question: str = "",
    ) -> review_pb2.Case:
        request = review_pb2.DecideRequest(
            case_id=case_id, expected_version=version, decision=decision, reason_code=reason_code, note=note, question=question
        )
        return self.system.review.Decide(request, metadata=self.metadata).case

    def approve(self, case_id: str, version: int) -> review_pb2.Case:
        return self.decide(case_id, version, review_pb2.DECISION_APPROVE, "DOCUMENT_MATCHES")

    def reject(self, case_id: str, version: int) -> review_pb2.Case:
        return self.decide(case_id, version, review_pb2.DECISION_REJECT, "ANOTHER_PERSON")

    def ask(self, case_id: str, version: int, question: str = "Can you send the back again?") -> review_pb2.Case:
        return self.decide(case_id, version, review_pb2.DECISION_ASK, "UNREADABLE", question=question)

    def restore(self, change_id: str, note: str, *, revert: bool = False) -> review_pb2.Case:
        restoration = review_pb2.RESTORATION_REVERT if revert else review_pb2.RESTORATION_CONFIRM
        request = review_pb2.RestoreRequest(change_id=change_id, note=note, restoration=restoration)
        return self.system.review.Restore(request, metadata=self.metadata).case

    def renew(self, case_id: str) -> review_pb2.RenewLeaseResponse:
        return self.system.review.RenewLease(review_pb2.RenewLeaseRequest(case_id=case_id), metadata=self.metadata)

    def release(self, case_id: str) -> review_pb2.CaseSummary:
        return self.system.review.ReleaseCase(review_pb2.ReleaseCaseRequest(case_id=case_id), metadata=self.metadata).case

    def read(self, case_id: str, document_id: str, page: int = 0) -> tuple[str, bytes]:
        request = review_pb2.ReadDocumentRequest(case_id=case_id, document_id=document_id, page=page)
        pieces = list(self.system.review.ReadDocument(request, metadata=self.metadata))
        return pieces[0].media_type, b"".join(piece.chunk for piece in pieces[1:])

    def history(self, case_id: str) -> Sequence[str]:
        request = review_pb2.GetHistoryRequest(case_id=case_id)
        entries = self.system.review.GetHistory(request, metadata=self.metadata).entries
        return [entry.action for entry in entries]


def identity_document(**other: Any) -> pb.IdentityDocument:
    values: dict[str, Any] = {
        "type": pb.DOCUMENT_TYPE_IDENTITY_CARD,
        "number": "ca 12345 aa",
        "issuer": "Comune di Lodi",
        "issued_on": "2024-05-06",
        "expires_on": "2034-01-01",  # a birthday, as the customers' codice fiscale has it
        **other,
    }
    return pb.IdentityDocument(**values)


@contextmanager
def refused() -> Iterator[Callable[[], Refusal]]:
    """Expects an error; gives what was refused once it was."""
    with pytest.raises(grpc.RpcError) as raised:
        yield lambda: refusal_from(raised.value)


def wait_for(true: Callable[[], object], seconds: float, tell: Callable[[], str] = str) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.03)
    raise AssertionError(f"it did not come about: {tell()}")
