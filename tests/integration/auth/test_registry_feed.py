"""The registry for other systems: found, imported, watched, frozen."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from recapito.auth.v1 import registry_pb2 as pb
from recapito.auth.v1 import session_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from recapito_servicekit.times import to_timestamp
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, refused


def found(auth: Auth, **fields: str) -> list[str]:
    return [one.customer_id for one in auth.internal.FindCustomers(pb.FindCustomersRequest(**fields)).customers]


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"contact": "320 1234519"}, ["C1"]),
        ({"contact": "Famiglia.Verdi@example.com"}, ["C3", "C4", "C5"]),
        ({"codice_fiscale": "rssmra80a41h501y"}, ["C1"]),
        ({"family_name": "dangelo"}, ["C2"]),
        ({"family_name": "Verdi", "given_name": "Anna"}, ["C3", "C4"]),
        ({"family_name": "Verdi", "contact": "333 1234567"}, ["C3", "C5"]),
        ({"contact": "333 7654321"}, []),
    ],
)
def test_customers_are_found_by_all_that_is_given(auth: Auth, fields: dict[str, str], ids: list[str]) -> None:
    assert found(auth, **fields) == ids


@pytest.mark.parametrize(
    ("fields", "field"), [({}, "contact"), ({"contact": "nonsense"}, "contact"), ({"given_name": "Anna"}, "family_name")]
)
def test_search_for_nothing_is_refused(auth: Auth, fields: dict[str, str], field: str) -> None:
    assert refused(lambda: found(auth, **fields)).violations[0].field == field


def rows(*more: dict[str, Any], **head: Any) -> Iterator[pb.ImportCustomersRequest]:
    as_of = to_timestamp(datetime(2026, 1, 1, tzinfo=UTC))
    yield pb.ImportCustomersRequest(head=pb.ImportCustomersRequest.Head(as_of=as_of, **head))
    for fields in more:
        yield pb.ImportCustomersRequest(row=pb.ImportCustomersRequest.Row(**{**NEW, **fields}))


NEW: dict[str, Any] = {
    "customer_id": "N1",
    "person_type": "PERSON",
    "given_name": "Piera",
    "family_name": "Neri",
    "codice_fiscale": "RSSMRA80A41H501Y",
    "email": "Piera@Example.com",
    "mobile": "",
    "language": "it",
    "policy_numbers": ["P-1", "P-2"],
}


def test_import_over_the_wire_follows_the_commands_rules(auth: Auth) -> None:
    bad = {"customer_id": "N2", "email": "nonsense"}
    done = auth.internal.ImportCustomers(rows({}, bad))
    assert [(b.row, b.field, b.kind) for b in done.bad] == [(2, "email", "wrong_format")]
    assert (done.imported, done.added) == (False, 0)
    assert (auth.internal.ImportCustomers(rows({}, dry_run=True)).added, found(auth, family_name="Neri")) == (1, [])
    done = auth.internal.ImportCustomers(rows({}, bad, {}, skip_bad=True))
    assert (done.imported, done.added, [b.kind for b in done.bad]) == (True, 1, ["wrong_format", "duplicate"])
    customer = auth.customer("N1")
    assert (customer.email, list(customer.policy_numbers)) == ("piera@example.com", ["P-1", "P-2"])
    assert auth.internal.ImportCustomers(rows({})).unchanged == 1


def test_import_without_a_head_is_refused(auth: Auth) -> None:
    refusal = refused(lambda: auth.internal.ImportCustomers(iter([pb.ImportCustomersRequest()])))
    assert refusal.violations[0].field == "head.as_of"


def watched(auth: Auth, cursor: str, most: int) -> list[pb.WatchContactChangesResponse]:
    stream = auth.internal.WatchContactChanges(pb.WatchContactChangesRequest(cursor=cursor), timeout=30)
    try:
        return list(itertools.islice(stream, most))
    finally:
        stream.cancel()


def test_changes_of_contacts_are_told_in_order_and_from_a_cursor_on(auth: Auth, clock: SetClock) -> None:
    auth.change()
    auth.change(request_id="change-2", customer_id="C2", new_mobile="+393471112224")
    auth.change(request_id="change-3", new_mobile="+393471112225", expected_version=2)
    first = watched(auth, "", 3)
    assert [(one.customer.customer_id, one.changed) for one in first] == [("C1", "mobile"), ("C2", "mobile"), ("C1", "mobile")]
    assert first[0].changed_at.ToDatetime(tzinfo=UTC) == clock.now
    assert first[0].customer.mobile == "+393471112225"  # as they are by now
    assert watched(auth, first[0].cursor, 2) == first[1:]


def test_watcher_is_told_of_what_comes_later_and_holds_no_thread(auth: Auth) -> None:
    streams = [auth.internal.WatchContactChanges(pb.WatchContactChangesRequest(), timeout=30) for _ in range(12)]
    auth.change()  # more watchers than threads, and calls go on
    assert [next(stream).customer.customer_id for stream in streams] == ["C1"] * 12
    for stream in streams:
        stream.cancel()


def test_watch_ends_by_itself_and_refuses_a_cursor_that_is_none(auth: Auth) -> None:
    request = pb.WatchContactChangesRequest(cursor="0")
    assert list(auth.internal.WatchContactChanges(request, timeout=3)) == []
    bad = pb.WatchContactChangesRequest(cursor="x")
    assert refused(lambda: list(auth.internal.WatchContactChanges(bad))).violations[0].field == "cursor"


def freeze(auth: Auth) -> pb.Customer:
    return auth.registry.FreezeCustomer(pb.FreezeCustomerRequest(customer_id="C1")).customer


def test_frozen_customer_signs_in_anew_and_changes_and_claims_nothing(auth: Auth, clock: SetClock) -> None:
    auth.register()
    session, device = auth.trusted()
    assert freeze(auth).frozen_at.ToDatetime(tzinfo=UTC) == clock.now
    assert freeze(auth) == auth.customer()
    assert not auth.introspect(session).active
    assert "UNKNOWN_DEVICE" in auth.password(device_token=device).code_required.reasons
    token = auth.sign_in()
    seen = auth.introspect(token)
    assert (seen.frozen, seen.claims_held_until.ToDatetime().year) == (True, 9999)
    change = session_pb2.ChangePasswordRequest(old_password=PASSWORD, new_password="quattro asini verdi")
    refusal = refused(lambda: auth.accounts.ChangePassword(change, metadata=bearer(token)))
    assert (refusal.kind, refusal.reason) == (Kind.FAILED_PRECONDITION, "CUSTOMER_FROZEN")
    email = session_pb2.StartEmailChangeRequest(new_email="maria@nuova.example")
    assert refused(lambda: auth.accounts.StartEmailChange(email, metadata=bearer(token))).reason == "CUSTOMER_FROZEN"
    clock.forward(minutes=10)
    unfrozen = auth.registry.UnfreezeCustomer(pb.UnfreezeCustomerRequest(customer_id="C1")).customer
    assert unfrozen.frozen_at == Timestamp()
    assert not auth.introspect(token).active
    seen = auth.introspect(auth.sign_in())
    assert (seen.frozen, seen.HasField("claims_held_until")) == (False, False)
    events = [entry["event"] for entry in auth.audited()]
    assert (events.count("CUSTOMER_FROZEN"), events.count("CUSTOMER_UNFROZEN")) == (1, 1)


def test_freezing_is_for_contact_change_alone(auth: Auth) -> None:
    request = pb.FreezeCustomerRequest(customer_id="C1")
    assert refused(lambda: auth.internal.FreezeCustomer(request)).kind is Kind.PERMISSION_DENIED
    nobody = pb.FreezeCustomerRequest(customer_id="C0")
    assert refused(lambda: auth.registry.FreezeCustomer(nobody)).kind is Kind.NOT_FOUND
