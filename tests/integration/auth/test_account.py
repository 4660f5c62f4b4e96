"""The customer's own account: password, email, sessions, devices."""

from functools import partial
from pathlib import Path
from typing import Any

from recapito.auth.v1 import session_pb2 as pb
from recapito.otp.v1 import otp_pb2

from recapito_auth.store.sessions import Sessions
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, client, refused
from tests.integration.otp.service import Otp
from tests.support.pki import Pki
from tests.support.redis import RedisServer

NEW = "quattro asini verdi al trotto"


def change_password(auth: Auth, token: str, old: str = PASSWORD, new: str = NEW) -> str:
    request = pb.ChangePasswordRequest(old_password=old, new_password=new)
    return auth.accounts.ChangePassword(request, metadata=bearer(token)).session.token


def start_email(auth: Auth, token: str, email: str) -> otp_pb2.Challenge:
    request = pb.StartEmailChangeRequest(new_email=email, client=client("192.0.2.9"))
    return auth.accounts.StartEmailChange(request, metadata=bearer(token)).challenge


def complete_email(auth: Auth, token: str, challenge_id: str, code: str) -> pb.CompleteEmailChangeResponse:
    request = pb.CompleteEmailChangeRequest(challenge_id=challenge_id, code=code)
    return auth.accounts.CompleteEmailChange(request, metadata=bearer(token))


def sessions(auth: Auth, token: str) -> list[Any]:
    return list(auth.accounts.ListSessions(pb.ListSessionsRequest(), metadata=bearer(token)).sessions)


def devices(auth: Auth, token: str) -> list[Any]:
    return list(auth.accounts.ListDevices(pb.ListDevicesRequest(), metadata=bearer(token)).devices)


def test_change_of_password_ends_everything_but_the_session_that_made_it(auth: Auth, clock: SetClock) -> None:
    auth.register()
    other, device = auth.trusted()
    own = auth.sign_in()
    clock.forward(minutes=5)
    renewed = change_password(auth, own)
    assert [auth.introspect(token).active for token in (other, own, renewed)] == [False, False, True]
    assert auth.notices() == [("password_changed", "+393201234519"), ("password_changed", "maria.rossi@example.com")]
    assert refused(auth.password).reason == "SIGN_IN_FAILED"
    required = auth.password(password=NEW, device_token=device).code_required
    assert list(required.reasons) == ["UNKNOWN_DEVICE", "NEW_COUNTRY_OR_NETWORK", "PASSWORD_CHANGED"]


def test_session_that_acts_lives_on_although_another_page_asks_in_between(
    auth: Auth, redis_server: RedisServer, clock: SetClock
) -> None:
    """The least epoch is raised, the old token is looked at by a page of another tab, and only then the session moves on."""
    auth.register()
    token = auth.sign_in()
    with redis_server.client(1) as redis:
        redis.connection_pool.connection_kwargs["decode_responses"] = True
        store = Sessions(redis)
        store.raise_least_epoch("C1", 2)
        assert not auth.introspect(token).active
        assert store.rotate(token, "C1", clock.now, {"epoch": 3}) is None  # somebody else ended it before
        renewed = store.rotate(token, "C1", clock.now, {"epoch": 2})
    assert renewed is not None
    assert auth.introspect(renewed[0]).active


def test_a_company_may_want_fresher_codes(
    pki: Pki, redis_server: RedisServer, database_url: str, otp: Otp, clock: SetClock, tmp_path: Path
) -> None:
    auth = Auth(pki, redis_server.url(1), database_url, otp, clock, tmp_path, RECAPITO_STEP_UP_MINUTES="3")
    try:
        auth.register()
        token = auth.sign_in()
        challenge_id = start_email(auth, token, "maria@example.org").challenge_id
        clock.forward(minutes=3, seconds=1)
        refusal = refused(partial(change_password, auth, token))
        assert (refusal.reason, refusal.metadata["max_age"]) == ("STEP_UP_REQUIRED", "180")
        done = complete_email(auth, token, challenge_id, auth.otp.codes[-1])  # a code on its way has five minutes more
        assert done.outcome == otp_pb2.OUTCOME_APPROVED
    finally:
        auth.stop()


def test_change_of_password_needs_the_old_one_and_a_fresh_code(auth: Auth, clock: SetClock) -> None:
    auth.register()
    token = auth.sign_in()
    refusal = refused(partial(change_password, auth, token, "wrong password"))
    assert [(v.field, v.reason) for v in refusal.violations] == [("old_password", "WRONG")]
    refusal = refused(partial(change_password, auth, token, PASSWORD, "password1"))
    assert [(v.field, v.reason) for v in refusal.violations] == [("new_password", "TOO_COMMON")]
    for _ in range(8):
        refused(partial(change_password, auth, token, "wrong password"))
    assert refused(partial(change_password, auth, token)).kind is Kind.RESOURCE_EXHAUSTED
    clock.forward(minutes=10, seconds=1)
    assert refused(partial(change_password, auth, token)).reason == "STEP_UP_REQUIRED"
    challenge = auth.step_up(token, purpose="step_up")
    fresh = auth.complete_step_up(token, challenge.challenge_id, auth.otp.codes[-1]).session.token
    assert auth.introspect(change_password(auth, fresh)).active


def test_session_of_a_trusted_device_is_as_fresh_as_its_last_code(auth: Auth, clock: SetClock) -> None:
    auth.register()
    _, device = auth.trusted()
    clock.forward(minutes=11)
    token = auth.password(device_token=device).session.token
    assert refused(partial(change_password, auth, token)).reason == "STEP_UP_REQUIRED"


def test_change_of_email_goes_to_the_new_one_and_tells_the_old(auth: Auth, clock: SetClock) -> None:
    auth.register(contact="maria.rossi@example.com")
    required = auth.password("maria.rossi@example.com").code_required
    token = auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    challenge = start_email(auth, token, "Maria@Nuova.example")
    assert challenge.masked_destination == "m***@n***.example"
    assert complete_email(auth, token, challenge.challenge_id, "000000").outcome == otp_pb2.OUTCOME_INCORRECT
    done = complete_email(auth, token, challenge.challenge_id, auth.otp.codes[-1])
    assert (done.outcome, auth.introspect(token).active) == (otp_pb2.OUTCOME_APPROVED, False)
    assert auth.introspect(done.session.token).contact_changed_at.ToDatetime() == clock.now.replace(tzinfo=None)
    customer = auth.customer()
    assert (customer.email, customer.version) == ("maria@nuova.example", 2)
    assert auth.notices() == [("email_changed", "+393201234519"), ("email_changed", "maria.rossi@example.com")]
    assert "CONTACT_CHANGED" in auth.password("maria@nuova.example").code_required.reasons
    assert refused(lambda: auth.password("maria.rossi@example.com")).reason == "SIGN_IN_FAILED"


def test_code_to_a_new_email_is_followed_and_sent_again(auth: Auth, clock: SetClock) -> None:
    auth.register()
    token = auth.sign_in()
    challenge = start_email(auth, token, "maria@nuova.example")
    first = auth.otp.codes[-1]
    get = pb.GetEmailChangeRequest(challenge_id=challenge.challenge_id)
    assert auth.accounts.GetEmailChange(get, metadata=bearer(token)).challenge.challenge_id == challenge.challenge_id
    again = pb.ResendEmailChangeCodeRequest(challenge_id=challenge.challenge_id, client=client("192.0.2.9"))
    assert refused(lambda: auth.accounts.ResendEmailChangeCode(again, metadata=bearer(token))).retry_after
    clock.forward(seconds=60)
    sent = auth.accounts.ResendEmailChangeCode(again, metadata=bearer(token)).challenge
    assert (sent.challenge_id, sent.masked_destination) == (challenge.challenge_id, "m***@n***.example")
    assert complete_email(auth, token, challenge.challenge_id, first).outcome == otp_pb2.OUTCOME_SUPERSEDED
    done = complete_email(auth, token, challenge.challenge_id, auth.otp.codes[-1])
    assert (done.outcome, done.attempts_left) == (otp_pb2.OUTCOME_APPROVED, 3)
    assert [e["details"]["purpose"] for e in auth.audited() if e["event"] == "CODE_SENT_AGAIN"] == ["new_email"]
    renewed = done.session.token
    assert refused(lambda: auth.accounts.GetEmailChange(get, metadata=bearer(renewed))).kind is Kind.NOT_FOUND
    assert refused(lambda: auth.accounts.ResendEmailChangeCode(again, metadata=bearer(renewed))).kind is Kind.NOT_FOUND


def test_code_of_another_customers_email_change_is_neither_read_nor_sent(auth: Auth, clock: SetClock) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    challenge = start_email(auth, auth.sign_in(), "maria@nuova.example")
    other = auth.trusted("333 1234567")[0]
    clock.forward(minutes=2)
    get = pb.GetEmailChangeRequest(challenge_id=challenge.challenge_id)
    again = pb.ResendEmailChangeCodeRequest(challenge_id=challenge.challenge_id, client=client("192.0.2.9"))
    assert refused(lambda: auth.accounts.GetEmailChange(get, metadata=bearer(other))).kind is Kind.NOT_FOUND
    assert refused(lambda: auth.accounts.ResendEmailChangeCode(again, metadata=bearer(other))).kind is Kind.NOT_FOUND


def test_user_name_that_is_taken_is_told_to_its_owner_alone(auth: Auth) -> None:
    auth.register(contact="maria.rossi@example.com")
    auth.register("Luca", "Verdi", "famiglia.verdi@example.com")
    required = auth.password("maria.rossi@example.com").code_required
    token = auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    challenge = start_email(auth, token, "famiglia.verdi@example.com")
    for left in (4, 3, 2, 1, 0):
        answer = complete_email(auth, token, challenge.challenge_id, auth.otp.codes[-1])
        assert (answer.outcome, answer.attempts_left) == (otp_pb2.OUTCOME_INCORRECT, left)
    assert auth.customer().email == "maria.rossi@example.com"


def test_shared_email_is_no_obstacle_where_the_user_name_is_a_mobile(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "famiglia.verdi@example.com")
    token = auth.sign_in()
    challenge = start_email(auth, token, "famiglia.verdi@example.com")
    assert complete_email(auth, token, challenge.challenge_id, auth.otp.codes[-1]).session.token
    assert auth.password().code_required.sign_in_id  # the user name is the mobile still


def test_email_that_cannot_be_taken_is_told(auth: Auth) -> None:
    auth.register()
    token = auth.sign_in()
    for typed, reason in (("nonsense", "NOT_AN_EMAIL"), ("", "EMPTY"), ("MARIA.ROSSI@example.com", "UNCHANGED")):
        assert refused(partial(start_email, auth, token, typed)).violations[0].reason == reason


def test_email_change_of_another_customer_or_epoch_is_not_found(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    token = auth.sign_in()
    challenge = start_email(auth, token, "maria@nuova.example")
    code = auth.otp.codes[-1]
    other = auth.trusted("333 1234567")[0]
    assert refused(partial(complete_email, auth, other, challenge.challenge_id, code)).kind is Kind.NOT_FOUND
    renewed = change_password(auth, token)
    assert refused(partial(complete_email, auth, renewed, challenge.challenge_id, code)).kind is Kind.NOT_FOUND


def test_sessions_are_listed_with_their_devices_and_ended_by_id(auth: Auth, clock: SetClock) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    first = auth.sign_in()
    clock.forward(minutes=1)
    second = auth.sign_in()
    clock.forward(minutes=1)
    found = sessions(auth, second)
    assert [(s.current, s.last_seen_at.ToDatetime() > s.created_at.ToDatetime()) for s in found] == [(True, True), (False, False)]
    other = auth.trusted("333 1234567")[0]
    theirs = pb.EndSessionRequest(session_id=found[1].session_id)
    assert refused(lambda: auth.accounts.EndSession(theirs, metadata=bearer(other))).kind is Kind.NOT_FOUND
    assert refused(lambda: auth.accounts.EndSession(theirs)).kind is Kind.UNAUTHENTICATED
    assert refused(lambda: auth.accounts.EndSession(pb.EndSessionRequest())).violations[0].field == "token"
    auth.accounts.EndSession(theirs, metadata=bearer(second))
    assert [auth.introspect(token).active for token in (first, second)] == [False, True]
    assert len(sessions(auth, second)) == 1
    assert "SESSION_ENDED" in [entry["event"] for entry in auth.audited()]


def test_session_keeps_its_place_in_the_list_over_a_step_up(auth: Auth) -> None:
    auth.register()
    token = auth.sign_in()
    (before,) = sessions(auth, token)
    challenge = auth.step_up(token, purpose="step_up")
    fresh = auth.complete_step_up(token, challenge.challenge_id, auth.otp.codes[-1]).session.token
    (after,) = sessions(auth, fresh)
    assert (before.session_id, after.current) == (after.session_id, True)


def test_all_sessions_end_and_trusted_devices_stay(auth: Auth) -> None:
    auth.register()
    first, device = auth.trusted()
    second = auth.sign_in()
    under_way = auth.password().code_required
    auth.accounts.EndAllSessions(pb.EndAllSessionsRequest(), metadata=bearer(second))
    assert [auth.introspect(token).active for token in (first, second)] == [False, False]
    assert refused(lambda: auth.code(under_way.sign_in_id, auth.otp.codes[-1])).kind is Kind.NOT_FOUND
    assert auth.password(device_token=device).session.token


def test_devices_are_listed_and_forgotten(auth: Auth, clock: SetClock) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    token, device = auth.trusted()
    other = auth.trusted("333 1234567")[0]
    (found,) = devices(auth, token)
    assert (found.expires_at.ToDatetime() - found.created_at.ToDatetime()).days == 30
    forget = pb.ForgetDeviceRequest(device_id=found.device_id)
    assert refused(lambda: auth.accounts.ForgetDevice(forget, metadata=bearer(other))).kind is Kind.NOT_FOUND
    auth.accounts.ForgetDevice(forget, metadata=bearer(token))
    assert devices(auth, token) == []
    assert list(auth.password(device_token=device).code_required.reasons) == ["UNKNOWN_DEVICE"]
    assert refused(lambda: auth.accounts.ForgetDevice(forget, metadata=bearer(token))).kind is Kind.NOT_FOUND
