"""Filing: what was confirmed is what is filed, once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pypdfium2
import pytest
from recapito.claims.v1 import claims_pb2 as pb

from recapito_claims.domain.filing import check_digit
from recapito_claims.store import claims as store
from recapito_servicekit.errors import Refusal
from recapito_servicekit.times import from_timestamp
from tests.conftest import SetClock
from tests.integration.claims.claimant import COMPLETE, EXPENSE, Claims, Customer, new_request, picture, reason_of


def filed(claims: Claims, customer: Customer) -> pb.Claim:
    """A claim that the customer has just filed."""
    draft = customer.complete()
    return customer.submit(draft, claims.confirm(customer, draft))


def test_a_confirmed_draft_is_filed_and_listed(claims: Claims, clock: SetClock) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    prepared = anna.prepare(draft)
    assert prepared.summary == "denuncia 123,45 EUR, IBAN …3456"
    assert len(bytes.fromhex(prepared.transaction_hash)) == 32
    receipt = anna.submit(draft, claims.otp.approve("C-1", prepared.transaction_hash))
    assert receipt.state == pb.CLAIM_STATE_SUBMITTED
    assert receipt.claim_number == f"D-2026-000001-{check_digit('2026000001')}"
    assert from_timestamp(receipt.submitted_at) == clock.now
    assert (receipt.version, receipt.late_notice, receipt.total) == (draft.version + 1, False, "123.45")
    assert [expense.state for expense in receipt.expenses] == [pb.EXPENSE_STATE_SUBMITTED]
    assert [step.event for step in receipt.history] == [pb.CLAIM_EVENT_SUBMITTED]
    receipt.ClearField("history")  # lists are without
    assert list(anna.call("ListClaims", pb.ListClaimsRequest()).claims) == [receipt]


def test_what_a_code_confirms_is_said_in_the_customers_language(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    monkeypatch.setattr(claims.auth.customers, "language", "en-GB")
    assert anna.prepare(draft).summary == "claim 123.45 EUR, IBAN …3456"


def test_numbers_follow_each_other_and_start_anew_each_italian_year(claims: Claims, clock: SetClock) -> None:
    serials = [filed(claims, claims.sign_in()).claim_number[:13] for _ in range(2)]
    clock.now = clock.now.replace(month=12, day=31, hour=23, minute=30)  # it is 2027 in Italy
    assert [*serials, filed(claims, claims.sign_in()).claim_number[:13]] == ["D-2026-000001", "D-2026-000002", "D-2027-000001"]


def test_all_faults_are_told_together(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.create(event_date="2024-11-21", policy_number="POL-2")
    draft = anna.add_expense(draft, amount="5")
    draft = anna.attach(draft, picture(), kind=pb.ATTACHMENT_KIND_PRESCRIPTION)
    expected = {
        "details.kind": "REQUIRED",
        "details.event_date": "TIME_BARRED",
        "details.policy_number": "POLICY_UNKNOWN",
        "details.iban": "REQUIRED",
        "details.iban_holder": "REQUIRED",
        "details.beneficiary.kinship": "REQUIRED",
        "details.other_insurance.exists": "REQUIRED",
        "details.declarations": "DECLARATIONS_REQUIRED",
        "attachments": "INVOICE_REQUIRED",
        "expenses[0].category": "REQUIRED",
        "expenses[0].provider": "REQUIRED",
        "expenses[0].document_number": "REQUIRED",
        "expenses[0].document_date": "REQUIRED",
    }
    for refused in (lambda: anna.prepare(draft), lambda: anna.submit(draft, "proof")):
        with pytest.raises(Refusal) as told:
            refused()
        assert {fault.field: fault.reason for fault in told.value.violations} == expected


def test_a_time_barred_event_is_refused_with_its_reason(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    draft = anna.update(draft, **{**COMPLETE, "event_date": "2024-11-21"})
    with pytest.raises(Refusal) as refused:
        anna.prepare(draft)
    assert reason_of(refused) == "INVALID_ARGUMENT TIME_BARRED"


def test_late_notice_is_flagged_and_filed(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.update(anna.complete(), **{**COMPLETE, "event_date": "2026-11-18"})
    assert anna.submit(draft, claims.confirm(anna, draft)).late_notice


def test_a_repeated_submission_gives_the_same_receipt(claims: Claims, clock: SetClock) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof, request_id = claims.confirm(anna, draft), new_request()
    receipt = anna.submit(draft, proof, request_id)
    clock.forward(minutes=5)
    held = claims.sign_in(claims_held_until=clock.now + timedelta(hours=1))
    assert anna.submit(draft, proof, request_id) == receipt
    assert held.submit(draft, "another proof", request_id) == receipt


def test_parallel_submissions_of_one_request_get_one_number(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof, request_id = claims.confirm(anna, draft), new_request()
    together = threading.Barrier(8)

    def one(_: int) -> pb.Claim:
        together.wait(60)
        return anna.submit(draft, proof, request_id)

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(one, range(8)))
    assert all(receipt == receipts[0] for receipt in receipts)
    assert filed(claims, anna).claim_number.startswith("D-2026-000002")


def test_parallel_submissions_of_many_claims_get_numbers_of_their_own(claims: Claims) -> None:
    anna = claims.sign_in()
    drafts = [(draft, claims.confirm(anna, draft)) for draft in (anna.complete() for _ in range(6))]
    with ThreadPoolExecutor(6) as pool:
        numbers = {claim.claim_number for claim in pool.map(lambda pair: anna.submit(*pair), drafts)}
    assert len(numbers) == 6


def test_a_filed_claim_is_not_filed_again_nor_changed(claims: Claims) -> None:
    anna = claims.sign_in()
    receipt = filed(claims, anna)
    for change in (
        lambda: anna.submit(receipt, "proof"),
        lambda: anna.prepare(receipt),
        lambda: anna.update(receipt, **COMPLETE),
        lambda: anna.add_expense(receipt, **EXPENSE),
        lambda: anna.attach(receipt, picture(7)),
    ):
        with pytest.raises(Refusal) as refused:
            change()
        assert reason_of(refused) == "FAILED_PRECONDITION NOT_A_DRAFT"
    assert anna.get(receipt) == receipt


def test_a_proof_that_another_request_spent_is_refused(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise OSError

    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.confirm(anna, draft)
    request_id = new_request()
    with monkeypatch.context() as patch:
        patch.setattr(store, "file", die)  # as if the service had died between the proof and the filing
        with pytest.raises(Refusal) as died:
            anna.submit(draft, proof, request_id)
    assert reason_of(died) == "INTERNAL INTERNAL"
    with pytest.raises(Refusal) as refused:
        anna.submit(draft, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION PROOF_USED"
    # the request that spent it is taken to its end, and the number that was rolled back is given now
    assert anna.submit(draft, proof, request_id).claim_number.startswith("D-2026-000001")


def test_a_proof_over_another_claim_is_refused(claims: Claims) -> None:
    anna = claims.sign_in()
    one, other = anna.complete(), anna.complete()
    proof = claims.confirm(anna, one)
    with pytest.raises(Refusal) as refused:
        anna.submit(other, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION PROOF_NOT_VALID"
    assert anna.submit(one, proof).claim_number


@pytest.mark.parametrize("approved", [{"purpose": "step_up"}, {"customer_id": "C-2"}, {"issued_by": "internal"}])
def test_a_proof_of_another_purpose_person_or_issuer_is_refused(claims: Claims, approved: dict[str, str]) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.otp.approve(**{"customer_id": "C-1", "transaction_hash": anna.prepare(draft).transaction_hash, **approved})
    with pytest.raises(Refusal) as refused:
        anna.submit(draft, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION PROOF_NOT_VALID"
    assert anna.get(draft) == draft


def test_a_draft_that_changed_after_it_was_prepared_is_refused(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.confirm(anna, draft)
    changed = anna.update(draft, **{**COMPLETE, "iban": "DE89370400440532013000"})
    with pytest.raises(Refusal) as late:
        anna.submit(draft, proof)
    assert reason_of(late) == "ABORTED VERSION_CHANGED"
    with pytest.raises(Refusal) as unconfirmed:
        anna.submit(changed, proof)
    assert reason_of(unconfirmed) == "FAILED_PRECONDITION PROOF_NOT_VALID"
    with pytest.raises(Refusal) as stale:
        anna.prepare(draft)
    assert reason_of(stale) == "ABORTED VERSION_CHANGED"


def test_a_draft_changed_back_is_not_the_one_that_was_confirmed(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.confirm(anna, draft)
    back = anna.update(anna.update(draft, **{**COMPLETE, "description": "altro"}), **COMPLETE)
    with pytest.raises(Refusal) as refused:
        anna.submit(back, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION PROOF_NOT_VALID"


def test_held_claims_say_until_when_and_spend_no_proof(claims: Claims, clock: SetClock) -> None:
    until = clock.now + timedelta(minutes=20)
    held = claims.sign_in(claims_held_until=until)
    draft = held.complete()
    proof = claims.confirm(held, draft)
    with pytest.raises(Refusal) as refused:
        held.submit(draft, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION CLAIMS_HELD"
    assert refused.value.metadata == {"until": "2026-11-22T10:20:00Z"}
    clock.forward(minutes=20)
    free = claims.sign_in(claims_held_until=until)
    assert free.submit(draft, proof).claim_number


def test_an_old_session_must_confirm_anew_before_it_files(claims: Claims, clock: SetClock) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.confirm(anna, draft)
    clock.forward(minutes=11)
    with pytest.raises(Refusal) as refused:
        anna.submit(draft, proof)
    assert reason_of(refused) == "UNAUTHENTICATED STEP_UP_REQUIRED"
    assert claims.sign_in().submit(draft, proof).claim_number


def test_the_receipt_is_a_pdf_that_says_what_was_filed(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.add_expense(anna.complete(), **{**EXPENSE, "provider": "Studio 陳 & <b>Łódź</b>"})
    with pytest.raises(Refusal) as refused:
        anna.receipt(draft)
    assert reason_of(refused) == "FAILED_PRECONDITION NOT_FILED"
    claim = anna.submit(draft, claims.confirm(anna, draft))
    for language, title in (("", "Ricevuta di denuncia"), ("en-GB", "Receipt of a claim")):
        pages = pypdfium2.PdfDocument(anna.receipt(claim, language))
        text = pages[0].get_textpage().get_text_bounded()
        for part in (title, claim.claim_number, "Studio Rossi", "& <b>Łódź</b>", "POL-1"):
            assert part in text
        assert "246,90" in text or language
        assert "IT60X0542811101000000123456" not in text
