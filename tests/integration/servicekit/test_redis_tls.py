"""TLS to Redis, both sides by certificate, wherever something talks to it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu.exceptions import OperationalError
from recapito.otp.v1 import otp_pb2

from recapito_auth.store import redisio
from recapito_otp.store import redis_jobs
from recapito_servicekit.clock import system_clock
from recapito_servicekit.doctor import Level, broker
from recapito_servicekit.doctor import redis as doctor_redis
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.queues import connect
from recapito_servicekit.redis_pipe import RedisPipe
from tests.conftest import SetClock
from tests.integration.auth.service import Auth
from tests.integration.otp.service import Otp
from tests.integration.servicekit.bench import Bench
from tests.support.pki import Pki
from tests.support.redis import RedisServer, tls_query
from tests.support.tls import TlsFront


class Behind:
    """A Redis that is reached by TLS alone."""

    def __init__(self, pki: Pki, password: str, port: int) -> None:
        self._pki, self._password, self._port = pki, password, port

    def url(self, query: str | None = None, database: int = 2, host: str = "localhost") -> str:
        query = tls_query(self._pki) if query is None else query
        return f"rediss://:{self._password}@{host}:{self._port}/{database}?{query}".rstrip("?")


@pytest.fixture(params=["a front of TLS before a Redis", "a Redis with TLS"])
def behind(request: pytest.FixtureRequest, pki: Pki, redis_server: RedisServer) -> Iterator[Behind]:
    """Database 2 is empty."""
    if request.param == "a Redis with TLS":
        try:
            own = RedisServer(tls=pki)
        except RuntimeError:
            pytest.skip("the Redis at hand is built without TLS; Debian's redis-server has it")
        yield Behind(pki, own.password, own.port)
        own.stop()
        return
    redis_server.client(2).flushdb()
    front = TlsFront(pki, redis_server.port)
    yield Behind(pki, redis_server.password, front.port)
    front.stop()


def asked(url: str) -> object:
    """What the pipe answers to a SET and a GET."""

    async def ask() -> object:
        pipe = RedisPipe(url, ("AWAY", "away"))
        try:
            await asyncio.gather(*(pipe.call("SET", f"k{n}", n) for n in range(100)))
            return await pipe.call("GET", "k99")
        finally:
            await pipe.close()

    return asyncio.run(ask())


def test_everything_that_talks_to_redis_does_so_over_tls(behind: Behind) -> None:
    assert asked(behind.url()) == "99"
    for client in (redisio.connect(behind.url(), 2), redis_jobs.connect(behind.url())):
        assert client.get("k99") == "99"  # the same database
        client.close()
    found = list(doctor_redis.store(behind.url(), system_clock))
    assert Level.FAIL not in {finding.level for finding in found}
    assert "over TLS" in found[0].text


def test_events_go_through_a_redis_with_tls(behind: Behind, database_url: str) -> None:
    bench = Bench(database_url, behind.url())
    try:
        ids = [bench.add() for _ in range(5)]
        bench.start()
        assert bench.wait_effects(5) == ids
        assert {finding.level for finding in broker.queues(behind.url(), ["test.q"], "test")} == {Level.OK}
    finally:
        bench.stop.set()
        for thread in bench.threads:
            thread.join(60)
        bench.database.close()


@pytest.mark.parametrize("fault", ["a CA that we don't know", "no certificate of ours", "another name"])
def test_who_is_not_who_they_should_be_is_refused_by_every_client(behind: Behind, pki: Pki, fault: str) -> None:
    known = f"ssl_ca_certs={pki.folder}/ca.pem"
    url = {
        "a CA that we don't know": behind.url(query=""),
        "no certificate of ours": behind.url(query=known),
        "another name": behind.url(host="127.0.0.2"),
    }[fault]
    with pytest.raises(Refusal) as refused:
        asked(url)
    assert refused.value.kind is Kind.UNAVAILABLE
    for client in (redisio.connect(url, 2), redis_jobs.connect(url)):
        with pytest.raises(redis.ConnectionError):
            client.ping()
    with pytest.raises(OperationalError), connect(url) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    assert [finding.level for finding in doctor_redis.store(url, system_clock)] == [Level.FAIL]
    assert [finding.level for finding in broker.queues(url, ["test.q"], "test")] == [Level.FAIL]


def test_broker_of_another_ca_is_refused_over_amqps_too(pki: Pki, redis_server: RedisServer) -> None:
    front = TlsFront(pki, redis_server.port, clients=False)
    try:
        for ca, greeted in ((f"{pki.folder}/forged-portal.pem", 0), (f"{pki.folder}/ca.pem", 1)):
            url = f"amqps://guest:guest@localhost:{front.port}//?ssl_ca_certs={ca}"
            with pytest.raises((OperationalError, OSError)), connect(url) as connection:  # no broker is there in the end
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=1)
            assert bool(front.greeted) is bool(greeted)
    finally:
        front.stop()


def test_customer_registers_and_signs_in_over_a_redis_with_tls(
    behind: Behind, pki: Pki, database_url: str, clock: SetClock, tmp_path: Path
) -> None:
    otp = Otp(pki, behind.url(), clock)
    auth = Auth(pki, behind.url(database=1), database_url, otp, clock, tmp_path)
    try:
        auth.register()
        required = auth.password().code_required
        done = auth.code(required.sign_in_id, otp.codes[-1])
        assert done.outcome == otp_pb2.OUTCOME_APPROVED
        assert auth.introspect(done.session.token).active
    finally:
        auth.stop()
        otp.stop()
