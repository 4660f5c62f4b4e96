"""What a code confirms, and the claim's number."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapito_claims.domain import duplicates, filing
from recapito_claims.domain.claim import AttachmentKind, Claim
from tests.unit.claims.builders import DETAILS, EXPENSE, INVOICE, a_claim

DIGITS = st.text(alphabet="0123456789", min_size=1, max_size=12)


def test_the_number_is_readable_and_ends_in_a_check_digit() -> None:
    assert filing.claim_number(2026, 123) == f"D-2026-000123-{filing.check_digit('2026000123')}"


def test_the_check_digit_is_the_standards() -> None:
    assert filing.check_digit("0794") == 5  # ISO 7064 MOD 11,10: 07945 is right


@given(DIGITS, st.data())
def test_the_check_digit_notices_every_single_wrong_digit(digits: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[at]]))
    assert filing.check_digit(digits[:at] + wrong + digits[at + 1 :]) != filing.check_digit(digits)


def test_the_hash_does_not_depend_on_the_order_of_the_parts() -> None:
    other = replace(EXPENSE, expense_id="f" * 32)
    forth, back = a_claim(expenses=(EXPENSE, other)), a_claim(expenses=(other, EXPENSE))
    assert filing.transaction_hash(forth) == filing.transaction_hash(back)


@pytest.mark.parametrize(
    "changed",
    [
        a_claim(version=4),
        a_claim(customer_id="C-2"),
        a_claim(claim_id="d" * 32),
        a_claim(details=replace(DETAILS, iban="DE89370400440532013000")),
        a_claim(details=replace(DETAILS, description="altro")),
        a_claim(expenses=(replace(EXPENSE, cents=12_346),)),
        a_claim(expenses=(EXPENSE, replace(EXPENSE, expense_id="f" * 32))),
        a_claim(attachments=(replace(INVOICE, sha256="1" * 64),)),
        a_claim(attachments=(replace(INVOICE, kind=AttachmentKind.CLINICAL_RECORD),)),
    ],
)
def test_the_hash_changes_with_whatever_is_filed(changed: Claim) -> None:
    assert filing.transaction_hash(changed) != filing.transaction_hash(a_claim())


def test_the_summary_says_amount_and_account() -> None:
    assert filing.summary(a_claim(), "it") == "denuncia 123,45 EUR, IBAN …3456"
    assert filing.summary(a_claim(), "en") == "claim 123.45 EUR, IBAN …3456"


@given(st.lists(st.integers(1, 999_999_999), min_size=1, max_size=30))
def test_the_summary_fits_a_text_message(amounts: list[int]) -> None:
    expenses = tuple(replace(EXPENSE, cents=amount) for amount in amounts)
    assert len(filing.summary(a_claim(expenses=expenses), "it")) <= 60


@given(st.integers(2000, 9999), st.integers(1, 99_999_999))
def test_a_number_of_ours_is_known_as_one(year: int, serial: int) -> None:
    assert not filing.number_fault(filing.claim_number(year, serial))


@pytest.mark.parametrize(
    "number", ["", "D-", "D-2026-000001-4", "E-2026-000001-5", "D-2026-1-5", "D-2026-00000x-5", "D2026-000001-5"]
)
def test_a_number_that_cannot_be_right_is_noticed(number: str) -> None:
    assert filing.number_fault(number)


def test_what_looks_alike_has_one_fingerprint() -> None:
    again = replace(EXPENSE, expense_id="f" * 32, provider="STUDIO  ROSSI.", document_number="12-2026")
    assert duplicates.fingerprint(again) == duplicates.fingerprint(EXPENSE)
    for change in (
        {"provider": "Studio Bianchi"},
        {"document_number": "13"},
        {"cents": 1},
        {"document_date": date(2026, 11, 20)},
    ):
        assert duplicates.fingerprint(replace(EXPENSE, **change)) != duplicates.fingerprint(EXPENSE)
    assert duplicates.fingerprint(replace(EXPENSE, document_number="")) == ""
    assert [one.expense_id for one in duplicates.within((EXPENSE, again))] == ["f" * 32]
