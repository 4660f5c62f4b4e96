"""Trusted devices, and when a code is asked for although there is one."""

from functools import partial

import pytest
from recapito.otp.v1 import otp_pb2

from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, refused
from tests.support.redis import RedisServer


def test_trusted_device_needs_no_code_and_says_so(auth: Auth, clock: SetClock) -> None:
    auth.register()
    first, device = auth.trusted()
    sent = len(auth.otp.codes)
    confirmed = clock.now
    clock.forward(hours=1)
    session = auth.password(device_token=device).session
    found = auth.introspect(session.token)
    assert (session.acr, found.acr, list(found.amr)) == ("recapito:aal2", "recapito:aal2", ["pwd", "device"])
    assert found.auth_time.ToDatetime() == confirmed.replace(tzinfo=None)  # the code's age, for who asks for a fresh one
    assert len(auth.otp.codes) == sent
    assert session.token != first
    assert auth.audited()[-1]["details"]["amr"] == "pwd device"


def test_device_token_without_the_password_opens_nothing(auth: Auth) -> None:
    auth.register()
    _, device = auth.trusted()
    assert refused(lambda: auth.password(password="wrong password", device_token=device)).reason == "SIGN_IN_FAILED"


def test_device_token_of_another_customer_is_passed_over(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    _, device = auth.trusted("333 1234567")
    assert auth.password(device_token=device).code_required.reasons == ["FIRST_SIGN_IN"]


def test_device_is_trusted_for_thirty_days_and_its_token_replaced_by_a_code(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    clock.forward(days=29, hours=23)
    assert auth.password(device_token=device).session.token
    clock.forward(hours=2)
    required = auth.password(device_token=device).code_required
    assert list(required.reasons) == ["NEW_COUNTRY_OR_NETWORK", "CODE_TOO_OLD"]
    renewed = auth.code(required.sign_in_id, auth.otp.codes[-1], trust=True).device_token
    assert auth.password(device_token=renewed).session.token
    assert list(auth.password(device_token=device).code_required.reasons) == ["UNKNOWN_DEVICE"]


def test_another_network_asks_for_a_code_once(auth: Auth) -> None:
    auth.register()
    _, device = auth.trusted(ip="192.0.2.9")
    assert auth.password(device_token=device, ip="192.0.77.1").session.token
    required = auth.password(device_token=device, ip="198.51.100.7").code_required
    assert list(required.reasons) == ["NEW_COUNTRY_OR_NETWORK"]
    auth.code(required.sign_in_id, auth.otp.codes[-1])
    assert auth.password(device_token=device, ip="198.51.9.9").session.token
    assert list(auth.password(device_token=device, ip="2001:db8::1").code_required.reasons) == ["NEW_COUNTRY_OR_NETWORK"]


def test_burst_of_failures_asks_for_a_code_until_one_was_right(auth: Auth) -> None:
    auth.register()
    _, device = auth.trusted()
    for n in range(4):
        refused(partial(auth.password, password=f"wrong {n}"))
    assert auth.password(device_token=device).session.token
    refused(lambda: auth.password(password="wrong again"))
    required = auth.password(device_token=device).code_required
    assert list(required.reasons) == ["FAILED_ATTEMPTS"]
    auth.code(required.sign_in_id, auth.otp.codes[-1])
    assert auth.password(device_token=device).session.token


def test_caller_may_demand_a_code_of_a_certain_age(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    clock.forward(minutes=10)
    assert auth.password(device_token=device, acr="recapito:aal2", max_age=600).session.token
    clock.forward(seconds=1)
    assert list(auth.password(device_token=device, max_age=600).code_required.reasons) == ["DEMANDED"]
    assert list(auth.password(device_token=device, max_age=0).code_required.reasons) == ["DEMANDED"]
    assert refused(lambda: auth.password(acr="recapito:aal9")).violations[0].field == "acr"


def test_change_of_mobile_drops_the_devices(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    clock.forward(hours=1)
    auth.change()
    required = auth.password("347 1112223", device_token=device).code_required
    assert list(required.reasons) == ["UNKNOWN_DEVICE", "NEW_COUNTRY_OR_NETWORK", "CONTACT_CHANGED"]


def test_who_guesses_at_the_user_name_does_not_lock_its_owners_device(auth: Auth) -> None:
    auth.register()
    _, device = auth.trusted()
    for n in range(12):
        refused(partial(auth.password, password="guess", ip=f"203.0.113.{n}"))
    for _ in range(30):
        refused(partial(auth.password, "nobody@example.com", "guess"))
    assert refused(auth.password).kind is Kind.RESOURCE_EXHAUSTED  # the owner's address is full
    assert refused(lambda: auth.password(ip="198.51.100.1")).reason == "SIGN_IN_FAILED"  # the user name is locked
    required = auth.password(device_token=device).code_required
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).outcome == otp_pb2.OUTCOME_APPROVED
    assert auth.password(device_token=device).session.token


def test_stolen_device_token_has_ten_guesses_too(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    for n in range(10):
        refused(partial(auth.password, password=f"guess {n}", device_token=device))
    assert refused(lambda: auth.password(device_token=device)).reason == "SIGN_IN_FAILED"
    clock.forward(minutes=5, seconds=1)
    assert list(auth.password(device_token=device).code_required.reasons) == ["FAILED_ATTEMPTS"]


@pytest.mark.parametrize("token", ["x", "è" * 50, "x" * 5000])
def test_nonsense_for_a_device_token_is_passed_over(auth: Auth, token: str) -> None:
    auth.register()
    assert list(auth.password(device_token=token).code_required.reasons) == ["FIRST_SIGN_IN"]


def test_device_token_lies_nowhere(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    _, device = auth.trusted()
    with auth.database.read() as connection:
        dump = "\n".join(str(connection.exec_driver_sql(f"SELECT * FROM {table}").all()) for table in ("devices", "audit"))
    assert "C1" in dump
    assert device not in dump
    assert PASSWORD not in dump
