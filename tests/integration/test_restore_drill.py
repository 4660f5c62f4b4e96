"""Everything is destroyed and brought back: the customer's whole history is there afterwards, documents included."""

import io
import json
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from PIL import Image, ImageChops, ImageStat
from recapito.auth.v1 import authentication_pb2, authentication_pb2_grpc, session_pb2, session_pb2_grpc
from recapito.claims.v1 import claims_pb2, claims_pb2_grpc
from recapito.contact_change.v1 import contact_change_pb2, contact_change_pb2_grpc, review_pb2, review_pb2_grpc
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.calling import bearer
from tests.support.journeys import approve, file_change, specimen
from tests.support.system import FIRST_OFFSET, Known, Operator, System

ORDER = ("claims", "contact-change", "auth")  # docs/ops-backup.md says why
TOTP_SECONDS = 30
PASSPHRASE = "corretto cavallo batteria graffetta"


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own: it won't survive."""
    made = System(tmp_path, offset=FIRST_OFFSET + 300)
    made.up()
    yield made
    made.down()


def sign_in(system: System, username: str, mobile: str) -> str:
    """Password and code; gives the session's token."""
    before = len(system.inbox.texts(mobile))
    sign_in_id = system.start_sign_in(username).code_required.sign_in_id
    with system.channel("portal", "auth") as to_auth:
        request = authentication_pb2.CompleteSignInRequest(sign_in_id=sign_in_id, code=system.inbox.code(mobile, before + 1))
        done = authentication_pb2_grpc.AuthenticationServiceStub(to_auth).CompleteSignIn(request)
    assert done.outcome == otp_pb2.OUTCOME_APPROVED
    return done.session.token


def later(system: System, operator: Operator) -> str:
    """Signs an operator in with a TOTP that wasn't spent yet."""
    time.sleep(TOTP_SECONDS - time.time() % TOTP_SECONDS)
    return system.operator_token(operator)


def file_claim(system: System, known: Known, token: str) -> tuple[str, str]:
    """Files a claim with an invoice; gives its number, and the session's token, which the confirmation renewed."""
    details = claims_pb2.ClaimDetails(
        kind=claims_pb2.CLAIM_KIND_PREVENTION,
        beneficiary=claims_pb2.Beneficiary(kinship=claims_pb2.KINSHIP_INSURED),
        other_insurance=claims_pb2.OtherInsurance(exists=claims_pb2.ANSWER_NO),
        declarations=[claims_pb2.DECLARATION_TRUTHFUL, claims_pb2.DECLARATION_HEALTH_DATA],
        event_date=(datetime.now(UTC).date() - timedelta(days=2)).isoformat(),
        policy_number=f"POL-{known.customer_id}",
        description="febbre",
        iban="IT60X0542811101000000123456",
        iban_holder="Nicolò D’Angelo",
    )
    expense = claims_pb2.Expense(
        provider="Studio Rossi",
        document_number="1",
        document_date=datetime.now(UTC).date().isoformat(),
        amount="50.00",
        category=claims_pb2.EXPENSE_CATEGORY_VISIT,
    )
    with system.channel("portal", "claims") as to, system.channel("portal", "auth") as to_auth:
        stub, metadata = claims_pb2_grpc.ClaimsServiceStub(to), bearer(token)
        claim = stub.CreateDraft(
            claims_pb2.CreateDraftRequest(request_id=uuid.uuid4().hex, details=details), metadata=metadata
        ).claim
        add = claims_pb2.AddExpenseRequest(
            request_id=uuid.uuid4().hex, claim_id=claim.claim_id, expected_version=claim.version, expense=expense
        )
        stub.AddExpense(add, metadata=metadata)
        head = claims_pb2.AttachDocumentRequest.Head(
            claim_id=claim.claim_id, kind=claims_pb2.ATTACHMENT_KIND_INVOICE, name="fattura.png"
        )
        pieces = [claims_pb2.AttachDocumentRequest(head=head), claims_pb2.AttachDocumentRequest(chunk=specimen("fattura"))]
        claim = stub.AttachDocument(iter(pieces), metadata=metadata).claim
        prepare = claims_pb2.PrepareSubmissionRequest(claim_id=claim.claim_id, expected_version=claim.version)
        prepared = stub.PrepareSubmission(prepare, metadata=metadata)
        auth = authentication_pb2_grpc.AuthenticationServiceStub(to_auth)
        before = len(system.inbox.texts(known.mobile))
        step = authentication_pb2.StartStepUpRequest(
            purpose="claim", transaction_hash=prepared.transaction_hash, summary=prepared.summary
        )
        challenge = auth.StartStepUp(step, metadata=metadata).challenge
        typed = authentication_pb2.CompleteStepUpRequest(
            challenge_id=challenge.challenge_id, code=system.inbox.code(known.mobile, before + 1)
        )
        checked = auth.CompleteStepUp(typed, metadata=metadata)
        assert checked.outcome == otp_pb2.OUTCOME_APPROVED
        submit = claims_pb2.SubmitClaimRequest(
            request_id=uuid.uuid4().hex, claim_id=claim.claim_id, expected_version=claim.version, proof=checked.proof
        )
        filed = stub.SubmitClaim(submit, metadata=bearer(checked.session.token)).claim
    return filed.claim_number, checked.session.token


def changes_of(system: System, token: str) -> list[tuple[str, int]]:
    with system.channel("portal", "contact-change") as to:
        stub = contact_change_pb2_grpc.ContactChangeServiceStub(to)
        found = stub.ListChanges(contact_change_pb2.ListChangesRequest(), metadata=bearer(token)).changes
    return [(change.change_id, change.state) for change in found]


def claims_of(system: System, token: str) -> list[str]:
    with system.channel("portal", "claims") as to:
        listed = claims_pb2_grpc.ClaimsServiceStub(to).ListClaims(claims_pb2.ListClaimsRequest(), metadata=bearer(token))
    return [claim.claim_number for claim in listed.claims]


def apart(one: bytes, other: bytes) -> float:
    """How far two pictures are apart: the operator and the time stand across each, so that no two are the same."""
    first, second = (Image.open(io.BytesIO(content)).convert("L") for content in (one, other))
    assert first.size == second.size
    return float(ImageStat.Stat(ImageChops.difference(first, second)).mean[0])


def case_and_pages(system: System, operator_token: str, change_id: str) -> tuple[review_pb2.Case, list[bytes]]:
    """The case as the console reads it, and each document's first page."""
    with system.channel("console", "contact-change") as to:
        stub, metadata = review_pb2_grpc.ReviewServiceStub(to), bearer(operator_token)
        listed = stub.ListCases(review_pb2.ListCasesRequest(filter=review_pb2.CaseFilter(change_id=change_id)), metadata=metadata)
        case_id = listed.cases[0].case_id
        case = stub.GetCase(review_pb2.GetCaseRequest(case_id=case_id), metadata=metadata).case
        pages = []
        for document in case.documents:
            request = review_pb2.ReadDocumentRequest(case_id=case_id, document_id=document.document_id, page=1)
            pages.append(b"".join(part.chunk for part in stub.ReadDocument(request, metadata=metadata)))
    return case, pages


def is_live(system: System, token: str) -> bool:
    with system.channel("portal", "auth") as to_auth:
        try:
            answer = session_pb2_grpc.SessionServiceStub(to_auth).Introspect(session_pb2.IntrospectRequest(token=token))
        except grpc.RpcError:
            return False
    return bool(answer.active)


def applied(system: System, token: str, change_id: str) -> bool:
    return (change_id, contact_change_pb2.CHANGE_STATE_APPLIED) in changes_of(system, token)


@pytest.mark.timeout(900)
def test_whole_history_is_there_after_everything_was_destroyed(own_system: System, tmp_path: Path) -> None:
    system = own_system
    known = system.customers(1)[0]
    system.register(known, known.email)
    claim_number, _ = file_claim(system, known, sign_in(system, known.email, known.mobile))
    asking = system.start_sign_in(known.email).code_required.contact_change_token
    new_mobile = "+39333" + known.mobile[-7:]
    change_id, _ = file_change(system, asking, new_mobile, "altra@example.org")
    operator = system.operator("reviewer")
    operator_token = system.operator_token(operator)
    approve(system, operator_token, change_id)
    system.inbox.wait("altra@example.org")
    token = sign_in(system, known.email, new_mobile)
    case, pages = case_and_pages(system, operator_token, change_id)
    assert len(pages) == 2
    assert all(pages)
    assert applied(system, token, change_id)

    backup = tmp_path / "backup"
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    for service in ORDER:  # while everything runs
        said = system.command(service, "backup", str(backup / service), "--with-keys", "--passphrase-file", str(passphrase))
        assert "rows" in said
    key = system.environment_of("contact-change")["RECAPITO_DOCUMENT_KEYS"]
    assert not any(key.partition(":")[2].encode() in file.read_bytes() for file in backup.rglob("*") if file.is_file())
    blobs = json.loads((backup / "contact-change" / "manifest.json").read_text())["blobs"]
    assert blobs == 2

    system.down()
    for name in ("db", "blobs", "redis"):
        shutil.rmtree(system.var / name)
    for service in ORDER:
        assert "migrate" in system.command(service, "restore", str(backup / service))
        system.command(service, "migrate")
    opened = system.command(
        "claims", "open-keys", str(backup / "claims"), str(tmp_path / "keys"), "--passphrase-file", str(passphrase)
    )
    assert "RECAPITO_DOCUMENT_KEYS_FILE=" in opened
    assert (tmp_path / "keys" / "RECAPITO_DOCUMENT_KEYS").read_text() == system.environment_of("claims")["RECAPITO_DOCUMENT_KEYS"]
    system.up()

    assert not is_live(system, token)
    assert not is_live(system, operator_token)
    fresh = sign_in(system, known.email, new_mobile)
    assert is_live(system, fresh)
    assert applied(system, fresh, change_id)
    assert claims_of(system, fresh) == [claim_number]
    after, same_pages = case_and_pages(system, later(system, operator), change_id)
    front, back = same_pages
    assert apart(pages[0], front) < apart(pages[0], back)
    assert apart(pages[1], back) < apart(pages[1], front)
    assert after.form == case.form
    assert (after.decided_by, after.decision) == (case.decided_by, case.decision)
    system.command("auth", "end-all-sessions")
    assert not is_live(system, fresh)
