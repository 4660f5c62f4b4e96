"""What only RabbitMQ does: quorum queues, confirms, heartbeats, queues that somebody deletes."""

import time

import pytest
from kombu.exceptions import OperationalError

from recapito_servicekit import outbox, queues
from recapito_servicekit.queues import ANSWER_SECONDS, connect, queue
from tests.conftest import PARTS
from tests.integration.servicekit.bench import Bench
from tests.support.rabbitmq import NEW_QUEUE_SECONDS, RabbitServer

pytestmark = pytest.mark.skipif(PARTS != "servers", reason="needs RabbitMQ: make test PARTS=servers")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What got lost is published again after a second; half a minute in earnest."""
    monkeypatch.setattr(outbox, "REPUBLISH_AFTER", outbox.REPUBLISH_AFTER / 30)


def path_of_queue(bench: Bench) -> str:
    return f"queues/{bench.broker_url.rpartition('/')[2]}/test.q"


def test_queue_is_a_quorum_queue_that_drops_what_was_delivered_too_often(bench: Bench, rabbit_server: RabbitServer) -> None:
    with connect(bench.broker_url) as connection:
        connection.Producer().maybe_declare(queue("test.q"))
    found = rabbit_server.api("GET", path_of_queue(bench))
    assert (found["type"], found["durable"]) == ("quorum", True)
    assert found["arguments"]["x-delivery-limit"] == 20


@pytest.mark.usefixtures("soon")
def test_event_that_finds_no_queue_stays_open_and_arrives_later(bench: Bench, rabbit_server: RabbitServer) -> None:
    event_id = bench.add()
    with connect(bench.broker_url) as connection:
        producer = connection.Producer()
        with pytest.raises(connection.channel_errors, match="NO_ROUTE"):
            bench.relay().publish_due(producer)
    assert bench.row(event_id).done_at is None
    bench.start()
    assert bench.wait_effects(1) == [event_id]


@pytest.mark.usefixtures("soon")
def test_queue_deleted_under_relay_and_consumer_is_made_again(bench: Bench, rabbit_server: RabbitServer) -> None:
    bench.start()
    first = bench.add()
    assert bench.wait_effects(1) == [first]
    rabbit_server.api("DELETE", path_of_queue(bench))
    more = [bench.add() for _ in range(3)]
    assert bench.wait_effects(4) == [first, *more]


@pytest.mark.usefixtures("soon")
def test_broker_killed_under_relay_and_consumer_loses_and_doubles_nothing(bench: Bench, rabbit_server: RabbitServer) -> None:
    bench.start()
    time.sleep(NEW_QUEUE_SECONDS)
    before = [bench.add() for _ in range(30)]
    bench.wait_effects(5)
    rabbit_server.kill()
    during = [bench.add() for _ in range(10)]
    time.sleep(1)
    rabbit_server.start()
    after = [bench.add() for _ in range(10)]
    assert bench.wait_effects(50, seconds=60) == before + during + after


def test_frozen_broker_holds_a_publish_up_for_seconds_only(bench: Bench, rabbit_server: RabbitServer) -> None:
    with connect(bench.broker_url) as connection:
        producer = connection.Producer()
        producer.maybe_declare(queue("test.q"))
        event_id = bench.add()
        rabbit_server.freeze()
        started = time.monotonic()
        try:
            with pytest.raises(OperationalError):
                bench.relay().publish_due(producer)
            assert time.monotonic() - started < 4 * ANSWER_SECONDS
        finally:
            rabbit_server.thaw()
    assert bench.row(event_id).done_at is None


def test_idle_relay_and_consumer_keep_their_connections_by_heartbeats(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "HEARTBEAT_SECONDS", 3)
    with connect(
        bench.broker_url
    ) as connection:  # who declares a new queue beside another may find it half made, and starts again
        connection.Producer().maybe_declare(queue("test.q"))
    bench.start()
    time.sleep(10)
    assert bench.health.failing(time.monotonic()) == {}
    event_id = bench.add()
    assert bench.wait_effects(1) == [event_id]
