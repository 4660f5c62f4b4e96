"""Nothing is kept longer than it may be."""

import os
from pathlib import Path

import pytest

from recapito_contact_change import __main__ as main
from recapito_contact_change.flows.clean_up import CleanUp
from recapito_contact_change.settings import ContactChangeSettings
from recapito_servicekit.errors import Kind
from recapito_servicekit.settings import BadSettings, load
from tests.conftest import SetClock
from tests.integration.contact_change.system import Operator, System, identity_document, refused


def clean_up(system: System) -> None:
    role = main.roles(system.settings, system.clock)["clean-up"]
    worker: CleanUp = role.__self__  # type: ignore[attr-defined]
    worker.run_once()


def blobs(system: System) -> set[str]:
    return {file.name for file in Path(system.settings.blob_dir).iterdir()}


def decided(system: System) -> tuple[Operator, str]:
    """A refused change: an operator, and the case."""
    change = system.sign_in().submit()
    rosa = system.operator("rosa")
    with system.working("relay", "intake"):
        system.settle_intake()
    case = rosa.take(system.case_of(change.change_id).case_id)
    rosa.reject(case.summary.case_id, case.summary.version)
    return rosa, case.summary.case_id


def test_a_documents_key_is_destroyed_thirty_days_after_the_decision(system: System, clock: SetClock) -> None:
    rosa, case_id = decided(system)
    before = system.rows("documents")
    clock.forward(days=30)
    clean_up(system)
    assert rosa.read(case_id, before[0].document_id)[0] == "image/jpeg", "thirty days are kept in full"
    clock.forward(seconds=1)
    clean_up(system)
    rows = system.rows("documents")
    assert [(row.key_id, row.wrapped_key, row.destroyed_at) for row in rows] == [("", b"", clock())] * 2
    assert [row.sha256 for row in rows] == [row.sha256 for row in before]
    assert not blobs(system)
    assert rosa.history(case_id)[-2:] == ["document_destroyed"] * 2
    with refused() as why:
        rosa.read(case_id, before[0].document_id)
    assert (why().kind, why().reason) == (Kind.FAILED_PRECONDITION, "DOCUMENT_DESTROYED")
    assert [document.HasField("destroyed_at") for document in rosa.get(case_id).documents] == [True, True]
    clean_up(system)
    assert rosa.history(case_id).count("document_destroyed") == 2


def test_the_documents_of_an_open_change_are_kept(system: System, clock: SetClock) -> None:
    system.sign_in().submit()
    kept = blobs(system)
    clock.forward(days=90)
    clean_up(system)
    assert blobs(system) == kept


def test_what_was_never_filed_goes_after_a_day(system: System, clock: SetClock) -> None:
    customer = system.sign_in()
    old = customer.upload().document_id
    clock.forward(hours=20)
    young = system.sign_in().upload().document_id
    clock.forward(hours=4, seconds=1)
    clean_up(system)
    assert [row.document_id for row in system.rows("documents")] == [young]
    assert not any(name.startswith(old) for name in blobs(system))


def test_blobs_without_a_row_and_pieces_of_blobs_are_collected(system: System, clock: SetClock) -> None:
    kept = system.sign_in().upload().document_id
    folder = Path(system.settings.blob_dir)
    old, young = clock.now.timestamp() - 86_500, clock.now.timestamp() - 80_000
    for name, written in (
        (f"{'a' * 32}-1", old),
        (f"{'b' * 32}-1", young),
        (".x.part", old),
        (".y.part", young),
        ("readme", old),
    ):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (written, written))
    clean_up(system)
    left = {name for name in blobs(system) if not name.startswith(kept)}
    assert left == {f"{'b' * 32}-1", ".y.part", "readme"}


def test_the_mobiles_that_were_asked_for_are_forgotten_after_their_day(system: System, clock: SetClock) -> None:
    system.sign_in().confirm()
    clean_up(system)
    assert system.rows("asked_mobiles")
    clock.forward(days=2)
    clean_up(system)
    assert not system.rows("asked_mobiles")
    assert not system.rows("allowances")


@pytest.mark.parametrize("days", ["0", "31"])
def test_documents_are_kept_no_longer_than_the_notice_promises(system: System, days: str) -> None:
    with pytest.raises(BadSettings, match="RECAPITO_DOCUMENT_DAYS"):
        load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_DOCUMENT_DAYS": days})


def test_what_a_finding_rests_on_goes_with_the_documents(system: System, clock: SetClock) -> None:
    customer = system.sign_in()
    change = customer.submit(customer.form(identity_document=identity_document(expires_on="2026-12-01")))
    with system.working("relay", "intake"):
        system.settle_intake()
    rosa = system.operator("rosa")
    case = rosa.take(system.case_of(change.change_id).case_id)
    assert {one.code: bool(one.evidence) for one in case.found}["DOCUMENT_EXPIRES_SOON"]
    rosa.reject(case.summary.case_id, case.summary.version)
    clock.forward(days=31)
    clean_up(system)
    case = rosa.get(case.summary.case_id)
    assert "DOCUMENT_EXPIRES_SOON" in case.findings
    assert not any(one.evidence for one in case.found)


def test_hashes_of_an_older_key_are_made_anew(system: System) -> None:
    system.sign_in().submit()
    (before,) = [row.document_hash for row in system.rows("changes")]
    new = "new:" + "B" * 42 + "A="
    ring = f"{new},{system.settings.document_keys}"
    system.settings = load(ContactChangeSettings, "contact-change", {**system.environment, "RECAPITO_DOCUMENT_KEYS": ring})
    clean_up(system)
    (after,) = [row.document_hash for row in system.rows("changes")]
    assert (before.partition(":")[0], after.partition(":")[0]) == ("test", "new")
    clean_up(system)
    assert [row.document_hash for row in system.rows("changes")] == [after]


def test_events_are_forgotten_a_week_after_their_effect(system: System, clock: SetClock) -> None:
    system.sign_in().submit()
    with system.working("relay", "intake", "mailer"):
        system.settle()
    assert system.rows("outbox")
    clock.forward(days=7, seconds=1)
    clean_up(system)
    assert not system.rows("outbox")
