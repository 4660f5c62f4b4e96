"""Sign-in: equal errors, limits, the code, assistance, lockouts, sessions and step-up."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from recapito.auth.v1 import authentication_pb2, session_pb2
from recapito.otp.v1 import otp_pb2

from recapito_auth.store import audit, hashes
from recapito_auth.store.tables import ACCOUNTS
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, client, refused
from tests.support.redis import RedisServer
from tests.support.serving import SLOWEST_SECONDS

HASH = "ab" * 32


def test_sign_in_asks_for_a_code_to_the_mobile_and_opens_a_session(auth: Auth, clock: SetClock) -> None:
    auth.register(contact="maria.rossi@example.com")
    required = auth.password("Maria.Rossi@example.com").code_required
    assert required.masked_destination == "320 *****19"
    assert required.reasons == ["FIRST_SIGN_IN"]
    done = auth.code(required.sign_in_id, auth.otp.codes[-1])
    assert done.outcome == otp_pb2.OUTCOME_APPROVED
    found = auth.introspect(done.session.token)
    assert (found.active, found.kind, found.customer_id, found.acr, list(found.amr)) == (
        True,
        session_pb2.KIND_SESSION,
        "C1",
        "recapito:aal2",
        ["pwd", "otp_sms"],
    )
    assert not found.HasField("claims_held_until")
    clock.forward(seconds=1)
    assert auth.password("maria.rossi@example.com").code_required.reasons == ["UNKNOWN_DEVICE"]


def test_contact_change_token_says_how_it_was_obtained(auth: Auth, clock: SetClock) -> None:
    auth.register()
    token = auth.password().code_required.contact_change_token
    found = auth.introspect(token)
    assert (found.kind, list(found.amr), found.acr) == (session_pb2.KIND_CONTACT_CHANGE, ["pwd"], "")
    clock.forward(minutes=30, seconds=1)
    assert not auth.introspect(token).active


@pytest.mark.parametrize(
    ("username", "password"),
    [("3201234519", "wrong password"), ("3209999999", "wrong password"), ("nonsense", ""), ("", ""), ("x" * 5000, "y" * 5000)],
)
def test_wrong_and_unknown_get_one_answer(auth: Auth, username: str, password: str) -> None:
    auth.register()
    refusal = refused(lambda: auth.password(username, password))
    assert (refusal.kind, refusal.reason, refusal.message) == (
        Kind.UNAUTHENTICATED,
        "SIGN_IN_FAILED",
        "user name and password do not open an account",
    )


@pytest.mark.parametrize("username", ["320 1234519", "nobody@example.com"])
def test_eleventh_attempt_on_a_user_name_fails_like_a_wrong_one_known_or_not(auth: Auth, clock: SetClock, username: str) -> None:
    auth.register()
    with ThreadPoolExecutor(8) as pool:
        refusals = list(pool.map(lambda n: refused(lambda: auth.password(username, "wrong", f"192.0.2.{n}")), range(12)))
    assert {(r.kind, r.reason, r.message, r.retry_after) for r in refusals} == {
        (Kind.UNAUTHENTICATED, "SIGN_IN_FAILED", refusals[0].message, None)
    }
    assert refused(lambda: auth.password("320 1234519" if "@" not in username else username)).reason == "SIGN_IN_FAILED"
    with auth.database.read() as connection:
        locked = [
            json.loads(record.body)["details"]["locked"] for record in audit.records(connection) if "FAILED" in record.event
        ]
    assert (locked.count(False), locked.count(True)) == (10, 3)
    if "@" not in username:
        clock.forward(minutes=5, seconds=1)
        assert "FAILED_ATTEMPTS" in auth.password(username).code_required.reasons


def test_thirty_first_attempt_from_an_address_is_refused(auth: Auth) -> None:
    for n in range(30):
        assert refused(partial(auth.password, f"nobody{n}@example.com", "wrong")).kind is Kind.UNAUTHENTICATED
    assert refused(lambda: auth.password("another@example.com", "wrong")).kind is Kind.RESOURCE_EXHAUSTED
    assert refused(lambda: auth.password("another@example.com", "wrong", "192.0.2.10")).kind is Kind.UNAUTHENTICATED


def test_right_code_many_times_at_once_opens_one_session(auth: Auth) -> None:
    auth.register()
    required = auth.password().code_required
    code = auth.otp.codes[-1]

    def complete(_: int) -> str:
        try:
            return auth.code(required.sign_in_id, code).session.token
        except Exception:
            return ""

    with ThreadPoolExecutor(10) as pool:
        tokens = [token for token in pool.map(complete, range(10)) if token]
    assert len(tokens) == 1


def test_sign_in_can_be_read_and_its_code_sent_again(auth: Auth, clock: SetClock) -> None:
    auth.register()
    required = auth.password().code_required
    challenge = auth.authentication.GetSignIn(authentication_pb2.GetSignInRequest(sign_in_id=required.sign_in_id)).challenge
    assert (challenge.attempts_left, challenge.channel) == (5, otp_pb2.CHANNEL_SMS)
    again = authentication_pb2.ResendSignInCodeRequest(sign_in_id=required.sign_in_id, client=client("192.0.2.9"))
    assert refused(lambda: auth.authentication.ResendSignInCode(again)).kind is Kind.RESOURCE_EXHAUSTED
    clock.forward(seconds=61)
    auth.authentication.ResendSignInCode(again)
    assert auth.code(required.sign_in_id, auth.otp.codes[-1]).outcome == otp_pb2.OUTCOME_APPROVED


def test_no_mobile_leads_to_a_code_by_email_and_a_contact_change(auth: Auth) -> None:
    auth.register("Nicolo", "Dangelo", "nicolo.dangelo@example.com")
    missing = auth.password("nicolo.dangelo@example.com").mobile_missing
    assert missing.masked_email == "n***@e***.com"
    started = auth.authentication.StartAssistance(
        authentication_pb2.StartAssistanceRequest(sign_in_id=missing.sign_in_id, client=client("192.0.2.9"))
    )
    assert started.masked_destination == "n***@e***.com"
    request = authentication_pb2.CompleteAssistanceRequest(sign_in_id=missing.sign_in_id, code=auth.otp.codes[-1])
    done = auth.authentication.CompleteAssistance(request)
    found = auth.introspect(done.contact_change_token)
    assert (found.kind, list(found.amr), found.customer_id) == (session_pb2.KIND_CONTACT_CHANGE, ["pwd", "otp_email"], "C2")


def test_assistance_is_refused_where_there_is_a_mobile(auth: Auth) -> None:
    auth.register()
    request = authentication_pb2.StartAssistanceRequest(sign_in_id=auth.password().code_required.sign_in_id)
    assert refused(lambda: auth.authentication.StartAssistance(request)).reason == "MOBILE_ON_FILE"


def test_twenty_wrong_codes_lock_for_an_hour_and_a_hundred_disable(auth: Auth, clock: SetClock) -> None:
    auth.register()
    wrong = 0
    for lock in range(1, 6):
        while wrong < lock * 20:
            sign_in_id = auth.password().code_required.sign_in_id
            for _ in range(5):
                auth.code(sign_in_id, "000000")
            wrong += 5
            clock.forward(hours=3)
            if wrong == lock * 20:
                clock.forward(hours=-3)
        if lock < 5:
            refusal = refused(auth.password)
            assert (refusal.kind, refusal.reason) == (Kind.RESOURCE_EXHAUSTED, "CODES_LOCKED")
            assert refused(partial(auth.code, sign_in_id, auth.otp.codes[-1])).reason == "CODES_LOCKED"
        clock.forward(hours=20)
    assert auth.password().mobile_missing.masked_email == "m***@e***.com"
    auth.change()
    assert auth.password("347 1112223").code_required.masked_destination == "347 *****23"


def test_session_ends_when_idle_when_old_and_when_told(auth: Auth, clock: SetClock) -> None:
    auth.register()
    token = auth.sign_in()
    for _ in range(24):
        clock.forward(minutes=29, seconds=50)
        assert auth.introspect(token).active
    clock.forward(minutes=29, seconds=50)
    assert not auth.introspect(token).active
    token = auth.sign_in()
    clock.forward(minutes=30, seconds=1)
    assert not auth.introspect(token).active
    token = auth.sign_in()
    for _ in range(2):
        auth.accounts.EndSession(session_pb2.EndSessionRequest(token=token))
    assert auth.introspect(token) == session_pb2.IntrospectResponse()


@pytest.mark.parametrize("token", ["", "nonsense", "abc-", "zzz-" + "x" * 43, "è" * 20, "{a}-" + "x" * 43])
def test_unknown_token_is_an_answer(auth: Auth, token: str) -> None:
    assert not auth.introspect(token).active


def test_introspection_is_one_round_trip_to_redis(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    token = auth.sign_in()
    asking: Any = redis_server.client(1)
    with asking.monitor() as monitor:
        for _ in range(3):
            assert auth.introspect(token).active
        asking.echo("done")
        seen = list(itertools.takewhile(lambda told: told["command"] != "ECHO done", monitor.listen()))
    sent = [told["command"].split()[0] for told in seen if told["client_type"] != "lua"]
    assert sent[: sent.index("HELLO")] == ["EVALSHA"] * 3  # then comes the connection that ends the watching


def test_step_up_for_a_claim_gives_a_new_token_and_a_proof(auth: Auth, clock: SetClock) -> None:
    auth.register()
    token = auth.sign_in()
    clock.forward(minutes=20)
    challenge = auth.step_up(token, purpose="claim", transaction_hash=HASH, summary="denuncia 123,45 EUR")
    assert auth.complete_step_up(token, challenge.challenge_id, "000000").outcome == otp_pb2.OUTCOME_INCORRECT
    done = auth.complete_step_up(token, challenge.challenge_id, auth.otp.codes[-1])
    assert done.outcome == otp_pb2.OUTCOME_APPROVED
    assert not auth.introspect(token).active
    found = auth.introspect(done.session.token)
    assert (found.active, found.customer_id, found.auth_time.ToDatetime()) == (True, "C1", clock.now.replace(tzinfo=None))
    fields = {"subject": "C1", "purpose": "claim", "transaction_hash": HASH}
    assert auth.otp.consume(done.proof, "claims", **fields).issued_by == "auth"


def test_code_of_a_step_up_can_be_read_by_its_customer(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    token = auth.sign_in()
    challenge = auth.step_up(token, purpose="step_up")
    request = authentication_pb2.GetStepUpRequest(challenge_id=challenge.challenge_id)
    assert auth.authentication.GetStepUp(request, metadata=bearer(token)).challenge.masked_destination == "320 *****19"
    other = auth.trusted("333 1234567")[0]
    assert refused(lambda: auth.authentication.GetStepUp(request, metadata=bearer(other))).kind is Kind.NOT_FOUND


def test_step_up_of_another_customer_is_not_found(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    token = auth.sign_in()
    required = auth.password("3331234567").code_required
    other = auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token
    challenge = auth.step_up(token, purpose="step_up")
    refusal = refused(lambda: auth.complete_step_up(other, challenge.challenge_id, auth.otp.codes[-1]))
    assert refusal.kind is Kind.NOT_FOUND


def test_step_up_needs_a_session_and_a_claim_its_hash(auth: Auth) -> None:
    auth.register()
    token = auth.password().code_required.contact_change_token
    assert refused(lambda: auth.step_up(token, purpose="step_up")).kind is Kind.UNAUTHENTICATED
    assert refused(lambda: auth.step_up("abc-nobody", purpose="step_up")).kind is Kind.UNAUTHENTICATED
    refusal = refused(lambda: auth.step_up(auth.sign_in(), purpose="claim"))
    assert [(v.field, v.reason) for v in refusal.violations] == [("transaction_hash", "EMPTY")]


def test_no_secret_lies_in_redis(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    token = auth.sign_in()
    required = auth.password().code_required
    store: Any = redis_server.client(1)
    readers: dict[bytes, Any] = {b"string": store.get, b"hash": store.hgetall, b"zset": lambda key: store.zrange(key, 0, -1)}
    kept = " ".join(f"{key!r} {readers[store.type(key)](key)!r}" for key in store.scan_iter())
    assert "C1" in kept
    for secret in (token, required.sign_in_id, required.contact_change_token, auth.otp.codes[-1], "cavalli"):
        assert secret not in kept


@pytest.mark.full_cost
def test_hash_of_lower_settings_is_made_anew_at_the_next_right_password(auth: Auth) -> None:
    auth.register()
    outgrown = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)

    def kept() -> str:
        with auth.database.read() as connection:
            return str(connection.execute(sa.select(ACCOUNTS.c.password_hash)).scalar_one())

    with auth.database.transaction() as connection:
        connection.execute(sa.update(ACCOUNTS).values(password_hash=outgrown))
    refused(partial(auth.password, password="wrong"))
    assert kept() == outgrown
    assert auth.password().code_required.sign_in_id
    assert kept().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert auth.password().code_required.sign_in_id


def test_passwords_that_would_wait_too_long_are_turned_away(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    auth.register()
    monkeypatch.setattr(hashes, "WAIT_SECONDS", 0.05)
    compare = PasswordHasher.verify

    def slowly(self: Any, kept: Any, password: Any) -> bool:
        time.sleep(0.5)
        return compare(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", slowly)
    with ThreadPoolExecutor(8) as pool:
        refusals = list(pool.map(lambda n: refused(partial(auth.password, password="wrong", ip=f"203.0.113.{n}")), range(8)))
    busy = [refusal for refusal in refusals if refusal.reason == "TOO_BUSY"]
    assert 1 <= len(busy) <= 7
    assert all(refusal.kind is Kind.RESOURCE_EXHAUSTED and refusal.retry_after for refusal in busy)
    assert {refusal.reason for refusal in refusals} == {"TOO_BUSY", "SIGN_IN_FAILED"}
    assert auth.password().code_required.sign_in_id


def test_frozen_redis_is_answered_in_time_and_lets_nobody_in(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    token = auth.sign_in()
    redis_server.freeze()
    try:
        for call in (auth.password, lambda: auth.introspect(token)):
            started = time.monotonic()
            assert refused(call).kind in (Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED)
            assert time.monotonic() - started < SLOWEST_SECONDS
    finally:
        redis_server.thaw()
    assert auth.introspect(token).active


def test_flushed_redis_ends_sessions_and_what_is_under_way_and_keeps_the_count_of_wrong_codes(
    auth: Auth, redis_server: RedisServer, clock: SetClock
) -> None:
    auth.register()
    token = auth.sign_in()
    for _ in range(4):
        redis_server.client(0).flushdb()
        redis_server.client(1).flushdb()
        required = auth.password().code_required
        for n in range(5):
            auth.code(required.sign_in_id, f"{n:06d}")
    assert not auth.introspect(token).active
    assert refused(auth.password).reason == "CODES_LOCKED"
    redis_server.client(1).flushdb()
    assert refused(lambda: auth.code(required.sign_in_id, auth.otp.codes[-1])).kind is Kind.NOT_FOUND


def test_without_redis_nobody_is_let_in(auth: Auth, redis_server: RedisServer) -> None:
    redis_server.client().config_set("appendfsync", "always")  # as in earnest: the session outlasts the kill
    auth.register()
    token = auth.sign_in()
    redis_server.kill()
    try:
        assert refused(lambda: auth.introspect(token)).kind is Kind.UNAVAILABLE
        assert refused(auth.password).kind is Kind.UNAVAILABLE
        request = authentication_pb2.StartStepUpRequest(purpose="step_up")
        refusal = refused(lambda: auth.authentication.StartStepUp(request, metadata=bearer(token)))
        assert refusal.kind is Kind.UNAVAILABLE
    finally:
        redis_server.start()
    assert auth.introspect(token).active


def test_password_that_was_changed_while_the_old_one_was_compared_opens_nothing(
    auth: Auth, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a contact change: the new epoch belongs to who knows the new password."""
    auth.register()
    own = auth.sign_in()
    clock.forward(minutes=5)
    compare, changed = hashes.Hasher.fits, list[bool]()

    def change_in_between(hasher: hashes.Hasher, password_hash: str | None, password: str) -> bool:
        right = compare(hasher, password_hash, password)
        if not changed:
            changed.append(True)
            request = session_pb2.ChangePasswordRequest(old_password=PASSWORD, new_password="quattro asini verdi al trotto")
            auth.accounts.ChangePassword(request, metadata=bearer(own))
        return right

    monkeypatch.setattr(hashes.Hasher, "fits", change_in_between)
    assert refused(auth.password).reason == "SIGN_IN_FAILED"
    assert changed
    assert auth.password(password="quattro asini verdi al trotto").code_required.sign_in_id
