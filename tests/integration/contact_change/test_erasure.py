"""A customer's contact changes are handed over and erased; the record of what was decided stays, and whole what is disputed."""

import json
from collections.abc import Iterator

import pytest
from recapito.contact_change.v1 import privacy_pb2, privacy_pb2_grpc

from recapito_contact_change.store.tables import METADATA
from recapito_servicekit.errors import Refusal
from tests.conftest import SetClock
from tests.integration.contact_change.system import System, refused
from tests.integration.contact_change.test_clean_up import blobs, clean_up
from tests.integration.contact_change.test_events import Pump, approved
from tests.support.serving import channel_as

Privacy = privacy_pb2_grpc.ContactChangePrivacyServiceStub


@pytest.fixture
def privacy(system: System) -> Iterator[Privacy]:
    with channel_as(system.pki, "internal", system.port) as to:
        yield Privacy(to)


def erase(privacy: Privacy, *, dry_run: bool = False) -> privacy_pb2.EraseCustomerResponse:
    return privacy.EraseCustomer(privacy_pb2.EraseCustomerRequest(customer_id="C1", dry_run=dry_run), timeout=30)


def why_not(privacy: Privacy) -> Refusal:
    with refused() as why:
        erase(privacy)
    return why()


def kept_of(answer: privacy_pb2.EraseCustomerResponse) -> list[tuple[str, str]]:
    assert {one.rule for one in answer.kept} <= {"GDPR 17(3)(e), c.c. 2946"}
    return [(one.what.partition(":")[0], one.until) for one in answer.kept]


def left(system: System, *hints: str) -> dict[str, int]:
    """How many rows hold one of these texts, by table."""
    found = {}
    for table in METADATA.tables:
        count = sum(any(hint in str(row) for hint in hints) for row in system.rows(table))
        if count:
            found[table] = count
    return found


def test_an_applied_change_goes_and_the_record_of_its_decision_stays(system: System, privacy: Privacy, clock: SetClock) -> None:
    pump = Pump(system)
    change_id, _ = approved(system, pump)
    pump.run()
    system.sign_in().upload()  # filed with nothing
    assert len(blobs(system)) == 3
    would = erase(privacy, dry_run=True)
    assert len(system.rows("documents")) == 3
    done = erase(privacy)
    assert done == would
    assert list(done.gone) == ["1 contact change with its case and notices", "3 identity documents"]
    record = (f"the record of the decision on change {change_id}", "2036-12-31")
    assert kept_of(done) == [record]
    assert not blobs(system)
    personal = ("3477654321", "3201234519", "posta.test", "altra.test", "12345AA", "CA12345", "Rossi")
    assert left(system, *personal) == {}
    assert left(system, "C1", change_id) == {"decision_records": 1}
    (kept,) = system.rows("decision_records")
    told = json.loads(kept.record)
    assert (told["state"], told["case"]["decision"], told["case"]["reason_code"]) == ("APPLIED", "APPROVE", "DOCUMENT_MATCHES")
    assert [len(sha256) for sha256 in told["documents"]] == [64, 64]
    assert "decided" in [entry["action"] for entry in told["history"]]
    again = erase(privacy)
    assert (list(again.gone), kept_of(again)) == ([], [record])
    clock.forward(days=366 * 11)
    clean_up(system)
    assert kept_of(erase(privacy)) == []
    assert left(system, "C1", change_id) == {}


def test_an_open_change_and_one_whose_notices_are_on_their_way_refuse(system: System, privacy: Privacy) -> None:
    pump = Pump(system)
    customer = system.sign_in()
    change = customer.submit()
    open_ = why_not(privacy)
    assert (open_.reason, open_.metadata["change_id"]) == ("CHANGE_OPEN", change.change_id)
    pump.run()
    customer.cancel(change.change_id)
    assert why_not(privacy).reason == "NOTICES_WAITING"
    pump.run()
    assert kept_of(erase(privacy)) == [], "nobody decided it"
    assert left(system, "C1", change.change_id) == {}
    assert customer.submit(customer.form(request_id=change.change_id)), "the customer may begin anew"


def test_what_is_disputed_stays_whole_until_its_time_is_over(system: System, privacy: Privacy, clock: SetClock) -> None:
    pump = Pump(system)
    change = system.sign_in().submit()
    pump.run()
    rosa = system.operator("rosa")
    case = rosa.take(system.case_of(change.change_id).case_id)
    rosa.reject(case.summary.case_id, case.summary.version)  # another person
    pump.run()
    clock.forward(days=31)
    clean_up(system)  # the pictures go after 30 days, disputed or not
    disputed = (f"change {change.change_id}, REJECTED, which is disputed", "2036-12-31")
    for _ in range(2):
        done = erase(privacy)
        assert (list(done.gone), kept_of(done)) == ([], [disputed])
    assert rosa.history(case.summary.case_id)[-1] == "document_destroyed"
    clock.forward(days=366 * 11)
    assert erase(privacy).gone[0] == "1 contact change with its case and notices"
    assert left(system, change.change_id) == {}


def test_a_crash_before_the_blobs_are_deleted_leaves_noise_that_is_swept(
    system: System, privacy: Privacy, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.sign_in().upload()
    monkeypatch.setattr("recapito_documents.pipeline.DocumentPipeline.destroy", lambda *_: 1 / 0)
    with refused():
        erase(privacy)
    monkeypatch.undo()
    assert blobs(system)
    assert system.rows("documents") == []
    assert list(erase(privacy).gone) == []
    clock.forward(days=2)
    clean_up(system)
    assert not blobs(system)


def test_another_customers_changes_stay_as_they_are(system: System, privacy: Privacy) -> None:
    pump = Pump(system)
    other = system.sign_in("C2").submit()
    pump.run()
    erase(privacy)
    assert [row.change_id for row in system.rows("changes")] == [other.change_id]


def test_what_is_handed_over_names_no_operator_and_no_other_customer(system: System, privacy: Privacy) -> None:
    pump = Pump(system)
    approved(system, pump)
    pump.run()
    parts = list(privacy.ExportCustomer(privacy_pb2.ExportCustomerRequest(customer_id="C1"), timeout=30))
    names = [part.name for part in parts if part.HasField("name")]
    assert (names[0], len(names)) == ("contact-change/contact-change.json", 3)
    data = next(part.chunk for part in parts if part.HasField("chunk"))
    told = json.loads(data)
    assert told["changes"][0]["notify_email"] == "avviso@altra.test"
    assert told["cases"][0]["decision"] == "APPROVE"
    assert "rosa" not in data.decode()
    assert "wrapped_key" not in data.decode()
