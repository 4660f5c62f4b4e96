"""What becomes of a filed claim: the handler watches, reads, decides, asks and closes; the customer answers or takes it back."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from recapito.claims.v1 import claims_pb2 as pb
from recapito.claims.v1 import intake_pb2 as intake

from recapito_claims.flows.answer_question import expire_questions
from recapito_servicekit.errors import Refusal
from recapito_servicekit.sql import Database
from tests.conftest import SetClock
from tests.integration.claims.claimant import COMPLETE, EXPENSE, Claims, new_request, picture, reason_of


def test_a_claim_is_delivered_as_it_was_filed_and_a_cursor_goes_on_behind_it(claims: Claims) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    first = claims.filed(anna)
    seen = claims.handler.watch()
    assert [(one.step.event, one.claim) for one in seen] == [(pb.CLAIM_EVENT_SUBMITTED, first)]
    draft = bruno.update(bruno.complete(), **{**COMPLETE, "policy_number": "POL-2"})
    second = bruno.submit(draft, claims.confirm(bruno, draft, "C-2"))
    assert [one.claim for one in claims.handler.watch(seen[-1].cursor)] == [second]
    assert [one.claim for one in claims.handler.watch()] == [first, second], "at least once, for whoever lost the cursor"
    with pytest.raises(Refusal) as refused:
        claims.handler.call("GetClaim", intake.ClaimsIntakeServiceGetClaimRequest(claim_number="D-2026-000001-0"))
    assert reason_of(refused) == "NOT_FOUND CLAIM_NOT_FOUND"
    by_number = intake.ClaimsIntakeServiceGetClaimRequest(claim_number=first.claim_number)
    assert claims.handler.call("GetClaim", by_number).claim.claim_id == first.claim_id


def test_a_draft_is_not_there_for_the_handler(claims: Claims) -> None:
    draft = claims.sign_in().complete()
    assert claims.handler.watch() == []
    handler = claims.handler
    acts: list[Callable[[], object]] = [
        lambda: handler.get(draft),
        lambda: handler.decide(draft, pb.EXPENSE_STATE_PAID),
        lambda: handler.ask(draft),
        lambda: handler.close(draft),
        lambda: handler.read(draft, draft.attachments[0].attachment_id),
    ]
    for act in acts:
        with pytest.raises(Refusal) as refused:
            act()
        assert reason_of(refused) == "NOT_FOUND CLAIM_NOT_FOUND"


def test_an_attachment_comes_with_its_checksum(claims: Claims) -> None:
    claim = claims.filed(claims.sign_in())
    head, data = claims.handler.read(claim, claim.attachments[0].attachment_id)
    assert (head.media_type, head.size, head.name) == ("image/png", len(data), "fattura.png")
    assert head.sha256 == hashlib.sha256(data).hexdigest()
    with pytest.raises(Refusal) as refused:
        claims.handler.read(claim, "0" * 32)
    assert reason_of(refused) == "NOT_FOUND ATTACHMENT_NOT_FOUND"


def test_decisions_open_a_claim_and_only_final_ones_let_it_close(claims: Claims, clock: SetClock) -> None:
    anna, handler = claims.sign_in(), claims.handler
    draft = anna.add_expense(anna.complete(), **{**EXPENSE, "document_number": "13"})
    claim = anna.submit(draft, claims.confirm(anna, draft))
    opened = handler.decide(claim, pb.EXPENSE_STATE_REIMBURSABLE)
    assert (opened.state, opened.version) == (pb.CLAIM_STATE_OPEN, claim.version + 1)
    assert handler.decide(claim, pb.EXPENSE_STATE_REIMBURSABLE) == opened, "the same again changes nothing"
    with pytest.raises(Refusal) as refused:
        handler.close(claim)
    assert reason_of(refused) == "FAILED_PRECONDITION EXPENSES_NOT_FINAL"
    assert set(refused.value.metadata["expenses"].split(",")) == {expense.expense_id for expense in claim.expenses}
    handler.decide(claim, pb.EXPENSE_STATE_PAID)
    with pytest.raises(Refusal) as unreasoned:
        handler.decide(pb.Claim(claim_id=claim.claim_id, expenses=claim.expenses[1:]), pb.EXPENSE_STATE_REFUSED)
    assert [(one.field, one.reason) for one in unreasoned.value.violations] == [("reason", "REQUIRED")]
    handler.decide(pb.Claim(claim_id=claim.claim_id, expenses=claim.expenses[1:]), pb.EXPENSE_STATE_REFUSED, "non coperta")
    with pytest.raises(Refusal) as final:
        handler.decide(claim, pb.EXPENSE_STATE_SUSPENDED, "manca la firma")
    assert reason_of(final) == "FAILED_PRECONDITION EXPENSE_FINAL"
    closed = handler.close(claim)
    assert (closed.state, handler.close(claim)) == (pb.CLAIM_STATE_CLOSED, closed)
    seen = anna.get(claim)
    assert [(expense.state, expense.reason) for expense in seen.expenses] == [
        (pb.EXPENSE_STATE_PAID, ""),
        (pb.EXPENSE_STATE_REFUSED, "non coperta"),
    ]
    assert [step.event for step in seen.history] == [
        pb.CLAIM_EVENT_SUBMITTED,
        *[pb.CLAIM_EVENT_EXPENSE_UPDATED] * 3,
        pb.CLAIM_EVENT_CLOSED,
    ]
    acts: list[Callable[[], object]] = [lambda: handler.ask(claim), lambda: anna.withdraw(claim)]
    for act in acts:
        with pytest.raises(Refusal) as over:
            act()
        assert reason_of(over) == "FAILED_PRECONDITION CLAIM_OVER"


def test_a_question_is_answered_once_with_words_or_documents(claims: Claims, clock: SetClock) -> None:
    anna, handler = claims.sign_in(), claims.handler
    claim = claims.filed(anna)
    with pytest.raises(Refusal) as closed:
        anna.attach(claim, picture(9))
    assert reason_of(closed) == "FAILED_PRECONDITION NOT_A_DRAFT"
    clock.forward(minutes=1)
    request_id = new_request()
    asked = handler.ask(claim, "Quale medico?", request_id)
    assert handler.ask(claim, "Quale medico?", request_id) == asked
    with pytest.raises(Refusal) as reused:
        handler.ask(claim, "Quale ospedale?", request_id)
    assert [one.reason for one in reused.value.violations] == ["REUSED"]
    (question,) = asked.questions
    assert (asked.state, question.text) == (pb.CLAIM_STATE_WAITING_FOR_CUSTOMER, "Quale medico?")
    assert question.due_at.ToDatetime().date() == (clock.now + timedelta(days=30)).date()
    acts: list[Callable[[], object]] = [lambda: handler.ask(claim), lambda: handler.close(claim)]
    for act in acts:
        with pytest.raises(Refusal):
            act()
    with pytest.raises(Refusal) as empty:
        anna.answer(claim, question.question_id, " ")
    assert [(one.field, one.reason) for one in empty.value.violations] == [("text", "REQUIRED")]
    anna.attach(claim, picture(9), pb.ATTACHMENT_KIND_PRESCRIPTION)
    answer_id = new_request()
    answered = anna.answer(claim, question.question_id, "", answer_id)
    assert (answered.state, len(answered.attachments)) == (pb.CLAIM_STATE_OPEN, 2)
    assert anna.answer(claim, question.question_id, "", answer_id) == answered
    with pytest.raises(Refusal) as other:
        anna.answer(claim, question.question_id, "Altro", answer_id)
    assert [one.reason for one in other.value.violations] == ["REUSED"]
    with pytest.raises(Refusal) as again:
        anna.answer(claim, question.question_id, "altro")
    assert reason_of(again) == "FAILED_PRECONDITION NO_QUESTION"
    assert [one.step.event for one in handler.watch()][-2:] == [pb.CLAIM_EVENT_DOCUMENT_ADDED, pb.CLAIM_EVENT_QUESTION_ANSWERED]


def test_a_suspended_expense_takes_documents(claims: Claims) -> None:
    anna = claims.sign_in()
    claim = claims.filed(anna)
    claims.handler.decide(claim, pb.EXPENSE_STATE_SUSPENDED, "manca la prescrizione")
    assert len(anna.attach(claim, picture(9), pb.ATTACHMENT_KIND_PRESCRIPTION).attachments) == 2


def test_a_question_s_time_ends(claims: Claims, clock: SetClock) -> None:
    anna = claims.sign_in()
    claim = claims.filed(anna)
    for wrong in (clock.now, clock.now + timedelta(days=400)):
        with pytest.raises(Refusal) as refused:
            claims.handler.ask(claim, due_at=wrong)
        assert [one.field for one in refused.value.violations] == ["due_at"]
    asked = claims.handler.ask(claim, due_at=clock.now + timedelta(days=2))
    database = Database(claims.settings.database_url, 1)
    assert expire_questions(database, clock) == 0
    clock.forward(days=2)
    assert (expire_questions(database, clock), expire_questions(database, clock)) == (1, 0)
    database.close()
    late = claims.sign_in()
    with pytest.raises(Refusal) as over:
        late.answer(claim, asked.questions[0].question_id, "eccomi")
    assert reason_of(over) == "FAILED_PRECONDITION NO_QUESTION"
    seen = late.get(claim)
    assert (seen.state, seen.questions[0].expired) == (pb.CLAIM_STATE_OPEN, True)


def test_a_claim_is_taken_back_unless_some_of_it_was_paid(claims: Claims) -> None:
    anna, handler = claims.sign_in(), claims.handler
    claim, paid = claims.filed(anna), claims.filed(anna)
    handler.ask(claim)
    withdrawn = anna.withdraw(claim)
    assert (withdrawn.state, anna.withdraw(claim)) == (pb.CLAIM_STATE_WITHDRAWN, withdrawn)
    with pytest.raises(Refusal) as over:
        handler.decide(claim, pb.EXPENSE_STATE_PAID)
    assert reason_of(over) == "FAILED_PRECONDITION CLAIM_OVER"
    handler.decide(paid, pb.EXPENSE_STATE_PAID)
    with pytest.raises(Refusal) as refused:
        anna.withdraw(paid)
    assert reason_of(refused) == "FAILED_PRECONDITION EXPENSE_PAID"
    with pytest.raises(Refusal) as draft:
        anna.withdraw(anna.create())
    assert reason_of(draft) == "FAILED_PRECONDITION NOT_FILED"


def test_what_was_claimed_before_is_told_before_and_after(claims: Claims) -> None:
    anna, bruno = claims.sign_in("C-1"), claims.sign_in("C-2")
    first = claims.filed(anna)
    draft = anna.add_expense(anna.complete(), **{**EXPENSE, "provider": "studio ROSSI"})
    told = anna.prepare(draft).duplicates
    ids = [expense.expense_id for expense in draft.expenses]
    assert {(one.expense_id, one.claim_number) for one in told} >= {(ids[1], ""), (ids[1], first.claim_number)}
    theirs = bruno.update(bruno.complete(), **{**COMPLETE, "policy_number": "POL-2"})
    assert not bruno.prepare(theirs).duplicates, "nobody learns what others claimed"
    filed = bruno.submit(theirs, claims.confirm(bruno, theirs, "C-2"))
    assert [one.claim_number for one in claims.handler.get(filed).duplicates] == [first.claim_number]
    anna.withdraw(first)
    assert not claims.handler.get(filed).duplicates


def test_a_replay_gives_the_receipt_whatever_became_of_the_claim(claims: Claims) -> None:
    anna, handler = claims.sign_in(), claims.handler
    draft = anna.complete()
    proof, request_id = claims.confirm(anna, draft), new_request()
    receipt = anna.submit(draft, proof, request_id)
    handler.decide(receipt, pb.EXPENSE_STATE_SUSPENDED, "manca la prescrizione")
    anna.attach(receipt, picture(9))
    handler.ask(receipt)
    assert anna.submit(draft, proof, request_id) == receipt


def test_a_frozen_customer_files_nothing_and_keeps_the_draft(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    proof = claims.confirm(anna, draft)
    claims.auth.customers.frozen.add("C-1")
    with pytest.raises(Refusal) as refused:
        anna.submit(draft, proof)
    assert reason_of(refused) == "FAILED_PRECONDITION CUSTOMER_FROZEN"
    claims.auth.customers.frozen.clear()
    assert anna.submit(draft, proof).claim_number


def test_parts_are_taken_out_and_a_draft_is_thrown_away_with_its_documents(claims: Claims) -> None:
    anna = claims.sign_in()
    draft = anna.complete()
    fewer = anna.remove_expense(draft)
    assert not fewer.expenses
    assert anna.remove_expense(fewer) == fewer
    fewer = anna.remove_attachment(pb.Claim(claim_id=draft.claim_id, version=fewer.version, attachments=draft.attachments))
    assert not fewer.attachments
    assert not list(claims.settings.blob_dir.iterdir())
    request_id = new_request()
    other = anna.attach(anna.create(request_id), picture())
    anna.discard(other)
    anna.discard(other)
    assert not list(claims.settings.blob_dir.iterdir())
    acts: list[Callable[[], object]] = [lambda: anna.get(other), lambda: anna.create(request_id)]
    for act in acts:
        with pytest.raises(Refusal) as gone:
            act()
        assert reason_of(gone) == "NOT_FOUND CLAIM_NOT_FOUND"
    filed = claims.filed(anna)
    with pytest.raises(Refusal) as refused:
        anna.discard(filed)
    assert reason_of(refused) == "FAILED_PRECONDITION NOT_A_DRAFT"


def test_who_holds_an_older_version_is_told_what_changed(claims: Claims) -> None:
    anna = claims.sign_in()
    old = anna.create(**COMPLETE)
    draft = anna.update(old, **{**COMPLETE, "iban": "DE89370400440532013000"})
    anna.attach(anna.add_expense(draft, **EXPENSE), picture())
    with pytest.raises(Refusal) as refused:
        anna.update(old, **{**COMPLETE, "description": "altro"})
    assert reason_of(refused) == "ABORTED VERSION_CHANGED"
    assert refused.value.metadata == {"version": "4", "changed": "attachments,details.iban,expenses"}
