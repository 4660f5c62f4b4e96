"""What a form may say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapito_contact_change.form import DocumentType, FiledForm, Reason, TypedForm, check, document_number
from recapito_servicekit.errors import Violation

TODAY = date(2026, 11, 22)
GOOD = TypedForm(
    request_id="r1",
    reason=Reason.NO_MOBILE,
    new_mobile="347.765.4321",
    mobile_proof="proof",
    notify_email="Anna@Posta.test",
    document_type=DocumentType.IDENTITY_CARD,
    document_number="ca12345aa",
    document_issuer=" Comune  di Lodi ",
    document_issued_on="2024-05-06",
    document_expires_on="2034-03-01",
    document_ids=("d1", "d2"),
)


def faults(form: TypedForm, *, on_file: str = "", pages: Sequence[int] | None = (1, 1), proof: bool = True) -> dict[str, str]:
    found = check(form, on_file, pages, TODAY, need_proof=proof)
    assert isinstance(found, tuple), "the form was taken"
    assert all(isinstance(one, Violation) for one in found)
    return {one.field: one.reason for one in found}


def taken(form: TypedForm, *, pages: Sequence[int] = (1, 1), proof: bool = True) -> FiledForm:
    found = check(form, "", pages, TODAY, need_proof=proof)
    assert isinstance(found, FiledForm), found
    return found


def test_a_good_form_is_mended() -> None:
    filed = taken(GOOD)
    assert (filed.new_mobile, filed.notify_email) == ("+393477654321", "anna@posta.test")
    assert (filed.document.number, filed.document.issuer) == ("CA12345AA", "Comune di Lodi")


def test_an_empty_form_is_told_every_fault_together() -> None:
    empty = TypedForm("", None, "", "", "", None, "", "", "", "", ())
    assert faults(empty) == {
        "request_id": "LENGTH",
        "reason": "MISSING",
        "new_mobile": "EMPTY",
        "notify_email": "EMPTY",
        "mobile_proof": "MISSING",
        "identity_document.type": "MISSING",
        "identity_document.issuer": "LENGTH",
        "identity_document.issued_on": "MISSING",
        "identity_document.expires_on": "MISSING",
        "document_ids": "MISSING",
    }


@pytest.mark.parametrize(
    ("type", "number", "kept"),
    [
        (DocumentType.IDENTITY_CARD, "CA 12345 AA", "CA12345AA"),
        (DocumentType.IDENTITY_CARD, "1234567aa", "1234567AA"),
        (DocumentType.IDENTITY_CARD, "AA-1234567", "AA1234567"),
        (DocumentType.IDENTITY_CARD, "XA12345AA", None),
        (DocumentType.IDENTITY_CARD, "CA1234AA", None),
        (DocumentType.IDENTITY_CARD, "CA12345AA0", None),
        (DocumentType.PASSPORT, "YA1234567", "YA1234567"),
        (DocumentType.PASSPORT, "CA12345AA", None),
        (DocumentType.PASSPORT, "YA123456７", None),
        (DocumentType.DRIVING_LICENCE, "AA0123456B", "AA0123456B"),
        (DocumentType.DRIVING_LICENCE, "u1h00b000c", "U1H00B000C"),
        (DocumentType.DRIVING_LICENCE, "AA1234567", None),
    ],
)
def test_a_number_fits_its_type(type: DocumentType, number: str, kept: str | None) -> None:
    assert document_number(type, number) == kept


@given(st.sampled_from(DocumentType), st.text(max_size=12))
def test_what_is_kept_of_a_number_is_plain_and_stays(type: DocumentType, typed: str) -> None:
    kept = document_number(type, typed)
    assert kept is None or (kept.isascii() and kept.isalnum() and document_number(type, kept) == kept)


@pytest.mark.parametrize(
    ("issued_on", "expires_on", "found"),
    [
        ("2016-11-22", "2026-11-21", {"identity_document.expires_on": "EXPIRED"}),
        ("2026-11-23", "2036-11-23", {"identity_document.issued_on": "IN_FUTURE"}),
        ("2026-11-22", "2026-11-22", {"identity_document.expires_on": "BEFORE_ISSUE"}),
        ("2024-02-30", "2034-03-01", {"identity_document.issued_on": "NOT_A_DATE"}),
        ("20240506", "2034-03-01", {"identity_document.issued_on": "NOT_A_DATE"}),
        ("٢٠٢٤-٠٥-٠٦", "2034-03-01", {"identity_document.issued_on": "NOT_A_DATE"}),
    ],
)
def test_dates_that_cannot_be(issued_on: str, expires_on: str, found: dict[str, str]) -> None:
    assert faults(replace(GOOD, document_issued_on=issued_on, document_expires_on=expires_on)) == found


def test_a_document_is_good_on_its_last_day() -> None:
    assert taken(replace(GOOD, document_expires_on="2026-11-22")).document.expires_on == TODAY


@pytest.mark.parametrize(
    ("type", "number", "pages", "fits"),
    [
        (DocumentType.IDENTITY_CARD, "CA12345AA", (1,), False),
        (DocumentType.IDENTITY_CARD, "CA12345AA", (2,), True),
        (DocumentType.IDENTITY_CARD, "CA12345AA", (1, 1), True),
        (DocumentType.DRIVING_LICENCE, "AA0123456B", (1,), False),
        (DocumentType.PASSPORT, "AA1234567", (1,), True),
    ],
)
def test_a_card_and_a_licence_need_both_sides(type: DocumentType, number: str, pages: tuple[int, ...], fits: bool) -> None:
    ids = tuple(f"d{n}" for n in range(len(pages)))
    form = replace(GOOD, document_type=type, document_number=number, document_ids=ids)
    if fits:
        taken(form, pages=pages)
    else:
        assert faults(form, pages=pages) == {"document_ids": "MISSING_SIDE"}


def test_documents_must_be_known_few_and_named_once() -> None:
    assert faults(GOOD, pages=None) == {"document_ids": "UNKNOWN"}
    assert faults(replace(GOOD, document_ids=("d1", "d1"))) == {"document_ids": "UNKNOWN"}
    assert faults(replace(GOOD, document_ids=tuple("12345"))) == {"document_ids": "TOO_MANY"}


def test_the_mobile_on_file_is_no_new_one() -> None:
    assert faults(GOOD, on_file="+393477654321") == {"new_mobile": "SAME_AS_ON_FILE"}


def test_the_proof_is_demanded_only_where_it_is_switched_on() -> None:
    without = replace(GOOD, mobile_proof="")
    assert faults(without) == {"mobile_proof": "MISSING"}
    taken(without, proof=False)


def test_the_reason_given_opens_and_closes_nothing() -> None:
    assert {taken(replace(GOOD, reason=reason)).new_mobile for reason in Reason} == {"+393477654321"}
