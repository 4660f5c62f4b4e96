"""ChangeMobile: once, in order, and everything that carried the old mobile is dead; and imports beside it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import sqlalchemy as sa
from recapito.auth.v1 import registry_pb2, registry_pb2_grpc, session_pb2

from recapito_auth.flows.assert_epochs import assert_epochs
from recapito_auth.store.redisio import connect
from recapito_auth.store.sessions import Sessions
from recapito_auth.store.tables import CUSTOMERS, METADATA
from recapito_servicekit.calling import bearer
from recapito_servicekit.errors import Kind
from tests.conftest import SetClock
from tests.integration.auth.service import REGISTRY, Auth, client, refused
from tests.support.redis import RedisServer

HEADER, MARIA = REGISTRY.splitlines()[:2]


def test_change_of_mobile_replaces_it_and_the_user_name_follows(auth: Auth, clock: SetClock) -> None:
    auth.register()
    changed = auth.change(hold_claims=True)
    assert (changed.old_mobile, changed.customer.mobile, changed.customer.version) == ("+393201234519", "+393471112223", 2)
    assert changed.customer.contact_changed_at.ToDatetime(tzinfo=UTC) == clock.now
    assert auth.customer() == changed.customer
    assert refused(auth.password).reason == "SIGN_IN_FAILED"
    clock.forward(seconds=1)
    required = auth.password("347 1112223").code_required
    assert required.masked_destination == "347 *****23"
    assert required.reasons == ["FIRST_SIGN_IN", "CONTACT_CHANGED"]
    found = auth.introspect(auth.code(required.sign_in_id, auth.otp.codes[-1]).session.token)
    assert found.claims_held_until.ToDatetime(tzinfo=UTC) == clock.now + timedelta(hours=24, seconds=-1)


def test_change_of_mobile_ends_sessions_tokens_and_what_is_under_way(auth: Auth) -> None:
    auth.register()
    session = auth.sign_in()
    challenge = auth.step_up(session, purpose="step_up")
    step_up_code = auth.otp.codes[-1]
    required = auth.password().code_required
    auth.change()
    assert not auth.introspect(session).active
    assert not auth.introspect(required.contact_change_token).active
    assert refused(lambda: auth.code(required.sign_in_id, auth.otp.codes[-1])).kind is Kind.NOT_FOUND
    refusal = refused(lambda: auth.complete_step_up(session, challenge.challenge_id, step_up_code))
    assert refusal.kind is Kind.UNAUTHENTICATED


def test_repeated_change_gives_the_first_answer_also_at_once(auth: Auth) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: auth.change(), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert auth.customer().version == 2
    auth.change(request_id="change-2", new_mobile="+393471112224", expected_version=2)
    assert auth.change() == answers[0]
    assert auth.customer().mobile == "+393471112224"
    assert refused(lambda: auth.change(new_mobile="+393471112225")).violations[0].reason == "REUSED"


def test_of_many_changes_at_once_one_is_applied(auth: Auth) -> None:
    def change(number: int) -> Any:
        try:
            return auth.change(request_id=f"change-{number}", new_mobile=f"+39347111222{number}").customer.version
        except grpc.RpcError as error:
            return error.code()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(change, range(8)))
    assert sorted(map(str, found)) == ["2", *["StatusCode.ABORTED"] * 7]


def test_change_refuses_what_it_cannot_do(auth: Auth) -> None:
    auth.register()
    auth.register("Luca", "Verdi", "3331234567")
    assert refused(lambda: auth.change(customer_id="C0")).kind is Kind.NOT_FOUND
    assert refused(lambda: auth.change(expected_version=2)).reason == "VERSION_CHANGED"
    assert refused(lambda: auth.change(new_mobile="347 1112223")).violations[0].field == "new_mobile"
    assert refused(lambda: auth.change(new_mobile="+393331234567")).reason == "USERNAME_TAKEN"
    assert auth.customer().version == 1


def test_change_without_redis_is_not_applied(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    redis_server.kill()
    try:
        assert refused(auth.change).kind is Kind.UNAVAILABLE
    finally:
        redis_server.start()
    assert auth.customer().version == 1
    assert auth.change().customer.version == 2


def test_crash_between_redis_and_sql_ends_sessions_and_sign_in_mends_it(auth: Auth, redis_server: RedisServer) -> None:
    auth.register()
    before = auth.sign_in()
    Sessions(connect(redis_server.url(1), 1)).raise_least_epoch("C1", 2)
    assert not auth.introspect(before).active
    assert auth.introspect(auth.sign_in()).active
    assert auth.change().customer.version == 2


def test_redis_that_lost_its_last_second_does_not_bring_a_session_back(
    auth: Auth, redis_server: RedisServer, clock: SetClock
) -> None:
    auth.register()
    token = auth.sign_in()
    client = redis_server.client(1)
    kept = {key: client.dump(key) or b"" for key in client.scan_iter()}
    auth.change()
    client.flushdb()
    for key, value in kept.items():
        client.restore(key, 60_000, value)
    assert auth.introspect(token).active
    assert assert_epochs(auth.database, Sessions(connect(redis_server.url(1), 1)), clock) == 1
    assert not auth.introspect(token).active


def test_import_keeps_a_mobile_that_was_changed_here_and_says_so(auth: Auth, tmp_path: Path, clock: SetClock) -> None:
    auth.change()
    text = f"{HEADER}\n{MARIA.replace('maria.rossi@', 'maria@')}\n"
    result = auth.import_text(text, tmp_path / "older.csv", clock.now - timedelta(days=1))
    assert (result.applied[0].changed, len(result.applied[0].conflicts)) == (("email",), 1)
    assert (auth.customer().mobile, auth.customer().email) == ("+393471112223", "maria@example.com")
    auth.import_text(text, tmp_path / "newer.csv", clock.now + timedelta(days=1))
    assert auth.customer().mobile == "+393201234519"


def test_import_keeps_an_email_that_was_changed_here_until_the_company_knows_better(
    auth: Auth, tmp_path: Path, clock: SetClock
) -> None:
    auth.register()
    token = auth.sign_in()
    start = session_pb2.StartEmailChangeRequest(new_email="maria@nuova.example", client=client("192.0.2.9"))
    challenge = auth.accounts.StartEmailChange(start, metadata=bearer(token)).challenge
    done = session_pb2.CompleteEmailChangeRequest(challenge_id=challenge.challenge_id, code=auth.otp.codes[-1])
    auth.accounts.CompleteEmailChange(done, metadata=bearer(token))
    older = auth.import_text(f"{HEADER}\n{MARIA}\n", tmp_path / "older.csv", clock.now - timedelta(days=1))
    assert (older.applied[0].changed, len(older.applied[0].conflicts)) == ((), 1)
    assert auth.customer().email == "maria@nuova.example"
    auth.import_text(f"{HEADER}\n{MARIA}\n", tmp_path / "newer.csv", clock.now + timedelta(days=1))
    assert auth.customer().email == "maria.rossi@example.com"


def test_import_that_changes_a_registered_mobile_ends_what_carried_the_old_one(
    auth: Auth, tmp_path: Path, redis_server: RedisServer
) -> None:
    auth.register()
    token = auth.sign_in()
    required = auth.password().code_required
    auth.import_text(f"{HEADER}\n{MARIA.replace('320 1234519', '347 1112223')}\n", tmp_path / "new.csv")
    assert refused(lambda: auth.code(required.sign_in_id, auth.otp.codes[-1])).kind is Kind.NOT_FOUND
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert_epochs(auth.database, Sessions(connect(redis_server.url(1), 1)), lambda: now)
    assert not auth.introspect(token).active
    assert auth.password("347 1112223").code_required.masked_destination == "347 *****23"


def test_registry_is_closed_to_services_that_are_not_listed(auth: Auth) -> None:
    portal = registry_pb2_grpc.CustomerRegistryServiceStub(auth.channel("portal"))
    refusal = refused(lambda: portal.GetCustomer(registry_pb2.GetCustomerRequest(customer_id="C1")))
    assert refusal.kind is Kind.PERMISSION_DENIED


def test_migrations_make_the_tables_that_the_code_knows(auth: Auth) -> None:
    inspector = sa.inspect(auth.database.engine)
    for table in METADATA.sorted_tables:
        made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}
    assert {index["name"] for index in inspector.get_indexes("customers")} >= {index.name for index in CUSTOMERS.indexes}
