"""What a claim needs to be filed, rule by rule."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from recapito_claims.domain import rules
from recapito_claims.domain.claim import AttachmentKind, Details, Expense, day_in_italy
from tests.unit.claims.builders import AROUND, DETAILS, EXPENSE, INVOICE, TODAY, a_claim


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
    ],
)
def test_a_wrong_expense_is_told_with_its_place(change: dict[str, object], field: str, reason: str) -> None:
    spoilt = replace(EXPENSE, **change)  # type: ignore[arg-type]
    assert told(expenses=(EXPENSE, spoilt)) == {f"expenses[1].{field}": reason}


def test_no_expense_is_told() -> None:
    assert told(expenses=()) == {"expenses": "EXPENSE_REQUIRED"}


def test_a_prescription_is_no_invoice() -> None:
    assert told(attachments=(replace(INVOICE, kind=AttachmentKind.PRESCRIPTION),)) == {"attachments": "INVOICE_REQUIRED"}


def test_an_empty_draft_is_told_all_that_it_lacks_together() -> None:
    empty = Details(None, None, "", "", "", "")
    assert told(empty, expenses=(Expense("e", "", "", None, None),), attachments=()) == {
        "details.kind": "REQUIRED",
        "details.event_date": "REQUIRED",
        "details.policy_number": "REQUIRED",
        "details.iban": "REQUIRED",
        "details.iban_holder": "REQUIRED",
        "attachments": "INVOICE_REQUIRED",
        "expenses[0].provider": "REQUIRED",
        "expenses[0].document_number": "REQUIRED",
        "expenses[0].document_date": "REQUIRED",
        "expenses[0].amount": "REQUIRED",
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
