"""A machine reads documents after a case is opened, and adds findings; who holds the case rereads it."""

import pytest

from recapito_contact_change import __main__ as main
from recapito_contact_change.flows.read_zones import ReadZones
from recapito_contact_change.mrz import check_digit
from recapito_contact_change.settings import ContactChangeSettings
from recapito_documents import reading
from recapito_servicekit.settings import BadSettings, load
from tests.conftest import SetClock
from tests.integration.contact_change.system import System, refused
from tests.integration.contact_change.test_events import Pump

NUMBER, BORN, EXPIRES = "CA12345AA", "800101", "340101"
LINES = [
    f"C<ITA{NUMBER}{check_digit(NUMBER)}<<<<<<<<<<<<<<<",
    f"{BORN}{check_digit(BORN)}F{EXPIRES}{check_digit(EXPIRES)}ITA<<<<<<<<<<<8",
    "BIANCHI<<ADA<<<<<<<<<<<<<<<<<<",
]


def reader(system: System, lines: list[str]) -> ReadZones:
    role = main.roles(system.settings, system.clock)["reader"]
    made: ReadZones = role.__self__  # type: ignore[attr-defined]
    pages = [LINES[:1], lines[1:]]
    made._reader = lambda _: pages.pop(0) if pages else []
    return made


@pytest.fixture
def reading_on(system: System, monkeypatch: pytest.MonkeyPatch) -> System:
    monkeypatch.setattr("recapito_contact_change.settings.can_read", lambda: True)
    system.settings = load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_READ_ZONES": "1"})
    return system


def test_the_zone_of_both_pages_together_fits(reading_on: System) -> None:
    change = reading_on.sign_in().submit()
    Pump(reading_on).run()
    rosa = reading_on.operator("rosa")
    held = rosa.take(reading_on.case_of(change.change_id).case_id)
    assert reader(reading_on, LINES).run_once()
    case = rosa.get(held.summary.case_id)
    assert [(one.code, dict(one.evidence), one.failed) for one in case.found] == [("MRZ_MATCHES", {"read": NUMBER}, False)]
    with refused() as why:
        rosa.approve(case.summary.case_id, held.summary.version)
    assert why().reason == "VERSION_CHANGED", "what was found meanwhile is read first"
    assert not reader(reading_on, LINES).run_once(), "each case once"


def test_a_case_is_claimed_by_one_process_and_read_again_after_a_crash(reading_on: System, clock: SetClock) -> None:
    reading_on.sign_in().submit()
    Pump(reading_on).run()

    def dies(_: bytes) -> list[str]:
        raise KeyboardInterrupt

    first, second = reader(reading_on, LINES), reader(reading_on, LINES)
    first._reader = dies
    with pytest.raises(KeyboardInterrupt):
        first.run_once()
    assert not second.run_once()
    clock.forward(minutes=16)
    assert second.run_once()
    assert [row.code for row in reading_on.rows("findings")] == ["MRZ_MATCHES"]


def test_nothing_is_read_where_it_is_not_switched_on(system: System) -> None:
    system.sign_in().submit()
    Pump(system).run()
    assert [row.zone_due_at for row in system.rows("cases")] == [None]
    assert not main.roles(system.settings, system.clock)["reader"].__self__.run_once()  # type: ignore[attr-defined]


def test_what_is_switched_on_must_be_installed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recapito_contact_change.settings.can_read", lambda: False)
    with pytest.raises(BadSettings, match=r"recapito-documents\[ocr\]"):
        load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_READ_ZONES": "1"})


@pytest.mark.skipif(not reading.can_read(), reason="needs recapito-documents[ocr]")
def test_a_picture_that_is_none_reads_as_nothing() -> None:
    assert reading.lines_of(b"no picture") == []
