"""Events between processes: the relay publishes what the outbox holds, a consumer handles it (kombu, over Redis or RabbitMQ).

A message is a CloudEvents 1.0 event in structured JSON. It goes to the default exchange under its queue's name, for an exchange
that a flushed Redis forgot drops messages without a word. The outbox says whether an event is still open; the broker never does.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Any, Final

from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from marshmallow import INCLUDE, Schema, ValidationError, fields
from marshmallow import validate as checks

from recapito_servicekit import logs
from recapito_servicekit.clock import Clock
from recapito_servicekit.outbox import Event, Outbox
from recapito_servicekit.sql import Database

log = logs.get(__name__)

BATCH: Final = 50
POLL_SECONDS: Final = 0.2
VISIBILITY_SECONDS: Final = 120  # several times the slowest handler; one figure for all, since the shortest wins
TRANSPORT: Final[Mapping[str, Any]] = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_limit": 50,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "confirm_publish": True,
}
RETRY: Final[Mapping[str, Any]] = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5}


class EventSchema(Schema):
    """CloudEvents 1.0, as far as we use it; attributes that we don't know are passed over."""

    class Meta:
        unknown = INCLUDE

    specversion = fields.String(required=True, validate=checks.Equal("1.0"))
    id = fields.String(required=True, validate=checks.Length(1, 64))
    source = fields.String(required=True)
    type = fields.String(required=True)
    subject = fields.String(required=True)
    time = fields.AwareDateTime(required=True)
    data = fields.Dict(keys=fields.String(), required=True)


class Unreadable(Exception):
    """Raised by a handler: the event can't be understood, now or later. It goes to the dead letters with this reason."""


Handler = Callable[[Event], None]
"""Records the event's effect and closes the event in one transaction; called again until that held."""


def connect(url: str) -> Connection:
    """A connection to the broker with its timeouts."""
    return Connection(url, transport_options=dict(TRANSPORT), connect_timeout=2)


class Relay:
    """Publishes what the outbox holds. Several may run at once."""

    def __init__(
        self, database: Database, outbox: Outbox, broker_url: str, source: str, queue_of: Mapping[str, str], clock: Clock
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._url = broker_url
        self._source = source
        self._queue_of = queue_of
        self._clock = clock

    def run(self, stop: Flag) -> None:
        """Publishes until told to stop. Raises when the broker is lost; whoever runs it starts it again."""
        with connect(self._url) as connection:
            producer = connection.Producer()
            for name in set(self._queue_of.values()):
                producer.maybe_declare(queue(name))
            while not stop.is_set():
                if not self.publish_due(producer):
                    stop.wait(POLL_SECONDS)

    def publish_due(self, producer: Any) -> int:
        """Publishes what is due; gives how many."""
        with self._database.transaction() as tx:
            events = self._outbox.due(tx, self._clock(), BATCH)
        for event in events:
            producer.publish(
                json.dumps(envelope(event, self._source)),
                exchange="",
                routing_key=self._queue_of[event.type],
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                delivery_mode=2,
                retry=True,
                retry_policy=dict(RETRY),
            )
        return len(events)


class Consumer:
    """Handles the events of one queue, one after another."""

    def __init__(
        self, database: Database, outbox: Outbox, broker_url: str, name: str, handlers: Mapping[str, Handler], clock: Clock
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._url = broker_url
        self._name = name
        self._handlers = handlers
        self._clock = clock

    def run(self, stop: Flag) -> None:
        """Handles events until told to stop. Raises when the broker is lost; whoever runs it starts it again."""
        with (
            connect(self._url) as connection,
            connection.Consumer([queue(self._name)], on_message=self._received, prefetch_count=1),
        ):
            while not stop.is_set():
                try:
                    connection.drain_events(timeout=1)
                except TimeoutError:
                    continue
                except ValueError as error:  # not even an envelope; the broker has dropped it
                    log.error("message unreadable", queue=self._name, error=type(error).__name__)

    def _received(self, message: Any) -> None:
        try:
            self.handle(message.body)
        finally:
            message.ack()  # the outbox, not the broker, brings an event back

    def handle(self, body: str | bytes) -> None:
        """Handles one message: checks it, calls its handler, notes a failure. Raises nothing that a message can cause."""
        try:
            document = EventSchema().loads(body)
        except (ValidationError, ValueError, TypeError) as error:
            log.error("event unreadable", queue=self._name, error=type(error).__name__)
            return
        event = Event(document["id"], document["type"], document["subject"], document["data"], document["time"])
        with self._database.read() as tx:
            if not self._outbox.is_open(tx, event.event_id):
                return
        try:
            handler = self._handlers.get(event.type)
            if handler is None:
                raise Unreadable(f"no handler for {event.type}")
            handler(event)
        except Unreadable as error:
            self._fail(event, str(error), final=True)
        except Exception as error:
            log.warning("event failed", event_id=event.event_id, type=event.type, error=type(error).__name__, exc_info=error)
            self._fail(event, f"{type(error).__name__}", final=False)

    def _fail(self, event: Event, error: str, *, final: bool) -> None:
        with self._database.transaction() as tx:
            self._outbox.fail(tx, event.event_id, error, self._clock(), final=final)


def queue(name: str) -> Queue:
    """A durable queue on the default exchange; on RabbitMQ a quorum queue."""
    return Queue(name, exchange=Exchange(""), routing_key=name, durable=True, queue_arguments={"x-queue-type": "quorum"})


def envelope(event: Event, source: str) -> dict[str, Any]:
    """An event as CloudEvents structured JSON."""
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": source,
        "type": event.type,
        "subject": event.key,
        "time": _iso(event.created_at),
        "datacontenttype": "application/json",
        "data": event.data,
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
