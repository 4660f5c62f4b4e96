"""Real parts for every test: a CA, a Redis, a mailbox, a database and a broker.

``RECAPITO_TEST_PARTS`` says which database and broker: ``embedded`` (SQLite and Redis) or ``servers`` (PostgreSQL and RabbitMQ).
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.support.pki import Pki
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitServer
from tests.support.redis import RedisServer
from tests.support.smtp import SmtpSink
from tests.support.system import FIRST_OFFSET, System

PARTS: Final = os.environ.get("RECAPITO_TEST_PARTS") or "embedded"


def pytest_configure() -> None:
    """Another word for the parts would silently test the default."""
    if PARTS not in ("embedded", "servers"):
        raise pytest.UsageError(f"RECAPITO_TEST_PARTS is embedded or servers, not {PARTS}")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Certificates for every caller, and for a stranger."""
    return Pki(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for the whole run. A test that stops or freezes one starts its own."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty database."""
    redis_server.client().flushall()
    return redis_server.url()


@pytest.fixture
def mailbox() -> Iterator[SmtpSink]:
    """A mailbox that takes every mail and text message."""
    sink = SmtpSink()
    yield sink
    sink.stop()


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock() -> SetClock:
    """A clock at 2026-11-22 10:00 UTC."""
    return SetClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for the whole run. A test that stops or freezes one starts its own."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    """A RabbitMQ for the whole run. A test that stops or freezes one starts its own."""
    server = RabbitServer()
    yield server
    server.stop()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of the test's own."""
    if PARTS == "embedded":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.new_database()
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture
def broker_url(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[str]:
    """An empty broker of the test's own; on Redis not the database of ``redis_url``."""
    if PARTS == "embedded":
        redis_server.client(1).flushdb()
        yield redis_server.url(1)
        return
    server: RabbitServer = request.getfixturevalue("rabbit_server")
    name = server.new_vhost()
    yield server.url(name)
    server.drop_vhost(name)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, running; one for each process of the run, on ports of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    made = System(tmp_path_factory.mktemp("system"), offset=FIRST_OFFSET + 20 * worker)
    made.up()
    yield made
    made.down()
