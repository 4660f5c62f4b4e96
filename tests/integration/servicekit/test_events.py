"""The outbox, the relay and a consumer over a real broker and a real database."""

import json
import threading
import time
from datetime import timedelta

import pytest

from recapito_servicekit import queues, work
from recapito_servicekit.clock import system_clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.outbox import Event
from recapito_servicekit.queues import Consumer, Relay, Unreadable, connect, envelope, queue
from tests.conftest import PARTS, SetClock
from tests.integration.servicekit.bench import OUTBOX, TYPE, Bench
from tests.support.redis import RedisServer


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


def test_event_that_the_broker_lost_is_published_again(bench: Bench, clock: SetClock) -> None:
    event_id = bench.add()
    clock.now = system_clock()
    relay = Relay(bench.database, OUTBOX, bench.broker_url, "test", {TYPE: "test.q"}, clock)
    with connect(bench.broker_url) as connection:
        producer = connection.Producer()
        producer.maybe_declare(queue("test.q"))
        assert relay.publish_due(producer) == 1
        assert relay.publish_due(producer) == 0
        queue("test.q")(connection.default_channel).purge()
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


def test_how_many_tries_an_event_has_is_a_setting(bench: Bench) -> None:
    def fail(event: Event) -> None:
        raise OSError

    bench.fail = fail
    event_id = bench.add()
    message = json.dumps(envelope(Event(event_id, TYPE, "k", {"id": "1"}, system_clock()), "test"))
    consumer = Consumer(bench.database, OUTBOX, bench.broker_url, "test.q", {TYPE: bench.handle}, system_clock, tries=2)
    consumer.handle(message)
    assert bench.row(event_id).dead_at is None
    consumer.handle(message)
    assert bench.row(event_id).dead_at is not None


def test_outage_counts_as_no_try_until_it_has_lasted_a_day(bench: Bench, clock: SetClock) -> None:
    def fail(event: Event) -> None:
        raise Refusal(Kind.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", "away")

    bench.fail = fail
    event_id = bench.add()
    event = Event(event_id, TYPE, "k", {"id": "1"}, system_clock())
    consumer = Consumer(bench.database, OUTBOX, bench.broker_url, "test.q", {TYPE: bench.handle}, clock)
    for hours in (0, 1, 10, 20):
        clock.now = system_clock() + timedelta(hours=hours)
        consumer.handle(json.dumps(envelope(event, "test")))
        row = bench.row(event_id)
        assert (row.tries, row.dead_at) == (0, None)
        assert row.next_try_at <= clock.now + timedelta(seconds=75)
    clock.forward(hours=5)
    consumer.handle(json.dumps(envelope(event, "test")))
    assert bench.row(event_id).dead_at is not None


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
    if PARTS == "embedded":  # RabbitMQ frames messages itself
        redis_server.client(1).lpush("test.q", "not even an envelope")
    event_id = bench.add()
    bench.start()
    assert bench.wait_effects(1) == [event_id]


def test_two_relays_at_once_publish_each_event_once(bench: Bench) -> None:
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
    assert bench.carried() == 40


def test_an_event_of_the_relays_own_process_does_not_wait_for_its_next_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "POLL_SECONDS", 3600.0)
    monkeypatch.setattr(queues, "IDLE_SECONDS", 0.05)
    relay = bench.relay()
    end = work.beside("relay", relay.run_at_once)
    bench.start_consumer()
    ids = []
    for n in range(3):
        ids.append(bench.add(f"k{n}"))
        assert bench.wait_effects(n + 1) == ids
    end()


def due(bench: Bench) -> list[str]:
    with bench.database.transaction() as tx:
        return sorted(event.key for event in OUTBOX.due(tx, system_clock(), 10))


def test_the_first_event_of_a_key_goes_to_the_broker_without_a_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = bench.relay()

    def looked(_: object) -> int:
        raise AssertionError("it looked")

    monkeypatch.setattr(relay, "publish_due", looked)
    end = work.beside("relay", relay.run_at_once)
    until = time.monotonic() + 60
    while not relay.takes() and time.monotonic() < until:
        time.sleep(0.01)
    bench.start_consumer()
    bench.add_first("a", "b")
    bench.add_first("c")
    assert len(bench.wait_effects(3)) == 3

    def undone() -> None:
        with bench.database.transaction() as tx:
            OUTBOX.add_first(tx, TYPE, {"d": {"id": "1"}}, system_clock())
            raise OSError("undone")

    with pytest.raises(OSError, match="undone"):
        undone()
    bench.add_first("e")
    assert len(bench.wait_effects(4)) == 4
    end()
    assert not relay.takes()
    bench.add_first("f")
    assert due(bench) == ["f"], "whoever looks finds it at once"


def test_what_was_handed_over_and_could_not_be_published_is_due_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = bench.relay()
    stop = threading.Event()

    def publish(_: object, event: Event) -> None:
        bench.add_first("late")  # committed while the broker goes
        raise OSError("the broker is gone")

    monkeypatch.setattr(relay, "_publish", publish)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            relay.run_at_once(stop)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 60
    while not relay.takes() and time.monotonic() < until:
        time.sleep(0.01)
    bench.add_first("a", "b")
    thread.join(60)
    assert len(failed) == 1
    assert due(bench) == ["a", "b", "late"]


def test_what_a_broken_batch_did_not_publish_is_due_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [bench.add(f"k{n}") for n in range(3)]
    relay = bench.relay()
    published: list[str] = []

    def publish(_: object, event: Event) -> None:
        if len(published) == 1:
            raise OSError("the broker is gone")
        published.append(event.event_id)

    monkeypatch.setattr(relay, "_publish", publish)
    with pytest.raises(OSError, match="gone"):
        relay.publish_due(None)
    with bench.database.transaction() as tx:
        assert [event.event_id for event in OUTBOX.due(tx, system_clock(), 10)] == ids[1:]


def test_events_that_are_done_are_forgotten_after_their_time_and_no_others(bench: Bench) -> None:
    done, waiting, dead = bench.add("a"), bench.add("b"), bench.add("c")
    now = system_clock()
    with bench.database.transaction() as tx:
        OUTBOX.close(tx, done, now)
        OUTBOX.fail(tx, dead, "no", now, final=True)
        assert OUTBOX.forget(tx, now, 10) == 0
        assert OUTBOX.forget(tx, now + timedelta(seconds=1), 10) == 1
        assert not OUTBOX.close(tx, done, now), "a late copy finds nothing to do"
    assert [bench.row(event_id).event_id for event_id in (waiting, dead)] == [waiting, dead]
