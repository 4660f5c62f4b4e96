"""What a claim needs to be filed, rule by rule."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from recapito_claims.domain import rules
from recapito_claims.domain.claim import (
    Answer,
    Attachment,
    AttachmentKind,
    Category,
    ClaimKind,
    Declaration,
    Details,
    Expense,
    Kinship,
    day_in_italy,
)
from tests.unit.claims.builders import AROUND, CHILD, DETAILS, EXPENSE, INSURED, INVOICE, TODAY, a_claim


def told(details: Details = DETAILS, **changes: object) -> dict[str, str]:
    return {fault.field: fault.reason for fault in rules.faults(a_claim(details=details, **changes), AROUND)}


def test_a_complete_claim_has_no_fault() -> None:
    assert told() == {}


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"kind": None}, "details.kind", "REQUIRED"),
        ({"event_date": None}, "details.event_date", "REQUIRED"),
        ({"event_date": date(2026, 11, 23)}, "details.event_date", "DATE_IN_FUTURE"),
        ({"event_date": date(2024, 11, 21)}, "details.event_date", "TIME_BARRED"),
        ({"policy_number": ""}, "details.policy_number", "REQUIRED"),
        ({"policy_number": "POL-9"}, "details.policy_number", "POLICY_UNKNOWN"),
        ({"iban": ""}, "details.iban", "REQUIRED"),
        ({"iban": "IT60X0542811101000000123457"}, "details.iban", "IBAN_INVALID"),
        ({"iban_holder": ""}, "details.iban_holder", "REQUIRED"),
    ],
)
def test_a_wrong_detail_is_told_alone(change: dict[str, object], field: str, reason: str) -> None:
    assert told(replace(DETAILS, **change)) == {field: reason}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"provider": ""}, "provider", "REQUIRED"),
        ({"document_number": ""}, "document_number", "REQUIRED"),
        ({"document_date": None}, "document_date", "REQUIRED"),
        ({"document_date": date(2026, 11, 23)}, "document_date", "DATE_IN_FUTURE"),
        ({"cents": None}, "amount", "REQUIRED"),
        ({"cents": 0}, "amount", "REQUIRED"),
        ({"category": None}, "category", "REQUIRED"),
    ],
)
def test_a_wrong_expense_is_told_with_its_place(change: dict[str, object], field: str, reason: str) -> None:
    spoilt = replace(EXPENSE, **change)  # type: ignore[arg-type]
    assert told(expenses=(EXPENSE, spoilt)) == {f"expenses[1].{field}": reason}


def test_no_expense_is_told() -> None:
    assert told(expenses=()) == {"expenses": "EXPENSE_REQUIRED"}


def test_a_prescription_is_no_invoice() -> None:
    assert told(attachments=(replace(INVOICE, kind=AttachmentKind.PRESCRIPTION),)) == {"attachments": "INVOICE_REQUIRED"}


ACCIDENT = {"kind": ClaimKind.ACCIDENT, "accident_place": "Roma", "accident_cause": "caduta", "third_party": Answer.NO}
STAY = {
    "admitted": Answer.YES,
    "provider": "Ospedale",
    "admitted_on": date(2026, 11, 18),
    "discharged_on": date(2026, 11, 20),
}
CHILDS = {
    "kinship": Kinship.CHILD,
    "beneficiary_given_name": "Luca",
    "beneficiary_family_name": "Bianchi",
    "beneficiary_codice_fiscale": CHILD,
}
INSURED_ELSEWHERE = {"other_insurance": Answer.YES, "other_insurer": "Altra"}
REPORT = replace(INVOICE, kind=AttachmentKind.ACCIDENT_REPORT)
RECORD = replace(INVOICE, kind=AttachmentKind.CLINICAL_RECORD)


@pytest.mark.parametrize(
    ("said", "proofs"),
    [(ACCIDENT, (REPORT,)), (STAY, (RECORD,)), (ACCIDENT | STAY | CHILDS | INSURED_ELSEWHERE, (REPORT, RECORD)), (CHILDS, ())],
)
def test_each_kind_with_all_that_it_needs_has_no_fault(said: dict[str, Any], proofs: tuple[Attachment, ...]) -> None:
    assert told(replace(DETAILS, **said), attachments=(INVOICE, *proofs)) == {}


@pytest.mark.parametrize(
    ("said", "spoilt", "field", "reason"),
    [
        (ACCIDENT, {"accident_place": ""}, "accident.place", "REQUIRED"),
        (ACCIDENT, {"accident_cause": ""}, "accident.cause", "REQUIRED"),
        (ACCIDENT, {"third_party": None}, "accident.third_party", "REQUIRED"),
        ({}, {"admitted": None}, "admission.admitted", "REQUIRED"),
        (STAY, {"provider": ""}, "provider", "REQUIRED"),
        (STAY, {"admitted_on": None}, "admission.admitted_on", "REQUIRED"),
        (STAY, {"discharged_on": None}, "admission.discharged_on", "REQUIRED"),
        (STAY, {"discharged_on": date(2026, 11, 23)}, "admission.discharged_on", "DATE_IN_FUTURE"),
        (STAY, {"discharged_on": date(2026, 11, 17)}, "admission.discharged_on", "BEFORE_ADMISSION"),
        ({}, {"kinship": None}, "beneficiary.kinship", "REQUIRED"),
        (CHILDS, {"beneficiary_given_name": ""}, "beneficiary.given_name", "REQUIRED"),
        (CHILDS, {"beneficiary_family_name": ""}, "beneficiary.family_name", "REQUIRED"),
        (CHILDS, {"beneficiary_codice_fiscale": ""}, "beneficiary.codice_fiscale", "REQUIRED"),
        (CHILDS, {"beneficiary_codice_fiscale": CHILD[:-1] + "A"}, "beneficiary.codice_fiscale", "CODICE_FISCALE_INVALID"),
        (CHILDS, {"beneficiary_codice_fiscale": INSURED}, "beneficiary.codice_fiscale", "CODICE_FISCALE_OF_INSURED"),
        ({}, {"other_insurance": None}, "other_insurance.exists", "REQUIRED"),
        (INSURED_ELSEWHERE, {"other_insurer": ""}, "other_insurance.insurer", "REQUIRED"),
        ({}, {"declarations": frozenset()}, "declarations", "DECLARATIONS_REQUIRED"),
        ({}, {"declarations": frozenset({Declaration.TRUTHFUL})}, "declarations", "DECLARATIONS_REQUIRED"),
    ],
)
def test_what_a_kind_needs_is_told_where_it_is_missing(
    said: dict[str, Any], spoilt: dict[str, Any], field: str, reason: str
) -> None:
    details = replace(DETAILS, **{**said, **spoilt})
    assert told(details, attachments=(INVOICE, REPORT, RECORD)) == {f"details.{field}": reason}


@pytest.mark.parametrize(
    ("said", "category", "reason"),
    [
        (ACCIDENT, Category.VISIT, "ACCIDENT_REPORT_REQUIRED"),
        (STAY, Category.HOSPITAL, "CLINICAL_RECORD_REQUIRED"),
        ({}, Category.DIAGNOSTICS, "PRESCRIPTION_REQUIRED"),
        ({}, Category.MEDICINES, "PRESCRIPTION_REQUIRED"),
        ({}, Category.PHYSIOTHERAPY, "PRESCRIPTION_REQUIRED"),
    ],
)
def test_what_proves_it_is_asked_for(said: dict[str, Any], category: Category, reason: str) -> None:
    expenses = (replace(EXPENSE, category=category),)
    assert told(replace(DETAILS, **said), expenses=expenses) == {"attachments": reason}


def test_a_stay_that_is_still_to_come_is_told_twice() -> None:
    details = replace(DETAILS, **{**STAY, "admitted_on": date(2026, 11, 23)})  # type: ignore[arg-type]
    assert told(details, attachments=(INVOICE, RECORD)) == {
        "details.admission.admitted_on": "DATE_IN_FUTURE",
        "details.admission.discharged_on": "BEFORE_ADMISSION",
    }


def test_every_document_that_is_missing_is_told() -> None:
    details = replace(DETAILS, **ACCIDENT, **STAY)  # type: ignore[arg-type]
    faults = rules.faults(a_claim(details=details, attachments=()), AROUND)
    assert [fault.reason for fault in faults] == ["INVOICE_REQUIRED", "CLINICAL_RECORD_REQUIRED", "ACCIDENT_REPORT_REQUIRED"]


def test_an_accident_s_data_do_not_matter_to_an_illness() -> None:
    assert told(replace(DETAILS, kind=ClaimKind.PREVENTION, admitted=None)) == {}


def test_an_empty_draft_is_told_all_that_it_lacks_together() -> None:
    assert told(Details(), expenses=(Expense("e", "", "", None, None),), attachments=()) == {
        "details.kind": "REQUIRED",
        "details.event_date": "REQUIRED",
        "details.policy_number": "REQUIRED",
        "details.beneficiary.kinship": "REQUIRED",
        "details.iban": "REQUIRED",
        "details.iban_holder": "REQUIRED",
        "details.other_insurance.exists": "REQUIRED",
        "attachments": "INVOICE_REQUIRED",
        "details.declarations": "DECLARATIONS_REQUIRED",
        "expenses[0].provider": "REQUIRED",
        "expenses[0].document_number": "REQUIRED",
        "expenses[0].document_date": "REQUIRED",
        "expenses[0].amount": "REQUIRED",
        "expenses[0].category": "REQUIRED",
    }


@pytest.mark.parametrize(
    ("event", "today", "barred"),
    [
        (date(2024, 11, 22), TODAY, False),
        (date(2024, 11, 21), TODAY, True),
        (date(2024, 2, 29), date(2026, 2, 28), False),
        (date(2024, 2, 29), date(2026, 3, 1), True),
        (TODAY, TODAY, False),
    ],
)
def test_two_years_end_with_the_same_day(event: date, today: date, barred: bool) -> None:
    assert rules.time_barred(event, today) is barred


@pytest.mark.parametrize(("event", "late"), [(date(2026, 11, 19), False), (date(2026, 11, 18), True)])
def test_notice_after_three_days_is_late_and_no_fault(event: date, late: bool) -> None:
    details = replace(DETAILS, event_date=event)
    assert told(details) == {}
    assert a_claim(details=details, submitted_at=datetime(2026, 11, 22, 10, tzinfo=UTC)).late_notice is late
    assert a_claim(details=details).late_notice is False


def test_the_day_is_the_one_in_italy() -> None:
    assert day_in_italy(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == date(2026, 11, 23)
    assert day_in_italy(datetime(2026, 7, 22, 22, 30, tzinfo=UTC)) == date(2026, 7, 23)
