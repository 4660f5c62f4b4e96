"""Real parts for every test: a CA, a Redis, a mailbox, a database and a broker.

``RECAPITO_TEST_PARTS`` says which database and broker: ``embedded`` (SQLite and Redis) or ``servers`` (PostgreSQL and RabbitMQ).
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from recapito_servicekit import calling
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
    # an example of a property takes longer than 200 ms when the machine is busy, and says nothing by it
    settings.register_profile("recapito", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("recapito")
    calling.DEFAULT_SECONDS = 30.0  # type: ignore[misc]  # a call that takes over 5 s tells of the machine


# The files that take longest start first, so that no process of the run is left alone with one of them at the end.
LONGEST: Final = (
    *("test_kills.py", "test_restore_drill.py", "test_review.py", "test_outages.py", "test_rabbitmq.py", "test_matrix.py"),
    *("test_history.py", "test_two_processes.py", "test_traces.py", "test_otp_twilio.py", "test_otp_chaos.py", "test_sign_in.py"),
)
# Of the tests of what holds for all services, those that start what they need themselves.
OWN_SYSTEM: Final = ("test_redis_cluster.py", "test_restore_drill.py", "test_traces.py")


def unit_of(nodeid: str) -> str:
    """What stays in one process: a file, or all that share the whole system, which is so started once."""
    file = Path(nodeid.partition("::")[0])
    shares = file.parts[:2] == ("tests", "e2e") or (file.parts[:-1] == ("tests", "integration") and file.name not in OWN_SYSTEM)
    return "the whole system" if shares else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """For ``--dist loadfile``; the units are given out in the order of the tests."""
    if config.getoption("dist") != "loadfile":
        return None
    made = LoadFileScheduling(config, log)
    made._split_scope = unit_of
    return made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    first = {"the whole system": -1} | {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        unit = unit_of(item.nodeid)
        return first.get(unit, first.get(Path(unit).name, len(LONGEST)))

    items.sort(key=place)


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
