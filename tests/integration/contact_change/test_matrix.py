"""Every RPC in every state by every role, against the drawing of the states (``domain.mermaid``)."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from recapito.auth.v1 import registry_pb2
from recapito.contact_change.v1 import contact_change_pb2 as pb
from recapito.contact_change.v1 import contact_change_pb2_grpc, dead_letter_pb2, dead_letter_pb2_grpc, review_pb2, review_pb2_grpc
from recapito.otp.v1 import otp_pb2

from recapito_contact_change import domain
from recapito_contact_change.store import repudiations
from recapito_contact_change.store.tables import ALLOWANCES, CASES, CHANGES, NOTICES, OPINIONS, OUTBOX, QUESTIONS
from recapito_servicekit.errors import Kind
from recapito_servicekit.status import refusal_from
from tests.integration.contact_change.system import System, identity_document
from tests.integration.contact_change.test_events import Pump

DRAWN = set(re.findall(r"(\w+) --> (\w+): (\w+)", (Path(domain.__file__).parent / "domain.mermaid").read_text()))
STATES = sorted({start for start, _, _ in DRAWN} | {end for _, end, _ in DRAWN})
OPEN = {"SUBMITTED", "IN_REVIEW", "SECOND_REVIEW", "WAITING_FOR_CUSTOMER", "APPROVED", "FROZEN"}
REVIEWED = {"IN_REVIEW", "SECOND_REVIEW"}
OWNER, DECIDERS, OPERATORS = {"owner", "owner's token"}, {"reviewer", "supervisor"}, {"reviewer", "supervisor", "auditor"}
CUSTOMERS = {*OWNER, "stranger"}
ROLES = (*sorted(CUSTOMERS), *sorted(OPERATORS), "own operator", "nobody")
ANYBODY = set(ROLES)


def after(state: str, *steps: str) -> str | None:
    """The state that the drawing shows for the first of those steps; None: none leads out of here."""
    return next((end for step in steps for start, end, label in sorted(DRAWN) if (start, label) == (state, step)), None)


@dataclass
class Row:
    """An RPC: who may call it at all, what it does there (None: nothing to the state), and what it says where it can't."""

    name: str
    roles: set[str]
    call: Callable[["Matrix", str], object]
    steps: tuple[str, ...] = ()
    otherwise: Callable[[str], str] = lambda _: "ok"
    own: bool = False  # other customers find nothing


class Matrix:
    """One change, put into each state by hand, and every role's token."""

    def __init__(self, system: System) -> None:
        self.system = system
        owner = system.sign_in("C1")
        self.change_id = owner.submit().change_id
        Pump(system).run()
        self.case_id = system.rows("cases")[0].case_id
        self.document_id = system.rows("documents", change_id=self.change_id)[0].document_id
        self.repudiation = ""
        self.letter_id = ""
        self.metadata = {
            "owner": system.sign_in("C1", "pwd", "otp_sms").metadata,
            "owner's token": owner.metadata,
            "stranger": system.sign_in("C2", "pwd", "otp_sms").metadata,
            **{role: system.operator(role, role=role).metadata for role in OPERATORS},
            "own operator": system.operator("ada", customer_id="C1").metadata,
            "nobody": (),
        }
        self.challenge_id = owner.system.customer.StartMobileConfirmation(
            pb.StartMobileConfirmationRequest(new_mobile="333 111 2222"), metadata=owner.metadata
        ).challenge.challenge_id

    def put(self, state: str, holder: str) -> None:
        """As if the change had just come to that state, its case (where operators decide) in that role's hands."""
        now, held = self.system.clock(), state in REVIEWED
        lease = {"holder_id": f"op-{holder}", "holder_name": holder, "lease_expires_at": now + timedelta(minutes=15)}
        free = {"holder_id": "", "holder_name": "", "lease_expires_at": None}
        applied = {"applied_at": now} if state in ("APPLIED", "FROZEN", "REVERTED") else {"applied_at": None}
        with self.system.database.transaction() as tx:
            tx.execute(CHANGES.delete().where(CHANGES.c.change_id != self.change_id, CHANGES.c.customer_id == "C1"))
            change = CHANGES.update().where(CHANGES.c.change_id == self.change_id)
            tx.execute(change.values(state=state, decided_at=None, applying_at=None, reverting_at=None, ended_at=None, **applied))
            case = CASES.update().where(CASES.c.case_id == self.case_id)
            tx.execute(
                case.values(version=7, is_open=held, decision=None, decided_by_id="", round=1, **(lease if held else free))
            )
            for table in (OPINIONS, QUESTIONS, ALLOWANCES):
                tx.execute(table.delete())
            if state == "SECOND_REVIEW":
                tx.execute(OPINIONS.insert().values(
                    case_id=self.case_id, round=1, place=1, operator_id="op-first", operator_name="first", decision="APPROVE",
                    reason_code="DOCUMENT_MATCHES", note="", seen=5, registry_version=3, risks="BY_LOT", given_at=now,
                ))  # fmt: skip
            if state == "WAITING_FOR_CUSTOMER":
                tx.execute(QUESTIONS.insert().values(
                    question_id=uuid.uuid4().hex, change_id=self.change_id, asked_at=now, asked_by="first", reason_code="OTHER",
                    text="?", answer="", answer_request_id="",
                ))  # fmt: skip
            tx.execute(OUTBOX._t.update().values(done_at=now, dead_at=None))
            dead = tx.scalar(sa.select(OUTBOX._t.c.event_id).limit(1))
            tx.execute(OUTBOX._t.update().where(OUTBOX._t.c.event_id == dead).values(done_at=None, dead_at=now))
            tx.execute(NOTICES.update().values(state="SENT", failed_at=None))
            self.letter_id = str(dead)
            self.repudiation = repudiations.issue(tx, self.change_id, now)
        self.system.known.reverted.clear()
        answer = registry_pb2.ChangeMobileResponse(old_mobile="+393201234519", customer=self.system.known.customers["C1"])
        self.system.known.changed[self.change_id] = answer

    @property
    def state(self) -> str:
        return str(self.system.rows("changes", change_id=self.change_id)[0].state)

    def outcome(self, row: Row, role: str) -> str:
        try:
            row.call(self, role)
            return "ok"
        except grpc.RpcError as error:
            refusal = refusal_from(error)
            barred = refusal.kind in (Kind.UNAUTHENTICATED, Kind.PERMISSION_DENIED)
            return "barred" if barred else refusal.reason if refusal.kind is not Kind.NOT_FOUND else "not found"

    def customer(self, role: str, rpc: str, request: object) -> object:
        stub: contact_change_pb2_grpc.ContactChangeServiceStub = self.system.customer
        return getattr(stub, rpc)(request, metadata=self.metadata[role])

    def review(self, role: str, rpc: str, request: object) -> object:
        stub: review_pb2_grpc.ReviewServiceStub = self.system.review
        return getattr(stub, rpc)(request, metadata=self.metadata[role])

    def letters(self, role: str, rpc: str, request: object) -> object:
        stub: dead_letter_pb2_grpc.DeadLetterServiceStub = self.system.letters
        return getattr(stub, rpc)(request, metadata=self.metadata[role])

    def submit(self, role: str) -> object:
        stranger = role == "stranger"
        who = self.system.sign_in("C2", "pwd", "otp_sms") if stranger else self.system.sign_in("C1")
        form = who.form(document_ids=["none"], new_mobile="333 111 2222", identity_document=identity_document(number="CA99999AA"))
        return self.customer(role, "SubmitRequest", form)

    def decide(self, role: str, decision: "review_pb2.Decision.ValueType", reason_code: str, question: str = "") -> object:
        request = review_pb2.DecideRequest(
            case_id=self.case_id, expected_version=7, decision=decision, reason_code=reason_code, question=question
        )
        return self.review(role, "Decide", request)

    def restore(self, role: str, restoration: "review_pb2.Restoration.ValueType") -> object:
        request = review_pb2.RestoreRequest(change_id=self.change_id, note="why", restoration=restoration)
        return self.review(role, "Restore", request)


def upload(matrix: Matrix, role: str) -> object:
    messages = [pb.UploadDocumentRequest(name="a.jpg"), pb.UploadDocumentRequest(chunk=b"no picture")]
    return matrix.customer(role, "UploadDocument", iter(messages))


def confirm(matrix: Matrix, role: str) -> object:
    request = pb.ConfirmMobileRequest(challenge_id=matrix.challenge_id, code="000000")
    answer: pb.ConfirmMobileResponse = matrix.customer(role, "ConfirmMobile", request)  # type: ignore[assignment]
    assert answer.outcome == otp_pb2.OUTCOME_INCORRECT
    return answer


def closed(state: str) -> str:
    """What who comes for the case is told."""
    return "CASE_CLOSED" if state in ("CANCELLED", "EXPIRED", "REPUDIATED") else "ALREADY_DECIDED"


def of_case(rpc: str, request: Callable[[Matrix], object]) -> Callable[[Matrix, str], object]:
    return lambda matrix, role: matrix.review(role, rpc, request(matrix))


def read_document(matrix: Matrix, role: str) -> object:
    request = review_pb2.ReadDocumentRequest(case_id=matrix.case_id, document_id=matrix.document_id)
    return list(matrix.review(role, "ReadDocument", request))  # type: ignore[call-overload]


APPROVE, REJECT, ASK = review_pb2.DECISION_APPROVE, review_pb2.DECISION_REJECT, review_pb2.DECISION_ASK
TABLE = (
    Row("UploadDocument", CUSTOMERS, upload, otherwise=lambda _: "DOCUMENT_TYPE_NOT_ALLOWED"),
    Row(
        "StartMobileConfirmation",
        CUSTOMERS,
        lambda m, role: m.customer(role, "StartMobileConfirmation", pb.StartMobileConfirmationRequest(new_mobile="333 111 2222")),
    ),
    Row(
        "ResendMobileCode",
        CUSTOMERS,
        lambda m, role: m.customer(role, "ResendMobileCode", pb.ResendMobileCodeRequest(challenge_id=m.challenge_id)),
        own=True,
    ),
    Row(
        "GetMobileConfirmation",
        CUSTOMERS,
        lambda m, role: m.customer(role, "GetMobileConfirmation", pb.GetMobileConfirmationRequest(challenge_id=m.challenge_id)),
        own=True,
    ),
    Row("ConfirmMobile", CUSTOMERS, confirm, own=True),
    Row("SubmitRequest", CUSTOMERS, Matrix.submit, otherwise=lambda state: "CHANGE_OPEN" if state in OPEN else "UNKNOWN"),
    Row("GetChange", CUSTOMERS, lambda m, r: m.customer(r, "GetChange", pb.GetChangeRequest(change_id=m.change_id)), own=True),
    Row("ListChanges", CUSTOMERS, lambda m, role: m.customer(role, "ListChanges", pb.ListChangesRequest())),
    Row(
        "CancelChange",
        CUSTOMERS,
        lambda m, role: m.customer(role, "CancelChange", pb.CancelChangeRequest(change_id=m.change_id)),
        ("cancelled",),
        lambda state: "ok" if state == "CANCELLED" else "NOT_OPEN",
        own=True,
    ),
    Row(
        "AnswerQuestion",
        CUSTOMERS,
        lambda m, role: m.customer(
            role, "AnswerQuestion", pb.AnswerQuestionRequest(request_id=uuid.uuid4().hex, change_id=m.change_id, text="so")
        ),
        ("answered",),
        lambda _: "NO_QUESTION",
        own=True,
    ),
    Row(
        "PreviewRepudiation",
        ANYBODY,
        lambda m, role: m.customer(role, "PreviewRepudiation", pb.PreviewRepudiationRequest(token=m.repudiation)),
    ),
    Row(
        "Repudiate",
        ANYBODY,
        lambda m, role: m.customer(role, "Repudiate", pb.RepudiateRequest(token=m.repudiation)),
        ("repudiated", "frozen"),
        lambda state: "ok" if state in ("REPUDIATED", "FROZEN") else "NOT_OPEN",
    ),
    Row("ListCases", OPERATORS, of_case("ListCases", lambda _: review_pb2.ListCasesRequest())),
    Row("GetCase", OPERATORS, of_case("GetCase", lambda m: review_pb2.GetCaseRequest(case_id=m.case_id))),
    Row("ReadDocument", OPERATORS, read_document),
    Row("GetLoad", {"supervisor", "auditor"}, of_case("GetLoad", lambda _: review_pb2.GetLoadRequest())),
    Row("GetHistory", OPERATORS, of_case("GetHistory", lambda m: review_pb2.GetHistoryRequest(case_id=m.case_id))),
    Row(
        "TakeCase",
        DECIDERS,
        of_case("TakeCase", lambda m: review_pb2.TakeCaseRequest(case_id=m.case_id)),
        otherwise=lambda state: "ok" if state in REVIEWED else closed(state),
    ),
    Row(
        "RenewLease",
        DECIDERS,
        of_case("RenewLease", lambda m: review_pb2.RenewLeaseRequest(case_id=m.case_id)),
        otherwise=lambda state: "ok" if state in REVIEWED else "LEASE_LOST",
    ),
    Row("ReleaseCase", DECIDERS, of_case("ReleaseCase", lambda m: review_pb2.ReleaseCaseRequest(case_id=m.case_id))),
    Row("Decide approve", DECIDERS, lambda m, role: m.decide(role, APPROVE, "DOCUMENT_MATCHES"), ("approved",), closed),
    Row("Decide reject", DECIDERS, lambda m, role: m.decide(role, REJECT, "ANOTHER_PERSON"), ("rejected", "passed_on"), closed),
    Row(
        "Decide ask",
        DECIDERS,
        lambda m, role: m.decide(role, ASK, "UNREADABLE", "what?"),
        ("asked",),
        lambda state: "SECOND_REVIEW" if state == "SECOND_REVIEW" else closed(state),
    ),
    Row(
        "Restore confirm",
        {"supervisor"},
        lambda m, role: m.restore(role, review_pb2.RESTORATION_CONFIRM),
        ("restored",),
        lambda state: "ok" if state == "APPLIED" else "NOT_FROZEN",
    ),
    Row(
        "Restore revert",
        {"supervisor"},
        lambda m, role: m.restore(role, review_pb2.RESTORATION_REVERT),
        ("reverted",),
        lambda state: "ok" if state == "REVERTED" else "NOT_FROZEN",
    ),
    Row("List", {"supervisor"}, lambda m, role: m.letters(role, "List", dead_letter_pb2.DeadLetterServiceListRequest())),
    Row(
        "Get",
        {"supervisor"},
        lambda m, role: m.letters(role, "Get", dead_letter_pb2.DeadLetterServiceGetRequest(letter_id=m.letter_id)),
    ),
    Row(
        "Resend",
        {"supervisor"},
        lambda m, role: m.letters(role, "Resend", dead_letter_pb2.DeadLetterServiceResendRequest(letter_id=m.letter_id)),
    ),
)


def expected(row: Row, state: str, role: str) -> tuple[str, str]:
    """What the caller is told, and where the change stands after it."""
    may = role in row.roles or (role == "own operator" and "reviewer" in row.roles)
    if not may:
        return "barred", state
    if role == "stranger" and row.own:
        return "not found", state
    if role == "stranger" and row.name == "SubmitRequest":
        return "UNKNOWN", state
    if role == "own operator":
        if row.name == "TakeCase" or row.name.startswith("Decide"):
            return "OWN_CASE", state
        if row.name == "RenewLease" or (row.name == "ReleaseCase" and state in REVIEWED):
            return "LEASE_LOST", state  # somebody else's, or nobody's
    end = after(state, *row.steps)
    if row.name == "Decide reject" and state == "SECOND_REVIEW":
        end = "SECOND_REVIEW"  # the first one approved: a third must look
    return ("ok", end) if end is not None else (row.otherwise(state), state)


def test_the_table_names_every_rpc() -> None:
    services = (
        pb.DESCRIPTOR.services_by_name["ContactChangeService"],
        review_pb2.DESCRIPTOR.services_by_name["ReviewService"],
        dead_letter_pb2.DESCRIPTOR.services_by_name["DeadLetterService"],
    )
    assert {row.name.split()[0] for row in TABLE} >= {method.name for service in services for method in service.methods}


@pytest.mark.timeout(600)
def test_every_rpc_in_every_state_by_every_role(system: System) -> None:
    matrix = Matrix(system)
    wrong, seen = [], 0
    for state in STATES:
        matrix.put(state, "reviewer")
        for row in TABLE:
            for role in ROLES:
                want = expected(row, state, role)
                if want[0] == "ok" or role in DECIDERS or role == "own operator":
                    matrix.put(state, role if role in DECIDERS else "reviewer")
                got = (matrix.outcome(row, role), matrix.state)
                seen += 1
                if got != want:
                    wrong.append(f"{row.name} in {state} by {role}: {got}, not {want}")
                if got[1] != state:
                    matrix.put(state, "reviewer")
    assert not wrong, "\n".join(wrong)
    assert seen == len(STATES) * len(TABLE) * len(ROLES)
