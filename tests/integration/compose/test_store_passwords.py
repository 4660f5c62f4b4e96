"""The stores' passwords are changed as docs/ops-keys.md says, on real servers: nothing is lost, the old one opens nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa

from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.redis_pipe import RedisPipe
from recapito_servicekit.sql import Database
from tests.integration.compose.test_redis_users import as_user, server
from tests.support.postgres import PostgresServer


def remove(secrets: Path, *names: str) -> None:
    for name in names:
        (secrets / name).unlink()


def test_password_of_redis_is_changed_with_one_restart(prepare: Callable[[], Path], tmp_path: Path) -> None:
    secrets = prepare()
    kept = {name: (secrets / name).read_text() for name in ("otp-redis-url", "auth-redis-url")}
    with server(secrets, tmp_path) as port:
        as_user(secrets, "auth", port).set("auth:x", "1")
        old = as_user(secrets, "auth", port)
        old.ping()
    remove(secrets, "auth-redis-password", "auth-redis-url")
    prepare()
    assert (secrets / "otp-redis-url").read_text() == kept["otp-redis-url"]
    assert (secrets / "auth-redis-url").read_text() != kept["auth-redis-url"]
    with server(secrets, tmp_path, port):
        with pytest.raises(redis.exceptions.AuthenticationError):
            old.ping()  # a process that was not restarted yet

        async def not_restarted_yet() -> None:
            pipe = RedisPipe(kept["auth-redis-url"].replace("@redis:6379", f"@127.0.0.1:{port}"), ("AWAY", "away"))
            with pytest.raises(Refusal) as refused:
                await pipe.call("GET", "auth:x")
            assert refused.value.kind is Kind.UNAVAILABLE
            await pipe.close()

        asyncio.run(not_restarted_yet())
        assert as_user(secrets, "auth", port).get("auth:x") == "1"
        assert as_user(secrets, "otp", port).ping()


def test_password_of_postgresql_is_changed_under_connections_that_stand(
    prepare: Callable[[], Path], postgres_server: PostgresServer
) -> None:
    secrets = prepare()

    def url() -> str:
        made = (
            (secrets / "auth-database-url").read_text().replace("@postgres/auth", f"@127.0.0.1:{postgres_server.port}/postgres")
        )
        return made.replace("//auth:", "//rotated_auth:")  # a role that no other test has

    def say(statement: str) -> None:
        with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def alter(verb: str) -> None:
        say(f"{verb} ROLE rotated_auth LOGIN PASSWORD '{(secrets / 'auth-database-password').read_text()}'")

    alter("CREATE")
    standing, before = Database(url(), 1), url()
    try:
        with standing.read() as connection:
            connection.execute(sa.text("SELECT 1"))
        remove(secrets, "auth-database-password", "auth-database-url")
        prepare()
        alter("ALTER")
        with standing.read() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        after = Database(url(), 1)
        with after.read() as connection:
            assert connection.execute(sa.text("SELECT current_user")).scalar_one() == "rotated_auth"
        after.close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(before)
    finally:
        standing.close()
        say("DROP ROLE rotated_auth")
