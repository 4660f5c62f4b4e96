"""An operator's own account: the password, also the first one, and the authenticator app."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import grpc
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from recapito.auth.v1 import operator_pb2 as pb
from recapito.auth.v1 import session_pb2

from recapito_auth.flows.assert_epochs import assert_epochs
from recapito_auth.flows.create_operator import Enrolled
from recapito_auth.store.sessions import Sessions
from recapito_auth.store.tables import OPERATORS
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import PASSWORD, Auth, app_of, refused
from tests.support.redis import RedisServer
from tests.support.serving import run_command

NEW = "quattro gatti al tramonto"
OTHER = "cinque lupi sotto la luna"


class Operator:
    """An operator with an app and recovery codes."""

    def __init__(self, auth: Auth, clock: SetClock, name: str, enrolled: Enrolled) -> None:
        self.auth, self.clock, self.name, self.codes = auth, clock, name, enrolled.recovery_codes
        self.app = app_of(enrolled.uri)

    def next_code(self) -> str:
        """A code that was not used before."""
        self.clock.forward(seconds=30)
        return self.app.at(self.clock.now)

    def sign_in(self, password: str = PASSWORD, code: str = "") -> pb.OperatorSession:
        return self.auth.operator(self.name, password, code or self.next_code()).session

    def change(self, token: str, new: str = NEW, old: str = PASSWORD, code: str = "") -> pb.OperatorSession:
        request = pb.OperatorServiceChangePasswordRequest(old_password=old, new_password=new, totp=code)
        return self.auth.operators.ChangePassword(request, metadata=bearer(token)).session

    def start(self, token: str, code: str) -> pb.StartTotpChangeResponse:
        return self.auth.operators.StartTotpChange(pb.StartTotpChangeRequest(totp=code), metadata=bearer(token))

    def complete(self, token: str, enrolment_id: str, code: str) -> pb.OperatorSession:
        request = pb.CompleteTotpChangeRequest(enrolment_id=enrolment_id, totp=code)
        return self.auth.operators.CompleteTotpChange(request, metadata=bearer(token)).session


@pytest.fixture
def enrol(auth: Auth, clock: SetClock) -> Callable[..., Operator]:
    """Enrols an operator with PASSWORD."""

    def enrol(name: str = "anna", *, made: bool = False) -> Operator:
        return Operator(auth, clock, name, auth.enrol(name, password_made=made))

    return enrol


@pytest.fixture
def anna(enrol: Callable[..., Operator]) -> Operator:
    return enrol()


def live(auth: Auth, token: str) -> bool:
    return auth.introspect(token).active


def events(auth: Auth) -> list[str]:
    """What was recorded, without the customers' part of it."""
    with auth.database.read() as connection:
        rows = connection.execute(sa.text("SELECT event FROM audit WHERE event LIKE 'OPERATOR%' ORDER BY seq")).all()
    return [row[0] for row in rows]


def outcomes(calls: Sequence[Callable[[], object]]) -> list[str]:
    """What became of calls made at once: empty, or the reason of the refusal."""

    def run(call: Callable[[], object]) -> str:
        try:
            call()
        except grpc.RpcError:
            return "refused"
        return ""

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


def test_password_is_changed_with_the_old_one_and_a_code(auth: Auth, anna: Operator) -> None:
    other, token = anna.sign_in().token, anna.sign_in().token
    renewed = anna.change(token, code=anna.next_code())
    assert (renewed.role, renewed.password_change_required) == ("reviewer", False)
    assert [live(auth, one) for one in (other, token, renewed.token)] == [False, False, True]
    assert refused(anna.sign_in).reason == "SIGN_IN_FAILED"
    assert live(auth, anna.sign_in(NEW).token)
    assert live(auth, anna.change(renewed.token, OTHER, NEW, anna.codes[0]).token)  # a recovery code in the app's place
    assert events(auth).count("OPERATOR_PASSWORD_CHANGED") == 2
    with auth.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT body FROM audit").all())
    assert not any(secret in kept for secret in (PASSWORD, NEW, OTHER, anna.codes[0]))


def test_password_stays_where_something_is_wrong(auth: Auth, anna: Operator) -> None:
    used = anna.next_code()
    token = anna.sign_in(code=used).token
    fresh = anna.next_code()
    for fields, field, reason in (
        ({"old": "sbagliata", "code": fresh}, "old_password", "WRONG"),
        ({"new": "corta"}, "new_password", "TOO_SHORT"),
        ({"new": "Password123"}, "new_password", "TOO_COMMON"),
        ({"new": "anna sul balcone"}, "new_password", "CONTAINS_PERSONAL"),
        ({"new": "recapito sicuro"}, "new_password", "CONTAINS_SERVICE"),
        ({"new": PASSWORD}, "new_password", "UNCHANGED"),
        ({"code": ""}, "totp", "WRONG"),
        ({"code": used}, "totp", "WRONG"),
    ):
        (violation,) = refused(partial(anna.change, token, **fields)).violations
        assert (violation.field, violation.reason) == (field, reason)
    assert live(auth, token)
    assert anna.change(token, code=fresh).token  # what was refused before the code was looked at didn't spend it


def test_tries_of_a_thief_of_a_session_are_few(anna: Operator) -> None:
    token = anna.sign_in().token
    for _ in range(10):
        assert refused(partial(anna.change, token, old="guess")).kind is Kind.INVALID_ARGUMENT
    late = refused(partial(anna.change, token, code=anna.next_code()))
    assert (late.kind, late.retry_after is not None) == (Kind.RESOURCE_EXHAUSTED, True)


def test_first_password_opens_its_own_change_alone(auth: Auth, enrol: Callable[..., Operator]) -> None:
    anna = enrol(made=True)
    first = anna.sign_in()
    assert first.password_change_required
    assert auth.introspect(first.token).kind == session_pb2.KIND_PASSWORD_CHANGE
    refusals = [
        refused(partial(anna.start, first.token, anna.codes[0])),
        refused(lambda: auth.operators.ListOperators(pb.ListOperatorsRequest(), metadata=bearer(first.token))),
        refused(lambda: auth.accounts.ListSessions(session_pb2.ListSessionsRequest(), metadata=bearer(first.token))),
    ]
    assert {(refusal.kind, refusal.reason) for refusal in refusals} == {(Kind.UNAUTHENTICATED, "PASSWORD_CHANGE_REQUIRED")}
    assert refused(partial(anna.change, first.token, PASSWORD)).violations[0].reason == "UNCHANGED"
    full = anna.change(first.token, old="")
    assert (full.password_change_required, live(auth, first.token)) == (False, False)
    assert auth.introspect(full.token).kind == session_pb2.KIND_OPERATOR
    assert list(auth.introspect(full.token).amr) == ["pwd", "totp"]
    assert not anna.sign_in(NEW).password_change_required
    assert refused(anna.sign_in).reason == "SIGN_IN_FAILED"


def test_first_password_is_changed_once_also_at_once(auth: Auth, enrol: Callable[..., Operator]) -> None:
    anna = enrol(made=True)
    tokens = [anna.sign_in().token for _ in range(2)]
    found = outcomes([partial(anna.change, token, f"{NEW} {n}") for n in range(4) for token in tokens])
    assert found == [""] + ["refused"] * 7
    assert events(auth).count("OPERATOR_PASSWORD_CHANGED") == 1


def test_session_of_a_first_password_ends_by_itself_or_by_signing_out(
    auth: Auth, enrol: Callable[..., Operator], clock: SetClock
) -> None:
    anna = enrol(made=True)
    token, other = anna.sign_in().token, anna.sign_in().token
    auth.operators.SignOut(pb.SignOutRequest(), metadata=bearer(token))
    assert [live(auth, token), live(auth, other)] == [False, True]
    for _ in range(2):
        clock.forward(minutes=8)
        live(auth, other)
    assert not live(auth, other)  # used every 8 minutes, and ended after 15


def test_who_is_made_to_choose_a_password_and_who_is_not(auth: Auth, clock: SetClock) -> None:
    printed = run_command("auth", ["create-operator", "zoe", "--role", "supervisor"], auth.environment).stdout
    password, uri = (re.search(pattern, printed) for pattern in (r"First password.*: (\S+)", r"otpauth://\S+"))
    assert password is not None
    assert uri is not None
    session = auth.operator("zoe", password.group(1), app_of(uri.group()).at(clock.now)).session
    assert session.password_change_required
    request = pb.OperatorServiceChangePasswordRequest(new_password=NEW)
    supervisor = auth.operators.ChangePassword(request, metadata=bearer(session.token)).session.token
    made = auth.operators.CreateOperator(pb.CreateOperatorRequest(name="dario", role="auditor"), metadata=bearer(supervisor))
    assert auth.operator("dario", made.password, made.recovery_codes[0]).session.password_change_required


def test_one_code_is_accepted_once_wherever_it_is_typed_at_once(auth: Auth, anna: Operator) -> None:
    token = anna.sign_in().token
    code = anna.next_code()
    calls: list[Callable[[], object]] = [
        partial(anna.change, token, code=code),
        partial(anna.start, token, code),
        partial(anna.sign_in, code=code),
    ]
    renew = pb.RenewRecoveryCodesRequest(totp=code)
    calls.append(lambda: auth.operators.RenewRecoveryCodes(renew, metadata=bearer(token)))
    assert outcomes(calls).count("") == 1


def test_new_app_takes_over_once_it_has_shown_a_code(auth: Auth, anna: Operator, clock: SetClock) -> None:
    other, token = anna.sign_in().token, anna.sign_in().token
    started = anna.start(token, anna.next_code())
    assert started.otpauth_uri.startswith("otpauth://totp/Recapito:anna?secret=")
    app = app_of(started.otpauth_uri)
    assert live(auth, anna.sign_in().token)  # the one in use stays so long
    old_code = anna.next_code()
    assert refused(partial(anna.complete, token, started.enrolment_id, old_code)).violations[0].reason == "WRONG"
    new_code = app.at(clock.now)
    renewed = anna.complete(token, started.enrolment_id, new_code)
    assert [live(auth, one) for one in (other, token, renewed.token)] == [False, False, True]
    assert refused(partial(anna.complete, renewed.token, started.enrolment_id, new_code)).kind is Kind.NOT_FOUND
    assert refused(partial(anna.sign_in, code=new_code)).reason == "SIGN_IN_FAILED"  # spent
    assert refused(anna.sign_in).reason == "SIGN_IN_FAILED"
    anna.app = app
    assert live(auth, anna.sign_in().token)
    again = anna.start(renewed.token, anna.codes[0])  # the recovery codes stay
    assert app_of(again.otpauth_uri).secret != app.secret
    assert events(auth).count("OPERATOR_TOTP_CHANGED") == 1
    with auth.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT body FROM audit").all())
    assert not any(secret in kept for secret in (app.secret, started.enrolment_id))


def test_of_two_new_apps_one_takes_over(auth: Auth, anna: Operator, clock: SetClock) -> None:
    token = anna.sign_in().token
    started = [anna.start(token, code) for code in anna.codes[:2]]
    calls = [
        partial(anna.complete, token, one.enrolment_id, app_of(one.otpauth_uri).at(clock.now)) for one in started for _ in "ab"
    ]
    assert outcomes(calls) == ["", "refused", "refused", "refused"]
    assert events(auth).count("OPERATOR_TOTP_CHANGED") == 1


def test_new_app_is_the_operators_own_and_waits_half_an_hour(
    auth: Auth, enrol: Callable[..., Operator], clock: SetClock, redis_server: RedisServer
) -> None:
    anna, bruno = enrol(), enrol("bruno")
    mine, theirs = anna.sign_in().token, bruno.sign_in().token
    assert refused(partial(anna.start, mine, "000000")).violations[0].field == "totp"
    assert refused(partial(anna.start, mine, bruno.codes[0])).violations[0].field == "totp"
    started = anna.start(mine, anna.codes[0])
    code = app_of(started.otpauth_uri).at(clock.now)
    assert refused(partial(bruno.complete, theirs, started.enrolment_id, code)).kind is Kind.NOT_FOUND
    assert refused(partial(anna.complete, mine, "no-such", code)).kind is Kind.NOT_FOUND
    assert started.expires_at.ToDatetime() == (clock.now.replace(tzinfo=None) + auth.settings.flow_life)
    with redis_server.client(1) as redis:
        (key,) = redis.keys("auth:totpchange:*")
        assert 0 < redis.pttl(key) <= auth.settings.flow_life.total_seconds() * 1000
        assert app_of(started.otpauth_uri).secret.encode() not in redis.get(key)
        redis.delete(key)
    assert refused(partial(anna.complete, mine, started.enrolment_id, code)).kind is Kind.NOT_FOUND


def test_change_that_was_killed_between_redis_and_sql_locks_nobody_out(
    auth: Auth, anna: Operator, redis_server: RedisServer
) -> None:
    token = anna.sign_in().token
    with auth.database.read() as connection:
        operator_id = connection.execute(sa.select(OPERATORS.c.operator_id)).scalar_one()
    with redis_server.client(1) as redis:
        redis.connection_pool.connection_kwargs["decode_responses"] = True
        sessions = Sessions(redis)
        sessions.raise_least_epoch(operator_id, 2)  # what the change told Redis before it was killed
        assert not live(auth, token)
        token = anna.sign_in().token
        assert live(auth, token)
        renewed = anna.change(token, code=anna.next_code()).token
        redis.hset(f"auth:{{{renewed[:3]}}}:epochs", operator_id, 1)  # Redis lost its last second
        assert live(auth, token) is False  # ended, not only outlived
        assert assert_epochs(auth.database, sessions, anna.clock) == 1
        assert sessions.least_epoch(operator_id) == 3


@pytest.mark.full_cost
def test_password_is_hashed_anew_when_the_setting_rose(auth: Auth, anna: Operator) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with auth.database.transaction() as connection:
        connection.execute(sa.update(OPERATORS).values(password_hash=weak))
    anna.sign_in()
    with auth.database.read() as connection:
        kept = connection.execute(sa.select(OPERATORS.c.password_hash)).scalar_one()
    assert kept != weak
    assert "m=19456,t=2" in kept
    assert anna.sign_in().token


def test_recovery_codes_stand_in_for_a_lost_app(anna: Operator, auth: Auth, clock: SetClock) -> None:
    """The way back of who lost the phone: in with one code, a new app with another."""
    token = anna.sign_in(code=anna.codes[0]).token
    started = anna.start(token, anna.codes[1])
    token = anna.complete(token, started.enrolment_id, app_of(started.otpauth_uri).at(clock.now)).token
    assert live(auth, token)
    assert refused(partial(anna.start, token, anna.codes[1])).violations[0].reason == "WRONG"
