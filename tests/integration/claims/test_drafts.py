"""Drafts: opened, changed and filled by their customer, once each."""

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from recapito.claims.v1 import claims_pb2 as pb

from recapito_claims.domain.claim import MOST_ATTACHMENTS, MOST_EXPENSES
from recapito_servicekit.errors import Refusal
from tests.integration.claims.claimant import COMPLETE, EXPENSE, Claims, new_request, picture, reason_of

T = TypeVar("T")


def at_once(times: int, call: Callable[[], T]) -> list[T]:
    """What ``times`` parallel calls answer."""
    together = threading.Barrier(times)

    def one(_: int) -> T:
        together.wait(60)
        return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_a_draft_may_be_empty_and_is_read_back(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    assert (draft.state, draft.version, draft.claim_number, draft.total) == (pb.CLAIM_STATE_DRAFT, 1, "", "0.00")
    assert anna.get(draft) == draft


def test_the_same_request_opens_one_draft_also_in_parallel(claims: Claims) -> None:
    anna = claims.sign_in()
    request_id = new_request()
    opened = at_once(8, lambda: anna.create(request_id, **COMPLETE))
    assert len({draft.claim_id for draft in opened}) == 1
    assert len(anna.call("ListClaims", pb.ListClaimsRequest()).claims) == 1


def test_two_customers_may_use_the_same_request_id(claims: Claims) -> None:
    request_id = new_request()
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    assert anna.create(request_id).claim_id != bruno.create(request_id).claim_id


def test_details_are_replaced_whole_and_kept_in_one_form(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.update(anna.create(description="prima"), **{**COMPLETE, "description": ""})
    assert draft.version == 2
    assert draft.details == pb.ClaimDetails(**{**COMPLETE, "description": "", "iban": "IT60X0542811101000000123456"})


def test_a_repeated_update_is_answered_and_a_late_one_refused(claims: Claims) -> None:
    anna = claims.sign_in()
    first = anna.create()
    second = anna.update(first, **COMPLETE)
    assert anna.update(first, **COMPLETE) == second
    with pytest.raises(Refusal) as refused:
        anna.update(first, description="altro")
    assert reason_of(refused) == "ABORTED VERSION_CHANGED"
    assert anna.get(first) == second


def test_malformed_details_are_told_together_and_change_nothing(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    with pytest.raises(Refusal) as refused:
        anna.update(draft, kind=77, event_date="2026-02-30", iban="IT60X0542811101000000123457", iban_holder="a\x07b")
    assert {fault.field: fault.reason for fault in refused.value.violations} == {
        "details.kind": "KIND_UNKNOWN",
        "details.event_date": "DATE_INVALID",
        "details.iban": "IBAN_INVALID",
        "details.iban_holder": "CHARACTERS_NOT_ALLOWED",
    }
    assert anna.get(draft) == draft


def test_expenses_add_up_exactly(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    for amount in ("0.10", "0.2", "1234567.89"):
        draft = anna.add_expense(draft, **{**EXPENSE, "amount": amount})
    assert [expense.amount for expense in draft.expenses] == ["0.10", "0.20", "1234567.89"]
    assert (draft.total, draft.version) == ("1234568.19", 4)


def test_the_same_request_adds_one_expense_also_in_parallel(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    request_id = new_request()
    answers = at_once(8, lambda: anna.add_expense(draft, request_id, **EXPENSE))
    assert {answer.expenses[0].expense_id for answer in answers} == {anna.get(draft).expenses[0].expense_id}
    assert (len(anna.get(draft).expenses), anna.get(draft).version) == (1, 2)
    assert anna.add_expense(anna.get(draft), request_id, **EXPENSE).version == 2
    with pytest.raises(Refusal) as reused:
        anna.add_expense(anna.get(draft), request_id, **{**EXPENSE, "amount": "9.99"})
    assert [(one.field, one.reason) for one in reused.value.violations] == [("request_id", "REUSED")]


def test_parallel_expenses_of_one_version_are_added_once(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()

    def one() -> str:
        try:
            return anna.add_expense(draft, **EXPENSE).claim_id
        except Refusal as refusal:
            return refusal.reason

    assert sorted(at_once(6, one)) == sorted([draft.claim_id, *["VERSION_CHANGED"] * 5])
    assert len(anna.get(draft).expenses) == 1


def test_a_draft_holds_only_so_many_expenses(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    for _ in range(MOST_EXPENSES):
        draft = anna.add_expense(draft, **EXPENSE)
    with pytest.raises(Refusal) as refused:
        anna.add_expense(draft, **EXPENSE)
    assert reason_of(refused) == "INVALID_ARGUMENT TOO_MANY_EXPENSES"


def test_an_attachment_is_kept_encrypted_and_described(claims: Claims) -> None:
    anna = claims.sign_in()
    data = picture()
    draft = anna.attach(anna.create(), data, name="../../fattura.png")
    (attachment,) = draft.attachments
    assert (attachment.name, attachment.media_type, attachment.size) == ("fattura.png", "image/png", len(data))
    assert draft.version == 2
    kept = list(claims.settings.blob_dir.iterdir())
    assert len(kept) == 1
    assert b"PNG" not in kept[0].read_bytes()


def test_the_same_document_again_adds_nothing_and_leaves_nothing(claims: Claims) -> None:
    anna = claims.sign_in()
    first = anna.attach(anna.create(), picture())
    assert {answer.attachments[0].attachment_id for answer in at_once(3, lambda: anna.attach(first, picture()))} == {
        first.attachments[0].attachment_id
    }
    assert anna.get(first) == first
    assert len(list(claims.settings.blob_dir.iterdir())) == 1


def test_a_draft_holds_only_so_many_attachments(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    for shade in range(MOST_ATTACHMENTS):
        draft = anna.attach(draft, picture(shade))
    with pytest.raises(Refusal) as refused:
        anna.attach(draft, picture(MOST_ATTACHMENTS))
    assert reason_of(refused) == "INVALID_ARGUMENT TOO_MANY"
    assert len(list(claims.settings.blob_dir.iterdir())) == MOST_ATTACHMENTS


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"MZ" + bytes(100), "DOCUMENT_TYPE_NOT_ALLOWED"), (b"", "DOCUMENT_EMPTY"), (bytes(9 * 2**20), "DOCUMENT_TOO_LARGE")],
)
def test_a_document_that_cannot_be_taken_is_told(claims: Claims, data: bytes, reason: str) -> None:
    anna = claims.sign_in()
    draft = anna.create()
    with pytest.raises(Refusal) as refused:
        anna.attach(draft, data)
    assert [(fault.field, fault.reason) for fault in refused.value.violations] == [("document", reason)]
    assert anna.get(draft) == draft
    assert not list(claims.settings.blob_dir.iterdir())


def test_an_upload_must_start_with_its_head_and_have_only_one(claims: Claims) -> None:
    anna = claims.sign_in()
    head = pb.AttachDocumentRequest(
        head=pb.AttachDocumentRequest.Head(claim_id=anna.create().claim_id, kind=pb.ATTACHMENT_KIND_INVOICE)
    )
    chunk = pb.AttachDocumentRequest(chunk=picture())
    for messages, field in (([chunk], "head"), ([], "head"), ([head, head, chunk], "chunk")):
        with pytest.raises(Refusal) as refused:
            anna.call("AttachDocument", iter(messages))
        assert [fault.field for fault in refused.value.violations] == [field]


def test_an_attachment_needs_a_kind(claims: Claims) -> None:
    anna = claims.sign_in()
    with pytest.raises(Refusal) as refused:
        anna.attach(anna.create(), picture(), kind=pb.ATTACHMENT_KIND_UNSPECIFIED)
    assert [fault.field for fault in refused.value.violations] == ["head.kind"]


def test_the_list_has_the_newest_first_in_pages(claims: Claims) -> None:
    anna = claims.sign_in()
    opened = [anna.create().claim_id for _ in range(5)]  # the clock stands still: equal instants must not lose any
    seen: list[str] = []
    token = ""
    for _ in range(3):
        answer = anna.call("ListClaims", pb.ListClaimsRequest(page_size=2, page_token=token))
        seen += [claim.claim_id for claim in answer.claims]
        token = answer.next_page_token
    assert sorted(seen) == sorted(opened)
    assert token == ""


FORGED = base64.urlsafe_b64encode(f"0001-01-01T00:00:00+14:00/{'a' * 32}".encode()).decode()


@pytest.mark.parametrize(
    "request_", [{"page_size": 101}, {"page_size": -1}, {"page_token": "x"}, {"page_token": "AAAA"}, {"page_token": FORGED}]
)
def test_a_page_that_cannot_be_is_refused(claims: Claims, request_: dict[str, object]) -> None:
    with pytest.raises(Refusal) as refused:
        claims.sign_in().call("ListClaims", pb.ListClaimsRequest(**request_))  # type: ignore[arg-type]
    assert [fault.field for fault in refused.value.violations] == list(request_)


@pytest.mark.parametrize("request_id", ["", "r" * 65, "r\x00"])
def test_a_request_needs_an_id(claims: Claims, request_id: str) -> None:
    with pytest.raises(Refusal) as refused:
        claims.sign_in().call("CreateDraft", pb.CreateDraftRequest(request_id=request_id))
    assert [fault.field for fault in refused.value.violations] == ["request_id"]
