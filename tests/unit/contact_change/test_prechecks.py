"""What a machine finds in a request, on what evidence."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from recapito_contact_change.domain import Change, Customer, State
from recapito_contact_change.form import DocumentType, FiledForm, IdentityDocument, Reason
from recapito_contact_change.hashes import DocumentHashes
from recapito_contact_change.prechecks import Elsewhere, check, code_of
from recapito_documents.keys import KeyRing

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
CARD = IdentityDocument(DocumentType.IDENTITY_CARD, "CA12345AA", "Comune di Lodi", date(2024, 5, 6), date(2034, 1, 1))
ADA = Customer("C1", "Ada", "Bianchi", "BNCDAA80A41H501X", "ada@posta.test", "", "it", 1)
REGISTRY = Path(__file__).resolve().parents[4] / "shared" / "data" / "customers.csv"


def found(document: IdentityDocument = CARD, customer: Customer = ADA, elsewhere: Elsewhere | None = None) -> dict[str, object]:
    form = FiledForm(Reason.REPLACE, "+393477654321", "a@b.test", document)
    change = Change("change", "C1", State.SUBMITTED, form, True, ("pwd",), NOW, NOW)
    return {one.code.value: dict(one.evidence) for one in check(change, customer, elsewhere or Elsewhere(), NOW.date())}


def test_a_request_in_order_has_no_finding() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (replace(CARD, expires_on=date(2026, 12, 22)), {"DOCUMENT_EXPIRES_SOON": {"expires_on": "2026-12-22", "days": "30"}}),
        (replace(CARD, expires_on=date(2026, 11, 21)), {"DOCUMENT_EXPIRED": {"expires_on": "2026-11-21"}}),
        (replace(CARD, number="YA1234567"), {}),
        (replace(CARD, number="U1H00B000C"), {"NUMBER_SHAPE": {"typed": "U1H00B000C", "type": "IDENTITY_CARD"}}),
        (
            replace(CARD, expires_on=date(2035, 5, 7)),
            {"VALIDITY_TOO_LONG": {"issued_on": "2024-05-06", "expires_on": "2035-05-07"}},
        ),
        (replace(CARD, expires_on=date(2034, 3, 1)), {}),
    ],
)
def test_what_the_typed_document_says(document: IdentityDocument, expected: dict[str, object]) -> None:
    got = found(document)
    got.pop("EXPIRY_NOT_BIRTHDAY", None)
    assert got == expected


def test_a_card_expires_on_the_birthday_of_the_codice_fiscale() -> None:
    evidence = {"expires_on": "2034-03-01", "birthday": "01/01"}
    assert found(replace(CARD, expires_on=date(2034, 3, 1))) == {"EXPIRY_NOT_BIRTHDAY": evidence}
    passport = replace(CARD, type=DocumentType.PASSPORT, number="YA1234567", expires_on=date(2034, 5, 5))
    old = replace(CARD, issued_on=date(2012, 5, 6), expires_on=date(2027, 3, 1))
    assert found(passport) == {}
    assert "EXPIRY_NOT_BIRTHDAY" not in found(old)
    assert found(replace(CARD, expires_on=date(2034, 3, 1)), replace(ADA, codice_fiscale="12345678903")) == {}, "a company's"


def test_a_name_that_does_not_give_its_codice_fiscale() -> None:
    assert found(customer=replace(ADA, family_name="Verdi")) == {
        "NAME_CODE_DIFFERS": {"name": "Ada Verdi", "codice_fiscale": "BNCDAA80A41H501X"}
    }
    assert found(customer=replace(ADA, given_name="美玲", family_name="陳")) == {}, "nothing to compare"


def test_what_was_seen_before_for_another_customer() -> None:
    got = found(elsewhere=Elsewhere(document=("C7", "C9"), mobile=("C8",)))
    assert got == {
        "SAME_DOCUMENT_OTHER_CUSTOMER": {"customers": "C7, C9"},
        "SAME_MOBILE_OTHER_CUSTOMER": {"customers": "C8"},
    }


@pytest.mark.parametrize(("recovered_at", "is_found"), [(None, False), (15, False), (16, True), (30, True)])
def test_a_password_reset_in_the_seven_days_before_the_request_or_after_it(recovered_at: int | None, is_found: bool) -> None:
    at = None if recovered_at is None else datetime(2026, 11, recovered_at, 10, 0, tzinfo=UTC)
    assert ("PASSWORD_RESET_LATELY" in found(customer=replace(ADA, password_recovered_at=at))) is is_found


def test_a_codice_fiscale_with_omocodia_tells_the_same_birthday() -> None:
    plain, omocodic = code_of("BNCDAA80A41H501X"), code_of("BNCDAAULAQMH5LMX")
    assert plain is not None
    assert omocodic is not None
    assert (plain.year, plain.month, plain.day, plain.sex) == (omocodic.year, omocodic.month, omocodic.day, omocodic.sex)
    assert (plain.month, plain.day, plain.sex) == (1, 1, "F")


@pytest.mark.skipif(not REGISTRY.is_file(), reason="no shared/data beside the checkout")
def test_nobody_of_the_sample_registry_has_a_name_that_does_not_fit() -> None:
    with REGISTRY.open(encoding="utf-8") as file:
        people = [row for row in csv.DictReader(file) if row["person_type"] == "PERSON"]
    odd = []
    for row in people:
        code = code_of(row["codice_fiscale"])
        assert code is not None
        if not code.fits(row["given_name"], row["family_name"]):
            odd.append((row["given_name"], row["family_name"], row["codice_fiscale"]))
    assert len(people) > 4000
    assert odd == []


def test_a_document_number_is_found_again_under_every_key_of_the_ring_and_stands_nowhere_in_plain() -> None:
    old, new = "a:" + "A" * 43 + "=", "b:" + "B" * 42 + "A="
    before, after = DocumentHashes(KeyRing.parse(old)), DocumentHashes(KeyRing.parse(f"{new},{old}"))
    kept = before.hash(DocumentType.PASSPORT, "YA1234567")
    assert kept in after.all(DocumentType.PASSPORT, "YA1234567")
    assert after.hash(DocumentType.PASSPORT, "YA1234567") != kept
    assert kept not in after.all(DocumentType.IDENTITY_CARD, "YA1234567")
    assert "YA1234567" not in kept
