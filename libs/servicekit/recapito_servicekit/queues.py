"""Events between processes: the relay publishes what the outbox holds, a consumer handles it (kombu, over Redis or RabbitMQ).

A message is a CloudEvents 1.0 event in structured JSON. It goes to the default exchange under its queue's name, for an exchange
that a flushed Redis forgot drops messages without a word. The outbox says whether an event is still open; the broker never does.
"""

import contextlib
import contextvars
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event as Flag
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import grpc
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from marshmallow import INCLUDE, Schema, ValidationError, fields
from marshmallow import validate as checks
from prometheus_client import Counter, Histogram

from recapito_servicekit import logs, redis_url, traces
from recapito_servicekit.clock import Clock
from recapito_servicekit.errors import Kind, Refusal
from recapito_servicekit.mail import MailFailed
from recapito_servicekit.outbox import TRIES, Event, Outbox
from recapito_servicekit.sql import Database
from recapito_servicekit.status import refusal_from

log = logs.get(__name__)

PUBLISHED = Counter("recapito_events_published", "Events handed to the broker", ["type"])
HANDLED = Counter(
    "recapito_events_handled", "Events handled: done, failed or postponed (comes again), dead, closed before", ["type", "outcome"]
)
SECONDS = Histogram("recapito_event_seconds", "Seconds that handling an event took", ["type"])
UNREADABLE = Counter("recapito_messages_unreadable", "Messages that are no event", ["queue"])

BATCH: Final = 50
POLL_SECONDS: Final = 0.2
IDLE_SECONDS: Final = 1.0
OUTAGES: Final = frozenset({Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED, Kind.RESOURCE_EXHAUSTED})
VISIBILITY_SECONDS: Final = 120  # several times the slowest handler; one figure for all, since the shortest wins
ANSWER_SECONDS: Final = 5.0  # how long a broker that is there may take to answer
HEARTBEAT_SECONDS: Final = 60  # longer than the slowest handler, for while it works nobody sends one
REDIS: Final[Mapping[str, Any]] = {
    "visibility_timeout": VISIBILITY_SECONDS,
    "unacked_restore_limit": 50,
    "socket_timeout": ANSWER_SECONDS,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
RABBITMQ: Final[Mapping[str, Any]] = {
    "confirm_publish": True,
    "read_timeout": ANSWER_SECONDS,
    "write_timeout": ANSWER_SECONDS,
}
# RabbitMQ 4 has it by itself; what it drops, the outbox brings back
QUORUM: Final[Mapping[str, Any]] = {"x-queue-type": "quorum", "x-delivery-limit": 20}
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
    requestid = fields.String(load_default="")  # an attribute's name takes letters and digits alone
    traceparent = fields.String(load_default="")


class Unreadable(Exception):
    """Raised by a handler: the event can't be understood, now or later. It goes to the dead letters with this reason."""


Handler = Callable[[Event], None]
"""Records the event's effect and closes the event in one transaction; called again until that held."""


def connect(url: str, name: str = "") -> Connection:
    """A connection to the broker with its timeouts. ``name``: who it is to a Redis, where nothing else tells who consumes."""
    if url.startswith("amqp"):
        bare, files = _amqp(url)
        # py-amqp checks no name where it is given no CA, and no certificate unless it is told to
        sure = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": urlsplit(url).hostname}
        tls = {**sure, **files} if files else False
        return Connection(bare, ssl=tls, transport_options=dict(RABBITMQ), connect_timeout=2, heartbeat=HEARTBEAT_SECONDS)
    options = {**REDIS, **({"client_name": name} if name else {})}
    address = redis_url.read(url)
    if address.tls is None:
        return Connection(url, transport_options=options, connect_timeout=2)
    # kombu checks no certificate unless it is told to
    return Connection(
        url.partition("?")[0], ssl={"ssl_cert_reqs": "required", **address.tls}, transport_options=options, connect_timeout=2
    )


def check_url(url: str) -> None:
    """redis:// or amqp://; with TLS (rediss://, amqps://) the files that it names are there"""
    try:
        redis_url.demand_files(_amqp(url)[1] if url.startswith("amqp") else redis_url.read(url).tls)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _amqp(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its query, and the files of TLS that it names, as py-amqp calls them; none: it is plain.

    Raises ValueError: what is wrong with it.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    files = {name.removeprefix("ssl_"): query.pop(name) for name in redis_url.FILES if name in query}
    if query or (files and parts.scheme != "amqps"):
        raise ValueError(f"takes no {', '.join(sorted(query or files))}")
    if parts.scheme == "amqps" and "ca_certs" not in files:
        raise ValueError("amqps:// needs ?ssl_ca_certs=FILE, the CA of the broker's certificate")
    return url.partition("?")[0], files


def listen(connection: Connection, seconds: float) -> None:
    """Takes in what the broker says, at most one message, and answers its heartbeats.

    Whoever holds a connection calls it all the time, else a broker that is gone is noticed by the next event alone. Raises
    when the broker is lost, or the queue that is consumed.
    """
    with contextlib.suppress(TimeoutError):
        connection.drain_events(timeout=seconds)
    connection.heartbeat_check()


def consumer_name(queue: str) -> str:
    """The name of a connection that consumes a queue."""
    return f"consumer-of-{queue}"


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
        self._woken = Flag()
        self._taken: deque[Event] = deque()
        self._to_look = False
        self._connected = False
        database.tell(self)  # an event of this very process needn't wait for the next look

    def takes(self) -> bool:
        """While it is connected."""
        return self._connected

    def take(self, events: list[Event]) -> None:
        """Publishes them at once."""
        self._taken += events
        self._woken.set()

    def look(self) -> None:
        """Looks at once."""
        self._to_look = True
        self._woken.set()

    def run(self, stop: Flag) -> None:
        """Publishes until told to stop. Raises when the broker is lost; whoever runs it starts it again."""
        self._run(stop, POLL_SECONDS, looks=True)

    def run_at_once(self, stop: Flag) -> None:
        """Publishes only what this process has just written, and leaves the rest to those who look; raises as ``run`` does."""
        self._run(stop, IDLE_SECONDS, looks=False)

    def _run(self, stop: Flag, pause: float, *, looks: bool) -> None:
        with connect(self._url) as connection:
            producer = connection.Producer()
            for name in set(self._queue_of.values()):
                producer.maybe_declare(queue(name))
            self._connected = True
            look_at = 0.0
            try:
                while not stop.is_set():
                    self._woken.wait(pause)
                    self._woken.clear()
                    self.publish_taken(producer)
                    if self._to_look or (looks and time.monotonic() >= look_at):
                        self._to_look = False
                        while self._is_due() and self.publish_due(producer):
                            pass
                        look_at = time.monotonic() + pause
                    listen(connection, 0.001)
                self.publish_taken(producer)
            finally:
                self._connected = False
                self._give_back(self._all_taken())

    def publish_taken(self, producer: Any) -> None:
        """Publishes what was handed over. Raises as ``publish_due`` does."""
        self._publish_all(producer, self._all_taken())

    def publish_due(self, producer: Any) -> int:
        """Publishes what is due; gives how many. Raises where one finds no queue, or isn't confirmed."""
        with self._database.transaction() as tx:
            events = self._outbox.due(tx, self._clock(), BATCH)
        self._publish_all(producer, events)
        return len(events)

    def _all_taken(self) -> list[Event]:
        return [self._taken.popleft() for _ in range(len(self._taken))]

    def _give_back(self, events: list[Event]) -> None:
        if events:
            with self._database.transaction() as tx:
                self._outbox.give_back(tx, [one.event_id for one in events], self._clock())

    def _is_due(self) -> bool:
        with self._database.read_each() as tx:  # which keeps nobody from writing, as taking them does
            return self._outbox.is_due(tx, self._clock())

    def _publish_all(self, producer: Any, events: list[Event]) -> None:
        """Publishes them one after another; from the first that fails on they are due at once again."""
        for place, event in enumerate(events):
            try:
                self._publish(producer, event)
            except BaseException:
                self._give_back(events[place:])  # else they would wait until they are published again
                raise
            PUBLISHED.labels(event.type).inc()

    def _publish(self, producer: Any, event: Event) -> None:
        producer.publish(
            json.dumps(envelope(event, self._source)),
            exchange="",
            routing_key=self._queue_of[event.type],
            content_type="application/cloudevents+json",
            content_encoding="utf-8",
            delivery_mode=2,
            mandatory=True,  # RabbitMQ confirms a message that finds no queue, too
            confirm_timeout=ANSWER_SECONDS,
            retry=True,
            retry_policy=dict(RETRY),
        )


class Consumer:
    """Handles the events of one queue, one after another."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        broker_url: str,
        name: str,
        handlers: Mapping[str, Handler],
        clock: Clock,
        tries: int = TRIES,
    ) -> None:
        self._tries = tries
        self._database = database
        self._outbox = outbox
        self._url = broker_url
        self._name = name
        self._handlers = handlers
        self._clock = clock

    def run(self, stop: Flag) -> None:
        """Handles events until told to stop. Raises when the broker is lost; whoever runs it starts it again."""
        with (
            connect(self._url, consumer_name(self._name)) as connection,
            connection.Consumer([queue(self._name)], on_message=self._received, prefetch_count=1),
        ):
            while not stop.is_set():
                try:
                    listen(connection, IDLE_SECONDS)
                except ValueError as error:  # not even an envelope; the broker has dropped it
                    UNREADABLE.labels(self._name).inc()
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
            UNREADABLE.labels(self._name).inc()
            log.error("event unreadable", queue=self._name, error=type(error).__name__)
            return
        event = Event(
            event_id=document["id"],
            type=document["type"],
            key=document["subject"],
            data=document["data"],
            created_at=document["time"],
            request_id=document["requestid"],
            traceparent=document["traceparent"],
        )
        contextvars.copy_context().run(self._handle, event)

    def _handle(self, event: Event) -> None:
        started = time.perf_counter()
        kind = event.type if event.type in self._handlers else "unknown"  # a label takes no text from outside
        span = traces.enter(f"handle {kind}", traces.Kind.CONSUMER, event.request_id, event.traceparent)
        logs.bind(event_id=event.event_id, type=event.type, **{name: event.data.get(name) for name in logs.IDS})
        outcome = self._outcome(event)
        HANDLED.labels(kind, outcome).inc()
        SECONDS.labels(kind).observe(time.perf_counter() - started)
        span.end("" if outcome in {"done", "closed"} else outcome)

    def _outcome(self, event: Event) -> str:
        with self._database.read_each() as tx:
            if not self._outbox.is_open(tx, event.event_id):
                return "closed"
        try:
            handler = self._handlers.get(event.type)
            if handler is None:
                raise Unreadable(f"no handler for {event.type}")
            handler(event)
        except Unreadable as error:
            log.error("event can't be understood", error=str(error))
            return self._fail(event, str(error), final=True)
        except Exception as error:
            if _is_outage(error):
                log.warning("event waits for what it needs", error=str(error) or type(error).__name__)
                return self._postpone(event, type(error).__name__)
            log.warning("event failed", error=type(error).__name__, exc_info=error)
            return self._fail(event, f"{type(error).__name__}", final=False)
        log.info("event handled")
        return "done"

    def _fail(self, event: Event, error: str, *, final: bool) -> str:
        with self._database.transaction() as tx:
            return (
                "dead"
                if self._outbox.fail(tx, event.event_id, error, self._clock(), tries=self._tries, final=final)
                else "failed"
            )

    def _postpone(self, event: Event, error: str) -> str:
        with self._database.transaction() as tx:
            return "dead" if self._outbox.postpone(tx, event.event_id, error, self._clock()) else "postponed"


def _is_outage(error: Exception) -> bool:
    """Whether a called service or the mail relay is away for now, as against an event that can't be handled."""
    refusal = refusal_from(error) if isinstance(error, grpc.RpcError) else error
    return isinstance(error, MailFailed) or (isinstance(refusal, Refusal) and refusal.kind in OUTAGES)


def queue(name: str) -> Queue:
    """A durable queue on the default exchange; on RabbitMQ a quorum queue."""
    return Queue(name, exchange=Exchange(""), routing_key=name, durable=True, queue_arguments=dict(QUORUM))


def envelope(event: Event, source: str) -> dict[str, Any]:
    """An event as CloudEvents structured JSON; the request that it comes of as extension attributes."""
    extensions = {"requestid": event.request_id, "traceparent": event.traceparent}
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": source,
        "type": event.type,
        "subject": event.key,
        "time": _iso(event.created_at),
        "datacontenttype": "application/json",
        "data": event.data,
        **{name: value for name, value in extensions.items() if value},
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
