"""The states of a change, and the drawing beside them."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from recapito_contact_change import domain
from recapito_contact_change.domain import OPEN_STATES, STEPS, Case, Change, Operator, State
from recapito_contact_change.form import DocumentType, FiledForm, IdentityDocument, Reason

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def document(expires_on: date = date(2034, 3, 1)) -> IdentityDocument:
    return IdentityDocument(DocumentType.PASSPORT, "AA1234567", "Questura di Lodi", date(2024, 3, 1), expires_on)


def case(**other: object) -> Case:
    form = FiledForm(Reason.REPLACE, "+393477654321", "a@b.test", document())
    change = Change("change", "C1", State.IN_REVIEW, form, True, ("pwd",), NOW, NOW)
    return Case("case", change, "Ada Bianchi", 1, (), **other)  # type: ignore[arg-type]


def test_the_drawing_shows_the_very_steps_of_the_code() -> None:
    drawing = (Path(domain.__file__).parent / "domain.mermaid").read_text()
    drawn = {(start, end, label) for start, end, label in re.findall(r"(\w+) --> (\w+): (\w+)", drawing)}
    assert drawn == {(start.value, end.value, step.value) for step, (starts, end) in STEPS.items() for start in starts}


def test_every_state_is_reached_from_submitted() -> None:
    reached = {State.SUBMITTED}
    for _ in STEPS:
        reached |= {end for starts, end in STEPS.values() if reached.intersection(starts)}
    assert reached == set(State)


def test_open_are_the_states_that_a_step_leads_out_of() -> None:
    leave = {start for starts, _ in STEPS.values() for start in starts}
    assert set(OPEN_STATES) == leave - {State.APPLIED}, "an applied change is over, unless somebody says that it wasn't them"


@pytest.mark.parametrize(
    ("amr", "replaced", "holds"),
    [
        (("pwd",), "", True),
        (("pwd",), "+393201234519", True),
        (("pwd", "otp_sms"), "+393201234519", False),
        (("pwd", "otp_email"), "", False),
        (("pwd", "otp_email"), "+393201234519", True),
    ],
)
def test_claims_are_held_unless_a_code_to_the_mobile_was_given_or_there_was_none(
    amr: tuple[str, ...], replaced: str, holds: bool
) -> None:
    change = Change("change", "C1", State.APPROVED, case().change.form, True, amr, NOW, NOW)
    assert change.holds_claims(replaced) is holds


def test_a_lease_ends_at_its_instant() -> None:
    held = case(holder_id="op", lease_expires_at=NOW)
    assert not held.held_by("op", NOW)
    assert held.held_by("op", NOW.replace(hour=9))
    assert not held.held_by("another", NOW.replace(hour=9))


def test_an_operator_without_a_known_customer_owns_no_case() -> None:
    assert not case().is_own_of(Operator("op", "rosa", ""))
    assert case().is_own_of(Operator("op", "rosa", "C1"))
