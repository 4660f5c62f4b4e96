"""The outbox, the relay and a consumer over a real broker and a real database."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from recapito_servicekit.clock import system_clock
from recapito_servicekit.outbox import Event, Outbox, outbox_table
from recapito_servicekit.queues import Consumer, Relay, Unreadable, connect, envelope, queue
from recapito_servicekit.sql import Database, UtcDateTime
from tests.conftest import SetClock
from tests.support.redis import RedisServer

METADATA = sa.MetaData()
OUTBOX = Outbox(outbox_table(METADATA))
EFFECTS = sa.Table(
    "effects",
    METADATA,
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("event_id", sa.String(32)),
    sa.Column("at", UtcDateTime),
)
TYPE = "recapito.test.happened.v1"


class Bench:
    """A database, a broker, and a handler that records its effect and closes the event in one transaction."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self.database = Database(f"sqlite:///{folder / 'events.db'}", 4)
        METADATA.create_all(self.database.engine)
        self.broker_url = broker_url
        self.fail: Callable[[Event], None] = lambda event: None
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []

    def handle(self, event: Event) -> None:
        self.fail(event)
        with self.database.transaction() as tx:
            if OUTBOX.close(tx, event.event_id, system_clock()):
                tx.execute(EFFECTS.insert().values(event_id=event.event_id, at=system_clock()))

    def add(self, key: str = "k") -> str:
        with self.database.transaction() as tx:
            return OUTBOX.add(tx, TYPE, key, {"id": "1"}, system_clock())

    def relay(self) -> Relay:
        return Relay(self.database, OUTBOX, self.broker_url, "test", {TYPE: "test.q"}, system_clock)

    def consumer(self) -> Consumer:
        return Consumer(self.database, OUTBOX, self.broker_url, "test.q", {TYPE: self.handle}, system_clock)

    def start(self) -> None:
        for role in (self.relay().run, self.consumer().run):
            thread = threading.Thread(target=role, args=(self.stop,))
            thread.start()
            self.threads.append(thread)

    def effects(self) -> list[str]:
        with self.database.read() as tx:
            return [row.event_id for row in tx.execute(sa.select(EFFECTS).order_by(EFFECTS.c.n))]

    def wait_effects(self, count: int) -> list[str]:
        until = time.monotonic() + 10
        while len(found := self.effects()) < count and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def row(self, event_id: str) -> "sa.Row[tuple[object, ...]]":
        with self.database.read() as tx:
            return tx.execute(sa.select(METADATA.tables["outbox"]).where(METADATA.tables["outbox"].c.event_id == event_id)).one()


@pytest.fixture
def bench(tmp_path: Path, redis_server: RedisServer) -> Iterator[Bench]:
    redis_server.client(1).flushdb()
    made = Bench(tmp_path, redis_server.url(1))
    yield made
    made.stop.set()
    for thread in made.threads:
        thread.join(5)
    made.database.close()


def test_events_take_effect_once_and_in_the_order_of_their_key(bench: Bench) -> None:
    ids = [bench.add() for _ in range(20)]
    bench.start()
    assert bench.wait_effects(20) == ids


def test_event_that_arrives_three_times_takes_effect_once(bench: Bench) -> None:
    event_id = bench.add()
    with bench.database.transaction() as tx:
        event = OUTBOX.due(tx, system_clock(), 10)[0]
    for _ in range(3):
        bench.consumer().handle(json.dumps(envelope(event, "test")))
    assert bench.effects() == [event_id]


def test_event_that_the_broker_lost_is_published_again(bench: Bench, redis_server: RedisServer, clock: SetClock) -> None:
    event_id = bench.add()
    clock.now = system_clock()
    relay = Relay(bench.database, OUTBOX, bench.broker_url, "test", {TYPE: "test.q"}, clock)
    with connect(bench.broker_url) as connection:
        producer = connection.Producer()
        producer.maybe_declare(queue("test.q"))
        assert relay.publish_due(producer) == 1
        assert relay.publish_due(producer) == 0
        redis_server.client(1).flushdb()
        clock.forward(minutes=1)
        assert relay.publish_due(producer) == 1
    bench.start()
    assert bench.wait_effects(1) == [event_id]


def test_failed_event_comes_again_later_and_is_dead_after_the_fifth_try(bench: Bench) -> None:
    def fail(event: Event) -> None:
        raise OSError("secret detail")

    bench.fail = fail
    event_id = bench.add()
    event = Event(event_id, TYPE, "k", {"id": "1"}, system_clock())
    for tries in range(1, 6):
        assert bench.row(event_id).dead_at is None
        bench.consumer().handle(json.dumps(envelope(event, "test")))
        assert bench.row(event_id).tries == tries
    row = bench.row(event_id)
    assert row.dead_at is not None
    assert row.error == "OSError"
    assert bench.effects() == []


def test_event_that_cannot_be_understood_is_dead_at_once_and_the_next_one_flows(bench: Bench) -> None:
    def fail(event: Event) -> None:
        if event.event_id == bad:
            raise Unreadable("no such thing")

    bad, good = bench.add("a"), bench.add("b")
    bench.fail = fail
    bench.start()
    assert bench.wait_effects(1) == [good]
    assert bench.row(bad).dead_at is not None
    assert bench.row(bad).error == "no such thing"


def test_garbage_on_the_queue_stops_nothing(bench: Bench, redis_server: RedisServer) -> None:
    with connect(bench.broker_url) as connection:
        producer = connection.Producer()
        producer.maybe_declare(queue("test.q"))
        for body in ("no json", '{"specversion": "9"}', "[]", '"text"', "null"):
            producer.publish(body, exchange="", routing_key="test.q", content_type="application/json", content_encoding="utf-8")
        producer.publish(
            b"\xff\xfe", exchange="", routing_key="test.q", content_type="application/x-pickle", content_encoding="binary"
        )
    redis_server.client(1).lpush("test.q", "not even an envelope")
    event_id = bench.add()
    bench.start()
    assert bench.wait_effects(1) == [event_id]


def test_two_relays_at_once_publish_each_event_once(bench: Bench, redis_server: RedisServer) -> None:
    for number in range(40):
        bench.add(f"k{number}")

    def publish() -> None:
        with connect(bench.broker_url) as connection:
            producer = connection.Producer()
            while bench.relay().publish_due(producer):
                pass

    with connect(bench.broker_url) as connection:
        connection.Producer().maybe_declare(queue("test.q"))
    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redis_server.client(1).llen("test.q") == 40
