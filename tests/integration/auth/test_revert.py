"""RevertMobile: the earlier number is put back, once, and only where it is that change which is taken back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from recapito.auth.v1 import registry_pb2 as pb
from recapito.auth.v1 import session_pb2

from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import REGISTRY, Auth, refused
from tests.support.redis import RedisServer

HEADER, MARIA = REGISTRY.splitlines()[:2]


def revert(auth: Auth, request_id: str = "revert-1", change_id: str = "change-1") -> pb.RevertMobileResponse:
    return auth.registry.RevertMobile(pb.RevertMobileRequest(request_id=request_id, change_id=change_id))


def test_earlier_mobile_is_back_and_the_user_name_with_it(auth: Auth, clock: SetClock) -> None:
    auth.register()
    auth.change()
    clock.forward(minutes=5)
    reverted = revert(auth)
    assert (reverted.customer.mobile, reverted.old_mobile, reverted.customer.version) == ("+393201234519", "+393471112223", 3)
    assert auth.customer() == reverted.customer
    assert reverted.customer.contact_changed_at.ToDatetime(tzinfo=UTC) == clock.now
    assert refused(lambda: auth.password("347 1112223")).reason == "SIGN_IN_FAILED"
    clock.forward(seconds=1)
    assert auth.password().code_required.masked_destination == "320 *****19"
    assert [one["details"] for one in auth.audited() if one["event"] == "MOBILE_REVERTED"] == [
        {"request_id": "revert-1", "change_id": "change-1", "new": "320 *****19"}
    ]
    told = auth.internal.WatchContactChanges(pb.WatchContactChangesRequest(), timeout=30)
    assert [(next(told).changed, next(told).customer.mobile)] == [("mobile", "+393201234519")]
    told.cancel()


def test_what_the_changed_mobile_opened_dies_with_it(auth: Auth) -> None:
    auth.register()
    auth.change()
    session, device = auth.trusted("347 1112223")
    challenge = auth.step_up(session, purpose="step_up")
    step_up_code = auth.otp.codes[-1]
    required = auth.password("347 1112223").code_required
    revert(auth)
    assert not auth.introspect(session).active
    assert not auth.introspect(required.contact_change_token).active
    assert refused(lambda: auth.code(required.sign_in_id, auth.otp.codes[-1])).kind is Kind.NOT_FOUND
    refusal = refused(lambda: auth.complete_step_up(session, challenge.challenge_id, step_up_code))
    assert refusal.kind is Kind.UNAUTHENTICATED
    assert "UNKNOWN_DEVICE" in auth.password(device_token=device).code_required.reasons
    devices = auth.accounts.ListDevices(session_pb2.ListDevicesRequest(), metadata=bearer(auth.sign_in())).devices
    assert not devices


def test_repeat_gives_the_first_answer_also_at_once(auth: Auth) -> None:
    auth.change()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: revert(auth), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert auth.customer().version == 3
    auth.change(request_id="change-2", new_mobile="+393471112224", expected_version=3)
    assert revert(auth) == answers[0]
    assert auth.customer().mobile == "+393471112224"


def test_of_many_that_take_the_same_change_back_one_does(auth: Auth) -> None:
    auth.change()

    def take_back(number: int) -> Any:
        try:
            return revert(auth, f"revert-{number}").customer.version
        except grpc.RpcError as error:
            return error.code()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(take_back, range(8)))
    assert sorted(map(str, found)) == ["3", *["StatusCode.ABORTED"] * 7]


def again(auth: Auth, tmp_path: Path) -> None:
    auth.change(request_id="change-2", new_mobile="+393471112224", expected_version=2)


def there_and_back(auth: Auth, tmp_path: Path) -> None:
    again(auth, tmp_path)
    auth.change(request_id="change-3", expected_version=3)


def imported(auth: Auth, tmp_path: Path) -> None:
    text = f"{HEADER}\n{MARIA.replace('320 1234519', '347 1112225')}\n"
    auth.import_text(text, tmp_path / "newer.csv", datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("since", [again, there_and_back, imported])
def test_later_change_is_not_undone(auth: Auth, tmp_path: Path, clock: SetClock, since: Callable[[Auth, Path], None]) -> None:
    auth.change()
    clock.forward(minutes=1)
    since(auth, tmp_path)
    before = auth.customer()
    assert refused(lambda: revert(auth)).reason == "MOBILE_CHANGED_SINCE"
    assert auth.customer() == before


def test_other_changes_of_the_customer_do_not_stand_in_the_way(auth: Auth, tmp_path: Path) -> None:
    auth.change()
    auth.import_text(f"{HEADER}\n{MARIA.replace(',it,', ',en,')}\n", tmp_path / "language.csv")
    assert auth.customer().version == 3
    reverted = revert(auth).customer
    assert (reverted.mobile, reverted.language, reverted.version) == ("+393201234519", "en", 4)


def test_customer_who_had_no_mobile_has_none_again_and_recovery_keeps_its_limit(auth: Auth) -> None:
    auth.register("Nicolò", "D'Angelo", "nicolo.dangelo@example.com")
    started = auth.recover("nicolo.dangelo@example.com")
    auth.recovery_code(started.recovery_id, auth.otp.codes[-1])
    auth.new_password(started.recovery_id, "quattro asini verdi")
    auth.change(customer_id="C2")
    assert auth.password("nicolo.dangelo@example.com", "quattro asini verdi").HasField("code_required")
    assert revert(auth).customer.mobile == ""
    only = auth.password("nicolo.dangelo@example.com", "quattro asini verdi")
    assert only.contact_change_only.contact_change_token


def test_frozen_customer_stays_frozen(auth: Auth) -> None:
    auth.change()
    auth.registry.FreezeCustomer(pb.FreezeCustomerRequest(customer_id="C1"))
    assert revert(auth).customer.HasField("frozen_at")


def test_import_of_before_does_not_bring_the_reverted_mobile_again(auth: Auth, tmp_path: Path, clock: SetClock) -> None:
    auth.change()
    clock.forward(minutes=10)
    between = clock.now
    clock.forward(minutes=10)
    revert(auth)
    text = f"{HEADER}\n{MARIA.replace('320 1234519', '347 1112223')}\n"
    auth.import_text(text, tmp_path / "between.csv", between)
    assert auth.customer().mobile == "+393201234519"


def test_revert_refuses_what_it_cannot_do(auth: Auth) -> None:
    auth.register()
    auth.change()
    assert refused(lambda: revert(auth, change_id="change-0")).kind is Kind.NOT_FOUND
    assert refused(lambda: revert(auth, request_id="")).violations[0].field == "request_id"
    assert refused(lambda: revert(auth, request_id="change-1")).violations[0].reason == "REUSED"
    auth.change(request_id="other", customer_id="C5", new_mobile="+393201234519", expected_version=1)
    auth.register("Luca", "Verdi", "3201234519")
    assert refused(lambda: revert(auth)).reason == "USERNAME_TAKEN"
    assert auth.customer().mobile == "+393471112223"
    revert(auth, "revert-2", "other")
    assert refused(lambda: revert(auth, "revert-3", "revert-2")).kind is Kind.NOT_FOUND
    reused = refused(lambda: auth.change(request_id="revert-2", customer_id="C5", new_mobile="+393331234567"))
    assert reused.violations[0].reason == "REUSED"
    internal = refused(lambda: auth.internal.RevertMobile(pb.RevertMobileRequest(request_id="r", change_id="change-1")))
    assert internal.kind is Kind.PERMISSION_DENIED


def test_revert_without_redis_is_not_applied(auth: Auth, redis_server: RedisServer) -> None:
    auth.change()
    redis_server.kill()
    try:
        assert refused(lambda: revert(auth)).kind is Kind.UNAVAILABLE
    finally:
        redis_server.start()
    assert auth.customer().version == 2
    assert revert(auth).customer.version == 3
