"""How what a customer gives is read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapito_claims.domain import drafting, formats
from recapito_claims.domain.claim import Answer, ClaimKind, Declaration, Details, Kinship
from recapito_servicekit.errors import Refusal
from tests.unit.claims.builders import IBAN


@given(st.integers(min_value=1, max_value=999_999_999))
def test_an_amount_comes_back_as_it_went(amount: int) -> None:
    assert formats.cents(formats.decimal(amount)) == amount


@given(st.text(alphabet="0123456789.,-+eE ٣３", max_size=12))
def test_an_amount_is_exact_or_refused(raw: str) -> None:
    try:
        found = formats.cents(raw)
    except formats.BadFormat:
        return
    assert raw.strip().isascii()
    whole, _, rest = raw.strip().partition(".")
    assert found == int(whole) * 100 + int(rest.ljust(2, "0") or "0")
    assert found > 0


@pytest.mark.parametrize("raw", ["0", "0.00", "-1", "1.234", "1,50", "1e3", "NaN", "10000000", "1.", ".5", "１２"])
def test_what_is_no_amount_is_refused(raw: str) -> None:
    with pytest.raises(formats.BadFormat, match=r"zero|decimal"):
        formats.cents(raw)


@pytest.mark.parametrize(("raw", "amount"), [("123.45", 12_345), ("7", 700), ("7.5", 750), (" 0.01 ", 1)])
def test_an_amount_is_read_as_cents(raw: str, amount: int) -> None:
    assert formats.cents(raw) == amount


def test_an_iban_may_have_blanks_and_small_letters() -> None:
    assert formats.iban("it60 x054 2811 1010 0000 0123 456") == IBAN


# the second has the right mod 97 and the wrong CIN, the third the right CIN and the wrong mod 97
@pytest.mark.parametrize(
    "raw", ["IT60X0542811101000000123457", "IT64Y0542811101000000123456", "IT61X0542811101000000123456", "IT60", "x"]
)
def test_a_wrong_iban_is_refused(raw: str) -> None:
    with pytest.raises(formats.BadFormat):
        formats.iban(raw)


@pytest.mark.parametrize("raw", ["20261122", "2026-W47-7", "2026-2-3", "2026-02-30", "22/11/2026", "２０２６-11-22"])
def test_what_is_no_date_is_refused(raw: str) -> None:
    with pytest.raises(formats.BadFormat):
        formats.day(raw)


@given(st.text(max_size=60))
def test_a_text_that_is_taken_is_clean(raw: str) -> None:
    try:
        found = formats.text(40)(raw)
    except formats.BadFormat:
        return
    assert len(found) <= 40
    assert found == found.strip()
    assert not {"\0", "\n", "\r", "\u202e", "\u200b"} & set(found)


def test_a_description_keeps_its_lines_and_no_other_control_character() -> None:
    assert formats.lines(100)("prima\r\nseconda\rterza") == "prima\nseconda\nterza"
    with pytest.raises(formats.BadFormat):
        formats.lines(100)("prima\x00")


def test_a_draft_may_be_empty() -> None:
    assert drafting.details({}) == Details()


def test_a_draft_is_read_whole() -> None:
    said = {
        "kind": "DENTAL",
        "event_date": "2026-11-01",
        "policy_number": " POL-1 ",
        "description": "a\nb",
        "iban": IBAN,
        "iban_holder": "Perche\u0301",
        "beneficiary.kinship": "CHILD",
        "beneficiary.codice_fiscale": " bnclcu15e03 f205u ",
        "other_insurance.exists": "NO",
    }
    assert drafting.details(said, ["TRUTHFUL"]) == Details(
        kind=ClaimKind.DENTAL,
        event_date=date(2026, 11, 1),
        policy_number="POL-1",
        description="a\nb",
        iban=IBAN,
        iban_holder="Perché",
        kinship=Kinship.CHILD,
        beneficiary_codice_fiscale="BNCLCU15E03F205U",
        other_insurance=Answer.NO,
        declarations=frozenset({Declaration.TRUTHFUL}),
    )


def test_a_draft_is_told_all_that_is_malformed_together() -> None:
    said = {
        "kind": "99",
        "event_date": "ieri",
        "policy_number": "P" * 61,
        "description": "d" * 1001,
        "iban": "IT00",
        "iban_holder": "x\x07",
        "beneficiary.codice_fiscale": "BNCLCU15E81F205U",
        "admission.admitted_on": "1/2/2026",
    }
    with pytest.raises(Refusal) as refused:
        drafting.details(said, ["9"])
    assert {fault.field: fault.reason for fault in refused.value.violations} == {
        "details.kind": "KIND_UNKNOWN",
        "details.event_date": "DATE_INVALID",
        "details.policy_number": "TOO_LONG",
        "details.description": "TOO_LONG",
        "details.iban": "IBAN_INVALID",
        "details.iban_holder": "CHARACTERS_NOT_ALLOWED",
        "details.beneficiary.codice_fiscale": "CODICE_FISCALE_INVALID",
        "details.admission.admitted_on": "DATE_INVALID",
        "details.declarations": "KIND_UNKNOWN",
    }


@pytest.mark.parametrize("raw", ["BNCLCU15E03F205", "BNCLCU15E03F205A", "BNCLCU15E33F205K", "BNCLCU15E03Z999K", "０" * 16])
def test_a_wrong_codice_fiscale_is_refused(raw: str) -> None:
    with pytest.raises(formats.BadFormat):
        formats.codice_fiscale(raw)


def test_an_expense_is_told_with_its_field() -> None:
    with pytest.raises(Refusal) as refused:
        drafting.expense("e", "Studio", "1", "2026-11-01", "1.999")
    assert [(fault.field, fault.reason) for fault in refused.value.violations] == [("expense.amount", "AMOUNT_INVALID")]


@pytest.mark.parametrize(
    ("spoken", "language"),
    [("", "it"), ("it", "it"), ("it-CH", "it"), ("IT", "it"), ("en-GB", "en"), ("de", "en"), ("ita", "en")],
)
def test_what_is_written_to_a_customer_is_in_italian_or_else_in_english(spoken: str, language: str) -> None:
    assert formats.language_of(spoken) == language
